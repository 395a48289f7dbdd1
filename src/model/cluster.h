/* What the administrator wrote: the part of the configuration that decisions need.  Paths, ports of daemons and
 * passwords are in config/config.h: decisions do not depend on them. */
#ifndef MMM_MODEL_CLUSTER_H
#define MMM_MODEL_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/ip.h"
#include "model/limits.h"
#include "model/set.h"

enum { HOST_NONE = -1 };

enum host_mode { MODE_MASTER, MODE_REPLICA }; /* a master may become writer */
enum role_mode { ROLE_EXCLUSIVE, ROLE_BALANCED };
enum durability { DURABILITY_LOSSLESS, DURABILITY_ASYNCHRONOUS };
enum recovery { RECOVERY_HOLD, RECOVERY_VERIFIED };
enum last_resort { LAST_RESORT_KILL, LAST_RESORT_NONE };

struct host_spec {
    char name[NAME_SIZE];
    struct ip address;
    uint16_t server_port;
    enum host_mode mode;
    bool has_fence;     /* the administrator has given a program that ends this host for sure (config/config.h) ... */
    msec fence_timeout; /* ... and has so long for it */
};

struct role_spec {
    char name[NAME_SIZE];
    enum role_mode mode;
    host_set hosts;       /* who may hold it */
    int order[HOSTS_MAX]; /* the same in the order of the file, order_count of them */
    int order_count;
    int prefer;     /* HOST_NONE, or the host that gets an exclusive role back as soon as it is ONLINE */
    bool is_writer; /* the exclusive role that makes its host writable: the one named in [cluster] writer_role */
};

struct role_address {
    struct ip ip;
    uint8_t prefix;
    int role;
};

/* DESIGN.md §5; all in milliseconds.  3 * report + fence + margin <= length. */
struct lease_spec {
    msec length;
    msec report;
    msec fence;
    msec margin;
};

struct health_spec {
    msec lag_max;        /* a replica further behind is REPLICATION_DELAY ... */
    msec lag_back;       /* ... until it is nearer than this */
    msec answer_timeout; /* a server that has not answered a probe for so long does not answer */
    msec settle;         /* after a new writer, of replication only an error in applying is judged for so long */
    msec down_short;     /* a replica that was down for less returns by itself */
    unsigned flap_count; /* more departures from ONLINE than this within flap_window: flapping */
    msec flap_window;
    enum recovery recovery; /* VERIFIED: a comparison that proves a held host consistent ends its hold */
};

struct failover_spec {
    msec window;              /* at most one failover in this time without an administrator's word; 0: no limit */
    msec drain_timeout;       /* how long a standby may apply what it has received before a promotion gives up on it */
    msec switchover_timeout;  /* each step of a switchover; past it the old writer gets the role back */
    msec catch_up;            /* a switchover starts only when its target is nearer than this */
    msec grace;               /* ... and waits so long for long transactions on the writer */
    msec acknowledge_timeout; /* lossless: how long writes may wait for standbys that do not acknowledge */
};

struct cluster {
    char name[NAME_SIZE];
    enum durability durability;
    enum last_resort last_resort;
    int host_count;
    struct host_spec hosts[HOSTS_MAX];
    int role_count;
    struct role_spec roles[ROLES_MAX];
    int address_count;
    struct role_address addresses[ADDRESSES_MAX];
    struct lease_spec lease;
    struct health_spec health;
    struct failover_spec failover;
};

int cluster_host(const struct cluster *cluster, const char *name); /* index or HOST_NONE */
int cluster_role(const struct cluster *cluster, const char *name); /* index or -1 */
int cluster_writer_role(const struct cluster *cluster);            /* index; every valid cluster has one */
host_set cluster_masters(const struct cluster *cluster);           /* hosts that may become writer */
/* How long the kernel is told to keep a role address that may stay for so long.  It counts whole seconds and looks at
 * their end only now and then, late by up to 0.4 s, and by up to 1 s when any other address of the machine changed just
 * before: so 0.6 s less, rounded DOWN, at least 1 s. */
msec cluster_kernel_lifetime(msec lifetime);
address_set cluster_role_addresses(const struct cluster *cluster, int role);
/* The host whose own address this is, or HOST_NONE. */
int cluster_host_at(const struct cluster *cluster, const struct ip *address);

#endif
