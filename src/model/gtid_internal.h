/* What gtid.c, which knows both forms, asks of gtid_set.c, which knows MySQL's. */
#ifndef MMM_MODEL_GTID_INTERNAL_H
#define MMM_MODEL_GTID_INTERNAL_H

#include "model/gtid.h"

/* A number without a sign, up to the largest that is allowed; the cursor moves only when there is one. */
bool gtid_read_number(const char **cursor, uint64_t largest, uint64_t *ret_number);
void gtid_skip_space(const char **cursor);

enum rc gtid_set_parse(const char *text, struct gtid_position *ret_position, struct reason *ret_why) NODISCARD;
void gtid_set_format(const struct gtid_position *position, char *ret_text, size_t size);
bool gtid_set_equal(const struct gtid_position *a, const struct gtid_position *b);
bool gtid_set_reached(const struct gtid_position *a, const struct gtid_position *b);
uint64_t gtid_set_own(const struct gtid_position *have, const struct gtid_position *other, char *ret_text, size_t size);

#endif
