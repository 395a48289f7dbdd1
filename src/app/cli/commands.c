#include "app/cli/commands.h"

#include "base/text.h"

static const struct cli_command commands[] = {
    { "show", "", 0, 0, OPTION_WATCH | OPTION_JSON, "the cluster: who is writer, who serves, what is wrong",
      "Shows one line about the cluster and one for each host, then what is wrong and what to type about it.\n"
      "  lag     how far the host is behind the writer; «?» unknown (never taken for zero), «-» it is the writer\n"
      "  agent   whether the host's agent has reported to the monitor lately\n"
      "  source  the host that it replicates from, and in brackets what does not run\n"
      "--watch draws it again each second until Ctrl-C; when the output is not a terminal it is appended.\n"
      "--json prints the monitor's status as it is: stable, fields may be added; null is «unknown».\n",
      run_show },
    { "checks", "[HOST|all [CHECK|all]]", 0, 2, 0, "what each check says of each host",
      "The checks are ping (its agent is heard or, from outside, its server), mysql (the server answers), rep_threads\n"
      "(both replication threads run), rep_backlog (the lag is within health.lag_max), and of masters filters (its\n"
      "replication filters are those of the others) and settings (none of them can lose what was acknowledged).\n"
      "A check that was never judged has no time.\n"
      "`mmm show --json` has the same under «checks».\n",
      run_checks },
    { "events", "[show NUMBER]", 0, 2, OPTION_FOLLOW | OPTION_MOST | OPTION_JSON, "what the monitor did, and why",
      "Number, time, term, the rule that decided, the event, the host, the role and the reason; oldest first.\n"
      "--most N shows the last N (default 40, at most 200).  --follow goes on until Ctrl-C.\n"
      "show NUMBER shows one with all its facts; of a host held with transactions of its own also the rows they "
      "touch,\n"
      "which its agent decodes from the binary log: @1 is a table's first column.  At most 50 transactions and 100 "
      "rows\n"
      "or statements; for what is left out, and where the agent cannot do it, it says how to see it by hand.\n"
      "--json prints one object a line: number, time, term, rule, event, host, role, why; with show also the rows.\n",
      run_events },
    { "explain", "", 0, 0, OPTION_JSON, "who would become writer now, how long it would take, what would be lost",
      "Tells what the monitor would do if the writer's server died now, and if its host were cut off: who becomes\n"
      "writer and by which rules (docs/rules.md), the time with its parts, and why the others would not, with what to\n"
      "type to change it.  The monitor's own decisions are asked, on a copy of its state; nothing changes.\n"
      "lost  what the writer has committed and the new one has not received.  The answer waits (about two report\n"
      "      intervals) until every agent has looked at its server anew, so it is exact if nothing is written between\n"
      "      these looks and the failure; otherwise what is written and not received in that time comes on top.\n"
      "      mmm's own heartbeats, one a report interval, count as transactions: about how many they are is said.\n"
      "Status 0 also when nobody could become writer.  --json prints the same: stable, fields may be added.\n",
      run_explain },
    { "mode", "", 0, 0, 0, "the monitor's mode: ACTIVE, MANUAL or PASSIVE",
      "ACTIVE    everything is done: roles leave hosts that fail, and are given out.\n"
      "MANUAL    the writer role stays where it is, even on a host that failed; balanced roles are still given out.\n"
      "PASSIVE   the monitor looks, renews what runs, and changes nothing.\n",
      run_mode },
    { "set-active", "", 0, 0, OPTION_JSON, "switch the monitor into ACTIVE mode",
      "From now on roles leave hosts that fail and are given to others.  Look at `mmm show` first.\n", run_set_active },
    { "set-manual", "", 0, 0, OPTION_JSON, "switch the monitor into MANUAL mode",
      "The writer role stays where it is until you move it: no failover happens by itself.\n", run_set_manual },
    { "set-passive", "", 0, 0, OPTION_JSON, "switch the monitor into PASSIVE mode",
      "Nothing is given out, taken away or repaired any more; who serves goes on serving.  In lossless mode a standby\n"
      "that dies then holds writes up until set-active.\n",
      run_set_passive },
    { "set-online", "HOST", 1, 1, OPTION_FORCE | OPTION_JSON, "let a host serve that was set offline or is held",
      "Ends a hold: look at its reasons and the evidence in `mmm show` first.  The host gets roles as soon as its "
      "checks\n"
      "are all right.\n"
      "--force lets a host in that has transactions of its own, or lacks some that were acknowledged: what only the "
      "old\n"
      "writer has is lost, what only this host has stays, and the cluster's servers then differ.  Where there is no "
      "writer it "
      "makes\n"
      "a master that is in service a candidate, too, whatever it lacks.\n",
      run_set_online },
    { "rejoin", "HOST", 1, 1, 0, "bring an old writer, or any held host, back as it is, when that is safe",
      "Shows why the host is held and how far its data goes, then sets it online if everything that it has is the\n"
      "writer's too, and waits until it is ONLINE.  A host with transactions of its own is refused, with the list: "
      "look\n"
      "at them with `mmm events show NUMBER`, then fill the host anew from the writer.  It never forces anything.\n"
      "Ends with status 1 when the host comes no nearer for two minutes.\n",
      run_rejoin },
    { "set-offline", "HOST", 1, 1, OPTION_FORCE | OPTION_JSON, "take all roles from a host, for maintenance",
      "The host gives its roles up, the writer role by a switchover to another master, and gets none until "
      "set-online.\n"
      "Its server goes on replicating.  Waits until the writer role has moved.\n"
      "--force is your word that the host is stopped, where it can not be asked: for a writer whose machine is lost "
      "and that\n"
      "nobody may replace by itself, and for a master that a monitor with an empty store has not heard.  What it alone "
      "has\n"
      "is given up.  Stop its server, or its machine, first: a host that somebody hears is refused.  A writer that is\n"
      "heard and that nobody could replace gives the role up; then there is none until set-online.\n",
      run_set_offline },
    { "move-role", "ROLE HOST", 2, 2, OPTION_DRY_RUN | OPTION_GRACE | OPTION_KILL | OPTION_JSON,
      "move a role to a host",
      "Moving the writer role is a switchover: the target comes near, writes stop, the target applies the rest, and "
      "is\n"
      "promoted.  A step that misses its deadline (failover.switchover_timeout) gives the role back to the old "
      "writer.\n"
      "A transaction on the old writer that goes on for more than a second is waited for, --grace T long "
      "(failover.grace,\n"
      "10s, if not given), before anything is changed; then the move is refused and names it.  With --kill it is "
      "ended\n"
      "instead, and so is whatever else keeps the old writer from being made read-only, such as LOCK TABLES; without, "
      "all\n"
      "writes stand still for a second at most, and the old writer keeps the role.  Shorter transactions end with "
      "their\n"
      "connections.\n"
      "--dry-run says what would be done and what would stop it, and does nothing.\n",
      run_move_role },
    { "doctor", "[HOST]", 0, 1, OPTION_JSON,
      "what is wrong with settings, rights, disks, clocks, certificates, and its fix",
      "Asks the monitor and each agent, changes nothing, and says of each finding what it is, what it endangers and "
      "what\n"
      "to type; the host with the worst first.  Offline it still judges the configuration.\n"
      "  danger   acknowledged writes can be lost, two hosts can write, or a failover will not work\n"
      "  warning  it will hurt on the day of a failure\n"
      "  note     known, and may be meant so\n"
      "Status 1: there is a danger.  docs/doctor.md lists all that is looked for.\n"
      "--json prints one object: findings with host, level, rule, what, danger, fix.\n",
      run_doctor },
    { "check-config", "", 0, 0, 0, "read the configuration and say what it means",
      "Reads the whole file and refuses what is wrong in it, with file, line and the nearest known key.  Prints the\n"
      "hosts, the roles, the lease's arithmetic, which host this machine is, and the fence programs.\n",
      run_check_config },
    { "cert", "init | issue NAME", 1, 2, OPTION_DIR | OPTION_FORCE, "make the cluster's certificates",
      "cert init        makes ca.pem and ca.key, the cluster's own authority; once, on one machine.\n"
      "cert issue NAME  makes NAME.pem and NAME.key, signed by it: one for the monitor (monitor.name), one for each\n"
      "                 host by its name, one for each operator.  --force replaces files that are there.\n"
      "--dir D is the folder (default: that of tls.ca in the configuration, else /etc/mmm/tls).\n"
      "ca.key stays where it is; copy ca.pem, NAME.pem and NAME.key to the machine that is NAME.\n",
      run_cert },
    { "init", "", 0, 0, OPTION_YES, "make a cluster of fresh servers: users, settings, passwords",
      "To be run on the monitor's machine, as root, when `mmm agent` runs on each host that was never set up.  Looks "
      "at\n"
      "all servers first, and begins nothing if one is not reachable, not empty, or must be restarted for a setting.\n"
      "Without --yes it shows the steps and changes nothing.  With it each step is done and read back; what failed in\n"
      "the middle is gone on with by running it again.  A host that is set up already is left alone.\n"
      "It asks with the certificate of «operator» or of the monitor ($MMM_NAME): agents take it from nobody else.\n"
      "Password files that are not there are made, with random content.\n",
      run_init },
    { "replay", "FILE|FOLDER…", 1, ARGUMENTS_MAX - 1, OPTION_FROM | OPTION_TO | OPTION_HOST | OPTION_ALL | OPTION_JSON,
      "decide a recording of the monitor again, and say why",
      "The monitor records what it hears and what comes of it in a folder beside its store, monitor.store with\n"
      ".recording behind its name (monitor.recording_mb).  Replay feeds that to the same program and shows each\n"
      "decision with what led to it: the report, the command or the time that passed, and what had changed in it.\n"
      "Any machine will do, and no configuration is needed.  Status 1: it did not come to the same result, or a file\n"
      "is damaged.\n"
      "--from T, --to T  only what happened then: 2026-11-22T05:00:00, UTC, or the beginning of it.\n"
      "--host H shows what is about one host.  --all shows the inputs that led to nothing, too.\n"
      "--json prints one object a decision: that of `mmm events --json`, with the input.\n",
      run_replay },
    { "monitor", "", 0, 0, 0, "run the monitor: the daemon that decides",
      "Runs in the foreground and logs to stderr; SIGTERM ends it.  While no monitor runs, the writer goes on with "
      "the\n"
      "consent of its peers and no role moves.\n",
      run_monitor },
    { "agent", "", 0, 0, OPTION_HOST | OPTION_RELEASE, "run the agent: the daemon on each host",
      "Runs in the foreground and logs to stderr; SIGTERM ends it.  --host H says which host of the configuration "
      "this\n"
      "is; without it, the host whose address one of this machine's interfaces carries.\n"
      "An agent that was never set up, and finds no replication password, waits for `mmm init`.\n"
      "--release runs no agent: it removes what outlives one, this host's role addresses and the guard's table; "
      "refused\n"
      "while the agent runs.\n",
      run_agent },
    { "help", "[COMMAND | config]", 0, 1, 0, "this list, one command, or all configuration keys",
      "mmm help COMMAND explains one command; mmm help config lists every key with its type, default and range.\n",
      run_help },
    { "version", "", 0, 0, 0, "the version of this program", "Prints the name and the version, nothing else.\n",
      run_version },
};

const struct cli_command *cli_commands(size_t *ret_count) {
    *ret_count = COUNT_OF(commands);
    return commands;
}

static bool names_match(const char *known, const char *given) {
    for (; *known && *given; known++, given++)
        if (*known != (*given == '_' ? '-' : *given))
            return false;
    return *known == *given;
}

const struct cli_command *cli_command_find(const char *name) {
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (names_match(commands[i].name, name))
            return &commands[i];
    return NULL;
}

const char *cli_command_nearest(const char *word) {
    const char *names[COUNT_OF(commands)];
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        names[i] = commands[i].name;
    return nearest_name(word, names, COUNT_OF(names));
}

static const struct {
    enum cli_option option;
    const char *text;
} usage_texts[] = {
    { OPTION_WATCH, "--watch" },     { OPTION_FOLLOW, "--follow" }, { OPTION_MOST, "--most N" },
    { OPTION_DRY_RUN, "--dry-run" }, { OPTION_FORCE, "--force" },   { OPTION_DIR, "--dir D" },
    { OPTION_HOST, "--host H" },     { OPTION_JSON, "--json" },     { OPTION_RELEASE, "--release" },
    { OPTION_FROM, "--from T" },     { OPTION_TO, "--to T" },       { OPTION_ALL, "--all" },
    { OPTION_GRACE, "--grace T" },   { OPTION_KILL, "--kill" },     { OPTION_YES, "--yes" },
};

void cli_command_usage(FILE *out, const struct cli_command *command) {
    fprintf(out, "mmm %s", command->name);
    for (size_t i = 0; i < COUNT_OF(usage_texts); i++)
        if (command->options & usage_texts[i].option)
            fprintf(out, " [%s]", usage_texts[i].text);
    if (command->arguments[0])
        fprintf(out, " %s", command->arguments);
}
