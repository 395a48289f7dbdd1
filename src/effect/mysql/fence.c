/* FENCE: read-only with a bounded wait, then every client that was there is ended, and that is looked at again.  No
 * client may be answered OK for a commit that nobody else has: clients_end and the gate see to that. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "effect/mysql/family.h"

/* What is let finish by itself before clients are killed to get read_only through. */
#define GENTLE_LENGTH ((msec)250)
/* Where nobody may be killed for it: so long do all writes stand still before the hand-over is given up. */
#define PLANNED_LENGTH ((msec)1000)
#define RETRY_LENGTH ((msec)100)

struct client {
    uint64_t id;
    bool killed; /* it was told to end, and is still there: its socket was cut then */
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

/* The old list of sessions makes every other session of a MySQL server wait, and is on its way out; the new one is
 * empty without the performance schema. */
const char *clients_table(const struct connection *connection) {
    const struct abilities *abilities = &connection->abilities;
    return abilities->family == FAMILY_MYSQL && abilities->performance_schema ? "performance_schema.processlist"
                                                                              : "information_schema.PROCESSLIST";
}

/* Clients are all sessions but the server's own threads, replicas (a dump thread, or any session of the replication
 * user, which is one on its way to become that), and this process. */
static enum rc clients_read(const struct work *work, bool canary_too, struct clients *ret_clients,
                            struct reason *ret_why) {
    unsigned long own[LOOKING_CONNECTIONS];
    for (int i = 0; i < LOOKING_CONNECTIONS; i++)
        own[i] = canary_too && work->looking[i] == work->canary ? 0 : connection_id(work->looking[i]);
    char user[QUOTED_MAX];
    enum rc rc = connection_quote(work->connection, work->replication_user, user, ret_why);
    if (rc == RC_OK)
        rc = connection_run(work->connection, work->deadline + ANSWER_SLACK, ret_why,
                            "SELECT ID, COMMAND, STATE FROM %s"
                            " WHERE USER NOT IN ('system user', 'event_scheduler') AND CAST(USER AS BINARY) <> %s"
                            " AND COMMAND NOT IN ('Binlog Dump', 'Binlog Dump GTID', 'Daemon')"
                            " AND ID NOT IN (CONNECTION_ID(), %lu, %lu, %lu, %lu, %lu)",
                            clients_table(work->connection), user, connection_id(work->gate), own[0], own[1], own[2],
                            own[3]);
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

/* A session whose commit waits for a semi-synchronous acknowledgement, once killed, commits here alone and may be
 * answered OK, and so may others whose commit it leads.  So whoever is killed was listed before the cut: then its
 * socket was there to be cut.  Without semi-synchronous replication nobody can be waiting, and a cut that fails is no
 * reason to let clients stay. */
static enum rc clients_end(const struct work *work, const struct clients *clients, struct reason *ret_why) {
    enum rc rc = clients_cut(work, ret_why);
    if (rc != RC_OK) {
        struct reason why;
        bool asked = connection_run(work->connection, work->deadline, &why,
                                    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('rpl_semi_sync_master_enabled',"
                                    " 'rpl_semi_sync_source_enabled') AND Value <> 'OFF'") == RC_OK;
        if (!asked || connection_next(work->connection))
            return rc;
    }
    return clients_kill(work, clients, ret_why);
}

static enum rc end_all(const struct work *work, struct reason *ret_why) {
    CLEANUP(clients_done) struct clients clients = { 0 };
    enum rc rc = clients_read(work, true, &clients, ret_why);
    return rc == RC_OK ? clients_end(work, &clients, ret_why) : rc;
}

/* ---- the gate: SET GLOBAL read_only on a session of its own ----
 *
 * As long as it waits for those who are writing, nobody who comes later can begin to.  So it is asked for first and
 * stays asked for while clients are ended.  It cannot come true after the fence has said that it did not: gate_end. */

static enum rc gate_result(const struct work *work, enum rc rc, struct reason *ret_why) {
    uint32_t number = work->gate->error_number;
    if (rc == RC_SERVER &&
        (number == ERROR_LOCK_WAIT_TIMEOUT || number == ERROR_STATEMENT_TIMEOUT || number == ERROR_INTERRUPTED))
        rc = RC_TIMEOUT;
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot set read_only");
    return rc;
}

enum rc gate_await(const struct work *work, msec until, struct reason *ret_why) {
    return gate_result(work, connection_finish(work->gate, until, ret_why), ret_why);
}

/* Does the gate's session stand in the queue for its lock already?  Its state is all that tells (MariaDB 10.11:
 * «Waiting for backup lock»; MySQL 9.7: «Waiting for global read lock», and then «… commit lock»). */
static enum rc gate_is_waiting(const struct work *work, bool *ret_waiting, struct reason *ret_why) {
    enum rc rc = connection_run(work->connection, work->deadline + ANSWER_SLACK, ret_why,
                                "SELECT COUNT(*) FROM %s WHERE ID = %lu AND STATE LIKE 'Waiting for %%'",
                                clients_table(work->connection), connection_id(work->gate));
    if (rc == RC_OK)
        *ret_waiting = connection_next(work->connection) && connection_number(work->connection, 0) != 0;
    return rc;
}

/* Ends whoever keeps the gate from closing (a commit that waits for an acknowledgement, LOCK TABLES, a long statement),
 * this agent's own canary among them. */
static enum rc gate_force(const struct work *work, const struct family *family, struct reason *ret_why) {
    for (;;) {
        bool waiting = false;
        enum rc rc = gate_is_waiting(work, &waiting, ret_why);
        if (rc == RC_OK && waiting)
            rc = end_all(work, ret_why);
        if (rc == RC_OK && waiting && family->release_commits != NULL)
            rc = family->release_commits(work, ret_why);
        if (rc != RC_OK)
            return rc;
        msec until = clock_now() + (waiting ? RETRY_LENGTH : 1);
        if (until >= work->deadline)
            return family->gate_end(work, work->deadline, ret_why);
        rc = gate_await(work, until, ret_why);
        if (!work->gate->pending)
            return rc;
    }
}

enum rc commits_waiting(const struct work *work, uint64_t *ret_count, struct reason *ret_why) {
    uint64_t count = 0;
    enum rc rc = connection_run(work->connection, work->deadline + ANSWER_SLACK, ret_why,
                                "SHOW GLOBAL STATUS WHERE Variable_name IN ('Rpl_semi_sync_master_wait_sessions',"
                                " 'Rpl_semi_sync_source_wait_sessions')");
    if (rc == RC_OK && connection_next(work->connection))
        count = connection_number(work->connection, 1);
    if (rc == RC_OK)
        *ret_count = count;
    return rc;
}

/* Who runs and does not wait for the gate, for longest.  Where the gate is over already, whoever waited for it runs
 * too, for a moment: only who has run for most of its time was in the way. */
static bool ask_runner(const struct work *work, const struct family *family) {
    char user[QUOTED_MAX];
    return connection_quote(work->connection, work->replication_user, user, NULL) == RC_OK &&
           connection_run(work->connection, work->deadline + ANSWER_SLACK, NULL,
                          "SELECT ID, USER, TIME, STATE FROM %s"
                          " WHERE COMMAND IN ('Query', 'Execute') AND USER <> 'system user'"
                          " AND CAST(USER AS BINARY) <> %s"
                          " AND ID NOT IN (CONNECTION_ID(), %lu) AND STATE NOT LIKE 'Waiting for %% lock'"
                          " AND %s ORDER BY %s DESC LIMIT 1",
                          clients_table(work->connection), user, connection_id(work->gate), family->session_is_long,
                          family->session_time) == RC_OK &&
           connection_next(work->connection);
}

/* What keeps the gate open, for a person; not the statement, which may hold secrets. */
static void blocker_describe(const struct work *work, const struct family *family, struct reason *ret_blocker) {
    uint64_t waiting = 0;
    struct reason unused;
    bool counted = commits_waiting(work, &waiting, &unused) == RC_OK;
    bool runs = ask_runner(work, family);
    /* MySQL: who waits for the commit that waits is in the second state. */
    if (runs && counted && waiting > 0 &&
        (strstr(connection_value(work->connection, 3), "semi-sync") ||
         strstr(connection_value(work->connection, 3), "handler commit")))
        reason_set(ret_blocker, "%llu commits wait for an acknowledgement", (unsigned long long)waiting);
    else if (runs)
        reason_set(ret_blocker, "session %.20s of %.40s runs for %.10s s (%.30s)",
                   connection_value(work->connection, 0), connection_value(work->connection, 1),
                   connection_value(work->connection, 2), connection_value(work->connection, 3));
    else
        reason_set(ret_blocker, "an idle session holds a lock (LOCK TABLES?)");
}

/* Nobody is ended for it.  Who is in the way is asked before the gate is taken back: afterwards all who waited for it
 * run, and look like him. */
static enum rc gate_gently(const struct work *work, const struct family *family, msec until, struct reason *ret_why) {
    struct reason blocker = { 0 };
    enum rc rc = gate_await(work, until, ret_why);
    bool named = work->gate->pending;
    if (named) {
        blocker_describe(work, family, &blocker);
        rc = family->gate_end(work, until, ret_why);
    }
    if (rc != RC_TIMEOUT)
        return rc;
    uint32_t number = work->gate->error_number;
    if (!named)
        blocker_describe(work, family, &blocker);
    return FAIL(rc, ret_why, "cannot set read_only: error %u: %.300s", number, blocker.text);
}

static enum rc set_read_only(const struct work *work, struct reason *ret_why) {
    bool gentle = work->task->gentle;
    msec left = task_left(work);
    msec most = gentle && left > PLANNED_LENGTH ? PLANNED_LENGTH : left > 0 ? left : 1;
    msec until = clock_now() + most;
    msec patience = work->task->timeout / 4 < GENTLE_LENGTH ? work->task->timeout / 4 : GENTLE_LENGTH;
    const struct family *family;
    enum rc rc = family_need(work->connection, &family, ret_why);
    if (rc == RC_OK)
        rc = gate_result(work, family->gate_ask(work, most, patience, ret_why), ret_why);
    if (!work->gate->pending)
        return rc;
    rc = gentle ? gate_gently(work, family, until, ret_why) : gate_force(work, family, ret_why);
    if (work->gate->pending) {
        struct reason unused;
        if (family->gate_end(work, until, &unused) == RC_OK)
            return RC_OK;
    }
    return rc;
}

enum rc task_read_only(const struct work *work, msec length, struct reason *ret_why) {
    msec most = length > 0 ? length : 1;
    msec until = clock_now() + most;
    const struct family *family;
    enum rc rc = family_need(work->connection, &family, ret_why);
    if (rc == RC_OK)
        rc = gate_result(work, family->gate_ask(work, most, most, ret_why), ret_why);
    return work->gate->pending ? family->gate_end(work, until, ret_why) : rc;
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
        rc = clients_end(work, &clients, ret_why);
    return rc == RC_OK ? wait_gone(work, &clients, ret_why) : rc;
}

/* The agent before this one may have died in a fence. */
static enum rc undo_release(const struct work *work, struct reason *ret_why) {
    const struct family *family;
    enum rc rc = family_need(work->connection, &family, ret_why);
    return rc == RC_OK && family->release_undo != NULL ? family->release_undo(work, ret_why) : rc;
}

enum rc fence_run(const struct work *work, struct reason *ret_why) {
    struct position position;
    enum rc rc = set_read_only(work, ret_why);
    if (rc == RC_OK)
        rc = end_clients(work, ret_why);
    if (rc == RC_OK)
        rc = undo_release(work, ret_why);
    if (rc == RC_OK)
        rc = position_read(work->connection, work->deadline, &position, ret_why);
    if (rc == RC_OK && !position.read_only)
        rc = FAIL(RC_REFUSED, ret_why, "somebody made the server writable again");
    return rc;
}
