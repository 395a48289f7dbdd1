/* What `mmm show --json`, `mmm checks` and the event log say (DESIGN.md §9).  What is not known is null, never 0. */
#ifndef MMM_WIRE_STATUS_H
#define MMM_WIRE_STATUS_H

#include "core/monitor/monitor.h"
#include "model/event.h"

/* One line, malloc'ed.  now: CLOCK_BOOTTIME; wall: the same moment for people; since_wall: when this monitor became
 * the active one.  warning: one more, of the monitor's own; empty: there is none. */
char *status_encode(const struct monitor *monitor, const char *monitor_name, msec now, msec wall, msec since_wall,
                    const char *warning);

/* One line, malloc'ed: {"time","term","rule","event","host","role","why","facts":{}}. */
char *event_encode(const struct cluster *cluster, const struct event *event);

#endif
