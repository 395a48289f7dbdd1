#include "effect/store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
    char folder[64];
    char path[96];
    struct reason why;
    char events[512];
    long long last;
};

static int start(void **state) {
    struct scene *scene = calloc(1, sizeof *scene);
    strcpy(scene->folder, "/tmp/store-test-XXXXXX");
    if (mkdtemp(scene->folder) == NULL)
        return 1;
    snprintf(scene->path, sizeof scene->path, "%s/store.db", scene->folder);
    *state = scene;
    return 0;
}

static int finish(void **state) {
    struct scene *scene = *state;
    static const char *const names[] = { "store.db", "store.db-wal", "store.db.lock", "small", "small.new" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", scene->folder, names[i]);
        unlink(path);
    }
    int left = rmdir(scene->folder);
    free(scene);
    return left;
}

static struct store *opened(struct scene *scene, unsigned kept) {
    struct store *store = NULL;
    enum rc rc = store_open(scene->path, kept, &store, &scene->why);
    if (rc != RC_OK)
        fail_msg("%s", scene->why.text);
    return store;
}

static void collect(void *context, long long number, const char *event) {
    struct scene *scene = context;
    assert_true(number > scene->last);
    scene->last = number;
    strcat(scene->events, event);
}

static void read_events(struct scene *scene, struct store *store, long long after, unsigned most) {
    scene->events[0] = 0;
    scene->last = after;
    assert_int_equal(store_events(store, after, INT64_MAX, most, collect, scene, &scene->why), RC_OK);
}

static void a_new_store_has_no_state(void **state) {
    struct scene *scene = *state;
    struct store *store = opened(scene, 10);
    char *text = strdup("x");
    char *before = text;
    assert_int_equal(store_load(store, &text, &scene->why), RC_OK);
    assert_null(text);
    free(before);
    struct stat about;
    assert_int_equal(stat(scene->path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    store_close(store);
}

static void what_was_saved_is_there_after_opening_again(void **state) {
    struct scene *scene = *state;
    struct store *store = opened(scene, 10);
    const char *events[] = { "a", "b" };
    assert_int_equal(store_save(store, "{\"term\":1}", NULL, 0, &scene->why), RC_OK);
    assert_int_equal(store_save(store, "{\"term\":2}", events, 2, &scene->why), RC_OK);
    assert_int_equal(store_save(store, NULL, events, 1, &scene->why), RC_OK);
    store_close(store);
    store = opened(scene, 10);
    char *text = NULL;
    assert_int_equal(store_load(store, &text, &scene->why), RC_OK);
    assert_string_equal(text, "{\"term\":2}");
    free(text);
    read_events(scene, store, 0, 10);
    assert_string_equal(scene->events, "aba");
    store_close(store);
}

static void what_was_saved_survives_a_kill(void **state) {
    struct scene *scene = *state;
    pid_t child = fork();
    if (child == 0) {
        struct store *store;
        const char *events[] = { "k" };
        if (store_open(scene->path, 10, &store, NULL) == RC_OK && store_save(store, "kept", events, 1, NULL) == RC_OK)
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    struct store *store = opened(scene, 10);
    char *text = NULL;
    assert_int_equal(store_load(store, &text, &scene->why), RC_OK);
    assert_string_equal(text, "kept");
    free(text);
    read_events(scene, store, 0, 10);
    assert_string_equal(scene->events, "k");
    store_close(store);
}

static void only_the_newest_events_are_kept_and_numbers_go_on(void **state) {
    struct scene *scene = *state;
    struct store *store = opened(scene, 3);
    const char *events[] = { "1", "2", "3", "4", "5" };
    assert_int_equal(store_save(store, NULL, events, 5, &scene->why), RC_OK);
    read_events(scene, store, 0, 10);
    assert_string_equal(scene->events, "345");
    assert_int_equal(scene->last, 5);
    store_close(store);
    store = opened(scene, 3);
    assert_int_equal(store_save(store, NULL, events, 1, &scene->why), RC_OK);
    read_events(scene, store, 0, 10);
    assert_string_equal(scene->events, "451");
    assert_int_equal(scene->last, 6);
    store_close(store);
}

static void the_last_events_after_a_number_come_oldest_first(void **state) {
    struct scene *scene = *state;
    struct store *store = opened(scene, 10);
    const char *events[] = { "1", "2", "3", "4", "5" };
    assert_int_equal(store_save(store, NULL, events, 5, &scene->why), RC_OK);
    read_events(scene, store, 1, 2);
    assert_string_equal(scene->events, "45");
    read_events(scene, store, 3, 10);
    assert_string_equal(scene->events, "45");
    read_events(scene, store, 5, 10);
    assert_string_equal(scene->events, "");
    store_close(store);
}

static void a_second_opener_is_told_who_holds_it(void **state) {
    struct scene *scene = *state;
    struct store *store = opened(scene, 10);
    struct store *second = NULL;
    assert_int_equal(store_open(scene->path, 10, &second, &scene->why), RC_CONFLICT);
    assert_null(second);
    char holder[48];
    snprintf(holder, sizeof holder, "process %ld (store_test", (long)getpid());
    if (strstr(scene->why.text, holder) == NULL)
        fail_msg("%s", scene->why.text);
    store_close(store);
    store_close(opened(scene, 10));
}

static void a_save_that_fails_changes_nothing_and_the_next_one_works(void **state) {
    struct scene *scene = *state;
    struct store *store = opened(scene, 10);
    const char *events[] = { "e" };
    assert_int_equal(store_save(store, "before", events, 1, &scene->why), RC_OK);
    /* A limit on the size of files stands in for a disk that is full. */
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){ .rlim_cur = 100 * 1024, .rlim_max = limit.rlim_max };
    size_t size = 1024 * 1024;
    char *large = malloc(size);
    memset(large, 'x', size);
    large[size - 1] = 0;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum rc rc = store_save(store, large, events, 1, &scene->why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    free(large);
    assert_int_equal(rc, RC_IO);
    char *text = NULL;
    assert_int_equal(store_load(store, &text, &scene->why), RC_OK);
    assert_string_equal(text, "before");
    free(text);
    assert_int_equal(store_save(store, "after", events, 1, &scene->why), RC_OK);
    read_events(scene, store, 0, 10);
    assert_string_equal(scene->events, "ee");
    store_close(store);
}

static void a_damaged_file_is_refused_with_a_reason(void **state) {
    struct scene *scene = *state;
    FILE *file = fopen(scene->path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database; ", file);
    fclose(file);
    struct store *store = NULL;
    assert_int_equal(store_open(scene->path, 10, &store, &scene->why), RC_IO);
    assert_non_null(strstr(scene->why.text, "it is damaged"));
    assert_null(store);
}

static void small_path(const struct scene *scene, char *ret_path, size_t size) {
    snprintf(ret_path, size, "%s/small", scene->folder);
}

static void a_file_is_replaced_as_a_whole(void **state) {
    struct scene *scene = *state;
    char path[96], *text = NULL;
    small_path(scene, path, sizeof path);
    assert_int_equal(file_read(path, 100, &text, &scene->why), RC_NOT_FOUND);
    assert_int_equal(file_replace(path, "a longer first text", 19, &scene->why), RC_OK);
    assert_int_equal(file_replace(path, "second", 6, &scene->why), RC_OK);
    assert_int_equal(file_read(path, 6, &text, &scene->why), RC_OK);
    assert_string_equal(text, "second");
    free(text);
    char beside[104];
    snprintf(beside, sizeof beside, "%s.new", path);
    assert_int_equal(access(beside, F_OK), -1);
}

static void a_replacement_that_fails_leaves_the_old_file(void **state) {
    struct scene *scene = *state;
    char path[96], beside[104], *text = NULL;
    small_path(scene, path, sizeof path);
    snprintf(beside, sizeof beside, "%s.new", path);
    assert_int_equal(file_replace(path, "old", 3, &scene->why), RC_OK);
    assert_int_equal(mkdir(beside, 0700), 0);
    assert_int_equal(file_replace(path, "new", 3, &scene->why), RC_IO);
    assert_int_equal(rmdir(beside), 0);
    assert_int_equal(file_read(path, 100, &text, &scene->why), RC_OK);
    assert_string_equal(text, "old");
    free(text);
}

static void a_file_that_is_too_long_or_holds_a_zero_is_refused(void **state) {
    struct scene *scene = *state;
    char path[96], *text = NULL;
    small_path(scene, path, sizeof path);
    assert_int_equal(file_replace(path, "1234567", 7, &scene->why), RC_OK);
    assert_int_equal(file_read(path, 6, &text, &scene->why), RC_INVALID);
    assert_int_equal(file_replace(path, "12\0", 3, &scene->why), RC_OK);
    assert_int_equal(file_read(path, 6, &text, &scene->why), RC_INVALID);
    assert_int_equal(file_read(scene->folder, 6, &text, &scene->why), RC_INVALID);
    assert_null(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_store_has_no_state, start, finish),
        cmocka_unit_test_setup_teardown(what_was_saved_is_there_after_opening_again, start, finish),
        cmocka_unit_test_setup_teardown(what_was_saved_survives_a_kill, start, finish),
        cmocka_unit_test_setup_teardown(only_the_newest_events_are_kept_and_numbers_go_on, start, finish),
        cmocka_unit_test_setup_teardown(the_last_events_after_a_number_come_oldest_first, start, finish),
        cmocka_unit_test_setup_teardown(a_second_opener_is_told_who_holds_it, start, finish),
        cmocka_unit_test_setup_teardown(a_save_that_fails_changes_nothing_and_the_next_one_works, start, finish),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_refused_with_a_reason, start, finish),
        cmocka_unit_test_setup_teardown(a_file_is_replaced_as_a_whole, start, finish),
        cmocka_unit_test_setup_teardown(a_replacement_that_fails_leaves_the_old_file, start, finish),
        cmocka_unit_test_setup_teardown(a_file_that_is_too_long_or_holds_a_zero_is_refused, start, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
