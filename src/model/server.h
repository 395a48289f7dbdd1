/* What an agent sees of its database server. */
#ifndef MMM_MODEL_SERVER_H
#define MMM_MODEL_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/filters.h"
#include "model/gtid.h"
#include "model/ip.h"
#include "model/limits.h"
#include "model/settings.h"

enum process_state {
    PROCESS_UNKNOWN, /* not looked yet, or the look failed */
    PROCESS_RUNNING,
    PROCESS_EXITED, /* seen to end by this agent (pidfd, or its exiting flag: SERVERS.md trap 13) */
    PROCESS_ABSENT, /* nobody listens on the server's socket, and this agent never saw who did */
};

enum server_family { FAMILY_UNKNOWN, FAMILY_MARIADB, FAMILY_MYSQL };

/* A replication thread: Slave_IO_Running has a third value, and "Connecting" is not replicating. */
enum thread_state { THREAD_STOPPED, THREAD_CONNECTING, THREAD_RUNNING };

struct replication {
    bool configured;          /* the server has a source, running or not */
    struct ip source_address; /* family 0 when none, or when it is set to a name */
    uint16_t source_port;
    uint32_t delay_s;            /* it applies so long after the source on purpose: MASTER_DELAY, SOURCE_DELAY */
    enum thread_state receiving; /* IO thread */
    enum thread_state applying;  /* SQL thread */
    bool apply_failed; /* the SQL thread has stopped with an error: what was received can not be applied.  An error of
                          the IO thread says nothing about this server: a source that goes away leaves one everywhere */
    uint32_t error_number; /* last error of either thread, 0: none */
    char error[FACT_SIZE];
};

/* The oldest transaction of a client that has changed something and goes on. */
struct transaction {
    msec age; /* in whole seconds; 0: none that is older than one */
    uint64_t session;
    char user[NAME_SIZE];
};

/* Semi-synchronous replication, both sides of it: a writer whose commits wait until a replica has them, and a replica
 * that says so. */
struct semi_sync {
    bool known;            /* the server knows it, and has told; nothing below is known otherwise */
    bool enabled;          /* the writer's side is switched on ... */
    bool waits;            /* ... and each commit waits, before anybody sees it, however long it takes */
    uint32_t wait_count;   /* ... for the acknowledgements of so many replicas; 0: of one, and the server cannot be told
                              another number */
    uint32_t clients;      /* connected replicas that acknowledge */
    uint32_t waiting;      /* sessions that wait at this moment */
    uint64_t acknowledged; /* commits that were, since the server's start */
    bool acknowledges;     /* the replica's side is switched on; it holds for connections made after that ... */
    bool attached;         /* ... such as the present one to its source */
};

/* One look at the server.  Positions are those of one moment only when the server is read-only and drained. */
struct probe {
    bool answered;         /* it answered in time; nothing below is known otherwise */
    bool too_many;         /* it said «too many connections» (1040): up, and full */
    bool kept;             /* it said that it lives, and no more: positions, replication and semi_sync are older */
    uint32_t error_number; /* why it did not answer; 0 when it did or just stayed silent */
    char error[FACT_SIZE];
    uint32_t pid; /* the process that listens on the socket (SO_PEERCRED) */
    enum server_family family;
    char version[VERSION_SIZE];
    uint64_t uptime_s;
    bool read_only;
    struct replication replication;
    struct semi_sync semi_sync;
    struct filters filters; /* these two are looked at every few seconds */
    struct server_settings settings;
    msec heartbeat_seen;       /* the newest heartbeat row's stamp, the writer's wall clock; 0: none */
    struct transaction oldest; /* looked for on a writable server only */
    bool canary_tried;         /* this look was asked to write a heartbeat row ... */
    bool canary_written;       /* ... and the commit was acknowledged; its stamp is heartbeat_seen then */
    bool canary_waits;         /* not yet, and for replicas that are to acknowledge it; for the agent alone, not told */
    struct gtid_position binlog;   /* @@gtid_binlog_state: what it has, by every server that wrote */
    struct gtid_position applied;  /* @@gtid_current_pos */
    struct gtid_position received; /* applied, raised by Gtid_IO_Pos */
};

/* As an assignment does, without the room in its positions that is not used. */
void probe_copy(struct probe *to, const struct probe *from);

/* Long work on the server; one at a time.  Every one is bounded by its deadline. */
enum server_task_kind {
    TASK_NONE,
    TASK_FENCE,  /* read_only on and verified, clients ended, replication spared; position noted */
    TASK_DRAIN,  /* stop receiving, apply what was received, stop */
    TASK_READY,  /* reach a position, then drain: ready to become writer, and still read-only */
    TASK_OPEN,   /* read_only off and verified: the one step that makes a writer, short and never behind a wait, so that
                    the core can decide at the last moment whether the lease still allows it */
    TASK_FOLLOW, /* drain, point replication at a source, start it; read_only stays on */
    TASK_SEMI_SYNC, /* the two sides of semi-synchronous replication as the task says; receiving is started again if it
                       needs that */
};

struct server_task {
    enum server_task_kind kind;
    msec timeout; /* from its start */
    bool gentle;  /* FENCE: nobody who is writing is ended to get read-only through; rather it fails within a second */
    struct gtid_position
        reach; /* READY: this must be applied first; empty: whatever there is.  DRAIN with a source: fetch up to this */
    struct ip source_address; /* FOLLOW; DRAIN: a better sibling to fetch from first, family 0: none */
    uint16_t source_port;
    bool waits;          /* SEMI_SYNC: commits wait for an acknowledgement.  Only a server without clients, or one whose
                            replicas are no longer counted on, may be told to go on without */
    uint32_t wait_count; /* SEMI_SYNC with waits: for so many acknowledgements, where the server can be told */
    bool acknowledges;   /* SEMI_SYNC, FOLLOW: as a replica it acknowledges */
};

struct task_result {
    enum server_task_kind kind;
    enum rc rc; /* RC_OK, or why not; after a failure the server is as it was, or nearer to the goal */
    char why[FACT_SIZE];
    struct gtid_position binlog; /* after the task, when rc is RC_OK */
    struct gtid_position applied;
};

#endif
