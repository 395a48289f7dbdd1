#include "effect/rights/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"

struct right {
    int capability;
    const char *name;
    const char *without; /* what fails then */
};

/* packaging/README.md tells how each was found to be needed; packaging/mmm-agent.service has the same list. */
// clang-format off
static const struct right agent_rights[] = {
    { CAP_NET_ADMIN,       "CAP_NET_ADMIN",       "no role addresses and no guard" },
    { CAP_NET_RAW,         "CAP_NET_RAW",         "no announcement of addresses" },
    { CAP_KILL,            "CAP_KILL",            "no last resort against a server of another user" },
    { CAP_SYS_PTRACE,      "CAP_SYS_PTRACE",      "clients' connections are not closed at a fence" },
    { CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "the same for a server of another user" },
};
// clang-format on

/* A monitor listens, connects, and writes one file: nothing of that needs a right. */
static const struct right monitor_rights[] = { { -1, NULL, NULL } };

static const struct right *rows_of(enum rights_of daemon, size_t *ret_count) {
    switch (daemon) {
    case RIGHTS_OF_AGENT:
        *ret_count = COUNT_OF(agent_rights);
        return agent_rights;
    case RIGHTS_OF_MONITOR:
        *ret_count = 0;
        return monitor_rights;
    }
    *ret_count = 0;
    return monitor_rights;
}

const char *rights_name(enum rights_of daemon, size_t row) {
    size_t count;
    const struct right *rows = rows_of(daemon, &count);
    return row < count ? rows[row].name : NULL;
}

/* The kernel's two words of 32 capabilities as one number; glibc has no function for the calls. */
static bool capabilities_get(uint64_t *ret_permitted, bool *ret_inheritable) {
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
    if (syscall(SYS_capget, &head, sets) != 0)
        return false;
    *ret_permitted = (uint64_t)sets[1].permitted << 32 | sets[0].permitted;
    *ret_inheritable = sets[0].inheritable || sets[1].inheritable;
    return true;
}

static bool capabilities_set(uint64_t kept) {
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        sets[i].permitted = sets[i].effective = (uint32_t)(kept >> (32 * i));
    return syscall(SYS_capset, &head, sets) == 0;
}

/* Whoever may not drop from the bounding set has no CAP_SETPCAP, so no right to give either: with no_new_privs the set
 * then is of no use to anybody. */
static bool bounding_set_reduce(uint64_t kept, bool may_drop) {
    for (int i = 0; may_drop && prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
        if (!(kept >> i & 1) && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0)
            return false;
    return true;
}

static bool harden(void) {
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && setrlimit(RLIMIT_CORE, &none) == 0 &&
           prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0;
}

enum rc rights_reduce(enum rights_of daemon, char *ret_missing, size_t size, struct reason *ret_why) {
    size_t count;
    const struct right *rows = rows_of(daemon, &count);
    uint64_t had = 0, wanted = 0;
    bool inheritable = false;
    for (size_t i = 0; i < count; i++)
        wanted |= UINT64_C(1) << rows[i].capability;
    if (!capabilities_get(&had, &inheritable))
        return FAIL(RC_IO, ret_why, "cannot read this process's capabilities: %s", strerror(errno));
    /* Under the units there is nothing to give up, and their filter lets no capset pass.  Dumpable last: the kernel
     * looks at the flag anew when capabilities change. */
    bool is_more = (had & ~wanted) != 0 || inheritable;
    if (!harden() || !bounding_set_reduce(wanted, had >> CAP_SETPCAP & 1) ||
        (is_more && !capabilities_set(had & wanted)) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return FAIL(RC_IO, ret_why, "cannot give up the rights that are not needed: %s", strerror(errno));
    ret_missing[0] = 0;
    for (size_t i = 0; i < count; i++)
        if (!(had >> rows[i].capability & 1))
            text_append(ret_missing, size, "%s%s: %s", ret_missing[0] ? "; " : "", rows[i].name, rows[i].without);
    return RC_OK;
}
