#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/text.h"
#include "effect/recorder/file.h"
#include "effect/recorder/format.h"

/* Level 3 with a window of 256 kB: one round of reports of 32 hosts fits in, and more buys little. */
enum { LEVEL = 3 };

struct recording_writer {
    int fd;
    char path[PATH_MAX];
    uint64_t size;
    uint64_t whole; /* of it, up to the end of the last block; 0: there is none */
    ZSTD_CCtx *stream;
    uint8_t *block;
    size_t block_size;
};

static enum rc write_all(struct recording_writer *writer, const uint8_t *bytes, size_t length, struct reason *ret_why) {
    while (length > 0) {
        ssize_t written = write(writer->fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return FAIL(RC_IO, ret_why, "cannot write: %s", strerror(errno));
        bytes += written;
        length -= (size_t)written;
        writer->size += (size_t)written;
    }
    return RC_OK;
}

static enum rc write_head(struct recording_writer *writer, uint64_t shape, uint64_t number, struct reason *ret_why) {
    uint8_t head[HEAD_SIZE] = RECORDING_MAGIC;
    head[7] = FORMAT;
    put_le(head + 8, shape, 8);
    put_le(head + 16, number, 8);
    return write_all(writer, head, sizeof head, ret_why);
}

enum rc recording_create(const char *path, uint64_t shape, uint64_t number, struct recording_writer **ret_writer,
                         struct reason *ret_why) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return FAIL(RC_IO, ret_why, "%s: cannot make it: %s", path, strerror(errno));
    struct recording_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        abort();
    writer->fd = fd;
    TEXT_COPY(writer->path, path);
    writer->stream = ZSTD_createCCtx();
    writer->block_size = BLOCK_HEAD_SIZE + ZSTD_compressBound(RECORDING_BLOCK_MOST) + 64;
    writer->block = malloc(writer->block_size);
    if (!writer->stream || !writer->block)
        abort();
    ZSTD_CCtx_setParameter(writer->stream, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(writer->stream, ZSTD_c_windowLog, WINDOW_LOG);
    enum rc rc = write_head(writer, shape, number, ret_why);
    if (rc) {
        recording_close(writer);
        return rc;
    }
    *ret_writer = writer;
    return RC_OK;
}

enum rc recording_write(struct recording_writer *writer, const void *records, size_t length, struct reason *ret_why) {
    if (length > RECORDING_BLOCK_MOST)
        return FAIL(RC_INVALID, ret_why, "a block of %zu bytes; %d is the most", length, RECORDING_BLOCK_MOST);
    ZSTD_inBuffer in = { .src = records, .size = length };
    ZSTD_outBuffer out = { .dst = writer->block + BLOCK_HEAD_SIZE, .size = writer->block_size - BLOCK_HEAD_SIZE };
    size_t left = ZSTD_compressStream2(writer->stream, &out, &in, ZSTD_e_flush);
    if (ZSTD_isError(left))
        return FAIL(RC_IO, ret_why, "cannot compress: %s", ZSTD_getErrorName(left));
    if (left || in.pos < in.size)
        return FAIL(RC_IO, ret_why, "cannot compress: a block does not fit");
    put_le(writer->block, length, 4);
    put_le(writer->block + 4, out.pos, 4);
    put_le(writer->block + 8, sum_of(writer->block + BLOCK_HEAD_SIZE, out.pos), 4);
    put_le(writer->block + 12, sum_of(writer->block, 12), 4);
    enum rc rc = write_all(writer, writer->block, BLOCK_HEAD_SIZE + out.pos, ret_why);
    if (!rc)
        writer->whole = writer->size;
    return rc;
}

uint64_t recording_size(const struct recording_writer *writer) {
    return writer->size;
}

void recording_close(struct recording_writer *writer) {
    if (!writer)
        return;
    /* A part of a block is of no use, and room may be what is missing.  What fails here, the reader copes with. */
    if (!writer->whole)
        (void)unlink(writer->path);
    else if (writer->whole < writer->size && ftruncate(writer->fd, (off_t)writer->whole) == 0)
        writer->size = writer->whole;
    close(writer->fd);
    ZSTD_freeCCtx(writer->stream);
    free(writer->block);
    free(writer);
}
