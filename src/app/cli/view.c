#include "app/cli/view.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/client.h"
#include "base/text.h"
#include "wire/json.h"

enum rc view_parse(const char *text, json_t **ret_root, struct reason *ret_why) {
    return json_from_text("the monitor's answer", text, strlen(text), VIEW_TEXT_MAX, ret_root, ret_why);
}

enum rc view_get(const struct settings *settings, const char *path, json_t **ret_root, struct reason *ret_why) {
    char *body;
    enum rc rc = client_get(settings, path, &body, ret_why);
    if (rc != RC_OK)
        return rc;
    rc = view_parse(body, ret_root, ret_why);
    free(body);
    return rc;
}

const char *view_text(const json_t *object, const char *name, const char *unknown) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : unknown;
}

void view_append_length(char *text, size_t size, msec length) {
    if (length < SECONDS(1))
        text_append(text, size, "%lld ms", (long long)length);
    else if (length < SECONDS(10))
        text_append(text, size, "%lld.%lld s", (long long)(length / 1000), (long long)(length % 1000 / 100));
    else if (length < SECONDS(120))
        text_append(text, size, "%lld s", (long long)(length / 1000));
    else if (length < SECONDS(120 * 60))
        text_append(text, size, "%lld min", (long long)(length / 60000));
    else
        text_append(text, size, "%lld h", (long long)(length / 3600000));
}

void view_capitals(const char *text, char *ret_text, size_t size) {
    size_t i = 0;
    for (; text[i] && i + 1 < size; i++)
        ret_text[i] = (char)toupper((unsigned char)text[i]);
    ret_text[i] = 0;
}
