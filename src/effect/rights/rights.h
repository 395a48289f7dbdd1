/* A daemon gives up what it does not need, before it reads anything from outside and before its first thread. */
#ifndef MMM_EFFECT_RIGHTS_RIGHTS_H
#define MMM_EFFECT_RIGHTS_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"
#include "base/reason.h"

enum rights_of { RIGHTS_OF_AGENT, RIGHTS_OF_MONITOR };

/* Of root's capabilities the daemon keeps those of its table, for good: out of the bounding set, so that no program
 * that it starts gets more.  No program gains rights by being started (setuid), no other process of the same user may
 * look into the memory, and no core is written: it would hold passwords and keys. ret_missing: capabilities of the
 * table that the daemon does not have, each with what will not work, in one line; empty: none.  A failure means that
 * rights could not be given up. */
enum rc rights_reduce(enum rights_of daemon, char *ret_missing, size_t size, struct reason *ret_why) NODISCARD;

/* One row of the tables, for documentation and tests; NULL behind the last. */
const char *rights_name(enum rights_of daemon, size_t row);

#endif
