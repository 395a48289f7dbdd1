/* argv → one call of one command.  Options stand anywhere; what is not understood is wrong usage, never a guess. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/cli.h"
#include "app/cli/commands.h"
#include "base/text.h"

#define CONFIG_FILE "/etc/mmm/mmm.ini"

#define GRACE_MOST SECONDS(3600)

enum { EVENTS_SHOWN = 40, EVENTS_SHOWN_MAX = 200 };

static const struct option_spec {
    const char *name;
    enum cli_option option;
    bool has_value;
} option_specs[] = {
    { "--config", OPTION_CONFIG, true },    { "--cluster", OPTION_CLUSTER, true },
    { "--host", OPTION_HOST, true },        { "--most", OPTION_MOST, true },
    { "--dir", OPTION_DIR, true },          { "--json", OPTION_JSON, false },
    { "--watch", OPTION_WATCH, false },     { "--follow", OPTION_FOLLOW, false },
    { "--dry-run", OPTION_DRY_RUN, false }, { "--force", OPTION_FORCE, false },
    { "--help", OPTION_HELP, false },       { "-h", OPTION_HELP, false },
    { "--version", OPTION_VERSION, false }, { "--release", OPTION_RELEASE, false },
    { "--from", OPTION_FROM, true },        { "--to", OPTION_TO, true },
    { "--all", OPTION_ALL, false },         { "--grace", OPTION_GRACE, true },
    { "--kill", OPTION_KILL, false },       { "--yes", OPTION_YES, false },
};

enum { OPTIONS_OF_ALL = OPTION_CONFIG | OPTION_CLUSTER | OPTION_HELP | OPTION_VERSION };

const char *nearest_name(const char *word, const char *const *names, size_t count) {
    const char *best = NULL;
    unsigned best_distance = (unsigned)strlen(word) / 2 + 1;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = text_distance(word, names[i]);
        if (distance < best_distance) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}

int call_failed(const struct cli_call *call, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("mmm: ", call->err);
    vfprintf(call->err, format, args);
    fputc('\n', call->err);
    va_end(args);
    return EXIT_FAILED;
}

int call_misused(const struct cli_call *call, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("mmm: ", call->err);
    vfprintf(call->err, format, args);
    va_end(args);
    if (call->command) {
        fputs("; usage: ", call->err);
        cli_command_usage(call->err, call->command);
    }
    fputc('\n', call->err);
    return EXIT_USAGE;
}

static enum rc read_settings(const struct cli_call *call, struct settings *ret_settings, struct reason *ret_why) {
    if (access(call->file, F_OK) != 0)
        return FAIL(RC_NOT_FOUND, ret_why, "no configuration at %s: %s; name it with --config F or in $MMM_CONFIG",
                    call->file, strerror(errno));
    enum rc rc = config_read(call->file, ret_settings, ret_why);
    if (rc != RC_OK)
        return rc;
    const char *name = ret_settings->cluster.name;
    if (call->cluster && !text_equal(call->cluster, name))
        return FAIL(RC_REFUSED, ret_why,
                    "%s is the configuration of cluster %s, not of %s: give that one's file with "
                    "--config F",
                    call->file, name, call->cluster);
    return RC_OK;
}

enum rc call_read_settings(struct cli_call *call, const struct settings **ret_settings, struct reason *ret_why) {
    if (!call->settings) {
        struct settings *settings = calloc(1, sizeof *settings);
        if (!settings)
            abort();
        enum rc rc = read_settings(call, settings, ret_why);
        if (rc != RC_OK) {
            free(settings);
            return rc;
        }
        call->settings = settings;
    }
    *ret_settings = call->settings;
    return RC_OK;
}

const struct settings *call_settings(struct cli_call *call) {
    const struct settings *settings;
    struct reason why;
    if (call_read_settings(call, &settings, &why) == RC_OK)
        return settings;
    call_failed(call, "%s", why.text);
    return NULL;
}

static const struct option_spec *find_option(const char *word, size_t length) {
    for (size_t i = 0; i < COUNT_OF(option_specs); i++)
        if (strlen(option_specs[i].name) == length && strncmp(option_specs[i].name, word, length) == 0)
            return &option_specs[i];
    return NULL;
}

static int unknown_option(const struct cli_call *call, const char *word) {
    const char *names[COUNT_OF(option_specs)];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        names[i] = option_specs[i].name;
    const char *nearest = nearest_name(word, names, COUNT_OF(names));
    if (nearest)
        return call_misused(call, "there is no option «%s»; did you mean %s?", word, nearest);
    return call_misused(call, "there is no option «%s»; `mmm help` lists the commands and their options", word);
}

static int take_most(struct cli_call *call, const char *value) {
    char *end;
    errno = 0;
    unsigned long number = strtoul(value, &end, 10);
    if (errno || *end || value[0] < '0' || value[0] > '9' || number < 1 || number > EVENTS_SHOWN_MAX)
        return call_misused(call, "--most takes a number from 1 to %d, not «%s»", EVENTS_SHOWN_MAX, value);
    call->most = (unsigned)number;
    return EXIT_DONE;
}

static int take_grace(struct cli_call *call, const char *value) {
    struct reason why = { "" };
    if (duration_parse(value, &call->grace, &why) == RC_OK && call->grace >= 0 && call->grace <= GRACE_MOST)
        return EXIT_DONE;
    return call_misused(call, "--grace takes a time up to an hour, such as 30s or 5min, not «%s»", value);
}

static int take_option(struct cli_call *call, enum cli_option option, const char *value) {
    call->given |= (unsigned)option;
    switch (option) {
    case OPTION_CONFIG:
        call->file = value;
        return EXIT_DONE;
    case OPTION_CLUSTER:
        call->cluster = value;
        return EXIT_DONE;
    case OPTION_HOST:
        call->host = value;
        return EXIT_DONE;
    case OPTION_DIR:
        call->dir = value;
        return EXIT_DONE;
    case OPTION_FROM:
        call->from = value;
        return EXIT_DONE;
    case OPTION_TO:
        call->to = value;
        return EXIT_DONE;
    case OPTION_MOST:
        return take_most(call, value);
    case OPTION_GRACE:
        return take_grace(call, value);
    case OPTION_JSON:
    case OPTION_WATCH:
    case OPTION_FOLLOW:
    case OPTION_DRY_RUN:
    case OPTION_FORCE:
    case OPTION_HELP:
    case OPTION_VERSION:
    case OPTION_RELEASE:
    case OPTION_ALL:
    case OPTION_KILL:
    case OPTION_YES:
        return EXIT_DONE;
    }
    return EXIT_DONE;
}

/* Reads the option at argv[*at]; its value may be the next word, then *at moves. */
static int read_option(struct cli_call *call, int argc, char *const argv[], int *at) {
    const char *word = argv[*at];
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const struct option_spec *spec = find_option(word, length);
    if (!spec)
        return unknown_option(call, word);
    if (!spec->has_value) {
        if (equals)
            return call_misused(call, "%s takes no value", spec->name);
        return take_option(call, spec->option, NULL);
    }
    const char *value = equals ? equals + 1 : *at + 1 < argc ? argv[++*at] : "";
    if (!value[0])
        return call_misused(call, "%s needs a value", spec->name);
    return take_option(call, spec->option, value);
}

static int read_argument(struct cli_call *call, const char *word) {
    if (call->count >= ARGUMENTS_MAX)
        return call_misused(call, "that is more than any command takes");
    if (call->command) {
        call->arguments[call->count++] = word;
        return EXIT_DONE;
    }
    call->command = cli_command_find(word);
    if (call->command)
        return EXIT_DONE;
    const char *nearest = cli_command_nearest(word);
    if (nearest)
        return call_misused(call, "there is no command «%s»; did you mean `mmm %s`? `mmm help` lists all", word,
                            nearest);
    return call_misused(call, "there is no command «%s»; `mmm help` lists all", word);
}

static int read_words(struct cli_call *call, int argc, char *const argv[]) {
    bool options_end = false;
    for (int i = 1; i < argc; i++) {
        int status;
        if (!options_end && text_equal(argv[i], "--")) {
            options_end = true;
            continue;
        }
        if (!options_end && argv[i][0] == '-' && argv[i][1])
            status = read_option(call, argc, argv, &i);
        else
            status = read_argument(call, argv[i]);
        if (status != EXIT_DONE)
            return status;
    }
    return EXIT_DONE;
}

static int check_fit(const struct cli_call *call) {
    unsigned strange = call->given & ~(call->command->options | OPTIONS_OF_ALL);
    for (size_t i = 0; i < COUNT_OF(option_specs); i++)
        if (strange & option_specs[i].option)
            return call_misused(call, "%s has no option %s", call->command->name, option_specs[i].name);
    if (call->count < call->command->least)
        return call_misused(call, "%s needs more: %s", call->command->name, call->command->arguments);
    if (call->count > call->command->most)
        return call_misused(call, "%s does not take «%s»", call->command->name, call->arguments[call->command->most]);
    return EXIT_DONE;
}

/* --help and --version are the commands of these names, whatever else was said. */
static int redirect(struct cli_call *call) {
    if (call_has(call, OPTION_VERSION)) {
        call->command = cli_command_find("version");
        call->count = 0;
    } else if (call_has(call, OPTION_HELP)) {
        call->count = call->command != NULL;
        call->arguments[0] = call->command ? call->command->name : NULL;
        call->command = cli_command_find("help");
    } else if (!call->command) {
        return call_misused(call, "say what to do: `mmm show` shows the cluster, `mmm help` lists all commands");
    } else {
        return check_fit(call);
    }
    return EXIT_DONE;
}

int cli_run(int argc, char *const argv[], FILE *out, FILE *err, const struct cli_daemons *daemons) {
    const char *file = getenv("MMM_CONFIG");
    struct cli_call call = {
        .out = out,
        .err = err,
        .daemons = daemons,
        .file = file && file[0] ? file : CONFIG_FILE,
        .most = EVENTS_SHOWN,
    };
    int status = read_words(&call, argc, argv);
    if (status == EXIT_DONE)
        status = redirect(&call);
    if (status == EXIT_DONE)
        status = call.command->run(&call);
    free(call.settings);
    if (fflush(out) != 0 && status == EXIT_DONE)
        status = call_failed(&call, "cannot write the answer: %s", strerror(errno));
    return status;
}
