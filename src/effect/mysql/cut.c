/* Cutting clients off before they are killed.  KILL of a session whose commit waits for a semi-synchronous
 * acknowledgement makes MariaDB commit locally and, in a race, answer OK to its client (seen on 10.11.19: SERVERS.md
 * trap 10 is not always an error).  So the answer's way is closed first: the server's own sockets are duplicated out of
 * its process (pidfd_getfd(2)) and shut down. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "effect/mysql/task.h"
#include "model/ip.h"

enum { SPARED_MAX = 256, PORTS_MAX = 8, FDS_MAX = 200000, HOST_SIZE = 128 };

struct endpoint {
    struct ip ip; /* family 0: the server knows it by a name only */
    uint16_t port;
};

struct cut {
    int pidfd;
    pid_t server;
    size_t spared_count;
    struct endpoint spared[SPARED_MAX]; /* replicas: where their connections come from */
    size_t port_count;
    uint16_t ports[PORTS_MAX]; /* the server listens on these */
};

static bool endpoint_parse(const char *text, struct endpoint *ret_endpoint) {
    const char *colon = strrchr(text, ':');
    char host[HOST_SIZE];
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    *ret_endpoint = (struct endpoint){ .port = (uint16_t)strtoul(colon + 1, NULL, 10) };
    if (ip_parse(host, &ret_endpoint->ip, NULL) != RC_OK)
        ret_endpoint->ip.family = 0;
    return ret_endpoint->port != 0;
}

static enum rc find_replicas(const struct work *work, struct cut *cut, struct reason *ret_why) {
    char user[QUOTED_MAX];
    enum rc rc = connection_quote(work->connection, work->replication_user, user, ret_why);
    if (rc == RC_OK)
        rc = connection_run(work->connection, work->deadline + ANSWER_SLACK, ret_why,
                            "SELECT HOST FROM %s WHERE CAST(USER AS BINARY) = %s"
                            " OR COMMAND IN ('Binlog Dump', 'Binlog Dump GTID')",
                            clients_table(work->connection), user);
    while (rc == RC_OK && cut->spared_count < SPARED_MAX && connection_next(work->connection))
        if (endpoint_parse(connection_value(work->connection, 0), &cut->spared[cut->spared_count]))
            cut->spared_count++;
    return rc;
}

static bool endpoint_of(const struct sockaddr_storage *address, struct endpoint *ret_endpoint) {
    *ret_endpoint = (struct endpoint){ 0 };
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        ret_endpoint->ip.family = 4;
        memcpy(ret_endpoint->ip.bytes, &in->sin_addr, 4);
        ret_endpoint->port = ntohs(in->sin_port);
        return true;
    }
    if (address->ss_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
    ret_endpoint->ip.family = mapped ? 4 : 6;
    memcpy(ret_endpoint->ip.bytes, in6->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
    ret_endpoint->port = ntohs(in6->sin6_port);
    return true;
}

static bool is_listening(int fd) {
    int listening = 0;
    socklen_t size = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

static void note_port(struct cut *cut, int fd) {
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;
    struct endpoint own;
    if (is_listening(fd) && getsockname(fd, (struct sockaddr *)&address, &size) == 0 && endpoint_of(&address, &own) &&
        cut->port_count < PORTS_MAX)
        cut->ports[cut->port_count++] = own.port;
}

static bool is_spared(const struct cut *cut, const struct endpoint *peer) {
    for (size_t i = 0; i < cut->spared_count; i++) {
        const struct endpoint *spared = &cut->spared[i];
        if (spared->port == peer->port && (spared->ip.family == 0 || ip_equal(&spared->ip, &peer->ip)))
            return true;
    }
    return false;
}

static bool is_clients(const struct cut *cut, int fd) {
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;
    struct endpoint own, peer;
    if (is_listening(fd) || getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return false;
    if (address.ss_family == AF_UNIX) {
        struct ucred other = { 0 };
        socklen_t length = sizeof other;
        /* A client in another process namespace has the number 0; its own pairs of sockets have the server's. */
        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &length) == 0 && other.pid != getpid() &&
               other.pid != cut->server;
    }
    if (!endpoint_of(&address, &own))
        return false;
    bool served = false; /* else it is the server's own connection to its source */
    for (size_t i = 0; i < cut->port_count; i++)
        served = served || cut->ports[i] == own.port;
    size = sizeof address;
    return served && getpeername(fd, (struct sockaddr *)&address, &size) == 0 && endpoint_of(&address, &peer) &&
           !is_spared(cut, &peer);
}

static void cut_client(struct cut *cut, int fd) {
    if (is_clients(cut, fd))
        shutdown(fd, SHUT_RDWR);
}

static bool is_socket(int folder, const char *name) {
    char target[32];
    ssize_t length = readlinkat(folder, name, target, sizeof target);
    return length > 8 && memcmp(target, "socket:[", 8) == 0;
}

/* A socket that the server closes meanwhile is no longer there to be cut; anything else that fails, fails. */
static enum rc each_socket(struct cut *cut, uint32_t pid, void (*what)(struct cut *, int), struct reason *ret_why) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/fd", pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return FAIL(RC_IO, ret_why, "cannot read %s: %s", path, strerror(errno));
    enum rc rc = RC_OK;
    struct dirent *entry;
    for (unsigned seen = 0; rc == RC_OK && seen < FDS_MAX && (entry = readdir(dir)) != NULL; seen++) {
        if (entry->d_name[0] == '.' || !is_socket(dirfd(dir), entry->d_name))
            continue;
        int fd = (int)syscall(SYS_pidfd_getfd, cut->pidfd, atoi(entry->d_name), 0U);
        if (fd >= 0) {
            what(cut, fd);
            close(fd);
        } else if (errno != EBADF) {
            rc = FAIL(RC_IO, ret_why, "cannot reach the sockets of the server's process %u: %s", pid, strerror(errno));
        }
    }
    closedir(dir);
    return rc;
}

enum rc clients_cut(const struct work *work, struct reason *ret_why) {
    struct cut *cut = calloc(1, sizeof *cut);
    if (cut == NULL)
        abort();
    uint32_t pid = connection_peer(work->connection);
    cut->server = (pid_t)pid;
    cut->pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
    enum rc rc = cut->pidfd >= 0 ? RC_OK : FAIL(RC_IO, ret_why, "cannot open process %u: %s", pid, strerror(errno));
    if (rc == RC_OK)
        rc = find_replicas(work, cut, ret_why);
    if (rc == RC_OK)
        rc = each_socket(cut, pid, note_port, ret_why);
    if (rc == RC_OK)
        rc = each_socket(cut, pid, cut_client, ret_why);
    if (cut->pidfd >= 0)
        close(cut->pidfd);
    free(cut);
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot cut the clients off");
    return rc;
}
