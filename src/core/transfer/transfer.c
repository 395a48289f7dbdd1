#include "core/transfer/transfer.h"

#include <assert.h>

#include "base/rc.h"

static bool always(const struct phase_facts *f) {
    (void)f;
    return true;
}
static bool is_near(const struct phase_facts *f) {
    return f->near;
}
static bool is_late(const struct phase_facts *f) {
    return f->late;
}
static bool is_failed(const struct phase_facts *f) {
    return f->failed;
}
static bool is_obstinate(const struct phase_facts *f) {
    return f->busy && !f->patient && !f->kill;
}
static bool is_busy(const struct phase_facts *f) {
    return f->busy && f->patient;
}
static bool is_planned_late(const struct phase_facts *f) {
    return f->planned && (f->late || f->failed);
}
static bool is_planned_released(const struct phase_facts *f) {
    return f->planned && f->released && f->candidate;
}
static bool is_released(const struct phase_facts *f) {
    return f->released;
}
static bool is_without_candidate(const struct phase_facts *f) {
    return !f->candidate;
}
static bool is_undecided(const struct phase_facts *f) {
    return (!f->drained && (!f->late || f->unknown)) || f->unseen;
}
static bool is_lacking(const struct phase_facts *f) {
    return f->lacking && (!f->late || f->owed);
}
static bool is_owed(const struct phase_facts *f) {
    return f->owed && !f->fetched;
}
static bool is_diverged(const struct phase_facts *f) {
    return f->diverged;
}
static bool is_open(const struct phase_facts *f) {
    return f->open;
}
static bool is_fetching(const struct phase_facts *f) {
    return !f->fetched && !f->failed && !f->late;
}
static bool is_serving(const struct phase_facts *f) {
    return f->serving;
}

/* First row that fits wins; every phase ends with a row for «always». */
static const struct transfer_row table[] = {
    /* clang-format off */
    { "T01", TRANSFER_IDLE,     "always",                  always,               ACT_STAY,    "nothing is on its way" },

    { "T10", TRANSFER_CATCH_UP, "failed",                  is_failed,            ACT_GIVE_UP, "the target can not take the role any more" },
    { "T14", TRANSFER_CATCH_UP, "busy, no more grace",     is_obstinate,         ACT_REFUSE,  "a transaction on the old writer goes on past its grace" },
    { "T15", TRANSFER_CATCH_UP, "busy, in its grace",      is_busy,              ACT_STAY,    "a transaction on the old writer may still end by itself" },
    { "T11", TRANSFER_CATCH_UP, "near",                    is_near,              ACT_TAKE,    "the target is near: the old writer hands over" },
    { "T12", TRANSFER_CATCH_UP, "late",                    is_late,              ACT_GIVE_UP, "the target did not come near in time" },
    { "T13", TRANSFER_CATCH_UP, "always",                  always,               ACT_STAY,    "the target is still too far behind" },

    { "T20", TRANSFER_RELEASE,  "planned, released",       is_planned_released,  ACT_PROMOTE, "the old writer is fenced and has told where it ends" },
    { "T21", TRANSFER_RELEASE,  "planned, late or failed", is_planned_late,      ACT_RETURN,  "the old writer could not be stopped in time: it keeps the role" },
    { "T22", TRANSFER_RELEASE,  "released",                is_released,          ACT_DRAIN,   "the old writer has surely ended" },
    { "T25", TRANSFER_RELEASE,  "no candidate",            is_without_candidate, ACT_STAY,    "nobody may be promoted" },
    { "T23", TRANSFER_RELEASE,  "always",                  always,               ACT_STAY,    "the old writer may still hold its lease" },

    { "T30", TRANSFER_DRAIN,    "undecided",               is_undecided,         ACT_STAY,    "standbys still apply what they have received" },
    { "T31", TRANSFER_DRAIN,    "no candidate",            is_without_candidate, ACT_STAY,    "nobody may be promoted" },
    { "T36", TRANSFER_DRAIN,    "open",                    is_open,              ACT_STAY,    "a server is writable, and nobody is known to have given it the role: its agent shuts it first" },
    { "T35", TRANSFER_DRAIN,    "diverged",                is_diverged,          ACT_HOLD,    "hosts that could be chosen each have what the other lacks: a person decides" },
    { "T32", TRANSFER_DRAIN,    "lacking",                 is_lacking,           ACT_FETCH,   "another host has received more than the one that is chosen" },
    { "T33", TRANSFER_DRAIN,    "always",                  always,               ACT_PROMOTE, "the most complete host that may become writer" },

    { "T40", TRANSFER_FETCH,    "fetching",                is_fetching,          ACT_STAY,    "it fetches what it lacks from its sibling" },
    { "T41", TRANSFER_FETCH,    "no candidate",            is_without_candidate, ACT_DRAIN,   "the chosen one is gone: choose again" },
    { "T43", TRANSFER_FETCH,    "owed",                    is_owed,              ACT_DRAIN,   "what it lacks may have been answered OK: it is asked for again, or chosen itself" },
    { "T42", TRANSFER_FETCH,    "always",                  always,               ACT_PROMOTE, "it has what its sibling has, or the time for it is over" },

    { "T50", TRANSFER_PROMOTE,  "serving",                 is_serving,           ACT_DONE,    "the new writer serves" },
    { "T51", TRANSFER_PROMOTE,  "failed",                  is_failed,            ACT_RETAKE,  "the new writer does not come up" },
    { "T52", TRANSFER_PROMOTE,  "late",                    is_late,              ACT_RETAKE,  "the new writer does not come up in time" },
    { "T53", TRANSFER_PROMOTE,  "always",                  always,               ACT_STAY,    "the new writer is on its way" },
    /* clang-format on */
};

const struct transfer_row *transfer_decide(enum transfer_phase phase, const struct phase_facts *facts) {
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].from == phase && table[i].when(facts))
            return &table[i];
    assert(!"the transfer table has a last row for every phase");
    return &table[0];
}

const struct transfer_row *transfer_table(size_t *ret_count) {
    *ret_count = COUNT_OF(table);
    return table;
}

const char *transfer_phase_name(enum transfer_phase phase) {
    switch (phase) {
    case TRANSFER_IDLE:
        return "idle";
    case TRANSFER_CATCH_UP:
        return "catch-up";
    case TRANSFER_RELEASE:
        return "release";
    case TRANSFER_DRAIN:
        return "drain";
    case TRANSFER_FETCH:
        return "fetch";
    case TRANSFER_PROMOTE:
        return "promote";
    case TRANSFER_PHASE_COUNT:
        break;
    }
    return "unknown";
}
