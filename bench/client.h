/* One connection of a test client to a server, with time-outs in milliseconds.
 *
 * The library's own time-outs count whole seconds, too coarse for a client that measures outages of 100 ms.  So this
 * drives the non-blocking calls with poll(2).  They block over TLS and in DNS (SERVERS.md trap 12): a bench client uses
 * neither, it is given literal addresses. */
#ifndef MMM_BENCH_CLIENT_H
#define MMM_BENCH_CLIENT_H

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* Microseconds of CLOCK_BOOTTIME: every log of one machine, in whatever network namespace, has the same clock. */
typedef int64_t usec;
usec usec_now(void);
void usec_sleep_until(usec moment);
/* Milliseconds with three decimals, as the logs and reports hold them: 123456.789. */
enum { USEC_TEXT_MAX = 32 };
void usec_format(usec moment, char ret_text[static USEC_TEXT_MAX]);
bool usec_parse(const char *text, usec *ret_moment);

/* How an attempt ended. */
enum outcome {
    OUTCOME_OK,        /* the server acknowledged it */
    OUTCOME_REFUSED,   /* surely not done: no connection, or the server is read-only or full and said so */
    OUTCOME_UNCERTAIN, /* nobody can know: the answer did not come, or is an error that may follow a local commit */
};
/* The errors by which a server says that it is read-only. */
bool error_is_read_only(unsigned number);
const char *outcome_word(enum outcome outcome);
bool outcome_parse(const char *word, enum outcome *ret_outcome);

struct client_options {
    const char *host;   /* a literal address, or NULL */
    const char *socket; /* a unix socket, when host is NULL */
    unsigned port;
    const char *user;
    const char *password; /* NULL: none, the socket's peer is known by its user */
    const char *database;
    msec timeout; /* for connecting with login, and for each statement with its answer */
};

struct client {
    struct client_options options; /* its texts are the caller's and live as long as this */
    MYSQL mysql;
    bool connected;
};

void client_init(struct client *client, const struct client_options *options);
/* Connects when it is not connected.  0, or the error: a server's number (1000 and more), the library's (2000 and
 * more), or ETIMEDOUT. */
unsigned client_connect(struct client *client);
/* Runs one statement without a result, connecting first when needed; any error closes the connection.
 * *ret_error is as above. */
enum outcome client_write(struct client *client, const char *statement, unsigned *ret_error);
/* The whole result of a query, or NULL and *ret_error; the caller frees it with mysql_free_result. */
MYSQL_RES *client_rows(struct client *client, const char *statement, unsigned *ret_error);
/* Ends the connection at once, whatever the other side does. */
void client_close(struct client *client);

#endif
