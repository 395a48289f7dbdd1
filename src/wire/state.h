/* What must survive a restart, as one line of JSON: {"v":1,"cluster":"shop",…,"checksum":"0123456789abcdef"}.
 *
 * The checksum is the last field: FNV-1a, 64 bits (offset basis 0xcbf29ce484222325, prime 0x100000001b3), over every
 * byte before the comma in front of it, as 16 hexadecimal digits.  It finds damage, not malice.
 *
 * Hosts and addresses stand there by name, so a configuration that has changed in between still fits: what it no longer
 * has is dropped, a host that is new starts as AWAITING_RECOVERY with nothing against it, a new address unplaced.
 * After RC_OK *ret_why is empty, or one line for the log about what was dropped.  Otherwise ret_x is untouched; text
 * that is damaged, of another version, cluster or host is RC_INVALID.
 *
 * An agent for which a host was dropped from the electable set must not go on with a lease from before its restart: it
 * could no longer ask that host for its promise. */
#ifndef MMM_WIRE_STATE_H
#define MMM_WIRE_STATE_H

#include "core/agent/agent.h"
#include "core/monitor/monitor.h"

enum { STATE_VERSION = 1, STATE_TEXT_MAX = 256 * 1024 };

char *monitor_state_encode(const struct cluster *cluster, const struct monitor_durable *durable);
enum rc monitor_state_decode(const struct cluster *cluster, const char *text, size_t length,
                             struct monitor_durable *ret_durable, struct reason *ret_why) NODISCARD;

char *agent_state_encode(const struct cluster *cluster, int self, const struct agent_durable *durable);
enum rc agent_state_decode(const struct cluster *cluster, int self, const char *text, size_t length,
                           struct agent_durable *ret_durable, struct reason *ret_why) NODISCARD;

#endif
