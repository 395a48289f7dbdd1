/* The sums over what test clients saw (bench/): a measurement that lies is worse than none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "outages.h"
#include "overlap.h"

enum { READ_ONLY = 1290, MS = 1000 };

static struct outages sum;
static struct probed probed;
static struct overlaps found;

static int fresh(void **state) {
    (void)state;
    memset(&sum, 0, sizeof sum);
    return 0;
}

static int forget(void **state) {
    (void)state;
    probed_done(&probed);
    return 0;
}

static void attempted(usec sent, usec answered, enum outcome outcome) {
    struct attempt attempt = { .id = 1, .sent = sent * MS, .answered = answered * MS, .outcome = outcome };
    outages_add(&sum, &attempt);
}

static void probed_ok(const char *host, usec sent, usec answered) {
    struct probe_result probe = { .sent = sent * MS, .answered = answered * MS, .outcome = OUTCOME_OK };
    assert_true(probed_add(&probed, host, &probe));
}

static void probed_failed(const char *host, usec sent, enum outcome outcome, unsigned error) {
    struct probe_result probe = { .sent = sent * MS, .answered = sent * MS + 500, .outcome = outcome, .error = error };
    assert_true(probed_add(&probed, host, &probe));
}

static usec proven_ms(void) {
    overlap_find(&probed, &found);
    return found.proven / MS;
}

static void writes_that_all_succeed_quickly_are_no_outage(void **state) {
    (void)state;
    for (usec t = 0; t < 1000; t += 5)
        attempted(t, t + 2, OUTCOME_OK);
    outages_end(&sum);
    assert_int_equal(sum.acknowledged, 200);
    assert_int_equal(sum.count, 0);
}

static void a_failure_makes_an_outage_from_the_last_ok_to_the_next(void **state) {
    (void)state;
    attempted(0, 2, OUTCOME_OK);
    attempted(5, 6, OUTCOME_REFUSED);
    attempted(10, 11, OUTCOME_UNCERTAIN);
    attempted(15, 17, OUTCOME_OK);
    outages_end(&sum);
    assert_int_equal(sum.count, 1);
    assert_int_equal(sum.longest, 15 * MS);
    assert_int_equal(sum.list[0].from, 2 * MS);
    assert_int_equal(sum.list[0].to, 17 * MS);
    assert_int_equal(sum.uncertain, 1);
}

static void a_slow_ok_is_an_outage_too(void **state) {
    (void)state;
    attempted(0, 2, OUTCOME_OK);
    attempted(5, 53, OUTCOME_OK);
    assert_int_equal(sum.count, 1);
    attempted(55, 102, OUTCOME_OK);
    assert_int_equal(sum.count, 1);
}

static void an_outage_that_does_not_end_counts_until_the_end_of_the_run(void **state) {
    (void)state;
    attempted(0, 300, OUTCOME_REFUSED);
    attempted(300, 600, OUTCOME_REFUSED);
    outages_end(&sum);
    assert_int_equal(sum.count, 1);
    assert_int_equal(sum.longest, 600 * MS);
    assert_false(sum.list[0].ended);
}

static void a_line_of_the_log_reads_back_as_it_was(void **state) {
    (void)state;
    struct attempt read,
        attempt = { .id = 7, .sent = 1234567, .answered = 2000001, .outcome = OUTCOME_UNCERTAIN, .error = 2013 };
    char line[128] = "";
    FILE *out = fmemopen(line, sizeof line, "w");
    attempt_print(&attempt, out);
    fclose(out);
    assert_true(attempt_parse(line, &read));
    assert_memory_equal(&read, &attempt, sizeof read);
    assert_false(attempt_parse("7 1234.567 2000.0", &read));
    assert_false(attempt_parse("7 1234.567 2000.001 maybe 0", &read));
}

static void a_switchover_is_no_overlap(void **state) {
    (void)state;
    for (usec t = 0; t <= 1000; t += 100)
        probed_ok("db1", t, t + 3);
    probed_failed("db1", 1100, OUTCOME_REFUSED, READ_ONLY);
    for (usec t = 0; t <= 900; t += 100)
        probed_failed("db2", t, OUTCOME_REFUSED, READ_ONLY);
    for (usec t = 1010; t < 2000; t += 100)
        probed_ok("db2", t, t + 3);
    assert_int_equal(proven_ms(), 0);
    assert_int_equal(found.count, 0);
}

static void an_answer_that_was_under_way_at_the_switchover_is_no_overlap(void **state) {
    (void)state;
    probed_ok("db1", 0, 3);
    probed_ok("db1", 100, 180); /* committed at 101, answered late */
    probed_ok("db2", 120, 130);
    probed_ok("db2", 220, 223);
    assert_int_equal(proven_ms(), 0);
    assert_true(found.at_most > 0);
}

static void a_switchover_to_and_fro_with_a_refusal_seen_is_no_overlap(void **state) {
    (void)state;
    probed_ok("db1", 0, 3);
    probed_failed("db1", 100, OUTCOME_REFUSED, READ_ONLY);
    probed_ok("db2", 110, 113);
    probed_failed("db2", 210, OUTCOME_REFUSED, READ_ONLY);
    probed_ok("db1", 215, 218);
    assert_int_equal(proven_ms(), 0);
}

static void two_hosts_that_acknowledge_in_turn_without_refusing_are_an_overlap(void **state) {
    (void)state;
    for (usec t = 0; t <= 1000; t += 100)
        probed_ok("db1", t, t + 3);
    for (usec t = 550; t <= 2000; t += 100)
        probed_ok("db2", t, t + 3);
    assert_int_equal(proven_ms(), 453); /* db2's first was sent at 550, db1's last answered at 1003 */
    assert_int_equal(found.count, 1);
}

static void one_write_of_another_host_within_a_writers_run_is_an_overlap(void **state) {
    (void)state;
    probed_ok("db1", 0, 3);
    probed_ok("db2", 50, 53);
    probed_ok("db1", 100, 103);
    assert_int_equal(proven_ms(), 3);
}

static void silence_alone_does_not_hide_an_overlap(void **state) {
    (void)state;
    probed_ok("db1", 0, 3);
    probed_failed("db1", 100, OUTCOME_UNCERTAIN, 2013);
    probed_ok("db2", 150, 153);
    probed_failed("db1", 200, OUTCOME_REFUSED, 2002);
    probed_ok("db1", 300, 303);
    assert_int_equal(proven_ms(), 3);
}

static void a_host_that_was_silent_for_long_is_judged_anew(void **state) {
    (void)state;
    probed_ok("db1", 0, 3);
    probed_ok("db2", 5000, 5003);
    probed_failed("db2", 5100, OUTCOME_REFUSED, READ_ONLY);
    probed_ok("db1", 10000, 10003);
    assert_int_equal(proven_ms(), 0);
}

static void probers_on_both_sides_of_a_cut_see_the_overlap_together(void **state) {
    (void)state;
    /* The one that cannot reach db1 was logged first. */
    for (usec t = 0; t <= 2000; t += 100) {
        probed_failed("db1", t, OUTCOME_REFUSED, 110);
        probed_ok("db2", t, t + 3);
    }
    for (usec t = 1050; t <= 2000; t += 100)
        probed_ok("db1", t, t + 3);
    assert_in_range(proven_ms(), 890, 960);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(writes_that_all_succeed_quickly_are_no_outage, fresh),
        cmocka_unit_test_setup(a_failure_makes_an_outage_from_the_last_ok_to_the_next, fresh),
        cmocka_unit_test_setup(a_slow_ok_is_an_outage_too, fresh),
        cmocka_unit_test_setup(an_outage_that_does_not_end_counts_until_the_end_of_the_run, fresh),
        cmocka_unit_test(a_line_of_the_log_reads_back_as_it_was),
        cmocka_unit_test_teardown(a_switchover_is_no_overlap, forget),
        cmocka_unit_test_teardown(an_answer_that_was_under_way_at_the_switchover_is_no_overlap, forget),
        cmocka_unit_test_teardown(a_switchover_to_and_fro_with_a_refusal_seen_is_no_overlap, forget),
        cmocka_unit_test_teardown(two_hosts_that_acknowledge_in_turn_without_refusing_are_an_overlap, forget),
        cmocka_unit_test_teardown(one_write_of_another_host_within_a_writers_run_is_an_overlap, forget),
        cmocka_unit_test_teardown(silence_alone_does_not_hide_an_overlap, forget),
        cmocka_unit_test_teardown(a_host_that_was_silent_for_long_is_judged_anew, forget),
        cmocka_unit_test_teardown(probers_on_both_sides_of_a_cut_see_the_overlap_together, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
