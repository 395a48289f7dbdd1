/* GET /v1/doctor: facts of this host, gathered on a thread of their own: no look, no fence and no report ever waits
 * for them.  One at a time. */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/agent/agent_app.h"
#include "base/text.h"
#include "core/doctor/doctor.h"
#include "effect/http/cert.h"
#include "effect/machine/machine.h"
#include "effect/mysql/examine.h"
#include "effect/process/process.h"
#include "wire/facts.h"

/* Of the server; then of the options and of who can be reached.  Together below systemd's patience with a daemon that
 * is told to stop (TimeoutStopSec): the thread is waited for. */
#define EXAMINE_TIME SECONDS(3)
#define OPTIONS_TIME SECONDS(2)
#define REACH_TIME SECONDS(1)
#define LOGINS_TIME SECONDS(2)

struct agent_doctor {
    struct agent_app *app;
    struct http_request *request;
    pthread_t thread;
    struct facts facts;
};

static void put_days(struct facts *facts, const char *fact, const char *pattern, const char *host) {
    char path[PATH_SIZE], text[24];
    struct reason why = { "" };
    long days;
    if (!pattern[0] || !config_expand(pattern, host, path, sizeof path))
        return;
    if (cert_days_left(path, &days, &why) != RC_OK) {
        (void)facts_put(facts, "failed.certificates", why.text);
        return;
    }
    snprintf(text, sizeof text, "%ld", days);
    (void)facts_put(facts, fact, text);
}

static void gather_reach(const struct agent_app *app, struct facts *facts) {
    const struct cluster *cluster = app->cluster;
    struct reach_target targets[REACH_MAX];
    size_t count = 0;
    for (int i = 0; i < cluster->host_count; i++)
        if (i != app->self) {
            struct reach_target *target = &targets[count++];
            *target = (struct reach_target){ .address = cluster->hosts[i].address,
                                             .port = app->settings->hosts[i].agent_port };
            snprintf(target->name, sizeof target->name, "reach.%s.agent", cluster->hosts[i].name);
        }
    targets[count] =
        (struct reach_target){ .address = app->settings->monitor_address, .port = app->settings->monitor_port };
    TEXT_COPY(targets[count++].name, "reach-monitor");
    machine_reach(targets, count, &cluster->hosts[app->self].address, clock_now() + REACH_TIME, facts);
}

/* As replication would come: with its account, from this host's own address. */
static void gather_logins(const struct agent_app *app, struct facts *facts) {
    const struct cluster *cluster = app->cluster;
    char password[256] = "";
    struct reason why = { "" };
    if (app->settings->replication_password_file[0] &&
        config_password(app->settings->replication_password_file, password, sizeof password, &why)) {
        (void)facts_put(facts, "failed.replication-password", why.text);
        return;
    }
    msec deadline = clock_now() + LOGINS_TIME;
    for (int i = 0; i < cluster->host_count && clock_now() < deadline; i++) {
        char name[FACT_NAME_SIZE];
        if (i == app->self)
            continue;
        snprintf(name, sizeof name, "reach.%s.server", cluster->hosts[i].name);
        struct login login = { .address = cluster->hosts[i].address,
                               .from = cluster->hosts[app->self].address,
                               .port = cluster->hosts[i].server_port,
                               .user = app->settings->replication_user,
                               .password = password };
        (void)facts_put(facts, name, server_login(&login, &why) ? why.text : "ok");
    }
    explicit_bzero(password, sizeof password);
}

/* What the next start sets: the files, what was made persistent over them, and for the rest the defaults. */
static void complete_start(struct facts *facts) {
    char name[FACT_NAME_SIZE], start[FACT_NAME_SIZE];
    if (!facts_get(facts, "start.known"))
        return;
    for (size_t i = facts->count; i-- > 0;) {
        bool persisted = fact_name_matches(facts->items[i].name, "persisted.*", name);
        if (!persisted && !fact_name_matches(facts->items[i].name, "default.*", name))
            continue;
        snprintf(start, sizeof start, "start.%.80s", name);
        if (persisted || !facts_get(facts, start))
            (void)facts_put(facts, start, facts->items[i].value);
    }
}

static void gather_settings(const struct agent_app *app, struct facts *facts) {
    const char *name = app->cluster->hosts[app->self].name;
    char sum[CONFIG_SUM_SIZE], certificate[FACT_NAME_SIZE];
    (void)facts_put(facts, "mmm.version", MMM_VERSION);
    if (config_sum(app->settings->file, sum) == RC_OK)
        (void)facts_put(facts, "config.sum", sum);
    if (app->rights_missing[0])
        (void)facts_put(facts, "agent.lacks", app->rights_missing);
    snprintf(certificate, sizeof certificate, "tls.%s.days", name);
    put_days(facts, "authority.days", app->settings->tls.ca, name);
    put_days(facts, certificate, app->settings->tls.certificate, name);
}

static void gather(const struct agent_app *app, struct facts *facts) {
    const struct host_settings *host = &app->settings->hosts[app->self];
    const struct examine_options options = { .socket = host->server_socket,
                                             .replication_user = app->settings->replication_user,
                                             .deadline = clock_now() + EXAMINE_TIME,
                                             .wants = doctor_wants,
                                             .wants_item = doctor_wants_item };
    pid_t pid = (pid_t)server_examine(&options, facts);
    if (pid)
        machine_start_options(pid, doctor_wants, clock_now() + OPTIONS_TIME, facts);
    complete_start(facts);
    gather_settings(app, facts);
    machine_disks(pid, facts);
    machine_kernel(host->interface, facts);
    machine_clock(facts);
    gather_reach(app, facts);
    gather_logins(app, facts);
}

/* On the loop's thread. */
static void deliver(void *context) {
    struct agent_doctor *doctor = context;
    struct agent_app *app = doctor->app;
    char wall[24];
    pthread_join(doctor->thread, NULL);
    if (doctor->facts.cut) {
        doctor->facts.count -= 2; /* room for the two that must be told */
        (void)facts_put(&doctor->facts, "agent.cut", "1");
    }
    snprintf(wall, sizeof wall, "%lld", (long long)clock_wall());
    (void)facts_put(&doctor->facts, "clock.wall_ms", wall);
    char *text = facts_encode(app->cluster, app->self, &doctor->facts);
    http_respond(doctor->request, 200, "application/json", text, strlen(text));
    free(text);
    app->doctor = NULL;
    free(doctor);
    malloc_trim(0); /* an agent is to stay small, and this comes once in a day or never */
}

static void *work(void *context) {
    struct agent_doctor *doctor = context;
    gather(doctor->app, &doctor->facts);
    loop_post(doctor->app->loop, deliver, doctor);
    return NULL;
}

bool doctor_serve(struct agent_app *app, struct http_request *request) {
    if (app->doctor)
        return false;
    struct agent_doctor *doctor = calloc(1, sizeof *doctor);
    if (!doctor)
        abort();
    doctor->app = app;
    doctor->request = request;
    if (pthread_create(&doctor->thread, NULL, work, doctor) != 0) { /* no reason for an agent to die */
        free(doctor);
        return false;
    }
    app->doctor = doctor;
    return true;
}

/* What the thread has posted is never delivered any more: the loop has ended. */
void doctor_end(struct agent_app *app) {
    if (!app->doctor)
        return;
    pthread_join(app->doctor->thread, NULL);
    http_respond(app->doctor->request, 503, "application/json", "", 0);
    free(app->doctor);
    app->doctor = NULL;
}
