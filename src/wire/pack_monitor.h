/* The lists of fields of what a recording holds beside messages: the cluster and the monitor's whole state. */
#ifndef MMM_WIRE_PACK_MONITOR_H
#define MMM_WIRE_PACK_MONITOR_H

#include "core/monitor/monitor.h"
#include "wire/pack.h"

/* READ: the caller looks at pack->wrong before it uses the value; then every index is one of the cluster's. */
void pack_cluster(struct pack *pack, struct cluster *cluster);
/* What a fence program was asked for. */
void pack_fence_request(struct pack *pack, struct fence_request *request, const struct cluster *cluster);
/* monitor->cluster is set before, and stays.  Only what the cluster has is packed: READ into one that was started. */
void pack_monitor(struct pack *pack, struct monitor *monitor);

#endif
