/* What `mmm show --json` and `mmm checks` say (DESIGN.md §9).  What is not known is null, never 0. */
#ifndef MMM_WIRE_STATUS_H
#define MMM_WIRE_STATUS_H

#include "core/monitor/monitor.h"

struct status_source {
    const struct monitor *monitor;
    const char *monitor_name;
    const char *store_trouble;           /* why the store can not be written; NULL or empty: it can */
    const char *recording_trouble;       /* why nothing is recorded at present; NULL: it is, or is not wanted */
    const char *server_start[HOSTS_MAX]; /* what starts each host's server; NULL or empty: not configured */
    msec now;                            /* CLOCK_BOOTTIME */
    msec wall;                           /* the same moment for people */
    msec since_wall;                     /* when this monitor became the active one */
};

/* One line, malloc'ed. */
char *status_encode(const struct status_source *source);

#endif
