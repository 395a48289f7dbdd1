/* What the bench programs share around their work: numbers and files from the command line, and the signal to end. */
#ifndef MMM_BENCH_PROGRAM_H
#define MMM_BENCH_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"

enum { PASSWORD_SIZE = 128, LINE_SIZE = 256 };

/* Each ends the program with status 2 and a line on stderr that names the option, when the text is wrong. */
msec program_duration(const char *option, const char *text);
int64_t program_number(const char *option, const char *text, int64_t least, int64_t most);
/* The first line of a file; passwords never stand on a command line. */
void program_password(const char *file, char ret_password[static PASSWORD_SIZE]);
FILE *program_open(const char *file, const char *mode);
_Noreturn void program_wrong(const char *format, ...) PRINTF_LIKE(1, 2);

/* After this SIGTERM and SIGINT only ask: program_must_end says that one came.  SIGPIPE is ignored. */
void program_catch_end(void);
bool program_must_end(void);

#endif
