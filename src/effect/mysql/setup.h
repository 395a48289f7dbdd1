/* Looking at a fresh server and setting it up: what `mmm init` asks and does, each with one short connection.  Nothing
 * here enters the binary log, so that servers which were set up alike still have no transaction. */
#ifndef MMM_EFFECT_MYSQL_SETUP_H
#define MMM_EFFECT_MYSQL_SETUP_H

#include "effect/mysql/connection.h"
#include "model/server.h"

struct setup_look {
    enum server_family family;
    char version[VERSION_SIZE];
    uint64_t server_id;
    bool has_source;
    bool agent_has_socket; /* only the operating-system user of its name logs in as this account */
    uint64_t databases;    /* beside those that every server has, and a «test» without a table */
    char database[NAME_SIZE];
    char transactions[FACT_SIZE]; /* of the binary log; empty: none.  Cut when there are many */
};

/* The connection is an administrator's.  Of a server of neither family only the version is told. */
enum rc setup_look(struct connection *connection, msec deadline, struct setup_look *ret_look,
                   struct reason *ret_why) NODISCARD;
/* name: a constant of ours. */
enum rc setup_value(struct connection *connection, msec deadline, const char *name, char *ret_value, size_t size,
                    struct reason *ret_why) NODISCARD;
/* The same of a setting that not every server knows: then the value is empty. */
enum rc setup_value_if_known(struct connection *connection, msec deadline, const char *name, char *ret_value,
                             size_t size, struct reason *ret_why) NODISCARD;
/* SET GLOBAL; name and value: constants of ours.  The value is a word or a number. */
enum rc setup_set(struct connection *connection, msec deadline, const char *name, const char *value,
                  struct reason *ret_why) NODISCARD;
/* «ACTIVE», or empty when it is not loaded. */
enum rc setup_plugin_state(struct connection *connection, msec deadline, const char *name, char *ret_state, size_t size,
                           struct reason *ret_why) NODISCARD;
/* Loads a plugin for good; name and library: constants of ours. */
enum rc setup_plugin(struct connection *connection, msec deadline, const char *name, const char *library,
                     struct reason *ret_why) NODISCARD;

struct setup_user {
    const char *name;
    const char *password;
    bool replicates; /* REPLICATION SLAVE; else no right at all */
};
/* Makes the user, or makes one of that name so: this password and exactly this right; RC_SERVER also when what is read
 * back differs. */
enum rc setup_user(struct connection *connection, msec deadline, const struct setup_user *user,
                   struct reason *ret_why) NODISCARD;
/* MySQL: the account of this connection has no password any more, and is its operating-system user's alone. */
enum rc setup_agent(struct connection *connection, msec deadline, struct reason *ret_why) NODISCARD;

#endif
