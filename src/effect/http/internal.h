/* What the files of this folder share.
 *
 *   endpoint.c  addresses and sockets, and who holds a port that is taken
 *   tls.c       certificates of this process, and the name in the other end's
 *   head.c      the heads of requests and answers: text → struct, pure
 *   server.c    connections and requests
 *   listen.c    where a server listens
 *   peer.c      the client that keeps its connection
 *   call.c      one blocking request
 *   cert.c      the cluster's authority
 *
 * Why not evhttp: in libevent 2.1 it can neither limit connections nor the time of a whole request, hides the
 * connection from the code that would have to, answers errors in HTML, and its client breaks when a TLS connection is
 * made anew.  Both ends are small over bufferevents, and the parser is one pure file that can be fuzzed. */
#ifndef MMM_EFFECT_HTTP_INTERNAL_H
#define MMM_EFFECT_HTTP_INTERNAL_H

#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "effect/http/http.h"

struct bufferevent;
struct event;
struct event_base;
struct evbuffer;

/* Out of memory ends the process on purpose (STYLE.md). */
static inline void *must(void *pointer) {
    if (!pointer)
        abort();
    return pointer;
}
static inline struct timeval timeval_of(msec length) {
    return (struct timeval){ .tv_sec = length / 1000, .tv_usec = length % 1000 * 1000 };
}

/* ---- endpoint.c ---- */

enum { ENDPOINT_TEXT_MAX = 128 };
struct endpoint {
    struct sockaddr_storage address;
    socklen_t length;
    char text[ENDPOINT_TEXT_MAX]; /* 10.77.0.9:9988, [fd00::9]:9988, /run/mmm/monitor.sock */
};
void endpoint_of_ip(const struct ip *ip, uint16_t port, struct endpoint *ret_endpoint);
enum rc endpoint_of_path(const char *path, struct endpoint *ret_endpoint, struct reason *ret_why) NODISCARD;
bool endpoint_is_loopback(const struct endpoint *endpoint);
/* A non-blocking stream socket of the endpoint's family; -1 and errno. */
int endpoint_socket(const struct endpoint *endpoint);
/* Sends small writes at once: a report must not wait for the acknowledgement of the one before. */
void socket_no_delay(int fd);

enum { OWNER_TEXT_MAX = 64 };
/* «mysqld (pid 4711)», or «a process that could not be found» (other network namespace, no right to look). */
void owner_of_port(const struct endpoint *endpoint, char ret_text[static OWNER_TEXT_MAX]);
void owner_of_pid(long pid, char ret_text[static OWNER_TEXT_MAX]);

/* ---- tls.c ---- */

SSL *tls_session(struct tls *tls);
/* The common name of the verified certificate at the other end.  RC_NOT_FOUND: it showed none.  RC_REFUSED: it has no
 * name that can be trusted (none, two, too long, a zero in the middle). */
enum rc tls_certificate_name(const X509 *certificate, char ret_name[static HTTP_PEER_SIZE],
                             struct reason *ret_why) NODISCARD;
enum rc tls_peer_name(const SSL *ssl, char ret_name[static HTTP_PEER_SIZE], struct reason *ret_why) NODISCARD;
/* What OpenSSL says about an error of its queue, which is emptied. */
void tls_error_text(unsigned long error, char *ret_text, size_t size);

/* ---- head.c ---- */

enum { HTTP_PARAMETERS_MAX = 16, HTTP_METHOD_MAX = 16 };
struct http_head {
    const char *method;
    const char *path; /* decoded */
    int parameter_count;
    struct {
        const char *name, *value; /* decoded */
    } parameters[HTTP_PARAMETERS_MAX];
    int status;
    bool keep_alive;
    bool has_length;
    size_t length; /* of the body; SIZE_MAX: longer than any number worth keeping */
    bool encoded;  /* Transfer-Encoding: not spoken here */
    bool expects_continue;
};
/* text: a head up to and with the line end before its empty line, length bytes and a zero beyond them.  It is cut up
 * in place, and the result points into it.  False: malformed. */
bool head_parse_request(char *text, size_t length, struct http_head *ret_head) NODISCARD;
bool head_parse_answer(char *text, size_t length, struct http_head *ret_head) NODISCARD;
/* Takes a whole head out of the buffer: a malloc'ed text for the functions above.  NULL: it is not complete yet, or,
 * when the buffer holds HTTP_HEADERS_MAX bytes already, too long. */
char *head_take(struct evbuffer *input, size_t *ret_length);

/* ---- server.c and listen.c ---- */

/* Lengths of time are whole: a byte now and then does not make them longer. */
struct http_limits {
    msec greeting; /* TLS handshake */
    msec idle;     /* between two requests of a kept connection */
    msec request;  /* from the first byte of a request to its last */
    msec answer;   /* until the client has taken the answer */
    msec linger;   /* after the last answer, for the client to close first */
    int connections;
    int a_source; /* of these, from one address (IPv6: one /64) by clients who have shown no certificate */
    int a_name;   /* and by clients of one name */
};
extern const struct http_limits http_limits_default;

TAILQ_HEAD(connection_list, connection);
SLIST_HEAD(listening_list, listening);
struct http_server {
    struct event_base *base;
    struct tls *tls;
    http_handler handler;
    void *context;
    struct http_limits limits;
    struct connection_list connections; /* the oldest first */
    int connection_count;
    struct listening_list listening;
};
void connection_accepted(struct http_server *server, int fd, bool is_unix);
/* Makes room for one more; false when everybody there has a better right than a newcomer. */
bool connection_make_room(struct http_server *server);
void listening_free_all(struct http_server *server);

/* ---- peer.c ---- */

/* unix_path NULL: the address in options. */
enum rc peer_new(struct event_base *base, const char *unix_path, const struct http_peer_options *options,
                 struct http_peer **ret_peer, struct reason *ret_why) NODISCARD;
bool peer_timed_out(const struct http_peer *peer); /* the last call's end was its deadline */

#endif
