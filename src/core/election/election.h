/* Who becomes writer (DESIGN.md §7): among those who may, the most complete, then the preferred, then the order of the
 * file.  Pure: the caller decides who may. */
#ifndef MMM_CORE_ELECTION_ELECTION_H
#define MMM_CORE_ELECTION_ELECTION_H

#include "model/cluster.h"
#include "model/gtid.h"

struct election_facts {
    host_set candidates;                             /* may be promoted */
    host_set reachable;                              /* can be fetched from, candidates or not */
    const struct gtid_position *received[HOSTS_MAX]; /* of every host in the two sets */
};

struct election {
    int chosen; /* HOST_NONE: nobody may be promoted */
    int richer; /* a reachable host that has received what the chosen one has not, or HOST_NONE */
};

struct election elect(const struct cluster *cluster, const struct election_facts *facts);

/* Why a candidate was not the one; *ret_rule: E50 … */
const char *election_why_not(const struct cluster *cluster, const struct election_facts *facts, int host, int chosen,
                             const char **ret_rule);

#endif
