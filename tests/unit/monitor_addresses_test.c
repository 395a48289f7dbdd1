/* Where readers' addresses are and when they may move, and whom the monitor nudges for it. */
#include "monitor_pieces.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_readers_address_is_not_given_while_the_old_host_may_still_have_it),
        cmocka_unit_test(a_readers_address_of_a_writer_that_lives_on_promises_is_never_given_away),
        cmocka_unit_test(a_readers_address_never_leaves_a_silent_writer_before_the_margin_after_the_last_promise),
        cmocka_unit_test(the_readers_addresses_of_a_lost_writer_never_wait_for_the_election),
        cmocka_unit_test(the_readers_addresses_of_an_old_writer_that_dies_never_wait_for_the_new_one),
        cmocka_unit_test(a_readers_address_moves_at_once_when_the_old_host_has_let_it_go),
        cmocka_unit_test(a_writer_that_lives_on_promises_never_keeps_back_what_it_was_not_given),
        cmocka_unit_test(nobody_is_nudged_while_nothing_changes),
        cmocka_unit_test(a_nudge_is_given_once_for_a_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
