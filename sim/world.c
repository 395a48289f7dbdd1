#include "world.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "random.h"

enum { WALL_START = 1700000000, HURRY_MAX = 400, UPTIME_AT_FIRST = 86400 * 1000 };

msec world_wall(const struct world *world) {
    return (msec)WALL_START * 1000 + world->now;
}

bool world_chance(struct world *world, unsigned permille) {
    return sim_random(&world->random) % 1000 < permille;
}

msec world_random(struct world *world, msec most) {
    return most <= 0 ? 0 : (msec)(sim_random(&world->random) % ((uint64_t)most + 1));
}

/* ---- the digest ---- */

static void digest(struct world *world, uint64_t value) {
    world->digest = (world->digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    world->digest ^= world->digest >> 31;
}

static void digest_event(struct world *world, const struct parcel *parcel) {
    digest(world, (uint64_t)world->now);
    if (parcel)
        digest(world, (uint64_t)parcel->kind << 16 ^ (uint64_t)parcel->from << 8 ^ (uint64_t)parcel->to);
    for (int i = 0; i < world->cluster.host_count; i++) {
        const struct world_host *host = &world->hosts[i];
        digest(world, host->agent.durable.term << 8 ^ (uint64_t)host->agent.writer << 3 ^
                          (uint64_t)host->agent_up << 2 ^ (uint64_t)host->server.up << 1 ^ host->server.read_only);
        digest(world, (uint64_t)(host->agent.lease_until + host->agent.promised_until + host->gone_at[0]));
    }
    digest(world, world->monitor.durable.term << 16 ^ (uint64_t)(world->monitor.durable.writer + 1) << 8 ^
                      (uint64_t)world->monitor.transfer.phase << 1 ^ world->monitor_up);
}

/* ---- time ---- */

static msec later(msec a, msec b) {
    return a > b ? a : b;
}

static msec next_moment(const struct world *world, size_t *ret_parcel) {
    msec at = world->monitor_up ? later(world->monitor_wake, world->monitor_stalled_until) : NEVER;
    for (int i = 0; i < world->cluster.host_count; i++) {
        const struct world_host *host = &world->hosts[i];
        if (host->agent_up && later(host->wake, host->stalled_until) < at)
            at = later(host->wake, host->stalled_until);
    }
    if (fence_next(world) < at)
        at = fence_next(world);
    return post_next(world, at, ret_parcel);
}

static void deliver(struct world *world, size_t index) {
    struct parcel *parcel = post_take(world, index);
    digest_event(world, parcel);
    if (parcel->kind == PARCEL_REPORT)
        monitor_deliver(world, parcel);
    else
        agent_deliver(world, parcel);
    post_done(world);
}

static void wake(struct world *world) {
    digest_event(world, NULL);
    for (int i = 0; i < world->cluster.host_count; i++) {
        const struct world_host *host = &world->hosts[i];
        if (host->agent_up && later(host->wake, host->stalled_until) <= world->now)
            agent_feed(world, i, &(struct agent_event){ .kind = AGENT_TICK }, "wakes");
    }
    if (world->monitor_up && later(world->monitor_wake, world->monitor_stalled_until) <= world->now)
        monitor_feed(world, &(struct monitor_event){ .kind = MONITOR_TICK }, NULL, "wakes");
    fence_wake(world);
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
        clients_write(world);
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
    agent_kill_server(world, host);
}

void world_server_start(struct world *world, int host, bool read_only) {
    struct world_server *server = &world->hosts[host].server;
    if (server->up)
        return;
    trace_note(world, "the server of %s starts", world->cluster.hosts[host].name);
    server->up = true;
    server->started = world->now + world->hosts[host].wall_shift;
    /* A machine that comes back may well give its server the number that it had. */
    bool known = world->hosts[host].agent_up && world->hosts[host].agent.probe.pid;
    if (known || world_chance(world, 500))
        server->pid += 1000;
    server->read_only = read_only;
    server->waits = server->acknowledges = server->attached = server->connected = false;
    server->acknowledged = 0;
}

void world_agent_kill(struct world *world, int host) {
    trace_note(world, "the agent of %s is killed", world->cluster.hosts[host].name);
    world->hosts[host].agent_up = world->hosts[host].unsaved = false;
    world->hosts[host].stalled_until = 0;
    world->hosts[host].life++;
}

void world_agent_start(struct world *world, int i) {
    struct world_host *host = &world->hosts[i];
    if (host->agent_up)
        return;
    trace_note(world, "the agent of %s starts", world->cluster.hosts[i].name);
    struct agent_address addresses[ADDRESSES_MAX];
    kernel_list(world, i, addresses);
    struct mac mac = { .bytes = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } };
    host->agent_up = true;
    host->life++;
    agent_start(&host->agent, &world->cluster, i, host->life, &mac, host->saved ? &host->disk : NULL, addresses,
                world->now);
    host->wake = world->now;
}

void world_monitor_kill(struct world *world) {
    trace_note(world, "the monitor is killed");
    world->monitor_up = world->monitor_unsaved = false;
    world->monitor_stalled_until = 0;
}

void world_monitor_start(struct world *world) {
    if (world->monitor_up)
        return;
    trace_note(world, "the monitor starts");
    world->monitor_up = true;
    monitor_start(&world->monitor, &world->cluster, world->stored ? &world->store : NULL, world->now,
                  world_wall(world) + world->monitor_wall_shift);
    memcpy(&world->shadow, &world->monitor.durable, sizeof world->shadow);
    for (int i = 0; i < world->cluster.host_count; i++)
        world->hosts[i].held_since = 0; /* what a host has, it may keep until it is known who takes it over */
    world->monitor_wake = world->now;
}

void world_store_restore(struct world *world, int saves_back) {
    const struct monitor_durable *copy = saves_back > 0 ? &world->older[saves_back - 1] : NULL;
    bool behind = copy && world->stored && copy->term < world->store.term;
    world->stored = copy && copy->term > 0;
    if (behind || !world->stored)
        world->copy_term = world->knowers = 0;
    for (int i = 0; behind && world->stored && i < world->cluster.host_count; i++)
        if (world->hosts[i].disk.term > copy->term) {
            world->copy_term = copy->term;
            world->knowers |= set_of(i);
        }
    if (world->stored)
        world->store = *copy;
    trace_note(world, "the store of the monitor is %s", world->stored ? "an older copy" : "lost");
}

void world_agent_stall(struct world *world, int host, msec length) {
    if (!world->hosts[host].agent_up)
        return;
    trace_note(world, "the agent of %s is stopped for %lld ms", world->cluster.hosts[host].name, (long long)length);
    world->hosts[host].stalled_until = world->now + length;
}

void world_monitor_stall(struct world *world, msec length) {
    if (!world->monitor_up)
        return;
    trace_note(world, "the monitor is held up for %lld ms", (long long)length);
    world->monitor_stalled_until = world->now + length;
}

void world_machine_crash(struct world *world, int host) {
    trace_note(world, "the machine %s crashes", world->cluster.hosts[host].name);
    world_agent_kill(world, host);
    agent_kill_server(world, host);
    memset(world->hosts[host].gone_at, 0, sizeof world->hosts[host].gone_at);
    memset(world->hosts[host].guard_end, 0, sizeof world->hosts[host].guard_end);
}

void world_command(struct world *world, const struct command *command) {
    if (!world->monitor_up || world->monitor_stalled_until > world->now)
        return;
    struct command copy = *command;
    wire_command(world, &copy);
    copy.id = ++world->commands;
    TEXT_COPY(copy.who, "anna");
    world->reply = (struct command_reply){ .id = 0 };
    monitor_feed(world, &(struct monitor_event){ .kind = MONITOR_COMMAND, .command = &copy }, NULL, "gets a command");
    oracle_look(world);
}

void world_start(struct world *world, const struct cluster *cluster, uint64_t seed) {
    memset(world, 0, offsetof(struct world, parcels));
    world->cluster = *cluster;
    world->lossless = cluster->durability == DURABILITY_LOSSLESS;
    for (int i = 0; i < PARCELS_MAX; i++)
        world->places[i] = (uint16_t)i;
    world->now = 1000;
    world->random = seed * 2 + 1;
    world->delay_least = world->delay_most = 1;
    world->digest = UINT64_C(0xcbf29ce484222325);
    for (int c = 0; c < CLIENTS; c++)
        world->clients[c].reaches = HOST_NONE;
    for (int i = 0; i < cluster->host_count; i++) {
        struct world_server *server = &world->hosts[i].server;
        *server = (struct world_server){
            .up = true, .read_only = true, .pid = 100 + (uint32_t)i, .started = -UPTIME_AT_FIRST, .source = HOST_NONE
        };
        world->told[i].source = HOST_NONE;
        world_agent_start(world, i);
    }
    world_monitor_start(world);
}
