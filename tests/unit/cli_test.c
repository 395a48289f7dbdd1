/* The command line: the table of commands, wrong usage, and what a person gets to see.
 *
 * The pictures are tests/golden/show/NAME.json (what the monitor says) and NAME.txt (what is shown).  To make the .txt
 * anew after a change that is meant, run this test with MMM_GOLDEN_WRITE=1 and read the difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/cli/checks.h"
#include "app/cli/commands.h"
#include "app/cli/events.h"
#include "app/cli/explain.h"
#include "app/cli/rows.h"
#include "app/cli/show.h"
#include "app/cli/table.h"
#include "base/text.h"

enum { GOLDEN_MAX = 256 * 1024, WORDS_MAX = 16 };

/* What the command line said: two memory files and the exit status. */
struct said {
    char *out;
    char *err;
    size_t out_length, err_length;
    int status;
};

static int daemon_self; /* what the last daemon was started with; -2: the monitor */

static int start_monitor(const struct settings *settings) {
    assert_string_equal(settings->cluster.name, "shop");
    daemon_self = -2;
    return EXIT_DONE;
}

static int start_agent(const struct settings *settings, int self) {
    assert_string_equal(settings->cluster.name, "shop");
    daemon_self = self;
    return EXIT_DONE;
}

static int start_release(const struct settings *settings, int self, FILE *out, FILE *err) {
    (void)settings;
    (void)err;
    daemon_self = self;
    fputs("released\n", out);
    return EXIT_DONE;
}

/* Words separated by single spaces; not freed: a test ends soon. */
static struct said say(const char *line) {
    static const struct cli_daemons daemons = { .monitor = start_monitor,
                                                .agent = start_agent,
                                                .release = start_release };
    char *argv[WORDS_MAX + 1] = { strdup("mmm") };
    int argc = 1;
    char *rest, *copy = strdup(line);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        assert_in_range(argc, 1, WORDS_MAX - 1);
        argv[argc++] = word;
    }
    struct said said = { 0 };
    FILE *out = open_memstream(&said.out, &said.out_length), *err = open_memstream(&said.err, &said.err_length);
    daemon_self = -3;
    said.status = cli_run(argc, argv, out, err, &daemons);
    fclose(out);
    fclose(err);
    free(argv[0]);
    free(copy);
    return said;
}

static void forget(struct said *said) {
    free(said->out);
    free(said->err);
}

static void expect(const char *line, int status, const char *out, const char *err) {
    struct said said = say(line);
    if (said.status != status || !strstr(said.out, out) || !strstr(said.err, err))
        fail_msg("mmm %s\n  exit %d, not %d\n  out «%s» for «%s»\n  err «%s» for «%s»", line, said.status, status,
                 said.out, out, said.err, err);
    if (status != EXIT_DONE)
        assert_ptr_equal(strchr(said.err, '\n'), said.err + said.err_length - 1); /* one line */
    forget(&said);
}

/* ---- the table ---- */

static void every_command_has_a_unique_name_help_and_a_function(void **state) {
    (void)state;
    size_t count;
    const struct cli_command *commands = cli_commands(&count);
    for (size_t i = 0; i < count; i++) {
        const struct cli_command *command = &commands[i];
        assert_null(strpbrk(command->name, "_ "));
        assert_non_null(command->run);
        assert_in_range(strlen(command->summary), 10, 80);
        assert_true(strlen(command->help) > 30 && command->help[strlen(command->help) - 1] == '\n');
        assert_true(command->least <= command->most && command->most < ARGUMENTS_MAX);
        assert_int_equal(command->most > 0, command->arguments[0] != 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(command->name, commands[j].name);
    }
}

static void every_command_is_found_with_underscores_too(void **state) {
    (void)state;
    size_t count;
    const struct cli_command *commands = cli_commands(&count);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        assert_true(TEXT_COPY(name, commands[i].name));
        assert_ptr_equal(cli_command_find(name), &commands[i]);
        for (char *at = name; *at; at++)
            *at = *at == '-' ? '_' : *at;
        assert_ptr_equal(cli_command_find(name), &commands[i]);
    }
    assert_null(cli_command_find(""));
    assert_null(cli_command_find("set-onlin"));
    assert_null(cli_command_find("set-onlinee"));
}

static void every_command_is_in_the_list_and_explains_itself(void **state) {
    (void)state;
    size_t count;
    const struct cli_command *commands = cli_commands(&count);
    for (size_t i = 0; i < count; i++) {
        char line[64];
        snprintf(line, sizeof line, "help %s", commands[i].name);
        expect("help", EXIT_DONE, commands[i].summary, "");
        expect(line, EXIT_DONE, commands[i].help, "");
        snprintf(line, sizeof line, "%s --help", commands[i].name);
        expect(line, EXIT_DONE, commands[i].help, "");
    }
}

/* ---- wrong usage ---- */

static void wrong_usage_is_named_with_what_was_meant(void **state) {
    (void)state;
    expect("", EXIT_USAGE, "", "`mmm help`");
    expect("shwo", EXIT_USAGE, "", "no command «shwo»; did you mean `mmm show`?");
    expect("set_onlin db1", EXIT_USAGE, "", "did you mean `mmm set-online`?");
    expect("xyzzyxyzzyxyzzy", EXIT_USAGE, "", "no command «xyzzyxyzzyxyzzy»; `mmm help` lists all");
    expect("help shwo", EXIT_USAGE, "", "did you mean show");
    expect("show --wotch", EXIT_USAGE, "", "no option «--wotch»; did you mean --watch?");
    expect("show db1", EXIT_USAGE, "", "show does not take «db1»; usage: mmm show");
    expect("show --force", EXIT_USAGE, "", "show has no option --force");
    expect("--host db1 show", EXIT_USAGE, "", "show has no option --host");
    expect("show --watch=1", EXIT_USAGE, "", "--watch takes no value");
    expect("set-online", EXIT_USAGE, "", "set-online needs more: HOST");
    expect("set_online", EXIT_USAGE, "", "set-online needs more: HOST");
    expect("move-role writer", EXIT_USAGE, "",
           "usage: mmm move-role [--dry-run] [--json] [--grace T] [--kill] ROLE HOST");
    expect("move-role --grace soon writer db2", EXIT_USAGE, "", "--grace takes a time up to an hour");
    expect("set-offline --kill db1", EXIT_USAGE, "", "set-offline has no option --kill");
    expect("show --config", EXIT_USAGE, "", "--config needs a value");
    expect("a b c d e f g h i j k", EXIT_USAGE, "", "no command «a»");
    expect("show b c d e f g h i j k", EXIT_USAGE, "", "show does not take «b»");
    for (const char *const *number = (const char *const[]){ "0", "-1", "1x", "201", "99999999999999999999", NULL };
         *number; number++) {
        char line[64];
        snprintf(line, sizeof line, "events --most %s", *number);
        expect(line, EXIT_USAGE, "", "--most takes a number from 1 to 200");
    }
    expect("cert", EXIT_USAGE, "", "cert needs more");
    expect("cert isue db1", EXIT_USAGE, "", "cert does not know «isue»");
    expect("cert init x", EXIT_USAGE, "", "takes no name");
    expect("cert issue", EXIT_USAGE, "", "needs the name");
    expect("cert issue ../db1 --dir /nowhere", EXIT_USAGE, "", "no name for a certificate");
    expect("cert init --force --dir /nowhere --cluster x", EXIT_USAGE, "", "replaces no authority");
}

static void a_name_longer_than_any_is_wrong_usage(void **state) {
    (void)state;
    char line[256] = "set-online ";
    for (int i = 0; i < 100; i++)
        text_append(line, sizeof line, "x");
    expect(line, EXIT_USAGE, "", "longer than any name");
}

static void version_and_help_need_no_configuration(void **state) {
    (void)state;
    expect("version --config /nowhere/mmm.ini", EXIT_DONE, "mmm ", "");
    expect("--version", EXIT_DONE, "mmm ", "");
    expect("--help", EXIT_DONE, "usage: mmm", "");
    expect("help config", EXIT_DONE, "durability", "");
}

static void a_configuration_that_is_not_there_is_a_failure_that_names_it(void **state) {
    (void)state;
    static const char *const lines[] = {
        "show",         "checks",  "events", "mode", "set-active", "set-online db1", "move-role writer db2",
        "check-config", "monitor", "agent"
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char line[128];
        snprintf(line, sizeof line, "%s --config=/nowhere/mmm.ini", lines[i]);
        expect(line, EXIT_FAILED, "", "/nowhere/mmm.ini");
    }
}

/* ---- with a configuration ---- */

static char config_file[] = "/tmp/mmm-cli-test-XXXXXX";

static int make_config(void **state) {
    (void)state;
    static const char text[] = "[cluster]\nname = shop\n"
                               "[monitor]\naddress = 127.0.0.1\nport = 1\nsocket = /nowhere/monitor.sock\n"
                               "[host default]\ninterface = lo\n"
                               "[host db1]\naddress = 198.51.100.1\nmode = master\n"
                               "[host db2]\naddress = 127.0.0.1\nmode = master\n"
                               "[role writer]\nmode = exclusive\nhosts = db1, db2\naddresses = 198.51.100.50/24\n"
                               "[replication]\nuser = repl\npassword_file = /nowhere/password\n";
    int fd = mkstemp(config_file);
    if (fd < 0 || write(fd, text, sizeof text - 1) != (ssize_t)sizeof text - 1 || close(fd) != 0)
        return -1;
    return setenv("MMM_CONFIG", config_file, 1);
}

static int remove_config(void **state) {
    (void)state;
    return unlink(config_file);
}

static void check_config_says_what_it_found(void **state) {
    (void)state;
    expect("check-config", EXIT_DONE, "cluster shop", "");
    expect("check_config --cluster shop", EXIT_DONE, "db1  198.51.100.1  master", "");
    expect("check-config", EXIT_DONE, "writer, exclusive, makes its host writable, on db1, db2: 198.51.100.50/24", "");
    expect("check-config", EXIT_DONE, "5s: three reports (3 x 500ms) + fence 1s + margin 500ms = 3s, which leaves 2s\n",
           "");
    expect("check-config", EXIT_DONE, "this machine is db2\n", "");
}

/* This machine is the monitor's, or it is not: its address is another line of the file. */
static void check_fence(const char *monitor, const char *program, int status, const char *out, const char *err) {
    char path[] = "/tmp/mmm-cli-test-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    assert_non_null(file);
    fprintf(file,
            "[cluster]\nname = shop\n[monitor]\naddress = %s\n[host default]\ninterface = lo\nfence = %s now\n"
            "[host db1]\naddress = 198.51.100.1\nmode = master\n"
            "[role writer]\nmode = exclusive\nhosts = db1\naddresses = 198.51.100.50/24\n"
            "[replication]\nuser = repl\npassword_file = /nowhere/password\n",
            monitor, program);
    fclose(file);
    setenv("MMM_CONFIG", path, 1);
    expect("check-config", status, out, err);
    setenv("MMM_CONFIG", config_file, 1);
    unlink(path);
}

static void a_fence_program_that_cannot_be_run_is_refused_on_the_monitors_machine_only(void **state) {
    (void)state;
    check_fence("127.0.0.1", "/nowhere/power-off", EXIT_FAILED, "",
                "[host db1] fence: /nowhere/power-off: No such file or directory; put the program there");
    check_fence("127.0.0.1", config_file, EXIT_FAILED, "", "cannot be run: Permission denied");
    check_fence("198.51.100.9", "/nowhere/power-off", EXIT_DONE,
                "db1: /nowhere/power-off now, at most 10s; warning, if the monitor is to run here: /nowhere/power-off",
                "");
    check_fence("127.0.0.1", "/bin/true", EXIT_DONE, "fence    db1: /bin/true now, at most 10s\n", "");
}

static void another_cluster_than_the_files_is_refused(void **state) {
    (void)state;
    expect("check-config --cluster bank", EXIT_FAILED, "", "is the configuration of cluster shop, not of bank");
}

static void the_agent_is_the_host_that_is_named_or_whose_address_is_here(void **state) {
    (void)state;
    expect("agent", EXIT_DONE, "", "");
    assert_int_equal(daemon_self, 1);
    expect("agent --host db1", EXIT_DONE, "", "");
    assert_int_equal(daemon_self, 0);
    expect("agent --host db11", EXIT_FAILED, "", "has no host «db11»; did you mean db1?");
    assert_int_equal(daemon_self, -3);
    expect("agent --host db1 --release", EXIT_DONE, "released", "");
    assert_int_equal(daemon_self, 0);
    expect("monitor --release", EXIT_USAGE, "", "monitor has no option --release");
    expect("monitor", EXIT_DONE, "", "");
    assert_int_equal(daemon_self, -2);
}

static void a_monitor_that_does_not_run_is_told_with_what_to_do(void **state) {
    (void)state;
    expect("show", EXIT_FAILED, "", "see whether `mmm monitor` runs");
    expect("set-online db1", EXIT_FAILED, "", "see whether `mmm monitor` runs");
}

/* ---- pictures ---- */

static char *read_file(const char *path) {
    FILE *in = fopen(path, "r");
    if (!in)
        return strdup("");
    char *text = malloc(GOLDEN_MAX);
    size_t length = fread(text, 1, GOLDEN_MAX - 1, in);
    text[length] = 0;
    fclose(in);
    return text;
}

static void golden_path(const char *name, const char *end, char ret_path[static 512]) {
    snprintf(ret_path, 512, "%s/tests/golden/show/%s%s", MMM_SOURCE_ROOT, name, end);
}

static char *golden_status(const char *name) {
    char path[512];
    golden_path(name, ".json", path);
    char *status = read_file(path);
    assert_string_not_equal(status, "");
    return status;
}

static char *picture_of(const char *status, bool colour) {
    char *picture = NULL;
    size_t length;
    FILE *out = open_memstream(&picture, &length);
    struct reason why = { "" };
    if (show_render(out, status, colour, &why) != RC_OK)
        fail_msg("%s", why.text);
    fclose(out);
    return picture;
}

static void expect_picture(const char *name) {
    char path[512];
    char *status = golden_status(name), *picture = picture_of(status, false);
    golden_path(name, ".txt", path);
    if (getenv("MMM_GOLDEN_WRITE")) {
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fputs(picture, out);
        fclose(out);
    }
    char *golden = read_file(path);
    if (!text_equal(picture, golden))
        fail_msg("%s\n-- shown:\n%s\n-- expected:\n%s", path, picture, golden);
    free(golden);
    free(picture);
    free(status);
}

static void a_healthy_cluster_shows_nothing_that_is_wrong(void **state) {
    (void)state;
    expect_picture("healthy");
}

static void after_a_failover_the_held_host_stands_with_what_ends_its_hold(void **state) {
    (void)state;
    expect_picture("failed-over");
    expect_picture("held-without-warning");
}

static void passive_mode_begins_with_its_cause(void **state) {
    (void)state;
    expect_picture("passive");
}

static void a_server_that_is_down_stands_with_what_starts_it(void **state) {
    (void)state;
    expect_picture("server-down");
}

static void a_cluster_without_a_writer_says_so_and_why(void **state) {
    (void)state;
    expect_picture("no-writer");
}

static void a_lag_that_is_not_known_is_never_zero(void **state) {
    (void)state;
    expect_picture("unknown-lag");
}

static void a_switchover_under_way_is_shown(void **state) {
    (void)state;
    expect_picture("switchover");
}

static void offline_and_broken_hosts_and_manual_mode_are_explained(void **state) {
    (void)state;
    expect_picture("manual-offline-broken");
}

static void twenty_hosts_with_long_names_stay_aligned(void **state) {
    (void)state;
    expect_picture("twenty-hosts");
}

static void what_is_as_it_should_be_has_no_colour(void **state) {
    (void)state;
    char *healthy = golden_status("healthy"), *broken = golden_status("no-writer");
    char *calm = picture_of(healthy, true), *alarm = picture_of(broken, true);
    assert_null(strstr(calm, "\033[1;31m"));
    assert_null(strstr(calm, "\033[33m"));
    assert_non_null(strstr(alarm, "\033[1;31mNOBODY IS WRITER\033[0m"));
    assert_non_null(strstr(alarm, "\033[1;31mHARD_OFFLINE\033[0m  "));
    free(calm);
    free(alarm);
    free(healthy);
    free(broken);
}

static void nothing_that_was_received_steers_the_terminal(void **state) {
    (void)state;
    char *picture = picture_of("{\"cluster\":\"\\u001b[2J\",\"mode\":\"active\",\"warnings\":[\"a\\u009bb\\nc\"],"
                               "\"hosts\":[{\"name\":\"db\\u0007\",\"state\":\"ONLINE\"}]}",
                               false);
    assert_null(strchr(picture, '\033'));
    assert_null(strchr(picture, '\a'));
    assert_null(strstr(picture, "\xC2\x9B"));
    assert_non_null(strstr(picture, "a?b?c\n"));
    free(picture);
}

static void an_answer_of_something_else_than_a_monitor_is_refused(void **state) {
    (void)state;
    static const char *const answers[] = { "", "[]", "{}", "{\"hosts\":1}", "<html>", "{\"hosts\":[}" };
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct reason why = { "" };
        assert_int_equal(show_render(stdout, answers[i], false, &why), RC_INVALID);
        assert_string_not_equal(why.text, "");
    }
    /* Fields that are absent or of another type are unknown, not fatal. */
    free(picture_of("{\"hosts\":[]}", false));
    free(picture_of("{\"hosts\":[{},1,null,{\"roles\":1,\"hold\":{},\"server\":[]}],\"warnings\":[1],\"transfer\":{}}",
                    false));
}

/* ---- checks and events ---- */

static enum rc checks_of(const char *name, const char *host, const char *check, char **ret_text,
                         struct reason *ret_why) {
    size_t length;
    char *status = golden_status(name);
    FILE *out = open_memstream(ret_text, &length);
    enum rc rc = checks_render(out, status, host, check, ret_why);
    fclose(out);
    free(status);
    return rc;
}

static void checks_answer_in_the_originals_form(void **state) {
    (void)state;
    static const struct {
        const char *golden, *host, *check, *text;
    } cases[] = {
        { "healthy", "db1", "ping", "db1  ping         [last change: 2026/11/22 04:58:11]  OK\n" },
        { "healthy", "all", "rep_backlog",
          "db1  rep_backlog  [last change: 2026/11/22 04:58:11]  OK\n"
          "db2  rep_backlog  [last change: 2026/11/22 04:58:11]  OK\n"
          "db3  rep_backlog  [last change: 2026/11/22 04:58:11]  OK\n" },
        { "no-writer", "db1", NULL,
          "db1  ping         [last change: 2026/11/22 04:58:11]  ERROR: agent not heard for 8.1 s\n"
          "db1  mysql        [last change: 2026/11/22 04:58:11]  ERROR\n"
          "db1  rep_threads  [last change: 2026/11/22 04:58:11]  OK\n"
          "db1  rep_backlog  [last change: 2026/11/22 04:58:11]  OK\n" },
        { "unknown-lag", "db4", "mysql", "db4  mysql        [last change: never]  UNKNOWN\n" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reason why = { "" };
        char *text;
        assert_int_equal(checks_of(cases[i].golden, cases[i].host, cases[i].check, &text, &why), RC_OK);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

static void an_unknown_check_or_host_is_answered_as_the_original_did(void **state) {
    (void)state;
    struct reason why = { "" };
    char *text;
    assert_int_equal(checks_of("healthy", "all", "pong", &text, &why), RC_NOT_FOUND);
    assert_string_equal(why.text, "ERROR: Unknown check 'pong'!");
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(checks_of("healthy", "db9", NULL, &text, &why), RC_NOT_FOUND);
    assert_string_equal(why.text, "ERROR: Unknown host name 'db9'!");
    free(text);
}

static void events_that_follow_later_stand_under_the_first(void **state) {
    (void)state;
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    struct table *table = events_table();
    json_t *first = json_pack("{s:s,s:i,s:s,s:s,s:s,s:n,s:s}", "time", "2026-11-22T05:00:00.000Z", "term", 8, "rule",
                              "T05", "event", "writer_promoted", "host", "db2", "role", "why", "db1 is dead");
    json_t *second = json_pack("{s:s,s:s}", "time", "2026-11-22T05:00:01.000Z", "event", "mode");
    events_add(table, 9, first);
    table_print(table, out, false);
    events_add(table, 10, second);
    table_print(table, out, false);
    fclose(out);
    assert_string_equal(text, "NUMBER  TIME                      TERM  RULE  EVENT            HOST  ROLE  WHY\n"
                              "9       2026-11-22T05:00:00.000Z  8     T05   writer_promoted  db2   -     db1 is dead\n"
                              "10      2026-11-22T05:00:01.000Z  ?     -     mode             -     -     -\n");
    free(text);
    table_free(table);
    json_decref(first);
    json_decref(second);
}

static char *rows_told(const char *why, const char *answer) {
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    struct rows_question question;
    json_t *event = json_pack("{s:s,s:s}", "host", "db2", "why", why);
    json_t *rows = answer ? json_loads(answer, 0, NULL) : NULL;
    assert_true(rows_question_of(event, &question));
    rows_tell(out, &question, rows, "it is silent");
    fclose(out);
    json_decref(rows);
    json_decref(event);
    return text;
}

static void an_event_of_own_transactions_shows_their_rows(void **state) {
    (void)state;
    char *text = rows_told("has 3 transactions that db1 does not have: 0-12-56..58",
                           "{\"end\":\"all\",\"left_out\":0,\"transactions\":[{\"gtid\":\"0-12-56\",\"time\":"
                           "\"2026-11-22 05:00:00\",\"left_out\":0,\"items\":[{\"do\":\"update\",\"table\":\"`a`.`t`\","
                           "\"before\":\"@1=1\",\"after\":\"@1=\\u001b2\"},{\"do\":\"statement\",\"text\":\"DROP TABLE "
                           "a.t\"}]}]}");
    assert_string_equal(text, "  what they do, from the binary log of db2:\n"
                              "    0-12-56  2026-11-22 05:00:00 UTC\n"
                              "      UPDATE `a`.`t` @1=1 → @1=?2\n"
                              "      DROP TABLE a.t\n");
    free(text);
}

static void what_cannot_be_shown_of_own_transactions_is_told_how_to_see(void **state) {
    (void)state;
    char *text = rows_told("has 4 transactions that db1 does not have: 0-12-56..58,1-13-7", NULL);
    assert_non_null(strstr(text, "cannot be shown: it is silent\n"));
    assert_non_null(strstr(text, "on db2, behind each «GTID» of 0-12-56..58,1-13-7:\n    mariadb-binlog "));
    free(text);
    text = rows_told("has 1 transaction that db1 does not have: 0-12-56",
                     "{\"end\":\"all\",\"left_out\":3,\"transactions\":[]}");
    assert_non_null(strstr(text, "… and 3 more transactions\n"));
    assert_non_null(strstr(text, "by hand"));
    free(text);
    text = rows_told("has 1 transaction that db1 does not have: 0-12-56", "{\"end\":\"purged\"}");
    assert_string_equal(text, "  they are gone: the binary logs of db2 that had them are purged\n");
    free(text);
    text = rows_told("has 2 transactions that db1 does not have: c6ea00a2-e6cb-11f1-80be-02000a4d000d:1-2",
                     "{\"end\":\"failed\",\"why\":\"no program\"}");
    assert_non_null(strstr(text, "their rows cannot be shown: no program\n"));
    assert_non_null(strstr(text, "--include-gtids=c6ea00a2-e6cb-11f1-80be-02000a4d000d:1-2 "));
    free(text);
}

static void a_number_that_an_event_cuts_is_never_taken_for_a_transaction(void **state) {
    (void)state;
    static const struct {
        const char *list, *looked_for; /* of 9 transactions; NULL: nothing is looked for */
    } cases[] = {
        { "0-12-1..8,0-13-7", "0-12-1..8,0-13-7" },
        { "0-12-56..58,1-13-7", "0-12-56..58" },
        { "0-12-56..58,1-13-", "0-12-56..58" },
        { "0-12-56..5", NULL },
        { "c6ea00a2-e6cb-11f1-80be-02000a4d000d:1-5:7-1", "c6ea00a2-e6cb-11f1-80be-02000a4d000d:1-5" },
        { "c6ea00a2-e6cb-11f1-80be-02000a4d000d:1-5,c6ea00a2-e6", "c6ea00a2-e6cb-11f1-80be-02000a4d000d:1-5" },
        { "c6ea00a2-e6cb-11f1-80be-02000a4d000d:1-5,d6ea00a2-e6cb-11f1-80be-02000a4d000d:3",
          "c6ea00a2-e6cb-11f1-80be-02000a4d000d:1-5" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char why[256];
        struct rows_question question;
        snprintf(why, sizeof why, "has 9 transactions that db1 does not have: %s", cases[i].list);
        json_t *event = json_pack("{s:s,s:s}", "host", "db2", "why", why);
        assert_int_equal(rows_question_of(event, &question), cases[i].looked_for != NULL);
        if (cases[i].looked_for)
            assert_string_equal(question.list, cases[i].looked_for);
        if (cases[i].looked_for)
            assert_int_equal(question.is_cut, i > 0);
        json_decref(event);
    }
}

static void an_event_is_asked_for_by_its_number(void **state) {
    (void)state;
    expect("events show", EXIT_USAGE, "", "needs the number");
    expect("events list 7", EXIT_USAGE, "", "does not know «list»");
    for (const char *const *word = (const char *const[]){ "0", "x", "7x", "99999999999999999999", NULL }; *word;
         word++) {
        char line[64];
        snprintf(line, sizeof line, "events show %s", *word);
        expect(line, EXIT_USAGE, "", "is no number of an event");
    }
}

static const char told[] =
    "{\"cluster\":\"shop\",\"writer\":\"db1\",\"fresh\":true,\"stories\":[{\"if\":\"server-dies\",\"chosen\":\"db2\","
    "\"rules\":\"W10, T33\",\"why\":\"the most complete\",\"next\":null,\"time_ms\":{\"detect\":20,\"lease\":0,"
    "\"drain\":null,\"promote\":25,\"total\":null},\"if_fence_succeeds_in_ms\":1000,\"to_apply\":3,\"loss\":{"
    "\"transactions\":12,\"heartbeats\":2,"
    "\"which\":\"0-11-1..12\"},\"hosts\":[{\"name\":\"db1\",\"chosen\":false,\"rule\":\"E20\",\"why\":\"lost\","
    "\"next\":null,"
    "\"report_age_ms\":10},{\"name\":\"db2\",\"chosen\":true,\"rule\":\"E40\",\"why\":\"-\",\"report_age_ms\":20},"
    "{\"name\":\"db3\",\"chosen\":false,\"rule\":\"E12\",\"why\":\"it was set offline\",\"next\":\"mmm set-online "
    "db3\"}]}]}";

static void an_explanation_tells_what_is_not_known_as_not_known(void **state) {
    (void)state;
    char *text = NULL;
    size_t length;
    struct reason why = { "" };
    FILE *out = open_memstream(&text, &length);
    assert_int_equal(explain_render(out, told, &why), RC_OK);
    assert_int_equal(explain_render(out, "{\"stories\":7}", &why), RC_INVALID);
    fclose(out);
    assert_string_equal(
        text,
        "If the server of db1 died now:\n"
        "  db2 would become writer: the most complete (W10, T33)\n"
        "  time: not known, for the lag is not: 20 ms until the role is taken away, 0 ms until the old writer has "
        "surely ended if its fence program succeeds in 1000 ms, ? to apply 3 transactions it has received, 25 ms to "
        "begin\n"
        "  lost: 12 transactions (0-11-1..12; about 2 of them mmm's own heartbeats), and what db1 commits from now "
        "on; by reports 10 ms (db1) and 20 ms (db2) old\n"
        "  db1 would not: lost (E20)\n"
        "  db3 would not: it was set offline (E12)\n"
        "      to change that: mmm set-online db3\n");
    free(text);
}

int main(void) {
    setenv("TZ", "UTC", 1);
    unsetenv("MMM_NAME");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_a_unique_name_help_and_a_function),
        cmocka_unit_test(every_command_is_found_with_underscores_too),
        cmocka_unit_test(every_command_is_in_the_list_and_explains_itself),
        cmocka_unit_test(wrong_usage_is_named_with_what_was_meant),
        cmocka_unit_test(a_name_longer_than_any_is_wrong_usage),
        cmocka_unit_test(version_and_help_need_no_configuration),
        cmocka_unit_test(a_configuration_that_is_not_there_is_a_failure_that_names_it),
        cmocka_unit_test_setup(check_config_says_what_it_found, make_config),
        cmocka_unit_test(a_fence_program_that_cannot_be_run_is_refused_on_the_monitors_machine_only),
        cmocka_unit_test(another_cluster_than_the_files_is_refused),
        cmocka_unit_test(the_agent_is_the_host_that_is_named_or_whose_address_is_here),
        cmocka_unit_test_teardown(a_monitor_that_does_not_run_is_told_with_what_to_do, remove_config),
        cmocka_unit_test(a_healthy_cluster_shows_nothing_that_is_wrong),
        cmocka_unit_test(after_a_failover_the_held_host_stands_with_what_ends_its_hold),
        cmocka_unit_test(passive_mode_begins_with_its_cause),
        cmocka_unit_test(a_server_that_is_down_stands_with_what_starts_it),
        cmocka_unit_test(a_cluster_without_a_writer_says_so_and_why),
        cmocka_unit_test(a_lag_that_is_not_known_is_never_zero),
        cmocka_unit_test(a_switchover_under_way_is_shown),
        cmocka_unit_test(offline_and_broken_hosts_and_manual_mode_are_explained),
        cmocka_unit_test(twenty_hosts_with_long_names_stay_aligned),
        cmocka_unit_test(what_is_as_it_should_be_has_no_colour),
        cmocka_unit_test(nothing_that_was_received_steers_the_terminal),
        cmocka_unit_test(an_answer_of_something_else_than_a_monitor_is_refused),
        cmocka_unit_test(checks_answer_in_the_originals_form),
        cmocka_unit_test(an_unknown_check_or_host_is_answered_as_the_original_did),
        cmocka_unit_test(events_that_follow_later_stand_under_the_first),
        cmocka_unit_test(an_event_of_own_transactions_shows_their_rows),
        cmocka_unit_test(what_cannot_be_shown_of_own_transactions_is_told_how_to_see),
        cmocka_unit_test(a_number_that_an_event_cuts_is_never_taken_for_a_transaction),
        cmocka_unit_test(an_event_is_asked_for_by_its_number),
        cmocka_unit_test(an_explanation_tells_what_is_not_known_as_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
