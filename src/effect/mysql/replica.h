/* Replication on a MariaDB server: what SHOW ALL SLAVES STATUS says of the default connection, and applying what was
 * received without losing any of it (SERVERS.md trap 4). */
#ifndef MMM_EFFECT_MYSQL_REPLICA_H
#define MMM_EFFECT_MYSQL_REPLICA_H

#include "effect/mysql/connection.h"
#include "effect/mysql/task.h"
#include "model/server.h"

struct replica {
    bool configured;
    char source[256]; /* Master_Host: an address or a name */
    uint16_t source_port;
    enum thread_state receiving;
    enum thread_state applying;
    uint32_t receive_error;
    char receive_text[FACT_SIZE];
    uint32_t apply_error;
    char apply_text[FACT_SIZE];
    bool by_slave_pos;             /* MASTER_USE_GTID=slave_pos */
    bool by_gtid;                  /* slave_pos or current_pos */
    struct gtid_position received; /* Gtid_IO_Pos; whole transactions only */
    uint64_t read_to;   /* Read_Master_Log_Pos: grows with every event that arrives, not only with whole ones */
    bool files_reached; /* without GTID: the SQL thread stands where the IO thread does */
};

enum rc replica_read(struct connection *connection, msec deadline, struct replica *ret_replica,
                     struct reason *ret_why) NODISCARD;

/* Sees to it that received transactions are being applied: starts the SQL thread if that is safe. */
enum rc replica_apply(const struct work *work, struct reason *ret_why) NODISCARD;
/* Stops the IO thread alone, in a bounded time. */
enum rc replica_stop_receiving(const struct work *work, struct reason *ret_why) NODISCARD;
/* Waits until the position is applied, as long as there is hope: not when replication has stopped, nor when what is
 * lacking has not begun to arrive, or ceased to, for two seconds. */
enum rc replica_reach(const struct work *work, const struct gtid_position *reach, struct reason *ret_why) NODISCARD;
/* Stops receiving, applies what is there, stops.  Nothing to do without a source. */
enum rc replica_drain(const struct work *work, struct reason *ret_why) NODISCARD;

#endif
