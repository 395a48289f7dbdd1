/* The floor of a failover: how long the bare steps take on this machine, with nothing that watches, decides or asks.
 *
 *   mmm-floor --kill PID --socket S --address 10.77.0.50/24 --client-netns /run/netns/app --password-file F
 *             [--interface eth0]
 *
 * It runs on the standby, in its network namespace, with everything open beforehand: a connection to the standby's
 * server, the kernel's address interface, the pidfd of the writer's server.  Then: SIGKILL, the pidfd becomes readable,
 * read_only off, address added, announced.  In the namespace of the application a client tries to write through the
 * address all the while, as fast as it can; its first acknowledged write after the kill ends the measurement.
 * Prints one line of JSON, in milliseconds from the kill.  The address stays: the caller puts things back. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client.h"
#include "effect/netlink/addresses.h"
#include "program.h"

enum { RETRY_PAUSE = 500 /* microseconds */, WAIT_MS = 10000, ADDRESS_LIFE_MS = 3600 * 1000 };

struct writer {
    struct client client;
    const char *namespace;
    atomic_bool ready;    /* it writes: the kill may come */
    _Atomic(usec) killed; /* 0 before */
    usec first;           /* acknowledged after the kill, sent after it too; 0: none within WAIT_MS */
};

struct steps {
    usec killed, seen, opened, addressed, announced;
};

static void enter_namespace(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
        program_wrong("cannot enter the network namespace %s: %s", path, strerror(errno));
    close(fd);
}

/* The rows of the floor lie below those of every load client (load.c). */
static enum outcome write_row(struct writer *writer, int64_t id) {
    char statement[128];
    unsigned error;
    snprintf(statement, sizeof statement, "REPLACE INTO app.ledger (id, client, sent) VALUES (%" PRId64 ", 0, 0)", id);
    return client_write(&writer->client, statement, &error);
}

static void *write_until_first(void *context) {
    struct writer *writer = context;
    enter_namespace(writer->namespace); /* of this thread only */
    usec end = usec_now() + (usec)WAIT_MS * 1000;
    for (int64_t id = 1; usec_now() < end; id++) {
        usec sent = usec_now(), killed = writer->killed;
        if (write_row(writer, id) != OUTCOME_OK) {
            usec_sleep_until(usec_now() + RETRY_PAUSE);
            continue;
        }
        if (killed && sent >= killed) {
            writer->first = usec_now();
            break;
        }
        writer->ready = true;
    }
    client_close(&writer->client);
    mysql_thread_end();
    return NULL;
}

static void await_ready(struct writer *writer) {
    usec end = usec_now() + (usec)WAIT_MS * 1000;
    while (!writer->ready) {
        if (usec_now() > end)
            program_wrong("the client cannot write through the address: nothing to measure");
        usec_sleep_until(usec_now() + 1000);
    }
}

static void await_end_of(int pidfd) {
    struct pollfd look = { .fd = pidfd, .events = POLLIN };
    if (poll(&look, 1, WAIT_MS) != 1)
        program_wrong("the server did not end within %d ms after SIGKILL", WAIT_MS);
}

static void open_server(struct client *standby) {
    unsigned error;
    if (client_write(standby, "SET GLOBAL read_only = OFF", &error) != OUTCOME_OK)
        program_wrong("the standby did not become writable: error %u", error);
}

static struct steps fail_over(int pidfd, struct client *standby, struct addresses *addresses, const char *address,
                              struct writer *writer) {
    struct ip ip;
    uint8_t prefix;
    struct reason why;
    if (ip_parse_prefix(address, &ip, &prefix, &why) != RC_OK)
        program_wrong("--address: %s", why.text);
    await_ready(writer);
    struct steps steps = { .killed = usec_now() };
    writer->killed = steps.killed;
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
        program_wrong("cannot kill the server: %s", strerror(errno));
    await_end_of(pidfd);
    steps.seen = usec_now();
    open_server(standby);
    steps.opened = usec_now();
    if (addresses_set(addresses, &ip, prefix, ADDRESS_LIFE_MS, &why) != RC_OK)
        program_wrong("%s", why.text);
    steps.addressed = usec_now();
    if (addresses_announce(addresses, &ip, &why) != RC_OK)
        program_wrong("%s", why.text);
    steps.announced = usec_now();
    return steps;
}

static void print(const struct steps *steps, usec first) {
    const usec moments[] = { steps->seen, steps->opened, steps->addressed, steps->announced, first };
    static const char *const names[] = { "kill_seen_ms", "read_only_off_ms", "address_ms", "announced_ms", "floor_ms" };
    for (size_t i = 0; i < COUNT_OF(moments); i++) {
        char text[USEC_TEXT_MAX];
        usec_format(moments[i] - steps->killed, text);
        printf("%s\"%s\":%s", i ? "," : "{", names[i], text);
    }
    printf("}\n");
}

enum { O_KILL = 1, O_SOCKET, O_ADDRESS, O_NETNS, O_PASSWORD, O_INTERFACE };

static const struct option option_table[] = {
    { "kill", required_argument, NULL, O_KILL },
    { "socket", required_argument, NULL, O_SOCKET },
    { "address", required_argument, NULL, O_ADDRESS },
    { "client-netns", required_argument, NULL, O_NETNS },
    { "password-file", required_argument, NULL, O_PASSWORD },
    { "interface", required_argument, NULL, O_INTERFACE },
    { NULL, 0, NULL, 0 },
};

struct floor_options {
    pid_t victim;
    const char *socket, *address, *namespace, *interface;
    char password[PASSWORD_SIZE];
};

static void read_options(int argc, char **argv, struct floor_options *options) {
    int option;
    while ((option = getopt_long(argc, argv, "", option_table, NULL)) != -1) {
        switch (option) {
        case O_KILL:
            options->victim = (pid_t)program_number("--kill", optarg, 2, INT32_MAX);
            break;
        case O_SOCKET:
            options->socket = optarg;
            break;
        case O_ADDRESS:
            options->address = optarg;
            break;
        case O_NETNS:
            options->namespace = optarg;
            break;
        case O_PASSWORD:
            program_password(optarg, options->password);
            break;
        case O_INTERFACE:
            options->interface = optarg;
            break;
        default:
            exit(2);
        }
    }
    if (!options->victim || !options->socket || !options->address || !options->namespace || optind != argc)
        program_wrong("needs --kill, --socket, --address and --client-netns; see the head of floor.c");
}

int main(int argc, char **argv) {
    static struct floor_options options = { .interface = "eth0" };
    static struct writer writer;
    read_options(argc, argv, &options);
    mysql_library_init(0, NULL, NULL); /* before threads: it is not safe within them */
    signal(SIGPIPE, SIG_IGN);

    struct client standby;
    client_init(&standby, &(struct client_options){ .socket = options.socket, .user = "root", .timeout = WAIT_MS });
    unsigned error = client_connect(&standby);
    if (error)
        program_wrong("cannot log in to the standby: error %u", error);

    struct reason why;
    struct addresses *addresses;
    struct loop *loop = loop_new();
    if (addresses_new(loop, options.interface, NULL, NULL, &addresses, &why) != RC_OK)
        program_wrong("%s", why.text);
    int pidfd = (int)syscall(SYS_pidfd_open, options.victim, 0);
    if (pidfd < 0)
        program_wrong("cannot watch process %d: %s", (int)options.victim, strerror(errno));

    char address[IP_TEXT_MAX + 4];
    snprintf(address, sizeof address, "%.*s", (int)strcspn(options.address, "/"), options.address);
    client_init(&writer.client, &(struct client_options){ .host = address,
                                                          .port = 3306,
                                                          .user = "app",
                                                          .password = options.password,
                                                          .database = "app",
                                                          .timeout = 300 });
    writer.namespace = options.namespace;
    pthread_t thread;
    if (pthread_create(&thread, NULL, write_until_first, &writer))
        program_wrong("cannot start a thread");

    struct steps steps = fail_over(pidfd, &standby, addresses, options.address, &writer);
    pthread_join(thread, NULL);
    if (!writer.first)
        program_wrong("no write came through within %d ms", WAIT_MS);
    print(&steps, writer.first);
    client_close(&standby);
    addresses_free(addresses);
    loop_free(loop);
    close(pidfd);
    return 0;
}
