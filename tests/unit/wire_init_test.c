/* What `mmm init` and an agent that waits for it say to each other, as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "wire/init.h"

static const struct cluster shop = { .name = "shop" };

static void a_request_is_read_as_it_was_written(void **state) {
    (void)state;
    struct init_request request = { .step = "I10", .replication_password = "a\"b\\c" }, read;
    char *text = init_request_encode(&shop, &request);
    assert_int_equal(init_request_decode(&shop, text, strlen(text), &read, NULL), RC_OK);
    assert_memory_equal(&read, &request, sizeof read);
    free(text);
}

static void a_request_for_another_cluster_or_too_long_is_refused(void **state) {
    (void)state;
    const struct cluster other = { .name = "other" };
    struct init_request read = { .step = "" };
    char *text = init_request_encode(&other, &(struct init_request){ .step = "S41" });
    assert_int_equal(init_request_decode(&shop, text, strlen(text), &read, NULL), RC_INVALID);
    free(text);
    const char *long_step = "{\"v\":1,\"message\":\"init\",\"cluster\":\"shop\",\"step\":\"S41S41S41\"}";
    assert_int_equal(init_request_decode(&shop, long_step, strlen(long_step), &read, NULL), RC_INVALID);
    assert_string_equal(read.step, "");
}

static void facts_are_read_as_they_were_written(void **state) {
    (void)state;
    struct init_facts facts = { .answered = true,
                                .family = FAMILY_MARIADB,
                                .server_id = 7,
                                .databases = 2,
                                .has_source = true,
                                .agent_has_socket = true,
                                .file_is_right = true };
    struct init_facts read;
    TEXT_COPY(facts.version, "10.11.14-MariaDB");
    TEXT_COPY(facts.database, "precious");
    TEXT_COPY(facts.transactions, "0-7-1");
    TEXT_COPY(facts.file, "/etc/my.cnf.d/zz-mmm.cnf");
    for (size_t i = 0; i < init_setting_count; i++)
        if (init_settings[i].family == FAMILY_MARIADB && init_settings[i].reach != INIT_FILE)
            TEXT_COPY(facts.values[i], init_settings[i].on_master);
    char *text = init_facts_encode(&shop, &facts);
    assert_int_equal(init_facts_decode(&shop, text, strlen(text), &read, NULL), RC_OK);
    assert_memory_equal(&read, &facts, sizeof read);
    free(text);
}

static void facts_that_lack_a_setting_are_refused(void **state) {
    (void)state;
    struct init_facts read;
    struct reason why = { "" };
    const char *text =
        "{\"v\":1,\"message\":\"init_facts\",\"cluster\":\"shop\",\"set_up\":false,\"family\":\"mariadb\","
        "\"version\":\"10.11\",\"server_id\":1,\"has_source\":false,\"agent_has_socket\":true,\"databases\":0,"
        "\"values\":{},"
        "\"file_is_right\":false}";
    assert_int_equal(init_facts_decode(&shop, text, strlen(text), &read, &why), RC_INVALID);
    assert_non_null(strstr(why.text, "log_bin"));
}

static void an_agent_that_works_says_so_in_few_words(void **state) {
    (void)state;
    struct init_facts read;
    char *text = init_facts_encode(&shop, &(struct init_facts){ .set_up = true });
    assert_int_equal(init_facts_decode(&shop, text, strlen(text), &read, NULL), RC_OK);
    assert_true(read.answered && read.set_up);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_as_it_was_written),
        cmocka_unit_test(a_request_for_another_cluster_or_too_long_is_refused),
        cmocka_unit_test(facts_are_read_as_they_were_written),
        cmocka_unit_test(facts_that_lack_a_setting_are_refused),
        cmocka_unit_test(an_agent_that_works_says_so_in_few_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
