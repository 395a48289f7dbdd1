#include "effect/mysql/connection.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/mysql/family.h"

/* Errors of the client library, which all mean that the connection is of no more use. */
enum {
    CLIENT_ERRORS_FIRST = 2000,
    CLIENT_ERRORS_LAST = 2999,
    CLIENT_ERRORS_2_FIRST = 5000,
    CLIENT_ERRORS_2_LAST = 5999
};

void connection_init(struct connection *connection, const struct connection_options *options) {
    *connection = (struct connection){ .options = *options, .fd = -1 };
    pthread_mutex_init(&connection->fd_lock, NULL);
}

void connection_done(struct connection *connection) {
    connection_close(connection);
    pthread_mutex_destroy(&connection->fd_lock);
}

bool connection_is_open(const struct connection *connection) {
    return connection->mysql != NULL;
}

static void fd_set_to(struct connection *connection, int fd) {
    pthread_mutex_lock(&connection->fd_lock);
    connection->fd = fd;
    pthread_mutex_unlock(&connection->fd_lock);
}

static void result_free(struct connection *connection) {
    mysql_free_result(connection->result);
    connection->result = NULL;
    connection->row = NULL;
}

void connection_close(struct connection *connection) {
    if (connection->mysql == NULL)
        return;
    fd_set_to(connection, -1);
    atomic_store(&connection->id, 0);
    connection->pending = false;
    result_free(connection);
    mysql_close(connection->mysql);
    connection->mysql = NULL;
}

void connection_cut(struct connection *connection) {
    pthread_mutex_lock(&connection->fd_lock);
    if (connection->fd >= 0)
        shutdown(connection->fd, SHUT_RDWR);
    pthread_mutex_unlock(&connection->fd_lock);
}

unsigned long connection_id(const struct connection *connection) {
    return atomic_load(&connection->id);
}

uint32_t connection_peer(const struct connection *connection) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (connection->options.socket == NULL || connection->fd < 0 ||
        getsockopt(connection->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return 0;
    return (uint32_t)peer.pid;
}

static bool is_fatal(uint32_t number) {
    return (number >= CLIENT_ERRORS_FIRST && number <= CLIENT_ERRORS_LAST) ||
           (number >= CLIENT_ERRORS_2_FIRST && number <= CLIENT_ERRORS_2_LAST) || number == ERROR_CONNECTION_KILLED ||
           number == ERROR_SESSION_KILLED || number == ERROR_SESSION_TOO_OLD;
}

/* Takes the error over, and closes what is of no more use. */
static enum rc failed(struct connection *connection, bool secret, struct reason *ret_why) {
    uint32_t number = mysql_errno(connection->mysql);
    connection->error_number = number;
    if (secret)
        reason_set(ret_why, "error %u", number);
    else
        reason_set(ret_why, "error %u: %.250s", number, mysql_error(connection->mysql));
    if (!is_fatal(number))
        return RC_SERVER;
    connection_close(connection);
    return RC_IO;
}

static void options_apply(struct connection *connection, MYSQL *mysql) {
    const struct connection_options *options = &connection->options;
    unsigned seconds = options->timeout >= 2000 ? (unsigned)(options->timeout / 1000) : 1;
    my_bool reconnect = 0;
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_RECONNECT, &reconnect);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", options->program);
}

/* The library would believe the environment about who we are. */
static void own_name(char *ret_name, size_t size) {
    struct passwd entry, *found = NULL;
    char buffer[4096];
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        text_copy(ret_name, size, found->pw_name);
    else
        snprintf(ret_name, size, "#%u", (unsigned)geteuid());
}

/* One question for all: a variable that a server does not have is no error there. */
enum rc connection_ask_abilities(struct connection *connection, msec deadline, struct reason *ret_why) {
    struct abilities abilities = { .family = FAMILY_UNKNOWN };
    enum rc rc = connection_run(connection, deadline, ret_why,
                                "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('gtid_binlog_state', 'gtid_executed',"
                                " 'performance_schema', 'rpl_semi_sync_source_enabled',"
                                " 'rpl_semi_sync_master_enabled')");
    while (rc == RC_OK && connection_next(connection)) {
        const char *name = connection_value(connection, 0);
        if (text_equal(name, "gtid_binlog_state"))
            abilities.family = FAMILY_MARIADB;
        else if (text_equal(name, "gtid_executed"))
            abilities.family = FAMILY_MYSQL;
        else if (text_equal(name, "performance_schema"))
            abilities.performance_schema = text_equal(connection_value(connection, 1), "ON");
        else
            abilities.semi_sync = strstr(name, "source") != NULL ? "source" : "master";
    }
    if (rc == RC_OK)
        connection->abilities = abilities;
    return rc;
}

static enum rc session_prepare(struct connection *connection, struct reason *ret_why) {
    msec deadline = clock_now() + connection->options.timeout;
    const struct family *family = NULL;
    if (connection->options.administrator) {
        enum rc rc = connection_ask_abilities(connection, deadline, ret_why);
        if (rc != RC_OK)
            return rc;
        family = family_of(connection);
    }
    return connection_run(connection, deadline, ret_why, "%s",
                          family != NULL ? family->session : "SET SESSION wait_timeout=31536000");
}

static enum rc open_now(struct connection *connection, struct reason *ret_why) {
    const struct connection_options *options = &connection->options;
    char name[64];
    own_name(name, sizeof name);
    connection->mysql = mysql_init(NULL);
    if (connection->mysql == NULL)
        abort();
    options_apply(connection, connection->mysql);
    /* CLIENT_FOUND_ROWS: an UPDATE that finds its row counts it, changed or not. */
    if (!mysql_real_connect(connection->mysql, options->socket ? NULL : options->address,
                            options->user ? options->user : name, options->password, NULL, options->port,
                            options->socket, CLIENT_FOUND_ROWS))
        return failed(connection, false, ret_why);
    fd_set_to(connection, mysql_get_socket(connection->mysql));
    atomic_store(&connection->id, mysql_thread_id(connection->mysql));
    return session_prepare(connection, ret_why);
}

/* An idle connection has nothing to read: something there is the server's farewell, or the end. */
static bool is_spent(const struct connection *connection) {
    struct pollfd wait = { .fd = connection->fd, .events = POLLIN };
    return poll(&wait, 1, 0) != 0;
}

enum rc connection_use(struct connection *connection, struct reason *ret_why) {
    if (connection->mysql != NULL && !connection->pending && is_spent(connection))
        connection_close(connection);
    if (connection->mysql != NULL)
        return RC_OK;
    enum rc rc = open_now(connection, ret_why);
    if (rc != RC_OK) {
        connection_close(connection);
        reason_prefix(ret_why, "cannot connect to the database server");
    }
    return rc;
}

static bool wait_readable(const struct connection *connection, msec deadline) {
    for (;;) {
        msec left = deadline - clock_now();
        struct pollfd wait = { .fd = connection->fd, .events = POLLIN };
        int ready = poll(&wait, 1, left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return true; /* reading will say what is wrong */
        if (left <= 0)
            return false;
    }
}

static enum rc finish(struct connection *connection, msec deadline, bool secret, struct reason *ret_why) {
    if (!wait_readable(connection, deadline)) {
        connection->error_number = 0;
        if (!connection->options.patient)
            connection_close(connection);
        return FAIL(RC_TIMEOUT, ret_why, "no answer in time");
    }
    connection->pending = false;
    if (mysql_read_query_result(connection->mysql))
        return failed(connection, secret, ret_why);
    if (mysql_field_count(connection->mysql) == 0)
        return RC_OK;
    connection->result = mysql_store_result(connection->mysql);
    return connection->result != NULL ? RC_OK : failed(connection, secret, ret_why);
}

enum rc connection_finish(struct connection *connection, msec deadline, struct reason *ret_why) {
    assert(connection->pending);
    return finish(connection, deadline, false, ret_why);
}

static enum rc run(struct connection *connection, msec deadline, bool secret, struct reason *ret_why,
                   const char *format, va_list args) {
    if (connection->mysql == NULL)
        return FAIL(RC_IO, ret_why, "the connection is closed");
    assert(!connection->pending);
    char statement[STATEMENT_MAX];
    int length = vsnprintf(statement, sizeof statement, format, args);
    assert(length > 0 && (size_t)length < sizeof statement);
    result_free(connection);
    int unsent = mysql_send_query(connection->mysql, statement, (unsigned long)length);
    if (secret)
        explicit_bzero(statement, (size_t)length);
    if (unsent)
        return failed(connection, secret, ret_why);
    connection->pending = true;
    return finish(connection, deadline, secret, ret_why);
}

enum rc connection_run(struct connection *connection, msec deadline, struct reason *ret_why, const char *format, ...) {
    va_list args;
    va_start(args, format);
    enum rc rc = run(connection, deadline, false, ret_why, format, args);
    va_end(args);
    return rc;
}

enum rc connection_run_secret(struct connection *connection, msec deadline, struct reason *ret_why, const char *format,
                              ...) {
    va_list args;
    va_start(args, format);
    enum rc rc = run(connection, deadline, true, ret_why, format, args);
    va_end(args);
    return rc;
}

bool connection_next(struct connection *connection) {
    connection->row = connection->result != NULL ? mysql_fetch_row(connection->result) : NULL;
    return connection->row != NULL;
}

const char *connection_value(const struct connection *connection, unsigned column) {
    bool there = connection->row != NULL && column < mysql_num_fields(connection->result);
    return there && connection->row[column] != NULL ? connection->row[column] : "";
}

const char *connection_named(const struct connection *connection, const char *column) {
    if (connection->result == NULL)
        return "";
    unsigned count = mysql_num_fields(connection->result);
    const MYSQL_FIELD *fields = mysql_fetch_fields(connection->result);
    for (unsigned i = 0; i < count; i++)
        if (text_equal(fields[i].name, column))
            return connection_value(connection, i);
    return "";
}

uint64_t connection_number(const struct connection *connection, unsigned column) {
    return strtoull(connection_value(connection, column), NULL, 10);
}

void connection_version(const struct connection *connection, unsigned column, char ret_version[static VERSION_SIZE]) {
    const char *version = connection_value(connection, column);
    ret_version[0] = 0;
    text_append(ret_version, VERSION_SIZE, "%.*s", (int)strcspn(version, " "), version);
}

enum rc connection_quote(struct connection *connection, const char *text, char ret_quoted[static QUOTED_MAX],
                         struct reason *ret_why) {
    size_t length = strlen(text);
    if (length * 2 + 3 > QUOTED_MAX)
        return FAIL(RC_INVALID, ret_why, "a text of %zu bytes is too long for a statement", length);
    if (connection->mysql == NULL)
        return FAIL(RC_IO, ret_why, "the connection is closed");
    ret_quoted[0] = '\'';
    unsigned long used = mysql_real_escape_string(connection->mysql, ret_quoted + 1, text, (unsigned long)length);
    ret_quoted[used + 1] = '\'';
    ret_quoted[used + 2] = 0;
    return RC_OK;
}
