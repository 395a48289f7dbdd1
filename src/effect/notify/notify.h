/* Tells systemd that a daemon is ready, alive, ending: one datagram to $NOTIFY_SOCKET (sd_notify(3)); nothing without.
 */
#ifndef MMM_EFFECT_NOTIFY_NOTIFY_H
#define MMM_EFFECT_NOTIFY_NOTIFY_H

void notify_ready(const char *status);
void notify_stopping(void);

#endif
