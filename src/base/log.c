#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

static const char *log_name = "mmm";
static enum log_level log_least = LOG_LEVEL_INFO;

void log_start(const char *name, enum log_level least) {
    log_name = name;
    log_least = least;
}

static const char *level_word(enum log_level level) {
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_WARNING:
        return "warning";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_DEBUG:
        return "debug";
    }
    return "error";
}

void log_line(enum log_level level, const char *format, ...) {
    if (level > log_least)
        return;
    char line[2048];
    int used;
    /* Under systemd the journal keeps time and level itself: "<level>" is its prefix (sd-daemon(3)). */
    if (getenv("JOURNAL_STREAM")) {
        used = snprintf(line, sizeof line, "<%d>", (int)level);
    } else {
        char time_text[CLOCK_TEXT_MAX];
        clock_format(clock_wall(), time_text);
        used = snprintf(line, sizeof line, "%s %s %s ", time_text, log_name, level_word(level));
    }
    va_list args;
    va_start(args, format);
    int added = vsnprintf(line + used, sizeof line - (size_t)used - 1, format, args);
    va_end(args);
    if (added < 0)
        return;
    size_t length = (size_t)used + (size_t)added;
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    line[length] = '\n';
    /* One write a line, so that lines of several threads do not mix; a full log must not stop the daemon. */
    ssize_t written = write(STDERR_FILENO, line, length + 1);
    (void)written;
}
