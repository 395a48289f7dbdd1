/* A program whose output is read line by line.  Blocking, with a deadline: for a thread of its own. */
#ifndef MMM_EFFECT_PROCESS_TOOL_H
#define MMM_EFFECT_PROCESS_TOOL_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/rc.h"
#include "base/reason.h"

enum { TOOL_LINE_MAX = 16 * 1024 };

struct tool_options {
    char *const *argv; /* argv[0]: the path; ends with NULL, as does the environment */
    char *const *environment;
    msec deadline;
    const atomic_bool *stop; /* ends it within a tenth of a second when it becomes true; NULL: never */
    /* Each line without its end, and of a longer one its beginning; a zero within it ends it. */
    void (*line)(void *context, const char *line);
    void *context;
};

/* The program has the lowest priority, nothing to read, no descriptor of this process, and may write no file of more
 * than 64 MB; it has ended, with all its group, when this returns. RC_TIMEOUT: it was ended at the deadline, or by
 * stop.  RC_IO: it could not be run, or its exit status is not 0; the reason has the end of what it wrote to its
 * errors.  What it wrote before was given to line either way. */
enum rc tool_run(const struct tool_options *options, struct reason *ret_why) NODISCARD;

/* Looks for a program in the folders of $PATH.  RC_NOT_FOUND. */
enum rc tool_find(const char *name, char *ret_path, size_t size, struct reason *ret_why) NODISCARD;

#endif
