/* Questions to the kernel about links and addresses (rtnetlink(7)), each with a deadline, and the reading of its
 * answers as a pure function of bytes.  Private to this folder, and to its tests. */
#ifndef MMM_EFFECT_NETLINK_RTNETLINK_H
#define MMM_EFFECT_NETLINK_RTNETLINK_H

#include <stddef.h>

#include "base/rc.h"
#include "base/reason.h"
#include "model/ip.h"
#include "model/limits.h"

enum { RT_ADDRESSES_MAX = 256 };

struct rt_address {
    int index; /* of the interface */
    struct ip ip;
    uint8_t prefix;
    uint8_t scope;
    uint32_t flags;   /* IFA_F_… */
    uint32_t valid_s; /* whole seconds, rounded UP by the kernel; UINT32_MAX: for ever */
};

struct rt_link {
    int index;
    bool ethernet;
    struct mac mac; /* zero unless ethernet */
};

/* What is wanted of the answer to one request, and what has been read of it so far. */
struct rt_reply {
    uint32_t sequence; /* messages with another number belong to an older request and are passed over */
    uint32_t port;     /* ours, as the kernel echoes it */
    int index;         /* addresses of this interface only; 0: of all */
    struct ip ip;      /* this address only; family 0: all */
    struct mac mac;    /* links with this Ethernet address only; zero: all */

    bool done;        /* the last message of the answer was read */
    int error;        /* errno of the kernel's refusal, 0: none */
    bool interrupted; /* the tables changed during the dump (NLM_F_DUMP_INTR): ask again */
    bool overflow;    /* there was more than fits below */
    size_t address_count;
    struct rt_address addresses[RT_ADDRESSES_MAX];
    size_t link_count;   /* how many there were ... */
    struct rt_link link; /* ... and the first of them */
};

/* Reads one datagram, bytes from outside, into the reply. */
void rt_reply_read(struct rt_reply *reply, const void *bytes, size_t length);

struct rtnetlink;

enum rc rtnetlink_new(struct rtnetlink **ret_netlink, struct reason *ret_why) NODISCARD;
void rtnetlink_free(struct rtnetlink *netlink);

/* The answers live in reply until the next question: the caller sets what it wants (index, ip) first. */
enum rc rtnetlink_addresses(struct rtnetlink *netlink, struct rt_reply *reply, struct reason *ret_why) NODISCARD;
enum rc rtnetlink_links(struct rtnetlink *netlink, struct rt_reply *reply, struct reason *ret_why) NODISCARD;
/* RC_NOT_FOUND: there is no interface of that name. */
enum rc rtnetlink_link(struct rtnetlink *netlink, const char *name, struct rt_link *ret_link,
                       struct reason *ret_why) NODISCARD;
/* index, ip and prefix are used; made or changed to be gone after valid_s, and at once not preferred as a source. */
enum rc rtnetlink_address_set(struct rtnetlink *netlink, const struct rt_address *address,
                              struct reason *ret_why) NODISCARD;
/* RC_NOT_FOUND: it was not there. */
enum rc rtnetlink_address_delete(struct rtnetlink *netlink, const struct rt_address *address,
                                 struct reason *ret_why) NODISCARD;

#endif
