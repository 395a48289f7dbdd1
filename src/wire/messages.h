/* The messages between monitor, agents and the command line as JSON text, one object each:
 *   {"v":1,"message":"report","cluster":"shop",…}
 * A message of another version or another cluster is an error; a field that is not known is ignored, so that a newer
 * side can add some.  Every encoder returns malloc'ed text; what it encodes is ours, so a value that has no word is a
 * bug.  Every decoder leaves ret_x untouched on failure, which is RC_INVALID with the name of the field in the reason.
 */
#ifndef MMM_WIRE_MESSAGES_H
#define MMM_WIRE_MESSAGES_H

#include "core/monitor/monitor.h"
#include "model/messages.h"

char *report_encode(const struct cluster *cluster, const struct report *report);
enum rc report_decode(const struct cluster *cluster, const char *text, size_t length, struct report *ret_report,
                      struct reason *ret_why) NODISCARD;

char *orders_encode(const struct cluster *cluster, const struct orders *orders);
enum rc orders_decode(const struct cluster *cluster, const char *text, size_t length, struct orders *ret_orders,
                      struct reason *ret_why) NODISCARD;

char *ask_encode(const struct cluster *cluster, const struct ask *ask);
enum rc ask_decode(const struct cluster *cluster, const char *text, size_t length, struct ask *ret_ask,
                   struct reason *ret_why) NODISCARD;

char *answer_encode(const struct cluster *cluster, const struct answer *answer);
enum rc answer_decode(const struct cluster *cluster, const char *text, size_t length, struct answer *ret_answer,
                      struct reason *ret_why) NODISCARD;

/* command.who and command.id are only what the sender says: a monitor puts the certificate's name and its own number
 * there.  force and dry_run (and kill, of move-role) must be given, so that one that is misspelt does not turn a
 * rehearsal into the real thing. host and role are text that the core looks up, so that its answer can say what would
 * have fitted.  mode travels with set-mode only. */
char *command_encode(const struct cluster *cluster, const struct command *command);
enum rc command_decode(const struct cluster *cluster, const char *text, size_t length, struct command *ret_command,
                       struct reason *ret_why) NODISCARD;

char *command_reply_encode(const struct cluster *cluster, const struct command_reply *reply);
enum rc command_reply_decode(const struct cluster *cluster, const char *text, size_t length,
                             struct command_reply *ret_reply, struct reason *ret_why) NODISCARD;

#endif
