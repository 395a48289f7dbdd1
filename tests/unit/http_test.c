/* The HTTP ends against each other and against clients and servers that behave badly, over loopback and unix sockets.
 */
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

static struct file file_at(const char *authority, const char *name) {
    struct file file;
    snprintf(file.path, sizeof file.path, "%s/%s/%s", directory, authority, name);
    return file;
}

static struct tls *tls_of(const char *trusts, const char *authority, const char *name) {
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

static int make_certificates(void **state) {
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

static int remove_certificates(void **state) {
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

static void on_guard(void *context) {
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

static void handle(void *context, struct http_request *request) {
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

static struct ip ip_of(const char *text) {
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip, NULL), RC_OK);
    return ip;
}

static uint16_t free_port(void) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void serve(struct fixture *f) {
    struct reason why = { "" };
    struct ip local = ip_of("127.0.0.1");
    f->server = http_server_new(f->loop, f->tls, handle, f);
    if (http_server_listen(f->server, &local, f->port, &why))
        fail_msg("%s", why.text);
}

static void start(struct fixture *f, struct tls *tls) {
    *f = (struct fixture){ .loop = loop_new(), .tls = tls, .port = free_port() };
    f->guard = loop_timer_new(f->loop, on_guard, f);
    serve(f);
}

static void finish(struct fixture *f) {
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

static void on_result(void *context, int status, const char *body, size_t length, const char *why) {
    struct result *result = context;
    result->count++;
    result->status = status;
    result->length = length;
    TEXT_COPY(result->body, body);
    TEXT_COPY(result->why, why);
}

static struct http_peer *peer_of(struct fixture *f, struct tls *tls, const char *name) {
    return http_peer_new(
        f->loop,
        &(struct http_peer_options){ .address = ip_of("127.0.0.1"), .port = f->port, .tls = tls, .expect_name = name });
}

static struct result call(struct fixture *f, struct http_peer *peer, const char *method, const char *path,
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

static void on_raw_read(struct bufferevent *stream, void *context) {
    struct raw *raw = context;
    size_t used = strlen(raw->text);
    size_t got = bufferevent_read(stream, raw->text + used, sizeof raw->text - 1 - used);
    raw->text[used + got] = 0;
}

static void on_raw_event(struct bufferevent *stream, short what, void *context) {
    struct raw *raw = context;
    on_raw_read(stream, raw);
    raw->connected |= what & BEV_EVENT_CONNECTED;
    raw->closed |= !(what & BEV_EVENT_CONNECTED);
}

static void raw_open(struct fixture *f, struct raw *raw) {
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

static void raw_say(struct raw *raw, const char *text) {
    bufferevent_write(raw->stream, text, strlen(text));
}

/* One request on a connection of its own that the server closes. */
static struct raw raw_ask(struct fixture *f, const char *text) {
    struct raw raw;
    raw_open(f, &raw);
    bufferevent_setcb(raw.stream, on_raw_read, NULL, on_raw_event, &raw);
    raw_say(&raw, text);
    UNTIL(f, raw.closed);
    bufferevent_free(raw.stream);
    return raw;
}

static void expect_answer(struct fixture *f, const char *request, const char *status) {
    struct raw raw = raw_ask(f, request);
    if (!text_starts_with(raw.text, status) || !strstr(raw.text, "{\"error\":\""))
        fail_msg("%s\nanswered: %s", request, raw.text);
}

/* ---- names ---- */

static void a_client_with_a_certificate_is_known_by_its_name(void **state) {
    (void)state;
    struct fixture f;
    struct tls *tls = tls_of("shop", "shop", "db1");
    start(&f, tls_of("shop", "shop", "mon1"));
    struct http_peer *peer = peer_of(&f, tls, "mon1");
    struct result result = call(&f, peer, "POST", "/report%20x?q=a%2Bb+c&z", "hello", SECONDS(5));
    assert_string_equal(result.why, "");
    assert_int_equal(result.status, 200);
    assert_string_equal(result.body, "fine");
    assert_string_equal(f.peer, "db1");
    assert_string_equal(f.method, "POST");
    assert_string_equal(f.path, "/report x");
    assert_string_equal(f.query, "a+b c");
    assert_string_equal(f.body, "hello");
    http_peer_free(peer);
    finish(&f);
    tls_free(tls);
}

static void a_client_without_a_certificate_has_no_name(void **state) {
    (void)state;
    struct fixture f;
    start(&f, tls_of("shop", "shop", "mon1"));
    struct raw raw = raw_ask(&f, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(text_starts_with(raw.text, "HTTP/1.1 200 OK\r\n"));
    assert_string_equal(f.peer, "nobody");
    finish(&f);
}

static void a_certificate_of_another_authority_is_refused(void **state) {
    (void)state;
    struct fixture f;
    struct tls *client = tls_of("shop", "other", "db1");
    start(&f, tls_of("shop", "shop", "mon1"));
    struct http_peer *peer = peer_of(&f, client, "mon1");
    struct result result = call(&f, peer, "GET", "/", "", SECONDS(5));
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.why, "mon1 at 127.0.0.1:"));
    assert_non_null(strstr(result.why, "alert")); /* says that it was refused, not merely closed */
    assert_int_equal(f.handled, 0);
    http_peer_free(peer);
    tls_free(client);

    client = tls_of("other", "other", "db1"); /* the other way round: the server is the stranger */
    peer = peer_of(&f, client, "mon1");
    result = call(&f, peer, "GET", "/", "", SECONDS(5));
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.why, "its certificate: "));
    assert_int_equal(f.handled, 0);
    http_peer_free(peer);
    tls_free(client);
    finish(&f);
}

static void a_server_with_another_name_is_refused_before_anything_is_sent(void **state) {
    (void)state;
    struct fixture f;
    struct tls *tls = tls_of("shop", "shop", "db1");
    start(&f, tls_of("shop", "shop", "db1"));
    struct http_peer *peer = peer_of(&f, tls, "mon1");
    struct result result = call(&f, peer, "POST", "/", "{}", SECONDS(5));
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.why, "its certificate is that of «db1», not of «mon1»"));
    assert_int_equal(f.handled, 0);
    http_peer_free(peer);
    tls_free(tls);
    finish(&f);
}

static void a_key_that_others_can_read_is_refused_and_named(void **state) {
    (void)state;
    struct tls *tls = NULL;
    struct reason why;
    struct file key = file_at("shop", "db1.key");
    assert_int_equal(chmod(key.path, 0644), 0);
    enum rc rc = tls_new(file_at("shop", "ca.pem").path, file_at("shop", "db1.pem").path, key.path, &tls, &why);
    assert_int_equal(chmod(key.path, 0600), 0);
    assert_int_equal(rc, RC_INVALID);
    assert_non_null(strstr(why.text, key.path));
    rc = tls_new(file_at("shop", "ca.pem").path, file_at("shop", "mon1.pem").path, key.path, &tls, &why);
    assert_int_equal(rc, RC_INVALID);
    assert_non_null(strstr(why.text, "does not belong"));
    rc = tls_new("/nowhere/ca.pem", file_at("shop", "mon1.pem").path, key.path, &tls, &why);
    assert_int_equal(rc, RC_INVALID);
    assert_non_null(strstr(why.text, "/nowhere/ca.pem: cannot read the authority's certificate: No such file"));
}

/* ---- requests that are not welcome ---- */

static void what_is_not_a_request_is_answered_with_its_error(void **state) {
    (void)state;
    struct fixture f;
    start(&f, NULL);
    expect_answer(&f, "hello\r\n\r\n", "HTTP/1.1 400 ");
    expect_answer(&f, "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 400 ");
    expect_answer(&f, "GET / HTTP/1.1\r\nA: b\n\r\n\r\n", "HTTP/1.1 400 ");
    expect_answer(&f, "GET /%00 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ");
    expect_answer(&f, "GET http://x/ HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ");
    expect_answer(&f, "GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 400 ");
    expect_answer(&f, "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 400 ");
    expect_answer(&f, "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400 ");
    expect_answer(&f, "DELETE / HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ");
    expect_answer(&f, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 501 ");
    static char long_head[HTTP_HEADERS_MAX + 100];
    memset(long_head, 'a', sizeof long_head - 1);
    memcpy(long_head, "GET / HTTP/1.1\r\nA: ", 19);
    expect_answer(&f, long_head, "HTTP/1.1 431 ");
    assert_int_equal(f.handled, 0);
    finish(&f);
}

static void too_large_a_body_is_answered_413_and_the_server_goes_on(void **state) {
    (void)state;
    struct fixture f;
    struct tls *tls = tls_of("shop", "shop", "db1");
    start(&f, tls_of("shop", "shop", "mon1"));
    char *body = must(calloc(1, HTTP_BODY_MAX + 2));
    memset(body, 'x', HTTP_BODY_MAX + 1);
    struct http_peer *peer = peer_of(&f, tls, "mon1");
    struct result result = call(&f, peer, "POST", "/", body, SECONDS(5));
    assert_int_equal(result.status, 413);
    assert_string_equal(result.body, "{\"error\":\"the body is too large\"}\n");
    assert_int_equal(f.handled, 0);
    body[HTTP_BODY_MAX] = 0;
    result = call(&f, peer, "POST", "/", body, SECONDS(5));
    assert_int_equal(result.status, 200);
    assert_int_equal(f.body_length, HTTP_BODY_MAX);
    expect_answer(&f, "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999999\r\n\r\n", "HTTP/1.1 413 ");
    free(body);
    http_peer_free(peer);
    tls_free(tls);
    finish(&f);
}

struct dripper {
    struct raw raw;
    struct loop_timer *timer;
    int drips;
};

static void on_drip(void *context) {
    struct dripper *dripper = context;
    raw_say(&dripper->raw, "a");
    dripper->drips++;
    loop_timer_set(dripper->timer, clock_now() + 5);
}

static void a_client_that_sends_slowly_is_closed_however_often_it_sends(void **state) {
    (void)state;
    struct fixture f;
    start(&f, NULL);
    f.server->limits.request = 60;
    struct dripper dripper = { .drips = 0 };
    raw_open(&f, &dripper.raw);
    dripper.timer = loop_timer_new(f.loop, on_drip, &dripper);
    on_drip(&dripper);
    UNTIL(&f, dripper.raw.closed);
    assert_true(dripper.drips > 1);
    assert_int_equal(f.server->connection_count, 0);
    loop_timer_free(dripper.timer);
    bufferevent_free(dripper.raw.stream);
    finish(&f);
}

static void a_client_that_says_nothing_is_closed(void **state) {
    (void)state;
    struct fixture f;
    struct raw raw;
    start(&f, NULL);
    f.server->limits.idle = 20;
    raw_open(&f, &raw);
    UNTIL(&f, raw.closed);
    bufferevent_free(raw.stream);
    finish(&f);

    start(&f, tls_of("shop", "shop", "mon1"));
    f.server->limits.greeting = 20;
    struct tls *tls = f.tls;
    f.tls = NULL; /* the client speaks no TLS */
    raw_open(&f, &raw);
    UNTIL(&f, raw.closed);
    bufferevent_free(raw.stream);
    f.tls = tls;
    finish(&f);
}

static void the_oldest_unknown_client_makes_room_and_a_known_one_never(void **state) {
    (void)state;
    struct fixture f;
    struct tls *tls = tls_of("shop", "shop", "db1");
    start(&f, tls_of("shop", "shop", "mon1"));
    f.server->limits.connections = 2;
    struct http_peer *peer = peer_of(&f, tls, "mon1");
    assert_int_equal(call(&f, peer, "GET", "/", "", SECONDS(5)).status, 200);
    struct raw first, second;
    raw_open(&f, &first);
    assert_false(first.closed);
    raw_open(&f, &second);
    UNTIL(&f, first.closed);
    assert_false(second.closed);
    assert_int_equal(f.server->connection_count, 2);
    const struct connection *kept = TAILQ_FIRST(&f.server->connections);
    assert_int_equal(call(&f, peer, "GET", "/", "", SECONDS(5)).status, 200);
    assert_ptr_equal(kept, TAILQ_FIRST(&f.server->connections)); /* still its first connection */

    f.server->limits.connections = 1;
    bufferevent_free(second.stream);
    UNTIL(&f, f.server->connection_count == 1);
    bufferevent_free(first.stream);
    raw_open(&f, &first);
    UNTIL(&f, first.closed);
    assert_ptr_equal(kept, TAILQ_FIRST(&f.server->connections));
    bufferevent_free(first.stream);
    http_peer_free(peer);
    tls_free(tls);
    finish(&f);
}

static void one_address_never_takes_the_place_of_all(void **state) {
    (void)state;
    struct fixture f;
    struct tls *tls = tls_of("shop", "shop", "db1");
    start(&f, tls_of("shop", "shop", "mon1"));
    f.server->limits.connections = 10;
    f.server->limits.a_source = 2;
    struct http_peer *peer = peer_of(&f, tls, "mon1");
    assert_int_equal(call(&f, peer, "GET", "/", "", SECONDS(5)).status, 200);
    struct raw raws[3];
    for (int i = 0; i < 3; i++)
        raw_open(&f, &raws[i]);
    UNTIL(&f, raws[0].closed);
    assert_false(raws[1].closed || raws[2].closed);
    assert_int_equal(f.server->connection_count, 3); /* two strangers, and the one with a certificate does not count */
    for (int i = 0; i < 3; i++)
        bufferevent_free(raws[i].stream);
    http_peer_free(peer);
    tls_free(tls);
    finish(&f);
}

static void a_name_with_too_many_connections_loses_its_own_oldest(void **state) {
    (void)state;
    struct fixture f;
    struct tls *tls[] = { tls_of("shop", "shop", "db1"), tls_of("shop", "shop", "mon1") };
    start(&f, tls_of("shop", "shop", "mon1"));
    f.server->limits.a_name = 1;
    struct http_peer *other = peer_of(&f, tls[1], "mon1"), *first = peer_of(&f, tls[0], "mon1"),
                     *second = peer_of(&f, tls[0], "mon1");
    assert_int_equal(call(&f, other, "GET", "/", "", SECONDS(5)).status, 200);
    const struct connection *kept = TAILQ_FIRST(&f.server->connections);
    assert_int_equal(call(&f, first, "GET", "/", "", SECONDS(5)).status, 200);
    assert_int_equal(call(&f, second, "GET", "/", "", SECONDS(5)).status, 200);
    assert_int_equal(f.server->connection_count, 2);
    assert_ptr_equal(kept, TAILQ_FIRST(&f.server->connections));               /* another name's, and older than both */
    assert_int_equal(call(&f, first, "GET", "/", "", SECONDS(5)).status, 200); /* and is let in again */
    http_peer_free(other);
    http_peer_free(first);
    http_peer_free(second);
    tls_free(tls[0]);
    tls_free(tls[1]);
    finish(&f);
}

static void a_stranger_never_sends_a_body(void **state) {
    (void)state;
    struct fixture f;
    start(&f, tls_of("shop", "shop", "mon1"));
    expect_answer(&f, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 403 ");
    assert_int_equal(f.handled, 0);
    finish(&f);
}

/* ---- answers ---- */

static void a_head_request_is_answered_without_its_body(void **state) {
    (void)state;
    struct fixture f;
    start(&f, NULL);
    struct raw raw = raw_ask(&f, "HEAD /writer HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(raw.text, "\r\nContent-Length: 4\r\n"));
    assert_string_equal(strstr(raw.text, "\r\n\r\n"), "\r\n\r\n");
    struct http_peer *peer = peer_of(&f, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        struct result result = call(&f, peer, "HEAD", "/", "", SECONDS(5));
        assert_int_equal(result.status, 200);
        assert_int_equal(result.length, 0);
    }
    assert_int_equal(f.server->connection_count, 1);
    http_peer_free(peer);
    finish(&f);
}

static int count_of(const char *text, const char *piece) {
    int count = 0;
    for (; (text = strstr(text, piece)); text++)
        count++;
    return count;
}

static void requests_sent_in_one_piece_are_answered_one_after_the_other(void **state) {
    (void)state;
    struct fixture f;
    start(&f, NULL);
    struct raw raw = raw_ask(&f, "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n"
                                 "GET /c HTTP/1.0\r\n\r\nGET /d HTTP/1.1\r\n\r\n");
    assert_int_equal(count_of(raw.text, "HTTP/1.1 200 OK\r\n"), 3); /* 1.0 asks for the connection's end */
    assert_string_equal(f.path, "/c");
    finish(&f);
}

static void a_client_that_waits_to_be_told_to_go_on_is_told(void **state) {
    (void)state;
    struct fixture f;
    struct raw raw;
    start(&f, NULL);
    raw_open(&f, &raw);
    raw_say(&raw, "POST /a HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
    UNTIL(&f, text_equal(raw.text, "HTTP/1.1 100 Continue\r\n\r\n"));
    raw_say(&raw, "abc");
    UNTIL(&f, raw.closed);
    assert_non_null(strstr(raw.text, "HTTP/1.1 200 OK\r\n"));
    assert_string_equal(f.body, "abc");
    bufferevent_free(raw.stream);
    finish(&f);
}

/* ---- the peer ---- */

static void abandoning_ends_the_request_and_its_late_answer_goes_nowhere(void **state) {
    (void)state;
    struct fixture f;
    struct tls *tls = tls_of("shop", "shop", "db1");
    start(&f, tls_of("shop", "shop", "mon1"));
    struct http_peer *peer = peer_of(&f, tls, "mon1");
    struct result old = { 0 };
    http_peer_call(peer, "GET", "/later", "", 0, SECONDS(5), on_result, &old);
    UNTIL(&f, f.kept);
    http_peer_abandon(peer);
    UNTIL(&f, f.server->connection_count == 0);
    http_respond(f.kept, 200, "text/plain", "late", 4);
    f.kept = NULL;

    http_peer_call(peer, "GET", "/later", "", 0, SECONDS(5), on_result, &old);
    UNTIL(&f, f.kept);
    struct result result = call(&f, peer, "GET", "/", "", SECONDS(5)); /* calling again abandons as well */
    assert_string_equal(result.body, "fine");
    http_respond(f.kept, 200, "text/plain", "late", 4);
    assert_int_equal(old.count, 0);
    http_peer_free(peer);
    tls_free(tls);
    finish(&f);
}

static void a_peer_that_was_restarted_is_reached_again_at_the_next_call(void **state) {
    (void)state;
    struct fixture f;
    struct tls *tls = tls_of("shop", "shop", "db1");
    start(&f, tls_of("shop", "shop", "mon1"));
    struct http_peer *peer = peer_of(&f, tls, "mon1");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(call(&f, peer, "GET", "/", "", SECONDS(5)).status, 200);
        http_server_free(f.server);
        struct result result = call(&f, peer, "GET", "/", "", SECONDS(5));
        assert_int_equal(result.status, 0);
        assert_non_null(strstr(result.why, "mon1 at 127.0.0.1:"));
        serve(&f);
        assert_int_equal(call(&f, peer, "GET", "/", "", SECONDS(5)).status, 200);
        http_server_free(f.server);
        event_base_loop(loop_base(f.loop), EVLOOP_NONBLOCK); /* libevent closes a freed stream in its next round */
        serve(&f);
    }
    http_peer_free(peer);
    tls_free(tls);
    finish(&f);
}

static int listener_at(uint16_t port) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

struct by_hand {
    int listener, fd, accepted;
    struct sockaddr_in from;
};

/* Answers one request on a new connection, and closes at once or keeps it open. */
static void on_by_hand(void *context) {
    struct by_hand *server = context;
    socklen_t length = sizeof server->from;
    server->fd = accept(server->listener, (struct sockaddr *)&server->from, &length);
    server->accepted++;
    static const char answer[] = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    assert_int_equal(write(server->fd, answer, sizeof answer - 1), sizeof answer - 1);
}

static void a_connection_closed_between_two_calls_is_noticed_before_anything_is_sent(void **state) {
    (void)state;
    struct fixture f = { .loop = loop_new(), .port = free_port() };
    f.guard = loop_timer_new(f.loop, on_guard, &f);
    struct by_hand server = { .listener = listener_at(f.port) };
    struct loop_watch *watch = loop_watch_new(f.loop, server.listener, on_by_hand, &server);
    struct http_peer *peer = http_peer_new(
        f.loop,
        &(struct http_peer_options){ .address = ip_of("127.0.0.1"), .port = f.port, .from = ip_of("127.0.0.77") });
    for (int i = 1; i <= 3; i++) {
        struct result result = call(&f, peer, "POST", "/", "once", SECONDS(5));
        assert_string_equal(result.why, "");
        assert_string_equal(result.body, "ok");
        assert_int_equal(server.accepted, i);
        char request[1024] = "";
        assert_true(read(server.fd, request, sizeof request - 1) > 0);
        assert_int_equal(count_of(request, "once"), 1);
        close(server.fd); /* and the loop does not run before the next call */
    }
    assert_int_equal(ntohl(server.from.sin_addr.s_addr), 0x7f00004d); /* came from the address asked for */
    http_peer_free(peer);
    loop_watch_free(watch);
    close(server.listener);
    loop_timer_free(f.guard);
    loop_free(f.loop);
}

static void a_peer_that_stays_silent_ends_the_call_at_its_deadline(void **state) {
    (void)state;
    struct fixture f = { .loop = loop_new(), .port = free_port() };
    f.guard = loop_timer_new(f.loop, on_guard, &f);
    struct tls *tls = tls_of("shop", "shop", "db1");
    int listener = listener_at(f.port); /* the kernel connects; nobody ever reads */
    struct http_peer *secret = peer_of(&f, tls, "mon1"), *plain = peer_of(&f, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        struct result result = call(&f, secret, "GET", "/", "", 20);
        assert_int_equal(result.status, 0);
        assert_non_null(strstr(result.why, "no TLS handshake within 20 ms"));
        result = call(&f, plain, "GET", "/", "", 20);
        assert_int_equal(result.status, 0);
        assert_non_null(strstr(result.why, "no answer within 20 ms"));
    }
    close(listener);
    struct result result = call(&f, plain, "GET", "/", "", SECONDS(5));
    assert_non_null(strstr(result.why, "cannot connect: Connection refused"));
    http_peer_free(secret);
    http_peer_free(plain);
    tls_free(tls);
    loop_timer_free(f.guard);
    loop_free(f.loop);
}

static void answers_that_break_the_rules_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "HTTP/1.1 200\r\nContent-Length: x\r\n",
        "HTTP/1.1 99 No\r\n",
        "HTTP/1.1 100 Continue\r\n",
        "ICY 200 OK\r\n",
        "HTTP/1.1\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\n",
        "",
    };
    struct http_head head;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char text[100];
        TEXT_COPY(text, bad[i]);
        if (head_parse_answer(text, strlen(text), &head))
            fail_msg("accepted: %s", bad[i]);
    }
    char good[] = "HTTP/1.0 503 Service Unavailable\r\ncontent-length:\t7 \r\nConnection: x, Keep-Alive\r\n";
    assert_true(head_parse_answer(good, strlen(good), &head));
    assert_int_equal(head.status, 503);
    assert_int_equal(head.length, 7);
    assert_true(head.keep_alive);
}

/* ---- where a server listens ---- */

static void a_taken_port_is_a_conflict_that_names_its_owner(void **state) {
    (void)state;
    struct fixture f;
    start(&f, NULL);
    struct http_server *second = http_server_new(f.loop, NULL, handle, &f);
    struct reason why;
    struct ip local = ip_of("127.0.0.1");
    assert_int_equal(http_server_listen(second, &local, f.port, &why), RC_CONFLICT);
    char pid[32];
    snprintf(pid, sizeof pid, "(pid %ld)", (long)getpid());
    assert_non_null(strstr(why.text, pid));

    local = ip_of("::1"); /* the same port there is free the first time */
    assert_int_equal(http_server_listen(second, &local, f.port, &why), RC_OK);
    struct http_server *third = http_server_new(f.loop, NULL, handle, &f);
    assert_int_equal(http_server_listen(third, &local, f.port, &why), RC_CONFLICT);
    assert_non_null(strstr(why.text, "[::1]:"));
    assert_non_null(strstr(why.text, pid));

    struct http_peer *peer = http_peer_new(f.loop, &(struct http_peer_options){ .address = local, .port = f.port });
    assert_int_equal(call(&f, peer, "GET", "/", "", SECONDS(5)).status, 200);
    http_peer_free(peer);
    http_server_free(second);
    http_server_free(third);
    finish(&f);
}

static void plain_is_refused_on_anything_but_loopback(void **state) {
    (void)state;
    struct loop *loop = loop_new();
    struct http_server *server = http_server_new(loop, NULL, handle, NULL);
    static const char *const outside[] = { "10.77.0.9", "0.0.0.0", "::", "fd00::9", "::ffff:127.0.0.1" };
    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        struct reason why;
        struct ip ip = ip_of(outside[i]);
        assert_int_equal(http_server_listen(server, &ip, free_port(), &why), RC_REFUSED);
        assert_non_null(strstr(why.text, "without TLS"));
    }
    http_server_free(server);
    loop_free(loop);
}

struct once {
    struct http_target target;
    msec timeout;
    enum rc rc;
    int status;
    char *body;
    struct reason why;
    struct loop *loop;
    bool done;
};

static void on_once(void *context) {
    struct once *once = context;
    once->done = true;
}

static void *run_once(void *context) {
    struct once *once = context;
    once->rc = http_call_once(&once->target, "POST", "/v1/command", "go", once->timeout, &once->status, &once->body,
                              &once->why);
    loop_post(once->loop, on_once, once);
    return NULL;
}

static void call_once(struct fixture *f, struct once *once) {
    pthread_t thread;
    once->loop = f->loop;
    once->timeout = SECONDS(5);
    assert_int_equal(pthread_create(&thread, NULL, run_once, once), 0);
    UNTIL(f, once->done);
    pthread_join(thread, NULL);
}

static void the_command_line_is_known_on_a_unix_socket_by_its_user(void **state) {
    (void)state;
    struct fixture f;
    struct reason why;
    start(&f, NULL);
    struct file path = file_at("shop", "mmm.sock");
    assert_int_equal(http_server_listen_unix(f.server, path.path, 0660, &why), RC_OK);
    struct stat status;
    assert_int_equal(lstat(path.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    struct once once = { .target.unix_path = path.path };
    call_once(&f, &once);
    assert_int_equal(once.rc, RC_OK);
    assert_int_equal(once.status, 200);
    assert_string_equal(once.body, "fine");
    free(once.body);
    char user[32];
    snprintf(user, sizeof user, "uid:%u", (unsigned)getuid());
    assert_string_equal(f.peer, user);
    finish(&f);
    assert_int_equal(lstat(path.path, &status), -1); /* removed with the server */
}

static void the_command_line_reaches_a_daemon_over_tls(void **state) {
    (void)state;
    struct fixture f;
    struct tls *tls = tls_of("shop", "shop", "db1");
    start(&f, tls_of("shop", "shop", "mon1"));
    struct once once = { .target.peer = {
                             .address = ip_of("127.0.0.1"), .port = f.port, .tls = tls, .expect_name = "mon1" } };
    call_once(&f, &once);
    assert_int_equal(once.rc, RC_OK);
    assert_string_equal(once.body, "fine");
    assert_string_equal(f.peer, "db1");
    free(once.body);
    finish(&f);

    int code;
    char *body;
    struct reason why;
    assert_int_equal(http_call_once(&once.target, "GET", "/", NULL, SECONDS(5), &code, &body, &why), RC_IO);
    int listener = listener_at((uint16_t)once.target.peer.port);
    assert_int_equal(http_call_once(&once.target, "GET", "/", NULL, 20, &code, &body, &why), RC_TIMEOUT);
    close(listener);
    tls_free(tls);
}

static void a_dead_socket_file_is_replaced_and_a_live_one_is_not(void **state) {
    (void)state;
    struct fixture f;
    struct reason why;
    start(&f, NULL);
    struct file path = file_at("shop", "mmm.sock");
    struct endpoint endpoint;
    assert_int_equal(endpoint_of_path(path.path, &endpoint, &why), RC_OK);
    int dead = endpoint_socket(&endpoint);
    assert_int_equal(bind(dead, (struct sockaddr *)&endpoint.address, endpoint.length), 0);
    close(dead);
    assert_int_equal(http_server_listen_unix(f.server, path.path, 0600, &why), RC_OK);
    struct http_server *second = http_server_new(f.loop, NULL, handle, &f);
    assert_int_equal(http_server_listen_unix(second, path.path, 0600, &why), RC_CONFLICT);
    char pid[32];
    snprintf(pid, sizeof pid, "(pid %ld)", (long)getpid());
    assert_non_null(strstr(why.text, pid));
    struct file file = file_at("shop", "ca.pem");
    assert_int_equal(http_server_listen_unix(second, file.path, 0600, &why), RC_CONFLICT);
    http_server_free(second);
    assert_int_equal(access(path.path, F_OK), 0);
    finish(&f);

    int status;
    char *body;
    struct http_target target = { .unix_path = path.path };
    assert_int_equal(http_call_once(&target, "GET", "/", NULL, SECONDS(5), &status, &body, &why), RC_IO);
    assert_non_null(strstr(why.text, "does the daemon run"));
}

/* ---- the authority ---- */

static void certificates_are_not_overwritten_unless_forced(void **state) {
    (void)state;
    struct reason why;
    struct file shop = file_at("shop", ""), key = file_at("shop", "db1.key");
    struct stat before, after;
    assert_int_equal(stat(key.path, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0600);
    assert_int_equal(cert_init(shop.path, "shop", &why), RC_CONFLICT);
    assert_int_equal(cert_issue(shop.path, "db1", 0, &why), RC_CONFLICT);
    assert_int_equal(stat(key.path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(cert_issue(shop.path, "db1", 1, &why), RC_OK);
    assert_int_equal(stat(key.path, &after), 0);
    assert_int_equal(after.st_mode & 0777, 0600);
    tls_free(tls_of("shop", "shop", "db1")); /* key and certificate still belong together */
    static const char *const bad[] = { "", "ca", "../db1", "a b", ".hidden", "a,DNS:b", "-x" };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(cert_issue(shop.path, bad[i], 1, &why), RC_INVALID);
    assert_int_equal(cert_issue("/nowhere", "db1", 0, &why), RC_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_with_a_certificate_is_known_by_its_name),
        cmocka_unit_test(a_client_without_a_certificate_has_no_name),
        cmocka_unit_test(a_certificate_of_another_authority_is_refused),
        cmocka_unit_test(a_server_with_another_name_is_refused_before_anything_is_sent),
        cmocka_unit_test(a_key_that_others_can_read_is_refused_and_named),
        cmocka_unit_test(what_is_not_a_request_is_answered_with_its_error),
        cmocka_unit_test(too_large_a_body_is_answered_413_and_the_server_goes_on),
        cmocka_unit_test(a_client_that_sends_slowly_is_closed_however_often_it_sends),
        cmocka_unit_test(a_client_that_says_nothing_is_closed),
        cmocka_unit_test(the_oldest_unknown_client_makes_room_and_a_known_one_never),
        cmocka_unit_test(one_address_never_takes_the_place_of_all),
        cmocka_unit_test(a_name_with_too_many_connections_loses_its_own_oldest),
        cmocka_unit_test(a_stranger_never_sends_a_body),
        cmocka_unit_test(a_head_request_is_answered_without_its_body),
        cmocka_unit_test(requests_sent_in_one_piece_are_answered_one_after_the_other),
        cmocka_unit_test(a_client_that_waits_to_be_told_to_go_on_is_told),
        cmocka_unit_test(abandoning_ends_the_request_and_its_late_answer_goes_nowhere),
        cmocka_unit_test(a_peer_that_was_restarted_is_reached_again_at_the_next_call),
        cmocka_unit_test(a_connection_closed_between_two_calls_is_noticed_before_anything_is_sent),
        cmocka_unit_test(a_peer_that_stays_silent_ends_the_call_at_its_deadline),
        cmocka_unit_test(answers_that_break_the_rules_are_refused),
        cmocka_unit_test(a_taken_port_is_a_conflict_that_names_its_owner),
        cmocka_unit_test(plain_is_refused_on_anything_but_loopback),
        cmocka_unit_test(the_command_line_is_known_on_a_unix_socket_by_its_user),
        cmocka_unit_test(the_command_line_reaches_a_daemon_over_tls),
        cmocka_unit_test(a_dead_socket_file_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(certificates_are_not_overwritten_unless_forced),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
