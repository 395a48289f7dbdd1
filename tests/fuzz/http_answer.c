/* What a server may answer to the client that keeps its connection, over a unix socket.  A byte of 1 in the input is
 * where the server pauses. */
#include "fuzz.h"

#include <event2/event.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/http/internal.h"

enum { TURNS = 6 };

static struct loop *loop;
static int listener;
static char path[64];
static unsigned ended;

static void remove_socket(void) {
    unlink(path);
}

static void listen_once(void) {
    if (loop)
        return;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    loop = loop_new();
    snprintf(path, sizeof path, "/tmp/mmm-fuzz-%ld.sock", (long)getpid());
    unlink(path);
    TEXT_COPY(address.sun_path, path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8))
        abort();
    atexit(remove_socket);
}

static void turn(void) {
    for (int i = 0; i < TURNS; i++)
        event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
}

static void on_done(void *context, int status, const char *body, size_t length, const char *why) {
    (void)context;
    assert(body[length] == 0 && length <= HTTP_ANSWER_MAX);
    assert((status == 0) == (why[0] != 0));
    assert(status == 0 || (status >= 200 && status <= 599));
    ended++;
}

static void send_pieces(int fd, const uint8_t *data, size_t size) {
    while (size) {
        const uint8_t *pause = memchr(data, 1, size);
        size_t piece = pause ? (size_t)(pause - data) : size;
        ssize_t sent = send(fd, data, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
        turn();
        if (sent != (ssize_t)piece)
            return;
        size_t used = piece + (pause != NULL);
        data += used;
        size -= used;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct http_peer *peer = NULL;
    listen_once();
    enum rc rc = peer_new(loop_base(loop), path, NULL, &peer, NULL);
    assert(rc == RC_OK);
    ended = 0;
    http_peer_call(peer, size % 5 ? "POST" : "HEAD", "/v1/report", "{}", 2, SECONDS(60), on_done, NULL);
    turn();
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        abort();
    send_pieces(fd, data, size);
    shutdown(fd, SHUT_RDWR);
    close(fd);
    turn();
    assert(ended == 1); /* an answer or a failure, and only once */
    http_peer_free(peer);
    turn();
    return 0;
}
