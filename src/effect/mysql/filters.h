/* The replication filters of a server: those of its default connection, and those of its binary log. */
#ifndef MMM_EFFECT_MYSQL_FILTERS_H
#define MMM_EFFECT_MYSQL_FILTERS_H

#include "effect/mysql/connection.h"

/* Not known on a MySQL server without its performance schema. */
enum rc filters_read(struct connection *connection, msec deadline, struct filters *ret_filters,
                     struct reason *ret_why) NODISCARD;

#endif
