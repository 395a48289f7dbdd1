/* The way of the writer role from one host to another, as phases; monitor/transfer.c walks through them. */
#ifndef MMM_CORE_TRANSFER_TRANSFER_H
#define MMM_CORE_TRANSFER_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/gtid.h"
#include "model/limits.h"

enum transfer_phase {
    TRANSFER_IDLE,     /* a writer is there, or nothing can be done */
    TRANSFER_CATCH_UP, /* switchover: the target is to come near first; nothing is changed yet */
    TRANSFER_RELEASE,  /* the role was taken away; the old writer has not surely ended */
    TRANSFER_DRAIN,    /* it has ended; standbys apply what they have received */
    TRANSFER_FETCH,    /* the chosen one fetches from a sibling what it lacks */
    TRANSFER_PROMOTE,  /* the role is given; the new writer does not serve yet */
    TRANSFER_PHASE_COUNT,
};

struct transfer {
    enum transfer_phase phase;
    bool planned; /* a switchover: the old writer is alive and hands over */
    int from;     /* HOST_NONE: there was none */
    int to;       /* the target of a switchover, or the one chosen; HOST_NONE: not chosen yet */
    int fetch_from;
    struct gtid_position reach;
    msec started;
    msec deadline;     /* of the phase; NEVER: none */
    msec grace_until;  /* a switchover waits for long transactions of the old writer */
    bool kill;         /* ... and then ends them */
    uint64_t command;  /* id of the command that waits for its end, 0: none */
    int avoid;         /* a host that has just failed to come up; HOST_NONE: none */
    bool replaced;     /* the old writer was alive and did not do its work: it is chosen only if nobody else can be */
    bool then_offline; /* set-offline of a writer: ADMIN_OFFLINE when the role has left */
    bool rolled_back;  /* this is the way back */
    bool resumed; /* PROMOTE, and this monitor was started meanwhile: «from» has yet to say what is to be reached */
    bool obstructed; /* ... because something on the old writer was in the way that --kill would have ended */
    char cause[FACT_SIZE];
};

struct phase_facts {
    bool planned;
    bool near;      /* CATCH_UP: the target is nearer than failover.catch_up */
    bool busy;      /* CATCH_UP: a long transaction goes on on the old writer */
    bool patient;   /* ... and its time is not over yet */
    bool kill;      /* ... and may be ended when it is */
    bool released;  /* the old writer has surely ended, for the candidate in question */
    bool drained;   /* every standby that can be reached has applied what it received */
    bool candidate; /* there is somebody to promote */
    bool lacking;   /* the best candidate lacks what another reachable host has */
    bool owed;      /* lossless: that other host may be the only one that has a commit which was answered OK */
    bool diverged;  /* two hosts that could be chosen each have something that the other lacks */
    bool unseen; /* lossless: a host that may alone have a commit which was answered OK does not tell what it has now */
    bool unknown; /* lossless, with an empty store: somebody was writer, and it is not known who */
    bool open;    /* ... and a master's server is writable */
    bool fetched;
    bool serving; /* the new writer is writable and says so in the new term */
    bool failed;  /* the host that has to act now reports that it could not, or is gone */
    bool late;    /* the phase's deadline has passed */
};

enum transfer_action {
    ACT_STAY,
    ACT_TAKE, /* term + 1, nobody is writer */
    ACT_DRAIN,
    ACT_HOLD, /* those that have diverged are held, and a person decides */
    ACT_FETCH,
    ACT_PROMOTE, /* term + 1, the candidate is writer */
    ACT_RETURN,  /* term + 1, the old writer gets the role back; needs its word that it has given it up, or never did */
    ACT_RETAKE,  /* term + 1, taken away from a new writer that does not come up */
    ACT_GIVE_UP, /* the switchover ends before anything was changed */
    ACT_REFUSE,  /* the same, and the transaction that is in its way is named */
    ACT_DONE,
};

struct transfer_row {
    const char *rule; /* T10 … */
    enum transfer_phase from;
    const char *when_text;
    bool (*when)(const struct phase_facts *facts);
    enum transfer_action action;
    const char *why;
};

/* What tells that a writer cannot go on.  The promise is the truth about a lease that the monitor does not renew: a
 * writer that is cut from the monitor alone lives on the promises of its peers, and they report them. */
struct watch_facts {
    bool manual;         /* MANUAL mode: roles stay where they are */
    bool resigned;       /* its agent has given the role up: the server's process is dead */
    bool back;           /* ... and a server answers there again */
    bool candidate;      /* somebody could take over now */
    bool silent;         /* the server does not answer its agent for longer than health.answer_timeout */
    bool stuck;          /* the agent's canary write has not come through for as long */
    bool unacknowledged; /* stuck: what is missing is a replica's acknowledgement, and no other host could do without */
    bool seen_alive;     /* silent: the monitor's own connection answers, or replicas still receive from it */
    bool seen_writing;   /* stuck: replicas still receive new transactions from it */
    bool lapsed;         /* the last lease that the monitor granted has surely ended */
    bool promised;       /* a peer reports a promise under way */
    bool not_holding;    /* its agent reports for longer than a lease that it does not hold the role */
    bool fenceable;      /* nobody hears it for half a lease, somebody could take over, and a program can end it */
};

enum watch_action {
    WATCH_STAY,
    WATCH_TAKE,    /* term + 1: the role is taken away, the transfer begins */
    WATCH_REPLACE, /* the same, and it does not come back to this host while there is another: it does not do its work
                    */
    WATCH_LOST,    /* the same as TAKE, and the old writer has confirmed already */
    WATCH_RENEW,   /* term + 1, the same writer again */
};

struct watch_row {
    const char *rule; /* W10 … */
    const char *when_text;
    bool (*when)(const struct watch_facts *facts);
    enum watch_action action;
    const char *why;
};

/* When the administrator's fence program is run for a former writer that is not known to have ended. */
struct fence_facts {
    bool leaving; /* there is such a former writer */
    bool program; /* its host has a fence program */
    bool passive;
    bool planned; /* it is handing over */
    bool alone;   /* not one other agent is heard */
    bool heard;   /* its agent reports, or did within half a lease */
    bool seen;    /* its replicas still receive from it, or a peer has promised it to wait */
    bool running; /* a fence program is under way, for whatever was asked */
    bool pausing; /* the last one failed, and it is too early to try again */
};

enum fence_action { FENCE_STAY, FENCE_RUN };

struct fence_row {
    const char *rule; /* F01 … */
    const char *when_text;
    bool (*when)(const struct fence_facts *facts);
    enum fence_action action;
    const char *why;
};

const struct fence_row *fence_decide(const struct fence_facts *facts);
const struct fence_row *fence_table(size_t *ret_count);

const struct watch_row *watch_decide(const struct watch_facts *facts);
const struct watch_row *watch_table(size_t *ret_count);

const struct transfer_row *transfer_decide(enum transfer_phase phase, const struct phase_facts *facts);
const struct transfer_row *transfer_table(size_t *ret_count);
const char *transfer_phase_name(enum transfer_phase phase);

#endif
