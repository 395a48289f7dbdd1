/* Who serves which address of a role that is not the writer's (MMM-REFERENCE.md, «Roles»). */
#ifndef MMM_CORE_ROLES_ROLES_H
#define MMM_CORE_ROLES_ROLES_H

#include "model/cluster.h"

struct role_facts {
    host_set may_stay;    /* hosts that keep what they have */
    host_set may_receive; /* hosts that can be given more */
    int writer;           /* counts half an address more in a balanced role; HOST_NONE: none */
    bool balance;         /* also move addresses that have a host, to even them out or to a preferred host */
};

/* Changes placement (a host or HOST_NONE for each address of the cluster) for the addresses of this role only.
 * balanced: no two hosts differ by more than one.  exclusive: all addresses on one host, sticky, but for «prefer». */
void roles_place(const struct cluster *cluster, int role, const struct role_facts *facts,
                 int placement[static ADDRESSES_MAX]);

#endif
