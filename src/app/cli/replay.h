/* A recording of the monitor (wire/recording.h), fed to the same core once more. */
#ifndef MMM_APP_CLI_REPLAY_H
#define MMM_APP_CLI_REPLAY_H

#include <stdio.h>

#include "wire/recording.h"

/* replay_run.c: record after record */

struct replay {
    struct cluster cluster;
    struct monitor monitor;
    struct monitor_plan plan;
    struct checkpoint checkpoint; /* the last */
    struct recorded_time last;    /* the time of the last record */
    struct recorded_step step;    /* the last as it was recorded; its message: until the next record */
    struct command command;       /* the last command */
    msec heard_before;            /* REPORT: when the host was heard before; NEVER: not in this run */
    bool begun;                   /* a checkpoint has come */
    bool whole;                   /* nothing is missing since */
    unsigned long long steps, decisions;
    /* The next checkpoint, until it is known to be the state that we have. */
    struct cluster next_cluster;
    struct monitor next;
    uint8_t bytes[CHECKPOINT_MOST];
};

enum replay_outcome {
    REPLAY_BEGINS,     /* a checkpoint */
    REPLAY_STEPPED,    /* to the same result */
    REPLAY_DIFFERS,    /* to another one */
    REPLAY_UNREADABLE, /* what stands there is not a record */
};

/* What follows does not begin where the last record ended. */
void replay_gap(struct replay *replay);
enum replay_outcome replay_record(struct replay *replay, const void *bytes, size_t length, struct reason *ret_why);

/* replay_tell.c: for people, and for programs */

struct replay_wanted {
    msec from, to;    /* wall time, both included */
    const char *host; /* NULL: all */
    bool all;         /* steps without a decision, too */
    bool json;
};

struct replay_teller;

struct replay_teller *replay_teller_new(const struct replay_wanted *wanted, FILE *out);
void replay_teller_free(struct replay_teller *teller);
void replay_tell_checkpoint(struct replay_teller *teller, const struct replay *replay);
void replay_tell_step(struct replay_teller *teller, const struct replay *replay);

#endif
