#include "wire/explain.h"

#include "wire/names.h"

static json_t *known_or_null(msec length) {
    return length < 0 ? json_null() : json_integer(length);
}

static json_t *time_value(const struct explained_story *story) {
    if (story->chosen == HOST_NONE)
        return json_null();
    msec rest = story->detect + story->lease + story->promote;
    json_t *object = object_new();
    put_msec(object, "detect", story->detect);
    put_msec(object, "lease", story->lease);
    put(object, "drain", known_or_null(story->drain));
    put_msec(object, "promote", story->promote);
    put(object, "total", story->drain < 0 ? json_null() : json_integer(rest + story->drain));
    return object;
}

static json_t *loss_value(const struct explained_story *story) {
    if (story->chosen == HOST_NONE || !story->loss_known)
        return json_null();
    json_t *object = object_new();
    put_number(object, "transactions", story->loss);
    put_number(object, "heartbeats", story->heartbeats);
    put_text(object, "which", story->loss_text);
    return object;
}

static json_t *hosts_value(const struct cluster *cluster, const struct explanation *explanation,
                           const struct explained_story *story) {
    json_t *list = array_new();
    for (int i = 0; i < cluster->host_count; i++) {
        json_t *object = object_new();
        put_text(object, "name", cluster->hosts[i].name);
        put_flag(object, "chosen", i == story->chosen);
        put_text(object, "rule", story->hosts[i].rule);
        put_text(object, "why", story->hosts[i].why);
        put_text_or_null(object, "next", story->hosts[i].next);
        put(object, "report_age_ms", known_or_null(explanation->age[i]));
        array_put(list, object);
    }
    return list;
}

static json_t *story_value(const struct cluster *cluster, const struct explanation *explanation,
                           const struct explained_story *story) {
    json_t *object = object_new();
    put_text(object, "if", explain_story_name(story->story));
    put_host(object, "chosen", cluster, story->chosen);
    put_text(object, "rules", story->rules);
    put_text(object, "why", story->why);
    put_text_or_null(object, "next", story->next);
    put(object, "time_ms", time_value(story));
    put(object, "if_fence_succeeds_in_ms", story->fence ? json_integer(story->fence) : json_null());
    put(object, "to_apply", story->chosen == HOST_NONE ? json_null() : json_integer((json_int_t)story->to_apply));
    put(object, "loss", loss_value(story));
    put(object, "hosts", hosts_value(cluster, explanation, story));
    return object;
}

char *explanation_encode(const struct cluster *cluster, const struct explanation *explanation, bool fresh, msec wall) {
    json_t *object = object_new(), *stories = array_new();
    put_text(object, "cluster", cluster->name);
    put_wall(object, "time", wall);
    put_host(object, "writer", cluster, explanation->writer);
    put_flag(object, "fresh", fresh);
    for (int i = 0; i < explanation->count; i++)
        array_put(stories, story_value(cluster, explanation, &explanation->stories[i]));
    put(object, "stories", stories);
    return object_to_text(object);
}
