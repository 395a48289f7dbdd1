#include "effect/mysql/binlog.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/mysql/connection.h"

enum { ENTRIES_MAX = 100000, STATEMENT_TIME = 2000 };

/* As the server sees it: systemd, a container or a chroot may give it other folders than ours. */
static bool place(struct binlog *binlog, uint32_t pid, const char *base) {
    char path[sizeof binlog->base] = "";
    if (pid && text_append(path, sizeof path, "/proc/%u/root", (unsigned)pid) && access(path, X_OK) == 0 &&
        text_append(path, sizeof path, "%s", base))
        return TEXT_COPY(binlog->base, path);
    return TEXT_COPY(binlog->base, base);
}

static enum rc ask(struct connection *connection, msec deadline, struct binlog *binlog, struct reason *ret_why) {
    enum rc rc = connection_use(connection, ret_why);
    if (rc == RC_OK)
        rc = connection_run(connection, deadline, ret_why, "SELECT @@log_bin_basename");
    if (rc != RC_OK)
        return rc;
    const char *base = connection_next(connection) ? connection_value(connection, 0) : "";
    binlog->family = connection->abilities.family;
    if (base[0] != '/')
        return FAIL(RC_NOT_FOUND, ret_why, "the server writes no binary log");
    if (!place(binlog, connection_peer(connection), base))
        return FAIL(RC_INVALID, ret_why, "the path of its binary log is too long");
    return RC_OK;
}

enum rc binlog_find(const char *socket, msec deadline, struct binlog *ret_binlog, struct reason *ret_why) {
    struct connection connection;
    struct binlog binlog = { .family = FAMILY_UNKNOWN };
    const struct connection_options options = {
        .socket = socket, .program = "mmm-rows", .timeout = STATEMENT_TIME, .administrator = true
    };
    connection_init(&connection, &options);
    enum rc rc = ask(&connection, deadline, &binlog, ret_why);
    connection_done(&connection);
    if (rc == RC_OK)
        *ret_binlog = binlog;
    return rc;
}

/* «bin.000123» → 123; 0: another file, such as the index. */
static uint64_t number_of(const char *name, const char *base) {
    size_t length = strlen(base);
    if (strncmp(name, base, length) != 0 || name[length] != '.')
        return 0;
    const char *digits = name + length + 1;
    size_t count = strspn(digits, "0123456789");
    return count && count < 19 && !digits[count] ? strtoull(digits, NULL, 10) : 0;
}

/* Keeps the newest; they stay sorted. */
static void insert(struct binlog_file *files, size_t most, size_t *count, bool *more, const struct binlog_file *file) {
    size_t at = *count;
    while (at > 0 && files[at - 1].number < file->number)
        at--;
    if (*count == most)
        *more = true;
    if (at == most)
        return;
    size_t kept = *count < most ? *count : most - 1;
    memmove(&files[at + 1], &files[at], (kept - at) * sizeof *files);
    files[at] = *file;
    *count = kept + 1;
}

static enum rc list(DIR *folder, const char *path, const char *base, size_t most, struct binlog_file *files,
                    size_t *count, bool *more, struct reason *ret_why) {
    struct dirent *entry;
    size_t entries = 0;
    while ((entry = readdir(folder)) != NULL && ++entries <= ENTRIES_MAX) {
        struct binlog_file file = { .number = number_of(entry->d_name, base) };
        struct stat data;
        if (!file.number)
            continue;
        if (snprintf(file.path, sizeof file.path, "%s/%s", path, entry->d_name) >= (int)sizeof file.path)
            return FAIL(RC_INVALID, ret_why, "%s: the path is too long", path);
        if (fstatat(dirfd(folder), entry->d_name, &data, 0) != 0 || !S_ISREG(data.st_mode))
            continue; /* purged in this moment */
        file.size = data.st_size > 0 ? (uint64_t)data.st_size : 0;
        insert(files, most, count, more, &file);
    }
    return *count ? RC_OK : FAIL(RC_NOT_FOUND, ret_why, "there is no file of the binary log in %s", path);
}

enum rc binlog_files(const struct binlog *binlog, size_t most, struct binlog_file *ret_files, size_t *ret_count,
                     bool *ret_more, struct reason *ret_why) {
    char path[sizeof binlog->base];
    TEXT_COPY(path, binlog->base);
    char *base = strrchr(path, '/');
    if (base == NULL || base == path)
        return FAIL(RC_INVALID, ret_why, "%s is no place of a binary log", path);
    *base++ = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return FAIL(RC_IO, ret_why, "cannot read %s: %s", path, strerror(errno));
    size_t count = 0;
    bool more = false;
    enum rc rc = list(folder, path, base, most, ret_files, &count, &more, ret_why);
    closedir(folder);
    *ret_count = count;
    *ret_more = more;
    return rc;
}
