#include "core/durability/durability.h"

#include <assert.h>

#include "base/rc.h"

static bool is_out(const struct member_facts *f) {
    return !f->in_service;
}
static bool is_unfit(const struct member_facts *f) {
    return f->unfit;
}
static bool is_unsafe(const struct member_facts *f) {
    return f->unsafe;
}
static bool is_asynchronous(const struct member_facts *f) {
    return !f->lossless;
}
static bool is_stalled(const struct member_facts *f) {
    return f->member && f->stalled;
}
static bool is_member(const struct member_facts *f) {
    return f->member;
}
static bool is_resting(const struct member_facts *f) {
    return f->refused && !(f->rested && f->near);
}
static bool member_always(const struct member_facts *f) {
    (void)f;
    return true;
}

static const struct member_row members[] = {
    /* clang-format off */
    { "L20", "out of service", is_out,          false, "it is out of service" },
    { "L26", "unfit",          is_unfit,        false, "it is not elected: its replication filters differ, it is delayed, or by its settings nobody could follow it" },
    { "L21", "asynchronous",   is_asynchronous, true,  "it is in service, and nobody waits for it" },
    { "L27", "unsafe",         is_unsafe,       false, "by its settings a crash loses what it acknowledges" },
    { "L22", "stalled",        is_stalled,      false, "the writer's commits wait, and it does not acknowledge them" },
    { "L23", "member",         is_member,       true,  "it is counted on" },
    { "L24", "resting",        is_resting,      false, "it did not acknowledge a moment ago, or has not caught up since" },
    { "L25", "always",         member_always,   true,  "it is in service" },
    /* clang-format on */
};

static bool waits_for_nobody(const struct wait_facts *f) {
    return !f->lossless;
}
static bool is_alone(const struct wait_facts *f) {
    return f->alone;
}
static bool is_counted(const struct wait_facts *f) {
    return f->counted;
}
static bool is_attached(const struct wait_facts *f) {
    return f->attached;
}
static bool wait_always(const struct wait_facts *f) {
    (void)f;
    return true;
}

/* The writer goes on without waiting only when the store says already that nobody is counted on: what it is told OK for
 * then is on no other host for sure, and nobody is promoted without a word of the administrator. */
static const struct wait_row waits[] = {
    /* clang-format off */
    { "L30", "asynchronous", waits_for_nobody, false, "in asynchronous mode nobody waits" },
    { "L31", "alone",        is_alone,         false, "alone in its set: nobody could acknowledge" },
    { "L32", "counted on",   is_counted,       true,  "a standby is counted on, so it must have each commit" },
    { "L33", "attached",     is_attached,      true,  "a standby has caught up and acknowledges: from now on it is waited for" },
    { "L34", "always",       wait_always,      false, "no standby has caught up yet: nobody is made to wait for its backlog" },
    /* clang-format on */
};

const struct member_row *member_decide(const struct member_facts *facts) {
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (members[i].when(facts))
            return &members[i];
    assert(!"the table of members has a last row");
    return &members[0];
}

const struct member_row *member_table(size_t *ret_count) {
    *ret_count = COUNT_OF(members);
    return members;
}

const struct wait_row *wait_decide(const struct wait_facts *facts) {
    for (size_t i = 0; i < COUNT_OF(waits); i++)
        if (waits[i].when(facts))
            return &waits[i];
    assert(!"the table of waits has a last row");
    return &waits[0];
}

const struct wait_row *wait_table(size_t *ret_count) {
    *ret_count = COUNT_OF(waits);
    return waits;
}
