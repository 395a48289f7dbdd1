#include "effect/mysql/examine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "effect/mysql/connection.h"

enum { ACCOUNTS_TOLD = 20, STATEMENT_TIME = 2000 };

struct examination {
    const struct examine_options *options;
    struct connection connection;
    struct facts *facts;
    bool is_mariadb;
};

static void put_named(struct facts *facts, const char *kind, const char *name, const char *value) {
    char full[FACT_NAME_SIZE] = "";
    if (!text_append(full, sizeof full, "%s.", kind))
        return;
    size_t used = strlen(full);
    for (; *name && used + 1 < sizeof full; name++)
        full[used++] = *name >= 'A' && *name <= 'Z' && !text_equal(kind, "status") ? (char)(*name - 'A' + 'a') : *name;
    full[used] = 0;
    (void)facts_put(facts, full, value); /* facts->cut says so when there is no room */
}

/* Runs a statement; a failure is a fact too. */
static bool ask(struct examination *e, const char *part, const char *statement) {
    struct reason why = { "" };
    msec deadline = clock_now() + STATEMENT_TIME;
    if (deadline > e->options->deadline)
        deadline = e->options->deadline;
    enum rc rc = connection_use(&e->connection, &why);
    if (rc == RC_OK)
        rc = connection_run(&e->connection, deadline, &why, "%s", statement);
    if (rc != RC_OK)
        put_named(e->facts, "failed", part, why.text);
    return rc == RC_OK;
}

/* ---- settings ---- */

static void take_pairs(struct examination *e, const char *kind, const char *wanted_as) {
    while (connection_next(&e->connection)) {
        const char *name = connection_value(&e->connection, 0);
        char lower[FACT_NAME_SIZE];
        TEXT_COPY(lower, name);
        for (char *c = lower; *c && !text_equal(kind, "status"); c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        if (e->options->wants(wanted_as, lower))
            put_named(e->facts, kind, lower, connection_value(&e->connection, 1));
    }
}

static void take_version(struct examination *e) {
    if (!ask(e, "version", "SELECT VERSION()") || !connection_next(&e->connection))
        return;
    const char *version = connection_value(&e->connection, 0);
    const char *dot = strchr(version, '.');
    char series[VERSION_SIZE] = "";
    size_t length = dot ? (size_t)(dot - version) + 1 + strspn(dot + 1, "0123456789") : strlen(version);
    text_append(series, sizeof series, "%.*s", (int)length, version);
    (void)facts_put(e->facts, "server.version", version);
    (void)facts_put(e->facts, "server.series", series);
    (void)facts_put(e->facts, "server.family", e->is_mariadb ? "mariadb" : "mysql");
}

static void take_settings(struct examination *e) {
    if (ask(e, "variables", "SHOW GLOBAL VARIABLES")) {
        take_pairs(e, "var", "var");
        (void)facts_put(e->facts, "server.variables", "known");
    }
    if (ask(e, "status", "SHOW GLOBAL STATUS LIKE 'Rpl%'"))
        take_pairs(e, "status", "status");
    if (ask(e, "plugins", "SHOW PLUGINS"))
        take_pairs(e, "plugin", "plugin");
    if (ask(e, "uptime", "SHOW GLOBAL STATUS LIKE 'Uptime'") && connection_next(&e->connection))
        (void)facts_put(e->facts, "server.uptime_s", connection_value(&e->connection, 1));
}

/* What a start would set without any file, of the settings that somebody has set (MariaDB); what a start sets after
 * the files (MySQL's SET PERSIST). */
static void take_start(struct examination *e) {
    static const char defaults[] = "SELECT VARIABLE_NAME, DEFAULT_VALUE FROM information_schema.SYSTEM_VARIABLES"
                                   " WHERE GLOBAL_VALUE_ORIGIN IN ('SQL', 'CONFIG', 'COMMAND-LINE')";
    static const char persisted[] = "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM"
                                    " performance_schema.persisted_variables";
    if (ask(e, "defaults", e->is_mariadb ? defaults : persisted))
        take_pairs(e, e->is_mariadb ? "default" : "persisted", "var");
}

static void take_directories(struct examination *e) {
    if (!ask(e, "directories", "SELECT @@datadir, @@log_bin_basename, @@relay_log_basename, @@tmpdir") ||
        !connection_next(&e->connection))
        return;
    static const char *const names[] = { "disk.data.path", "disk.binlog.path", "disk.relaylog.path", "disk.tmp.path" };
    for (unsigned i = 0; i < COUNT_OF(names); i++)
        if (connection_value(&e->connection, i)[0])
            (void)facts_put(e->facts, names[i], connection_value(&e->connection, i));
}

/* ---- rights ---- */

static void append_item(char *list, size_t size, const char *item) {
    (void)text_append(list, size, "%s%s", list[0] ? ", " : "", item); /* what is wanted of them fits */
}

/* Accounts that the server makes itself or that a person uses on the machine itself. */
static bool is_of_the_system(const char *grantee) {
    static const char *const known[] = { "'root'@'localhost'",
                                         "'mysql'@'localhost'",
                                         "'mariadb.sys'@'localhost'",
                                         "'mysql.sys'@'localhost'",
                                         "'mysql.session'@'localhost'",
                                         "'mysql.infoschema'@'localhost'",
                                         "'debian-sys-maint'@'localhost'" };
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (text_equal(grantee, known[i]))
            return true;
    return false;
}

static bool passes_read_only(const struct examination *e, const char *right) {
    if (e->is_mariadb)
        return text_equal(right, "READ_ONLY ADMIN");
    return text_equal(right, "SUPER") || text_equal(right, "SYSTEM_VARIABLES_ADMIN");
}

/* One account once: a MySQL account may have both rights. */
static void note_writer(struct examination *e, const char *grantee, unsigned *told) {
    char name[FACT_NAME_SIZE];
    for (unsigned i = 0; i < *told; i++) {
        snprintf(name, sizeof name, "account.writing.%u", i);
        const char *known = facts_get(e->facts, name);
        if (known && text_equal(known, grantee))
            return;
    }
    if (*told == ACCOUNTS_TOLD)
        return;
    snprintf(name, sizeof name, "account.writing.%u", (*told)++);
    (void)facts_put(e->facts, name, grantee);
}

static void take_rights(struct examination *e) {
    char self[FACT_VALUE_SIZE] = "", own[FACT_VALUE_SIZE] = "", replication[FACT_VALUE_SIZE] = "";
    char account[FACT_VALUE_SIZE];
    bool has_account = false;
    unsigned told = 0;
    if (!ask(e, "rights", "SELECT CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')") ||
        !connection_next(&e->connection))
        return;
    TEXT_COPY(self, connection_value(&e->connection, 0));
    (void)facts_put(e->facts, "self.user", self);
    snprintf(account, sizeof account, "'%s'@", e->options->replication_user);
    if (!ask(e, "rights", "SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES"))
        return;
    while (connection_next(&e->connection)) {
        const char *grantee = connection_value(&e->connection, 0), *right = connection_value(&e->connection, 1);
        if (text_equal(grantee, self) && e->options->wants_item("self.rights", right))
            append_item(own, sizeof own, right);
        if (text_starts_with(grantee, account)) {
            has_account = true;
            if (e->options->wants_item("account.replication", right))
                append_item(replication, sizeof replication, right);
        }
        if (passes_read_only(e, right) && !text_equal(grantee, self) && !is_of_the_system(grantee))
            note_writer(e, grantee, &told);
    }
    (void)facts_put(e->facts, "self.rights", own);
    if (e->options->replication_user[0])
        (void)facts_put(e->facts, "account.replication", has_account ? replication : "none");
}

/* ---- replication ---- */

/* A column by MySQL's word or by MariaDB's. */
static void take_column(struct examination *e, const char *fact, const char *column, const char *older) {
    const char *value = connection_named(&e->connection, column);
    if (!value[0])
        value = connection_named(&e->connection, older);
    if (value[0])
        (void)facts_put(e->facts, fact, value);
}

static void take_filters(struct examination *e) {
    static const char *const columns[] = { "Replicate_Do_DB",         "Replicate_Ignore_DB",
                                           "Replicate_Do_Table",      "Replicate_Ignore_Table",
                                           "Replicate_Wild_Do_Table", "Replicate_Wild_Ignore_Table",
                                           "Replicate_Rewrite_DB" };
    char filters[FACT_VALUE_SIZE] = "";
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        const char *value = connection_named(&e->connection, columns[i]);
        if (value[0])
            (void)text_append(filters, sizeof filters, "%s%s = %s", filters[0] ? "; " : "", columns[i], value);
    }
    (void)facts_put(e->facts, "replica.filters", filters);
}

static void take_replication(struct examination *e) {
    if (!ask(e, "replication", e->is_mariadb ? "SHOW ALL SLAVES STATUS" : "SHOW REPLICA STATUS"))
        return;
    while (connection_next(&e->connection)) {
        if (connection_named(&e->connection, "Connection_name")[0] ||
            connection_named(&e->connection, "Channel_Name")[0])
            continue;
        take_column(e, "replica.using_gtid", "Using_Gtid", "");
        take_column(e, "replica.auto_position", "Auto_Position", "");
        take_column(e, "replica.delay", "SQL_Delay", "");
        take_column(e, "replica.connect_retry", "Connect_Retry", "");
        take_column(e, "replica.heartbeat", "Slave_heartbeat_period", "");
        take_column(e, "replica.tls", "Source_SSL_Allowed", "Master_SSL_Allowed");
        take_filters(e);
        return;
    }
}

static void take_prepared(struct examination *e) {
    if (e->is_mariadb || !ask(e, "xa", "XA RECOVER"))
        return;
    unsigned count = 0;
    while (connection_next(&e->connection))
        count++;
    char text[16];
    snprintf(text, sizeof text, "%u", count);
    (void)facts_put(e->facts, "server.xa_prepared", text);
}

uint32_t server_examine(const struct examine_options *options, struct facts *facts) {
    struct examination e = { .options = options, .facts = facts };
    struct connection_options how = {
        .socket = options->socket, .program = "mmm agent, doctor", .timeout = STATEMENT_TIME, .administrator = true
    };
    struct reason why = { "" };
    uint32_t pid = 0;
    connection_init(&e.connection, &how);
    if (connection_use(&e.connection, &why) != RC_OK) {
        (void)facts_put(facts, "failed.server", why.text);
    } else {
        pid = connection_peer(&e.connection);
        e.is_mariadb = mariadb_connection(e.connection.mysql);
        take_version(&e);
        take_settings(&e);
        take_start(&e);
        take_directories(&e);
        take_rights(&e);
        take_replication(&e);
        take_prepared(&e);
    }
    connection_done(&e.connection);
    return pid;
}

enum rc server_login(const struct login *login, struct reason *ret_why) {
    char address[IP_TEXT_MAX], from[IP_TEXT_MAX];
    unsigned seconds = 1;
    ip_format(&login->address, address);
    ip_format(&login->from, from);
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql)
        abort();
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_BIND, from);
    enum rc rc = RC_OK;
    if (!mysql_real_connect(mysql, address, login->user, login->password, NULL, login->port, NULL, 0))
        rc = FAIL(RC_SERVER, ret_why, "error %u: %.200s", mysql_errno(mysql), mysql_error(mysql));
    mysql_close(mysql);
    return rc;
}
