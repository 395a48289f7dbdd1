/* Lossless mode: on which masters the writer counts, and whether its commits wait for them (DESIGN.md §5).  Two tables,
 * first row that fits wins; monitor/durability.c collects the facts and follows. */
#ifndef MMM_CORE_DURABILITY_DURABILITY_H
#define MMM_CORE_DURABILITY_DURABILITY_H

#include <stdbool.h>
#include <stddef.h>

/* Of one master that is not the writer. */
struct member_facts {
    bool in_service; /* ONLINE, or only late: what was acknowledged is in its relay log */
    bool unfit;      /* its filters differ, it is delayed, or nobody could follow it: it is not elected */
    bool unsafe;     /* a crash loses what it has acknowledged, by its settings */
    bool lossless;   /* the mode */
    bool member;     /* it belongs to the electable set */
    bool stalled;    /* the writer's commits have waited too long, and nothing is acknowledged */
    bool refused;    /* it was taken out for that ... */
    bool rested;     /* ... long enough ago */
    bool near;       /* it has received what the writer had a moment ago */
};

struct member_row {
    const char *rule; /* L20 … */
    const char *when_text;
    bool (*when)(const struct member_facts *facts);
    bool member;
    const char *why;
};

/* Of the writer. */
struct wait_facts {
    bool lossless;
    bool alone;    /* in its electable set */
    bool counted;  /* a standby is surely in the set: it may be promoted without a word of the writer */
    bool attached; /* a standby in the set acknowledges what it receives from this writer, and is near */
};

struct wait_row {
    const char *rule; /* L30 … */
    const char *when_text;
    bool (*when)(const struct wait_facts *facts);
    bool waits;
    const char *why;
};

const struct member_row *member_decide(const struct member_facts *facts);
const struct member_row *member_table(size_t *ret_count);
const struct wait_row *wait_decide(const struct wait_facts *facts);
const struct wait_row *wait_table(size_t *ret_count);

#endif
