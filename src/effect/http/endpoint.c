#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/http/internal.h"

/* ---- endpoints ---- */

void endpoint_of_ip(const struct ip *ip, uint16_t port, struct endpoint *ret_endpoint) {
    struct endpoint endpoint = { .length = 0 };
    char text[IP_TEXT_MAX];
    ip_format(ip, text);
    if (ip->family == 6) {
        struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
        memcpy(&address.sin6_addr, ip->bytes, sizeof address.sin6_addr);
        memcpy(&endpoint.address, &address, sizeof address);
        endpoint.length = sizeof address;
        snprintf(endpoint.text, sizeof endpoint.text, "[%s]:%u", text, port);
    } else {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
        memcpy(&address.sin_addr, ip->bytes, sizeof address.sin_addr);
        memcpy(&endpoint.address, &address, sizeof address);
        endpoint.length = sizeof address;
        snprintf(endpoint.text, sizeof endpoint.text, "%s:%u", text, port);
    }
    *ret_endpoint = endpoint;
}

enum rc endpoint_of_path(const char *path, struct endpoint *ret_endpoint, struct reason *ret_why) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (path[0] != '/' || !TEXT_COPY(address.sun_path, path))
        return FAIL(RC_INVALID, ret_why, "%.100s: the path of a socket starts with / and has at most %zu characters",
                    path, sizeof address.sun_path - 1);
    struct endpoint endpoint = { .length = sizeof address };
    memcpy(&endpoint.address, &address, sizeof address);
    TEXT_COPY(endpoint.text, path);
    *ret_endpoint = endpoint;
    return RC_OK;
}

bool endpoint_is_loopback(const struct endpoint *endpoint) {
    if (endpoint->address.ss_family == AF_INET) {
        struct sockaddr_in address;
        memcpy(&address, &endpoint->address, sizeof address);
        return ntohl(address.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    struct sockaddr_in6 address;
    memcpy(&address, &endpoint->address, sizeof address);
    return IN6_IS_ADDR_LOOPBACK(&address.sin6_addr);
}

int endpoint_socket(const struct endpoint *endpoint) {
    return socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

void socket_no_delay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* slower without, and right all the same */
}

/* ---- who holds a port ----
 * /proc/net/tcp names the inode of each listening socket, /proc/PID/fd whose it is (proc(5)). */

enum { PROC_LINES_MAX = 20000, PROC_LINKS_MAX = 200000 };

/* The address as /proc/net/tcp writes it: 32-bit words in the machine's own order, in hex. */
static uint16_t proc_address(const struct endpoint *endpoint, char ret_text[static 33]) {
    if (endpoint->address.ss_family == AF_INET) {
        struct sockaddr_in address;
        memcpy(&address, &endpoint->address, sizeof address);
        snprintf(ret_text, 33, "%08" PRIX32, address.sin_addr.s_addr);
        return ntohs(address.sin_port);
    }
    struct sockaddr_in6 address;
    memcpy(&address, &endpoint->address, sizeof address);
    uint32_t word[4];
    memcpy(word, &address.sin6_addr, sizeof word);
    snprintf(ret_text, 33, "%08" PRIX32 "%08" PRIX32 "%08" PRIX32 "%08" PRIX32, word[0], word[1], word[2], word[3]);
    return ntohs(address.sin6_port);
}

static bool proc_is_any(const char *address) {
    return address[strspn(address, "0")] == 0;
}

/* The inode of the socket that listens there, or 0. */
static unsigned long listening_inode(const char *table, const char *wanted, uint16_t wanted_port) {
    enum { STATE_LISTEN = 0x0A };
    FILE *file = fopen(table, "re");
    if (!file)
        return 0;
    unsigned long found = 0;
    char line[300];
    for (int i = 0; !found && i < PROC_LINES_MAX && fgets(line, sizeof line, file); i++) {
        char address[33];
        unsigned port, state;
        unsigned long inode;
        if (sscanf(line, " %*d: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu", address, &port,
                   &state, &inode) != 4)
            continue;
        if (state == STATE_LISTEN && port == wanted_port &&
            (proc_is_any(address) || proc_is_any(wanted) || text_equal(address, wanted)))
            found = inode;
    }
    fclose(file);
    return found;
}

static bool process_has_socket(const char *pid, const char *wanted, int *budget) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *directory = opendir(path);
    if (!directory)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && *budget > 0 && (entry = readdir(directory)); (*budget)--) {
        char target[64];
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        if (length > 0) {
            target[length] = 0;
            found = text_equal(target, wanted);
        }
    }
    closedir(directory);
    return found;
}

static long process_of_socket(unsigned long inode) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    DIR *directory = opendir("/proc");
    if (!directory)
        return 0;
    long found = 0;
    int budget = PROC_LINKS_MAX;
    for (struct dirent *entry; !found && budget > 0 && (entry = readdir(directory)); budget--)
        if (isdigit((unsigned char)entry->d_name[0]) && process_has_socket(entry->d_name, wanted, &budget))
            found = strtol(entry->d_name, NULL, 10);
    closedir(directory);
    return found;
}

void owner_of_pid(long pid, char ret_text[static OWNER_TEXT_MAX]) {
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    if (file) {
        if (fgets(name, sizeof name, file))
            name[strcspn(name, "\n")] = 0;
        fclose(file);
    }
    if (name[0])
        snprintf(ret_text, OWNER_TEXT_MAX, "%s (pid %ld)", name, pid);
    else
        snprintf(ret_text, OWNER_TEXT_MAX, "a process that could not be found");
}

void owner_of_port(const struct endpoint *endpoint, char ret_text[static OWNER_TEXT_MAX]) {
    char address[33];
    uint16_t port = proc_address(endpoint, address);
    unsigned long inode = listening_inode("/proc/net/tcp", address, port);
    if (!inode)
        inode = listening_inode("/proc/net/tcp6", address, port);
    owner_of_pid(inode ? process_of_socket(inode) : 0, ret_text);
}
