#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "effect/process/process.h"

/* An open file description's lock, unlike a process's, is not lost when another descriptor of the file is closed. */
static int lock_try(int fd) {
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    return fcntl(fd, F_OFD_SETLK, &whole);
}

/* The holder wrote its number into the file; its name is asked of the kernel. */
static void name_holder(int fd, char *ret_name, size_t size) {
    char text[32] = "";
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    long pid = length > 0 ? strtol(text, NULL, 10) : 0;
    snprintf(ret_name, size, "another process");
    if (pid <= 0)
        return;
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    int comm = open(path, O_RDONLY | O_CLOEXEC);
    if (comm >= 0) {
        length = read(comm, name, sizeof name - 1);
        name[length > 0 ? strcspn(name, "\n") : 0] = 0;
        close(comm);
    }
    snprintf(ret_name, size, "process %ld (%s)", pid, name[0] ? name : "its name is unknown");
}

enum rc process_lock(const char *path, int *ret_fd, struct reason *ret_why) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return FAIL(RC_IO, ret_why, "%s: cannot open the lock file: %s", path, strerror(errno));
    if (lock_try(fd) != 0) {
        int error = errno;
        char holder[96];
        name_holder(fd, holder, sizeof holder);
        close(fd);
        if (error == EAGAIN || error == EACCES)
            return FAIL(RC_CONFLICT, ret_why, "%s: is held by %s", path, holder);
        return FAIL(RC_IO, ret_why, "%s: cannot lock: %s", path, strerror(error));
    }
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* Without the number the lock holds all the same; a full disk must not keep a daemon from starting. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length)
        (void)ftruncate(fd, 0);
    *ret_fd = fd;
    return RC_OK;
}
