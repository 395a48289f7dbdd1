/* What the monitor's /v1/explain says, for a person. */
#ifndef MMM_APP_CLI_EXPLAIN_H
#define MMM_APP_CLI_EXPLAIN_H

#include <stdio.h>

#include "base/rc.h"
#include "base/reason.h"

/* RC_INVALID, and nothing printed, when the answer is not what a monitor says. */
enum rc explain_render(FILE *out, const char *answer, struct reason *ret_why) NODISCARD;

#endif
