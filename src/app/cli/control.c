/* What changes something: one command to the monitor, one answer back.  The monitor decides and words the answer. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/control.h"
#include "app/cli/table.h"
#include "app/cli/view.h"
#include "base/text.h"
#include "wire/messages.h"

/* It waits for transactions first.  A switchover has four steps with a deadline each, one of which may be the way back;
 * then the answer. */
static msec switchover_bound(const struct settings *settings, msec grace) {
    if (grace == GRACE_AS_CONFIGURED)
        grace = settings->cluster.failover.grace;
    return grace + settings->cluster.failover.switchover_timeout * 4 + SECONDS(10);
}

/* A rehearsal's answer has several lines. */
static void print_lines(FILE *out, const char *text) {
    while (*text) {
        char line[ANSWER_TEXT_MAX];
        size_t length = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        print_clean(out, line);
        fputc('\n', out);
        text += length + (text[length] == '\n');
    }
}

static int print_reply(const struct cli_call *call, const struct command_reply *reply, const char *body) {
    bool json = call_has(call, OPTION_JSON);
    if (json)
        fprintf(call->out, "%s\n", body);
    if (reply->rc != RC_OK)
        print_lines(call->err, reply->text);
    else if (!json)
        print_lines(call->out, reply->text);
    return reply->rc == RC_OK ? EXIT_DONE : EXIT_FAILED;
}

static enum rc exchange(const struct settings *settings, const struct command *command, msec timeout,
                        struct command_reply *ret_reply, char **ret_body, struct reason *ret_why) {
    char *request = command_encode(&settings->cluster, command);
    int status;
    char *body = NULL;
    enum rc rc = client_call(settings, "POST", "/v1/command", request, timeout, &status, &body, ret_why);
    free(request);
    if (rc != RC_OK)
        return rc;
    struct reason garbled;
    rc = command_reply_decode(&settings->cluster, body, strlen(body), ret_reply, &garbled);
    if (rc == RC_OK) {
        *ret_body = body;
        return RC_OK;
    }
    if (status != 200)
        rc = client_refusal(settings, status, body, ret_why);
    else
        reason_set(ret_why, "the monitor's answer is not understood: %s", garbled.text);
    free(body);
    return rc;
}

int control_send(struct cli_call *call, const struct command *command, msec timeout) {
    if (timeout > CLIENT_TIMEOUT && stream_is_terminal(call->err))
        fprintf(call->err, "waiting for the monitor, at most %lld s\n", (long long)(timeout / 1000));
    struct reason why;
    struct command_reply reply;
    char *body = NULL;
    enum rc rc = exchange(call->settings, command, timeout, &reply, &body, &why);
    if (rc == RC_TIMEOUT)
        return call_failed(call, "%s; whether it was done `mmm show` and `mmm events` tell", why.text);
    if (rc != RC_OK)
        return call_failed(call, "%s", why.text);
    int status = print_reply(call, &reply, body);
    free(body);
    return status;
}

static bool take_name(const struct cli_call *call, const char *name, char *ret_name, int *ret_status) {
    if (text_copy(ret_name, NAME_SIZE, name))
        return true;
    *ret_status = call_misused(call, "«%s» is longer than any name can be", name);
    return false;
}

static int set_mode(struct cli_call *call, enum monitor_mode mode) {
    if (!call_settings(call))
        return EXIT_FAILED;
    return control_send(call, &(struct command){ .kind = COMMAND_SET_MODE, .mode = mode }, CLIENT_TIMEOUT);
}

int run_set_active(struct cli_call *call) {
    return set_mode(call, MONITOR_ACTIVE);
}

int run_set_manual(struct cli_call *call) {
    return set_mode(call, MONITOR_MANUAL);
}

int run_set_passive(struct cli_call *call) {
    return set_mode(call, MONITOR_PASSIVE);
}

int run_set_online(struct cli_call *call) {
    struct command command = { .kind = COMMAND_SET_ONLINE, .force = call_has(call, OPTION_FORCE) };
    int status;
    if (!take_name(call, call->arguments[0], command.host, &status))
        return status;
    if (!call_settings(call))
        return EXIT_FAILED;
    return control_send(call, &command, CLIENT_TIMEOUT);
}

/* Of a writer it is a switchover first. */
int run_set_offline(struct cli_call *call) {
    struct command command = { .kind = COMMAND_SET_OFFLINE, .force = call_has(call, OPTION_FORCE) };
    int status;
    if (!take_name(call, call->arguments[0], command.host, &status))
        return status;
    const struct settings *settings = call_settings(call);
    if (!settings)
        return EXIT_FAILED;
    return control_send(call, &command, switchover_bound(settings, GRACE_AS_CONFIGURED));
}

int run_move_role(struct cli_call *call) {
    struct command command = {
        .kind = COMMAND_MOVE_ROLE,
        .dry_run = call_has(call, OPTION_DRY_RUN),
        .kill = call_has(call, OPTION_KILL),
        .grace = call_has(call, OPTION_GRACE) ? call->grace : GRACE_AS_CONFIGURED,
    };
    int status;
    if (!take_name(call, call->arguments[0], command.role, &status) ||
        !take_name(call, call->arguments[1], command.host, &status))
        return status;
    const struct settings *settings = call_settings(call);
    if (!settings)
        return EXIT_FAILED;
    return control_send(call, &command, command.dry_run ? CLIENT_TIMEOUT : switchover_bound(settings, command.grace));
}

int run_mode(struct cli_call *call) {
    const struct settings *settings = call_settings(call);
    if (!settings)
        return EXIT_FAILED;
    struct reason why;
    json_t *status;
    if (view_get(settings, "/v1/status", &status, &why) != RC_OK)
        return call_failed(call, "%s", why.text);
    char mode[32];
    view_capitals(view_text(status, "mode", "?"), mode, sizeof mode);
    print_clean(call->out, mode);
    fputc('\n', call->out);
    json_decref(status);
    return EXIT_DONE;
}
