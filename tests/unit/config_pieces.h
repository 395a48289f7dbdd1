/* What the tests of the configuration share: a whole file in pieces, so that a case can leave one out or put another in
 * its place, and the two ways in. */
#ifndef MMM_TESTS_CONFIG_PIECES_H
#define MMM_TESTS_CONFIG_PIECES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "config/config.h"

#define CLUSTER "[cluster]\nname = shop\n"
#define MONITOR "[monitor]\naddress = 10.0.0.9\n"
#define DEFAULTS "[host default]\ninterface = eth0\n"
#define DB1 "[host db1]\naddress = 10.0.0.1\nmode = master\n"
#define DB2 "[host db2]\naddress = 10.0.0.2\nmode = master\n"
#define DB3 "[host db3]\naddress = 10.0.0.3\nmode = replica\n"
#define HOSTS DEFAULTS DB1 DB2 DB3
#define WRITER "[role writer]\nmode = exclusive\nhosts = db1, db2\naddresses = 10.0.0.50/24\n"
#define WRITER_OF_DB1 "[role writer]\nmode = exclusive\nhosts = db1\naddresses = 10.0.0.50/24\n"
#define READER "[role reader]\nmode = balanced\nhosts = db1, db2, db3\naddresses = 10.0.0.51/24, 10.0.0.52/24\n"
#define BASE CLUSTER MONITOR HOSTS
#define WHOLE BASE WRITER READER

static inline char *read_text(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s", path);
    static char text[65536];
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    return text;
}

static inline struct settings parse(const char *text) {
    struct settings settings;
    struct reason why = { "" };
    if (config_parse("shop.ini", text, &settings, &why))
        fail_msg("refused: %s", why.text);
    return settings;
}

static inline void refused(const char *text, const char *expected) {
    struct settings settings;
    struct reason why = { "" };
    if (!config_parse("shop.ini", text, &settings, &why))
        fail_msg("accepted, where this was expected: %s", expected);
    if (!text_equal(why.text, expected))
        fail_msg("\n  it says:  %s\n  expected: %s", why.text, expected);
}

#endif
