/* ARP and neighbour discovery: packets from anybody on the link. */
#include "fuzz.h"

#include "effect/netlink/neighbours.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct mac from = { { 2, 0, 0, 0, 0, 1 } };
    uint8_t *packet = fuzz_bytes(data, size);
    struct ip ip;
    struct mac mac;
    if (neighbours_read_arp(packet, size, &ip, &mac))
        assert(ip.family == 4 && size >= 28);
    if (neighbours_read_advertisement(packet, size, &from, &ip, &mac))
        assert(ip.family == 6 && size >= 64);
    free(packet);
    return 0;
}
