#include "wire/names.h"

#include <assert.h>

int cluster_address_at(const struct cluster *cluster, const struct ip *ip) {
    for (int i = 0; i < cluster->address_count; i++)
        if (ip_equal(&cluster->addresses[i].ip, ip))
            return i;
    return -1;
}

static json_t *host_value(const struct cluster *cluster, int host) {
    if (host == HOST_NONE)
        return json_null();
    assert(host >= 0 && host < cluster->host_count);
    return text_value(cluster->hosts[host].name);
}

static json_t *ip_value(const struct ip *ip) {
    char text[IP_TEXT_MAX];
    if (!ip->family)
        return json_null();
    ip_format(ip, text);
    return text_value(text);
}

static json_t *address_value(const struct cluster *cluster, int address) {
    assert(address >= 0 && address < cluster->address_count);
    return ip_value(&cluster->addresses[address].ip);
}

void put_host(json_t *object, const char *name, const struct cluster *cluster, int host) {
    put(object, name, host_value(cluster, host));
}

void put_hosts(json_t *object, const char *name, const struct cluster *cluster, host_set hosts) {
    json_t *names = array_new();
    for (int i = 0; i < cluster->host_count; i++)
        if (set_has(hosts, i))
            array_put(names, host_value(cluster, i));
    put(object, name, names);
}

void put_address(json_t *object, const char *name, const struct cluster *cluster, int address) {
    put(object, name, address_value(cluster, address));
}

void put_addresses(json_t *object, const char *name, const struct cluster *cluster, address_set addresses) {
    json_t *texts = array_new();
    for (int i = 0; i < cluster->address_count; i++)
        if (set_has(addresses, i))
            array_put(texts, address_value(cluster, i));
    put(object, name, texts);
}

void put_position(json_t *object, const char *name, const struct gtid_position *position) {
    char text[GTID_TEXT_MAX];
    gtid_format(position, text, sizeof text);
    put_text(object, name, text);
}

void put_ip(json_t *object, const char *name, const struct ip *ip) {
    put(object, name, ip_value(ip));
}

void put_mac(json_t *object, const char *name, const struct mac *mac) {
    char text[MAC_TEXT_MAX];
    mac_format(mac, text);
    put_text(object, name, text);
}

void put_wall(json_t *object, const char *name, msec wall) {
    char text[CLOCK_TEXT_MAX] = "";
    if (wall > 0)
        clock_format(wall, text);
    put_text_or_null(object, name, text);
}

static int named_host(const struct fields *fields, const char *name, const struct cluster *cluster, const char *host) {
    int index = host ? cluster_host(cluster, host) : HOST_NONE;
    if (!host)
        field_wrong(fields, name, "must be the name of a host");
    else if (index == HOST_NONE)
        field_wrong(fields, name, "«%.63s» is not a host of cluster %s in this machine's configuration", host,
                    cluster->name);
    return index;
}

int field_host(const struct fields *fields, const char *name, const struct cluster *cluster) {
    const json_t *value = field_value(fields, name);
    return value ? named_host(fields, name, cluster, json_string_value(value)) : HOST_NONE;
}

int field_host_or_none(const struct fields *fields, const char *name, const struct cluster *cluster) {
    return field_is_there(fields, name) ? field_host(fields, name, cluster) : HOST_NONE;
}

static int named_address(const struct fields *fields, const char *name, const struct cluster *cluster,
                         const char *text) {
    struct ip ip;
    int index = text && ip_parse(text, &ip, NULL) == RC_OK ? cluster_address_at(cluster, &ip) : -1;
    if (!text)
        field_wrong(fields, name, "must be a role address");
    else if (index < 0)
        field_wrong(fields, name, "«%.45s» is not a role address of cluster %s in this machine's configuration", text,
                    cluster->name);
    return index;
}

int field_address(const struct fields *fields, const char *name, const struct cluster *cluster) {
    const json_t *value = field_value(fields, name);
    return value ? named_address(fields, name, cluster, json_string_value(value)) : -1;
}

typedef int (*find_function)(const struct fields *fields, const char *name, const struct cluster *cluster,
                             const char *text);

static uint64_t field_set(const struct fields *fields, const char *name, const struct cluster *cluster, size_t most,
                          find_function find) {
    const json_t *list = field_array(fields, name, most);
    uint64_t set = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        int member = find(fields, name, cluster, text);
        if (member < 0)
            return 0;
        if (set_has(set, member)) {
            field_wrong(fields, name, "«%.63s» stands there twice", text);
            return 0;
        }
        set |= set_of(member);
    }
    return set;
}

host_set field_hosts(const struct fields *fields, const char *name, const struct cluster *cluster) {
    return field_set(fields, name, cluster, HOSTS_MAX, named_host);
}

address_set field_addresses(const struct fields *fields, const char *name, const struct cluster *cluster) {
    return field_set(fields, name, cluster, ADDRESSES_MAX, named_address);
}

struct gtid_position field_position(const struct fields *fields, const char *name) {
    struct gtid_position position = { 0 };
    char text[GTID_TEXT_MAX];
    struct reason why = { "" };
    field_text(fields, name, text, sizeof text);
    if (gtid_parse(text, &position, &why))
        field_wrong(fields, name, "%s", why.text);
    return position;
}

struct ip field_ip_or_none(const struct fields *fields, const char *name) {
    struct ip ip = { 0 };
    char text[IP_TEXT_MAX];
    struct reason why = { "" };
    if (!field_is_there(fields, name))
        return ip;
    field_text(fields, name, text, sizeof text);
    if (!fields->decoding->rc && ip_parse(text, &ip, &why))
        field_wrong(fields, name, "%s", why.text);
    return ip;
}

struct mac field_mac(const struct fields *fields, const char *name) {
    struct mac mac = { { 0 } };
    char text[MAC_TEXT_MAX];
    struct reason why = { "" };
    field_text(fields, name, text, sizeof text);
    if (!fields->decoding->rc && mac_parse(text, &mac, &why))
        field_wrong(fields, name, "%s", why.text);
    return mac;
}
