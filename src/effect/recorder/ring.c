#include "effect/recorder/ring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

struct ring {
    int folder;
    uint64_t files, bytes, oldest, newest; /* numbers from 1; 0: there is none */
};

static void fd_close(const int *fd) {
    if (*fd >= 0)
        close(*fd);
}

/* 0: not a file of a ring. */
static uint64_t number_of(const char *name) {
    char *end;
    if (name[0] < '0' || name[0] > '9')
        return 0;
    unsigned long long number = strtoull(name, &end, 10);
    return text_equal(end, RECORDING_ENDING) && number < UINT32_MAX ? number : 0;
}

static void name_of(uint64_t number, char ret_name[static 32]) {
    snprintf(ret_name, 32, "%08llu" RECORDING_ENDING, (unsigned long long)number);
}

static void count_file(struct ring *ring, const char *name) {
    struct stat status;
    uint64_t number = number_of(name);
    if (!number || fstatat(ring->folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return;
    ring->files++;
    ring->bytes += (uint64_t)status.st_size;
    if (!ring->oldest || number < ring->oldest)
        ring->oldest = number;
    if (number > ring->newest)
        ring->newest = number;
}

static enum rc look(const char *path, struct ring *ring, struct reason *ret_why) {
    DIR *folder = opendir(path);
    if (!folder)
        return FAIL(RC_IO, ret_why, "%s: cannot read the folder: %s", path, strerror(errno));
    *ring = (struct ring){ .folder = ring->folder };
    for (struct dirent *entry; (entry = readdir(folder));)
        count_file(ring, entry->d_name);
    closedir(folder);
    return RC_OK;
}

static enum rc make_room(const struct recorder_options *options, uint64_t most, struct ring *ring,
                         struct reason *ret_why) {
    enum rc rc = look(options->folder, ring, ret_why);
    while (!rc && ring->oldest && (ring->bytes + most > options->limit || ring->files >= RING_FILES_MOST)) {
        char name[32];
        uint64_t newest = ring->newest;
        name_of(ring->oldest, name);
        if (unlinkat(ring->folder, name, 0) != 0)
            return FAIL(RC_IO, ret_why, "%s/%s: cannot remove it: %s", options->folder, name, strerror(errno));
        rc = look(options->folder, ring, ret_why);
        ring->newest = newest;
    }
    return rc;
}

enum rc ring_next_file(const struct recorder_options *options, uint64_t most, struct recording_writer **ret_writer,
                       struct reason *ret_why) {
    struct ring ring = { 0 };
    if (mkdir(options->folder, 0700) != 0 && errno != EEXIST)
        return FAIL(RC_IO, ret_why, "%s: cannot make the folder: %s", options->folder, strerror(errno));
    int folder CLEANUP(fd_close) = open(options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (folder < 0)
        return FAIL(RC_IO, ret_why, "%s: %s", options->folder, strerror(errno));
    ring.folder = folder;
    enum rc rc = make_room(options, most, &ring, ret_why);
    if (rc)
        return rc;
    char name[32], path[PATH_MAX];
    name_of(ring.newest + 1, name);
    if (snprintf(path, sizeof path, "%s/%s", options->folder, name) >= (int)sizeof path)
        return FAIL(RC_INVALID, ret_why, "%.80s…: the path is too long", options->folder);
    return recording_create(path, options->shape, ring.newest + 1, ret_writer, ret_why);
}
