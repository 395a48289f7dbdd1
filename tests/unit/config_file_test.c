/* The configuration: the files it reads, passwords among them, and the paths it makes. */
#include <sys/stat.h>
#include <unistd.h>

#include "config_pieces.h"

static char folder[] = "/tmp/mmm-config-test-XXXXXX";
static char file[sizeof folder + 16];

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof file, "%s/file", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static void write_file(const char *bytes, size_t length, mode_t mode) {
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    fclose(out);
    assert_int_equal(chmod(file, mode), 0);
}

static void a_file_that_others_can_write_is_refused(void **state) {
    (void)state;
    static const struct {
        mode_t mode;
        enum rc rc;
    } cases[] = {
        { 0644, RC_OK },      { 0600, RC_OK },      { 0400, RC_OK },
        { 0664, RC_REFUSED }, { 0646, RC_REFUSED }, { 0666, RC_REFUSED },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_file(WHOLE, strlen(WHOLE), cases[i].mode);
        struct settings settings;
        struct reason why = { "" };
        assert_int_equal(config_read(file, &settings, &why), cases[i].rc);
        assert_int_equal(strstr(why.text, "chmod go-w") != NULL, cases[i].rc == RC_REFUSED);
    }
}

static void a_file_that_is_missing_a_folder_or_no_text_is_refused(void **state) {
    (void)state;
    struct settings settings;
    struct reason why = { "" };
    assert_int_equal(config_read("/nowhere/mmm.ini", &settings, &why), RC_NOT_FOUND);
    assert_non_null(strstr(why.text, "/nowhere/mmm.ini"));
    assert_int_equal(config_read(folder, &settings, &why), RC_INVALID);
    write_file("[cluster]\0\n", 11, 0600);
    assert_int_equal(config_read(file, &settings, &why), RC_INVALID);
    assert_non_null(strstr(why.text, "zero byte"));
    size_t large = (1 << 20) + 1;
    char *blank = malloc(large);
    memset(blank, '\n', large);
    write_file(blank, large, 0600);
    free(blank);
    assert_int_equal(config_read(file, &settings, &why), RC_INVALID);
    assert_non_null(strstr(why.text, "more than 1048576 bytes"));
}

static void a_password_is_the_first_line_without_its_end(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *password;
    } cases[] = {
        { "secret\n", "secret" },
        { "secret", "secret" },
        { "secret\r\nmore\n", "secret" },
        { " s p ; # \n", " s p ; # " },
        { "", NULL },
        { "\nsecret\n", NULL },
        { "0123456789abcdef\n", NULL },
        { "0123456789abcde\n", "0123456789abcde" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char password[16] = "untouched";
        struct reason why = { "" };
        write_file(cases[i].text, strlen(cases[i].text), 0600);
        enum rc rc = config_password(file, password, sizeof password, &why);
        assert_int_equal(rc, cases[i].password ? RC_OK : RC_INVALID);
        assert_string_equal(password, cases[i].password ? cases[i].password : "untouched");
        assert_null(strstr(why.text, "0123"));
    }
}

static void a_password_that_others_can_read_is_refused(void **state) {
    (void)state;
    static const mode_t open_modes[] = { 0640, 0604, 0644, 0660, 0610 };
    for (size_t i = 0; i < COUNT_OF(open_modes); i++) {
        char password[16];
        struct reason why = { "" };
        write_file("secret\n", 7, open_modes[i]);
        assert_int_equal(config_password(file, password, sizeof password, &why), RC_REFUSED);
        assert_non_null(strstr(why.text, "chmod 600"));
        assert_null(strstr(why.text, "secret"));
    }
}

static void a_name_takes_the_place_of_the_hole_in_a_path(void **state) {
    (void)state;
    char path[32] = "untouched";
    assert_true(config_expand("/tls/%h.pem", "db1", path, sizeof path));
    assert_string_equal(path, "/tls/db1.pem");
    assert_true(config_expand("/%h/%h", "a", path, sizeof path));
    assert_string_equal(path, "/a/a");
    assert_true(config_expand("/100%/x", "a", path, sizeof path));
    assert_string_equal(path, "/100%/x");
    assert_true(config_expand("", "a", path, sizeof path));
    assert_string_equal(path, "");
    assert_false(config_expand("/tls/%h.pem", "../../etc/shadow", path, sizeof path));
    assert_false(config_expand("/tls/%h.pem", "..", path, sizeof path));
    assert_false(config_expand("/a/long/folder/%h.pem", "a-name-that-is-long", path, sizeof path));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_others_can_write_is_refused),
        cmocka_unit_test(a_file_that_is_missing_a_folder_or_no_text_is_refused),
        cmocka_unit_test(a_password_is_the_first_line_without_its_end),
        cmocka_unit_test(a_password_that_others_can_read_is_refused),
        cmocka_unit_test(a_name_takes_the_place_of_the_hole_in_a_path),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
