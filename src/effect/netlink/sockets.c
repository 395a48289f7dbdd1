#include "effect/netlink/sockets.h"

#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "effect/netlink/bytes.h"
#include "model/limits.h"

enum {
    DATAGRAM_SIZE = 32768, /* the most that the kernel puts into one datagram of a dump */
    END_SIZE = NLMSG_SPACE(sizeof(struct inet_diag_req_v2)),
    CONDITION_SIZE = sizeof(struct inet_diag_bc_op) + sizeof(struct inet_diag_hostcond) + 16,
    FILTER_SIZE = ADDRESSES_MAX * (CONDITION_SIZE + sizeof(struct inet_diag_bc_op)),
    PASSES = 3,
    CHECK_MSEC = 2000,
};

/* Whose client may still wait for a word: the others have none, or have heard of the end. */
static const uint32_t states = 1U << TCP_ESTABLISHED | 1U << TCP_SYN_RECV | 1U << TCP_FIN_WAIT1 | 1U << TCP_CLOSE_WAIT;

struct resetter {
    struct mnl_socket *lists, *ends; /* one is read while the other is told to end what was read */
    msec deadline;
    int64_t worth_ns; /* of processor time: see worked_ns */
    uint32_t sequence;
    size_t filter_size;
    _Alignas(struct inet_diag_bc_op) uint8_t filter[FILTER_SIZE];
    struct socket_list list;
    unsigned ended;
    _Alignas(struct nlmsghdr) char datagram[DATAGRAM_SIZE];
    _Alignas(struct nlmsghdr) char request[FOUND_MAX * END_SIZE];
};

/* Work counts, not the time that a busy machine gives to others meanwhile, up to ten times as much: there too a few
 * clients are told. */
static int64_t worked_ns(void) {
    struct timespec worked;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &worked);
    return (int64_t)worked.tv_sec * 1000000000 + worked.tv_nsec;
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static void read_socket(struct socket_list *list, const struct cursor *payload) {
    struct inet_diag_msg head;
    if (!cursor_copy(payload, &head, sizeof head) || list->count == FOUND_MAX ||
        (head.idiag_family != AF_INET && head.idiag_family != AF_INET6))
        return;
    struct found_socket *found = &list->found[list->count++];
    _Static_assert(sizeof found->id == sizeof head.id, "a socket's identity has room");
    found->family = head.idiag_family;
    memcpy(found->id, &head.id, sizeof head.id);
}

static void read_error(struct socket_list *list, const struct cursor *payload) {
    int error;
    if (!cursor_copy(payload, &error, sizeof error) || error == INT32_MIN)
        error = -EBADMSG;
    list->error = error < 0 ? -error : error;
    list->done = true;
}

void socket_list_read(struct socket_list *list, const void *bytes, size_t length) {
    struct cursor cursor = { bytes, length }, payload;
    struct nlmsghdr head;
    while (!list->done && cursor_message(&cursor, &head, &payload)) {
        if (head.nlmsg_seq != list->sequence)
            continue;
        if (head.nlmsg_type == NLMSG_ERROR)
            read_error(list, &payload);
        else if (head.nlmsg_type == NLMSG_DONE)
            list->done = true;
        else if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY)
            read_socket(list, &payload);
    }
}

/* --- talking to the kernel -------------------------------------------------------------------------------------- */

/* RC_NOT_FOUND: there is nothing to read now, and nothing is waited for. */
static enum rc receive(struct resetter *resetter, struct mnl_socket *from, bool wait, size_t *ret_length,
                       struct reason *ret_why) {
    int fd = mnl_socket_get_fd(from);
    for (;;) {
        struct sockaddr_nl sender = { 0 };
        socklen_t size = sizeof sender;
        ssize_t length = recvfrom(fd, resetter->datagram, sizeof resetter->datagram, MSG_TRUNC | MSG_DONTWAIT,
                                  (struct sockaddr *)&sender, &size);
        bool empty = length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        if (empty && !wait)
            return RC_NOT_FOUND;
        if (length < 0 && !empty && errno != EINTR)
            return FAIL(RC_IO, ret_why, "cannot read from netlink: %s", strerror(errno));
        if (length > (ssize_t)sizeof resetter->datagram)
            return FAIL(RC_IO, ret_why, "the kernel's netlink answer of %zd bytes is too long", length);
        if (length >= 0 && sender.nl_pid == 0) { /* any process may send to this socket; only the kernel is port 0 */
            *ret_length = (size_t)length;
            return RC_OK;
        }
        msec left = resetter->deadline - clock_now();
        if (left <= 0)
            return FAIL(RC_TIMEOUT, ret_why, "the kernel did not answer in time");
        if (empty)
            (void)poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, (int)left);
    }
}

static enum rc open_one(struct mnl_socket **ret_socket, struct reason *ret_why) {
    *ret_socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
    if (*ret_socket == NULL || mnl_socket_bind(*ret_socket, 0, MNL_SOCKET_AUTOPID) != 0)
        return FAIL(RC_IO, ret_why, "cannot open a netlink socket: %s", strerror(errno));
    return RC_OK;
}

static void resetter_free(struct resetter *resetter) {
    if (resetter->lists != NULL)
        mnl_socket_close(resetter->lists);
    if (resetter->ends != NULL)
        mnl_socket_close(resetter->ends);
    free(resetter);
}

static enum rc resetter_new(msec most, struct resetter **ret_resetter, struct reason *ret_why) {
    struct resetter *resetter = calloc(1, sizeof *resetter);
    if (resetter == NULL)
        abort();
    resetter->deadline = clock_now() + 10 * most;
    resetter->worth_ns = worked_ns() + most * 1000000;
    enum rc rc = open_one(&resetter->lists, ret_why);
    if (rc == RC_OK)
        rc = open_one(&resetter->ends, ret_why);
    if (rc != RC_OK)
        resetter_free(resetter);
    else
        *ret_resetter = resetter;
    return rc;
}

static void filter_put(struct resetter *resetter, const void *bytes, size_t size) {
    assert(resetter->filter_size + size <= sizeof resetter->filter);
    memcpy(resetter->filter + resetter->filter_size, bytes, size);
    resetter->filter_size += size;
}

static size_t address_size(const struct ip *address) {
    return address->family == 6 ? 16 : 4;
}

static size_t condition_size(const struct ip *address) {
    return sizeof(struct inet_diag_bc_op) + sizeof(struct inet_diag_hostcond) + address_size(address);
}

static void filter_condition(struct resetter *resetter, const struct ip *address) {
    size_t size = condition_size(address);
    struct inet_diag_bc_op operation = { .code = INET_DIAG_BC_S_COND,
                                         .yes = (uint8_t)size,
                                         .no = (uint16_t)(size + sizeof operation) };
    struct inet_diag_hostcond host = { .family = address->family == 6 ? AF_INET6 : AF_INET,
                                       .prefix_len = (uint8_t)(address_size(address) * 8),
                                       .port = -1 };
    filter_put(resetter, &operation, sizeof operation);
    filter_put(resetter, &host, sizeof host);
    filter_put(resetter, address->bytes, address_size(address));
}

/* A program of the kernel's (inet_diag.h) that lets through what is at one of the addresses: each condition that holds
 * jumps to the end, and the last that does not jumps four bytes beyond it, which refuses.  A condition on an IPv4
 * address holds for the mapped one of an IPv6 socket too. */
static void filter_fill(struct resetter *resetter, const struct ip *addresses, size_t count) {
    struct inet_diag_bc_op jump = { .code = INET_DIAG_BC_JMP, .yes = sizeof jump };
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        left += condition_size(&addresses[i]) + sizeof jump;
    left -= sizeof jump; /* behind the last there is none */
    for (size_t i = 0; i < count; i++) {
        filter_condition(resetter, &addresses[i]);
        left -= condition_size(&addresses[i]);
        if (i + 1 == count)
            break;
        jump.no = (uint16_t)left;
        filter_put(resetter, &jump, sizeof jump);
        left -= sizeof jump;
    }
}

static enum rc ask_list(struct resetter *resetter, uint8_t family, struct reason *ret_why) {
    struct nlmsghdr *message = mnl_nlmsg_put_header(resetter->request);
    message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message->nlmsg_seq = resetter->list.sequence = ++resetter->sequence;
    struct inet_diag_req_v2 *wanted = mnl_nlmsg_put_extra_header(message, sizeof *wanted);
    wanted->sdiag_family = family;
    wanted->sdiag_protocol = IPPROTO_TCP;
    wanted->idiag_states = states;
    mnl_attr_put(message, INET_DIAG_REQ_BYTECODE, resetter->filter_size, resetter->filter);
    resetter->list.done = false;
    resetter->list.error = 0;
    if (mnl_socket_sendto(resetter->lists, message, message->nlmsg_len) < 0)
        return FAIL(RC_IO, ret_why, "cannot send to netlink: %s", strerror(errno));
    return RC_OK;
}

static struct nlmsghdr *put_end(char *at, uint32_t sequence, const struct found_socket *found) {
    struct nlmsghdr *message = mnl_nlmsg_put_header(at);
    message->nlmsg_type = SOCK_DESTROY;
    message->nlmsg_flags = NLM_F_REQUEST;
    message->nlmsg_seq = sequence;
    struct inet_diag_req_v2 *which = mnl_nlmsg_put_extra_header(message, sizeof *which);
    which->sdiag_family = found->family;
    which->sdiag_protocol = IPPROTO_TCP;
    memcpy(&which->id, found->id, sizeof which->id);
    return message;
}

/* Only refusals are answered, and those have come when the request was sent: the kernel works on it within that call.
 */
static enum rc read_refusals(struct resetter *resetter, unsigned *ret_refused, struct reason *ret_why) {
    size_t length;
    unsigned refused = 0;
    enum rc rc, worst = RC_OK;
    while ((rc = receive(resetter, resetter->ends, false, &length, ret_why)) == RC_OK) {
        struct socket_list answer = { .sequence = resetter->sequence };
        socket_list_read(&answer, resetter->datagram, length);
        refused++;
        /* It ended by itself meanwhile; or it is a connection that nobody has open any more, and has said its last. */
        if (answer.error != 0 && answer.error != ENOENT)
            worst = FAIL(RC_IO, ret_why, "the kernel refused it: %s", strerror(answer.error));
    }
    *ret_refused = refused;
    return rc != RC_NOT_FOUND ? rc : worst;
}

static enum rc end_found(struct resetter *resetter, struct reason *ret_why) {
    size_t used = 0;
    unsigned refused = 0;
    resetter->sequence++;
    for (size_t i = 0; i < resetter->list.count; i++)
        used += MNL_ALIGN(put_end(resetter->request + used, resetter->sequence, &resetter->list.found[i])->nlmsg_len);
    if (used > 0 && mnl_socket_sendto(resetter->ends, resetter->request, used) < 0)
        return FAIL(RC_IO, ret_why, "cannot send to netlink: %s", strerror(errno));
    enum rc rc = read_refusals(resetter, &refused, ret_why);
    resetter->ended += (unsigned)resetter->list.count > refused ? (unsigned)resetter->list.count - refused : 0;
    return rc;
}

static enum rc end_family(struct resetter *resetter, uint8_t family, struct reason *ret_why) {
    enum rc rc = ask_list(resetter, family, ret_why);
    while (rc == RC_OK && !resetter->list.done) {
        size_t length;
        resetter->list.count = 0;
        rc = receive(resetter, resetter->lists, true, &length, ret_why);
        if (rc != RC_OK)
            break;
        socket_list_read(&resetter->list, resetter->datagram, length);
        if (resetter->list.error != 0)
            return FAIL(RC_IO, ret_why, "cannot list them: %s", strerror(resetter->list.error));
        if (worked_ns() >= resetter->worth_ns || clock_now() >= resetter->deadline)
            return FAIL(RC_TIMEOUT, ret_why, "there are too many for the time that this may take");
        rc = end_found(resetter, ret_why);
    }
    return rc;
}

/* Again until there is none: what ends while the kernel lists may make it pass over others, and new ones come in. */
static enum rc end_all(struct resetter *resetter, bool four, struct reason *ret_why) {
    for (int pass = 0; pass < PASSES; pass++) {
        unsigned before = resetter->ended;
        enum rc rc = four ? end_family(resetter, AF_INET, ret_why) : RC_OK;
        if (rc == RC_OK)
            rc = end_family(resetter, AF_INET6, ret_why);
        if (rc != RC_OK || resetter->ended == before)
            return rc;
    }
    return RC_OK;
}

static enum rc reset(const struct ip *addresses, size_t count, msec most, unsigned *ret_count, struct reason *ret_why) {
    struct resetter *resetter;
    bool four = false;
    for (size_t i = 0; i < count; i++)
        four = four || addresses[i].family == 4;
    enum rc rc = resetter_new(most, &resetter, ret_why);
    if (rc != RC_OK)
        return rc;
    filter_fill(resetter, addresses, count);
    rc = end_all(resetter, four, ret_why);
    *ret_count = resetter->ended;
    resetter_free(resetter);
    return rc;
}

enum rc sockets_reset(const struct ip *addresses, size_t count, msec most, unsigned *ret_count,
                      struct reason *ret_why) {
    assert(count <= ADDRESSES_MAX);
    *ret_count = 0;
    enum rc rc = count > 0 ? reset(addresses, count, most, ret_count, ret_why) : RC_OK;
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot end the connections to an address that leaves, but for %u", *ret_count);
    return rc;
}

/* Nobody is connected from ports 0 to 0: a kernel that can end connections does not find it, and others refuse. */
static enum rc try_end(struct resetter *resetter, struct reason *ret_why) {
    struct found_socket nobody = { .family = AF_INET };
    unsigned refused;
    struct nlmsghdr *message = put_end(resetter->request, ++resetter->sequence, &nobody);
    if (mnl_socket_sendto(resetter->ends, message, message->nlmsg_len) < 0)
        return FAIL(RC_IO, ret_why, "cannot send to netlink: %s", strerror(errno));
    return read_refusals(resetter, &refused, ret_why);
}

enum rc sockets_check(struct reason *ret_why) {
    struct ip nowhere = { .family = 4, .bytes = { 255, 255, 255, 255 } };
    unsigned count;
    enum rc rc = sockets_reset(&nowhere, 1, CHECK_MSEC, &count, ret_why);
    struct resetter *resetter;
    if (rc == RC_OK)
        rc = resetter_new(CHECK_MSEC, &resetter, ret_why);
    if (rc != RC_OK)
        return rc;
    rc = try_end(resetter, ret_why);
    resetter_free(resetter);
    if (rc != RC_OK)
        reason_prefix(ret_why, "this kernel cannot end connections (CONFIG_INET_DIAG_DESTROY)");
    return rc;
}
