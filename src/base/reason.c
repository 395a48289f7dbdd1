#include "base/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void reason_set(struct reason *why, const char *format, ...) {
    if (!why)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
}

void reason_prefix(struct reason *why, const char *format, ...) {
    if (!why)
        return;
    char tail[REASON_MAX];
    memcpy(tail, why->text, sizeof tail);
    va_list args;
    va_start(args, format);
    int used = vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    if (used < 0 || (size_t)used >= sizeof why->text - 3)
        return;
    snprintf(why->text + used, sizeof why->text - (size_t)used, ": %s", tail);
}
