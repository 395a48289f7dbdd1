/* What an agent answers to `mmm events show`: the rows that transactions touch.
 * {"v":1,"message":"rows","cluster":"shop","host":"db1","end":"all","why":"…","left_out":0,"transactions":
 *  [{"gtid":"0-13-7","time":"2026-11-22 05:00:00","left_out":0,"items":
 *    [{"do":"update","table":"`app`.`t`","before":"@1=1","after":"@1=2"},{"do":"statement","text":"CREATE …"}]}]} */
#ifndef MMM_WIRE_ROWS_H
#define MMM_WIRE_ROWS_H

#include "core/rows/rows.h"
#include "model/cluster.h"
#include "wire/json.h"

/* malloc'ed.  Oldest transaction first.  The data of an application are in it: for its reader and nobody else. */
char *rows_encode(const struct cluster *cluster, int host, const struct rows *rows);

#endif
