#include "effect/mysql/look.h"

#include <stdlib.h>

#include "base/text.h"
#include "effect/mysql/family.h"
#include "effect/mysql/filters.h"
#include "effect/mysql/semi_sync.h"

void look_init(struct look *look, const struct connection_options *options) {
    *look = (struct look){ 0 };
    for (int i = 0; i < LOOK_CONNECTIONS; i++) {
        struct connection_options own = *options;
        own.patient = i != LOOK_PULSE;
        connection_init(&look->connections[i], &own);
    }
}

void look_done(struct look *look) {
    for (int i = 0; i < LOOK_CONNECTIONS; i++)
        connection_done(&look->connections[i]);
}

static void error_take(const struct connection *connection, const struct reason *why, struct probe *probe) {
    probe->error_number = connection->error_number;
    TEXT_COPY(probe->error, why->text);
}

/* Nothing that another process of the server said is worth anything. */
static void forget(struct look *look) {
    look->known = (struct probe){ 0 };
    look->started = 0;
    look->filters_at = 0;
}

/* Asked once a process; that it stays unknown for a look is no reason to say that the server does not answer. */
static void uptime_ask(struct look *look, struct connection *connection, msec deadline) {
    if (look->started == 0 && connection_run(connection, deadline, NULL, "SHOW GLOBAL STATUS LIKE 'Uptime'") == RC_OK &&
        connection_next(connection))
        look->started = clock_now() - SECONDS((msec)connection_number(connection, 1));
}

static enum rc pulse(struct look *look, msec deadline, struct probe *probe, struct reason *ret_why) {
    struct connection *connection = &look->connections[LOOK_PULSE];
    if (!connection_is_open(connection))
        forget(look);
    enum rc rc = connection_use(connection, ret_why);
    const struct family *family = family_of(connection);
    if (rc == RC_OK)
        rc = connection_run(connection, deadline, ret_why, "%s",
                            family != NULL ? family->pulse : "SELECT @@global.read_only, @@global.version");
    if (rc == RC_OK && !connection_next(connection))
        rc = FAIL(RC_IO, ret_why, "no row");
    if (rc != RC_OK)
        return rc;
    probe->read_only = position_is_read_only(connection_value(connection, 0));
    connection_version(connection, 1, probe->version);
    probe->family = connection->abilities.family;
    probe->pid = connection_peer(connection);
    if (probe->pid != look->known.pid)
        forget(look);
    uptime_ask(look, connection, deadline);
    if (look->started != 0)
        probe->uptime_s = (uint64_t)(clock_now() - look->started) / 1000;
    return RC_OK;
}

/* Ready for a new statement, or not before the deadline: an answer to an older one may still be owed. */
static enum rc settle(struct connection *connection, msec deadline, struct reason *ret_why) {
    if (connection->pending) {
        enum rc rc = connection_finish(connection, deadline, ret_why);
        if (rc == RC_TIMEOUT)
            return rc;
    }
    return connection_use(connection, ret_why);
}

/* What a write that is not answered yet waits for is asked soon: if it is a replica's acknowledgement, more waiting
 * tells nothing more, and the monitor is to know.  Where commits stand still on a busy machine positions were seen to
 * take two seconds (MariaDB 10.11, scenario 7b): so they are not waited for either, and another connection asks. */
#define CANARY_PATIENCE ((msec)300)
#define POSITION_PATIENCE ((msec)100)

static bool waits_for_replica(struct look *look, msec deadline, struct probe *probe) {
    struct connection *connection = &look->connections[LOOK_WAITING];
    return settle(connection, deadline, NULL) == RC_OK &&
           semi_sync_read(connection, deadline, &probe->semi_sync, NULL) == RC_OK && probe->semi_sync.waiting > 0;
}

static enum rc finish_canary(struct look *look, msec deadline, struct probe *probe, struct reason *ret_why) {
    probe->canary_waits = waits_for_replica(look, deadline, probe);
    if (probe->canary_waits)
        return FAIL(RC_TIMEOUT, ret_why, "the commit waits for a replica's acknowledgement");
    return connection_finish(&look->connections[LOOK_CANARY], deadline, ret_why);
}

static bool is_missing(const struct connection *connection) {
    return connection->error_number == ERROR_NO_SUCH_TABLE || connection->error_number == ERROR_NO_SUCH_SCHEMA;
}

static enum rc heartbeat_create(struct connection *connection, msec deadline, struct reason *ret_why) {
    const struct family *family;
    enum rc rc = family_need(connection, &family, ret_why);
    return rc == RC_OK ? family->heartbeat_create(connection, deadline, ret_why) : rc;
}

static enum rc heartbeat_write(struct connection *connection, msec stamp, msec deadline, struct reason *ret_why) {
    return connection_run(connection, deadline, ret_why,
                          "INSERT INTO mmm.heartbeat (server_id, stamp) SELECT @@global.server_id, %lld FROM DUAL"
                          " WHERE " SERVER_IS_WRITABLE " ON DUPLICATE KEY UPDATE stamp = %lld",
                          (long long)stamp, (long long)stamp);
}

static enum rc canary_write(struct look *look, msec stamp, msec deadline, struct probe *probe, struct reason *ret_why) {
    struct connection *connection = &look->connections[LOOK_CANARY];
    msec soon = clock_now() + CANARY_PATIENCE < deadline ? clock_now() + CANARY_PATIENCE : deadline;
    enum rc rc = settle(connection, soon, ret_why);
    if (rc == RC_TIMEOUT && connection->pending && finish_canary(look, deadline, probe, ret_why) != RC_TIMEOUT)
        rc = settle(connection, deadline, ret_why);
    if (rc != RC_OK)
        return rc;
    rc = heartbeat_write(connection, stamp, soon, ret_why);
    return rc == RC_TIMEOUT && connection->pending ? finish_canary(look, deadline, probe, ret_why) : rc;
}

static void canary(struct look *look, msec stamp, msec deadline, struct probe *probe) {
    struct connection *connection = &look->connections[LOOK_CANARY];
    struct reason why = { 0 };
    probe->canary_tried = true;
    if (probe->read_only) {
        probe->error_number = ERROR_READ_ONLY;
        TEXT_COPY(probe->error, "no heartbeat was written: the server is read-only");
        return;
    }
    enum rc rc = canary_write(look, stamp, deadline, probe, &why);
    if (rc == RC_SERVER && is_missing(connection)) {
        rc = heartbeat_create(connection, deadline, &why);
        if (rc == RC_OK)
            rc = heartbeat_write(connection, stamp, deadline, &why);
    }
    if (rc == RC_OK && mysql_affected_rows(connection->mysql) == 0) {
        connection->error_number = ERROR_READ_ONLY;
        rc = FAIL(RC_SERVER, &why, "the server is read-only");
    }
    probe->canary_written = rc == RC_OK;
    if (rc == RC_OK)
        return;
    reason_prefix(&why, "no heartbeat was written");
    error_take(connection, &why, probe);
}

static enum rc heartbeat_read(struct connection *connection, msec deadline, msec *ret_stamp, struct reason *ret_why) {
    enum rc rc = connection_run(connection, deadline, ret_why, "SELECT MAX(stamp) FROM mmm.heartbeat");
    if (rc == RC_SERVER && is_missing(connection)) {
        *ret_stamp = 0;
        return RC_OK;
    }
    if (rc == RC_OK)
        *ret_stamp = connection_next(connection) ? (msec)connection_number(connection, 0) : 0;
    return rc;
}

/* By the second, which is what the server tells.  A server that cannot tell has none that is known. */
static enum rc oldest_read(struct connection *connection, msec deadline, struct transaction *ret_oldest,
                           struct reason *ret_why) {
    struct transaction oldest = { 0 };
    enum rc rc = connection_run(connection, deadline, ret_why,
                                "SELECT trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS age"
                                " FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0"
                                " AND trx_mysql_thread_id <> 0 HAVING age > 1 ORDER BY age DESC LIMIT 1");
    if (rc == RC_OK && connection_next(connection)) {
        oldest.session = connection_number(connection, 0);
        oldest.age = SECONDS((msec)connection_number(connection, 1));
        rc = connection_run(connection, deadline, ret_why,
                            "SELECT USER FROM %s WHERE ID = %llu AND USER <> 'system user'", clients_table(connection),
                            (unsigned long long)oldest.session);
        if (rc == RC_OK && connection_next(connection))
            TEXT_COPY(oldest.user, connection_value(connection, 0));
        else
            oldest = (struct transaction){ 0 }; /* it has ended, or it is replication's */
    }
    *ret_oldest = oldest;
    return rc == RC_SERVER ? RC_OK : rc;
}

static void replication_take(const struct replica *replica, struct probe *probe) {
    struct replication *replication = &probe->replication;
    bool stuck = replica->apply_error != 0;
    replication->configured = replica->configured;
    if (ip_parse(replica->source, &replication->source_address, NULL) != RC_OK)
        replication->source_address = (struct ip){ 0 };
    replication->source_port = replica->source_port;
    replication->delay_s = replica->delay_s;
    replication->receiving = replica->receiving;
    replication->applying = replica->applying;
    replication->apply_failed = stuck && replica->applying == THREAD_STOPPED;
    replication->error_number = stuck ? replica->apply_error : replica->receive_error;
    TEXT_COPY(replication->error, stuck ? replica->apply_text : replica->receive_text);
}

/* Received is read before applied: what was applied in between then makes received larger, never smaller. */
static enum rc where(struct look *look, msec deadline, struct probe *probe, struct reason *ret_why) {
    struct connection *connection = &look->connections[LOOK_POSITION];
    struct replica replica;
    struct position position;
    struct transaction oldest = { 0 };
    msec heartbeat = 0;
    enum rc rc = settle(connection, deadline, ret_why);
    if (rc == RC_OK)
        rc = replica_read(connection, deadline, &replica, ret_why);
    if (rc == RC_OK)
        rc = position_read(connection, deadline, &position, ret_why);
    if (rc == RC_OK)
        rc = heartbeat_read(connection, deadline, &heartbeat, ret_why);
    if (rc == RC_OK && !probe->read_only)
        rc = oldest_read(connection, deadline, &oldest, ret_why);
    if (rc != RC_OK)
        return rc;
    rc = semi_sync_read(connection, deadline, &probe->semi_sync, ret_why);
    if (rc != RC_OK)
        return rc;
    replication_take(&replica, probe);
    probe->binlog = position.has;
    probe->applied = position.current;
    probe->received = position.current;
    if (!gtid_add(&probe->received, &replica.received))
        return FAIL(RC_INVALID, ret_why, "the position has too many entries");
    probe->heartbeat_seen = heartbeat;
    probe->oldest = oldest;
    return RC_OK;
}

static void position_keep(const struct probe *known, struct probe *probe) {
    probe->kept = true;
    probe->replication = known->replication;
    if (!probe->canary_waits)
        probe->semi_sync = known->semi_sync;
    probe->filters = known->filters;
    probe->settings = known->settings;
    probe->binlog = known->binlog;
    probe->applied = known->applied;
    probe->received = known->received;
    probe->oldest = known->oldest;
    probe->heartbeat_seen = known->heartbeat_seen;
}

#define FILTERS_EVERY SECONDS(5)

static enum rc settings_read(struct connection *connection, msec deadline, struct server_settings *ret_settings) {
    struct server_settings settings = { .known = true };
    enum rc rc =
        connection_run(connection, deadline, NULL, "SHOW GLOBAL VARIABLES WHERE Variable_name IN (" SETTINGS_NAMES ")");
    while (rc == RC_OK && connection_next(connection))
        settings_add(&settings, connection_value(connection, 0), connection_value(connection, 1));
    if (rc == RC_OK)
        *ret_settings = settings;
    return rc;
}

/* Those of a while ago will do, and no look fails for them. */
static void filters_ask(struct look *look, msec deadline, struct probe *probe) {
    msec now = clock_now();
    struct filters filters = { 0 };
    struct server_settings settings = { 0 };
    probe->filters = look->known.filters;
    probe->settings = look->known.settings;
    if (look->filters_at != 0 && now - look->filters_at < FILTERS_EVERY)
        return;
    if (filters_read(&look->connections[LOOK_POSITION], deadline, &filters, NULL) != RC_OK ||
        settings_read(&look->connections[LOOK_POSITION], deadline, &settings) != RC_OK)
        return;
    look->filters_at = now;
    probe->filters = filters;
    probe->settings = settings;
}

/* Positions that cannot be read now are those of the look before; a server that never told any has not answered. */
static void position_ask(struct look *look, msec deadline, struct probe *probe) {
    struct connection *connection = &look->connections[LOOK_POSITION];
    struct reason why = { 0 };
    if (where(look, deadline, probe, &why) == RC_OK) {
        filters_ask(look, deadline, probe);
        look->known = *probe;
        return;
    }
    position_keep(&look->known, probe);
    if (probe->error_number == 0 && probe->error[0] == 0)
        error_take(connection, &why, probe);
    probe->answered = look->known.answered;
}

static void look_further(struct look *look, msec canary_stamp, msec now, msec timeout, struct probe *probe) {
    probe->answered = true;
    if (probe->family == FAMILY_UNKNOWN)
        return;
    if (canary_stamp != 0)
        canary(look, canary_stamp, now + timeout * 2 / 3, probe); /* the rest is for the position */
    bool brief = probe->canary_waits && look->known.answered;     /* without an earlier position there is no answer */
    position_ask(look, brief ? clock_now() + POSITION_PATIENCE : now + timeout, probe);
    if (probe->canary_written)
        probe->heartbeat_seen = canary_stamp;
}

void look_run(struct look *look, msec canary_stamp, msec timeout, struct probe *ret_probe) {
    msec now = clock_now();
    struct probe probe = { 0 };
    struct reason why = { 0 };
    if (pulse(look, now + timeout, &probe, &why) == RC_OK)
        look_further(look, canary_stamp, now, timeout, &probe);
    else
        error_take(&look->connections[LOOK_PULSE], &why, &probe);
    probe.too_many = !probe.answered && probe.error_number == ERROR_TOO_MANY_CONNECTIONS;
    *ret_probe = probe;
}
