#include "model/gtid.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/gtid_internal.h"

static int compare(const struct gtid *a, const struct gtid *b) {
    if (a->domain != b->domain)
        return a->domain < b->domain ? -1 : 1;
    if (a->server != b->server)
        return a->server < b->server ? -1 : 1;
    return 0;
}

bool gtid_raise(struct gtid_position *position, struct gtid entry) {
    size_t at = 0;
    if (position->count > 0 && position->form != GTID_DOMAINS)
        return false;
    while (at < position->count && compare(&position->entries[at], &entry) < 0)
        at++;
    if (at < position->count && compare(&position->entries[at], &entry) == 0) {
        if (entry.sequence > position->entries[at].sequence)
            position->entries[at].sequence = entry.sequence;
        return true;
    }
    if (position->count == GTID_ENTRIES_MAX)
        return false;
    memmove(&position->entries[at + 1], &position->entries[at], (position->count - at) * sizeof entry);
    position->entries[at] = entry;
    position->count++;
    position->form = GTID_DOMAINS;
    return true;
}

bool gtid_add(struct gtid_position *position, const struct gtid_position *other) {
    struct gtid_position sum = *position;
    for (size_t i = 0; i < other->count; i++)
        if (!(other->form == GTID_SETS ? gtid_insert(&sum, &other->ranges[i]) : gtid_raise(&sum, other->entries[i])))
            return false;
    *position = sum;
    return true;
}

bool gtid_read_number(const char **cursor, uint64_t largest, uint64_t *ret_number) {
    const char *at = *cursor;
    uint64_t number = 0;
    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (number > (largest - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *cursor = at;
    *ret_number = number;
    return true;
}

static bool read_dash(const char **cursor) {
    return *(*cursor)++ == '-';
}

void gtid_skip_space(const char **cursor) {
    while (**cursor == ' ' || **cursor == '\n' || **cursor == '\r' || **cursor == '\t')
        (*cursor)++;
}

static enum rc domains_parse(const char *text, struct gtid_position *ret_position, struct reason *ret_why) {
    struct gtid_position position = { 0 };
    const char *cursor = text;
    gtid_skip_space(&cursor);
    while (*cursor) {
        uint64_t domain, server, sequence;
        if (!gtid_read_number(&cursor, UINT32_MAX, &domain) || !read_dash(&cursor) ||
            !gtid_read_number(&cursor, UINT32_MAX, &server) || !read_dash(&cursor) ||
            !gtid_read_number(&cursor, UINT64_MAX, &sequence))
            return FAIL(RC_INVALID, ret_why, "«%.60s» is not a GTID position", text);
        if (!gtid_raise(&position,
                        (struct gtid){ .domain = (uint32_t)domain, .server = (uint32_t)server, .sequence = sequence }))
            return FAIL(RC_INVALID, ret_why, "a GTID position of more than %d entries", GTID_ENTRIES_MAX);
        gtid_skip_space(&cursor);
        if (*cursor == ',') {
            cursor++;
            gtid_skip_space(&cursor);
            if (!*cursor)
                return FAIL(RC_INVALID, ret_why, "«%.60s» ends with a comma", text);
        } else if (*cursor) {
            return FAIL(RC_INVALID, ret_why, "«%.60s» is not a GTID position", text);
        }
    }
    *ret_position = position;
    return RC_OK;
}

/* Only MySQL's form has colons, and none of it goes without. */
enum rc gtid_parse(const char *text, struct gtid_position *ret_position, struct reason *ret_why) {
    return strchr(text, ':') != NULL ? gtid_set_parse(text, ret_position, ret_why)
                                     : domains_parse(text, ret_position, ret_why);
}

void gtid_format(const struct gtid_position *position, char *ret_text, size_t size) {
    ret_text[0] = 0;
    if (position->form == GTID_SETS) {
        gtid_set_format(position, ret_text, size);
        return;
    }
    for (size_t i = 0; i < position->count; i++) {
        const struct gtid *e = &position->entries[i];
        text_append(ret_text, size, "%s%u-%u-%llu", i ? "," : "", e->domain, e->server,
                    (unsigned long long)e->sequence);
    }
}

void gtid_brief(const struct gtid_position *position, char *ret_text, size_t size) {
    static const char more[] = "…";
    gtid_format(position, ret_text, size);
    size_t length = strlen(ret_text);
    if (length + 1 < size)
        return;
    while (length > 0 && (length + sizeof more > size || !strchr(",:", ret_text[length - 1])))
        length--;
    ret_text[length] = 0;
    if (size >= sizeof more)
        text_append(ret_text, size, "%s", more);
}

void gtid_copy(struct gtid_position *to, const struct gtid_position *from) {
    if (to == from)
        return;
    to->form = from->form;
    to->count = from->count;
    if (from->form == GTID_SETS)
        memcpy(to->ranges, from->ranges, from->count * sizeof *to->ranges);
    else
        memcpy(to->entries, from->entries, from->count * sizeof *to->entries);
}

bool gtid_equal(const struct gtid_position *a, const struct gtid_position *b) {
    if (a->count != b->count || (a->count > 0 && a->form != b->form))
        return false;
    if (a->form == GTID_SETS)
        return gtid_set_equal(a, b);
    for (size_t i = 0; i < a->count; i++)
        if (compare(&a->entries[i], &b->entries[i]) || a->entries[i].sequence != b->entries[i].sequence)
            return false;
    return true;
}

uint64_t gtid_domain_sequence(const struct gtid_position *position, uint32_t domain) {
    uint64_t highest = 0;
    if (position->form != GTID_DOMAINS)
        return 0;
    for (size_t i = 0; i < position->count; i++)
        if (position->entries[i].domain == domain && position->entries[i].sequence > highest)
            highest = position->entries[i].sequence;
    return highest;
}

/* For what compares two of one form: nothing of another form is of use. */
static const struct gtid_position *alike(const struct gtid_position *a, const struct gtid_position *b) {
    static const struct gtid_position nothing[] = { { .form = GTID_DOMAINS }, { .form = GTID_SETS } };
    return a->form == b->form ? b : &nothing[a->form];
}

bool gtid_reached(const struct gtid_position *a, const struct gtid_position *b) {
    if (a->form == GTID_SETS)
        return gtid_set_reached(a, alike(a, b));
    for (size_t i = 0; i < a->count; i++)
        if (gtid_domain_sequence(b, a->entries[i].domain) < a->entries[i].sequence)
            return false;
    return true;
}

static uint64_t server_sequence(const struct gtid_position *position, const struct gtid *of) {
    if (position->form != GTID_DOMAINS)
        return 0;
    for (size_t i = 0; i < position->count; i++)
        if (compare(&position->entries[i], of) == 0)
            return position->entries[i].sequence;
    return 0;
}

static uint64_t sum(uint64_t total, uint64_t more) {
    return more > UINT64_MAX - total ? UINT64_MAX : total + more;
}

static void list_range(const struct gtid *last, uint64_t known, char *text, size_t size) {
    const char *comma = text[0] ? "," : "";
    if (last->sequence - known == 1)
        text_append(text, size, "%s%u-%u-%llu", comma, last->domain, last->server, (unsigned long long)last->sequence);
    else
        text_append(text, size, "%s%u-%u-%llu..%llu", comma, last->domain, last->server, (unsigned long long)known + 1,
                    (unsigned long long)last->sequence);
}

/* The highest number in a domain that both have from the same server: up to there their history is one. */
static uint64_t common_sequence(const struct gtid_position *a, const struct gtid_position *b, uint32_t domain) {
    uint64_t highest = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->entries[i].domain != domain)
            continue;
        uint64_t mine = a->entries[i].sequence, theirs = server_sequence(b, &a->entries[i]);
        uint64_t both = mine < theirs ? mine : theirs;
        highest = both > highest ? both : highest;
    }
    return highest;
}

uint64_t gtid_own(const struct gtid_position *have, const struct gtid_position *other, char *ret_text, size_t size) {
    uint64_t total = 0;
    if (have->form == GTID_SETS)
        return gtid_set_own(have, alike(have, other), ret_text, size);
    ret_text[0] = 0;
    for (size_t i = 0; i < have->count; i++) {
        const struct gtid *e = &have->entries[i];
        uint64_t known = server_sequence(other, e);
        if (e->sequence <= known)
            continue;
        uint64_t common = common_sequence(have, other, e->domain);
        if (common > known && common < e->sequence)
            known = common;
        total = sum(total, e->sequence - known);
        list_range(e, known, ret_text, size);
    }
    return total;
}

uint64_t gtid_missing(const struct gtid_position *have, const struct gtid_position *other, char *ret_text,
                      size_t size) {
    uint64_t total = 0;
    if (have->form == GTID_SETS)
        return gtid_set_own(have, alike(have, other), ret_text, size);
    ret_text[0] = 0;
    for (size_t i = 0; i < have->count; i++) {
        const struct gtid *e = &have->entries[i];
        uint64_t known = gtid_domain_sequence(other, e->domain);
        if (e->sequence <= known || e->sequence < gtid_domain_sequence(have, e->domain))
            continue;
        total = sum(total, e->sequence - known);
        list_range(e, known, ret_text, size);
    }
    return total;
}
