/* The messages between monitor and agents: complete states, never deltas (DESIGN.md §3).
 * An agent POSTs a report (what is) and gets orders (what should be) in the answer. */
#ifndef MMM_MODEL_MESSAGES_H
#define MMM_MODEL_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "model/cluster.h"
#include "model/server.h"
#include "model/set.h"

enum { MESSAGE_VERSION = 1 };

/* An address of a role that somebody else answers for. */
struct stranger {
    int address; /* index of the role address, or -1: none */
    struct mac mac;
};

/* Is each commit of a writer acknowledged by a replica before its client hears OK? */
enum protection {
    PROTECTION_UNKNOWN, /* not seen lately, or not shown by a commit yet */
    PROTECTION_OFF,     /* the server was seen to go on without */
    PROTECTION_ON, /* by its orders it waits, and a commit that was made after it began to wait has been acknowledged:
                      so all that came before has arrived, too */
    PROTECTION_COUNT,
};

struct report {
    int host;             /* who reports */
    uint64_t incarnation; /* a number that is new, and higher, with every start of the agent */
    uint64_t sequence;    /* grows with every report of one incarnation */
    uint64_t term;        /* the highest term obeyed */
    bool writer;          /* holds the writer's lease */
    bool resigned;        /* gave the writer role up by itself in this term: its server died */
    bool fenced;        /* its server is known read-only with its clients ended since the role was given up, or dead */
    msec lease_left;    /* of the writer's lease, 0 when it holds none */
    msec promised_left; /* of its promise to another writer, 0: none */
    host_set electable; /* the set it believes in */
    address_set addresses; /* read back from the kernel */
    struct stranger stranger;
    struct mac mac; /* of the interface that carries the addresses */
    enum process_state process;
    uint32_t crashes;    /* how often this run of the agent has seen its server end out of order */
    msec silent;         /* how long the server has not answered; 0: it answers */
    msec canary_failing; /* how long the writer's canary write has not come through; 0: it does, or is not tried */
    enum protection protection; /* of the commits made here */
    msec unacknowledged; /* for how long commits have waited here without one being acknowledged; 0: they do not */
    bool draining_done;  /* all received is applied, and it receives no more, in the term reported */
    enum server_task_kind task; /* under way */
    char trouble[FACT_SIZE];    /* why the last task failed, empty: it did not */
    struct probe probe;         /* the last look that was answered */
    struct gtid_position lacks; /* what it had received when its word counted, and does not have any more; empty: none
                                 */
};

/* What an agent's host should be doing. */
enum duty {
    DUTY_STANDBY, /* read-only, following source when there is one */
    DUTY_HELD,    /* read-only, replication left as it is, no roles: the administrator's turn */
    DUTY_YIELD,   /* give the writer role up: fence, keep the address until it is served elsewhere */
    DUTY_DRAIN,   /* the writer is gone: stop receiving, apply what is there, say where that ends */
    DUTY_WRITER,  /* reach a position, then writable */
    DUTY_COUNT,
};

struct orders {
    uint64_t sequence; /* of the report that this answers */
    uint64_t term;
    bool passive; /* passive mode: leases go on, nothing else is touched */
    enum duty duty;
    host_set electable;
    msec lease;            /* length of what is granted with this answer; counted from the moment the report was SENT */
    address_set addresses; /* to be served, each with a kernel lifetime that ends with the lease */
    int source;            /* STANDBY: the host to follow, or HOST_NONE: leave replication alone; DRAIN likewise (a
                              better sibling to fetch from) */
    bool kill;             /* YIELD: sessions that keep the server from being shut are ended */
    bool protect;          /* WRITER: commits wait for an acknowledgement */
    bool acknowledge;      /* STANDBY: it acknowledges what it receives */
    struct gtid_position reach; /* WRITER: apply this first.  DRAIN with a source: fetch up to this */
};

/* As an assignment does, without the room in their positions that is not used. */
void report_copy(struct report *to, const struct report *from);
void orders_copy(struct orders *to, const struct orders *from);

/* An agent without a monitor asks its peers.  A writer needs every electable peer's promise; a reader wants to know
 * whether it is alone in not hearing the monitor. */
struct ask {
    int from;
    uint64_t round; /* answers to older rounds do not count */
    uint64_t term;
    bool for_writer; /* please promise: for one lease you will not become writer */
    msec lease;      /* how long that is, by the configuration of the one that asks */
};

struct answer {
    int from;
    uint64_t round;
    uint64_t term;
    bool promised;
    msec monitor_silent; /* how long it has not heard the monitor */
};

#endif
