/* What is sent and what is saved goes through its text, as it does between real processes: what the text cannot carry
 * is lost here too.
 *
 * Most messages say what an earlier one has said, but for numbers that have moved on.  With WIRE_NEW such a message
 * does not go through its text again: its shape is the message with each of those numbers replaced by how many bits it
 * has. Only the shape of a message that came out of its text as it went in, byte by byte, is remembered, so the
 * shortcut changes no run; runs that are repeated have every message go through its text (main.c) and must come to the
 * same. */
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

static uint64_t shape_hash(const struct world *world, enum parcel_kind kind, const void *shape, size_t size) {
    uint64_t hash = mix(mix(kind + 1, (uint64_t)world->cluster.host_count), (uint64_t)world->cluster.address_count);
    hash = mix(hash, cluster_masters(&world->cluster));
    hash = hash_bytes(hash, shape, size);
    return hash ? hash : 1;
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

static uint64_t bits(uint64_t number) {
    return number ? 64 - (uint64_t)__builtin_clzll(number) : 0;
}

static msec bits_of_time(msec time) {
    return time < 0 ? time : (msec)bits((uint64_t)time);
}

static void shape_position(struct gtid_position *position) {
    for (size_t i = 0; i < position->count; i++)
        position->entries[i].sequence = bits(position->entries[i].sequence);
}

static void shape_report(struct report *report) {
    report->sequence = bits(report->sequence);
    report->lease_left = bits_of_time(report->lease_left);
    report->promised_left = bits_of_time(report->promised_left);
    report->silent = bits_of_time(report->silent);
    report->canary_failing = bits_of_time(report->canary_failing);
    report->probe.heartbeat_seen = bits_of_time(report->probe.heartbeat_seen);
    shape_position(&report->probe.binlog);
    shape_position(&report->probe.applied);
    shape_position(&report->probe.received);
}

static void shape_orders(struct orders *orders) {
    orders->sequence = bits(orders->sequence);
    shape_position(&orders->reach);
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
        return;
    }
}

/* The message of a parcel and its shape; 0: it carries none. */
static size_t make_shape(const struct parcel *parcel, const void **ret_message, void *ret_shape) {
    switch (parcel->kind) {
    case PARCEL_REPORT:
        *ret_message = &parcel->report;
        shape_report(memcpy(ret_shape, &parcel->report, sizeof parcel->report));
        return sizeof parcel->report;
    case PARCEL_ORDERS:
        *ret_message = &parcel->orders;
        shape_orders(memcpy(ret_shape, &parcel->orders, sizeof parcel->orders));
        return sizeof parcel->orders;
    case PARCEL_ASK: {
        struct ask *ask = memcpy(ret_shape, &parcel->ask, sizeof parcel->ask);
        *ret_message = &parcel->ask;
        ask->round = bits(ask->round);
        return sizeof parcel->ask;
    }
    case PARCEL_ANSWER: {
        struct answer *answer = memcpy(ret_shape, &parcel->answer, sizeof parcel->answer);
        *ret_message = &parcel->answer;
        answer->round = bits(answer->round);
        answer->monitor_silent = bits_of_time(answer->monitor_silent);
        return sizeof parcel->answer;
    }
    case PARCEL_FAILED:
    case PARCEL_NUDGE:
    case PARCEL_PROBE:
    case PARCEL_TASK:
    case PARCEL_GONE:
        break;
    }
    return 0;
}

void wire_parcel(struct world *world, struct parcel *parcel) {
    static union {
        struct report report;
        struct orders orders;
        struct ask ask;
        struct answer answer;
    } shape, before;
    const void *message = NULL;
    size_t size = world->wire == WIRE_NONE ? 0 : make_shape(parcel, &message, &shape);
    if (!size)
        return;
    uint64_t hash = shape_hash(world, parcel->kind, &shape, size);
    counts.messages++;
    if (world->wire == WIRE_NEW && shape_is_known(hash))
        return;
    counts.texts++;
    memcpy(&before, message, size);
    wire_message(world, parcel);
    if (memcmp(&before, message, size) == 0)
        shape_remember(hash);
    else
        counts.changed++;
}

void wire_command(struct world *world, struct command *command) {
    if (world->wire == WIRE_NONE)
        return;
    struct reason why = { "" };
    char *text = command_encode(&world->cluster, command);
    end(world, "command", text, command_decode(&world->cluster, text, strlen(text), command, &why), &why);
}

void wire_agent_durable(struct world *world, int host, struct agent_durable *durable) {
    if (world->wire == WIRE_NONE)
        return;
    struct reason why = { "" };
    char *text = agent_state_encode(&world->cluster, host, durable);
    end(world, "agent's state", text, agent_state_decode(&world->cluster, host, text, strlen(text), durable, &why),
        &why);
}

void wire_monitor_durable(struct world *world, struct monitor_durable *durable) {
    if (world->wire == WIRE_NONE)
        return;
    struct reason why = { "" };
    char *text = monitor_state_encode(&world->cluster, durable);
    end(world, "monitor's state", text, monitor_state_decode(&world->cluster, text, strlen(text), durable, &why), &why);
}
