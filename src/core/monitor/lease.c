/* The monitor's side of the lease: DESIGN.md §5, and the steps of shared/design/writer-lease.pml by their numbers. */
#include "core/monitor/monitor_internal.h"

#include <stdio.h>

#include "base/text.h"

static void new_term(struct mstep *step) {
    step->m->durable.term++;
    step->changed = true;
}

/* The old writer has ended: it says so itself in a report of the new term (also when its server is dead).  A report of
 * an older term proves nothing: it may have been on its way since an earlier tenure.  Whoever is bound by a promise has
 * perhaps refused the role for its sake, and the one before it still lives on that. */
static bool has_ended(const struct report *report, uint64_t term) {
    return report->term == term && !report->writer && report->fenced && report->promised_left == 0;
}

static bool is_empty(const struct monitor *m) {
    return m->durable.writer == HOST_NONE && m->durable.last_writer == HOST_NONE;
}

static void place_writer_addresses(struct mstep *step, int host) {
    int role = cluster_writer_role(step->m->cluster);
    for (int i = 0; i < step->m->cluster->address_count; i++)
        if (step->m->cluster->addresses[i].role == role)
            step->m->durable.placement[i] = host;
}

/* What the store says of the writer is of the past, and what was decided after it is lost: this is rule 7 with nothing
 * to go on from.  Holds stay: they only keep hosts out. */
static void begin_anew(struct mstep *step) {
    struct monitor *m = step->m;
    struct monitor_durable *durable = &m->durable;
    transfer_abandon(step, "the store turned out to be older than what the agents know");
    durable->writer = durable->leaving = durable->last_writer = HOST_NONE;
    durable->unproven = false;
    durable->handed_by = HOST_NONE;
    durable->electable = durable->surely = cluster_masters(m->cluster);
    place_writer_addresses(step, HOST_NONE);
    m->serving = m->fence.has_ended = false;
    m->serving_since = NEVER;
    m->listening_since = step->now;
    m->granted_until = step->now + m->cluster->lease.length;
    for (int i = 0; i < m->cluster->host_count; i++)
        durable->hosts[i].since = step->event->wall; /* how long it has been so is not known */
}

/* Nobody obeys a lower term, so a monitor goes above what its agents have seen.  It writes each term down before it
 * sends it: one that its store does not know tells that this store was put back as it was earlier. */
static void follow_term(struct mstep *step, int host) {
    struct monitor_durable *durable = &step->m->durable;
    uint64_t seen = step->m->hosts[host].report.term;
    if (seen <= durable->term)
        return;
    mstep_event(step, "L01", is_empty(step->m) ? "term_raised" : "store_is_old", host, -1,
                "the agent on %s has obeyed term %llu, the store knows only %llu", host_name(step, host),
                (unsigned long long)seen, (unsigned long long)durable->term);
    if (!is_empty(step->m))
        begin_anew(step);
    durable->term = seen;
    new_term(step);
}

static void enter_passive(struct mstep *step, const char *rule, const char *cause) {
    struct monitor_durable *durable = &step->m->durable;
    if (durable->mode == MONITOR_PASSIVE)
        return;
    durable->mode = MONITOR_PASSIVE;
    TEXT_COPY(durable->passive_cause, cause);
    step->changed = true;
    mstep_event(step, rule, "mode_passive", HOST_NONE, -1, "%s", cause);
}

/* A host that holds a lease which this monitor did not give is a contradiction for a person. */
static void meet_stranger_writer(struct mstep *step, int host) {
    struct monitor_durable *durable = &step->m->durable;
    const struct report *report = &step->m->hosts[host].report;
    if (!report->writer || host == durable->writer || host == durable->leaving || is_empty(step->m))
        return;
    char cause[FACT_SIZE];
    snprintf(cause, sizeof cause, "%.50s says that it holds the writer role, and the store says %.50s",
             host_name(step, host), host_name(step, durable->writer));
    if (report->term >= durable->term)
        enter_passive(step, "L03", cause);
}

void lease_end(struct mstep *step) {
    struct monitor_durable *durable = &step->m->durable;
    durable->leaving = HOST_NONE;
    step->changed = true;
    if (durable->writer == HOST_NONE)
        step->m->granted_until = step->now;
}

void lease_read_report(struct mstep *step, int host) {
    struct monitor_durable *durable = &step->m->durable;
    const struct report *report = &step->m->hosts[host].report;
    uint64_t term = durable->term;
    follow_term(step, host);
    meet_stranger_writer(step, host);
    if (host == durable->leaving && has_ended(report, term))
        lease_end(step);
    if (host != durable->writer || report->term != term || !report->writer)
        return;
    host_set believed = durability_believed(step->m, report);
    step->changed = step->changed || durable->surely != believed;
    durable->surely = believed;
    durability_read_report(step);
}

/* Whoever hands over may be open until it says that it is not, or until it has not been answered for a lease. */
void lease_note_grant(struct mstep *step, const struct orders *orders) {
    if (orders->duty == DUTY_WRITER || orders->duty == DUTY_YIELD)
        step->m->granted_until = step->now + step->m->cluster->lease.length;
}

static bool is_seen(const struct monitor *m, int host, msec now) {
    const struct host_view *view = &m->hosts[host];
    const struct report *report = &view->report;
    bool open = report->probe.answered && !report->probe.read_only;
    bool heard =
        view->heard && view->heard_at >= m->listening_since && now - view->heard_at <= m->cluster->lease.length;
    return heard && (report->writer || report->fenced || open);
}

/* A master that is not heard may be writer by promises or alone, and may have more data than the others; so may one
 * whose server is neither known to be shut nor seen to be open.  Only the administrator knows better. */
host_set lease_unseen(const struct monitor *m, msec now) {
    host_set unseen = 0;
    for (int i = 0; i < m->cluster->host_count; i++)
        if (set_has(cluster_masters(m->cluster), i) && m->durable.hosts[i].state != HOST_ADMIN_OFFLINE &&
            !is_seen(m, i, now))
            unseen |= set_of(i);
    return unseen;
}

/* Who is answered obeys a term that the unknown writer's does not reach, and so can promise it nothing any more: with
 * an empty store nobody is answered before that is known, and the cluster lives as if there were no
 * monitor. */
bool lease_is_listening(const struct monitor *m, msec now) {
    return is_empty(m) && (now < m->listening_since + m->cluster->lease.length || lease_unseen(m, now));
}

/* With an empty store: who holds a lease has lived on its peers' promises, and goes on.  Not before a lease has passed
 * in silence: an answer from the lost store may still be under way to somebody. */
void lease_adopt(struct mstep *step) {
    struct monitor *m = step->m;
    if (!is_empty(m) || step->now < m->listening_since + m->cluster->lease.length || m->durable.mode == MONITOR_PASSIVE)
        return;
    int holder = HOST_NONE;
    for (int i = 0; i < m->cluster->host_count; i++) {
        if (!health_is_fresh(step, i) || !m->hosts[i].report.writer || m->hosts[i].heard_at < m->listening_since)
            continue;
        if (holder != HOST_NONE) {
            enter_passive(step, "L03", "two hosts say that they hold the writer role, and the store knows nobody");
            return;
        }
        holder = i;
    }
    if (holder == HOST_NONE)
        return;
    m->durable.writer = m->durable.last_writer = holder;
    m->durable.unproven = false;
    m->durable.handed_by = HOST_NONE;
    m->durable.electable = m->hosts[holder].report.electable;
    m->durable.surely = set_of(holder);
    m->durable.surely = durability_believed(m, &m->hosts[holder].report);
    m->durable.holders = m->durable.electable | set_of(holder);
    m->granted_until = step->now + m->cluster->lease.length;
    new_term(step);
    place_writer_addresses(step, holder);
    bool held = m->durable.hosts[holder].holds != 0;
    mstep_event(step, "L02", "writer_adopted", holder, cluster_writer_role(m->cluster),
                "%s holds the writer role, and the store knew nobody%s", host_name(step, holder),
                held ? "; that it was held is of the past: it could not be writer otherwise" : "");
    if (held)
        health_release(step, holder);
    health_set_state(step, holder, HOST_ONLINE, "L02", "it is the writer");
}

/* Rule 7 also where the store says that nobody is writer: should it be an older copy, somebody tells so within a lease,
 * or before that all that could have become writer since have spoken. */
bool lease_has_looked_around(const struct mstep *step) {
    const struct monitor *m = step->m;
    if (step->now >= m->started_at + m->cluster->lease.length + m->cluster->lease.margin)
        return true;
    for (int i = 0; i < m->cluster->host_count; i++)
        if (set_has(cluster_masters(m->cluster), i) && m->durable.hosts[i].state != HOST_ADMIN_OFFLINE &&
            !m->hosts[i].heard)
            return false;
    return true;
}

/* Rule 5, for the candidate in question. */
bool lease_is_released(const struct mstep *step, int candidate) {
    const struct monitor *m = step->m;
    bool lapsed = step->now >= m->granted_until + m->cluster->lease.margin;
    if (m->durable.last_writer == HOST_NONE) /* an empty store cannot know who was writer a moment ago */
        return lapsed && !lease_is_listening(m, step->now);
    if (!lease_has_looked_around(step))
        return false;
    if (m->durable.leaving == HOST_NONE || candidate == m->durable.leaving)
        return true;
    return lapsed && set_has(m->durable.surely, candidate);
}

/* Model, step 8, first half. */
void lease_take(struct mstep *step, bool confirmed) {
    struct monitor_durable *durable = &step->m->durable;
    durable->leaving = confirmed ? HOST_NONE : durable->writer;
    durable->writer = HOST_NONE;
    if (confirmed)
        step->m->granted_until = step->now;
    step->m->serving = false;
    step->m->serving_since = NEVER;
    new_term(step);
}

/* Model, step 8, second half: the new writer believes in no other set than the one that comes with the role.  As long
 * as the old one may live on the promises of its own set, the new one does not take the role; should it be given up
 * before it has said that it did, again only a host of the old set may be next. */
void lease_give(struct mstep *step, int host) {
    struct monitor_durable *durable = &step->m->durable;
    host_set believed = durable->leaving != HOST_NONE ? durable->surely : ~UINT64_C(0);
    durable->writer = durable->last_writer = host;
    durable->leaving = HOST_NONE;
    durable->electable = durability_first_members(step) | set_of(host);
    durable->surely = durable->electable & believed;
    /* It has itself what others may lack, until a commit of its own has been acknowledged; but whoever hands over to it
     * in order has all of that. */
    durable->unproven = step->m->transfer.planned;
    durable->handed_by = durable->unproven ? step->m->transfer.from : HOST_NONE;
    durable->holders = durable->electable;
    if (durable->unproven)
        durable->holders = (durable->electable | set_of(durable->handed_by)) & ~set_of(host);
    step->m->writer_position.count = step->m->writer_position_before.count = 0;
    step->m->serving = false;
    step->m->serving_since = NEVER;
    step->m->hosts[host].not_holding_at = NEVER;
    step->m->writer_heartbeat = step->m->writer_heartbeat_before = 0;
    new_term(step);
    place_writer_addresses(step, host);
}

/* Model, step 7 (rule 6): removing counts at once, adding when the writer has acknowledged it. */
void lease_keep_electable(struct mstep *step) {
    struct monitor_durable *durable = &step->m->durable;
    if (durable->writer == HOST_NONE || step->m->transfer.phase != TRANSFER_IDLE || durable->mode == MONITOR_PASSIVE)
        return;
    host_set wanted = durability_members(step) | set_of(durable->writer);
    if (wanted == durable->electable)
        return;
    const char *why = durability_why(step, wanted);
    durable->electable = wanted;
    durable->surely &= wanted;
    durable->holders |= wanted & ~set_of(durable->writer);
    new_term(step);
    char names[WHY_SIZE] = "";
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (set_has(wanted, i))
            text_append(names, sizeof names, "%s%s", names[0] ? ", " : "", host_name(step, i));
    mstep_event(step, "L10", "electable_changed", durable->writer, -1, "electable now: %.200s; the change: %s", names,
                why);
}
