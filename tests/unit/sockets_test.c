/* Connections to an address that leaves, on two network namespaces with a cable between them: ours, where a server
 * listens, and its clients'.  Needs root; without it the test is skipped (77). */
#include "effect/netlink/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/limits.h"

enum { OURS, THEIRS, ENDS };
enum { PORT = 3306, PATIENCE = 3000, MOST = 1000, AT_ONCE = 100, CROWD = 700, NOBODY = 65534 };
static int namespaces[ENDS];

#define OWN "10.9.0.1"
#define OWN6 "fd09::1"
#define ROLE "10.9.0.50"
#define OTHER_ROLE "10.9.0.51"
#define ROLE6 "fd09::50"
#define CLIENT "10.9.0.2"
#define CLIENT6 "fd09::2"

struct scene {
    int listener; /* of both families: IPv4 clients have mapped addresses there */
    int listener4;
    struct reason why;
};

/* --- the machines --------------------------------------------------------------------------------------------- */

static void go_to(int end) {
    assert_int_equal(setns(namespaces[end], CLONE_NEWNET), 0);
}

static void run(const char *line) {
    if (system(line) != 0)
        fail_msg("%s", line);
}

static int make_machines(void **state) {
    (void)state;
    char line[128];
    for (int i = 0; i < ENDS; i++) {
        if (unshare(CLONE_NEWNET) != 0)
            return -1;
        namespaces[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        run("ip link set lo up");
    }
    go_to(OURS);
    snprintf(line, sizeof line, "ip link add ours type veth peer name theirs netns /proc/%d/fd/%d", (int)getpid(),
             namespaces[THEIRS]);
    run(line);
    run("ip link set ours up; for a in 1 50 51; do ip address add 10.9.0.$a/24 dev ours;"
        " ip address add fd09::$a/64 dev ours nodad; done");
    go_to(THEIRS);
    run("ip link set theirs up; ip address add " CLIENT "/24 dev theirs;"
        " ip address add " CLIENT6 "/64 dev theirs nodad");
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

static int listen_at(const char *text, uint16_t port) {
    struct sockaddr_storage at;
    socklen_t length = to_sockaddr(text, port, &at);
    int yes = 1, fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
    assert_int_equal(listen(fd, CROWD), 0);
    return fd;
}

static int start(void **state) {
    struct scene *scene = calloc(1, sizeof *scene);
    go_to(OURS);
    scene->listener = listen_at("::", PORT);
    scene->listener4 = listen_at("0.0.0.0", PORT + 1);
    *state = scene;
    return 0;
}

static int finish(void **state) {
    struct scene *scene = *state;
    go_to(OURS);
    close(scene->listener);
    close(scene->listener4);
    free(scene);
    return 0;
}

/* --- connections ---------------------------------------------------------------------------------------------- */

struct session {
    int client, server;
};

static int dial(const char *to, uint16_t port) {
    struct sockaddr_storage address;
    socklen_t length = to_sockaddr(to, port, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, length) == 0)
        return fd;
    close(fd);
    return -1;
}

static struct session connect_to(int listener, const char *to, uint16_t port) {
    struct session session;
    go_to(THEIRS);
    session.client = dial(to, port);
    go_to(OURS);
    assert_true(session.client >= 0);
    assert_int_equal(poll(&(struct pollfd){ .fd = listener, .events = POLLIN }, 1, PATIENCE), 1);
    session.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(session.server >= 0);
    return session;
}

static void hang_up(const struct session *session) {
    close(session->client);
    close(session->server);
}

/* What a client that waits for an answer gets within so long: an errno, 0 for an end, or -1 for nothing. */
static int word_for(int fd, msec patience) {
    char word;
    struct pollfd wanted = { .fd = fd, .events = POLLIN };
    if (poll(&wanted, 1, (int)patience) != 1)
        return -1;
    return recv(fd, &word, 1, 0) < 0 ? errno : 0;
}

static bool works(const struct session *session) {
    char word;
    struct pollfd wanted = { .fd = session->client, .events = POLLIN };
    return send(session->server, "k", 1, MSG_NOSIGNAL) == 1 && poll(&wanted, 1, PATIENCE) == 1 &&
           recv(session->client, &word, 1, 0) == 1;
}

static unsigned reset(struct scene *scene, const char *address) {
    struct ip ip = ip_of(address);
    unsigned count = 0;
    if (sockets_reset(&ip, 1, MOST, &count, &scene->why) != RC_OK)
        fail_msg("%s", scene->why.text);
    return count;
}

/* --- tests ---------------------------------------------------------------------------------------------------- */

/* Why there is all this: what a client would get otherwise. */
static void without_a_reset_a_waiting_client_hears_nothing_of_the_addresss_end(void **state) {
    struct scene *scene = *state;
    struct session session = connect_to(scene->listener, ROLE, PORT);
    run("ip address del " ROLE "/24 dev ours");
    close(session.server);
    assert_int_equal(word_for(session.client, AT_ONCE), -1);
    run("ip address add " ROLE "/24 dev ours");
    assert_int_equal(reset(scene, ROLE), 1); /* so it would have been told */
    assert_int_equal(word_for(session.client, AT_ONCE), ECONNRESET);
    close(session.client);
}

static void a_client_that_waits_is_told_at_once(void **state) {
    struct scene *scene = *state;
    const struct {
        int listener;
        const char *address;
        uint16_t port;
    } ways[] = { { scene->listener, ROLE, PORT },
                 { scene->listener, ROLE6, PORT },
                 { scene->listener4, ROLE, PORT + 1 } };
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct session session = connect_to(ways[i].listener, ways[i].address, ways[i].port);
        assert_int_equal(word_for(session.client, 0), -1);
        assert_int_equal(reset(scene, ways[i].address), 1);
        assert_int_equal(word_for(session.client, AT_ONCE), ECONNRESET);
        assert_int_equal(word_for(session.server, AT_ONCE), ECONNABORTED);
        hang_up(&session);
    }
}

static void connections_through_other_addresses_are_not_touched(void **state) {
    struct scene *scene = *state;
    struct session others[] = {
        connect_to(scene->listener, OWN, PORT),        connect_to(scene->listener, OWN6, PORT),
        connect_to(scene->listener, OTHER_ROLE, PORT), connect_to(scene->listener4, OWN, PORT + 1),
        connect_to(scene->listener, "fd09::51", PORT),
    };
    struct session role = connect_to(scene->listener, ROLE, PORT), role6 = connect_to(scene->listener, ROLE6, PORT);
    assert_int_equal(reset(scene, ROLE), 1);
    assert_true(works(&role6));
    assert_int_equal(reset(scene, ROLE6), 1);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_true(works(&others[i]));
        hang_up(&others[i]);
    }
    /* The listening sockets too. */
    struct session later = connect_to(scene->listener, ROLE, PORT);
    assert_true(works(&later));
    hang_up(&later);
    hang_up(&role);
    hang_up(&role6);
}

/* A connection of this machine itself to a distant server is none to the address, though the address is at its end. */
static void an_address_at_the_other_end_does_not_count(void **state) {
    struct scene *scene = *state;
    struct session session = connect_to(scene->listener, ROLE, PORT);
    assert_int_equal(reset(scene, CLIENT), 0);
    assert_true(works(&session));
    hang_up(&session);
}

/* KILL in the server is no use then. */
static void the_clients_of_a_stopped_process_are_told_too(void **state) {
    struct scene *scene = *state;
    struct session session = connect_to(scene->listener, ROLE, PORT);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        for (;;)
            pause();
    }
    close(session.server); /* only the child has it now */
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
    assert_int_equal(reset(scene, ROLE), 1);
    assert_int_equal(word_for(session.client, AT_ONCE), ECONNRESET);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(session.client);
}

/* Connected as far as the client can see, and nobody has taken it up yet. */
static void a_client_that_waits_for_the_first_word_is_told(void **state) {
    struct scene *scene = *state;
    go_to(THEIRS);
    int client = dial(ROLE, PORT);
    go_to(OURS);
    assert_int_equal(reset(scene, ROLE), 1);
    assert_int_equal(word_for(client, AT_ONCE), ECONNRESET);
    close(client);
    close(accept4(scene->listener, NULL, NULL, SOCK_CLOEXEC));
}

/* What was answered before is not lost by it. */
static void an_answer_that_has_arrived_can_still_be_read(void **state) {
    struct scene *scene = *state;
    struct session session = connect_to(scene->listener, ROLE, PORT);
    assert_int_equal(send(session.server, "k", 1, MSG_NOSIGNAL), 1);
    struct pollfd wanted = { .fd = session.client, .events = POLLIN };
    assert_int_equal(poll(&wanted, 1, PATIENCE), 1);
    assert_int_equal(reset(scene, ROLE), 1);
    assert_int_equal(word_for(session.client, AT_ONCE), 0);
    assert_int_equal(word_for(session.client, AT_ONCE), ECONNRESET);
    hang_up(&session);
}

static struct session crowd[CROWD];

/* More than one answer of the kernel can list; and as many addresses as there can be. */
static void none_of_many_is_forgotten(void **state) {
    struct scene *scene = *state;
    struct ip leaving[ADDRESSES_MAX];
    for (int i = 0; i < ADDRESSES_MAX; i++) {
        leaving[i] = ip_of(i % 2 ? "10.9.1.0" : "fd10::");
        leaving[i].bytes[3] = (uint8_t)i;
    }
    leaving[7] = ip_of(ROLE);
    leaving[ADDRESSES_MAX - 1] = ip_of(ROLE6);
    for (size_t i = 0; i < CROWD; i++)
        crowd[i] = connect_to(scene->listener, i % 3 ? ROLE : ROLE6, PORT);
    struct session other = connect_to(scene->listener, OTHER_ROLE, PORT);
    unsigned count;
    msec began = clock_now();
    assert_int_equal(sockets_reset(leaving, ADDRESSES_MAX, MOST, &count, &scene->why), RC_OK);
    print_message("%u connections in %lld ms\n", count, (long long)(clock_now() - began));
    assert_int_equal(count, CROWD);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(word_for(crowd[i].client, AT_ONCE), ECONNRESET);
        hang_up(&crowd[i]);
    }
    assert_true(works(&other));
    hang_up(&other);
}

static void it_ends_when_its_time_is_over_and_says_so(void **state) {
    struct scene *scene = *state;
    struct session session = connect_to(scene->listener, ROLE, PORT);
    struct ip ip = ip_of(ROLE);
    unsigned count;
    assert_int_equal(sockets_reset(&ip, 1, 0, &count, &scene->why), RC_TIMEOUT);
    assert_non_null(strstr(scene->why.text, "too many"));
    assert_int_equal(count, 0);
    assert_true(works(&session));
    hang_up(&session);
}

static void go_on_for(suseconds_t usec) {
    setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_usec = usec }, NULL);
}

/* The processor is somebody else's for a while, again and again. */
static void be_preempted(int signal) {
    (void)signal;
    nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    go_on_for(200);
}

static void a_busy_machine_never_keeps_the_word_from_a_client(void **state) {
    struct scene *scene = *state;
    struct session session = connect_to(scene->listener, ROLE, PORT);
    struct ip ip = ip_of(ROLE);
    unsigned count;
    struct sigaction busy = { .sa_handler = be_preempted, .sa_flags = SA_RESTART }, before;
    sigaction(SIGALRM, &busy, &before);
    msec began = clock_now();
    be_preempted(SIGALRM);
    enum rc rc = sockets_reset(&ip, 1, 20, &count, &scene->why);
    go_on_for(0);
    sigaction(SIGALRM, &before, NULL);
    print_message("%lld ms\n", (long long)(clock_now() - began));
    assert_int_equal(rc, RC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(word_for(session.client, AT_ONCE), ECONNRESET);
    hang_up(&session);
}

static void without_the_right_to_it_the_reason_is_told(void **state) {
    struct scene *scene = *state;
    struct session session = connect_to(scene->listener, ROLE, PORT);
    pid_t child = fork();
    if (child == 0) {
        struct ip ip = ip_of(ROLE);
        unsigned count;
        if (setresuid(NOBODY, NOBODY, NOBODY) != 0)
            _exit(3);
        enum rc rc = sockets_reset(&ip, 1, MOST, &count, &scene->why);
        _exit(rc == RC_IO && count == 0 && strstr(scene->why.text, "not permitted") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(works(&session));
    hang_up(&session);
}

static void this_kernel_can_do_it(void **state) {
    struct scene *scene = *state;
    if (sockets_check(&scene->why) != RC_OK)
        fail_msg("%s", scene->why.text);
}

/* --- reading -------------------------------------------------------------------------------------------------- */

struct datagram {
    struct nlmsghdr head;
    struct inet_diag_msg body;
};

static struct datagram listed(uint32_t sequence, uint8_t family) {
    struct datagram datagram = { .head = { .nlmsg_len = sizeof datagram, .nlmsg_type = 20, .nlmsg_seq = sequence },
                                 .body = { .idiag_family = family } };
    datagram.body.id.idiag_sport = 7;
    return datagram;
}

static void damaged_bytes_are_never_read_beyond_their_end(void **state) {
    (void)state;
    struct datagram datagram = listed(3, AF_INET);
    for (size_t length = 0; length <= sizeof datagram; length++) {
        uint8_t *bytes = malloc(length ? length : 1);
        memcpy(bytes, &datagram, length);
        struct socket_list list = { .sequence = 3 };
        socket_list_read(&list, bytes, length);
        assert_int_equal(list.count, length == sizeof datagram);
        free(bytes);
    }
}

static void what_belongs_to_another_question_or_family_is_passed_over(void **state) {
    (void)state;
    struct datagram datagrams[] = { listed(2, AF_INET), listed(3, AF_UNIX), listed(3, AF_INET6) };
    struct socket_list list = { .sequence = 3 };
    socket_list_read(&list, datagrams, sizeof datagrams);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.found[0].family, AF_INET6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_bytes_are_never_read_beyond_their_end),
        cmocka_unit_test(what_belongs_to_another_question_or_family_is_passed_over),
        cmocka_unit_test_setup_teardown(this_kernel_can_do_it, start, finish),
        cmocka_unit_test_setup_teardown(without_a_reset_a_waiting_client_hears_nothing_of_the_addresss_end, start,
                                        finish),
        cmocka_unit_test_setup_teardown(a_client_that_waits_is_told_at_once, start, finish),
        cmocka_unit_test_setup_teardown(connections_through_other_addresses_are_not_touched, start, finish),
        cmocka_unit_test_setup_teardown(an_address_at_the_other_end_does_not_count, start, finish),
        cmocka_unit_test_setup_teardown(the_clients_of_a_stopped_process_are_told_too, start, finish),
        cmocka_unit_test_setup_teardown(a_client_that_waits_for_the_first_word_is_told, start, finish),
        cmocka_unit_test_setup_teardown(an_answer_that_has_arrived_can_still_be_read, start, finish),
        cmocka_unit_test_setup_teardown(none_of_many_is_forgotten, start, finish),
        cmocka_unit_test_setup_teardown(it_ends_when_its_time_is_over_and_says_so, start, finish),
        cmocka_unit_test_setup_teardown(a_busy_machine_never_keeps_the_word_from_a_client, start, finish),
        cmocka_unit_test_setup_teardown(without_the_right_to_it_the_reason_is_told, start, finish),
    };
    if (geteuid() != 0)
        return 77;
    return cmocka_run_group_tests(tests, make_machines, NULL);
}
