/* What the writer and the reader of a recording's files share. */
#ifndef MMM_EFFECT_RECORDER_FORMAT_H
#define MMM_EFFECT_RECORDER_FORMAT_H

#include <stddef.h>
#include <stdint.h>

enum { HEAD_SIZE = 24, BLOCK_HEAD_SIZE = 16, FORMAT = 1, WINDOW_LOG = 18 };

#define RECORDING_MAGIC "MMMREC"

static inline void put_le(uint8_t *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static inline uint64_t get_le(const uint8_t *from, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << 8 * i;
    return value;
}

/* FNV-1a, 32 bits: finds damage, not malice. */
static inline uint32_t sum_of(const uint8_t *bytes, size_t length) {
    uint32_t sum = UINT32_C(0x811c9dc5);
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ bytes[i]) * UINT32_C(0x01000193);
    return sum;
}

#endif
