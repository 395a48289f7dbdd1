#include "effect/mysql/task.h"

#include <stdio.h>
#include <time.h>

#include "base/text.h"
#include "effect/mysql/family.h"
#include "effect/mysql/semi_sync.h"

/* For putting read_only back when there is no time left. */
#define UNDO_LENGTH ((msec)250)

msec task_left(const struct work *work) {
    msec left = work->deadline - clock_now();
    return left > 0 ? left : 0;
}

void task_pause(const struct work *work, unsigned *turn) {
    msec length = (msec)1 << *turn;
    msec left = task_left(work);
    if (length > left)
        length = left;
    if (*turn < 4)
        ++*turn;
    nanosleep(&(struct timespec){ .tv_nsec = length * 1000000 }, NULL);
}

/* A server that was to be opened, and of which that is not proven, must not stay open.  A time-out may have cost us the
 * connection. */
static void writable_undo(const struct work *work, struct reason *why) {
    struct reason undo = { 0 };
    enum rc rc = connection_use(work->connection, &undo);
    if (rc == RC_OK)
        rc = task_read_only(work, UNDO_LENGTH, &undo);
    if (rc != RC_OK)
        text_append(why->text, sizeof why->text, "; and then: %.120s", undo.text);
}

/* The statement cannot come true later than the deadline: the lease behind it may have ended by then. */
static enum rc writable_set(const struct work *work, struct reason *ret_why) {
    struct position position;
    const struct family *family;
    if (task_left(work) == 0)
        return FAIL(RC_TIMEOUT, ret_why, "the time was up before the server could be made writable");
    enum rc rc = family_need(work->connection, &family, ret_why);
    if (rc == RC_OK)
        rc = family->open(work, ret_why);
    if (rc == RC_OK)
        rc = position_read(work->connection, work->deadline, &position, ret_why);
    if (rc == RC_OK && position.read_only)
        rc = FAIL(RC_REFUSED, ret_why, "the server is still read-only");
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot make the server writable");
    return rc;
}

/* What is applied here would wait for replicas of its own, and nobody may answer.  A server that clients may write to
 * is left as it is: those who wait would be answered OK. */
static enum rc wait_for_nobody(const struct work *work, struct reason *ret_why) {
    struct position position;
    enum rc rc = position_read(work->connection, work->deadline, &position, ret_why);
    return rc == RC_OK && position.read_only ? semi_sync_wait(work, false, ret_why) : rc;
}

/* The source stays configured with its threads stopped: its options are needed again when this server follows. */
static enum rc make_ready(const struct work *work, struct reason *ret_why) {
    enum rc rc = wait_for_nobody(work, ret_why);
    if (rc == RC_OK && work->task->reach.count > 0)
        rc = replica_reach(work, &work->task->reach, ret_why);
    return rc == RC_OK ? replica_drain(work, ret_why) : rc;
}

static enum rc drain(const struct work *work, struct reason *ret_why) {
    enum rc rc = wait_for_nobody(work, ret_why);
    if (rc == RC_OK && work->task->source_address.family != 0)
        rc = follow_run(work, ret_why);
    if (rc == RC_OK && work->task->source_address.family != 0)
        rc = replica_reach(work, &work->task->reach, ret_why);
    return rc == RC_OK ? replica_drain(work, ret_why) : rc;
}

static enum rc dispatch(const struct work *work, struct reason *ret_why) {
    switch (work->task->kind) {
    case TASK_NONE:
        return RC_OK;
    case TASK_FENCE:
        return fence_run(work, ret_why);
    case TASK_DRAIN:
        return drain(work, ret_why);
    case TASK_READY:
        return make_ready(work, ret_why);
    case TASK_OPEN:
        return writable_set(work, ret_why);
    case TASK_FOLLOW:
        return follow_run(work, ret_why);
    case TASK_SEMI_SYNC:
        return semi_sync_run(work, ret_why);
    }
    return FAIL(RC_INVALID, ret_why, "no such task");
}

void task_run(const struct work *work, struct task_result *ret_result) {
    struct reason why = { 0 };
    struct position position = { 0 };
    struct task_result result = { .kind = work->task->kind };
    result.rc = connection_use(work->connection, &why);
    bool connected = result.rc == RC_OK;
    if (result.rc == RC_OK)
        result.rc = dispatch(work, &why);
    if (result.rc == RC_OK)
        result.rc = position_read(work->connection, work->deadline + UNDO_LENGTH, &position, &why);
    if (result.rc != RC_OK && connected && result.kind == TASK_OPEN)
        writable_undo(work, &why);
    if (result.rc == RC_OK) {
        result.binlog = position.has;
        result.applied = position.current;
    } else {
        TEXT_COPY(result.why, why.text);
    }
    *ret_result = result;
}
