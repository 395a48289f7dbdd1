/* A recording from anywhere.  «F» and the bytes of a file; or «R» and records, each with its length in two bytes before
 * it, as they stand behind the sums and the compression of a file.  What is accepted is decided and told. */
#include "fuzz.h"

#include <stdio.h>

#include "app/cli/replay.h"
#include "effect/recorder/file.h"

enum { RECORDS_MOST = 256 };

static void take(struct replay *replay, struct replay_teller *teller, const void *bytes, size_t length) {
    struct reason why = { "" };
    switch (replay_record(replay, bytes, length, &why)) {
    case REPLAY_BEGINS:
        replay_tell_checkpoint(teller, replay);
        break;
    case REPLAY_STEPPED:
        replay_tell_step(teller, replay);
        break;
    case REPLAY_DIFFERS:
        replay->whole = true; /* a sum is not easily guessed: what follows is tried all the same */
        assert(why.text[0]);
        break;
    case REPLAY_UNREADABLE:
        assert(why.text[0]);
        break;
    }
}

static void take_file(struct replay *replay, struct replay_teller *teller, const uint8_t *data, size_t size) {
    struct recording_head head;
    struct recording_reader *reader;
    struct recording_record record;
    if (recording_open(data, size, &head, &reader, NULL))
        return;
    for (int i = 0; i < RECORDS_MOST && recording_read(reader, &record) == RECORDING_RECORD; i++)
        take(replay, teller, record.bytes, record.length);
    recording_reader_free(reader);
}

static void take_records(struct replay *replay, struct replay_teller *teller, const uint8_t *data, size_t size) {
    for (int i = 0; i < RECORDS_MOST && size >= 2; i++) {
        size_t length = data[0] | (size_t)data[1] << 8;
        if (length > size - 2)
            length = size - 2;
        take(replay, teller, data + 2, length);
        data += 2 + length;
        size -= 2 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct replay replay;
    static FILE *nowhere;
    if (!nowhere)
        nowhere = fopen("/dev/null", "we");
    assert(nowhere);
    if (size == 0)
        return 0;
    replay.begun = replay.whole = false;
    replay.steps = 0;
    struct replay_wanted wanted = { .from = INT64_MIN, .to = INT64_MAX, .all = true, .json = data[0] & 1 };
    struct replay_teller *teller = replay_teller_new(&wanted, nowhere);
    if (data[0] == 'F')
        take_file(&replay, teller, data + 1, size - 1);
    else
        take_records(&replay, teller, data + 1, size - 1);
    replay_teller_free(teller);
    return 0;
}
