/* SPDX-License-Identifier: Apache-2.0 */
#include "server/nodes.h"

#include <string.h>

#include "base/alloc.h"

enum { FIRST_NODES = 64 };

void nodes_init(struct nodes *nodes, size_t bytes_max)
{
    *nodes = (struct nodes){ 0 };
    arena_init(&nodes->arena, bytes_max);
}

void nodes_fini(struct nodes *nodes)
{
    arena_fini(&nodes->arena);
    busbar_free(nodes->list);
}

size_t nodes_bytes(const struct nodes *nodes)
{
    return nodes->arena.held_bytes + nodes->capacity * sizeof(*nodes->list);
}

/* ---- the copy; after the first text that did not fit, nothing does ---- */

struct copy {
    struct arena *arena;
    bool full;
};

static const char *copy_text(struct copy *copy, const char *text)
{
    if (text == NULL || text[0] == '\0' || copy->full) {
        return "";
    }
    const char *made = arena_strdup(copy->arena, text);
    copy->full = made == NULL;
    return copy->full ? "" : made;
}

static const struct point_enum *copy_enums(struct copy *copy, const struct driver_node *node)
{
    struct point_enum *enums = copy->full ? NULL
                                          : arena_alloc_array(copy->arena, node->enum_count,
                                                              sizeof(*enums));
    copy->full = enums == NULL;
    for (size_t i = 0; !copy->full && i < node->enum_count; i++) {
        enums[i].value = node->enums[i].value;
        enums[i].name = copy_text(copy, node->enums[i].name);
    }
    return enums;
}

static void copy_value(struct copy *copy, struct sample *value)
{
    if (value->type != VALUE_TEXT || value->value.text == NULL || copy->full) {
        return;
    }
    size_t size = sizeof(struct text) + value->value.text->size + 1;
    struct text *text = arena_alloc(copy->arena, size);
    copy->full = text == NULL;
    if (text != NULL) {
        memcpy(text, value->value.text, size);
        value->value.text = text;
    }
}

bool nodes_add(struct nodes *nodes, const struct driver_node *node)
{
    struct copy copy = { .arena = &nodes->arena };
    struct driver_node *made = arena_alloc(&nodes->arena, sizeof(*made));
    if (made == NULL) {
        nodes->left_out++;
        return false;
    }
    *made = *node;
    made->id = copy_text(&copy, node->id);
    made->parent = copy_text(&copy, node->parent);
    made->kind = copy_text(&copy, node->kind);
    made->name = copy_text(&copy, node->name);
    made->description = copy_text(&copy, node->description);
    made->units = copy_text(&copy, node->units);
    made->enums = node->enum_count > 0 ? copy_enums(&copy, node) : NULL;
    copy_value(&copy, &made->value);
    made->value_text = node->value_text != NULL ? copy_text(&copy, node->value_text) : NULL;
    made->trouble = copy_text(&copy, node->trouble);
    made->point_name = node->point_name != NULL ? copy_text(&copy, node->point_name) : NULL;
    made->point = node->point != NULL ? copy_text(&copy, node->point) : NULL;
    made->command = node->command != NULL ? copy_text(&copy, node->command) : NULL;
    if (copy.full) {
        nodes->left_out++;
        return false;
    }
    if (nodes->count == nodes->capacity) {
        nodes->capacity = nodes->capacity > 0 ? 2 * nodes->capacity : FIRST_NODES;
        nodes->list = busbar_realloc(nodes->list, nodes->capacity * sizeof(*nodes->list));
    }
    nodes->list[nodes->count++] = made;
    return true;
}

/* ---- as JSON ---- */

const char *nodes_value_text(struct shape *shape, const struct driver_node *node)
{
    struct point_class cls = { .units = node->units,
                               .enums = node->enums,
                               .enum_count = node->enum_count };
    if (node->value_text != NULL) {
        return node->value_text;
    }
    return shape_text(shape, &cls, node->value.type, node->value.value);
}

static void put_bound(struct json_writer *json, const char *key, bool has, double bound)
{
    json_key(json, key);
    if (has) {
        json_double(json, bound);
    } else {
        json_null(json);
    }
}

static void put_enums(struct json_writer *json, const struct driver_node *node)
{
    json_put_array(json, "enum");
    for (size_t i = 0; i < node->enum_count; i++) {
        json_begin_object(json);
        json_put_i64(json, "value", node->enums[i].value);
        json_put_string(json, "name", node->enums[i].name);
        json_end_object(json);
    }
    json_end_array(json);
}

void nodes_put(struct shape *shape, struct json_writer *json, const struct driver_node *node,
               const char *added)
{
    json_begin_object(json);
    json_put_string(json, "id", node->id);
    json_put_string(json, "parent", node->parent);
    json_put_string(json, "kind", node->kind);
    json_put_string(json, "name", node->name);
    json_put_string(json, "description", node->description);
    json_put_bool(json, "branch", node->branch);
    json_put_bool(json, "readable", node->readable);
    json_put_bool(json, "writable", node->writable);
    json_put_bool(json, "watchable", node->watchable);
    json_put_string(json, "units", node->units);
    put_enums(json, node);
    put_bound(json, "min", node->has_min, node->min);
    put_bound(json, "max", node->has_max, node->max);
    json_key(json, "value");
    shape_value(json, node->value.type, node->value.value);
    json_put_string(json, "text", nodes_value_text(shape, node));
    json_put_string(json, "quality", quality_class_word(node->value.quality));
    json_put_string(json, "reason", quality_reason(node->value.quality));
    json_put_string(json, "trouble", node->trouble);
    json_put_string(json, "added", added != NULL ? added : "");
    json_put_string(json, "point_name", node->point_name != NULL ? node->point_name : "");
    json_put_string(json, "point", node->point != NULL ? node->point : "");
    json_put_string(json, "command", node->command != NULL ? node->command : "");
    json_put_bool(json, "proposed", node->proposed);
    json_end_object(json);
}
