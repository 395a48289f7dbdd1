/* What the configuration names, on the wire: hosts by name, role addresses as text, positions as the servers write
 * them. Two machines whose files list the hosts in another order still mean the same. */
#ifndef MMM_WIRE_NAMES_H
#define MMM_WIRE_NAMES_H

#include "model/cluster.h"
#include "model/gtid.h"
#include "wire/json.h"

/* The role address with this IP address, or -1. */
int cluster_address_at(const struct cluster *cluster, const struct ip *ip);

void put_host(json_t *object, const char *name, const struct cluster *cluster, int host); /* HOST_NONE: null */
void put_hosts(json_t *object, const char *name, const struct cluster *cluster, host_set hosts);
void put_address(json_t *object, const char *name, const struct cluster *cluster, int address);
void put_addresses(json_t *object, const char *name, const struct cluster *cluster, address_set addresses);
void put_position(json_t *object, const char *name, const struct gtid_position *position);
void put_ip(json_t *object, const char *name, const struct ip *ip); /* family 0: null */
void put_mac(json_t *object, const char *name, const struct mac *mac);
void put_wall(json_t *object, const char *name, msec wall); /* as ISO text; 0: null */

/* A name that the configuration does not have is wrong, and so is one that is given twice. */
int field_host(const struct fields *fields, const char *name, const struct cluster *cluster);
int field_host_or_none(const struct fields *fields, const char *name, const struct cluster *cluster);
host_set field_hosts(const struct fields *fields, const char *name, const struct cluster *cluster);
int field_address(const struct fields *fields, const char *name, const struct cluster *cluster);
address_set field_addresses(const struct fields *fields, const char *name, const struct cluster *cluster);
struct gtid_position field_position(const struct fields *fields, const char *name);
struct ip field_ip_or_none(const struct fields *fields, const char *name);
struct mac field_mac(const struct fields *fields, const char *name);

#endif
