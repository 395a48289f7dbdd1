/* A host that was never set up: its agent waits here for `mmm init`, and begins its work when that has given it the
 * replication password.  An agent that has begun once never waits again, so a cluster that serves cannot be set up anew
 * by anybody.  The process does nothing else meanwhile: it asks its server by blocking calls, each with a deadline. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/agent/agent_app.h"
#include "base/log.h"
#include "base/text.h"
#include "effect/mysql/setup.h"
#include "effect/notify/notify.h"
#include "effect/store/store.h"
#include "wire/init.h"
#include "wire/json.h"

#define STEP_TIMEOUT SECONDS(5)
#define LOGIN_TIMEOUT SECONDS(2)
/* The last answer is on its way when the listener closes. */
#define LEAVE_AFTER ((msec)300)

struct waiting {
    const struct settings *settings;
    const struct cluster *cluster;
    int self;
    struct loop *loop;
    struct loop_timer *leave;
    bool set_up;
};

bool waiting_is_needed(const struct agent_app *app) {
    const char *file = app->settings->replication_password_file;
    return file[0] && access(file, F_OK) != 0 && access(app->state_path, F_OK) != 0;
}

bool waiting_allows(const struct settings *settings, const char *peer) {
    return text_equal(peer, settings->monitor_name) || text_equal(peer, "operator");
}

static void respond(struct http_request *request, int status, const char *error) {
    json_t *object = object_new();
    put_text(object, "error", error);
    char *text = object_to_text(object);
    http_respond(request, status, "application/json", text, strlen(text));
    free(text);
}

/* ---- looking ---- */

static const struct host_settings *own(const struct waiting *waiting) {
    return &waiting->settings->hosts[waiting->self];
}

static enum host_mode own_mode(const struct waiting *waiting) {
    return waiting->cluster->hosts[waiting->self].mode;
}

static void find_file(const struct waiting *waiting, enum server_family family, char ret_file[static INIT_PATH_SIZE]) {
    ret_file[0] = 0;
    if (own(waiting)->server_settings[0])
        text_copy(ret_file, INIT_PATH_SIZE, own(waiting)->server_settings);
    for (size_t i = 0; init_folder(family, i) && !ret_file[0]; i++)
        if (access(init_folder(family, i), F_OK) == 0)
            text_append(ret_file, INIT_PATH_SIZE, "%s/zz-mmm.cnf", init_folder(family, i)); /* the last that is read */
}

/* The server runs as another user, so everybody may read it; nothing in it is secret. */
static bool file_is_right(const struct waiting *waiting, const struct init_facts *facts) {
    struct stat about;
    char *found = NULL, wanted[INIT_FILE_SIZE];
    if (stat(facts->file, &about) != 0 || (about.st_mode & 0777) != 0644 ||
        file_read(facts->file, INIT_FILE_SIZE, &found, NULL))
        return false;
    init_file_text(facts->family, own_mode(waiting), wanted);
    bool right = text_equal(found, wanted);
    free(found);
    return right;
}

static enum rc read_value(struct connection *connection, msec deadline, const struct init_setting *setting,
                          char ret_value[static INIT_VALUE_SIZE], struct reason *ret_why) {
    if (setting->reach == INIT_PLUGIN)
        return setup_plugin_state(connection, deadline, setting->name, ret_value, INIT_VALUE_SIZE, ret_why);
    if (setting->reach == INIT_KNOWN)
        return setup_value_if_known(connection, deadline, setting->name, ret_value, INIT_VALUE_SIZE, ret_why);
    return setup_value(connection, deadline, setting->name, ret_value, INIT_VALUE_SIZE, ret_why);
}

static enum rc look(const struct waiting *waiting, struct connection *connection, msec deadline,
                    struct init_facts *ret_facts, struct reason *ret_why) {
    struct setup_look seen;
    enum rc rc = setup_look(connection, deadline, &seen, ret_why);
    if (rc)
        return rc;
    *ret_facts = (struct init_facts){
        .answered = true,
        .family = seen.family,
        .server_id = seen.server_id,
        .has_source = seen.has_source,
        .agent_has_socket = seen.agent_has_socket,
        .databases = seen.databases,
    };
    TEXT_COPY(ret_facts->version, seen.version);
    TEXT_COPY(ret_facts->database, seen.database);
    TEXT_COPY(ret_facts->transactions, seen.transactions);
    for (size_t i = 0; i < init_setting_count && !rc; i++)
        if (init_settings[i].family == seen.family && init_settings[i].reach != INIT_FILE)
            rc = read_value(connection, deadline, &init_settings[i], ret_facts->values[i], ret_why);
    find_file(waiting, seen.family, ret_facts->file);
    ret_facts->file_is_right = file_is_right(waiting, ret_facts);
    return rc;
}

/* ---- doing one step, and reading it back ---- */

static enum rc write_file(const struct waiting *waiting, const struct init_facts *facts, struct reason *ret_why) {
    char text[INIT_FILE_SIZE];
    init_file_text(facts->family, own_mode(waiting), text);
    enum rc rc = file_replace(facts->file, text, strlen(text), ret_why);
    if (!rc && chmod(facts->file, 0644) != 0)
        rc = FAIL(RC_IO, ret_why, "%s: cannot be made readable for the server", facts->file);
    return rc ? rc : file_is_right(waiting, facts) ? RC_OK : FAIL(RC_IO, ret_why, "%s: reads otherwise", facts->file);
}

/* By TCP, as a replica and the monitor will: that also shows that the server listens at this host's address. */
static enum rc try_login(const struct waiting *waiting, const struct setup_user *user, struct reason *ret_why) {
    const struct host_spec *host = &waiting->cluster->hosts[waiting->self];
    char address[IP_TEXT_MAX];
    ip_format(&host->address, address);
    struct connection connection;
    connection_init(&connection, &(struct connection_options){
                                     .address = address,
                                     .port = host->server_port,
                                     .user = user->name,
                                     .password = user->password,
                                     .program = "mmm init",
                                     .timeout = LOGIN_TIMEOUT,
                                 });
    enum rc rc = connection_use(&connection, ret_why);
    connection_done(&connection);
    if (rc)
        reason_prefix(ret_why, "the user %s cannot log in at %s port %u: ", user->name, address, host->server_port);
    return rc;
}

static enum rc make_user(const struct waiting *waiting, struct connection *connection, msec deadline,
                         const struct setup_user *user, struct reason *ret_why) {
    if (!user->password[0])
        return FAIL(RC_INVALID, ret_why, "the request brings no password for the user %s", user->name);
    enum rc rc = setup_user(connection, deadline, user, ret_why);
    return rc ? rc : try_login(waiting, user, ret_why);
}

static enum rc change_setting(const struct waiting *waiting, struct connection *connection, msec deadline, int setting,
                              struct reason *ret_why) {
    const struct init_setting *row = &init_settings[setting];
    char value[INIT_VALUE_SIZE];
    enum rc rc = row->reach == INIT_PLUGIN
                     ? setup_plugin(connection, deadline, row->name, row->line, ret_why)
                     : setup_set(connection, deadline, row->name, init_wanted(row, own_mode(waiting)), ret_why);
    if (!rc)
        rc = read_value(connection, deadline, row, value, ret_why);
    if (!rc && !init_is_right(row, own_mode(waiting), value))
        rc = FAIL(RC_SERVER, ret_why, "%s is %s after it was set", row->name, value);
    return rc;
}

/* Only when nothing else is left to do; the users are done on every way, and are not seen. */
static enum rc set_up(struct waiting *waiting, const struct init_plan *plan, const struct init_request *request,
                      struct reason *ret_why) {
    const char *file = waiting->settings->replication_password_file, *password = request->replication_password;
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == INIT_SET || plan->steps[i].kind == INIT_WRITE_FILE ||
            plan->steps[i].kind == INIT_USER_AGENT)
            return FAIL(RC_REFUSED, ret_why, "step %s is not done yet", plan->steps[i].rule);
    if (!password[0])
        return FAIL(RC_INVALID, ret_why, "the request brings no replication password");
    enum rc rc = file_replace(file, password, strlen(password), ret_why);
    char found[INIT_PASSWORD_SIZE];
    if (!rc)
        rc = config_password(file, found, sizeof found, ret_why);
    if (!rc && !text_equal(found, password))
        rc = FAIL(RC_IO, ret_why, "%s: reads otherwise", file);
    explicit_bzero(found, sizeof found);
    if (!rc) {
        waiting->set_up = true;
        loop_timer_set(waiting->leave, clock_now() + LEAVE_AFTER);
    }
    return rc;
}

static enum rc do_step(struct waiting *waiting, struct connection *connection, msec deadline,
                       const struct init_plan *plan, const struct init_step *step, const struct init_facts *facts,
                       const struct init_request *request, struct reason *ret_why) {
    const struct settings *settings = waiting->settings;
    switch (step->kind) {
    case INIT_USER_REPLICATION:
        return make_user(waiting, connection, deadline,
                         &(struct setup_user){ .name = settings->replication_user,
                                               .password = request->replication_password,
                                               .replicates = true },
                         ret_why);
    case INIT_USER_CHECK:
        return make_user(waiting, connection, deadline,
                         &(struct setup_user){ .name = settings->check_user, .password = request->check_password },
                         ret_why);
    case INIT_USER_AGENT:
        return setup_agent(connection, deadline, ret_why);
    case INIT_SET:
        return change_setting(waiting, connection, deadline, step->setting, ret_why);
    case INIT_WRITE_FILE:
        return write_file(waiting, facts, ret_why);
    case INIT_SET_UP:
        return set_up(waiting, plan, request, ret_why);
    }
    return RC_INVALID;
}

/* The host judges for itself before each step: who asks may have looked long ago. */
static enum rc judge_and_do(struct waiting *waiting, struct connection *connection, msec deadline,
                            const struct init_facts *facts, const struct init_request *request,
                            struct reason *ret_why) {
    static struct init_plan plan; /* too large for the stack; one process, one thread */
    const struct init_wish wish = { .check_user = waiting->settings->check_user[0] != 0, .password_is_here = true };
    init_plan_host(waiting->cluster, waiting->self, &wish, facts, &plan);
    if (plan.stop_count)
        return FAIL(RC_REFUSED, ret_why, "%s: %s", plan.stops[0].rule, plan.stops[0].why);
    const struct init_step *step = init_step_find(&plan, waiting->self, request->step);
    if (!step)
        return RC_OK; /* it is so already */
    return do_step(waiting, connection, deadline, &plan, step, facts, request, ret_why);
}

static enum rc answer(struct waiting *waiting, const struct init_request *request, struct init_facts *ret_facts,
                      struct reason *ret_why) {
    msec deadline = clock_now() + STEP_TIMEOUT;
    struct connection connection;
    connection_init(&connection, &(struct connection_options){ .socket = own(waiting)->server_socket,
                                                               .program = "mmm init",
                                                               .timeout = LOGIN_TIMEOUT,
                                                               .administrator = true });
    enum rc rc = connection_use(&connection, ret_why);
    if (!rc)
        rc = look(waiting, &connection, deadline, ret_facts, ret_why);
    if (!rc && request->step[0])
        rc = judge_and_do(waiting, &connection, deadline, ret_facts, request, ret_why);
    if (!rc && request->step[0])
        rc = look(waiting, &connection, deadline, ret_facts, ret_why);
    ret_facts->set_up = waiting->set_up;
    connection_done(&connection);
    return rc;
}

/* ---- the listener ---- */

static void serve(struct waiting *waiting, struct http_request *request, const char *peer) {
    size_t length;
    const char *body = http_request_body(request, &length);
    struct reason why = { "" };
    struct init_request asked;
    if (init_request_decode(waiting->cluster, body, length, &asked, &why)) {
        respond(request, 400, why.text);
        return;
    }
    struct init_facts facts = { 0 };
    enum rc rc = answer(waiting, &asked, &facts, &why);
    if (asked.step[0])
        log_line(rc ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "event=init_step rule=%s who=%s%s%s%s", asked.step, peer,
                 rc ? " why=\"" : "", rc ? why.text : "", rc ? "\"" : "");
    explicit_bzero(&asked, sizeof asked);
    if (rc) {
        respond(request, rc == RC_REFUSED ? 409 : 503, why.text);
        return;
    }
    char *text = init_facts_encode(waiting->cluster, &facts);
    http_respond(request, 200, "application/json", text, strlen(text));
    free(text);
}

static void on_request(void *context, struct http_request *request) {
    struct waiting *waiting = context;
    const char *peer = http_request_peer(request);
    if (!peer || !waiting_allows(waiting->settings, peer))
        respond(request, 403, "only the monitor and the operator set a host up");
    else if (waiting->set_up)
        respond(request, 503, "this host is set up, and its agent is about to begin its work");
    else if (text_equal(http_request_method(request), "POST") && text_equal(http_request_path(request), "/v1/init"))
        serve(waiting, request, peer);
    else
        respond(request, 503, "this host is not set up yet; see `mmm help init`");
}

static void on_leave(void *context) {
    struct waiting *waiting = context;
    loop_stop(waiting->loop);
}

enum rc waiting_run(struct agent_app *app, bool *ret_set_up, struct reason *ret_why) {
    struct waiting waiting = { .settings = app->settings, .cluster = app->cluster, .self = app->self };
    enum rc rc = talk_tls(app, ret_why);
    if (rc)
        return rc;
    waiting.loop = loop_new();
    waiting.leave = loop_timer_new(waiting.loop, on_leave, &waiting);
    struct http_server *http = http_server_new(waiting.loop, app->tls, on_request, &waiting);
    rc = http_server_listen(http, &app->cluster->hosts[app->self].address, own(&waiting)->agent_port, ret_why);
    if (!rc) {
        log_line(LOG_LEVEL_WARNING,
                 "event=waiting_for_init host=%s why=\"there is no %s\" next=\"run `mmm init` on "
                 "the monitor's machine, or put the file there\"",
                 app->cluster->hosts[app->self].name, app->settings->replication_password_file);
        notify_ready("waiting for mmm init");
        loop_run(waiting.loop);
    }
    http_server_free(http);
    loop_timer_free(waiting.leave);
    loop_free(waiting.loop);
    *ret_set_up = waiting.set_up;
    return rc;
}
