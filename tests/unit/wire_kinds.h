/* A value of every message with something in every field, and the six kinds of messages behind one shape, so that each
 * test tries them all. */
#ifndef MMM_TESTS_WIRE_KINDS_H
#define MMM_TESTS_WIRE_KINDS_H

#include "wire_pieces.h"

#include "wire/messages.h"

static struct cluster cluster;

static inline int set_up_cluster(void **state) {
    (void)state;
    cluster = make_cluster();
    return 0;
}

static inline struct report any_report(void) {
    struct report report = {
        .host = (int)any_below(4),
        .incarnation = any_up_to(UINT64_MAX),
        .sequence = any_up_to(WIRE_INTEGER_MAX),
        .term = any_up_to(TERM_MOST),
        .writer = any_flag(),
        .resigned = any_flag(),
        .fenced = any_flag(),
        .lease_left = any_msec(),
        .promised_left = any_msec(),
        .electable = any_below(16),
        .addresses = any_below(16),
        .stranger = { .address = (int)any_below(5) - 1 },
        .mac = any_mac(),
        .process = (enum process_state)any_below(PROCESS_ABSENT + 1),
        .silent = any_msec(),
        .canary_failing = any_msec(),
        .crashes = (uint32_t)any_below(1000),
        .protection = (enum protection)any_below(PROTECTION_COUNT),
        .unacknowledged = any_msec(),
        .lacks = any_position(),
        .draining_done = any_flag(),
        .task = (enum server_task_kind)any_below(TASK_SEMI_SYNC + 1),
    };
    if (report.stranger.address >= 0)
        report.stranger.mac = any_mac();
    any_text(report.trouble, sizeof report.trouble);
    struct probe *probe = &report.probe;
    *probe = (struct probe){
        .answered = any_flag(),
        .too_many = any_flag(),
        .kept = any_flag(),
        .error_number = (uint32_t)any_up_to(UINT32_MAX),
        .pid = (uint32_t)any_up_to(UINT32_MAX),
        .family = (enum server_family)any_below(FAMILY_MYSQL + 1),
        .uptime_s = any_up_to(WIRE_INTEGER_MAX),
        .read_only = any_flag(),
        .semi_sync = { .known = any_flag(),
                       .enabled = any_flag(),
                       .waits = any_flag(),
                       .wait_count = (uint32_t)any_up_to(UINT32_MAX),
                       .clients = (uint32_t)any_up_to(UINT32_MAX),
                       .waiting = (uint32_t)any_up_to(UINT32_MAX),
                       .acknowledged = any_up_to(WIRE_INTEGER_MAX),
                       .acknowledges = any_flag(),
                       .attached = any_flag() },
        .filters = { .known = any_flag(), .digest = any_up_to((UINT64_C(1) << FILTERS_DIGEST_BITS) - 1) },
        .binlog = any_position(),
        .applied = any_position(),
        .received = any_position(),
        .heartbeat_seen = any_msec(),
        .oldest = { .age = any_msec(), .session = any_up_to(WIRE_INTEGER_MAX) },
        .canary_tried = any_flag(),
        .canary_written = any_flag(),
        .replication = { .configured = any_flag(),
                         .source_port = (uint16_t)any_up_to(UINT16_MAX),
                         .delay_s = (uint32_t)any_up_to(UINT32_MAX),
                         .receiving = (enum thread_state)any_below(THREAD_RUNNING + 1),
                         .applying = (enum thread_state)any_below(THREAD_RUNNING + 1),
                         .apply_failed = any_below(2),
                         .error_number = (uint32_t)any_up_to(UINT32_MAX) },
    };
    if (any_flag())
        probe->replication.source_address = any_ip();
    any_text(probe->error, sizeof probe->error);
    any_text(probe->oldest.user, sizeof probe->oldest.user);
    probe->settings = (struct server_settings){ .known = any_flag(), .unsafe = (unsigned)any_below(UNSAFE_ALL + 1) };
    any_text(probe->settings.text, sizeof probe->settings.text);
    any_text(probe->filters.text, sizeof probe->filters.text);
    any_text(probe->version, sizeof probe->version);
    any_text(probe->replication.error, sizeof probe->replication.error);
    return report;
}

static inline struct orders any_orders(void) {
    return (struct orders){
        .sequence = any_up_to(WIRE_INTEGER_MAX),
        .term = any_up_to(TERM_MOST),
        .passive = any_flag(),
        .duty = (enum duty)any_below(DUTY_COUNT),
        .electable = any_below(16),
        .lease = (msec)any_up_to(SECONDS(300)),
        .addresses = any_below(16),
        .source = (int)any_below(5) - 1,
        .kill = any_flag(),
        .protect = any_flag(),
        .acknowledge = any_flag(),
        .reach = any_position(),
    };
}

static inline struct ask any_ask(void) {
    return (struct ask){ .from = (int)any_below(4),
                         .round = any_up_to(WIRE_INTEGER_MAX),
                         .term = any_up_to(TERM_MOST),
                         .for_writer = any_flag(),
                         .lease = any_up_to(SECONDS(300)) };
}

static inline struct answer any_answer(void) {
    return (struct answer){ .from = (int)any_below(4),
                            .round = any_up_to(WIRE_INTEGER_MAX),
                            .term = any_up_to(TERM_MOST),
                            .promised = any_flag(),
                            .monitor_silent = any_msec() };
}

static inline struct command any_command(void) {
    struct command command = { .id = any_up_to(UINT64_MAX),
                               .kind = (enum command_kind)any_below(COMMAND_SET_MODE + 1),
                               .force = any_flag(),
                               .dry_run = any_flag(),
                               .grace = GRACE_AS_CONFIGURED };
    if (command.kind == COMMAND_MOVE_ROLE) {
        command.kill = any_flag();
        command.grace = any_flag() ? any_msec() : GRACE_AS_CONFIGURED;
    }
    if (command.kind == COMMAND_SET_MODE)
        command.mode = (enum monitor_mode)any_below(MONITOR_MODE_COUNT);
    any_text(command.who, sizeof command.who);
    any_text(command.host, sizeof command.host);
    any_text(command.role, sizeof command.role);
    return command;
}

static inline struct command_reply any_command_reply(void) {
    struct command_reply reply = { .id = any_up_to(UINT64_MAX), .rc = (enum rc)any_below(RC_SERVER + 1) };
    any_text(reply.text, sizeof reply.text);
    return reply;
}

union any_message {
    struct report report;
    struct orders orders;
    struct ask ask;
    struct answer answer;
    struct command command;
    struct command_reply command_reply;
};

struct kind {
    const char *name;
    char *(*encode_any)(void);
    enum rc (*decode)(const char *text, size_t length, union any_message *ret_message, struct reason *ret_why);
};

#define KIND(x)                                                                                                        \
    static char *encode_any_##x(void) {                                                                                \
        struct x message = any_##x();                                                                                  \
        return x##_encode(&cluster, &message);                                                                         \
    }                                                                                                                  \
    static enum rc decode_##x(const char *text, size_t length, union any_message *ret, struct reason *ret_why) {       \
        return x##_decode(&cluster, text, length, &ret->x, ret_why);                                                   \
    }

KIND(report)
KIND(orders)
KIND(ask)
KIND(answer)
KIND(command)
KIND(command_reply)

#define ROW(x)                                                                                                         \
    { #x, encode_any_##x, decode_##x }
static const struct kind kinds[] = {
    ROW(report), ROW(orders), ROW(ask), ROW(answer), ROW(command), ROW(command_reply)
};

#endif
