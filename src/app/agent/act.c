/* Doing what the core has planned on this host. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/agent/agent_app.h"
#include "base/log.h"
#include "effect/netlink/sockets.h"
#include "effect/store/store.h"
#include "wire/state.h"

/* Nothing that ends a right waits longer for it.  A thousand connections take 6 ms. */
enum { RESET_MOST = 20 };
enum { PROCESS_LOOK_EVERY = 30 }; /* SERVERS.md trap 13: the flags tell 0.2 ms after the kill, the pidfd up to 0.7 s */

static void on_gone(void *context) {
    struct agent_app *app = context;
    process_free(app->process);
    app->process = NULL;
    /* A server that stops in order removes its socket early; one that is killed or crashes leaves the file. */
    bool unclean = access(app->settings->hosts[app->self].server_socket, F_OK) == 0;
    app_feed(app, &(struct agent_event){ .kind = AGENT_SERVER_GONE, .unclean = unclean });
}

static void watch_process(struct agent_app *app, pid_t pid) {
    if (!pid || (app->process && process_pid(app->process) == pid))
        return;
    process_free(app->process);
    app->process = NULL;
    struct reason why = { "" };
    if (process_watch(app->loop, pid, PROCESS_LOOK_EVERY, on_gone, app, &app->process, &why))
        log_line(LOG_LEVEL_ERROR, "event=process_watch_failed pid=%d why=\"%s\"", (int)pid, why.text);
}

static void on_probe(void *context, const struct probe *probe) {
    struct agent_app *app = context;
    if (probe->answered)
        watch_process(app, (pid_t)probe->pid);
    app_feed(app,
             &(struct agent_event){
                 .kind = AGENT_PROBED,
                 .probe = probe,
                 .process_absent = !probe->answered && process_is_absent(app->settings->hosts[app->self].server_socket),
             });
}

static void on_task(void *context, const struct task_result *result) {
    app_feed(context, &(struct agent_event){ .kind = AGENT_TASK_DONE, .task = result });
}

static int find_address(const struct cluster *cluster, const struct ip *ip) {
    for (int i = 0; i < cluster->address_count; i++)
        if (ip_equal(&cluster->addresses[i].ip, ip))
            return i;
    return -1;
}

static void on_stranger(void *context, const struct ip *ip, const struct mac *mac) {
    struct agent_app *app = context;
    int address = find_address(app->cluster, ip);
    if (address >= 0)
        app_feed(app, &(struct agent_event){ .kind = AGENT_STRANGER, .stranger = { .address = address, .mac = *mac } });
}

void act_list_addresses(struct agent_app *app, struct agent_address ret_addresses[static ADDRESSES_MAX]) {
    enum { LISTED_MAX = 256 };
    struct held_address held[LISTED_MAX];
    size_t count = 0;
    struct reason why = { "" };
    memset(ret_addresses, 0, ADDRESSES_MAX * sizeof *ret_addresses);
    if (addresses_list(app->addresses, held, LISTED_MAX, &count, &why)) {
        log_line(LOG_LEVEL_ERROR, "event=addresses_unreadable why=\"%s\"", why.text);
        return;
    }
    msec now = clock_now();
    for (size_t i = 0; i < count; i++) {
        int address = find_address(app->cluster, &held[i].ip);
        if (address >= 0)
            ret_addresses[address] =
                (struct agent_address){ .present = true,
                                        .gone_at = held[i].left == NEVER ? NEVER : now + held[i].left };
    }
}

static void watch_strangers(struct agent_app *app) {
    struct ip ips[ADDRESSES_MAX];
    for (int i = 0; i < app->cluster->address_count; i++)
        ips[i] = app->cluster->addresses[i].ip;
    addresses_watch(app->addresses, ips, (size_t)app->cluster->address_count);
}

/* It stops nothing that clients of a leaving address cannot be told; it is said once. */
static void note_reset(struct agent_app *app, enum rc rc, const struct reason *why) {
    if (rc != RC_OK && !app->reset_failed)
        log_line(LOG_LEVEL_WARNING,
                 "event=connections_not_reset why=\"%s\" next=\"their clients notice by their own time-outs\"",
                 why->text);
    app->reset_failed = rc != RC_OK;
}

enum rc act_start(struct agent_app *app, struct reason *ret_why) {
    const struct host_settings *host = &app->settings->hosts[app->self];
    enum rc rc = addresses_new(app->loop, host->interface, on_stranger, app, &app->addresses, ret_why);
    if (rc)
        return rc;
    watch_strangers(app);
    struct reason why = { "" };
    note_reset(app, sockets_check(&why), &why);
    char password[256] = "";
    if (app->settings->replication_password_file[0]) {
        rc = config_password(app->settings->replication_password_file, password, sizeof password, ret_why);
        if (rc)
            return rc;
    }
    app->server = server_new(app->loop,
                             &(struct server_options){
                                 .socket = host->server_socket,
                                 .replication_user = app->settings->replication_user,
                                 .replication_password = password,
                                 .answer_timeout = app->cluster->health.answer_timeout,
                             },
                             on_probe, on_task, app);
    explicit_bzero(password, sizeof password);
    return act_guard_start(app, ret_why);
}

void act_end(struct agent_app *app) {
    server_free(app->server);
    process_free(app->process);
    addresses_free(app->addresses);
    guard_free(app->guard);
    if (app->lock_fd >= 0)
        close(app->lock_fd);
}

/* A note that cannot be written costs no right: what it says is the past. */
static void save(struct agent_app *app, bool note) {
    struct reason why = { "" };
    char *text = agent_state_encode(app->cluster, app->self, &app->core.durable);
    enum rc rc = file_replace(app->state_path, text, strlen(text), &why);
    free(text);
    if (rc && (!note || !app->note_failed))
        log_line(LOG_LEVEL_ERROR, "event=state_not_saved file=%s why=\"%s\" next=\"taking no right until it is\"",
                 app->state_path, why.text);
    app->note_failed = rc != RC_OK;
    app->unsaved = app->unsaved && rc != RC_OK;
}

static void say_failed(const char *what, const struct ip *ip, const struct reason *why) {
    char text[IP_TEXT_MAX];
    ip_format(ip, text);
    log_line(LOG_LEVEL_ERROR, "event=%s address=%s why=\"%s\"", what, text, why->text);
}

/* Before an address goes: afterwards nothing can be sent from it any more, and clients that wait would wait for ever.
 */
static void reset_connections(struct agent_app *app) {
    struct ip leaving[ADDRESSES_MAX];
    size_t leaving_count = 0;
    unsigned count = 0;
    struct reason why = { "" };
    for (int i = 0; i < app->cluster->address_count; i++)
        if (set_has(app->plan.address_remove, i))
            leaving[leaving_count++] = app->cluster->addresses[i].ip;
    if (leaving_count == 0)
        return;
    msec began = clock_now();
    enum rc rc = sockets_reset(leaving, leaving_count, RESET_MOST, &count, &why);
    note_reset(app, rc, &why);
    if (count > 0)
        log_line(LOG_LEVEL_INFO, "event=connections_reset count=%u ms=%lld", count, (long long)(clock_now() - began));
}

static void release_addresses(struct agent_app *app) {
    reset_connections(app);
    for (int i = 0; i < app->cluster->address_count; i++) {
        const struct role_address *address = &app->cluster->addresses[i];
        struct reason why = { "" };
        if (set_has(app->plan.address_remove, i) &&
            addresses_remove(app->addresses, &address->ip, address->prefix, &why))
            say_failed("address_not_removed", &address->ip, &why);
    }
}

/* A failure shows in the kernel's list, which is read again at once. */
static void serve_addresses(struct agent_app *app) {
    for (int i = 0; i < app->cluster->address_count; i++) {
        const struct role_address *address = &app->cluster->addresses[i];
        struct reason why = { "" };
        if (set_has(app->plan.address_set, i) &&
            addresses_set(app->addresses, &address->ip, address->prefix, app->plan.address_lifetime[i], &why)) {
            say_failed("address_not_set", &address->ip, &why);
            app->plan.addresses_look = true;
        }
        if (set_has(app->plan.address_announce, i) && addresses_announce(app->addresses, &address->ip, &why))
            say_failed("address_not_announced", &address->ip, &why);
        if (set_has(app->plan.address_ask, i) && addresses_ask(app->addresses, &address->ip, &why))
            say_failed("address_not_asked_for", &address->ip, &why);
    }
}

static void kill_server(struct agent_app *app) {
    struct reason why = { "there is no process to kill" };
    if (!app->process)
        watch_process(app, process_behind(app->settings->hosts[app->self].server_socket));
    if (!app->process || process_kill(app->process, &why))
        log_line(LOG_LEVEL_ERROR, "event=server_not_killed why=\"%s\"", why.text);
}

static void begin_task(struct agent_app *app) {
    if (!server_work(app->server, &app->plan.task))
        log_line(LOG_LEVEL_ERROR, "event=internal why=\"a task was begun while another was under way\"");
}

/* What gives a right away is done in any case and first, for a disk that hangs must not keep a server open; what takes
 * a right is done only when the durable part is on disk. */
void act_plan(struct agent_app *app) {
    struct agent_plan *plan = &app->plan;
    release_addresses(app);
    if (!plan->guard_opens)
        act_guard(app);
    if (plan->server_kill)
        kill_server(app);
    if (plan->server_cut)
        server_cut(app->server);
    if (plan->task.kind == TASK_FENCE)
        begin_task(app);
    if (plan->save || app->unsaved)
        app->unsaved = true;
    if (app->unsaved || plan->note)
        save(app, !app->unsaved);
    if (app->unsaved) {
        plan->answer_set = plan->report_set = false;
        plan->addresses_look = true;
        app->open_dropped = plan->task.kind == TASK_OPEN;
        if (app->open_dropped)
            plan->task.kind = TASK_NONE;
    } else {
        if (plan->guard_opens)
            act_guard(app);
        serve_addresses(app);
    }
    if (plan->task.kind != TASK_NONE && plan->task.kind != TASK_FENCE)
        begin_task(app);
    if (plan->look && !server_look(app->server, plan->canary_stamp))
        log_line(LOG_LEVEL_ERROR, "event=internal why=\"a look was begun while another was under way\"");
}
