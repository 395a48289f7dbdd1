#include "core/doctor/doctor.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

const char *doctor_level_name(enum doctor_level level) {
    switch (level) {
    case DOCTOR_DANGER:
        return "danger";
    case DOCTOR_WARNING:
        return "warning";
    case DOCTOR_NOTE:
    case DOCTOR_LEVEL_COUNT:
        break;
    }
    return "note";
}

/* ---- texts ---- */

static bool is_word(const char *word, size_t length, const char *known) {
    return strlen(known) == length && strncmp(word, known, length) == 0;
}

/* What a word in braces stands for; «?» for a fact that is not known. */
static const char *meaning(const struct doctor_row *row, const struct doctor_case *c, const char *word, size_t length,
                           char ret_buffer[static FACT_NAME_SIZE]) {
    const char *family = facts_get(c->facts, "server.family");
    if (is_word(word, length, "value"))
        return c->value ? c->value : "unknown";
    if (is_word(word, length, "want"))
        return row->want;
    if (is_word(word, length, "name"))
        return c->name;
    if (is_word(word, length, "host"))
        return c->host == HOST_NONE ? c->cluster->name : c->cluster->hosts[c->host].name;
    if (is_word(word, length, "peer"))
        return c->peer == HOST_NONE ? c->name : c->cluster->hosts[c->peer].name;
    if (is_word(word, length, "client"))
        return family && text_equal(family, "mysql") ? "mysql" : "mariadb";
    if (is_word(word, length, "address") && c->host != HOST_NONE) {
        ip_format(&c->cluster->hosts[c->host].address, ret_buffer);
        return ret_buffer;
    }
    if (length >= FACT_NAME_SIZE)
        return "unknown";
    memcpy(ret_buffer, word, length);
    ret_buffer[length] = 0;
    const char *fact = facts_get(c->facts, ret_buffer);
    if (!fact)
        fact = facts_get(c->of_cluster, ret_buffer);
    return fact ? fact : "unknown";
}

static_assert((int)FACT_NAME_SIZE >= (int)IP_TEXT_MAX, "an address is written where a name is");

static void fill(const struct doctor_row *row, const struct doctor_case *c, const char *text,
                 char ret_text[static FINDING_TEXT_SIZE]) {
    ret_text[0] = 0;
    while (*text) {
        const char *open = strchr(text, '{'), *close = open ? strchr(open, '}') : NULL;
        size_t plain = close ? (size_t)(open - text) : strlen(text);
        text_append(ret_text, FINDING_TEXT_SIZE, "%.*s", (int)plain, text);
        if (!close)
            return;
        char buffer[FACT_NAME_SIZE];
        text_append(ret_text, FINDING_TEXT_SIZE, "%s", meaning(row, c, open + 1, (size_t)(close - open - 1), buffer));
        text = close + 1;
    }
}

/* ---- facts through the table ---- */

struct patient {
    const struct doctor_input *input;
    struct finding *findings;
    size_t count;
};

static void judge(struct patient *patient, const struct doctor_row *row, const struct doctor_case *c) {
    if (patient->count == FINDINGS_MAX || !row->when(row, c))
        return;
    struct finding *finding = &patient->findings[patient->count++];
    finding->row = row;
    finding->host = c->host;
    fill(row, c, row->what, finding->what);
    fill(row, c, row->danger, finding->danger);
    fill(row, c, row->fix, finding->fix);
}

/* The next of «a|b» from *at on, which moves behind it; false: there is none. */
static bool next_choice(const char **at, char ret_choice[static FACT_NAME_SIZE]) {
    size_t length = 0;
    while ((*at)[length] && (*at)[length] != '|')
        length++;
    if (length == 0 || length >= FACT_NAME_SIZE)
        return false;
    memcpy(ret_choice, *at, length);
    ret_choice[length] = 0;
    *at += length + ((*at)[length] == '|');
    return true;
}

/* The first of «a|b» that is known. */
static const char *value_of(const struct facts *facts, const char *names) {
    char name[FACT_NAME_SIZE];
    while (next_choice(&names, name)) {
        const char *value = facts_get(facts, name);
        if (value)
            return value;
    }
    return NULL;
}

static void judge_facts(struct patient *patient, const struct doctor_row *row, struct doctor_case *c) {
    c->name[0] = 0;
    if (!strchr(row->fact, '*')) {
        c->value = value_of(c->facts, row->fact);
        judge(patient, row, c);
        return;
    }
    for (size_t i = 0; i < c->facts->count; i++)
        if (fact_name_matches(c->facts->items[i].name, row->fact, c->name)) {
            c->value = c->facts->items[i].value;
            judge(patient, row, c);
        }
}

static void judge_pairs(struct patient *patient, const struct doctor_row *row, struct doctor_case *c) {
    for (int i = 0; i < c->host; i++) {
        c->peer = i;
        c->of_peer = patient->input->of_hosts[i];
        judge_facts(patient, row, c);
    }
}

static bool fits_family(const struct doctor_row *row, const struct facts *facts) {
    const char *family = facts_get(facts, "server.family");
    if (row->family == ON_BOTH)
        return true;
    return family && text_equal(family, row->family == ON_MYSQL ? "mysql" : "mariadb");
}

static bool fits_host(const struct doctor_row *row, const struct doctor_input *input, int host) {
    enum host_mode mode = input->cluster->hosts[host].mode;
    bool is_writer = host == input->writer, is_known = input->writer != HOST_NONE;
    return (row->scope & (OF_HOST | OF_PAIR)) || (row->scope & OF_MASTER && mode == MODE_MASTER) ||
           (row->scope & OF_REPLICA && mode == MODE_REPLICA) || (row->scope & OF_WRITER && is_writer) ||
           (row->scope & OF_STANDBY && is_known && !is_writer);
}

static bool fits_durability(const struct doctor_row *row, const struct cluster *cluster) {
    bool lossless = cluster->durability == DURABILITY_LOSSLESS;
    return !(row->scope & (lossless ? IF_ASYNCHRONOUS : IF_LOSSLESS));
}

static void examine_row(struct patient *patient, const struct doctor_row *row, int host) {
    const struct doctor_input *input = patient->input;
    struct doctor_case c = { .cluster = input->cluster, .of_cluster = input->of_cluster, .host = host };
    c.peer = HOST_NONE;
    c.facts = host == HOST_NONE ? input->of_cluster : input->of_hosts[host];
    if (!fits_durability(row, input->cluster) || !fits_family(row, c.facts))
        return;
    if (host == HOST_NONE ? !(row->scope & OF_CLUSTER) : !fits_host(row, input, host))
        return;
    if (row->scope & OF_PAIR)
        judge_pairs(patient, row, &c);
    else
        judge_facts(patient, row, &c);
}

static void examine(struct patient *patient, int host, enum doctor_level level) {
    size_t count;
    const struct doctor_row *rows = doctor_table(&count);
    for (size_t i = 0; i < count; i++)
        if (rows[i].level == level)
            examine_row(patient, &rows[i], host);
}

/* Findings of one host are all looked for when its worst level is reached, so that they stand together. */
static void examine_all(struct patient *patient, int host) {
    for (int level = 0; level < DOCTOR_LEVEL_COUNT; level++)
        examine(patient, host, (enum doctor_level)level);
}

static bool has_any(struct patient *patient, int host, enum doctor_level level) {
    size_t before = patient->count;
    examine(patient, host, level);
    bool any = patient->count > before;
    patient->count = before;
    return any;
}

size_t doctor_examine(const struct doctor_input *input, struct finding ret_findings[static FINDINGS_MAX]) {
    struct patient patient = { .input = input, .findings = ret_findings };
    host_set done = 0;
    bool cluster_done = false;
    for (int level = 0; level < DOCTOR_LEVEL_COUNT; level++) {
        if (!cluster_done && has_any(&patient, HOST_NONE, (enum doctor_level)level)) {
            examine_all(&patient, HOST_NONE);
            cluster_done = true;
        }
        for (int i = 0; i < input->cluster->host_count; i++)
            if (!set_has(done, i) && has_any(&patient, i, (enum doctor_level)level)) {
                examine_all(&patient, i);
                done |= set_of(i);
            }
    }
    return patient.count;
}

/* ---- what has to be asked ---- */

bool doctor_wants(const char *kind, const char *name) {
    size_t count;
    const struct doctor_row *rows = doctor_table(&count);
    char wanted[FACT_NAME_SIZE] = "", fact[FACT_NAME_SIZE];
    if (!text_append(wanted, sizeof wanted, "%s.%s", kind, name))
        return false;
    for (size_t i = 0; i < count; i++)
        for (const char *at = rows[i].fact; next_choice(&at, fact);)
            if (text_equal(fact, wanted))
                return true;
    return false;
}

bool doctor_wants_item(const char *fact, const char *item) {
    size_t count;
    const struct doctor_row *rows = doctor_table(&count);
    char choice[FACT_NAME_SIZE];
    for (size_t i = 0; i < count; i++)
        if (text_equal(rows[i].fact, fact))
            for (const char *at = rows[i].want; next_choice(&at, choice);)
                if (text_equal(choice, item))
                    return true;
    return false;
}
