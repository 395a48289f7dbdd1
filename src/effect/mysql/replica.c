#include "effect/mysql/replica.h"

#include <stdlib.h>

#include "base/text.h"
#include "effect/mysql/family.h"

enum {
    WAIT_SLICE = 200, /* the server's wait does not notice that the SQL thread died: look at it so often */
    STALL = 2000,     /* a source that can not be reached, or does not send (its log's disk is full), is given up */
};

/* When something was last seen to arrive. */
struct arrival {
    msec at;
    uint64_t read_to;
};

enum thread_state replica_thread_state(const char *running) {
    if (text_equal(running, "Yes"))
        return THREAD_RUNNING;
    return text_equal(running, "No") ? THREAD_STOPPED : THREAD_CONNECTING;
}

msec replica_seconds(const char *seconds) {
    char *rest;
    unsigned long whole = strtoul(seconds, &rest, 10);
    msec thousandths = 0, place = 100;
    for (; *rest == '.' || (*rest >= '0' && *rest <= '9' && place > 0); rest++)
        if (*rest != '.') {
            thousandths += (*rest - '0') * place;
            place /= 10;
        }
    return SECONDS((msec)whole) + thousandths;
}

uint32_t replica_number(const struct connection *connection, const char *column) {
    return (uint32_t)strtoul(connection_named(connection, column), NULL, 10);
}

enum rc replica_read(struct connection *connection, msec deadline, struct replica *ret_replica,
                     struct reason *ret_why) {
    const struct family *family;
    enum rc rc = family_need(connection, &family, ret_why);
    if (rc == RC_OK)
        rc = family->replica_read(connection, deadline, ret_replica, ret_why);
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot read the replication status");
    return rc;
}

enum rc replica_command(const struct work *work, const char *statement, struct reason *ret_why) {
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
    gtid_format(wanted, want, sizeof want);
    gtid_format(&position.replicated, have, sizeof have);
    return FAIL(rc, ret_why, "%s: needed %s, applied %s", because, want, have);
}

/* On MariaDB, with GTID, a START SLAVE after both threads were stopped deletes the relay log (SERVERS.md trap 4): what
 * was received and not applied can then only be fetched again. */
static enum rc apply_from_stand_still(const struct work *work, const struct family *family,
                                      const struct replica *replica, struct reason *ret_why) {
    if (!family->start_deletes) {
        struct position position;
        enum rc rc = position_read(work->connection, work->deadline, &position, ret_why);
        return rc != RC_OK || position_has(&position, &replica->received)
                   ? rc
                   : replica_command(work, family->start_applying, ret_why);
    }
    if (!replica->by_gtid)
        return replica->files_reached ? RC_OK
                                      : FAIL(RC_REFUSED, ret_why, "replication is stopped before all was applied");
    return lacking(work, &replica->received, RC_REFUSED,
                   "replication is stopped, and starting it would delete what was received", ret_why);
}

/* Sees to it that received transactions are being applied: starts the SQL thread if that is safe. */
static enum rc apply_received(const struct work *work, struct reason *ret_why) {
    struct replica replica;
    const struct family *family;
    enum rc rc = replica_read(work->connection, work->deadline, &replica, ret_why);
    if (rc != RC_OK || !replica.configured || replica.applying != THREAD_STOPPED)
        return rc;
    if (replica.apply_error != 0)
        return apply_failed(&replica, ret_why);
    rc = family_need(work->connection, &family, ret_why);
    if (rc != RC_OK)
        return rc;
    return replica.receiving != THREAD_STOPPED ? replica_command(work, family->start_applying, ret_why)
                                               : apply_from_stand_still(work, family, &replica, ret_why);
}

static enum rc wait_once(const struct work *work, const struct gtid_position *wanted, bool *ret_reached,
                         struct reason *ret_why) {
    const struct family *family;
    enum rc rc = family_need(work->connection, &family, ret_why);
    if (rc != RC_OK)
        return rc;
    return family->await_applied(work, wanted, task_left(work) < WAIT_SLICE ? task_left(work) : WAIT_SLICE, ret_reached,
                                 ret_why);
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
    struct arrival arrival = { .at = clock_now() };
    for (;;) {
        bool reached = false;
        rc = wait_is_worth(work, wanted, &arrival, ret_why);
        if (rc == RC_OK && task_left(work) == 0)
            return lacking(work, wanted, RC_TIMEOUT, "not everything was applied in time", ret_why);
        if (rc == RC_OK)
            rc = wait_once(work, wanted, &reached, ret_why);
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
    rc = apply_received(work, ret_why);
    return rc == RC_OK ? wait_applied(work, reach, ret_why) : rc;
}

enum rc replica_drain(const struct work *work, struct reason *ret_why) {
    struct replica replica;
    const struct family *family;
    enum rc rc = replica_read(work->connection, work->deadline, &replica, ret_why);
    if (rc != RC_OK || !replica.configured)
        return rc;
    rc = apply_received(work, ret_why);
    if (rc == RC_OK)
        rc = replica_read(work->connection, work->deadline, &replica, ret_why);
    if (rc == RC_OK)
        rc = family_need(work->connection, &family, ret_why);
    if (rc != RC_OK || (replica.receiving == THREAD_STOPPED && replica.applying == THREAD_STOPPED))
        return rc;
    if (replica.receiving != THREAD_STOPPED)
        rc = family->stop_receiving(work, ret_why);
    if (rc == RC_OK)
        rc = replica_read(work->connection, work->deadline, &replica, ret_why);
    if (rc == RC_OK)
        rc = replica.by_gtid ? wait_applied(work, &replica.received, ret_why) : wait_files(work, ret_why);
    return rc == RC_OK ? family->stop_replication(work, ret_why) : rc;
}
