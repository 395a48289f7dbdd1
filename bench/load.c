/* The load client: inserts numbered rows through one address (the writer's), one every few milliseconds, and remembers
 * what became of each.  Any error closes the connection; the next attempt is at the next tick.  No number is used
 * twice, whatever became of it: so a row that the server has is one that was sent once.
 *
 *   mmm-load --host 10.77.0.50 --password-file F --log LOG [--client 1] [--every 5ms] [--timeout 300ms] [--seconds 20]
 *   mmm-load --report LOG        the summary of a log, also of one that is still being written
 *
 * Each attempt is a line in the log as soon as it is answered (outages.h).  At the end (--seconds, SIGTERM, SIGINT) the
 * summary is one line of JSON on stdout.  Rows of client N have the numbers N * CLIENT_SPAN + 1 and on. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "outages.h"
#include "program.h"

static const int64_t CLIENT_SPAN = INT64_C(1000000000000);

struct load {
    struct client client;
    int64_t client_number;
    int64_t first; /* counted from 1 */
    msec every;
    msec length; /* NEVER: until a signal */
    FILE *log;
};

/* Too large for a stack. */
static struct outages sum;

static struct attempt insert_row(struct load *load, int64_t number) {
    struct attempt attempt = { .id = load->client_number * CLIENT_SPAN + number, .sent = usec_now() };
    char statement[160];
    snprintf(statement, sizeof statement,
             "INSERT INTO app.ledger (id, client, sent) VALUES (%" PRId64 ", %" PRId64 ", %" PRId64 ")", attempt.id,
             load->client_number, attempt.sent);
    attempt.outcome = client_write(&load->client, statement, &attempt.error);
    attempt.answered = usec_now();
    return attempt;
}

/* Ticks stand on a grid, so that a slow answer delays the next attempt to the next tick and does not shift the rest. */
static void run(struct load *load) {
    usec start = usec_now(), every = load->every * 1000;
    usec end = load->length == NEVER ? INT64_MAX : start + load->length * 1000;
    for (int64_t number = load->first; !program_must_end(); number++) {
        struct attempt attempt = insert_row(load, number);
        attempt_print(&attempt, load->log);
        outages_add(&sum, &attempt);
        usec next = start + ((usec_now() - start) / every + 1) * every;
        if (next >= end)
            break;
        usec_sleep_until(next);
    }
}

static void report_log(const char *file) {
    FILE *log = program_open(file, "re");
    char line[LINE_SIZE];
    struct attempt attempt;
    while (fgets(line, sizeof line, log))
        if (attempt_parse(line, &attempt)) /* the last line may be half written */
            outages_add(&sum, &attempt);
    fclose(log);
}

enum { O_HOST = 1, O_PORT, O_USER, O_PASSWORD, O_LOG, O_CLIENT, O_FIRST, O_EVERY, O_TIMEOUT, O_SECONDS, O_REPORT };

static const struct option option_table[] = {
    { "host", required_argument, NULL, O_HOST },       { "port", required_argument, NULL, O_PORT },
    { "user", required_argument, NULL, O_USER },       { "password-file", required_argument, NULL, O_PASSWORD },
    { "log", required_argument, NULL, O_LOG },         { "client", required_argument, NULL, O_CLIENT },
    { "first", required_argument, NULL, O_FIRST },     { "every", required_argument, NULL, O_EVERY },
    { "timeout", required_argument, NULL, O_TIMEOUT }, { "seconds", required_argument, NULL, O_SECONDS },
    { "report", required_argument, NULL, O_REPORT },   { NULL, 0, NULL, 0 },
};

int main(int argc, char **argv) {
    static char password[PASSWORD_SIZE];
    struct client_options options = { .port = 3306, .user = "app", .database = "app", .timeout = 300 };
    struct load load = { .client_number = 1, .first = 1, .every = 5, .length = NEVER };
    const char *report = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", option_table, NULL)) != -1) {
        switch (option) {
        case O_HOST:
            options.host = optarg;
            break;
        case O_PORT:
            options.port = (unsigned)program_number("--port", optarg, 1, 65535);
            break;
        case O_USER:
            options.user = optarg;
            break;
        case O_PASSWORD:
            program_password(optarg, password);
            options.password = password;
            break;
        case O_LOG:
            load.log = program_open(optarg, "we");
            break;
        case O_CLIENT:
            load.client_number = program_number("--client", optarg, 1, 1000000);
            break;
        case O_FIRST:
            load.first = program_number("--first", optarg, 1, CLIENT_SPAN / 2);
            break;
        case O_EVERY:
            load.every = program_duration("--every", optarg);
            break;
        case O_TIMEOUT:
            options.timeout = program_duration("--timeout", optarg);
            break;
        case O_SECONDS:
            load.length = SECONDS(program_number("--seconds", optarg, 1, 1000000));
            break;
        case O_REPORT:
            report = optarg;
            break;
        default:
            return 2;
        }
    }
    if (report) {
        report_log(report);
    } else {
        if (!options.host || !load.log || load.every < 1 || optind != argc)
            program_wrong("needs --host, --log and --every of 1ms at the least; see the head of load.c");
        setvbuf(load.log, NULL, _IOLBF, 0);
        client_init(&load.client, &options);
        program_catch_end();
        run(&load);
        client_close(&load.client);
        fclose(load.log);
    }
    outages_end(&sum);
    outages_print(&sum, stdout);
    return 0;
}
