#include "effect/machine/machine.h"

#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/rc.h"
#include "base/text.h"

static void put_number_fact(struct facts *facts, const char *name, unsigned long long value) {
    char text[24];
    snprintf(text, sizeof text, "%llu", value);
    (void)facts_put(facts, name, text);
}

/* ---- disks ---- */

/* The folder of a path as the process sees it (systemd gives a server a /tmp of its own), else as we do. */
static bool look_at_disk(pid_t pid, const char *path, struct statvfs *ret_room) {
    char folder[PATH_MAX], seen[PATH_MAX];
    TEXT_COPY(folder, path);
    for (int tries = 0; tries < 2; tries++) {
        snprintf(seen, sizeof seen, "/proc/%d/root%s", (int)pid, folder);
        if (pid && statvfs(seen, ret_room) == 0)
            return true;
        if (statvfs(folder, ret_room) == 0)
            return true;
        /* The base name of a log is no file: its folder is. */
        char *slash = strrchr(folder, '/');
        if (!slash || slash == folder)
            return false;
        *slash = 0;
    }
    return false;
}

static void look_at_named_disk(pid_t pid, const char *name, struct facts *facts) {
    char fact[FACT_NAME_SIZE];
    snprintf(fact, sizeof fact, "disk.%s.path", name);
    const char *path = facts_get(facts, fact);
    struct statvfs room;
    if (!path || path[0] != '/')
        return;
    if (!look_at_disk(pid, path, &room) || room.f_blocks == 0) {
        snprintf(fact, sizeof fact, "failed.disk-%s", name);
        (void)facts_put(facts, fact, strerror(errno));
        return;
    }
    snprintf(fact, sizeof fact, "disk.%s.free_percent", name);
    put_number_fact(facts, fact, (unsigned long long)room.f_bavail * 100 / room.f_blocks);
    snprintf(fact, sizeof fact, "disk.%s.free_mb", name);
    put_number_fact(facts, fact, ((unsigned long long)room.f_bavail * room.f_frsize) >> 20);
}

void machine_disks(pid_t pid, struct facts *facts) {
    static const char *const names[] = { "data", "binlog", "relaylog", "tmp" };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        look_at_named_disk(pid, names[i], facts);
}

/* ---- clock ---- */

/* Reading it needs no right, but a sandbox may refuse the call: then systemd's own mark is looked for. */
void machine_clock(struct facts *facts) {
    struct timex timex = { 0 };
    if (adjtimex(&timex) >= 0)
        (void)facts_put(facts, "clock.synchronized", timex.status & STA_UNSYNC ? "0" : "1");
    else if (access("/run/systemd/timesync/synchronized", F_OK) == 0)
        (void)facts_put(facts, "clock.synchronized", "1");
}

/* ---- kernel ---- */

static void put_switch(struct facts *facts, const char *fact, const char *path) {
    FILE *file = fopen(path, "re");
    int value;
    if (file && fscanf(file, "%d", &value) == 1 && value >= 0)
        put_number_fact(facts, fact, (unsigned long long)value);
    if (file)
        fclose(file);
}

static void count_interfaces(struct facts *facts) {
    struct ifaddrs *list;
    unsigned count = 0;
    if (getifaddrs(&list) != 0)
        return;
    for (const struct ifaddrs *at = list; at; at = at->ifa_next)
        count += at->ifa_addr && at->ifa_addr->sa_family == AF_PACKET && at->ifa_flags & IFF_UP &&
                 !(at->ifa_flags & IFF_LOOPBACK);
    freeifaddrs(list);
    put_number_fact(facts, "kernel.interfaces", count);
}

void machine_kernel(const char *interface, struct facts *facts) {
    static const struct {
        const char *fact, *family, *name;
    } switches[] = {
        { "kernel.promote_secondaries", "ipv4", "promote_secondaries" },
        { "kernel.disable_ipv6", "ipv6", "disable_ipv6" },
        { "kernel.arp_ignore", "ipv4", "arp_ignore" },
    };
    char path[PATH_MAX];
    (void)facts_put(facts, "config.interface", interface);
    for (size_t i = 0; i < COUNT_OF(switches); i++) {
        snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", switches[i].family, interface, switches[i].name);
        put_switch(facts, switches[i].fact, path);
    }
    /* The kernel takes the larger of the interface's and that of all. */
    const char *own = facts_get(facts, "kernel.arp_ignore");
    if (own && text_equal(own, "0"))
        put_switch(facts, "kernel.arp_ignore", "/proc/sys/net/ipv4/conf/all/arp_ignore");
    count_interfaces(facts);
}
