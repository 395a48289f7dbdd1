/* A writer that nobody could replace, and the administrator's word: set-offline --force, set-online --force. */
#include "monitor_pieces.h"

static enum host_state state_of(int host) {
    return monitor.durable.hosts[host].state;
}

static void set_offline_by_force(int host) {
    struct command order = { .kind = COMMAND_SET_OFFLINE, .force = true };
    TEXT_COPY(order.host, cluster.hosts[host].name);
    command(order);
}

static void set_online_by_force(int host) {
    struct command order = { .kind = COMMAND_SET_ONLINE, .force = true };
    TEXT_COPY(order.host, cluster.hosts[host].name);
    command(order);
}

/* As after every failover of a pair: db2 is held, and db1 is the only one in its electable set. */
static void start_alone(void) {
    start_serving();
    monitor.durable.hosts[DB2].holds = HOLD_DOWN_LONG;
    turns(SECONDS(2));
    assert_int_equal(monitor.durable.electable, set_of(DB1));
}

static void the_writer_s_machine_is_lost(void) {
    heard[DB1] = obedient[DB1] = false;
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, DB1);
}

static void a_writer_that_was_alone_and_is_gone_for_good_is_replaced_by_two_words(void **state) {
    (void)state;
    start_alone();
    the_writer_s_machine_is_lost();
    set_offline_by_force(DB1);
    assert_int_equal(reply.rc, RC_OK);
    assert_true(has_event("writer_given_up"));
    assert_int_equal(state_of(DB1), HOST_ADMIN_OFFLINE);
    assert_int_equal(monitor.durable.leaving, HOST_NONE);
    assert_false(turns_until_writer(DB2, SECONDS(20))); /* what db2 lacks is the second word's matter */
    set_online_by_force(DB2);
    assert_int_equal(reply.rc, RC_OK);
    assert_true(has_event("loss_accepted"));
    assert_true(turns_until_writer(DB2, SECONDS(5)));
}

static void a_writer_that_was_given_up_and_comes_back_is_no_writer(void **state) {
    (void)state;
    a_writer_that_was_alone_and_is_gone_for_good_is_replaced_by_two_words(state);
    heard[DB1] = true; /* with the lease that it gave itself */
    hear(DB1);
    assert_true(plan.orders_set);
    assert_int_equal(plan.orders.duty, DUTY_HELD);
    assert_true(plan.orders.term > reports[DB1].term);
    assert_int_equal(monitor.durable.mode, MONITOR_ACTIVE);
    obedient[DB1] = true;
    turns(SECONDS(2));
    assert_int_equal(monitor.durable.writer, DB2);
}

static void nobody_is_given_up_whose_agent_is_heard(void **state) {
    (void)state;
    start_alone();
    obedient[DB1] = false;
    heard[DB1] = false;
    turns(SECONDS(4)); /* late, and not yet silent */
    set_offline_by_force(DB1);
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_int_equal(monitor.durable.writer, DB1);
}

static void nobody_is_given_up_whose_server_answers_the_monitor(void **state) {
    (void)state;
    start_alone();
    the_writer_s_machine_is_lost();
    step((struct monitor_event){ .kind = MONITOR_CHECK, .host = DB1, .answers = true });
    set_offline_by_force(DB1);
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_non_null(strstr(reply.text, "answers"));
    assert_int_equal(monitor.durable.writer, DB1);
}

static void nobody_is_given_up_whom_a_replica_hears(void **state) {
    (void)state;
    start_alone();
    the_writer_s_machine_is_lost();
    reports[DB3].probe.received = core_position("0-11-4");
    hear(DB3);
    reports[DB3].probe.received = core_position("0-11-5");
    hear(DB3);
    set_offline_by_force(DB1);
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_int_equal(monitor.durable.writer, DB1);
}

static void nobody_is_given_up_by_a_monitor_that_may_itself_be_cut_off(void **state) {
    (void)state;
    start_alone();
    heard[DB2] = heard[DB3] = false;
    the_writer_s_machine_is_lost();
    assert_int_equal(monitor.unheard, HOST_NONE);
    set_offline_by_force(DB1);
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_int_equal(monitor.durable.writer, DB1);
}

static void it_is_told_once_that_nothing_but_a_word_ends_a_writer(void **state) {
    (void)state;
    start_alone();
    heard[DB1] = obedient[DB1] = false;
    turns(SECONDS(5));
    assert_int_equal(monitor.unheard, HOST_NONE); /* its lease may run yet */
    turns(SECONDS(1));
    assert_int_equal(monitor.unheard, DB1);
    assert_true(has_event("writer_unheard"));
    events[0] = 0;
    turns(SECONDS(20));
    assert_false(has_event("writer_unheard"));
    heard[DB1] = obedient[DB1] = true;
    turns(SECONDS(1));
    assert_int_equal(monitor.unheard, HOST_NONE);
}

static void a_failover_that_goes_on_by_itself_asks_for_no_word(void **state) {
    (void)state;
    start_serving();
    heard[DB1] = obedient[DB1] = false;
    assert_true(turns_until_writer(DB2, SECONDS(20)));
    turns(SECONDS(20));
    assert_false(has_event("writer_unheard"));
}

static void nobody_is_given_up_by_a_monitor_that_has_just_started(void **state) {
    (void)state;
    start_alone();
    the_writer_s_machine_is_lost();
    struct monitor_durable kept = monitor.durable;
    start_monitor(&kept);
    heard[DB1] = obedient[DB1] = false;
    turns(SECONDS(1));
    set_offline_by_force(DB1);
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_non_null(strstr(reply.text, "lease"));
    turns(SECONDS(6));
    set_offline_by_force(DB1);
    assert_int_equal(reply.rc, RC_OK);
}

static void a_writer_on_its_way_out_is_given_up_likewise(void **state) {
    (void)state;
    start_serving();
    heard[DB1] = obedient[DB1] = false;
    obedient[DB2] = false;
    monitor.durable.surely = set_of(DB1); /* db1 has not acknowledged db2 */
    turns(SECONDS(20));
    monitor.durable.writer = HOST_NONE;
    monitor.durable.leaving = DB1;
    monitor.durable.term++;
    monitor.serving = false;
    turns(SECONDS(2));
    set_online_by_force(DB2);
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_non_null(strstr(reply.text, "set-offline --force db1"));
    set_offline_by_force(DB1);
    assert_int_equal(reply.rc, RC_OK);
    assert_int_equal(monitor.durable.leaving, HOST_NONE);
    obedient[DB2] = true;
    set_online_by_force(DB2); /* in service, and no candidate */
    assert_int_equal(reply.rc, RC_OK);
    assert_true(turns_until_writer(DB2, SECONDS(5)));
}

static void a_writer_that_nobody_could_replace_is_stopped_only_by_force(void **state) {
    (void)state;
    start_alone();
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db1" });
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_int_equal(monitor.durable.writer, DB1);
    set_offline_by_force(DB1);
    assert_int_equal(reply.rc, RC_OK);
    assert_true(has_event("writer_stopped"));
    assert_int_equal(monitor.durable.leaving, DB1); /* until it says that it is fenced */
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_int_equal(monitor.durable.leaving, HOST_NONE);
    assert_true(reports[DB1].probe.read_only);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db1" });
    assert_int_equal(reply.rc, RC_OK);
    assert_true(turns_until_writer(DB1, SECONDS(5)));
}

static void force_takes_the_planned_way_where_there_is_one(void **state) {
    (void)state;
    start_serving();
    set_offline_by_force(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(5)));
    assert_int_equal(state_of(DB1), HOST_ADMIN_OFFLINE);
    assert_false(has_event("writer_given_up"));
    assert_false(has_event("host_held"));
}

static void no_role_moves_by_force(void **state) {
    (void)state;
    start_serving();
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2", .force = true });
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_int_equal(monitor.durable.writer, DB1);
}

static void nobody_is_given_up_in_passive_mode(void **state) {
    (void)state;
    start_alone();
    command((struct command){ .kind = COMMAND_SET_MODE, .mode = MONITOR_PASSIVE });
    the_writer_s_machine_is_lost();
    set_offline_by_force(DB1);
    assert_int_equal(reply.rc, RC_REFUSED);
    assert_int_equal(monitor.durable.writer, DB1);
}

static void force_gives_up_nothing_of_a_host_that_is_no_writer(void **state) {
    (void)state;
    start_serving();
    set_offline_by_force(DB3);
    assert_int_equal(reply.rc, RC_OK);
    assert_int_equal(monitor.durable.done_without, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_that_was_alone_and_is_gone_for_good_is_replaced_by_two_words),
        cmocka_unit_test(a_writer_that_was_given_up_and_comes_back_is_no_writer),
        cmocka_unit_test(nobody_is_given_up_whose_agent_is_heard),
        cmocka_unit_test(nobody_is_given_up_whose_server_answers_the_monitor),
        cmocka_unit_test(nobody_is_given_up_whom_a_replica_hears),
        cmocka_unit_test(nobody_is_given_up_by_a_monitor_that_may_itself_be_cut_off),
        cmocka_unit_test(it_is_told_once_that_nothing_but_a_word_ends_a_writer),
        cmocka_unit_test(a_failover_that_goes_on_by_itself_asks_for_no_word),
        cmocka_unit_test(nobody_is_given_up_by_a_monitor_that_has_just_started),
        cmocka_unit_test(a_writer_on_its_way_out_is_given_up_likewise),
        cmocka_unit_test(a_writer_that_nobody_could_replace_is_stopped_only_by_force),
        cmocka_unit_test(force_takes_the_planned_way_where_there_is_one),
        cmocka_unit_test(no_role_moves_by_force),
        cmocka_unit_test(nobody_is_given_up_in_passive_mode),
        cmocka_unit_test(force_gives_up_nothing_of_a_host_that_is_no_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
