/* What the tests of the core share: a small cluster with the defaults of the configuration, and positions. */
#ifndef MMM_TESTS_CORE_PIECES_H
#define MMM_TESTS_CORE_PIECES_H

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

enum { DB1, DB2, DB3, DB4 };                           /* masters db1 and db2, replicas from db3 on */
enum { WRITER_ADDRESS, READER_1, READER_2, READER_3 }; /* role addresses */

static inline struct ip core_ip(unsigned last) {
    return (struct ip){ .family = 4, .bytes = { 10, 77, 0, (uint8_t)last } };
}

static inline struct gtid_position core_position(const char *text) {
    struct gtid_position position = { 0 };
    assert_int_equal(gtid_parse(text, &position, NULL), RC_OK);
    return position;
}

static inline struct cluster core_cluster(int hosts) {
    struct cluster cluster = {
        .name = "shop",
        .durability = DURABILITY_ASYNCHRONOUS,
        .last_resort = LAST_RESORT_KILL,
        .host_count = hosts,
        .role_count = 2,
        .roles = { { .name = "writer",
                     .mode = ROLE_EXCLUSIVE,
                     .hosts = 3,
                     .order = { DB1, DB2 },
                     .order_count = 2,
                     .prefer = HOST_NONE,
                     .is_writer = true },
                   { .name = "reader", .mode = ROLE_BALANCED, .prefer = HOST_NONE } },
        .address_count = 4,
        .lease = { .length = SECONDS(5), .report = 500, .fence = SECONDS(1), .margin = 500 },
        .health = { .lag_max = SECONDS(10),
                    .lag_back = SECONDS(5),
                    .answer_timeout = SECONDS(2),
                    .settle = SECONDS(10),
                    .down_short = SECONDS(60),
                    .flap_count = 3,
                    .flap_window = SECONDS(3600) },
        .failover = { .drain_timeout = SECONDS(30),
                      .switchover_timeout = SECONDS(10),
                      .catch_up = SECONDS(2),
                      .grace = SECONDS(10),
                      .acknowledge_timeout = SECONDS(1) },
    };
    for (int i = 0; i < hosts; i++) {
        struct host_spec *host = &cluster.hosts[i];
        *host = (struct host_spec){ .address = core_ip(11 + (unsigned)i),
                                    .server_port = 3306,
                                    .mode = i < 2 ? MODE_MASTER : MODE_REPLICA };
        snprintf(host->name, sizeof host->name, "db%d", i + 1);
        cluster.roles[1].hosts |= set_of(i);
        cluster.roles[1].order[cluster.roles[1].order_count++] = i;
    }
    for (int i = 0; i < cluster.address_count; i++)
        cluster.addresses[i] = (struct role_address){ .ip = core_ip(50 + (unsigned)i), .prefix = 24, .role = i > 0 };
    return cluster;
}

/* xorshift64*: the same numbers in every run; the state is never 0. */
static inline uint64_t core_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

#endif
