/* The settings that a managed server needs, a row each: with their reasons they are the one list, from which servers
 * are asked, set, and given a file to start with. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "core/init/init.h"

#define MARIADB FAMILY_MARIADB
#define MYSQL FAMILY_MYSQL
#define SAME NULL /* on a replica as on a master */

// clang-format off
const struct init_setting init_settings[] = {
    /* rule, family, takes effect, match, name, on a master, on a replica, line, why */
    { "S10", MARIADB, INIT_RESTART, INIT_IS,          "log_bin",                        "ON",         SAME,  "log_bin = binlog",    "any host may become the others' source" },
    { "S11", MARIADB, INIT_RESTART, INIT_IS,          "log_slave_updates",              "ON",         SAME,  NULL,                  "what it replicated can be replicated from it" },
    { "S12", MARIADB, INIT_RESTART, INIT_IS,          "skip_networking",                "OFF",        SAME,  NULL,                  "clients and replicas come by TCP" },
    { "S13", MARIADB, INIT_RESTART, INIT_NO_LOOPBACK, "bind_address",                   "*",          SAME,  NULL,                  "clients and replicas come from other machines" },

    { "S20", MARIADB, INIT_RUNNING, INIT_IS,          "binlog_format",                  "ROW",        SAME,  NULL,                  "a replica does what was done, not what was said" },
    { "S21", MARIADB, INIT_RUNNING, INIT_IS,          "gtid_strict_mode",               "ON",         SAME,  NULL,                  "positions can be compared" },
    { "S22", MARIADB, INIT_RUNNING, INIT_IS,          "sync_binlog",                    "1",          SAME,  NULL,                  "what was acknowledged survives a crash" },
    { "S23", MARIADB, INIT_RUNNING, INIT_IS,          "innodb_flush_log_at_trx_commit", "1",          SAME,  NULL,                  "what was acknowledged survives a crash" },
    { "S24", MARIADB, INIT_RUNNING, INIT_IS,          "sync_relay_log",                 "1",          SAME,  NULL,                  "what a replica acknowledged survives its crash" },
    { "S25", MARIADB, INIT_RUNNING, INIT_IS,          "slave_net_timeout",              "4",          SAME,  NULL,                  "a replica notices a dead source within seconds" },
    { "S26", MARIADB, INIT_RUNNING, INIT_AT_LEAST,    "slave_parallel_threads",         "4",          SAME,  NULL,                  "a standby keeps up with a busy writer" },
    /* From 11.4 on, where it is 1. */
    { "S27", MARIADB, INIT_KNOWN,   INIT_IS,          "slave_connections_needed_for_purge", "0",      SAME,  NULL,                  "a standby, which nobody follows, purges its binary logs like all others" },

    { "S40", MARIADB, INIT_FILE,    INIT_IS,          "skip_slave_start",               "ON",         SAME,  NULL,                  "after a start the agent decides whom it follows" },
    /* Last: a server that is set up is not writable until its agent opens it. */
    { "S41", MARIADB, INIT_RUNNING, INIT_IS,          "read_only",                      "ON",         SAME,  NULL,                  "only the agent makes a server writable, and one that starts never is" },

    { "S60", MYSQL,   INIT_RESTART, INIT_IS,          "log_bin",                        "ON",         SAME,  "log_bin = binlog",    "any host may become the others' source" },
    { "S61", MYSQL,   INIT_RESTART, INIT_IS,          "log_replica_updates",            "ON",         SAME,  NULL,                  "what it replicated can be replicated from it" },
    { "S62", MYSQL,   INIT_RESTART, INIT_IS,          "skip_networking",                "OFF",        SAME,  NULL,                  "clients and replicas come by TCP" },
    { "S63", MYSQL,   INIT_RESTART, INIT_NO_LOOPBACK, "bind_address",                   "*",          SAME,  NULL,                  "clients and replicas come from other machines" },
    { "S64", MYSQL,   INIT_RESTART, INIT_IS,          "relay_log_recovery",             "OFF",        SAME,  NULL,                  "a crashed replica keeps what it has acknowledged and not applied" },

    { "S70", MYSQL,   INIT_PLUGIN,  INIT_IS,          "rpl_semi_sync_source",           "ACTIVE",     SAME,  "semisync_source.so",  "a writer can wait until another master has a commit" },
    { "S71", MYSQL,   INIT_PLUGIN,  INIT_IS,          "rpl_semi_sync_replica",          "ACTIVE",     SAME,  "semisync_replica.so", "a standby can acknowledge" },
    { "S72", MYSQL,   INIT_RUNNING, INIT_IS,          "enforce_gtid_consistency",       "ON",         SAME,  NULL,                  "no statement is accepted that has no GTID of its own" },
    /* After the one before, without which it cannot be ON. */
    { "S73", MYSQL,   INIT_RUNNING, INIT_IS,          "gtid_mode",                      "ON",         SAME,  NULL,                  "positions can be compared" },
    { "S74", MYSQL,   INIT_RUNNING, INIT_IS,          "binlog_format",                  "ROW",        SAME,  NULL,                  "a replica does what was done, not what was said" },
    { "S75", MYSQL,   INIT_RUNNING, INIT_IS,          "sync_binlog",                    "1",          SAME,  NULL,                  "what was acknowledged survives a crash" },
    { "S76", MYSQL,   INIT_RUNNING, INIT_IS,          "innodb_flush_log_at_trx_commit", "1",          SAME,  NULL,                  "what was acknowledged survives a crash" },
    { "S77", MYSQL,   INIT_RUNNING, INIT_IS,          "sync_relay_log",                 "1",          SAME,  NULL,                  "what a replica acknowledged survives its crash" },
    { "S78", MYSQL,   INIT_RUNNING, INIT_IS,          "replica_net_timeout",            "4",          SAME,  NULL,                  "a replica notices a dead source within seconds" },
    { "S79", MYSQL,   INIT_RUNNING, INIT_AT_LEAST,    "replica_parallel_workers",       "4",          SAME,  NULL,                  "a standby keeps up with a busy writer" },
    { "S80", MYSQL,   INIT_RUNNING, INIT_IS,          "replica_preserve_commit_order",  "ON",         SAME,  NULL,                  "a standby never shows a state that the writer never had" },

    { "S90", MYSQL,   INIT_FILE,    INIT_IS,          "skip_replica_start",             "ON",         SAME,  NULL,                  "after a start the agent decides whom it follows" },
    { "S91", MYSQL,   INIT_RUNNING, INIT_IS,          "super_read_only",                "ON",         SAME,  NULL,                  "only the agent makes a server writable, and one that starts never is" },
};
// clang-format on
const size_t init_setting_count = COUNT_OF(init_settings);
_Static_assert(COUNT_OF(init_settings) <= INIT_SETTINGS_MAX, "struct init_facts has room for every setting");

const char *init_wanted(const struct init_setting *setting, enum host_mode mode) {
    return mode == MODE_REPLICA && setting->on_replica ? setting->on_replica : setting->on_master;
}

bool init_is_done_running(const struct init_setting *setting) {
    return setting->reach == INIT_RUNNING || setting->reach == INIT_KNOWN || setting->reach == INIT_PLUGIN;
}

static const char *switch_word(const char *value) {
    if (text_equal(value, "1"))
        return "ON";
    return text_equal(value, "0") ? "OFF" : value;
}

static uint64_t number_of(const char *text) {
    uint64_t number = 0;
    for (size_t i = 0; i < INIT_VALUE_SIZE && text[i] >= '0' && text[i] <= '9' && number < UINT64_MAX / 20; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    return number;
}

static bool is_loopback(const char *address) {
    return text_starts_with(address, "127.") || text_equal(address, "localhost") || text_equal(address, "::1");
}

bool init_is_right(const struct init_setting *setting, enum host_mode mode, const char *value) {
    const char *wanted = init_wanted(setting, mode);
    if (setting->reach == INIT_KNOWN && !value[0])
        return true;
    switch (setting->match) {
    case INIT_IS:
        return text_equal(switch_word(value), switch_word(wanted));
    case INIT_AT_LEAST:
        return number_of(value) >= number_of(wanted);
    case INIT_NO_LOOPBACK:
        return !is_loopback(value);
    }
    return false;
}

static bool stands_in_file(const struct init_setting *setting) {
    return setting->reach == INIT_RUNNING || setting->reach == INIT_KNOWN || setting->reach == INIT_FILE;
}

void init_file_text(enum server_family family, enum host_mode mode, char ret_text[static INIT_FILE_SIZE]) {
    ret_text[0] = 0;
    text_append(ret_text, INIT_FILE_SIZE,
                "# Written by `mmm init`: how a server of the cluster starts.  docs/setup.md has the reasons.\n[%s]\n",
                family == FAMILY_MARIADB ? "mariadbd" : "mysqld");
    for (size_t i = 0; i < init_setting_count; i++)
        if (init_settings[i].family == family && stands_in_file(&init_settings[i]))
            text_append(ret_text, INIT_FILE_SIZE, "%s%s = %s\n", init_settings[i].reach == INIT_KNOWN ? "loose_" : "",
                        init_settings[i].name, init_wanted(&init_settings[i], mode));
}

const char *init_folder(enum server_family family, size_t i) {
    const char *const folders[] = {
        family == FAMILY_MYSQL ? "/etc/mysql/mysql.conf.d" : "/etc/mysql/mariadb.conf.d",
        "/etc/my.cnf.d",
    };
    return i < COUNT_OF(folders) ? folders[i] : NULL;
}
