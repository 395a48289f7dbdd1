#include <assert.h>

#include "base/rc.h"
#include "core/transfer/transfer.h"

static bool always(const struct fence_facts *f) {
    (void)f;
    return true;
}
static bool is_ended(const struct fence_facts *f) {
    return !f->leaving;
}
static bool is_without_program(const struct fence_facts *f) {
    return !f->program;
}
static bool is_passive(const struct fence_facts *f) {
    return f->passive;
}
static bool is_planned(const struct fence_facts *f) {
    return f->planned;
}
static bool is_alone(const struct fence_facts *f) {
    return f->alone;
}
static bool is_heard(const struct fence_facts *f) {
    return f->heard;
}
static bool is_seen(const struct fence_facts *f) {
    return f->seen;
}
static bool is_running(const struct fence_facts *f) {
    return f->running;
}
static bool is_pausing(const struct fence_facts *f) {
    return f->pausing;
}

static const struct fence_row table[] = {
    /* clang-format off */
    { "F01", "ended",      is_ended,           FENCE_STAY, "every former writer has surely ended" },
    { "F02", "no program", is_without_program, FENCE_STAY, "the end of its lease is waited for" },
    { "F03", "passive",    is_passive,         FENCE_STAY, "in passive mode nothing is touched" },
    { "F04", "planned",    is_planned,         FENCE_STAY, "it hands over, and says itself when it has ended" },
    { "F05", "alone",      is_alone,           FENCE_STAY, "no other agent is heard: it may be the monitor that is cut off" },
    { "F06", "heard",      is_heard,           FENCE_STAY, "its agent is heard, and ends it" },
    { "F07", "seen",       is_seen,            FENCE_STAY, "its replicas or its peers hear it: it may be well" },
    { "F10", "running",    is_running,         FENCE_STAY, "one fence program runs at a time" },
    { "F11", "pausing",    is_pausing,         FENCE_STAY, "the last attempt failed a moment ago" },
    { "F20", "always",     always,             FENCE_RUN,  "nobody hears it, and its lease may still run" },
    /* clang-format on */
};

const struct fence_row *fence_decide(const struct fence_facts *facts) {
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].when(facts))
            return &table[i];
    assert(!"the fence table has a last row");
    return &table[0];
}

const struct fence_row *fence_table(size_t *ret_count) {
    *ret_count = COUNT_OF(table);
    return table;
}
