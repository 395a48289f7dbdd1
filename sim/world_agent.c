/* What happens at an agent becomes an event of its core, and what the core plans is done, in the order and under the
 * conditions of app/agent/act.c and talk.c. */
#include <string.h>

#include "base/text.h"
#include "world.h"

enum { PROBE_TAKES = 2, GONE_TAKES = 1, FROZEN_PROBE_TAKES = 1000 };

/* A relay log that was not written out is received anew; what was acknowledged by it is on the writer only. */
static void lose_received(struct world *world, int i) {
    struct world_server *server = &world->hosts[i].server;
    if (!world->lossless || server->source == HOST_NONE || !world_chance(world, 500))
        return;
    gtid_copy(&server->received, &server->binlog);
    server->applied_at = 0;
}

void agent_kill_server(struct world *world, int i) {
    struct world_host *host = &world->hosts[i];
    if (!host->server.up)
        return;
    host->server.up = host->server.frozen = host->server.stuck = false;
    host->server.receiving = host->server.applying = host->server.connected = false;
    commits_cut(world, i);
    lose_received(world, i);
    if (host->agent_up)
        post(world, PARCEL_GONE, i, i, GONE_TAKES)->pid = host->server.pid;
}

static void save(struct world *world, int i) {
    struct world_host *host = &world->hosts[i];
    host->unsaved = host->disk_fails;
    if (host->unsaved)
        return;
    host->disk = host->agent.durable;
    wire_agent_durable(world, i, &host->disk);
    host->saved = true;
}

static void begin_task(struct world *world, int i, const struct server_task *task) {
    msec length = server_task_length(world, i, task);
    struct parcel *parcel = post(world, PARCEL_TASK, i, i, length < task->timeout ? length : task->timeout);
    parcel->task = *task;
    parcel->pid = world->hosts[i].server.pid;
}

/* A task that must not be begun without the state on disk ends at once, as one that failed. */
static void refuse_task(struct world *world, int i, struct agent_plan *plan) {
    struct parcel *parcel = post(world, PARCEL_TASK, i, i, 1);
    parcel->worked = true;
    parcel->result = (struct task_result){ .kind = plan->task.kind, .rc = RC_IO };
    TEXT_COPY(parcel->result.why, "the agent's state can not be saved");
    plan->task.kind = TASK_NONE;
}

/* Whoever does not reach all of its peers cannot know whether one of them hears the monitor. */
static void note_round(struct world *world, int i) {
    struct world_host *host = &world->hosts[i];
    host_set peers = (set_of(world->cluster.host_count) - 1) & ~set_of(i);
    if (host->agent.round.round <= 1 || !set_contains(host->answered, peers))
        host->unreached_at = world->now;
    host->answered = 0;
}

static void do_talk(struct world *world, int i, const struct agent_plan *plan) {
    if (plan->report_set) {
        struct parcel *parcel = post_far(world, PARCEL_REPORT, i, AT_MONITOR);
        if (parcel) {
            report_copy(&parcel->report, &plan->report);
            parcel->life = world->hosts[i].life;
            post_send(world, parcel);
        }
    }
    if (plan->ask_whom)
        note_round(world, i);
    for (int peer = 0; peer < world->cluster.host_count; peer++) {
        struct parcel *parcel = set_has(plan->ask_whom, peer) ? post_far(world, PARCEL_ASK, i, peer) : NULL;
        if (!parcel)
            continue;
        parcel->ask = plan->ask;
        post_send(world, parcel);
    }
}

static void serve_addresses(struct world *world, int i, const struct agent_plan *plan) {
    for (int a = 0; a < world->cluster.address_count; a++)
        if (set_has(plan->address_set, a))
            kernel_set(world, i, a, plan->address_lifetime[a]);
    clients_hear(world, i, plan->address_announce);
    neighbours_hear(world, i, plan->address_announce);
}

/* The kernel's: it stays when the agent dies, and every packet is judged (effect/guard). */
static void hold_guard(struct world *world, int i, const struct agent_plan *plan) {
    for (int a = 0; plan->guard_set && a < world->cluster.address_count; a++)
        world->hosts[i].guard_end[a] = set_has(plan->guard, a) ? plan->guard_until[a] : 0;
}

static void do_plan(struct world *world, int i, struct agent_plan *plan) {
    struct world_host *host = &world->hosts[i];
    for (int a = 0; a < world->cluster.address_count; a++)
        if (set_has(plan->address_remove, a))
            host->gone_at[a] = 0;
    if (!plan->guard_opens)
        hold_guard(world, i, plan);
    if (plan->server_kill)
        agent_kill_server(world, i);
    if (plan->save || host->unsaved)
        save(world, i);
    if (host->unsaved) {
        plan->answer_set = plan->report_set = false;
        plan->addresses_look = true;
        if (plan->task.kind == TASK_OPEN)
            refuse_task(world, i, plan);
    } else {
        if (plan->guard_opens)
            hold_guard(world, i, plan);
        serve_addresses(world, i, plan);
    }
    if (plan->task.kind != TASK_NONE)
        begin_task(world, i, &plan->task);
    if (plan->look) {
        struct parcel *parcel = post(world, PARCEL_PROBE, i, i, host->server.frozen ? FROZEN_PROBE_TAKES : PROBE_TAKES);
        parcel->canary_stamp = plan->canary_stamp;
        parcel->pid = host->server.pid;
    }
    do_talk(world, i, plan);
    host->wake = plan->deadline > world->now ? plan->deadline : world->now + 1;
}

void agent_feed(struct world *world, int i, struct agent_event *event, const char *cause) {
    struct world_host *host = &world->hosts[i];
    struct agent_plan plan;
    event->now = world->now;
    event->wall = world_wall(world) + host->wall_shift;
    agent_step(&host->agent, event, &plan);
    trace_agent(world, i, cause, &plan);
    do_plan(world, i, &plan);
    if (plan.answer_set) {
        struct parcel *parcel = post_far(world, PARCEL_ANSWER, i, event->ask->from);
        if (parcel) {
            parcel->answer = plan.answer;
            post_send(world, parcel);
        }
    }
    if (plan.addresses_look && event->kind != AGENT_ADDRESSES) {
        struct agent_event listed = { .kind = AGENT_ADDRESSES };
        kernel_list(world, i, listed.addresses);
        agent_feed(world, i, &listed, "sees its addresses");
    }
}

/* What was sent to a server is done by it, whether its agent still runs or not.  A stopped agent may have been stopped
 * before it sent anything; its deadline has mostly passed when it goes on. */
static void work(struct world *world, struct parcel *parcel) {
    if (parcel->worked)
        return;
    if (parcel->kind == PARCEL_PROBE) {
        server_probe(world, parcel->to, parcel, &parcel->probe);
        parcel->absent = !world->hosts[parcel->to].server.up;
    } else if (parcel->kind == PARCEL_TASK) {
        if (world->now - parcel->begun > parcel->task.timeout) {
            parcel->result = (struct task_result){ .kind = parcel->task.kind, .rc = RC_TIMEOUT };
            TEXT_COPY(parcel->result.why, "its time was over before it was begun");
        } else {
            server_task_end(world, parcel->to, parcel, &parcel->result);
        }
    }
    parcel->worked = true;
}

static void deliver(struct world *world, const struct parcel *parcel) {
    struct world_host *host = &world->hosts[parcel->to];
    switch (parcel->kind) {
    case PARCEL_REPORT:
        break;
    case PARCEL_ORDERS:
        agent_feed(world, parcel->to, &(struct agent_event){ .kind = AGENT_ORDERS, .orders = &parcel->orders },
                   "hears its orders");
        break;
    case PARCEL_FAILED:
        if (host->agent.sequence == parcel->sequence)
            agent_feed(world, parcel->to, &(struct agent_event){ .kind = AGENT_REPORT_FAILED }, "cannot report");
        break;
    case PARCEL_NUDGE:
        agent_feed(world, parcel->to, &(struct agent_event){ .kind = AGENT_NUDGED }, "is nudged");
        break;
    case PARCEL_ASK:
        agent_feed(world, parcel->to, &(struct agent_event){ .kind = AGENT_ASKED, .ask = &parcel->ask }, "is asked");
        break;
    case PARCEL_ANSWER:
        if (parcel->answer.round == host->agent.round.round)
            host->answered |= set_of(parcel->answer.from);
        agent_feed(world, parcel->to, &(struct agent_event){ .kind = AGENT_ANSWERED, .answer = &parcel->answer },
                   "is answered");
        break;
    case PARCEL_PROBE:
        agent_feed(
            world, parcel->to,
            &(struct agent_event){ .kind = AGENT_PROBED, .probe = &parcel->probe, .process_absent = parcel->absent },
            "looks at its server");
        break;
    case PARCEL_TASK:
        agent_feed(world, parcel->to, &(struct agent_event){ .kind = AGENT_TASK_DONE, .task = &parcel->result },
                   "has ended its task");
        break;
    case PARCEL_GONE:
        if (host->agent.probe.pid == parcel->pid)
            agent_feed(world, parcel->to, &(struct agent_event){ .kind = AGENT_SERVER_GONE, .unclean = true },
                       "sees its server die");
        break;
    case PARCEL_CLAIM:
        agent_feed(world, parcel->to, &(struct agent_event){ .kind = AGENT_STRANGER, .stranger = parcel->claim },
                   "hears another host announce an address");
        break;
    }
}

void agent_deliver(struct world *world, struct parcel *parcel) {
    struct world_host *host = &world->hosts[parcel->to];
    bool there = host->agent_up && host->life == parcel->life && !world->cut[parcel->from][parcel->to];
    bool stalled = there && host->stalled_until > world->now;
    if (!stalled || world_chance(world, 500))
        if (there || parcel->kind == PARCEL_TASK)
            work(world, parcel);
    if (stalled)
        post_again(world, parcel, host->stalled_until);
    else if (there)
        deliver(world, parcel);
    else if (parcel->kind == PARCEL_CLAIM && parcel->claim.address == 0)
        host->deaf = true;
}
