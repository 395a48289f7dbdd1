/* The agent of db1 that hears whatever the wire accepts.  An input is a story, a line each: orders, a question or an
 * answer of a peer as JSON; a report as JSON, whose probe is what the look under way has seen; a pause (+500); «done»
 * or «failed» for the task under way; «gone», «nudge», «unheard», «addresses», «stranger ADDRESS»; «restart».  Orders
 * whose sequence is 0 answer the newest report, an answer whose round is 0 the newest question. */
#include "fuzz.h"

#include <stdio.h>

#include "base/text.h"
#include "core/agent/agent.h"
#include "wire/messages.h"
#include "wire/names.h"
#include "wire/state.h"

enum { DB1, LINES_MOST = 64, TICKS_MOST = 8 };

static const msec start_of_wall = SECONDS(1795330800);

struct story {
    const struct cluster *cluster;
    struct agent agent;
    struct agent_plan plan;
    msec now;
    bool looking;
    enum server_task_kind task;                    /* under way */
    struct agent_address addresses[ADDRESSES_MAX]; /* the kernel's */
    struct probe probe;                            /* the last */
    uint64_t term;                                 /* that was seen last: it never falls */
};

static const struct mac own_mac = { { 2, 0, 0, 0, 0, 1 } };

static void check_stored(const struct story *story) {
    struct agent_durable again;
    const struct agent_durable *durable = &story->agent.durable;
    char *text = agent_state_encode(story->cluster, DB1, durable);
    enum rc rc = agent_state_decode(story->cluster, DB1, text, strlen(text), &again, NULL);
    assert(rc == RC_OK && again.term == durable->term && again.electable == durable->electable &&
           again.writer == durable->writer && again.resigned == durable->resigned);
    free(text);
}

static void check_report(const struct story *story, const struct report *report) {
    struct report again;
    char *text = report_encode(story->cluster, report);
    enum rc rc = report_decode(story->cluster, text, strlen(text), &again, NULL);
    assert(rc == RC_OK);
    free(text);
}

static void check_said(const struct story *story) {
    const struct agent_plan *plan = &story->plan;
    if (plan->report_set)
        check_report(story, &plan->report);
    if (plan->answer_set)
        free(answer_encode(story->cluster, &plan->answer));
    if (plan->ask_whom)
        free(ask_encode(story->cluster, &plan->ask));
}

/* One look and one task at a time, and no right beyond the lease. */
static void check_rights(const struct story *story) {
    const struct agent *agent = &story->agent;
    const struct agent_plan *plan = &story->plan;
    msec most = story->cluster->lease.length;
    assert(plan->task.kind == TASK_NONE || story->task == TASK_NONE);
    assert(!plan->look || !story->looking);
    assert(agent->durable.term >= story->term);
    assert(!agent->writer || agent->lease_until <= story->now + most);
    if (plan->task.kind == TASK_OPEN)
        assert(agent->writer && agent->lease_until > story->now);
    for (int i = 0; i < story->cluster->address_count; i++)
        assert(!set_has(plan->address_set, i) || (plan->address_lifetime[i] > 0 && plan->address_lifetime[i] <= most));
    assert((plan->address_set & plan->address_remove) == 0);
    for (int i = 0; i < story->cluster->address_count; i++) {
        assert(agent->guard_until[i] <= story->now + most);
        assert(!agent->writer || agent->guard_until[i] <= agent->lease_until);
        assert(!plan->guard_set || set_has(plan->guard, i) == (agent->guard_until[i] > story->now));
    }
}

static void do_plan(struct story *story) {
    const struct agent_plan *plan = &story->plan;
    for (int i = 0; i < story->cluster->address_count; i++) {
        if (set_has(plan->address_remove, i))
            story->addresses[i] = (struct agent_address){ .present = false };
        if (set_has(plan->address_set, i))
            story->addresses[i] =
                (struct agent_address){ .present = true, .gone_at = story->now + plan->address_lifetime[i] };
    }
    if (plan->task.kind != TASK_NONE)
        story->task = plan->task.kind;
    story->looking |= plan->look;
}

static void feed(struct story *story, struct agent_event event) {
    event.now = story->now;
    event.wall = start_of_wall + story->now;
    agent_step(&story->agent, &event, &story->plan);
    check_rights(story);
    check_said(story);
    if (story->plan.save)
        check_stored(story);
    story->term = story->agent.durable.term;
    do_plan(story);
}

/* A deadline may have come while a step was made, but an agent that is never done would take the whole processor. */
static void tick(struct story *story) {
    int ticks = 0;
    do {
        feed(story, (struct agent_event){ .kind = AGENT_TICK });
        assert(++ticks <= TICKS_MOST);
    } while (story->plan.deadline <= story->now);
}

static void pass_time(struct story *story, msec length) {
    for (int i = 0; i < 8 && story->plan.deadline > story->now && story->plan.deadline < story->now + length; i++) {
        length -= story->plan.deadline - story->now;
        story->now = story->plan.deadline;
        tick(story);
    }
    story->now += length;
    tick(story);
}

/* The kernel takes away what is over. */
static void list_addresses(const struct story *story, struct agent_address ret_addresses[static ADDRESSES_MAX]) {
    memcpy(ret_addresses, story->addresses, sizeof story->addresses);
    for (int i = 0; i < ADDRESSES_MAX; i++)
        ret_addresses[i].present &= ret_addresses[i].gone_at > story->now;
}

static void hear_addresses(struct story *story) {
    struct agent_event event = { .kind = AGENT_ADDRESSES };
    list_addresses(story, event.addresses);
    feed(story, event);
}

static void start(struct story *story, const struct agent_durable *stored) {
    struct agent_durable durable = stored ? *stored : (struct agent_durable){ 0 };
    struct agent_address addresses[ADDRESSES_MAX];
    list_addresses(story, addresses);
    story->looking = false;
    story->task = TASK_NONE;
    agent_start(&story->agent, story->cluster, DB1, 7, &own_mac, stored ? &durable : NULL, addresses, story->now);
    tick(story);
}

static void hear_stranger(struct story *story, const char *text) {
    struct ip ip;
    int address = ip_parse(text, &ip, NULL) == RC_OK ? cluster_address_at(story->cluster, &ip) : -1;
    if (address >= 0)
        feed(story, (struct agent_event){ .kind = AGENT_STRANGER,
                                          .stranger = { .address = address, .mac = { { 2, 0, 0, 0, 0, 9 } } } });
}

static void end_task(struct story *story, enum rc rc) {
    struct task_result result = { .kind = story->task, .rc = rc };
    if (story->task == TASK_NONE)
        return;
    result.binlog = story->probe.binlog;
    result.applied = story->probe.applied;
    TEXT_COPY(result.why, rc ? "the server said no" : "");
    story->task = TASK_NONE;
    feed(story, (struct agent_event){ .kind = AGENT_TASK_DONE, .task = &result });
}

static void end_look(struct story *story, const struct report *report) {
    if (!story->looking)
        return;
    story->looking = false;
    story->probe = report->probe;
    feed(story, (struct agent_event){ .kind = AGENT_PROBED,
                                      .probe = &story->probe,
                                      .process_absent = report->process == PROCESS_ABSENT && !report->probe.answered });
}

/* The words spare most of the reading: the decoders have a target of their own. */
static void hear_message(struct story *story, const char *line) {
    const struct cluster *cluster = story->cluster;
    size_t length = strlen(line);
    struct orders orders;
    struct ask ask;
    struct answer answer;
    struct report report;
    if (strstr(line, "\"orders\"") && orders_decode(cluster, line, length, &orders, NULL) == RC_OK) {
        if (orders.sequence == 0)
            orders.sequence = story->agent.sequence;
        feed(story, (struct agent_event){ .kind = AGENT_ORDERS, .orders = &orders });
    } else if (strstr(line, "\"ask\"") && ask_decode(cluster, line, length, &ask, NULL) == RC_OK) {
        feed(story, (struct agent_event){ .kind = AGENT_ASKED, .ask = &ask });
    } else if (strstr(line, "\"answer\"") && answer_decode(cluster, line, length, &answer, NULL) == RC_OK) {
        if (answer.round == 0)
            answer.round = story->agent.round.round;
        feed(story, (struct agent_event){ .kind = AGENT_ANSWERED, .answer = &answer });
    } else if (strstr(line, "\"report\"") && report_decode(cluster, line, length, &report, NULL) == RC_OK) {
        end_look(story, &report);
    }
}

static void tell(struct story *story, const char *line) {
    if (fuzz_pause(line) >= 0)
        pass_time(story, fuzz_pause(line));
    else if (text_equal(line, "done"))
        end_task(story, RC_OK);
    else if (text_equal(line, "failed"))
        end_task(story, RC_SERVER);
    else if (text_equal(line, "gone"))
        feed(story, (struct agent_event){ .kind = AGENT_SERVER_GONE });
    else if (text_equal(line, "nudge"))
        feed(story, (struct agent_event){ .kind = AGENT_NUDGED });
    else if (text_equal(line, "unheard"))
        feed(story, (struct agent_event){ .kind = AGENT_REPORT_FAILED });
    else if (text_equal(line, "addresses"))
        hear_addresses(story);
    else if (text_starts_with(line, "stranger "))
        hear_stranger(story, line + strlen("stranger "));
    else if (text_equal(line, "restart"))
        start(story, &story->agent.durable);
    else
        hear_message(story, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct story story;
    char *text = fuzz_text(data, size), *rest = text;
    story = (struct story){ .cluster = fuzz_cluster(), .now = SECONDS(1000) };
    start(&story, NULL);
    for (int i = 0; i < LINES_MOST; i++) {
        const char *line = fuzz_line(&rest);
        if (!line)
            break;
        tell(&story, line);
    }
    free(text);
    return 0;
}
