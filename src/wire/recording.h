/* What the monitor records for `mmm replay`, record by record:
 *   a checkpoint  the cluster and the monitor's whole state; everything before it may be lost
 *   a step        one event that monitor_step was fed, a report in its exact wire bytes, the rules of what was decided,
 *                 and a sum over the state and the plan afterwards: whoever feeds the same finds the same sum
 * No secret is in it: neither the cluster nor any message has one.  Bytes from anywhere can be read; what does not fit
 * is RC_INVALID with the name of the field. */
#ifndef MMM_WIRE_RECORDING_H
#define MMM_WIRE_RECORDING_H

#include "core/monitor/monitor.h"

enum {
    CHECKPOINT_MOST = 384 * 1024, /* HOSTS_MAX hosts with every text and position at its longest */
    STEP_MOST = 80 * 1024,
};

/* Changes with the fields of the state: a recording of another shape can not be read. */
uint64_t recording_shape(void);

enum checkpoint_cause {
    CHECKPOINT_START, /* the monitor has started */
    CHECKPOINT_NEXT,  /* the next file of the ring: nothing is missing before it */
    CHECKPOINT_AGAIN, /* something before it could not be recorded */
    CHECKPOINT_CAUSE_COUNT,
};

struct recorded_time {
    msec now, wall;
};

struct checkpoint {
    enum checkpoint_cause cause;
    char version[VERSION_SIZE]; /* of the program that recorded */
    struct recorded_time time;
};

/* Returns the length; 0: does not fit. */
size_t checkpoint_write(const struct checkpoint *checkpoint, const struct monitor *monitor, void *bytes, size_t size);
/* ret_monitor->cluster is ret_cluster afterwards.  On failure the three hold nothing of use. */
enum rc checkpoint_read(const void *bytes, size_t length, struct checkpoint *ret_checkpoint,
                        struct cluster *ret_cluster, struct monitor *ret_monitor, struct reason *ret_why) NODISCARD;
bool recording_is_checkpoint(const void *bytes, size_t length);

struct recorded_decision {
    char rule[RULE_SIZE];
    int host; /* HOST_NONE: none */
};

struct recorded_step {
    enum monitor_event_kind kind;
    struct recorded_time time;
    int host;            /* REPORT, CHECK */
    const void *message; /* REPORT: as it came; COMMAND: with the id and the name that the monitor gave it */
    size_t message_length;
    bool answers;                /* CHECK */
    char check_error[FACT_SIZE]; /* CHECK */
    struct fence_result fence;   /* FENCE */
    bool unsaved;                /* the store could not be written: nothing of it was sent */
    size_t decision_count;
    struct recorded_decision decisions[MONITOR_EVENTS_MAX];
    uint32_t sum;
};

/* last: the time of the record before this. */
size_t step_write(const struct recorded_step *step, const struct cluster *cluster, const struct recorded_time *last,
                  void *bytes, size_t size);
/* ret_step->message points into bytes. */
enum rc step_read(const void *bytes, size_t length, const struct cluster *cluster, const struct recorded_time *last,
                  struct recorded_step *ret_step, struct reason *ret_why) NODISCARD;

/* What a plan has decided, and the sum. */
void step_note_plan(struct recorded_step *step, const struct monitor *monitor, const struct monitor_plan *plan);

#endif
