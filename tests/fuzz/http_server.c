/* A whole connection at the server, over a pair of sockets: whatever the client sends, every request that reaches the
 * handler is whole, and what comes back begins as an answer does.  A byte of 1 in the input is where the client pauses,
 * so that a request comes in pieces. */
#include "fuzz.h"

#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/http/internal.h"

enum { REQUESTS_MOST = 4096, TURNS = 12 };

static struct loop *loop;
static struct http_request *later; /* every other request is answered when the loop comes back from it */
static unsigned count;

static void answer(struct http_request *request) {
    size_t length = 0;
    const char *body = http_request_body(request, &length);
    http_respond(request, length ? 200 : 204, "text/plain", body, length);
}

static void on_request(void *context, struct http_request *request) {
    (void)context;
    size_t length = 0;
    const char *body = http_request_body(request, &length), *method = http_request_method(request);
    assert(text_equal(method, "GET") || text_equal(method, "HEAD") || text_equal(method, "POST"));
    assert(http_request_path(request)[0] == '/' && body[length] == 0 && length <= HTTP_BODY_MAX);
    assert(text_starts_with(http_request_peer(request), "uid:"));
    (void)http_request_query(request, "lag_max");
    assert(!later && ++count <= REQUESTS_MOST);
    if (count % 2)
        answer(request);
    else
        later = request;
}

static void turn(void) {
    for (int i = 0; i < TURNS; i++) {
        event_base_loop(loop_base(loop), EVLOOP_NONBLOCK);
        struct http_request *request = later;
        later = NULL;
        if (request)
            answer(request);
    }
}

static void send_pieces(int fd, const uint8_t *data, size_t size) {
    while (size) {
        const uint8_t *pause = memchr(data, 1, size);
        size_t piece = pause ? (size_t)(pause - data) : size;
        ssize_t sent = send(fd, data, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
        turn();
        if (sent != (ssize_t)piece)
            return; /* the server has closed, or takes no more of it */
        size_t used = piece + (pause != NULL);
        data += used;
        size -= used;
    }
}

static void check_answer(int fd) {
    char text[4096];
    ssize_t length = recv(fd, text, sizeof text, MSG_DONTWAIT);
    if (length > 12)
        assert(memcmp(text, "HTTP/1.1 ", 9) == 0);
    while (recv(fd, text, sizeof text, MSG_DONTWAIT) > 0)
        turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int pair[2];
    if (!loop)
        loop = loop_new();
    struct http_server *server = http_server_new(loop, NULL, on_request, NULL);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
        abort();
    count = 0;
    connection_accepted(server, pair[0], true);
    send_pieces(pair[1], data, size);
    shutdown(pair[1], SHUT_WR);
    turn();
    check_answer(pair[1]);
    close(pair[1]);
    turn();
    http_server_free(server);
    turn();
    return 0;
}
