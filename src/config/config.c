/* Text to draft: which section, which key, and the templates.  Opens nothing and reads no clock. */
#include "config/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/draft.h"
#include "config/lines.h"

static unsigned line_of(const struct section *section, const char *key) {
    const struct option *option = key ? option_find(section->kind, key) : NULL;
    unsigned line = option ? section->lines[option - options] : 0;
    return line ? line : section->line;
}

enum rc draft_fail(const struct draft *draft, const struct section *section, const char *key, struct reason *ret_why,
                   const char *format, ...) {
    char what[REASON_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    unsigned line = line_of(section, key);
    char at[16] = "";
    if (line)
        snprintf(at, sizeof at, ":%u", line);
    return FAIL(RC_INVALID, ret_why, "%s%s: [%s%s%s]%s%s: %s", draft->file, at, section_forms[section->kind].word,
                section->name[0] ? " " : "", section->name, key ? " " : "", key ? key : "", what);
}

static struct section *find_named(struct draft *draft, enum section_kind kind, const char *name) {
    if (kind == SECTION_HOST && text_equal(name, "default"))
        return &draft->host_default.section;
    for (int i = 0; kind == SECTION_HOST && i < draft->host_count; i++)
        if (text_equal(draft->hosts[i].section.name, name))
            return &draft->hosts[i].section;
    for (int i = 0; kind == SECTION_ROLE && i < draft->role_count; i++)
        if (text_equal(draft->roles[i].section.name, name))
            return &draft->roles[i].section;
    return NULL;
}

/* A place for a further host or role; NULL when there are too many. */
static struct section *add_named(struct draft *draft, enum section_kind kind) {
    if (kind == SECTION_HOST)
        return draft->host_count < HOSTS_MAX ? &draft->hosts[draft->host_count++].section : NULL;
    return draft->role_count < ROLES_MAX ? &draft->roles[draft->role_count++].section : NULL;
}

static enum rc unknown_section(const struct draft *draft, const struct line *line, struct reason *ret_why) {
    struct nearest nearest = { .word = line->first };
    for (int i = 0; i < SECTION_COUNT; i++)
        nearest_try(&nearest, section_forms[i].word);
    char hint[HINT_SIZE];
    nearest_hint(&nearest, hint);
    return FAIL(RC_INVALID, ret_why, "%s:%u: unknown section [%.40s%s%.40s]%s", draft->file, line->number, line->first,
                line->rest[0] ? " " : "", line->rest, hint);
}

static enum rc place_section(struct draft *draft, enum section_kind kind, const struct line *line,
                             struct section **ret_section, struct reason *ret_why) {
    const struct section_form *form = &section_forms[kind];
    if (!form->named && line->rest[0])
        return FAIL(RC_INVALID, ret_why, "%s:%u: [%s] takes no name", draft->file, line->number, form->word);
    if (form->named && !name_is_valid(line->rest))
        return FAIL(RC_INVALID, ret_why,
                    "%s:%u: [%s%s%.70s] needs a name: at most %d letters, digits, - _ . with a letter or digit first",
                    draft->file, line->number, form->word, line->rest[0] ? " " : "", line->rest, NAME_SIZE - 1);
    struct section *section = form->named ? find_named(draft, kind, line->rest) : &draft->sections[kind];
    if (!section)
        section = add_named(draft, kind);
    if (!section)
        return FAIL(RC_INVALID, ret_why, "%s:%u: [%s %s] is one more than the %d there is room for", draft->file,
                    line->number, form->word, line->rest, kind == SECTION_HOST ? HOSTS_MAX : ROLES_MAX);
    *ret_section = section;
    return RC_OK;
}

static enum rc open_section(struct draft *draft, const struct line *line, struct section **ret_section,
                            struct reason *ret_why) {
    enum section_kind kind = section_find(line->first);
    if (kind == SECTION_COUNT)
        return unknown_section(draft, line, ret_why);
    struct section *section;
    enum rc rc = place_section(draft, kind, line, &section, ret_why);
    if (rc)
        return rc;
    if (section->line)
        return FAIL(RC_INVALID, ret_why, "%s:%u: [%s%s%s] stands twice, first in line %u", draft->file, line->number,
                    line->first, line->rest[0] ? " " : "", line->rest, section->line);
    section->kind = kind;
    section->line = line->number;
    (void)TEXT_COPY(section->name, line->rest);
    *ret_section = section;
    return RC_OK;
}

/* A key in the wrong section is as frequent as one written wrong. */
static enum rc unknown_key(const struct section *section, const char *key, struct reason *ret_why) {
    for (int kind = 0; kind < SECTION_COUNT; kind++)
        if (option_find((enum section_kind)kind, key))
            return FAIL(RC_INVALID, ret_why, "unknown key; it belongs in [%s%s]", section_forms[kind].word,
                        section_forms[kind].named ? " NAME" : "");
    struct nearest nearest = { .word = key };
    for (size_t i = 0; i < option_count; i++)
        if (options[i].section == section->kind)
            nearest_try(&nearest, options[i].key);
    char hint[HINT_SIZE];
    nearest_hint(&nearest, hint);
    return FAIL(RC_INVALID, ret_why, "unknown key%s", hint);
}

static void *section_base(struct draft *draft, struct section *section) {
    if (section->kind == SECTION_HOST)
        return (char *)section - offsetof(struct host_draft, section);
    if (section->kind == SECTION_ROLE)
        return (char *)section - offsetof(struct role_draft, section);
    return draft;
}

static enum rc set_key(struct draft *draft, struct section *section, const char *key, const struct line *line,
                       struct reason *ret_why) {
    const struct option *option = option_find(section->kind, key);
    if (!option)
        return unknown_key(section, key, ret_why);
    unsigned *given = &section->lines[option - options];
    if (*given)
        return FAIL(RC_INVALID, ret_why, "stands twice, first in line %u", *given);
    if (option->trait == OPTION_OWN && section == &draft->host_default.section)
        return FAIL(RC_INVALID, ret_why, "every host has its own; it cannot stand in the template");
    *given = line->number;
    return option_parse(option, line->rest, (char *)section_base(draft, section) + option->offset, ret_why);
}

static enum rc take_key(struct draft *draft, struct section *section, const struct line *line, struct reason *ret_why) {
    if (!section)
        return FAIL(RC_INVALID, ret_why, "%s:%u: \"%.40s\" stands before any [section]", draft->file, line->number,
                    line->first);
    struct reason what;
    enum rc rc = set_key(draft, section, line->first, line, &what);
    if (rc)
        reason_set(ret_why, "%s:%u: [%s%s%s] %.60s: %s", draft->file, line->number, section_forms[section->kind].word,
                   section->name[0] ? " " : "", section->name, line->first, what.text);
    return rc;
}

static enum rc read_lines(struct draft *draft, const char *text, struct reason *ret_why) {
    struct line_reader reader;
    line_reader_init(&reader, draft->file, text);
    struct section *section = NULL;
    struct line line;
    for (;;) {
        enum rc rc = line_next(&reader, &line, ret_why);
        if (rc || !line.number)
            return rc;
        rc = line.is_section ? open_section(draft, &line, &section, ret_why) : take_key(draft, section, &line, ret_why);
        if (rc)
            return rc;
    }
}

/* Fills what a section of the file leaves open: from the template, or else from the table. */
static enum rc fill_section(struct draft *draft, struct section *section, struct section *template,
                            struct reason *ret_why) {
    char *base = section_base(draft, section);
    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &options[i];
        if (option->section != section->kind || section->lines[i])
            continue;
        if (template && template->lines[i]) {
            const char *from = section_base(draft, template);
            memcpy(base + option->offset, from + option->offset, option->size);
            continue;
        }
        if (!option->fallback)
            return draft_fail(draft, section, option->key, ret_why, "is missing");
        struct reason what;
        if (option->trait != OPTION_DERIVED && option_parse(option, option->fallback, base + option->offset, &what))
            return draft_fail(draft, section, option->key, ret_why, "the default is wrong: %s", what.text);
    }
    return RC_OK;
}

static enum rc fill(struct draft *draft, struct reason *ret_why) {
    enum rc rc = RC_OK;
    for (int kind = 0; !rc && kind < SECTION_COUNT; kind++)
        if (!section_forms[kind].named)
            rc = fill_section(draft, &draft->sections[kind], NULL, ret_why);
    for (int i = 0; !rc && i < draft->host_count; i++)
        rc = fill_section(draft, &draft->hosts[i].section, &draft->host_default.section, ret_why);
    for (int i = 0; !rc && i < draft->role_count; i++)
        rc = fill_section(draft, &draft->roles[i].section, NULL, ret_why);
    return rc;
}

static void free_draft(struct draft **draft) {
    free(*draft);
}

enum rc config_parse(const char *name, const char *text, struct settings *ret_settings, struct reason *ret_why) {
    /* Too large for the stack of a small thread. */
    CLEANUP(free_draft) struct draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        abort();
    draft->file = name;
    for (int kind = 0; kind < SECTION_COUNT; kind++)
        draft->sections[kind].kind = (enum section_kind)kind;
    draft->host_default.section.kind = SECTION_HOST;
    if (!TEXT_COPY(draft->settings.file, name))
        return FAIL(RC_INVALID, ret_why, "the name of the configuration file is longer than %d bytes", PATH_SIZE - 1);
    enum rc rc = read_lines(draft, text, ret_why);
    if (!rc)
        rc = fill(draft, ret_why);
    if (!rc)
        rc = draft_finish(draft, ret_why);
    if (!rc)
        *ret_settings = draft->settings;
    return rc;
}
