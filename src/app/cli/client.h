/* Talking to the monitor: over its unix socket where it runs, over TLS from anywhere else.  Every reason says what to
 * do next. */
#ifndef MMM_APP_CLI_CLIENT_H
#define MMM_APP_CLI_CLIENT_H

#include "base/clock.h"
#include "base/rc.h"
#include "base/reason.h"
#include "config/config.h"
#include "effect/http/http.h"

enum { CLIENT_TIMEOUT = 10 * 1000 }; /* ms, for whatever waits for nothing but the answer itself */

/* One request.  *ret_body is malloc'ed and belongs to the caller.  RC_OK means that the monitor answered, with whatever
 * status. */
enum rc client_call(const struct settings *settings, const char *method, const char *path, const char *body,
                    msec timeout, int *ret_status, char **ret_body, struct reason *ret_why) NODISCARD;
/* GET; anything but 200 is a failure. */
enum rc client_get(const struct settings *settings, const char *path, char **ret_body,
                   struct reason *ret_why) NODISCARD;
/* GET from a host's agent over TLS, with this machine's certificate, or on the monitor's machine with the monitor's.
 * Anything but 200 is a failure. */
enum rc client_get_agent(const struct settings *settings, int host, const char *path, msec timeout, char **ret_body,
                         struct reason *ret_why) NODISCARD;
/* The certificates of whoever types, for client_name. */
enum rc client_tls(const struct settings *settings, struct tls **ret_tls, struct reason *ret_why) NODISCARD;
/* What an answer other than 200 means for the one who asked. */
enum rc client_refusal(const struct settings *settings, int status, const char *body, struct reason *ret_why) NODISCARD;
/* Whose certificate the command line uses: $MMM_NAME, else the host that this machine is, else «operator». */
const char *client_name(const struct settings *settings);

#endif
