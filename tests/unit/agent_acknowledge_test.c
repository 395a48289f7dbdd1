/* Lossless mode, the agent's side: what it tells of its writer's commits, and what it remembers as a standby. */
#include "agent_pieces.h"

static struct gtid_position at(uint64_t number) {
    struct gtid_position position = { 0 };
    assert_true(gtid_raise(&position, (struct gtid){ .server = 11, .sequence = number }));
    return position;
}

static struct report last_report;

static bool reported(void) {
    if (plan.report_set)
        last_report = plan.report;
    return false;
}

/* A look that began now. */
static void looks(struct probe probe) {
    agent.look_started = now;
    probed(probe);
    reported();
    pass_until(600, reported);
}

static struct probe waiting(uint64_t acknowledged, uint32_t sessions) {
    struct probe probe = probe_of(false);
    probe.semi_sync = (struct semi_sync){
        .known = true, .enabled = true, .waits = true, .clients = 1, .waiting = sessions, .acknowledged = acknowledged
    };
    return probe;
}

static void order_protection(bool protect) {
    struct orders orders = agent.orders;
    orders.protect = protect;
    orders.electable = 3;
    answer_next(orders);
    reported();
}

static void a_writer_is_protected_only_after_a_commit_was_acknowledged(void **state) {
    (void)state;
    start_writer();
    order_protection(true);
    looks(waiting(10, 0));
    assert_int_equal(last_report.protection, PROTECTION_UNKNOWN);
    order_protection(true);
    looks(waiting(11, 0));
    assert_int_equal(last_report.protection, PROTECTION_ON);
}

/* Its peers let it live, and nobody has told it whether it is to wait. */
static void a_writer_whose_agent_was_restarted_never_opens_its_server_again_before_it_waits(void **state) {
    (void)state;
    struct agent_durable durable = { .term = 5, .electable = 3, .writer = true };
    struct agent_address addresses[ADDRESSES_MAX] = { [WRITER_ADDRESS] = { true, 104500 } };
    start(&durable, addresses);
    cluster.durability = DURABILITY_LOSSLESS;
    assert_true(agent.writer);
    struct probe probe = probe_of(true);
    probe.semi_sync.known = true;
    probed(probe);
    assert_int_equal(plan.task.kind, TASK_READY);
    task_done(TASK_READY, RC_OK);
    assert_int_equal(plan.task.kind, TASK_SEMI_SYNC);
    assert_true(plan.task.waits);
    task_done(TASK_SEMI_SYNC, RC_OK);
    assert_int_equal(plan.task.kind, TASK_OPEN);
}

static void a_server_that_does_not_wait_is_told_of_and_set_right(void **state) {
    (void)state;
    start_writer();
    order_protection(true);
    struct probe probe = waiting(10, 0);
    probe.semi_sync.waits = false;
    agent.look_started = now;
    probed(probe);
    assert_int_equal(plan.task.kind, TASK_SEMI_SYNC);
    assert_true(plan.task.waits);
}

/* MySQL's servers can be told for how many; the electable set is what says it. */
static void a_server_that_waits_for_fewer_than_its_peers_is_not_protected_and_is_set_right(void **state) {
    (void)state;
    start_writer();
    struct probe probe = waiting(10, 0);
    probe.semi_sync.wait_count = 1;
    order_protection(true);
    looks(probe);
    probe.semi_sync.acknowledged = 11;
    struct orders orders = agent.orders;
    orders.electable = 7;
    answer_next(orders);
    assert_int_equal(plan.task.kind, TASK_SEMI_SYNC);
    assert_true(plan.task.waits);
    assert_int_equal(plan.task.wait_count, 2);
    task_done(TASK_SEMI_SYNC, RC_SERVER);
    answer_next(orders);
    agent.look_started = now;
    probed(probe);
    agent.report_wanted = true;
    pass_until(100, reported);
    assert_int_equal(agent.task, TASK_NONE); /* it will be tried again */
    assert_int_equal(last_report.electable, 7);
    assert_int_equal(last_report.protection, PROTECTION_UNKNOWN);
}

/* The new writer may be fetching from here, and to switch the server makes its replicas leave. */
static void a_former_writer_is_not_switched_before_it_follows(void **state) {
    (void)state;
    start(NULL, NULL);
    pass(cluster.lease.length + 1);
    struct orders orders = orders_of(DUTY_STANDBY, 5);
    orders.source = HOST_NONE;
    orders.acknowledge = true; /* FOLLOW will see to it */
    struct probe probe = waiting(10, 0);
    probe.read_only = true;
    probed(probe);
    answer_next(orders);
    assert_int_equal(plan.task.kind, TASK_NONE);
}

/* The role can come back within moments: whatever was switched last, the server is not opened before it waits. */
static void a_writer_is_never_opened_before_it_waits(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(true));
    pass(SECONDS(6));
    struct probe probe = waiting(10, 0);
    probe.read_only = true;
    probed(probe);
    agent.semi_sync_next = now + SECONDS(2);
    struct orders orders = orders_of(DUTY_WRITER, 5);
    orders.protect = true;
    answer_next(orders);
    assert_int_equal(plan.task.kind, TASK_READY);
    task_done(TASK_READY, RC_OK);
    assert_int_equal(plan.task.kind, TASK_SEMI_SYNC);
    assert_true(plan.task.waits);
    task_done(TASK_SEMI_SYNC, RC_OK);
    assert_int_equal(plan.task.kind, TASK_OPEN);
}

/* The orders with which a restarted agent goes on are its own and say nothing of protection. */
static void an_agent_that_was_restarted_switches_nothing_off_before_it_hears_the_monitor(void **state) {
    (void)state;
    start_writer();
    agent.obeyed = false;
    agent.orders.protect = false;
    agent.look_started = now;
    probed(waiting(10, 0));
    assert_int_equal(plan.task.kind, TASK_NONE);
}

static void commits_that_wait_are_told_of_with_their_age(void **state) {
    (void)state;
    start_writer();
    order_protection(true);
    looks(waiting(10, 0));
    assert_true(last_report.unacknowledged == 0);
    order_protection(true);
    looks(waiting(10, 2));
    assert_true(last_report.unacknowledged > 0);
    order_protection(true);
    agent.look_started = now;
    probed(waiting(12, 2)); /* some were acknowledged meanwhile */
    assert_true(agent.unacknowledged_since == NEVER);
}

static void see_commits_wait(void) {
    start_writer();
    order_protection(true);
    looks(waiting(10, 0));
    order_protection(true);
    looks(waiting(10, 2));
    assert_true(last_report.unacknowledged > 0);
}

/* Else the standby would be out of the set for it, and nobody could replace the frozen writer. */
static void commits_that_waited_at_a_server_that_has_frozen_are_no_word_against_its_standbys(void **state) {
    (void)state;
    see_commits_wait();
    server_answers = false;
    for (msec end = now + SECONDS(4); now < end; pass_until(600, reported)) {
        answer_next(agent.orders);
        reported();
        assert_true(last_report.unacknowledged <= cluster.failover.acknowledge_timeout);
    }
    assert_true(last_report.silent > cluster.health.answer_timeout);
}

/* It froze while it was looked at: it had said that it lives, and what else is told is of the look before. */
static void a_look_that_the_server_did_not_live_to_finish_tells_nothing_of_commits(void **state) {
    (void)state;
    see_commits_wait();
    order_protection(true);
    agent.look_started = now;
    now += cluster.health.answer_timeout - 200;
    struct probe probe = waiting(10, 2);
    probe.kept = probe.canary_tried = true;
    probed(probe);
    answer_next(agent.orders);
    reported();
    assert_true(last_report.unacknowledged <= cluster.failover.acknowledge_timeout);
}

/* «Stuck» is to be seen in time: its binary log's disk is full, say, and that is no standby's fault. */
static void a_server_that_tells_nothing_more_is_not_known_to_wait_for_its_standbys(void **state) {
    (void)state;
    see_commits_wait();
    struct probe probe = waiting(10, 2);
    probe.kept = probe.canary_tried = true;
    for (msec end = now + 2 * cluster.health.answer_timeout; now < end;) {
        order_protection(true);
        looks(probe);
    }
    order_protection(true);
    reported();
    assert_true(last_report.unacknowledged == 0);
}

/* A standby that does not acknowledge is to be left out, which takes a moment; a look that is in vain in between is no
 * reason to take the role from its writer instead (W21). */
static void one_look_in_vain_never_makes_a_wait_forgotten(void **state) {
    (void)state;
    see_commits_wait();
    order_protection(true);
    agent.look_started = now;
    now += cluster.health.answer_timeout;
    struct probe probe = waiting(10, 2);
    probe.kept = probe.canary_tried = true;
    probed(probe);
    answer_next(agent.orders);
    reported();
    assert_true(last_report.unacknowledged > 0);
    order_protection(true);
    looks(waiting(10, 2));
    assert_true(last_report.unacknowledged > cluster.failover.acknowledge_timeout);
}

/* On a busy machine positions may take seconds while commits stand still; what those wait for is seen all the same. */
static void a_wait_is_told_of_in_time_where_positions_cannot_be_read(void **state) {
    (void)state;
    see_commits_wait();
    msec since = agent.unacknowledged_since;
    struct probe probe = waiting(10, 2);
    probe.kept = probe.canary_tried = probe.canary_waits = true;
    server_answers = false;
    for (int i = 0; i < 3 && last_report.unacknowledged <= cluster.failover.acknowledge_timeout; i++) {
        order_protection(true);
        agent.look_started = now;
        pass_until(400, reported);
        probed(probe);
        reported();
    }
    order_protection(true);
    assert_true(last_report.unacknowledged > cluster.failover.acknowledge_timeout);
    assert_true(now - since < 2 * cluster.failover.acknowledge_timeout);
}

static void what_waited_before_a_server_froze_is_forgotten_when_it_goes_on(void **state) {
    (void)state;
    see_commits_wait();
    server_answers = false;
    for (msec end = now + SECONDS(10); now < end; pass(600))
        answer_next(agent.orders);
    looks(waiting(10, 2));
    assert_true(last_report.unacknowledged <= cluster.lease.report + 2);
}

static void a_single_long_look_is_no_long_wait(void **state) {
    (void)state;
    start_writer();
    order_protection(true);
    looks(waiting(10, 0));
    order_protection(true);
    agent.look_started = now;
    now += 1800;
    struct probe probe = waiting(40, 2);
    probe.canary_tried = true;
    probed(probe);
    reported();
    order_protection(true);
    assert_true(last_report.unacknowledged > 0);
    assert_true(last_report.unacknowledged <= cluster.failover.acknowledge_timeout);
}

static void the_pace_of_reports_never_makes_a_wait_longer_than_it_was_seen(void **state) {
    (void)state;
    start_writer();
    order_protection(true);
    looks(waiting(10, 0));
    cluster.lease.report = 4 * cluster.failover.acknowledge_timeout;
    order_protection(true);
    server_answers = false;
    agent.look_started = now;
    probed(waiting(10, 2));
    order_protection(true);
    pass_until(cluster.lease.report + 100, reported);
    order_protection(true);
    assert_true(last_report.unacknowledged > 0);
    assert_true(last_report.unacknowledged <= cluster.failover.acknowledge_timeout);
}

/* A look that got no further than «it lives» is handed on with what the look before it had seen. */
static struct probe in_vain_after(struct probe before) {
    before.kept = true;
    return before;
}

static void looks_in_vain_around_a_switch_never_make_a_writer_protected(void **state) {
    (void)state;
    start_writer();
    order_protection(true);
    looks(waiting(10, 0));
    order_protection(true);
    looks(waiting(11, 0));
    assert_int_equal(last_report.protection, PROTECTION_ON);
    order_protection(false);
    assert_int_equal(plan.task.kind, TASK_SEMI_SYNC);
    task_done(TASK_SEMI_SYNC, RC_OK);
    order_protection(true);
    assert_int_equal(agent.task, TASK_SEMI_SYNC);
    task_done(TASK_SEMI_SYNC, RC_OK);
    order_protection(true);
    looks(in_vain_after(waiting(11, 0)));
    order_protection(true);
    looks(waiting(12, 0));
    order_protection(true);
    assert_int_equal(last_report.protection, PROTECTION_UNKNOWN);
}

static void become_standby(void) {
    start(NULL, NULL);
    pass(cluster.lease.length + 1);
    struct orders orders = orders_of(DUTY_STANDBY, 5);
    orders.electable = 3;
    probed(probe_of(true));
    answer_next(orders);
}

static void what_a_standby_in_the_set_has_received_is_written_down_once_a_second(void **state) {
    (void)state;
    become_standby();
    unsigned notes = 0;
    for (unsigned i = 1; i <= 40; i++) {
        struct probe probe = probe_of(true);
        probe.received = at(i);
        agent.look_started = now;
        probed(probe);
        notes += plan.note;
        now += 100;
    }
    assert_in_range(notes, 3, 5);
    assert_false(plan.save);
}

static void a_standby_that_has_less_than_it_had_received_says_so(void **state) {
    (void)state;
    become_standby();
    agent.durable.received = at(50);
    struct probe probe = probe_of(true);
    probe.received = at(48);
    answer_next(orders_of(DUTY_STANDBY, 5));
    looks(probe);
    assert_true(gtid_domain_sequence(&last_report.lacks, 0) == 50);
    assert_true(gtid_domain_sequence(&agent.durable.received, 0) == 50);
}

static void one_that_is_not_counted_on_any_more_forgets_it(void **state) {
    (void)state;
    become_standby();
    agent.durable.received = at(50);
    struct orders orders = orders_of(DUTY_STANDBY, 6);
    orders.electable = 2;
    answer_next(orders);
    assert_int_equal(agent.durable.received.count, 0);
}

/* A commit takes 400 ms, by a slow disk of the writer or a far standby: each canary is late, and another one was
 * acknowledged since the look before, twice a second and more. */
static void commits_are_acknowledged_late(bool kept) {
    start_writer();
    order_protection(true);
    looks(waiting(10, 0));
    struct probe probe = waiting(10, 1);
    probe.canary_tried = true;
    probe.kept = probe.canary_waits = kept;
    server_answers = false;
    for (int i = 0; i < 8; i++) {
        order_protection(true);
        probe.semi_sync.acknowledged += 100;
        agent.look_started = now;
        pass_until(400, reported);
        probed(probe);
        reported();
        assert_true(last_report.unacknowledged <= cluster.failover.acknowledge_timeout);
    }
}

static void a_standby_that_acknowledges_late_is_not_one_that_does_not(void **state) {
    (void)state;
    commits_are_acknowledged_late(false);
}

static void nor_where_positions_come_too_late_to_be_read(void **state) {
    (void)state;
    commits_are_acknowledged_late(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_is_protected_only_after_a_commit_was_acknowledged),
        cmocka_unit_test(a_writer_whose_agent_was_restarted_never_opens_its_server_again_before_it_waits),
        cmocka_unit_test(a_server_that_does_not_wait_is_told_of_and_set_right),
        cmocka_unit_test(a_server_that_waits_for_fewer_than_its_peers_is_not_protected_and_is_set_right),
        cmocka_unit_test(a_former_writer_is_not_switched_before_it_follows),
        cmocka_unit_test(a_writer_is_never_opened_before_it_waits),
        cmocka_unit_test(an_agent_that_was_restarted_switches_nothing_off_before_it_hears_the_monitor),
        cmocka_unit_test(commits_that_wait_are_told_of_with_their_age),
        cmocka_unit_test(commits_that_waited_at_a_server_that_has_frozen_are_no_word_against_its_standbys),
        cmocka_unit_test(a_look_that_the_server_did_not_live_to_finish_tells_nothing_of_commits),
        cmocka_unit_test(a_server_that_tells_nothing_more_is_not_known_to_wait_for_its_standbys),
        cmocka_unit_test(one_look_in_vain_never_makes_a_wait_forgotten),
        cmocka_unit_test(a_wait_is_told_of_in_time_where_positions_cannot_be_read),
        cmocka_unit_test(what_waited_before_a_server_froze_is_forgotten_when_it_goes_on),
        cmocka_unit_test(a_single_long_look_is_no_long_wait),
        cmocka_unit_test(the_pace_of_reports_never_makes_a_wait_longer_than_it_was_seen),
        cmocka_unit_test(looks_in_vain_around_a_switch_never_make_a_writer_protected),
        cmocka_unit_test(what_a_standby_in_the_set_has_received_is_written_down_once_a_second),
        cmocka_unit_test(a_standby_that_has_less_than_it_had_received_says_so),
        cmocka_unit_test(one_that_is_not_counted_on_any_more_forgets_it),
        cmocka_unit_test(a_standby_that_acknowledges_late_is_not_one_that_does_not),
        cmocka_unit_test(nor_where_positions_come_too_late_to_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
