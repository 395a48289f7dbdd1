#include "effect/mysql/semi_sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "effect/mysql/family.h"

/* A year: SERVERS.md wants no end, and what is longer overflows in the server's own arithmetic. */
#define WAIT_FOREVER_MS 31536000000ULL

bool semi_sync_words(const struct connection *connection, struct semi_sync_words *ret_words) {
    const char *source = connection->abilities.semi_sync;
    if (source == NULL)
        return false;
    *ret_words = (struct semi_sync_words){ source, text_equal(source, "source") ? "replica" : "slave" };
    return true;
}

static enum rc variables_read(struct connection *connection, msec deadline, const struct semi_sync_words *words,
                              struct semi_sync *semi_sync, struct reason *ret_why) {
    char count[96] = "0";
    const struct family *family = family_of(connection);
    if (family != NULL && family->waits_for_several)
        snprintf(count, sizeof count, "@@global.rpl_semi_sync_%s_wait_for_%s_count", words->source, words->replica);
    enum rc rc = connection_run(connection, deadline, ret_why,
                                "SELECT @@global.rpl_semi_sync_%s_enabled, @@global.rpl_semi_sync_%s_enabled,"
                                " @@global.rpl_semi_sync_%s_wait_point = 'AFTER_SYNC' AND"
                                " @@global.rpl_semi_sync_%s_wait_no_%s AND"
                                " @@global.rpl_semi_sync_%s_timeout >= %llu, %s",
                                words->source, words->replica, words->source, words->source, words->replica,
                                words->source, WAIT_FOREVER_MS, count);
    if (rc != RC_OK)
        return rc;
    if (!connection_next(connection))
        return FAIL(RC_IO, ret_why, "no row");
    semi_sync->enabled = connection_number(connection, 0) != 0;
    semi_sync->acknowledges = connection_number(connection, 1) != 0;
    semi_sync->waits = semi_sync->enabled && connection_number(connection, 2) != 0;
    semi_sync->wait_count = (uint32_t)connection_number(connection, 3);
    return RC_OK;
}

/* The rest of a status variable's name after «Rpl_semi_sync_» and one side's word; NULL: it is not of that side. */
static const char *status_of(const char *name, const char *side) {
    static const char prefix[] = "Rpl_semi_sync_";
    size_t length = strlen(side);
    if (strncmp(name, prefix, sizeof prefix - 1) != 0 || strncmp(name + sizeof prefix - 1, side, length) != 0)
        return NULL;
    return name + sizeof prefix - 1 + length;
}

static void status_take(const char *name, const char *value, const struct semi_sync_words *words,
                        struct semi_sync *semi_sync) {
    bool on = text_equal(value, "ON");
    unsigned long long number = strtoull(value, NULL, 10);
    const char *writing = status_of(name, words->source), *reading = status_of(name, words->replica);
    if (reading != NULL && text_equal(reading, "_status"))
        semi_sync->attached = on;
    if (writing == NULL)
        return;
    if (text_equal(writing, "_status"))
        semi_sync->waits = semi_sync->waits && on;
    else if (text_equal(writing, "_clients"))
        semi_sync->clients = (uint32_t)number;
    else if (text_equal(writing, "_wait_sessions"))
        semi_sync->waiting = (uint32_t)number;
    else if (text_equal(writing, "_yes_tx"))
        semi_sync->acknowledged = number;
}

/* Plugins may have been loaded since the session began. */
static enum rc words_need(struct connection *connection, msec deadline, struct semi_sync_words *ret_words,
                          bool *ret_knows, struct reason *ret_why) {
    enum rc rc = RC_OK;
    if (!semi_sync_words(connection, ret_words))
        rc = connection_ask_abilities(connection, deadline, ret_why);
    if (rc == RC_OK)
        *ret_knows = semi_sync_words(connection, ret_words);
    return rc;
}

enum rc semi_sync_read(struct connection *connection, msec deadline, struct semi_sync *ret_semi_sync,
                       struct reason *ret_why) {
    struct semi_sync semi_sync = { 0 };
    struct semi_sync_words words;
    bool knows = false;
    enum rc rc = words_need(connection, deadline, &words, &knows, ret_why);
    if (rc == RC_OK && knows)
        rc = variables_read(connection, deadline, &words, &semi_sync, ret_why);
    if ((rc == RC_OK && !knows) || (rc == RC_SERVER && connection->error_number == ERROR_NO_SUCH_VARIABLE)) {
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
        status_take(connection_value(connection, 0), connection_value(connection, 1), &words, &semi_sync);
    semi_sync.known = true;
    *ret_semi_sync = semi_sync;
    return RC_OK;
}

/* For how many acknowledgements, on a server that can be told. */
static enum rc count_set(const struct work *work, const struct semi_sync *now, struct reason *ret_why) {
    struct semi_sync_words words;
    uint32_t wanted = work->task->wait_count ? work->task->wait_count : 1;
    if (now->wait_count == 0 || now->wait_count == wanted || !semi_sync_words(work->connection, &words))
        return RC_OK;
    return connection_run(work->connection, work->deadline, ret_why, "SET GLOBAL rpl_semi_sync_%s_wait_for_%s_count=%u",
                          words.source, words.replica, wanted);
}

static enum rc switch_on(const struct work *work, const struct semi_sync *now, struct reason *ret_why) {
    struct semi_sync_words words;
    if (!semi_sync_words(work->connection, &words))
        return RC_OK;
    enum rc rc = count_set(work, now, ret_why);
    if (rc == RC_OK)
        rc = connection_run(work->connection, work->deadline, ret_why,
                            "SET GLOBAL rpl_semi_sync_%s_wait_point=AFTER_SYNC, GLOBAL rpl_semi_sync_%s_wait_no_%s=ON,"
                            " GLOBAL rpl_semi_sync_%s_timeout=%llu, GLOBAL rpl_semi_sync_%s_enabled=ON",
                            words.source, words.source, words.replica, words.source, WAIT_FOREVER_MS, words.source);
    return rc;
}

static enum rc switch_off(const struct work *work, struct reason *ret_why) {
    const struct family *family;
    enum rc rc = family_need(work->connection, &family, ret_why);
    return rc == RC_OK ? family->stop_waiting(work, ret_why) : rc;
}

/* A server that has fallen back to asynchronous replication by itself waits again only after it was switched off:
 * nobody waits there, so that nobody is answered by it. */
static enum rc begin_waiting(const struct work *work, struct semi_sync *now, struct reason *ret_why) {
    if (now->waits)
        return count_set(work, now, ret_why);
    enum rc rc = switch_on(work, now, ret_why);
    if (rc == RC_OK)
        rc = semi_sync_read(work->connection, work->deadline, now, ret_why);
    if (rc == RC_OK && !now->waits)
        rc = switch_off(work, ret_why);
    if (rc == RC_OK && !now->waits)
        rc = switch_on(work, now, ret_why);
    return rc;
}

/* Before anything is switched: what an agent that died in a fence has left is taken back. */
static enum rc switch_begin(const struct work *work, const struct family **ret_family, struct semi_sync *ret_now,
                            struct reason *ret_why) {
    enum rc rc = family_need(work->connection, ret_family, ret_why);
    if (rc == RC_OK && (*ret_family)->release_undo != NULL)
        rc = (*ret_family)->release_undo(work, ret_why);
    return rc == RC_OK ? semi_sync_read(work->connection, work->deadline, ret_now, ret_why) : rc;
}

enum rc semi_sync_wait(const struct work *work, bool waits, struct reason *ret_why) {
    struct semi_sync now;
    const struct family *family;
    enum rc rc = switch_begin(work, &family, &now, ret_why);
    if (rc == RC_OK && waits && !now.known)
        return FAIL(RC_REFUSED, ret_why,
                    "the server does not know semi-synchronous replication: load its plugins, or set durability ="
                    " asynchronous");
    if (rc == RC_OK && waits)
        rc = begin_waiting(work, &now, ret_why);
    else if (rc == RC_OK && now.enabled)
        rc = switch_off(work, ret_why);
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot set semi-synchronous replication");
    return rc;
}

static enum rc leave_by(const struct work *work, bool first, struct reason *ret_why) {
    struct semi_sync now;
    const struct family *family;
    enum rc rc = switch_begin(work, &family, &now, ret_why);
    if (rc == RC_OK && now.enabled && family->stop_waiting_first == NULL)
        rc = family->stop_waiting(work, ret_why);
    else if (rc == RC_OK && now.enabled)
        rc = first ? family->stop_waiting_first(work, ret_why) : family->stop_waiting_then(work, ret_why);
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot set semi-synchronous replication");
    return rc;
}

enum rc semi_sync_leave_first(const struct work *work, struct reason *ret_why) {
    return leave_by(work, true, ret_why);
}

enum rc semi_sync_leave_then(const struct work *work, struct reason *ret_why) {
    return leave_by(work, false, ret_why);
}

enum rc semi_sync_acknowledge(const struct work *work, bool acknowledges, struct reason *ret_why) {
    struct semi_sync now;
    struct semi_sync_words words;
    enum rc rc = semi_sync_read(work->connection, work->deadline, &now, ret_why);
    if (rc != RC_OK || !now.known || now.acknowledges == acknowledges || !semi_sync_words(work->connection, &words))
        return rc;
    return connection_run(work->connection, work->deadline, ret_why, "SET GLOBAL rpl_semi_sync_%s_enabled=%s",
                          words.replica, acknowledges ? "ON" : "OFF");
}

/* What is switched takes effect with the next connection to the source.  Where starting to receive could delete what
 * was received and not applied, that stays only as long as the SQL thread runs (SERVERS.md trap 4). */
static enum rc receive_again(const struct work *work, struct reason *ret_why) {
    struct replica replica;
    const struct family *family;
    enum rc rc = replica_read(work->connection, work->deadline, &replica, ret_why);
    if (rc == RC_OK)
        rc = family_need(work->connection, &family, ret_why);
    if (rc != RC_OK || replica.receiving == THREAD_STOPPED ||
        (family->start_deletes && replica.applying != THREAD_RUNNING))
        return rc;
    rc = family->stop_receiving(work, ret_why);
    return rc == RC_OK ? replica_command(work, family->start_receiving, ret_why) : rc;
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
