/* Shared by the files of core/monitor only. */
#ifndef MMM_CORE_MONITOR_MONITOR_INTERNAL_H
#define MMM_CORE_MONITOR_MONITOR_INTERNAL_H

#include "core/election/candidate.h"
#include "core/monitor/monitor.h"

struct mstep {
    struct monitor *m;
    const struct monitor_event *event;
    struct monitor_plan *plan;
    msec now;
    bool changed; /* the durable part */
};

/* monitor.c */
void mstep_event(struct mstep *step, const char *rule, const char *name, int host, int role, const char *format, ...)
    PRINTF_LIKE(6, 7);
void mstep_deadline(struct mstep *step, msec at);
void mstep_reply(struct mstep *step, uint64_t id, enum rc rc, const char *format, ...) PRINTF_LIKE(4, 5);
const char *host_name(const struct mstep *step, int host); /* «nobody» for HOST_NONE */

/* event_facts.c */
void event_note_facts(const struct mstep *step, struct event *event);

/* health.c */
void health_report(struct mstep *step, int host);
void health_check(struct mstep *step, int host); /* the monitor's own connection */
void health_run(struct mstep *step);
bool health_is_fresh(const struct mstep *step, int host);   /* its agent was heard within three report intervals */
bool health_hears_only(const struct mstep *step, int host); /* nobody but this one was */
bool health_is_quiet(const struct mstep *step, int host);   /* not within half a lease */
bool health_is_silent(const struct mstep *step, int host);  /* not within a lease */
bool health_is_alive(const struct mstep *step, int host);
bool health_is_replicating(const struct mstep *step, int host);
bool health_server_answers(const struct mstep *step, int host);
/* How old a host's word is when the writer's is surely newer. */
#define HEALTH_COMPARE_AFTER(step) (4 * (step)->m->cluster->lease.report + 500)
bool health_has_nothing_own(const struct mstep *step, int host); /* that the writer lacks */
void health_set_state(struct mstep *step, int host, enum host_state to, const char *rule, const char *why);
void health_hold(struct mstep *step, int host, enum hold_reason reason, const char *rule, const char *format, ...)
    PRINTF_LIKE(5, 6);
void health_release(struct mstep *step, int host);

/* fence.c */
void fencing_run(struct mstep *step);
void fencing_read_result(struct mstep *step, const struct fence_result *result);
void fencing_read_report(struct mstep *step, int host);
bool fencing_stands_in(const struct mstep *step); /* for the old writer's word: it was ended by a program, or can be */

/* lease.c: the model's steps 2, 6, 7, 8 */
void lease_read_report(struct mstep *step, int host);
void lease_note_grant(struct mstep *step, const struct orders *orders);
void lease_adopt(struct mstep *step);
void lease_keep_electable(struct mstep *step);
bool lease_is_released(const struct mstep *step, int candidate);
bool lease_has_looked_around(const struct mstep *step); /* since its start: an older store would have been told of */
void lease_take(struct mstep *step, bool confirmed);
void lease_give(struct mstep *step, int host);
void lease_end(struct mstep *step); /* the writer that was leaving has surely ended */

/* transfer.c */
void transfer_run(struct mstep *step);
/* command NULL: nobody waits for it, and it waits for no transaction. */
void transfer_begin_switchover(struct mstep *step, int to, const struct command *command, const char *cause);
void transfer_begin_failover(struct mstep *step, int from, const char *cause); /* the role was taken from that host */
msec transfer_grace(const struct monitor *m, const struct command *command);
void transfer_abandon(struct mstep *step, const char *why); /* whatever is on its way */
bool transfer_may_give(const struct mstep *step); /* the role to who is chosen: it is known what that must reach */

/* transfer_candidates.c */
const struct candidate_row *transfer_candidate(const struct mstep *step, int host);
host_set transfer_candidates(const struct mstep *step);
bool transfer_is_fit(const struct mstep *step, int host);        /* as the target of a switchover */
bool transfer_may_take_over(const struct mstep *step, int host); /* now, without anybody's word */

/* transfer_watch.c */
const struct watch_row *transfer_watch(const struct mstep *step); /* on the writer that is there */
bool transfer_writer_serves(const struct mstep *step);
bool transfer_is_seen(const struct mstep *step, int writer); /* its replicas receive, or a peer has promised */
bool transfer_is_suspect(const struct mstep *step); /* the writer: silent for half a lease, and no peer has promised */

/* transfer_phase.c */
struct phase_facts;
struct election;
/* Somebody was writer before, by the store or by what the agents tell.  Else the cluster is new, and until its first
 * writer nothing is touched. */
bool transfer_has_past(const struct monitor *m);
void transfer_collect(struct mstep *step, struct phase_facts *facts, struct election *ret_election);
const struct transfer_row *transfer_phase(struct mstep *step);     /* on what is on its way */
bool transfer_can_drain(const struct mstep *step, int host);       /* it can be asked for what it has */
bool transfer_has_handed_over(const struct mstep *step, int host); /* ... and has told all that counts, though held */
bool transfer_has_fetched(const struct mstep *step);
bool transfer_is_busy(const struct mstep *step, int writer); /* a transaction runs that a hand-over would wait for */
bool transfer_demotion_failed(const struct mstep *step);
/* How many transactions «host» has and «other» has not, and which; both have applied all that they received. */
uint64_t transfer_own_over(const struct mstep *step, int host, int other, char *ret_text, size_t size);
host_set transfer_diverged(const struct mstep *step);

/* durability.c */
host_set durability_members(const struct mstep *step);
host_set
durability_first_members(const struct mstep *step); /* those that a new writer waits for from its first commit */
const char *durability_why(struct mstep *step, host_set wanted); /* and notes whom it was that did not acknowledge */
bool durability_waits(const struct mstep *step);
bool durability_acknowledges(const struct monitor *m, int host);
host_set durability_believed(const struct monitor *m,
                             const struct report *report); /* whom the writer surely counts on */
void durability_read_report(struct mstep *step);           /* of the writer */
bool durability_is_counted(const struct monitor *m);
void durability_tell(struct mstep *step);
bool durability_counts(const struct monitor *m, int host); /* on its relay log, whatever its replication looks like */
host_set durability_holders(const struct monitor *m);      /* each may alone have a commit that was answered OK */
bool durability_can_judge(const struct mstep *step, int candidate);

/* filters.c */
void filters_run(struct mstep *step);

/* sources.c */
void sources_run(struct mstep *step);
int sources_ordered(const struct mstep *step, int host);  /* whom a standby is told to follow, or HOST_NONE */
bool sources_is_kept(const struct mstep *step, int host); /* from another replica, as the administrator set it up */
int sources_expected(const struct mstep *step, int host); /* from whom it replicates when all is well */
/* Draining it tells nothing more: its source, which lives, has all that it has, or it would take too long. */
bool sources_is_drained_for(const struct mstep *step, int host);

/* placement.c */
void placement_run(struct mstep *step);
void placement_answered(struct mstep *step, int host, const struct orders *orders);
bool placement_may_serve(const struct mstep *step, int host, int address);

/* orders.c */
void orders_for(const struct mstep *step, int host, struct orders *ret_orders);
bool orders_equal(const struct orders *a, const struct orders *b); /* but for their sequence */

/* commands.c */
void commands_run(struct mstep *step, const struct command *command);
void commands_compared(struct mstep *step); /* answers a set-online that waits for a comparison */
int commands_host(struct mstep *step, const struct command *command); /* HOST_NONE: there is no such host, and that is
                                                                         answered */

/* commands_offline.c */
void commands_set_offline(struct mstep *step, const struct command *command);
void commands_note_unheard(struct mstep *step);

#endif
