/* The word that clients of an address get when it leaves this machine: a reset of each connection, by sock_diag(7).
 * Without it a client that waits for an answer, and has no time-out of its own, waits for ever: once the address is
 * gone the kernel sends nothing from it any more, neither a reset nor what is left of an answer. */
#ifndef MMM_EFFECT_NETLINK_SOCKETS_H
#define MMM_EFFECT_NETLINK_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rc.h"
#include "base/reason.h"
#include "model/ip.h"

/* Ends the TCP connections whose end on this machine is one of the addresses (ADDRESSES_MAX at the most), whatever
 * process has them and whether it runs or is stopped: both ends find them reset.  To be called while the addresses are
 * still there.  Takes no more of a processor's time than most, nor ten times as much on the clock, and says so when
 * that was too short (RC_TIMEOUT).  ret_count is set in any case: so many were ended. */
enum rc sockets_reset(const struct ip *addresses, size_t count, msec most, unsigned *ret_count,
                      struct reason *ret_why) NODISCARD;

/* Can this kernel do that?  It may have to load modules for it, which is better done now than when it is urgent. */
enum rc sockets_check(struct reason *ret_why) NODISCARD;

/* --- reading the kernel's list: private to this folder, and to its tests ---------------------------------------- */

enum { FOUND_MAX = 512 }; /* more than one datagram can hold */

struct socket_list {
    uint32_t sequence; /* messages with another number belong to another question and are passed over */
    bool done;         /* the last message was read */
    int error;         /* errno of the kernel's refusal, 0: none */
    size_t count;
    struct found_socket {
        uint8_t family; /* AF_INET or AF_INET6 */
        uint8_t id[48]; /* struct inet_diag_sockid */
    } found[FOUND_MAX];
};

/* Reads one datagram, bytes from outside. */
void socket_list_read(struct socket_list *list, const void *bytes, size_t length);

#endif
