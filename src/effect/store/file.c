#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "effect/store/store.h"

static void fd_close(const int *fd) {
    if (*fd >= 0)
        close(*fd);
}

static bool write_all(int fd, const char *text, size_t length) {
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

/* The name is durable only when the folder that holds it is. */
static enum rc folder_sync(const char *path, struct reason *ret_why) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    snprintf(folder, sizeof folder, "%.*s", length, slash == NULL ? "." : path);
    int fd CLEANUP(fd_close) = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return FAIL(RC_IO, ret_why, "%s: cannot make the folder durable: %s", folder, strerror(errno));
    return RC_OK;
}

static enum rc write_beside(const char *path, const char *text, size_t length, struct reason *ret_why) {
    int fd CLEANUP(fd_close) = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || !write_all(fd, text, length) || fsync(fd) != 0)
        return FAIL(RC_IO, ret_why, "%s: cannot write: %s", path, strerror(errno));
    return RC_OK;
}

enum rc file_replace(const char *path, const char *text, size_t length, struct reason *ret_why) {
    /* One fixed name beside it: what a crash leaves there, the next replacement overwrites. */
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
        return FAIL(RC_INVALID, ret_why, "%.80s…: the path is too long", path);
    enum rc rc = write_beside(beside, text, length, ret_why);
    if (rc == RC_OK && rename(beside, path) != 0)
        rc = FAIL(RC_IO, ret_why, "%s: cannot replace: %s", path, strerror(errno));
    if (rc != RC_OK) {
        unlink(beside);
        return rc;
    }
    return folder_sync(path, ret_why);
}

/* Reads to the end, at most size bytes; negative with errno set when it fails. */
static ssize_t read_all(int fd, char *to, size_t size) {
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

enum rc file_read(const char *path, size_t most, char **ret_text, struct reason *ret_why) {
    /* Not blocking, for the case that the path names a pipe that nobody writes to. */
    int fd CLEANUP(fd_close) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return FAIL(errno == ENOENT ? RC_NOT_FOUND : RC_IO, ret_why, "%s: cannot open: %s", path, strerror(errno));
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return FAIL(RC_INVALID, ret_why, "%s: is not a regular file", path);
    char *text = malloc(most + 2);
    if (text == NULL)
        abort();
    ssize_t length = read_all(fd, text, most + 1);
    enum rc rc = RC_OK;
    if (length < 0)
        rc = FAIL(RC_IO, ret_why, "%s: cannot read: %s", path, strerror(errno));
    else if ((size_t)length > most)
        rc = FAIL(RC_INVALID, ret_why, "%s: is longer than %zu bytes", path, most);
    else if (memchr(text, 0, (size_t)length) != NULL)
        /* Some file systems leave zeros where a crash lost the data. */
        rc = FAIL(RC_INVALID, ret_why, "%s: holds a zero byte: it is damaged, or is no text", path);
    if (rc != RC_OK) {
        free(text);
        return rc;
    }
    text[length] = 0;
    *ret_text = text;
    return RC_OK;
}
