/* GET /v1/rows?of=LIST: what those transactions of this host's binary log do, decoded by the family's own tool on a
 * thread of its own: no look, no fence and no report ever waits for it.  One at a time.  The tool reads the files
 * itself: CAP_DAC_READ_SEARCH, which the agent has for other reasons, is all that this needs, and the server has no
 * part in it beyond saying where they are. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/agent/agent_app.h"
#include "base/log.h"
#include "base/text.h"
#include "core/rows/rows.h"
#include "effect/mysql/binlog.h"
#include "effect/process/tool.h"
#include "wire/rows.h"

/* Together: less than the command line waits (app/cli/rows.c). */
#define FIND_TIME SECONDS(3)
#define DECODE_TIME SECONDS(20)
enum { FILES_MAX = 100, LIST_MAX = 512, SETTING_MAX = LIST_MAX + 32 };
#define BYTES_MAX (UINT64_C(4) << 30)

struct agent_rows {
    struct agent_app *app;
    struct http_request *request;
    pthread_t thread;
    atomic_bool stop;
    struct rows_wanted wanted;
    struct rows_reader reader;
    struct rows rows;
    struct binlog_file files[FILES_MAX];
    char list[LIST_MAX];
};

static void take_line(void *context, const char *line) {
    rows_line(&((struct agent_rows *)context)->reader, line);
}

static void fail(struct rows *rows, const struct reason *why) {
    rows->end = ROWS_FAILED;
    rows->why = *why;
}

/* What the tool need not decode it leaves out: MySQL's knows the transactions, MariaDB's the servers that wrote them.
 */
static void write_filter(const struct agent_rows *work, char *ret_text, size_t size) {
    const struct rows_wanted *wanted = &work->wanted;
    ret_text[0] = 0;
    if (wanted->form == GTID_SETS) {
        (void)text_append(ret_text, size, "--include-gtids=%s", work->list);
        return;
    }
    (void)text_append(ret_text, size, "--do-server-ids=");
    for (size_t i = 0; i < wanted->count; i++)
        (void)text_append(ret_text, size, "%s%u", i ? "," : "", wanted->ranges[i].server);
}

static enum rc find_program(const struct agent_rows *work, enum server_family family, char *ret_path, size_t size,
                            struct reason *ret_why) {
    const struct agent_app *app = work->app;
    const char *set = app->settings->hosts[app->self].binlog_tool;
    bool is_mariadb = family == FAMILY_MARIADB;
    if (set[0] && access(set, X_OK) != 0)
        return FAIL(RC_NOT_FOUND, ret_why, "binlog_tool of [host %s]: cannot run %s: %s",
                    app->cluster->hosts[app->self].name, set, strerror(errno));
    if (set[0]) {
        (void)text_copy(ret_path, size, set);
        return RC_OK;
    }
    enum rc rc = tool_find(is_mariadb ? "mariadb-binlog" : "mysqlbinlog", ret_path, size, ret_why);
    if (rc != RC_OK && ret_why != NULL)
        (void)text_append(ret_why->text, sizeof ret_why->text,
                          ": install %s there, or name the program in binlog_tool of [host %s]",
                          is_mariadb ? "mariadb-client" : "mysql-client", app->cluster->hosts[app->self].name);
    return rc;
}

static enum rc decode(struct agent_rows *work, const char *program, const char *path, msec deadline,
                      struct reason *ret_why) {
    char no_defaults[] = "--no-defaults", decode_rows[] = "--base64-output=decode-rows", verbose[] = "--verbose";
    char zone[] = "TZ=UTC0", language[] = "LC_ALL=C";
    char filter[SETTING_MAX], name[PATH_SIZE], file[PATH_MAX];
    write_filter(work, filter, sizeof filter);
    TEXT_COPY(name, program);
    TEXT_COPY(file, path);
    char *const argv[] = { name, no_defaults, decode_rows, verbose, filter, file, NULL };
    char *const environment[] = { zone, language, NULL };
    return tool_run(&(struct tool_options){ .argv = argv,
                                            .environment = environment,
                                            .deadline = deadline,
                                            .stop = &work->stop,
                                            .line = take_line,
                                            .context = work },
                    ret_why);
}

/* Newest first, until nothing older can have any more. */
static void decode_files(struct agent_rows *work, const char *program, size_t count, bool more) {
    struct rows *rows = &work->rows;
    msec deadline = clock_now() + DECODE_TIME;
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct reason why = { "" };
        bytes += work->files[i].size;
        if (bytes > BYTES_MAX && i > 0) {
            rows->end = ROWS_BOUNDED;
            reason_set(&rows->why, "the newest %zu files of %s's binary log were looked through, %llu MB", i,
                       work->app->cluster->hosts[work->app->self].name,
                       (unsigned long long)((bytes - work->files[i].size) >> 20));
            return;
        }
        rows_file_begin(&work->reader, (unsigned)i);
        enum rc rc = decode(work, program, work->files[i].path, deadline, &why);
        rows_file_end(&work->reader);
        if (rc == RC_TIMEOUT) {
            rows->end = ROWS_BOUNDED;
            reason_set(&rows->why, "the time (%d s) was over after %zu of %zu files", (int)(DECODE_TIME / SECONDS(1)),
                       i, count);
            return;
        }
        if (rc != RC_OK) {
            fail(rows, &why);
            return;
        }
        if (rows_is_complete(&work->reader))
            return;
    }
    rows->end = more ? ROWS_BOUNDED : ROWS_PURGED;
    if (more)
        reason_set(&rows->why, "the newest %zu files were looked through", count);
}

static void look(struct agent_rows *work) {
    const struct agent_app *app = work->app;
    struct reason why = { "" };
    struct binlog *binlog = calloc(1, sizeof *binlog);
    char program[PATH_SIZE];
    size_t count = 0;
    bool more = false;
    if (binlog == NULL)
        abort();
    enum rc rc = binlog_find(app->settings->hosts[app->self].server_socket, clock_now() + FIND_TIME, binlog, &why);
    if (rc == RC_OK && (binlog->family == FAMILY_MYSQL) != (work->wanted.form == GTID_SETS))
        rc = FAIL(RC_INVALID, &why, "these are transactions of another family of servers");
    if (rc == RC_OK)
        rc = find_program(work, binlog->family, program, sizeof program, &why);
    if (rc == RC_OK)
        rc = binlog_files(binlog, FILES_MAX, work->files, &count, &more, &why);
    free(binlog);
    if (rc != RC_OK)
        fail(&work->rows, &why);
    else
        decode_files(work, program, count, more);
}

/* On the loop's thread.  What was found is the application's: it is nobody's in this process from here on. */
static void end(struct agent_rows *work) {
    work->app->rows = NULL;
    explicit_bzero(&work->rows, sizeof work->rows);
    explicit_bzero(&work->reader, sizeof work->reader);
    free(work);
    malloc_trim(0); /* an agent is to stay small, and this comes rarely */
}

static void deliver(void *context) {
    struct agent_rows *work = context;
    pthread_join(work->thread, NULL);
    char *text = rows_encode(work->app->cluster, work->app->self, &work->rows);
    size_t length = strlen(text);
    http_respond(work->request, 200, "application/json", text, length);
    explicit_bzero(text, length);
    free(text);
    end(work);
}

static void *run(void *context) {
    struct agent_rows *work = context;
    look(work);
    loop_post(work->app->loop, deliver, work);
    return NULL;
}

enum rc rows_serve(struct agent_app *app, struct http_request *request) {
    const char *list = http_request_query(request, "of");
    if (app->rows)
        return RC_CONFLICT;
    struct agent_rows *work = calloc(1, sizeof *work);
    if (!work)
        abort();
    if (!list || !TEXT_COPY(work->list, list) || rows_wanted_parse(list, &work->wanted, NULL)) {
        free(work);
        return RC_INVALID;
    }
    work->app = app;
    work->request = request;
    rows_reader_init(&work->reader, &work->wanted, &work->rows);
    if (pthread_create(&work->thread, NULL, run, work) != 0) { /* no reason for an agent to die */
        free(work);
        return RC_CONFLICT;
    }
    log_line(LOG_LEVEL_INFO, "event=rows_asked by=%s", http_request_peer(request));
    app->rows = work; /* the thread never looks at it */
    return RC_OK;
}

/* What the thread has posted is never delivered any more: the loop has ended. */
void rows_end(struct agent_app *app) {
    if (!app->rows)
        return;
    atomic_store(&app->rows->stop, true);
    pthread_join(app->rows->thread, NULL);
    http_respond(app->rows->request, 503, "application/json", "", 0);
    end(app->rows);
}
