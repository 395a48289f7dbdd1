/* What is hostile or damaged is refused, with the field in the reason and nothing touched. */
#include "wire_kinds.h"

/* Refused, with a reason, and nothing touched. */
static void expect_refused(const struct kind *kind, const char *text, size_t length, const char *what) {
    union any_message message;
    struct reason why = { "" };
    char *copy = exact_copy(text, length);
    memset(&message, 0xa5, sizeof message);
    enum rc rc = kind->decode(copy, length, &message, &why);
    free(copy);
    if (rc == RC_OK)
        fail_msg("%s: accepted with %s: %.300s", kind->name, what, text);
    assert_int_equal(rc, RC_INVALID);
    if (!text_starts_with(why.text, kind->name))
        fail_msg("the reason «%s» does not start with «%s»", why.text, kind->name);
    if (!is_untouched(&message, sizeof message))
        fail_msg("%s: touched with %s", kind->name, what);
}

static void expect_refused_text(const struct kind *kind, const char *text, const char *what) {
    expect_refused(kind, text, strlen(text), what);
}

static void a_message_cut_anywhere_is_refused(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        char *text = kinds[k].encode_any();
        for (size_t length = 0; length < strlen(text); length++)
            expect_refused(&kinds[k], text, length, "its end cut off");
        free(text);
    }
}

/* Whatever a damaged byte makes of it: no crash, and on failure nothing touched. */
static void a_damaged_byte_never_leaves_half_a_message(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (int i = 0; i < 2000; i++) {
            char *text = kinds[k].encode_any();
            size_t length = strlen(text);
            union any_message message;
            memset(&message, 0xa5, sizeof message);
            text[any_below(length)] = (char)any();
            char *copy = exact_copy(text, length);
            if (kinds[k].decode(copy, length, &message, NULL))
                assert_true(is_untouched(&message, sizeof message));
            free(copy);
            free(text);
        }
}

static const char *const may_be_absent[] = { "error", "trouble", "stranger", "source",      "source_address", "who",
                                             "host",  "role",    "id",       "oldest_user", "grace_ms" };

static bool is_optional(const struct kind *kind, const char *name) {
    bool required = (text_equal(kind->name, "report") && text_equal(name, "host")) ||
                    (text_equal(kind->name, "command_reply") && text_equal(name, "id"));
    for (size_t i = 0; i < COUNT_OF(may_be_absent) && !required; i++)
        if (text_equal(may_be_absent[i], name))
            return true;
    return false;
}

static void expect_root_refused(const struct kind *kind, const json_t *root, const char *what) {
    char *text = json_dumps(root, JSON_COMPACT);
    expect_refused_text(kind, text, what);
    free(text);
}

/* Puts each hostile value in the place of object's field, which is somewhere in root. */
static void try_hostile_values(const struct kind *kind, json_t *root, json_t *object, const char *name) {
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    json_t *original = json_incref(json_object_get(object, name));
    json_t *hostile[] = { json_integer(-1),
                          json_integer(WIRE_INTEGER_MAX + 1),
                          json_integer(INT64_MAX),
                          json_real(1.5),
                          json_true(),
                          json_string(long_text),
                          json_array(),
                          json_object(),
                          json_pack("[s]", "db9"),
                          json_pack("[i]", 1),
                          json_pack("[[]]"),
                          json_null() };
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        bool same_kind = json_typeof(hostile[i]) == json_typeof(original) ||
                         (json_is_boolean(hostile[i]) && json_is_boolean(original));
        bool harmless = (same_kind && !json_is_integer(original) && !json_is_string(original) &&
                         json_array_size(hostile[i]) == 0 && !json_is_object(original)) ||
                        (json_is_null(hostile[i]) && is_optional(kind, name));
        json_object_set(object, name, hostile[i]);
        if (!harmless)
            expect_root_refused(kind, root, name);
        json_decref(hostile[i]);
    }
    json_object_del(object, name);
    if (!is_optional(kind, name))
        expect_root_refused(kind, root, name);
    json_object_set_new(object, name, original);
}

static size_t field_names(json_t *object, char ret_names[][NAME_SIZE]) {
    const char *name;
    json_t *value;
    size_t count = 0;
    json_object_foreach(object, name, value) {
        text_copy(ret_names[count++], NAME_SIZE, name);
    }
    return count;
}

static void a_field_that_is_missing_or_of_another_type_or_out_of_range_is_refused(void **state) {
    (void)state;
    enum { FIELDS_MAX = 32 };
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (int round = 0; round < 20; round++) {
            char *text = kinds[k].encode_any();
            json_t *root = json_loads(text, 0, NULL);
            json_t *probe = json_object_get(root, "probe");
            json_t *objects[] = { root, probe, json_object_get(probe, "replication"),
                                  json_object_get(root, "stranger") };
            for (size_t o = 0; o < COUNT_OF(objects); o++) {
                char names[FIELDS_MAX][NAME_SIZE];
                size_t count = json_is_object(objects[o]) ? field_names(objects[o], names) : 0;
                for (size_t i = 0; i < count; i++)
                    try_hostile_values(&kinds[k], root, objects[o], names[i]);
            }
            json_decref(root);
            free(text);
        }
}

static void expect_refused_with(const struct kind *kind, const char *piece) {
    char *text = kind->encode_any();
    char *longer = with_piece(text, piece);
    expect_refused_text(kind, longer, piece);
    free(longer);
    free(text);
}

static void a_field_given_twice_or_nested_too_deep_or_a_number_too_big_is_refused(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        expect_refused_with(&kinds[k], "\"v\":1,");
        expect_refused_with(&kinds[k], "\"cluster\":\"shop\",");
        expect_refused_with(&kinds[k], "\"newer\":[[[[[[[[1]]]]]]]],");
        expect_refused_with(&kinds[k], "\"newer\":{\"a\":1,\"a\":2},");
        expect_refused_with(&kinds[k], "\"newer\":99999999999999999999,");
        expect_refused_with(&kinds[k], "\"newer\":1e999,");
        expect_refused_with(&kinds[k], "\"newer\":\"\\u0000\",");
        expect_refused_with(&kinds[k], "\"newer\":\"\xff\",");
    }
}

static void nesting_that_would_exhaust_the_stack_is_refused_before_it_is_parsed(void **state) {
    (void)state;
    enum { DEEP = MESSAGE_TEXT_MAX };
    char *text = malloc(DEEP + 1);
    assert_non_null(text);
    memset(text, '[', DEEP);
    text[DEEP] = 0;
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        expect_refused_text(&kinds[k], text, "brackets only");
    free(text);
}

/* Both are right in everything else. */
static void a_message_that_is_too_long_or_has_too_many_values_is_refused(void **state) {
    (void)state;
    char *piece = malloc(MESSAGE_TEXT_MAX + 1);
    assert_non_null(piece);
    memset(piece, ' ', MESSAGE_TEXT_MAX);
    piece[MESSAGE_TEXT_MAX] = 0;
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        expect_refused_with(&kinds[k], piece);
    size_t length = (size_t)snprintf(piece, 20, "\"newer\":[1");
    for (int i = 0; i < JSON_VALUES_MAX; i++)
        length += (size_t)snprintf(piece + length, 4, ",1");
    snprintf(piece + length, 4, "],");
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        expect_refused_with(&kinds[k], piece);
    free(piece);
}

static void text_that_is_not_an_object_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = { "",  " ",  "null", "1",         "\"v\"", "[]",
                                         "{", "{}", "{}{}", "{\"v\":1}", "\\",    "\"\\" };
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (size_t i = 0; i < COUNT_OF(texts); i++)
            expect_refused_text(&kinds[k], texts[i], "no object");
}

static void one_kind_of_message_is_never_taken_for_another(void **state) {
    (void)state;
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (size_t other = 0; other < COUNT_OF(kinds); other++) {
            char *text = kinds[other].encode_any();
            if (other != k)
                expect_refused_text(&kinds[k], text, "the fields of another");
            free(text);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_cut_anywhere_is_refused),
        cmocka_unit_test(a_damaged_byte_never_leaves_half_a_message),
        cmocka_unit_test(a_field_that_is_missing_or_of_another_type_or_out_of_range_is_refused),
        cmocka_unit_test(a_field_given_twice_or_nested_too_deep_or_a_number_too_big_is_refused),
        cmocka_unit_test(nesting_that_would_exhaust_the_stack_is_refused_before_it_is_parsed),
        cmocka_unit_test(a_message_that_is_too_long_or_has_too_many_values_is_refused),
        cmocka_unit_test(text_that_is_not_an_object_is_refused),
        cmocka_unit_test(one_kind_of_message_is_never_taken_for_another),
    };
    return cmocka_run_group_tests(tests, set_up_cluster, NULL);
}
