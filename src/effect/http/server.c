#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "effect/http/internal.h"

const struct http_limits http_limits_default = {
    .greeting = SECONDS(5),
    .idle = SECONDS(75),
    .request = SECONDS(10),
    .answer = SECONDS(30),
    .linger = SECONDS(1),
    .connections = 256,
    .a_source = 96,
    .a_name = 16,
};

enum connection_state {
    CONNECTION_GREETING,  /* TLS handshake */
    CONNECTION_IDLE,      /* nothing of the next request has come */
    CONNECTION_READING,   /* part of a request has come */
    CONNECTION_HANDLING,  /* the handler has it; there is no deadline but the handler's own */
    CONNECTION_ANSWERING, /* until the kernel has taken the answer; the next request waits */
    CONNECTION_LINGERING, /* the last answer is out: closing now, with input unread, could destroy it on its way */
};

struct connection {
    TAILQ_ENTRY(connection) link;
    struct http_server *server;
    struct bufferevent *stream;
    struct event *deadline;
    enum connection_state state;
    bool keep;                    /* after the answer */
    bool is_known;                /* verified certificate, or unix socket */
    char peer[HTTP_PEER_SIZE];    /* when it is known */
    struct ip source;             /* family 0: a unix socket */
    struct http_request *request; /* READING with its head complete, HANDLING */
};

struct http_request {
    struct connection *connection; /* NULL: the client has left */
    struct http_head head;
    char *text; /* head points into it */
    char *body;
    size_t length;
    bool is_known;
    char peer[HTTP_PEER_SIZE];
};

/* ---- life of a connection ---- */

static void request_free(struct http_request *request) {
    free(request->text);
    free(request->body);
    free(request);
}

static void connection_free(struct connection *connection) {
    struct http_server *server = connection->server;
    TAILQ_REMOVE(&server->connections, connection, link);
    server->connection_count--;
    if (connection->request && connection->state == CONNECTION_HANDLING)
        connection->request->connection = NULL; /* the handler still has it */
    else if (connection->request)
        request_free(connection->request);
    event_free(connection->deadline);
    bufferevent_free(connection->stream);
    free(connection);
}

/* Not even the first message of the handshake has come: it costs a flood nothing, and whoever means it sends it at
 * once. */
static bool connection_is_silent(const struct connection *connection) {
    return connection->state == CONNECTION_GREETING &&
           SSL_get_state(bufferevent_openssl_get_ssl(connection->stream)) == TLS_ST_BEFORE;
}

/* Of the strangers, or of those at one address, who makes room: the oldest that is silent, else the oldest. */
static struct connection *stranger_to_leave(struct http_server *server, const struct ip *source, int *ret_count) {
    struct connection *connection, *oldest = NULL, *silent = NULL;
    *ret_count = 0;
    TAILQ_FOREACH(connection, &server->connections, link) {
        if (connection->is_known || (source && !ip_equal(&connection->source, source)))
            continue;
        ++*ret_count;
        if (!oldest && connection->state != CONNECTION_HANDLING)
            oldest = connection;
        if (!silent && connection_is_silent(connection))
            silent = connection;
    }
    return silent ? silent : oldest;
}

bool connection_make_room(struct http_server *server) {
    int count;
    struct connection *leaving = stranger_to_leave(server, NULL, &count);
    if (leaving)
        connection_free(leaving);
    return leaving != NULL;
}

/* One address may not fill the place of all: one of its own strangers makes room for its newest. */
static void source_make_room(struct http_server *server, const struct ip *source) {
    int count;
    struct connection *leaving = stranger_to_leave(server, source, &count);
    if (leaving && count >= server->limits.a_source)
        connection_free(leaving);
}

/* A name that is just known may have too many connections: its oldest that waits for nothing ends.  False: all the
 * others have a request under way, and this one, the newest, is too much. */
static bool name_make_room(struct connection *newest) {
    struct connection *connection, *oldest = NULL;
    int count = 0;
    TAILQ_FOREACH(connection, &newest->server->connections, link) {
        if (!connection->is_known || !text_equal(connection->peer, newest->peer))
            continue;
        count++;
        if (!oldest && connection != newest && connection->state != CONNECTION_HANDLING)
            oldest = connection;
    }
    if (count <= newest->server->limits.a_name)
        return true;
    if (oldest)
        connection_free(oldest);
    return oldest != NULL;
}

static void connection_enter(struct connection *connection, enum connection_state state) {
    const struct http_limits *limits = &connection->server->limits;
    msec left = NEVER;
    switch (state) {
    case CONNECTION_GREETING:
        left = limits->greeting;
        break;
    case CONNECTION_IDLE:
        left = limits->idle;
        break;
    case CONNECTION_READING:
        left = limits->request;
        break;
    case CONNECTION_HANDLING:
        break;
    case CONNECTION_ANSWERING:
        left = limits->answer;
        break;
    case CONNECTION_LINGERING:
        left = limits->linger;
        break;
    }
    connection->state = state;
    struct timeval wait = timeval_of(left);
    if (left == NEVER)
        event_del(connection->deadline);
    else
        event_add(connection->deadline, &wait);
}

/* ---- answers ---- */

static const char *status_words(int status) {
    static const struct {
        int status;
        const char *words;
    } table[] = {
        { 200, "OK" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 421, "Misdirected Request" },
        { 422, "Unprocessable Content" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
    };
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].status == status)
            return table[i].words;
    return "Other";
}

struct answer {
    int status;
    const char *type;
    const char *body;
    size_t length;
    bool without_body; /* HEAD: the length is said, the body not sent */
};

/* One write of one piece, so that head and body leave in one TLS record and one segment. */
static void connection_answer(struct connection *connection, const struct answer *answer) {
    enum { HEAD_MAX = 512 };
    struct evbuffer *out = must(evbuffer_new());
    size_t body = answer->without_body || answer->status == 204 ? 0 : answer->length;
    if (evbuffer_expand(out, HEAD_MAX + body))
        abort();
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", answer->status, status_words(answer->status));
    if (answer->status != 204)
        evbuffer_add_printf(out, "Content-Type: %.100s\r\nContent-Length: %zu\r\n", answer->type, answer->length);
    evbuffer_add_printf(out, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s%s\r\n",
                        answer->status == 405 ? "Allow: GET, HEAD, POST\r\n" : "",
                        connection->keep ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
    evbuffer_add(out, answer->body, body);
    connection_enter(connection, CONNECTION_ANSWERING);
    bufferevent_write_buffer(connection->stream, out);
    evbuffer_free(out);
}

/* What is left of the request would be taken for the next one, so the connection ends. */
static void connection_refuse(struct connection *connection, int status, const char *words) {
    char body[160];
    int length = snprintf(body, sizeof body, "{\"error\":\"%s\"}\n", words);
    if (connection->request)
        request_free(connection->request);
    connection->request = NULL;
    connection->keep = false;
    connection_answer(
        connection,
        &(struct answer){ .status = status, .type = "application/json", .body = body, .length = (size_t)length });
}

void http_respond(struct http_request *request, int status, const char *type, const char *body, size_t length) {
    struct connection *connection = request->connection;
    if (connection) {
        connection->request = NULL;
        connection_answer(connection, &(struct answer){ .status = status,
                                                        .type = type,
                                                        .body = body,
                                                        .length = length,
                                                        .without_body = text_equal(request->head.method, "HEAD") });
    }
    request_free(request);
}

/* ---- requests ---- */

static bool method_is_known(const char *method) {
    return text_equal(method, "GET") || text_equal(method, "HEAD") || text_equal(method, "POST");
}

/* Strangers are not worth the memory of their bodies. */
static bool connection_may_send(const struct connection *connection) {
    return connection->is_known || !connection->server->tls;
}

/* Answers a head that leads nowhere; true when it was answered. */
static bool connection_refuse_head(struct connection *connection, const struct http_head *head) {
    if (!method_is_known(head->method))
        connection_refuse(connection, 405, "the method is not GET, HEAD or POST");
    else if (head->encoded)
        connection_refuse(connection, 501, "Transfer-Encoding is not supported, send a Content-Length");
    else if (head->length > HTTP_BODY_MAX)
        connection_refuse(connection, 413, "the body is too large");
    else if (head->length > 0 && !connection_may_send(connection))
        connection_refuse(connection, 403, "this needs a certificate of the cluster's authority");
    else
        return false;
    return true;
}

/* True when the head of a request is there now. */
static bool connection_take_head(struct connection *connection) {
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    size_t length = 0;
    char *text = head_take(input, &length);
    if (!text) {
        if (evbuffer_get_length(input) >= HTTP_HEADERS_MAX)
            connection_refuse(connection, 431, "the headers are too large");
        return false;
    }
    struct http_request *request = must(calloc(1, sizeof *request));
    request->connection = connection;
    request->text = text;
    request->is_known = connection->is_known;
    memcpy(request->peer, connection->peer, sizeof request->peer);
    connection->request = request;
    if (!head_parse_request(text, length, &request->head)) {
        connection_refuse(connection, 400, "the request is malformed");
        return false;
    }
    if (connection_refuse_head(connection, &request->head))
        return false;
    connection->keep = request->head.keep_alive;
    if (request->head.expects_continue && evbuffer_get_length(input) < request->head.length)
        evbuffer_add_printf(bufferevent_get_output(connection->stream), "HTTP/1.1 100 Continue\r\n\r\n");
    return true;
}

static void connection_take_request(struct connection *connection) {
    if (!connection->request && !connection_take_head(connection))
        return;
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    struct http_request *request = connection->request;
    request->length = request->head.length;
    if (evbuffer_get_length(input) < request->length)
        return;
    request->body = must(malloc(request->length + 1));
    if (evbuffer_remove(input, request->body, request->length) != (int)request->length)
        abort();
    request->body[request->length] = 0;
    connection_enter(connection, CONNECTION_HANDLING);
    connection->server->handler(connection->server->context, request);
}

static void on_read(struct bufferevent *stream, void *context) {
    struct connection *connection = context;
    struct evbuffer *input = bufferevent_get_input(stream);
    if (connection->state == CONNECTION_LINGERING)
        evbuffer_drain(input, evbuffer_get_length(input));
    if (connection->state == CONNECTION_IDLE && evbuffer_get_length(input) > 0)
        connection_enter(connection, CONNECTION_READING);
    /* A request is taken only when the answer to the one before is out: on_written goes on with what waits here. */
    if (connection->state == CONNECTION_READING)
        connection_take_request(connection);
}

static void on_written(struct bufferevent *stream, void *context) {
    struct connection *connection = context;
    if (connection->state != CONNECTION_ANSWERING || evbuffer_get_length(bufferevent_get_output(stream)) > 0)
        return;
    if (connection->keep) {
        connection_enter(connection, CONNECTION_IDLE);
    } else {
        connection_enter(connection, CONNECTION_LINGERING);
        shutdown(bufferevent_getfd(stream), SHUT_WR);
    }
    on_read(stream, connection);
}

/* ---- events ---- */

/* False: it showed a certificate whose name is of no use, and is not served at all. */
static bool connection_learn_peer(struct connection *connection) {
    const SSL *ssl = bufferevent_openssl_get_ssl(connection->stream);
    enum rc rc = tls_peer_name(ssl, connection->peer, NULL);
    connection->is_known = rc == RC_OK;
    return (rc == RC_OK && name_make_room(connection)) || rc == RC_NOT_FOUND;
}

/* How much is read ahead, and what has to be done before it. */
static void connection_rank(struct connection *connection) {
    bufferevent_setwatermark(connection->stream, EV_READ, 0,
                             HTTP_HEADERS_MAX + (connection_may_send(connection) ? HTTP_BODY_MAX : 0));
    /* Refused while its event waits already: then it keeps its place, which is no harm. */
    (void)bufferevent_priority_set(connection->stream,
                                   connection->is_known ? LOOP_PRIORITY_USUAL : LOOP_PRIORITY_STRANGER);
}

static void on_event(struct bufferevent *stream, short what, void *context) {
    (void)stream;
    struct connection *connection = context;
    if ((what & BEV_EVENT_CONNECTED) && connection_learn_peer(connection)) {
        connection_rank(connection);
        connection_enter(connection, CONNECTION_IDLE);
    } else {
        connection_free(connection);
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    connection_free(context);
}

static void connection_learn_user(struct connection *connection, int fd) {
    struct ucred user;
    socklen_t length = sizeof user;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &length))
        return;
    snprintf(connection->peer, sizeof connection->peer, "uid:%u", (unsigned)user.uid);
    connection->is_known = true;
}

static struct bufferevent *stream_new(struct http_server *server, int fd, bool is_tls) {
    /* Deferred: a callback that frees the stream must not run inside a write to it. */
    int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    if (!is_tls)
        return must(bufferevent_socket_new(server->base, fd, options));
    return must(
        bufferevent_openssl_socket_new(server->base, fd, tls_session(server->tls), BUFFEREVENT_SSL_ACCEPTING, options));
}

/* Whoever has an IPv6 network has more addresses than anybody can count. */
static void source_of(int fd, struct ip *ret_source) {
    enum { NETWORK_BYTES = 8 };
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    socklen_t length = sizeof address;
    *ret_source = (struct ip){ .family = 0 };
    if (getpeername(fd, (struct sockaddr *)&address, &length))
        return;
    if (address.ss_family == AF_INET) {
        ret_source->family = 4;
        memcpy(ret_source->bytes, &((struct sockaddr_in *)&address)->sin_addr, sizeof(struct in_addr));
    } else if (address.ss_family == AF_INET6) {
        ret_source->family = 6;
        memcpy(ret_source->bytes, &((struct sockaddr_in6 *)&address)->sin6_addr, NETWORK_BYTES);
    }
}

void connection_accepted(struct http_server *server, int fd, bool is_unix) {
    struct ip source = { .family = 0 };
    if (!is_unix) {
        source_of(fd, &source);
        source_make_room(server, &source);
    }
    if (server->connection_count >= server->limits.connections && !connection_make_room(server)) {
        evutil_closesocket(fd);
        return;
    }
    bool is_tls = server->tls && !is_unix;
    struct connection *connection = must(calloc(1, sizeof *connection));
    connection->server = server;
    connection->source = source;
    connection->deadline = must(evtimer_new(server->base, on_deadline, connection));
    connection->stream = stream_new(server, fd, is_tls);
    TAILQ_INSERT_TAIL(&server->connections, connection, link);
    server->connection_count++;
    if (is_unix)
        connection_learn_user(connection, fd);
    else
        socket_no_delay(fd);
    connection_enter(connection, is_tls ? CONNECTION_GREETING : CONNECTION_IDLE);
    bufferevent_setcb(connection->stream, on_read, on_written, on_event, connection);
    connection_rank(connection);
    bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
    /* Over a unix socket the name is known from the start. */
    if (connection->is_known && !name_make_room(connection))
        connection_free(connection);
}

/* ---- what the handler sees ---- */

const char *http_request_method(const struct http_request *request) {
    return request->head.method;
}

const char *http_request_path(const struct http_request *request) {
    return request->head.path;
}

const char *http_request_query(const struct http_request *request, const char *name) {
    for (int i = 0; i < request->head.parameter_count; i++)
        if (text_equal(request->head.parameters[i].name, name))
            return request->head.parameters[i].value;
    return NULL;
}

const char *http_request_body(const struct http_request *request, size_t *ret_length) {
    if (ret_length)
        *ret_length = request->length;
    return request->body;
}

const char *http_request_peer(const struct http_request *request) {
    return request->is_known ? request->peer : NULL;
}

/* ---- the server ---- */

struct http_server *http_server_new(struct loop *loop, struct tls *tls, http_handler handler, void *context) {
    struct http_server *server = must(calloc(1, sizeof *server));
    server->base = loop_base(loop);
    server->tls = tls;
    server->handler = handler;
    server->context = context;
    server->limits = http_limits_default;
    TAILQ_INIT(&server->connections);
    SLIST_INIT(&server->listening);
    return server;
}

void http_server_free(struct http_server *server) {
    if (!server)
        return;
    listening_free_all(server);
    while (!TAILQ_EMPTY(&server->connections))
        connection_free(TAILQ_FIRST(&server->connections));
    free(server);
}
