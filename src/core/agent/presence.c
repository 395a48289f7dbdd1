/* The role addresses on this host: which are served, until when, and who is told. */
#include <stdio.h>

#include "core/agent/agent_internal.h"

static void say(struct step *step, const char *rule, const char *name, int address, const char *what) {
    char text[IP_TEXT_MAX];
    ip_format(&step->agent->cluster->addresses[address].ip, text);
    step_event(step, rule, name, "%s is %s", text, what);
}

static const msec announce_after[ANNOUNCEMENTS] = { 0, 50, 200, 700, 2000, 8000 };

enum { LOOK_EVERY = 1000, STRANGERS_EVERY = 10000, STRANGER_KEPT = 30000, LIFETIME_LEAST = 1000, RENEW_STEP = 200 };

/* The kernel may end a lifetime 20 ms early (effect/netlink/addresses.c), and this process may be late. */
enum { LEAVE_BEFORE = 100, SETTING_TAKES = 20 };

static bool is_writers(const struct agent *agent, int address) {
    return agent->cluster->roles[agent->cluster->addresses[address].role].is_writer;
}

void presence_listed(struct step *step) {
    struct agent *agent = step->agent;
    for (int i = 0; i < agent->cluster->address_count; i++)
        agent->addresses[i] = step->event->addresses[i];
    agent->addresses_next = step->now + LOOK_EVERY;
}

void presence_stranger(struct step *step) {
    struct agent *agent = step->agent;
    int address = step->event->stranger.address;
    /* That another host serves what this one does not is how it should be. */
    if (!agent->addresses[address].present)
        return;
    if (agent->stranger.address != address)
        step_report_soon(step);
    agent->stranger = step->event->stranger;
    agent->stranger_at = step->now;
}

enum wish { WISH_GONE, WISH_CLAIMED, WISH_UNTOLD, WISH_KEEP, WISH_SERVE };

/* Whoever serves it now has just said so on the link, which is heard where the monitor is not. */
static bool is_claimed(const struct step *step, int address) {
    return step->event->kind == AGENT_STRANGER && step->event->stranger.address == address;
}

/* The writer's address is served only by a server that is writable under a lease.  Where the server is known shut or
 * dead it is kept, neither renewed nor removed, until it is served elsewhere: an address that nobody answers for costs
 * a client a second (SERVERS.md).  That is the monitor's word or that host's own; and nobody waits for the word of a
 * monitor that is silent. */
static enum wish wish_writer_address(struct step *step, int address, enum duty_now duty) {
    const struct agent *agent = step->agent;
    if (!set_has(agent->orders.addresses, address))
        return WISH_GONE;
    if (work_is_serving(agent, step->now))
        return WISH_SERVE;
    bool shut = !agent->writer && !agent->must_fence;
    if (duty == NOW_WRITER || (duty == NOW_YIELD && !shut))
        return WISH_KEEP;
    bool handed_over = agent->durable.resigned || agent->orders.duty != DUTY_WRITER;
    if (!shut || !handed_over)
        return WISH_GONE;
    if (is_claimed(step, address))
        return WISH_CLAIMED;
    if (step->now >= lease_silent_at(agent))
        return WISH_UNTOLD;
    step_deadline(step, lease_silent_at(agent));
    return WISH_KEEP;
}

/* Whatever runs may be right; but who knows a term, and does not go on as its writer, is not the one. */
static enum wish wish_without_orders(const struct step *step, int address) {
    const struct agent *agent = step->agent;
    if (is_writers(agent, address) && agent->durable.term > 0 && is_claimed(step, address))
        return WISH_CLAIMED;
    return step->now < agent->started_at + agent->cluster->lease.length ? WISH_KEEP : WISH_GONE;
}

static enum wish wish_address(struct step *step, int address, enum duty_now duty) {
    const struct agent *agent = step->agent;
    if (!agent->has_orders)
        return wish_without_orders(step, address);
    if (is_writers(agent, address))
        return wish_writer_address(step, address, duty);
    if (!set_has(agent->orders.addresses, address) || lease_contact(agent) <= step->now)
        return WISH_GONE;
    const struct lease_spec *lease = &agent->cluster->lease;
    bool word_given = step->now < agent->told_silent + lease->length + lease->margin;
    /* A new one only on orders of this moment: then the next report tells of it, and so the monitor knows what this
     * host can have.  Later orders, which did not arrive, may have given it to somebody else. */
    bool told = agent->monitor_heard == step->now;
    return agent->addresses[address].present || (told && !word_given) ? WISH_SERVE : WISH_KEEP;
}

static void serve(struct step *step, int address, msec until) {
    struct agent *agent = step->agent;
    struct agent_address *seen = &agent->addresses[address];
    msec lifetime = until - step->now;
    bool leaving = step->now >= agent->leave_at[address];
    msec step_least = leaving ? 1 : RENEW_STEP;
    if (lifetime < LIFETIME_LEAST || until <= agent->left_until[address] ||
        (seen->present && until < agent->renewed_until[address] + step_least))
        return;
    step->plan->address_set |= set_of(address);
    step->plan->address_lifetime[address] = lifetime;
    agent->renewed_until[address] = until;
    agent->leave_at[address] = step->now + cluster_kernel_lifetime(lifetime - SETTING_TAKES) - LEAVE_BEFORE;
    if (!seen->present) {
        agent->announced[address] = 0;
        agent->announce_at[address] = step->now;
        say(step, "A20", "address_up", address, "served here");
        step_report_soon(step);
    }
    *seen = (struct agent_address){ .present = true, .gone_at = until };
}

static void take_down(struct step *step, int address) {
    struct agent *agent = step->agent;
    agent->addresses[address].present = false;
    agent->renewed_until[address] = 0;
    agent->leave_at[address] = NEVER;
    agent->announced[address] = ANNOUNCEMENTS;
    step->plan->address_remove |= set_of(address);
    step->plan->addresses_look = true;
    step_report_soon(step);
}

static void drop(struct step *step, int address, enum wish wish) {
    struct agent *agent = step->agent;
    if (!agent->addresses[address].present)
        return;
    take_down(step, address);
    if (wish == WISH_CLAIMED) {
        char mac[MAC_TEXT_MAX], what[FACT_SIZE];
        mac_format(&step->event->stranger.mac, mac);
        snprintf(what, sizeof what, "given up here: %s has just said that it has it", mac);
        say(step, "A23", "address_down", address, what);
        agent->stranger = (struct stranger){ .address = -1 }; /* that is how it should be */
    } else if (wish == WISH_UNTOLD) {
        say(step, "A24", "address_down", address,
            "given up here: who has it cannot be told by a monitor that is silent");
    } else {
        say(step, "A21", "address_down", address, "not served here any more");
    }
}

/* Nothing has renewed it, and the kernel is about to take it away, which would leave its clients without a word: what
 * has lost its address cannot be reset.  So it goes a moment before. */
static void leave_in_time(struct step *step, int address) {
    struct agent *agent = step->agent;
    if (!agent->addresses[address].present)
        return;
    if (step->now < agent->leave_at[address]) {
        step_deadline(step, agent->leave_at[address]);
        return;
    }
    agent->left_until[address] = agent->renewed_until[address];
    take_down(step, address);
    guard_shut(step, address);
    say(step, "A22", "address_down", address, "not renewed, and goes before the kernel takes it");
}

static void announce(struct step *step, int address) {
    struct agent *agent = step->agent;
    unsigned *done = &agent->announced[address];
    if (!agent->addresses[address].present || *done >= ANNOUNCEMENTS)
        return;
    msec at = agent->announce_at[address] + announce_after[*done];
    if (step->now >= at) {
        step->plan->address_announce |= set_of(address);
        ++*done;
        if (*done == ANNOUNCEMENTS)
            return;
        at = agent->announce_at[address] + announce_after[*done];
    }
    step_deadline(step, at);
}

static void look_for_strangers(struct step *step) {
    struct agent *agent = step->agent;
    if (agent->stranger.address >= 0 && step->now >= agent->stranger_at + STRANGER_KEPT)
        agent->stranger = (struct stranger){ .address = -1 };
    if (step->now < agent->ask_strangers_next) {
        step_deadline(step, agent->ask_strangers_next);
        return;
    }
    agent->ask_strangers_next = step->now + STRANGERS_EVERY;
    for (int i = 0; i < agent->cluster->address_count; i++)
        if (agent->addresses[i].present)
            step->plan->address_ask |= set_of(i);
    step_deadline(step, agent->ask_strangers_next);
}

void presence_check(struct step *step) {
    struct agent *agent = step->agent;
    enum duty_now duty = lease_duty(agent, step->now);
    bool frozen = agent->has_orders && agent->orders.passive && duty != NOW_LAPSED;
    for (int i = 0; i < agent->cluster->address_count; i++) {
        msec until = is_writers(agent, i) ? agent->lease_until : lease_contact(agent);
        enum wish wish = wish_address(step, i, duty);
        switch (wish) {
        case WISH_SERVE:
            serve(step, i, until);
            guard_let(step, i, until);
            announce(step, i);
            break;
        case WISH_KEEP: /* and not announced: clients are drawn to whoever serves it */
            break;
        case WISH_GONE:
        case WISH_CLAIMED:
        case WISH_UNTOLD:
            if (!frozen) {
                drop(step, i, wish);
                guard_shut(step, i);
            }
            break;
        }
        leave_in_time(step, i);
    }
    if (lease_contact(agent) > step->now)
        step_deadline(step, lease_contact(agent));
    look_for_strangers(step);
    if (step->now >= agent->addresses_next) {
        step->plan->addresses_look = true;
        step->plan->guard_set = true; /* again, should somebody have flushed it */
        agent->addresses_next = step->now + LOOK_EVERY;
    }
    step_deadline(step, agent->addresses_next);
    guard_fill(step);
}
