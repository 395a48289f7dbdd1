/* The heads of requests and of answers. */
#include "fuzz.h"

#include <event2/buffer.h>

#include "effect/http/internal.h"

static bool is_inside(const char *part, const char *text, size_t length) {
    return part >= text && part <= text + length;
}

static void try_request(const char *head, size_t length) {
    struct http_head parsed;
    char *text = fuzz_text((const uint8_t *)head, length);
    if (head_parse_request(text, length, &parsed)) {
        assert(parsed.parameter_count <= HTTP_PARAMETERS_MAX);
        assert(is_inside(parsed.method, text, length) && is_inside(parsed.path, text, length));
        assert(parsed.path[0] == '/' && strlen(parsed.path) < HTTP_PATH_MAX);
        for (int i = 0; i < parsed.parameter_count; i++)
            assert(strlen(parsed.parameters[i].name) + strlen(parsed.parameters[i].value) <= length);
    }
    free(text);
}

static void try_answer(const char *head, size_t length) {
    struct http_head parsed;
    char *text = fuzz_text((const uint8_t *)head, length);
    if (head_parse_answer(text, length, &parsed))
        assert(parsed.status >= 200 && parsed.status <= 599);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct evbuffer *input = evbuffer_new();
    assert(input);
    /* In two pieces, so that the search for the end crosses from one to the other. */
    evbuffer_add(input, data, size / 2);
    evbuffer_add_reference(input, data + size / 2, size - size / 2, NULL, NULL);
    size_t length = 0;
    char *head = head_take(input, &length);
    if (head) {
        assert(length >= 2 && length + 2 <= HTTP_HEADERS_MAX && length + 2 <= size);
        try_request(head, length);
        try_answer(head, length);
    }
    free(head);
    evbuffer_free(input);
    return 0;
}
