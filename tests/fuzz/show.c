/* What the command line makes of a monitor's answers, whoever that monitor is: never a byte that steers a terminal. */
#include "fuzz.h"

#include <stdio.h>

#include "app/cli/events.h"
#include "app/cli/explain.h"
#include "app/cli/show.h"
#include "app/cli/table.h"
#include "app/cli/view.h"

/* Line ends are the only control characters: none of ASCII's, and none of C1 (U+0080 to U+009F in UTF-8). */
static void check_clean(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i], next = i + 1 < length ? (unsigned char)text[i + 1] : 0;
        assert(byte == '\n' || (byte >= ' ' && byte != 127));
        assert(!(byte == 0xC2 && next >= 0x80 && next < 0xA0));
    }
}

static void try_events(const char *text) {
    json_t *root;
    if (view_parse(text, &root, NULL) != RC_OK)
        return;
    char *shown = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&shown, &length);
    struct table *table = events_table();
    const json_t *events = json_object_get(root, "events");
    for (size_t i = 0; i < json_array_size(events); i++) {
        events_add(table, 7, json_object_get(json_array_get(events, i), "event"));
        events_tell(out, 7, json_object_get(json_array_get(events, i), "event"));
    }
    table_print(table, out, false);
    fclose(out);
    check_clean(shown, length);
    free(shown);
    table_free(table);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size), *shown = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&shown, &length);
    enum rc rc = show_render(out, text, false, NULL);
    fclose(out);
    assert(rc == RC_OK || length == 0);
    check_clean(shown, length);
    free(shown);
    out = open_memstream(&shown, &length);
    (void)!show_render(out, text, true, NULL);
    fclose(out);
    free(shown);
    try_events(text);
    out = open_memstream(&shown, &length);
    rc = explain_render(out, text, NULL);
    fclose(out);
    assert(rc == RC_OK || length == 0);
    check_clean(shown, length);
    free(shown);
    free(text);
    return 0;
}
