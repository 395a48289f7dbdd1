/* The kernel's answers about links, addresses and connections, in one datagram or two, and to changes of the guard. */
#include "fuzz.h"

#include "effect/guard/nft.h"
#include "effect/netlink/rtnetlink.h"
#include "effect/netlink/sockets.h"

static void read_as(struct rt_reply wanted, const uint8_t *data, size_t size) {
    static struct rt_reply reply;
    size_t half = size / 2;
    reply = wanted;
    uint8_t *bytes = fuzz_bytes(data, size);
    rt_reply_read(&reply, bytes, size);
    assert(reply.address_count <= RT_ADDRESSES_MAX);
    for (size_t i = 0; i < reply.address_count; i++) {
        const struct rt_address *address = &reply.addresses[i];
        assert(address->ip.family == 4 || address->ip.family == 6);
        assert(address->prefix <= (address->ip.family == 4 ? 32 : 128));
        assert(!wanted.index || address->index == wanted.index);
    }
    free(bytes);
    reply = wanted;
    uint8_t *first = fuzz_bytes(data, half), *second = fuzz_bytes(data + half, size - half);
    rt_reply_read(&reply, first, half);
    rt_reply_read(&reply, second, size - half);
    free(first);
    free(second);
}

static void read_as_answers(const uint8_t *data, size_t size) {
    bool acknowledged = false, again = true;
    int refusal = 0, before = 7;
    uint8_t *bytes = fuzz_bytes(data, size);
    nft_read_answers(bytes, size, 1, &acknowledged, &refusal);
    nft_read_answers(bytes, size, 1, &again, &before);
    assert(again && before == 7); /* what an earlier datagram said stays */
    free(bytes);
}

static void read_as_connections(const uint8_t *data, size_t size) {
    static struct socket_list list;
    uint8_t *bytes = fuzz_bytes(data, size);
    list = (struct socket_list){ .sequence = 1 };
    socket_list_read(&list, bytes, size);
    assert(list.count <= FOUND_MAX && list.error >= 0);
    free(bytes);
}

/* Sequence and port as in the corpus. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_as_answers(data, size);
    read_as_connections(data, size);
    read_as((struct rt_reply){ .sequence = 1, .port = 2 }, data, size);
    read_as((struct rt_reply){ .sequence = 1, .port = 2, .index = 1 }, data, size);
    read_as((struct rt_reply){ .sequence = 1, .port = 2, .ip = { .family = 4, .bytes = { 10, 77, 0, 50 } } }, data,
            size);
    read_as((struct rt_reply){ .sequence = 1, .port = 2, .mac = { { 2, 0, 0, 0, 0, 1 } } }, data, size);
    return 0;
}
