#include "outages.h"

#include <inttypes.h>
#include <string.h>

static void note_outage(struct outages *sum, usec to, bool ended) {
    usec length = to - sum->quiet_since;
    if (length > sum->longest)
        sum->longest = length;
    if (sum->count < OUTAGES_MAX)
        sum->list[sum->count] = (struct outage){ .from = sum->quiet_since, .to = to, .ended = ended };
    sum->count++;
}

static bool is_outage(const struct outages *sum, usec until) {
    return sum->failed_since || until - sum->quiet_since > OUTAGE_GAP;
}

static void add_success(struct outages *sum, const struct attempt *attempt) {
    sum->acknowledged++;
    if (is_outage(sum, attempt->answered))
        note_outage(sum, attempt->answered, true);
    sum->quiet_since = attempt->answered;
    sum->failed_since = false;
}

void outages_add(struct outages *sum, const struct attempt *attempt) {
    if (!sum->sent)
        sum->quiet_since = attempt->sent;
    sum->sent++;
    sum->last_answer = attempt->answered;
    switch (attempt->outcome) {
    case OUTCOME_OK:
        add_success(sum, attempt);
        return;
    case OUTCOME_REFUSED:
        sum->refused++;
        break;
    case OUTCOME_UNCERTAIN:
        sum->uncertain++;
        break;
    }
    sum->failed_since = true;
}

void outages_end(struct outages *sum) {
    if (sum->sent && is_outage(sum, sum->last_answer))
        note_outage(sum, sum->last_answer, false);
}

static void outage_print(const struct outage *outage, FILE *out) {
    char from[USEC_TEXT_MAX], to[USEC_TEXT_MAX], length[USEC_TEXT_MAX];
    usec_format(outage->from, from);
    usec_format(outage->to, to);
    usec_format(outage->to - outage->from, length);
    fprintf(out, "{\"from\":%s,\"to\":%s,\"ms\":%s,\"ended\":%s}", from, to, length, outage->ended ? "true" : "false");
}

void outages_print(const struct outages *sum, FILE *out) {
    char longest[USEC_TEXT_MAX];
    usec_format(sum->longest, longest);
    fprintf(out,
            "{\"sent\":%" PRIu64 ",\"acknowledged\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"uncertain\":%" PRIu64
            ",\"longest_outage_ms\":%s,\"outage_count\":%" PRIu64 ",\"outages\":[",
            sum->sent, sum->acknowledged, sum->refused + sum->uncertain, sum->uncertain, longest, sum->count);
    uint64_t kept = sum->count < OUTAGES_MAX ? sum->count : OUTAGES_MAX;
    for (uint64_t i = 0; i < kept; i++) {
        if (i)
            fputc(',', out);
        outage_print(&sum->list[i], out);
    }
    fputs("]}\n", out);
}

void attempt_print(const struct attempt *attempt, FILE *out) {
    char sent[USEC_TEXT_MAX], answered[USEC_TEXT_MAX];
    usec_format(attempt->sent, sent);
    usec_format(attempt->answered, answered);
    fprintf(out, "%" PRId64 " %s %s %s %u\n", attempt->id, sent, answered, outcome_word(attempt->outcome),
            attempt->error);
}

bool attempt_parse(const char *line, struct attempt *ret_attempt) {
    struct attempt read;
    char sent[USEC_TEXT_MAX], answered[USEC_TEXT_MAX], word[16];
    if (sscanf(line, "%" SCNd64 " %31s %31s %15s %u", &read.id, sent, answered, word, &read.error) != 5)
        return false;
    if (!usec_parse(sent, &read.sent) || !usec_parse(answered, &read.answered) || !outcome_parse(word, &read.outcome))
        return false;
    *ret_attempt = read;
    return true;
}
