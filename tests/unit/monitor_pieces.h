/* One monitor on a desk: reports by hand, or from hosts that do at once what they are told. */
#ifndef MMM_TESTS_MONITOR_PIECES_H
#define MMM_TESTS_MONITOR_PIECES_H

#include "core_pieces.h"

#include "core/monitor/monitor.h"

enum { HOSTS = 3 };

static struct cluster cluster;
static struct monitor monitor;
static struct monitor_plan plan;
static msec now;
static struct report reports[HOSTS];
static bool heard[HOSTS];          /* turn() lets this host report */
static msec server_started[HOSTS]; /* hear() tells how long it has been up */
static bool obedient[HOSTS];       /* ... and do what it is told */
static host_set nudged;            /* since the last turn() */
static struct command_reply reply;
static char events[4096];   /* the names of all events so far, each with a blank before and behind */
static const char *watched; /* the name of an event ... */
static struct event noted;  /* ... and the first of that name since watch() */
static bool saved_late;     /* orders of a new term were sent by a plan that did not save it */
static uint64_t term_saved;
static void (*obeyed)(int host, const struct orders *orders); /* what a test adds to do_as_told() */

static inline void note_event(const struct event *event) {
    text_append(events, sizeof events, " %s ", event->name);
    if (!watched || !text_equal(event->name, watched))
        return;
    noted = *event;
    watched = NULL;
}

static inline void step(struct monitor_event event) {
    event.now = now;
    event.wall = SECONDS(1700000000) + now;
    monitor_step(&monitor, &event, &plan);
    nudged |= plan.nudge;
    if (plan.reply_count)
        reply = plan.replies[plan.reply_count - 1];
    for (size_t i = 0; i < plan.event_count; i++)
        note_event(&plan.events[i]);
    if (plan.save)
        term_saved = monitor.durable.term;
    if (plan.orders_set && plan.orders.term != term_saved)
        saved_late = true;
}

/* From now on the first event of this name is kept in «noted». */
static inline void watch(const char *name) {
    watched = name;
    noted = (struct event){ .host = HOST_NONE };
}

static inline bool has_event(const char *name) {
    char word[64];
    snprintf(word, sizeof word, " %s ", name);
    return strstr(events, word) != NULL;
}

static inline void hear(int host) {
    reports[host].sequence++;
    reports[host].probe.uptime_s = (uint64_t)(now - reports[host].silent - server_started[host]) / 1000;
    step((struct monitor_event){ .kind = MONITOR_REPORT, .host = host, .report = &reports[host] });
}

static inline void do_as_told(int host, const struct orders *orders) {
    struct report *report = &reports[host];
    struct replication *replication = &report->probe.replication;
    if (orders->term < report->term)
        return;
    if (orders->term > report->term)
        report->resigned = false;
    report->term = orders->term;
    report->electable = orders->electable;
    if (orders->passive)
        return;
    report->writer = orders->duty == DUTY_WRITER;
    report->fenced = !report->writer;
    report->probe.read_only = !report->writer;
    report->addresses = orders->addresses;
    report->draining_done = orders->duty == DUTY_DRAIN || orders->duty == DUTY_WRITER;
    if (report->draining_done)
        replication->receiving = replication->applying = THREAD_STOPPED;
    if (orders->source != HOST_NONE && orders->duty == DUTY_STANDBY)
        *replication = (struct replication){ .configured = true,
                                             .source_address = cluster.hosts[orders->source].address,
                                             .source_port = 3306,
                                             .receiving = THREAD_RUNNING,
                                             .applying = THREAD_RUNNING };
    report->probe.canary_tried = report->probe.canary_written = report->writer;
    report->probe.heartbeat_seen = SECONDS(1700000000) + now;
    if (obeyed)
        obeyed(host, orders);
}

/* A tenth of a second: every host that is heard reports, and again when it was nudged or has obeyed. */
static inline void turn(void) {
    now += 100;
    for (int i = 0; i < HOSTS; i++)
        for (int n = 0; n < 2 && heard[i]; n++) {
            hear(i);
            if (obedient[i] && plan.orders_set)
                do_as_told(i, &plan.orders);
            else if (plan.orders_set && reports[i].process == PROCESS_EXITED)
                reports[i].term = plan.orders.term; /* its server is dead, its agent is not */
        }
    step((struct monitor_event){ .kind = MONITOR_TICK });
}

static inline void turns(msec length) {
    for (msec end = now + length; now < end;)
        turn();
}

static inline void start_monitor(const struct monitor_durable *durable) {
    memset(reports, 0, sizeof reports);
    cluster = core_cluster(HOSTS);
    now = 100000;
    nudged = 0;
    events[0] = 0;
    saved_late = false;
    reply = (struct command_reply){ .id = 0 };
    term_saved = durable ? durable->term : 0;
    for (int i = 0; i < HOSTS; i++) {
        heard[i] = obedient[i] = true;
        server_started[i] = now - SECONDS(86400);
        reports[i] = (struct report){ .host = i,
                                      .incarnation = 7,
                                      .process = PROCESS_RUNNING,
                                      .fenced = true,
                                      .electable = 3,
                                      .stranger = { .address = -1 },
                                      .mac = { .bytes = { 2, 0, 0, 0, 0, (uint8_t)i } },
                                      .probe = { .answered = true, .pid = 100, .read_only = true } };
    }
    monitor_start(&monitor, &cluster, durable, now, SECONDS(1700000000) + now);
}

/* db1 is writer and serves for so long that replication is judged. */
static inline void start_serving(void) {
    start_monitor(NULL);
    turns(SECONDS(30));
    assert_int_equal(monitor.durable.writer, DB1);
    assert_true(monitor.serving);
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(monitor.durable.hosts[i].state, HOST_ONLINE);
    events[0] = 0;
}

static inline void kill_server_of(int host) {
    struct report *report = &reports[host];
    obedient[host] = false;
    report->process = PROCESS_EXITED;
    report->resigned = report->writer;
    report->writer = false;
    report->fenced = true;
}

static inline void command(struct command command) {
    static uint64_t id;
    command.id = ++id;
    TEXT_COPY(command.who, "anna");
    reply = (struct command_reply){ .id = 0 };
    step((struct monitor_event){ .kind = MONITOR_COMMAND, .command = &command });
}

static inline bool turns_until_writer(int host, msec most) {
    for (msec end = now + most; now < end; turn())
        if (monitor.durable.writer == host && monitor.serving)
            return true;
    return false;
}

#endif
