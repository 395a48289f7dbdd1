#include "run.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum {
    SERVED_WITHIN = 60 * 1000, /* after everything has healed, with an operator who sets held hosts online */
    SERVED_FOR = 3000,         /* ... and it stays so */
    LATE_MOST = 20 * 1000,
    ROUND = 500,
    OPERATOR_LOOKS_EVERY = 2000,
    OPERATOR_TOLD = 3, /* so many of its looks are in the story */
};

struct run {
    struct world *world;
    const struct plan *plan;
    bool begun[FAULTS_MAX];
    msec server_down_since[HOSTS_MAX];
};

/* What the active faults hold down or change, counted anew at each edge: faults overlap. */
struct held {
    bool agent[HOSTS_MAX], server[HOSTS_MAX], frozen[HOSTS_MAX], stuck[HOSTS_MAX], disk[HOSTS_MAX];
    bool monitor, store;
};

static void isolate(struct world *world, int place) {
    for (int other = 0; other < PLACES; other++)
        if (other != place)
            world->cut[place][other] = world->cut[other][place] = true;
}

static msec most(msec a, int64_t b) {
    return a > b ? a : (msec)b;
}

static void hold(struct run *run, const struct fault *fault, struct held *held) {
    struct world *world = run->world;
    switch (fault->kind) {
    case FAULT_LOSS:
        world->loss_permille = (unsigned)most(world->loss_permille, fault->value);
        break;
    case FAULT_DELAY:
        world->delay_most = most(world->delay_most, fault->value);
        break;
    case FAULT_LATE:
        world->late_permille = (unsigned)most(world->late_permille, fault->value);
        break;
    case FAULT_DUPLICATE:
        world->duplicate_permille = (unsigned)most(world->duplicate_permille, fault->value);
        break;
    case FAULT_ECHO:
        world->echo_permille = (unsigned)most(world->echo_permille, fault->value);
        break;
    case FAULT_CUT_BOTH:
        world->cut[fault->other][fault->host] = true;
        world->cut[fault->host][fault->other] = true;
        break;
    case FAULT_CUT:
        world->cut[fault->host][fault->other] = true;
        break;
    case FAULT_ISOLATE:
        isolate(world, fault->host);
        break;
    case FAULT_AGENT_KILL:
        held->agent[fault->host] = true;
        break;
    case FAULT_SERVER_KILL:
        held->server[fault->host] = true;
        break;
    case FAULT_MACHINE_CRASH:
        held->agent[fault->host] = held->server[fault->host] = true;
        break;
    case FAULT_SERVER_FREEZE:
        held->frozen[fault->host] = true;
        break;
    case FAULT_SERVER_STUCK:
        held->stuck[fault->host] = true;
        break;
    case FAULT_MONITOR_KILL:
    case FAULT_STORE_OLD:
    case FAULT_STORE_LOST:
        held->monitor = true;
        break;
    case FAULT_HANDOVER_CUT:
        if (world->now >= fault->at + fault->value)
            world->cut[fault->host][AT_MONITOR] = world->cut[AT_MONITOR][fault->host] = true;
        held->stuck[fault->host] |= fault->value % 2 && world->now >= fault->at + fault->value / 2;
        break;
    case FAULT_DISK:
        held->disk[fault->host] = true;
        break;
    case FAULT_STORE:
        held->store = true;
        break;
    case FAULT_STORE_SLOW:
        world->store_slow = most(world->store_slow, fault->value);
        break;
    case FAULT_AGENT_STALL:
    case FAULT_MONITOR_STALL:
    case FAULT_WALL:
    case FAULT_COMMAND:
    case FAULT_KINDS:
        break;
    }
}

static void give_command(struct world *world, enum command_kind kind, int host, enum monitor_mode mode, bool force) {
    /* Of a host that is not heard, «set-offline --force» says that its server is stopped: only who knows that may. */
    force = force && (kind != COMMAND_SET_OFFLINE || !world->hosts[host].server.up);
    struct command command = { .kind = kind, .role = "writer", .mode = mode, .force = force, .who = "anna" };
    TEXT_COPY(command.host, world->cluster.hosts[host].name);
    static const char *const words[] = { "set-online", "set-offline", "move-role writer", "set-mode of" };
    trace_note(world, "%s %s", words[kind], command.host);
    world_command(world, &command);
    if (world->reply.id)
        trace_note(world, "answer: %.200s", world->reply.text);
}

static void begin(struct run *run, const struct fault *fault) {
    struct world *world = run->world;
    char text[FAULT_TEXT_MAX];
    fault_text(run->plan, fault, text);
    trace_note(world, "%s", text);
    if (fault->kind == FAULT_STORE_OLD || fault->kind == FAULT_STORE_LOST) {
        if (world->monitor_up)
            world_monitor_kill(world);
        world_store_restore(world, fault->kind == FAULT_STORE_OLD ? (int)fault->value : 0);
    } else if (fault->kind == FAULT_HANDOVER_CUT)
        give_command(world, COMMAND_MOVE_ROLE, world->monitor.durable.writer == 0 ? 1 : 0, MONITOR_ACTIVE, false);
    else if (fault->kind == FAULT_MACHINE_CRASH)
        world_machine_crash(world, fault->host);
    else if (fault->kind == FAULT_AGENT_STALL)
        world_agent_stall(world, fault->host, fault->length);
    else if (fault->kind == FAULT_MONITOR_STALL)
        world_monitor_stall(world, fault->length);
    else if (fault->kind == FAULT_WALL && fault->host == AT_MONITOR)
        world->monitor_wall_shift += fault->value;
    else if (fault->kind == FAULT_WALL)
        world->hosts[fault->host].wall_shift += fault->value;
    else if (fault->kind == FAULT_COMMAND)
        give_command(world, (enum command_kind)fault->value, fault->host,
                     (enum monitor_mode)(fault->at % MONITOR_MODE_COUNT), fault->at % 4 == 0 && !world->lossless);
}

static void settle_host(struct run *run, int i, const struct held *held) {
    struct world *world = run->world;
    struct world_host *host = &world->hosts[i];
    bool off = world->now < host->off_until;
    if (held->agent[i] && host->agent_up)
        world_agent_kill(world, i);
    if (held->server[i] && host->server.up)
        world_server_kill(world, i);
    if (!host->server.up && !run->server_down_since[i])
        run->server_down_since[i] = world->now;
    if (!host->server.up && !held->server[i] && !off &&
        world->now - run->server_down_since[i] >= run->plan->server_comes_back)
        world_server_start(world, i, true);
    if (host->server.up)
        run->server_down_since[i] = 0;
    host->server.frozen = host->server.up && held->frozen[i];
    host->server.stuck = host->server.up && held->stuck[i];
    host->disk_fails = held->disk[i];
    if (!held->agent[i] && !host->agent_up && !off)
        world_agent_start(world, i);
}

static void settle(struct run *run) {
    struct world *world = run->world;
    struct held held = { 0 };
    memset(world->cut, 0, sizeof world->cut);
    world->loss_permille = world->late_permille = world->duplicate_permille = world->echo_permille = 0;
    world->delay_most = run->plan->delay_most;
    world->store_slow = 0;
    for (int i = 0; i < run->plan->count; i++) {
        const struct fault *fault = &run->plan->faults[i];
        if (fault->at <= world->now && !run->begun[i]) {
            run->begun[i] = true;
            begin(run, fault);
        }
        if (fault->at <= world->now && world->now < fault->at + fault->length)
            hold(run, fault, &held);
    }
    world->store_fails = held.store;
    for (int i = 0; i < world->cluster.host_count; i++)
        settle_host(run, i, &held);
    if (held.monitor && world->monitor_up)
        world_monitor_kill(world);
    if (!held.monitor && !world->monitor_up)
        world_monitor_start(world);
}

static void note_edge(msec now, msec edge, msec *next) {
    if (edge > now && edge < *next)
        *next = edge;
}

static void note_handover_edges(msec now, const struct fault *fault, msec *next) {
    note_edge(now, fault->at + fault->value, next);
    note_edge(now, fault->at + fault->value / 2, next);
}

static msec next_edge(const struct run *run) {
    msec now = run->world->now, next = now + ROUND;
    for (int i = 0; i < run->plan->count; i++) {
        const struct fault *fault = &run->plan->faults[i];
        note_edge(now, fault->at, &next);
        note_edge(now, fault->at + fault->length, &next);
        if (fault->kind == FAULT_HANDOVER_CUT)
            note_handover_edges(now, fault, &next);
    }
    return next;
}

/* ---- what must hold when all is well ---- */

static bool is_reached(const struct world *world, int writer) {
    for (int c = 0; c < CLIENTS; c++)
        if (world->clients[c].reaches != writer)
            return false;
    return true;
}

static int count_serving(const struct world *world, int address) {
    int count = 0;
    for (int i = 0; i < world->cluster.host_count; i++)
        count += world_has_address(world, i, address);
    return count;
}

/* NULL: every role is served. */
static const char *find_lack(const struct world *world) {
    const struct monitor *monitor = &world->monitor;
    int writer = monitor->durable.writer;
    if (writer == HOST_NONE || !monitor->serving || monitor->transfer.phase != TRANSFER_IDLE)
        return "no writer serves";
    if (monitor->durable.hosts[writer].state != HOST_ONLINE)
        return "the writer is not ONLINE";
    if (!world->hosts[writer].server.up || world->hosts[writer].server.read_only)
        return "the writer's server is not open";
    if (!is_reached(world, writer))
        return "a client does not reach the writer";
    for (int address = 0; address < world->cluster.address_count; address++)
        if (count_serving(world, address) != 1)
            return address ? "an address of readers is not served" : "the writer's address is not served";
    return NULL;
}

/* A host with transactions of its own is filled anew from the writer, as the monitor asks for. */
static void refill(struct world *world, int host) {
    const struct monitor_durable *durable = &world->monitor.durable;
    if (!(durable->hosts[host].holds & HOLD_OWN_TRANSACTIONS) || durable->writer == HOST_NONE ||
        host == durable->writer)
        return;
    trace_note(world, "%s is filled anew", world->cluster.hosts[host].name);
    struct world_server *server = &world->hosts[host].server;
    server->binlog = server->received = world->hosts[durable->writer].server.binlog;
    server->applied_at = 0;
}

/* Two histories that have parted, and nobody is known to have been writer: the operator looks at the rows of each, and
 * knows which of them clients were told of.  HOST_NONE: that is not the question, or nobody has them all. */
static int choose_history(const struct world *world) {
    const struct monitor_durable *durable = &world->monitor.durable;
    for (int i = 0; world->lossless && i < world->cluster.host_count; i++)
        if (durable->last_writer == HOST_NONE && durable->hosts[i].holds & HOLD_OWN_TRANSACTIONS &&
            oracle_is_complete(world, i))
            return i;
    return HOST_NONE;
}

/* The operator sets online what is held, and lets the monitor work. */
static void operate(struct world *world) {
    const struct monitor_durable *durable = &world->monitor.durable;
    if (durable->mode != MONITOR_ACTIVE || durable->writer == HOST_NONE)
        give_command(world, COMMAND_SET_MODE, 0, MONITOR_ACTIVE, false);
    int history = choose_history(world);
    if (history != HOST_NONE) {
        give_command(world, COMMAND_SET_ONLINE, history, MONITOR_ACTIVE, true);
        return;
    }
    bool force = !world->lossless || durable->writer != HOST_NONE; /* without a writer it accepts a loss */
    for (int i = 0; i < world->cluster.host_count; i++)
        if (durable->hosts[i].state == HOST_AWAITING_RECOVERY || durable->hosts[i].state == HOST_ADMIN_OFFLINE) {
            refill(world, i);
            give_command(world, COMMAND_SET_ONLINE, i, MONITOR_ACTIVE, force);
        }
}

static void run_healed(struct run *run) {
    struct world *world = run->world;
    msec end = world->now + SERVED_WITHIN, well_since = NEVER, operator_at = world->now;
    trace_note(world, "everything has healed");
    const char *lack = "";
    bool tell = world->tell;
    int looks = 0;
    while (world->now < end && !world->violation[0]) {
        settle(run);
        world_run(world, ROUND);
        lack = find_lack(world);
        if (lack)
            well_since = NEVER;
        else if (well_since == NEVER)
            well_since = world->now;
        else if (world->now - well_since >= SERVED_FOR)
            return;
        if (world->now >= operator_at) {
            operator_at = world->now + OPERATOR_LOOKS_EVERY;
            world->tell = tell && looks++ < OPERATOR_TOLD;
            operate(world);
            world->tell = tell;
        }
    }
    if (lack && !world->violation[0]) {
        oracle_fail(world, "not served within a minute after all has healed: %s", lack);
        world->broken = lack;
    }
}

void run_plan(struct world *world, const struct plan *plan, const struct run_options *options) {
    struct run run = { .world = world, .plan = plan };
    world_start(world, &plan->cluster, plan->seed);
    world->wire = options->wire;
    world->tell = options->tell;
    world->kernel = true;
    world->guard = plan->guard;
    world->lag = plan->lag;
    world->late_most = LATE_MOST;
    world->deaf_permille = plan->deaf_permille;
    world->fence.fails_permille = plan->fence_fails_permille;
    world->fence.hangs_permille = plan->fence_hangs_permille;
    world->fence.answer_most = plan->fence_answer_most;
    while (world->now < plan->faults_until && !world->violation[0]) {
        settle(&run);
        world_run(world, next_edge(&run) - world->now);
    }
    if (!world->violation[0] && !options->safety)
        run_healed(&run);
}
