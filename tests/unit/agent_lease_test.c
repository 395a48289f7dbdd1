/* The writer's lease, as the agent keeps it: DESIGN.md §5, rules 0 to 4. */
#include "agent_pieces.h"

static const struct agent_durable was_writer = { .term = 5, .electable = 3, .writer = true };

static void a_lease_begins_when_the_report_was_sent(void **state) {
    (void)state;
    start_writer();
    pass(500);
    assert_true(agent.reporting);
    msec sent = agent.report_sent;
    now += 400;
    obey(orders_of(DUTY_WRITER, 5));
    assert_int_equal(agent.lease_until, sent + SECONDS(5));
}

static void an_answer_that_comes_after_its_lease_does_not_count(void **state) {
    (void)state;
    start(NULL, NULL);
    now += SECONDS(6);
    feed((struct agent_event){ .kind = AGENT_TICK });
    struct orders late = orders_of(DUTY_WRITER, 5);
    now += SECONDS(5);
    late.sequence = agent.sequence;
    obey(late);
    assert_false(agent.writer);
    assert_int_equal(agent.durable.term, 0);
}

static void an_answer_to_an_older_report_does_not_count(void **state) {
    (void)state;
    start(NULL, NULL);
    pass(SECONDS(6));
    struct orders old = orders_of(DUTY_WRITER, 5);
    old.sequence = agent.sequence - 1;
    obey(old);
    assert_false(agent.writer);
    assert_int_equal(agent.durable.term, 0);
}

static void the_same_answer_twice_counts_once(void **state) {
    (void)state;
    start_writer();
    msec until = agent.lease_until;
    struct orders again = orders_of(DUTY_WRITER, 6);
    obey(again);
    obey(again);
    assert_true(agent.lease_until <= until + SECONDS(5));
    assert_int_equal(agent.durable.term, agent.reporting ? 6 : agent.durable.term);
}

static void orders_of_an_older_term_are_not_obeyed(void **state) {
    (void)state;
    start_writer();
    answer_next(orders_of(DUTY_STANDBY, 4));
    assert_true(agent.writer);
    assert_int_equal(agent.durable.term, 5);
}

static bool sees_fence(void) {
    return plan.task.kind == TASK_FENCE;
}

static bool sees_address_go(void) {
    return set_has(plan.address_remove, WRITER_ADDRESS);
}

static bool sees_kill(void) {
    return plan.server_kill;
}

static void a_writer_cut_off_from_everyone_gives_the_role_up(void **state) {
    (void)state;
    start_writer();
    msec until = agent.lease_until;
    assert_true(pass_until(SECONDS(10), sees_address_go));
    assert_in_range(now, until - cluster.lease.fence - 100, until - cluster.lease.fence);
    assert_true(pass_until(SECONDS(10), sees_fence));
    assert_int_equal(now, until - cluster.lease.fence);
    assert_true(agent.writer);
    task_done(TASK_FENCE, RC_OK);
    assert_false(pass_until(until - now - 1, sees_kill));
    assert_true(agent.writer);
    pass(1);
    assert_false(agent.writer);
    assert_false(agent.must_fence);
    assert_false(agent.durable.writer);
    assert_false(pass_until(SECONDS(10), sees_kill));
}

static void a_server_that_can_not_be_fenced_is_killed_when_the_lease_ends(void **state) {
    (void)state;
    start_writer();
    msec until = agent.lease_until;
    assert_true(pass_until(SECONDS(10), sees_fence));
    assert_true(plan.task.timeout <= cluster.lease.fence);
    assert_true(pass_until(SECONDS(10), sees_kill));
    assert_int_equal(now, until);
    assert_true(pass_until(SECONDS(1), sees_kill)); /* again, for it has not died */
    feed((struct agent_event){ .kind = AGENT_SERVER_GONE });
    assert_false(pass_until(SECONDS(10), sees_kill));
}

static void a_server_that_does_not_answer_is_killed_when_the_lease_ends(void **state) {
    (void)state;
    start_writer();
    server_answers = false;
    msec until = agent.lease_until;
    assert_true(pass_until(SECONDS(10), sees_kill));
    assert_int_equal(now, until);
}

/* It has never answered this run of the agent, and clients may write to it as soon as it goes on. */
static void a_restarted_agent_kills_a_frozen_server_too(void **state) {
    (void)state;
    start(&was_writer, NULL);
    assert_true(pass_until(SECONDS(10), sees_kill));
}

static void a_kill_is_not_the_last_resort_where_it_is_forbidden(void **state) {
    (void)state;
    start_writer();
    cluster.last_resort = LAST_RESORT_NONE;
    assert_false(pass_until(SECONDS(20), sees_kill));
}

static bool asks_for_promises(void) {
    return plan.ask_whom && plan.ask.for_writer;
}

static void promises_of_all_extend_the_lease_from_when_they_were_asked(void **state) {
    (void)state;
    start_writer();
    assert_true(pass_until(SECONDS(3), asks_for_promises));
    assert_true(set_has(plan.ask_whom, PEER));
    msec asked = now;
    now += 200;
    answered_by(PEER, true, SECONDS(3));
    assert_int_equal(agent.lease_until, asked + SECONDS(5));
}

static void the_promise_of_a_host_that_is_not_electable_is_not_enough(void **state) {
    (void)state;
    start_writer();
    msec until = agent.lease_until;
    assert_true(pass_until(SECONDS(3), asks_for_promises));
    answered_by(DB3, true, SECONDS(3));
    assert_int_equal(agent.lease_until, until);
}

static bool asks_again(void) {
    return plan.ask_whom != 0;
}

/* In each round «first» and db3 answer, db3 as one that hears the monitor. */
static void live_on_promises(msec length, bool refused) {
    for (msec end = now + length; now < end;) {
        assert_true(pass_until(SECONDS(3), asks_again));
        answered_by(PEER, true, SECONDS(10));
        answered_by(DB3, !refused, 100);
    }
    assert_true(agent.writer);
}

static void start_writer_with_a_readers_address(void) {
    start_writer();
    struct orders orders = orders_of(DUTY_WRITER, 5);
    orders.addresses |= set_of(READER_1);
    answer_next(orders);
    assert_true(agent.addresses[READER_1].present);
}

/* The monitor hears db3, does not hear the peer, and so does not know that this writer lives: it may have given the
 * address to db3. */
static void a_writer_never_keeps_a_readers_address_when_a_peer_that_hears_the_monitor_refuses_it(void **state) {
    (void)state;
    start_writer_with_a_readers_address();
    live_on_promises(SECONDS(8), true);
    assert_false(agent.addresses[READER_1].present);
    assert_true(agent.addresses[WRITER_ADDRESS].present);
}

static void a_writer_keeps_its_readers_addresses_with_the_promise_of_everybody_who_hears_the_monitor(void **state) {
    (void)state;
    start_writer_with_a_readers_address();
    live_on_promises(SECONDS(20), false);
    assert_true(agent.addresses[READER_1].present);
}

/* Two machines, and the other one is down together with the monitor. */
static void a_sole_survivor_that_nobody_answers_never_loses_its_readers_addresses(void **state) {
    (void)state;
    start_writer_with_a_readers_address();
    struct orders alone = orders_of(DUTY_WRITER, 6);
    alone.electable = set_of(SELF);
    alone.addresses |= set_of(READER_1);
    answer_next(alone);
    pass(SECONDS(20));
    assert_true(agent.writer && agent.addresses[READER_1].present);
}

static void a_promise_for_an_older_round_does_not_count(void **state) {
    (void)state;
    start_writer();
    msec until = agent.lease_until;
    assert_true(pass_until(SECONDS(3), asks_for_promises));
    struct answer old = { .from = PEER, .round = agent.round.round - 1, .promised = true };
    feed((struct agent_event){ .kind = AGENT_ANSWERED, .answer = &old });
    assert_int_equal(agent.lease_until, until);
}

static void a_sole_survivor_lives_without_anybodys_promise(void **state) {
    (void)state;
    start_writer();
    struct orders alone = orders_of(DUTY_WRITER, 6);
    alone.electable = set_of(SELF);
    answer_next(alone);
    pass(SECONDS(30));
    assert_true(agent.writer);
}

static struct answer asked(uint64_t term) {
    struct ask ask = { .from = PEER, .round = 3, .term = term, .for_writer = true };
    feed((struct agent_event){ .kind = AGENT_ASKED, .ask = &ask });
    assert_true(plan.answer_set);
    assert_int_equal(plan.answer.round, 3);
    return plan.answer;
}

static void a_standby_promises_and_keeps_its_word(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(true));
    pass(SECONDS(6));
    answer_next(orders_of(DUTY_STANDBY, 5));
    assert_true(asked(5).promised);
    answer_next(orders_of(DUTY_WRITER, 6));
    assert_false(agent.writer);
    pass(SECONDS(5));
    answer_next(orders_of(DUTY_WRITER, 6));
    assert_true(agent.writer);
}

/* The writer that asks goes by its own configuration. */
static void a_promise_lasts_as_long_as_the_lease_of_the_writer_that_asks(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(true));
    pass(SECONDS(6));
    answer_next(orders_of(DUTY_STANDBY, 5));
    struct ask ask = { .from = PEER, .round = 3, .term = 5, .for_writer = true, .lease = SECONDS(20) };
    feed((struct agent_event){ .kind = AGENT_ASKED, .ask = &ask });
    pass(SECONDS(19));
    answer_next(orders_of(DUTY_WRITER, 6));
    assert_false(agent.writer);
    pass(SECONDS(2));
    answer_next(orders_of(DUTY_WRITER, 6));
    assert_true(agent.writer);
}

static void a_promise_is_refused_when_a_later_term_is_known(void **state) {
    (void)state;
    start(NULL, NULL);
    answer_next(orders_of(DUTY_STANDBY, 6));
    assert_false(asked(5).promised);
    assert_true(asked(6).promised);
}

static void a_writer_promises_nothing(void **state) {
    (void)state;
    start_writer();
    assert_false(asked(9).promised);
}

static void a_restarted_agent_acts_as_if_it_had_just_promised(void **state) {
    (void)state;
    struct agent_durable durable = { .term = 5, .electable = 3 };
    start(&durable, NULL);
    probed(probe_of(true));
    answer_next(orders_of(DUTY_WRITER, 6));
    assert_false(agent.writer);
    pass(SECONDS(5));
    answer_next(orders_of(DUTY_WRITER, 6));
    assert_true(agent.writer);
}

static void a_restarted_writer_goes_on_with_the_lease_that_the_kernel_shows(void **state) {
    (void)state;
    struct agent_address addresses[ADDRESSES_MAX] = { { .present = true, .gone_at = 100000 + 3000 } };
    start(&was_writer, addresses);
    assert_true(agent.writer);
    assert_int_equal(agent.lease_until, now + 3000);
    probed(probe_of(false));
    assert_int_equal(plan.task.kind, TASK_NONE);
    answer_next(orders_of(DUTY_WRITER, 5));
    assert_true(agent.lease_until > now + 4000);
}

static void a_restarted_writer_does_not_go_on_with_a_lapsed_lease(void **state) {
    (void)state;
    struct agent_address addresses[ADDRESSES_MAX] = { { .present = true, .gone_at = 100000 + 900 } };
    start(&was_writer, addresses); /* within the fence budget */
    assert_false(agent.writer);
    probed(probe_of(false));
    assert_int_equal(plan.task.kind, TASK_FENCE);
    start(&was_writer, NULL);
    assert_false(agent.writer);
    probed(probe_of(false));
    assert_int_equal(plan.task.kind, TASK_FENCE);
}

static void an_address_that_somebody_set_for_ever_is_no_lease(void **state) {
    (void)state;
    struct agent_address addresses[ADDRESSES_MAX] = { { .present = true, .gone_at = NEVER } };
    start(&was_writer, addresses);
    assert_false(agent.writer);
}

static void a_dead_server_resigns_at_once(void **state) {
    (void)state;
    start_writer();
    feed((struct agent_event){ .kind = AGENT_REPORT_FAILED });
    feed((struct agent_event){ .kind = AGENT_SERVER_GONE });
    assert_false(agent.writer);
    assert_true(plan.save && agent.durable.resigned && !agent.durable.writer);
    assert_true(plan.server_cut && plan.report_set);
    assert_true(plan.report.resigned && plan.report.fenced && !plan.report.writer);
    assert_int_equal(plan.report.process, PROCESS_EXITED);
}

static void a_resigned_role_is_not_taken_again_in_the_same_term(void **state) {
    (void)state;
    start_writer();
    feed((struct agent_event){ .kind = AGENT_SERVER_GONE });
    answer_next(orders_of(DUTY_WRITER, 5));
    assert_false(agent.writer);
    struct probe back = probe_of(true);
    back.pid++;
    probed(back);
    answer_next(orders_of(DUTY_WRITER, 5));
    assert_false(agent.writer);
    answer_next(orders_of(DUTY_WRITER, 6));
    assert_true(agent.writer);
    assert_false(agent.durable.resigned);
}

static void a_role_for_a_dead_server_is_refused_and_said_so_in_the_new_term(void **state) {
    (void)state;
    start_writer();
    feed((struct agent_event){ .kind = AGENT_SERVER_GONE });
    answer_next(orders_of(DUTY_WRITER, 6));
    assert_false(agent.writer);
    assert_int_equal(agent.durable.term, 6);
    assert_true(agent.durable.resigned);
    answer_next(orders_of(DUTY_WRITER, 6));
    assert_false(agent.writer);
}

/* The server has died while the agent was down: nobody has seen it die, it may be back in a moment, and the restarted
 * agent goes on with its lease.  A report that it has resigned would end the monitor's wait for that lease. */
static void a_writer_whose_server_is_not_there_never_says_that_it_resigned_while_it_has_a_lease(void **state) {
    (void)state;
    struct agent_address addresses[ADDRESSES_MAX] = { { .present = true, .gone_at = 100000 + 4000 } };
    struct probe none = { .answered = false };
    start(&was_writer, addresses);
    feed((struct agent_event){ .kind = AGENT_PROBED, .probe = &none, .process_absent = true });
    assert_int_equal(agent.process, PROCESS_ABSENT);
    answer_next(orders_of(DUTY_WRITER, 6)); /* the electable set has changed, hence the term */
    assert_false(agent.writer && agent.durable.resigned);
    pass(SECONDS(6));
    assert_false(agent.writer);
    answer_next(orders_of(DUTY_WRITER, 6));
    assert_true(agent.durable.resigned);
}

/* The answer may have been on its way when the server died: the monitor did not know it yet. */
static void an_answer_to_a_report_from_before_the_death_gives_no_role(void **state) {
    (void)state;
    start_writer();
    pass(500);
    assert_true(agent.reporting);
    struct orders late = orders_of(DUTY_WRITER, 6); /* the electable set has changed, hence the term */
    feed((struct agent_event){ .kind = AGENT_SERVER_GONE });
    obey(late);
    assert_false(agent.writer);
    assert_true(agent.durable.resigned);
}

static void what_must_survive_a_restart_is_saved(void **state) {
    (void)state;
    start(NULL, NULL);
    pass(SECONDS(6));
    probed(probe_of(true));
    answer_next(orders_of(DUTY_STANDBY, 5));
    assert_true(plan.save);
    answer_next(orders_of(DUTY_STANDBY, 5));
    assert_false(plan.save);
    struct orders smaller = orders_of(DUTY_STANDBY, 6);
    smaller.electable = set_of(DB2);
    answer_next(smaller);
    assert_true(plan.save);
    answer_next(orders_of(DUTY_WRITER, 7));
    assert_true(plan.save && agent.durable.writer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_begins_when_the_report_was_sent),
        cmocka_unit_test(an_answer_that_comes_after_its_lease_does_not_count),
        cmocka_unit_test(an_answer_to_an_older_report_does_not_count),
        cmocka_unit_test(the_same_answer_twice_counts_once),
        cmocka_unit_test(orders_of_an_older_term_are_not_obeyed),
        cmocka_unit_test(a_writer_cut_off_from_everyone_gives_the_role_up),
        cmocka_unit_test(a_server_that_can_not_be_fenced_is_killed_when_the_lease_ends),
        cmocka_unit_test(a_server_that_does_not_answer_is_killed_when_the_lease_ends),
        cmocka_unit_test(a_restarted_agent_kills_a_frozen_server_too),
        cmocka_unit_test(a_kill_is_not_the_last_resort_where_it_is_forbidden),
        cmocka_unit_test(promises_of_all_extend_the_lease_from_when_they_were_asked),
        cmocka_unit_test(the_promise_of_a_host_that_is_not_electable_is_not_enough),
        cmocka_unit_test(a_writer_never_keeps_a_readers_address_when_a_peer_that_hears_the_monitor_refuses_it),
        cmocka_unit_test(a_writer_keeps_its_readers_addresses_with_the_promise_of_everybody_who_hears_the_monitor),
        cmocka_unit_test(a_sole_survivor_that_nobody_answers_never_loses_its_readers_addresses),
        cmocka_unit_test(a_promise_for_an_older_round_does_not_count),
        cmocka_unit_test(a_sole_survivor_lives_without_anybodys_promise),
        cmocka_unit_test(a_standby_promises_and_keeps_its_word),
        cmocka_unit_test(a_promise_lasts_as_long_as_the_lease_of_the_writer_that_asks),
        cmocka_unit_test(a_promise_is_refused_when_a_later_term_is_known),
        cmocka_unit_test(a_writer_promises_nothing),
        cmocka_unit_test(a_restarted_agent_acts_as_if_it_had_just_promised),
        cmocka_unit_test(a_restarted_writer_goes_on_with_the_lease_that_the_kernel_shows),
        cmocka_unit_test(a_restarted_writer_does_not_go_on_with_a_lapsed_lease),
        cmocka_unit_test(an_address_that_somebody_set_for_ever_is_no_lease),
        cmocka_unit_test(a_dead_server_resigns_at_once),
        cmocka_unit_test(a_resigned_role_is_not_taken_again_in_the_same_term),
        cmocka_unit_test(a_role_for_a_dead_server_is_refused_and_said_so_in_the_new_term),
        cmocka_unit_test(a_writer_whose_server_is_not_there_never_says_that_it_resigned_while_it_has_a_lease),
        cmocka_unit_test(an_answer_to_a_report_from_before_the_death_gives_no_role),
        cmocka_unit_test(what_must_survive_a_restart_is_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
