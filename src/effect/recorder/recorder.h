/* A bounded ring of recording files, written behind the back of the one who decides.  Appending copies bytes into a
 * queue, and never waits: a thread of its own compresses and writes, without fsync.  What the disk refuses or is too
 * slow for is left out, the trouble can be asked for, and after a while recording begins anew with a checkpoint.
 *
 * Files: FOLDER/00000001.mmmrec and so on (file.h), the oldest go first.  A file is begun by every recorder, when one
 * has grown to an eighth of the limit, and after trouble. */
#ifndef MMM_EFFECT_RECORDER_RECORDER_H
#define MMM_EFFECT_RECORDER_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rc.h"
#include "base/reason.h"

#define RECORDING_ENDING ".mmmrec"

struct recorder;

struct recorder_options {
    const char *folder; /* made when it is not there, for its owner only */
    uint64_t limit;     /* bytes of all files together */
    uint64_t shape;     /* of the records: goes into each file's head */
};

struct recorder *recorder_new(const struct recorder_options *options);
/* Writes what is queued, for two seconds at the most. */
void recorder_free(struct recorder *recorder);

enum recorder_wish {
    RECORDER_NOTHING,   /* there is trouble: not now */
    RECORDER_RECORD,    /* recorder_append */
    RECORDER_NEXT_FILE, /* recorder_begin with a checkpoint; nothing is missing before it */
    RECORDER_NEW_START, /* likewise, and what came before is not complete */
};

enum recorder_wish recorder_wish(struct recorder *recorder);
/* The first record of another file. */
void recorder_begin(struct recorder *recorder, const void *record, size_t length);
/* urgent: to be written now, not within a second. */
void recorder_append(struct recorder *recorder, const void *record, size_t length, bool urgent);
/* False: all is well.  Else why nothing is recorded. */
bool recorder_trouble(struct recorder *recorder, struct reason *ret_why);

#endif
