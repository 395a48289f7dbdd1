/* Lossless mode with a store that was lost: nobody is known to have been writer, and the agents tell that somebody was.
 */
#include "monitor_pieces.h"

static void set_history(int host, uint64_t of_db1, uint64_t of_db2) {
    struct probe *probe = &reports[host].probe;
    probe->binlog.count = 0;
    if (of_db1)
        assert_true(gtid_raise(&probe->binlog, (struct gtid){ .server = 11, .sequence = of_db1 }));
    if (of_db2)
        assert_true(gtid_raise(&probe->binlog, (struct gtid){ .server = 12, .sequence = of_db2 }));
    probe->applied = probe->received = probe->binlog;
}

/* All have obeyed this term, and have the same: 148 transactions of db1's. */
static void start_with_a_lost_store(uint64_t term) {
    obeyed = NULL;
    start_monitor(NULL);
    cluster.durability = DURABILITY_LOSSLESS;
    for (int i = 0; i < HOSTS; i++) {
        reports[i].term = term;
        set_history(i, 148, 0);
    }
}

/* mmm-sim, seed 56919: db1 was cut off with two commits that nobody acknowledged, and db2 took over. */
static void start_diverged(uint64_t term) {
    start_with_a_lost_store(term);
    set_history(DB1, 150, 0);
    set_history(DB2, 148, 149);
}

static void two_masters_that_each_have_what_the_other_lacks_are_held_and_none_is_promoted(void **state) {
    (void)state;
    start_diverged(5);
    turns(SECONDS(60));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_int_equal(monitor.durable.last_writer, HOST_NONE);
    assert_non_null(strstr(monitor.durable.hosts[DB1].hold_why, "that db2 does not have: 0-11-"));
    assert_non_null(strstr(monitor.durable.hosts[DB2].hold_why, "that db1 does not have: 0-12-"));
    assert_false(saved_late);
}

static void one_of_them_becomes_writer_by_the_administrators_force_and_not_without_it(void **state) {
    (void)state;
    start_diverged(5);
    turns(SECONDS(20));
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2" });
    assert_non_null(strstr(reply.text, "mmm set-offline --force"));
    turns(SECONDS(60));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db1" });
    turns(SECONDS(60));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_true(monitor.durable.hosts[DB1].holds && monitor.durable.hosts[DB2].holds);
    assert_false(has_event("loss_accepted"));
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2", .force = true });
    assert_int_equal(reply.rc, RC_OK);
    assert_null(strstr(reply.text, "set-offline"));
    assert_true(has_event("loss_accepted"));
    assert_true(turns_until_writer(DB2, SECONDS(5)));
    assert_true(monitor.durable.hosts[DB1].holds & HOLD_OWN_TRANSACTIONS);
    assert_int_equal(monitor.durable.done_without, 0); /* what db1 has from now on is not given up */
}

/* By its settings nobody could follow db2, so it is no candidate; it may have been the writer all the same. */
static void a_master_that_cannot_be_chosen_is_compared_too(void **state) {
    (void)state;
    start_diverged(5);
    reports[DB2].probe.settings = (struct server_settings){ .known = true, .unsafe = UNSAFE_UNFOLLOWABLE };
    turns(SECONDS(60));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_true(monitor.durable.hosts[DB1].holds & monitor.durable.hosts[DB2].holds & HOLD_OWN_TRANSACTIONS);
}

/* One that is given up counts for nothing any more, as long as it stays out. */
static void one_of_them_becomes_writer_when_the_other_is_given_up(void **state) {
    (void)state;
    start_diverged(5);
    turns(SECONDS(20));
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db1", .force = true });
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2" });
    assert_true(turns_until_writer(DB2, SECONDS(5)));
    assert_int_equal(monitor.durable.done_without, set_of(DB1));
}

static void the_master_that_has_all_is_chosen_and_not_before_everybody_has_applied_what_it_received(void **state) {
    (void)state;
    start_with_a_lost_store(5);
    set_history(DB2, 148, 149);
    obedient[DB1] = false;
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_int_equal(monitor.transfer.phase, TRANSFER_DRAIN);
    obedient[DB1] = true;
    assert_true(turns_until_writer(DB2, SECONDS(5)));
    assert_int_equal(monitor.durable.hosts[DB1].holds, 0);
}

/* Where it ends is known when it has applied all; its agent gives up by itself when that takes too long. */
static void a_master_that_comes_back_late_is_waited_for_too_until_it_has_applied_what_it_received(void **state) {
    (void)state;
    start_with_a_lost_store(5);
    obedient[DB2] = false;
    turns(SECONDS(10));
    assert_int_equal(monitor.transfer.phase, TRANSFER_DRAIN);
    heard[DB2] = false;
    turns(SECONDS(60));
    heard[DB2] = true;
    turns(SECONDS(10));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    set_history(DB2, 148, 149);
    obedient[DB2] = true;
    assert_true(turns_until_writer(DB2, SECONDS(5)));
}

/* By its settings nobody could follow db2.  What it has may have been answered OK: that is not given up. */
static void what_a_master_that_cannot_be_chosen_has_is_never_passed_over(void **state) {
    (void)state;
    start_with_a_lost_store(5);
    reports[DB2].probe.settings = (struct server_settings){ .known = true, .unsafe = UNSAFE_UNFOLLOWABLE };
    set_history(DB2, 200, 0);
    turns(SECONDS(20));
    assert_int_equal(monitor.transfer.phase, TRANSFER_FETCH);
    assert_int_equal(monitor.transfer.to, DB1);
    assert_int_equal(monitor.transfer.fetch_from, DB2);
    turns(SECONDS(120));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    set_history(DB1, 200, 0);
    assert_true(turns_until_writer(DB1, SECONDS(5)));
}

static void what_a_replica_has_more_is_fetched_first_as_long_as_there_is_time(void **state) {
    (void)state;
    start_with_a_lost_store(5);
    set_history(DB3, 200, 0);
    turns(SECONDS(20));
    assert_int_equal(monitor.transfer.phase, TRANSFER_FETCH);
    assert_int_equal(monitor.transfer.fetch_from, DB3);
    assert_true(turns_until_writer(DB1, SECONDS(40)));
}

/* That somebody has opened a server by hand is no reason to choose it. */
static void a_server_that_is_writable_is_shut_first_and_never_chosen_past_one_that_has_more(void **state) {
    (void)state;
    start_with_a_lost_store(5);
    set_history(DB2, 148, 149);
    reports[DB1].probe.read_only = reports[DB1].fenced = false;
    obedient[DB1] = false;
    turns(SECONDS(60)); /* until after the time for applying, too */
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_int_equal(monitor.durable.mode, MONITOR_ACTIVE);
    obedient[DB1] = true;
    assert_true(turns_until_writer(DB2, SECONDS(5)));
}

static void a_new_cluster_starts_by_itself_whatever_its_servers_have_of_their_own(void **state) {
    (void)state;
    start_diverged(0);
    assert_true(turns_until_writer(DB1, SECONDS(8)));
}

/* There nobody ever waits for what somebody may have. */
static void in_asynchronous_mode_a_lost_store_holds_nobody(void **state) {
    (void)state;
    start_diverged(5);
    cluster.durability = DURABILITY_ASYNCHRONOUS;
    assert_true(turns_until_writer(DB1, SECONDS(8)));
}

static void apply_nothing(int host, const struct orders *orders) {
    if (host == DB1 && orders->duty == DUTY_DRAIN)
        reports[host].draining_done = false;
}

static void readers_are_served_while_standbys_apply_what_they_have(void **state) {
    (void)state;
    start_with_a_lost_store(5);
    obeyed = apply_nothing;
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    for (int i = 0; i < HOSTS; i++)
        assert_int_equal(set_count(reports[i].addresses), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_masters_that_each_have_what_the_other_lacks_are_held_and_none_is_promoted),
        cmocka_unit_test(one_of_them_becomes_writer_by_the_administrators_force_and_not_without_it),
        cmocka_unit_test(a_master_that_cannot_be_chosen_is_compared_too),
        cmocka_unit_test(one_of_them_becomes_writer_when_the_other_is_given_up),
        cmocka_unit_test(the_master_that_has_all_is_chosen_and_not_before_everybody_has_applied_what_it_received),
        cmocka_unit_test(a_master_that_comes_back_late_is_waited_for_too_until_it_has_applied_what_it_received),
        cmocka_unit_test(what_a_master_that_cannot_be_chosen_has_is_never_passed_over),
        cmocka_unit_test(what_a_replica_has_more_is_fetched_first_as_long_as_there_is_time),
        cmocka_unit_test(a_server_that_is_writable_is_shut_first_and_never_chosen_past_one_that_has_more),
        cmocka_unit_test(a_new_cluster_starts_by_itself_whatever_its_servers_have_of_their_own),
        cmocka_unit_test(in_asynchronous_mode_a_lost_store_holds_nobody),
        cmocka_unit_test(readers_are_served_while_standbys_apply_what_they_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
