/* Addresses with a lifetime that the kernel ends, and whom a client reaches by its neighbour cache. */
#include "world.h"

enum { EARLY = 20, ROUNDED = 1020, LATE_RESERVED = 600, FAILS_AFTER = 8000 };

/* effect/netlink/addresses.c: whole seconds, of which a late kernel's share is taken off before. */
static msec whole_seconds(msec lifetime) {
    return lifetime < 1000 + LATE_RESERVED ? 1000 : (lifetime - LATE_RESERVED) / 1000 * 1000;
}

void kernel_set(struct world *world, int i, int address, msec lifetime) {
    struct world_host *host = &world->hosts[i];
    if (!world->kernel) {
        host->gone_at[address] = host->kernel_end[address] = world->now + lifetime;
        return;
    }
    msec shown = whole_seconds(lifetime);
    msec late = world_random(world, world_chance(world, 125) ? 1000 : LATE_RESERVED) - EARLY;
    if (shown + late > lifetime + KERNEL_LATE_MOST)
        late = lifetime + KERNEL_LATE_MOST - shown;
    host->kernel_end[address] = world->now + shown;
    host->gone_at[address] = world->now + shown + late;
}

void kernel_list(const struct world *world, int i, struct agent_address *ret_addresses) {
    const struct world_host *host = &world->hosts[i];
    for (int a = 0; a < ADDRESSES_MAX; a++) {
        msec left = host->kernel_end[a] - world->now;
        if (world->kernel) {
            left = (left + 999) / 1000 * 1000 - ROUNDED;
            left = left > 0 ? left : 0;
        }
        ret_addresses[a] = world_has_address(world, i, a)
                               ? (struct agent_address){ .present = true, .gone_at = world->now + left }
                               : (struct agent_address){ .present = false };
    }
}

static bool is_connected(const struct world *world, int host) {
    return !world->cut[host][AT_CLIENTS] && !world->cut[AT_CLIENTS][host];
}

void clients_hear(struct world *world, int host, address_set announced) {
    for (int a = 0; a < world->cluster.address_count; a++) {
        if (!set_has(announced, a) || !world->cluster.roles[world->cluster.addresses[a].role].is_writer ||
            world->cut[host][AT_CLIENTS])
            continue;
        for (int c = 0; c < CLIENTS; c++)
            if (c < CLIENTS - 1 || !world->deaf_permille || !world_chance(world, world->deaf_permille))
                world->clients[c] = (struct client){ .reaches = host };
    }
}

static void neighbour_hears(struct world *world, int i, int host, int address) {
    struct parcel *parcel = post_far(world, PARCEL_CLAIM, host, i);
    if (parcel)
        parcel->claim = (struct stranger){ .address = address, .mac = world->hosts[host].agent.mac };
    if (address == 0 && parcel)
        world->hosts[i].claim_at = parcel->at;
    else if (address == 0)
        world->hosts[i].deaf = true;
}

void neighbours_hear(struct world *world, int host, address_set announced) {
    for (int i = 0; announced && i < world->cluster.host_count; i++)
        for (int a = 0; a < world->cluster.address_count; a++)
            if (i != host && set_has(announced, a))
                neighbour_hears(world, i, host, a);
}

static int who_answers(const struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++)
        if (world_has_address(world, i, 0) && is_connected(world, i))
            return i;
    return HOST_NONE;
}

/* An entry that nobody answers for fails after some seconds; then it is asked for anew. */
void clients_look(struct world *world) {
    for (int c = 0; c < CLIENTS; c++) {
        struct client *client = &world->clients[c];
        if (client->reaches != HOST_NONE && world_has_address(world, client->reaches, 0) &&
            is_connected(world, client->reaches)) {
            client->failing_since = 0;
            continue;
        }
        if (!client->failing_since)
            client->failing_since = world->now;
        if (client->reaches == HOST_NONE || world->now - client->failing_since > FAILS_AFTER)
            client->reaches = who_answers(world);
    }
}
