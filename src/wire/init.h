/* What `mmm init` and the agent of a host that is not set up yet say to each other (POST /v1/init).  Like messages.h.
 */
#ifndef MMM_WIRE_INIT_H
#define MMM_WIRE_INIT_H

#include "core/init/init.h"

enum { INIT_PASSWORD_SIZE = 256 };

struct init_request {
    char step[INIT_RULE_SIZE];                     /* the rule of the step to do; empty: only look */
    char replication_password[INIT_PASSWORD_SIZE]; /* only for the steps that need it, else empty */
    char check_password[INIT_PASSWORD_SIZE];
};

/* Malloc'ed, and may hold passwords: the caller wipes it before it frees it. */
char *init_request_encode(const struct cluster *cluster, const struct init_request *request);
enum rc init_request_decode(const struct cluster *cluster, const char *text, size_t length,
                            struct init_request *ret_request, struct reason *ret_why) NODISCARD;

/* answered is true in what was decoded; why of a host that could not look travels as the error of its answer. */
char *init_facts_encode(const struct cluster *cluster, const struct init_facts *facts);
enum rc init_facts_decode(const struct cluster *cluster, const char *text, size_t length, struct init_facts *ret_facts,
                          struct reason *ret_why) NODISCARD;

#endif
