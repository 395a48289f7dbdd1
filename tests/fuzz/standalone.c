/* A target as an ordinary test: its corpus, and mutations of it that are the same in every run.
 * Usage: TARGET [-n MUTATIONS] FILE|FOLDER…   An input that ends the process is kept as crash-of-TARGET. */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUTS_MOST = 64, INPUT_MOST = 64 * 1024, CHANGES_MOST = 4, PATH_MOST = 4096 };

struct input {
    size_t size;
    uint8_t bytes[INPUT_MOST];
};

static struct input inputs[INPUTS_MOST];
static size_t input_count;
static struct input current;
static const char *target;

/* The sanitizers' own words, so that a finding ends the process and the handler below sees it. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void) {
    return "abort_on_error=1";
}

const char *__ubsan_default_options(void) {
    return "halt_on_error=1:abort_on_error=1:print_stacktrace=1";
}

/* Only calls that a signal handler may make. */
static void on_crash(int number) {
    static char path[PATH_MOST] = "crash-of-";
    strncat(path, target, sizeof path - strlen(path) - 1);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t written = fd < 0 ? -1 : write(fd, current.bytes, current.size);
    static const char text[] = "the input is kept as crash-of-TARGET in the working folder\n";
    if (written >= 0)
        written = write(STDERR_FILENO, text, sizeof text - 1);
    signal(number, SIG_DFL);
    raise(number);
}

/* xorshift64*: the same numbers in every run. */
static uint64_t next_number(uint64_t most) {
    static uint64_t state = 20261122;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717) % (most + 1);
}

/* Puts count bytes in the place of «taken» bytes at «at», as far as there is room. */
static void replace(struct input *input, size_t at, size_t taken, const uint8_t *bytes, size_t count) {
    if (at > input->size || taken > input->size - at || input->size - taken + count > INPUT_MOST)
        return;
    memmove(input->bytes + at + count, input->bytes + at + taken, input->size - at - taken);
    memcpy(input->bytes + at, bytes, count);
    input->size += count - taken;
}

/* A number in the text becomes one at an edge, where mistakes are. */
static void change_number(struct input *input, size_t at) {
    static const char *const edges[] = { "0",
                                         "1",
                                         "-1",
                                         "65536",
                                         "2147483648",
                                         "4294967295",
                                         "9007199254740991",
                                         "9223372036854775807",
                                         "18446744073709551616",
                                         "1e400" };
    size_t end;
    while (at < input->size && (input->bytes[at] < '0' || input->bytes[at] > '9'))
        at++;
    for (end = at; end < input->size && input->bytes[end] >= '0' && input->bytes[end] <= '9';)
        end++;
    const char *edge = edges[next_number(sizeof edges / sizeof *edges - 1)];
    replace(input, at, end - at, (const uint8_t *)edge, strlen(edge));
}

/* A piece of any input, put in. */
static void insert_piece(struct input *input, size_t at) {
    static uint8_t piece[512];
    const struct input *other = &inputs[next_number(input_count - 1)];
    size_t from = next_number(other->size), count = next_number(other->size - from);
    if (count > sizeof piece)
        count = sizeof piece;
    memcpy(piece, other->bytes + from, count);
    replace(input, at, 0, piece, count);
}

static size_t line_end(const struct input *input, size_t at) {
    while (at < input->size && input->bytes[at] != '\n')
        at++;
    return at < input->size ? at + 1 : at;
}

/* A whole line of any input, put in between two. */
static void insert_line(struct input *input, size_t at) {
    static uint8_t line[INPUT_MOST];
    const struct input *other = &inputs[next_number(input_count - 1)];
    size_t from = line_end(other, next_number(other->size)), end = line_end(other, from);
    memcpy(line, other->bytes + from, end - from);
    replace(input, line_end(input, at), 0, line, end - from);
}

static void change(struct input *input) {
    size_t at = next_number(input->size), left = input->size - at;
    uint8_t byte = (uint8_t)next_number(255);
    switch (next_number(7)) {
    case 0:
        replace(input, at, left > 0, &byte, 1);
        break;
    case 1:
        replace(input, at, 0, &byte, 1);
        break;
    case 2:
        replace(input, at, next_number(left < 16 ? left : 16), &byte, 0);
        break;
    case 3:
        if (left > 0)
            input->bytes[at] ^= (uint8_t)(1u << next_number(7));
        break;
    case 4:
        insert_piece(input, at);
        break;
    case 5:
        insert_line(input, at);
        break;
    case 6:
        replace(input, at, line_end(input, at) - at, &byte, 0);
        break;
    default:
        change_number(input, at);
    }
}

static void choose(const struct input *input) {
    current.size = input->size;
    memcpy(current.bytes, input->bytes, input->size);
}

static void run(void) {
    uint8_t *copy = fuzz_bytes(current.bytes, current.size);
    LLVMFuzzerTestOneInput(copy, current.size);
    free(copy);
}

static void read_input(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || input_count == INPUTS_MOST) {
        fprintf(stderr, "%s: %s\n", path, file ? "more inputs than this reads" : strerror(errno));
        exit(1);
    }
    struct input *input = &inputs[input_count++];
    input->size = fread(input->bytes, 1, INPUT_MOST, file);
    fclose(file);
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* In the order of the names, so that the numbers fall alike everywhere. */
static void read_inputs(const char *path) {
    struct stat about;
    if (stat(path, &about) || !S_ISDIR(about.st_mode)) {
        read_input(path);
        return;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        char name[PATH_MOST];
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        read_input(name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int argc, char *argv[]) {
    unsigned long mutations = 0;
    const char *slash = strrchr(argv[0], '/');
    target = slash ? slash + 1 : argv[0];
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
            mutations = strtoul(argv[++i], NULL, 10);
        else
            read_inputs(argv[i]);
    if (input_count == 0) {
        fprintf(stderr, "usage: %s [-n MUTATIONS] FILE|FOLDER…; there was no input\n", target);
        return 2;
    }
    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    for (size_t i = 0; i < input_count; i++) {
        choose(&inputs[i]);
        run();
    }
    for (unsigned long i = 0; i < mutations; i++) {
        choose(&inputs[next_number(input_count - 1)]);
        for (uint64_t changes = next_number(CHANGES_MOST - 1) + 1; changes > 0; changes--)
            change(&current);
        run();
    }
    printf("%zu inputs and %lu mutations of them\n", input_count, mutations);
    return 0;
}
