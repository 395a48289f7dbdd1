#include "wire/status.h"

#include <stdio.h>

#include "base/text.h"
#include "model/replication_error.h"
#include "wire/names.h"
#include "wire/warnings.h"
#include "wire/words.h"

/* One host as its report shows it; fresh says whether that report still tells anything about now. */
struct look {
    const struct monitor *monitor;
    const struct cluster *cluster;
    int host;
    const struct host_view *view;
    const struct probe *probe;
    bool fresh;
    msec now;
};

static struct look look_at(const struct monitor *monitor, int host, msec now) {
    const struct host_view *view = &monitor->hosts[host];
    return (struct look){
        .monitor = monitor,
        .cluster = monitor->cluster,
        .host = host,
        .view = view,
        .probe = &view->report.probe,
        .fresh = view->heard && monitor_agent_reachable(monitor, host, now),
        .now = now,
    };
}

static bool server_answers(const struct look *look) {
    const struct report *report = &look->view->report;
    return look->fresh && look->probe->answered && report->process != PROCESS_EXITED &&
           report->process != PROCESS_ABSENT && report->silent < look->cluster->health.answer_timeout;
}

static json_t *roles_value(const struct look *look) {
    json_t *list = array_new();
    for (int i = 0; i < look->cluster->address_count; i++) {
        if (look->monitor->durable.placement[i] != look->host)
            continue;
        json_t *role = object_new();
        put_text(role, "role", look->cluster->roles[look->cluster->addresses[i].role].name);
        put_address(role, "address", look->cluster, i);
        array_put(list, role);
    }
    return list;
}

/* How long it may go on writing without another word of the monitor, as the monitor must assume. */
static json_t *lease_value(const struct look *look) {
    const struct monitor *monitor = look->monitor;
    if (look->host != monitor->durable.writer && look->host != monitor->durable.leaving)
        return json_null();
    if (monitor->granted_until == NEVER)
        return json_null();
    return json_integer(monitor->granted_until > look->now ? monitor->granted_until - look->now : 0);
}

static json_t *server_value(const struct look *look) {
    json_t *object = object_new();
    bool seen = look->view->heard && look->probe->answered;
    bool up = server_answers(look);
    bool outside = !look->fresh && look->view->outside_known;
    put(object, "family",
        seen && look->probe->family != FAMILY_UNKNOWN ? text_value(family_words[look->probe->family]) : json_null());
    put_text_or_null(object, "version", seen ? look->probe->version : "");
    put(object, "up",
        look->fresh ? json_boolean(up)
        : outside   ? json_boolean(look->view->outside_answers)
                    : json_null());
    put(object, "uptime_s", up ? json_integer((json_int_t)look->probe->uptime_s) : json_null());
    return object;
}

static json_t *source_value(const struct look *look) {
    const struct replication *replication = &look->probe->replication;
    int source = cluster_host_at(look->cluster, &replication->source_address);
    char text[IP_TEXT_MAX];
    if (source != HOST_NONE)
        return text_value(look->cluster->hosts[source].name);
    if (!replication->source_address.family)
        return json_null();
    ip_format(&replication->source_address, text);
    return text_value(text);
}

/* A writer keeps the options of the source it had, for the day it follows again; its stopped threads are no trouble. */
static bool is_leftover(const struct look *look) {
    const struct replication *replication = &look->probe->replication;
    return look->host == look->monitor->durable.writer && replication->receiving == THREAD_STOPPED &&
           replication->applying == THREAD_STOPPED;
}

/* null: it has no source, or nothing is known now. */
static json_t *replication_value(const struct look *look) {
    const struct replication *replication = &look->probe->replication;
    if (!server_answers(look) || !replication->configured || is_leftover(look))
        return json_null();
    json_t *object = object_new();
    char error[FACT_SIZE + 16] = "";
    if (replication->error_number)
        text_append(error, sizeof error, "%u: %s", replication->error_number, replication->error);
    put(object, "source", source_value(look));
    put_flag(object, "receiving", replication->receiving == THREAD_RUNNING);
    put_flag(object, "applying", replication->applying == THREAD_RUNNING);
    put(object, "lag_ms", look->view->lag < 0 ? json_null() : json_integer(look->view->lag));
    put_number(object, "delay_s", replication->delay_s);
    put_text_or_null(object, "error", error);
    const char *advice = replication_error_advice(replication->error_number);
    put_text_or_null(object, "advice", advice ? advice : "");
    return object;
}

/* The last that is known, even of a host that is gone: that is what tells how much it may lack. */
static json_t *position_value(const struct look *look) {
    if (!look->view->heard || !look->probe->answered)
        return json_null();
    json_t *object = object_new();
    put_position(object, "applied", &look->probe->applied);
    put_position(object, "received", &look->probe->received);
    return object;
}

static json_t *hold_value(const struct host_durable *host) {
    if (!host->holds)
        return json_null();
    json_t *object = object_new();
    put_holds(object, "reasons", host->holds);
    put_text(object, "why", host->hold_why);
    return object;
}

static json_t *host_status_value(const struct monitor *monitor, int host, msec now) {
    const struct look look = look_at(monitor, host, now);
    const struct host_spec *spec = &monitor->cluster->hosts[host];
    const struct host_durable *durable = &monitor->durable.hosts[host];
    json_t *object = object_new();
    put_text(object, "name", spec->name);
    put_ip(object, "address", &spec->address);
    put_text(object, "mode", spec->mode == MODE_MASTER ? "master" : "replica");
    put_text(object, "state", host_state_name(durable->state));
    put_wall(object, "since", durable->since);
    put_text(object, "agent", look.fresh ? "reachable" : "unreachable");
    put(object, "roles", roles_value(&look));
    put(object, "lease_ms", lease_value(&look));
    put(object, "writable", server_answers(&look) ? json_boolean(!look.probe->read_only) : json_null());
    put(object, "server", server_value(&look));
    put(object, "replication", replication_value(&look));
    put(object, "position", position_value(&look));
    put(object, "hold", hold_value(durable));
    put_text_or_null(object, "trouble", look.view->heard ? look.view->report.trouble : "");
    return object;
}

static json_t *hosts_value(const struct monitor *monitor, msec now) {
    json_t *list = array_new();
    for (int i = 0; i < monitor->cluster->host_count; i++)
        array_put(list, host_status_value(monitor, i, now));
    return list;
}

static json_t *check_value(const struct monitor *monitor, int host, enum host_check check) {
    const struct check_view *view = &monitor->hosts[host].checks[check];
    bool judged = view->changed > 0;
    json_t *object = object_new();
    put_host(object, "host", monitor->cluster, host);
    put_text(object, "check", host_check_name(check));
    put(object, "ok", judged ? json_boolean(view->ok) : json_null());
    put_wall(object, "since", view->changed);
    put_text(object, "message", view->message);
    return object;
}

static json_t *checks_value(const struct monitor *monitor) {
    json_t *list = array_new();
    for (int host = 0; host < monitor->cluster->host_count; host++)
        for (int check = 0; check < CHECK_COUNT; check++)
            array_put(list, check_value(monitor, host, (enum host_check)check));
    return list;
}

static json_t *transfer_value(const struct monitor *monitor, msec now) {
    const struct transfer *transfer = &monitor->transfer;
    if (transfer->phase == TRANSFER_IDLE)
        return json_null();
    json_t *object = object_new();
    put_text(object, "phase", transfer_phase_name(transfer->phase));
    put_host(object, "from", monitor->cluster, transfer->from);
    put_host(object, "to", monitor->cluster, transfer->to);
    put_flag(object, "planned", transfer->planned);
    put_text(object, "cause", transfer->cause);
    put_msec(object, "elapsed_ms", now - transfer->started);
    return object;
}

static json_t *monitor_value(const struct status_source *source) {
    json_t *object = object_new();
    put_text(object, "name", source->monitor_name);
    put_flag(object, "active", true);
    put_wall(object, "since", source->since_wall);
    put_text_or_null(object, "store_trouble", source->store_trouble ? source->store_trouble : "");
    return object;
}

char *status_encode(const struct status_source *source) {
    const struct monitor *monitor = source->monitor;
    const struct cluster *cluster = monitor->cluster;
    const struct monitor_durable *durable = &monitor->durable;
    json_t *object = object_new();
    put_text(object, "cluster", cluster->name);
    put_wall(object, "time", source->wall);
    PUT_WORD(object, "mode", mode_words, durable->mode);
    put_text_or_null(object, "mode_cause", durable->mode == MONITOR_PASSIVE ? durable->passive_cause : "");
    put_number(object, "term", durable->term);
    put_host(object, "writer", cluster, durable->writer);
    put_flag(object, "protected", monitor_is_protected(monitor));
    put_hosts(object, "electable", cluster, durable->electable);
    put(object, "transfer", transfer_value(monitor, source->now));
    put(object, "monitor", monitor_value(source));
    put(object, "warnings", warnings_value(source));
    put(object, "hosts", hosts_value(monitor, source->now));
    put(object, "checks", checks_value(monitor));
    return object_to_text(object);
}
