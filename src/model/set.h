/* Sets of small numbers (host, role address) in one word. */
#ifndef MMM_MODEL_SET_H
#define MMM_MODEL_SET_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t host_set;    /* bit i: host i of the cluster's configuration */
typedef uint64_t address_set; /* bit i: role address i of the cluster's configuration */

static inline uint64_t set_of(int member) {
    return UINT64_C(1) << member;
}
static inline bool set_has(uint64_t set, int member) {
    return member >= 0 && (set >> member & 1);
}
static inline bool set_contains(uint64_t set, uint64_t part) {
    return (set & part) == part;
}
/* In plain C: the compiler's own would call a function of its library, which the core does not (tests/check-layers). */
static inline int set_count(uint64_t set) {
    int count = 0;
    for (int i = 0; i < 64; i++)
        count += set_has(set, i);
    return count;
}

#endif
