/* `mmm rejoin`: an old writer, or any held host, back into service as it is, when that is safe; with the evidence. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/control.h"
#include "app/cli/table.h"
#include "app/cli/view.h"
#include "base/text.h"

/* As long as its lag falls it is waited for; what stands still so long needs a person. */
enum { STILL_MAX_SECONDS = 120 };

struct rejoining {
    struct cli_call *call;
    const char *host;
    char last[256]; /* the line that was printed last */
    long long lag;
    msec moved; /* when something last changed for the better */
};

static enum rc look(const struct rejoining *r, json_t **ret_status, const json_t **ret_host, struct reason *ret_why) {
    enum rc rc = view_get(r->call->settings, "/v1/status", ret_status, ret_why);
    if (rc != RC_OK)
        return rc;
    const json_t *hosts = json_object_get(*ret_status, "hosts");
    for (size_t i = 0; i < json_array_size(hosts); i++) {
        *ret_host = json_array_get(hosts, i);
        if (text_equal(view_text(*ret_host, "name", ""), r->host))
            return RC_OK;
    }
    json_decref(*ret_status);
    return FAIL(RC_NOT_FOUND, ret_why, "no host of this cluster is named «%s»", r->host);
}

static void print_evidence(const struct rejoining *r, const json_t *host) {
    const json_t *hold = json_object_get(host, "hold");
    FILE *out = r->call->out;
    fprintf(out, "%s is %s", r->host, view_text(host, "state", "?"));
    if (json_is_object(hold)) {
        fputs(", held: ", out);
        print_clean(out, view_text(hold, "why", "?"));
    }
    fputc('\n', out);
    fputs("  it has applied ", out);
    print_clean(out, view_text(json_object_get(host, "position"), "applied", "?"));
    fputc('\n', out);
}

static void print_progress(struct rejoining *r, const json_t *host) {
    const json_t *replication = json_object_get(host, "replication");
    const json_t *lag = json_object_get(replication, "lag_ms");
    char line[256];
    const char *error = view_text(replication, "error", "");
    snprintf(line, sizeof line, "%s is %s%s%.150s", r->host, view_text(host, "state", "?"), error[0] ? ", error " : "",
             error);
    bool known = json_is_integer(lag);
    if (!text_equal(line, r->last) || (known && json_integer_value(lag) < r->lag))
        r->moved = clock_now();
    if (!text_equal(line, r->last)) {
        print_clean(r->call->out, line);
        if (known)
            fprintf(r->call->out, ", %lld ms behind", (long long)json_integer_value(lag));
        fputc('\n', r->call->out);
        fflush(r->call->out);
    }
    TEXT_COPY(r->last, line);
    r->lag = known ? json_integer_value(lag) : r->lag;
}

/* One look; true: it is over, and *ret_status says how. */
static bool is_over(struct rejoining *r, int *ret_status) {
    struct reason why;
    json_t *status;
    const json_t *host;
    bool over = true;
    if (look(r, &status, &host, &why) != RC_OK) {
        *ret_status = call_failed(r->call, "%s; %s may come back all the same: mmm show", why.text, r->host);
        return true;
    }
    print_progress(r, host);
    const json_t *hold = json_object_get(host, "hold");
    if (text_equal(view_text(host, "state", ""), "ONLINE"))
        *ret_status = EXIT_DONE;
    else if (json_is_object(hold))
        *ret_status = call_failed(r->call, "%s is held again: %s; mmm show", r->host, view_text(hold, "why", "?"));
    else if (clock_now() - r->moved > SECONDS(STILL_MAX_SECONDS))
        *ret_status = call_failed(r->call, "%s comes no nearer since %d s, and is not ONLINE: mmm checks %s", r->host,
                                  STILL_MAX_SECONDS, r->host);
    else
        over = false;
    json_decref(status);
    return over;
}

static int wait_until_online(struct rejoining *r) {
    const struct timespec pause = { .tv_nsec = 250 * 1000 * 1000 };
    int status;
    r->moved = clock_now();
    while (!is_over(r, &status))
        nanosleep(&pause, NULL);
    return status;
}

int run_rejoin(struct cli_call *call) {
    struct rejoining r = { .call = call, .host = call->arguments[0], .lag = INT64_MAX };
    struct command command = { .kind = COMMAND_SET_ONLINE };
    if (!text_copy(command.host, sizeof command.host, r.host))
        return call_misused(call, "«%s» is longer than any name can be", r.host);
    if (!call_settings(call))
        return EXIT_FAILED;
    struct reason why;
    json_t *status;
    const json_t *host;
    if (look(&r, &status, &host, &why) != RC_OK)
        return call_failed(call, "%s", why.text);
    bool online = text_equal(view_text(host, "state", ""), "ONLINE");
    bool waits = !online && !json_is_object(json_object_get(host, "hold")) &&
                 text_equal(view_text(host, "agent", ""), "reachable") &&
                 strncmp(view_text(host, "state", ""), "REPLICATION_", strlen("REPLICATION_")) == 0;
    print_evidence(&r, host);
    json_decref(status);
    if (online)
        return EXIT_DONE;
    int sent = waits ? EXIT_DONE : control_send(call, &command, CLIENT_TIMEOUT);
    return sent == EXIT_DONE ? wait_until_online(&r) : sent;
}
