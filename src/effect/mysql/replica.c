#include "effect/mysql/replica.h"

#include <stdlib.h>

#include "base/text.h"
#include "effect/mysql/position.h"

enum {
    WAIT_SLICE = 200, /* MASTER_GTID_WAIT does not notice that the SQL thread died: look at it so often */
    STALL = 2000,     /* a source that can not be reached, or does not send (its log's disk is full), is given up */
};

/* When something was last seen to arrive. */
struct arrival {
    msec at;
    uint64_t read_to;
};

static enum thread_state thread_state_of(const char *running) {
    if (text_equal(running, "Yes"))
        return THREAD_RUNNING;
    return text_equal(running, "No") ? THREAD_STOPPED : THREAD_CONNECTING;
}

static uint32_t number_named(const struct connection *connection, const char *column) {
    return (uint32_t)strtoul(connection_named(connection, column), NULL, 10);
}

static enum rc row_take(struct connection *connection, struct replica *ret_replica, struct reason *ret_why) {
    struct replica replica = { .configured = connection_named(connection, "Master_Host")[0] != 0 };
    const char *mode = connection_named(connection, "Using_Gtid");
    TEXT_COPY(replica.source, connection_named(connection, "Master_Host"));
    replica.source_port = (uint16_t)number_named(connection, "Master_Port");
    replica.receiving = thread_state_of(connection_named(connection, "Slave_IO_Running"));
    replica.applying = thread_state_of(connection_named(connection, "Slave_SQL_Running"));
    replica.receive_error = number_named(connection, "Last_IO_Errno");
    TEXT_COPY(replica.receive_text, connection_named(connection, "Last_IO_Error"));
    replica.apply_error = number_named(connection, "Last_SQL_Errno");
    TEXT_COPY(replica.apply_text, connection_named(connection, "Last_SQL_Error"));
    replica.by_slave_pos = text_equal(mode, "Slave_Pos");
    replica.by_gtid = replica.by_slave_pos || text_equal(mode, "Current_Pos");
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

enum rc replica_read(struct connection *connection, msec deadline, struct replica *ret_replica,
                     struct reason *ret_why) {
    struct replica none = { 0 };
    enum rc rc = connection_run(connection, deadline, ret_why, "SHOW ALL SLAVES STATUS");
    while (rc == RC_OK && connection_next(connection))
        if (connection_named(connection, "Connection_name")[0] == 0)
            return row_take(connection, ret_replica, ret_why);
    if (rc != RC_OK) {
        reason_prefix(ret_why, "cannot read the replication status");
        return rc;
    }
    *ret_replica = none;
    return RC_OK;
}

static enum rc command(const struct work *work, const char *statement, struct reason *ret_why) {
    enum rc rc = connection_run(work->connection, work->deadline, ret_why, "%s", statement);
    if (rc != RC_OK)
        reason_prefix(ret_why, "%s failed", statement);
    return rc;
}

static enum rc apply_failed(const struct replica *replica, struct reason *ret_why) {
    return FAIL(RC_SERVER, ret_why, "the SQL thread stopped with error %u: %s", replica->apply_error,
                replica->apply_text);
}

/* Says what is lacking, for a person. */
static enum rc lacking(const struct work *work, const struct gtid_position *wanted, enum rc rc, const char *because,
                       struct reason *ret_why) {
    char want[160], have[160];
    struct position position;
    if (position_read(work->connection, work->deadline + ANSWER_SLACK, &position, ret_why) != RC_OK)
        return rc;
    if (position_has(&position, wanted))
        return RC_OK;
    struct gtid_position at = position_heads(&position.replicated);
    gtid_format(wanted, want, sizeof want);
    gtid_format(&at, have, sizeof have);
    return FAIL(rc, ret_why, "%s: needed %s, applied %s", because, want, have);
}

/* With GTID a START SLAVE after both threads were stopped deletes the relay log (SERVERS.md trap 4): what was received
 * and not applied can then only be fetched again. */
enum rc replica_apply(const struct work *work, struct reason *ret_why) {
    struct replica replica;
    enum rc rc = replica_read(work->connection, work->deadline, &replica, ret_why);
    if (rc != RC_OK || !replica.configured || replica.applying != THREAD_STOPPED)
        return rc;
    if (replica.apply_error != 0)
        return apply_failed(&replica, ret_why);
    if (replica.receiving != THREAD_STOPPED)
        return command(work, "START SLAVE SQL_THREAD", ret_why);
    if (!replica.by_gtid)
        return replica.files_reached ? RC_OK
                                     : FAIL(RC_REFUSED, ret_why, "replication is stopped before all was applied");
    return lacking(work, &replica.received, RC_REFUSED,
                   "replication is stopped, and starting it would delete what was received", ret_why);
}

static enum rc wait_once(const struct work *work, const struct gtid_position *heads, bool *ret_reached,
                         struct reason *ret_why) {
    char text[GTID_TEXT_MAX];
    msec slice = task_left(work) < WAIT_SLICE ? task_left(work) : WAIT_SLICE;
    gtid_format(heads, text, sizeof text);
    enum rc rc = connection_run(work->connection, clock_now() + slice + ANSWER_SLACK, ret_why,
                                "SELECT MASTER_GTID_WAIT('%s', 0.%03lld)", text, (long long)slice);
    if (rc == RC_OK)
        *ret_reached = connection_next(work->connection) && text_equal(connection_value(work->connection, 0), "0");
    return rc;
}

static bool is_stalled(const struct replica *replica, struct arrival *arrival) {
    if (replica->read_to != arrival->read_to)
        *arrival = (struct arrival){ .at = clock_now(), .read_to = replica->read_to };
    return clock_now() - arrival->at > STALL;
}

/* Something is still applying: only then is there a reason to wait on. */
static enum rc wait_is_worth(const struct work *work, const struct gtid_position *wanted, struct arrival *arrival,
                             struct reason *ret_why) {
    struct replica replica;
    enum rc rc = replica_read(work->connection, work->deadline + ANSWER_SLACK, &replica, ret_why);
    if (rc != RC_OK)
        return rc;
    if (replica.applying == THREAD_STOPPED && replica.apply_error != 0)
        return apply_failed(&replica, ret_why);
    if (!replica.configured || replica.applying == THREAD_STOPPED)
        return lacking(work, wanted, RC_REFUSED, "replication is not running", ret_why);
    if (gtid_reached(wanted, &replica.received))
        return RC_OK;
    if (replica.receiving == THREAD_STOPPED)
        return lacking(work, wanted, RC_REFUSED, "nothing more is being received", ret_why);
    if (is_stalled(&replica, arrival))
        return lacking(work, wanted, RC_REFUSED, "the source sends nothing more", ret_why);
    return RC_OK;
}

static enum rc wait_applied(const struct work *work, const struct gtid_position *wanted, struct reason *ret_why) {
    struct position position;
    enum rc rc = position_read(work->connection, work->deadline, &position, ret_why);
    if (rc != RC_OK || position_has(&position, wanted))
        return rc;
    struct gtid_position heads = position_heads(wanted);
    struct arrival arrival = { .at = clock_now() };
    for (;;) {
        bool reached = false;
        rc = wait_is_worth(work, wanted, &arrival, ret_why);
        if (rc == RC_OK && task_left(work) == 0)
            return lacking(work, wanted, RC_TIMEOUT, "not everything was applied in time", ret_why);
        if (rc == RC_OK)
            rc = wait_once(work, &heads, &reached, ret_why);
        if (rc != RC_OK || reached)
            return rc;
    }
}

/* Replication set up by file and position has no Gtid_IO_Pos to wait for. */
static enum rc wait_files(const struct work *work, struct reason *ret_why) {
    unsigned turn = 0;
    for (;;) {
        struct replica replica;
        enum rc rc = replica_read(work->connection, work->deadline, &replica, ret_why);
        if (rc != RC_OK || replica.files_reached)
            return rc;
        if (replica.applying == THREAD_STOPPED)
            return apply_failed(&replica, ret_why);
        if (task_left(work) == 0)
            return FAIL(RC_TIMEOUT, ret_why, "not everything was applied in time");
        task_pause(work, &turn);
    }
}

enum rc replica_reach(const struct work *work, const struct gtid_position *reach, struct reason *ret_why) {
    struct position position;
    enum rc rc = position_read(work->connection, work->deadline, &position, ret_why);
    if (rc != RC_OK || position_has(&position, reach))
        return rc;
    rc = replica_apply(work, ret_why);
    return rc == RC_OK ? wait_applied(work, reach, ret_why) : rc;
}

/* A semi-synchronous replica that stops receiving first connects to its source, to end the dump thread there; when the
 * source is unreachable it waits for that as long as this variable says (5 s by default; seen on 10.11).  A second is
 * the least there is.  A server without the variable has no such wait. */
enum rc replica_stop_receiving(const struct work *work, struct reason *ret_why) {
    enum rc rc =
        connection_run(work->connection, work->deadline, NULL, "SET GLOBAL rpl_semi_sync_slave_kill_conn_timeout=1");
    return rc == RC_OK || rc == RC_SERVER ? command(work, "STOP SLAVE IO_THREAD", ret_why) : rc;
}

enum rc replica_drain(const struct work *work, struct reason *ret_why) {
    struct replica replica;
    enum rc rc = replica_read(work->connection, work->deadline, &replica, ret_why);
    if (rc != RC_OK || !replica.configured)
        return rc;
    rc = replica_apply(work, ret_why);
    if (rc != RC_OK || (replica.receiving == THREAD_STOPPED && replica.applying == THREAD_STOPPED))
        return rc;
    if (replica.receiving != THREAD_STOPPED)
        rc = replica_stop_receiving(work, ret_why);
    if (rc == RC_OK)
        rc = replica_read(work->connection, work->deadline, &replica, ret_why);
    if (rc == RC_OK)
        rc = replica.by_gtid ? wait_applied(work, &replica.received, ret_why) : wait_files(work, ret_why);
    return rc == RC_OK ? command(work, "STOP SLAVE", ret_why) : rc;
}
