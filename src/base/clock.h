/* The two clocks.  Deadlines are absolute milliseconds of CLOCK_BOOTTIME, which goes on while the machine sleeps and
 * which nobody can set.  Wall time is for people and for values that must be compared between machines.
 * The core includes this for the type and never calls it: time comes in with each event. */
#ifndef MMM_BASE_CLOCK_H
#define MMM_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/reason.h"

typedef int64_t msec; /* milliseconds: a moment or a length, as the name says */

#define NEVER INT64_MAX /* a deadline that does not come */
#define SECONDS(n) ((msec)(n)*1000)

msec clock_now(void);
msec clock_wall(void);

enum { CLOCK_TEXT_MAX = 32 };
/* Wall milliseconds as 2026-11-22T05:00:00.123Z. */
void clock_format(msec wall, char ret_text[static CLOCK_TEXT_MAX]);

/* 500ms, 5s, 1.5s, 2min, 1h; a bare number is refused, since its unit would be a guess. */
enum rc duration_parse(const char *text, msec *ret_length, struct reason *ret_why) NODISCARD;
void duration_format(msec length, char ret_text[static CLOCK_TEXT_MAX]);

#endif
