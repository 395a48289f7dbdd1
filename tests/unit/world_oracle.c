/* What must be true after every event, whatever was lost, killed or cut. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

void oracle_fail(struct world *world, const char *format, ...) {
    if (world->violation[0])
        return;
    int size = snprintf(world->violation, sizeof world->violation, "at %lld ms: ", (long long)world->now);
    va_list args;
    va_start(args, format);
    vsnprintf(world->violation + size, sizeof world->violation - (size_t)size, format, args);
    va_end(args);
}

static bool is_open(const struct world_host *host) {
    return host->server.up && !host->server.read_only;
}

/* A server whose agent died while it was writable stays writable: until its next agent has shut it, or holds a lease
 * again, clients are kept away by the kernel, which has taken the address. */
static bool is_written(const struct world *world, int i) {
    const struct world_host *host = &world->hosts[i];
    return is_open(host) && !host->server.frozen && (!host->excused || world_has_address(world, i, 0));
}

static bool has_lease(const struct world *world, int i) {
    const struct world_host *host = &world->hosts[i];
    return host->agent_up && host->agent.writer && world->now < host->agent.lease_until;
}

static void keep_excuses(struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++) {
        struct world_host *host = &world->hosts[i];
        if (!is_open(host) || (has_lease(world, i) && host->agent.process == PROCESS_RUNNING))
            host->excused = false;
        if (is_open(host) && !host->agent_up)
            host->excused = true;
    }
}

static void look_at_writers(struct world *world) {
    int writers = 0, leases = 0;
    for (int i = 0; i < world->cluster.host_count; i++) {
        writers += is_written(world, i);
        leases += has_lease(world, i);
    }
    if (writers > 1)
        oracle_fail(world, "%d servers are writable at once", writers);
    if (leases > 1)
        oracle_fail(world, "%d leases at once", leases);
}

static void look_at_addresses(struct world *world) {
    for (int address = 1; address < world->cluster.address_count; address++) {
        int holders = 0;
        for (int i = 0; i < world->cluster.host_count; i++)
            holders += world_has_address(world, i, address);
        if (holders > 1 && !world->readers[0])
            snprintf(world->readers, sizeof world->readers, "at %lld ms: reader address %d is served by %d hosts",
                     (long long)world->now, address, holders);
    }
}

static void look_at_writer_address(struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++)
        if (has_lease(world, i) && is_open(&world->hosts[i]) &&
            world->hosts[i].gone_at[0] > world->hosts[i].agent.lease_until && world->hosts[i].gone_at[0] > world->now)
            oracle_fail(world, "the writer's address on db%d outlives its lease", i + 1);
}

static void look_at_terms(struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++) {
        struct world_host *host = &world->hosts[i];
        if (!host->agent_up)
            continue;
        if (host->agent.durable.term < host->highest_term)
            oracle_fail(world, "the term of db%d fell from %llu to %llu", i + 1, (unsigned long long)host->highest_term,
                        (unsigned long long)host->agent.durable.term);
        host->highest_term = host->agent.durable.term;
    }
}

void oracle_look(struct world *world) {
    keep_excuses(world);
    look_at_writers(world);
    look_at_addresses(world);
    look_at_writer_address(world);
    look_at_terms(world);
}
