#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/monitor/monitor.h"
#include "random.h"
#include "world.h"

static int64_t pick(uint64_t *random, int64_t least, int64_t most) {
    return least + (int64_t)(sim_random(random) % (uint64_t)(most - least + 1));
}

/* ---- the cluster ---- */

static struct ip ip_of(int last) {
    return (struct ip){ .family = 4, .bytes = { 10, 77, 0, (uint8_t)last } };
}

static void make_roles(struct cluster *cluster, int masters, int prefer) {
    cluster->role_count = 2;
    cluster->roles[0] =
        (struct role_spec){ .name = "writer", .mode = ROLE_EXCLUSIVE, .prefer = prefer, .is_writer = true };
    cluster->roles[1] = (struct role_spec){ .name = "reader", .mode = ROLE_BALANCED, .prefer = HOST_NONE };
    for (int i = 0; i < cluster->host_count; i++) {
        struct host_spec *host = &cluster->hosts[i];
        *host = (struct host_spec){ .address = ip_of(11 + i), .server_port = 3306 };
        host->mode = i < masters ? MODE_MASTER : MODE_REPLICA;
        snprintf(host->name, sizeof host->name, "db%d", i + 1);
        for (int role = i < masters ? 0 : 1; role < 2; role++) {
            struct role_spec *spec = &cluster->roles[role];
            spec->hosts |= set_of(i);
            spec->order[spec->order_count++] = i;
        }
    }
}

static void make_addresses(struct cluster *cluster, int count) {
    cluster->address_count = count;
    for (int i = 0; i < count; i++)
        cluster->addresses[i] = (struct role_address){ .ip = ip_of(50 + i), .prefix = 24, .role = i > 0 };
}

static void make_cluster(struct cluster *cluster, uint64_t *random) {
    static const msec lengths[] = { SECONDS(2), SECONDS(5), SECONDS(5), SECONDS(10) };
    msec length = lengths[pick(random, 0, 3)];
    *cluster = (struct cluster){
        .name = "shop",
        .durability = DURABILITY_ASYNCHRONOUS,
        .last_resort = LAST_RESORT_KILL,
        .host_count = (int)pick(random, 2, 5),
        .lease = { .length = length, .report = length / 10, .fence = length / 5, .margin = 500 },
        .health = { .lag_max = SECONDS(10),
                    .lag_back = SECONDS(5),
                    .answer_timeout = SECONDS(2),
                    .settle = SECONDS(10),
                    .down_short = SECONDS(60),
                    .flap_count = 3,
                    .flap_window = SECONDS(3600) },
        .failover = { .window = pick(random, 0, 3) ? 0 : SECONDS(60),
                      .drain_timeout = SECONDS(30),
                      .switchover_timeout = SECONDS(10),
                      .catch_up = SECONDS(2),
                      .acknowledge_timeout = SECONDS(1) },
    };
    int masters = cluster->host_count > 3 && pick(random, 0, 2) == 0 ? 3 : 2;
    make_roles(cluster, masters, pick(random, 0, 5) == 0 ? 0 : HOST_NONE);
    make_addresses(cluster, 2 + (int)pick(random, 0, cluster->host_count));
}

/* ---- the faults ---- */

static int pick_host(const struct plan *plan, uint64_t *random) {
    return (int)pick(random, 0, plan->cluster.host_count - 1);
}

static int pick_place(const struct plan *plan, uint64_t *random) {
    int place = (int)pick(random, 0, plan->cluster.host_count + 1);
    return place < plan->cluster.host_count ? place : place == plan->cluster.host_count ? AT_MONITOR : AT_CLIENTS;
}

/* Mostly about as long as a lease and its parts, since that is where it gets close. */
static msec pick_length(const struct plan *plan, uint64_t *random) {
    msec lease = plan->cluster.lease.length;
    switch (pick(random, 0, 3)) {
    case 0:
        return pick(random, 1, lease / 5);
    case 1:
        return pick(random, lease / 5, 2 * lease);
    case 2:
        return pick(random, lease - 1000, lease + 1000);
    default:
        return pick(random, lease, 6 * lease);
    }
}

static int64_t pick_value(enum fault_kind kind, uint64_t *random) {
    static const int64_t jumps[] = { SECONDS(1), SECONDS(90), SECONDS(3600), SECONDS(86400) };
    switch (kind) {
    case FAULT_LOSS:
    case FAULT_DUPLICATE:
    case FAULT_ECHO:
        return pick(random, 20, 400);
    case FAULT_LATE:
        return pick(random, 5, 100);
    case FAULT_DELAY:
        return pick(random, 50, 1500);
    case FAULT_STORE_SLOW:
        return pick(random, 100, 4000);
    case FAULT_WALL:
        return pick(random, 0, 1) ? jumps[pick(random, 0, 3)] : -jumps[pick(random, 0, 3)];
    case FAULT_COMMAND:
        return pick(random, COMMAND_SET_ONLINE, COMMAND_SET_MODE);
    case FAULT_STORE_OLD:
        return pick(random, 1, OLDER_STORES);
    case FAULT_HANDOVER_CUT:
        return pick(random, 1, pick(random, 0, 2) ? 150 : 1500);
    case FAULT_CUT:
    case FAULT_CUT_BOTH:
    case FAULT_ISOLATE:
    case FAULT_AGENT_KILL:
    case FAULT_AGENT_STALL:
    case FAULT_SERVER_KILL:
    case FAULT_SERVER_FREEZE:
    case FAULT_SERVER_STUCK:
    case FAULT_MACHINE_CRASH:
    case FAULT_MONITOR_KILL:
    case FAULT_MONITOR_STALL:
    case FAULT_DISK:
    case FAULT_STORE:
    case FAULT_STORE_LOST:
    case FAULT_KINDS:
        break;
    }
    return 0;
}

static struct fault make_fault(const struct plan *plan, enum fault_kind kind, uint64_t *random) {
    struct fault fault = {
        .kind = kind,
        .at = pick(random, plan->faults_from, plan->faults_until - 1000),
        .length = pick_length(plan, random),
        .host = pick_host(plan, random),
        .value = pick_value(kind, random),
    };
    if (kind == FAULT_CUT || kind == FAULT_CUT_BOTH || kind == FAULT_ISOLATE)
        fault.host = pick_place(plan, random);
    do
        fault.other = pick_place(plan, random);
    while (fault.other == fault.host);
    if (kind == FAULT_WALL && pick(random, 0, 2) == 0)
        fault.host = AT_MONITOR;
    if (kind == FAULT_WALL || kind == FAULT_COMMAND)
        fault.length = 0;
    if (kind == FAULT_HANDOVER_CUT) {
        fault.host = (int)pick(random, 0, 1);
        fault.length += fault.value;
    }
    if (fault.at + fault.length > plan->faults_until)
        fault.length = plan->faults_until - fault.at;
    return fault;
}

/* What breaks a lease are several faults at once, and of those that may be writer. */
static void gather(const struct plan *plan, struct fault *fault, const struct fault *before, uint64_t *random) {
    msec lease = plan->cluster.lease.length;
    if (pick(random, 0, 2) == 0)
        return;
    msec at = before->at + pick(random, -lease, 2 * lease);
    if (at >= plan->faults_from && at + fault->length <= plan->faults_until)
        fault->at = at;
    if (fault->host < plan->cluster.host_count)
        fault->host = (int)pick(random, 0, 1);
    if (fault->other == fault->host)
        fault->other = AT_MONITOR;
}

static int compare(const void *left, const void *right) {
    const struct fault *a = left, *b = right;
    return a->at != b->at ? (a->at < b->at ? -1 : 1) : (int)a->kind - (int)b->kind;
}

/* Half of the seeds aim at the lease: who hears whom, and who forgets.  A quarter aims at what the monitor knows when
 * it has lost its store, and a quarter takes a few of all kinds. */
static uint64_t choose_kinds(uint64_t seed, uint64_t *random) {
    const uint64_t lease = set_of(FAULT_CUT) | set_of(FAULT_CUT_BOTH) | set_of(FAULT_ISOLATE) |
                           set_of(FAULT_AGENT_KILL) | set_of(FAULT_AGENT_STALL) | set_of(FAULT_MONITOR_KILL) |
                           set_of(FAULT_MONITOR_STALL) | set_of(FAULT_LATE) | set_of(FAULT_DELAY) |
                           set_of(FAULT_HANDOVER_CUT);
    const uint64_t stores = set_of(FAULT_STORE_OLD) | set_of(FAULT_STORE_LOST);
    const uint64_t around = set_of(FAULT_LATE) | set_of(FAULT_CUT_BOTH) | set_of(FAULT_ISOLATE) |
                            set_of(FAULT_AGENT_KILL) | set_of(FAULT_MACHINE_CRASH) | set_of(FAULT_SERVER_KILL) |
                            set_of(FAULT_COMMAND) | set_of(FAULT_HANDOVER_CUT);
    uint64_t chosen = sim_random(random), fewer = chosen & sim_random(random);
    switch (seed % 4) {
    case 1:
        return fewer & ~stores & ~set_of(FAULT_ECHO);
    case 3:
        return (chosen & around) | (seed % 8 == 3 ? set_of(FAULT_STORE_OLD) : set_of(FAULT_STORE_LOST));
    default:
        return chosen & lease;
    }
}

/* A monitor that has lost its store, and does not hear the writer, which is alone in its set since the other master was
 * away: for longer than a monitor that knows nothing waits for all masters. */
static int plan_lost_store(struct plan *plan, uint64_t *random) {
    int writer = (int)pick(random, 0, 3) == 0, other = !writer;
    msec lease = plan->cluster.lease.length, away = pick(random, lease, 4 * lease);
    msec at = plan->faults_from + SECONDS(10) + pick(random, 0, SECONDS(20));
    plan->faults_until += SECONDS(180);
    plan->faults[0] = (struct fault){
        .kind = pick(random, 0, 1) ? FAULT_AGENT_KILL : FAULT_MACHINE_CRASH, .at = at, .length = away, .host = other
    };
    at += away + pick(random, -lease, lease / 2);
    plan->faults[1] = (struct fault){ .kind = pick(random, 0, 1) ? FAULT_ISOLATE : FAULT_CUT_BOTH,
                                      .at = at,
                                      .length = pick(random, 110, 170) * 1000,
                                      .host = writer,
                                      .other = AT_MONITOR };
    plan->faults[2] = (struct fault){ .kind = FAULT_STORE_LOST,
                                      .at = at + pick(random, 0, 2 * lease),
                                      .length = pick(random, 1, lease),
                                      .host = writer };
    return 3;
}

/* ---- faults that are aimed at one rule: what it is there for needs several of them, in this order ---- */

static void make_three_masters(struct cluster *cluster) {
    if (cluster->host_count < 3)
        cluster->host_count = 3;
    make_roles(cluster, 3, HOST_NONE);
}

/* What a host said before it was writer comes again, to a monitor that was started after its tenure had begun and waits
 * for its end: the host itself is stopped, and its lease runs. */
static int plan_echo(struct plan *plan, msec at, uint64_t *random) {
    msec lease = plan->cluster.lease.length;
    struct fault *faults = plan->faults;
    make_roles(&plan->cluster, 2, HOST_NONE);
    faults[0] = (struct fault){
        .kind = FAULT_ECHO, .at = plan->faults_from, .length = at - plan->faults_from, .value = pick(random, 200, 500)
    };
    faults[1] = (struct fault){ .kind = FAULT_COMMAND, .at = at, .host = 1, .value = COMMAND_MOVE_ROLE };
    at += pick(random, 1000, lease + 1000);
    faults[2] =
        (struct fault){ .kind = FAULT_AGENT_STALL, .at = at, .length = lease + pick(random, 0, lease), .host = 1 };
    at += pick(random, 1, 100);
    faults[3] = (struct fault){ .kind = FAULT_COMMAND, .at = at, .host = 0, .value = COMMAND_MOVE_ROLE };
    at += pick(random, 50, lease / 10 + 100);
    faults[4] = (struct fault){ .kind = FAULT_MONITOR_KILL, .at = at, .length = pick(random, 1, 100) };
    return 5;
}

/* The writer's server dies, its electable set changes while it is dead, and then it is not told anything any more.  In
 * half of the seeds it dies while its agent is down, so that the agent never sees it die. */
static int plan_dead_writer(struct plan *plan, msec at, uint64_t *random) {
    msec lease = plan->cluster.lease.length, before = pick(random, 1, 500);
    bool unseen = pick(random, 0, 1);
    struct fault *faults = plan->faults;
    make_three_masters(&plan->cluster);
    faults[0] = (struct fault){ .kind = FAULT_SERVER_KILL, .at = at, .length = pick(random, 1, lease), .host = 0 };
    faults[3] = (struct fault){
        .kind = FAULT_AGENT_KILL, .at = at - before, .length = before + pick(random, 1, lease / 10), .host = 0
    };
    at += pick(random, 2, lease / 4) + (unseen ? lease / 10 : 0);
    faults[1] = (struct fault){ .kind = FAULT_COMMAND, .at = at, .host = 2, .value = COMMAND_SET_OFFLINE };
    at += pick(random, plan->delay_most, plan->delay_most + lease / 10);
    faults[2] = (struct fault){
        .kind = FAULT_CUT, .at = at, .length = lease + pick(random, 0, lease), .host = AT_MONITOR, .other = 0
    };
    return unseen ? 4 : 3;
}

/* A fence program takes so long that another has become writer, and is to hand over, when it says that the one before
 * has ended; now and then the monitor that hears that is not the one that asked. */
static int plan_late_fence(struct plan *plan, msec at, uint64_t *random) {
    msec lease = plan->cluster.lease.length, most = 2 * lease + SECONDS(2);
    struct fault *faults = plan->faults;
    make_three_masters(&plan->cluster);
    plan->fence_fails_permille = plan->fence_hangs_permille = 0;
    plan->fence_answer_most = most;
    for (int i = 0; i < plan->cluster.host_count; i++) {
        plan->cluster.hosts[i].has_fence = true;
        plan->cluster.hosts[i].fence_timeout = most;
    }
    faults[0] = (struct fault){ .kind = FAULT_ISOLATE, .at = at, .length = 4 * lease, .host = 0 };
    at += lease + plan->cluster.lease.margin + pick(random, 300, 2000);
    faults[1] = (struct fault){ .kind = FAULT_COMMAND, .at = at, .host = 2, .value = COMMAND_MOVE_ROLE };
    faults[2] = (struct fault){
        .kind = FAULT_CUT_BOTH, .at = at + pick(random, 1, 120), .length = 2 * lease, .host = 1, .other = AT_MONITOR
    };
    if (pick(random, 0, 2) != 0)
        return 3;
    faults[3] = (struct fault){ .kind = FAULT_MONITOR_KILL,
                                .at = at + pick(random, 100, lease / 2),
                                .length = pick(random, 1, 200) };
    return 4;
}

/* The writer is alone, for the other master was away, and then its machine crashes: the operator says that it is
 * stopped, and who is to be writer with what it has; later it comes back. */
static int plan_gone(struct plan *plan, uint64_t *random) {
    msec lease = plan->cluster.lease.length, away = 2 * lease + pick(random, 0, lease);
    msec at = plan->faults_from + SECONDS(15) + pick(random, 0, SECONDS(5));
    struct fault *faults = plan->faults;
    make_roles(&plan->cluster, 2, HOST_NONE);
    plan->cluster.durability = DURABILITY_ASYNCHRONOUS; /* what is given up is missing afterwards */
    faults[0] = (struct fault){ .kind = FAULT_MACHINE_CRASH, .at = at, .length = away, .host = 1 };
    at += away - pick(random, 0, lease / 2);
    faults[1] = (struct fault){ .kind = FAULT_MACHINE_CRASH, .at = at, .length = 5 * lease, .host = 0 };
    at += lease + plan->cluster.lease.margin + pick(random, 0, lease);
    faults[2] = (struct fault){ .kind = FAULT_COMMAND, .at = at / 4 * 4, .host = 0, .value = COMMAND_SET_OFFLINE };
    at += pick(random, 10, lease);
    faults[3] = (struct fault){ .kind = FAULT_COMMAND, .at = at / 4 * 4, .host = 1, .value = COMMAND_SET_ONLINE };
    return 4;
}

static int plan_aimed(struct plan *plan, uint64_t which, uint64_t *random) {
    msec at = plan->faults_from + SECONDS(20) + pick(random, 0, SECONDS(20));
    if (plan->lag > SECONDS(1)) /* then no role would come as far as is needed here */
        plan->lag = 0;
    switch (which % 3) {
    case 0:
        return plan_echo(plan, at, random);
    case 1:
        return plan_dead_writer(plan, at, random);
    default:
        return plan_late_fence(plan, at, random);
    }
}

/* With numbers of its own, so that a seed's faults are the same as before there were fence programs. */
static void make_fences(struct plan *plan, uint64_t seed) {
    uint64_t random = seed * UINT64_C(0xd1342543de82ef95) + 1;
    plan->fence_answer_most = SECONDS(3);
    if (pick(&random, 0, 2) != 0)
        return;
    plan->fence_fails_permille = (unsigned)pick(&random, 0, 700);
    plan->fence_hangs_permille = (unsigned)pick(&random, 0, 300);
    for (int i = 0; i < plan->cluster.host_count; i++) {
        plan->cluster.hosts[i].has_fence = pick(&random, 0, 4) != 0;
        plan->cluster.hosts[i].fence_timeout = pick(&random, 500, 10000);
    }
}

void plan_make(struct plan *ret_plan, uint64_t seed, unsigned minutes) {
    uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    memset(ret_plan, 0, sizeof *ret_plan);
    ret_plan->seed = seed;
    make_cluster(&ret_plan->cluster, &random);
    make_fences(ret_plan, seed);
    if (seed / 4 % 3 == 0)
        ret_plan->cluster.durability = DURABILITY_LOSSLESS;
    ret_plan->faults_from = SECONDS(pick(&random, 2, 30));
    ret_plan->faults_until = ret_plan->faults_from + SECONDS(60) * minutes;
    ret_plan->delay_most = pick(&random, 1, 30);
    ret_plan->server_comes_back = pick(&random, 200, 8000);
    static const msec lags[] = { 0, 0, 0, 30, 300, 2000, 6000, 11000 };
    ret_plan->guard = seed / 8 % 2;
    ret_plan->lag = lags[seed / 16 % COUNT_OF(lags)];
    ret_plan->deaf_permille = pick(&random, 0, 1) ? 500 : 0;
    enum fault_kind on[FAULT_KINDS];
    int kinds = 0;
    uint64_t chosen = choose_kinds(seed, &random);
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        if (chosen >> kind & 1)
            on[kinds++] = (enum fault_kind)kind;
    int most = (int)((seed % 2 ? 8 : 16) * minutes), first = 0;
    most = most < FAULTS_MAX ? most : FAULTS_MAX;
    if (seed % 16 == 7)
        first = plan_lost_store(ret_plan, &random);
    int count = kinds ? (int)pick(&random, 3, most) : 0;
    if (seed % 64 == 5) {
        first = plan_gone(ret_plan, &random);
        count = first + (kinds ? (int)pick(&random, 0, 3) : 0);
    }
    if (seed % 16 == 13) {
        first = plan_aimed(ret_plan, seed / 48, &random);
        count = first + (kinds ? (int)pick(&random, 0, 3) : 0);
    }
    for (int i = first; i < count; i++) {
        ret_plan->faults[i] = make_fault(ret_plan, on[pick(&random, 0, kinds - 1)], &random);
        if (seed % 2 == 0 && i > 0)
            gather(ret_plan, &ret_plan->faults[i], &ret_plan->faults[i - 1], &random);
    }
    ret_plan->count = count;
    qsort(ret_plan->faults, (size_t)count, sizeof *ret_plan->faults, compare);
}

void plan_remove(struct plan *plan, int first, int count) {
    plan->count -= count;
    memmove(&plan->faults[first], &plan->faults[first + count], (size_t)(plan->count - first) * sizeof *plan->faults);
}

/* ---- words ---- */

static const char *const words[FAULT_KINDS] = {
    [FAULT_LOSS] = "messages are lost (permille)",
    [FAULT_DELAY] = "messages take up to (ms)",
    [FAULT_LATE] = "messages come seconds late (permille)",
    [FAULT_DUPLICATE] = "messages come twice (permille)",
    [FAULT_CUT] = "cut one way",
    [FAULT_CUT_BOTH] = "cut both ways",
    [FAULT_ISOLATE] = "isolated",
    [FAULT_AGENT_KILL] = "agent down",
    [FAULT_AGENT_STALL] = "agent stopped",
    [FAULT_SERVER_KILL] = "server down",
    [FAULT_SERVER_FREEZE] = "server frozen",
    [FAULT_SERVER_STUCK] = "server stuck",
    [FAULT_MACHINE_CRASH] = "machine down",
    [FAULT_MONITOR_KILL] = "monitor down",
    [FAULT_MONITOR_STALL] = "monitor stopped",
    [FAULT_DISK] = "agent's disk fails",
    [FAULT_STORE] = "monitor's store fails",
    [FAULT_STORE_SLOW] = "monitor's store takes up to (ms)",
    [FAULT_WALL] = "clock on the wall jumps by (ms)",
    [FAULT_COMMAND] = "command",
    [FAULT_STORE_OLD] = "monitor down, its store an older copy (saves back)",
    [FAULT_STORE_LOST] = "monitor down, its store lost",
    [FAULT_HANDOVER_CUT] = "switchover, and cut from the monitor after (ms)",
    [FAULT_ECHO] = "reports come again seconds later (permille)",
};

static const char *const commands[] = { "set-online", "set-offline", "move-role writer", "set-mode" };

static const char *place_name(const struct plan *plan, int place) {
    return place == AT_MONITOR ? "the monitor" : place == AT_CLIENTS ? "the clients" : plan->cluster.hosts[place].name;
}

void fault_text(const struct plan *plan, const struct fault *fault, char ret_text[static FAULT_TEXT_MAX]) {
    snprintf(ret_text, FAULT_TEXT_MAX, "%8.3f  %7.3f s  %s", (double)fault->at / 1000, (double)fault->length / 1000,
             words[fault->kind]);
    bool general = fault->kind <= FAULT_DUPLICATE || fault->kind == FAULT_ECHO || fault->kind == FAULT_STORE ||
                   fault->kind == FAULT_STORE_SLOW || fault->kind == FAULT_MONITOR_KILL ||
                   fault->kind == FAULT_MONITOR_STALL || fault->kind == FAULT_STORE_OLD ||
                   fault->kind == FAULT_STORE_LOST;
    if (fault->kind == FAULT_COMMAND)
        text_append(ret_text, FAULT_TEXT_MAX, " %s", commands[fault->value]);
    else if (fault->value)
        text_append(ret_text, FAULT_TEXT_MAX, " %lld", (long long)fault->value);
    if (!general)
        text_append(ret_text, FAULT_TEXT_MAX, ": %s", place_name(plan, fault->host));
    if (fault->kind == FAULT_CUT || fault->kind == FAULT_CUT_BOTH)
        text_append(ret_text, FAULT_TEXT_MAX, " to %s", place_name(plan, fault->other));
}
