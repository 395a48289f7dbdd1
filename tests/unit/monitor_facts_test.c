/* What an event tells of its host and of the cluster, beside why it happened. */
#include "monitor_pieces.h"

static bool knows(enum event_fact fact) {
    return set_has(noted.facts.known, (int)fact);
}

static int64_t value(enum event_fact fact) {
    assert_true(knows(fact));
    return noted.facts.values[fact];
}

static void an_event_tells_how_long_the_agent_was_silent(void **state) {
    (void)state;
    start_serving();
    watch("host_state");
    heard[DB3] = false;
    turns(SECONDS(7));
    assert_int_equal(noted.host, DB3);
    assert_in_range(value(FACT_AGENT_HEARD), cluster.lease.length, cluster.lease.length + SECONDS(1));
    assert_int_equal(value(FACT_SERVER), SERVER_RUNNING);
    assert_int_equal(value(FACT_STATE), HOST_HARD_OFFLINE);
    assert_int_equal(value(FACT_WRITER), DB1);
    assert_false(knows(FACT_SERVER_SILENT) || knows(FACT_OUTSIDE) || knows(FACT_TRANSFER) || knows(FACT_LEAVING));
}

static void the_loss_of_a_writer_tells_what_became_of_its_server_and_how_long_its_lease_may_run(void **state) {
    (void)state;
    start_serving();
    watch("writer_lost");
    step((struct monitor_event){ .kind = MONITOR_CHECK, .host = DB1, .answers = true });
    heard[DB1] = false;
    turns(SECONDS(8));
    assert_int_equal(noted.host, DB1);
    assert_true(value(FACT_AGENT_HEARD) > cluster.lease.length / 2);
    assert_true(value(FACT_OUTSIDE) && value(FACT_WRITABLE));
    assert_false(knows(FACT_WRITER) || knows(FACT_LEASE_LEFT)); /* it ended before */
    assert_int_equal(value(FACT_LEAVING), DB1);
    assert_int_equal(value(FACT_TRANSFER), 0);
    assert_int_equal(value(FACT_ELECTABLE), set_of(DB1) | set_of(DB2));

    start_serving();
    watch("writer_lost");
    kill_server_of(DB1);
    hear(DB1);
    assert_int_equal(value(FACT_AGENT_HEARD), 0);
    assert_int_equal(value(FACT_SERVER), SERVER_EXITED);
    assert_false(knows(FACT_LEAVING) || knows(FACT_LEASE_LEFT));

    start_serving();
    watch("writer_lost");
    reports[DB1].silent = reports[DB1].canary_failing = cluster.health.answer_timeout + 1;
    hear(DB1);
    assert_int_equal(value(FACT_SERVER), SERVER_SILENT);
    assert_int_equal(value(FACT_SERVER_SILENT), cluster.health.answer_timeout + 1);
    assert_in_range(value(FACT_LEASE_LEFT), cluster.lease.length - SECONDS(1), cluster.lease.length);
}

static void the_choice_of_a_writer_tells_what_it_had(void **state) {
    (void)state;
    start_serving();
    reports[DB2].probe.applied = core_position("0-11-42");
    reports[DB2].probe.received = core_position("0-11-45");
    watch("writer_chosen");
    kill_server_of(DB1);
    turns(SECONDS(3));
    assert_int_equal(noted.host, DB2);
    assert_string_equal(noted.facts.applied, "0-11-42");
    assert_string_equal(noted.facts.received, "0-11-45");
    assert_int_equal(value(FACT_UNAPPLIED), 3);
    assert_int_equal(value(FACT_WRITER), DB2);
    assert_in_range(value(FACT_TRANSFER), 0, SECONDS(1));
    assert_true(knows(FACT_APPLIED) && knows(FACT_RECEIVED) && !knows(FACT_LAG));
}

static void a_replica_that_is_late_tells_by_how_much(void **state) {
    (void)state;
    start_serving();
    watch("host_state");
    for (msec stamp = reports[DB3].probe.heartbeat_seen, end = now + SECONDS(20); now < end && !noted.rule[0];) {
        obedient[DB3] = false;
        reports[DB3].probe.heartbeat_seen = stamp;
        turn();
    }
    assert_int_equal(noted.host, DB3);
    assert_int_equal(value(FACT_STATE), HOST_REPLICATION_DELAY);
    assert_true(value(FACT_LAG) > cluster.health.lag_max);
}

static void a_hold_is_told_with_all_its_reasons(void **state) {
    (void)state;
    start_serving();
    monitor.durable.hosts[DB2].holds = HOLD_DOWN_LONG;
    watch("host_held");
    reports[DB2].crashes++;
    hear(DB2);
    assert_int_equal(noted.host, DB2);
    assert_int_equal(value(FACT_HOLDS), HOLD_DOWN_LONG | HOLD_UNCLEAN_RESTART);
}

static void of_a_host_that_was_never_heard_an_event_tells_only_what_the_store_knows(void **state) {
    (void)state;
    start_serving();
    struct monitor_durable durable = monitor.durable;
    start_monitor(&durable);
    heard[DB3] = false;
    watch("host_state");
    turns(SECONDS(8));
    assert_int_equal(noted.host, DB3);
    assert_int_equal(value(FACT_STATE), HOST_HARD_OFFLINE);
    static const enum event_fact unknown[] = { FACT_AGENT_HEARD, FACT_SERVER,   FACT_WRITABLE, FACT_LAG,
                                               FACT_APPLIED,     FACT_RECEIVED, FACT_UNAPPLIED };
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        assert_false(knows(unknown[i]));
}

static void an_event_of_no_host_tells_of_the_cluster(void **state) {
    (void)state;
    start_serving();
    watch("mode_changed");
    command((struct command){ .kind = COMMAND_SET_MODE, .mode = MONITOR_MANUAL });
    assert_int_equal(noted.host, HOST_NONE);
    assert_false(knows(FACT_STATE) || knows(FACT_AGENT_HEARD));
    assert_int_equal(value(FACT_WRITER), DB1);
    assert_in_range(value(FACT_LEASE_LEFT), 1, cluster.lease.length);
}

static void a_position_that_does_not_fit_says_so_and_ends_with_a_whole_number(void **state) {
    (void)state;
    start_serving();
    struct gtid_position *applied = &reports[DB2].probe.applied;
    for (uint32_t i = 0; i < GTID_ENTRIES_MAX; i++)
        assert_true(gtid_raise(applied, (struct gtid){ .domain = i, .server = 11, .sequence = UINT64_MAX }));
    reports[DB2].probe.received = *applied;
    watch("host_held");
    reports[DB2].crashes++;
    hear(DB2);
    size_t length = strlen(noted.facts.applied);
    assert_in_range(length, FACT_SIZE / 2, FACT_SIZE - 1);
    assert_string_equal(noted.facts.applied + length - strlen("-18446744073709551615,…"), "-18446744073709551615,…");
    assert_false(knows(FACT_RECEIVED));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_tells_how_long_the_agent_was_silent),
        cmocka_unit_test(the_loss_of_a_writer_tells_what_became_of_its_server_and_how_long_its_lease_may_run),
        cmocka_unit_test(the_choice_of_a_writer_tells_what_it_had),
        cmocka_unit_test(a_replica_that_is_late_tells_by_how_much),
        cmocka_unit_test(a_hold_is_told_with_all_its_reasons),
        cmocka_unit_test(of_a_host_that_was_never_heard_an_event_tells_only_what_the_store_knows),
        cmocka_unit_test(an_event_of_no_host_tells_of_the_cluster),
        cmocka_unit_test(a_position_that_does_not_fit_says_so_and_ends_with_a_whole_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
