/* A program of the administrator's, run beside the loop with a time limit. */
#ifndef MMM_EFFECT_PROCESS_PROGRAM_H
#define MMM_EFFECT_PROCESS_PROGRAM_H

#include <stdbool.h>

#include "effect/loop/loop.h"

enum { PROGRAM_WORDS_MAX = 32, PROGRAM_OUTPUT_MAX = 160, PROGRAM_WHY_MAX = 320 };

struct program_result {
    bool succeeded;            /* exit status 0, within the time */
    char why[PROGRAM_WHY_MAX]; /* «exit status 1: no route to host»: how it ended, and the end of what it wrote, in one
                                  line */
};

struct program_options {
    const char *command;      /* absolute path and arguments, split at spaces; no shell */
    char *const *environment; /* NAME=VALUE, ends with NULL: the whole of it */
    msec timeout;             /* then it gets SIGKILL, as does all that is left in its process group */
};

struct program;

/* Called once, on the loop, never from within program_start; it may free the program. */
typedef void (*program_ended)(void *context, const struct program_result *result);

/* In a process group of its own, with nothing to read and no descriptor of this process; it does not outlive this
 * process.  What it writes is read all along and its end kept, so that it never waits for a reader. */
enum rc program_start(struct loop *loop, const struct program_options *options, program_ended ended, void *context,
                      struct program **ret_program, struct reason *ret_why) NODISCARD;
/* Ends it, with SIGKILL, if it runs; then ended is not called. */
void program_free(struct program *program);

/* Is the command's program there, and may this process run it? */
enum rc program_check(const char *command, struct reason *ret_why) NODISCARD;

#endif
