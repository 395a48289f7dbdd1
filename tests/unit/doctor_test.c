/* Each row of the doctor's table fires on its own illness, and none fires on a cluster that is well.  docs/doctor.md
 * and tests/golden/doctor are made anew with MMM_GOLDEN_WRITE=1, compared otherwise. */
#include "core_pieces.h"

#include "app/cli/doctor.h"
#include "base/rc.h"
#include "effect/machine/machine.h"
#include "effect/machine/start.h"
#include "wire/facts.h"
#include <unistd.h>

enum { WELL, SICK };

/* What differs between the families when all is well; a name and a value in turn. */
static const char *const well_mariadb[] = {
    "server.family",
    "mariadb",
    "server.series",
    "10.11",
    "var.log_slave_updates",
    "ON",
    "var.gtid_strict_mode",
    "ON",
    "var.gtid_domain_id",
    "0",
    "start.read_only",
    "ON",
    "start.skip_slave_start",
    "ON",
    "replica.using_gtid",
    "Slave_Pos",
    "var.slave_net_timeout",
    "4",
    "var.slave_parallel_threads",
    "4",
    "var.slave_exec_mode",
    "STRICT",
    "var.slave_skip_errors",
    "OFF",
    "var.wsrep_on",
    "OFF",
    "var.have_ssl",
    "YES",
    "var.rpl_semi_sync_master_enabled",
    "ON",
    "status.Rpl_semi_sync_master_status",
    "ON",
    "var.extra_port",
    "3307",
    "self.rights",
    "PROCESS, CONNECTION ADMIN, READ_ONLY ADMIN, REPLICATION SLAVE ADMIN, SLAVE MONITOR",
    NULL,
};
static const char *const well_mysql[] = {
    "server.family",
    "mysql",
    "server.series",
    "8.4",
    "var.log_replica_updates",
    "ON",
    "var.gtid_mode",
    "ON",
    "var.enforce_gtid_consistency",
    "ON",
    "var.relay_log_recovery",
    "OFF",
    "start.super_read_only",
    "ON",
    "start.skip_replica_start",
    "ON",
    "var.offline_mode",
    "OFF",
    "replica.auto_position",
    "1",
    "var.replica_net_timeout",
    "4",
    "var.replica_parallel_workers",
    "4",
    "var.replica_preserve_commit_order",
    "ON",
    "var.replica_exec_mode",
    "STRICT",
    "var.replica_skip_errors",
    "OFF",
    "var.binlog_error_action",
    "ABORT_SERVER",
    "server.xa_prepared",
    "0",
    "plugin.group_replication",
    "DISABLED",
    "var.rpl_semi_sync_source_enabled",
    "ON",
    "status.Rpl_semi_sync_source_status",
    "ON",
    "var.admin_address",
    "127.0.0.1",
    "var.max_connect_errors",
    "100000",
    "self.rights",
    "PROCESS, SUPER, REPLICATION CLIENT, SYSTEM_USER",
    NULL,
};
static const char *const well_both[] = {
    "config.guard",
    "1",
    "config.interface",
    "eth0",
    "config.sum",
    "00c0ffee",
    "mmm.version",
    "3.0",
    "reach-monitor",
    "ok",
    "reach.db9.agent",
    "ok",
    "reach.db9.server",
    "ok",
    "monitor.hears",
    "reachable",
    "server.variables",
    "known",
    "start.known",
    "1",
    "var.sync_binlog",
    "1",
    "start.sync_binlog",
    "1",
    "var.innodb_flush_log_at_trx_commit",
    "1",
    "var.sync_relay_log",
    "1",
    "var.log_bin",
    "ON",
    "start.log_bin",
    "/var/log/mysql/bin",
    "var.binlog_format",
    "ROW",
    "var.event_scheduler",
    "OFF",
    "var.lower_case_table_names",
    "0",
    "var.sql_mode",
    "STRICT_TRANS_TABLES",
    "var.character_set_server",
    "utf8mb4",
    "var.max_allowed_packet",
    "16777216",
    "start.max_allowed_packet",
    "16M",
    "var.max_connections",
    "151",
    "replica.filters",
    "",
    "replica.delay",
    "0",
    "replica.connect_retry",
    "1",
    "replica.heartbeat",
    "1.000",
    "replica.tls",
    "Yes",
    "var.binlog_row_image",
    "FULL",
    "var.binlog_expire_logs_seconds",
    "604800",
    "var.innodb_doublewrite",
    "ON",
    "var.innodb_force_recovery",
    "0",
    "self.user",
    "'root'@'localhost'",
    "account.replication",
    "REPLICATION SLAVE",
    "var.skip_name_resolve",
    "ON",
    "var.skip_networking",
    "OFF",
    "var.bind_address",
    "*",
    "var.port",
    "3306",
    "disk.data.free_percent",
    "60",
    "clock.ahead_ms",
    "-3",
    "clock.synchronized",
    "1",
    "tls.db2.days",
    "900",
    "kernel.disable_ipv6",
    "0",
    "kernel.promote_secondaries",
    "1",
    "kernel.arp_ignore",
    "0",
    "kernel.interfaces",
    "1",
    "server.program_replaced",
    "0",
    NULL,
};
static const char *const well_cluster[] = {
    "config.monitor_address",
    "10.77.0.9",
    "config.monitor_port",
    "9988",
    "config.check",
    "1",
    "config.check_user",
    "mmm_check",
    "config.replication_user",
    "mmm_replication",
    "config.sum",
    "00c0ffee",
    "config.file",
    "/etc/mmm/mmm.ini",
    "mmm.version",
    "3.0",
    "tls.monitor.days",
    "900",
    NULL,
};

struct ward {
    struct cluster cluster;
    struct facts of_cluster;
    struct facts of_hosts[HOSTS_MAX];
    struct doctor_input input;
    struct finding findings[FINDINGS_MAX];
    size_t count;
};

static void put_all(struct facts *facts, const char *const *pairs) {
    for (; *pairs; pairs += 2)
        assert_true(facts_put(facts, pairs[0], pairs[1]));
}

static void drop(struct facts *facts, const char *name) {
    for (size_t i = 0; i < facts->count; i++)
        if (text_equal(facts->items[i].name, name)) {
            facts->items[i] = facts->items[--facts->count];
            return;
        }
    fail_msg("a ward that is well has no fact %s", name);
}

/* Two masters and a replica; db1 is writer. */
static void admit(struct ward *ward, unsigned family) {
    memset(ward, 0, sizeof *ward);
    ward->cluster = core_cluster(3);
    ward->cluster.durability = DURABILITY_LOSSLESS;
    ward->input = (struct doctor_input){ .cluster = &ward->cluster, .writer = DB1, .of_cluster = &ward->of_cluster };
    put_all(&ward->of_cluster, well_cluster);
    for (int i = 0; i < 3; i++) {
        struct facts *facts = &ward->of_hosts[i];
        char id[8];
        ward->input.of_hosts[i] = facts;
        put_all(facts, well_both);
        put_all(facts, family == ON_MYSQL ? well_mysql : well_mariadb);
        snprintf(id, sizeof id, "%d", 11 + i);
        assert_true(facts_put(facts, "var.server_id", id));
        assert_true(facts_put(facts, "var.server_uuid", id));
        assert_true(facts_put(facts, "var.read_only", i == DB1 ? "OFF" : "ON"));
        assert_true(facts_put(
            facts, family == ON_MYSQL ? "var.rpl_semi_sync_replica_enabled" : "var.rpl_semi_sync_slave_enabled",
            i == DB3 ? "OFF" : "ON"));
    }
}

static void examine(struct ward *ward) {
    ward->count = doctor_examine(&ward->input, ward->findings);
}

static bool is_found(const struct ward *ward, const struct doctor_row *row, int host) {
    for (size_t i = 0; i < ward->count; i++)
        if (ward->findings[i].row == row && ward->findings[i].host == host)
            return true;
    return false;
}

/* ---- one illness for each row ---- */

static void move_monitor(struct ward *ward) {
    assert_true(facts_put(&ward->of_cluster, "config.monitor_address", "10.77.0.12"));
}
static void tighten_lease(struct ward *ward) {
    ward->cluster.lease.length = SECONDS(3);
}
static void remove_master(struct ward *ward) {
    ward->cluster.hosts[DB2].mode = MODE_REPLICA;
}
static void add_master(struct ward *ward) {
    ward->cluster.hosts[DB3].mode = MODE_MASTER;
}
static void spare_the_server(struct ward *ward) {
    ward->cluster.last_resort = LAST_RESORT_NONE;
}
static void add_ipv6(struct ward *ward) {
    ward->cluster.addresses[0].ip.family = 6;
}
static void add_interfaces(struct ward *ward) {
    assert_true(facts_put(&ward->of_hosts[DB2], "kernel.interfaces", "2"));
}

static const struct illness {
    const char *rule;
    int host;                 /* of the fact, and of the finding; HOST_NONE: the cluster */
    const char *fact, *value; /* value NULL: not known */
    void (*also)(struct ward *ward);
} illnesses[] = {
    /* clang-format off */
    { "X01", HOST_NONE, NULL, NULL, move_monitor },
    { "X02", HOST_NONE, NULL, NULL, tighten_lease },
    { "X03", HOST_NONE, NULL, NULL, remove_master },
    { "X04", HOST_NONE, "config.check", "0", NULL },
    { "X05", DB1, NULL, NULL, add_master },
    { "X06", DB2, "config.guard", "0", NULL },
    { "X07", HOST_NONE, NULL, NULL, spare_the_server },
    { "X08", DB2, "config.sum", "0badcafe", NULL },
    { "X09", DB2, "mmm.version", "2.2", NULL },
    { "X10", DB2, "agent.silent", "cannot connect", NULL },
    { "X11", DB2, "failed.server", "error 2002", NULL },
    { "X12", DB2, "reach-monitor", "no answer in time", NULL },
    { "X13", DB2, "reach.db1.agent", "Connection refused", NULL },
    { "X14", DB2, "reach.db1.server", "error 1045", NULL },
    { "X15", HOST_NONE, "monitor.silent", "no answer", NULL },
    { "X16", DB2, "monitor.hears", "unreachable", NULL },
    { "X17", HOST_NONE, "monitor.warning.0", "host db3 is held", NULL },
    { "X18", DB2, "failed.rights", "error 1142", NULL },
    { "X19", DB2, "monitor.check", "error 1045", NULL },
    { "X20", DB2, "var.sync_binlog", "0", NULL },
    { "X21", DB2, "var.innodb_flush_log_at_trx_commit", "2", NULL },
    { "X22", DB2, "var.sync_relay_log", "10000", NULL },
    { "X23", DB2, "var.log_bin", "OFF", NULL },
    { "X24", DB2, "var.binlog_format", "MIXED", NULL },
    { "X25", DB2, "var.log_slave_updates", "OFF", NULL },
    { "X25", DB2, "var.log_replica_updates", "OFF", NULL },
    { "X26", DB2, "var.gtid_strict_mode", "OFF", NULL },
    { "X27", DB2, "var.gtid_mode", "ON_PERMISSIVE", NULL },
    { "X28", DB2, "var.enforce_gtid_consistency", "WARN", NULL },
    { "X29", DB2, "var.relay_log_recovery", "ON", NULL },
    { "X30", DB2, "start.read_only", NULL, NULL },
    { "X31", DB2, "start.super_read_only", "OFF", NULL },
    { "X32", DB2, "start.skip_slave_start", NULL, NULL },
    { "X32", DB2, "start.skip_replica_start", NULL, NULL },
    { "X33", DB2, "var.event_scheduler", "ON", NULL },
    { "X34", DB2, "start.max_allowed_packet", "64M", NULL },
    { "X35", DB2, "var.read_only", "OFF", NULL },
    { "X36", DB2, "var.offline_mode", "ON", NULL },
    { "X40", DB2, "var.server_id", "11", NULL },
    { "X40", DB2, "var.server_id", "0", NULL },
    { "X41", DB2, "var.server_uuid", "11", NULL },
    { "X42", DB2, "var.gtid_domain_id", "7", NULL },
    { "X43", DB2, "server.family", "other", NULL },
    { "X44", DB2, "server.series", "11.8", NULL },
    { "X45", DB2, "var.lower_case_table_names", "1", NULL },
    { "X46", DB2, "var.sql_mode", "", NULL },
    { "X47", DB2, "var.character_set_server", "latin1", NULL },
    { "X48", DB2, "var.max_allowed_packet", "1048576", NULL },
    { "X49", DB2, "var.max_connections", "500", NULL },
    { "X50", DB2, "replica.using_gtid", "Current_Pos", NULL },
    { "X50", DB2, "replica.using_gtid", "No", NULL },
    { "X50", DB2, "replica.auto_position", "0", NULL },
    { "X51", DB2, "replica.filters", "Replicate_Do_DB = a", NULL },
    { "X52", DB2, "replica.delay", "3600", NULL },
    { "X53", DB2, "replica.connect_retry", "60", NULL },
    { "X54", DB2, "replica.heartbeat", "30.000", NULL },
    { "X55", DB2, "replica.tls", "No", NULL },
    { "X56", DB2, "var.slave_net_timeout", "60", NULL },
    { "X56", DB2, "var.replica_net_timeout", "60", NULL },
    { "X57", DB2, "var.slave_parallel_threads", "0", NULL },
    { "X57", DB2, "var.replica_parallel_workers", "1", NULL },
    { "X58", DB2, "var.replica_preserve_commit_order", "OFF", NULL },
    { "X59", DB2, "var.slave_exec_mode", "IDEMPOTENT", NULL },
    { "X60", DB2, "var.slave_skip_errors", "1062", NULL },
    { "X61", DB2, "var.binlog_row_image", "MINIMAL", NULL },
    { "X62", DB2, "var.binlog_expire_logs_seconds", "3600", NULL },
    { "X63", DB2, "var.binlog_expire_logs_seconds", "0", NULL },
    { "X69", DB2, "var.slave_connections_needed_for_purge", "1", NULL },
    { "X64", DB2, "var.binlog_error_action", "IGNORE_ERROR", NULL },
    { "X65", DB2, "server.xa_prepared", "1", NULL },
    { "X66", DB2, "var.wsrep_on", "ON", NULL },
    { "X66", DB2, "plugin.group_replication", "ACTIVE", NULL },
    { "X67", DB2, "var.innodb_doublewrite", "OFF", NULL },
    { "X68", DB2, "var.innodb_force_recovery", "3", NULL },
    { "X70", DB1, "var.rpl_semi_sync_master_enabled", "OFF", NULL },
    { "X70", DB1, "var.rpl_semi_sync_source_enabled", "OFF", NULL },
    { "X71", DB2, "var.rpl_semi_sync_source_enabled", NULL, NULL },
    { "X72", DB2, "start.rpl_semi_sync_master_enabled", "ON", NULL },
    { "X72", DB2, "start.rpl_semi_sync_source_enabled", "ON", NULL },
    { "X75", DB3, "var.rpl_semi_sync_slave_enabled", "ON", NULL },
    { "X74", DB2, "var.have_ssl", "DISABLED", NULL },
    { "X76", DB1, "status.Rpl_semi_sync_master_status", "OFF", NULL },
    { "X78", DB2, "self.rights", "PROCESS, SUPER, CONNECTION ADMIN", NULL },
    { "X79", DB2, "var.performance_schema", "OFF", NULL },
    { "X80", DB2, "self.rights", "PROCESS, SUPER, CONNECTION ADMIN", NULL },
    { "X80", DB2, "self.rights", "PROCESS, CONNECTION_ADMIN", NULL },
    { "X81", DB2, "self.rights", "PROCESS, READ_ONLY ADMIN", NULL },
    { "X82", DB2, "self.rights", "PROCESS, READ_ONLY ADMIN", NULL },
    { "X83", DB2, "self.rights", "SUPER, READ_ONLY ADMIN", NULL },
    { "X84", DB2, "self.rights", "PROCESS", NULL },
    { "X84", DB2, "self.rights", "PROCESS, CONNECTION_ADMIN", NULL },
    { "X85", DB2, "account.replication", "none", NULL },
    { "X86", DB2, "account.replication", "", NULL },
    { "X87", DB2, "account.writing.0", "'app'@'%'", NULL },
    { "X87", DB2, "account.writing.0", "'app'@'%'", NULL },
    { "X88", DB2, "agent.lacks", "CAP_NET_ADMIN: no role addresses", NULL },
    { "X89", DB2, "var.extra_port", "0", NULL },
    { "X89", DB2, "var.admin_address", "", NULL },
    { "X90", DB2, "var.max_connections", "10", NULL },
    { "X91", DB2, "var.max_connect_errors", "100", NULL },
    { "X92", DB2, "var.skip_name_resolve", "OFF", NULL },
    { "X93", DB2, "var.skip_networking", "ON", NULL },
    { "X93", DB2, "var.bind_address", "127.0.0.1", NULL },
    { "X93", DB2, "var.port", "3307", NULL },
    { "X94", DB2, "disk.data.free_percent", "4", NULL },
    { "X95", DB2, "disk.data.free_percent", "14", NULL },
    { "X96", DB2, "clock.ahead_ms", "-90000", NULL },
    { "X97", DB2, "clock.synchronized", "0", NULL },
    { "X98", DB2, "tls.db2.days", "-1", NULL },
    { "X99", DB2, "tls.db2.days", "29", NULL },
    { "K01", DB2, "kernel.disable_ipv6", "1", add_ipv6 },
    { "K02", DB2, "kernel.promote_secondaries", "0", NULL },
    { "K03", DB2, "kernel.arp_ignore", "0", add_interfaces },
    { "K04", DB2, "server.program_replaced", "1", NULL },
    { "K06", DB2, "authority.days", "20", NULL },
    { "K05", DB2, "agent.cut", "1", NULL },
    /* clang-format on */
};

static struct ward ward;

static void fall_ill(const struct illness *illness) {
    struct facts *facts = illness->host == HOST_NONE ? &ward.of_cluster : &ward.of_hosts[illness->host];
    if (illness->fact && illness->value)
        assert_true(facts_put(facts, illness->fact, illness->value));
    else if (illness->fact)
        drop(facts, illness->fact);
    if (illness->also)
        illness->also(&ward);
}

/* Only an illness that concerns this family: a fact that the family has when it is well, or that none has then. */
static bool concerns(const struct illness *illness, const struct doctor_row *row) {
    const char *const *lists[] = { well_mariadb, well_mysql };
    bool in[2] = { false, false };
    for (int i = 0; i < 2; i++)
        for (const char *const *at = lists[i]; *at; at += 2)
            in[i] = in[i] || (illness->fact && text_equal(*at, illness->fact));
    bool mysql = row->family == ON_MYSQL;
    return in[mysql] || !in[!mysql];
}

static bool any_illness_shows(const struct doctor_row *row) {
    for (unsigned family = ON_MARIADB; family <= ON_MYSQL; family++)
        for (size_t i = 0; i < COUNT_OF(illnesses) && row->family & family; i++) {
            struct doctor_row in_family = *row;
            in_family.family = family;
            if (!text_equal(illnesses[i].rule, row->rule) || !concerns(&illnesses[i], &in_family))
                continue;
            admit(&ward, family);
            fall_ill(&illnesses[i]);
            examine(&ward);
            if (is_found(&ward, row, illnesses[i].host))
                return true;
        }
    return false;
}

static void no_illness_of_the_table_is_missed(void **state) {
    (void)state;
    size_t count;
    const struct doctor_row *rows = doctor_table(&count);
    for (size_t i = 0; i < count; i++)
        if (!any_illness_shows(&rows[i]))
            fail_msg("%s, «%s»: no illness here brings it up", rows[i].rule, rows[i].what);
}

static void nothing_is_found_where_all_is_well(void **state) {
    (void)state;
    for (unsigned family = ON_MARIADB; family <= ON_MYSQL; family++) {
        admit(&ward, family);
        examine(&ward);
        for (size_t i = 0; i < ward.count; i++)
            fail_msg("%s: %s", ward.findings[i].row->rule, ward.findings[i].what);
    }
}

static void what_is_not_known_is_not_taken_for_ill(void **state) {
    (void)state;
    memset(&ward, 0, sizeof ward);
    ward.cluster = core_cluster(3);
    ward.input = (struct doctor_input){ .cluster = &ward.cluster, .writer = HOST_NONE, .of_cluster = &ward.of_cluster };
    for (int i = 0; i < 3; i++)
        ward.input.of_hosts[i] = &ward.of_hosts[i];
    examine(&ward);
    assert_int_equal(ward.count, 0);
}

static void no_text_keeps_a_word_in_braces_or_a_question_mark(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(illnesses); i++)
        for (unsigned family = ON_MARIADB; family <= ON_MYSQL; family++) {
            admit(&ward, family);
            if (illnesses[i].value || !illnesses[i].fact)
                fall_ill(&illnesses[i]);
            examine(&ward);
            for (size_t j = 0; j < ward.count; j++) {
                const struct finding *finding = &ward.findings[j];
                const char *const texts[] = { finding->what, finding->danger, finding->fix };
                for (size_t k = 0; k < COUNT_OF(texts); k++)
                    if (!texts[k][0] || strpbrk(texts[k], "{}?") || strlen(texts[k]) + 1 >= FINDING_TEXT_SIZE)
                        fail_msg("%s: %s", finding->row->rule, texts[k]);
            }
        }
}

static void lossless_rules_are_silent_without_it(void **state) {
    (void)state;
    admit(&ward, ON_MARIADB);
    ward.cluster.durability = DURABILITY_ASYNCHRONOUS;
    assert_true(facts_put(&ward.of_hosts[DB1], "var.rpl_semi_sync_master_enabled", "OFF"));
    examine(&ward);
    assert_int_equal(ward.count, 0);
}

static void the_worst_host_stands_first_and_each_hosts_worst_too(void **state) {
    (void)state;
    admit(&ward, ON_MARIADB);
    assert_true(facts_put(&ward.of_hosts[DB1], "config.guard", "0"));
    assert_true(facts_put(&ward.of_hosts[DB3], "var.event_scheduler", "ON"));
    assert_true(facts_put(&ward.of_hosts[DB3], "var.sync_binlog", "0"));
    assert_true(facts_put(&ward.of_hosts[DB3], "config.guard", "0"));
    examine(&ward);
    static const int hosts[] = { DB3, DB3, DB3, DB3, DB1 };
    static const char *const rules[] = { "X20", "X33", "X34", "X06", "X06" };
    assert_int_equal(ward.count, COUNT_OF(hosts));
    for (size_t i = 0; i < ward.count; i++) {
        assert_int_equal(ward.findings[i].host, hosts[i]);
        assert_string_equal(ward.findings[i].row->rule, rules[i]);
    }
}

static void more_findings_than_fit_are_cut_and_not_written_beyond(void **state) {
    (void)state;
    admit(&ward, ON_MARIADB);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 300; j++) {
            char name[FACT_NAME_SIZE];
            snprintf(name, sizeof name, "failed.part-%d", j);
            assert_true(facts_put(&ward.of_hosts[i], name, "why"));
        }
    examine(&ward);
    assert_int_equal(ward.count, FINDINGS_MAX);
}

/* ---- facts ---- */

static void facts_that_do_not_fit_are_refused_and_said(void **state) {
    (void)state;
    static struct facts facts;
    char name[FACT_NAME_SIZE];
    memset(&facts, 0, sizeof facts);
    assert_false(facts_put(&facts, "a b", "x"));
    assert_false(facts_put(&facts, "", "x"));
    for (int i = 0; i < FACTS_MAX; i++) {
        snprintf(name, sizeof name, "n%d", i);
        assert_true(facts_put(&facts, name, "x"));
    }
    assert_false(facts.cut);
    assert_true(facts_put(&facts, "n0", "y"));
    assert_false(facts_put(&facts, "more", "x"));
    assert_true(facts.cut);
    assert_string_equal(facts_get(&facts, "n0"), "y");
}

static void facts_come_back_from_the_wire_as_they_went(void **state) {
    (void)state;
    static struct facts again;
    admit(&ward, ON_MARIADB);
    char *text = facts_encode(&ward.cluster, DB2, &ward.of_hosts[DB2]);
    memset(&again, 0, sizeof again);
    assert_int_equal(facts_decode(&ward.cluster, DB2, text, strlen(text), &again, NULL), RC_OK);
    assert_int_equal(again.count, ward.of_hosts[DB2].count);
    for (size_t i = 0; i < again.count; i++)
        assert_string_equal(again.items[i].value, facts_get(&ward.of_hosts[DB2], again.items[i].name));
    assert_int_equal(facts_decode(&ward.cluster, DB1, text, strlen(text), &again, NULL), RC_INVALID);
    free(text);
}

static void no_wrong_answer_is_taken_for_facts(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"v\":2,\"message\":\"facts\",\"cluster\":\"shop\",\"host\":\"db1\",\"facts\":{}}",
        "{\"v\":1,\"message\":\"report\",\"cluster\":\"shop\",\"host\":\"db1\",\"facts\":{}}",
        "{\"v\":1,\"message\":\"facts\",\"cluster\":\"other\",\"host\":\"db1\",\"facts\":{}}",
        "{\"v\":1,\"message\":\"facts\",\"cluster\":\"shop\",\"host\":\"db1\",\"facts\":[]}",
        "{\"v\":1,\"message\":\"facts\",\"cluster\":\"shop\",\"host\":\"db1\",\"facts\":{\"a b\":\"x\"}}",
        "{\"v\":1,\"message\":\"facts\",\"cluster\":\"shop\",\"host\":\"db1\",\"facts\":{\"a\":1}}",
        "{\"v\":1,\"message\":\"facts\",\"cluster\":\"shop\",\"host\":\"db1\",\"facts\":{\"a\":\"1\",\"a\":\"2\"}}",
    };
    static struct facts facts;
    struct cluster cluster = core_cluster(3);
    memset(&facts, 0, sizeof facts);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct reason why = { "" };
        assert_int_equal(facts_decode(&cluster, DB1, wrong[i], strlen(wrong[i]), &facts, &why), RC_INVALID);
        assert_true(why.text[0]);
        assert_int_equal(facts.count, 0);
    }
}

static void an_option_that_is_written_otherwise_is_not_missed(void **state) {
    (void)state;
    static struct facts facts;
    char text[] = "mariadbd would have been started with the following arguments:\n"
                  "--sync-binlog=0 --SYNC_BINLOG=1 --read-only --skip-slave-start --skip-log-bin --report_host=a b"
                  " --loose-max-connections=9 --binlog_format=ROW \n";
    memset(&facts, 0, sizeof facts);
    assert_true(start_answer_take(text, doctor_wants, &facts));
    assert_string_equal(facts_get(&facts, "start.sync_binlog"), "1");
    assert_string_equal(facts_get(&facts, "start.read_only"), "ON");
    assert_string_equal(facts_get(&facts, "start.skip_slave_start"), "ON");
    assert_string_equal(facts_get(&facts, "start.log_bin"), "OFF");
    assert_string_equal(facts_get(&facts, "start.max_connections"), "9");
    assert_string_equal(facts_get(&facts, "start.binlog_format"), "ROW");
    assert_null(facts_get(&facts, "start.report_host"));
    char none[] = "nothing of that kind";
    assert_false(start_answer_take(none, doctor_wants, &facts));
}

static void a_line_of_another_programs_group_is_not_taken_for_the_servers(void **state) {
    (void)state;
    static struct facts facts;
    static const char *const lines[] = { "sync_binlog = 0\n",
                                         "[client]\n",
                                         "sync_binlog = 0\n",
                                         "[mysqld]\r\n",
                                         " super-read-only = ON # so it is\n",
                                         "# skip_replica_start\n",
                                         "skip_replica_start\n",
                                         "binlog_format=\"ROW\"\n",
                                         "[mysqldump]\n",
                                         "max_connections = 1\n" };
    bool in_group = false;
    memset(&facts, 0, sizeof facts);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        char line[64];
        TEXT_COPY(line, lines[i]);
        in_group = start_line_take(line, in_group, doctor_wants, &facts);
    }
    assert_null(facts_get(&facts, "start.sync_binlog"));
    assert_null(facts_get(&facts, "start.max_connections"));
    assert_string_equal(facts_get(&facts, "start.super_read_only"), "ON");
    assert_string_equal(facts_get(&facts, "start.skip_replica_start"), "ON");
    assert_string_equal(facts_get(&facts, "start.binlog_format"), "ROW");
}

static void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void an_included_file_counts_where_it_is_included(void **state) {
    (void)state;
    static struct facts facts;
    char folder[] = "/tmp/mmm-doctor-XXXXXX", main_file[64], part[64], text[256];
    assert_non_null(mkdtemp(folder));
    snprintf(main_file, sizeof main_file, "%s/my.cnf", folder);
    snprintf(part, sizeof part, "%s/part.cnf", folder);
    snprintf(text, sizeof text, "[mysqld]\nsync_binlog = 0\nread_only = OFF\n!include %s\n[mysqld]\nread_only = ON\n",
             part);
    write_text(main_file, text);
    write_text(part, "[mysqld]\nsync_binlog = 1\nread_only = OFF\n");
    const char *const paths[] = { "/nowhere/my.cnf", main_file };
    memset(&facts, 0, sizeof facts);
    assert_true(start_files_take(getpid(), paths, 2, doctor_wants, &facts));
    assert_string_equal(facts_get(&facts, "start.sync_binlog"), "1");
    assert_string_equal(facts_get(&facts, "start.read_only"), "ON");
    snprintf(text, sizeof text, "!include %s\n", main_file); /* for ever */
    write_text(main_file, text);
    assert_false(start_files_take(getpid(), paths, 2, doctor_wants, &facts));
    unlink(main_file);
    unlink(part);
    rmdir(folder);
}

/* ---- what is written ---- */

static char *read_all(const char *path) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 18);
    size_t length = fread(text, 1, (1 << 18) - 1, file);
    text[length] = 0;
    fclose(file);
    return text;
}

static void compare(const char *path, const char *text) {
    if (getenv("MMM_GOLDEN_WRITE")) {
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        fputs(text, out);
        fclose(out);
    }
    char *there = read_all(path);
    assert_string_equal(there, text);
    free(there);
}

static void print_cell(FILE *out, const char *text) {
    for (; *text; text++)
        fprintf(out, *text == '|' ? "\\|" : "%c", *text);
    fputs(" | ", out);
}

static const char *scope_text(const struct doctor_row *row) {
    if (row->scope & OF_CLUSTER)
        return row->scope & OF_HOST ? "each machine" : "the cluster";
    if (row->scope & OF_MASTER)
        return row->scope & IF_LOSSLESS ? "masters, lossless" : "masters";
    if (row->scope & OF_WRITER)
        return row->scope & IF_LOSSLESS ? "the writer, lossless" : "the writer";
    if (row->scope & OF_REPLICA)
        return row->scope & IF_LOSSLESS ? "replicas, lossless" : "replicas";
    if (row->scope & OF_STANDBY)
        return "all but the writer";
    return row->scope & OF_PAIR ? "each two hosts" : "each host";
}

static void the_page_of_the_doctor_is_what_the_table_says(void **state) {
    (void)state;
    static const char *const families[] = { "", "MariaDB", "MySQL", "both" };
    char *text = NULL;
    size_t length = 0, count;
    FILE *out = open_memstream(&text, &length);
    const struct doctor_row *rows = doctor_table(&count);
    fputs(
        "# What `mmm doctor` looks for\n\nA **danger** can lose acknowledged writes, make two writers or stop a "
        "failover; a **warning** hurts on the day of\na failure; a **note** may be meant so.  In braces stands what is "
        "filled in. A value that is not known brings up nothing\nbut X18.\n\n"
        "| rule | level | servers | of | what | danger | fix |\n|---|---|---|---|---|---|---|\n",
        out);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "| %s | %s | %s | %s | ", rows[i].rule, doctor_level_name(rows[i].level), families[rows[i].family],
                scope_text(&rows[i]));
        print_cell(out, rows[i].what);
        print_cell(out, rows[i].danger);
        print_cell(out, rows[i].fix);
        fseek(out, -1, SEEK_CUR);
        fputc('\n', out);
    }
    fclose(out);
    compare(MMM_SOURCE_ROOT "/docs/doctor.md", text);
    free(text);
}

static void make_sick(void) {
    admit(&ward, ON_MARIADB);
    assert_true(facts_put(&ward.of_cluster, "monitor.warning.0", "host db3 is held (flapping); mmm set-online db3"));
    assert_true(facts_put(&ward.of_hosts[DB1], "config.guard", "0"));
    assert_true(facts_put(&ward.of_hosts[DB2], "var.sync_binlog", "0"));
    assert_true(facts_put(&ward.of_hosts[DB2], "account.writing.0", "'app\033[2J'@'%'"));
    assert_true(facts_put(&ward.of_hosts[DB2], "var.server_id", "11"));
    assert_true(facts_put(&ward.of_hosts[DB2], "disk.binlog.free_percent", "9"));
    examine(&ward);
}

static void told(bool json, int host, const char *golden) {
    char *text = NULL, path[512];
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (json)
        doctor_tell_json(out, &ward.cluster, host, ward.findings, ward.count);
    else
        doctor_tell(out, false, &ward.cluster, host, ward.findings, ward.count);
    fclose(out);
    snprintf(path, sizeof path, MMM_SOURCE_ROOT "/tests/golden/doctor/%s", golden);
    compare(path, text);
    assert_null(strchr(text, '\033'));
    free(text);
}

static void what_is_told_of_a_sick_cluster_stays_as_it_is(void **state) {
    (void)state;
    make_sick();
    told(false, HOST_NONE, "sick.txt");
    told(true, DB2, "db2.json");
    assert_true(doctor_has_danger(HOST_NONE, ward.findings, ward.count));
    assert_false(doctor_has_danger(DB1, ward.findings, ward.count));
    admit(&ward, ON_MARIADB);
    examine(&ward);
    told(false, HOST_NONE, "well.txt");
    assert_false(doctor_has_danger(HOST_NONE, ward.findings, ward.count));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_illness_of_the_table_is_missed),
        cmocka_unit_test(nothing_is_found_where_all_is_well),
        cmocka_unit_test(what_is_not_known_is_not_taken_for_ill),
        cmocka_unit_test(no_text_keeps_a_word_in_braces_or_a_question_mark),
        cmocka_unit_test(lossless_rules_are_silent_without_it),
        cmocka_unit_test(the_worst_host_stands_first_and_each_hosts_worst_too),
        cmocka_unit_test(more_findings_than_fit_are_cut_and_not_written_beyond),
        cmocka_unit_test(facts_that_do_not_fit_are_refused_and_said),
        cmocka_unit_test(facts_come_back_from_the_wire_as_they_went),
        cmocka_unit_test(no_wrong_answer_is_taken_for_facts),
        cmocka_unit_test(an_option_that_is_written_otherwise_is_not_missed),
        cmocka_unit_test(a_line_of_another_programs_group_is_not_taken_for_the_servers),
        cmocka_unit_test(an_included_file_counts_where_it_is_included),
        cmocka_unit_test(the_page_of_the_doctor_is_what_the_table_says),
        cmocka_unit_test(what_is_told_of_a_sick_cluster_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
