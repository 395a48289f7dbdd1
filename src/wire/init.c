#include "wire/init.h"

#include <string.h>

#include "wire/messages_internal.h"
#include "wire/words.h"

char *init_request_encode(const struct cluster *cluster, const struct init_request *request) {
    json_t *object = message_new("init", cluster);
    put_text_unless_empty(object, "step", request->step);
    put_text_unless_empty(object, "replication_password", request->replication_password);
    put_text_unless_empty(object, "check_password", request->check_password);
    return object_to_text(object);
}

static void request_fields(const struct fields *f, const struct cluster *cluster, void *ret_x) {
    struct init_request *request = ret_x;
    (void)cluster;
    field_text_or_empty(f, "step", request->step, sizeof request->step);
    field_text_or_empty(f, "replication_password", request->replication_password, sizeof request->replication_password);
    field_text_or_empty(f, "check_password", request->check_password, sizeof request->check_password);
}

enum rc init_request_decode(const struct cluster *cluster, const char *text, size_t length,
                            struct init_request *ret_request, struct reason *ret_why) {
    struct init_request request = { .step = "" };
    enum rc rc = message_decode("init", cluster, text, length, request_fields, &request, ret_why);
    if (!rc)
        *ret_request = request;
    explicit_bzero(&request, sizeof request);
    return rc;
}

/* By name: a side whose table has another row says so, instead of taking one value for another. */
static json_t *values_value(const struct init_facts *facts) {
    json_t *object = object_new();
    for (size_t i = 0; i < init_setting_count; i++)
        if (init_settings[i].family == facts->family && init_settings[i].reach != INIT_FILE)
            put_text(object, init_settings[i].name, facts->values[i]);
    return object;
}

char *init_facts_encode(const struct cluster *cluster, const struct init_facts *facts) {
    json_t *object = message_new("init_facts", cluster);
    put_flag(object, "set_up", facts->set_up);
    PUT_WORD(object, "family", family_words, facts->family);
    put_text(object, "version", facts->version);
    put_number(object, "server_id", facts->server_id);
    put_flag(object, "has_source", facts->has_source);
    put_flag(object, "agent_has_socket", facts->agent_has_socket);
    put_number(object, "databases", facts->databases);
    put_text_unless_empty(object, "database", facts->database);
    put_text_unless_empty(object, "transactions", facts->transactions);
    put(object, "values", values_value(facts));
    put_text_unless_empty(object, "file", facts->file);
    put_flag(object, "file_is_right", facts->file_is_right);
    return object_to_text(object);
}

static void facts_fields(const struct fields *f, const struct cluster *cluster, void *ret_x) {
    struct init_facts *facts = ret_x;
    (void)cluster;
    facts->answered = true;
    facts->set_up = field_flag(f, "set_up");
    facts->family = (enum server_family)FIELD_WORD(f, "family", family_words);
    field_text(f, "version", facts->version, sizeof facts->version);
    facts->server_id = field_number(f, "server_id");
    facts->has_source = field_flag(f, "has_source");
    facts->agent_has_socket = field_flag(f, "agent_has_socket");
    facts->databases = field_number(f, "databases");
    field_text_or_empty(f, "database", facts->database, sizeof facts->database);
    field_text_or_empty(f, "transactions", facts->transactions, sizeof facts->transactions);
    struct fields values = field_object(f, "values");
    for (size_t i = 0; i < init_setting_count; i++)
        if (init_settings[i].family == facts->family && init_settings[i].reach != INIT_FILE)
            field_text(&values, init_settings[i].name, facts->values[i], sizeof facts->values[i]);
    field_text_or_empty(f, "file", facts->file, sizeof facts->file);
    facts->file_is_right = field_flag(f, "file_is_right");
}

enum rc init_facts_decode(const struct cluster *cluster, const char *text, size_t length, struct init_facts *ret_facts,
                          struct reason *ret_why) {
    struct init_facts facts = { 0 };
    enum rc rc = message_decode("init_facts", cluster, text, length, facts_fields, &facts, ret_why);
    if (!rc)
        *ret_facts = facts;
    return rc;
}
