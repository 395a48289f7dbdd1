/* A model of the administrator's fence program: it switches the machine off, or resets it, and says so some time later;
 * or it fails, or hangs until app/monitor has killed it.  Its answer reaches whatever monitor runs then. */
#include <string.h>

#include "base/text.h"
#include "world.h"

enum { OFF_MOST = 12000 };

void fence_start(struct world *world, const struct fence_request *request) {
    struct world_fence *fence = &world->fence;
    msec limit = world->cluster.hosts[request->host].fence_timeout;
    if (fence->pending)
        oracle_fail(world, "two fence programs at once");
    bool fails = world_chance(world, fence->fails_permille), hangs = world_chance(world, fence->hangs_permille);
    fence->pending = true;
    fence->result = (struct fence_result){ .request = *request, .ended = !fails && !hangs };
    TEXT_COPY(fence->result.why, hangs   ? "did not end in its time and was killed"
                                 : fails ? "exit status 1"
                                         : "exit status 0");
    msec most = fence->answer_most < limit ? fence->answer_most : limit;
    fence->answer_at = world->now + (hangs ? limit : world_random(world, most));
    fence->off_at = fence->result.ended ? world->now + world_random(world, fence->answer_at - world->now) : NEVER;
}

msec fence_next(const struct world *world) {
    const struct world_fence *fence = &world->fence;
    if (!fence->pending)
        return NEVER;
    return fence->off_at < fence->answer_at ? fence->off_at : fence->answer_at;
}

static void switch_off(struct world *world) {
    int host = world->fence.result.request.host;
    trace_note(world, "the fence program switches %s off", world->cluster.hosts[host].name);
    world_machine_crash(world, host);
    world->hosts[host].off_until = world->now + world_random(world, OFF_MOST);
    world->fence.off_at = NEVER;
}

static void answer(struct world *world) {
    static struct fence_result result;
    if (world->monitor_up && world->monitor_stalled_until > world->now) {
        world->fence.answer_at = world->monitor_stalled_until;
        return;
    }
    result = world->fence.result;
    world->fence.pending = false;
    if (world->monitor_up)
        monitor_feed(world,
                     &(struct monitor_event){ .kind = MONITOR_FENCE, .host = result.request.host, .fence = &result },
                     NULL, "hears of the fence program");
}

void fence_wake(struct world *world) {
    struct world_fence *fence = &world->fence;
    if (fence->pending && fence->off_at <= world->now)
        switch_off(world);
    if (fence->pending && fence->off_at > fence->answer_at && fence->answer_at <= world->now)
        answer(world);
}
