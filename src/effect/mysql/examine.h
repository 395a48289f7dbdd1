/* What `mmm doctor` asks of a server.  Blocking, on connections of its own and every statement with a deadline: for a
 * thread of its own, so that no look and no fence ever waits behind it.  A fence that comes in between ends the
 * session like any other client's.  Nothing here waits for a lock, writes, or asks for the binary log's state
 * (SERVERS.md trap 6). */
#ifndef MMM_EFFECT_MYSQL_EXAMINE_H
#define MMM_EFFECT_MYSQL_EXAMINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rc.h"
#include "base/reason.h"
#include "model/facts.h"
#include "model/ip.h"

struct examine_options {
    const char *socket;
    const char *replication_user; /* whose rights are looked at; empty: nobody's */
    msec deadline;
    bool (*wants)(const char *kind, const char *name);      /* kinds: var, start, status, plugin */
    bool (*wants_item)(const char *fact, const char *item); /* rights, which are too many to tell all */
};

/* Puts server.* var.* status.* plugin.* default.* persisted.* self.* account.* replica.*; a part that fails is told as
 * failed.PART.  Returns the server's process, 0: not known. */
uint32_t server_examine(const struct examine_options *options, struct facts *facts);

struct login {
    struct ip address, from;
    uint16_t port;
    const char *user, *password;
};

/* Logs in and leaves, within a second or so: a connection that is only opened counts towards max_connect_errors
 * (trap 14). */
enum rc server_login(const struct login *login, struct reason *ret_why) NODISCARD;

#endif
