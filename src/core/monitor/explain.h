/* What would happen: `mmm explain`.  The monitor's own core is asked, on a copy of its state: the story is fed to it as
 * reports, the other hosts do at once what they are told, and what it decides is the answer.  So there is no second
 * copy of any rule here, and nothing of the monitor's state changes. */
#ifndef MMM_CORE_MONITOR_EXPLAIN_H
#define MMM_CORE_MONITOR_EXPLAIN_H

#include "core/monitor/monitor.h"

enum explain_story {
    EXPLAIN_NOW,         /* there is no writer */
    EXPLAIN_SERVER_DIES, /* the writer's server dies, its agent lives */
    EXPLAIN_CUT_OFF,     /* nothing is heard of the writer's host any more */
};

enum { EXPLAIN_STORIES_MAX = 2 };

struct explained_host {
    char rule[RULE_SIZE];
    char why[WHY_SIZE];
    char next[WHY_SIZE]; /* what to type to change it; empty: nothing */
};

struct explained_story {
    enum explain_story story;
    int chosen; /* HOST_NONE: nobody */
    char rules[64];
    char why[WHY_SIZE]; /* chosen: of the last rule; nobody: what stands in the way */
    char next[WHY_SIZE];
    /* Parts of the time until the new writer serves; -1: not known. */
    msec detect;  /* until the monitor takes the role away */
    msec lease;   /* until the old writer has surely ended */
    msec fence;   /* ... if its fence program succeeds after so long; 0: no program is counted on */
    msec drain;   /* until the chosen one has applied what it has received */
    msec promote; /* until it serves */
    uint64_t to_apply;
    /* What the old writer has committed, by its last report, and the chosen one would not have. */
    bool loss_known;
    uint64_t loss;
    uint64_t heartbeats; /* about so many of them are mmm's own */
    char loss_text[FACT_SIZE * 2];
    struct explained_host hosts[HOSTS_MAX];
};

struct explanation {
    int writer;          /* HOST_NONE: there is none */
    msec age[HOSTS_MAX]; /* of each host's last report; -1: none has come */
    int count;
    struct explained_story stories[EXPLAIN_STORIES_MAX];
};

/* Room to play in; too large for a stack. */
struct explain_room {
    struct monitor monitor;
    struct monitor_plan plan;
    struct report reports[HOSTS_MAX];
};

void explain(const struct monitor *monitor, msec now, msec wall, struct explain_room *room,
             struct explanation *ret_explanation);

/* Reports that were asked for at «asked» have come: every host that is heard has reported late enough for its positions
 * to be younger than the question (an agent looks at its server once in a report interval, and reports once in one). */
bool explain_is_fresh(const struct monitor *monitor, msec asked, msec now);
/* How long that is waited for: what is silent then stays as old as it is. */
msec explain_patience(const struct monitor *monitor);
const char *explain_story_name(enum explain_story story);

#endif
