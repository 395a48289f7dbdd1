#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/agent/agent_app.h"
#include "app/daemons.h"
#include "base/log.h"
#include "effect/loop/loop.h"
#include "effect/notify/notify.h"
#include "effect/process/memory.h"
#include "effect/rights/rights.h"
#include "effect/store/store.h"
#include "wire/state.h"

static void log_events(const struct agent_app *app) {
    for (size_t i = 0; i < app->plan.event_count; i++) {
        const struct event *event = &app->plan.events[i];
        log_line(LOG_LEVEL_INFO, "event=%s rule=%s term=%llu why=\"%s\"", event->name, event->rule,
                 (unsigned long long)event->term, event->why);
    }
}

void app_feed(struct agent_app *app, struct agent_event *event) {
    if (app->feeding) {
        log_line(LOG_LEVEL_ERROR, "event=internal why=\"an effect called back inside a plan\"");
        abort();
    }
    app->feeding = true;
    event->now = clock_now();
    event->wall = clock_wall();
    agent_step(&app->core, event, &app->plan);
    act_plan(app);
    talk_plan(app);
    log_events(app);
    loop_timer_set(app->timer, app->plan.deadline);
    /* A list is not followed by another one at once: what could not be done a moment ago can not be done now. */
    bool look = app->plan.addresses_look && event->kind != AGENT_ADDRESSES, dropped = app->open_dropped;
    app->open_dropped = app->feeding = false;
    if (dropped)
        app_feed(app, &(struct agent_event){
                          .kind = AGENT_TASK_DONE,
                          .task = &(struct task_result){ .kind = TASK_OPEN,
                                                         .rc = RC_IO,
                                                         .why = "the agent's state could not be saved" },
                      });
    if (look) {
        struct agent_event listed = { .kind = AGENT_ADDRESSES };
        act_list_addresses(app, listed.addresses);
        app_feed(app, &listed);
    }
}

static void on_timer(void *context) {
    app_feed(context, &(struct agent_event){ .kind = AGENT_TICK });
    memory_return_heap();
}

/* Missing is «nothing known»; damaged is the same, and said. */
static bool read_durable(struct agent_app *app, struct agent_durable *ret_durable) {
    struct reason why = { "" };
    char *text = NULL;
    enum rc rc = file_read(app->state_path, STATE_TEXT_MAX, &text, &why);
    if (rc == RC_NOT_FOUND)
        return false;
    if (rc == RC_OK)
        rc = agent_state_decode(app->cluster, app->self, text, strlen(text), ret_durable, &why);
    free(text);
    if (why.text[0])
        log_line(rc ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "event=state_read file=%s why=\"%s\"%s", app->state_path,
                 why.text, rc ? " next=\"going on as if nothing were known\"" : "");
    /* A host that has left the configuration can no longer be asked for its promise: no lease is gone on with. */
    if (rc == RC_OK && why.text[0])
        ret_durable->writer = false;
    return rc == RC_OK;
}

static enum rc start_core(struct agent_app *app) {
    uint64_t incarnation = (uint64_t)clock_wall();
    struct agent_durable durable;
    bool known = read_durable(app, &durable);
    struct mac mac;
    addresses_mac(app->addresses, &mac);
    struct agent_address addresses[ADDRESSES_MAX];
    act_list_addresses(app, addresses);
    agent_start(&app->core, app->cluster, app->self, incarnation, &mac, known ? &durable : NULL, addresses,
                clock_now());
    return RC_OK;
}

enum rc app_lock(const struct settings *settings, int self, int *ret_fd, struct reason *ret_why) {
    char lock[PATH_SIZE + NAME_SIZE + 16];
    snprintf(lock, sizeof lock, "%s/agent-%s.lock", settings->hosts[self].agent_state,
             settings->cluster.hosts[self].name);
    return process_lock(lock, ret_fd, ret_why);
}

static enum rc reduce_rights(struct agent_app *app, struct reason *ret_why) {
    char *missing = app->rights_missing;
    enum rc rc = rights_reduce(RIGHTS_OF_AGENT, missing, sizeof app->rights_missing, ret_why);
    if (!rc && missing[0])
        log_line(LOG_LEVEL_WARNING,
                 "event=rights_missing why=\"%s\" next=\"start it as packaging/mmm-agent.service does\"", missing);
    return rc;
}

static enum rc prepare(struct agent_app *app, struct reason *ret_why) {
    snprintf(app->state_path, sizeof app->state_path, "%s/agent-%s.json", app->settings->hosts[app->self].agent_state,
             app->cluster->hosts[app->self].name);
    enum rc rc = reduce_rights(app, ret_why);
    if (!rc)
        rc = app_lock(app->settings, app->self, &app->lock_fd, ret_why);
    return rc;
}

static enum rc start(struct agent_app *app, struct reason *ret_why) {
    app->loop = loop_new();
    app->timer = loop_timer_new(app->loop, on_timer, app);
    enum rc rc = act_start(app, ret_why);
    if (!rc)
        rc = start_core(app);
    if (!rc)
        rc = talk_start(app, ret_why);
    return rc;
}

int agent_main(const struct settings *settings, int self) {
    memory_keep_small();
    log_start("mmm-agent", LOG_LEVEL_INFO);
    struct agent_app *app = calloc(1, sizeof *app);
    if (!app)
        abort();
    app->settings = settings;
    app->cluster = &settings->cluster;
    app->self = self;
    app->lock_fd = -1;
    app->monitor_answered = true;
    struct reason why = { "" };
    int status = 0;
    bool begins = true;
    enum rc rc = prepare(app, &why);
    if (!rc && waiting_is_needed(app))
        rc = waiting_run(app, &begins, &why);
    if (!rc && begins)
        rc = start(app, &why);
    if (rc) {
        log_line(LOG_LEVEL_ERROR, "event=start_failed host=%s why=\"%s\"", app->cluster->hosts[self].name, why.text);
        status = 1;
    } else if (begins) {
        memory_return_code();
        log_line(LOG_LEVEL_INFO, "event=started host=%s version=%s", app->cluster->hosts[self].name, MMM_VERSION);
        notify_ready("running");
        app_feed(app, &(struct agent_event){ .kind = AGENT_TICK });
        loop_run(app->loop);
        notify_stopping();
        log_line(LOG_LEVEL_INFO, "event=stopped host=%s", app->cluster->hosts[self].name);
    }
    talk_end(app);
    act_end(app);
    loop_timer_free(app->timer);
    loop_free(app->loop);
    free(app);
    return status;
}
