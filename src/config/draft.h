/* The file as it was written: every section with the lines of its keys, names not yet resolved.  Private to
 * src/config/; the option table puts values here, check.c makes the settings of it. */
#ifndef MMM_CONFIG_DRAFT_H
#define MMM_CONFIG_DRAFT_H

#include "config/config.h"
#include "config/options.h"

struct section {
    enum section_kind kind;
    char name[NAME_SIZE];        /* empty for kinds that have none */
    unsigned line;               /* 0: not in the file */
    unsigned lines[OPTIONS_MAX]; /* by index in the option table; 0: the key was not given */
};

struct name_list {
    int count;
    char names[HOSTS_MAX][NAME_SIZE];
};

struct address_list {
    int count;
    struct {
        struct ip ip;
        uint8_t prefix;
    } items[ADDRESSES_MAX];
};

struct host_draft {
    struct section section;
    struct host_spec spec;
    struct host_settings settings;
};

struct role_draft {
    struct section section;
    enum role_mode mode;
    struct name_list hosts;
    struct address_list addresses;
    char prefer[NAME_SIZE];
};

struct draft {
    const char *file;
    struct section sections[SECTION_COUNT]; /* the kinds without a name */
    struct settings settings;
    char writer_role[NAME_SIZE];
    struct host_draft host_default; /* [host default] */
    int host_count;
    struct host_draft hosts[HOSTS_MAX];
    int role_count;
    struct role_draft roles[ROLES_MAX];
};

/* Sets «file:line: [section] key: what is wrong» and answers RC_INVALID.  The line is the key's, or its section's when
 * the key was not given; key may be NULL. */
enum rc draft_fail(const struct draft *draft, const struct section *section, const char *key, struct reason *ret_why,
                   const char *format, ...) PRINTF_LIKE(5, 6);

/* Checks the whole, which no key can be wrong in alone, and fills draft->settings. */
enum rc draft_finish(struct draft *draft, struct reason *ret_why) NODISCARD;

#endif
