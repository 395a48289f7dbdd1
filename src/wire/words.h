/* The enums of the messages as words: one table each, in the order of the enum. */
#ifndef MMM_WIRE_WORDS_H
#define MMM_WIRE_WORDS_H

#include "core/monitor/monitor.h"
#include "model/messages.h"
#include "wire/json.h"

enum { RC_COUNT = RC_SERVER + 1, COMMAND_KIND_COUNT = COMMAND_SET_MODE + 1 };

extern const char *const process_words[PROCESS_ABSENT + 1];
extern const char *const family_words[FAMILY_MYSQL + 1];
extern const char *const thread_words[THREAD_RUNNING + 1];
extern const char *const task_words[TASK_SEMI_SYNC + 1];
extern const char *const protection_words[PROTECTION_COUNT];
extern const char *const duty_words[DUTY_COUNT];
extern const char *const command_words[COMMAND_KIND_COUNT];
extern const char *const mode_words[MONITOR_MODE_COUNT];
extern const char *const rc_words[RC_COUNT];

#define PUT_WORD(object, name, words, word) put_word((object), (name), (words), COUNT_OF(words), (int)(word))
#define FIELD_WORD(fields, name, words) field_word((fields), (name), (words), COUNT_OF(words))

/* Reasons to hold by name, as a list. */
void put_holds(json_t *object, const char *name, unsigned holds);
unsigned field_holds(const struct fields *fields, const char *name);

#endif
