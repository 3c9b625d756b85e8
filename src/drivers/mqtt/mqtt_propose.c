/* SPDX-License-Identifier: Apache-2.0 */
/* Devices; points: mqtt_propose_point.c. */
#include "drivers/mqtt/mqtt_propose.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/mqtt/sparkplug/topic.h"

enum { KEY_MAX = 1200, SAMPLE_MAX = 200, SAMPLE_FIELDS = 5 };

/* Topics that make a device. */
struct group {
    char *key; /* "d ID": announced; "s G/N/D"; "t NAME"; else "j TOPIC" or "p PARENT" */
    char *name;
    char *sparkplug;
    const char *topic;                /* the first that was heard */
    const struct mqtt_entity *entity; /* the first that announced it */
    struct buf topics, sample;
    size_t topic_count, field_count, shown;
    uint64_t messages;
    bool binary;
};

struct groups {
    struct map by_key;
    struct group **list;
    size_t count, room;
    struct map taken; /* topics that an announcement has */
};

static struct group *group_of(struct groups *groups, const char *key, const char *name)
{
    struct group *group = map_get(&groups->by_key, key);
    if (group != NULL) {
        return group;
    }
    group = busbar_alloc(sizeof(*group));
    group->key = busbar_strdup(key);
    group->name = busbar_strdup(name);
    buf_init(&group->topics, MQTT_PROPOSE_TOPICS_BYTES);
    buf_init(&group->sample, SAMPLE_MAX);
    (void)map_set(&groups->by_key, group->key, group);
    if (groups->count == groups->room) {
        groups->room = groups->room > 0 ? 2 * groups->room : 16;
        groups->list = busbar_realloc(groups->list, groups->room * sizeof(struct group *));
    }
    groups->list[groups->count++] = group;
    return group;
}

static void add_topic_text(struct group *group, const char *topic)
{
    if (group->topics.size + strlen(topic) + 2 < MQTT_PROPOSE_TOPICS_BYTES) {
        (void)buf_printf(&group->topics, "%s%s", group->topics.size > 0 ? ", " : "", topic);
    }
}

/* "co2 640": the last step of its path, or of its topic. */
static void add_sample(struct group *group, const struct mqtt_seen_topic *topic)
{
    for (size_t i = 0; i < topic->field_count && group->shown < SAMPLE_FIELDS; i++) {
        const struct mqtt_seen_field *field = &topic->fields[i];
        char name[64];
        mqtt_propose_name(field->path[0] != '\0'               ? field->path
                          : strrchr(topic->topic, '/') != NULL ? strrchr(topic->topic, '/') + 1
                                                               : topic->topic,
                          name, sizeof(name));
        if (group->sample.size + strlen(name) + strlen(field->text) + 3 < SAMPLE_MAX) {
            (void)buf_printf(&group->sample, "%s%s %s", group->shown > 0 ? ", " : "", name,
                             field->text);
            group->shown++;
        }
    }
}

static void add_topic(struct group *group, const struct mqtt_seen_topic *topic)
{
    group->topic = group->topic != NULL ? group->topic : topic->topic;
    group->topic_count++;
    group->field_count += topic->field_count;
    group->messages += topic->messages;
    group->binary = group->binary || topic->kind == MQTT_SEEN_BINARY;
    add_sample(group, topic);
}

/* What a list of topics cannot hold as it is. */
static bool is_odd(const char *topic)
{
    return topic[0] == '\0' || topic[0] == '~' || strpbrk(topic, ",{}+#") != NULL ||
           topic[strspn(topic, " ")] == '\0' || topic[0] == ' ' || topic[strlen(topic) - 1] == ' ';
}

/* ---- what was announced ---- */

static void group_entities(struct groups *groups, const struct mqtt_seen *seen)
{
    for (size_t i = 0; i < seen->entity_count; i++) {
        const struct mqtt_entity *entity = &seen->entities[i];
        char key[KEY_MAX];
        const char *id = entity->device_id[0] != '\0' ? entity->device_id
                         : entity->id[0] != '\0'      ? entity->id
                                                      : entity->state_topic;
        const char *name = entity->device_name[0] != '\0' ? entity->device_name
                           : entity->name[0] != '\0'      ? entity->name
                                                          : id;
        str_format(key, sizeof(key), "d %s", id);
        if (is_odd(entity->state_topic)) {
            continue; /* what can only be commanded belongs to a device by its other things */
        }
        struct group *group = group_of(groups, key, name);
        group->entity = group->entity != NULL ? group->entity : entity;
        if (map_get(&groups->taken, entity->state_topic) == NULL) {
            const struct mqtt_seen_topic *topic = mqtt_seen_topic(seen, entity->state_topic);
            (void)map_set(&groups->taken, entity->state_topic, group);
            add_topic_text(group, entity->state_topic);
            group->topic = group->topic != NULL ? group->topic : entity->state_topic;
            if (topic != NULL) {
                add_topic(group, topic);
            }
        }
    }
}

/* ---- the others, by their topics ---- */

/* The first two levels of tele/NAME/... and stat/NAME/... */
static bool is_tasmota(const char *topic, char name[KEY_MAX])
{
    bool first = str_starts(topic, "tele/") || str_starts(topic, "stat/");
    const char *at = first ? topic + strlen("tele/") : "";
    size_t size = strcspn(at, "/");
    if (!first || size == 0 || at[size] != '/') {
        return false;
    }
    str_format(name, KEY_MAX, "%.*s", (int)size, at);
    return true;
}

static void group_sparkplug(struct groups *groups, const struct mqtt_seen_topic *topic)
{
    struct sparkplug_topic place;
    char key[KEY_MAX];
    if (!sparkplug_topic_read(topic->topic, strlen(topic->topic), &place) ||
        place.type == SPARKPLUG_STATE || place.type == SPARKPLUG_NCMD ||
        place.type == SPARKPLUG_DCMD) {
        return;
    }
    str_format(key, sizeof(key), "s %s/%s%s%s", place.group, place.node,
               place.device[0] != '\0' ? "/" : "", place.device);
    struct group *group = group_of(groups, key,
                                   place.device[0] != '\0' ? place.device : place.node);
    if (group->sparkplug == NULL) {
        group->sparkplug = busbar_strdup(key + 2);
    }
    group->topic = topic->topic;
    group->topic_count++;
    group->messages += topic->messages;
}

static void group_topic(struct groups *groups, const struct mqtt_seen_topic *topic)
{
    const char *text = topic->topic;
    const char *slash = strrchr(text, '/');
    char key[KEY_MAX];
    char name[KEY_MAX];
    char filter[KEY_MAX];
    if (str_starts(text, "spBv1.0/")) {
        group_sparkplug(groups, topic);
        return;
    }
    if (text[0] == '$' || is_odd(text) || topic->kind == MQTT_SEEN_EMPTY ||
        strlen(text) >= KEY_MAX / 2 || map_get(&groups->taken, text) != NULL ||
        str_starts(text, "homeassistant/")) {
        return;
    }
    if (is_tasmota(text, name)) {
        str_format(key, sizeof(key), "t %s", name);
        str_format(filter, sizeof(filter), "tele/%s/#, stat/%s/#", name, name);
    } else if (topic->kind == MQTT_SEEN_PLAIN && slash != NULL && slash != text) {
        str_format(filter, sizeof(filter), "%.*s/+", (int)(slash - text), text);
        str_format(key, sizeof(key), "p %s", filter);
        str_format(name, sizeof(name), "%.*s", (int)(slash - text), text);
        const char *last = strrchr(name, '/');
        memmove(name, last != NULL ? last + 1 : name, strlen(last != NULL ? last + 1 : name) + 1);
    } else {
        str_format(filter, sizeof(filter), "%s", text);
        str_format(key, sizeof(key), "j %s", text);
        str_format(name, sizeof(name), "%s", slash != NULL && slash[1] != '\0' ? slash + 1 : text);
    }
    struct group *group = group_of(groups, key, name[0] != '\0' ? name : filter);
    if (group->topics.size == 0) {
        add_topic_text(group, filter);
    }
    add_topic(group, topic);
}

/* ---- telling ---- */

static void tell(const struct group *group, mqtt_proposal_cb cb, void *ctx)
{
    const struct mqtt_entity *entity = group->entity;
    const struct mqtt_proposal proposal = {
        .topics = group->sparkplug == NULL ? buf_text(&group->topics) : NULL,
        .sparkplug = group->sparkplug,
        .topic = group->topic,
        .name = group->name,
        .maker = entity != NULL ? entity->maker : "",
        .model = entity != NULL ? entity->model : "",
        .version = entity != NULL ? entity->version : "",
        .sample = buf_text(&group->sample),
        .topic_count = group->topic_count,
        .field_count = group->field_count,
        .messages = group->messages,
        .binary = group->binary,
    };
    cb(ctx, &proposal);
}

void mqtt_propose_devices(const struct mqtt_seen *seen, mqtt_proposal_cb cb, void *ctx)
{
    struct groups groups = { .count = 0 };
    const struct mqtt_seen_topic **sorted = mqtt_seen_sorted(seen);
    group_entities(&groups, seen);
    for (size_t i = 0; sorted[i] != NULL; i++) {
        group_topic(&groups, sorted[i]);
    }
    for (size_t i = 0; i < groups.count; i++) {
        struct group *group = groups.list[i];
        tell(group, cb, ctx);
        buf_fini(&group->topics);
        buf_fini(&group->sample);
        busbar_free(group->key);
        busbar_free(group->name);
        busbar_free(group->sparkplug);
        busbar_free(group);
    }
    busbar_free(groups.list);
    map_fini(&groups.by_key);
    map_fini(&groups.taken);
    busbar_free(sorted);
}
