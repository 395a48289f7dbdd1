/* The rows that a held host's own transactions touch, as its agent has decoded them: application data, so it goes to
 * who asked and nowhere else. */
#ifndef MMM_APP_CLI_ROWS_H
#define MMM_APP_CLI_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/rc.h"
#include "base/reason.h"
#include "core/rows/rows.h"
#include "model/limits.h"

struct settings;

struct rows_question {
    const char *host;     /* of the event; lives as long as that */
    char list[FACT_SIZE]; /* the transactions */
    bool is_cut;          /* the event names not all that it counts: these are the first */
};

/* From an event that says «has 3 transactions that db1 does not have: 0-12-56..58».  False: it says nothing like it. */
bool rows_question_of(const json_t *event, struct rows_question *ret_question);
/* Asks the host's agent.  *ret_rows: the caller's, json_decref. */
enum rc rows_fetch(const struct settings *settings, const struct rows_question *question, json_t **ret_rows,
                   struct reason *ret_why) NODISCARD;
/* rows: the agent's answer, whoever that is; NULL: there is none, and why says why.  What it cannot tell is told how to
 * be seen by hand. */
void rows_tell(FILE *out, const struct rows_question *question, const json_t *rows, const char *why);

#endif
