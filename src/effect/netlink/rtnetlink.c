#include "effect/netlink/rtnetlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "effect/netlink/bytes.h"

enum {
    ANSWER_MSEC = 1000,    /* the kernel answers in microseconds; only a stuck one comes near this */
    DUMP_TRIES = 5,        /* of a table that changes while it is read */
    DATAGRAM_SIZE = 32768, /* the most that the kernel puts into one datagram of a dump */
    REQUEST_SIZE = 256,
};

struct rtnetlink {
    struct mnl_socket *socket;
    uint32_t sequence;
    _Alignas(struct nlmsghdr) char datagram[DATAGRAM_SIZE];
};

/* --- reading -------------------------------------------------------------------------------------------------- */

struct attribute {
    uint16_t type;
    struct cursor value;
};

static bool attribute_next(struct cursor *cursor, struct attribute *ret_attribute) {
    struct nlattr head;
    if (cursor->left < sizeof head)
        return false;
    memcpy(&head, cursor->at, sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > cursor->left)
        return false;
    *ret_attribute = (struct attribute){ .type = head.nla_type & NLA_TYPE_MASK,
                                         .value = { cursor->at + sizeof head, head.nla_len - sizeof head } };
    cursor_skip(cursor, MNL_ALIGN((size_t)head.nla_len));
    return true;
}

static size_t family_length(int family) {
    return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

static void read_address_attributes(struct cursor payload, size_t length, struct rt_address *ret_address,
                                    bool *ret_found) {
    struct attribute attribute;
    bool local = false;
    while (attribute_next(&payload, &attribute)) {
        struct ifa_cacheinfo lifetime;
        /* On a point-to-point link IFA_ADDRESS is the other end, and IFA_LOCAL is ours; IPv6 may have only the former.
         */
        if (attribute.type == IFA_LOCAL)
            *ret_found = local = cursor_copy(&attribute.value, ret_address->ip.bytes, length);
        else if (attribute.type == IFA_ADDRESS && !local)
            *ret_found = cursor_copy(&attribute.value, ret_address->ip.bytes, length);
        else if (attribute.type == IFA_FLAGS)
            (void)cursor_copy(&attribute.value, &ret_address->flags, sizeof ret_address->flags);
        else if (attribute.type == IFA_CACHEINFO && cursor_copy(&attribute.value, &lifetime, sizeof lifetime))
            ret_address->valid_s = lifetime.ifa_valid;
    }
}

static void read_address(struct rt_reply *reply, struct cursor payload) {
    struct ifaddrmsg head;
    if (!cursor_copy(&payload, &head, sizeof head))
        return;
    size_t length = family_length(head.ifa_family);
    if (length == 0 || head.ifa_prefixlen > length * 8)
        return;
    struct rt_address address = { .index = (int)head.ifa_index,
                                  .ip.family = head.ifa_family == AF_INET ? 4 : 6,
                                  .prefix = head.ifa_prefixlen,
                                  .scope = head.ifa_scope,
                                  .flags = head.ifa_flags,
                                  .valid_s = UINT32_MAX };
    bool found = false;
    cursor_skip(&payload, MNL_ALIGN(sizeof head));
    read_address_attributes(payload, length, &address, &found);
    if (!found || (reply->index != 0 && reply->index != address.index) ||
        (reply->ip.family != 0 && !ip_equal(&reply->ip, &address.ip)))
        return;
    if (reply->address_count == RT_ADDRESSES_MAX)
        reply->overflow = true;
    else
        reply->addresses[reply->address_count++] = address;
}

static void read_link(struct rt_reply *reply, struct cursor payload) {
    struct ifinfomsg head;
    if (!cursor_copy(&payload, &head, sizeof head))
        return;
    struct rt_link link = { .index = head.ifi_index };
    cursor_skip(&payload, MNL_ALIGN(sizeof head));
    for (struct attribute attribute; attribute_next(&payload, &attribute);)
        if (attribute.type == IFLA_ADDRESS && head.ifi_type == ARPHRD_ETHER &&
            attribute.value.left == sizeof link.mac.bytes)
            link.ethernet = cursor_copy(&attribute.value, link.mac.bytes, sizeof link.mac.bytes);
    if (!mac_is_zero(&reply->mac) && !mac_equal(&reply->mac, &link.mac))
        return;
    if (reply->link_count++ == 0)
        reply->link = link;
}

static void read_error(struct rt_reply *reply, struct cursor payload) {
    int error;
    if (!cursor_copy(&payload, &error, sizeof error) || error == INT32_MIN)
        error = -EBADMSG;
    reply->error = error < 0 ? -error : error;
    reply->done = true;
}

/* The end of a dump tells, in newer kernels, whether it got to its end. */
static void read_end(struct rt_reply *reply, struct cursor payload) {
    int error;
    if (cursor_copy(&payload, &error, sizeof error) && error < 0)
        read_error(reply, payload);
    reply->done = true;
}

void rt_reply_read(struct rt_reply *reply, const void *bytes, size_t length) {
    struct cursor cursor = { bytes, length }, payload;
    struct nlmsghdr head;
    while (!reply->done && cursor_message(&cursor, &head, &payload)) {
        if (head.nlmsg_seq != reply->sequence || head.nlmsg_pid != reply->port)
            continue;
        reply->interrupted |= (head.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        switch (head.nlmsg_type) {
        case NLMSG_ERROR:
            read_error(reply, payload);
            break;
        case NLMSG_DONE:
            read_end(reply, payload);
            break;
        case RTM_NEWADDR:
            read_address(reply, payload);
            break;
        case RTM_NEWLINK:
            read_link(reply, payload);
            break;
        }
    }
}

/* --- asking --------------------------------------------------------------------------------------------------- */

enum rc rtnetlink_new(struct rtnetlink **ret_netlink, struct reason *ret_why) {
    struct rtnetlink *netlink = calloc(1, sizeof *netlink);
    if (netlink == NULL)
        abort();
    netlink->sequence = (uint32_t)clock_now();
    netlink->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (netlink->socket == NULL || mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) != 0) {
        int error = errno;
        rtnetlink_free(netlink);
        return FAIL(RC_IO, ret_why, "cannot open a netlink socket: %s", strerror(error));
    }
    /* With it the kernel dumps the one interface that is asked about; without, the reading still picks it out. */
    int on = 1;
    (void)mnl_socket_setsockopt(netlink->socket, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    *ret_netlink = netlink;
    return RC_OK;
}

void rtnetlink_free(struct rtnetlink *netlink) {
    if (netlink == NULL)
        return;
    if (netlink->socket != NULL)
        mnl_socket_close(netlink->socket);
    free(netlink);
}

static enum rc wait_readable(int fd, msec deadline, struct reason *ret_why) {
    for (;;) {
        msec left = deadline - clock_now();
        struct pollfd poller = { .fd = fd, .events = POLLIN };
        int ready = left > 0 ? poll(&poller, 1, (int)left) : 0;
        if (ready > 0)
            return RC_OK;
        if (ready == 0)
            return FAIL(RC_TIMEOUT, ret_why, "the kernel did not answer on netlink within %d ms", ANSWER_MSEC);
        if (errno != EINTR)
            return FAIL(RC_IO, ret_why, "cannot wait on netlink: %s", strerror(errno));
    }
}

static enum rc receive(struct rtnetlink *netlink, struct rt_reply *reply, struct reason *ret_why) {
    int fd = mnl_socket_get_fd(netlink->socket);
    msec deadline = clock_now() + ANSWER_MSEC;
    while (!reply->done) {
        enum rc rc = wait_readable(fd, deadline, ret_why);
        if (rc != RC_OK)
            return rc;
        struct sockaddr_nl from = { 0 };
        socklen_t from_size = sizeof from;
        ssize_t length =
            recvfrom(fd, netlink->datagram, sizeof netlink->datagram, MSG_TRUNC, (struct sockaddr *)&from, &from_size);
        if (length < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (length < 0)
            return FAIL(RC_IO, ret_why, "cannot read from netlink: %s", strerror(errno));
        if (from.nl_pid != 0) /* any process may send to this socket; only the kernel is port 0 */
            continue;
        if ((size_t)length > sizeof netlink->datagram)
            return FAIL(RC_IO, ret_why, "the kernel's netlink answer of %zd bytes is too long", length);
        rt_reply_read(reply, netlink->datagram, (size_t)length);
    }
    return RC_OK;
}

/* Sends the request that stands in message and reads its whole answer; the kernel's own refusal is in reply->error. */
static enum rc ask(struct rtnetlink *netlink, struct nlmsghdr *message, struct rt_reply *reply,
                   struct reason *ret_why) {
    message->nlmsg_seq = ++netlink->sequence;
    reply->sequence = message->nlmsg_seq;
    reply->port = mnl_socket_get_portid(netlink->socket);
    reply->done = reply->interrupted = reply->overflow = false;
    reply->error = 0;
    reply->address_count = reply->link_count = 0;
    if (mnl_socket_sendto(netlink->socket, message, message->nlmsg_len) < 0)
        return FAIL(RC_IO, ret_why, "cannot send to netlink: %s", strerror(errno));
    return receive(netlink, reply, ret_why);
}

static enum rc dump(struct rtnetlink *netlink, struct nlmsghdr *message, struct rt_reply *reply, const char *what,
                    struct reason *ret_why) {
    for (int i = 0; i < DUMP_TRIES; i++) {
        enum rc rc = ask(netlink, message, reply, ret_why);
        if (rc != RC_OK)
            return rc;
        if (reply->error != 0)
            return FAIL(RC_IO, ret_why, "cannot read the %s: %s", what, strerror(reply->error));
        if (reply->overflow)
            return FAIL(RC_IO, ret_why, "cannot read the %s: there are more than %d", what, RT_ADDRESSES_MAX);
        if (!reply->interrupted)
            return RC_OK;
    }
    return FAIL(RC_IO, ret_why, "cannot read the %s: they changed during each of %d looks", what, DUMP_TRIES);
}

enum rc rtnetlink_addresses(struct rtnetlink *netlink, struct rt_reply *reply, struct reason *ret_why) {
    char buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = RTM_GETADDR;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(message, sizeof *head);
    head->ifa_index = (unsigned)reply->index;
    return dump(netlink, message, reply, "addresses of this machine", ret_why);
}

enum rc rtnetlink_links(struct rtnetlink *netlink, struct rt_reply *reply, struct reason *ret_why) {
    char buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = RTM_GETLINK;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
    return dump(netlink, message, reply, "interfaces of this machine", ret_why);
}

static struct rt_reply *reply_new(void) {
    struct rt_reply *reply = calloc(1, sizeof *reply);
    if (reply == NULL)
        abort();
    return reply;
}

enum rc rtnetlink_link(struct rtnetlink *netlink, const char *name, struct rt_link *ret_link, struct reason *ret_why) {
    char buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = RTM_GETLINK;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
    if (strlen(name) >= IFNAMSIZ)
        return FAIL(RC_INVALID, ret_why, "«%.40s» is too long for an interface's name", name);
    mnl_attr_put_strz(message, IFLA_IFNAME, name);
    struct rt_reply *reply = reply_new();
    enum rc rc = ask(netlink, message, reply, ret_why);
    if (rc == RC_OK && (reply->error == ENODEV || (reply->error == 0 && reply->link_count == 0)))
        rc = FAIL(RC_NOT_FOUND, ret_why, "there is no interface «%s» on this machine", name);
    else if (rc == RC_OK && reply->error != 0)
        rc = FAIL(RC_IO, ret_why, "cannot read the interface «%s»: %s", name, strerror(reply->error));
    if (rc == RC_OK)
        *ret_link = reply->link;
    free(reply);
    return rc;
}

static struct nlmsghdr *address_message(char *buffer, uint16_t type, uint16_t flags, const struct rt_address *address) {
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(message, sizeof *head);
    head->ifa_family = address->ip.family == 4 ? AF_INET : AF_INET6;
    head->ifa_prefixlen = address->prefix;
    head->ifa_scope = RT_SCOPE_UNIVERSE;
    head->ifa_index = (unsigned)address->index;
    size_t length = family_length(head->ifa_family);
    mnl_attr_put(message, IFA_LOCAL, length, address->ip.bytes);
    mnl_attr_put(message, IFA_ADDRESS, length, address->ip.bytes);
    return message;
}

static enum rc change(struct rtnetlink *netlink, struct nlmsghdr *message, int *ret_error, struct reason *ret_why) {
    struct rt_reply *reply = reply_new();
    enum rc rc = ask(netlink, message, reply, ret_why);
    *ret_error = reply->error;
    free(reply);
    return rc;
}

enum rc rtnetlink_address_set(struct rtnetlink *netlink, const struct rt_address *address, struct reason *ret_why) {
    char buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *message = address_message(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, address);
    /* Preferred for 0 seconds: deprecated (RFC 4862 §5.5.4), so no connection takes it as its source by itself.
     * Without duplicate address detection, which would keep it unusable for a second: the lease is the detection. */
    struct ifa_cacheinfo lifetime = { .ifa_prefered = 0, .ifa_valid = address->valid_s };
    mnl_attr_put(message, IFA_CACHEINFO, sizeof lifetime, &lifetime);
    if (address->ip.family == 6)
        mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD);
    int error;
    enum rc rc = change(netlink, message, &error, ret_why);
    if (rc == RC_OK && error != 0)
        rc = FAIL(RC_IO, ret_why, "the kernel refused it: %s", strerror(error));
    return rc;
}

enum rc rtnetlink_address_delete(struct rtnetlink *netlink, const struct rt_address *address, struct reason *ret_why) {
    char buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *message = address_message(buffer, RTM_DELADDR, 0, address);
    int error;
    enum rc rc = change(netlink, message, &error, ret_why);
    if (rc == RC_OK && error == EADDRNOTAVAIL)
        rc = FAIL(RC_NOT_FOUND, ret_why, "it was not there");
    else if (rc == RC_OK && error != 0)
        rc = FAIL(RC_IO, ret_why, "the kernel refused it: %s", strerror(error));
    return rc;
}
