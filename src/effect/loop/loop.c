#include "effect/loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct post {
    struct post *next;
    loop_function function;
    void *context;
};

struct loop_timer {
    struct loop *loop;
    struct loop_timer *next; /* in the loop's list, which is in order of time; NULL and at == NEVER when not set */
    msec at;
    loop_function function;
    void *context;
};

struct loop_watch {
    struct event *event;
    loop_function function;
    void *context;
};

/* Deadlines are CLOCK_BOOTTIME and libevent's own timers are not: one timer descriptor of that clock stands for all
 * timers of the loop, so that a deadline that passed while the machine slept is seen as soon as it wakes. */
struct loop {
    struct event_base *base;
    struct event *term;
    struct event *interrupt;
    bool stopping;

    int timer_fd;
    struct event *timer_event;
    struct loop_timer *timers;
    bool timers_running; /* they are armed once, when all that is due has run */
    msec armed_at;       /* what timer_fd is set to; 0: nothing, or it has fired */

    int post_fd;
    struct event *post_event;
    pthread_mutex_t post_lock;
    struct post *posts; /* guarded by post_lock, as is the end of the list */
    struct post **posts_end;
};

/* Out of memory or descriptors at the start of a daemon, or for one small node later: the process ends on purpose,
 * which the lifetimes of addresses make safe (STYLE.md, Memory). */
static void *must(void *made) {
    if (made == NULL)
        abort();
    return made;
}

static void empty_counter(int fd) {
    uint64_t count;
    ssize_t size = read(fd, &count, sizeof count);
    (void)size; /* nothing there: somebody was faster, which is no harm */
}

static void timers_arm(struct loop *loop) {
    struct itimerspec when = { 0 };
    if (loop->timers != NULL) {
        msec at = loop->timers->at > 0 ? loop->timers->at : 1; /* zero would mean: off */
        when.it_value.tv_sec = at / 1000;
        when.it_value.tv_nsec = at % 1000 * 1000000;
    }
    msec at_now = loop->timers != NULL ? loop->timers->at : NEVER;
    if (loop->timers_running || loop->armed_at == at_now)
        return;
    loop->armed_at = at_now;
    int failed = timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    assert(failed == 0);
}

static void timer_unlink(struct loop_timer *timer) {
    if (timer->at == NEVER)
        return;
    struct loop_timer **place = &timer->loop->timers;
    while (*place != timer)
        place = &(*place)->next;
    *place = timer->next;
    timer->next = NULL;
    timer->at = NEVER;
}

/* Runs what is due, each timer once at the most: a timer that sets itself into the past again must wait for the next
 * turn, or nothing else would ever run. */
static void timers_run(evutil_socket_t fd, short what, void *context) {
    (void)what;
    struct loop *loop = context;
    (void)fd; /* setting the descriptor anew also empties its counter */
    msec now = clock_now();
    loop->timers_running = true;
    loop->armed_at = 0;
    size_t due = 0;
    for (const struct loop_timer *timer = loop->timers; timer != NULL && timer->at <= now; timer = timer->next)
        due++;
    while (due-- > 0 && loop->timers != NULL && loop->timers->at <= now) {
        struct loop_timer *timer = loop->timers;
        timer_unlink(timer);
        timer->function(timer->context);
    }
    loop->timers_running = false;
    timers_arm(loop);
}

static void posts_run(evutil_socket_t fd, short what, void *context) {
    (void)what;
    struct loop *loop = context;
    empty_counter(fd);
    pthread_mutex_lock(&loop->post_lock);
    struct post *post = loop->posts;
    loop->posts = NULL;
    loop->posts_end = &loop->posts;
    pthread_mutex_unlock(&loop->post_lock);
    while (post != NULL) {
        struct post done = *post;
        free(post);
        post = done.next;
        done.function(done.context);
    }
}

static void signalled(evutil_socket_t number, short what, void *context) {
    (void)number;
    (void)what;
    loop_stop(context);
}

static struct event *event_of(struct loop *loop, int fd, short what, event_callback_fn function) {
    struct event *event = must(event_new(loop->base, fd, what | EV_PERSIST, function, loop));
    if (event_add(event, NULL) != 0)
        abort();
    return event;
}

/* LOOP_PRIORITY_USUAL is what libevent gives to an event whose priority nobody sets: the middle one. */
static struct event_base *base_new(void) {
    enum { STRANGERS_A_TURN = 8 };
    struct event_config *config = must(event_config_new());
    const struct timeval turn = { .tv_usec = 2000 };
    event_config_set_max_dispatch_interval(config, &turn, STRANGERS_A_TURN, LOOP_PRIORITY_STRANGER);
    struct event_base *base = must(event_base_new_with_config(config));
    event_config_free(config);
    if (event_base_priority_init(base, LOOP_PRIORITIES) != 0)
        abort();
    return base;
}

struct loop *loop_new(void) {
    struct loop *loop = must(calloc(1, sizeof *loop));
    signal(SIGPIPE, SIG_IGN);
    loop->base = base_new();
    loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    loop->post_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->timer_fd < 0 || loop->post_fd < 0)
        abort();
    loop->posts_end = &loop->posts;
    pthread_mutex_init(&loop->post_lock, NULL);
    loop->timer_event = event_of(loop, loop->timer_fd, EV_READ, timers_run);
    loop->post_event = event_of(loop, loop->post_fd, EV_READ, posts_run);
    loop->term = event_of(loop, SIGTERM, EV_SIGNAL, signalled);
    loop->interrupt = event_of(loop, SIGINT, EV_SIGNAL, signalled);
    return loop;
}

void loop_free(struct loop *loop) {
    if (loop == NULL)
        return;
    assert(loop->timers == NULL);
    while (loop->posts != NULL)
        posts_run(loop->post_fd, 0, loop);
    event_free(loop->interrupt);
    event_free(loop->term);
    event_free(loop->post_event);
    event_free(loop->timer_event);
    event_base_free(loop->base);
    close(loop->post_fd);
    close(loop->timer_fd);
    pthread_mutex_destroy(&loop->post_lock);
    free(loop);
}

struct event_base *loop_base(struct loop *loop) {
    return loop->base;
}

void loop_run(struct loop *loop) {
    /* libevent forgets a stop that came before its loop began; this one does not. */
    if (!loop->stopping)
        event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    loop->stopping = false;
}

void loop_stop(struct loop *loop) {
    loop->stopping = true;
    event_base_loopbreak(loop->base);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_function function, void *context) {
    struct loop_timer *timer = must(malloc(sizeof *timer));
    *timer = (struct loop_timer){ .loop = loop, .at = NEVER, .function = function, .context = context };
    return timer;
}

void loop_timer_set(struct loop_timer *timer, msec at) {
    struct loop *loop = timer->loop;
    struct loop_timer *first = loop->timers;
    msec first_at = first != NULL ? first->at : NEVER;
    timer_unlink(timer);
    if (at != NEVER) {
        struct loop_timer **place = &loop->timers;
        while (*place != NULL && (*place)->at <= at)
            place = &(*place)->next;
        timer->at = at;
        timer->next = *place;
        *place = timer;
    }
    if (loop->timers != first || (loop->timers != NULL && loop->timers->at != first_at))
        timers_arm(loop);
}

void loop_timer_free(struct loop_timer *timer) {
    if (timer == NULL)
        return;
    loop_timer_set(timer, NEVER);
    free(timer);
}

static void watch_readable(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct loop_watch *watch = context;
    watch->function(watch->context);
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_function function, void *context) {
    struct loop_watch *watch = must(malloc(sizeof *watch));
    *watch = (struct loop_watch){ .function = function, .context = context };
    watch->event = must(event_new(loop->base, fd, EV_READ | EV_PERSIST, watch_readable, watch));
    if (event_add(watch->event, NULL) != 0)
        abort();
    return watch;
}

void loop_watch_free(struct loop_watch *watch) {
    if (watch == NULL)
        return;
    event_free(watch->event);
    free(watch);
}

void loop_post(struct loop *loop, loop_function function, void *context) {
    struct post *post = must(malloc(sizeof *post));
    *post = (struct post){ .function = function, .context = context };
    pthread_mutex_lock(&loop->post_lock);
    *loop->posts_end = post;
    loop->posts_end = &post->next;
    pthread_mutex_unlock(&loop->post_lock);
    uint64_t one = 1;
    ssize_t written;
    do
        written = write(loop->post_fd, &one, sizeof one);
    while (written < 0 && errno == EINTR);
    assert(written == sizeof one || errno == EAGAIN); /* EAGAIN: the counter is full, the loop will wake anyway */
}
