/* The event log: what was done, by which rule, and why. */
#include "app/cli/events.h"

#include <stdlib.h>
#include <time.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/table.h"
#include "app/cli/view.h"

enum { FOLLOW_AT_ONCE = 200 };

struct log_reader {
    const struct cli_call *call;
    struct table *table; /* NULL: JSON */
    bool colour;
    long long last; /* number of the last event shown */
};

struct table *events_table(void) {
    static const char *const headings[] = { "TIME", "TERM", "RULE", "EVENT", "HOST", "ROLE", "WHY" };
    return table_new(COUNT_OF(headings), headings);
}

void events_add(struct table *table, const json_t *event) {
    const json_t *term = json_object_get(event, "term");
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

static void print_json_line(FILE *out, const json_t *event) {
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
        const json_t *event = json_object_get(entry, "event");
        long long number = json_integer_value(json_object_get(entry, "number"));
        if (number <= reader->last || !event)
            continue;
        note_gap(reader, number);
        reader->last = number;
        if (reader->table)
            events_add(reader->table, event);
        else
            print_json_line(reader->call->out, event);
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

int run_events(struct cli_call *call) {
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
