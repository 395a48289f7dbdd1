/* `mmm agent --release`: what outlives an agent is taken back, by the hand of an administrator. */
#include <stdio.h>
#include <unistd.h>

#include "app/agent/agent_app.h"
#include "app/daemons.h"
#include "effect/loop/loop.h"
#include "effect/netlink/sockets.h"

static void no_stranger(void *context, const struct ip *ip, const struct mac *mac) {
    (void)context;
    (void)ip;
    (void)mac;
}

/* The address goes in any case; who is connected through it is told when that can be done. */
static void reset_connections(const struct ip *ip, FILE *out) {
    enum { RESET_MOST = 2000 };
    struct reason why = { "" };
    unsigned count = 0;
    if (sockets_reset(ip, 1, RESET_MOST, &count, &why))
        fprintf(out, "%s\n", why.text);
    else if (count > 0)
        fprintf(out, "reset %u connections\n", count);
}

/* The addresses of the cluster's roles that this machine has now. */
static enum rc remove_held(struct addresses *addresses, const struct cluster *cluster, FILE *out,
                           struct reason *ret_why) {
    enum { LISTED_MAX = 256 };
    struct held_address held[LISTED_MAX];
    size_t count = 0;
    enum rc rc = addresses_list(addresses, held, LISTED_MAX, &count, ret_why);
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        for (int k = 0; rc == RC_OK && k < cluster->address_count; k++) {
            if (!ip_equal(&held[i].ip, &cluster->addresses[k].ip))
                continue;
            char text[IP_TEXT_MAX];
            ip_format(&held[i].ip, text);
            reset_connections(&held[i].ip, out);
            rc = addresses_remove(addresses, &held[i].ip, held[i].prefix, ret_why);
            if (rc == RC_OK)
                fprintf(out, "removed the address %s\n", text);
        }
    return rc;
}

static enum rc release_addresses(const struct settings *settings, int self, FILE *out, struct reason *ret_why) {
    const char *interface = settings->hosts[self].interface;
    if (!interface[0])
        return RC_OK; /* then no role brings addresses here */
    struct loop *loop = loop_new();
    struct addresses *addresses = NULL;
    enum rc rc = addresses_new(loop, interface, no_stranger, NULL, &addresses, ret_why);
    if (rc == RC_OK)
        rc = remove_held(addresses, &settings->cluster, out, ret_why);
    addresses_free(addresses);
    loop_free(loop);
    return rc;
}

/* The addresses first: as long as one is left, the guard is what keeps clients of a former writer out. */
static enum rc release(const struct settings *settings, int self, FILE *out, struct reason *ret_why) {
    enum rc rc = release_addresses(settings, self, out, ret_why);
    if (rc != RC_OK)
        return rc;
    rc = guard_release(ret_why);
    if (rc == RC_OK)
        fputs("removed the guard, table inet mmm\n", out);
    else if (rc != RC_NOT_FOUND && settings->hosts[self].guard == GUARD_ON)
        return rc;
    fputs("the server is left as it is: see that it is read-only before clients reach it\n", out);
    return RC_OK;
}

int agent_release(const struct settings *settings, int self, FILE *out, FILE *err) {
    struct reason why = { "" };
    int lock = -1;
    enum rc rc = app_lock(settings, self, &lock, &why);
    if (rc == RC_CONFLICT) {
        fprintf(err, "mmm: %s: the agent runs, and would take everything up again; stop it first\n", why.text);
        return 1;
    }
    if (rc == RC_OK)
        rc = release(settings, self, out, &why);
    if (lock >= 0)
        close(lock);
    if (rc != RC_OK)
        fprintf(err, "mmm: %s\n", why.text);
    return rc != RC_OK;
}
