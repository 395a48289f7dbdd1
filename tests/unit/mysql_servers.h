/* Real MariaDB servers for a test program: in a private network namespace, with unix sockets in a temporary folder. */
#ifndef MMM_TESTS_MYSQL_SERVERS_H
#define MMM_TESTS_MYSQL_SERVERS_H

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SERVERS = 3, CLIENTS_MAX = 40 }; /* numbered from 1 */

#define REPLICATION_USER "repl"
#define REPLICATION_PASSWORD "p'a\"s\\s"

void servers_start(void);
void servers_stop(void);
/* Empty servers, nobody replicating, all read-only but the first, which has a table d.t. */
void servers_reset(void);
const char *server_socket(int number);
pid_t server_pid(int number);
uint16_t server_port(int number);
void server_freeze(int number); /* until it stands still */
void server_thaw(int number);

/* A session of the test's own, as root or as a client. */
MYSQL *session_root(int number);
MYSQL *session_as(int number, const char *user, const char *password); /* NULL: refused */
MYSQL *session_over_tcp(int number, const char *user, const char *password);
/* Runs a statement that must succeed. */
void sql(MYSQL *session, const char *statement);
/* The first value of the first row, in a static buffer; empty for none. */
const char *sql_value(MYSQL *session, const char *statement);
/* The error number of a statement; 0: it succeeded. */
unsigned sql_error(MYSQL *session, const char *statement);
/* Asks until the value is as wanted; fails the test after ten seconds. */
void sql_await(MYSQL *session, const char *statement, const char *wanted);

#endif
