/* Shared by the files of core/agent only. */
#ifndef MMM_CORE_AGENT_AGENT_INTERNAL_H
#define MMM_CORE_AGENT_AGENT_INTERNAL_H

#include "core/agent/agent.h"

struct step {
    struct agent *agent;
    const struct agent_event *event;
    struct agent_plan *plan;
    msec now;
};

/* lease.c */
void lease_obey(struct step *step, const struct orders *orders);
void lease_report_failed(struct step *step);
void lease_asked(struct step *step, const struct ask *ask);
void lease_answered(struct step *step, const struct answer *answer);
msec lease_contact(const struct agent *agent);   /* until when the addresses of readers may stay */
msec lease_silent_at(const struct agent *agent); /* from then on the monitor counts as silent */
void lease_check(struct step *step);             /* has it run out? shall peers be asked? */
void lease_resign(struct step *step);            /* the server is dead: the role is given up at once */
enum duty_now lease_duty(const struct agent *agent, msec now);
void lease_talk(struct step *step); /* send a report when it is time */

/* work.c: the server */
void work_probed(struct step *step);
void work_task_done(struct step *step);
void work_server_gone(struct step *step);
void work_check(struct step *step); /* fences, tasks, looks */
bool work_is_serving(const struct agent *agent, msec now);

/* acknowledge.c: what is acknowledged to whom */
void acknowledge_looked(struct step *step, const struct semi_sync *before); /* before: as the last look saw it */
void acknowledge_forget(struct agent *agent);         /* the server's run, or its settings, are new */
void acknowledge_check(struct step *step);            /* what is to be written down, what to be told */
void acknowledge_seen(struct step *step, bool waits); /* do commits wait, and is none acknowledged? */
bool acknowledge_is_unset(const struct agent *agent, enum duty_now duty, msec now); /* differs from the orders */
uint32_t acknowledge_count(const struct agent *agent, host_set electable);          /* so many are waited for */
void acknowledge_fill(const struct step *step, struct report *report);

/* presence.c: the addresses */
void presence_listed(struct step *step);
void presence_stranger(struct step *step);
void presence_check(struct step *step);

/* guard.c: which of them clients can reach, should this agent die at any moment */
void guard_start(struct agent *agent, msec now);
void guard_let(struct step *step, int address, msec until);
void guard_shut(struct step *step, int address);
void guard_fill(struct step *step);

/* agent.c */
void step_deadline(struct step *step, msec at);
void step_event(struct step *step, const char *rule, const char *name, const char *format, ...) PRINTF_LIKE(4, 5);
void step_report_soon(struct step *step);

static inline msec later(msec a, msec b) {
    return a > b ? a : b;
}

static inline msec earlier(msec a, msec b) {
    return a < b ? a : b;
}

#endif
