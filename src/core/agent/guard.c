/* What the guard on this host lets clients reach (DESIGN.md §5 rule 3).  Each role address that is served has an end,
 * which the kernel keeps to by itself: so an agent that is dead, stopped or starved lets nobody in after its lease. */
#include "core/agent/agent_internal.h"

enum { RENEW_STEP = 200 };

/* A restarted agent goes on with what the kernel still holds: no client is cut off by the restart, and nobody is let
 * in for longer than the last agent did.  A writer's address counts only with its lease. */
void guard_start(struct agent *agent, msec now) {
    if (agent->must_fence)
        return;
    for (int i = 0; i < agent->cluster->address_count; i++) {
        bool writers = agent->cluster->roles[agent->cluster->addresses[i].role].is_writer;
        if (!agent->addresses[i].present || (writers && !agent->writer))
            continue;
        msec most = agent->writer ? agent->lease_until : now + agent->cluster->lease.length;
        agent->guard_until[i] = earlier(agent->addresses[i].gone_at, most);
    }
}

/* A server that is writable, or may be, is reached through no address for longer than its lease: a reader's address on
 * the writer's host would otherwise be a way round.  When the lease is over and the server is not known to be shut,
 * nothing is let through anew. */
void guard_let(struct step *step, int address, msec until) {
    struct agent *agent = step->agent;
    msec *held = &agent->guard_until[address];
    if (agent->writer)
        until = earlier(until, agent->lease_until);
    else if (agent->must_fence)
        return;
    bool sooner = until < *held;
    bool later = until > step->now && (*held <= step->now || until >= *held + RENEW_STEP);
    if (!sooner && !later)
        return;
    *held = until;
    step->plan->guard_set = true;
    step->plan->guard_opens |= later;
}

void guard_shut(struct step *step, int address) {
    msec *held = &step->agent->guard_until[address];
    if (*held > step->now)
        step->plan->guard_set = true;
    *held = 0;
}

/* What was let through before the role was taken may end later than the lease, and is not always served any more. */
static void bound_by_lease(struct step *step) {
    struct agent *agent = step->agent;
    for (int i = 0; agent->writer && i < agent->cluster->address_count; i++)
        if (agent->guard_until[i] > agent->lease_until) {
            agent->guard_until[i] = agent->lease_until;
            step->plan->guard_set = true;
        }
}

void guard_fill(struct step *step) {
    struct agent_plan *plan = step->plan;
    bound_by_lease(step);
    if (!plan->guard_set)
        return;
    for (int i = 0; i < step->agent->cluster->address_count; i++)
        if (step->agent->guard_until[i] > step->now) {
            plan->guard |= set_of(i);
            plan->guard_until[i] = step->agent->guard_until[i];
        }
}
