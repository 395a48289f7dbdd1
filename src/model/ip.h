/* An IPv4 or IPv6 address, and an Ethernet address. */
#ifndef MMM_MODEL_IP_H
#define MMM_MODEL_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/reason.h"

struct ip {
    uint8_t family;    /* 4 or 6; 0: none */
    uint8_t bytes[16]; /* network order; the first four for IPv4, the rest zero, so that memcmp compares */
};

struct network {
    struct ip ip; /* bits beyond the prefix do not count */
    uint8_t prefix;
};

enum { IP_TEXT_MAX = 46, MAC_TEXT_MAX = 18 };

struct mac {
    uint8_t bytes[6];
};

enum rc ip_parse(const char *text, struct ip *ret_ip, struct reason *ret_why) NODISCARD;
/* 10.77.0.50/24; without a length the address's own full length. */
enum rc ip_parse_prefix(const char *text, struct ip *ret_ip, uint8_t *ret_prefix, struct reason *ret_why) NODISCARD;
void ip_format(const struct ip *ip, char ret_text[static IP_TEXT_MAX]);
bool ip_equal(const struct ip *a, const struct ip *b);

enum rc mac_parse(const char *text, struct mac *ret_mac, struct reason *ret_why) NODISCARD;
void mac_format(const struct mac *mac, char ret_text[static MAC_TEXT_MAX]);
bool mac_equal(const struct mac *a, const struct mac *b);
bool mac_is_zero(const struct mac *mac);

#endif
