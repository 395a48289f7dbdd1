/* How far the role has come on its way: the facts for core/transfer/transfer.c. */
#include "core/election/election.h"
#include "core/monitor/monitor_internal.h"

static const struct failover_spec *spec(const struct mstep *step) {
    return &step->m->cluster->failover;
}

/* A term that the agents have obeyed tells of a writer that an empty store does not know.  In asynchronous mode nobody
 * has what a client was told OK for surely, and the first election is as in a new cluster. */
bool transfer_has_past(const struct monitor *m) {
    bool lossless = m->cluster->durability == DURABILITY_LOSSLESS;
    return m->durable.last_writer != HOST_NONE || (lossless && m->durable.term > 0);
}

static bool has_drained(const struct mstep *step, int host) {
    const struct report *report = &step->m->hosts[host].report;
    bool current = report->term == step->m->durable.term;
    bool gave_up = current && report->trouble[0] && report->task == TASK_NONE;
    return (current && report->draining_done) || gave_up;
}

bool transfer_can_drain(const struct mstep *step, int host) {
    const struct host_durable *durable = &step->m->durable.hosts[host];
    return !durable->holds && durable->state != HOST_ADMIN_OFFLINE && durable->state != HOST_AWAITING_RECOVERY &&
           health_is_fresh(step, host) && health_server_answers(step, host) && !sources_is_drained_for(step, host);
}

/* Who handed the role over in order has, in its own binary log, all that a client was told OK for until then, and by
 * its settings no crash takes that from it.  What it may have lost, it had received from the host that was given the
 * role, and that one has it.  So it is held for its crash and no candidate; but what it has can be looked at and
 * fetched. */
bool transfer_has_handed_over(const struct mstep *step, int host) {
    const struct monitor_durable *durable = &step->m->durable;
    const struct report *report = &step->m->hosts[host].report;
    unsigned crash = HOLD_UNCLEAN_RESTART | HOLD_LOST_RECEIVED, holds = durable->hosts[host].holds;
    if (!durable->unproven || host != durable->handed_by || durable->writer != HOST_NONE || !holds || holds & ~crash)
        return false;
    bool shut = report->term == durable->term && !report->writer && report->probe.read_only;
    return shut && durable->hosts[host].state == HOST_AWAITING_RECOVERY && health_is_fresh(step, host) &&
           health_server_answers(step, host) && !settings_have(step->m, host, UNSAFE_CRASH);
}

static struct election hold_election(const struct mstep *step) {
    struct election_facts facts = { 0 };
    for (int i = 0; i < step->m->cluster->host_count; i++) {
        facts.received[i] = &step->m->hosts[i].report.probe.received;
        if (transfer_can_drain(step, i) || transfer_has_handed_over(step, i))
            facts.reachable |= set_of(i);
        if (transfer_may_take_over(step, i) && lease_is_released(step, i))
            facts.candidates |= set_of(i);
    }
    facts.candidates &= transfer_candidates(step);
    return elect(step->m->cluster, &facts);
}

static bool is_planned_released(const struct mstep *step) {
    const struct transfer *transfer = &step->m->transfer;
    return step->m->durable.leaving == HOST_NONE && transfer->to != HOST_NONE;
}

static bool target_failed(const struct mstep *step) {
    const struct transfer *transfer = &step->m->transfer;
    const struct host_view *view = &step->m->hosts[transfer->to];
    const struct report *report = &view->report;
    bool current = report->term == step->m->durable.term;
    bool silent = view->heard ? health_is_silent(step, transfer->to)
                              : step->now - step->m->started_at > step->m->cluster->lease.length;
    bool gone = silent || report->process == PROCESS_EXITED || (current && report->resigned);
    bool troubled = current && report->trouble[0] && report->task == TASK_NONE;
    bool alternative = (transfer_candidates(step) & ~set_of(transfer->to)) != 0;
    return gone || (troubled && (transfer->planned || alternative));
}

bool transfer_has_fetched(const struct mstep *step) {
    const struct transfer *transfer = &step->m->transfer;
    return transfer->to != HOST_NONE &&
           gtid_reached(&transfer->reach, &step->m->hosts[transfer->to].report.probe.applied);
}

/* A transaction that is younger ends with its connection in the hand-over, as all do, and its client tries again. */
#define LONG_TRANSACTION ((msec)1000)

bool transfer_is_busy(const struct mstep *step, int writer) {
    const struct host_view *view = &step->m->hosts[writer];
    return view->heard && view->report.probe.oldest.age > LONG_TRANSACTION;
}

/* It tried, in the term that takes the role away, and could not. */
bool transfer_demotion_failed(const struct mstep *step) {
    const struct report *report = &step->m->hosts[step->m->transfer.from].report;
    return report->term == step->m->durable.term && report->trouble[0] && report->task == TASK_NONE;
}

static bool is_owed(const struct mstep *step, int host) {
    return step->m->cluster->durability == DURABILITY_LOSSLESS && set_has(durability_holders(step->m), host);
}

/* What «host» has and «other» has not; both have applied all that they received. */
uint64_t transfer_own_over(const struct mstep *step, int host, int other, char *ret_text, size_t size) {
    return gtid_own(&step->m->hosts[host].report.probe.binlog, &step->m->hosts[other].report.probe.binlog, ret_text,
                    size);
}

/* Who has just failed to come up may be what it was stuck with for long.  The chosen one has applied all that it has,
 * and it is shut by its own word of this term, so that nobody adds anything there: it has nothing to tell. */
static bool has_nothing_more(const struct mstep *step, int host, int chosen) {
    if (host != step->m->transfer.avoid || chosen == HOST_NONE || chosen == host)
        return false;
    const struct report *report = &step->m->hosts[host].report;
    bool shut = report->term == step->m->durable.term && !report->writer && report->fenced && report->probe.read_only;
    char text[FACT_SIZE];
    return shut && gtid_reached(&report->probe.received, &step->m->hosts[chosen].report.probe.applied) &&
           transfer_own_over(step, host, chosen, text, sizeof text) == 0;
}

static bool all_drained(const struct mstep *step, int chosen) {
    if (!transfer_has_past(step->m))
        return true;
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (transfer_can_drain(step, i) && !has_drained(step, i) && !has_nothing_more(step, i, chosen))
            return false;
    return true;
}

/* What it told last is of a look before its drain began, or before its looks were in vain: it may have received and
 * acknowledged more since, until the writer was lost. */
static bool is_unseen(const struct mstep *step, int chosen) {
    for (int i = 0; i < step->m->cluster->host_count; i++) {
        const struct report *report = &step->m->hosts[i].report;
        bool drained = report->term == step->m->durable.term && report->draining_done;
        if (i != chosen && is_owed(step, i) && transfer_can_drain(step, i) && !drained &&
            (report->probe.kept || report->task == TASK_DRAIN))
            return true;
    }
    return false;
}

/* With an empty store each master counts that can be looked at: it may have been the writer, candidate or not. */
static host_set compared(const struct mstep *step) {
    host_set compared = transfer_candidates(step);
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (step->m->durable.last_writer == HOST_NONE && is_owed(step, i) && transfer_can_drain(step, i))
            compared |= set_of(i);
    return compared;
}

/* One history is longer than the other, or they are no longer one: then none of them is the right one by itself. */
host_set transfer_diverged(const struct mstep *step) {
    host_set candidates = compared(step), diverged = 0;
    char text[FACT_SIZE];
    for (int i = 0; i < step->m->cluster->host_count; i++)
        for (int k = 0; k < i; k++)
            if (set_has(candidates, i) && set_has(candidates, k) && transfer_own_over(step, i, k, text, sizeof text) &&
                transfer_own_over(step, k, i, text, sizeof text))
                diverged |= set_of(i) | set_of(k);
    return diverged;
}

/* Nobody gave it the role: with an empty store who holds a lease was adopted.  Its orders shut it. */
static bool is_master_open(const struct mstep *step) {
    for (int i = 0; i < step->m->cluster->host_count; i++) {
        const struct probe *probe = &step->m->hosts[i].report.probe;
        if (set_has(cluster_masters(step->m->cluster), i) && health_is_fresh(step, i) && probe->answered &&
            !probe->read_only)
            return true;
    }
    return false;
}

/* By a promise: such a target refuses the role, and such a writer, whose agent has just started, is not believed to
 * have ended (lease.c). */
static bool is_bound(const struct mstep *step, int host) {
    return step->m->hosts[host].promised_until > step->now;
}

void transfer_collect(struct mstep *step, struct phase_facts *facts, struct election *ret_election) {
    struct monitor *m = step->m;
    const struct transfer *transfer = &m->transfer;
    *ret_election = (struct election){ .chosen = HOST_NONE, .richer = HOST_NONE };
    *facts = (struct phase_facts){ .planned = transfer->planned, .late = step->now >= transfer->deadline };
    switch (transfer->phase) {
    case TRANSFER_IDLE:
    case TRANSFER_PHASE_COUNT:
        return;
    case TRANSFER_CATCH_UP:
        facts->near = m->hosts[transfer->to].lag >= 0 && m->hosts[transfer->to].lag <= spec(step)->catch_up &&
                      health_is_replicating(step, transfer->to) && !is_bound(step, transfer->to) &&
                      !is_bound(step, transfer->from);
        facts->failed = !transfer_is_fit(step, transfer->to);
        facts->busy = transfer_is_busy(step, transfer->from);
        facts->patient = step->now < transfer->grace_until;
        facts->kill = transfer->kill;
        return;
    case TRANSFER_RELEASE:
        facts->candidate = transfer->planned ? transfer_is_fit(step, transfer->to) : transfer_candidates(step) != 0;
        facts->failed = transfer->planned && (!facts->candidate || transfer_demotion_failed(step));
        facts->released = transfer->planned ? is_planned_released(step) : hold_election(step).chosen != HOST_NONE;
        return;
    case TRANSFER_DRAIN:
        *ret_election = hold_election(step);
        facts->drained = all_drained(step, ret_election->chosen);
        facts->candidate = ret_election->chosen != HOST_NONE;
        facts->unseen = facts->candidate && transfer_has_past(m) && is_unseen(step, ret_election->chosen);
        facts->lacking = ret_election->richer != HOST_NONE && transfer_has_past(m);
        facts->owed = facts->lacking && is_owed(step, ret_election->richer);
        facts->diverged = transfer_has_past(m) && transfer_diverged(step) != 0;
        facts->unknown = transfer_has_past(m) && m->durable.last_writer == HOST_NONE;
        facts->open = facts->unknown && is_master_open(step);
        return;
    case TRANSFER_FETCH:
        *ret_election = hold_election(step);
        facts->candidate = set_has(transfer_candidates(step), transfer->to);
        facts->fetched = transfer_has_fetched(step);
        facts->owed = is_owed(step, transfer->fetch_from);
        facts->failed =
            m->hosts[transfer->to].report.term == m->durable.term && m->hosts[transfer->to].report.trouble[0] != 0;
        return;
    case TRANSFER_PROMOTE:
        facts->serving = transfer_writer_serves(step);
        facts->failed = target_failed(step);
        return;
    }
}

const struct transfer_row *transfer_phase(struct mstep *step) {
    struct phase_facts facts;
    struct election election;
    transfer_collect(step, &facts, &election);
    return transfer_decide(step->m->transfer.phase, &facts);
}
