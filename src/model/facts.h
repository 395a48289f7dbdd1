/* What was found on one machine, as names and values: the settings and rights of a server of either family, disks,
 * clocks, who can be reached.  What has no fact is not known.  Names are made of letters, digits and . _ - :
 *   server.*  var.NAME (running value)  start.NAME (the value after the server's next start)  status.NAME  plugin.NAME
 *   self.* (the agent's account)  account.*  replica.*  disk.*  clock.*  kernel.*  tls.NAME.days
 *   authority.days  reach.HOST.server|agent
 *   failed.WHAT (why a part could not be looked at)  config.*  monitor.*  agent.*  mmm.* */
#ifndef MMM_MODEL_FACTS_H
#define MMM_MODEL_FACTS_H

#include <stdbool.h>
#include <stddef.h>

enum { FACTS_MAX = 512, FACT_NAME_SIZE = 96, FACT_VALUE_SIZE = 256 };

struct fact {
    char name[FACT_NAME_SIZE];
    char value[FACT_VALUE_SIZE];
};

struct facts {
    size_t count;
    bool cut; /* there was more than fits */
    struct fact items[FACTS_MAX];
};

bool fact_name_is_valid(const char *name);
/* Puts or replaces; a value that is too long is cut.  False: no room, or no name for a fact. */
bool facts_put(struct facts *facts, const char *name, const char *value);
/* NULL: not known. */
const char *facts_get(const struct facts *facts, const char *name);
/* The middle of a name that begins and ends like a pattern with one «*»; false: it does not. */
bool fact_name_matches(const char *name, const char *pattern, char ret_middle[static FACT_NAME_SIZE]);

#endif
