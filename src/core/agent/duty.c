#include "core/agent/duty.h"

#include <assert.h>

#include "base/rc.h"

static bool always(const struct duty_facts *f) {
    (void)f;
    return true;
}
static bool is_down(const struct duty_facts *f) {
    return !f->up;
}
static bool is_open(const struct duty_facts *f) {
    return f->must_fence || !f->read_only;
}
static bool is_not_ready(const struct duty_facts *f) {
    return f->replicating || (f->read_only && !f->drained);
}
static bool is_shut(const struct duty_facts *f) {
    return f->read_only;
}
static bool is_to_follow(const struct duty_facts *f) {
    return f->source_wanted && (!f->source_right || !f->source_done) && !(f->source_right && f->broken);
}
/* Somebody has changed the source by hand a moment ago, or the agent has just started. */
static bool is_not_judged(const struct duty_facts *f) {
    return f->source_wanted && !f->source_right && !f->source_judged;
}
static bool is_unset(const struct duty_facts *f) {
    return f->unset;
}
static bool is_to_drain(const struct duty_facts *f) {
    return !f->drained;
}

/* A server that is down is left alone under every duty: it starts read-only, and starting it is the administrator's or
 * the service manager's business.  Only NOW_WRITER ever makes a server writable. */
static const struct duty_row table[] = {
    /* clang-format off */
    { "D01", NOW_UNKNOWN, "always",    always,       TASK_NONE,   "no orders since the start: whatever runs may be right" },

    { "D10", NOW_LAPSED,  "down",      is_down,      TASK_NONE,   "a server that does not answer cannot be asked" },
    { "D11", NOW_LAPSED,  "open",      is_open,      TASK_FENCE,  "without a lease nobody may write" },
    { "D12", NOW_LAPSED,  "always",    always,       TASK_NONE,   "fenced" },

    { "D20", NOW_STANDBY, "down",      is_down,      TASK_NONE,   "a server that does not answer cannot be asked" },
    { "D21", NOW_STANDBY, "open",      is_open,      TASK_FENCE,  "only the writer is writable" },
    { "D25", NOW_STANDBY, "not judged", is_not_judged, TASK_NONE,   "the orders do not know yet what it replicates from: the administrator may have chained it" },
    { "D22", NOW_STANDBY, "to follow", is_to_follow, TASK_FOLLOW, "replication comes from the writer" },
    { "D24", NOW_STANDBY, "unset",     is_unset,     TASK_SEMI_SYNC, "its acknowledgements count, or no longer do" },
    { "D23", NOW_STANDBY, "always",    always,       TASK_NONE,   "as it should be; a thread stopped by hand or by an error stays" },

    { "D30", NOW_HELD,    "down",      is_down,      TASK_NONE,   "a server that does not answer cannot be asked" },
    { "D31", NOW_HELD,    "open",      is_open,      TASK_FENCE,  "a held host is never writable" },
    { "D32", NOW_HELD,    "always",    always,       TASK_NONE,   "a held host's data is left as it is" },

    { "D40", NOW_YIELD,   "down",      is_down,      TASK_NONE,   "a server that does not answer cannot be asked" },
    { "D41", NOW_YIELD,   "open",      is_open,      TASK_FENCE,  "the role is handed over" },
    { "D42", NOW_YIELD,   "always",    always,       TASK_NONE,   "fenced; the address stays until it is served elsewhere" },

    { "D50", NOW_DRAIN,   "down",      is_down,      TASK_NONE,   "a server that does not answer cannot be asked" },
    { "D51", NOW_DRAIN,   "open",      is_open,      TASK_FENCE,  "only the writer is writable" },
    { "D52", NOW_DRAIN,   "to drain",  is_to_drain,  TASK_DRAIN,  "what was received counts in the election" },
    { "D53", NOW_DRAIN,   "always",    always,       TASK_NONE,   "drained" },

    { "D60", NOW_WRITER,  "down",      is_down,      TASK_NONE,   "a server that does not answer cannot be asked" },
    { "D61", NOW_WRITER,  "not ready", is_not_ready, TASK_READY,  "the writer first applies what it has" },
    { "D64", NOW_WRITER,  "unset",     is_unset,     TASK_SEMI_SYNC, "commits wait for an acknowledgement, or no longer do; before clients come" },
    { "D62", NOW_WRITER,  "shut",      is_shut,      TASK_OPEN,   "ready, and the lease allows it" },
    { "D63", NOW_WRITER,  "always",    always,       TASK_NONE,   "serving" },
    /* clang-format on */
};

const struct duty_row *duty_decide(enum duty_now duty, const struct duty_facts *facts) {
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].duty == duty && table[i].when(facts))
            return &table[i];
    assert(!"the duty table has a last row for every duty");
    return &table[0];
}

const struct duty_row *duty_table(size_t *ret_count) {
    *ret_count = COUNT_OF(table);
    return table;
}
