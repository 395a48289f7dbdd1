#include "core/rows/rows.h"

#include <string.h>

#include "base/text.h"

#define DELIMITER "/*!*/;"

static const char cut[ROWS_CUT_SIZE] = "…";

void rows_reader_init(struct rows_reader *reader, const struct rows_wanted *wanted, struct rows *rows) {
    *reader = (struct rows_reader){ .wanted = wanted, .rows = rows };
    rows->end = ROWS_ALL;
    rows->why.text[0] = 0;
    rows->count = rows->item_count = 0;
    rows->found = rows->left_out = 0;
    rows->text[0] = 0;
    rows->used = 1; /* offset 0 says «none» */
}

bool rows_is_complete(const struct rows_reader *reader) {
    return reader->is_complete || reader->rows->found >= rows_wanted_count(reader->wanted);
}

/* ---- text ---- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Behind a beginning; NULL: it does not begin so. */
static const char *after(const char *line, const char *beginning) {
    return text_starts_with(line, beginning) ? line + strlen(beginning) : NULL;
}

/* The piece's own bytes end with a zero of which the offset below counts; a new piece begins behind it. */
static size_t text_begin(struct rows *rows) {
    if (rows->used >= sizeof rows->text)
        return 0;
    rows->text[rows->used] = 0;
    return rows->used++;
}

/* Adds to the last piece, up to that end; what is longer ends with «…». */
static void text_add(struct rows *rows, size_t end, const char *text, size_t length) {
    end = end < sizeof rows->text ? end : sizeof rows->text;
    size_t mark = sizeof cut - 1;
    if (rows->used + mark > end)
        return; /* cut already */
    size_t room = end - rows->used - mark;
    size_t taken = length < room ? length : room;
    memcpy(rows->text + rows->used - 1, text, taken);
    rows->used += taken;
    if (taken < length) {
        memcpy(rows->text + rows->used - 1, cut, mark);
        rows->used += mark;
    }
    rows->text[rows->used - 1] = 0;
}

/* ---- items ---- */

static struct rows_transaction *transaction_now(const struct rows_reader *reader) {
    return &reader->rows->transactions[reader->rows->count - 1];
}

/* Room for the item, and for the beginning of what it says; NULL: it is counted only. */
static struct rows_item *item_begin(struct rows_reader *reader, enum rows_operation operation) {
    struct rows *rows = reader->rows;
    reader->item_is_open = false;
    if (!reader->is_kept)
        return NULL;
    if (rows->item_count == ROWS_ITEMS_MAX || rows->used + ROWS_ITEM_MAX > sizeof rows->text) {
        transaction_now(reader)->left_out++;
        return NULL;
    }
    struct rows_item *item = &rows->items[rows->item_count++];
    *item = (struct rows_item){ .operation = operation };
    transaction_now(reader)->count++;
    reader->part = rows->used;
    reader->item_is_open = true;
    return item;
}

static void row_begin(struct rows_reader *reader, enum rows_operation operation, const char *table) {
    struct rows_item *item = item_begin(reader, operation);
    if (item == NULL)
        return;
    item->table = text_begin(reader->rows);
    text_add(reader->rows, reader->part + ROWS_ITEM_MAX / 2, table, strlen(table));
}

static void value_add(struct rows_reader *reader, const char *value) {
    struct rows *rows = reader->rows;
    struct rows_item *item = &rows->items[rows->item_count - 1];
    size_t *piece = item->after ? &item->after : &item->before;
    /* What a row was leaves room for what it becomes. */
    bool is_half = piece == &item->before && item->operation == ROWS_UPDATE;
    size_t end = reader->part + (is_half ? ROWS_ITEM_MAX / 2 : ROWS_ITEM_MAX);
    if (!*piece) /* a value before its heading */
        *piece = text_begin(rows);
    else if (rows->text[*piece])
        text_add(rows, end, " ", 1);
    text_add(rows, end, value, strlen(value));
}

/* What stands behind «### ». */
static void take_row_line(struct rows_reader *reader, const char *line) {
    static const struct {
        const char *beginning;
        enum rows_operation operation;
    } heads[] = { { "INSERT INTO ", ROWS_INSERT }, { "UPDATE ", ROWS_UPDATE }, { "DELETE FROM ", ROWS_DELETE } };
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        const char *table = after(line, heads[i].beginning);
        if (table != NULL) {
            row_begin(reader, heads[i].operation, table);
            return;
        }
    }
    if (!reader->item_is_open)
        return;
    struct rows_item *item = &reader->rows->items[reader->rows->item_count - 1];
    const char *value = line;
    while (*value == ' ')
        value++;
    if (text_equal(line, "WHERE") && !item->before)
        item->before = text_begin(reader->rows);
    else if (text_equal(line, "SET") && !item->after)
        item->after = text_begin(reader->rows);
    else if (*value == '@')
        value_add(reader, value);
}

/* ---- statements ---- */

static bool is_trivial(const char *statement) {
    static const char *const trivial[] = { "BEGIN", "COMMIT", "ROLLBACK", "START TRANSACTION" };
    for (size_t i = 0; i < COUNT_OF(trivial); i++)
        if (text_equal(statement, trivial[i]))
            return true;
    return false;
}

/* The last unit of a statement's event is the statement; those before it set the session up. */
static void take_statement_line(struct rows_reader *reader, const char *line) {
    size_t length = strlen(line), end = strlen(DELIMITER);
    bool ends = length >= end && text_equal(line + length - end, DELIMITER);
    if (!reader->is_in_unit)
        reader->unit[0] = 0;
    if (ends)
        length -= end;
    if (length)
        (void)text_append(reader->unit, sizeof reader->unit, "%s%.*s", reader->unit[0] ? " " : "",
                          length < sizeof reader->unit ? (int)length : (int)sizeof reader->unit, line);
    reader->is_in_unit = !ends;
}

static void query_end(struct rows_reader *reader) {
    bool is_told = reader->is_query && reader->unit[0] && !is_trivial(reader->unit);
    reader->is_query = reader->is_in_unit = false;
    struct rows_item *item = is_told ? item_begin(reader, ROWS_STATEMENT) : NULL;
    reader->item_is_open = false;
    if (item != NULL) {
        item->after = text_begin(reader->rows);
        text_add(reader->rows, reader->part + ROWS_ITEM_MAX, reader->unit, strlen(reader->unit));
    }
    reader->unit[0] = 0;
}

/* ---- transactions ---- */

static void transaction_begin(struct rows_reader *reader, const char *gtid) {
    struct rows *rows = reader->rows;
    reader->is_open = rows_wanted_has(reader->wanted, gtid);
    reader->is_kept = reader->item_is_open = false;
    if (!reader->is_open)
        return;
    rows->found++;
    if (rows->count == ROWS_TRANSACTIONS_MAX) {
        rows->left_out++;
        return;
    }
    struct rows_transaction *transaction = &rows->transactions[rows->count++];
    *transaction = (struct rows_transaction){ .file = reader->file, .first = rows->item_count };
    TEXT_COPY(transaction->gtid, gtid);
    TEXT_COPY(transaction->time, reader->time);
    reader->is_kept = true;
}

/* What stands up to one of these characters. */
static void copy_until(char *to, size_t size, const char *from, const char *ends) {
    size_t length = 0;
    while (from[length] && length + 1 < size && strchr(ends, from[length]) == NULL)
        length++;
    memcpy(to, from, length);
    to[length] = 0;
}

/* ---- what older files hold (MariaDB's Gtid_list: the binary log's state when the file was begun) ---- */

static void list_begin(struct rows_reader *reader) {
    memset(reader->before, 0, sizeof reader->before);
    reader->is_list = true;
}

static void list_take_one(struct rows_reader *reader, const char *gtid) {
    struct rows_wanted one;
    if (rows_wanted_parse(gtid, &one, NULL) != RC_OK || one.form != GTID_DOMAINS)
        return;
    for (size_t i = 0; i < reader->wanted->count; i++)
        if (one.ranges[0].domain == reader->wanted->ranges[i].domain &&
            one.ranges[0].server == reader->wanted->ranges[i].server)
            reader->before[i] = one.ranges[0].last;
}

/* «0-11-10,» «0-13-15]» */
static void list_take(struct rows_reader *reader, const char *text) {
    char gtid[ROWS_GTID_SIZE];
    copy_until(gtid, sizeof gtid, text, ",]");
    if (gtid[0])
        list_take_one(reader, gtid);
    if (strchr(text, ']') == NULL)
        return;
    reader->is_list = false;
    reader->is_complete = true;
    for (size_t i = 0; i < reader->wanted->count; i++)
        if (reader->before[i] >= reader->wanted->ranges[i].first)
            reader->is_complete = false;
}

/* ---- the tool's lines ---- */

/* «#261122 23:23:15 server id 13  end_log_pos …»: the time's hour may have a blank for its first digit. */
static bool is_head(const char *line) {
    static const char form[] = "#999999 h9:99:99 server id ";
    for (size_t i = 0; form[i]; i++)
        if (form[i] == '9'   ? !is_digit(line[i])
            : form[i] == 'h' ? !is_digit(line[i]) && line[i] != ' '
                             : line[i] != form[i])
            return false;
    return true;
}

static void take_time(struct rows_reader *reader, const char *line) {
    char hour = line[8] == ' ' ? '0' : line[8];
    reader->time[0] = 0;
    text_append(reader->time, sizeof reader->time, "20%.2s-%.2s-%.2s %c%.7s", line + 1, line + 3, line + 5, hour,
                line + 9);
}

static void take_head(struct rows_reader *reader, const char *line) {
    const char *event = strchr(line, '\t');
    const char *rest = NULL;
    query_end(reader);
    reader->is_list = false;
    if (event == NULL)
        return;
    if (reader->wanted->form == GTID_DOMAINS && (rest = after(event, "\tGTID ")) != NULL) {
        char gtid[ROWS_GTID_SIZE];
        take_time(reader, line);
        copy_until(gtid, sizeof gtid, rest, " ");
        transaction_begin(reader, gtid);
    } else if (reader->wanted->form == GTID_SETS && after(event, "\tGTID\t") != NULL) {
        take_time(reader, line);
        reader->is_open = reader->is_kept = reader->item_is_open = false;
    } else if (reader->wanted->form == GTID_DOMAINS && (rest = after(event, "\tGtid list [")) != NULL) {
        list_begin(reader);
        list_take(reader, rest);
    } else if (after(event, "\tQuery\t") != NULL) {
        reader->is_query = reader->is_open;
        reader->item_is_open = false;
    }
}

/* «# at 4210»: an event begins here. */
static bool is_place(const char *line) {
    const char *number = after(line, "# at ");
    if (number == NULL || !*number)
        return false;
    while (is_digit(*number))
        number++;
    return !*number;
}

void rows_line(struct rows_reader *reader, const char *line) {
    static const char next[] = "SET @@SESSION.GTID_NEXT= '";
    const char *rest;
    if (reader->is_query && reader->is_in_unit) {
        take_statement_line(reader, line);
    } else if (is_head(line)) {
        take_head(reader, line);
    } else if (is_place(line)) {
        query_end(reader);
    } else if (reader->wanted->form == GTID_SETS && (rest = after(line, next)) != NULL) {
        char gtid[ROWS_GTID_SIZE];
        query_end(reader);
        copy_until(gtid, sizeof gtid, rest, "'");
        transaction_begin(reader, gtid);
    } else if (reader->is_query) {
        take_statement_line(reader, line);
    } else if (reader->is_list && (rest = after(line, "# ")) != NULL) {
        list_take(reader, rest);
    } else if (reader->is_open && (rest = after(line, "### ")) != NULL) {
        take_row_line(reader, rest);
    }
}

static void reset(struct rows_reader *reader) {
    query_end(reader);
    reader->is_open = reader->is_kept = reader->item_is_open = reader->is_list = false;
}

void rows_file_begin(struct rows_reader *reader, unsigned file) {
    reset(reader);
    reader->file = file;
}

void rows_file_end(struct rows_reader *reader) {
    reset(reader);
}
