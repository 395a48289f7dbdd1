/* Events as aligned lines; apart from the talking, so that it can be tested. */
#ifndef MMM_APP_CLI_EVENTS_H
#define MMM_APP_CLI_EVENTS_H

#include <jansson.h>

struct table;

struct table *events_table(void); /* the caller's, table_free */
void events_add(struct table *table, long long number, const json_t *event);
/* One event with all its facts; of one that lists transactions, what shows the rows that they touch. */
void events_tell(FILE *out, long long number, const json_t *event);

#endif
