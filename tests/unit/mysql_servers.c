#include "mysql_servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static char folder[64];
static pid_t pids[SERVERS + 1];
static char sockets[SERVERS + 1][96];
static char folders[SERVERS + 1][96];

static void loopback_up(void) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
}

static pid_t spawn(const char *const *argv) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void run(const char *const *argv) {
    int status;
    assert_int_equal(waitpid(spawn(argv), &status, 0) > 0, 1);
    assert_int_equal(status, 0);
}

static void server_install(int number) {
    snprintf(folders[number], sizeof folders[number], "%s/%d", folder, number);
    snprintf(sockets[number], sizeof sockets[number], "%s/%d.sock", folder, number);
    if (number > 1) {
        run((const char *const[]){ "cp", "-a", folders[1], folders[number], NULL });
        return;
    }
    char option[384], temporary[384];
    snprintf(option, sizeof option, "--datadir=%s", folders[number]);
    snprintf(temporary, sizeof temporary, "--tmpdir=%s", folder);
    run((const char *const[]){ "mariadb-install-db", "--no-defaults", "--user=root", option, temporary,
                               "--auth-root-authentication-method=socket", "--skip-test-db", "--force",
                               "--innodb-use-native-aio=0", NULL });
}

static void server_spawn(int number) {
    char data[384], temporary[384], socket_option[384], port[32], id[32], pid_file[384], log_error[384];
    snprintf(data, sizeof data, "--datadir=%s", folders[number]);
    /* A server that starts removes what looks like its temporary tables, other servers' in a shared folder among them.
     */
    snprintf(temporary, sizeof temporary, "--tmpdir=%s", folders[number]);
    snprintf(socket_option, sizeof socket_option, "--socket=%s", sockets[number]);
    snprintf(port, sizeof port, "--port=%u", server_port(number));
    snprintf(id, sizeof id, "--server-id=%d", number);
    snprintf(pid_file, sizeof pid_file, "--pid-file=%s.pid", folders[number]);
    snprintf(log_error, sizeof log_error, "--log-error=%s.log", folders[number]);
    const char *const argv[] = {
        "mariadbd",
        "--no-defaults",
        "--user=root",
        data,
        socket_option,
        temporary,
        port,
        id,
        pid_file,
        log_error,
        "--bind-address=127.0.0.1",
        "--log-bin=bin",
        "--relay-log=relay",
        "--log-slave-updates",
        "--gtid-strict-mode=1",
        "--read-only=1",
        "--skip-slave-start",
        "--binlog-format=ROW",
        "--innodb-flush-log-at-trx-commit=1",
        "--sync-binlog=1",
        "--innodb-buffer-pool-size=16M",
        "--innodb-log-file-size=8M",
        "--max-connections=30",
        "--skip-name-resolve",
        "--performance-schema=0",
        "--innodb-use-native-aio=0",
        NULL,
    };
    pids[number] = spawn(argv);
}

const char *server_socket(int number) {
    return sockets[number];
}

pid_t server_pid(int number) {
    return pids[number];
}

uint16_t server_port(int number) {
    return (uint16_t)(3310 + number);
}

void server_freeze(int number) {
    int status;
    kill(pids[number], SIGSTOP);
    /* Its threads go on for a moment after kill has returned. */
    assert_int_equal(waitpid(pids[number], &status, WUNTRACED), pids[number]);
    assert_true(WIFSTOPPED(status));
}

void server_thaw(int number) {
    kill(pids[number], SIGCONT);
}

static void pause_briefly(void) {
    nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

MYSQL *session_as(int number, const char *user, const char *password) {
    MYSQL *session = mysql_init(NULL);
    if (mysql_real_connect(session, NULL, user, password, NULL, 0, sockets[number], 0))
        return session;
    mysql_close(session);
    return NULL;
}

MYSQL *session_over_tcp(int number, const char *user, const char *password) {
    MYSQL *session = mysql_init(NULL);
    if (mysql_real_connect(session, "127.0.0.1", user, password, NULL, server_port(number), NULL, 0))
        return session;
    mysql_close(session);
    return NULL;
}

MYSQL *session_root(int number) {
    msec until = clock_now() + SECONDS(30);
    MYSQL *session;
    while ((session = session_as(number, "root", NULL)) == NULL) {
        assert_true(clock_now() < until);
        pause_briefly();
    }
    return session;
}

unsigned sql_error(MYSQL *session, const char *statement) {
    if (mysql_query(session, statement))
        return mysql_errno(session);
    mysql_free_result(mysql_store_result(session));
    return 0;
}

void sql(MYSQL *session, const char *statement) {
    if (sql_error(session, statement))
        fail_msg("%s: %s", statement, mysql_error(session));
}

const char *sql_value(MYSQL *session, const char *statement) {
    static char value[2048];
    value[0] = 0;
    if (mysql_query(session, statement))
        fail_msg("%s: %s", statement, mysql_error(session));
    MYSQL_RES *result = mysql_store_result(session);
    MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
    if (row && row[0])
        snprintf(value, sizeof value, "%s", row[0]);
    mysql_free_result(result);
    return value;
}

void sql_await(MYSQL *session, const char *statement, const char *wanted) {
    char copy[256]; /* it may well be the static value */
    snprintf(copy, sizeof copy, "%s", wanted);
    msec until = clock_now() + SECONDS(10);
    while (strcmp(sql_value(session, statement), copy) != 0) {
        if (clock_now() > until)
            fail_msg("%s is %s and not %s", statement, sql_value(session, statement), copy);
        pause_briefly();
    }
}

static void accounts_create(int number) {
    static const char *const statements[] = {
        "SET SESSION sql_log_bin=0",
        "CREATE USER repl@'%' IDENTIFIED BY 'p\\'a\"s\\\\s'",
        "GRANT REPLICATION SLAVE ON *.* TO repl@'%'",
        "GRANT ALL ON d.* TO repl@'%'",
        "CREATE USER app@'%' IDENTIFIED BY 'app'",
        "GRANT ALL ON d.* TO app@'%'",
        "CREATE USER checker@'%' IDENTIFIED BY 'checker'",
    };
    MYSQL *session = session_root(number);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        sql(session, statements[i]);
    mysql_close(session);
}

static void server_empty(int number) {
    static const char *const statements[] = {
        "SET GLOBAL rpl_semi_sync_master_enabled=OFF",
        "SET GLOBAL rpl_semi_sync_slave_enabled=OFF",
        "STOP ALL SLAVES",
        "RESET SLAVE ALL",
        "SET SESSION sql_log_bin=0",
        "DROP DATABASE IF EXISTS d",
        "DROP DATABASE IF EXISTS mmm",
        "RESET MASTER",
        "SET GLOBAL gtid_slave_pos=''",
        "SET GLOBAL read_only=1",
    };
    MYSQL *session = session_root(number);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        sql(session, statements[i]);
    mysql_close(session);
}

void servers_reset(void) {
    for (int number = 1; number <= SERVERS; number++)
        server_empty(number);
    MYSQL *session = session_root(1);
    sql(session, "SET GLOBAL read_only=0");
    sql(session, "CREATE DATABASE d");
    sql(session, "CREATE TABLE d.t (a INT PRIMARY KEY AUTO_INCREMENT, b INT) ENGINE=InnoDB");
    mysql_close(session);
}

void servers_start(void) {
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    loopback_up();
    snprintf(folder, sizeof folder, "/tmp/mysql_test.XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (int number = 1; number <= SERVERS; number++)
        server_install(number);
    for (int number = 1; number <= SERVERS; number++)
        server_spawn(number);
    for (int number = 1; number <= SERVERS; number++)
        accounts_create(number);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void servers_stop(void) {
    for (int number = 1; number <= SERVERS; number++)
        if (pids[number] > 0) {
            kill(pids[number], SIGKILL);
            waitpid(pids[number], NULL, 0);
        }
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
