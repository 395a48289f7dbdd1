/* The agent's wiring: what happens becomes an event of core/agent, and what core/agent plans is done.
 *
 *   agent.c   start, end, and the way of an event through the core
 *   act.c     doing a plan: addresses, server, process, durable file
 *   guard.c   doing a plan: the guard
 *   release.c taking back what outlives the agent
 *   doctor.c  facts for `mmm doctor`, on a thread of their own
 *   rows.c    the rows that transactions touch, for `mmm events show`, likewise
 *   waiting.c a host that was never set up: its agent waits for `mmm init`
 *   talk.c    reports to the monitor, questions to peers, what others ask here
 */
#ifndef MMM_APP_AGENT_AGENT_APP_H
#define MMM_APP_AGENT_AGENT_APP_H

#include "config/config.h"
#include "core/agent/agent.h"
#include "effect/guard/guard.h"
#include "effect/http/http.h"
#include "effect/mysql/server.h"
#include "effect/netlink/addresses.h"
#include "effect/process/process.h"

struct agent_app {
    const struct settings *settings;
    const struct cluster *cluster;
    int self;
    struct agent core;
    struct agent_plan plan;
    char state_path[PATH_SIZE + NAME_SIZE + 16];
    int lock_fd;
    bool note_failed;
    bool reset_failed; /* the last time: told once */
    bool unsaved;      /* the durable part is not on disk: nothing that depends on it may be done */
    bool open_dropped; /* the server was not opened because of that: the core is told, and tries again */
    bool feeding;      /* an event is being worked on: a plan is never done inside another */
    struct loop *loop;
    struct loop_timer *timer;
    struct addresses *addresses;
    struct guard *guard; /* NULL: guard = off */
    struct server *server;
    struct process *process;
    struct tls *tls;
    struct http_server *http;
    struct http_peer *monitor;
    struct http_peer *peers[HOSTS_MAX];
    struct peer_call {
        struct agent_app *app;
        int host;
    } calls[HOSTS_MAX];
    bool monitor_answered;       /* the last report, so that a change is logged once */
    char rights_missing[512];    /* empty: none */
    struct agent_doctor *doctor; /* under way, or NULL */
    struct agent_rows *rows;     /* likewise */
    struct http_request *asking; /* the peer's question that the plan will answer */
};

/* agent.c: one agent a host; held until the descriptor is closed. */
enum rc app_lock(const struct settings *settings, int self, int *ret_fd, struct reason *ret_why) NODISCARD;
/* Stamps the time on the event, lets the core decide and does what it plans. */
void app_feed(struct agent_app *app, struct agent_event *event);

/* act.c */
enum rc act_start(struct agent_app *app, struct reason *ret_why) NODISCARD;
void act_plan(struct agent_app *app);
void act_end(struct agent_app *app);
void act_list_addresses(struct agent_app *app, struct agent_address ret_addresses[static ADDRESSES_MAX]);

/* guard.c: with guard = off the start takes away what a run with guard = on has left. */
enum rc act_guard_start(struct agent_app *app, struct reason *ret_why) NODISCARD;
void act_guard(struct agent_app *app);

/* waiting.c: an agent that was never set up, and has no replication password, waits until `mmm init` brings it.
 * ret_set_up false: it was told to end instead. */
bool waiting_is_needed(const struct agent_app *app);
enum rc waiting_run(struct agent_app *app, bool *ret_set_up, struct reason *ret_why) NODISCARD;
/* Whose certificate may set hosts up: the monitor's and the operator's, never a host's. */
bool waiting_allows(const struct settings *settings, const char *peer);

/* talk.c; talk_tls reads the certificates unless that was done. */
enum rc talk_tls(struct agent_app *app, struct reason *ret_why) NODISCARD;
enum rc talk_start(struct agent_app *app, struct reason *ret_why) NODISCARD;
void talk_plan(struct agent_app *app);
void talk_end(struct agent_app *app);

/* doctor.c: false: one is under way; otherwise the request is answered when the facts are there. */
bool doctor_serve(struct agent_app *app, struct http_request *request);
void doctor_end(struct agent_app *app);

/* rows.c: RC_OK: the request is answered when the rows are there.  RC_CONFLICT: one is under way; RC_INVALID: what is
 * asked for is no list of transactions.  Who asks may command the cluster. */
enum rc rows_serve(struct agent_app *app, struct http_request *request) NODISCARD;
void rows_end(struct agent_app *app);

#endif
