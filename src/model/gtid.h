/* Where a server is in its history: one type for both families, so that decisions need not know which it is.
 *
 * MariaDB (@@gtid_binlog_state): for each (domain, server) the highest sequence number.  It names every server that
 * ever wrote into a domain and so can be compared as a set; @@gtid_slave_pos and Gtid_IO_Pos have one entry a domain
 * and are read with the same functions. MySQL (@@gtid_executed): a set of transactions, as ranges of numbers for each
 * source, which is a server's UUID and from 8.3 on an optional tag. The two never meet in one cluster; where they do,
 * neither has anything of the other. */
#ifndef MMM_MODEL_GTID_H
#define MMM_MODEL_GTID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/reason.h"

enum {
    GTID_ENTRIES_MAX = 32,
    /* Every server that ever was writer leaves a range, and every gap in what it wrote another one. */
    GTID_RANGES_MAX = 64,
    GTID_UUID_SIZE = 16,
    GTID_TAG_MAX = 32,
    GTID_TEXT_MAX = GTID_RANGES_MAX * 111 + 1, /* UUID, tag, two numbers of 19 digits and what stands between them */
};

struct gtid {
    uint32_t domain;
    uint32_t server;
    uint64_t sequence;
};

struct gtid_range {
    uint8_t uuid[GTID_UUID_SIZE];
    char tag[GTID_TAG_MAX]; /* padded with zeros, without one when it is as long as it may be; empty: none */
    uint64_t first, last;   /* 1 to 2^63-2 */
};

enum gtid_form { GTID_DOMAINS, GTID_SETS };

struct gtid_position {
    enum gtid_form form; /* of no meaning while count is 0 */
    size_t count;
    union {
        struct gtid entries[GTID_ENTRIES_MAX];     /* GTID_DOMAINS: sorted by domain, then server; no pair twice */
        struct gtid_range ranges[GTID_RANGES_MAX]; /* GTID_SETS: sorted by UUID, tag, first; none touches the next */
    };
};

/* «0-1-42,1-2-7», or «UUID:1-5:7:tag:1-3,UUID:1» with numbers or ranges; empty text is the empty position; white space
 * around commas is allowed. */
enum rc gtid_parse(const char *text, struct gtid_position *ret_position, struct reason *ret_why) NODISCARD;
/* As the servers print it.  GTID_TEXT_MAX is enough for any; what does not fit is cut. */
void gtid_format(const struct gtid_position *position, char *ret_text, size_t size);
/* For people: of what does not fit only whole numbers are left, and «…» behind them says that there is more. */
void gtid_brief(const struct gtid_position *position, char *ret_text, size_t size);

/* Only what is used: a position has room for far more than most servers need.  What lies beyond the count stays as it
 * was, so positions are compared by gtid_equal and never by their bytes. */
void gtid_copy(struct gtid_position *to, const struct gtid_position *from);
bool gtid_equal(const struct gtid_position *a, const struct gtid_position *b);
/* Adds an entry, or raises the one that is there; false, and nothing is changed, when there is no room. */
bool gtid_raise(struct gtid_position *position, struct gtid entry);
bool gtid_insert(struct gtid_position *position, const struct gtid_range *range);
/* Adds all of another position; false, and nothing is changed, when there is no room or the other is of another form.
 */
bool gtid_add(struct gtid_position *position, const struct gtid_position *other);

/* The highest sequence number in a domain, whichever server wrote it; 0 when there is none.  With gtid_strict_mode
 * sequence numbers of a domain only grow, so this orders two positions of one history. */
uint64_t gtid_domain_sequence(const struct gtid_position *position, uint32_t domain);
/* True when b has all of a.  MariaDB: b, in every domain that a has, is at least as far as a. */
bool gtid_reached(const struct gtid_position *a, const struct gtid_position *b);

/* What «have» holds and «other» does not; returns how many transactions that is, and lists them.
 * MySQL: exactly.  MariaDB, both being @@gtid_binlog_state: for each (domain, server) of «have» that is further there
 * than in «other», exactly as long as the numbers of a domain only grow (gtid_strict_mode): they are shared by its
 * servers, so they are counted from the last that both have.  Never 0 when there is one. */
uint64_t gtid_own(const struct gtid_position *have, const struct gtid_position *other, char *ret_text, size_t size);

/* How far «other» is behind «have» in their common history.  MySQL: as gtid_own.  MariaDB: for each domain, from the
 * highest sequence number that other knows to the highest of have.  Unlike gtid_own it does not ask who wrote what, so
 * a position with one entry a domain (Gtid_IO_Pos) will do. */
uint64_t gtid_missing(const struct gtid_position *have, const struct gtid_position *other, char *ret_text, size_t size);

#endif
