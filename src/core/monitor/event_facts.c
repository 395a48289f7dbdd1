/* What goes with each event: the facts that somebody who reads it in the night would look up next, as they are known in
 * the moment of the decision.  They decide nothing. */
#include "core/monitor/monitor_internal.h"

static void note(struct event_facts *facts, enum event_fact fact, int64_t value) {
    facts->known |= set_of((int)fact);
    facts->values[fact] = value;
}

static void note_if(struct event_facts *facts, bool known, enum event_fact fact, int64_t value) {
    if (known)
        note(facts, fact, value);
}

/* As its agent has told last: how long ago that was is a fact beside this. */
static void note_server(const struct mstep *step, int host, struct event_facts *facts) {
    const struct report *report = &step->m->hosts[host].report;
    bool answers = report->probe.answered && report->silent <= step->m->cluster->health.answer_timeout;
    note_if(facts, report->silent > 0, FACT_SERVER_SILENT, report->silent);
    switch (report->process) {
    case PROCESS_EXITED:
        note(facts, FACT_SERVER, SERVER_EXITED);
        return;
    case PROCESS_ABSENT:
        note(facts, FACT_SERVER, SERVER_ABSENT);
        return;
    case PROCESS_RUNNING:
        note(facts, FACT_SERVER, answers ? SERVER_RUNNING : SERVER_SILENT);
        return;
    case PROCESS_UNKNOWN:
        note_if(facts, answers, FACT_SERVER, SERVER_RUNNING);
        return;
    }
}

static void note_positions(const struct probe *probe, struct event_facts *facts) {
    gtid_brief(&probe->applied, facts->applied, sizeof facts->applied);
    note_if(facts, probe->applied.count > 0, FACT_APPLIED, 0);
    if (gtid_equal(&probe->applied, &probe->received))
        return;
    char text[FACT_SIZE];
    uint64_t unapplied = gtid_missing(&probe->received, &probe->applied, text, sizeof text);
    gtid_brief(&probe->received, facts->received, sizeof facts->received);
    note(facts, FACT_RECEIVED, 0);
    note(facts, FACT_UNAPPLIED, unapplied > INT64_MAX ? INT64_MAX : (int64_t)unapplied);
}

static void note_report(const struct mstep *step, int host, struct event_facts *facts) {
    const struct host_view *view = &step->m->hosts[host];
    const struct report *report = &view->report;
    note(facts, FACT_AGENT_HEARD, step->now - view->heard_at);
    note_server(step, host, facts);
    note_if(facts, report->unacknowledged > 0, FACT_UNACKNOWLEDGED, report->unacknowledged);
    if (!report->probe.answered)
        return;
    note(facts, FACT_WRITABLE, !report->probe.read_only);
    note_positions(&report->probe, facts);
}

static void note_host(const struct mstep *step, int host, struct event_facts *facts) {
    const struct monitor *m = step->m;
    const struct host_view *view = &m->hosts[host];
    const struct host_durable *durable = &m->durable.hosts[host];
    note_if(facts, view->outside_known, FACT_OUTSIDE, view->outside_answers);
    note(facts, FACT_STATE, durable->state);
    note_if(facts, durable->holds != 0, FACT_HOLDS, durable->holds);
    note_if(facts, view->lag >= 0 && host != m->durable.writer, FACT_LAG, view->lag);
    if (view->heard)
        note_report(step, host, facts);
}

static void note_cluster(const struct mstep *step, struct event_facts *facts) {
    const struct monitor *m = step->m;
    const struct monitor_durable *durable = &m->durable;
    bool may_run = m->granted_until != NEVER && m->granted_until > step->now;
    note_if(facts, durable->writer != HOST_NONE, FACT_WRITER, durable->writer);
    note_if(facts, durable->leaving != HOST_NONE, FACT_LEAVING, durable->leaving);
    note_if(facts, may_run, FACT_LEASE_LEFT, m->granted_until - step->now);
    note_if(facts, m->transfer.phase != TRANSFER_IDLE, FACT_TRANSFER, step->now - m->transfer.started);
    note(facts, FACT_ELECTABLE, (int64_t)durable->electable);
    note(facts, FACT_SURELY, (int64_t)durable->surely);
}

void event_note_facts(const struct mstep *step, struct event *event) {
    if (event->host != HOST_NONE)
        note_host(step, event->host, &event->facts);
    note_cluster(step, &event->facts);
}
