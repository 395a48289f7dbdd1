/* The event log: one object a line (DESIGN.md §9). */
#ifndef MMM_WIRE_EVENT_H
#define MMM_WIRE_EVENT_H

#include <stddef.h>

#include "model/cluster.h"
#include "model/event.h"

/* One line, malloc'ed: {"time","term","rule","event","host","role","why","facts":{…}}.  A fact that is not known is not
 * there, and never 0. */
char *event_encode(const struct cluster *cluster, const struct event *event);

/* What a fact is called, and means; docs/rules.md lists them. */
const char *event_fact_name(enum event_fact fact);
const char *event_fact_meaning(enum event_fact fact);

#endif
