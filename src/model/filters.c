#include "model/filters.h"

#include <string.h>

#include "base/text.h"

enum { FILTER_NAME_SIZE = 48 };

/* FNV-1a. */
static uint64_t mix(uint64_t hash, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Sums do not depend on an order; the last steps see to it that what differs in one character differs in all bits. */
static void digest_add(struct filters *filters, const char *name, const char *item, size_t length) {
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), name, strlen(name) + 1);
    hash = mix(hash, item, length);
    hash = (hash ^ (hash >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    hash ^= hash >> 32;
    filters->digest = (filters->digest + hash) & ((UINT64_C(1) << FILTERS_DIGEST_BITS) - 1);
}

/* MySQL's tables tell the names in capitals. */
static void name_take(const char *name, char ret_name[static FILTER_NAME_SIZE]) {
    size_t length = 0;
    for (; name[length] && length + 1 < FILTER_NAME_SIZE; length++)
        ret_name[length] = (char)(name[length] >= 'A' && name[length] <= 'Z' ? name[length] - 'A' + 'a' : name[length]);
    ret_name[length] = 0;
}

void filters_add(struct filters *filters, const char *name, const char *value) {
    char own[FILTER_NAME_SIZE];
    if (!value[0])
        return;
    name_take(name, own);
    text_append(filters->text, sizeof filters->text, "%s%s=%s", filters->text[0] ? "; " : "", own, value);
    /* What is rewritten to what is no list that may be taken apart. */
    bool list = strcmp(own, "replicate_rewrite_db") != 0;
    while (*value) {
        size_t length = 0;
        while (value[length] && !(list && value[length] == ','))
            length++;
        digest_add(filters, own, value, length);
        value += length + (value[length] == ',');
    }
}

bool filters_differ(const struct filters *a, const struct filters *b) {
    return a->known && b->known && a->digest != b->digest;
}
