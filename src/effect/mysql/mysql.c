/* MySQL's statements (8.0.22 and later).  Read-only means super_read_only: plain read_only lets whoever has SUPER
 * write. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "effect/mysql/family.h"

/* So long do commits that wait for an acknowledgement get to end when they are let go. */
#define RELEASE_LENGTH ((msec)100)

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

static enum rc replica_of(struct connection *connection, msec deadline, struct replica *ret_replica,
                          struct reason *ret_why) {
    struct replica none = { 0 };
    enum rc rc = connection_run(connection, deadline, ret_why, "SHOW REPLICA STATUS");
    while (rc == RC_OK && connection_next(connection))
        if (connection_named(connection, "Channel_Name")[0] == 0)
            return row_take(connection, ret_replica, ret_why);
    if (rc == RC_OK)
        *ret_replica = none;
    return rc;
}

static enum rc stop_receiving(const struct work *work, struct reason *ret_why) {
    return replica_command(work, "STOP REPLICA IO_THREAD FOR CHANNEL ''", ret_why);
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
    return connection_run_secret(work->connection, work->deadline, ret_why,
                                 "CHANGE REPLICATION SOURCE TO SOURCE_HOST=%s, SOURCE_PORT=%u, SOURCE_USER=%s,"
                                 " SOURCE_PASSWORD=%s, SOURCE_AUTO_POSITION=1%s FOR CHANNEL ''",
                                 source->host, work->task->source_port, source->user, source->password, options);
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

enum { REPLICAS_MAX = 64 };

/* A session that has ended by itself meanwhile is as good as killed. */
static enum rc replicas_kill(const struct work *work, struct reason *ret_why) {
    unsigned long long sessions[REPLICAS_MAX];
    size_t count = 0;
    enum rc rc = connection_run(work->connection, work->deadline, ret_why,
                                "SELECT ID FROM %s WHERE COMMAND IN ('Binlog Dump', 'Binlog Dump GTID')",
                                clients_table(work->connection));
    while (rc == RC_OK && count < REPLICAS_MAX && connection_next(work->connection))
        sessions[count++] = connection_number(work->connection, 0);
    for (size_t i = 0; rc == RC_OK && i < count; i++) {
        rc = connection_run(work->connection, work->deadline, ret_why, "KILL CONNECTION %llu", sessions[i]);
        if (rc == RC_SERVER && work->connection->error_number == ERROR_NO_SUCH_THREAD)
            rc = RC_OK;
    }
    return rc;
}

static enum rc commits_let_go(const struct work *work, struct reason *ret_why) {
    msec until = clock_now() + RELEASE_LENGTH;
    uint64_t waiting = 1;
    unsigned turn = 0;
    enum rc rc = replicas_kill(work, ret_why);
    while (rc == RC_OK && waiting > 0 && clock_now() < until && task_left(work) > 0) {
        task_pause(work, &turn);
        rc = commits_waiting(work, &waiting, ret_why);
    }
    return rc;
}

/* A commit that waits for an acknowledgement stays in the way when its session is killed (SERVERS.md trap 10); only
 * without semi-sync does it end, and is then told OK.  All clients are cut off by now, and the gate waits, so that
 * nobody who came later has begun a write: there is nobody left to hear it.
 *
 * Switching semi-sync off answers only when its thread has looked up, which it does each second, and until then holds
 * the lock that the gate's own statement and every read of a global variable need (9.7: 995 ms).  A source that has
 * lost its last replica goes on without semi-sync at once, if it is not told to wait for one; so it loses them all for
 * this moment.  They come back by themselves. */
static enum rc release_commits(const struct work *work, struct reason *ret_why) {
    struct connection *connection = work->connection;
    uint64_t waiting = 0;
    enum rc rc = commits_waiting(work, &waiting, ret_why);
    if (rc != RC_OK || waiting == 0)
        return rc;
    if (connection->abilities.semi_sync == NULL)
        return FAIL(RC_REFUSED, ret_why, "semi-sync was loaded after this session had begun");
    const char *name =
        text_equal(connection->abilities.semi_sync, "source") ? "source_wait_no_replica" : "master_wait_no_slave";
    rc = connection_run(connection, work->deadline, ret_why, "SELECT @@global.rpl_semi_sync_%s", name);
    bool waits = rc == RC_OK && connection_next(connection) && connection_number(connection, 0) != 0;
    if (rc == RC_OK && waits)
        rc = connection_run(connection, work->deadline, ret_why, "SET GLOBAL rpl_semi_sync_%s=OFF", name);
    if (rc == RC_OK)
        rc = commits_let_go(work, ret_why);
    struct reason why;
    enum rc back = RC_OK;
    if (waits)
        back = connection_use(connection, &why);
    if (waits && back == RC_OK)
        back = connection_run(connection, work->deadline + ANSWER_SLACK, &why, "SET GLOBAL rpl_semi_sync_%s=ON", name);
    if (rc == RC_OK && back != RC_OK)
        rc = FAIL(back, ret_why, "cannot switch rpl_semi_sync_%s on again: %.200s", name, why.text);
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
    .stop_replication = "STOP REPLICA FOR CHANNEL ''",
    .switches_semi_sync = false,
    .start_deletes = false,
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
    .await_applied = await_applied,
    .set_source = set_source,
    .gate_ask = gate_ask,
    .gate_end = gate_end,
    .release_commits = release_commits,
    .open = open_server,
    .heartbeat_create = heartbeat_create,
};
