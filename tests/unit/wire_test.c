/* The messages: what is encoded comes back, means the same on another machine, and looks as it always did. */
#include "wire_kinds.h"

static void same_replication(const struct replication *a, const struct replication *b) {
    assert_int_equal(a->configured, b->configured);
    assert_true(ip_equal(&a->source_address, &b->source_address));
    assert_int_equal(a->source_port, b->source_port);
    assert_int_equal(a->delay_s, b->delay_s);
    assert_int_equal(a->receiving, b->receiving);
    assert_int_equal(a->applying, b->applying);
    assert_int_equal(a->apply_failed, b->apply_failed);
    assert_int_equal(a->error_number, b->error_number);
    assert_string_equal(a->error, b->error);
}

static void same_semi_sync(const struct semi_sync *a, const struct semi_sync *b) {
    assert_int_equal(a->known, b->known);
    assert_int_equal(a->enabled, b->enabled);
    assert_int_equal(a->waits, b->waits);
    assert_int_equal(a->clients, b->clients);
    assert_int_equal(a->waiting, b->waiting);
    assert_true(a->acknowledged == b->acknowledged);
    assert_int_equal(a->acknowledges, b->acknowledges);
    assert_int_equal(a->attached, b->attached);
}

static void same_probe(const struct probe *a, const struct probe *b) {
    assert_int_equal(a->answered, b->answered);
    assert_int_equal(a->too_many, b->too_many);
    assert_int_equal(a->kept, b->kept);
    assert_int_equal(a->error_number, b->error_number);
    assert_string_equal(a->error, b->error);
    assert_int_equal(a->pid, b->pid);
    assert_int_equal(a->family, b->family);
    assert_string_equal(a->version, b->version);
    assert_true(a->uptime_s == b->uptime_s);
    assert_int_equal(a->read_only, b->read_only);
    same_replication(&a->replication, &b->replication);
    same_semi_sync(&a->semi_sync, &b->semi_sync);
    assert_int_equal(a->filters.known, b->filters.known);
    assert_true(a->filters.digest == b->filters.digest);
    assert_string_equal(a->filters.text, b->filters.text);
    assert_int_equal(a->settings.known, b->settings.known);
    assert_int_equal(a->settings.unsafe, b->settings.unsafe);
    assert_string_equal(a->settings.text, b->settings.text);
    assert_true(gtid_equal(&a->binlog, &b->binlog));
    assert_true(gtid_equal(&a->applied, &b->applied));
    assert_true(gtid_equal(&a->received, &b->received));
    assert_true(a->heartbeat_seen == b->heartbeat_seen);
    assert_true(a->oldest.age == b->oldest.age);
    assert_true(a->oldest.session == b->oldest.session);
    assert_string_equal(a->oldest.user, b->oldest.user);
    assert_int_equal(a->canary_tried, b->canary_tried);
    assert_int_equal(a->canary_written, b->canary_written);
}

static void same_report(const struct report *a, const struct report *b) {
    assert_int_equal(a->host, b->host);
    assert_true(a->incarnation == b->incarnation);
    assert_true(a->sequence == b->sequence);
    assert_true(a->term == b->term);
    assert_int_equal(a->writer, b->writer);
    assert_int_equal(a->resigned, b->resigned);
    assert_int_equal(a->fenced, b->fenced);
    assert_true(a->lease_left == b->lease_left);
    assert_true(a->promised_left == b->promised_left);
    assert_true(a->electable == b->electable);
    assert_true(a->addresses == b->addresses);
    assert_int_equal(a->stranger.address, b->stranger.address);
    assert_true(mac_equal(&a->stranger.mac, &b->stranger.mac));
    assert_true(mac_equal(&a->mac, &b->mac));
    assert_int_equal(a->process, b->process);
    assert_true(a->silent == b->silent);
    assert_true(a->canary_failing == b->canary_failing);
    assert_true(a->crashes == b->crashes);
    assert_int_equal(a->protection, b->protection);
    assert_true(a->unacknowledged == b->unacknowledged);
    assert_true(gtid_equal(&a->lacks, &b->lacks));
    same_probe(&a->probe, &b->probe);
    assert_int_equal(a->draining_done, b->draining_done);
    assert_int_equal(a->task, b->task);
    assert_string_equal(a->trouble, b->trouble);
}

static void same_orders(const struct orders *a, const struct orders *b) {
    assert_true(a->sequence == b->sequence);
    assert_true(a->term == b->term);
    assert_int_equal(a->passive, b->passive);
    assert_int_equal(a->duty, b->duty);
    assert_true(a->electable == b->electable);
    assert_true(a->lease == b->lease);
    assert_true(a->addresses == b->addresses);
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->kill, b->kill);
    assert_int_equal(a->protect, b->protect);
    assert_int_equal(a->acknowledge, b->acknowledge);
    assert_true(gtid_equal(&a->reach, &b->reach));
}

static void same_ask(const struct ask *a, const struct ask *b) {
    assert_int_equal(a->from, b->from);
    assert_true(a->round == b->round);
    assert_true(a->term == b->term);
    assert_int_equal(a->for_writer, b->for_writer);
    assert_int_equal(a->lease, b->lease);
}

static void same_answer(const struct answer *a, const struct answer *b) {
    assert_int_equal(a->from, b->from);
    assert_true(a->round == b->round);
    assert_true(a->term == b->term);
    assert_int_equal(a->promised, b->promised);
    assert_true(a->monitor_silent == b->monitor_silent);
}

static void same_command(const struct command *a, const struct command *b) {
    assert_true(a->id == b->id);
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->who, b->who);
    assert_string_equal(a->host, b->host);
    assert_string_equal(a->role, b->role);
    assert_int_equal(a->mode, b->mode);
    assert_int_equal(a->force, b->force);
    assert_int_equal(a->dry_run, b->dry_run);
    assert_int_equal(a->kill, b->kill);
    assert_true(a->grace == b->grace);
}

static void same_command_reply(const struct command_reply *a, const struct command_reply *b) {
    assert_true(a->id == b->id);
    assert_int_equal(a->rc, b->rc);
    assert_string_equal(a->text, b->text);
}

#define ROUND_TRIP(x)                                                                                                  \
    static void round_trip_##x(void) {                                                                                 \
        struct x message = any_##x(), back;                                                                            \
        struct reason why = { "" };                                                                                    \
        char *text = x##_encode(&cluster, &message);                                                                   \
        memset(&back, 0xa5, sizeof back);                                                                              \
        if (x##_decode(&cluster, text, strlen(text), &back, &why))                                                     \
            fail_msg("%s\n%s", why.text, text);                                                                        \
        same_##x(&message, &back);                                                                                     \
        free(text);                                                                                                    \
    }

ROUND_TRIP(report)
ROUND_TRIP(orders)
ROUND_TRIP(ask)
ROUND_TRIP(answer)
ROUND_TRIP(command)
ROUND_TRIP(command_reply)

static void every_message_comes_back_as_it_was_sent(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++) {
        round_trip_report();
        round_trip_orders();
        round_trip_ask();
        round_trip_answer();
        round_trip_command();
        round_trip_command_reply();
    }
}

static void a_field_that_is_not_known_is_ignored(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        union any_message message;
        char *text = kinds[k].encode_any();
        char *longer = with_piece(text, "\"newer\":{\"a\":[1,null,\"x\"]},");
        assert_int_equal(kinds[k].decode(longer, strlen(longer), &message, NULL), RC_OK);
        free(longer);
        free(text);
    }
}

static void expect_orders_refused(const char *text, const char *because) {
    struct orders orders;
    struct reason why = { "" };
    assert_int_equal(orders_decode(&cluster, text, strlen(text), &orders, &why), RC_INVALID);
    assert_string_equal(why.text, because);
}

#define ORDERS_HEAD "{\"v\":1,\"message\":\"orders\",\"cluster\":\"shop\",\"sequence\":1,\"term\":1,\"passive\":false,"

static void the_reason_names_what_is_wrong_and_what_would_be_right(void **state) {
    (void)state;
    expect_orders_refused("{\"v\":2,\"message\":\"orders\"}",
                          "orders.v: the other side speaks version 2, this one version 1; install one version of mmm");
    expect_orders_refused("{\"v\":1,\"message\":\"orders\",\"cluster\":\"staging\"}",
                          "orders.cluster: is «staging»; this is cluster «shop»");
    expect_orders_refused("{\"v\":1,\"message\":\"orders\",\"cluster\":\"shop\",\"sequence\":-1}",
                          "orders.sequence: must be a whole number from 0 to 9007199254740991");
    expect_orders_refused(ORDERS_HEAD "\"duty\":\"dance\"}",
                          "orders.duty: «dance» is not one of the words known here (standby to writer)");
    expect_orders_refused(ORDERS_HEAD "\"duty\":\"writer\"}", "orders.electable: missing");
    expect_orders_refused(ORDERS_HEAD "\"duty\":\"writer\",\"electable\":[\"db9\"]}",
                          "orders.electable: «db9» is not a host of cluster shop in this machine's configuration");
    expect_orders_refused(ORDERS_HEAD "\"duty\":\"writer\",\"electable\":[\"db1\",\"db1\"]}",
                          "orders.electable: «db1» stands there twice");
    expect_orders_refused(ORDERS_HEAD "\"duty\":\"writer\",\"electable\":[],\"lease_ms\":3600001}",
                          "orders.lease_ms: must be a whole number from 0 to 300000");
    expect_orders_refused(ORDERS_HEAD
                          "\"duty\":\"writer\",\"electable\":[],\"lease_ms\":1,\"addresses\":[\"10.0.0.1\"]}",
                          "orders.addresses: «10.0.0.1» is not a role address of cluster shop in this machine's "
                          "configuration");
}

static void files_that_list_hosts_in_another_order_mean_the_same(void **state) {
    (void)state;
    struct cluster other = cluster;
    other.hosts[0] = cluster.hosts[2];
    other.hosts[2] = cluster.hosts[0];
    other.addresses[0] = cluster.addresses[3];
    other.addresses[3] = cluster.addresses[0];
    struct orders orders = { .duty = DUTY_STANDBY, .electable = 1 | 2, .addresses = 1 | 2, .source = 0 }, back;
    char *text = orders_encode(&cluster, &orders);
    assert_int_equal(orders_decode(&other, text, strlen(text), &back, NULL), RC_OK);
    free(text);
    assert_true(back.electable == (2 | 4));
    assert_true(back.addresses == (8 | 2));
    assert_int_equal(back.source, 2);
}

static void text_that_is_cut_inside_a_character_or_not_utf8_still_travels(void **state) {
    (void)state;
    struct command_reply reply = { .rc = RC_SERVER,
                                   .text = "caf\xe9 \xe2\x82 \xed\xa0\x80 \x1b[31m\x7f\n\xc3\xa9 \xc3" };
    struct command_reply back;
    char *text = command_reply_encode(&cluster, &reply);
    assert_int_equal(command_reply_decode(&cluster, text, strlen(text), &back, NULL), RC_OK);
    free(text);
    assert_string_equal(back.text, "caf? ?? ???  [31m \n\xc3\xa9 ?");
}

static void a_control_character_from_outside_does_not_reach_a_terminal(void **state) {
    (void)state;
    const char *text = "{\"v\":1,\"message\":\"command_reply\",\"cluster\":\"shop\",\"id\":\"000000000000000a\","
                       "\"rc\":\"ok\",\"text\":\"\\u001b[2Jgone\"}";
    struct command_reply reply;
    assert_int_equal(command_reply_decode(&cluster, text, strlen(text), &reply, NULL), RC_OK);
    assert_string_equal(reply.text, " [2Jgone");
    assert_true(reply.id == 10);
}

static void a_length_that_never_ends_travels_as_a_very_long_one(void **state) {
    (void)state;
    struct answer answer = { .from = 1, .monitor_silent = NEVER }, back;
    char *text = answer_encode(&cluster, &answer);
    assert_int_equal(answer_decode(&cluster, text, strlen(text), &back, NULL), RC_OK);
    free(text);
    assert_true(back.monitor_silent == WIRE_INTEGER_MAX);
}

static void a_rehearsal_that_is_misspelt_is_not_the_real_thing(void **state) {
    (void)state;
    const char *text = "{\"v\":1,\"message\":\"command\",\"cluster\":\"shop\",\"command\":\"move-role\","
                       "\"role\":\"writer\",\"host\":\"db2\",\"force\":false,\"dry-run\":true}";
    struct command command;
    struct reason why;
    assert_int_equal(command_decode(&cluster, text, strlen(text), &command, &why), RC_INVALID);
    assert_string_equal(why.text, "command.dry_run: missing");
}

static struct report golden_report(void) {
    struct report report = {
        .host = 0,
        .incarnation = 0x5eed00000000002a,
        .sequence = 4211,
        .term = 7,
        .writer = true,
        .lease_left = 4600,
        .electable = 3,
        .addresses = 3,
        .stranger = { .address = 1, .mac = { { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc } } },
        .mac = { { 0x52, 0x54, 0, 0x11, 0x22, 0x33 } },
        .process = PROCESS_RUNNING,
        .probe = { .answered = true,
                   .pid = 1234,
                   .family = FAMILY_MARIADB,
                   .version = "10.11.19",
                   .uptime_s = 86400,
                   .replication = { .configured = true,
                                    .source_address = ip_of("10.77.0.12"),
                                    .source_port = 3306,
                                    .delay_s = 3600,
                                    .receiving = THREAD_CONNECTING,
                                    .applying = THREAD_RUNNING,
                                    .error_number = 2003,
                                    .error = "error connecting to master" },
                   .semi_sync = { .known = true,
                                  .enabled = true,
                                  .waits = true,
                                  .clients = 1,
                                  .waiting = 2,
                                  .acknowledged = 42 },
                   .filters = { .known = true, .digest = 4242, .text = "replicate_do_db=shop" },
                   .settings = { .known = true, .unsafe = UNSAFE_CRASH, .text = "sync_binlog=0" },
                   .binlog = position_of("0-11-42,0-12-17"),
                   .applied = position_of("0-11-42"),
                   .received = position_of("0-11-42"),
                   .heartbeat_seen = 1795330800123,
                   .oldest = { .age = 2000, .session = 12, .user = "app" },
                   .canary_tried = true,
                   .canary_written = true },
        .protection = PROTECTION_ON,
        .unacknowledged = 700,
        .lacks = position_of("0-11-50"),
        .task = TASK_FOLLOW,
        .trouble = "cannot follow db2: no answer in 5 s",
    };
    return report;
}

static struct orders golden_orders(void) {
    return (struct orders){ .sequence = 4211,
                            .term = 8,
                            .duty = DUTY_DRAIN,
                            .electable = 3,
                            .lease = SECONDS(5),
                            .addresses = 2 | 8,
                            .source = 2,
                            .acknowledge = true,
                            .reach = position_of("0-11-42") };
}

static void a_report_and_orders_look_as_they_always_did(void **state) {
    (void)state;
    struct report report = golden_report(), report_back;
    struct orders orders = golden_orders(), orders_back;
    expect_golden(report_encode(&cluster, &report), "report.json");
    expect_golden(orders_encode(&cluster, &orders), "orders.json");
    const char *text = read_golden("report.json");
    assert_int_equal(report_decode(&cluster, text, strlen(text), &report_back, NULL), RC_OK);
    same_report(&report, &report_back);
    text = read_golden("orders.json");
    assert_int_equal(orders_decode(&cluster, text, strlen(text), &orders_back, NULL), RC_OK);
    same_orders(&orders, &orders_back);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_as_it_was_sent),
        cmocka_unit_test(a_field_that_is_not_known_is_ignored),
        cmocka_unit_test(the_reason_names_what_is_wrong_and_what_would_be_right),
        cmocka_unit_test(files_that_list_hosts_in_another_order_mean_the_same),
        cmocka_unit_test(text_that_is_cut_inside_a_character_or_not_utf8_still_travels),
        cmocka_unit_test(a_control_character_from_outside_does_not_reach_a_terminal),
        cmocka_unit_test(a_length_that_never_ends_travels_as_a_very_long_one),
        cmocka_unit_test(a_rehearsal_that_is_misspelt_is_not_the_real_thing),
        cmocka_unit_test(a_report_and_orders_look_as_they_always_did),
    };
    return cmocka_run_group_tests(tests, set_up_cluster, NULL);
}
