/* What a daemon keeps of root's rights.  Each test gives rights up for good, so it does so in a child. */
#include "effect/rights/rights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/init/init.h"

static unsigned long long field(const char *name) {
    char line[256];
    unsigned long long value = ~0ULL;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), ": %llx", &value);
    if (status)
        fclose(status);
    return value;
}

/* The kernel's numbers of the agent's five: KILL 5, DAC_READ_SEARCH 2, NET_ADMIN 12, NET_RAW 13, SYS_PTRACE 19. */
static const unsigned long long agents = 1ULL << 2 | 1ULL << 5 | 1ULL << 12 | 1ULL << 13 | 1ULL << 19;

/* 0, or the number of the first thing that is not as it must be. */
static int look_after(enum rights_of daemon, unsigned long long most) {
    char missing[512];
    struct reason why = { "" };
    unsigned long long had = field("CapPrm"), bound = field("CapBnd");
    if (rights_reduce(daemon, missing, sizeof missing, &why))
        return 1;
    if (field("CapPrm") != (had & most) || field("CapEff") != (had & most) || field("CapInh") || field("CapAmb"))
        return 2;
    if ((had >> 8 & 1) && field("CapBnd") != (bound & most)) /* 8: CAP_SETPCAP */
        return 3;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 4;
    struct rlimit core;
    if (getrlimit(RLIMIT_CORE, &core) || core.rlim_max != 0)
        return 5;
    if ((missing[0] == 0) != ((had & most) == most))
        return 6;
    return 0;
}

static void expect_nothing_beyond(enum rights_of daemon, unsigned long long most) {
    pid_t child = fork();
    if (child == 0)
        _exit(look_after(daemon, most));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void an_agent_never_keeps_a_right_that_is_not_in_its_table(void **state) {
    (void)state;
    expect_nothing_beyond(RIGHTS_OF_AGENT, agents);
}

static void a_monitor_never_keeps_any_right(void **state) {
    (void)state;
    expect_nothing_beyond(RIGHTS_OF_MONITOR, 0);
}

/* The unit's list and the daemon's own are one: systemd would else take away what the daemon counts on. */
static void the_unit_and_the_table_never_differ(void **state) {
    (void)state;
    char line[512], text[512] = "CapabilityBoundingSet=";
    for (size_t i = 0; rights_name(RIGHTS_OF_AGENT, i); i++) {
        strcat(text, i ? " " : "");
        strcat(text, rights_name(RIGHTS_OF_AGENT, i));
    }
    strcat(text, "\n");
    int found = 0;
    FILE *unit = fopen(MMM_SOURCE_ROOT "/packaging/mmm-agent.service", "r");
    assert_non_null(unit);
    while (fgets(line, sizeof line, unit))
        found += strcmp(line, text) == 0;
    fclose(unit);
    assert_int_equal(found, 1);
}

/* ProtectSystem=strict closes every other folder: `mmm init` would fail at the step that writes it. */
static void the_unit_opens_each_folder_that_the_servers_settings_may_go_to(void **state) {
    (void)state;
    static const enum server_family families[] = { FAMILY_MARIADB, FAMILY_MYSQL };
    char line[512], opened[512] = "";
    FILE *unit = fopen(MMM_SOURCE_ROOT "/packaging/mmm-agent.service", "r");
    assert_non_null(unit);
    while (fgets(line, sizeof line, unit))
        if (strncmp(line, "ReadWritePaths=", strlen("ReadWritePaths=")) == 0)
            snprintf(opened, sizeof opened, " %.*s ", (int)strcspn(line + strlen("ReadWritePaths="), "\n"),
                     line + strlen("ReadWritePaths="));
    fclose(unit);
    for (size_t f = 0; f < 2; f++)
        for (size_t i = 0; init_folder(families[f], i); i++) {
            char wanted[128];
            snprintf(wanted, sizeof wanted, " -%s ", init_folder(families[f], i));
            if (!strstr(opened, wanted))
                fail_msg("%s is not opened by ReadWritePaths=%s", init_folder(families[f], i), opened);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_never_keeps_a_right_that_is_not_in_its_table),
        cmocka_unit_test(a_monitor_never_keeps_any_right),
        cmocka_unit_test(the_unit_and_the_table_never_differ),
        cmocka_unit_test(the_unit_opens_each_folder_that_the_servers_settings_may_go_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
