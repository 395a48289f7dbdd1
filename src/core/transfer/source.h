/* From whom a standby replicates: first row that fits wins (source.c has the table). */
#ifndef MMM_CORE_TRANSFER_SOURCE_H
#define MMM_CORE_TRANSFER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct source_facts {
    bool serving;  /* there is a writer, and it serves */
    bool chained;  /* its mode is «replica», and so is its present source's, another host of the cluster */
    bool gone;     /* chained: its source has been HARD_OFFLINE for longer than health.down_short */
    bool circular; /* chained: from source to source one comes back to it */
    bool delayed;  /* it applies late on purpose */
    bool follows;  /* its source is the writer */
    bool compared; /* all that it has received is known to be on the writer */
};

enum source_choice {
    SOURCE_NOBODY, /* replication is left as it is */
    SOURCE_KEPT,   /* the present source */
    SOURCE_WRITER,
};

struct source_row {
    const char *rule; /* R01 … */
    const char *when_text;
    bool (*when)(const struct source_facts *facts);
    enum source_choice choice;
    bool told; /* an event tells of it */
    const char *why;
};

const struct source_row *source_decide(const struct source_facts *facts);
const struct source_row *source_table(size_t *ret_count);

#endif
