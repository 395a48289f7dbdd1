/* `mmm show`: the status asked for, once or each second, and drawn. */
#include <stdlib.h>
#include <time.h>

#include "app/cli/client.h"
#include "app/cli/commands.h"
#include "app/cli/show.h"
#include "app/cli/table.h"

static enum rc draw(const struct cli_call *call, bool colour, FILE *out, struct reason *ret_why) {
    char *status;
    enum rc rc = client_get(call->settings, "/v1/status", &status, ret_why);
    if (rc != RC_OK)
        return rc;
    if (call_has(call, OPTION_JSON))
        fprintf(out, "%s\n", status);
    else
        rc = show_render(out, status, colour, ret_why);
    free(status);
    return rc;
}

/* The whole picture goes out in one piece, so that it does not flicker. */
static int redraw(const struct cli_call *call, bool terminal, bool colour) {
    char *picture = NULL;
    size_t length = 0;
    FILE *page = open_memstream(&picture, &length);
    if (!page)
        abort();
    struct reason why;
    if (terminal)
        fputs("\033[H\033[2J", page);
    if (draw(call, colour, page, &why) != RC_OK)
        fprintf(page, "%s\n", why.text);
    if (!terminal && !call_has(call, OPTION_JSON))
        fputc('\n', page);
    fclose(page);
    bool written = fwrite(picture, 1, length, call->out) == length && fflush(call->out) == 0;
    free(picture);
    return written ? EXIT_DONE : EXIT_FAILED;
}

/* Ends with Ctrl-C, or when nobody reads any more. */
static int watch(const struct cli_call *call, bool colour) {
    const struct timespec second = { .tv_sec = 1 };
    bool terminal = stream_is_terminal(call->out) && !call_has(call, OPTION_JSON);
    while (redraw(call, terminal, colour) == EXIT_DONE)
        nanosleep(&second, NULL);
    return EXIT_FAILED;
}

int run_show(struct cli_call *call) {
    if (!call_settings(call))
        return EXIT_FAILED;
    bool colour = stream_takes_colour(call->out);
    if (call_has(call, OPTION_WATCH))
        return watch(call, colour);
    struct reason why;
    if (draw(call, colour, call->out, &why) != RC_OK)
        return call_failed(call, "%s", why.text);
    return EXIT_DONE;
}
