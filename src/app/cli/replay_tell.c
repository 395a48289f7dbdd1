#include <stdlib.h>
#include <string.h>

#include "app/cli/replay.h"
#include "app/cli/table.h"
#include "base/text.h"
#include "wire/event.h"
#include "wire/json.h"
#include "wire/words.h"

/* What is another in every report and leads to nothing by itself. */
static const char *const noise[] = { "sequence", "lease_left_ms", "probe.uptime_s", "probe.heartbeat_seen" };

struct replay_teller {
    struct replay_wanted wanted;
    FILE *out;
    char *reports[HOSTS_MAX]; /* each host's last, as it came; NULL: none */
};

struct replay_teller *replay_teller_new(const struct replay_wanted *wanted, FILE *out) {
    struct replay_teller *teller = calloc(1, sizeof *teller);
    if (!teller)
        abort();
    teller->wanted = *wanted;
    teller->out = out;
    return teller;
}

static void forget(struct replay_teller *teller) {
    for (int i = 0; i < HOSTS_MAX; i++) {
        free(teller->reports[i]);
        teller->reports[i] = NULL;
    }
}

void replay_teller_free(struct replay_teller *teller) {
    if (!teller)
        return;
    forget(teller);
    free(teller);
}

/* ---- what has changed in a report ---- */

static bool is_noise(const char *path) {
    for (size_t i = 0; i < COUNT_OF(noise); i++)
        if (text_equal(noise[i], path))
            return true;
    return false;
}

static char *value_text(const json_t *value) {
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("nothing");
    if (!text)
        abort();
    return text;
}

static void add_change(json_t *list, const char *path, const json_t *was, const json_t *is) {
    json_t *change = object_new();
    put_text(change, "field", path);
    put(change, "was", was ? json_deep_copy(was) : json_null());
    put(change, "is", is ? json_deep_copy(is) : json_null());
    array_put(list, change);
}

/* The depth of both is that of a report which was decoded: a few objects. */
static void compare(json_t *list, const char *path, json_t *was, json_t *is) {
    const char *name;
    json_t *value;
    json_object_foreach(is, name, value) {
        char inner[128];
        json_t *before = json_object_get(was, name);
        snprintf(inner, sizeof inner, "%s%s%s", path, path[0] ? "." : "", name);
        if (is_noise(inner) || (before && json_equal(before, value)))
            continue;
        if (json_is_object(before) && json_is_object(value))
            compare(list, inner, before, value);
        else
            add_change(list, inner, before, value);
    }
    json_object_foreach(was, name, value) {
        char inner[128];
        snprintf(inner, sizeof inner, "%s%s%s", path, path[0] ? "." : "", name);
        if (!json_object_get(is, name) && !is_noise(inner))
            add_change(list, inner, value, NULL);
    }
}

/* NULL: the host's first report, all of it is new. */
static json_t *changes_of(const struct replay_teller *teller, const struct recorded_step *step) {
    const char *before = teller->reports[step->host];
    json_t *was = before ? json_loads(before, 0, NULL) : NULL;
    json_t *is = json_loadb(step->message, step->message_length, 0, NULL);
    json_t *list = was && is ? array_new() : NULL;
    if (list)
        compare(list, "", was, is);
    json_decref(was);
    json_decref(is);
    return list;
}

/* ---- for people ---- */

static void print_changes(FILE *out, const json_t *changes) {
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        char *was = value_text(json_object_get(change, "was")), *is = value_text(json_object_get(change, "is"));
        fprintf(out, "      %s: ", json_string_value(json_object_get(change, "field")));
        print_clean(out, was);
        fputs(" -> ", out);
        print_clean(out, is);
        fputc('\n', out);
        free(was);
        free(is);
    }
}

static void print_report(const struct replay_teller *teller, const struct replay *replay) {
    const struct recorded_step *step = &replay->step;
    json_t *changes = changes_of(teller, step);
    fprintf(teller->out, "report of %s", replay->cluster.hosts[step->host].name);
    if (replay->heard_before != NEVER)
        fprintf(teller->out, ", %lld ms after the one before", (long long)(step->time.now - replay->heard_before));
    if (!changes)
        fputs(replay->heard_before == NEVER ? ", its first\n" : ", the first in this recording\n", teller->out);
    else
        fputs(json_array_size(changes) ? "; what has changed in it:\n" : "; nothing has changed in it\n", teller->out);
    if (changes)
        print_changes(teller->out, changes);
    json_decref(changes);
}

/* Time that passes decides by what has not come. */
static void print_silences(const struct replay_teller *teller, const struct replay *replay) {
    fputs("time has passed; last reports:", teller->out);
    for (int i = 0; i < replay->cluster.host_count; i++) {
        const struct host_view *view = &replay->monitor.hosts[i];
        fprintf(teller->out, "%s %s ", i ? "," : "", replay->cluster.hosts[i].name);
        if (view->heard)
            fprintf(teller->out, "%lld ms ago", (long long)(replay->step.time.now - view->heard_at));
        else
            fputs("none yet", teller->out);
    }
    fputc('\n', teller->out);
}

static void print_command(FILE *out, const struct command *command) {
    fputs("command of ", out);
    print_clean(out, command->who[0] ? command->who : "somebody");
    fprintf(out, ": %s", command_words[command->kind]);
    if (command->kind == COMMAND_SET_MODE)
        fprintf(out, " %s", mode_words[command->mode]);
    for (const char *const *word = (const char *const[]){ command->role, command->host, NULL }; *word; word++)
        if ((*word)[0]) {
            fputc(' ', out);
            print_clean(out, *word);
        }
    fprintf(out, "%s%s\n", command->force ? " --force" : "", command->dry_run ? " --dry-run" : "");
}

static const char *host_of_fence(const struct replay *replay) {
    int host = replay->step.fence.request.host;
    return host == HOST_NONE ? "nobody" : replay->cluster.hosts[host].name;
}

static void print_input(const struct replay_teller *teller, const struct replay *replay) {
    const struct recorded_step *step = &replay->step;
    char time[CLOCK_TEXT_MAX];
    clock_format(step->time.wall, time);
    fprintf(teller->out, "%s  ", time);
    switch (step->kind) {
    case MONITOR_TICK:
        print_silences(teller, replay);
        break;
    case MONITOR_REPORT:
        print_report(teller, replay);
        break;
    case MONITOR_CHECK:
        fprintf(teller->out, "the monitor's own connection to %s: %s", replay->cluster.hosts[step->host].name,
                step->answers ? "answers" : "no answer, ");
        print_clean(teller->out, step->answers ? "" : step->check_error);
        fputc('\n', teller->out);
        break;
    case MONITOR_FENCE:
        fprintf(teller->out, "the fence program of %s %s: ", host_of_fence(replay),
                step->fence.ended ? "has ended it" : "failed");
        print_clean(teller->out, step->fence.why);
        fputc('\n', teller->out);
        break;
    case MONITOR_COMMAND:
        print_command(teller->out, &replay->command);
        break;
    }
}

static void print_decision(FILE *out, const struct cluster *cluster, const struct event *event) {
    fprintf(out, "  %-4s %-18s %-8s", event->rule, event->name,
            event->host == HOST_NONE ? "-" : cluster->hosts[event->host].name);
    fprintf(out, " term %llu%s%s: ", (unsigned long long)event->term, event->role < 0 ? "" : ", role ",
            event->role < 0 ? "" : cluster->roles[event->role].name);
    print_clean(out, event->why);
    fputc('\n', out);
}

/* ---- for programs ---- */

static const char *const kind_words[] = {
    [MONITOR_TICK] = "tick",   [MONITOR_REPORT] = "report",   [MONITOR_CHECK] = "check",
    [MONITOR_FENCE] = "fence", [MONITOR_COMMAND] = "command",
};

static json_t *input_value(const struct replay_teller *teller, const struct replay *replay) {
    const struct recorded_step *step = &replay->step;
    json_t *input = object_new();
    put_text(input, "kind", kind_words[step->kind]);
    put_number(input, "number", replay->steps);
    put_flag(input, "stored", !step->unsaved);
    if (step->kind == MONITOR_REPORT || step->kind == MONITOR_CHECK)
        put_text(input, "host", replay->cluster.hosts[step->host].name);
    if (step->kind == MONITOR_REPORT) {
        json_t *changes = changes_of(teller, step);
        put(input, "changed", changes ? changes : json_null());
    }
    if (step->kind == MONITOR_CHECK) {
        put_flag(input, "answers", step->answers);
        put_text_or_null(input, "error", step->check_error);
    }
    if (step->kind == MONITOR_FENCE) {
        put_text(input, "host", host_of_fence(replay));
        put_flag(input, "ended", step->fence.ended);
        put_text(input, "why", step->fence.why);
    }
    if (step->kind == MONITOR_COMMAND) {
        put_text(input, "command", command_words[replay->command.kind]);
        put_text_or_null(input, "who", replay->command.who);
        put_text_or_null(input, "role", replay->command.role);
        put_text_or_null(input, "host", replay->command.host);
    }
    return input;
}

static void print_json(const struct replay_teller *teller, const struct replay *replay, const struct event *event) {
    char *text = event_encode(&replay->cluster, event);
    json_t *object = json_loads(text, 0, NULL);
    free(text);
    if (!object)
        abort();
    put(object, "input", input_value(teller, replay));
    text = object_to_text(object);
    fprintf(teller->out, "%s\n", text);
    free(text);
}

/* ---- both ---- */

static bool concerns(const struct replay_teller *teller, const struct cluster *cluster, int host) {
    return !teller->wanted.host || (host != HOST_NONE && text_equal(cluster->hosts[host].name, teller->wanted.host));
}

static bool is_in_time(const struct replay_teller *teller, msec wall) {
    return wall >= teller->wanted.from && wall <= teller->wanted.to;
}

static bool is_wanted(const struct replay_teller *teller, const struct replay *replay) {
    const struct recorded_step *step = &replay->step;
    bool of_host = step->kind == MONITOR_REPORT || step->kind == MONITOR_CHECK;
    if (!is_in_time(teller, step->time.wall))
        return false;
    if (teller->wanted.all && concerns(teller, &replay->cluster, of_host ? step->host : HOST_NONE))
        return true;
    for (size_t i = 0; i < replay->plan.event_count; i++)
        if (concerns(teller, &replay->cluster, replay->plan.events[i].host))
            return true;
    return false;
}

static void remember(struct replay_teller *teller, const struct recorded_step *step) {
    if (step->kind != MONITOR_REPORT)
        return;
    free(teller->reports[step->host]);
    teller->reports[step->host] = strndup(step->message, step->message_length);
    if (!teller->reports[step->host])
        abort();
}

static void tell(const struct replay_teller *teller, const struct replay *replay) {
    if (!teller->wanted.json)
        print_input(teller, replay);
    for (size_t i = 0; i < replay->plan.event_count; i++) {
        const struct event *event = &replay->plan.events[i];
        if (teller->wanted.json && concerns(teller, &replay->cluster, event->host))
            print_json(teller, replay, event);
        else if (!teller->wanted.json)
            print_decision(teller->out, &replay->cluster, event);
    }
    if (!teller->wanted.json && replay->step.unsaved)
        fputs("  nothing was decided: the store could not be written\n", teller->out);
}

void replay_tell_step(struct replay_teller *teller, const struct replay *replay) {
    if (is_wanted(teller, replay))
        tell(teller, replay);
    remember(teller, &replay->step);
}

void replay_tell_checkpoint(struct replay_teller *teller, const struct replay *replay) {
    static const char *const causes[CHECKPOINT_CAUSE_COUNT] = {
        [CHECKPOINT_START] = "the monitor has started",
        [CHECKPOINT_NEXT] = "the next file",
        [CHECKPOINT_AGAIN] = "recording goes on; what was before could not be recorded",
    };
    const struct checkpoint *checkpoint = &replay->checkpoint;
    const struct monitor_durable *durable = &replay->monitor.durable;
    char time[CLOCK_TEXT_MAX];
    if (checkpoint->cause != CHECKPOINT_NEXT)
        forget(teller);
    if (teller->wanted.json || !is_in_time(teller, checkpoint->time.wall) ||
        (checkpoint->cause == CHECKPOINT_NEXT && !teller->wanted.all && replay->steps))
        return;
    clock_format(checkpoint->time.wall, time);
    fprintf(teller->out, "%s  %s: cluster %s, %s, term %llu, %s%s; recorded by mmm %s\n", time,
            causes[checkpoint->cause], replay->cluster.name, monitor_mode_name(durable->mode),
            (unsigned long long)durable->term, durable->writer == HOST_NONE ? "no writer" : "the writer is ",
            durable->writer == HOST_NONE ? "" : replay->cluster.hosts[durable->writer].name, checkpoint->version);
}
