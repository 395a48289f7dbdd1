/* MySQL's GTID sets. */
#include <string.h>

#include "base/text.h"
#include "model/gtid_internal.h"

#define NUMBER_MAX ((uint64_t)INT64_MAX - 1)

enum { UUID_TEXT = 36 };

static int source_compare(const struct gtid_range *a, const struct gtid_range *b) {
    int order = memcmp(a->uuid, b->uuid, sizeof a->uuid);
    return order ? order : memcmp(a->tag, b->tag, sizeof a->tag);
}

static bool is_before(const struct gtid_range *a, const struct gtid_range *b) {
    int order = source_compare(a, b);
    return order < 0 || (order == 0 && a->last + 1 < b->first);
}

static bool touches(const struct gtid_range *a, const struct gtid_range *b) {
    return source_compare(a, b) == 0 && a->first <= b->last + 1 && b->first <= a->last + 1;
}

bool gtid_insert(struct gtid_position *position, const struct gtid_range *range) {
    struct gtid_range joined = *range;
    size_t from = 0, to;
    if (position->count > 0 && position->form != GTID_SETS)
        return false;
    while (from < position->count && is_before(&position->ranges[from], &joined))
        from++;
    for (to = from; to < position->count && touches(&position->ranges[to], &joined); to++) {
        if (position->ranges[to].first < joined.first)
            joined.first = position->ranges[to].first;
        if (position->ranges[to].last > joined.last)
            joined.last = position->ranges[to].last;
    }
    if (to == from && position->count == GTID_RANGES_MAX)
        return false;
    memmove(&position->ranges[from + 1], &position->ranges[to], (position->count - to) * sizeof joined);
    position->ranges[from] = joined;
    position->count = position->count - (to - from) + 1;
    position->form = GTID_SETS;
    return true;
}

static int hex_value(char letter) {
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    return letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

static bool read_uuid(const char **cursor, uint8_t ret_uuid[static GTID_UUID_SIZE]) {
    const char *at = *cursor;
    uint8_t uuid[GTID_UUID_SIZE];
    for (int i = 0; i < GTID_UUID_SIZE; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *at++ != '-')
            return false;
        int high = hex_value(at[0]);
        int low = high < 0 ? -1 : hex_value(at[1]);
        if (low < 0)
            return false;
        uuid[i] = (uint8_t)(high * 16 + low);
        at += 2;
    }
    memcpy(ret_uuid, uuid, sizeof uuid);
    *cursor = at;
    return true;
}

static bool is_tag_letter(char letter, bool first) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_' ||
           (!first && letter >= '0' && letter <= '9');
}

/* A tag begins with a letter or an underscore; the server writes it small. */
static bool read_tag(const char **cursor, char ret_tag[static GTID_TAG_MAX]) {
    const char *at = *cursor;
    char tag[GTID_TAG_MAX] = { 0 };
    size_t length = 0;
    for (; is_tag_letter(*at, length == 0); at++) {
        if (length == sizeof tag)
            return false;
        tag[length++] = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    }
    if (length == 0)
        return false;
    memcpy(ret_tag, tag, sizeof tag);
    *cursor = at;
    return true;
}

static bool read_range(const char **cursor, struct gtid_range *range) {
    if (!gtid_read_number(cursor, NUMBER_MAX, &range->first) || range->first == 0)
        return false;
    range->last = range->first;
    if (**cursor != '-')
        return true;
    ++*cursor;
    return gtid_read_number(cursor, NUMBER_MAX, &range->last) && range->last >= range->first;
}

/* One source with its tags: «UUID:1-5:7:tag:1-3».  A tag holds for the ranges after it, and has at least one. */
static enum rc read_source(const char **cursor, struct gtid_position *position, const char *text,
                           struct reason *ret_why) {
    struct gtid_range range = { 0 };
    bool good = read_uuid(cursor, range.uuid) && **cursor == ':';
    while (good && **cursor == ':') {
        ++*cursor;
        gtid_skip_space(cursor);
        if (is_tag_letter(**cursor, true)) {
            good = read_tag(cursor, range.tag) && **cursor == ':';
            if (!good)
                break;
            ++*cursor;
        }
        good = read_range(cursor, &range);
        if (good && !gtid_insert(position, &range))
            return FAIL(RC_INVALID, ret_why, "a GTID set of more than %d ranges", GTID_RANGES_MAX);
    }
    return good ? RC_OK : FAIL(RC_INVALID, ret_why, "«%.60s» is not a GTID set", text);
}

enum rc gtid_set_parse(const char *text, struct gtid_position *ret_position, struct reason *ret_why) {
    struct gtid_position position = { .form = GTID_SETS };
    const char *cursor = text;
    gtid_skip_space(&cursor);
    for (;;) {
        enum rc rc = read_source(&cursor, &position, text, ret_why);
        if (rc != RC_OK)
            return rc;
        gtid_skip_space(&cursor);
        if (!*cursor)
            break;
        if (*cursor++ != ',')
            return FAIL(RC_INVALID, ret_why, "«%.60s» is not a GTID set", text);
        gtid_skip_space(&cursor);
    }
    *ret_position = position;
    return RC_OK;
}

static void uuid_format(const uint8_t uuid[static GTID_UUID_SIZE], char ret_text[static UUID_TEXT + 1]) {
    static const char digits[] = "0123456789abcdef";
    char *at = ret_text;
    for (int i = 0; i < GTID_UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[uuid[i] >> 4];
        *at++ = digits[uuid[i] & 15];
    }
    *at = 0;
}

/* Appends a range to a list that ended with «previous»; NULL: it is the first. */
static void range_format(const struct gtid_range *previous, const struct gtid_range *range, char *text, size_t size) {
    char uuid[UUID_TEXT + 1];
    bool same_uuid = previous != NULL && memcmp(previous->uuid, range->uuid, sizeof range->uuid) == 0;
    if (!same_uuid) {
        uuid_format(range->uuid, uuid);
        text_append(text, size, "%s%s", previous != NULL ? "," : "", uuid);
    }
    if (range->tag[0] != 0 && (!same_uuid || source_compare(previous, range) != 0))
        text_append(text, size, ":%.*s", GTID_TAG_MAX, range->tag);
    text_append(text, size, ":%llu", (unsigned long long)range->first);
    if (range->last > range->first)
        text_append(text, size, "-%llu", (unsigned long long)range->last);
}

void gtid_set_format(const struct gtid_position *position, char *ret_text, size_t size) {
    ret_text[0] = 0;
    for (size_t i = 0; i < position->count; i++)
        range_format(i > 0 ? &position->ranges[i - 1] : NULL, &position->ranges[i], ret_text, size);
}

bool gtid_set_equal(const struct gtid_position *a, const struct gtid_position *b) {
    for (size_t i = 0; i < a->count; i++)
        if (source_compare(&a->ranges[i], &b->ranges[i]) != 0 || a->ranges[i].first != b->ranges[i].first ||
            a->ranges[i].last != b->ranges[i].last)
            return false;
    return true;
}

/* The first piece of what is left of a range that the set does not have; false: it has all of it. */
static bool next_piece(struct gtid_range *left, const struct gtid_position *set, struct gtid_range *ret_piece) {
    struct gtid_range piece = *left;
    if (left->first > left->last)
        return false;
    for (size_t i = 0; i < set->count; i++) {
        const struct gtid_range *known = &set->ranges[i];
        if (source_compare(known, left) != 0 || known->last < piece.first)
            continue;
        if (known->first > piece.first) {
            if (known->first <= piece.last)
                piece.last = known->first - 1;
            break;
        }
        piece.first = known->last + 1;
        if (piece.first > piece.last)
            return false;
    }
    left->first = piece.last + 1;
    *ret_piece = piece;
    return true;
}

bool gtid_set_reached(const struct gtid_position *a, const struct gtid_position *b) {
    for (size_t i = 0; i < a->count; i++) {
        struct gtid_range left = a->ranges[i], piece;
        if (next_piece(&left, b, &piece))
            return false;
    }
    return true;
}

uint64_t gtid_set_own(const struct gtid_position *have, const struct gtid_position *other, char *ret_text,
                      size_t size) {
    struct gtid_range previous, piece;
    uint64_t total = 0;
    ret_text[0] = 0;
    for (size_t i = 0; i < have->count; i++) {
        struct gtid_range left = have->ranges[i];
        while (next_piece(&left, other, &piece)) {
            uint64_t count = piece.last - piece.first + 1;
            range_format(total > 0 ? &previous : NULL, &piece, ret_text, size);
            total = count > UINT64_MAX - total ? UINT64_MAX : total + count;
            previous = piece;
        }
    }
    return total;
}
