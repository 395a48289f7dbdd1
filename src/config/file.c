/* What touches the file system: the configuration file itself, and password files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "config/config.h"
#include "config/options.h"

enum { FILE_SIZE_MAX = 1 << 20 };

static void close_file(int *fd) {
    if (*fd >= 0)
        close(*fd);
}

static void free_text(char **text) {
    free(*text);
}

/* Opens a plain file that belongs to root, to us or to «owner», and has none of the «forbidden» permissions.  What is
 * checked is what was opened, so that nobody can put another file in its place in between. */
static enum rc open_guarded(const char *file, uid_t owner, mode_t forbidden, const char *advice, int *ret_fd,
                            struct reason *ret_why) {
    /* Another user's link could lead to what only we may read. */
    int follow = owner == geteuid() ? 0 : O_NOFOLLOW;
    CLEANUP(close_file) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | follow);
    struct stat state;
    if (fd < 0 || fstat(fd, &state) != 0)
        return FAIL(errno == ENOENT ? RC_NOT_FOUND : RC_IO, ret_why, "cannot open %s: %s", file, strerror(errno));
    if (!S_ISREG(state.st_mode))
        return FAIL(RC_INVALID, ret_why, "%s is not a file", file);
    if (state.st_uid != 0 && state.st_uid != geteuid() && state.st_uid != owner)
        return FAIL(RC_REFUSED, ret_why, "%s belongs to neither root nor this process's user; chown it", file);
    if (state.st_mode & forbidden)
        return FAIL(RC_REFUSED, ret_why, "%s %s", file, advice);
    *ret_fd = fd;
    fd = -1;
    return RC_OK;
}

/* Reads until the end or until «to» is full; the count, or -1 with errno. */
static ssize_t read_up_to(int fd, char *to, size_t size) {
    size_t used = 0;
    while (used < size) {
        ssize_t got = read(fd, to + used, size - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        used += (size_t)got;
    }
    return (ssize_t)used;
}

enum rc config_read(const char *file, struct settings *ret_settings, struct reason *ret_why) {
    CLEANUP(close_file) int fd = -1;
    enum rc rc = open_guarded(file, geteuid(), S_IWGRP | S_IWOTH,
                              "can be written by others than its owner, and it says which programs run; chmod go-w it",
                              &fd, ret_why);
    if (rc)
        return rc;
    CLEANUP(free_text) char *text = malloc(FILE_SIZE_MAX + 1);
    if (!text)
        abort();
    ssize_t length = read_up_to(fd, text, FILE_SIZE_MAX + 1);
    if (length < 0)
        return FAIL(RC_IO, ret_why, "cannot read %s: %s", file, strerror(errno));
    if (length > FILE_SIZE_MAX)
        return FAIL(RC_INVALID, ret_why, "%s has more than %d bytes", file, FILE_SIZE_MAX);
    if (memchr(text, 0, (size_t)length))
        return FAIL(RC_INVALID, ret_why, "%s is not text: it has a zero byte", file);
    text[length] = 0;
    return config_parse(file, text, ret_settings, ret_why);
}

static enum rc first_line(const char *file, const char *text, size_t length, char *ret_password, size_t size,
                          struct reason *ret_why) {
    const char *end = memchr(text, '\n', length);
    size_t used = end ? (size_t)(end - text) : length;
    if (used && text[used - 1] == '\r')
        used--;
    if (used == 0)
        return FAIL(RC_INVALID, ret_why, "%s: the first line is empty; it should be the password", file);
    if (used >= size)
        return FAIL(RC_INVALID, ret_why, "%s: the password is longer than %zu bytes", file, size - 1);
    if (memchr(text, 0, used))
        return FAIL(RC_INVALID, ret_why, "%s is not text: it has a zero byte", file);
    memcpy(ret_password, text, used);
    ret_password[used] = 0;
    return RC_OK;
}

enum rc config_password(const char *file, char *ret_password, size_t size, struct reason *ret_why) {
    return config_password_of(geteuid(), file, ret_password, size, ret_why);
}

enum rc config_password_of(uid_t owner, const char *file, char *ret_password, size_t size, struct reason *ret_why) {
    CLEANUP(close_file) int fd = -1;
    enum rc rc = open_guarded(file, owner, S_IRWXG | S_IRWXO, "holds a password and is open to others; chmod 600 it",
                              &fd, ret_why);
    if (rc)
        return rc;
    char text[1024];
    ssize_t length = read_up_to(fd, text, sizeof text);
    if (length < 0)
        return FAIL(RC_IO, ret_why, "cannot read %s: %s", file, strerror(errno));
    rc = first_line(file, text, (size_t)length, ret_password, size, ret_why);
    explicit_bzero(text, sizeof text);
    return rc;
}

bool config_expand(const char *pattern, const char *name, char *ret_path, size_t size) {
    if (!name_is_valid(name))
        return false;
    char path[PATH_SIZE] = "";
    const char *hole;
    while ((hole = strstr(pattern, "%h"))) {
        if (!text_append(path, sizeof path, "%.*s%s", (int)(hole - pattern), pattern, name))
            return false;
        pattern = hole + 2;
    }
    return text_append(path, sizeof path, "%s", pattern) && text_copy(ret_path, size, path);
}

/* FNV-1a: it tells files apart that differ by accident, which is all it is for. */
enum rc config_sum(const char *file, char ret_sum[static CONFIG_SUM_SIZE]) {
    CLEANUP(close_file) int fd = -1;
    enum rc rc = open_guarded(file, geteuid(), S_IWGRP | S_IWOTH, "can be written by others", &fd, NULL);
    if (rc)
        return rc;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    char piece[4096];
    for (;;) {
        ssize_t got = read_up_to(fd, piece, sizeof piece);
        if (got < 0)
            return RC_IO;
        for (ssize_t i = 0; i < got; i++)
            sum = (sum ^ (unsigned char)piece[i]) * UINT64_C(0x100000001b3);
        if ((size_t)got < sizeof piece)
            break;
    }
    snprintf(ret_sum, CONFIG_SUM_SIZE, "%016llx", (unsigned long long)sum);
    return RC_OK;
}
