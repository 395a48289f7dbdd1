/* One look at the server.  Three connections, because a server whose disk is full, or whose commits wait for an
 * acknowledgement, still answers a SELECT while statements about the binary log or a write hang (SERVERS.md traps 1,
 * 6): what hangs keeps its one connection until it is answered, and the others go on. */
#ifndef MMM_EFFECT_MYSQL_LOOK_H
#define MMM_EFFECT_MYSQL_LOOK_H

#include "effect/mysql/connection.h"
#include "model/server.h"

enum { LOOK_PULSE, LOOK_POSITION, LOOK_CANARY, LOOK_WAITING, LOOK_CONNECTIONS };

struct look {
    struct connection connections[LOOK_CONNECTIONS];
    struct probe known; /* the last position that was told in full; answered is false when there is none */
    msec filters_at;    /* when the replication filters were looked at; 0: not yet */
    msec started;       /* of the server, on our clock; 0: not asked yet */
};

void look_init(struct look *look, const struct connection_options *options);
void look_done(struct look *look);
void look_run(struct look *look, msec canary_stamp, msec timeout, struct probe *ret_probe);

#endif
