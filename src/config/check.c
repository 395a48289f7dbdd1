/* Draft to settings: names become numbers, and what no key can be wrong in alone is checked. */
#include <string.h>

#include "base/text.h"
#include "config/draft.h"

#define WRONG(section, key, ...) draft_fail(draft, (section), (key), ret_why, __VA_ARGS__)

static enum rc check_lease(struct draft *draft, struct reason *ret_why) {
    struct lease_spec *lease = &draft->settings.cluster.lease;
    const struct section *section = &draft->sections[SECTION_LEASE];
    if (!section->lines[option_find(SECTION_LEASE, "report") - options])
        lease->report = lease->length / 10;
    msec needed = 3 * lease->report + lease->fence + lease->margin;
    if (needed <= lease->length)
        return RC_OK;
    char length[CLOCK_TEXT_MAX], report[CLOCK_TEXT_MAX], fence[CLOCK_TEXT_MAX], margin[CLOCK_TEXT_MAX],
        sum[CLOCK_TEXT_MAX];
    duration_format(lease->length, length);
    duration_format(lease->report, report);
    duration_format(lease->fence, fence);
    duration_format(lease->margin, margin);
    duration_format(needed, sum);
    return WRONG(section, NULL,
                 "3 × report %s + fence %s + margin %s = %s does not fit into length %s; make length longer or the "
                 "others shorter",
                 report, fence, margin, sum, length);
}

static enum rc check_health(struct draft *draft, struct reason *ret_why) {
    const struct health_spec *health = &draft->settings.cluster.health;
    if (health->lag_back <= health->lag_max)
        return RC_OK;
    char back[CLOCK_TEXT_MAX], most[CLOCK_TEXT_MAX];
    duration_format(health->lag_back, back);
    duration_format(health->lag_max, most);
    return WRONG(&draft->sections[SECTION_HEALTH], "lag_back", "%s is more than lag_max, which is %s", back, most);
}

static enum rc check_tls(struct draft *draft, struct reason *ret_why) {
    const struct tls_settings *tls = &draft->settings.tls;
    const char *missing = !tls->ca[0] ? "ca" : !tls->certificate[0] ? "certificate" : !tls->key[0] ? "key" : NULL;
    bool none = !tls->ca[0] && !tls->certificate[0] && !tls->key[0];
    if (!missing || none)
        return RC_OK;
    return WRONG(&draft->sections[SECTION_TLS], missing, "is missing; give ca, certificate and key, or none of them");
}

static enum rc check_host(const struct draft *draft, const struct host_draft *host, struct reason *ret_why) {
    const struct settings *settings = &draft->settings;
    char address[IP_TEXT_MAX];
    ip_format(&host->spec.address, address);
    for (const struct host_draft *other = draft->hosts; other < host; other++)
        if (ip_equal(&other->spec.address, &host->spec.address))
            return WRONG(&host->section, "address", "%s is the address of host \"%s\" already", address,
                         other->section.name);
    /* A certificate speaks for a name: a host called like the monitor could give orders. */
    if (text_equal(host->section.name, settings->monitor_name))
        return WRONG(&host->section, NULL, "a host cannot have the monitor's name; see [monitor] name");
    if (host->settings.fence[0] && host->settings.fence[0] != '/')
        return WRONG(&host->section, "fence",
                     "begins with the absolute path of a program: /usr/local/sbin/mmm-power-off");
    if (host->spec.server_port == host->settings.agent_port)
        return WRONG(&host->section, "agent_port", "%u is the server's port", host->settings.agent_port);
    if (ip_equal(&host->spec.address, &settings->monitor_address) &&
        host->settings.agent_port == settings->monitor_port)
        return WRONG(&host->section, "agent_port", "%u is the monitor's port on the same machine",
                     host->settings.agent_port);
    return RC_OK;
}

static enum rc take_hosts(struct draft *draft, struct reason *ret_why) {
    struct cluster *cluster = &draft->settings.cluster;
    bool has_master = false;
    for (int i = 0; i < draft->host_count; i++) {
        struct host_draft *host = &draft->hosts[i];
        enum rc rc = check_host(draft, host, ret_why);
        if (rc)
            return rc;
        (void)TEXT_COPY(host->spec.name, host->section.name);
        host->spec.has_fence = host->settings.fence[0] != 0;
        cluster->hosts[i] = host->spec;
        draft->settings.hosts[i] = host->settings;
        has_master = has_master || host->spec.mode == MODE_MASTER;
    }
    cluster->host_count = draft->host_count;
    if (!has_master)
        return FAIL(RC_INVALID, ret_why, "%s: no [host NAME] has mode = master; nobody could become writer",
                    draft->file);
    return RC_OK;
}

/* The host a key names; HOST_NONE and the reason when there is none. */
static int find_host(const struct draft *draft, const struct section *section, const char *key, const char *name,
                     struct reason *ret_why) {
    const struct cluster *cluster = &draft->settings.cluster;
    int host = cluster_host(cluster, name);
    if (host != HOST_NONE)
        return host;
    struct nearest nearest = { .word = name };
    for (int i = 0; i < cluster->host_count; i++)
        nearest_try(&nearest, cluster->hosts[i].name);
    char hint[HINT_SIZE];
    nearest_hint(&nearest, hint);
    (void)WRONG(section, key, "there is no [host %s]%s", name, hint);
    return HOST_NONE;
}

static enum rc take_prefer(const struct draft *draft, const struct role_draft *from, struct role_spec *role,
                           struct reason *ret_why) {
    role->prefer = HOST_NONE;
    if (!from->prefer[0])
        return RC_OK;
    if (from->mode != ROLE_EXCLUSIVE)
        return WRONG(&from->section, "prefer", "only an exclusive role prefers a host");
    int prefer = find_host(draft, &from->section, "prefer", from->prefer, ret_why);
    if (prefer == HOST_NONE)
        return RC_INVALID;
    if (!set_has(role->hosts, prefer))
        return WRONG(&from->section, "prefer", "\"%s\" is not among the role's hosts", from->prefer);
    role->prefer = prefer;
    return RC_OK;
}

static enum rc take_role_hosts(const struct draft *draft, const struct role_draft *from, struct role_spec *role,
                               struct reason *ret_why) {
    role->order_count = 0;
    for (int i = 0; i < from->hosts.count; i++) {
        int host = find_host(draft, &from->section, "hosts", from->hosts.names[i], ret_why);
        if (host == HOST_NONE)
            return RC_INVALID;
        role->hosts |= set_of(host);
        role->order[role->order_count++] = host;
    }
    return take_prefer(draft, from, role, ret_why);
}

/* A role address moves; the address of a machine must not. */
static enum rc check_address(const struct draft *draft, const struct role_draft *from, const struct ip *ip,
                             struct reason *ret_why) {
    const struct cluster *cluster = &draft->settings.cluster;
    char text[IP_TEXT_MAX];
    ip_format(ip, text);
    int host = cluster_host_at(cluster, ip);
    if (host != HOST_NONE)
        return WRONG(&from->section, "addresses", "%s is the own address of host \"%s\"", text,
                     cluster->hosts[host].name);
    if (ip_equal(ip, &draft->settings.monitor_address))
        return WRONG(&from->section, "addresses", "%s is the monitor's address", text);
    for (int i = 0; i < cluster->address_count; i++)
        if (ip_equal(&cluster->addresses[i].ip, ip))
            return WRONG(&from->section, "addresses", "%s is an address of role \"%s\" already", text,
                         draft->roles[cluster->addresses[i].role].section.name);
    return RC_OK;
}

static enum rc take_addresses(struct draft *draft, int index, struct reason *ret_why) {
    const struct role_draft *from = &draft->roles[index];
    struct cluster *cluster = &draft->settings.cluster;
    for (int i = 0; i < from->addresses.count; i++) {
        enum rc rc = check_address(draft, from, &from->addresses.items[i].ip, ret_why);
        if (rc)
            return rc;
        if (cluster->address_count == ADDRESSES_MAX)
            return WRONG(&from->section, "addresses", "all roles together have more than %d addresses", ADDRESSES_MAX);
        cluster->addresses[cluster->address_count++] = (struct role_address){ .ip = from->addresses.items[i].ip,
                                                                              .prefix = from->addresses.items[i].prefix,
                                                                              .role = index };
    }
    if (from->mode == ROLE_BALANCED && !from->addresses.count)
        return WRONG(&from->section, "addresses", "a balanced role needs addresses: they are what is balanced");
    return RC_OK;
}

static enum rc check_interfaces(const struct draft *draft, int index, struct reason *ret_why) {
    const struct role_draft *from = &draft->roles[index];
    for (int i = 0; from->addresses.count && i < draft->host_count; i++)
        if (set_has(draft->settings.cluster.roles[index].hosts, i) && !draft->hosts[i].settings.interface[0])
            return WRONG(&draft->hosts[i].section, "interface", "is missing; role \"%s\" brings addresses here",
                         from->section.name);
    return RC_OK;
}

static enum rc take_roles(struct draft *draft, struct reason *ret_why) {
    struct cluster *cluster = &draft->settings.cluster;
    enum rc rc = RC_OK;
    for (int i = 0; !rc && i < draft->role_count; i++) {
        const struct role_draft *from = &draft->roles[i];
        struct role_spec *role = &cluster->roles[i];
        (void)TEXT_COPY(role->name, from->section.name);
        role->mode = from->mode;
        role->is_writer = text_equal(role->name, draft->writer_role);
        rc = take_role_hosts(draft, from, role, ret_why);
        if (!rc)
            rc = take_addresses(draft, i, ret_why);
        if (!rc)
            rc = check_interfaces(draft, i, ret_why);
    }
    cluster->role_count = draft->role_count;
    return rc;
}

static enum rc check_writer(const struct draft *draft, struct reason *ret_why) {
    const struct cluster *cluster = &draft->settings.cluster;
    int index = cluster_role(cluster, draft->writer_role);
    if (index < 0)
        return FAIL(RC_INVALID, ret_why, "%s: there is no [role %s], which [cluster] writer_role names", draft->file,
                    draft->writer_role);
    const struct role_draft *from = &draft->roles[index];
    if (from->mode != ROLE_EXCLUSIVE)
        return WRONG(&from->section, "mode", "the writer's role must be exclusive: one server is writable at any time");
    const struct role_spec *role = &cluster->roles[index];
    for (int i = 0; i < role->order_count; i++)
        if (cluster->hosts[role->order[i]].mode != MODE_MASTER)
            return WRONG(&from->section, "hosts",
                         "\"%s\" is a replica, which never becomes writer; give it mode = "
                         "master or take it out",
                         cluster->hosts[role->order[i]].name);
    return RC_OK;
}

/* Clients come in by role addresses alone then, so a writer without one could not be written to. */
static enum rc check_guard(const struct draft *draft, struct reason *ret_why) {
    const struct cluster *cluster = &draft->settings.cluster;
    if (cluster_role_addresses(cluster, cluster_writer_role(cluster)))
        return RC_OK;
    for (int i = 0; i < draft->host_count; i++)
        if (draft->hosts[i].settings.guard == GUARD_ON)
            return WRONG(&draft->hosts[i].section, "guard",
                         "shuts every writing client out, since role \"%s\" has no addresses; give it some, or "
                         "guard = off",
                         draft->writer_role);
    return RC_OK;
}

enum rc draft_finish(struct draft *draft, struct reason *ret_why) {
    enum rc (*const steps[])(struct draft *, struct reason *) = { check_lease, check_health, check_tls, take_hosts,
                                                                  take_roles };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        enum rc rc = steps[i](draft, ret_why);
        if (rc)
            return rc;
    }
    enum rc rc = check_writer(draft, ret_why);
    return rc ? rc : check_guard(draft, ret_why);
}
