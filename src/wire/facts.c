#include "wire/facts.h"

#include <stdlib.h>
#include <string.h>

enum { FACTS_VERSION = 1 };

char *facts_encode(const struct cluster *cluster, int host, const struct facts *facts) {
    json_t *object = object_new(), *list = object_new();
    put_number(object, "v", FACTS_VERSION);
    put_text(object, "message", "facts");
    put_text(object, "cluster", cluster->name);
    put_text(object, "host", cluster->hosts[host].name);
    for (size_t i = 0; i < facts->count; i++)
        put_text(list, facts->items[i].name, facts->items[i].value);
    put(object, "facts", list);
    return object_to_text(object);
}

/* The head, which must name this cluster and host, so that no other machine's facts are taken for them. */
static void check_head(const struct fields *fields, const struct cluster *cluster, int host) {
    static const char *const messages[] = { "facts" };
    char name[NAME_SIZE];
    field_integer(fields, "v", FACTS_VERSION, FACTS_VERSION);
    field_word(fields, "message", messages, COUNT_OF(messages));
    field_text(fields, "cluster", name, sizeof name);
    if (strcmp(name, cluster->name) != 0)
        field_wrong(fields, "cluster", "«%s» is another cluster", name);
    field_text(fields, "host", name, sizeof name);
    if (strcmp(name, cluster->hosts[host].name) != 0)
        field_wrong(fields, "host", "«%s» is another host", name);
}

static void take_facts(const struct fields *list, struct facts *facts) {
    const char *name;
    json_t *value;
    if (list->decoding->rc)
        return;
    json_object_foreach((json_t *)(uintptr_t)list->object, name, value) {
        char text[FACT_VALUE_SIZE];
        if (!fact_name_is_valid(name)) {
            field_wrong(list, "?", "«%.40s» is not the name of a fact", name);
            return;
        }
        field_text(list, name, text, sizeof text);
        if (list->decoding->rc)
            return;
        if (!facts_put(facts, name, text)) {
            field_wrong(list, name, "more than %d facts", FACTS_MAX);
            return;
        }
    }
}

enum rc facts_decode(const struct cluster *cluster, int host, const char *text, size_t length, struct facts *ret_facts,
                     struct reason *ret_why) {
    json_t *root;
    enum rc rc = json_from_text("the agent's facts", text, length, FACTS_TEXT_MAX, &root, ret_why);
    if (rc)
        return rc;
    struct decoding decoding = { .why = ret_why };
    struct fields fields = { .decoding = &decoding, .object = root, .path = "facts" };
    struct facts *facts = calloc(1, sizeof *facts);
    if (!facts)
        abort();
    check_head(&fields, cluster, host);
    struct fields list = field_object(&fields, "facts");
    take_facts(&list, facts);
    if (!decoding.rc)
        *ret_facts = *facts;
    free(facts);
    json_decref(root);
    return decoding.rc;
}
