/* Telling what core/doctor has found (pure). */
#ifndef MMM_APP_CLI_DOCTOR_H
#define MMM_APP_CLI_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

#include "core/doctor/doctor.h"

/* host: HOST_NONE, or the only one that is told. */
void doctor_tell(FILE *out, bool colour, const struct cluster *cluster, int host, const struct finding *findings,
                 size_t count);
void doctor_tell_json(FILE *out, const struct cluster *cluster, int host, const struct finding *findings, size_t count);
/* Is there a danger among what is told? */
bool doctor_has_danger(int host, const struct finding *findings, size_t count);

#endif
