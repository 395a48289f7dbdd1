#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rc.h"
#include "base/reason.h"
#include "base/text.h"
#include "effect/machine/start.h"

enum { ANSWER_SIZE = 64 * 1024, ARGUMENTS_SIZE = 32 * 1024, DEFAULTS_MAX = 6 };

typedef bool (*wants_function)(const char *kind, const char *name);

/* ---- options ---- */

static void put_start(const char *name, const char *value, struct facts *facts) {
    char fact[FACT_NAME_SIZE];
    snprintf(fact, sizeof fact, "start.%s", name);
    (void)facts_put(facts, fact, value);
}

static bool is_wanted(wants_function wants, const char *name) {
    return wants("start", name) || wants("var", name);
}

/* Drops a beginning, if it is there. */
static bool drop(const char **name, const char *beginning) {
    if (!text_starts_with(*name, beginning))
        return false;
    *name += strlen(beginning);
    return true;
}

void start_option_take(const char *option, wants_function wants, struct facts *facts) {
    char text[FACT_NAME_SIZE + FACT_VALUE_SIZE];
    while (*option == '-')
        option++;
    TEXT_COPY(text, option);
    char *equals = strchr(text, '=');
    if (equals)
        *equals = 0;
    for (char *c = text; *c; c++)
        *c = *c == '-' ? '_' : *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    const char *name = text, *value = equals ? equals + 1 : "ON";
    drop(&name, "loose_");
    if (is_wanted(wants, name)) {
        put_start(name, value, facts);
        return;
    }
    if (drop(&name, "skip_") || drop(&name, "disable_"))
        value = "OFF";
    else if (!drop(&name, "enable_"))
        return;
    if (is_wanted(wants, name))
        put_start(name, value, facts);
}

/* A line for people, and then all options in one line; a value may hold blanks, so only « --» ends one. */
bool start_answer_take(char *text, wants_function wants, struct facts *facts) {
    char *line = strchr(text, '\n');
    if (!line)
        return false;
    line++;
    line[strcspn(line, "\n")] = 0;
    for (char *at = line; at && *at;) {
        char *next = strstr(at, " --");
        if (next)
            *next++ = 0;
        for (size_t length = strlen(at); length && at[length - 1] == ' '; length--)
            at[length - 1] = 0;
        if (text_starts_with(at, "--"))
            start_option_take(at, wants, facts);
        at = next;
    }
    return true;
}

/* ---- the program ---- */

/* Reads until the end or the deadline; what the program writes beyond the buffer is not read. */
static size_t read_answer(int fd, msec deadline, char *ret_text, size_t size) {
    size_t used = 0;
    while (used + 1 < size) {
        msec left = deadline - clock_now();
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
            break;
        ssize_t got = read(fd, ret_text + used, size - 1 - used);
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    ret_text[used] = 0;
    return used;
}

/* The child is ours and is not waited for by anybody else, so its number is its own until we have waited. */
static void end_program(pid_t child, msec deadline) {
    while (waitpid(child, NULL, WNOHANG) == 0) {
        if (clock_now() >= deadline)
            kill(child, SIGKILL);
        poll(NULL, 0, 5);
    }
}

static enum rc ask_program(char *const argv[], msec deadline, char *ret_text, size_t size, struct reason *ret_why) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return FAIL(RC_IO, ret_why, "no pipe: %s", strerror(errno));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    char *const environment[] = { NULL };
    pid_t child;
    int failure = posix_spawn(&child, argv[0], &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    size_t got = failure ? 0 : read_answer(ends[0], deadline, ret_text, size);
    close(ends[0]);
    if (failure)
        return FAIL(RC_IO, ret_why, "cannot run %s: %s", argv[0], strerror(failure));
    end_program(child, deadline);
    return got ? RC_OK : FAIL(RC_IO, ret_why, "%s --print-defaults says nothing", argv[0]);
}

/* ---- the server's own command line ---- */

static size_t read_arguments(pid_t pid, char *ret_text, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(ret_text, 1, size - 1, file) : 0;
    if (file)
        fclose(file);
    ret_text[length] = 0;
    return length;
}

/* These say which files are read, and must come first. */
static bool chooses_files(const char *argument) {
    return text_starts_with(argument, "--no-defaults") || text_starts_with(argument, "--defaults-file=") ||
           text_starts_with(argument, "--defaults-extra-file=") ||
           text_starts_with(argument, "--defaults-group-suffix=") || text_starts_with(argument, "--login-path=");
}

static bool find_program(pid_t pid, char ret_program[static PATH_MAX], struct facts *facts) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t length = readlink(link, ret_program, PATH_MAX - 1);
    if (length <= 0)
        return false;
    ret_program[length] = 0;
    static const char gone[] = " (deleted)";
    size_t end = strlen(gone);
    bool is_replaced = (size_t)length > end && text_equal(ret_program + length - end, gone);
    if (is_replaced)
        ret_program[(size_t)length - end] = 0;
    (void)facts_put(facts, "server.program_replaced", is_replaced ? "1" : "0");
    return true;
}

static bool has_root_of_its_own(pid_t pid) {
    char path[64];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
    return stat(path, &theirs) == 0 && stat("/", &ours) == 0 &&
           (theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino);
}

/* argv: what chooses files, from the second on. */
static enum rc read_files(pid_t pid, char *const argv[], size_t count, wants_function wants, struct facts *facts,
                          struct reason *ret_why) {
    static const char only[] = "--defaults-file=", also[] = "--defaults-extra-file=";
    const char *paths[DEFAULTS_MAX + 2] = { "/etc/my.cnf", "/etc/mysql/my.cnf" };
    size_t used = 2;
    for (size_t i = 1; i < count; i++) {
        if (text_equal(argv[i], "--no-defaults"))
            used = 0;
        else if (text_starts_with(argv[i], only)) {
            paths[0] = argv[i] + strlen(only);
            used = 1;
        } else if (text_starts_with(argv[i], also))
            paths[used++] = argv[i] + strlen(also);
        else
            return FAIL(RC_INVALID, ret_why, "%s needs the server's own program", argv[i]);
    }
    return start_files_take(pid, paths, used, wants, facts)
               ? RC_OK
               : FAIL(RC_INVALID, ret_why, "too many option files in the server's own root");
}

static enum rc take_start(pid_t pid, wants_function wants, msec deadline, char *answer, char *arguments,
                          struct facts *facts, struct reason *ret_why) {
    char program[PATH_MAX], print[] = "--print-defaults";
    if (!pid || !find_program(pid, program, facts))
        return FAIL(RC_IO, ret_why, "the server's process is not known or not ours to look at");
    size_t length = read_arguments(pid, arguments, ARGUMENTS_SIZE);
    char *argv[DEFAULTS_MAX + 3] = { program };
    size_t count = 1;
    char *at = arguments + strlen(arguments) + 1, *end = arguments + length;
    for (; at < end && chooses_files(at) && count <= DEFAULTS_MAX; at += strlen(at) + 1)
        argv[count++] = at;
    argv[count] = print;
    bool is_inside = has_root_of_its_own(pid);
    enum rc rc = is_inside ? read_files(pid, argv, count, wants, facts, ret_why)
                           : ask_program(argv, deadline, answer, ANSWER_SIZE, ret_why);
    if (rc)
        return rc;
    if (!is_inside && !start_answer_take(answer, wants, facts))
        return FAIL(RC_INVALID, ret_why, "%s --print-defaults says something else than options", program);
    for (; at < end; at += strlen(at) + 1)
        if (text_starts_with(at, "--"))
            start_option_take(at, wants, facts);
    (void)facts_put(facts, "start.known", "1");
    return RC_OK;
}

void machine_start_options(pid_t pid, wants_function wants, msec deadline, struct facts *facts) {
    struct reason why = { "" };
    char *answer = calloc(1, ANSWER_SIZE), *arguments = calloc(1, ARGUMENTS_SIZE);
    if (!answer || !arguments)
        abort();
    if (take_start(pid, wants, deadline, answer, arguments, facts, &why))
        (void)facts_put(facts, "failed.start", why.text);
    /* A file may hold a password of somebody's. */
    explicit_bzero(answer, ANSWER_SIZE);
    explicit_bzero(arguments, ARGUMENTS_SIZE);
    free(answer);
    free(arguments);
}
