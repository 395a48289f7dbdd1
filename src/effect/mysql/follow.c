/* FOLLOW: read-only, drained, pointed at a source: its address and port, our user and password, GTID.  All other
 * options (TLS, filters, delay, retries, heartbeat) stay as the administrator set them; ours are for a server that
 * never had a source. */
#include <string.h>

#include "base/text.h"
#include "effect/mysql/family.h"
#include "effect/mysql/semi_sync.h"

/* A source that has not answered by then may yet; that it does not is the looks' business. */
#define CONNECT_LENGTH ((msec)500)

enum { CLIENT_ERRORS_FIRST = 2000, CLIENT_ERRORS_LAST = 2999 };

static bool is_source(const struct replica *replica, const struct server_task *task) {
    struct ip source;
    return replica->configured && ip_parse(replica->source, &source, NULL) == RC_OK &&
           ip_equal(&source, &task->source_address) && replica->source_port == task->source_port;
}

/* Nothing that setting the source anew could better: a source that cannot be reached is tried again by the server
 * itself. */
static bool follows_already(const struct replica *replica, const struct server_task *task) {
    bool only_network = replica->receive_error == 0 ||
                        (replica->receive_error >= CLIENT_ERRORS_FIRST && replica->receive_error <= CLIENT_ERRORS_LAST);
    return is_source(replica, task) && replica->by_replicated && replica->applying == THREAD_RUNNING &&
           replica->receiving != THREAD_STOPPED && only_network;
}

static enum rc source_quote(const struct work *work, const char *host, struct source_quoted *ret_source,
                            struct reason *ret_why) {
    enum rc rc = connection_quote(work->connection, host, ret_source->host, ret_why);
    if (rc == RC_OK)
        rc = connection_quote(work->connection, work->replication_user, ret_source->user, ret_why);
    return rc == RC_OK ? connection_quote(work->connection, work->replication_password, ret_source->password, ret_why)
                       : rc;
}

static enum rc change_source(const struct work *work, const struct replica *before, struct reason *ret_why) {
    struct position position;
    struct source_quoted source;
    const struct family *family;
    char host[IP_TEXT_MAX];
    ip_format(&work->task->source_address, host);
    enum rc rc = position_read(work->connection, work->deadline, &position, ret_why);
    if (rc == RC_OK)
        rc = family_need(work->connection, &family, ret_why);
    if (rc == RC_OK)
        rc = source_quote(work, host, &source, ret_why);
    if (rc == RC_OK)
        rc = family->set_source(work, &source, &position, before, ret_why);
    explicit_bzero(&source, sizeof source);
    if (rc == RC_OK)
        rc = connection_run(work->connection, work->deadline, ret_why, "%s", family->start_replication);
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot follow %s", host);
    return rc;
}

/* What a delayed replica has received and not applied may be an hour's work: it is left, and fetched again from the new
 * source, which has it (the monitor compares first: rule R03). */
static enum rc leave_source(const struct work *work, const struct replica *replica, struct reason *ret_why) {
    const struct family *family;
    if (replica->receiving == THREAD_STOPPED && replica->applying == THREAD_STOPPED)
        return RC_OK;
    if (replica->delay_s == 0)
        return replica_drain(work, ret_why);
    enum rc rc = family_need(work->connection, &family, ret_why);
    if (rc == RC_OK && replica->receiving != THREAD_STOPPED)
        rc = family->stop_receiving(work, ret_why);
    return rc == RC_OK ? family->stop_replication(work, ret_why) : rc;
}

static enum rc await_source(const struct work *work, struct reason *ret_why) {
    msec until = clock_now() + CONNECT_LENGTH;
    unsigned turn = 0;
    for (;;) {
        struct replica replica;
        enum rc rc = replica_read(work->connection, work->deadline, &replica, ret_why);
        if (rc != RC_OK)
            return rc;
        if (replica.apply_error != 0)
            return FAIL(RC_SERVER, ret_why, "cannot apply: error %u: %s", replica.apply_error, replica.apply_text);
        if (replica.receive_error != 0)
            return FAIL(RC_SERVER, ret_why, "cannot receive from %s:%u: error %u: %s", replica.source,
                        replica.source_port, replica.receive_error, replica.receive_text);
        if (replica.receiving == THREAD_RUNNING && replica.applying == THREAD_RUNNING)
            return RC_OK;
        if (clock_now() >= until || task_left(work) == 0)
            return replica.receiving != THREAD_STOPPED && replica.applying == THREAD_RUNNING
                       ? RC_OK
                       : FAIL(RC_TIMEOUT, ret_why, "replication from %s did not start", replica.source);
        task_pause(work, &turn);
    }
}

/* A server that applies must not wait for acknowledgements of its own replicas: nobody may answer. */
enum rc follow_run(const struct work *work, struct reason *ret_why) {
    struct replica replica;
    enum rc rc = task_read_only(work, task_left(work), ret_why);
    if (rc == RC_OK)
        rc = semi_sync_leave_first(work, ret_why);
    if (rc == RC_OK)
        rc = semi_sync_acknowledge(work, work->task->acknowledges, ret_why);
    if (rc == RC_OK)
        rc = replica_read(work->connection, work->deadline, &replica, ret_why);
    if (rc != RC_OK)
        return rc;
    if (!follows_already(&replica, work->task)) {
        rc = leave_source(work, &replica, ret_why);
        if (rc == RC_OK)
            rc = change_source(work, &replica, ret_why);
    }
    if (rc == RC_OK)
        rc = await_source(work, ret_why);
    return rc == RC_OK ? semi_sync_leave_then(work, ret_why) : rc;
}
