/* One agent on a bench: its events by hand, its plan to look at.  Time moves only by pass(). */
#ifndef MMM_TESTS_AGENT_PIECES_H
#define MMM_TESTS_AGENT_PIECES_H

#include "core_pieces.h"

#include "core/agent/agent.h"

enum { SELF = DB1, PEER = DB2 };

static struct cluster cluster;
static struct agent agent;
static struct agent_plan plan;
static msec now;
static bool server_answers = true;

static inline void feed(struct agent_event event) {
    event.now = now;
    event.wall = SECONDS(1700000000) + now;
    agent_step(&agent, &event, &plan);
}

static inline void probed(struct probe probe) {
    feed((struct agent_event){ .kind = AGENT_PROBED, .probe = &probe });
}

/* Goes on by «length», with a tick at every deadline on the way and an answer to every look while the server answers;
 * true when a plan on the way was «seen». */
static inline bool pass_until(msec length, bool (*seen)(void)) {
    msec end = now + length;
    for (int i = 0; i < 10000 && now < end; i++) {
        now = plan.deadline <= now ? now + 1 : plan.deadline < end ? plan.deadline : end;
        feed((struct agent_event){ .kind = AGENT_TICK });
        if (seen && seen())
            return true;
        if (!agent.looking || !server_answers || agent.process != PROCESS_RUNNING)
            continue;
        probed(agent.probe);
        if (seen && seen())
            return true;
    }
    return false;
}

static inline void pass(msec length) {
    pass_until(length, NULL);
}

static inline void start(const struct agent_durable *durable, const struct agent_address *addresses) {
    static const struct agent_address none[ADDRESSES_MAX];
    static const struct mac mac = { .bytes = { 2, 0, 0, 0, 0, 1 } };
    cluster = core_cluster(3);
    now = 100000;
    server_answers = true;
    agent_start(&agent, &cluster, SELF, 7, &mac, durable, addresses ? addresses : none, now);
    feed((struct agent_event){ .kind = AGENT_TICK });
}

static inline struct probe probe_of(bool read_only) {
    return (struct probe){ .answered = true, .pid = 100, .family = FAMILY_MARIADB, .read_only = read_only };
}

static inline void task_done(enum server_task_kind kind, enum rc rc) {
    struct task_result result = { .kind = kind, .rc = rc };
    if (rc != RC_OK)
        TEXT_COPY(result.why, "it did not answer in time");
    feed((struct agent_event){ .kind = AGENT_TASK_DONE, .task = &result });
}

static inline struct orders orders_of(enum duty duty, uint64_t term) {
    return (struct orders){
        .sequence = agent.sequence,
        .term = term,
        .duty = duty,
        .electable = set_of(DB1) | set_of(DB2),
        .lease = cluster.lease.length,
        .addresses = duty == DUTY_WRITER || duty == DUTY_YIELD ? set_of(WRITER_ADDRESS) : 0,
        .source = HOST_NONE,
    };
}

static inline void obey(struct orders orders) {
    feed((struct agent_event){ .kind = AGENT_ORDERS, .orders = &orders });
}

/* Waits for the next report and answers it at once. */
static inline void answer_next(struct orders orders) {
    for (int i = 0; i < 100 && !agent.reporting; i++)
        pass(50);
    orders.sequence = agent.sequence;
    obey(orders);
}

static inline void answered_by(int peer, bool promised, msec silent) {
    struct answer answer = { .from = peer,
                             .round = agent.round.round,
                             .term = agent.durable.term,
                             .promised = promised,
                             .monitor_silent = silent };
    feed((struct agent_event){ .kind = AGENT_ANSWERED, .answer = &answer });
}

/* A writer in term 5 whose server is open, with a report just answered. */
static inline void start_writer(void) {
    start(NULL, NULL);
    probed(probe_of(true));
    pass(SECONDS(6)); /* whoever starts acts as if it had just promised */
    probed(probe_of(true));
    answer_next(orders_of(DUTY_WRITER, 5));
    assert_int_equal(plan.task.kind, TASK_READY);
    task_done(TASK_READY, RC_OK);
    assert_int_equal(plan.task.kind, TASK_OPEN);
    task_done(TASK_OPEN, RC_OK);
    assert_true(set_has(plan.address_set, WRITER_ADDRESS));
    answer_next(orders_of(DUTY_WRITER, 5));
}

#endif
