#include "model/cluster.h"

#include <assert.h>

#include "base/text.h"

int cluster_host(const struct cluster *cluster, const char *name) {
    for (int i = 0; i < cluster->host_count; i++)
        if (text_equal(cluster->hosts[i].name, name))
            return i;
    return HOST_NONE;
}

int cluster_role(const struct cluster *cluster, const char *name) {
    for (int i = 0; i < cluster->role_count; i++)
        if (text_equal(cluster->roles[i].name, name))
            return i;
    return -1;
}

int cluster_writer_role(const struct cluster *cluster) {
    for (int i = 0; i < cluster->role_count; i++)
        if (cluster->roles[i].is_writer)
            return i;
    assert(!"a cluster without a writer role passed the configuration");
    return -1;
}

host_set cluster_masters(const struct cluster *cluster) {
    host_set masters = 0;
    host_set allowed = cluster->roles[cluster_writer_role(cluster)].hosts;
    for (int i = 0; i < cluster->host_count; i++)
        if (cluster->hosts[i].mode == MODE_MASTER && set_has(allowed, i))
            masters |= set_of(i);
    return masters;
}

address_set cluster_role_addresses(const struct cluster *cluster, int role) {
    address_set addresses = 0;
    for (int i = 0; i < cluster->address_count; i++)
        if (cluster->addresses[i].role == role)
            addresses |= set_of(i);
    return addresses;
}

int cluster_host_at(const struct cluster *cluster, const struct ip *address) {
    for (int i = 0; i < cluster->host_count; i++)
        if (ip_equal(&cluster->hosts[i].address, address))
            return i;
    return HOST_NONE;
}

msec cluster_kernel_lifetime(msec lifetime) {
    enum { LATE_MSEC = 600 };
    return lifetime < 1000 + LATE_MSEC ? 1000 : (lifetime - LATE_MSEC) / 1000 * 1000;
}
