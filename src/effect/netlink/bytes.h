/* Walking the messages of a netlink datagram, which are bytes from outside.  libmnl's own walk takes a message of 2 GB
 * or more for one that fits (its mnl_nlmsg_ok compares as int), and looks up to three bytes beyond a message that ends
 * unaligned.  Private to this folder. */
#ifndef MMM_EFFECT_NETLINK_BYTES_H
#define MMM_EFFECT_NETLINK_BYTES_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *at;
    size_t left;
};

static inline void cursor_skip(struct cursor *cursor, size_t length) {
    size_t step = length < cursor->left ? length : cursor->left;
    cursor->at += step;
    cursor->left -= step;
}

/* The next message and all its bytes; false at the end, and where the lengths are wrong. */
static inline bool cursor_message(struct cursor *cursor, struct nlmsghdr *ret_head, struct cursor *ret_payload) {
    struct nlmsghdr head;
    if (cursor->left < sizeof head)
        return false;
    memcpy(&head, cursor->at, sizeof head);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > cursor->left)
        return false;
    *ret_head = head;
    *ret_payload = (struct cursor){ cursor->at + sizeof head, head.nlmsg_len - sizeof head };
    cursor_skip(cursor, MNL_ALIGN((size_t)head.nlmsg_len));
    return true;
}

/* The first size bytes, when there are so many. */
static inline bool cursor_copy(const struct cursor *from, void *ret_value, size_t size) {
    if (from->left < size)
        return false;
    memcpy(ret_value, from->at, size);
    return true;
}

#endif
