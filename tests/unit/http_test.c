/* The HTTP server against clients that behave badly, over loopback: names, requests that are not welcome, answers. */
#include "http_pieces.h"

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
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
