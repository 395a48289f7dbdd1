/* What a server's tool writes about its binary log, where anybody who may write a statement has his say: the first line
 * is the list of what is wanted, the rest the tool's.  Nothing is lost without being counted, what comes out is an
 * answer that the command line takes, and never a byte that steers a terminal. */
#include "fuzz.h"

#include <stdio.h>

#include "app/cli/rows.h"
#include "app/cli/view.h"
#include "wire/rows.h"

static struct rows_wanted wanted;
static struct rows_reader reader;
static struct rows rows;

static void check_clean(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i], next = i + 1 < length ? (unsigned char)text[i + 1] : 0;
        assert(byte == '\n' || (byte >= ' ' && byte != 127));
        assert(!(byte == 0xC2 && next >= 0x80 && next < 0xA0));
    }
}

static void check_piece(size_t offset) {
    assert(offset < rows.used && rows.used <= ROWS_TEXT_MAX);
    assert(!offset || strlen(rows.text + offset) <= ROWS_ITEM_MAX);
}

static void check_rows(void) {
    size_t items = 0;
    assert(rows.count <= ROWS_TRANSACTIONS_MAX && rows.item_count <= ROWS_ITEMS_MAX);
    assert(rows.found == rows.count + rows.left_out);
    for (size_t i = 0; i < rows.count; i++) {
        assert(rows.transactions[i].first == items);
        assert(rows_wanted_has(&wanted, rows.transactions[i].gtid));
        items += rows.transactions[i].count;
    }
    assert(items == rows.item_count);
    for (size_t i = 0; i < rows.item_count; i++) {
        check_piece(rows.items[i].table);
        check_piece(rows.items[i].before);
        check_piece(rows.items[i].after);
    }
}

static void check_answer(void) {
    const struct rows_question question = { .host = "db1", .list = "0-1-1" };
    char *text = rows_encode(fuzz_cluster(), 0, &rows), *shown = NULL;
    size_t length = 0;
    json_t *root;
    enum rc rc = view_parse(text, &root, NULL);
    assert(rc == RC_OK);
    FILE *out = open_memstream(&shown, &length);
    rows_tell(out, &question, root, "");
    fclose(out);
    check_clean(shown, length);
    free(shown);
    free(text);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size), *rest = text;
    const char *list = strsep(&rest, "\n");
    if (rows_wanted_parse(list, &wanted, NULL) == RC_OK && rest != NULL) {
        assert(rows_wanted_count(&wanted) > 0);
        rows_reader_init(&reader, &wanted, &rows);
        rows_file_begin(&reader, 0);
        for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
            char *exact = fuzz_text((const uint8_t *)line, strlen(line));
            rows_line(&reader, exact);
            free(exact);
        }
        rows_file_end(&reader);
        (void)rows_is_complete(&reader);
        check_rows();
        check_answer();
    }
    free(text);
    return 0;
}
