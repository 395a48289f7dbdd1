/* The server's process: known dead as early as the kernel knows it (SERVERS.md trap 13). */
#ifndef MMM_EFFECT_PROCESS_PROCESS_H
#define MMM_EFFECT_PROCESS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "effect/loop/loop.h"

/* Watches one process by pidfd and, every look_period, by its flags in /proc/PID/stat and its threads': gone is called
 * once, when it has ended or can run no more of its own code (every thread exiting, dead, or with SIGKILL pending). */
struct process;
enum rc process_watch(struct loop *loop, pid_t pid, msec look_period, loop_function gone, void *context,
                      struct process **ret_process, struct reason *ret_why) NODISCARD;
pid_t process_pid(const struct process *process);
/* SIGKILL through the pidfd: never another process that got the same number. */
enum rc process_kill(struct process *process, struct reason *ret_why) NODISCARD;
void process_free(struct process *process); /* stops watching */

/* The process that listens on a unix socket, also when it is stopped and answers nobody; 0: none, or not known. */
pid_t process_behind(const char *socket_path);
/* Does nobody listen on this unix socket?  A server that is stopped or busy still listens, so «no answer» is not this.
 */
bool process_is_absent(const char *socket_path);

/* Holds an exclusive lock file for the life of this process; when taken, the reason names the holder's pid and name. */
enum rc process_lock(const char *path, int *ret_fd, struct reason *ret_why) NODISCARD;

#endif
