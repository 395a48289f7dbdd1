#include "model/replication_error.h"

#include <stddef.h>

#include "base/text.h"

/* The servers' numbers (MariaDB's errmsg-utf8.txt, MySQL's messages_to_clients.txt; 1950 is MariaDB's alone) and, from
 * 2000 on, the client library's.  Never «skip it»: the host would differ from then on, and nothing would say so. */
static const struct {
    uint32_t number;
    const char *advice;
} table[] = {
    /* clang-format off */
    { 1032, "it lacks a row that the writer has: its data differ, fill it anew from the writer" },
    { 1045, "the writer refuses [replication] user and password: mmm doctor" },
    { 1062, "it has a row that the writer does not have: its data differ, fill it anew from the writer" },
    { 1236, "the writer cannot send what it needs next, purged or never there: fill it anew from the writer" },
    { 1594, "its relay log, or the writer's binary log, is damaged: fill it anew from the writer" },
    { 1595, "what comes is damaged, in the writer's binary log or on the way; where it stays, fill it anew from the writer" },
    { 1743, "what comes is damaged, in the writer's binary log or on the way; where it stays, fill it anew from the writer" },
    { 1950, "it has transactions of its own: mmm events; then fill it anew from the writer" },
    { 2003, "it does not reach the writer's server: mmm doctor" },
    { 2013, "its connection to the writer's server was lost: it connects again by itself" },
    /* clang-format on */
};

const char *replication_error_advice(uint32_t number) {
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].number == number)
            return table[i].advice;
    return NULL;
}
