/* What an agent answers to `mmm doctor`:
 * {"v":1,"message":"facts","cluster":"shop","host":"db1","facts":{"name":"value"}} */
#ifndef MMM_WIRE_FACTS_H
#define MMM_WIRE_FACTS_H

#include "model/cluster.h"
#include "model/facts.h"
#include "wire/json.h"

enum { FACTS_TEXT_MAX = 256 * 1024 };

/* malloc'ed. */
char *facts_encode(const struct cluster *cluster, int host, const struct facts *facts);
/* ret_facts is untouched on failure, which is RC_INVALID.  A name that is no fact's, a value that is no text or too
 * long, and more facts than fit are errors: they come from one of ours or from nobody. */
enum rc facts_decode(const struct cluster *cluster, int host, const char *text, size_t length, struct facts *ret_facts,
                     struct reason *ret_why) NODISCARD;

#endif
