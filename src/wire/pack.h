/* Plain data as few bytes, and back, through one list of its fields (wire/pack_monitor.c): the same function writes,
 * reads, sums and describes, so that none of the four can forget a field.  What is written does not depend on the
 * compiler, the machine or the padding of a struct; what is read is checked against its range, so that bytes from
 * anywhere can do no harm behind it. */
#ifndef MMM_WIRE_PACK_H
#define MMM_WIRE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rc.h"
#include "model/gtid.h"
#include "model/ip.h"

enum pack_mode {
    PACK_WRITE, /* value → bytes */
    PACK_READ,  /* bytes → value; what is wrong is noted and reads as 0 from there on */
    PACK_SUM,   /* value → sum */
    PACK_SHAPE, /* names and ranges of the fields → sum: two programs with the same one read each other's bytes */
};

struct pack {
    enum pack_mode mode;
    uint8_t *at; /* WRITE: the next byte; READ: likewise, and not written to */
    uint8_t *end;
    uint64_t sum;      /* SUM, SHAPE */
    const char *wrong; /* the field that did not fit, NULL: none */
};

struct pack pack_writer(void *bytes, size_t size);
struct pack pack_reader(const void *bytes, size_t size);
struct pack pack_summer(enum pack_mode mode);

/* Notes that a value is not what it must be. */
void pack_wrong(struct pack *pack, const char *name);

void pack_flag(struct pack *pack, const char *name, bool *value);
void pack_number(struct pack *pack, const char *name, uint64_t *value, uint64_t most);
void pack_bits(struct pack *pack, const char *name, uint64_t *set, int count); /* a set of numbers below count */
/* A number below count, or -1. */
void pack_index(struct pack *pack, const char *name, int *value, int count);
/* A moment or a length of an amount below 2^53 ... */
void pack_msec(struct pack *pack, const char *name, msec *value);
void pack_msec_or_never(struct pack *pack, const char *name, msec *value); /* ... or NEVER */
void pack_text(struct pack *pack, const char *name, char *text, size_t size);
void pack_ip(struct pack *pack, const char *name, struct ip *ip);
void pack_mac(struct pack *pack, const char *name, struct mac *mac);
void pack_position(struct pack *pack, const char *name, struct gtid_position *position);
/* Bytes that stay where they are: READ sets *bytes to the place in what is being read. */
void pack_bytes(struct pack *pack, const char *name, const void **bytes, size_t *length, size_t most);

/* A member of any unsigned or enum type, below count. */
#define PACK_SMALL(pack, object, member, count)                                                                        \
    do {                                                                                                               \
        uint64_t small_ = (uint64_t)(object)->member;                                                                  \
        pack_number((pack), #member, &small_, (uint64_t)(count)-1);                                                    \
        (object)->member = (__typeof__((object)->member))small_;                                                       \
    } while (0)
#define PACK_FLAG(pack, object, member) pack_flag((pack), #member, &(object)->member)
#define PACK_MSEC(pack, object, member) pack_msec((pack), #member, &(object)->member)
#define PACK_MSEC_OR_NEVER(pack, object, member) pack_msec_or_never((pack), #member, &(object)->member)
#define PACK_TEXT(pack, object, member) pack_text((pack), #member, (object)->member, sizeof(object)->member)

#endif
