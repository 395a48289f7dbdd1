#include "wire/json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/limits.h"

/* jansson parses by recursion; this looks at depth and count first, without any. */
static enum rc check_shape(const char *what, const char *text, size_t length, size_t most_values,
                           struct reason *ret_why) {
    size_t depth = 0, values = 1;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
            values++;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        } else if (c == ',') {
            values++;
        }
        if (depth > JSON_DEPTH_MAX)
            return FAIL(RC_INVALID, ret_why, "%s: nested deeper than %d", what, JSON_DEPTH_MAX);
        if (values > most_values)
            return FAIL(RC_INVALID, ret_why, "%s: more than %zu values", what, most_values);
    }
    return RC_OK;
}

static void clean_controls(char *text) {
    for (; *text; text++)
        if (((unsigned char)*text < 0x20 && *text != '\n' && *text != '\t') || *text == 0x7f)
            *text = ' ';
}

enum rc json_from_text(const char *what, const char *text, size_t length, size_t most, json_t **ret_root,
                       struct reason *ret_why) {
    if (length > most)
        return FAIL(RC_INVALID, ret_why, "%s: %zu bytes, more than the %zu that are read", what, length, most);
    enum rc rc = check_shape(what, text, length, most / 16 > JSON_VALUES_MAX ? most / 16 : JSON_VALUES_MAX, ret_why);
    if (rc)
        return rc;
    json_error_t error;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        clean_controls(error.text);
        return FAIL(RC_INVALID, ret_why, "%s: not JSON: %.160s (byte %d)", what, error.text, error.position);
    }
    if (!json_is_object(root)) {
        json_decref(root);
        return FAIL(RC_INVALID, ret_why, "%s: not a JSON object", what);
    }
    *ret_root = root;
    return RC_OK;
}

void field_wrong(const struct fields *fields, const char *name, const char *format, ...) {
    if (fields->decoding->rc)
        return;
    char detail[REASON_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    fields->decoding->rc = RC_INVALID;
    reason_set(fields->decoding->why, "%s.%s: %.300s", fields->path, name, detail);
}

bool field_is_there(const struct fields *fields, const char *name) {
    const json_t *value = json_object_get(fields->object, name);
    return value && !json_is_null(value);
}

const json_t *field_value(const struct fields *fields, const char *name) {
    if (fields->decoding->rc)
        return NULL;
    const json_t *value = json_object_get(fields->object, name);
    if (!value)
        field_wrong(fields, name, "missing");
    return value;
}

int64_t field_integer(const struct fields *fields, const char *name, int64_t least, int64_t most) {
    const json_t *value = field_value(fields, name);
    if (!value)
        return 0;
    int64_t number = json_integer_value(value);
    if (json_is_integer(value) && number >= least && number <= most)
        return number;
    field_wrong(fields, name, "must be a whole number from %lld to %lld", (long long)least, (long long)most);
    return 0;
}

uint64_t field_term(const struct fields *fields) {
    return (uint64_t)field_integer(fields, "term", 0, (INT64_C(1) << TERM_BITS) - 1);
}

uint64_t field_number(const struct fields *fields, const char *name) {
    return (uint64_t)field_integer(fields, name, 0, WIRE_INTEGER_MAX);
}

msec field_msec(const struct fields *fields, const char *name) {
    return field_integer(fields, name, 0, WIRE_INTEGER_MAX);
}

bool field_flag(const struct fields *fields, const char *name) {
    const json_t *value = field_value(fields, name);
    if (value && !json_is_boolean(value))
        field_wrong(fields, name, "must be true or false");
    return json_is_true(value);
}

void field_text(const struct fields *fields, const char *name, char *ret_text, size_t size) {
    const json_t *value = field_value(fields, name);
    ret_text[0] = 0;
    if (!value)
        return;
    if (!json_is_string(value)) {
        field_wrong(fields, name, "must be a text");
        return;
    }
    size_t length = json_string_length(value);
    if (length >= size) {
        field_wrong(fields, name, "a text of %zu bytes; %zu is the most", length, size - 1);
        return;
    }
    memcpy(ret_text, json_string_value(value), length + 1);
    clean_controls(ret_text);
}

void field_text_or_empty(const struct fields *fields, const char *name, char *ret_text, size_t size) {
    ret_text[0] = 0;
    if (field_is_there(fields, name))
        field_text(fields, name, ret_text, size);
}

int field_word(const struct fields *fields, const char *name, const char *const *words, size_t count) {
    const json_t *value = field_value(fields, name);
    if (!value)
        return 0;
    const char *word = json_string_value(value);
    for (size_t i = 0; word && i < count; i++)
        if (words[i] && strcmp(words[i], word) == 0)
            return (int)i;
    if (word)
        field_wrong(fields, name, "«%.40s» is not one of the words known here (%s to %s)", word, words[0],
                    words[count - 1]);
    else
        field_wrong(fields, name, "must be a word, like «%s»", words[0]);
    return 0;
}

uint64_t field_id(const struct fields *fields, const char *name) {
    char digits[17];
    field_text(fields, name, digits, sizeof digits);
    if (fields->decoding->rc)
        return 0;
    if (strlen(digits) == 16 && strspn(digits, "0123456789abcdef") == 16)
        return strtoull(digits, NULL, 16);
    field_wrong(fields, name, "must be 16 hexadecimal digits");
    return 0;
}

static struct fields fields_in(const struct fields *outer, const json_t *object) {
    struct fields inner = { .decoding = outer->decoding, .object = object };
    return inner;
}

struct fields field_object(const struct fields *fields, const char *name) {
    const json_t *value = field_value(fields, name);
    if (value && !json_is_object(value))
        field_wrong(fields, name, "must be an object");
    struct fields inner = fields_in(fields, json_is_object(value) ? value : NULL);
    snprintf(inner.path, sizeof inner.path, "%.40s.%.20s", fields->path, name);
    return inner;
}

const json_t *field_array(const struct fields *fields, const char *name, size_t most) {
    const json_t *value = field_value(fields, name);
    if (!value)
        return NULL;
    if (!json_is_array(value))
        field_wrong(fields, name, "must be a list");
    else if (json_array_size(value) > most)
        field_wrong(fields, name, "a list of %zu; %zu is the most", json_array_size(value), most);
    else
        return value;
    return NULL;
}

struct fields field_member(const struct fields *fields, const char *name, const json_t *array, size_t i) {
    const json_t *value = json_array_get(array, i);
    if (!json_is_object(value))
        field_wrong(fields, name, "member %zu must be an object", i);
    struct fields inner = fields_in(fields, json_is_object(value) ? value : NULL);
    snprintf(inner.path, sizeof inner.path, "%.30s.%.15s[%zu]", fields->path, name, i);
    return inner;
}

static void *need(void *memory) {
    if (!memory)
        abort();
    return memory;
}

json_t *object_new(void) {
    return need(json_object());
}

json_t *array_new(void) {
    return need(json_array());
}

void put(json_t *object, const char *name, json_t *value) {
    if (json_object_set_new(object, name, need(value)))
        abort();
}

void array_put(json_t *array, json_t *value) {
    if (json_array_append_new(array, need(value)))
        abort();
}

/* Bytes of the character that starts here, 0 when it is not one (RFC 3629, section 4). */
static size_t character_length(const unsigned char *at) {
    unsigned char lead = at[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    unsigned char low = 0x80, high = 0xbf;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
    return length;
}

static void clean_characters(char *text) {
    while (*text) {
        size_t length = character_length((const unsigned char *)text);
        if (!length)
            *text = '?';
        text += length ? length : 1;
    }
}

json_t *text_value(const char *text) {
    char *clean = need(strdup(text));
    clean_controls(clean);
    clean_characters(clean);
    json_t *value = need(json_string(clean));
    free(clean);
    return value;
}

void put_number(json_t *object, const char *name, uint64_t value) {
    put(object, name, json_integer(value < WIRE_INTEGER_MAX ? (json_int_t)value : WIRE_INTEGER_MAX));
}

void put_msec(json_t *object, const char *name, msec value) {
    put_number(object, name, value < 0 ? 0 : (uint64_t)value);
}

void put_flag(json_t *object, const char *name, bool value) {
    put(object, name, json_boolean(value));
}

void put_text(json_t *object, const char *name, const char *text) {
    put(object, name, text_value(text));
}

void put_text_unless_empty(json_t *object, const char *name, const char *text) {
    if (text[0])
        put_text(object, name, text);
}

void put_text_or_null(json_t *object, const char *name, const char *text) {
    put(object, name, text[0] ? text_value(text) : json_null());
}

void put_word(json_t *object, const char *name, const char *const *words, size_t count, int word) {
    assert(word >= 0 && (size_t)word < count && words[word]);
    put_text(object, name, words[word]);
}

void put_id(json_t *object, const char *name, uint64_t id) {
    char digits[17];
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)id);
    put_text(object, name, digits);
}

char *object_to_text(json_t *object) {
    char *text = need(json_dumps(object, JSON_COMPACT));
    json_decref(object);
    return text;
}
