/* `mmm init`: asks every host what its server is, shows the plan of core/init, and with --yes has it done. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "base/text.h"
#include "effect/http/http.h"
#include "effect/process/process.h"
#include "effect/store/store.h"
#include "wire/init.h"

/* A host bounds each step itself (app/agent/waiting.c), and this is more. */
#define ANSWER_TIMEOUT SECONDS(15)
/* An agent that was set up opens its port anew for its work (app/agent/agent.c): some tenths of a second later. */
#define AGENT_BEGINS SECONDS(10)
#define AGENT_ASKED_EVERY ((struct timespec){ .tv_nsec = 50 * 1000 * 1000 })
/* Two digits each; MySQL takes 32 characters at the most from a replica (CHANGE REPLICATION SOURCE). */
enum { RANDOM_BYTES = 16 };

struct init {
    struct cli_call *call;
    const struct settings *settings;
    const struct cluster *cluster;
    struct tls *tls;
    struct init_wish wish;
    struct init_facts facts[HOSTS_MAX];
    struct init_plan plan;
    char replication_password[INIT_PASSWORD_SIZE];
    char check_password[INIT_PASSWORD_SIZE];
};

/* ---- asking a host ---- */

static void refusal(int status, const char *body, struct reason *ret_why) {
    json_auto_t *root = json_loads(body, 0, NULL);
    const char *error = json_string_value(json_object_get(root, "error"));
    reason_set(ret_why, "%.300s%s", error ? error : "it gives no reason",
               status == 404 ? "; it is of another version of mmm" : "");
}

static enum rc ask(struct init *init, int host, const struct init_request *request, struct init_facts *ret_facts,
                   struct reason *ret_why) {
    const struct host_spec *spec = &init->cluster->hosts[host];
    struct http_target target = { .peer = { .address = spec->address,
                                            .port = init->settings->hosts[host].agent_port,
                                            .tls = init->tls,
                                            .expect_name = spec->name } };
    char *text = init_request_encode(init->cluster, request), *body = NULL;
    int status = 0;
    enum rc rc = http_call_once(&target, "POST", "/v1/init", text, ANSWER_TIMEOUT, &status, &body, ret_why);
    explicit_bzero(text, strlen(text));
    free(text);
    if (!rc && status == 200)
        rc = init_facts_decode(init->cluster, body, strlen(body), ret_facts, ret_why);
    else if (!rc) {
        refusal(status, body, ret_why);
        rc = RC_REFUSED;
    }
    free(body);
    return rc;
}

static void look(struct init *init) {
    for (int i = 0; i < init->cluster->host_count; i++) {
        struct reason why = { "" };
        if (ask(init, i, &(struct init_request){ .step = "" }, &init->facts[i], &why)) {
            init->facts[i] = (struct init_facts){ 0 };
            TEXT_COPY(init->facts[i].why, why.text);
        }
    }
}

/* ---- the passwords on this machine ---- */

static bool is_there(const char *file) {
    return access(file, F_OK) == 0;
}

/* The monitor reads the password of its check as the user whose folder its store is in. */
static uid_t monitor_user(const struct settings *settings, gid_t *ret_group) {
    char folder[PATH_SIZE];
    struct stat about = { .st_uid = geteuid(), .st_gid = getegid() };
    TEXT_COPY(folder, settings->monitor_store);
    char *slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = 0;
        if (stat(folder, &about) != 0)
            about.st_uid = geteuid();
    }
    *ret_group = about.st_gid;
    return about.st_uid;
}

static enum rc give_to_monitor(const struct settings *settings, struct reason *ret_why) {
    const char *file = settings->check_password_file;
    gid_t group;
    uid_t user = monitor_user(settings, &group);
    if (user != geteuid() && lchown(file, user, group) != 0)
        return FAIL(RC_IO, ret_why, "%s: cannot be given to the user of the monitor's store: %s", file,
                    strerror(errno));
    return RC_OK;
}

static enum rc make_password(const char *file, struct reason *ret_why) {
    unsigned char bytes[RANDOM_BYTES];
    char text[2 * RANDOM_BYTES + 2] = "";
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return FAIL(RC_IO, ret_why, "the kernel gives no random bytes: %s", strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        text_append(text, sizeof text, "%02x", bytes[i]);
    text_append(text, sizeof text, "\n");
    enum rc rc = file_replace(file, text, strlen(text), ret_why);
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(text, sizeof text);
    return rc;
}

static enum rc need_password(const char *file, uid_t owner, char *ret_password, struct reason *ret_why) {
    enum rc rc = is_there(file) ? RC_OK : make_password(file, ret_why);
    return rc ? rc : config_password_of(owner, file, ret_password, INIT_PASSWORD_SIZE, ret_why);
}

static enum rc need_passwords(struct init *init, struct reason *ret_why) {
    const struct settings *settings = init->settings;
    gid_t group;
    enum rc rc = need_password(settings->replication_password_file, geteuid(), init->replication_password, ret_why);
    if (!rc && init->wish.check_user)
        rc =
            need_password(settings->check_password_file, monitor_user(settings, &group), init->check_password, ret_why);
    return rc || !init->wish.check_user ? rc : give_to_monitor(settings, ret_why);
}

/* ---- telling ---- */

static void tell_evidence(const struct init *init, const struct init_stop *stop) {
    const struct init_facts *facts = &init->facts[stop->host];
    FILE *err = init->call->err;
    if (!facts->answered)
        fprintf(err, " (%s)", facts->why);
    else if (text_equal(stop->rule, "N20") || text_equal(stop->rule, "N21") || text_equal(stop->rule, "N22"))
        fprintf(err, " (%s)", facts->version);
    else if (text_equal(stop->rule, "N30"))
        fprintf(err, " (%s%s)", facts->database, facts->databases > 1 ? " and more" : "");
    else if (text_equal(stop->rule, "N31"))
        fprintf(err, " (%s)", facts->transactions);
}

static void tell_lines(const struct init *init, const struct init_stop *stop) {
    const struct init_facts *facts = &init->facts[stop->host];
    enum host_mode mode = init->cluster->hosts[stop->host].mode;
    FILE *err = init->call->err;
    if (text_equal(stop->rule, "N40"))
        fprintf(err, "    server_id = %u\n", init_server_id(init->cluster, init->facts, stop->host));
    if (!text_equal(stop->rule, "N41"))
        return;
    for (size_t i = 0; i < init_setting_count; i++) {
        const struct init_setting *row = &init_settings[i];
        if (row->reach != INIT_RESTART || row->family != facts->family || init_is_right(row, mode, facts->values[i]))
            continue;
        if (row->line)
            fprintf(err, "    %s\n", row->line);
        else
            fprintf(err, "    %s = %s\n", row->name, init_wanted(row, mode));
    }
}

static int tell_stops(const struct init *init) {
    FILE *err = init->call->err;
    for (size_t i = 0; i < init->plan.stop_count; i++) {
        const struct init_stop *stop = &init->plan.stops[i];
        fprintf(err, "%s: %s %s", init->cluster->hosts[stop->host].name, stop->rule, stop->why);
        tell_evidence(init, stop);
        fprintf(err, "; %s\n", stop->next);
        tell_lines(init, stop);
    }
    return call_failed(init->call, "nothing was changed on any host; when that is mended, run `mmm init` again");
}

static void tell_setting(FILE *out, const struct init_setting *setting, enum host_mode mode) {
    if (setting->reach == INIT_PLUGIN)
        fprintf(out, "load the plugin %s from %s", setting->name, setting->line);
    else
        fprintf(out, "set %s = %s", setting->name, init_wanted(setting, mode));
}

static void tell_step(const struct init *init, size_t number) {
    const struct init_step *step = &init->plan.steps[number];
    const struct settings *settings = init->settings;
    enum host_mode mode = init->cluster->hosts[step->host].mode;
    FILE *out = init->call->out;
    fprintf(out, "  %3zu  %-8s %s  ", number + 1, init->cluster->hosts[step->host].name, step->rule);
    switch (step->kind) {
    case INIT_USER_REPLICATION:
        fprintf(out, "make the user %s", settings->replication_user);
        break;
    case INIT_USER_CHECK:
        fprintf(out, "make the user %s", settings->check_user);
        break;
    case INIT_USER_AGENT:
        fprintf(out, "let the agent's account log in by auth_socket only");
        break;
    case INIT_SET:
        tell_setting(out, &init_settings[step->setting], mode);
        break;
    case INIT_WRITE_FILE:
        fprintf(out, "write all settings into %s", init->facts[step->host].file);
        break;
    case INIT_SET_UP:
        fprintf(out, "write %s", settings->replication_password_file);
        break;
    }
    fprintf(out, ": %s\n", step->why);
    fflush(out);
}

static void tell_password(const struct init *init, const char *user, const char *file) {
    if (!is_there(file))
        fprintf(init->call->out, "  make a random password for %s on this machine, in %s\n", user, file);
}

static void tell_plan(const struct init *init) {
    const struct settings *settings = init->settings;
    fprintf(init->call->out, "cluster %s: all servers are reachable, empty, and of one series\n", init->cluster->name);
    tell_password(init, settings->replication_user, settings->replication_password_file);
    if (init->wish.check_user)
        tell_password(init, settings->check_user, settings->check_password_file);
}

/* ---- doing ---- */

static bool is_step(const struct init_step *step, enum init_kind kind) {
    return step->kind == kind;
}

static enum rc do_step(struct init *init, const struct init_step *step, struct reason *ret_why) {
    struct init_request request = { .step = "" };
    TEXT_COPY(request.step, step->rule);
    if (is_step(step, INIT_USER_REPLICATION) || is_step(step, INIT_SET_UP))
        TEXT_COPY(request.replication_password, init->replication_password);
    if (is_step(step, INIT_USER_CHECK))
        TEXT_COPY(request.check_password, init->check_password);
    enum rc rc = ask(init, step->host, &request, &init->facts[step->host], ret_why);
    explicit_bzero(&request, sizeof request);
    if (!rc && is_step(step, INIT_SET_UP) && !init->facts[step->host].set_up)
        rc = FAIL(RC_CONFLICT, ret_why, "the agent does not say that it begins its work");
    return rc;
}

static enum rc await_agent(struct init *init, int host, struct reason *ret_why) {
    for (msec end = clock_now() + AGENT_BEGINS;; nanosleep(&AGENT_ASKED_EVERY, NULL)) {
        enum rc rc = ask(init, host, &(struct init_request){ .step = "" }, &init->facts[host], ret_why);
        if (!rc && !init->facts[host].set_up)
            rc = FAIL(RC_CONFLICT, ret_why, "it waits to be set up again");
        if (!rc || clock_now() >= end)
            return rc;
    }
}

/* What comes next may ask the agents: so it is not done before they answer. */
static int await_agents(struct init *init) {
    struct reason why = { "" };
    for (size_t i = 0; i < init->plan.step_count; i++) {
        int host = init->plan.steps[i].host;
        if (is_step(&init->plan.steps[i], INIT_SET_UP) && await_agent(init, host, &why))
            return call_failed(init->call, "%s is set up, and its agent does not begin its work: %s; see its log there",
                               init->cluster->hosts[host].name, why.text);
    }
    return EXIT_DONE;
}

static int do_plan(struct init *init) {
    struct reason why = { "" };
    if (need_passwords(init, &why))
        return call_failed(init->call, "%s; no server was changed", why.text);
    for (size_t i = 0; i < init->plan.step_count; i++) {
        const struct init_step *step = &init->plan.steps[i];
        tell_step(init, i);
        if (do_step(init, step, &why))
            return call_failed(init->call,
                               "%s: %s: %s; what is done does no harm and stays: `mmm init --yes` goes on from there",
                               init->cluster->hosts[step->host].name, step->rule, why.text);
    }
    if (await_agents(init) != EXIT_DONE)
        return EXIT_FAILED;
    fprintf(init->call->out,
            "done: all %zu steps were read back.  With a monitor (`mmm monitor`) the cluster has a writer in about\n"
            "six seconds, and the others follow it: `mmm show --watch`\n",
            init->plan.step_count);
    return EXIT_DONE;
}

static int plan_and_do(struct init *init) {
    look(init);
    init_plan_make(init->cluster, &init->wish, init->facts, &init->plan);
    if (init->plan.stop_count)
        return tell_stops(init);
    if (!init->plan.step_count) {
        fprintf(init->call->out, "nothing to do: every host of %s is set up; `mmm show` shows the cluster\n",
                init->cluster->name);
        return EXIT_DONE;
    }
    tell_plan(init);
    if (call_has(init->call, OPTION_YES))
        return do_plan(init);
    for (size_t i = 0; i < init->plan.step_count; i++)
        tell_step(init, i);
    fputs("nothing was changed; `mmm init --yes` does this\n", init->call->out);
    return EXIT_DONE;
}

/* Two at a time would make two passwords. */
static int run_locked(struct init *init) {
    char path[PATH_SIZE + 8];
    int lock = -1;
    struct reason why = { "" };
    snprintf(path, sizeof path, "%s.lock", init->settings->replication_password_file);
    if (call_has(init->call, OPTION_YES) && process_lock(path, &lock, &why))
        return call_failed(init->call, "%s: only one `mmm init --yes` at a time, by root", why.text);
    int status = plan_and_do(init);
    if (lock >= 0) {
        unlink(path);
        close(lock);
    }
    return status;
}

int run_init(struct cli_call *call) {
    const struct settings *settings = call_settings(call);
    if (!settings)
        return EXIT_FAILED;
    if (!settings->replication_password_file[0] || !settings->tls.ca[0])
        return call_failed(call, "%s: init needs [replication] password_file and [tls]: passwords travel to the hosts",
                           call->file);
    struct init *init = calloc(1, sizeof *init);
    if (!init)
        abort();
    *init = (struct init){ .call = call, .settings = settings, .cluster = &settings->cluster };
    init->wish = (struct init_wish){ .check_user = settings->check_user[0] != 0,
                                     .password_is_here = is_there(settings->replication_password_file) };
    struct reason why = { "" };
    int status = client_tls(settings, &init->tls, &why) ? call_failed(call, "%s", why.text) : run_locked(init);
    tls_free(init->tls);
    explicit_bzero(init, sizeof *init);
    free(init);
    return status;
}
