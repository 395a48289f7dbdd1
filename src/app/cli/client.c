#include "app/cli/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "effect/http/http.h"
#include "effect/netlink/addresses.h"

const char *client_name(const struct settings *settings) {
    const char *name = getenv("MMM_NAME");
    if (name && name[0])
        return name;
    for (int i = 0; i < settings->cluster.host_count; i++)
        if (addresses_is_local(&settings->cluster.hosts[i].address))
            return settings->cluster.hosts[i].name;
    return "operator";
}

/* 0: somebody listens; else errno of the attempt. */
static int try_socket(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (!path[0])
        return ENOENT;
    if (!TEXT_COPY(address.sun_path, path))
        return ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int failure = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    close(fd);
    /* A full queue of connections: it is there, and busy. */
    return failure == EAGAIN ? 0 : failure;
}

static bool is_loopback(const struct ip *ip) {
    static const struct ip loopback6 = { .family = 6, .bytes = { [15] = 1 } };
    return (ip->family == 4 && ip->bytes[0] == 127) || ip_equal(ip, &loopback6);
}

static bool has_tls(const struct settings *settings) {
    return settings->tls.ca[0] && settings->tls.certificate[0] && settings->tls.key[0];
}

static enum rc check_readable(const char *path, const char *name, struct reason *ret_why) {
    if (access(path, R_OK) == 0)
        return RC_OK;
    if (errno == EACCES)
        return FAIL(RC_IO, ret_why,
                    "no right to read %s: run as the user who owns it, or set MMM_NAME to the name of "
                    "your own certificate",
                    path);
    return FAIL(RC_IO, ret_why,
                "cannot read %s: %s; make it where ca.key is with `mmm cert issue %s` and copy it here, "
                "or set MMM_NAME to the name of a certificate that is here",
                path, strerror(errno), name);
}

static enum rc open_tls_as(const struct settings *settings, const char *name, struct tls **ret_tls,
                           struct reason *ret_why) {
    char ca[PATH_SIZE], certificate[PATH_SIZE], key[PATH_SIZE];
    if (!config_expand(settings->tls.ca, name, ca, sizeof ca) ||
        !config_expand(settings->tls.certificate, name, certificate, sizeof certificate) ||
        !config_expand(settings->tls.key, name, key, sizeof key))
        return FAIL(RC_INVALID, ret_why, "%s: [tls]: a path gets too long with «%s» in the place of %%h",
                    settings->file, name);
    const char *const files[] = { ca, certificate, key };
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        enum rc rc = check_readable(files[i], name, ret_why);
        if (rc != RC_OK)
            return rc;
    }
    return tls_new(ca, certificate, key, ret_tls, ret_why);
}

enum rc client_tls(const struct settings *settings, struct tls **ret_tls, struct reason *ret_why) {
    return open_tls_as(settings, client_name(settings), ret_tls, ret_why);
}

static enum rc call_over_socket(const struct settings *settings, const char *method, const char *path, const char *body,
                                msec timeout, int *ret_status, char **ret_body, struct reason *ret_why) {
    struct http_target target = { .unix_path = settings->monitor_socket };
    enum rc rc = http_call_once(&target, method, path, body, timeout, ret_status, ret_body, ret_why);
    if (rc != RC_OK)
        reason_prefix(ret_why, "no answer from the monitor: ");
    return rc;
}

/* http.h's reason says which machine and what happened; this is what to do about it.  In TLS 1.3 a monitor that refuses
 * our certificate closes a connection that was open already, so anything after connecting may be that. */
static const char *advice(enum rc rc, bool over_tls, const struct reason *why) {
    if (rc == RC_TIMEOUT)
        return "see whether that machine is up and the port is let through";
    if (over_tls && !strstr(why->text, "cannot connect"))
        return "certificates of both sides must come from one authority (`mmm cert issue NAME` where ca.key is); the "
               "monitor's log tells what it refused";
    return "see whether `mmm monitor` runs there, and its log";
}

static enum rc call_over_network(const struct settings *settings, const char *method, const char *path,
                                 const char *body, msec timeout, int *ret_status, char **ret_body,
                                 struct reason *ret_why) {
    struct tls *tls = NULL;
    if (has_tls(settings)) {
        enum rc rc = client_tls(settings, &tls, ret_why);
        if (rc != RC_OK)
            return rc;
    }
    struct http_target target = { .peer = {
                                      .address = settings->monitor_address,
                                      .port = settings->monitor_port,
                                      .tls = tls,
                                      .expect_name = tls ? settings->monitor_name : NULL,
                                  } };
    enum rc rc = http_call_once(&target, method, path, body, timeout, ret_status, ret_body, ret_why);
    if (rc != RC_OK && ret_why)
        text_append(ret_why->text, sizeof ret_why->text, "; %s", advice(rc, tls != NULL, ret_why));
    tls_free(tls);
    return rc;
}

enum rc client_call(const struct settings *settings, const char *method, const char *path, const char *body,
                    msec timeout, int *ret_status, char **ret_body, struct reason *ret_why) {
    int failure = try_socket(settings->monitor_socket);
    if (failure == 0)
        return call_over_socket(settings, method, path, body, timeout, ret_status, ret_body, ret_why);
    if (failure == EACCES || failure == EPERM)
        return FAIL(RC_REFUSED, ret_why, "no right to the monitor's socket %s: run as root, or as a user of its group",
                    settings->monitor_socket);
    if (has_tls(settings) || is_loopback(&settings->monitor_address))
        return call_over_network(settings, method, path, body, timeout, ret_status, ret_body, ret_why);
    char address[IP_TEXT_MAX];
    ip_format(&settings->monitor_address, address);
    return FAIL(RC_IO, ret_why,
                "no monitor listens on %s here (%s), and %s has no [tls] to ask the one at %s: start `mmm "
                "monitor` here, or run this on the monitor's machine",
                settings->monitor_socket, strerror(failure), settings->file, address);
}

enum rc client_refusal(const struct settings *settings, int status, const char *body, struct reason *ret_why) {
    if (status == 401 || status == 403)
        return FAIL(RC_REFUSED, ret_why,
                    "the monitor does not let «%s» do this (%d): use a certificate of the cluster's "
                    "authority (`mmm cert issue`), or run this on the monitor's machine",
                    client_name(settings), status);
    if (status == 404 || status == 405)
        return FAIL(RC_REFUSED, ret_why,
                    "the monitor does not know this request (%d): it is of another version; `mmm "
                    "version` on both machines tells",
                    status);
    return FAIL(RC_REFUSED, ret_why, "the monitor answered %d: %.*s; see its log", status, (int)strcspn(body, "\r\n"),
                body);
}

enum rc client_get(const struct settings *settings, const char *path, char **ret_body, struct reason *ret_why) {
    int status;
    char *body = NULL;
    enum rc rc = client_call(settings, "GET", path, NULL, CLIENT_TIMEOUT, &status, &body, ret_why);
    if (rc != RC_OK)
        return rc;
    if (status == 200) {
        *ret_body = body;
        return RC_OK;
    }
    rc = client_refusal(settings, status, body, ret_why);
    free(body);
    return rc;
}

/* On the monitor's machine no other certificate than its own need be there. */
static enum rc open_tls_here(const struct settings *settings, struct tls **ret_tls, struct reason *ret_why) {
    enum rc rc = client_tls(settings, ret_tls, ret_why);
    if (rc == RC_OK || !addresses_is_local(&settings->monitor_address))
        return rc;
    return open_tls_as(settings, settings->monitor_name, ret_tls, NULL) == RC_OK ? RC_OK : rc;
}

static enum rc call_agent(const struct settings *settings, int host, const char *path, msec timeout, struct tls *tls,
                          char **ret_body, struct reason *ret_why) {
    struct http_target target = { .peer = { .address = settings->cluster.hosts[host].address,
                                            .port = settings->hosts[host].agent_port,
                                            .tls = tls,
                                            .expect_name = tls ? settings->cluster.hosts[host].name : NULL } };
    int status;
    char *body;
    enum rc rc = http_call_once(&target, "GET", path, NULL, timeout, &status, &body, ret_why);
    if (rc != RC_OK)
        return rc;
    if (status == 200) {
        *ret_body = body;
        return RC_OK;
    }
    if (status == 404)
        rc = FAIL(RC_REFUSED, ret_why, "it is of an older version, which has no %s", path);
    else
        rc = FAIL(RC_REFUSED, ret_why, "it answers %d: %.*s", status, (int)strcspn(body, "\r\n"), body);
    free(body);
    return rc;
}

enum rc client_get_agent(const struct settings *settings, int host, const char *path, msec timeout, char **ret_body,
                         struct reason *ret_why) {
    struct tls *tls = NULL;
    if (has_tls(settings)) {
        enum rc rc = open_tls_here(settings, &tls, ret_why);
        if (rc != RC_OK)
            return rc;
    }
    enum rc rc = call_agent(settings, host, path, timeout, tls, ret_body, ret_why);
    tls_free(tls);
    return rc;
}
