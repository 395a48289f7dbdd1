#include "effect/guard/guard.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "effect/guard/nft.h"

#define TABLE "mmm"
#define TO_SERVER "to_server"
#define FROM_SERVER "from_server"

/* Before the usual filters (0): who is let through here is still judged by the administrator's own rules. */
enum { PRIORITY = -10 };

/* Numbers of nft(8)'s own, in user data and for key types; the kernel only keeps them for its listing. */
enum { COMMENT_OF_TABLE = 0, COMMENT_OF_SET = 7, KEY_IPV4 = 7, KEY_IPV6 = 8 };

static const struct {
    uint8_t family;
    const char *set;
    uint32_t key, length;
} families[] = {
    { 4, "served4", KEY_IPV4, 4 },
    { 6, "served6", KEY_IPV6, 16 },
};

struct guard {
    struct nft_socket *socket;
    bool built; /* by this process: an earlier one may have had another configuration */
    uint16_t server_port;
    size_t exception_count;
    struct guard_exception exceptions[];
};

/* --- the table ------------------------------------------------------------------------------------------------ */

static void put_u32(struct nft_batch *batch, uint16_t type, uint32_t value) {
    mnl_attr_put_u32(batch->message, type, htonl(value));
}

static void put_table(struct nft_batch *batch, uint16_t type, uint16_t flags) {
    nft_message(batch, type, flags);
    mnl_attr_put_strz(batch->message, NFTA_TABLE_NAME, TABLE);
    if (type == NFT_MSG_NEWTABLE)
        nft_comment(batch, NFTA_TABLE_USERDATA, COMMENT_OF_TABLE,
                    "made by mmm agent; `mmm agent --release` removes it");
}

static void put_chain(struct nft_batch *batch, const char *name) {
    nft_message(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    mnl_attr_put_strz(batch->message, NFTA_CHAIN_TABLE, TABLE);
    mnl_attr_put_strz(batch->message, NFTA_CHAIN_NAME, name);
}

/* A chain that the kernel calls for every packet, and its one rule: what is the server's goes to the chain «next». */
static void put_hook(struct nft_batch *batch, const char *name, uint32_t hook, enum nft_end end, uint16_t port,
                     const char *next) {
    put_chain(batch, name);
    struct nlattr *nest = mnl_attr_nest_start(batch->message, NFTA_CHAIN_HOOK);
    put_u32(batch, NFTA_HOOK_HOOKNUM, hook);
    put_u32(batch, NFTA_HOOK_PRIORITY, (uint32_t)PRIORITY);
    mnl_attr_nest_end(batch->message, nest);
    put_u32(batch, NFTA_CHAIN_POLICY, NF_ACCEPT);
    mnl_attr_put_strz(batch->message, NFTA_CHAIN_TYPE, "filter");
    nft_rule(batch, TABLE, name, NULL);
    nft_if_tcp_port(batch, end, port);
    nft_verdict(batch, NFT_JUMP, next);
    nft_rule_end(batch);
}

static void put_set(struct nft_batch *batch, size_t family) {
    nft_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE);
    mnl_attr_put_strz(batch->message, NFTA_SET_TABLE, TABLE);
    mnl_attr_put_strz(batch->message, NFTA_SET_NAME, families[family].set);
    put_u32(batch, NFTA_SET_FLAGS, NFT_SET_TIMEOUT);
    put_u32(batch, NFTA_SET_KEY_TYPE, families[family].key);
    put_u32(batch, NFTA_SET_KEY_LEN, families[family].length);
    put_u32(batch, NFTA_SET_ID, (uint32_t)family + 1);
    nft_comment(batch, NFTA_SET_USERDATA, COMMENT_OF_SET,
                "role addresses that are served here; each ends with its lease");
}

static void accept_served(struct nft_batch *batch, const char *chain, enum nft_end server) {
    for (size_t i = 0; i < COUNT_OF(families); i++) {
        nft_rule(batch, TABLE, chain, NULL);
        nft_if_in_set(batch, server, families[i].family, families[i].set);
        nft_verdict(batch, NF_ACCEPT, NULL);
        nft_rule_end(batch);
    }
}

static void accept_exceptions(struct nft_batch *batch, const struct guard *guard, const char *chain,
                              enum nft_end client) {
    nft_rule(batch, TABLE, chain, "this machine itself");
    nft_if_loopback(batch, client);
    nft_verdict(batch, NF_ACCEPT, NULL);
    nft_rule_end(batch);
    for (size_t i = 0; i < guard->exception_count; i++) {
        const struct guard_exception *exception = &guard->exceptions[i];
        nft_rule(batch, TABLE, chain, exception->comment);
        nft_if_in_network(batch, client, exception->network.ip.family, exception->network.ip.bytes,
                          exception->network.prefix);
        nft_verdict(batch, NF_ACCEPT, NULL);
        nft_rule_end(batch);
    }
}

/* A client is told at once that it is shut out. */
static void refuse_rest(struct nft_batch *batch) {
    nft_rule(batch, TABLE, TO_SERVER, "clients reach the server through a served address only");
    nft_count(batch);
    nft_reset(batch);
    nft_rule_end(batch);
}

/* What the server says to a client of an address that has ended is an answer that nobody may believe.  Resets pass:
 * they are how refuse_rest tells, and acknowledge nothing. */
static void drop_rest(struct nft_batch *batch) {
    nft_rule(batch, TABLE, FROM_SERVER, "a reset acknowledges nothing");
    nft_if_tcp_reset(batch);
    nft_verdict(batch, NF_ACCEPT, NULL);
    nft_rule_end(batch);
    nft_rule(batch, TABLE, FROM_SERVER, "no answer from an address that is not served");
    nft_count(batch);
    nft_verdict(batch, NF_DROP, NULL);
    nft_rule_end(batch);
}

/* Made, removed and made again: the first makes the removal possible where there was none. */
static void put_all(struct nft_batch *batch, const struct guard *guard) {
    put_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    put_table(batch, NFT_MSG_DELTABLE, 0);
    put_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    for (size_t i = 0; i < COUNT_OF(families); i++)
        put_set(batch, i);
    put_chain(batch, TO_SERVER);
    put_chain(batch, FROM_SERVER);
    put_hook(batch, "input", NF_INET_LOCAL_IN, NFT_DESTINATION, guard->server_port, TO_SERVER);
    put_hook(batch, "output", NF_INET_LOCAL_OUT, NFT_SOURCE, guard->server_port, FROM_SERVER);
    accept_served(batch, TO_SERVER, NFT_DESTINATION);
    accept_exceptions(batch, guard, TO_SERVER, NFT_SOURCE);
    refuse_rest(batch);
    accept_served(batch, FROM_SERVER, NFT_SOURCE);
    accept_exceptions(batch, guard, FROM_SERVER, NFT_DESTINATION);
    drop_rest(batch);
}

/* --- its elements --------------------------------------------------------------------------------------------- */

static void put_elements_head(struct nft_batch *batch, uint16_t type, uint16_t flags, size_t family) {
    nft_message(batch, type, flags);
    mnl_attr_put_strz(batch->message, NFTA_SET_ELEM_LIST_TABLE, TABLE);
    mnl_attr_put_strz(batch->message, NFTA_SET_ELEM_LIST_SET, families[family].set);
}

static void put_element(struct nft_batch *batch, const struct guard_opening *opening, uint32_t length) {
    struct nlattr *element = mnl_attr_nest_start(batch->message, NFTA_LIST_ELEM);
    struct nlattr *key = mnl_attr_nest_start(batch->message, NFTA_SET_ELEM_KEY);
    mnl_attr_put(batch->message, NFTA_DATA_VALUE, length, opening->ip.bytes);
    mnl_attr_nest_end(batch->message, key);
    mnl_attr_put_u64(batch->message, NFTA_SET_ELEM_TIMEOUT, htobe64((uint64_t)opening->left));
    mnl_attr_nest_end(batch->message, element);
}

/* Emptied and filled again: an element's time can be changed in no other way before Linux 6.12.  Packets see the set
 * before or after the whole batch. */
static void put_elements(struct nft_batch *batch, const struct guard_opening *openings, size_t count, size_t family) {
    put_elements_head(batch, NFT_MSG_DELSETELEM, 0, family);
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || openings[i].ip.family == families[family].family;
    if (!any)
        return;
    put_elements_head(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE, family);
    struct nlattr *list = mnl_attr_nest_start(batch->message, NFTA_SET_ELEM_LIST_ELEMENTS);
    for (size_t i = 0; i < count; i++)
        if (openings[i].ip.family == families[family].family)
            put_element(batch, &openings[i], families[family].length);
    mnl_attr_nest_end(batch->message, list);
}

static enum rc send_all(struct guard *guard, bool build, const struct guard_opening *openings, size_t count,
                        struct reason *ret_why) {
    struct nft_batch batch;
    nft_batch_init(&batch);
    if (build)
        put_all(&batch, guard);
    for (size_t i = 0; i < COUNT_OF(families); i++)
        put_elements(&batch, openings, count, i);
    enum rc rc = nft_send(guard->socket, &batch, ret_why);
    nft_batch_done(&batch);
    return rc;
}

enum rc guard_hold(struct guard *guard, const struct guard_opening *openings, size_t count, struct reason *ret_why) {
    assert(count <= ADDRESSES_MAX);
    enum rc rc = RC_NOT_FOUND;
    if (guard->built)
        rc = send_all(guard, false, openings, count, ret_why);
    /* Flushing the whole ruleset is how an administrator's own firewall is often loaded. */
    if (rc == RC_NOT_FOUND)
        rc = send_all(guard, true, openings, count, ret_why);
    if (rc != RC_OK)
        reason_prefix(ret_why, "the guard (table inet " TABLE ")");
    guard->built = guard->built || rc == RC_OK;
    return rc;
}

/* --- its life ------------------------------------------------------------------------------------------------- */

enum rc guard_new(const struct guard_options *options, struct guard **ret_guard, struct reason *ret_why) {
    assert(options->exception_count <= GUARD_EXCEPTIONS_MAX);
    struct guard *guard = calloc(1, sizeof *guard + options->exception_count * sizeof *options->exceptions);
    if (!guard)
        abort();
    guard->server_port = options->server_port;
    guard->exception_count = options->exception_count;
    if (options->exception_count)
        memcpy(guard->exceptions, options->exceptions, options->exception_count * sizeof *options->exceptions);
    enum rc rc = nft_socket_new(&guard->socket, ret_why);
    if (rc == RC_OK) {
        /* Made if it is not there, else left as it is. */
        struct nft_batch batch;
        nft_batch_init(&batch);
        put_table(&batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
        rc = nft_send(guard->socket, &batch, ret_why);
        nft_batch_done(&batch);
    }
    if (rc != RC_OK) {
        reason_prefix(ret_why, "guard = on: cannot make the table inet " TABLE);
        guard_free(guard);
        return rc;
    }
    *ret_guard = guard;
    return RC_OK;
}

void guard_free(struct guard *guard) {
    if (!guard)
        return;
    nft_socket_free(guard->socket);
    free(guard);
}

enum rc guard_release(struct reason *ret_why) {
    struct nft_socket *socket;
    enum rc rc = nft_socket_new(&socket, ret_why);
    if (rc != RC_OK)
        return rc;
    struct nft_batch batch;
    nft_batch_init(&batch);
    put_table(&batch, NFT_MSG_DELTABLE, 0);
    rc = nft_send(socket, &batch, ret_why);
    nft_batch_done(&batch);
    nft_socket_free(socket);
    return rc;
}
