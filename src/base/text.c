#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool text_copy(char *to, size_t size, const char *from) {
    size_t length = strlen(from);
    size_t copied = length < size ? length : size - 1;
    memcpy(to, from, copied);
    to[copied] = 0;
    return copied == length;
}

bool text_append(char *to, size_t size, const char *format, ...) {
    size_t used = strlen(to);
    va_list args;
    va_start(args, format);
    int added = vsnprintf(to + used, size - used, format, args);
    va_end(args);
    return added >= 0 && (size_t)added < size - used;
}

bool text_equal(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

bool text_starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static unsigned smallest(unsigned a, unsigned b, unsigned c) {
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

unsigned text_distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > LONGEST || b_length > LONGEST)
        return LONGEST;
    unsigned row[LONGEST + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_length];
}
