/* What `mmm doctor` asks of the machine.  Blocking and bounded: for a thread of its own.
 *
 *   machine.c  disks, clock, kernel
 *   reach.c    who accepts a connection
 *   start.c    what the server's next start would set
 *   files.c    ... read from its option files, where it lives in a root of its own */
#ifndef MMM_EFFECT_MACHINE_MACHINE_H
#define MMM_EFFECT_MACHINE_MACHINE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "model/facts.h"
#include "model/ip.h"
#include "model/limits.h"

/* disk.NAME.free_percent and .free_mb of each disk.NAME.path that is known, as the process sees that path. */
void machine_disks(pid_t pid, struct facts *facts);
/* clock.synchronized, where the kernel tells it; clock.wall_ms is put by whoever sends the facts, last. */
void machine_clock(struct facts *facts);
/* kernel.* as far as role addresses on this interface depend on it. */
void machine_kernel(const char *interface, struct facts *facts);

enum { REACH_MAX = HOSTS_MAX + 1 };
struct reach_target {
    char name[FACT_NAME_SIZE]; /* the fact that says «ok», or why not */
    struct ip address;
    uint16_t port;
};
/* All at once, until the deadline; from: the address that connections leave from. */
void machine_reach(const struct reach_target *targets, size_t count, const struct ip *from, msec deadline,
                   struct facts *facts);

/* start.NAME of each option of the server's files and command line that is wanted (as var or start), and start.known;
 * or failed.start.  The server's own program is asked (--print-defaults), which knows its files, their order and its
 * groups; it ends without starting anything.  Of a server in a root of its own (chroot, a container) the files are
 * read.  server.program_replaced: it is another one than what runs. */
void machine_start_options(pid_t pid, bool (*wants)(const char *kind, const char *name), msec deadline,
                           struct facts *facts);

/* The pieces of that which are pure: one option as it is written («--name=value», «--skip-name», «--loose-name»), and
 * the program's answer with all of them. */
void start_option_take(const char *option, bool (*wants)(const char *kind, const char *name), struct facts *facts);
/* Cuts text in place.  False: it is not such an answer. */
bool start_answer_take(char *text, bool (*wants)(const char *kind, const char *name), struct facts *facts);

#endif
