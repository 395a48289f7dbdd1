/* The guard's table in the kernel, on two network namespaces of its own with a cable between them: ours, where a server
 * listens, and its clients'.  Needs root and nft(8); without root the test is skipped (77). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "effect/guard/guard.h"

enum { OURS, THEIRS, ENDS };
enum { PORT = 3306, PATIENCE = 3000, NOBODY = 65534 };
static int namespaces[ENDS];

#define OWN "10.9.0.1"
#define OWN6 "fd09::1"
#define ROLE "10.9.0.50"
#define ROLE6 "fd09::50"
#define CLIENT "10.9.0.2"
#define CLIENT6 "fd09::2"

struct scene {
    struct guard *guard;
    struct reason why;
    int listener;
};

/* --- the machines --------------------------------------------------------------------------------------------- */

static void go_to(int end) {
    assert_int_equal(setns(namespaces[end], CLONE_NEWNET), 0);
}

/* Runs a line of the shell in the namespace where this process is; what it printed. */
static const char *run(const char *format, ...) {
    static char output[32768];
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    output[fread(output, 1, sizeof output - 1, pipe)] = 0;
    int status = pclose(pipe);
    if (status != 0)
        print_message("%s: status %d\n", line, status);
    return output;
}

static int make_machines(void **state) {
    (void)state;
    for (int i = 0; i < ENDS; i++) {
        if (unshare(CLONE_NEWNET) != 0)
            return -1;
        namespaces[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        run("ip link set lo up");
    }
    go_to(OURS);
    run("ip link add ours type veth peer name theirs netns /proc/%d/fd/%d", (int)getpid(), namespaces[THEIRS]);
    run("ip link set ours up; for a in 1 50; do ip address add 10.9.0.$a/24 dev ours;"
        " ip address add fd09::$a/64 dev ours nodad; done");
    go_to(THEIRS);
    run("ip link set theirs up; for a in 2 3 9; do ip address add 10.9.0.$a/24 dev theirs;"
        " ip address add fd09::$a/64 dev theirs nodad; done");
    return 0;
}

static struct ip ip_of(const char *text) {
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip, NULL), RC_OK);
    return ip;
}

static socklen_t to_sockaddr(const char *text, uint16_t port, struct sockaddr_storage *ret_address) {
    *ret_address = (struct sockaddr_storage){ 0 };
    if (strchr(text, ':')) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_address;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        inet_pton(AF_INET6, text, &in6->sin6_addr);
        return sizeof *in6;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)ret_address;
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    inet_pton(AF_INET, text, &in->sin_addr);
    return sizeof *in;
}

static void build_guard(struct scene *scene) {
    struct guard_exception exceptions[] = {
        { { ip_of("10.9.0.3"), 32 }, "host db2" },
        { { ip_of("10.9.0.12"), 29 }, "guard_allow" }, /* .8 to .15 */
        { { ip_of("fd09::3"), 128 }, "host db2" },
        { { ip_of("fd09::8"), 125 }, "guard_allow" },
    };
    assert_int_equal(guard_new(&(struct guard_options){ .server_port = PORT,
                                                        .exception_count = COUNT_OF(exceptions),
                                                        .exceptions = exceptions },
                               &scene->guard, &scene->why),
                     RC_OK);
}

static int start(void **state) {
    struct scene *scene = calloc(1, sizeof *scene);
    go_to(OURS);
    struct sockaddr_storage any;
    socklen_t length = to_sockaddr("::", PORT, &any);
    int yes = 1;
    scene->listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(scene->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    assert_int_equal(bind(scene->listener, (struct sockaddr *)&any, length), 0);
    assert_int_equal(listen(scene->listener, 16), 0);
    build_guard(scene);
    *state = scene;
    return 0;
}

static int finish(void **state) {
    struct scene *scene = *state;
    go_to(OURS);
    guard_free(scene->guard);
    close(scene->listener);
    run("nft flush ruleset");
    free(scene);
    return 0;
}

/* Lets the IPv4 and the IPv6 role address through for so long; 0: nothing. */
static void hold(struct scene *scene, msec left) {
    struct guard_opening openings[] = { { ip_of(ROLE), left }, { ip_of(ROLE6), left } };
    enum rc rc = guard_hold(scene->guard, openings, left ? COUNT_OF(openings) : 0, &scene->why);
    if (rc != RC_OK)
        fail_msg("%s", scene->why.text);
}

/* --- clients -------------------------------------------------------------------------------------------------- */

static bool is_ready(int fd, short events, msec patience) {
    struct pollfd wanted = { .fd = fd, .events = events };
    return poll(&wanted, 1, (int)patience) == 1;
}

/* A connection from an address at the end where this process is; or -errno. */
static int dial(const char *from, const char *to) {
    struct sockaddr_storage own, other;
    socklen_t own_length = to_sockaddr(from, 0, &own), length = to_sockaddr(to, PORT, &other);
    int fd = socket(own.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, own_length), 0);
    int error = connect(fd, (struct sockaddr *)&other, length) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        socklen_t size = sizeof error;
        error = ETIMEDOUT;
        if (is_ready(fd, POLLOUT, PATIENCE))
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0)
        return fd;
    close(fd);
    return -error;
}

/* 0, or the errno that a client from there gets. */
static int reach(int end, const char *from, const char *to) {
    go_to(end);
    int fd = dial(from, to);
    go_to(OURS);
    if (fd < 0)
        return -fd;
    close(fd);
    return 0;
}

struct session {
    int client, server;
};

static struct session connect_to(struct scene *scene, const char *from, const char *to) {
    struct session session;
    go_to(THEIRS);
    session.client = dial(from, to);
    assert_true(session.client >= 0);
    go_to(OURS);
    /* Connections of «reach» that were closed at once may stand before it. */
    for (;;) {
        assert_true(is_ready(scene->listener, POLLIN, PATIENCE));
        session.server = accept4(scene->listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(session.server >= 0);
        if (!is_ready(session.server, POLLIN, 0))
            return session;
        close(session.server);
    }
}

static void hang_up(struct session *session) {
    close(session->client);
    close(session->server);
}

/* The client says a word, the server acknowledges it: did the client hear that? */
static bool acknowledged(struct session *session) {
    char word;
    return send(session->client, "w", 1, MSG_NOSIGNAL) == 1 && is_ready(session->server, POLLIN, PATIENCE) &&
           recv(session->server, &word, 1, 0) == 1 && send(session->server, "k", 1, MSG_NOSIGNAL) == 1 &&
           is_ready(session->client, POLLIN, PATIENCE) && recv(session->client, &word, 1, 0) == 1;
}

static bool lists(const char *text) {
    return strstr(run("nft list ruleset"), text) != NULL;
}

/* --- tests ---------------------------------------------------------------------------------------------------- */

static void clients_reach_the_server_through_what_is_let_through_only(void **state) {
    struct scene *scene = *state;
    hold(scene, PATIENCE);
    assert_int_equal(reach(THEIRS, CLIENT, ROLE), 0);
    assert_int_equal(reach(THEIRS, CLIENT6, ROLE6), 0);
    assert_int_equal(reach(THEIRS, CLIENT, OWN), ECONNREFUSED);
    assert_int_equal(reach(THEIRS, CLIENT6, OWN6), ECONNREFUSED);
    hold(scene, 0);
    assert_int_equal(reach(THEIRS, CLIENT, ROLE), ECONNREFUSED);
    assert_int_equal(reach(THEIRS, CLIENT6, ROLE6), ECONNREFUSED);
}

static void exceptions_and_the_machine_itself_are_never_shut_out(void **state) {
    struct scene *scene = *state;
    hold(scene, 0);
    static const char *const let[][2] = {
        { "10.9.0.3", OWN }, { "10.9.0.3", ROLE }, { "10.9.0.9", OWN }, { "fd09::3", OWN6 }, { "fd09::9", OWN6 },
    };
    for (size_t i = 0; i < COUNT_OF(let); i++)
        assert_int_equal(reach(THEIRS, let[i][0], let[i][1]), 0);
    assert_int_equal(reach(OURS, OWN, OWN), 0);
    assert_int_equal(reach(OURS, "127.0.0.1", "127.0.0.1"), 0);
    assert_int_equal(reach(OURS, "::1", "::1"), 0);
}

static void an_established_connection_ends_with_its_address(void **state) {
    struct scene *scene = *state;
    static const char *const ends[][2] = { { CLIENT, ROLE }, { CLIENT6, ROLE6 } };
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        msec end = clock_now() + 400;
        hold(scene, 400);
        struct session session = connect_to(scene, ends[i][0], ends[i][1]);
        unsigned count = 0;
        msec last = 0;
        while (acknowledged(&session)) {
            last = clock_now();
            count++;
            assert_true(last < end + 100);
        }
        assert_true(count > 0);
        /* By a reset it is told when it next says a word; the answer to its last one may have been dropped. */
        (void)send(session.client, "w", 1, MSG_NOSIGNAL);
        assert_true(is_ready(session.client, POLLIN, PATIENCE));
        assert_true(send(session.client, "w", 1, MSG_NOSIGNAL) < 0 && (errno == EPIPE || errno == ECONNRESET));
        print_message("%u acknowledged, the last %lld ms before the end\n", count, (long long)(end - last));
        hang_up(&session);
        assert_int_equal(reach(THEIRS, ends[i][0], ends[i][1]), ECONNREFUSED);
    }
}

/* What was sent has been acknowledged by the other kernel, which may take its time: nothing more comes back of it. */
static bool is_settled(int sender) {
    int unacknowledged = 1;
    for (msec end = clock_now() + PATIENCE; unacknowledged && clock_now() < end;)
        assert_int_equal(ioctl(sender, SIOCOUTQ, &unacknowledged), 0);
    return unacknowledged == 0;
}

/* The worst case: the client has said all, and the server answers late. */
static void a_late_answer_does_not_arrive(void **state) {
    struct scene *scene = *state;
    hold(scene, PATIENCE);
    struct session session = connect_to(scene, CLIENT, ROLE);
    assert_true(acknowledged(&session));
    assert_int_equal(send(session.client, "w", 1, MSG_NOSIGNAL), 1);
    assert_true(is_ready(session.server, POLLIN, PATIENCE));
    assert_true(is_settled(session.client));
    hold(scene, 0);
    assert_true(lists("counter packets 0 bytes 0 drop"));
    assert_int_equal(send(session.server, "k", 1, MSG_NOSIGNAL), 1);
    msec deadline = clock_now() + PATIENCE;
    while (lists("counter packets 0 bytes 0 drop"))
        assert_true(clock_now() < deadline);
    assert_false(is_ready(session.client, POLLIN, 0));
    hang_up(&session);
}

static void what_is_renewed_goes_on(void **state) {
    struct scene *scene = *state;
    hold(scene, 300);
    struct session session = connect_to(scene, CLIENT, ROLE);
    for (msec end = clock_now() + 900; clock_now() < end;) {
        hold(scene, 300);
        assert_true(acknowledged(&session));
    }
    hang_up(&session);
}

static void another_process_takes_it_over_without_a_gap(void **state) {
    struct scene *scene = *state;
    hold(scene, PATIENCE);
    struct session session = connect_to(scene, CLIENT, ROLE);
    guard_free(scene->guard);
    assert_true(acknowledged(&session));
    build_guard(scene);
    assert_true(acknowledged(&session));
    hold(scene, PATIENCE);
    assert_true(acknowledged(&session));
    hang_up(&session);
}

static void a_flushed_ruleset_is_built_again(void **state) {
    struct scene *scene = *state;
    hold(scene, PATIENCE);
    run("nft flush ruleset");
    assert_int_equal(reach(THEIRS, CLIENT, OWN), 0);
    hold(scene, PATIENCE);
    assert_int_equal(reach(THEIRS, CLIENT, OWN), ECONNREFUSED);
    assert_int_equal(reach(THEIRS, CLIENT, ROLE), 0);
}

static void the_administrators_own_rules_are_not_touched(void **state) {
    struct scene *scene = *state;
    run("nft 'table inet admin { set own { type ipv4_addr; elements = { 10.9.0.9 }; }; "
        " chain input { type filter hook input priority 0; policy accept; ip saddr @own drop; }; }'");
    char *before = strdup(run("nft list table inet admin"));
    assert_non_null(strstr(before, "@own drop"));
    hold(scene, PATIENCE);
    hold(scene, 0);
    assert_string_equal(run("nft list table inet admin"), before);
    assert_int_equal(reach(THEIRS, "10.9.0.3", OWN), 0);
    assert_int_equal(guard_release(&scene->why), RC_OK);
    assert_string_equal(run("nft list table inet admin"), before);
    assert_false(lists("table inet mmm"));
    free(before);
}

static void what_is_released_shuts_nobody_out(void **state) {
    struct scene *scene = *state;
    hold(scene, 0);
    assert_int_equal(reach(THEIRS, CLIENT, OWN), ECONNREFUSED);
    assert_int_equal(guard_release(&scene->why), RC_OK);
    assert_int_equal(reach(THEIRS, CLIENT, OWN), 0);
    assert_string_equal(run("nft list ruleset"), "");
    assert_int_equal(guard_release(&scene->why), RC_NOT_FOUND);
}

static void a_person_can_read_it(void **state) {
    struct scene *scene = *state;
    hold(scene, PATIENCE);
    static const char *const lines[] = {
        "comment \"made by mmm agent; `mmm agent --release` removes it\"",
        "comment \"role addresses that are served here; each ends with its lease\"",
        "elements = { 10.9.0.50 timeout 3s expires ",
        "type filter hook input priority filter - 10; policy accept;",
        "tcp dport 3306 jump to_server",
        "ip daddr @served4 accept",
        "ip6 daddr @served6 accept",
        "iif \"lo\" accept comment \"this machine itself\"",
        "ip saddr 10.9.0.3 accept comment \"host db2\"",
        "ip saddr 10.9.0.8/29 accept comment \"guard_allow\"",
        "ip6 saddr fd09::8/125 accept comment \"guard_allow\"",
        "reject with tcp reset comment \"clients reach the server through a served address only\"",
        "tcp sport 3306 jump from_server",
        "drop comment \"no answer from an address that is not served\"",
    };
    const char *listing = run("nft list table inet mmm");
    bool all = true;
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        if (!strstr(listing, lines[i])) {
            print_message("not in it: %s\n", lines[i]);
            all = false;
        }
    if (!all)
        print_message("%s\n", listing);
    assert_true(all);
    /* nft(8) reads its own listing, so nothing in it is unknown to it. */
    char file[] = "/tmp/guard-listing-XXXXXX";
    int fd = mkstemp(file);
    assert_int_equal(write(fd, listing, strlen(listing)), strlen(listing));
    close(fd);
    assert_string_equal(run("nft -c -f %s 2>&1", file), "");
    unlink(file);
}

static void as_many_openings_and_exceptions_as_there_can_be_fit(void **state) {
    struct scene *scene = *state;
    struct guard_exception exceptions[GUARD_EXCEPTIONS_MAX];
    for (int i = 0; i < GUARD_EXCEPTIONS_MAX; i++) {
        exceptions[i] = (struct guard_exception){ { ip_of("fd10::"), 127 }, "" };
        exceptions[i].network.ip.bytes[15] = (uint8_t)(2 * i);
        memset(exceptions[i].comment, 'x', GUARD_COMMENT_SIZE - 1);
    }
    guard_free(scene->guard);
    assert_int_equal(guard_new(&(struct guard_options){ .server_port = PORT,
                                                        .exception_count = GUARD_EXCEPTIONS_MAX,
                                                        .exceptions = exceptions },
                               &scene->guard, &scene->why),
                     RC_OK);
    struct guard_opening openings[ADDRESSES_MAX];
    for (int i = 0; i < ADDRESSES_MAX; i++) {
        openings[i] = (struct guard_opening){ ip_of(ROLE6), PATIENCE };
        openings[i].ip.bytes[14] = (uint8_t)i;
    }
    for (int i = 0; i < 2; i++)
        if (guard_hold(scene->guard, openings, ADDRESSES_MAX, &scene->why) != RC_OK)
            fail_msg("%s", scene->why.text);
    assert_int_equal(reach(THEIRS, CLIENT6, ROLE6), 0);
}

static void without_the_right_to_it_the_reason_is_told(void **state) {
    struct scene *scene = *state;
    pid_t child = fork();
    if (child == 0) {
        struct guard *guard;
        if (setresuid(NOBODY, NOBODY, NOBODY) != 0)
            _exit(3);
        enum rc rc = guard_new(&(struct guard_options){ .server_port = PORT }, &guard, &scene->why);
        _exit(rc == RC_IO && strstr(scene->why.text, "CAP_NET_ADMIN") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(clients_reach_the_server_through_what_is_let_through_only, start, finish),
        cmocka_unit_test_setup_teardown(exceptions_and_the_machine_itself_are_never_shut_out, start, finish),
        cmocka_unit_test_setup_teardown(an_established_connection_ends_with_its_address, start, finish),
        cmocka_unit_test_setup_teardown(a_late_answer_does_not_arrive, start, finish),
        cmocka_unit_test_setup_teardown(what_is_renewed_goes_on, start, finish),
        cmocka_unit_test_setup_teardown(another_process_takes_it_over_without_a_gap, start, finish),
        cmocka_unit_test_setup_teardown(a_flushed_ruleset_is_built_again, start, finish),
        cmocka_unit_test_setup_teardown(the_administrators_own_rules_are_not_touched, start, finish),
        cmocka_unit_test_setup_teardown(what_is_released_shuts_nobody_out, start, finish),
        cmocka_unit_test_setup_teardown(a_person_can_read_it, start, finish),
        cmocka_unit_test_setup_teardown(as_many_openings_and_exceptions_as_there_can_be_fit, start, finish),
        cmocka_unit_test_setup_teardown(without_the_right_to_it_the_reason_is_told, start, finish),
    };
    if (geteuid() != 0)
        return 77;
    return cmocka_run_group_tests(tests, make_machines, NULL);
}
