/* Replication: what the server says of its default connection (the channel without a name), and applying what was
 * received without losing any of it (SERVERS.md trap 4). */
#ifndef MMM_EFFECT_MYSQL_REPLICA_H
#define MMM_EFFECT_MYSQL_REPLICA_H

#include "effect/mysql/connection.h"
#include "effect/mysql/task.h"
#include "model/server.h"

struct replica {
    bool configured;
    char source[256]; /* an address or a name */
    uint16_t source_port;
    uint32_t delay_s;
    msec heartbeat; /* the period that is asked of the source; 0: none, and on MySQL, which does not tell here */
    enum thread_state receiving;
    enum thread_state applying;
    uint32_t receive_error;
    char receive_text[FACT_SIZE];
    uint32_t apply_error;
    char apply_text[FACT_SIZE];
    bool by_replicated;            /* MASTER_USE_GTID=slave_pos; SOURCE_AUTO_POSITION=1 */
    bool by_gtid;                  /* that, or current_pos */
    struct gtid_position received; /* whole transactions only: Gtid_IO_Pos; Retrieved_Gtid_Set and what is executed */
    uint64_t read_to;   /* in the source's log: grows with every event that arrives, not only with whole ones */
    bool files_reached; /* without GTID: the SQL thread stands where the IO thread does */
};

enum rc replica_read(struct connection *connection, msec deadline, struct replica *ret_replica,
                     struct reason *ret_why) NODISCARD;

/* Waits until the position is applied, as long as there is hope: not when replication has stopped, nor when what is
 * lacking has not begun to arrive, or ceased to, for two seconds. */
enum rc replica_reach(const struct work *work, const struct gtid_position *reach, struct reason *ret_why) NODISCARD;
/* Stops receiving, applies what is there, stops.  Nothing to do without a source. */
enum rc replica_drain(const struct work *work, struct reason *ret_why) NODISCARD;

#endif
