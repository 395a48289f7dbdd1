#include "app/cli/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/table.h"
#include "app/cli/view.h"
#include "base/text.h"
#include "effect/http/cert.h"
#include "wire/facts.h"

/* An agent answers within its own limits (app/agent/doctor.c), which add up to less. */
#define AGENT_TIMEOUT SECONDS(10)

struct visit {
    const struct settings *settings;
    int writer;
    struct facts of_cluster;
    struct facts of_hosts[HOSTS_MAX];
    struct finding findings[FINDINGS_MAX];
};

/* ---- what is known here ---- */

static void put_port(struct facts *facts, const char *name, unsigned port) {
    char text[16];
    snprintf(text, sizeof text, "%u", port);
    (void)facts_put(facts, name, text);
}

/* Of the certificates that lie here: on the monitor's machine the monitor's is among them. */
static void put_days(struct facts *facts, const char *fact, const char *pattern, const char *owner) {
    char path[PATH_SIZE], text[24];
    long days;
    if (!pattern[0] || !config_expand(pattern, owner, path, sizeof path) || cert_days_left(path, &days, NULL) != RC_OK)
        return;
    snprintf(text, sizeof text, "%ld", days);
    (void)facts_put(facts, fact, text);
}

static void put_owned_days(struct facts *facts, const struct settings *settings, const char *owner) {
    char fact[FACT_NAME_SIZE];
    snprintf(fact, sizeof fact, "tls.%.80s.days", owner);
    put_days(facts, fact, settings->tls.certificate, owner);
}

static void put_configuration(const struct settings *settings, struct facts *facts) {
    char address[IP_TEXT_MAX], sum[CONFIG_SUM_SIZE];
    ip_format(&settings->monitor_address, address);
    (void)facts_put(facts, "mmm.version", MMM_VERSION);
    (void)facts_put(facts, "config.file", settings->file);
    (void)facts_put(facts, "config.monitor_address", address);
    put_port(facts, "config.monitor_port", settings->monitor_port);
    (void)facts_put(facts, "config.replication_user", settings->replication_user);
    (void)facts_put(facts, "config.check_user", settings->check_user);
    (void)facts_put(facts, "config.check", settings->check_user[0] ? "1" : "0");
    if (config_sum(settings->file, sum) == RC_OK)
        (void)facts_put(facts, "config.sum", sum);
    put_days(facts, "authority.days", settings->tls.ca, settings->monitor_name);
    put_owned_days(facts, settings, settings->monitor_name);
    put_owned_days(facts, settings, client_name(settings));
}

/* ---- what the monitor says ---- */

static void take_hosts(struct visit *visit, const json_t *status) {
    const json_t *hosts = json_object_get(status, "hosts"), *checks = json_object_get(status, "checks");
    for (size_t i = 0; i < json_array_size(hosts); i++) {
        int host = cluster_host(&visit->settings->cluster, view_text(json_array_get(hosts, i), "name", ""));
        if (host != HOST_NONE)
            (void)facts_put(&visit->of_hosts[host], "monitor.hears",
                            view_text(json_array_get(hosts, i), "agent", "unknown"));
    }
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        int host = cluster_host(&visit->settings->cluster, view_text(check, "host", ""));
        if (host != HOST_NONE && text_equal(view_text(check, "check", ""), "mysql") &&
            json_is_false(json_object_get(check, "ok")))
            (void)facts_put(&visit->of_hosts[host], "monitor.check", view_text(check, "message", "no reason given"));
    }
}

static void ask_monitor(struct visit *visit) {
    struct reason why = { "" };
    json_t *status;
    if (view_get(visit->settings, "/v1/status", &status, &why) != RC_OK) {
        (void)facts_put(&visit->of_cluster, "monitor.silent", why.text);
        return;
    }
    visit->writer = cluster_host(&visit->settings->cluster, view_text(status, "writer", ""));
    const json_t *warnings = json_object_get(status, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        char name[FACT_NAME_SIZE];
        const char *warning = json_string_value(json_array_get(warnings, i));
        snprintf(name, sizeof name, "monitor.warning.%zu", i);
        if (warning)
            (void)facts_put(&visit->of_cluster, name, warning);
    }
    take_hosts(visit, status);
    json_decref(status);
}

/* ---- what the agents say ---- */

/* Its clock was read when it answered, a network's way before now. */
static void compare_clocks(struct facts *facts, msec received) {
    const char *wall = facts_get(facts, "clock.wall_ms");
    char text[32];
    if (!wall)
        return;
    snprintf(text, sizeof text, "%lld", strtoll(wall, NULL, 10) - (long long)received);
    (void)facts_put(facts, "clock.ahead_ms", text);
}

static void ask_agent(struct visit *visit, int host) {
    struct facts *facts = &visit->of_hosts[host];
    struct reason why = { "" };
    char *text;
    enum rc rc = client_get_agent(visit->settings, host, "/v1/doctor", AGENT_TIMEOUT, &text, &why);
    if (rc == RC_OK) {
        msec received = clock_wall();
        rc = facts_decode(&visit->settings->cluster, host, text, strlen(text), facts, &why);
        free(text);
        compare_clocks(facts, received);
    }
    if (rc != RC_OK)
        (void)facts_put(facts, "agent.silent", why.text);
    (void)facts_put(facts, "config.guard", visit->settings->hosts[host].guard == GUARD_ON ? "1" : "0");
    (void)facts_put(facts, "config.interface", visit->settings->hosts[host].interface);
}

static size_t examine(struct visit *visit) {
    const struct cluster *cluster = &visit->settings->cluster;
    struct doctor_input input = { .cluster = cluster, .of_cluster = &visit->of_cluster };
    put_configuration(visit->settings, &visit->of_cluster);
    for (int i = 0; i < cluster->host_count; i++) {
        ask_agent(visit, i);
        input.of_hosts[i] = &visit->of_hosts[i];
    }
    ask_monitor(visit);
    input.writer = visit->writer;
    return doctor_examine(&input, visit->findings);
}

int run_doctor(struct cli_call *call) {
    const struct settings *settings = call_settings(call);
    if (!settings)
        return EXIT_FAILED;
    int host = call->count ? cluster_host(&settings->cluster, call->arguments[0]) : HOST_NONE;
    if (call->count && host == HOST_NONE)
        return call_failed(call, "there is no host «%s» in %s", call->arguments[0], settings->file);
    struct visit *visit = calloc(1, sizeof *visit);
    if (!visit)
        abort();
    visit->settings = settings;
    visit->writer = HOST_NONE;
    size_t count = examine(visit);
    if (call_has(call, OPTION_JSON))
        doctor_tell_json(call->out, &settings->cluster, host, visit->findings, count);
    else
        doctor_tell(call->out, stream_takes_colour(call->out), &settings->cluster, host, visit->findings, count);
    int status = doctor_has_danger(host, visit->findings, count) ? EXIT_FAILED : EXIT_DONE;
    free(visit);
    return status;
}
