/* What an agent answers to `mmm doctor`, and what a server's program says of its options: facts that are accepted go
 * through encoder and decoder and come back the same, and through all rules; nothing else is touched. */
#include "fuzz.h"

#include "core/doctor/doctor.h"
#include "effect/machine/machine.h"
#include "wire/facts.h"

static void judge(const struct cluster *cluster, const struct facts *facts) {
    static struct finding findings[FINDINGS_MAX];
    static const struct facts none;
    struct doctor_input input = { .cluster = cluster, .writer = 0, .of_cluster = facts };
    for (int i = 0; i < cluster->host_count; i++)
        input.of_hosts[i] = i < 2 ? facts : &none;
    size_t count = doctor_examine(&input, findings);
    assert(count <= FINDINGS_MAX);
    for (size_t i = 0; i < count; i++)
        assert(findings[i].what[0] && findings[i].danger[0] && findings[i].fix[0]);
}

static void try_facts(const uint8_t *data, size_t size) {
    static struct facts facts, again;
    const struct cluster *cluster = fuzz_cluster();
    char *text = (char *)fuzz_bytes(data, size);
    struct reason why = { "" };
    memset(&facts, 0, sizeof facts);
    enum rc rc = facts_decode(cluster, 0, text, size, &facts, &why);
    free(text);
    assert(rc == RC_OK || (why.text[0] && facts.count == 0));
    if (rc != RC_OK)
        return;
    char *first = facts_encode(cluster, 0, &facts);
    memset(&again, 0, sizeof again);
    rc = facts_decode(cluster, 0, first, strlen(first), &again, &why);
    assert(rc == RC_OK);
    char *second = facts_encode(cluster, 0, &again);
    assert(strcmp(first, second) == 0);
    free(first);
    free(second);
    judge(cluster, &facts);
}

static bool all(const char *kind, const char *name) {
    (void)kind, (void)name;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct facts facts;
    try_facts(data, size);
    char *text = fuzz_text(data, size);
    memset(&facts, 0, sizeof facts);
    (void)start_answer_take(text, all, &facts);
    for (size_t i = 0; i < facts.count; i++)
        assert(fact_name_is_valid(facts.items[i].name));
    free(text);
    return 0;
}
