/* Fences, again and again, a semi-synchronous writer whose replica stands still while clients go on committing.  A
 * commit that was sent after the replica stood still cannot have been acknowledged: an OK to one is a false OK.
 *
 * MMM_FENCE_ROUNDS=300 looks longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "effect/mysql/server.h"
#include "mysql_servers.h"

enum { COMMITTERS = 16, ROUNDS = 24, WAIT_MS = 10000 };

/* One application, which commits as fast as it can. */
struct committer {
    pthread_t thread;
    bool reconnects; /* a connection for each commit: some arrive in the middle of a fence */
    atomic_uint done;
};

static struct loop *loop;
static struct server *server;
static struct loop_timer *timer;
static struct task_result result;
static struct committer committers[COMMITTERS];
static atomic_bool ending;
static atomic_uint stood_still; /* the round whose replica stands still by now; 0: none does */
static atomic_uint false_oks;

static void pause_for(long microseconds) {
    nanosleep(&(struct timespec){ .tv_nsec = microseconds * 1000 }, NULL);
}

static void probe_done(void *context, const struct probe *probe) {
    (void)context;
    (void)probe;
}

static void task_done(void *context, const struct task_result *done) {
    (void)context;
    result = *done;
    loop_stop(loop);
}

static void too_late(void *context) {
    (void)context;
    fail_msg("a fence did not end");
}

static bool commit_one(struct committer *committer, MYSQL *session) {
    unsigned before = atomic_load(&stood_still);
    if (sql_error(session, "INSERT INTO d.t (b) VALUES (1)") != 0)
        return false;
    if (before != 0 && before == atomic_load(&stood_still))
        atomic_fetch_add(&false_oks, 1);
    atomic_fetch_add(&committer->done, 1);
    return true;
}

static void *committer_run(void *context) {
    struct committer *committer = context;
    MYSQL *session = NULL;
    while (!atomic_load(&ending)) {
        if (session == NULL)
            session = session_over_tcp(1, "app", "app");
        if (session != NULL && commit_one(committer, session) && !committer->reconnects)
            continue;
        if (session != NULL)
            mysql_close(session);
        session = NULL;
        pause_for(committer->reconnects ? 200 : 2000);
    }
    if (session != NULL)
        mysql_close(session);
    mysql_thread_end();
    return NULL;
}

static void committers_start(void) {
    for (int i = 0; i < COMMITTERS; i++) {
        committers[i].reconnects = i % 2 != 0;
        assert_int_equal(pthread_create(&committers[i].thread, NULL, committer_run, &committers[i]), 0);
    }
}

static void committers_end(void) {
    atomic_store(&ending, true);
    for (int i = 0; i < COMMITTERS; i++)
        pthread_join(committers[i].thread, NULL);
}

/* Each application has committed anew. */
static void await_commits(void) {
    unsigned before[COMMITTERS];
    for (int i = 0; i < COMMITTERS; i++)
        before[i] = atomic_load(&committers[i].done);
    msec until = clock_now() + WAIT_MS;
    for (int i = 0; i < COMMITTERS; i++)
        while (atomic_load(&committers[i].done) == before[i]) {
            if (clock_now() > until)
                fail_msg("application %d does not commit any more", i);
            pause_for(200);
        }
}

static void work(struct server_task task) {
    result = (struct task_result){ .rc = RC_INVALID };
    assert_true(server_work(server, &task));
    loop_timer_set(timer, clock_now() + WAIT_MS);
    loop_run(loop);
    loop_timer_set(timer, NEVER);
}

static void semi_sync_start(MYSQL *root) {
    MYSQL *replica = session_root(2);
    char statement[256];
    snprintf(statement, sizeof statement,
             "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%u, MASTER_USER='repl',"
             " MASTER_PASSWORD='p\\'a\"s\\\\s', MASTER_USE_GTID=slave_pos",
             server_port(1));
    sql(replica, "SET GLOBAL rpl_semi_sync_slave_enabled=ON");
    sql(replica, statement);
    sql(replica, "START SLAVE");
    sql(root, "SET GLOBAL rpl_semi_sync_master_wait_point=AFTER_SYNC");
    sql(root, "SET GLOBAL rpl_semi_sync_master_timeout=60000");
    sql(root, "SET GLOBAL rpl_semi_sync_master_enabled=ON");
    mysql_close(replica);
}

#define SEMI_SYNC_IS_ON                                                                                                \
    "SELECT GROUP_CONCAT(VARIABLE_VALUE ORDER BY VARIABLE_NAME) FROM information_schema.GLOBAL_STATUS"                 \
    " WHERE VARIABLE_NAME IN ('Rpl_semi_sync_master_clients', 'Rpl_semi_sync_master_status')"

static void one_round(unsigned number) {
    MYSQL *root = session_root(1);
    sql_await(root, SEMI_SYNC_IS_ON, "1,ON");
    await_commits();
    mysql_close(root);
    server_freeze(2);
    atomic_store(&stood_still, number);
    pause_for((long)(number * 7919 % 20000));
    work((struct server_task){ .kind = TASK_FENCE, .timeout = 3000 });
    if (result.rc != RC_OK)
        fail_msg("round %u: %s", number, result.why);
    pause_for(20000); /* what was answered arrives */
    atomic_store(&stood_still, 0);
    server_thaw(2);
    root = session_root(1);
    sql(root, "SET GLOBAL read_only=OFF");
    mysql_close(root);
}

static void a_fence_never_answers_ok_to_a_commit_that_nobody_else_has(void **state) {
    (void)state;
    const char *wanted = getenv("MMM_FENCE_ROUNDS");
    unsigned rounds = wanted ? (unsigned)strtoul(wanted, NULL, 10) : ROUNDS;
    unsigned bad = 0;
    committers_start();
    for (unsigned i = 1; i <= rounds; i++) {
        unsigned before = atomic_load(&false_oks);
        one_round(i);
        bad += atomic_load(&false_oks) != before;
    }
    committers_end();
    if (bad != 0)
        fail_msg("%u false OKs, in %u of %u rounds", atomic_load(&false_oks), bad, rounds);
}

static int group_setup(void **state) {
    (void)state;
    loop = loop_new();
    timer = loop_timer_new(loop, too_late, NULL);
    servers_start();
    servers_reset();
    MYSQL *root = session_root(1);
    semi_sync_start(root);
    mysql_close(root);
    server = server_new(loop,
                        &(struct server_options){ .socket = server_socket(1),
                                                  .replication_user = REPLICATION_USER,
                                                  .replication_password = REPLICATION_PASSWORD,
                                                  .answer_timeout = 1000 },
                        probe_done, task_done, NULL);
    return 0;
}

static int group_teardown(void **state) {
    (void)state;
    server_thaw(2);
    server_free(server);
    servers_stop();
    loop_timer_free(timer);
    loop_free(loop);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fence_never_answers_ok_to_a_commit_that_nobody_else_has),
    };
    return cmocka_run_group_tests_name("fence", tests, group_setup, group_teardown);
}
