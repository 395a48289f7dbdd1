/* The core works on fixed arrays; these are their sizes.  A cluster is one writer and what serves beside it: more
 * servers than this are more clusters, each with a monitor of a few MB. */
#ifndef MMM_MODEL_LIMITS_H
#define MMM_MODEL_LIMITS_H

enum {
    HOSTS_MAX = 32,
    ROLES_MAX = 16,
    ADDRESSES_MAX = 64,  /* role addresses in a cluster, all roles together: the bits of address_set */
    DEPARTURES_MAX = 16, /* of a host from ONLINE that are remembered; health.flap_count is smaller */
    TERM_BITS = 52, /* a term is smaller than 2^52: a JSON number holds it exactly, and one decision a microsecond for
                       a century stays below; one that claims more is damaged or hostile */
    NAME_SIZE = 64, /* a host's, role's, cluster's name with its final zero */
    INTERFACE_SIZE = 16, /* IFNAMSIZ */
    VERSION_SIZE = 32,
    FACT_SIZE = 160, /* one sentence of evidence: a server's error text, a reason to hold */
};

#endif
