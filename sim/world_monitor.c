/* What happens at the monitor becomes an event of its core, and what the core plans is done, in the order and under the
 * conditions of app/monitor/monitor.c and serve.c. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

static void check_saved(struct world *world, const struct monitor_plan *plan) {
    const struct monitor_durable *durable = &world->monitor.durable;
    size_t used = offsetof(struct monitor_durable, hosts) + (size_t)world->cluster.host_count * sizeof *durable->hosts;
    bool same = memcmp(durable, &world->shadow, used) == 0;
    if (!plan->save && !same)
        oracle_fail(world, "the monitor's durable part changed and is not saved");
    if (durable->term < world->shadow.term)
        oracle_fail(world, "the monitor's term fell");
    if (!same)
        memcpy(&world->shadow, durable, sizeof *durable);
}

/* Copies for an administrator who restores one, some seconds between them. */
static void keep_copy(struct world *world) {
    enum { COPY_EVERY = 3000 };
    if (!world->stored || world->now < world->older_at + COPY_EVERY)
        return;
    memmove(&world->older[1], &world->older[0], sizeof world->older - sizeof world->older[0]);
    world->older[0] = world->store;
    world->older_at = world->now;
}

/* A slow write holds the whole process up: what follows from it is sent that much later. */
static void save(struct world *world) {
    world->monitor_unsaved = world->store_fails;
    if (world->monitor_unsaved)
        return;
    keep_copy(world);
    memcpy(&world->store, &world->monitor.durable, sizeof world->store);
    wire_monitor_durable(world, &world->store);
    world->stored = true;
    if (world->store_slow) {
        world->send_after = world_random(world, world->store_slow);
        world_monitor_stall(world, world->send_after);
    }
}

static void refuse(struct world *world, const struct parcel *report) {
    struct parcel *failed = post_far(world, PARCEL_FAILED, AT_MONITOR, report->from);
    if (!failed)
        return;
    failed->life = report->life;
    failed->sequence = report->report.sequence;
}

static void answer(struct world *world, const struct monitor_plan *plan, const struct parcel *report) {
    struct parcel *parcel = post_far(world, PARCEL_ORDERS, AT_MONITOR, report->from);
    if (!parcel)
        return;
    orders_copy(&parcel->orders, &plan->orders);
    parcel->life = report->life;
    post_send(world, parcel);
}

void monitor_feed(struct world *world, struct monitor_event *event, const struct parcel *report, const char *cause) {
    static struct monitor_plan plan;
    event->now = world->now;
    event->wall = world_wall(world) + world->monitor_wall_shift;
    monitor_step(&world->monitor, event, &plan);
    oracle_monitor(world, &plan, report ? report->from : HOST_NONE);
    check_saved(world, &plan);
    trace_monitor(world, cause, report ? report->from : HOST_NONE, &plan);
    if (plan.save || world->monitor_unsaved || (plan.event_count && world->store_fails))
        save(world);
    if (report && (world->monitor_unsaved || !plan.orders_set) && world->store_fails)
        refuse(world, report);
    else if (report && plan.orders_set)
        answer(world, &plan, report);
    for (int i = 0; i < world->cluster.host_count && !world->monitor_unsaved; i++)
        if (set_has(plan.nudge, i))
            post_far(world, PARCEL_NUDGE, AT_MONITOR, i);
    if (plan.fence_set && !world->monitor_unsaved && !world->fence.pending)
        fence_start(world, &plan.fence);
    world->send_after = 0;
    if (plan.reply_count)
        world->reply = plan.replies[plan.reply_count - 1];
    world->monitor_wake = plan.deadline > world->now ? plan.deadline : world->now + 1;
}

void monitor_deliver(struct world *world, const struct parcel *parcel) {
    if (world->cut[parcel->from][AT_MONITOR])
        return;
    if (!world->monitor_up) {
        refuse(world, parcel);
        return;
    }
    if (world->monitor_stalled_until > world->now) {
        post_again(world, parcel, world->monitor_stalled_until);
        return;
    }
    bool knows = set_has(world->knowers, parcel->from) && parcel->report.term > world->copy_term;
    if (knows || parcel->report.term > world->monitor.durable.term)
        world->copy_term = world->knowers = 0;
    char cause[64] = "";
    if (world->tell)
        snprintf(cause, sizeof cause, "hears %s", world->cluster.hosts[parcel->from].name);
    monitor_feed(world,
                 &(struct monitor_event){ .kind = MONITOR_REPORT, .host = parcel->from, .report = &parcel->report },
                 parcel, cause);
}
