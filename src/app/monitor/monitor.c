#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/daemons.h"
#include "app/monitor/monitor_app.h"
#include "base/log.h"
#include "base/text.h"
#include "effect/loop/loop.h"
#include "effect/notify/notify.h"
#include "effect/process/memory.h"
#include "effect/rights/rights.h"
#include "wire/state.h"
#include "wire/status.h"

/* A nudge that is lost costs one report interval: nothing is done about it. */
static void on_nudged(void *context, int status, const char *body, size_t length, const char *why) {
    (void)context, (void)status, (void)body, (void)length, (void)why;
}

static void nudge(struct monitor_app *app) {
    for (int i = 0; i < app->cluster->host_count; i++)
        if (set_has(app->plan.nudge, i))
            http_peer_call(app->agents[i], "POST", "/v1/nudge", "", 0, SECONDS(1), on_nudged, app);
}

void monitor_feed(struct monitor_app *app, struct monitor_event *event) {
    if (app->feeding) {
        log_line(LOG_LEVEL_ERROR, "event=internal why=\"an effect called back inside a plan\"");
        abort();
    }
    app->feeding = true;
    event->now = clock_now();
    event->wall = clock_wall();
    struct recorded_time time = { .now = event->now, .wall = event->wall };
    if (app->unsaved && keep_retry(app, event)) {
        monitor_start(&app->core, app->cluster, &app->kept, event->now, event->wall);
        record_again(app, &time);
    }
    record_before(app, &time);
    monitor_step(&app->core, event, &app->plan);
    keep_plan(app, event);
    record_after(app, event); /* before the answer, with which the text of the report goes */
    serve_plan(app);
    if (!app->unsaved)
        nudge(app);
    fence_plan(app);
    explain_answer(app);
    loop_timer_set(app->timer, app->plan.deadline);
    app->feeding = false;
}

static void on_timer(void *context) {
    monitor_feed(context, &(struct monitor_event){ .kind = MONITOR_TICK });
    memory_return_heap();
}

static void on_check(void *context, int host, const struct check_result *result) {
    monitor_feed(context, &(struct monitor_event){
                              .kind = MONITOR_CHECK,
                              .host = host,
                              .answers = result->answered || result->too_many,
                              .check_error = result->error,
                          });
}

static enum rc load(struct monitor_app *app, struct reason *ret_why) {
    enum rc rc = store_open(app->settings->monitor_store, app->settings->events_kept, &app->store, ret_why);
    if (rc)
        return rc;
    char *text = NULL;
    rc = store_load(app->store, &text, ret_why);
    if (rc)
        return rc;
    struct monitor_durable durable;
    struct reason why = { "" };
    if (text) {
        rc = monitor_state_decode(app->cluster, text, strlen(text), &durable, &why);
        free(text);
        if (rc) {
            *ret_why = why;
            reason_prefix(ret_why, "%s: the stored state can not be used (move the file away to begin anew)",
                          app->settings->monitor_store);
            return rc;
        }
        if (why.text[0])
            log_line(LOG_LEVEL_WARNING, "event=state_changed why=\"%s\"", why.text);
    }
    monitor_start(&app->core, app->cluster, text ? &durable : NULL, clock_now(), clock_wall());
    app->kept = app->core.durable;
    return RC_OK;
}

static enum rc start_checkers(struct monitor_app *app, struct reason *ret_why) {
    const struct settings *settings = app->settings;
    char password[256] = "";
    if (!settings->check_user[0])
        return RC_OK;
    if (settings->check_password_file[0]) {
        enum rc rc = config_password(settings->check_password_file, password, sizeof password, ret_why);
        if (rc)
            return rc;
    }
    for (int i = 0; i < app->cluster->host_count; i++)
        app->checkers[i] = checker_new(app->loop,
                                       &(struct checker_options){
                                           .address = app->cluster->hosts[i].address,
                                           .port = app->cluster->hosts[i].server_port,
                                           .host = i,
                                           .user = settings->check_user,
                                           .password = password,
                                           .period = SECONDS(1),
                                           .timeout = app->cluster->health.answer_timeout,
                                       },
                                       on_check, app);
    explicit_bzero(password, sizeof password);
    return RC_OK;
}

/* As root it could still read and change what belongs to root, for which it has no use. */
static enum rc reduce_rights(struct reason *ret_why) {
    char missing[2];
    if (geteuid() == 0)
        log_line(LOG_LEVEL_WARNING, "event=runs_as_root why=\"the monitor needs no right of root's\" "
                                    "next=\"start it as a user of its own, as packaging/mmm-monitor.service does\"");
    return rights_reduce(RIGHTS_OF_MONITOR, missing, sizeof missing, ret_why);
}

static enum rc start(struct monitor_app *app, struct reason *ret_why) {
    app->loop = loop_new();
    app->timer = loop_timer_new(app->loop, on_timer, app);
    fence_start(app);
    enum rc rc = reduce_rights(ret_why);
    if (!rc)
        rc = load(app, ret_why);
    if (!rc)
        record_start(app);
    if (!rc)
        rc = serve_start(app, ret_why);
    if (!rc)
        rc = start_checkers(app, ret_why);
    return rc;
}

static void end(struct monitor_app *app) {
    for (int i = 0; i < HOSTS_MAX; i++)
        checker_free(app->checkers[i]);
    fence_end(app);
    serve_end(app);
    record_end(app);
    store_close(app->store);
    loop_timer_free(app->timer);
    loop_free(app->loop);
    free(app);
}

int monitor_main(const struct settings *settings) {
    memory_keep_small();
    log_start("mmm-monitor", LOG_LEVEL_INFO);
    struct monitor_app *app = calloc(1, sizeof *app);
    if (!app)
        abort();
    app->settings = settings;
    app->cluster = &settings->cluster;
    app->since_wall = clock_wall();
    struct reason why = { "" };
    int status = 0;
    if (start(app, &why)) {
        log_line(LOG_LEVEL_ERROR, "event=start_failed why=\"%s\"", why.text);
        status = 1;
    } else {
        memory_return_code();
        log_line(LOG_LEVEL_INFO, "event=started cluster=%s version=%s", app->cluster->name, MMM_VERSION);
        fence_check(app);
        notify_ready("running");
        on_timer(app);
        loop_run(app->loop);
        notify_stopping();
        log_line(LOG_LEVEL_INFO, "event=stopped cluster=%s", app->cluster->name);
    }
    end(app);
    return status;
}
