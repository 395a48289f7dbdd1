/* Role addresses on this machine's interface, by netlink (libmnl), with lifetimes that the kernel keeps; and the
 * neighbours' caches: gratuitous ARP (RFC 5227) and unsolicited neighbour advertisements (RFC 4861 §7.2.6). */
#ifndef MMM_EFFECT_NETLINK_ADDRESSES_H
#define MMM_EFFECT_NETLINK_ADDRESSES_H

#include "effect/loop/loop.h"
#include "model/ip.h"
#include "model/limits.h"

struct addresses;

/* An address that is on the interface now. */
struct held_address {
    struct ip ip;
    uint8_t prefix;
    msec left; /* until the kernel removes it, never more than it is; NEVER: it has no lifetime */
};

/* Called when somebody else on the link answers for, or announces, an address that is watched; «else»: with an Ethernet
 * address that no interface of this machine has.  It must not free the addresses. */
typedef void (*address_stranger)(void *context, const struct ip *ip, const struct mac *mac);

enum rc addresses_new(struct loop *loop, const char *interface, address_stranger stranger, void *context,
                      struct addresses **ret_addresses, struct reason *ret_why) NODISCARD;
void addresses_free(struct addresses *addresses);
void addresses_mac(const struct addresses *addresses, struct mac *ret_mac);

/* All addresses of the interface, read from the kernel. */
enum rc addresses_list(struct addresses *addresses, struct held_address *ret_held, size_t size, size_t *ret_count,
                       struct reason *ret_why) NODISCARD;
/* Adds the address or renews it, for no longer than lifetime (RC_REFUSED below 1 s): the kernel is told less
 * (cluster_kernel_lifetime).  Nearly always it is gone in time then; at the worst 0.4 s late, which the lease's margin
 * covers (up to 1 s when lifetime is below 1.6 s).
 * It is never chosen as a source by itself; IPv6 without duplicate address detection.  Beside another address of its
 * subnet it goes on the interface as /32 or /128, whatever prefix says: as the first of an IPv4 subnet it would take
 * the machine's own addresses with it when it goes.  prefix counts where no other address leads to the subnet; the
 * interface's promote_secondaries is then switched on, for the same reason. */
enum rc addresses_set(struct addresses *addresses, const struct ip *ip, uint8_t prefix, msec lifetime,
                      struct reason *ret_why) NODISCARD;
/* Removes it, under whatever prefix it is there, and reads back that it is gone.  RC_OK when it was not there. */
enum rc addresses_remove(struct addresses *addresses, const struct ip *ip, uint8_t prefix,
                         struct reason *ret_why) NODISCARD;
/* Tells all neighbours that this machine has the address: once; the core repeats it. */
enum rc addresses_announce(struct addresses *addresses, const struct ip *ip, struct reason *ret_why) NODISCARD;
/* Asks the link who else has it; an answer arrives as stranger. */
enum rc addresses_ask(struct addresses *addresses, const struct ip *ip, struct reason *ret_why) NODISCARD;
/* The addresses whose claims by others are reported: at most ADDRESSES_MAX, in place of those before. */
void addresses_watch(struct addresses *addresses, const struct ip *ips, size_t count);

/* Is one of this machine's interfaces carrying this address?  For finding out which host this is. */
bool addresses_is_local(const struct ip *ip);

#endif
