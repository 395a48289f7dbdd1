#include "app/cli/view.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/client.h"
#include "effect/http/http.h"
#include "wire/json.h"

enum rc view_parse(const char *text, json_t **ret_root, struct reason *ret_why) {
    return json_from_text("the monitor's answer", text, strlen(text), HTTP_BODY_MAX, ret_root, ret_why);
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

void view_capitals(const char *text, char *ret_text, size_t size) {
    size_t i = 0;
    for (; text[i] && i + 1 < size; i++)
        ret_text[i] = (char)toupper((unsigned char)text[i]);
    ret_text[i] = 0;
}
