#include "effect/mysql/position.h"

#include "base/text.h"

bool position_is_read_only(const char *value) {
    return !text_equal(value, "0") && !text_equal(value, "OFF");
}

enum rc position_read(struct connection *connection, msec deadline, struct position *ret_position,
                      struct reason *ret_why) {
    struct position position = { 0 };
    enum rc rc = connection_run(connection, deadline, ret_why,
                                "SELECT @@global.read_only, @@global.gtid_binlog_state, @@global.gtid_current_pos,"
                                " @@global.gtid_slave_pos, @@global.gtid_binlog_pos");
    if (rc == RC_OK && !connection_next(connection))
        rc = FAIL(RC_IO, ret_why, "no row");
    struct gtid_position *fields[] = { &position.binlog_state, &position.current, &position.replicated,
                                       &position.written };
    for (unsigned i = 0; rc == RC_OK && i < COUNT_OF(fields); i++)
        rc = gtid_parse(connection_value(connection, i + 1), fields[i], ret_why);
    if (rc != RC_OK) {
        reason_prefix(ret_why, "cannot read the server's position");
        return rc;
    }
    position.read_only = position_is_read_only(connection_value(connection, 0));
    *ret_position = position;
    return RC_OK;
}

bool position_has(const struct position *position, const struct gtid_position *wanted) {
    for (size_t i = 0; i < wanted->count; i++) {
        const struct gtid *entry = &wanted->entries[i];
        if (gtid_domain_sequence(&position->binlog_state, entry->domain) < entry->sequence &&
            gtid_domain_sequence(&position->replicated, entry->domain) < entry->sequence)
            return false;
    }
    return true;
}

struct gtid_position position_heads(const struct gtid_position *position) {
    struct gtid_position heads = { 0 };
    for (size_t i = 0; i < position->count; i++) {
        const struct gtid *entry = &position->entries[i];
        if (entry->sequence == gtid_domain_sequence(position, entry->domain) &&
            (heads.count == 0 || heads.entries[heads.count - 1].domain != entry->domain))
            heads.entries[heads.count++] = *entry;
    }
    return heads;
}
