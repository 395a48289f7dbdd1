#include "effect/process/process.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHILD_THREADS = 50 };

struct scene {
    struct loop *loop;
    struct loop_timer *patience;
    struct process *process;
    pid_t child;
    int pidfd;
    unsigned gone;
    bool patience_ended;
    bool ended_when_gone;
    msec gone_at;
};

static void patience_ends(void *context) {
    struct scene *scene = context;
    scene->patience_ended = true;
    loop_stop(scene->loop);
}

static int start(void **state) {
    struct scene *scene = calloc(1, sizeof *scene);
    scene->loop = loop_new();
    scene->patience = loop_timer_new(scene->loop, patience_ends, scene);
    scene->pidfd = -1;
    *state = scene;
    return 0;
}

static int finish(void **state) {
    struct scene *scene = *state;
    process_free(scene->process);
    loop_timer_free(scene->patience);
    loop_free(scene->loop);
    if (scene->child > 0) {
        kill(scene->child, SIGKILL);
        waitpid(scene->child, NULL, 0);
    }
    if (scene->pidfd >= 0)
        close(scene->pidfd);
    free(scene);
    return 0;
}

static void gone(void *context) {
    struct scene *scene = context;
    struct pollfd ended = { .fd = scene->pidfd, .events = POLLIN };
    scene->ended_when_gone = poll(&ended, 1, 0) > 0;
    scene->gone_at = clock_now();
    scene->gone++;
    loop_stop(scene->loop);
}

static void run_for(struct scene *scene, msec length) {
    loop_timer_set(scene->patience, clock_now() + length);
    loop_run(scene->loop);
}

static void *sit(void *context) {
    (void)context;
    while (pause() < 0)
        continue;
    return NULL;
}

/* Says on the pipe that it is ready, and stays. */
static void live(int ready, size_t memory, bool leader_ends) {
    signal(SIGTERM, SIG_DFL); /* the loop's handler would write to its parent's loop */
    char *touched = mmap(NULL, memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (touched == MAP_FAILED)
        _exit(1);
    madvise(touched, memory, MADV_NOHUGEPAGE); /* small pages take the kernel longest to free */
    for (size_t i = 0; i < memory; i += 4096)
        touched[i] = 1;
    for (int i = 0; i < CHILD_THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, sit, NULL) != 0)
            _exit(1);
    }
    if (write(ready, "r", 1) != 1)
        _exit(1);
    if (leader_ends)
        pthread_exit(NULL);
    sit(NULL);
}

static void give_birth(struct scene *scene, size_t memory, bool leader_ends) {
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    scene->child = fork();
    assert_true(scene->child >= 0);
    if (scene->child == 0)
        live(ready[1], memory, leader_ends);
    close(ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    scene->pidfd = pidfd_open(scene->child, 0);
    struct reason why;
    if (process_watch(scene->loop, scene->child, 2, gone, scene, &scene->process, &why) != RC_OK)
        fail_msg("%s", why.text);
    assert_int_equal(process_pid(scene->process), scene->child);
}

static void a_living_process_is_not_gone(void **state) {
    struct scene *scene = *state;
    give_birth(scene, 4096, false);
    run_for(scene, 30); /* some fifteen looks */
    assert_true(scene->patience_ended);
    assert_int_equal(scene->gone, 0);
}

static void a_process_whose_leader_ended_lives_in_its_threads(void **state) {
    struct scene *scene = *state;
    give_birth(scene, 4096, true);
    run_for(scene, 30); /* some fifteen looks */
    assert_true(scene->patience_ended);
    assert_int_equal(scene->gone, 0);
    struct reason why;
    assert_int_equal(process_kill(scene->process, &why), RC_OK);
    run_for(scene, SECONDS(10));
    assert_int_equal(scene->gone, 1);
}

/* On a busy machine too the looks come in time: whoever they look at waits for them, not they for him. */
static void look_before_all_others(bool first) {
    struct sched_param parameters = { .sched_priority = first ? 1 : 0 };
    int policy = first ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER;
    if (sched_setscheduler(0, policy, &parameters) != 0)
        fail_msg("cannot be scheduled first (%s); scripts/test needs root", strerror(errno));
}

/* Freeing the memory takes the kernel about 100 ms for each GB, and only then is the pidfd readable. */
static void a_killed_process_with_much_memory_is_gone_before_it_has_ended(void **state) {
    struct scene *scene = *state;
    give_birth(scene, (size_t)512 << 20, false);
    look_before_all_others(true);
    struct reason why;
    msec killed_at = clock_now();
    assert_int_equal(process_kill(scene->process, &why), RC_OK);
    run_for(scene, SECONDS(10));
    look_before_all_others(false);
    assert_int_equal(scene->gone, 1);
    struct pollfd ended = { .fd = scene->pidfd, .events = POLLIN };
    assert_int_equal(poll(&ended, 1, 10000), 1);
    print_message("gone after %lld ms, ended after %lld ms\n", (long long)(scene->gone_at - killed_at),
                  (long long)(clock_now() - killed_at));
    assert_false(scene->ended_when_gone);
    scene->patience_ended = false;
    run_for(scene, 20); /* gone is called once */
    assert_int_equal(scene->gone, 1);
}

static void a_process_that_exits_by_itself_is_gone(void **state) {
    struct scene *scene = *state;
    give_birth(scene, 4096, false);
    kill(scene->child, SIGTERM);
    run_for(scene, SECONDS(10));
    assert_int_equal(scene->gone, 1);
    struct reason why;
    assert_int_equal(process_kill(scene->process, &why), RC_OK);
}

static void a_process_that_is_not_there_cannot_be_watched(void **state) {
    struct scene *scene = *state;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    struct reason why;
    assert_int_equal(process_watch(scene->loop, child, 10, gone, scene, &scene->process, &why), RC_NOT_FOUND);
}

static void a_lock_names_its_holder_and_ends_with_it(void **state) {
    (void)state;
    char path[] = "/tmp/process-test-XXXXXX";
    int made = mkstemp(path);
    assert_true(made >= 0);
    close(made);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd;
        if (process_lock(path, &fd, NULL) == RC_OK && write(ready[1], "r", 1) == 1)
            sit(NULL);
        _exit(1);
    }
    char byte, holder[48];
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct reason why;
    int fd = -1;
    assert_int_equal(process_lock(path, &fd, &why), RC_CONFLICT);
    assert_int_equal(fd, -1);
    snprintf(holder, sizeof holder, "process %ld (process_test", (long)child);
    if (strstr(why.text, holder) == NULL)
        fail_msg("%s", why.text);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(process_lock(path, &fd, &why), RC_OK);
    close(fd);
    close(ready[0]);
    close(ready[1]);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_living_process_is_not_gone, start, finish),
        cmocka_unit_test_setup_teardown(a_process_whose_leader_ended_lives_in_its_threads, start, finish),
        cmocka_unit_test_setup_teardown(a_killed_process_with_much_memory_is_gone_before_it_has_ended, start, finish),
        cmocka_unit_test_setup_teardown(a_process_that_exits_by_itself_is_gone, start, finish),
        cmocka_unit_test_setup_teardown(a_process_that_is_not_there_cannot_be_watched, start, finish),
        cmocka_unit_test(a_lock_names_its_holder_and_ends_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
