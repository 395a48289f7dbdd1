/* What the tools of both families write about binary logs, as real ones did, and what is made of it. */
#include "core/rows/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

/* One more than fit. */
#define SEVENTEEN                                                                                                      \
    "0-1-1,0-1-2,0-1-3,0-1-4,0-1-5,0-1-6,0-1-7,0-1-8,0-1-9,0-1-10,0-1-11,0-1-12,0-1-13,0-1-14,0-1-15,0-1-16,0-1-17"
#define UUID "c6ea00a2-e6cb-11f1-80be-02000a4d000d"

struct scene {
    struct rows_wanted wanted;
    struct rows_reader reader;
    struct rows rows;
};

static struct scene *scene_new(const char *list) {
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    assert_int_equal(rows_wanted_parse(list, &scene->wanted, NULL), RC_OK);
    rows_reader_init(&scene->reader, &scene->wanted, &scene->rows);
    return scene;
}

static void give(struct scene *scene, unsigned number, const char *text) {
    char *copy = strdup(text), *rest = copy;
    rows_file_begin(&scene->reader, number);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        rows_line(&scene->reader, line);
    rows_file_end(&scene->reader);
    free(copy);
}

static void give_golden(struct scene *scene, unsigned number, const char *name) {
    char path[512];
    static char text[64 * 1024];
    snprintf(path, sizeof path, "%s/tests/golden/rows/%s.txt", MMM_SOURCE_ROOT, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    give(scene, number, text);
}

/* One line a transaction and an item, in the order they were found. */
static char *told(const struct scene *scene) {
    static const char *const words[] = { "INSERT", "UPDATE", "DELETE", "STATEMENT" };
    const struct rows *rows = &scene->rows;
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    for (size_t i = 0; i < rows->count; i++) {
        const struct rows_transaction *transaction = &rows->transactions[i];
        fprintf(out, "%s %s\n", transaction->gtid, transaction->time);
        for (size_t k = 0; k < transaction->count; k++) {
            const struct rows_item *item = &rows->items[transaction->first + k];
            fprintf(out, "  %s", words[item->operation]);
            const size_t pieces[] = { item->table, item->before, item->after };
            for (size_t p = 0; p < COUNT_OF(pieces); p++)
                if (pieces[p])
                    fprintf(out, "|%s", rows->text + pieces[p]);
            fputc('\n', out);
        }
        if (transaction->left_out)
            fprintf(out, "  +%llu\n", (unsigned long long)transaction->left_out);
    }
    fclose(out);
    return text;
}

static void expect_told(const struct scene *scene, const char *wanted) {
    char *text = told(scene);
    assert_string_equal(text, wanted);
    free(text);
}

static void what_mariadbs_tool_writes_is_understood(void **state) {
    (void)state;
    struct scene *scene = scene_new("0-13-4..6");
    give_golden(scene, 0, "mariadb");
    expect_told(scene, "0-13-4 2026-11-22 23:38:35\n"
                       "  STATEMENT|CREATE TABLE app.own (id INT PRIMARY KEY, t VARCHAR(50))\n"
                       "0-13-5 2026-11-22 23:38:35\n"
                       "  INSERT|`app`.`own`|@1=1 @2='a\\x0a### INSERT INTO evil'\n"
                       "  INSERT|`app`.`own`|@1=2 @2=NULL\n"
                       "  UPDATE|`app`.`own`|@1=1 @2='a\\x0a### INSERT INTO evil'|@1=1 @2='x'\n"
                       "  DELETE|`app`.`own`|@1=1 @2='x'\n"
                       "  DELETE|`app`.`own`|@1=2 @2=NULL\n"
                       "0-13-6 2026-11-22 23:38:35\n"
                       "  STATEMENT|ALTER TABLE app.own  ADD COLUMN c INT\n");
    assert_true(rows_is_complete(&scene->reader));
    free(scene);
}

static void a_statement_stands_beside_rows_and_its_settings_do_not(void **state) {
    (void)state;
    struct scene *scene = scene_new("0-13-7..99");
    give_golden(scene, 0, "mariadb-newer");
    char *text = told(scene);
    assert_non_null(strstr(text, "  INSERT|`app`.`own`|@1=3 @2=NULL @3=NULL\n"));
    assert_non_null(strstr(text, "  STATEMENT|DELETE FROM app.own WHERE id>140\n"));
    assert_null(strstr(text, "TIMESTAMP"));
    free(text);
    free(scene);
}

static void what_mysqls_tool_writes_is_understood(void **state) {
    (void)state;
    struct scene *scene = scene_new(UUID ":1-3");
    give_golden(scene, 0, "mysql");
    expect_told(scene, UUID
                ":1 2026-11-22 23:24:24\n"
                "  INSERT|`app`.`ledger`|@1=-7 (18446744073709551609) @2=0 @3=0\n" UUID ":2 2026-11-22 23:24:24\n"
                "  STATEMENT|CREATE TABLE app.own (id INT PRIMARY KEY, t VARCHAR(50))\n" UUID ":3 2026-11-22 23:24:24\n"
                "  INSERT|`app`.`own`|@1=1 @2='a\\n### INSERT INTO evil'\n"
                "  INSERT|`app`.`own`|@1=2 @2=NULL\n");
    assert_true(rows_is_complete(&scene->reader));
    free(scene);
}

static void a_transaction_that_was_not_asked_for_is_never_shown(void **state) {
    (void)state;
    struct scene *scene = scene_new("0-13-6,0-12-5,1-13-4");
    give_golden(scene, 0, "mariadb");
    expect_told(scene, "0-13-6 2026-11-22 23:38:35\n  STATEMENT|ALTER TABLE app.own  ADD COLUMN c INT\n");
    free(scene);
    scene = scene_new(UUID ":2");
    give_golden(scene, 0, "mysql");
    assert_int_equal(scene->rows.count, 1);
    assert_int_equal(scene->rows.item_count, 1);
    free(scene);
}

/* The older file's head says what came before it. */
static void a_file_that_follows_all_that_is_wanted_ends_the_search_and_no_other_does(void **state) {
    (void)state;
    struct {
        const char *list, *head;
        bool is_complete;
    } cases[] = {
        { "0-13-7..9", "Gtid list [0-11-10,\n# 0-13-6]", true },
        { "0-13-7..9", "Gtid list [0-11-10,\n# 0-13-7]", false },
        { "0-13-7..9", "Gtid list [0-11-99]", true },
        { "0-13-7..9", "Gtid list []", true },
        { "0-13-7..9,1-13-2", "Gtid list [0-13-6,\n# 1-13-2]", false },
        { "0-13-7..9", "Gtid list [0-11-10,", false },
        { "0-13-7..9", "Start: binlog v 4", false },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[256];
        struct scene *scene = scene_new(cases[i].list);
        snprintf(text, sizeof text,
                 "# at 256\n#261122 23:23:43 server id 13  end_log_pos 315 CRC32 0x84ba208e \t%s\n# at 315",
                 cases[i].head);
        give(scene, 0, text);
        assert_int_equal(rows_is_complete(&scene->reader), cases[i].is_complete);
        free(scene);
    }
}

static const char head[] = "#261122  5:23:43 server id 13  end_log_pos 315 CRC32 0x84ba208e \t";

static void a_line_within_a_statement_is_never_taken_for_a_row_or_a_transaction(void **state) {
    (void)state;
    char text[1024];
    struct scene *scene = scene_new("0-13-7..9");
    snprintf(text, sizeof text,
             "%sGTID 0-13-7 ddl\n# at 4\n%sQuery\tthread_id=2\nSET TIMESTAMP=1/*!*/;\nCREATE PROCEDURE p() BEGIN\n"
             "### INSERT INTO `a`.`b`\n### SET\n###   @1=1\n%sGTID 0-13-8 trans\nEND\n/*!*/;\n# at 99\n"
             "### INSERT INTO `real`.`row`\n### SET\n###   @1=1\n",
             head, head, head);
    give(scene, 0, text);
    assert_int_equal(scene->rows.count, 1);
    assert_int_equal(scene->rows.item_count, 2);
    assert_int_equal(scene->rows.items[0].operation, ROWS_STATEMENT);
    assert_string_equal(scene->rows.transactions[0].time, "2026-11-22 05:23:43");
    assert_non_null(strstr(scene->rows.text + scene->rows.items[0].after, "### INSERT INTO `a`.`b` ### SET"));
    assert_string_equal(scene->rows.text + scene->rows.items[1].table, "`real`.`row`");
    free(scene);
}

static void what_there_is_no_room_for_is_counted_and_cut_and_never_lost_in_silence(void **state) {
    (void)state;
    static char line[16 * 1024];
    struct scene *scene = scene_new("0-13-1..1000");
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "###   @1=", 9);
    rows_file_begin(&scene->reader, 0);
    for (unsigned i = 1; i <= 60; i++) {
        char text[128];
        snprintf(text, sizeof text, "%sGTID 0-13-%u trans", head, i);
        rows_line(&scene->reader, text);
        for (unsigned k = 0; k < 3; k++) {
            rows_line(&scene->reader, "### INSERT INTO `a`.`b`");
            rows_line(&scene->reader, "### SET");
            rows_line(&scene->reader, i % 2 ? line : "###   @1=1");
        }
    }
    rows_file_end(&scene->reader);
    const struct rows *rows = &scene->rows;
    uint64_t items = 0;
    for (size_t i = 0; i < rows->count; i++)
        items += rows->transactions[i].count + rows->transactions[i].left_out;
    assert_int_equal(rows->found, 60);
    assert_int_equal(rows->count, ROWS_TRANSACTIONS_MAX);
    assert_int_equal(rows->left_out, 60 - ROWS_TRANSACTIONS_MAX);
    assert_int_equal(items, 3 * ROWS_TRANSACTIONS_MAX);
    assert_in_range(rows->item_count, 20, ROWS_ITEMS_MAX);
    const char *first = rows->text + rows->items[0].after;
    assert_in_range(strlen(first), ROWS_ITEM_MAX - 30, ROWS_ITEM_MAX);
    assert_string_equal(first + strlen(first) - strlen("…"), "…");
    assert_string_equal(rows->text + rows->items[3].after, "@1=1");
    assert_in_range(rows->used, 1, ROWS_TEXT_MAX);
    free(scene);
}

static void a_wide_row_that_is_changed_never_hides_what_it_becomes(void **state) {
    (void)state;
    char text[256], line[ROWS_ITEM_MAX + 100];
    struct scene *scene = scene_new("0-13-7");
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = 0;
    memcpy(line, "###   @1=", 9);
    rows_file_begin(&scene->reader, 0);
    snprintf(text, sizeof text, "%sGTID 0-13-7 trans", head);
    const char *const lines[] = { text, "### UPDATE `a`.`b`", "### WHERE", line, "### SET", "###   @1=7" };
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        rows_line(&scene->reader, lines[i]);
    rows_file_end(&scene->reader);
    const struct rows_item *item = &scene->rows.items[0];
    assert_in_range(strlen(scene->rows.text + item->before), ROWS_ITEM_MAX / 2 - 30, ROWS_ITEM_MAX / 2);
    assert_string_equal(scene->rows.text + item->after, "@1=7");
    free(scene);
}

static void what_is_no_list_of_transactions_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = { "",        ",",        "0-13",           "0-13-",
                                         "0-13-0",  "0-13-7..", "0-13-7..6",      "0-13-7.8",
                                         "0-13-7,", "0-13-7 ",  "4294967296-1-1", "0-1-99999999999999999999",
                                         "x:1",     UUID ":",   UUID ":0",        "--help",
                                         SEVENTEEN };
    struct rows_wanted wanted;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct reason why = { "" };
        assert_int_equal(rows_wanted_parse(wrong[i], &wanted, &why), RC_INVALID);
        assert_true(why.text[0]);
    }
    assert_int_equal(rows_wanted_parse("0-12-56..58,1-13-7", &wanted, NULL), RC_OK);
    assert_int_equal(rows_wanted_count(&wanted), 4);
    assert_true(rows_wanted_has(&wanted, "0-12-58"));
    assert_false(rows_wanted_has(&wanted, "0-12-59"));
    assert_false(rows_wanted_has(&wanted, "1-12-7"));
    assert_int_equal(rows_wanted_parse(UUID ":1-5:7", &wanted, NULL), RC_OK);
    assert_int_equal(rows_wanted_count(&wanted), 6);
    assert_true(rows_wanted_has(&wanted, UUID ":7"));
    assert_false(rows_wanted_has(&wanted, UUID ":6"));
    assert_false(rows_wanted_has(&wanted, "AUTOMATIC"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_mariadbs_tool_writes_is_understood),
        cmocka_unit_test(a_statement_stands_beside_rows_and_its_settings_do_not),
        cmocka_unit_test(what_mysqls_tool_writes_is_understood),
        cmocka_unit_test(a_transaction_that_was_not_asked_for_is_never_shown),
        cmocka_unit_test(a_file_that_follows_all_that_is_wanted_ends_the_search_and_no_other_does),
        cmocka_unit_test(a_line_within_a_statement_is_never_taken_for_a_row_or_a_transaction),
        cmocka_unit_test(what_there_is_no_room_for_is_counted_and_cut_and_never_lost_in_silence),
        cmocka_unit_test(a_wide_row_that_is_changed_never_hides_what_it_becomes),
        cmocka_unit_test(what_is_no_list_of_transactions_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
