/* The option files of a server that lives in a root of its own (chroot, a container): its program cannot be run out
 * here, so the files are read, by the way the kernel gives into that root.  As the server reads them: in order, the
 * last word counts, !include and !includedir where they stand. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "effect/machine/start.h"

enum { FILES_WAITING_MAX = 32, FILES_MAX = 64, PATH_LENGTH = 512, LINE_LENGTH = 1024 };

struct waiting_file {
    char path[PATH_LENGTH]; /* in the server's root */
    FILE *file;             /* NULL: not begun */
    bool in_group;
};

/* A stack: what a file includes is read before the rest of it. */
struct reading {
    pid_t pid;
    size_t waiting, begun;
    struct waiting_file files[FILES_WAITING_MAX];
};

static void rooted(const struct reading *reading, const char *path, char ret_path[static PATH_LENGTH]) {
    snprintf(ret_path, PATH_LENGTH, "/proc/%d/root%s", (int)reading->pid, path);
}

static bool push(struct reading *reading, const char *path) {
    if (reading->waiting == FILES_WAITING_MAX || reading->begun++ == FILES_MAX || path[0] != '/' ||
        strlen(path) > PATH_LENGTH - 32)
        return false;
    struct waiting_file *file = &reading->files[reading->waiting++];
    *file = (struct waiting_file){ .file = NULL };
    TEXT_COPY(file->path, path);
    return true;
}

static int is_option_file(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 4 && text_equal(entry->d_name + length - 4, ".cnf");
}

static bool push_folder(struct reading *reading, const char *folder) {
    char path[PATH_LENGTH];
    struct dirent **entries;
    rooted(reading, folder, path);
    int count = scandir(path, &entries, is_option_file, alphasort);
    bool all = true;
    for (int i = count; i-- > 0;) {
        snprintf(path, sizeof path, "%.200s/%.255s", folder, entries[i]->d_name);
        all = all && strlen(folder) <= 200 && push(reading, path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return all;
}

static char *trimmed(char *text) {
    text += strspn(text, " \t");
    for (size_t length = strlen(text); length > 0 && strchr(" \t\r\n", text[length - 1]); length--)
        text[length - 1] = 0;
    return text;
}

/* «name = "value"   # comment» becomes «name=value»; name and value stand in one text already. */
static void take_option(char *line, start_wants wants, struct facts *facts) {
    char option[LINE_LENGTH] = "", *comment = strstr(line, " #");
    if (comment)
        *comment = 0;
    char *equals = strchr(line, '=');
    if (!equals) {
        start_option_take(trimmed(line), wants, facts);
        return;
    }
    *equals = 0;
    char *value = trimmed(equals + 1);
    size_t length = strlen(value);
    if (length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0]) {
        value[length - 1] = 0;
        value++;
    }
    (void)text_append(option, sizeof option, "%s=%s", trimmed(line), value);
    start_option_take(option, wants, facts);
    explicit_bzero(option, sizeof option);
}

bool start_line_take(char *line, bool in_group, start_wants wants, struct facts *facts) {
    static const char *const groups[] = { "[mysqld]", "[server]", "[mariadbd]", "[mariadb]" };
    line = trimmed(line);
    if (line[0] == '[') {
        for (size_t i = 0; i < COUNT_OF(groups); i++)
            if (text_equal(line, groups[i]))
                return true;
        return false;
    }
    if (in_group && line[0] && line[0] != '#' && line[0] != ';')
        take_option(line, wants, facts);
    return in_group;
}

/* False: not all of it was read. */
static bool take_line(struct reading *reading, struct waiting_file *file, char *line, start_wants wants,
                      struct facts *facts) {
    char *text = trimmed(line);
    if (text_starts_with(text, "!includedir "))
        return push_folder(reading, trimmed(text + strlen("!includedir ")));
    if (text_starts_with(text, "!include "))
        return push(reading, trimmed(text + strlen("!include ")));
    file->in_group = start_line_take(text, file->in_group, wants, facts);
    return true;
}

/* A file that is not there has nothing to say. */
static bool begin(const struct reading *reading, struct waiting_file *file) {
    char path[PATH_LENGTH];
    if (!file->file) {
        rooted(reading, file->path, path);
        file->file = fopen(path, "re");
    }
    return file->file != NULL;
}

bool start_files_take(pid_t pid, const char *const paths[], size_t count, start_wants wants, struct facts *facts) {
    static _Thread_local char line[LINE_LENGTH];
    struct reading *reading = calloc(1, sizeof *reading);
    if (!reading)
        abort();
    reading->pid = pid;
    bool all = true;
    for (size_t i = count; i-- > 0;)
        all = push(reading, paths[i]) && all;
    while (reading->waiting > 0) {
        struct waiting_file *file = &reading->files[reading->waiting - 1];
        if (begin(reading, file) && fgets(line, sizeof line, file->file)) {
            bool is_whole = strchr(line, '\n') || feof(file->file);
            all = take_line(reading, file, line, wants, facts) && is_whole && all;
            continue;
        }
        if (file->file)
            fclose(file->file);
        reading->waiting--;
    }
    explicit_bzero(line, sizeof line);
    free(reading);
    return all;
}
