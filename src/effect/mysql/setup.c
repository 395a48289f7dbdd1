#include "effect/mysql/setup.h"

#include <string.h>

#include "base/text.h"

#define STEP(call)                                                                                                     \
    do {                                                                                                               \
        enum rc rc_ = call;                                                                                            \
        if (rc_ != RC_OK)                                                                                              \
            return rc_;                                                                                                \
    } while (0)

/* Of CHANGE REPLICATION SOURCE, which refuses a longer one with error 3056 (9.7). */
enum { SOURCE_PASSWORD_LENGTH = 32 };

static enum rc look_identity(struct connection *connection, msec deadline, struct setup_look *look,
                             struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why, "SELECT VERSION(), @@GLOBAL.server_id"));
    if (!connection_next(connection))
        return FAIL(RC_SERVER, ret_why, "the server does not tell its version");
    connection_version(connection, 0, look->version);
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

static enum rc look_mariadb(struct connection *connection, msec deadline, struct setup_look *look,
                            struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why, "SHOW ALL SLAVES STATUS"));
    look->has_source = connection_next(connection);
    look->agent_has_socket = true; /* packages make it so, and with a password the agent would not be here */
    return setup_value(connection, deadline, "gtid_binlog_state", look->transactions, sizeof look->transactions,
                       ret_why);
}

/* ---- MySQL ---- */

enum { LOGS_MAX = 32, LOG_NAME_SIZE = 256 };

/* A binary log with nothing in it has its description, the GTIDs before it, and the word that it goes on elsewhere or
 * that the server stopped.  Where gtid_mode is off, its transactions have no names. */
static enum rc look_log(struct connection *connection, msec deadline, const char *name, struct setup_look *look,
                        struct reason *ret_why) {
    static const char *const empty[] = { "Format_desc", "Previous_gtids", "Rotate", "Stop" };
    char quoted[QUOTED_MAX];
    STEP(connection_quote(connection, name, quoted, ret_why));
    STEP(connection_run(connection, deadline, ret_why, "SHOW BINLOG EVENTS IN %s LIMIT 8", quoted));
    while (look->transactions[0] == 0 && connection_next(connection)) {
        bool known = false;
        for (size_t i = 0; i < COUNT_OF(empty); i++)
            known = known || text_equal(connection_named(connection, "Event_type"), empty[i]);
        if (!known)
            text_append(look->transactions, sizeof look->transactions, "in %s", name);
    }
    return RC_OK;
}

static enum rc look_logs(struct connection *connection, msec deadline, struct setup_look *look,
                         struct reason *ret_why) {
    char names[LOGS_MAX][LOG_NAME_SIZE];
    size_t count = 0;
    STEP(connection_run(connection, deadline, ret_why, "SHOW BINARY LOGS"));
    for (; connection_next(connection); count++)
        if (count < LOGS_MAX)
            TEXT_COPY(names[count], connection_value(connection, 0));
    if (count > LOGS_MAX)
        text_append(look->transactions, sizeof look->transactions, "in one of %zu files", count);
    for (size_t i = 0; i < count && look->transactions[0] == 0; i++)
        STEP(look_log(connection, deadline, names[i], look, ret_why));
    return RC_OK;
}

static enum rc look_account(struct connection *connection, msec deadline, struct setup_look *look,
                            struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why,
                        "SELECT plugin FROM mysql.user WHERE CONCAT(User, '@', Host) = CURRENT_USER()"));
    look->agent_has_socket = connection_next(connection) && text_equal(connection_value(connection, 0), "auth_socket");
    return RC_OK;
}

static enum rc look_mysql(struct connection *connection, msec deadline, struct setup_look *look,
                          struct reason *ret_why) {
    char log_bin[8];
    STEP(connection_run(connection, deadline, ret_why, "SHOW REPLICA STATUS"));
    look->has_source = connection_next(connection);
    STEP(look_account(connection, deadline, look, ret_why));
    STEP(setup_value(connection, deadline, "gtid_executed", look->transactions, sizeof look->transactions, ret_why));
    STEP(setup_value(connection, deadline, "log_bin", log_bin, sizeof log_bin, ret_why));
    return text_equal(log_bin, "1") ? look_logs(connection, deadline, look, ret_why) : RC_OK;
}

/* MySQL has no right by which one account writes on under super_read_only.  It is taken back for the statement, with
 * read_only in its place: a fresh server has administrators only, and no address of a role. */
static enum rc open_for_us(struct connection *connection, msec deadline, bool *ret_opened, struct reason *ret_why) {
    char closed[8] = "0";
    if (connection->abilities.family == FAMILY_MYSQL)
        STEP(setup_value(connection, deadline, "super_read_only", closed, sizeof closed, ret_why));
    STEP(connection_run(connection, deadline, ret_why, "SET SESSION sql_log_bin = 0"));
    if (text_equal(closed, "1"))
        STEP(setup_set(connection, deadline, "super_read_only", "OFF", ret_why));
    *ret_opened = text_equal(closed, "1");
    return RC_OK;
}

static enum rc close_again(struct connection *connection, msec deadline, bool opened, enum rc rc,
                           struct reason *ret_why) {
    struct reason why;
    enum rc end = opened ? setup_set(connection, deadline, "super_read_only", "ON", &why) : RC_OK;
    return rc || !end ? rc : FAIL(end, ret_why, "super_read_only cannot be set again: %.200s", why.text);
}

/* ---- both ---- */

enum rc setup_look(struct connection *connection, msec deadline, struct setup_look *ret_look, struct reason *ret_why) {
    struct setup_look look = { 0 };
    STEP(look_identity(connection, deadline, &look, ret_why));
    if (look.family != FAMILY_UNKNOWN)
        STEP(look_databases(connection, deadline, &look, ret_why));
    if (look.family == FAMILY_MARIADB)
        STEP(look_mariadb(connection, deadline, &look, ret_why));
    if (look.family == FAMILY_MYSQL)
        STEP(look_mysql(connection, deadline, &look, ret_why));
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

enum rc setup_value_if_known(struct connection *connection, msec deadline, const char *name, char *ret_value,
                             size_t size, struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why, "SHOW GLOBAL VARIABLES WHERE Variable_name = '%s'", name));
    text_copy(ret_value, size, connection_next(connection) ? connection_value(connection, 1) : "");
    return RC_OK;
}

/* MySQL changes it by one step at a time while it runs, so that none of its transactions is of two minds. */
static enum rc gtid_mode_near(struct connection *connection, msec deadline, struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why, "SET GLOBAL gtid_mode = OFF_PERMISSIVE"));
    return connection_run(connection, deadline, ret_why, "SET GLOBAL gtid_mode = ON_PERMISSIVE");
}

enum rc setup_set(struct connection *connection, msec deadline, const char *name, const char *value,
                  struct reason *ret_why) {
    if (text_equal(name, "gtid_mode"))
        STEP(gtid_mode_near(connection, deadline, ret_why));
    return connection_run(connection, deadline, ret_why, "SET GLOBAL %s = %s", name, value);
}

enum rc setup_plugin_state(struct connection *connection, msec deadline, const char *name, char *ret_state, size_t size,
                           struct reason *ret_why) {
    STEP(connection_run(connection, deadline, ret_why,
                        "SELECT PLUGIN_STATUS FROM information_schema.PLUGINS WHERE PLUGIN_NAME = '%s'", name));
    text_copy(ret_state, size, connection_next(connection) ? connection_value(connection, 0) : "");
    return RC_OK;
}

enum rc setup_plugin(struct connection *connection, msec deadline, const char *name, const char *library,
                     struct reason *ret_why) {
    bool opened;
    STEP(open_for_us(connection, deadline, &opened, ret_why));
    enum rc rc = connection_run(connection, deadline, ret_why, "INSTALL PLUGIN %s SONAME '%s'", name, library);
    return close_again(connection, deadline, opened, rc, ret_why);
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
    const char *with = connection->abilities.family == FAMILY_MYSQL ? "WITH caching_sha2_password " : "";
    STEP(connection_run_secret(connection, deadline, ret_why, "CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED %sBY %s",
                               name, with, password));
    STEP(connection_run_secret(connection, deadline, ret_why, "ALTER USER %s@'%%' IDENTIFIED %sBY %s ACCOUNT UNLOCK",
                               name, with, password));
    STEP(connection_run(connection, deadline, ret_why, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM %s@'%%'", name));
    if (replicates)
        STEP(connection_run(connection, deadline, ret_why, "GRANT REPLICATION SLAVE ON *.* TO %s@'%%'", name));
    return RC_OK;
}

static enum rc make_user_quoted(struct connection *connection, msec deadline, const struct setup_user *user,
                                const char *name, struct reason *ret_why) {
    char password[QUOTED_MAX];
    bool opened = false;
    STEP(connection_quote(connection, user->password, password, ret_why));
    enum rc rc = open_for_us(connection, deadline, &opened, ret_why);
    if (rc == RC_OK) {
        rc = make_user(connection, deadline, name, password, user->replicates, ret_why);
        rc = close_again(connection, deadline, opened, rc, ret_why);
    }
    explicit_bzero(password, sizeof password);
    return rc;
}

enum rc setup_user(struct connection *connection, msec deadline, const struct setup_user *user,
                   struct reason *ret_why) {
    char name[QUOTED_MAX];
    if (user->replicates && connection->abilities.family == FAMILY_MYSQL &&
        strlen(user->password) > SOURCE_PASSWORD_LENGTH)
        return FAIL(RC_REFUSED, ret_why,
                    "the replication password is longer than the %d characters that a MySQL replica takes; put a "
                    "shorter one into the file on the machine of `mmm init`",
                    SOURCE_PASSWORD_LENGTH);
    STEP(connection_quote(connection, user->name, name, ret_why));
    STEP(make_user_quoted(connection, deadline, user, name, ret_why));
    return check_rights(connection, deadline, name, user, ret_why);
}

/* Another account than one of this machine's may be somebody's way in by TCP. */
static enum rc own_account(struct connection *connection, msec deadline, char ret_quoted[static QUOTED_MAX],
                           struct reason *ret_why) {
    char user[NAME_SIZE];
    STEP(connection_run(connection, deadline, ret_why,
                        "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1), CURRENT_USER() LIKE '%%@localhost'"));
    if (!connection_next(connection) || connection_number(connection, 1) == 0)
        return FAIL(RC_REFUSED, ret_why,
                    "the agent's account is not one of this machine alone; CREATE USER root@localhost IDENTIFIED WITH "
                    "auth_socket, and GRANT ALL ON *.* TO root@localhost");
    TEXT_COPY(user, connection_value(connection, 0));
    return connection_quote(connection, user, ret_quoted, ret_why);
}

enum rc setup_agent(struct connection *connection, msec deadline, struct reason *ret_why) {
    char user[QUOTED_MAX], state[16];
    bool opened;
    STEP(own_account(connection, deadline, user, ret_why));
    STEP(setup_plugin_state(connection, deadline, "auth_socket", state, sizeof state, ret_why));
    if (!text_equal(state, "ACTIVE"))
        STEP(setup_plugin(connection, deadline, "auth_socket", "auth_socket.so", ret_why));
    STEP(open_for_us(connection, deadline, &opened, ret_why));
    enum rc rc =
        connection_run(connection, deadline, ret_why, "ALTER USER %s@'localhost' IDENTIFIED WITH auth_socket", user);
    return close_again(connection, deadline, opened, rc, ret_why);
}
