/* A client that means harm: connections as fast as it can make them, each behaving badly in one way, for some seconds.
 * Prints one JSON object of what it achieved.  It belongs into a lab's network namespace and nowhere else.
 *
 *   mmm-hostile HOW ADDRESS|/SOCKET PORT SECONDS [CERTIFICATE KEY]
 *
 *   open       connects and never says a word      half       begins a TLS handshake and never goes on
 *   churn      connects and closes                 handshake  a whole handshake, then closes
 *   slow       a request, one byte a second        huge       a body as large as is taken, never ending
 *   ask        GET /v1/status without end (a unix socket: plain)
 *
 * With CERTIFICATE and KEY it shows them, else none.  Each thread keeps what its way keeps open, RING at the most, and
 * gives up the oldest for the next. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rc.h"
#include "base/text.h"

enum { THREADS = 8, RING = 250, WAIT_SECONDS = 2, PIECE = 16384, HUGE_LENGTH = 200000 };

enum how { HOW_OPEN, HOW_HALF, HOW_CHURN, HOW_HANDSHAKE, HOW_SLOW, HOW_HUGE, HOW_ASK };

static const char *const how_names[] = {
    [HOW_OPEN] = "open", [HOW_HALF] = "half", [HOW_CHURN] = "churn", [HOW_HANDSHAKE] = "handshake",
    [HOW_SLOW] = "slow", [HOW_HUGE] = "huge", [HOW_ASK] = "ask",
};

static enum how how;
static struct sockaddr_storage address;
static socklen_t address_length;
static SSL_CTX *tls;
static msec end;
static atomic_ulong opened, refused, handshakes, bytes;

struct line {
    int fd;
    SSL *ssl; /* NULL: plain */
};

static void line_close(struct line *line) {
    SSL_free(line->ssl);
    if (line->fd >= 0)
        close(line->fd);
    *line = (struct line){ .fd = -1 };
}

static bool line_open(struct line *line) {
    *line = (struct line){ .fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    struct timeval wait = { .tv_sec = WAIT_SECONDS };
    if (line->fd >= 0) {
        setsockopt(line->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
        setsockopt(line->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    }
    if (line->fd < 0 || connect(line->fd, (struct sockaddr *)&address, address_length)) {
        refused++;
        line_close(line);
        return false;
    }
    opened++;
    return true;
}

static bool line_greet(struct line *line) {
    if (address.ss_family == AF_UNIX)
        return true;
    line->ssl = SSL_new(tls);
    if (!line->ssl || SSL_set_fd(line->ssl, line->fd) != 1 || SSL_connect(line->ssl) != 1) {
        line_close(line);
        return false;
    }
    handshakes++;
    return true;
}

static bool line_say(struct line *line, const char *text, size_t length) {
    ssize_t sent = line->ssl ? SSL_write(line->ssl, text, (int)length) : send(line->fd, text, length, MSG_NOSIGNAL);
    if (sent <= 0) {
        line_close(line);
        return false;
    }
    bytes += (unsigned long)sent;
    return true;
}

/* What a ClientHello begins with: a record of 512 bytes, of which nothing more comes. */
static void begin_handshake(struct line *line) {
    static const char start[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    (void)line_say(line, start, sizeof start - 1);
}

static void ask(struct line *line) {
    static const char request[] = "GET /v1/status HTTP/1.1\r\n\r\n";
    char answer[PIECE];
    while (clock_now() < end && line_say(line, request, sizeof request - 1))
        if ((line->ssl ? SSL_read(line->ssl, answer, sizeof answer) : recv(line->fd, answer, sizeof answer, 0)) <= 0)
            break;
    line_close(line);
}

static void send_huge(struct line *line) {
    char piece[PIECE];
    int length = snprintf(piece, sizeof piece, "POST /v1/report HTTP/1.1\r\nContent-Length: %d\r\n\r\n", HUGE_LENGTH);
    if (!line_say(line, piece, (size_t)length))
        return;
    memset(piece, 'x', sizeof piece);
    for (int sent = 0; sent + PIECE < HUGE_LENGTH && line_say(line, piece, PIECE);)
        sent += PIECE;
}

/* One more of its kind; what is left open stays in the line. */
static void misbehave(struct line *line) {
    if (!line_open(line))
        return;
    switch (how) {
    case HOW_OPEN:
        return;
    case HOW_HALF:
        begin_handshake(line);
        return;
    case HOW_CHURN:
        line_close(line);
        return;
    case HOW_HANDSHAKE:
        (void)line_greet(line);
        line_close(line);
        return;
    case HOW_SLOW:
        (void)line_greet(line);
        return;
    case HOW_HUGE:
        if (line_greet(line))
            send_huge(line);
        return;
    case HOW_ASK:
        if (line_greet(line))
            ask(line);
        return;
    }
}

/* One byte on each, then a second passes. */
static void drip(struct line ring[static RING], int *drips) {
    static const char request[] = "GET /v1/status HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (int i = 0; i < RING; i++)
        if (ring[i].fd >= 0)
            (void)line_say(&ring[i], &request[*drips % (int)(sizeof request - 1)], 1);
    ++*drips;
    poll(NULL, 0, 1000);
}

static void *run(void *context) {
    (void)context;
    struct line ring[RING];
    int next = 0, drips = 0;
    for (int i = 0; i < RING; i++)
        ring[i] = (struct line){ .fd = -1 };
    while (clock_now() < end) {
        line_close(&ring[next]);
        misbehave(&ring[next]);
        if (ring[next].fd < 0 && how != HOW_CHURN && how != HOW_HANDSHAKE)
            poll(NULL, 0, 1); /* refused: not a busy loop of our own */
        next = (next + 1) % RING;
        if (how == HOW_SLOW && next % 25 == 0)
            drip(ring, &drips);
    }
    for (int i = 0; i < RING; i++)
        line_close(&ring[i]);
    return NULL;
}

static void wrong(const char *why) {
    fprintf(stderr, "mmm-hostile: %s; usage: mmm-hostile HOW ADDRESS|/SOCKET PORT SECONDS [CERTIFICATE KEY]\n", why);
    exit(2);
}

static void read_address(const char *text, const char *port) {
    struct sockaddr_in *ip = (struct sockaddr_in *)&address;
    struct sockaddr_un *local = (struct sockaddr_un *)&address;
    if (text[0] == '/') {
        local->sun_family = AF_UNIX;
        address_length = sizeof *local;
        if (!TEXT_COPY(local->sun_path, text))
            wrong("the socket's path is too long");
        return;
    }
    ip->sin_family = AF_INET;
    ip->sin_port = htons((uint16_t)atoi(port));
    address_length = sizeof *ip;
    if (inet_pton(AF_INET, text, &ip->sin_addr) != 1)
        wrong("this is no address");
}

static void prepare_tls(const char *certificate, const char *key) {
    tls = SSL_CTX_new(TLS_client_method());
    if (!tls || (certificate && (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
                                 SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)))
        wrong("the certificate or the key cannot be used");
}

int main(int argc, char *argv[]) {
    if (argc != 5 && argc != 7)
        wrong("that is not what it takes");
    size_t found = 0;
    while (found < COUNT_OF(how_names) && !text_equal(how_names[found], argv[1]))
        found++;
    if (found == COUNT_OF(how_names))
        wrong("there is no such way");
    how = (enum how)found;
    read_address(argv[2], argv[3]);
    prepare_tls(argc == 7 ? argv[5] : NULL, argc == 7 ? argv[6] : NULL);
    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ .rlim_cur = 4096, .rlim_max = 4096 });
    end = clock_now() + SECONDS(atoi(argv[4]));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, NULL))
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("{\"how\":\"%s\",\"opened\":%lu,\"refused\":%lu,\"handshakes\":%lu,\"bytes\":%lu}\n", argv[1], opened,
           refused, handshakes, bytes);
    SSL_CTX_free(tls);
    return 0;
}
