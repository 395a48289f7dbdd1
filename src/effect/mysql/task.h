/* The long work on a server, one task at a time, on the worker's connection. */
#ifndef MMM_EFFECT_MYSQL_TASK_H
#define MMM_EFFECT_MYSQL_TASK_H

#include "effect/mysql/connection.h"
#include "model/server.h"

enum { LOOKING_CONNECTIONS = 4 };

/* A last question at the deadline, to say how things stand, may be answered this much later. */
#define ANSWER_SLACK ((msec)100)

struct work {
    struct connection *connection;
    struct connection *gate; /* for the one statement that waits while this thread goes on: see fence.c */
    const struct connection *looking[LOOKING_CONNECTIONS]; /* this process's other sessions: not clients */
    const struct connection *canary;                       /* the one of them that writes */
    const struct server_task *task;
    msec deadline;
    const char *replication_user;
    const char *replication_password;
};

void task_run(const struct work *work, struct task_result *ret_result);

enum rc fence_run(const struct work *work, struct reason *ret_why) NODISCARD;
enum rc follow_run(const struct work *work, struct reason *ret_why) NODISCARD;

/* Shuts the sockets of all clients down, replicas and this process spared, so that none of them can be answered any
 * more. Needs CAP_SYS_PTRACE.  When it fails nobody may be killed: a kill could answer OK to a commit that nobody else
 * has. */
enum rc clients_cut(const struct work *work, struct reason *ret_why) NODISCARD;

/* The table that lists sessions. */
const char *clients_table(const struct connection *connection);

/* Read-only, waiting no longer than length; RC_TIMEOUT: something is in the way, and nothing changed. */
enum rc task_read_only(const struct work *work, msec length, struct reason *ret_why) NODISCARD;
msec task_left(const struct work *work);
/* A short sleep between two looks at the same thing, doubling from 1 ms to 16 ms, never past the deadline. */
void task_pause(const struct work *work, unsigned *turn);

#endif
