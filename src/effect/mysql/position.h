/* Where a server is: its own position variables, read in one statement. */
#ifndef MMM_EFFECT_MYSQL_POSITION_H
#define MMM_EFFECT_MYSQL_POSITION_H

#include "effect/mysql/connection.h"
#include "model/gtid.h"

struct position {
    bool read_only;
    struct gtid_position has;        /* all of it: @@gtid_binlog_state, by every server that wrote; @@gtid_executed */
    struct gtid_position current;    /* replicated, or written by itself after that: @@gtid_current_pos */
    struct gtid_position replicated; /* @@gtid_slave_pos */
    struct gtid_position written;    /* the last of each domain in its binary log: @@gtid_binlog_pos; MySQL: empty */
};

enum rc position_read(struct connection *connection, msec deadline, struct position *ret_position,
                      struct reason *ret_why) NODISCARD;
/* True when the server holds everything up to wanted, replicated or written by itself. */
bool position_has(const struct position *position, const struct gtid_position *wanted);
/* Whether @@read_only as the server prints it (0 and 1; from MariaDB 12 on OFF, ON, NO_LOCK, NO_LOCK_NO_ADMIN) means
 * that clients cannot write. */
bool position_is_read_only(const char *value);

#endif
