/* The agent's side of the lease: DESIGN.md §5, and the steps of shared/design/writer-lease.pml by their numbers. */
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "core/agent/agent_internal.h"

static const struct lease_spec *spec(const struct step *step) {
    return &step->agent->cluster->lease;
}

/* The role is gone; the server may still be open, and must be known to be shut before anybody else may write. */
static void give_up(struct step *step) {
    struct agent *agent = step->agent;
    if (agent->writer) {
        agent->must_fence = agent->opened || !agent->probe.read_only;
        agent->durable.writer = agent->durable.given_up = agent->must_fence;
        /* An agent that was stopped finds its lease over: then haste is no use, and the fence gets its usual time. */
        agent->shut_by = agent->lease_until > step->now ? agent->lease_until : step->now + spec(step)->fence;
        step_report_soon(step);
    }
    agent->writer = false;
    agent->lease_until = 0;
    agent->round.for_writer = false;
}

/* Rule 1.  A monitor whose configuration says longer cannot make a lease longer than this agent's own says. */
static msec granted_until(const struct step *step, const struct orders *orders) {
    msec length = orders->lease < spec(step)->length ? orders->lease : spec(step)->length;
    return step->agent->report_sent + length;
}

/* The monitor did not know yet that the server is dead: the new term is obeyed, and the role given up in it at once.
 * Not by who has a lease, since it was restarted and has not seen its server die: that one may be back within the
 * lease. */
static void refuse_role(struct step *step, const struct orders *orders) {
    struct agent *agent = step->agent;
    agent->durable.term = orders->term;
    agent->durable.electable = orders->electable;
    agent->durable.resigned = true;
    step_event(step, "A05", "role_refused", "there is no server to write to");
}

static void obey_writer(struct step *step, const struct orders *orders) {
    struct agent *agent = step->agent;
    bool resigned = agent->durable.resigned && orders->term <= agent->durable.term;
    bool promised = !agent->writer && agent->promised_until > step->now;
    bool dead = agent->process == PROCESS_EXITED || agent->process == PROCESS_ABSENT;
    if (dead && !agent->writer && orders->term > agent->durable.term)
        refuse_role(step, orders);
    if (resigned || promised || dead)
        return;
    bool new_role = !agent->writer;
    agent->writer = true;
    agent->must_fence = false;
    agent->fence_deadline = NEVER;
    agent->durable = (struct agent_durable){ .term = orders->term, .electable = orders->electable, .writer = true };
    orders_copy(&agent->orders, orders);
    agent->has_orders = agent->obeyed = true;
    agent->lease_until = later(agent->lease_until, granted_until(step, orders));
    agent->contact_until = later(agent->contact_until, granted_until(step, orders));
    if (new_role)
        step_event(step, "A01", "role_taken", "the monitor gives the writer role");
}

static void obey_other(struct step *step, const struct orders *orders) {
    struct agent *agent = step->agent;
    bool lost_role = agent->writer;
    if (orders->term > agent->durable.term)
        agent->durable.resigned = false;
    agent->durable.term = orders->term;
    agent->durable.electable = orders->electable;
    if (!set_has(orders->electable, agent->self))
        agent->durable.received.count = 0; /* it is not counted on any more */
    orders_copy(&agent->orders, orders);
    agent->has_orders = agent->obeyed = true;
    give_up(step);
    agent->contact_until = later(agent->contact_until, granted_until(step, orders));
    /* While the monitor knows of a hand-over it waits for its end; once it hears nothing more, for one lease.  And its
     * word that nothing is to be touched stands as long. */
    if (orders->duty == DUTY_YIELD || orders->passive)
        agent->shut_by = later(agent->shut_by, granted_until(step, orders));
    if (lost_role)
        step_event(step, "A02", "role_given_up", "the monitor takes the writer role away");
}

/* Model, step 3: obey the answer, unless it is older than what has been obeyed, or not to the newest report. */
void lease_obey(struct step *step, const struct orders *orders) {
    struct agent *agent = step->agent;
    if (!agent->reporting || orders->sequence != agent->sequence)
        return;
    agent->reporting = false;
    agent->monitor_heard = step->now;
    if (orders->term < agent->durable.term || granted_until(step, orders) <= step->now)
        return;
    uint64_t term_before = agent->orders.term;
    agent->source_judged = agent->source_reported;
    if (orders->duty == DUTY_WRITER)
        obey_writer(step, orders);
    else
        obey_other(step, orders);
    /* What has been obeyed in a new term is confirmed at once: somebody may be waiting for it. */
    if (term_before != agent->orders.term)
        step_report_soon(step);
}

void lease_report_failed(struct step *step) {
    step->agent->reporting = false;
}

/* The time of two reports without an answer.  Not later: the kernel counts whole seconds, and an address whose
 * extension comes after two thirds of the lease is gone before it. */
static msec silence_allowed(const struct agent *agent) {
    return 2 * agent->cluster->lease.report;
}

msec lease_silent_at(const struct agent *agent) {
    return agent->monitor_heard + silence_allowed(agent) + 1;
}

msec lease_contact(const struct agent *agent) {
    return later(agent->contact_until, agent->contact_extended);
}

/* A reader's address is kept while nobody hears the monitor: then nobody is given it, and who said so gives its word
 * not to serve a new one for a lease (presence.c).  When a peer hears the monitor the cut is on this side, and nothing
 * more is added to what there is; unless that peer has promised: then its reports tell of a writer that lives, and the
 * monitor leaves that one its other addresses (monitor/placement.c).  One that hears the monitor and refuses tells
 * nothing of it, even where the lease goes on by the promises of others, which the monitor may not hear. */
static void extend_contact(struct step *step) {
    struct agent *agent = step->agent;
    bool still_there = lease_contact(agent) > step->now; /* what is gone may be served elsewhere by now */
    if (!still_there || agent->peer_objects)
        return;
    if (agent->peer_answered)
        agent->contact_extended = agent->asked_at + spec(step)->length;
    else if (agent->writer) /* alone, it needs nobody's answer */
        agent->contact_extended = later(agent->contact_extended, agent->lease_until);
}

/* Model, step 4: a peer that knows no later term promises, for as long as the lease of the writer that asks: its
 * configuration need not be this one's. */
void lease_asked(struct step *step, const struct ask *ask) {
    struct agent *agent = step->agent;
    bool promise = ask->for_writer && !agent->writer && agent->durable.term <= ask->term;
    if (promise)
        agent->promised_until = later(agent->promised_until, step->now + later(spec(step)->length, ask->lease));
    if (step->now >= lease_silent_at(agent))
        agent->told_silent = step->now;
    step->plan->answer_set = true;
    step->plan->answer = (struct answer){
        .from = agent->self,
        .round = ask->round,
        .term = agent->durable.term,
        .promised = promise,
        .monitor_silent = step->now - agent->monitor_heard,
    };
}

/* Model, step 4: all have promised, so the lease runs on from when they were asked. */
static void extend_by_promises(struct step *step) {
    struct agent *agent = step->agent;
    host_set needed = agent->durable.electable & ~set_of(agent->self);
    bool same_term = agent->round.term == agent->durable.term;
    if (agent->writer && agent->round.for_writer && same_term && set_contains(agent->promises, needed) &&
        step->now < agent->lease_until && agent->asked_at + spec(step)->length > step->now)
        agent->lease_until = later(agent->lease_until, agent->asked_at + spec(step)->length);
}

void lease_answered(struct step *step, const struct answer *answer) {
    struct agent *agent = step->agent;
    if (answer->round != agent->round.round)
        return;
    agent->peer_answered = true;
    if (answer->monitor_silent <= silence_allowed(agent) && !answer->promised)
        agent->peer_objects = true;
    if (answer->promised)
        agent->promises |= set_of(answer->from);
    extend_by_promises(step);
}

void lease_resign(struct step *step) {
    struct agent *agent = step->agent;
    if (agent->writer || agent->durable.writer) {
        agent->durable.resigned = true;
        step_event(step, "A03", "role_resigned", "the server is dead: the writer role is given up");
    }
    give_up(step);
    agent->must_fence = agent->opened = false;
    agent->durable.writer = agent->durable.given_up = false;
    agent->fence_deadline = NEVER;
    /* An answer that is on its way was given without knowing this. */
    agent->reporting = false;
    step_report_soon(step);
}

/* The monitor is silent: every report interval a new round of questions. */
static void ask_peers(struct step *step) {
    struct agent *agent = step->agent;
    if (!agent->has_orders)
        return;
    bool has_others = agent->orders.addresses != 0;
    if (!agent->writer && !has_others)
        return;
    msec at = later(lease_silent_at(agent), agent->ask_next);
    if (step->now < at) {
        step_deadline(step, at);
        return;
    }
    extend_contact(step); /* by the round that is over: every peer had its time to object */
    host_set all = set_of(agent->cluster->host_count) - 1;
    agent->asked_at = step->now;
    agent->ask_next = step->now + spec(step)->report;
    agent->promises = 0;
    agent->peer_answered = agent->peer_objects = false;
    agent->round = (struct ask){
        .from = agent->self,
        .round = agent->round.round + 1,
        .term = agent->durable.term,
        .for_writer = agent->writer,
        .lease = spec(step)->length,
    };
    step->plan->ask = agent->round;
    step->plan->ask_whom = all & ~set_of(agent->self);
    extend_by_promises(step); /* a writer alone in its set needs nobody's promise */
    step_deadline(step, agent->ask_next);
}

void lease_check(struct step *step) {
    struct agent *agent = step->agent;
    ask_peers(step);
    if (agent->must_fence && step->now < agent->shut_by)
        step_deadline(step, agent->shut_by);
    if (!agent->writer)
        return;
    if (step->now >= agent->lease_until) {
        step_event(step, "A04", "lease_ended", "neither the monitor nor every electable peer has renewed it");
        give_up(step);
        return;
    }
    step_deadline(step, agent->lease_until);
    if (step->now < agent->lease_until - spec(step)->fence)
        step_deadline(step, agent->lease_until - spec(step)->fence);
}

enum duty_now lease_duty(const struct agent *agent, msec now) {
    if (!agent->has_orders)
        return agent->must_fence ? NOW_LAPSED : NOW_UNKNOWN;
    bool overdue = agent->must_fence && now >= agent->shut_by;
    if (overdue && agent->orders.passive)
        return NOW_LAPSED;
    switch (agent->orders.duty) {
    case DUTY_WRITER:
        return agent->writer && now < agent->lease_until - agent->cluster->lease.fence ? NOW_WRITER : NOW_LAPSED;
    case DUTY_STANDBY:
        return NOW_STANDBY;
    case DUTY_HELD:
        return NOW_HELD;
    case DUTY_YIELD:
        return overdue ? NOW_LAPSED : NOW_YIELD;
    case DUTY_DRAIN:
        return NOW_DRAIN;
    case DUTY_COUNT:
        break;
    }
    return NOW_UNKNOWN;
}

static msec left(msec until, msec now) {
    return until > now ? until - now : 0;
}

/* What cannot be seen is not claimed: an agent that lost its file does not know whether its server is still open. */
static bool is_known_fenced(const struct agent *agent) {
    bool shut = agent->process == PROCESS_RUNNING && agent->probe.answered && agent->probe.read_only;
    return !agent->writer && !agent->must_fence && (shut || agent->process == PROCESS_EXITED);
}

/* A server that is ending is not slow: nothing is gained by waiting for its answer. */
static msec silence_of(const struct step *step) {
    msec silence = step->now - step->agent->answered_at;
    msec too_long = step->agent->cluster->health.answer_timeout + 1;
    if (step->agent->shut_out && step->agent->process == PROCESS_RUNNING)
        return later(silence, too_long);
    return silence > spec(step)->report * 2 ? silence : 0;
}

static void fill_report(const struct step *step, struct report *report) {
    const struct agent *agent = step->agent;
    memset(report, 0, offsetof(struct report, probe));
    report->host = agent->self;
    report->incarnation = agent->incarnation;
    report->sequence = agent->sequence;
    report->term = agent->durable.term;
    report->writer = agent->writer;
    report->resigned = agent->durable.resigned;
    report->fenced = is_known_fenced(agent);
    report->lease_left = agent->writer ? left(agent->lease_until, step->now) : 0;
    report->promised_left = left(agent->promised_until, step->now);
    report->electable = agent->durable.electable;
    report->stranger = agent->stranger;
    report->mac = agent->mac;
    report->process = agent->process;
    report->silent = silence_of(step);
    report->crashes = agent->crashes;
    report->canary_failing = agent->canary_since == NEVER ? 0 : step->now - agent->canary_since + 1;
    report->draining_done = agent->drained && agent->drained_term == agent->durable.term;
    report->task = agent->task;
    TEXT_COPY(report->trouble, agent->trouble);
    probe_copy(&report->probe, &agent->probe);
    report->probe.canary_waits = false; /* for this agent alone: unacknowledged says it */
    report->lacks.form = GTID_DOMAINS;
    report->lacks.count = 0;
    acknowledge_fill(step, report);
    for (int i = 0; i < agent->cluster->address_count; i++)
        if (agent->addresses[i].present)
            report->addresses |= set_of(i);
}

/* Rule 0: one report is under way at a time; when its time is over a newer one takes its place and only that counts. */
void lease_talk(struct step *step) {
    struct agent *agent = step->agent;
    msec timeout = later(2 * spec(step)->report, 500);
    if (agent->reporting && step->now < agent->report_sent + timeout) {
        step_deadline(step, agent->report_sent + timeout);
        return;
    }
    if (!agent->report_wanted && step->now < agent->report_next) {
        step_deadline(step, agent->report_next);
        return;
    }
    agent->sequence++;
    agent->reporting = true;
    agent->report_wanted = false;
    agent->report_sent = step->now;
    agent->report_next = step->now + spec(step)->report;
    step->plan->report_set = true;
    step->plan->report_timeout = timeout;
    fill_report(step, &step->plan->report);
    agent->unacknowledged_told = step->plan->report.unacknowledged;
    agent->source_reported = agent->probe.replication.source_address;
    step_deadline(step, agent->report_next);
}
