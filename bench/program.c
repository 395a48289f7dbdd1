#include "program.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t end_asked;

void program_wrong(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

msec program_duration(const char *option, const char *text) {
    struct reason why;
    msec length;
    if (duration_parse(text, &length, &why) != RC_OK)
        program_wrong("%s: %s", option, why.text);
    return length;
}

int64_t program_number(const char *option, const char *text, int64_t least, int64_t most) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < least || number > most)
        program_wrong("%s takes a number from %lld to %lld, not «%s»", option, (long long)least, (long long)most, text);
    return number;
}

void program_password(const char *file, char ret_password[static PASSWORD_SIZE]) {
    FILE *in = program_open(file, "re");
    if (!fgets(ret_password, PASSWORD_SIZE, in))
        program_wrong("%s holds no password", file);
    ret_password[strcspn(ret_password, "\n")] = 0;
    fclose(in);
}

FILE *program_open(const char *file, const char *mode) {
    FILE *stream = fopen(file, mode);
    if (!stream)
        program_wrong("cannot open %s: %s", file, strerror(errno));
    return stream;
}

static void ask_to_end(int number) {
    (void)number;
    end_asked = 1;
}

void program_catch_end(void) {
    struct sigaction ask = { .sa_handler = ask_to_end };
    sigaction(SIGTERM, &ask, NULL);
    sigaction(SIGINT, &ask, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool program_must_end(void) {
    return end_asked;
}
