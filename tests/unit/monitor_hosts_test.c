/* What the monitor thinks of each host: states, lag, the electable set. */
#include "monitor_pieces.h"

static enum host_state state_of(int host) {
    return monitor.durable.hosts[host].state;
}

static void a_replica_that_broke_loses_its_role_and_shows_why(void **state) {
    (void)state;
    start_serving();
    obedient[DB3] = false;
    reports[DB3].probe.replication.applying = THREAD_STOPPED;
    reports[DB3].probe.replication.error_number = 1062;
    TEXT_COPY(reports[DB3].probe.replication.error, "Duplicate entry");
    turn();
    assert_int_equal(state_of(DB3), HOST_REPLICATION_FAIL);
    assert_string_equal(monitor.hosts[DB3].checks[CHECK_REP_THREADS].message, "Duplicate entry");
    turns(1000);
    for (int i = 0; i < cluster.address_count; i++)
        assert_int_not_equal(monitor.durable.placement[i], DB3);
}

/* Scenario 19 on real servers: readers got wrong rows for health.settle after a failover. */
static void a_replica_that_cannot_apply_is_out_soon_after_a_change_of_writer_too(void **state) {
    (void)state;
    start_serving();
    monitor.serving_since = now - SECONDS(1);
    obedient[DB3] = false;
    struct replication *replication = &reports[DB3].probe.replication;
    replication->applying = THREAD_STOPPED;
    turns(SECONDS(3));
    assert_int_equal(monitor.durable.hosts[DB3].state, HOST_ONLINE); /* it may be about to be started */
    replication->apply_failed = true;
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.hosts[DB3].state, HOST_REPLICATION_FAIL);
}

static void connecting_is_not_replicating(void **state) {
    (void)state;
    start_serving();
    obedient[DB3] = false;
    reports[DB3].probe.replication.receiving = THREAD_CONNECTING;
    turns(SECONDS(3));
    assert_int_equal(state_of(DB3), HOST_REPLICATION_FAIL);
}

static void replicating_from_somebody_else_is_not_replicating(void **state) {
    (void)state;
    start_serving();
    obedient[DB3] = false;
    reports[DB3].probe.replication.source_address = cluster.hosts[DB2].address;
    turns(SECONDS(3));
    assert_int_equal(state_of(DB3), HOST_REPLICATION_FAIL);
}

static void a_late_replica_leaves_and_returns_with_a_gap_between(void **state) {
    (void)state;
    start_serving();
    obedient[DB3] = false;
    struct {
        msec lag;
        enum host_state want;
    } steps[] = {
        { 9000, HOST_ONLINE },
        { 12000, HOST_REPLICATION_DELAY },
        { 8000, HOST_REPLICATION_DELAY },
        { 4000, HOST_ONLINE },
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        for (int n = 0; n < 10; n++) {
            reports[DB3].probe.heartbeat_seen = SECONDS(1700000000) + now - steps[i].lag;
            turn();
        }
        assert_int_equal(state_of(DB3), steps[i].want);
    }
}

/* On a busy machine the writer's looks come late and two at a time. */
static void a_replica_is_not_late_by_a_newer_stamp_of_the_writer_alone(void **state) {
    (void)state;
    start_serving();
    cluster.health.lag_max = SECONDS(2);
    for (int n = 1; n <= 2; n++) {
        now += 10;
        reports[DB1].probe.heartbeat_seen += SECONDS(3);
        hear(DB1);
    }
    assert_int_equal(state_of(DB3), HOST_ONLINE);
    assert_true(monitor.hosts[DB3].lag < SECONDS(2));
    hear(DB3);
    assert_int_equal(state_of(DB3), HOST_REPLICATION_DELAY);
}

static void an_unknown_lag_is_not_zero(void **state) {
    (void)state;
    start_serving();
    obedient[DB3] = false;
    reports[DB3].probe.heartbeat_seen = 0;
    turn();
    assert_int_equal(monitor.hosts[DB3].lag, -1);
    assert_false(monitor.hosts[DB3].checks[CHECK_REP_BACKLOG].ok);
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db3" });
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db3" });
    turns(SECONDS(5));
    assert_int_not_equal(state_of(DB3), HOST_ONLINE);
}

static void a_switchover_does_not_start_towards_an_unknown_lag(void **state) {
    (void)state;
    start_serving();
    obedient[DB2] = false;
    reports[DB2].probe.heartbeat_seen = 0;
    turn();
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2" });
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer, DB1);
}

/* ---- the electable set ---- */

static void a_broken_standby_is_electable_no_more_at_once(void **state) {
    (void)state;
    start_serving();
    uint64_t term = monitor.durable.term;
    obedient[DB1] = false;
    heard[DB2] = false;
    turns(SECONDS(6));
    assert_int_equal(monitor.durable.electable, set_of(DB1));
    assert_int_equal(monitor.durable.surely, set_of(DB1));
    assert_true(monitor.durable.term > term);
}

static void a_standby_that_is_back_is_electable_when_the_writer_has_acknowledged_it(void **state) {
    (void)state;
    start_serving();
    heard[DB2] = false;
    turns(SECONDS(6));
    heard[DB2] = true;
    obedient[DB1] = false;
    turns(SECONDS(3));
    assert_int_equal(monitor.durable.electable, set_of(DB1) | set_of(DB2));
    assert_int_equal(monitor.durable.surely, set_of(DB1));
    obedient[DB1] = true;
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.surely, set_of(DB1) | set_of(DB2));
}

/* It has not obeyed since before the role was taken from it, so it may still live without anybody's promise. */
static void a_writer_that_gets_the_role_back_unconfirmed_may_still_believe_that_it_is_alone(void **state) {
    (void)state;
    start_serving();
    heard[DB2] = false;
    turns(SECONDS(6));
    heard[DB2] = true;
    obedient[DB1] = false;
    turns(SECONDS(3));
    assert_int_equal(monitor.durable.surely, set_of(DB1));
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2" });
    for (int i = 0; i < 10; i++) {
        reports[DB1].probe.heartbeat_seen = reports[DB2].probe.heartbeat_seen = SECONDS(1700000000) + now;
        turn();
    }
    assert_int_equal(monitor.durable.leaving, DB1);
    turns(cluster.failover.switchover_timeout - 500);
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.durable.electable, set_of(DB1) | set_of(DB2));
    assert_int_equal(monitor.durable.surely, set_of(DB1));
    heard[DB1] = false;
    turns(SECONDS(60));
    assert_int_not_equal(monitor.durable.writer, DB2);
}

/* db1 lives on the promise of db2 alone.  That db2 was chosen, refused for its word's sake, and says now that it is not
 * writer, ends no lease of db1; and db1 never needed the promise of db3. */
static void whoever_the_old_writer_never_needed_does_not_replace_one_that_only_refused(void **state) {
    (void)state;
    start_monitor(NULL);
    cluster.hosts[DB3].mode = MODE_MASTER;
    cluster.roles[0].hosts |= set_of(DB3);
    cluster.roles[0].order[cluster.roles[0].order_count++] = DB3;
    turns(SECONDS(30));
    heard[DB3] = false;
    turns(SECONDS(10));
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.durable.surely, set_of(DB1) | set_of(DB2));
    heard[DB1] = obedient[DB2] = false;
    heard[DB3] = true; /* it is back: the next writer would count on it */
    reports[DB2].draining_done = true;
    msec promised_until = 0;
    for (msec end = now + SECONDS(90); now < end && !has_event("promotion_failed"); turn()) {
        if (monitor.durable.writer != DB2)
            continue;
        promised_until = now + SECONDS(5); /* anew with each report, since it knows no later term */
        reports[DB2].promised_left = SECONDS(5);
    }
    assert_true(has_event("promotion_failed"));
    obedient[DB2] = true; /* its word does not forbid it to say that it is not writer */
    for (; now < promised_until - 200; turn()) {
        reports[DB2].promised_left = promised_until - now;
        assert_int_not_equal(monitor.durable.writer, DB3);
    }
}

static void replicas_are_never_electable(void **state) {
    (void)state;
    start_serving();
    assert_false(set_has(monitor.durable.electable | monitor.durable.surely, DB3));
}

/* ---- flapping and absence ---- */

static void go_and_return(int host) {
    heard[host] = false;
    turns(SECONDS(6));
    heard[host] = true;
    turns(SECONDS(3));
}

static void a_host_that_flaps_is_held(void **state) {
    (void)state;
    start_serving();
    for (int i = 0; i < 3; i++) {
        go_and_return(DB3);
        assert_int_equal(state_of(DB3), HOST_ONLINE);
    }
    go_and_return(DB3);
    assert_int_equal(state_of(DB3), HOST_AWAITING_RECOVERY);
    assert_true(monitor.durable.hosts[DB3].holds & HOLD_FLAPPING);
    turns(SECONDS(4000));
    assert_int_equal(state_of(DB3), HOST_AWAITING_RECOVERY);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db3" });
    turns(SECONDS(2));
    assert_int_equal(state_of(DB3), HOST_ONLINE);
}

static void flapping_is_seen_with_the_largest_count_too(void **state) {
    (void)state;
    start_serving();
    cluster.health.flap_count = DEPARTURES_MAX - 1; /* the most that the configuration takes */
    for (int i = 0; i < DEPARTURES_MAX - 1; i++) {
        go_and_return(DB3);
        assert_int_equal(state_of(DB3), HOST_ONLINE);
    }
    go_and_return(DB3);
    assert_true(monitor.durable.hosts[DB3].holds & HOLD_FLAPPING);
}

static void a_host_that_was_away_for_long_is_held(void **state) {
    (void)state;
    start_serving();
    heard[DB3] = false;
    turns(SECONDS(70));
    heard[DB3] = true;
    turns(SECONDS(3));
    assert_int_equal(state_of(DB3), HOST_AWAITING_RECOVERY);
    assert_true(monitor.durable.hosts[DB3].holds & HOLD_DOWN_LONG);
}

static void a_deaf_monitor_judges_nobody(void **state) {
    (void)state;
    start_serving();
    heard[DB1] = heard[DB2] = heard[DB3] = false;
    turns(SECONDS(60));
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(state_of(i), HOST_ONLINE);
    assert_int_equal(monitor.durable.writer, DB1);
}

/* db2 was held and so not electable when the writer died for good. */
static void without_a_candidate(void) {
    start_serving();
    monitor.durable.hosts[DB2].holds = HOLD_DOWN_LONG;
    turns(SECONDS(2));
    assert_int_equal(monitor.durable.electable, set_of(DB1));
    kill_server_of(DB1);
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_int_equal(monitor.durable.leaving, HOST_NONE);
}

static void an_administrator_accepts_a_loss_only_by_force(void **state) {
    (void)state;
    without_a_candidate();
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2" });
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_non_null(strstr(reply.text, "--force"));
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2", .force = true });
    assert_int_equal(reply.rc, RC_OK);
    assert_true(turns_until_writer(DB2, SECONDS(5)));
    assert_true(has_event("loss_accepted"));
}

static void no_force_replaces_a_writer_that_may_still_be_writing(void **state) {
    (void)state;
    without_a_candidate();
    monitor.durable.leaving = DB1;
    heard[DB1] = false;
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2", .force = true });
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_false(turns_until_writer(DB2, SECONDS(60)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replica_that_broke_loses_its_role_and_shows_why),
        cmocka_unit_test(a_replica_that_cannot_apply_is_out_soon_after_a_change_of_writer_too),
        cmocka_unit_test(connecting_is_not_replicating),
        cmocka_unit_test(replicating_from_somebody_else_is_not_replicating),
        cmocka_unit_test(a_late_replica_leaves_and_returns_with_a_gap_between),
        cmocka_unit_test(a_replica_is_not_late_by_a_newer_stamp_of_the_writer_alone),
        cmocka_unit_test(an_unknown_lag_is_not_zero),
        cmocka_unit_test(a_switchover_does_not_start_towards_an_unknown_lag),
        cmocka_unit_test(a_broken_standby_is_electable_no_more_at_once),
        cmocka_unit_test(a_standby_that_is_back_is_electable_when_the_writer_has_acknowledged_it),
        cmocka_unit_test(a_writer_that_gets_the_role_back_unconfirmed_may_still_believe_that_it_is_alone),
        cmocka_unit_test(whoever_the_old_writer_never_needed_does_not_replace_one_that_only_refused),
        cmocka_unit_test(replicas_are_never_electable),
        cmocka_unit_test(a_host_that_flaps_is_held),
        cmocka_unit_test(flapping_is_seen_with_the_largest_count_too),
        cmocka_unit_test(a_host_that_was_away_for_long_is_held),
        cmocka_unit_test(a_deaf_monitor_judges_nobody),
        cmocka_unit_test(an_administrator_accepts_a_loss_only_by_force),
        cmocka_unit_test(no_force_replaces_a_writer_that_may_still_be_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
