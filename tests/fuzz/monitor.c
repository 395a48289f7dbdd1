/* A monitor that hears whatever the wire accepts.  An input is a story, a line each: a report or a command as JSON, a
 * pause (+500), «answers HOST» or «silent HOST» for the monitor's own connection, «restart».  A report whose sequence
 * is 0 gets the next one. */
#include "fuzz.h"

#include <stdio.h>

#include "base/text.h"
#include "core/monitor/monitor.h"
#include "effect/http/http.h"
#include "wire/event.h"
#include "wire/messages.h"
#include "wire/state.h"
#include "wire/status.h"

enum { LINES_MOST = 64 };

static const msec start_of_wall = SECONDS(1795330800);

struct story {
    const struct cluster *cluster;
    struct monitor monitor;
    struct monitor_plan plan;
    msec now;
    uint64_t sequence;
    uint64_t term; /* that was seen last: it never falls */
};

/* What is stored can be read again, and is the same. */
static void check_stored(struct story *story) {
    struct monitor_durable again;
    struct reason why = { "" };
    char *text = monitor_state_encode(story->cluster, &story->monitor.durable);
    size_t length = strlen(text);
    assert(length <= STATE_TEXT_MAX);
    enum rc rc = monitor_state_decode(story->cluster, text, length, &again, &why);
    assert(rc == RC_OK && !why.text[0]);
    char *second = monitor_state_encode(story->cluster, &again);
    assert(strcmp(text, second) == 0);
    free(text);
    free(second);
}

static void check_orders(const struct story *story, const struct orders *orders) {
    struct orders again;
    char *text = orders_encode(story->cluster, orders);
    enum rc rc = orders_decode(story->cluster, text, strlen(text), &again, NULL);
    assert(rc == RC_OK && again.term == orders->term && again.addresses == orders->addresses);
    assert(orders->lease <= story->cluster->lease.length);
    free(text);
}

static void check_told(const struct story *story) {
    const struct monitor_plan *plan = &story->plan;
    assert(plan->event_count <= MONITOR_EVENTS_MAX && plan->reply_count <= REPLIES_MAX);
    for (size_t i = 0; i < plan->event_count; i++)
        free(event_encode(story->cluster, &plan->events[i]));
    for (size_t i = 0; i < plan->reply_count; i++)
        free(command_reply_encode(story->cluster, &plan->replies[i]));
}

static void check_status(const struct story *story) {
    char *text = status_encode(&(struct status_source){ .monitor = &story->monitor,
                                                        .monitor_name = "mon1",
                                                        .now = story->now,
                                                        .wall = start_of_wall + story->now,
                                                        .since_wall = start_of_wall });
    assert(strlen(text) <= HTTP_ANSWER_MAX);
    free(text);
}

static void feed(struct story *story, struct monitor_event event) {
    struct monitor *monitor = &story->monitor;
    event.now = story->now;
    event.wall = start_of_wall + story->now;
    monitor_step(monitor, &event, &story->plan);
    assert(story->plan.deadline > story->now);
    assert(monitor->durable.term >= story->term);
    story->term = monitor->durable.term;
    if (story->plan.orders_set)
        check_orders(story, &story->plan.orders);
    if (story->plan.save)
        check_stored(story);
    check_told(story);
}

static void pass_time(struct story *story, msec length) {
    for (int i = 0; i < 4 && story->plan.deadline < story->now + length; i++) {
        length -= story->plan.deadline - story->now;
        story->now = story->plan.deadline;
        feed(story, (struct monitor_event){ .kind = MONITOR_TICK });
    }
    story->now += length;
    feed(story, (struct monitor_event){ .kind = MONITOR_TICK });
}

static void restart(struct story *story) {
    struct monitor_durable durable = story->monitor.durable;
    monitor_start(&story->monitor, story->cluster, &durable, story->now, start_of_wall + story->now);
    feed(story, (struct monitor_event){ .kind = MONITOR_TICK });
}

static void hear_check(struct story *story, const char *name, bool answers) {
    int host = cluster_host(story->cluster, name);
    if (host != HOST_NONE)
        feed(story, (struct monitor_event){
                        .kind = MONITOR_CHECK, .host = host, .answers = answers, .check_error = "no answer" });
}

static void hear_message(struct story *story, const char *line) {
    struct report report;
    struct command command;
    if (report_decode(story->cluster, line, strlen(line), &report, NULL) == RC_OK) {
        if (report.sequence == 0)
            report.sequence = ++story->sequence;
        feed(story, (struct monitor_event){ .kind = MONITOR_REPORT, .host = report.host, .report = &report });
    } else if (command_decode(story->cluster, line, strlen(line), &command, NULL) == RC_OK) {
        feed(story, (struct monitor_event){ .kind = MONITOR_COMMAND, .command = &command });
    }
}

static void tell(struct story *story, const char *line) {
    if (fuzz_pause(line) >= 0)
        pass_time(story, fuzz_pause(line));
    else if (text_starts_with(line, "answers "))
        hear_check(story, line + strlen("answers "), true);
    else if (text_starts_with(line, "silent "))
        hear_check(story, line + strlen("silent "), false);
    else if (text_equal(line, "restart"))
        restart(story);
    else
        hear_message(story, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct story story;
    char *text = fuzz_text(data, size), *rest = text;
    story = (struct story){ .cluster = fuzz_cluster(), .now = SECONDS(1000) };
    monitor_start(&story.monitor, story.cluster, NULL, story.now, start_of_wall + story.now);
    feed(&story, (struct monitor_event){ .kind = MONITOR_TICK });
    for (int i = 0; i < LINES_MOST; i++) {
        const char *line = fuzz_line(&rest);
        if (!line)
            break;
        tell(&story, line);
    }
    check_status(&story);
    free(text);
    return 0;
}
