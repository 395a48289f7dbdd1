#include "effect/netlink/neighbours.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip6.h>
#include <netpacket/packet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PACKETS_A_TURN = 32, /* read at one waking, so that a flood does not keep the loop from its deadlines */
    PACKET_SIZE = 512,
    FILTER_MAX = 8 + ADDRESSES_MAX + 2,
};

/* One socket for each protocol: the kernel then runs no filter on any other packet of the interface. */
struct ear {
    struct neighbours *neighbours;
    int fd;
    struct loop_watch *watch;
};

struct neighbours {
    int index;
    neighbours_claim claim;
    void *context;
    struct ear arp, ipv6;
    bool hearing, freed; /* freed while it told of a claim: it goes when that is done */
    size_t watched_count;
    struct ip watched[ADDRESSES_MAX];
};

/* --- packets -------------------------------------------------------------------------------------------------- */

struct advertisement {
    struct ip6_hdr ip;
    struct nd_neighbor_advert body; /* a solicitation has the same shape: type, code, sum, word, target */
    struct nd_opt_hdr option;
    uint8_t mac[6];
} __attribute__((packed));

static_assert(sizeof(struct advertisement) == 40 + 24 + 8, "no padding on the wire");

bool neighbours_read_arp(const uint8_t *bytes, size_t length, struct ip *ret_ip, struct mac *ret_mac) {
    struct ether_arp arp;
    if (length < sizeof arp)
        return false;
    memcpy(&arp, bytes, sizeof arp);
    if (arp.ea_hdr.ar_hrd != htons(ARPHRD_ETHER) || arp.ea_hdr.ar_pro != htons(ETH_P_IP) ||
        arp.ea_hdr.ar_hln != sizeof arp.arp_sha || arp.ea_hdr.ar_pln != sizeof arp.arp_spa)
        return false;
    static const uint8_t nobody[4]; /* the sender of a probe: it asks and claims nothing */
    if (memcmp(arp.arp_spa, nobody, sizeof nobody) == 0)
        return false;
    *ret_ip = (struct ip){ .family = 4 };
    memcpy(ret_ip->bytes, arp.arp_spa, sizeof arp.arp_spa);
    memcpy(ret_mac->bytes, arp.arp_sha, sizeof arp.arp_sha);
    return true;
}

/* Walks the options, each a type, a length in units of eight bytes, and that many bytes in all. */
static void read_target_mac(const uint8_t *options, size_t length, struct mac *ret_mac) {
    while (length >= 8 && options[1] != 0 && (size_t)options[1] * 8 <= length) {
        if (options[0] == ND_OPT_TARGET_LINKADDR)
            memcpy(ret_mac->bytes, options + 2, sizeof ret_mac->bytes);
        length -= (size_t)options[1] * 8;
        options += (size_t)options[1] * 8;
    }
}

bool neighbours_read_advertisement(const uint8_t *bytes, size_t length, const struct mac *from, struct ip *ret_ip,
                                   struct mac *ret_mac) {
    struct ip6_hdr ip;
    struct nd_neighbor_advert body;
    if (length < sizeof ip + sizeof body)
        return false;
    memcpy(&ip, bytes, sizeof ip);
    memcpy(&body, bytes + sizeof ip, sizeof body);
    size_t payload = ntohs(ip.ip6_plen);
    /* A hop limit of 255 proves that it comes from this link (RFC 4861 §7.1.2). */
    if (ip.ip6_nxt != IPPROTO_ICMPV6 || ip.ip6_hlim != 255 || payload < sizeof body || payload > length - sizeof ip ||
        body.nd_na_type != ND_NEIGHBOR_ADVERT || body.nd_na_code != 0)
        return false;
    *ret_ip = (struct ip){ .family = 6 };
    memcpy(ret_ip->bytes, &body.nd_na_target, sizeof ret_ip->bytes);
    *ret_mac = *from;
    read_target_mac(bytes + sizeof ip + sizeof body, payload - sizeof body, ret_mac);
    return true;
}

static struct ether_arp arp_packet(uint16_t operation, const uint8_t *sender, const struct ip *ip,
                                   const struct mac *own) {
    struct ether_arp arp = { .ea_hdr = { .ar_hrd = htons(ARPHRD_ETHER),
                                         .ar_pro = htons(ETH_P_IP),
                                         .ar_hln = sizeof arp.arp_sha,
                                         .ar_pln = sizeof arp.arp_spa,
                                         .ar_op = htons(operation) } };
    memcpy(arp.arp_sha, own->bytes, sizeof arp.arp_sha);
    memcpy(arp.arp_spa, sender, sizeof arp.arp_spa);
    memcpy(arp.arp_tpa, ip->bytes, sizeof arp.arp_tpa);
    if (operation == ARPOP_REPLY)
        memset(arp.arp_tha, 0xff, sizeof arp.arp_tha);
    return arp;
}

static uint32_t sum_of(const void *bytes, size_t length, uint32_t sum) {
    const uint8_t *byte = bytes;
    for (size_t i = 0; i + 1 < length; i += 2)
        sum += (uint32_t)byte[i] << 8 | byte[i + 1];
    return sum;
}

/* RFC 8200 §8.1: over a pseudo-header of the addresses, the length and the protocol, and the message itself. */
static uint16_t icmp_sum(const struct advertisement *packet) {
    uint32_t payload = sizeof *packet - sizeof packet->ip;
    uint32_t sum = sum_of(&packet->ip.ip6_src, 2 * sizeof packet->ip.ip6_src, payload + IPPROTO_ICMPV6);
    sum = sum_of((const uint8_t *)packet + sizeof packet->ip, payload, sum);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static struct advertisement icmp_packet(uint8_t type, uint32_t flags, const struct ip *from, const struct in6_addr *to,
                                        const struct ip *target, const struct mac *own) {
    struct advertisement packet = {
        .ip = { .ip6_ctlun.ip6_un1 = { .ip6_un1_flow = htonl(6u << 28),
                                       .ip6_un1_plen = htons(sizeof packet - sizeof packet.ip),
                                       .ip6_un1_nxt = IPPROTO_ICMPV6,
                                       .ip6_un1_hlim = 255 },
                .ip6_dst = *to },
        .body.nd_na_hdr.icmp6_type = type,
        .option = { .nd_opt_type = type == ND_NEIGHBOR_ADVERT ? ND_OPT_TARGET_LINKADDR : ND_OPT_SOURCE_LINKADDR,
                    .nd_opt_len = 1 },
    };
    packet.body.nd_na_flags_reserved = flags;
    memcpy(&packet.ip.ip6_src, from->bytes, sizeof packet.ip.ip6_src);
    memcpy(&packet.body.nd_na_target, target->bytes, sizeof packet.body.nd_na_target);
    memcpy(packet.mac, own->bytes, sizeof packet.mac);
    packet.body.nd_na_cksum = icmp_sum(&packet);
    return packet;
}

/* --- saying --------------------------------------------------------------------------------------------------- */

static enum rc send_to(struct neighbours *neighbours, const struct ear *by, uint16_t protocol, const uint8_t *mac,
                       const void *packet, size_t length, struct reason *ret_why) {
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = neighbours->index, .sll_halen = 6
    };
    memcpy(to.sll_addr, mac, 6);
    ssize_t sent = sendto(by->fd, packet, length, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof to);
    if (sent < 0)
        return FAIL(RC_IO, ret_why, "cannot send to the link: %s", strerror(errno));
    return RC_OK;
}

static enum rc send_arp(struct neighbours *neighbours, const struct ether_arp *arp, struct reason *ret_why) {
    static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    return send_to(neighbours, &neighbours->arp, ETH_P_ARP, everybody, arp, sizeof *arp, ret_why);
}

/* An IPv6 group's Ethernet address ends with its last four bytes (RFC 2464 §7). */
static enum rc send_icmp(struct neighbours *neighbours, const struct advertisement *packet, struct reason *ret_why) {
    uint8_t group[6] = { 0x33, 0x33 };
    memcpy(group + 2, packet->ip.ip6_dst.s6_addr + 12, 4);
    return send_to(neighbours, &neighbours->ipv6, ETH_P_IPV6, group, packet, sizeof *packet, ret_why);
}

/* Some systems update their caches from requests only, some from replies only: so both. */
static enum rc announce_ipv4(struct neighbours *neighbours, const struct ip *ip, const struct mac *own,
                             struct reason *ret_why) {
    struct ether_arp request = arp_packet(ARPOP_REQUEST, ip->bytes, ip, own);
    struct ether_arp reply = arp_packet(ARPOP_REPLY, ip->bytes, ip, own);
    enum rc rc = send_arp(neighbours, &request, ret_why);
    return rc != RC_OK ? rc : send_arp(neighbours, &reply, ret_why);
}

enum rc neighbours_announce(struct neighbours *neighbours, const struct ip *ip, const struct mac *own,
                            struct reason *ret_why) {
    if (ip->family == 4)
        return announce_ipv4(neighbours, ip, own, ret_why);
    static const struct in6_addr all_nodes = { .s6_addr = { 0xff, 0x02, [15] = 1 } };
    struct advertisement packet = icmp_packet(ND_NEIGHBOR_ADVERT, ND_NA_FLAG_OVERRIDE, ip, &all_nodes, ip, own);
    return send_icmp(neighbours, &packet, ret_why);
}

enum rc neighbours_ask(struct neighbours *neighbours, const struct ip *ip, const struct mac *own, const struct ip *from,
                       struct reason *ret_why) {
    if (ip->family == 4) {
        /* A probe (RFC 5227 §2.1.1) names no sender address, and so disturbs no cache. */
        struct ether_arp probe = arp_packet(ARPOP_REQUEST, (const uint8_t[4]){ 0 }, ip, own);
        return send_arp(neighbours, &probe, ret_why);
    }
    /* From an address of our own, for the answer to come to us alone: to an unspecified sender a second holder would
     * answer to the whole link, and draw everybody's caches to itself. */
    struct in6_addr group = { .s6_addr = { 0xff, 0x02, [11] = 1, 0xff } };
    memcpy(group.s6_addr + 13, ip->bytes + 13, 3);
    struct advertisement packet = icmp_packet(ND_NEIGHBOR_SOLICIT, 0, from, &group, ip, own);
    return send_icmp(neighbours, &packet, ret_why);
}

/* --- hearing -------------------------------------------------------------------------------------------------- */

/* The whole address is compared in read_claims: the filter looks at the last four bytes, which is all of IPv4's. */
static uint32_t last_word(const struct ip *ip) {
    uint32_t word;
    memcpy(&word, ip->bytes + (ip->family == 4 ? 0 : 12), sizeof word);
    return ntohl(word);
}

/* Ends a filter that has loaded the word to compare: one comparison for each watched address, then no, then yes. */
static enum rc filter_attach(struct neighbours *neighbours, const struct ear *ear, uint8_t family,
                             struct sock_filter *code, size_t used, struct reason *ret_why) {
    size_t wanted = 0;
    for (size_t i = 0; i < neighbours->watched_count; i++)
        wanted += neighbours->watched[i].family == family;
    for (size_t i = 0; i < neighbours->watched_count; i++)
        if (neighbours->watched[i].family == family)
            code[used++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, last_word(&neighbours->watched[i]),
                                                        (uint8_t)wanted--, 0);
    code[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    code[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, PACKET_SIZE);
    assert(used <= FILTER_MAX);
    struct sock_fprog program = { .len = (unsigned short)used, .filter = code };
    if (setsockopt(ear->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
        return FAIL(RC_IO, ret_why, "cannot set the filter of a packet socket: %s", strerror(errno));
    return RC_OK;
}

/* Offsets count from the network header.  A packet that is too short for a load is dropped by the kernel. */
static enum rc filters_set(struct neighbours *neighbours, struct reason *ret_why) {
    struct sock_filter arp[FILTER_MAX] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct ether_arp, arp_spa)),
    };
    enum {
        TYPE_AT = sizeof(struct ip6_hdr),
        TARGET_END_AT = TYPE_AT + offsetof(struct nd_neighbor_advert, nd_na_target) + 12
    };
    struct sock_filter ipv6[FILTER_MAX] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(struct ip6_hdr, ip6_nxt)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TYPE_AT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ND_NEIGHBOR_ADVERT, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, TARGET_END_AT),
    };
    enum rc rc = filter_attach(neighbours, &neighbours->arp, 4, arp, 1, ret_why);
    return rc != RC_OK ? rc : filter_attach(neighbours, &neighbours->ipv6, 6, ipv6, 7, ret_why);
}

static bool is_watched(const struct neighbours *neighbours, const struct ip *ip) {
    for (size_t i = 0; i < neighbours->watched_count; i++)
        if (ip_equal(&neighbours->watched[i], ip))
            return true;
    return false;
}

static void hear_packets(struct neighbours *neighbours, const struct ear *ear) {
    for (int i = 0; i < PACKETS_A_TURN && !neighbours->freed; i++) {
        uint8_t packet[PACKET_SIZE];
        struct sockaddr_ll from = { 0 };
        socklen_t from_size = sizeof from;
        ssize_t length = recvfrom(ear->fd, packet, sizeof packet, MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
        if (length < 0)
            return; /* no more; or the interface went down, which is read once, and it may come back */
        struct mac sender = { { 0 } }, mac;
        if (from.sll_halen == sizeof sender.bytes)
            memcpy(sender.bytes, from.sll_addr, sizeof sender.bytes);
        struct ip ip;
        bool claimed = ear == &neighbours->arp
                           ? neighbours_read_arp(packet, (size_t)length, &ip, &mac)
                           : neighbours_read_advertisement(packet, (size_t)length, &sender, &ip, &mac);
        if (claimed && is_watched(neighbours, &ip))
            neighbours->claim(neighbours->context, &ip, &mac);
    }
}

static void hear(void *context) {
    struct ear *ear = context;
    struct neighbours *neighbours = ear->neighbours;
    neighbours->hearing = true;
    hear_packets(neighbours, ear);
    neighbours->hearing = false;
    if (neighbours->freed)
        neighbours_free(neighbours);
}

static enum rc ear_open(struct neighbours *neighbours, struct ear *ear, struct reason *ret_why) {
    ear->neighbours = neighbours;
    /* Protocol 0: it hears nothing until it is bound, by when it has its filter. */
    ear->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (ear->fd < 0)
        return FAIL(RC_IO, ret_why, "cannot open a packet socket: %s (it needs CAP_NET_RAW)", strerror(errno));
    return RC_OK;
}

static enum rc ear_bind(struct loop *loop, struct ear *ear, uint16_t protocol, struct reason *ret_why) {
    struct sockaddr_ll at = { .sll_family = AF_PACKET,
                              .sll_protocol = htons(protocol),
                              .sll_ifindex = ear->neighbours->index };
    if (bind(ear->fd, (const struct sockaddr *)&at, sizeof at) != 0)
        return FAIL(RC_IO, ret_why, "cannot bind a packet socket: %s", strerror(errno));
    ear->watch = loop_watch_new(loop, ear->fd, hear, ear);
    return RC_OK;
}

enum rc neighbours_new(struct loop *loop, int index, neighbours_claim claim, void *context,
                       struct neighbours **ret_neighbours, struct reason *ret_why) {
    struct neighbours *neighbours = calloc(1, sizeof *neighbours);
    if (neighbours == NULL)
        abort();
    neighbours->index = index;
    neighbours->claim = claim;
    neighbours->context = context;
    neighbours->arp.fd = neighbours->ipv6.fd = -1;
    enum rc rc = ear_open(neighbours, &neighbours->arp, ret_why);
    if (rc == RC_OK)
        rc = ear_open(neighbours, &neighbours->ipv6, ret_why);
    if (rc == RC_OK)
        rc = filters_set(neighbours, ret_why);
    if (rc == RC_OK)
        rc = ear_bind(loop, &neighbours->arp, ETH_P_ARP, ret_why);
    if (rc == RC_OK)
        rc = ear_bind(loop, &neighbours->ipv6, ETH_P_IPV6, ret_why);
    if (rc != RC_OK) {
        neighbours_free(neighbours);
        return rc;
    }
    *ret_neighbours = neighbours;
    return RC_OK;
}

static void ear_close(struct ear *ear) {
    loop_watch_free(ear->watch);
    if (ear->fd >= 0)
        close(ear->fd);
}

void neighbours_free(struct neighbours *neighbours) {
    if (neighbours == NULL)
        return;
    if (neighbours->hearing) {
        neighbours->freed = true;
        return;
    }
    ear_close(&neighbours->arp);
    ear_close(&neighbours->ipv6);
    free(neighbours);
}

void neighbours_watch(struct neighbours *neighbours, const struct ip *ips, size_t count) {
    assert(count <= ADDRESSES_MAX);
    if (count > 0)
        memcpy(neighbours->watched, ips, count * sizeof *ips);
    neighbours->watched_count = count;
    if (filters_set(neighbours, NULL) != RC_OK)
        abort(); /* the kernel has no memory for a small filter on a socket that had one already */
}
