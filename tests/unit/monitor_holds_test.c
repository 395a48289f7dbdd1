/* Holds: what a host has of its own, a server that did not stop in order, and what ends them. */
#include "monitor_pieces.h"

static enum host_state state_of(int host) {
    return monitor.durable.hosts[host].state;
}

/* An agent that has just started reports before its server has answered the first look. */
static void a_writer_whose_agent_knows_nothing_yet_never_gets_others_held(void **state) {
    (void)state;
    start_serving();
    struct gtid_position position = { .count = 1, .entries = { { .domain = 0, .server = 11, .sequence = 25 } } };
    for (int i = 0; i < HOSTS; i++)
        reports[i].probe.binlog = position;
    turns(SECONDS(1));
    reports[DB1].incarnation = 8;
    struct probe known = reports[DB1].probe;
    reports[DB1].probe = (struct probe){ .answered = false };
    obedient[DB1] = false; /* or it would know something */
    turns(SECONDS(3));     /* as long as a comparison may be due */
    reports[DB1].probe = known;
    turns(SECONDS(3));
    for (int i = 0; i < HOSTS; i++)
        assert_false(monitor.durable.hosts[i].holds & HOLD_OWN_TRANSACTIONS);
}

/* Its report is newer than the writer's, and what it received since counts for its own otherwise. */
static void a_host_that_replicates_under_load_is_set_online(void **state) {
    (void)state;
    start_serving();
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db3" });
    turns(SECONDS(2));
    reports[DB1].probe.binlog = core_position("0-1-40");
    hear(DB1);
    reports[DB3].probe.binlog = core_position("0-1-52");
    hear(DB3);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db3" });
    assert_int_equal(reply.rc, RC_OK);
}

/* Chaos, seed 38: after a crash nothing had been compared yet, and the writer's transactions of the moment were told to
 * be the host's own, which an administrator fills anew for. */
static void a_host_under_load_is_compared_before_set_online_is_answered(void **state) {
    (void)state;
    start_serving();
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db3" });
    reports[DB3].crashes++;
    turns(SECONDS(1));
    reports[DB1].probe.binlog = core_position("0-1-40");
    hear(DB1);
    reports[DB3].probe.binlog = core_position("0-1-52");
    hear(DB3);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db3" });
    assert_int_equal(reply.id, 0);
    reports[DB1].probe.binlog = core_position("0-1-60");
    turns(SECONDS(4));
    assert_int_not_equal(reply.id, 0);
    assert_int_equal(reply.rc, RC_OK);
}

static void what_a_host_has_of_its_own_is_refused_however_long_the_comparison_takes(void **state) {
    (void)state;
    start_serving();
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db3" });
    reports[DB3].crashes++;
    turns(SECONDS(1));
    reports[DB1].probe.binlog = core_position("0-1-40");
    hear(DB1);
    reports[DB3].probe.binlog = core_position("0-1-40,0-3-41");
    hear(DB3);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db3" });
    assert_int_equal(reply.id, 0);
    reports[DB1].task = TASK_OPEN; /* as long as that takes nothing is compared */
    turns(SECONDS(6));
    assert_int_not_equal(reply.id, 0);
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_non_null(strstr(reply.text, "0-3-"));
}

static void crash_and_come_back(int host) {
    reports[host].crashes++;
    turns(1000);
    assert_true(monitor.durable.hosts[host].holds & HOLD_UNCLEAN_RESTART);
    assert_int_equal(state_of(host), HOST_AWAITING_RECOVERY);
}

static void a_standby_whose_server_crashed_is_not_electable_before_it_is_compared(void **state) {
    (void)state;
    start_serving();
    crash_and_come_back(DB2);
    assert_false(set_has(monitor.durable.electable, DB2));
    turns(SECONDS(10));
    assert_true(has_event("host_verified"));
    assert_int_equal(state_of(DB2), HOST_ONLINE);
}

static void a_crashed_standby_with_transactions_of_its_own_stays_held(void **state) {
    (void)state;
    start_serving();
    reports[DB1].probe.binlog = core_position("0-1-40");
    reports[DB2].probe.binlog = core_position("0-1-40,0-2-41");
    crash_and_come_back(DB2);
    turns(SECONDS(20));
    assert_int_equal(state_of(DB2), HOST_AWAITING_RECOVERY);
    assert_true(monitor.durable.hosts[DB2].holds & HOLD_OWN_TRANSACTIONS);
    assert_false(has_event("host_verified"));
}

static void a_crash_that_an_earlier_run_of_the_agent_saw_holds_nobody_again(void **state) {
    (void)state;
    start_serving();
    crash_and_come_back(DB2);
    turns(SECONDS(10));
    reports[DB2].incarnation++;
    reports[DB2].crashes = 7;
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.hosts[DB2].holds, 0);
}

static void lose_db1_and_bring_it_back(void) {
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(10)));
    reports[DB1].process = PROCESS_RUNNING;
    reports[DB1].resigned = false;
    reports[DB1].probe.read_only = true;
    obedient[DB1] = true;
    turns(SECONDS(20));
}

static void an_old_writer_waits_for_the_administrator_however_clean_it_is(void **state) {
    (void)state;
    start_serving();
    lose_db1_and_bring_it_back();
    assert_int_equal(state_of(DB1), HOST_AWAITING_RECOVERY);
    assert_int_equal(monitor.durable.hosts[DB1].holds, HOLD_LOST_WRITER);
}

static void with_recovery_verified_a_clean_old_writer_comes_back_by_itself(void **state) {
    (void)state;
    start_serving();
    cluster.health.recovery = RECOVERY_VERIFIED;
    lose_db1_and_bring_it_back();
    assert_true(has_event("host_verified"));
    assert_int_equal(state_of(DB1), HOST_ONLINE);
    assert_int_equal(monitor.durable.writer, DB2);
}

static void with_recovery_verified_a_dirty_old_writer_stays_held(void **state) {
    (void)state;
    start_serving();
    cluster.health.recovery = RECOVERY_VERIFIED;
    reports[DB1].probe.binlog = core_position("0-1-41");
    reports[DB2].probe.binlog = core_position("0-1-40");
    lose_db1_and_bring_it_back();
    assert_int_equal(state_of(DB1), HOST_AWAITING_RECOVERY);
    assert_true(monitor.durable.hosts[DB1].holds & HOLD_OWN_TRANSACTIONS);
}

static void with_recovery_verified_a_flapping_host_stays_held(void **state) {
    (void)state;
    start_serving();
    cluster.health.recovery = RECOVERY_VERIFIED;
    monitor.durable.hosts[DB2].holds = HOLD_FLAPPING;
    turns(SECONDS(20));
    assert_int_equal(state_of(DB2), HOST_AWAITING_RECOVERY);
}

static void own_transactions_are_detected_and_listed(void **state) {
    (void)state;
    start_serving();
    reports[DB1].probe.binlog = core_position("0-1-40");
    reports[DB3].probe.binlog = core_position("0-1-40,0-3-41");
    turns(SECONDS(6));
    assert_true(monitor.durable.hosts[DB3].holds & HOLD_OWN_TRANSACTIONS);
    assert_non_null(strstr(monitor.durable.hosts[DB3].hold_why, "0-3-"));
    assert_int_equal(state_of(DB3), HOST_AWAITING_RECOVERY);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db3" });
    assert_int_equal(reply.rc, RC_REFUSED);
}

/* A replica's report may be newer than the writer's: it has what the writer wrote in between. */
static void the_race_of_two_reports_is_no_false_alarm(void **state) {
    (void)state;
    start_serving();
    for (unsigned n = 1; n < 100; n++) {
        struct gtid_position newer = { .count = 1, .entries = { { .server = 1, .sequence = n * 100 } } };
        struct gtid_position older = { .count = 1, .entries = { { .server = 1, .sequence = n * 100 - 60 } } };
        reports[DB1].probe.binlog = older;
        reports[DB2].probe.binlog = reports[DB3].probe.binlog = newer;
        turns(500);
        assert_int_equal(monitor.durable.hosts[DB3].holds, 0);
    }
}

/* MySQL: a commit that waits for an acknowledgement is not in gtid_executed, and replicas have received and applied it.
 * The last look before it comes through may find the position of before, and nobody waiting any more. */
static void what_waits_at_the_writer_for_an_acknowledgement_is_nobody_elses_own(void **state) {
    (void)state;
    start_serving();
    reports[DB1].probe.binlog = core_position("0-1-40");
    reports[DB3].probe.binlog = core_position("0-1-43");
    reports[DB1].unacknowledged = 1;
    for (int i = 0; i < 60; i++) {
        turns(100);
        reports[DB1].unacknowledged += 100;
    }
    reports[DB1].unacknowledged = 0;
    turns(500);
    assert_int_equal(monitor.durable.hosts[DB3].holds, 0);
    reports[DB1].probe.binlog = reports[DB3].probe.binlog;
    turns(SECONDS(6));
    assert_int_equal(monitor.durable.hosts[DB3].holds, 0);
}

/* The same for a writer that cannot commit at all: what replicas have may be in its binary log and no further. */
static void what_a_writer_does_not_get_committed_is_nobody_elses_own(void **state) {
    (void)state;
    start_serving();
    reports[DB1].probe.binlog = core_position("0-1-40");
    reports[DB3].probe.binlog = core_position("0-1-43");
    cluster.health.answer_timeout = SECONDS(10);
    for (reports[DB1].canary_failing = 1; reports[DB1].canary_failing < cluster.health.answer_timeout;
         reports[DB1].canary_failing += 100) {
        turns(100);
        assert_int_equal(monitor.durable.hosts[DB3].holds, 0);
    }
}

/* A writer that answers and cannot be asked where it is keeps what was read before. */
static void what_a_writer_had_at_an_earlier_look_makes_nothing_anybody_elses_own(void **state) {
    (void)state;
    start_serving();
    reports[DB1].probe.binlog = core_position("0-1-40");
    reports[DB3].probe.binlog = core_position("0-1-43");
    reports[DB1].probe.kept = true;
    turns(SECONDS(6));
    assert_int_equal(monitor.durable.hosts[DB3].holds, 0);
}

/* ADMIN_OFFLINE hosts go on replicating: theirs is often the newer report. */
static void what_the_writer_has_written_since_its_report_is_nobody_elses_own(void **state) {
    (void)state;
    start_serving();
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db2" });
    assert_int_equal(reply.rc, RC_OK);
    for (unsigned n = 1; n < 60; n++) {
        reports[DB1].probe.binlog =
            (struct gtid_position){ .count = 1, .entries = { { .server = 1, .sequence = n * 100 - 60 } } };
        reports[DB2].probe.binlog =
            (struct gtid_position){ .count = 1, .entries = { { .server = 1, .sequence = n * 100 } } };
        turn();
    }
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2" });
    assert_int_equal(reply.rc, RC_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_whose_agent_knows_nothing_yet_never_gets_others_held),
        cmocka_unit_test(a_host_that_replicates_under_load_is_set_online),
        cmocka_unit_test(a_host_under_load_is_compared_before_set_online_is_answered),
        cmocka_unit_test(what_a_host_has_of_its_own_is_refused_however_long_the_comparison_takes),
        cmocka_unit_test(a_standby_whose_server_crashed_is_not_electable_before_it_is_compared),
        cmocka_unit_test(a_crashed_standby_with_transactions_of_its_own_stays_held),
        cmocka_unit_test(a_crash_that_an_earlier_run_of_the_agent_saw_holds_nobody_again),
        cmocka_unit_test(an_old_writer_waits_for_the_administrator_however_clean_it_is),
        cmocka_unit_test(with_recovery_verified_a_clean_old_writer_comes_back_by_itself),
        cmocka_unit_test(with_recovery_verified_a_dirty_old_writer_stays_held),
        cmocka_unit_test(with_recovery_verified_a_flapping_host_stays_held),
        cmocka_unit_test(own_transactions_are_detected_and_listed),
        cmocka_unit_test(the_race_of_two_reports_is_no_false_alarm),
        cmocka_unit_test(what_waits_at_the_writer_for_an_acknowledgement_is_nobody_elses_own),
        cmocka_unit_test(what_a_writer_does_not_get_committed_is_nobody_elses_own),
        cmocka_unit_test(what_a_writer_had_at_an_earlier_look_makes_nothing_anybody_elses_own),
        cmocka_unit_test(what_the_writer_has_written_since_its_report_is_nobody_elses_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
