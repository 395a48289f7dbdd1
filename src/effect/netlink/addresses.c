#include "effect/netlink/addresses.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/netlink/neighbours.h"
#include "effect/netlink/rtnetlink.h"
#include "model/cluster.h"

struct addresses {
    struct loop *loop;
    char interface[INTERFACE_SIZE];
    address_stranger stranger;
    void *context;
    struct rtnetlink *netlink;
    struct rt_link link;
    struct neighbours *neighbours;
    size_t watched_count; /* kept for an interface that goes and comes back under another index */
    struct ip watched[ADDRESSES_MAX];
    struct mac judged; /* the last foreign claimant, and what was found about it */
    bool judged_own;
    msec judged_until;
    struct rt_reply reply;
};

/* --- the interface -------------------------------------------------------------------------------------------- */

/* The other interfaces of this machine may answer too, on the same link or as parts of a bond.  Their list is read
 * anew, since it changes, yet not for each packet of somebody who keeps claiming. */
static bool mac_is_own(struct addresses *addresses, const struct mac *mac) {
    if (mac_equal(mac, &addresses->link.mac))
        return true;
    msec now = clock_now();
    if (now < addresses->judged_until && mac_equal(mac, &addresses->judged))
        return addresses->judged_own;
    addresses->reply = (struct rt_reply){ .mac = *mac };
    bool own = rtnetlink_links(addresses->netlink, &addresses->reply, NULL) == RC_OK && addresses->reply.link_count > 0;
    addresses->judged = *mac;
    addresses->judged_own = own;
    addresses->judged_until = now + SECONDS(1);
    return own;
}

static void claimed(void *context, const struct ip *ip, const struct mac *mac) {
    struct addresses *addresses = context;
    if (!mac_is_zero(mac) && !mac_is_own(addresses, mac))
        addresses->stranger(addresses->context, ip, mac);
}

/* Reads the interface's index and Ethernet address, which change when it is made anew or a bond fails over. */
static enum rc refresh(struct addresses *addresses, struct reason *ret_why) {
    struct rt_link link;
    enum rc rc = rtnetlink_link(addresses->netlink, addresses->interface, &link, ret_why);
    if (rc != RC_OK)
        return rc;
    if (!link.ethernet)
        return FAIL(RC_INVALID, ret_why, "interface «%s» is not Ethernet: role addresses need one where ARP is spoken",
                    addresses->interface);
    if (addresses->neighbours == NULL || link.index != addresses->link.index) {
        struct neighbours *neighbours;
        rc = neighbours_new(addresses->loop, link.index, claimed, addresses, &neighbours, ret_why);
        if (rc != RC_OK)
            return rc;
        neighbours_watch(neighbours, addresses->watched, addresses->watched_count);
        neighbours_free(addresses->neighbours);
        addresses->neighbours = neighbours;
    }
    addresses->link = link;
    return RC_OK;
}

/* Into reply: the addresses of the interface, as the kernel has them now. */
static enum rc look(struct addresses *addresses, struct reason *ret_why) {
    enum rc rc = refresh(addresses, ret_why);
    if (rc != RC_OK)
        return rc;
    addresses->reply = (struct rt_reply){ .index = addresses->link.index };
    rc = rtnetlink_addresses(addresses->netlink, &addresses->reply, ret_why);
    if (rc != RC_OK)
        reason_prefix(ret_why, "interface «%s»", addresses->interface);
    return rc;
}

enum rc addresses_new(struct loop *loop, const char *interface, address_stranger stranger, void *context,
                      struct addresses **ret_addresses, struct reason *ret_why) {
    struct addresses *addresses = calloc(1, sizeof *addresses);
    if (addresses == NULL)
        abort();
    addresses->loop = loop;
    addresses->stranger = stranger;
    addresses->context = context;
    enum rc rc = RC_OK;
    if (!TEXT_COPY(addresses->interface, interface))
        rc = FAIL(RC_INVALID, ret_why, "«%.40s» is too long for an interface's name", interface);
    if (rc == RC_OK)
        rc = rtnetlink_new(&addresses->netlink, ret_why);
    if (rc == RC_OK)
        rc = refresh(addresses, ret_why);
    if (rc != RC_OK) {
        addresses_free(addresses);
        return rc;
    }
    *ret_addresses = addresses;
    return RC_OK;
}

void addresses_free(struct addresses *addresses) {
    if (addresses == NULL)
        return;
    neighbours_free(addresses->neighbours);
    rtnetlink_free(addresses->netlink);
    free(addresses);
}

void addresses_mac(const struct addresses *addresses, struct mac *ret_mac) {
    *ret_mac = addresses->link.mac;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

/* The kernel shows the seconds left rounded up, and may remove the address 20 ms early (ADDRCONF_TIMER_FUZZ_MINUS in
 * its include/net/addrconf.h): what is surely left is a second and that less. */
static msec surely_left(uint32_t valid_s) {
    enum { ROUNDED_MSEC = 1020 };
    if (valid_s == UINT32_MAX)
        return NEVER;
    msec left = SECONDS(valid_s) - ROUNDED_MSEC;
    return left > 0 ? left : 0;
}

enum rc addresses_list(struct addresses *addresses, struct held_address *ret_held, size_t size, size_t *ret_count,
                       struct reason *ret_why) {
    enum rc rc = look(addresses, ret_why);
    if (rc != RC_OK)
        return rc;
    const struct rt_reply *reply = &addresses->reply;
    if (reply->address_count > size)
        return FAIL(RC_REFUSED, ret_why, "interface «%s» has %zu addresses, more than the %zu that are expected",
                    addresses->interface, reply->address_count, size);
    for (size_t i = 0; i < reply->address_count; i++)
        ret_held[i] = (struct held_address){ .ip = reply->addresses[i].ip,
                                             .prefix = reply->addresses[i].prefix,
                                             .left = surely_left(reply->addresses[i].valid_s) };
    *ret_count = reply->address_count;
    return RC_OK;
}

bool addresses_is_local(const struct ip *ip) {
    struct rtnetlink *netlink;
    if (rtnetlink_new(&netlink, NULL) != RC_OK)
        return false;
    struct rt_reply *reply = calloc(1, sizeof *reply);
    if (reply == NULL)
        abort();
    reply->ip = *ip;
    bool local = rtnetlink_addresses(netlink, reply, NULL) == RC_OK && reply->address_count > 0;
    free(reply);
    rtnetlink_free(netlink);
    return local;
}

/* --- changing ------------------------------------------------------------------------------------------------- */

/* With it the kernel, when the first address of an IPv4 subnet goes, makes the next one the first, and without it
 * removes them all (ip-sysctl, promote_secondaries).  False: it could not be switched on. */
static bool promote_secondaries(const struct addresses *addresses) {
    char path[80];
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/promote_secondaries", addresses->interface);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool written = write(fd, "1\n", 2) == 2;
    close(fd);
    return written;
}

static bool covers(const struct rt_address *address, const struct ip *ip) {
    if (address->ip.family != ip->family || ip_equal(&address->ip, ip))
        return false;
    size_t whole = address->prefix / 8;
    unsigned rest = address->prefix % 8;
    if (memcmp(address->ip.bytes, ip->bytes, whole) != 0)
        return false;
    return rest == 0 || (address->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

/* Under which length the address goes on the interface (addresses.h).  An IPv6 address that is there keeps its own: it
 * cannot be there twice. */
static uint8_t prefix_choose(const struct addresses *addresses, const struct ip *ip, uint8_t prefix) {
    const struct rt_reply *reply = &addresses->reply;
    uint8_t longest = ip->family == 4 ? 32 : 128;
    bool covered = false;
    for (size_t i = 0; i < reply->address_count; i++) {
        if (ip->family == 6 && ip_equal(&reply->addresses[i].ip, ip))
            return reply->addresses[i].prefix;
        covered |= covers(&reply->addresses[i], ip);
    }
    if (covered || prefix >= longest)
        return longest;
    return ip->family == 6 || promote_secondaries(addresses) ? prefix : longest;
}

/* Removes what the look before found of the address, save under the prefix to keep. */
static enum rc delete_others(struct addresses *addresses, const struct ip *ip, uint8_t keep, struct reason *ret_why) {
    const struct rt_reply *reply = &addresses->reply;
    for (size_t i = 0; i < reply->address_count; i++) {
        const struct rt_address *address = &reply->addresses[i];
        if (!ip_equal(&address->ip, ip) || address->prefix == keep)
            continue;
        /* One that somebody else put there may be the first of the machine's own subnet.  A role address that is
         * to go goes all the same if this cannot be switched on. */
        if (ip->family == 4 && address->prefix < 32 && (address->flags & IFA_F_SECONDARY) == 0)
            (void)promote_secondaries(addresses);
        enum rc rc = rtnetlink_address_delete(addresses->netlink, address, ret_why);
        if (rc != RC_OK && rc != RC_NOT_FOUND)
            return rc;
    }
    return RC_OK;
}

static enum rc set(struct addresses *addresses, const struct ip *ip, uint8_t prefix, msec lifetime,
                   struct reason *ret_why) {
    if (lifetime < SECONDS(1) || lifetime > SECONDS(UINT32_MAX / 2))
        return FAIL(RC_REFUSED, ret_why, "a lifetime of %lld ms is not possible; the kernel counts whole seconds",
                    (long long)lifetime);
    msec until = clock_now() + lifetime;
    enum rc rc = look(addresses, ret_why);
    if (rc != RC_OK)
        return rc;
    struct rt_address address = { .index = addresses->link.index,
                                  .ip = *ip,
                                  .prefix = prefix_choose(addresses, ip, prefix) };
    lifetime = until - clock_now();
    if (lifetime < SECONDS(1))
        return FAIL(RC_TIMEOUT, ret_why, "its lifetime was nearly over before the kernel was asked");
    address.valid_s = (uint32_t)(cluster_kernel_lifetime(lifetime) / 1000);
    rc = rtnetlink_address_set(addresses->netlink, &address, ret_why);
    if (rc != RC_OK)
        return rc;
    /* The kernel counts from when it was asked.  A process that was stopped just before that asked too late. */
    if (clock_now() >= until) {
        rc = rtnetlink_address_delete(addresses->netlink, &address, ret_why);
        return rc != RC_OK ? rc : FAIL(RC_TIMEOUT, ret_why, "its lifetime was over before the kernel had set it");
    }
    return delete_others(addresses, ip, address.prefix, ret_why);
}

enum rc addresses_set(struct addresses *addresses, const struct ip *ip, uint8_t prefix, msec lifetime,
                      struct reason *ret_why) {
    enum rc rc = set(addresses, ip, prefix, lifetime, ret_why);
    if (rc != RC_OK) {
        char text[IP_TEXT_MAX];
        ip_format(ip, text);
        reason_prefix(ret_why, "cannot set %s on «%s»", text, addresses->interface);
    }
    return rc;
}

static enum rc remove_and_verify(struct addresses *addresses, const struct ip *ip, struct reason *ret_why) {
    enum { KEEP_NONE = UINT8_MAX };
    enum rc rc = look(addresses, ret_why);
    if (rc == RC_OK)
        rc = delete_others(addresses, ip, KEEP_NONE, ret_why);
    if (rc == RC_OK)
        rc = look(addresses, ret_why);
    for (size_t i = 0; rc == RC_OK && i < addresses->reply.address_count; i++)
        if (ip_equal(&addresses->reply.addresses[i].ip, ip))
            rc = FAIL(RC_CONFLICT, ret_why, "it is there again: another program on this machine sets it");
    return rc;
}

enum rc addresses_remove(struct addresses *addresses, const struct ip *ip, uint8_t prefix, struct reason *ret_why) {
    (void)prefix;
    enum rc rc = remove_and_verify(addresses, ip, ret_why);
    if (rc != RC_OK) {
        char text[IP_TEXT_MAX];
        ip_format(ip, text);
        reason_prefix(ret_why, "cannot remove %s from «%s»", text, addresses->interface);
    }
    return rc;
}

/* --- neighbours ----------------------------------------------------------------------------------------------- */

enum rc addresses_announce(struct addresses *addresses, const struct ip *ip, struct reason *ret_why) {
    enum rc rc = refresh(addresses, ret_why);
    if (rc == RC_OK)
        rc = neighbours_announce(addresses->neighbours, ip, &addresses->link.mac, ret_why);
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot announce on «%s»", addresses->interface);
    return rc;
}

/* Where a neighbour's answer can come to: the link-local address, else another that is not a role's. */
static enum rc find_sender(struct addresses *addresses, struct ip *ret_from, struct reason *ret_why) {
    enum rc rc = look(addresses, ret_why);
    if (rc != RC_OK)
        return rc;
    const struct rt_address *best = NULL;
    for (size_t i = 0; i < addresses->reply.address_count; i++) {
        const struct rt_address *address = &addresses->reply.addresses[i];
        if (address->ip.family != 6 || (address->flags & (IFA_F_TENTATIVE | IFA_F_DEPRECATED)) != 0)
            continue;
        if (best == NULL || address->scope == RT_SCOPE_LINK)
            best = address;
    }
    if (best == NULL)
        return FAIL(RC_REFUSED, ret_why, "it has no IPv6 address of its own that an answer could come to");
    *ret_from = best->ip;
    return RC_OK;
}

enum rc addresses_ask(struct addresses *addresses, const struct ip *ip, struct reason *ret_why) {
    struct ip from = { 0 };
    enum rc rc = ip->family == 6 ? find_sender(addresses, &from, ret_why) : refresh(addresses, ret_why);
    if (rc == RC_OK)
        rc = neighbours_ask(addresses->neighbours, ip, &addresses->link.mac, &from, ret_why);
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot ask on «%s»", addresses->interface);
    return rc;
}

void addresses_watch(struct addresses *addresses, const struct ip *ips, size_t count) {
    assert(count <= ADDRESSES_MAX);
    if (count > 0)
        memcpy(addresses->watched, ips, count * sizeof *ips);
    addresses->watched_count = count;
    neighbours_watch(addresses->neighbours, addresses->watched, count);
}
