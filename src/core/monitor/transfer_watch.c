/* Is the writer still one?  The facts for core/transfer/watch.c. */
#include "core/monitor/monitor_internal.h"

bool transfer_writer_serves(const struct mstep *step) {
    int writer = step->m->durable.writer;
    if (writer == HOST_NONE)
        return false;
    const struct report *report = &step->m->hosts[writer].report;
    address_set addresses = cluster_role_addresses(step->m->cluster, cluster_writer_role(step->m->cluster));
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
    return health_is_quiet(step, writer) && !transfer_is_seen(step, writer) && transfer_candidates(step) != 0;
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
        .fenceable = cluster->hosts[writer].has_fence && view->heard && transfer_is_suspect(step),
    };
}

const struct watch_row *transfer_watch(const struct mstep *step) {
    struct watch_facts facts;
    collect_watch(step, step->m->durable.writer, &facts);
    return watch_decide(&facts);
}
