/* What is sent and what is saved goes through its text, as it does between real processes, and must come out as it went
 * in.
 *
 * Most of it says what was said before, but for numbers that have moved on.  With WIRE_NEW that does not go through its
 * text again: its shape is the message, or the state, with each of those numbers replaced by whether it is 0.
 * Runs that are repeated (main.c) have a quarter of all texts made whatever their shape, and must come to the same. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "wire/messages.h"
#include "wire/state.h"
#include "world.h"

enum { SHAPES = 1 << 20, TRIES = 8 };

/* Kept from run to run; 0: free.  What finds no place is not remembered. */
static uint64_t shapes[SHAPES];
static struct wire_counts counts;

struct wire_counts wire_count(void) {
    return counts;
}

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* Four at a time: they need not wait for each other.  Most of a message is room that is not used: what is zero is
 * passed over, and where something is counts. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size) {
    enum { LANES = 4 };
    uint64_t lanes[LANES] = { hash, hash + 1, hash + 2, hash + 3 }, words[LANES];
    const char *from = bytes;
    for (; size >= sizeof words; from += sizeof words, size -= sizeof words) {
        memcpy(words, from, sizeof words);
        if (!(words[0] | words[1] | words[2] | words[3]))
            continue;
        for (int i = 0; i < LANES; i++)
            lanes[i] = mix(lanes[i] + size, words[i]);
    }
    memset(words, 0, sizeof words);
    memcpy(words, from, size);
    for (int i = 0; i < LANES; i++)
        hash = mix(mix(hash, lanes[i]), words[i]);
    return hash;
}

static bool shape_is_known(uint64_t hash) {
    for (uint64_t i = 0; i < TRIES; i++)
        if (shapes[(hash + i) % SHAPES] == hash)
            return true;
    return false;
}

static void shape_remember(uint64_t hash) {
    for (uint64_t i = 0; i < TRIES; i++) {
        uint64_t *place = &shapes[(hash + i) % SHAPES];
        if (!*place || *place == hash) {
            *place = hash;
            return;
        }
    }
}

/* What a message says, as one number: all of it, or its shape only. */
struct digester {
    uint64_t hash;
    bool whole;
};

static struct digester digester(const struct world *world, uint64_t kind, bool whole) {
    struct digester d = { .hash = kind + 1, .whole = whole };
    const uint64_t cluster[] = { (uint64_t)world->cluster.host_count << 8 | (uint64_t)world->cluster.address_count,
                                 cluster_masters(&world->cluster) };
    d.hash = mix(mix(d.hash, cluster[0]), cluster[1]);
    return d;
}

static uint64_t count_of(const struct digester *d, uint64_t number) {
    return d->whole ? number : number != 0;
}

static msec time_of(const struct digester *d, msec time) {
    return time < 0 ? time : (msec)count_of(d, (uint64_t)time);
}

static void add(struct digester *d, uint64_t value) {
    d->hash = mix(d->hash, value);
}

/* A message has room for positions that is hardly ever used: they are added by what is in them, the rest by its bytes.
 */
static void add_position(struct digester *d, const struct gtid_position *position) {
    add(d, position->count);
    for (size_t i = 0; i < position->count; i++) {
        const struct gtid *entry = &position->entries[i];
        add(d, (uint64_t)entry->domain << 32 | entry->server);
        add(d, count_of(d, entry->sequence));
    }
}

static void add_report(struct digester *d, const struct report *report) {
    enum { POSITIONS = offsetof(struct report, probe.binlog) };
    static struct report shape; /* the positions are the last, and stay empty */
    memcpy(&shape, report, POSITIONS);
    memset(&shape.stranger, 0, sizeof shape.stranger); /* it has padding */
    shape.stranger.address = report->stranger.address;
    memcpy(shape.stranger.mac.bytes, report->stranger.mac.bytes, sizeof shape.stranger.mac.bytes);
    shape.incarnation = count_of(d, report->incarnation);
    shape.sequence = count_of(d, report->sequence);
    shape.term = count_of(d, report->term);
    shape.crashes = (uint32_t)count_of(d, report->crashes);
    shape.probe.pid = (uint32_t)count_of(d, report->probe.pid);
    shape.probe.uptime_s = count_of(d, report->probe.uptime_s);
    shape.lease_left = time_of(d, report->lease_left);
    shape.promised_left = time_of(d, report->promised_left);
    shape.silent = time_of(d, report->silent);
    shape.canary_failing = time_of(d, report->canary_failing);
    shape.unacknowledged = time_of(d, report->unacknowledged);
    shape.probe.semi_sync.acknowledged = count_of(d, report->probe.semi_sync.acknowledged);
    shape.probe.heartbeat_seen = time_of(d, report->probe.heartbeat_seen);
    d->hash = hash_bytes(d->hash, &shape, POSITIONS);
    add_position(d, &report->probe.binlog);
    add_position(d, &report->probe.applied);
    add_position(d, &report->probe.received);
    add_position(d, &report->lacks);
}

static void add_orders(struct digester *d, const struct orders *orders) {
    enum { REACH = offsetof(struct orders, reach) };
    static struct orders shape;
    memcpy(&shape, orders, REACH);
    shape.sequence = count_of(d, orders->sequence);
    shape.term = count_of(d, orders->term);
    d->hash = hash_bytes(d->hash, &shape, REACH);
    add_position(d, &orders->reach);
}

static void add_ask(struct digester *d, const struct ask *ask) {
    add(d, (uint64_t)ask->from << 1 | ask->for_writer);
    add(d, count_of(d, ask->round));
    add(d, count_of(d, ask->term));
    add(d, (uint64_t)ask->lease);
}

static void add_answer(struct digester *d, const struct answer *answer) {
    add(d, (uint64_t)answer->from << 1 | answer->promised);
    add(d, count_of(d, answer->round));
    add(d, count_of(d, answer->term));
    add(d, (uint64_t)time_of(d, answer->monitor_silent));
}

/* 0: it carries no message. */
static uint64_t message_digest(const struct world *world, const struct parcel *parcel, bool whole) {
    struct digester d = digester(world, parcel->kind, whole);
    switch (parcel->kind) {
    case PARCEL_REPORT:
        add_report(&d, &parcel->report);
        break;
    case PARCEL_ORDERS:
        add_orders(&d, &parcel->orders);
        break;
    case PARCEL_ASK:
        add_ask(&d, &parcel->ask);
        break;
    case PARCEL_ANSWER:
        add_answer(&d, &parcel->answer);
        break;
    case PARCEL_FAILED:
    case PARCEL_NUDGE:
    case PARCEL_PROBE:
    case PARCEL_TASK:
    case PARCEL_GONE:
    case PARCEL_CLAIM:
        return 0;
    }
    return d.hash | 1;
}

/* What stands behind the end of a text is nothing. */
static void clear_rest(char *text, size_t size) {
    size_t used = strnlen(text, size);
    memset(text + used, 0, size - used);
}

enum { AGENT_STATE = PARCEL_CLAIM + 1, MONITOR_STATE };

static uint64_t agent_digest(const struct world *world, int host, const struct agent_durable *durable, bool whole) {
    struct digester d = digester(world, AGENT_STATE, whole);
    add(&d, (uint64_t)host << 3 | (uint64_t)durable->writer << 2 | (uint64_t)durable->given_up << 1 |
                (uint64_t)durable->resigned);
    add(&d, count_of(&d, durable->term));
    add(&d, durable->electable);
    add_position(&d, &durable->received);
    return d.hash | 1;
}

static uint64_t monitor_digest(const struct world *world, const struct monitor_durable *durable, bool whole) {
    struct digester d = digester(world, MONITOR_STATE, whole);
    static struct monitor_durable shape;
    size_t size = offsetof(struct monitor_durable, hosts) + (size_t)world->cluster.host_count * sizeof *durable->hosts;
    memcpy(&shape, durable, size);
    shape.term = count_of(&d, durable->term);
    shape.failover_wall = time_of(&d, durable->failover_wall);
    clear_rest(shape.passive_cause, sizeof shape.passive_cause);
    for (int i = 0; i < world->cluster.host_count; i++) {
        struct host_durable *host = &shape.hosts[i];
        host->since = time_of(&d, host->since);
        host->server.started = time_of(&d, host->server.started);
        host->server.pid = (uint32_t)count_of(&d, host->server.pid);
        host->server.by = count_of(&d, host->server.by);
        host->server.crashes = (uint32_t)count_of(&d, host->server.crashes);
        clear_rest(host->hold_why, sizeof host->hold_why);
        for (int n = 0; n < DEPARTURES_MAX; n++)
            host->departures[n] = time_of(&d, host->departures[n]);
    }
    d.hash = hash_bytes(d.hash, &shape, size);
    return d.hash | 1;
}

static void end(struct world *world, const char *what, char *text, enum rc rc, const struct reason *why) {
    free(text);
    if (rc)
        oracle_fail(world, "what was encoded as %s is refused: %.160s", what, why->text);
}

static void wire_report(struct world *world, struct report *report) {
    struct reason why = { "" };
    char *text = report_encode(&world->cluster, report);
    end(world, "report", text, report_decode(&world->cluster, text, strlen(text), report, &why), &why);
}

static void wire_orders(struct world *world, struct orders *orders) {
    struct reason why = { "" };
    char *text = orders_encode(&world->cluster, orders);
    end(world, "orders", text, orders_decode(&world->cluster, text, strlen(text), orders, &why), &why);
}

static void wire_ask(struct world *world, struct ask *ask) {
    struct reason why = { "" };
    char *text = ask_encode(&world->cluster, ask);
    end(world, "ask", text, ask_decode(&world->cluster, text, strlen(text), ask, &why), &why);
}

static void wire_answer(struct world *world, struct answer *answer) {
    struct reason why = { "" };
    char *text = answer_encode(&world->cluster, answer);
    end(world, "answer", text, answer_decode(&world->cluster, text, strlen(text), answer, &why), &why);
}

/* Through its text. */
static void wire_message(struct world *world, struct parcel *parcel) {
    switch (parcel->kind) {
    case PARCEL_REPORT:
        wire_report(world, &parcel->report);
        return;
    case PARCEL_ORDERS:
        wire_orders(world, &parcel->orders);
        return;
    case PARCEL_ASK:
        wire_ask(world, &parcel->ask);
        return;
    case PARCEL_ANSWER:
        wire_answer(world, &parcel->answer);
        return;
    case PARCEL_FAILED:
    case PARCEL_NUDGE:
    case PARCEL_PROBE:
    case PARCEL_TASK:
    case PARCEL_GONE:
    case PARCEL_CLAIM:
        return;
    }
}

/* By what happened before, so that a run chooses the same ones when it is repeated. */
static bool is_chosen(const struct world *world, uint64_t shape) {
    enum { CHOSEN_OF = 4 };
    return world->wire == WIRE_ALL || (world->wire == WIRE_MANY && mix(world->digest, shape) % CHOSEN_OF == 0);
}

static bool goes_by_text(const struct world *world, uint64_t shape) {
    counts.all++;
    bool goes = is_chosen(world, shape) || !shape_is_known(shape);
    counts.texts += goes;
    return goes;
}

static void compare(struct world *world, const char *what, uint64_t shape, uint64_t before, uint64_t after) {
    if (before == after)
        shape_remember(shape);
    else
        oracle_fail(world, "%s comes out of its text as something else", what);
}

void wire_parcel(struct world *world, struct parcel *parcel) {
    uint64_t shape = world->wire == WIRE_NONE ? 0 : message_digest(world, parcel, false);
    if (!shape || !goes_by_text(world, shape))
        return;
    uint64_t before = message_digest(world, parcel, true);
    wire_message(world, parcel);
    compare(world, "a message", shape, before, message_digest(world, parcel, true));
}

void wire_command(struct world *world, struct command *command) {
    if (world->wire == WIRE_NONE)
        return;
    struct reason why = { "" };
    char *text = command_encode(&world->cluster, command);
    end(world, "command", text, command_decode(&world->cluster, text, strlen(text), command, &why), &why);
}

void wire_agent_durable(struct world *world, int host, struct agent_durable *durable) {
    uint64_t shape = world->wire == WIRE_NONE ? 0 : agent_digest(world, host, durable, false);
    if (!shape || !goes_by_text(world, shape))
        return;
    uint64_t before = agent_digest(world, host, durable, true);
    struct reason why = { "" };
    char *text = agent_state_encode(&world->cluster, host, durable);
    end(world, "agent's state", text, agent_state_decode(&world->cluster, host, text, strlen(text), durable, &why),
        &why);
    compare(world, "an agent's state", shape, before, agent_digest(world, host, durable, true));
}

void wire_monitor_durable(struct world *world, struct monitor_durable *durable) {
    uint64_t shape = world->wire == WIRE_NONE ? 0 : monitor_digest(world, durable, false);
    if (!shape || !goes_by_text(world, shape))
        return;
    uint64_t before = monitor_digest(world, durable, true);
    struct reason why = { "" };
    char *text = monitor_state_encode(&world->cluster, durable);
    end(world, "monitor's state", text, monitor_state_decode(&world->cluster, text, strlen(text), durable, &why), &why);
    compare(world, "the monitor's state", shape, before, monitor_digest(world, durable, true));
}
