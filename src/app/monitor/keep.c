/* What the core has decided is in the store before anybody hears of it.  As long as the store can not be written the
 * monitor is to its agents like one that is dead: nothing is decided and no report is answered, so the writer lives on
 * its peers' promises.  Once it can be written the core starts anew from it, as after a restart. */
#include <stdio.h>
#include <stdlib.h>

#include "app/monitor/monitor_app.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/event.h"
#include "wire/state.h"

/* A full disk is noticed, and told, before a decision needs it. */
#define TRY_EVERY SECONDS(5)
#define RETRY_EVERY ((msec)500)

static void log_event(const struct monitor_app *app, const struct event *event) {
    log_line(LOG_LEVEL_INFO, "event=%s rule=%s term=%llu host=%s why=\"%s\"", event->name, event->rule,
             (unsigned long long)event->term, event->host == HOST_NONE ? "-" : app->cluster->hosts[event->host].name,
             event->why);
}

/* State and events in one transaction. */
static enum rc write_down(struct monitor_app *app, const struct monitor_durable *durable, const struct event *events,
                          size_t count, struct reason *ret_why) {
    char *texts[MONITOR_EVENTS_MAX];
    char *state = monitor_state_encode(app->cluster, durable);
    for (size_t i = 0; i < count; i++)
        texts[i] = event_encode(app->cluster, &events[i]);
    enum rc rc = store_save(app->store, state, (const char *const *)texts, count, ret_why);
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(state);
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        log_event(app, &events[i]);
    return rc;
}

/* Writes what the plan needs written, and tries the store now and then if it needs nothing; app->unsaved tells. */
void keep_plan(struct monitor_app *app, const struct monitor_event *event) {
    const struct monitor_plan *plan = &app->plan;
    struct reason why = { "" };
    bool due = plan->save || plan->event_count || event->now - app->kept_at >= TRY_EVERY;
    if (!app->unsaved && !due)
        return;
    if (!app->unsaved && write_down(app, &app->core.durable, plan->events, plan->event_count, &why) == RC_OK) {
        app->kept = app->core.durable;
        app->kept_at = event->now;
        return;
    }
    if (!app->unsaved) {
        log_line(LOG_LEVEL_ERROR, "event=store_failed why=\"%s\" next=\"deciding nothing until it can be written\"",
                 why.text);
        app->unsaved = true;
        app->unsaved_since = app->kept_at = event->now;
        TEXT_COPY(app->unsaved_why, why.text);
    }
    monitor_undo(&app->core, &app->kept, &app->plan);
}

/* Is the store written again?  Then the event log says from when to when nothing was decided. */
bool keep_retry(struct monitor_app *app, const struct monitor_event *event) {
    if (event->now - app->kept_at < RETRY_EVERY)
        return false;
    struct event again = {
        .wall = event->wall,
        .term = app->kept.term,
        .rule = "S01",
        .name = "store_works_again",
        .host = HOST_NONE,
        .role = -1,
    };
    snprintf(again.why, sizeof again.why, "nothing was decided for %lld ms: %.200s",
             (long long)(event->now - app->unsaved_since), app->unsaved_why);
    struct reason why = { "" };
    app->kept_at = event->now;
    if (write_down(app, &app->kept, &again, 1, &why) != RC_OK) {
        TEXT_COPY(app->unsaved_why, why.text);
        return false;
    }
    app->unsaved = false;
    app->unsaved_why[0] = 0;
    return true;
}
