#include "base/text.h"
#include "core/init/init.h"

enum { SERIES_PARTS = 3 };
/* MySQL: since then its words are source and replica everywhere. */
static const unsigned oldest_mariadb[SERIES_PARTS] = { 10, 11, 0 };
static const unsigned oldest_mysql[SERIES_PARTS] = { 8, 0, 26 };

/* What a rule looks at. */
struct view {
    const struct cluster *cluster;
    const struct init_wish *wish;
    const struct init_facts *all; /* of every host; NULL: only of this one */
    const struct init_facts *facts;
    int host;
};

/* Another host whose server is to be set up too, or NULL. */
static const struct init_facts *other(const struct view *view, int host) {
    bool counts = view->all && host != view->host && view->all[host].answered && !view->all[host].set_up;
    return counts ? &view->all[host] : NULL;
}

/* «10.11.14-MariaDB» is of the series 10.11. */
static void version_of(const char *version, unsigned ret_parts[static SERIES_PARTS]) {
    ret_parts[0] = ret_parts[1] = ret_parts[2] = 0;
    for (int part = 0; part < SERIES_PARTS; part++) {
        for (; *version >= '0' && *version <= '9' && ret_parts[part] < 100000; version++)
            ret_parts[part] = ret_parts[part] * 10 + (unsigned)(*version - '0');
        if (*version++ != '.')
            return;
    }
}

static bool is_silent(const struct view *view) {
    return !view->facts->answered;
}

static bool lacks_password(const struct view *view) {
    return view->facts->set_up && !view->wish->password_is_here;
}

static bool is_done(const struct view *view) {
    return view->facts->set_up;
}

static bool is_strange(const struct view *view) {
    return view->facts->family == FAMILY_UNKNOWN;
}

static bool is_old(const struct view *view) {
    const unsigned *oldest = view->facts->family == FAMILY_MYSQL ? oldest_mysql : oldest_mariadb;
    unsigned version[SERIES_PARTS];
    version_of(view->facts->version, version);
    for (int part = 0; part < SERIES_PARTS; part++)
        if (version[part] != oldest[part])
            return version[part] < oldest[part];
    return false;
}

static bool differs(const struct view *view) {
    unsigned mine[SERIES_PARTS], theirs[SERIES_PARTS];
    version_of(view->facts->version, mine);
    for (int i = 0; i < view->host; i++)
        if (other(view, i)) {
            version_of(other(view, i)->version, theirs);
            return view->facts->family != other(view, i)->family || mine[0] != theirs[0] || mine[1] != theirs[1];
        }
    return false;
}

static bool has_databases(const struct view *view) {
    return view->facts->databases > 0;
}

static bool has_transactions(const struct view *view) {
    return view->facts->transactions[0] != 0;
}

static bool has_source(const struct view *view) {
    return view->facts->has_source;
}

static bool shares_server_id(const struct view *view) {
    bool shared = view->facts->server_id == 0;
    for (int i = 0; i < view->host && !shared; i++)
        shared = other(view, i) && other(view, i)->server_id == view->facts->server_id;
    return shared;
}

static bool is_wrong(const struct view *view, size_t setting) {
    const struct init_setting *row = &init_settings[setting];
    return row->family == view->facts->family &&
           !init_is_right(row, view->cluster->hosts[view->host].mode, view->facts->values[setting]);
}

static bool needs_restart(const struct view *view) {
    for (size_t i = 0; i < init_setting_count; i++)
        if (init_settings[i].reach == INIT_RESTART && is_wrong(view, i))
            return true;
    return false;
}

static bool has_no_file(const struct view *view) {
    return view->facts->file[0] == 0;
}

/* Of the rows that end the look at a host, the first that is true; of the others, each. */
// clang-format off
static const struct {
    struct init_row row;
    bool (*when)(const struct view *view);
    bool ends;
    const char *next; /* NULL: there is nothing to stop for */
} stop_table[] = {
    { { "N10", "it could not be looked at" },                       is_silent,        true,  "see that `mmm agent` runs there, and its log" },
    { { "N11", "it is set up already, with a password that is not here" }, lacks_password, true, "copy the file of [replication] password_file from that host" },
    { { "N12", "it is set up already" },                            is_done,          true,  NULL },
    { { "N20", "its server is neither MariaDB nor MySQL" },         is_strange,       true,  "install one of them, the same on all hosts" },
    { { "N21", "its server is older than MariaDB 10.11 or MySQL 8.0.26" }, is_old,    true,  "install a later one, the same on all hosts" },
    { { "N22", "its server is of another family or series than the first host's" }, differs, false, "install the same series on all hosts" },
    { { "N30", "its server has databases" },                        has_databases,    false, "an init never touches data: fill the other servers from this one by hand (docs/setup.md), or drop what nobody needs" },
    { { "N31", "its binary log has transactions" },                 has_transactions, false, "the others would lack them: RESET MASTER there (MySQL 8.4 and later: RESET BINARY LOGS AND GTIDS), if nothing of them is needed" },
    { { "N32", "its server replicates from another" },              has_source,       false, "STOP SLAVE and RESET SLAVE ALL there (MySQL: STOP REPLICA, RESET REPLICA ALL), if nothing of it is needed" },
    { { "N40", "its server_id is 0, or that of a host before it" },        shares_server_id, false, "write the line below into its server's configuration and restart it" },
    { { "N41", "its server has settings that it reads only when it starts" }, needs_restart, false, "write the lines below into its server's configuration and restart it" },
    { { "N42", "no folder for its server's settings is known" },    has_no_file,      false, "name a file that the server reads, server_settings in [host default]" },
};
// clang-format on

const struct init_row *init_stop_row(size_t row) {
    return row < COUNT_OF(stop_table) ? &stop_table[row].row : NULL;
}

static void stop_add(struct init_plan *plan, const struct view *view, size_t row) {
    if (plan->stop_count < INIT_STOPS_MAX)
        plan->stops[plan->stop_count++] = (struct init_stop){
            .host = view->host,
            .rule = stop_table[row].row.rule,
            .why = stop_table[row].row.why,
            .next = stop_table[row].next,
        };
}

/* False: nothing more is asked of this host. */
static bool stops_find(struct init_plan *plan, const struct view *view) {
    for (size_t row = 0; row < COUNT_OF(stop_table); row++) {
        if (!stop_table[row].when(view))
            continue;
        if (stop_table[row].next)
            stop_add(plan, view, row);
        if (stop_table[row].ends)
            return false;
    }
    return true;
}

/* What is about no single setting.  The users come first: they are made before the server is read-only. */
static const struct init_row step_rows[] = {
    [INIT_USER_REPLICATION] = { "I10", "replicas log in as this user: REPLICATION SLAVE and nothing else" },
    [INIT_USER_CHECK] = { "I11", "the monitor's own look: a user without any right" },
    [INIT_USER_AGENT] = { "I12", "only who is that user of the machine logs in as the agent does, and no password of "
                                 "it exists" },
    [INIT_SET] = { "S10", "a setting that is not as it should be; each has a rule of its own" },
    [INIT_WRITE_FILE] = { "I20", "the same at every start, and then never writable" },
    [INIT_SET_UP] = { "I30", "the agent gets the replication password and begins its work" },
};

const struct init_row *init_step_row(size_t row) {
    return row < COUNT_OF(step_rows) ? &step_rows[row] : NULL;
}

static void step_add(struct init_plan *plan, const struct view *view, enum init_kind kind, size_t setting) {
    bool set = kind == INIT_SET;
    if (plan->step_count < INIT_STEPS_MAX)
        plan->steps[plan->step_count++] = (struct init_step){
            .host = view->host,
            .kind = kind,
            .setting = set ? (int)setting : -1,
            .rule = set ? init_settings[setting].rule : step_rows[kind].rule,
            .why = set ? init_settings[setting].why : step_rows[kind].why,
        };
}

/* Whether a user has the right password is not seen in a look: until a host is set up its users are made sure of. */
static void steps_find(struct init_plan *plan, const struct view *view) {
    step_add(plan, view, INIT_USER_REPLICATION, 0);
    if (view->wish->check_user)
        step_add(plan, view, INIT_USER_CHECK, 0);
    if (!view->facts->agent_has_socket)
        step_add(plan, view, INIT_USER_AGENT, 0);
    for (size_t i = 0; i < init_setting_count; i++)
        if (init_is_done_running(&init_settings[i]) && is_wrong(view, i))
            step_add(plan, view, INIT_SET, i);
    if (!view->facts->file_is_right)
        step_add(plan, view, INIT_WRITE_FILE, 0);
}

/* On all hosts last: as long as one is not ready, no agent begins to work. */
static void finish(struct init_plan *plan, const struct view *view, host_set begun) {
    struct view each = *view;
    for (each.host = 0; each.host < view->cluster->host_count; each.host++)
        if (set_has(begun, each.host))
            step_add(plan, &each, INIT_SET_UP, 0);
    if (plan->stop_count > 0)
        plan->step_count = 0;
}

void init_plan_make(const struct cluster *cluster, const struct init_wish *wish,
                    const struct init_facts facts[static HOSTS_MAX], struct init_plan *ret_plan) {
    struct view view = { .cluster = cluster, .wish = wish, .all = facts };
    host_set begun = 0;
    ret_plan->stop_count = ret_plan->step_count = 0;
    for (view.host = 0; view.host < cluster->host_count; view.host++) {
        view.facts = &facts[view.host];
        if (stops_find(ret_plan, &view)) {
            begun |= set_of(view.host);
            steps_find(ret_plan, &view);
        }
    }
    finish(ret_plan, &view, begun);
}

void init_plan_host(const struct cluster *cluster, int host, const struct init_wish *wish,
                    const struct init_facts *facts, struct init_plan *ret_plan) {
    struct view view = { .cluster = cluster, .wish = wish, .facts = facts, .host = host };
    ret_plan->stop_count = ret_plan->step_count = 0;
    bool begun = stops_find(ret_plan, &view);
    if (begun)
        steps_find(ret_plan, &view);
    finish(ret_plan, &view, begun ? set_of(host) : 0);
}

/* The host's number in the configuration, or that and a multiple of the most hosts that there can be. */
unsigned init_server_id(const struct cluster *cluster, const struct init_facts facts[static HOSTS_MAX], int host) {
    unsigned id = (unsigned)host + 1;
    for (int i = 0; i < cluster->host_count; i++)
        if (i != host && facts[i].server_id == id) {
            id += HOSTS_MAX;
            i = -1; /* each host takes one number away at the most, so this ends */
        }
    return id;
}

const struct init_step *init_step_find(const struct init_plan *plan, int host, const char *rule) {
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].host == host && text_equal(plan->steps[i].rule, rule))
            return &plan->steps[i];
    return NULL;
}
