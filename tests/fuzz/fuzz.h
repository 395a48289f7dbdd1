/* What the targets share.  Each target is a file with one LLVMFuzzerTestOneInput; linked with libFuzzer (meson option
 * «fuzz», run by tests/fuzz/run) it searches, linked with standalone.c it is a fast test over its corpus and fixed
 * mutations of that. */
#ifndef MMM_TESTS_FUZZ_H
#define MMM_TESTS_FUZZ_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/cluster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Malloc'ed copies that end exactly where they do, so that the address sanitizer sees one byte too far: the bytes, and
 * the bytes with a zero behind them. */
uint8_t *fuzz_bytes(const uint8_t *data, size_t size);
char *fuzz_text(const uint8_t *data, size_t size);

/* «shop» as in tests/golden/wire: masters db1 and db2, replicas db3 and db4; writer address 10.77.0.50, readers
 * 10.77.0.51, 10.77.0.52 and fd00::53. */
const struct cluster *fuzz_cluster(void);

/* The next line of a story, cut off in place; NULL at its end. */
char *fuzz_line(char **rest);
/* «+N» is N milliseconds, at most ten minutes; -1: the line says something else. */
msec fuzz_pause(const char *line);

#endif
