/* What must survive a restart.  The monitor's: one SQLite file (WAL, synchronous=FULL) with its state and its events,
 * written in one transaction; events are a bounded ring.  The agent's: one small file, replaced atomically. */
#ifndef MMM_EFFECT_STORE_STORE_H
#define MMM_EFFECT_STORE_STORE_H

#include <stddef.h>

#include "base/rc.h"
#include "base/reason.h"

struct store;

/* Opens or makes it, and holds it exclusively: a second monitor gets RC_CONFLICT naming the holder. */
enum rc store_open(const char *path, unsigned events_kept, struct store **ret_store, struct reason *ret_why) NODISCARD;
void store_close(struct store *store);
/* *ret_state: malloc'ed text, or NULL when none was ever saved. */
enum rc store_load(struct store *store, char **ret_state, struct reason *ret_why) NODISCARD;
/* One durable transaction: the state (NULL: unchanged) and count events, each one line of JSON. */
enum rc store_save(struct store *store, const char *state, const char *const *events, size_t count,
                   struct reason *ret_why) NODISCARD;
/* Events with a number above after and below before, the last «most» of them, oldest first: calls each for every one.
 */
enum rc store_events(struct store *store, long long after, long long before, unsigned most,
                     void (*each)(void *context, long long number, const char *event), void *context,
                     struct reason *ret_why) NODISCARD;

/* A small file replaced atomically (write beside, fsync, rename, fsync of the folder). */
enum rc file_replace(const char *path, const char *text, size_t length, struct reason *ret_why) NODISCARD;
/* The whole of a file of at most «most» bytes, malloc'ed and ended with a zero; RC_NOT_FOUND when there is none. */
enum rc file_read(const char *path, size_t most, char **ret_text, struct reason *ret_why) NODISCARD;

#endif
