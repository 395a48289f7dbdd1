/* Which rows do transactions touch?  The servers' own tools (mariadb-binlog, mysqlbinlog) decode a binary log into text
 * for people; this finds the wanted transactions in it, line by line, and keeps what they do within fixed bounds.
 *
 *   wanted.c  the list of transactions, as gtid_own writes it
 *   rows.c    the tool's lines
 *
 * Files are read newest first, since what is asked for was mostly written last.  Nobody decides by what is found: a
 * statement of somebody's may hold lines that look like the tool's, and then it is shown wrongly, no more. */
#ifndef MMM_CORE_ROWS_ROWS_H
#define MMM_CORE_ROWS_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/gtid.h"

enum {
    ROWS_RANGES_MAX = 16,
    ROWS_TRANSACTIONS_MAX = 50,
    ROWS_ITEMS_MAX = 100,
    ROWS_TEXT_MAX = 64 * 1024, /* of all items together */
    ROWS_ITEM_MAX = 2000,      /* of one; what is longer is cut */
    ROWS_GTID_SIZE = 96,       /* UUID, tag and number */
    ROWS_TIME_SIZE = 20,
    ROWS_CUT_SIZE = 4, /* «…» and its zero */
};

/* «0-13-7,0-12-56..58» with two dots for a range, or MySQL's sets as gtid_parse takes them. */
struct rows_wanted {
    enum gtid_form form;
    size_t count;
    struct rows_range {
        uint32_t domain, server;
        uint64_t first, last;
    } ranges[ROWS_RANGES_MAX]; /* GTID_DOMAINS */
    struct gtid_position sets; /* GTID_SETS */
};

/* An empty list is refused; RC_INVALID, and *ret_wanted is untouched. */
enum rc rows_wanted_parse(const char *list, struct rows_wanted *ret_wanted, struct reason *ret_why) NODISCARD;
/* How many transactions that is.  On MariaDB the most: the servers of a domain share its numbers, so some of a range
 * can be another server's. */
uint64_t rows_wanted_count(const struct rows_wanted *wanted);
/* «0-13-7», «UUID:7», «UUID:tag:7» */
bool rows_wanted_has(const struct rows_wanted *wanted, const char *gtid);

enum rows_operation { ROWS_INSERT, ROWS_UPDATE, ROWS_DELETE, ROWS_STATEMENT };

struct rows_item {
    enum rows_operation operation;
    /* Offsets into rows.text; 0: none.  Row: `db`.`table`, and «@1=7 @2='x'».  Statement: in «after». */
    size_t table, before, after;
};

struct rows_transaction {
    char gtid[ROWS_GTID_SIZE];
    char time[ROWS_TIME_SIZE]; /* 2026-11-22 05:00:00, in the tool's time zone */
    unsigned file;             /* 0: the newest */
    size_t first, count;       /* its items */
    uint64_t left_out;         /* ... and how many more, for which there was no room */
};

enum rows_end {
    ROWS_ALL,     /* nothing older holds any more of them */
    ROWS_PURGED,  /* the oldest file was read, and some were not found */
    ROWS_BOUNDED, /* not all was looked through: time, files, bytes; why says which */
    ROWS_FAILED,  /* nor could it be; why says it */
};

struct rows {
    enum rows_end end;
    struct reason why; /* of ROWS_BOUNDED, ROWS_FAILED */
    size_t count, item_count;
    struct rows_transaction transactions[ROWS_TRANSACTIONS_MAX];
    struct rows_item items[ROWS_ITEMS_MAX];
    uint64_t found, left_out; /* transactions; those for which there was no room */
    size_t used;              /* of text */
    char text[ROWS_TEXT_MAX];
};

/* Private to rows.c, but for its size. */
struct rows_reader {
    const struct rows_wanted *wanted;
    struct rows *rows;
    unsigned file;
    bool is_open;     /* a wanted transaction is being read */
    bool is_kept;     /* ... and there was room to note it */
    bool is_query;    /* between the head of a statement's event and the next head */
    bool is_in_unit;  /* in the middle of what ends with the delimiter */
    bool is_list;     /* in the list of what older files hold */
    bool is_complete; /* no older file can have any more of the wanted */
    bool item_is_open;
    size_t part;                  /* of the open item: where it began */
    char unit[ROWS_ITEM_MAX + 8]; /* of a statement's event, the last that ended with the delimiter or goes on; longer
                                     than an item has room for, so that a cut one is marked there */
    char time[ROWS_TIME_SIZE];
    uint64_t before[ROWS_RANGES_MAX]; /* the number that older files reach, of each wanted range's server */
};

/* *rows is emptied.  Both outlive the reader. */
void rows_reader_init(struct rows_reader *reader, const struct rows_wanted *wanted, struct rows *rows);
/* The output for one file: the newest first. */
void rows_file_begin(struct rows_reader *reader, unsigned file);
/* Without its line end; a line of any length, of which ROWS_ITEM_MAX bytes count. */
void rows_line(struct rows_reader *reader, const char *line);
void rows_file_end(struct rows_reader *reader);
bool rows_is_complete(const struct rows_reader *reader);

#endif
