/* Doing what the core has planned for the guard. */
#include <stdio.h>

#include "app/agent/agent_app.h"
#include "base/log.h"

struct exceptions {
    size_t count;
    struct guard_exception items[GUARD_EXCEPTIONS_MAX];
};

_Static_assert(HOSTS_MAX + 1 + NETWORKS_MAX <= GUARD_EXCEPTIONS_MAX, "every exception has room");

static uint8_t whole(const struct ip *ip) {
    return ip->family == 6 ? 128 : 32;
}

static void except(struct exceptions *exceptions, const struct network *network, const char *kind, const char *name) {
    struct guard_exception *exception = &exceptions->items[exceptions->count++];
    exception->network = *network;
    snprintf(exception->comment, sizeof exception->comment, "%s%s", kind, name);
}

static void collect(const struct agent_app *app, struct exceptions *exceptions) {
    const struct settings *settings = app->settings;
    for (int i = 0; i < app->cluster->host_count; i++) {
        const struct host_spec *host = &app->cluster->hosts[i];
        except(exceptions, &(struct network){ .ip = host->address, .prefix = whole(&host->address) }, "host ",
               host->name);
    }
    const struct ip *monitor = &settings->monitor_address;
    except(exceptions, &(struct network){ .ip = *monitor, .prefix = whole(monitor) }, "monitor", "");
    const struct network_list *allowed = &settings->hosts[app->self].guard_allow;
    for (int i = 0; i < allowed->count; i++)
        except(exceptions, &allowed->items[i], "guard_allow", "");
}

static void take_away(void) {
    struct reason why = { "" };
    /* Where nftables cannot be asked, there is no table either. */
    if (guard_release(&why) == RC_OK)
        log_line(LOG_LEVEL_WARNING, "event=guard_removed why=\"guard = off, and there was one\"");
}

enum rc act_guard_start(struct agent_app *app, struct reason *ret_why) {
    if (app->settings->hosts[app->self].guard == GUARD_OFF) {
        take_away();
        return RC_OK;
    }
    struct exceptions exceptions = { 0 };
    collect(app, &exceptions);
    return guard_new(&(struct guard_options){ .server_port = app->cluster->hosts[app->self].server_port,
                                              .exception_count = exceptions.count,
                                              .exceptions = exceptions.items },
                     &app->guard, ret_why);
}

/* Time has passed since the plan was made: what is left is counted from now. */
void act_guard(struct agent_app *app) {
    if (!app->guard || !app->plan.guard_set)
        return;
    struct guard_opening openings[ADDRESSES_MAX];
    size_t count = 0;
    msec now = clock_now();
    for (int i = 0; i < app->cluster->address_count; i++)
        if (set_has(app->plan.guard, i) && app->plan.guard_until[i] > now)
            openings[count++] =
                (struct guard_opening){ .ip = app->cluster->addresses[i].ip, .left = app->plan.guard_until[i] - now };
    struct reason why = { "" };
    if (guard_hold(app->guard, openings, count, &why))
        log_line(LOG_LEVEL_ERROR, "event=guard_not_set why=\"%s\" next=\"trying again within a second\"", why.text);
}
