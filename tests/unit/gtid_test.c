/* MariaDB's GTID positions: reading, printing, comparing; by example, by property, and against hostile text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/gtid.h"

enum { ROUNDS = 20000 };

static uint64_t random_state = 20261122;

static uint32_t next_random(uint32_t below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

static struct gtid_position read_position(const char *text) {
    struct gtid_position position;
    struct reason why = { "" };
    if (gtid_parse(text, &position, &why))
        fail_msg("«%s»: %s", text, why.text);
    return position;
}

static void assert_prints(const struct gtid_position *position, const char *expected) {
    char text[GTID_TEXT_MAX];
    gtid_format(position, text, sizeof text);
    assert_string_equal(text, expected);
}

/* Few domains, servers and numbers, so that positions often meet; now and then the largest there are. */
static struct gtid random_entry(void) {
    bool huge = next_random(16) == 0;
    return (struct gtid){ .domain = huge ? UINT32_MAX - next_random(2) : next_random(3),
                          .server = huge ? UINT32_MAX - next_random(2) : 1 + next_random(3),
                          .sequence = huge ? UINT64_MAX - next_random(2) : next_random(6) };
}

static struct gtid_position random_position(void) {
    struct gtid_position position = { 0 };
    for (uint32_t i = next_random(8); i > 0; i--)
        assert_true(gtid_raise(&position, random_entry()));
    return position;
}

static void assert_well_formed(const struct gtid_position *position) {
    assert_true(position->count <= GTID_ENTRIES_MAX);
    for (size_t i = 1; i < position->count; i++) {
        const struct gtid *a = &position->entries[i - 1], *b = &position->entries[i];
        assert_true(a->domain < b->domain || (a->domain == b->domain && a->server < b->server));
    }
}

static void positions_are_read_in_every_form_that_servers_print(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *printed;
    } cases[] = {
        { "", "" },
        { " \n", "" },
        { "0-1-42", "0-1-42" },
        { "0-1-42,1-2-7", "0-1-42,1-2-7" },
        { " 1-2-7 ,\n0-1-42\t", "0-1-42,1-2-7" },
        { "0-2-5,0-1-9", "0-1-9,0-2-5" },
        { "0-1-5,0-1-9,0-1-7", "0-1-9" },
        { "00-01-007", "0-1-7" },
        { "4294967295-4294967295-18446744073709551615", "4294967295-4294967295-18446744073709551615" },
        { "0-0-0", "0-0-0" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct gtid_position position = read_position(cases[i].text);
        assert_well_formed(&position);
        assert_prints(&position, cases[i].printed);
    }
}

static void what_is_no_position_is_refused_and_changes_nothing(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0",
        "0-1",
        "0-1-",
        "-1-2",
        "0--1",
        "0-1-2-3",
        "0-1-2,",
        ",0-1-2",
        "0-1-2,,",
        "0-1-2 ,",
        "a-b-c",
        "0x1-1-1",
        "0-1-+5",
        "0-1--5",
        "0-1- 5",
        "0 -1-5",
        "0-1-5 6",
        "0-1-5;",
        "0-1-5\v",
        "0-1-5.0",
        "NULL",
        "0:1:5",
        "1-2-3 4-5-6",
        "\xff",
        "0-1-5\xc2\xa0",
        "3e11fa47-71ca-11e1-9e33-c80aa9429562",
        "4294967296-1-1",
        "0-4294967296-1",
        "0-1-18446744073709551616",
        "0-1-99999999999999999999999999999999",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct gtid_position position = { .count = 7 };
        struct reason why = { "" };
        if (gtid_parse(texts[i], &position, &why) != RC_INVALID)
            fail_msg("accepted: «%s»", texts[i]);
        assert_true(why.text[0] != 0);
        assert_int_equal(position.count, 7);
    }
}

static void more_entries_than_there_is_room_for_are_refused(void **state) {
    (void)state;
    char text[GTID_TEXT_MAX * 2] = "";
    for (unsigned i = 0; i < GTID_ENTRIES_MAX; i++)
        sprintf(text + strlen(text), "%s%u-4294967295-18446744073709551615", i ? "," : "", UINT32_MAX - i);
    struct gtid_position full = read_position(text), position;
    assert_int_equal(full.count, GTID_ENTRIES_MAX);
    char printed[GTID_TEXT_MAX];
    gtid_format(&full, printed, sizeof printed);
    struct gtid_position again = read_position(printed);
    assert_true(gtid_equal(&again, &full));

    strcat(text, ",0-1-1");
    assert_int_equal(gtid_parse(text, &position, NULL), RC_INVALID);
    assert_false(gtid_raise(&full, (struct gtid){ 0, 1, 1 }));
    assert_true(gtid_raise(&full, full.entries[3]));
    assert_int_equal(full.count, GTID_ENTRIES_MAX);
}

static void a_position_printed_into_too_little_room_still_ends(void **state) {
    (void)state;
    struct gtid_position position = read_position("0-1-42,1-2-7,2-3-9");
    for (size_t size = 1; size < 24; size++) {
        char text[32];
        memset(text, 'x', sizeof text);
        gtid_format(&position, text, size);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], 'x');
    }
}

static void what_is_printed_reads_back_as_the_same(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct gtid_position position = random_position();
        assert_well_formed(&position);
        char text[GTID_TEXT_MAX];
        gtid_format(&position, text, sizeof text);
        struct gtid_position again = read_position(text);
        assert_true(gtid_equal(&position, &again));
        assert_true(gtid_equal(&again, &position));
    }
}

static void the_order_in_which_entries_come_does_not_matter(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct gtid entries[6];
        struct gtid_position forward = { 0 }, backward = { 0 };
        for (int i = 0; i < 6; i++)
            entries[i] = random_entry();
        for (int i = 0; i < 6; i++) {
            assert_true(gtid_raise(&forward, entries[i]));
            assert_true(gtid_raise(&backward, entries[5 - i]));
        }
        assert_true(gtid_equal(&forward, &backward));
    }
}

static void raising_never_lowers(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct gtid_position before = random_position(), after = before;
        assert_true(gtid_raise(&after, random_entry()));
        assert_well_formed(&after);
        assert_true(gtid_reached(&before, &after));
        for (uint32_t domain = 0; domain < 3; domain++)
            assert_true(gtid_domain_sequence(&after, domain) >= gtid_domain_sequence(&before, domain));
    }
}

static void equal_means_the_same_text(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct gtid_position a = random_position(), b = random_position();
        char a_text[GTID_TEXT_MAX], b_text[GTID_TEXT_MAX];
        gtid_format(&a, a_text, sizeof a_text);
        gtid_format(&b, b_text, sizeof b_text);
        assert_int_equal(gtid_equal(&a, &b), strcmp(a_text, b_text) == 0);
    }
}

static void the_highest_number_of_a_domain_counts_whoever_wrote_it(void **state) {
    (void)state;
    struct gtid_position position = read_position("0-1-9,0-2-12,1-1-100");
    assert_int_equal(gtid_domain_sequence(&position, 0), 12);
    assert_int_equal(gtid_domain_sequence(&position, 1), 100);
    assert_int_equal(gtid_domain_sequence(&position, 2), 0);
}

static void reached_compares_domain_by_domain(void **state) {
    (void)state;
    static const struct {
        const char *goal;
        const char *at;
        bool reached;
    } cases[] = {
        { "", "", true },
        { "", "0-1-5", true },
        { "0-1-5", "", false },
        { "0-1-5", "0-1-5", true },
        { "0-1-5", "0-1-4", false },
        { "0-1-5", "0-2-6", true }, /* the next writer went on in the same domain */
        { "0-1-5,1-1-1", "0-1-9", false },
        { "0-1-5,1-1-1", "0-1-9,1-2-1", true },
        { "0-1-5", "1-1-9", false },
        { "0-1-5,0-2-7", "0-1-6", false },
        { "0-1-0", "", true },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct gtid_position goal = read_position(cases[i].goal), at = read_position(cases[i].at);
        assert_int_equal(gtid_reached(&goal, &at), cases[i].reached);
    }
}

static void reached_is_an_order(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct gtid_position a = random_position(), b = random_position(), c = random_position();
        assert_true(gtid_reached(&a, &a));
        if (gtid_reached(&a, &b) && gtid_reached(&b, &c))
            assert_true(gtid_reached(&a, &c));
        if (gtid_reached(&a, &b) && gtid_reached(&b, &a))
            for (size_t i = 0; i < a.count; i++)
                assert_true(gtid_domain_sequence(&a, a.entries[i].domain) ==
                            gtid_domain_sequence(&b, a.entries[i].domain));
    }
}

static void own_transactions_are_counted_and_listed(void **state) {
    (void)state;
    static const struct {
        const char *have;
        const char *other;
        uint64_t count;
        const char *listed;
    } cases[] = {
        { "", "0-1-5", 0, "" },
        { "0-1-5", "0-1-5", 0, "" },
        { "0-1-5", "0-1-9", 0, "" },
        { "0-1-5", "0-1-4", 1, "0-1-5" },
        { "0-1-9", "0-1-4", 5, "0-1-5..9" },
        { "0-1-9,0-2-10", "0-1-9", 1, "0-2-10" }, /* numbers up to 9 are the other server's */
        { "0-1-9,0-2-10", "0-1-8,0-2-9", 2, "0-1-9,0-2-10" },
        { "0-2-10", "0-1-12", 10, "0-2-1..10" }, /* further, and yet it lacks what server 2 wrote */
        { "0-1-2,1-1-3", "", 5, "0-1-1..2,1-1-1..3" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct gtid_position have = read_position(cases[i].have), other = read_position(cases[i].other);
        char text[GTID_TEXT_MAX];
        assert_true(gtid_own(&have, &other, text, sizeof text) == cases[i].count);
        assert_string_equal(text, cases[i].listed);
    }
}

static void nothing_is_own_only_when_every_entry_is_known_there(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct gtid_position have = random_position(), other = random_position(), both = other;
        for (size_t i = 0; i < have.count; i++)
            assert_true(gtid_raise(&both, have.entries[i]));
        char text[GTID_TEXT_MAX], short_text[12];
        uint64_t own = gtid_own(&have, &other, text, sizeof text);
        assert_int_equal(text[0] == 0, gtid_own(&have, &other, short_text, sizeof short_text) == 0 && own == 0);
        assert_true(gtid_own(&have, &both, text, sizeof text) == 0);
        assert_true(gtid_own(&have, &have, text, sizeof text) == 0);
        assert_true(strlen(short_text) < sizeof short_text);
    }
}

static void hostile_text_is_refused_or_reads_back_as_the_same(void **state) {
    (void)state;
    static const char letters[] = "0123456789--,, \n\t+x\xff";
    unsigned accepted = 0;
    for (int round = 0; round < ROUNDS * 10; round++) {
        char text[40];
        size_t length = next_random(sizeof text);
        for (size_t i = 0; i < length; i++)
            text[i] = letters[next_random(next_random(4) ? 12 : sizeof letters - 1)];
        text[length] = 0;
        struct gtid_position position;
        if (gtid_parse(text, &position, NULL))
            continue;
        accepted++;
        assert_well_formed(&position);
        char printed[GTID_TEXT_MAX];
        gtid_format(&position, printed, sizeof printed);
        struct gtid_position again = read_position(printed);
        assert_true(gtid_equal(&position, &again));
    }
    assert_true(accepted > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_read_in_every_form_that_servers_print),
        cmocka_unit_test(what_is_no_position_is_refused_and_changes_nothing),
        cmocka_unit_test(more_entries_than_there_is_room_for_are_refused),
        cmocka_unit_test(a_position_printed_into_too_little_room_still_ends),
        cmocka_unit_test(what_is_printed_reads_back_as_the_same),
        cmocka_unit_test(the_order_in_which_entries_come_does_not_matter),
        cmocka_unit_test(raising_never_lowers),
        cmocka_unit_test(equal_means_the_same_text),
        cmocka_unit_test(the_highest_number_of_a_domain_counts_whoever_wrote_it),
        cmocka_unit_test(reached_compares_domain_by_domain),
        cmocka_unit_test(reached_is_an_order),
        cmocka_unit_test(own_transactions_are_counted_and_listed),
        cmocka_unit_test(nothing_is_own_only_when_every_entry_is_known_there),
        cmocka_unit_test(hostile_text_is_refused_or_reads_back_as_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
