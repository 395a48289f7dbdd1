/* The one table of all options: it drives the parser, the help and docs/configuration.md. */
#ifndef MMM_CONFIG_OPTIONS_H
#define MMM_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"
#include "base/reason.h"

enum { OPTIONS_MAX = 64, HINT_SIZE = 200 };

enum section_kind {
    SECTION_CLUSTER,
    SECTION_MONITOR,
    SECTION_HOST,
    SECTION_ROLE,
    SECTION_REPLICATION,
    SECTION_CHECK,
    SECTION_HEALTH,
    SECTION_LEASE,
    SECTION_FAILOVER,
    SECTION_TLS,
    SECTION_COUNT,
};

struct section_form {
    const char *word;
    bool named; /* [word NAME], any number of them; else [word], once */
    const char *help;
};

extern const struct section_form section_forms[SECTION_COUNT];

enum option_type {
    OPTION_NAME,      /* letters, digits, - _ . */
    OPTION_WORD,      /* anything printable without white space */
    OPTION_INTERFACE, /* a network interface */
    OPTION_PATH,      /* absolute */
    OPTION_COMMAND,   /* a program and its arguments, split at spaces */
    OPTION_ADDRESS,   /* one IP address */
    OPTION_NUMBER,
    OPTION_DURATION,
    OPTION_CHOICE,
    OPTION_NAMES,     /* list of host names */
    OPTION_ADDRESSES, /* list of address/length: role addresses */
    OPTION_NETWORKS,  /* list of address/length: whose addresses begin alike */
};

enum option_trait {
    OPTION_PLAIN,
    OPTION_OWN,     /* cannot stand in [host default]: every host has its own */
    OPTION_DERIVED, /* its default is computed from other options; fallback says how */
};

struct option_choice {
    const char *word;
    unsigned value;
};

struct option {
    enum section_kind section;
    const char *key;
    enum option_type type;
    enum option_trait trait;
    size_t offset; /* in struct draft; in struct host_draft or role_draft for their sections */
    size_t size;
    const char *fallback; /* the default as one would write it; NULL: must be given; "": may stay empty */
    long long least;      /* numbers, and durations in milliseconds; texts: the longest in most, 0: by size */
    long long most;
    const struct option_choice *choices; /* ends with word NULL */
    const char *help;
};

extern const struct option options[];
extern const size_t option_count;

/* NULL when that section has no such key; other names of a key are known here. */
const struct option *option_find(enum section_kind section, const char *key);
/* SECTION_COUNT when there is none. */
enum section_kind section_find(const char *word);

/* Reads text as the option's type and writes it at «to», which is untouched on failure. */
enum rc option_parse(const struct option *option, const char *text, void *to, struct reason *ret_why) NODISCARD;
/* Letters, digits, - _ . and a letter or digit first, so that a name is never a path of its own. */
bool name_is_valid(const char *name);

/* For «did you mean …»: try every known word, then ask for the hint. */
struct nearest {
    const char *word;
    const char *best;
    unsigned distance;
    char known[HINT_SIZE];
};
void nearest_try(struct nearest *nearest, const char *known);
/* «; did you mean "x"?», or the known words when none is near. */
void nearest_hint(const struct nearest *nearest, char ret_hint[static HINT_SIZE]);

#endif
