#include "client.h"

#include <errno.h>
#include <mysqld_error.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

usec usec_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (usec)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void usec_sleep_until(usec moment) {
    usec left = moment - usec_now();
    if (left <= 0)
        return;
    struct timespec pause = { .tv_sec = left / 1000000, .tv_nsec = (left % 1000000) * 1000 };
    nanosleep(&pause, NULL);
}

void usec_format(usec moment, char ret_text[static USEC_TEXT_MAX]) {
    snprintf(ret_text, USEC_TEXT_MAX, "%lld.%03d", (long long)(moment / 1000), (int)(moment % 1000));
}

bool usec_parse(const char *text, usec *ret_moment) {
    char *end;
    long long whole = strtoll(text, &end, 10);
    if (end == text || *end != '.' || strlen(end) != 4)
        return false;
    char *last;
    long part = strtol(end + 1, &last, 10);
    if (*last || part < 0 || whole < 0)
        return false;
    *ret_moment = whole * 1000 + part;
    return true;
}

static const char *const outcome_words[] = { "ok", "refused", "uncertain" };

const char *outcome_word(enum outcome outcome) {
    return outcome_words[outcome];
}

bool outcome_parse(const char *word, enum outcome *ret_outcome) {
    for (size_t i = 0; i < COUNT_OF(outcome_words); i++) {
        if (strcmp(word, outcome_words[i]) == 0) {
            *ret_outcome = (enum outcome)i;
            return true;
        }
    }
    return false;
}

bool error_is_read_only(unsigned number) {
    return number == ER_OPTION_PREVENTS_STATEMENT || number == ER_READ_ONLY_MODE ||
           number == ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION;
}

void client_init(struct client *client, const struct client_options *options) {
    *client = (struct client){ .options = *options };
}

/* Waits until the library can go on; MYSQL_WAIT_TIMEOUT when the deadline comes first. */
static int await_events(MYSQL *mysql, int wanted, usec deadline) {
    struct pollfd look = { .fd = mysql_get_socket(mysql) };
    if (wanted & MYSQL_WAIT_READ)
        look.events |= POLLIN;
    if (wanted & MYSQL_WAIT_WRITE)
        look.events |= POLLOUT;
    if (wanted & MYSQL_WAIT_EXCEPT)
        look.events |= POLLPRI;
    for (;;) {
        usec left = deadline - usec_now();
        if (left <= 0)
            return MYSQL_WAIT_TIMEOUT;
        struct timespec pause = { .tv_sec = left / 1000000, .tv_nsec = (left % 1000000) * 1000 };
        int found = ppoll(&look, 1, &pause, NULL);
        if (found == 0 || (found < 0 && errno != EINTR))
            return MYSQL_WAIT_TIMEOUT;
        if (found < 0)
            continue; /* a signal asks the program to end; it looks after this attempt, which has a deadline */
        int events = 0;
        if (look.revents & (POLLIN | POLLHUP | POLLERR))
            events |= MYSQL_WAIT_READ;
        if (look.revents & (POLLOUT | POLLHUP | POLLERR))
            events |= MYSQL_WAIT_WRITE;
        if (look.revents & POLLPRI)
            events |= MYSQL_WAIT_EXCEPT;
        return events & wanted ? events & wanted : MYSQL_WAIT_READ;
    }
}

static usec deadline_of(const struct client *client) {
    return usec_now() + client->options.timeout * 1000;
}

static unsigned error_of(struct client *client, bool late) {
    if (late)
        return ETIMEDOUT;
    unsigned number = mysql_errno(&client->mysql);
    return number ? number : EIO;
}

unsigned client_connect(struct client *client) {
    if (client->connected)
        return 0;
    if (!mysql_init(&client->mysql))
        return ENOMEM;
    client->connected = true; /* from here client_close has something to free */
    mysql_options(&client->mysql, MYSQL_OPT_NONBLOCK, NULL);
    const struct client_options *o = &client->options;
    usec deadline = deadline_of(client);
    bool late = false;
    MYSQL *made = NULL;
    int wanted = mysql_real_connect_start(&made, &client->mysql, o->host, o->user, o->password, o->database, o->port,
                                          o->socket, 0);
    while (wanted) {
        int events = await_events(&client->mysql, wanted, deadline);
        late = late || events == MYSQL_WAIT_TIMEOUT;
        wanted = mysql_real_connect_cont(&made, &client->mysql, events);
    }
    if (made)
        return 0;
    unsigned number = error_of(client, late);
    client_close(client);
    return number;
}

/* 0, or the error; the connection is closed then. */
static unsigned query(struct client *client, const char *statement) {
    usec deadline = deadline_of(client);
    bool late = false;
    int failed = 1;
    int wanted = mysql_real_query_start(&failed, &client->mysql, statement, strlen(statement));
    while (wanted) {
        int events = await_events(&client->mysql, wanted, deadline);
        late = late || events == MYSQL_WAIT_TIMEOUT;
        wanted = mysql_real_query_cont(&failed, &client->mysql, events);
    }
    if (!failed)
        return 0;
    unsigned number = error_of(client, late);
    client_close(client);
    return number;
}

/* Server errors after which the statement has surely changed nothing.  Any other one may come after a local commit:
 * a session killed while it waits for a semi-sync acknowledgement (SERVERS.md trap 10). */
static bool surely_refused(unsigned number) {
    return error_is_read_only(number) || number == ER_DUP_ENTRY || number == ER_TABLEACCESS_DENIED_ERROR ||
           number == ER_NO_SUCH_TABLE;
}

enum outcome client_write(struct client *client, const char *statement, unsigned *ret_error) {
    *ret_error = client_connect(client);
    if (*ret_error)
        return OUTCOME_REFUSED;
    *ret_error = query(client, statement);
    if (!*ret_error)
        return OUTCOME_OK;
    return surely_refused(*ret_error) ? OUTCOME_REFUSED : OUTCOME_UNCERTAIN;
}

MYSQL_RES *client_rows(struct client *client, const char *statement, unsigned *ret_error) {
    *ret_error = client_connect(client);
    if (!*ret_error)
        *ret_error = query(client, statement);
    if (*ret_error)
        return NULL;
    usec deadline = deadline_of(client);
    bool late = false;
    MYSQL_RES *rows = NULL;
    int wanted = mysql_store_result_start(&rows, &client->mysql);
    while (wanted) {
        int events = await_events(&client->mysql, wanted, deadline);
        late = late || events == MYSQL_WAIT_TIMEOUT;
        wanted = mysql_store_result_cont(&rows, &client->mysql, events);
    }
    if (!rows) {
        *ret_error = error_of(client, late);
        client_close(client);
    }
    return rows;
}

void client_close(struct client *client) {
    if (!client->connected)
        return;
    client->connected = false;
    /* mysql_close says good-bye first; on a socket that is shut down that fails at once instead of waiting. */
    int fd = (int)mysql_get_socket(&client->mysql);
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
    mysql_close(&client->mysql);
}
