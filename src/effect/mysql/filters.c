#include "effect/mysql/filters.h"

#include "effect/mysql/family.h"

enum { FILTERS_MAX = 32 }; /* kinds of filters that a server tells */

static enum rc replication_filters(struct connection *connection, const struct family *family, msec deadline,
                                   struct filters *filters, struct reason *ret_why) {
    enum rc rc = connection_run(connection, deadline, ret_why, "%s", family->filters);
    for (int i = 0; rc == RC_OK && i < FILTERS_MAX && connection_next(connection); i++)
        filters_add(filters, connection_value(connection, 0), connection_value(connection, 1));
    return rc;
}

/* No row: the server writes no binary log. */
static enum rc binlog_filters(struct connection *connection, const struct family *family, msec deadline,
                              struct filters *filters, struct reason *ret_why) {
    enum rc rc = connection_run(connection, deadline, ret_why, "%s", family->binlog_filters);
    if (rc == RC_SERVER && connection->error_number == ERROR_SYNTAX && family->binlog_filters_older != NULL)
        rc = connection_run(connection, deadline, ret_why, "%s", family->binlog_filters_older);
    if (rc == RC_OK && connection_next(connection)) {
        filters_add(filters, "binlog_do_db", connection_named(connection, "Binlog_Do_DB"));
        filters_add(filters, "binlog_ignore_db", connection_named(connection, "Binlog_Ignore_DB"));
    }
    return rc;
}

enum rc filters_read(struct connection *connection, msec deadline, struct filters *ret_filters,
                     struct reason *ret_why) {
    const struct family *family;
    struct filters filters = { .known = true };
    enum rc rc = family_need(connection, &family, ret_why);
    if (rc != RC_OK)
        return rc;
    if (family->filters_need_performance_schema && !connection->abilities.performance_schema) {
        *ret_filters = (struct filters){ 0 };
        return RC_OK;
    }
    rc = replication_filters(connection, family, deadline, &filters, ret_why);
    if (rc == RC_OK)
        rc = binlog_filters(connection, family, deadline, &filters, ret_why);
    if (rc == RC_OK)
        *ret_filters = filters;
    return rc;
}
