/* Messages on their way, and everything else that comes back later: looks, tasks, the end of a server. */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "world.h"

/* A parcel is large: it keeps its place, and the list of places moves. */
static struct parcel *next_free(struct world *world) {
    assert(world->parcel_count < PARCELS_MAX - 1);
    return &world->parcels[world->places[world->parcel_count++]];
}

struct parcel *post(struct world *world, enum parcel_kind kind, int from, int to, msec after) {
    struct parcel *parcel = next_free(world);
    memset(parcel, 0, offsetof(struct parcel, report));
    parcel->kind = kind;
    parcel->from = from;
    parcel->to = to;
    parcel->begun = world->now;
    parcel->at = world->now + after;
    parcel->number = world->parcels_sent++;
    if (to != AT_MONITOR)
        parcel->life = world->hosts[to].life;
    return parcel;
}

static msec delay(struct world *world) {
    msec length = world->delay_least + world_random(world, world->delay_most - world->delay_least);
    if (world->late_permille && world_chance(world, world->late_permille))
        length += world_random(world, world->late_most);
    return length + world->send_after;
}

struct parcel *post_far(struct world *world, enum parcel_kind kind, int from, int to) {
    if (world->cut[from][to] || world_chance(world, world->loss_permille))
        return NULL;
    return post(world, kind, from, to, delay(world));
}

static void post_copy(struct world *world, const struct parcel *parcel, msec at) {
    struct parcel *again = post(world, parcel->kind, parcel->from, parcel->to, 0);
    uint64_t number = again->number;
    *again = *parcel;
    again->number = number;
    again->at = at;
}

void post_send(struct world *world, struct parcel *parcel) {
    wire_parcel(world, parcel);
    if (world->duplicate_permille && world_chance(world, world->duplicate_permille))
        post_copy(world, parcel, world->now + delay(world));
    if (world->echo_permille && parcel->kind == PARCEL_REPORT && world_chance(world, world->echo_permille))
        post_copy(world, parcel, parcel->at + world_random(world, world->late_most));
}

msec post_next(const struct world *world, msec before, size_t *ret_parcel) {
    const struct parcel *best = NULL;
    *ret_parcel = SIZE_MAX;
    for (size_t i = 0; i < world->parcel_count; i++) {
        const struct parcel *parcel = &world->parcels[world->places[i]];
        if (parcel->at <= before && (!best || parcel->at < best->at || parcel->number < best->number)) {
            *ret_parcel = i;
            best = parcel;
            before = parcel->at;
        }
    }
    return before;
}

static void swap_places(struct world *world, size_t a, size_t b) {
    uint16_t place = world->places[a];
    world->places[a] = world->places[b];
    world->places[b] = place;
}

struct parcel *post_take(struct world *world, size_t index) {
    swap_places(world, index, --world->parcel_count);
    swap_places(world, world->parcel_count, PARCELS_MAX - 1);
    return &world->parcels[world->places[PARCELS_MAX - 1]];
}

/* The next parcel gets this place: it is in the processor's cache. */
void post_done(struct world *world) {
    swap_places(world, world->parcel_count, PARCELS_MAX - 1);
}

void post_again(struct world *world, const struct parcel *parcel, msec at) {
    struct parcel *again = next_free(world);
    memcpy(again, parcel, sizeof *again);
    again->at = at;
}
