/* The agent's decisions: one step for each thing that happens on its host.  Pure: facts and time come in, a plan goes
 * out.  The lease rules are those of DESIGN.md §5 and shared/design/writer-lease.pml; the numbers in comments of
 * lease.c are the model's steps.  What to do with the server is a table: duty.c. */
#ifndef MMM_CORE_AGENT_AGENT_H
#define MMM_CORE_AGENT_AGENT_H

#include "core/agent/duty.h"
#include "model/event.h"
#include "model/messages.h"

enum { AGENT_EVENTS_MAX = 8, ANNOUNCEMENTS = 6 };

/* What an agent must still know after a restart.  A file that is missing or damaged is «nothing known»: the agent then
 * acts as if it had just promised, and so it does after every restart (the model's step 5). */
struct agent_durable {
    uint64_t term;
    host_set electable;
    bool writer;   /* took the role in this term, and is not yet known to be fenced */
    bool given_up; /* the role is given up already, and only the fence is not known to be done: no lease is gone on with
                    */
    bool resigned; /* gave it up by itself in this term */
    /* What its server had received, a second ago or less, while this host was a standby in the electable set: it may
     * have acknowledged that.  Empty: its word did not count. */
    struct gtid_position received;
};

/* A role address as the kernel shows it. */
struct agent_address {
    bool present;
    msec gone_at; /* when the kernel removes it; NEVER: it has no lifetime */
};

enum agent_event_kind {
    AGENT_TICK,          /* only time has passed */
    AGENT_ORDERS,        /* the monitor's answer to a report */
    AGENT_REPORT_FAILED, /* no answer to the report under way */
    AGENT_NUDGED,        /* the monitor would like a report now */
    AGENT_ASKED,         /* a peer asks */
    AGENT_ANSWERED,      /* a peer answers */
    AGENT_PROBED,        /* a look at the server has ended */
    AGENT_TASK_DONE,     /* a task on the server has ended */
    AGENT_SERVER_GONE,   /* the server's process is dead */
    AGENT_ADDRESSES,     /* the kernel's list of addresses */
    AGENT_STRANGER,      /* somebody else answers for a role address */
};

struct agent_event {
    enum agent_event_kind kind;
    msec now;  /* CLOCK_BOOTTIME */
    msec wall; /* for events and for the heartbeat's stamp */
    const struct orders *orders;
    const struct ask *ask;
    const struct answer *answer;
    const struct probe *probe;
    const struct task_result *task;
    bool unclean;                                  /* SERVER_GONE: it had no time to tidy up: killed, or crashed */
    bool process_absent;                           /* PROBED, not answered: nobody listens on the server's socket */
    struct agent_address addresses[ADDRESSES_MAX]; /* ADDRESSES */
    struct stranger stranger;
};

/* What to do now, in this order: save, then the rest in the order of the fields. */
struct agent_plan {
    bool save;                  /* the durable part has changed: on disk before anything below */
    bool note;                  /* only what was received has changed: write it too, and go on should that fail */
    address_set address_remove; /* each client that is connected through it is told first, by a reset */
    address_set address_set;    /* add or renew, each with address_lifetime */
    msec address_lifetime[ADDRESSES_MAX];
    address_set address_announce;
    address_set address_ask; /* who else has it? */
    bool addresses_look;
    /* The whole of what the guard lets clients reach: each address until its time, all others not at all. */
    bool guard_set;
    bool guard_opens; /* something is let through, or for longer, that was not before: a right, so only once saved */
    address_set guard;
    msec guard_until[ADDRESSES_MAX];
    bool server_kill;        /* the last resort of DESIGN.md §5 rule 3 */
    bool server_cut;         /* its process is dead: do not wait for its sockets */
    struct server_task task; /* kind TASK_NONE: none */
    bool look;
    msec canary_stamp; /* with look: write the heartbeat row too; 0: do not */
    bool answer_set;
    struct answer answer;
    host_set ask_whom;
    struct ask ask;
    bool report_set;
    struct report report;
    msec report_timeout;
    size_t event_count;
    struct event events[AGENT_EVENTS_MAX];
    msec deadline; /* call again with AGENT_TICK at this time at the latest */
};

/* The agent's whole mind.  Private to core/agent; tests and the simulator may look. */
struct agent {
    const struct cluster *cluster;
    int self;
    uint64_t incarnation;
    struct mac mac;
    struct agent_durable durable;

    /* lease.c */
    bool writer;
    msec started_at;
    msec lease_until;      /* valid while writer */
    msec contact_extended; /* ... as long as no peer objects */
    msec told_silent;      /* when it last told a peer that it does not hear the monitor */
    msec contact_until;    /* until when addresses that are not the writer's may stay */
    msec promised_until;
    msec monitor_heard; /* when the monitor last answered the newest report */
    struct ask round;   /* the newest round of questions, sent at asked_at */
    msec asked_at, ask_next;
    host_set promises;                /* that came in for this round */
    bool peer_answered, peer_objects; /* in this round; objects: it hears the monitor and promises nothing */

    /* talk with the monitor */
    struct orders orders; /* the last that were obeyed */
    bool has_orders;
    bool obeyed; /* they are the monitor's, not what an agent that was restarted went on from */
    uint64_t sequence;
    struct ip source_reported; /* what the server replicates from, by the report that is under way ... */
    struct ip source_judged;   /* ... and by the one that the last orders answer */
    bool reporting, report_wanted;
    msec report_sent, report_next;

    /* the server */
    enum process_state process;
    bool
        shut_out; /* it runs, and nobody listens on its socket: it is ending, and nothing can be asked of it any more */
    struct probe probe; /* the last that was answered */
    uint32_t crashes;   /* of the server, since this agent's start */
    uint32_t dead_pid;  /* the process that was seen to die: a late look at it does not count */
    bool looking;
    msec look_next, look_started, answered_at, canary_since; /* canary_since: first of a row of failures, or NEVER */
    bool must_fence;     /* was writer, and is not yet known to be read-only without clients */
    msec shut_by;        /* must_fence: the end of the lease in which it was open; somebody else may write after it */
    msec fence_deadline; /* of the fence under way, then the last resort; NEVER: none */
    bool killed;
    enum server_task_kind task; /* under way */
    struct server_task task_sent;
    uint64_t task_term;
    msec task_done_at;       /* a look that began before says nothing about what the task has changed */
    msec task_retry;         /* not before: after a failure */
    char trouble[FACT_SIZE]; /* of the last task that failed, in trouble_term */
    uint64_t trouble_term;
    bool counting; /* commits wait for acknowledgements, and have since the counter stood at counted_from */
    uint64_t counted_from;
    msec unacknowledged_since; /* commits wait and none was acknowledged between two looks; NEVER: they do not */
    msec unacknowledged_seen;  /* by the last look that could see it */
    msec unacknowledged_told;  /* in the last report */
    msec semi_sync_next;       /* a switch that did not take is tried again then */
    msec received_next;        /* when durable.received is next brought up to date */
    bool opened;               /* the server was, or may have been, made writable since the role was taken */
    bool drained;              /* in drained_term, having fetched from drained_source */
    uint64_t drained_term;
    int drained_source;
    struct ip followed;    /* the source that FOLLOW last succeeded with ... */
    uint32_t followed_pid; /* ... on this run of the server; 0: none */

    /* addresses */
    struct agent_address addresses[ADDRESSES_MAX];
    bool addresses_known;
    msec addresses_next;
    msec renewed_until[ADDRESSES_MAX];
    msec leave_at[ADDRESSES_MAX];      /* shortly before the kernel may take it away; NEVER: it does not */
    msec left_until[ADDRESSES_MAX];    /* what it was renewed to when it left so: no reason to serve it again */
    msec guard_until[ADDRESSES_MAX];   /* the guard lets clients through until then; 0: not at all */
    unsigned announced[ADDRESSES_MAX]; /* how many of the announcements have been made */
    msec announce_at[ADDRESSES_MAX];
    msec ask_strangers_next;
    struct stranger stranger;
    msec stranger_at;
};

/* durable NULL: nothing was read from disk.  addresses: what the kernel shows at the start: an address that this host
 * held as writer still tells, by its lifetime, how much of the lease is left. */
void agent_start(struct agent *agent, const struct cluster *cluster, int self, uint64_t incarnation,
                 const struct mac *mac, const struct agent_durable *durable,
                 const struct agent_address addresses[static ADDRESSES_MAX], msec now);
void agent_step(struct agent *agent, const struct agent_event *event, struct agent_plan *ret_plan);

#endif
