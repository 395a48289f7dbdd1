#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static msec read_clock(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (msec)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

msec clock_now(void) {
    return read_clock(CLOCK_BOOTTIME);
}

msec clock_wall(void) {
    return read_clock(CLOCK_REALTIME);
}

void clock_format(msec wall, char ret_text[static CLOCK_TEXT_MAX]) {
    time_t seconds = (time_t)(wall / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    char stem[24];
    strftime(stem, sizeof stem, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(ret_text, CLOCK_TEXT_MAX, "%s.%03dZ", stem, (int)(wall % 1000));
}

static const struct unit {
    const char *name;
    msec length;
} units[] = {
    { "ms", 1 },
    { "s", 1000 },
    { "min", 60 * 1000 },
    { "h", 60 * 60 * 1000 },
};

enum rc duration_parse(const char *text, msec *ret_length, struct reason *ret_why) {
    char *end;
    double number = strtod(text, &end);
    /* strtod also takes white space, signs, exponents, hexadecimal and «inf»: only digits and a point are meant here.
     */
    size_t plain = strspn(text, "0123456789.");
    if (!plain || end != text + plain || number > 1e9)
        return FAIL(RC_INVALID, ret_why, "«%.40s» is not a duration; write it like 500ms, 5s, 2min or 1h", text);
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (strcmp(end, units[i].name) == 0) {
            if (number * (double)units[i].length > 1e12) /* what is printed can be read again */
                return FAIL(RC_INVALID, ret_why, "«%.40s» is longer than 30 years", text);
            *ret_length = (msec)(number * (double)units[i].length + 0.5);
            return RC_OK;
        }
    return FAIL(RC_INVALID, ret_why, "«%.40s» has no unit that is known; write it like 500ms, 5s, 2min or 1h", text);
}

void duration_format(msec length, char ret_text[static CLOCK_TEXT_MAX]) {
    if (length && length % (60 * 1000) == 0)
        snprintf(ret_text, CLOCK_TEXT_MAX, "%lldmin", (long long)(length / 60000));
    else if (length && length % 1000 == 0)
        snprintf(ret_text, CLOCK_TEXT_MAX, "%llds", (long long)(length / 1000));
    else
        snprintf(ret_text, CLOCK_TEXT_MAX, "%lldms", (long long)length);
}
