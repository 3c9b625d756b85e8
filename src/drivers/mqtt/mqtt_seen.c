/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/mqtt/mqtt_seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/mqtt/mqtt_client.h"
#include "drivers/mqtt/mqtt_topics.h"
#include "model/sample.h"

enum { PATH_MAX_BYTES = 400, ELEMENTS_SHOWN = 8 /* of an array */ };

void mqtt_seen_init(struct mqtt_seen *seen)
{
    *seen = (struct mqtt_seen){ .tree = payload_tree_new() };
}

static void free_topic(struct mqtt_seen_topic *topic)
{
    for (size_t i = 0; i < topic->field_count; i++) {
        busbar_free(topic->fields[i].path);
    }
    busbar_free(topic->fields);
    busbar_free(topic->topic);
    busbar_free(topic);
}

void mqtt_seen_fini(struct mqtt_seen *seen)
{
    size_t at = 0;
    void *topic;
    while (map_next(&seen->topics, &at, NULL, &topic)) {
        free_topic(topic);
    }
    map_fini(&seen->topics);
    for (size_t i = 0; i < seen->entity_count; i++) {
        mqtt_entity_fini(&seen->entities[i]);
    }
    busbar_free(seen->entities);
    payload_tree_free(seen->tree);
    *seen = (struct mqtt_seen){ 0 };
}

/* ---- texts ---- */

/* Printable, cut at a character's end. */
static void show(char to[MQTT_SEEN_TEXT_MAX + 1], const char *text, size_t size)
{
    size_t kept = str_is_utf8(text, size) ? str_utf8_cut(text, size, MQTT_SEEN_TEXT_MAX) : 0;
    if (kept == 0 && size > 0) {
        (void)str_hex(to, MQTT_SEEN_TEXT_MAX + 1, text, size, ' ');
        return;
    }
    for (size_t i = 0; i < kept; i++) {
        to[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
    }
    to[kept] = '\0';
}

/* ---- fields ---- */

static struct mqtt_seen_field *field_of(struct mqtt_seen *seen, struct mqtt_seen_topic *topic,
                                        const char *path)
{
    for (size_t i = 0; i < topic->field_count; i++) {
        if (strcmp(topic->fields[i].path, path) == 0) {
            return &topic->fields[i];
        }
    }
    if (topic->field_count == MQTT_SEEN_FIELDS_MAX ||
        seen->field_count == MQTT_SEEN_ALL_FIELDS_MAX) {
        return NULL;
    }
    if ((topic->field_count & (topic->field_count - 1)) == 0) { /* full at each power of two */
        size_t room = topic->field_count > 0 ? 2 * topic->field_count : 1;
        topic->fields = busbar_realloc(topic->fields, room * sizeof(*topic->fields));
    }
    seen->field_count++;
    struct mqtt_seen_field *field = &topic->fields[topic->field_count++];
    *field = (struct mqtt_seen_field){ .path = busbar_strdup(path) };
    return field;
}

static void set_number(struct mqtt_seen_field *field, double value)
{
    field->type = VALUE_DOUBLE;
    field->value.d = value;
    str_format_double(field->text, sizeof(field->text), value);
}

static void set_int(struct mqtt_seen_field *field, int64_t value)
{
    field->type = VALUE_INT;
    field->value.i = value;
    str_format(field->text, sizeof(field->text), "%lld", (long long)value);
}

static void set_node(struct mqtt_seen_field *field, const struct payload_node *node)
{
    switch ((enum payload_type)node->type) {
    case PAYLOAD_BOOL:
        field->type = VALUE_BOOL;
        field->value.b = node->value.b;
        str_format(field->text, sizeof(field->text), "%s", node->value.b ? "true" : "false");
        break;
    case PAYLOAD_INT: set_int(field, node->value.i); break;
    case PAYLOAD_DOUBLE: set_number(field, node->value.d); break;
    case PAYLOAD_TEXT:
        field->type = VALUE_TEXT;
        show(field->text, node->value.text, node->size);
        break;
    default:
        field->type = VALUE_NONE;
        str_format(field->text, sizeof(field->text), "null");
        break;
    }
}

/* A step of a path: .name, or ['odd name']. */
static void put_name(struct buf *path, const char *name, size_t size)
{
    bool plain = size > 0 && !(name[0] >= '0' && name[0] <= '9');
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        plain = plain && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_');
    }
    if (plain) {
        (void)buf_printf(path, ".%.*s", (int)size, name);
        return;
    }
    (void)buf_append_text(path, "['");
    for (size_t i = 0; i < size; i++) {
        if (name[i] == '\'' || name[i] == '\\') {
            (void)buf_append_byte(path, '\\');
        }
        (void)buf_append_byte(path, (uint8_t)name[i]);
    }
    (void)buf_append_text(path, "']");
}

/* The tree is no deeper than PAYLOAD_DEPTH_MAX. */
static void walk(struct mqtt_seen *seen, struct mqtt_seen_topic *topic,
                 const struct payload_node *node, struct buf *path)
{
    bool array = node->type == PAYLOAD_ARRAY;
    if (!array && node->type != PAYLOAD_OBJECT) {
        struct mqtt_seen_field *field = path->overflow ? NULL
                                                       : field_of(seen, topic, buf_text(path));
        if (field != NULL) {
            set_node(field, node);
        }
        return;
    }
    const struct payload_node *child = node + 1;
    size_t shown = array && node->size > ELEMENTS_SHOWN ? ELEMENTS_SHOWN : node->size;
    for (size_t i = 0; i < shown && !path->overflow; i++) {
        size_t size = path->size;
        if (array) {
            (void)buf_printf(path, "[%zu]", i);
        } else {
            put_name(path, child->key, child->key_size);
        }
        walk(seen, topic, child, path);
        if (!path->overflow) {
            path->size = size;
            path->data[size] = '\0';
        }
        child += child->next;
    }
}

/* ---- messages ---- */

static void add_json(struct mqtt_seen *seen, struct mqtt_seen_topic *topic)
{
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES);
    (void)buf_append_text(&path, "$");
    walk(seen, topic, payload_tree_root(seen->tree), &path);
    buf_fini(&path);
}

static void add_plain(struct mqtt_seen *seen, struct mqtt_seen_topic *topic, const char *text,
                      size_t size)
{
    char copy[MQTT_SEEN_TEXT_MAX + 1];
    struct mqtt_seen_field *field = field_of(seen, topic, "");
    int64_t number;
    double real;
    if (field == NULL) {
        return;
    }
    show(copy, text, size);
    char *trimmed = str_trim(copy);
    if (str_parse_i64(trimmed, &number) == 0) {
        set_int(field, number);
    } else if (str_parse_double(trimmed, &real) == 0) {
        set_number(field, real);
    } else {
        field->type = VALUE_TEXT;
        (void)str_copy(field->text, sizeof(field->text), trimmed);
    }
}

static struct mqtt_seen_topic *topic_of(struct mqtt_seen *seen, const char *topic)
{
    struct mqtt_seen_topic *found = map_get(&seen->topics, topic);
    if (found == NULL && seen->topics.count < MQTT_SEEN_TOPICS_MAX) {
        found = busbar_alloc(sizeof(*found));
        found->topic = busbar_strdup(topic);
        found->retained = true;
        (void)map_set(&seen->topics, found->topic, found);
    }
    return found;
}

static void add_entity(struct mqtt_seen *seen, const char *topic, const void *payload, size_t size)
{
    struct mqtt_entity list[MQTT_ENTITIES_OF_MESSAGE_MAX];
    size_t count = mqtt_home_read(topic, payload, size, seen->tree, list,
                                  MQTT_ENTITIES_OF_MESSAGE_MAX);
    for (size_t i = 0; i < count; i++) {
        if (seen->entity_count == MQTT_SEEN_ENTITIES_MAX) {
            mqtt_entity_fini(&list[i]);
            continue;
        }
        if ((seen->entity_count & (seen->entity_count - 1)) == 0) {
            size_t room = seen->entity_count > 0 ? 2 * seen->entity_count : 1;
            seen->entities = busbar_realloc(seen->entities, room * sizeof(*seen->entities));
        }
        seen->entities[seen->entity_count++] = list[i];
    }
}

void mqtt_seen_add(struct mqtt_seen *seen, const char *topic, const void *payload, size_t size,
                   bool retained)
{
    seen->messages++;
    if (mqtt_home_is_config(topic)) {
        add_entity(seen, topic, payload, size);
        return;
    }
    struct mqtt_seen_topic *found = topic_of(seen, topic);
    if (found == NULL) {
        seen->more_topics++;
        return;
    }
    found->messages++;
    found->retained = found->retained && retained;
    show(found->text, payload, size);
    const char *text = payload;
    char first = size > 0 ? text[0] : '\0';
    if (size == 0) {
        found->kind = MQTT_SEEN_EMPTY;
    } else if ((first == '{' || first == '[') && size <= MQTT_SEEN_BODY_MAX &&
               payload_tree_json(seen->tree, text, size, NULL) == 0) {
        found->kind = MQTT_SEEN_JSON;
        add_json(seen, found);
    } else if (str_is_utf8(text, size)) {
        found->kind = MQTT_SEEN_PLAIN;
        add_plain(seen, found, text, size);
    } else {
        found->kind = MQTT_SEEN_BINARY;
    }
}

/* ---- copies and lists ---- */

struct copy {
    struct mqtt_seen *to;
    const struct mqtt_seen_topic *topic;
    bool fits;
};

static int on_filter(void *ctx, const char *filter)
{
    struct copy *copy = ctx;
    copy->fits = copy->fits || mqtt_topic_fits(filter, copy->topic->topic);
    return 0;
}

static void copy_topic(struct mqtt_seen *to, const struct mqtt_seen_topic *from)
{
    struct mqtt_seen_topic *topic = topic_of(to, from->topic);
    for (size_t i = 0; topic != NULL && i < from->field_count; i++) {
        struct mqtt_seen_field *field = field_of(to, topic, from->fields[i].path);
        if (field != NULL) {
            char *path = field->path;
            *field = from->fields[i];
            field->path = path;
        }
    }
    if (topic != NULL) {
        topic->messages += from->messages;
        topic->retained = from->retained;
        topic->kind = from->kind;
        (void)str_copy(topic->text, sizeof(topic->text), from->text);
    }
}

void mqtt_seen_copy(struct mqtt_seen *to, const struct mqtt_seen *from, const char *filters)
{
    const struct mqtt_topic_names names = { .id = NULL };
    size_t at = 0;
    void *topic;
    while (map_next(&from->topics, &at, NULL, &topic)) {
        struct copy copy = { .to = to, .topic = topic };
        if (mqtt_topics_each(filters, &names, on_filter, &copy, NULL) == 0 && copy.fits) {
            copy_topic(to, topic);
        }
    }
    for (size_t i = 0; i < from->entity_count && to->entity_count < MQTT_SEEN_ENTITIES_MAX; i++) {
        if ((to->entity_count & (to->entity_count - 1)) == 0) {
            size_t room = to->entity_count > 0 ? 2 * to->entity_count : 1;
            to->entities = busbar_realloc(to->entities, room * sizeof(*to->entities));
        }
        mqtt_entity_copy(&to->entities[to->entity_count++], &from->entities[i]);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct mqtt_seen_topic *const *left = a;
    const struct mqtt_seen_topic *const *right = b;
    return strcmp((*left)->topic, (*right)->topic);
}

const struct mqtt_seen_topic **mqtt_seen_sorted(const struct mqtt_seen *seen)
{
    const struct mqtt_seen_topic **list = busbar_alloc_array(seen->topics.count + 1, sizeof(*list));
    size_t at = 0;
    size_t count = 0;
    void *topic;
    while (map_next(&seen->topics, &at, NULL, &topic)) {
        list[count++] = topic;
    }
    qsort(list, count, sizeof(*list), by_name);
    return list;
}

const struct mqtt_seen_topic *mqtt_seen_topic(const struct mqtt_seen *seen, const char *topic)
{
    return map_get(&seen->topics, topic);
}

const struct mqtt_seen_field *mqtt_seen_field(const struct mqtt_seen_topic *topic, const char *path)
{
    for (size_t i = 0; topic != NULL && i < topic->field_count; i++) {
        if (strcmp(topic->fields[i].path, path) == 0) {
            return &topic->fields[i];
        }
    }
    return NULL;
}
