/* What `mmm explain` shows, as JSON; written only. */
#ifndef MMM_WIRE_EXPLAIN_H
#define MMM_WIRE_EXPLAIN_H

#include "core/monitor/explain.h"

/* fresh: the reports are younger than the question.  malloc'ed. */
char *explanation_encode(const struct cluster *cluster, const struct explanation *explanation, bool fresh, msec wall);

#endif
