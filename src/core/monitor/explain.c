#include "core/monitor/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/election/election.h"
#include "core/monitor/monitor_internal.h"

/* What the core cannot know, measured on killed servers (ARCHITECTURE.md, «Where the milliseconds go»). */
#define SEEN_MS ((msec)20)    /* the agent sees the process end, and reports */
#define PROMOTE_MS ((msec)25) /* standbys nudged and drained; orders, open, address, announcement */
/* What a fence program is given here: to ask for the power to be off, and to see it off. */
#define FENCE_MS SECONDS(1)

enum { ROUNDS = 12 }; /* of reports in one moment: more than the steps that may follow each other in it */

/* A play of one story. */
struct play {
    struct explain_room *room;
    struct explained_story *story;
    int lost;        /* HOST_NONE: there is no writer to lose */
    host_set actors; /* whose agents report */
    msec start, now, wall;
    msec lost_at, chosen_at;    /* NEVER: it did not come to that */
    bool moved;                 /* something was decided in this round */
    struct fence_request fence; /* asked for, and it succeeds at fence_at */
    msec fence_takes, fence_at; /* NEVER: none was asked for */
};

const char *explain_story_name(enum explain_story story) {
    switch (story) {
    case EXPLAIN_NOW:
        return "now";
    case EXPLAIN_SERVER_DIES:
        return "server-dies";
    case EXPLAIN_CUT_OFF:
        return "cut-off";
    }
    return "unknown";
}

bool explain_is_fresh(const struct monitor *monitor, msec asked, msec now) {
    const struct lease_spec *lease = &monitor->cluster->lease;
    for (int i = 0; i < monitor->cluster->host_count; i++)
        if (monitor_agent_reachable(monitor, i, now) &&
            monitor->hosts[i].heard_at < asked + lease->report + lease->report / 2)
            return false;
    return true;
}

msec explain_patience(const struct monitor *monitor) {
    return 4 * monitor->cluster->lease.report + SECONDS(1);
}

/* ---- the play ---- */

static void note_events(struct play *play) {
    const struct monitor_plan *plan = &play->room->plan;
    struct explained_story *story = play->story;
    play->moved = play->moved || plan->event_count || plan->nudge;
    for (size_t i = 0; i < plan->event_count; i++) {
        const struct event *event = &plan->events[i];
        bool lost = text_equal(event->name, "writer_lost"), chosen = text_equal(event->name, "writer_chosen");
        bool fetches = text_equal(event->name, "writer_fetches");
        if (text_equal(event->name, "fence_succeeded"))
            story->fence = play->fence_takes;
        if (play->chosen_at != NEVER || !(lost || chosen || fetches))
            continue;
        if (lost)
            play->lost_at = play->now;
        if (chosen) {
            play->chosen_at = play->now;
            story->chosen = event->host;
            const char *why = strchr(event->why, ':');
            TEXT_COPY(story->why, why ? why + 2 : event->why);
        }
        text_append(story->rules, sizeof story->rules, "%s%s", story->rules[0] ? ", " : "", event->rule);
    }
}

static void await_fence(struct play *play, const struct fence_request *request) {
    msec most = play->room->monitor.cluster->hosts[request->host].fence_timeout;
    play->fence = *request;
    play->fence_takes = most < FENCE_MS ? most : FENCE_MS;
    play->fence_at = play->now + play->fence_takes;
}

static void feed(struct play *play, struct monitor_event event) {
    event.now = play->now;
    event.wall = play->wall + (play->now - play->start);
    monitor_step(&play->room->monitor, &event, &play->room->plan);
    note_events(play);
    if (play->room->plan.fence_set)
        await_fence(play, &play->room->plan.fence);
}

static void fence_succeeds(struct play *play) {
    struct fence_result result = { .request = play->fence, .ended = true, .why = "as explain assumes" };
    play->fence_at = NEVER;
    feed(play, (struct monitor_event){ .kind = MONITOR_FENCE, .host = play->fence.host, .fence = &result });
}

/* An agent that does at once what it is told; time to apply is reckoned with apart. */
static void obey(struct report *report, const struct orders *orders) {
    struct replication *replication = &report->probe.replication;
    if (orders->term < report->term)
        return;
    report->term = orders->term;
    report->electable = orders->electable;
    if (orders->passive || report->process == PROCESS_EXITED)
        return;
    report->task = TASK_NONE;
    report->draining_done = orders->duty == DUTY_DRAIN;
    if (!report->draining_done)
        return;
    replication->receiving = replication->applying = THREAD_STOPPED;
    if (orders->source != HOST_NONE)
        (void)gtid_add(&report->probe.received, &orders->reach);
    report->probe.applied = report->probe.received;
}

static void hear(struct play *play, int host) {
    struct report *report = &play->room->reports[host];
    report->sequence++;
    feed(play, (struct monitor_event){ .kind = MONITOR_REPORT, .host = host, .report = report });
    if (!play->room->plan.orders_set)
        return;
    bool drained = report->draining_done;
    struct gtid_position received = report->probe.received;
    obey(report, &play->room->plan.orders);
    play->moved = play->moved || drained != report->draining_done || !gtid_equal(&received, &report->probe.received);
}

static void begin(struct play *play) {
    struct monitor *m = &play->room->monitor;
    struct mstep step = { .m = m, .plan = &play->room->plan, .now = play->now };
    for (int i = 0; i < m->cluster->host_count; i++) {
        struct report *report = &play->room->reports[i];
        *report = m->hosts[i].report;
        if (health_is_fresh(&step, i))
            play->actors |= set_of(i);
        /* A server that dies resets its connections; a cut is not noticed before slave_net_timeout. */
        if (i != play->lost && play->story->story == EXPLAIN_SERVER_DIES &&
            report->probe.replication.receiving == THREAD_RUNNING)
            report->probe.replication.receiving = THREAD_CONNECTING;
    }
    if (m->fence.running)
        await_fence(play, &m->fence.request);
    if (play->lost == HOST_NONE)
        return;
    struct report *report = &play->room->reports[play->lost];
    if (play->story->story == EXPLAIN_CUT_OFF)
        play->actors &= ~set_of(play->lost);
    report->process = PROCESS_EXITED;
    report->resigned = report->resigned || report->writer;
    report->writer = false;
    report->fenced = true;
    feed(play, (struct monitor_event){ .kind = MONITOR_CHECK, .host = play->lost, .check_error = "" });
}

/* Everything that can follow in one moment. */
static void play_moment(struct play *play) {
    play->moved = true;
    if (play->now >= play->fence_at)
        fence_succeeds(play);
    for (int round = 0; round < ROUNDS && play->moved && play->chosen_at == NEVER; round++) {
        play->moved = false;
        feed(play, (struct monitor_event){ .kind = MONITOR_TICK });
        for (int i = 0; i < play->room->monitor.cluster->host_count && play->chosen_at == NEVER; i++)
            if (set_has(play->actors, i))
                hear(play, i);
    }
}

/* Whoever has not been replaced when two leases have passed waits for a person. */
static void play_on(struct play *play) {
    const struct lease_spec *lease = &play->room->monitor.cluster->lease;
    msec end = play->start + 2 * lease->length + 4 * lease->report;
    for (play_moment(play); play->now < end && play->chosen_at == NEVER; play_moment(play)) {
        msec next = play->room->plan.deadline < play->fence_at ? play->room->plan.deadline : play->fence_at;
        play->now = next > play->now && next < play->now + lease->report ? next : play->now + lease->report;
    }
}

/* ---- what came of it ---- */

/* The time to apply is the lag, less what has been applied while the lease was waited for (transfer_is_suspect). */
static msec drain_time(const struct play *play, const struct monitor *m, int chosen) {
    msec lag = m->hosts[chosen].lag;
    msec meanwhile = play->chosen_at - play->start - m->cluster->lease.length / 2;
    if (!play->story->to_apply)
        return 0;
    if (lag < 0)
        return -1;
    msec left = meanwhile > 0 ? lag - meanwhile : lag;
    msec most = m->cluster->failover.drain_timeout;
    return left < 0 ? 0 : left > most ? most : left;
}

static void tell_loss(const struct play *play, const struct monitor *m) {
    struct explained_story *story = play->story;
    if (play->lost == HOST_NONE || !m->hosts[play->lost].heard)
        return;
    const struct probe *old = &m->hosts[play->lost].report.probe;
    const struct probe *new = &play->room->reports[story->chosen].probe;
    story->loss_known = true;
    story->loss = gtid_missing(&old->binlog, &new->received, story->loss_text, sizeof story->loss_text);
    msec apart = old->heartbeat_seen - new->heartbeat_seen;
    if (apart > 0 && new->heartbeat_seen && story->loss)
        story->heartbeats = (uint64_t)((apart + m->cluster->lease.report / 2) / m->cluster->lease.report);
    if (story->heartbeats > story->loss)
        story->heartbeats = story->loss;
}

static void tell_chosen(const struct play *play, const struct monitor *m) {
    struct explained_story *story = play->story;
    const struct probe *probe = &m->hosts[story->chosen].report.probe;
    char text[FACT_SIZE];
    story->to_apply = gtid_missing(&probe->received, &probe->applied, text, sizeof text);
    msec lost_at = play->lost_at == NEVER ? play->start : play->lost_at;
    story->detect = lost_at - play->start + (story->story == EXPLAIN_SERVER_DIES ? SEEN_MS : 0);
    story->lease = play->chosen_at - lost_at;
    story->drain = drain_time(play, m, story->chosen);
    story->promote = PROMOTE_MS;
    tell_loss(play, m);
}

static void tell_nobody(const struct play *play) {
    struct explained_story *story = play->story;
    struct monitor_event event = { .now = play->now, .wall = play->wall + (play->now - play->start) };
    struct mstep step = { .m = &play->room->monitor, .event = &event, .plan = &play->room->plan, .now = play->now };
    const struct monitor_durable *durable = &step.m->durable;
    bool watched = step.m->transfer.phase == TRANSFER_IDLE && durable->writer != HOST_NONE;
    const struct watch_row *watch = watched ? transfer_watch(&step) : NULL;
    const struct transfer_row *phase = watched ? NULL : transfer_phase(&step);
    TEXT_COPY(story->why, watched ? watch->why : phase->why);
    text_append(story->rules, sizeof story->rules, "%s%s", story->rules[0] ? ", " : "",
                watched ? watch->rule : phase->rule);
    if (durable->mode == MONITOR_PASSIVE)
        TEXT_COPY(story->why, "in PASSIVE mode no role moves");
    if (durable->mode != MONITOR_ACTIVE)
        TEXT_COPY(story->next, "mmm set-active");
}

static void tell_host(const struct mstep *step, const struct explained_story *story, int lost, int host,
                      const struct election_facts *election, struct explained_host *ret_host) {
    const struct candidate_row *row = transfer_candidate(step, host);
    const char *name = host_name(step, host);
    const struct host_durable *durable = &step->m->durable.hosts[host];
    TEXT_COPY(ret_host->rule, row->rule);
    TEXT_COPY(ret_host->why, row->why);
    if (host == lost) {
        TEXT_COPY(ret_host->why, "it is the one that is lost");
        return;
    }
    int other = filters_against(step->m, host);
    char filters[FILTERS_TEXT_SIZE];
    if (durable->holds)
        text_append(ret_host->why, sizeof ret_host->why, " (%.200s)", durable->hold_why);
    else if (text_equal(row->rule, "E17"))
        text_append(ret_host->why, sizeof ret_host->why, " (%u s)",
                    (unsigned)step->m->hosts[host].report.probe.replication.delay_s);
    else if (text_equal(row->rule, "E18") || text_equal(row->rule, "E26"))
        text_append(ret_host->why, sizeof ret_host->why, " (%s)", step->m->hosts[host].report.probe.settings.text);
    else if (text_equal(row->rule, "E16") && other != HOST_NONE) {
        filters_tell(step->m, host, other, filters, sizeof filters);
        text_append(ret_host->why, sizeof ret_host->why, " (%s)", filters);
    } else if (row->level == CANDIDATE_UNFIT && set_has(cluster_masters(step->m->cluster), host))
        text_append(ret_host->why, sizeof ret_host->why, " (%s)", host_state_name(durable->state));
    const char *at = strchr(row->next, '%');
    snprintf(ret_host->next, sizeof ret_host->next, "%.*s%s%s", at ? (int)(at - row->next) : (int)strlen(row->next),
             row->next, at ? name : "", at ? at + 2 : "");
    if (row->level != CANDIDATE_ELIGIBLE || host == story->chosen || story->chosen == HOST_NONE)
        return;
    const char *rule;
    const char *why = election_why_not(step->m->cluster, election, host, story->chosen, &rule);
    TEXT_COPY(ret_host->rule, rule);
    snprintf(ret_host->why, sizeof ret_host->why, "%s %s", why, host_name(step, story->chosen));
    snprintf(ret_host->next, sizeof ret_host->next, "set «prefer = %s» in the role, or change the order of its hosts",
             name);
    if (text_equal(rule, "E50"))
        ret_host->next[0] = 0;
}

static void tell_hosts(const struct monitor *m, struct play *play) {
    struct monitor_event event = { .now = play->start, .wall = play->wall };
    struct election_facts election = { 0 };
    /* The rows are asked of the state as it is, before the play. */
    play->room->monitor = *m;
    struct mstep step = { .m = &play->room->monitor, .event = &event, .plan = &play->room->plan, .now = play->start };
    for (int i = 0; i < m->cluster->host_count; i++)
        election.received[i] = &m->hosts[i].report.probe.received;
    for (int i = 0; i < m->cluster->host_count; i++)
        tell_host(&step, play->story, play->lost, i, &election, &play->story->hosts[i]);
}

static void tell_story(const struct monitor *m, enum explain_story which, msec now, msec wall,
                       struct explain_room *room, struct explained_story *ret_story) {
    struct play play = { .room = room,
                         .story = ret_story,
                         .lost = m->durable.writer,
                         .start = now,
                         .now = now,
                         .wall = wall,
                         .lost_at = NEVER,
                         .chosen_at = NEVER,
                         .fence_at = NEVER };
    *ret_story = (struct explained_story){ .story = which, .chosen = HOST_NONE };
    room->monitor = *m;
    begin(&play);
    play_on(&play);
    if (ret_story->chosen == HOST_NONE)
        tell_nobody(&play);
    else
        tell_chosen(&play, m);
    tell_hosts(m, &play);
}

void explain(const struct monitor *monitor, msec now, msec wall, struct explain_room *room,
             struct explanation *ret_explanation) {
    memset(ret_explanation, 0, sizeof *ret_explanation);
    ret_explanation->writer = monitor->durable.writer;
    for (int i = 0; i < monitor->cluster->host_count; i++)
        ret_explanation->age[i] = monitor->hosts[i].heard ? now - monitor->hosts[i].heard_at : -1;
    static const enum explain_story with_writer[] = { EXPLAIN_SERVER_DIES, EXPLAIN_CUT_OFF };
    bool there = monitor->durable.writer != HOST_NONE;
    ret_explanation->count = there ? 2 : 1;
    for (int i = 0; i < ret_explanation->count; i++)
        tell_story(monitor, there ? with_writer[i] : EXPLAIN_NOW, now, wall, room, &ret_explanation->stories[i]);
}
