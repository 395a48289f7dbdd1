/* Positions, addresses and durations: whatever is accepted is written and read again as the same.  And the kernel's
 * texts about a process, whose name anybody may choose. */
#include "fuzz.h"

#include <stdio.h>

#include "base/clock.h"
#include "effect/process/proc.h"
#include "model/gtid.h"
#include "model/ip.h"

static void try_position(const char *text) {
    struct gtid_position position, again;
    char written[GTID_TEXT_MAX], own[GTID_TEXT_MAX];
    if (gtid_parse(text, &position, NULL) != RC_OK)
        return;
    assert(position.count <= (position.form == GTID_SETS ? GTID_RANGES_MAX : GTID_ENTRIES_MAX));
    gtid_format(&position, written, sizeof written);
    enum rc rc = gtid_parse(written, &again, NULL);
    assert(rc == RC_OK && gtid_equal(&position, &again) && gtid_reached(&position, &again));
    assert(gtid_own(&position, &again, own, sizeof own) == 0);
    struct gtid_position nothing = { 0 };
    (void)gtid_own(&position, &nothing, own, sizeof own);
    (void)gtid_own(&position, &nothing, own, 7);
    assert(gtid_reached(&nothing, &position));
    enum { HALF = 2 };
    struct gtid_position half = position, rest = position;
    half.count = position.count / HALF;
    rest.count = 0;
    for (size_t i = half.count; i < position.count; i++) {
        bool fits = position.form == GTID_SETS ? gtid_insert(&rest, &position.ranges[i])
                                               : gtid_raise(&rest, position.entries[i]);
        assert(fits);
    }
    bool fits = gtid_add(&half, &rest);
    assert(fits && gtid_equal(&half, &position));
}

/* A process that runs is not taken for dead, whatever it calls itself. */
static void try_process(const char *text) {
    char stat[256];
    snprintf(stat, sizeof stat, "4711 (%.100s) S 1 1 1 0 -1 4194560 0 0", text);
    assert(!proc_stat_is_over(stat));
    snprintf(stat, sizeof stat, "4711 (%.100s) Z 1 1 1 0 -1 4194560 0 0", text);
    assert(proc_stat_is_over(stat));
    (void)proc_stat_is_over(text);
    (void)proc_status_is_over(text);
}

static void try_ip(const char *text) {
    struct ip ip, again;
    uint8_t prefix;
    char written[IP_TEXT_MAX];
    if (ip_parse(text, &ip, NULL) == RC_OK) {
        assert(ip.family == 4 || ip.family == 6);
        ip_format(&ip, written);
        enum rc rc = ip_parse(written, &again, NULL);
        assert(rc == RC_OK && ip_equal(&ip, &again));
    }
    if (ip_parse_prefix(text, &ip, &prefix, NULL) == RC_OK)
        assert(prefix <= (ip.family == 4 ? 32 : 128));
}

static void try_mac(const char *text) {
    struct mac mac, again;
    char written[MAC_TEXT_MAX];
    if (mac_parse(text, &mac, NULL) != RC_OK)
        return;
    mac_format(&mac, written);
    enum rc rc = mac_parse(written, &again, NULL);
    assert(rc == RC_OK && mac_equal(&mac, &again));
}

static void try_duration(const char *text) {
    msec length, again;
    char written[CLOCK_TEXT_MAX];
    if (duration_parse(text, &length, NULL) != RC_OK)
        return;
    assert(length >= 0);
    duration_format(length, written);
    /* Longer ones are written with a number that the parser finds too large to be meant. */
    const msec longest = 1000000000;
    if (length <= longest) {
        enum rc rc = duration_parse(written, &again, NULL);
        assert(rc == RC_OK && length == again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size);
    try_position(text);
    try_process(text);
    try_ip(text);
    try_mac(text);
    try_duration(text);
    free(text);
    return 0;
}
