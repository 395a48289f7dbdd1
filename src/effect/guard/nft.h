/* Messages to the kernel's nf_tables, in batches that it does as a whole or not at all.  Private to this folder.
 *
 * By libmnl and not by libnftables: that one brings its parser, and with it 3 MB of resident memory, into an agent that
 * is to need less than 10 (seen: 1.8 MB before, 4.7 MB after the first table). */
#ifndef MMM_EFFECT_GUARD_NFT_H
#define MMM_EFFECT_GUARD_NFT_H

#include <libmnl/libmnl.h>
#include <stdbool.h>

#include "base/rc.h"
#include "base/reason.h"

enum nft_end { NFT_SOURCE, NFT_DESTINATION };

/* --- a batch -------------------------------------------------------------------------------------------------- */

struct nft_batch {
    char *bytes;
    size_t size, used;
    uint32_t sequence;
    struct nlmsghdr *message; /* the one being written */
    struct nlattr *expressions;
};

void nft_batch_init(struct nft_batch *batch);
void nft_batch_done(struct nft_batch *batch);
/* A message of NFT_MSG_… with flags NLM_F_…; attributes follow by mnl_attr_put at batch->message. */
void nft_message(struct nft_batch *batch, uint16_t type, uint16_t flags);
/* One comment in an object's user data, as nft(8) writes it; «type» is that object's number for a comment. */
void nft_comment(struct nft_batch *batch, uint16_t attribute, uint8_t type, const char *comment);

struct nft_socket;
enum rc nft_socket_new(struct nft_socket **ret_socket, struct reason *ret_why) NODISCARD;
void nft_socket_free(struct nft_socket *socket);
/* Sends the batch and takes the kernel's word on it; RC_NOT_FOUND: something that it names is not there. */
enum rc nft_send(struct nft_socket *socket, struct nft_batch *batch, struct reason *ret_why) NODISCARD;

/* Of all answers in a datagram: was the last message acknowledged, and what was the first refusal?  Both grow. */
void nft_read_answers(const void *bytes, size_t length, uint32_t last, bool *acknowledged, int *refusal);

/* --- a rule, expression by expression ------------------------------------------------------------------------- */

void nft_rule(struct nft_batch *batch, const char *table, const char *chain, const char *comment);
void nft_rule_end(struct nft_batch *batch);
/* Goes on with the next expression only if … */
void nft_if_loopback(struct nft_batch *batch, enum nft_end end);
void nft_if_tcp_port(struct nft_batch *batch, enum nft_end end, uint16_t port);
void nft_if_tcp_reset(struct nft_batch *batch);
void nft_if_in_set(struct nft_batch *batch, enum nft_end end, uint8_t family, const char *set);
void nft_if_in_network(struct nft_batch *batch, enum nft_end end, uint8_t family, const uint8_t *address,
                       uint8_t prefix);
/* What is done then. */
void nft_count(struct nft_batch *batch);
void nft_reset(struct nft_batch *batch);
void nft_verdict(struct nft_batch *batch, int verdict, const char *chain); /* chain: of NFT_JUMP, else NULL */

#endif
