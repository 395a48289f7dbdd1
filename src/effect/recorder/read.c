#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "effect/recorder/file.h"
#include "effect/recorder/format.h"

struct recording_reader {
    const uint8_t *data;
    size_t length;
    size_t block_at; /* of the block that is being read */
    size_t next_at;  /* of the one behind it */
    ZSTD_DCtx *stream;
    uint8_t *records; /* of the block; RECORDING_BLOCK_MOST */
    size_t records_length;
    size_t records_at;
    enum recording_next end; /* RECORD: not met yet */
};

enum rc recording_open(const void *data, size_t length, struct recording_head *ret_head,
                       struct recording_reader **ret_reader, struct reason *ret_why) {
    const uint8_t *head = data;
    if (length < HEAD_SIZE || memcmp(head, RECORDING_MAGIC, sizeof RECORDING_MAGIC) != 0)
        return FAIL(RC_INVALID, ret_why, "not a recording of mmm");
    if (head[7] != FORMAT)
        return FAIL(RC_INVALID, ret_why, "a recording in format %d; this program reads format %d", head[7], FORMAT);
    struct recording_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    *reader = (struct recording_reader){
        .data = data,
        .length = length,
        .next_at = HEAD_SIZE,
        .stream = ZSTD_createDCtx(),
        .records = malloc(RECORDING_BLOCK_MOST),
    };
    if (!reader->stream || !reader->records)
        abort();
    ZSTD_DCtx_setParameter(reader->stream, ZSTD_d_windowLogMax, WINDOW_LOG);
    *ret_head = (struct recording_head){ .shape = get_le(head + 8, 8), .number = get_le(head + 16, 8) };
    *ret_reader = reader;
    return RC_OK;
}

void recording_reader_free(struct recording_reader *reader) {
    if (!reader)
        return;
    ZSTD_freeDCtx(reader->stream);
    free(reader->records);
    free(reader);
}

/* A file that had grown before its bytes were written ends with zeros after a loss of power. */
static bool only_zeros_from(const struct recording_reader *reader, size_t at) {
    while (at < reader->length)
        if (reader->data[at++])
            return false;
    return true;
}

static bool decompress(struct recording_reader *reader, const uint8_t *stored, size_t stored_length, size_t length) {
    ZSTD_inBuffer in = { .src = stored, .size = stored_length };
    ZSTD_outBuffer out = { .dst = reader->records, .size = length };
    while (in.pos < in.size) {
        size_t before = in.pos + out.pos;
        size_t left = ZSTD_decompressStream(reader->stream, &out, &in);
        if (ZSTD_isError(left) || in.pos + out.pos == before)
            return false;
    }
    return out.pos == length;
}

/* RECORD: the block is there. */
static enum recording_next read_block(struct recording_reader *reader) {
    const uint8_t *head = reader->data + reader->next_at;
    size_t room = reader->length - reader->next_at;
    reader->block_at = reader->next_at;
    reader->records_length = reader->records_at = 0;
    if (room == 0)
        return RECORDING_END;
    if (room < BLOCK_HEAD_SIZE || only_zeros_from(reader, reader->next_at))
        return RECORDING_TORN;
    size_t length = get_le(head, 4), stored = get_le(head + 4, 4);
    if (get_le(head + 12, 4) != sum_of(head, 12))
        return only_zeros_from(reader, reader->next_at + BLOCK_HEAD_SIZE) ? RECORDING_TORN : RECORDING_DAMAGED;
    if (length > RECORDING_BLOCK_MOST)
        return RECORDING_DAMAGED;
    room -= BLOCK_HEAD_SIZE;
    if (stored > room)
        return RECORDING_TORN;
    bool last = stored == room || only_zeros_from(reader, reader->next_at + BLOCK_HEAD_SIZE + stored);
    if (get_le(head + 8, 4) != sum_of(head + BLOCK_HEAD_SIZE, stored))
        return last ? RECORDING_TORN : RECORDING_DAMAGED;
    if (!decompress(reader, head + BLOCK_HEAD_SIZE, stored, length))
        return RECORDING_DAMAGED;
    reader->records_length = length;
    reader->next_at += BLOCK_HEAD_SIZE + stored;
    return RECORDING_RECORD;
}

enum recording_next recording_read(struct recording_reader *reader, struct recording_record *ret_record) {
    while (reader->end == RECORDING_RECORD && reader->records_at == reader->records_length)
        reader->end = read_block(reader);
    *ret_record = (struct recording_record){ .offset = reader->block_at };
    if (reader->end != RECORDING_RECORD)
        return reader->end;
    size_t room = reader->records_length - reader->records_at;
    size_t length = room < 4 ? 0 : get_le(reader->records + reader->records_at, 4);
    if (room < 4 || length > room - 4) {
        reader->end = RECORDING_DAMAGED;
        return reader->end;
    }
    ret_record->bytes = reader->records + reader->records_at + 4;
    ret_record->length = length;
    reader->records_at += 4 + length;
    return RECORDING_RECORD;
}
