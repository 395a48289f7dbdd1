/* Were two hosts writable at one time?  Pure, fed with what probers saw.
 *
 * A probe that a host acknowledged says: the host was writable at some instant between its sending and its answer;
 * which instant, nobody can know from outside.  A run is a series of acknowledged probes of one host in the order of
 * sending that is not broken by
 *   - the host's own word that it is read-only (errors 1290, 1792, 1836), or
 *   - RUN_GAP without an acknowledgement (a host that one prober cannot reach may go on for another: silence alone is
 * no evidence, so only a long one ends a run). Within a run the host is taken to have been writable all the time.  So
 * it surely was from the first probe's ANSWERED to the last one's SENT (the run's core), and perhaps from the first
 * one's SENT to the last one's ANSWERED.
 *
 * Proven overlap of hosts A and B: their cores intersect, or an acknowledged probe of one lies wholly within the core
 * of the other: A acknowledged, then B acknowledged a probe that was sent after that, then A acknowledged one that was
 * sent after B's answer.  Its length is the hull of all that.  A switchover, however quick, is 0: every probe that the
 * old writer acknowledged was sent before it gave up, so before the new one could answer any. The other way round, a
 * real overlap that lasts longer than two probe periods and two answers is always seen.
 *
 * at_most is the same for the spans that are only possible; it is there to show how sharp the measurement was. */
#ifndef MMM_BENCH_OVERLAP_H
#define MMM_BENCH_OVERLAP_H

#include <stddef.h>
#include <stdio.h>

#include "client.h"

enum { PROBED_HOSTS_MAX = 16, OVERLAPS_MAX = 100, HOST_NAME_SIZE = 32, RUN_GAP = 1000 * 1000 /* microseconds */ };

struct probe_result {
    usec sent;
    usec answered;
    enum outcome outcome;
    unsigned error;
};

struct probed_host {
    char name[HOST_NAME_SIZE];
    struct probe_result *probes; /* malloced; in the order of sending once overlap_find has sorted them */
    size_t count, room;
};

struct probed {
    struct probed_host hosts[PROBED_HOSTS_MAX];
    int host_count;
};

struct overlap {
    int a, b; /* indices of hosts */
    usec from, to;
};

struct overlaps {
    size_t count; /* the first OVERLAPS_MAX are in list */
    usec proven;  /* summed over the pairs of hosts */
    usec at_most;
    struct overlap list[OVERLAPS_MAX];
};

/* False when there are too many hosts. */
bool probed_add(struct probed *probed, const char *host, const struct probe_result *probe);
void probed_done(struct probed *probed);
void overlap_find(struct probed *probed, struct overlaps *ret_overlaps);
/* One line of JSON; times in milliseconds, two_writable_ms rounded up, so that it is 0 only when nothing was proven. */
void overlap_print(const struct probed *probed, const struct overlaps *overlaps, FILE *out);

/* A line of the prober's log: host, sent, answered, outcome, error, separated by blanks. */
void probe_print(const char *host, const struct probe_result *probe, FILE *out);
bool probe_parse(const char *line, char ret_host[static HOST_NAME_SIZE], struct probe_result *ret_probe);

#endif
