/* The writer role leaves one host and reaches another.  The decisions are tables (core/transfer): here the facts for
 * them are collected, and what a row says is done. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/election/election.h"
#include "core/monitor/monitor_internal.h"

static const struct failover_spec *spec(const struct mstep *step) {
    return &step->m->cluster->failover;
}

static int writer_role(const struct mstep *step) {
    return cluster_writer_role(step->m->cluster);
}

/* failover.window: a second failover in it needs an administrator's word (set-online or set-active). */
bool transfer_is_too_soon(const struct mstep *step) {
    msec last = step->m->durable.failover_wall;
    return last && spec(step)->window && step->event->wall - last < spec(step)->window;
}

static bool is_first(const struct mstep *step, int host) {
    const struct monitor_durable *durable = &step->m->durable;
    return durable->last_writer == HOST_NONE || host == durable->last_writer;
}

static void collect_candidate(const struct mstep *step, int host, struct candidate_facts *facts) {
    const struct monitor_durable *durable = &step->m->durable;
    enum host_state state = durable->hosts[host].state;
    *facts = (struct candidate_facts){
        .master = set_has(cluster_masters(step->m->cluster), host),
        .held = durable->hosts[host].holds != 0,
        .offline = state == HOST_ADMIN_OFFLINE,
        .filtered = filters_against(step->m, host) != HOST_NONE,
        .delayed = sources_is_delayed(step->m, host),
        .unfollowable = settings_have(step->m, host, UNSAFE_UNFOLLOWABLE) && host != durable->last_writer,
        .unsafe = settings_have(step->m, host, UNSAFE_CRASH) && step->m->cluster->durability == DURABILITY_LOSSLESS,
        .heard = health_is_fresh(step, host),
        .answers = health_server_answers(step, host),
        .in_service = state == HOST_ONLINE || state == HOST_REPLICATION_DELAY ||
                      (state == HOST_REPLICATION_FAIL && durability_counts(step->m, host)),
        .writer = host == durable->writer,
        .first = is_first(step, host),
        .nobody_yet = durable->last_writer == HOST_NONE,
        .electable = set_has(durable->electable, host),
        .surely = set_has(durable->surely, host) ||
                  (fencing_stands_in(step) && step->m->cluster->durability != DURABILITY_LOSSLESS),
        .judged = durability_can_judge(step, host),
        .lost = step->m->hosts[host].report.lacks.count != 0,
        .broken = step->m->hosts[host].report.probe.replication.apply_failed,
        .too_soon = transfer_is_too_soon(step) && host != durable->last_writer,
    };
}

const struct candidate_row *transfer_candidate(const struct mstep *step, int host) {
    struct candidate_facts facts;
    collect_candidate(step, host, &facts);
    return candidate_decide(&facts);
}

static bool is_fit(const struct mstep *step, int host) {
    return transfer_candidate(step, host)->level >= CANDIDATE_FIT;
}

bool transfer_may_take_over(const struct mstep *step, int host) {
    return transfer_candidate(step, host)->level >= CANDIDATE_TAKES;
}

static host_set without(host_set candidates, int host) {
    return candidates == set_of(host) ? candidates : candidates & ~set_of(host);
}

/* Whoever has just failed to come up, or was replaced because it did not do its work, is asked again only when there is
 * nobody else: that it has more than the others is no reason, for it has what it could not give away. */
host_set transfer_candidates(const struct mstep *step) {
    host_set candidates = 0;
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (transfer_candidate(step, i)->level == CANDIDATE_ELIGIBLE)
            candidates |= set_of(i);
    const struct transfer *transfer = &step->m->transfer;
    if (transfer->avoid != HOST_NONE)
        candidates = without(candidates, transfer->avoid);
    if (transfer->replaced && transfer->from != HOST_NONE)
        candidates = without(candidates, transfer->from);
    return candidates;
}

bool transfer_writer_serves(const struct mstep *step) {
    int writer = step->m->durable.writer;
    if (writer == HOST_NONE)
        return false;
    const struct report *report = &step->m->hosts[writer].report;
    address_set addresses = cluster_role_addresses(step->m->cluster, writer_role(step));
    return report->term == step->m->durable.term && report->writer && report->process == PROCESS_RUNNING &&
           report->probe.answered && !report->probe.read_only && set_contains(report->addresses, addresses);
}

/* ---- the watch over a writer that is there ---- */

/* A replica that replicates from another replica hears nothing of the writer. */
static bool seen_moving(const struct mstep *step, int writer) {
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (i != writer && !sources_is_kept(step, i) && step->m->hosts[i].moved_at &&
            step->now - step->m->hosts[i].moved_at < step->m->cluster->health.answer_timeout / 2)
            return true;
    return false;
}

static bool seen_promised(const struct mstep *step, int writer) {
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (i != writer && step->m->hosts[i].promised_at &&
            step->now - step->m->hosts[i].promised_at <= 4 * step->m->cluster->lease.report)
            return true;
    return false;
}

bool transfer_is_seen(const struct mstep *step, int writer) {
    return seen_moving(step, writer) || seen_promised(step, writer);
}

/* Nothing is taken away yet, but its standbys already stop receiving and apply what they have: stopping can take a
 * second where the source is unreachable (effect/mysql/replica.c), and so it is done before the lease has ended. */
bool transfer_is_suspect(const struct mstep *step) {
    const struct monitor *m = step->m;
    int writer = m->durable.writer;
    if (writer == HOST_NONE || m->transfer.phase != TRANSFER_IDLE || m->durable.mode != MONITOR_ACTIVE)
        return false;
    const struct host_view *view = &m->hosts[writer];
    return view->heard && step->now - view->heard_at > m->cluster->lease.length / 2 &&
           !transfer_is_seen(step, writer) && transfer_candidates(step) != 0;
}

static void collect_watch(const struct mstep *step, int writer, struct watch_facts *facts) {
    const struct monitor *m = step->m;
    const struct host_view *view = &m->hosts[writer];
    const struct report *report = &view->report;
    const struct cluster *cluster = m->cluster;
    bool current = view->heard && report->term == m->durable.term;
    bool moving = seen_moving(step, writer);
    *facts = (struct watch_facts){
        .manual = m->durable.mode != MONITOR_ACTIVE,
        .resigned = current && report->resigned,
        .back = current && report->process == PROCESS_RUNNING && report->probe.answered,
        .candidate = transfer_candidates(step) != 0,
        .silent = view->heard && health_is_fresh(step, writer) && report->silent > cluster->health.answer_timeout,
        .stuck =
            view->heard && health_is_fresh(step, writer) && report->canary_failing > cluster->health.answer_timeout,
        .unacknowledged = report->unacknowledged > 0,
        .seen_alive = view->outside_answers || moving,
        .seen_writing = moving,
        .lapsed = step->now >= m->granted_until,
        .promised = seen_promised(step, writer),
        .not_holding = view->not_holding_at != NEVER && step->now - view->not_holding_at > cluster->lease.length + 1000,
        .fenceable = cluster->hosts[writer].has_fence && transfer_is_suspect(step),
    };
}

const struct watch_row *transfer_watch(const struct mstep *step) {
    struct watch_facts facts;
    collect_watch(step, step->m->durable.writer, &facts);
    return watch_decide(&facts);
}

static void begin(struct mstep *step, const struct transfer *transfer) {
    step->m->transfer = *transfer;
    step->m->transfer.started = step->now;
}

static void begin_failover(struct mstep *step, int from, const char *cause) {
    begin(step, &(struct transfer){
                    .phase = TRANSFER_RELEASE,
                    .from = from,
                    .to = HOST_NONE,
                    .fetch_from = HOST_NONE,
                    .avoid = HOST_NONE,
                    .deadline = step->now + spec(step)->drain_timeout,
                });
    TEXT_COPY(step->m->transfer.cause, cause);
}

static void watch_writer(struct mstep *step) {
    struct monitor *m = step->m;
    int writer = m->durable.writer;
    const struct watch_row *row = transfer_watch(step);
    mstep_deadline(step, m->granted_until);
    switch (row->action) {
    case WATCH_STAY:
        return;
    case WATCH_RENEW:
        m->durable.term++;
        step->changed = true;
        mstep_event(step, row->rule, "writer_renewed", writer, writer_role(step), "%s", row->why);
        return;
    case WATCH_TAKE:
    case WATCH_REPLACE:
    case WATCH_LOST:
        break;
    }
    bool interrupted = m->transfer.planned && m->transfer.phase != TRANSFER_IDLE;
    if (interrupted)
        mstep_reply(step, m->transfer.command, RC_REFUSED,
                    "%s failed in the middle of the switchover: %s; a failover has begun", host_name(step, writer),
                    row->why);
    lease_take(step, row->action == WATCH_LOST);
    begin_failover(step, writer, row->why);
    m->transfer.replaced = row->action == WATCH_REPLACE;
    mstep_event(step, row->rule, "writer_lost", writer, writer_role(step), "%s", row->why);
}

/* ---- the way of the role ---- */

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

static bool all_drained(const struct mstep *step) {
    if (step->m->durable.last_writer == HOST_NONE)
        return true;
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (transfer_can_drain(step, i) && !has_drained(step, i))
            return false;
    return true;
}

static struct election hold_election(const struct mstep *step) {
    struct election_facts facts = { 0 };
    for (int i = 0; i < step->m->cluster->host_count; i++) {
        facts.received[i] = &step->m->hosts[i].report.probe.received;
        if (transfer_can_drain(step, i))
            facts.reachable |= set_of(i);
        if (transfer_may_take_over(step, i) && lease_is_released(step, i))
            facts.candidates |= set_of(i);
    }
    facts.candidates &= transfer_candidates(step);
    return elect(step->m->cluster, &facts);
}

/* Before the first writer: a server that is writable already is the one that applications use. */
static int find_open_server(const struct mstep *step, bool *ret_several) {
    int open = HOST_NONE;
    *ret_several = false;
    for (int i = 0; i < step->m->cluster->host_count; i++) {
        const struct host_view *view = &step->m->hosts[i];
        if (!view->heard || !view->report.probe.answered || view->report.probe.read_only)
            continue;
        *ret_several = open != HOST_NONE;
        open = i;
    }
    return open;
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
    bool gone =
        health_is_silent(step, transfer->to) || report->process == PROCESS_EXITED || (current && report->resigned);
    bool troubled = current && report->trouble[0] && report->task == TASK_NONE;
    bool alternative = (transfer_candidates(step) & ~set_of(transfer->to)) != 0;
    return gone || (troubled && (transfer->planned || alternative));
}

static bool has_fetched(const struct mstep *step) {
    const struct transfer *transfer = &step->m->transfer;
    return transfer->to != HOST_NONE &&
           gtid_reached(&transfer->reach, &step->m->hosts[transfer->to].report.probe.applied);
}

/* A transaction that is younger ends with its connection in the hand-over, as all do, and its client tries again. */
#define LONG_TRANSACTION ((msec)1000)

static bool is_busy(const struct mstep *step, int writer) {
    const struct host_view *view = &step->m->hosts[writer];
    return view->heard && view->report.probe.oldest.age > LONG_TRANSACTION;
}

/* It tried, in the term that takes the role away, and could not. */
static bool demotion_failed(const struct mstep *step) {
    const struct report *report = &step->m->hosts[step->m->transfer.from].report;
    return report->term == step->m->durable.term && report->trouble[0] && report->task == TASK_NONE;
}

static bool is_owed(const struct mstep *step, int host) {
    return step->m->cluster->durability == DURABILITY_LOSSLESS && set_has(step->m->durable.holders, host);
}

/* What «host» has and «other» has not; both have applied all that they received. */
static uint64_t own_over(const struct mstep *step, int host, int other, char *ret_text, size_t size) {
    return gtid_own(&step->m->hosts[host].report.probe.binlog, &step->m->hosts[other].report.probe.binlog, ret_text,
                    size);
}

/* One history is longer than the other, or they are no longer one: then none of them is the right one by itself. */
static host_set hosts_that_diverged(const struct mstep *step) {
    host_set candidates = transfer_candidates(step), diverged = 0;
    char text[FACT_SIZE];
    for (int i = 0; i < step->m->cluster->host_count; i++)
        for (int k = 0; k < i; k++)
            if (set_has(candidates, i) && set_has(candidates, k) && own_over(step, i, k, text, sizeof text) &&
                own_over(step, k, i, text, sizeof text))
                diverged |= set_of(i) | set_of(k);
    return diverged;
}

static void hold_diverged(struct mstep *step, const char *rule) {
    host_set diverged = hosts_that_diverged(step);
    for (int i = 0; i < step->m->cluster->host_count; i++)
        for (int k = 0; k < step->m->cluster->host_count; k++) {
            char text[FACT_SIZE];
            bool both = set_has(diverged, i) && set_has(diverged, k) && i != k;
            uint64_t own = both ? own_over(step, i, k, text, sizeof text) : 0;
            if (own)
                health_hold(step, i, HOLD_OWN_TRANSACTIONS, rule, "has %llu transaction%s that %s does not have: %.80s",
                            (unsigned long long)own, own == 1 ? "" : "s", host_name(step, k), text);
        }
}

/* By a promise: such a target refuses the role, and such a writer, whose agent has just started, is not believed to
 * have ended (lease.c). */
static bool is_bound(const struct mstep *step, int host) {
    return step->m->hosts[host].promised_until > step->now;
}

static void collect_phase(struct mstep *step, struct phase_facts *facts, struct election *ret_election) {
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
        facts->failed = !is_fit(step, transfer->to);
        facts->busy = is_busy(step, transfer->from);
        facts->patient = step->now < transfer->grace_until;
        facts->kill = transfer->kill;
        return;
    case TRANSFER_RELEASE:
        facts->candidate = transfer->planned && is_fit(step, transfer->to);
        facts->failed = transfer->planned && (!facts->candidate || demotion_failed(step));
        facts->released = transfer->planned ? is_planned_released(step) : hold_election(step).chosen != HOST_NONE;
        return;
    case TRANSFER_DRAIN:
        *ret_election = hold_election(step);
        facts->drained = all_drained(step);
        facts->candidate = ret_election->chosen != HOST_NONE;
        facts->lacking = ret_election->richer != HOST_NONE && m->durable.last_writer != HOST_NONE;
        facts->owed = facts->lacking && is_owed(step, ret_election->richer);
        facts->diverged = m->durable.last_writer != HOST_NONE && hosts_that_diverged(step) != 0;
        return;
    case TRANSFER_FETCH:
        *ret_election = hold_election(step);
        facts->candidate = set_has(transfer_candidates(step), transfer->to);
        facts->fetched = has_fetched(step);
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
    collect_phase(step, &facts, &election);
    return transfer_decide(step->m->transfer.phase, &facts);
}

static void enter(struct mstep *step, enum transfer_phase phase, msec limit) {
    step->m->transfer.phase = phase;
    step->m->transfer.deadline = limit == NEVER ? NEVER : step->now + limit;
    if (limit != NEVER)
        mstep_deadline(step, step->m->transfer.deadline);
}

static void finish(struct mstep *step) {
    struct transfer *transfer = &step->m->transfer;
    *transfer = (struct transfer){ .from = HOST_NONE, .to = HOST_NONE, .fetch_from = HOST_NONE, .avoid = HOST_NONE };
}

void transfer_abandon(struct mstep *step, const char *why) {
    mstep_reply(step, step->m->transfer.command, RC_REFUSED, "the switchover ends here: %s", why);
    finish(step);
}

/* The old writer of a failover is held: it may have acknowledged what nobody else has.  The evidence comes when it
 * does. */
static void hold_old_writer(struct mstep *step, int to) {
    const struct transfer *transfer = &step->m->transfer;
    if (transfer->planned || transfer->from == HOST_NONE || transfer->from == to || transfer->avoid == transfer->from)
        return;
    if (!(step->m->durable.hosts[transfer->from].holds & HOLD_LOST_WRITER))
        health_hold(step, transfer->from, HOLD_LOST_WRITER, "T33", "was the writer and was lost: %.80s; %s took over",
                    transfer->cause[0] ? transfer->cause : "while the monitor was away", host_name(step, to));
}

static void promote(struct mstep *step, int to, const char *rule, const char *why) {
    struct monitor *m = step->m;
    struct transfer *transfer = &m->transfer;
    hold_old_writer(step, to);
    if (!transfer->planned && transfer->from != HOST_NONE && transfer->from != to)
        m->durable.failover_wall = step->event->wall;
    transfer->to = to;
    lease_give(step, to);
    enter(step, TRANSFER_PROMOTE, transfer->planned ? spec(step)->switchover_timeout : spec(step)->drain_timeout);
    mstep_event(step, rule, "writer_chosen", to, writer_role(step), "%s becomes writer: %s", host_name(step, to), why);
}

static void give_first_role(struct mstep *step, const struct election *election, const char *rule, const char *why) {
    bool several;
    int open = find_open_server(step, &several);
    if (several) {
        struct monitor_durable *durable = &step->m->durable;
        durable->mode = MONITOR_PASSIVE;
        TEXT_COPY(durable->passive_cause,
                  "more than one server is writable, and nobody was ever writer: make all but one "
                  "read-only, then mmm set-active");
        step->changed = true;
        finish(step);
        mstep_event(step, "T34", "mode_passive", HOST_NONE, -1, "%s", durable->passive_cause);
        return;
    }
    if (open != HOST_NONE && transfer_may_take_over(step, open))
        promote(step, open, rule, "its server is the one that is writable already");
    else if (open == HOST_NONE)
        promote(step, election->chosen, rule, why);
}

static void announce_done(struct mstep *step, const char *rule) {
    struct monitor *m = step->m;
    struct transfer *transfer = &m->transfer;
    long long elapsed = (long long)(step->now - transfer->started);
    const char *to = host_name(step, transfer->to), *from = host_name(step, transfer->from);
    m->serving = true;
    m->serving_since = step->now;
    mstep_event(step, rule, transfer->rolled_back ? "switchover_rolled_back" : "writer_serving", transfer->to,
                writer_role(step), "%s serves, %lld ms after the role began to move from %s", to, elapsed, from);
    if (transfer->rolled_back || transfer->avoid != HOST_NONE)
        mstep_reply(step, transfer->command, RC_REFUSED, "the switchover was rolled back and %s is writer: %s%s", to,
                    transfer->cause, transfer->obstructed ? "; --kill ends what is in the way" : "");
    else
        mstep_reply(step, transfer->command, RC_OK, "%s has moved from %s to %s in %lld ms",
                    m->cluster->roles[writer_role(step)].name, from, to, elapsed);
    if (transfer->then_offline && transfer->from != transfer->to)
        health_set_state(step, transfer->from, HOST_ADMIN_OFFLINE, rule, "set offline by command");
    finish(step);
}

static void take_for_switchover(struct mstep *step, const char *rule) {
    lease_take(step, false);
    enter(step, TRANSFER_RELEASE, spec(step)->switchover_timeout);
    mstep_event(step, rule, "switchover", step->m->transfer.from, writer_role(step), "%s hands over to %s",
                host_name(step, step->m->transfer.from), host_name(step, step->m->transfer.to));
}

static void return_to_old(struct mstep *step, const char *rule, const char *why) {
    struct transfer *transfer = &step->m->transfer;
    const struct report *report = &step->m->hosts[transfer->from].report;
    transfer->rolled_back = true;
    transfer->obstructed = !transfer->kill && demotion_failed(step);
    snprintf(transfer->cause, sizeof transfer->cause, "%s%.*s", report->trouble[0] ? "" : why, FACT_SIZE - 1,
             report->trouble);
    transfer->reach.count = 0;
    promote(step, transfer->from, rule, why);
}

/* The old writer was stopped in order, so it can have the role again: it is as complete as the one that failed. */
static void retake(struct mstep *step, const char *rule, const char *why) {
    struct monitor *m = step->m;
    struct transfer *transfer = &m->transfer;
    int failed = transfer->to;
    snprintf(transfer->cause, sizeof transfer->cause, "%.50s: %.80s", why, m->hosts[failed].report.trouble);
    lease_take(step, false);
    transfer->avoid = failed;
    transfer->from = failed;
    transfer->to = HOST_NONE;
    transfer->planned = transfer->replaced = false;
    enter(step, TRANSFER_RELEASE, spec(step)->drain_timeout);
    mstep_event(step, rule, "promotion_failed", failed, writer_role(step), "%s", transfer->cause);
}

static void note_switchover_position(struct mstep *step) {
    struct transfer *transfer = &step->m->transfer;
    transfer->reach = step->m->hosts[transfer->from].report.probe.applied;
}

/* Who was replaced because it did not do its work is asked for what it alone has, and not waited for: that it is held
 * with it is the better end. */
static msec fetch_timeout(const struct mstep *step, int source) {
    const struct transfer *transfer = &step->m->transfer;
    bool replaced = transfer->replaced && source == transfer->from;
    return replaced ? step->m->cluster->health.answer_timeout : spec(step)->drain_timeout;
}

static void refuse_busy(struct mstep *step, const struct transfer_row *row) {
    const struct transfer *transfer = &step->m->transfer;
    const struct transaction *oldest = &step->m->hosts[transfer->from].report.probe.oldest;
    mstep_event(step, row->rule, "switchover_refused", transfer->to, writer_role(step), "%s: session %llu of %.40s",
                row->why, (unsigned long long)oldest->session, oldest->user);
    mstep_reply(step, transfer->command, RC_REFUSED,
                "nothing was changed: on %s session %llu of %s is in a transaction for %lld s already; wait longer for "
                "it with --grace T, or end it with --kill",
                host_name(step, transfer->from), (unsigned long long)oldest->session, oldest->user,
                (long long)(oldest->age / 1000));
    finish(step);
}

static bool act(struct mstep *step, const struct transfer_row *row, const struct election *election) {
    struct monitor *m = step->m;
    struct transfer *transfer = &m->transfer;
    switch (row->action) {
    case ACT_STAY:
        return false;
    case ACT_GIVE_UP:
        mstep_event(step, row->rule, "switchover_refused", transfer->to, writer_role(step), "%s", row->why);
        mstep_reply(step, transfer->command, RC_REFUSED, "nothing was changed: %s (%s)", row->why,
                    host_name(step, transfer->to));
        finish(step);
        return true;
    case ACT_REFUSE:
        refuse_busy(step, row);
        return true;
    case ACT_TAKE:
        take_for_switchover(step, row->rule);
        return true;
    case ACT_DRAIN:
        enter(step, TRANSFER_DRAIN, spec(step)->drain_timeout);
        return true;
    case ACT_HOLD:
        hold_diverged(step, row->rule);
        return false;
    case ACT_FETCH:
        transfer->to = election->chosen;
        transfer->fetch_from = election->richer;
        transfer->reach = m->hosts[election->richer].report.probe.received;
        enter(step, TRANSFER_FETCH, fetch_timeout(step, election->richer));
        mstep_event(step, row->rule, "writer_fetches", election->chosen, writer_role(step), "%s first fetches from %s",
                    host_name(step, election->chosen), host_name(step, election->richer));
        return true;
    case ACT_PROMOTE:
        if (transfer->phase == TRANSFER_RELEASE) {
            note_switchover_position(step);
            promote(step, transfer->to, row->rule, row->why);
        } else if (m->durable.last_writer == HOST_NONE) {
            give_first_role(step, election, row->rule, row->why);
        } else {
            if (!has_fetched(step))
                transfer->reach.count = 0; /* it would wait for that once more */
            promote(step, transfer->phase == TRANSFER_FETCH ? transfer->to : election->chosen, row->rule, row->why);
        }
        return true;
    case ACT_RETURN:
        return_to_old(step, row->rule, row->why);
        return true;
    case ACT_RETAKE:
        retake(step, row->rule, row->why);
        return true;
    case ACT_DONE:
        announce_done(step, row->rule);
        return true;
    }
    return false;
}

/* A planned hand-over whose old writer dies in the middle goes on as a failover: it has no last position to tell. */
static void turn_into_failover(struct mstep *step) {
    struct transfer *transfer = &step->m->transfer;
    if (transfer->phase != TRANSFER_RELEASE || !transfer->planned)
        return;
    bool dead = step->m->hosts[transfer->from].report.process == PROCESS_EXITED;
    bool silent = health_is_silent(step, transfer->from);
    if (!dead && !silent)
        return;
    mstep_reply(step, transfer->command, RC_REFUSED, "%s failed in the middle of the switchover; a failover has begun",
                host_name(step, transfer->from));
    begin_failover(step, transfer->from, "it failed while it was handing over");
    mstep_event(step, "T24", "writer_lost", transfer->from, writer_role(step), "%s", transfer->cause);
}

/* A writer that was adopted (L02) while somebody was to be chosen: there is nobody to choose any more. */
static void drop_overtaken(struct mstep *step) {
    const struct monitor *m = step->m;
    bool without_writer = m->transfer.phase == TRANSFER_RELEASE || m->transfer.phase == TRANSFER_DRAIN ||
                          m->transfer.phase == TRANSFER_FETCH;
    if (without_writer && m->durable.writer != HOST_NONE)
        finish(step);
}

/* Nobody is writer and nothing is on its way: the monitor has just started, or there was nobody to promote. */
static void pick_up(struct mstep *step) {
    struct monitor *m = step->m;
    if (m->transfer.phase != TRANSFER_IDLE || m->durable.writer != HOST_NONE || m->durable.mode != MONITOR_ACTIVE)
        return;
    begin_failover(step, m->durable.last_writer, "");
}

static void note_serving(struct mstep *step) {
    struct monitor *m = step->m;
    if (m->serving || m->transfer.phase != TRANSFER_IDLE || !transfer_writer_serves(step))
        return;
    m->serving = true;
    m->serving_since = step->now;
}

static void move_to_preferred(struct mstep *step) {
    const struct monitor *m = step->m;
    int prefer = m->cluster->roles[writer_role(step)].prefer;
    if (prefer == HOST_NONE || prefer == m->durable.writer || m->transfer.phase != TRANSFER_IDLE || !m->serving ||
        m->durable.mode != MONITOR_ACTIVE || m->durable.hosts[prefer].state != HOST_ONLINE || !is_fit(step, prefer) ||
        !health_is_replicating(step, prefer) || m->hosts[prefer].lag < 0 ||
        step->now - m->serving_since < m->cluster->health.settle || is_busy(step, m->durable.writer))
        return;
    transfer_begin_switchover(step, prefer, NULL, "it is the preferred host");
}

msec transfer_grace(const struct monitor *m, const struct command *command) {
    return command->kind == COMMAND_MOVE_ROLE && command->grace != GRACE_AS_CONFIGURED ? command->grace
                                                                                       : m->cluster->failover.grace;
}

void transfer_begin_switchover(struct mstep *step, int to, const struct command *command, const char *cause) {
    begin(step, &(struct transfer){
                    .phase = TRANSFER_CATCH_UP,
                    .planned = true,
                    .from = step->m->durable.writer,
                    .to = to,
                    .fetch_from = HOST_NONE,
                    .avoid = HOST_NONE,
                    .command = command ? command->id : 0,
                    .deadline = step->now + spec(step)->switchover_timeout,
                    .grace_until = step->now + (command ? transfer_grace(step->m, command) : 0),
                    .kill = command && command->kill,
                });
    mstep_deadline(step, step->m->transfer.grace_until);
    TEXT_COPY(step->m->transfer.cause, cause);
}

void transfer_run(struct mstep *step) {
    struct monitor *m = step->m;
    if (m->durable.mode == MONITOR_PASSIVE)
        return;
    drop_overtaken(step);
    if (m->durable.writer != HOST_NONE && m->transfer.phase != TRANSFER_PROMOTE)
        watch_writer(step);
    note_serving(step);
    pick_up(step);
    turn_into_failover(step);
    move_to_preferred(step);
    /* Several phases may pass in one step; each row that acts changes the phase, and no way is longer than the phases.
     */
    for (int i = 0; i < TRANSFER_PHASE_COUNT && m->transfer.phase != TRANSFER_IDLE; i++) {
        struct phase_facts facts;
        struct election election;
        collect_phase(step, &facts, &election);
        const struct transfer_row *row = transfer_decide(m->transfer.phase, &facts);
        if (!act(step, row, &election))
            break;
    }
    if (m->transfer.phase != TRANSFER_IDLE && m->durable.leaving != HOST_NONE)
        mstep_deadline(step, m->granted_until + m->cluster->lease.margin);
}
