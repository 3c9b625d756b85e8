/* SPDX-License-Identifier: Apache-2.0 */
/* See mqtt_propose.h: points. */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_propose.h"
#include "drivers/mqtt/mqtt_topics.h"

enum { SETTINGS_MAX = 8192, ID_MAX = 2048 };

struct points {
    const struct mqtt_seen *seen;
    const char *topics, *base;
    bool single;      /* the device's topic is this one: its points need not say it */
    struct map names; /* used ones */
    mqtt_point_cb cb;
    void *ctx;
};

void mqtt_propose_name(const char *text, char *to, size_t size)
{
    size_t used = 0;
    bool gap = false;
    for (; *text != '\0' && used + 2 < size; text++) {
        char c = *text;
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (word && gap && used > 0) {
            to[used++] = '-';
        }
        if (word) {
            to[used++] = c;
        }
        gap = !word;
    }
    if (used == 0) {
        to[used++] = 'x';
    }
    to[used] = '\0';
}

/* One that no other point of the device has. */
static void unique_name(struct points *points, char name[POINT_NAME_MAX + 1])
{
    char base[POINT_NAME_MAX - 8];
    (void)str_copy(base, sizeof(base), name);
    for (unsigned n = 2; map_get(&points->names, name) != NULL; n++) {
        str_format(name, POINT_NAME_MAX + 1, "%s-%u", base, n);
    }
    char *kept = busbar_strdup(name);
    (void)map_set(&points->names, kept, kept);
}

static void put_text(struct buf *out, const char *key, const char *text)
{
    struct json_writer json = json_writer(out);
    (void)buf_printf(out, "%s%s: ", out->size > 2 ? ", " : "", key);
    json_string(&json, text);
}

/* As ~/REST where that says the same. */
static void put_topic(const struct points *points, struct buf *out, const char *key,
                      const char *topic)
{
    char text[ID_MAX];
    const char *base = points->base;
    size_t size = base != NULL ? strlen(base) : 0;
    if (size > 0 && strncmp(topic, base, size) == 0 && topic[size] == '/') {
        str_format(text, sizeof(text), "~%s", topic + size);
        put_text(out, key, text);
    } else {
        put_text(out, key, topic);
    }
}

static bool is_switch(const char *text)
{
    static const char *const words[] = { "ON", "OFF", "on", "off", "true", "false" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static void put_command(const struct points *points, struct buf *out,
                        const struct mqtt_entity *entity)
{
    if (entity == NULL || entity->command_topic[0] == '\0' || entity->command[0] == '\0' ||
        mqtt_topic_wrong(entity->command_topic) != NULL) {
        return;
    }
    put_topic(points, out, "send_topic", entity->command_topic);
    if (strcmp(entity->command, "{value}") != 0) {
        put_text(out, "send", entity->command);
    }
    (void)buf_append_text(out, ", write: true");
    if (entity->has_min && entity->has_max) {
        struct json_writer json = json_writer(out);
        out->size -= strlen("true");
        (void)buf_append_text(out, "{ min: ");
        json_double(&json, entity->min);
        json = json_writer(out);
        (void)buf_append_text(out, ", max: ");
        json_double(&json, entity->max);
        (void)buf_append_text(out, " }");
    }
}

/* ---- one point ---- */

static void tell(struct points *points, const struct mqtt_seen_topic *topic,
                 const struct mqtt_seen_field *field, const struct mqtt_entity *entity,
                 const char *state_topic, const char *path)
{
    char name[POINT_NAME_MAX + 1];
    char id[ID_MAX];
    struct buf settings;
    const char *last = strrchr(state_topic, '/');
    buf_init(&settings, SETTINGS_MAX);
    (void)buf_append_text(&settings, "{ ");
    if (state_topic[0] != '\0') {
        put_text(&settings, path[0] != '\0' ? "json" : "text", path[0] != '\0' ? path : "all");
        if (!points->single) {
            put_topic(points, &settings, "topic", state_topic);
        }
    }
    bool number = field != NULL && (field->type == VALUE_INT || field->type == VALUE_DOUBLE);
    if (field != NULL && field->type == VALUE_TEXT && is_switch(field->text)) {
        put_text(&settings, "type", "bool");
    } else if (path[0] == '\0' && number) {
        put_text(&settings, "type", "number");
    }
    if (entity != NULL && entity->unit[0] != '\0') {
        put_text(&settings, "units", entity->unit);
    }
    put_command(points, &settings, entity);
    (void)buf_append_text(&settings, " }");
    mqtt_propose_name(path[0] != '\0' ? path
                      : state_topic[0] == '\0' && entity != NULL && entity->name[0] != '\0'
                          ? entity->name
                      : last != NULL ? last + 1
                                     : state_topic,
                      name, sizeof(name));
    unique_name(points, name);
    str_format(id, sizeof(id), "%s%s%s", state_topic[0] != '\0' ? state_topic : name,
               path[0] != '\0' ? " " : "", path);
    const struct mqtt_point_proposal point = {
        .topic = topic,
        .field = field,
        .id = id,
        .name = name,
        .title = entity != NULL ? entity->name : "",
        .settings = buf_text(&settings),
        .unit = entity != NULL ? entity->unit : "",
        .writable = strstr(buf_text(&settings), "send_topic: ") != NULL,
        .announced = entity != NULL,
    };
    if (!settings.overflow) {
        points->cb(points->ctx, &point);
    }
    buf_fini(&settings);
}

/* ---- all of them ---- */

struct fit {
    const char *topic;
    bool found;
};

static int on_filter(void *ctx, const char *filter)
{
    struct fit *fit = ctx;
    fit->found = fit->found || mqtt_topic_fits(filter, fit->topic);
    return 0;
}

static bool fits(const struct points *points, const char *topic)
{
    const struct mqtt_topic_names names = { .id = NULL };
    struct fit fit = { .topic = topic };
    return topic[0] != '\0' &&
           mqtt_topics_each(points->topics, &names, on_filter, &fit, NULL) == 0 && fit.found;
}

static const struct mqtt_entity *entity_of(const struct mqtt_seen *seen, const char *topic,
                                           const char *path)
{
    for (size_t i = 0; i < seen->entity_count; i++) {
        const struct mqtt_entity *entity = &seen->entities[i];
        if (entity->understood && strcmp(entity->state_topic, topic) == 0 &&
            strcmp(entity->path, path) == 0) {
            return entity;
        }
    }
    return NULL;
}

/* What was announced, but has not come yet; and what can only be commanded. */
static void tell_entities(struct points *points)
{
    const struct mqtt_seen *seen = points->seen;
    const char *device = NULL;
    for (size_t i = 0; device == NULL && i < seen->entity_count; i++) {
        device = fits(points, seen->entities[i].state_topic) ? seen->entities[i].device_id : NULL;
    }
    for (size_t i = 0; device != NULL && i < seen->entity_count; i++) {
        const struct mqtt_entity *entity = &seen->entities[i];
        const struct mqtt_seen_topic *topic = mqtt_seen_topic(seen, entity->state_topic);
        bool came = mqtt_seen_field(topic, entity->path) != NULL;
        bool only_command = entity->state_topic[0] == '\0' && device[0] != '\0' &&
                            strcmp(entity->device_id, device) == 0 && entity->command[0] != '\0';
        bool read = entity->understood && fits(points, entity->state_topic) && !came;
        if (only_command || read) {
            tell(points, topic, NULL, entity, entity->state_topic, entity->path);
        }
    }
}

void mqtt_propose_points(const struct mqtt_seen *seen, const char *topics, const char *base,
                         mqtt_point_cb cb, void *ctx)
{
    struct points points = { .seen = seen, .topics = topics, .base = base, .cb = cb, .ctx = ctx };
    const struct mqtt_seen_topic **sorted = mqtt_seen_sorted(seen);
    size_t at = 0;
    void *name;
    points.single = strpbrk(topics, "+#,") == NULL;
    for (size_t i = 0; sorted[i] != NULL; i++) {
        const struct mqtt_seen_topic *topic = sorted[i];
        for (size_t f = 0; fits(&points, topic->topic) && f < topic->field_count; f++) {
            const struct mqtt_seen_field *field = &topic->fields[f];
            tell(&points, topic, field, entity_of(seen, topic->topic, field->path), topic->topic,
                 field->path);
        }
    }
    tell_entities(&points);
    while (map_next(&points.names, &at, NULL, &name)) {
        busbar_free(name);
    }
    map_fini(&points.names);
    busbar_free(sorted);
}
