#include "config/lines.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

void line_reader_init(struct line_reader *reader, const char *file, const char *text) {
    const char *byte_order_mark = "\xEF\xBB\xBF";
    bool marked = text_starts_with(text, byte_order_mark);
    *reader = (struct line_reader){ .file = file, .cursor = text + (marked ? strlen(byte_order_mark) : 0) };
}

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

static char *skip_space(char *at) {
    while (is_space(*at))
        at++;
    return at;
}

static void cut_comment(char *text) {
    for (char *at = text; *at; at++)
        if ((*at == ';' || *at == '#') && (at == text || is_space(at[-1]))) {
            *at = 0;
            return;
        }
}

static void trim_end(char *text) {
    size_t length = strlen(text);
    while (length && is_space(text[length - 1]))
        text[--length] = 0;
}

static bool has_control_character(const char *text) {
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return true;
    return false;
}

/* Takes the next line of the file to «to», without its end and its comment. */
static enum rc take_line(struct line_reader *reader, char *to, size_t size, struct reason *ret_why) {
    reader->number++;
    size_t length = strcspn(reader->cursor, "\n");
    const char *after = reader->cursor + length + (reader->cursor[length] == '\n');
    if (length && reader->cursor[length - 1] == '\r')
        length--;
    if (length >= size)
        return FAIL(RC_INVALID, ret_why,
                    "%s:%u: the line is too long: a line, with those that continue it, has at most %d bytes",
                    reader->file, reader->number, CONFIG_LINE_SIZE - 1);
    memcpy(to, reader->cursor, length);
    to[length] = 0;
    reader->cursor = after;
    if (has_control_character(to))
        return FAIL(RC_INVALID, ret_why, "%s:%u: the line has a control character", reader->file, reader->number);
    cut_comment(to);
    trim_end(to);
    return RC_OK;
}

static bool goes_on(const struct line_reader *reader, const char *text) {
    size_t length = strlen(text);
    return length && text[length - 1] == ',' && is_space(*reader->cursor);
}

static enum rc split_section(const struct line_reader *reader, struct line *line, char *start, struct reason *ret_why) {
    size_t length = strlen(start);
    if (start[length - 1] != ']')
        return FAIL(RC_INVALID, ret_why, "%s:%u: a section is [kind] or [kind name], and nothing after it: «%.60s»",
                    reader->file, line->number, start);
    start[length - 1] = 0;
    trim_end(start);
    char *kind = skip_space(start + 1);
    char *end = kind + strcspn(kind, " \t");
    char *name = skip_space(end);
    *end = 0;
    line->is_section = true;
    line->first = kind;
    line->rest = name;
    return RC_OK;
}

static enum rc split_pair(const struct line_reader *reader, struct line *line, char *start, struct reason *ret_why) {
    char *equals = strchr(start, '=');
    if (!equals || equals == start)
        return FAIL(RC_INVALID, ret_why, "%s:%u: neither [section] nor key = value: «%.60s»", reader->file,
                    line->number, start);
    *equals = 0;
    trim_end(start);
    line->is_section = false;
    line->first = start;
    line->rest = skip_space(equals + 1);
    return RC_OK;
}

enum rc line_next(struct line_reader *reader, struct line *ret_line, struct reason *ret_why) {
    char *start = ret_line->text;
    *start = 0;
    while (*reader->cursor && !*start) {
        enum rc rc = take_line(reader, ret_line->text, sizeof ret_line->text, ret_why);
        if (rc)
            return rc;
        start = skip_space(ret_line->text);
    }
    ret_line->number = *start ? reader->number : 0;
    if (!*start)
        return RC_OK;
    if (*start == '[')
        return split_section(reader, ret_line, start, ret_why);
    while (goes_on(reader, ret_line->text)) {
        size_t used = strlen(ret_line->text);
        enum rc rc = take_line(reader, ret_line->text + used, sizeof ret_line->text - used, ret_why);
        if (rc)
            return rc;
    }
    return split_pair(reader, ret_line, start, ret_why);
}
