/* set-offline: a host leaves the service, the writer by a switchover.  With --force it is also the administrator's word
 * of a host that nobody can ask (DESIGN.md §5, rule 6): it is stopped, and what it alone has is given up. */
#include "core/monitor/monitor_internal.h"

static void refuse_writer(struct mstep *step, const struct command *command, int host, const char *why) {
    mstep_reply(step, command->id, RC_REFUSED, "%s is the writer, and the role can not be moved away from it now%s",
                host_name(step, host), why);
}

static void go_offline(struct mstep *step, int host) {
    health_set_state(step, host, HOST_ADMIN_OFFLINE, "C20", "set offline by command");
}

static int best_successor(const struct mstep *step) {
    host_set candidates = transfer_candidates(step);
    const struct role_spec *role = &step->m->cluster->roles[cluster_writer_role(step->m->cluster)];
    for (int i = 0; i < role->order_count; i++)
        if (set_has(candidates, role->order[i]) && health_is_replicating(step, role->order[i]))
            return role->order[i];
    return HOST_NONE;
}

static void set_writer_offline(struct mstep *step, const struct command *command, int host) {
    struct monitor *m = step->m;
    int successor = best_successor(step);
    if (m->transfer.phase != TRANSFER_IDLE || !m->serving || successor == HOST_NONE) {
        refuse_writer(step, command, host,
                      successor == HOST_NONE ? ": no other host could take over (mmm explain)" : "");
        return;
    }
    transfer_begin_switchover(step, successor, command, "the writer is set offline by command");
    m->transfer.then_offline = true;
    mstep_event(step, "C20", "set_offline", host, -1, "by %.60s; first the writer role goes to %s", command->who,
                host_name(step, successor));
}

/* Who is the writer, or was it and is not known to have ended. */
static bool may_be_writing(const struct mstep *step, int host) {
    const struct monitor_durable *durable = &step->m->durable;
    return host == durable->writer || (durable->writer == HOST_NONE && host == durable->leaving);
}

/* The word «it is stopped» is not believed of a host that somebody hears.  NULL: nobody does. */
static const char *sign_of_life(const struct mstep *step, int host) {
    if (!health_is_silent(step, host))
        return "its agent is heard";
    if (step->m->hosts[host].outside_answers)
        return "its server answers the monitor";
    if (transfer_is_seen(step, host))
        return "other hosts hear it";
    if (health_hears_only(step, host))
        return "no other host is heard, so it may be this monitor that is cut off";
    return NULL;
}

static msec lapses_at(const struct monitor *m) {
    return m->granted_until + m->cluster->lease.margin;
}

/* Whom nothing but the administrator's word ends, so that somebody is told what to type. */
static int unheard(const struct mstep *step) {
    const struct monitor *m = step->m;
    int host = m->durable.writer != HOST_NONE ? m->durable.writer : m->durable.leaving;
    bool waiting = m->durable.writer == HOST_NONE && m->transfer.phase == TRANSFER_RELEASE && !m->transfer.planned;
    bool moving = m->transfer.phase != TRANSFER_IDLE && !waiting;
    if (host == HOST_NONE || moving || m->durable.mode == MONITOR_PASSIVE || step->now < lapses_at(m) ||
        sign_of_life(step, host) != NULL)
        return HOST_NONE;
    return host;
}

void commands_note_unheard(struct mstep *step) {
    struct monitor *m = step->m;
    int before = m->unheard;
    m->unheard = unheard(step);
    if (m->unheard == HOST_NONE || m->unheard == before)
        return;
    mstep_event(
        step, "C23", "writer_unheard", m->unheard, -1,
        "nobody hears %s, and nobody may replace it by itself; once it is surely stopped: mmm set-offline --force %s",
        host_name(step, m->unheard), host_name(step, m->unheard));
}

/* Nobody hears it, and nothing but this word ends it: alone in its set it would need no promise to go on. */
static void give_writer_up(struct mstep *step, const struct command *command, int host) {
    struct monitor *m = step->m;
    const char *name = host_name(step, host);
    if (step->now < lapses_at(m)) {
        mstep_reply(step, command->id, RC_REFUSED, "the lease of %s may run for %lld ms yet: try again then", name,
                    (long long)(lapses_at(m) - step->now));
        return;
    }
    mstep_event(step, "C21", "writer_given_up", host, -1,
                "%.60s says that %s is stopped, with --force: its lease does not count any more, and what it alone has "
                "is given up",
                command->who, name);
    if (host == m->durable.writer) {
        lease_take(step, true);
        transfer_begin_failover(step, host, "it was given up by command");
    } else {
        lease_end(step);
    }
    go_offline(step, host);
    mstep_reply(
        step, command->id, RC_OK,
        "%s counts as stopped: whoever may take over becomes writer now; mmm explain tells what is missing where "
        "nobody may",
        name);
}

/* It is heard, so it ends by itself and says so. */
static void stop_writer(struct mstep *step, const struct command *command, int host) {
    mstep_event(step, "C22", "writer_stopped", host, -1, "by %.60s, with --force: nobody could take over",
                command->who);
    lease_take(step, false);
    transfer_begin_failover(step, host, "it was set offline by command");
    go_offline(step, host);
    mstep_reply(step, command->id, RC_OK,
                "%s gives the writer role up, and nobody could take over: there is no writer until one may (mmm "
                "explain), or %s is set online again",
                host_name(step, host), host_name(step, host));
}

static void force_writer_offline(struct mstep *step, const struct command *command, int host) {
    struct monitor *m = step->m;
    const char *sign = sign_of_life(step, host);
    bool is_writer = host == m->durable.writer;
    bool ready = is_writer ? m->transfer.phase == TRANSFER_IDLE : !m->transfer.planned;
    if (!ready)
        mstep_reply(step, command->id, RC_REFUSED, "%s takes part in moving the writer role; wait until that is done",
                    host_name(step, host));
    else if (sign == NULL)
        give_writer_up(step, command, host);
    else if (is_writer && health_is_fresh(step, host) && best_successor(step) == HOST_NONE)
        stop_writer(step, command, host);
    else if (is_writer && health_is_fresh(step, host))
        set_writer_offline(step, command, host);
    else
        mstep_reply(step, command->id, RC_REFUSED,
                    "%s does not count as stopped: %s; stop its server, or its machine, first", host_name(step, host),
                    sign);
}

/* With an empty store any master may have been writer, and have what nobody else has. */
static void give_unknown_up(struct mstep *step, const struct command *command, int host) {
    struct monitor_durable *durable = &step->m->durable;
    if (!command->force || durable->last_writer != HOST_NONE || set_has(durable->done_without, host))
        return;
    durable->done_without |= set_of(host);
    step->changed = true;
    mstep_event(step, "C11", "loss_accepted", host, -1,
                "%.60s says that %s is stopped, with --force, and gives up what it alone may have", command->who,
                host_name(step, host));
}

void commands_set_offline(struct mstep *step, const struct command *command) {
    int host = commands_host(step, command);
    if (host == HOST_NONE)
        return;
    const struct monitor *m = step->m;
    const char *name = host_name(step, host);
    bool offline = m->durable.hosts[host].state == HOST_ADMIN_OFFLINE;
    if (may_be_writing(step, host) && m->durable.mode == MONITOR_PASSIVE) {
        refuse_writer(step, command, host, ": roles do not move in PASSIVE mode; mmm set-active ends it");
        return;
    }
    if (may_be_writing(step, host) && command->force) {
        force_writer_offline(step, command, host);
        return;
    }
    if (host == m->durable.writer) {
        set_writer_offline(step, command, host);
        return;
    }
    if (lease_is_listening(m, step->now) && set_has(lease_unseen(m, step->now), host) && !command->force) {
        mstep_reply(step, command->id, RC_REFUSED,
                    "%s has not been seen, and this monitor's store does not know whether it is the writer: bring its "
                    "agent and server back, or stop its server and say so with --force",
                    name);
        return;
    }
    if (m->transfer.phase != TRANSFER_IDLE && (host == m->transfer.from || host == m->transfer.to) && !offline) {
        bool stays = m->durable.writer == HOST_NONE && !m->transfer.planned; /* until somebody may be promoted */
        mstep_reply(step, command->id, RC_REFUSED, "%s takes part in moving the writer role; %s", name,
                    stays ? "mmm explain says what that waits for" : "wait until that is done");
        return;
    }
    give_unknown_up(step, command, host);
    if (offline) {
        mstep_reply(step, command->id, RC_OK, "%s is ADMIN_OFFLINE already", name);
        return;
    }
    mstep_event(step, "C20", "set_offline", host, -1, "by %.60s%s", command->who,
                command->force ? ", with --force" : "");
    go_offline(step, host);
    mstep_reply(step, command->id, RC_OK, "%s is ADMIN_OFFLINE: it keeps replicating and serves nothing", name);
}
