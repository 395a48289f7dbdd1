/* What a person should know at once, as sentences: each says what is wrong, and where it can, what to do. */
#ifndef MMM_WIRE_WARNINGS_H
#define MMM_WIRE_WARNINGS_H

#include "core/monitor/monitor.h"
#include "wire/json.h"

json_t *warnings_value(const struct monitor *monitor, msec now);

#endif
