/* xorshift64*: the same numbers in every run; the state is never 0. */
#ifndef MMM_SIM_RANDOM_H
#define MMM_SIM_RANDOM_H

#include <stdint.h>

static inline uint64_t sim_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

#endif
