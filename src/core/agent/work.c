/* What is known of the server, and what is done with it (the table is in duty.c). */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/agent/agent_internal.h"

enum { FOLLOW_PAUSE = 6, SEMI_SYNC_PAUSE = 4 }; /* report intervals */

static const struct cluster *cluster_of(const struct step *step) {
    return step->agent->cluster;
}

static bool is_up(const struct agent *agent, msec now) {
    return agent->process == PROCESS_RUNNING && agent->probe.answered &&
           now - agent->answered_at <= agent->cluster->health.answer_timeout;
}

bool work_is_serving(const struct agent *agent, msec now) {
    return lease_duty(agent, now) == NOW_WRITER && is_up(agent, now) && !agent->probe.read_only;
}

static void forget_server_run(struct agent *agent) {
    agent->drained = false;
    agent->followed_pid = 0;
    agent->opened = agent->shut_out = false;
    agent->canary_since = NEVER;
    acknowledge_forget(agent);
}

void work_server_gone(struct step *step) {
    struct agent *agent = step->agent;
    if (agent->process == PROCESS_EXITED)
        return;
    agent->process = PROCESS_EXITED;
    agent->dead_pid = agent->probe.pid;
    bool unclean = step->event->kind == AGENT_SERVER_GONE && step->event->unclean;
    agent->crashes += unclean;
    step_event(step, "A10", "server_gone", "the server's process %u is dead%s", agent->probe.pid,
               agent->killed ? ", killed because it could not be fenced in time"
               : unclean     ? ", and did not stop in order"
                             : "");
    agent->killed = false;
    step->plan->server_cut = true;
    forget_server_run(agent);
    lease_resign(step);
}

static void note_canary(struct step *step, const struct probe *probe) {
    struct agent *agent = step->agent;
    if (!agent->writer || (probe->canary_tried && probe->canary_written))
        agent->canary_since = NEVER;
    else if (probe->canary_tried && agent->canary_since == NEVER)
        agent->canary_since = agent->look_started;
}

/* Where it stands was not asked in vain before, and tasks may have changed it since: that is not gone back on. */
static void note_life(struct probe *known, const struct probe *probe) {
    known->kept = true;
    known->error_number = probe->error_number;
    TEXT_COPY(known->error, probe->error);
    known->uptime_s = probe->uptime_s;
    known->read_only = probe->read_only;
    known->canary_tried = probe->canary_tried;
    known->canary_written = probe->canary_written;
    if (probe->canary_waits)
        known->semi_sync = probe->semi_sync; /* was asked on a connection of its own */
    if (probe->canary_written)
        known->heartbeat_seen = probe->heartbeat_seen;
}

/* A look may have begun before the last task ended: then it tells that the server lives, and nothing more. */
static void note_answer(struct step *step, const struct probe *probe) {
    struct agent *agent = step->agent;
    bool restarted =
        agent->process == PROCESS_RUNNING && agent->probe.pid && probe->pid && agent->probe.pid != probe->pid;
    if (restarted)
        work_server_gone(step);
    if (agent->process == PROCESS_EXITED && probe->pid == agent->dead_pid)
        return;
    if (agent->process != PROCESS_RUNNING) {
        step_event(step, "A11", "server_back", "the server answers, process %u", probe->pid);
        step_report_soon(step);
    }
    bool stale = agent->task != TASK_NONE || agent->look_started < agent->task_done_at;
    agent->process = PROCESS_RUNNING;
    agent->shut_out = false;
    agent->answered_at = step->now;
    if (stale && agent->probe.pid == probe->pid) {
        agent->probe.uptime_s = probe->uptime_s;
        if (agent->task == TASK_NONE)
            agent->look_next = step->now;
        return;
    }
    struct semi_sync before = agent->probe.semi_sync;
    bool was_kept = agent->probe.kept;
    bool kept = probe->kept && agent->probe.answered && agent->probe.pid == probe->pid;
    if (kept)
        note_life(&agent->probe, probe);
    else
        probe_copy(&agent->probe, probe);
    if (was_kept && !agent->probe.kept && agent->trouble[0])
        step_report_soon(step);
    if (!probe->read_only && agent->writer)
        agent->opened = true;
    if (!probe->kept || probe->canary_waits)
        acknowledge_looked(step, &before);
}

void work_probed(struct step *step) {
    struct agent *agent = step->agent;
    const struct probe *probe = step->event->probe;
    agent->looking = false;
    agent->look_next = agent->look_started + cluster_of(step)->lease.report;
    if (probe->answered) {
        note_answer(step, probe);
        note_canary(step, probe);
    } else if (probe->too_many && agent->process == PROCESS_RUNNING) {
        agent->answered_at = step->now; /* full, and alive */
        agent->probe.kept = true;
    } else if (step->event->process_absent && agent->process == PROCESS_RUNNING) {
        agent->shut_out = true; /* what was seen to run is dead only when it was seen to die */
    } else if (step->event->process_absent && agent->process != PROCESS_EXITED) {
        agent->process = PROCESS_ABSENT;
    } else if (!step->event->process_absent) {
        note_canary(step, probe);
    }
}

static void note_success(struct step *step, const struct task_result *result) {
    struct agent *agent = step->agent;
    struct replication *replication = &agent->probe.replication;
    agent->probe.binlog = result->binlog;
    agent->probe.applied = result->applied;
    if (result->kind == TASK_DRAIN || result->kind == TASK_READY)
        agent->probe.kept = false;
    agent->trouble[0] = 0;
    switch (result->kind) {
    case TASK_NONE:
        break;
    case TASK_FENCE:
        agent->probe.read_only = true;
        agent->opened = agent->must_fence = false;
        agent->durable.writer = agent->writer;
        agent->durable.given_up = false;
        agent->fence_deadline = NEVER;
        step_event(step, "A12", "server_fenced", "read-only, and no client is left");
        break;
    case TASK_DRAIN:
    case TASK_READY:
        agent->probe.semi_sync.enabled = agent->probe.semi_sync.waits = false;
        acknowledge_forget(agent);
        agent->probe.received = result->applied;
        replication->receiving = replication->applying = THREAD_STOPPED;
        agent->drained = true;
        agent->drained_term = agent->task_term;
        agent->drained_source = cluster_host_at(agent->cluster, &agent->task_sent.source_address);
        break;
    case TASK_OPEN:
        agent->probe.read_only = false;
        step_event(step, "A13", "server_opened", "the server is writable");
        break;
    case TASK_FOLLOW:
        replication->configured = true;
        replication->source_address = agent->followed = agent->task_sent.source_address;
        replication->source_port = agent->task_sent.source_port;
        replication->receiving = THREAD_CONNECTING;
        replication->applying = THREAD_RUNNING;
        agent->followed_pid = agent->probe.pid;
        acknowledge_forget(agent);
        agent->semi_sync_next = step->now + SEMI_SYNC_PAUSE * cluster_of(step)->lease.report;
        break;
    case TASK_SEMI_SYNC:
        acknowledge_forget(agent);
        agent->canary_since = NEVER; /* it may have waited for that alone */
        agent->probe.semi_sync.enabled = agent->probe.semi_sync.waits = agent->task_sent.waits;
        if (agent->task_sent.waits && agent->probe.semi_sync.wait_count)
            agent->probe.semi_sync.wait_count = agent->task_sent.wait_count;
        agent->probe.semi_sync.acknowledges = agent->probe.semi_sync.attached = agent->task_sent.acknowledges;
        agent->semi_sync_next = step->now + SEMI_SYNC_PAUSE * cluster_of(step)->lease.report;
        break;
    }
}

static const char *task_words(enum server_task_kind kind) {
    switch (kind) {
    case TASK_NONE:
        break;
    case TASK_FENCE:
        return "fence the server";
    case TASK_DRAIN:
        return "apply what was received";
    case TASK_READY:
        return "get ready to become writer";
    case TASK_OPEN:
        return "make the server writable";
    case TASK_FOLLOW:
        return "follow the writer";
    case TASK_SEMI_SYNC:
        return "set semi-synchronous replication";
    }
    return "do nothing";
}

void work_task_done(struct step *step) {
    struct agent *agent = step->agent;
    const struct task_result *result = step->event->task;
    agent->task = TASK_NONE;
    agent->task_done_at = step->now;
    agent->look_next = step->now;
    step_report_soon(step);
    /* What a dead server answered last says nothing about the one that may be starting now. */
    if (agent->process != PROCESS_RUNNING)
        return;
    if (result->rc == RC_OK) {
        agent->task_retry = step->now;
        agent->answered_at = step->now;
        note_success(step, result);
        return;
    }
    agent->probe.kept = agent->probe.kept || result->kind == TASK_DRAIN; /* looks while it ran were dropped */
    /* A source that refuses goes on refusing: it is asked again at a slower pace. */
    msec pause = cluster_of(step)->lease.report;
    agent->task_retry = step->now + (result->kind == TASK_FOLLOW ? FOLLOW_PAUSE * pause : pause);
    snprintf(agent->trouble, sizeof agent->trouble, "cannot %s: %.120s", task_words(result->kind), result->why);
    agent->trouble_term = agent->task_term;
    step_event(step, "A14", "task_failed", "%s", agent->trouble);
}

static void collect_facts(const struct step *step, struct duty_facts *facts) {
    const struct agent *agent = step->agent;
    const struct replication *replication = &agent->probe.replication;
    int source = agent->has_orders ? agent->orders.source : HOST_NONE;
    bool running = replication->receiving != THREAD_STOPPED || replication->applying != THREAD_STOPPED;
    *facts = (struct duty_facts){
        .up = is_up(agent, step->now),
        .must_fence = agent->must_fence,
        .read_only = agent->probe.read_only,
        .replicating = running,
        .source_wanted = source != HOST_NONE,
        .drained = agent->drained && agent->drained_term == agent->durable.term && agent->drained_source == source,
        .unset = acknowledge_is_unset(agent, lease_duty(agent, step->now), step->now),
        .broken = replication->apply_failed,
    };
    if (source == HOST_NONE)
        return;
    const struct host_spec *host = &agent->cluster->hosts[source];
    facts->source_right = replication->configured && ip_equal(&replication->source_address, &host->address) &&
                          replication->source_port == host->server_port;
    facts->source_judged = ip_equal(&replication->source_address, &agent->source_judged);
    bool followed = agent->followed_pid == agent->probe.pid && ip_equal(&agent->followed, &host->address);
    /* What an agent that has just started finds is left as it is, half of it too.  A server that was started under its
     * eyes has nothing yet: somebody who starts the applier alone at that moment does not mean it to receive nothing.
     */
    bool found = replication->receiving != THREAD_STOPPED || (running && !agent->dead_pid);
    facts->source_done = facts->source_right && (followed || found);
}

static msec task_timeout(const struct step *step, enum server_task_kind kind) {
    const struct agent *agent = step->agent;
    const struct cluster *cluster = cluster_of(step);
    msec left;
    switch (kind) {
    case TASK_FENCE:
        if (agent->fence_deadline == NEVER)
            return cluster->failover.switchover_timeout / 2;
        left = agent->fence_deadline - step->now;
        return left > 100 ? left : 100;
    case TASK_OPEN:
        left = agent->lease_until - cluster->lease.fence - step->now;
        return left > 50 ? left : 50;
    case TASK_DRAIN:
    case TASK_READY:
    case TASK_FOLLOW:
    case TASK_SEMI_SYNC:
    case TASK_NONE:
        break;
    }
    return cluster->failover.drain_timeout;
}

static void begin_task(struct step *step, enum server_task_kind kind) {
    struct agent *agent = step->agent;
    struct server_task task = { .kind = kind, .timeout = task_timeout(step, kind) };
    int source = agent->has_orders ? agent->orders.source : HOST_NONE;
    if (kind == TASK_READY || kind == TASK_DRAIN)
        task.reach = agent->orders.reach;
    if ((kind == TASK_FOLLOW || kind == TASK_DRAIN) && source != HOST_NONE) {
        task.source_address = agent->cluster->hosts[source].address;
        task.source_port = agent->cluster->hosts[source].server_port;
    }
    if (kind == TASK_FENCE)
        task.gentle = lease_duty(agent, step->now) == NOW_YIELD && !agent->orders.kill;
    task.acknowledges = agent->has_orders && agent->orders.duty == DUTY_STANDBY && agent->orders.acknowledge;
    task.waits = agent->has_orders && agent->orders.duty == DUTY_WRITER && agent->orders.protect;
    task.wait_count = task.waits ? acknowledge_count(agent, agent->orders.electable) : 0;
    if (kind == TASK_OPEN)
        agent->opened = true;
    if (kind == TASK_FOLLOW || kind == TASK_DRAIN || kind == TASK_READY) {
        agent->drained = false;
        agent->followed_pid = 0;
    }
    agent->task = kind;
    agent->task_sent = task;
    agent->task_term = agent->durable.term;
    step->plan->task = task;
}

/* How long a fence may try before it is forced: never beyond the lease in which the server was open.  A server that
 * nobody can ask any more is not waited for: while it ends it still commits for its clients (SERVERS.md trap 2). */
static msec fence_limit(const struct step *step) {
    const struct agent *agent = step->agent;
    if (agent->shut_out)
        return step->now;
    if (agent->writer)
        return agent->lease_until;
    msec limit = step->now + cluster_of(step)->lease.fence;
    return agent->shut_by < limit ? agent->shut_by : limit;
}

/* The last resort: a server that may still acknowledge writes when its lease is over.  A planned hand-over that the
 * monitor knows of never kills: it fails, and the old writer gets the role back. */
static void check_last_resort(struct step *step, enum duty_now duty) {
    struct agent *agent = step->agent;
    bool forced = duty != NOW_WRITER && duty != NOW_YIELD;
    if (!agent->must_fence && !(agent->writer && duty == NOW_LAPSED))
        forced = false;
    if (agent->has_orders && agent->orders.passive && duty != NOW_LAPSED)
        forced = false;
    if (!forced) {
        agent->fence_deadline = NEVER;
        return;
    }
    if (agent->fence_deadline == NEVER)
        agent->fence_deadline = fence_limit(step);
    if (step->now < agent->fence_deadline) {
        step_deadline(step, agent->fence_deadline);
        return;
    }
    /* UNKNOWN: it has not answered this run of the agent yet; whoever listens on its socket can be found all the same.
     */
    bool there = agent->process == PROCESS_RUNNING || agent->process == PROCESS_UNKNOWN;
    if (cluster_of(step)->last_resort == LAST_RESORT_KILL && there) {
        if (!agent->killed)
            step_event(step, "A15", "server_kill", "it could not be made read-only before its time was over: %.120s",
                       agent->trouble[0] ? agent->trouble : "it does not answer");
        agent->killed = true;
        step->plan->server_kill = true;
        agent->fence_deadline = step->now + cluster_of(step)->lease.report; /* again, should it not have died by then */
        step_deadline(step, agent->fence_deadline);
    }
}

static void check_tasks(struct step *step, enum duty_now duty) {
    struct agent *agent = step->agent;
    if (agent->task != TASK_NONE || (agent->has_orders && agent->orders.passive && duty != NOW_LAPSED))
        return;
    struct duty_facts facts;
    collect_facts(step, &facts);
    /* While the lease is still running out the role is not given up yet, and the server is to be shut all the same. */
    if (duty == NOW_LAPSED && agent->writer)
        facts.must_fence = !facts.read_only || agent->opened;
    const struct duty_row *row = duty_decide(duty, &facts);
    if (row->task == TASK_NONE)
        return;
    if (step->now < agent->task_retry) {
        step_deadline(step, agent->task_retry);
        return;
    }
    begin_task(step, row->task);
}

static void check_look(struct step *step) {
    struct agent *agent = step->agent;
    if (agent->looking)
        return;
    if (step->now < agent->look_next) {
        step_deadline(step, agent->look_next);
        return;
    }
    agent->looking = true;
    agent->look_started = step->now;
    step->plan->look = true;
    if (work_is_serving(agent, step->now) && agent->task == TASK_NONE)
        step->plan->canary_stamp = step->event->wall;
}

void work_check(struct step *step) {
    /* What failed in an earlier term says nothing about this one, in which the monitor may go by it. */
    if (step->agent->trouble_term != step->agent->durable.term)
        step->agent->trouble[0] = 0;
    enum duty_now duty = lease_duty(step->agent, step->now);
    acknowledge_check(step);
    check_last_resort(step, duty);
    check_tasks(step, duty);
    check_look(step);
}
