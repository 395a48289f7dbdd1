/* The administrator's fence program: its success shortens the wait for a lost writer's lease, and nothing else does. */
#include "monitor_pieces.h"

static struct fence_request request; /* the last that was asked for */
static unsigned requests;

static void note_request(void) {
    if (!plan.fence_set)
        return;
    request = plan.fence;
    requests++;
}

/* turn() of the pieces, with an eye on every plan. */
static void fence_turn(void) {
    now += 100;
    for (int i = 0; i < HOSTS; i++)
        for (int n = 0; n < 2 && heard[i]; n++) {
            hear(i);
            note_request();
            if (obedient[i] && plan.orders_set)
                do_as_told(i, &plan.orders);
        }
    step((struct monitor_event){ .kind = MONITOR_TICK });
    note_request();
}

static void fence_turns(msec length) {
    for (msec end = now + length; now < end;)
        fence_turn();
}

static bool fence_turns_until_writer(int host, msec most) {
    for (msec end = now + most; now < end; fence_turn())
        if (monitor.durable.writer == host && monitor.serving)
            return true;
    return false;
}

static bool fence_turns_until_asked(msec most) {
    unsigned before = requests;
    for (msec end = now + most; now < end && requests == before;)
        fence_turn();
    return requests > before;
}

static void program_ends(const struct fence_request *asked, bool ended, const char *why) {
    struct fence_result result = { .request = *asked, .ended = ended };
    TEXT_COPY(result.why, why);
    step((struct monitor_event){ .kind = MONITOR_FENCE, .host = asked->host, .fence = &result });
    note_request();
}

/* db1 is writer, has a fence program, and falls silent; nobody else hears it. */
static void lose_the_writer(void) {
    start_serving();
    for (int i = 0; i < HOSTS; i++) {
        cluster.hosts[i].has_fence = true;
        cluster.hosts[i].fence_timeout = SECONDS(10);
    }
    requests = 0;
    heard[DB1] = false;
}

static void nobody_is_writer_before(msec end) {
    while (now < end) {
        assert_int_not_equal(monitor.durable.writer, DB2);
        fence_turn();
    }
}

static void success_ends_the_wait_before_the_lease_ends(void **state) {
    (void)state;
    lose_the_writer();
    msec granted = monitor.granted_until;
    assert_true(fence_turns_until_asked(SECONDS(4)));
    assert_int_equal(request.host, DB1);
    assert_int_equal(request.term, monitor.durable.term);
    assert_int_equal(request.incarnation, 7);
    assert_true(has_event("fence_started"));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    program_ends(&request, true, "exit status 0");
    assert_true(plan.save);
    assert_true(has_event("fence_succeeded"));
    assert_true(fence_turns_until_writer(DB2, SECONDS(1)));
    assert_true(now < granted);
    assert_true(monitor.durable.hosts[DB1].holds & HOLD_LOST_WRITER);
    fence_turns(SECONDS(60));
    assert_int_equal(requests, 1);
}

static void the_role_is_taken_away_before_the_program_is_run(void **state) {
    (void)state;
    lose_the_writer();
    uint64_t term = monitor.durable.term;
    assert_true(fence_turns_until_asked(SECONDS(4)));
    assert_int_equal(request.term, term + 1);
    assert_int_equal(term_saved, term + 1);
}

static void a_failed_program_does_not_shorten_the_wait(void **state) {
    (void)state;
    lose_the_writer();
    msec granted = monitor.granted_until;
    assert_true(fence_turns_until_asked(SECONDS(4)));
    program_ends(&request, false, "exit status 1: no route");
    assert_true(has_event("fence_failed"));
    assert_true(monitor.fence.alarm);
    nobody_is_writer_before(granted + cluster.lease.margin - 100);
    assert_true(fence_turns_until_writer(DB2, SECONDS(2)));
    assert_true(monitor.fence.alarm);
}

static void a_program_that_hangs_does_not_shorten_the_wait(void **state) {
    (void)state;
    lose_the_writer();
    msec granted = monitor.granted_until;
    assert_true(fence_turns_until_asked(SECONDS(4)));
    nobody_is_writer_before(granted + cluster.lease.margin - 100);
    assert_true(fence_turns_until_writer(DB2, SECONDS(2)));
}

/* Nobody may be promoted here but by the program: the old writer may believe that it is alone. */
static void lose_a_sole_survivor(void) {
    lose_the_writer();
    monitor.durable.surely = set_of(DB1);
}

static void a_program_of_which_no_word_comes_counts_as_failed_and_is_run_again(void **state) {
    (void)state;
    lose_a_sole_survivor();
    assert_true(fence_turns_until_asked(SECONDS(10)));
    struct fence_request first = request;
    fence_turns(SECONDS(11));
    assert_false(has_event("fence_failed"));
    fence_turns(SECONDS(2));
    assert_true(has_event("fence_failed"));
    assert_true(fence_turns_until_asked(SECONDS(10)));
    program_ends(&first, true, "exit status 0");
    assert_true(has_event("fence_ignored"));
    fence_turns(SECONDS(3));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
}

static void a_sole_survivor_is_replaced_after_its_fence_and_not_without(void **state) {
    (void)state;
    lose_a_sole_survivor();
    assert_true(fence_turns_until_asked(SECONDS(10)));
    program_ends(&request, false, "exit status 1");
    fence_turns(SECONDS(4));
    assert_int_not_equal(monitor.durable.writer, DB2);
    assert_true(fence_turns_until_asked(SECONDS(3)));
    assert_int_not_equal(monitor.durable.writer, DB2);
    program_ends(&request, true, "exit status 0");
    assert_true(fence_turns_until_writer(DB2, SECONDS(1)));
}

static void the_pauses_between_attempts_grow_up_to_five_minutes(void **state) {
    (void)state;
    lose_a_sole_survivor();
    assert_true(fence_turns_until_asked(SECONDS(10)));
    static const msec pauses[] = { 5000, 10000, 20000, 40000, 80000, 160000, 300000, 300000 };
    for (size_t i = 0; i < COUNT_OF(pauses); i++) {
        program_ends(&request, false, "exit status 1");
        msec failed = now;
        assert_true(fence_turns_until_asked(SECONDS(400)));
        assert_in_range(now - failed, pauses[i], pauses[i] + 200);
    }
}

static void success_for_an_older_term_does_not_count(void **state) {
    (void)state;
    lose_a_sole_survivor();
    assert_true(fence_turns_until_asked(SECONDS(10)));
    reports[DB3].term = monitor.durable.term + 5; /* another monitor was there meanwhile */
    obedient[DB3] = false;
    fence_turn();
    program_ends(&request, true, "exit status 0");
    assert_true(has_event("fence_ignored"));
    assert_int_equal(monitor.durable.writer, HOST_NONE); /* who it is now is unknown (L01) */
    assert_true(lease_is_listening(&monitor, now));
}

static void success_for_another_host_or_run_or_time_does_not_count(void **state) {
    (void)state;
    lose_a_sole_survivor();
    assert_true(fence_turns_until_asked(SECONDS(10)));
    const struct fence_request asked = request;
    struct fence_request others[] = { asked, asked, asked, asked };
    others[0].host = DB2;
    others[1].incarnation++;
    others[2].asked--;
    others[3].term--;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        events[0] = 0;
        program_ends(&others[i], true, "exit status 0");
        assert_true(has_event("fence_ignored"));
        assert_int_equal(monitor.durable.leaving, DB1);
    }
    program_ends(&asked, true, "exit status 0");
    assert_int_equal(monitor.durable.leaving, HOST_NONE);
}

static void success_after_the_agent_has_started_anew_does_not_count(void **state) {
    (void)state;
    lose_a_sole_survivor();
    assert_true(fence_turns_until_asked(SECONDS(10)));
    obedient[DB1] = false;
    reports[DB1].incarnation++;
    reports[DB1].fenced = false;
    hear(DB1);
    assert_int_equal(monitor.durable.leaving, DB1);
    program_ends(&request, true, "exit status 0");
    assert_true(has_event("fence_ignored"));
    assert_int_equal(monitor.durable.leaving, DB1);
}

static void a_monitor_that_restarts_does_not_take_the_old_programs_success_for_its_own(void **state) {
    (void)state;
    lose_a_sole_survivor();
    assert_true(fence_turns_until_asked(SECONDS(10)));
    struct monitor_durable durable = monitor.durable;
    struct fence_request before = request;
    monitor_start(&monitor, &cluster, &durable, now, SECONDS(1700000000) + now);
    events[0] = 0;
    program_ends(&before, true, "exit status 0");
    assert_true(has_event("fence_ignored"));
    assert_int_equal(monitor.durable.leaving, DB1);
    assert_true(fence_turns_until_asked(SECONDS(10)));
    program_ends(&before, true, "exit status 0");
    assert_int_equal(monitor.durable.leaving, DB1);
    program_ends(&request, true, "exit status 0");
    assert_int_equal(monitor.durable.leaving, HOST_NONE);
}

/* It waits for half a lease, as before any other loss: the old writer had no chance yet to be heard. */
static void a_monitor_that_starts_does_not_fence_at_once(void **state) {
    (void)state;
    lose_a_sole_survivor();
    assert_true(fence_turns_until_asked(SECONDS(10)));
    struct monitor_durable durable = monitor.durable;
    monitor_start(&monitor, &cluster, &durable, now, SECONDS(1700000000) + now);
    unsigned before = requests;
    fence_turns(cluster.lease.length / 2 - 100);
    assert_int_equal(requests, before);
}

static void a_writer_without_a_program_keeps_its_role_until_its_lease_ends(void **state) {
    (void)state;
    lose_the_writer();
    cluster.hosts[DB1].has_fence = false;
    fence_turns(SECONDS(4));
    assert_int_equal(monitor.durable.writer, DB1);
    fence_turns(SECONDS(10));
    assert_int_equal(requests, 0);
    assert_int_equal(monitor.durable.writer, DB2);
}

static void a_writer_that_a_peer_has_promised_to_wait_for_is_not_fenced(void **state) {
    (void)state;
    lose_the_writer();
    for (int i = 0; i < 300; i++) {
        if (i % 5 == 0)
            reports[DB2].promised_left = 5000;
        fence_turn();
        reports[DB2].promised_left -= reports[DB2].promised_left > 100 ? 100 : 0;
    }
    assert_int_equal(requests, 0);
    assert_int_equal(monitor.durable.writer, DB1);
}

static void a_writer_that_its_replicas_receive_from_is_not_fenced(void **state) {
    (void)state;
    lose_the_writer();
    for (int i = 1; i < 100; i++) {
        char position[32];
        snprintf(position, sizeof position, "0-11-%d", 100 + i);
        reports[DB3].probe.received = core_position(position);
        fence_turn();
    }
    assert_int_equal(requests, 0);
}

static void a_monitor_that_hears_nobody_fences_nobody(void **state) {
    (void)state;
    lose_a_sole_survivor();
    assert_true(fence_turns_until_asked(SECONDS(10)));
    program_ends(&request, false, "exit status 1");
    heard[DB2] = heard[DB3] = false;
    fence_turns(SECONDS(2));
    unsigned before = requests;
    fence_turns(SECONDS(60));
    assert_int_equal(requests, before);
}

static void a_writer_whose_agent_is_heard_is_left_to_it(void **state) {
    (void)state;
    lose_the_writer();
    heard[DB1] = true;
    kill_server_of(DB1);
    assert_true(fence_turns_until_writer(DB2, SECONDS(3)));
    assert_int_equal(requests, 0);
}

static void a_switchover_fences_nobody(void **state) {
    (void)state;
    lose_the_writer();
    heard[DB1] = true;
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2" });
    assert_true(fence_turns_until_writer(DB2, SECONDS(10)));
    assert_int_equal(requests, 0);
}

static void in_passive_mode_nobody_is_fenced(void **state) {
    (void)state;
    lose_a_sole_survivor();
    assert_true(fence_turns_until_asked(SECONDS(10)));
    program_ends(&request, false, "exit status 1");
    command((struct command){ .kind = COMMAND_SET_MODE, .mode = MONITOR_PASSIVE });
    unsigned before = requests;
    fence_turns(SECONDS(60));
    assert_int_equal(requests, before);
}

static void a_writer_that_comes_back_before_the_program_has_ended_is_not_ended_by_its_late_success(void **state) {
    (void)state;
    lose_the_writer();
    assert_true(fence_turns_until_asked(SECONDS(4)));
    heard[DB2] = false; /* nobody else can be promoted: it gets the role again */
    heard[DB1] = true;
    fence_turns(SECONDS(2));
    assert_int_equal(monitor.durable.leaving, HOST_NONE);
    uint64_t term = monitor.durable.term;
    int writer = monitor.durable.writer;
    program_ends(&request, true, "exit status 0");
    assert_true(has_event("fence_ignored"));
    assert_int_equal(monitor.durable.term, term);
    assert_int_equal(monitor.durable.writer, writer);
}

/* Nobody can call the program back. */
static void a_host_whose_program_still_runs_is_not_chosen_while_there_is_another(void **state) {
    (void)state;
    lose_the_writer();
    assert_true(fence_turns_until_asked(SECONDS(4)));
    heard[DB1] = true;
    assert_true(fence_turns_until_writer(DB2, SECONDS(3)));
}

static void a_host_whose_program_still_runs_is_chosen_when_there_is_no_other(void **state) {
    (void)state;
    lose_the_writer();
    assert_true(fence_turns_until_asked(SECONDS(4)));
    heard[DB2] = false;
    fence_turns(SECONDS(3));
    heard[DB1] = true;
    fence_turns(SECONDS(2));
    assert_true(monitor.fence.running);
    assert_int_equal(monitor.durable.writer, DB1);
}

static void a_host_that_goes_on_after_its_program_said_that_it_ended_is_told_of(void **state) {
    (void)state;
    lose_the_writer();
    assert_true(fence_turns_until_asked(SECONDS(4)));
    program_ends(&request, true, "exit status 0");
    assert_true(fence_turns_until_writer(DB2, SECONDS(1)));
    fence_turns(SECONDS(3));
    obedient[DB1] = false;
    hear(DB1);
    assert_true(has_event("fence_doubted"));
    assert_true(monitor.fence.doubted);
}

static void a_host_that_was_reset_comes_back_without_doubt(void **state) {
    (void)state;
    lose_the_writer();
    assert_true(fence_turns_until_asked(SECONDS(4)));
    program_ends(&request, true, "exit status 0");
    fence_turns(SECONDS(3));
    reports[DB1].incarnation++;
    heard[DB1] = true;
    fence_turns(SECONDS(3));
    assert_false(has_event("fence_doubted"));
}

static void the_alarm_ends_when_the_host_is_online_again(void **state) {
    (void)state;
    lose_the_writer();
    assert_true(fence_turns_until_asked(SECONDS(4)));
    program_ends(&request, false, "exit status 1");
    assert_true(fence_turns_until_writer(DB2, SECONDS(10)));
    heard[DB1] = true;
    fence_turns(SECONDS(20));
    assert_true(monitor.fence.alarm);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db1" });
    fence_turns(SECONDS(20));
    assert_int_equal(monitor.durable.hosts[DB1].state, HOST_ONLINE);
    assert_false(monitor.fence.alarm);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success_ends_the_wait_before_the_lease_ends),
        cmocka_unit_test(the_role_is_taken_away_before_the_program_is_run),
        cmocka_unit_test(a_failed_program_does_not_shorten_the_wait),
        cmocka_unit_test(a_program_that_hangs_does_not_shorten_the_wait),
        cmocka_unit_test(a_program_of_which_no_word_comes_counts_as_failed_and_is_run_again),
        cmocka_unit_test(a_sole_survivor_is_replaced_after_its_fence_and_not_without),
        cmocka_unit_test(the_pauses_between_attempts_grow_up_to_five_minutes),
        cmocka_unit_test(success_for_an_older_term_does_not_count),
        cmocka_unit_test(success_for_another_host_or_run_or_time_does_not_count),
        cmocka_unit_test(success_after_the_agent_has_started_anew_does_not_count),
        cmocka_unit_test(a_monitor_that_restarts_does_not_take_the_old_programs_success_for_its_own),
        cmocka_unit_test(a_monitor_that_starts_does_not_fence_at_once),
        cmocka_unit_test(a_writer_without_a_program_keeps_its_role_until_its_lease_ends),
        cmocka_unit_test(a_writer_that_a_peer_has_promised_to_wait_for_is_not_fenced),
        cmocka_unit_test(a_writer_that_its_replicas_receive_from_is_not_fenced),
        cmocka_unit_test(a_monitor_that_hears_nobody_fences_nobody),
        cmocka_unit_test(a_writer_whose_agent_is_heard_is_left_to_it),
        cmocka_unit_test(a_switchover_fences_nobody),
        cmocka_unit_test(in_passive_mode_nobody_is_fenced),
        cmocka_unit_test(a_writer_that_comes_back_before_the_program_has_ended_is_not_ended_by_its_late_success),
        cmocka_unit_test(a_host_whose_program_still_runs_is_not_chosen_while_there_is_another),
        cmocka_unit_test(a_host_whose_program_still_runs_is_chosen_when_there_is_no_other),
        cmocka_unit_test(a_host_that_goes_on_after_its_program_said_that_it_ended_is_told_of),
        cmocka_unit_test(a_host_that_was_reset_comes_back_without_doubt),
        cmocka_unit_test(the_alarm_ends_when_the_host_is_online_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
