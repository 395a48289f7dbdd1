/* One connection of one thread to a server, every wait with a deadline.  libmariadb's own time-outs are whole seconds a
 * call; an answer is therefore waited for with poll(2) to the millisecond, and they only catch what stops in its
 * middle. Only connection_cut and connection_id may be called by another thread than the owner. */
#ifndef MMM_EFFECT_MYSQL_CONNECTION_H
#define MMM_EFFECT_MYSQL_CONNECTION_H

#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rc.h"
#include "base/reason.h"
#include "model/limits.h"
#include "model/server.h"

enum {
    STATEMENT_MAX = 8192,
    QUOTED_MAX = 600,

    /* The servers' error numbers that something here decides by. */
    ERROR_TOO_MANY_CONNECTIONS = 1040,
    ERROR_NO_SUCH_SCHEMA = 1049,
    ERROR_SYNTAX = 1064,
    ERROR_NO_SUCH_THREAD = 1094,
    ERROR_NO_SUCH_TABLE = 1146,
    ERROR_NO_SUCH_VARIABLE = 1193,
    ERROR_LOCK_WAIT_TIMEOUT = 1205,
    ERROR_READ_ONLY = 1290,
    ERROR_INTERRUPTED = 1317,
    ERROR_CONNECTION_KILLED = 1927,
    ERROR_STATEMENT_TIMEOUT = 1969,
    ERROR_PASSWORD_TOO_LONG = 3056,
    ERROR_SESSION_KILLED = 3169,
    ERROR_SESSION_TOO_OLD = 4031,
};

/* What the server said it can do when the connection was opened, or asked again. */
struct abilities {
    enum server_family family;
    bool performance_schema;
    const char *semi_sync; /* its word for the writing side, «source» or «master»; NULL: not loaded */
};

/* The texts belong to the caller and outlive the connection. */
struct connection_options {
    const char *socket; /* a unix socket; NULL: address and port */
    const char *address;
    uint16_t port;
    const char *user;     /* NULL: the operating-system user */
    const char *password; /* NULL: none */
    const char *program;  /* how the session calls itself */
    msec timeout;         /* for connecting; rounded down to whole seconds, one at the least */
    bool administrator;   /* has the rights of an agent; a monitor's check has none */
    bool patient;         /* an answer that misses its deadline stays pending and is asked for again later; otherwise
                             the connection is given up */
};

struct connection {
    struct connection_options options;
    MYSQL *mysql;               /* NULL: closed */
    struct abilities abilities; /* of an administrator's connection that is open */
    MYSQL_RES *result;          /* of the last statement, NULL: none */
    MYSQL_ROW row;
    bool pending;          /* a statement was sent, and its answer is not read yet */
    uint32_t error_number; /* of the last failure; 0: the server stayed silent */
    atomic_ulong id;       /* the server's name for the session; 0: closed */
    pthread_mutex_t fd_lock;
    int fd; /* -1: closed; guarded by fd_lock against connection_cut */
};

void connection_init(struct connection *connection, const struct connection_options *options);
void connection_done(struct connection *connection);

/* Opens the connection unless it is open and nothing speaks against it. */
enum rc connection_use(struct connection *connection, struct reason *ret_why) NODISCARD;
/* Again: a plugin may have been loaded meanwhile. */
enum rc connection_ask_abilities(struct connection *connection, msec deadline, struct reason *ret_why) NODISCARD;
bool connection_is_open(const struct connection *connection);
void connection_close(struct connection *connection);
/* From any thread: whoever waits for this connection's answer gets an error at once. */
void connection_cut(struct connection *connection);
unsigned long connection_id(const struct connection *connection);
/* The process behind a unix socket; 0: not known. */
uint32_t connection_peer(const struct connection *connection);

/* Runs one statement.  RC_SERVER: the server refused it, see error_number.  RC_TIMEOUT: no answer until the deadline.
 * RC_IO: the connection broke and is closed.  Values go in as numbers or through connection_quote, never as raw text.
 */
enum rc connection_run(struct connection *connection, msec deadline, struct reason *ret_why, const char *format,
                       ...) NODISCARD PRINTF_LIKE(4, 5);
/* The same for a statement that holds a password: the server's own text, which may quote it, is kept out of the reason.
 */
enum rc connection_run_secret(struct connection *connection, msec deadline, struct reason *ret_why, const char *format,
                              ...) NODISCARD PRINTF_LIKE(4, 5);
/* Waits for the answer of a statement that is still pending. */
enum rc connection_finish(struct connection *connection, msec deadline, struct reason *ret_why) NODISCARD;

bool connection_next(struct connection *connection); /* the next row of the result; false: that was all */
/* A value of the current row; empty for NULL and for a column that is not there. */
const char *connection_value(const struct connection *connection, unsigned column);
const char *connection_named(const struct connection *connection, const char *column);
uint64_t connection_number(const struct connection *connection, unsigned column);
/* A server's version up to the first blank: Debian 13's MariaDB goes on with « from Debian». */
void connection_version(const struct connection *connection, unsigned column, char ret_version[static VERSION_SIZE]);

/* Text as an SQL string with its quotes. */
enum rc connection_quote(struct connection *connection, const char *text, char ret_quoted[static QUOTED_MAX],
                         struct reason *ret_why) NODISCARD;

#endif
