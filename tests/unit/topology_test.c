/* Who is not like the others: masters with other replication filters, delayed replicas, replicas of replicas. */
#include "monitor_pieces.h"

#include "core/election/candidate.h"
#include "core/monitor/explain.h"
#include "core/transfer/source.h"
#include "model/filters.h"

/* ---- filters ---- */

static struct filters filters_of(const char *name, const char *value) {
    struct filters filters = { .known = true };
    filters_add(&filters, name, value);
    return filters;
}

static void lists_of_filters_are_the_same_in_any_order(void **state) {
    (void)state;
    struct filters a = filters_of("replicate_do_db", "shop,stock"), b = filters_of("REPLICATE_DO_DB", "stock,shop");
    filters_add(&a, "binlog_ignore_db", "tmp");
    struct filters c = filters_of("binlog_ignore_db", "tmp");
    filters_add(&c, "replicate_do_db", "stock,shop");
    assert_true(filters_differ(&a, &b));
    assert_false(filters_differ(&a, &c));
    assert_string_equal(a.text, "replicate_do_db=shop,stock; binlog_ignore_db=tmp");
}

static void filters_that_differ_are_never_taken_for_the_same(void **state) {
    (void)state;
    struct filters none = { .known = true }, unknown = { 0 }, empty = filters_of("replicate_do_db", "");
    struct filters one = filters_of("replicate_do_db", "a"), other = filters_of("replicate_do_db", "b");
    struct filters ignored = filters_of("replicate_ignore_db", "a"), both = filters_of("replicate_do_db", "a,b");
    struct filters there = filters_of("replicate_rewrite_db", "(a,b),(c,d)");
    struct filters crossed = filters_of("replicate_rewrite_db", "(a,d),(c,b)");
    assert_true(filters_differ(&none, &one));
    assert_true(filters_differ(&one, &other));
    assert_true(filters_differ(&one, &ignored));
    assert_true(filters_differ(&one, &both));
    assert_true(filters_differ(&there, &crossed));
    assert_false(filters_differ(&none, &empty));
    assert_false(filters_differ(&unknown, &one));
}

static void filters_longer_than_there_is_room_to_tell_still_count(void **state) {
    (void)state;
    char a[600] = "", b[600];
    for (int i = 0; i < 40; i++)
        text_append(a, sizeof a, "%stable_%d", i ? "," : "", i);
    TEXT_COPY(b, a);
    b[strlen(b) - 1] = '0';
    struct filters left = filters_of("replicate_do_table", a), right = filters_of("replicate_do_table", b);
    assert_string_equal(left.text, right.text);
    assert_true(filters_differ(&left, &right));
}

static void a_master_with_other_filters_never_takes_over(void **state) {
    (void)state;
    start_serving();
    reports[DB1].probe.filters = filters_of("replicate_do_db", "");
    reports[DB2].probe.filters = filters_of("replicate_do_db", "shop");
    turns(SECONDS(1));
    assert_true(has_event("filters_differ"));
    assert_false(set_has(monitor.durable.electable, DB2));
    assert_int_equal(monitor.durable.hosts[DB2].state, HOST_ONLINE);
    assert_false(monitor.hosts[DB2].checks[CHECK_FILTERS].ok);
    assert_string_equal(monitor.hosts[DB2].checks[CHECK_FILTERS].message, "db2 has replicate_do_db=shop, db1 has none");
    kill_server_of(DB1);
    assert_false(turns_until_writer(DB2, SECONDS(20)));

    reports[DB2].probe.filters = reports[DB1].probe.filters;
    turns(SECONDS(1));
    assert_true(has_event("filters_agree"));
    assert_int_not_equal(monitor.durable.writer, DB2); /* by itself: what it was told of what the filter kept is gone */
}

static void filters_of_a_dead_writer_are_not_forgotten_by_a_monitor_that_starts(void **state) {
    (void)state;
    start_serving();
    reports[DB1].probe.filters = filters_of("replicate_do_db", "");
    reports[DB2].probe.filters = filters_of("replicate_do_db", "shop");
    turns(SECONDS(1));
    kill_server_of(DB1);
    struct monitor_durable durable = monitor.durable;
    heard[DB1] = false;
    monitor_start(&monitor, &cluster, &durable, now, SECONDS(1700000000) + now);
    assert_false(turns_until_writer(DB2, SECONDS(30)));
}

static void nobody_is_first_writer_while_filters_differ(void **state) {
    (void)state;
    start_monitor(NULL);
    reports[DB1].probe.filters = filters_of("replicate_do_db", "");
    reports[DB2].probe.filters = filters_of("binlog_ignore_db", "shop");
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.last_writer, HOST_NONE);
    reports[DB2].probe.filters = reports[DB1].probe.filters;
    assert_true(turns_until_writer(DB1, SECONDS(20)));
}

static void explain_names_the_filters_of_both(void **state) {
    (void)state;
    start_serving();
    reports[DB1].probe.filters = filters_of("binlog_do_db", "shop");
    reports[DB2].probe.filters = filters_of("binlog_do_db", "");
    turns(SECONDS(1));
    static struct explain_room room;
    static struct explanation explanation;
    explain(&monitor, now, SECONDS(1700000000) + now, &room, &explanation);
    assert_int_equal(explanation.stories[0].chosen, HOST_NONE);
    assert_string_equal(explanation.stories[0].hosts[DB2].rule, "E16");
    assert_non_null(strstr(explanation.stories[0].hosts[DB2].why, "(db2 has none, db1 has binlog_do_db=shop)"));
}

/* ---- settings ---- */

static struct server_settings settings_of(const char *name, const char *value) {
    struct server_settings settings = { .known = true };
    settings_add(&settings, "log_bin", "ON");
    settings_add(&settings, name, value);
    return settings;
}

static void settings_are_told_only_when_they_are_unsafe(void **state) {
    (void)state;
    assert_int_equal(settings_of("sync_binlog", "1").unsafe, 0);
    assert_int_equal(settings_of("innodb_flush_log_at_trx_commit", "3").unsafe, 0);
    assert_int_equal(settings_of("sync_binlog", "100").unsafe, UNSAFE_CRASH);
    assert_int_equal(settings_of("log_replica_updates", "OFF").unsafe, UNSAFE_UNFOLLOWABLE);
    assert_int_equal(settings_of("max_connections", "0").unsafe, 0);
    assert_string_equal(settings_of("innodb_flush_log_at_trx_commit", "2").text, "innodb_flush_log_at_trx_commit=2");
}

static void a_standby_that_a_crash_makes_forget_is_not_counted_on_in_lossless_mode(void **state) {
    (void)state;
    start_serving();
    reports[DB2].probe.settings = settings_of("sync_binlog", "0");
    turns(SECONDS(1));
    assert_true(has_event("settings_unsafe"));
    assert_true(set_has(monitor.durable.electable, DB2)); /* asynchronous: a warning is enough */
    assert_false(monitor.hosts[DB2].checks[CHECK_SETTINGS].ok);
    cluster.durability = DURABILITY_LOSSLESS;
    turns(SECONDS(1));
    assert_false(set_has(monitor.durable.electable, DB2));
    kill_server_of(DB1);
    assert_false(turns_until_writer(DB2, SECONDS(20)));
    static struct explain_room room;
    static struct explanation explanation;
    explain(&monitor, now, SECONDS(1700000000) + now, &room, &explanation);
    assert_string_equal(explanation.stories[0].hosts[DB2].rule, "E26");
    assert_non_null(strstr(explanation.stories[0].hosts[DB2].why, "(sync_binlog=0)"));
}

static void a_master_that_nobody_could_follow_never_takes_over(void **state) {
    (void)state;
    start_serving();
    reports[DB2].probe.settings = settings_of("log_slave_updates", "OFF");
    turns(SECONDS(1));
    assert_false(set_has(monitor.durable.electable, DB2));
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .host = "db2", .role = "writer" });
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_non_null(strstr(reply.text, "E18"));
    kill_server_of(DB1);
    assert_false(turns_until_writer(DB2, SECONDS(20)));
}

/* ---- delayed ---- */

static int delayed = HOST_NONE;

static void keep_delay(int host, const struct orders *orders) {
    (void)orders;
    if (host == delayed)
        reports[host].probe.replication.delay_s = 3600;
    if (host == delayed)
        reports[host].probe.heartbeat_seen = SECONDS(1700000000) + now - SECONDS(3600);
}

static void start_delayed(int host) {
    delayed = host;
    obeyed = keep_delay;
    start_serving();
    turns(SECONDS(30));
    assert_true(sources_is_delayed(&monitor, host));
}

static int end_delayed(void **state) {
    (void)state;
    delayed = HOST_NONE;
    obeyed = NULL;
    return 0;
}

static bool has_reader(int host) {
    for (int i = READER_1; i <= READER_3; i++)
        if (monitor.durable.placement[i] == host)
            return true;
    return false;
}

static void a_delayed_replica_is_no_reader_and_its_lag_is_no_fault(void **state) {
    (void)state;
    start_delayed(DB3);
    assert_int_equal(monitor.durable.hosts[DB3].state, HOST_ONLINE);
    assert_true(monitor.hosts[DB3].lag > SECONDS(3000));
    assert_false(has_event("host_state"));
    assert_false(has_reader(DB3));
    assert_true(monitor.hosts[DB3].checks[CHECK_REP_BACKLOG].ok);
}

static void a_delayed_master_is_never_elected(void **state) {
    (void)state;
    start_delayed(DB2);
    assert_false(set_has(monitor.durable.electable, DB2));
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .host = "db2", .role = "writer" });
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_non_null(strstr(reply.text, "it is delayed on purpose (E17"));
    kill_server_of(DB1);
    assert_false(turns_until_writer(DB2, SECONDS(30)));
}

static void nobody_waits_for_a_delayed_replica_to_drain(void **state) {
    (void)state;
    start_delayed(DB3);
    kill_server_of(DB1);
    for (int i = 0; i < 50 && monitor.durable.writer != DB2; i++) {
        turn();
        assert_int_not_equal(monitor.hosts[DB3].sent.duty, DUTY_DRAIN);
    }
    assert_int_equal(monitor.durable.writer, DB2);
    assert_true(turns_until_writer(DB2, SECONDS(5)));
}

static void a_delayed_replica_follows_only_when_the_writer_has_all_that_it_received(void **state) {
    (void)state;
    start_delayed(DB3);
    reports[DB1].probe.binlog = reports[DB2].probe.binlog = core_position("0-11-40");
    reports[DB1].probe.received = reports[DB2].probe.received = core_position("0-11-40");
    reports[DB3].probe.binlog = core_position("0-11-10");
    reports[DB3].probe.received = core_position("0-11-42");
    obedient[DB3] = false;
    kill_server_of(DB1);
    for (msec end = now + SECONDS(20); now < end && !monitor.durable.hosts[DB3].holds; turn()) {
        reports[DB3].term = monitor.durable.term;
        assert_int_not_equal(monitor.hosts[DB3].sent.source, DB2);
    }
    assert_int_equal(monitor.durable.writer, DB2);
    assert_int_equal(monitor.durable.hosts[DB3].holds, HOLD_OWN_TRANSACTIONS);
    assert_non_null(strstr(monitor.durable.hosts[DB3].hold_why, "2 transactions"));
}

static void a_delayed_replica_that_lacks_nothing_follows_the_new_writer(void **state) {
    (void)state;
    start_delayed(DB3);
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(20)));
    turns(SECONDS(10));
    assert_int_equal(monitor.hosts[DB3].sent.source, DB2);
    assert_int_equal(monitor.durable.hosts[DB3].holds, 0);
    assert_true(sources_is_delayed(&monitor, DB3));
}

/* ---- chained: db1 is the only master, db3 replicates from db2 ---- */

static void start_chained(void) {
    start_monitor(NULL);
    cluster.hosts[DB2].mode = MODE_REPLICA;
    cluster.roles[0].hosts = set_of(DB1);
    cluster.roles[0].order_count = 1;
    turns(SECONDS(30));
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.hosts[DB3].sent.source, DB1);
    reports[DB3].probe.replication.source_address = cluster.hosts[DB2].address;
    turns(SECONDS(20));
    events[0] = 0;
}

static void a_replica_of_a_replica_is_left_alone_and_serves_readers(void **state) {
    (void)state;
    start_chained();
    assert_int_equal(monitor.hosts[DB3].sent.source, DB2);
    assert_int_equal(monitor.durable.hosts[DB3].state, HOST_ONLINE);
    assert_true(has_reader(DB3));
}

static void a_chain_outlives_a_short_restart_of_its_source_and_not_a_long_absence(void **state) {
    (void)state;
    start_chained();
    kill_server_of(DB2);
    turns(SECONDS(50));
    assert_int_equal(monitor.durable.hosts[DB2].state, HOST_HARD_OFFLINE);
    assert_int_equal(monitor.hosts[DB3].sent.source, DB2);
    assert_false(has_event("source_changed"));
    turns(SECONDS(20));
    assert_int_equal(monitor.hosts[DB3].sent.source, DB1);
    assert_true(has_event("source_changed"));
}

static void a_chained_replica_is_not_drained_while_its_source_lives(void **state) {
    (void)state;
    start_chained();
    kill_server_of(DB1);
    for (int i = 0; i < 50; i++) {
        turn();
        assert_int_not_equal(monitor.hosts[DB3].sent.duty, DUTY_DRAIN);
    }
    assert_int_equal(monitor.hosts[DB2].sent.duty, DUTY_DRAIN);
}

static void replicas_that_replicate_from_each_other_are_sent_to_the_writer(void **state) {
    (void)state;
    start_chained();
    obedient[DB2] = obedient[DB3] = false;
    reports[DB2].probe.replication.source_address = cluster.hosts[DB3].address;
    turns(SECONDS(1));
    assert_int_equal(monitor.hosts[DB2].sent.source, DB1);
    assert_int_equal(monitor.hosts[DB3].sent.source, DB1);
    assert_true(has_event("source_changed"));
}

static void a_replica_of_a_standby_master_is_sent_to_the_writer(void **state) {
    (void)state;
    start_serving();
    obedient[DB3] = false;
    reports[DB3].probe.replication.source_address = cluster.hosts[DB2].address;
    turns(SECONDS(1));
    assert_int_equal(monitor.hosts[DB3].sent.source, DB1);
}

static void every_row_of_the_table_of_sources_is_reached(void **state) {
    (void)state;
    size_t count;
    const struct source_row *table = source_table(&count);
    unsigned reached = 0;
    for (unsigned bits = 0; bits < 128; bits++) {
        struct source_facts facts = { bits & 1, bits & 2, bits & 4, bits & 8, bits & 16, bits & 32, bits & 64 };
        reached |= 1U << (source_decide(&facts) - table);
    }
    assert_int_equal(reached, (1U << count) - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_filters_are_the_same_in_any_order),
        cmocka_unit_test(filters_that_differ_are_never_taken_for_the_same),
        cmocka_unit_test(filters_longer_than_there_is_room_to_tell_still_count),
        cmocka_unit_test(a_master_with_other_filters_never_takes_over),
        cmocka_unit_test(filters_of_a_dead_writer_are_not_forgotten_by_a_monitor_that_starts),
        cmocka_unit_test(nobody_is_first_writer_while_filters_differ),
        cmocka_unit_test(explain_names_the_filters_of_both),
        cmocka_unit_test(settings_are_told_only_when_they_are_unsafe),
        cmocka_unit_test(a_standby_that_a_crash_makes_forget_is_not_counted_on_in_lossless_mode),
        cmocka_unit_test(a_master_that_nobody_could_follow_never_takes_over),
        cmocka_unit_test_teardown(a_delayed_replica_is_no_reader_and_its_lag_is_no_fault, end_delayed),
        cmocka_unit_test_teardown(a_delayed_master_is_never_elected, end_delayed),
        cmocka_unit_test_teardown(nobody_waits_for_a_delayed_replica_to_drain, end_delayed),
        cmocka_unit_test_teardown(a_delayed_replica_follows_only_when_the_writer_has_all_that_it_received, end_delayed),
        cmocka_unit_test_teardown(a_delayed_replica_that_lacks_nothing_follows_the_new_writer, end_delayed),
        cmocka_unit_test(a_replica_of_a_replica_is_left_alone_and_serves_readers),
        cmocka_unit_test(a_chain_outlives_a_short_restart_of_its_source_and_not_a_long_absence),
        cmocka_unit_test(a_chained_replica_is_not_drained_while_its_source_lives),
        cmocka_unit_test(replicas_that_replicate_from_each_other_are_sent_to_the_writer),
        cmocka_unit_test(a_replica_of_a_standby_master_is_sent_to_the_writer),
        cmocka_unit_test(every_row_of_the_table_of_sources_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
