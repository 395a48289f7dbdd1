#include "wire/warnings.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

enum { SENTENCE_SIZE = 800 };

static void warn(json_t *list, const char *format, ...) PRINTF_LIKE(2, 3);

static void warn(json_t *list, const char *format, ...) {
    char sentence[SENTENCE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    array_put(list, text_value(sentence));
}

static const char *name_of(const struct cluster *cluster, int host) {
    return host == HOST_NONE ? "nobody" : cluster->hosts[host].name;
}

static void warn_of_agent(json_t *list, const struct monitor *monitor, int host, msec now) {
    const struct host_view *view = &monitor->hosts[host];
    const char *name = monitor->cluster->hosts[host].name;
    if (monitor_agent_reachable(monitor, host, now))
        return;
    if (view->heard)
        warn(list, "agent on host %s is not reachable: last heard %lld s ago", name,
             (long long)(now - view->heard_at) / 1000);
    else
        warn(list, "agent on host %s is not reachable: not heard since this monitor started", name);
}

/* Who set a host offline may have stopped its server. */
static void warn_of_server(json_t *list, const struct status_source *source, int host) {
    const struct monitor *monitor = source->monitor;
    const struct host_view *view = &monitor->hosts[host];
    const char *name = monitor->cluster->hosts[host].name, *start = source->server_start[host];
    bool down = view->report.process == PROCESS_EXITED || view->report.process == PROCESS_ABSENT;
    if (!down || !view->heard || !monitor_agent_reachable(monitor, host, source->now) ||
        monitor->durable.hosts[host].state == HOST_ADMIN_OFFLINE)
        return;
    if (start && start[0])
        warn(list, "the server of host %s is down; on %s: %s", name, name, start);
    else
        warn(list, "the server of host %s is down: start it", name);
}

static void reasons_text(unsigned holds, char *ret_text, size_t size) {
    ret_text[0] = 0;
    for (int i = 0; i < 16; i++)
        if (set_has(holds, i))
            text_append(ret_text, size, "%s%s", ret_text[0] ? ", " : "", hold_reason_name((enum hold_reason)(1U << i)));
}

static void warn_of_hold(json_t *list, const struct monitor *monitor, int host) {
    const struct host_durable *durable = &monitor->durable.hosts[host];
    const char *name = monitor->cluster->hosts[host].name;
    char reasons[FACT_SIZE];
    if (!durable->holds)
        return;
    reasons_text(durable->holds, reasons, sizeof reasons);
    warn(list, "host %s is held (%s)%s%s; when it may serve again: mmm set-online %s", name, reasons,
         durable->hold_why[0] ? ": " : "", durable->hold_why, name);
}

static void warn_of_filters(json_t *list, const struct monitor *monitor, int host) {
    char text[FILTERS_TEXT_SIZE];
    int other = filters_against(monitor, host);
    if (other == HOST_NONE)
        return;
    filters_tell(monitor, host, other, text, sizeof text);
    warn(
        list,
        "host %s is not elected, for its replication filters differ: %s; give all masters the same filters: mmm doctor",
        name_of(monitor->cluster, host), text);
}

static void warn_of_settings(json_t *list, const struct monitor *monitor, int host) {
    const char *text = monitor->hosts[host].report.probe.settings.text;
    const char *name = name_of(monitor->cluster, host);
    bool lossless = monitor->cluster->durability == DURABILITY_LOSSLESS;
    bool out = settings_have(monitor, host, UNSAFE_UNFOLLOWABLE) || lossless;
    if (!set_has(cluster_masters(monitor->cluster), host) || !settings_have(monitor, host, UNSAFE_ALL))
        return;
    warn(list, "the settings of host %s can lose acknowledged transactions%s: %s; what to change: mmm doctor", name,
         out && host != monitor->durable.writer ? ", so it is not counted on" : "", text);
}

/* The cluster works on as if there were no such program; but somebody counts on it. */
static void warn_of_fence(json_t *list, const struct monitor *monitor, msec now) {
    const struct fence_state *fence = &monitor->fence;
    if (fence->running)
        warn(list, "the fence program of host %s runs, for %lld s so far",
             name_of(monitor->cluster, fence->request.host), (long long)(now - fence->request.asked) / 1000);
    if (fence->alarm)
        warn(list,
             "the fence program of host %s failed: %s; a new writer waited for the end of the lease, or still does",
             name_of(monitor->cluster, fence->alarm_host), fence->alarm_why);
    if (fence->doubted)
        warn(
            list,
            "the fence program of host %s said that it has ended, and it goes on reporting: two writers were possible; "
            "mend that program",
            name_of(monitor->cluster, fence->done.host));
}

static int host_with_mac(const struct monitor *monitor, const struct mac *mac) {
    for (int i = 0; i < monitor->cluster->host_count; i++)
        if (monitor->hosts[i].heard && mac_equal(&monitor->hosts[i].report.mac, mac))
            return i;
    return HOST_NONE;
}

static void warn_of_stranger(json_t *list, const struct monitor *monitor, int host, msec now) {
    const struct cluster *cluster = monitor->cluster;
    const struct host_view *view = &monitor->hosts[host];
    const struct stranger *stranger = &view->report.stranger;
    if (!view->heard || !monitor_agent_reachable(monitor, host, now) || stranger->address < 0)
        return;
    /* One of ours is an address on its way, which two hosts carry for a few milliseconds. */
    if (host_with_mac(monitor, &stranger->mac) != HOST_NONE)
        return;
    const struct role_address *address = &cluster->addresses[stranger->address];
    char ip[IP_TEXT_MAX], mac[MAC_TEXT_MAX];
    ip_format(&address->ip, ip);
    mac_format(&stranger->mac, mac);
    warn(list, "%s of role %s is also answered for by %s, which is no host of this cluster; seen by host %s", ip,
         cluster->roles[address->role].name, mac, name_of(cluster, host));
}

static void append_masters(const struct monitor *monitor, char *text, size_t size) {
    const struct cluster *cluster = monitor->cluster;
    const char *comma = "";
    for (int i = 0; i < cluster->host_count; i++) {
        if (!set_has(cluster_masters(cluster), i))
            continue;
        text_append(text, size, "%s%s is %s%s%s", comma, cluster->hosts[i].name,
                    host_state_name(monitor->durable.hosts[i].state), monitor->durable.hosts[i].holds ? ", held" : "",
                    set_has(monitor->durable.electable, i) ? "" : ", not electable");
        comma = "; ";
    }
}

static void append_transfer(const struct monitor *monitor, char *text, size_t size) {
    const struct transfer *transfer = &monitor->transfer;
    text_append(text, size, "on its way from %s to %s, phase %s%s%s", name_of(monitor->cluster, transfer->from),
                transfer->to == HOST_NONE ? "a host not chosen yet" : name_of(monitor->cluster, transfer->to),
                transfer_phase_name(transfer->phase), transfer->cause[0] ? ": " : "", transfer->cause);
    if (transfer->to == HOST_NONE)
        text_append(text, size, "; mmm explain says what each host that might take over waits for");
}

/* An empty store, or one that is old: what it waits for, and what ends the waiting. */
static void warn_of_listening(json_t *list, const struct monitor *monitor, msec now) {
    host_set unseen = lease_unseen(monitor, now);
    int some = HOST_NONE;
    char names[FACT_SIZE] = "";
    for (int i = 0; i < monitor->cluster->host_count; i++)
        if (set_has(unseen, i)) {
            some = some == HOST_NONE ? i : some;
            text_append(names, sizeof names, "%s%s", names[0] ? ", " : "", monitor->cluster->hosts[i].name);
        }
    if (some == HOST_NONE)
        warn(list,
             "this monitor's store does not know who is writer: it listens for one lease before it decides anything");
    else
        warn(list,
             "this monitor's store does not know who is writer, and %s may be it: nothing is decided before its agent "
             "is heard and its server is seen; if it will not come back, stop its server and then: mmm set-offline "
             "--force %s",
             names, monitor->cluster->hosts[some].name);
}

static void warn_of_writer(json_t *list, const struct monitor *monitor, msec now) {
    const struct monitor_durable *durable = &monitor->durable;
    char why[SENTENCE_SIZE] = "";
    if (monitor->unheard != HOST_NONE)
        warn(list,
             "nobody hears %s, %s writer, and nobody may replace it by itself: bring it back, or see to it that its "
             "server or machine is stopped, and then: mmm set-offline --force %s",
             name_of(monitor->cluster, monitor->unheard), durable->writer != HOST_NONE ? "the" : "the last",
             name_of(monitor->cluster, monitor->unheard));
    if (durable->writer != HOST_NONE && monitor->serving)
        return;
    if (lease_is_listening(monitor, now)) {
        warn_of_listening(list, monitor, now);
        return;
    }
    if (monitor->transfer.phase != TRANSFER_IDLE)
        append_transfer(monitor, why, sizeof why);
    else if (durable->writer == HOST_NONE && durable->mode == MONITOR_PASSIVE)
        text_append(why, sizeof why, "the monitor is in passive mode; mmm set-active ends it");
    else if (durable->writer == HOST_NONE)
        append_masters(monitor, why, sizeof why);
    if (durable->writer == HOST_NONE)
        warn(list, "there is no writer: %s", why);
    else
        warn(list, "writer %s does not serve, as far as is known%s%s", name_of(monitor->cluster, durable->writer),
             why[0] ? ": " : "", why);
}

/* Asynchronous replication is never protected, by the administrator's choice: the field «protected» says so, and a
 * warning that is always there would teach people not to read warnings. */
static void warn_of_protection(json_t *list, const struct monitor *monitor) {
    const struct cluster *cluster = monitor->cluster;
    int writer = monitor->durable.writer;
    char missing[FACT_SIZE * 2] = "";
    if (cluster->durability != DURABILITY_LOSSLESS || writer == HOST_NONE || monitor_is_protected(monitor))
        return;
    for (int i = 0; i < cluster->host_count; i++)
        if (i != writer && set_has(cluster_masters(cluster) & ~monitor->durable.electable, i))
            text_append(missing, sizeof missing, "%s%s", missing[0] ? ", " : "", cluster->hosts[i].name);
    warn(list, "writes are not protected: what is written now is lost if %s is lost%s%s", name_of(cluster, writer),
         missing[0] ? "; not electable: " : "", missing);
}

/* The first, because it explains whatever else looks wrong. */
static void warn_of_store(json_t *list, const char *trouble) {
    if (trouble && trouble[0])
        warn(list,
             "the monitor decides nothing, because it can not write it down: %s; the writer lives on its peers' "
             "promises;"
             " make room, and the monitor goes on by itself",
             trouble);
}

json_t *warnings_value(const struct status_source *source) {
    const struct monitor *monitor = source->monitor;
    msec now = source->now;
    json_t *list = array_new();
    warn_of_store(list, source->store_trouble);
    warn_of_writer(list, monitor, now);
    warn_of_protection(list, monitor);
    warn_of_fence(list, monitor, now);
    for (int i = 0; i < monitor->cluster->host_count; i++) {
        warn_of_agent(list, monitor, i, now);
        warn_of_server(list, source, i);
        warn_of_hold(list, monitor, i);
        warn_of_filters(list, monitor, i);
        warn_of_settings(list, monitor, i);
        warn_of_stranger(list, monitor, i, now);
    }
    if (source->recording_trouble)
        warn(list, "the monitor records nothing for `mmm replay`: %s", source->recording_trouble);
    return list;
}
