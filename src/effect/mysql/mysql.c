/* MySQL's statements (8.0.22 and later).  Read-only means super_read_only: plain read_only lets whoever has SUPER
 * write. */
#include <stdlib.h>

#include "base/text.h"
#include "effect/mysql/family.h"

static enum rc position_of(struct connection *connection, msec deadline, struct position *ret_position,
                           struct reason *ret_why) {
    struct position position = { 0 };
    enum rc rc =
        connection_run(connection, deadline, ret_why, "SELECT @@global.super_read_only, @@global.gtid_executed");
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

/* Without TLS, which is the administrator's to set, caching_sha2_password hands the password over under the source's
 * public key only. */
static enum rc set_source(const struct work *work, const struct source_quoted *source, const struct position *position,
                          struct reason *ret_why) {
    (void)position;
    return connection_run_secret(work->connection, work->deadline, ret_why,
                                 "CHANGE REPLICATION SOURCE TO SOURCE_HOST=%s, SOURCE_PORT=%u, SOURCE_USER=%s,"
                                 " SOURCE_PASSWORD=%s, SOURCE_AUTO_POSITION=1, SOURCE_CONNECT_RETRY=1,"
                                 " SOURCE_RETRY_COUNT=86400, SOURCE_HEARTBEAT_PERIOD=1, GET_SOURCE_PUBLIC_KEY=1"
                                 " FOR CHANNEL ''",
                                 source->host, work->task->source_port, source->user, source->password);
}

/* Asks for super_read_only, and stays asking when length has passed (RC_TIMEOUT): from the moment that the server has
 * begun, no new write begins before it is answered. */
static enum rc close_begin(const struct work *work, msec length, struct reason *ret_why) {
    struct connection *connection = work->connection;
    enum rc rc = connection_run(connection, work->deadline + ANSWER_SLACK, ret_why,
                                "SET SESSION lock_wait_timeout=%lld", (long long)(task_left(work) / 1000 + 2));
    if (rc != RC_OK)
        return rc;
    connection->options.patient = true;
    rc = connection_run(connection, clock_now() + length, ret_why, "SET GLOBAL super_read_only=ON");
    connection->options.patient = false;
    return rc == RC_SERVER && connection->error_number == ERROR_LOCK_WAIT_TIMEOUT ? RC_TIMEOUT : rc;
}

static enum rc close_wait(const struct work *work, msec length, struct reason *ret_why) {
    struct connection *connection = work->connection;
    if (!connection->pending)
        return FAIL(RC_IO, ret_why, "the connection is closed");
    connection->options.patient = true;
    enum rc rc = connection_finish(connection, clock_now() + length, ret_why);
    connection->options.patient = false;
    return rc == RC_SERVER && (connection->error_number == ERROR_LOCK_WAIT_TIMEOUT ||
                               connection->error_number == ERROR_INTERRUPTED)
               ? RC_TIMEOUT
               : rc;
}

/* MySQL bounds the wait in seconds only; so the statement is taken back, and cannot come true after we have said that
 * it did not.  Without an answer to that the connection is given up, which ends the statement, too. */
static enum rc close_take_back(const struct work *work, struct connection *aside, struct reason *ret_why) {
    enum rc rc = RC_TIMEOUT;
    struct reason why;
    if (connection_use(aside, &why) == RC_OK &&
        connection_run(aside, clock_now() + ANSWER_SLACK, &why, "KILL QUERY %lu", connection_id(work->connection)) ==
            RC_OK)
        rc = close_wait(work, ANSWER_SLACK, ret_why);
    if (work->connection->pending)
        connection_close(work->connection);
    return rc;
}

static enum rc close_server(const struct work *work, msec length, struct reason *ret_why) {
    CLEANUP(connection_done) struct connection aside;
    connection_init(&aside, &work->connection->options);
    enum rc rc = close_begin(work, length > 0 ? length : 1, ret_why);
    return work->connection->pending ? close_take_back(work, &aside, ret_why) : rc;
}

/* What was switched off to let a fence through. */
struct released {
    bool online;
    bool semi_sync;
};

/* A commit that waits for an acknowledgement stays in the way when its session is killed (SERVERS.md trap 10); only
 * without semi-sync does it end, and is then told OK.  So first nobody may come in, and whoever is in is cut off:
 * nobody is left to hear it. */
static enum rc release_waiters(const struct work *aside, struct released *released, struct reason *ret_why) {
    struct connection *connection = aside->connection;
    const char *word = connection->abilities.semi_sync;
    if (word == NULL || released->semi_sync)
        return RC_OK;
    enum rc rc = connection_run(connection, aside->deadline, ret_why,
                                "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_%s_wait_sessions'", word);
    if (rc != RC_OK || !connection_next(connection) || connection_number(connection, 1) == 0)
        return rc;
    rc = connection_run(connection, aside->deadline, ret_why, "SELECT @@global.offline_mode");
    bool online = rc == RC_OK && connection_next(connection) && connection_number(connection, 0) == 0;
    if (rc == RC_OK && online)
        rc = connection_run(connection, aside->deadline, ret_why, "SET GLOBAL offline_mode=ON");
    released->online = online && rc == RC_OK;
    if (rc == RC_OK)
        rc = clients_cut(aside, ret_why);
    if (rc == RC_OK)
        rc = connection_run(connection, aside->deadline, ret_why, "SET GLOBAL rpl_semi_sync_%s_enabled=OFF", word);
    released->semi_sync = rc == RC_OK;
    return rc;
}

static enum rc put_back(const struct work *aside, const struct released *released, struct reason *ret_why) {
    struct connection *connection = aside->connection;
    msec deadline = aside->deadline + ANSWER_SLACK;
    enum rc rc = RC_OK;
    if (released->semi_sync)
        rc = connection_run(connection, deadline, ret_why, "SET GLOBAL rpl_semi_sync_%s_enabled=ON",
                            connection->abilities.semi_sync);
    if (rc == RC_OK && released->online)
        rc = connection_run(connection, deadline, ret_why, "SET GLOBAL offline_mode=OFF");
    return rc;
}

static enum rc clear_the_way(const struct work *work, const struct work *aside, struct released *released,
                             struct reason *ret_why) {
    enum rc rc = RC_TIMEOUT;
    for (unsigned turn = 0; work->connection->pending && task_left(work) > 0; turn++) {
        rc = connection_use(aside->connection, ret_why);
        if (rc == RC_OK)
            rc = clients_cut(aside, ret_why);
        if (rc == RC_OK)
            rc = clients_kill_all(aside, ret_why);
        if (rc == RC_OK && turn > 0)
            rc = release_waiters(aside, released, ret_why);
        if (rc != RC_OK)
            return rc;
        rc = close_wait(work, task_left(work) < FENCE_RETRY ? task_left(work) : FENCE_RETRY, ret_why);
    }
    return rc;
}

static enum rc close_by_force(const struct work *work, struct reason *ret_why) {
    CLEANUP(connection_done) struct connection connection;
    connection_init(&connection, &work->connection->options);
    struct work aside = *work;
    struct released released = { 0 };
    struct reason why;
    aside.connection = &connection;
    enum rc rc = close_begin(work, fence_gentle(work), ret_why);
    if (!work->connection->pending)
        return rc;
    rc = clear_the_way(work, &aside, &released, ret_why);
    if (work->connection->pending && close_take_back(work, &connection, &why) == RC_OK)
        rc = RC_OK;
    enum rc back = put_back(&aside, &released, &why);
    if (rc != RC_OK) {
        reason_prefix(ret_why, "cannot set super_read_only");
        return rc;
    }
    if (back != RC_OK) {
        reason_set(ret_why, "cannot put back what a fence switched off: %.200s", why.text);
        return back;
    }
    return RC_OK;
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
    .pulse = "SELECT @@global.super_read_only, @@global.version",
    .start_replication = "START REPLICA FOR CHANNEL ''",
    .start_applying = "START REPLICA SQL_THREAD FOR CHANNEL ''",
    .stop_replication = "STOP REPLICA FOR CHANNEL ''",
    .start_deletes = false,
    .position_read = position_of,
    .replica_read = replica_of,
    .stop_receiving = stop_receiving,
    .await_applied = await_applied,
    .set_source = set_source,
    .close = close_server,
    .close_by_force = close_by_force,
    .open = open_server,
    .heartbeat_create = heartbeat_create,
};
