/* MySQL's GTID sets: reading and printing by example; union, subset and difference against sets of plain bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/gtid.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "9ea6aa2e-e691-11f1-8e6b-196095ca37b5"

enum { ROUNDS = 5000, SOURCES = 6, NUMBERS = 16 };

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

/* The same as bits: for each source the numbers 1 to 16. */
struct bits {
    uint16_t of[SOURCES];
};

static struct gtid_range range_of(int source, uint64_t first, uint64_t last) {
    struct gtid_range range = { .uuid = { [15] = (uint8_t)(source / 3) }, .first = first, .last = last };
    static const char *const tags[] = { "", "a", "ab" };
    strcpy(range.tag, tags[source % 3]);
    return range;
}

static struct bits random_bits(void) {
    struct bits bits = { { 0 } };
    for (int i = 0; i < SOURCES; i++)
        if (next_random(3))
            bits.of[i] = (uint16_t)(next_random(65536) & next_random(65536));
    return bits;
}

/* One number at a time, in any order: what comes of it is joined all the same. */
static struct gtid_position position_of(const struct bits *bits) {
    struct gtid_position position = { 0 };
    for (int i = 0; i < SOURCES; i++) {
        uint32_t step = 2 * next_random(NUMBERS / 2) + 1;
        for (uint32_t n = 0; n < NUMBERS; n++) {
            uint32_t number = n * step % NUMBERS;
            struct gtid_range range = range_of(i, number + 1, number + 1);
            if (bits->of[i] & (1U << number))
                assert_true(gtid_insert(&position, &range));
        }
    }
    return position;
}

static void assert_well_formed(const struct gtid_position *position) {
    assert_true(position->count <= GTID_RANGES_MAX);
    for (size_t i = 0; i < position->count; i++) {
        const struct gtid_range *a = &position->ranges[i], *b = a + 1;
        assert_true(a->first >= 1 && a->first <= a->last && a->last < (uint64_t)INT64_MAX);
        if (i + 1 == position->count)
            break;
        int order = memcmp(a->uuid, b->uuid, sizeof a->uuid);
        if (order == 0)
            order = memcmp(a->tag, b->tag, sizeof a->tag);
        assert_true(order < 0 || (order == 0 && a->last + 1 < b->first));
    }
}

static bool has(const struct gtid_position *position, int source, uint64_t number) {
    struct gtid_range wanted = range_of(source, number, number);
    for (size_t i = 0; i < position->count; i++) {
        const struct gtid_range *range = &position->ranges[i];
        if (memcmp(range->uuid, wanted.uuid, sizeof wanted.uuid) == 0 &&
            memcmp(range->tag, wanted.tag, sizeof wanted.tag) == 0 && range->first <= number && number <= range->last)
            return true;
    }
    return false;
}

static void assert_is(const struct gtid_position *position, const struct bits *bits) {
    assert_well_formed(position);
    for (int i = 0; i < SOURCES; i++)
        for (uint32_t n = 0; n < NUMBERS; n++)
            assert_int_equal(has(position, i, n + 1), (bits->of[i] >> n) & 1);
}

static void sets_are_read_in_every_form_and_printed_as_the_server_prints_them(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *printed;
    } cases[] = {
        { A ":1-5", A ":1-5" },
        { A ":7", A ":7" },
        { " " A ":1-5:7 ,\n" B ":1-4:bar_1:1-2:foo:1\n", A ":1-5:7," B ":1-4:bar_1:1-2:foo:1" },
        { B ":1," A ":2", A ":2," B ":1" },
        { A ":7:1-5:6," A ":8", A ":1-8" },
        { A ":1-3:2-9", A ":1-9" },
        { A ":7-20:Foo:1-2:4:3," A ":foo:7", A ":7-20:foo:1-4:7" }, /* as gtid_subtract prints it on 9.7 */
        { A ":foo:1:_x:2", A ":_x:2:foo:1" },
        { "3E11FA47-71CA-11E1-9E33-C80AA9429562:1", A ":1" },
        { A ":1-9223372036854775806", A ":1-9223372036854775806" },
        { A ":abcdefghijklmnopqrstuvwxyz012345:1", A ":abcdefghijklmnopqrstuvwxyz012345:1" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[GTID_TEXT_MAX];
        struct gtid_position position = read_position(cases[i].text);
        assert_int_equal(position.form, GTID_SETS);
        assert_well_formed(&position);
        gtid_format(&position, text, sizeof text);
        assert_string_equal(text, cases[i].printed);
    }
}

static void what_is_no_set_is_refused_and_changes_nothing(void **state) {
    (void)state;
    static const char *const texts[] = {
        A ":",
        A ":0",
        A ":0-5",
        A ":5-3",
        A ":1-",
        A ":-1",
        A ":1,",
        "," A ":1",
        A ":1,," B ":1",
        A ":1 2",
        A ":1;2",
        A ":foo",
        A ":foo:",
        A ":1:foo",
        A ":foo:bar:1",
        A ":9foo:1",
        A ":f-o:1",
        A ":1-2-3",
        A "",
        A ":1," B,
        "0-1-5," A ":1",
        A ":1,0-1-5",
        ":",
        "3e11fa47:1",
        A "0:1",
        A ":+1",
        "3e11fa47-71ca-11e1-9e33-c80aa942956g:1",
        A ":9223372036854775807",
        A ":abcdefghijklmnopqrstuvwxyz0123456:1",
        A ":1:\xff:1",
        A "::1",
        "3e11fa4771ca-11e1-9e33-c80aa9429562:1",
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

static void more_ranges_than_there_is_room_for_are_refused_and_change_nothing(void **state) {
    (void)state;
    struct gtid_position full = { 0 }, before;
    for (int i = 0; i < GTID_RANGES_MAX; i++) {
        struct gtid_range range = { .first = INT64_MAX - 1, .last = INT64_MAX - 1 };
        memset(range.uuid, 255 - i, sizeof range.uuid);
        memset(range.tag, 'z', sizeof range.tag);
        range.first--;
        assert_true(gtid_insert(&full, &range));
    }
    char text[GTID_TEXT_MAX + 64];
    gtid_format(&full, text, GTID_TEXT_MAX);
    struct gtid_position again = read_position(text);
    assert_true(gtid_equal(&full, &again));
    strcat(text, "," A ":1");
    assert_int_equal(gtid_parse(text, &again, NULL), RC_INVALID);

    struct gtid_position two = read_position(B ":1-2," A ":1");
    before = full;
    assert_false(gtid_add(&full, &two));
    assert_memory_equal(&full, &before, sizeof full);
    assert_true(gtid_add(&full, &before));
}

static void every_operation_agrees_with_sets_of_plain_bits(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct bits a = random_bits(), b = random_bits(), both, left;
        struct gtid_position pa = position_of(&a), pb = position_of(&b), sum = pa;
        char text[GTID_TEXT_MAX * 2];
        uint64_t count = 0;
        if (next_random(4) == 0) /* else a subset would hardly ever be tried */
            for (int i = 0; i < SOURCES; i++)
                b.of[i] |= a.of[i];
        pb = position_of(&b);
        for (int i = 0; i < SOURCES; i++) {
            both.of[i] = a.of[i] | b.of[i];
            left.of[i] = (uint16_t)(a.of[i] & ~b.of[i]);
            count += (uint64_t)__builtin_popcount(left.of[i]);
        }
        assert_is(&pa, &a);
        assert_true(gtid_add(&sum, &pb));
        assert_is(&sum, &both);
        assert_int_equal(gtid_reached(&pa, &pb), count == 0);
        assert_true(gtid_reached(&pa, &sum) && gtid_reached(&pb, &sum));
        assert_int_equal(gtid_missing(&pa, &pb, text, sizeof text), count);
        assert_int_equal(gtid_own(&pa, &pb, text, sizeof text), count);
        struct gtid_position listed = read_position(text);
        assert_is(&listed, &left);
        assert_int_equal(gtid_equal(&pa, &pb), memcmp(&a, &b, sizeof a) == 0);
        gtid_format(&sum, text, sizeof text);
        listed = read_position(text);
        assert_true(gtid_equal(&sum, &listed));
    }
}

static void hostile_text_is_refused_or_reads_back_as_the_same(void **state) {
    (void)state;
    static const char *const pieces[] = { A, B, ":", ":", ":", "-", ",", "1", "2", "5", "19", "foo", "x_1", " ", "0" };
    unsigned accepted = 0;
    for (int round = 0; round < ROUNDS * 20; round++) {
        char text[600] = "";
        strcat(text, next_random(8) ? A ":" : "");
        for (uint32_t i = next_random(10); i > 0; i--)
            strcat(text, pieces[next_random(COUNT_OF(pieces))]);
        struct gtid_position position, again;
        if (gtid_parse(text, &position, NULL))
            continue;
        accepted++;
        assert_well_formed(&position);
        gtid_format(&position, text, sizeof text);
        again = read_position(text);
        assert_true(gtid_equal(&position, &again));
    }
    assert_true(accepted > 100);
}

/* Two families in one cluster are a mistake: nobody may be taken for complete by it. */
static void positions_of_two_families_never_meet(void **state) {
    (void)state;
    struct gtid_position mysql = read_position(A ":1-5"), mariadb = read_position("0-1-5"), empty = { 0 };
    char text[GTID_TEXT_MAX];
    assert_false(gtid_equal(&mysql, &mariadb));
    assert_false(gtid_reached(&mysql, &mariadb));
    assert_false(gtid_reached(&mariadb, &mysql));
    assert_true(gtid_reached(&empty, &mysql) && gtid_reached(&empty, &mariadb));
    assert_false(gtid_reached(&mysql, &empty));
    assert_int_equal(gtid_own(&mysql, &mariadb, text, sizeof text), 5);
    assert_string_equal(text, A ":1-5");
    assert_int_equal(gtid_own(&mariadb, &mysql, text, sizeof text), 5);
    assert_int_equal(gtid_missing(&mysql, &mariadb, text, sizeof text), 5);
    assert_int_equal(gtid_missing(&mariadb, &mysql, text, sizeof text), 5);
    struct gtid_position sum = mysql;
    assert_false(gtid_add(&sum, &mariadb));
    assert_false(gtid_raise(&sum, mariadb.entries[0]));
    assert_true(gtid_equal(&sum, &mysql));
    sum = mariadb;
    assert_false(gtid_add(&sum, &mysql));
    assert_true(gtid_equal(&sum, &mariadb));
    assert_true(gtid_add(&sum, &empty));
    assert_true(gtid_add(&empty, &mysql));
    assert_true(gtid_equal(&empty, &mysql));
}

static void a_list_cut_for_a_message_still_counts_in_full(void **state) {
    (void)state;
    struct gtid_position have = read_position(A ":1-100:200:foo:3"), nothing = { 0 };
    for (size_t size = 1; size < 50; size++) {
        char text[64];
        memset(text, 'x', sizeof text);
        assert_int_equal(gtid_own(&have, &nothing, text, size), 102);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], 'x');
    }
}

static void a_position_cut_for_people_ends_with_a_whole_number_and_says_that_there_is_more(void **state) {
    (void)state;
    struct gtid_position position = read_position(A ":1-100:200:foo:3," B ":1-4123");
    char whole[GTID_TEXT_MAX], text[GTID_TEXT_MAX];
    gtid_format(&position, whole, sizeof whole);
    for (size_t size = 1; size < strlen(whole) + 2; size++) {
        memset(text, 'x', sizeof text);
        gtid_brief(&position, text, size);
        size_t length = strlen(text);
        assert_true(length < size && text[size] == 'x');
        if (size < sizeof "…")
            assert_int_equal(length, 0);
        if (size < sizeof "…" || length == strlen(whole))
            continue;
        length -= strlen("…");
        assert_string_equal(text + length, "…");
        assert_memory_equal(text, whole, length);
        assert_true(length == 0 || text[length - 1] == ',' || text[length - 1] == ':');
    }
    gtid_brief(&position, text, strlen(whole) + 2);
    assert_string_equal(text, whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_read_in_every_form_and_printed_as_the_server_prints_them),
        cmocka_unit_test(what_is_no_set_is_refused_and_changes_nothing),
        cmocka_unit_test(more_ranges_than_there_is_room_for_are_refused_and_change_nothing),
        cmocka_unit_test(every_operation_agrees_with_sets_of_plain_bits),
        cmocka_unit_test(hostile_text_is_refused_or_reads_back_as_the_same),
        cmocka_unit_test(positions_of_two_families_never_meet),
        cmocka_unit_test(a_list_cut_for_a_message_still_counts_in_full),
        cmocka_unit_test(a_position_cut_for_people_ends_with_a_whole_number_and_says_that_there_is_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
