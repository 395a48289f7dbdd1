/* The story of a run: a line for what happens, indented lines for what the plan says.  What only repeats (reports,
 * looks, renewals of leases and addresses) is left out, and so is an event of which nothing else came. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "world.h"

enum { LINE_MAX_SIZE = 500, BLOCK_MAX = 4096, QUIET = 2000 };

/* What does not fit any more is not told. */
static void put(struct world *world, const char *text) {
    size_t size = strlen(text);
    if (world->story_size + size >= STORY_MAX)
        return;
    memcpy(world->story + world->story_size, text, size + 1);
    world->story_size += size;
}

struct block {
    char text[BLOCK_MAX];
};

static void say(struct block *block, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct block *block, const char *format, ...) {
    char line[LINE_MAX_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_append(block->text, sizeof block->text, "          %s\n", line);
}

static void tell(struct world *world, const char *who, const char *cause, const struct block *block) {
    if (!block->text[0])
        return;
    char line[LINE_MAX_SIZE];
    snprintf(line, sizeof line, "%8.3f  %s %s\n", (double)world->now / 1000, who, cause);
    put(world, line);
    put(world, block->text);
}

void trace_note(struct world *world, const char *format, ...) {
    if (!world->tell)
        return;
    char what[LINE_MAX_SIZE], line[LINE_MAX_SIZE + 20];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(line, sizeof line, "%8.3f  ** %s\n", (double)world->now / 1000, what);
    put(world, line);
}

static const char *const task_words[] = {
    [TASK_NONE] = "nothing",    [TASK_FENCE] = "fence",        [TASK_DRAIN] = "drain",
    [TASK_READY] = "get ready", [TASK_OPEN] = "make writable", [TASK_FOLLOW] = "follow",
};

static void say_task(const struct world *world, struct block *block, const struct server_task *task) {
    char reach[GTID_TEXT_MAX];
    gtid_format(&task->reach, reach, sizeof reach);
    int source = cluster_host_at(&world->cluster, &task->source_address);
    say(block, "server: %s%s%s%s%s (at most %lld ms)", task_words[task->kind], source == HOST_NONE ? "" : " ",
        source == HOST_NONE ? "" : world->cluster.hosts[source].name, reach[0] ? ", up to " : "", reach,
        (long long)task->timeout);
}

static void say_addresses(const struct world *world, struct block *block, int host, const struct agent_plan *plan) {
    for (int a = 0; a < world->cluster.address_count; a++) {
        char text[IP_TEXT_MAX];
        ip_format(&world->cluster.addresses[a].ip, text);
        if (set_has(plan->address_remove, a))
            say(block, "address: remove %s", text);
        if (set_has(plan->address_set, a) && !world_has_address(world, host, a))
            say(block, "address: add %s for %lld ms", text, (long long)plan->address_lifetime[a]);
    }
}

void trace_agent(struct world *world, int host, const char *cause, const struct agent_plan *plan) {
    if (!world->tell)
        return;
    static struct block block;
    block.text[0] = 0;
    if (plan->save)
        say(&block, "save");
    for (size_t i = 0; i < plan->event_count; i++)
        say(&block, "%s %s: %s", plan->events[i].rule, plan->events[i].name, plan->events[i].why);
    say_addresses(world, &block, host, plan);
    if (plan->server_kill)
        say(&block, "server: KILL");
    if (plan->task.kind != TASK_NONE)
        say_task(world, &block, &plan->task);
    if (plan->answer_set && plan->answer.promised &&
        world->hosts[host].agent.promised_until == world->now + world->cluster.lease.length &&
        world->now - world->hosts[host].asked_at > QUIET)
        say(&block, "promise (the first of a row)");
    if (plan->answer_set && plan->answer.promised)
        world->hosts[host].asked_at = world->now;
    if (plan->ask_whom && world->now - world->hosts[host].asked_at > QUIET)
        say(&block, "ask the peers%s (the first of a row)",
            plan->ask.for_writer ? " to promise" : " whether they hear the monitor");
    if (plan->ask_whom)
        world->hosts[host].asked_at = world->now;
    tell(world, world->cluster.hosts[host].name, cause, &block);
}

static const char *const duty_words[DUTY_COUNT] = {
    [DUTY_STANDBY] = "STANDBY", [DUTY_HELD] = "HELD",     [DUTY_YIELD] = "YIELD",
    [DUTY_DRAIN] = "DRAIN",     [DUTY_WRITER] = "WRITER",
};

static bool is_same(const struct orders *a, const struct orders *b) {
    return a->term == b->term && a->passive == b->passive && a->duty == b->duty && a->electable == b->electable &&
           a->addresses == b->addresses && a->source == b->source && gtid_equal(&a->reach, &b->reach);
}

static void list_hosts(const struct world *world, host_set set, char *ret_text, size_t size) {
    ret_text[0] = 0;
    for (int i = 0; i < world->cluster.host_count; i++)
        if (set_has(set, i))
            text_append(ret_text, size, "%s%s", ret_text[0] ? "+" : "", world->cluster.hosts[i].name);
}

static void list_addresses(const struct world *world, address_set set, char *ret_text, size_t size) {
    ret_text[0] = 0;
    for (int a = 0; a < world->cluster.address_count; a++)
        if (set_has(set, a)) {
            char text[IP_TEXT_MAX];
            ip_format(&world->cluster.addresses[a].ip, text);
            text_append(ret_text, size, " %s", text);
        }
}

static void say_orders(struct world *world, struct block *block, int host, const struct orders *orders) {
    if (is_same(orders, &world->told[host]))
        return;
    world->told[host] = *orders;
    char electable[100], addresses[200], reach[GTID_TEXT_MAX];
    list_hosts(world, orders->electable, electable, sizeof electable);
    list_addresses(world, orders->addresses, addresses, sizeof addresses);
    gtid_format(&orders->reach, reach, sizeof reach);
    say(block, "orders for %s: term %llu %s%s, electable %s%s%s%s%s%s%s", world->cluster.hosts[host].name,
        (unsigned long long)orders->term, duty_words[orders->duty], orders->passive ? " (passive)" : "", electable,
        orders->source == HOST_NONE ? "" : ", follow ",
        orders->source == HOST_NONE ? "" : world->cluster.hosts[orders->source].name, reach[0] ? ", reach " : "", reach,
        addresses[0] ? ", addresses" : "", addresses);
}

void trace_monitor(struct world *world, const char *cause, int reporter, const struct monitor_plan *plan) {
    if (!world->tell)
        return;
    static struct block block;
    block.text[0] = 0;
    if (plan->save)
        say(&block, "save");
    for (size_t i = 0; i < plan->event_count; i++)
        say(&block, "%s %s: %s", plan->events[i].rule, plan->events[i].name, plan->events[i].why);
    if (plan->orders_set)
        say_orders(world, &block, reporter, &plan->orders);
    for (size_t i = 0; i < plan->reply_count; i++)
        say(&block, "reply: %s%s", plan->replies[i].rc == RC_OK ? "" : "refused: ", plan->replies[i].text);
    char nudged[100];
    list_hosts(world, plan->nudge, nudged, sizeof nudged);
    if (nudged[0])
        say(&block, "nudge %s", nudged);
    tell(world, "monitor", cause, &block);
}
