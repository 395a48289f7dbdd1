/* `mmm replay`: which files, in which order, and what came of it. */
#include "app/cli/replay.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/cli/commands.h"
#include "base/text.h"
#include "effect/recorder/file.h"
#include "effect/recorder/recorder.h"

struct replaying {
    struct cli_call *call;
    struct replay replay;
    struct replay_teller *teller;
    uint64_t number; /* of the last file, 0: none */
    bool bad;        /* something is damaged, or differs */
    bool differs;    /* what follows would only repeat it */
};

/* The beginning of 2026-11-22T05:00:00.123Z, at least the day; what is missing is 0. */
static bool parse_time(const char *text, msec *ret_wall) {
    static const char pattern[] = "dddd-dd-ddTdd:dd:dd.ddd";
    char whole[] = "0000-00-00T00:00:00.000";
    size_t length = strlen(text);
    if (length && text[length - 1] == 'Z')
        length--;
    if (length < strlen("2026-11-22") || length > strlen(whole))
        return false;
    for (size_t i = 0; i < length; i++) {
        bool fits = pattern[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == pattern[i];
        if (!fits && !(pattern[i] == 'T' && text[i] == ' '))
            return false;
        whole[i] = text[i];
    }
    whole[10] = 'T';
    struct tm tm = { 0 };
    const char *rest = strptime(whole, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest || rest[0] != '.')
        return false;
    *ret_wall = SECONDS(timegm(&tm)) + strtol(rest + 1, NULL, 10);
    return true;
}

static int read_wanted(const struct cli_call *call, struct replay_wanted *ret_wanted) {
    *ret_wanted = (struct replay_wanted){
        .from = INT64_MIN,
        .to = INT64_MAX,
        .host = call->host,
        .all = call_has(call, OPTION_ALL),
        .json = call_has(call, OPTION_JSON),
    };
    if (call->from && !parse_time(call->from, &ret_wanted->from))
        return call_misused(call, "--from takes a time like 2026-11-22T05:00:00, not «%s»", call->from);
    if (call->to && !parse_time(call->to, &ret_wanted->to))
        return call_misused(call, "--to takes a time like 2026-11-22T05:00:00, not «%s»", call->to);
    return EXIT_DONE;
}

static void file_close(FILE **file) {
    if (*file)
        fclose(*file);
}

static enum rc read_file(const char *path, uint8_t **ret_data, size_t *ret_length, struct reason *ret_why) {
    struct stat status;
    FILE *file CLEANUP(file_close) = fopen(path, "re");
    if (!file || fstat(fileno(file), &status) != 0)
        return FAIL(RC_IO, ret_why, "cannot read it: %s", strerror(errno));
    if (!S_ISREG(status.st_mode) || status.st_size > RECORDING_READ_MOST)
        return FAIL(RC_INVALID, ret_why, "not a recording of mmm: no file, or larger than any");
    uint8_t *data = malloc((size_t)status.st_size + 1);
    if (!data)
        abort();
    *ret_length = fread(data, 1, (size_t)status.st_size, file);
    *ret_data = data;
    return RC_OK;
}

static void complain(struct replaying *replaying, const char *path, size_t offset, const char *what, const char *why) {
    replaying->bad = true;
    call_failed(replaying->call, "%s, at byte %zu: %s: %s", path, offset, what, why);
}

static void tell_difference(struct replaying *replaying, const char *path, size_t offset, const char *why) {
    const struct replay *replay = &replaying->replay;
    char time[CLOCK_TEXT_MAX], what[160];
    clock_format(replay->last.wall, time);
    snprintf(what, sizeof what, "input %llu, %s: NOT THE SAME RESULT", replay->steps, time);
    if (!text_equal(replay->checkpoint.version, MMM_VERSION))
        snprintf(what + strlen(what), sizeof what - strlen(what), " (recorded by mmm %s, this is %s)",
                 replay->checkpoint.version, MMM_VERSION);
    complain(replaying, path, offset, what, why);
    replaying->differs = true;
}

/* False: nothing more of this file. */
static bool take(struct replaying *replaying, const char *path, const struct recording_record *record) {
    struct replay *replay = &replaying->replay;
    struct reason why = { "" };
    switch (replay_record(replay, record->bytes, record->length, &why)) {
    case REPLAY_BEGINS:
        replay_tell_checkpoint(replaying->teller, replay);
        return true;
    case REPLAY_STEPPED:
        replay_tell_step(replaying->teller, replay);
        return true;
    case REPLAY_DIFFERS:
        tell_difference(replaying, path, record->offset, why.text);
        return false;
    case REPLAY_UNREADABLE:
        complain(replaying, path, record->offset, "can not be replayed", why.text);
        return false;
    }
    return false;
}

static void replay_reader(struct replaying *replaying, const char *path, struct recording_reader *reader) {
    struct recording_record record;
    enum recording_next next;
    while ((next = recording_read(reader, &record)) == RECORDING_RECORD)
        if (!take(replaying, path, &record)) {
            replay_gap(&replaying->replay);
            return;
        }
    if (next == RECORDING_END)
        return;
    replay_gap(&replaying->replay);
    if (next == RECORDING_DAMAGED)
        complain(replaying, path, record.offset, "damaged", "the rest of this file is not read");
    else
        fprintf(replaying->call->err,
                "mmm: %s, at byte %zu: the end is torn, as a killed monitor or a lost machine leaves it; replayed up "
                "to there\n",
                path, record.offset);
}

static void replay_file(struct replaying *replaying, const char *path) {
    uint8_t *data = NULL;
    size_t length = 0;
    struct reason why = { "" };
    struct recording_head head = { 0 };
    struct recording_reader *reader = NULL;
    enum rc rc = read_file(path, &data, &length, &why);
    if (!rc)
        rc = recording_open(data, length, &head, &reader, &why);
    if (!rc && head.shape != recording_shape())
        rc = FAIL(RC_REFUSED, &why,
                  "recorded by another build of mmm, whose state has other fields: replay it with "
                  "the program that recorded it");
    if (head.number != replaying->number + 1)
        replay_gap(&replaying->replay);
    replaying->number = head.number;
    if (!rc) {
        replay_reader(replaying, path, reader);
    } else {
        replaying->bad = true;
        replay_gap(&replaying->replay);
        call_failed(replaying->call, "%s: %s", path, why.text);
    }
    recording_reader_free(reader);
    free(data);
}

static int is_recording(const struct dirent *entry) {
    size_t length = strlen(entry->d_name), ending = strlen(RECORDING_ENDING);
    return length > ending && text_equal(entry->d_name + length - ending, RECORDING_ENDING);
}

static void replay_folder(struct replaying *replaying, const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, is_recording, alphasort);
    if (count <= 0) {
        replaying->bad = true;
        call_failed(replaying->call, "%s: no recording in there (files *" RECORDING_ENDING ")", path);
    }
    for (int i = 0; i < count; i++) {
        char file[PATH_MAX];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (!replaying->differs)
            replay_file(replaying, file);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static int tell_end(const struct replaying *replaying) {
    const struct replay *replay = &replaying->replay;
    FILE *out = call_has(replaying->call, OPTION_JSON) ? replaying->call->err : replaying->call->out;
    fprintf(out, "%llu inputs replayed, %llu decisions%s\n", replay->steps, replay->decisions,
            replaying->differs ? "" : ": the same result");
    return replaying->bad ? EXIT_FAILED : EXIT_DONE;
}

int run_replay(struct cli_call *call) {
    struct replay_wanted wanted;
    int status = read_wanted(call, &wanted);
    if (status != EXIT_DONE)
        return status;
    struct replaying *replaying = calloc(1, sizeof *replaying);
    if (!replaying)
        abort();
    replaying->call = call;
    replaying->teller = replay_teller_new(&wanted, call->out);
    for (int i = 0; i < call->count && !replaying->differs; i++) {
        struct stat status_of;
        if (stat(call->arguments[i], &status_of) == 0 && S_ISDIR(status_of.st_mode))
            replay_folder(replaying, call->arguments[i]);
        else
            replay_file(replaying, call->arguments[i]);
    }
    status = tell_end(replaying);
    replay_teller_free(replaying->teller);
    free(replaying);
    return status;
}
