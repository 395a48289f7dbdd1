/* May a host become writer now, without anybody's word?  One table for the decision (monitor/transfer_candidates.c) and
 * for `mmm explain`, which tells the row, what it means and what to type about it. */
#ifndef MMM_CORE_ELECTION_CANDIDATE_H
#define MMM_CORE_ELECTION_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>

struct candidate_facts {
    bool master;       /* its mode lets it become writer */
    bool held;         /* there is a reason to keep it out until the administrator decides */
    bool offline;      /* ADMIN_OFFLINE */
    bool filtered;     /* its replication filters are not those of the last writer, or of another master */
    bool delayed;      /* it applies late on purpose */
    bool unfollowable; /* by its settings nobody gets from it what it wrote or replicated */
    bool unsafe;       /* lossless: by its settings a crash loses what it has acknowledged */
    bool heard;        /* its agent was heard lately */
    bool answers;      /* its server answers */
    bool in_service;   /* ONLINE or REPLICATION_DELAY; lossless: or counted on, and only applying has stopped */
    bool writer;       /* it is the writer */
    bool first;        /* nobody ever was writer, or it was the last: it cannot lack anything that was acknowledged */
    bool nobody_yet;   /* the former, as far as the store knows: in lossless mode one that was writer may have more */
    bool electable;    /* by the store */
    bool surely;       /* in every electable set that the old writer may believe in */
    bool judged;       /* everybody who may alone have what was acknowledged can be looked at; asynchronous: always */
    bool lost;         /* it has lost what it had received, and perhaps acknowledged */
    bool broken;       /* what it has received can not be applied */
    bool too_soon;     /* failover.window has not passed since the last failover */
};

/* How far a host comes; each level needs all of those before it. */
enum candidate_level {
    CANDIDATE_UNFIT,    /* it could not be writer at all, not even on command */
    CANDIDATE_FIT,      /* it can become writer on command */
    CANDIDATE_TAKES,    /* it may take over from a lost writer ... */
    CANDIDATE_ELIGIBLE, /* ... and now */
};

struct candidate_row {
    const char *rule; /* E10 … */
    const char *when_text;
    bool (*when)(const struct candidate_facts *facts);
    enum candidate_level level; /* that a host for which this row is the first to fit reaches */
    const char *why;
    const char *next; /* what to type, %s is the host's name; empty: nothing helps, or nothing is needed */
};

const struct candidate_row *candidate_decide(const struct candidate_facts *facts);
const struct candidate_row *candidate_table(size_t *ret_count);

#endif
