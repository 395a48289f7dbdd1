/* MariaDB's statements. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "effect/mysql/family.h"

static enum rc position_of(struct connection *connection, msec deadline, struct position *ret_position,
                           struct reason *ret_why) {
    struct position position = { 0 };
    enum rc rc = connection_run(connection, deadline, ret_why,
                                "SELECT @@global.read_only, @@global.gtid_binlog_state, @@global.gtid_current_pos,"
                                " @@global.gtid_slave_pos, @@global.gtid_binlog_pos");
    if (rc == RC_OK && !connection_next(connection))
        rc = FAIL(RC_IO, ret_why, "no row");
    struct gtid_position *fields[] = { &position.has, &position.current, &position.replicated, &position.written };
    for (unsigned i = 0; rc == RC_OK && i < COUNT_OF(fields); i++)
        rc = gtid_parse(connection_value(connection, i + 1), fields[i], ret_why);
    if (rc != RC_OK)
        return rc;
    position.read_only = position_is_read_only(connection_value(connection, 0));
    *ret_position = position;
    return RC_OK;
}

static enum rc row_take(struct connection *connection, struct replica *ret_replica, struct reason *ret_why) {
    struct replica replica = { .configured = connection_named(connection, "Master_Host")[0] != 0 };
    const char *mode = connection_named(connection, "Using_Gtid");
    TEXT_COPY(replica.source, connection_named(connection, "Master_Host"));
    replica.source_port = (uint16_t)replica_number(connection, "Master_Port");
    replica.delay_s = replica_number(connection, "SQL_Delay");
    replica.heartbeat = replica_seconds(connection_named(connection, "Slave_heartbeat_period"));
    replica.receiving = replica_thread_state(connection_named(connection, "Slave_IO_Running"));
    replica.applying = replica_thread_state(connection_named(connection, "Slave_SQL_Running"));
    replica.receive_error = replica_number(connection, "Last_IO_Errno");
    TEXT_COPY(replica.receive_text, connection_named(connection, "Last_IO_Error"));
    replica.apply_error = replica_number(connection, "Last_SQL_Errno");
    TEXT_COPY(replica.apply_text, connection_named(connection, "Last_SQL_Error"));
    replica.by_replicated = text_equal(mode, "Slave_Pos");
    replica.by_gtid = replica.by_replicated || text_equal(mode, "Current_Pos");
    replica.read_to = strtoull(connection_named(connection, "Read_Master_Log_Pos"), NULL, 10);
    replica.files_reached = text_equal(connection_named(connection, "Master_Log_File"),
                                       connection_named(connection, "Relay_Master_Log_File")) &&
                            text_equal(connection_named(connection, "Read_Master_Log_Pos"),
                                       connection_named(connection, "Exec_Master_Log_Pos"));
    enum rc rc = gtid_parse(connection_named(connection, "Gtid_IO_Pos"), &replica.received, ret_why);
    if (rc == RC_OK)
        *ret_replica = replica;
    return rc;
}

static enum rc replica_of(struct connection *connection, msec deadline, struct replica *ret_replica,
                          struct reason *ret_why) {
    struct replica none = { 0 };
    enum rc rc = connection_run(connection, deadline, ret_why, "SHOW ALL SLAVES STATUS");
    while (rc == RC_OK && connection_next(connection))
        if (connection_named(connection, "Connection_name")[0] == 0)
            return row_take(connection, ret_replica, ret_why);
    if (rc == RC_OK)
        *ret_replica = none;
    return rc;
}

/* A semi-synchronous replica that stops receiving first connects to its source, to end the dump thread there; when the
 * source is unreachable it waits for that as long as this variable says (5 s by default; seen on 10.11).  A second is
 * the least there is.  A server without the variable has no such wait.  10.11 does not try any more once it has failed
 * to reconnect; 11.8 still does (seen), and switching semi-sync off first does not keep it from that. */
static enum rc stop_receiving(const struct work *work, struct reason *ret_why) {
    enum rc rc =
        connection_run(work->connection, work->deadline, NULL, "SET GLOBAL rpl_semi_sync_slave_kill_conn_timeout=1");
    return rc == RC_OK || rc == RC_SERVER ? replica_command(work, "STOP SLAVE IO_THREAD", ret_why) : rc;
}

static enum rc stop_replication(const struct work *work, struct reason *ret_why) {
    return replica_command(work, "STOP SLAVE", ret_why);
}

/* The furthest entry of each domain only, which is what MASTER_GTID_WAIT accepts. */
static struct gtid_position heads_of(const struct gtid_position *position) {
    struct gtid_position heads = { 0 };
    for (size_t i = 0; i < position->count; i++) {
        const struct gtid *entry = &position->entries[i];
        if (entry->sequence == gtid_domain_sequence(position, entry->domain) &&
            (heads.count == 0 || heads.entries[heads.count - 1].domain != entry->domain))
            heads.entries[heads.count++] = *entry;
    }
    return heads;
}

static enum rc await_applied(const struct work *work, const struct gtid_position *wanted, msec slice, bool *ret_reached,
                             struct reason *ret_why) {
    char text[GTID_TEXT_MAX];
    struct gtid_position heads = heads_of(wanted);
    gtid_format(&heads, text, sizeof text);
    enum rc rc = connection_run(work->connection, clock_now() + slice + ANSWER_SLACK, ret_why,
                                "SELECT MASTER_GTID_WAIT('%s', 0.%03lld)", text, (long long)slice);
    if (rc == RC_OK)
        *ret_reached = connection_next(work->connection) && text_equal(connection_value(work->connection, 0), "0");
    return rc;
}

/* A server that wrote itself must take its own writes into gtid_slave_pos, or it would ask for the wrong place. */
static bool has_written(const struct position *position) {
    for (size_t i = 0; i < position->written.count; i++) {
        const struct gtid *entry = &position->written.entries[i];
        if (entry->sequence > gtid_domain_sequence(&position->replicated, entry->domain))
            return true;
    }
    return false;
}

static enum rc set_source(const struct work *work, const struct source_quoted *source, const struct position *position,
                          const struct replica *before, struct reason *ret_why) {
    char options[96] = ", MASTER_CONNECT_RETRY=1, MASTER_HEARTBEAT_PERIOD=1";
    if (before->configured)
        snprintf(options, sizeof options, ", MASTER_HEARTBEAT_PERIOD=%lld.%03lld",
                 (long long)(before->heartbeat / 1000), (long long)(before->heartbeat % 1000));
    return connection_run_secret(work->connection, work->deadline, ret_why,
                                 "CHANGE MASTER TO MASTER_HOST=%s, MASTER_PORT=%u, MASTER_USER=%s,"
                                 " MASTER_PASSWORD=%s, MASTER_USE_GTID=slave_pos%s%s",
                                 source->host, work->task->source_port, source->user, source->password, options,
                                 has_written(position) ? ", MASTER_DEMOTE_TO_SLAVE=1" : "");
}

/* The server bounds the wait itself: max_statement_time knows milliseconds, lock_wait_timeout only seconds. */
static enum rc gate_ask(const struct work *work, msec most, msec patience, struct reason *ret_why) {
    enum rc rc = connection_use(work->gate, ret_why);
    if (rc == RC_OK)
        rc = connection_run(work->gate, clock_now() + patience, ret_why,
                            "SET STATEMENT max_statement_time=%lld.%03lld, lock_wait_timeout=%lld FOR"
                            " SET GLOBAL read_only=ON",
                            (long long)(most / 1000), (long long)(most % 1000), (long long)(most / 1000 + 1));
    return rc;
}

/* The server's own end of the wait is at hand; a gate that does not tell it is given up. */
static enum rc gate_end(const struct work *work, msec until, struct reason *ret_why) {
    enum rc rc = gate_await(work, until + ANSWER_SLACK, ret_why);
    if (work->gate->pending)
        connection_close(work->gate);
    return rc;
}

static enum rc stop_waiting(const struct work *work, struct reason *ret_why) {
    return connection_run(work->connection, work->deadline, ret_why, "SET GLOBAL rpl_semi_sync_master_enabled=OFF");
}

static enum rc open_server(const struct work *work, struct reason *ret_why) {
    msec left = task_left(work);
    return connection_run(work->connection, work->deadline, ret_why,
                          "SET STATEMENT max_statement_time=%lld.%03lld FOR SET GLOBAL read_only=OFF",
                          (long long)(left / 1000), (long long)(left % 1000));
}

static enum rc heartbeat_create(struct connection *connection, msec deadline, struct reason *ret_why) {
    return connection_run(connection, deadline, ret_why,
                          "BEGIN NOT ATOMIC IF " SERVER_IS_WRITABLE " THEN"
                          " CREATE DATABASE IF NOT EXISTS mmm;"
                          " CREATE TABLE IF NOT EXISTS mmm.heartbeat" HEARTBEAT_COLUMNS ";"
                          " END IF; END");
}

const struct family family_mariadb = {
    .session = "SET SESSION wait_timeout=31536000, lock_wait_timeout=1, innodb_lock_wait_timeout=1,"
               " max_statement_time=0, autocommit=1, sql_mode='', default_master_connection='',"
               " slow_query_log=0, sql_log_off=1",
    .pulse = "SELECT @@global.read_only, @@global.version",
    .start_replication = "START SLAVE",
    .start_applying = "START SLAVE SQL_THREAD",
    .start_receiving = "START SLAVE IO_THREAD",
    .start_deletes = true,
    .waits_for_several = false,
    .filters = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('replicate_do_db', 'replicate_ignore_db',"
               " 'replicate_do_table', 'replicate_ignore_table', 'replicate_wild_do_table',"
               " 'replicate_wild_ignore_table', 'replicate_rewrite_db')",
    .binlog_filters = "SHOW MASTER STATUS",
    .session_is_long = "TIME_MS > 500",
    .session_time = "TIME_MS",
    .position_read = position_of,
    .replica_read = replica_of,
    .stop_receiving = stop_receiving,
    .stop_replication = stop_replication,
    .await_applied = await_applied,
    .set_source = set_source,
    .gate_ask = gate_ask,
    .gate_end = gate_end,
    .release_commits = NULL,
    .release_undo = NULL,
    .stop_waiting = stop_waiting,
    .stop_waiting_first = NULL,
    .stop_waiting_then = NULL,
    .open = open_server,
    .heartbeat_create = heartbeat_create,
};
