/* The monitor's own eye on a server: one thread a host, one connection, SELECT 1 every period. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "effect/mysql/connection.h"
#include "effect/mysql/server.h"

enum { STACK_SIZE = 256 * 1024 };

struct checker {
    struct loop *loop;
    checker_done done;
    void *context;
    int host;
    msec period;
    msec timeout;
    char address[IP_TEXT_MAX];
    char *user;
    char *password;
    struct connection connection; /* the thread's */
    pthread_t thread;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wanted;
    bool stopping;
    bool posted; /* a result is on its way; frees a checker that is stopping */
    struct check_result result;
};

static void *must(void *made) {
    if (made == NULL)
        abort();
    return made;
}

static void dispose(struct checker *checker) {
    connection_done(&checker->connection);
    pthread_cond_destroy(&checker->wanted);
    pthread_mutex_destroy(&checker->lock);
    explicit_bzero(checker->password, strlen(checker->password));
    free(checker->password);
    free(checker->user);
    free(checker);
}

static void deliver(void *context) {
    struct checker *checker = context;
    pthread_mutex_lock(&checker->lock);
    struct check_result result = checker->result;
    bool stopping = checker->stopping;
    checker->posted = false;
    pthread_mutex_unlock(&checker->lock);
    if (stopping)
        dispose(checker);
    else
        checker->done(checker->context, checker->host, &result);
}

static enum rc ask(struct checker *checker, msec deadline, struct reason *ret_why) {
    enum rc rc = connection_use(&checker->connection, ret_why);
    return rc == RC_OK ? connection_run(&checker->connection, deadline, ret_why, "SELECT 1") : rc;
}

/* A kept connection that broke, because a fence ended it or the server was restarted, says nothing of the server as it
 * is now: ask again on a new one.  Silence is an answer. */
static struct check_result check(struct checker *checker) {
    struct reason why = { 0 };
    msec deadline = clock_now() + checker->timeout;
    bool kept = connection_is_open(&checker->connection);
    enum rc rc = ask(checker, deadline, &why);
    if (rc == RC_IO && kept && clock_now() < deadline)
        rc = ask(checker, deadline, &why);
    struct check_result result = { .answered = rc == RC_OK };
    if (rc != RC_OK) {
        result.error_number = checker->connection.error_number;
        result.too_many = result.error_number == ERROR_TOO_MANY_CONNECTIONS;
        TEXT_COPY(result.error, why.text);
    }
    return result;
}

/* With the lock held.  A result that the loop has not taken yet is replaced by the newer one. */
static void hand_over(struct checker *checker, const struct check_result *result) {
    checker->result = *result;
    if (checker->posted || checker->stopping)
        return;
    checker->posted = true;
    loop_post(checker->loop, deliver, checker);
}

static void wait_until(struct checker *checker, const struct timespec *at) {
    int rc = 0;
    while (!checker->stopping && rc == 0)
        rc = pthread_cond_timedwait(&checker->wanted, &checker->lock, at);
}

static struct timespec later(msec length) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += length / 1000;
    at.tv_nsec += length % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static void *check_thread(void *context) {
    struct checker *checker = context;
    pthread_mutex_lock(&checker->lock);
    while (!checker->stopping) {
        struct timespec next = later(checker->period);
        pthread_mutex_unlock(&checker->lock);
        struct check_result result = check(checker);
        pthread_mutex_lock(&checker->lock);
        hand_over(checker, &result);
        wait_until(checker, &next);
    }
    pthread_mutex_unlock(&checker->lock);
    mysql_thread_end();
    return NULL;
}

static void thread_start(struct checker *checker) {
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&checker->wanted, &clock);
    pthread_condattr_destroy(&clock);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    if (pthread_create(&checker->thread, &attributes, check_thread, checker) != 0)
        abort();
    pthread_attr_destroy(&attributes);
}

struct checker *checker_new(struct loop *loop, const struct checker_options *options, checker_done done,
                            void *context) {
    struct checker *checker = must(calloc(1, sizeof *checker));
    mysql_library_init(0, NULL, NULL);
    checker->loop = loop;
    checker->done = done;
    checker->context = context;
    checker->host = options->host;
    checker->period = options->period;
    checker->timeout = options->timeout;
    checker->user = must(strdup(options->user));
    checker->password = must(strdup(options->password ? options->password : ""));
    ip_format(&options->address, checker->address);
    connection_init(&checker->connection, &(struct connection_options){
                                              .address = checker->address,
                                              .port = options->port,
                                              .user = checker->user,
                                              .password = checker->password,
                                              .program = "mmm monitor",
                                              .timeout = options->timeout,
                                          });
    pthread_mutex_init(&checker->lock, NULL);
    thread_start(checker);
    return checker;
}

void checker_free(struct checker *checker) {
    if (checker == NULL)
        return;
    pthread_mutex_lock(&checker->lock);
    checker->stopping = true;
    pthread_cond_signal(&checker->wanted);
    pthread_mutex_unlock(&checker->lock);
    connection_cut(&checker->connection);
    pthread_join(checker->thread, NULL);
    if (!checker->posted)
        dispose(checker);
}
