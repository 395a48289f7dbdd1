/* GET /v1/explain: the answer waits until every agent has reported what it has seen after the question, and not for
 * long.  They report often enough for that to need no nudge. */
#include <stdlib.h>
#include <string.h>

#include "app/monitor/monitor_app.h"
#include "core/monitor/explain.h"
#include "wire/explain.h"

static void respond(struct monitor_app *app, struct explaining *waiting, bool fresh) {
    struct explain_room *room = calloc(1, sizeof *room);
    struct explanation *explanation = calloc(1, sizeof *explanation);
    if (!room || !explanation)
        abort();
    explain(&app->core, clock_now(), clock_wall(), room, explanation);
    char *text = explanation_encode(app->cluster, explanation, fresh, clock_wall());
    struct http_request *request = waiting->request;
    *waiting = (struct explaining){ 0 };
    http_respond(request, 200, "application/json", text, strlen(text));
    free(text);
    free(explanation);
    free(room);
}

bool explain_serve(struct monitor_app *app, struct http_request *request) {
    for (int i = 0; i < EXPLAINING_MAX; i++) {
        if (app->explaining[i].request)
            continue;
        app->explaining[i] = (struct explaining){ .request = request, .asked = clock_now() };
        app->explaining[i].deadline = app->explaining[i].asked + explain_patience(&app->core);
        return true;
    }
    return false;
}

void explain_answer(struct monitor_app *app) {
    for (int i = 0; i < EXPLAINING_MAX; i++) {
        struct explaining *waiting = &app->explaining[i];
        if (!waiting->request)
            continue;
        bool fresh = explain_is_fresh(&app->core, waiting->asked, clock_now());
        if (fresh || clock_now() >= waiting->deadline)
            respond(app, waiting, fresh);
    }
}
