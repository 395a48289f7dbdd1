/* Attempts of a load client, in the order they were made, summed up: pure, so that a test can feed it.
 *
 * An outage is the time between two acknowledged writes (from the answer of the one to the answer of the other) when an
 * attempt between them failed, or when it is longer than OUTAGE_GAP.  Before the first acknowledgement it counts from
 * the first attempt; one that has not ended when the run ends lasts until then and is marked. */
#ifndef MMM_BENCH_OUTAGES_H
#define MMM_BENCH_OUTAGES_H

#include <stdio.h>

#include "client.h"

enum { OUTAGES_MAX = 1000, OUTAGE_GAP = 50 * 1000 /* microseconds */ };

struct attempt {
    int64_t id;
    usec sent;
    usec answered;
    enum outcome outcome;
    unsigned error; /* 0 for OUTCOME_OK */
};

struct outage {
    usec from;
    usec to;
    bool ended;
};

struct outages {
    uint64_t sent, acknowledged, refused, uncertain;
    usec quiet_since; /* the last acknowledgement, or the first attempt; 0 before anything was tried */
    usec last_answer;
    bool failed_since;
    uint64_t count; /* of outages; the first OUTAGES_MAX are in list */
    usec longest;
    struct outage list[OUTAGES_MAX];
};

void outages_add(struct outages *sum, const struct attempt *attempt);
/* The run is over at its last answer: closes an outage that is still open. */
void outages_end(struct outages *sum);
/* One line of JSON; times in milliseconds. */
void outages_print(const struct outages *sum, FILE *out);

/* A line of the load's log: id, sent, answered, outcome, error, separated by blanks. */
void attempt_print(const struct attempt *attempt, FILE *out);
bool attempt_parse(const char *line, struct attempt *ret_attempt);

#endif
