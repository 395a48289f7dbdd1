/* A process of another program: how both ways of running one (program.h, tool.h) start it. */
#ifndef MMM_EFFECT_PROCESS_CHILD_H
#define MMM_EFFECT_PROCESS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CHILD_NOT_RUN = 127 }; /* its exit status when the program cannot be run */

struct child_options {
    char *const *argv;        /* argv[0]: the path */
    char *const *environment; /* the whole of it */
    int output, errors;       /* descriptors it writes to */
    bool is_modest;           /* it takes what others leave: lowest priority, the first to be killed without memory */
    uint64_t file_most;       /* bytes of a file that it may write; 0: as many as it likes */
};

/* In a process group of its own, with nothing to read and no descriptor of this process; it gets SIGKILL when the
 * thread that started it ends.  -1 and errno. */
pid_t child_start(const struct child_options *options);

#endif
