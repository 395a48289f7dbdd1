#include "app/cli/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

struct cell {
    char *text;
    enum paint paint;
};

struct table {
    size_t columns;
    const char *const *headings;
    bool headed;
    size_t width[TABLE_COLUMNS_MAX];
    size_t count, room;
    struct cell *cells;
};

/* Code points: names and sentences here have no wide or combining characters that matter to an alignment. */
static size_t text_width(const char *text) {
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

struct table *table_new(size_t columns, const char *const *headings) {
    assert(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    struct table *table = calloc(1, sizeof *table);
    if (!table)
        abort();
    table->columns = columns;
    table->headings = headings;
    for (size_t i = 0; headings && i < columns; i++)
        table->width[i] = text_width(headings[i]);
    return table;
}

static void drop_cells(struct table *table) {
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    table->count = 0;
}

void table_free(struct table *table) {
    if (!table)
        return;
    drop_cells(table);
    free(table->cells);
    free(table);
}

static struct cell *next_cell(struct table *table) {
    if (table->count == table->room) {
        table->room = table->room ? table->room * 2 : 64;
        table->cells = reallocarray(table->cells, table->room, sizeof *table->cells);
        if (!table->cells)
            abort();
    }
    return &table->cells[table->count++];
}

void table_cell(struct table *table, enum paint paint, const char *format, ...) {
    size_t column = table->count % table->columns;
    struct cell *cell = next_cell(table);
    va_list args;
    va_start(args, format);
    int length = vasprintf(&cell->text, format, args);
    va_end(args);
    if (length < 0)
        abort();
    if (length == 0) {
        free(cell->text);
        cell->text = strdup("-");
        if (!cell->text)
            abort();
    }
    cell->paint = paint;
    size_t width = text_width(cell->text);
    if (width > table->width[column])
        table->width[column] = width;
}

/* The last column is not filled up, so that no line ends in spaces. */
static void print_cell(const struct table *table, FILE *out, size_t column, const char *text, enum paint paint,
                       bool colour) {
    print_painted(out, colour, paint, text);
    if (column + 1 == table->columns)
        fputc('\n', out);
    else
        fprintf(out, "%*s", (int)(table->width[column] - text_width(text) + 2), "");
}

void table_print(struct table *table, FILE *out, bool colour) {
    assert(table->count % table->columns == 0);
    if (table->headings && !table->headed) {
        table->headed = true;
        for (size_t i = 0; i < table->columns; i++)
            print_cell(table, out, i, table->headings[i], PAINT_NONE, false);
    }
    for (size_t i = 0; i < table->count; i++)
        print_cell(table, out, i % table->columns, table->cells[i].text, table->cells[i].paint, colour);
    drop_cells(table);
}

void print_clean(FILE *out, const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        bool control = *at < 0x20 || *at == 0x7F;
        /* U+0080 to U+009F are control characters too, and terminals obey them. */
        bool high_control = *at == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F;
        if (high_control)
            at++;
        fputc(control || high_control ? '?' : *at, out);
    }
}

static const char *paint_code(enum paint paint) {
    switch (paint) {
    case PAINT_NONE:
        return "";
    case PAINT_BOLD:
        return "\033[1m";
    case PAINT_LATE:
        return "\033[33m";
    case PAINT_BAD:
        return "\033[1;31m";
    }
    return "";
}

void print_painted(FILE *out, bool colour, enum paint paint, const char *text) {
    colour = colour && paint != PAINT_NONE;
    if (colour)
        fputs(paint_code(paint), out);
    print_clean(out, text);
    if (colour)
        fputs("\033[0m", out);
}

bool stream_is_terminal(FILE *out) {
    int fd = fileno(out);
    return fd >= 0 && isatty(fd);
}

bool stream_takes_colour(FILE *out) {
    const char *none = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return stream_is_terminal(out) && !(none && none[0]) && !(term && text_equal(term, "dumb"));
}
