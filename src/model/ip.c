#include "model/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rc ip_parse(const char *text, struct ip *ret_ip, struct reason *ret_why) {
    struct ip ip = { .family = strchr(text, ':') ? 6 : 4 };
    if (inet_pton(ip.family == 6 ? AF_INET6 : AF_INET, text, ip.bytes) != 1)
        return FAIL(RC_INVALID, ret_why, "«%.60s» is not an IP address (names are not looked up)", text);
    *ret_ip = ip;
    return RC_OK;
}

enum rc ip_parse_prefix(const char *text, struct ip *ret_ip, uint8_t *ret_prefix, struct reason *ret_why) {
    char address[IP_TEXT_MAX];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    if (length >= sizeof address)
        return FAIL(RC_INVALID, ret_why, "«%.60s» is not an IP address", text);
    memcpy(address, text, length);
    address[length] = 0;
    struct ip ip;
    enum rc rc = ip_parse(address, &ip, ret_why);
    if (rc)
        return rc;
    long longest = ip.family == 6 ? 128 : 32, prefix = longest;
    if (slash) {
        char *end;
        prefix = strtol(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end || prefix < 1 || prefix > longest)
            return FAIL(RC_INVALID, ret_why, "«%.60s»: the length after / must be 1 to %ld", text, longest);
    }
    *ret_ip = ip;
    *ret_prefix = (uint8_t)prefix;
    return RC_OK;
}

void ip_format(const struct ip *ip, char ret_text[static IP_TEXT_MAX]) {
    if (!ip->family || !inet_ntop(ip->family == 6 ? AF_INET6 : AF_INET, ip->bytes, ret_text, IP_TEXT_MAX))
        strcpy(ret_text, "none");
}

bool ip_equal(const struct ip *a, const struct ip *b) {
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

enum rc mac_parse(const char *text, struct mac *ret_mac, struct reason *ret_why) {
    struct mac mac;
    int used = 0;
    uint8_t *b = mac.bytes;
    /* sscanf also takes white space, signs and «0x», so the letters are checked first. */
    if (strspn(text, "0123456789abcdefABCDEF:") != MAC_TEXT_MAX - 1 || text[MAC_TEXT_MAX - 1] ||
        sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", b, b + 1, b + 2, b + 3, b + 4, b + 5, &used) != 6 ||
        used != MAC_TEXT_MAX - 1)
        return FAIL(RC_INVALID, ret_why, "«%.40s» is not an Ethernet address", text);
    *ret_mac = mac;
    return RC_OK;
}

void mac_format(const struct mac *mac, char ret_text[static MAC_TEXT_MAX]) {
    const uint8_t *b = mac->bytes;
    snprintf(ret_text, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

bool mac_equal(const struct mac *a, const struct mac *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool mac_is_zero(const struct mac *mac) {
    return mac_equal(mac, &(struct mac){ { 0 } });
}
