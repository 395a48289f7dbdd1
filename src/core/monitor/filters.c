/* Masters whose replication filters differ have different data, or will have: none of them takes the place of another.
 * The writer's data is the cluster's, so its filters are what the others' are compared with. */
#include <stdio.h>

#include "core/monitor/monitor_internal.h"

static const struct filters *filters_of(const struct monitor *m, int host) {
    return &m->hosts[host].report.probe.filters;
}

static bool is_against(const struct monitor *m, int host, int other) {
    return other != host && m->hosts[host].heard && m->hosts[other].heard &&
           filters_differ(filters_of(m, host), filters_of(m, other));
}

int filters_against(const struct monitor *m, int host) {
    host_set masters = cluster_masters(m->cluster);
    int reference = m->durable.last_writer;
    if (!set_has(masters, host))
        return HOST_NONE;
    if (reference != HOST_NONE)
        return is_against(m, host, reference) ? reference : HOST_NONE;
    for (int i = 0; i < m->cluster->host_count; i++) /* nobody's data is the cluster's yet */
        if (set_has(masters, i) && is_against(m, host, i))
            return i;
    return HOST_NONE;
}

void filters_tell(const struct monitor *m, int host, int other, char *ret_text, size_t size) {
    const char *a = filters_of(m, host)->text, *b = filters_of(m, other)->text;
    snprintf(ret_text, size, "%s has %s, %s has %s", m->cluster->hosts[host].name, a[0] ? a : "none",
             m->cluster->hosts[other].name, b[0] ? b : "none");
}

bool settings_have(const struct monitor *m, int host, enum unsafe_setting unsafe) {
    const struct server_settings *settings = &m->hosts[host].report.probe.settings;
    return m->hosts[host].heard && settings->known && settings->unsafe & (unsigned)unsafe;
}

static void tell_settings(struct mstep *step, int host) {
    struct monitor *m = step->m;
    const struct server_settings *settings = &m->hosts[host].report.probe.settings;
    bool unsafe = set_has(cluster_masters(m->cluster), host) && settings_have(m, host, UNSAFE_ALL);
    if (unsafe == m->hosts[host].unsafe_told || (!unsafe && !settings->known))
        return;
    m->hosts[host].unsafe_told = unsafe;
    step->changed = true;
    if (unsafe)
        mstep_event(step, "H98", "settings_unsafe", host, -1, "acknowledged transactions can get lost: %s",
                    settings->text);
    else
        mstep_event(step, "H99", "settings_safe", host, -1, "its settings are safe again");
}

void filters_run(struct mstep *step) {
    struct monitor *m = step->m;
    for (int i = 0; i < m->cluster->host_count; i++) {
        int other = filters_against(m, i);
        tell_settings(step, i);
        if ((other != HOST_NONE) == m->hosts[i].filters_told)
            continue;
        m->hosts[i].filters_told = other != HOST_NONE;
        step->changed = true;
        char text[FILTERS_TEXT_SIZE];
        if (other != HOST_NONE)
            filters_tell(m, i, other, text, sizeof text);
        if (other != HOST_NONE)
            mstep_event(step, "H96", "filters_differ", i, -1,
                        "it is not elected, for its replication filters differ: %s", text);
        else
            mstep_event(step, "H97", "filters_agree", i, -1,
                        "its replication filters are those of the other masters again; what they kept from it is "
                        "still missing");
    }
}
