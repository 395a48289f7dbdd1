#include "core/roles/roles.h"

static bool is_of_role(const struct cluster *cluster, int address, int role) {
    return cluster->addresses[address].role == role;
}

/* Twice the number of addresses, so that the writer's half can be added. */
static int load_of(const struct cluster *cluster, int role, int host, int writer, const int *placement) {
    int load = host == writer ? 1 : 0;
    for (int i = 0; i < cluster->address_count; i++)
        if (is_of_role(cluster, i, role) && placement[i] == host)
            load += 2;
    return load;
}

static int lightest(const struct cluster *cluster, int role, const struct role_facts *facts, const int *placement) {
    const struct role_spec *spec = &cluster->roles[role];
    int best = HOST_NONE, best_load = 0;
    for (int i = 0; i < spec->order_count; i++) {
        int host = spec->order[i];
        if (!set_has(facts->may_receive, host))
            continue;
        int load = load_of(cluster, role, host, facts->writer, placement);
        if (best == HOST_NONE || load < best_load) {
            best = host;
            best_load = load;
        }
    }
    return best;
}

static int heaviest(const struct cluster *cluster, int role, const struct role_facts *facts, const int *placement) {
    const struct role_spec *spec = &cluster->roles[role];
    int worst = HOST_NONE, worst_load = 0;
    for (int i = 0; i < spec->order_count; i++) {
        int host = spec->order[i];
        int load = load_of(cluster, role, host, facts->writer, placement);
        if (worst == HOST_NONE || load > worst_load) {
            worst = host;
            worst_load = load;
        }
    }
    return worst;
}

static void even_out(const struct cluster *cluster, int role, const struct role_facts *facts, int *placement) {
    for (int moves = 0; moves < cluster->address_count; moves++) {
        int from = heaviest(cluster, role, facts, placement);
        int to = lightest(cluster, role, facts, placement);
        if (from == HOST_NONE || to == HOST_NONE)
            return;
        int difference = load_of(cluster, role, from, facts->writer, placement) -
                         load_of(cluster, role, to, facts->writer, placement);
        if (difference <= 2)
            return;
        int last = cluster->address_count - 1;
        while (last >= 0 && !(is_of_role(cluster, last, role) && placement[last] == from))
            last--;
        if (last < 0)
            return;
        placement[last] = to;
    }
}

static void place_balanced(const struct cluster *cluster, int role, const struct role_facts *facts, int *placement) {
    for (int i = 0; i < cluster->address_count; i++)
        if (is_of_role(cluster, i, role) && placement[i] == HOST_NONE)
            placement[i] = lightest(cluster, role, facts, placement);
    if (facts->balance)
        even_out(cluster, role, facts, placement);
}

static void place_exclusive(const struct cluster *cluster, int role, const struct role_facts *facts, int *placement) {
    int host = HOST_NONE;
    int prefer = cluster->roles[role].prefer;
    for (int i = 0; i < cluster->address_count && host == HOST_NONE; i++)
        if (is_of_role(cluster, i, role))
            host = placement[i];
    if (prefer != HOST_NONE && set_has(facts->may_receive, prefer) && (facts->balance || host == HOST_NONE))
        host = prefer;
    if (host == HOST_NONE)
        host = lightest(cluster, role, facts, placement);
    for (int i = 0; i < cluster->address_count; i++)
        if (is_of_role(cluster, i, role))
            placement[i] = host;
}

void roles_place(const struct cluster *cluster, int role, const struct role_facts *facts,
                 int placement[static ADDRESSES_MAX]) {
    for (int i = 0; i < cluster->address_count; i++)
        if (is_of_role(cluster, i, role) && placement[i] != HOST_NONE &&
            !set_has(facts->may_stay & cluster->roles[role].hosts, placement[i]))
            placement[i] = HOST_NONE;
    if (cluster->roles[role].mode == ROLE_EXCLUSIVE)
        place_exclusive(cluster, role, facts, placement);
    else
        place_balanced(cluster, role, facts, placement);
}
