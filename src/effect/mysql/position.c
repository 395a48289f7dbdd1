#include "effect/mysql/position.h"

#include "base/text.h"
#include "effect/mysql/family.h"

bool position_is_read_only(const char *value) {
    return !text_equal(value, "0") && !text_equal(value, "OFF");
}

enum rc position_read(struct connection *connection, msec deadline, struct position *ret_position,
                      struct reason *ret_why) {
    const struct family *family;
    enum rc rc = family_need(connection, &family, ret_why);
    if (rc == RC_OK)
        rc = family->position_read(connection, deadline, ret_position, ret_why);
    if (rc != RC_OK)
        reason_prefix(ret_why, "cannot read the server's position");
    return rc;
}

bool position_has(const struct position *position, const struct gtid_position *wanted) {
    if (wanted->form == GTID_SETS)
        return gtid_reached(wanted, &position->has);
    for (size_t i = 0; i < wanted->count; i++) {
        const struct gtid *entry = &wanted->entries[i];
        if (gtid_domain_sequence(&position->has, entry->domain) < entry->sequence &&
            gtid_domain_sequence(&position->replicated, entry->domain) < entry->sequence)
            return false;
    }
    return true;
}
