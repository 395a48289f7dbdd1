#include "core/monitor/monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/monitor/monitor_internal.h"

static const char *const mode_names[MONITOR_MODE_COUNT] = {
    [MONITOR_ACTIVE] = "ACTIVE",
    [MONITOR_MANUAL] = "MANUAL",
    [MONITOR_PASSIVE] = "PASSIVE",
};

const char *monitor_mode_name(enum monitor_mode mode) {
    return mode_names[mode];
}

const char *host_check_name(enum host_check check) {
    switch (check) {
    case CHECK_PING:
        return "ping";
    case CHECK_MYSQL:
        return "mysql";
    case CHECK_REP_THREADS:
        return "rep_threads";
    case CHECK_REP_BACKLOG:
        return "rep_backlog";
    case CHECK_FILTERS:
        return "filters";
    case CHECK_SETTINGS:
        return "settings";
    case CHECK_COUNT:
        break;
    }
    return "unknown";
}

const char *host_name(const struct mstep *step, int host) {
    return host == HOST_NONE ? "nobody" : step->m->cluster->hosts[host].name;
}

void mstep_event(struct mstep *step, const char *rule, const char *name, int host, int role, const char *format, ...) {
    if (step->plan->event_count == MONITOR_EVENTS_MAX)
        return;
    struct event *event = &step->plan->events[step->plan->event_count++];
    *event = (struct event){ .wall = step->event->wall, .term = step->m->durable.term, .host = host, .role = role };
    TEXT_COPY(event->rule, rule);
    TEXT_COPY(event->name, name);
    va_list args;
    va_start(args, format);
    vsnprintf(event->why, sizeof event->why, format, args);
    va_end(args);
    event_note_facts(step, event);
}

void mstep_deadline(struct mstep *step, msec at) {
    if (at > step->now && at < step->plan->deadline)
        step->plan->deadline = at;
}

void mstep_reply(struct mstep *step, uint64_t id, enum rc rc, const char *format, ...) {
    if (!id || step->plan->reply_count == REPLIES_MAX)
        return;
    struct command_reply *reply = &step->plan->replies[step->plan->reply_count++];
    reply->id = id;
    reply->rc = rc;
    va_list args;
    va_start(args, format);
    vsnprintf(reply->text, sizeof reply->text, format, args);
    va_end(args);
}

static void start_empty(struct monitor_durable *durable, const struct cluster *cluster, msec wall) {
    *durable = (struct monitor_durable){
        .writer = HOST_NONE,
        .leaving = HOST_NONE,
        .last_writer = HOST_NONE,
        .handed_by = HOST_NONE,
        .electable = cluster_masters(cluster),
        .surely = cluster_masters(cluster),
        .mode = MONITOR_ACTIVE,
    };
    for (int i = 0; i < ADDRESSES_MAX; i++)
        durable->placement[i] = HOST_NONE;
    for (int i = 0; i < HOSTS_MAX; i++)
        durable->hosts[i] = (struct host_durable){ .state = HOST_AWAITING_RECOVERY, .since = wall };
}

static const struct transfer no_transfer = {
    .from = HOST_NONE,
    .to = HOST_NONE,
    .fetch_from = HOST_NONE,
    .avoid = HOST_NONE,
};

/* What no count and no flag tells of stays as an earlier step left it: a plan is large, and steps are many. */
static void plan_empty(struct monitor_plan *plan) {
    plan->save = plan->orders_set = plan->fence_set = false;
    plan->event_count = plan->reply_count = 0;
    plan->refused[0] = 0;
    plan->nudge = 0;
}

void monitor_undo(struct monitor *monitor, const struct monitor_durable *stored, struct monitor_plan *plan) {
    monitor->durable = *stored;
    monitor->transfer = no_transfer;
    plan_empty(plan);
}

void monitor_start(struct monitor *monitor, const struct cluster *cluster, const struct monitor_durable *durable,
                   msec now, msec wall) {
    memset(monitor, 0, sizeof *monitor);
    monitor->cluster = cluster;
    monitor->started_at = monitor->listening_since = now;
    monitor->granted_until = now + cluster->lease.length; /* rule 7 */
    monitor->serving_since = NEVER;
    monitor->stranger = (struct stranger){ .address = -1 };
    monitor->transfer = no_transfer;
    monitor->unheard = HOST_NONE;
    if (durable)
        monitor->durable = *durable;
    else
        start_empty(&monitor->durable, cluster, wall);
    monitor->told_protected = durability_is_counted(monitor);
    for (int i = 0; i < HOSTS_MAX; i++) {
        struct host_view *view = &monitor->hosts[i];
        view->own_snapshot_at = view->not_holding_at = view->broken_at = NEVER;
        view->lag = -1;
        view->report.stranger.address = -1;
        view->may_hold = ~UINT64_C(0); /* until it tells, or a lease has passed */
        view->answered_at = now;
    }
}

/* A report counts only from the host that its certificate names, and never an older one. */
static bool accept_report(struct mstep *step) {
    const struct monitor_event *event = step->event;
    const struct report *report = event->report;
    struct host_view *view = &step->m->hosts[event->host];
    if (report->host != event->host) {
        snprintf(step->plan->refused, sizeof step->plan->refused, "a report of %s came with the certificate of %s",
                 host_name(step, report->host), host_name(step, event->host));
        return false;
    }
    if (view->heard && report->incarnation == view->report.incarnation && report->sequence <= view->report.sequence) {
        snprintf(step->plan->refused, sizeof step->plan->refused, "report %llu is older than one that has come already",
                 (unsigned long long)report->sequence);
        return false;
    }
    /* A report can be delivered long after the agent that sent it was killed.  Only a clock that was set back makes a
     * later run's number lower, and then nothing more is heard of the earlier one. */
    if (view->heard && report->incarnation < view->report.incarnation && !health_is_silent(step, event->host)) {
        snprintf(step->plan->refused, sizeof step->plan->refused, "a report of an earlier run of the agent on %s",
                 host_name(step, event->host));
        return false;
    }
    return true;
}

static void refuse_while_listening(struct mstep *step) {
    char names[FACT_SIZE] = "";
    host_set unseen = lease_unseen(step->m, step->now);
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (set_has(unseen, i))
            text_append(names, sizeof names, "%s%s", names[0] ? ", " : "", host_name(step, i));
    snprintf(step->plan->refused, sizeof step->plan->refused, "the store does not know who is writer: listening%s%.80s",
             names[0] ? ", for one lease at the least and until it has seen " : " for one lease", names);
}

static void answer(struct mstep *step, int host) {
    struct host_view *view = &step->m->hosts[host];
    struct orders *orders = &step->plan->orders;
    if (lease_is_listening(step->m, step->now)) {
        refuse_while_listening(step);
        return;
    }
    orders_for(step, host, orders);
    /* A role that this run has not seen taken may have gone elsewhere since, should the store be an older copy. */
    if (orders->duty == DUTY_WRITER && !view->report.writer && !lease_has_looked_around(step)) {
        snprintf(step->plan->refused, sizeof step->plan->refused,
                 "just started: nobody is given the writer role before all masters or a lease have spoken");
        return;
    }
    orders->sequence = view->report.sequence;
    step->plan->orders_set = true;
    orders_copy(&view->sent, orders);
    view->sent_valid = true;
    view->nudged_valid = false;
    view->answered_at = step->now;
    lease_note_grant(step, orders);
    placement_answered(step, host, orders);
}

static void nudge(struct mstep *step) {
    for (int i = 0; i < step->m->cluster->host_count; i++) {
        struct host_view *view = &step->m->hosts[i];
        if (!view->sent_valid)
            continue;
        struct orders wanted;
        orders_for(step, i, &wanted);
        if (orders_equal(&wanted, &view->sent) || (view->nudged_valid && orders_equal(&wanted, &view->nudged)))
            continue;
        orders_copy(&view->nudged, &wanted);
        view->nudged_valid = true;
        step->plan->nudge |= set_of(i);
    }
}

static void decide(struct mstep *step) {
    lease_adopt(step);
    commands_compared(step);
    health_run(step);
    filters_run(step);
    transfer_run(step);
    fencing_run(step);
    commands_note_unheard(step);
    lease_keep_electable(step);
    durability_tell(step);
    sources_run(step);
    placement_run(step);
}

void monitor_step(struct monitor *monitor, const struct monitor_event *event, struct monitor_plan *ret_plan) {
    plan_empty(ret_plan);
    ret_plan->deadline = event->now + monitor->cluster->lease.report;
    struct mstep step = { .m = monitor, .event = event, .plan = ret_plan, .now = event->now };
    bool reported = false;
    switch (event->kind) {
    case MONITOR_TICK:
        break;
    case MONITOR_REPORT:
        reported = accept_report(&step);
        if (reported) {
            health_report(&step, event->host);
            lease_read_report(&step, event->host);
            fencing_read_report(&step, event->host);
        }
        break;
    case MONITOR_CHECK:
        health_check(&step, event->host);
        break;
    case MONITOR_FENCE:
        fencing_read_result(&step, event->fence);
        break;
    case MONITOR_COMMAND:
        commands_run(&step, event->command);
        break;
    }
    decide(&step);
    if (reported)
        answer(&step, event->host);
    nudge(&step);
    ret_plan->save = step.changed;
}

bool monitor_agent_reachable(const struct monitor *monitor, int host, msec now) {
    const struct host_view *view = &monitor->hosts[host];
    return view->heard && now - view->heard_at <= monitor->cluster->lease.length;
}
