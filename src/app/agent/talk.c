/* Reports to the monitor, questions to the peers, and what others ask of this agent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/agent/agent_app.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/init.h"
#include "wire/messages.h"

static void note_monitor(struct agent_app *app, bool answered, const char *why) {
    if (answered == app->monitor_answered)
        return;
    app->monitor_answered = answered;
    if (answered)
        log_line(LOG_LEVEL_INFO, "event=monitor_heard");
    else
        log_line(LOG_LEVEL_WARNING, "event=monitor_silent why=\"%s\"", why);
}

static void on_orders(void *context, int status, const char *body, size_t length, const char *why) {
    struct agent_app *app = context;
    struct reason reason = { "" };
    struct orders orders;
    if (status == 200 && orders_decode(app->cluster, body, length, &orders, &reason) == RC_OK) {
        note_monitor(app, true, "");
        app_feed(app, &(struct agent_event){ .kind = AGENT_ORDERS, .orders = &orders });
        return;
    }
    if (status == 0)
        reason_set(&reason, "%s", why);
    else if (status != 200)
        reason_set(&reason, "it answers %d: %.200s", status, body);
    note_monitor(app, false, reason.text);
    app_feed(app, &(struct agent_event){ .kind = AGENT_REPORT_FAILED });
}

static void on_answer(void *context, int status, const char *body, size_t length, const char *why) {
    (void)why;
    struct peer_call *call = context;
    struct agent_app *app = call->app;
    struct answer answer;
    if (status != 200 || answer_decode(app->cluster, body, length, &answer, NULL) || answer.from != call->host)
        return;
    app_feed(app, &(struct agent_event){ .kind = AGENT_ANSWERED, .answer = &answer });
}

static void respond_error(struct http_request *request, int status, const char *text) {
    char body[REASON_MAX + 32];
    int length = snprintf(body, sizeof body, "{\"error\":\"%s\"}\n", text);
    http_respond(request, status, "application/json", body, (size_t)length);
}

static void serve_nudge(struct agent_app *app, struct http_request *request, const char *peer) {
    if (!text_equal(peer, app->settings->monitor_name)) {
        respond_error(request, 403, "only the monitor nudges");
        return;
    }
    http_respond(request, 204, "application/json", "", 0);
    app_feed(app, &(struct agent_event){ .kind = AGENT_NUDGED });
}

static void serve_ask(struct agent_app *app, struct http_request *request, const char *peer) {
    size_t length;
    const char *body = http_request_body(request, &length);
    struct reason why = { "" };
    struct ask ask;
    if (ask_decode(app->cluster, body, length, &ask, &why)) {
        respond_error(request, 400, "this is not a question of a peer of this cluster and version");
        return;
    }
    if (ask.from == app->self || !text_equal(peer, app->cluster->hosts[ask.from].name)) {
        respond_error(request, 403, "the question names another host than the certificate");
        return;
    }
    app->asking = request;
    app_feed(app, &(struct agent_event){ .kind = AGENT_ASKED, .ask = &ask });
    if (app->asking)
        respond_error(app->asking, 503, "what was promised can not be written down");
    app->asking = NULL;
}

static void serve_doctor(struct agent_app *app, struct http_request *request) {
    if (!doctor_serve(app, request))
        respond_error(request, 503, "a doctor is at work here already; ask again in some seconds");
}

/* To whoever may command: on_request has seen a certificate of the cluster's authority, as the monitor does for a
 * command. */
static void serve_rows(struct agent_app *app, struct http_request *request) {
    enum rc rc = rows_serve(app, request);
    if (rc == RC_CONFLICT)
        respond_error(request, 503, "somebody looks at transactions here already; ask again in some seconds");
    else if (rc)
        respond_error(request, 400, "this is no list of transactions");
}

/* An agent that works has nothing to be set up: whatever was asked, that is the answer. */
static void serve_init(struct agent_app *app, struct http_request *request, const char *peer) {
    if (!waiting_allows(app->settings, peer)) {
        respond_error(request, 403, "only the monitor and the operator set a host up");
        return;
    }
    char *text = init_facts_encode(app->cluster, &(struct init_facts){ .set_up = true });
    http_respond(request, 200, "application/json", text, strlen(text));
    free(text);
}

static void on_request(void *context, struct http_request *request) {
    struct agent_app *app = context;
    const char *peer = http_request_peer(request);
    bool post = text_equal(http_request_method(request), "POST");
    const char *path = http_request_path(request);
    if (!peer)
        respond_error(request, 403, "this needs a certificate of the cluster's authority");
    else if (post && text_equal(path, "/v1/nudge"))
        serve_nudge(app, request, peer);
    else if (post && text_equal(path, "/v1/ask"))
        serve_ask(app, request, peer);
    else if (post && text_equal(path, "/v1/init"))
        serve_init(app, request, peer);
    else if (!post && text_equal(path, "/v1/doctor"))
        serve_doctor(app, request);
    else if (!post && text_equal(path, "/v1/rows"))
        serve_rows(app, request);
    else
        respond_error(request, 404,
                      "an agent has POST /v1/nudge, POST /v1/ask, POST /v1/init, GET /v1/doctor and GET /v1/rows");
}

enum rc talk_tls(struct agent_app *app, struct reason *ret_why) {
    const struct tls_settings *tls = &app->settings->tls;
    const char *name = app->cluster->hosts[app->self].name;
    if (!tls->certificate[0] || app->tls)
        return RC_OK;
    char certificate[PATH_SIZE], key[PATH_SIZE];
    if (!config_expand(tls->certificate, name, certificate, sizeof certificate) ||
        !config_expand(tls->key, name, key, sizeof key))
        return FAIL(RC_INVALID, ret_why, "[tls] certificate or key: the path is too long");
    return tls_new(tls->ca, certificate, key, &app->tls, ret_why);
}

enum rc talk_start(struct agent_app *app, struct reason *ret_why) {
    enum rc rc = talk_tls(app, ret_why);
    if (rc)
        return rc;
    const struct cluster *cluster = app->cluster;
    app->http = http_server_new(app->loop, app->tls, on_request, app);
    rc = http_server_listen(app->http, &cluster->hosts[app->self].address, app->settings->hosts[app->self].agent_port,
                            ret_why);
    if (rc)
        return rc;
    const struct ip *from = &cluster->hosts[app->self].address;
    app->monitor = http_peer_new(app->loop, &(struct http_peer_options){
                                                .address = app->settings->monitor_address,
                                                .port = app->settings->monitor_port,
                                                .tls = app->tls,
                                                .expect_name = app->settings->monitor_name,
                                                .from = *from,
                                            });
    for (int i = 0; i < cluster->host_count; i++)
        if (i != app->self) {
            app->calls[i] = (struct peer_call){ .app = app, .host = i };
            app->peers[i] = http_peer_new(app->loop, &(struct http_peer_options){
                                                         .address = cluster->hosts[i].address,
                                                         .port = app->settings->hosts[i].agent_port,
                                                         .tls = app->tls,
                                                         .expect_name = cluster->hosts[i].name,
                                                         .from = *from,
                                                     });
        }
    return RC_OK;
}

void talk_end(struct agent_app *app) {
    doctor_end(app);
    rows_end(app);
    http_peer_free(app->monitor);
    for (int i = 0; i < HOSTS_MAX; i++)
        http_peer_free(app->peers[i]);
    http_server_free(app->http);
    tls_free(app->tls);
}

static void ask_peers(struct agent_app *app) {
    char *text = ask_encode(app->cluster, &app->plan.ask);
    for (int i = 0; i < app->cluster->host_count; i++)
        if (set_has(app->plan.ask_whom, i) && app->peers[i])
            http_peer_call(app->peers[i], "POST", "/v1/ask", text, strlen(text), app->cluster->lease.report, on_answer,
                           &app->calls[i]);
    free(text);
}

void talk_plan(struct agent_app *app) {
    struct agent_plan *plan = &app->plan;
    if (plan->answer_set && app->asking) {
        char *text = answer_encode(app->cluster, &plan->answer);
        http_respond(app->asking, 200, "application/json", text, strlen(text));
        app->asking = NULL;
        free(text);
    }
    if (plan->report_set) {
        char *text = report_encode(app->cluster, &plan->report);
        http_peer_call(app->monitor, "POST", "/v1/report", text, strlen(text), plan->report_timeout, on_orders, app);
        free(text);
    }
    if (plan->ask_whom)
        ask_peers(app);
}
