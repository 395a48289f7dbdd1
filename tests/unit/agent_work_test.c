/* What the agent does with its server, and in passive mode. */
#include "agent_pieces.h"

static bool sees_task(void) {
    return plan.task.kind != TASK_NONE;
}

static bool sees_kill(void) {
    return plan.server_kill;
}

static bool reports(void) {
    return plan.report_set;
}

static bool touches_nothing(void) {
    return plan.task.kind == TASK_NONE && !plan.server_kill && !plan.address_set && !plan.address_remove;
}

static bool touches(void) {
    return !touches_nothing();
}

static void a_server_is_never_opened_without_a_lease(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(true));
    pass(SECONDS(6));
    answer_next(orders_of(DUTY_WRITER, 5));
    assert_int_equal(plan.task.kind, TASK_READY);
    server_answers = true;
    pass(SECONDS(6)); /* getting ready outlasts the lease */
    assert_false(agent.writer);
    task_done(TASK_READY, RC_OK);
    assert_int_not_equal(plan.task.kind, TASK_OPEN);
    assert_false(pass_until(SECONDS(10), sees_task));
}

static void a_server_is_not_opened_within_the_fence_budget(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(true));
    pass(SECONDS(6));
    answer_next(orders_of(DUTY_WRITER, 5));
    pass(agent.lease_until - cluster.lease.fence - now);
    assert_true(agent.writer);
    task_done(TASK_READY, RC_OK);
    assert_int_not_equal(plan.task.kind, TASK_OPEN);
}

/* ---- looks and tasks ---- */

static void a_look_that_began_before_a_task_ended_does_not_overwrite_its_result(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(true));
    pass(SECONDS(6));
    answer_next(orders_of(DUTY_WRITER, 5));
    task_done(TASK_READY, RC_OK);
    assert_int_equal(plan.task.kind, TASK_OPEN);
    server_answers = false;
    pass(600);
    assert_true(agent.looking);
    now++;
    task_done(TASK_OPEN, RC_OK);
    assert_false(agent.probe.read_only);
    probed(probe_of(true)); /* what it saw before */
    assert_false(agent.probe.read_only);
    assert_true(plan.look);
}

static void a_late_look_at_a_dead_process_does_not_bring_it_back(void **state) {
    (void)state;
    start_writer();
    pass(400);
    feed((struct agent_event){ .kind = AGENT_SERVER_GONE });
    probed(probe_of(false));
    assert_int_equal(agent.process, PROCESS_EXITED);
    struct probe next = probe_of(true);
    next.pid = 200;
    probed(next);
    assert_int_equal(agent.process, PROCESS_RUNNING);
}

static void a_new_process_under_a_writer_is_a_death(void **state) {
    (void)state;
    start_writer();
    struct probe next = probe_of(false);
    next.pid = 200;
    probed(next);
    assert_false(agent.writer);
    assert_true(agent.durable.resigned);
    assert_int_equal(plan.task.kind, TASK_FENCE);
}

static void a_full_server_is_alive(void **state) {
    (void)state;
    start_writer();
    server_answers = false;
    for (int i = 0; i < 10; i++) {
        pass(500);
        probed((struct probe){ .too_many = true });
        assert_true(now - agent.answered_at <= 500);
        assert_true(agent.probe.kept);
    }
}

/* «It lives» is handed on with what the look before the task had seen. */
static void a_look_in_vain_never_goes_back_on_what_a_task_has_done(void **state) {
    (void)state;
    start(NULL, NULL);
    struct probe before = probe_of(true);
    before.received = core_position("0-1-40");
    probed(before);
    pass(cluster.lease.length + 1000);
    answer_next(orders_of(DUTY_DRAIN, 6));
    assert_int_equal(plan.task.kind, TASK_DRAIN);
    struct task_result drained = { .kind = TASK_DRAIN, .applied = core_position("0-1-90") };
    feed((struct agent_event){ .kind = AGENT_TASK_DONE, .task = &drained });
    before.kept = true;
    agent.look_started = now;
    probed(before);
    assert_true(gtid_equal(&agent.probe.received, &drained.applied));
    assert_true(agent.probe.kept);
}

/* It had waited for a standby that has left the set since. */
static void a_canary_that_was_let_through_is_stuck_no_more(void **state) {
    (void)state;
    start_writer();
    struct probe stuck = probe_of(false);
    stuck.canary_tried = true;
    stuck.semi_sync = (struct semi_sync){ .known = true, .enabled = true, .waits = true, .waiting = 1 };
    agent.look_started = now;
    probed(stuck);
    assert_true(agent.canary_since != NEVER);
    answer_next(orders_of(DUTY_WRITER, 5));
    assert_int_equal(agent.task, TASK_SEMI_SYNC);
    task_done(TASK_SEMI_SYNC, RC_OK);
    assert_true(agent.canary_since == NEVER);
}

static void a_stuck_canary_is_reported_with_its_age(void **state) {
    (void)state;
    start_writer();
    server_answers = false;
    pass(600);
    struct probe stuck = probe_of(false);
    stuck.canary_tried = true;
    probed(stuck);
    answer_next(orders_of(DUTY_WRITER, 5));
    pass(600);
    assert_true(plan.report_set ? plan.report.canary_failing > 0 : agent.canary_since != NEVER);
    stuck.canary_written = true;
    probed(stuck);
    assert_int_equal(agent.canary_since, NEVER);
}

static void a_failed_task_is_told_and_tried_again_later(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(false));
    pass(SECONDS(6));
    answer_next(orders_of(DUTY_STANDBY, 5));
    assert_int_equal(plan.task.kind, TASK_FENCE);
    pass(600);
    task_done(TASK_FENCE, RC_TIMEOUT);
    assert_string_not_equal(agent.trouble, "");
    assert_int_equal(plan.task.kind, TASK_NONE);
    assert_true(pass_until(SECONDS(1), sees_task));
    assert_int_equal(plan.task.kind, TASK_FENCE);
}

static void a_standby_follows_the_source_it_is_told(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(true));
    struct orders orders = orders_of(DUTY_STANDBY, 5);
    orders.source = DB2;
    answer_next(orders);
    assert_int_equal(plan.task.kind, TASK_FOLLOW);
    assert_true(ip_equal(&plan.task.source_address, &cluster.hosts[DB2].address));
}

static struct probe half_replicating(uint32_t pid) {
    struct probe probe = probe_of(true);
    probe.pid = pid;
    probe.replication = (struct replication){ .configured = true,
                                              .source_address = cluster.hosts[DB2].address,
                                              .source_port = 3306,
                                              .applying = THREAD_RUNNING };
    return probe;
}

/* Chaos, seed 44: somebody had the applier started again just when the server had come back. */
static void a_server_that_came_back_receives_again_though_its_applier_runs_already(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(half_replicating(100));
    feed((struct agent_event){ .kind = AGENT_SERVER_GONE });
    probed(half_replicating(200));
    struct orders orders = orders_of(DUTY_STANDBY, 5);
    orders.source = DB2;
    answer_next(orders);
    assert_int_equal(plan.task.kind, TASK_FOLLOW);
}

static void a_receiver_that_somebody_has_stopped_stays_so_when_the_agent_is_restarted(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(half_replicating(100));
    struct orders orders = orders_of(DUTY_STANDBY, 5);
    orders.source = DB2;
    answer_next(orders);
    assert_false(pass_until(SECONDS(3), sees_task));
}

/* Whoever chains a replica by hand would find it sent back before the monitor has heard of it. */
static void a_source_changed_by_hand_is_reported_before_it_is_changed_back(void **state) {
    (void)state;
    start(NULL, NULL);
    struct probe probe = probe_of(true);
    probe.replication = (struct replication){ .configured = true,
                                              .source_address = cluster.hosts[DB2].address,
                                              .source_port = 3306,
                                              .receiving = THREAD_RUNNING,
                                              .applying = THREAD_RUNNING };
    probed(probe);
    struct orders orders = orders_of(DUTY_STANDBY, 5);
    orders.source = DB2;
    answer_next(orders);
    assert_int_equal(plan.task.kind, TASK_NONE);
    probe.replication.source_address = cluster.hosts[DB3].address;
    probed(probe);
    assert_int_equal(plan.task.kind, TASK_NONE);
    assert_true(agent.reporting);
    answer_next(orders); /* to a report from before */
    assert_int_equal(plan.task.kind, TASK_NONE);
    answer_next(orders); /* to a report that tells of db3: it is not to be chained */
    assert_int_equal(plan.task.kind, TASK_FOLLOW);
}

static void a_thread_that_stopped_with_an_error_is_left_for_a_person(void **state) {
    (void)state;
    start(NULL, NULL);
    struct probe broken = probe_of(true);
    broken.replication = (struct replication){ .configured = true,
                                               .source_address = cluster.hosts[DB2].address,
                                               .source_port = 3306,
                                               .receiving = THREAD_RUNNING,
                                               .error_number = 1062 };
    probed(broken);
    struct orders orders = orders_of(DUTY_STANDBY, 5);
    orders.source = DB2;
    answer_next(orders);
    assert_false(pass_until(SECONDS(3), sees_task));
}

/* ---- handing over ---- */

static void yield_fences_keeps_the_address_and_never_kills(void **state) {
    (void)state;
    start_writer();
    answer_next(orders_of(DUTY_YIELD, 6));
    assert_int_equal(plan.task.kind, TASK_FENCE);
    assert_false(agent.writer);
    assert_false(set_has(plan.address_remove, WRITER_ADDRESS));
    for (int i = 0; i < 20; i++) {
        assert_false(pass_until(500, sees_kill));
        if (agent.task == TASK_FENCE)
            task_done(TASK_FENCE, RC_TIMEOUT);
        assert_false(sees_kill());
        answer_next(orders_of(DUTY_YIELD, 6));
        assert_false(sees_kill());
    }
    assert_true(agent.must_fence);
}

/* Nobody knows any more that it is handing over: one lease after its last word somebody else may write. */
static void a_server_that_is_handing_over_is_closed_by_force_when_the_monitor_falls_silent(void **state) {
    (void)state;
    start_writer();
    answer_next(orders_of(DUTY_YIELD, 6));
    msec answered = agent.report_sent;
    assert_true(pass_until(SECONDS(30), sees_kill));
    assert_true(now <= answered + cluster.lease.length);
}

static void nobody_listens(void) {
    struct probe nothing = { 0 };
    pass(cluster.lease.report);
    feed((struct agent_event){ .kind = AGENT_PROBED, .probe = &nothing, .process_absent = true });
}

/* A server that is told to stop closes its sockets first, and may then commit for its clients for many seconds. */
static void a_server_that_has_closed_its_door_is_not_taken_for_dead(void **state) {
    (void)state;
    start_writer();
    server_answers = false;
    nobody_listens();
    assert_int_equal(agent.process, PROCESS_RUNNING);
    agent.reporting = false;
    assert_true(pass_until(SECONDS(1), reports));
    assert_false(plan.report.fenced);
    assert_true(plan.report.silent > cluster.health.answer_timeout);
}

static void a_server_that_has_closed_its_door_is_killed_as_soon_as_its_role_is_taken_away(void **state) {
    (void)state;
    start_writer();
    server_answers = false;
    nobody_listens();
    assert_false(sees_kill());
    answer_next(orders_of(DUTY_DRAIN, 6));
    assert_true(sees_kill());
}

static void a_server_that_opens_its_door_again_has_time_to_be_fenced(void **state) {
    (void)state;
    start_writer();
    nobody_listens();
    probed(probe_of(false));
    answer_next(orders_of(DUTY_DRAIN, 6));
    assert_false(sees_kill());
    assert_int_equal(agent.task, TASK_FENCE);
}

/* It was stopped, or the machine was: the server may answer well, and is shut in order. */
static void an_agent_that_wakes_up_after_its_lease_fences_before_it_kills(void **state) {
    (void)state;
    start_writer();
    now += SECONDS(30);
    feed((struct agent_event){ .kind = AGENT_TICK });
    assert_false(plan.server_kill);
    probed(probe_of(false));
    assert_int_equal(plan.task.kind, TASK_FENCE);
    assert_false(plan.server_kill);
    assert_true(pass_until(cluster.lease.fence, sees_kill));
}

/* What is left of its lease is all the time that a fence has, whatever the fence itself may take. */
static void a_fence_ends_with_the_lease_in_which_the_server_was_open(void **state) {
    (void)state;
    start_writer();
    msec until = agent.lease_until;
    pass(until - now - 1200);
    if (!agent.reporting)
        feed((struct agent_event){ .kind = AGENT_NUDGED });
    struct orders held = orders_of(DUTY_HELD, 6);
    held.sequence = agent.sequence;
    pass(700);
    held.sequence = agent.sequence;
    obey(held);
    assert_false(agent.writer);
    assert_true(pass_until(SECONDS(5), sees_kill));
    assert_true(now <= until);
}

/* The monitor goes by what a host says of its trouble in the new term. */
static void a_writer_that_gets_its_role_back_does_not_complain_of_the_hand_over(void **state) {
    (void)state;
    start_writer();
    answer_next(orders_of(DUTY_YIELD, 6));
    assert_true(plan.task.gentle);
    task_done(TASK_FENCE, RC_TIMEOUT);
    assert_string_not_equal(agent.trouble, "");
    answer_next(orders_of(DUTY_WRITER, 7));
    assert_true(agent.writer);
    for (int i = 0; i < 100 && !plan.report_set; i++)
        pass(50);
    assert_int_equal(plan.report.term, 7);
    assert_string_equal(plan.report.trouble, "");
}

static void a_hand_over_ends_whoever_writes_only_when_it_is_told_to(void **state) {
    (void)state;
    start_writer();
    struct orders orders = orders_of(DUTY_YIELD, 6);
    orders.kill = true;
    answer_next(orders);
    assert_int_equal(plan.task.kind, TASK_FENCE);
    assert_false(plan.task.gentle);
}

static void a_writer_that_yields_confirms_only_when_it_is_fenced(void **state) {
    (void)state;
    start_writer();
    answer_next(orders_of(DUTY_YIELD, 6));
    assert_true(plan.report_set);
    assert_false(plan.report.fenced);
    assert_int_equal(plan.report.term, 6);
    feed((struct agent_event){ .kind = AGENT_REPORT_FAILED });
    task_done(TASK_FENCE, RC_OK);
    assert_true(plan.report_set);
    assert_true(plan.report.fenced && !plan.report.writer);
}

static void an_agent_restarted_while_it_yields_does_not_take_the_role_back(void **state) {
    (void)state;
    start_writer();
    answer_next(orders_of(DUTY_YIELD, 6));
    struct agent_durable durable = agent.durable;
    struct agent_address addresses[ADDRESSES_MAX] = { { .present = true, .gone_at = 100000 + 4000 } };
    start(&durable, addresses);
    assert_false(agent.writer);
}

/* ---- passive mode ---- */

static struct orders passive(enum duty duty, uint64_t term) {
    struct orders orders = orders_of(duty, term);
    orders.passive = true;
    return orders;
}

static void passive_touches_nothing(void **state) {
    (void)state;
    static const enum duty duties[] = { DUTY_STANDBY, DUTY_HELD, DUTY_YIELD, DUTY_DRAIN };
    for (size_t i = 0; i < COUNT_OF(duties); i++) {
        struct agent_address addresses[ADDRESSES_MAX] = { [READER_1] = { .present = true, .gone_at = NEVER } };
        start(NULL, addresses);
        probed(probe_of(false));
        for (int n = 0; n < 20; n++) {
            answer_next(passive(duties[i], 5));
            assert_true(touches_nothing());
            assert_false(pass_until(500, touches));
        }
    }
}

/* The server was open when the agent started; then a monitor that knows nobody says «passive». */
static void passive_never_kills_a_server(void **state) {
    (void)state;
    struct agent_durable durable = { .term = 5, .electable = 3, .writer = true };
    start(&durable, NULL);
    answer_next(passive(DUTY_STANDBY, 5));
    probed(probe_of(false));
    for (int n = 0; n < 20; n++) {
        assert_false(pass_until(500, sees_kill));
        answer_next(passive(DUTY_STANDBY, 5));
        assert_false(sees_kill());
    }
}

static void a_lease_that_ends_is_obeyed_in_passive_mode_too(void **state) {
    (void)state;
    start_writer();
    answer_next(passive(DUTY_WRITER, 5));
    assert_true(pass_until(SECONDS(10), sees_task));
    assert_int_equal(plan.task.kind, TASK_FENCE);
}

/* mmm-sim, seed 133631: the machine of a writer was restarted, its role was taken away, and then came «passive»; the
 * monitor that said so lost its store.  One that starts with none answers nobody before each master is known to be
 * shut. */
static void
what_a_former_writer_left_open_is_shut_when_the_monitor_that_said_passive_is_silent_for_a_lease(void **state) {
    (void)state;
    struct agent_durable durable = { .term = 5, .electable = 3, .writer = true };
    start(&durable, NULL);
    answer_next(orders_of(DUTY_DRAIN, 6));
    answer_next(passive(DUTY_DRAIN, 6));
    msec answered = now;
    probed(probe_of(true));
    assert_false(plan.report.fenced);
    assert_false(pass_until(cluster.lease.length - 500, sees_task)); /* its word stands for as long */
    assert_true(pass_until(SECONDS(2), sees_task));
    assert_true(now <= answered + cluster.lease.length);
    assert_int_equal(plan.task.kind, TASK_FENCE);
    task_done(TASK_FENCE, RC_OK);
    assert_true(agent.reporting || plan.report_set);
    for (int i = 0; i < 3; i++) {
        feed((struct agent_event){ .kind = AGENT_REPORT_FAILED });
        assert_false(pass_until(SECONDS(1), sees_task)); /* and nothing else is touched */
    }
    assert_true(plan.report.fenced);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_never_opened_without_a_lease),
        cmocka_unit_test(a_server_is_not_opened_within_the_fence_budget),
        cmocka_unit_test(a_look_that_began_before_a_task_ended_does_not_overwrite_its_result),
        cmocka_unit_test(a_late_look_at_a_dead_process_does_not_bring_it_back),
        cmocka_unit_test(a_new_process_under_a_writer_is_a_death),
        cmocka_unit_test(a_full_server_is_alive),
        cmocka_unit_test(a_stuck_canary_is_reported_with_its_age),
        cmocka_unit_test(a_look_in_vain_never_goes_back_on_what_a_task_has_done),
        cmocka_unit_test(a_canary_that_was_let_through_is_stuck_no_more),
        cmocka_unit_test(a_failed_task_is_told_and_tried_again_later),
        cmocka_unit_test(a_standby_follows_the_source_it_is_told),
        cmocka_unit_test(a_source_changed_by_hand_is_reported_before_it_is_changed_back),
        cmocka_unit_test(a_thread_that_stopped_with_an_error_is_left_for_a_person),
        cmocka_unit_test(yield_fences_keeps_the_address_and_never_kills),
        cmocka_unit_test(a_server_that_is_handing_over_is_closed_by_force_when_the_monitor_falls_silent),
        cmocka_unit_test(a_server_that_has_closed_its_door_is_not_taken_for_dead),
        cmocka_unit_test(a_server_that_has_closed_its_door_is_killed_as_soon_as_its_role_is_taken_away),
        cmocka_unit_test(a_server_that_opens_its_door_again_has_time_to_be_fenced),
        cmocka_unit_test(an_agent_that_wakes_up_after_its_lease_fences_before_it_kills),
        cmocka_unit_test(a_fence_ends_with_the_lease_in_which_the_server_was_open),
        cmocka_unit_test(a_writer_that_gets_its_role_back_does_not_complain_of_the_hand_over),
        cmocka_unit_test(a_hand_over_ends_whoever_writes_only_when_it_is_told_to),
        cmocka_unit_test(a_writer_that_yields_confirms_only_when_it_is_fenced),
        cmocka_unit_test(an_agent_restarted_while_it_yields_does_not_take_the_role_back),
        cmocka_unit_test(passive_touches_nothing),
        cmocka_unit_test(passive_never_kills_a_server),
        cmocka_unit_test(a_lease_that_ends_is_obeyed_in_passive_mode_too),
        cmocka_unit_test(
            what_a_former_writer_left_open_is_shut_when_the_monitor_that_said_passive_is_silent_for_a_lease),
        cmocka_unit_test(a_server_that_came_back_receives_again_though_its_applier_runs_already),
        cmocka_unit_test(a_receiver_that_somebody_has_stopped_stays_so_when_the_agent_is_restarted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
