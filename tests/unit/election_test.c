/* Who becomes writer. */
#include "core_pieces.h"

#include "core/election/election.h"

static struct gtid_position positions[HOSTS_MAX];

static struct election hold(struct cluster *cluster, host_set candidates, host_set reachable) {
    struct election_facts facts = { .candidates = candidates, .reachable = reachable };
    for (int i = 0; i < HOSTS_MAX; i++)
        facts.received[i] = &positions[i];
    return elect(cluster, &facts);
}

static struct cluster make(const char *db1, const char *db2, const char *db3) {
    positions[DB1] = core_position(db1);
    positions[DB2] = core_position(db2);
    positions[DB3] = core_position(db3);
    return core_cluster(3);
}

static void nobody_is_chosen_among_nobody(void **state) {
    (void)state;
    struct cluster cluster = make("0-1-9", "0-1-9", "0-1-9");
    assert_int_equal(hold(&cluster, 0, 7).chosen, HOST_NONE);
}

static void the_most_complete_wins(void **state) {
    (void)state;
    struct cluster cluster = make("0-1-8", "0-1-9", "");
    cluster.roles[0].prefer = DB1;
    struct election election = hold(&cluster, 3, 3);
    assert_int_equal(election.chosen, DB2);
    assert_int_equal(election.richer, HOST_NONE);
}

static void of_two_equal_ones_the_preferred_wins(void **state) {
    (void)state;
    struct cluster cluster = make("0-1-9", "0-1-9", "");
    assert_int_equal(hold(&cluster, 3, 3).chosen, DB1);
    cluster.roles[0].prefer = DB2;
    assert_int_equal(hold(&cluster, 3, 3).chosen, DB2);
}

static void the_order_of_the_file_decides_last(void **state) {
    (void)state;
    struct cluster cluster = make("0-1-9", "0-1-9", "");
    cluster.roles[0].order[0] = DB2;
    cluster.roles[0].order[1] = DB1;
    assert_int_equal(hold(&cluster, 3, 3).chosen, DB2);
}

static void a_replica_is_never_chosen_and_can_be_fetched_from(void **state) {
    (void)state;
    struct cluster cluster = make("0-1-8", "0-1-7", "0-1-9");
    struct election election = hold(&cluster, 7, 7);
    assert_int_equal(election.chosen, DB1);
    assert_int_equal(election.richer, DB3);
}

static void only_a_reachable_host_can_be_fetched_from(void **state) {
    (void)state;
    struct cluster cluster = make("0-1-8", "0-1-7", "0-1-9");
    assert_int_equal(hold(&cluster, 3, 3).richer, HOST_NONE);
}

static void the_richest_is_fetched_from(void **state) {
    (void)state;
    struct cluster cluster = make("0-1-7", "0-1-8", "0-1-9");
    struct election election = hold(&cluster, set_of(DB1), 7);
    assert_int_equal(election.chosen, DB1);
    assert_int_equal(election.richer, DB3);
}

static void who_has_nothing_loses_against_who_has_something(void **state) {
    (void)state;
    struct cluster cluster = make("", "0-2-1", "");
    assert_int_equal(hold(&cluster, 3, 3).chosen, DB2);
}

/* Nobody among the candidates ever has strictly more than the chosen one. */
static void no_candidate_has_more_than_the_chosen_one(void **state) {
    (void)state;
    uint64_t random = 42;
    for (int i = 0; i < 20000; i++) {
        struct cluster cluster = core_cluster(3);
        for (int host = DB1; host <= DB3; host++) {
            positions[host].count = 0;
            gtid_raise(&positions[host], (struct gtid){ 0, 1, core_random(&random) % 4 });
            if (core_random(&random) % 3 == 0)
                gtid_raise(&positions[host], (struct gtid){ 1, 2, core_random(&random) % 4 });
        }
        host_set candidates = core_random(&random) & 3;
        cluster.roles[0].prefer = (int)(core_random(&random) % 3) - 1;
        struct election election = hold(&cluster, candidates, candidates | 4);
        assert_int_equal(election.chosen == HOST_NONE, candidates == 0);
        for (int host = DB1; host <= DB2; host++)
            if (set_has(candidates, host) && gtid_reached(&positions[election.chosen], &positions[host]))
                assert_true(gtid_reached(&positions[host], &positions[election.chosen]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_chosen_among_nobody),
        cmocka_unit_test(the_most_complete_wins),
        cmocka_unit_test(of_two_equal_ones_the_preferred_wins),
        cmocka_unit_test(the_order_of_the_file_decides_last),
        cmocka_unit_test(a_replica_is_never_chosen_and_can_be_fetched_from),
        cmocka_unit_test(only_a_reachable_host_can_be_fetched_from),
        cmocka_unit_test(the_richest_is_fetched_from),
        cmocka_unit_test(who_has_nothing_loses_against_who_has_something),
        cmocka_unit_test(no_candidate_has_more_than_the_chosen_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
