/* What the monitor answers, read leniently: a field that is absent or of another type is unknown, not an error, so that
 * an older command line can show a newer monitor. */
#ifndef MMM_APP_CLI_VIEW_H
#define MMM_APP_CLI_VIEW_H

#include <jansson.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/rc.h"
#include "base/reason.h"

struct settings;

/* The last 200 events, all that `mmm events` shows at once, with the longest texts that they can have. */
enum { VIEW_TEXT_MAX = 1024 * 1024 };

/* One object of bounded size and depth.  *ret_root: the caller's, json_decref. */
enum rc view_parse(const char *text, json_t **ret_root, struct reason *ret_why) NODISCARD;
/* GET and parse. */
enum rc view_get(const struct settings *settings, const char *path, json_t **ret_root,
                 struct reason *ret_why) NODISCARD;
/* The text of a field; «unknown» when it is absent, null or no text. */
const char *view_text(const json_t *object, const char *name, const char *unknown);
/* «412 ms», «4.1 s», «3 min»: as exact as a person needs it. */
void view_append_length(char *text, size_t size, msec length);
/* ASCII letters to capitals, cut to fit. */
void view_capitals(const char *text, char *ret_text, size_t size);

#endif
