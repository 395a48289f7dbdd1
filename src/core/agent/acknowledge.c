/* Lossless mode on this host: as a writer, whether its commits wait and are acknowledged; as a standby, what it has
 * acknowledged and must therefore still have when it comes back. */
#include "core/agent/agent_internal.h"

#define RECEIVED_EVERY SECONDS(1)

static const struct replication *replication_of(const struct agent *agent) {
    return &agent->probe.replication;
}

void acknowledge_forget(struct agent *agent) {
    agent->counting = false;
    agent->unacknowledged_since = NEVER;
}

static bool counts(const struct agent *agent) {
    return !agent->writer && !agent->durable.writer && set_has(agent->durable.electable, agent->self);
}

static bool has_lost(const struct agent *agent) {
    return agent->probe.answered && counts(agent) && !gtid_reached(&agent->durable.received, &agent->probe.received);
}

/* All electable peers acknowledge each commit, where the server can wait for more than one. */
uint32_t acknowledge_count(const struct agent *agent, host_set electable) {
    host_set peers = electable & ~set_of(agent->self);
    return peers ? (uint32_t)set_count(peers) : 1;
}

static bool waits_for_fewer(const struct semi_sync *semi_sync, uint32_t wanted) {
    return semi_sync->wait_count != 0 && semi_sync->wait_count < wanted;
}

void acknowledge_seen(struct step *step, bool waits) {
    struct agent *agent = step->agent;
    agent->unacknowledged_seen = step->now;
    if (!waits)
        agent->unacknowledged_since = NEVER;
    else if (agent->unacknowledged_since == NEVER) {
        agent->unacknowledged_since = later(agent->look_started, step->now - agent->cluster->lease.report);
        step_report_soon(step);
    }
}

/* A commit that is acknowledged after the server began to wait, and for as many as it does now, proves that all before
 * it has arrived, so counting begins at the first look that sees that. */
void acknowledge_looked(struct step *step, const struct semi_sync *before) {
    struct agent *agent = step->agent;
    const struct semi_sync *now = &agent->probe.semi_sync;
    if (!now->waits)
        agent->counting = false;
    else if (!agent->counting || waits_for_fewer(before, now->wait_count)) {
        agent->counting = true;
        agent->counted_from = now->acknowledged;
    }
    bool canary_waits = agent->probe.canary_tried && !agent->probe.canary_written;
    bool moved = before->known && before->acknowledged != now->acknowledged;
    if (moved)
        agent->unacknowledged_since = NEVER; /* acknowledgements are of all before: what waits now waits since then */
    bool stands_still = canary_waits || (before->known && !moved);
    acknowledge_seen(step, now->known && now->waiting > 0 && stands_still);
}

/* A server that falls silent tells no more of what waits there: that is no word against its standbys. */
static msec unacknowledged_for(const struct step *step) {
    const struct agent *agent = step->agent;
    msec known_until = agent->unacknowledged_seen +
                       earlier(agent->cluster->lease.report, agent->cluster->failover.acknowledge_timeout) / 2;
    return earlier(step->now, known_until) - agent->unacknowledged_since + 1;
}

/* After a look that took all its time in vain, and the one before it. */
static void forget_unseen(struct step *step) {
    struct agent *agent = step->agent;
    msec most = agent->cluster->health.answer_timeout + 2 * agent->cluster->lease.report;
    if (agent->unacknowledged_since != NEVER && step->now - agent->unacknowledged_seen > most)
        agent->unacknowledged_since = NEVER;
}

/* The monitor decides by the report that says that it has been too long. */
static void tell_too_long(struct step *step) {
    const struct agent *agent = step->agent;
    msec timeout = agent->cluster->failover.acknowledge_timeout;
    if (agent->unacknowledged_since == NEVER || !agent->writer || agent->unacknowledged_told > timeout)
        return;
    if (unacknowledged_for(step) > timeout)
        step_report_soon(step);
    else if (step->now <= agent->unacknowledged_since + timeout)
        step_deadline(step, agent->unacknowledged_since + timeout + 1);
}

/* At most once a second on disk, and never less than before: what is lost is noticed by that. */
void acknowledge_check(struct step *step) {
    struct agent *agent = step->agent;
    forget_unseen(step);
    tell_too_long(step);
    struct gtid_position *received = &agent->durable.received;
    bool done = agent->drained && agent->drained_term == agent->durable.term;
    if (!counts(agent) || !agent->probe.answered || has_lost(agent) || gtid_equal(received, &agent->probe.received))
        return;
    if (!done && step->now < agent->received_next) {
        step_deadline(step, agent->received_next);
        return;
    }
    gtid_copy(received, &agent->probe.received);
    agent->received_next = step->now + RECEIVED_EVERY;
}

bool acknowledge_is_unset(const struct agent *agent, enum duty_now duty, msec now) {
    const struct semi_sync *semi_sync = &agent->probe.semi_sync;
    const struct orders *orders = &agent->orders;
    bool lossless = agent->cluster->durability == DURABILITY_LOSSLESS;
    /* What the monitor last said is not known after a restart: an open server is left as it is, and one that is shut is
     * not opened before it waits for the others of the set. */
    if (semi_sync->known && lossless && !agent->obeyed && duty == NOW_WRITER)
        return agent->probe.read_only && orders->protect && !semi_sync->waits;
    if (!semi_sync->known || !agent->obeyed)
        return false;
    if (duty == NOW_WRITER && orders->protect)
        return !semi_sync->waits ||
               (semi_sync->wait_count && semi_sync->wait_count != acknowledge_count(agent, orders->electable));
    if (duty == NOW_WRITER)
        return semi_sync->enabled;
    /* As long as nobody is to be followed, the new writer may be fetching from here, or leaving: that goes first, and
     * FOLLOW sets it all. */
    if (duty != NOW_STANDBY || now < agent->semi_sync_next || orders->source == HOST_NONE)
        return false;
    bool attached = replication_of(agent)->receiving == THREAD_RUNNING && semi_sync->attached;
    bool receives =
        replication_of(agent)->receiving == THREAD_RUNNING && replication_of(agent)->applying == THREAD_RUNNING;
    return semi_sync->enabled || semi_sync->acknowledges != orders->acknowledge ||
           (receives && attached != orders->acknowledge);
}

static enum protection protection_of(const struct agent *agent) {
    const struct semi_sync *semi_sync = &agent->probe.semi_sync;
    if (!agent->obeyed)
        return PROTECTION_UNKNOWN;
    if (!agent->writer || agent->orders.duty != DUTY_WRITER || !agent->orders.protect)
        return PROTECTION_OFF;
    if (!agent->probe.answered || agent->task == TASK_SEMI_SYNC)
        return PROTECTION_UNKNOWN;
    if (!semi_sync->known || !semi_sync->waits) /* nobody has written yet as long as it is read-only */
        return agent->probe.read_only ? PROTECTION_UNKNOWN : PROTECTION_OFF;
    if (waits_for_fewer(semi_sync, acknowledge_count(agent, agent->durable.electable)))
        return PROTECTION_UNKNOWN;
    return agent->counting && semi_sync->acknowledged > agent->counted_from ? PROTECTION_ON : PROTECTION_UNKNOWN;
}

void acknowledge_fill(const struct step *step, struct report *report) {
    const struct agent *agent = step->agent;
    report->protection = protection_of(agent);
    if (agent->unacknowledged_since != NEVER)
        report->unacknowledged = unacknowledged_for(step);
    if (has_lost(agent))
        gtid_copy(&report->lacks, &agent->durable.received);
}
