/* On two network namespaces of its own with a cable between them: ours, where the role addresses are, and the other
 * end, which is a neighbour and at times a stranger.  Needs root; without it the test is skipped (77). */
#include "effect/netlink/addresses.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "effect/netlink/neighbours.h"
#include "effect/netlink/rtnetlink.h"

enum { OURS, OTHER, ENDS };
static const char *const interfaces[ENDS] = { "ours", "other" };
static int namespaces[ENDS];

struct scene {
    struct loop *loop;
    struct loop_timer *patience;
    struct addresses *addresses[ENDS];
    struct reason why;
    struct ip claimed;
    struct mac claimant;
    unsigned claims;
};

/* --- the machines --------------------------------------------------------------------------------------------- */

static void go_to(int end) {
    assert_int_equal(setns(namespaces[end], CLONE_NEWNET), 0);
}

/* Runs ip with the words of the line, in the namespace where this process is; what it printed. */
static const char *ip_run(const char *format, ...) {
    static char output[8192];
    char line[256], *words[32] = { NULL };
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size_t count = 0;
    words[count++] = strdup("ip");
    for (char *rest = line, *word; (word = strsep(&rest, " ")) != NULL;)
        words[count++] = word;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execvp("ip", words);
        _exit(127);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t got;
    while ((got = read(ends[0], output + used, sizeof output - 1 - used)) > 0)
        used += (size_t)got;
    output[used] = 0;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0)
        print_message("ip %s: status %d\n", format, status);
    free(words[0]);
    return output;
}

/* Waits for a condition with a deadline: whether what ip prints has the text in it. */
static bool comes_true(bool wanted, const char *text, const char *command) {
    msec deadline = clock_now() + SECONDS(5);
    do
        if ((strstr(ip_run("%s", command), text) != NULL) == wanted)
            return true;
    while (clock_now() < deadline);
    return false;
}

static void no_detection(void) {
    int fd = open("/proc/sys/net/ipv6/conf/default/accept_dad", O_WRONLY);
    if (fd >= 0 && write(fd, "0\n", 2) != 2)
        print_message("duplicate address detection stays on\n");
    close(fd);
}

static int make_machines(void **state) {
    (void)state;
    for (int i = 0; i < ENDS; i++) {
        if (unshare(CLONE_NEWNET) != 0)
            return -1;
        no_detection();
        namespaces[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    }
    go_to(OURS);
    ip_run("link add ours type veth peer name other netns /proc/%d/fd/%d", (int)getpid(), namespaces[OTHER]);
    ip_run("link add second type veth peer name second_end");
    ip_run("link set ours up");
    go_to(OTHER);
    ip_run("link set other up");
    return 0;
}

static void stranger_seen(void *context, const struct ip *ip, const struct mac *mac) {
    struct scene *scene = context;
    scene->claimed = *ip;
    scene->claimant = *mac;
    scene->claims++;
    loop_stop(scene->loop);
}

static void nobody_claims(void *context, const struct ip *ip, const struct mac *mac) {
    (void)context;
    (void)ip;
    (void)mac;
    fail_msg("the other end does not watch");
}

static void patience_ends(void *context) {
    struct scene *scene = context;
    loop_stop(scene->loop);
}

/* 10.9.0.1 and fd00::1 are ours, .2 and ::2 the neighbour's. */
static int start(void **state) {
    struct scene *scene = calloc(1, sizeof *scene);
    scene->loop = loop_new();
    scene->patience = loop_timer_new(scene->loop, patience_ends, scene);
    for (int i = ENDS - 1; i >= 0; i--) {
        go_to(i);
        ip_run("addr flush dev %s scope global", interfaces[i]);
        ip_run("neigh flush dev %s nud all", interfaces[i]);
        ip_run("addr add 10.9.0.%d/24 dev %s", i + 1, interfaces[i]);
        ip_run("addr add fd00::%d/64 dev %s nodad", i + 1, interfaces[i]);
        if (addresses_new(scene->loop, interfaces[i], i == OURS ? stranger_seen : nobody_claims, scene,
                          &scene->addresses[i], &scene->why) != RC_OK)
            fail_msg("%s", scene->why.text);
    }
    *state = scene;
    return 0;
}

static int finish(void **state) {
    struct scene *scene = *state;
    for (int i = 0; i < ENDS; i++)
        addresses_free(scene->addresses[i]);
    loop_timer_free(scene->patience);
    loop_free(scene->loop);
    free(scene);
    return 0;
}

static struct ip ip_of(const char *text) {
    struct ip ip;
    assert_int_equal(ip_parse(text, &ip, NULL), RC_OK);
    return ip;
}

static void set(struct scene *scene, int end, const char *text, uint8_t prefix, msec lifetime) {
    struct ip ip = ip_of(text);
    if (addresses_set(scene->addresses[end], &ip, prefix, lifetime, &scene->why) != RC_OK)
        fail_msg("%s", scene->why.text);
}

static void remove_address(struct scene *scene, const char *text) {
    struct ip ip = ip_of(text);
    if (addresses_remove(scene->addresses[OURS], &ip, 24, &scene->why) != RC_OK)
        fail_msg("%s", scene->why.text);
}

static bool held(struct scene *scene, const char *text, struct held_address *ret_held) {
    struct ip ip = ip_of(text);
    struct held_address all[16];
    size_t count;
    if (addresses_list(scene->addresses[OURS], all, COUNT_OF(all), &count, &scene->why) != RC_OK)
        fail_msg("%s", scene->why.text);
    for (size_t i = 0; i < count; i++)
        if (ip_equal(&all[i].ip, &ip)) {
            *ret_held = all[i];
            return true;
        }
    return false;
}

/* --- addresses ------------------------------------------------------------------------------------------------ */

static const char *const roles[] = { "10.9.0.50", "fd00::50" };

static void an_address_is_set_renewed_listed_and_removed(void **state) {
    struct scene *scene = *state;
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        struct held_address found;
        uint8_t prefix = i == 0 ? 24 : 64;
        assert_false(held(scene, roles[i], &found));
        set(scene, OURS, roles[i], prefix, 5000);
        assert_true(held(scene, roles[i], &found));
        assert_in_range(found.left, 2900, 4000);
        set(scene, OURS, roles[i], prefix, 9900);
        assert_true(held(scene, roles[i], &found));
        assert_in_range(found.left, 7900, 9000);
        assert_int_equal(found.prefix, i == 0 ? 32 : 128);
        struct ip ip = ip_of(roles[i]);
        assert_true(addresses_is_local(&ip));
        remove_address(scene, roles[i]);
        assert_false(held(scene, roles[i], &found));
        assert_false(addresses_is_local(&ip));
        remove_address(scene, roles[i]);
    }
}

static void the_machines_own_address_has_no_lifetime_and_stays_the_source(void **state) {
    struct scene *scene = *state;
    struct held_address found;
    set(scene, OURS, roles[0], 24, 5000);
    set(scene, OURS, roles[1], 64, 5000);
    assert_true(held(scene, "10.9.0.1", &found));
    assert_true(found.left == NEVER);
    assert_int_equal(found.prefix, 24);
    assert_true(comes_true(true, "src 10.9.0.1 ", "route get 10.9.0.2"));
    assert_true(comes_true(true, "src fd00::1 ", "-6 route get fd00::2"));
}

static void a_lifetime_that_cannot_be_kept_is_refused(void **state) {
    struct scene *scene = *state;
    struct ip ip = ip_of(roles[0]);
    struct held_address found;
    assert_int_equal(addresses_set(scene->addresses[OURS], &ip, 24, 999, &scene->why), RC_REFUSED);
    assert_int_equal(addresses_set(scene->addresses[OURS], &ip, 24, NEVER, &scene->why), RC_REFUSED);
    assert_int_equal(addresses_set(scene->addresses[OURS], &ip, 24, -5, &scene->why), RC_REFUSED);
    assert_false(held(scene, roles[0], &found));
}

static void an_address_left_by_hand_gets_a_lifetime_and_can_be_removed(void **state) {
    struct scene *scene = *state;
    struct held_address found;
    ip_run("addr add %s/24 dev ours", roles[0]);
    ip_run("addr add %s/64 dev ours nodad", roles[1]);
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        assert_true(held(scene, roles[i], &found));
        assert_true(found.left == NEVER);
        set(scene, OURS, roles[i], 24, 5000);
        assert_true(held(scene, roles[i], &found));
        assert_in_range(found.left, 2900, 4000);
    }
    ip_run("addr add %s/24 dev ours", roles[0]);
    remove_address(scene, roles[0]);
    remove_address(scene, roles[1]);
    assert_false(held(scene, roles[0], &found));
    assert_false(held(scene, roles[1], &found));
    assert_true(held(scene, "10.9.0.1", &found));
}

/* The role comes first, as while the machine's network is restarted: it is the first address of its subnet. */
static void removing_the_first_address_of_a_subnet_leaves_the_others(void **state) {
    struct scene *scene = *state;
    struct held_address found;
    ip_run("addr del 10.9.0.1/24 dev ours");
    set(scene, OURS, roles[0], 24, 5000);
    assert_true(held(scene, roles[0], &found));
    assert_int_equal(found.prefix, 24);
    ip_run("addr add 10.9.0.1/24 dev ours");
    remove_address(scene, roles[0]);
    assert_true(held(scene, "10.9.0.1", &found));

    ip_run("addr del 10.9.0.1/24 dev ours");
    set(scene, OURS, roles[0], 24, 5000);
    ip_run("addr add 10.9.0.1/24 dev ours");
    set(scene, OURS, roles[0], 24, 5000);
    assert_true(held(scene, roles[0], &found));
    assert_int_equal(found.prefix, 32);
    assert_true(held(scene, "10.9.0.1", &found));
    assert_true(comes_true(true, "src 10.9.0.1 ", "route get 10.9.0.2"));
}

static void a_subnet_that_only_the_role_has_is_reached_through_it(void **state) {
    struct scene *scene = *state;
    struct held_address found;
    set(scene, OURS, "10.8.0.50", 24, 5000);
    set(scene, OURS, "10.8.0.51", 24, 5000);
    assert_true(held(scene, "10.8.0.50", &found));
    assert_int_equal(found.prefix, 24);
    assert_true(comes_true(true, "10.8.0.0/24", "route show dev ours"));
    remove_address(scene, "10.8.0.50");
    assert_true(held(scene, "10.8.0.51", &found));
    set(scene, OURS, "10.8.0.51", 24, 5000);
    assert_true(held(scene, "10.8.0.51", &found));
    assert_int_equal(found.prefix, 24);
}

static void set_and_be_stopped(struct scene *scene, msec lifetime) {
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        struct ip ip = ip_of(roles[i]);
        if (addresses_set(scene->addresses[OURS], &ip, 24, lifetime, NULL) != RC_OK)
            _exit(1);
    }
    raise(SIGSTOP);
    _exit(0);
}

static void the_address_of_a_stopped_process_goes_at_the_end_of_its_lifetime(void **state) {
    struct scene *scene = *state;
    enum { LIFETIME = 1900, LATE = 1100 };
    pid_t child = fork();
    if (child == 0)
        set_and_be_stopped(scene, LIFETIME);
    int status;
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    msec began = clock_now(), sure[COUNT_OF(roles)];
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        struct held_address found;
        assert_true(held(scene, roles[i], &found));
        sure[i] = clock_now() + found.left;
    }
    for (unsigned present = 3; present != 0;)
        for (size_t i = 0; i < COUNT_OF(roles); i++) {
            struct held_address found;
            if ((present & 1u << i) == 0 || held(scene, roles[i], &found))
                continue;
            msec now = clock_now();
            print_message("%s: lifetime %d, gone after %lld ms\n", roles[i], LIFETIME, (long long)(now - began));
            assert_true(now >= sure[i]);
            present &= ~(1u << i);
            assert_true(now < began + LIFETIME + LATE);
        }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void an_interface_that_does_not_exist_or_is_not_ethernet_is_refused(void **state) {
    struct scene *scene = *state;
    struct addresses *none = NULL;
    assert_int_equal(addresses_new(scene->loop, "nothing", nobody_claims, NULL, &none, &scene->why), RC_NOT_FOUND);
    assert_int_equal(addresses_new(scene->loop, "lo", nobody_claims, NULL, &none, &scene->why), RC_INVALID);
    assert_null(none);
}

/* --- neighbours ----------------------------------------------------------------------------------------------- */

static void a_neighbours_cache_follows_an_announcement(void **state) {
    struct scene *scene = *state;
    struct mac mac;
    char text[MAC_TEXT_MAX];
    addresses_mac(scene->addresses[OURS], &mac);
    mac_format(&mac, text);
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        char command[64];
        snprintf(command, sizeof command, "neigh show %s dev other", roles[i]);
        go_to(OTHER);
        ip_run("neigh replace %s lladdr 02:00:00:00:00:99 dev other nud reachable", roles[i]);
        assert_true(comes_true(true, "02:00:00:00:00:99", command));
        go_to(OURS);
        set(scene, OURS, roles[i], 24, 5000);
        struct ip ip = ip_of(roles[i]);
        assert_int_equal(addresses_announce(scene->addresses[OURS], &ip, &scene->why), RC_OK);
        go_to(OTHER);
        assert_true(comes_true(true, text, command));
        go_to(OURS);
    }
}

static void watch(struct scene *scene, const char *text) {
    struct ip ips[] = { ip_of("192.0.2.1"), ip_of("2001:db8::1"), ip_of(text), ip_of("192.0.2.2") };
    addresses_watch(scene->addresses[OURS], ips, COUNT_OF(ips));
}

static void wait_for_claim(struct scene *scene) {
    loop_timer_set(scene->patience, clock_now() + SECONDS(5));
    loop_run(scene->loop);
}

static void assert_claimed_by_other(struct scene *scene, const char *text) {
    struct mac mac;
    addresses_mac(scene->addresses[OTHER], &mac);
    struct ip ip = ip_of(text);
    assert_in_range(scene->claims, 1, 2); /* an announcement of an IPv4 address is two packets */
    assert_true(ip_equal(&scene->claimed, &ip));
    assert_true(mac_equal(&scene->claimant, &mac));
    scene->claims = 0;
}

static void a_strangers_announcement_is_reported_with_its_mac(void **state) {
    struct scene *scene = *state;
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        struct ip ip = ip_of(roles[i]), other = ip_of(i == 0 ? "10.9.0.51" : "fd00::1:50");
        set(scene, OURS, roles[i], 24, 5000);
        watch(scene, roles[i]);
        /* Not watched, though the last is alike in the four bytes that the filter looks at; then the one that is. */
        assert_int_equal(addresses_announce(scene->addresses[OTHER], &other, &scene->why), RC_OK);
        assert_int_equal(addresses_announce(scene->addresses[OTHER], &ip, &scene->why), RC_OK);
        wait_for_claim(scene);
        assert_claimed_by_other(scene, roles[i]);
        addresses_watch(scene->addresses[OURS], NULL, 0);
        scene->claims = 0;
    }
}

static void a_question_brings_out_a_silent_stranger(void **state) {
    struct scene *scene = *state;
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        struct ip ip = ip_of(roles[i]);
        set(scene, OURS, roles[i], 24, 5000);
        go_to(OTHER);
        ip_run("addr add %s/%d dev other%s", roles[i], i == 0 ? 32 : 128, i == 0 ? "" : " nodad");
        go_to(OURS);
        watch(scene, roles[i]);
        /* A packet may be lost on a busy machine: the question is repeated, as the agent repeats it. */
        msec deadline = clock_now() + SECONDS(5);
        scene->claims = 0;
        while (scene->claims == 0 && clock_now() < deadline) {
            assert_int_equal(addresses_ask(scene->addresses[OURS], &ip, &scene->why), RC_OK);
            loop_timer_set(scene->patience, clock_now() + 500);
            loop_run(scene->loop);
        }
        assert_claimed_by_other(scene, roles[i]);
    }
}

static void a_claim_of_this_machines_other_interface_is_not_reported(void **state) {
    struct scene *scene = *state;
    struct rtnetlink *netlink;
    struct rt_link second;
    assert_int_equal(rtnetlink_new(&netlink, &scene->why), RC_OK);
    assert_int_equal(rtnetlink_link(netlink, "second", &second, &scene->why), RC_OK);
    rtnetlink_free(netlink);
    struct ip ip = ip_of(roles[0]);
    struct neighbours *from_other;
    go_to(OTHER);
    assert_int_equal(
        neighbours_new(scene->loop, (int)if_nametoindex("other"), nobody_claims, NULL, &from_other, &scene->why),
        RC_OK);
    go_to(OURS);
    watch(scene, roles[0]);
    assert_int_equal(neighbours_announce(from_other, &ip, &second.mac, &scene->why), RC_OK);
    struct mac foreign = { { 2, 0, 0, 0, 0, 9 } };
    assert_int_equal(neighbours_announce(from_other, &ip, &foreign, &scene->why), RC_OK);
    wait_for_claim(scene);
    assert_true(scene->claims > 0);
    assert_true(mac_equal(&scene->claimant, &foreign));
    neighbours_free(from_other);
}

static void make_link(void) {
    ip_run("link add ours type veth peer name other netns /proc/%d/fd/%d", (int)getpid(), namespaces[OTHER]);
    ip_run("link set ours up");
    go_to(OTHER);
    ip_run("link set other up");
    go_to(OURS);
}

static void an_interface_that_was_made_anew_is_found_again(void **state) {
    struct scene *scene = *state;
    struct held_address found;
    struct ip ip = ip_of(roles[0]);
    watch(scene, roles[0]);
    ip_run("link del ours");
    struct held_address all[16];
    size_t count;
    assert_int_equal(addresses_list(scene->addresses[OURS], all, COUNT_OF(all), &count, &scene->why), RC_NOT_FOUND);
    make_link();
    set(scene, OURS, roles[0], 24, 5000);
    assert_true(held(scene, roles[0], &found));
    assert_true(comes_true(true, "LOWER_UP", "link show ours"));
    go_to(OTHER); /* where the other end opens its sockets anew */
    assert_int_equal(addresses_announce(scene->addresses[OTHER], &ip, &scene->why), RC_OK);
    go_to(OURS);
    wait_for_claim(scene);
    assert_true(scene->claims > 0);
}

static void hears_of_an_interface_that_is_gone(void *context, const struct ip *ip, const struct mac *mac) {
    struct scene *scene = context;
    stranger_seen(context, ip, mac);
    struct held_address all[16];
    size_t count;
    if (scene->claims == 1)
        assert_int_equal(addresses_list(scene->addresses[OURS], all, COUNT_OF(all), &count, &scene->why), RC_OK);
}

/* Whoever hears a claim looks at the addresses, and may find another interface there than the one that it came by. */
static void a_claim_that_came_by_an_interface_that_is_gone_does_no_harm(void **state) {
    struct scene *scene = *state;
    struct ip ip = ip_of(roles[0]);
    addresses_free(scene->addresses[OURS]);
    assert_int_equal(addresses_new(scene->loop, "ours", hears_of_an_interface_that_is_gone, scene,
                                   &scene->addresses[OURS], &scene->why),
                     RC_OK);
    watch(scene, roles[0]);
    go_to(OTHER);
    for (int i = 0; i < 5; i++)
        assert_int_equal(addresses_announce(scene->addresses[OTHER], &ip, &scene->why), RC_OK);
    go_to(OURS);
    ip_run("link del ours");
    make_link();
    wait_for_claim(scene);
    assert_int_equal(scene->claims, 1); /* what had come by the old one after it is forgotten */
}

/* --- outside bytes -------------------------------------------------------------------------------------------- */

static uint32_t random_next(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A datagram of three addresses and a link, as a dump has them. */
static size_t sample(char *buffer) {
    size_t used = 0;
    for (int i = 0; i < 4; i++) {
        struct nlmsghdr *message = mnl_nlmsg_put_header(buffer + used);
        message->nlmsg_type = i == 3 ? RTM_NEWLINK : RTM_NEWADDR;
        message->nlmsg_seq = 7;
        message->nlmsg_pid = 9;
        if (i == 3) {
            mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
            mnl_attr_put(message, 1, 6, "\2\0\0\0\0\1");
        } else {
            struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(message, sizeof *head);
            head->ifa_family = i == 1 ? AF_INET6 : AF_INET;
            head->ifa_prefixlen = 24;
            head->ifa_index = 3;
            mnl_attr_put(message, IFA_ADDRESS, i == 1 ? 16 : 4, "\12\11\0\1............");
            struct ifa_cacheinfo life = { .ifa_valid = 5 };
            mnl_attr_put(message, IFA_CACHEINFO, sizeof life, &life);
            mnl_attr_put_u32(message, IFA_FLAGS, 0x80);
        }
        used += message->nlmsg_len;
    }
    return used;
}

static void a_netlink_answer_is_read(void **state) {
    (void)state;
    char buffer[1024] __attribute__((aligned(8)));
    struct rt_reply reply = { .sequence = 7, .port = 9 };
    size_t length = sample(buffer);
    rt_reply_read(&reply, buffer, length);
    assert_int_equal(reply.address_count, 3);
    assert_int_equal(reply.addresses[0].valid_s, 5);
    assert_int_equal(reply.addresses[1].ip.family, 6);
    assert_int_equal(reply.link_count, 1);
    assert_false(reply.done);
    reply = (struct rt_reply){ .sequence = 8, .port = 9 };
    rt_reply_read(&reply, buffer, length);
    assert_int_equal(reply.address_count, 0);
}

static void damaged_bytes_are_never_read_beyond_their_end(void **state) {
    (void)state;
    uint32_t seed = 20260101;
    for (int round = 0; round < 50000; round++) {
        char buffer[1024] __attribute__((aligned(8))) = { 0 };
        size_t length = sample(buffer);
        for (uint32_t hits = random_next(&seed) % 6; hits > 0; hits--)
            buffer[random_next(&seed) % length] = (char)random_next(&seed);
        length = random_next(&seed) % (length + 1);
        uint8_t *exact = malloc(length > 0 ? length : 1); /* so that the sanitizer sees one byte too far */
        memcpy(exact, buffer, length);
        struct rt_reply *reply = calloc(1, sizeof *reply);
        reply->sequence = 7;
        reply->port = 9;
        rt_reply_read(reply, exact, length);
        assert_true(reply->address_count <= RT_ADDRESSES_MAX);
        free(reply);
        struct ip ip;
        struct mac mac;
        (void)neighbours_read_arp(exact, length, &ip, &mac);
        for (size_t i = 0; i < length && i < 64; i++)
            exact[i] = (uint8_t)random_next(&seed);
        if (length > 41) {
            memcpy(exact + 4, "\0\40\72\377", 4); /* 32 bytes of ICMPv6 with hop limit 255 */
            exact[40] = 136;
            exact[41] = 0;
        }
        (void)neighbours_read_advertisement(exact, length, &(struct mac){ { 1 } }, &ip, &mac);
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_address_is_set_renewed_listed_and_removed, start, finish),
        cmocka_unit_test_setup_teardown(the_machines_own_address_has_no_lifetime_and_stays_the_source, start, finish),
        cmocka_unit_test_setup_teardown(a_lifetime_that_cannot_be_kept_is_refused, start, finish),
        cmocka_unit_test_setup_teardown(an_address_left_by_hand_gets_a_lifetime_and_can_be_removed, start, finish),
        cmocka_unit_test_setup_teardown(removing_the_first_address_of_a_subnet_leaves_the_others, start, finish),
        cmocka_unit_test_setup_teardown(a_subnet_that_only_the_role_has_is_reached_through_it, start, finish),
        cmocka_unit_test_setup_teardown(the_address_of_a_stopped_process_goes_at_the_end_of_its_lifetime, start,
                                        finish),
        cmocka_unit_test_setup_teardown(an_interface_that_does_not_exist_or_is_not_ethernet_is_refused, start, finish),
        cmocka_unit_test_setup_teardown(a_neighbours_cache_follows_an_announcement, start, finish),
        cmocka_unit_test_setup_teardown(a_strangers_announcement_is_reported_with_its_mac, start, finish),
        cmocka_unit_test_setup_teardown(a_question_brings_out_a_silent_stranger, start, finish),
        cmocka_unit_test_setup_teardown(a_claim_of_this_machines_other_interface_is_not_reported, start, finish),
        cmocka_unit_test_setup_teardown(an_interface_that_was_made_anew_is_found_again, start, finish),
        cmocka_unit_test_setup_teardown(a_claim_that_came_by_an_interface_that_is_gone_does_no_harm, start, finish),
        cmocka_unit_test(a_netlink_answer_is_read),
        cmocka_unit_test(damaged_bytes_are_never_read_beyond_their_end),
    };
    if (geteuid() != 0)
        return 77;
    return cmocka_run_group_tests(tests, make_machines, NULL);
}
