#include "world.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "core_pieces.h"

enum { WALL_START = 1700000000, PROBE_TAKES = 2, GONE_TAKES = 1, HURRY_MAX = 200 };

msec world_wall(const struct world *world) {
    return (msec)WALL_START * 1000 + world->now;
}

bool world_chance(struct world *world, unsigned permille) {
    return core_random(&world->random) % 1000 < permille;
}

bool world_has_address(const struct world *world, int host, int address) {
    return world->hosts[host].gone_at[address] > world->now;
}

/* ---- messages ---- */

static struct parcel *post(struct world *world, enum parcel_kind kind, int from, int to, msec after) {
    assert(world->parcel_count < PARCELS_MAX);
    struct parcel *parcel = &world->parcels[world->parcel_count++];
    memset(parcel, 0, sizeof *parcel);
    parcel->kind = kind;
    parcel->from = from;
    parcel->to = to;
    parcel->at = world->now + after;
    parcel->number = world->parcels_sent++;
    if (to != AT_MONITOR)
        parcel->life = world->hosts[to].life;
    return parcel;
}

static msec delay(struct world *world) {
    msec spread = world->delay_most - world->delay_least + 1;
    return world->delay_least + (msec)(core_random(&world->random) % (uint64_t)spread);
}

/* NULL: it is lost on its way. */
static struct parcel *post_far(struct world *world, enum parcel_kind kind, int from, int to) {
    if (world->cut[from][to] || world_chance(world, world->loss_permille))
        return NULL;
    return post(world, kind, from, to, delay(world));
}

/* ---- agents ---- */

static void feed_agent(struct world *world, int i, struct agent_event *event, const char *cause);

static void list_addresses(struct world *world, int i, struct agent_address *ret_addresses) {
    for (int a = 0; a < ADDRESSES_MAX; a++)
        ret_addresses[a] = world_has_address(world, i, a)
                               ? (struct agent_address){ .present = true, .gone_at = world->hosts[i].gone_at[a] }
                               : (struct agent_address){ .present = false };
}

static void kill_server(struct world *world, int i) {
    struct world_host *host = &world->hosts[i];
    if (!host->server.up)
        return;
    host->server.up = host->server.frozen = host->server.stuck = false;
    host->server.receiving = host->server.applying = false;
    if (host->agent_up)
        post(world, PARCEL_GONE, i, i, GONE_TAKES)->pid = host->server.pid;
}

static void do_server(struct world *world, int i, const struct agent_plan *plan) {
    struct world_host *host = &world->hosts[i];
    if (plan->server_kill)
        kill_server(world, i);
    if (plan->task.kind != TASK_NONE) {
        msec length = server_task_length(world, i, &plan->task);
        if (length > plan->task.timeout)
            length = plan->task.timeout;
        struct parcel *parcel = post(world, PARCEL_TASK, i, i, length);
        parcel->task = plan->task;
        parcel->pid = host->server.pid;
    }
    if (plan->look) {
        struct parcel *parcel = post(world, PARCEL_PROBE, i, i, host->server.frozen ? 1000 : PROBE_TAKES);
        parcel->canary_stamp = plan->canary_stamp;
        parcel->pid = host->server.pid;
    }
}

static void do_talk(struct world *world, int i, const struct agent_plan *plan) {
    if (plan->report_set) {
        struct parcel *parcel = post_far(world, PARCEL_REPORT, i, AT_MONITOR);
        if (parcel) {
            parcel->report = plan->report;
            parcel->life = world->hosts[i].life;
        }
    }
    for (int peer = 0; peer < world->cluster.host_count; peer++)
        if (set_has(plan->ask_whom, peer)) {
            struct parcel *parcel = post_far(world, PARCEL_ASK, i, peer);
            if (parcel)
                parcel->ask = plan->ask;
        }
}

static void do_plan(struct world *world, int i, const struct agent_plan *plan) {
    struct world_host *host = &world->hosts[i];
    if (plan->save) {
        host->disk = host->agent.durable;
        host->saved = true;
    }
    for (int a = 0; a < world->cluster.address_count; a++) {
        if (set_has(plan->address_remove, a))
            host->gone_at[a] = 0;
        if (set_has(plan->address_set, a))
            host->gone_at[a] = world->now + plan->address_lifetime[a];
    }
    do_server(world, i, plan);
    do_talk(world, i, plan);
    host->wake = plan->deadline > world->now ? plan->deadline : world->now + 1;
}

static void feed_agent(struct world *world, int i, struct agent_event *event, const char *cause) {
    struct world_host *host = &world->hosts[i];
    struct agent_plan plan;
    event->now = world->now;
    event->wall = world_wall(world);
    agent_step(&host->agent, event, &plan);
    trace_agent(world, i, cause, &plan);
    do_plan(world, i, &plan);
    if (plan.answer_set) {
        struct parcel *parcel = post_far(world, PARCEL_ANSWER, i, event->ask->from);
        if (parcel)
            parcel->answer = plan.answer;
    }
    if (plan.addresses_look) {
        struct agent_event listed = { .kind = AGENT_ADDRESSES };
        list_addresses(world, i, listed.addresses);
        feed_agent(world, i, &listed, "sees its addresses");
    }
}

static void deliver_task(struct world *world, const struct parcel *parcel, bool heard) {
    struct task_result result;
    server_task_end(world, parcel->to, parcel, &result);
    if (heard)
        feed_agent(world, parcel->to, &(struct agent_event){ .kind = AGENT_TASK_DONE, .task = &result },
                   "has ended its task");
}

static void deliver_probe(struct world *world, const struct parcel *parcel) {
    struct probe probe;
    server_probe(world, parcel->to, parcel, &probe);
    bool absent = !world->hosts[parcel->to].server.up;
    feed_agent(world, parcel->to,
               &(struct agent_event){ .kind = AGENT_PROBED, .probe = &probe, .process_absent = absent },
               "looks at its server");
}

static void deliver_to_agent(struct world *world, const struct parcel *parcel) {
    struct world_host *host = &world->hosts[parcel->to];
    bool heard = host->agent_up && host->life == parcel->life && !world->cut[parcel->from][parcel->to];
    if (parcel->kind == PARCEL_TASK) {
        deliver_task(world, parcel, heard);
        return;
    }
    if (!heard)
        return;
    switch (parcel->kind) {
    case PARCEL_REPORT:
    case PARCEL_TASK:
        break;
    case PARCEL_ORDERS:
        feed_agent(world, parcel->to, &(struct agent_event){ .kind = AGENT_ORDERS, .orders = &parcel->orders },
                   "hears its orders");
        break;
    case PARCEL_FAILED:
        if (host->agent.sequence == parcel->sequence)
            feed_agent(world, parcel->to, &(struct agent_event){ .kind = AGENT_REPORT_FAILED }, "cannot report");
        break;
    case PARCEL_NUDGE:
        feed_agent(world, parcel->to, &(struct agent_event){ .kind = AGENT_NUDGED }, "is nudged");
        break;
    case PARCEL_ASK:
        feed_agent(world, parcel->to, &(struct agent_event){ .kind = AGENT_ASKED, .ask = &parcel->ask }, "is asked");
        break;
    case PARCEL_ANSWER:
        feed_agent(world, parcel->to, &(struct agent_event){ .kind = AGENT_ANSWERED, .answer = &parcel->answer },
                   "is answered");
        break;
    case PARCEL_PROBE:
        deliver_probe(world, parcel);
        break;
    case PARCEL_GONE:
        if (host->agent.probe.pid == parcel->pid)
            feed_agent(world, parcel->to, &(struct agent_event){ .kind = AGENT_SERVER_GONE }, "sees its server die");
        break;
    }
}

/* ---- the monitor ---- */

static void check_saved(struct world *world, const struct monitor_plan *plan) {
    const struct monitor_durable *durable = &world->monitor.durable;
    if (!plan->save && memcmp(durable, &world->shadow, sizeof *durable) != 0)
        oracle_fail(world, "the monitor's durable part changed and is not saved");
    if (durable->term < world->shadow.term)
        oracle_fail(world, "the monitor's term fell");
    memcpy(&world->shadow, durable, sizeof *durable);
}

static void feed_monitor(struct world *world, struct monitor_event *event, const struct parcel *report,
                         const char *cause) {
    static struct monitor_plan plan;
    event->now = world->now;
    event->wall = world_wall(world);
    monitor_step(&world->monitor, event, &plan);
    check_saved(world, &plan);
    trace_monitor(world, cause, report ? report->from : HOST_NONE, &plan);
    if (plan.save) {
        memcpy(&world->store, &world->monitor.durable, sizeof world->store);
        world->stored = true;
    }
    if (plan.orders_set) {
        struct parcel *parcel = post_far(world, PARCEL_ORDERS, AT_MONITOR, report->from);
        if (parcel) {
            parcel->orders = plan.orders;
            parcel->life = report->life;
        }
    }
    for (int i = 0; i < world->cluster.host_count; i++)
        if (set_has(plan.nudge, i))
            post_far(world, PARCEL_NUDGE, AT_MONITOR, i);
    if (plan.reply_count)
        world->reply = plan.replies[plan.reply_count - 1];
    world->monitor_wake = plan.deadline > world->now ? plan.deadline : world->now + 1;
}

static void deliver_report(struct world *world, const struct parcel *parcel) {
    if (world->cut[parcel->from][AT_MONITOR])
        return;
    if (world->monitor_up) {
        char cause[64];
        snprintf(cause, sizeof cause, "hears %s", world->cluster.hosts[parcel->from].name);
        feed_monitor(world,
                     &(struct monitor_event){ .kind = MONITOR_REPORT, .host = parcel->from, .report = &parcel->report },
                     parcel, cause);
        return;
    }
    struct parcel *failed = post_far(world, PARCEL_FAILED, AT_MONITOR, parcel->from);
    if (failed) {
        failed->life = parcel->life;
        failed->sequence = parcel->report.sequence;
    }
}

/* ---- time ---- */

static msec next_moment(const struct world *world, size_t *ret_parcel) {
    msec at = world->monitor_up ? world->monitor_wake : NEVER;
    for (int i = 0; i < world->cluster.host_count; i++)
        if (world->hosts[i].agent_up && world->hosts[i].wake < at)
            at = world->hosts[i].wake;
    *ret_parcel = SIZE_MAX;
    for (size_t i = 0; i < world->parcel_count; i++) {
        const struct parcel *parcel = &world->parcels[i];
        const struct parcel *best = *ret_parcel == SIZE_MAX ? NULL : &world->parcels[*ret_parcel];
        if (parcel->at <= at &&
            (!best || parcel->at < best->at || (parcel->at == best->at && parcel->number < best->number))) {
            *ret_parcel = i;
            at = parcel->at;
        }
    }
    return at;
}

static void deliver(struct world *world, size_t index) {
    static struct parcel parcel;
    parcel = world->parcels[index];
    world->parcels[index] = world->parcels[--world->parcel_count];
    if (parcel.kind == PARCEL_REPORT)
        deliver_report(world, &parcel);
    else
        deliver_to_agent(world, &parcel);
}

static void wake(struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++)
        if (world->hosts[i].agent_up && world->hosts[i].wake <= world->now)
            feed_agent(world, i, &(struct agent_event){ .kind = AGENT_TICK }, "wakes");
    if (world->monitor_up && world->monitor_wake <= world->now)
        feed_monitor(world, &(struct monitor_event){ .kind = MONITOR_TICK }, NULL, "wakes");
}

void world_run(struct world *world, msec length) {
    msec end = world->now + length;
    for (;;) {
        size_t parcel;
        msec at = next_moment(world, &parcel);
        if (at > end)
            break;
        world->steps_now = at > world->now ? 0 : world->steps_now + 1;
        if (world->steps_now > HURRY_MAX)
            oracle_fail(world, "time stands still");
        world->now = at > world->now ? at : world->now;
        server_replicate(world);
        if (parcel != SIZE_MAX)
            deliver(world, parcel);
        else
            wake(world);
        oracle_look(world);
        if (world->violation[0])
            return;
    }
    world->now = end;
    oracle_look(world);
}

bool world_run_until_writer(struct world *world, int host, msec most) {
    for (msec end = world->now + most; world->now < end && !world->violation[0]; world_run(world, 10))
        if (world->monitor.serving && world->monitor.durable.writer == host)
            return true;
    return false;
}

/* ---- what happens to the world ---- */

void world_cut(struct world *world, int from, int to, bool cut) {
    world->cut[from][to] = cut;
}

void world_cut_both(struct world *world, int a, int b, bool cut) {
    world->cut[a][b] = world->cut[b][a] = cut;
}

void world_isolate(struct world *world, int place, bool cut) {
    for (int other = 0; other < PLACES; other++)
        if (other != place)
            world_cut_both(world, place, other, cut);
}

void world_server_kill(struct world *world, int host) {
    trace_note(world, "the server of %s is killed", world->cluster.hosts[host].name);
    kill_server(world, host);
}

void world_server_start(struct world *world, int host, bool read_only) {
    struct world_server *server = &world->hosts[host].server;
    if (server->up)
        return;
    trace_note(world, "the server of %s starts", world->cluster.hosts[host].name);
    server->up = true;
    server->pid += 1000;
    server->read_only = read_only;
}

void world_agent_kill(struct world *world, int host) {
    trace_note(world, "the agent of %s is killed", world->cluster.hosts[host].name);
    world->hosts[host].agent_up = false;
    world->hosts[host].life++;
}

void world_agent_start(struct world *world, int i) {
    struct world_host *host = &world->hosts[i];
    if (host->agent_up)
        return;
    trace_note(world, "the agent of %s starts", world->cluster.hosts[i].name);
    struct agent_address addresses[ADDRESSES_MAX];
    list_addresses(world, i, addresses);
    struct mac mac = { .bytes = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } };
    host->agent_up = true;
    host->life++;
    agent_start(&host->agent, &world->cluster, i, host->life, &mac, host->saved ? &host->disk : NULL, addresses,
                world->now);
    host->wake = world->now;
}

void world_monitor_kill(struct world *world) {
    trace_note(world, "the monitor is killed");
    world->monitor_up = false;
}

void world_monitor_start(struct world *world) {
    if (world->monitor_up)
        return;
    trace_note(world, "the monitor starts");
    world->monitor_up = true;
    monitor_start(&world->monitor, &world->cluster, world->stored ? &world->store : NULL, world->now,
                  world_wall(world));
    memcpy(&world->shadow, &world->monitor.durable, sizeof world->shadow);
    world->monitor_wake = world->now;
}

void world_command(struct world *world, const struct command *command) {
    if (!world->monitor_up)
        return;
    struct command copy = *command;
    copy.id = ++world->commands;
    TEXT_COPY(copy.who, "anna");
    world->reply = (struct command_reply){ .id = 0 };
    feed_monitor(world, &(struct monitor_event){ .kind = MONITOR_COMMAND, .command = &copy }, NULL, "gets a command");
    oracle_look(world);
}

void world_start(struct world *world, const struct cluster *cluster, uint64_t seed) {
    memset(world, 0, sizeof *world);
    world->cluster = *cluster;
    world->now = 1000;
    world->random = seed * 2 + 1;
    world->delay_least = world->delay_most = 1;
    for (int i = 0; i < cluster->host_count; i++) {
        struct world_server *server = &world->hosts[i].server;
        *server = (struct world_server){ .up = true, .read_only = true, .pid = 100 + (uint32_t)i, .source = HOST_NONE };
        world->told[i].source = HOST_NONE;
        world_agent_start(world, i);
    }
    world_monitor_start(world);
}
