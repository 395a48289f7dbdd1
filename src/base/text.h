/* Small text that lives in fixed arrays: copies that always end with a zero, and comparisons. */
#ifndef MMM_BASE_TEXT_H
#define MMM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"

/* Copies as much as fits and ends it; true when all of it fitted. */
bool text_copy(char *to, size_t size, const char *from);
/* Appends a formatted piece to what is there; false when it was cut. */
bool text_append(char *to, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
bool text_equal(const char *a, const char *b);
bool text_starts_with(const char *text, const char *start);
/* Number of single-character edits between two words, for «did you mean …». Words longer than 63 count as far. */
unsigned text_distance(const char *a, const char *b);

#define TEXT_COPY(array, from) text_copy((array), sizeof(array), (from))

#endif
