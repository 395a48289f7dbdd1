/* One line for a person: what was tried, on which host, why it failed, what to do next.
 * Starts where the failure is seen and grows at the front on its way up. */
#ifndef MMM_BASE_REASON_H
#define MMM_BASE_REASON_H

#include "base/rc.h"

#define REASON_MAX 400

struct reason {
    char text[REASON_MAX];
};

/* Every function here accepts why == NULL: a caller that does not care says so once. */
void reason_set(struct reason *why, const char *format, ...) PRINTF_LIKE(2, 3);
void reason_prefix(struct reason *why, const char *format, ...) PRINTF_LIKE(2, 3);

/* reason_set and the code in one expression: return FAIL(RC_IO, ret_why, "cannot …"). */
#define FAIL(code, why, ...) (reason_set((why), __VA_ARGS__), (code))

#endif
