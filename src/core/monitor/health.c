/* What the reports say about each host, and the state that follows from it (core/health/host_state.c has the table). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/monitor/monitor_internal.h"

enum { PROMISE_MOVES = 100 }; /* more than two reports of one and the same promise can differ by */

static const struct health_spec *spec(const struct mstep *step) {
    return &step->m->cluster->health;
}

bool health_is_fresh(const struct mstep *step, int host) {
    const struct host_view *view = &step->m->hosts[host];
    return view->heard && step->now - view->heard_at <= 3 * step->m->cluster->lease.report + 500;
}

/* ... at the most: then it may be the monitor that is cut off. */
bool health_hears_only(const struct mstep *step, int host) {
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (i != host && health_is_fresh(step, i))
            return false;
    return true;
}

/* The monitor's own beginning counts as a word of everybody: a writer that was cut off before it is found as soon. */
bool health_is_quiet(const struct mstep *step, int host) {
    const struct host_view *view = &step->m->hosts[host];
    return step->now - (view->heard ? view->heard_at : step->m->started_at) > step->m->cluster->lease.length / 2;
}

bool health_is_silent(const struct mstep *step, int host) {
    const struct host_view *view = &step->m->hosts[host];
    return !view->heard || step->now - view->heard_at > step->m->cluster->lease.length;
}

bool health_server_answers(const struct mstep *step, int host) {
    const struct host_view *view = &step->m->hosts[host];
    const struct report *report = &view->report;
    if (!view->heard || report->process == PROCESS_EXITED || report->process == PROCESS_ABSENT)
        return false;
    return report->probe.answered && (report->silent <= spec(step)->answer_timeout || view->outside_answers);
}

bool health_is_alive(const struct mstep *step, int host) {
    return !health_is_silent(step, host) && health_server_answers(step, host);
}

/* «Connecting» is not replicating, and replicating from somebody else is not replicating from the writer; but for a
 * replica that gets it from another replica. */
static bool threads_run(const struct mstep *step, int host) {
    const struct replication *replication = &step->m->hosts[host].report.probe.replication;
    int source = sources_expected(step, host);
    return source != HOST_NONE && replication->configured && replication->receiving == THREAD_RUNNING &&
           replication->applying == THREAD_RUNNING &&
           ip_equal(&replication->source_address, &step->m->cluster->hosts[source].address);
}

/* A thread that has stopped with an error is broken at once; one that is between two connections gets a moment. */
bool health_is_replicating(const struct mstep *step, int host) {
    const struct host_view *view = &step->m->hosts[host];
    const struct replication *replication = &view->report.probe.replication;
    if (threads_run(step, host))
        return true;
    bool stopped = replication->receiving == THREAD_STOPPED || replication->applying == THREAD_STOPPED;
    if (stopped && replication->error_number)
        return false;
    return view->broken_at != NEVER && step->now - view->broken_at < spec(step)->answer_timeout;
}

/* Both stamps are the writer's wall clock, so that no other clock matters.  The one before the last counts: the last
 * may still be on its way.  Unknown is -1, never 0. */
static msec lag_of(const struct mstep *step, int host) {
    const struct probe *probe = &step->m->hosts[host].report.probe;
    msec written = step->m->writer_heartbeat_before;
    if (host == step->m->durable.writer)
        return 0;
    if (!written || !probe->heartbeat_seen)
        return -1;
    return probe->heartbeat_seen >= written ? 0 : written - probe->heartbeat_seen;
}

static void note_writer(struct mstep *step, const struct report *report) {
    struct monitor *m = step->m;
    if (report->probe.canary_written && report->probe.heartbeat_seen != m->writer_heartbeat) {
        m->writer_heartbeat_before = m->writer_heartbeat;
        m->writer_heartbeat = report->probe.heartbeat_seen;
    }
    if (report->term == m->durable.term && !report->writer) {
        if (m->hosts[report->host].not_holding_at == NEVER)
            m->hosts[report->host].not_holding_at = step->now;
    } else {
        m->hosts[report->host].not_holding_at = NEVER;
    }
}

/* A commit that waits at the writer is in its binary log, and with its replicas, before MySQL counts it as executed.
 * Where none comes through, what replicas have and the writer seems to lack is old and no transaction of their own. */
static void forget_snapshots(struct monitor *m) {
    for (int i = 0; i < m->cluster->host_count; i++)
        m->hosts[i].own_snapshot_at = NEVER;
}

/* What a host has that the writer has not: its state is noted first and compared with a later one of the writer's,
 * since the other way round the writer would seem to lack what it wrote in between. */
static void compare_with_writer(struct mstep *step, int writer) {
    struct monitor *m = step->m;
    const struct report *report = &m->hosts[writer].report;
    if (!m->serving || report->silent || !report->probe.answered || report->probe.kept || report->task != TASK_NONE)
        return;
    if (report->unacknowledged || report->canary_failing) {
        forget_snapshots(m);
        return;
    }
    for (int i = 0; i < m->cluster->host_count; i++) {
        struct host_view *view = &m->hosts[i];
        if (i == writer || view->own_snapshot_at == NEVER ||
            step->now - view->own_snapshot_at < HEALTH_COMPARE_AFTER(step))
            continue;
        char text[FACT_SIZE];
        struct gtid_position known = report->probe.binlog;
        (void)gtid_add(&known, &view->own_accepted); /* without room for it the host is held again */
        uint64_t own = gtid_own(&view->own_snapshot, &known, text, sizeof text);
        view->own_none_at = own ? 0 : view->own_snapshot_at;
        view->own_snapshot_at = NEVER;
        if (own && !(m->durable.hosts[i].holds & HOLD_OWN_TRANSACTIONS))
            health_hold(step, i, HOLD_OWN_TRANSACTIONS, "H90", "has %llu transaction%s that %s does not have: %.100s",
                        (unsigned long long)own, own == 1 ? "" : "s", host_name(step, writer), text);
    }
}

/* Of the present writer, and by reports of the right order. */
bool health_has_nothing_own(const struct mstep *step, int host) {
    msec known = step->m->hosts[host].own_none_at;
    return step->m->serving && known && known >= step->m->serving_since;
}

static void note_stranger(struct mstep *step, const struct report *report) {
    struct monitor *m = step->m;
    if (report->stranger.address < 0)
        return;
    for (int i = 0; i < m->cluster->host_count; i++)
        if (m->hosts[i].heard && mac_equal(&m->hosts[i].report.mac, &report->stranger.mac))
            return; /* one of ours: an address on its way from there */
    if (m->stranger.address == report->stranger.address && mac_equal(&m->stranger.mac, &report->stranger.mac) &&
        step->now - m->stranger_at < SECONDS(60)) {
        m->stranger_at = step->now;
        return;
    }
    m->stranger = report->stranger;
    m->stranger_at = step->now;
    char ip[IP_TEXT_MAX], mac[MAC_TEXT_MAX];
    ip_format(&m->cluster->addresses[report->stranger.address].ip, ip);
    mac_format(&report->stranger.mac, mac);
    mstep_event(step, "H91", "address_stranger", report->host, m->cluster->addresses[report->stranger.address].role,
                "%s is also answered for by %s, which is no host of this cluster: find that machine", ip, mac);
}

/* A writer is judged by the transfer, and the last writer, when nobody was promoted after it, lacks nothing. */
static void hold_crashed(struct mstep *step, int host, const char *what) {
    const struct monitor_durable *durable = &step->m->durable;
    bool last = durable->writer == HOST_NONE && host == durable->last_writer;
    if (host == durable->writer || last || durable->last_writer == HOST_NONE ||
        durable->hosts[host].holds & HOLD_UNCLEAN_RESTART)
        return;
    health_hold(step, host, HOLD_UNCLEAN_RESTART, "H93", "%s: what it has is to be compared with the writer", what);
}

/* This run of its agent has told of each crash; NULL: of none since. */
static const char *judge_crashes(struct mstep *step, const struct report *report) {
    struct seen_server *seen = &step->m->durable.hosts[report->host].server;
    if (seen->pid == 0 || seen->by != report->incarnation || seen->crashes == report->crashes)
        return NULL;
    seen->crashes = report->crashes;
    step->changed = true;
    return "its server did not stop in order";
}

/* NULL: it is the one that was seen before.  Was it started again while nobody looked, perhaps after a crash of the
 * machine, what it had received and acknowledged in the last moments may be gone, without its agent knowing of it
 * either. Machines and containers start alike: the process may have the number of the one before, but not its start;
 * and clocks are set back and forth. */
static const char *judge_start(struct mstep *step, const struct report *report) {
    enum { LATE = 5000 }; /* a report comes after it was true, and each agent rounds to a second */
    struct seen_server *seen = &step->m->durable.hosts[report->host].server;
    const struct probe *probe = &report->probe;
    bool same = probe->pid == seen->pid, watched = seen->by == report->incarnation;
    if (!probe->answered || probe->pid == 0 || (same && watched && probe->kept))
        return NULL;
    msec looked_at = step->event->wall - report->silent;
    bool sane = looked_at > 0 && probe->uptime_s < (uint64_t)looked_at / 1000;
    msec started = sane ? looked_at - SECONDS((msec)probe->uptime_s) : 0;
    bool moved = started > seen->started + LATE || started < seen->started - LATE;
    bool other = seen->pid != 0 && (!same || moved) && !watched;
    if (!same || moved || !watched) {
        *seen = (struct seen_server){
            .pid = probe->pid, .started = started, .by = report->incarnation, .crashes = report->crashes
        };
        step->changed = true;
    }
    bool counts =
        step->m->cluster->durability == DURABILITY_LOSSLESS && set_has(cluster_masters(step->m->cluster), report->host);
    return other && counts ? "its server was started again while nobody looked" : NULL;
}

/* Read-only, and said in the present term: nothing can be added any more, and it is no late word from before. */
static bool is_complete_word(const struct mstep *step, const struct report *report) {
    return report->term == step->m->durable.term && !report->writer && report->probe.answered &&
           report->probe.read_only && report->task == TASK_NONE;
}

void health_report(struct mstep *step, int host) {
    struct monitor *m = step->m;
    struct host_view *view = &m->hosts[host];
    const struct report *report = step->event->report;
    if (view->heard && !gtid_reached(&report->probe.received, &view->report.probe.received))
        view->moved_at = step->now;
    /* A promise is renewed while its end moves on; reports come at the same pace, so what is left may stay the same. */
    msec promised_until = step->now + report->promised_left;
    bool same_run = view->heard && view->report.incarnation == report->incarnation; /* a start looks like a promise */
    if (same_run && report->promised_left > 0 && promised_until > view->promised_until + PROMISE_MOVES)
        view->promised_at = step->now;
    /* One that is over may have been renewed since it was told of last: it ended before this report at the latest. When
     * it ended stays known, for whoever has lived on it is waited for a margin longer (placement.c). */
    if (report->promised_left > 0)
        view->promised_until = promised_until;
    else if (view->heard && view->report.promised_left > 0)
        view->promised_until = step->now;
    const char *crashed = judge_crashes(step, report), *restarted = judge_start(step, report);
    if (!view->heard || view->report.incarnation != report->incarnation)
        view->incarnation_at = step->now;
    report_copy(&view->report, report);
    view->heard = true;
    view->heard_at = step->now;
    if (host == m->durable.writer) {
        note_writer(step, report);
        compare_with_writer(step, host);
    } else if (view->own_snapshot_at == NEVER && is_complete_word(step, report)) {
        /* A delayed one will have, in time, what it has received. */
        gtid_copy(&view->own_snapshot, sources_is_delayed(m, host) ? &report->probe.received : &report->probe.binlog);
        view->own_snapshot_at = step->now;
    }
    note_stranger(step, report);
    if (crashed)
        hold_crashed(step, host, crashed);
    if (restarted)
        hold_crashed(step, host, restarted);
}

void health_check(struct mstep *step, int host) {
    struct host_view *view = &step->m->hosts[host];
    view->outside_known = true;
    view->outside_answers = step->event->answers;
    TEXT_COPY(view->outside_error, step->event->answers ? "" : step->event->check_error);
}

void health_hold(struct mstep *step, int host, enum hold_reason reason, const char *rule, const char *format, ...) {
    struct host_durable *durable = &step->m->durable.hosts[host];
    char why[FACT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    durable->holds |= reason;
    if (reason &
        (HOLD_UNCLEAN_RESTART | HOLD_DOWN_LONG)) { /* what was compared before says nothing about the time since */
        step->m->hosts[host].own_snapshot_at = NEVER;
        step->m->hosts[host].own_none_at = 0;
    }
    text_append(durable->hold_why, sizeof durable->hold_why, "%s%s", durable->hold_why[0] ? "; " : "", why);
    step->changed = true;
    mstep_event(step, rule, "host_held", host, -1, "%s", why);
}

void health_release(struct mstep *step, int host) {
    struct host_durable *durable = &step->m->durable.hosts[host];
    durable->holds = 0;
    durable->hold_why[0] = 0;
    memset(durable->departures, 0, sizeof durable->departures);
    step->m->hosts[host].own_snapshot_at = NEVER;
    step->changed = true;
}

static void note_departure(struct host_durable *durable, msec wall) {
    memmove(&durable->departures[1], &durable->departures[0],
            sizeof durable->departures - sizeof durable->departures[0]);
    durable->departures[0] = wall;
}

static bool is_flapping(const struct mstep *step, int host) {
    const struct host_durable *durable = &step->m->durable.hosts[host];
    unsigned count = 0;
    for (size_t i = 0; i < DEPARTURES_MAX; i++)
        if (durable->departures[i] && step->event->wall - durable->departures[i] <= spec(step)->flap_window)
            count++;
    return count > spec(step)->flap_count;
}

void health_set_state(struct mstep *step, int host, enum host_state to, const char *rule, const char *why) {
    struct host_durable *durable = &step->m->durable.hosts[host];
    enum host_state from = durable->state;
    if (from == to)
        return;
    if (from == HOST_ONLINE && to != HOST_ADMIN_OFFLINE)
        note_departure(durable, step->event->wall);
    durable->state = to;
    durable->since = step->event->wall;
    step->changed = true;
    mstep_event(step, rule, "host_state", host, -1, "%s -> %s: %s", host_state_name(from), host_state_name(to), why);
}

/* It grows by the host's own word: an older one beside a newer stamp of the writer would tell of more than there is. */
static void judge_lag(struct mstep *step, int host) {
    struct host_view *view = &step->m->hosts[host];
    bool has_spoken = step->event->kind == MONITOR_REPORT && step->event->host == host;
    msec lag = lag_of(step, host);
    if (has_spoken || lag < view->lag)
        view->lag = lag;
    if (view->lag >= 0)
        view->late = view->lag > (view->late ? spec(step)->lag_back : spec(step)->lag_max);
    if (threads_run(step, host))
        view->broken_at = NEVER;
    else if (view->broken_at == NEVER)
        view->broken_at = step->now;
}

/* When not one agent is heard it is the monitor's own network that is gone, and nobody is judged. */
static bool is_monitor_deaf(const struct mstep *step) {
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (!health_is_silent(step, i))
            return false;
    return true;
}

static void collect_facts(const struct mstep *step, int host, bool deaf, struct state_facts *facts) {
    const struct monitor *m = step->m;
    const struct host_view *view = &m->hosts[host];
    const struct host_durable *durable = &m->durable.hosts[host];
    /* An agent that has just started reports before its first look at the server: that says nothing about the server.
     */
    bool told = view->heard && view->report.process != PROCESS_UNKNOWN;
    msec since = view->incarnation_at > m->started_at ? view->incarnation_at : m->started_at;
    bool started_long_ago = step->now - since > m->cluster->lease.length;
    bool handing_over = m->transfer.planned && m->transfer.phase == TRANSFER_RELEASE && host == m->transfer.from;
    *facts = (struct state_facts){
        .known = (told || started_long_ago) && !deaf,
        .alive = health_is_alive(step, host),
        .writer = host == m->durable.writer || handing_over,
        .last_writer = m->durable.writer == HOST_NONE && host == m->durable.last_writer,
        .held = durable->holds != 0,
        .flapping = is_flapping(step, host),
        .down_long = durable->state == HOST_HARD_OFFLINE && step->event->wall - durable->since > spec(step)->down_short,
        .judged = m->serving && host != m->durable.writer && health_is_fresh(step, m->durable.writer),
        .settled = m->serving &&
                   (step->now - m->serving_since >= spec(step)->settle || view->report.probe.replication.apply_failed),
        .replicating = health_is_replicating(step, host),
        .late = !sources_is_delayed(m, host) && (view->late || (durable->state != HOST_ONLINE && view->lag < 0)),
    };
}

static void judge_host(struct mstep *step, int host, bool deaf) {
    struct state_facts facts;
    collect_facts(step, host, deaf, &facts);
    struct host_durable *durable = &step->m->durable.hosts[host];
    const struct state_row *row = host_state_decide(durable->state, &facts);
    if (row->to == durable->state)
        return;
    char why[WHY_SIZE];
    const struct report *report = &step->m->hosts[host].report;
    TEXT_COPY(why, row->why);
    if (row->to == HOST_HARD_OFFLINE)
        text_append(why, sizeof why, " (%s)", health_is_silent(step, host) ? "agent silent" : "server does not answer");
    if (row->to == HOST_REPLICATION_FAIL && report->probe.replication.error_number)
        text_append(why, sizeof why, " (error %u: %s)", report->probe.replication.error_number,
                    report->probe.replication.error);
    if (row->to == HOST_AWAITING_RECOVERY && !facts.held) {
        if (facts.flapping)
            health_hold(step, host, HOLD_FLAPPING, row->rule, "left ONLINE more than %u times in the flapping window",
                        spec(step)->flap_count);
        else
            health_hold(step, host, HOLD_DOWN_LONG, row->rule, "was away for %lld s",
                        (long long)((step->event->wall - durable->since) / 1000));
    }
    health_set_state(step, host, row->to, row->rule, why);
}

/* All that it has is the present writer's too, so nothing that it did alone can be kept alive by letting it back. */
static void end_verified(struct mstep *step, int host) {
    struct host_durable *durable = &step->m->durable.hosts[host];
    unsigned ends = spec(step)->recovery == RECOVERY_VERIFIED ? HOLDS_VERIFIABLE : HOLDS_UNTIL_COMPARED;
    if (!durable->holds || durable->holds & ~ends || step->m->transfer.phase != TRANSFER_IDLE ||
        !health_is_alive(step, host) || !health_has_nothing_own(step, host))
        return;
    mstep_event(step, "H92", "host_verified", host, -1, "everything that it has is on %s too; ended: %.200s",
                host_name(step, step->m->durable.writer), durable->hold_why);
    durable->holds = 0;
    durable->hold_why[0] = 0;
    step->changed = true;
}

static void set_check(struct mstep *step, int host, enum host_check check, bool ok, const char *message) {
    struct check_view *view = &step->m->hosts[host].checks[check];
    if (!view->changed || view->ok != ok)
        view->changed = step->event->wall;
    view->ok = ok;
    view->message[0] = 0;
    if (!ok)
        TEXT_COPY(view->message, message);
}

static void note_checks(struct mstep *step, int host) {
    const struct host_view *view = &step->m->hosts[host];
    const struct replication *replication = &view->report.probe.replication;
    bool writer = host == step->m->durable.writer;
    bool reached = !health_is_silent(step, host) || view->outside_answers;
    set_check(step, host, CHECK_PING, reached, "neither its agent nor its server is heard");
    bool answers = health_is_silent(step, host) ? view->outside_answers : health_server_answers(step, host);
    set_check(step, host, CHECK_MYSQL, answers,
              view->report.probe.error[0] ? view->report.probe.error : "its server does not answer");
    set_check(step, host, CHECK_REP_THREADS, writer || threads_run(step, host),
              replication->error[0] ? replication->error : "replication from the writer does not run");
    bool in_time = writer || sources_is_delayed(step->m, host) || (view->lag >= 0 && !view->late);
    char message[FACT_SIZE] = "the lag is not known";
    if (!in_time && view->lag >= 0)
        snprintf(message, sizeof message, "%lld ms behind", (long long)view->lag);
    set_check(step, host, CHECK_REP_BACKLOG, in_time, message);
    int other = filters_against(step->m, host);
    char filters[FILTERS_TEXT_SIZE] = "";
    if (other != HOST_NONE)
        filters_tell(step->m, host, other, filters, sizeof filters);
    bool unsafe = set_has(cluster_masters(step->m->cluster), host) && settings_have(step->m, host, UNSAFE_ALL);
    set_check(step, host, CHECK_SETTINGS, !unsafe, view->report.probe.settings.text);
    set_check(step, host, CHECK_FILTERS, other == HOST_NONE, filters);
}

/* While a writer serves, what a standby has lost is fetched again, and it is out of the electable set until then.  With
 * no writer it may be what a client was told OK for, and this host is no proof that it never was. */
static void judge_received(struct mstep *step, int host) {
    struct monitor *m = step->m;
    const struct host_view *view = &m->hosts[host];
    const struct gtid_position *lacks = &view->report.lacks;
    unsigned *holds = &m->durable.hosts[host].holds;
    if (view->heard && lacks->count == 0)
        m->hosts[host].lack_accepted = false;
    if (m->durable.writer == HOST_NONE && lacks->count && !view->lack_accepted && !(*holds & HOLD_LOST_RECEIVED)) {
        char had[FACT_SIZE / 2], has[FACT_SIZE / 2];
        gtid_format(lacks, had, sizeof had);
        gtid_format(&view->report.probe.received, has, sizeof has);
        health_hold(step, host, HOLD_LOST_RECEIVED, "H94",
                    "had received %.50s and has only %.50s: its relay log is lost", had, has);
    }
    /* A hold for the crash that lost it goes its own way: by a comparison (end_verified). */
    bool judged = *holds & HOLD_LOST_RECEIVED && !(*holds & ~(unsigned)(HOLD_LOST_RECEIVED | HOLD_UNCLEAN_RESTART));
    if (judged && m->serving && host != m->durable.writer &&
        gtid_reached(lacks, &m->hosts[m->durable.writer].report.probe.applied)) {
        if (*holds == HOLD_LOST_RECEIVED)
            health_release(step, host);
        *holds &= ~(unsigned)HOLD_LOST_RECEIVED;
        step->changed = true;
        mstep_event(step, "H95", "hold_ended", host, -1, "%s has what it lost, and it fetches that again",
                    host_name(step, m->durable.writer));
    }
}

void health_run(struct mstep *step) {
    bool deaf = is_monitor_deaf(step);
    for (int i = 0; i < step->m->cluster->host_count; i++) {
        judge_lag(step, i);
        judge_received(step, i);
        if (step->m->durable.mode != MONITOR_PASSIVE) {
            end_verified(step, i);
            judge_host(step, i, deaf);
        }
        note_checks(step, i);
    }
}
