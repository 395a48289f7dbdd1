/* Lossless mode, the monitor's side: whom the writer waits for, who may replace it, and what is never silent. */
#include "monitor_pieces.h"

static host_set silent;    /* standbys whose acknowledgements do not arrive */
static host_set behind;    /* standbys that have received nothing for long */
static host_set older;     /* standbys whose reports tell what they had a report interval ago */
static host_set paused;    /* standbys that receive and do not apply */
static uint64_t sequence;  /* of the writer's commits */
static bool waited[HOSTS]; /* as the host is ordered */
static bool waits_for_all; /* the writer can wait for more than one */
static bool goes_by_old_looks;

#define COMMITS_A_REPORT 10 /* of the writer: two a turn */

static struct gtid_position at(uint64_t number) {
    struct gtid_position position = { 0 };
    assert_true(gtid_raise(&position, (struct gtid){ .server = 11, .sequence = number }));
    return position;
}

static uint32_t clients_of(int writer) {
    uint32_t clients = 0;
    for (int i = 0; i < HOSTS; i++)
        clients += i != writer && reports[i].probe.semi_sync.attached && !set_has(silent, i);
    return clients;
}

static void do_writing(struct report *report, const struct orders *orders) {
    struct semi_sync *semi_sync = &report->probe.semi_sync;
    bool proven = semi_sync->waits && semi_sync->acknowledged > 0;
    waited[report->host] = orders->protect;
    semi_sync->clients = clients_of(report->host);
    semi_sync->enabled = semi_sync->waits = orders->protect;
    uint32_t peers = (uint32_t)set_count(orders->electable) - 1;
    semi_sync->wait_count = waits_for_all ? (peers ? peers : 1) : 0;
    if (!orders->protect) {
        report->protection = PROTECTION_OFF;
        semi_sync->acknowledged = 0;
        report->unacknowledged = 0;
    } else if (semi_sync->clients < (waits_for_all ? semi_sync->wait_count : 1)) {
        report->unacknowledged += 50;
        report->probe.canary_written = false;
        report->canary_failing += 50;
        return;
    } else {
        semi_sync->acknowledged++;
        report->unacknowledged = 0;
        report->protection = proven ? PROTECTION_ON : PROTECTION_UNKNOWN;
    }
    report->canary_failing = 0;
    report->probe.applied = report->probe.received = report->probe.binlog = at(++sequence);
}

static bool unproven_seen;

static void do_semi_sync(int host, const struct orders *orders) {
    unproven_seen |= orders->duty == DUTY_WRITER && monitor.durable.unproven;
    struct report *report = &reports[host];
    struct semi_sync *semi_sync = &report->probe.semi_sync;
    semi_sync->known = true;
    if (set_has(paused, host) && orders->duty == DUTY_STANDBY)
        report->probe.replication.applying = THREAD_STOPPED;
    semi_sync->acknowledges = semi_sync->attached = orders->acknowledge;
    if (orders->duty == DUTY_WRITER)
        do_writing(report, orders);
    else if (!set_has(behind | silent, host))
        report->probe.applied = report->probe.received = report->probe.binlog =
            at(sequence - (set_has(older, host) ? COMMITS_A_REPORT
                           : goes_by_old_looks  ? 2 * COMMITS_A_REPORT
                                                : 0));
}

static void lease_of_nobody(void) {
    monitor.durable.writer = monitor.durable.leaving = HOST_NONE;
    monitor.durable.electable = monitor.durable.surely = set_of(DB1) | set_of(DB2);
    monitor.serving = false;
    for (int i = 0; i < HOSTS; i++) {
        reports[i].writer = false;
        reports[i].fenced = reports[i].probe.read_only = true;
    }
}

static void start_lossless(void) {
    obeyed = do_semi_sync;
    silent = behind = older = paused = 0;
    waits_for_all = goes_by_old_looks = false;
    sequence = 100;
    start_monitor(NULL);
    cluster.durability = DURABILITY_LOSSLESS;
    turns(SECONDS(30));
    assert_int_equal(monitor.durable.writer, DB1);
    assert_true(monitor_is_protected(&monitor));
    events[0] = 0;
}

static void a_writer_is_protected_once_a_standby_has_acknowledged(void **state) {
    (void)state;
    start_lossless();
    assert_true(waited[DB1]);
    assert_true(monitor.durable.surely == (set_of(DB1) | set_of(DB2)));
    assert_true(reports[DB2].probe.semi_sync.acknowledges);
    assert_false(reports[DB3].probe.semi_sync.acknowledges); /* a replica's word would be worth nothing */
}

/* db1 was writer, waited for nobody, and was heard a moment ago, so it is known to be shut: what it has alone is not
 * known to anybody who does not look at it. */
static void with_an_empty_store_nobody_is_chosen_past_a_master_that_cannot_be_looked_at(void **state) {
    (void)state;
    obeyed = do_semi_sync;
    silent = behind = paused = 0;
    sequence = 100;
    start_monitor(NULL);
    cluster.durability = DURABILITY_LOSSLESS;
    heard[DB2] = false;
    reports[DB1].probe.binlog = reports[DB1].probe.applied = reports[DB1].probe.received = at(200);
    turns(SECONDS(3));
    heard[DB1] = false;
    turns(SECONDS(2));
    heard[DB2] = true;
    turns(SECONDS(2));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    turns(SECONDS(30));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    heard[DB1] = true;
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer, DB1);
}

static void with_an_empty_store_an_administrator_who_sets_a_dead_master_offline_gets_a_writer(void **state) {
    (void)state;
    obeyed = do_semi_sync;
    silent = behind = paused = 0;
    sequence = 100;
    start_monitor(NULL);
    cluster.durability = DURABILITY_LOSSLESS;
    heard[DB1] = false;
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db1", .force = true });
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer, DB2);
}

/* It may have received more than the others, and nothing of its own was acknowledged yet: should it die now, nobody is
 * as complete as it was. */
static void a_new_writer_that_dies_before_a_commit_was_acknowledged_is_never_passed_over(void **state) {
    (void)state;
    start_lossless();
    assert_int_equal(monitor.durable.holders, set_of(DB2));
    kill_server_of(DB1);
    for (msec end = now + SECONDS(10); now < end && monitor.durable.writer != DB2; turn())
        obedient[DB2] = true;
    assert_int_equal(monitor.durable.writer, DB2);
    assert_true(set_has(monitor.durable.holders, DB2));
}

static void a_standby_that_does_not_acknowledge_is_taken_out_and_the_role_stays(void **state) {
    (void)state;
    start_lossless();
    silent = set_of(DB2);
    msec begun = now;
    while (waited[DB1] && now < begun + SECONDS(5)) {
        turn();
        if (!waited[DB1])
            assert_true(monitor.durable.surely == set_of(DB1)); /* in the store before the writer is told */
    }
    assert_in_range(now - begun, 900, 1500);
    turns(SECONDS(20));
    assert_true(has_event("electable_changed"));
    assert_true(has_event("writes_unprotected"));
    assert_false(has_event("writer_lost"));
    assert_int_equal(monitor.durable.writer, DB1);
    assert_false(waited[DB1]);
    assert_false(monitor_is_protected(&monitor));
}

/* What the old writer still commits while it is being fenced waits for it, and the fence would wait for that. */
static void a_standby_goes_on_acknowledging_while_the_writer_hands_over(void **state) {
    (void)state;
    start_lossless();
    obedient[DB1] = false;
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .host = "db2", .role = "writer" });
    unsigned seen = 0;
    for (int i = 0; i < 10; i++) {
        turn();
        if (monitor.transfer.phase != TRANSFER_RELEASE)
            continue;
        seen++;
        assert_int_equal(monitor.hosts[DB1].sent.duty, DUTY_YIELD);
        assert_int_equal(monitor.hosts[DB2].sent.duty, DUTY_STANDBY);
        assert_true(monitor.hosts[DB2].sent.acknowledge);
        assert_false(monitor.hosts[DB3].sent.acknowledge);
    }
    assert_true(seen > 5);
}

static void one_that_was_taken_out_is_waited_for_again_when_it_has_caught_up_and_not_before(void **state) {
    (void)state;
    start_lossless();
    silent = behind = set_of(DB2);
    turns(SECONDS(10));
    silent = 0;
    turns(SECONDS(10));
    assert_false(waited[DB1]); /* its backlog is nobody's business */
    assert_false(set_has(monitor.durable.electable, DB2));
    behind = 0;
    turns(SECONDS(3));
    assert_true(waited[DB1]);
    assert_true(monitor_is_protected(&monitor));
    assert_true(monitor.durable.surely == (set_of(DB1) | set_of(DB2)));
}

/* On real servers: a report that came at once after the writer had been told to wait made every standby look late, so
 * that it was told again not to wait, and so on. */
static void the_writer_is_not_told_to_wait_and_not_to_wait_in_turns(void **state) {
    (void)state;
    start_lossless();
    silent = behind = set_of(DB2);
    turns(SECONDS(10));
    assert_false(waited[DB1]);
    silent = behind = 0;
    older = set_of(DB2);
    int changes = 0;
    for (int i = 0; i < 100; i++) {
        bool before = waited[DB1];
        turn();
        changes += before != waited[DB1];
    }
    assert_int_equal(changes, 1);
    assert_true(monitor_is_protected(&monitor));
}

/* mmm-sim, seed 1310: report and order were one round apart, and the writer was never opened. */
static void an_order_to_wait_does_not_follow_a_report_that_is_older_than_it(void **state) {
    (void)state;
    start_lossless();
    silent = behind = set_of(DB2);
    turns(SECONDS(10));
    silent = behind = 0;
    reports[DB2].probe.semi_sync.attached = true;
    hear(DB2);
    monitor.durable.electable |= set_of(DB2);
    monitor.serving = false; /* a monitor that was restarted while its writer is shut */
    int changes = 0;
    for (int i = 0; i < 20; i++) {
        bool before = plan.orders.protect;
        reports[DB1].probe.semi_sync.waits = !before;
        reports[DB1].protection = PROTECTION_OFF;
        reports[DB1].writer = reports[DB1].probe.read_only = true;
        now += 5;
        hear(DB1);
        changes += i > 0 && plan.orders.protect != before;
    }
    assert_in_range(changes, 0, 1);
}

/* Findings of the bench: a host that came back made every client wait for as long as its backlog took. */
static void nobody_waits_for_the_backlog_of_a_host_that_has_come_back(void **state) {
    (void)state;
    start_lossless();
    kill_server_of(DB2);
    turns(SECONDS(3));
    assert_false(waited[DB1]);
    behind = set_of(DB2);
    reports[DB2].process = PROCESS_RUNNING;
    obedient[DB2] = true;
    turns(SECONDS(10));
    assert_true(reports[DB2].probe.semi_sync.attached);
    assert_false(waited[DB1]);
    behind = 0;
    turns(SECONDS(2));
    assert_true(monitor_is_protected(&monitor));
}

/* What is missing is an acknowledgement: no other host could do better. */
static void a_writer_that_only_waits_for_an_acknowledgement_is_not_replaced(void **state) {
    (void)state;
    start_lossless();
    cluster.failover.acknowledge_timeout = SECONDS(60);
    silent = set_of(DB2);
    turns(SECONDS(10));
    assert_true(reports[DB1].canary_failing > cluster.health.answer_timeout);
    assert_true(waited[DB1]);
    assert_false(has_event("writer_lost"));
}

static void nobody_replaces_a_writer_that_was_not_protected_without_a_word(void **state) {
    (void)state;
    start_lossless();
    silent = behind = set_of(DB2);
    turns(SECONDS(5));
    kill_server_of(DB1);
    turns(SECONDS(60));
    assert_int_equal(monitor.durable.writer == DB2, 0);
    silent = behind = 0;
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer == DB2, 0);
}

static void a_protected_writer_that_dies_is_replaced_at_once(void **state) {
    (void)state;
    start_lossless();
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(3)));
    turns(SECONDS(3));
    assert_true(has_event("writes_unprotected"));
    assert_false(waited[DB2]); /* the old one is held: it is alone */
    assert_false(monitor_is_protected(&monitor));
}

static void a_switchover_leaves_no_moment_without_protection(void **state) {
    (void)state;
    start_lossless();
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2" });
    for (msec end = now + SECONDS(5); now < end; turn())
        if (monitor.durable.writer == DB2 && reports[DB2].writer && !reports[DB2].probe.read_only)
            assert_true(waited[DB2]);
    assert_int_equal(monitor.durable.writer, DB2);
    assert_true(monitor_is_protected(&monitor));
}

/* mmm-sim, seed 11964: it is the writer that was chosen last, and for that it is not yet complete. */
static void a_target_that_never_served_is_not_chosen_while_the_old_writer_has_more_and_is_silent(void **state) {
    (void)state;
    start_lossless();
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2" });
    unproven_seen = false;
    turns(SECONDS(5));
    assert_true(unproven_seen); /* between its choice and its first word that it serves */
    assert_int_equal(monitor.durable.writer, DB2);
    assert_false(monitor.durable.unproven);

    lease_of_nobody();
    monitor.durable.last_writer = DB2;
    monitor.durable.unproven = true;
    monitor.durable.holders = set_of(DB1);
    heard[DB1] = false;
    turns(SECONDS(30));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    heard[DB1] = true;
    turns(SECONDS(30));
    assert_int_not_equal(monitor.durable.writer, HOST_NONE);
}

/* mmm-sim, seeds 5115, 6243: the command held it again in the same moment, for ever. */
static void what_a_host_has_lost_does_not_hold_it_again_once_it_was_set_online(void **state) {
    (void)state;
    start_lossless();
    kill_server_of(DB1);
    reports[DB2].lacks = at(sequence + 1);
    turns(SECONDS(3));
    assert_true(monitor.durable.hosts[DB2].holds & HOLD_LOST_RECEIVED);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2" });
    assert_int_equal(reply.rc, RC_OK);
    turns(SECONDS(3));
    assert_int_equal(monitor.durable.hosts[DB2].holds, 0);
    assert_int_equal(monitor.durable.writer, HOST_NONE); /* a candidate it is not */
}

/* mmm-sim, seed 11787: the store was lost, and db1 was set offline for maintenance, not given up. */
static void with_a_lost_store_a_host_is_given_up_by_force_only(void **state) {
    (void)state;
    obeyed = do_semi_sync;
    silent = behind = paused = 0;
    sequence = 100;
    start_monitor(NULL);
    cluster.durability = DURABILITY_LOSSLESS;
    heard[DB2] = false;
    turns(SECONDS(3));
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db1" });
    heard[DB2] = true;
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db1", .force = true });
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer, DB2);
}

/* mmm-sim, seed 110041: both machines crashed within two seconds, and the standby had lost the last second of what it
 * had acknowledged; its agent's note was as old. */
static void a_standby_whose_machine_was_restarted_is_no_candidate_before_it_was_compared(void **state) {
    (void)state;
    start_lossless();
    kill_server_of(DB1);
    heard[DB1] = heard[DB2] = false;
    turns(SECONDS(8));
    reports[DB2].incarnation++;
    reports[DB2].probe.pid = 101;
    heard[DB2] = true;
    assert_false(turns_until_writer(DB2, SECONDS(30)));
    assert_true(monitor.durable.hosts[DB2].holds & HOLD_UNCLEAN_RESTART);
    assert_non_null(strstr(monitor.durable.hosts[DB2].hold_why, "while nobody looked"));
}

static void standby_comes_back_with_a_server_up_for(msec uptime) {
    heard[DB2] = false;
    turns(SECONDS(8));
    reports[DB2].incarnation++;
    server_started[DB2] = now - uptime;
    hear(DB2);
}

static void a_standby_that_came_back_as_the_same_process_number_is_held_too(void **state) {
    (void)state;
    start_lossless();
    standby_comes_back_with_a_server_up_for(0);
    assert_true(monitor.durable.hosts[DB2].holds & HOLD_UNCLEAN_RESTART);
}

static void a_restart_is_noticed_though_the_clocks_were_set_back(void **state) {
    (void)state;
    start_lossless();
    standby_comes_back_with_a_server_up_for(SECONDS(90000)); /* longer than the one before */
    assert_true(monitor.durable.hosts[DB2].holds & HOLD_UNCLEAN_RESTART);
}

static void start_monitor_again(void) {
    static struct monitor_durable durable;
    durable = monitor.durable;
    now += SECONDS(60);
    monitor_start(&monitor, &cluster, &durable, now, SECONDS(1700000000) + now);
}

/* The monitor's own memory of the process was lost with it. */
static void after_a_loss_of_power_to_all_a_standby_is_no_candidate_before_it_was_compared(void **state) {
    (void)state;
    start_lossless();
    kill_server_of(DB1);
    heard[DB1] = false;
    start_monitor_again();
    reports[DB2].incarnation++;
    server_started[DB2] = now - SECONDS(20);
    assert_false(turns_until_writer(DB2, SECONDS(30)));
    assert_true(monitor.durable.hosts[DB2].holds & HOLD_UNCLEAN_RESTART);
    heard[DB1] = true; /* its agent lives, and says that its lease is over */
    turns(SECONDS(1));
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db1" });
    assert_non_null(strstr(reply.text, "mmm explain"));
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2", .force = true });
    assert_true(turns_until_writer(DB2, SECONDS(10)));
}

/* Its agent tells of the old process until the new one answers, and that it has crashed from the first word on. */
static void a_crash_while_no_monitor_ran_is_noticed_by_the_next(void **state) {
    (void)state;
    start_lossless();
    start_monitor_again();
    reports[DB2].crashes++;
    reports[DB2].process = PROCESS_EXITED;
    hear(DB2);
    assert_true(monitor.durable.hosts[DB2].holds & HOLD_UNCLEAN_RESTART);
}

static void a_monitor_that_was_started_again_holds_nobody_whose_server_went_on(void **state) {
    (void)state;
    start_lossless();
    reports[DB2].crashes = 3;
    reports[DB2].incarnation++;
    turns(SECONDS(1));
    start_monitor_again();
    turns(SECONDS(1));
    reports[DB2].incarnation++;
    reports[DB2].crashes = 0;
    turns(SECONDS(3));
    assert_int_equal(monitor.durable.hosts[DB2].holds, 0);
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(30)));
}

static void a_restart_of_the_agent_alone_holds_nobody(void **state) {
    (void)state;
    start_lossless();
    heard[DB2] = false;
    turns(SECONDS(1));
    reports[DB2].incarnation++;
    server_started[DB2] += 1900; /* rounded otherwise */
    heard[DB2] = true;
    turns(SECONDS(3));
    assert_int_equal(monitor.durable.hosts[DB2].holds, 0);
}

static void a_server_that_nobody_can_look_at_is_no_reason_to_write_the_store(void **state) {
    (void)state;
    start_lossless();
    msec started = monitor.durable.hosts[DB2].server.started;
    reports[DB2].probe.kept = true;
    for (int i = 0; i < 200; i++) {
        server_started[DB2] += 100; /* full of connections: alive, and it tells no more how long it has been up */
        turn();
    }
    assert_true(monitor.durable.hosts[DB2].server.started == started);
}

static void a_restarted_agent_takes_nobody_out(void **state) {
    (void)state;
    start_lossless();
    reports[DB1].protection = PROTECTION_UNKNOWN;
    reports[DB1].incarnation++;
    hear(DB1);
    assert_true(monitor.durable.surely == (set_of(DB1) | set_of(DB2)));
    assert_true(plan.orders.protect);
}

static void a_server_that_goes_on_without_waiting_ends_the_protection(void **state) {
    (void)state;
    start_lossless();
    reports[DB1].protection = PROTECTION_OFF;
    hear(DB1);
    assert_true(monitor.durable.surely == set_of(DB1));
    assert_true(plan.save);
    assert_false(monitor_is_protected(&monitor));
}

static void a_standby_that_has_lost_what_it_had_received_is_held_and_let_go_when_the_writer_is_back(void **state) {
    (void)state;
    start_lossless();
    kill_server_of(DB1);
    reports[DB2].lacks = at(sequence + 1);
    turns(SECONDS(3));
    assert_true(monitor.durable.hosts[DB2].holds & HOLD_LOST_RECEIVED);
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    reports[DB1].process = PROCESS_RUNNING;
    reports[DB1].resigned = false;
    obedient[DB1] = true;
    turns(SECONDS(10));
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.durable.hosts[DB2].holds, 0);
    assert_true(has_event("hold_ended"));
}

/* Both holds tell of the same crash: each ends by its own proof, and neither waits for the other. */
static void a_standby_that_crashed_and_lost_what_it_had_received_is_not_held_for_ever(void **state) {
    (void)state;
    start_lossless();
    kill_server_of(DB1);
    reports[DB2].lacks = at(sequence + 1);
    reports[DB2].crashes++;
    turns(SECONDS(3));
    assert_true(monitor.durable.hosts[DB2].holds & HOLD_LOST_RECEIVED);
    assert_true(monitor.durable.hosts[DB2].holds & HOLD_UNCLEAN_RESTART);
    reports[DB1].process = PROCESS_RUNNING;
    reports[DB1].resigned = false;
    obedient[DB1] = true;
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.durable.hosts[DB2].holds, 0);
    assert_true(has_event("hold_ended"));
    assert_true(has_event("host_verified"));
}

/* Its SQL thread was stopped by hand: what it has acknowledged is in its relay log, and a drain applies that. */
static void a_standby_that_receives_and_does_not_apply_is_still_counted_on(void **state) {
    (void)state;
    start_lossless();
    reports[DB2].probe.replication.applying = THREAD_STOPPED;
    paused = set_of(DB2);
    turns(SECONDS(10));
    assert_int_equal(monitor.durable.hosts[DB2].state, HOST_REPLICATION_FAIL);
    assert_true(monitor_is_protected(&monitor));
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(3)));
}

static void in_asynchronous_mode_nobody_waits_and_nobody_acknowledges(void **state) {
    (void)state;
    start_lossless();
    cluster.durability = DURABILITY_ASYNCHRONOUS;
    turns(SECONDS(2));
    assert_false(waited[DB1]);
    assert_false(reports[DB2].probe.semi_sync.acknowledges);
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(3)));
}

static void start_three_masters(void) {
    start_lossless();
    cluster.hosts[DB3].mode = MODE_MASTER;
    for (int i = 0; i < cluster.role_count; i++)
        if (cluster.roles[i].is_writer && !set_has(cluster.roles[i].hosts, DB3)) {
            cluster.roles[i].hosts |= set_of(DB3);
            cluster.roles[i].order[cluster.roles[i].order_count++] = DB3;
        }
    turns(SECONDS(10));
    assert_true(monitor.durable.surely == 7);
    assert_true(monitor.durable.holders == (set_of(DB2) | set_of(DB3)));
}

/* MariaDB waits for one acknowledgement, and either may have given it. */
static void of_three_masters_none_is_chosen_before_each_that_may_have_acknowledged_is_heard(void **state) {
    (void)state;
    start_three_masters();
    heard[DB3] = false;
    kill_server_of(DB1);
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    heard[DB3] = true;
    turns(SECONDS(5));
    assert_true(monitor.durable.writer == DB2 || monitor.durable.writer == DB3);
}

static void one_that_has_left_is_not_needed_any_more_once_the_writer_has_no_other_clients(void **state) {
    (void)state;
    start_three_masters();
    kill_server_of(DB3);
    silent = set_of(DB3);
    turns(SECONDS(3));
    assert_true(monitor.durable.holders == set_of(DB2));
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(3)));
}

static void crash_machine(int host) {
    heard[host] = false;
    turns(SECONDS(6));
    reports[host].incarnation++;
    reports[host].probe.pid++;
    reports[host].probe.read_only = reports[host].fenced = true;
    reports[host].writer = reports[host].draining_done = false;
    heard[host] = obedient[host] = true;
}

/* db1 hands over to db2, which is heard no more and has received less than db1; then the machines of db1 and db3 are
 * restarted. */
static void lose_the_target_of_a_hand_over(void) {
    start_three_masters();
    command((struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2" });
    for (int i = 0; i < 100 && monitor.durable.writer != DB2; i++) {
        now += 10;
        for (int host = 0; host < HOSTS && monitor.durable.writer != DB2; host++) {
            hear(host);
            if (plan.orders_set && plan.orders.duty != DUTY_WRITER)
                do_as_told(host, &plan.orders);
        }
    }
    assert_int_equal(monitor.durable.writer, DB2);
    heard[DB2] = false;
    behind = set_of(DB2);
    reports[DB2].probe.applied = reports[DB2].probe.received = reports[DB2].probe.binlog = at(sequence - 1);
    crash_machine(DB3);
    turns(SECONDS(10));
    assert_true(has_event("promotion_failed"));
    crash_machine(DB1);
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.hosts[DB1].holds, HOLD_UNCLEAN_RESTART);
    assert_int_equal(monitor.durable.hosts[DB3].holds, HOLD_UNCLEAN_RESTART);
    turns(SECONDS(40));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
}

static void return_target(void) {
    reports[DB2].writer = false;
    reports[DB2].fenced = reports[DB2].probe.read_only = true;
    heard[DB2] = true;
}

/* mmm-sim, seed 13971: everybody was held until a comparison with a writer, and so there was none. */
static void one_that_handed_over_and_crashed_tells_what_it_has_and_the_target_never_serves_without_it(void **state) {
    (void)state;
    lose_the_target_of_a_hand_over();
    assert_true(monitor.durable.unproven);
    assert_int_equal(monitor.durable.handed_by, DB1);
    return_target();
    turns(SECONDS(2));
    assert_int_equal(monitor.transfer.phase, TRANSFER_FETCH);
    assert_int_equal(monitor.transfer.to, DB2);
    assert_int_equal(monitor.transfer.fetch_from, DB1);
    turns(SECONDS(60)); /* what it lacks may have been answered OK: that is not given up */
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    behind = 0;
    assert_true(turns_until_writer(DB2, SECONDS(3)));
    assert_false(monitor.durable.unproven);
    assert_int_equal(monitor.durable.handed_by, HOST_NONE);
}

static void one_that_handed_over_tells_nothing_when_a_crash_may_have_taken_it(void **state) {
    (void)state;
    lose_the_target_of_a_hand_over();
    reports[DB1].probe.settings = (struct server_settings){ .known = true, .unsafe = UNSAFE_CRASH };
    return_target();
    turns(SECONDS(30));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_false(has_event("writer_fetches"));
    reports[DB1].probe.settings.unsafe = 0;
    monitor.durable.hosts[DB1].holds |= HOLD_OWN_TRANSACTIONS;
    turns(SECONDS(30));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_false(has_event("writer_fetches"));
}

static void a_target_never_serves_without_what_was_handed_over_but_by_an_administrators_force(void **state) {
    (void)state;
    lose_the_target_of_a_hand_over();
    heard[DB1] = false;
    return_target();
    turns(SECONDS(40));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    monitor.durable.hosts[DB2].holds = HOLD_FLAPPING;
    turns(SECONDS(1));
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2" });
    assert_int_equal(reply.rc, RC_REFUSED);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2", .force = true });
    assert_int_equal(reply.rc, RC_OK);
    assert_true(turns_until_writer(DB2, SECONDS(40)));
}

/* What db2 has written since, should it have served unseen, may be on one of the others alone; or db1 was the one that
 * acknowledged it, and lost it when it crashed. */
static void nobody_else_is_chosen_while_the_target_of_a_hand_over_is_not_heard(void **state) {
    (void)state;
    lose_the_target_of_a_hand_over();
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db1" });
    assert_int_equal(reply.rc, RC_REFUSED);
    monitor.durable.hosts[DB3].holds = 0;
    turns(SECONDS(40));
    assert_int_equal(monitor.durable.hosts[DB3].state, HOST_ONLINE);
    assert_true(set_has(monitor.durable.electable & monitor.durable.surely, DB3));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    monitor.durable.hosts[DB1].holds = 0;
    monitor.durable.hosts[DB3].holds = HOLD_UNCLEAN_RESTART;
    turns(SECONDS(40));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
}

/* MySQL waits for all: then one of them is enough to choose by. */
static void where_all_are_waited_for_one_that_is_not_heard_stops_nobody(void **state) {
    (void)state;
    start_three_masters();
    waits_for_all = true;
    turns(SECONDS(1));
    assert_true(monitor.durable.holders == 0);
    heard[DB3] = false;
    kill_server_of(DB1);
    assert_true(turns_until_writer(DB2, SECONDS(3)));
}

static void of_several_that_are_waited_for_only_the_one_that_is_behind_is_taken_out(void **state) {
    (void)state;
    start_three_masters();
    waits_for_all = true;
    turns(SECONDS(1));
    silent = set_of(DB3);
    sequence++; /* the commit that DB2 has received, and DB3 has not */
    turns(SECONDS(10));
    assert_true(monitor.durable.electable == (set_of(DB1) | set_of(DB2)));
    assert_true(monitor_is_protected(&monitor));
    assert_false(has_event("writes_unprotected"));
}

/* Seen on MySQL: reports and looks had such phases that the standby's word was always older than the writer's. */
static void a_standby_whose_word_is_as_old_as_a_look_and_a_report_is_waited_for(void **state) {
    (void)state;
    start_lossless();
    kill_server_of(DB2);
    turns(SECONDS(3));
    assert_false(waited[DB1]);
    goes_by_old_looks = true;
    reports[DB2].process = PROCESS_RUNNING;
    obedient[DB2] = true;
    turns(SECONDS(5));
    assert_true(waited[DB1]);
}

/* Each has something that the other lacks: neither history is the right one by itself. */
static void two_candidates_that_have_diverged_are_both_held_with_what_each_has(void **state) {
    (void)state;
    start_three_masters();
    kill_server_of(DB1);
    silent = set_of(DB2) | set_of(DB3);
    reports[DB2].probe.binlog = reports[DB3].probe.binlog = at(sequence);
    assert_true(gtid_raise(&reports[DB2].probe.binlog, (struct gtid){ .server = 12, .sequence = sequence + 1 }));
    assert_true(gtid_raise(&reports[DB3].probe.binlog, (struct gtid){ .server = 13, .sequence = sequence + 1 }));
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_non_null(strstr(monitor.durable.hosts[DB2].hold_why, "that db3 does not have: 0-12-"));
    assert_non_null(strstr(monitor.durable.hosts[DB3].hold_why, "that db2 does not have: 0-13-"));
}

/* db3 alone has acknowledged the writer's last commit; what it tells that it has received is of an earlier look. */
static void lose_the_writer_with_an_old_word_of_db3(bool kept) {
    start_three_masters();
    behind = set_of(DB2) | set_of(DB3);
    for (int i = DB2; i <= DB3; i++)
        reports[i].probe.applied = reports[i].probe.received = reports[i].probe.binlog =
            at(sequence - (i == DB2 ? 1 : 50));
    reports[DB3].probe.kept = kept;
    kill_server_of(DB1);
    obedient[DB3] = false;
}

static void nobody_is_chosen_past_a_host_that_cannot_drain_and_tells_an_old_position(void **state) {
    (void)state;
    lose_the_writer_with_an_old_word_of_db3(true);
    for (msec end = now + SECONDS(10); now < end; turn()) {
        reports[DB3].term = monitor.durable.term;
        TEXT_COPY(reports[DB3].trouble, "cannot apply what was received: it was too slow");
    }
    assert_int_equal(monitor.durable.writer, HOST_NONE);
}

static void nobody_is_chosen_past_a_host_that_drains_for_longer_than_it_may(void **state) {
    (void)state;
    lose_the_writer_with_an_old_word_of_db3(false);
    for (msec end = now + SECONDS(40); now < end; turn()) {
        reports[DB3].term = monitor.durable.term;
        reports[DB3].task = TASK_DRAIN; /* each look is dropped while it lasts: note_answer, «stale» */
    }
    assert_int_equal(monitor.durable.writer, HOST_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_is_protected_once_a_standby_has_acknowledged),
        cmocka_unit_test(with_an_empty_store_nobody_is_chosen_past_a_master_that_cannot_be_looked_at),
        cmocka_unit_test(with_an_empty_store_an_administrator_who_sets_a_dead_master_offline_gets_a_writer),
        cmocka_unit_test(a_new_writer_that_dies_before_a_commit_was_acknowledged_is_never_passed_over),
        cmocka_unit_test(a_standby_that_does_not_acknowledge_is_taken_out_and_the_role_stays),
        cmocka_unit_test(a_standby_goes_on_acknowledging_while_the_writer_hands_over),
        cmocka_unit_test(one_that_was_taken_out_is_waited_for_again_when_it_has_caught_up_and_not_before),
        cmocka_unit_test(the_writer_is_not_told_to_wait_and_not_to_wait_in_turns),
        cmocka_unit_test(an_order_to_wait_does_not_follow_a_report_that_is_older_than_it),
        cmocka_unit_test(nobody_waits_for_the_backlog_of_a_host_that_has_come_back),
        cmocka_unit_test(a_writer_that_only_waits_for_an_acknowledgement_is_not_replaced),
        cmocka_unit_test(nobody_replaces_a_writer_that_was_not_protected_without_a_word),
        cmocka_unit_test(a_protected_writer_that_dies_is_replaced_at_once),
        cmocka_unit_test(a_switchover_leaves_no_moment_without_protection),
        cmocka_unit_test(a_target_that_never_served_is_not_chosen_while_the_old_writer_has_more_and_is_silent),
        cmocka_unit_test(one_that_handed_over_and_crashed_tells_what_it_has_and_the_target_never_serves_without_it),
        cmocka_unit_test(one_that_handed_over_tells_nothing_when_a_crash_may_have_taken_it),
        cmocka_unit_test(a_target_never_serves_without_what_was_handed_over_but_by_an_administrators_force),
        cmocka_unit_test(nobody_else_is_chosen_while_the_target_of_a_hand_over_is_not_heard),
        cmocka_unit_test(what_a_host_has_lost_does_not_hold_it_again_once_it_was_set_online),
        cmocka_unit_test(with_a_lost_store_a_host_is_given_up_by_force_only),
        cmocka_unit_test(a_standby_whose_machine_was_restarted_is_no_candidate_before_it_was_compared),
        cmocka_unit_test(a_standby_that_came_back_as_the_same_process_number_is_held_too),
        cmocka_unit_test(a_restart_is_noticed_though_the_clocks_were_set_back),
        cmocka_unit_test(a_crash_while_no_monitor_ran_is_noticed_by_the_next),
        cmocka_unit_test(a_server_that_nobody_can_look_at_is_no_reason_to_write_the_store),
        cmocka_unit_test(after_a_loss_of_power_to_all_a_standby_is_no_candidate_before_it_was_compared),
        cmocka_unit_test(a_monitor_that_was_started_again_holds_nobody_whose_server_went_on),
        cmocka_unit_test(a_restart_of_the_agent_alone_holds_nobody),
        cmocka_unit_test(a_restarted_agent_takes_nobody_out),
        cmocka_unit_test(a_server_that_goes_on_without_waiting_ends_the_protection),
        cmocka_unit_test(a_standby_that_has_lost_what_it_had_received_is_held_and_let_go_when_the_writer_is_back),
        cmocka_unit_test(a_standby_that_crashed_and_lost_what_it_had_received_is_not_held_for_ever),
        cmocka_unit_test(a_standby_that_receives_and_does_not_apply_is_still_counted_on),
        cmocka_unit_test(in_asynchronous_mode_nobody_waits_and_nobody_acknowledges),
        cmocka_unit_test(of_three_masters_none_is_chosen_before_each_that_may_have_acknowledged_is_heard),
        cmocka_unit_test(one_that_has_left_is_not_needed_any_more_once_the_writer_has_no_other_clients),
        cmocka_unit_test(where_all_are_waited_for_one_that_is_not_heard_stops_nobody),
        cmocka_unit_test(of_several_that_are_waited_for_only_the_one_that_is_behind_is_taken_out),
        cmocka_unit_test(a_standby_whose_word_is_as_old_as_a_look_and_a_report_is_waited_for),
        cmocka_unit_test(two_candidates_that_have_diverged_are_both_held_with_what_each_has),
        cmocka_unit_test(nobody_is_chosen_past_a_host_that_cannot_drain_and_tells_an_old_position),
        cmocka_unit_test(nobody_is_chosen_past_a_host_that_drains_for_longer_than_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
