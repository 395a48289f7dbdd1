/* A small world under virtual time: both cores, servers, kernels and clients as tiny models, and a network that can be
 * cut.  Nothing happens but what is asked for here; a seed gives the same run every time.
 *
 *   world.c         time, and what happens to the world
 *   world_agent.c   doing an agent's plan, as app/agent does it
 *   world_monitor.c doing the monitor's plan, as app/monitor does it
 *   world_fence.c   the administrator's fence program
 *   world_post.c    messages on their way
 *   world_wire.c    the same as bytes, and back
 *   world_kernel.c  addresses with a lifetime, and the neighbour caches of clients
 *   world_server.c  the model of a database server
 *   world_commit.c  its commits, semi-synchronous replication, and a client that writes
 *   world_oracle.c  what must be true after every event
 *   world_trace.c   the story as text (tests/golden/core)
 *
 * A server stays as it is when its agent dies: only the kernel takes the addresses away. */
#ifndef MMM_SIM_WORLD_H
#define MMM_SIM_WORLD_H

#include <stdio.h>

#include "core/agent/agent.h"
#include "core/monitor/monitor.h"

enum {
    AT_MONITOR = HOSTS_MAX,
    AT_CLIENTS,
    PLACES,
    CLIENTS = 2,
    PARCELS_MAX = 1024,
    OLDER_STORES = 4,
    STORY_MAX = 256 * 1024,
    VIOLATION_MAX = 240,
    KERNEL_LATE_MOST = 400, /* effect/netlink/addresses.h */
};

struct world_server {
    bool up;
    bool frozen; /* lives, and answers nobody */
    bool read_only;
    bool stuck; /* answers, and commits nothing; it can not be fenced either */
    uint32_t pid;
    msec started; /* by the clock of its machine */
    int source;   /* HOST_NONE: none */
    bool receiving, applying;
    struct gtid_position received, binlog; /* what is received is applied after world.lag */
    struct gtid_position applying_to;      /* ... a piece of it at a time */
    msec applied_at;                       /* when that will be done; 0: all is applied */
    msec heartbeat, received_heartbeat;    /* stamp of the newest heartbeat row */
    bool waits;                            /* semi-sync: each commit waits for an acknowledgement */
    bool acknowledges;                     /* ... as a replica; it holds for connections to its source made later ... */
    bool connected, attached;              /* ... such as the present one */
    unsigned waiting;                      /* commits */
    struct gtid waits_for;                 /* the newest of them */
    uint64_t acknowledged;                 /* commits, since the server's start */
};

struct world_host {
    struct agent agent;
    bool agent_up;
    unsigned life; /* counts the agent's starts: what was for an earlier one is lost */
    bool saved;
    struct agent_durable disk;
    uint64_t highest_term;
    msec wake;
    struct world_server server;
    msec gone_at[ADDRESSES_MAX];    /* the kernel's: 0 not there */
    msec kernel_end[ADDRESSES_MAX]; /* ... and what it shows as the end: it may be late */
    msec guard_end[ADDRESSES_MAX];  /* until when the guard lets clients through to it */
    msec stalled_until;             /* the agent's process is stopped */
    msec wall_shift;
    bool disk_fails, unsaved;
    msec leased_until; /* the latest end of a lease that it ever had */
    msec held_since;   /* in the monitor's eyes; 0: not held */
    bool excused;      /* its agent died while it was writable: only its addresses count until it is shut */
    host_set answered; /* the peers that have answered its newest round of questions */
    msec unreached_at; /* when a round of questions last ended without every peer's answer; 0: never */
    msec silent_at;    /* when it last did not hear the monitor */
    msec asked_at;     /* for the story: when it last asked its peers */
    msec off_until;    /* switched off by a fence program */
    msec doubled_at;   /* since when it has kept the writer's address that another host serves; 0: it does not */
    bool untold;       /* ... and has the excuse that nobody can tell it, as it had until then: */
    msec untold_until;
    msec claim_at; /* when the last announcement of that address arrives here */
    bool deaf;     /* ... but for one, or more, that did not */
};

struct world_fence {
    unsigned fails_permille, hangs_permille;
    msec answer_most; /* one that works takes so long at the most, and no longer than its limit */
    bool pending;
    msec off_at; /* NEVER: it does not, or has done so */
    msec answer_at;
    struct fence_result result;
};

enum parcel_kind {
    PARCEL_REPORT,
    PARCEL_ORDERS,
    PARCEL_FAILED,
    PARCEL_NUDGE,
    PARCEL_ASK,
    PARCEL_ANSWER,
    PARCEL_PROBE,
    PARCEL_TASK,
    PARCEL_GONE,
    PARCEL_CLAIM, /* an announcement on the link */
};

struct parcel {
    enum parcel_kind kind;
    msec at;
    uint64_t number; /* of two at the same time the first sent comes first */
    int from, to;
    unsigned life; /* of the agent that it is for */
    uint32_t pid;  /* of the server that a probe or a task was begun on */
    msec begun;
    bool worked; /* the server has done its part already, and the agent was stopped: only the outcome is on its way */
    uint64_t sequence;
    union { /* only what its kind needs is filled */
        struct report report;
        struct orders orders;
        struct ask ask;
        struct answer answer;
        struct {
            struct server_task task;
            struct task_result result;
        };
        struct {
            msec canary_stamp;
            struct probe probe;
            bool absent;
        };
        struct stranger claim;
    };
};

/* Which messages and durable states go through their text. */
enum wire_way {
    WIRE_NONE,
    WIRE_NEW,  /* those of a shape that has not come yet (world_wire.c) */
    WIRE_MANY, /* ... and a quarter of all others */
    WIRE_ALL,
};

struct wire_counts {
    uint64_t all, texts; /* messages and durable states; those that went through their text */
};

/* What a client that writes waits for. */
struct commit {
    bool waiting;
    int host;
    struct gtid gtid;
    msec since;
};

/* A program that uses the writer's address: the host behind the hardware address in its neighbour cache. */
struct client {
    int reaches;        /* HOST_NONE: not resolved */
    msec failing_since; /* 0: it is answered */
};

struct world {
    struct cluster cluster;
    msec now;
    uint64_t random;
    struct world_host hosts[HOSTS_MAX];

    struct monitor monitor;
    bool monitor_up;
    unsigned monitor_life;
    struct monitor_durable store;  /* what was saved last */
    struct monitor_durable shadow; /* what the core has had since its last step */
    bool stored;
    struct monitor_durable older[OLDER_STORES]; /* copies of the store that somebody may restore, newest first */
    msec older_at;
    uint64_t copy_term; /* of the copy that the monitor goes by, which is from before a change and none of the agents
                           that know of that is heard: what it decides may lose commits; 0: no such copy */
    host_set knowers;   /* those agents */
    unsigned commits_forgotten; /* so often has it done that */
    msec monitor_wake;
    struct orders told[HOSTS_MAX]; /* for the story */
    struct command_reply reply;    /* the last */
    uint64_t commands;
    msec monitor_stalled_until;
    msec monitor_wall_shift;
    bool store_fails, monitor_unsaved;
    msec store_slow; /* a write takes up to so long, and the monitor waits */
    msec send_after; /* what is sent now leaves so much later */

    size_t parcel_count;
    uint16_t places[PARCELS_MAX]; /* the first parcel_count of them: where the parcels that are on their way lie; the
                                     last of all: the one that was taken */
    uint64_t parcels_sent;
    bool cut[PLACES][PLACES]; /* from, to */
    unsigned loss_permille;
    msec delay_least, delay_most;
    unsigned duplicate_permille;
    unsigned late_permille; /* of all messages; each is up to late_most late */
    msec late_most;
    unsigned echo_permille; /* of all reports: each comes again, up to late_most later */
    enum wire_way wire;
    msec lag;                      /* of replicas */
    bool lossless;                 /* the cluster's mode; then a client writes, too */
    struct gtid_position answered; /* the commits that it heard OK for */
    struct commit commit;          /* the one that it waits for */
    msec write_next;
    bool guard;  /* clients reach a server only by what its guard lets through */
    bool kernel; /* counts whole seconds and is late; otherwise exact */
    struct world_fence fence;
    struct client clients[CLIENTS];
    address_set twice;      /* addresses of readers that two hosts serve */
    unsigned deaf_permille; /* the last client misses so many announcements */

    uint64_t digest;               /* over all events and what came of them */
    unsigned steps_now;            /* without time passing */
    const char *broken;            /* which rule, as the format of its text */
    char violation[VIOLATION_MAX]; /* the first, with its time; empty: none */
    char readers[VIOLATION_MAX];   /* the same for the addresses of readers, which only annoys clients */
    bool tell;                     /* write the story */
    size_t story_size;
    char story[STORY_MAX];
    struct parcel parcels[PARCELS_MAX]; /* the last, because it is not cleared */
};

/* Servers up and shut, agents and the monitor up, one millisecond of delay, nothing lost. */
void world_start(struct world *world, const struct cluster *cluster, uint64_t seed);
void world_run(struct world *world, msec length);
/* Runs until db «host» serves as writer in the monitor's eyes; false when it does not within the time. */
bool world_run_until_writer(struct world *world, int host, msec most);

void world_cut(struct world *world, int from, int to, bool cut);
void world_cut_both(struct world *world, int a, int b, bool cut);
void world_isolate(struct world *world, int place, bool cut);
void world_server_kill(struct world *world, int host);
void world_server_start(struct world *world, int host, bool read_only);
void world_agent_kill(struct world *world, int host);
void world_agent_start(struct world *world, int host);
void world_monitor_kill(struct world *world);
void world_monitor_start(struct world *world);
/* Only while the monitor is down.  saves_back 0: nothing is left. */
void world_store_restore(struct world *world, int saves_back);
void world_command(struct world *world, const struct command *command);

/* Stopped for so long, as by SIGSTOP: it hears, decides and does nothing, and then all of it. */
void world_agent_stall(struct world *world, int host, msec length);
void world_monitor_stall(struct world *world, msec length);
/* Agent, server and addresses at once. */
void world_machine_crash(struct world *world, int host);

/* For the files of the world only. */
msec world_wall(const struct world *world);
bool world_chance(struct world *world, unsigned permille);
msec world_random(struct world *world, msec most); /* 0 to most */

/* world_post.c: *ret is to be filled and then given to post_send.  NULL: it is lost on its way. */
struct parcel *post(struct world *world, enum parcel_kind kind, int from, int to, msec after);
struct parcel *post_far(struct world *world, enum parcel_kind kind, int from, int to);
void post_send(struct world *world, struct parcel *parcel);
msec post_next(const struct world *world, msec before, size_t *ret_parcel); /* SIZE_MAX: none before that */
/* The parcel stays where it is, off the list, until it is given back; one at a time. */
struct parcel *post_take(struct world *world, size_t index);
void post_done(struct world *world);
void post_again(struct world *world, const struct parcel *parcel, msec at); /* it waits at a stopped process */

/* world_agent.c */
void agent_feed(struct world *world, int host, struct agent_event *event, const char *cause);
void agent_deliver(struct world *world, struct parcel *parcel);
void agent_kill_server(struct world *world, int host);

/* world_monitor.c */
void monitor_feed(struct world *world, struct monitor_event *event, const struct parcel *report, const char *cause);
void monitor_deliver(struct world *world, const struct parcel *parcel);

/* world_fence.c */
void fence_start(struct world *world, const struct fence_request *request);
msec fence_next(const struct world *world); /* NEVER: nothing is on its way */
void fence_wake(struct world *world);

/* world_wire.c */
struct wire_counts wire_count(void); /* of all runs of this process */
void wire_parcel(struct world *world, struct parcel *parcel);
void wire_command(struct world *world, struct command *command);
void wire_agent_durable(struct world *world, int host, struct agent_durable *durable);
void wire_monitor_durable(struct world *world, struct monitor_durable *durable);

/* world_kernel.c */
static inline bool world_has_address(const struct world *world, int host, int address) {
    return world->hosts[host].gone_at[address] > world->now;
}
void kernel_set(struct world *world, int host, int address, msec lifetime);
void kernel_list(const struct world *world, int host, struct agent_address *ret_addresses);
void clients_hear(struct world *world, int host, address_set announced);
void neighbours_hear(struct world *world, int host, address_set announced);
void clients_look(struct world *world);

/* world_server.c */
void server_replicate(struct world *world);
bool server_answers(const struct world_server *server);
void server_probe(struct world *world, int host, const struct parcel *parcel, struct probe *ret_probe);
void server_task_end(struct world *world, int host, const struct parcel *parcel, struct task_result *ret_result);
msec server_task_length(const struct world *world, int host, const struct server_task *task);

/* world_commit.c */
void commit_row(struct world *world, int host);
void commits_acknowledge(struct world *world); /* by what replicas have received */
void commits_wait(struct world *world, int host, bool wait);
void commits_cut(struct world *world, int host); /* nobody is answered any more */
void commits_fill(const struct world *world, int host, struct semi_sync *ret_semi_sync);
void clients_write(struct world *world); /* in lossless mode */

/* world_oracle.c */
void oracle_look(struct world *world);
void oracle_monitor(struct world *world, const struct monitor_plan *plan,
                    int reporter); /* before the shadow moves on */
/* Has its server all that a client was told OK for? */
bool oracle_is_complete(const struct world *world, int host);
void oracle_fail(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);

/* world_trace.c */
void trace_note(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3); /* what a person does */
void trace_agent(struct world *world, int host, const char *cause, const struct agent_plan *plan);
void trace_monitor(struct world *world, const char *cause, int reporter, const struct monitor_plan *plan);

#endif
