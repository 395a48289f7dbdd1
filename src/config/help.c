/* The reference, from the table: for a terminal, and as Markdown. */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "config/options.h"

enum { FORM_SIZE = 160 };

static const char *type_word(enum option_type type) {
    switch (type) {
    case OPTION_NAME:
        return "name";
    case OPTION_WORD:
        return "word";
    case OPTION_INTERFACE:
        return "interface";
    case OPTION_PATH:
        return "path";
    case OPTION_COMMAND:
        return "command";
    case OPTION_ADDRESS:
        return "address";
    case OPTION_NUMBER:
        return "number";
    case OPTION_DURATION:
        return "duration";
    case OPTION_CHOICE:
        return "choice";
    case OPTION_NAMES:
        return "list of hosts";
    case OPTION_ADDRESSES:
    case OPTION_NETWORKS:
        return "list of address/length";
    }
    assert(!"an option type without a word");
    return "";
}

/* What may be written: «duration, 2s to 5min», «master, replica or slave». */
static void describe_values(const struct option *option, char ret_text[static FORM_SIZE]) {
    ret_text[0] = 0;
    if (option->type == OPTION_CHOICE) {
        for (const struct option_choice *choice = option->choices; choice->word; choice++)
            (void)text_append(ret_text, FORM_SIZE, "%s%s", choice->word,
                              !choice[1].word  ? ""
                              : choice[2].word ? ", "
                                               : " or ");
        return;
    }
    (void)text_append(ret_text, FORM_SIZE, "%s", type_word(option->type));
    if (option->type == OPTION_NUMBER)
        (void)text_append(ret_text, FORM_SIZE, ", %lld to %lld", option->least, option->most);
    if (option->type == OPTION_DURATION) {
        char least[CLOCK_TEXT_MAX], most[CLOCK_TEXT_MAX];
        duration_format(option->least, least);
        duration_format(option->most, most);
        (void)text_append(ret_text, FORM_SIZE, ", %s to %s", least, most);
    }
}

static void describe_default(const struct option *option, const char *mark, char ret_text[static FORM_SIZE]) {
    ret_text[0] = 0;
    if (!option->fallback)
        (void)text_append(ret_text, FORM_SIZE, "must be given");
    else if (!option->fallback[0])
        (void)text_append(ret_text, FORM_SIZE, "empty");
    else
        (void)text_append(ret_text, FORM_SIZE, "%s%s%s", mark, option->fallback, mark);
}

/* Prints text in lines of a width, each behind an indent; backquotes are for Markdown only. */
static void print_wrapped(FILE *out, const char *text, int indent, int width) {
    int column = 0;
    while (*text) {
        size_t length = strcspn(text, " "), shown = 0;
        for (size_t i = 0; i < length; i++)
            shown += text[i] != '`' && ((unsigned char)text[i] & 0xc0) != 0x80;
        if (column && column + 1 + (int)shown > width) {
            fputc('\n', out);
            column = 0;
        }
        column += fprintf(out, "%*s", column ? 1 : indent, "") + (int)shown;
        for (size_t i = 0; i < length; i++)
            if (text[i] != '`')
                fputc(text[i], out);
        text += length + strspn(text + length, " ");
    }
    fputc('\n', out);
}

void config_help(FILE *out) {
    enum { WIDTH = 100, INDENT = 8 };
    for (int kind = 0; kind < SECTION_COUNT; kind++) {
        const struct section_form *form = &section_forms[kind];
        fprintf(out, "%s[%s%s]\n", kind ? "\n" : "", form->word, form->named ? " NAME" : "");
        print_wrapped(out, form->help, 2, WIDTH);
        for (size_t i = 0; i < option_count; i++) {
            if (options[i].section != (enum section_kind)kind)
                continue;
            char values[FORM_SIZE], fallback[FORM_SIZE];
            describe_values(&options[i], values);
            describe_default(&options[i], "", fallback);
            fprintf(out, "    %s  (%s; %s%s)\n", options[i].key, values, options[i].fallback ? "default: " : "",
                    fallback);
            print_wrapped(out, options[i].help, INDENT, WIDTH);
        }
    }
}

static const char markdown_start[] =
    "# The configuration file\n"
    "\n"
    "One file, the same on every machine. `mmm check-config` checks it; `mmm help config` prints this page. A "
    "complete\n"
    "example is [shop.ini](examples/shop.ini).\n"
    "\n"
    "- A section is `[kind]` or `[kind name]`; a line in it is `key = value`.\n"
    "- `;` and `#` start a comment, at the start of a line or after a space.\n"
    "- Lists are separated by commas. A list whose line ends with a comma goes on in the next line, indented.\n"
    "- Durations have a unit: `500ms`, `5s`, `2min`, `1h`.\n"
    "- Names have letters, digits, `-`, `_` and `.`, and start with a letter or digit.\n"
    "- An unknown section or key, a key given twice and a value out of range are errors: nothing is guessed.\n"
    "- The file belongs to root or to the user that runs `mmm`, and nobody else can write it: it names programs to "
    "run.\n";

void config_help_markdown(FILE *out) {
    fputs(markdown_start, out);
    for (int kind = 0; kind < SECTION_COUNT; kind++) {
        const struct section_form *form = &section_forms[kind];
        fprintf(out, "\n## [%s%s]\n\n%s\n\n", form->word, form->named ? " NAME" : "", form->help);
        fputs("| key | value | default | meaning |\n| --- | --- | --- | --- |\n", out);
        for (size_t i = 0; i < option_count; i++) {
            if (options[i].section != (enum section_kind)kind)
                continue;
            char values[FORM_SIZE], fallback[FORM_SIZE];
            describe_values(&options[i], values);
            describe_default(&options[i], "`", fallback);
            fprintf(out, "| `%s` | %s | %s | %s |\n", options[i].key, values, fallback, options[i].help);
        }
    }
}
