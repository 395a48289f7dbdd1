/* Settings of a server by which acknowledged transactions can get lost. */
#ifndef MMM_MODEL_SERVER_SETTINGS_H
#define MMM_MODEL_SERVER_SETTINGS_H

#include <stdbool.h>

#include "model/limits.h"

enum unsafe_setting {
    UNSAFE_UNFOLLOWABLE = 1 << 0, /* nobody can get from it what it wrote, or what it replicated */
    UNSAFE_CRASH = 1 << 1,        /* a crash of its machine, or its server, loses what it has committed */
    UNSAFE_ALL = UNSAFE_UNFOLLOWABLE | UNSAFE_CRASH,
};

struct server_settings {
    bool known;
    unsigned unsafe;      /* set of enum unsafe_setting */
    char text[FACT_SIZE]; /* for a person: «sync_binlog=0, innodb_flush_log_at_trx_commit=2» */
};

/* What settings_add looks at, as a list for SQL. */
#define SETTINGS_NAMES                                                                                                 \
    "'log_bin', 'log_slave_updates', 'log_replica_updates', 'sync_binlog', 'innodb_flush_log_at_trx_commit',"          \
    " 'gtid_mode'"

/* One setting as the server tells it; others, and those with a safe value, change nothing. */
void settings_add(struct server_settings *settings, const char *name, const char *value);

#endif
