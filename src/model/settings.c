#include "model/settings.h"

#include "base/rc.h"
#include "base/text.h"

enum { SAFE_VALUES_MAX = 2 };

/* The values that are safe; any other is not.  3 of the second flushes as 1 does, and for more (MariaDB). */
static const struct {
    const char *name;
    const char *safe[SAFE_VALUES_MAX];
    enum unsafe_setting otherwise;
} table[] = {
    /* clang-format off */
    { "log_bin",                        { "ON", "1" },           UNSAFE_UNFOLLOWABLE },
    { "log_slave_updates",              { "ON", "1" },           UNSAFE_UNFOLLOWABLE },
    { "log_replica_updates",            { "ON", "1" },           UNSAFE_UNFOLLOWABLE },
    { "gtid_mode",                      { "ON" },                UNSAFE_UNFOLLOWABLE },
    { "sync_binlog",                    { "1" },                 UNSAFE_CRASH },
    { "innodb_flush_log_at_trx_commit", { "1", "3" },            UNSAFE_CRASH },
    /* clang-format on */
};

static bool is_safe(size_t row, const char *value) {
    for (int i = 0; i < SAFE_VALUES_MAX && table[row].safe[i]; i++)
        if (text_equal(table[row].safe[i], value))
            return true;
    return false;
}

void settings_add(struct server_settings *settings, const char *name, const char *value) {
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (!text_equal(table[i].name, name) || is_safe(i, value))
            continue;
        settings->unsafe |= table[i].otherwise;
        text_append(settings->text, sizeof settings->text, "%s%s=%s", settings->text[0] ? ", " : "", name, value);
    }
}
