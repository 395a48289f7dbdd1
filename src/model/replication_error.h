/* What the errors that stop replication mean for an administrator, and what mends them. */
#ifndef MMM_MODEL_REPLICATION_ERROR_H
#define MMM_MODEL_REPLICATION_ERROR_H

#include <stdint.h>

/* In one line.  NULL: the server's own text says all that is known. */
const char *replication_error_advice(uint32_t number);

#endif
