#include "config/options.h"

#include <assert.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/draft.h"

#define MINUTES(n) SECONDS((n)*60)
#define HOURS(n) SECONDS((n)*3600)

/* Where a value goes, and how large that place is. */
#define MEMBER(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define ALL(member) MEMBER(struct draft, member)
#define SET(member) ALL(settings.member)
#define HOST(member) MEMBER(struct host_draft, member)
#define ROLE(member) MEMBER(struct role_draft, member)

enum { SOCKET_PATH_MOST = 107 }; /* sun_path holds 108 bytes (unix(7)) */

/* clang-format off */
const struct section_form section_forms[SECTION_COUNT] = {
    [SECTION_CLUSTER] = { "cluster", false,
      "The cluster as a whole." },
    [SECTION_MONITOR] = { "monitor", false,
      "The process that decides." },
    [SECTION_HOST] = { "host", true,
      "A machine with one database server and one agent. `[host default]` is the template: what it says holds for every "
      "host that does not say otherwise, wherever it stands in the file." },
    [SECTION_ROLE] = { "role", true,
      "A right to serve, with its addresses. The role named by `writer_role` makes its host writable." },
    [SECTION_REPLICATION] = { "replication", false,
      "How a server connects to the one it replicates from." },
    [SECTION_CHECK] = { "check", false,
      "The monitor's own connection to each server: it sees from outside what an agent sees from inside." },
    [SECTION_HEALTH] = { "health", false,
      "When a server is well enough to serve." },
    [SECTION_LEASE] = { "lease", false,
      "The writer's right to write, for a limited time. Three missed reports, the fence and the margin must fit into it: "
      "3 × report + fence + margin ≤ length." },
    [SECTION_FAILOVER] = { "failover", false,
      "How the writer role moves." },
    [SECTION_TLS] = { "tls", false,
      "Certificates, on both sides of every connection. Without this section a daemon listens on loopback and unix "
      "sockets only. `%h` stands for the name of the host (or monitor, or operator), so that one file serves every "
      "machine. `mmm cert` makes the files." },
};
/* clang-format on */

static const struct option_choice durabilities[] = {
    { "asynchronous", DURABILITY_ASYNCHRONOUS },
    { "lossless", DURABILITY_LOSSLESS },
    { NULL, 0 },
};
static const struct option_choice last_resorts[] = {
    { "kill", LAST_RESORT_KILL },
    { "none", LAST_RESORT_NONE },
    { NULL, 0 },
};
static const struct option_choice recoveries[] = {
    { "hold", RECOVERY_HOLD },
    { "verified", RECOVERY_VERIFIED },
    { NULL, 0 },
};
static const struct option_choice guards[] = {
    { "off", GUARD_OFF },
    { "on", GUARD_ON },
    { NULL, 0 },
};
static const struct option_choice host_modes[] = {
    { "master", MODE_MASTER },
    { "replica", MODE_REPLICA },
    { "slave", MODE_REPLICA },
    { NULL, 0 },
};
static const struct option_choice role_modes[] = {
    { "exclusive", ROLE_EXCLUSIVE },
    { "balanced", ROLE_BALANCED },
    { NULL, 0 },
};

/* clang-format off */
const struct option options[] = {
    /* section, key, type, trait, where, default, least, most, choices, help */
    { SECTION_CLUSTER, "name", OPTION_NAME, OPTION_PLAIN, SET(cluster.name), NULL, 0, 0, NULL,
      "The cluster's name." },
    { SECTION_CLUSTER, "durability", OPTION_CHOICE, OPTION_PLAIN, SET(cluster.durability), "asynchronous", 0, 0,
      durabilities,
      "What a client's OK means. `asynchronous`: the writer has the commit; a failover can lose the last ones. "
      "`lossless`: another electable host has it too (semi-synchronous replication, which mmm switches on and off); while "
      "there is none that acknowledges, writes go on, `mmm show` says that they are not protected, and nobody takes over "
      "without an administrator's word." },
    { SECTION_CLUSTER, "writer_role", OPTION_NAME, OPTION_PLAIN, ALL(writer_role), "writer", 0, 0, NULL,
      "The exclusive role that makes its host writable." },
    { SECTION_CLUSTER, "last_resort", OPTION_CHOICE, OPTION_PLAIN, SET(cluster.last_resort), "kill", 0, 0, last_resorts,
      "What an agent does to a server that does not become read-only before its lease ends. `kill`: SIGKILL, the only "
      "way to be sure. `none`: leave it; two writers are then possible." },

    { SECTION_MONITOR, "address", OPTION_ADDRESS, OPTION_PLAIN, SET(monitor_address), NULL, 0, 0, NULL,
      "Where agents reach the monitor." },
    { SECTION_MONITOR, "port", OPTION_NUMBER, OPTION_PLAIN, SET(monitor_port), "9988", 1, 65535, NULL,
      "Its TCP port." },
    { SECTION_MONITOR, "name", OPTION_NAME, OPTION_PLAIN, SET(monitor_name), "monitor", 0, 0, NULL,
      "The name in its certificate; no host may have it." },
    { SECTION_MONITOR, "socket", OPTION_PATH, OPTION_PLAIN, SET(monitor_socket), "/run/mmm/monitor.sock", 0,
      SOCKET_PATH_MOST, NULL,
      "Unix socket for the command line on the monitor's machine." },
    { SECTION_MONITOR, "store", OPTION_PATH, OPTION_PLAIN, SET(monitor_store), "/var/lib/mmm/monitor.db", 0, 0, NULL,
      "The file in which the monitor keeps its term, states and events." },
    { SECTION_MONITOR, "events_kept", OPTION_NUMBER, OPTION_PLAIN, SET(events_kept), "10000", 100, 10000000, NULL,
      "How many events are kept; the oldest go first." },
    { SECTION_MONITOR, "recording_mb", OPTION_NUMBER, OPTION_PLAIN, SET(recording_mb), "64", 0, 100000, NULL,
      "The monitor records what it hears and decides, for `mmm replay`, in a folder beside the store with `.recording` "
      "behind its name. So many megabytes are kept, the oldest go first: with three hosts 64 are days. 0: no "
      "recording." },

    { SECTION_HOST, "address", OPTION_ADDRESS, OPTION_OWN, HOST(spec.address), NULL, 0, 0, NULL,
      "The machine's own address, which never moves. Replication uses it, and the agent listens on it." },
    { SECTION_HOST, "mode", OPTION_CHOICE, OPTION_PLAIN, HOST(spec.mode), NULL, 0, 0, host_modes,
      "`master`: may become writer. `replica` (or `slave`): never does." },
    { SECTION_HOST, "interface", OPTION_INTERFACE, OPTION_PLAIN, HOST(settings.interface), "", 0, 0, NULL,
      "The network interface that carries the role addresses; needed where a role has addresses." },
    { SECTION_HOST, "server_port", OPTION_NUMBER, OPTION_PLAIN, HOST(spec.server_port), "3306", 1, 65535, NULL,
      "The database server's TCP port." },
    { SECTION_HOST, "server_socket", OPTION_PATH, OPTION_PLAIN, HOST(settings.server_socket),
      "/run/mysqld/mysqld.sock", 0, SOCKET_PATH_MOST, NULL,
      "The database server's unix socket, through which the agent talks to it." },
    { SECTION_HOST, "server_start", OPTION_COMMAND, OPTION_PLAIN, HOST(settings.server_start), "", 0, 0, NULL,
      "The command that starts the server: `mmm show` says it when the server is down. mmm does not run it yet; clone and "
      "restore will, split at spaces and without a shell." },
    { SECTION_HOST, "server_stop", OPTION_COMMAND, OPTION_PLAIN, HOST(settings.server_stop), "", 0, 0, NULL,
      "The command that stops it, likewise; nothing uses it yet." },
    { SECTION_HOST, "binlog_tool", OPTION_PATH, OPTION_PLAIN, HOST(settings.binlog_tool), "", 0, 0, NULL,
      "The program with which the agent decodes the binary log for `mmm events show`; if not given, mariadb-binlog or "
      "mysqlbinlog, as the server is, from the folders of the agent's $PATH." },
    { SECTION_HOST, "fence", OPTION_COMMAND, OPTION_PLAIN, HOST(settings.fence), "", 0, 0, NULL,
      "A program on the monitor's machine, by its absolute path, with its arguments, that ends this host for sure: switches "
      "its power off or resets it. It is run without a shell when the host was the writer and nobody hears it for half a "
      "lease; its success (exit status 0) is taken for the sure end of that writer, so that another one need not wait for "
      "the end of the lease. A failure, a hang or a late success shortens nothing: the wait for the lease goes on, and "
      "`mmm show` says so. It is tried again after 5 s, 10 s, 20 s and so on up to 5 min. It gets MMM_CLUSTER, MMM_HOST, "
      "MMM_ADDRESS and MMM_TERM in its environment and nothing else but PATH." },
    { SECTION_HOST, "fence_timeout", OPTION_DURATION, OPTION_PLAIN, HOST(spec.fence_timeout), "10s", 100, MINUTES(5), NULL,
      "How long it may take; then it is ended with SIGKILL, with all that it started, and has failed." },
    { SECTION_HOST, "server_settings", OPTION_PATH, OPTION_PLAIN, HOST(settings.server_settings), "", 0, 0, NULL,
      "The file in which `mmm init` writes the server's settings for its next start; the server must read it, after its "
      "own. Empty: `zz-mmm.cnf` in /etc/mysql/mariadb.conf.d (MySQL: /etc/mysql/mysql.conf.d) or /etc/my.cnf.d, whichever there is." },
    { SECTION_HOST, "agent_port", OPTION_NUMBER, OPTION_PLAIN, HOST(settings.agent_port), "9989", 1, 65535, NULL,
      "The agent's TCP port." },
    { SECTION_HOST, "agent_state", OPTION_PATH, OPTION_PLAIN, HOST(settings.agent_state), "/var/lib/mmm", 0, 0, NULL,
      "The folder in which the agent remembers its term and its promises across restarts." },
    { SECTION_HOST, "guard", OPTION_CHOICE, OPTION_PLAIN, HOST(settings.guard), "off", 0, 0, guards,
      "`on`: clients reach the server's port only through the role addresses that this host serves, each until its lease "
      "ends; the kernel keeps to that, even when the agent is dead. So no client can write to a former writer, by "
      "whatever address it is connected. The hosts of the cluster, the monitor, `guard_allow` and the machine itself are "
      "let through always. The agent keeps an nftables table of its own for it, `inet mmm`, which stays when the agent "
      "ends; `mmm agent --release` removes it. `off`: nobody is shut out." },
    { SECTION_HOST, "guard_allow", OPTION_NETWORKS, OPTION_PLAIN, HOST(settings.guard_allow), "", 0, 0, NULL,
      "Who else the guard lets through by any address: backup and monitoring machines. Nothing there may write as an "
      "application does." },

    { SECTION_ROLE, "mode", OPTION_CHOICE, OPTION_PLAIN, ROLE(mode), NULL, 0, 0, role_modes,
      "`exclusive`: one host has the role with all its addresses. `balanced`: its addresses are spread over its hosts." },
    { SECTION_ROLE, "hosts", OPTION_NAMES, OPTION_PLAIN, ROLE(hosts), NULL, 0, 0, NULL,
      "Who may have it; earlier ones are chosen first when nothing else decides." },
    { SECTION_ROLE, "addresses", OPTION_ADDRESSES, OPTION_PLAIN, ROLE(addresses), "", 0, 0, NULL,
      "The addresses clients connect to, each with its network's length; without a length, the address alone (/32 or "
      "/128). `ips` is accepted for `addresses`. A balanced role needs at least one." },
    { SECTION_ROLE, "prefer", OPTION_NAME, OPTION_PLAIN, ROLE(prefer), "", 0, 0, NULL,
      "The host that gets an exclusive role back as soon as it is ONLINE. The writer role waits until that host "
      "also replicates and may become writer; it does not move back within health.settle of its last move, nor while a "
      "transaction on the writer goes on for more than a second. Without it a role stays where it is." },

    { SECTION_REPLICATION, "user", OPTION_WORD, OPTION_PLAIN, SET(replication_user), "mmm_replication", 0, 0, NULL,
      "The user that replicas connect as." },
    { SECTION_REPLICATION, "password_file", OPTION_PATH, OPTION_PLAIN, SET(replication_password_file),
      "/etc/mmm/replication.password", 0, 0, NULL,
      "Its first line is the password; only its owner may read the file. An agent that finds none, and never worked "
      "before, waits for `mmm init` to bring it." },

    { SECTION_CHECK, "user", OPTION_WORD, OPTION_PLAIN, SET(check_user), "", 0, 0, NULL,
      "The user of that connection, which needs no rights; empty: the monitor does not check from outside." },
    { SECTION_CHECK, "password_file", OPTION_PATH, OPTION_PLAIN, SET(check_password_file), "/etc/mmm/check.password",
      0, 0, NULL,
      "Likewise; not read when there is no user." },

    { SECTION_HEALTH, "lag_max", OPTION_DURATION, OPTION_PLAIN, SET(cluster.health.lag_max), "10s", 100, HOURS(24), NULL,
      "A replica further behind than this loses its roles ..." },
    { SECTION_HEALTH, "lag_back", OPTION_DURATION, OPTION_PLAIN, SET(cluster.health.lag_back), "5s", 0, HOURS(24), NULL,
      "... until it is nearer than this; at most lag_max." },
    { SECTION_HEALTH, "answer_timeout", OPTION_DURATION, OPTION_PLAIN, SET(cluster.health.answer_timeout), "2s", 100,
      MINUTES(1), NULL,
      "A server that stays silent for so long does not answer." },
    { SECTION_HEALTH, "settle", OPTION_DURATION, OPTION_PLAIN, SET(cluster.health.settle), "10s", 0, HOURS(1), NULL,
      "After a change of writer, only an error in applying is judged for so long, no other trouble of replication." },
    { SECTION_HEALTH, "down_short", OPTION_DURATION, OPTION_PLAIN, SET(cluster.health.down_short), "60s", 0, HOURS(24),
      NULL,
      "A replica that was down for less than this returns by itself." },
    { SECTION_HEALTH, "flap_count", OPTION_NUMBER, OPTION_PLAIN, SET(cluster.health.flap_count), "3", 1,
      DEPARTURES_MAX - 1, NULL,
      "A host that leaves ONLINE more often than this ..." },
    { SECTION_HEALTH, "flap_window", OPTION_DURATION, OPTION_PLAIN, SET(cluster.health.flap_window), "1h", 1000,
      HOURS(24), NULL,
      "... within so long is flapping, and is held." },
    { SECTION_HEALTH, "recovery", OPTION_CHOICE, OPTION_PLAIN, SET(cluster.health.recovery), "hold", 0, 0, recoveries,
      "`hold`: a writer that was replaced, and a host that was away for long, wait for the administrator. `verified`: "
      "they come back by themselves when all that they have proves to be the present writer's too." },

    { SECTION_LEASE, "length", OPTION_DURATION, OPTION_PLAIN, SET(cluster.lease.length), "5s", SECONDS(2), MINUTES(5),
      NULL,
      "How long the writer may write after its last answered report. Longer: it survives longer silences. Shorter: a "
      "new writer follows sooner when a machine is lost." },
    { SECTION_LEASE, "report", OPTION_DURATION, OPTION_DERIVED, SET(cluster.lease.report), "length/10", 20, MINUTES(1),
      NULL,
      "How often agents report." },
    { SECTION_LEASE, "fence", OPTION_DURATION, OPTION_PLAIN, SET(cluster.lease.fence), "1s", 100, MINUTES(1), NULL,
      "Fencing starts so long before the lease ends, and must be done by then." },
    { SECTION_LEASE, "margin", OPTION_DURATION, OPTION_PLAIN, SET(cluster.lease.margin), "500ms", 50, MINUTES(1), NULL,
      "The monitor waits so much longer than the lease, for clocks that do not run alike." },

    { SECTION_FAILOVER, "window", OPTION_DURATION, OPTION_PLAIN, SET(cluster.failover.window), "0ms", 0, HOURS(168),
      NULL,
      "At most one failover in this time without an administrator's word; 0ms: no limit." },
    { SECTION_FAILOVER, "drain_timeout", OPTION_DURATION, OPTION_PLAIN, SET(cluster.failover.drain_timeout), "30s",
      SECONDS(1), HOURS(24), NULL,
      "How long a host may apply what it has received before its promotion is given up." },
    { SECTION_FAILOVER, "switchover_timeout", OPTION_DURATION, OPTION_PLAIN, SET(cluster.failover.switchover_timeout),
      "5s", 500, MINUTES(10), NULL,
      "Each step of a switchover; past it the old writer gets the role back." },
    { SECTION_FAILOVER, "catch_up", OPTION_DURATION, OPTION_PLAIN, SET(cluster.failover.catch_up), "2s", 100, HOURS(1),
      NULL,
      "A switchover starts only when its target is nearer than this." },
    { SECTION_FAILOVER, "grace", OPTION_DURATION, OPTION_PLAIN, SET(cluster.failover.grace), "10s", 0, HOURS(1), NULL,
      "How long a switchover waits for transactions on the writer that go on for more than a second; then it is "
      "refused." },
    { SECTION_FAILOVER, "acknowledge_timeout", OPTION_DURATION, OPTION_PLAIN,
      SET(cluster.failover.acknowledge_timeout), "1s", 200, HOURS(24), NULL,
      "With `durability = lossless`: how long writes wait for standbys that do not acknowledge before they go on without "
      "them." },

    { SECTION_TLS, "ca", OPTION_PATH, OPTION_PLAIN, SET(tls.ca), "", 0, 0, NULL,
      "Certificate of the cluster's authority. All three keys are given, or none." },
    { SECTION_TLS, "certificate", OPTION_PATH, OPTION_PLAIN, SET(tls.certificate), "", 0, 0, NULL,
      "This machine's certificate." },
    { SECTION_TLS, "key", OPTION_PATH, OPTION_PLAIN, SET(tls.key), "", 0, 0, NULL,
      "Its private key." },
};
/* clang-format on */

const size_t option_count = COUNT_OF(options);
static_assert(COUNT_OF(options) <= OPTIONS_MAX, "struct section has room for every option");

static const struct {
    enum section_kind section;
    const char *other;
    const char *key;
} other_names[] = {
    { SECTION_ROLE, "ips", "addresses" },
};

const struct option *option_find(enum section_kind section, const char *key) {
    for (size_t i = 0; i < COUNT_OF(other_names); i++)
        if (other_names[i].section == section && text_equal(other_names[i].other, key))
            key = other_names[i].key;
    for (size_t i = 0; i < option_count; i++)
        if (options[i].section == section && text_equal(options[i].key, key))
            return &options[i];
    return NULL;
}

enum section_kind section_find(const char *word) {
    for (int i = 0; i < SECTION_COUNT; i++)
        if (text_equal(section_forms[i].word, word))
            return (enum section_kind)i;
    return SECTION_COUNT;
}
