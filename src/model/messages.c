/* Messages are copied at each step of each report, and are mostly room for positions: only what is used of it goes
 * along. That is why the positions are the last members. */
#include "model/messages.h"

#include <stddef.h>
#include <string.h>

void probe_copy(struct probe *to, const struct probe *from) {
    memcpy(to, from, offsetof(struct probe, binlog));
    gtid_copy(&to->binlog, &from->binlog);
    gtid_copy(&to->applied, &from->applied);
    gtid_copy(&to->received, &from->received);
}

void report_copy(struct report *to, const struct report *from) {
    memcpy(to, from, offsetof(struct report, probe));
    probe_copy(&to->probe, &from->probe);
    gtid_copy(&to->lacks, &from->lacks);
}

void orders_copy(struct orders *to, const struct orders *from) {
    memcpy(to, from, offsetof(struct orders, reach));
    gtid_copy(&to->reach, &from->reach);
}
