#include "effect/notify/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A service manager that cannot be told is no reason to stop: every failure here is silent, as in sd_notify(3). */
static void tell(const char *message) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t length = path != NULL ? strlen(path) : 0;
    if (length < 2 || length >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = 0; /* Linux's abstract names: the length ends them, not a zero */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    ssize_t sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, size);
    (void)sent;
    close(fd);
}

void notify_ready(const char *status) {
    char message[256];
    /* A line end in the status would start another assignment. */
    snprintf(message, sizeof message, "READY=1\nSTATUS=%.*s", (int)strcspn(status, "\n"), status);
    tell(message);
}

void notify_stopping(void) {
    tell("STOPPING=1");
}
