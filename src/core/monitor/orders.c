/* What each host should be doing: a function of the monitor's state, nothing else.  That is why a lost answer, a lost
 * nudge or a restart costs time and nothing more. */
#include "core/monitor/monitor_internal.h"

#include <stddef.h>
#include <string.h>

static bool is_writer_gone(const struct monitor *m) {
    return m->durable.writer == HOST_NONE && transfer_has_past(m);
}

static bool is_kept_out(const struct monitor *m, int host) {
    switch (m->durable.hosts[host].state) {
    case HOST_ADMIN_OFFLINE:
    case HOST_AWAITING_RECOVERY:
        return true;
    case HOST_HARD_OFFLINE:
        return m->durable.hosts[host].holds != 0;
    case HOST_ONLINE:
    case HOST_REPLICATION_FAIL:
    case HOST_REPLICATION_DELAY:
        return m->durable.hosts[host].holds != 0;
    case HOST_STATE_COUNT:
        break;
    }
    return true;
}

static enum duty duty_of(const struct mstep *step, int host) {
    const struct monitor *m = step->m;
    const struct transfer *transfer = &m->transfer;
    if (host == m->durable.writer)
        return transfer_may_give(step) ? DUTY_WRITER : DUTY_STANDBY;
    if (transfer->planned && transfer->phase == TRANSFER_RELEASE)
        return host == transfer->from ? DUTY_YIELD : is_kept_out(m, host) ? DUTY_HELD : DUTY_STANDBY;
    if (is_kept_out(m, host))
        return DUTY_HELD;
    bool drains = is_writer_gone(m) || transfer_is_suspect(step);
    return drains && !sources_is_drained_for(step, host) ? DUTY_DRAIN : DUTY_STANDBY;
}

/* The writer's addresses stay where nobody writes any more until they are served elsewhere (DESIGN.md §7). */
static bool is_keeper(const struct monitor *m, int host) {
    return host == m->transfer.from && host != m->durable.writer && m->transfer.phase != TRANSFER_IDLE &&
           m->transfer.phase != TRANSFER_CATCH_UP;
}

static address_set addresses_of(const struct mstep *step, int host, enum duty duty) {
    const struct monitor *m = step->m;
    address_set addresses = 0;
    for (int i = 0; i < m->cluster->address_count; i++) {
        bool writers = m->cluster->roles[m->cluster->addresses[i].role].is_writer;
        if (writers && (duty == DUTY_WRITER || is_keeper(m, host)))
            addresses |= set_of(i);
        /* Where nothing is moved, a host that is kept out goes on with what it serves, and gets nothing new. */
        bool kept = !is_kept_out(m, host) || set_has(m->hosts[host].report.addresses, i);
        if (!writers && kept && m->durable.placement[i] == host && placement_may_serve(step, host, i))
            addresses |= set_of(i);
    }
    return addresses;
}

void orders_for(const struct mstep *step, int host, struct orders *ret_orders) {
    const struct monitor *m = step->m;
    enum duty duty = duty_of(step, host);
    memset(ret_orders, 0, offsetof(struct orders, reach));
    ret_orders->reach.form = GTID_DOMAINS;
    ret_orders->reach.count = 0;
    ret_orders->term = m->durable.term;
    /* As long as nobody was ever writer, nothing is touched: what runs may be right, and the first election looks. */
    ret_orders->passive = m->durable.mode == MONITOR_PASSIVE || !transfer_has_past(m);
    ret_orders->duty = duty;
    ret_orders->electable = m->durable.electable;
    ret_orders->lease = m->cluster->lease.length;
    ret_orders->source = HOST_NONE;
    ret_orders->protect = duty == DUTY_WRITER && durability_waits(step);
    ret_orders->acknowledge = duty == DUTY_STANDBY && durability_acknowledges(m, host);
    ret_orders->addresses = addresses_of(step, host, duty);
    ret_orders->kill = duty == DUTY_YIELD && m->transfer.kill;
    if (duty == DUTY_WRITER && m->transfer.phase == TRANSFER_PROMOTE)
        gtid_copy(&ret_orders->reach, &m->transfer.reach);
    if (duty == DUTY_STANDBY && host != m->durable.writer)
        ret_orders->source = sources_ordered(step, host);
    if (duty == DUTY_DRAIN && m->transfer.phase == TRANSFER_FETCH && host == m->transfer.to) {
        ret_orders->source = m->transfer.fetch_from;
        gtid_copy(&ret_orders->reach, &m->transfer.reach);
    }
}

bool orders_equal(const struct orders *a, const struct orders *b) {
    return a->term == b->term && a->passive == b->passive && a->duty == b->duty && a->electable == b->electable &&
           a->lease == b->lease && a->addresses == b->addresses && a->source == b->source && a->kill == b->kill &&
           a->protect == b->protect && a->acknowledge == b->acknowledge && gtid_equal(&a->reach, &b->reach);
}
