#include <assert.h>

#include "base/rc.h"
#include "core/transfer/transfer.h"

static bool always(const struct watch_facts *f) {
    (void)f;
    return true;
}
static bool is_back(const struct watch_facts *f) {
    return f->manual && f->resigned && f->back;
}
static bool is_manual(const struct watch_facts *f) {
    return f->manual;
}
static bool is_resigned(const struct watch_facts *f) {
    return f->resigned;
}
static bool is_irreplaceable(const struct watch_facts *f) {
    return !f->candidate;
}
static bool is_silent(const struct watch_facts *f) {
    return f->silent && !f->seen_alive;
}
static bool is_stuck(const struct watch_facts *f) {
    return f->stuck && !f->seen_writing && !f->unacknowledged;
}
static bool is_lapsed(const struct watch_facts *f) {
    return f->lapsed && !f->promised;
}
static bool is_not_holding(const struct watch_facts *f) {
    return f->not_holding;
}
static bool is_fenceable(const struct watch_facts *f) {
    return f->fenceable;
}

static const struct watch_row table[] = {
    /* clang-format off */
    { "W01", "manual, resigned, back", is_back,          WATCH_RENEW,   "its server is back, and in manual mode the role stays" },
    { "W02", "manual",                 is_manual,        WATCH_STAY,    "in manual mode the administrator moves roles" },
    { "W10", "resigned",               is_resigned,      WATCH_LOST,    "its server's process is dead" },
    { "W11", "no candidate",           is_irreplaceable, WATCH_STAY,    "nobody could take over: taking the role away helps nobody" },
    { "W20", "silent",                 is_silent,        WATCH_REPLACE, "its server does not answer" },
    { "W21", "stuck",                  is_stuck,         WATCH_REPLACE, "its server answers, and does not commit" },
    { "W22", "lapsed",                 is_lapsed,        WATCH_TAKE,    "its agent is silent, its lease has ended, and no peer has promised to extend it" },
    { "W23", "not holding",            is_not_holding,   WATCH_REPLACE, "its agent does not take the role" },
    { "W24", "fenceable",              is_fenceable,     WATCH_TAKE,    "nobody hears it for half a lease, and its fence program can end it for sure" },
    { "W99", "always",                 always,           WATCH_STAY,    "well, or alive by what others see" },
    /* clang-format on */
};

const struct watch_row *watch_decide(const struct watch_facts *facts) {
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].when(facts))
            return &table[i];
    assert(!"the watch table has a last row");
    return &table[0];
}

const struct watch_row *watch_table(size_t *ret_count) {
    *ret_count = COUNT_OF(table);
    return table;
}
