/* Runs the fence program that the core has asked for, one at a time, and tells how it ended.  What is decided by it is
 * in core/monitor/fence.c. */
#include <stdio.h>
#include <stdlib.h>

#include "app/monitor/monitor_app.h"
#include "base/log.h"
#include "base/text.h"

/* Like a login's, for programs that call others. */
static char fence_path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static void tell_core(struct monitor_app *app, bool ended, const char *why) {
    struct fence_result result = { .request = app->fence_request, .ended = ended };
    TEXT_COPY(result.why, why);
    monitor_feed(app, &(struct monitor_event){ .kind = MONITOR_FENCE, .host = result.request.host, .fence = &result });
}

static void on_ended(void *context, const struct program_result *result) {
    struct monitor_app *app = context;
    program_free(app->fence);
    app->fence = NULL;
    tell_core(app, result->succeeded, result->why);
}

/* Not from within the plan that asked for it. */
static void not_started(void *context) {
    struct monitor_app *app = context;
    tell_core(app, false, app->fence_why);
}

static enum rc start(struct monitor_app *app, const struct fence_request *request, struct reason *ret_why) {
    const struct host_spec *host = &app->cluster->hosts[request->host];
    char cluster[NAME_SIZE + 16], name[NAME_SIZE + 16], address[IP_TEXT_MAX + 16], term[48], ip[IP_TEXT_MAX];
    ip_format(&host->address, ip);
    snprintf(cluster, sizeof cluster, "MMM_CLUSTER=%s", app->cluster->name);
    snprintf(name, sizeof name, "MMM_HOST=%s", host->name);
    snprintf(address, sizeof address, "MMM_ADDRESS=%s", ip);
    snprintf(term, sizeof term, "MMM_TERM=%llu", (unsigned long long)request->term);
    char *const environment[] = { fence_path, cluster, name, address, term, NULL };
    if (app->fence)
        return FAIL(RC_CONFLICT, ret_why, "an earlier fence program still runs");
    if (app->unsaved)
        return FAIL(RC_IO, ret_why, "not run: the monitor's store cannot be written, so nothing is done");
    return program_start(app->loop,
                         &(struct program_options){ .command = app->settings->hosts[request->host].fence,
                                                    .environment = environment,
                                                    .timeout = host->fence_timeout },
                         on_ended, app, &app->fence, ret_why);
}

void fence_plan(struct monitor_app *app) {
    if (!app->plan.fence_set)
        return;
    struct reason why = { "" };
    app->fence_request = app->plan.fence;
    if (start(app, &app->plan.fence, &why)) {
        TEXT_COPY(app->fence_why, why.text);
        loop_timer_set(app->fence_timer, clock_now());
    }
}

void fence_start(struct monitor_app *app) {
    app->fence_timer = loop_timer_new(app->loop, not_started, app);
}

void fence_end(struct monitor_app *app) {
    program_free(app->fence);
    loop_timer_free(app->fence_timer);
}

void fence_check(const struct monitor_app *app) {
    for (int i = 0; i < app->cluster->host_count; i++) {
        struct reason why = { "" };
        if (app->cluster->hosts[i].has_fence && program_check(app->settings->hosts[i].fence, &why))
            log_line(LOG_LEVEL_WARNING, "event=fence_unusable host=%s why=\"%s\" next=\"mmm check-config\"",
                     app->cluster->hosts[i].name, why.text);
    }
}
