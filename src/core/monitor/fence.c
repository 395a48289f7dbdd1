/* The administrator's fence program (DESIGN.md §5, rule 5): it ends a lost writer for sure, and so shortens the wait
 * for the end of its lease.  Only its success does that, and only for the host, the term and the run of the agent that
 * were asked for.  Whatever else comes of it, the wait goes on as if there were no program. */
#include <stdio.h>

#include "base/text.h"
#include "core/monitor/monitor_internal.h"

/* The pause after a failure doubles, from the first to the last.  RESULT_LATE: the app keeps the time limit, and this
 * much later no word of it is waited for any more.  STILL_TALKING: a report may have been on its way for so long. */
enum { PAUSE_FIRST = 5000, PAUSE_MOST = 300 * 1000, RESULT_LATE = 2000, STILL_TALKING = 2000 };

static struct fence_request request_for(const struct mstep *step, int host) {
    const struct host_view *view = &step->m->hosts[host];
    return (struct fence_request){
        .host = host,
        .term = step->m->durable.term,
        .incarnation = view->heard ? view->report.incarnation : 0,
        .asked = step->now,
    };
}

static bool is_same(const struct fence_request *a, const struct fence_request *b) {
    return a->host == b->host && a->term == b->term && a->incarnation == b->incarnation && a->asked == b->asked;
}

/* Nothing has happened since that would make the answer one to another question. */
static bool still_counts(const struct mstep *step, const struct fence_request *request) {
    struct fence_request now = request_for(step, request->host);
    return step->m->durable.writer == HOST_NONE && request->host == step->m->durable.leaving &&
           request->term == now.term && request->incarnation == now.incarnation;
}

static msec pause_after(unsigned failures) {
    msec pause = PAUSE_FIRST;
    for (unsigned i = 1; i < failures && pause < PAUSE_MOST; i++)
        pause *= 2;
    return pause < PAUSE_MOST ? pause : PAUSE_MOST;
}

static void note_failure(struct mstep *step, const char *rule, const char *why) {
    struct fence_state *fence = &step->m->fence;
    fence->running = false;
    fence->failures++;
    fence->next_at = step->now + pause_after(fence->failures);
    fence->alarm = true;
    fence->alarm_host = fence->request.host;
    TEXT_COPY(fence->alarm_why, why);
    mstep_event(step, rule, "fence_failed", fence->request.host, -1,
                "%s; its end does not count as sure, the end of its lease is waited for", why);
}

void fencing_read_result(struct mstep *step, const struct fence_result *result) {
    struct fence_state *fence = &step->m->fence;
    const struct fence_request *request = &result->request;
    bool asked = fence->running && is_same(&fence->request, request);
    if (asked && !result->ended) {
        note_failure(step, "F31", result->why);
        return;
    }
    if (asked)
        fence->running = false;
    if (!asked || !still_counts(step, request)) {
        mstep_event(step, "F32", "fence_ignored", request->host, -1,
                    "the answer to an older question counts no more: %.200s", result->why);
        return;
    }
    fence->failures = 0;
    fence->alarm = false;
    fence->has_ended = true;
    fence->doubted = false;
    fence->done = *request;
    fence->done_at = step->now;
    lease_end(step);
    mstep_event(step, "F30", "fence_succeeded", request->host, -1,
                "%s has surely ended, %lld ms after its fence program was asked: %.200s",
                host_name(step, request->host), (long long)(step->now - request->asked), result->why);
}

/* A host that was ended does not go on: a machine that was switched off and on comes back with another run of its
 * agent. */
void fencing_read_report(struct mstep *step, int host) {
    struct fence_state *fence = &step->m->fence;
    if (!fence->done.term || fence->doubted || host != fence->done.host || !fence->done.incarnation ||
        step->m->hosts[host].report.incarnation != fence->done.incarnation ||
        step->now - fence->done_at < STILL_TALKING)
        return;
    fence->doubted = true;
    mstep_event(step, "F33", "fence_doubted", host, -1,
                "its fence program has said that %s has ended, and the same run of its agent reports: the program does "
                "not do what it says, and two writers were possible",
                host_name(step, host));
}

static void collect(const struct mstep *step, struct fence_facts *facts) {
    const struct monitor *m = step->m;
    int host = m->durable.leaving;
    *facts = (struct fence_facts){ .leaving = host != HOST_NONE && m->durable.writer == HOST_NONE };
    if (!facts->leaving)
        return;
    facts->program = m->cluster->hosts[host].has_fence;
    facts->passive = m->durable.mode == MONITOR_PASSIVE;
    facts->planned = m->transfer.planned && m->transfer.phase != TRANSFER_IDLE;
    facts->alone = health_hears_only(step, host);
    facts->heard = !health_is_quiet(step, host);
    facts->seen = transfer_is_seen(step, host);
    facts->running = m->fence.running;
    facts->pausing = m->fence.failures && m->fence.request.host == host && step->now < m->fence.next_at;
}

/* Rule 6: nobody replaces a writer that is alone in its set without its word, a fence, or the administrator's. */
bool fencing_stands_in(const struct mstep *step) {
    const struct monitor *m = step->m;
    const struct monitor_durable *durable = &m->durable;
    int host = durable->writer != HOST_NONE ? durable->writer : durable->leaving;
    if (host == HOST_NONE)
        return m->fence.has_ended && m->fence.done.host == durable->last_writer;
    return m->cluster->hosts[host].has_fence && health_is_quiet(step, host) && !transfer_is_seen(step, host);
}

static void ask(struct mstep *step, int host, const struct fence_row *row) {
    struct fence_state *fence = &step->m->fence;
    if (fence->request.host != host)
        fence->failures = 0;
    fence->running = true;
    fence->request = request_for(step, host);
    step->plan->fence_set = true;
    step->plan->fence = fence->request;
    mstep_event(step, row->rule, "fence_started", host, -1, "the fence program of %s is run: %s", host_name(step, host),
                row->why);
}

void fencing_run(struct mstep *step) {
    struct monitor *m = step->m;
    struct fence_state *fence = &m->fence;
    if (m->durable.writer != HOST_NONE)
        fence->has_ended = false;
    if (fence->alarm && fence->alarm_host != m->durable.leaving &&
        m->durable.hosts[fence->alarm_host].state == HOST_ONLINE && !health_is_quiet(step, fence->alarm_host))
        fence->alarm = false;
    if (fence->running &&
        step->now >= fence->request.asked + m->cluster->hosts[fence->request.host].fence_timeout + RESULT_LATE)
        note_failure(step, "F34", "no word came of the fence program in its time");
    struct fence_facts facts;
    collect(step, &facts);
    const struct fence_row *row = fence_decide(&facts);
    if (row->action == FENCE_RUN)
        ask(step, m->durable.leaving, row);
}
