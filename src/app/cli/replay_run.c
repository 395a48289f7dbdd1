#include <string.h>

#include "app/cli/replay.h"
#include "base/text.h"
#include "wire/messages.h"

void replay_gap(struct replay *replay) {
    replay->whole = false;
}

/* The ring's next file begins with the state in which the last one ended. */
static bool is_as_recorded(struct replay *replay, const void *bytes, size_t length) {
    size_t own = checkpoint_write(&replay->checkpoint, &replay->monitor, replay->bytes, sizeof replay->bytes);
    return own == length && memcmp(replay->bytes, bytes, length) == 0;
}

static enum replay_outcome begin(struct replay *replay, const void *bytes, size_t length, struct reason *ret_why) {
    bool follows = replay->begun && replay->whole;
    replay->whole = false;
    if (checkpoint_read(bytes, length, &replay->checkpoint, &replay->next_cluster, &replay->next, ret_why))
        return REPLAY_UNREADABLE;
    if (follows && replay->checkpoint.cause == CHECKPOINT_NEXT && !is_as_recorded(replay, bytes, length)) {
        reason_set(ret_why, "the state at the end of the file before is another one than at the beginning of this");
        return REPLAY_DIFFERS;
    }
    replay->cluster = replay->next_cluster;
    replay->monitor = replay->next;
    replay->monitor.cluster = &replay->cluster;
    replay->last = replay->checkpoint.time;
    replay->begun = replay->whole = true;
    return REPLAY_BEGINS;
}

static enum rc run(struct replay *replay, struct reason *ret_why) {
    struct recorded_step *step = &replay->step;
    struct report report;
    struct monitor_event event = {
        .kind = step->kind,
        .now = step->time.now,
        .wall = step->time.wall,
        .host = step->host,
        .answers = step->answers,
        .check_error = step->check_error,
    };
    enum rc rc = RC_OK;
    if (step->kind == MONITOR_REPORT) {
        const struct host_view *view = &replay->monitor.hosts[step->host];
        replay->heard_before = view->heard ? view->heard_at : NEVER;
        rc = report_decode(&replay->cluster, step->message, step->message_length, &report, ret_why);
        event.report = &report;
    } else if (step->kind == MONITOR_FENCE) {
        event.fence = &step->fence;
    } else if (step->kind == MONITOR_COMMAND) {
        rc = command_decode(&replay->cluster, step->message, step->message_length, &replay->command, ret_why);
        event.command = &replay->command;
    }
    if (rc)
        return rc;
    struct monitor_durable before = replay->monitor.durable;
    monitor_step(&replay->monitor, &event, &replay->plan);
    if (step->unsaved)
        monitor_undo(&replay->monitor, &before, &replay->plan);
    return RC_OK;
}

static void list_decisions(const struct replay *replay, const struct recorded_step *step, char *text, size_t size) {
    for (size_t i = 0; i < step->decision_count; i++) {
        int host = step->decisions[i].host;
        text_append(text, size, "%s%s%s%s", i ? ", " : "", step->decisions[i].rule, host == HOST_NONE ? "" : " ",
                    host == HOST_NONE ? "" : replay->cluster.hosts[host].name);
    }
    if (!step->decision_count)
        text_append(text, size, "nothing");
}

static bool same_decisions(const struct recorded_step *a, const struct recorded_step *b) {
    bool same = a->decision_count == b->decision_count;
    for (size_t i = 0; same && i < a->decision_count; i++)
        same = a->decisions[i].host == b->decisions[i].host && text_equal(a->decisions[i].rule, b->decisions[i].rule);
    return same;
}

static enum replay_outcome compare(const struct replay *replay, struct reason *ret_why) {
    struct recorded_step now = { 0 };
    step_note_plan(&now, &replay->monitor, &replay->plan);
    if (now.sum == replay->step.sum)
        return REPLAY_STEPPED;
    char recorded[160] = "", decided[160] = "";
    list_decisions(replay, &replay->step, recorded, sizeof recorded);
    list_decisions(replay, &now, decided, sizeof decided);
    if (same_decisions(&now, &replay->step))
        reason_set(ret_why, "the same was decided (%s), and the state or the words are others", decided);
    else
        reason_set(ret_why, "recorded: %s; decided now: %s", recorded, decided);
    return REPLAY_DIFFERS;
}

enum replay_outcome replay_record(struct replay *replay, const void *bytes, size_t length, struct reason *ret_why) {
    if (recording_is_checkpoint(bytes, length))
        return begin(replay, bytes, length, ret_why);
    if (!replay->begun || !replay->whole) {
        reason_set(ret_why, "there is no checkpoint before it");
        return REPLAY_UNREADABLE;
    }
    replay->whole = false;
    if (step_read(bytes, length, &replay->cluster, &replay->last, &replay->step, ret_why))
        return REPLAY_UNREADABLE;
    replay->last = replay->step.time;
    if (run(replay, ret_why))
        return REPLAY_UNREADABLE;
    replay->steps++;
    replay->decisions += replay->plan.event_count;
    enum replay_outcome outcome = compare(replay, ret_why);
    replay->whole = outcome == REPLAY_STEPPED;
    return outcome;
}
