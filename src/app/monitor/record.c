/* What the monitor hears and decides goes into its recording (wire/recording.h).  Decisions never depend on it: nothing
 * here waits, and what can not be recorded is said once and left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/monitor/monitor_app.h"
#include "base/log.h"
#include "base/text.h"
#include "wire/messages.h"
#include "wire/recording.h"

struct record {
    struct recorder *recorder;
    struct recorded_time last;
    bool started;
    bool in_trouble;
    struct reason trouble;
    struct recorded_step step;
    uint8_t bytes[CHECKPOINT_MOST];
};

void record_start(struct monitor_app *app) {
    char folder[PATH_SIZE + sizeof RECORDING_FOLDER];
    if (!app->settings->recording_mb)
        return;
    snprintf(folder, sizeof folder, "%s" RECORDING_FOLDER, app->settings->monitor_store);
    app->record = calloc(1, sizeof *app->record);
    if (!app->record)
        abort();
    app->record->recorder = recorder_new(&(struct recorder_options){
        .folder = folder,
        .limit = (uint64_t)app->settings->recording_mb * 1024 * 1024,
        .shape = recording_shape(),
    });
}

void record_end(struct monitor_app *app) {
    if (app->record)
        recorder_free(app->record->recorder);
    free(app->record);
}

static void say_trouble(struct record *record) {
    bool was = record->in_trouble;
    record->in_trouble = recorder_trouble(record->recorder, &record->trouble);
    if (record->in_trouble && !was)
        log_line(LOG_LEVEL_WARNING, "event=recording_failed why=\"%s\" next=\"deciding goes on without a recording\"",
                 record->trouble.text);
    if (!record->in_trouble && was)
        log_line(LOG_LEVEL_INFO, "event=recording_works_again");
}

const char *record_trouble(const struct monitor_app *app) {
    return app->record && app->record->in_trouble ? app->record->trouble.text : NULL;
}

static void give_up(struct monitor_app *app, const char *what) {
    log_line(LOG_LEVEL_ERROR, "event=internal why=\"%s can not be recorded: no recording from here on\"", what);
    record_end(app);
    app->record = NULL;
}

static void begin(struct monitor_app *app, enum checkpoint_cause cause, const struct recorded_time *time) {
    struct record *record = app->record;
    struct checkpoint checkpoint = { .cause = cause, .version = MMM_VERSION, .time = *time };
    size_t length = checkpoint_write(&checkpoint, &app->core, record->bytes, sizeof record->bytes);
    if (!length) {
        give_up(app, "the state");
        return;
    }
    recorder_begin(record->recorder, record->bytes, length);
    record->last = *time;
    record->started = true;
}

void record_again(struct monitor_app *app, const struct recorded_time *time) {
    if (app->record)
        begin(app, CHECKPOINT_AGAIN, time);
}

void record_before(struct monitor_app *app, const struct recorded_time *time) {
    if (!app->record)
        return;
    switch (recorder_wish(app->record->recorder)) {
    case RECORDER_NOTHING:
    case RECORDER_RECORD:
        break;
    case RECORDER_NEXT_FILE:
        begin(app, CHECKPOINT_NEXT, time);
        break;
    case RECORDER_NEW_START:
        begin(app, app->record->started ? CHECKPOINT_AGAIN : CHECKPOINT_START, time);
        break;
    }
}

static void put_step(struct monitor_app *app) {
    struct record *record = app->record;
    struct recorded_step *step = &record->step;
    size_t length = step_write(step, app->cluster, &record->last, record->bytes, sizeof record->bytes);
    if (!length) {
        give_up(app, "a step");
        return;
    }
    recorder_append(record->recorder, record->bytes, length, step->decision_count > 0);
    record->last = step->time;
    say_trouble(record);
}

void record_after(struct monitor_app *app, const struct monitor_event *event) {
    struct record *record = app->record;
    if (!record)
        return;
    struct recorded_step *step = &record->step;
    *step = (struct recorded_step){
        .kind = event->kind,
        .time = { .now = event->now, .wall = event->wall },
        .host = event->host,
        .answers = event->answers,
        .unsaved = app->unsaved,
        .message = app->report_text,
        .message_length = app->report_length,
    };
    if (event->check_error)
        TEXT_COPY(step->check_error, event->check_error);
    if (event->kind == MONITOR_FENCE)
        step->fence = *event->fence;
    char *command = NULL;
    if (event->kind == MONITOR_COMMAND) {
        command = command_encode(app->cluster, event->command);
        step->message = command;
        step->message_length = strlen(command);
    }
    step_note_plan(step, &app->core, &app->plan);
    put_step(app);
    free(command);
}
