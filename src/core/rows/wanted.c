#include <string.h>

#include "core/rows/rows.h"

/* Up to most; the cursor moves only when there is a number. */
static bool read_number(const char **cursor, uint64_t most, uint64_t *ret_number) {
    uint64_t number = 0;
    const char *at = *cursor;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (number > (most - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (at == *cursor)
        return false;
    *cursor = at;
    *ret_number = number;
    return true;
}

static bool read_character(const char **cursor, char wanted) {
    if (**cursor != wanted)
        return false;
    (*cursor)++;
    return true;
}

/* «0-13-7» or «0-13-7..9» */
static bool read_range(const char **cursor, struct rows_range *ret_range) {
    uint64_t domain, server, first, last;
    if (!read_number(cursor, UINT32_MAX, &domain) || !read_character(cursor, '-') ||
        !read_number(cursor, UINT32_MAX, &server) || !read_character(cursor, '-') ||
        !read_number(cursor, INT64_MAX, &first))
        return false;
    last = first;
    if (read_character(cursor, '.') && (!read_character(cursor, '.') || !read_number(cursor, INT64_MAX, &last)))
        return false;
    *ret_range =
        (struct rows_range){ .domain = (uint32_t)domain, .server = (uint32_t)server, .first = first, .last = last };
    return first >= 1 && last >= first;
}

static enum rc parse_ranges(const char *list, struct rows_wanted *wanted, struct reason *ret_why) {
    for (const char *at = list;;) {
        if (wanted->count == ROWS_RANGES_MAX)
            return FAIL(RC_INVALID, ret_why, "more than %d transactions or ranges", ROWS_RANGES_MAX);
        if (!read_range(&at, &wanted->ranges[wanted->count]))
            return FAIL(RC_INVALID, ret_why, "«%.60s» is no list of transactions", list);
        wanted->count++;
        if (!*at)
            return RC_OK;
        if (!read_character(&at, ','))
            return FAIL(RC_INVALID, ret_why, "«%.60s» is no list of transactions", list);
    }
}

enum rc rows_wanted_parse(const char *list, struct rows_wanted *ret_wanted, struct reason *ret_why) {
    struct rows_wanted wanted = { .form = strchr(list, ':') != NULL ? GTID_SETS : GTID_DOMAINS };
    enum rc rc =
        wanted.form == GTID_SETS ? gtid_parse(list, &wanted.sets, ret_why) : parse_ranges(list, &wanted, ret_why);
    if (rc != RC_OK)
        return rc;
    if (wanted.form == GTID_SETS && (wanted.sets.form != GTID_SETS || wanted.sets.count == 0))
        return FAIL(RC_INVALID, ret_why, "«%.60s» is no list of transactions", list);
    *ret_wanted = wanted;
    return RC_OK;
}

uint64_t rows_wanted_count(const struct rows_wanted *wanted) {
    uint64_t count = 0;
    for (size_t i = 0; wanted->form == GTID_SETS && i < wanted->sets.count; i++) {
        uint64_t more = wanted->sets.ranges[i].last - wanted->sets.ranges[i].first + 1;
        count = more > UINT64_MAX - count ? UINT64_MAX : count + more;
    }
    for (size_t i = 0; wanted->form == GTID_DOMAINS && i < wanted->count; i++) {
        uint64_t more = wanted->ranges[i].last - wanted->ranges[i].first + 1;
        count = more > UINT64_MAX - count ? UINT64_MAX : count + more;
    }
    return count;
}

bool rows_wanted_has(const struct rows_wanted *wanted, const char *gtid) {
    if (wanted->form == GTID_SETS) {
        struct gtid_position one;
        return strchr(gtid, ':') != NULL && gtid_parse(gtid, &one, NULL) == RC_OK && one.count == 1 &&
               one.form == GTID_SETS && gtid_reached(&one, &wanted->sets);
    }
    struct rows_range one;
    if (!read_range(&gtid, &one) || *gtid || one.first != one.last)
        return false;
    for (size_t i = 0; i < wanted->count; i++) {
        const struct rows_range *range = &wanted->ranges[i];
        if (range->domain == one.domain && range->server == one.server && range->first <= one.first &&
            one.first <= range->last)
            return true;
    }
    return false;
}
