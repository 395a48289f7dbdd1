/* What a person should know at once, as sentences: each says what is wrong, and where it can, what to do. */
#ifndef MMM_WIRE_WARNINGS_H
#define MMM_WIRE_WARNINGS_H

#include "wire/json.h"
#include "wire/status.h"

json_t *warnings_value(const struct status_source *source);

#endif
