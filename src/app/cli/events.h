/* Events as aligned lines; apart from the talking, so that it can be tested. */
#ifndef MMM_APP_CLI_EVENTS_H
#define MMM_APP_CLI_EVENTS_H

#include <jansson.h>

struct table;

struct table *events_table(void); /* the caller's, table_free */
void events_add(struct table *table, const json_t *event);

#endif
