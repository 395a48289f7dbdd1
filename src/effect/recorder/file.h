/* One file of a recording: a head, then blocks of whole records.
 *
 *   head   16 bytes  «MMMREC», 0, format 1; shape of the records (recording_shape), 64 bits
 *           8 bytes  number of the file in its ring
 *   block  16 bytes  length of its records, length as stored, sum of what is stored, sum of these 12 bytes
 *                    what is stored: one flushed piece of the file's zstd stream
 *
 * Numbers are 32 bits (the shape and the file's number 64), the lowest byte first.  Within the records of a block each
 * has its length in front, 32 bits.  The stream goes on from block to block, since reports are nearly alike; so what
 * stands behind a damaged block of the file can not be read.  A block that is not whole at the end of a file is torn: a
 * process that was killed, or a machine that lost its power, leaves one. */
#ifndef MMM_EFFECT_RECORDER_FILE_H
#define MMM_EFFECT_RECORDER_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/reason.h"

enum {
    RECORDING_BLOCK_MOST = 1024 * 1024,            /* of records */
    RECORDING_FILE_MOST = 64 * 1024 * 1024,        /* when a writer begins another file at the latest */
    RECORDING_READ_MOST = RECORDING_FILE_MOST * 2, /* no file that was written is as long */
};

struct recording_writer;

/* Makes the file, which must not exist, for its owner only. */
enum rc recording_create(const char *path, uint64_t shape, uint64_t number, struct recording_writer **ret_writer,
                         struct reason *ret_why) NODISCARD;
/* One block of whole records.  After a failure the file is to be closed. */
enum rc recording_write(struct recording_writer *writer, const void *records, size_t length,
                        struct reason *ret_why) NODISCARD;
uint64_t recording_size(const struct recording_writer *writer);
/* A file without a block is removed. */
void recording_close(struct recording_writer *writer);

struct recording_reader;

struct recording_head {
    uint64_t shape;
    uint64_t number;
};

/* data is the whole file, and stays until recording_reader_free. */
enum rc recording_open(const void *data, size_t length, struct recording_head *ret_head,
                       struct recording_reader **ret_reader, struct reason *ret_why) NODISCARD;
void recording_reader_free(struct recording_reader *reader);

enum recording_next {
    RECORDING_RECORD,
    RECORDING_END,
    RECORDING_TORN,    /* the file ends within a block */
    RECORDING_DAMAGED, /* more follows, and can not be read */
};

struct recording_record {
    const void *bytes; /* until the next call */
    size_t length;
    size_t offset; /* in the file, of its block; for TORN and DAMAGED too */
};

enum recording_next recording_read(struct recording_reader *reader, struct recording_record *ret_record);

#endif
