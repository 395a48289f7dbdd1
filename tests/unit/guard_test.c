/* What the guard lets clients reach, as the agent's core decides it. */
#include "agent_pieces.h"

static const struct agent_durable was_writer = { .term = 5, .electable = 3, .writer = true };

/* The guard as the kernel has it, from the last plan that set it, at this moment. */
static address_set held;
static msec held_until[ADDRESSES_MAX];

static void note_plan(void) {
    if (!plan.guard_set)
        return;
    held = plan.guard;
    memcpy(held_until, plan.guard_until, sizeof held_until);
}

static bool noted(void) {
    note_plan();
    return false;
}

static bool is_reached(int address) {
    return set_has(held, address) && held_until[address] > now;
}

static void forget(void) {
    held = 0;
    memset(held_until, 0, sizeof held_until);
}

static struct orders orders_with(enum duty duty, uint64_t term, address_set addresses) {
    struct orders orders = orders_of(duty, term);
    orders.addresses = addresses;
    return orders;
}

static void is_writer_now(void) {
    forget();
    start_writer();
    note_plan();
    pass_until(1001, noted); /* the whole is set again in this time */
}

static void a_standby_without_an_address_is_reached_by_nobody(void **state) {
    (void)state;
    forget();
    start(NULL, NULL);
    note_plan();
    assert_true(plan.guard_set);
    probed(probe_of(true));
    answer_next(orders_of(DUTY_STANDBY, 5));
    pass_until(SECONDS(2), noted);
    assert_int_equal(held, 0);
}

static void the_writers_address_is_let_through_until_its_lease_ends(void **state) {
    (void)state;
    is_writer_now();
    answer_next(orders_of(DUTY_WRITER, 5));
    note_plan();
    assert_true(is_reached(WRITER_ADDRESS));
    assert_in_range(held_until[WRITER_ADDRESS], agent.lease_until - 200, agent.lease_until);
    assert_int_equal(held, set_of(WRITER_ADDRESS));
}

/* SIGKILL of the agent: nothing is planned any more, and what the kernel has been told ends by itself. */
static void nothing_outlives_the_lease_of_an_agent_that_is_dead(void **state) {
    (void)state;
    is_writer_now();
    msec lease_until = agent.lease_until;
    for (int i = 0; i < cluster.address_count; i++)
        assert_true(held_until[i] <= lease_until);
}

static void letting_through_is_a_right_and_shutting_is_none(void **state) {
    (void)state;
    is_writer_now();
    answer_next(orders_of(DUTY_WRITER, 5));
    pass(500);
    answer_next(orders_of(DUTY_WRITER, 5));
    assert_true(plan.guard_set && plan.guard_opens);
    answer_next(orders_with(DUTY_STANDBY, 6, 0));
    assert_true(plan.guard_set);
    assert_false(plan.guard_opens);
    assert_int_equal(plan.guard, 0);
}

static bool fences(void) {
    note_plan();
    return plan.task.kind == TASK_FENCE;
}

static void clients_are_shut_out_when_fencing_begins(void **state) {
    (void)state;
    is_writer_now();
    assert_true(pass_until(SECONDS(10), fences));
    assert_false(is_reached(WRITER_ADDRESS));
}

/* In a hand-over somebody must answer for the address until it is served elsewhere; the lease's end stands. */
static void a_writer_that_yields_keeps_its_address_and_not_for_longer(void **state) {
    (void)state;
    is_writer_now();
    msec until = held_until[WRITER_ADDRESS];
    answer_next(orders_of(DUTY_YIELD, 6));
    note_plan();
    task_done(TASK_FENCE, RC_OK);
    answer_next(orders_of(DUTY_YIELD, 6));
    note_plan();
    assert_true(is_reached(WRITER_ADDRESS));
    assert_int_equal(held_until[WRITER_ADDRESS], until);
}

/* Contact may last longer than the lease: a writer's server is not to be reached through a reader's address then. */
static void a_readers_address_on_the_writer_is_no_way_round(void **state) {
    (void)state;
    is_writer_now();
    answer_next(orders_with(DUTY_WRITER, 5, set_of(WRITER_ADDRESS) | set_of(READER_1)));
    note_plan();
    assert_true(is_reached(READER_1));
    msec lease_until = agent.lease_until;
    while (now < lease_until) {
        pass_until(50, noted);
        answered_by(PEER, false, SECONDS(10)); /* nobody hears the monitor, and nobody promises */
        note_plan();
    }
    assert_true(agent.contact_extended > lease_until);
    assert_true(held_until[READER_1] <= lease_until);
}

static void a_reader_is_let_through_while_contact_lasts(void **state) {
    (void)state;
    forget();
    start(NULL, NULL);
    probed(probe_of(true));
    pass_until(SECONDS(6), noted);
    answer_next(orders_with(DUTY_STANDBY, 5, set_of(READER_1)));
    note_plan();
    assert_true(is_reached(READER_1));
    msec until = held_until[READER_1];
    assert_int_equal(until, agent.contact_until);
    pass_until(SECONDS(5), noted);
    assert_false(is_reached(READER_1));
}

static void a_new_writer_is_reached_for_no_longer_than_its_lease(void **state) {
    (void)state;
    forget();
    start(NULL, NULL);
    probed(probe_of(true));
    pass_until(SECONDS(6), noted);
    answer_next(orders_with(DUTY_STANDBY, 5, set_of(READER_1)));
    agent.contact_extended = now + SECONDS(30);
    pass_until(50, noted);
    assert_true(held_until[READER_1] > now + SECONDS(20));
    answer_next(orders_with(DUTY_WRITER, 6, set_of(READER_1)));
    note_plan();
    assert_int_equal(held_until[READER_1], agent.lease_until);
}

/* Somebody has flushed the reader's address, and it is not taken anew yet, since this host has just given its word not
 * to: whoever puts it back must not open a way round the lease. */
static void what_is_let_through_for_an_address_that_is_gone_is_bound_by_the_lease_too(void **state) {
    (void)state;
    forget();
    start(NULL, NULL);
    probed(probe_of(true));
    pass_until(SECONDS(6), noted);
    answer_next(orders_with(DUTY_STANDBY, 5, set_of(READER_1)));
    agent.contact_extended = now + SECONDS(30);
    pass_until(50, noted);
    assert_true(held_until[READER_1] > now + SECONDS(20));
    feed((struct agent_event){ .kind = AGENT_ADDRESSES }); /* none is there */
    agent.told_silent = now;
    answer_next(orders_with(DUTY_WRITER, 6, set_of(READER_1)));
    note_plan();
    assert_true(agent.writer && !agent.addresses[READER_1].present);
    assert_int_equal(held_until[READER_1], agent.lease_until);
}

static void a_restarted_agent_goes_on_with_what_the_kernel_has(void **state) {
    (void)state;
    static const struct {
        bool durable, writers, readers;
        address_set reached;
    } cases[] = {
        { true, true, true, 3 },   /* the lease is gone on with */
        { true, false, true, 0 },  /* it is over, and the server may still be open */
        { false, true, true, 2 },  /* a standby; a writer's address without a lease counts for nothing */
        { false, false, true, 2 }, /* a standby */
        { false, false, false, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct agent_address addresses[ADDRESSES_MAX] = { 0 };
        if (cases[i].writers)
            addresses[WRITER_ADDRESS] = (struct agent_address){ .present = true, .gone_at = 100000 + 3000 };
        if (cases[i].readers)
            addresses[READER_1] = (struct agent_address){ .present = true, .gone_at = NEVER };
        forget();
        start(cases[i].durable ? &was_writer : NULL, addresses);
        note_plan();
        address_set reached = (is_reached(WRITER_ADDRESS) ? 1 : 0) | (is_reached(READER_1) ? 2 : 0);
        if (reached != cases[i].reached)
            fail_msg("case %zu: %llu", i, (unsigned long long)reached);
        for (int k = 0; k < cluster.address_count; k++)
            assert_true(held_until[k] <= now + (cases[i].durable ? 3000 : cluster.lease.length));
    }
}

static bool sets(void) {
    return plan.guard_set;
}

static void it_is_set_again_every_second_should_somebody_have_flushed_it(void **state) {
    (void)state;
    is_writer_now();
    for (int i = 0; i < 3; i++)
        assert_true(pass_until(1001, sets));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_standby_without_an_address_is_reached_by_nobody),
        cmocka_unit_test(the_writers_address_is_let_through_until_its_lease_ends),
        cmocka_unit_test(nothing_outlives_the_lease_of_an_agent_that_is_dead),
        cmocka_unit_test(letting_through_is_a_right_and_shutting_is_none),
        cmocka_unit_test(clients_are_shut_out_when_fencing_begins),
        cmocka_unit_test(a_writer_that_yields_keeps_its_address_and_not_for_longer),
        cmocka_unit_test(a_readers_address_on_the_writer_is_no_way_round),
        cmocka_unit_test(a_reader_is_let_through_while_contact_lasts),
        cmocka_unit_test(a_new_writer_is_reached_for_no_longer_than_its_lease),
        cmocka_unit_test(what_is_let_through_for_an_address_that_is_gone_is_bound_by_the_lease_too),
        cmocka_unit_test(a_restarted_agent_goes_on_with_what_the_kernel_has),
        cmocka_unit_test(it_is_set_again_every_second_should_somebody_have_flushed_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
