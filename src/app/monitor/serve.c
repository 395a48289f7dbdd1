/* What agents, administrators and programs ask of the monitor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/monitor/monitor_app.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/messages.h"
#include "wire/status.h"

static void respond_error(struct http_request *request, int status, const char *text) {
    char body[REASON_MAX + 32];
    char clean[REASON_MAX];
    TEXT_COPY(clean, text);
    for (char *c = clean; *c; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            *c = '\'';
    int length = snprintf(body, sizeof body, "{\"error\":\"%s\"}\n", clean);
    http_respond(request, status, "application/json", body, (size_t)length);
}

static void respond_json(struct http_request *request, char *text) {
    http_respond(request, 200, "application/json", text, strlen(text));
    free(text);
}

static void serve_report(struct monitor_app *app, struct http_request *request, const char *peer) {
    int host = cluster_host(app->cluster, peer);
    if (host == HOST_NONE) {
        respond_error(request, 403, "the certificate names no host of this cluster");
        return;
    }
    size_t length;
    const char *body = http_request_body(request, &length);
    struct reason why = { "" };
    struct report report;
    if (report_decode(app->cluster, body, length, &report, &why)) {
        log_line(LOG_LEVEL_WARNING, "event=report_refused host=%s why=\"%s\"", peer, why.text);
        respond_error(request, 400, why.text);
        return;
    }
    app->reporting = request;
    app->report_text = body;
    app->report_length = length;
    monitor_feed(app, &(struct monitor_event){ .kind = MONITOR_REPORT, .host = host, .report = &report });
    app->report_text = NULL;
    app->report_length = 0;
}

static struct waiting *find_waiting(struct monitor_app *app, uint64_t id) {
    for (int i = 0; i < WAITING_MAX; i++)
        if (app->waiting[i].id == id)
            return &app->waiting[i];
    return NULL;
}

static void serve_command(struct monitor_app *app, struct http_request *request, const char *peer) {
    size_t length;
    const char *body = http_request_body(request, &length);
    struct reason why = { "" };
    struct command command;
    if (command_decode(app->cluster, body, length, &command, &why)) {
        respond_error(request, 400, why.text);
        return;
    }
    struct waiting *waiting = find_waiting(app, 0);
    if (!waiting) {
        respond_error(request, 503, "too many commands are under way; try again when one has ended");
        return;
    }
    command.id = ++app->commands;
    TEXT_COPY(command.who, peer);
    *waiting = (struct waiting){ .id = command.id, .request = request };
    monitor_feed(app, &(struct monitor_event){ .kind = MONITOR_COMMAND, .command = &command });
}

struct event_list {
    char *text;
    size_t length;
    bool any;
    FILE *stream;
};

static void add_event(void *context, long long number, const char *event) {
    struct event_list *list = context;
    fprintf(list->stream, "%s{\"number\":%lld,\"event\":%s}", list->any ? "," : "", number, event);
    list->any = true;
}

static long long number_of(const struct http_request *request, const char *name, long long otherwise, long long most) {
    const char *text = http_request_query(request, name);
    char *end = NULL;
    long long number = text ? strtoll(text, &end, 10) : otherwise;
    if (text && (end == text || *end || number < 0))
        number = otherwise;
    return number > most ? most : number;
}

static void serve_events(struct monitor_app *app, struct http_request *request) {
    struct event_list list = { 0 };
    list.stream = open_memstream(&list.text, &list.length);
    if (!list.stream)
        abort();
    struct reason why = { "" };
    fputs("{\"events\":[", list.stream);
    enum rc rc = store_events(app->store, number_of(request, "after", 0, INT64_MAX),
                              number_of(request, "before", INT64_MAX, INT64_MAX),
                              (unsigned)number_of(request, "most", 100, 1000), add_event, &list, &why);
    fputs("]}\n", list.stream);
    fclose(list.stream);
    if (rc) {
        free(list.text);
        respond_error(request, 500, why.text);
        return;
    }
    respond_json(request, list.text);
}

static void serve_status(struct monitor_app *app, struct http_request *request) {
    struct status_source source = { .monitor = &app->core,
                                    .monitor_name = app->settings->monitor_name,
                                    .store_trouble = app->unsaved_why,
                                    .recording_trouble = record_trouble(app),
                                    .now = clock_now(),
                                    .wall = clock_wall(),
                                    .since_wall = app->since_wall };
    for (int i = 0; i < app->settings->cluster.host_count; i++)
        source.server_start[i] = app->settings->hosts[i].server_start;
    respond_json(request, status_encode(&source));
}

static void serve_explain(struct monitor_app *app, struct http_request *request) {
    if (!explain_serve(app, request))
        respond_error(request, 503, "too many ask for an explanation already; ask again");
}

static void on_request(void *context, struct http_request *request) {
    struct monitor_app *app = context;
    const char *peer = http_request_peer(request);
    const char *path = http_request_path(request);
    bool post = text_equal(http_request_method(request), "POST");
    if (!peer)
        respond_error(request, 403, "this needs a certificate of the cluster's authority");
    else if (post && text_equal(path, "/v1/report"))
        serve_report(app, request, peer);
    else if (post && text_equal(path, "/v1/command"))
        serve_command(app, request, peer);
    else if (!post && text_equal(path, "/v1/status"))
        serve_status(app, request);
    else if (!post && text_equal(path, "/v1/events"))
        serve_events(app, request);
    else if (!post && text_equal(path, "/v1/explain"))
        serve_explain(app, request);
    else
        respond_error(request, 404,
                      "a monitor has POST /v1/report and /v1/command, GET /v1/status, /v1/events and /v1/explain");
}

/* A command that can not be written down is not done; one that was on its way has stopped where it was. */
static void refuse_waiting(struct monitor_app *app) {
    char why[REASON_MAX];
    snprintf(why, sizeof why, "the monitor decides nothing, because it can not write it down: %.300s; see mmm show",
             app->unsaved_why);
    for (int i = 0; i < WAITING_MAX; i++) {
        if (!app->waiting[i].id)
            continue;
        struct http_request *request = app->waiting[i].request;
        app->waiting[i] = (struct waiting){ 0 };
        respond_error(request, 503, why);
    }
}

void serve_plan(struct monitor_app *app) {
    struct monitor_plan *plan = &app->plan;
    if (app->reporting) {
        struct http_request *request = app->reporting;
        app->reporting = NULL;
        if (app->unsaved)
            respond_error(request, 503, "the monitor's store can not be written: nothing is decided");
        else if (plan->orders_set)
            respond_json(request, orders_encode(app->cluster, &plan->orders));
        else
            respond_error(request, 409, plan->refused);
    }
    for (size_t i = 0; i < plan->reply_count; i++) {
        struct waiting *waiting = find_waiting(app, plan->replies[i].id);
        if (!waiting || !waiting->id)
            continue;
        struct http_request *request = waiting->request;
        *waiting = (struct waiting){ 0 };
        respond_json(request, command_reply_encode(app->cluster, &plan->replies[i]));
    }
    if (app->unsaved)
        refuse_waiting(app);
}

static enum rc start_tls(struct monitor_app *app, struct reason *ret_why) {
    const struct tls_settings *tls = &app->settings->tls;
    if (!tls->certificate[0])
        return RC_OK;
    char certificate[PATH_SIZE], key[PATH_SIZE];
    if (!config_expand(tls->certificate, app->settings->monitor_name, certificate, sizeof certificate) ||
        !config_expand(tls->key, app->settings->monitor_name, key, sizeof key))
        return FAIL(RC_INVALID, ret_why, "[tls] certificate or key: the path is too long");
    return tls_new(tls->ca, certificate, key, &app->tls, ret_why);
}

enum rc serve_start(struct monitor_app *app, struct reason *ret_why) {
    const struct settings *settings = app->settings;
    enum rc rc = start_tls(app, ret_why);
    if (rc)
        return rc;
    app->http = http_server_new(app->loop, app->tls, on_request, app);
    app->local = http_server_new(app->loop, NULL, on_request, app);
    rc = http_server_listen_unix(app->local, settings->monitor_socket, 0660, ret_why);
    if (rc)
        return rc;
    rc = http_server_listen(app->http, &settings->monitor_address, settings->monitor_port, ret_why);
    if (rc)
        return rc;
    for (int i = 0; i < app->cluster->host_count; i++)
        app->agents[i] = http_peer_new(app->loop, &(struct http_peer_options){
                                                      .address = app->cluster->hosts[i].address,
                                                      .port = settings->hosts[i].agent_port,
                                                      .tls = app->tls,
                                                      .expect_name = app->cluster->hosts[i].name,
                                                      .from = settings->monitor_address,
                                                  });
    return RC_OK;
}

void serve_end(struct monitor_app *app) {
    for (int i = 0; i < HOSTS_MAX; i++)
        http_peer_free(app->agents[i]);
    http_server_free(app->local);
    http_server_free(app->http);
    tls_free(app->tls);
}
