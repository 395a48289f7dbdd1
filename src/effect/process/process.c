#include "effect/process/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "effect/process/proc.h"

/* A server with more threads than this is judged by its pidfd alone: a look must not hold the loop up. */
enum { THREADS_MOST = 16384, PROC_TEXT_SIZE = 4096, STATUS_EVERY = 10 };
static const unsigned long FLAG_EXITING = 0x4; /* PF_EXITING of the kernel's sched.h, in proc_pid_stat(5) */

struct process {
    pid_t pid;
    int pidfd;
    int stat; /* the leader's /proc/PID/stat, kept open: it stays that process's; -1: could not be opened */
    unsigned looks;
    msec look_period;
    struct loop_watch *watch;
    struct loop_timer *timer;
    loop_function gone;
    void *context;
};

static bool proc_read(pid_t pid, pid_t thread, const char *file, char ret_text[static PROC_TEXT_SIZE]) {
    char path[80];
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/%s", (long)pid, (long)thread, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, ret_text, PROC_TEXT_SIZE - 1);
    close(fd);
    if (length <= 0)
        return false;
    ret_text[length] = 0;
    return true;
}

/* pid (name) state ppid pgrp session tty tpgid flags …; the name may hold anything, so count from the last bracket. */
bool proc_stat_is_over(const char *text) {
    const char *bracket = strrchr(text, ')');
    char state;
    unsigned long flags;
    if (bracket == NULL || sscanf(bracket + 1, " %c %*d %*d %*d %*d %*d %lu", &state, &flags) != 2)
        return false;
    return state == 'Z' || state == 'X' || (flags & FLAG_EXITING) != 0;
}

/* No thread comes back to its own code with a SIGKILL pending (it cannot be blocked), nor once its process is dumping
 * core, which can take minutes for a server with a large buffer pool. */
bool proc_status_is_over(const char *text) {
    const char *pending = strstr(text, "\nSigPnd:");
    const char *dumping = strstr(text, "\nCoreDumping:");
    unsigned long long signals = pending != NULL ? strtoull(pending + strlen("\nSigPnd:"), NULL, 16) : 0;
    return (signals >> (SIGKILL - 1) & 1) != 0 ||
           (dumping != NULL && strtol(dumping + strlen("\nCoreDumping:"), NULL, 10) == 1);
}

static bool thread_is_over(pid_t pid, pid_t thread) {
    char text[PROC_TEXT_SIZE];
    if (proc_read(pid, thread, "stat", text) && proc_stat_is_over(text))
        return true;
    return proc_read(pid, thread, "status", text) && proc_status_is_over(text);
}

/* A thread that cannot be read is taken for a living one: the next look, or the pidfd, tells. */
static bool threads_are_over(pid_t pid) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return false;
    bool over = true;
    size_t count = 0;
    for (const struct dirent *entry; over && (entry = readdir(folder)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]))
            over = ++count <= THREADS_MOST && thread_is_over(pid, (pid_t)strtol(entry->d_name, NULL, 10));
    closedir(folder);
    return over && count > 0;
}

static void stop_watching(struct process *process) {
    loop_watch_free(process->watch);
    loop_timer_free(process->timer);
    process->watch = NULL;
    process->timer = NULL;
}

static void ended(void *context) {
    struct process *process = context;
    stop_watching(process);
    process->gone(process->context); /* last: it may free the process */
}

/* The leader first, alone: while the server lives a look costs one small read, however many threads it has, and every
 * tenth one more (fifty looks a second were most of an idle agent's work).  Should the number belong to another process
 * meanwhile, then ours has ended, and gone is right all the same. */
static bool leader_is_over(struct process *process) {
    char text[PROC_TEXT_SIZE];
    ssize_t length = process->stat >= 0 ? pread(process->stat, text, sizeof text - 1, 0) : -1;
    if (length > 0) {
        text[length] = 0;
        if (proc_stat_is_over(text))
            return true;
    }
    return ++process->looks % STATUS_EVERY == 0 && thread_is_over(process->pid, process->pid);
}

static void look(void *context) {
    struct process *process = context;
    if (leader_is_over(process) && threads_are_over(process->pid))
        ended(process);
    else
        loop_timer_set(process->timer, clock_now() + process->look_period);
}

enum rc process_watch(struct loop *loop, pid_t pid, msec look_period, loop_function gone, void *context,
                      struct process **ret_process, struct reason *ret_why) {
    if (pid <= 0 || look_period <= 0)
        return FAIL(RC_INVALID, ret_why, "cannot watch process %ld every %lld ms", (long)pid, (long long)look_period);
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0)
        return FAIL(errno == ESRCH ? RC_NOT_FOUND : RC_IO, ret_why, "cannot watch process %ld: %s", (long)pid,
                    strerror(errno));
    struct process *process = malloc(sizeof *process);
    if (process == NULL)
        abort();
    *process =
        (struct process){ .pid = pid, .pidfd = pidfd, .look_period = look_period, .gone = gone, .context = context };
    char path[32];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    process->stat = open(path, O_RDONLY | O_CLOEXEC);
    process->watch = loop_watch_new(loop, pidfd, ended, process);
    process->timer = loop_timer_new(loop, look, process);
    loop_timer_set(process->timer, clock_now() + look_period);
    *ret_process = process;
    return RC_OK;
}

pid_t process_pid(const struct process *process) {
    return process->pid;
}

enum rc process_kill(struct process *process, struct reason *ret_why) {
    if (pidfd_send_signal(process->pidfd, SIGKILL, NULL, 0) == 0 || errno == ESRCH)
        return RC_OK;
    return FAIL(RC_IO, ret_why, "cannot kill process %ld: %s", (long)process->pid, strerror(errno));
}

void process_free(struct process *process) {
    if (process == NULL)
        return;
    stop_watching(process);
    if (process->stat >= 0)
        close(process->stat);
    close(process->pidfd);
    free(process);
}
