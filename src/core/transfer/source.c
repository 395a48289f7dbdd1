#include "core/transfer/source.h"

#include <assert.h>

#include "base/rc.h"

static bool always(const struct source_facts *f) {
    (void)f;
    return true;
}
static bool is_not_serving(const struct source_facts *f) {
    return !f->serving;
}
static bool is_chained(const struct source_facts *f) {
    return f->chained && !f->gone && !f->circular;
}
static bool is_not_compared(const struct source_facts *f) {
    return f->delayed && !f->follows && !f->compared;
}
static bool is_gone(const struct source_facts *f) {
    return f->chained && f->gone;
}
static bool is_circular(const struct source_facts *f) {
    return f->chained && f->circular;
}

/* A chain is the administrator's: replicas are sources of replicas to spare the writer, or a network.  A source that is
 * away for a short time comes back by itself, as its own readers' addresses do, and the chain with it. */
static const struct source_row table[] = {
    /* clang-format off */
    { "R01", "not serving",  is_not_serving,  SOURCE_NOBODY, false, "no writer serves: what it replicates from is left as it is" },
    { "R02", "chained",      is_chained,      SOURCE_KEPT,   false, "it replicates from another replica, as the administrator set it up" },
    { "R03", "not compared", is_not_compared, SOURCE_NOBODY, false, "it is delayed, and following another source deletes what it has received: that is compared with the writer first" },
    { "R04", "source gone",  is_gone,         SOURCE_WRITER, true,  "the replica that it replicates from has been away for long" },
    { "R05", "circular",     is_circular,     SOURCE_WRITER, true,  "replicas replicate from each other, and nobody of them from the writer" },
    { "R10", "always",       always,          SOURCE_WRITER, false, "replication comes from the writer" },
    /* clang-format on */
};

const struct source_row *source_decide(const struct source_facts *facts) {
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].when(facts))
            return &table[i];
    assert(!"the table of sources has a last row");
    return &table[0];
}

const struct source_row *source_table(size_t *ret_count) {
    *ret_count = COUNT_OF(table);
    return table;
}
