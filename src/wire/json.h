/* JSON text to fields and back, for text that came from outside: size, depth and count are bounded before jansson sees
 * it, a field given twice is an error, types and ranges are checked.
 *
 * Reading keeps the first thing that is wrong; every later read answers zero.  So a decoder is a list of fields with
 * one look at decoding.rc at its end, before anything of the caller's is touched. Writing cannot fail: out of memory
 * ends the process (STYLE.md, memory). */
#ifndef MMM_WIRE_JSON_H
#define MMM_WIRE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rc.h"
#include "base/reason.h"

enum {
    MESSAGE_TEXT_MAX = 64 * 1024, /* bytes of a message between machines */
    JSON_DEPTH_MAX = 8,
    JSON_VALUES_MAX = 4096, /* in a message; in longer texts, one for each 16 bytes that may be read */
};

/* Numbers on the wire stay where every reader of JSON, JavaScript too, has them exactly. */
#define WIRE_INTEGER_MAX ((INT64_C(1) << 53) - 1)

/* The whole text must be one object.  *ret_root: the caller's, json_decref.  what names the text in reasons. */
enum rc json_from_text(const char *what, const char *text, size_t length, size_t most, json_t **ret_root,
                       struct reason *ret_why) NODISCARD;

struct decoding {
    enum rc rc; /* RC_OK until something is wrong */
    struct reason *why;
};

/* One object that is being read. */
struct fields {
    struct decoding *decoding;
    const json_t *object;
    char path[64]; /* «report.probe», for the reason */
};

/* Notes what is wrong with a field, unless something was wrong before. */
void field_wrong(const struct fields *fields, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);

/* Present, and not null. */
bool field_is_there(const struct fields *fields, const char *name);
/* The value, or NULL after field_wrong. */
const json_t *field_value(const struct fields *fields, const char *name);
int64_t field_integer(const struct fields *fields, const char *name, int64_t least, int64_t most);
uint64_t field_term(const struct fields *fields);                     /* «term», 0 to 2^TERM_BITS - 1 */
uint64_t field_number(const struct fields *fields, const char *name); /* 0 to WIRE_INTEGER_MAX */
msec field_msec(const struct fields *fields, const char *name);       /* 0 to WIRE_INTEGER_MAX */
bool field_flag(const struct fields *fields, const char *name);
/* Text that must fit.  Control characters other than newline and tab become spaces: they would reach a terminal. */
void field_text(const struct fields *fields, const char *name, char *ret_text, size_t size);
void field_text_or_empty(const struct fields *fields, const char *name, char *ret_text, size_t size);
/* One of count words; its index. */
int field_word(const struct fields *fields, const char *name, const char *const *words, size_t count);
/* A number of all 64 bits, as 16 hexadecimal digits. */
uint64_t field_id(const struct fields *fields, const char *name);
struct fields field_object(const struct fields *fields, const char *name);
/* An array of at most so many members, or NULL (which json_array_size takes for an empty one). */
const json_t *field_array(const struct fields *fields, const char *name, size_t most);
/* Member i of an array called name, which must be an object. */
struct fields field_member(const struct fields *fields, const char *name, const json_t *array, size_t i);

json_t *object_new(void);
json_t *array_new(void);
/* Both take value over. */
void put(json_t *object, const char *name, json_t *value);
void array_put(json_t *array, json_t *value);
/* Bytes that are not UTF-8 (a text cut in the middle of a character, another character set) become «?». */
json_t *text_value(const char *text);

void put_number(json_t *object, const char *name, uint64_t value);
/* A length or a moment: below 0 is written as 0, beyond WIRE_INTEGER_MAX (NEVER, say) as that. */
void put_msec(json_t *object, const char *name, msec value);
void put_flag(json_t *object, const char *name, bool value);
void put_text(json_t *object, const char *name, const char *text);
void put_text_unless_empty(json_t *object, const char *name, const char *text);
void put_text_or_null(json_t *object, const char *name, const char *text); /* empty: null */
void put_word(json_t *object, const char *name, const char *const *words, size_t count, int word);
void put_id(json_t *object, const char *name, uint64_t id);

/* One line of text, malloc'ed.  Takes the object over. */
char *object_to_text(json_t *object);

#endif
