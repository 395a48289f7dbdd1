/* What `mmm init` does to fresh servers, and when it does nothing. */
#include "core_pieces.h"

#include <stdlib.h>

#include "base/text.h"
#include "core/init/init.h"

static struct init_facts facts[HOSTS_MAX];
static struct init_plan plan;
static const struct init_wish wish = { .check_user = true };

/* A server as a package leaves it, restarted with what only a restart sets. */
static struct init_facts fresh(unsigned server_id) {
    struct init_facts one = {
        .answered = true, .family = FAMILY_MARIADB, .server_id = server_id, .agent_has_socket = true
    };
    TEXT_COPY(one.version, "10.11.14-MariaDB-log");
    TEXT_COPY(one.file, "/etc/mysql/mariadb.conf.d/zz-mmm.cnf");
    for (size_t i = 0; i < init_setting_count; i++)
        if (init_settings[i].reach == INIT_RESTART)
            TEXT_COPY(one.values[i], init_settings[i].on_master);
    return one;
}

static struct cluster three_fresh(void) {
    for (unsigned i = 0; i < 3; i++)
        facts[i] = fresh(i + 1);
    return core_cluster(3);
}

static struct init_facts fresh_mysql(unsigned server_id) {
    struct init_facts one = fresh(server_id);
    one.family = FAMILY_MYSQL;
    one.agent_has_socket = false;
    TEXT_COPY(one.version, "8.4.3");
    return one;
}

static struct cluster three_fresh_mysql(void) {
    for (unsigned i = 0; i < 3; i++)
        facts[i] = fresh_mysql(i + 1);
    return core_cluster(3);
}

static void stops_with(const struct cluster *cluster, int host, const char *rule) {
    init_plan_make(cluster, &wish, facts, &plan);
    assert_int_equal(plan.step_count, 0);
    assert_int_equal(plan.stop_count, 1);
    assert_int_equal(plan.stops[0].host, host);
    assert_string_equal(plan.stops[0].rule, rule);
}

static size_t setting(const char *name) {
    for (size_t i = 0; i < init_setting_count; i++)
        if (text_equal(init_settings[i].name, name))
            return i;
    fail_msg("no setting %s", name);
    return 0;
}

static void fresh_servers_are_begun_and_no_agent_works_before_all_are_ready(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    init_plan_make(&cluster, &wish, facts, &plan);
    assert_int_equal(plan.stop_count, 0);
    for (size_t i = 0; i < plan.step_count; i++)
        assert_int_equal(plan.steps[i].kind == INIT_SET_UP, i >= plan.step_count - 3);
    assert_int_equal(plan.steps[plan.step_count - 1].host, DB3);
}

static void users_are_made_before_a_server_is_read_only(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    init_plan_make(&cluster, &wish, facts, &plan);
    assert_ptr_equal(init_step_find(&plan, DB1, "I10"), &plan.steps[0]);
    assert_ptr_equal(init_step_find(&plan, DB1, "I11"), &plan.steps[1]);
    assert_true(init_step_find(&plan, DB1, "S41") > init_step_find(&plan, DB1, "S26"));
    assert_true(init_step_find(&plan, DB1, "I20") > init_step_find(&plan, DB1, "S41"));
}

static void without_a_check_in_the_configuration_its_user_is_not_made(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    init_plan_make(&cluster, &(struct init_wish){ .check_user = false }, facts, &plan);
    assert_null(init_step_find(&plan, DB1, "I11"));
}

static void one_bad_server_keeps_all_from_being_begun(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    facts[DB3].answered = false;
    stops_with(&cluster, DB3, "N10");
    facts[DB3] = fresh(3);
    facts[DB3].family = FAMILY_UNKNOWN;
    stops_with(&cluster, DB3, "N20");
    facts[DB3] = fresh_mysql(3);
    TEXT_COPY(facts[DB3].version, facts[DB1].version);
    stops_with(&cluster, DB3, "N22");
    facts[DB3] = fresh(3);
    facts[DB3].databases = 1;
    stops_with(&cluster, DB3, "N30");
    facts[DB3] = fresh(3);
    TEXT_COPY(facts[DB3].transactions, "0-3-1");
    stops_with(&cluster, DB3, "N31");
    facts[DB3] = fresh(3);
    facts[DB3].has_source = true;
    stops_with(&cluster, DB3, "N32");
    facts[DB3] = fresh(3);
    facts[DB3].file[0] = 0;
    stops_with(&cluster, DB3, "N42");
    facts[DB3] = fresh(3);
    TEXT_COPY(facts[DB3].values[setting("log_bin")], "0");
    stops_with(&cluster, DB3, "N41");
    facts[DB3] = fresh(3);
    TEXT_COPY(facts[DB3].values[setting("bind_address")], "127.0.0.1");
    stops_with(&cluster, DB3, "N41");
}

static void old_and_mixed_versions_are_refused(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    static const struct {
        const char *version, *rule;
    } cases[] = { { "11.8.2-MariaDB", "N22" }, { "10.12.1", "N22" }, { "11", "N22" } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        TEXT_COPY(facts[DB2].version, cases[i].version);
        init_plan_make(&cluster, &wish, facts, &plan);
        assert_string_equal(plan.stops[0].rule, cases[i].rule);
    }
    static const char *const old[] = { "10.6.1-MariaDB", "9.11.0", "", "MariaDB" };
    for (size_t i = 0; i < COUNT_OF(old); i++) {
        TEXT_COPY(facts[DB2].version, old[i]);
        init_plan_make(&cluster, &wish, facts, &plan);
        assert_string_equal(plan.stops[0].rule, "N21");
    }
    for (int i = 0; i < 3; i++)
        TEXT_COPY(facts[i].version, "12.1.2-MariaDB");
    init_plan_make(&cluster, &wish, facts, &plan);
    assert_int_equal(plan.stop_count, 0);
}

static void mysql_servers_without_the_words_of_today_are_refused(void **state) {
    (void)state;
    struct cluster cluster = three_fresh_mysql();
    static const char *const old[] = { "8.0.25", "8.0.9-log", "5.7.44", "" };
    for (size_t i = 0; i < COUNT_OF(old); i++) {
        TEXT_COPY(facts[DB2].version, old[i]);
        init_plan_make(&cluster, &wish, facts, &plan);
        assert_string_equal(plan.stops[0].rule, "N21");
    }
    static const char *const good[] = { "8.0.26", "8.0.100", "9.7.4-2", "26.7.0" };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        for (int host = 0; host < 3; host++)
            TEXT_COPY(facts[host].version, good[i]);
        init_plan_make(&cluster, &wish, facts, &plan);
        assert_int_equal(plan.stop_count, 0);
    }
}

static void on_mysql_plugins_and_gtids_come_before_the_server_is_closed(void **state) {
    (void)state;
    struct cluster cluster = three_fresh_mysql();
    init_plan_make(&cluster, &wish, facts, &plan);
    static const char *const order[] = { "I10", "I11", "I12", "S70", "S71", "S72", "S73", "S91", "I20" };
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        assert_non_null(init_step_find(&plan, DB2, order[i]));
        if (i > 0)
            assert_true(init_step_find(&plan, DB2, order[i - 1]) < init_step_find(&plan, DB2, order[i]));
    }
    assert_null(init_step_find(&plan, DB2, "S41")); /* the other family's */
    facts[DB2].agent_has_socket = true;
    TEXT_COPY(facts[DB2].values[setting("rpl_semi_sync_source")], "ACTIVE");
    init_plan_make(&cluster, &wish, facts, &plan);
    assert_null(init_step_find(&plan, DB2, "I12"));
    assert_null(init_step_find(&plan, DB2, "S70"));
}

static void a_server_id_of_two_is_refused_and_a_free_one_is_named(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    for (int i = 0; i < 3; i++)
        facts[i].server_id = 2;
    init_plan_make(&cluster, &wish, facts, &plan);
    assert_int_equal(plan.stop_count, 2); /* the first keeps it */
    assert_int_equal(plan.stops[0].host, DB2);
    assert_int_equal(init_server_id(&cluster, facts, DB2), 2 + HOSTS_MAX);
    assert_int_equal(init_server_id(&cluster, facts, DB3), 3);
    facts[DB1].server_id = 0;
    init_plan_make(&cluster, &wish, facts, &plan);
    assert_int_equal(plan.stops[0].host, DB1);
}

static void a_half_done_host_is_gone_on_with_and_a_done_one_left_alone(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    for (size_t i = 0; i < init_setting_count; i++)
        TEXT_COPY(facts[DB1].values[i], init_wanted(&init_settings[i], MODE_MASTER));
    facts[DB1].file_is_right = true;
    facts[DB2] = (struct init_facts){ .answered = true, .set_up = true };
    init_plan_make(&cluster, &(struct init_wish){ .check_user = true, .password_is_here = true }, facts, &plan);
    assert_int_equal(plan.stop_count, 0);
    for (size_t i = 0; i < plan.step_count; i++) {
        assert_int_not_equal(plan.steps[i].host, DB2);
        if (plan.steps[i].host == DB1)
            assert_true(plan.steps[i].kind != INIT_SET && plan.steps[i].kind != INIT_WRITE_FILE);
    }
    assert_non_null(init_step_find(&plan, DB1, "I30"));
}

static void no_second_password_is_made_while_a_host_has_the_first(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    facts[DB2] = (struct init_facts){ .answered = true, .set_up = true };
    stops_with(&cluster, DB2, "N11");
}

static void when_all_are_set_up_nothing_is_done(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    for (int i = 0; i < 3; i++)
        facts[i] = (struct init_facts){ .answered = true, .set_up = true };
    init_plan_make(&cluster, &(struct init_wish){ .password_is_here = true }, facts, &plan);
    assert_int_equal(plan.stop_count + plan.step_count, 0);
}

static void a_host_judges_itself_as_all_were_judged(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    init_plan_host(&cluster, DB3, &wish, &facts[DB3], &plan);
    assert_int_equal(plan.stop_count, 0);
    assert_non_null(init_step_find(&plan, DB3, "S41"));
    assert_null(init_step_find(&plan, DB1, "S41"));
    facts[DB3].databases = 2;
    init_plan_host(&cluster, DB3, &wish, &facts[DB3], &plan);
    assert_int_equal(plan.stop_count, 1);
    assert_int_equal(plan.step_count, 0);
}

static void values_are_compared_as_servers_print_them(void **state) {
    (void)state;
    const struct init_setting *threads = &init_settings[setting("slave_parallel_threads")];
    assert_true(init_is_right(threads, MODE_MASTER, "8"));
    assert_false(init_is_right(threads, MODE_MASTER, "3"));
    assert_false(init_is_right(threads, MODE_MASTER, ""));
    const struct init_setting *address = &init_settings[setting("bind_address")];
    assert_true(init_is_right(address, MODE_MASTER, ""));
    assert_true(init_is_right(address, MODE_MASTER, "10.77.0.11"));
    assert_false(init_is_right(address, MODE_MASTER, "::1"));
}

static void the_file_makes_every_start_read_only_and_holds_no_password(void **state) {
    (void)state;
    char text[INIT_FILE_SIZE];
    init_file_text(FAMILY_MARIADB, MODE_REPLICA, text);
    assert_non_null(strstr(text, "[mariadbd]\n"));
    assert_non_null(strstr(text, "\nread_only = ON\n"));
    assert_non_null(strstr(text, "\nskip_slave_start = ON\n"));
    assert_null(strstr(text, "rpl_semi_sync")); /* the agents switch it */
    assert_null(strstr(text, "password"));
    assert_null(strstr(text, "bind_address"));
    assert_non_null(strstr(text, "\nloose_slave_connections_needed_for_purge = 0\n"));
    init_file_text(FAMILY_MYSQL, MODE_MASTER, text);
    assert_non_null(strstr(text, "[mysqld]\n"));
    assert_non_null(strstr(text, "\nsuper_read_only = ON\n"));
    assert_non_null(strstr(text, "\nskip_replica_start = ON\n"));
    assert_non_null(strstr(text, "\ngtid_mode = ON\n"));
    assert_null(strstr(text, "rpl_semi_sync")); /* the server remembers its plugins itself */
    assert_null(strstr(text, "gtid_strict_mode"));
}

static void a_setting_that_a_server_does_not_know_is_not_set_there(void **state) {
    (void)state;
    struct cluster cluster = three_fresh();
    init_plan_make(&cluster, &wish, facts, &plan);
    assert_null(init_step_find(&plan, DB2, "S27"));
    for (int i = 0; i < 3; i++) {
        TEXT_COPY(facts[i].version, "11.8.6-MariaDB-0+deb13u1 from Debian-log");
        TEXT_COPY(facts[i].values[setting("slave_connections_needed_for_purge")], i == DB2 ? "1" : "0");
    }
    init_plan_make(&cluster, &wish, facts, &plan);
    assert_int_equal(plan.stop_count, 0);
    assert_non_null(init_step_find(&plan, DB2, "S27"));
    assert_null(init_step_find(&plan, DB3, "S27"));
}

static void each_rule_names_one_row(void **state) {
    (void)state;
    for (size_t i = 0; i < init_setting_count; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(init_settings[i].rule, init_settings[k].rule);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_servers_are_begun_and_no_agent_works_before_all_are_ready),
        cmocka_unit_test(users_are_made_before_a_server_is_read_only),
        cmocka_unit_test(without_a_check_in_the_configuration_its_user_is_not_made),
        cmocka_unit_test(one_bad_server_keeps_all_from_being_begun),
        cmocka_unit_test(old_and_mixed_versions_are_refused),
        cmocka_unit_test(mysql_servers_without_the_words_of_today_are_refused),
        cmocka_unit_test(on_mysql_plugins_and_gtids_come_before_the_server_is_closed),
        cmocka_unit_test(a_server_id_of_two_is_refused_and_a_free_one_is_named),
        cmocka_unit_test(a_half_done_host_is_gone_on_with_and_a_done_one_left_alone),
        cmocka_unit_test(no_second_password_is_made_while_a_host_has_the_first),
        cmocka_unit_test(when_all_are_set_up_nothing_is_done),
        cmocka_unit_test(a_host_judges_itself_as_all_were_judged),
        cmocka_unit_test(values_are_compared_as_servers_print_them),
        cmocka_unit_test(the_file_makes_every_start_read_only_and_holds_no_password),
        cmocka_unit_test(a_setting_that_a_server_does_not_know_is_not_set_there),
        cmocka_unit_test(each_rule_names_one_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
