#include "wire/rows.h"

enum { ROWS_VERSION = 1 };

static const char *const operation_words[] = {
    [ROWS_INSERT] = "insert", [ROWS_UPDATE] = "update", [ROWS_DELETE] = "delete", [ROWS_STATEMENT] = "statement"
};
static const char *const end_words[] = {
    [ROWS_ALL] = "all", [ROWS_PURGED] = "purged", [ROWS_BOUNDED] = "bounded", [ROWS_FAILED] = "failed"
};

static void put_piece(json_t *object, const char *name, const struct rows *rows, size_t offset) {
    if (offset)
        put_text(object, name, rows->text + offset);
}

static json_t *item_value(const struct rows *rows, const struct rows_item *item) {
    json_t *object = object_new();
    put_word(object, "do", operation_words, COUNT_OF(operation_words), (int)item->operation);
    put_piece(object, "table", rows, item->table);
    put_piece(object, "before", rows, item->before);
    put_piece(object, item->operation == ROWS_STATEMENT ? "text" : "after", rows, item->after);
    return object;
}

static json_t *transaction_value(const struct rows *rows, const struct rows_transaction *transaction) {
    json_t *object = object_new(), *items = array_new();
    put_text(object, "gtid", transaction->gtid);
    put_text(object, "time", transaction->time);
    put_number(object, "left_out", transaction->left_out);
    for (size_t i = 0; i < transaction->count; i++)
        array_put(items, item_value(rows, &rows->items[transaction->first + i]));
    put(object, "items", items);
    return object;
}

/* Within a file they are in its order; the files were read newest first. */
static json_t *transactions_value(const struct rows *rows) {
    json_t *array = array_new();
    for (size_t end = rows->count; end > 0;) {
        size_t first = end - 1;
        while (first > 0 && rows->transactions[first - 1].file == rows->transactions[end - 1].file)
            first--;
        for (size_t i = first; i < end; i++)
            array_put(array, transaction_value(rows, &rows->transactions[i]));
        end = first;
    }
    return array;
}

char *rows_encode(const struct cluster *cluster, int host, const struct rows *rows) {
    json_t *object = object_new();
    put_number(object, "v", ROWS_VERSION);
    put_text(object, "message", "rows");
    put_text(object, "cluster", cluster->name);
    put_text(object, "host", cluster->hosts[host].name);
    put_word(object, "end", end_words, COUNT_OF(end_words), (int)rows->end);
    put_text_unless_empty(object, "why", rows->why.text);
    put_number(object, "left_out", rows->left_out);
    put(object, "transactions", transactions_value(rows));
    return object_to_text(object);
}
