/* Semi-synchronous replication on a MariaDB server, both sides: the one place that knows its variables. */
#ifndef MMM_EFFECT_MYSQL_SEMI_SYNC_H
#define MMM_EFFECT_MYSQL_SEMI_SYNC_H

#include "effect/mysql/connection.h"
#include "effect/mysql/task.h"
#include "model/server.h"

/* A server that does not know it, and a MySQL server, whose semi-synchronous replication is the administrator's, leave
 * known false; that is no failure. */
enum rc semi_sync_read(struct connection *connection, msec deadline, struct semi_sync *ret_semi_sync,
                       struct reason *ret_why) NODISCARD;

/* The writer's side: commits wait for an acknowledgement from now on, however long it takes, or none does.  To switch
 * it off answers OK to all that are waiting (SERVERS.md trap 2): who asks for it knows that nobody counts on the
 * replicas any more. */
enum rc semi_sync_wait(const struct work *work, bool waits, struct reason *ret_why) NODISCARD;
/* The replica's side, for the connections to its source that are made from now on. */
enum rc semi_sync_acknowledge(const struct work *work, bool acknowledges, struct reason *ret_why) NODISCARD;
/* Both as the task says, and for the present connection to the source too. */
enum rc semi_sync_run(const struct work *work, struct reason *ret_why) NODISCARD;

#endif
