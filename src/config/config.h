/* The configuration file (DESIGN.md §8) read into one struct.  The same file is on every machine; one table in
 * options.c (name, type, default, range, unit, help) drives the parser, `mmm help config` and the documentation. */
#ifndef MMM_CONFIG_CONFIG_H
#define MMM_CONFIG_CONFIG_H

#include <stdio.h>
#include <sys/types.h>

#include "model/cluster.h"

enum { PATH_SIZE = 256, USER_SIZE = 64 };

enum { NETWORKS_MAX = 16 };

struct network_list {
    int count;
    struct network items[NETWORKS_MAX];
};

enum guard_mode { GUARD_OFF, GUARD_ON };

/* What one host's daemons need, beside what decisions need of it (cluster.hosts[i]). */
struct host_settings {
    char interface[INTERFACE_SIZE]; /* that carries the role addresses */
    char server_socket[PATH_SIZE];
    char server_start[PATH_SIZE]; /* a command line, split at spaces, run without a shell */
    char server_stop[PATH_SIZE];
    char fence[PATH_SIZE];           /* likewise: ends this host for sure, run by the monitor; empty: none */
    char server_settings[PATH_SIZE]; /* the file of its settings that `mmm init` writes; empty: found */
    char binlog_tool[PATH_SIZE];     /* decodes the binary log; empty: the family's own, by $PATH */
    uint16_t agent_port;
    char agent_state[PATH_SIZE];     /* folder of the agent's durable file, one file a host */
    enum guard_mode guard;           /* clients reach the server through leased addresses only (effect/guard) ... */
    struct network_list guard_allow; /* ... but for these, beside the cluster's own hosts */
};

struct tls_settings {
    char ca[PATH_SIZE];          /* all three empty: no TLS, loopback and unix sockets only */
    char certificate[PATH_SIZE]; /* «%h» stands for the host's (or the monitor's, the operator's) name */
    char key[PATH_SIZE];
};

struct settings {
    char file[PATH_SIZE];
    struct cluster cluster;
    struct host_settings hosts[HOSTS_MAX];
    struct ip monitor_address;
    uint16_t monitor_port;
    char monitor_name[NAME_SIZE];   /* in its certificate; default «monitor» */
    char monitor_socket[PATH_SIZE]; /* for the command line on the monitor's machine */
    char monitor_store[PATH_SIZE];  /* SQLite file */
    unsigned events_kept;
    unsigned recording_mb; /* beside the store, in STORE.recording; 0: none */
    char replication_user[USER_SIZE];
    char replication_password_file[PATH_SIZE];
    char check_user[USER_SIZE]; /* the monitor's own connection to each server; empty: no such check */
    char check_password_file[PATH_SIZE];
    struct tls_settings tls;
};

/* Reads and checks the whole file.  RC_REFUSED when others than its owner (root, or who runs this) can write it: it
 * names programs that agents run.  An error names file, line, section, key and the nearest known key. */
enum rc config_read(const char *file, struct settings *ret_settings, struct reason *ret_why) NODISCARD;
/* The same for text in memory; «name» stands for the file in errors.  Opens no file and reads no clock. */
enum rc config_parse(const char *name, const char *text, struct settings *ret_settings,
                     struct reason *ret_why) NODISCARD;
/* The reference of all keys, for a terminal ... */
void config_help(FILE *out);
/* ... and as Markdown: docs/configuration.md is exactly this, which a test compares. */
void config_help_markdown(FILE *out);
/* The first line of a password file, without its end; refuses a file that others than its owner can read. */
enum rc config_password(const char *file, char *ret_password, size_t size, struct reason *ret_why) NODISCARD;
/* A sum over the file, the same where the file is the same. */
enum { CONFIG_SUM_SIZE = 17 };
enum rc config_sum(const char *file, char ret_sum[static CONFIG_SUM_SIZE]) NODISCARD;
/* The same for a file that may also belong to this user; then it is no symbolic link. */
enum rc config_password_of(uid_t owner, const char *file, char *ret_password, size_t size,
                           struct reason *ret_why) NODISCARD;
/* Puts a name in the place of «%h»; false when it does not fit, or when it is not a name: it must not lead elsewhere.
 */
bool config_expand(const char *pattern, const char *name, char *ret_path, size_t size);

#endif
