/* What the monitor thinks of each host: states, lag, own transactions, the electable set, addresses, nudges. */
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

/* ---- own transactions ---- */

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

/* ---- addresses ---- */

static void a_readers_address_is_not_given_while_the_old_host_may_still_have_it(void **state) {
    (void)state;
    start_serving();
    address_set had = reports[DB3].addresses;
    assert_true(had != 0);
    msec answered = monitor.hosts[DB3].answered_at;
    heard[DB3] = false;
    bool given = false;
    for (msec end = now + SECONDS(10); now < end && !given; turn())
        for (int i = 0; i < DB3; i++)
            if (monitor.hosts[i].sent.addresses & had) {
                given = true;
                assert_true(now >= answered + cluster.lease.length + cluster.lease.margin);
            }
    assert_true(given);
}

/* db1 lives on the promises of db2, which is chosen all the same and refuses: when it is given up again, db1 is by the
 * books neither the last writer nor the one that leaves. */
static void a_readers_address_of_a_writer_that_lives_on_promises_is_never_given_away(void **state) {
    (void)state;
    start_serving();
    heard[DB3] = false;
    turns(SECONDS(10));
    address_set had = reports[DB1].addresses & ~set_of(WRITER_ADDRESS);
    assert_true(had != 0);
    heard[DB1] = obedient[DB2] = false;
    reports[DB2].draining_done = true;
    for (msec end = now + SECONDS(90); now < end; turn()) {
        if (monitor.durable.term > reports[DB2].term)
            reports[DB2].promised_left = SECONDS(5) - now % 400;
        assert_int_equal(monitor.hosts[DB2].sent.addresses & had, 0);
    }
    assert_true(has_event("promotion_failed"));
    assert_int_not_equal(monitor.durable.last_writer, DB1);
    assert_int_not_equal(monitor.durable.leaving, DB1);
    reports[DB2].promised_left = 0;
    turns(SECONDS(6));
    assert_int_equal(monitor.hosts[DB2].sent.addresses & had, had);
}

/* mmm-sim, seed 31140: the agent of db1 is dead, and its kernel keeps the address until the promise of db2 is over, and
 * a moment longer.  db2 has taken the role by then, and tells of no promise any more. */
static void a_readers_address_never_leaves_a_silent_writer_before_the_margin_after_the_last_promise(void **state) {
    (void)state;
    start_serving();
    heard[DB3] = false;
    turns(SECONDS(10));
    address_set had = reports[DB1].addresses & ~set_of(WRITER_ADDRESS);
    assert_true(had != 0);
    heard[DB1] = obedient[DB2] = false;
    msec promised_until = now + SECONDS(12);
    for (; now < promised_until; turn())
        reports[DB2].promised_left = promised_until - now;
    msec over = now;
    reports[DB2].promised_left = 0;
    for (msec end = now + SECONDS(5); now < end && !(monitor.hosts[DB2].sent.addresses & had); turn())
        continue;
    assert_true(monitor.hosts[DB2].sent.addresses & had);
    assert_true(now - 100 >= over + cluster.lease.margin);
}

/* A standby that does not come to an end with what it has received keeps the election waiting: nobody has promised the
 * lost writer anything, and its other addresses are gone. */
static void the_readers_addresses_of_a_lost_writer_never_wait_for_the_election(void **state) {
    (void)state;
    start_serving();
    address_set had = reports[DB1].addresses & ~set_of(WRITER_ADDRESS);
    assert_true(had != 0);
    heard[DB1] = obedient[DB2] = false;
    turns(SECONDS(8));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_true(set_contains(reports[DB3].addresses | monitor.hosts[DB2].sent.addresses, had));
}

static void a_readers_address_moves_at_once_when_the_old_host_has_let_it_go(void **state) {
    (void)state;
    start_serving();
    address_set had = reports[DB3].addresses;
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db3" });
    turns(500);
    assert_int_equal(reports[DB3].addresses & had, 0);
    assert_true(set_contains(reports[DB1].addresses | reports[DB2].addresses, had));
}

/* mmm-sim, seed 37371: the next writer has not come to its end yet, and that takes as long as its lag. */
static void the_readers_addresses_of_an_old_writer_that_dies_never_wait_for_the_new_one(void **state) {
    (void)state;
    start_serving();
    address_set had = reports[DB1].addresses & ~set_of(WRITER_ADDRESS);
    assert_true(had != 0);
    command(
        (struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2", .grace = GRACE_AS_CONFIGURED });
    for (msec end = now + SECONDS(5); now < end && monitor.transfer.phase != TRANSFER_PROMOTE; turn())
        obedient[DB2] = monitor.durable.writer == DB1;
    assert_int_equal(monitor.transfer.phase, TRANSFER_PROMOTE);
    kill_server_of(DB1);
    turns(200);
    assert_int_equal(monitor.hosts[DB1].sent.addresses & had, 0);
    reports[DB1].addresses = 0;
    turns(500);
    assert_false(monitor.serving);
    assert_true(set_contains(reports[DB3].addresses | monitor.hosts[DB2].sent.addresses, had));
}

static void a_writer_that_lives_on_promises_never_keeps_back_what_it_was_not_given(void **state) {
    (void)state;
    start_serving();
    address_set had = reports[DB3].addresses;
    assert_true(had != 0);
    heard[DB1] = false;
    for (msec end = now + SECONDS(10); now < end; turn())
        reports[DB2].promised_left = SECONDS(5) - now % 400;
    kill_server_of(DB3);
    reports[DB3].addresses = 0;
    turns(500);
    assert_true(set_contains(reports[DB2].addresses, had));
}

/* ---- nudges ---- */

static void nobody_is_nudged_while_nothing_changes(void **state) {
    (void)state;
    start_serving();
    nudged = 0;
    turns(SECONDS(10));
    assert_int_equal(nudged, 0);
}

static void a_nudge_is_given_once_for_a_change(void **state) {
    (void)state;
    start_serving();
    heard[DB1] = heard[DB2] = heard[DB3] = false;
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db3" });
    assert_true(set_has(plan.nudge, DB3));
    now += 10;
    step((struct monitor_event){ .kind = MONITOR_TICK });
    assert_int_equal(plan.nudge, 0);
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
        cmocka_unit_test(a_broken_standby_is_electable_no_more_at_once),
        cmocka_unit_test(a_standby_that_is_back_is_electable_when_the_writer_has_acknowledged_it),
        cmocka_unit_test(a_writer_that_gets_the_role_back_unconfirmed_may_still_believe_that_it_is_alone),
        cmocka_unit_test(whoever_the_old_writer_never_needed_does_not_replace_one_that_only_refused),
        cmocka_unit_test(replicas_are_never_electable),
        cmocka_unit_test(a_host_that_flaps_is_held),
        cmocka_unit_test(a_host_that_was_away_for_long_is_held),
        cmocka_unit_test(a_deaf_monitor_judges_nobody),
        cmocka_unit_test(a_readers_address_is_not_given_while_the_old_host_may_still_have_it),
        cmocka_unit_test(a_readers_address_of_a_writer_that_lives_on_promises_is_never_given_away),
        cmocka_unit_test(a_readers_address_never_leaves_a_silent_writer_before_the_margin_after_the_last_promise),
        cmocka_unit_test(the_readers_addresses_of_a_lost_writer_never_wait_for_the_election),
        cmocka_unit_test(the_readers_addresses_of_an_old_writer_that_dies_never_wait_for_the_new_one),
        cmocka_unit_test(a_readers_address_moves_at_once_when_the_old_host_has_let_it_go),
        cmocka_unit_test(a_writer_that_lives_on_promises_never_keeps_back_what_it_was_not_given),
        cmocka_unit_test(nobody_is_nudged_while_nothing_changes),
        cmocka_unit_test(a_nudge_is_given_once_for_a_change),
        cmocka_unit_test(an_administrator_accepts_a_loss_only_by_force),
        cmocka_unit_test(no_force_replaces_a_writer_that_may_still_be_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
