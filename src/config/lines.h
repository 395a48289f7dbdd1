/* The configuration file as lines: [kind name] and key = value.
 *
 * libinih as distributions build it (no INI_HANDLER_LINENO, INI_CALL_HANDLER_ON_NEW_SECTION off, INI_MAX_LINE 200) cuts
 * section names at 50 bytes, cannot hold a list of 64 addresses, takes an indented key for the previous key's value,
 * ignores what follows «]», and never says that a section without keys exists.  Each of these would lose something an
 * administrator wrote without a word, so the lines are split here. */
#ifndef MMM_CONFIG_LINES_H
#define MMM_CONFIG_LINES_H

#include <stdbool.h>

#include "base/rc.h"
#include "base/reason.h"

enum { CONFIG_LINE_SIZE = 4096 }; /* with its final zero, and with the lines that continue it */

struct line {
    unsigned number; /* where it starts, from 1; 0: the text has ended */
    bool is_section;
    const char *first; /* section: its kind; else the key.  Both point into text */
    const char *rest;  /* section: its name, empty when it has none; else the value, white space trimmed */
    char text[CONFIG_LINE_SIZE];
};

struct line_reader {
    const char *file; /* for errors */
    const char *cursor;
    unsigned number;
};

void line_reader_init(struct line_reader *reader, const char *file, const char *text);
/* The next line that says something.  Comments start with «;» or «#», at the start of a line or after white space.  A
 * value that ends with a comma goes on in the next line when that is indented. */
enum rc line_next(struct line_reader *reader, struct line *ret_line, struct reason *ret_why) NODISCARD;

#endif
