#include "fuzz.h"

#include <stdio.h>

#include "config/config.h"

uint8_t *fuzz_bytes(const uint8_t *data, size_t size) {
    uint8_t *bytes = malloc(size ? size : 1);
    assert(bytes);
    if (size)
        memcpy(bytes, data, size);
    return bytes;
}

char *fuzz_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    assert(text);
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    return text;
}

static const char cluster_text[] = "[cluster]\n"
                                   "name = shop\n"
                                   "[monitor]\n"
                                   "address = 127.0.0.9\n"
                                   "[host default]\n"
                                   "interface = lo\n"
                                   "[host db1]\n"
                                   "address = 10.77.0.11\n"
                                   "mode = master\n"
                                   "[host db2]\n"
                                   "address = 10.77.0.12\n"
                                   "mode = master\n"
                                   "[host db3]\n"
                                   "address = 10.77.0.13\n"
                                   "mode = replica\n"
                                   "[host db4]\n"
                                   "address = fd00::14\n"
                                   "mode = replica\n"
                                   "[role writer]\n"
                                   "mode = exclusive\n"
                                   "hosts = db1, db2\n"
                                   "addresses = 10.77.0.50/24\n"
                                   "[role reader]\n"
                                   "mode = balanced\n"
                                   "hosts = db1, db2, db3, db4\n"
                                   "addresses = 10.77.0.51/24, 10.77.0.52/24, fd00::53/64\n"
                                   "[replication]\n"
                                   "user = mmm_replication\n"
                                   "password_file = /etc/mmm/replication.password\n"
                                   "[tls]\n"
                                   "ca = /etc/mmm/tls/ca.pem\n"
                                   "certificate = /etc/mmm/tls/%h.pem\n"
                                   "key = /etc/mmm/tls/%h.key\n";

const struct cluster *fuzz_cluster(void) {
    static struct settings settings;
    static bool is_read;
    struct reason why = { "" };
    if (!is_read && config_parse("fuzz.c", cluster_text, &settings, &why) != RC_OK) {
        fprintf(stderr, "%s\n", why.text);
        abort();
    }
    is_read = true;
    return &settings.cluster;
}

char *fuzz_line(char **rest) {
    return *rest && **rest ? strsep(rest, "\n") : NULL;
}

msec fuzz_pause(const char *line) {
    const msec most = SECONDS(600);
    if (line[0] != '+')
        return -1;
    long long length = strtoll(line + 1, NULL, 10);
    return length < 0 ? 0 : length > most ? most : length;
}
