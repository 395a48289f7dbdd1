#include "wire/pack.h"

#include <string.h>

#define MSEC_MOST (UINT64_C(1) << 54)

struct pack pack_writer(void *bytes, size_t size) {
    return (struct pack){ .mode = PACK_WRITE, .at = bytes, .end = (uint8_t *)bytes + size };
}

struct pack pack_reader(const void *bytes, size_t size) {
    uint8_t *at = (uint8_t *)(uintptr_t)bytes; /* only read: one struct serves both ways */
    return (struct pack){ .mode = PACK_READ, .at = at, .end = at + size };
}

struct pack pack_summer(enum pack_mode mode) {
    return (struct pack){ .mode = mode, .sum = UINT64_C(0xcbf29ce484222325) };
}

void pack_wrong(struct pack *pack, const char *name) {
    if (!pack->wrong)
        pack->wrong = name;
    pack->at = pack->end;
}

/* FNV-1a's step with a turn, so that high bits come down too: one for eight bytes. */
static void sum_number(struct pack *pack, uint64_t value) {
    uint64_t mixed = (pack->sum ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    pack->sum = mixed ^ mixed >> 29;
}

static void sum_bytes(struct pack *pack, const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    sum_number(pack, length);
    while (length > 0) {
        uint64_t part = 0;
        size_t size = length < sizeof part ? length : sizeof part;
        for (size_t i = 0; i < size; i++)
            part |= (uint64_t)at[i] << 8 * i;
        sum_number(pack, part);
        at += size;
        length -= size;
    }
}

static void sum_shape(struct pack *pack, const char *name, uint64_t range) {
    sum_bytes(pack, name, strlen(name));
    sum_number(pack, range);
}

/* Seven bits a byte, the lowest first; the highest bit says that more follow. */
static void write_number(struct pack *pack, const char *name, uint64_t value) {
    do {
        if (pack->at == pack->end) {
            pack_wrong(pack, name);
            return;
        }
        *pack->at++ = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
}

static uint64_t read_number(struct pack *pack, const char *name) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (pack->at == pack->end)
            break;
        uint8_t byte = *pack->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    pack_wrong(pack, name);
    return 0;
}

void pack_number(struct pack *pack, const char *name, uint64_t *value, uint64_t most) {
    switch (pack->mode) {
    case PACK_WRITE:
        if (*value > most)
            pack_wrong(pack, name);
        write_number(pack, name, *value);
        break;
    case PACK_READ:
        *value = read_number(pack, name);
        if (*value > most) {
            pack_wrong(pack, name);
            *value = 0;
        }
        break;
    case PACK_SUM:
        sum_number(pack, *value);
        break;
    case PACK_SHAPE:
        sum_shape(pack, name, most);
        break;
    }
}

void pack_flag(struct pack *pack, const char *name, bool *value) {
    uint64_t number = *value;
    pack_number(pack, name, &number, 1);
    *value = number != 0;
}

void pack_bits(struct pack *pack, const char *name, uint64_t *set, int count) {
    pack_number(pack, name, set, count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1);
}

void pack_index(struct pack *pack, const char *name, int *value, int count) {
    uint64_t number = (uint64_t)(*value + 1);
    pack_number(pack, name, &number, (uint64_t)count);
    *value = (int)number - 1;
}

/* 0: NEVER; else one more than twice the value, or than twice its amount less one when it is negative. */
void pack_msec_or_never(struct pack *pack, const char *name, msec *value) {
    uint64_t number = 0;
    if (*value != NEVER)
        number = (*value < 0 ? ~((uint64_t)*value << 1) : (uint64_t)*value << 1) + 1;
    pack_number(pack, name, &number, MSEC_MOST);
    if (pack->mode != PACK_READ)
        return;
    uint64_t amount = (number - 1) >> 1;
    *value = number == 0 ? NEVER : (number - 1) & 1 ? -(msec)amount - 1 : (msec)amount;
}

void pack_msec(struct pack *pack, const char *name, msec *value) {
    pack_msec_or_never(pack, name, value);
    if (pack->mode != PACK_READ || *value != NEVER)
        return;
    pack_wrong(pack, name);
    *value = 0;
}

void pack_bytes(struct pack *pack, const char *name, const void **bytes, size_t *length, size_t most) {
    uint64_t number = *length;
    if (pack->mode == PACK_SUM) {
        sum_bytes(pack, *bytes, *length);
        return;
    }
    pack_number(pack, name, &number, most);
    if (pack->mode == PACK_SHAPE)
        return;
    size_t room = (size_t)(pack->end - pack->at);
    if (number > room) {
        pack_wrong(pack, name);
        number = 0;
    }
    if (pack->mode == PACK_WRITE && number)
        memcpy(pack->at, *bytes, number);
    if (pack->mode == PACK_READ)
        *bytes = pack->at;
    *length = number;
    pack->at += number;
}

void pack_text(struct pack *pack, const char *name, char *text, size_t size) {
    const void *bytes = text;
    size_t length = pack->mode == PACK_READ ? 0 : strlen(text);
    pack_bytes(pack, name, &bytes, &length, size - 1);
    if (pack->mode != PACK_READ)
        return;
    memset(text, 0, size);
    memcpy(text, bytes, length);
}

void pack_ip(struct pack *pack, const char *name, struct ip *ip) {
    const void *bytes = ip->bytes;
    uint64_t family = ip->family;
    pack_number(pack, name, &family, 6);
    if (family != 0 && family != 4 && family != 6)
        pack_wrong(pack, name);
    size_t length = family == 4 ? 4 : family == 6 ? 16 : 0;
    if (pack->mode == PACK_READ)
        memset(ip, 0, sizeof *ip);
    ip->family = (uint8_t)family;
    if (length || pack->mode == PACK_SHAPE)
        pack_bytes(pack, name, &bytes, &length, sizeof ip->bytes);
    if (pack->mode == PACK_READ && length <= sizeof ip->bytes)
        memcpy(ip->bytes, bytes, length);
}

void pack_mac(struct pack *pack, const char *name, struct mac *mac) {
    for (size_t i = 0; i < sizeof mac->bytes; i++) {
        uint64_t byte = mac->bytes[i];
        pack_number(pack, name, &byte, UINT8_MAX);
        mac->bytes[i] = (uint8_t)byte;
    }
}

/* Sorted, no pair twice: gtid_raise sees to both. */
void pack_position(struct pack *pack, const char *name, struct gtid_position *position) {
    uint64_t count = position->count;
    pack_number(pack, name, &count, GTID_ENTRIES_MAX);
    if (pack->mode == PACK_READ)
        memset(position, 0, sizeof *position);
    for (uint64_t i = 0; i < count; i++) {
        struct gtid entry = position->entries[i];
        uint64_t domain = entry.domain, server = entry.server;
        pack_number(pack, "domain", &domain, UINT32_MAX);
        pack_number(pack, "server", &server, UINT32_MAX);
        pack_number(pack, "sequence", &entry.sequence, UINT64_MAX);
        entry.domain = (uint32_t)domain;
        entry.server = (uint32_t)server;
        if (pack->mode == PACK_READ && !gtid_raise(position, entry))
            pack_wrong(pack, name);
    }
}
