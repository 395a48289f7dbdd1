#include "effect/mysql/setup.h"

#include <string.h>

#include "base/text.h"

#define STEP(call)                                                                                                     \
    do {                                                                                                               \
        enum rc rc_ = call;                                                                                            \
        if (rc_ != RC_OK)                                                                                              \
            return rc_;                                                                                                \
    } while (0)

static enum rc look_identity(struct connection *connection, msec deadline, struct setup_look *look,
                             struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why, "SELECT VERSION(), @@GLOBAL.server_id"));
    if (!connection_next(connection))
        return FAIL(RC_SERVER, ret_why, "the server does not tell its version");
    TEXT_COPY(look->version, connection_value(connection, 0));
    look->server_id = connection_number(connection, 1);
    look->family = connection->abilities.family;
    return RC_OK;
}

/* Packages bring the first four; a fresh installation may bring an empty «test». */
static enum rc look_databases(struct connection *connection, msec deadline, struct setup_look *look,
                              struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why,
                        "SELECT COUNT(*), COALESCE(MIN(SCHEMA_NAME), '') FROM information_schema.SCHEMATA"
                        " WHERE SCHEMA_NAME NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')"
                        " AND (SCHEMA_NAME <> 'test' OR EXISTS (SELECT 1 FROM information_schema.TABLES"
                        " WHERE TABLE_SCHEMA = 'test'))"));
    if (!connection_next(connection))
        return FAIL(RC_SERVER, ret_why, "the server does not list its databases");
    look->databases = connection_number(connection, 0);
    TEXT_COPY(look->database, connection_value(connection, 1));
    return RC_OK;
}

static enum rc look_replication(struct connection *connection, msec deadline, struct setup_look *look,
                                struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why, "SHOW ALL SLAVES STATUS"));
    look->has_source = connection_next(connection);
    return setup_value(connection, deadline, "gtid_binlog_state", look->transactions, sizeof look->transactions,
                       ret_why);
}

enum rc setup_look(struct connection *connection, msec deadline, struct setup_look *ret_look, struct reason *ret_why) {
    struct setup_look look = { 0 };
    STEP(look_identity(connection, deadline, &look, ret_why));
    if (look.family == FAMILY_MARIADB) {
        STEP(look_databases(connection, deadline, &look, ret_why));
        STEP(look_replication(connection, deadline, &look, ret_why));
    }
    *ret_look = look;
    return RC_OK;
}

enum rc setup_value(struct connection *connection, msec deadline, const char *name, char *ret_value, size_t size,
                    struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why, "SELECT @@GLOBAL.%s", name));
    if (!connection_next(connection))
        return FAIL(RC_SERVER, ret_why, "the server does not tell %s", name);
    text_copy(ret_value, size, connection_value(connection, 0));
    return RC_OK;
}

enum rc setup_set(struct connection *connection, msec deadline, const char *name, const char *value,
                  struct reason *ret_why) {
    return connection_run(connection, deadline, ret_why, "SET GLOBAL %s = %s", name, value);
}

/* Exactly one row: USAGE stands for no right. */
static enum rc check_rights(struct connection *connection, msec deadline, const char *quoted,
                            const struct setup_user *user, struct reason *ret_why) {
    const char *wanted = user->replicates ? "REPLICATION SLAVE" : "USAGE";
    STEP(connection_run(connection, deadline, ret_why,
                        "SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES"
                        " WHERE GRANTEE = CONCAT(QUOTE(%s), '@', QUOTE('%%'))",
                        quoted));
    bool right = connection_next(connection) && text_equal(connection_value(connection, 0), wanted);
    return right && !connection_next(connection)
               ? RC_OK
               : FAIL(RC_SERVER, ret_why, "the user %s has other rights than %s", user->name, wanted);
}

static enum rc make_user(struct connection *connection, msec deadline, const char *name, const char *password,
                         bool replicates, struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why, "SET SESSION sql_log_bin = 0"));
    STEP(connection_run_secret(connection, deadline, ret_why, "CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s",
                               name, password));
    STEP(connection_run_secret(connection, deadline, ret_why, "ALTER USER %s@'%%' IDENTIFIED BY %s ACCOUNT UNLOCK",
                               name, password));
    STEP(connection_run(connection, deadline, ret_why, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM %s@'%%'", name));
    if (replicates)
        STEP(connection_run(connection, deadline, ret_why, "GRANT REPLICATION SLAVE ON *.* TO %s@'%%'", name));
    return RC_OK;
}

enum rc setup_user(struct connection *connection, msec deadline, const struct setup_user *user,
                   struct reason *ret_why) {
    char name[QUOTED_MAX], password[QUOTED_MAX];
    STEP(connection_quote(connection, user->name, name, ret_why));
    enum rc rc = connection_quote(connection, user->password, password, ret_why);
    if (rc == RC_OK)
        rc = make_user(connection, deadline, name, password, user->replicates, ret_why);
    explicit_bzero(password, sizeof password);
    return rc ? rc : check_rights(connection, deadline, name, user, ret_why);
}
