#include "run.h"

static bool still_fails(struct world *world, const struct plan *plan, const struct run_options *options,
                        const char *broken) {
    run_plan(world, plan, options);
    return world->violation[0] && world->broken == broken;
}

/* Large pieces first, then each fault by itself, until nothing more can go. */
void shrink(struct world *world, struct plan *plan, const struct run_options *options) {
    struct run_options quiet = *options;
    quiet.tell = false;
    run_plan(world, plan, &quiet);
    const char *broken = world->broken;
    for (int size = plan->count / 2; size >= 1; size = size > 1 ? size / 2 : 0)
        for (int first = 0; first + size <= plan->count;) {
            struct plan smaller = *plan;
            plan_remove(&smaller, first, size);
            if (still_fails(world, &smaller, &quiet, broken)) {
                *plan = smaller;
                if (size == 1)
                    first = 0;
            } else {
                first += size;
            }
        }
    run_plan(world, plan, options);
}
