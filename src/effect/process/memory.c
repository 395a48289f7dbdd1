#include "effect/process/memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"

void memory_keep_small(void) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024);
}

void memory_return_heap(void) {
    enum { EVERY = 10 * 1000 };
    static msec last;
    msec now = clock_now();
    if (now - last < EVERY)
        return;
    last = now;
    (void)malloc_trim(0);
}

void memory_return_code(void) {
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return;
    char line[512];
    while (fgets(line, sizeof line, maps)) {
        uintmax_t start, end;
        char rights[5];
        bool whole = strchr(line, '\n') != NULL;
        /* «start-end r-xp offset device inode path»: with an inode it is a file, which the kernel can read again. */
        unsigned long inode = 0;
        if (whole && sscanf(line, "%jx-%jx %4s %*s %*s %lu", &start, &end, rights, &inode) == 4 && inode &&
            strcmp(rights, "r-xp") == 0)
            (void)madvise((void *)(uintptr_t)start, (size_t)(end - start), MADV_DONTNEED);
    }
    fclose(maps);
}
