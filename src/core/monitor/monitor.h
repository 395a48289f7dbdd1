/* The monitor's decisions: one step for each thing that it hears.  Pure: facts and time come in, a plan goes out.
 *
 *   health.c     what each report says about its host; host states (core/health has the table)
 *   transfer.c   the writer role leaves one host and reaches another (core/transfer has the table)
 *   fence.c      the administrator's program that ends a lost writer for sure
 *   lease.c      what was granted, the electable set, when an old writer has surely ended
 *   durability.c  lossless mode: on whom the writer counts, and whether it waits (core/durability has the tables)
 *   sources.c    from whom each standby replicates (core/transfer/source.h has the table)
 *   filters.c    masters whose replication filters differ, or whose settings are unsafe
 *   placement.c  role addresses (core/roles has the rules)
 *   orders.c     what each host should be doing: a function of the state, nothing else
 *   commands.c   what an administrator asked for; commands_offline.c: set-offline, and a writer that is given up
 *   event_facts.c  what each event tells of its host and of the cluster
 */
#ifndef MMM_CORE_MONITOR_MONITOR_H
#define MMM_CORE_MONITOR_MONITOR_H

#include "core/health/host_state.h"
#include "core/transfer/transfer.h"
#include "model/event.h"
#include "model/messages.h"

enum { MONITOR_EVENTS_MAX = 64, ANSWER_TEXT_MAX = 1200 };

enum monitor_mode { MONITOR_ACTIVE, MONITOR_MANUAL, MONITOR_PASSIVE, MONITOR_MODE_COUNT };

/* How a host's server was seen last: whoever looks next, after whatever pause, can tell whether it is still the same.
 */
struct seen_server {
    uint32_t pid;     /* 0: never seen */
    msec started;     /* wall time; known to some seconds */
    uint64_t by;      /* the run of the agent that told it */
    uint32_t crashes; /* ... and how many it had counted */
};

/* The durable part: written to the store before anything that follows from it is sent. */
struct host_durable {
    enum host_state state;
    msec since;                      /* wall time of the last change of state */
    unsigned holds;                  /* set of enum hold_reason */
    char hold_why[FACT_SIZE * 2];    /* the evidence, one sentence a reason */
    msec departures[DEPARTURES_MAX]; /* wall times of the last departures from ONLINE, newest first; 0: none */
    struct seen_server server;
};

struct monitor_durable {
    uint64_t term;
    int writer;            /* the host that should hold the writer role, or HOST_NONE */
    int leaving;           /* the previous writer, not yet known to have given the role up, or HOST_NONE */
    int last_writer;       /* who was promoted last, or HOST_NONE: nobody ever */
    host_set electable;    /* hosts that may be promoted without the writer's consent */
    host_set surely;       /* in every electable set that the writer may believe in */
    host_set holders;      /* lossless: each of these may be the only one, beside the writer, to have a commit that was
                              answered OK */
    host_set done_without; /* what these have is given up, by the administrator's word: set-offline --force */
    bool unproven;         /* last_writer was handed the role and has not served since: it may lack what the one before
                              it had */
    int handed_by;         /* while unproven: who handed the role over in order and has all of that, or HOST_NONE */
    enum monitor_mode mode;
    char passive_cause[FACT_SIZE];
    msec failover_wall;           /* when the last failover promoted somebody; 0: never */
    int placement[ADDRESSES_MAX]; /* the host that should serve each role address, or HOST_NONE */
    struct host_durable hosts[HOSTS_MAX];
};

/* What is known of a host since this monitor started. */
/* The original's checks and two of our own, as `mmm checks` shows them. */
enum host_check {
    CHECK_PING,
    CHECK_MYSQL,
    CHECK_REP_THREADS,
    CHECK_REP_BACKLOG,
    CHECK_FILTERS,
    CHECK_SETTINGS,
    CHECK_COUNT
};

struct check_view {
    bool ok;
    msec changed; /* wall time of the last change; 0: never judged */
    char message[FACT_SIZE];
};

struct host_view {
    bool heard;           /* a report has come since the monitor's start */
    struct report report; /* the newest */
    msec heard_at;
    msec incarnation_at; /* when this run of its agent was first heard */
    msec answered_at;    /* when it was last answered with orders; its address leases run from there at the latest */
    struct orders sent;  /* the last answer */
    bool sent_valid;
    struct orders nudged; /* the orders for which it was nudged last */
    bool nudged_valid;
    address_set may_hold;                /* addresses it may still have */
    msec moved_at;                       /* when its received position was last seen to grow: it hears its source */
    msec promised_until;                 /* until when it has promised a writer not to become one itself */
    msec promised_at;                    /* when it last reported a promise under way: it hears a writer's agent */
    msec broken_at;                      /* since when replication does not run; NEVER: it does */
    msec not_holding_at;                 /* a writer that reports no lease: since; NEVER: it holds one */
    bool outside_known, outside_answers; /* the monitor's own connection */
    char outside_error[FACT_SIZE];
    bool late;                         /* lag with hysteresis */
    struct gtid_position own_snapshot; /* its binlog state, to be compared with a later one of the writer's */
    bool lack_accepted;                /* set online with what it has lost: it is no reason to hold it again */
    struct gtid_position own_accepted; /* what --force has let in: only what goes beyond it is held again */
    msec own_snapshot_at;              /* NEVER: none taken */
    msec own_none_at;  /* when the last snapshot was taken in which the writer lacked nothing; 0: none */
    msec refused_at;   /* when it was taken out of the electable set because it did not acknowledge; 0: it was not */
    msec lag;          /* -1: unknown */
    bool filters_told; /* that its replication filters differ */
    bool unsafe_told;  /* that its settings are unsafe */
    bool source_told;  /* that its source is changed, and why */
    struct check_view checks[CHECK_COUNT];
};

/* Which end is asked for: a result counts for exactly this. */
struct fence_request {
    int host;
    uint64_t term;        /* in which the role was taken away: no lease of that host is younger */
    uint64_t incarnation; /* of the agent that was heard last there; 0: none since the monitor's start */
    msec asked;           /* when: an earlier run of the monitor has asked at another time */
};

struct fence_result {
    struct fence_request request;
    bool ended;         /* the program's exit status is 0: the host does not run any more, or has been reset */
    char why[WHY_SIZE]; /* how the program ended, and what it said */
};

/* What is remembered of fence programs; nothing of it survives a restart, so a result from before is none. */
struct fence_state {
    bool running;
    struct fence_request request; /* the last */
    unsigned failures;            /* in a row, for the request's host */
    msec next_at;                 /* not before, after a failure */
    bool alarm;                   /* it failed for that host, which is not ONLINE again */
    int alarm_host;
    char alarm_why[WHY_SIZE];
    bool has_ended;            /* the last writer was ended by its program, and no other came since */
    struct fence_request done; /* the last that counted; term 0: none */
    msec done_at;
    bool doubted; /* the host that was ended has gone on talking */
};

enum monitor_event_kind {
    MONITOR_TICK,
    MONITOR_REPORT,  /* from: the host that its certificate names; answered with plan.orders */
    MONITOR_CHECK,   /* the monitor's own connection to a host's server */
    MONITOR_FENCE,   /* the fence program that was asked for has ended, or its time is over */
    MONITOR_COMMAND, /* from the command line; answered now or later with a plan.reply of the same id */
};
#define MONITOR_EVENT_KIND_COUNT (MONITOR_COMMAND + 1)

enum command_kind {
    COMMAND_SET_ONLINE,
    COMMAND_SET_OFFLINE,
    COMMAND_MOVE_ROLE,
    COMMAND_SET_MODE,
};

#define GRACE_AS_CONFIGURED ((msec)(-1))

struct command {
    uint64_t id;
    enum command_kind kind;
    char who[NAME_SIZE]; /* for the event log */
    char host[NAME_SIZE];
    char role[NAME_SIZE];
    enum monitor_mode mode;
    bool force;
    bool dry_run;
    bool kill;  /* MOVE_ROLE: long transactions that go on past the grace are ended */
    msec grace; /* MOVE_ROLE: how long they are waited for, or GRACE_AS_CONFIGURED */
};

struct command_reply {
    uint64_t id;
    enum rc rc;
    char text[ANSWER_TEXT_MAX];
};

/* A set-online that is answered when what the host has was compared with a later word of the writer's. */
struct comparing {
    uint64_t command; /* its id; 0: none */
    int host;
    char who[NAME_SIZE];
    msec until; /* then the reports that there are decide */
};

struct monitor_event {
    enum monitor_event_kind kind;
    msec now;
    msec wall;
    int host;
    const struct report *report;
    const struct command *command;
    const struct fence_result *fence;
    bool answers;            /* CHECK */
    const char *check_error; /* CHECK, not answering */
};

enum { REPLIES_MAX = 4 };

/* What to do now, in this order: save (with the events), then orders, replies, nudges. */
struct monitor_plan {
    bool save;
    size_t event_count;
    struct event events[MONITOR_EVENTS_MAX];
    bool orders_set; /* the answer to the report that came with this event */
    struct orders orders;
    char refused[FACT_SIZE]; /* REPORT, orders not set: why it was not accepted */
    size_t reply_count;
    struct command_reply replies[REPLIES_MAX];
    host_set nudge;
    bool fence_set; /* run this host's fence program, with its time limit, and tell with MONITOR_FENCE how it ended */
    struct fence_request fence;
    msec deadline;
};

/* Private to core/monitor; wire/status.c shows it, tests and the simulator may look. */
struct monitor {
    const struct cluster *cluster;
    struct monitor_durable durable;
    struct host_view hosts[HOSTS_MAX];
    msec started_at;
    msec listening_since; /* since when it tries to learn who is writer, as long as its store does not know */
    msec granted_until;   /* the writer's lease has surely ended by then (margin not included) */
    bool serving;         /* the writer has reported that it holds the role and is writable, in this term */
    msec serving_since;   /* when that became true; NEVER: it is not */
    msec writer_heartbeat, writer_heartbeat_before; /* stamps of its last two heartbeats */
    bool told_protected;                            /* by the last event about it */
    /* What it had by two of its reports, some report intervals apart: those that follow a task come at once. */
    struct gtid_position writer_position, writer_position_before;
    msec writer_position_at; /* when the later of them came */
    struct transfer transfer;
    struct fence_state fence;
    struct stranger stranger; /* the last one that was told of, so that it is told once */
    msec stranger_at;
    struct comparing comparing;
    int unheard; /* the writer, or the one before, if nothing but the administrator's word ends it: set-offline --force;
                    else HOST_NONE */
};

/* durable NULL: the store was empty. */
void monitor_start(struct monitor *monitor, const struct cluster *cluster, const struct monitor_durable *durable,
                   msec now, msec wall);
void monitor_step(struct monitor *monitor, const struct monitor_event *event, struct monitor_plan *ret_plan);
/* What could not be written was not decided: the durable part is again what the store holds, and nothing is on its way.
 * The plan is empty.  What was heard stays, to be shown; once the store can be written the monitor starts anew from it
 * (monitor_start), for it cannot know what its agents have agreed on meanwhile. */
void monitor_undo(struct monitor *monitor, const struct monitor_durable *stored, struct monitor_plan *plan);

const char *host_check_name(enum host_check check);
const char *monitor_mode_name(enum monitor_mode mode);
/* False when the writer could be lost together with transactions that it answered OK. */
bool monitor_is_protected(const struct monitor *monitor);
/* With an empty store, or one that turned out to be old: nobody is answered and nothing is decided before it is known
 * who holds a lease. */
bool lease_is_listening(const struct monitor *monitor, msec now);
/* The masters without whose word, or the administrator's, an empty store promotes nobody. */
host_set lease_unseen(const struct monitor *monitor, msec now);
enum { FILTERS_TEXT_SIZE = 2 * (FACT_SIZE + NAME_SIZE) + 32 };

/* The master whose replication filters speak against this one's election, or HOST_NONE; and both, for a person. */
int filters_against(const struct monitor *m, int host);
void filters_tell(const struct monitor *m, int host, int other, char *ret_text, size_t size);
/* By its settings, as far as they are known, it is unsafe in this way. */
bool settings_have(const struct monitor *m, int host, enum unsafe_setting unsafe);
/* It applies late on purpose: it serves no reader, is never elected, and its lag is no fault. */
bool sources_is_delayed(const struct monitor *m, int host);
/* Has the host's agent been heard lately? */
bool monitor_agent_reachable(const struct monitor *monitor, int host, msec now);

#endif
