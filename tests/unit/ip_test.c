/* IP and Ethernet addresses: reading, printing, comparing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/ip.h"

enum { ROUNDS = 20000 };

static uint64_t random_state = 20261122;

static uint32_t next_random(uint32_t below) {
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

static void assert_reads(const char *text, int family, const char *printed) {
    struct ip ip;
    struct reason why = { "" };
    if (ip_parse(text, &ip, &why))
        fail_msg("%s", why.text);
    assert_int_equal(ip.family, family);
    char again[IP_TEXT_MAX];
    ip_format(&ip, again);
    assert_string_equal(again, printed);
}

static void addresses_of_both_families_are_read(void **state) {
    (void)state;
    assert_reads("10.77.0.50", 4, "10.77.0.50");
    assert_reads("0.0.0.0", 4, "0.0.0.0");
    assert_reads("255.255.255.255", 4, "255.255.255.255");
    assert_reads("::", 6, "::");
    assert_reads("::1", 6, "::1");
    assert_reads("2001:DB8:0:0::50", 6, "2001:db8::50");
    assert_reads("2001:0db8:0000:0000:0000:0000:0000:0050", 6, "2001:db8::50");
    assert_reads("::ffff:255.255.255.255", 6, "::ffff:255.255.255.255");
    assert_reads("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void what_is_no_address_is_refused_and_changes_nothing(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "10.77.0",
        "10.77.0.",
        "10.77.0.256",
        "10.77.0.1.2",
        "10.77.0.-1",
        "0x0a.0.0.1",
        "10.77.0.1 ",
        " 10.77.0.1",
        "10.77.0.1\n",
        "167772161",
        "localhost",
        "db1",
        "10.77.0.1/24",
        ":",
        ":::",
        "1::2::3",
        "fe80::1%eth0",
        "g::1",
        "12345::1",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "[::1]",
        "::1 ",
        "\xff\xfe",
        "10.77.0.1;drop",
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000.0.0.1",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct ip ip = { .family = 77 };
        struct reason why = { "" };
        if (ip_parse(texts[i], &ip, &why) != RC_INVALID)
            fail_msg("accepted: «%s»", texts[i]);
        assert_int_equal(ip.family, 77);
        assert_true(why.text[0] != 0);
    }
}

static void a_length_is_read_and_has_the_full_one_as_its_default(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int prefix;
    } cases[] = {
        { "10.77.0.50/24", 24 }, { "10.77.0.50/1", 1 },     { "10.77.0.50/32", 32 },     { "10.77.0.50", 32 },
        { "2001:db8::50", 128 }, { "2001:db8::50/64", 64 }, { "2001:db8::50/128", 128 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ip ip, alone;
        uint8_t prefix;
        char address[IP_TEXT_MAX] = "";
        memcpy(address, cases[i].text, strcspn(cases[i].text, "/"));
        assert_int_equal(ip_parse(address, &alone, NULL), RC_OK);
        assert_int_equal(ip_parse_prefix(cases[i].text, &ip, &prefix, NULL), RC_OK);
        assert_int_equal(prefix, cases[i].prefix);
        assert_true(ip_equal(&ip, &alone));
    }
}

static void a_length_that_is_none_is_refused_and_changes_nothing(void **state) {
    (void)state;
    static const char *const texts[] = {
        "10.77.0.50/",
        "10.77.0.50/0",
        "10.77.0.50/33",
        "10.77.0.50/-1",
        "10.77.0.50/24x",
        "10.77.0.50/24/24",
        "10.77.0.50/255.255.255.0",
        "10.77.0.50/0x18",
        "10.77.0.50/99999999999999999999",
        "10.77.0.50/4294967320",
        "2001:db8::1/129",
        "2001:db8::1/0",
        "/24",
        "",
        "10.77.0/24",
        "10.77.0.50 /24",
        "10.77.0.50/24 ",
        "10.77.0.50/ 24",
        "10.77.0.50/+24",
        "10.77.0.50/\t24",
        "2001:0db8:0000:0000:0000:0000:0000:0050:2001:0db8:0000/64",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct ip ip = { .family = 77 };
        uint8_t prefix = 77;
        if (ip_parse_prefix(texts[i], &ip, &prefix, NULL) != RC_INVALID)
            fail_msg("accepted: «%s»", texts[i]);
        assert_int_equal(ip.family, 77);
        assert_int_equal(prefix, 77);
    }
}

static void what_is_printed_reads_back_as_the_same(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct ip ip = { .family = next_random(2) ? 6 : 4 }, again;
        for (int i = 0; i < (ip.family == 6 ? 16 : 4); i++)
            ip.bytes[i] = next_random(3) ? (uint8_t)next_random(256) : 0;
        char text[IP_TEXT_MAX];
        ip_format(&ip, text);
        assert_int_equal(ip_parse(text, &again, NULL), RC_OK);
        assert_true(ip_equal(&ip, &again));
    }
}

static void addresses_are_equal_only_within_their_family(void **state) {
    (void)state;
    struct ip zero4, zero6, one, none = { 0 };
    assert_int_equal(ip_parse("0.0.0.0", &zero4, NULL), RC_OK);
    assert_int_equal(ip_parse("::", &zero6, NULL), RC_OK);
    assert_int_equal(ip_parse("0.0.0.1", &one, NULL), RC_OK);
    assert_true(ip_equal(&zero4, &zero4));
    assert_false(ip_equal(&zero4, &zero6));
    assert_false(ip_equal(&zero4, &one));
    assert_false(ip_equal(&zero4, &none));
    char text[IP_TEXT_MAX];
    ip_format(&none, text);
    assert_string_equal(text, "none");
}

static void ethernet_addresses_are_read_and_printed(void **state) {
    (void)state;
    struct mac mac, again;
    char text[MAC_TEXT_MAX];
    assert_int_equal(mac_parse("02:Aa:bB:00:0f:FF", &mac, NULL), RC_OK);
    mac_format(&mac, text);
    assert_string_equal(text, "02:aa:bb:00:0f:ff");
    assert_false(mac_is_zero(&mac));
    assert_int_equal(mac_parse("00:00:00:00:00:00", &again, NULL), RC_OK);
    assert_true(mac_is_zero(&again));
    assert_false(mac_equal(&mac, &again));
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 6; i++)
            mac.bytes[i] = (uint8_t)next_random(256);
        mac_format(&mac, text);
        assert_int_equal(mac_parse(text, &again, NULL), RC_OK);
        assert_true(mac_equal(&mac, &again));
    }
}

static void what_is_no_ethernet_address_is_refused_and_changes_nothing(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "02",
        "02:aa:bb:00:0f",
        "02:aa:bb:00:0f:",
        "02:aa:bb:00:0f:f",
        "02:aa:bb:00:0f:ff:00",
        "02:aa:bb:00:0f:fff",
        "2:aa:bb:0:f:ff",
        "02-aa-bb-00-0f-ff",
        "02aabb000fff",
        "0g:aa:bb:00:0f:ff",
        "02:aa:bb:00:0f:ff ",
        "+1:+2:+3:+4:+5:+6",
        " 2: 2: 2: 2: 2: 2",
        "0x:0x:0x:0x:0x:0x",
        "2:aa:bb:00:0f:ff:",
        "\xff",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct mac mac = { { 7, 7, 7, 7, 7, 7 } }, before = mac;
        if (mac_parse(texts[i], &mac, NULL) != RC_INVALID)
            fail_msg("accepted: «%s»", texts[i]);
        assert_true(mac_equal(&mac, &before));
    }
}

static void hostile_text_is_refused_or_reads_back_as_the_same(void **state) {
    (void)state;
    static const char letters[] = "0125.:.:fF/ %x\xff";
    unsigned accepted = 0;
    for (int round = 0; round < ROUNDS * 20; round++) {
        char text[24], printed[IP_TEXT_MAX];
        size_t length = next_random(sizeof text);
        for (size_t i = 0; i < length; i++)
            text[i] = letters[next_random(next_random(8) ? 8 : sizeof letters - 1)];
        text[length] = 0;
        struct ip ip, again;
        uint8_t prefix = 0;
        if (ip_parse_prefix(text, &ip, &prefix, NULL))
            continue;
        accepted++;
        assert_in_range(prefix, 1, ip.family == 6 ? 128 : 32);
        ip_format(&ip, printed);
        assert_int_equal(ip_parse(printed, &again, NULL), RC_OK);
        assert_true(ip_equal(&ip, &again));
    }
    assert_true(accepted > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_both_families_are_read),
        cmocka_unit_test(what_is_no_address_is_refused_and_changes_nothing),
        cmocka_unit_test(a_length_is_read_and_has_the_full_one_as_its_default),
        cmocka_unit_test(a_length_that_is_none_is_refused_and_changes_nothing),
        cmocka_unit_test(what_is_printed_reads_back_as_the_same),
        cmocka_unit_test(addresses_are_equal_only_within_their_family),
        cmocka_unit_test(ethernet_addresses_are_read_and_printed),
        cmocka_unit_test(what_is_no_ethernet_address_is_refused_and_changes_nothing),
        cmocka_unit_test(hostile_text_is_refused_or_reads_back_as_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
