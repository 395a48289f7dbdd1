#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "world.h"

enum { FENCE_TAKES = 5, DRAIN_TAKES = 5, READY_TAKES = 10, OPEN_TAKES = 2, FOLLOW_TAKES = 10 };

static bool is_connected(const struct world *world, int a, int b) {
    return !world->cut[a][b] && !world->cut[b][a];
}

static bool is_answering(const struct world_server *server) {
    return server->up && !server->frozen;
}

static void merge(struct gtid_position *to, const struct gtid_position *from) {
    for (size_t i = 0; i < from->count; i++)
        gtid_raise(to, from->entries[i]);
}

static void apply_all(struct world_server *server) {
    merge(&server->binlog, &server->received);
    server->heartbeat = server->received_heartbeat > server->heartbeat ? server->received_heartbeat : server->heartbeat;
    server->applied_at = 0;
}

/* What has come until now is applied a lag later, then what has come meanwhile. */
static void apply(const struct world *world, struct world_server *server) {
    if (!world->lag) {
        apply_all(server);
        return;
    }
    if (server->applied_at && world->now >= server->applied_at) {
        merge(&server->binlog, &server->applying_to);
        server->applied_at = 0;
        server->heartbeat = server->received_heartbeat;
    }
    if (!server->applied_at && !gtid_equal(&server->binlog, &server->received)) {
        gtid_copy(&server->applying_to, &server->received);
        server->applied_at = world->now + world->lag;
    }
}

/* To receive takes no time: what a source has when it can be reached its replicas have received. */
void server_replicate(struct world *world) {
    for (int i = 0; i < world->cluster.host_count; i++) {
        struct world_server *server = &world->hosts[i].server;
        if (!is_answering(server))
            continue;
        const struct world_server *source = server->source == HOST_NONE ? NULL : &world->hosts[server->source].server;
        if (source && server->receiving && is_answering(source) && is_connected(world, i, server->source)) {
            merge(&server->received, &source->binlog);
            if (source->heartbeat > server->received_heartbeat)
                server->received_heartbeat = source->heartbeat;
        }
        if (server->applying)
            apply(world, server);
    }
}

static struct gtid write_row(struct world *world, int host) {
    struct world_server *server = &world->hosts[host].server;
    struct gtid gtid = { .server = (uint32_t)host + 1, .sequence = gtid_domain_sequence(&server->binlog, 0) + 1 };
    gtid_raise(&server->binlog, gtid);
    gtid_raise(&server->received, gtid);
    server_replicate(world);
    return gtid;
}

static bool has_received(const struct world_server *server, struct gtid gtid) {
    for (size_t i = 0; i < server->received.count; i++)
        if (server->received.entries[i].server == gtid.server && server->received.entries[i].sequence >= gtid.sequence)
            return true;
    return false;
}

/* What its agent believes to be electable is what the server waits for: semi-sync as DESIGN.md §5 «Lossless» has it. */
static bool is_safe(const struct world *world, int writer, struct gtid gtid) {
    const struct world_host *host = &world->hosts[writer];
    host_set electable = host->agent_up ? host->agent.durable.electable : host->disk.electable;
    for (int i = 0; i < world->cluster.host_count; i++)
        if (i != writer && set_has(electable, i) && !has_received(&world->hosts[i].server, gtid))
            return false;
    return true;
}

void server_clients_write(struct world *world) {
    enum { WRITE_EVERY = 50 };
    int host = world->clients[0].reaches;
    if (!world->lossless || world->now < world->write_next || host == HOST_NONE || !world_has_address(world, host, 0))
        return;
    const struct world_server *server = &world->hosts[host].server;
    if (!is_answering(server) || server->read_only || server->stuck ||
        (world->guard && world->hosts[host].guard_end[0] <= world->now))
        return;
    world->write_next = world->now + WRITE_EVERY;
    struct gtid gtid = write_row(world, host);
    if (is_safe(world, host, gtid))
        gtid_raise(&world->acknowledged, gtid);
}

static void fill_replication(const struct world *world, int host, struct replication *replication) {
    const struct world_server *server = &world->hosts[host].server;
    if (server->source == HOST_NONE)
        return;
    const struct world_server *source = &world->hosts[server->source].server;
    bool heard = is_answering(source) && is_connected(world, host, server->source);
    *replication = (struct replication){
        .configured = true,
        .source_address = world->cluster.hosts[server->source].address,
        .source_port = world->cluster.hosts[server->source].server_port,
        .receiving = !server->receiving ? THREAD_STOPPED
                     : heard            ? THREAD_RUNNING
                                        : THREAD_CONNECTING,
        .applying = server->applying ? THREAD_RUNNING : THREAD_STOPPED,
    };
}

void server_probe(struct world *world, int host, const struct parcel *parcel, struct probe *ret_probe) {
    struct world_server *server = &world->hosts[host].server;
    memset(ret_probe, 0, offsetof(struct probe, binlog));
    ret_probe->canary_tried = parcel->canary_stamp != 0;
    ret_probe->binlog.count = ret_probe->applied.count = ret_probe->received.count = 0;
    ret_probe->binlog.form = ret_probe->applied.form = ret_probe->received.form = GTID_DOMAINS;
    if (!is_answering(server))
        return;
    if (parcel->canary_stamp && !server->read_only && !server->stuck) {
        server->heartbeat = parcel->canary_stamp;
        ret_probe->canary_written = true;
        write_row(world, host);
    }
    ret_probe->answered = true;
    ret_probe->pid = server->pid;
    ret_probe->family = FAMILY_MARIADB;
    TEXT_COPY(ret_probe->version, "10.11.19");
    ret_probe->read_only = server->read_only;
    fill_replication(world, host, &ret_probe->replication);
    gtid_copy(&ret_probe->binlog, &server->binlog);
    gtid_copy(&ret_probe->applied, &server->binlog);
    gtid_copy(&ret_probe->received, &server->received);
    ret_probe->heartbeat_seen = server->heartbeat;
}

msec server_task_length(const struct world *world, int host, const struct server_task *task) {
    const struct world_server *server = &world->hosts[host].server;
    if (server->up && (server->frozen || server->stuck))
        return task->timeout;
    msec lag = server->applied_at > world->now ? server->applied_at - world->now + world->lag : 0;
    switch (task->kind) {
    case TASK_FENCE:
        return FENCE_TAKES;
    case TASK_DRAIN:
        return DRAIN_TAKES + lag;
    case TASK_READY:
        return READY_TAKES + lag;
    case TASK_OPEN:
        return OPEN_TAKES;
    case TASK_FOLLOW:
        return FOLLOW_TAKES + lag;
    case TASK_SEMI_SYNC: /* these servers do not know it, and are never asked to */
    case TASK_NONE:
        break;
    }
    return 1;
}

static void fetch(struct world *world, int host, const struct server_task *task) {
    int from = cluster_host_at(&world->cluster, &task->source_address);
    if (from != HOST_NONE && is_answering(&world->hosts[from].server) && is_connected(world, host, from))
        merge(&world->hosts[host].server.received, &world->hosts[from].server.binlog);
}

static void do_task(struct world *world, int host, const struct server_task *task) {
    struct world_server *server = &world->hosts[host].server;
    switch (task->kind) {
    case TASK_NONE:
    case TASK_SEMI_SYNC:
        break;
    case TASK_FENCE:
        server->read_only = true;
        break;
    case TASK_DRAIN:
        fetch(world, host, task);
        apply_all(server);
        server->receiving = server->applying = false;
        break;
    case TASK_READY:
        apply_all(server);
        server->receiving = server->applying = false;
        break;
    case TASK_OPEN:
        server->read_only = false;
        break;
    case TASK_FOLLOW:
        apply_all(server);
        server->source = cluster_host_at(&world->cluster, &task->source_address);
        server->receiving = server->applying = true;
        server_replicate(world);
        break;
    }
}

/* The agent may have died meanwhile: what it has sent to the server is done all the same. */
void server_task_end(struct world *world, int host, const struct parcel *parcel, struct task_result *ret_result) {
    struct world_server *server = &world->hosts[host].server;
    *ret_result = (struct task_result){ .kind = parcel->task.kind };
    if (!is_answering(server) || server->stuck || server->pid != parcel->pid) {
        ret_result->rc = server->up ? RC_TIMEOUT : RC_SERVER;
        TEXT_COPY(ret_result->why, server->up ? "the server did not answer in time" : "the server is gone");
        return;
    }
    if (parcel->task.kind == TASK_READY && !gtid_reached(&parcel->task.reach, &server->received)) {
        ret_result->rc = RC_TIMEOUT;
        TEXT_COPY(ret_result->why, "the position was not reached");
        return;
    }
    do_task(world, host, &parcel->task);
    ret_result->binlog = ret_result->applied = server->binlog;
}
