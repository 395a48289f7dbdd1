/* What all messages have in common.  Private to this folder. */
#ifndef MMM_WIRE_MESSAGES_INTERNAL_H
#define MMM_WIRE_MESSAGES_INTERNAL_H

#include "model/cluster.h"
#include "wire/json.h"

json_t *message_new(const char *message, const struct cluster *cluster);

/* A decoder of the fields behind the first three, into *ret_x, which is a local of message_decode's caller. */
typedef void (*decode_function)(const struct fields *fields, const struct cluster *cluster, void *ret_x);

enum rc message_decode(const char *message, const struct cluster *cluster, const char *text, size_t length,
                       decode_function decode, void *ret_x, struct reason *ret_why) NODISCARD;

#endif
