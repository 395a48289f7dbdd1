/* A MariaDB replication position: for each (domain, server) the highest sequence number.
 * This is the shape of @@gtid_binlog_state, which names every server that ever wrote into a domain and so can be
 * compared as a set; @@gtid_slave_pos and Gtid_IO_Pos have one entry a domain and are read with the same functions. */
#ifndef MMM_MODEL_GTID_H
#define MMM_MODEL_GTID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/reason.h"

enum { GTID_ENTRIES_MAX = 32, GTID_TEXT_MAX = GTID_ENTRIES_MAX * 43 };

struct gtid {
    uint32_t domain;
    uint32_t server;
    uint64_t sequence;
};

struct gtid_position {
    size_t count;
    struct gtid entries[GTID_ENTRIES_MAX]; /* sorted by domain, then server; no pair twice */
};

/* "0-1-42,1-2-7"; empty text is the empty position; white space around commas is allowed. */
enum rc gtid_parse(const char *text, struct gtid_position *ret_position, struct reason *ret_why) NODISCARD;
void gtid_format(const struct gtid_position *position, char *ret_text, size_t size);

bool gtid_equal(const struct gtid_position *a, const struct gtid_position *b);
/* Adds an entry, or raises the one that is there; false when the array is full. */
bool gtid_raise(struct gtid_position *position, struct gtid entry);

/* The highest sequence number in a domain, whichever server wrote it; 0 when there is none.  With gtid_strict_mode
 * sequence numbers of a domain only grow, so this orders two positions of one history. */
uint64_t gtid_domain_sequence(const struct gtid_position *position, uint32_t domain);
/* True when b, in every domain that a has, is at least as far as a. */
bool gtid_reached(const struct gtid_position *a, const struct gtid_position *b);

/* What «have» holds and «other» does not, both being @@gtid_binlog_state: for each (domain, server) of «have» that is
 * further there than in «other».  Returns how many transactions that is, exactly as long as the numbers of a domain only
 * grow (gtid_strict_mode): they are shared by its servers, so they are counted from the last that both have.  Never 0
 * when there is one. */
uint64_t gtid_own(const struct gtid_position *have, const struct gtid_position *other, char *ret_text, size_t size);

/* How far «other» is behind «have» in their common history: for each domain, from the highest sequence number that
 * other knows to the highest of have.  Unlike gtid_own it does not ask who wrote what, so a position with one entry a
 * domain (Gtid_IO_Pos) will do. */
uint64_t gtid_missing(const struct gtid_position *have, const struct gtid_position *other, char *ret_text, size_t size);

#endif
