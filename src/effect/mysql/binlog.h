/* Where a server's binary log lies, for reading its files.  Blocking: for a thread of its own. */
#ifndef MMM_EFFECT_MYSQL_BINLOG_H
#define MMM_EFFECT_MYSQL_BINLOG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rc.h"
#include "base/reason.h"
#include "model/server.h"

struct binlog {
    enum server_family family;
    char base[PATH_MAX]; /* «/var/lib/mysql/bin», before the dot and number of each file, as this process sees it */
};

/* Asks the server; nothing that waits for the binary log's locks (SERVERS.md trap 6). */
enum rc binlog_find(const char *socket, msec deadline, struct binlog *ret_binlog, struct reason *ret_why) NODISCARD;

struct binlog_file {
    uint64_t number;
    uint64_t size;
    char path[PATH_MAX];
};

/* Its newest files, newest first, at most so many; ret_more: there are older ones.  RC_NOT_FOUND: there is none. */
enum rc binlog_files(const struct binlog *binlog, size_t most, struct binlog_file *ret_files, size_t *ret_count,
                     bool *ret_more, struct reason *ret_why) NODISCARD;

#endif
