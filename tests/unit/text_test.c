/* Small text, reasons, durations and moments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/reason.h"
#include "base/text.h"

enum { ROUNDS = 20000 };

static uint64_t random_state = 20261122;

static uint32_t next_random(uint32_t below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

/* ---- copies ---- */

static void a_copy_always_ends_and_says_whether_it_is_whole(void **state) {
    (void)state;
    char to[8];
    assert_true(TEXT_COPY(to, "seven77"));
    assert_string_equal(to, "seven77");
    assert_false(TEXT_COPY(to, "eight888"));
    assert_string_equal(to, "eight88");
    assert_true(TEXT_COPY(to, ""));
    assert_string_equal(to, "");
    to[1] = 'x';
    assert_false(text_copy(to, 1, "a"));
    assert_int_equal(to[0], 0);
    assert_int_equal(to[1], 'x');
}

static void what_is_appended_is_cut_where_the_room_ends(void **state) {
    (void)state;
    char to[10] = "";
    assert_true(text_append(to, sizeof to, "%s-%d", "a", 12));
    assert_true(text_append(to, sizeof to, "%s", ""));
    assert_true(text_append(to, sizeof to, "%05d", 7));
    assert_string_equal(to, "a-1200007");
    assert_false(text_append(to, sizeof to, "x"));
    assert_string_equal(to, "a-1200007");
    char cut[4] = "a";
    assert_false(text_append(cut, sizeof cut, "bcd"));
    assert_string_equal(cut, "abc");
}

static void texts_are_compared_whole_or_from_their_start(void **state) {
    (void)state;
    assert_true(text_equal("", ""));
    assert_false(text_equal("a", "A"));
    assert_false(text_equal("a", "ab"));
    assert_true(text_starts_with("abc", ""));
    assert_true(text_starts_with("abc", "abc"));
    assert_false(text_starts_with("ab", "abc"));
    assert_false(text_starts_with("", "a"));
}

/* ---- distances ---- */

static void the_distance_of_two_words_is_the_number_of_edits(void **state) {
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        unsigned distance;
    } cases[] = {
        { "", "", 0 },
        { "", "abc", 3 },
        { "interface", "interface", 0 },
        { "intrface", "interface", 1 },
        { "interfacee", "interface", 1 },
        { "interfade", "interface", 1 },
        { "intreface", "interface", 2 }, /* two letters that changed places are two edits */
        { "kitten", "sitting", 3 },
        { "abc", "xyz", 3 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(text_distance(cases[i].a, cases[i].b), cases[i].distance);
}

static void words_that_are_too_long_are_far(void **state) {
    (void)state;
    char longest[64], longer[65], endless[5000];
    memset(longest, 'a', sizeof longest);
    memset(longer, 'a', sizeof longer);
    memset(endless, 'a', sizeof endless);
    longest[63] = longer[64] = endless[4999] = 0;
    assert_int_equal(text_distance(longest, longest), 0);
    assert_int_equal(text_distance(longest, ""), 63);
    assert_int_equal(text_distance(longer, longer), 63);
    assert_int_equal(text_distance(endless, "a"), 63);
    assert_int_equal(text_distance("a", endless), 63);
}

static void random_word(char word[static 8]) {
    size_t length = next_random(8);
    for (size_t i = 0; i < length; i++)
        word[i] = "abc"[next_random(3)];
    word[length] = 0;
}

static void the_distance_is_a_measure(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char a[8], b[8], c[8];
        random_word(a);
        random_word(b);
        random_word(c);
        unsigned ab = text_distance(a, b);
        assert_int_equal(ab == 0, strcmp(a, b) == 0);
        assert_int_equal(ab, text_distance(b, a));
        assert_true(ab <= text_distance(a, c) + text_distance(c, b));
        assert_true(ab <= (strlen(a) > strlen(b) ? strlen(a) : strlen(b)));
    }
}

/* ---- reasons ---- */

static void a_reason_grows_at_its_front(void **state) {
    (void)state;
    struct reason why;
    reason_set(&why, "port %d is taken", 9988);
    reason_prefix(&why, "cannot listen on %s", "10.0.0.1");
    reason_prefix(&why, "db1");
    assert_string_equal(why.text, "db1: cannot listen on 10.0.0.1: port 9988 is taken");
    assert_int_equal(FAIL(RC_CONFLICT, &why, "again"), RC_CONFLICT);
    assert_string_equal(why.text, "again");
}

static void a_reason_that_nobody_wants_is_not_written(void **state) {
    (void)state;
    reason_set(NULL, "%s", "x");
    reason_prefix(NULL, "%s", "x");
    assert_int_equal(FAIL(RC_IO, NULL, "x"), RC_IO);
}

static void a_reason_that_is_too_long_is_cut_at_its_end(void **state) {
    (void)state;
    char endless[REASON_MAX * 3];
    memset(endless, 'x', sizeof endless);
    endless[sizeof endless - 1] = 0;
    struct reason why;
    reason_set(&why, "%s", endless);
    assert_int_equal(strlen(why.text), REASON_MAX - 1);
    reason_prefix(&why, "db1");
    assert_int_equal(strlen(why.text), REASON_MAX - 1);
    assert_true(text_starts_with(why.text, "db1: xxx"));
    for (size_t length = REASON_MAX - 6; length < REASON_MAX + 3; length++) {
        reason_set(&why, "end");
        reason_prefix(&why, "%s", endless + sizeof endless - 1 - length);
        assert_true(strlen(why.text) < REASON_MAX);
        assert_true(text_starts_with(why.text, "xxx"));
    }
}

/* ---- durations ---- */

static void durations_are_read_with_their_unit(void **state) {
    (void)state;
    static const struct {
        const char *text;
        msec length;
    } cases[] = {
        { "0ms", 0 },
        { "0s", 0 },
        { "500ms", 500 },
        { "5s", 5000 },
        { "1.5s", 1500 },
        { "0.25s", 250 },
        { "0.001s", 1 },
        { "2min", 120000 },
        { "0.5min", 30000 },
        { "1h", 3600000 },
        { "1.5h", 5400000 },
        { "007s", 7000 },
        { "1000000000ms", 1000000000 },
        { "277777h", INT64_C(999997200000) },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        msec length = -1;
        struct reason why = { "" };
        if (duration_parse(cases[i].text, &length, &why))
            fail_msg("%s", why.text);
        assert_true(length == cases[i].length);
    }
}

static void what_is_no_duration_is_refused_and_changes_nothing(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",      " ",         "5",      "0",     "s",           "ms",
        "min",   "-1s",       "+1s",    "-0s",   "5 s",         "5s ",
        "5sec",  "5S",        "5m",     "5d",    "5s5s",        "1h30min",
        "1,5s",  ".",         "nan",    "nans",  "NaNs",        "inf",
        "infs",  "INFINITYs", "-infs",  "1e10s", "1000000001s", "99999999999999999999999999999s",
        "5\xff", "«5s»",      "five s", "--5s",  " -5s",        " 5s",
        "\t5s",  "0x10s",     "0x1p3s", "1e3s",  "1.2.3s",      "..5s",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        msec length = -7;
        struct reason why = { "" };
        if (duration_parse(texts[i], &length, &why) != RC_INVALID)
            fail_msg("accepted: «%s»", texts[i]);
        assert_int_equal(length, -7);
        assert_non_null(strstr(why.text, "500ms, 5s, 2min or 1h"));
    }
}

static void a_duration_printed_reads_back_as_the_same(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        static const msec steps[] = { 1, 1000, 60000, 3600000 };
        msec length = (msec)next_random(100000) * steps[next_random(COUNT_OF(steps))], again;
        char text[CLOCK_TEXT_MAX];
        duration_format(length, text);
        assert_int_equal(duration_parse(text, &again, NULL), RC_OK);
        assert_true(again == length);
    }
    char text[CLOCK_TEXT_MAX];
    duration_format(INT64_MAX, text);
    duration_format(INT64_MIN + 1, text);
    duration_format(1500, text);
    assert_string_equal(text, "1500ms");
    duration_format(0, text);
    assert_string_equal(text, "0ms");
    duration_format(90000, text);
    assert_string_equal(text, "90s");
    duration_format(120000, text);
    assert_string_equal(text, "2min");
}

static void hostile_durations_are_refused_or_within_bounds(void **state) {
    (void)state;
    static const char letters[] = "0159.smins h-+e";
    for (int round = 0; round < ROUNDS * 10; round++) {
        char text[12];
        size_t length = next_random(sizeof text);
        for (size_t i = 0; i < length; i++)
            text[i] = letters[next_random(sizeof letters - 1)];
        text[length] = 0;
        msec read;
        if (duration_parse(text, &read, NULL) == RC_OK)
            assert_true(read >= 0 && read <= INT64_C(3600000000000000));
    }
}

/* ---- moments ---- */

static void a_moment_is_printed_in_utc_with_milliseconds(void **state) {
    (void)state;
    char text[CLOCK_TEXT_MAX];
    clock_format(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    clock_format(INT64_C(1795323600007), text);
    assert_string_equal(text, "2026-11-22T05:00:00.007Z");
    clock_format(INT64_C(951782400999), text);
    assert_string_equal(text, "2000-02-29T00:00:00.999Z");
}

static void the_clock_for_deadlines_does_not_go_back(void **state) {
    (void)state;
    msec last = clock_now();
    assert_true(last > 0);
    for (int i = 0; i < 1000; i++) {
        msec now = clock_now();
        assert_true(now >= last);
        last = now;
    }
    assert_true(clock_wall() > INT64_C(1700000000000));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_always_ends_and_says_whether_it_is_whole),
        cmocka_unit_test(what_is_appended_is_cut_where_the_room_ends),
        cmocka_unit_test(texts_are_compared_whole_or_from_their_start),
        cmocka_unit_test(the_distance_of_two_words_is_the_number_of_edits),
        cmocka_unit_test(words_that_are_too_long_are_far),
        cmocka_unit_test(the_distance_is_a_measure),
        cmocka_unit_test(a_reason_grows_at_its_front),
        cmocka_unit_test(a_reason_that_nobody_wants_is_not_written),
        cmocka_unit_test(a_reason_that_is_too_long_is_cut_at_its_end),
        cmocka_unit_test(durations_are_read_with_their_unit),
        cmocka_unit_test(what_is_no_duration_is_refused_and_changes_nothing),
        cmocka_unit_test(a_duration_printed_reads_back_as_the_same),
        cmocka_unit_test(hostile_durations_are_refused_or_within_bounds),
        cmocka_unit_test(a_moment_is_printed_in_utc_with_milliseconds),
        cmocka_unit_test(the_clock_for_deadlines_does_not_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
