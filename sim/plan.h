/* What goes wrong in a run, as a list that the seed gives beforehand: so a failing run can be repeated with fewer
 * faults (shrink.c).  Each seed switches a random part of the kinds on, and uses those often. */
#ifndef MMM_SIM_PLAN_H
#define MMM_SIM_PLAN_H

#include "model/cluster.h"

enum { FAULTS_MAX = 64, FAULT_TEXT_MAX = 160 };

enum fault_kind {
    FAULT_LOSS,      /* value: permille of all messages */
    FAULT_DELAY,     /* value: milliseconds at the most, so messages overtake each other */
    FAULT_LATE,      /* value: permille of the messages; they come up to twenty seconds late */
    FAULT_DUPLICATE, /* value: permille */
    FAULT_CUT,       /* from host to other */
    FAULT_CUT_BOTH,
    FAULT_ISOLATE,
    FAULT_AGENT_KILL, /* ... and started again at the end */
    FAULT_AGENT_STALL,
    FAULT_SERVER_KILL,
    FAULT_SERVER_FREEZE,
    FAULT_SERVER_STUCK,
    FAULT_MACHINE_CRASH,
    FAULT_MONITOR_KILL,
    FAULT_MONITOR_STALL,
    FAULT_DISK,       /* the agent's file can not be written */
    FAULT_STORE,      /* the monitor's store can not be written */
    FAULT_STORE_SLOW, /* value: milliseconds at the most */
    FAULT_WALL,       /* value: milliseconds by which the clock on the wall jumps; host or the monitor */
    FAULT_COMMAND,    /* value: enum command_kind */
    FAULT_STORE_OLD,  /* the monitor is killed and starts with an older copy of its store; value: how many saves back */
    FAULT_STORE_LOST, /* ... and starts with none */
    /* A switchover is commanded, and value milliseconds later the host is cut from the monitor; an odd value: halfway
       its server gets stuck too. */
    FAULT_HANDOVER_CUT,
    FAULT_ECHO, /* value: permille of the reports; they come again up to twenty seconds later.  Only where it is aimed
                 */
    FAULT_KINDS,
};

struct fault {
    enum fault_kind kind;
    msec at, length;
    int host, other; /* places of the world */
    int64_t value;
};

struct plan {
    uint64_t seed;
    struct cluster cluster;
    msec faults_from, faults_until;
    msec delay_most;        /* of every message, faults or none */
    msec server_comes_back; /* a server that nothing holds down is started again by its service manager */
    bool guard;
    msec lag;                                            /* of replicas */
    unsigned deaf_permille;                              /* announcements that the second client misses */
    unsigned fence_fails_permille, fence_hangs_permille; /* where the cluster has fence programs */
    msec fence_answer_most;
    int count;
    struct fault faults[FAULTS_MAX]; /* by their time */
};

/* minutes: how long faults happen. */
void plan_make(struct plan *ret_plan, uint64_t seed, unsigned minutes);
void plan_remove(struct plan *plan, int first, int count);
void fault_text(const struct plan *plan, const struct fault *fault, char ret_text[static FAULT_TEXT_MAX]);

#endif
