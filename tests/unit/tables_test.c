/* The decision tables: total, without a row that can never win, and what they promise. */
#include "core_pieces.h"

#include "core/agent/duty.h"
#include "core/durability/durability.h"
#include "core/health/host_state.h"
#include "core/transfer/transfer.h"

enum { ROWS_MAX = 100 };

/* The facts are bool fields only, so that every combination is a number. */
static void facts_from(unsigned combination, size_t count, void *ret_facts) {
    bool *field = ret_facts;
    for (size_t i = 0; i < count; i++)
        field[i] = combination >> i & 1;
}

static void every_row_has_won(const bool *won, const char *(*rule)(size_t row), size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!won[i])
            fail_msg("row %s can never win", rule(i));
}

static void rules_are_unique(const char *(*rule)(size_t row), size_t count) {
    assert_in_range(count, 1, ROWS_MAX);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(rule(i), rule(j));
}

static const char *state_rule(size_t row) {
    size_t count;
    return host_state_table(&count)[row].rule;
}

static const char *transfer_rule(size_t row) {
    size_t count;
    return transfer_table(&count)[row].rule;
}

static const char *watch_rule(size_t row) {
    size_t count;
    return watch_table(&count)[row].rule;
}

static const char *fence_rule(size_t row) {
    size_t count;
    return fence_table(&count)[row].rule;
}

static const char *duty_rule(size_t row) {
    size_t count;
    return duty_table(&count)[row].rule;
}

static const char *member_rule(size_t row) {
    size_t count;
    return member_table(&count)[row].rule;
}

static const char *wait_rule(size_t row) {
    size_t count;
    return wait_table(&count)[row].rule;
}

static void every_member_finds_a_row(void **state) {
    (void)state;
    size_t count;
    const struct member_row *table = member_table(&count);
    bool won[ROWS_MAX] = { false };
    rules_are_unique(member_rule, count);
    for (unsigned c = 0; c < 1U << sizeof(struct member_facts); c++) {
        struct member_facts facts;
        facts_from(c, sizeof facts, &facts);
        const struct member_row *row = member_decide(&facts);
        won[row - table] = true;
        if (!facts.in_service)
            assert_false(row->member);
        if (facts.lossless && facts.member && facts.stalled)
            assert_false(row->member);
    }
    every_row_has_won(won, member_rule, count);
}

static void a_writer_is_never_told_to_go_on_without_one_that_is_counted_on(void **state) {
    (void)state;
    size_t count;
    const struct wait_row *table = wait_table(&count);
    bool won[ROWS_MAX] = { false };
    rules_are_unique(wait_rule, count);
    for (unsigned c = 0; c < 1U << sizeof(struct wait_facts); c++) {
        struct wait_facts facts;
        facts_from(c, sizeof facts, &facts);
        const struct wait_row *row = wait_decide(&facts);
        won[row - table] = true;
        if (facts.lossless && facts.counted && !facts.alone)
            assert_true(row->waits);
    }
    every_row_has_won(won, wait_rule, count);
}

static void every_state_and_fact_finds_a_row(void **state) {
    (void)state;
    size_t count;
    const struct state_row *table = host_state_table(&count);
    bool won[ROWS_MAX] = { false };
    rules_are_unique(state_rule, count);
    for (int from = 0; from < HOST_STATE_COUNT; from++)
        for (unsigned c = 0; c < 1U << sizeof(struct state_facts); c++) {
            struct state_facts facts;
            facts_from(c, sizeof facts, &facts);
            const struct state_row *row = host_state_decide((enum host_state)from, &facts);
            assert_int_equal(row->from, from);
            won[row - table] = true;
        }
    every_row_has_won(won, state_rule, count);
}

static void every_phase_and_fact_finds_a_row(void **state) {
    (void)state;
    size_t count;
    const struct transfer_row *table = transfer_table(&count);
    bool won[ROWS_MAX] = { false };
    rules_are_unique(transfer_rule, count);
    for (int phase = 0; phase < TRANSFER_PHASE_COUNT; phase++)
        for (unsigned c = 0; c < 1U << sizeof(struct phase_facts); c++) {
            struct phase_facts facts;
            facts_from(c, sizeof facts, &facts);
            const struct transfer_row *row = transfer_decide((enum transfer_phase)phase, &facts);
            assert_int_equal(row->from, phase);
            won[row - table] = true;
        }
    every_row_has_won(won, transfer_rule, count);
}

static void every_fact_about_a_writer_finds_a_row(void **state) {
    (void)state;
    size_t count;
    const struct watch_row *table = watch_table(&count);
    bool won[ROWS_MAX] = { false };
    rules_are_unique(watch_rule, count);
    for (unsigned c = 0; c < 1U << sizeof(struct watch_facts); c++) {
        struct watch_facts facts;
        facts_from(c, sizeof facts, &facts);
        won[watch_decide(&facts) - table] = true;
    }
    every_row_has_won(won, watch_rule, count);
}

static void every_fact_about_a_fence_finds_a_row(void **state) {
    (void)state;
    size_t count;
    const struct fence_row *table = fence_table(&count);
    bool won[ROWS_MAX] = { false };
    rules_are_unique(fence_rule, count);
    for (unsigned c = 0; c < 1U << sizeof(struct fence_facts); c++) {
        struct fence_facts facts;
        facts_from(c, sizeof facts, &facts);
        won[fence_decide(&facts) - table] = true;
    }
    every_row_has_won(won, fence_rule, count);
}

static void every_duty_and_fact_finds_a_row(void **state) {
    (void)state;
    size_t count;
    const struct duty_row *table = duty_table(&count);
    bool won[ROWS_MAX] = { false };
    rules_are_unique(duty_rule, count);
    for (int duty = 0; duty < NOW_COUNT; duty++)
        for (unsigned c = 0; c < 1U << sizeof(struct duty_facts); c++) {
            struct duty_facts facts;
            facts_from(c, sizeof facts, &facts);
            const struct duty_row *row = duty_decide((enum duty_now)duty, &facts);
            assert_int_equal(row->duty, duty);
            won[row - table] = true;
        }
    every_row_has_won(won, duty_rule, count);
}

static void groups_end_with_a_row_for_always(void **state) {
    (void)state;
    size_t count;
    const struct state_row *states = host_state_table(&count);
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || states[i + 1].from != states[i].from)
            assert_string_equal(states[i].when_text, "always");
    const struct transfer_row *phases = transfer_table(&count);
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || phases[i + 1].from != phases[i].from)
            assert_string_equal(phases[i].when_text, "always");
    const struct duty_row *duties = duty_table(&count);
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || duties[i + 1].duty != duties[i].duty)
            assert_string_equal(duties[i].when_text, "always");
    const struct watch_row *watch = watch_table(&count);
    assert_string_equal(watch[count - 1].when_text, "always");
}

/* ---- host states ---- */

static enum host_state state_after(enum host_state from, struct state_facts facts) {
    return host_state_decide(from, &facts)->to;
}

static void a_standby_is_not_judged_while_no_writer_serves(void **state) {
    (void)state;
    for (unsigned c = 0; c < 1U << sizeof(struct state_facts); c++) {
        struct state_facts facts;
        facts_from(c, sizeof facts, &facts);
        facts.judged = facts.writer = facts.held = false;
        facts.known = facts.alive = true;
        assert_int_equal(state_after(HOST_ONLINE, facts), HOST_ONLINE);
        assert_int_equal(state_after(HOST_REPLICATION_FAIL, facts), HOST_REPLICATION_FAIL);
        assert_int_equal(state_after(HOST_REPLICATION_DELAY, facts), HOST_REPLICATION_DELAY);
    }
}

static void a_held_host_never_comes_back_by_itself(void **state) {
    (void)state;
    for (int from = 0; from < HOST_STATE_COUNT; from++)
        for (unsigned c = 0; c < 1U << sizeof(struct state_facts); c++) {
            struct state_facts facts;
            facts_from(c, sizeof facts, &facts);
            facts.held = true;
            if (from == HOST_ONLINE)
                assert_true(!facts.known || facts.writer || state_after((enum host_state)from, facts) != HOST_ONLINE);
            else
                assert_int_not_equal(state_after((enum host_state)from, facts), HOST_ONLINE);
        }
}

static void an_offline_host_stays_offline_whatever_happens(void **state) {
    (void)state;
    for (unsigned c = 0; c < 1U << sizeof(struct state_facts); c++) {
        struct state_facts facts;
        facts_from(c, sizeof facts, &facts);
        assert_int_equal(state_after(HOST_ADMIN_OFFLINE, facts), HOST_ADMIN_OFFLINE);
    }
}

static void a_host_that_is_gone_is_online_only_as_writer(void **state) {
    (void)state;
    for (int from = 0; from < HOST_STATE_COUNT; from++)
        for (unsigned c = 0; c < 1U << sizeof(struct state_facts); c++) {
            struct state_facts facts;
            facts_from(c, sizeof facts, &facts);
            facts.known = true;
            facts.alive = facts.writer = false;
            assert_int_not_equal(state_after((enum host_state)from, facts), HOST_ONLINE);
        }
}

static void a_host_that_lags_or_does_not_replicate_is_not_let_back(void **state) {
    (void)state;
    for (int from = 0; from < HOST_STATE_COUNT; from++)
        for (unsigned c = 0; c < 1U << sizeof(struct state_facts); c++) {
            struct state_facts facts;
            facts_from(c, sizeof facts, &facts);
            facts.judged = true;
            facts.last_writer = facts.writer = false;
            if (facts.late || !facts.replicating)
                assert_true(from == HOST_ONLINE || state_after((enum host_state)from, facts) != HOST_ONLINE);
        }
}

/* ---- transfer ---- */

static enum transfer_action action_of(enum transfer_phase phase, struct phase_facts facts) {
    return transfer_decide(phase, &facts)->action;
}

static void nobody_is_promoted_before_the_old_writer_has_ended(void **state) {
    (void)state;
    for (unsigned c = 0; c < 1U << sizeof(struct phase_facts); c++) {
        struct phase_facts facts;
        facts_from(c, sizeof facts, &facts);
        facts.released = false;
        enum transfer_action action = action_of(TRANSFER_RELEASE, facts);
        assert_true(action == ACT_STAY || (action == ACT_RETURN && facts.planned));
    }
}

static void nobody_is_promoted_without_a_candidate(void **state) {
    (void)state;
    for (int phase = 0; phase < TRANSFER_PHASE_COUNT; phase++)
        for (unsigned c = 0; c < 1U << sizeof(struct phase_facts); c++) {
            struct phase_facts facts;
            facts_from(c, sizeof facts, &facts);
            facts.candidate = false;
            enum transfer_action action = action_of((enum transfer_phase)phase, facts);
            if (phase == TRANSFER_FETCH && action == ACT_PROMOTE)
                fail_msg("a host that is no candidate any more is promoted out of FETCH");
            assert_int_not_equal(action, ACT_PROMOTE);
        }
}

static void a_switchover_takes_nothing_away_before_the_target_is_near(void **state) {
    (void)state;
    for (unsigned c = 0; c < 1U << sizeof(struct phase_facts); c++) {
        struct phase_facts facts;
        facts_from(c, sizeof facts, &facts);
        if (!facts.near || facts.failed)
            assert_int_not_equal(action_of(TRANSFER_CATCH_UP, facts), ACT_TAKE);
    }
}

static void a_failover_is_never_rolled_back_to_the_old_writer(void **state) {
    (void)state;
    for (int phase = 0; phase < TRANSFER_PHASE_COUNT; phase++)
        for (unsigned c = 0; c < 1U << sizeof(struct phase_facts); c++) {
            struct phase_facts facts;
            facts_from(c, sizeof facts, &facts);
            facts.planned = false;
            assert_int_not_equal(action_of((enum transfer_phase)phase, facts), ACT_RETURN);
        }
}

/* ---- the watch ---- */

static enum watch_action watch_after(struct watch_facts facts) {
    return watch_decide(&facts)->action;
}

static void in_manual_mode_the_role_stays(void **state) {
    (void)state;
    for (unsigned c = 0; c < 1U << sizeof(struct watch_facts); c++) {
        struct watch_facts facts;
        facts_from(c, sizeof facts, &facts);
        facts.manual = true;
        enum watch_action action = watch_after(facts);
        assert_true(action == WATCH_STAY || action == WATCH_RENEW);
    }
}

static void a_promise_keeps_a_writer_that_only_the_monitor_has_lost(void **state) {
    (void)state;
    assert_int_equal(watch_after((struct watch_facts){ .candidate = true, .lapsed = true, .promised = true }),
                     WATCH_STAY);
    assert_int_equal(watch_after((struct watch_facts){ .candidate = true, .lapsed = true }), WATCH_TAKE);
}

static void a_writer_that_its_replicas_still_hear_is_not_dead(void **state) {
    (void)state;
    assert_int_equal(watch_after((struct watch_facts){ .candidate = true, .silent = true, .seen_alive = true }),
                     WATCH_STAY);
    assert_int_equal(watch_after((struct watch_facts){ .candidate = true, .stuck = true, .seen_writing = true }),
                     WATCH_STAY);
    assert_int_equal(watch_after((struct watch_facts){ .candidate = true, .stuck = true, .seen_alive = true }),
                     WATCH_REPLACE);
}

static void a_writer_nobody_can_replace_keeps_the_role_unless_it_resigns(void **state) {
    (void)state;
    for (unsigned c = 0; c < 1U << sizeof(struct watch_facts); c++) {
        struct watch_facts facts;
        facts_from(c, sizeof facts, &facts);
        facts.candidate = facts.resigned = false;
        assert_int_equal(watch_after(facts), WATCH_STAY);
    }
}

/* ---- fence programs ---- */

static void only_a_lost_writer_that_nobody_hears_is_fenced(void **state) {
    (void)state;
    for (unsigned c = 0; c < 1U << sizeof(struct fence_facts); c++) {
        struct fence_facts facts;
        facts_from(c, sizeof facts, &facts);
        if (fence_decide(&facts)->action == FENCE_RUN)
            assert_true(facts.leaving && facts.program && !facts.passive && !facts.planned && !facts.alone &&
                        !facts.heard && !facts.seen && !facts.running && !facts.pausing);
    }
}

/* ---- duties ---- */

static enum server_task_kind task_of(enum duty_now duty, struct duty_facts facts) {
    return duty_decide(duty, &facts)->task;
}

static void only_the_writer_duty_ever_opens_a_server(void **state) {
    (void)state;
    size_t count;
    const struct duty_row *table = duty_table(&count);
    for (size_t i = 0; i < count; i++)
        if (table[i].task == TASK_OPEN || table[i].task == TASK_READY)
            assert_int_equal(table[i].duty, NOW_WRITER);
}

static void a_server_that_is_down_is_left_alone(void **state) {
    (void)state;
    for (int duty = 0; duty < NOW_COUNT; duty++)
        for (unsigned c = 0; c < 1U << sizeof(struct duty_facts); c++) {
            struct duty_facts facts;
            facts_from(c, sizeof facts, &facts);
            facts.up = false;
            assert_int_equal(task_of((enum duty_now)duty, facts), TASK_NONE);
        }
}

static void an_open_server_is_fenced_under_every_duty_but_the_writers(void **state) {
    (void)state;
    for (int duty = NOW_LAPSED; duty < NOW_WRITER; duty++)
        for (unsigned c = 0; c < 1U << sizeof(struct duty_facts); c++) {
            struct duty_facts facts;
            facts_from(c, sizeof facts, &facts);
            facts.up = true;
            facts.read_only = false;
            assert_int_equal(task_of((enum duty_now)duty, facts), TASK_FENCE);
        }
}

static void a_held_hosts_replication_is_left_as_it_is(void **state) {
    (void)state;
    for (unsigned c = 0; c < 1U << sizeof(struct duty_facts); c++) {
        struct duty_facts facts;
        facts_from(c, sizeof facts, &facts);
        enum server_task_kind task = task_of(NOW_HELD, facts);
        assert_true(task == TASK_NONE || task == TASK_FENCE);
    }
}

static void a_server_is_opened_only_when_it_has_drained_and_replicates_no_more(void **state) {
    (void)state;
    for (unsigned c = 0; c < 1U << sizeof(struct duty_facts); c++) {
        struct duty_facts facts;
        facts_from(c, sizeof facts, &facts);
        if (task_of(NOW_WRITER, facts) == TASK_OPEN)
            assert_true(facts.up && facts.drained && !facts.replicating && facts.read_only);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_fact_finds_a_row),
        cmocka_unit_test(every_member_finds_a_row),
        cmocka_unit_test(a_writer_is_never_told_to_go_on_without_one_that_is_counted_on),
        cmocka_unit_test(every_phase_and_fact_finds_a_row),
        cmocka_unit_test(every_fact_about_a_writer_finds_a_row),
        cmocka_unit_test(every_fact_about_a_fence_finds_a_row),
        cmocka_unit_test(only_a_lost_writer_that_nobody_hears_is_fenced),
        cmocka_unit_test(every_duty_and_fact_finds_a_row),
        cmocka_unit_test(groups_end_with_a_row_for_always),
        cmocka_unit_test(a_standby_is_not_judged_while_no_writer_serves),
        cmocka_unit_test(a_held_host_never_comes_back_by_itself),
        cmocka_unit_test(an_offline_host_stays_offline_whatever_happens),
        cmocka_unit_test(a_host_that_is_gone_is_online_only_as_writer),
        cmocka_unit_test(a_host_that_lags_or_does_not_replicate_is_not_let_back),
        cmocka_unit_test(nobody_is_promoted_before_the_old_writer_has_ended),
        cmocka_unit_test(nobody_is_promoted_without_a_candidate),
        cmocka_unit_test(a_switchover_takes_nothing_away_before_the_target_is_near),
        cmocka_unit_test(a_failover_is_never_rolled_back_to_the_old_writer),
        cmocka_unit_test(in_manual_mode_the_role_stays),
        cmocka_unit_test(a_promise_keeps_a_writer_that_only_the_monitor_has_lost),
        cmocka_unit_test(a_writer_that_its_replicas_still_hear_is_not_dead),
        cmocka_unit_test(a_writer_nobody_can_replace_keeps_the_role_unless_it_resigns),
        cmocka_unit_test(only_the_writer_duty_ever_opens_a_server),
        cmocka_unit_test(a_server_that_is_down_is_left_alone),
        cmocka_unit_test(an_open_server_is_fenced_under_every_duty_but_the_writers),
        cmocka_unit_test(a_held_hosts_replication_is_left_as_it_is),
        cmocka_unit_test(a_server_is_opened_only_when_it_has_drained_and_replicates_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
