/* The guard: the nftables table «inet mmm» of this machine, through which clients reach the server's port only by the
 * addresses that are let through, each until a time that the kernel keeps to by itself.  Every packet is judged, so an
 * established connection ends with its address.  Loopback and the exceptions pass always.  The table outlives this
 * process; no other table is looked at or touched.  `nft list table inet mmm` shows it to a person.
 *
 * The kernel's clock for it stands still while the machine sleeps; so does its clock for addresses. */
#ifndef MMM_EFFECT_GUARD_GUARD_H
#define MMM_EFFECT_GUARD_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/ip.h"
#include "model/limits.h"

enum { GUARD_COMMENT_SIZE = NAME_SIZE + 16, GUARD_EXCEPTIONS_MAX = 128 };

struct guard_exception {
    struct network network;
    char comment[GUARD_COMMENT_SIZE]; /* who it is, in the listing */
};

struct guard_options {
    uint16_t server_port;
    size_t exception_count;
    const struct guard_exception *exceptions; /* copied */
};

struct guard_opening {
    struct ip ip;
    msec left; /* from now; more than 0 */
};

struct guard;

/* Fails when this kernel, or this process's rights, cannot have the table.  What an earlier process let through goes on
 * until guard_hold. */
enum rc guard_new(const struct guard_options *options, struct guard **ret_guard, struct reason *ret_why) NODISCARD;
void guard_free(struct guard *guard); /* the table stays */

/* Exactly these are let through from now on, at most ADDRESSES_MAX of them: in one transaction, all or nothing.  Makes
 * the table when it is not there, and the first time in any case. */
enum rc guard_hold(struct guard *guard, const struct guard_opening *openings, size_t count,
                   struct reason *ret_why) NODISCARD;

/* Removes the table; RC_NOT_FOUND when there is none. */
enum rc guard_release(struct reason *ret_why) NODISCARD;

#endif
