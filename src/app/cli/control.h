/* One command to the monitor, and its answer printed. */
#ifndef MMM_APP_CLI_CONTROL_H
#define MMM_APP_CLI_CONTROL_H

#include "app/cli/cli.h"
#include "core/monitor/monitor.h"

/* Returns the exit status; what was answered or went wrong is printed. */
int control_send(struct cli_call *call, const struct command *command, msec timeout);

#endif
