/* The MariaDB side of an agent, tried on real servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "effect/mysql/server.h"
#include "mysql_servers.h"

enum { ANSWER = 1000 };

static struct loop *loop;

/* One agent's view of one server, driven by the test. */
struct agent {
    struct server *server;
    struct loop_timer *timer;
    struct probe probe;
    struct task_result result;
    bool looked;
    bool worked;
    msec took;
};

static void probe_done(void *context, const struct probe *probe) {
    struct agent *agent = context;
    agent->probe = *probe;
    agent->looked = true;
    loop_stop(loop);
}

static void task_done(void *context, const struct task_result *result) {
    struct agent *agent = context;
    agent->result = *result;
    agent->worked = true;
    loop_stop(loop);
}

static void too_late(void *context) {
    (void)context;
    loop_stop(loop);
}

static struct agent *agent_new(int number) {
    struct agent *agent = calloc(1, sizeof *agent);
    agent->timer = loop_timer_new(loop, too_late, agent);
    agent->server = server_new(loop,
                               &(struct server_options){ .socket = server_socket(number),
                                                         .replication_user = REPLICATION_USER,
                                                         .replication_password = REPLICATION_PASSWORD,
                                                         .answer_timeout = ANSWER },
                               probe_done, task_done, agent);
    return agent;
}

static void agent_free(struct agent *agent) {
    server_free(agent->server);
    loop_timer_free(agent->timer);
    free(agent);
}

/* Runs the loop until the flag is set; a flag that stays unset for 20 s fails the test. */
static void await(struct agent *agent, const bool *flag) {
    msec begun = clock_now();
    loop_timer_set(agent->timer, begun + SECONDS(20));
    while (!*flag && clock_now() < begun + SECONDS(20))
        loop_run(loop);
    loop_timer_set(agent->timer, NEVER);
    agent->took = clock_now() - begun;
    assert_true(*flag);
}

static const struct probe *look(struct agent *agent, msec stamp) {
    agent->looked = false;
    assert_true(server_look(agent->server, stamp));
    await(agent, &agent->looked);
    return &agent->probe;
}

static void begin(struct agent *agent, struct server_task task) {
    agent->worked = false;
    if (task.timeout == 0)
        task.timeout = SECONDS(5);
    assert_true(server_work(agent->server, &task));
}

static const struct task_result *work(struct agent *agent, struct server_task task) {
    begin(agent, task);
    await(agent, &agent->worked);
    return &agent->result;
}

static void must_work(struct agent *agent, struct server_task task) {
    if (work(agent, task)->rc != RC_OK)
        fail_msg("%s", agent->result.why);
}

static struct server_task follow_task(int source) {
    return (struct server_task){ .kind = TASK_FOLLOW,
                                 .source_address = { .family = 4, .bytes = { 127, 0, 0, 1 } },
                                 .source_port = server_port(source) };
}

static struct agent *agents[SERVERS + 1];
static MYSQL *roots[SERVERS + 1];

static int group_setup(void **state) {
    (void)state;
    loop = loop_new();
    servers_start();
    return 0;
}

static int group_teardown(void **state) {
    (void)state;
    servers_stop();
    loop_free(loop);
    return 0;
}

/* Server 1 is writable and the others are fresh. */
static int setup(void **state) {
    (void)state;
    servers_reset();
    for (int i = 1; i <= SERVERS; i++) {
        agents[i] = agent_new(i);
        roots[i] = session_root(i);
    }
    return 0;
}

/* Servers 2 and 3 follow server 1 as well. */
static int setup_replicas(void **state) {
    setup(state);
    for (int i = 2; i <= SERVERS; i++) {
        must_work(agents[i], follow_task(1));
        sql_await(roots[i], "SELECT @@gtid_slave_pos", sql_value(roots[1], "SELECT @@gtid_binlog_pos"));
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (int i = 1; i <= SERVERS; i++) {
        server_thaw(i); /* a test that failed may have left it frozen */
        agent_free(agents[i]);
        mysql_close(roots[i]);
    }
    return 0;
}

/* A fence ends the test's own session like any other. */
static void root_again(int number) {
    mysql_close(roots[number]);
    roots[number] = session_root(number);
}

static struct gtid_position position_of(MYSQL *session) {
    struct gtid_position position = { 0 };
    assert_int_equal(gtid_parse(sql_value(session, "SELECT @@gtid_binlog_pos"), &position, NULL), RC_OK);
    return position;
}

#define CLIENTS_COUNT "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='app'"
#define DUMPS_COUNT "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"
#define READ_ONLY "SELECT @@global.read_only"
#define ROWS "SELECT COUNT(*) FROM d.t"

static void a_look_says_what_the_server_is(void **state) {
    (void)state;
    const struct probe *probe = look(agents[1], 0);
    assert_true(probe->answered);
    assert_false(probe->read_only);
    assert_int_equal(probe->pid, server_pid(1));
    assert_int_equal(probe->family, FAMILY_MARIADB);
    assert_string_equal(probe->version, sql_value(roots[1], "SELECT @@version"));
    assert_true(probe->uptime_s < 600);
    assert_int_equal(gtid_domain_sequence(&probe->binlog, 0), 2);
    assert_int_equal(gtid_domain_sequence(&probe->applied, 0), 2);
    assert_false(probe->replication.configured);
    assert_int_equal(probe->heartbeat_seen, 0);
    assert_int_equal(probe->error_number, 0);
    assert_true(look(agents[2], 0)->read_only);
}

static void a_canary_makes_its_table_and_its_stamp_reaches_the_replicas(void **state) {
    (void)state;
    const struct probe *probe = look(agents[1], 1234567890123);
    assert_true(probe->canary_tried && probe->canary_written);
    assert_int_equal(probe->heartbeat_seen, 1234567890123);
    sql_await(roots[2], "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA='mmm'", "1");
    sql_await(roots[2], "SELECT MAX(stamp) FROM mmm.heartbeat", "1234567890123");
    assert_int_equal(look(agents[2], 0)->heartbeat_seen, 1234567890123);
    assert_true(look(agents[1], 1234567890123)->canary_written);
    assert_true(look(agents[1], 1234567890124)->canary_written);
    sql_await(roots[3], "SELECT GROUP_CONCAT(server_id, '=', stamp) FROM mmm.heartbeat", "1=1234567890124");
}

static void a_canary_on_a_read_only_server_writes_nothing(void **state) {
    (void)state;
    must_work(agents[1], (struct server_task){ .kind = TASK_FENCE });
    root_again(1);
    struct gtid_position before = position_of(roots[1]);
    const struct probe *probe = look(agents[1], 99);
    assert_true(probe->answered && probe->canary_tried);
    assert_false(probe->canary_written);
    assert_int_equal(probe->error_number, 1290);
    struct gtid_position after = position_of(roots[1]);
    assert_true(gtid_equal(&before, &after));
}

static void a_canary_that_hangs_does_not_keep_the_look_from_answering(void **state) {
    (void)state;
    assert_true(look(agents[1], 1)->canary_written);
    MYSQL *client = session_root(1);
    sql(client, "SET lock_wait_timeout=60");
    sql(client, "LOCK TABLES mmm.heartbeat WRITE");
    for (msec stamp = 2; stamp < 4; stamp++) {
        const struct probe *probe = look(agents[1], stamp);
        assert_true(probe->answered && probe->canary_tried);
        assert_false(probe->canary_written);
        assert_true(agents[1]->took < ANSWER + 300);
        assert_int_equal(gtid_domain_sequence(&probe->binlog, 0), 5);
    }
    assert_string_equal(sql_value(roots[1], "SELECT COUNT(*)<=3 FROM information_schema.PROCESSLIST"
                                            " WHERE INFO LIKE '%heartbeat%' AND ID<>CONNECTION_ID()"),
                        "1");
    sql(client, "UNLOCK TABLES");
    mysql_close(client);
    assert_true(look(agents[1], 5)->canary_written);
}

static void a_fence_ends_clients_and_spares_replicas(void **state) {
    (void)state;
    MYSQL *clients[10];
    for (int i = 0; i < 10; i++)
        assert_non_null(clients[i] = session_as(1, "app", "app"));
    sql_await(roots[1], DUMPS_COUNT, "2");
    assert_true(look(agents[1], 0)->answered);
    const struct task_result *result = work(agents[1], (struct server_task){ .kind = TASK_FENCE, .timeout = 1000 });
    assert_int_equal(result->rc, RC_OK);
    assert_true(agents[1]->took < 500);
    assert_int_equal(gtid_domain_sequence(&result->binlog, 0), 2);
    for (int i = 0; i < 10; i++) {
        assert_int_not_equal(sql_error(clients[i], "INSERT INTO d.t (b) VALUES (1)"), 0);
        mysql_close(clients[i]);
    }
    root_again(1);
    assert_string_equal(sql_value(roots[1], READ_ONLY), "1");
    assert_string_equal(sql_value(roots[1], DUMPS_COUNT), "2");
    const struct probe *probe = look(agents[1], 0);
    assert_true(probe->answered && probe->read_only);
    MYSQL *late = session_as(1, "app", "app");
    assert_int_equal(sql_error(late, "INSERT INTO d.t (b) VALUES (1)"), 1290);
    mysql_close(late);
}

static void a_fence_wins_over_locked_tables_by_killing(void **state) {
    (void)state;
    MYSQL *client = session_as(1, "app", "app");
    sql(client, "LOCK TABLES d.t WRITE");
    sql(client, "INSERT INTO d.t (b) VALUES (1)");
    const struct task_result *result = work(agents[1], (struct server_task){ .kind = TASK_FENCE, .timeout = 1000 });
    assert_int_equal(result->rc, RC_OK);
    assert_true(agents[1]->took < 1000);
    mysql_close(client);
}

static void a_gentle_fence_ends_nobody_who_is_writing_and_says_who_it_was(void **state) {
    (void)state;
    MYSQL *client = session_as(1, "app", "app");
    const char *slow = "INSERT INTO d.t (b) SELECT SLEEP(4)";
    assert_int_equal(mysql_send_query(client, slow, strlen(slow)), 0);
    sql_await(roots[1], "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE='User sleep'", "1");
    const struct task_result *result =
        work(agents[1], (struct server_task){ .kind = TASK_FENCE, .timeout = 3000, .gentle = true });
    assert_int_equal(result->rc, RC_TIMEOUT);
    if (strstr(result->why, "1969") == NULL || strstr(result->why, "of app runs for") == NULL)
        fail_msg("%s", result->why);
    assert_true(agents[1]->took < 1500); /* all writes stood still for that long */
    assert_int_equal(mysql_read_query_result(client), 0);
    sql(client, "INSERT INTO d.t (b) VALUES (2)");
    mysql_close(client);
    assert_string_equal(sql_value(roots[1], READ_ONLY), "0");
}

/* The replication user is spared, so its lock cannot be broken. */
static void a_fence_that_is_blocked_reports_and_has_changed_nothing(void **state) {
    (void)state;
    MYSQL *spared = session_as(1, REPLICATION_USER, REPLICATION_PASSWORD);
    sql(spared, "LOCK TABLES d.t WRITE");
    const struct task_result *result = work(agents[1], (struct server_task){ .kind = TASK_FENCE, .timeout = 600 });
    assert_int_equal(result->rc, RC_TIMEOUT);
    assert_non_null(strstr(result->why, "1969"));
    assert_true(agents[1]->took < 900);
    sql(spared, "INSERT INTO d.t (b) VALUES (1)");
    sql(spared, "UNLOCK TABLES");
    mysql_close(spared);
    root_again(1);
    assert_string_equal(sql_value(roots[1], READ_ONLY), "0");
}

static void make_commits_wait_for_replicas(void) {
    for (int i = 2; i <= SERVERS; i++) {
        sql(roots[i], "SET GLOBAL rpl_semi_sync_slave_enabled=ON");
        sql(roots[i], "STOP SLAVE IO_THREAD");
        sql(roots[i], "START SLAVE IO_THREAD");
    }
    sql(roots[1], "SET GLOBAL rpl_semi_sync_master_wait_point=AFTER_SYNC");
    sql(roots[1], "SET GLOBAL rpl_semi_sync_master_timeout=60000");
    sql(roots[1], "SET GLOBAL rpl_semi_sync_master_enabled=ON");
    sql_await(roots[1],
              "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE"
              " VARIABLE_NAME='Rpl_semi_sync_master_clients'",
              "2");
}

static void begin_commits_that_wait(MYSQL *clients[], int count) {
    char all[16];
    const char *insert = "INSERT INTO d.t (b) VALUES (7)";
    for (int i = 0; i < count; i++)
        assert_non_null(clients[i] = session_over_tcp(1, "app", "app"));
    server_freeze(2);
    server_freeze(3);
    for (int i = 0; i < count; i++)
        assert_int_equal(mysql_send_query(clients[i], insert, strlen(insert)), 0);
    snprintf(all, sizeof all, "%d", count);
    sql_await(roots[1], "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='app' AND COMMAND='Query'",
              all);
}

/* And soon, however many there are: the monitor is to go on without who does not acknowledge. */
static void commits_that_wait_for_an_acknowledgement_are_seen_by_every_look(void **state) {
    (void)state;
    enum { WAITING = 4 };
    assert_true(look(agents[1], 1)->canary_written);
    make_commits_wait_for_replicas();
    assert_true(look(agents[1], 2)->canary_written);
    MYSQL *clients[WAITING];
    begin_commits_that_wait(clients, WAITING);
    for (msec stamp = 3; stamp < 7; stamp++) {
        const struct probe *probe = look(agents[1], stamp);
        assert_true(probe->answered && probe->canary_waits);
        assert_false(probe->canary_written);
        assert_true(agents[1]->took < ANSWER);
    }
    server_thaw(2);
    server_thaw(3);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(mysql_read_query_result(clients[i]), 0);
        mysql_close(clients[i]);
    }
    const struct probe *after = look(agents[1], 8);
    assert_true(after->canary_written && !after->canary_waits && !after->kept);
}

/* Both replicas acknowledge, and then stand still: each client's commit waits.  A kill alone answers OK to some. */
static void a_fence_never_answers_ok_to_a_commit_that_waits_for_an_acknowledgement(void **state) {
    (void)state;
    enum { WAITING = 24 };
    make_commits_wait_for_replicas();
    MYSQL *clients[WAITING];
    begin_commits_that_wait(clients, WAITING);
    const struct task_result *result = work(agents[1], (struct server_task){ .kind = TASK_FENCE, .timeout = 3000 });
    if (result->rc != RC_OK)
        fail_msg("%s", result->why);
    for (int i = 0; i < WAITING; i++) {
        assert_int_not_equal(mysql_read_query_result(clients[i]), 0);
        mysql_close(clients[i]);
    }
    server_thaw(2);
    server_thaw(3);
    root_again(1);
    sql(roots[1], "SET GLOBAL rpl_semi_sync_master_enabled=OFF");
    for (int i = 2; i <= SERVERS; i++)
        sql(roots[i], "SET GLOBAL rpl_semi_sync_slave_enabled=OFF");
}

/* Reading from a pipe that nobody writes to is a wait that KILL does not end. */
static void a_fence_says_who_did_not_end(void **state) {
    (void)state;
    char path[128], statement[192];
    MYSQL *client = session_root(1);
    snprintf(path, sizeof path, "%s.pipe", server_socket(1));
    snprintf(statement, sizeof statement, "SELECT LOAD_FILE('%s')", path);
    assert_int_equal(mkfifo(path, 0644), 0);
    mysql_send_query(client, statement, strlen(statement));
    sql_await(roots[1], "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT LOAD_FILE%'", "1");
    const struct task_result *result = work(agents[1], (struct server_task){ .kind = TASK_FENCE, .timeout = 300 });
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    close(fd);
    unlink(path);
    assert_int_equal(result->rc, RC_TIMEOUT);
    if (strstr(result->why, "1 clients did not end, such as") == NULL)
        fail_msg("%s", result->why);
    assert_true(agents[1]->took < 600);
    assert_true(look(agents[1], 0)->read_only);
    mysql_close(client);
    root_again(1);
}

static void drain_applies_what_was_received(void **state) {
    (void)state;
    sql(roots[2], "STOP SLAVE SQL_THREAD");
    for (int i = 0; i < 300; i++)
        sql(roots[1], "INSERT INTO d.t (b) VALUES (1)");
    struct gtid_position written = position_of(roots[1]);
    char text[GTID_TEXT_MAX];
    gtid_format(&written, text, sizeof text);
    msec until = clock_now() + SECONDS(10);
    while (gtid_domain_sequence(&look(agents[2], 0)->received, 0) < gtid_domain_sequence(&written, 0))
        assert_true(clock_now() < until);
    assert_int_not_equal(gtid_domain_sequence(&agents[2]->probe.applied, 0), gtid_domain_sequence(&written, 0));
    const struct task_result *result = work(agents[2], (struct server_task){ .kind = TASK_DRAIN });
    assert_int_equal(result->rc, RC_OK);
    assert_true(gtid_reached(&written, &result->applied));
    assert_string_equal(sql_value(roots[2], ROWS), "300");
    const struct probe *probe = look(agents[2], 0);
    assert_true(probe->replication.configured);
    assert_int_equal(probe->replication.receiving, THREAD_STOPPED);
    assert_int_equal(probe->replication.applying, THREAD_STOPPED);
    assert_int_equal(work(agents[2], (struct server_task){ .kind = TASK_DRAIN })->rc, RC_OK);
}

static void drain_without_a_source_has_nothing_to_do(void **state) {
    (void)state;
    assert_int_equal(work(agents[1], (struct server_task){ .kind = TASK_DRAIN })->rc, RC_OK);
}

/* Starting replication would throw the relay log away (SERVERS.md trap 4). */
static void drain_refuses_when_both_threads_stopped_before_all_was_applied(void **state) {
    (void)state;
    sql(roots[2], "STOP SLAVE SQL_THREAD");
    sql(roots[1], "INSERT INTO d.t (b) VALUES (1)");
    msec until = clock_now() + SECONDS(10);
    while (gtid_domain_sequence(&look(agents[2], 0)->received, 0) < 3)
        assert_true(clock_now() < until);
    sql(roots[2], "STOP SLAVE");
    const struct task_result *result = work(agents[2], (struct server_task){ .kind = TASK_DRAIN });
    assert_int_equal(result->rc, RC_REFUSED);
    assert_non_null(strstr(result->why, "0-1-3"));
}

static void drain_says_why_applying_stopped(void **state) {
    (void)state;
    sql(roots[2], "SET SESSION sql_log_bin=0");
    sql(roots[2], "INSERT INTO d.t VALUES (7, 7)");
    sql(roots[1], "INSERT INTO d.t VALUES (7, 7)");
    sql_await(roots[2], "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND='Slave_SQL'", "0");
    const struct task_result *result = work(agents[2], (struct server_task){ .kind = TASK_DRAIN });
    assert_int_equal(result->rc, RC_SERVER);
    assert_non_null(strstr(result->why, "1062"));
    assert_int_equal(look(agents[2], 0)->replication.error_number, 1062);
}

static void drain_fetches_from_a_better_sibling_first(void **state) {
    (void)state;
    sql(roots[2], "STOP SLAVE");
    sql(roots[1], "INSERT INTO d.t (b) VALUES (1)");
    struct gtid_position written = position_of(roots[1]);
    sql_await(roots[3], "SELECT @@gtid_slave_pos", "0-1-3");
    struct server_task task = follow_task(3);
    task.kind = TASK_DRAIN;
    task.reach = written;
    const struct task_result *result = work(agents[2], task);
    assert_int_equal(result->rc, RC_OK);
    assert_true(gtid_reached(&written, &result->applied));
    assert_int_equal(look(agents[2], 0)->replication.receiving, THREAD_STOPPED);
}

static void ready_waits_for_a_position_and_leaves_the_server_read_only(void **state) {
    (void)state;
    MYSQL *blocker = session_root(2);
    sql(blocker, "LOCK TABLES d.t READ");
    sql(roots[1], "INSERT INTO d.t (b) VALUES (1)");
    struct gtid_position written = position_of(roots[1]);
    begin(agents[2], (struct server_task){ .kind = TASK_READY, .reach = written });
    sql_await(roots[2], "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT MASTER_GTID%'",
              "1");
    assert_false(agents[2]->worked);
    sql(blocker, "UNLOCK TABLES");
    await(agents[2], &agents[2]->worked);
    assert_int_equal(agents[2]->result.rc, RC_OK);
    assert_true(gtid_reached(&written, &agents[2]->result.applied));
    assert_true(look(agents[2], 0)->read_only);
    mysql_close(blocker);
}

static void ready_gives_up_at_its_deadline_and_says_what_is_lacking(void **state) {
    (void)state;
    struct gtid_position never = { .count = 1, .entries = { { 0, 1, 500 } } };
    const struct task_result *result =
        work(agents[2], (struct server_task){ .kind = TASK_READY, .reach = never, .timeout = 400 });
    assert_int_equal(result->rc, RC_TIMEOUT);
    assert_non_null(strstr(result->why, "0-1-500"));
    assert_true(agents[2]->took >= 390 && agents[2]->took < 700);
}

static void open_makes_writable_and_only_within_its_time(void **state) {
    (void)state;
    must_work(agents[2], (struct server_task){ .kind = TASK_READY });
    must_work(agents[2], (struct server_task){ .kind = TASK_OPEN, .timeout = 500 });
    assert_false(look(agents[2], 0)->read_only);
    assert_int_equal(work(agents[3], (struct server_task){ .kind = TASK_OPEN, .timeout = -1 })->rc, RC_TIMEOUT);
    assert_true(look(agents[3], 0)->read_only);
}

static void a_former_writer_follows_the_new_one(void **state) {
    (void)state;
    sql(roots[1], "INSERT INTO d.t (b) VALUES (1)");
    must_work(agents[1], (struct server_task){ .kind = TASK_FENCE });
    struct gtid_position end = agents[1]->result.binlog;
    must_work(agents[2], (struct server_task){ .kind = TASK_READY, .reach = end });
    must_work(agents[2], (struct server_task){ .kind = TASK_OPEN });
    sql(roots[2], "INSERT INTO d.t (b) VALUES (2)");
    must_work(agents[1], follow_task(2));
    must_work(agents[3], follow_task(2));
    sql(roots[2], "INSERT INTO d.t (b) VALUES (3)");
    root_again(1);
    for (int i = 1; i <= SERVERS; i += 2)
        sql_await(roots[i], "SELECT GROUP_CONCAT(b ORDER BY a) FROM d.t", "1,2,3");
    assert_true(look(agents[1], 0)->read_only);
    assert_int_equal(agents[1]->probe.replication.receiving, THREAD_RUNNING);
    assert_int_equal(agents[1]->probe.replication.source_port, server_port(2));
    struct ip loopback = { .family = 4, .bytes = { 127, 0, 0, 1 } };
    assert_true(ip_equal(&agents[1]->probe.replication.source_address, &loopback));
}

static void following_the_same_source_again_changes_nothing(void **state) {
    (void)state;
    char id[64];
    static const char *const io_thread = "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND='Slave_IO'";
    snprintf(id, sizeof id, "%s", sql_value(roots[2], io_thread));
    must_work(agents[2], follow_task(1));
    assert_string_equal(sql_value(roots[2], io_thread), id);
}

static void following_keeps_options_that_are_not_ours(void **state) {
    (void)state;
    sql(roots[2], "STOP SLAVE");
    sql(roots[2], "CHANGE MASTER TO MASTER_SSL_CA='/x/ca.pem', MASTER_DELAY=3, IGNORE_DOMAIN_IDS=(9)");
    must_work(agents[2], follow_task(3));
    mysql_query(roots[2], "SHOW ALL SLAVES STATUS");
    MYSQL_RES *result = mysql_store_result(roots[2]);
    MYSQL_ROW row = mysql_fetch_row(result);
    int kept = 0;
    for (unsigned i = 0; i < mysql_num_fields(result); i++) {
        const char *name = mysql_fetch_field_direct(result, i)->name;
        kept += (strcmp(name, "Master_SSL_CA_File") == 0 && strcmp(row[i], "/x/ca.pem") == 0) ||
                (strcmp(name, "SQL_Delay") == 0 && strcmp(row[i], "3") == 0) ||
                (strcmp(name, "Replicate_Ignore_Domain_Ids") == 0 && strcmp(row[i], "9") == 0);
    }
    mysql_free_result(result);
    assert_int_equal(kept, 3);
    sql(roots[2], "STOP SLAVE");
    sql(roots[2], "RESET SLAVE ALL");
    sql(roots[2], "CHANGE MASTER TO MASTER_HOST='x', MASTER_DELAY=0, IGNORE_DOMAIN_IDS=()");
}

static void a_named_replication_connection_is_left_alone(void **state) {
    (void)state;
    sql(roots[3], "STOP SLAVE");
    sql(roots[3], "RESET SLAVE ALL");
    sql(roots[3], "SET GLOBAL gtid_slave_pos=''");
    sql(roots[3], "CHANGE MASTER 'other' TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='x'");
    sql(roots[3], "START SLAVE 'other' SQL_THREAD");
    assert_false(look(agents[3], 0)->replication.configured);
    must_work(agents[3], (struct server_task){ .kind = TASK_DRAIN });
    sql_await(roots[3], "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND='Slave_SQL'", "1");
}

static void following_a_source_that_refuses_says_so_without_the_password(void **state) {
    (void)state;
    sql(roots[1], "SET SESSION sql_log_bin=0");
    sql(roots[1], "ALTER USER repl@'%' IDENTIFIED BY 'other'");
    sql(roots[2], "STOP SLAVE");
    const struct task_result *result = work(agents[2], follow_task(1));
    sql(roots[1], "ALTER USER repl@'%' IDENTIFIED BY 'p\\'a\"s\\\\s'");
    assert_int_equal(result->rc, RC_SERVER);
    assert_non_null(strstr(result->why, "1045"));
    assert_null(strstr(result->why, "a\"s"));
    must_work(agents[2], follow_task(1));
}

static void a_frozen_server_makes_a_look_end_in_time(void **state) {
    (void)state;
    assert_true(look(agents[2], 0)->answered);
    server_freeze(2);
    for (int i = 0; i < 2; i++) { /* on the kept connection, then on a new one */
        const struct probe *probe = look(agents[2], 0);
        assert_false(probe->answered);
        assert_true(agents[2]->took < ANSWER + 200);
    }
    msec begun = clock_now();
    agent_free(agents[2]);
    assert_true(clock_now() - begun < 2 * ANSWER);
    server_thaw(2);
    agents[2] = agent_new(2);
    assert_true(look(agents[2], 0)->answered);
}

static void too_many_connections_is_said_and_kept_connections_go_on(void **state) {
    (void)state;
    MYSQL *clients[CLIENTS_MAX];
    int count = 0;
    assert_true(look(agents[1], 5)->answered);
    sql_await(roots[1], "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='root'", "6");
    while (count < CLIENTS_MAX && (clients[count] = session_as(1, "app", "app")) != NULL)
        count++;
    assert_true(count < CLIENTS_MAX);
    MYSQL *reserved = session_as(1, "root", NULL); /* the one that is kept for administrators */
    struct agent *other = agent_new(1);
    const struct probe *probe = look(other, 0);
    assert_false(probe->answered);
    assert_true(probe->too_many);
    assert_int_equal(probe->error_number, 1040);
    agent_free(other);
    assert_true(look(agents[1], 6)->canary_written);
    must_work(agents[1], (struct server_task){ .kind = TASK_FENCE, .timeout = 1000 });
    while (count > 0)
        mysql_close(clients[--count]);
    mysql_close(reserved);
}

static void a_cut_ends_a_wait_at_once(void **state) {
    (void)state;
    struct gtid_position never = { .count = 1, .entries = { { 0, 1, 500 } } };
    begin(agents[2], (struct server_task){ .kind = TASK_READY, .reach = never, .timeout = SECONDS(15) });
    sql_await(roots[2], "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT MASTER_GTID%'",
              "1");
    server_cut(agents[2]->server);
    await(agents[2], &agents[2]->worked);
    assert_int_equal(agents[2]->result.rc, RC_IO);
    assert_true(agents[2]->took < 500);
    assert_true(look(agents[2], 0)->answered || look(agents[2], 0)->answered);
}

static void a_second_look_or_task_is_refused_while_one_is_under_way(void **state) {
    (void)state;
    struct server_task task = { .kind = TASK_DRAIN, .timeout = 1000 };
    begin(agents[1], task);
    agents[1]->looked = false;
    assert_true(server_look(agents[1]->server, 0));
    assert_false(server_look(agents[1]->server, 0));
    assert_false(server_work(agents[1]->server, &task));
    await(agents[1], &agents[1]->worked);
    await(agents[1], &agents[1]->looked);
}

struct checks {
    struct check_result last;
    int count;
};

static void checked(void *context, int host, const struct check_result *result) {
    struct checks *checks = context;
    assert_int_equal(host, 3);
    checks->last = *result;
    checks->count++;
    loop_stop(loop);
}

static void checks_await(struct checks *checks, int more) {
    for (int wanted = checks->count + more; checks->count < wanted;)
        loop_run(loop);
}

static void a_checker_sees_what_a_client_sees(void **state) {
    (void)state;
    struct checks checks = { 0 };
    struct checker_options options = { .address = { .family = 4, .bytes = { 127, 0, 0, 1 } },
                                       .port = server_port(3),
                                       .host = 3,
                                       .user = "checker",
                                       .password = "checker",
                                       .period = 20,
                                       .timeout = 500 };
    struct checker *checker = checker_new(loop, &options, checked, &checks);
    checks_await(&checks, 2);
    assert_true(checks.last.answered);
    must_work(agents[3], (struct server_task){ .kind = TASK_FENCE });
    for (int i = 0; i < 5; i++) {
        checks_await(&checks, 1);
        assert_true(checks.last.answered);
    }
    server_freeze(3);
    checks_await(&checks, 2);
    assert_false(checks.last.answered);
    server_thaw(3);
    checker_free(checker);
    options.password = "wrong";
    checker = checker_new(loop, &options, checked, &checks);
    checks.last = (struct check_result){ 0 };
    checks_await(&checks, 3);
    assert_false(checks.last.answered);
    assert_int_equal(checks.last.error_number, 1045);
    checker_free(checker);
    root_again(3);
}

#define ON_REPLICAS(test) cmocka_unit_test_setup_teardown(test, setup_replicas, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_look_says_what_the_server_is, setup, teardown),
        ON_REPLICAS(a_canary_makes_its_table_and_its_stamp_reaches_the_replicas),
        ON_REPLICAS(a_canary_on_a_read_only_server_writes_nothing),
        cmocka_unit_test_setup_teardown(a_canary_that_hangs_does_not_keep_the_look_from_answering, setup, teardown),
        ON_REPLICAS(a_fence_ends_clients_and_spares_replicas),
        ON_REPLICAS(a_fence_wins_over_locked_tables_by_killing),
        ON_REPLICAS(a_gentle_fence_ends_nobody_who_is_writing_and_says_who_it_was),
        ON_REPLICAS(a_fence_that_is_blocked_reports_and_has_changed_nothing),
        ON_REPLICAS(commits_that_wait_for_an_acknowledgement_are_seen_by_every_look),
        ON_REPLICAS(a_fence_never_answers_ok_to_a_commit_that_waits_for_an_acknowledgement),
        cmocka_unit_test_setup_teardown(a_fence_says_who_did_not_end, setup, teardown),
        ON_REPLICAS(drain_applies_what_was_received),
        ON_REPLICAS(drain_without_a_source_has_nothing_to_do),
        ON_REPLICAS(drain_refuses_when_both_threads_stopped_before_all_was_applied),
        ON_REPLICAS(drain_says_why_applying_stopped),
        ON_REPLICAS(drain_fetches_from_a_better_sibling_first),
        ON_REPLICAS(ready_waits_for_a_position_and_leaves_the_server_read_only),
        ON_REPLICAS(ready_gives_up_at_its_deadline_and_says_what_is_lacking),
        ON_REPLICAS(open_makes_writable_and_only_within_its_time),
        ON_REPLICAS(a_former_writer_follows_the_new_one),
        ON_REPLICAS(following_the_same_source_again_changes_nothing),
        ON_REPLICAS(following_keeps_options_that_are_not_ours),
        ON_REPLICAS(a_named_replication_connection_is_left_alone),
        ON_REPLICAS(following_a_source_that_refuses_says_so_without_the_password),
        ON_REPLICAS(a_frozen_server_makes_a_look_end_in_time),
        ON_REPLICAS(too_many_connections_is_said_and_kept_connections_go_on),
        ON_REPLICAS(a_cut_ends_a_wait_at_once),
        cmocka_unit_test_setup_teardown(a_second_look_or_task_is_refused_while_one_is_under_way, setup, teardown),
        ON_REPLICAS(a_checker_sees_what_a_client_sees),
    };
    return cmocka_run_group_tests_name("mysql", tests, group_setup, group_teardown);
}
