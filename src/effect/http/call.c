#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "effect/http/internal.h"

struct call {
    struct event_base *base;
    int status;
    char *body;
    struct reason why;
};

static void on_done(void *context, int status, const char *body, size_t length, const char *why) {
    struct call *call = context;
    call->status = status;
    call->body = must(malloc(length + 1));
    memcpy(call->body, body, length + 1);
    reason_set(&call->why, "%s", why);
    event_base_loopbreak(call->base);
}

/* A daemon ignores SIGPIPE; a command must do so too while its far end may be gone. */
static void run(struct event_base *base) {
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    sigaction(SIGPIPE, &ignore, &before);
    event_base_dispatch(base);
    sigaction(SIGPIPE, &before, NULL);
}

enum rc http_call_once(const struct http_target *target, const char *method, const char *path, const char *body,
                       msec timeout, int *ret_status, char **ret_body, struct reason *ret_why) {
    struct call call = { .base = must(event_base_new()) };
    struct http_peer *peer = NULL;
    enum rc rc = peer_new(call.base, target->unix_path, &target->peer, &peer, ret_why);
    if (rc) {
        event_base_free(call.base);
        return rc;
    }
    http_peer_call(peer, method, path, body ? body : "", body ? strlen(body) : 0, timeout, on_done, &call);
    run(call.base);
    bool timed_out = peer_timed_out(peer);
    http_peer_free(peer);
    event_base_free(call.base);
    if (!call.status) {
        free(call.body);
        return FAIL(timed_out ? RC_TIMEOUT : RC_IO, ret_why, "%s%s", call.why.text,
                    target->unix_path && !timed_out ? "; does the daemon run, and may you use its socket?" : "");
    }
    *ret_status = call.status;
    *ret_body = call.body;
    return RC_OK;
}
