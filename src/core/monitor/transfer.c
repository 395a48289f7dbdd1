/* The writer role leaves one host and reaches another.  The decisions are tables (core/transfer): here the facts for
 * them are collected, and what a row says is done. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/election/election.h"
#include "core/monitor/monitor_internal.h"

static const struct failover_spec *spec(const struct mstep *step) {
    return &step->m->cluster->failover;
}

static int writer_role(const struct mstep *step) {
    return cluster_writer_role(step->m->cluster);
}

static void begin(struct mstep *step, const struct transfer *transfer) {
    step->m->transfer = *transfer;
    step->m->transfer.started = step->now;
}

void transfer_begin_failover(struct mstep *step, int from, const char *cause) {
    begin(step, &(struct transfer){
                    .phase = TRANSFER_RELEASE,
                    .from = from,
                    .to = HOST_NONE,
                    .fetch_from = HOST_NONE,
                    .avoid = HOST_NONE,
                    .deadline = step->now + spec(step)->drain_timeout,
                });
    TEXT_COPY(step->m->transfer.cause, cause);
}

static void watch_writer(struct mstep *step) {
    struct monitor *m = step->m;
    int writer = m->durable.writer;
    const struct watch_row *row = transfer_watch(step);
    mstep_deadline(step, m->granted_until);
    switch (row->action) {
    case WATCH_STAY:
        return;
    case WATCH_RENEW:
        m->durable.term++;
        step->changed = true;
        mstep_event(step, row->rule, "writer_renewed", writer, writer_role(step), "%s", row->why);
        return;
    case WATCH_TAKE:
    case WATCH_REPLACE:
    case WATCH_LOST:
        break;
    }
    bool interrupted = m->transfer.planned && m->transfer.phase != TRANSFER_IDLE;
    if (interrupted)
        mstep_reply(step, m->transfer.command, RC_REFUSED,
                    "%s failed in the middle of the switchover: %s; a failover has begun", host_name(step, writer),
                    row->why);
    lease_take(step, row->action == WATCH_LOST);
    transfer_begin_failover(step, writer, row->why);
    m->transfer.replaced = row->action == WATCH_REPLACE;
    mstep_event(step, row->rule, "writer_lost", writer, writer_role(step), "%s", row->why);
}

/* Before the first writer: a server that is writable already is the one that applications use. */
static int find_open_server(const struct mstep *step, bool *ret_several) {
    int open = HOST_NONE;
    *ret_several = false;
    for (int i = 0; i < step->m->cluster->host_count; i++) {
        const struct host_view *view = &step->m->hosts[i];
        if (!view->heard || !view->report.probe.answered || view->report.probe.read_only)
            continue;
        *ret_several = open != HOST_NONE;
        open = i;
    }
    return open;
}

static void hold_diverged(struct mstep *step, const char *rule) {
    host_set diverged = transfer_diverged(step);
    for (int i = 0; i < step->m->cluster->host_count; i++)
        for (int k = 0; k < step->m->cluster->host_count; k++) {
            char text[FACT_SIZE];
            bool both = set_has(diverged, i) && set_has(diverged, k) && i != k;
            uint64_t own = both ? transfer_own_over(step, i, k, text, sizeof text) : 0;
            if (own)
                health_hold(step, i, HOLD_OWN_TRANSACTIONS, rule, "has %llu transaction%s that %s does not have: %.80s",
                            (unsigned long long)own, own == 1 ? "" : "s", host_name(step, k), text);
        }
}

static void enter(struct mstep *step, enum transfer_phase phase, msec limit) {
    step->m->transfer.phase = phase;
    step->m->transfer.deadline = limit == NEVER ? NEVER : step->now + limit;
    if (limit != NEVER)
        mstep_deadline(step, step->m->transfer.deadline);
}

static void finish(struct mstep *step) {
    struct transfer *transfer = &step->m->transfer;
    *transfer = (struct transfer){ .from = HOST_NONE, .to = HOST_NONE, .fetch_from = HOST_NONE, .avoid = HOST_NONE };
}

void transfer_abandon(struct mstep *step, const char *why) {
    mstep_reply(step, step->m->transfer.command, RC_REFUSED, "the switchover ends here: %s", why);
    finish(step);
}

/* The old writer of a failover is held: it may have acknowledged what nobody else has.  The evidence comes when it
 * does. */
static void hold_old_writer(struct mstep *step, int to) {
    const struct transfer *transfer = &step->m->transfer;
    if (transfer->planned || transfer->from == HOST_NONE || transfer->from == to || transfer->avoid == transfer->from)
        return;
    if (!(step->m->durable.hosts[transfer->from].holds & HOLD_LOST_WRITER))
        health_hold(step, transfer->from, HOLD_LOST_WRITER, "T33", "was the writer and was lost: %.80s; %s took over",
                    transfer->cause[0] ? transfer->cause : "while the monitor was away", host_name(step, to));
}

static void promote(struct mstep *step, int to, const char *rule, const char *why) {
    struct monitor *m = step->m;
    struct transfer *transfer = &m->transfer;
    hold_old_writer(step, to);
    if (!transfer->planned && transfer->from != HOST_NONE && transfer->from != to)
        m->durable.failover_wall = step->event->wall;
    transfer->to = to;
    lease_give(step, to);
    enter(step, TRANSFER_PROMOTE, transfer->planned ? spec(step)->switchover_timeout : spec(step)->drain_timeout);
    mstep_event(step, rule, "writer_chosen", to, writer_role(step), "%s becomes writer: %s", host_name(step, to), why);
}

static void give_first_role(struct mstep *step, const struct election *election, const char *rule, const char *why) {
    bool several;
    int open = find_open_server(step, &several);
    if (several) {
        struct monitor_durable *durable = &step->m->durable;
        durable->mode = MONITOR_PASSIVE;
        TEXT_COPY(durable->passive_cause,
                  "more than one server is writable, and nobody was ever writer: make all but one "
                  "read-only, then mmm set-active");
        step->changed = true;
        finish(step);
        mstep_event(step, "T34", "mode_passive", HOST_NONE, -1, "%s", durable->passive_cause);
        return;
    }
    if (open != HOST_NONE && transfer_may_take_over(step, open))
        promote(step, open, rule, "its server is the one that is writable already");
    else if (open == HOST_NONE)
        promote(step, election->chosen, rule, why);
}

/* What a host has in the time of this writer is not what was given up with the ones before it. */
static void forget_given_up(struct mstep *step) {
    struct monitor_durable *durable = &step->m->durable;
    host_set before = durable->done_without;
    for (int i = 0; i < step->m->cluster->host_count; i++)
        if (durable->hosts[i].state != HOST_ADMIN_OFFLINE)
            durable->done_without &= ~set_of(i);
    step->changed = step->changed || durable->done_without != before;
}

static void begin_serving(struct mstep *step) {
    struct monitor *m = step->m;
    m->serving = true;
    m->serving_since = step->now;
    step->changed = step->changed || m->durable.unproven;
    m->durable.unproven = false;
    m->durable.handed_by = HOST_NONE;
    forget_given_up(step);
}

static void announce_done(struct mstep *step, const char *rule) {
    struct monitor *m = step->m;
    struct transfer *transfer = &m->transfer;
    long long elapsed = (long long)(step->now - transfer->started);
    const char *to = host_name(step, transfer->to), *from = host_name(step, transfer->from);
    begin_serving(step);
    mstep_event(step, rule, transfer->rolled_back ? "switchover_rolled_back" : "writer_serving", transfer->to,
                writer_role(step), "%s serves, %lld ms after the role began to move from %s", to, elapsed, from);
    if (transfer->rolled_back || transfer->avoid != HOST_NONE)
        mstep_reply(step, transfer->command, RC_REFUSED, "the switchover was rolled back and %s is writer: %s%s", to,
                    transfer->cause, transfer->obstructed ? "; --kill ends what is in the way" : "");
    else
        mstep_reply(step, transfer->command, RC_OK, "%s has moved from %s to %s in %lld ms",
                    m->cluster->roles[writer_role(step)].name, from, to, elapsed);
    if (transfer->then_offline && transfer->from != transfer->to)
        health_set_state(step, transfer->from, HOST_ADMIN_OFFLINE, rule, "set offline by command");
    finish(step);
}

static void take_for_switchover(struct mstep *step, const char *rule) {
    lease_take(step, false);
    enter(step, TRANSFER_RELEASE, spec(step)->switchover_timeout);
    mstep_event(step, rule, "switchover", step->m->transfer.from, writer_role(step), "%s hands over to %s",
                host_name(step, step->m->transfer.from), host_name(step, step->m->transfer.to));
}

static void return_to_old(struct mstep *step, const char *rule, const char *why) {
    struct transfer *transfer = &step->m->transfer;
    const struct report *report = &step->m->hosts[transfer->from].report;
    transfer->rolled_back = true;
    transfer->obstructed = !transfer->kill && transfer_demotion_failed(step);
    snprintf(transfer->cause, sizeof transfer->cause, "%s%.*s", report->trouble[0] ? "" : why, FACT_SIZE - 1,
             report->trouble);
    transfer->reach.count = 0;
    promote(step, transfer->from, rule, why);
}

/* The old writer was stopped in order, so it can have the role again: it is as complete as the one that failed. */
static void retake(struct mstep *step, const char *rule, const char *why) {
    struct monitor *m = step->m;
    struct transfer *transfer = &m->transfer;
    int failed = transfer->to;
    snprintf(transfer->cause, sizeof transfer->cause, "%.50s: %.80s", why, m->hosts[failed].report.trouble);
    lease_take(step, false);
    transfer->avoid = failed;
    transfer->from = failed;
    transfer->to = HOST_NONE;
    transfer->planned = transfer->replaced = transfer->resumed = false;
    enter(step, TRANSFER_RELEASE, spec(step)->drain_timeout);
    mstep_event(step, rule, "promotion_failed", failed, writer_role(step), "%s", transfer->cause);
}

static void note_switchover_position(struct mstep *step) {
    struct transfer *transfer = &step->m->transfer;
    transfer->reach = step->m->hosts[transfer->from].report.probe.applied;
}

/* Who was replaced because it did not do its work is asked for what it alone has, and not waited for: that it is held
 * with it is the better end. */
static msec fetch_timeout(const struct mstep *step, int source) {
    const struct transfer *transfer = &step->m->transfer;
    bool replaced = transfer->replaced && source == transfer->from;
    return replaced ? step->m->cluster->health.answer_timeout : spec(step)->drain_timeout;
}

static void refuse_busy(struct mstep *step, const struct transfer_row *row) {
    const struct transfer *transfer = &step->m->transfer;
    const struct transaction *oldest = &step->m->hosts[transfer->from].report.probe.oldest;
    mstep_event(step, row->rule, "switchover_refused", transfer->to, writer_role(step), "%s: session %llu of %.40s",
                row->why, (unsigned long long)oldest->session, oldest->user);
    mstep_reply(step, transfer->command, RC_REFUSED,
                "nothing was changed: on %s session %llu of %s is in a transaction for %lld s already; wait longer for "
                "it with --grace T, or end it with --kill",
                host_name(step, transfer->from), (unsigned long long)oldest->session, oldest->user,
                (long long)(oldest->age / 1000));
    finish(step);
}

static bool act(struct mstep *step, const struct transfer_row *row, const struct election *election) {
    struct monitor *m = step->m;
    struct transfer *transfer = &m->transfer;
    switch (row->action) {
    case ACT_STAY:
        return false;
    case ACT_GIVE_UP:
        mstep_event(step, row->rule, "switchover_refused", transfer->to, writer_role(step), "%s", row->why);
        mstep_reply(step, transfer->command, RC_REFUSED, "nothing was changed: %s (%s)", row->why,
                    host_name(step, transfer->to));
        finish(step);
        return true;
    case ACT_REFUSE:
        refuse_busy(step, row);
        return true;
    case ACT_TAKE:
        take_for_switchover(step, row->rule);
        return true;
    case ACT_DRAIN:
        /* Who was replaced alone has what is owed, and nobody gets it from there: better that one than nobody. */
        if (transfer->phase == TRANSFER_FETCH && transfer->fetch_from == transfer->from)
            transfer->replaced = false;
        enter(step, TRANSFER_DRAIN, spec(step)->drain_timeout);
        return true;
    case ACT_HOLD:
        hold_diverged(step, row->rule);
        return false;
    case ACT_FETCH:
        transfer->to = election->chosen;
        transfer->fetch_from = election->richer;
        transfer->reach = m->hosts[election->richer].report.probe.received;
        enter(step, TRANSFER_FETCH, fetch_timeout(step, election->richer));
        mstep_event(step, row->rule, "writer_fetches", election->chosen, writer_role(step), "%s first fetches from %s",
                    host_name(step, election->chosen), host_name(step, election->richer));
        return true;
    case ACT_PROMOTE:
        if (transfer->phase == TRANSFER_RELEASE) {
            note_switchover_position(step);
            promote(step, transfer->to, row->rule, row->why);
        } else if (!transfer_has_past(m)) {
            give_first_role(step, election, row->rule, row->why);
        } else {
            if (!transfer_has_fetched(step))
                transfer->reach.count = 0; /* it would wait for that once more */
            promote(step, transfer->phase == TRANSFER_FETCH ? transfer->to : election->chosen, row->rule, row->why);
        }
        return true;
    case ACT_RETURN:
        return_to_old(step, row->rule, row->why);
        return true;
    case ACT_RETAKE:
        retake(step, row->rule, row->why);
        return true;
    case ACT_DONE:
        announce_done(step, row->rule);
        return true;
    }
    return false;
}

/* A planned hand-over whose old writer dies in the middle goes on as a failover: it has no last position to tell. */
static void turn_into_failover(struct mstep *step) {
    struct transfer *transfer = &step->m->transfer;
    if (transfer->phase != TRANSFER_RELEASE || !transfer->planned)
        return;
    bool dead = step->m->hosts[transfer->from].report.process == PROCESS_EXITED;
    bool silent = health_is_silent(step, transfer->from);
    if (!dead && !silent)
        return;
    mstep_reply(step, transfer->command, RC_REFUSED, "%s failed in the middle of the switchover; a failover has begun",
                host_name(step, transfer->from));
    transfer_begin_failover(step, transfer->from, "it failed while it was handing over");
    mstep_event(step, "T24", "writer_lost", transfer->from, writer_role(step), "%s", transfer->cause);
}

/* A writer that was adopted (L02) while somebody was to be chosen: there is nobody to choose any more. */
static void drop_overtaken(struct mstep *step) {
    const struct monitor *m = step->m;
    bool without_writer = m->transfer.phase == TRANSFER_RELEASE || m->transfer.phase == TRANSFER_DRAIN ||
                          m->transfer.phase == TRANSFER_FETCH;
    if (without_writer && m->durable.writer != HOST_NONE)
        finish(step);
}

/* Nobody is writer and nothing is on its way: the monitor has just started, or there was nobody to promote. */
static void pick_up(struct mstep *step) {
    struct monitor *m = step->m;
    if (m->transfer.phase != TRANSFER_IDLE || m->durable.writer != HOST_NONE || m->durable.mode != MONITOR_ACTIVE)
        return;
    transfer_begin_failover(step, m->durable.last_writer, "");
}

static void note_serving(struct mstep *step) {
    struct monitor *m = step->m;
    if (m->serving || m->transfer.phase != TRANSFER_IDLE || !transfer_writer_serves(step))
        return;
    begin_serving(step);
}

/* This monitor was started after the role had been handed over and before the new writer served: it gets the role only
 * with all that the old one had, which that one still has to say.  It may have crashed since it was near. */
static void resume_handover(struct mstep *step) {
    struct monitor *m = step->m;
    const struct monitor_durable *durable = &m->durable;
    if (m->transfer.phase != TRANSFER_IDLE || m->serving || !durable->unproven || durable->writer == HOST_NONE ||
        durable->handed_by == HOST_NONE || durable->handed_by == durable->writer)
        return;
    begin(step, &(struct transfer){
                    .planned = true,
                    .resumed = true,
                    .from = durable->handed_by,
                    .to = durable->writer,
                    .fetch_from = HOST_NONE,
                    .avoid = HOST_NONE,
                });
    enter(step, TRANSFER_PROMOTE, m->cluster->lease.length + spec(step)->switchover_timeout);
    mstep_event(step, "T26", "switchover_resumed", durable->writer, writer_role(step),
                "the monitor was started in the middle of it: %s is to have all that %s had",
                host_name(step, durable->writer), host_name(step, durable->handed_by));
}

/* It was fenced before the other one was chosen, so whatever it tells of its end now is its end. */
static void note_resumed_reach(struct mstep *step) {
    struct transfer *transfer = &step->m->transfer;
    if (transfer->phase != TRANSFER_PROMOTE || !transfer->resumed)
        return;
    const struct host_view *from = &step->m->hosts[transfer->from];
    const struct probe *probe = &from->report.probe;
    if (!from->heard || from->report.term != step->m->durable.term || from->report.writer || !probe->answered ||
        probe->kept || !probe->read_only)
        return;
    note_switchover_position(step);
    transfer->resumed = false;
}

bool transfer_may_give(const struct mstep *step) {
    const struct monitor *m = step->m;
    if (m->transfer.phase != TRANSFER_PROMOTE || !m->transfer.resumed)
        return true;
    const struct host_view *to = &m->hosts[m->transfer.to];
    const struct report *report = &to->report;
    bool opened = !report->probe.answered || !report->probe.read_only; /* then it has reached all that it had to */
    return to->heard && report->writer && report->term == m->durable.term && opened;
}

static void move_to_preferred(struct mstep *step) {
    const struct monitor *m = step->m;
    int prefer = m->cluster->roles[writer_role(step)].prefer;
    if (prefer == HOST_NONE || prefer == m->durable.writer || m->transfer.phase != TRANSFER_IDLE || !m->serving ||
        m->durable.mode != MONITOR_ACTIVE || m->durable.hosts[prefer].state != HOST_ONLINE ||
        !transfer_is_fit(step, prefer) || !health_is_replicating(step, prefer) || m->hosts[prefer].lag < 0 ||
        step->now - m->serving_since < m->cluster->health.settle || transfer_is_busy(step, m->durable.writer))
        return;
    transfer_begin_switchover(step, prefer, NULL, "it is the preferred host");
}

msec transfer_grace(const struct monitor *m, const struct command *command) {
    return command->kind == COMMAND_MOVE_ROLE && command->grace != GRACE_AS_CONFIGURED ? command->grace
                                                                                       : m->cluster->failover.grace;
}

void transfer_begin_switchover(struct mstep *step, int to, const struct command *command, const char *cause) {
    begin(step, &(struct transfer){
                    .phase = TRANSFER_CATCH_UP,
                    .planned = true,
                    .from = step->m->durable.writer,
                    .to = to,
                    .fetch_from = HOST_NONE,
                    .avoid = HOST_NONE,
                    .command = command ? command->id : 0,
                    .deadline = step->now + spec(step)->switchover_timeout,
                    .grace_until = step->now + (command ? transfer_grace(step->m, command) : 0),
                    .kill = command && command->kill,
                });
    mstep_deadline(step, step->m->transfer.grace_until);
    TEXT_COPY(step->m->transfer.cause, cause);
}

void transfer_run(struct mstep *step) {
    struct monitor *m = step->m;
    if (m->durable.mode == MONITOR_PASSIVE)
        return;
    drop_overtaken(step);
    resume_handover(step);
    if (m->durable.writer != HOST_NONE && m->transfer.phase != TRANSFER_PROMOTE)
        watch_writer(step);
    note_serving(step);
    note_resumed_reach(step);
    pick_up(step);
    turn_into_failover(step);
    move_to_preferred(step);
    /* Several phases may pass in one step; each row that acts changes the phase, and no way is longer than the phases.
     */
    for (int i = 0; i < TRANSFER_PHASE_COUNT && m->transfer.phase != TRANSFER_IDLE; i++) {
        struct phase_facts facts;
        struct election election;
        transfer_collect(step, &facts, &election);
        const struct transfer_row *row = transfer_decide(m->transfer.phase, &facts);
        if (!act(step, row, &election))
            break;
    }
    if (m->transfer.phase != TRANSFER_IDLE && m->durable.leaving != HOST_NONE)
        mstep_deadline(step, m->granted_until + m->cluster->lease.margin);
}
