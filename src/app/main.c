#include "app/cli/cli.h"
#include "app/daemons.h"

int main(int argc, char *argv[]) {
    const struct cli_daemons daemons = { .monitor = monitor_main, .agent = agent_main, .release = agent_release };
    return cli_run(argc, argv, stdout, stderr, &daemons);
}
