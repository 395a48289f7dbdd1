/* The monitor's wiring: what it hears becomes an event of core/monitor, and what core/monitor plans is done, in one
 * order: store, answers, nudges.
 *
 *   monitor.c  start, end, and the way of an event through the core
 *   keep.c     what was decided is written, or not decided
 *   record.c   what `mmm replay` needs to come to the same result
 *   fence.c    the administrator's fence program
 *   explain.c  `mmm explain`: the same core on a copy of its state
 *   serve.c    HTTP: reports of agents, commands and questions of administrators
 */
#ifndef MMM_APP_MONITOR_MONITOR_APP_H
#define MMM_APP_MONITOR_MONITOR_APP_H

#include "config/config.h"
#include "core/monitor/monitor.h"
#include "effect/http/http.h"
#include "effect/mysql/server.h"
#include "effect/process/program.h"
#include "effect/recorder/recorder.h"
#include "effect/store/store.h"
#include "wire/recording.h"

enum { WAITING_MAX = 16, EXPLAINING_MAX = 4 };

#define RECORDING_FOLDER ".recording" /* behind the store's path */

struct monitor_app {
    const struct settings *settings;
    const struct cluster *cluster;
    struct monitor core;
    struct monitor_plan plan;
    msec since_wall;
    bool feeding;
    struct monitor_durable kept; /* as the store holds it */
    msec kept_at;                /* when the store was last written, or trying it last failed */
    bool unsaved;                /* the store can not be written: nothing is decided, and nobody is answered */
    msec unsaved_since;
    char unsaved_why[REASON_MAX];
    struct loop *loop;
    struct loop_timer *timer;
    struct store *store;
    struct tls *tls;
    struct http_server *http;
    struct http_server *local; /* the command line's unix socket */
    struct http_peer *agents[HOSTS_MAX];
    struct checker *checkers[HOSTS_MAX];
    struct program *fence; /* NULL: none runs */
    struct fence_request fence_request;
    char fence_why[WHY_SIZE];       /* it could not be started ... */
    struct loop_timer *fence_timer; /* ... which is told to the core in a turn of its own */
    uint64_t commands;
    struct waiting {
        uint64_t id; /* 0: free */
        struct http_request *request;
    } waiting[WAITING_MAX];
    struct explaining {
        struct http_request *request; /* NULL: free */
        msec asked, deadline;
    } explaining[EXPLAINING_MAX];
    struct http_request *reporting; /* the report that the plan will answer */
    const char *report_text;        /* ... as it came */
    size_t report_length;
    struct record *record; /* NULL: nothing is recorded */
};

void monitor_feed(struct monitor_app *app, struct monitor_event *event);

/* record.c */
void record_start(struct monitor_app *app);
void record_end(struct monitor_app *app);
/* Around each step: where another file begins, the state before it; then what was heard and what came of it. */
void record_before(struct monitor_app *app, const struct recorded_time *time);
/* The core was started anew: what comes does not follow from what was before. */
void record_again(struct monitor_app *app, const struct recorded_time *time);
void record_after(struct monitor_app *app, const struct monitor_event *event);
/* Why nothing is recorded at present, or NULL. */
const char *record_trouble(const struct monitor_app *app);

/* keep.c */
void keep_plan(struct monitor_app *app, const struct monitor_event *event);
bool keep_retry(struct monitor_app *app, const struct monitor_event *event);

/* fence.c */
void fence_start(struct monitor_app *app);
void fence_end(struct monitor_app *app);
void fence_plan(struct monitor_app *app);
void fence_check(const struct monitor_app *app); /* says in the log which program cannot be run */
/* explain.c: false: too many are asked already.  The answer is looked for after each step, and comes when the agents
 * have reported anew, or when that takes too long. */
bool explain_serve(struct monitor_app *app, struct http_request *request);
void explain_answer(struct monitor_app *app);

/* serve.c */
enum rc serve_start(struct monitor_app *app, struct reason *ret_why) NODISCARD;
void serve_plan(struct monitor_app *app);
void serve_end(struct monitor_app *app);

#endif
