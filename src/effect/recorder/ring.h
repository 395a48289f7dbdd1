/* The files of a ring by their numbers.  Private to effect/recorder. */
#ifndef MMM_EFFECT_RECORDER_RING_H
#define MMM_EFFECT_RECORDER_RING_H

#include "effect/recorder/file.h"
#include "effect/recorder/recorder.h"

/* Many small ones come of a monitor that is started again and again. */
enum { RING_FILES_MOST = 1000 };

/* Makes room for one more file of «most» bytes, and the file. */
enum rc ring_next_file(const struct recorder_options *options, uint64_t most, struct recording_writer **ret_writer,
                       struct reason *ret_why) NODISCARD;

#endif
