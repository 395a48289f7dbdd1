/* `mmm explain`: what the monitor says would happen, for a person. */
#include "app/cli/explain.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/table.h"
#include "app/cli/view.h"
#include "base/clock.h"
#include "base/text.h"

static msec number_of(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

/* « (W10, T33)» and the end of the line. */
static void print_rules(FILE *out, const char *rules) {
    fputs(" (", out);
    print_clean(out, rules);
    fputs(")\n", out);
}

static void print_heading(FILE *out, const json_t *story, const char *writer) {
    const char *what = view_text(story, "if", "?");
    if (text_equal(what, "now"))
        fputs("Nobody is writer", out);
    else if (text_equal(what, "server-dies"))
        fputs("If the server of ", out);
    else
        fputs("If host ", out);
    if (!text_equal(what, "now")) {
        print_clean(out, writer);
        fputs(text_equal(what, "server-dies") ? " died now" : " were cut off now", out);
    }
    fputs(":\n", out);
}

static void print_time(FILE *out, const json_t *story) {
    const json_t *time = json_object_get(story, "time_ms");
    msec total = number_of(time, "total"), drain = number_of(time, "drain");
    if (!json_is_object(time))
        return;
    if (total < 0)
        fputs("  time: not known, for the lag is not: ", out);
    else
        fprintf(out, "  time: about %lld ms: ", (long long)total);
    fprintf(out, "%lld ms until the role is taken away, %lld ms until the old writer has surely ended",
            (long long)number_of(time, "detect"), (long long)number_of(time, "lease"));
    if (number_of(story, "if_fence_succeeds_in_ms") > 0)
        fprintf(out, " if its fence program succeeds in %lld ms",
                (long long)number_of(story, "if_fence_succeeds_in_ms"));
    fputs(", ", out);
    if (drain < 0)
        fputs("? to apply", out);
    else
        fprintf(out, "%lld ms to apply", (long long)drain);
    fprintf(out, " %lld transaction%s it has received, %lld ms to begin\n", (long long)number_of(story, "to_apply"),
            number_of(story, "to_apply") == 1 ? "" : "s", (long long)number_of(time, "promote"));
}

static msec age_of(const json_t *story, const char *name) {
    const json_t *hosts = json_object_get(story, "hosts");
    for (size_t i = 0; i < json_array_size(hosts); i++)
        if (text_equal(view_text(json_array_get(hosts, i), "name", ""), name))
            return number_of(json_array_get(hosts, i), "report_age_ms");
    return -1;
}

static void print_loss(FILE *out, const json_t *story, const char *writer, const char *chosen) {
    const json_t *loss = json_object_get(story, "loss");
    msec count = number_of(loss, "transactions"), heartbeats = number_of(loss, "heartbeats");
    if (text_equal(view_text(story, "if", ""), "now"))
        return;
    if (count < 0) {
        fputs("  lost: not known, for the writer's position is not\n", out);
        return;
    }
    if (count == 0)
        fputs("  lost: nothing", out);
    else
        fprintf(out, "  lost: %lld transaction%s", (long long)count, count == 1 ? "" : "s");
    if (count > 0) {
        fputs(" (", out);
        print_clean(out, view_text(loss, "which", "?"));
        if (heartbeats > 0)
            fprintf(out, "; about %lld of them mmm's own heartbeats", (long long)heartbeats);
        fputs(")", out);
    }
    fputs(", and what ", out);
    print_clean(out, writer);
    fprintf(out, " commits from now on; by reports %lld ms (", (long long)age_of(story, writer));
    print_clean(out, writer);
    fprintf(out, ") and %lld ms (", (long long)age_of(story, chosen));
    print_clean(out, chosen);
    fputs(") old\n", out);
}

static void print_hosts(FILE *out, const json_t *story) {
    const json_t *hosts = json_object_get(story, "hosts");
    for (size_t i = 0; i < json_array_size(hosts); i++) {
        const json_t *host = json_array_get(hosts, i);
        if (json_is_true(json_object_get(host, "chosen")))
            continue;
        fputs("  ", out);
        print_clean(out, view_text(host, "name", "?"));
        fputs(json_is_null(json_object_get(story, "chosen")) ? ": " : " would not: ", out);
        print_clean(out, view_text(host, "why", "?"));
        print_rules(out, view_text(host, "rule", "?"));
        const char *next = view_text(host, "next", "");
        if (next[0]) {
            fputs("      to change that: ", out);
            print_clean(out, next);
            fputc('\n', out);
        }
    }
}

static void print_story(FILE *out, const json_t *story, const char *writer) {
    const char *chosen = view_text(story, "chosen", NULL);
    print_heading(out, story, writer);
    fputs("  ", out);
    print_clean(out, chosen ? chosen : "nobody");
    fputs(" would become writer: ", out);
    print_clean(out, view_text(story, "why", "?"));
    print_rules(out, view_text(story, "rules", "?"));
    const char *next = view_text(story, "next", "");
    if (next[0]) {
        fputs("      to change that: ", out);
        print_clean(out, next);
        fputc('\n', out);
    }
    print_time(out, story);
    if (chosen)
        print_loss(out, story, writer, chosen);
    print_hosts(out, story);
}

enum rc explain_render(FILE *out, const char *answer, struct reason *ret_why) {
    json_t *root;
    enum rc rc = view_parse(answer, &root, ret_why);
    if (rc != RC_OK)
        return rc;
    const json_t *stories = json_object_get(root, "stories");
    if (!json_is_array(stories)) {
        json_decref(root);
        return FAIL(RC_INVALID, ret_why, "the monitor's answer tells no story: it is of another version");
    }
    if (json_is_false(json_object_get(root, "fresh")))
        fputs("not every host has reported anew: what is told of a silent one is as old as its report\n\n", out);
    for (size_t i = 0; i < json_array_size(stories); i++) {
        fputs(i ? "\n" : "", out);
        print_story(out, json_array_get(stories, i), view_text(root, "writer", "nobody"));
    }
    json_decref(root);
    return RC_OK;
}

int run_explain(struct cli_call *call) {
    const struct settings *settings = call_settings(call);
    if (!settings)
        return EXIT_FAILED;
    struct reason why;
    char *answer;
    if (client_get(settings, "/v1/explain", &answer, &why) != RC_OK)
        return call_failed(call, "%s", why.text);
    int status = EXIT_DONE;
    if (call_has(call, OPTION_JSON))
        fputs(answer, call->out);
    else if (explain_render(call->out, answer, &why) != RC_OK)
        status = call_failed(call, "%s", why.text);
    free(answer);
    return status;
}
