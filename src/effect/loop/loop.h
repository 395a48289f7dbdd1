/* The event loop of a daemon (libevent), and a queue by which worker threads hand results back to it. */
#ifndef MMM_EFFECT_LOOP_LOOP_H
#define MMM_EFFECT_LOOP_LOOP_H

#include "base/clock.h"
#include "base/rc.h"
#include "base/reason.h"

struct event_base;
struct loop;
struct loop_timer;
struct loop_watch;

typedef void (*loop_function)(void *context);

struct loop *loop_new(void); /* ignores SIGPIPE; ends at SIGTERM and SIGINT */
void loop_free(struct loop *loop);
struct event_base *loop_base(struct loop *loop);

/* Of libevent's priorities.  What strangers send waits until all else that has happened is done, and between a few of
 * their events the loop looks for something better: a flood of handshakes must not delay a lease. */
enum { LOOP_PRIORITY_USUAL = 1, LOOP_PRIORITY_STRANGER = 2, LOOP_PRIORITIES = 3 };
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* One shot; setting it again moves it.  at: clock_now() milliseconds, NEVER stops it. */
struct loop_timer *loop_timer_new(struct loop *loop, loop_function function, void *context);
void loop_timer_set(struct loop_timer *timer, msec at);
void loop_timer_free(struct loop_timer *timer);

/* Calls function each time fd is readable (level-triggered). */
struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_function function, void *context);
void loop_watch_free(struct loop_watch *watch);

/* From any thread: function(context) runs soon on the loop's thread, in order of posting; at the latest in loop_free,
 * so that what is left can free what it holds. */
void loop_post(struct loop *loop, loop_function function, void *context);

#endif
