/* What differs between MariaDB and MySQL, as one table for each; everything else here is written once for both.
 * Which of the two a server is, and what else it can do, it is asked (struct abilities), not read off its
 * version. */
#ifndef MMM_EFFECT_MYSQL_FAMILY_H
#define MMM_EFFECT_MYSQL_FAMILY_H

#include "effect/mysql/position.h"
#include "effect/mysql/replica.h"
#include "effect/mysql/task.h"

/* In one place, because the write and the creation of its table both depend on it: the server itself decides, in the
 * statement, so that a fence that comes between a look and a write cannot be overtaken by the write.  The statement
 * opens its table, which read_only waits for, before it evaluates this. */
#define SERVER_IS_WRITABLE "CAST(@@global.read_only AS CHAR) IN ('0', 'OFF')"
#define HEARTBEAT_COLUMNS " (server_id INT UNSIGNED PRIMARY KEY, stamp BIGINT NOT NULL) ENGINE=InnoDB"

struct source_quoted {
    char host[QUOTED_MAX];
    char user[QUOTED_MAX];
    char password[QUOTED_MAX];
};

struct family {
    /* No statement of ours waits longer than a second for a lock unless it says so, none is ended by a global limit,
     * none appears in the server's logs (the one that sets a source holds a password), and replication commands mean
     * the default connection only. */
    const char *session;
    const char *pulse; /* selects whether clients cannot write, and the version */
    const char *start_replication;
    const char *start_applying;
    const char *start_receiving;
    const char *filters; /* selects the names and values of the replication filters of the default connection */
    const char *binlog_filters, *binlog_filters_older; /* ... and has the binary log's as columns Binlog_Do_DB … */
    bool filters_need_performance_schema;
    const char *session_is_long; /* ... for most of what a hand-over waits (PLANNED_LENGTH in fence.c) */
    const char *session_time;    /* the finest column of the list of sessions that tells how long one has run */
    bool start_deletes;     /* starting replication that was stopped deletes what was received (SERVERS.md trap 4) */
    bool waits_for_several; /* a commit can wait for the acknowledgements of more than one replica */

    enum rc (*position_read)(struct connection *connection, msec deadline, struct position *ret_position,
                             struct reason *ret_why);
    enum rc (*replica_read)(struct connection *connection, msec deadline, struct replica *ret_replica,
                            struct reason *ret_why);
    enum rc (*stop_receiving)(const struct work *work, struct reason *ret_why);
    /* The rest of it too: nothing is received any more, and all that was received whole is applied. */
    enum rc (*stop_replication)(const struct work *work, struct reason *ret_why);
    /* Waits for a position until slice has passed. */
    enum rc (*await_applied)(const struct work *work, const struct gtid_position *wanted, msec slice, bool *ret_reached,
                             struct reason *ret_why);
    /* Keeps every option of a replica that was configured before; of those the servers change the heartbeat's period
     * by themselves when the source changes. */
    enum rc (*set_source)(const struct work *work, const struct source_quoted *source, const struct position *position,
                          const struct replica *before, struct reason *ret_why);
    /* The gate (fence.c): asks for read-only on the session of the gate, and waits patience for the answer; its
     * statement stays pending if that was too short.  The server, as far as it can, is told to give up after most. */
    enum rc (*gate_ask)(const struct work *work, msec most, msec patience, struct reason *ret_why);
    /* A pending gate's end, which is that of most: RC_OK: read-only; else it is not, and does not come true later. */
    enum rc (*gate_end)(const struct work *work, msec until, struct reason *ret_why);
    /* Ends commits that wait for an acknowledgement; clients have been cut off and killed, and the gate waits.  NULL:
     * they end by that. */
    enum rc (*release_commits)(const struct work *work, struct reason *ret_why);
    /* Takes back what release_commits changed, where an agent died before it could.  NULL: it changes nothing. */
    enum rc (*release_undo)(const struct work *work, struct reason *ret_why);
    /* Switches the writer's side of semi-synchronous replication off: commits that wait are answered OK. */
    enum rc (*stop_waiting)(const struct work *work, struct reason *ret_why);
    /* The same in the two steps of semi_sync_leave_first and _then.  NULL: stop_waiting itself takes no time. */
    enum rc (*stop_waiting_first)(const struct work *work, struct reason *ret_why);
    enum rc (*stop_waiting_then)(const struct work *work, struct reason *ret_why);
    /* The statement that makes the server writable; never later than the deadline. */
    enum rc (*open)(const struct work *work, struct reason *ret_why);
    enum rc (*heartbeat_create)(struct connection *connection, msec deadline, struct reason *ret_why);
};

extern const struct family family_mariadb;
extern const struct family family_mysql;

/* NULL: neither, or the connection is closed. */
const struct family *family_of(const struct connection *connection);
/* The same for a task, with a reason. */
enum rc family_need(const struct connection *connection, const struct family **ret_family,
                    struct reason *ret_why) NODISCARD;

/* For both: a row of SHOW REPLICA STATUS by the words of the family. */
enum thread_state replica_thread_state(const char *running);
msec replica_seconds(const char *seconds); /* «2.500» */
uint32_t replica_number(const struct connection *connection, const char *column);
enum rc replica_command(const struct work *work, const char *statement, struct reason *ret_why) NODISCARD;

/* For both: the steps of a fence. */
enum rc gate_await(const struct work *work, msec until, struct reason *ret_why) NODISCARD;
/* How many commits wait for an acknowledgement. */
enum rc commits_waiting(const struct work *work, uint64_t *ret_count, struct reason *ret_why) NODISCARD;

#endif
