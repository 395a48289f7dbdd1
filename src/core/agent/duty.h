/* What an agent does with its server: duty and facts, first row that fits wins (duty.c has the table). */
#ifndef MMM_CORE_AGENT_DUTY_H
#define MMM_CORE_AGENT_DUTY_H

#include <stdbool.h>

#include "model/messages.h"

/* The orders as they stand after the agent's own lease has been looked at. */
enum duty_now {
    NOW_UNKNOWN, /* no orders yet since the start, and no lease */
    NOW_LAPSED,  /* the lease has run out, or is about to */
    NOW_STANDBY,
    NOW_HELD,
    NOW_YIELD,
    NOW_DRAIN,
    NOW_WRITER,
    NOW_COUNT,
};

struct duty_facts {
    bool up;         /* the process lives and has answered since it started */
    bool must_fence; /* was writer, not yet known to be fenced */
    bool read_only;
    bool replicating;   /* at least one replication thread is not stopped */
    bool source_wanted; /* the orders name a source */
    bool source_right;  /* the configured source is the one that is ordered */
    bool source_judged; /* the orders know the configured source: it was so in the report that they answer */
    bool source_done;   /* FOLLOW has succeeded for it on this run of the server, or it was found so (work.c) */
    bool drained;       /* in the term of the orders, and from the source that they name */
    bool unset;         /* semi-synchronous replication is not as ordered */
    bool broken;        /* applying has stopped with an error: a person must look, starting it again helps nobody */
};

struct duty_row {
    const char *rule; /* D01 … */
    enum duty_now duty;
    const char *when_text;
    bool (*when)(const struct duty_facts *facts);
    enum server_task_kind task;
    const char *why;
};

const struct duty_row *duty_decide(enum duty_now duty, const struct duty_facts *facts);
/* For tests and for docs/rules.md: the whole table. */
const struct duty_row *duty_table(size_t *ret_count);

#endif
