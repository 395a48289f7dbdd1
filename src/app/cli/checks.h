/* The checks in the original's words, which scripts read: `db1  ping         [last change: 2010/02/11 12:43:16]  OK`.
 */
#ifndef MMM_APP_CLI_CHECKS_H
#define MMM_APP_CLI_CHECKS_H

#include <stdio.h>

#include "base/rc.h"
#include "base/reason.h"

/* host, check: NULL or «all» for all.  An unknown name is RC_NOT_FOUND with the original's sentence. */
enum rc checks_render(FILE *out, const char *status, const char *host, const char *check,
                      struct reason *ret_why) NODISCARD;

#endif
