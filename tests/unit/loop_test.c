#include "effect/loop/loop.h"

#include <event2/event.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { POSTS = 1000, THREADS = 4 };

struct scene {
    struct loop *loop;
    struct loop_timer *timers[3];
    struct loop_watch *watch;
    int pipe[2];
    char order[32];
    size_t count;
    unsigned seen[THREADS];
    unsigned posts;
    msec fired_at;
};

static int start(void **state) {
    struct scene *scene = calloc(1, sizeof *scene);
    scene->loop = loop_new();
    *state = scene;
    return 0;
}

static int finish(void **state) {
    struct scene *scene = *state;
    for (size_t i = 0; i < COUNT_OF(scene->timers); i++)
        loop_timer_free(scene->timers[i]);
    loop_free(scene->loop);
    free(scene);
    return 0;
}

static void stop(void *context) {
    struct scene *scene = context;
    scene->fired_at = clock_now();
    loop_stop(scene->loop);
}

static void note_a(void *context) {
    struct scene *scene = context;
    scene->order[scene->count++] = 'a';
}

static void note_b(void *context) {
    struct scene *scene = context;
    scene->order[scene->count++] = 'b';
}

struct stranger {
    struct scene *scene;
    struct event *event, *lease;
};

static void stranger_comes(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    const struct stranger *stranger = context;
    stranger->scene->order[stranger->scene->count++] = 's';
    if (stranger->lease)
        event_active(stranger->lease, EV_READ, 1);
}

static void lease_comes(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    struct scene *scene = context;
    scene->order[scene->count++] = 'l';
}

static void strangers_never_keep_anything_else_waiting(void **state) {
    struct scene *scene = *state;
    struct event_base *base = loop_base(scene->loop);
    struct stranger strangers[20];
    struct event *lease = event_new(base, -1, 0, lease_comes, scene);
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        strangers[i] = (struct stranger){ .scene = scene, .lease = i == 0 ? lease : NULL };
        strangers[i].event = event_new(base, -1, 0, stranger_comes, &strangers[i]);
        assert_int_equal(event_priority_set(strangers[i].event, LOOP_PRIORITY_STRANGER), 0);
        event_active(strangers[i].event, EV_READ, 1);
    }
    while (scene->count < COUNT_OF(strangers) + 1)
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    /* It came up while the first of them was served. */
    const char *turn = memchr(scene->order, 'l', scene->count);
    assert_non_null(turn);
    assert_in_range(turn - scene->order, 1, 8);
    for (size_t i = 0; i < COUNT_OF(strangers); i++)
        event_free(strangers[i].event);
    event_free(lease);
}

static void timers_fire_in_the_order_of_their_deadlines(void **state) {
    struct scene *scene = *state;
    msec now = clock_now();
    scene->timers[0] = loop_timer_new(scene->loop, stop, scene);
    scene->timers[1] = loop_timer_new(scene->loop, note_b, scene);
    scene->timers[2] = loop_timer_new(scene->loop, note_a, scene);
    loop_timer_set(scene->timers[0], now + 30);
    loop_timer_set(scene->timers[1], now + 20);
    loop_timer_set(scene->timers[2], now + 10);
    loop_run(scene->loop);
    assert_string_equal(scene->order, "ab");
    assert_true(scene->fired_at >= now + 30);
}

static void a_timer_that_is_moved_fires_once_at_its_new_time(void **state) {
    struct scene *scene = *state;
    msec now = clock_now();
    scene->timers[0] = loop_timer_new(scene->loop, stop, scene);
    scene->timers[1] = loop_timer_new(scene->loop, note_a, scene);
    scene->timers[2] = loop_timer_new(scene->loop, note_b, scene);
    loop_timer_set(scene->timers[1], now + 1);
    loop_timer_set(scene->timers[1], now + 10);
    loop_timer_set(scene->timers[2], now + 5);
    loop_timer_set(scene->timers[2], NEVER);
    loop_timer_set(scene->timers[0], now + 20);
    loop_run(scene->loop);
    assert_string_equal(scene->order, "a");
}

static void set_again_in_the_past(void *context) {
    struct scene *scene = context;
    scene->count++;
    loop_timer_set(scene->timers[0], clock_now() - 1000);
}

static void a_timer_that_is_always_due_does_not_keep_posts_waiting(void **state) {
    struct scene *scene = *state;
    scene->timers[0] = loop_timer_new(scene->loop, set_again_in_the_past, scene);
    loop_timer_set(scene->timers[0], 0);
    loop_post(scene->loop, stop, scene);
    loop_run(scene->loop);
    assert_true(scene->fired_at > 0);
}

static void free_itself_and_its_neighbour(void *context) {
    struct scene *scene = context;
    loop_timer_free(scene->timers[0]);
    loop_timer_free(scene->timers[1]);
    scene->timers[0] = scene->timers[1] = NULL;
    loop_post(scene->loop, stop, scene);
}

static void a_timer_may_free_itself_and_another_that_is_due(void **state) {
    struct scene *scene = *state;
    msec now = clock_now();
    scene->timers[0] = loop_timer_new(scene->loop, free_itself_and_its_neighbour, scene);
    scene->timers[1] = loop_timer_new(scene->loop, note_a, scene);
    loop_timer_set(scene->timers[0], now - 2);
    loop_timer_set(scene->timers[1], now - 1);
    loop_run(scene->loop);
    assert_string_equal(scene->order, "");
}

struct numbered {
    struct scene *scene;
    unsigned thread, number;
};

static void take(void *context) {
    struct numbered *post = context;
    struct scene *scene = post->scene;
    assert_int_equal(post->number, scene->seen[post->thread]);
    scene->seen[post->thread]++;
    free(post);
    if (++scene->posts == THREADS * POSTS)
        loop_stop(scene->loop);
}

struct poster {
    struct scene *scene;
    unsigned number;
    pthread_t thread;
};

static void *post_many(void *context) {
    const struct poster *poster = context;
    for (unsigned i = 0; i < POSTS; i++) {
        struct numbered *post = malloc(sizeof *post);
        *post = (struct numbered){ .scene = poster->scene, .thread = poster->number, .number = i };
        loop_post(poster->scene->loop, take, post);
    }
    return NULL;
}

static void posts_of_each_thread_run_in_their_order_and_none_is_lost(void **state) {
    struct scene *scene = *state;
    struct poster posters[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){ .scene = scene, .number = i };
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_many, &posters[i]), 0);
    }
    loop_run(scene->loop);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(posters[i].thread, NULL);
    assert_int_equal(scene->posts, THREADS * POSTS);
}

static void read_one(void *context) {
    struct scene *scene = context;
    char byte;
    assert_int_equal(read(scene->pipe[0], &byte, 1), 1);
    scene->order[scene->count++] = byte;
    if (scene->count == 3) {
        loop_watch_free(scene->watch);
        loop_stop(scene->loop);
    }
}

static void a_watch_is_called_as_long_as_there_is_something_to_read(void **state) {
    struct scene *scene = *state;
    assert_int_equal(pipe(scene->pipe), 0);
    scene->watch = loop_watch_new(scene->loop, scene->pipe[0], read_one, scene);
    assert_int_equal(write(scene->pipe[1], "xyz", 3), 3);
    loop_run(scene->loop);
    assert_string_equal(scene->order, "xyz");
    close(scene->pipe[0]);
    close(scene->pipe[1]);
}

static void a_stop_before_the_run_is_not_forgotten(void **state) {
    struct scene *scene = *state;
    loop_stop(scene->loop);
    loop_run(scene->loop);
}

static void terminate(void *context) {
    (void)context;
    kill(getpid(), SIGTERM);
}

static void the_termination_signal_ends_the_run(void **state) {
    struct scene *scene = *state;
    loop_post(scene->loop, terminate, scene);
    loop_run(scene->loop);
}

static void count_up(void *context) {
    ++*(unsigned *)context;
}

/* A result of a worker thread that comes at the very end holds memory that only its delivery frees. */
static void what_was_posted_is_run_even_if_the_loop_ends_before(void **state) {
    (void)state;
    unsigned count = 0;
    struct loop *loop = loop_new();
    loop_post(loop, count_up, &count);
    loop_free(loop);
    assert_int_equal(count, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(timers_fire_in_the_order_of_their_deadlines, start, finish),
        cmocka_unit_test_setup_teardown(a_timer_that_is_moved_fires_once_at_its_new_time, start, finish),
        cmocka_unit_test_setup_teardown(a_timer_that_is_always_due_does_not_keep_posts_waiting, start, finish),
        cmocka_unit_test_setup_teardown(a_timer_may_free_itself_and_another_that_is_due, start, finish),
        cmocka_unit_test(what_was_posted_is_run_even_if_the_loop_ends_before),
        cmocka_unit_test_setup_teardown(posts_of_each_thread_run_in_their_order_and_none_is_lost, start, finish),
        cmocka_unit_test_setup_teardown(strangers_never_keep_anything_else_waiting, start, finish),
        cmocka_unit_test_setup_teardown(a_watch_is_called_as_long_as_there_is_something_to_read, start, finish),
        cmocka_unit_test_setup_teardown(a_stop_before_the_run_is_not_forgotten, start, finish),
        cmocka_unit_test_setup_teardown(the_termination_signal_ends_the_run, start, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
