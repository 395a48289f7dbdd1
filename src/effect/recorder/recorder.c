#include "effect/recorder/recorder.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "effect/recorder/file.h"
#include "effect/recorder/format.h"
#include "effect/recorder/ring.h"

enum {
    BLOCK_WANTED = 64 * 1024,
    WRITE_EVERY_S = 1,
    AGAIN_AFTER = 10 * 1000, /* ms after trouble */
    END_WITHIN_S = 2,
    FILES_WANTED = 8,
};

enum { NOWHERE = -1 };

struct recorder {
    struct recorder_options options;
    char folder[PATH_MAX];
    uint64_t file_most;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;

    /* Under the lock. */
    uint8_t *queue; /* RECORDING_BLOCK_MOST */
    size_t queued;
    long begins; /* where in the queue another file begins, or NOWHERE */
    bool urgent, stop;
    bool file_is_full;
    bool broken;   /* something is missing: only a checkpoint may follow ... */
    msec again_at; /* ... and not before this */
    bool in_trouble;
    struct reason trouble;

    /* The thread's own. */
    uint8_t *batch; /* changes places with the queue */
    struct recording_writer *writer;
};

static void note_trouble(struct recorder *recorder, const char *why) {
    recorder->broken = true;
    recorder->again_at = clock_now() + AGAIN_AFTER;
    recorder->in_trouble = true;
    TEXT_COPY(recorder->trouble.text, why);
}

static enum rc write_part(struct recorder *recorder, const uint8_t *bytes, size_t length, struct reason *ret_why) {
    if (!length || !recorder->writer)
        return RC_OK; /* what was queued before the first beginning is nothing */
    enum rc rc = recording_write(recorder->writer, bytes, length, ret_why);
    if (rc)
        reason_prefix(ret_why, "%s", recorder->folder);
    return rc;
}

static enum rc write_batch(struct recorder *recorder, size_t length, long begins, struct reason *ret_why) {
    size_t old = begins == NOWHERE ? length : (size_t)begins;
    enum rc rc = write_part(recorder, recorder->batch, old, ret_why);
    if (rc || begins == NOWHERE)
        return rc;
    recording_close(recorder->writer);
    recorder->writer = NULL;
    rc = ring_next_file(&recorder->options, recorder->file_most, &recorder->writer, ret_why);
    return rc ? rc : write_part(recorder, recorder->batch + old, length - old, ret_why);
}

static void settle(struct recorder *recorder, enum rc rc, bool began, const char *why) {
    if (rc) {
        recording_close(recorder->writer);
        recorder->writer = NULL;
        recorder->queued = 0;
        recorder->begins = NOWHERE;
        note_trouble(recorder, why);
        return;
    }
    if (began && !recorder->broken)
        recorder->in_trouble = false;
    if (recorder->writer && recorder->begins == NOWHERE)
        recorder->file_is_full = recording_size(recorder->writer) >= recorder->file_most;
}

/* Under the lock: until there is a block's worth, or what there is is old enough. */
static void wait_for_work(struct recorder *recorder) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WRITE_EVERY_S;
    while (!recorder->stop && !recorder->urgent && recorder->queued < BLOCK_WANTED)
        if (pthread_cond_timedwait(&recorder->work, &recorder->lock, &until) == ETIMEDOUT)
            break;
}

static void *run(void *context) {
    struct recorder *recorder = context;
    bool stop = false;
    pthread_mutex_lock(&recorder->lock);
    while (!stop) {
        wait_for_work(recorder);
        size_t length = recorder->queued;
        long begins = recorder->begins;
        uint8_t *batch = recorder->queue;
        stop = recorder->stop;
        recorder->queue = recorder->batch;
        recorder->batch = batch;
        recorder->queued = 0;
        recorder->begins = NOWHERE;
        recorder->urgent = false;
        if (!length)
            continue;
        struct reason why = { "" };
        pthread_mutex_unlock(&recorder->lock);
        enum rc rc = write_batch(recorder, length, begins, &why);
        pthread_mutex_lock(&recorder->lock);
        settle(recorder, rc, begins != NOWHERE, why.text);
    }
    pthread_mutex_unlock(&recorder->lock);
    recording_close(recorder->writer);
    return NULL;
}

static void *need(void *memory) {
    if (!memory)
        abort();
    return memory;
}

/* Signals are for the thread that runs the loop. */
static void start_thread(struct recorder *recorder) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&recorder->thread, NULL, run, recorder))
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct recorder *recorder_new(const struct recorder_options *options) {
    struct recorder *recorder = need(calloc(1, sizeof *recorder));
    pthread_condattr_t monotonic;
    recorder->options = *options;
    TEXT_COPY(recorder->folder, options->folder);
    recorder->options.folder = recorder->folder;
    recorder->file_most = options->limit / FILES_WANTED;
    if (recorder->file_most > RECORDING_FILE_MOST)
        recorder->file_most = RECORDING_FILE_MOST;
    recorder->queue = need(malloc(RECORDING_BLOCK_MOST));
    recorder->batch = need(malloc(RECORDING_BLOCK_MOST));
    recorder->begins = NOWHERE;
    recorder->broken = true;
    pthread_mutex_init(&recorder->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&recorder->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    start_thread(recorder);
    return recorder;
}

void recorder_free(struct recorder *recorder) {
    struct timespec until;
    if (!recorder)
        return;
    pthread_mutex_lock(&recorder->lock);
    recorder->stop = true;
    pthread_cond_signal(&recorder->work);
    pthread_mutex_unlock(&recorder->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += END_WITHIN_S;
    /* A thread that hangs in a disk keeps its memory: the process is about to end. */
    if (pthread_clockjoin_np(recorder->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
        return;
    pthread_cond_destroy(&recorder->work);
    pthread_mutex_destroy(&recorder->lock);
    free(recorder->queue);
    free(recorder->batch);
    free(recorder);
}

enum recorder_wish recorder_wish(struct recorder *recorder) {
    pthread_mutex_lock(&recorder->lock);
    enum recorder_wish wish = RECORDER_RECORD;
    if (recorder->broken)
        wish = clock_now() < recorder->again_at ? RECORDER_NOTHING : RECORDER_NEW_START;
    else if (recorder->file_is_full)
        wish = RECORDER_NEXT_FILE;
    pthread_mutex_unlock(&recorder->lock);
    return wish;
}

static void put(struct recorder *recorder, const void *record, size_t length) {
    if (length + 4 > RECORDING_BLOCK_MOST - recorder->queued) {
        note_trouble(recorder, "the disk is too slow: what was to be written fills the queue");
        return;
    }
    uint8_t *to = recorder->queue + recorder->queued;
    put_le(to, length, 4);
    memcpy(to + 4, record, length);
    recorder->queued += 4 + length;
}

void recorder_begin(struct recorder *recorder, const void *record, size_t length) {
    pthread_mutex_lock(&recorder->lock);
    /* A beginning that still waits is not worth a file. */
    if (recorder->begins != NOWHERE)
        recorder->queued = (size_t)recorder->begins;
    recorder->begins = (long)recorder->queued;
    recorder->broken = recorder->file_is_full = false;
    put(recorder, record, length);
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_append(struct recorder *recorder, const void *record, size_t length, bool urgent) {
    pthread_mutex_lock(&recorder->lock);
    if (!recorder->broken)
        put(recorder, record, length);
    recorder->urgent |= urgent;
    if (urgent || recorder->queued >= BLOCK_WANTED)
        pthread_cond_signal(&recorder->work);
    pthread_mutex_unlock(&recorder->lock);
}

bool recorder_trouble(struct recorder *recorder, struct reason *ret_why) {
    pthread_mutex_lock(&recorder->lock);
    bool trouble = recorder->in_trouble;
    if (trouble)
        *ret_why = recorder->trouble;
    pthread_mutex_unlock(&recorder->lock);
    return trouble;
}
