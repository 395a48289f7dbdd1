/* `mmm init`: what fresh servers lack to be a cluster, as numbered steps a host, or why nothing is begun.  A function
 * of what each host says of its server; hosts do the steps (app/agent/init.c), the command line asks (app/cli/init.c).
 *
 * A host is begun only when its server is empty.  What a step leaves behind (users made outside the binary log,
 * settings, a file) does not count against that, so an init that ended in the middle is gone on with. */
#ifndef MMM_CORE_INIT_INIT_H
#define MMM_CORE_INIT_INIT_H

#include "model/cluster.h"
#include "model/server.h"

enum {
    INIT_SETTINGS_MAX = 32,
    INIT_VALUE_SIZE = 64,
    INIT_PATH_SIZE = 256,
    INIT_FILE_SIZE = 4096,
    INIT_STEPS_MAX = HOSTS_MAX * (INIT_SETTINGS_MAX + 4),
    INIT_STOPS_MAX = HOSTS_MAX * 4,
    INIT_RULE_SIZE = 8,
};

/* When a setting takes effect. */
enum init_reach {
    INIT_RESTART, /* needs the server's own configuration and a restart: the administrator's */
    INIT_RUNNING, /* SET GLOBAL, and the file for the next start */
    INIT_FILE,    /* the file only: it is about starting, and is no variable */
    INIT_KNOWN,   /* like INIT_RUNNING, on a server that knows it: the file has it with «loose_» */
    INIT_PLUGIN,  /* INSTALL PLUGIN, which the server remembers; the line names its library */
};

enum init_match { INIT_IS, INIT_AT_LEAST, INIT_NO_LOOPBACK };

struct init_setting {
    const char *rule;
    enum server_family family;
    enum init_reach reach;
    enum init_match match;
    const char *name; /* of the variable and in the file */
    const char *on_master;
    const char *on_replica;
    const char *line; /* what to write for it, where that is not «name = value»; a plugin's library */
    const char *why;
};
extern const struct init_setting init_settings[];
extern const size_t init_setting_count; /* at most INIT_SETTINGS_MAX */

const char *init_wanted(const struct init_setting *setting, enum host_mode mode);
/* Is it made so on the running server, by a step of its own? */
bool init_is_done_running(const struct init_setting *setting);
/* Does a value as the server prints it do?  Of INIT_KNOWN an empty one does: the server does not know the setting. */
bool init_is_right(const struct init_setting *setting, enum host_mode mode, const char *value);
/* The lines of the file that a server reads at its start.  ret_text: INIT_FILE_SIZE. */
void init_file_text(enum server_family family, enum host_mode mode, char ret_text[static INIT_FILE_SIZE]);

/* Where that file goes if the configuration names none: the first of these folders that is there; NULL behind the last.
 * The agent's unit opens them (packaging/mmm-agent.service). */
const char *init_folder(enum server_family family, size_t i);

/* What a host says of its server. */
struct init_facts {
    bool answered;
    char why[FACT_SIZE * 2]; /* not answered: why */
    bool set_up;             /* an agent of this cluster already: nothing below is asked */
    enum server_family family;
    char version[VERSION_SIZE];
    uint64_t server_id;
    bool has_source;
    bool agent_has_socket;    /* only the operating-system user of its name logs in as the agent's account */
    uint64_t databases;       /* that no package brings */
    char database[NAME_SIZE]; /* one of them */
    char transactions[FACT_SIZE];
    char values[INIT_SETTINGS_MAX][INIT_VALUE_SIZE]; /* by the index in init_settings; of its own family only */
    char file[INIT_PATH_SIZE];                       /* where the settings go; empty: no known place */
    bool file_is_right;
};

enum init_kind { INIT_USER_REPLICATION, INIT_USER_CHECK, INIT_USER_AGENT, INIT_SET, INIT_WRITE_FILE, INIT_SET_UP };

struct init_step {
    int host;
    enum init_kind kind;
    int setting; /* INIT_SET: the index in init_settings */
    const char *rule;
    const char *why;
};

struct init_stop {
    int host;
    const char *rule;
    const char *why;
    const char *next;
};

struct init_plan {
    size_t stop_count; /* not 0: nothing is begun, on any host */
    struct init_stop stops[INIT_STOPS_MAX];
    size_t step_count; /* in the order in which they are done */
    struct init_step steps[INIT_STEPS_MAX];
};

struct init_wish {
    bool check_user;       /* the configuration names one */
    bool password_is_here; /* the replication password, on the machine of `mmm init` */
};

void init_plan_make(const struct cluster *cluster, const struct init_wish *wish,
                    const struct init_facts facts[static HOSTS_MAX], struct init_plan *ret_plan);
/* The same for one host alone, as it judges itself before each step: a rule about several hosts finds nothing. */
void init_plan_host(const struct cluster *cluster, int host, const struct init_wish *wish,
                    const struct init_facts *facts, struct init_plan *ret_plan);
/* A server_id for this host that no other one has. */
unsigned init_server_id(const struct cluster *cluster, const struct init_facts facts[static HOSTS_MAX], int host);
/* The step of a host that carries this rule, or NULL. */
const struct init_step *init_step_find(const struct init_plan *plan, int host, const char *rule);

/* For the documentation: one row each; NULL behind the last. */
struct init_row {
    const char *rule;
    const char *why;
};
const struct init_row *init_stop_row(size_t row);
const struct init_row *init_step_row(size_t row);

#endif
