#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/http/internal.h"

enum peer_state {
    PEER_OFF,        /* no connection */
    PEER_CONNECTING, /* TCP */
    PEER_GREETING,   /* TLS handshake */
    PEER_READY,
};

struct http_peer {
    struct event_base *base;
    struct endpoint endpoint;
    struct tls *tls;
    char *expect_name; /* NULL: anybody of the authority */
    struct ip from;
    char called[ENDPOINT_TEXT_MAX + HTTP_PEER_SIZE + 8]; /* in error texts: db1 at 10.77.0.11:9989 */

    enum peer_state state;
    int fd;                     /* CONNECTING; later the stream's */
    struct event *connected;    /* CONNECTING */
    struct bufferevent *stream; /* GREETING, READY */
    struct event *timer;        /* the deadline of the call, or "fail now" */

    /* The call under way; done NULL: none. */
    http_done done;
    void *context;
    msec timeout;
    bool is_head;
    struct evbuffer *request; /* not yet sent */
    bool has_head;            /* of the answer */
    struct http_head head;
    struct reason broken; /* empty, or why the call fails as soon as the loop runs */
    bool timed_out;
};

/* ---- ends ---- */

/* What was sent into a cut stays in the closed socket's queue and would be delivered when the cable is back, many
 * seconds late and before anything newer (seen: a report of 16 s ago).  A reset makes the kernel forget it. */
static void forget_unsent(int fd) {
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static void peer_disconnect(struct http_peer *peer) {
    if (peer->fd >= 0)
        forget_unsent(peer->fd);
    if (peer->connected)
        event_free(peer->connected);
    if (peer->stream)
        bufferevent_free(peer->stream); /* closes fd */
    else if (peer->fd >= 0)
        close(peer->fd);
    peer->connected = NULL;
    peer->stream = NULL;
    peer->fd = -1;
    peer->state = PEER_OFF;
}

static void peer_forget_call(struct http_peer *peer) {
    event_del(peer->timer);
    peer->done = NULL;
    peer->has_head = false;
    peer->broken.text[0] = 0;
    evbuffer_drain(peer->request, evbuffer_get_length(peer->request));
}

/* done may call again, and may free the peer: nothing here looks at it afterwards. */
static void peer_fail(struct http_peer *peer, const char *why) {
    struct reason reason;
    reason_set(&reason, "%s: %s", peer->called, why);
    http_done done = peer->done;
    void *context = peer->context;
    peer_disconnect(peer);
    peer_forget_call(peer);
    if (done)
        done(context, 0, "", 0, reason.text);
}

/* From inside http_peer_call, whose caller does not expect done yet. */
static void peer_fail_soon(struct http_peer *peer, const char *what, const char *why) {
    peer_disconnect(peer);
    reason_set(&peer->broken, "%s: %s", what, why);
    struct timeval now = { .tv_sec = 0 };
    event_add(peer->timer, &now);
}

static void peer_succeed(struct http_peer *peer, char *body, size_t length) {
    http_done done = peer->done;
    void *context = peer->context;
    int status = peer->head.status;
    if (!peer->head.keep_alive || evbuffer_get_length(bufferevent_get_input(peer->stream)) > 0)
        peer_disconnect(peer);
    peer_forget_call(peer);
    done(context, status, body, length, "");
    free(body);
}

static void on_timer(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    struct http_peer *peer = context;
    if (peer->broken.text[0]) {
        struct reason broken = peer->broken;
        peer_fail(peer, broken.text);
        return;
    }
    static const char *const missing[] = {
        [PEER_OFF] = "",
        [PEER_CONNECTING] = "no connection",
        [PEER_GREETING] = "no TLS handshake",
        [PEER_READY] = "no answer",
    };
    peer->timed_out = true;
    char why[80];
    snprintf(why, sizeof why, "%s within %lld ms", missing[peer->state], (long long)peer->timeout);
    peer_fail(peer, why);
}

/* ---- the answer ---- */

static bool answer_has_body(const struct http_peer *peer) {
    return !peer->is_head && peer->head.status != 204 && peer->head.status != 304;
}

/* False: it is not complete yet, or the call has failed (and the peer may be gone). */
static bool peer_take_head(struct http_peer *peer) {
    struct evbuffer *input = bufferevent_get_input(peer->stream);
    size_t length = 0;
    char *text = head_take(input, &length);
    if (!text) {
        if (evbuffer_get_length(input) >= HTTP_HEADERS_MAX)
            peer_fail(peer, "the headers of its answer are too large");
        return false;
    }
    peer->has_head = head_parse_answer(text, length, &peer->head);
    free(text); /* the parsed answer holds numbers only */
    if (!peer->has_head) {
        peer_fail(peer, "its answer is malformed");
        return false;
    }
    if (answer_has_body(peer) && (peer->head.encoded || !peer->head.has_length)) {
        peer_fail(peer, "its answer has no length");
        return false;
    }
    if (answer_has_body(peer) && peer->head.length > HTTP_ANSWER_MAX) {
        peer_fail(peer, "its answer is too large");
        return false;
    }
    return true;
}

static void on_read(struct bufferevent *stream, void *context) {
    struct http_peer *peer = context;
    struct evbuffer *input = bufferevent_get_input(stream);
    if (!peer->done) {
        peer_disconnect(peer); /* nobody asked */
        return;
    }
    if (!peer->has_head && !peer_take_head(peer))
        return;
    size_t length = answer_has_body(peer) ? peer->head.length : 0;
    if (evbuffer_get_length(input) < length)
        return;
    char *body = must(malloc(length + 1));
    if (evbuffer_remove(input, body, length) != (int)length)
        abort();
    body[length] = 0;
    peer_succeed(peer, body, length);
}

/* ---- the connection ---- */

static void peer_send(struct http_peer *peer) {
    bufferevent_write_buffer(peer->stream, peer->request);
}

static void peer_greeted(struct http_peer *peer) {
    struct reason why;
    char name[HTTP_PEER_SIZE];
    if (tls_peer_name(bufferevent_openssl_get_ssl(peer->stream), name, &why)) {
        peer_fail(peer, why.text);
    } else if (peer->expect_name && !text_equal(name, peer->expect_name)) {
        reason_set(&why, "its certificate is that of «%s», not of «%s»", name, peer->expect_name);
        peer_fail(peer, why.text);
    } else {
        peer->state = PEER_READY;
        peer_send(peer);
    }
}

static void stream_why(struct bufferevent *stream, short what, char *ret_text, size_t size) {
    unsigned long error = bufferevent_get_openssl_error(stream);
    SSL *ssl = bufferevent_openssl_get_ssl(stream);
    if (ssl && SSL_get_verify_result(ssl) != X509_V_OK)
        snprintf(ret_text, size, "its certificate: %s", X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
    else if (error)
        tls_error_text(error, ret_text, size);
    else if (what & BEV_EVENT_ERROR && errno)
        snprintf(ret_text, size, "%s", strerror(errno));
    else
        snprintf(ret_text, size, "it closed the connection");
}

static void on_event(struct bufferevent *stream, short what, void *context) {
    struct http_peer *peer = context;
    if (what & BEV_EVENT_CONNECTED) {
        peer_greeted(peer);
    } else if (!peer->done) {
        peer_disconnect(peer); /* it closed a connection that was not in use */
    } else {
        char text[160], why[200];
        stream_why(stream, what, text, sizeof text);
        snprintf(why, sizeof why, "%s: %s", peer->state == PEER_GREETING ? "TLS" : "lost", text);
        peer_fail(peer, why);
    }
}

static void on_connected(evutil_socket_t fd, short what, void *context) {
    (void)what;
    struct http_peer *peer = context;
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length))
        error = errno;
    if (error) {
        char why[100];
        snprintf(why, sizeof why, "cannot connect: %s", strerror(error));
        peer_fail(peer, why);
        return;
    }
    event_free(peer->connected);
    peer->connected = NULL;
    /* Deferred: a callback that frees the stream must not run inside a write to it. */
    int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    if (peer->tls)
        peer->stream = must(bufferevent_openssl_socket_new(peer->base, fd, tls_session(peer->tls),
                                                           BUFFEREVENT_SSL_CONNECTING, options));
    else
        peer->stream = must(bufferevent_socket_new(peer->base, fd, options));
    bufferevent_setcb(peer->stream, on_read, NULL, on_event, peer);
    bufferevent_setwatermark(peer->stream, EV_READ, 0, HTTP_HEADERS_MAX + HTTP_ANSWER_MAX);
    bufferevent_enable(peer->stream, EV_READ | EV_WRITE);
    peer->state = peer->tls ? PEER_GREETING : PEER_READY;
    if (peer->state == PEER_READY)
        peer_send(peer);
}

static bool bind_source(int fd, const struct ip *from) {
    struct endpoint source;
    int on = 1;
    endpoint_of_ip(from, 0, &source);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on); /* spares ephemeral ports */
    return bind(fd, (struct sockaddr *)&source.address, source.length) == 0;
}

static void peer_connect(struct http_peer *peer) {
    peer->fd = endpoint_socket(&peer->endpoint);
    if (peer->fd < 0) {
        peer_fail_soon(peer, "no socket", strerror(errno));
        return;
    }
    if (peer->endpoint.address.ss_family != AF_UNIX)
        socket_no_delay(peer->fd);
    if (peer->from.family && !bind_source(peer->fd, &peer->from)) {
        int error = errno;
        char what[IP_TEXT_MAX + 40], from[IP_TEXT_MAX];
        ip_format(&peer->from, from);
        snprintf(what, sizeof what, "cannot connect from %s", from);
        peer_fail_soon(peer, what, strerror(error));
        return;
    }
    if (connect(peer->fd, (struct sockaddr *)&peer->endpoint.address, peer->endpoint.length) && errno != EINPROGRESS) {
        peer_fail_soon(peer, "cannot connect", strerror(errno));
        return;
    }
    peer->state = PEER_CONNECTING;
    peer->connected = must(event_new(peer->base, peer->fd, EV_WRITE, on_connected, peer));
    event_add(peer->connected, NULL);
}

/* Between two calls nothing may arrive.  What has (the end of the stream, a reset, a TLS alert) means that the
 * connection is finished, even when the loop has not come to see it; then a new one is made before anything is sent,
 * and no request is ever sent twice. */
static bool connection_is_fresh(const struct http_peer *peer) {
    char byte;
    return recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* ---- calls ---- */

static void request_write(struct http_peer *peer, const char *method, const char *path, const char *body,
                          size_t length) {
    enum { HEAD_MAX = 256 };
    bool has_body = length > 0 || text_equal(method, "POST");
    if (evbuffer_expand(peer->request, HEAD_MAX + strlen(path) + length)) /* one piece: one record, one segment */
        abort();
    evbuffer_add_printf(peer->request, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path,
                        peer->expect_name ? peer->expect_name : "mmm");
    if (has_body)
        evbuffer_add_printf(peer->request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", length);
    evbuffer_add(peer->request, "\r\n", 2);
    evbuffer_add(peer->request, body, length);
}

void http_peer_call(struct http_peer *peer, const char *method, const char *path, const char *body, size_t length,
                    msec timeout, http_done done, void *context) {
    http_peer_abandon(peer);
    peer->done = done;
    peer->context = context;
    peer->timeout = timeout;
    peer->timed_out = false;
    peer->is_head = text_equal(method, "HEAD");
    request_write(peer, method, path, body, length);
    struct timeval wait = timeval_of(timeout > 0 ? timeout : 0);
    event_base_update_cache_time(peer->base); /* the deadline counts from now, not from when the loop woke up */
    event_add(peer->timer, &wait);
    if (peer->state == PEER_READY && !connection_is_fresh(peer))
        peer_disconnect(peer);
    if (peer->state == PEER_READY)
        peer_send(peer);
    else
        peer_connect(peer);
}

void http_peer_abandon(struct http_peer *peer) {
    if (!peer->done)
        return;
    peer_disconnect(peer);
    peer_forget_call(peer);
}

bool peer_timed_out(const struct http_peer *peer) {
    return peer->timed_out;
}

enum rc peer_new(struct event_base *base, const char *unix_path, const struct http_peer_options *options,
                 struct http_peer **ret_peer, struct reason *ret_why) {
    struct endpoint endpoint;
    if (unix_path) {
        enum rc rc = endpoint_of_path(unix_path, &endpoint, ret_why);
        if (rc)
            return rc;
    } else {
        endpoint_of_ip(&options->address, options->port, &endpoint);
    }
    struct http_peer *peer = must(calloc(1, sizeof *peer));
    peer->base = base;
    peer->endpoint = endpoint;
    peer->fd = -1;
    if (!unix_path) {
        peer->tls = options->tls;
        peer->from = options->from;
        if (options->expect_name)
            peer->expect_name = must(strdup(options->expect_name));
    }
    if (peer->expect_name)
        snprintf(peer->called, sizeof peer->called, "%.63s at %s", peer->expect_name, endpoint.text);
    else
        TEXT_COPY(peer->called, endpoint.text);
    peer->timer = must(evtimer_new(base, on_timer, peer));
    peer->request = must(evbuffer_new());
    *ret_peer = peer;
    return RC_OK;
}

struct http_peer *http_peer_new(struct loop *loop, const struct http_peer_options *options) {
    struct http_peer *peer = NULL;
    if (peer_new(loop_base(loop), NULL, options, &peer, NULL))
        abort(); /* only a path can be wrong */
    return peer;
}

void http_peer_free(struct http_peer *peer) {
    if (!peer)
        return;
    peer_disconnect(peer);
    event_free(peer->timer);
    evbuffer_free(peer->request);
    free(peer->expect_name);
    free(peer);
}
