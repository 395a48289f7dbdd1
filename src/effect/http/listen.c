#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/http/internal.h"

/* ACCEPTS_A_TURN: a flood of connections must not keep the loop here. */
enum { BACKLOG = 512, PAUSE_MS = 100, ACCEPTS_A_TURN = 16 };

struct listening {
    SLIST_ENTRY(listening) link;
    struct http_server *server;
    int fd;
    struct event *ready;
    struct event *resume;
    struct endpoint endpoint;
    ino_t inode; /* of the socket file that is ours to remove; 0: none */
};

static bool is_unix(const struct endpoint *endpoint) {
    return endpoint->address.ss_family == AF_UNIX;
}

static void on_resume(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    struct listening *listening = context;
    event_add(listening->ready, NULL);
}

/* Out of file descriptors: the caller stays in the kernel's queue, where epoll would report it in a busy loop. */
static void pause_listening(struct listening *listening) {
    (void)connection_make_room(listening->server);
    event_del(listening->ready);
    struct timeval pause = timeval_of(PAUSE_MS);
    event_add(listening->resume, &pause);
}

/* What failed is the caller's, who has left already; the next one may be taken. */
static bool is_callers_failure(int error) {
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == EHOSTUNREACH;
}

static void on_ready(evutil_socket_t fd, short what, void *context) {
    (void)what;
    struct listening *listening = context;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        int caller = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (caller >= 0) {
            connection_accepted(listening->server, caller, is_unix(&listening->endpoint));
        } else if (!is_callers_failure(errno)) {
            if (errno != EAGAIN)
                pause_listening(listening);
            return;
        }
    }
}

static void listening_new(struct http_server *server, const struct endpoint *endpoint, int fd) {
    struct listening *listening = must(calloc(1, sizeof *listening));
    listening->server = server;
    listening->endpoint = *endpoint;
    listening->resume = must(evtimer_new(server->base, on_resume, listening));
    listening->fd = fd;
    listening->ready = must(event_new(server->base, fd, EV_READ | EV_PERSIST, on_ready, listening));
    event_priority_set(listening->ready, LOOP_PRIORITY_STRANGER);
    event_add(listening->ready, NULL);
    struct stat status;
    if (is_unix(endpoint) && lstat(endpoint->text, &status) == 0)
        listening->inode = status.st_ino;
    SLIST_INSERT_HEAD(&server->listening, listening, link);
}

void listening_free_all(struct http_server *server) {
    while (!SLIST_EMPTY(&server->listening)) {
        struct listening *listening = SLIST_FIRST(&server->listening);
        SLIST_REMOVE_HEAD(&server->listening, link);
        struct stat status;
        if (listening->inode && lstat(listening->endpoint.text, &status) == 0 && status.st_ino == listening->inode)
            unlink(listening->endpoint.text);
        event_free(listening->ready);
        event_free(listening->resume);
        close(listening->fd);
        free(listening);
    }
}

static enum rc fail_listen(const struct endpoint *endpoint, int error, struct reason *ret_why) {
    if (error != EADDRINUSE)
        return FAIL(RC_IO, ret_why, "cannot listen on %s: %s", endpoint->text, strerror(error));
    char owner[OWNER_TEXT_MAX];
    owner_of_port(endpoint, owner);
    return FAIL(RC_CONFLICT, ret_why, "cannot listen on %s: taken by %s", endpoint->text, owner);
}

enum rc http_server_listen(struct http_server *server, const struct ip *address, uint16_t port,
                           struct reason *ret_why) {
    struct endpoint endpoint;
    endpoint_of_ip(address, port, &endpoint);
    if (!server->tls && !endpoint_is_loopback(&endpoint))
        return FAIL(RC_REFUSED, ret_why,
                    "will not listen on %s without TLS: set [tls] ca, certificate and key (mmm cert init), or use a "
                    "loopback address",
                    endpoint.text);
    int fd = endpoint_socket(&endpoint), on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, (struct sockaddr *)&endpoint.address, endpoint.length) || listen(fd, BACKLOG)) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return fail_listen(&endpoint, error, ret_why);
    }
    listening_new(server, &endpoint, fd);
    return RC_OK;
}

/* Who answers behind a socket file: RC_CONFLICT and its name, or RC_OK when nobody does. */
static enum rc check_nobody_listens(const struct endpoint *endpoint, struct reason *ret_why) {
    int fd = endpoint_socket(endpoint);
    if (fd < 0)
        return FAIL(RC_IO, ret_why, "cannot listen on %s: %s", endpoint->text, strerror(errno));
    int failed = connect(fd, (const struct sockaddr *)&endpoint->address, endpoint->length) ? errno : 0;
    struct ucred owner = { .pid = 0 };
    socklen_t length = sizeof owner;
    if (!failed)
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &length);
    close(fd);
    if (failed == ECONNREFUSED)
        return RC_OK;
    if (failed && failed != EAGAIN) /* EAGAIN: somebody listens and is too busy to accept */
        return FAIL(RC_IO, ret_why, "%s exists and cannot be tried: %s", endpoint->text, strerror(failed));
    char text[OWNER_TEXT_MAX];
    owner_of_pid(owner.pid, text);
    return FAIL(RC_CONFLICT, ret_why, "cannot listen on %s: taken by %s", endpoint->text, text);
}

static enum rc remove_dead_socket(const struct endpoint *endpoint, struct reason *ret_why) {
    struct stat status;
    if (lstat(endpoint->text, &status)) {
        if (errno == ENOENT)
            return RC_OK;
        return FAIL(RC_IO, ret_why, "cannot listen on %s: %s", endpoint->text, strerror(errno));
    }
    if (!S_ISSOCK(status.st_mode))
        return FAIL(RC_CONFLICT, ret_why, "cannot listen on %s: a file that is no socket is there", endpoint->text);
    enum rc rc = check_nobody_listens(endpoint, ret_why);
    if (rc)
        return rc;
    if (unlink(endpoint->text) && errno != ENOENT)
        return FAIL(RC_IO, ret_why, "cannot replace the dead socket %s: %s", endpoint->text, strerror(errno));
    return RC_OK;
}

enum rc http_server_listen_unix(struct http_server *server, const char *path, unsigned mode, struct reason *ret_why) {
    struct endpoint endpoint;
    enum rc rc = endpoint_of_path(path, &endpoint, ret_why);
    if (!rc)
        rc = remove_dead_socket(&endpoint, ret_why);
    if (rc)
        return rc;
    int fd = endpoint_socket(&endpoint);
    /* The mode before bind goes into the new file (less the umask), so that it is never open wider than asked for;
     * the one after bind gives back what the umask took. */
    if (fd < 0 || fchmod(fd, mode) || bind(fd, (struct sockaddr *)&endpoint.address, endpoint.length) ||
        chmod(path, mode) || listen(fd, BACKLOG)) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return FAIL(error == EADDRINUSE ? RC_CONFLICT : RC_IO, ret_why, "cannot listen on %s: %s", path,
                    strerror(error));
    }
    listening_new(server, &endpoint, fd);
    return RC_OK;
}
