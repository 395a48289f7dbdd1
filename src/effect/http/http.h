/* HTTP/1.1 with small bodies over TLS 1.3 with certificates on both sides, or over a unix socket (libevent's
 * bufferevents). Everything has a limit and a deadline.  Nothing here knows what the bodies mean. */
#ifndef MMM_EFFECT_HTTP_HTTP_H
#define MMM_EFFECT_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "effect/loop/loop.h"
#include "model/ip.h"

enum { HTTP_BODY_MAX = 256 * 1024, HTTP_HEADERS_MAX = 8 * 1024, HTTP_PEER_SIZE = 64, HTTP_PATH_MAX = 512 };
enum { HTTP_ANSWER_MAX = 4 * 1024 * 1024 }; /* the body of an answer, as far as the clients below take it */

/* Certificates of this process, read once: the authority, its own certificate and key.  TLS 1.3 only.
 * A key that anybody but its owner and group can read is refused.  Outlives the servers and peers that use it. */
struct tls;
enum rc tls_new(const char *ca, const char *certificate, const char *key, struct tls **ret_tls,
                struct reason *ret_why) NODISCARD;
void tls_free(struct tls *tls);

/* A request under way at the server.  It stays valid until http_respond, which must be called exactly once, from the
 * handler or later; when the client leaves early http_respond is still called and sends nothing. */
struct http_request;
const char *http_request_method(const struct http_request *request); /* GET, HEAD, POST; others are answered 405 here */
const char *http_request_path(const struct http_request *request);   /* without the query */
/* A query parameter's decoded value, or NULL. */
const char *http_request_query(const struct http_request *request, const char *name);
const char *http_request_body(const struct http_request *request, size_t *ret_length);
/* The common name in the client's certificate, verified against the authority; NULL without one.  On a unix socket
 * «uid:N» of the process at the other end (SO_PEERCRED). */
const char *http_request_peer(const struct http_request *request);
void http_respond(struct http_request *request, int status, const char *type, const char *body, size_t length);

typedef void (*http_handler)(void *context, struct http_request *request);

/* A listening server; it may listen in several places.  tls NULL: plain, which http_server_listen refuses on anything
 * but loopback.  A client needs no certificate (health checks); one that is not of the authority ends the handshake.
 * At most 256 connections: then the oldest whose client is not known by a certificate makes room for a newcomer.  Of
 * these one address has 96 at the most before it shows a certificate, and one name 16: so neither a flood nor a client
 * that forgets its connections shuts the others out.  Without a certificate nobody sends a body over TLS. */
struct http_server;
struct http_server *http_server_new(struct loop *loop, struct tls *tls, http_handler handler, void *context);
/* When the port or the socket is taken, the reason says by whom (the process's name and pid, where it can be found). */
enum rc http_server_listen(struct http_server *server, const struct ip *address, uint16_t port,
                           struct reason *ret_why) NODISCARD;
/* mode: of the socket file, 0600 or 0660.  A dead socket file is replaced, a live one is a conflict. */
enum rc http_server_listen_unix(struct http_server *server, const char *path, unsigned mode,
                                struct reason *ret_why) NODISCARD;
void http_server_free(struct http_server *server); /* not from a handler; requests under way still want http_respond */

/* A peer that is called again and again over one kept connection.  One request under way at a time; calling while one
 * is under way abandons the older (its done is not called).  After any failure the connection is made anew. */
struct http_peer;
struct http_peer_options {
    struct ip address;
    uint16_t port;
    struct tls *tls;         /* NULL: plain */
    const char *expect_name; /* the peer's certificate must carry this common name; copied.  NULL: any certificate of
                                the authority will do, so that every host could pose as this one */
    struct ip from;          /* family 0: whatever the kernel chooses; else the source address (so that a role address
                                that is about to move never carries the daemons' own talk) */
};
/* status 0: no answer; why says what happened.  body ends with a zero beyond its length and is valid during the call.
 */
typedef void (*http_done)(void *context, int status, const char *body, size_t length, const char *why);
struct http_peer *http_peer_new(struct loop *loop, const struct http_peer_options *options);
void http_peer_call(struct http_peer *peer, const char *method, const char *path, const char *body, size_t length,
                    msec timeout, http_done done, void *context);
void http_peer_abandon(struct http_peer *peer); /* ends the request under way, if any, and its connection */
void http_peer_free(struct http_peer *peer);

/* For the command line: one blocking request, over a unix socket or over TLS.  ret_body is malloc'ed. */
struct http_target {
    const char *unix_path; /* NULL: use the peer below */
    struct http_peer_options peer;
};
enum rc http_call_once(const struct http_target *target, const char *method, const char *path, const char *body,
                       msec timeout, int *ret_status, char **ret_body, struct reason *ret_why) NODISCARD;

#endif
