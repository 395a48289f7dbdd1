#include "effect/process/tool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/process/child.h"

enum { READ_SIZE = 32 * 1024, SAID_SIZE = 200, LOOK_PERIOD = 100 };
#define FILE_MOST (UINT64_C(64) << 20)

struct run {
    const struct tool_options *options;
    int output, errors; /* -1: closed by the other side */
    size_t used;        /* of line */
    char line[TOOL_LINE_MAX];
    char bytes[READ_SIZE];
    char said[SAID_SIZE]; /* the last that it wrote to its errors, in one line */
};

static void close_end(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void give_line(struct run *run) {
    run->line[run->used] = 0;
    run->used = 0;
    run->options->line(run->options->context, run->line);
}

static void take_output(struct run *run, const char *bytes, size_t length) {
    while (length) {
        const char *end = memchr(bytes, '\n', length);
        size_t piece = end != NULL ? (size_t)(end - bytes) : length;
        size_t room = sizeof run->line - 1 - run->used;
        memcpy(run->line + run->used, bytes, piece < room ? piece : room);
        run->used += piece < room ? piece : room;
        if (end == NULL)
            return;
        give_line(run);
        bytes = end + 1;
        length -= piece + 1;
    }
}

static void keep_error(struct run *run, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        size_t old = strlen(run->said);
        if (old == sizeof run->said - 1)
            memmove(run->said, run->said + 1, old--);
        run->said[old] = (char)(isprint((unsigned char)bytes[i]) && bytes[i] != '"' ? bytes[i] : ' ');
        run->said[old + 1] = 0;
    }
}

static void read_end(struct run *run, int *fd) {
    ssize_t length = read(*fd, run->bytes, sizeof run->bytes);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0)
        close_end(fd);
    else if (fd == &run->output)
        take_output(run, run->bytes, (size_t)length);
    else if (length > SAID_SIZE)
        keep_error(run, run->bytes + length - SAID_SIZE, SAID_SIZE);
    else
        keep_error(run, run->bytes, (size_t)length);
}

static bool is_over(const struct tool_options *options) {
    return clock_now() >= options->deadline || (options->stop != NULL && atomic_load(options->stop));
}

/* Until it has closed both; false: its time is over. */
static bool read_all(struct run *run) {
    while (run->output >= 0 || run->errors >= 0) {
        if (is_over(run->options))
            return false;
        struct pollfd ends[] = { { .fd = run->output, .events = POLLIN }, { .fd = run->errors, .events = POLLIN } };
        if (poll(ends, COUNT_OF(ends), LOOK_PERIOD) < 0 && errno != EINTR)
            return false;
        if (ends[0].revents)
            read_end(run, &run->output);
        if (ends[1].revents)
            read_end(run, &run->errors);
    }
    if (run->used)
        give_line(run);
    return true;
}

/* It is ours, and nobody else waits for it: until then its number, and its group's, are its own. */
static int end_child(const struct run *run, pid_t child, bool in_time) {
    int status = 0;
    siginfo_t end = { 0 };
    while (in_time && !is_over(run->options) && waitid(P_PID, (id_t)child, &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           end.si_pid != child)
        poll(NULL, 0, 5);
    (void)kill(-child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static enum rc judge(const struct run *run, bool in_time, int status, struct reason *ret_why) {
    const char *name = run->options->argv[0], *said = run->said + strspn(run->said, " ");
    size_t length = strlen(said);
    while (length && said[length - 1] == ' ')
        length--;
    const char *colon = length ? ": " : "";
    if (!in_time || (WIFSIGNALED(status) && is_over(run->options)))
        return FAIL(RC_TIMEOUT, ret_why, "%s did not end in time and was ended", name);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return RC_OK;
    if (WIFSIGNALED(status))
        return FAIL(RC_IO, ret_why, "%s was ended by signal %d%s%.*s", name, WTERMSIG(status), colon, (int)length,
                    said);
    return FAIL(RC_IO, ret_why, "%s: exit status %d%s%s%.*s", name, WEXITSTATUS(status),
                WEXITSTATUS(status) == CHILD_NOT_RUN ? ", as when it cannot be run" : "", colon, (int)length, said);
}

enum rc tool_run(const struct tool_options *options, struct reason *ret_why) {
    int output[2], errors[2];
    if (pipe2(output, O_CLOEXEC) != 0)
        return FAIL(RC_IO, ret_why, "no pipe: %s", strerror(errno));
    if (pipe2(errors, O_CLOEXEC) != 0) {
        int error = errno;
        close(output[0]);
        close(output[1]);
        return FAIL(RC_IO, ret_why, "no pipe: %s", strerror(error));
    }
    pid_t child = child_start(&(struct child_options){ .argv = options->argv,
                                                       .environment = options->environment,
                                                       .output = output[1],
                                                       .errors = errors[1],
                                                       .is_modest = true,
                                                       .file_most = FILE_MOST });
    int error = errno;
    close(output[1]);
    close(errors[1]);
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        abort();
    run->options = options;
    run->output = output[0];
    run->errors = errors[0];
    enum rc rc;
    if (child < 0) {
        rc = FAIL(RC_IO, ret_why, "%s: cannot start a process: %s", options->argv[0], strerror(error));
    } else {
        bool in_time = read_all(run);
        rc = judge(run, in_time, end_child(run, child, in_time), ret_why);
    }
    close_end(&run->output);
    close_end(&run->errors);
    free(run);
    return rc;
}

enum rc tool_find(const char *name, char *ret_path, size_t size, struct reason *ret_why) {
    const char *at = getenv("PATH");
    if (at == NULL || !at[0])
        at = "/usr/local/bin:/usr/bin:/bin";
    for (;;) {
        char path[PATH_MAX];
        struct stat file;
        size_t length = strcspn(at, ":");
        int written = snprintf(path, sizeof path, "%.*s/%s", (int)length, at, name);
        if (at[0] == '/' && written > 0 && (size_t)written < sizeof path && (size_t)written < size &&
            stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0) {
            (void)text_copy(ret_path, size, path);
            return RC_OK;
        }
        if (!at[length])
            return FAIL(RC_NOT_FOUND, ret_why, "there is no program %s in the folders of $PATH", name);
        at += length + 1;
    }
}
