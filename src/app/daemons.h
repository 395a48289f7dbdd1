/* The two daemons.  Each runs until it is told to end and returns an exit status. */
#ifndef MMM_APP_DAEMONS_H
#define MMM_APP_DAEMONS_H

#include "config/config.h"

int monitor_main(const struct settings *settings);
/* self: index of this host in the configuration. */
int agent_main(const struct settings *settings, int self);
/* `mmm agent --release`: removes what outlives an agent of this host, its role addresses and the guard; refuses while
 * it runs.  Says on out what it did; an exit status. */
int agent_release(const struct settings *settings, int self, FILE *out, FILE *err);

#endif
