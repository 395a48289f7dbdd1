/* Role addresses that are not the writer's: where they should be, and when a host may serve one that was elsewhere. */
#include "core/monitor/monitor_internal.h"
#include "core/roles/roles.h"

static bool is_writers(const struct monitor *m, int address) {
    return m->cluster->roles[m->cluster->addresses[address].role].is_writer;
}

void placement_answered(struct mstep *step, int host, const struct orders *orders) {
    struct host_view *view = &step->m->hosts[host];
    view->may_hold = view->report.addresses | orders->addresses;
}

/* Whoever has not said since that it is not writer may have taken the role by the last answer: no earlier one counts
 * for it any more.  That somebody else was chosen meanwhile, even more than once, changes nothing: those have promised
 * it not to take the role yet. */
static bool may_be_writer(const struct monitor *m, int host) {
    const struct host_view *view = &m->hosts[host];
    if (!set_has(cluster_masters(m->cluster), host))
        return false;
    return !view->heard || view->report.writer || (view->sent_valid && view->sent.duty == DUTY_WRITER);
}

/* By when an answer of «answered» is over.  A writer that is cut from the monitor alone keeps its other addresses as
 * well, as long as its peers' promises last. */
static msec gone_by(const struct monitor *m, int host, msec answered) {
    msec gone = answered + m->cluster->lease.length;
    if (may_be_writer(m, host))
        for (int i = 0; i < m->cluster->host_count; i++)
            if (i != host && m->hosts[i].promised_until > gone)
                gone = m->hosts[i].promised_until;
    return gone + m->cluster->lease.margin;
}

static bool may_hold_by_answers(const struct mstep *step, int host, int address) {
    const struct host_view *view = &step->m->hosts[host];
    return view->heard && set_has(view->may_hold, address) && step->now < gone_by(step->m, host, view->answered_at);
}

/* Rule 7: it may have been given anything a moment before this monitor's start.  A first report proves nothing, since
 * it may have been on its way since before that answer; one that was answered when every earlier answer was over
 * does. */
static bool may_hold_from_before(const struct mstep *step, int host) {
    const struct monitor *m = step->m;
    msec over = m->started_at + m->cluster->lease.length + m->cluster->lease.margin;
    return m->hosts[host].answered_at < over && step->now < gone_by(m, host, m->started_at);
}

/* An address is given to a host when no other host can still have it: each has said that it has not, or has not been
 * answered for so long that its kernel has removed it.  After the monitor's start who has it goes on, unless another
 * one is known to have it too.  That it has it is no late word: an answer counts only for the newest report. */
bool placement_may_serve(const struct mstep *step, int host, int address) {
    const struct monitor *m = step->m;
    bool has_it = m->hosts[host].heard && set_has(m->hosts[host].report.addresses, address);
    for (int i = 0; i < m->cluster->host_count; i++)
        if (i != host && (may_hold_by_answers(step, i, address) || (!has_it && may_hold_from_before(step, i))))
            return false;
    return true;
}

static bool may_receive(const struct mstep *step, int host) {
    return step->m->durable.hosts[host].state == HOST_ONLINE && health_is_fresh(step, host) &&
           health_server_answers(step, host) && !sources_is_delayed(step->m, host);
}

static bool may_stay(const struct mstep *step, int host) {
    enum host_state state = step->m->durable.hosts[host].state;
    if (sources_is_delayed(step->m, host))
        return false;
    return state == HOST_ONLINE || (step->m->durable.mode == MONITOR_MANUAL && state != HOST_ADMIN_OFFLINE);
}

/* The next writer counts half an address more, so the orphans of a failover wait the few milliseconds until it is
 * known. */
static bool is_too_early(const struct mstep *step) {
    const struct transfer *transfer = &step->m->transfer;
    return transfer->phase != TRANSFER_IDLE && !transfer->planned &&
           step->now - transfer->started < step->m->cluster->lease.report;
}

/* While the writer role is on its way nothing else is evened out: one change at a time. */
static bool is_quiet(const struct monitor *m) {
    return m->transfer.phase == TRANSFER_IDLE && m->serving;
}

void placement_run(struct mstep *step) {
    struct monitor *m = step->m;
    if (m->durable.mode == MONITOR_PASSIVE || !transfer_has_past(m) || lease_is_listening(m, step->now) ||
        is_too_early(step))
        return;
    struct role_facts facts = {
        .writer = m->durable.writer,
        .balance = is_quiet(m) && m->durable.mode == MONITOR_ACTIVE,
    };
    for (int i = 0; i < m->cluster->host_count; i++) {
        facts.may_stay |= may_stay(step, i) ? set_of(i) : 0;
        facts.may_receive |= may_receive(step, i) ? set_of(i) : 0;
    }
    int before[ADDRESSES_MAX];
    for (int i = 0; i < m->cluster->address_count; i++)
        before[i] = m->durable.placement[i];
    for (int role = 0; role < m->cluster->role_count; role++)
        if (!m->cluster->roles[role].is_writer) {
            struct role_facts own = facts;
            own.may_receive &= m->cluster->roles[role].hosts;
            roles_place(m->cluster, role, &own, m->durable.placement);
        }
    for (int i = 0; i < m->cluster->address_count; i++) {
        if (before[i] == m->durable.placement[i] || is_writers(m, i))
            continue;
        char text[IP_TEXT_MAX];
        ip_format(&m->cluster->addresses[i].ip, text);
        step->changed = true;
        mstep_event(step, "P01", "address_moved", m->durable.placement[i], m->cluster->addresses[i].role,
                    "%s goes from %s to %s", text, host_name(step, before[i]),
                    host_name(step, m->durable.placement[i]));
    }
}
