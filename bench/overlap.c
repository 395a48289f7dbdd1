#include "overlap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A series of acknowledged probes: those of its host from index first to index last, failed ones between them included.
 */
struct run {
    size_t first, last;
};

struct span {
    usec from, to; /* empty when to < from */
};

static struct probed_host *host_named(struct probed *probed, const char *name) {
    for (int i = 0; i < probed->host_count; i++)
        if (text_equal(probed->hosts[i].name, name))
            return &probed->hosts[i];
    if (probed->host_count == PROBED_HOSTS_MAX)
        return NULL;
    struct probed_host *host = &probed->hosts[probed->host_count++];
    *host = (struct probed_host){ 0 };
    TEXT_COPY(host->name, name);
    return host;
}

bool probed_add(struct probed *probed, const char *name, const struct probe_result *probe) {
    struct probed_host *host = host_named(probed, name);
    if (!host)
        return false;
    if (host->count == host->room) {
        host->room = host->room ? host->room * 2 : 1024;
        host->probes = realloc(host->probes, host->room * sizeof *host->probes);
        if (!host->probes)
            abort();
    }
    host->probes[host->count++] = *probe;
    return true;
}

void probed_done(struct probed *probed) {
    for (int i = 0; i < probed->host_count; i++)
        free(probed->hosts[i].probes);
    probed->host_count = 0;
}

static int by_sent(const void *a, const void *b) {
    const struct probe_result *left = a, *right = b;
    return (left->sent > right->sent) - (left->sent < right->sent);
}

static bool says_read_only(const struct probe_result *probe) {
    return probe->outcome == OUTCOME_REFUSED && error_is_read_only(probe->error);
}

/* The next run that starts at *position or later; moves *position behind it. */
static bool next_run(const struct probed_host *host, size_t *position, struct run *ret_run) {
    size_t i = *position;
    while (i < host->count && host->probes[i].outcome != OUTCOME_OK)
        i++;
    if (i == host->count)
        return false;
    struct run run = { .first = i, .last = i };
    for (i++; i < host->count && !says_read_only(&host->probes[i]); i++) {
        if (host->probes[i].outcome != OUTCOME_OK)
            continue;
        if (host->probes[i].sent - host->probes[run.last].answered > RUN_GAP)
            break;
        run.last = i;
    }
    *position = i;
    *ret_run = run;
    return true;
}

static struct span run_core(const struct probed_host *host, const struct run *run) {
    return (struct span){ host->probes[run->first].answered, host->probes[run->last].sent };
}

static struct span run_possible(const struct probed_host *host, const struct run *run) {
    usec last = 0; /* an earlier probe may be answered later, when several probers ask */
    for (size_t i = run->first; i <= run->last; i++)
        if (host->probes[i].outcome == OUTCOME_OK && host->probes[i].answered > last)
            last = host->probes[i].answered;
    return (struct span){ host->probes[run->first].sent, last };
}

static struct span span_meet(struct span a, struct span b) {
    return (struct span){ a.from > b.from ? a.from : b.from, a.to < b.to ? a.to : b.to };
}

static bool span_is_empty(struct span span) {
    return span.to < span.from;
}

static void span_widen(struct span *hull, struct span by) {
    if (span_is_empty(*hull)) {
        *hull = by;
        return;
    }
    if (by.from < hull->from)
        hull->from = by.from;
    if (by.to > hull->to)
        hull->to = by.to;
}

/* Widens the hull by the run's acknowledged probes that lie wholly within the other host's core. */
static void widen_by_probes(struct span *hull, const struct probed_host *host, const struct run *run,
                            struct span core) {
    for (size_t i = run->first; i <= run->last; i++) {
        const struct probe_result *probe = &host->probes[i];
        if (probe->outcome == OUTCOME_OK && probe->sent >= core.from && probe->answered <= core.to)
            span_widen(hull, (struct span){ probe->sent, probe->answered });
    }
}

static struct span proven_overlap(const struct probed_host *a, const struct run *run_a, const struct probed_host *b,
                                  const struct run *run_b) {
    struct span core_a = run_core(a, run_a), core_b = run_core(b, run_b);
    struct span hull = { 0, -1 };
    if (!span_is_empty(core_a) && !span_is_empty(core_b)) {
        struct span both = span_meet(core_a, core_b);
        if (both.from < both.to)
            hull = both;
    }
    widen_by_probes(&hull, a, run_a, core_b);
    widen_by_probes(&hull, b, run_b, core_a);
    return hull;
}

static void compare_runs(const struct probed *probed, int a, const struct run *run_a, int b, const struct run *run_b,
                         struct overlaps *overlaps) {
    const struct probed_host *host_a = &probed->hosts[a], *host_b = &probed->hosts[b];
    struct span possible = span_meet(run_possible(host_a, run_a), run_possible(host_b, run_b));
    if (!span_is_empty(possible))
        overlaps->at_most += possible.to - possible.from;
    struct span proven = proven_overlap(host_a, run_a, host_b, run_b);
    if (span_is_empty(proven))
        return;
    if (proven.to == proven.from)
        proven.to++; /* it was an instant, and an instant counts */
    overlaps->proven += proven.to - proven.from;
    if (overlaps->count < OVERLAPS_MAX)
        overlaps->list[overlaps->count] = (struct overlap){ .a = a, .b = b, .from = proven.from, .to = proven.to };
    overlaps->count++;
}

static void compare_hosts(const struct probed *probed, int a, int b, struct overlaps *overlaps) {
    struct run run_a, run_b;
    for (size_t i = 0; next_run(&probed->hosts[a], &i, &run_a);)
        for (size_t j = 0; next_run(&probed->hosts[b], &j, &run_b);)
            compare_runs(probed, a, &run_a, b, &run_b, overlaps);
}

void overlap_find(struct probed *probed, struct overlaps *ret_overlaps) {
    *ret_overlaps = (struct overlaps){ 0 };
    for (int i = 0; i < probed->host_count; i++)
        qsort(probed->hosts[i].probes, probed->hosts[i].count, sizeof *probed->hosts[i].probes, by_sent);
    for (int a = 0; a < probed->host_count; a++)
        for (int b = a + 1; b < probed->host_count; b++)
            compare_hosts(probed, a, b, ret_overlaps);
}

static void host_print(const struct probed_host *host, FILE *out) {
    size_t acknowledged = 0, read_only = 0;
    for (size_t i = 0; i < host->count; i++) {
        acknowledged += host->probes[i].outcome == OUTCOME_OK;
        read_only += says_read_only(&host->probes[i]);
    }
    fprintf(out, "{\"name\":\"%s\",\"probes\":%zu,\"acknowledged\":%zu,\"read_only\":%zu}", host->name, host->count,
            acknowledged, read_only);
}

static void one_print(const struct probed *probed, const struct overlap *overlap, FILE *out) {
    char from[USEC_TEXT_MAX], to[USEC_TEXT_MAX], length[USEC_TEXT_MAX];
    usec_format(overlap->from, from);
    usec_format(overlap->to, to);
    usec_format(overlap->to - overlap->from, length);
    fprintf(out, "{\"hosts\":[\"%s\",\"%s\"],\"from\":%s,\"to\":%s,\"ms\":%s}", probed->hosts[overlap->a].name,
            probed->hosts[overlap->b].name, from, to, length);
}

void overlap_print(const struct probed *probed, const struct overlaps *overlaps, FILE *out) {
    char at_most[USEC_TEXT_MAX];
    usec_format(overlaps->at_most, at_most);
    fprintf(out, "{\"two_writable_ms\":%" PRId64 ",\"at_most_ms\":%s,\"overlap_count\":%zu,\"overlaps\":[",
            (overlaps->proven + 999) / 1000, at_most, overlaps->count);
    for (size_t i = 0; i < overlaps->count && i < OVERLAPS_MAX; i++) {
        if (i)
            fputc(',', out);
        one_print(probed, &overlaps->list[i], out);
    }
    fputs("],\"hosts\":[", out);
    for (int i = 0; i < probed->host_count; i++) {
        if (i)
            fputc(',', out);
        host_print(&probed->hosts[i], out);
    }
    fputs("]}\n", out);
}

void probe_print(const char *host, const struct probe_result *probe, FILE *out) {
    char sent[USEC_TEXT_MAX], answered[USEC_TEXT_MAX];
    usec_format(probe->sent, sent);
    usec_format(probe->answered, answered);
    fprintf(out, "%s %s %s %s %u\n", host, sent, answered, outcome_word(probe->outcome), probe->error);
}

bool probe_parse(const char *line, char ret_host[static HOST_NAME_SIZE], struct probe_result *ret_probe) {
    struct probe_result read;
    char host[HOST_NAME_SIZE], sent[USEC_TEXT_MAX], answered[USEC_TEXT_MAX], word[16];
    if (sscanf(line, "%31s %31s %31s %15s %u", host, sent, answered, word, &read.error) != 5)
        return false;
    if (!usec_parse(sent, &read.sent) || !usec_parse(answered, &read.answered) || !outcome_parse(word, &read.outcome))
        return false;
    text_copy(ret_host, HOST_NAME_SIZE, host);
    *ret_probe = read;
    return true;
}
