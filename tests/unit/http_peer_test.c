/* The HTTP client, and where a server listens, against each other and against servers that behave badly, over loopback
 * and unix sockets. */
#include "http_pieces.h"

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
