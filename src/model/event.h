/* What the monitor or an agent did, for people and for programs: one line each in the event log. */
#ifndef MMM_MODEL_EVENT_H
#define MMM_MODEL_EVENT_H

#include <stdint.h>

#include "base/clock.h"
#include "model/limits.h"

enum { RULE_SIZE = 8, EVENT_NAME_SIZE = 32, WHY_SIZE = 320 };

/* What the monitor knew when it decided; wire/event.c has the names, and says what each means. */
enum event_fact {
    /* of the event's host, if it has one */
    FACT_AGENT_HEARD, /* msec ago */
    FACT_SERVER,      /* enum server_seen */
    FACT_SERVER_SILENT,
    FACT_OUTSIDE,
    FACT_STATE, /* enum host_state */
    FACT_HOLDS, /* set of enum hold_reason */
    FACT_WRITABLE,
    FACT_LAG,
    FACT_APPLIED, /* its value is in the text of that name */
    FACT_RECEIVED,
    FACT_UNAPPLIED,
    FACT_UNACKNOWLEDGED,
    /* of the cluster */
    FACT_WRITER,
    FACT_LEAVING,
    FACT_LEASE_LEFT,
    FACT_TRANSFER,
    FACT_ELECTABLE,
    FACT_SURELY,
    EVENT_FACT_COUNT,
};

enum server_seen { SERVER_RUNNING, SERVER_SILENT, SERVER_EXITED, SERVER_ABSENT, SERVER_SEEN_COUNT };

struct event_facts {
    uint64_t known; /* set of enum event_fact: what is not in it is not known, and not 0 */
    int64_t values[EVENT_FACT_COUNT];
    char applied[FACT_SIZE], received[FACT_SIZE]; /* positions: as much of them as fits */
};

struct event {
    msec wall;
    uint64_t term;
    char rule[RULE_SIZE];       /* the table row that decided: H10, T05, D03; docs/rules.md lists them */
    char name[EVENT_NAME_SIZE]; /* writer_lost, writer_promoted, host_state, … */
    int host;                   /* HOST_NONE: none */
    int role;                   /* -1: none */
    char why[WHY_SIZE];
    struct event_facts facts; /* the monitor's; an agent's events have none */
};

#endif
