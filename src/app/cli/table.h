/* Aligned columns, as wide as what is in them; and text from elsewhere made safe to show. */
#ifndef MMM_APP_CLI_TABLE_H
#define MMM_APP_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/rc.h"

/* Paint means something is to be looked at; what is as it should be has none. */
enum paint { PAINT_NONE, PAINT_BOLD, PAINT_LATE, PAINT_BAD };

enum { TABLE_COLUMNS_MAX = 10 };

struct table;

/* headings NULL: none are printed. */
struct table *table_new(size_t columns, const char *const *headings);
void table_free(struct table *table);
/* The next cell, row after row; an empty text is shown as «-». */
void table_cell(struct table *table, enum paint paint, const char *format, ...) PRINTF_LIKE(3, 4);
/* Prints the rows and drops them.  The widths stay, so that rows which follow later stand under these. */
void table_print(struct table *table, FILE *out, bool colour);

/* Prints text with its control characters replaced: what a server or a peer said must not steer a terminal. */
void print_clean(FILE *out, const char *text);
void print_painted(FILE *out, bool colour, enum paint paint, const char *text);
/* Is the stream a terminal whose user has not asked for none (NO_COLOR, TERM=dumb)? */
bool stream_takes_colour(FILE *out);
bool stream_is_terminal(FILE *out);

#endif
