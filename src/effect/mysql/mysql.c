/* MySQL's statements (8.0.22 and later).  Read-only means super_read_only: plain read_only lets whoever has SUPER
 * write. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "effect/mysql/family.h"
#include "effect/mysql/semi_sync.h"

/* So long do commits that wait for an acknowledgement get to end when they are let go. */
#define RELEASE_LENGTH ((msec)100)
/* What switching semi-sync off takes where nothing stands in its way. */
#define STOP_PATIENCE ((msec)10)
/* So long does the coordinator get to read what is in the relay log. */
#define HALF_PATIENCE ((msec)200)

/* While super_read_only waits for its locks it reads as on already, and read_only does not (9.7). */
#define CLIENTS_CANNOT_WRITE "@@global.read_only AND @@global.super_read_only"

static enum rc position_of(struct connection *connection, msec deadline, struct position *ret_position,
                           struct reason *ret_why) {
    struct position position = { 0 };
    enum rc rc =
        connection_run(connection, deadline, ret_why, "SELECT " CLIENTS_CANNOT_WRITE ", @@global.gtid_executed");
    if (rc == RC_OK && !connection_next(connection))
        rc = FAIL(RC_IO, ret_why, "no row");
    if (rc == RC_OK)
        rc = gtid_parse(connection_value(connection, 1), &position.has, ret_why);
    if (rc != RC_OK)
        return rc;
    position.current = position.replicated = position.has;
    position.read_only = position_is_read_only(connection_value(connection, 0));
    *ret_position = position;
    return RC_OK;
}

static enum rc row_take(struct connection *connection, struct replica *ret_replica, struct reason *ret_why) {
    struct replica replica = { .configured = connection_named(connection, "Source_Host")[0] != 0 };
    struct gtid_position executed;
    TEXT_COPY(replica.source, connection_named(connection, "Source_Host"));
    replica.source_port = (uint16_t)replica_number(connection, "Source_Port");
    replica.delay_s = replica_number(connection, "SQL_Delay");
    replica.receiving = replica_thread_state(connection_named(connection, "Replica_IO_Running"));
    replica.applying = replica_thread_state(connection_named(connection, "Replica_SQL_Running"));
    replica.receive_error = replica_number(connection, "Last_IO_Errno");
    TEXT_COPY(replica.receive_text, connection_named(connection, "Last_IO_Error"));
    replica.apply_error = replica_number(connection, "Last_SQL_Errno");
    TEXT_COPY(replica.apply_text, connection_named(connection, "Last_SQL_Error"));
    replica.by_gtid = replica.by_replicated = text_equal(connection_named(connection, "Auto_Position"), "1");
    replica.read_to = strtoull(connection_named(connection, "Read_Source_Log_Pos"), NULL, 10);
    replica.files_reached = text_equal(connection_named(connection, "Source_Log_File"),
                                       connection_named(connection, "Relay_Source_Log_File")) &&
                            text_equal(connection_named(connection, "Read_Source_Log_Pos"),
                                       connection_named(connection, "Exec_Source_Log_Pos"));
    enum rc rc = gtid_parse(connection_named(connection, "Retrieved_Gtid_Set"), &replica.received, ret_why);
    if (rc == RC_OK)
        rc = gtid_parse(connection_named(connection, "Executed_Gtid_Set"), &executed, ret_why);
    if (rc == RC_OK && !gtid_add(&replica.received, &executed))
        rc = FAIL(RC_INVALID, ret_why, "the received GTID set has more than %d ranges", GTID_RANGES_MAX);
    if (rc == RC_OK)
        *ret_replica = replica;
    return rc;
}

/* With several appliers the status tells only that one of them failed; the worker itself tells why. */
static void worker_error(struct connection *connection, msec deadline, struct replica *replica) {
    struct reason unused;
    if (replica->apply_error == 0 || !connection->abilities.performance_schema ||
        connection_run(connection, deadline, &unused,
                       "SELECT LAST_ERROR_NUMBER, LAST_ERROR_MESSAGE"
                       " FROM performance_schema.replication_applier_status_by_worker"
                       " WHERE CHANNEL_NAME = '' AND LAST_ERROR_NUMBER <> 0 LIMIT 1") != RC_OK ||
        !connection_next(connection))
        return;
    const char *text = connection_value(connection, 1), *cause = strstr(text, "; ");
    replica->apply_error = (uint32_t)connection_number(connection, 0);
    TEXT_COPY(replica->apply_text, cause != NULL ? cause + 2 : text); /* before it: where in the log that was */
}

static enum rc replica_of(struct connection *connection, msec deadline, struct replica *ret_replica,
                          struct reason *ret_why) {
    struct replica none = { 0 };
    enum rc rc = connection_run(connection, deadline, ret_why, "SHOW REPLICA STATUS");
    bool found = false;
    while (rc == RC_OK && !found && connection_next(connection))
        found = connection_named(connection, "Channel_Name")[0] == 0;
    if (rc == RC_OK && !found)
        *ret_replica = none;
    if (rc == RC_OK && found)
        rc = row_take(connection, ret_replica, ret_why);
    if (rc == RC_OK && found)
        worker_error(connection, deadline, ret_replica);
    return rc;
}

static enum rc stop_receiving(const struct work *work, struct reason *ret_why) {
    return replica_command(work, "STOP REPLICA IO_THREAD FOR CHANNEL ''", ret_why);
}

enum { SESSIONS_MAX = 64 };

struct sessions {
    size_t count;
    unsigned long long list[SESSIONS_MAX];
};

static enum rc sessions_take(struct connection *connection, enum rc rc, struct sessions *ret_sessions) {
    struct sessions sessions = { 0 };
    while (rc == RC_OK && sessions.count < SESSIONS_MAX && connection_next(connection))
        sessions.list[sessions.count++] = connection_number(connection, 0);
    *ret_sessions = sessions;
    return rc;
}

/* A session that has ended by itself meanwhile is as good as killed. */
static enum rc sessions_kill(const struct work *work, const struct sessions *sessions, struct reason *ret_why) {
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < sessions->count; i++) {
        rc = connection_run(work->connection, work->deadline, ret_why, "KILL CONNECTION %llu", sessions->list[i]);
        if (rc == RC_SERVER && work->connection->error_number == ERROR_NO_SUCH_THREAD)
            rc = RC_OK;
    }
    return rc;
}

static enum rc dumps_list(const struct work *work, struct sessions *ret_dumps, struct reason *ret_why) {
    return sessions_take(work->connection,
                         connection_run(work->connection, work->deadline, ret_why,
                                        "SELECT ID FROM %s WHERE COMMAND IN ('Binlog Dump', 'Binlog Dump GTID')",
                                        clients_table(work->connection)),
                         ret_dumps);
}

/* A transaction of which only the beginning was received. */
struct half {
    bool received;
    bool read; /* by the coordinator, whose session this is */
    unsigned long long coordinator;
};

/* The receiver's word about what it has begun to write into the relay log stays when it is stopped, and when the server
 * is started again (9.7). */
static enum rc half_look(const struct work *work, struct half *ret_half, struct reason *ret_why) {
    struct half half = { 0 };
    enum rc rc =
        connection_run(work->connection, work->deadline, ret_why,
                       "SELECT r.QUEUEING_TRANSACTION <> '',"
                       " r.QUEUEING_TRANSACTION <> '' AND r.QUEUEING_TRANSACTION = c.PROCESSING_TRANSACTION,"
                       " t.PROCESSLIST_ID"
                       " FROM performance_schema.replication_connection_status r"
                       " JOIN performance_schema.replication_applier_status_by_coordinator c USING (CHANNEL_NAME)"
                       " JOIN performance_schema.threads t ON t.THREAD_ID = c.THREAD_ID"
                       " WHERE CHANNEL_NAME = ''");
    if (rc == RC_OK && connection_next(work->connection)) {
        half.received = connection_number(work->connection, 0) != 0;
        half.read = connection_number(work->connection, 1) != 0;
        half.coordinator = connection_number(work->connection, 2);
    }
    if (rc == RC_OK)
        *ret_half = half;
    return rc;
}

/* What was received whole is applied by now, so the coordinator reads the half next, if there is one. */
static enum rc half_await(const struct work *work, struct half *ret_half, struct reason *ret_why) {
    msec until = clock_now() + HALF_PATIENCE;
    unsigned turn = 0;
    for (;;) {
        enum rc rc = half_look(work, ret_half, ret_why);
        if (rc != RC_OK || !ret_half->received || ret_half->read || clock_now() >= until || task_left(work) == 0)
            return rc;
        task_pause(work, &turn);
    }
}

/* STOP must not be asked for before. */
static enum rc applying_await_end(const struct work *work, struct reason *ret_why) {
    struct replica replica;
    unsigned turn = 0;
    for (;;) {
        enum rc rc = replica_of(work->connection, work->deadline, &replica, ret_why);
        if (rc != RC_OK || replica.applying == THREAD_STOPPED)
            return rc;
        if (task_left(work) == 0)
            return FAIL(RC_TIMEOUT, ret_why, "the applier that is in the middle of a transaction does not end");
        task_pause(work, &turn);
    }
}

/* With several appliers STOP waits for the rest of a transaction of which only the beginning was received, a minute at
 * the most (9.7: 60 s, whether a worker has begun it or the coordinator has read nothing but its first event), and who
 * is killed after STOP was asked for waits as long.  A coordinator that is killed before ends at once, takes its
 * workers along, which roll back, and leaves error 1756.  All that was received whole is applied, and the half is sent
 * again from its beginning: so the relay log, which would bring both up again, is forgotten.
 *
 * Not so for a delayed replica: it has not applied what it received, and forgetting would end its delay.  And an
 * account without SYSTEM_USER may not kill a coordinator (error 1095): then STOP takes its minute. */
static enum rc half_end(const struct work *work, struct reason *ret_why) {
    struct replica replica;
    struct half half = { 0 };
    enum rc rc = replica_of(work->connection, work->deadline, &replica, ret_why);
    if (rc == RC_OK && replica.by_gtid && replica.delay_s == 0 && work->connection->abilities.performance_schema)
        rc = half_await(work, &half, ret_why);
    if (rc != RC_OK || !half.read)
        return rc;
    struct sessions coordinator = { .count = 1, .list = { half.coordinator } };
    rc = sessions_kill(work, &coordinator, ret_why);
    if (rc == RC_SERVER)
        return RC_OK;
    if (rc == RC_OK)
        rc = applying_await_end(work, ret_why);
    return rc == RC_OK ? replica_command(work, "RESET REPLICA FOR CHANNEL ''", ret_why) : rc;
}

static enum rc stop_replication(const struct work *work, struct reason *ret_why) {
    enum rc rc = half_end(work, ret_why);
    return rc == RC_OK ? replica_command(work, "STOP REPLICA FOR CHANNEL ''", ret_why) : rc;
}

static enum rc await_applied(const struct work *work, const struct gtid_position *wanted, msec slice, bool *ret_reached,
                             struct reason *ret_why) {
    char text[GTID_TEXT_MAX];
    gtid_format(wanted, text, sizeof text);
    enum rc rc = connection_run(work->connection, clock_now() + slice + ANSWER_SLACK, ret_why,
                                "SELECT WAIT_FOR_EXECUTED_GTID_SET('%s', 0.%03lld)", text, (long long)slice);
    if (rc == RC_OK)
        *ret_reached = connection_next(work->connection) && text_equal(connection_value(work->connection, 0), "0");
    return rc;
}

enum { SOURCE_OPTIONS_MAX = 160 };

/* Without TLS, which is the administrator's to set, caching_sha2_password hands the password over under the source's
 * public key only: it is asked for, unless a file has it. */
static enum rc options_keep(const struct work *work, char ret_options[static SOURCE_OPTIONS_MAX],
                            struct reason *ret_why) {
    struct connection *connection = work->connection;
    enum rc rc = connection_run(connection, work->deadline, ret_why,
                                "SELECT Heartbeat, Enabled_ssl <> 0 OR COALESCE(Public_key_path, '') <> ''"
                                " FROM mysql.slave_master_info WHERE Channel_name = ''");
    if (rc == RC_OK && !connection_next(connection))
        rc = FAIL(RC_IO, ret_why, "the options of the source that it has cannot be read");
    if (rc != RC_OK)
        return rc;
    msec heartbeat = replica_seconds(connection_value(connection, 0));
    snprintf(ret_options, SOURCE_OPTIONS_MAX, ", SOURCE_HEARTBEAT_PERIOD=%lld.%03lld%s", (long long)(heartbeat / 1000),
             (long long)(heartbeat % 1000), connection_number(connection, 1) ? "" : ", GET_SOURCE_PUBLIC_KEY=1");
    return RC_OK;
}

static enum rc set_source(const struct work *work, const struct source_quoted *source, const struct position *position,
                          const struct replica *before, struct reason *ret_why) {
    char options[SOURCE_OPTIONS_MAX] = ", SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=86400, SOURCE_HEARTBEAT_PERIOD=1,"
                                       " GET_SOURCE_PUBLIC_KEY=1";
    enum rc rc = before->configured ? options_keep(work, options, ret_why) : RC_OK;
    (void)position;
    if (rc != RC_OK)
        return rc;
    rc = connection_run_secret(work->connection, work->deadline, ret_why,
                               "CHANGE REPLICATION SOURCE TO SOURCE_HOST=%s, SOURCE_PORT=%u, SOURCE_USER=%s,"
                               " SOURCE_PASSWORD=%s, SOURCE_AUTO_POSITION=1%s FOR CHANNEL ''",
                               source->host, work->task->source_port, source->user, source->password, options);
    if (rc == RC_SERVER && work->connection->error_number == ERROR_PASSWORD_TOO_LONG)
        rc = FAIL(rc, ret_why, "the replication password is longer than the 32 characters that MySQL takes");
    return rc;
}

/* MySQL bounds the wait in seconds only, and each of its two locks for itself: gate_end is what ends it in time. */
static enum rc gate_ask(const struct work *work, msec most, msec patience, struct reason *ret_why) {
    msec until = clock_now() + patience;
    enum rc rc = connection_use(work->gate, ret_why);
    if (rc == RC_OK)
        rc = connection_run(work->gate, until, ret_why, "SET SESSION lock_wait_timeout=%lld",
                            (long long)(most / 1000 + 2));
    if (rc == RC_TIMEOUT) /* it would be taken for the gate itself */
        connection_close(work->gate);
    if (rc == RC_OK)
        rc = connection_run(work->gate, until, ret_why, "SET GLOBAL super_read_only=ON");
    return rc;
}

/* Takes the statement back, unless it has come true by then.  Without an answer to that the session is given up, and
 * the server ends what a session that has gone waits for. */
static enum rc gate_end(const struct work *work, msec until, struct reason *ret_why) {
    enum rc rc = gate_await(work, until, ret_why);
    struct reason unused;
    if (work->gate->pending && connection_run(work->connection, until + ANSWER_SLACK, &unused, "KILL QUERY %lu",
                                              connection_id(work->gate)) == RC_OK)
        rc = gate_await(work, until + 2 * ANSWER_SLACK, ret_why);
    if (work->gate->pending)
        connection_close(work->gate);
    return rc;
}

/* Whoever waits is answered at once.  The statement itself comes back only when the thread that reads the
 * acknowledgements has looked up, which it does each second or when one of its replicas leaves; until then it holds the
 * lock that every log-in and every read of a global variable needs (9.7: 995 ms).  So it is sent on the second session,
 * and the replicas are made to leave: they are back within milliseconds. */
static enum rc stop_waiting(const struct work *work, struct reason *ret_why) {
    struct sessions dumps;
    struct semi_sync_words words;
    enum rc rc = dumps_list(work, &dumps, ret_why);
    if (rc == RC_OK && !semi_sync_words(work->connection, &words))
        return RC_OK;
    if (rc == RC_OK)
        rc = connection_use(work->gate, ret_why);
    if (rc != RC_OK)
        return rc;
    rc = connection_run(work->gate, clock_now() + STOP_PATIENCE, ret_why, "SET GLOBAL rpl_semi_sync_%s_enabled=OFF",
                        words.source);
    if (!work->gate->pending)
        return rc;
    struct reason unused;
    enum rc killed = sessions_kill(work, &dumps, &unused); /* else it takes its second */
    rc = connection_finish(work->gate, work->deadline, ret_why);
    if (work->gate->pending)
        connection_close(work->gate);
    return rc == RC_OK || killed == RC_OK ? rc : FAIL(rc, ret_why, "%.200s", unused.text);
}

/* The thread that reads the acknowledgements, when it meets the end of a replica's connection, takes it off its list
 * only up to a second later (9.7), and is not woken by anything if that was the last one. */
#define LEAVE_PATIENCE ((msec)1100)

static enum rc replicas_await_leaving(const struct work *work, struct reason *ret_why) {
    msec until = clock_now() + LEAVE_PATIENCE;
    unsigned turn = 0;
    for (;;) {
        struct sessions dumps;
        enum rc rc = dumps_list(work, &dumps, ret_why);
        if (rc != RC_OK || dumps.count == 0 || clock_now() >= until || task_left(work) == 0)
            return rc;
        task_pause(work, &turn);
    }
}

static enum rc wait_no_replica(const struct work *work, bool waits, struct reason *ret_why) {
    struct semi_sync_words words;
    if (!semi_sync_words(work->connection, &words))
        return RC_OK;
    return connection_run(work->connection, work->deadline, ret_why, "SET GLOBAL rpl_semi_sync_%s_wait_no_%s=%s",
                          words.source, words.replica, waits ? "ON" : "OFF");
}

/* While it is being switched off nobody can log in, and when its replicas have just left that takes the rest of their
 * second: for so long it would not follow.  Without replicas it waits for nobody either. */
static enum rc stop_waiting_first(const struct work *work, struct reason *ret_why) {
    return wait_no_replica(work, false, ret_why);
}

static enum rc stop_waiting_then(const struct work *work, struct reason *ret_why) {
    enum rc rc = replicas_await_leaving(work, ret_why);
    if (rc == RC_OK)
        rc = stop_waiting(work, ret_why);
    return rc == RC_OK ? wait_no_replica(work, true, ret_why) : rc;
}

static enum rc commits_let_go(const struct work *work, struct reason *ret_why) {
    msec until = clock_now() + RELEASE_LENGTH;
    uint64_t waiting = 1;
    unsigned turn = 0;
    struct sessions dumps;
    enum rc rc = dumps_list(work, &dumps, ret_why);
    if (rc == RC_OK)
        rc = sessions_kill(work, &dumps, ret_why);
    while (rc == RC_OK && waiting > 0 && clock_now() < until && task_left(work) > 0) {
        task_pause(work, &turn);
        rc = commits_waiting(work, &waiting, ret_why);
    }
    return rc;
}

/* What release_commits does in one statement, and takes back in one: so an agent that dies in between leaves both,
 * which nothing else does, and a server that no client reaches. */
static enum rc release_set(const struct work *work, msec deadline, bool release, struct reason *ret_why) {
    struct semi_sync_words words;
    if (!semi_sync_words(work->connection, &words))
        return FAIL(RC_REFUSED, ret_why, "semi-sync was loaded after this session had begun");
    return connection_run(work->connection, deadline, ret_why,
                          "SET GLOBAL offline_mode=%s, GLOBAL rpl_semi_sync_%s_wait_no_%s=%s", release ? "ON" : "OFF",
                          words.source, words.replica, release ? "OFF" : "ON");
}

static enum rc release_end(const struct work *work, msec deadline, struct reason *ret_why) {
    struct semi_sync_words words;
    enum rc rc = connection_use(work->connection, ret_why); /* a time-out may have cost us the connection */
    if (rc != RC_OK || !semi_sync_words(work->connection, &words))
        return rc;
    rc = connection_run(work->connection, deadline, ret_why,
                        "SELECT @@global.offline_mode AND NOT @@global.rpl_semi_sync_%s_wait_no_%s", words.source,
                        words.replica);
    bool left = rc == RC_OK && connection_next(work->connection) && connection_number(work->connection, 0) != 0;
    return left ? release_set(work, deadline, false, ret_why) : rc;
}

static enum rc release_undo(const struct work *work, struct reason *ret_why) {
    return release_end(work, work->deadline, ret_why);
}

/* A commit that waits for an acknowledgement stays in the way when its session is killed (SERVERS.md trap 10); only
 * without semi-sync does it end, and is then told OK.  All clients are cut off by now, and the gate waits, so that
 * nobody who came later has begun a write: there is nobody left to hear it.
 *
 * To switch semi-sync off would hold a lock that the gate's own statement needs (stop_waiting).  A source that has lost
 * its last replica goes on without semi-sync at once, if it is not told to wait for one; so it loses them all for this
 * moment, in which nobody can log in who is no administrator. */
static enum rc release_commits(const struct work *work, struct reason *ret_why) {
    uint64_t waiting = 0;
    struct reason why;
    enum rc rc = commits_waiting(work, &waiting, ret_why);
    if (rc != RC_OK || waiting == 0)
        return rc;
    rc = release_set(work, work->deadline, true, ret_why);
    if (rc == RC_OK)
        rc = commits_let_go(work, ret_why);
    enum rc end = release_end(work, work->deadline + ANSWER_SLACK, &why);
    if (rc == RC_OK && end != RC_OK)
        rc = FAIL(end, ret_why, "cannot let clients in again: %.200s", why.text);
    return rc;
}

/* Nothing waits for a lock here, and super_read_only goes with it. */
static enum rc open_server(const struct work *work, struct reason *ret_why) {
    return connection_run(work->connection, work->deadline, ret_why, "SET GLOBAL read_only=OFF");
}

/* The server refuses these by itself while it is read-only, whoever asks. */
static enum rc heartbeat_create(struct connection *connection, msec deadline, struct reason *ret_why) {
    enum rc rc = connection_run(connection, deadline, ret_why, "CREATE DATABASE IF NOT EXISTS mmm");
    if (rc == RC_OK)
        rc =
            connection_run(connection, deadline, ret_why, "CREATE TABLE IF NOT EXISTS mmm.heartbeat" HEARTBEAT_COLUMNS);
    return rc;
}

const struct family family_mysql = {
    .session = "SET SESSION wait_timeout=31536000, lock_wait_timeout=1, innodb_lock_wait_timeout=1,"
               " max_execution_time=0, autocommit=1, sql_mode='', long_query_time=31536000, sql_log_off=1",
    .pulse = "SELECT " CLIENTS_CANNOT_WRITE ", @@global.version",
    .start_replication = "START REPLICA FOR CHANNEL ''",
    .start_applying = "START REPLICA SQL_THREAD FOR CHANNEL ''",
    .start_receiving = "START REPLICA IO_THREAD FOR CHANNEL ''",
    .start_deletes = false,
    .waits_for_several = true,
    .filters = "SELECT FILTER_NAME, FILTER_RULE FROM performance_schema.replication_applier_filters"
               " WHERE CHANNEL_NAME = ''"
               " UNION ALL SELECT FILTER_NAME, FILTER_RULE FROM performance_schema.replication_applier_global_filters"
               " WHERE NOT EXISTS (SELECT 1 FROM performance_schema.replication_connection_configuration"
               " WHERE CHANNEL_NAME = '')",
    .binlog_filters = "SHOW BINARY LOG STATUS", /* since 8.2 ... */
    .binlog_filters_older = "SHOW MASTER STATUS",
    .filters_need_performance_schema = true,
    .session_is_long = "TIME >= 1",
    .session_time = "TIME",
    .position_read = position_of,
    .replica_read = replica_of,
    .stop_receiving = stop_receiving,
    .stop_replication = stop_replication,
    .await_applied = await_applied,
    .set_source = set_source,
    .gate_ask = gate_ask,
    .gate_end = gate_end,
    .release_commits = release_commits,
    .release_undo = release_undo,
    .stop_waiting = stop_waiting,
    .stop_waiting_first = stop_waiting_first,
    .stop_waiting_then = stop_waiting_then,
    .open = open_server,
    .heartbeat_create = heartbeat_create,
};
