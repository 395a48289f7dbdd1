/* Who listens on a server's unix socket: told by the kernel, whether the server answers or not. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "effect/process/process.h"

/* The connected socket, or -1 with errno set.  Never waits: a full backlog is EAGAIN. */
static int knock(const char *socket_path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(socket_path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

pid_t process_behind(const char *socket_path) {
    int fd = knock(socket_path);
    if (fd < 0)
        return 0;
    struct ucred peer = { 0 };
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        peer.pid = 0;
    close(fd);
    return peer.pid;
}

bool process_is_absent(const char *socket_path) {
    int fd = knock(socket_path);
    if (fd >= 0)
        close(fd);
    return fd < 0 && (errno == ENOENT || errno == ECONNREFUSED);
}
