/* The writer role on its way: failover, switchover, and when nothing may move. */
#include "monitor_pieces.h"

static void a_killed_server_is_replaced_within_a_second(void **state) {
    (void)state;
    start_serving();
    uint64_t term = monitor.durable.term;
    kill_server_of(DB1);
    hear(DB1);
    assert_true(has_event("writer_lost"));
    assert_true(plan.save && plan.orders_set);
    assert_int_equal(plan.orders.term, term + 1);
    assert_int_equal(plan.orders.duty, DUTY_DRAIN);
    assert_true(turns_until_writer(DB2, SECONDS(1)));
    assert_int_equal(monitor.durable.term, term + 2);
}

static void standbys_drain_before_one_is_promoted(void **state) {
    (void)state;
    start_serving();
    obedient[DB2] = false;
    kill_server_of(DB1);
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    obedient[DB2] = true;
    assert_true(turns_until_writer(DB2, SECONDS(1)));
}

static void the_old_writer_of_a_failover_is_held(void **state) {
    (void)state;
    start_serving();
    kill_server_of(DB1);
    turns(SECONDS(3));
    obedient[DB1] = true;
    reports[DB1].process = PROCESS_RUNNING;
    reports[DB1].resigned = false;
    turns(SECONDS(200));
    assert_int_equal(monitor.durable.writer, DB2);
    assert_int_equal(monitor.durable.hosts[DB1].state, HOST_AWAITING_RECOVERY);
    assert_true(monitor.durable.hosts[DB1].holds & HOLD_LOST_WRITER);
    assert_string_not_equal(monitor.durable.hosts[DB1].hold_why, "");
}

/* Nobody acknowledges its commits, or its disk is full: fenced, it has more than all others, and cannot give it away.
 */
static void a_writer_that_does_not_commit_never_gets_the_role_back_for_what_it_alone_has(void **state) {
    (void)state;
    start_serving();
    assert_true(gtid_raise(&reports[DB1].probe.received, (struct gtid){ .server = 11, .sequence = 90 }));
    reports[DB1].canary_failing = cluster.health.answer_timeout + 1;
    hear(DB1);
    assert_true(has_event("writer_lost"));
    turns(cluster.health.answer_timeout - 200);
    assert_true(has_event("writer_fetches"));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    obedient[DB2] = false;
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.writer, DB2);
    hear(DB2);
    assert_int_equal(plan.orders.reach.count, 0); /* it has waited for that long enough */
    obedient[DB2] = true;
    assert_true(turns_until_writer(DB2, SECONDS(1)));
    turns(SECONDS(60));
    assert_int_equal(monitor.durable.writer, DB2);
    assert_true(monitor.durable.hosts[DB1].holds & HOLD_LOST_WRITER);
}

static void a_writer_that_does_not_commit_gets_the_role_back_when_nobody_else_can_have_it(void **state) {
    (void)state;
    start_serving();
    reports[DB1].canary_failing = cluster.health.answer_timeout + 1;
    hear(DB1);
    assert_true(has_event("writer_lost"));
    reports[DB1].canary_failing = 0;
    kill_server_of(DB2);
    assert_true(turns_until_writer(DB1, SECONDS(3)));
}

static void an_isolated_writer_is_replaced_only_after_its_lease_and_the_margin(void **state) {
    (void)state;
    start_serving();
    msec granted = monitor.granted_until;
    heard[DB1] = false;
    while (now < granted + cluster.lease.margin - 100) {
        turn();
        assert_int_not_equal(monitor.durable.writer, DB2);
    }
    assert_true(turns_until_writer(DB2, SECONDS(2)));
}

/* Its replicas lose it as well, and that must not cost them their right to follow it. */
static void an_isolated_writer_is_replaced_although_its_replicas_have_lost_it_too(void **state) {
    (void)state;
    start_serving();
    heard[DB1] = false;
    for (int i = DB2; i < HOSTS; i++) {
        obedient[i] = false;
        reports[i].probe.replication.receiving = THREAD_CONNECTING;
    }
    turns(SECONDS(4));
    assert_int_equal(monitor.durable.hosts[DB2].state, HOST_ONLINE);
    turns(SECONDS(4));
    obedient[DB2] = obedient[DB3] = true;
    assert_true(turns_until_writer(DB2, SECONDS(60)));
}

static void only_a_host_that_the_old_writer_surely_needed_replaces_it(void **state) {
    (void)state;
    start_serving();
    monitor.durable.surely = set_of(DB1);
    heard[DB1] = false;
    turns(SECONDS(60));
    assert_int_not_equal(monitor.durable.writer, DB2);
}

static void nothing_moves_while_a_peer_promises(void **state) {
    (void)state;
    start_serving();
    uint64_t term = monitor.durable.term;
    heard[DB1] = false;
    for (int i = 0; i < 300; i++) {
        if (i % 5 == 0)
            reports[DB2].promised_left = 5000;
        turn();
        reports[DB2].promised_left -= reports[DB2].promised_left > 100 ? 100 : 0;
    }
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.durable.term, term);
}

/* Asks and reports have the same period: each report finds as much of the promise left as the one before. */
static void a_promise_that_is_renewed_in_step_with_the_reports_is_seen(void **state) {
    (void)state;
    start_serving();
    uint64_t term = monitor.durable.term;
    heard[DB1] = heard[DB2] = heard[DB3] = false;
    obedient[DB2] = obedient[DB3] = false;
    for (int i = 0; i < 120; i++) {
        now += 500;
        reports[DB2].promised_left = 4800;
        hear(DB2);
        hear(DB3);
    }
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.durable.term, term);
}

/* Whoever starts acts as if it had promised, and has heard no writer. */
static void a_standby_that_restarts_does_not_vouch_for_the_writer(void **state) {
    (void)state;
    start_serving();
    heard[DB1] = false;
    turns(SECONDS(3));
    reports[DB2].incarnation++;
    reports[DB2].promised_left = 5000;
    turn();
    assert_int_equal(monitor.hosts[DB2].promised_at, 0);
}

static void move_writer_to(const char *host, bool dry_run) {
    struct command move = {
        .kind = COMMAND_MOVE_ROLE, .role = "writer", .dry_run = dry_run, .grace = GRACE_AS_CONFIGURED
    };
    TEXT_COPY(move.host, host);
    command(move);
}

static void a_switchover_goes_step_by_step(void **state) {
    (void)state;
    start_serving();
    reports[DB1].probe.applied = core_position("0-1-42");
    move_writer_to("db2", false);
    assert_int_equal(monitor.transfer.phase, TRANSFER_RELEASE);
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    hear(DB1);
    assert_int_equal(plan.orders.duty, DUTY_YIELD);
    assert_true(set_has(plan.orders.addresses, WRITER_ADDRESS));
    hear(DB2);
    assert_int_equal(plan.orders.duty, DUTY_STANDBY);
    do_as_told(DB1, &(struct orders){ .term = monitor.durable.term,
                                      .duty = DUTY_YIELD,
                                      .electable = 3,
                                      .addresses = set_of(WRITER_ADDRESS),
                                      .source = HOST_NONE });
    hear(DB1);
    assert_int_equal(monitor.durable.writer, DB2);
    hear(DB2);
    assert_int_equal(plan.orders.duty, DUTY_WRITER);
    struct gtid_position end = core_position("0-1-42");
    assert_true(gtid_equal(&plan.orders.reach, &end));
    assert_true(turns_until_writer(DB2, SECONDS(1)));
    assert_int_equal(reply.rc, RC_OK);
    turns(SECONDS(15));
    assert_int_equal(monitor.durable.hosts[DB1].state, HOST_ONLINE);
    assert_int_equal(monitor.durable.hosts[DB1].holds, 0);
}

static void a_demotion_that_fails_is_rolled_back(void **state) {
    (void)state;
    start_serving();
    move_writer_to("db2", false);
    obedient[DB1] = false;
    reports[DB1].term = monitor.durable.term;
    reports[DB1].writer = reports[DB1].fenced = false;
    turns(SECONDS(9));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    turns(SECONDS(2));
    assert_int_equal(monitor.durable.writer, DB1);
    obedient[DB1] = true;
    assert_true(turns_until_writer(DB1, SECONDS(2)));
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_true(has_event("switchover_rolled_back"));
    assert_int_equal(monitor.durable.hosts[DB1].holds, 0);
}

static void a_demotion_that_cannot_be_done_is_rolled_back_at_once(void **state) {
    (void)state;
    start_serving();
    move_writer_to("db2", false);
    obedient[DB1] = false;
    reports[DB1].term = monitor.durable.term;
    reports[DB1].writer = reports[DB1].fenced = false;
    TEXT_COPY(reports[DB1].trouble, "cannot fence the server: 3 commits wait");
    reports[DB1].task = TASK_FENCE;
    turn();
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    reports[DB1].task = TASK_NONE;
    hear(DB1);
    assert_int_equal(monitor.durable.writer, DB1);
    obedient[DB1] = true;
    assert_true(turns_until_writer(DB1, SECONDS(2)));
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_non_null(strstr(reply.text, "3 commits wait"));
    assert_non_null(strstr(reply.text, "--kill"));
}

static void report_transaction(msec age) {
    reports[DB1].probe.oldest = (struct transaction){ .age = age, .session = 17, .user = "app" };
    turn();
}

static void move_writer_with(msec grace, bool kill) {
    command(
        (struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2", .grace = grace, .kill = kill });
}

static void a_long_transaction_stops_a_switchover_when_its_grace_is_over(void **state) {
    (void)state;
    start_serving();
    uint64_t term = monitor.durable.term;
    report_transaction(SECONDS(40));
    move_writer_with(SECONDS(20), false);
    turns(SECONDS(19));
    assert_int_equal(monitor.transfer.phase, TRANSFER_CATCH_UP);
    turns(SECONDS(1));
    assert_int_equal(monitor.transfer.phase, TRANSFER_IDLE);
    assert_int_equal(monitor.durable.term, term);
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_non_null(strstr(reply.text, "session 17 of app"));
}

static void a_long_transaction_that_ends_in_its_grace_lets_the_role_go(void **state) {
    (void)state;
    start_serving();
    report_transaction(SECONDS(40));
    move_writer_with(GRACE_AS_CONFIGURED, false);
    turns(SECONDS(8));
    assert_int_equal(monitor.transfer.phase, TRANSFER_CATCH_UP);
    obedient[DB1] = false;
    report_transaction(0);
    hear(DB1);
    assert_int_equal(plan.orders.duty, DUTY_YIELD);
    assert_false(plan.orders.kill);
    obedient[DB1] = true;
    assert_true(turns_until_writer(DB2, SECONDS(2)));
}

static void a_long_transaction_is_ended_after_its_grace_on_demand_only(void **state) {
    (void)state;
    start_serving();
    report_transaction(SECONDS(40));
    move_writer_with(SECONDS(3), true);
    turns(2900);
    assert_int_equal(monitor.transfer.phase, TRANSFER_CATCH_UP);
    obedient[DB1] = false;
    while (monitor.transfer.phase == TRANSFER_CATCH_UP)
        turn();
    hear(DB1);
    assert_int_equal(plan.orders.duty, DUTY_YIELD);
    assert_true(plan.orders.kill);
    obedient[DB1] = true;
    assert_true(turns_until_writer(DB2, SECONDS(2)));
    assert_int_equal(reply.rc, RC_OK);
}

static void a_short_transaction_does_not_hold_a_switchover_up(void **state) {
    (void)state;
    start_serving();
    report_transaction(SECONDS(1));
    move_writer_with(SECONDS(20), false);
    assert_int_equal(monitor.transfer.phase, TRANSFER_RELEASE);
}

static void a_new_writer_that_does_not_come_up_loses_the_role_again(void **state) {
    (void)state;
    start_serving();
    move_writer_to("db2", false);
    obedient[DB2] = false;
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.writer, DB2);
    turns(SECONDS(8));
    assert_int_equal(monitor.durable.writer, DB2);
    assert_true(turns_until_writer(DB1, SECONDS(40)));
    assert_true(has_event("promotion_failed"));
    assert_int_equal(reply.rc, RC_REFUSED);
}

static void db2_is_stuck(int host, const struct orders *orders) {
    (void)orders;
    if (host != DB2)
        return;
    reports[DB2].draining_done = false;
    reports[DB2].probe.read_only = true;
}

/* ... until db1 has the role again. */
static msec time_without_a_writer(const char *received, const char *binlog) {
    start_serving();
    obeyed = db2_is_stuck;
    reports[DB1].probe.applied = reports[DB1].probe.received = reports[DB1].probe.binlog = core_position("0-11-40");
    reports[DB2].probe.received = core_position(received);
    reports[DB2].probe.binlog = core_position(binlog);
    msec began = now;
    move_writer_to("db2", false);
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.writer, DB2);
    assert_true(turns_until_writer(DB1, SECONDS(60)));
    assert_true(has_event("promotion_failed"));
    obeyed = NULL;
    return now - began;
}

static void a_target_that_failed_is_waited_for_only_if_it_may_have_what_the_old_writer_lacks(void **state) {
    (void)state;
    start_serving();
    msec limit = cluster.failover.switchover_timeout, waited = limit + cluster.failover.drain_timeout;
    assert_true(time_without_a_writer("0-11-40", "0-11-38") < limit + SECONDS(1));
    assert_true(time_without_a_writer("0-11-41", "0-11-38") > waited);
    assert_true(time_without_a_writer("0-11-40", "0-11-38,0-12-39") > waited);
}

static void a_switchover_whose_target_does_not_come_near_changes_nothing(void **state) {
    (void)state;
    start_serving();
    uint64_t term = monitor.durable.term;
    obedient[DB2] = false;
    reports[DB2].probe.heartbeat_seen = SECONDS(1700000000) + now - 5000;
    turn();
    move_writer_to("db2", false);
    assert_int_equal(monitor.transfer.phase, TRANSFER_CATCH_UP);
    for (msec end = now + SECONDS(12); now < end;) {
        reports[DB2].probe.heartbeat_seen = SECONDS(1700000000) + now - 5000;
        turn();
    }
    assert_int_equal(monitor.durable.term, term);
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(reply.rc, RC_REFUSED);
}

static void a_dry_run_changes_nothing(void **state) {
    (void)state;
    start_serving();
    static struct monitor before;
    before = monitor;
    move_writer_to("db2", true);
    assert_int_equal(reply.rc, RC_OK);
    assert_false(plan.save);
    assert_int_equal(plan.event_count, 0);
    assert_memory_equal(&before.durable, &monitor.durable, sizeof before.durable);
    assert_int_equal(monitor.transfer.phase, TRANSFER_IDLE);
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "reader", .host = "db2", .dry_run = true });
    assert_memory_equal(&before.durable, &monitor.durable, sizeof before.durable);
}

static void refused(struct command what, enum rc rc) {
    static struct monitor before;
    before = monitor;
    command(what);
    assert_int_equal(reply.rc, rc);
    assert_string_not_equal(reply.text, "");
    assert_memory_equal(&before.durable, &monitor.durable, sizeof before.durable);
    assert_int_equal(monitor.transfer.phase, before.transfer.phase);
}

static void commands_are_refused_with_a_reason(void **state) {
    (void)state;
    start_serving();
    refused((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db9" }, RC_NOT_FOUND);
    refused((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "wirter", .host = "db2" }, RC_NOT_FOUND);
    refused((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db3" }, RC_REFUSED);
    refused((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db9" }, RC_NOT_FOUND);
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db2" });
    refused((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2" }, RC_REFUSED);
    refused((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db1" }, RC_REFUSED);
    heard[DB2] = false;
    turns(SECONDS(6));
    refused((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2" }, RC_REFUSED);
    command((struct command){ .kind = COMMAND_SET_MODE, .mode = MONITOR_PASSIVE });
    refused((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2" }, RC_REFUSED);
}

static void a_second_command_does_not_disturb_a_switchover(void **state) {
    (void)state;
    start_serving();
    move_writer_to("db2", false);
    refused((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db1" }, RC_REFUSED);
    refused((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db2" }, RC_REFUSED);
    refused((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2" }, RC_OK);
    assert_true(turns_until_writer(DB2, SECONDS(2)));
}

static void setting_the_writer_offline_moves_the_role_first(void **state) {
    (void)state;
    start_serving();
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db1" });
    assert_true(turns_until_writer(DB2, SECONDS(2)));
    turn();
    assert_int_equal(monitor.durable.hosts[DB1].state, HOST_ADMIN_OFFLINE);
}

static void a_writer_that_dies_in_the_middle_of_a_switchover_is_failed_over(void **state) {
    (void)state;
    start_serving();
    move_writer_to("db2", false);
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(2)));
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_true(monitor.durable.hosts[DB1].holds & HOLD_LOST_WRITER);
}

static void in_passive_mode_nobody_is_replaced(void **state) {
    (void)state;
    start_serving();
    uint64_t term = monitor.durable.term;
    command((struct command){ .kind = COMMAND_SET_MODE, .mode = MONITOR_PASSIVE });
    kill_server_of(DB1);
    turns(SECONDS(60));
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.durable.term, term);
    assert_int_equal(monitor.durable.hosts[DB1].state, HOST_ONLINE);
}

static void in_manual_mode_the_writer_takes_the_role_again_when_it_is_back(void **state) {
    (void)state;
    start_serving();
    command((struct command){ .kind = COMMAND_SET_MODE, .mode = MONITOR_MANUAL });
    kill_server_of(DB1);
    turns(SECONDS(10));
    uint64_t term = monitor.durable.term;
    reports[DB1].process = PROCESS_RUNNING;
    turn();
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.durable.term, term + 1);
}

static void the_last_writer_comes_back_by_itself_when_nobody_took_over(void **state) {
    (void)state;
    start_serving();
    heard[DB2] = heard[DB3] = false;
    turns(SECONDS(7));
    kill_server_of(DB1);
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    reports[DB1].process = PROCESS_RUNNING;
    obedient[DB1] = true;
    assert_true(turns_until_writer(DB1, SECONDS(5)));
}

/* DESIGN.md §7. */
static void at_most_one_failover_in_the_failover_window(void **state) {
    (void)state;
    start_serving();
    cluster.failover.window = SECONDS(3600);
    cluster.hosts[DB3].mode = MODE_MASTER;
    cluster.roles[0].hosts |= set_of(DB3);
    cluster.roles[0].order[cluster.roles[0].order_count++] = DB3;
    turns(SECONDS(5));
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(2)));
    turns(SECONDS(15));
    kill_server_of(DB2);
    turns(SECONDS(60));
    assert_int_not_equal(monitor.durable.writer, DB3);
}

/* Its agent may be dead and its server not: until the lease has ended it acknowledges, and with asynchronous
 * replication a standby that has stopped receiving loses what it acknowledges. */
static void a_standby_that_still_receives_is_not_stopped_before_the_lease_has_ended(void **state) {
    (void)state;
    start_serving();
    msec granted = monitor.granted_until;
    heard[DB1] = false;
    obedient[DB2] = false;
    for (unsigned row = 1; now < granted - 200; row++) {
        struct gtid_position position = { .count = 1, .entries = { { .server = 1, .sequence = row } } };
        reports[DB2].probe.received = reports[DB2].probe.applied = position;
        now += 100;
        hear(DB2);
        assert_int_equal(plan.orders.duty, DUTY_STANDBY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_server_is_replaced_within_a_second),
        cmocka_unit_test(standbys_drain_before_one_is_promoted),
        cmocka_unit_test(the_old_writer_of_a_failover_is_held),
        cmocka_unit_test(a_writer_that_does_not_commit_never_gets_the_role_back_for_what_it_alone_has),
        cmocka_unit_test(a_writer_that_does_not_commit_gets_the_role_back_when_nobody_else_can_have_it),
        cmocka_unit_test(an_isolated_writer_is_replaced_only_after_its_lease_and_the_margin),
        cmocka_unit_test(an_isolated_writer_is_replaced_although_its_replicas_have_lost_it_too),
        cmocka_unit_test(only_a_host_that_the_old_writer_surely_needed_replaces_it),
        cmocka_unit_test(nothing_moves_while_a_peer_promises),
        cmocka_unit_test(a_promise_that_is_renewed_in_step_with_the_reports_is_seen),
        cmocka_unit_test(a_standby_that_restarts_does_not_vouch_for_the_writer),
        cmocka_unit_test(a_switchover_goes_step_by_step),
        cmocka_unit_test(a_demotion_that_fails_is_rolled_back),
        cmocka_unit_test(a_demotion_that_cannot_be_done_is_rolled_back_at_once),
        cmocka_unit_test(a_long_transaction_stops_a_switchover_when_its_grace_is_over),
        cmocka_unit_test(a_long_transaction_that_ends_in_its_grace_lets_the_role_go),
        cmocka_unit_test(a_long_transaction_is_ended_after_its_grace_on_demand_only),
        cmocka_unit_test(a_short_transaction_does_not_hold_a_switchover_up),
        cmocka_unit_test(a_new_writer_that_does_not_come_up_loses_the_role_again),
        cmocka_unit_test(a_switchover_whose_target_does_not_come_near_changes_nothing),
        cmocka_unit_test(a_target_that_failed_is_waited_for_only_if_it_may_have_what_the_old_writer_lacks),
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(commands_are_refused_with_a_reason),
        cmocka_unit_test(a_second_command_does_not_disturb_a_switchover),
        cmocka_unit_test(setting_the_writer_offline_moves_the_role_first),
        cmocka_unit_test(a_writer_that_dies_in_the_middle_of_a_switchover_is_failed_over),
        cmocka_unit_test(in_passive_mode_nobody_is_replaced),
        cmocka_unit_test(in_manual_mode_the_writer_takes_the_role_again_when_it_is_back),
        cmocka_unit_test(the_last_writer_comes_back_by_itself_when_nobody_took_over),
        cmocka_unit_test(a_standby_that_still_receives_is_not_stopped_before_the_lease_has_ended),
        cmocka_unit_test(at_most_one_failover_in_the_failover_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
