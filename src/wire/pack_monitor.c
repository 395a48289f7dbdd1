#include "wire/pack_monitor.h"

#include <assert.h>

/* A field that is not in these lists is neither recorded nor compared: whoever adds one meets this. */
#define IS_LISTED(type, size) static_assert(sizeof(void *) != 8 || sizeof(type) == (size), "list the new field below")
IS_LISTED(struct cluster, 8688);
IS_LISTED(struct monitor_durable, 16624);
IS_LISTED(struct host_view, 35576);
IS_LISTED(struct transfer, 4352);
IS_LISTED(struct fence_state, 440);
IS_LISTED(struct monitor, 1168272);

static void pack_host_spec(struct pack *p, struct host_spec *host) {
    PACK_TEXT(p, host, name);
    pack_ip(p, "address", &host->address);
    PACK_SMALL(p, host, server_port, UINT16_MAX + 1);
    PACK_SMALL(p, host, mode, MODE_REPLICA + 1);
    PACK_FLAG(p, host, has_fence);
    PACK_MSEC(p, host, fence_timeout);
}

static void pack_role_spec(struct pack *p, struct role_spec *role, int hosts) {
    PACK_TEXT(p, role, name);
    PACK_SMALL(p, role, mode, ROLE_BALANCED + 1);
    pack_bits(p, "hosts", &role->hosts, hosts);
    PACK_SMALL(p, role, order_count, hosts + 1);
    for (int i = 0; i < role->order_count; i++)
        PACK_SMALL(p, role, order[i], hosts);
    pack_index(p, "prefer", &role->prefer, hosts);
    PACK_FLAG(p, role, is_writer);
}

static void pack_role_address(struct pack *p, struct role_address *address, int roles) {
    pack_ip(p, "ip", &address->ip);
    PACK_SMALL(p, address, prefix, 129);
    PACK_SMALL(p, address, role, roles);
}

static void pack_times(struct pack *p, struct cluster *cluster) {
    PACK_MSEC(p, &cluster->lease, length);
    PACK_MSEC(p, &cluster->lease, report);
    PACK_MSEC(p, &cluster->lease, fence);
    PACK_MSEC(p, &cluster->lease, margin);
    PACK_MSEC(p, &cluster->health, lag_max);
    PACK_MSEC(p, &cluster->health, lag_back);
    PACK_MSEC(p, &cluster->health, answer_timeout);
    PACK_MSEC(p, &cluster->health, settle);
    PACK_MSEC(p, &cluster->health, down_short);
    PACK_SMALL(p, &cluster->health, flap_count, UINT32_MAX);
    PACK_MSEC(p, &cluster->health, flap_window);
    PACK_SMALL(p, &cluster->health, recovery, RECOVERY_VERIFIED + 1);
    PACK_MSEC(p, &cluster->failover, window);
    PACK_MSEC(p, &cluster->failover, drain_timeout);
    PACK_MSEC(p, &cluster->failover, switchover_timeout);
    PACK_MSEC(p, &cluster->failover, catch_up);
    PACK_MSEC(p, &cluster->failover, grace);
    PACK_MSEC(p, &cluster->failover, acknowledge_timeout);
}

/* What the configuration's checks promise the core: somebody may write, and times are lengths. */
static bool cluster_is_whole(const struct cluster *cluster) {
    int writers = 0;
    for (int i = 0; i < cluster->role_count; i++)
        writers += cluster->roles[i].is_writer;
    return cluster->host_count > 0 && writers == 1 && cluster->lease.length > 0 && cluster->lease.report > 0;
}

void pack_cluster(struct pack *p, struct cluster *cluster) {
    PACK_TEXT(p, cluster, name);
    PACK_SMALL(p, cluster, durability, DURABILITY_ASYNCHRONOUS + 1);
    PACK_SMALL(p, cluster, last_resort, LAST_RESORT_NONE + 1);
    PACK_SMALL(p, cluster, host_count, HOSTS_MAX + 1);
    for (int i = 0; i < cluster->host_count; i++)
        pack_host_spec(p, &cluster->hosts[i]);
    PACK_SMALL(p, cluster, role_count, ROLES_MAX + 1);
    for (int i = 0; i < cluster->role_count; i++)
        pack_role_spec(p, &cluster->roles[i], cluster->host_count);
    PACK_SMALL(p, cluster, address_count, ADDRESSES_MAX + 1);
    if (cluster->role_count == 0)
        cluster->address_count = 0; /* each belongs to a role */
    for (int i = 0; i < cluster->address_count; i++)
        pack_role_address(p, &cluster->addresses[i], cluster->role_count);
    pack_times(p, cluster);
    if (p->mode == PACK_READ && !cluster_is_whole(cluster))
        pack_wrong(p, "cluster");
}

static void pack_replication(struct pack *p, struct replication *replication) {
    PACK_FLAG(p, replication, configured);
    pack_ip(p, "source_address", &replication->source_address);
    PACK_SMALL(p, replication, source_port, UINT16_MAX + 1);
    PACK_SMALL(p, replication, delay_s, UINT64_C(1) << 32);
    PACK_SMALL(p, replication, receiving, THREAD_RUNNING + 1);
    PACK_SMALL(p, replication, applying, THREAD_RUNNING + 1);
    PACK_FLAG(p, replication, apply_failed);
    PACK_SMALL(p, replication, error_number, UINT64_C(1) << 32);
    PACK_TEXT(p, replication, error);
}

static void pack_semi_sync(struct pack *p, struct semi_sync *semi_sync) {
    PACK_FLAG(p, semi_sync, known);
    PACK_FLAG(p, semi_sync, enabled);
    PACK_FLAG(p, semi_sync, waits);
    PACK_SMALL(p, semi_sync, wait_count, UINT64_C(1) << 32);
    PACK_SMALL(p, semi_sync, clients, UINT64_C(1) << 32);
    PACK_SMALL(p, semi_sync, waiting, UINT64_C(1) << 32);
    pack_number(p, "acknowledged", &semi_sync->acknowledged, UINT64_MAX);
    PACK_FLAG(p, semi_sync, acknowledges);
    PACK_FLAG(p, semi_sync, attached);
}

static void pack_filters(struct pack *p, struct filters *filters) {
    PACK_FLAG(p, filters, known);
    pack_number(p, "digest", &filters->digest, (UINT64_C(1) << FILTERS_DIGEST_BITS) - 1);
    PACK_TEXT(p, filters, text);
}

static void pack_settings(struct pack *p, struct server_settings *settings) {
    PACK_FLAG(p, settings, known);
    PACK_SMALL(p, settings, unsafe, UNSAFE_ALL + 1);
    PACK_TEXT(p, settings, text);
}

static void pack_probe(struct pack *p, struct probe *probe) {
    PACK_FLAG(p, probe, answered);
    PACK_FLAG(p, probe, too_many);
    PACK_FLAG(p, probe, kept);
    PACK_SMALL(p, probe, error_number, UINT64_C(1) << 32);
    PACK_TEXT(p, probe, error);
    PACK_SMALL(p, probe, pid, UINT64_C(1) << 32);
    PACK_SMALL(p, probe, family, FAMILY_MYSQL + 1);
    PACK_TEXT(p, probe, version);
    pack_number(p, "uptime_s", &probe->uptime_s, UINT64_MAX);
    PACK_FLAG(p, probe, read_only);
    pack_replication(p, &probe->replication);
    pack_semi_sync(p, &probe->semi_sync);
    pack_filters(p, &probe->filters);
    pack_settings(p, &probe->settings);
    pack_position(p, "binlog", &probe->binlog);
    pack_position(p, "applied", &probe->applied);
    pack_position(p, "received", &probe->received);
    PACK_MSEC(p, probe, heartbeat_seen);
    PACK_MSEC(p, &probe->oldest, age);
    pack_number(p, "session", &probe->oldest.session, UINT64_MAX);
    pack_text(p, "user", probe->oldest.user, sizeof probe->oldest.user);
    PACK_FLAG(p, probe, canary_tried);
    PACK_FLAG(p, probe, canary_written);
}

static void pack_stranger(struct pack *p, struct stranger *stranger, const struct cluster *cluster) {
    pack_index(p, "stranger", &stranger->address, cluster->address_count);
    pack_mac(p, "stranger_mac", &stranger->mac);
}

static void pack_comparing(struct pack *p, struct comparing *comparing, const struct cluster *cluster) {
    pack_number(p, "command", &comparing->command, UINT64_MAX);
    PACK_SMALL(p, comparing, host, cluster->host_count);
    PACK_TEXT(p, comparing, who);
    PACK_MSEC(p, comparing, until);
}

static void pack_term(struct pack *p, uint64_t *term) {
    pack_number(p, "term", term, (UINT64_C(1) << TERM_BITS) - 1);
}

static void pack_report(struct pack *p, struct report *report, const struct cluster *cluster) {
    PACK_SMALL(p, report, host, cluster->host_count);
    pack_number(p, "incarnation", &report->incarnation, UINT64_MAX);
    pack_number(p, "sequence", &report->sequence, UINT64_MAX);
    pack_term(p, &report->term);
    PACK_FLAG(p, report, writer);
    PACK_FLAG(p, report, resigned);
    PACK_FLAG(p, report, fenced);
    PACK_MSEC(p, report, lease_left);
    PACK_MSEC(p, report, promised_left);
    pack_bits(p, "electable", &report->electable, cluster->host_count);
    pack_bits(p, "addresses", &report->addresses, cluster->address_count);
    pack_stranger(p, &report->stranger, cluster);
    pack_mac(p, "mac", &report->mac);
    PACK_SMALL(p, report, process, PROCESS_ABSENT + 1);
    PACK_SMALL(p, report, crashes, UINT64_C(1) << 32);
    PACK_MSEC(p, report, silent);
    PACK_MSEC(p, report, canary_failing);
    pack_probe(p, &report->probe);
    PACK_SMALL(p, report, protection, PROTECTION_COUNT);
    PACK_MSEC(p, report, unacknowledged);
    pack_position(p, "lacks", &report->lacks);
    PACK_FLAG(p, report, draining_done);
    PACK_SMALL(p, report, task, TASK_SEMI_SYNC + 1);
    PACK_TEXT(p, report, trouble);
}

static void pack_orders(struct pack *p, struct orders *orders, const struct cluster *cluster) {
    pack_number(p, "sequence", &orders->sequence, UINT64_MAX);
    pack_term(p, &orders->term);
    PACK_FLAG(p, orders, passive);
    PACK_SMALL(p, orders, duty, DUTY_COUNT);
    pack_bits(p, "electable", &orders->electable, cluster->host_count);
    PACK_MSEC(p, orders, lease);
    pack_bits(p, "addresses", &orders->addresses, cluster->address_count);
    pack_index(p, "source", &orders->source, cluster->host_count);
    PACK_FLAG(p, orders, kill);
    PACK_FLAG(p, orders, protect);
    PACK_FLAG(p, orders, acknowledge);
    pack_position(p, "reach", &orders->reach);
}

static void pack_check(struct pack *p, struct check_view *check) {
    PACK_FLAG(p, check, ok);
    PACK_MSEC(p, check, changed);
    PACK_TEXT(p, check, message);
}

static void pack_view(struct pack *p, struct host_view *view, const struct cluster *cluster) {
    PACK_FLAG(p, view, heard);
    pack_report(p, &view->report, cluster);
    PACK_MSEC(p, view, heard_at);
    PACK_MSEC(p, view, incarnation_at);
    PACK_MSEC(p, view, answered_at);
    pack_orders(p, &view->sent, cluster);
    PACK_FLAG(p, view, sent_valid);
    pack_orders(p, &view->nudged, cluster);
    PACK_FLAG(p, view, nudged_valid);
    pack_bits(p, "may_hold", &view->may_hold, ADDRESSES_MAX);
    PACK_MSEC(p, view, moved_at);
    PACK_MSEC(p, view, promised_until);
    PACK_MSEC(p, view, promised_at);
    PACK_MSEC_OR_NEVER(p, view, broken_at);
    PACK_MSEC_OR_NEVER(p, view, not_holding_at);
    PACK_FLAG(p, view, outside_known);
    PACK_FLAG(p, view, outside_answers);
    PACK_TEXT(p, view, outside_error);
    PACK_FLAG(p, view, late);
    pack_position(p, "own_snapshot", &view->own_snapshot);
    PACK_FLAG(p, view, lack_accepted);
    pack_position(p, "own_accepted", &view->own_accepted);
    PACK_MSEC_OR_NEVER(p, view, own_snapshot_at);
    PACK_MSEC(p, view, own_none_at);
    PACK_MSEC(p, view, refused_at);
    PACK_MSEC(p, view, lag);
    PACK_FLAG(p, view, filters_told);
    PACK_FLAG(p, view, source_told);
    PACK_FLAG(p, view, unsafe_told);
    for (int i = 0; i < CHECK_COUNT; i++)
        pack_check(p, &view->checks[i]);
}

static void pack_host_durable(struct pack *p, struct host_durable *host) {
    PACK_SMALL(p, host, state, HOST_STATE_COUNT);
    PACK_MSEC(p, host, since);
    PACK_SMALL(p, host, holds, HOLD_LOST_RECEIVED << 1);
    PACK_TEXT(p, host, hold_why);
    for (int i = 0; i < DEPARTURES_MAX; i++)
        PACK_MSEC(p, host, departures[i]);
    PACK_SMALL(p, &host->server, pid, UINT64_C(1) << 32);
    PACK_MSEC(p, &host->server, started);
    pack_number(p, "by", &host->server.by, UINT64_MAX);
    PACK_SMALL(p, &host->server, crashes, UINT64_C(1) << 32);
}

static void pack_durable(struct pack *p, struct monitor_durable *durable, const struct cluster *cluster) {
    pack_term(p, &durable->term);
    pack_index(p, "writer", &durable->writer, cluster->host_count);
    pack_index(p, "leaving", &durable->leaving, cluster->host_count);
    pack_index(p, "last_writer", &durable->last_writer, cluster->host_count);
    pack_bits(p, "electable", &durable->electable, cluster->host_count);
    pack_bits(p, "surely", &durable->surely, cluster->host_count);
    pack_bits(p, "holders", &durable->holders, cluster->host_count);
    pack_bits(p, "done_without", &durable->done_without, cluster->host_count);
    PACK_FLAG(p, durable, unproven);
    pack_index(p, "handed_by", &durable->handed_by, cluster->host_count);
    PACK_SMALL(p, durable, mode, MONITOR_MODE_COUNT);
    PACK_TEXT(p, durable, passive_cause);
    PACK_MSEC(p, durable, failover_wall);
    for (int i = 0; i < cluster->address_count; i++)
        pack_index(p, "placement", &durable->placement[i], cluster->host_count);
    for (int i = 0; i < cluster->host_count; i++)
        pack_host_durable(p, &durable->hosts[i]);
}

static void pack_transfer(struct pack *p, struct transfer *transfer, const struct cluster *cluster) {
    PACK_SMALL(p, transfer, phase, TRANSFER_PHASE_COUNT);
    PACK_FLAG(p, transfer, planned);
    pack_index(p, "from", &transfer->from, cluster->host_count);
    pack_index(p, "to", &transfer->to, cluster->host_count);
    pack_index(p, "fetch_from", &transfer->fetch_from, cluster->host_count);
    pack_position(p, "reach", &transfer->reach);
    PACK_MSEC(p, transfer, started);
    PACK_MSEC_OR_NEVER(p, transfer, deadline);
    PACK_MSEC(p, transfer, grace_until);
    PACK_FLAG(p, transfer, kill);
    PACK_FLAG(p, transfer, resumed);
    PACK_FLAG(p, transfer, obstructed);
    pack_number(p, "command", &transfer->command, UINT64_MAX);
    pack_index(p, "avoid", &transfer->avoid, cluster->host_count);
    PACK_FLAG(p, transfer, replaced);
    PACK_FLAG(p, transfer, then_offline);
    PACK_FLAG(p, transfer, rolled_back);
    PACK_TEXT(p, transfer, cause);
}

/* What the core itself sees to: in each phase it knows whom it deals with. */
static bool transfer_is_whole(const struct transfer *transfer) {
    switch (transfer->phase) {
    case TRANSFER_IDLE:
    case TRANSFER_RELEASE:
    case TRANSFER_DRAIN:
        return true;
    case TRANSFER_CATCH_UP:
        return transfer->from != HOST_NONE && transfer->to != HOST_NONE;
    case TRANSFER_FETCH:
        return transfer->to != HOST_NONE && transfer->fetch_from != HOST_NONE;
    case TRANSFER_PROMOTE:
        return transfer->to != HOST_NONE;
    case TRANSFER_PHASE_COUNT:
        break;
    }
    return false;
}

void pack_fence_request(struct pack *p, struct fence_request *request, const struct cluster *cluster) {
    pack_index(p, "fence_host", &request->host, cluster->host_count);
    pack_term(p, &request->term);
    pack_number(p, "incarnation", &request->incarnation, UINT64_MAX);
    PACK_MSEC(p, request, asked);
}

static void pack_fence(struct pack *p, struct fence_state *fence, const struct cluster *cluster) {
    PACK_FLAG(p, fence, running);
    pack_fence_request(p, &fence->request, cluster);
    PACK_SMALL(p, fence, failures, UINT64_C(1) << 32);
    PACK_MSEC(p, fence, next_at);
    PACK_FLAG(p, fence, alarm);
    pack_index(p, "alarm_host", &fence->alarm_host, cluster->host_count);
    PACK_TEXT(p, fence, alarm_why);
    PACK_FLAG(p, fence, has_ended);
    pack_fence_request(p, &fence->done, cluster);
    PACK_MSEC(p, fence, done_at);
    PACK_FLAG(p, fence, doubted);
}

static bool fence_is_whole(const struct fence_state *fence) {
    return (!fence->running || fence->request.host != HOST_NONE) && (!fence->alarm || fence->alarm_host != HOST_NONE);
}

void pack_monitor(struct pack *p, struct monitor *monitor) {
    const struct cluster *cluster = monitor->cluster;
    pack_durable(p, &monitor->durable, cluster);
    for (int i = 0; i < cluster->host_count; i++)
        pack_view(p, &monitor->hosts[i], cluster);
    PACK_MSEC(p, monitor, started_at);
    PACK_MSEC(p, monitor, listening_since);
    PACK_MSEC(p, monitor, granted_until);
    PACK_FLAG(p, monitor, serving);
    PACK_MSEC_OR_NEVER(p, monitor, serving_since);
    PACK_MSEC(p, monitor, writer_heartbeat);
    PACK_MSEC(p, monitor, writer_heartbeat_before);
    PACK_FLAG(p, monitor, told_protected);
    pack_position(p, "writer_position", &monitor->writer_position);
    pack_position(p, "writer_position_before", &monitor->writer_position_before);
    PACK_MSEC(p, monitor, writer_position_at);
    pack_transfer(p, &monitor->transfer, cluster);
    pack_stranger(p, &monitor->stranger, cluster);
    PACK_MSEC(p, monitor, stranger_at);
    pack_fence(p, &monitor->fence, cluster);
    pack_comparing(p, &monitor->comparing, cluster);
    pack_index(p, "unheard", &monitor->unheard, cluster->host_count);
    if (p->mode == PACK_READ && !transfer_is_whole(&monitor->transfer))
        pack_wrong(p, "transfer");
    if (p->mode == PACK_READ && !fence_is_whole(&monitor->fence))
        pack_wrong(p, "fence");
    if (p->mode == PACK_READ && monitor->serving && monitor->durable.writer == HOST_NONE)
        pack_wrong(p, "serving");
}
