#include "app/cli/show.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/table.h"
#include "app/cli/view.h"
#include "base/clock.h"
#include "base/text.h"

struct picture {
    FILE *out;
    bool colour;
    const json_t *status;
    const char *writer; /* NULL: nobody */
    bool said;          /* something is wrong and was said */
};

static bool is_mode(const struct picture *picture, const char *mode) {
    return text_equal(view_text(picture->status, "mode", ""), mode);
}

/* The same is not said twice: what a warning tells already is left out further down. */
static bool is_in_warnings(const struct picture *picture, const char *piece) {
    const json_t *warnings = json_object_get(picture->status, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        const char *warning = json_string_value(json_array_get(warnings, i));
        if (warning && strstr(warning, piece))
            return true;
    }
    return false;
}

static void print_cause_of_passive(const struct picture *picture) {
    if (!is_mode(picture, "passive"))
        return;
    print_painted(picture->out, picture->colour, PAINT_BAD, "PASSIVE");
    fputs(": roles are neither given out nor taken away.  Cause: ", picture->out);
    print_clean(picture->out, view_text(picture->status, "mode_cause", "not known"));
    fputs("\n    when it is settled: mmm set-active\n\n", picture->out);
}

/* «monitor» is the default name and would only be said twice. */
static void print_monitor(const struct picture *picture) {
    const json_t *monitor = json_object_get(picture->status, "monitor");
    const char *name = view_text(monitor, "name", "?");
    const char *since = view_text(monitor, "since", "");
    fputs(", monitor", picture->out);
    if (!text_equal(name, "monitor")) {
        fputc(' ', picture->out);
        print_clean(picture->out, name);
    }
    if (strlen(since) > strlen("2026-11-22T05:00:00")) {
        char moment[64];
        snprintf(moment, sizeof moment, " since %.10s %.8s UTC", since, since + strlen("2026-11-22T"));
        print_clean(picture->out, moment);
    }
    if (json_is_false(json_object_get(monitor, "active")))
        print_painted(picture->out, picture->colour, PAINT_LATE, " (not the active one)");
}

/* With asynchronous replication writes are never protected, as the administrator chose: that is said, and no alarm.  A
 * warning about it is one. */
static void print_protection(const struct picture *picture) {
    const json_t *protected = json_object_get(picture->status, "protected");
    const char *sentence = json_is_true(protected)    ? "writes are protected"
                           : json_is_false(protected) ? "writes are not protected"
                                                      : "whether writes are protected is not known";
    fputs(", ", picture->out);
    print_painted(picture->out, picture->colour, is_in_warnings(picture, sentence) ? PAINT_LATE : PAINT_NONE, sentence);
}

static void print_header(const struct picture *picture) {
    char mode[32];
    view_capitals(view_text(picture->status, "mode", "?"), mode, sizeof mode);
    print_clean(picture->out, view_text(picture->status, "cluster", "?"));
    fputs(": ", picture->out);
    print_painted(picture->out, picture->colour, is_mode(picture, "active") ? PAINT_NONE : PAINT_LATE, mode);
    fputs(", term ", picture->out);
    const json_t *term = json_object_get(picture->status, "term");
    if (json_is_integer(term))
        fprintf(picture->out, "%lld", (long long)json_integer_value(term));
    else
        fputc('?', picture->out);
    fputs(", ", picture->out);
    if (picture->writer) {
        fputs("writer ", picture->out);
        print_painted(picture->out, picture->colour, PAINT_BOLD, picture->writer);
    } else {
        print_painted(picture->out, picture->colour, PAINT_BAD, "NOBODY IS WRITER");
    }
    print_protection(picture);
    print_monitor(picture);
    fputc('\n', picture->out);
}

static enum paint state_paint(const char *state) {
    if (text_equal(state, "ONLINE"))
        return PAINT_NONE;
    if (text_equal(state, "HARD_OFFLINE") || text_equal(state, "REPLICATION_FAIL"))
        return PAINT_BAD;
    return PAINT_LATE;
}

static bool agent_is_reachable(const json_t *host) {
    return text_equal(view_text(host, "agent", "?"), "reachable");
}

static bool is_writer(const struct picture *picture, const json_t *host) {
    return picture->writer && text_equal(view_text(host, "name", ""), picture->writer);
}

/* «-»: the writer has none.  «delayed»: on purpose.  «?»: not known, and what was known before an agent fell silent is
 * not known now. */
static void add_lag(const struct picture *picture, struct table *table, const json_t *host) {
    const json_t *lag = json_object_get(json_object_get(host, "replication"), "lag_ms");
    const json_t *delay = json_object_get(json_object_get(host, "replication"), "delay_s");
    char text[48] = "";
    enum paint paint = PAINT_NONE;
    if (is_writer(picture, host)) {
        TEXT_COPY(text, "-");
    } else if (json_is_integer(delay) && json_integer_value(delay) > 0 && agent_is_reachable(host)) {
        snprintf(text, sizeof text, "delayed %lld s", (long long)json_integer_value(delay));
    } else if (json_is_integer(lag) && json_integer_value(lag) >= 0 && agent_is_reachable(host)) {
        view_append_length(text, sizeof text, json_integer_value(lag));
        if (text_equal(view_text(host, "state", ""), "REPLICATION_DELAY"))
            paint = PAINT_LATE;
    } else {
        TEXT_COPY(text, "?");
    }
    table_cell(table, paint, "%s", text);
}

static void add_roles(struct table *table, const json_t *host) {
    char *text = NULL;
    size_t length = 0;
    FILE *cell = open_memstream(&text, &length);
    if (!cell)
        abort();
    const json_t *roles = json_object_get(host, "roles");
    for (size_t i = 0; i < json_array_size(roles); i++) {
        const json_t *role = json_array_get(roles, i);
        fprintf(cell, "%s%s(%s)", i ? ", " : "", view_text(role, "role", "?"), view_text(role, "address", "?"));
    }
    fclose(cell);
    table_cell(table, PAINT_NONE, "%s", text);
    free(text);
}

/* Up: somebody sees it answer now.  The version is the last that was seen. */
static void add_server(struct table *table, const json_t *host) {
    const json_t *server = json_object_get(host, "server");
    const json_t *up = json_object_get(server, "up");
    const char *family = view_text(server, "family", NULL);
    if (json_is_false(up))
        table_cell(table, PAINT_BAD, "down");
    else if (!json_is_true(up))
        table_cell(table, PAINT_NONE, "?");
    else if (!family)
        table_cell(table, PAINT_NONE, "up");
    else
        table_cell(table, PAINT_NONE, "%s %s", family, view_text(server, "version", "?"));
}

static void add_source(struct table *table, const json_t *host) {
    const json_t *replication = json_object_get(host, "replication");
    const char *source = view_text(replication, "source", NULL);
    if (!source) {
        table_cell(table, PAINT_NONE, "-");
        return;
    }
    bool receives = !json_is_false(json_object_get(replication, "receiving"));
    bool applies = !json_is_false(json_object_get(replication, "applying"));
    if (receives && applies)
        table_cell(table, PAINT_NONE, "%s", source);
    else
        table_cell(table, PAINT_BAD, "%s (%s)", source,
                   applies    ? "not receiving"
                   : receives ? "not applying"
                              : "neither receiving nor applying");
}

static void add_host(const struct picture *picture, struct table *table, const json_t *host) {
    const char *state = view_text(host, "state", "?");
    table_cell(table, is_writer(picture, host) ? PAINT_BOLD : PAINT_NONE, "%s", view_text(host, "name", "?"));
    table_cell(table, PAINT_NONE, "%s", view_text(host, "address", "?"));
    table_cell(table, PAINT_NONE, "%s", view_text(host, "mode", "?"));
    table_cell(table, state_paint(state), "%s", state);
    add_roles(table, host);
    add_lag(picture, table, host);
    add_server(table, host);
    table_cell(table, agent_is_reachable(host) ? PAINT_NONE : PAINT_BAD, "%s", view_text(host, "agent", "?"));
    add_source(table, host);
}

static void print_hosts(const struct picture *picture) {
    static const char *const headings[] = { "HOST", "ADDRESS", "MODE",  "STATE", "ROLES",
                                            "LAG",  "SERVER",  "AGENT", "SOURCE" };
    const json_t *hosts = json_object_get(picture->status, "hosts");
    struct table *table = table_new(COUNT_OF(headings), headings);
    for (size_t i = 0; i < json_array_size(hosts); i++)
        add_host(picture, table, json_array_get(hosts, i));
    fputc('\n', picture->out);
    table_print(table, picture->out, picture->colour);
    table_free(table);
}

static void begin_trouble(struct picture *picture) {
    if (!picture->said)
        fputc('\n', picture->out);
    picture->said = true;
}

static bool is_end_of_warning(const struct picture *picture, const char *end) {
    const json_t *warnings = json_object_get(picture->status, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        const char *warning = json_string_value(json_array_get(warnings, i));
        if (warning && strlen(warning) >= strlen(end) && text_equal(warning + strlen(warning) - strlen(end), end))
            return true;
    }
    return false;
}

static void print_transfer(struct picture *picture) {
    const json_t *transfer = json_object_get(picture->status, "transfer");
    char phase[64];
    snprintf(phase, sizeof phase, "phase %s", view_text(transfer, "phase", "?"));
    if (!json_is_object(transfer) || is_in_warnings(picture, phase))
        return;
    begin_trouble(picture);
    fprintf(picture->out, "the writer role is moving (%s)",
            json_is_true(json_object_get(transfer, "planned")) ? "switchover" : "failover");
    const char *from = view_text(transfer, "from", NULL);
    const char *to = view_text(transfer, "to", NULL);
    if (from) {
        fputs(" from ", picture->out);
        print_clean(picture->out, from);
    }
    fputs(" to ", picture->out);
    print_clean(picture->out, to ? to : "a host not chosen yet");
    fputs(", ", picture->out);
    print_clean(picture->out, phase);
    const json_t *elapsed = json_object_get(transfer, "elapsed_ms");
    if (json_is_integer(elapsed)) {
        char text[32] = "";
        view_append_length(text, sizeof text, json_integer_value(elapsed));
        fprintf(picture->out, ", for %s", text);
    }
    const char *cause = view_text(transfer, "cause", "");
    fputs(cause[0] ? ": " : "", picture->out);
    print_clean(picture->out, cause);
    fputc('\n', picture->out);
}

/* A sentence that ends with what to type gets that on a line of its own. */
static void print_sentence(FILE *out, const char *sentence) {
    const char *advice = NULL;
    for (const char *at = strstr(sentence, "; "); at; at = strstr(at + 1, "; "))
        advice = at;
    if (!advice || !(strstr(advice, "mmm ") || text_starts_with(advice, "; on "))) {
        print_clean(out, sentence);
    } else {
        char *first = strndup(sentence, (size_t)(advice - sentence));
        if (!first)
            abort();
        print_clean(out, first);
        fputs("\n    ", out);
        print_clean(out, advice + strlen("; "));
        free(first);
    }
    fputc('\n', out);
}

static void print_warnings(struct picture *picture) {
    const json_t *warnings = json_object_get(picture->status, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        const char *warning = json_string_value(json_array_get(warnings, i));
        begin_trouble(picture);
        print_sentence(picture->out, warning ? warning : "?");
    }
}

/* «db3: », then the sentence. */
static void print_of_host(struct picture *picture, const char *name, const char *sentence) {
    if (!sentence[0] || is_in_warnings(picture, sentence))
        return;
    begin_trouble(picture);
    print_clean(picture->out, name);
    fputs(": ", picture->out);
    print_sentence(picture->out, sentence);
}

static void print_way_back(struct picture *picture, const char *when, const char *name) {
    fprintf(picture->out, "\n    %s: mmm set-online ", when);
    print_clean(picture->out, name);
    fputc('\n', picture->out);
}

static void print_hold(struct picture *picture, const char *name, const json_t *hold) {
    char command[128];
    snprintf(command, sizeof command, "mmm set-online %s", name);
    if (is_end_of_warning(picture, command))
        return;
    begin_trouble(picture);
    print_clean(picture->out, name);
    fputs(" is held", picture->out);
    const json_t *reasons = json_object_get(hold, "reasons");
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const char *reason = json_string_value(json_array_get(reasons, i));
        fputs(i ? ", " : " (", picture->out);
        print_clean(picture->out, reason ? reason : "?");
    }
    const char *why = view_text(hold, "why", "");
    fputs(json_array_size(reasons) ? ")" : "", picture->out);
    fputs(why[0] ? ": " : "", picture->out);
    print_clean(picture->out, why);
    print_way_back(picture, "when it may serve again", name);
}

static void print_replication_error(struct picture *picture, const char *name, const json_t *replication) {
    const char *error = view_text(replication, "error", "");
    if (!error[0] || is_in_warnings(picture, error))
        return;
    begin_trouble(picture);
    print_clean(picture->out, name);
    fputs(" cannot replicate from ", picture->out);
    print_clean(picture->out, view_text(replication, "source", "its source"));
    fputs(": error ", picture->out);
    print_clean(picture->out, error);
    fputc('\n', picture->out);
    const char *advice = view_text(replication, "advice", "");
    if (advice[0]) {
        fputs("    ", picture->out);
        print_clean(picture->out, advice);
        fputc('\n', picture->out);
    }
}

static void print_host_trouble(struct picture *picture, const json_t *host) {
    const char *name = view_text(host, "name", "?");
    print_replication_error(picture, name, json_object_get(host, "replication"));
    print_of_host(picture, name, view_text(host, "trouble", ""));
    const json_t *hold = json_object_get(host, "hold");
    if (json_is_object(hold)) {
        print_hold(picture, name, hold);
    } else if (text_equal(view_text(host, "state", ""), "ADMIN_OFFLINE")) {
        begin_trouble(picture);
        print_clean(picture->out, name);
        fputs(" was set offline", picture->out);
        print_way_back(picture, "to let it serve again", name);
    }
}

static void print_troubles(struct picture *picture) {
    print_transfer(picture);
    print_warnings(picture);
    const json_t *hosts = json_object_get(picture->status, "hosts");
    for (size_t i = 0; i < json_array_size(hosts); i++)
        print_host_trouble(picture, json_array_get(hosts, i));
    if (!picture->writer && !picture->said) {
        begin_trouble(picture);
        fputs("nobody is writer, and the monitor gives no cause\n    what it did last: mmm events\n", picture->out);
    }
    if (is_mode(picture, "manual")) {
        begin_trouble(picture);
        fputs("MANUAL: no failover happens by itself\n    to change that: mmm set-active\n", picture->out);
    }
}

enum rc show_render(FILE *out, const char *status, bool colour, struct reason *ret_why) {
    json_t *root;
    enum rc rc = view_parse(status, &root, ret_why);
    if (rc != RC_OK)
        return rc;
    if (!json_is_array(json_object_get(root, "hosts"))) {
        json_decref(root);
        return FAIL(RC_INVALID, ret_why, "the monitor's status has no hosts in it: it is of another version");
    }
    struct picture picture = {
        .out = out,
        .colour = colour,
        .status = root,
        .writer = view_text(root, "writer", NULL),
    };
    print_cause_of_passive(&picture);
    print_header(&picture);
    print_hosts(&picture);
    print_troubles(&picture);
    json_decref(root);
    return RC_OK;
}
