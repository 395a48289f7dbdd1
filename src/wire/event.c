#include "wire/event.h"

#include "base/text.h"
#include "core/health/host_state.h"
#include "wire/names.h"
#include "wire/words.h"

enum fact_kind {
    FACT_MSEC,
    FACT_COUNT,
    FACT_FLAG,
    FACT_HOST,
    FACT_HOSTS,
    FACT_POSITION,
    FACT_SEEN,
    FACT_HOST_STATE,
    FACT_REASONS
};

/* Lengths end in _ms: the command line shows them as such, also those that it does not know. */
static const struct fact_row {
    const char *name;
    enum fact_kind kind;
    const char *meaning;
} rows[EVENT_FACT_COUNT] = {
    [FACT_AGENT_HEARD] = { "agent_heard_ms", FACT_MSEC,
                           "how long ago its agent was heard; not there: not since the monitor's start" },
    [FACT_SERVER] = { "server", FACT_SEEN,
                      "its server, as its agent has told last: running, silent (it does not answer), exited, or absent "
                      "(nobody listens)" },
    [FACT_SERVER_SILENT] = { "server_silent_ms", FACT_MSEC, "how long its server had not answered its agent" },
    [FACT_OUTSIDE] = { "answers_monitor", FACT_FLAG, "whether its server answers the monitor's own connection" },
    [FACT_STATE] = { "state", FACT_HOST_STATE, "its state; of the event of a change, the new one" },
    [FACT_HOLDS] = { "holds", FACT_REASONS, "why it is held" },
    [FACT_WRITABLE] = { "writable", FACT_FLAG, "whether its server was writable when it was looked at last" },
    [FACT_LAG] = { "lag_ms", FACT_MSEC, "how far it is behind the writer" },
    [FACT_APPLIED] = { "applied", FACT_POSITION, "what it has applied, by the last look that its server answered" },
    [FACT_RECEIVED] = { "received", FACT_POSITION, "what it has received, if that is not the same" },
    [FACT_UNAPPLIED] = { "unapplied", FACT_COUNT, "how many transactions it has received and not applied" },
    [FACT_UNACKNOWLEDGED] = { "unacknowledged_ms", FACT_MSEC,
                              "how long commits have waited there without one being acknowledged" },
    [FACT_WRITER] = { "writer", FACT_HOST, "who has the writer role; not there: nobody" },
    [FACT_LEAVING] = { "leaving", FACT_HOST, "the writer before, as long as it is not known to have ended" },
    [FACT_LEASE_LEFT] = { "lease_left_ms", FACT_MSEC,
                          "how long the last lease may still run; not there: it has surely ended, but for the margin" },
    [FACT_TRANSFER] = { "transfer_ms", FACT_MSEC,
                        "how long the writer role has been on its way; not there: it is not" },
    [FACT_ELECTABLE] = { "electable", FACT_HOSTS, "who may be promoted without the writer's consent" },
    [FACT_SURELY] = { "surely", FACT_HOSTS, "who of them is so by the writer's word too: only these are promoted" },
};

static const char *const seen_words[SERVER_SEEN_COUNT] = {
    [SERVER_RUNNING] = "running",
    [SERVER_SILENT] = "silent",
    [SERVER_EXITED] = "exited",
    [SERVER_ABSENT] = "absent",
};

const char *event_fact_name(enum event_fact fact) {
    return rows[fact].name;
}

const char *event_fact_meaning(enum event_fact fact) {
    return rows[fact].meaning;
}

static void put_fact(json_t *object, const struct cluster *cluster, const struct event_facts *facts,
                     enum event_fact fact) {
    const char *name = rows[fact].name;
    int64_t value = facts->values[fact];
    switch (rows[fact].kind) {
    case FACT_MSEC:
    case FACT_COUNT:
        put_msec(object, name, value);
        return;
    case FACT_FLAG:
        put_flag(object, name, value != 0);
        return;
    case FACT_HOST:
        put_host(object, name, cluster, (int)value);
        return;
    case FACT_HOSTS:
        put_hosts(object, name, cluster, (host_set)value);
        return;
    case FACT_POSITION:
        put_text(object, name, fact == FACT_APPLIED ? facts->applied : facts->received);
        return;
    case FACT_SEEN:
        PUT_WORD(object, name, seen_words, value);
        return;
    case FACT_HOST_STATE:
        put_text(object, name, host_state_name((enum host_state)value));
        return;
    case FACT_REASONS:
        put_holds(object, name, (unsigned)value);
        return;
    }
}

static json_t *facts_value(const struct cluster *cluster, const struct event_facts *facts) {
    json_t *object = object_new();
    for (int fact = 0; fact < EVENT_FACT_COUNT; fact++)
        if (set_has(facts->known, fact))
            put_fact(object, cluster, facts, (enum event_fact)fact);
    return object;
}

char *event_encode(const struct cluster *cluster, const struct event *event) {
    json_t *object = object_new();
    put_wall(object, "time", event->wall);
    put_number(object, "term", event->term);
    put_text(object, "rule", event->rule);
    put_text(object, "event", event->name);
    put_host(object, "host", cluster, event->host);
    put(object, "role", event->role < 0 ? json_null() : text_value(cluster->roles[event->role].name));
    put_text(object, "why", event->why);
    put(object, "facts", facts_value(cluster, &event->facts));
    return object_to_text(object);
}
