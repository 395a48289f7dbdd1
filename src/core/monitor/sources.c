/* From whom each standby replicates (core/transfer/source.h has the rules), and who applies late on purpose. */
#include "core/monitor/monitor_internal.h"
#include "core/transfer/source.h"

static int source_now(const struct monitor *m, int host) {
    const struct replication *replication = &m->hosts[host].report.probe.replication;
    bool known = m->hosts[host].heard && replication->configured;
    return known ? cluster_host_at(m->cluster, &replication->source_address) : HOST_NONE;
}

static bool is_replica(const struct monitor *m, int host) {
    return host != HOST_NONE && m->cluster->hosts[host].mode == MODE_REPLICA;
}

static bool is_chained(const struct monitor *m, int host) {
    int source = source_now(m, host);
    return is_replica(m, host) && is_replica(m, source) && source != host;
}

static bool is_circular(const struct monitor *m, int host) {
    int at = host;
    for (int hops = 0; hops <= m->cluster->host_count; hops++) {
        if (!is_chained(m, at))
            return false;
        at = source_now(m, at);
    }
    return true;
}

static bool is_gone(const struct mstep *step, int host) {
    const struct host_durable *durable = &step->m->durable.hosts[host];
    return durable->state == HOST_HARD_OFFLINE &&
           step->event->wall - durable->since > step->m->cluster->health.down_short;
}

bool sources_is_delayed(const struct monitor *m, int host) {
    const struct replication *replication = &m->hosts[host].report.probe.replication;
    /* A writer keeps the options of the source that it had, and lacks nothing. */
    return m->hosts[host].heard && replication->configured && replication->delay_s > 0 &&
           host != m->durable.last_writer;
}

static const struct source_row *judge(const struct mstep *step, int host) {
    const struct monitor *m = step->m;
    int source = source_now(m, host);
    bool chained = is_chained(m, host);
    struct source_facts facts = {
        .serving = m->serving,
        .chained = chained,
        .gone = chained && is_gone(step, source),
        .circular = chained && is_circular(m, host),
        .delayed = sources_is_delayed(m, host),
        .follows = source != HOST_NONE && source == m->durable.writer,
        .compared = health_has_nothing_own(step, host),
    };
    return source_decide(&facts);
}

int sources_ordered(const struct mstep *step, int host) {
    switch (judge(step, host)->choice) {
    case SOURCE_NOBODY:
        return HOST_NONE;
    case SOURCE_KEPT:
        return source_now(step->m, host);
    case SOURCE_WRITER:
        break;
    }
    return step->m->durable.writer;
}

bool sources_is_kept(const struct mstep *step, int host) {
    return is_chained(step->m, host) && !is_circular(step->m, host) && !is_gone(step, source_now(step->m, host));
}

int sources_expected(const struct mstep *step, int host) {
    return sources_is_kept(step, host) ? source_now(step->m, host) : step->m->durable.writer;
}

bool sources_is_drained_for(const struct mstep *step, int host) {
    const struct monitor *m = step->m;
    int source = source_now(m, host);
    bool fed = is_chained(m, host) && !is_circular(m, host) && health_is_alive(step, source);
    return fed || sources_is_delayed(m, host);
}

void sources_run(struct mstep *step) {
    struct monitor *m = step->m;
    for (int i = 0; i < m->cluster->host_count; i++) {
        const struct source_row *row = judge(step, i);
        bool tell = row->told && !m->hosts[i].source_told;
        m->hosts[i].source_told = row->told;
        if (!tell)
            continue;
        step->changed = true;
        mstep_event(step, row->rule, "source_changed", i, -1, "%s follows %s: %s (%s)", host_name(step, i),
                    host_name(step, m->durable.writer), row->why, host_name(step, source_now(m, i)));
    }
}
