/* Semi-synchronous replication on a server, both sides: the one place that knows its variables.  The families differ in
 * their words, in whether commits can wait for several replicas, and in what it takes to stop waiting (family.h). */
#ifndef MMM_EFFECT_MYSQL_SEMI_SYNC_H
#define MMM_EFFECT_MYSQL_SEMI_SYNC_H

#include "effect/mysql/connection.h"
#include "effect/mysql/task.h"
#include "model/server.h"

/* The server's words for the two sides: its variables are rpl_semi_sync_WORD_…. */
struct semi_sync_words {
    const char *source;
    const char *replica;
};

/* False: the server does not know semi-synchronous replication, as far as the session has asked. */
bool semi_sync_words(const struct connection *connection, struct semi_sync_words *ret_words);

/* A server that does not know it leaves known false; that is no failure. */
enum rc semi_sync_read(struct connection *connection, msec deadline, struct semi_sync *ret_semi_sync,
                       struct reason *ret_why) NODISCARD;

/* The writer's side: commits wait for acknowledgements from now on, however long it takes, or for none.  To switch
 * it off answers OK to all that are waiting (SERVERS.md trap 2): who asks for it knows that nobody counts on the
 * replicas any more. */
enum rc semi_sync_wait(const struct work *work, bool waits, struct reason *ret_why) NODISCARD;
/* The same for a read-only server whose replicas leave it, in two steps: the first takes no time, and from then on the
 * server waits only for those that are still there; the second waits until they have left, a second or so. */
enum rc semi_sync_leave_first(const struct work *work, struct reason *ret_why) NODISCARD;
enum rc semi_sync_leave_then(const struct work *work, struct reason *ret_why) NODISCARD;
/* The replica's side, for the connections to its source that are made from now on. */
enum rc semi_sync_acknowledge(const struct work *work, bool acknowledges, struct reason *ret_why) NODISCARD;
/* Both as the task says, and for the present connection to the source too. */
enum rc semi_sync_run(const struct work *work, struct reason *ret_why) NODISCARD;

#endif
