/* `mmm explain`: what it tells comes true when the story is then played by the monitor itself, and asking changes
 * nothing. */
#include "monitor_pieces.h"

#include "core/monitor/explain.h"

static struct explain_room room;
static struct explanation told;

static void ask(void) {
    static struct monitor before;
    before = monitor;
    explain(&monitor, now, SECONDS(1700000000) + now, &room, &told);
    assert_memory_equal(&before, &monitor, sizeof monitor);
}

static const struct explained_story *story(enum explain_story which) {
    for (int i = 0; i < told.count; i++)
        if (told.stories[i].story == which)
            return &told.stories[i];
    fail_msg("the story is not told");
    return NULL;
}

static void set_positions(const char *writer, const char *standby) {
    reports[DB1].probe.binlog = reports[DB1].probe.applied = reports[DB1].probe.received = core_position(writer);
    for (int i = DB2; i <= DB3; i++)
        reports[i].probe.binlog = reports[i].probe.applied = reports[i].probe.received = core_position(standby);
    turns(1000);
}

static void a_killed_server_is_told_as_it_then_comes(void **state) {
    (void)state;
    start_serving();
    ask();
    const struct explained_story *dies = story(EXPLAIN_SERVER_DIES);
    assert_int_equal(dies->chosen, DB2);
    assert_string_equal(dies->rules, "W10, T33");
    assert_int_equal(dies->lease, 0);
    assert_true(dies->detect + dies->drain + dies->promote < 200);
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(2)));
}

static void a_host_cut_off_is_told_with_the_time_that_its_lease_takes(void **state) {
    (void)state;
    start_serving();
    ask();
    const struct explained_story *cut = story(EXPLAIN_CUT_OFF);
    assert_int_equal(cut->chosen, DB2);
    assert_string_equal(cut->rules, "W22, T33");
    assert_int_equal(cut->fence, 0);
    heard[DB1] = false;
    monitor.hosts[DB1].outside_answers = false;
    msec begin = now;
    while (monitor.durable.writer != DB2 && now < begin + SECONDS(20))
        turn();
    assert_in_range(now - begin, cut->detect + cut->lease - 200, cut->detect + cut->lease + 200);
}

static void a_fence_program_is_told_as_one_that_succeeds(void **state) {
    (void)state;
    start_serving();
    cluster.hosts[DB1].has_fence = true;
    cluster.hosts[DB1].fence_timeout = SECONDS(10);
    ask();
    const struct explained_story *cut = story(EXPLAIN_CUT_OFF);
    assert_int_equal(cut->chosen, DB2);
    assert_string_equal(cut->rules, "W24, T33");
    assert_int_equal(cut->fence, 1000);
    assert_true(cut->detect + cut->lease < cluster.lease.length);
    assert_int_equal(story(EXPLAIN_SERVER_DIES)->fence, 0);
    heard[DB1] = false;
    monitor.hosts[DB1].outside_answers = false;
    msec begin = now;
    while (monitor.durable.writer != DB2 && now < begin + SECONDS(20)) {
        turn();
        struct fence_result result = { .request = monitor.fence.request, .ended = true };
        if (monitor.fence.running && now >= result.request.asked + cut->fence)
            step((struct monitor_event){ .kind = MONITOR_FENCE, .host = DB1, .fence = &result });
    }
    /* Half a lease ends between two reports: the play looks once in a report interval. */
    msec told_in = cut->detect + cut->lease;
    assert_in_range(now - begin, told_in - cluster.lease.report, told_in + 200);
}

static void a_fence_program_that_runs_already_is_told_with_no_more_than_its_time(void **state) {
    (void)state;
    start_serving();
    cluster.hosts[DB1].has_fence = true;
    cluster.hosts[DB1].fence_timeout = 300;
    heard[DB1] = false;
    monitor.hosts[DB1].outside_answers = false;
    for (msec begin = now; !monitor.fence.running && now < begin + SECONDS(20);)
        turn();
    assert_true(monitor.fence.running);
    ask();
    assert_int_equal(story(EXPLAIN_NOW)->chosen, DB2);
    assert_int_equal(story(EXPLAIN_NOW)->fence, 300);
}

static void what_was_not_received_is_counted_in_the_common_history(void **state) {
    (void)state;
    start_serving();
    set_positions("0-11-5000,0-12-4000", "0-12-4990");
    reports[DB2].probe.received = core_position("0-11-4990");
    turns(1000);
    ask();
    for (int i = 0; i < told.count; i++) {
        assert_true(told.stories[i].loss_known);
        assert_int_equal(told.stories[i].loss, 10);
        assert_string_equal(told.stories[i].loss_text, "0-11-4991..5000");
    }
}

static void what_a_sibling_has_is_fetched_and_not_told_as_lost(void **state) {
    (void)state;
    start_serving();
    set_positions("0-11-5000", "0-11-4990");
    reports[DB3].probe.received = core_position("0-11-4998");
    turns(1000);
    ask();
    assert_int_equal(story(EXPLAIN_SERVER_DIES)->loss, 2);
    assert_string_equal(story(EXPLAIN_SERVER_DIES)->rules, "W10, T32, T42");
    assert_int_equal(story(EXPLAIN_SERVER_DIES)->lease, 0);
}

static void nobody_is_told_as_nobody_with_the_rule_and_what_to_type(void **state) {
    (void)state;
    start_serving();
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db2" });
    turns(1000);
    ask();
    const struct explained_story *cut = story(EXPLAIN_CUT_OFF);
    assert_int_equal(cut->chosen, HOST_NONE);
    assert_string_equal(cut->rules, "W11");
    assert_int_equal(story(EXPLAIN_SERVER_DIES)->chosen, HOST_NONE);
    assert_string_equal(cut->hosts[DB2].rule, "E12");
    assert_string_equal(cut->hosts[DB2].next, "mmm set-online db2");
    assert_string_equal(cut->hosts[DB3].rule, "E10");
}

static void in_manual_mode_nobody_is_promised_the_role(void **state) {
    (void)state;
    start_serving();
    command((struct command){ .kind = COMMAND_SET_MODE, .mode = MONITOR_MANUAL });
    ask();
    assert_int_equal(story(EXPLAIN_SERVER_DIES)->chosen, HOST_NONE);
    assert_string_equal(story(EXPLAIN_SERVER_DIES)->rules, "W02");
    assert_string_equal(story(EXPLAIN_SERVER_DIES)->next, "mmm set-active");
}

static void a_host_that_is_out_for_a_second_failover_is_told_why(void **state) {
    (void)state;
    start_serving();
    cluster.failover.window = SECONDS(3600);
    monitor.durable.failover_wall = SECONDS(1700000000) + now - 1000;
    ask();
    assert_int_equal(story(EXPLAIN_CUT_OFF)->chosen, HOST_NONE);
    assert_string_equal(story(EXPLAIN_CUT_OFF)->hosts[DB2].rule, "E30");
    assert_string_equal(story(EXPLAIN_CUT_OFF)->hosts[DB2].next, "mmm set-active");
}

static void without_a_writer_the_way_to_one_is_told(void **state) {
    (void)state;
    start_serving();
    heard[DB2] = false;
    turns(SECONDS(6));
    kill_server_of(DB1);
    turns(SECONDS(2));
    ask();
    assert_int_equal(told.writer, HOST_NONE);
    assert_int_equal(told.count, 1);
    assert_int_equal(story(EXPLAIN_NOW)->chosen, HOST_NONE);
    assert_string_equal(story(EXPLAIN_NOW)->hosts[DB2].rule, "E13");
}

static void a_report_from_before_the_question_is_not_fresh(void **state) {
    (void)state;
    start_serving();
    msec asked = now;
    assert_false(explain_is_fresh(&monitor, asked, now));
    turns(700);
    assert_false(explain_is_fresh(&monitor, asked, now));
    turns(200);
    assert_true(explain_is_fresh(&monitor, asked, now));
    heard[DB3] = false;
    asked = now;
    turns(1000);
    assert_false(explain_is_fresh(&monitor, asked, now));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_server_is_told_as_it_then_comes),
        cmocka_unit_test(a_host_cut_off_is_told_with_the_time_that_its_lease_takes),
        cmocka_unit_test(a_fence_program_is_told_as_one_that_succeeds),
        cmocka_unit_test(a_fence_program_that_runs_already_is_told_with_no_more_than_its_time),
        cmocka_unit_test(what_was_not_received_is_counted_in_the_common_history),
        cmocka_unit_test(what_a_sibling_has_is_fetched_and_not_told_as_lost),
        cmocka_unit_test(nobody_is_told_as_nobody_with_the_rule_and_what_to_type),
        cmocka_unit_test(in_manual_mode_nobody_is_promised_the_role),
        cmocka_unit_test(a_host_that_is_out_for_a_second_failover_is_told_why),
        cmocka_unit_test(without_a_writer_the_way_to_one_is_told),
        cmocka_unit_test(a_report_from_before_the_question_is_not_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
