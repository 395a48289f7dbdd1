#include "core/election/candidate.h"

#include <assert.h>

#include "base/rc.h"

static bool always(const struct candidate_facts *f) {
    (void)f;
    return true;
}
static bool is_replica(const struct candidate_facts *f) {
    return !f->master;
}
static bool is_held(const struct candidate_facts *f) {
    return f->held;
}
static bool is_offline(const struct candidate_facts *f) {
    return f->offline;
}
static bool is_not_heard(const struct candidate_facts *f) {
    return !f->heard;
}
static bool is_not_answering(const struct candidate_facts *f) {
    return !f->answers;
}
static bool is_out_of_service(const struct candidate_facts *f) {
    return !f->in_service;
}
static bool is_filtered(const struct candidate_facts *f) {
    return f->filtered;
}
static bool is_delayed(const struct candidate_facts *f) {
    return f->delayed;
}
static bool is_unfollowable(const struct candidate_facts *f) {
    return f->unfollowable;
}
static bool is_unsafe(const struct candidate_facts *f) {
    return !f->first && f->unsafe;
}
static bool is_writer(const struct candidate_facts *f) {
    return f->writer;
}
static bool is_not_electable(const struct candidate_facts *f) {
    return !f->first && !f->electable;
}
static bool is_not_sure(const struct candidate_facts *f) {
    return !f->first && !f->surely;
}
static bool is_broken(const struct candidate_facts *f) {
    return !f->first && f->broken;
}
static bool is_unjudged(const struct candidate_facts *f) {
    return (!f->first || f->nobody_yet) && !f->judged;
}
static bool has_lost(const struct candidate_facts *f) {
    return !f->first && f->lost;
}
static bool is_too_soon(const struct candidate_facts *f) {
    return f->too_soon;
}

/* First row that fits wins, so the rows stand in the order of their levels. */
static const struct candidate_row table[] = {
    /* clang-format off */
    { "E10", "replica",        is_replica,        CANDIDATE_UNFIT,    "its mode is «replica»: only masters become writer", "set «mode = master» for it and name it in the writer role's hosts, in the configuration" },
    { "E11", "held",           is_held,           CANDIDATE_UNFIT,    "it is held for the administrator", "mmm rejoin %s" },
    { "E12", "offline",        is_offline,        CANDIDATE_UNFIT,    "it was set offline by command", "mmm set-online %s" },
    { "E13", "not heard",      is_not_heard,      CANDIDATE_UNFIT,    "its agent is silent", "start `mmm agent` there, and see its log" },
    { "E14", "not answering",  is_not_answering,  CANDIDATE_UNFIT,    "its server does not answer", "mmm checks %s" },
    { "E15", "out of service", is_out_of_service, CANDIDATE_UNFIT,    "it is not in service: its checks are not well", "mmm checks %s" },
    { "E16", "filtered",       is_filtered,       CANDIDATE_UNFIT,    "its replication filters differ from the other masters': it lacks, or will lack, part of the data", "give all masters the same filters, running and in their option files; what a filter kept from a host is still missing there" },
    { "E17", "delayed",        is_delayed,        CANDIDATE_UNFIT,    "it is delayed on purpose", "set its delay to 0 to let it become writer" },
    { "E18", "unfollowable",   is_unfollowable,   CANDIDATE_UNFIT,    "by its settings nobody could replicate from it what it has", "mmm doctor" },
    { "E20", "writer",         is_writer,         CANDIDATE_FIT,      "it is the writer", "" },
    { "E26", "unsafe",         is_unsafe,         CANDIDATE_FIT,      "by its settings a crash loses what it has acknowledged", "mmm doctor" },
    { "E21", "not electable",  is_not_electable,  CANDIDATE_FIT,      "it is not electable: it may lack what was acknowledged", "mmm show; where there is no writer, mmm set-online --force %s accepts that loss" },
    { "E22", "not sure",       is_not_sure,       CANDIDATE_FIT,      "the writer does not count on it yet: it has not confirmed that this host is electable", "mmm show" },
    { "E23", "broken",         is_broken,         CANDIDATE_FIT,      "what it has received can not be applied", "mmm checks %s" },
    { "E24", "not judged",     is_unjudged,       CANDIDATE_FIT,      "another host may have what a client was told OK for, and cannot be looked at", "bring that host back; or, where there is no writer, accept the loss: mmm set-online --force %s; or, on a monitor whose store was lost, give that host up: mmm set-offline --force HOST" },
    { "E25", "lost",           has_lost,          CANDIDATE_FIT,      "it has lost what it had received, and perhaps acknowledged", "mmm show" },
    { "E30", "too soon",       is_too_soon,       CANDIDATE_TAKES,    "failover.window has not passed since the last failover", "mmm set-active" },
    { "E40", "always",         always,            CANDIDATE_ELIGIBLE, "it may become writer", "" },
    /* clang-format on */
};

const struct candidate_row *candidate_decide(const struct candidate_facts *facts) {
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].when(facts))
            return &table[i];
    assert(!"the candidate table has a last row");
    return &table[0];
}

const struct candidate_row *candidate_table(size_t *ret_count) {
    *ret_count = COUNT_OF(table);
    return table;
}
