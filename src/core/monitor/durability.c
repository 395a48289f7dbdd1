/* Lossless mode as the monitor sees it: core/durability has the rules.  What makes them safe is their order: a standby
 * is taken out of the set in the store first, and only then the writer is told to go on without it; and a standby is
 * surely in the set only after the writer has shown, by a commit that was acknowledged, that it waits. */
#include <stdio.h>

#include "base/text.h"
#include "core/durability/durability.h"
#include "core/monitor/monitor_internal.h"

static bool is_lossless(const struct monitor *m) {
    return m->cluster->durability == DURABILITY_LOSSLESS;
}

static host_set standbys(const struct monitor *m) {
    return m->durable.writer == HOST_NONE ? 0 : m->durable.electable & ~set_of(m->durable.writer);
}

/* By its own word it acknowledges what it receives, and it receives from the writer. */
static bool is_attached(const struct monitor *m, int host) {
    const struct probe *probe = &m->hosts[host].report.probe;
    int writer = m->durable.writer;
    return m->hosts[host].heard && probe->answered && probe->semi_sync.attached &&
           probe->replication.receiving == THREAD_RUNNING &&
           ip_equal(&probe->replication.source_address, &m->cluster->hosts[writer].address);
}

/* Whoever has received what the writer had a moment ago has no backlog that commits would wait for. */
static bool is_near(const struct mstep *step, int host) {
    const struct monitor *m = step->m;
    return m->serving && health_is_fresh(step, host) && m->writer_position_before.count > 0 &&
           gtid_reached(&m->writer_position_before, &m->hosts[host].report.probe.received);
}

static bool is_stalled(const struct mstep *step) {
    const struct monitor *m = step->m;
    int writer = m->durable.writer;
    if (writer == HOST_NONE || !health_is_fresh(step, writer))
        return false;
    const struct report *report = &m->hosts[writer].report;
    /* One that still waits for more than there are was not told yet who has left. */
    return report->term == m->durable.term && report->writer &&
           report->probe.semi_sync.wait_count <= (uint32_t)set_count(standbys(m)) &&
           report->unacknowledged > m->cluster->failover.acknowledge_timeout;
}

/* Has a member less than this one, or is it not known to have as much? */
static bool is_ahead(const struct mstep *step, int host) {
    const struct monitor *m = step->m;
    if (!health_is_fresh(step, host) || !is_attached(m, host))
        return false;
    for (int i = 0; i < m->cluster->host_count; i++)
        if (i != host && set_has(standbys(m), i) &&
            (!health_is_fresh(step, i) || !is_attached(m, i) ||
             !gtid_reached(&m->hosts[host].report.probe.received, &m->hosts[i].report.probe.received)))
            return true;
    return false;
}

/* Where each of several must acknowledge, those that have received more than another one are not what is waited for. */
static bool is_waited_for(const struct mstep *step, int host) {
    const struct monitor *m = step->m;
    return is_stalled(step) &&
           (m->hosts[m->durable.writer].report.probe.semi_sync.wait_count < 2 || !is_ahead(step, host));
}

/* It receives and acknowledges, and only applying was stopped, by hand: its relay log has all that counts, and a drain
 * applies it. */
static bool only_applies_nothing(const struct monitor *m, int host) {
    const struct probe *probe = &m->hosts[host].report.probe;
    return is_lossless(m) && m->durable.hosts[host].state == HOST_REPLICATION_FAIL && !m->durable.hosts[host].holds &&
           probe->answered && probe->semi_sync.attached && probe->replication.receiving != THREAD_STOPPED &&
           probe->replication.applying == THREAD_STOPPED && !probe->replication.apply_failed;
}

static const struct member_row *judge_member(const struct mstep *step, int host) {
    const struct monitor *m = step->m;
    enum host_state state = m->durable.hosts[host].state;
    msec refused = m->hosts[host].refused_at;
    struct member_facts facts = {
        .in_service = state == HOST_ONLINE || state == HOST_REPLICATION_DELAY || only_applies_nothing(m, host),
        .unfit = filters_against(m, host) != HOST_NONE || sources_is_delayed(m, host) ||
                 settings_have(m, host, UNSAFE_UNFOLLOWABLE),
        .unsafe = settings_have(m, host, UNSAFE_CRASH),
        .lossless = is_lossless(m),
        .member = set_has(m->durable.electable, host),
        .stalled = is_waited_for(step, host),
        .refused = refused != 0,
        .rested = step->now - refused > m->cluster->lease.length,
        .near = is_near(step, host),
    };
    return member_decide(&facts);
}

host_set durability_members(const struct mstep *step) {
    const struct monitor *m = step->m;
    host_set members = 0;
    for (int i = 0; i < m->cluster->host_count; i++)
        if (set_has(cluster_masters(m->cluster), i) && judge_member(step, i)->member)
            members |= set_of(i);
    return members;
}

/* One that is late would make the first commits wait for its backlog: it joins when it has caught up. */
host_set durability_first_members(const struct mstep *step) {
    const struct monitor *m = step->m;
    host_set members = durability_members(step);
    for (int i = 0; is_lossless(m) && i < m->cluster->host_count; i++)
        if (m->durable.hosts[i].state != HOST_ONLINE)
            members &= ~set_of(i);
    return members;
}

/* Why the members change, for a person: of the first that does. */
const char *durability_why(struct mstep *step, host_set wanted) {
    struct monitor *m = step->m;
    const char *why = "";
    for (int i = m->cluster->host_count - 1; i >= 0; i--) {
        bool leaves = set_has(m->durable.electable & ~wanted, i), joins = set_has(wanted & ~m->durable.electable, i);
        if (i == m->durable.writer || (!leaves && !joins))
            continue;
        why = judge_member(step, i)->why;
        if (leaves && is_waited_for(step, i))
            m->hosts[i].refused_at = step->now;
        if (joins)
            m->hosts[i].refused_at = 0;
    }
    return why;
}

/* What was ordered last stands: a report tells of the time before, and by it the two would take turns (sim, seed 1310).
 */
static bool waits_already(const struct monitor *m) {
    const struct host_view *view = &m->hosts[m->durable.writer];
    if (view->sent_valid && view->sent.duty == DUTY_WRITER && view->sent.term == m->durable.term)
        return view->sent.protect;
    return view->report.writer && view->report.probe.semi_sync.waits;
}

bool durability_waits(const struct mstep *step) {
    const struct monitor *m = step->m;
    host_set others = standbys(m);
    bool waits = waits_already(m);
    struct wait_facts facts = {
        .lossless = is_lossless(m),
        .alone = others == 0,
        .counted = (m->durable.surely & others) != 0,
    };
    for (int i = 0; i < m->cluster->host_count; i++)
        if (set_has(others, i) && is_attached(m, i) && (waits || is_near(step, i)))
            facts.attached = true;
    return wait_decide(&facts)->waits;
}

/* While the writer hands over as well: what it still commits waits for that, and its fence waits for it. */
bool durability_acknowledges(const struct monitor *m, int host) {
    return is_lossless(m) && m->durable.last_writer != HOST_NONE && host != m->durable.last_writer &&
           set_has(m->durable.electable, host);
}

/* Are those that the writer says it is connected to the members, and nobody else? */
static bool clients_are(const struct monitor *m, host_set members, uint32_t clients) {
    for (int i = 0; i < m->cluster->host_count; i++)
        if (set_has(members, i) && !is_attached(m, i))
            return false;
    return clients == (uint32_t)set_count(members);
}

/* One acknowledgement is enough for MariaDB, and it does not say whose it was: each member may be the only one to have
 * a commit, and whoever was one is until nobody else acknowledges any more.  Where the writer waits for as many as
 * there are members, and nobody else is there to be counted, all of them have each commit. */
static host_set holders_of(const struct mstep *step, host_set members) {
    const struct monitor *m = step->m;
    uint32_t clients = m->hosts[m->durable.writer].report.probe.semi_sync.clients;
    bool all = m->hosts[m->durable.writer].report.probe.semi_sync.wait_count >= (uint32_t)set_count(members);
    if (clients_are(m, members, clients))
        return all ? 0 : members;
    host_set holders = members | m->durable.holders;
    for (int i = 0; i < m->cluster->host_count; i++) {
        bool silent = health_is_fresh(step, i) && !m->hosts[i].report.probe.semi_sync.acknowledges;
        if (i != m->durable.writer && set_has(cluster_masters(m->cluster), i) && !silent &&
            clients > (uint32_t)set_count(members))
            holders |= set_of(i);
    }
    return holders;
}

host_set durability_believed(const struct monitor *m, const struct report *report) {
    host_set self = set_of(report->host);
    if (!is_lossless(m))
        return report->electable;
    switch (report->protection) {
    case PROTECTION_ON:
        return report->electable;
    case PROTECTION_UNKNOWN: /* an agent that has just started has not seen it yet: that takes nothing back */
        return report->electable & (m->durable.surely | self);
    case PROTECTION_OFF:
    case PROTECTION_COUNT:
        break;
    }
    return report->electable & self;
}

/* What a standby tells of itself is two reports old at the most: the one that came last, and the look that it is of. So
 * it is compared with what the writer had before that. */
static void note_position(struct mstep *step, const struct gtid_position *position) {
    struct monitor *m = step->m;
    msec age = 5 * m->cluster->lease.report / 2;
    if (m->writer_position.count > 0 && step->now < m->writer_position_at + age)
        return;
    gtid_copy(&m->writer_position_before, &m->writer_position);
    gtid_copy(&m->writer_position, position);
    m->writer_position_at = step->now;
}

void durability_read_report(struct mstep *step) {
    struct monitor *m = step->m;
    int writer = m->durable.writer;
    const struct report *report = &m->hosts[writer].report;
    if (!report->probe.kept)
        note_position(step, &report->probe.applied);
    host_set members = report->electable & ~set_of(writer);
    if (!is_lossless(m) || report->protection != PROTECTION_ON || report->term != m->durable.term || !members)
        return;
    host_set holders = holders_of(step, members);
    if (holders == m->durable.holders)
        return;
    m->durable.holders = holders;
    step->changed = true;
}

bool durability_counts(const struct monitor *m, int host) {
    return is_lossless(m) && set_has(m->durable.electable & m->durable.surely, host);
}

/* An empty store knows nobody that was writer: each master may have been, alone, and only the administrator can give up
 * what one has. */
static host_set holders_unknown(const struct monitor *m) {
    return cluster_masters(m->cluster) & ~m->durable.done_without;
}

host_set durability_holders(const struct monitor *m) {
    return m->durable.last_writer == HOST_NONE ? holders_unknown(m) : m->durable.holders;
}

/* Whoever was given the role by a hand-over, and was not seen to serve, has itself what it has written since: it lacks
 * at most what was written before, and that is where it was handed over. */
static bool lacks_what_was_handed_over(const struct monitor *m, int candidate) {
    return m->durable.unproven && m->durable.handed_by != HOST_NONE && candidate == m->durable.last_writer;
}

/* A candidate without the administrator's word needs a look at everybody who may alone have what a client was told OK
 * for; what it lacks of theirs it fetches. */
bool durability_can_judge(const struct mstep *step, int candidate) {
    const struct monitor *m = step->m;
    if (!is_lossless(m))
        return true;
    host_set holders = durability_holders(m);
    if (lacks_what_was_handed_over(m, candidate))
        holders &= transfer_has_handed_over(step, m->durable.handed_by) ? 0 : set_of(m->durable.handed_by);
    for (int i = 0; i < m->cluster->host_count; i++)
        if (i != candidate && set_has(holders, i) && !transfer_can_drain(step, i))
            return false;
    return true;
}

/* By the store alone: an agent that was restarted changes nothing. */
bool durability_is_counted(const struct monitor *m) {
    return is_lossless(m) && (m->durable.surely & standbys(m)) != 0;
}

/* That writes are not protected is never silent. */
void durability_tell(struct mstep *step) {
    struct monitor *m = step->m;
    int writer = m->durable.writer;
    bool counted = durability_is_counted(m);
    if (!is_lossless(m) || writer == HOST_NONE || !m->serving || counted == m->told_protected)
        return;
    m->told_protected = counted;
    step->changed = true;
    if (counted)
        mstep_event(step, "L11", "writes_protected", writer, -1, "another electable host has each commit before OK");
    else
        mstep_event(step, "L12", "writes_unprotected", writer, -1,
                    "what is written now is lost if %s is lost: no electable host acknowledges",
                    host_name(step, writer));
}

bool monitor_is_protected(const struct monitor *monitor) {
    const struct monitor *m = monitor;
    int writer = m->durable.writer;
    if (!is_lossless(m) || writer == HOST_NONE || !m->serving || !(m->durable.surely & standbys(m)))
        return false;
    const struct report *report = &m->hosts[writer].report;
    if (report->protection != PROTECTION_ON || report->probe.semi_sync.clients == 0)
        return false;
    for (int i = 0; i < m->cluster->host_count; i++)
        if (set_has(m->durable.surely & standbys(m), i) && is_attached(m, i))
            return true;
    return false;
}
