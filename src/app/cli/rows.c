#include "app/cli/rows.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/client.h"
#include "app/cli/table.h"
#include "app/cli/view.h"
#include "base/text.h"

/* More than an agent's own limits add up to (app/agent/rows.c). */
#define AGENT_TIMEOUT SECONDS(30)

/* ---- the question ---- */

/* Takes the last transaction or range off a list; false: it was the only one. */
static bool shorten(char *list) {
    char *comma = strrchr(list, ','), *colon = strrchr(list, ':');
    bool is_set = colon != NULL && (comma == NULL || colon > comma);
    char *end = is_set ? colon : comma;
    /* «…,UUID» without a number is nothing. */
    if (is_set && strchr(comma != NULL ? comma + 1 : list, ':') == colon)
        end = comma;
    if (end == NULL)
        return false;
    *end = 0;
    return true;
}

/* An event has room for so much; what it counts tells whether its list is whole. */
static bool complete_list(struct rows_question *question, unsigned long long counted) {
    for (;;) {
        struct rows_wanted wanted;
        if (rows_wanted_parse(question->list, &wanted, NULL) == RC_OK &&
            (question->is_cut || rows_wanted_count(&wanted) == counted))
            return true;
        question->is_cut = true;
        if (!shorten(question->list))
            return false;
    }
}

bool rows_question_of(const json_t *event, struct rows_question *ret_question) {
    static const char has[] = "has ", mark[] = " does not have: ";
    const char *why = view_text(event, "why", ""), *list = strstr(why, mark);
    struct rows_question question = { .host = view_text(event, "host", "") };
    if (!text_starts_with(why, has) || list == NULL || !question.host[0])
        return false;
    (void)TEXT_COPY(question.list, list + strlen(mark));
    if (!complete_list(&question, strtoull(why + strlen(has), NULL, 10)))
        return false;
    *ret_question = question;
    return true;
}

enum rc rows_fetch(const struct settings *settings, const struct rows_question *question, json_t **ret_rows,
                   struct reason *ret_why) {
    char path[FACT_SIZE + 32], *body;
    int host = cluster_host(&settings->cluster, question->host);
    if (host == HOST_NONE)
        return FAIL(RC_NOT_FOUND, ret_why, "there is no host «%.60s» in %s", question->host, settings->file);
    snprintf(path, sizeof path, "/v1/rows?of=%s", question->list);
    enum rc rc = client_get_agent(settings, host, path, AGENT_TIMEOUT, &body, ret_why);
    if (rc != RC_OK) {
        reason_prefix(ret_why, "no answer from its agent");
        return rc;
    }
    rc = view_parse(body, ret_rows, ret_why);
    free(body);
    return rc;
}

/* ---- the answer ---- */

static void tell_piece(FILE *out, const char *before, const char *text) {
    if (!text[0])
        return;
    fputs(before, out);
    print_clean(out, text);
}

static void tell_item(FILE *out, const json_t *item) {
    char operation[16];
    const char *what = view_text(item, "do", "?");
    if (text_equal(what, "statement")) {
        tell_piece(out, "      ", view_text(item, "text", "?"));
    } else {
        view_capitals(what, operation, sizeof operation);
        tell_piece(out, "      ", operation);
        tell_piece(out, " ", view_text(item, "table", "?"));
        tell_piece(out, " ", view_text(item, "before", ""));
        tell_piece(out, text_equal(what, "update") ? " → " : " ", view_text(item, "after", ""));
    }
    fputc('\n', out);
}

static bool tell_left_out(FILE *out, const char *before, const json_t *object, const char *what) {
    long long count = (long long)json_integer_value(json_object_get(object, "left_out"));
    if (count > 0)
        fprintf(out, "%s… and %lld more %s%s\n", before, count, what, count == 1 ? "" : "s");
    return count > 0;
}

static bool tell_transaction(FILE *out, const json_t *transaction) {
    size_t i;
    json_t *item;
    tell_piece(out, "    ", view_text(transaction, "gtid", "?"));
    tell_piece(out, "  ", view_text(transaction, "time", "?"));
    fputs(" UTC\n", out);
    json_array_foreach(json_object_get(transaction, "items"), i, item) tell_item(out, item);
    return tell_left_out(out, "      ", transaction, "row");
}

static void tell_line(FILE *out, const char *before, const char *text, const char *after) {
    fprintf(out, "  %s", before);
    print_clean(out, text);
    fprintf(out, "%s\n", after);
}

/* Returns whether all is told. */
static bool tell_end(FILE *out, const struct rows_question *question, const json_t *rows, size_t count) {
    const char *end = view_text(rows, "end", "?");
    if (text_equal(end, "all")) {
        if (!count)
            tell_line(out, "none of them is in the binary log of ", question->host, "");
        return true;
    }
    if (text_equal(end, "purged")) {
        tell_line(out, count ? "others are gone: the older binary logs of " : "they are gone: the binary logs of ",
                  question->host, " that had them are purged");
        return true;
    }
    tell_line(out, count ? "not all of them: " : "their rows cannot be shown: ",
              view_text(rows, "why", "the agent does not say why"), "");
    return false;
}

static void tell_by_hand(FILE *out, const struct rows_question *question) {
    bool is_set = strchr(question->list, ':') != NULL;
    fputs("  by hand, on ", out);
    print_clean(out, question->host);
    if (is_set) {
        fputs(":\n    mysqlbinlog --base64-output=decode-rows --verbose --include-gtids=", out);
        print_clean(out, question->list);
        fputs(" \"$(mysql -Ne 'SELECT @@log_bin_basename')\".[0-9]*\n", out);
        return;
    }
    fputs(", behind each «GTID» of ", out);
    print_clean(out, question->list);
    fputs(":\n    mariadb-binlog --base64-output=decode-rows --verbose \"$(mariadb -Ne 'SELECT "
          "@@log_bin_basename')\".[0-9]*\n",
          out);
}

void rows_tell(FILE *out, const struct rows_question *question, const json_t *rows, const char *why) {
    const json_t *transactions = json_object_get(rows, "transactions");
    bool is_whole = !question->is_cut;
    size_t i;
    json_t *transaction;
    if (question->is_cut)
        tell_line(out, "the event has no room for the whole list; looked for: ", question->list, "");
    if (rows == NULL) {
        tell_line(out, "their rows cannot be shown: ", why, "");
        tell_by_hand(out, question);
        return;
    }
    if (json_array_size(transactions))
        tell_line(out, "what they do, from the binary log of ", question->host, ":");
    json_array_foreach(transactions, i, transaction) is_whole = !tell_transaction(out, transaction) && is_whole;
    is_whole = !tell_left_out(out, "    ", rows, "transaction") && is_whole;
    if (!tell_end(out, question, rows, json_array_size(transactions)) || !is_whole)
        tell_by_hand(out, question);
}
