#include "wire/recording.h"

#include <string.h>

#include "base/text.h"
#include "wire/pack.h"
#include "wire/pack_monitor.h"

enum { RECORD_CHECKPOINT = 1, RECORD_STEP, RECORD_KIND_COUNT };

static void pack_checkpoint(struct pack *p, struct checkpoint *checkpoint) {
    PACK_SMALL(p, checkpoint, cause, CHECKPOINT_CAUSE_COUNT);
    PACK_TEXT(p, checkpoint, version);
    PACK_MSEC(p, checkpoint, time.now);
    PACK_MSEC(p, checkpoint, time.wall);
}

/* now as the time that has passed, wall as what it has gone away from now since: small numbers. */
static void pack_time(struct pack *p, struct recorded_time *time, const struct recorded_time *last) {
    msec passed = time->now - last->now;
    msec drift = (time->wall - last->wall) - passed;
    pack_msec(p, "passed", &passed);
    pack_msec(p, "drift", &drift);
    if (p->mode != PACK_READ)
        return;
    if (passed < 0 || passed > SECONDS(INT32_MAX) || drift > SECONDS(INT32_MAX) || drift < -SECONDS(INT32_MAX)) {
        pack_wrong(p, "passed");
        passed = drift = 0;
    }
    *time = (struct recorded_time){ .now = last->now + passed, .wall = last->wall + passed + drift };
}

static void pack_input(struct pack *p, struct recorded_step *step, const struct cluster *cluster) {
    PACK_SMALL(p, step, kind, MONITOR_EVENT_KIND_COUNT);
    switch (step->kind) {
    case MONITOR_TICK:
        break;
    case MONITOR_REPORT:
        PACK_SMALL(p, step, host, cluster->host_count);
        pack_bytes(p, "report", &step->message, &step->message_length, STEP_MOST);
        break;
    case MONITOR_CHECK:
        PACK_SMALL(p, step, host, cluster->host_count);
        PACK_FLAG(p, step, answers);
        PACK_TEXT(p, step, check_error);
        break;
    case MONITOR_FENCE:
        pack_fence_request(p, &step->fence.request, cluster);
        PACK_FLAG(p, step, fence.ended);
        PACK_TEXT(p, step, fence.why);
        break;
    case MONITOR_COMMAND:
        pack_bytes(p, "command", &step->message, &step->message_length, STEP_MOST);
        break;
    }
}

static void pack_step(struct pack *p, struct recorded_step *step, const struct cluster *cluster,
                      const struct recorded_time *last) {
    pack_time(p, &step->time, last);
    pack_input(p, step, cluster);
    PACK_FLAG(p, step, unsaved);
    PACK_SMALL(p, step, decision_count, MONITOR_EVENTS_MAX + 1);
    for (size_t i = 0; i < step->decision_count; i++) {
        PACK_TEXT(p, &step->decisions[i], rule);
        pack_index(p, "decision", &step->decisions[i].host, cluster->host_count);
    }
    PACK_SMALL(p, step, sum, UINT64_C(1) << 32);
}

static void pack_kind(struct pack *p, uint64_t kind) {
    uint64_t read = kind;
    pack_number(p, "kind", &read, RECORD_KIND_COUNT);
    if (read != kind)
        pack_wrong(p, "kind");
}

bool recording_is_checkpoint(const void *bytes, size_t length) {
    return length > 0 && *(const uint8_t *)bytes == RECORD_CHECKPOINT;
}

uint64_t recording_shape(void) {
    /* One of each: what is in a list counts, not how many there are. */
    static struct cluster cluster;
    static struct monitor monitor;
    struct pack shape = pack_summer(PACK_SHAPE);
    struct checkpoint checkpoint = { 0 };
    struct recorded_time last = { 0 };
    cluster =
        (struct cluster){ .host_count = 1, .role_count = 1, .roles = { { .order_count = 1 } }, .address_count = 1 };
    monitor = (struct monitor){ .cluster = &cluster };
    pack_checkpoint(&shape, &checkpoint);
    pack_cluster(&shape, &cluster);
    pack_monitor(&shape, &monitor);
    for (int kind = 0; kind < MONITOR_EVENT_KIND_COUNT; kind++)
        pack_step(&shape, &(struct recorded_step){ .kind = (enum monitor_event_kind)kind, .decision_count = 1 },
                  &cluster, &last);
    return shape.sum;
}

/* What is only written is not changed: the lists of fields know one direction, and take pointers that could. */
static struct monitor *unchanged(const struct monitor *monitor) {
    return (struct monitor *)(uintptr_t)monitor;
}

size_t checkpoint_write(const struct checkpoint *checkpoint, const struct monitor *monitor, void *bytes, size_t size) {
    struct pack p = pack_writer(bytes, size);
    struct checkpoint copy = *checkpoint;
    struct cluster cluster = *monitor->cluster;
    pack_kind(&p, RECORD_CHECKPOINT);
    pack_checkpoint(&p, &copy);
    pack_cluster(&p, &cluster);
    pack_monitor(&p, unchanged(monitor));
    return p.wrong ? 0 : (size_t)(p.at - (uint8_t *)bytes);
}

static enum rc finish(const struct pack *p, const char *what, struct reason *ret_why) {
    if (p->wrong)
        return FAIL(RC_INVALID, ret_why, "%s: what stands for «%s» is not possible there", what, p->wrong);
    if (p->at != p->end)
        return FAIL(RC_INVALID, ret_why, "%s: there are %zu bytes too many", what, (size_t)(p->end - p->at));
    return RC_OK;
}

enum rc checkpoint_read(const void *bytes, size_t length, struct checkpoint *ret_checkpoint,
                        struct cluster *ret_cluster, struct monitor *ret_monitor, struct reason *ret_why) {
    struct pack p = pack_reader(bytes, length);
    *ret_checkpoint = (struct checkpoint){ 0 };
    *ret_cluster = (struct cluster){ 0 };
    pack_kind(&p, RECORD_CHECKPOINT);
    pack_checkpoint(&p, ret_checkpoint);
    if (ret_checkpoint->time.now < 0 || ret_checkpoint->time.wall < 0)
        pack_wrong(&p, "time");
    pack_cluster(&p, ret_cluster);
    if (!p.wrong) {
        monitor_start(ret_monitor, ret_cluster, NULL, ret_checkpoint->time.now, ret_checkpoint->time.wall);
        pack_monitor(&p, ret_monitor);
    }
    return finish(&p, "checkpoint", ret_why);
}

size_t step_write(const struct recorded_step *step, const struct cluster *cluster, const struct recorded_time *last,
                  void *bytes, size_t size) {
    struct pack p = pack_writer(bytes, size);
    struct recorded_step copy = *step;
    pack_kind(&p, RECORD_STEP);
    pack_step(&p, &copy, cluster, last);
    return p.wrong ? 0 : (size_t)(p.at - (uint8_t *)bytes);
}

enum rc step_read(const void *bytes, size_t length, const struct cluster *cluster, const struct recorded_time *last,
                  struct recorded_step *ret_step, struct reason *ret_why) {
    struct pack p = pack_reader(bytes, length);
    *ret_step = (struct recorded_step){ .host = HOST_NONE };
    pack_kind(&p, RECORD_STEP);
    pack_step(&p, ret_step, cluster, last);
    return finish(&p, "record", ret_why);
}

/* Its facts need no sum: they follow from the state, which has one, and decide nothing. */
static void sum_event(struct pack *p, struct event event) {
    PACK_TEXT(p, &event, rule);
    PACK_TEXT(p, &event, name);
    PACK_TEXT(p, &event, why);
    PACK_SMALL(p, &event, term, UINT64_MAX);
    PACK_SMALL(p, &event, host, HOSTS_MAX);
    PACK_SMALL(p, &event, role, ROLES_MAX);
}

static void sum_reply(struct pack *p, struct command_reply reply) {
    PACK_SMALL(p, &reply, id, UINT64_MAX);
    PACK_SMALL(p, &reply, rc, UINT8_MAX);
    PACK_TEXT(p, &reply, text);
}

/* The orders need no sum of their own: the state holds what was sent. */
static void sum_plan(struct pack *p, const struct monitor_plan *plan) {
    for (size_t i = 0; i < plan->event_count; i++)
        sum_event(p, plan->events[i]);
    for (size_t i = 0; i < plan->reply_count; i++)
        sum_reply(p, plan->replies[i]);
    host_set nudge = plan->nudge;
    msec deadline = plan->deadline;
    bool save = plan->save, orders_set = plan->orders_set, fence_set = plan->fence_set;
    pack_bits(p, "nudge", &nudge, HOSTS_MAX);
    pack_msec_or_never(p, "deadline", &deadline);
    pack_flag(p, "save", &save);
    pack_flag(p, "orders_set", &orders_set);
    pack_flag(p, "fence_set", &fence_set);
}

void step_note_plan(struct recorded_step *step, const struct monitor *monitor, const struct monitor_plan *plan) {
    struct pack p = pack_summer(PACK_SUM);
    pack_monitor(&p, unchanged(monitor));
    sum_plan(&p, plan);
    step->sum = (uint32_t)(p.sum ^ p.sum >> 32);
    step->decision_count = plan->event_count;
    for (size_t i = 0; i < plan->event_count; i++) {
        TEXT_COPY(step->decisions[i].rule, plan->events[i].rule);
        step->decisions[i].host = plan->events[i].host;
    }
}
