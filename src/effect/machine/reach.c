#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "effect/machine/machine.h"

static socklen_t endpoint(const struct ip *ip, uint16_t port, struct sockaddr_storage *ret_address) {
    memset(ret_address, 0, sizeof *ret_address);
    if (ip->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)ret_address;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, ip->bytes, sizeof in->sin_addr);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_address;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    memcpy(&in6->sin6_addr, ip->bytes, sizeof in6->sin6_addr);
    return sizeof *in6;
}

/* A connection that is under way; -1 and the reason: it failed at once. */
static int begin(const struct reach_target *target, const struct ip *from, const char **ret_error) {
    struct sockaddr_storage address;
    int fd = socket(target->address.family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        *ret_error = strerror(errno);
        return -1;
    }
    socklen_t length = endpoint(from, 0, &address);
    if (from->family != target->address.family || bind(fd, (struct sockaddr *)&address, length) == 0) {
        length = endpoint(&target->address, target->port, &address);
        if (connect(fd, (struct sockaddr *)&address, length) == 0 || errno == EINPROGRESS)
            return fd;
    }
    *ret_error = strerror(errno);
    close(fd);
    return -1;
}

static void finish(int fd, const char *name, struct facts *facts) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    (void)facts_put(facts, name, error ? strerror(error) : "ok");
    close(fd);
}

void machine_reach(const struct reach_target *targets, size_t count, const struct ip *from, msec deadline,
                   struct facts *facts) {
    struct pollfd waits[REACH_MAX];
    size_t open = 0;
    count = count < REACH_MAX ? count : REACH_MAX;
    for (size_t i = 0; i < count; i++) {
        const char *error = "";
        waits[i] = (struct pollfd){ .fd = begin(&targets[i], from, &error), .events = POLLOUT };
        open += waits[i].fd >= 0;
        (void)facts_put(facts, targets[i].name, waits[i].fd < 0 ? error : "no answer in time");
    }
    while (open) {
        msec left = deadline - clock_now();
        if (left <= 0 || (poll(waits, count, (int)left) < 0 && errno != EINTR))
            break;
        for (size_t i = 0; i < count; i++)
            if (waits[i].fd >= 0 && waits[i].revents) {
                finish(waits[i].fd, targets[i].name, facts);
                waits[i].fd = -1;
                open--;
            }
    }
    for (size_t i = 0; i < count; i++)
        if (waits[i].fd >= 0)
            close(waits[i].fd);
}
