/* One run: the cluster starts, the planned faults come and go while the oracles look (safety), then everything heals
 * and every role must be served within a bound (liveness). */
#ifndef MMM_SIM_RUN_H
#define MMM_SIM_RUN_H

#include "plan.h"
#include "world.h"

struct run_options {
    enum wire_way wire;
    bool safety; /* only that */
    bool tell;
};

/* What came of it stands in the world: violation, broken, digest, now, story. */
void run_plan(struct world *world, const struct plan *plan, const struct run_options *options);

/* shrink.c: removes faults as long as the same rule is broken. */
void shrink(struct world *world, struct plan *plan, const struct run_options *options);

#endif
