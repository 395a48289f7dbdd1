/* The daemons' own log: one event, one line, key=value, on stderr (the journal adds the time and the unit).
 * Only the daemons and the command line call this; a library returns its reason. */
#ifndef MMM_BASE_LOG_H
#define MMM_BASE_LOG_H

#include "base/rc.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

void log_start(const char *name, enum log_level least);
/* format holds the key=value pairs: log_line(LOG_LEVEL_INFO, "event=listening port=%d", port). */
void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
