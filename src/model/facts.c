#include "model/facts.h"

#include <string.h>

#include "base/text.h"

bool fact_name_is_valid(const char *name) {
    size_t length = 0;
    for (; name[length]; length++) {
        char c = name[length];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '_' || c == '-';
        if (!fits)
            return false;
    }
    return length > 0 && length < FACT_NAME_SIZE;
}

static struct fact *find(struct facts *facts, const char *name) {
    for (size_t i = 0; i < facts->count; i++)
        if (text_equal(facts->items[i].name, name))
            return &facts->items[i];
    return NULL;
}

bool facts_put(struct facts *facts, const char *name, const char *value) {
    if (!fact_name_is_valid(name))
        return false;
    struct fact *fact = find(facts, name);
    if (!fact && facts->count == FACTS_MAX) {
        facts->cut = true;
        return false;
    }
    if (!fact)
        fact = &facts->items[facts->count++];
    TEXT_COPY(fact->name, name);
    TEXT_COPY(fact->value, value);
    return true;
}

const char *facts_get(const struct facts *facts, const char *name) {
    for (size_t i = 0; i < facts->count; i++)
        if (text_equal(facts->items[i].name, name))
            return facts->items[i].value;
    return NULL;
}

bool fact_name_matches(const char *name, const char *pattern, char ret_middle[static FACT_NAME_SIZE]) {
    const char *star = strchr(pattern, '*');
    if (!star)
        return false;
    size_t before = (size_t)(star - pattern), after = strlen(star + 1), length = strlen(name);
    if (length <= before + after || length >= FACT_NAME_SIZE || strncmp(name, pattern, before) != 0 ||
        strcmp(name + length - after, star + 1) != 0)
        return false;
    size_t middle = length - before - after;
    memcpy(ret_middle, name + before, middle);
    ret_middle[middle] = 0;
    return true;
}
