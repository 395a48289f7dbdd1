/* What the monitor or an agent did, for people and for programs: one line each in the event log. */
#ifndef MMM_MODEL_EVENT_H
#define MMM_MODEL_EVENT_H

#include <stdint.h>

#include "base/clock.h"
#include "model/limits.h"

enum { RULE_SIZE = 8, EVENT_NAME_SIZE = 32, WHY_SIZE = 320 };

struct event {
    msec wall;
    uint64_t term;
    char rule[RULE_SIZE];       /* the table row that decided: H10, T05, D03; docs/rules.md lists them */
    char name[EVENT_NAME_SIZE]; /* writer_lost, writer_promoted, host_state, … */
    int host;                   /* HOST_NONE: none */
    int role;                   /* -1: none */
    char why[WHY_SIZE];
};

#endif
