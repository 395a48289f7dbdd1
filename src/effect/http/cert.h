/* The cluster's own certificate authority: what `mmm cert init` and `mmm cert issue` do (OpenSSL; ECDSA P-256). */
#ifndef MMM_EFFECT_HTTP_CERT_H
#define MMM_EFFECT_HTTP_CERT_H

#include "base/rc.h"
#include "base/reason.h"

/* Makes DIR/ca.pem and DIR/ca.key (0600).  Refuses to overwrite. */
enum rc cert_init(const char *dir, const char *cluster, struct reason *ret_why) NODISCARD;
/* Makes DIR/NAME.pem and DIR/NAME.key (0600), common name NAME, signed by DIR's authority, good for client and server.
 * Refuses to overwrite, unless force. */
enum rc cert_issue(const char *dir, const char *name, int force, struct reason *ret_why) NODISCARD;
/* Whole days until the certificate in this file ends; negative: since it ended. */
enum rc cert_days_left(const char *path, long *ret_days, struct reason *ret_why) NODISCARD;

#endif
