/* The check after a run: is every acknowledged row on the final writer exactly once, and do all hosts hold the same?
 *
 *   mmm-check --log LOG… --host db1=/path/of/its/socket --host db2=… --writer db1 [--user root] [--wait 10s]
 *
 * Logs are those of mmm-load.  Hosts are read through their unix sockets, so that a cut network hides nothing.  A host
 * that lags gets --wait to catch up; the probers and loads must have ended.  Prints one line of JSON; status 0 when
 * nothing is lost or altered and the data are the same, 1 when not, 3 when a host could not be read. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "outages.h"
#include "program.h"

enum { HOSTS_MAX_CHECKED = 16, LISTED = 10, STATUS_UNREADABLE = 3 };

struct row {
    int64_t id, client, sent; /* client 0: a row of app.probe */
};

struct host {
    char name[32];
    struct client client;
    struct row *rows; /* app.ledger by id, ledger_count of them, then app.probe by id */
    size_t ledger_count, count;
    bool same;
};

struct attempts {
    struct attempt *list;
    size_t count, room;
};

struct findings {
    uint64_t acknowledged, lost, duplicates, altered, unexplained, uncertain_present, refused_present;
    int64_t lost_ids[LISTED];
};

static void *grow(void *array, size_t count, size_t size) {
    void *larger = realloc(array, (count ? count : 1) * size);
    if (!larger)
        program_wrong("out of memory");
    return larger;
}

static void read_attempts(const char *file, struct attempts *attempts) {
    FILE *log = program_open(file, "re");
    char line[LINE_SIZE];
    struct attempt attempt;
    while (fgets(line, sizeof line, log)) {
        if (!attempt_parse(line, &attempt))
            continue;
        if (attempts->count == attempts->room) {
            attempts->room = attempts->room ? attempts->room * 2 : 4096;
            attempts->list = grow(attempts->list, attempts->room, sizeof attempt);
        }
        attempts->list[attempts->count++] = attempt;
    }
    fclose(log);
}

static int by_id(const void *a, const void *b) {
    const struct attempt *left = a, *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

static int64_t column(MYSQL_ROW row, int index) {
    return row[index] ? strtoll(row[index], NULL, 10) : 0;
}

static void add_rows(struct host *host, const char *statement) {
    unsigned error;
    MYSQL_RES *rows = client_rows(&host->client, statement, &error);
    if (!rows) {
        fprintf(stderr, "mmm-check: %s: cannot read its rows: error %u\n", host->name, error);
        exit(STATUS_UNREADABLE);
    }
    size_t added = mysql_num_rows(rows);
    host->rows = grow(host->rows, host->count + added, sizeof *host->rows);
    MYSQL_ROW row;
    while ((row = mysql_fetch_row(rows)))
        host->rows[host->count++] = (struct row){ column(row, 0), column(row, 1), column(row, 2) };
    mysql_free_result(rows);
}

static void read_host(struct host *host) {
    host->count = 0;
    add_rows(host, "SELECT id, client, sent FROM app.ledger ORDER BY id");
    host->ledger_count = host->count;
    add_rows(host, "SELECT id, 0, sent FROM app.probe ORDER BY id");
}

static bool same_rows(const struct host *a, const struct host *b) {
    return a->count == b->count && a->ledger_count == b->ledger_count &&
           memcmp(a->rows, b->rows, a->count * sizeof *a->rows) == 0;
}

static bool read_and_compare(struct host *hosts, int count, int writer) {
    bool all = true;
    for (int i = 0; i < count; i++)
        read_host(&hosts[i]);
    for (int i = 0; i < count; i++) {
        hosts[i].same = same_rows(&hosts[i], &hosts[writer]);
        all = all && hosts[i].same;
    }
    return all;
}

static bool wait_for_same(struct host *hosts, int count, int writer, msec wait) {
    usec deadline = usec_now() + wait * 1000;
    for (;;) {
        if (read_and_compare(hosts, count, writer))
            return true;
        if (usec_now() >= deadline)
            return false;
        usec_sleep_until(usec_now() + 100 * 1000);
    }
}

static const struct row *find_row(const struct host *host, int64_t id) {
    size_t low = 0, high = host->ledger_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (host->rows[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < host->ledger_count && host->rows[low].id == id ? &host->rows[low] : NULL;
}

static void judge_attempt(const struct attempt *attempt, const struct row *row, struct findings *found) {
    bool present = row && row->sent == attempt->sent;
    found->altered += row && !present;
    switch (attempt->outcome) {
    case OUTCOME_OK:
        found->acknowledged++;
        if (row)
            break;
        if (found->lost < LISTED)
            found->lost_ids[found->lost] = attempt->id;
        found->lost++;
        break;
    case OUTCOME_REFUSED:
        found->refused_present += present;
        break;
    case OUTCOME_UNCERTAIN:
        found->uncertain_present += present;
        break;
    }
}

/* attempts are sorted by id.  A number that was tried twice, or that the server holds twice, is a duplicate. */
static struct findings judge_host(const struct attempts *attempts, const struct host *host) {
    struct findings found = { 0 };
    size_t explained = 0;
    for (size_t i = 0; i < attempts->count; i++) {
        const struct row *row = find_row(host, attempts->list[i].id);
        bool again = i && attempts->list[i].id == attempts->list[i - 1].id;
        found.duplicates += again;
        explained += row && !again;
        judge_attempt(&attempts->list[i], row, &found);
    }
    for (size_t i = 1; i < host->ledger_count; i++)
        found.duplicates += host->rows[i].id == host->rows[i - 1].id;
    found.unexplained = host->ledger_count - explained;
    return found;
}

static void findings_print(const struct findings *found) {
    printf("\"acknowledged\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"lost_ids\":[", found->acknowledged, found->lost);
    for (uint64_t i = 0; i < found->lost && i < LISTED; i++)
        printf("%s%" PRId64, i ? "," : "", found->lost_ids[i]);
    printf("],\"duplicates\":%" PRIu64 ",\"altered\":%" PRIu64 ",\"unexplained\":%" PRIu64
           ",\"uncertain_present\":%" PRIu64 ",\"refused_present\":%" PRIu64,
           found->duplicates, found->altered, found->unexplained, found->uncertain_present, found->refused_present);
}

static void print(const struct attempts *attempts, const struct host *hosts, int count, int writer, bool same,
                  const struct findings *found) {
    printf("{\"writer\":\"%s\",\"rows\":%zu,", hosts[writer].name, hosts[writer].ledger_count);
    findings_print(found);
    printf(",\"same_data\":%s,\"hosts\":[", same ? "true" : "false");
    for (int i = 0; i < count; i++) {
        struct findings here = judge_host(attempts, &hosts[i]);
        printf("%s{\"name\":\"%s\",\"rows\":%zu,\"lost\":%" PRIu64 ",\"same\":%s}", i ? "," : "", hosts[i].name,
               hosts[i].ledger_count, here.lost, hosts[i].same ? "true" : "false");
    }
    printf("]}\n");
}

static void add_host(struct host *hosts, int *count, const char *text, struct client_options options) {
    const char *equal = strchr(text, '=');
    if (!equal || equal == text || !equal[1] || (size_t)(equal - text) >= sizeof hosts->name)
        program_wrong("--host takes NAME=SOCKET, not «%s»", text);
    if (*count == HOSTS_MAX_CHECKED)
        program_wrong("more than %d hosts", HOSTS_MAX_CHECKED);
    struct host *host = &hosts[(*count)++];
    text_copy(host->name, (size_t)(equal - text) + 1, text);
    options.socket = equal + 1;
    client_init(&host->client, &options);
}

static int host_named(const struct host *hosts, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (text_equal(hosts[i].name, name))
            return i;
    program_wrong("--writer %s is none of the hosts", name);
}

enum { O_LOG = 1, O_HOST, O_WRITER, O_USER, O_WAIT };

static const struct option option_table[] = {
    { "log", required_argument, NULL, O_LOG },       { "host", required_argument, NULL, O_HOST },
    { "writer", required_argument, NULL, O_WRITER }, { "user", required_argument, NULL, O_USER },
    { "wait", required_argument, NULL, O_WAIT },     { NULL, 0, NULL, 0 },
};

int main(int argc, char **argv) {
    static struct host hosts[HOSTS_MAX_CHECKED];
    struct attempts attempts = { 0 };
    struct client_options options = { .user = "root", .timeout = SECONDS(20) };
    int count = 0, option;
    const char *writer_name = NULL;
    msec wait = SECONDS(10);
    while ((option = getopt_long(argc, argv, "", option_table, NULL)) != -1) {
        switch (option) {
        case O_LOG:
            read_attempts(optarg, &attempts);
            break;
        case O_HOST:
            add_host(hosts, &count, optarg, options);
            break;
        case O_WRITER:
            writer_name = optarg;
            break;
        case O_USER:
            options.user = optarg;
            break;
        case O_WAIT:
            wait = program_duration("--wait", optarg);
            break;
        default:
            return 2;
        }
    }
    if (!count || !writer_name || optind != argc)
        program_wrong("needs --host and --writer; see the head of check.c");
    int writer = host_named(hosts, count, writer_name);
    if (attempts.count)
        qsort(attempts.list, attempts.count, sizeof *attempts.list, by_id);
    bool same = wait_for_same(hosts, count, writer, wait);
    struct findings found = judge_host(&attempts, &hosts[writer]);
    print(&attempts, hosts, count, writer, same, &found);
    for (int i = 0; i < count; i++) {
        client_close(&hosts[i].client);
        free(hosts[i].rows);
    }
    free(attempts.list);
    return found.lost || found.duplicates || found.altered || !same;
}
