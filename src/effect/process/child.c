#include "effect/process/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* None of this may keep it from running: where a system call is filtered, it runs like any other. */
static void be_modest(void) {
    static const char most[] = "1000";
    int score = open("/proc/self/oom_score_adj", O_WRONLY);
    if (score >= 0 && write(score, most, sizeof most - 1) < 0) {
        /* Then it is as dear as its parent. */
    }
    (void)setpriority(PRIO_PROCESS, 0, 19);
}

/* Between fork and exec in a process with threads: async-signal-safe calls only (signal-safety(7)). */
static _Noreturn void become(const struct child_options *options, pid_t parent) {
    int nothing = open("/dev/null", O_RDONLY);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (options->is_modest)
        be_modest();
    struct rlimit most = { .rlim_cur = options->file_most, .rlim_max = options->file_most };
    if (options->file_most && setrlimit(RLIMIT_FSIZE, &most) != 0)
        _exit(CHILD_NOT_RUN);
    if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(options->output, STDOUT_FILENO) < 0 || dup2(options->errors, STDERR_FILENO) < 0 ||
        close_range(STDERR_FILENO + 1, UINT_MAX, 0) != 0)
        _exit(CHILD_NOT_RUN);
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(options->argv[0], options->argv, options->environment);
    _exit(CHILD_NOT_RUN);
}

/* With all signals blocked, so that no handler of this process runs in the child, which shares the loop's descriptors.
 */
pid_t child_start(const struct child_options *options) {
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(options, self);
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid > 0)
        (void)setpgid(pid, pid); /* whoever comes first: the group is there before anybody kills it */
    errno = error;
    return pid;
}
