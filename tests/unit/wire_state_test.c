/* The durable parts: they come back, a damaged file is noticed, and a configuration that has changed still fits. */
#include "wire_pieces.h"

#include "wire/state.h"

static struct cluster cluster;

static int set_up(void **state) {
    (void)state;
    cluster = make_cluster();
    return 0;
}

static struct host_durable any_host_durable(void) {
    struct host_durable host = {
        .state = (enum host_state)any_below(HOST_STATE_COUNT),
        .since = any_msec(),
        .holds = (unsigned)any_below(16),
    };
    any_text(host.hold_why, sizeof host.hold_why);
    uint64_t departures = any_up_to(DEPARTURES_MAX);
    for (uint64_t i = 0; i < departures; i++)
        host.departures[i] = 1 + (msec)any_up_to(WIRE_INTEGER_MAX - 1);
    if (any_flag())
        host.server = (struct seen_server){ .pid = 1 + (uint32_t)any_up_to(UINT32_MAX - 1),
                                            .started = any_msec(),
                                            .by = any_up_to(UINT64_MAX),
                                            .crashes = (uint32_t)any_up_to(UINT32_MAX) };
    return host;
}

static struct monitor_durable any_monitor_durable(void) {
    struct monitor_durable durable = {
        .term = any_up_to(TERM_MOST),
        .writer = (int)any_below(5) - 1,
        .leaving = (int)any_below(5) - 1,
        .last_writer = (int)any_below(5) - 1,
        .electable = any_below(16),
        .surely = any_below(16),
        .holders = any_below(16),
        .done_without = any_below(16),
        .unproven = any_below(2) != 0,
        .handed_by = (int)any_below(5) - 1,
        .mode = (enum monitor_mode)any_below(MONITOR_MODE_COUNT),
        .failover_wall = any_msec(),
    };
    any_text(durable.passive_cause, sizeof durable.passive_cause);
    for (int i = 0; i < ADDRESSES_MAX; i++)
        durable.placement[i] = i < cluster.address_count ? (int)any_below(5) - 1 : HOST_NONE;
    for (int i = 0; i < cluster.host_count; i++)
        durable.hosts[i] = any_host_durable();
    return durable;
}

static struct agent_durable any_agent_durable(void) {
    return (struct agent_durable){
        .term = any_up_to(TERM_MOST),
        .electable = any_below(16),
        .writer = any_flag(),
        .resigned = any_flag(),
        .received = any_position(),
    };
}

static void same_host(const struct host_durable *a, const struct host_durable *b) {
    assert_int_equal(a->state, b->state);
    assert_true(a->since == b->since);
    assert_int_equal(a->holds, b->holds);
    assert_string_equal(a->hold_why, b->hold_why);
    assert_memory_equal(a->departures, b->departures, sizeof a->departures);
    assert_int_equal(a->server.pid, b->server.pid);
    assert_true(a->server.started == b->server.started);
    assert_true(a->server.by == b->server.by);
    assert_int_equal(a->server.crashes, b->server.crashes);
}

static void same_monitor_durable(const struct monitor_durable *a, const struct monitor_durable *b) {
    assert_true(a->term == b->term);
    assert_int_equal(a->writer, b->writer);
    assert_int_equal(a->leaving, b->leaving);
    assert_int_equal(a->last_writer, b->last_writer);
    assert_true(a->electable == b->electable);
    assert_true(a->surely == b->surely);
    assert_true(a->holders == b->holders);
    assert_true(a->done_without == b->done_without);
    assert_int_equal(a->unproven, b->unproven);
    assert_int_equal(a->handed_by, b->handed_by);
    assert_int_equal(a->mode, b->mode);
    assert_string_equal(a->passive_cause, b->passive_cause);
    assert_true(a->failover_wall == b->failover_wall);
    assert_memory_equal(a->placement, b->placement, sizeof a->placement);
    for (int i = 0; i < cluster.host_count; i++)
        same_host(&a->hosts[i], &b->hosts[i]);
}

static void the_monitors_state_comes_back(void **state) {
    (void)state;
    for (int i = 0; i < 500; i++) {
        struct monitor_durable durable = any_monitor_durable(), back;
        struct reason why = { "?" };
        char *text = monitor_state_encode(&cluster, &durable);
        memset(&back, 0xa5, sizeof back);
        if (monitor_state_decode(&cluster, text, strlen(text), &back, &why))
            fail_msg("%s\n%s", why.text, text);
        assert_string_equal(why.text, "");
        same_monitor_durable(&durable, &back);
        free(text);
    }
}

static void the_agents_state_comes_back(void **state) {
    (void)state;
    for (int i = 0; i < 500; i++) {
        struct agent_durable durable = any_agent_durable(), back;
        struct reason why = { "?" };
        char *text = agent_state_encode(&cluster, i % 4, &durable);
        assert_int_equal(agent_state_decode(&cluster, i % 4, text, strlen(text), &back, &why), RC_OK);
        assert_string_equal(why.text, "");
        assert_true(back.term == durable.term);
        assert_true(back.electable == durable.electable);
        assert_int_equal(back.writer, durable.writer);
        assert_int_equal(back.resigned, durable.resigned);
        assert_true(gtid_equal(&back.received, &durable.received));
        free(text);
    }
}

static void expect_monitor_refused(const char *text, size_t length) {
    struct monitor_durable durable;
    char *copy = exact_copy(text, length);
    memset(&durable, 0xa5, sizeof durable);
    assert_int_equal(monitor_state_decode(&cluster, copy, length, &durable, NULL), RC_INVALID);
    assert_true(is_untouched(&durable, sizeof durable));
    free(copy);
}

static void expect_agent_refused(const char *text, size_t length) {
    struct agent_durable durable;
    char *copy = exact_copy(text, length);
    memset(&durable, 0xa5, sizeof durable);
    assert_int_equal(agent_state_decode(&cluster, 0, copy, length, &durable, NULL), RC_INVALID);
    assert_true(is_untouched(&durable, sizeof durable));
    free(copy);
}

static void damage_everywhere(char *text, void (*expect_refused)(const char *text, size_t length)) {
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        expect_refused(text, i);
        char right = text[i];
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(right ^ (1 << bit));
            expect_refused(text, length);
        }
        text[i] = right;
    }
}

static void a_file_with_one_flipped_bit_or_a_lost_end_is_noticed(void **state) {
    (void)state;
    struct monitor_durable monitor = any_monitor_durable();
    struct agent_durable agent = { .term = 7, .electable = 3, .writer = true };
    char *text = monitor_state_encode(&cluster, &monitor);
    damage_everywhere(text, expect_monitor_refused);
    free(text);
    text = agent_state_encode(&cluster, 0, &agent);
    damage_everywhere(text, expect_agent_refused);
    free(text);
}

/* Computed by hand, so that the file can be checked without this program. */
static void the_checksum_is_the_documented_one(void **state) {
    (void)state;
    struct agent_durable agent = { .term = 7, .electable = 3, .writer = true };
    char *text = agent_state_encode(&cluster, 0, &agent);
    uint64_t hash = 0xcbf29ce484222325;
    const char *comma = strstr(text, ",\"checksum\":\"");
    assert_non_null(comma);
    for (const char *at = text; at < comma; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
    char expected[240];
    snprintf(
        expected, sizeof expected,
        "{\"v\":1,\"cluster\":\"shop\",\"host\":\"db1\",\"term\":7,\"electable\":[\"db1\",\"db2\"],\"writer\":true,"
        "\"given_up\":false,\"resigned\":false,\"received\":\"\",\"checksum\":\"%016llx\"}",
        (unsigned long long)hash);
    assert_string_equal(text, expected);
    free(text);
}

/* Seals text, which lacks its closing brace, as this program would. */
static char *sealed(const char *text) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char *at = text; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3;
    size_t size = strlen(text) + 64;
    char *whole = malloc(size);
    assert_non_null(whole);
    snprintf(whole, size, "%s,\"checksum\":\"%016llx\"}", text, (unsigned long long)hash);
    return whole;
}

static void expect_agent_reason(const char *text, const char *reason) {
    struct agent_durable durable;
    struct reason why = { "" };
    char *whole = sealed(text);
    assert_int_equal(agent_state_decode(&cluster, 0, whole, strlen(whole), &durable, &why), RC_INVALID);
    assert_string_equal(why.text, reason);
    free(whole);
}

static void the_file_of_another_version_cluster_or_host_is_refused(void **state) {
    (void)state;
    expect_agent_reason("{\"v\":2", "agent state.v: written by version 2 of this format; this program reads version 1");
    expect_agent_reason("{\"v\":1,\"cluster\":\"staging\"",
                        "agent state.cluster: is «staging»; this is cluster «shop»");
    expect_agent_reason("{\"v\":1,\"cluster\":\"shop\",\"host\":\"db2\"",
                        "agent state.host: is «db2»; this is host «db1»");
    expect_agent_reason("{\"v\":1,\"cluster\":\"shop\",\"host\":\"db1\",\"term\":-1",
                        "agent state.term: must be a whole number from 0 to 4503599627370495");
    expect_agent_reason("{\"v\":1,\"cluster\":\"shop\",\"cluster\":\"shop\"",
                        "agent state: not JSON: duplicate object key near '\"cluster\"' (byte 33)");
}

static void a_hold_is_never_forgotten_because_its_reason_is_not_known(void **state) {
    (void)state;
    char *whole =
        sealed("{\"v\":1,\"cluster\":\"shop\",\"term\":1,\"writer\":null,\"leaving\":null,\"last_writer\":null,"
               "\"electable\":[],\"surely\":[],\"mode\":\"active\",\"failover_wall\":0,\"placement\":{},"
               "\"hosts\":[{\"name\":\"db1\",\"state\":\"ONLINE\",\"since\":0,\"holds\":[\"newer-reason\"],"
               "\"departures\":[]}]");
    struct monitor_durable durable;
    struct reason why = { "" };
    assert_int_equal(monitor_state_decode(&cluster, whole, strlen(whole), &durable, &why), RC_INVALID);
    assert_string_equal(why.text, "monitor state.hosts[0].holds: «newer-reason» is not a reason to hold a host");
    free(whole);
}

static struct monitor_durable plain_durable(void) {
    struct monitor_durable durable = {
        .term = 7,
        .writer = 1,
        .leaving = 0,
        .last_writer = 1,
        .handed_by = HOST_NONE,
        .electable = 3,
        .surely = 3,
        .placement = { 1, 2, 0 },
    };
    for (int i = cluster.address_count - 1; i < ADDRESSES_MAX; i++)
        durable.placement[i] = HOST_NONE;
    durable.hosts[0] = (struct host_durable){ .state = HOST_HARD_OFFLINE, .holds = HOLD_LOST_WRITER };
    durable.hosts[2] = (struct host_durable){ .state = HOST_ONLINE, .since = 1234 };
    return durable;
}

/* db1 and db4 went, db5 is new, and the file lists them in another order. */
static void a_configuration_that_has_changed_still_fits(void **state) {
    (void)state;
    struct cluster changed = make_cluster();
    struct monitor_durable durable = plain_durable(), back;
    struct reason why = { "" };
    char *text = monitor_state_encode(&cluster, &durable);
    changed.hosts[0] = cluster.hosts[2];
    changed.hosts[2] = (struct host_spec){ .name = "db5" };
    changed.host_count = 3;
    changed.addresses[2] = (struct role_address){ .ip = ip_of("10.77.0.59"), .role = 1 };
    assert_int_equal(monitor_state_decode(&changed, text, strlen(text), &back, &why), RC_OK);
    free(text);
    assert_string_equal(why.text, "no longer in the configuration, dropped: db1 (leaving), db1 (electable), "
                                  "db1 (surely), db1 (hosts), db4 (hosts)");
    assert_int_equal(back.writer, 1);
    assert_int_equal(back.leaving, HOST_NONE);
    assert_true(back.electable == 2 && back.surely == 2);
    assert_int_equal(back.placement[0], 1);
    assert_int_equal(back.placement[1], 0);
    assert_int_equal(back.placement[2], HOST_NONE);
    assert_int_equal(back.hosts[0].state, HOST_ONLINE);
    assert_true(back.hosts[0].since == 1234);
    assert_int_equal(back.hosts[2].state, HOST_AWAITING_RECOVERY);
    assert_int_equal(back.hosts[2].holds, 0);
}

static void an_agent_is_told_that_its_electable_set_shrank(void **state) {
    (void)state;
    struct cluster changed = make_cluster();
    struct agent_durable durable = { .term = 7, .electable = 3, .writer = true }, back;
    struct reason why = { "" };
    char *text = agent_state_encode(&cluster, 0, &durable);
    TEXT_COPY(changed.hosts[1].name, "db7");
    assert_int_equal(agent_state_decode(&changed, 0, text, strlen(text), &back, &why), RC_OK);
    free(text);
    assert_string_equal(why.text, "no longer in the configuration, dropped: db2 (electable)");
    assert_true(back.electable == 1 && back.writer);
}

/* The longest state there can be is still read. */
static void the_largest_cluster_fits(void **state) {
    (void)state;
    struct monitor_durable durable = { .term = TERM_MOST }, back;
    cluster.host_count = HOSTS_MAX;
    cluster.address_count = ADDRESSES_MAX;
    for (int i = 0; i < HOSTS_MAX; i++) {
        memset(cluster.hosts[i].name, 'a' + i % 26, NAME_SIZE - 1);
        cluster.hosts[i].name[0] = (char)('A' + i / 26);
        memset(durable.hosts[i].hold_why, '"', sizeof durable.hosts[i].hold_why - 1);
        durable.hosts[i].holds = 15;
        for (int d = 0; d < DEPARTURES_MAX; d++)
            durable.hosts[i].departures[d] = WIRE_INTEGER_MAX;
    }
    for (int i = 0; i < ADDRESSES_MAX; i++) {
        cluster.addresses[i].ip = any_ip();
        durable.placement[i] = i % HOSTS_MAX;
    }
    durable.electable = durable.surely = UINT32_MAX;
    char *text = monitor_state_encode(&cluster, &durable);
    struct reason why = { "" };
    if (monitor_state_decode(&cluster, text, strlen(text), &back, &why))
        fail_msg("%s", why.text);
    same_monitor_durable(&durable, &back);
    free(text);
    cluster = make_cluster();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monitors_state_comes_back),
        cmocka_unit_test(the_agents_state_comes_back),
        cmocka_unit_test(a_file_with_one_flipped_bit_or_a_lost_end_is_noticed),
        cmocka_unit_test(the_checksum_is_the_documented_one),
        cmocka_unit_test(the_file_of_another_version_cluster_or_host_is_refused),
        cmocka_unit_test(a_hold_is_never_forgotten_because_its_reason_is_not_known),
        cmocka_unit_test(a_configuration_that_has_changed_still_fits),
        cmocka_unit_test(an_agent_is_told_that_its_electable_set_shrank),
        cmocka_unit_test(the_largest_cluster_fits),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
