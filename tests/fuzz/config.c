/* The configuration file: what is accepted is complete, and what is refused says where and leaves nothing behind. */
#include "fuzz.h"

#include "base/text.h"
#include "config/config.h"

static bool is_filled_with(const struct settings *settings, int byte) {
    const unsigned char *bytes = (const unsigned char *)settings;
    for (size_t i = 0; i < sizeof *settings; i++)
        if (bytes[i] != byte)
            return false;
    return true;
}

static void check_accepted(const struct settings *settings) {
    const struct cluster *cluster = &settings->cluster;
    const struct lease_spec *lease = &cluster->lease;
    assert(cluster->name[0] && cluster_writer_role(cluster) >= 0);
    assert(cluster->host_count > 0 && cluster->host_count <= HOSTS_MAX);
    assert(cluster->role_count > 0 && cluster->role_count <= ROLES_MAX);
    assert(cluster->address_count >= 0 && cluster->address_count <= ADDRESSES_MAX);
    assert(3 * lease->report + lease->fence + lease->margin <= lease->length);
    for (int i = 0; i < cluster->address_count; i++)
        assert(cluster->addresses[i].role >= 0 && cluster->addresses[i].role < cluster->role_count);
    for (int i = 0; i < cluster->host_count; i++)
        assert(cluster_host(cluster, cluster->hosts[i].name) == i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct settings settings;
    char *text = fuzz_text(data, size);
    struct reason why = { "" };
    memset(&settings, 0xa5, sizeof settings);
    enum rc rc = config_parse("mmm.ini", text, &settings, &why);
    if (rc == RC_OK) {
        check_accepted(&settings);
    } else {
        assert(text_starts_with(why.text, "mmm.ini"));
        assert(is_filled_with(&settings, 0xa5));
    }
    free(text);
    return 0;
}
