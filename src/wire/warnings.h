/* What a person should know at once, as sentences: each says what is wrong, and where it can, what to do. */
#ifndef MMM_WIRE_WARNINGS_H
#define MMM_WIRE_WARNINGS_H

#include "core/monitor/monitor.h"
#include "wire/json.h"

/* store_trouble: why the store can not be written, NULL or empty if it can. */
json_t *warnings_value(const struct monitor *monitor, const char *store_trouble, msec now);

#endif
