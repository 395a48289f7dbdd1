/* What the tests of the wire share: a small cluster, numbers from a fixed seed, and a value of every message with
 * something in every field. */
#ifndef MMM_TESTS_WIRE_PIECES_H
#define MMM_TESTS_WIRE_PIECES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/cluster.h"
#include "model/gtid.h"
#include "wire/json.h"

#define TERM_MOST ((INT64_C(1) << TERM_BITS) - 1)

static inline struct ip ip_of(const char *text) {
    struct ip ip = { 0 };
    assert_int_equal(ip_parse(text, &ip, NULL), RC_OK);
    return ip;
}

static inline struct gtid_position position_of(const char *text) {
    struct gtid_position position = { 0 };
    assert_int_equal(gtid_parse(text, &position, NULL), RC_OK);
    return position;
}

static inline struct cluster make_cluster(void) {
    struct cluster cluster = {
        .name = "shop",
        .host_count = 4,
        .hosts = { { .name = "db1", .mode = MODE_MASTER },
                   { .name = "db2", .mode = MODE_MASTER },
                   { .name = "db3", .mode = MODE_REPLICA },
                   { .name = "db4", .mode = MODE_REPLICA } },
        .role_count = 2,
        .roles = { { .name = "writer", .mode = ROLE_EXCLUSIVE, .hosts = 3, .is_writer = true },
                   { .name = "reader", .mode = ROLE_BALANCED, .hosts = 15 } },
        .address_count = 4,
        .lease = { .length = SECONDS(5), .report = 500, .fence = SECONDS(1), .margin = 500 },
        .health = { .lag_max = SECONDS(10), .answer_timeout = SECONDS(3) },
    };
    static const char *const addresses[] = { "10.77.0.50", "10.77.0.51", "10.77.0.52", "fd00::53" };
    for (int i = 0; i < cluster.address_count; i++)
        cluster.addresses[i] =
            (struct role_address){ .ip = ip_of(addresses[i]), .prefix = i == 3 ? 64 : 24, .role = i > 0 };
    static const char *const hosts[] = { "10.77.0.11", "10.77.0.12", "10.77.0.13", "fd00::14" };
    for (int i = 0; i < cluster.host_count; i++)
        cluster.hosts[i].address = ip_of(hosts[i]);
    return cluster;
}

/* xorshift64: the same numbers in every run. */
static uint64_t seed = 20261122;

static inline uint64_t any(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static inline uint64_t any_below(uint64_t bound) {
    return any() % bound;
}

static inline bool any_flag(void) {
    return any_below(2);
}

/* Often one of the ends of the range: that is where mistakes are. */
static inline uint64_t any_up_to(uint64_t most) {
    switch (any_below(4)) {
    case 0:
        return 0;
    case 1:
        return most;
    default:
        return most == UINT64_MAX ? any() : any_below(most + 1);
    }
}

static inline void any_text(char *ret_text, size_t size) {
    static const char *const pieces[] = {
        "a", "Z", "7", " ", "\"", "\\", "\n", "/", "\xc3\xa9", "\xe2\x82\xac", "{", "]", "\xc2\xab", "\xf0\x9f\x90\xac",
        ","
    };
    size_t target = any_up_to(size - 1);
    ret_text[0] = 0;
    while (strlen(ret_text) < target) {
        const char *piece = pieces[any_below(COUNT_OF(pieces))];
        if (strlen(ret_text) + strlen(piece) > target)
            piece = "x";
        strcat(ret_text, piece);
    }
}

static inline struct gtid_position any_position(void) {
    struct gtid_position position = { 0 };
    if (any_below(2)) {
        uint64_t ranges = any_up_to(GTID_RANGES_MAX);
        while (position.count < ranges) {
            struct gtid_range range = { .first = 1 + any_up_to(INT64_MAX - 3) };
            range.uuid[any_below(GTID_UUID_SIZE)] = (uint8_t)any_below(256);
            memset(range.tag, 'a' + (int)any_below(26), any_below(GTID_TAG_MAX + 1));
            range.last = range.first + any_below(2);
            gtid_insert(&position, &range);
        }
        return position;
    }
    uint64_t count = any_up_to(GTID_ENTRIES_MAX);
    while (position.count < count)
        gtid_raise(&position, (struct gtid){ .domain = (uint32_t)any_up_to(UINT32_MAX),
                                             .server = UINT32_MAX - (uint32_t)any_below(1000),
                                             .sequence = any_up_to(UINT64_MAX) });
    return position;
}

static inline struct ip any_ip(void) {
    struct ip ip = { .family = any_flag() ? 4 : 6 };
    for (int i = 0; i < (ip.family == 4 ? 4 : 16); i++)
        ip.bytes[i] = (uint8_t)any();
    return ip;
}

static inline struct mac any_mac(void) {
    struct mac mac;
    for (size_t i = 0; i < sizeof mac.bytes; i++)
        mac.bytes[i] = (uint8_t)any();
    return mac;
}

static inline msec any_msec(void) {
    return (msec)any_up_to(WIRE_INTEGER_MAX);
}

/* The text in memory that ends exactly where it does, so that the address sanitizer sees one byte too far. */
static inline char *exact_copy(const char *text, size_t length) {
    char *copy = malloc(length ? length : 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    return copy;
}

/* The text with a piece put in behind its opening brace. */
static inline char *with_piece(const char *text, const char *piece) {
    size_t size = strlen(text) + strlen(piece) + 1;
    char *longer = malloc(size);
    assert_non_null(longer);
    snprintf(longer, size, "{%s%s", piece, text + 1);
    return longer;
}

static inline bool is_untouched(const void *memory, size_t size) {
    const unsigned char *bytes = memory;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0xa5)
            return false;
    return true;
}

static inline char *read_golden(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/tests/golden/wire/%s", MMM_SOURCE_ROOT, name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s", path);
    static char text[MESSAGE_TEXT_MAX];
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    return text;
}

/* Takes text over; compares it, laid out for people, with the file. */
static inline void expect_golden(char *text, const char *name) {
    json_t *root = json_loads(text, 0, NULL);
    char *laid_out = json_dumps(root, JSON_INDENT(2));
    size_t size = strlen(laid_out) + 2;
    char *with_end = malloc(size);
    assert_non_null(with_end);
    snprintf(with_end, size, "%s\n", laid_out);
    assert_string_equal(with_end, read_golden(name));
    free(with_end);
    free(laid_out);
    json_decref(root);
    free(text);
}

#endif
