/* The configuration: what is refused, and in which words. */
#include "config_pieces.h"

enum { TEXT_SIZE = 16384 };

/* ---- errors: where, what, and what to do ---- */

static void an_unknown_or_repeated_section_or_key_is_named_with_its_place(void **state) {
    (void)state;
    refused("[clustre]\nname = x\n", "shop.ini:1: unknown section [clustre]; did you mean \"cluster\"?");
    refused("\n\n[zzzzzzzz a]\n", "shop.ini:3: unknown section [zzzzzzzz a]; known: cluster, monitor, host, role, "
                                  "replication, check, health, lease, failover, tls");
    refused("[hots db1]\n", "shop.ini:1: unknown section [hots db1]; did you mean \"host\"?");
    refused("[]\n", "shop.ini:1: unknown section []; known: cluster, monitor, host, role, replication, check, health, "
                    "lease, failover, tls");
    refused("[cluster shop]\n", "shop.ini:1: [cluster] takes no name");
    refused("[host]\n",
            "shop.ini:1: [host] needs a name: at most 63 letters, digits, - _ . with a letter or digit first");
    refused("[host a b]\n",
            "shop.ini:1: [host a b] needs a name: at most 63 letters, digits, - _ . with a letter or digit first");
    refused("[host ../x]\n",
            "shop.ini:1: [host ../x] needs a name: at most 63 letters, digits, - _ . with a letter or digit first");
    refused("[role ..]\n",
            "shop.ini:1: [role ..] needs a name: at most 63 letters, digits, - _ . with a letter or digit first");
    refused("[lease]\n\n[lease]\n", "shop.ini:3: [lease] stands twice, first in line 1");
    refused(DB1 "[host db1]\n", "shop.ini:4: [host db1] stands twice, first in line 1");
    refused("[host default]\n[host default]\n", "shop.ini:2: [host default] stands twice, first in line 1");
    refused("[host db1] x\n", "shop.ini:1: a section is [kind] or [kind name], and nothing after it: «[host db1] x»");
    refused("[host db1\n", "shop.ini:1: a section is [kind] or [kind name], and nothing after it: «[host db1»");
    refused("name = x\n", "shop.ini:1: \"name\" stands before any [section]");
    refused("[cluster]\nname\n", "shop.ini:2: neither [section] nor key = value: «name»");
    refused("[cluster]\n= x\n", "shop.ini:2: neither [section] nor key = value: «= x»");
    refused("[cluster]\nname = a\x01\n", "shop.ini:2: the line has a control character");
    refused("[cluster]\nname = a\rb\n", "shop.ini:2: the line has a control character");
    refused("[host default]\nintreface = eth0\n",
            "shop.ini:2: [host default] intreface: unknown key; did you mean \"interface\"?");
    refused("[host db1]\nserverport = 1\n",
            "shop.ini:2: [host db1] serverport: unknown key; did you mean \"server_port\"?");
    refused("[role reader]\nadress = 1\n",
            "shop.ini:2: [role reader] adress: unknown key; did you mean \"addresses\"?");
    refused("[tls]\nverify_everything = 1\n",
            "shop.ini:2: [tls] verify_everything: unknown key; known: ca, certificate, key");
    refused("[cluster]\nserver_port = 1\n",
            "shop.ini:2: [cluster] server_port: unknown key; it belongs in [host NAME]");
    refused("[lease]\nlength = 5s\nlength = 6s\n", "shop.ini:3: [lease] length: stands twice, first in line 2");
    refused("[role r]\naddresses = 10.0.0.1\nips = 10.0.0.2\n",
            "shop.ini:3: [role r] ips: stands twice, first in line 2");
    refused("[host default]\naddress = 10.0.0.1\n",
            "shop.ini:2: [host default] address: every host has its own; it cannot stand in the template");
}

static void a_wrong_value_is_named_with_its_place(void **state) {
    (void)state;
    refused("[cluster]\nname =\n", "shop.ini:2: [cluster] name: has no value");
    refused("[cluster]\nname = a b\n", "shop.ini:2: [cluster] name: «a b» is not a name: at most 63 letters, digits, - "
                                       "_ . with a letter or digit first");
    refused("[cluster]\ndurability = losless\n",
            "shop.ini:2: [cluster] durability: unknown word \"losless\"; did you mean \"lossless\"?");
    refused("[cluster]\nlast_resort = explode\n",
            "shop.ini:2: [cluster] last_resort: unknown word \"explode\"; known: kill, none");
    refused("[monitor]\nport = 0\n", "shop.ini:2: [monitor] port: «0» is not a number from 1 to 65535");
    refused("[health]\nflap_count = 16\n", "shop.ini:2: [health] flap_count: «16» is not a number from 1 to 15");
    refused("[monitor]\nport = 65536\n", "shop.ini:2: [monitor] port: «65536» is not a number from 1 to 65535");
    refused("[monitor]\nport = -1\n", "shop.ini:2: [monitor] port: «-1» is not a number from 1 to 65535");
    refused("[monitor]\nport = 0x10\n", "shop.ini:2: [monitor] port: «0x10» is not a number from 1 to 65535");
    refused("[monitor]\nport = 99999999999999999999999\n",
            "shop.ini:2: [monitor] port: «99999999999999999999999» is not a number from 1 to 65535");
    refused("[monitor]\nsocket = monitor.sock\n",
            "shop.ini:2: [monitor] socket: not an absolute path: it must start with /");
    refused("[replication]\npassword_file = s3cret\n", /* said without repeating it */
            "shop.ini:2: [replication] password_file: not an absolute path: it must start with /");
    refused("[monitor]\naddress = mon.example\n",
            "shop.ini:2: [monitor] address: «mon.example» is not an IP address (names are not looked up)");
    refused("[monitor]\naddress = 0.0.0.0\n",
            "shop.ini:2: [monitor] address: «0.0.0.0» is not the address of one machine");
    refused("[monitor]\naddress = 10.0.0.9, 10.0.0.10\n",
            "shop.ini:2: [monitor] address: «10.0.0.9, 10.0.0.10» is not an IP address (names are not looked up)");
    refused("[host a]\naddress = ff02::1\n",
            "shop.ini:2: [host a] address: «ff02::1» is not the address of one machine");
    refused("[host a]\naddress = ::ffff:10.0.0.1\n",
            "shop.ini:2: [host a] address: «::ffff:10.0.0.1» is an IPv4 address in disguise; write it as IPv4");
    refused("[host a]\nmode = mster\n", "shop.ini:2: [host a] mode: unknown word \"mster\"; did you mean \"master\"?");
    refused("[host a]\ninterface = averylonginterface\n",
            "shop.ini:2: [host a] interface: «averylonginterface» is not a network interface's name; see ip link");
    refused("[host a]\nserver_stop = killall mysqld; true\n",
            "shop.ini:2: [host a] server_stop: «;» has no meaning here, since the command is run without a shell; put "
            "it into a script and name that");
    refused("[replication]\nuser = two words\n", "shop.ini:2: [replication] user: «two words» has a space in it");
    refused("[role r]\nhosts = db1, db1\n", "shop.ini:2: [role r] hosts: \"db1\" is named twice");
    refused("[role r]\nhosts = db1 db2\n",
            "shop.ini:2: [role r] hosts: «db1 db2» is not a name; a list is separated by commas");
    refused("[role r]\nhosts = db1,\n", "shop.ini:2: [role r] hosts: «» is not a name; a list is separated by commas");
    refused("[role r]\nhosts = db1,,db2\n",
            "shop.ini:2: [role r] hosts: «» is not a name; a list is separated by commas");
    refused("[role r]\naddresses = 10.0.0.1/33\n",
            "shop.ini:2: [role r] addresses: «10.0.0.1/33»: the length after / must be 1 to 32");
    refused("[role r]\naddresses = 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6\n",
            "shop.ini:2: [role r] addresses: «10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.…» is not an address; "
            "a list is separated by commas");
    refused("[lease]\nlength = 5\n",
            "shop.ini:2: [lease] length: «5» has no unit that is known; write it like 500ms, 5s, 2min or 1h");
    refused("[lease]\nlength = 1999ms\n", "shop.ini:2: [lease] length: «1999ms» is not from 2s to 5min");
    refused("[lease]\nlength = 6min\n", "shop.ini:2: [lease] length: «6min» is not from 2s to 5min");
    refused("[lease]\nlength = soon\n",
            "shop.ini:2: [lease] length: «soon» is not a duration; write it like 500ms, 5s, 2min or 1h");
}

static void what_does_not_go_together_is_refused(void **state) {
    (void)state;
    refused("", "shop.ini: [cluster] name: is missing");
    refused("[cluster]\n", "shop.ini:1: [cluster] name: is missing");
    refused(CLUSTER, "shop.ini: [monitor] address: is missing");
    refused(CLUSTER MONITOR, "shop.ini: no [host NAME] has mode = master; nobody could become writer");
    refused(CLUSTER MONITOR "[host a]\nmode = master\n", "shop.ini:5: [host a] address: is missing");
    refused(CLUSTER MONITOR "[host a]\naddress = 10.0.0.1\n", "shop.ini:5: [host a] mode: is missing");
    refused(CLUSTER MONITOR DB3, "shop.ini: no [host NAME] has mode = master; nobody could become writer");
    refused(CLUSTER MONITOR DB1 "[host b]\nmode = master\naddress = 10.0.0.1\n",
            "shop.ini:10: [host b] address: 10.0.0.1 is the address of host \"db1\" already");
    refused(CLUSTER MONITOR "[host monitor]\naddress = 10.0.0.1\nmode = master\n",
            "shop.ini:5: [host monitor]: a host cannot have the monitor's name; see [monitor] name");
    refused(CLUSTER MONITOR DB1 "agent_port = 3306\n", "shop.ini:8: [host db1] agent_port: 3306 is the server's port");
    refused(CLUSTER "[monitor]\naddress = 10.0.0.1\n" DB1 "agent_port = 9988\n",
            "shop.ini:8: [host db1] agent_port: 9988 is the monitor's port on the same machine");
    refused(BASE, "shop.ini: there is no [role writer], which [cluster] writer_role names");
    refused(BASE "[role writer]\nmode = balanced\nhosts = db1\naddresses = 10.0.0.50\n",
            "shop.ini:17: [role writer] mode: the writer's role must be exclusive: one server is writable at any time");
    refused(BASE "[role writer]\nmode = exclusive\n", "shop.ini:16: [role writer] hosts: is missing");
    refused(BASE "[role writer]\nmode = exclusive\nhosts = db1, db3\n",
            "shop.ini:18: [role writer] hosts: \"db3\" is a replica, which never becomes writer; give it mode = master "
            "or take it out");
    refused(BASE "[role writer]\nmode = exclusive\nhosts = db1, dbb2\n",
            "shop.ini:18: [role writer] hosts: there is no [host dbb2]; did you mean \"db2\"?");
    refused(BASE "[role writer]\nmode = exclusive\nhosts = db1\nprefer = dbx\n",
            "shop.ini:19: [role writer] prefer: there is no [host dbx]; did you mean \"db1\"?");
    refused(BASE "[role writer]\nmode = exclusive\nhosts = db1\nprefer = db2\n",
            "shop.ini:19: [role writer] prefer: \"db2\" is not among the role's hosts");
    refused(BASE WRITER "[role reader]\nmode = balanced\nhosts = db1\naddresses = 10.0.0.51\nprefer = db1\n",
            "shop.ini:24: [role reader] prefer: only an exclusive role prefers a host");
    refused(BASE WRITER "[role reader]\nmode = balanced\nhosts = db1\n",
            "shop.ini:20: [role reader] addresses: a balanced role needs addresses: they are what is balanced");
    refused(BASE WRITER "[role reader]\nmode = balanced\nhosts = db1\naddresses = 10.0.0.50\n",
            "shop.ini:23: [role reader] addresses: 10.0.0.50 is an address of role \"writer\" already");
    refused(BASE "[role writer]\nmode = exclusive\nhosts = db1\naddresses = 10.0.0.5, 10.0.0.5/24\n",
            "shop.ini:19: [role writer] addresses: 10.0.0.5 is an address of role \"writer\" already");
    refused(BASE "[role writer]\nmode = exclusive\nhosts = db1\naddresses = 10.0.0.3/24\n",
            "shop.ini:19: [role writer] addresses: 10.0.0.3 is the own address of host \"db3\"");
    refused(BASE "[role writer]\nmode = exclusive\nhosts = db1\naddresses = 10.0.0.9/24\n",
            "shop.ini:19: [role writer] addresses: 10.0.0.9 is the monitor's address");
    refused(BASE "guard = on\n[role writer]\nmode = exclusive\nhosts = db1\n",
            "shop.ini:16: [host db3] guard: shuts every writing client out, since role \"writer\" has no addresses; "
            "give it "
            "some, or guard = off");
    refused("[host db1]\nguard = maybe\n", "shop.ini:2: [host db1] guard: unknown word \"maybe\"; known: off, on");
    refused("[host db1]\nguard_allow = 10.0.0.0/40\n",
            "shop.ini:2: [host db1] guard_allow: «10.0.0.0/40»: the length after / must be 1 to 32");
    refused(CLUSTER MONITOR DB1 DB2 WRITER,
            "shop.ini:5: [host db1] interface: is missing; role \"writer\" brings addresses here");
    refused(WHOLE "[health]\nlag_max = 3s\nlag_back = 4s\n",
            "shop.ini:26: [health] lag_back: 4s is more than lag_max, which is 3s");
    refused(WHOLE "[health]\nlag_max = 3s\n", "shop.ini:24: [health] lag_back: 5s is more than lag_max, which is 3s");
    refused(WHOLE "[tls]\nca = /a\nkey = /b\n",
            "shop.ini:24: [tls] certificate: is missing; give ca, certificate and key, or none of them");
}

static void as_many_hosts_and_addresses_as_there_is_room_for_are_read(void **state) {
    (void)state;
    char text[TEXT_SIZE] = CLUSTER MONITOR DEFAULTS "mode = master\n";
    for (int i = 0; i < HOSTS_MAX; i++)
        assert_true(text_append(text, sizeof text, "[host db%d]\naddress = 10.0.1.%d\n", i, i + 1));
    assert_true(text_append(text, sizeof text, "[role writer]\nmode = exclusive\nhosts = db0\naddresses = "));
    for (int i = 0; i < ADDRESSES_MAX; i++)
        assert_true(text_append(text, sizeof text, "%s10.0.2.%d/24", i ? ", " : "", i + 1));
    struct settings s = parse(text);
    assert_int_equal(s.cluster.host_count, HOSTS_MAX);
    assert_int_equal(s.cluster.address_count, ADDRESSES_MAX);

    assert_true(text_append(text, sizeof text, "\n[role more]\nmode = balanced\nhosts = db1\naddresses = 10.0.3.1\n"));
    refused(text, "shop.ini:79: [role more] addresses: all roles together have more than 64 addresses");
    char *more = strstr(text, "\n[role more]");
    strcpy(more, ", 10.0.3.1\n");
    refused(text, "shop.ini:75: [role writer] addresses: more than 64 addresses");
    strcpy(strstr(text, ", 10.0.3.1"), "\n[host one-more]\naddress = 10.0.4.1\n");
    refused(text, "shop.ini:76: [host one-more] is one more than the 32 there is room for");
}

static void a_lease_that_its_reports_do_not_fit_into_is_refused_with_the_numbers(void **state) {
    (void)state;
    refused(WHOLE "[lease]\nlength = 4s\nreport = 1s\n",
            "shop.ini:24: [lease]: 3 × report 1s + fence 1s + margin 500ms = 4500ms does not fit into length 4s; make "
            "length longer or the others shorter");
    refused(
        WHOLE "[lease]\nlength = 2s\n", /* report 200 ms, so 2100 ms are needed */
        "shop.ini:24: [lease]: 3 × report 200ms + fence 1s + margin 500ms = 2100ms does not fit into length 2s; make "
        "length longer or the others shorter");
    refused(WHOLE "[lease]\nreport = 1167ms\n",
            "shop.ini:24: [lease]: 3 × report 1167ms + fence 1s + margin 500ms = 5001ms does not fit into length 5s; "
            "make length longer or the others shorter");
    assert_int_equal(parse(WHOLE "[lease]\nreport = 1166ms\n").cluster.lease.report, 1166);
    assert_int_equal(parse(WHOLE "[lease]\nlength = 2s\nmargin = 400ms\n").cluster.lease.report, 200);
}

static void a_line_that_is_too_long_is_an_error_that_says_so(void **state) {
    (void)state;
    char text[TEXT_SIZE] = "[cluster]\nname = ";
    memset(text + strlen(text), 'x', 5000);
    refused(text, "shop.ini:2: the line is too long: a line, with those that continue it, has at most 4095 bytes");
    strcpy(text, "[role r]\nhosts = a");
    for (int i = 0; i < 60; i++)
        assert_true(text_append(text, sizeof text, ",\n %0100d", i));
    refused(text, "shop.ini:43: the line is too long: a line, with those that continue it, has at most 4095 bytes");
}

static void a_name_fills_its_room_and_no_more(void **state) {
    (void)state;
    char text[TEXT_SIZE], name[NAME_SIZE + 1];
    memset(name, 'n', NAME_SIZE);
    name[NAME_SIZE] = 0;
    snprintf(text, sizeof text, "[cluster]\nname = %s\n" MONITOR HOSTS WRITER, name + 1);
    assert_string_equal(parse(text).cluster.name, name + 1);
    snprintf(text, sizeof text, "[cluster]\nname = %s\n", name);
    struct settings settings;
    assert_int_equal(config_parse("f", text, &settings, NULL), RC_INVALID);
    snprintf(text, sizeof text, "[host %s]\n", name);
    assert_int_equal(config_parse("f", text, &settings, NULL), RC_INVALID);
}

static void a_fence_program_is_named_by_its_absolute_path_and_without_a_shell(void **state) {
    (void)state;
    refused(
        CLUSTER MONITOR
        "[host db1]\naddress = 10.0.0.1\nmode = master\ninterface = eth0\nfence = ipmitool power off\n" WRITER_OF_DB1,
        "shop.ini:9: [host db1] fence: begins with the absolute path of a program: /usr/local/sbin/mmm-power-off");
    refused(
        "[host a]\nfence = /bin/off $MMM_HOST\n",
        "shop.ini:2: [host a] fence: «$» has no meaning here, since the command is run without a shell; put it into a "
        "script and name that");
    struct settings s =
        parse(CLUSTER MONITOR "[host default]\ninterface = eth0\nfence = /bin/off\nfence_timeout = 3s\n" DB1
                              "[host db2]\naddress = 10.0.0.2\nmode = master\nfence =\n" WRITER);
    assert_true(s.cluster.hosts[0].has_fence);
    assert_int_equal(s.cluster.hosts[0].fence_timeout, 3000);
    assert_string_equal(s.hosts[0].fence, "/bin/off");
    assert_false(s.cluster.hosts[1].has_fence);
}

static void a_socket_path_longer_than_the_kernel_takes_is_refused(void **state) {
    (void)state;
    char text[TEXT_SIZE];
    snprintf(text, sizeof text, "[monitor]\nsocket = /%0107d\n", 0);
    refused(text, "shop.ini:2: [monitor] socket: longer than the 107 bytes there is room for");
}

/* ---- hostile text: whatever it is, the answer is an error or settings, never a crash ---- */

static uint64_t random_state = 20261122;

static uint32_t next_random(uint32_t below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

static void damage(char *text, size_t length) {
    static const char spice[] = "[]=,;#\n\r\t \"%/\\\x01\xff-.:0a";
    for (uint32_t i = next_random(8) + 1; i > 0; i--) {
        size_t at = next_random((uint32_t)length);
        switch (next_random(3)) {
        case 0:
            text[at] = spice[next_random(sizeof spice - 1)];
            break;
        case 1:
            memmove(text + at, text + at + 1, length - at); /* the final zero moves along */
            length--;
            break;
        case 2:
            text[at] = text[next_random((uint32_t)length)];
            break;
        }
    }
}

static void a_damaged_file_is_read_or_refused_with_a_reason(void **state) {
    (void)state;
    const char *whole = read_text(MMM_SOURCE_ROOT "/docs/examples/shop.ini");
    size_t length = strlen(whole);
    char *text = malloc(length + 1);
    unsigned refusals = 0;
    for (int round = 0; round < 5000; round++) {
        strcpy(text, whole);
        damage(text, length);
        struct settings settings;
        struct reason why = { "" };
        if (!config_parse("shop.ini", text, &settings, &why))
            continue;
        refusals++;
        assert_true(text_starts_with(why.text, "shop.ini:"));
    }
    free(text);
    assert_in_range(refusals, 1000, 4999);
}

static void a_file_cut_anywhere_is_read_or_refused_with_a_reason(void **state) {
    (void)state;
    char text[] = WHOLE;
    for (size_t length = sizeof text - 1; length > 0; length--) {
        text[length] = 0;
        struct settings settings;
        struct reason why = { "" };
        if (config_parse("shop.ini", text, &settings, &why))
            assert_true(text_starts_with(why.text, "shop.ini:"));
    }
}

static void settings_stay_untouched_when_the_file_is_refused(void **state) {
    (void)state;
    struct settings settings, before;
    memset(&settings, 0x5a, sizeof settings);
    before = settings;
    assert_int_equal(config_parse("f", WHOLE "[lease]\nlength = 2s\n", &settings, NULL), RC_INVALID);
    assert_memory_equal(&settings, &before, sizeof settings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_or_repeated_section_or_key_is_named_with_its_place),
        cmocka_unit_test(a_wrong_value_is_named_with_its_place),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(as_many_hosts_and_addresses_as_there_is_room_for_are_read),
        cmocka_unit_test(a_lease_that_its_reports_do_not_fit_into_is_refused_with_the_numbers),
        cmocka_unit_test(a_line_that_is_too_long_is_an_error_that_says_so),
        cmocka_unit_test(a_name_fills_its_room_and_no_more),
        cmocka_unit_test(a_fence_program_is_named_by_its_absolute_path_and_without_a_shell),
        cmocka_unit_test(a_socket_path_longer_than_the_kernel_takes_is_refused),
        cmocka_unit_test(a_damaged_file_is_read_or_refused_with_a_reason),
        cmocka_unit_test(a_file_cut_anywhere_is_read_or_refused_with_a_reason),
        cmocka_unit_test(settings_stay_untouched_when_the_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
