#include "app/cli/checks.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/table.h"
#include "app/cli/view.h"
#include "base/text.h"
#include "core/monitor/monitor.h"

enum { CHECK_WIDTH = 11, STAMP_SIZE = 32 }; /* of «rep_threads» and «rep_backlog» */

static bool is_all(const char *name) {
    return !name || text_equal(name, "all");
}

static bool is_check(const char *name) {
    for (int i = 0; i < CHECK_COUNT; i++)
        if (text_equal(host_check_name((enum host_check)i), name))
            return true;
    return false;
}

static const json_t *find_host(const json_t *hosts, const char *name) {
    for (size_t i = 0; i < json_array_size(hosts); i++)
        if (text_equal(view_text(json_array_get(hosts, i), "name", ""), name))
            return json_array_get(hosts, i);
    return NULL;
}

/* The monitor says UTC, the original said the machine's time: so does this. */
static void format_since(const char *since, char ret_text[static STAMP_SIZE]) {
    struct tm utc = { 0 }, local;
    const char *rest = since ? strptime(since, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
    time_t seconds = rest ? timegm(&utc) : 0;
    if (!rest || !localtime_r(&seconds, &local) || !strftime(ret_text, STAMP_SIZE, "%Y/%m/%d %H:%M:%S", &local))
        text_copy(ret_text, STAMP_SIZE, "never");
}

/* OK, OK: message, ERROR: message, or UNKNOWN for a check that was never judged. */
static void print_verdict(FILE *out, const json_t *check) {
    const json_t *ok = json_object_get(check, "ok");
    const char *word = json_is_true(ok) ? "OK" : json_is_false(ok) ? "ERROR" : "UNKNOWN";
    const char *message = view_text(check, "message", "");
    if (text_starts_with(message, word)) {
        print_clean(out, message);
        return;
    }
    fputs(word, out);
    if (message[0]) {
        fputs(": ", out);
        print_clean(out, message);
    }
}

static void print_check(FILE *out, const json_t *check, int host_width) {
    char since[STAMP_SIZE];
    format_since(view_text(check, "since", NULL), since);
    const char *host = view_text(check, "host", "?");
    print_clean(out, host);
    fprintf(out, "%*s  %-*s  [last change: %s]  ", host_width - (int)strlen(host), "", CHECK_WIDTH,
            view_text(check, "check", "?"), since);
    print_verdict(out, check);
    fputc('\n', out);
}

static bool is_wanted(const json_t *check, const char *host, const char *name) {
    return (is_all(host) || text_equal(view_text(check, "host", ""), host)) &&
           (is_all(name) || text_equal(view_text(check, "check", ""), name));
}

static int widest_host(const json_t *checks, const char *host, const char *name) {
    size_t widest = 0;
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        size_t width = strlen(view_text(check, "host", "?"));
        if (is_wanted(check, host, name) && width > widest)
            widest = width;
    }
    return (int)widest;
}

enum rc checks_render(FILE *out, const char *status, const char *host, const char *name, struct reason *ret_why) {
    if (!is_all(name) && !is_check(name))
        return FAIL(RC_NOT_FOUND, ret_why, "ERROR: Unknown check '%s'!", name);
    json_t *root;
    enum rc rc = view_parse(status, &root, ret_why);
    if (rc != RC_OK)
        return rc;
    const json_t *checks = json_object_get(root, "checks");
    if (!is_all(host) && !find_host(json_object_get(root, "hosts"), host)) {
        rc = FAIL(RC_NOT_FOUND, ret_why, "ERROR: Unknown host name '%s'!", host);
    } else {
        int width = widest_host(checks, host, name);
        for (size_t i = 0; i < json_array_size(checks); i++)
            if (is_wanted(json_array_get(checks, i), host, name))
                print_check(out, json_array_get(checks, i), width);
    }
    json_decref(root);
    return rc;
}

int run_checks(struct cli_call *call) {
    const struct settings *settings = call_settings(call);
    if (!settings)
        return EXIT_FAILED;
    const char *host = call->count > 0 ? call->arguments[0] : NULL;
    const char *name = call->count > 1 ? call->arguments[1] : NULL;
    struct reason why;
    char *status;
    enum rc rc = client_get(settings, "/v1/status", &status, &why);
    if (rc != RC_OK)
        return call_failed(call, "%s", why.text);
    rc = checks_render(call->out, status, host, name, &why);
    free(status);
    if (rc == RC_OK)
        return EXIT_DONE;
    /* The original's sentence stands alone: scripts compare it. */
    if (rc != RC_NOT_FOUND)
        return call_failed(call, "%s", why.text);
    fprintf(call->err, "%s\n", why.text);
    return EXIT_FAILED;
}
