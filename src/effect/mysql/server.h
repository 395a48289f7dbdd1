/* One database server, spoken to by blocking calls on worker threads, always with all three time-outs (SERVERS.md
 * trap 12).  One thread looks (probe) and one works (task), each with connections of its own that are kept open, so
 * that a look is never behind a blocked SET GLOBAL read_only, and both still have a connection when clients have used
 * all of them up.  Looking takes three connections: one for the pulse, one for positions, one for the canary, because
 * on a full disk the first still answers when the others hang (trap 6); and a fourth once the canary has waited, to
 * ask what for, which the one for positions may be too late for.  Working takes two: see fence.c. Results come back on
 * the loop's thread. MariaDB and MySQL alike: family.h has what differs. */
#ifndef MMM_EFFECT_MYSQL_SERVER_H
#define MMM_EFFECT_MYSQL_SERVER_H

#include "effect/loop/loop.h"
#include "model/server.h"

struct server;

struct server_options {
    const char *socket;           /* the server's unix socket; logged in as the operating-system user */
    const char *replication_user; /* what FOLLOW writes into the replica */
    const char *replication_password;
    msec answer_timeout; /* connect, read and write time-out of the looking connection */
};

typedef void (*server_probe_done)(void *context, const struct probe *probe);
typedef void (*server_task_done)(void *context, const struct task_result *result);

struct server *server_new(struct loop *loop, const struct server_options *options, server_probe_done probe_done,
                          server_task_done task_done, void *context);
/* Starts a look; false when one is still under way (its done comes in any case, by its time-outs).
 * canary_stamp: not 0: also write the heartbeat row with this stamp (wall milliseconds). */
bool server_look(struct server *server, msec canary_stamp);
/* Starts a task; false when one is still under way. */
bool server_work(struct server *server, const struct server_task *task);
/* Ends the worker's wait for its connection at once (shutdown(2) of its socket): for a server that is known dead. */
void server_cut(struct server *server);
void server_free(struct server *server);

/* The monitor's own view of a server: connect over TCP, SELECT 1; the connection is kept and pinged. */
struct checker;
struct check_result {
    bool answered;
    bool too_many;
    uint32_t error_number;
    char error[FACT_SIZE];
};
typedef void (*checker_done)(void *context, int host, const struct check_result *result);
struct checker_options {
    struct ip address;
    uint16_t port;
    int host; /* handed back to done */
    const char *user;
    const char *password;
    msec period;
    msec timeout;
};
struct checker *checker_new(struct loop *loop, const struct checker_options *options, checker_done done, void *context);
void checker_free(struct checker *checker);

#endif
