#include <stdlib.h>
#include <string.h>

#include "app/cli/doctor.h"
#include "app/cli/table.h"
#include "base/text.h"
#include "wire/json.h"

enum { LINE_WIDTH = 110, LABEL_WIDTH = 9 };

static bool is_told(int host, const struct finding *finding) {
    return host == HOST_NONE || finding->host == host;
}

static const char *name_of(const struct cluster *cluster, int host) {
    return host == HOST_NONE ? "cluster" : cluster->hosts[host].name;
}

static enum paint paint_of(enum doctor_level level) {
    switch (level) {
    case DOCTOR_DANGER:
        return PAINT_BAD;
    case DOCTOR_WARNING:
        return PAINT_LATE;
    case DOCTOR_NOTE:
    case DOCTOR_LEVEL_COUNT:
        break;
    }
    return PAINT_NONE;
}

/* Words in lines of a width that can be read, under each other.  A fix is kept whole: it is to be copied. */
static void print_wrapped(FILE *out, const char *label, const char *text) {
    char word[FINDING_TEXT_SIZE];
    size_t used = 0;
    fprintf(out, "    %-*s", LABEL_WIDTH, label);
    while (*text) {
        size_t length = strcspn(text, " ");
        text_append((word[0] = 0, word), sizeof word, "%.*s", (int)length, text);
        if (used && used + 1 + length > LINE_WIDTH) {
            fprintf(out, "\n    %*s", LABEL_WIDTH, "");
            used = 0;
        }
        fputs(used ? " " : "", out);
        print_clean(out, word);
        used += length + (used != 0);
        text += length + (text[length] == ' ');
    }
    fputc('\n', out);
}

static void tell_finding(FILE *out, bool colour, const struct finding *finding) {
    const struct doctor_row *row = finding->row;
    char level[16];
    snprintf(level, sizeof level, "%-*s", LABEL_WIDTH, doctor_level_name(row->level));
    fputs("  ", out);
    print_painted(out, colour, paint_of(row->level), level);
    fputs(row->rule, out);
    fputs("  ", out);
    print_clean(out, finding->what);
    fputc('\n', out);
    print_wrapped(out, "why", finding->danger);
    fprintf(out, "    %-*s", LABEL_WIDTH, "fix");
    print_clean(out, finding->fix);
    fputc('\n', out);
}

static void count_levels(int host, const struct finding *findings, size_t count,
                         size_t ret_counts[static DOCTOR_LEVEL_COUNT]) {
    for (size_t i = 0; i < count; i++)
        if (is_told(host, &findings[i]))
            ret_counts[findings[i].row->level]++;
}

void doctor_tell(FILE *out, bool colour, const struct cluster *cluster, int host, const struct finding *findings,
                 size_t count) {
    size_t counts[DOCTOR_LEVEL_COUNT] = { 0 };
    const struct finding *before = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!is_told(host, &findings[i]))
            continue;
        if (!before || before->host != findings[i].host)
            fprintf(out, "%s%s\n", before ? "\n" : "", name_of(cluster, findings[i].host));
        tell_finding(out, colour, &findings[i]);
        before = &findings[i];
    }
    count_levels(host, findings, count, counts);
    fprintf(out, "%s%zu danger%s, %zu warning%s, %zu note%s%s\n", before ? "\n" : "", counts[DOCTOR_DANGER],
            counts[DOCTOR_DANGER] == 1 ? "" : "s", counts[DOCTOR_WARNING], counts[DOCTOR_WARNING] == 1 ? "" : "s",
            counts[DOCTOR_NOTE], counts[DOCTOR_NOTE] == 1 ? "" : "s",
            count == FINDINGS_MAX ? "; there are more than can be told" : "");
}

void doctor_tell_json(FILE *out, const struct cluster *cluster, int host, const struct finding *findings,
                      size_t count) {
    json_t *root = object_new(), *list = array_new();
    put_text(root, "cluster", cluster->name);
    for (size_t i = 0; i < count; i++) {
        if (!is_told(host, &findings[i]))
            continue;
        json_t *object = object_new();
        put_text_or_null(object, "host", findings[i].host == HOST_NONE ? "" : name_of(cluster, findings[i].host));
        put_text(object, "level", doctor_level_name(findings[i].row->level));
        put_text(object, "rule", findings[i].row->rule);
        put_text(object, "what", findings[i].what);
        put_text(object, "danger", findings[i].danger);
        put_text(object, "fix", findings[i].fix);
        array_put(list, object);
    }
    put(root, "findings", list);
    char *text = object_to_text(root);
    fprintf(out, "%s\n", text);
    free(text);
}

bool doctor_has_danger(int host, const struct finding *findings, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (is_told(host, &findings[i]) && findings[i].row->level == DOCTOR_DANGER)
            return true;
    return false;
}
