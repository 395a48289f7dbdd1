/* A host's state and how it changes: the table of MMM-REFERENCE.md less its defects (host_state.c). */
#ifndef MMM_CORE_HEALTH_HOST_STATE_H
#define MMM_CORE_HEALTH_HOST_STATE_H

#include <stdbool.h>
#include <stddef.h>

enum host_state {
    HOST_ONLINE,
    HOST_ADMIN_OFFLINE,
    HOST_HARD_OFFLINE,
    HOST_AWAITING_RECOVERY,
    HOST_REPLICATION_FAIL,
    HOST_REPLICATION_DELAY,
    HOST_STATE_COUNT,
};

/* Why a host is kept out until the administrator decides. */
enum hold_reason {
    HOLD_LOST_WRITER = 1 << 0,      /* was the writer when it failed, and another was promoted */
    HOLD_OWN_TRANSACTIONS = 1 << 1, /* has transactions that the writer does not have */
    HOLD_FLAPPING = 1 << 2,         /* left ONLINE too often */
    HOLD_DOWN_LONG = 1 << 3,        /* was away for longer than health.down_short */
    HOLD_UNCLEAN_RESTART = 1 << 4,  /* its server did not stop in order, and nothing has been compared since */
    HOLD_LOST_RECEIVED = 1 << 5,    /* has lost what it had received, and perhaps acknowledged */
};

/* Ended by a comparison that proves the host consistent: the first always, the others with recovery = verified. */
enum {
    HOLDS_UNTIL_COMPARED = HOLD_UNCLEAN_RESTART,
    HOLDS_VERIFIABLE = HOLD_UNCLEAN_RESTART | HOLD_LOST_WRITER | HOLD_DOWN_LONG,
};

struct state_facts {
    bool known;       /* its agent has reported since the monitor's start, or has had the time to */
    bool alive;       /* its agent reports, and its server answers */
    bool writer;      /* holds the writer role, or is handing it over */
    bool last_writer; /* was the writer last, and nobody was promoted after it */
    bool held;
    bool flapping;
    bool down_long;
    bool judged;      /* a writer serves, so that replication from it can be judged */
    bool settled;     /* ... and has for long enough that a host in service is judged by it; or applying has failed with
                         an error, which no time mends */
    bool replicating; /* both threads run, from the writer */
    bool late; /* behind by more than lag_max; once late, by more than lag_back; out of service, by an unknown lag */
};

struct state_row {
    const char *rule; /* H10 … */
    enum host_state from;
    const char *when_text;
    bool (*when)(const struct state_facts *facts);
    enum host_state to;
    const char *why;
};

const char *host_state_name(enum host_state state);
bool host_state_parse(const char *name, enum host_state *ret_state);
const struct state_row *host_state_decide(enum host_state from, const struct state_facts *facts);
const struct state_row *host_state_table(size_t *ret_count);

const char *hold_reason_name(enum hold_reason reason);

#endif
