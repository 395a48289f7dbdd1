#include "core/election/election.h"

static bool has_more(const struct gtid_position *a, const struct gtid_position *b) {
    return !gtid_reached(a, b);
}

static bool is_better(const struct election_facts *facts, int prefer, int host, int than) {
    bool host_more = has_more(facts->received[host], facts->received[than]);
    bool than_more = has_more(facts->received[than], facts->received[host]);
    if (host_more != than_more)
        return host_more;
    return host == prefer;
}

struct election elect(const struct cluster *cluster, const struct election_facts *facts) {
    struct election election = { .chosen = HOST_NONE, .richer = HOST_NONE };
    const struct role_spec *writer = &cluster->roles[cluster_writer_role(cluster)];
    for (int i = 0; i < writer->order_count; i++) {
        int host = writer->order[i];
        if (!set_has(facts->candidates, host))
            continue;
        if (election.chosen == HOST_NONE || is_better(facts, writer->prefer, host, election.chosen))
            election.chosen = host;
    }
    if (election.chosen == HOST_NONE)
        return election;
    for (int host = 0; host < cluster->host_count; host++) {
        if (!set_has(facts->reachable, host) || !has_more(facts->received[host], facts->received[election.chosen]))
            continue;
        if (election.richer == HOST_NONE || has_more(facts->received[host], facts->received[election.richer]))
            election.richer = host;
    }
    return election;
}

const char *election_why_not(const struct cluster *cluster, const struct election_facts *facts, int host, int chosen,
                             const char **ret_rule) {
    const struct role_spec *writer = &cluster->roles[cluster_writer_role(cluster)];
    if (has_more(facts->received[chosen], facts->received[host])) {
        *ret_rule = "E50";
        return "it has received less than";
    }
    if (chosen == writer->prefer) {
        *ret_rule = "E51";
        return "it has received as much, and the role prefers";
    }
    *ret_rule = "E52";
    return "it has received as much, and stands in the role's hosts behind";
}
