/* Programs whose output is read, really run. */
#include "effect/process/tool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct heard {
    size_t lines, longest;
    char last[64];
};

static void hear(void *context, const char *line) {
    struct heard *heard = context;
    size_t length = strlen(line);
    heard->lines++;
    heard->longest = length > heard->longest ? length : heard->longest;
    snprintf(heard->last, sizeof heard->last, "%.60s", line);
}

static enum rc run(const char *script, msec timeout, const atomic_bool *stop, struct heard *ret_heard,
                   struct reason *ret_why) {
    char shell[] = "/bin/sh", option[] = "-c", text[512], path[] = "PATH=/usr/bin:/bin";
    snprintf(text, sizeof text, "%s", script);
    *ret_heard = (struct heard){ 0 };
    return tool_run(&(struct tool_options){ .argv = (char *const[]){ shell, option, text, NULL },
                                            .environment = (char *const[]){ path, NULL },
                                            .deadline = clock_now() + timeout,
                                            .stop = stop,
                                            .line = hear,
                                            .context = ret_heard },
                    ret_why);
}

static void every_line_is_given_and_a_long_one_is_cut(void **state) {
    (void)state;
    struct heard heard;
    struct reason why = { "" };
    assert_int_equal(run("echo a; echo; printf end", SECONDS(20), NULL, &heard, &why), RC_OK);
    assert_int_equal(heard.lines, 3);
    assert_string_equal(heard.last, "end");
    assert_int_equal(run("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo b", SECONDS(20), NULL, &heard, &why),
                     RC_OK);
    assert_int_equal(heard.lines, 2);
    assert_int_equal(heard.longest, TOOL_LINE_MAX - 1);
    assert_string_equal(heard.last, "b");
}

static void a_program_that_fails_is_named_with_its_last_words(void **state) {
    (void)state;
    struct heard heard;
    struct reason why = { "" };
    assert_int_equal(run("echo a; echo first >&2; echo no right >&2; exit 3", SECONDS(20), NULL, &heard, &why), RC_IO);
    assert_non_null(strstr(why.text, "exit status 3: first no right"));
    assert_int_equal(heard.lines, 1);
    char path[] = "/nowhere/tool";
    assert_int_equal(tool_run(&(struct tool_options){ .argv = (char *const[]){ path, NULL },
                                                      .environment = (char *const[]){ NULL },
                                                      .deadline = clock_now() + SECONDS(20),
                                                      .line = hear,
                                                      .context = &heard },
                              &why),
                     RC_IO);
    assert_non_null(strstr(why.text, "cannot be run"));
}

/* Whoever runs in that group is dead, though its last parent may not have waited for it yet. */
static bool is_dead(pid_t pid) {
    char path[32], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return true;
    bool any = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    const char *state = strrchr(line, ')');
    return !any || !state || state[2] == 'Z' || state[2] == 'X';
}

static void a_program_never_outlives_its_deadline_nor_does_what_it_started(void **state) {
    (void)state;
    struct heard heard;
    struct reason why = { "" };
    atomic_bool stop = true;
    assert_int_equal(run("sleep 60 & echo $!; sleep 60", 300, NULL, &heard, &why), RC_TIMEOUT);
    assert_int_equal(heard.lines, 1);
    pid_t grandchild = (pid_t)strtol(heard.last, NULL, 10);
    for (msec end = clock_now() + SECONDS(5); !is_dead(grandchild) && clock_now() < end;)
        usleep(1000);
    assert_true(is_dead(grandchild));
    assert_int_equal(run("exec >/dev/null 2>&1; sleep 60", 100, NULL, &heard, &why), RC_TIMEOUT);
    assert_int_equal(run("yes", 100, NULL, &heard, &why), RC_TIMEOUT);
    assert_int_equal(run("sleep 60", SECONDS(60), &stop, &heard, &why), RC_TIMEOUT);
}

static void a_program_takes_only_what_others_leave(void **state) {
    (void)state;
    struct heard heard;
    struct reason why = { "" };
    assert_int_equal(run("cat /proc/self/oom_score_adj", SECONDS(20), NULL, &heard, &why), RC_OK);
    assert_string_equal(heard.last, "1000");
    assert_int_equal(run("nice", SECONDS(20), NULL, &heard, &why), RC_OK);
    assert_string_equal(heard.last, "19");
    assert_int_equal(run("ls /proc/self/fd | tr '\\n' ' '", SECONDS(20), NULL, &heard, &why), RC_OK);
    assert_string_equal(heard.last, "0 1 2 3 "); /* the last is of ls itself */
}

static void a_program_is_found_by_path_or_said_to_be_missing(void **state) {
    (void)state;
    char path[64] = "";
    struct reason why = { "" };
    setenv("PATH", "relative:/nowhere:/bin", 1);
    assert_int_equal(tool_find("sh", path, sizeof path, &why), RC_OK);
    assert_string_equal(path, "/bin/sh");
    assert_int_equal(tool_find("mmm-no-such-tool", path, sizeof path, &why), RC_NOT_FOUND);
    assert_non_null(strstr(why.text, "mmm-no-such-tool"));
    setenv("PATH", "", 1);
    assert_int_equal(tool_find("sh", path, sizeof path, &why), RC_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_given_and_a_long_one_is_cut),
        cmocka_unit_test(a_program_that_fails_is_named_with_its_last_words),
        cmocka_unit_test(a_program_never_outlives_its_deadline_nor_does_what_it_started),
        cmocka_unit_test(a_program_takes_only_what_others_leave),
        cmocka_unit_test(a_program_is_found_by_path_or_said_to_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
