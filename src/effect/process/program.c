#include "effect/process/program.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/process/child.h"

/* A program that writes without end must not hold the loop up: so much a turn. */
enum { READ_SIZE = 4096, READS_A_TURN = 16, COMMAND_SIZE = 1024 };

struct words {
    char text[COMMAND_SIZE];
    char *argv[PROGRAM_WORDS_MAX + 1];
};

struct program {
    pid_t pid;
    int pidfd;
    int output; /* -1: closed by the other side */
    bool timed_out;
    msec timeout;
    char said[PROGRAM_OUTPUT_MAX]; /* the last that it wrote */
    struct loop_watch *end_watch, *output_watch;
    struct loop_timer *timer;
    program_ended ended;
    void *context;
};

static enum rc split(const char *command, struct words *ret_words, struct reason *ret_why) {
    if (!TEXT_COPY(ret_words->text, command))
        return FAIL(RC_INVALID, ret_why, "the command is too long");
    size_t count = 0;
    char *rest = ret_words->text;
    for (char *word; (word = strtok_r(NULL, " \t", &rest)) != NULL;) {
        if (count == PROGRAM_WORDS_MAX)
            return FAIL(RC_INVALID, ret_why, "the command has more than %d words", PROGRAM_WORDS_MAX);
        ret_words->argv[count++] = word;
    }
    ret_words->argv[count] = NULL;
    return count ? RC_OK : FAIL(RC_INVALID, ret_why, "there is no command");
}

static enum rc check_file(const char *path, struct reason *ret_why) {
    struct stat file;
    if (path[0] != '/')
        return FAIL(RC_INVALID, ret_why, "%s: is not an absolute path", path);
    if (stat(path, &file) != 0)
        return FAIL(errno == ENOENT ? RC_NOT_FOUND : RC_IO, ret_why, "%s: %s", path, strerror(errno));
    if (!S_ISREG(file.st_mode))
        return FAIL(RC_INVALID, ret_why, "%s: is not a program", path);
    if (access(path, X_OK) != 0)
        return FAIL(RC_REFUSED, ret_why, "%s: cannot be run: %s", path, strerror(errno));
    return RC_OK;
}

enum rc program_check(const char *command, struct reason *ret_why) {
    struct words words;
    enum rc rc = split(command, &words, ret_why);
    return rc ? rc : check_file(words.argv[0], ret_why);
}

static void close_output(struct program *program) {
    loop_watch_free(program->output_watch);
    program->output_watch = NULL;
    if (program->output >= 0)
        close(program->output);
    program->output = -1;
}

/* One line for a person: what is no printable character is a blank. */
static void keep(struct program *program, const char *bytes, size_t length) {
    enum { ROOM = PROGRAM_OUTPUT_MAX - 1 };
    if (length > ROOM) {
        bytes += length - ROOM;
        length = ROOM;
    }
    size_t old = strlen(program->said);
    if (old + length > ROOM) {
        size_t over = old + length - ROOM;
        memmove(program->said, program->said + over, old - over);
        old -= over;
    }
    for (size_t i = 0; i < length; i++)
        program->said[old + i] = (char)(isprint((unsigned char)bytes[i]) && bytes[i] != '"' ? bytes[i] : ' ');
    program->said[old + length] = 0;
}

static void read_output(void *context) {
    struct program *program = context;
    char bytes[READ_SIZE];
    for (int i = 0; i < READS_A_TURN && program->output >= 0; i++) {
        ssize_t length = read(program->output, bytes, sizeof bytes);
        if (length > 0)
            keep(program, bytes, (size_t)length);
        else if (length == 0 || (errno != EAGAIN && errno != EINTR))
            close_output(program);
        else
            return;
    }
}

static void end_group(const struct program *program) {
    (void)kill(-program->pid, SIGKILL);
}

static void tell(const struct program *program, const siginfo_t *end, struct program_result *ret_result) {
    char limit[CLOCK_TEXT_MAX];
    duration_format(program->timeout, limit);
    const char *said = program->said + strspn(program->said, " ");
    *ret_result = (struct program_result){ .succeeded = !program->timed_out && end->si_code == CLD_EXITED &&
                                                        end->si_status == 0 };
    if (program->timed_out)
        snprintf(ret_result->why, sizeof ret_result->why, "did not end within %s and was killed", limit);
    else if (end->si_code == CLD_EXITED)
        snprintf(ret_result->why, sizeof ret_result->why, "exit status %d%s", end->si_status,
                 end->si_status == CHILD_NOT_RUN ? ", as when it cannot be run" : "");
    else
        snprintf(ret_result->why, sizeof ret_result->why, "was ended by signal %d", end->si_status);
    size_t length = strlen(said);
    while (length && said[length - 1] == ' ')
        length--;
    if (length)
        text_append(ret_result->why, sizeof ret_result->why, ": %.*s", (int)length, said);
}

/* The rest of its group is ended before it is waited for: until then nobody else can have its number. */
static void on_end(void *context) {
    struct program *program = context;
    siginfo_t end = { 0 };
    read_output(program);
    end_group(program);
    if (waitid(P_PIDFD, (id_t)program->pidfd, &end, WEXITED | WNOHANG) != 0 || end.si_pid == 0)
        return;
    program->pid = 0;
    loop_watch_free(program->end_watch);
    program->end_watch = NULL;
    loop_timer_set(program->timer, NEVER);
    close_output(program);
    struct program_result result;
    tell(program, &end, &result);
    program->ended(program->context, &result); /* last: it may free the program */
}

static void on_timeout(void *context) {
    struct program *program = context;
    program->timed_out = true;
    end_group(program);
}

enum rc program_start(struct loop *loop, const struct program_options *options, program_ended ended, void *context,
                      struct program **ret_program, struct reason *ret_why) {
    struct words words;
    enum rc rc = split(options->command, &words, ret_why);
    if (!rc)
        rc = check_file(words.argv[0], ret_why);
    if (rc)
        return rc;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return FAIL(RC_IO, ret_why, "%s: cannot make a pipe: %s", words.argv[0], strerror(errno));
    (void)fcntl(ends[1], F_SETFL, 0); /* the program's end waits, as programs expect it */
    pid_t pid = child_start(&(struct child_options){
        .argv = words.argv, .environment = options->environment, .output = ends[1], .errors = ends[1] });
    int error = errno;
    close(ends[1]);
    int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
    if (pidfd < 0) {
        error = pid > 0 ? errno : error;
        close(ends[0]);
        if (pid > 0) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, NULL, 0);
        }
        return FAIL(RC_IO, ret_why, "%s: cannot start a process: %s", words.argv[0], strerror(error));
    }
    struct program *program = calloc(1, sizeof *program);
    if (program == NULL)
        abort();
    *program = (struct program){
        .pid = pid, .pidfd = pidfd, .output = ends[0], .timeout = options->timeout, .ended = ended, .context = context
    };
    program->end_watch = loop_watch_new(loop, pidfd, on_end, program);
    program->output_watch = loop_watch_new(loop, ends[0], read_output, program);
    program->timer = loop_timer_new(loop, on_timeout, program);
    loop_timer_set(program->timer, clock_now() + options->timeout);
    *ret_program = program;
    return RC_OK;
}

void program_free(struct program *program) {
    if (program == NULL)
        return;
    if (program->pid > 0) {
        end_group(program);
        (void)waitpid(program->pid, NULL, 0);
    }
    loop_watch_free(program->end_watch);
    close_output(program);
    loop_timer_free(program->timer);
    close(program->pidfd);
    free(program);
}
