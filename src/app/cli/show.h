/* The monitor's status (DESIGN.md §9) for a person.  Pure: the same text and colour always give the same picture. */
#ifndef MMM_APP_CLI_SHOW_H
#define MMM_APP_CLI_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "base/rc.h"
#include "base/reason.h"

/* RC_INVALID, and nothing printed, when the status is not what a monitor says. */
enum rc show_render(FILE *out, const char *status, bool colour, struct reason *ret_why) NODISCARD;

#endif
