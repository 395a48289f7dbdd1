/* The event log: what was done, by which rule, and why. */
#include "app/cli/events.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/rows.h"
#include "app/cli/table.h"
#include "app/cli/view.h"
#include "base/text.h"
#include "wire/json.h"

enum { FOLLOW_AT_ONCE = 200 };

struct log_reader {
    const struct cli_call *call;
    struct table *table; /* NULL: JSON */
    bool colour;
    long long last; /* number of the last event shown */
};

struct table *events_table(void) {
    static const char *const headings[] = { "NUMBER", "TIME", "TERM", "RULE", "EVENT", "HOST", "ROLE", "WHY" };
    return table_new(COUNT_OF(headings), headings);
}

void events_add(struct table *table, long long number, const json_t *event) {
    const json_t *term = json_object_get(event, "term");
    table_cell(table, PAINT_NONE, "%lld", number);
    table_cell(table, PAINT_NONE, "%s", view_text(event, "time", "?"));
    if (json_is_integer(term))
        table_cell(table, PAINT_NONE, "%lld", (long long)json_integer_value(term));
    else
        table_cell(table, PAINT_NONE, "?");
    table_cell(table, PAINT_NONE, "%s", view_text(event, "rule", ""));
    table_cell(table, PAINT_NONE, "%s", view_text(event, "event", "?"));
    table_cell(table, PAINT_NONE, "%s", view_text(event, "host", ""));
    table_cell(table, PAINT_NONE, "%s", view_text(event, "role", ""));
    table_cell(table, PAINT_NONE, "%s", view_text(event, "why", ""));
}

static void print_json_line(FILE *out, long long number, json_t *event) {
    json_object_set_new(event, "number", json_integer(number));
    char *line = json_dumps(event, JSON_COMPACT);
    if (!line)
        abort();
    fprintf(out, "%s\n", line);
    free(line);
}

/* More happened between two looks than one answer carries: say so, rather than look complete. */
static void note_gap(const struct log_reader *reader, long long number) {
    if (reader->last > 0 && number > reader->last + 1)
        fprintf(reader->call->err, "mmm: %lld events left out here\n", number - reader->last - 1);
}

static enum rc read_more(struct log_reader *reader, unsigned most, struct reason *ret_why) {
    char path[64];
    snprintf(path, sizeof path, "/v1/events?after=%lld&most=%u", reader->last, most);
    json_t *root;
    enum rc rc = view_get(reader->call->settings, path, &root, ret_why);
    if (rc != RC_OK)
        return rc;
    const json_t *events = json_object_get(root, "events");
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *entry = json_array_get(events, i);
        json_t *event = json_object_get(entry, "event");
        long long number = json_integer_value(json_object_get(entry, "number"));
        if (number <= reader->last || !event)
            continue;
        note_gap(reader, number);
        reader->last = number;
        if (reader->table)
            events_add(reader->table, number, event);
        else
            print_json_line(reader->call->out, number, event);
    }
    json_decref(root);
    if (reader->table)
        table_print(reader->table, reader->call->out, reader->colour);
    return RC_OK;
}

/* A monitor that restarts is waited for; its silence is told once. */
static int follow(struct log_reader *reader) {
    const struct timespec second = { .tv_sec = 1 };
    bool silent = false;
    while (fflush(reader->call->out) == 0) {
        nanosleep(&second, NULL);
        struct reason why;
        bool failed = read_more(reader, FOLLOW_AT_ONCE, &why) != RC_OK;
        if (failed && !silent)
            call_failed(reader->call, "%s; waiting", why.text);
        silent = failed;
    }
    return EXIT_FAILED;
}

static void tell_field(FILE *out, const json_t *event, const char *name) {
    const char *text = view_text(event, name, "");
    if (!text[0])
        return;
    fprintf(out, "  %-6s", name);
    print_clean(out, text);
    fputc('\n', out);
}

static bool takes_ms_off(char *name) {
    size_t length = strlen(name);
    if (length < 3 || !text_equal(name + length - 3, "_ms"))
        return false;
    name[length - 3] = 0;
    return true;
}

static void tell_list(FILE *out, const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        fputs(i ? ", " : "", out);
        print_clean(out, text ? text : "?");
    }
    fputs(json_array_size(list) ? "" : "none", out);
}

/* By what it is, not by its name: a newer monitor may know others. */
static void tell_fact(FILE *out, const char *fact, const json_t *value) {
    char name[40], length[CLOCK_TEXT_MAX] = "";
    TEXT_COPY(name, fact);
    bool is_length = takes_ms_off(name);
    for (char *at = name; *at; at++)
        *at = *at == '_' ? ' ' : *at;
    fputs("    ", out);
    print_clean(out, name);
    fprintf(out, "%*s", strlen(name) < 16 ? (int)(17 - strlen(name)) : 1, "");
    if (is_length && json_is_integer(value))
        view_append_length(length, sizeof length, json_integer_value(value));
    if (json_is_array(value))
        tell_list(out, value);
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", out);
    else if (json_is_integer(value) && !is_length)
        fprintf(out, "%lld", (long long)json_integer_value(value));
    else
        print_clean(out, json_is_string(value) ? json_string_value(value) : length[0] ? length : "?");
    fputc('\n', out);
}

static void tell_facts(FILE *out, json_t *facts) {
    const char *name;
    json_t *value;
    fputs(json_object_size(facts) ? "  known at that moment:\n" : "", out);
    json_object_foreach(facts, name, value) tell_fact(out, name, value);
}

void events_tell(FILE *out, long long number, const json_t *event) {
    static const char *const fields[] = { "time", "rule", "host", "role", "why" };
    fprintf(out, "event %lld: ", number);
    print_clean(out, view_text(event, "event", "?"));
    fputc('\n', out);
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        tell_field(out, event, fields[i]);
    const json_t *term = json_object_get(event, "term");
    if (json_is_integer(term))
        fprintf(out, "  term  %lld\n", (long long)json_integer_value(term));
    tell_facts(out, json_object_get(event, "facts"));
}

/* The same for a person and for a program; what the agent cannot say is no failure of this command. */
static void show_with_rows(struct cli_call *call, long long number, json_t *event) {
    struct rows_question question;
    struct reason why = { "" };
    json_t *rows = NULL;
    bool is_asked = rows_question_of(event, &question);
    if (is_asked && rows_fetch(call->settings, &question, &rows, &why) != RC_OK)
        rows = NULL;
    if (call_has(call, OPTION_JSON)) {
        if (is_asked)
            json_object_set_new(event, rows ? "rows" : "rows_why", rows ? json_incref(rows) : text_value(why.text));
        print_json_line(call->out, number, event);
    } else {
        events_tell(call->out, number, event);
        if (is_asked)
            rows_tell(call->out, &question, rows, why.text);
    }
    json_decref(rows);
}

static int show_event(struct cli_call *call) {
    const char *word = call->arguments[1];
    char *end;
    long long number = strtoll(word, &end, 10);
    if (*end || word[0] < '0' || word[0] > '9' || number < 1 || number == LLONG_MAX)
        return call_misused(call, "«%s» is no number of an event; `mmm events` shows them", word);
    if (!call_settings(call))
        return EXIT_FAILED;
    char path[96];
    snprintf(path, sizeof path, "/v1/events?after=%lld&before=%lld&most=1", number - 1, number + 1);
    struct reason why;
    json_t *root;
    if (view_get(call->settings, path, &root, &why) != RC_OK)
        return call_failed(call, "%s", why.text);
    json_t *event = json_object_get(json_array_get(json_object_get(root, "events"), 0), "event");
    int status = EXIT_DONE;
    if (!event)
        status =
            call_failed(call, "there is no event %lld, or not any more ([monitor] events_kept); mmm events", number);
    else
        show_with_rows(call, number, event);
    json_decref(root);
    return status;
}

int run_events(struct cli_call *call) {
    if (call->count && !text_equal(call->arguments[0], "show"))
        return call_misused(call, "events does not know «%s»", call->arguments[0]);
    if (call->count == 1)
        return call_misused(call, "events show needs the number of an event");
    if (call->count == 2)
        return show_event(call);
    if (!call_settings(call))
        return EXIT_FAILED;
    struct log_reader reader = {
        .call = call,
        .table = call_has(call, OPTION_JSON) ? NULL : events_table(),
        .colour = stream_takes_colour(call->out),
    };
    struct reason why;
    int status = EXIT_DONE;
    if (read_more(&reader, call->most, &why) != RC_OK)
        status = call_failed(call, "%s", why.text);
    else if (call_has(call, OPTION_FOLLOW))
        status = follow(&reader);
    table_free(reader.table);
    return status;
}
