/* What the kernel's texts about a thread say (proc(5)): will it run no more of its own code?  Private to this folder.
 */
#ifndef MMM_EFFECT_PROCESS_PROC_H
#define MMM_EFFECT_PROCESS_PROC_H

#include <stdbool.h>

bool proc_stat_is_over(const char *text);   /* of /proc/PID/stat */
bool proc_status_is_over(const char *text); /* of /proc/PID/status */

#endif
