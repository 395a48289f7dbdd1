#include "effect/mysql/semi_sync.h"

#include <stdlib.h>

#include "base/text.h"
#include "effect/mysql/family.h"

/* A year: SERVERS.md wants no end, and what is longer overflows in the server's own arithmetic. */
#define WAIT_FOREVER_MS 31536000000ULL

static enum rc variables_read(struct connection *connection, msec deadline, struct semi_sync *semi_sync,
                              struct reason *ret_why) {
    enum rc rc = connection_run(connection, deadline, ret_why,
                                "SELECT @@global.rpl_semi_sync_master_enabled, @@global.rpl_semi_sync_slave_enabled,"
                                " @@global.rpl_semi_sync_master_wait_point = 'AFTER_SYNC' AND"
                                " @@global.rpl_semi_sync_master_wait_no_slave AND"
                                " @@global.rpl_semi_sync_master_timeout >= %llu",
                                WAIT_FOREVER_MS);
    if (rc != RC_OK)
        return rc;
    if (!connection_next(connection))
        return FAIL(RC_IO, ret_why, "no row");
    semi_sync->enabled = connection_number(connection, 0) != 0;
    semi_sync->acknowledges = connection_number(connection, 1) != 0;
    semi_sync->waits = semi_sync->enabled && connection_number(connection, 2) != 0;
    return RC_OK;
}

static void status_take(const char *name, const char *value, struct semi_sync *semi_sync) {
    bool on = text_equal(value, "ON");
    unsigned long long number = strtoull(value, NULL, 10);
    if (text_equal(name, "Rpl_semi_sync_master_status"))
        semi_sync->waits = semi_sync->waits && on;
    else if (text_equal(name, "Rpl_semi_sync_master_clients"))
        semi_sync->clients = (uint32_t)number;
    else if (text_equal(name, "Rpl_semi_sync_master_wait_sessions"))
        semi_sync->waiting = (uint32_t)number;
    else if (text_equal(name, "Rpl_semi_sync_master_yes_tx"))
        semi_sync->acknowledged = number;
    else if (text_equal(name, "Rpl_semi_sync_slave_status"))
        semi_sync->attached = on;
}

enum rc semi_sync_read(struct connection *connection, msec deadline, struct semi_sync *ret_semi_sync,
                       struct reason *ret_why) {
    struct semi_sync semi_sync = { 0 };
    const struct family *family;
    enum rc rc = family_need(connection, &family, ret_why);
    if (rc == RC_OK && !family->switches_semi_sync)
        *ret_semi_sync = semi_sync;
    if (rc != RC_OK || !family->switches_semi_sync)
        return rc;
    rc = variables_read(connection, deadline, &semi_sync, ret_why);
    if (rc == RC_SERVER && connection->error_number == ERROR_NO_SUCH_VARIABLE) {
        *ret_semi_sync = (struct semi_sync){ 0 };
        return RC_OK;
    }
    if (rc == RC_OK)
        rc = connection_run(connection, deadline, ret_why, "SHOW GLOBAL STATUS LIKE 'Rpl\\_semi\\_sync\\_%%'");
    if (rc != RC_OK) {
        reason_prefix(ret_why, "cannot read the state of semi-synchronous replication");
        return rc;
    }
    while (connection_next(connection))
        status_take(connection_value(connection, 0), connection_value(connection, 1), &semi_sync);
    semi_sync.known = true;
    *ret_semi_sync = semi_sync;
    return RC_OK;
}

static enum rc set_all(const struct work *work, const char *const *settings, size_t count, struct reason *ret_why) {
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        rc = connection_run(work->connection, work->deadline, ret_why, "SET GLOBAL %s", settings[i]);
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot set semi-synchronous replication");
    return rc;
}

/* A server that has fallen back to asynchronous replication by itself waits again only after it was switched off:
 * nobody waits there, so that nobody is answered by it. */
enum rc semi_sync_wait(const struct work *work, bool waits, struct reason *ret_why) {
    static const char *const off[] = { "rpl_semi_sync_master_enabled=OFF" };
    static const char *const on[] = {
        "rpl_semi_sync_master_wait_point=AFTER_SYNC",
        "rpl_semi_sync_master_wait_no_slave=ON",
        "rpl_semi_sync_master_timeout=31536000000",
        "rpl_semi_sync_master_enabled=ON",
    };
    struct semi_sync now;
    enum rc rc = semi_sync_read(work->connection, work->deadline, &now, ret_why);
    if (rc != RC_OK || !now.known)
        return rc != RC_OK || !waits ? rc
                                     : FAIL(RC_REFUSED, ret_why,
                                            "lossless mode is for MariaDB servers with semi-synchronous"
                                            " replication: set durability = asynchronous");
    if (!waits)
        return now.enabled ? set_all(work, off, COUNT_OF(off), ret_why) : RC_OK;
    if (now.waits)
        return RC_OK;
    rc = set_all(work, on, COUNT_OF(on), ret_why);
    if (rc == RC_OK)
        rc = semi_sync_read(work->connection, work->deadline, &now, ret_why);
    if (rc == RC_OK && !now.waits)
        rc = set_all(work, off, COUNT_OF(off), ret_why);
    if (rc == RC_OK && !now.waits)
        rc = set_all(work, on, COUNT_OF(on), ret_why);
    return rc;
}

enum rc semi_sync_acknowledge(const struct work *work, bool acknowledges, struct reason *ret_why) {
    static const char *const on[] = { "rpl_semi_sync_slave_enabled=ON" };
    static const char *const off[] = { "rpl_semi_sync_slave_enabled=OFF" };
    struct semi_sync now;
    enum rc rc = semi_sync_read(work->connection, work->deadline, &now, ret_why);
    if (rc != RC_OK || !now.known || now.acknowledges == acknowledges)
        return rc;
    return set_all(work, acknowledges ? on : off, 1, ret_why);
}

/* What is switched takes effect with the next connection to the source.  Received and not applied transactions stay
 * only as long as the SQL thread runs (SERVERS.md trap 4). */
static enum rc receive_again(const struct work *work, struct reason *ret_why) {
    struct replica replica;
    enum rc rc = replica_read(work->connection, work->deadline, &replica, ret_why);
    if (rc != RC_OK || replica.receiving == THREAD_STOPPED || replica.applying != THREAD_RUNNING)
        return rc;
    rc = family_mariadb.stop_receiving(work, ret_why);
    if (rc == RC_OK)
        rc = connection_run(work->connection, work->deadline, ret_why, "START SLAVE IO_THREAD");
    return rc;
}

enum rc semi_sync_run(const struct work *work, struct reason *ret_why) {
    struct semi_sync now;
    enum rc rc = semi_sync_wait(work, work->task->waits, ret_why);
    if (rc == RC_OK)
        rc = semi_sync_acknowledge(work, work->task->acknowledges, ret_why);
    if (rc == RC_OK)
        rc = semi_sync_read(work->connection, work->deadline, &now, ret_why);
    if (rc != RC_OK || !now.known || now.attached == work->task->acknowledges)
        return rc;
    return receive_again(work, ret_why);
}
