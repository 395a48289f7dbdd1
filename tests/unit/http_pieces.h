/* What the tests of the HTTP ends share: certificates, a server whose handler notes what it saw, calls, and a client
 * that says whatever the test wants. */
#ifndef MMM_TESTS_HTTP_PIECES_H
#define MMM_TESTS_HTTP_PIECES_H

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "effect/http/cert.h"
#include "effect/http/internal.h"

/* ---- certificates, made once ---- */

static char directory[64] = "/tmp/http_test.XXXXXX";

struct file {
    char path[160];
};

static inline struct file file_at(const char *authority, const char *name) {
    struct file file;
    snprintf(file.path, sizeof file.path, "%s/%s/%s", directory, authority, name);
    return file;
}

static inline struct tls *tls_of(const char *trusts, const char *authority, const char *name) {
    char key[80], certificate[80];
    snprintf(key, sizeof key, "%s.key", name);
    snprintf(certificate, sizeof certificate, "%s.pem", name);
    struct tls *tls = NULL;
    struct reason why = { "" };
    enum rc rc = tls_new(file_at(trusts, "ca.pem").path, file_at(authority, certificate).path,
                         file_at(authority, key).path, &tls, &why);
    assert_string_equal(why.text, "");
    assert_int_equal(rc, RC_OK);
    return tls;
}

static inline int make_certificates(void **state) {
    (void)state;
    struct reason why = { "" };
    assert_non_null(mkdtemp(directory));
    for (int i = 0; i < 2; i++) {
        const char *dir = file_at(i ? "other" : "shop", "").path;
        if (cert_init(dir, "shop", &why) || cert_issue(dir, "mon1", 0, &why) || cert_issue(dir, "db1", 0, &why))
            fail_msg("%s", why.text);
    }
    return 0;
}

static inline int remove_certificates(void **state) {
    (void)state;
    static const char *const names[] = { "ca.pem", "ca.key", "mon1.pem", "mon1.key", "db1.pem", "db1.key", "" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        remove(file_at("shop", names[i]).path);
        remove(file_at("other", names[i]).path);
    }
    return remove(directory);
}

/* ---- a server whose handler notes what it saw ---- */

struct fixture {
    struct loop *loop;
    struct loop_timer *guard;
    bool expired;
    struct http_server *server;
    struct tls *tls;
    uint16_t port;
    int handled;
    char method[8], path[64], peer[80], query[64], body[64];
    size_t body_length;
    struct http_request *kept; /* /later */
};

static inline void on_guard(void *context) {
    struct fixture *f = context;
    f->expired = true;
}

/* Runs the loop until the condition holds; the test fails after ten seconds. */
#define UNTIL(f, condition)                                                                                            \
    do {                                                                                                               \
        loop_timer_set((f)->guard, clock_now() + SECONDS(10));                                                         \
        while (!(condition)) {                                                                                         \
            assert_false((f)->expired);                                                                                \
            event_base_loop(loop_base((f)->loop), EVLOOP_ONCE);                                                        \
        }                                                                                                              \
    } while (0)

static inline void handle(void *context, struct http_request *request) {
    struct fixture *f = context;
    f->handled++;
    TEXT_COPY(f->method, http_request_method(request));
    TEXT_COPY(f->path, http_request_path(request));
    TEXT_COPY(f->peer, http_request_peer(request) ? http_request_peer(request) : "nobody");
    TEXT_COPY(f->query, http_request_query(request, "q") ? http_request_query(request, "q") : "none");
    TEXT_COPY(f->body, http_request_body(request, &f->body_length));
    if (text_equal(f->path, "/later"))
        f->kept = request;
    else
        http_respond(request, 200, "text/plain", "fine", 4);
}

static inline struct ip ip_of(const char *text) {
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip, NULL), RC_OK);
    return ip;
}

static inline uint16_t free_port(void) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static inline void serve(struct fixture *f) {
    struct reason why = { "" };
    struct ip local = ip_of("127.0.0.1");
    f->server = http_server_new(f->loop, f->tls, handle, f);
    if (http_server_listen(f->server, &local, f->port, &why))
        fail_msg("%s", why.text);
}

static inline void start(struct fixture *f, struct tls *tls) {
    *f = (struct fixture){ .loop = loop_new(), .tls = tls, .port = free_port() };
    f->guard = loop_timer_new(f->loop, on_guard, f);
    serve(f);
}

static inline void finish(struct fixture *f) {
    http_server_free(f->server);
    loop_timer_free(f->guard);
    loop_free(f->loop);
    tls_free(f->tls);
}

/* ---- calls ---- */

struct result {
    int count, status;
    size_t length;
    char body[64], why[REASON_MAX];
};

static inline void on_result(void *context, int status, const char *body, size_t length, const char *why) {
    struct result *result = context;
    result->count++;
    result->status = status;
    result->length = length;
    TEXT_COPY(result->body, body);
    TEXT_COPY(result->why, why);
}

static inline struct http_peer *peer_of(struct fixture *f, struct tls *tls, const char *name) {
    return http_peer_new(
        f->loop,
        &(struct http_peer_options){ .address = ip_of("127.0.0.1"), .port = f->port, .tls = tls, .expect_name = name });
}

static inline struct result call(struct fixture *f, struct http_peer *peer, const char *method, const char *path,
                                 const char *body, msec timeout) {
    struct result result = { 0 };
    http_peer_call(peer, method, path, body, strlen(body), timeout, on_result, &result);
    assert_int_equal(result.count, 0); /* never from inside the call */
    UNTIL(f, result.count > 0);
    assert_int_equal(result.count, 1);
    return result;
}

/* ---- a client that says what the test wants, and shows no certificate ---- */

struct raw {
    struct bufferevent *stream;
    bool connected, closed;
    char text[4096]; /* all that came */
};

static inline void on_raw_read(struct bufferevent *stream, void *context) {
    struct raw *raw = context;
    size_t used = strlen(raw->text);
    size_t got = bufferevent_read(stream, raw->text + used, sizeof raw->text - 1 - used);
    raw->text[used + got] = 0;
}

static inline void on_raw_event(struct bufferevent *stream, short what, void *context) {
    struct raw *raw = context;
    on_raw_read(stream, raw);
    raw->connected |= what & BEV_EVENT_CONNECTED;
    raw->closed |= !(what & BEV_EVENT_CONNECTED);
}

static inline void raw_open(struct fixture *f, struct raw *raw) {
    *raw = (struct raw){ .closed = false };
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(f->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct event_base *base = loop_base(f->loop);
    if (f->tls) {
        SSL_CTX *context = SSL_CTX_new(TLS_method());
        raw->stream = bufferevent_openssl_socket_new(base, -1, SSL_new(context), BUFFEREVENT_SSL_CONNECTING,
                                                     BEV_OPT_CLOSE_ON_FREE);
        SSL_CTX_free(context);
    } else {
        raw->stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    }
    bufferevent_setcb(raw->stream, on_raw_read, NULL, on_raw_event, raw);
    bufferevent_enable(raw->stream, EV_READ | EV_WRITE);
    assert_int_equal(bufferevent_socket_connect(raw->stream, (struct sockaddr *)&address, sizeof address), 0);
    UNTIL(f, raw->connected || raw->closed);
}

static inline void raw_say(struct raw *raw, const char *text) {
    bufferevent_write(raw->stream, text, strlen(text));
}

/* One request on a connection of its own that the server closes. */
static inline struct raw raw_ask(struct fixture *f, const char *text) {
    struct raw raw;
    raw_open(f, &raw);
    bufferevent_setcb(raw.stream, on_raw_read, NULL, on_raw_event, &raw);
    raw_say(&raw, text);
    UNTIL(f, raw.closed);
    bufferevent_free(raw.stream);
    return raw;
}

static inline void expect_answer(struct fixture *f, const char *request, const char *status) {
    struct raw raw = raw_ask(f, request);
    if (!text_starts_with(raw.text, status) || !strstr(raw.text, "{\"error\":\""))
        fail_msg("%s\nanswered: %s", request, raw.text);
}

static inline int count_of(const char *text, const char *piece) {
    int count = 0;
    for (; (text = strstr(text, piece)); text++)
        count++;
    return count;
}

#endif
