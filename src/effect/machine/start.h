/* Between start.c and files.c: the server's option files where its program cannot be asked. */
#ifndef MMM_EFFECT_MACHINE_START_H
#define MMM_EFFECT_MACHINE_START_H

#include "effect/machine/machine.h"

typedef bool (*start_wants)(const char *kind, const char *name);

/* Takes the options of these files, in their order, as the process pid finds them.  False: not all could be read. */
bool start_files_take(pid_t pid, const char *const paths[], size_t count, start_wants wants, struct facts *facts);
/* One line, cut in place; in_group: it stands in a group that a server reads.  Returns that for the next line. */
bool start_line_take(char *line, bool in_group, start_wants wants, struct facts *facts);

#endif
