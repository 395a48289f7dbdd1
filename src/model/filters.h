/* Which part of the data a server writes into its binary log, receives or applies: its replication filters.  Two
 * servers whose filters differ have, or will have, different data, and no position tells. */
#ifndef MMM_MODEL_FILTERS_H
#define MMM_MODEL_FILTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/limits.h"

enum { FILTERS_DIGEST_BITS = 52 }; /* a JSON number holds it exactly */

struct filters {
    bool known;
    uint64_t digest;      /* of all of them, in whatever order the server told them; 0: none is set */
    char text[FACT_SIZE]; /* for a person: «replicate_do_db=a,b; binlog_ignore_db=c», as far as there is room */
};

/* One filter as the server tells it; an empty value is none.  The values of a list may come in any order: some servers
 * keep them in a hash table. */
void filters_add(struct filters *filters, const char *name, const char *value);
/* Only of two that are known. */
bool filters_differ(const struct filters *a, const struct filters *b);

#endif
