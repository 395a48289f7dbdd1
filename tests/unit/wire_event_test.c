/* What the event log says, and what the command line makes of it. */
#include "wire_pieces.h"

#include "app/cli/events.h"
#include "app/cli/view.h"
#include "core/monitor/monitor.h"
#include "wire/event.h"

#define WALL INT64_C(1795330800123)

static struct cluster cluster;

static struct event make_event(void) {
    cluster = make_cluster();
    return (struct event){
        .wall = WALL, .term = 8, .rule = "T20", .name = "writer_lost", .host = 0, .role = 0, .why = "no answer\nfor 3 s"
    };
}

static void add_fact(struct event *event, enum event_fact fact, int64_t value) {
    event->facts.known |= set_of((int)fact);
    event->facts.values[fact] = value;
}

static struct event event_with_everything(void) {
    struct event event = make_event();
    add_fact(&event, FACT_AGENT_HEARD, 5312);
    add_fact(&event, FACT_SERVER, SERVER_SILENT);
    add_fact(&event, FACT_SERVER_SILENT, 3000);
    add_fact(&event, FACT_OUTSIDE, false);
    add_fact(&event, FACT_STATE, HOST_HARD_OFFLINE);
    add_fact(&event, FACT_HOLDS, HOLD_LOST_WRITER | HOLD_UNCLEAN_RESTART);
    add_fact(&event, FACT_WRITABLE, true);
    add_fact(&event, FACT_LAG, 70);
    add_fact(&event, FACT_APPLIED, 0);
    add_fact(&event, FACT_RECEIVED, 0);
    add_fact(&event, FACT_UNAPPLIED, 2);
    add_fact(&event, FACT_UNACKNOWLEDGED, 900);
    add_fact(&event, FACT_WRITER, 1);
    add_fact(&event, FACT_LEAVING, 0);
    add_fact(&event, FACT_LEASE_LEFT, 4100);
    add_fact(&event, FACT_TRANSFER, 12);
    add_fact(&event, FACT_ELECTABLE, 3);
    add_fact(&event, FACT_SURELY, 0);
    TEXT_COPY(event.facts.applied, "0-11-42");
    TEXT_COPY(event.facts.received, "0-11-44");
    return event;
}

static json_t *parsed(const struct event *event) {
    char *text = event_encode(&cluster, event);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_null(strchr(text, '\n'));
    free(text);
    return root;
}

static char *told(json_t *event) {
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    events_tell(out, 7, event);
    fclose(out);
    return text;
}

static void an_event_is_one_line(void **state) {
    (void)state;
    struct event event = make_event();
    char *text = event_encode(&cluster, &event);
    assert_string_equal(text, "{\"time\":\"2026-11-22T07:00:00.123Z\",\"term\":8,\"rule\":\"T20\","
                              "\"event\":\"writer_lost\",\"host\":\"db1\",\"role\":\"writer\","
                              "\"why\":\"no answer\\nfor 3 s\",\"facts\":{}}");
    free(text);
    event.host = HOST_NONE;
    event.role = -1;
    text = event_encode(&cluster, &event);
    assert_non_null(strstr(text, "\"host\":null,\"role\":null"));
    free(text);
}

static void an_event_has_the_facts_that_are_known_and_no_others(void **state) {
    (void)state;
    struct event event = make_event();
    add_fact(&event, FACT_AGENT_HEARD, 0);
    event.facts.values[FACT_LAG] = 9;
    char *text = event_encode(&cluster, &event);
    assert_non_null(strstr(text, "\"facts\":{\"agent_heard_ms\":0}}"));
    free(text);
    event = event_with_everything();
    text = event_encode(&cluster, &event);
    assert_non_null(strstr(
        text,
        "\"facts\":{\"agent_heard_ms\":5312,\"server\":\"silent\",\"server_silent_ms\":3000,\"answers_monitor\":false,"
        "\"state\":\"HARD_OFFLINE\",\"holds\":[\"lost-writer\",\"unclean-restart\"],\"writable\":true,\"lag_ms\":70,"
        "\"applied\":\"0-11-42\",\"received\":\"0-11-44\",\"unapplied\":2,\"unacknowledged_ms\":900,\"writer\":\"db2\","
        "\"leaving\":\"db1\",\"lease_left_ms\":4100,\"transfer_ms\":12,\"electable\":[\"db1\",\"db2\"],\"surely\":[]}"
        "}"));
    free(text);
}

static void every_fact_has_a_name_of_its_own_and_a_meaning(void **state) {
    (void)state;
    for (int i = 0; i < EVENT_FACT_COUNT; i++) {
        assert_true(strlen(event_fact_name((enum event_fact)i)) > 2 && event_fact_meaning((enum event_fact)i)[0]);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(event_fact_name((enum event_fact)i), event_fact_name((enum event_fact)k));
    }
}

static void an_event_shows_its_facts_in_lines(void **state) {
    (void)state;
    struct event event = event_with_everything();
    json_t *root = parsed(&event);
    char *text = told(root);
    assert_string_equal(text, "event 7: writer_lost\n"
                              "  time  2026-11-22T07:00:00.123Z\n"
                              "  rule  T20\n"
                              "  host  db1\n"
                              "  role  writer\n"
                              "  why   no answer?for 3 s\n"
                              "  term  8\n"
                              "  known at that moment:\n"
                              "    agent heard      5.3 s\n"
                              "    server           silent\n"
                              "    server silent    3.0 s\n"
                              "    answers monitor  no\n"
                              "    state            HARD_OFFLINE\n"
                              "    holds            lost-writer, unclean-restart\n"
                              "    writable         yes\n"
                              "    lag              70 ms\n"
                              "    applied          0-11-42\n"
                              "    received         0-11-44\n"
                              "    unapplied        2\n"
                              "    unacknowledged   900 ms\n"
                              "    writer           db2\n"
                              "    leaving          db1\n"
                              "    lease left       4.1 s\n"
                              "    transfer         12 ms\n"
                              "    electable        db1, db2\n"
                              "    surely           none\n");
    free(text);
    json_decref(root);
}

static void facts_of_something_else_than_a_monitor_are_shown_and_steer_no_terminal(void **state) {
    (void)state;
    static const char *const facts[] = {
        "7",
        "null",
        "[1,\"a\"]",
        "{\"\":null}",
        "{\"_ms\":\"\\u001b[2J\"}",
        "{\"a_ms\":1e9,\"b\":{\"c\":[[]]}}",
        "{\"\\u001b]0;x\\u0007_ms\":-9223372036854775807}",
        "{\"l\":[1,null,\"\\u009b1m\",[\"x\"]]}",
        "{\"a_fact_whose_name_is_longer_than_a_name_is_and_goes_on_and_on_and_on_and_on_ms\":9223372036854775807}",
    };
    for (size_t i = 0; i < COUNT_OF(facts); i++) {
        char line[256];
        snprintf(line, sizeof line, "{\"event\":\"host_state\",\"facts\":%s}", facts[i]);
        json_t *root = json_loads(line, 0, NULL);
        assert_non_null(root);
        char *text = told(root);
        for (const char *at = text; *at; at++)
            assert_true(*at == '\n' || ((unsigned char)*at >= ' ' && (unsigned char)*at != 0x9b));
        free(text);
        json_decref(root);
    }
}

/* Hosts, texts and sets as large as they can be. */
static void as_many_events_as_are_shown_at_once_can_be_read(void **state) {
    (void)state;
    enum { SHOWN = 200, LONGEST = 16 * 1024 };
    struct event event = event_with_everything();
    cluster.host_count = HOSTS_MAX;
    for (int i = 0; i < HOSTS_MAX; i++) {
        memset(cluster.hosts[i].name, 'a' + i % 26, NAME_SIZE - 1);
        cluster.hosts[i].name[NAME_SIZE - 1] = 0;
    }
    memset(event.why, '"', WHY_SIZE - 1);
    memset(event.facts.applied, '7', FACT_SIZE - 1);
    memset(event.facts.received, '7', FACT_SIZE - 1);
    add_fact(&event, FACT_ELECTABLE, INT64_C(0xFFFFFFFF));
    char *text = event_encode(&cluster, &event);
    assert_true(strlen(text) < LONGEST);
    char *answer = NULL;
    size_t length;
    FILE *out = open_memstream(&answer, &length);
    for (int i = 0; i < SHOWN; i++)
        fprintf(out, "%s{\"number\":%d,\"event\":%s}", i ? "," : "{\"events\":[", i + 1, text);
    fputs("]}", out);
    fclose(out);
    json_t *root;
    struct reason why = { "" };
    if (view_parse(answer, &root, &why))
        fail_msg("%s", why.text);
    assert_int_equal(json_array_size(json_object_get(root, "events")), SHOWN);
    json_decref(root);
    free(answer);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line),
        cmocka_unit_test(an_event_has_the_facts_that_are_known_and_no_others),
        cmocka_unit_test(every_fact_has_a_name_of_its_own_and_a_meaning),
        cmocka_unit_test(an_event_shows_its_facts_in_lines),
        cmocka_unit_test(facts_of_something_else_than_a_monitor_are_shown_and_steer_no_terminal),
        cmocka_unit_test(as_many_events_as_are_shown_at_once_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
