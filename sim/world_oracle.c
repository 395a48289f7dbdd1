/* What must be true after every event, whatever was lost, killed or cut. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

void oracle_fail(struct world *world, const char *format, ...) {
    if (world->violation[0])
        return;
    world->broken = format;
    int size = snprintf(world->violation, sizeof world->violation, "at %lld ms: ", (long long)world->now);
    va_list args;
    va_start(args, format);
    vsnprintf(world->violation + size, sizeof world->violation - (size_t)size, format, args);
    va_end(args);
}

static bool is_open(const struct world_host *host) {
    return host->server.up && !host->server.read_only;
}

static bool is_let_through(const struct world *world, int i) {
    for (int a = 0; a < world->cluster.address_count; a++)
        if (world_has_address(world, i, a) && world->hosts[i].guard_end[a] > world->now)
            return true;
    return false;
}

/* A server whose agent died or was stopped while it was writable stays writable until its next agent has shut it, or
 * holds a lease again.  Clients are kept away by the kernel, which has taken the writer's address; those that know the
 * host by another address are kept away by the guard, where there is one. */
static bool is_written(const struct world *world, int i) {
    const struct world_host *host = &world->hosts[i];
    if (!is_open(host) || host->server.frozen)
        return false;
    return !host->excused || (world->guard ? is_let_through(world, i) : world_has_address(world, i, 0));
}

static bool has_lease(const struct world *world, int i) {
    const struct world_host *host = &world->hosts[i];
    return host->agent_up && host->agent.writer && world->now < host->agent.lease_until;
}

static bool is_stopped(const struct world *world, int i) {
    return !world->hosts[i].agent_up || world->hosts[i].stalled_until > world->now;
}

static void keep_excuses(struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++) {
        struct world_host *host = &world->hosts[i];
        if (!is_open(host) || (has_lease(world, i) && host->agent.process == PROCESS_RUNNING))
            host->excused = false;
        if (is_open(host) && is_stopped(world, i))
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

static bool is_recent(const struct world *world, msec at) {
    const struct lease_spec *lease = &world->cluster.lease;
    return at && world->now - at <= lease->length + lease->margin + 2 * lease->report + KERNEL_LATE_MOST;
}

/* Without the monitor a host keeps its readers' addresses for one lease after it has asked its peers, when those that
 * answer do not hear the monitor either.  Two that have the same keep it until one hears the monitor. */
static bool is_excused(const struct world *world, int address, host_set holders) {
    for (int i = 0; i < world->cluster.host_count; i++)
        if (set_has(holders, i) && (is_recent(world, world->hosts[i].unreached_at) ||
                                    (set_has(world->twice, address) && is_recent(world, world->hosts[i].silent_at))))
            return true;
    return false;
}

static void note_silent(struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++) {
        struct world_host *host = &world->hosts[i];
        if (!host->agent_up || world->now - host->agent.monitor_heard > 2 * world->cluster.lease.report)
            host->silent_at = world->now;
    }
}

/* Nobody writes to a reader's address, so two hosts that serve it are no danger to data.  It may begin only where a
 * host hears neither the monitor nor all of its peers: one that it does not reach may be given the address. */
static void look_at_addresses(struct world *world) {
    note_silent(world);
    for (int address = 1; address < world->cluster.address_count; address++) {
        host_set holders = 0;
        for (int i = 0; i < world->cluster.host_count; i++)
            if (world_has_address(world, i, address))
                holders |= set_of(i);
        bool twice = (holders & (holders - 1)) != 0;
        if (twice && !is_excused(world, address, holders))
            oracle_fail(world,
                        "reader address %d is served by two hosts, each of which reached the monitor or its peers",
                        address);
        world->twice = twice ? world->twice | set_of(address) : world->twice & ~set_of(address);
        if (twice && !world->readers[0])
            snprintf(world->readers, sizeof world->readers, "at %lld ms: reader address %d is served by two hosts",
                     (long long)world->now, address);
    }
}

/* An agent that was restarted believes in an earlier end than it had been given, since the kernel counts in seconds. */
static void look_at_writer_address(struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++) {
        struct world_host *host = &world->hosts[i];
        if (host->agent.lease_until > host->leased_until)
            host->leased_until = host->agent.lease_until;
        if (world_has_address(world, i, 0) && is_open(host) &&
            host->gone_at[0] > host->leased_until + (world->kernel ? KERNEL_LATE_MOST : 0))
            oracle_fail(world, "the writer's address on db%d outlives its lease", i + 1);
    }
}

/* It cannot be told, has just been started, or may wait for a monitor that it hears and that does not know yet. */
static bool is_untold(const struct world *world, int i) {
    const struct world_host *host = &world->hosts[i];
    const struct agent *agent = &host->agent;
    bool hears = world->now - agent->monitor_heard <= 2 * world->cluster.lease.report;
    return is_stopped(world, i) || !agent->has_orders || agent->orders.passive ||
           (host->deaf && hears && !world->monitor.serving);
}

/* A host keeps the writer's address for whoever comes, so that clients are refused and not left without a word.  When
 * that one serves it, it hears so on the link; or the monitor tells it; or it hears neither, and does not wait.  The
 * kernel takes it away with the lease that it came with, at the latest. */
static void look_at_keeper(struct world *world, int i, int serving) {
    struct world_host *host = &world->hosts[i];
    const struct lease_spec *lease = &world->cluster.lease;
    if (!host->doubled_at)
        host->doubled_at = world->now;
    bool untold = is_untold(world, i);
    if (untold || host->untold) /* until something happens it stays as it was */
        host->untold_until = world->now;
    host->untold = untold;
    msec told = host->deaf ? host->doubled_at : host->claim_at;
    if (host->untold_until > told)
        told = host->untold_until;
    /* The last answer may be one to a report of before, which its agent has not given up yet. */
    msec silence = host->deaf ? 4 * lease->report + 500 : 0;
    if (world->now > told + silence + 1 || world->now > host->doubled_at + lease->length + KERNEL_LATE_MOST)
        oracle_fail(world, "db%d keeps the writer's address, which db%d has served for %lld ms", i + 1, serving + 1,
                    (long long)(world->now - host->doubled_at));
}

static void look_at_keepers(struct world *world) {
    int serving = HOST_NONE;
    for (int i = 0; i < world->cluster.host_count; i++)
        if (world_has_address(world, i, 0) && is_open(&world->hosts[i]))
            serving = i;
    for (int i = 0; i < world->cluster.host_count; i++) {
        struct world_host *host = &world->hosts[i];
        if (serving != HOST_NONE && i != serving && world_has_address(world, i, 0)) {
            look_at_keeper(world, i, serving);
        } else {
            host->doubled_at = host->untold_until = 0;
            host->deaf = host->untold = false;
        }
    }
}

/* The guard alone keeps every client of a server that may be writable away when its lease has ended. */
static void look_at_guards(struct world *world) {
    for (int i = 0; world->guard && i < world->cluster.host_count; i++) {
        const struct world_host *host = &world->hosts[i];
        for (int a = 0; is_open(host) && a < world->cluster.address_count; a++)
            if (host->guard_end[a] > host->leased_until)
                oracle_fail(world, "the guard of db%d lets clients reach a writable server after its lease", i + 1);
    }
}

/* What could not be saved was told to nobody, and may be forgotten. */
static void look_at_terms(struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++) {
        struct world_host *host = &world->hosts[i];
        if (!host->agent_up)
            continue;
        if (host->agent.durable.term < host->highest_term)
            oracle_fail(world, "the term of db%d fell from %llu to %llu", i + 1, (unsigned long long)host->highest_term,
                        (unsigned long long)host->agent.durable.term);
        if (!host->unsaved)
            host->highest_term = host->agent.durable.term;
    }
}

/* No two clients may write to different servers, whatever stands in their neighbour caches. */
static void look_at_clients(struct world *world) {
    clients_look(world);
    int written = HOST_NONE;
    for (int c = 0; c < CLIENTS; c++) {
        int host = world->clients[c].reaches;
        if (host == HOST_NONE || !world_has_address(world, host, 0) || !is_open(&world->hosts[host]) ||
            world->hosts[host].server.frozen)
            continue;
        if (written != HOST_NONE && written != host)
            oracle_fail(world, "two clients of the writer's address write to two servers");
        written = host;
    }
}

/* What a host may still believe, seen from outside: it has a lease, or could go on with one after a restart. */
static bool may_write(const struct world *world, int i) {
    const struct world_host *host = &world->hosts[i];
    bool kept = !host->agent_up && host->saved && host->disk.writer && !host->disk.given_up;
    return has_lease(world, i) || (kept && host->server.up && world_has_address(world, i, 0));
}

/* Whoever is promoted must be one whose promise the old writer would need, or the old writer must have ended. */
static void look_at_promotion(struct world *world) {
    int to = world->monitor.durable.writer, old = world->shadow.last_writer;
    if (to == HOST_NONE || to == world->shadow.writer || old == HOST_NONE || old == to || !may_write(world, old))
        return;
    const struct world_host *host = &world->hosts[old];
    host_set electable = host->agent_up ? host->agent.durable.electable : host->disk.electable;
    if (!set_has(electable, to))
        oracle_fail(world, "db%d is promoted, is not electable for db%d, and that one may still write", to + 1,
                    old + 1);
}

static bool has_all(const struct gtid_position *have, const struct gtid_position *wanted) {
    for (size_t i = 0; i < wanted->count; i++) {
        bool found = wanted->entries[i].sequence == 0; /* all of them were forgotten */
        for (size_t j = 0; j < have->count; j++)
            found |= have->entries[j].server == wanted->entries[i].server &&
                     have->entries[j].sequence >= wanted->entries[i].sequence;
        if (!found)
            return false;
    }
    return true;
}

bool oracle_is_complete(const struct world *world, int host) {
    return has_all(&world->hosts[host].server.binlog, &world->answered);
}

/* docs/setup.md, «When the monitor's store is lost»: a copy never, for nobody notices that it is old when the only host
 * that knows better is away. */
static bool is_chosen_by_copy(const struct world *world, int host) {
    const struct monitor_durable *durable = &world->monitor.durable;
    return world->monitor_up && world->copy_term && durable->writer == host && durable->term > world->copy_term;
}

static void forget_commits(struct world *world, int host) {
    const struct gtid_position *have = &world->hosts[host].server.binlog;
    for (size_t i = 0; i < world->answered.count; i++) {
        struct gtid *last = &world->answered.entries[i];
        uint64_t had = 0;
        for (size_t j = 0; j < have->count; j++)
            if (have->entries[j].server == last->server)
                had = have->entries[j].sequence;
        if (had < last->sequence)
            last->sequence = had;
    }
    world->commits_forgotten++;
    world->copy_term = world->knowers = 0;
}

/* In lossless mode whoever is writable under a lease has every commit that a client heard OK for, whether it was waited
 * for or not: nobody replaces a writer by itself that does not wait. */
static void look_at_commits(struct world *world) {
    for (int i = 0; world->lossless && i < world->cluster.host_count; i++) {
        if (!is_open(&world->hosts[i]) || !has_lease(world, i))
            continue;
        bool by_copy = is_chosen_by_copy(world, i);
        if (!oracle_is_complete(world, i) && by_copy)
            forget_commits(world, i);
        else if (!oracle_is_complete(world, i))
            oracle_fail(world, "db%d is writable and lacks a commit that was answered OK", i + 1);
        else if (by_copy && world->monitor.serving)
            world->copy_term = world->knowers = 0;
    }
}

static bool is_held(const struct monitor_durable *durable, int host) {
    return durable->hosts[host].holds || durable->hosts[host].state == HOST_AWAITING_RECOVERY;
}

static void note_held(struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++) {
        msec *since = &world->hosts[i].held_since;
        if (!is_held(&world->monitor.durable, i) || world->monitor.durable.mode != MONITOR_ACTIVE)
            *since = 0;
        else if (!*since)
            *since = world->now;
    }
}

/* What a host has when it becomes held may stay for a moment, until it is known who takes it over (placement.c). */
void oracle_monitor(struct world *world, const struct monitor_plan *plan, int reporter) {
    look_at_promotion(world);
    note_held(world);
    if (!plan->orders_set)
        return;
    msec since = world->hosts[reporter].held_since;
    int writer_role = cluster_writer_role(&world->cluster);
    address_set readers = plan->orders.addresses & ~cluster_role_addresses(&world->cluster, writer_role);
    if (plan->orders.passive) /* nothing is touched: what it serves may stay */
        readers &= ~world->monitor.hosts[reporter].report.addresses;
    if (readers && since && world->now - since > world->cluster.lease.length + world->cluster.lease.margin)
        oracle_fail(world, "db%d is held and is told to serve an address", reporter + 1);
    if (plan->orders.duty == DUTY_WRITER && since && world->monitor.durable.hosts[reporter].holds)
        oracle_fail(world, "db%d is held and is told to be writer", reporter + 1);
}

void oracle_look(struct world *world) {
    keep_excuses(world);
    look_at_writers(world);
    look_at_addresses(world);
    look_at_writer_address(world);
    look_at_keepers(world);
    look_at_guards(world);
    look_at_terms(world);
    look_at_clients(world);
    look_at_commits(world);
}
