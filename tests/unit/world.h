/* A small world under virtual time: both cores, servers and kernels as tiny models, and a network that can be cut.
 * Nothing happens but what is asked for here; a seed gives the same run every time.
 *
 *   world.c         time, messages, the monitor and the agents
 *   world_server.c  the model of a database server
 *   world_oracle.c  what must be true after every event
 *   world_trace.c   the story as text (tests/golden/core)
 *
 * A server stays as it is when its agent dies: only the kernel takes the addresses away. */
#ifndef MMM_TESTS_WORLD_H
#define MMM_TESTS_WORLD_H

#include <stdio.h>

#include "core/agent/agent.h"
#include "core/monitor/monitor.h"

enum { AT_MONITOR = HOSTS_MAX, PLACES, PARCELS_MAX = 512, STORY_MAX = 64 * 1024, VIOLATION_MAX = 240 };

struct world_server {
    bool up;
    bool frozen; /* lives, and answers nobody */
    bool read_only;
    bool stuck; /* answers, and commits nothing; it can not be fenced either */
    uint32_t pid;
    int source; /* HOST_NONE: none */
    bool receiving, applying;
    struct gtid_position binlog;
    msec heartbeat; /* stamp of the newest heartbeat row */
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
    msec gone_at[ADDRESSES_MAX]; /* the kernel's: 0 not there */
    bool excused;                /* its agent died while it was writable: only its addresses count until it is shut */
    msec asked_at;               /* for the story: when it last asked its peers */
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
    PARCEL_GONE
};

struct parcel {
    enum parcel_kind kind;
    msec at;
    uint64_t number; /* of two at the same time the first sent comes first */
    int from, to;
    unsigned life; /* of the agent that it is for */
    uint32_t pid;  /* of the server that a probe or a task was begun on */
    uint64_t sequence;
    union {
        struct report report;
        struct orders orders;
        struct ask ask;
        struct answer answer;
        struct server_task task;
        msec canary_stamp;
    };
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
    msec monitor_wake;
    struct orders told[HOSTS_MAX]; /* for the story */
    struct command_reply reply;    /* the last */
    uint64_t commands;

    size_t parcel_count;
    uint64_t parcels_sent;
    struct parcel parcels[PARCELS_MAX];
    bool cut[PLACES][PLACES]; /* from, to */
    unsigned loss_permille;
    msec delay_least, delay_most;

    unsigned steps_now;            /* without time passing */
    char violation[VIOLATION_MAX]; /* the first, with its time; empty: none */
    char readers[VIOLATION_MAX];   /* the same for the addresses of readers, which only annoys clients */
    bool tell;                     /* write the story */
    size_t story_size;
    char story[STORY_MAX];
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
void world_command(struct world *world, const struct command *command);

/* world.c, for its own files */
msec world_wall(const struct world *world);
bool world_chance(struct world *world, unsigned permille);
bool world_has_address(const struct world *world, int host, int address);

/* world_server.c */
void server_replicate(struct world *world);
void server_probe(struct world *world, int host, const struct parcel *parcel, struct probe *ret_probe);
void server_task_end(struct world *world, int host, const struct parcel *parcel, struct task_result *ret_result);
msec server_task_length(const struct world *world, int host, const struct server_task *task);

/* world_oracle.c */
void oracle_look(struct world *world);
void oracle_fail(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);

/* world_trace.c */
void trace_note(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3); /* what a person does */
void trace_agent(struct world *world, int host, const char *cause, const struct agent_plan *plan);
void trace_monitor(struct world *world, const char *cause, int reporter, const struct monitor_plan *plan);

#endif
