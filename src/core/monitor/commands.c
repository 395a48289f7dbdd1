/* What an administrator asks for: checked completely first, then done, or refused with the reason and what to do next.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/monitor/monitor_internal.h"

int commands_host(struct mstep *step, const struct command *command) {
    int host = cluster_host(step->m->cluster, command->host);
    if (host == HOST_NONE)
        mstep_reply(step, command->id, RC_NOT_FOUND, "no host of this cluster is named «%s»", command->host);
    return host;
}

static void refuse(struct mstep *step, const struct command *command, const char *why) {
    mstep_reply(step, command->id, RC_REFUSED, "%s", why);
}

static void set_mode(struct mstep *step, const struct command *command) {
    struct monitor_durable *durable = &step->m->durable;
    if (command->mode == MONITOR_ACTIVE && durable->failover_wall) {
        durable->failover_wall = 0; /* an administrator's word: another failover may come */
        step->changed = true;
        mstep_event(step, "C02", "failover_allowed", HOST_NONE, -1,
                    "another one may come within failover.window, by %.60s", command->who);
    }
    if (durable->mode == command->mode) {
        mstep_reply(step, command->id, RC_OK, "already in %s mode", monitor_mode_name(command->mode));
        return;
    }
    durable->mode = command->mode;
    durable->passive_cause[0] = 0;
    if (command->mode == MONITOR_PASSIVE)
        snprintf(durable->passive_cause, sizeof durable->passive_cause, "set by %.60s", command->who);
    step->changed = true;
    mstep_event(step, "C01", "mode_changed", HOST_NONE, -1, "%s mode, by %.60s", monitor_mode_name(command->mode),
                command->who);
    mstep_reply(step, command->id, RC_OK, "switched into %s mode", monitor_mode_name(command->mode));
}

/* The host's own transactions, from its last report and the writer's.  A host may have reported after the writer, and
 * so have what the writer wrote in between: then what was compared in the right order decides.  Should it have got
 * something of its own since, H90 finds that in the next comparison. */
static uint64_t own_transactions(const struct mstep *step, int host, char *ret_text, size_t size) {
    int writer = step->m->durable.writer;
    ret_text[0] = 0;
    if (writer == HOST_NONE || writer == host || health_has_nothing_own(step, host))
        return 0;
    return gtid_own(&step->m->hosts[host].report.probe.binlog, &step->m->hosts[writer].report.probe.binlog, ret_text,
                    size);
}

static bool is_compared(const struct mstep *step, int host) {
    const struct monitor *m = step->m;
    return !m->serving || m->durable.hosts[host].holds & HOLD_OWN_TRANSACTIONS || health_has_nothing_own(step, host);
}

/* Its last report and the writer's do not tell, and a comparison that does is on its way: that one decides. */
static bool await_comparison(struct mstep *step, const struct command *command, int host) {
    struct comparing *comparing = &step->m->comparing;
    if (is_compared(step, host))
        return false;
    *comparing =
        (struct comparing){ .command = command->id, .host = host, .until = step->now + 2 * HEALTH_COMPARE_AFTER(step) };
    TEXT_COPY(comparing->who, command->who);
    return true;
}

/* A failover that waits because nobody may be promoted does not move: that is when an administrator's word is needed.
 */
static bool is_moving(const struct monitor *m) {
    switch (m->transfer.phase) {
    case TRANSFER_IDLE:
    case TRANSFER_DRAIN:
        return false;
    case TRANSFER_RELEASE:
        return m->transfer.planned;
    case TRANSFER_CATCH_UP:
    case TRANSFER_FETCH:
    case TRANSFER_PROMOTE:
    case TRANSFER_PHASE_COUNT:
        break;
    }
    return true;
}

/* With an empty store each master that cannot be looked at, or is held, may have what was acknowledged. */
static void give_up_others(struct mstep *step, const struct command *command, int host) {
    struct monitor_durable *durable = &step->m->durable;
    if (!command->force || durable->last_writer != HOST_NONE || durability_can_judge(step, host))
        return;
    durable->done_without |= cluster_masters(step->m->cluster) & ~set_of(host);
    step->changed = true;
    mstep_event(step, "C11", "loss_accepted", host, -1,
                "%.60s lets %s become writer, which may lack what another master acknowledged", command->who,
                host_name(step, host));
}

/* It becomes writer by itself, should it be the most complete. */
static bool is_candidate_already(const struct mstep *step, int host) {
    const struct monitor_durable *durable = &step->m->durable;
    return durable->last_writer == HOST_NONE || (host == durable->last_writer && !durable->unproven) ||
           (set_has(durable->electable & durable->surely, host) && durability_can_judge(step, host));
}

/* There is no writer.  A host outside the electable set may lack what was acknowledged, so it becomes a candidate by
 * --force only, and never while the old writer may still be writing: alone in its set it needs nobody's promise. */
static bool accept_candidate(struct mstep *step, const struct command *command, int host) {
    struct monitor_durable *durable = &step->m->durable;
    if (!set_has(cluster_masters(step->m->cluster), host))
        return true;
    if (is_candidate_already(step, host)) {
        give_up_others(step, command, host);
        return true;
    }
    const char *name = host_name(step, host), *old = host_name(step, durable->last_writer);
    if (durable->leaving != HOST_NONE) {
        mstep_reply(
            step, command->id, RC_REFUSED,
            "%s may not replace %s, which may still be writing and is not heard: make its agent reachable, start it "
            "without its server, or stop its machine and say so: mmm set-offline --force %s",
            name, host_name(step, durable->leaving), host_name(step, durable->leaving));
        return false;
    }
    if (!command->force) {
        mstep_reply(
            step, command->id, RC_REFUSED,
            "there is no writer, and %s may lack what %s acknowledged last: bring %s back, or accept the loss with "
            "--force",
            name, old, old);
        return false;
    }
    durable->electable |= set_of(host);
    durable->surely |= set_of(host);
    durable->holders = 0;
    step->changed = true;
    mstep_event(step, "C11", "loss_accepted", host, -1,
                "%.60s lets %s become writer, which may lack what %s acknowledged", command->who, name, old);
    return true;
}

/* What the administrator's word has settled, one line each. */
static void describe_accepted(const struct mstep *step, int host, uint64_t own, const char *list, char *ret_text,
                              size_t size) {
    const struct host_durable *durable = &step->m->durable.hosts[host];
    int writer = step->m->durable.writer;
    ret_text[0] = 0;
    if (durable->holds)
        text_append(ret_text, size, "\n  ended: %s", durable->hold_why);
    bool master = set_has(cluster_masters(step->m->cluster), host);
    if (master && step->m->durable.last_writer == HOST_NONE && !durability_can_judge(step, host))
        text_append(
            ret_text, size,
            "\n  it does not become writer by itself: another master may have what a client was told OK for, and "
            "is held or not heard; bring it back, or give up what it has: mmm set-offline --force HOST");
    if (writer == HOST_NONE || writer == host)
        return;
    if (own)
        text_append(ret_text, size, "\n  accepted: %llu transactions that %s does not have (%s)",
                    (unsigned long long)own, host_name(step, writer), list);
    else
        text_append(ret_text, size, "\n  compared: everything that it has is on %s too", host_name(step, writer));
}

/* In service, and no candidate: when there is no writer that is for a person to say, too. */
static bool is_word_for_candidate(const struct mstep *step, const struct command *command, int host) {
    const struct monitor_durable *durable = &step->m->durable;
    if (!command->force || durable->writer != HOST_NONE || is_candidate_already(step, host))
        return false;
    enum host_state state = durable->hosts[host].state;
    bool in_service = state == HOST_ONLINE || state == HOST_REPLICATION_FAIL || state == HOST_REPLICATION_DELAY;
    return in_service && set_has(cluster_masters(step->m->cluster), host);
}

static void set_online(struct mstep *step, const struct command *command, bool may_wait) {
    int host = commands_host(step, command);
    if (host < 0)
        return;
    struct monitor *m = step->m;
    struct host_durable *durable = &m->durable.hosts[host];
    const char *name = host_name(step, host);
    bool word = is_word_for_candidate(step, command, host);
    if (durable->state == HOST_ONLINE && !word) {
        mstep_reply(step, command->id, RC_OK, "%s is ONLINE already", name);
        return;
    }
    if (durable->state != HOST_ADMIN_OFFLINE && durable->state != HOST_AWAITING_RECOVERY && !word) {
        mstep_reply(step, command->id, RC_REFUSED,
                    "%s is %s: it comes back by itself when its checks are well (mmm checks %s)", name,
                    host_state_name(durable->state), name);
        return;
    }
    if (!health_is_alive(step, host)) {
        mstep_reply(step, command->id, RC_REFUSED, "%s can not be set online: %s (mmm checks %s)", name,
                    health_is_silent(step, host) ? "its agent is silent" : "its server does not answer", name);
        return;
    }
    if (is_moving(m)) {
        refuse(step, command, "the writer role is on its way; wait until it has arrived (mmm show)");
        return;
    }
    if (m->durable.writer == HOST_NONE && !accept_candidate(step, command, host))
        return;
    char text[FACT_SIZE];
    uint64_t own = own_transactions(step, host, text, sizeof text);
    if (own && !command->force && may_wait && m->comparing.command) {
        refuse(step, command, "another host is being compared with the writer: try again in some seconds");
        return;
    }
    if (own && !command->force && may_wait && await_comparison(step, command, host))
        return;
    if (own && !command->force) {
        mstep_reply(
            step, command->id, RC_REFUSED,
            "%s has %llu transactions that %s does not have (%s): look at them in its binary log, then fill it anew "
            "from %s; `mmm set-online --force %s` lets it try to follow all the same",
            name, (unsigned long long)own, host_name(step, m->durable.writer), text, host_name(step, m->durable.writer),
            name);
        return;
    }
    char accepted[ANSWER_TEXT_MAX / 2];
    describe_accepted(step, host, own, text, accepted, sizeof accepted);
    health_release(step, host);
    m->hosts[host].lack_accepted = m->hosts[host].report.lacks.count > 0;
    m->durable.done_without &= ~set_of(host);
    if (own)
        m->hosts[host].own_accepted = m->hosts[host].report.probe.binlog;
    m->durable.failover_wall = 0; /* somebody has looked */
    enum host_state to = m->serving && host != m->durable.writer ? HOST_REPLICATION_FAIL : HOST_ONLINE;
    mstep_event(step, "C10", "set_online", host, -1, "by %.60s%s%s", command->who,
                command->force ? ", with --force" : "", own ? ", accepting transactions of its own" : "");
    health_set_state(step, host, to, "C10", "set online by command");
    if (to == HOST_ONLINE)
        mstep_reply(step, command->id, RC_OK, "%s is ONLINE%s", name, accepted);
    else
        mstep_reply(step, command->id, RC_OK,
                    "%s follows %s now, and is ONLINE as soon as it has caught up (mmm show)%s", name,
                    host_name(step, m->durable.writer), accepted);
}

void commands_compared(struct mstep *step) {
    struct comparing *comparing = &step->m->comparing;
    if (!comparing->command || (!is_compared(step, comparing->host) && step->now < comparing->until))
        return;
    struct command command = { .id = comparing->command, .kind = COMMAND_SET_ONLINE };
    TEXT_COPY(command.who, comparing->who);
    TEXT_COPY(command.host, host_name(step, comparing->host));
    *comparing = (struct comparing){ .command = 0 };
    set_online(step, &command, false);
}

/* NULL: the writer role can move to the host now. */
static const char *switchover_obstacle(struct mstep *step, int to, char *text, size_t size) {
    const struct monitor *m = step->m;
    const struct host_view *view = &m->hosts[to];
    const char *name = host_name(step, to);
    if (m->transfer.phase != TRANSFER_IDLE)
        return "the writer role is on its way already";
    if (m->durable.writer == HOST_NONE || !m->serving)
        return "there is no writer that serves now: a switchover needs one that can hand over";
    if (!set_has(m->cluster->roles[cluster_writer_role(m->cluster)].hosts, to)) {
        snprintf(text, size, "%s may not hold the role: it is not among its hosts in the configuration", name);
        return text;
    }
    if (m->durable.hosts[to].state != HOST_ONLINE) {
        snprintf(text, size, "%s is %s", name, host_state_name(m->durable.hosts[to].state));
        return text;
    }
    if (!health_is_fresh(step, to)) {
        snprintf(text, size, "the agent on %s is not reachable", name);
        return text;
    }
    const struct candidate_row *row = transfer_candidate(step, to);
    if (row->level == CANDIDATE_UNFIT) {
        snprintf(text, size, "%s (%s; mmm explain)", row->why, row->rule);
        return text;
    }
    if (!health_is_replicating(step, to)) {
        snprintf(text, size, "%s does not replicate from the writer", name);
        return text;
    }
    if (view->lag > m->cluster->health.lag_max) {
        snprintf(text, size, "%s is %lld ms behind", name, (long long)view->lag);
        return text;
    }
    return NULL;
}

static void move_writer(struct mstep *step, const struct command *command, int to) {
    struct monitor *m = step->m;
    char text[WHY_SIZE];
    const char *from_name = host_name(step, m->durable.writer), *to_name = host_name(step, to);
    if (to == m->durable.writer) {
        mstep_reply(step, command->id, RC_OK, "%s is on %s already", command->role, to_name);
        return;
    }
    const char *obstacle = switchover_obstacle(step, to, text, sizeof text);
    if (obstacle) {
        mstep_reply(step, command->id, RC_REFUSED, "%s can not move to %s: %s", command->role, to_name, obstacle);
        return;
    }
    int prefer = m->cluster->roles[cluster_writer_role(m->cluster)].prefer;
    if (prefer != HOST_NONE && prefer == m->durable.writer && !command->dry_run) {
        mstep_reply(step, command->id, RC_REFUSED, "%s prefers %s and would go back at once: change «prefer» first",
                    command->role, from_name);
        return;
    }
    if (command->dry_run) {
        char lag[48] = "its lag is not known yet";
        if (m->hosts[to].lag >= 0)
            snprintf(lag, sizeof lag, "lag %lld ms", (long long)m->hosts[to].lag);
        mstep_reply(step, command->id, RC_OK,
                    "%s would move from %s to %s (%s):\n"
                    "  1. wait until %s is nearer than %lld ms, and at most %lld ms for long transactions on %s;\n"
                    "     whatever goes on then %s\n"
                    "  2. %s: read-only, clients ended, position noted; the address stays for now\n"
                    "  3. %s: reaches that position, becomes writable, takes the address over\n"
                    "  4. %s: lets the address go and follows %s, as all others do\n"
                    "each step within %lld ms, else %s gets the role back; nothing was changed",
                    command->role, from_name, to_name, lag, to_name, (long long)m->cluster->failover.catch_up,
                    (long long)transfer_grace(m, command), from_name,
                    command->kill ? "is ended" : "stops the switchover (--kill ends it)", from_name, to_name, from_name,
                    to_name, (long long)m->cluster->failover.switchover_timeout, from_name);
        return;
    }
    char cause[FACT_SIZE];
    snprintf(cause, sizeof cause, "moved by %.60s", command->who);
    transfer_begin_switchover(step, to, command, cause);
    mstep_event(step, "C30", "move_role", to, cluster_role(m->cluster, command->role), "by %.60s", command->who);
}

static int count_on(const struct monitor *m, int role, int host) {
    int count = 0;
    for (int i = 0; i < m->cluster->address_count; i++)
        count += m->cluster->addresses[i].role == role && m->durable.placement[i] == host;
    return count;
}

static void place(struct mstep *step, const struct command *command, int address, int to) {
    struct monitor *m = step->m;
    char ip[IP_TEXT_MAX];
    ip_format(&m->cluster->addresses[address].ip, ip);
    mstep_event(step, "C31", "move_role", to, m->cluster->addresses[address].role, "%s from %s by %.60s", ip,
                host_name(step, m->durable.placement[address]), command->who);
    m->durable.placement[address] = to;
    step->changed = true;
}

/* balanced: one address more for the host, from the one that has most.  exclusive: all of them. */
static void move_other(struct mstep *step, const struct command *command, int role, int to) {
    struct monitor *m = step->m;
    const struct role_spec *spec = &m->cluster->roles[role];
    if (!set_has(spec->hosts, to) || m->durable.hosts[to].state != HOST_ONLINE) {
        mstep_reply(
            step, command->id, RC_REFUSED, "%s can not move to %s: the host is %s", spec->name, host_name(step, to),
            set_has(spec->hosts, to) ? host_state_name(m->durable.hosts[to].state) : "not among the role's hosts");
        return;
    }
    int busiest = -1;
    for (int i = 0; i < m->cluster->address_count; i++) {
        if (m->cluster->addresses[i].role != role || m->durable.placement[i] == to)
            continue;
        if (command->dry_run)
            busiest = i;
        else if (spec->mode == ROLE_EXCLUSIVE)
            place(step, command, i, to);
        if (busiest < 0 ||
            count_on(m, role, m->durable.placement[i]) > count_on(m, role, m->durable.placement[busiest]))
            busiest = i;
    }
    if (busiest < 0) {
        mstep_reply(step, command->id, RC_OK, "%s is on %s already", spec->name, host_name(step, to));
        return;
    }
    if (!command->dry_run && spec->mode == ROLE_BALANCED)
        place(step, command, busiest, to);
    mstep_reply(step, command->id, RC_OK, "%s %s %s%s", spec->name, command->dry_run ? "could move to" : "moves to",
                host_name(step, to),
                spec->mode == ROLE_BALANCED
                    ? "; a balanced role is evened out again when that leaves hosts too different"
                    : "");
}

static void move_role(struct mstep *step, const struct command *command) {
    struct monitor *m = step->m;
    if (m->durable.mode == MONITOR_PASSIVE) {
        refuse(step, command, "roles do not move in PASSIVE mode; mmm set-active ends it");
        return;
    }
    if (command->force) {
        refuse(
            step, command,
            "a role does not move by force: mmm set-offline --force takes the writer role away although nobody could "
            "take over, then mmm set-online --force lets a host take it with what it has");
        return;
    }
    int role = cluster_role(m->cluster, command->role);
    if (role < 0) {
        mstep_reply(step, command->id, RC_NOT_FOUND, "no role of this cluster is named «%s»", command->role);
        return;
    }
    int host = commands_host(step, command);
    if (host == HOST_NONE)
        return;
    if (m->cluster->roles[role].is_writer)
        move_writer(step, command, host);
    else
        move_other(step, command, role, host);
}

void commands_run(struct mstep *step, const struct command *command) {
    switch (command->kind) {
    case COMMAND_SET_ONLINE:
        set_online(step, command, true);
        return;
    case COMMAND_SET_OFFLINE:
        commands_set_offline(step, command);
        return;
    case COMMAND_MOVE_ROLE:
        move_role(step, command);
        return;
    case COMMAND_SET_MODE:
        set_mode(step, command);
        return;
    }
}
