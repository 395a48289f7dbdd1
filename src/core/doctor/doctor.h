/* What is wrong with the settings of a cluster, and what to type: `mmm doctor`.
 *
 *   rules.c    the table: each row a fact that must not be so, its danger, its fix
 *   tests.c    the conditions that rows use
 *   doctor.c   facts through the table, and texts with names filled in
 *
 * A fact that is not known fires nothing by itself: what could not be looked at is a finding of its own (X18). */
#ifndef MMM_CORE_DOCTOR_DOCTOR_H
#define MMM_CORE_DOCTOR_DOCTOR_H

#include "model/cluster.h"
#include "model/facts.h"

/* danger: acknowledged writes can be lost, two hosts can write, or a failover will not work.  warning: it will hurt on
 * the day of a failure.  note: known, and may be meant so. */
enum doctor_level { DOCTOR_DANGER, DOCTOR_WARNING, DOCTOR_NOTE, DOCTOR_LEVEL_COUNT };

enum doctor_family { ON_MARIADB = 1, ON_MYSQL = 2, ON_BOTH = 3 };

/* Whom a row is for; of the bits that say who, one. */
enum doctor_scope {
    OF_CLUSTER = 1,
    OF_HOST = 2,
    OF_MASTER = 4,
    OF_REPLICA = 8,
    OF_WRITER = 16,
    OF_STANDBY = 32,      /* a host that is not the writer, while there is one */
    OF_PAIR = 64,         /* a host and one that stands before it in the file, both with the fact */
    IF_LOSSLESS = 128,    /* only with durability = lossless */
    IF_ASYNCHRONOUS = 256 /* only without */
};

struct doctor_case;

struct doctor_row {
    const char *rule;
    enum doctor_level level;
    unsigned family; /* set of enum doctor_family */
    unsigned scope;  /* set of enum doctor_scope */
    bool (*when)(const struct doctor_row *row, const struct doctor_case *c);
    const char *fact; /* a name; «a|b»: the first of them that is known; «reach.*.agent»: each that is there */
    const char *want; /* what it is compared with, «a|b»: either */
    /* {value} {want} {host} {address} {peer} {client} (the family's client, and its service), {name} (what «*» stands
     * for), {a.b}: the fact of this name, of the host or of the cluster. */
    const char *what, *danger, *fix;
};

struct doctor_case {
    const struct cluster *cluster;
    const struct facts *facts;      /* the host's; the cluster's for OF_CLUSTER */
    const struct facts *of_cluster; /* configuration, monitor */
    const struct facts *of_peer;    /* OF_PAIR */
    int host, peer;                 /* HOST_NONE */
    const char *value;              /* NULL: not known */
    char name[FACT_NAME_SIZE];      /* what «*» stands for, else empty */
};

struct doctor_input {
    const struct cluster *cluster;
    int writer; /* HOST_NONE: nobody, or not known */
    const struct facts *of_cluster;
    const struct facts *of_hosts[HOSTS_MAX]; /* never NULL for a host of the cluster */
};

enum { FINDINGS_MAX = 512, FINDING_TEXT_SIZE = 640 };

struct finding {
    const struct doctor_row *row;
    int host; /* HOST_NONE: the cluster */
    char what[FINDING_TEXT_SIZE];
    char danger[FINDING_TEXT_SIZE];
    char fix[FINDING_TEXT_SIZE];
};

/* Grouped by host, the host with the worst first, each host's worst first.  Returns how many there are; what is beyond
 * FINDINGS_MAX is left out. */
size_t doctor_examine(const struct doctor_input *input, struct finding ret_findings[static FINDINGS_MAX]);

const struct doctor_row *doctor_table(size_t *ret_count);
const char *doctor_level_name(enum doctor_level level);
/* Does a row look at var.NAME, start.NAME or status.NAME?  What an agent has to tell. */
bool doctor_wants(const char *kind, const char *name);
/* Does a row look for this in a list? */
bool doctor_wants_item(const char *fact, const char *item);

/* tests.c: conditions. */
bool is_other(const struct doctor_row *row, const struct doctor_case *c); /* known, and none of want */
bool is_one_of(const struct doctor_row *row, const struct doctor_case *c);
bool is_there(const struct doctor_row *row, const struct doctor_case *c); /* known, and not empty */
bool is_not_there(const struct doctor_row *row, const struct doctor_case *c);
bool is_below(const struct doctor_row *row, const struct doctor_case *c);
bool is_between(const struct doctor_row *row, const struct doctor_case *c);
bool is_above(const struct doctor_row *row, const struct doctor_case *c); /* in either direction from 0 */
bool is_beyond_or_none(const struct doctor_row *row, const struct doctor_case *c);
bool lacks(const struct doctor_row *row, const struct doctor_case *c); /* a list without any item of want */
bool is_not_started_so(const struct doctor_row *row, const struct doctor_case *c);
bool is_changed_by_a_start(const struct doctor_row *row, const struct doctor_case *c);
bool is_the_same_there(const struct doctor_row *row, const struct doctor_case *c);
bool is_another_there(const struct doctor_row *row, const struct doctor_case *c);
bool is_not_as_here(const struct doctor_row *row, const struct doctor_case *c);
bool is_beside_a_master(const struct doctor_row *row, const struct doctor_case *c);
bool is_alone(const struct doctor_row *row, const struct doctor_case *c);
bool is_tight(const struct doctor_row *row, const struct doctor_case *c);
bool has_more_masters_than_acknowledge(const struct doctor_row *row, const struct doctor_case *c);
bool is_without_last_resort(const struct doctor_row *row, const struct doctor_case *c);
bool lacks_ipv6(const struct doctor_row *row, const struct doctor_case *c);
bool answers_on_all_interfaces(const struct doctor_row *row, const struct doctor_case *c);
bool listens_elsewhere(const struct doctor_row *row, const struct doctor_case *c);
bool listens_to_itself(const struct doctor_row *row, const struct doctor_case *c);

#endif
