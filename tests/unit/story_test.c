/* Stories that a person can read, each compared with its file in tests/golden/core; MMM_GOLDEN_WRITE=1 writes them. */
#include "core_pieces.h"
#include "world.h"

static struct world world;

static void read_golden(const char *path, char *ret_text, size_t size) {
    FILE *file = fopen(path, "r");
    ret_text[0] = 0;
    if (!file)
        return;
    ret_text[fread(ret_text, 1, size - 1, file)] = 0;
    fclose(file);
}

static void show_difference(const char *want, const char *is) {
    size_t start = 0;
    for (size_t i = 0; want[i] && want[i] == is[i]; i++)
        if (want[i] == '\n')
            start = i + 1;
    print_error("the story goes:\n%.600s\nand should go:\n%.600s\n", is + start, want + start);
}

static void compare_with_golden(const char *name) {
    assert_string_equal(world.violation, "");
    char path[400];
    snprintf(path, sizeof path, "%s/tests/golden/core/%s.txt", MMM_SOURCE_ROOT, name);
    if (getenv("MMM_GOLDEN_WRITE")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(world.story, file);
        assert_int_equal(fclose(file), 0);
        return;
    }
    static char golden[STORY_MAX];
    read_golden(path, golden, sizeof golden);
    if (strcmp(golden, world.story) == 0)
        return;
    show_difference(golden, world.story);
    fail_msg("%s differs; MMM_GOLDEN_WRITE=1 writes it anew", path);
}

/* The story begins when a writer serves, and what led there is left out: first_start tells it. */
static void begin(void) {
    struct cluster cluster = core_cluster(3);
    world_start(&world, &cluster, 1);
    assert_true(world_run_until_writer(&world, DB1, SECONDS(60)));
    world_run(&world, SECONDS(30) - world.now % 1000);
    world.tell = true;
}

static void first_start(void **state) {
    (void)state;
    struct cluster cluster = core_cluster(3);
    world_start(&world, &cluster, 1);
    world.tell = true;
    world_run(&world, SECONDS(25));
    compare_with_golden("first-start");
}

static void planned_switchover(void **state) {
    (void)state;
    begin();
    trace_note(&world, "move-role writer db2");
    world_command(&world, &(struct command){ .kind = COMMAND_MOVE_ROLE, .host = "db2", .role = "writer" });
    assert_true(world_run_until_writer(&world, DB2, SECONDS(10)));
    world_run(&world, SECONDS(15));
    assert_int_equal(world.reply.rc, RC_OK);
    compare_with_golden("planned-switchover");
}

/* Its disk was full, and what it has received is applied no further: the role is back as soon as its time is over. */
static void target_stuck(void **state) {
    (void)state;
    begin();
    trace_note(&world, "db2 applies nothing any more");
    world.hosts[DB2].server.stuck = true;
    trace_note(&world, "move-role writer db2");
    world_command(&world, &(struct command){ .kind = COMMAND_MOVE_ROLE, .host = "db2", .role = "writer" });
    msec moved = world.now, limit = world.cluster.failover.switchover_timeout;
    world_run(&world, limit);
    assert_int_equal(world.monitor.durable.last_writer, DB2);
    assert_true(world_run_until_writer(&world, DB1, SECONDS(60)));
    trace_note(&world, "nobody served for %lld ms", (long long)(world.now - moved));
    assert_true(world.now - moved < limit + SECONDS(1));
    assert_int_equal(world.reply.rc, RC_REFUSED);
    compare_with_golden("target-stuck");
}

static void server_killed(void **state) {
    (void)state;
    begin();
    world_server_kill(&world, DB1);
    assert_true(world_run_until_writer(&world, DB2, SECONDS(1)));
    world_run(&world, SECONDS(3));
    world_server_start(&world, DB1, true);
    world_run(&world, SECONDS(15));
    assert_int_equal(world.monitor.durable.hosts[DB1].state, HOST_AWAITING_RECOVERY);
    compare_with_golden("server-killed");
}

static void host_isolated(void **state) {
    (void)state;
    begin();
    trace_note(&world, "db1 is cut off from everything");
    world_isolate(&world, DB1, true);
    assert_true(world_run_until_writer(&world, DB2, SECONDS(12)));
    assert_true(world.hosts[DB1].server.read_only);
    world_run(&world, SECONDS(10));
    trace_note(&world, "db1 is heard again");
    world_isolate(&world, DB1, false);
    world_run(&world, SECONDS(15));
    compare_with_golden("host-isolated");
}

static void monitor_cut_from_the_writer_only(void **state) {
    (void)state;
    begin();
    uint64_t term = world.monitor.durable.term;
    trace_note(&world, "the link between db1 and the monitor is cut");
    world_cut_both(&world, DB1, AT_MONITOR, true);
    world_run(&world, SECONDS(60));
    trace_note(&world, "the link is whole again");
    world_cut_both(&world, DB1, AT_MONITOR, false);
    world_run(&world, SECONDS(5));
    compare_with_golden("monitor-cut-from-writer");
    assert_int_equal(world.monitor.durable.writer, DB1);
    assert_int_equal(world.monitor.durable.term, term);
}

static void monitor_killed(void **state) {
    (void)state;
    begin();
    world_monitor_kill(&world);
    world_run(&world, SECONDS(60));
    assert_false(world.hosts[DB1].server.read_only);
    world_monitor_start(&world);
    world_run(&world, SECONDS(15));
    assert_int_equal(world.monitor.durable.writer, DB1);
    compare_with_golden("monitor-killed");
}

/* db1 was cut off with a commit that nobody acknowledged, db2 took over and crashes before anybody follows it; then
 * nobody knows who was writer, and each of them has what the other lacks. */
static void store_lost_after_histories_parted(void **state) {
    (void)state;
    struct cluster cluster = core_cluster(3);
    cluster.durability = DURABILITY_LOSSLESS;
    world_start(&world, &cluster, 1);
    assert_true(world_run_until_writer(&world, DB1, SECONDS(60)));
    world_run(&world, SECONDS(30) - world.now % 1000);
    world_isolate(&world, DB1, true);
    assert_true(world_run_until_writer(&world, DB2, SECONDS(12)));
    world_isolate(&world, DB2, true);
    world_run(&world, 400); /* its clients write, and db3 receives nothing of it */
    world.tell = true;
    world_machine_crash(&world, DB2);
    world_monitor_kill(&world);
    world_store_restore(&world, 0);
    world_isolate(&world, DB1, false);
    world_isolate(&world, DB2, false);
    world_run(&world, SECONDS(1));
    world_server_start(&world, DB2, true);
    world_agent_start(&world, DB2);
    world_monitor_start(&world);
    world_run(&world, SECONDS(12));
    assert_int_equal(world.monitor.durable.writer, HOST_NONE);
    assert_true(world.monitor.durable.hosts[DB1].holds & world.monitor.durable.hosts[DB2].holds);
    assert_true(oracle_is_complete(&world, DB2) && !oracle_is_complete(&world, DB1));
    trace_note(&world, "set-online --force db2");
    world_command(&world, &(struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2", .force = true });
    assert_true(world_run_until_writer(&world, DB2, SECONDS(5)));
    world_run(&world, SECONDS(3));
    compare_with_golden("store-lost-histories-parted");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_start),    cmocka_unit_test(planned_switchover),
        cmocka_unit_test(target_stuck),   cmocka_unit_test(server_killed),
        cmocka_unit_test(host_isolated),  cmocka_unit_test(monitor_cut_from_the_writer_only),
        cmocka_unit_test(monitor_killed), cmocka_unit_test(store_lost_after_histories_parted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
