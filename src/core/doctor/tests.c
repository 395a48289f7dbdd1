/* Values are compared as the servers mean them: ON is 1, 16M is 16777216, and case says nothing. */
#include <string.h>

#include "base/text.h"
#include "core/doctor/doctor.h"

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Equal up to a length on both sides, but for case. */
static bool same_word(const char *a, size_t a_length, const char *b, size_t b_length) {
    if (a_length != b_length)
        return false;
    for (size_t i = 0; i < a_length; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

static bool read_flag(const char *text, size_t length, int64_t *ret_number) {
    static const struct {
        const char *word;
        int64_t number;
    } words[] = { { "on", 1 }, { "off", 0 }, { "true", 1 }, { "false", 0 }, { "yes", 1 }, { "no", 0 } };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (same_word(text, length, words[i].word, strlen(words[i].word))) {
            *ret_number = words[i].number;
            return true;
        }
    return false;
}

static int64_t factor_of(char c) {
    switch (lower(c)) {
    case 'k':
        return INT64_C(1) << 10;
    case 'm':
        return INT64_C(1) << 20;
    case 'g':
        return INT64_C(1) << 30;
    case 't':
        return INT64_C(1) << 40;
    default:
        return 0;
    }
}

/* A whole number with an optional sign, fraction of zeros or other digits (which are dropped) and size. */
static bool read_number(const char *text, size_t length, int64_t *ret_number) {
    if (read_flag(text, length, ret_number))
        return true;
    size_t i = length > 0 && text[0] == '-' ? 1 : 0;
    size_t first = i;
    int64_t number = 0;
    for (; i < length && text[i] >= '0' && text[i] <= '9' && number < INT64_MAX / 100; i++)
        number = number * 10 + (text[i] - '0');
    if (i == first)
        return false;
    if (i < length && text[i] == '.')
        for (i++; i < length && text[i] >= '0' && text[i] <= '9'; i++)
            ;
    if (i + 1 == length && factor_of(text[i]) && number < INT64_MAX / factor_of(text[i])) {
        number *= factor_of(text[i]);
        i++;
    }
    if (i != length)
        return false;
    *ret_number = first ? -number : number;
    return true;
}

static bool same_value(const char *a, size_t a_length, const char *b, size_t b_length) {
    int64_t left, right;
    if (read_number(a, a_length, &left) && read_number(b, b_length, &right))
        return left == right;
    return same_word(a, a_length, b, b_length);
}

static bool same(const char *a, const char *b) {
    return same_value(a, strlen(a), b, strlen(b));
}

/* Is the value one of «a|b»? */
static bool among(const char *value, const char *choices) {
    for (const char *at = choices;; at++) {
        const char *end = strchr(at, '|');
        size_t length = end ? (size_t)(end - at) : strlen(at);
        if (same_value(value, strlen(value), at, length))
            return true;
        if (!end)
            return false;
        at = end;
    }
}

static bool number_of(const struct doctor_case *c, int64_t *ret_number) {
    return c->value && read_number(c->value, strlen(c->value), ret_number);
}

static int64_t wanted_number(const struct doctor_row *row) {
    int64_t number = 0;
    (void)read_number(row->want, strlen(row->want), &number);
    return number;
}

bool is_other(const struct doctor_row *row, const struct doctor_case *c) {
    return c->value && !among(c->value, row->want);
}

bool is_one_of(const struct doctor_row *row, const struct doctor_case *c) {
    return c->value && among(c->value, row->want);
}

bool is_there(const struct doctor_row *row, const struct doctor_case *c) {
    (void)row;
    return c->value && c->value[0];
}

/* Only of a host that was looked at: «server.variables» says that all of them are known. */
bool is_not_there(const struct doctor_row *row, const struct doctor_case *c) {
    (void)row;
    return !c->value && facts_get(c->facts, "server.variables");
}

bool is_below(const struct doctor_row *row, const struct doctor_case *c) {
    int64_t number;
    return number_of(c, &number) && number < wanted_number(row);
}

/* From the first of «least|most» on, below the second. */
bool is_between(const struct doctor_row *row, const struct doctor_case *c) {
    int64_t number, least, most;
    const char *bar = strchr(row->want, '|');
    return bar && read_number(row->want, (size_t)(bar - row->want), &least) &&
           read_number(bar + 1, strlen(bar + 1), &most) && number_of(c, &number) && number >= least && number < most;
}

bool is_above(const struct doctor_row *row, const struct doctor_case *c) {
    int64_t number, most = wanted_number(row);
    return number_of(c, &number) && (number > most || number < -most);
}

bool is_beyond_or_none(const struct doctor_row *row, const struct doctor_case *c) {
    int64_t number;
    return number_of(c, &number) && number > 0 && number < wanted_number(row);
}

static bool has_item(const char *list, const char *item, size_t item_length) {
    for (const char *at = list; *at;) {
        const char *end = strchr(at, ',');
        size_t length = end ? (size_t)(end - at) : strlen(at);
        if (same_word(at, length, item, item_length))
            return true;
        at += length;
        while (*at == ',' || *at == ' ')
            at++;
    }
    return false;
}

bool lacks(const struct doctor_row *row, const struct doctor_case *c) {
    if (!c->value)
        return false;
    for (const char *at = row->want;; at++) {
        const char *end = strchr(at, '|');
        size_t length = end ? (size_t)(end - at) : strlen(at);
        if (has_item(c->value, at, length))
            return false;
        if (!end)
            return true;
        at = end;
    }
}

/* An option that no file names is off; only when the option files were read. */
bool is_not_started_so(const struct doctor_row *row, const struct doctor_case *c) {
    if (!facts_get(c->facts, "start.known"))
        return false;
    return !c->value || !among(c->value, row->want);
}

/* These are meant to differ: the agent sets them, or their option is a path and their value a flag. */
static bool is_free_to_differ(const char *name) {
    static const char *const names[] = { "known", "read_only", "super_read_only", "log_bin", "bind_address" };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_equal(name, names[i]))
            return true;
    return text_starts_with(name, "rpl_semi_sync_");
}

bool is_changed_by_a_start(const struct doctor_row *row, const struct doctor_case *c) {
    (void)row;
    char name[FACT_NAME_SIZE + 8] = "var.";
    text_append(name, sizeof name, "%s", c->name);
    const char *running = facts_get(c->facts, name);
    return running && c->value && !is_free_to_differ(c->name) && !same(running, c->value);
}

static const char *value_there(const struct doctor_row *row, const struct doctor_case *c) {
    return facts_get(c->of_peer, row->fact);
}

bool is_the_same_there(const struct doctor_row *row, const struct doctor_case *c) {
    const char *there = value_there(row, c);
    return c->value && there && same(c->value, there);
}

bool is_another_there(const struct doctor_row *row, const struct doctor_case *c) {
    const char *there = value_there(row, c);
    return c->value && there && !same(c->value, there);
}

bool is_not_as_here(const struct doctor_row *row, const struct doctor_case *c) {
    const char *here = facts_get(c->of_cluster, row->fact);
    return c->value && here && !text_equal(c->value, here);
}

/* ---- the configuration ---- */

bool is_beside_a_master(const struct doctor_row *row, const struct doctor_case *c) {
    (void)row;
    for (int i = 0; i < c->cluster->host_count; i++) {
        char address[IP_TEXT_MAX];
        ip_format(&c->cluster->hosts[i].address, address);
        if (c->value && c->cluster->hosts[i].mode == MODE_MASTER && text_equal(c->value, address))
            return true;
    }
    return false;
}

static int masters_of(const struct cluster *cluster) {
    int count = 0;
    for (int i = 0; i < cluster->host_count; i++)
        count += cluster->hosts[i].mode == MODE_MASTER;
    return count;
}

bool is_alone(const struct doctor_row *row, const struct doctor_case *c) {
    (void)row;
    return masters_of(c->cluster) < 2;
}

bool is_tight(const struct doctor_row *row, const struct doctor_case *c) {
    (void)row;
    const struct lease_spec *lease = &c->cluster->lease;
    return lease->length - (3 * lease->report + lease->fence + lease->margin) < lease->report;
}

/* MariaDB's writer waits for one acknowledgement, whoever sends it. */
bool has_more_masters_than_acknowledge(const struct doctor_row *row, const struct doctor_case *c) {
    (void)row;
    return masters_of(c->cluster) > 2;
}

bool is_without_last_resort(const struct doctor_row *row, const struct doctor_case *c) {
    (void)row;
    return c->cluster->last_resort == LAST_RESORT_NONE;
}

/* ---- the machine ---- */

bool lacks_ipv6(const struct doctor_row *row, const struct doctor_case *c) {
    (void)row;
    for (int i = 0; i < c->cluster->address_count; i++)
        if (c->cluster->addresses[i].ip.family == 6)
            return c->value && same(c->value, "1");
    return false;
}

bool answers_on_all_interfaces(const struct doctor_row *row, const struct doctor_case *c) {
    const char *interfaces = facts_get(c->facts, "kernel.interfaces");
    int64_t count;
    return is_one_of(row, c) && interfaces && read_number(interfaces, strlen(interfaces), &count) && count > 1;
}

bool listens_elsewhere(const struct doctor_row *row, const struct doctor_case *c) {
    (void)row;
    int64_t port;
    return number_of(c, &port) && c->host != HOST_NONE && port != c->cluster->hosts[c->host].server_port;
}

/* One address only, be it loopback or the host's own: clients come to role addresses. */
bool listens_to_itself(const struct doctor_row *row, const struct doctor_case *c) {
    return c->value && c->value[0] && !strchr(c->value, ',') && !among(c->value, row->want);
}
