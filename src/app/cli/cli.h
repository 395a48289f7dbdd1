/* The command line (DESIGN.md §9): one executable, one table of commands.
 *
 *   dispatch.c   argv → one call of one command; wrong usage
 *   commands.c   the table: name, arguments, options, help, function
 *   client.c     talking to the monitor: unix socket on its machine, TLS elsewhere
 *   show.c       the cluster, for a person (pure); watch.c asks and draws it; table.c aligns, paints and cleans
 *   view.c       the monitor's answers, read leniently
 *   explain.c    what would happen;  rejoin.c: a held host back into service
 *   events.c     the event log;  checks.c: the original's checks;  control.c: what changes something
 *   doctor.c   asks all for facts, and tells what core/doctor finds
 *   replay.c     a recording of the monitor, fed to the same core (replay_run.c) and told (replay_tell.c)
 *   init.c       fresh servers become a cluster: asks the hosts, not the monitor
 *   local.c      what needs no monitor: check-config, cert, help, version, and the start of the daemons
 */
#ifndef MMM_APP_CLI_CLI_H
#define MMM_APP_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "config/config.h"

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum { ARGUMENTS_MAX = 1024 }; /* `mmm replay` takes the files of a whole ring */

/* Options that a command may accept; --config and --cluster are accepted by all. */
enum cli_option {
    OPTION_JSON = 1 << 0,
    OPTION_HOST = 1 << 1,
    OPTION_WATCH = 1 << 2,
    OPTION_FOLLOW = 1 << 3,
    OPTION_MOST = 1 << 4,
    OPTION_DRY_RUN = 1 << 5,
    OPTION_FORCE = 1 << 6,
    OPTION_DIR = 1 << 7,
    OPTION_CONFIG = 1 << 8,
    OPTION_CLUSTER = 1 << 9,
    OPTION_HELP = 1 << 10,
    OPTION_VERSION = 1 << 11,
    OPTION_RELEASE = 1 << 12,
    OPTION_FROM = 1 << 13,
    OPTION_TO = 1 << 14,
    OPTION_ALL = 1 << 15,
    OPTION_GRACE = 1 << 16,
    OPTION_KILL = 1 << 17,
    OPTION_YES = 1 << 18,
};

/* The daemons come in from main.c, so that tests link the command line without them. */
struct cli_daemons {
    int (*monitor)(const struct settings *settings);
    int (*agent)(const struct settings *settings, int self);
    int (*release)(const struct settings *settings, int self, FILE *out, FILE *err);
};

/* One call of one command. */
struct cli_call {
    FILE *out;
    FILE *err;
    const struct cli_daemons *daemons;
    const struct cli_command *command;
    int count;
    const char *arguments[ARGUMENTS_MAX];
    unsigned given; /* set of enum cli_option */
    const char *file;
    const char *cluster; /* NULL: not given */
    const char *host;    /* NULL: not given */
    const char *dir;     /* NULL: not given */
    const char *from;    /* NULL: not given */
    const char *to;      /* NULL: not given */
    unsigned most;
    msec grace;                /* of --grace */
    struct settings *settings; /* NULL until call_settings; freed with the call */
};

int cli_run(int argc, char *const argv[], FILE *out, FILE *err, const struct cli_daemons *daemons);

static inline bool call_has(const struct cli_call *call, enum cli_option option) {
    return call->given & (unsigned)option;
}

/* The configuration, read once and checked against --cluster; it belongs to the call. */
enum rc call_read_settings(struct cli_call *call, const struct settings **ret_settings,
                           struct reason *ret_why) NODISCARD;
/* The same; NULL: it could not be read, and stderr says why. */
const struct settings *call_settings(struct cli_call *call);
/* Both say one line on stderr and return the exit status that belongs to it. */
int call_failed(const struct cli_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
int call_misused(const struct cli_call *call, const char *format, ...) PRINTF_LIKE(2, 3);

/* The name nearest to a word, or NULL when none is near enough to be meant. */
const char *nearest_name(const char *word, const char *const *names, size_t count);

#endif
