/* Who could become writer now: the facts for core/election/candidate.c. */
#include "core/monitor/monitor_internal.h"

static const struct failover_spec *spec(const struct mstep *step) {
    return &step->m->cluster->failover;
}

/* failover.window: a second failover in it needs an administrator's word (set-online or set-active). */
static bool is_too_soon(const struct mstep *step) {
    msec last = step->m->durable.failover_wall;
    return last && spec(step)->window && step->event->wall - last < spec(step)->window;
}

static bool is_first(const struct mstep *step, int host) {
    const struct monitor_durable *durable = &step->m->durable;
    return durable->last_writer == HOST_NONE || (host == durable->last_writer && !durable->unproven);
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
        .too_soon = is_too_soon(step) && host != durable->last_writer,
    };
}

const struct candidate_row *transfer_candidate(const struct mstep *step, int host) {
    struct candidate_facts facts;
    collect_candidate(step, host, &facts);
    return candidate_decide(&facts);
}

bool transfer_is_fit(const struct mstep *step, int host) {
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
    /* It talks again, and its fence program, which nobody can call back, may end it at any moment. */
    const struct fence_state *fence = &step->m->fence;
    if (fence->running)
        candidates = without(candidates, fence->request.host);
    return candidates;
}
