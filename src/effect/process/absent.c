#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "effect/process/process.h"

bool process_is_absent(const char *socket_path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(socket_path) >= sizeof address.sun_path)
        return false;
    strcpy(address.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool absent = connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 &&
                  (errno == ENOENT || errno == ECONNREFUSED);
    close(fd);
    return absent;
}
