/* docs/rules.md holds the core's tables as they are: made anew with MMM_GOLDEN_WRITE=1, compared otherwise.  What has
 * no table stands here once, and a rule that the code uses and the page lacks is found. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rc.h"
#include "core/agent/duty.h"
#include "core/durability/durability.h"
#include "core/election/candidate.h"
#include "core/health/host_state.h"
#include "core/init/init.h"
#include "core/transfer/source.h"
#include "core/transfer/transfer.h"
#include "wire/event.h"

#define PAGE MMM_SOURCE_ROOT "/docs/rules.md"

static const char *const state_words[] = { "stays", "is taken away", "goes to another", "is lost", "is renewed" };
static const char *const action_words[] = { "wait",   "take the role", "drain",   "hold",   "fetch", "promote",
                                            "return", "retake",        "give up", "refuse", "done" };
static const char *const level_words[] = { "never", "on command only", "not now", "may be chosen" };
static const char *const source_words[] = { "nobody: it is left alone", "the source that it has", "the writer" };
static const char *const task_words[] = { "nothing", "fence", "drain", "ready", "open", "follow", "set semi-sync" };
static const char *const duty_words[] = { "none yet", "lease lapsed", "standby", "held", "yield", "drain", "writer" };

static const struct other_rule {
    const char *rule, *event, *meaning;
} others[] = {
    { "A01", "role_taken", "agent: the monitor gives the writer role" },
    { "A02", "role_given_up", "agent: the monitor takes the writer role away" },
    { "A03", "role_resigned", "agent: the server is dead, the role is given up, not to be taken again in this term" },
    { "A04", "lease_ended", "agent: neither the monitor nor every electable peer has renewed the lease" },
    { "A05", "role_refused", "agent: the monitor gives the writer role, and the server is dead: refused" },
    { "A10", "server_gone", "agent: the server's process is dead" },
    { "A11", "server_back", "agent: a server answers (again)" },
    { "A12", "server_fenced", "agent: read-only, and no client is left" },
    { "A13", "server_opened", "agent: the server is writable" },
    { "A14", "task_failed", "agent: a step on the server failed, and is tried again" },
    { "A15", "server_kill", "agent: the last resort: not fenced when its time was over, the server is killed" },
    { "A20", "address_up", "agent: a role address is served here" },
    { "A21", "address_down", "agent: a role address is not served here any more" },
    { "A22", "address_down", "agent: a role address was not renewed, and goes before the kernel takes it away" },
    { "A23", "address_down", "agent: the writer's address, kept until another host serves it, is claimed by one" },
    { "A24", "address_down",
      "agent: the writer's address, kept until another host serves it, is given up: the monitor is silent" },
    { "C01", "mode_changed", "an administrator has changed the mode" },
    { "C02", "failover_allowed", "an administrator has ended the wait of failover.window" },
    { "C10", "set_online", "an administrator has set a host online" },
    { "C11", "loss_accepted", "an administrator accepts that a new writer may lack transactions" },
    { "C20", "set_offline", "an administrator has set a host offline" },
    { "C21", "writer_given_up", "an administrator says that a writer which nobody hears is stopped" },
    { "C22", "writer_stopped", "an administrator has set a writer offline that nobody could replace" },
    { "C23", "writer_unheard", "nothing but an administrator's word ends a writer that nobody hears" },
    { "C30", "move_role", "an administrator moves the writer role" },
    { "C31", "move_role", "an administrator moves another role" },
    { "E50", "-", "`mmm explain`: a candidate is not chosen, because it has received less than the one that is" },
    { "E51", "-", "`mmm explain`: a candidate has received as much as the chosen one, which the role prefers" },
    { "E52", "-",
      "`mmm explain`: a candidate has received as much, and stands behind the chosen one in the role's hosts" },
    { "F30", "fence_succeeded", "the fence program has ended the old writer: the end of its lease is not waited for" },
    { "F31", "fence_failed",
      "the fence program failed or was killed at its limit: the end of the lease is waited for" },
    { "F32", "fence_ignored",
      "a fence program has ended too late: what it was asked for is not the question any more" },
    { "F33", "fence_doubted", "a host that its fence program has ended goes on reporting: the program is wrong" },
    { "F34", "fence_failed", "no word came of the fence program in its time: it counts as failed" },
    { "H90", "host_held", "a host has transactions that the writer does not have" },
    { "H91", "address_stranger", "a machine that is no host of the cluster answers for a role address" },
    { "H92", "host_verified", "a comparison has proved a held host consistent: its hold ends by itself" },
    { "H93", "host_held",
      "a host's server did not stop in order, or was started while nobody looked: held until its positions are "
      "compared" },
    { "H94", "host_held", "there is no writer, and a host has lost what it had received when it was counted on" },
    { "H95", "hold_ended", "a writer serves that has what the host lost: it fetches that again" },
    { "H96", "filters_differ", "a master's replication filters differ: it is not elected" },
    { "H97", "filters_agree", "they are those of the other masters again" },
    { "H98", "settings_unsafe", "by a master's settings acknowledged transactions can get lost" },
    { "H99", "settings_safe", "its settings are safe again" },
    { "L01", "term_raised", "an agent has obeyed a later term than the store knows: the monitor goes above it" },
    { "L01", "store_is_old",
      "an agent has obeyed a later term than a store that knew a writer: the store was put back, and is treated as "
      "empty" },
    { "L02", "writer_adopted", "the store was empty, and a host holds the writer's lease: it is taken over" },
    { "L03", "mode_passive", "a host says that it is writer, and the store says another: a person decides" },
    { "L10", "electable_changed", "the hosts that may be promoted by themselves have changed" },
    { "L11", "writes_protected", "lossless: another electable host has each commit before its client hears OK" },
    { "L12", "writes_unprotected", "lossless: what is written now is lost if the writer is lost" },
    { "P01", "address_moved", "a reader address has a new host" },
    { "S01", "store_works_again", "the store could not be written for a while: nothing was decided meanwhile" },
    { "T24", "writer_lost", "the old writer failed while it was handing over: a failover begins" },
    { "T26", "switchover_resumed",
      "the monitor was started after a hand-over had begun: the old writer says first what is to be reached" },
    { "T34", "mode_passive", "several servers are writable and nobody was ever writer: a person decides" },
};

static const char *reach_words(const struct init_setting *setting) {
    switch (setting->reach) {
    case INIT_RESTART:
        return " (by you: needs a restart)";
    case INIT_PLUGIN:
        return " (a plugin)";
    case INIT_KNOWN:
        return " (where the server has it)";
    case INIT_RUNNING:
    case INIT_FILE:
        break;
    }
    return "";
}

static void write_init(FILE *out) {
    const struct init_row *row;
    fprintf(out, "\n## Why `mmm init` begins nothing (N)\n\n| rule | why |\n|---|---|\n");
    for (size_t i = 0; (row = init_stop_row(i)); i++)
        fprintf(out, "| %s | %s |\n", row->rule, row->why);
    fprintf(out, "\n## What `mmm init` does on a host (I, S)\n\n| rule | what | why |\n|---|---|---|\n");
    for (size_t i = 0; (row = init_step_row(i)); i++)
        if (i != INIT_SET)
            fprintf(out, "| %s | | %s |\n", row->rule, row->why);
    for (size_t i = 0; i < init_setting_count; i++) {
        const struct init_setting *setting = &init_settings[i];
        const char *replica = init_wanted(setting, MODE_REPLICA);
        fprintf(out, "| %s | %s = %s", setting->rule, setting->name, setting->on_master);
        if (strcmp(replica, setting->on_master) != 0)
            fprintf(out, ", on a replica %s", replica);
        fprintf(out, "%s | %s |\n", reach_words(setting), setting->why);
    }
}

static void write_facts(FILE *out) {
    fprintf(out,
            "\n## The facts of an event\n\nWhat the monitor knew when it decided: `mmm events show NUMBER`, and "
            "«facts» in `mmm events --json`. What was not known\nis not there. From `%s` to `%s` they are of the "
            "event's host, if it has one.\n\n| fact | meaning |\n|---|---|\n",
            event_fact_name(FACT_AGENT_HEARD), event_fact_name(FACT_UNACKNOWLEDGED));
    for (int i = 0; i < EVENT_FACT_COUNT; i++)
        fprintf(out, "| `%s` | %s |\n", event_fact_name((enum event_fact)i), event_fact_meaning((enum event_fact)i));
}

static void write_tables(FILE *out) {
    size_t count;
    fprintf(out,
            "# The rules\n\nEach event names the rule behind it. In each table the first row that fits decides.\n");
    const struct state_row *states = host_state_table(&count);
    fprintf(out, "\n## Host states (H)\n\n| rule | from | when | to | why |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | %s | %s | %s |\n", states[i].rule, host_state_name(states[i].from),
                states[i].when_text, host_state_name(states[i].to), states[i].why);
    const struct watch_row *watch = watch_table(&count);
    fprintf(out, "\n## The watch over the writer (W)\n\n| rule | when | the role | why |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | %s | %s |\n", watch[i].rule, watch[i].when_text, state_words[watch[i].action],
                watch[i].why);
    const struct fence_row *fence = fence_table(&count);
    fprintf(out, "\n## The fence program of a lost writer (F)\n\n| rule | when | do | why |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | %s | %s |\n", fence[i].rule, fence[i].when_text,
                fence[i].action == FENCE_RUN ? "run it" : "wait", fence[i].why);
    const struct transfer_row *transfer = transfer_table(&count);
    fprintf(out, "\n## The way of the writer role (T)\n\n| rule | phase | when | do | why |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | %s | %s | %s |\n", transfer[i].rule, transfer_phase_name(transfer[i].from),
                transfer[i].when_text, action_words[transfer[i].action], transfer[i].why);
    const struct candidate_row *candidates = candidate_table(&count);
    fprintf(out, "\n## Who may become writer (E)\n\n| rule | when | a host comes so far | why |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | %s | %s |\n", candidates[i].rule, candidates[i].when_text,
                level_words[candidates[i].level], candidates[i].why);
    const struct member_row *members = member_table(&count);
    fprintf(
        out,
        "\n## On which masters the writer counts (L)\n\n| rule | when | it is electable | why |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | %s | %s |\n", members[i].rule, members[i].when_text, members[i].member ? "yes" : "no",
                members[i].why);
    const struct wait_row *waits = wait_table(&count);
    fprintf(out, "\n## Whether commits wait for an acknowledgement (L)\n\n| rule | when | they wait | why "
                 "|\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | %s | %s |\n", waits[i].rule, waits[i].when_text, waits[i].waits ? "yes" : "no",
                waits[i].why);
    const struct source_row *sources = source_table(&count);
    fprintf(
        out,
        "\n## From whom a standby replicates (R)\n\n| rule | when | it is told to follow | why |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | %s | %s |\n", sources[i].rule, sources[i].when_text, source_words[sources[i].choice],
                sources[i].why);
    const struct duty_row *duty = duty_table(&count);
    fprintf(
        out,
        "\n## What an agent does with its server (D)\n\n| rule | duty | when | do | why |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "| %s | %s | %s | %s | %s |\n", duty[i].rule, duty_words[duty[i].duty], duty[i].when_text,
                task_words[duty[i].task], duty[i].why);
    write_init(out);
    fprintf(out, "\n## The others\n\n| rule | event | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < COUNT_OF(others); i++)
        fprintf(out, "| %s | %s | %s |\n", others[i].rule, others[i].event, others[i].meaning);
    write_facts(out);
}

static char *read_all(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    char *text = calloc(1, 1 << 18);
    size_t length = fread(text, 1, (1 << 18) - 1, file);
    text[length] = 0;
    fclose(file);
    return text;
}

static char *make_page(void) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    write_tables(out);
    fclose(out);
    return text;
}

static void the_page_of_rules_is_what_the_tables_say(void **state) {
    (void)state;
    char *page = make_page();
    if (getenv("MMM_GOLDEN_WRITE")) {
        FILE *out = fopen(PAGE, "w");
        assert_non_null(out);
        fputs(page, out);
        fclose(out);
    }
    char *there = read_all(PAGE);
    assert_non_null(there);
    assert_string_equal(there, page);
    free(there);
    free(page);
}

/* Rules stand in the code as "X00" with a capital letter and two digits. */
static void check_file(const char *page, const char *path) {
    char *text = read_all(path);
    assert_non_null(text);
    for (const char *at = text; (at = strchr(at, '"')); at++) {
        bool rule = at[1] >= 'A' && at[1] <= 'Z' && at[2] >= '0' && at[2] <= '9' && at[3] >= '0' && at[3] <= '9' &&
                    at[4] == '"';
        char cell[8];
        snprintf(cell, sizeof cell, "| %.3s |", at + 1);
        if (rule && !strstr(page, cell))
            fail_msg("%s uses rule %.3s, and docs/rules.md does not have it", path, at + 1);
    }
    free(text);
}

static void every_rule_that_the_core_uses_is_on_the_page(void **state) {
    (void)state;
    static const char *const folders[] = {
        "agent", "durability", "election", "health", "monitor", "roles", "transfer"
    };
    char *page = make_page();
    unsigned files = 0;
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        char folder[512], path[1024];
        snprintf(folder, sizeof folder, "%s/src/core/%s", MMM_SOURCE_ROOT, folders[i]);
        DIR *dir = opendir(folder);
        assert_non_null(dir);
        for (struct dirent *entry; (entry = readdir(dir));) {
            if (!strstr(entry->d_name, ".c"))
                continue;
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            check_file(page, path);
            files++;
        }
        closedir(dir);
    }
    assert_true(files > 10);
    free(page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_of_rules_is_what_the_tables_say),
        cmocka_unit_test(every_rule_that_the_core_uses_is_on_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
