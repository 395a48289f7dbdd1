/* The configuration: the option table, what a file says, the defaults, and the documents made of the table. */
#include "config/draft.h"
#include "config/options.h"
#include "config_pieces.h"

/* ---- the table ---- */

static bool value_is_in_range(const struct option *option, const void *value) {
    long long number = -1;
    if (option->type == OPTION_DURATION)
        number = *(const msec *)value;
    else if (option->type == OPTION_NUMBER)
        number = option->size == sizeof(uint16_t) ? *(const uint16_t *)value : *(const unsigned *)value;
    else
        return true;
    return number >= option->least && number <= option->most;
}

static void every_option_has_a_default_inside_its_range_and_a_line_of_help(void **state) {
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &options[i];
        _Alignas(16) char place[sizeof(struct draft)] = { 0 };
        struct reason why = { "" };
        assert_true(strlen(option->help) > 10);
        assert_true(option->help[strlen(option->help) - 1] == '.');
        if (!option->fallback || option->trait == OPTION_DERIVED)
            continue;
        if (option_parse(option, option->fallback, place, &why))
            fail_msg("%s: %s", option->key, why.text);
        assert_true(value_is_in_range(option, place));
    }
}

static size_t base_size(enum section_kind kind) {
    if (kind == SECTION_HOST)
        return sizeof(struct host_draft);
    return kind == SECTION_ROLE ? sizeof(struct role_draft) : sizeof(struct draft);
}

/* The size of the place must be that of the type which the parser writes there. */
static void every_option_has_a_place_of_its_type(void **state) {
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &options[i];
        assert_true(option->offset + option->size <= base_size(option->section));
        switch (option->type) {
        case OPTION_ADDRESS:
            assert_int_equal(option->size, sizeof(struct ip));
            break;
        case OPTION_NUMBER:
            assert_true(option->size == sizeof(uint16_t) || option->size == sizeof(unsigned));
            assert_true(option->least < option->most);
            assert_true(option->most <= (option->size == sizeof(uint16_t) ? UINT16_MAX : UINT32_MAX));
            break;
        case OPTION_DURATION:
            assert_int_equal(option->size, sizeof(msec));
            assert_true(option->least < option->most);
            break;
        case OPTION_CHOICE:
            assert_int_equal(option->size, sizeof(unsigned));
            assert_non_null(option->choices);
            break;
        case OPTION_NAMES:
            assert_int_equal(option->size, sizeof(struct name_list));
            break;
        case OPTION_ADDRESSES:
            assert_int_equal(option->size, sizeof(struct address_list));
            break;
        case OPTION_NETWORKS:
            assert_int_equal(option->size, sizeof(struct network_list));
            break;
        case OPTION_NAME:
        case OPTION_WORD:
        case OPTION_INTERFACE:
        case OPTION_PATH:
        case OPTION_COMMAND:
            assert_true((size_t)option->most < option->size);
            break;
        }
    }
}

static void no_two_options_share_a_key_or_a_place(void **state) {
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        assert_ptr_equal(option_find(options[i].section, options[i].key), &options[i]);
        for (size_t j = 0; j < i; j++)
            if (base_size(options[i].section) == base_size(options[j].section))
                assert_true(options[i].offset + options[i].size <= options[j].offset ||
                            options[j].offset + options[j].size <= options[i].offset);
    }
}

/* ---- what a file says arrives where it belongs ---- */

static void assert_ip(const struct ip *ip, const char *expected) {
    char text[IP_TEXT_MAX];
    ip_format(ip, text);
    assert_string_equal(text, expected);
}

static void the_guard_is_off_unless_a_host_says_otherwise(void **state) {
    (void)state;
    struct settings s = parse(WHOLE);
    assert_int_equal(s.hosts[0].guard, GUARD_OFF);
    assert_int_equal(s.hosts[0].guard_allow.count, 0);
    s = parse(CLUSTER MONITOR DEFAULTS "guard = on\nguard_allow = 10.0.0.200, fd00:1::/64\n" DB1 DB2
                                       "guard = off\n" DB3 WRITER READER);
    assert_int_equal(s.hosts[0].guard, GUARD_ON);
    assert_int_equal(s.hosts[1].guard, GUARD_OFF);
    assert_int_equal(s.hosts[2].guard_allow.count, 2);
    assert_ip(&s.hosts[2].guard_allow.items[0].ip, "10.0.0.200");
    assert_int_equal(s.hosts[2].guard_allow.items[0].prefix, 32);
    assert_int_equal(s.hosts[2].guard_allow.items[1].prefix, 64);
}

static void the_example_of_the_documents_is_read_as_it_is_written(void **state) {
    (void)state;
    struct settings s = parse(read_text(MMM_SOURCE_ROOT "/docs/examples/shop.ini"));
    const struct cluster *c = &s.cluster;
    assert_string_equal(c->name, "shop");
    assert_int_equal(c->durability, DURABILITY_ASYNCHRONOUS);
    assert_int_equal(c->last_resort, LAST_RESORT_KILL);
    assert_ip(&s.monitor_address, "10.77.0.9");
    assert_int_equal(s.monitor_port, 9988);
    assert_int_equal(c->host_count, 3);
    assert_string_equal(c->hosts[2].name, "db3");
    assert_ip(&c->hosts[2].address, "10.77.0.13");
    assert_int_equal(c->hosts[0].mode, MODE_MASTER);
    assert_int_equal(c->hosts[2].mode, MODE_REPLICA);
    assert_int_equal(c->hosts[2].server_port, 3306);
    assert_string_equal(s.hosts[1].interface, "eth0");
    assert_string_equal(s.hosts[1].server_stop, "systemctl stop mariadb");
    assert_int_equal(c->role_count, 2);
    assert_int_equal(cluster_writer_role(c), 0);
    assert_int_equal(cluster_masters(c), set_of(0) | set_of(1));
    assert_int_equal(c->roles[1].mode, ROLE_BALANCED);
    assert_int_equal(c->roles[1].order_count, 3);
    assert_int_equal(c->address_count, 4);
    assert_ip(&c->addresses[3].ip, "10.77.0.53");
    assert_int_equal(c->addresses[3].prefix, 24);
    assert_int_equal(cluster_role_addresses(c, 1), 0xe);
    assert_string_equal(s.replication_password_file, "/var/lib/mmm/replication.password");
    assert_int_equal(c->health.lag_max, 10000);
    assert_int_equal(c->lease.length, 5000);
    assert_string_equal(s.tls.key, "/etc/mmm/tls/%h.key");
}

static void what_is_not_written_has_its_default(void **state) {
    (void)state;
    struct settings s = parse(WHOLE);
    const struct cluster *c = &s.cluster;
    assert_string_equal(s.file, "shop.ini");
    assert_string_equal(s.monitor_name, "monitor");
    assert_string_equal(s.monitor_socket, "/run/mmm/monitor.sock");
    assert_string_equal(s.monitor_store, "/var/lib/mmm/monitor.db");
    assert_int_equal(s.events_kept, 10000);
    assert_int_equal(s.hosts[0].agent_port, 9989);
    assert_string_equal(s.hosts[0].agent_state, "/var/lib/mmm");
    assert_string_equal(s.hosts[0].server_socket, "/run/mysqld/mysqld.sock");
    assert_string_equal(s.hosts[0].server_start, "");
    assert_string_equal(s.check_user, "");
    assert_string_equal(s.tls.ca, "");
    assert_int_equal(c->health.lag_back, 5000);
    assert_int_equal(c->health.answer_timeout, 2000);
    assert_int_equal(c->health.settle, 10000);
    assert_int_equal(c->health.down_short, 60000);
    assert_int_equal(c->health.flap_count, 3);
    assert_int_equal(c->health.flap_window, 3600000);
    assert_int_equal(c->lease.length, 5000);
    assert_int_equal(c->lease.report, 500);
    assert_int_equal(c->lease.fence, 1000);
    assert_int_equal(c->lease.margin, 500);
    assert_int_equal(c->failover.window, 0);
    assert_int_equal(c->failover.drain_timeout, 30000);
    assert_int_equal(c->failover.switchover_timeout, 5000);
    assert_int_equal(c->failover.catch_up, 2000);
    assert_int_equal(c->roles[0].prefer, HOST_NONE);
}

static void the_template_holds_wherever_it_stands_and_a_host_may_say_otherwise(void **state) {
    (void)state;
    struct settings s = parse(CLUSTER MONITOR "[host db1]\naddress = 10.0.0.1\nserver_port = 3307\nserver_start =\n"
                                              "[host db2]\naddress = 10.0.0.2\nmode = slave\n" WRITER_OF_DB1
                                              "[host default]\nmode = master\ninterface = eth1\nserver_port = 3310\n"
                                              "server_start = service mysql start\n");
    assert_int_equal(s.cluster.hosts[0].server_port, 3307);
    assert_int_equal(s.cluster.hosts[1].server_port, 3310);
    assert_int_equal(s.cluster.hosts[0].mode, MODE_MASTER);
    assert_int_equal(s.cluster.hosts[1].mode, MODE_REPLICA);
    assert_string_equal(s.hosts[0].interface, "eth1");
    assert_string_equal(s.hosts[0].server_start, "");
    assert_string_equal(s.hosts[1].server_start, "service mysql start");
}

static void the_order_and_the_preference_of_a_role_are_kept(void **state) {
    (void)state;
    struct settings s = parse(BASE "[role writer]\nmode = exclusive\nhosts = db2,db1\nprefer = db1\n" READER);
    assert_int_equal(s.cluster.roles[0].order[0], 1);
    assert_int_equal(s.cluster.roles[0].order[1], 0);
    assert_int_equal(s.cluster.roles[0].prefer, 0);
    assert_int_equal(cluster_role_addresses(&s.cluster, 0), 0);
}

static void an_exclusive_role_may_have_addresses_of_both_families(void **state) {
    (void)state;
    struct settings s = parse(BASE "[role writer]\nmode = exclusive\nhosts = db1\nips = 10.0.0.50, 2001:db8::50/64\n");
    assert_int_equal(s.cluster.address_count, 2);
    assert_int_equal(s.cluster.addresses[0].prefix, 32);
    assert_int_equal(s.cluster.addresses[1].prefix, 64);
    assert_ip(&s.cluster.addresses[1].ip, "2001:db8::50");
}

static void another_role_can_be_the_writers(void **state) {
    (void)state;
    struct settings s = parse("[cluster]\nname = c\nwriter_role = rw\n" MONITOR HOSTS READER
                              "[role rw]\nmode = exclusive\nhosts = db2\naddresses = 10.0.0.60\n");
    assert_int_equal(cluster_writer_role(&s.cluster), 1);
    assert_false(s.cluster.roles[0].is_writer);
}

static void both_words_for_durability_are_accepted(void **state) {
    (void)state;
    assert_int_equal(parse("[cluster]\nname = c\ndurability = lossless\n" MONITOR HOSTS WRITER).cluster.durability,
                     DURABILITY_LOSSLESS);
    assert_int_equal(parse("[cluster]\nname = c\ndurability = asynchronous\n" MONITOR HOSTS WRITER).cluster.durability,
                     DURABILITY_ASYNCHRONOUS);
}

static void white_space_comments_line_ends_and_a_byte_order_mark_do_not_matter(void **state) {
    (void)state;
    struct settings s = parse("\xEF\xBB\xBF; a comment\r\n  # another\r\n\t[cluster]  ; third\r\n"
                              "  name=shop # fourth\r\n\r\n   durability = lossless\r\n" MONITOR
                              "[ host\tdefault ]\n interface\t=\teth0\n" DB1 WRITER_OF_DB1 "[replication]\nuser = rep");
    assert_string_equal(s.cluster.name, "shop");
    assert_int_equal(s.cluster.durability, DURABILITY_LOSSLESS);
    assert_string_equal(s.hosts[0].interface, "eth0");
    assert_string_equal(s.replication_user, "rep");
}

static void a_list_goes_on_in_the_next_line_after_a_comma(void **state) {
    (void)state;
    struct settings s = parse(BASE WRITER "[role reader]\nmode = balanced\nhosts = db1, ; the first\n  db2,\n\tdb3\n"
                                          "addresses = 10.0.0.51/24,\n"
                                          "            ; db2's\n"
                                          "            10.0.0.52/24\n");
    assert_int_equal(s.cluster.roles[1].order_count, 3);
    assert_int_equal(s.cluster.address_count, 3);
}

static void a_comment_needs_white_space_before_it(void **state) {
    (void)state;
    struct settings s = parse(WHOLE "[replication]\nuser = a;b#c ;d\n");
    assert_string_equal(s.replication_user, "a;b#c");
}

/* ---- documents ---- */

static char *written_by(void (*help)(FILE *)) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    help(out);
    fclose(out);
    return text;
}

static void the_reference_document_is_what_the_table_says(void **state) {
    (void)state;
    char *text = written_by(config_help_markdown);
    if (getenv("MMM_GOLDEN_WRITE")) {
        FILE *page = fopen(MMM_SOURCE_ROOT "/docs/configuration.md", "w");
        assert_non_null(page);
        fputs(text, page);
        fclose(page);
    }
    if (!text_equal(text, read_text(MMM_SOURCE_ROOT "/docs/configuration.md")))
        fail_msg("docs/configuration.md differs from the table in src/config/options.c; run this test with "
                 "MMM_GOLDEN_WRITE=1 and look at the difference");
    free(text);
}

static void the_help_names_every_key(void **state) {
    (void)state;
    char *text = written_by(config_help);
    for (size_t i = 0; i < option_count; i++) {
        char line[80];
        snprintf(line, sizeof line, "\n    %s  (", options[i].key);
        assert_non_null(strstr(text, line));
    }
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 130);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_has_a_default_inside_its_range_and_a_line_of_help),
        cmocka_unit_test(every_option_has_a_place_of_its_type),
        cmocka_unit_test(no_two_options_share_a_key_or_a_place),
        cmocka_unit_test(the_guard_is_off_unless_a_host_says_otherwise),
        cmocka_unit_test(the_example_of_the_documents_is_read_as_it_is_written),
        cmocka_unit_test(what_is_not_written_has_its_default),
        cmocka_unit_test(the_template_holds_wherever_it_stands_and_a_host_may_say_otherwise),
        cmocka_unit_test(the_order_and_the_preference_of_a_role_are_kept),
        cmocka_unit_test(an_exclusive_role_may_have_addresses_of_both_families),
        cmocka_unit_test(another_role_can_be_the_writers),
        cmocka_unit_test(both_words_for_durability_are_accepted),
        cmocka_unit_test(white_space_comments_line_ends_and_a_byte_order_mark_do_not_matter),
        cmocka_unit_test(a_list_goes_on_in_the_next_line_after_a_comma),
        cmocka_unit_test(a_comment_needs_white_space_before_it),
        cmocka_unit_test(the_reference_document_is_what_the_table_says),
        cmocka_unit_test(the_help_names_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
