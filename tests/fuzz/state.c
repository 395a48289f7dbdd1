/* Stored files whose checksum is right, so that what is behind it is reached: a text without its end gets it here.
 * What is accepted can be started from, and stored again. */
#include "fuzz.h"

#include <stdio.h>

#include "wire/state.h"

enum { DB1 };

/* FNV-1a as wire/state.h describes it. */
static uint64_t checksum(const uint8_t *bytes, size_t size) {
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static char *seal(const uint8_t *data, size_t size, size_t *ret_length) {
    char tail[48];
    int length = snprintf(tail, sizeof tail, ",\"checksum\":\"%016llx\"}", (unsigned long long)checksum(data, size));
    char *text = malloc(size + (size_t)length);
    assert(text);
    if (size)
        memcpy(text, data, size);
    memcpy(text + size, tail, (size_t)length);
    *ret_length = size + (size_t)length;
    return text;
}

static void start_monitor(const struct cluster *cluster, const struct monitor_durable *durable) {
    static struct monitor monitor;
    static struct monitor_plan plan;
    monitor_start(&monitor, cluster, durable, SECONDS(1000), SECONDS(1795330800));
    for (int i = 0; i < 20; i++)
        monitor_step(
            &monitor,
            &(struct monitor_event){ .kind = MONITOR_TICK, .now = SECONDS(1000 + i), .wall = SECONDS(1795330800 + i) },
            &plan);
}

static void try_monitor(const struct cluster *cluster, const char *text, size_t length) {
    struct monitor_durable durable, again;
    struct reason why = { "" };
    if (monitor_state_decode(cluster, text, length, &durable, &why) != RC_OK) {
        assert(why.text[0]);
        return;
    }
    char *first = monitor_state_encode(cluster, &durable);
    enum rc rc = monitor_state_decode(cluster, first, strlen(first), &again, &why);
    assert(rc == RC_OK && !why.text[0]);
    char *second = monitor_state_encode(cluster, &again);
    assert(strcmp(first, second) == 0);
    free(first);
    free(second);
    start_monitor(cluster, &durable);
}

static void start_agent(const struct cluster *cluster, const struct agent_durable *durable) {
    static struct agent agent;
    static struct agent_plan plan;
    struct agent_address addresses[ADDRESSES_MAX] = { { .present = true, .gone_at = SECONDS(1004) } };
    agent_start(&agent, cluster, DB1, 1, &(struct mac){ { 2 } }, durable, addresses, SECONDS(1000));
    for (int i = 0; i < 20; i++)
        agent_step(
            &agent,
            &(struct agent_event){ .kind = AGENT_TICK, .now = SECONDS(1000 + i), .wall = SECONDS(1795330800 + i) },
            &plan);
}

static void try_agent(const struct cluster *cluster, const char *text, size_t length) {
    struct agent_durable durable, again;
    struct reason why = { "" };
    if (agent_state_decode(cluster, DB1, text, length, &durable, &why) != RC_OK) {
        assert(why.text[0]);
        return;
    }
    char *stored = agent_state_encode(cluster, DB1, &durable);
    enum rc rc = agent_state_decode(cluster, DB1, stored, strlen(stored), &again, &why);
    assert(rc == RC_OK && durable.term == again.term && durable.electable == again.electable &&
           durable.writer == again.writer && durable.resigned == again.resigned);
    free(stored);
    start_agent(cluster, &durable);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct cluster *cluster = fuzz_cluster();
    size_t length;
    char *text = seal(data, size, &length);
    try_monitor(cluster, text, length);
    try_agent(cluster, text, length);
    free(text);
    return 0;
}
