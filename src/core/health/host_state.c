#include "core/health/host_state.h"

#include <assert.h>

#include "base/rc.h"
#include "base/text.h"

static bool always(const struct state_facts *f) {
    (void)f;
    return true;
}
static bool is_unknown(const struct state_facts *f) {
    return !f->known;
}
static bool is_gone(const struct state_facts *f) {
    return !f->alive;
}
static bool is_writer(const struct state_facts *f) {
    return f->writer;
}
static bool is_last_writer(const struct state_facts *f) {
    return f->last_writer;
}
static bool is_held(const struct state_facts *f) {
    return f->held;
}
static bool is_flapping(const struct state_facts *f) {
    return f->flapping;
}
static bool is_down_long(const struct state_facts *f) {
    return f->down_long;
}
static bool is_not_judged(const struct state_facts *f) {
    return !f->judged;
}
static bool is_not_settled(const struct state_facts *f) {
    return !f->judged || !f->settled;
}
static bool is_broken(const struct state_facts *f) {
    return f->judged && !f->replicating;
}
static bool is_late(const struct state_facts *f) {
    return f->judged && f->late;
}

/* First row that fits wins.  The writer's own state is never judged here while it has the role: taking the role away is
 * the transfer's decision (rules W and T), and the state follows.  A standby is not judged while no writer serves: that
 * its source died says nothing about it, and must not make it better either (the original's worst defect). */
static const struct state_row table[] = {
    /* clang-format off */
    { "H01", HOST_ADMIN_OFFLINE,     "always",      always,         HOST_ADMIN_OFFLINE,     "the administrator's word stands" },

    { "H10", HOST_ONLINE,            "unknown",     is_unknown,     HOST_ONLINE,            "not heard yet since the monitor's start" },
    { "H11", HOST_ONLINE,            "writer",      is_writer,      HOST_ONLINE,            "the writer is judged by the transfer rules" },
    { "H12", HOST_ONLINE,            "gone",        is_gone,        HOST_HARD_OFFLINE,      "the agent is silent, or the server does not answer" },
    { "H13", HOST_ONLINE,            "held",        is_held,        HOST_AWAITING_RECOVERY, "held for the administrator" },
    { "H14", HOST_ONLINE,            "not settled", is_not_settled, HOST_ONLINE,            "no writer, or a new one: replication is not judged" },
    { "H15", HOST_ONLINE,            "broken",      is_broken,      HOST_REPLICATION_FAIL,  "replication from the writer does not run" },
    { "H16", HOST_ONLINE,            "late",        is_late,        HOST_REPLICATION_DELAY, "too far behind the writer" },
    { "H17", HOST_ONLINE,            "always",      always,         HOST_ONLINE,            "well" },

    { "H20", HOST_HARD_OFFLINE,      "unknown",     is_unknown,     HOST_HARD_OFFLINE,      "not heard yet since the monitor's start" },
    { "H21", HOST_HARD_OFFLINE,      "gone",        is_gone,        HOST_HARD_OFFLINE,      "still away" },
    { "H22", HOST_HARD_OFFLINE,      "held",        is_held,        HOST_AWAITING_RECOVERY, "back, and held for the administrator" },
    { "H29", HOST_HARD_OFFLINE,      "writer",      is_writer,      HOST_ONLINE,            "back, and still the writer" },
    { "H23", HOST_HARD_OFFLINE,      "last writer", is_last_writer, HOST_ONLINE,            "back, and nobody was promoted after it: it lacks nothing that anybody has" },
    { "H24", HOST_HARD_OFFLINE,      "flapping",    is_flapping,    HOST_AWAITING_RECOVERY, "back, and left too often" },
    { "H25", HOST_HARD_OFFLINE,      "down long",   is_down_long,   HOST_AWAITING_RECOVERY, "back after a long time" },
    { "H26", HOST_HARD_OFFLINE,      "broken",      is_broken,      HOST_REPLICATION_FAIL,  "back, and not replicating yet" },
    { "H27", HOST_HARD_OFFLINE,      "late",        is_late,        HOST_REPLICATION_DELAY, "back, and too far behind the writer" },
    { "H28", HOST_HARD_OFFLINE,      "always",      always,         HOST_ONLINE,            "back after a short time" },

    { "H30", HOST_AWAITING_RECOVERY, "unknown",     is_unknown,     HOST_AWAITING_RECOVERY, "not heard yet" },
    { "H31", HOST_AWAITING_RECOVERY, "gone",        is_gone,        HOST_HARD_OFFLINE,      "the agent is silent, or the server does not answer" },
    { "H32", HOST_AWAITING_RECOVERY, "held",        is_held,        HOST_AWAITING_RECOVERY, "held for the administrator" },
    { "H36", HOST_AWAITING_RECOVERY, "writer",      is_writer,      HOST_ONLINE,            "the writer is behind nobody" },
    { "H33", HOST_AWAITING_RECOVERY, "broken",      is_broken,      HOST_REPLICATION_FAIL,  "not held, and not replicating yet" },
    { "H34", HOST_AWAITING_RECOVERY, "late",        is_late,        HOST_REPLICATION_DELAY, "not held, and too far behind the writer" },
    { "H35", HOST_AWAITING_RECOVERY, "always",      always,         HOST_ONLINE,            "nothing holds it" },

    { "H40", HOST_REPLICATION_FAIL,  "unknown",     is_unknown,     HOST_REPLICATION_FAIL,  "not heard yet" },
    { "H41", HOST_REPLICATION_FAIL,  "gone",        is_gone,        HOST_HARD_OFFLINE,      "the agent is silent, or the server does not answer" },
    { "H42", HOST_REPLICATION_FAIL,  "held",        is_held,        HOST_AWAITING_RECOVERY, "held for the administrator" },
    { "H48", HOST_REPLICATION_FAIL,  "writer",      is_writer,      HOST_ONLINE,            "the writer follows nobody" },
    { "H43", HOST_REPLICATION_FAIL,  "not judged",  is_not_judged,  HOST_REPLICATION_FAIL,  "no writer: the last judgement stands" },
    { "H44", HOST_REPLICATION_FAIL,  "broken",      is_broken,      HOST_REPLICATION_FAIL,  "replication from the writer does not run" },
    { "H45", HOST_REPLICATION_FAIL,  "late",        is_late,        HOST_REPLICATION_DELAY, "replicates again, and is too far behind" },
    { "H46", HOST_REPLICATION_FAIL,  "flapping",    is_flapping,    HOST_AWAITING_RECOVERY, "replicates again, and left too often" },
    { "H47", HOST_REPLICATION_FAIL,  "always",      always,         HOST_ONLINE,            "replicates again" },

    { "H50", HOST_REPLICATION_DELAY, "unknown",     is_unknown,     HOST_REPLICATION_DELAY, "not heard yet" },
    { "H51", HOST_REPLICATION_DELAY, "gone",        is_gone,        HOST_HARD_OFFLINE,      "the agent is silent, or the server does not answer" },
    { "H52", HOST_REPLICATION_DELAY, "held",        is_held,        HOST_AWAITING_RECOVERY, "held for the administrator" },
    { "H58", HOST_REPLICATION_DELAY, "writer",      is_writer,      HOST_ONLINE,            "the writer is behind nobody" },
    { "H53", HOST_REPLICATION_DELAY, "not judged",  is_not_judged,  HOST_REPLICATION_DELAY, "no writer: the last judgement stands" },
    { "H54", HOST_REPLICATION_DELAY, "broken",      is_broken,      HOST_REPLICATION_FAIL,  "replication from the writer does not run" },
    { "H55", HOST_REPLICATION_DELAY, "late",        is_late,        HOST_REPLICATION_DELAY, "still too far behind" },
    { "H56", HOST_REPLICATION_DELAY, "flapping",    is_flapping,    HOST_AWAITING_RECOVERY, "has caught up, and left too often" },
    { "H57", HOST_REPLICATION_DELAY, "always",      always,         HOST_ONLINE,            "has caught up" },
    /* clang-format on */
};

const struct state_row *host_state_decide(enum host_state from, const struct state_facts *facts) {
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].from == from && table[i].when(facts))
            return &table[i];
    assert(!"the host state table has a last row for every state");
    return &table[0];
}

const struct state_row *host_state_table(size_t *ret_count) {
    *ret_count = COUNT_OF(table);
    return table;
}

static const char *const names[HOST_STATE_COUNT] = {
    [HOST_ONLINE] = "ONLINE",
    [HOST_ADMIN_OFFLINE] = "ADMIN_OFFLINE",
    [HOST_HARD_OFFLINE] = "HARD_OFFLINE",
    [HOST_AWAITING_RECOVERY] = "AWAITING_RECOVERY",
    [HOST_REPLICATION_FAIL] = "REPLICATION_FAIL",
    [HOST_REPLICATION_DELAY] = "REPLICATION_DELAY",
};

const char *host_state_name(enum host_state state) {
    return names[state];
}

bool host_state_parse(const char *name, enum host_state *ret_state) {
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_equal(names[i], name)) {
            *ret_state = (enum host_state)i;
            return true;
        }
    return false;
}

const char *hold_reason_name(enum hold_reason reason) {
    switch (reason) {
    case HOLD_LOST_WRITER:
        return "lost-writer";
    case HOLD_OWN_TRANSACTIONS:
        return "own-transactions";
    case HOLD_FLAPPING:
        return "flapping";
    case HOLD_DOWN_LONG:
        return "down-long";
    case HOLD_UNCLEAN_RESTART:
        return "unclean-restart";
    case HOLD_LOST_RECEIVED:
        return "lost-received";
    }
    return "unknown";
}
