#include "wire/messages.h"

#include "base/text.h"
#include "wire/messages_internal.h"
#include "wire/names.h"
#include "wire/words.h"

/* A lease is seconds; what grants, or asks for, more than this is damaged. */
#define LEASE_MOST SECONDS(300)

json_t *message_new(const char *message, const struct cluster *cluster) {
    json_t *object = object_new();
    put_number(object, "v", MESSAGE_VERSION);
    put_text(object, "message", message);
    put_text(object, "cluster", cluster->name);
    return object;
}

static void check_version(const struct fields *fields) {
    int64_t version = field_integer(fields, "v", 1, INT32_MAX);
    if (version != MESSAGE_VERSION)
        field_wrong(fields, "v", "the other side speaks version %lld, this one version %d; install one version of mmm",
                    (long long)version, MESSAGE_VERSION);
}

static void check_message(const struct fields *fields, const char *message, const struct cluster *cluster) {
    char text[NAME_SIZE];
    check_version(fields);
    field_text(fields, "message", text, sizeof text);
    if (!text_equal(text, message))
        field_wrong(fields, "message", "is «%.40s», not «%s»", text, message);
    field_text(fields, "cluster", text, sizeof text);
    if (!text_equal(text, cluster->name))
        field_wrong(fields, "cluster", "is «%s»; this is cluster «%s»", text, cluster->name);
}

enum rc message_decode(const char *message, const struct cluster *cluster, const char *text, size_t length,
                       decode_function decode, void *ret_x, struct reason *ret_why) {
    json_auto_t *root = NULL;
    enum rc rc = json_from_text(message, text, length, MESSAGE_TEXT_MAX, &root, ret_why);
    if (rc)
        return rc;
    struct decoding decoding = { .why = ret_why };
    struct fields fields = { .decoding = &decoding, .object = root };
    TEXT_COPY(fields.path, message);
    check_message(&fields, message, cluster);
    if (!decoding.rc)
        decode(&fields, cluster, ret_x);
    return decoding.rc;
}

static json_t *replication_value(const struct replication *replication) {
    json_t *object = object_new();
    put_flag(object, "configured", replication->configured);
    put_ip(object, "source_address", &replication->source_address);
    put_number(object, "source_port", replication->source_port);
    put_number(object, "delay_s", replication->delay_s);
    PUT_WORD(object, "receiving", thread_words, replication->receiving);
    PUT_WORD(object, "applying", thread_words, replication->applying);
    put_flag(object, "apply_failed", replication->apply_failed);
    put_number(object, "error_number", replication->error_number);
    put_text_unless_empty(object, "error", replication->error);
    return object;
}

static void replication_fields(const struct fields *f, struct replication *ret_replication) {
    ret_replication->configured = field_flag(f, "configured");
    ret_replication->source_address = field_ip_or_none(f, "source_address");
    ret_replication->source_port = (uint16_t)field_integer(f, "source_port", 0, UINT16_MAX);
    ret_replication->delay_s = (uint32_t)field_integer(f, "delay_s", 0, UINT32_MAX);
    ret_replication->receiving = (enum thread_state)FIELD_WORD(f, "receiving", thread_words);
    ret_replication->applying = (enum thread_state)FIELD_WORD(f, "applying", thread_words);
    ret_replication->apply_failed = field_flag(f, "apply_failed");
    ret_replication->error_number = (uint32_t)field_integer(f, "error_number", 0, UINT32_MAX);
    field_text_or_empty(f, "error", ret_replication->error, sizeof ret_replication->error);
}

static json_t *semi_sync_value(const struct semi_sync *semi_sync) {
    json_t *object = object_new();
    put_flag(object, "known", semi_sync->known);
    put_flag(object, "enabled", semi_sync->enabled);
    put_flag(object, "waits", semi_sync->waits);
    put_number(object, "wait_count", semi_sync->wait_count);
    put_number(object, "clients", semi_sync->clients);
    put_number(object, "waiting", semi_sync->waiting);
    put_number(object, "acknowledged", semi_sync->acknowledged);
    put_flag(object, "acknowledges", semi_sync->acknowledges);
    put_flag(object, "attached", semi_sync->attached);
    return object;
}

static void semi_sync_fields(const struct fields *f, struct semi_sync *ret_semi_sync) {
    ret_semi_sync->known = field_flag(f, "known");
    ret_semi_sync->enabled = field_flag(f, "enabled");
    ret_semi_sync->waits = field_flag(f, "waits");
    ret_semi_sync->wait_count = (uint32_t)field_integer(f, "wait_count", 0, UINT32_MAX);
    ret_semi_sync->clients = (uint32_t)field_integer(f, "clients", 0, UINT32_MAX);
    ret_semi_sync->waiting = (uint32_t)field_integer(f, "waiting", 0, UINT32_MAX);
    ret_semi_sync->acknowledged = field_number(f, "acknowledged");
    ret_semi_sync->acknowledges = field_flag(f, "acknowledges");
    ret_semi_sync->attached = field_flag(f, "attached");
}

static json_t *filters_value(const struct filters *filters) {
    json_t *object = object_new();
    put_flag(object, "known", filters->known);
    put_number(object, "digest", filters->digest);
    put_text_unless_empty(object, "text", filters->text);
    return object;
}

static void filters_fields(const struct fields *f, struct filters *ret_filters) {
    ret_filters->known = field_flag(f, "known");
    ret_filters->digest = (uint64_t)field_integer(f, "digest", 0, (INT64_C(1) << FILTERS_DIGEST_BITS) - 1);
    field_text_or_empty(f, "text", ret_filters->text, sizeof ret_filters->text);
}

static json_t *settings_value(const struct server_settings *settings) {
    json_t *object = object_new();
    put_flag(object, "known", settings->known);
    put_flag(object, "unfollowable", settings->unsafe & UNSAFE_UNFOLLOWABLE);
    put_flag(object, "crash", settings->unsafe & UNSAFE_CRASH);
    put_text_unless_empty(object, "text", settings->text);
    return object;
}

static void settings_fields(const struct fields *f, struct server_settings *ret_settings) {
    ret_settings->known = field_flag(f, "known");
    ret_settings->unsafe = (field_flag(f, "unfollowable") ? (unsigned)UNSAFE_UNFOLLOWABLE : 0) |
                           (field_flag(f, "crash") ? (unsigned)UNSAFE_CRASH : 0);
    field_text_or_empty(f, "text", ret_settings->text, sizeof ret_settings->text);
}

static json_t *probe_value(const struct probe *probe) {
    json_t *object = object_new();
    put_flag(object, "answered", probe->answered);
    put_flag(object, "too_many", probe->too_many);
    put_flag(object, "kept", probe->kept);
    put_number(object, "error_number", probe->error_number);
    put_text_unless_empty(object, "error", probe->error);
    put_number(object, "pid", probe->pid);
    PUT_WORD(object, "family", family_words, probe->family);
    put_text(object, "version", probe->version);
    put_number(object, "uptime_s", probe->uptime_s);
    put_flag(object, "read_only", probe->read_only);
    put(object, "replication", replication_value(&probe->replication));
    put(object, "semi_sync", semi_sync_value(&probe->semi_sync));
    put(object, "filters", filters_value(&probe->filters));
    put(object, "settings", settings_value(&probe->settings));
    put_position(object, "binlog", &probe->binlog);
    put_position(object, "applied", &probe->applied);
    put_position(object, "received", &probe->received);
    put_msec(object, "heartbeat_seen", probe->heartbeat_seen);
    put_msec(object, "oldest_transaction_ms", probe->oldest.age);
    put_number(object, "oldest_session", probe->oldest.session);
    put_text_unless_empty(object, "oldest_user", probe->oldest.user);
    put_flag(object, "canary_tried", probe->canary_tried);
    put_flag(object, "canary_written", probe->canary_written);
    return object;
}

static void probe_fields(const struct fields *f, struct probe *ret_probe) {
    ret_probe->answered = field_flag(f, "answered");
    ret_probe->too_many = field_flag(f, "too_many");
    ret_probe->kept = field_flag(f, "kept");
    ret_probe->error_number = (uint32_t)field_integer(f, "error_number", 0, UINT32_MAX);
    field_text_or_empty(f, "error", ret_probe->error, sizeof ret_probe->error);
    ret_probe->pid = (uint32_t)field_integer(f, "pid", 0, UINT32_MAX);
    ret_probe->family = (enum server_family)FIELD_WORD(f, "family", family_words);
    field_text(f, "version", ret_probe->version, sizeof ret_probe->version);
    ret_probe->uptime_s = field_number(f, "uptime_s");
    ret_probe->read_only = field_flag(f, "read_only");
    struct fields replication = field_object(f, "replication");
    replication_fields(&replication, &ret_probe->replication);
    struct fields semi_sync = field_object(f, "semi_sync");
    semi_sync_fields(&semi_sync, &ret_probe->semi_sync);
    struct fields filters = field_object(f, "filters");
    filters_fields(&filters, &ret_probe->filters);
    struct fields settings = field_object(f, "settings");
    settings_fields(&settings, &ret_probe->settings);
    ret_probe->binlog = field_position(f, "binlog");
    ret_probe->applied = field_position(f, "applied");
    ret_probe->received = field_position(f, "received");
    ret_probe->heartbeat_seen = field_msec(f, "heartbeat_seen");
    ret_probe->oldest.age = field_msec(f, "oldest_transaction_ms");
    ret_probe->oldest.session = field_number(f, "oldest_session");
    field_text_or_empty(f, "oldest_user", ret_probe->oldest.user, sizeof ret_probe->oldest.user);
    ret_probe->canary_tried = field_flag(f, "canary_tried");
    ret_probe->canary_written = field_flag(f, "canary_written");
}

static json_t *stranger_value(const struct cluster *cluster, const struct stranger *stranger) {
    if (stranger->address < 0)
        return json_null();
    json_t *object = object_new();
    put_address(object, "address", cluster, stranger->address);
    put_mac(object, "mac", &stranger->mac);
    return object;
}

static struct stranger stranger_fields(const struct fields *f, const struct cluster *cluster) {
    if (!field_is_there(f, "stranger"))
        return (struct stranger){ .address = -1 };
    struct fields stranger = field_object(f, "stranger");
    return (struct stranger){
        .address = field_address(&stranger, "address", cluster),
        .mac = field_mac(&stranger, "mac"),
    };
}

char *report_encode(const struct cluster *cluster, const struct report *report) {
    json_t *object = message_new("report", cluster);
    put_host(object, "host", cluster, report->host);
    put_id(object, "incarnation", report->incarnation);
    put_number(object, "sequence", report->sequence);
    put_number(object, "term", report->term);
    put_flag(object, "writer", report->writer);
    put_flag(object, "resigned", report->resigned);
    put_flag(object, "fenced", report->fenced);
    put_msec(object, "lease_left_ms", report->lease_left);
    put_msec(object, "promised_left_ms", report->promised_left);
    put_hosts(object, "electable", cluster, report->electable);
    put_addresses(object, "addresses", cluster, report->addresses);
    put(object, "stranger", stranger_value(cluster, &report->stranger));
    put_mac(object, "mac", &report->mac);
    PUT_WORD(object, "process", process_words, report->process);
    put_msec(object, "silent_ms", report->silent);
    put_msec(object, "canary_failing_ms", report->canary_failing);
    put_number(object, "crashes", report->crashes);
    put(object, "probe", probe_value(&report->probe));
    PUT_WORD(object, "protection", protection_words, report->protection);
    put_msec(object, "unacknowledged_ms", report->unacknowledged);
    put_position(object, "lacks", &report->lacks);
    put_flag(object, "draining_done", report->draining_done);
    PUT_WORD(object, "task", task_words, report->task);
    put_text_unless_empty(object, "trouble", report->trouble);
    return object_to_text(object);
}

static void report_fields(const struct fields *f, const struct cluster *cluster, void *ret_x) {
    struct report *report = ret_x;
    report->host = field_host(f, "host", cluster);
    report->incarnation = field_id(f, "incarnation");
    report->sequence = field_number(f, "sequence");
    report->term = field_term(f);
    report->writer = field_flag(f, "writer");
    report->resigned = field_flag(f, "resigned");
    report->fenced = field_flag(f, "fenced");
    report->lease_left = field_msec(f, "lease_left_ms");
    report->promised_left = field_msec(f, "promised_left_ms");
    report->electable = field_hosts(f, "electable", cluster);
    report->addresses = field_addresses(f, "addresses", cluster);
    report->stranger = stranger_fields(f, cluster);
    report->mac = field_mac(f, "mac");
    report->process = (enum process_state)FIELD_WORD(f, "process", process_words);
    report->silent = field_msec(f, "silent_ms");
    report->canary_failing = field_msec(f, "canary_failing_ms");
    report->crashes = (uint32_t)field_integer(f, "crashes", 0, UINT32_MAX);
    struct fields probe = field_object(f, "probe");
    probe_fields(&probe, &report->probe);
    report->protection = (enum protection)FIELD_WORD(f, "protection", protection_words);
    report->unacknowledged = field_msec(f, "unacknowledged_ms");
    report->lacks = field_position(f, "lacks");
    report->draining_done = field_flag(f, "draining_done");
    report->task = (enum server_task_kind)FIELD_WORD(f, "task", task_words);
    field_text_or_empty(f, "trouble", report->trouble, sizeof report->trouble);
}

enum rc report_decode(const struct cluster *cluster, const char *text, size_t length, struct report *ret_report,
                      struct reason *ret_why) {
    struct report report = { 0 };
    enum rc rc = message_decode("report", cluster, text, length, report_fields, &report, ret_why);
    if (!rc)
        *ret_report = report;
    return rc;
}

char *orders_encode(const struct cluster *cluster, const struct orders *orders) {
    json_t *object = message_new("orders", cluster);
    put_number(object, "sequence", orders->sequence);
    put_number(object, "term", orders->term);
    put_flag(object, "passive", orders->passive);
    PUT_WORD(object, "duty", duty_words, orders->duty);
    put_hosts(object, "electable", cluster, orders->electable);
    put_msec(object, "lease_ms", orders->lease);
    put_addresses(object, "addresses", cluster, orders->addresses);
    put_host(object, "source", cluster, orders->source);
    put_flag(object, "kill", orders->kill);
    put_flag(object, "protect", orders->protect);
    put_flag(object, "acknowledge", orders->acknowledge);
    put_position(object, "reach", &orders->reach);
    return object_to_text(object);
}

static void orders_fields(const struct fields *f, const struct cluster *cluster, void *ret_x) {
    struct orders *orders = ret_x;
    orders->sequence = field_number(f, "sequence");
    orders->term = field_term(f);
    orders->passive = field_flag(f, "passive");
    orders->duty = (enum duty)FIELD_WORD(f, "duty", duty_words);
    orders->electable = field_hosts(f, "electable", cluster);
    orders->lease = field_integer(f, "lease_ms", 0, LEASE_MOST);
    orders->addresses = field_addresses(f, "addresses", cluster);
    orders->source = field_host_or_none(f, "source", cluster);
    orders->kill = field_flag(f, "kill");
    orders->protect = field_flag(f, "protect");
    orders->acknowledge = field_flag(f, "acknowledge");
    orders->reach = field_position(f, "reach");
}

enum rc orders_decode(const struct cluster *cluster, const char *text, size_t length, struct orders *ret_orders,
                      struct reason *ret_why) {
    struct orders orders = { 0 };
    enum rc rc = message_decode("orders", cluster, text, length, orders_fields, &orders, ret_why);
    if (!rc)
        *ret_orders = orders;
    return rc;
}

char *ask_encode(const struct cluster *cluster, const struct ask *ask) {
    json_t *object = message_new("ask", cluster);
    put_host(object, "from", cluster, ask->from);
    put_number(object, "round", ask->round);
    put_number(object, "term", ask->term);
    put_flag(object, "for_writer", ask->for_writer);
    put_msec(object, "lease_ms", ask->lease);
    return object_to_text(object);
}

static void ask_fields(const struct fields *f, const struct cluster *cluster, void *ret_x) {
    struct ask *ask = ret_x;
    ask->from = field_host(f, "from", cluster);
    ask->round = field_number(f, "round");
    ask->term = field_term(f);
    ask->for_writer = field_flag(f, "for_writer");
    ask->lease = field_integer(f, "lease_ms", 0, LEASE_MOST);
}

enum rc ask_decode(const struct cluster *cluster, const char *text, size_t length, struct ask *ret_ask,
                   struct reason *ret_why) {
    struct ask ask = { 0 };
    enum rc rc = message_decode("ask", cluster, text, length, ask_fields, &ask, ret_why);
    if (!rc)
        *ret_ask = ask;
    return rc;
}

char *answer_encode(const struct cluster *cluster, const struct answer *answer) {
    json_t *object = message_new("answer", cluster);
    put_host(object, "from", cluster, answer->from);
    put_number(object, "round", answer->round);
    put_number(object, "term", answer->term);
    put_flag(object, "promised", answer->promised);
    put_msec(object, "monitor_silent_ms", answer->monitor_silent);
    return object_to_text(object);
}

static void answer_fields(const struct fields *f, const struct cluster *cluster, void *ret_x) {
    struct answer *answer = ret_x;
    answer->from = field_host(f, "from", cluster);
    answer->round = field_number(f, "round");
    answer->term = field_term(f);
    answer->promised = field_flag(f, "promised");
    answer->monitor_silent = field_msec(f, "monitor_silent_ms");
}

enum rc answer_decode(const struct cluster *cluster, const char *text, size_t length, struct answer *ret_answer,
                      struct reason *ret_why) {
    struct answer answer = { 0 };
    enum rc rc = message_decode("answer", cluster, text, length, answer_fields, &answer, ret_why);
    if (!rc)
        *ret_answer = answer;
    return rc;
}

char *command_encode(const struct cluster *cluster, const struct command *command) {
    json_t *object = message_new("command", cluster);
    put_id(object, "id", command->id);
    PUT_WORD(object, "command", command_words, command->kind);
    put_text_unless_empty(object, "who", command->who);
    put_text_unless_empty(object, "host", command->host);
    put_text_unless_empty(object, "role", command->role);
    if (command->kind == COMMAND_SET_MODE)
        PUT_WORD(object, "mode", mode_words, command->mode);
    put_flag(object, "force", command->force);
    put_flag(object, "dry_run", command->dry_run);
    if (command->kind == COMMAND_MOVE_ROLE) {
        put_flag(object, "kill", command->kill);
        if (command->grace != GRACE_AS_CONFIGURED)
            put_msec(object, "grace_ms", command->grace);
    }
    return object_to_text(object);
}

static void command_fields(const struct fields *f, const struct cluster *cluster, void *ret_x) {
    struct command *command = ret_x;
    (void)cluster;
    command->id = field_is_there(f, "id") ? field_id(f, "id") : 0;
    command->kind = (enum command_kind)FIELD_WORD(f, "command", command_words);
    field_text_or_empty(f, "who", command->who, sizeof command->who);
    field_text_or_empty(f, "host", command->host, sizeof command->host);
    field_text_or_empty(f, "role", command->role, sizeof command->role);
    if (command->kind == COMMAND_SET_MODE)
        command->mode = (enum monitor_mode)FIELD_WORD(f, "mode", mode_words);
    command->force = field_flag(f, "force");
    command->dry_run = field_flag(f, "dry_run");
    command->grace = GRACE_AS_CONFIGURED;
    if (command->kind != COMMAND_MOVE_ROLE)
        return;
    command->kill = field_flag(f, "kill");
    if (field_is_there(f, "grace_ms"))
        command->grace = field_msec(f, "grace_ms");
}

enum rc command_decode(const struct cluster *cluster, const char *text, size_t length, struct command *ret_command,
                       struct reason *ret_why) {
    struct command command = { 0 };
    enum rc rc = message_decode("command", cluster, text, length, command_fields, &command, ret_why);
    if (!rc)
        *ret_command = command;
    return rc;
}

char *command_reply_encode(const struct cluster *cluster, const struct command_reply *reply) {
    json_t *object = message_new("command_reply", cluster);
    put_id(object, "id", reply->id);
    PUT_WORD(object, "rc", rc_words, reply->rc);
    put_text(object, "text", reply->text);
    return object_to_text(object);
}

static void command_reply_fields(const struct fields *f, const struct cluster *cluster, void *ret_x) {
    struct command_reply *reply = ret_x;
    (void)cluster;
    reply->id = field_id(f, "id");
    reply->rc = (enum rc)FIELD_WORD(f, "rc", rc_words);
    field_text(f, "text", reply->text, sizeof reply->text);
}

enum rc command_reply_decode(const struct cluster *cluster, const char *text, size_t length,
                             struct command_reply *ret_reply, struct reason *ret_why) {
    struct command_reply reply = { 0 };
    enum rc rc = message_decode("command_reply", cluster, text, length, command_reply_fields, &reply, ret_why);
    if (!rc)
        *ret_reply = reply;
    return rc;
}
