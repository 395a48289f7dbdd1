#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "world.h"

enum { FENCE_TAKES = 5, DRAIN_TAKES = 5, READY_TAKES = 10, OPEN_TAKES = 2, FOLLOW_TAKES = 10, SEMI_SYNC_TAKES = 5 };

static bool is_connected(const struct world *world, int a, int b) {
    return !world->cut[a][b] && !world->cut[b][a];
}

bool server_answers(const struct world_server *server) {
    return server->up && !server->frozen;
}

static void merge(struct gtid_position *to, const struct gtid_position *from) {
    if (gtid_equal(to, from)) /* nearly always */
        return;
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
        if (!server_answers(server))
            continue;
        const struct world_server *source = server->source == HOST_NONE ? NULL : &world->hosts[server->source].server;
        bool connected =
            source && server->receiving && server_answers(source) && is_connected(world, i, server->source);
        if (connected && !server->connected)
            server->attached = server->acknowledges;
        server->connected = connected;
        if (connected) {
            merge(&server->received, &source->binlog);
            if (source->heartbeat > server->received_heartbeat)
                server->received_heartbeat = source->heartbeat;
        }
        if (server->applying)
            apply(world, server);
    }
    commits_acknowledge(world);
}

static void fill_replication(const struct world *world, int host, struct replication *replication) {
    const struct world_server *server = &world->hosts[host].server;
    if (server->source == HOST_NONE)
        return;
    const struct world_server *source = &world->hosts[server->source].server;
    bool heard = server_answers(source) && is_connected(world, host, server->source);
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
    if (!server_answers(server))
        return;
    if (parcel->canary_stamp && !server->read_only && !server->stuck) {
        server->heartbeat = parcel->canary_stamp;
        if (!server->waiting) /* else its row is locked */
            commit_row(world, host);
        ret_probe->canary_written = !server->waiting;
    }
    ret_probe->answered = true;
    ret_probe->pid = server->pid;
    msec up = world->now + world->hosts[host].wall_shift - server->started; /* by the clock of its machine */
    ret_probe->uptime_s = up > 0 ? (uint64_t)up / 1000 : 0;
    ret_probe->family = FAMILY_MARIADB;
    TEXT_COPY(ret_probe->version, "10.11.19");
    ret_probe->read_only = server->read_only;
    fill_replication(world, host, &ret_probe->replication);
    commits_fill(world, host, &ret_probe->semi_sync);
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
    case TASK_SEMI_SYNC:
        return SEMI_SYNC_TAKES;
    case TASK_NONE:
        break;
    }
    return 1;
}

static void fetch(struct world *world, int host, const struct server_task *task) {
    int from = cluster_host_at(&world->cluster, &task->source_address);
    if (from != HOST_NONE && server_answers(&world->hosts[from].server) && is_connected(world, host, from))
        merge(&world->hosts[host].server.received, &world->hosts[from].server.binlog);
}

static bool has_fetched(const struct world_server *server, const struct server_task *task) {
    return task->source_address.family == 0 || gtid_reached(&task->reach, &server->received);
}

/* Who waits for an acknowledgement from now on would be a new writer, and it is told so anew. */
static void stop_replication(struct world *world, int host) {
    struct world_server *server = &world->hosts[host].server;
    apply_all(server);
    server->receiving = server->applying = server->connected = server->attached = false;
    if (server->read_only)
        commits_wait(world, host, false);
}

/* What is switched holds for a new connection; again: one is made now. */
static void acknowledge(struct world_server *server, bool acknowledges, bool again) {
    server->acknowledges = acknowledges;
    if (again)
        server->attached = acknowledges;
}

static void do_task(struct world *world, int host, const struct server_task *task) {
    struct world_server *server = &world->hosts[host].server;
    switch (task->kind) {
    case TASK_NONE:
        break;
    case TASK_SEMI_SYNC:
        commits_wait(world, host, task->waits);
        acknowledge(server, task->acknowledges, server->receiving && server->applying);
        break;
    case TASK_FENCE:
        commits_cut(world, host);
        server->read_only = true;
        break;
    case TASK_DRAIN:
        fetch(world, host, task);
        stop_replication(world, host);
        break;
    case TASK_READY:
        stop_replication(world, host);
        break;
    case TASK_OPEN:
        server->read_only = false;
        break;
    case TASK_FOLLOW:
        stop_replication(world, host);
        acknowledge(server, task->acknowledges, false);
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
    if (!server_answers(server) || server->stuck || server->pid != parcel->pid) {
        ret_result->rc = server->up ? RC_TIMEOUT : RC_SERVER;
        TEXT_COPY(ret_result->why, server->up ? "the server did not answer in time" : "the server is gone");
        return;
    }
    if (parcel->task.kind == TASK_READY && !gtid_reached(&parcel->task.reach, &server->received)) {
        ret_result->rc = RC_TIMEOUT;
        TEXT_COPY(ret_result->why, "the position was not reached");
        return;
    }
    if (parcel->task.kind == TASK_FENCE && parcel->task.gentle && server->waiting) {
        ret_result->rc = RC_TIMEOUT;
        snprintf(ret_result->why, sizeof ret_result->why, "%u commits wait for an acknowledgement", server->waiting);
        return;
    }
    do_task(world, host, &parcel->task);
    if (parcel->task.kind == TASK_DRAIN && !has_fetched(server, &parcel->task)) {
        ret_result->rc = RC_TIMEOUT;
        TEXT_COPY(ret_result->why, "the source sends nothing");
        return;
    }
    ret_result->binlog = ret_result->applied = server->binlog;
}
