#include "effect/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "effect/process/process.h"

enum statement { STATE_READ, STATE_WRITE, EVENT_ADD, EVENTS_TRIM, EVENTS_READ, STATEMENT_COUNT };

/* The numbers of events only grow: the newest is never trimmed, and SQLite gives the highest number plus one. */
static const char *const statement_texts[STATEMENT_COUNT] = {
    [STATE_READ] = "SELECT state FROM state WHERE one = 1",
    [STATE_WRITE] = "INSERT OR REPLACE INTO state (one, state) VALUES (1, ?1)",
    [EVENT_ADD] = "INSERT INTO events (event) VALUES (?1)",
    [EVENTS_TRIM] = "DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - ?1",
    [EVENTS_READ] = ("SELECT number, event FROM (SELECT number, event FROM events WHERE number > ?1 AND number < ?3"
                     " ORDER BY number DESC LIMIT ?2) ORDER BY number"),
};

/* Exclusive locking keeps everybody else out of a file on which every decision waits, and needs no shared memory. */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA journal_size_limit = 4194304;"
                               "PRAGMA trusted_schema = OFF;";

enum { STORE_VERSION = 1 };

static const char schema[] = "BEGIN IMMEDIATE;"
                             "CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1),"
                             " state TEXT NOT NULL);"
                             "CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, event TEXT NOT NULL);"
                             "PRAGMA user_version = 1;" /* STORE_VERSION */
                             "COMMIT;";

struct store {
    sqlite3 *db;
    int lock_fd;
    unsigned events_kept;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    char path[PATH_MAX];
};

static enum rc failed(const struct store *store, const char *doing, struct reason *ret_why) {
    int code = sqlite3_errcode(store->db);
    const char *next = code == SQLITE_NOTADB || code == SQLITE_CORRUPT
                           ? "; it is damaged: move it away and start with an empty one, never with a copy "
                             "(docs/setup.md, When the monitor's store is lost)"
                           : "";
    return FAIL(code == SQLITE_BUSY ? RC_CONFLICT : RC_IO, ret_why, "%s: cannot %s: %s%s", store->path, doing,
                sqlite3_errmsg(store->db), next);
}

static enum rc run(struct store *store, const char *sql, const char *doing, struct reason *ret_why) {
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return failed(store, doing, ret_why);
    return RC_OK;
}

static enum rc check_version(struct store *store, struct reason *ret_why) {
    sqlite3_stmt *statement = NULL;
    int version = -1;
    if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    if (version < 0)
        return failed(store, "read", ret_why);
    if (version > STORE_VERSION)
        return FAIL(RC_REFUSED, ret_why, "%s: was written by a newer mmm (format %d, this one knows %d)", store->path,
                    version, STORE_VERSION);
    return RC_OK;
}

/* SQLite would make it readable for everybody. */
static enum rc make_private(const char *path, struct reason *ret_why) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return FAIL(RC_IO, ret_why, "%s: cannot open: %s", path, strerror(errno));
    close(fd);
    return RC_OK;
}

static enum rc open_database(struct store *store, struct reason *ret_why) {
    enum rc rc = make_private(store->path, ret_why);
    if (rc != RC_OK)
        return rc;
    if (sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return failed(store, "open", ret_why);
    rc = run(store, settings, "open", ret_why);
    if (rc == RC_OK)
        rc = check_version(store, ret_why);
    if (rc == RC_OK)
        rc = run(store, schema, "make its tables", ret_why);
    for (int i = 0; rc == RC_OK && i < STATEMENT_COUNT; i++)
        if (sqlite3_prepare_v3(store->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &store->statements[i],
                               NULL) != SQLITE_OK)
            rc = failed(store, "read its tables", ret_why);
    return rc;
}

enum rc store_open(const char *path, unsigned events_kept, struct store **ret_store, struct reason *ret_why) {
    /* SQLite's own lock would keep a second monitor out too, and could not say who holds it. */
    char lock_path[PATH_MAX];
    if (snprintf(lock_path, sizeof lock_path, "%s.lock", path) >= (int)sizeof lock_path)
        return FAIL(RC_INVALID, ret_why, "%.80s…: the path is too long", path);
    int lock_fd;
    enum rc rc = process_lock(lock_path, &lock_fd, ret_why);
    if (rc != RC_OK)
        return rc;
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        abort();
    store->lock_fd = lock_fd;
    store->events_kept = events_kept > 0 ? events_kept : 1;
    snprintf(store->path, sizeof store->path, "%s", path);
    rc = open_database(store, ret_why);
    if (rc != RC_OK) {
        store_close(store);
        return rc;
    }
    *ret_store = store;
    return RC_OK;
}

void store_close(struct store *store) {
    if (store == NULL)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->db);
    close(store->lock_fd);
    free(store);
}

/* Leaves the statement ready for its next use, and lets go of what was bound to it. */
static void statement_end(sqlite3_stmt *statement) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

enum rc store_load(struct store *store, char **ret_state, struct reason *ret_why) {
    sqlite3_stmt *statement = store->statements[STATE_READ];
    int step = sqlite3_step(statement);
    enum rc rc = RC_OK;
    char *state = NULL;
    if (step == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(statement, 0);
        state = text != NULL ? strdup((const char *)text) : NULL;
        if (state == NULL)
            abort();
    } else if (step != SQLITE_DONE)
        rc = failed(store, "read the state", ret_why);
    statement_end(statement);
    if (rc == RC_OK)
        *ret_state = state;
    return rc;
}

static enum rc write_text(struct store *store, enum statement which, const char *text, struct reason *ret_why) {
    sqlite3_stmt *statement = store->statements[which];
    enum rc rc = RC_OK;
    if (sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(statement) != SQLITE_DONE)
        rc = failed(store, which == STATE_WRITE ? "save the state" : "save an event", ret_why);
    statement_end(statement);
    return rc;
}

static enum rc trim_events(struct store *store, struct reason *ret_why) {
    sqlite3_stmt *statement = store->statements[EVENTS_TRIM];
    enum rc rc = RC_OK;
    if (sqlite3_bind_int64(statement, 1, store->events_kept) != SQLITE_OK || sqlite3_step(statement) != SQLITE_DONE)
        rc = failed(store, "drop old events", ret_why);
    statement_end(statement);
    return rc;
}

enum rc store_save(struct store *store, const char *state, const char *const *events, size_t count,
                   struct reason *ret_why) {
    enum rc rc = run(store, "BEGIN IMMEDIATE", "begin to save", ret_why);
    if (rc != RC_OK)
        return rc;
    if (state != NULL)
        rc = write_text(store, STATE_WRITE, state, ret_why);
    for (size_t i = 0; rc == RC_OK && i < count; i++)
        rc = write_text(store, EVENT_ADD, events[i], ret_why);
    if (rc == RC_OK && count > 0)
        rc = trim_events(store, ret_why);
    if (rc == RC_OK)
        rc = run(store, "COMMIT", "save", ret_why);
    /* A failure such as a full disk may have ended the transaction already. */
    if (rc != RC_OK && !sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

enum rc store_events(struct store *store, long long after, long long before, unsigned most,
                     void (*each)(void *context, long long number, const char *event), void *context,
                     struct reason *ret_why) {
    sqlite3_stmt *statement = store->statements[EVENTS_READ];
    int step = SQLITE_ERROR;
    if (sqlite3_bind_int64(statement, 1, after) == SQLITE_OK && sqlite3_bind_int64(statement, 2, most) == SQLITE_OK &&
        sqlite3_bind_int64(statement, 3, before) == SQLITE_OK)
        while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
            const unsigned char *text = sqlite3_column_text(statement, 1);
            if (text == NULL)
                abort();
            each(context, sqlite3_column_int64(statement, 0), (const char *)text);
        }
    enum rc rc = step == SQLITE_DONE ? RC_OK : failed(store, "read events", ret_why);
    statement_end(statement);
    return rc;
}
