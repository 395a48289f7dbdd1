#include "core/agent/agent.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/agent/agent_internal.h"

void step_deadline(struct step *step, msec at) {
    if (at < step->plan->deadline)
        step->plan->deadline = at;
}

void step_event(struct step *step, const char *rule, const char *name, const char *format, ...) {
    if (step->plan->event_count == AGENT_EVENTS_MAX)
        return;
    struct event *event = &step->plan->events[step->plan->event_count++];
    *event = (struct event){
        .wall = step->event->wall,
        .term = step->agent->durable.term,
        .host = step->agent->self,
        .role = -1,
    };
    TEXT_COPY(event->rule, rule);
    TEXT_COPY(event->name, name);
    va_list args;
    va_start(args, format);
    vsnprintf(event->why, sizeof event->why, format, args);
    va_end(args);
}

void step_report_soon(struct step *step) {
    step->agent->report_wanted = true;
}

/* An address that this host held as writer is renewed only together with the lease and never outlives it, so what is
 * left of the address is left of the lease: an agent that was restarted goes on from there. */
static msec lease_kept_by_kernel(const struct agent *agent) {
    msec until = NEVER;
    int role = cluster_writer_role(agent->cluster);
    for (int i = 0; i < agent->cluster->address_count; i++)
        if (agent->cluster->addresses[i].role == role) {
            if (!agent->addresses[i].present)
                return 0;
            if (agent->addresses[i].gone_at < until)
                until = agent->addresses[i].gone_at;
        }
    return until == NEVER ? 0 : until;
}

/* A lease that this host's last agent held is gone on with, as far as the kernel still knows of it. */
static void go_on_as_writer(struct agent *agent, msec now) {
    const struct cluster *cluster = agent->cluster;
    agent->must_fence = true;
    msec until = lease_kept_by_kernel(agent);
    if (until > now + cluster->lease.length)
        until = now + cluster->lease.length;
    agent->shut_by = until > now ? until : now + cluster->lease.fence;
    if (!agent->durable.given_up && until - cluster->lease.fence > now) {
        agent->writer = true;
        agent->must_fence = false;
        agent->opened = true;
        agent->lease_until = agent->contact_until = until;
        agent->has_orders = true;
        agent->orders = (struct orders){
            .term = agent->durable.term,
            .duty = DUTY_WRITER,
            .electable = agent->durable.electable,
            .lease = cluster->lease.length,
            .source = HOST_NONE,
            .protect = (agent->durable.electable & ~set_of(agent->self)) != 0, /* should it have to be opened again */
        };
        for (int i = 0; i < cluster->address_count; i++)
            if (agent->addresses[i].present)
                agent->orders.addresses |= set_of(i);
    }
}

void agent_start(struct agent *agent, const struct cluster *cluster, int self, uint64_t incarnation,
                 const struct mac *mac, const struct agent_durable *durable,
                 const struct agent_address addresses[static ADDRESSES_MAX], msec now) {
    *agent = (struct agent){
        .cluster = cluster,
        .self = self,
        .started_at = now,
        .incarnation = incarnation,
        .mac = *mac,
        .promised_until = now + cluster->lease.length,
        .contact_until = now + cluster->lease.length,
        .told_silent = now,
        .monitor_heard = now,
        .report_next = now,
        .look_next = now,
        .answered_at = now,
        .canary_since = NEVER,
        .unacknowledged_since = NEVER,
        .fence_deadline = NEVER,
        .addresses_known = true,
        .addresses_next = now,
        .ask_next = now,
        .ask_strangers_next = now,
        .stranger = { .address = -1 },
    };
    if (durable)
        agent->durable = *durable;
    memcpy(agent->addresses, addresses, sizeof agent->addresses);
    for (int i = 0; i < ADDRESSES_MAX; i++) {
        agent->announced[i] = ANNOUNCEMENTS;
        agent->leave_at[i] = addresses[i].gone_at;
    }
    if (agent->durable.writer)
        go_on_as_writer(agent, now);
    guard_start(agent, now);
}

static void take_in(struct step *step) {
    switch (step->event->kind) {
    case AGENT_TICK:
        break;
    case AGENT_ORDERS:
        lease_obey(step, step->event->orders);
        break;
    case AGENT_REPORT_FAILED:
        lease_report_failed(step);
        break;
    case AGENT_NUDGED:
        step_report_soon(step);
        break;
    case AGENT_ASKED:
        lease_asked(step, step->event->ask);
        break;
    case AGENT_ANSWERED:
        lease_answered(step, step->event->answer);
        break;
    case AGENT_PROBED:
        work_probed(step);
        break;
    case AGENT_TASK_DONE:
        work_task_done(step);
        break;
    case AGENT_SERVER_GONE:
        work_server_gone(step);
        break;
    case AGENT_ADDRESSES:
        presence_listed(step);
        break;
    case AGENT_STRANGER:
        presence_stranger(step);
        break;
    }
}

/* What no flag and no set tells of stays as an earlier step left it: a plan is large, and steps are many. */
static void plan_empty(struct agent_plan *plan) {
    plan->save = plan->addresses_look = plan->guard_set = plan->guard_opens = false;
    plan->address_remove = plan->address_set = plan->address_announce = plan->address_ask = plan->guard = 0;
    plan->server_kill = plan->server_cut = plan->look = plan->answer_set = plan->report_set = false;
    plan->task.kind = TASK_NONE;
    plan->canary_stamp = 0;
    plan->ask_whom = 0;
    plan->event_count = 0;
    plan->deadline = NEVER;
}

void agent_step(struct agent *agent, const struct agent_event *event, struct agent_plan *ret_plan) {
    plan_empty(ret_plan);
    static_assert(offsetof(struct agent_durable, received) + sizeof(struct gtid_position) ==
                      sizeof(struct agent_durable),
                  "what is compared by its bytes comes before the position");
    char before[offsetof(struct agent_durable, received)];
    struct gtid_position received;
    memcpy(before, &agent->durable, sizeof before);
    gtid_copy(&received, &agent->durable.received);
    struct step step = { .agent = agent, .event = event, .plan = ret_plan, .now = event->now };
    take_in(&step);
    lease_check(&step);
    work_check(&step);
    presence_check(&step);
    lease_talk(&step);
    ret_plan->note = !gtid_equal(&received, &agent->durable.received);
    ret_plan->save = memcmp(before, &agent->durable, sizeof before) != 0;
}
