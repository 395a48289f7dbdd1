/* Where a MariaDB server is: its own position variables, read in one statement. */
#ifndef MMM_EFFECT_MYSQL_POSITION_H
#define MMM_EFFECT_MYSQL_POSITION_H

#include "effect/mysql/connection.h"
#include "model/gtid.h"

struct position {
    bool read_only;
    struct gtid_position binlog_state; /* all that it has, by every server that wrote */
    struct gtid_position current;      /* gtid_current_pos: replicated, or written by itself after that */
    struct gtid_position replicated;   /* gtid_slave_pos */
    struct gtid_position written;      /* gtid_binlog_pos: the last of each domain in its binary log */
};

enum rc position_read(struct connection *connection, msec deadline, struct position *ret_position,
                      struct reason *ret_why) NODISCARD;
/* True when the server holds everything up to wanted, replicated or written by itself. */
bool position_has(const struct position *position, const struct gtid_position *wanted);
/* The furthest entry of each domain only, which is what MASTER_GTID_WAIT accepts. */
struct gtid_position position_heads(const struct gtid_position *position);
/* Whether @@read_only as the server prints it (0 and 1; from MariaDB 12 on OFF, ON, NO_LOCK, NO_LOCK_NO_ADMIN) means
 * that clients cannot write. */
bool position_is_read_only(const char *value);

#endif
