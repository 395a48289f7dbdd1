#include "effect/guard/nft.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    BATCH_SIZE = 256 << 10,
    MESSAGE_MOST = 16 << 10, /* no message of ours is longer */
    COMMENT_MOST = 128,      /* as nft(8) accepts them */
    TCP_FLAGS_AT = 13,
    TCP_RESET = 0x04,
};

/* --- a batch -------------------------------------------------------------------------------------------------- */

static struct nlmsghdr *put_header(struct nft_batch *batch, uint16_t type, uint16_t flags, uint8_t family,
                                   uint16_t resource) {
    if (batch->message)
        batch->used = (size_t)((char *)batch->message - batch->bytes) + NLMSG_ALIGN(batch->message->nlmsg_len);
    assert(batch->used + MESSAGE_MOST <= batch->size);
    struct nlmsghdr *message = mnl_nlmsg_put_header(batch->bytes + batch->used);
    message->nlmsg_type = type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    message->nlmsg_seq = batch->sequence++;
    struct nfgenmsg *head = mnl_nlmsg_put_extra_header(message, sizeof *head);
    *head = (struct nfgenmsg){ .nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource) };
    batch->message = message;
    return message;
}

void nft_batch_init(struct nft_batch *batch) {
    *batch = (struct nft_batch){ .bytes = calloc(1, BATCH_SIZE), .size = BATCH_SIZE, .sequence = 1 };
    if (!batch->bytes)
        abort();
    put_header(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
}

void nft_batch_done(struct nft_batch *batch) {
    free(batch->bytes);
}

void nft_message(struct nft_batch *batch, uint16_t type, uint16_t flags) {
    put_header(batch, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
}

void nft_comment(struct nft_batch *batch, uint16_t attribute, uint8_t type, const char *comment) {
    uint8_t data[2 + COMMENT_MOST];
    size_t length = strlen(comment) + 1;
    assert(length <= COMMENT_MOST);
    data[0] = type;
    data[1] = (uint8_t)length;
    memcpy(data + 2, comment, length);
    mnl_attr_put(batch->message, attribute, 2 + length, data);
}

/* --- the kernel ----------------------------------------------------------------------------------------------- */

struct nft_socket {
    struct mnl_socket *netlink;
};

enum rc nft_socket_new(struct nft_socket **ret_socket, struct reason *ret_why) {
    struct mnl_socket *netlink = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (!netlink || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) != 0) {
        int error = errno;
        if (netlink)
            mnl_socket_close(netlink);
        return FAIL(RC_IO, ret_why, "cannot talk to the kernel's nftables: %s", strerror(error));
    }
    /* A whole table in one datagram is more than the usual room. */
    int room = 2 * BATCH_SIZE;
    (void)setsockopt(mnl_socket_get_fd(netlink), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    struct nft_socket *socket = calloc(1, sizeof *socket);
    if (!socket)
        abort();
    socket->netlink = netlink;
    *ret_socket = socket;
    return RC_OK;
}

void nft_socket_free(struct nft_socket *socket) {
    if (!socket)
        return;
    mnl_socket_close(socket->netlink);
    free(socket);
}

enum { ERRNO_MOST = 4095 }; /* the kernel's MAX_ERRNO */

/* Not libmnl's own walk: its mnl_nlmsg_ok takes a message of 2 GB or more for one that fits. */
void nft_read_answers(const void *bytes, size_t length, uint32_t last, bool *acknowledged, int *refusal) {
    size_t at = 0, step;
    for (; at < length && length - at >= sizeof(struct nlmsghdr); at += step) {
        const struct nlmsghdr *head = (const void *)((const char *)bytes + at);
        if (head->nlmsg_len < sizeof *head || head->nlmsg_len > length - at)
            return;
        step = MNL_ALIGN((size_t)head->nlmsg_len);
        if (head->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(head) < sizeof(struct nlmsgerr))
            continue;
        const struct nlmsgerr *answer = mnl_nlmsg_get_payload(head);
        if (answer->error && !*refusal)
            *refusal = answer->error < 0 && answer->error >= -ERRNO_MOST ? -answer->error : EIO;
        *acknowledged = *acknowledged || (!answer->error && head->nlmsg_seq == last);
    }
}

static enum rc refused(int error, struct reason *ret_why) {
    if (error == ENOENT)
        return FAIL(RC_NOT_FOUND, ret_why, "the kernel has no table «inet mmm»");
    const char *next = error == EPERM                                 ? "; this needs CAP_NET_ADMIN"
                       : error == EOPNOTSUPP || error == EAFNOSUPPORT ? "; is nf_tables part of this kernel?"
                                                                      : "";
    return FAIL(RC_IO, ret_why, "the kernel refused it: %s%s", strerror(error), next);
}

/* The kernel does a batch, and queues its answers, before the call that sends it returns: nothing is waited for. */
enum rc nft_send(struct nft_socket *socket, struct nft_batch *batch, struct reason *ret_why) {
    batch->message->nlmsg_flags |= NLM_F_ACK;
    uint32_t last = batch->message->nlmsg_seq;
    put_header(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    size_t length = batch->used + batch->message->nlmsg_len;
    int fd = mnl_socket_get_fd(socket->netlink);
    char answers[MESSAGE_MOST] __attribute__((aligned(8)));
    ssize_t got;
    while (recv(fd, answers, sizeof answers, MSG_DONTWAIT) >= 0)
        continue; /* of an earlier batch */
    if (mnl_socket_sendto(socket->netlink, batch->bytes, length) < 0)
        return FAIL(RC_IO, ret_why, "cannot send to the kernel's nftables: %s", strerror(errno));
    bool acknowledged = false;
    int refusal = 0;
    while ((got = recv(fd, answers, sizeof answers, MSG_DONTWAIT)) >= 0)
        nft_read_answers(answers, (size_t)got, last, &acknowledged, &refusal);
    if (refusal)
        return refused(refusal, ret_why);
    if (!acknowledged)
        return FAIL(RC_IO, ret_why, "the kernel's nftables did not answer: %s", strerror(errno));
    return RC_OK;
}

/* --- a rule, expression by expression ------------------------------------------------------------------------- */

static void put_u32(struct nft_batch *batch, uint16_t type, uint32_t value) {
    mnl_attr_put_u32(batch->message, type, htonl(value));
}

static void put_data(struct nft_batch *batch, uint16_t type, const void *value, size_t length) {
    struct nlattr *nest = mnl_attr_nest_start(batch->message, type);
    mnl_attr_put(batch->message, NFTA_DATA_VALUE, length, value);
    mnl_attr_nest_end(batch->message, nest);
}

struct expression {
    struct nlattr *item, *data;
};

static struct expression begin(struct nft_batch *batch, const char *name) {
    struct expression expression;
    expression.item = mnl_attr_nest_start(batch->message, NFTA_LIST_ELEM);
    mnl_attr_put_strz(batch->message, NFTA_EXPR_NAME, name);
    expression.data = mnl_attr_nest_start(batch->message, NFTA_EXPR_DATA);
    return expression;
}

static void end(struct nft_batch *batch, struct expression expression) {
    mnl_attr_nest_end(batch->message, expression.data);
    mnl_attr_nest_end(batch->message, expression.item);
}

static void load_meta(struct nft_batch *batch, uint32_t key) {
    struct expression meta = begin(batch, "meta");
    put_u32(batch, NFTA_META_KEY, key);
    put_u32(batch, NFTA_META_DREG, NFT_REG_1);
    end(batch, meta);
}

static void load_payload(struct nft_batch *batch, uint32_t base, uint32_t offset, uint32_t length) {
    struct expression payload = begin(batch, "payload");
    put_u32(batch, NFTA_PAYLOAD_DREG, NFT_REG_1);
    put_u32(batch, NFTA_PAYLOAD_BASE, base);
    put_u32(batch, NFTA_PAYLOAD_OFFSET, offset);
    put_u32(batch, NFTA_PAYLOAD_LEN, length);
    end(batch, payload);
}

static void mask(struct nft_batch *batch, const uint8_t *bits, uint32_t length) {
    static const uint8_t zero[16];
    struct expression bitwise = begin(batch, "bitwise");
    put_u32(batch, NFTA_BITWISE_SREG, NFT_REG_1);
    put_u32(batch, NFTA_BITWISE_DREG, NFT_REG_1);
    put_u32(batch, NFTA_BITWISE_LEN, length);
    put_data(batch, NFTA_BITWISE_MASK, bits, length);
    put_data(batch, NFTA_BITWISE_XOR, zero, length);
    end(batch, bitwise);
}

static void compare(struct nft_batch *batch, uint32_t operator, const void * value, size_t length) {
    struct expression cmp = begin(batch, "cmp");
    put_u32(batch, NFTA_CMP_SREG, NFT_REG_1);
    put_u32(batch, NFTA_CMP_OP, operator);
    put_data(batch, NFTA_CMP_DATA, value, length);
    end(batch, cmp);
}

void nft_rule(struct nft_batch *batch, const char *table, const char *chain, const char *comment) {
    nft_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    mnl_attr_put_strz(batch->message, NFTA_RULE_TABLE, table);
    mnl_attr_put_strz(batch->message, NFTA_RULE_CHAIN, chain);
    if (comment)
        nft_comment(batch, NFTA_RULE_USERDATA, 0, comment);
    batch->expressions = mnl_attr_nest_start(batch->message, NFTA_RULE_EXPRESSIONS);
}

void nft_rule_end(struct nft_batch *batch) {
    mnl_attr_nest_end(batch->message, batch->expressions);
}

void nft_if_loopback(struct nft_batch *batch, enum nft_end end) {
    uint32_t loopback = 1; /* the kernel gives it this index in every network namespace */
    load_meta(batch, end == NFT_SOURCE ? NFT_META_IIF : NFT_META_OIF);
    compare(batch, NFT_CMP_EQ, &loopback, sizeof loopback);
}

static void if_family(struct nft_batch *batch, uint8_t family) {
    uint8_t protocol = family == 6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
    load_meta(batch, NFT_META_NFPROTO);
    compare(batch, NFT_CMP_EQ, &protocol, sizeof protocol);
}

static void if_tcp(struct nft_batch *batch) {
    uint8_t protocol = IPPROTO_TCP;
    load_meta(batch, NFT_META_L4PROTO);
    compare(batch, NFT_CMP_EQ, &protocol, sizeof protocol);
}

void nft_if_tcp_port(struct nft_batch *batch, enum nft_end end, uint16_t port) {
    uint16_t wanted = htons(port);
    if_tcp(batch);
    load_payload(batch, NFT_PAYLOAD_TRANSPORT_HEADER, end == NFT_SOURCE ? 0 : 2, sizeof wanted);
    compare(batch, NFT_CMP_EQ, &wanted, sizeof wanted);
}

void nft_if_tcp_reset(struct nft_batch *batch) {
    uint8_t reset = TCP_RESET, none = 0;
    if_tcp(batch);
    load_payload(batch, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_AT, sizeof reset);
    mask(batch, &reset, sizeof reset);
    compare(batch, NFT_CMP_NEQ, &none, sizeof none);
}

static uint32_t load_address(struct nft_batch *batch, enum nft_end end, uint8_t family) {
    uint32_t length = family == 6 ? 16 : 4;
    uint32_t source_at = family == 6 ? 8 : 12; /* RFC 8200 §3, RFC 791 §3.1 */
    if_family(batch, family);
    load_payload(batch, NFT_PAYLOAD_NETWORK_HEADER, end == NFT_SOURCE ? source_at : source_at + length, length);
    return length;
}

void nft_if_in_set(struct nft_batch *batch, enum nft_end which, uint8_t family, const char *set) {
    load_address(batch, which, family);
    struct expression lookup = begin(batch, "lookup");
    put_u32(batch, NFTA_LOOKUP_SREG, NFT_REG_1);
    mnl_attr_put_strz(batch->message, NFTA_LOOKUP_SET, set);
    end(batch, lookup);
}

void nft_if_in_network(struct nft_batch *batch, enum nft_end which, uint8_t family, const uint8_t *address,
                       uint8_t prefix) {
    uint32_t length = load_address(batch, which, family);
    uint8_t bits[16] = { 0 }, wanted[16];
    for (unsigned i = 0; i < prefix; i++)
        bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
    for (uint32_t i = 0; i < length; i++)
        wanted[i] = address[i] & bits[i];
    if (prefix < length * 8)
        mask(batch, bits, length);
    compare(batch, NFT_CMP_EQ, wanted, length);
}

void nft_count(struct nft_batch *batch) {
    end(batch, begin(batch, "counter"));
}

void nft_reset(struct nft_batch *batch) {
    struct expression reject = begin(batch, "reject");
    put_u32(batch, NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);
    end(batch, reject);
}

void nft_verdict(struct nft_batch *batch, int verdict, const char *chain) {
    struct expression immediate = begin(batch, "immediate");
    put_u32(batch, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    struct nlattr *data = mnl_attr_nest_start(batch->message, NFTA_IMMEDIATE_DATA);
    struct nlattr *word = mnl_attr_nest_start(batch->message, NFTA_DATA_VERDICT);
    put_u32(batch, NFTA_VERDICT_CODE, (uint32_t)verdict);
    if (chain)
        mnl_attr_put_strz(batch->message, NFTA_VERDICT_CHAIN, chain);
    mnl_attr_nest_end(batch->message, word);
    mnl_attr_nest_end(batch->message, data);
    end(batch, immediate);
}
