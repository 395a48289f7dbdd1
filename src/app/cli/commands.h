/* The table of commands.  Help, usage errors and the documentation are made from it. */
#ifndef MMM_APP_CLI_COMMANDS_H
#define MMM_APP_CLI_COMMANDS_H

#include <stddef.h>

#include "app/cli/cli.h"

struct cli_command {
    const char *name; /* with hyphens; underscores are accepted for them */
    const char *arguments;
    int least; /* arguments */
    int most;
    unsigned options; /* set of enum cli_option, beside the ones that all accept */
    const char *summary;
    const char *help;
    int (*run)(struct cli_call *call);
};

const struct cli_command *cli_commands(size_t *ret_count);
const struct cli_command *cli_command_find(const char *name);
/* The known command nearest to a word, or NULL. */
const char *cli_command_nearest(const char *word);
/* «mmm move-role [--dry-run] [--force] R H» */
void cli_command_usage(FILE *out, const struct cli_command *command);

/* The functions in the table; each returns an exit status. */
int run_show(struct cli_call *call);
int run_checks(struct cli_call *call);
int run_events(struct cli_call *call);
int run_explain(struct cli_call *call);
int run_rejoin(struct cli_call *call);
int run_mode(struct cli_call *call);
int run_set_active(struct cli_call *call);
int run_set_manual(struct cli_call *call);
int run_set_passive(struct cli_call *call);
int run_set_online(struct cli_call *call);
int run_set_offline(struct cli_call *call);
int run_move_role(struct cli_call *call);
int run_doctor(struct cli_call *call);
int run_check_config(struct cli_call *call);
int run_cert(struct cli_call *call);
int run_init(struct cli_call *call);
int run_monitor(struct cli_call *call);
int run_agent(struct cli_call *call);
int run_replay(struct cli_call *call);
int run_help(struct cli_call *call);
int run_version(struct cli_call *call);

#endif
