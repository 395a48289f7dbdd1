/* The administrator's programs, really run: how they end, what they say, and that none of them outlives its time. */
#include "effect/process/program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"

enum { PATIENCE = 20000 };

struct scene {
    struct loop *loop;
    struct loop_timer *patience;
    struct program *program;
    struct program_result result;
    unsigned ended;
    char folder[32], path[64];
};

static void on_ended(void *context, const struct program_result *result) {
    struct scene *scene = context;
    scene->result = *result;
    scene->ended++;
    loop_stop(scene->loop);
}

static void patience_ends(void *context) {
    loop_stop(((struct scene *)context)->loop);
}

static int begin(void **state) {
    struct scene *scene = calloc(1, sizeof *scene);
    scene->loop = loop_new();
    scene->patience = loop_timer_new(scene->loop, patience_ends, scene);
    strcpy(scene->folder, "/tmp/mmm-program-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    snprintf(scene->path, sizeof scene->path, "%s/program", scene->folder);
    *state = scene;
    return 0;
}

static int finish(void **state) {
    struct scene *scene = *state;
    program_free(scene->program);
    loop_timer_free(scene->patience);
    loop_free(scene->loop);
    unlink(scene->path);
    rmdir(scene->folder);
    free(scene);
    return 0;
}

static void write_script(const struct scene *scene, const char *lines, mode_t mode) {
    FILE *file = fopen(scene->path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", lines);
    fclose(file);
    assert_int_equal(chmod(scene->path, mode), 0);
}

static void run_with(struct scene *scene, const char *lines, const char *arguments, msec timeout) {
    char command[200], name[] = "MMM_HOST=db1", path[] = "PATH=/usr/bin:/bin";
    char *const environment[] = { path, name, NULL };
    write_script(scene, lines, 0700);
    snprintf(command, sizeof command, "%s %s", scene->path, arguments);
    struct reason why = { "" };
    assert_int_equal(
        program_start(scene->loop,
                      &(struct program_options){ .command = command, .environment = environment, .timeout = timeout },
                      on_ended, scene, &scene->program, &why),
        RC_OK);
    assert_int_equal(scene->ended, 0);
    loop_timer_set(scene->patience, clock_now() + PATIENCE);
    loop_run(scene->loop);
    assert_int_equal(scene->ended, 1);
}

static void only_exit_status_0_is_success(void **state) {
    struct scene *scene = *state;
    run_with(scene, "exit 0", "", PATIENCE);
    assert_true(scene->result.succeeded);
    program_free(scene->program);
    scene->ended = 0;
    run_with(scene, "echo no route to the board >&2; exit 3", "", PATIENCE);
    assert_false(scene->result.succeeded);
    assert_string_equal(scene->result.why, "exit status 3: no route to the board");
}

static void a_program_that_is_ended_by_a_signal_has_failed(void **state) {
    struct scene *scene = *state;
    run_with(scene, "kill -TERM $$", "", PATIENCE);
    assert_false(scene->result.succeeded);
    assert_string_equal(scene->result.why, "was ended by signal 15");
}

static void a_program_that_hangs_is_killed_with_all_that_it_started(void **state) {
    struct scene *scene = *state;
    msec before = clock_now();
    run_with(scene, "trap '' TERM INT HUP; sleep 1000 & echo $!; wait; exit 0", "", 300);
    assert_false(scene->result.succeeded);
    assert_true(clock_now() - before >= 300);
    assert_non_null(strstr(scene->result.why, "did not end within 300ms and was killed: "));
    long child = strtol(strrchr(scene->result.why, ' '), NULL, 10);
    assert_true(child > 1);
    /* SIGKILL was sent before the loop was told; init or a zombie may still have to be reaped, so its state is looked
     * at. */
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", child);
    for (int i = 0; i < 2000; i++) {
        FILE *file = fopen(path, "r");
        if (!file)
            return;
        size_t length = fread(text, 1, sizeof text - 1, file);
        text[length] = 0;
        fclose(file);
        if (strstr(text, ") Z") || strstr(text, ") X"))
            return;
        usleep(1000);
    }
    fail_msg("the child still runs: %s", text);
}

static void a_success_behind_the_limit_is_none(void **state) {
    struct scene *scene = *state;
    run_with(scene, "sleep 5; exit 0", "", 100);
    assert_false(scene->result.succeeded);
}

static void what_it_writes_is_bounded_and_one_line(void **state) {
    struct scene *scene = *state;
    run_with(scene, "head -c 300000 /dev/zero | tr '\\0' 'x'; printf '\"a\\001b\\n'; echo last; exit 1", "", PATIENCE);
    assert_false(scene->result.succeeded);
    assert_true(strlen(scene->result.why) < PROGRAM_OUTPUT_MAX + 32);
    assert_null(strchr(scene->result.why, '\n'));
    assert_null(strchr(scene->result.why, '"'));
    assert_non_null(strstr(scene->result.why, "a b last"));
}

static void it_has_its_arguments_its_environment_and_nothing_of_ours(void **state) {
    struct scene *scene = *state;
    setenv("MMM_SECRET", "secret", 1);
    int mine = fcntl(STDERR_FILENO, F_DUPFD, 50); /* without close-on-exec */
    assert_int_equal(mine, 50);
    run_with(scene, "echo \"$# $1 $2 $MMM_HOST ${MMM_SECRET:-none} $([ -e /proc/$$/fd/50 ] && echo leaked)\"",
             "two  words", PATIENCE);
    close(mine);
    assert_string_equal(scene->result.why, "exit status 0: 2 two words db1 none");
}

static void a_program_that_leaves_a_child_with_its_output_is_not_waited_for(void **state) {
    struct scene *scene = *state;
    msec before = clock_now();
    run_with(scene, "setsid sleep 3 & exit 0", "", PATIENCE);
    assert_true(scene->result.succeeded);
    assert_true(clock_now() - before < 3000);
}

static void what_cannot_be_run_is_told_before(void **state) {
    struct scene *scene = *state;
    struct reason why = { "" };
    assert_int_equal(program_check(scene->path, &why), RC_NOT_FOUND);
    assert_int_equal(program_check(scene->folder, &why), RC_INVALID);
    assert_int_equal(program_check("program", &why), RC_INVALID);
    assert_int_equal(program_check("", &why), RC_INVALID);
    write_script(scene, "exit 0", 0600);
    assert_int_equal(program_check(scene->path, &why), RC_REFUSED);
    assert_non_null(strstr(why.text, scene->path));
    write_script(scene, "exit 0", 0700);
    assert_int_equal(program_check(scene->path, &why), RC_OK);
}

/* Here as well: «was told nothing» is what is checked. */
static void a_program_that_is_freed_is_ended_and_tells_nothing(void **state) {
    struct scene *scene = *state;
    char path[] = "PATH=/usr/bin:/bin";
    char *const environment[] = { path, NULL };
    write_script(scene, "sleep 1000", 0700);
    struct reason why = { "" };
    assert_int_equal(program_start(scene->loop,
                                   &(struct program_options){
                                       .command = scene->path, .environment = environment, .timeout = PATIENCE },
                                   on_ended, scene, &scene->program, &why),
                     RC_OK);
    program_free(scene->program);
    scene->program = NULL;
    loop_timer_set(scene->patience, clock_now() + 50);
    loop_run(scene->loop);
    assert_int_equal(scene->ended, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_exit_status_0_is_success, begin, finish),
        cmocka_unit_test_setup_teardown(a_program_that_is_ended_by_a_signal_has_failed, begin, finish),
        cmocka_unit_test_setup_teardown(a_program_that_hangs_is_killed_with_all_that_it_started, begin, finish),
        cmocka_unit_test_setup_teardown(a_success_behind_the_limit_is_none, begin, finish),
        cmocka_unit_test_setup_teardown(what_it_writes_is_bounded_and_one_line, begin, finish),
        cmocka_unit_test_setup_teardown(it_has_its_arguments_its_environment_and_nothing_of_ours, begin, finish),
        cmocka_unit_test_setup_teardown(a_program_that_leaves_a_child_with_its_output_is_not_waited_for, begin, finish),
        cmocka_unit_test_setup_teardown(what_cannot_be_run_is_told_before, begin, finish),
        cmocka_unit_test_setup_teardown(a_program_that_is_freed_is_ended_and_tells_nothing, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
