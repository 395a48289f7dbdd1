/* FENCE: read-only with a bounded wait, then every client that was there is ended, and that is looked at again. */
#include <stdlib.h>

#include "base/text.h"
#include "effect/mysql/family.h"

/* What is let finish by itself before clients are killed to get read_only through. */
#define GENTLE_LENGTH ((msec)250)

struct client {
    uint64_t id;
    bool killed; /* it was told to end, and is still there */
    char state[64];
};

struct clients {
    size_t count;
    struct client *list; /* in ascending order of id */
};

static void clients_done(struct clients *clients) {
    free(clients->list);
}

static int client_compare(const void *a, const void *b) {
    const struct client *left = a, *right = b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static void clients_take(struct connection *connection, struct clients *ret_clients) {
    size_t most = (size_t)mysql_num_rows(connection->result);
    struct clients clients = { .list = calloc(most ? most : 1, sizeof *clients.list) };
    if (clients.list == NULL)
        abort();
    while (clients.count < most && connection_next(connection)) {
        struct client *client = &clients.list[clients.count++];
        client->id = connection_number(connection, 0);
        client->killed = text_equal(connection_value(connection, 1), "Killed");
        TEXT_COPY(client->state, connection_value(connection, 2));
    }
    qsort(clients.list, clients.count, sizeof *clients.list, client_compare);
    *ret_clients = clients;
}

/* The old list of sessions makes every other session wait, and is on its way out; the new one is empty without the
 * performance schema. */
const char *clients_table(const struct connection *connection) {
    const struct abilities *abilities = &connection->abilities;
    return abilities->family == FAMILY_MYSQL && abilities->performance_schema ? "performance_schema.processlist"
                                                                              : "information_schema.PROCESSLIST";
}

/* Clients are all sessions but the server's own threads, replicas (a dump thread, or any session of the replication
 * user, which is one on its way to become that), and this process. */
static enum rc clients_read(const struct work *work, bool canary_too, struct clients *ret_clients,
                            struct reason *ret_why) {
    unsigned long own[OWN_CONNECTIONS];
    for (int i = 0; i < OWN_CONNECTIONS; i++)
        own[i] = canary_too && work->looking[i] == work->canary ? 0 : connection_id(work->looking[i]);
    char user[QUOTED_MAX];
    enum rc rc = connection_quote(work->connection, work->replication_user, user, ret_why);
    if (rc == RC_OK)
        rc = connection_run(work->connection, work->deadline + ANSWER_SLACK, ret_why,
                            "SELECT ID, COMMAND, STATE FROM %s"
                            " WHERE USER NOT IN ('system user', 'event_scheduler') AND CAST(USER AS BINARY) <> %s"
                            " AND COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon')"
                            " AND ID NOT IN (CONNECTION_ID(), %lu, %lu, %lu, %lu)",
                            clients_table(work->connection), user, connection_id(work->worker), own[0], own[1], own[2]);
    if (rc == RC_OK)
        clients_take(work->connection, ret_clients);
    else
        reason_prefix(ret_why, "cannot list the clients");
    return rc;
}

static enum rc clients_kill(const struct work *work, const struct clients *clients, struct reason *ret_why) {
    for (size_t i = 0; i < clients->count; i++) {
        if (clients->list[i].killed)
            continue;
        enum rc rc = connection_run(work->connection, work->deadline, ret_why, "KILL CONNECTION %llu",
                                    (unsigned long long)clients->list[i].id);
        if (rc == RC_SERVER && work->connection->error_number == ERROR_NO_SUCH_THREAD)
            rc = RC_OK;
        if (rc != RC_OK) {
            reason_prefix(ret_why, "cannot end client %llu", (unsigned long long)clients->list[i].id);
            return rc;
        }
    }
    return RC_OK;
}

enum rc clients_kill_all(const struct work *work, struct reason *ret_why) {
    CLEANUP(clients_done) struct clients clients = { 0 };
    enum rc rc = clients_read(work, true, &clients, ret_why);
    return rc == RC_OK ? clients_kill(work, &clients, ret_why) : rc;
}

msec fence_gentle(const struct work *work) {
    return work->task->timeout / 4 < GENTLE_LENGTH ? work->task->timeout / 4 : GENTLE_LENGTH;
}

static size_t still_there(const struct clients *before, const struct clients *now, const struct client **ret_sample) {
    size_t count = 0;
    for (size_t i = 0; i < now->count; i++)
        if (bsearch(&now->list[i], before->list, before->count, sizeof *before->list, client_compare) != NULL) {
            *ret_sample = &now->list[i];
            count++;
        }
    return count;
}

/* Only sessions that were there before read_only was set count; those that come later can do nothing. */
static enum rc wait_gone(const struct work *work, const struct clients *clients, struct reason *ret_why) {
    unsigned turn = 0;
    while (clients->count > 0) {
        CLEANUP(clients_done) struct clients now = { 0 };
        const struct client *sample = NULL;
        enum rc rc = clients_read(work, false, &now, ret_why);
        if (rc != RC_OK)
            return rc;
        size_t left = still_there(clients, &now, &sample);
        if (left == 0)
            break;
        if (task_left(work) == 0)
            return FAIL(RC_TIMEOUT, ret_why, "the server is read-only, but %zu clients did not end, such as %llu%s%s%s",
                        left, (unsigned long long)sample->id, sample->killed ? " (killed)" : "",
                        sample->state[0] ? " in state " : "", sample->state);
        task_pause(work, &turn);
    }
    return RC_OK;
}

static enum rc end_clients(const struct work *work, struct reason *ret_why) {
    CLEANUP(clients_done) struct clients clients = { 0 };
    enum rc rc = clients_read(work, false, &clients, ret_why);
    if (rc == RC_OK)
        rc = clients_kill(work, &clients, ret_why);
    return rc == RC_OK ? wait_gone(work, &clients, ret_why) : rc;
}

enum rc fence_run(const struct work *work, struct reason *ret_why) {
    struct position position;
    const struct family *family;
    enum rc rc = family_need(work->connection, &family, ret_why);
    if (rc == RC_OK)
        rc = family->close_by_force(work, ret_why);
    if (rc == RC_OK)
        rc = end_clients(work, ret_why);
    if (rc == RC_OK)
        rc = position_read(work->connection, work->deadline, &position, ret_why);
    if (rc == RC_OK && !position.read_only)
        rc = FAIL(RC_REFUSED, ret_why, "somebody made the server writable again");
    return rc;
}
