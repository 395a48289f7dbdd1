#include "wire/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/names.h"
#include "wire/words.h"

static uint64_t fnv1a(const char *text, size_t length) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return hash;
}

enum { TAIL_LENGTH = sizeof ",\"checksum\":\"0123456789abcdef\"}" - 1 };

/* The end of the text whose first «length» bytes are given. */
static void make_tail(const char *text, size_t length, char ret_tail[static TAIL_LENGTH + 1]) {
    snprintf(ret_tail, TAIL_LENGTH + 1, ",\"checksum\":\"%016llx\"}", (unsigned long long)fnv1a(text, length));
}

static char *seal(json_t *object) {
    char *text = object_to_text(object);
    size_t length = strlen(text) - 1; /* without the brace that closes the object */
    text = realloc(text, length + TAIL_LENGTH + 1);
    if (!text)
        abort();
    char tail[TAIL_LENGTH + 1];
    make_tail(text, length, tail);
    memcpy(text + length, tail, sizeof tail);
    return text;
}

static enum rc check_seal(const char *what, const char *text, size_t length, struct reason *ret_why) {
    char tail[TAIL_LENGTH + 1];
    if (length > STATE_TEXT_MAX)
        return FAIL(RC_INVALID, ret_why, "%s: %zu bytes, more than %d", what, length, STATE_TEXT_MAX);
    if (length <= TAIL_LENGTH)
        return FAIL(RC_INVALID, ret_why, "%s: damaged: too short", what);
    make_tail(text, length - TAIL_LENGTH, tail);
    if (memcmp(text + length - TAIL_LENGTH, tail, TAIL_LENGTH) != 0)
        return FAIL(RC_INVALID, ret_why, "%s: damaged: its checksum does not fit", what);
    return RC_OK;
}

/* A text that is being read, and what was dropped from it. */
struct opened {
    const struct cluster *cluster;
    json_t *root;
    struct decoding decoding;
    struct fields fields;
    struct reason *why;
    char dropped[REASON_MAX];
};

static enum rc open_state(const char *what, const struct cluster *cluster, const char *text, size_t length,
                          struct reason *ret_why, struct opened *ret_opened) {
    json_t *root;
    enum rc rc = check_seal(what, text, length, ret_why);
    if (!rc)
        rc = json_from_text(what, text, length, STATE_TEXT_MAX, &root, ret_why);
    if (rc)
        return rc;
    *ret_opened = (struct opened){ .cluster = cluster, .root = root, .decoding = { .why = ret_why }, .why = ret_why };
    struct fields *f = &ret_opened->fields;
    *f = (struct fields){ .decoding = &ret_opened->decoding, .object = root };
    TEXT_COPY(f->path, what);
    int64_t version = field_integer(f, "v", 1, INT32_MAX);
    if (version != STATE_VERSION)
        field_wrong(f, "v", "written by version %lld of this format; this program reads version %d", (long long)version,
                    STATE_VERSION);
    char name[NAME_SIZE];
    field_text(f, "cluster", name, sizeof name);
    if (!text_equal(name, cluster->name))
        field_wrong(f, "cluster", "is «%s»; this is cluster «%s»", name, cluster->name);
    return RC_OK;
}

static enum rc close_state(struct opened *opened) {
    json_decref(opened->root);
    if (!opened->decoding.rc) {
        reason_set(opened->why, "%s%s", opened->dropped[0] ? "no longer in the configuration, dropped: " : "",
                   opened->dropped);
    }
    return opened->decoding.rc;
}

static void drop(struct opened *opened, const char *role, const char *name) {
    text_append(opened->dropped, sizeof opened->dropped, "%s%.63s (%s)", opened->dropped[0] ? ", " : "", name, role);
}

/* The host called so, or HOST_NONE, noted as dropped. */
static int kept_host(struct opened *opened, const char *role, const json_t *value) {
    const char *name = json_string_value(value);
    if (!name) {
        field_wrong(&opened->fields, role, "must be the name of a host");
        return HOST_NONE;
    }
    int host = cluster_host(opened->cluster, name);
    if (host == HOST_NONE)
        drop(opened, role, name);
    return host;
}

static int kept_host_field(struct opened *opened, const char *name) {
    if (!field_value(&opened->fields, name) || !field_is_there(&opened->fields, name))
        return HOST_NONE;
    return kept_host(opened, name, json_object_get(opened->fields.object, name));
}

static host_set kept_hosts_field(struct opened *opened, const char *name) {
    const json_t *list = field_array(&opened->fields, name, HOSTS_MAX);
    host_set hosts = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        int host = kept_host(opened, name, json_array_get(list, i));
        if (host != HOST_NONE)
            hosts |= set_of(host);
    }
    return hosts;
}

static void put_departures(json_t *object, const char *name, const msec departures[static DEPARTURES_MAX]) {
    json_t *list = array_new();
    for (int i = 0; i < DEPARTURES_MAX && departures[i] > 0; i++)
        array_put(list, json_integer(departures[i]));
    put(object, name, list);
}

static void field_departures(const struct fields *f, const char *name, msec ret_departures[static DEPARTURES_MAX]) {
    const json_t *list = field_array(f, name, DEPARTURES_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        ret_departures[i] = json_integer_value(value);
        if (ret_departures[i] < 1 || ret_departures[i] > WIRE_INTEGER_MAX)
            field_wrong(f, name, "member %zu must be a moment in milliseconds", i);
    }
}

static void put_server(json_t *host, const struct seen_server *server) {
    if (server->pid == 0)
        return;
    json_t *object = object_new();
    put_number(object, "pid", server->pid);
    put_msec(object, "started", server->started);
    put_id(object, "by", server->by);
    put_number(object, "crashes", server->crashes);
    put(host, "server", object);
}

static void server_fields(const struct fields *host, struct seen_server *ret_server) {
    *ret_server = (struct seen_server){ 0 };
    if (!field_is_there(host, "server"))
        return;
    struct fields f = field_object(host, "server");
    ret_server->pid = (uint32_t)field_integer(&f, "pid", 1, UINT32_MAX);
    ret_server->started = field_msec(&f, "started");
    ret_server->by = field_id(&f, "by");
    ret_server->crashes = (uint32_t)field_integer(&f, "crashes", 0, UINT32_MAX);
}

static json_t *host_value(const struct host_spec *spec, const struct host_durable *host) {
    json_t *object = object_new();
    put_text(object, "name", spec->name);
    put_text(object, "state", host_state_name(host->state));
    put_msec(object, "since", host->since);
    put_holds(object, "holds", host->holds);
    put_text_unless_empty(object, "hold_why", host->hold_why);
    put_departures(object, "departures", host->departures);
    put_server(object, &host->server);
    return object;
}

static void host_fields(const struct fields *f, struct host_durable *ret_host) {
    char state[NAME_SIZE];
    field_text(f, "state", state, sizeof state);
    if (!host_state_parse(state, &ret_host->state))
        field_wrong(f, "state", "«%s» is not a host state", state);
    ret_host->since = field_msec(f, "since");
    ret_host->holds = field_holds(f, "holds");
    field_text_or_empty(f, "hold_why", ret_host->hold_why, sizeof ret_host->hold_why);
    field_departures(f, "departures", ret_host->departures);
    server_fields(f, &ret_host->server);
}

static void put_host_list(json_t *object, const struct cluster *cluster, const struct monitor_durable *durable) {
    json_t *list = array_new();
    for (int i = 0; i < cluster->host_count; i++)
        array_put(list, host_value(&cluster->hosts[i], &durable->hosts[i]));
    put(object, "hosts", list);
}

static void host_list_fields(struct opened *opened, struct host_durable ret_hosts[static HOSTS_MAX]) {
    const json_t *list = field_array(&opened->fields, "hosts", HOSTS_MAX);
    host_set seen = 0;
    for (int i = 0; i < HOSTS_MAX; i++)
        ret_hosts[i] = (struct host_durable){ .state = HOST_AWAITING_RECOVERY };
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct fields f = field_member(&opened->fields, "hosts", list, i);
        const json_t *name = field_value(&f, "name");
        int host = name ? kept_host(opened, "hosts", name) : HOST_NONE;
        if (host == HOST_NONE)
            continue;
        if (set_has(seen, host))
            field_wrong(&f, "name", "«%s» stands there twice", opened->cluster->hosts[host].name);
        seen |= set_of(host);
        host_fields(&f, &ret_hosts[host]);
    }
}

static void put_placement(json_t *object, const struct cluster *cluster, const int placement[static ADDRESSES_MAX]) {
    json_t *places = object_new();
    for (int i = 0; i < cluster->address_count; i++) {
        char address[IP_TEXT_MAX];
        ip_format(&cluster->addresses[i].ip, address);
        if (placement[i] != HOST_NONE)
            put_host(places, address, cluster, placement[i]);
    }
    put(object, "placement", places);
}

static void placement_fields(struct opened *opened, int ret_placement[static ADDRESSES_MAX]) {
    struct fields places = field_object(&opened->fields, "placement");
    for (int i = 0; i < ADDRESSES_MAX; i++) {
        char address[IP_TEXT_MAX];
        ret_placement[i] = HOST_NONE;
        if (i >= opened->cluster->address_count)
            continue;
        ip_format(&opened->cluster->addresses[i].ip, address);
        if (field_is_there(&places, address))
            ret_placement[i] = kept_host(opened, address, json_object_get(places.object, address));
    }
}

char *monitor_state_encode(const struct cluster *cluster, const struct monitor_durable *durable) {
    json_t *object = object_new();
    put_number(object, "v", STATE_VERSION);
    put_text(object, "cluster", cluster->name);
    put_number(object, "term", durable->term);
    put_host(object, "writer", cluster, durable->writer);
    put_host(object, "leaving", cluster, durable->leaving);
    put_host(object, "last_writer", cluster, durable->last_writer);
    put_hosts(object, "electable", cluster, durable->electable);
    put_hosts(object, "surely", cluster, durable->surely);
    put_hosts(object, "holders", cluster, durable->holders);
    put_hosts(object, "done_without", cluster, durable->done_without);
    put_flag(object, "unproven", durable->unproven);
    put_host(object, "handed_by", cluster, durable->handed_by);
    PUT_WORD(object, "mode", mode_words, durable->mode);
    put_text_unless_empty(object, "passive_cause", durable->passive_cause);
    put_msec(object, "failover_wall", durable->failover_wall);
    put_placement(object, cluster, durable->placement);
    put_host_list(object, cluster, durable);
    return seal(object);
}

enum rc monitor_state_decode(const struct cluster *cluster, const char *text, size_t length,
                             struct monitor_durable *ret_durable, struct reason *ret_why) {
    struct opened opened;
    enum rc rc = open_state("monitor state", cluster, text, length, ret_why, &opened);
    if (rc)
        return rc;
    const struct fields *f = &opened.fields;
    struct monitor_durable durable = {
        .term = field_term(f),
        .writer = kept_host_field(&opened, "writer"),
        .leaving = kept_host_field(&opened, "leaving"),
        .last_writer = kept_host_field(&opened, "last_writer"),
        .electable = kept_hosts_field(&opened, "electable"),
        .surely = kept_hosts_field(&opened, "surely"),
        .holders = kept_hosts_field(&opened, field_is_there(f, "holders") ? "holders" : "electable"),
        .done_without = field_is_there(f, "done_without") ? kept_hosts_field(&opened, "done_without") : 0,
        .unproven = field_is_there(f, "unproven") && field_flag(f, "unproven"),
        .handed_by = field_is_there(f, "handed_by") ? kept_host_field(&opened, "handed_by") : HOST_NONE,
        .mode = (enum monitor_mode)FIELD_WORD(f, "mode", mode_words),
        .failover_wall = field_msec(f, "failover_wall"),
    };
    field_text_or_empty(f, "passive_cause", durable.passive_cause, sizeof durable.passive_cause);
    placement_fields(&opened, durable.placement);
    host_list_fields(&opened, durable.hosts);
    rc = close_state(&opened);
    if (!rc)
        *ret_durable = durable;
    return rc;
}

char *agent_state_encode(const struct cluster *cluster, int self, const struct agent_durable *durable) {
    json_t *object = object_new();
    put_number(object, "v", STATE_VERSION);
    put_text(object, "cluster", cluster->name);
    put_host(object, "host", cluster, self);
    put_number(object, "term", durable->term);
    put_hosts(object, "electable", cluster, durable->electable);
    put_flag(object, "writer", durable->writer);
    put_flag(object, "given_up", durable->given_up);
    put_flag(object, "resigned", durable->resigned);
    put_position(object, "received", &durable->received);
    return seal(object);
}

enum rc agent_state_decode(const struct cluster *cluster, int self, const char *text, size_t length,
                           struct agent_durable *ret_durable, struct reason *ret_why) {
    struct opened opened;
    enum rc rc = open_state("agent state", cluster, text, length, ret_why, &opened);
    if (rc)
        return rc;
    const struct fields *f = &opened.fields;
    char host[NAME_SIZE];
    field_text(f, "host", host, sizeof host);
    if (!text_equal(host, cluster->hosts[self].name))
        field_wrong(f, "host", "is «%s»; this is host «%s»", host, cluster->hosts[self].name);
    struct agent_durable durable = {
        .term = field_term(f),
        .electable = kept_hosts_field(&opened, "electable"),
        .writer = field_flag(f, "writer"),
        .given_up = field_flag(f, "given_up"),
        .resigned = field_flag(f, "resigned"),
    };
    if (field_is_there(f, "received"))
        durable.received = field_position(f, "received");
    rc = close_state(&opened);
    if (!rc)
        *ret_durable = durable;
    return rc;
}
