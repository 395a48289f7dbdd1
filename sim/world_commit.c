/* Commits, as MariaDB does them with AFTER_SYNC and without an end of the wait: a commit is in the binary log, and so
 * on its way to the replicas, before it is acknowledged; its client is answered when one replica that acknowledges has
 * received it, or when the writer is told to wait no more. */
#include "world.h"

enum { WRITE_EVERY = 50, CLIENT_PATIENCE = 2000 };

static bool has_received(const struct world_server *server, struct gtid gtid) {
    for (size_t i = 0; i < server->received.count; i++)
        if (server->received.entries[i].server == gtid.server && server->received.entries[i].sequence >= gtid.sequence)
            return true;
    return false;
}

static bool is_attached(const struct world *world, int host, int writer) {
    const struct world_server *server = &world->hosts[host].server;
    return server->up && server->connected && server->attached && server->source == writer;
}

/* Whoever waits there is answered OK. */
static void answer(struct world *world, int host) {
    if (world->commit.waiting && world->commit.host == host) {
        gtid_raise(&world->answered, world->commit.gtid);
        world->commit.waiting = false;
    }
    world->hosts[host].server.waiting = 0;
}

void commits_acknowledge(struct world *world) {
    for (int w = 0; w < world->cluster.host_count; w++) {
        struct world_server *writer = &world->hosts[w].server;
        if (!writer->waiting || !server_answers(writer))
            continue;
        for (int i = 0; i < world->cluster.host_count && writer->waiting; i++)
            if (is_attached(world, i, w) && server_answers(&world->hosts[i].server) &&
                has_received(&world->hosts[i].server, writer->waits_for)) {
                writer->acknowledged += writer->waiting;
                answer(world, w);
            }
    }
}

void commits_wait(struct world *world, int host, bool wait) {
    if (!wait)
        answer(world, host);
    world->hosts[host].server.waits = wait;
}

void commits_cut(struct world *world, int host) {
    if (world->commit.host == host)
        world->commit.waiting = false;
    world->hosts[host].server.waiting = 0;
}

void commit_row(struct world *world, int host) {
    struct world_server *server = &world->hosts[host].server;
    struct gtid gtid = { .server = (uint32_t)host + 1, .sequence = gtid_domain_sequence(&server->binlog, 0) + 1 };
    gtid_raise(&server->binlog, gtid);
    gtid_raise(&server->received, gtid);
    if (server->waits) {
        server->waits_for = gtid;
        server->waiting++;
    }
    server_replicate(world);
}

void commits_fill(const struct world *world, int host, struct semi_sync *ret_semi_sync) {
    const struct world_server *server = &world->hosts[host].server;
    *ret_semi_sync = (struct semi_sync){
        .known = world->lossless,
        .enabled = server->waits,
        .waits = server->waits,
        .waiting = server->waiting,
        .acknowledged = server->acknowledged,
        .acknowledges = server->acknowledges,
        .attached = server->receiving && server->attached,
    };
    for (int i = 0; i < world->cluster.host_count; i++)
        ret_semi_sync->clients += is_attached(world, i, host);
}

static bool may_write(const struct world *world, int host) {
    const struct world_server *server = &world->hosts[host].server;
    return world_has_address(world, host, 0) && server_answers(server) && !server->read_only && !server->stuck &&
           (!world->guard || world->hosts[host].guard_end[0] > world->now);
}

void clients_write(struct world *world) {
    int host = world->clients[0].reaches;
    if (!world->lossless || world->now < world->write_next || host == HOST_NONE)
        return;
    struct commit *commit = &world->commit;
    if (commit->waiting && world->now - commit->since > CLIENT_PATIENCE)
        commit->waiting = false; /* it never knows what came of it */
    if (commit->waiting || !may_write(world, host))
        return;
    world->write_next = world->now + WRITE_EVERY;
    struct world_server *server = &world->hosts[host].server;
    uint64_t sequence = gtid_domain_sequence(&server->binlog, 0) + 1;
    *commit = (struct commit){
        .waiting = true,
        .host = host,
        .gtid = { .server = (uint32_t)host + 1, .sequence = sequence },
        .since = world->now,
    };
    commit_row(world, host);
    if (!server->waits)
        answer(world, host);
}
