#include "wire/words.h"

#include <string.h>

const char *const process_words[PROCESS_ABSENT + 1] = {
    [PROCESS_UNKNOWN] = "unknown",
    [PROCESS_RUNNING] = "running",
    [PROCESS_EXITED] = "exited",
    [PROCESS_ABSENT] = "absent",
};

const char *const family_words[FAMILY_MYSQL + 1] = {
    [FAMILY_UNKNOWN] = "unknown",
    [FAMILY_MARIADB] = "mariadb",
    [FAMILY_MYSQL] = "mysql",
};

const char *const thread_words[THREAD_RUNNING + 1] = {
    [THREAD_STOPPED] = "stopped",
    [THREAD_CONNECTING] = "connecting",
    [THREAD_RUNNING] = "running",
};

const char *const task_words[TASK_SEMI_SYNC + 1] = {
    [TASK_NONE] = "none", [TASK_FENCE] = "fence",   [TASK_DRAIN] = "drain",         [TASK_READY] = "ready",
    [TASK_OPEN] = "open", [TASK_FOLLOW] = "follow", [TASK_SEMI_SYNC] = "semi-sync",
};

const char *const protection_words[PROTECTION_COUNT] = {
    [PROTECTION_UNKNOWN] = "unknown",
    [PROTECTION_OFF] = "off",
    [PROTECTION_ON] = "on",
};

const char *const duty_words[DUTY_COUNT] = {
    [DUTY_STANDBY] = "standby", [DUTY_HELD] = "held",     [DUTY_YIELD] = "yield",
    [DUTY_DRAIN] = "drain",     [DUTY_WRITER] = "writer",
};

const char *const command_words[COMMAND_KIND_COUNT] = {
    [COMMAND_SET_ONLINE] = "set-online",
    [COMMAND_SET_OFFLINE] = "set-offline",
    [COMMAND_MOVE_ROLE] = "move-role",
    [COMMAND_SET_MODE] = "set-mode",
};

const char *const mode_words[MONITOR_MODE_COUNT] = {
    [MONITOR_ACTIVE] = "active",
    [MONITOR_MANUAL] = "manual",
    [MONITOR_PASSIVE] = "passive",
};

const char *const rc_words[RC_COUNT] = {
    [RC_OK] = "ok",
    [RC_INVALID] = "invalid",
    [RC_REFUSED] = "refused",
    [RC_NOT_FOUND] = "not-found",
    [RC_CONFLICT] = "conflict",
    [RC_TIMEOUT] = "timeout",
    [RC_IO] = "io",
    [RC_SERVER] = "server",
};

enum { HOLD_BITS = 16 };

/* A switch, so that the compiler asks for a reason that is new; NULL for a bit that means nothing. */
static const char *hold_word(unsigned bit) {
    switch ((enum hold_reason)bit) {
    case HOLD_LOST_WRITER:
    case HOLD_OWN_TRANSACTIONS:
    case HOLD_FLAPPING:
    case HOLD_DOWN_LONG:
    case HOLD_UNCLEAN_RESTART:
    case HOLD_LOST_RECEIVED:
        return hold_reason_name((enum hold_reason)bit);
    }
    return NULL;
}

void put_holds(json_t *object, const char *name, unsigned holds) {
    json_t *reasons = array_new();
    for (int i = 0; i < HOLD_BITS; i++)
        if (set_has(holds, i) && hold_word(1U << i))
            array_put(reasons, text_value(hold_word(1U << i)));
    put(object, name, reasons);
}

static unsigned hold_of(const char *word) {
    for (int i = 0; i < HOLD_BITS; i++)
        if (hold_word(1U << i) && strcmp(hold_word(1U << i), word) == 0)
            return 1U << i;
    return 0;
}

unsigned field_holds(const struct fields *fields, const char *name) {
    const json_t *list = field_array(fields, name, HOLD_BITS);
    unsigned holds = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        unsigned hold = word ? hold_of(word) : 0;
        if (!hold)
            field_wrong(fields, name, "«%.40s» is not a reason to hold a host", word ? word : "");
        holds |= hold;
    }
    return holds;
}
