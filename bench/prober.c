/* The prober: an application user's write on every host's own address, every 100 ms, each host in a thread of its own,
 * so that a silent host delays no other.  One row a prober and host is replaced again and again.  overlap.h says what
 * is concluded from the acknowledgements.
 *
 *   mmm-prober --host db1=10.77.0.11 --host db2=10.77.0.12 --password-file F --log LOG
 *              [--prober 1] [--every 100ms] [--timeout 300ms] [--seconds 20]
 *   mmm-prober --report LOG…     the same conclusion from logs, also of several probers on the sides of a cut
 *
 * The conclusion is one line of JSON on stdout at the end (--seconds, SIGTERM, SIGINT). */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "overlap.h"
#include "program.h"

enum { HOSTS_A_PROBER = 100 };

struct target {
    char name[HOST_NAME_SIZE];
    const char *address;
    struct client client;
    int64_t row;
    pthread_t thread;
};

static struct {
    struct target targets[PROBED_HOSTS_MAX];
    int target_count;
    int64_t prober;
    msec every;
    usec end;
    FILE *log; /* one fprintf a line: stdio locks the stream around it */
    const char *log_name;
} prober = { .prober = 1, .every = 100, .end = INT64_MAX };

static struct probe_result probe_once(struct target *target) {
    struct probe_result probe = { .sent = usec_now() };
    char statement[128];
    snprintf(statement, sizeof statement, "REPLACE INTO app.probe (id, sent) VALUES (%" PRId64 ", %" PRId64 ")",
             target->row, probe.sent);
    probe.outcome = client_write(&target->client, statement, &probe.error);
    probe.answered = usec_now();
    return probe;
}

static void log_probe(const struct target *target, const struct probe_result *probe) {
    flockfile(prober.log);
    probe_print(target->name, probe, prober.log);
    funlockfile(prober.log);
}

static void *probe_target(void *context) {
    struct target *target = context;
    usec start = usec_now(), every = prober.every * 1000;
    for (usec next = start; next < prober.end && !program_must_end();) {
        struct probe_result probe = probe_once(target);
        log_probe(target, &probe);
        next = start + ((usec_now() - start) / every + 1) * every;
        usec_sleep_until(next);
    }
    client_close(&target->client);
    mysql_thread_end();
    return NULL;
}

static void add_target(const char *text) {
    const char *equal = strchr(text, '=');
    if (!equal || equal == text || !equal[1] || equal - text >= HOST_NAME_SIZE)
        program_wrong("--host takes NAME=ADDRESS, not «%s»", text);
    if (prober.target_count == PROBED_HOSTS_MAX)
        program_wrong("more than %d hosts", PROBED_HOSTS_MAX);
    struct target *target = &prober.targets[prober.target_count++];
    text_copy(target->name, (size_t)(equal - text) + 1, text);
    target->address = equal + 1;
}

static void run(const struct client_options *common) {
    for (int i = 0; i < prober.target_count; i++) {
        struct target *target = &prober.targets[i];
        struct client_options options = *common;
        options.host = target->address;
        client_init(&target->client, &options);
        target->row = prober.prober * HOSTS_A_PROBER + i + 1;
        if (pthread_create(&target->thread, NULL, probe_target, target))
            program_wrong("cannot start a thread");
    }
    for (int i = 0; i < prober.target_count; i++)
        pthread_join(prober.targets[i].thread, NULL);
}

static void read_log(struct probed *probed, const char *file) {
    FILE *log = program_open(file, "re");
    char line[LINE_SIZE], host[HOST_NAME_SIZE];
    struct probe_result probe;
    while (fgets(line, sizeof line, log))
        if (probe_parse(line, host, &probe) && !probed_add(probed, host, &probe))
            program_wrong("%s names more than %d hosts", file, PROBED_HOSTS_MAX);
    fclose(log);
}

static void report(char **files, int count) {
    static struct probed probed;
    static struct overlaps overlaps;
    for (int i = 0; i < count; i++)
        read_log(&probed, files[i]);
    overlap_find(&probed, &overlaps);
    overlap_print(&probed, &overlaps, stdout);
    probed_done(&probed);
}

enum { O_HOST = 1, O_PORT, O_USER, O_PASSWORD, O_LOG, O_PROBER, O_EVERY, O_TIMEOUT, O_SECONDS, O_REPORT };

static const struct option option_table[] = {
    { "host", required_argument, NULL, O_HOST },
    { "port", required_argument, NULL, O_PORT },
    { "user", required_argument, NULL, O_USER },
    { "password-file", required_argument, NULL, O_PASSWORD },
    { "log", required_argument, NULL, O_LOG },
    { "prober", required_argument, NULL, O_PROBER },
    { "every", required_argument, NULL, O_EVERY },
    { "timeout", required_argument, NULL, O_TIMEOUT },
    { "seconds", required_argument, NULL, O_SECONDS },
    { "report", no_argument, NULL, O_REPORT },
    { NULL, 0, NULL, 0 },
};

int main(int argc, char **argv) {
    static char password[PASSWORD_SIZE];
    struct client_options options = { .port = 3306, .user = "app", .database = "app", .timeout = 300 };
    bool only_report = false;
    int option;
    while ((option = getopt_long(argc, argv, "", option_table, NULL)) != -1) {
        switch (option) {
        case O_HOST:
            add_target(optarg);
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
            prober.log = program_open(optarg, "we");
            prober.log_name = optarg;
            break;
        case O_PROBER:
            prober.prober = program_number("--prober", optarg, 1, 1000000);
            break;
        case O_EVERY:
            prober.every = program_duration("--every", optarg);
            break;
        case O_TIMEOUT:
            options.timeout = program_duration("--timeout", optarg);
            break;
        case O_SECONDS:
            prober.end = usec_now() + program_number("--seconds", optarg, 1, 1000000) * 1000000;
            break;
        case O_REPORT:
            only_report = true;
            break;
        default:
            return 2;
        }
    }
    if (only_report) {
        report(argv + optind, argc - optind);
        return 0;
    }
    if (!prober.target_count || !prober.log || prober.every < 1 || optind != argc)
        program_wrong("needs --host, --log and --every of 1ms at the least; see the head of prober.c");
    setvbuf(prober.log, NULL, _IOLBF, 0);
    mysql_library_init(0, NULL, NULL); /* before threads: it is not safe within them */
    program_catch_end();
    run(&options);
    fclose(prober.log);
    report((char *[]){ (char *)(uintptr_t)prober.log_name }, 1);
    return 0;
}
