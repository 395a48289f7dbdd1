/* Who serves which address of a role. */
#include "core_pieces.h"

#include "core/roles/roles.h"

enum { READER, OTHER, ADDRESSES = 9, TRIES = 20000 };

static int placement[ADDRESSES_MAX];

/* Four hosts, one role over all of them, and one address of another role that must be left alone. */
static struct cluster make(enum role_mode mode) {
    struct cluster cluster = { .host_count = 4, .role_count = 2, .address_count = ADDRESSES };
    cluster.roles[READER] = (struct role_spec){ .name = "reader",
                                                .mode = mode,
                                                .hosts = 15,
                                                .prefer = HOST_NONE,
                                                .order = { DB1, DB2, DB3, DB4 },
                                                .order_count = 4 };
    cluster.roles[OTHER] = (struct role_spec){ .name = "other", .hosts = 15, .prefer = HOST_NONE };
    cluster.addresses[ADDRESSES - 1].role = OTHER;
    for (int i = 0; i < ADDRESSES_MAX; i++)
        placement[i] = HOST_NONE;
    placement[ADDRESSES - 1] = DB4;
    return cluster;
}

static int count_on(int host) {
    int count = 0;
    for (int i = 0; i < ADDRESSES - 1; i++)
        count += placement[i] == host;
    return count;
}

static void orphans_go_to_the_host_with_the_fewest(void **state) {
    (void)state;
    struct cluster cluster = make(ROLE_BALANCED);
    placement[0] = placement[1] = placement[2] = DB1;
    roles_place(&cluster, READER, &(struct role_facts){ .may_stay = 15, .may_receive = 15, .writer = HOST_NONE },
                placement);
    assert_int_equal(placement[3], DB2);
    assert_int_equal(count_on(DB1), 3);
    assert_int_equal(count_on(DB2), 2);
    assert_int_equal(placement[ADDRESSES - 1], DB4);
}

static void the_writer_counts_half_an_address_more(void **state) {
    (void)state;
    struct cluster cluster = make(ROLE_BALANCED);
    struct role_facts facts = { .may_stay = 3, .may_receive = 3, .writer = DB1, .balance = true };
    cluster.address_count = 3;
    roles_place(&cluster, READER, &facts, placement);
    assert_int_equal(count_on(DB2), 2);
    assert_int_equal(count_on(DB1), 1);
}

static void an_address_whose_host_may_not_stay_moves(void **state) {
    (void)state;
    struct cluster cluster = make(ROLE_BALANCED);
    placement[0] = DB1;
    placement[1] = DB2;
    roles_place(&cluster, READER, &(struct role_facts){ .may_stay = 2, .may_receive = 2, .writer = HOST_NONE },
                placement);
    assert_int_equal(count_on(DB1), 0);
    assert_int_equal(count_on(DB2), ADDRESSES - 1);
}

static void nothing_is_evened_out_unless_asked_for(void **state) {
    (void)state;
    struct cluster cluster = make(ROLE_BALANCED);
    for (int i = 0; i < ADDRESSES - 1; i++)
        placement[i] = DB1;
    roles_place(&cluster, READER, &(struct role_facts){ .may_stay = 15, .may_receive = 15, .writer = HOST_NONE },
                placement);
    assert_int_equal(count_on(DB1), ADDRESSES - 1);
}

static void without_anybody_an_address_is_nobodys(void **state) {
    (void)state;
    struct cluster cluster = make(ROLE_BALANCED);
    placement[0] = DB1;
    roles_place(&cluster, READER, &(struct role_facts){ .writer = HOST_NONE, .balance = true }, placement);
    assert_int_equal(placement[0], HOST_NONE);
}

static void an_exclusive_role_is_on_one_host_and_sticks(void **state) {
    (void)state;
    struct cluster cluster = make(ROLE_EXCLUSIVE);
    placement[3] = DB3;
    roles_place(&cluster, READER,
                &(struct role_facts){ .may_stay = 15, .may_receive = 15, .writer = HOST_NONE, .balance = true },
                placement);
    assert_int_equal(count_on(DB3), ADDRESSES - 1);
}

static void an_exclusive_role_goes_to_the_host_it_prefers(void **state) {
    (void)state;
    struct cluster cluster = make(ROLE_EXCLUSIVE);
    cluster.roles[READER].prefer = DB2;
    placement[0] = DB3;
    struct role_facts facts = { .may_stay = 15, .may_receive = 13, .writer = HOST_NONE, .balance = true };
    roles_place(&cluster, READER, &facts, placement);
    assert_int_equal(count_on(DB3), ADDRESSES - 1);
    facts.may_receive = 15;
    roles_place(&cluster, READER, &facts, placement);
    assert_int_equal(count_on(DB2), ADDRESSES - 1);
}

static void check_balanced(const struct role_facts *facts) {
    int least = ADDRESSES, most = 0;
    for (int host = DB1; host <= DB4; host++) {
        if (!set_has(facts->may_receive, host)) {
            assert_int_equal(count_on(host), 0);
            continue;
        }
        int count = count_on(host);
        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    assert_true(!facts->may_receive || most - least <= 1);
}

/* Whatever was where before: all are placed, no two hosts differ by more than one, and a second look moves nothing. */
static void any_placement_is_evened_out_and_then_rests(void **state) {
    (void)state;
    uint64_t random = 20261122;
    for (int i = 0; i < TRIES; i++) {
        struct cluster cluster = make(ROLE_BALANCED);
        struct role_facts facts = { .balance = true, .may_receive = core_random(&random) & 15 };
        facts.may_stay = facts.may_receive;
        facts.writer = (int)(core_random(&random) % 5) - 1;
        for (int a = 0; a < ADDRESSES - 1; a++)
            placement[a] = (int)(core_random(&random) % 5) - 1;
        roles_place(&cluster, READER, &facts, placement);
        check_balanced(&facts);
        assert_int_equal(count_on(HOST_NONE), facts.may_receive ? 0 : ADDRESSES - 1);
        int before[ADDRESSES_MAX];
        memcpy(before, placement, sizeof before);
        roles_place(&cluster, READER, &facts, placement);
        assert_memory_equal(before, placement, sizeof before);
    }
}

/* One host leaves: only what it had moves, unless the rest must be evened out. */
static void a_host_that_leaves_moves_no_more_than_it_must(void **state) {
    (void)state;
    struct cluster cluster = make(ROLE_BALANCED);
    struct role_facts facts = { .may_stay = 15, .may_receive = 15, .writer = HOST_NONE, .balance = true };
    roles_place(&cluster, READER, &facts, placement);
    int before[ADDRESSES_MAX];
    memcpy(before, placement, sizeof before);
    facts.may_stay = facts.may_receive = 7;
    roles_place(&cluster, READER, &facts, placement);
    for (int a = 0; a < ADDRESSES - 1; a++)
        if (before[a] != DB4)
            assert_int_equal(placement[a], before[a]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orphans_go_to_the_host_with_the_fewest),
        cmocka_unit_test(the_writer_counts_half_an_address_more),
        cmocka_unit_test(an_address_whose_host_may_not_stay_moves),
        cmocka_unit_test(nothing_is_evened_out_unless_asked_for),
        cmocka_unit_test(without_anybody_an_address_is_nobodys),
        cmocka_unit_test(an_exclusive_role_is_on_one_host_and_sticks),
        cmocka_unit_test(an_exclusive_role_goes_to_the_host_it_prefers),
        cmocka_unit_test(any_placement_is_evened_out_and_then_rests),
        cmocka_unit_test(a_host_that_leaves_moves_no_more_than_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
