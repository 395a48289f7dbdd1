/* What is said on the link about who has an address: ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861), sent
 * and heard as raw packets.  Private to this folder, and to its tests. */
#ifndef MMM_EFFECT_NETLINK_NEIGHBOURS_H
#define MMM_EFFECT_NETLINK_NEIGHBOURS_H

#include "effect/loop/loop.h"
#include "model/ip.h"
#include "model/limits.h"

/* Somebody, perhaps this machine itself, says that it has an address that is watched.  It may free the neighbours. */
typedef void (*neighbours_claim)(void *context, const struct ip *ip, const struct mac *mac);

struct neighbours;

/* Hears nothing before neighbours_watch; index is the interface's. */
enum rc neighbours_new(struct loop *loop, int index, neighbours_claim claim, void *context,
                       struct neighbours **ret_neighbours, struct reason *ret_why) NODISCARD;
void neighbours_free(struct neighbours *neighbours);

/* The kernel drops everything else before it wakes this process: an idle agent costs nothing on a busy link. */
void neighbours_watch(struct neighbours *neighbours, const struct ip *ips, size_t count);
enum rc neighbours_announce(struct neighbours *neighbours, const struct ip *ip, const struct mac *own,
                            struct reason *ret_why) NODISCARD;
/* from: an own IPv6 address for the answer to come to; not used for IPv4. */
enum rc neighbours_ask(struct neighbours *neighbours, const struct ip *ip, const struct mac *own, const struct ip *from,
                       struct reason *ret_why) NODISCARD;

/* The claim in a packet, which begins with the ARP or IPv6 header; from: the frame's sender.  Pure: bytes come from
 * outside.  false: it claims nothing. */
bool neighbours_read_arp(const uint8_t *bytes, size_t length, struct ip *ret_ip, struct mac *ret_mac);
bool neighbours_read_advertisement(const uint8_t *bytes, size_t length, const struct mac *from, struct ip *ret_ip,
                                   struct mac *ret_mac);

#endif
