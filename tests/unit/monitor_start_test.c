/* The monitor's first start, its restarts, and what it takes over. */
#include "monitor_pieces.h"

static void the_first_writer_is_chosen_when_a_lease_has_passed(void **state) {
    (void)state;
    start_monitor(NULL);
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.writer, DB1);
}

static void the_first_writer_waits_for_a_master_that_was_not_heard(void **state) {
    (void)state;
    start_monitor(NULL);
    heard[DB2] = false;
    turns(SECONDS(600));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    heard[DB2] = true;
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.writer, DB1);
}

/* It may be writer by its peers' promises: what they are told would end them. */
static void with_an_empty_store_nobody_is_answered_before_every_master_is_heard(void **state) {
    (void)state;
    start_monitor(NULL);
    heard[DB2] = false;
    for (int i = 0; i < 100; i++) {
        turn();
        hear(DB1);
        assert_false(plan.orders_set);
        assert_non_null(strstr(plan.refused, "db2"));
    }
    hear(DB2);
    hear(DB1);
    assert_true(plan.orders_set);
}

static void only_an_administrators_force_replaces_the_word_of_a_master_that_is_not_heard(void **state) {
    (void)state;
    start_monitor(NULL);
    heard[DB2] = false;
    turns(SECONDS(20));
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db2" });
    assert_int_equal(reply.rc, RC_REFUSED);
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    command((struct command){ .kind = COMMAND_SET_OFFLINE, .host = "db2", .force = true });
    assert_int_equal(reply.rc, RC_OK);
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.writer, DB1);
}

static void the_first_writer_waits_until_every_other_master_is_known_to_be_shut(void **state) {
    (void)state;
    start_monitor(NULL);
    reports[DB2].process = PROCESS_UNKNOWN;
    reports[DB2].probe.answered = reports[DB2].fenced = false;
    turns(SECONDS(60));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    reports[DB2].process = PROCESS_RUNNING;
    reports[DB2].probe.answered = true;
    turns(SECONDS(10));
    assert_int_equal(monitor.durable.writer, HOST_NONE); /* read-only already, and clients may still be committing */
    reports[DB2].fenced = true;
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.writer, DB1);
}

static void the_one_server_that_is_writable_becomes_writer(void **state) {
    (void)state;
    start_monitor(NULL);
    reports[DB2].probe.read_only = false;
    turns(SECONDS(7));
    assert_int_equal(monitor.durable.writer, DB2);
}

static void several_writable_servers_are_a_question_for_a_person(void **state) {
    (void)state;
    start_monitor(NULL);
    reports[DB1].probe.read_only = reports[DB2].probe.read_only = false;
    turns(SECONDS(60));
    assert_int_equal(monitor.durable.mode, MONITOR_PASSIVE);
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    assert_true(has_event("mode_passive"));
}

static void before_the_first_writer_nothing_is_touched(void **state) {
    (void)state;
    start_monitor(NULL);
    for (int i = 0; i < 40; i++) {
        turn();
        if (monitor.durable.writer == HOST_NONE && plan.orders_set)
            assert_true(plan.orders.passive);
    }
}

static void hold_a_lease(int host) {
    reports[host].writer = true;
    reports[host].fenced = false;
    reports[host].term = 5;
    reports[host].lease_left = 4000;
    reports[host].probe.read_only = false;
    reports[host].addresses = set_of(WRITER_ADDRESS);
}

static void a_lease_holder_is_adopted_by_an_empty_store(void **state) {
    (void)state;
    start_monitor(NULL);
    hold_a_lease(DB2);
    turns(SECONDS(6));
    assert_int_equal(monitor.durable.writer, DB2);
    assert_true(monitor.durable.term > 5);
    assert_false(saved_late);
    assert_int_equal(reports[DB2].term, monitor.durable.term);
}

/* An answer from the monitor whose store was lost may still be under way. */
static void a_lease_holder_is_adopted_only_when_a_lease_has_passed_in_silence(void **state) {
    (void)state;
    start_monitor(NULL);
    hold_a_lease(DB2);
    for (int i = 0; i < 49; i++) {
        turn();
        for (int host = 0; host < HOSTS; host++) {
            hear(host);
            assert_false(plan.orders_set);
        }
        assert_int_equal(monitor.durable.writer, HOST_NONE);
    }
    turns(500);
    assert_int_equal(monitor.durable.writer, DB2);
}

/* The others report first: what had been begun for want of a writer must end when there is one. */
static void an_adopted_writer_keeps_the_role(void **state) {
    (void)state;
    start_monitor(NULL);
    heard[DB2] = false;
    turns(SECONDS(8));
    hold_a_lease(DB2);
    heard[DB2] = true;
    for (int i = 0; i < 600; i++) {
        turn();
        assert_int_equal(monitor.durable.writer, DB2);
    }
    assert_true(monitor.serving);
    assert_int_equal(monitor.transfer.phase, TRANSFER_IDLE);
}

static void a_second_lease_holder_is_a_contradiction_for_a_person(void **state) {
    (void)state;
    start_serving();
    obedient[DB2] = false;
    hold_a_lease(DB2);
    reports[DB2].term = monitor.durable.term;
    turn();
    assert_int_equal(monitor.durable.mode, MONITOR_PASSIVE);
}

static void a_monitor_whose_store_is_old_goes_above_its_agents_terms(void **state) {
    (void)state;
    start_serving();
    reports[DB3].term = 50;
    hear(DB3);
    assert_true(plan.save);
    assert_int_equal(monitor.durable.term, 51);
}

/* The store says db1; the role has since gone to db2. */
static void an_old_store_does_not_give_the_role_back_to_an_earlier_writer(void **state) {
    (void)state;
    start_serving();
    hold_a_lease(DB2);
    reports[DB2].term = monitor.durable.term + 3;
    reports[DB1].writer = false;
    reports[DB1].fenced = reports[DB1].probe.read_only = true;
    hear(DB2);
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    for (int i = 0; i < 40; i++) {
        turn();
        hear(DB1);
        assert_false(plan.orders_set);
    }
    turns(SECONDS(2));
    assert_int_equal(monitor.durable.writer, DB2);
    assert_int_equal(reports[DB2].term, monitor.durable.term);
    assert_int_equal(monitor.durable.mode, MONITOR_ACTIVE);
}

/* The old store held db2; it was let in again since, or it could not be writer. */
static void a_writer_that_an_old_store_holds_is_adopted_without_the_hold(void **state) {
    (void)state;
    start_serving();
    monitor.durable.hosts[DB2].holds = HOLD_DOWN_LONG;
    monitor.durable.hosts[DB2].state = HOST_AWAITING_RECOVERY;
    hold_a_lease(DB2);
    reports[DB2].term = monitor.durable.term + 3;
    reports[DB1].writer = false;
    reports[DB1].fenced = reports[DB1].probe.read_only = true;
    hear(DB2);
    turns(SECONDS(6));
    assert_int_equal(monitor.durable.writer, DB2);
    assert_int_equal(monitor.durable.hosts[DB2].holds, 0);
    assert_int_equal(monitor.durable.hosts[DB2].state, HOST_ONLINE);
}

static void a_late_report_of_an_earlier_run_of_an_agent_is_refused(void **state) {
    (void)state;
    start_serving();
    struct report late = reports[DB2];
    reports[DB2].incarnation++;
    hear(DB2);
    late.sequence += 10;
    step((struct monitor_event){ .kind = MONITOR_REPORT, .host = DB2, .report = &late });
    assert_false(plan.orders_set);
    assert_non_null(strstr(plan.refused, "earlier run"));
    assert_int_equal(monitor.hosts[DB2].report.incarnation, reports[DB2].incarnation);
    turns(SECONDS(1)); /* the run that lives is still heard */
    assert_true(monitor_agent_reachable(&monitor, DB2, now));
}

static void an_agent_whose_clock_was_set_back_is_heard_again_after_a_lease(void **state) {
    (void)state;
    start_serving();
    reports[DB2].incarnation--;
    turns(SECONDS(8));
    assert_int_equal(monitor.hosts[DB2].report.incarnation, reports[DB2].incarnation);
}

static void a_report_of_another_host_is_refused(void **state) {
    (void)state;
    start_serving();
    struct report forged = reports[DB2];
    forged.sequence += 10;
    step((struct monitor_event){ .kind = MONITOR_REPORT, .host = DB3, .report = &forged });
    assert_false(plan.orders_set);
    assert_string_not_equal(plan.refused, "");
}

static void an_older_report_is_refused(void **state) {
    (void)state;
    start_serving();
    reports[DB2].sequence -= 2;
    hear(DB2);
    assert_false(plan.orders_set);
}

static struct monitor_durable restart_with_store(void) {
    struct monitor_durable durable = monitor.durable;
    struct report before[HOSTS];
    memcpy(before, reports, sizeof before);
    msec at = now + 3000;
    start_monitor(&durable);
    memcpy(reports, before, sizeof reports);
    now = at;
    monitor_start(&monitor, &cluster, &durable, now, SECONDS(1700000000) + now);
    return durable;
}

static void a_restarted_monitor_replaces_nobody_before_a_lease_has_passed(void **state) {
    (void)state;
    start_serving();
    restart_with_store();
    heard[DB1] = false;
    turns(SECONDS(5) - 100);
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.durable.leaving, HOST_NONE);
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer, DB2);
}

/* Stopping can take seconds where the source is unreachable: not after the lease, but while it is waited for. */
static void standbys_drain_while_a_restarted_monitor_waits_for_a_writer_it_has_not_heard(void **state) {
    (void)state;
    start_serving();
    restart_with_store();
    heard[DB1] = false;
    turns(SECONDS(2));
    assert_int_equal(monitor.hosts[DB2].sent.duty, DUTY_STANDBY);
    turns(SECONDS(2));
    assert_int_equal(monitor.hosts[DB2].sent.duty, DUTY_DRAIN);
    assert_int_equal(monitor.durable.writer, DB1);
}

/* mmm-sim, seed 121843: the store was an older copy, from the middle of a failover, and the first host that spoke knew
 * of nothing later. */
static void a_restarted_monitor_promotes_nobody_before_all_masters_or_a_lease_have_spoken(void **state) {
    (void)state;
    start_serving();
    struct monitor_durable durable = monitor.durable;
    durable.writer = durable.leaving = HOST_NONE;
    durable.last_writer = DB2;
    start_monitor(&durable);
    for (int i = 0; i < HOSTS; i++)
        reports[i].term = durable.term;
    heard[DB2] = heard[DB3] = false;
    turns(SECONDS(5));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    turns(SECONDS(2));
    assert_int_equal(monitor.durable.writer, DB1);

    start_monitor(&durable);
    for (int i = 0; i < HOSTS; i++)
        reports[i].term = durable.term;
    assert_true(turns_until_writer(DB1, SECONDS(2)) || monitor.durable.writer == DB2);
}

/* mmm-sim, seed 74715: by an older copy of the store db1 was to end and nobody had taken over, which db2 has since. */
static void a_restarted_monitor_gives_no_role_back_before_it_has_looked_around(void **state) {
    (void)state;
    start_serving();
    struct monitor_durable durable = monitor.durable;
    durable.writer = HOST_NONE;
    durable.last_writer = durable.leaving = DB1;
    start_monitor(&durable);
    for (int i = 0; i < HOSTS; i++)
        reports[i].term = durable.term;
    hold_a_lease(DB2);
    reports[DB2].term = durable.term + 1;
    reports[DB1].writer = false;
    reports[DB1].fenced = reports[DB1].probe.read_only = true;
    reports[DB1].promised_left = 4000; /* to db2: so it is not believed to have ended */
    heard[DB2] = heard[DB3] = false;
    turns(SECONDS(1));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    heard[DB2] = true;
    turns(SECONDS(7));
    assert_int_equal(monitor.durable.writer, DB2);
    assert_int_equal(monitor.durable.mode, MONITOR_ACTIVE);
}

/* mmm-sim, seed 29 without this rule: what db1 said before it was writer comes again, to a monitor that has never heard
 * it and finds in its store that db1 is to end. */
static void what_a_host_said_before_it_was_writer_never_ends_its_lease(void **state) {
    (void)state;
    start_serving();
    struct monitor_durable durable = monitor.durable;
    durable.writer = HOST_NONE;
    durable.leaving = DB1;
    start_monitor(&durable);
    for (int i = 0; i < HOSTS; i++)
        reports[i].term = durable.term;
    reports[DB1].term = durable.term - 1;
    hear(DB1);
    assert_int_equal(monitor.durable.leaving, DB1);
    reports[DB1].term = durable.term;
    hear(DB1);
    assert_int_equal(monitor.durable.leaving, HOST_NONE);
}

/* mmm-sim, seed 137611: by an older copy of the store db1 was about to take the role, which db2 has long since. */
static void a_restarted_monitor_gives_a_role_that_was_not_taken_only_when_it_has_looked_around(void **state) {
    (void)state;
    start_serving();
    struct monitor_durable durable = monitor.durable;
    start_monitor(&durable);
    for (int i = 0; i < HOSTS; i++)
        reports[i].term = durable.term;
    hear(DB1);
    assert_false(plan.orders_set);
    assert_non_null(strstr(plan.refused, "just started"));
    reports[DB1].writer = true; /* who holds it is renewed at once */
    hear(DB1);
    assert_true(plan.orders_set);
    reports[DB1].writer = false;
    hear(DB2);
    hear(DB1);
    assert_true(plan.orders_set);
    assert_int_equal(plan.orders.duty, DUTY_WRITER);
}

static void a_restarted_monitor_takes_up_where_it_was(void **state) {
    (void)state;
    start_serving();
    struct monitor_durable before = restart_with_store();
    turns(SECONDS(60));
    assert_int_equal(monitor.durable.writer, DB1);
    assert_int_equal(monitor.durable.term, before.term);
    assert_memory_equal(monitor.durable.placement, before.placement, sizeof before.placement);
}

static void a_restarted_monitor_leaves_the_addresses_of_readers_where_they_are(void **state) {
    (void)state;
    start_serving();
    address_set had[HOSTS];
    for (int i = 0; i < HOSTS; i++)
        had[i] = reports[i].addresses;
    restart_with_store();
    for (int i = 0; i < HOSTS; i++) {
        hear(i);
        assert_true(plan.orders_set);
        assert_int_equal(plan.orders.addresses, had[i]);
    }
}

/* mmm-sim, seeds 13709 and 37485: what db3 said when its server was dead, and before it was given the address again,
 * comes once more, to a monitor that has never heard it. */
static void what_a_host_said_before_it_got_an_address_never_gives_it_to_another(void **state) {
    (void)state;
    start_serving();
    address_set had = reports[DB3].addresses;
    assert_true(had != 0);
    restart_with_store();
    heard[DB3] = false;
    turns(SECONDS(4));
    kill_server_of(DB3);
    reports[DB3].addresses = 0;
    hear(DB3);
    bool given = false;
    for (msec end = now + SECONDS(10); now < end && !given; turn())
        for (int i = 0; i < DB3; i++)
            if (reports[i].addresses & had) {
                given = true;
                assert_true(now >= monitor.started_at + cluster.lease.length + cluster.lease.margin);
            }
    assert_true(given);
}

/* The same of a writer, which is cut from this monitor and lives on the promises of db2, which is chosen and refuses.
 */
static void what_a_writer_said_before_it_got_an_address_counts_no_more_than_its_peers_promises(void **state) {
    (void)state;
    start_serving();
    heard[DB3] = false;
    turns(SECONDS(10));
    address_set had = reports[DB1].addresses & ~set_of(WRITER_ADDRESS);
    assert_true(had != 0);
    restart_with_store();
    reports[DB1].addresses = set_of(WRITER_ADDRESS);
    hear(DB1);
    assert_true(plan.orders_set);
    assert_int_equal(plan.orders.addresses & had, 0);
    heard[DB1] = heard[DB3] = obedient[DB2] = false;
    reports[DB2].draining_done = true;
    for (msec end = now + SECONDS(30); now < end; turn()) {
        if (monitor.durable.term > reports[DB2].term)
            reports[DB2].promised_left = SECONDS(5) - now % 400;
        assert_int_equal(monitor.hosts[DB2].sent.addresses & had, 0);
    }
    for (int i = 0; i < cluster.address_count; i++)
        if (set_has(had, i))
            assert_int_equal(monitor.durable.placement[i], DB2);
    reports[DB2].promised_left = 0;
    turns(SECONDS(6));
    assert_int_equal(monitor.hosts[DB2].sent.addresses & had, had);
}

static void a_change_of_term_is_saved_before_it_is_told(void **state) {
    (void)state;
    start_serving();
    kill_server_of(DB1);
    turns(SECONDS(10));
    assert_int_equal(monitor.durable.writer, DB2);
    assert_false(saved_late);
}

/* Its server dies while the store cannot be written: each time that is decided, and each time undone. */
static void what_can_not_be_written_is_never_decided(void **state) {
    (void)state;
    start_serving();
    struct monitor_durable stored = monitor.durable;
    kill_server_of(DB1);
    for (int i = 0; i < 40; i++) {
        now += 500;
        hear(DB1);
        assert_true(plan.save);
        monitor_undo(&monitor, &stored, &plan);
        assert_int_equal(monitor.durable.writer, DB1);
        assert_int_equal(monitor.durable.term, stored.term);
        assert_int_equal(monitor.transfer.phase, TRANSFER_IDLE);
    }
    assert_true(monitor_agent_reachable(&monitor, DB1, now));
    monitor_start(&monitor, &cluster, &stored, now, SECONDS(1700000000) + now);
    assert_true(turns_until_writer(DB2, SECONDS(8)));
}

/* The monitor dies when db1 has handed over to db2, which does not serve yet; db1 wrote up to 0-1-90. */
static void restart_in_the_middle_of_a_switchover(void) {
    start_serving();
    command(
        (struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2", .grace = GRACE_AS_CONFIGURED });
    for (msec end = now + SECONDS(5); now < end && monitor.transfer.phase != TRANSFER_PROMOTE; turn())
        obedient[DB2] = monitor.durable.writer == DB1;
    assert_int_equal(monitor.durable.writer, DB2);
    struct monitor_durable durable = monitor.durable;
    start_monitor(&durable);
    for (int i = 0; i < HOSTS; i++)
        reports[i].term = durable.term;
    reports[DB1].probe.applied = reports[DB1].probe.binlog = core_position("0-1-90");
}

/* mmm-sim, seed 15517: db2 had crashed a moment before, was away for as long as the monitor needed to be started again,
 * and lacked what db1 had written in its last two seconds. */
static void a_switchover_goes_on_after_a_restart_only_with_all_that_the_old_writer_had(void **state) {
    (void)state;
    restart_in_the_middle_of_a_switchover();
    heard[DB1] = false;
    for (msec end = now + SECONDS(3); now < end; turn())
        assert_int_not_equal(monitor.hosts[DB2].sent.duty, DUTY_WRITER);
    heard[DB1] = true;
    obedient[DB2] = false;
    turn();
    turn();
    struct gtid_position end = core_position("0-1-90");
    assert_int_equal(monitor.hosts[DB2].sent.duty, DUTY_WRITER);
    assert_true(gtid_equal(&monitor.hosts[DB2].sent.reach, &end));
    obedient[DB2] = true;
    assert_true(turns_until_writer(DB2, SECONDS(3)));
    assert_true(has_event("switchover_resumed"));
}

static void after_a_restart_a_new_writer_that_is_gone_is_replaced(void **state) {
    (void)state;
    restart_in_the_middle_of_a_switchover();
    heard[DB2] = false;
    assert_true(turns_until_writer(DB1, SECONDS(30)));
}

static void after_a_restart_a_new_writer_that_serves_already_goes_on(void **state) {
    (void)state;
    restart_in_the_middle_of_a_switchover();
    heard[DB1] = false;
    reports[DB2].writer = true;
    reports[DB2].probe.read_only = false;
    reports[DB2].addresses = set_of(WRITER_ADDRESS);
    for (msec end = now + SECONDS(3); now < end; turn())
        assert_true(!monitor.hosts[DB2].sent_valid || monitor.hosts[DB2].sent.duty == DUTY_WRITER);
    assert_true(monitor.serving);
}

/* db2 had taken the role, and its server is not open yet, when the monitor died. */
static void after_a_restart_who_has_taken_the_role_and_is_not_open_is_told_what_to_reach(void **state) {
    (void)state;
    restart_in_the_middle_of_a_switchover();
    heard[DB1] = obedient[DB2] = false;
    reports[DB2].writer = true;
    reports[DB2].fenced = false;
    struct gtid_position end = core_position("0-1-90");
    turn();
    const struct orders *sent = &monitor.hosts[DB2].sent;
    assert_true(!monitor.hosts[DB2].sent_valid || sent->duty != DUTY_WRITER || gtid_equal(&sent->reach, &end));
}

/* Both masters are away at the start; db1 is back after db2 was given up. */
static void after_a_restart_whoever_is_chosen_instead_waits_for_no_word(void **state) {
    (void)state;
    restart_in_the_middle_of_a_switchover();
    heard[DB1] = heard[DB2] = false;
    turns(SECONDS(6));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    heard[DB1] = true;
    assert_true(turns_until_writer(DB1, SECONDS(5)));
}

static void switch_over_until_db2_is_chosen(void) {
    command(
        (struct command){ .kind = COMMAND_MOVE_ROLE, .role = "writer", .host = "db2", .grace = GRACE_AS_CONFIGURED });
    for (msec end = now + SECONDS(5); now < end && monitor.transfer.phase != TRANSFER_PROMOTE; turn())
        obedient[DB2] = monitor.durable.writer == DB1;
    assert_int_equal(monitor.durable.writer, DB2);
}

static void start_again(void) {
    struct monitor_durable durable = monitor.durable;
    enum durability durability = cluster.durability;
    start_monitor(&durable);
    cluster.durability = durability;
    for (int i = 0; i < HOSTS; i++)
        reports[i].term = durable.term;
}

static void after_a_restart_in_passive_mode_nobody_opens_without_what_to_reach(void **state) {
    (void)state;
    start_serving();
    switch_over_until_db2_is_chosen();
    command((struct command){ .kind = COMMAND_SET_MODE, .mode = MONITOR_PASSIVE });
    start_again();
    heard[DB1] = false;
    turns(SECONDS(7));
    reports[DB2].writer = monitor.hosts[DB2].sent.duty == DUTY_WRITER; /* a role is taken in passive mode, too */
    reports[DB2].fenced = !reports[DB2].writer;
    turn();
    command((struct command){ .kind = COMMAND_SET_MODE, .mode = MONITOR_ACTIVE });
    obedient[DB2] = false;
    turn();
    assert_false(monitor.hosts[DB2].sent.duty == DUTY_WRITER && monitor.hosts[DB2].sent.reach.count == 0);
}

/* A report from before db1 was writer, delivered late, is the first that the new monitor hears of db1. */
static void a_late_word_from_before_its_time_as_writer_is_not_where_it_ended(void **state) {
    (void)state;
    restart_in_the_middle_of_a_switchover();
    obedient[DB2] = false;
    struct report word = reports[DB1];
    word.term = monitor.durable.term - 2;
    word.sequence = 1;
    word.probe.applied = word.probe.binlog = core_position("0-1-10");
    reports[DB1].sequence = 5;
    step((struct monitor_event){ .kind = MONITOR_REPORT, .host = DB1, .report = &word });
    turn();
    turn();
    struct gtid_position end = core_position("0-1-90");
    assert_int_equal(monitor.hosts[DB2].sent.duty, DUTY_WRITER);
    assert_true(gtid_equal(&monitor.hosts[DB2].sent.reach, &end));
}

/* db1 has handed over and is gone for good; db2 lacks the last of it, as far as anybody knows. */
static void start_without_the_one_that_handed_over(void) {
    start_serving();
    cluster.durability = DURABILITY_LOSSLESS;
    turns(SECONDS(5));
    switch_over_until_db2_is_chosen();
}

static void expect_the_way_out(void) {
    turns(SECONDS(20));
    assert_int_equal(monitor.durable.writer, HOST_NONE);
    command((struct command){ .kind = COMMAND_SET_ONLINE, .host = "db2", .force = true });
    assert_int_equal(reply.rc, RC_OK);
    assert_true(has_event("loss_accepted"));
    assert_true(turns_until_writer(DB2, SECONDS(20)));
}

static void a_restart_in_a_handover_whose_old_writer_is_gone_for_good_leaves_a_way_out(void **state) {
    (void)state;
    start_without_the_one_that_handed_over();
    start_again();
    heard[DB1] = false;
    obedient[DB2] = true;
    turns(SECONDS(60));
    expect_the_way_out();
}

static void a_new_writer_that_crashed_before_it_served_has_a_way_out_when_the_old_one_is_gone(void **state) {
    (void)state;
    start_without_the_one_that_handed_over();
    heard[DB1] = obedient[DB2] = false;
    kill_server_of(DB2);
    turns(SECONDS(60));
    reports[DB2].process = PROCESS_RUNNING;
    reports[DB2].probe.pid++;
    reports[DB2].resigned = reports[DB2].writer = false;
    reports[DB2].fenced = reports[DB2].probe.read_only = obedient[DB2] = true;
    expect_the_way_out();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_writer_is_chosen_when_a_lease_has_passed),
        cmocka_unit_test(the_first_writer_waits_for_a_master_that_was_not_heard),
        cmocka_unit_test(with_an_empty_store_nobody_is_answered_before_every_master_is_heard),
        cmocka_unit_test(only_an_administrators_force_replaces_the_word_of_a_master_that_is_not_heard),
        cmocka_unit_test(the_first_writer_waits_until_every_other_master_is_known_to_be_shut),
        cmocka_unit_test(a_lease_holder_is_adopted_only_when_a_lease_has_passed_in_silence),
        cmocka_unit_test(an_old_store_does_not_give_the_role_back_to_an_earlier_writer),
        cmocka_unit_test(a_writer_that_an_old_store_holds_is_adopted_without_the_hold),
        cmocka_unit_test(a_late_report_of_an_earlier_run_of_an_agent_is_refused),
        cmocka_unit_test(an_agent_whose_clock_was_set_back_is_heard_again_after_a_lease),
        cmocka_unit_test(the_one_server_that_is_writable_becomes_writer),
        cmocka_unit_test(several_writable_servers_are_a_question_for_a_person),
        cmocka_unit_test(before_the_first_writer_nothing_is_touched),
        cmocka_unit_test(a_lease_holder_is_adopted_by_an_empty_store),
        cmocka_unit_test(an_adopted_writer_keeps_the_role),
        cmocka_unit_test(a_second_lease_holder_is_a_contradiction_for_a_person),
        cmocka_unit_test(a_monitor_whose_store_is_old_goes_above_its_agents_terms),
        cmocka_unit_test(a_report_of_another_host_is_refused),
        cmocka_unit_test(an_older_report_is_refused),
        cmocka_unit_test(a_restarted_monitor_replaces_nobody_before_a_lease_has_passed),
        cmocka_unit_test(standbys_drain_while_a_restarted_monitor_waits_for_a_writer_it_has_not_heard),
        cmocka_unit_test(a_restarted_monitor_promotes_nobody_before_all_masters_or_a_lease_have_spoken),
        cmocka_unit_test(a_restarted_monitor_gives_no_role_back_before_it_has_looked_around),
        cmocka_unit_test(what_a_host_said_before_it_was_writer_never_ends_its_lease),
        cmocka_unit_test(a_restarted_monitor_gives_a_role_that_was_not_taken_only_when_it_has_looked_around),
        cmocka_unit_test(a_restarted_monitor_takes_up_where_it_was),
        cmocka_unit_test(a_restarted_monitor_leaves_the_addresses_of_readers_where_they_are),
        cmocka_unit_test(what_a_host_said_before_it_got_an_address_never_gives_it_to_another),
        cmocka_unit_test(what_a_writer_said_before_it_got_an_address_counts_no_more_than_its_peers_promises),
        cmocka_unit_test(a_switchover_goes_on_after_a_restart_only_with_all_that_the_old_writer_had),
        cmocka_unit_test(after_a_restart_a_new_writer_that_is_gone_is_replaced),
        cmocka_unit_test(after_a_restart_a_new_writer_that_serves_already_goes_on),
        cmocka_unit_test(after_a_restart_who_has_taken_the_role_and_is_not_open_is_told_what_to_reach),
        cmocka_unit_test(after_a_restart_whoever_is_chosen_instead_waits_for_no_word),
        cmocka_unit_test(after_a_restart_in_passive_mode_nobody_opens_without_what_to_reach),
        cmocka_unit_test(a_late_word_from_before_its_time_as_writer_is_not_where_it_ended),
        cmocka_unit_test(a_restart_in_a_handover_whose_old_writer_is_gone_for_good_leaves_a_way_out),
        cmocka_unit_test(a_new_writer_that_crashed_before_it_served_has_a_way_out_when_the_old_one_is_gone),
        cmocka_unit_test(a_change_of_term_is_saved_before_it_is_told),
        cmocka_unit_test(what_can_not_be_written_is_never_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
