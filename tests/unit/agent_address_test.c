/* Which role addresses the agent serves, keeps and gives up, and when. */
#include "agent_pieces.h"

static bool drops_reader(void) {
    return set_has(plan.address_remove, READER_1);
}

static bool serves_reader(void) {
    return set_has(plan.address_set, READER_1);
}

static bool drops_writer(void) {
    return set_has(plan.address_remove, WRITER_ADDRESS);
}

static bool serves_writer(void) {
    return set_has(plan.address_set, WRITER_ADDRESS);
}

/* ---- the writer's address ---- */

static void the_writers_address_is_not_served_before_the_server_is_open(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(true));
    pass(SECONDS(6));
    answer_next(orders_of(DUTY_WRITER, 5));
    assert_false(set_has(plan.address_set, WRITER_ADDRESS));
    task_done(TASK_READY, RC_OK);
    assert_false(set_has(plan.address_set, WRITER_ADDRESS));
    task_done(TASK_OPEN, RC_OK);
    assert_true(set_has(plan.address_set, WRITER_ADDRESS));
}

static bool outlives(void) {
    for (int i = 0; i < cluster.address_count; i++)
        if (set_has(plan.address_set, i) &&
            now + plan.address_lifetime[i] > (i == WRITER_ADDRESS ? agent.lease_until : agent.contact_until))
            return true;
    return false;
}

static void no_address_outlives_its_lease(void **state) {
    (void)state;
    start_writer();
    for (int i = 0; i < 40; i++) {
        assert_false(pass_until(i % 7 * 100, outlives));
        struct orders orders = orders_of(DUTY_WRITER, 5);
        orders.addresses |= set_of(READER_1);
        answer_next(orders);
        assert_false(outlives());
    }
}

static void a_writers_address_that_has_left_returns_with_the_next_renewal_only(void **state) {
    (void)state;
    start_writer();
    cluster.lease.length = 4500; /* the kernel's whole seconds end well before the fence begins */
    for (int i = 0; i < 3; i++)
        answer_next(orders_of(DUTY_WRITER, 5));
    assert_true(pass_until(SECONDS(5), drops_writer));
    assert_true(agent.writer && now < agent.lease_until - cluster.lease.fence);
    assert_false(pass_until(400, serves_writer));
    assert_true(agent.writer);
    answer_next(orders_of(DUTY_WRITER, 5));
    assert_true(serves_writer());
}

static void a_stranger_is_told_only_for_an_address_that_is_served_here(void **state) {
    (void)state;
    start_writer();
    struct stranger stranger = { .address = READER_2, .mac = { .bytes = { 9, 9, 9, 9, 9, 9 } } };
    feed((struct agent_event){ .kind = AGENT_STRANGER, .stranger = stranger });
    assert_int_equal(agent.stranger.address, -1);
    stranger.address = WRITER_ADDRESS;
    feed((struct agent_event){ .kind = AGENT_STRANGER, .stranger = stranger });
    answer_next(orders_of(DUTY_WRITER, 5));
    assert_int_equal(agent.stranger.address, WRITER_ADDRESS);
    for (int i = 0; i < 70; i++)
        answer_next(orders_of(DUTY_WRITER, 5)), pass(500);
    assert_int_equal(agent.stranger.address, -1);
}

/* ---- kept until it is served elsewhere ---- */

static void claimed(int address) {
    struct stranger stranger = { .address = address, .mac = { .bytes = { 2, 0, 0, 0, 0, 2 } } };
    feed((struct agent_event){ .kind = AGENT_STRANGER, .stranger = stranger });
}

static bool announces_writer(void) {
    return set_has(plan.address_announce, WRITER_ADDRESS);
}

/* The server is dead, the role resigned, and the address kept for whoever comes. */
static void start_keeper(void) {
    start_writer();
    feed((struct agent_event){ .kind = AGENT_SERVER_GONE });
    struct orders orders = orders_of(DUTY_STANDBY, 6);
    orders.addresses = set_of(WRITER_ADDRESS);
    answer_next(orders);
    assert_true(agent.durable.term == 6 && !drops_writer() && agent.addresses[WRITER_ADDRESS].present);
}

static void start_handing_over(enum rc fenced) {
    start_writer();
    answer_next(orders_of(DUTY_YIELD, 6));
    task_done(TASK_FENCE, fenced);
    assert_false(drops_writer());
}

static void a_dead_writers_address_is_given_up_the_moment_another_host_claims_it(void **state) {
    (void)state;
    start_keeper();
    claimed(READER_1);
    assert_false(drops_writer());
    claimed(WRITER_ADDRESS);
    assert_true(drops_writer());
    assert_string_equal(plan.events[0].rule, "A23");
    assert_int_equal(agent.stranger.address, -1); /* that is how it should be: nothing to complain of */
    struct orders orders = orders_of(DUTY_STANDBY, 6);
    orders.addresses = set_of(WRITER_ADDRESS); /* sent before */
    answer_next(orders);
    assert_false(pass_until(SECONDS(1), serves_writer));
}

static void an_address_that_is_being_handed_over_is_given_up_the_moment_another_host_claims_it(void **state) {
    (void)state;
    start_handing_over(RC_OK);
    claimed(WRITER_ADDRESS);
    assert_true(drops_writer());
}

/* Commits may stand in the way: then the role returns, and its clients are not to be cut off. */
static void an_address_whose_server_is_not_shut_yet_is_never_given_up_in_a_hand_over(void **state) {
    (void)state;
    start_handing_over(RC_TIMEOUT);
    claimed(WRITER_ADDRESS);
    assert_false(drops_writer());
    assert_false(pass_until(2 * cluster.lease.report + 100, drops_writer));
    answer_next(orders_of(DUTY_WRITER, 7));
    assert_true(agent.writer && agent.addresses[WRITER_ADDRESS].present);
}

static void a_writer_that_gets_its_role_back_serves_and_announces_what_it_had_given_up(void **state) {
    (void)state;
    start_handing_over(RC_OK);
    claimed(WRITER_ADDRESS);
    assert_true(drops_writer());
    answer_next(orders_of(DUTY_WRITER, 7));
    task_done(TASK_READY, RC_OK);
    task_done(TASK_OPEN, RC_OK);
    assert_true(serves_writer() && announces_writer());
}

static void start_again(struct agent_durable durable) {
    struct agent_address addresses[ADDRESSES_MAX] = { 0 };
    start(NULL, NULL);
    addresses[WRITER_ADDRESS] = (struct agent_address){ .present = true, .gone_at = now + SECONDS(4) };
    start(&durable, addresses);
}

static void an_agent_that_was_restarted_gives_up_what_another_host_claims(void **state) {
    (void)state;
    start_again((struct agent_durable){ .term = 6, .resigned = true });
    assert_false(drops_writer());
    claimed(WRITER_ADDRESS);
    assert_true(drops_writer());
}

/* Its server may be the writer. */
static void an_agent_that_knows_nothing_keeps_what_another_host_claims(void **state) {
    (void)state;
    start_again((struct agent_durable){ 0 });
    claimed(WRITER_ADDRESS);
    assert_false(drops_writer());
}

static void a_writer_whose_agent_was_restarted_keeps_what_somebody_claims(void **state) {
    (void)state;
    start_again((struct agent_durable){ .term = 6, .electable = set_of(DB1) | set_of(DB2), .writer = true });
    claimed(WRITER_ADDRESS);
    assert_false(drops_writer());
}

static void a_writer_that_hangs_keeps_its_address_though_somebody_claims_it(void **state) {
    (void)state;
    start_writer();
    server_answers = false;
    pass(SECONDS(2));
    assert_true(agent.writer);
    claimed(WRITER_ADDRESS);
    assert_false(drops_writer());
}

static void a_writer_never_gives_its_address_up_because_somebody_claims_it(void **state) {
    (void)state;
    start_writer();
    claimed(WRITER_ADDRESS);
    assert_false(drops_writer());
    assert_false(pass_until(SECONDS(1), drops_writer));
    assert_int_equal(agent.stranger.address, WRITER_ADDRESS);
}

static void passive_keeps_an_address_that_somebody_claims(void **state) {
    (void)state;
    start_keeper();
    struct orders orders = orders_of(DUTY_STANDBY, 6);
    orders.addresses = set_of(WRITER_ADDRESS);
    orders.passive = true;
    answer_next(orders);
    claimed(WRITER_ADDRESS);
    assert_false(drops_writer());
}

static void a_dead_writers_address_is_given_up_when_nobody_can_be_expected_to_tell_who_serves_it(void **state) {
    (void)state;
    start_keeper();
    msec heard = now;
    assert_true(pass_until(SECONDS(3), drops_writer));
    assert_string_equal(plan.events[0].rule, "A24");
    assert_int_equal(now, heard + 2 * cluster.lease.report + 1);
}

/* Whoever serves it now has announced it: clients are not to be drawn back. */
static void an_address_that_is_only_kept_is_not_announced(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(true));
    pass(SECONDS(6));
    answer_next(orders_of(DUTY_WRITER, 5));
    task_done(TASK_READY, RC_OK);
    task_done(TASK_OPEN, RC_OK);
    assert_true(announces_writer());
    feed((struct agent_event){ .kind = AGENT_SERVER_GONE });
    struct orders orders = orders_of(DUTY_STANDBY, 6);
    orders.addresses = set_of(WRITER_ADDRESS);
    msec since = now;
    while (agent.addresses[WRITER_ADDRESS].present) {
        answer_next(orders);
        assert_false(announces_writer() || pass_until(100, announces_writer));
    }
    assert_true(now - since > SECONDS(2));
}

/* ---- readers' addresses ---- */

static void start_reader(void) {
    start(NULL, NULL);
    pass(SECONDS(6)); /* an agent that has just started may have given its word, and waits */
    probed(probe_of(true));
    pass(SECONDS(6)); /* whoever starts acts as if it had just given its word */
    struct orders orders = orders_of(DUTY_STANDBY, 5);
    orders.addresses = set_of(READER_1);
    answer_next(orders);
    assert_true(serves_reader());
}

/* Rounds of questions for «length», answered by each peer of the two in the order given. */
static bool answer_rounds(msec length, int first, msec first_silent, int second, msec second_silent,
                          bool (*seen)(void)) {
    uint64_t round = agent.round.round;
    for (msec end = now + length; now < end;) {
        if (pass_until(50, seen))
            return true;
        if (agent.round.round == round)
            continue;
        round = agent.round.round;
        answered_by(first, false, first_silent);
        if (seen())
            return true;
        answered_by(second, false, second_silent);
        if (seen())
            return true;
    }
    return false;
}

static void a_readers_address_outlives_a_dead_monitor_while_nobody_hears_it(void **state) {
    (void)state;
    start_reader();
    assert_false(answer_rounds(SECONDS(20), DB2, SECONDS(9), DB3, SECONDS(9), drops_reader));
}

static void a_readers_address_goes_when_a_peer_hears_the_monitor(void **state) {
    (void)state;
    start_reader();
    assert_true(answer_rounds(SECONDS(8), DB2, 100, DB3, SECONDS(9), drops_reader));
}

static void the_order_of_the_answers_does_not_matter(void **state) {
    (void)state;
    start_reader();
    assert_true(answer_rounds(SECONDS(8), DB2, SECONDS(9), DB3, 100, drops_reader));
}

static void a_readers_address_goes_when_nobody_answers(void **state) {
    (void)state;
    start_reader();
    assert_true(pass_until(SECONDS(8), drops_reader));
}

/* Meanwhile it may have been given to somebody else: only new orders can tell. */
static void a_readers_address_that_has_gone_does_not_return_on_the_word_of_a_peer(void **state) {
    (void)state;
    start_reader();
    assert_true(pass_until(SECONDS(8), drops_reader));
    assert_false(answer_rounds(SECONDS(8), DB2, SECONDS(9), DB3, SECONDS(9), serves_reader));
}

/* What the kernel has taken cannot be reset any more: an agent that is there goes first, whatever the lease's length.
 */
static void an_address_that_nobody_renews_goes_before_the_kernel_takes_it(void **state) {
    (void)state;
    enum { KERNEL_EARLY = 20, TIME_FOR_IT = 50, SETTING_TAKES = 20 };
    for (msec length = SECONDS(2); length <= SECONDS(8); length += 300) {
        start_reader();
        struct orders orders = orders_of(DUTY_STANDBY, 5);
        orders.addresses = set_of(READER_1);
        orders.lease = cluster.lease.length = length;
        answer_next(orders);
        while (!serves_reader())
            answer_next(orders);
        msec kernels = now + cluster_kernel_lifetime(plan.address_lifetime[READER_1]);
        msec sooner = now + cluster_kernel_lifetime(plan.address_lifetime[READER_1] - SETTING_TAKES);
        assert_true(pass_until(length, drops_reader));
        assert_in_range(now, sooner - 200, kernels - KERNEL_EARLY - TIME_FOR_IT);
        assert_true(now <= sooner - KERNEL_EARLY - TIME_FOR_IT);
        /* What is left of the lease is no reason to serve it again, and new orders are. */
        assert_false(pass_until(SECONDS(3), serves_reader));
        answer_next(orders);
        pass(length + cluster.lease.margin + 1);
        answer_next(orders);
        assert_true(serves_reader());
    }
}

/* The monitor knows what this host can have from its reports: after orders that did not arrive the address may be
 * somebody else's. */
static void a_readers_address_is_not_taken_up_later_than_the_orders_that_gave_it(void **state) {
    (void)state;
    start(NULL, NULL);
    probed(probe_of(true));
    pass(4600);
    struct orders orders = orders_of(DUTY_STANDBY, 5);
    orders.addresses = set_of(READER_1);
    answer_next(orders);
    assert_false(serves_reader()); /* it may have given its word just before it was started */
    assert_false(pass_until(SECONDS(2), serves_reader));
    answer_next(orders);
    assert_true(serves_reader());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writers_address_is_not_served_before_the_server_is_open),
        cmocka_unit_test(no_address_outlives_its_lease),
        cmocka_unit_test(a_writers_address_that_has_left_returns_with_the_next_renewal_only),
        cmocka_unit_test(a_stranger_is_told_only_for_an_address_that_is_served_here),
        cmocka_unit_test(a_dead_writers_address_is_given_up_the_moment_another_host_claims_it),
        cmocka_unit_test(an_address_that_is_being_handed_over_is_given_up_the_moment_another_host_claims_it),
        cmocka_unit_test(an_address_whose_server_is_not_shut_yet_is_never_given_up_in_a_hand_over),
        cmocka_unit_test(a_writer_that_gets_its_role_back_serves_and_announces_what_it_had_given_up),
        cmocka_unit_test(an_agent_that_was_restarted_gives_up_what_another_host_claims),
        cmocka_unit_test(an_agent_that_knows_nothing_keeps_what_another_host_claims),
        cmocka_unit_test(a_writer_whose_agent_was_restarted_keeps_what_somebody_claims),
        cmocka_unit_test(a_writer_that_hangs_keeps_its_address_though_somebody_claims_it),
        cmocka_unit_test(a_writer_never_gives_its_address_up_because_somebody_claims_it),
        cmocka_unit_test(passive_keeps_an_address_that_somebody_claims),
        cmocka_unit_test(a_dead_writers_address_is_given_up_when_nobody_can_be_expected_to_tell_who_serves_it),
        cmocka_unit_test(an_address_that_is_only_kept_is_not_announced),
        cmocka_unit_test(a_readers_address_outlives_a_dead_monitor_while_nobody_hears_it),
        cmocka_unit_test(a_readers_address_goes_when_a_peer_hears_the_monitor),
        cmocka_unit_test(the_order_of_the_answers_does_not_matter),
        cmocka_unit_test(a_readers_address_goes_when_nobody_answers),
        cmocka_unit_test(a_readers_address_that_has_gone_does_not_return_on_the_word_of_a_peer),
        cmocka_unit_test(an_address_that_nobody_renews_goes_before_the_kernel_takes_it),
        cmocka_unit_test(a_readers_address_is_not_taken_up_later_than_the_orders_that_gave_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
