/* What show says. */
#include "wire_pieces.h"

#include "wire/status.h"

enum { NOW = 1000000 };
#define WALL INT64_C(1795330800123)

static struct cluster cluster;

static void report_of(struct monitor *monitor, int host) {
    monitor->hosts[host] = (struct host_view){
        .heard = true,
        .heard_at = NOW - 100,
        .answered_at = NOW - 100,
        .lag = -1,
        .report = { .host = host,
                    .stranger = { .address = -1 },
                    .mac = { { 2, 0, 0, 0, 0, (uint8_t)host } },
                    .process = PROCESS_RUNNING,
                    .probe = { .answered = true,
                               .family = FAMILY_MARIADB,
                               .version = "10.11.19",
                               .uptime_s = 123,
                               .read_only = host != 0,
                               .applied = position_of("0-11-42"),
                               .received = position_of("0-11-43") } },
    };
    if (host)
        monitor->hosts[host].report.probe.replication = (struct replication){
            .configured = true,
            .source_address = cluster.hosts[0].address,
            .source_port = 3306,
            .receiving = THREAD_CONNECTING,
            .applying = THREAD_RUNNING,
        };
}

/* db1 is writer and well; db2 is held; db3 was never heard; db4 replicates with a lag that is not known. */
static struct monitor *make_monitor(void) {
    static struct monitor monitor;
    cluster = make_cluster();
    monitor = (struct monitor){
        .cluster = &cluster,
        .durable = { .term = 7, .writer = 0, .leaving = HOST_NONE, .last_writer = 0, .electable = 3, .surely = 3 },
        .granted_until = NOW + 4600,
        .serving = true,
        .transfer = { .from = HOST_NONE, .to = HOST_NONE },
        .stranger = { .address = -1 },
        .unheard = HOST_NONE,
    };
    for (int i = 0; i < ADDRESSES_MAX; i++)
        monitor.durable.placement[i] = HOST_NONE;
    monitor.durable.placement[0] = monitor.durable.placement[1] = 0;
    monitor.durable.hosts[0].since = WALL;
    monitor.durable.hosts[1] = (struct host_durable){
        .state = HOST_AWAITING_RECOVERY,
        .holds = HOLD_OWN_TRANSACTIONS,
        .hold_why = "has 3 transactions that db1 does not have: 0-12-40..42",
    };
    monitor.durable.hosts[2].state = HOST_HARD_OFFLINE;
    report_of(&monitor, 0);
    report_of(&monitor, 1);
    report_of(&monitor, 3);
    monitor.hosts[2].lag = -1;
    return &monitor;
}

static json_t *status_with(const struct monitor *monitor, const char *store_trouble) {
    char *text = status_encode(&(struct status_source){ .monitor = monitor,
                                                        .monitor_name = "mon1",
                                                        .store_trouble = store_trouble,
                                                        .server_start = { [3] = "systemctl start mariadb" },
                                                        .now = NOW,
                                                        .wall = WALL,
                                                        .since_wall = WALL - 5000 });
    assert_null(strchr(text, '\n'));
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    free(text);
    return root;
}

static json_t *status_of(const struct monitor *monitor) {
    return status_with(monitor, NULL);
}

static json_t *host_of(json_t *root, size_t host) {
    return json_array_get(json_object_get(root, "hosts"), host);
}

/* A part of the status as text. */
static void expect_part(json_t *object, const char *name, const char *expected) {
    json_t *value = json_object_get(object, name);
    if (!value)
        fail_msg("no field %s", name);
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text_equal(text, expected))
        fail_msg("%s is %s, not %s", name, text, expected);
    free(text);
}

static void the_status_has_the_documented_shape(void **state) {
    (void)state;
    json_t *root = status_of(make_monitor());
    expect_part(root, "cluster", "\"shop\"");
    expect_part(root, "mode", "\"active\"");
    expect_part(root, "mode_cause", "null");
    expect_part(root, "term", "7");
    expect_part(root, "writer", "\"db1\"");
    expect_part(root, "electable", "[\"db1\",\"db2\"]");
    expect_part(root, "transfer", "null");
    expect_part(root, "monitor",
                "{\"name\":\"mon1\",\"active\":true,\"since\":\"2026-11-22T06:59:55.123Z\",\"store_trouble\":null}");
    json_t *db1 = host_of(root, 0);
    expect_part(db1, "name", "\"db1\"");
    expect_part(db1, "address", "\"10.77.0.11\"");
    expect_part(db1, "mode", "\"master\"");
    expect_part(db1, "state", "\"ONLINE\"");
    expect_part(db1, "since", "\"2026-11-22T07:00:00.123Z\"");
    expect_part(db1, "agent", "\"reachable\"");
    expect_part(db1, "roles",
                "[{\"role\":\"writer\",\"address\":\"10.77.0.50\"},{\"role\":\"reader\",\"address\":\"10.77.0.51\"}]");
    expect_part(db1, "lease_ms", "4600");
    expect_part(db1, "writable", "true");
    expect_part(db1, "server", "{\"family\":\"mariadb\",\"version\":\"10.11.19\",\"up\":true,\"uptime_s\":123}");
    expect_part(db1, "replication", "null");
    expect_part(db1, "position", "{\"applied\":\"0-11-42\",\"received\":\"0-11-43\"}");
    expect_part(db1, "hold", "null");
    expect_part(db1, "trouble", "null");
    json_decref(root);
}

static void what_is_not_known_is_null_and_never_zero(void **state) {
    (void)state;
    json_t *root = status_of(make_monitor());
    json_t *db3 = host_of(root, 2);
    expect_part(db3, "agent", "\"unreachable\"");
    expect_part(db3, "since", "null");
    expect_part(db3, "lease_ms", "null");
    expect_part(db3, "writable", "null");
    expect_part(db3, "server", "{\"family\":null,\"version\":null,\"up\":null,\"uptime_s\":null}");
    expect_part(db3, "replication", "null");
    expect_part(db3, "position", "null");
    expect_part(host_of(root, 3), "replication",
                "{\"source\":\"db1\",\"receiving\":false,\"applying\":true,\"lag_ms\":null,\"delay_s\":0,\"error\":"
                "null,\"advice\":null}");
    json_t *check = json_array_get(json_object_get(root, "checks"), 0);
    expect_part(check, "host", "\"db1\"");
    expect_part(check, "ok", "null");
    expect_part(check, "since", "null");
    json_decref(root);
}

static void an_answer_of_long_ago_says_nothing_about_now(void **state) {
    (void)state;
    struct monitor *monitor = make_monitor();
    monitor->hosts[3].heard_at = NOW - SECONDS(600);
    monitor->hosts[3].lag = 0;
    monitor->hosts[3].outside_known = true;
    json_t *root = status_of(monitor), *db4 = host_of(root, 3);
    expect_part(db4, "agent", "\"unreachable\"");
    expect_part(db4, "writable", "null");
    expect_part(db4, "server", "{\"family\":\"mariadb\",\"version\":\"10.11.19\",\"up\":false,\"uptime_s\":null}");
    expect_part(db4, "replication", "null");
    expect_part(db4, "position", "{\"applied\":\"0-11-42\",\"received\":\"0-11-43\"}");
    json_decref(root);
}

static void a_server_that_is_silent_is_not_up(void **state) {
    (void)state;
    struct monitor *monitor = make_monitor();
    monitor->hosts[0].report.silent = SECONDS(3);
    monitor->hosts[3].report.process = PROCESS_EXITED;
    json_t *root = status_of(monitor);
    for (size_t host = 0; host <= 3; host += 3) {
        expect_part(json_object_get(host_of(root, host), "server"), "up", "false");
        expect_part(host_of(root, host), "writable", "null");
    }
    json_decref(root);
}

static void a_replication_error_is_shown_with_its_number_and_what_mends_it(void **state) {
    (void)state;
    struct monitor *monitor = make_monitor();
    struct replication *replication = &monitor->hosts[3].report.probe.replication;
    replication->error_number = 1062;
    TEXT_COPY(replication->error, "Duplicate entry '1'");
    replication->source_address = ip_of("192.0.2.1");
    monitor->hosts[3].lag = 1500;
    json_t *root = status_of(monitor);
    expect_part(
        host_of(root, 3), "replication",
        "{\"source\":\"192.0.2.1\",\"receiving\":false,\"applying\":true,\"lag_ms\":1500,\"delay_s\":0,"
        "\"error\":\"1062: Duplicate entry '1'\",\"advice\":\"it has a row that the writer does not have: its data"
        " differ, fill it anew from the writer\"}");
    json_decref(root);
}

static bool warns(const struct monitor *monitor, const char *words) {
    json_t *root = status_of(monitor);
    char *text = json_dumps(json_object_get(root, "warnings"), 0);
    bool found = strstr(text, words) != NULL;
    free(text);
    json_decref(root);
    return found;
}

static void what_became_of_a_fence_program_is_warned_of(void **state) {
    (void)state;
    struct monitor *monitor = make_monitor();
    assert_false(warns(monitor, "fence program"));
    monitor->fence = (struct fence_state){ .running = true, .request = { .host = 1, .asked = NOW - 2500 } };
    assert_true(warns(monitor, "the fence program of host db2 runs, for 2 s so far"));
    monitor->fence = (struct fence_state){ .alarm = true, .alarm_host = 1, .alarm_why = "exit status 3: no route" };
    assert_true(warns(monitor, "the fence program of host db2 failed: exit status 3: no route; "));
    monitor->fence = (struct fence_state){ .doubted = true, .done = { .host = 1 } };
    assert_true(warns(monitor, "the fence program of host db2 said that it has ended, and it goes on reporting"));
}

static void a_transfer_under_way_is_shown(void **state) {
    (void)state;
    struct monitor *monitor = make_monitor();
    monitor->durable.writer = HOST_NONE;
    monitor->durable.leaving = 0;
    monitor->transfer = (struct transfer){
        .phase = TRANSFER_RELEASE, .from = 0, .to = HOST_NONE, .started = NOW - 1200, .cause = "db1 does not answer"
    };
    json_t *root = status_of(monitor), *transfer = json_object_get(root, "transfer");
    expect_part(root, "writer", "null");
    expect_part(transfer, "from", "\"db1\"");
    expect_part(transfer, "to", "null");
    expect_part(transfer, "planned", "false");
    expect_part(transfer, "cause", "\"db1 does not answer\"");
    expect_part(transfer, "elapsed_ms", "1200");
    expect_part(host_of(root, 0), "lease_ms", "4600");
    json_decref(root);
}

static bool has_warning(const json_t *root, const char *sentence) {
    const json_t *list = json_object_get(root, "warnings");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (text_equal(json_string_value(json_array_get(list, i)), sentence))
            return true;
    return false;
}

static void expect_warning(const struct monitor *monitor, const char *sentence) {
    json_t *root = status_of(monitor);
    if (!has_warning(root, sentence))
        fail_msg("«%s» is not in %s", sentence, json_dumps(json_object_get(root, "warnings"), JSON_INDENT(1)));
    json_decref(root);
}

static void expect_no_warning(const struct monitor *monitor, const char *word) {
    json_t *root = status_of(monitor);
    char *text = json_dumps(json_object_get(root, "warnings"), 0);
    if (strstr(text, word))
        fail_msg("«%s» is in %s", word, text);
    free(text);
    json_decref(root);
}

static void warnings_say_what_is_wrong_and_what_to_do(void **state) {
    (void)state;
    struct monitor *monitor = make_monitor();
    expect_warning(monitor, "agent on host db3 is not reachable: not heard since this monitor started");
    expect_warning(monitor, "host db2 is held (own-transactions): has 3 transactions that db1 does not have: "
                            "0-12-40..42; when it may serve again: mmm set-online db2");
    monitor->hosts[3].heard_at = NOW - SECONDS(600);
    expect_warning(monitor, "agent on host db4 is not reachable: last heard 600 s ago");
    monitor->hosts[0].report.stranger = (struct stranger){ .address = 1, .mac = { { 2, 0, 0, 0, 0, 1 } } };
    expect_no_warning(monitor, "10.77.0.51"); /* that is db2: an address on its way */
    monitor->hosts[0].report.stranger.mac.bytes[0] = 0x52;
    expect_warning(monitor, "10.77.0.51 of role reader is also answered for by 52:00:00:00:00:01, which is no host "
                            "of this cluster; seen by host db1");
    monitor->unheard = 0;
    expect_warning(monitor,
                   "nobody hears db1, the writer, and nobody may replace it by itself: bring it back, or see to it "
                   "that its server or machine is stopped, and then: mmm set-offline --force db1");
    monitor->unheard = HOST_NONE;
    monitor->serving = false;
    expect_warning(monitor, "writer db1 does not serve, as far as is known");
    monitor->durable.writer = HOST_NONE;
    expect_warning(monitor, "there is no writer: db1 is ONLINE; db2 is AWAITING_RECOVERY, held");
    monitor->durable.mode = MONITOR_PASSIVE;
    expect_warning(monitor, "there is no writer: the monitor is in passive mode; mmm set-active ends it");
}

static void a_server_that_is_down_is_warned_of_with_what_starts_it(void **state) {
    (void)state;
    struct monitor *monitor = make_monitor();
    monitor->hosts[3].report.process = PROCESS_EXITED;
    monitor->hosts[0].report.process = PROCESS_ABSENT;
    expect_warning(monitor, "the server of host db4 is down; on db4: systemctl start mariadb");
    expect_warning(monitor, "the server of host db1 is down: start it");
    monitor->hosts[3].heard_at = NOW - SECONDS(600); /* that is old: nobody knows */
    expect_no_warning(monitor, "server of host db4");
    monitor->hosts[3].heard_at = NOW;
    monitor->durable.hosts[3].state = HOST_ADMIN_OFFLINE; /* whoever set it offline may have stopped it */
    expect_no_warning(monitor, "server of host db4");
}

static void a_cluster_that_is_well_warns_of_nothing(void **state) {
    (void)state;
    struct monitor *monitor = make_monitor();
    cluster.host_count = 1;
    cluster.roles[0].hosts = 1;
    cluster.durability = DURABILITY_ASYNCHRONOUS;
    monitor->durable.electable = 1;
    json_t *root = status_of(monitor);
    expect_part(root, "warnings", "[]");
    json_decref(root);
}

static void the_cause_of_passive_mode_is_shown(void **state) {
    (void)state;
    struct monitor *monitor = make_monitor();
    monitor->durable.mode = MONITOR_PASSIVE;
    TEXT_COPY(monitor->durable.passive_cause, "mmm set-passive by root");
    json_t *root = status_of(monitor);
    expect_part(root, "mode", "\"passive\"");
    expect_part(root, "mode_cause", "\"mmm set-passive by root\"");
    json_decref(root);
}

static void a_store_that_can_not_be_written_is_the_first_warning(void **state) {
    (void)state;
    json_t *root = status_with(make_monitor(), "/store: cannot save: database or disk is full");
    const char *first = json_string_value(json_array_get(json_object_get(root, "warnings"), 0));
    assert_non_null(first);
    assert_non_null(strstr(first, "decides nothing, because it can not write it down: /store: cannot save"));
    assert_non_null(strstr(first, "make room"));
    const char *trouble = json_string_value(json_object_get(json_object_get(root, "monitor"), "store_trouble"));
    assert_string_equal(trouble, "/store: cannot save: database or disk is full");
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_status_has_the_documented_shape),
        cmocka_unit_test(what_is_not_known_is_null_and_never_zero),
        cmocka_unit_test(an_answer_of_long_ago_says_nothing_about_now),
        cmocka_unit_test(a_server_that_is_silent_is_not_up),
        cmocka_unit_test(a_replication_error_is_shown_with_its_number_and_what_mends_it),
        cmocka_unit_test(what_became_of_a_fence_program_is_warned_of),
        cmocka_unit_test(a_transfer_under_way_is_shown),
        cmocka_unit_test(warnings_say_what_is_wrong_and_what_to_do),
        cmocka_unit_test(a_server_that_is_down_is_warned_of_with_what_starts_it),
        cmocka_unit_test(a_cluster_that_is_well_warns_of_nothing),
        cmocka_unit_test(the_cause_of_passive_mode_is_shown),
        cmocka_unit_test(a_store_that_can_not_be_written_is_the_first_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
