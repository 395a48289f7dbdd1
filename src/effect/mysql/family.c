#include "effect/mysql/family.h"

const struct family *family_of(const struct connection *connection) {
    if (!connection_is_open(connection))
        return NULL;
    switch (connection->abilities.family) {
    case FAMILY_MARIADB:
        return &family_mariadb;
    case FAMILY_MYSQL:
        return &family_mysql;
    case FAMILY_UNKNOWN:
        break;
    }
    return NULL;
}

enum rc family_need(const struct connection *connection, const struct family **ret_family, struct reason *ret_why) {
    const struct family *family = family_of(connection);
    if (!connection_is_open(connection))
        return FAIL(RC_IO, ret_why, "the connection is closed");
    if (family == NULL)
        return FAIL(RC_REFUSED, ret_why,
                    "this server has neither @@gtid_binlog_state nor @@gtid_executed: it is no"
                    " MariaDB or MySQL server that can be managed");
    *ret_family = family;
    return RC_OK;
}
