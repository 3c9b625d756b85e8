/* SPDX-License-Identifier: Apache-2.0 */
/* A node of the tree is a level of a filter:
 *
 *   tele/+/SENSOR, tele/#        root -- "tele" -- plus -- "SENSOR" (value)
 *                                              \-- rest (value of tele/#)
 *
 * A node without value and children is freed with what stood in it, up to the root. */
#include "drivers/mqtt/mqtt_index.h"

#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/map.h"

struct node {
    struct node *parent;
    struct map children; /* level -> struct node */
    struct node *plus;
    void *value; /* the filter ends here */
    void *rest;  /* and here with # */
    char name[]; /* in the parent's children; "+": its plus */
};

struct mqtt_index {
    struct map exact; /* filters without wildcards */
    struct node *root;
    size_t wild;
};

/* ---- levels ---- */

/* The level at `*at` and its size; moves behind it and its slash. False: there is none left. */
static bool next_level(const char **at, const char **level, size_t *size)
{
    if (*at == NULL) {
        return false;
    }
    *level = *at;
    *size = strcspn(*at, "/");
    *at = (*level)[*size] == '/' ? *level + *size + 1 : NULL;
    return true;
}

static bool is_word(const char *level, size_t size, char word)
{
    return size == 1 && level[0] == word;
}

static bool is_wild(const char *filter)
{
    return strpbrk(filter, "+#") != NULL;
}

static size_t level_count(const char *filter)
{
    size_t count = 1;
    for (; *filter != '\0'; filter++) {
        count += *filter == '/' ? 1 : 0;
    }
    return count;
}

/* ---- nodes ---- */

static struct node *node_new(struct node *parent, const char *name, size_t size)
{
    struct node *node = busbar_alloc(sizeof(*node) + size + 1);
    node->parent = parent;
    memcpy(node->name, name, size);
    return node;
}

static struct node *child(struct node *node, const char *level, size_t size, bool make)
{
    if (is_word(level, size, '+')) {
        if (node->plus == NULL && make) {
            node->plus = node_new(node, level, size);
        }
        return node->plus;
    }
    struct node *found = map_get_n(&node->children, level, size);
    if (found == NULL && make) {
        found = node_new(node, level, size);
        map_set(&node->children, found->name, found);
    }
    return found;
}

/* Where a filter's value is; NULL: nowhere. */
static void **find_place(const struct mqtt_index *index, const char *filter, bool make,
                         struct node **last)
{
    struct node *node = index->root;
    const char *at = filter;
    const char *level;
    size_t size;
    while (node != NULL && next_level(&at, &level, &size)) {
        if (is_word(level, size, '#')) {
            *last = node;
            return &node->rest;
        }
        node = child(node, level, size, make);
    }
    *last = node;
    return node != NULL ? &node->value : NULL;
}

static void prune(struct node *node)
{
    while (node->parent != NULL && node->value == NULL && node->rest == NULL &&
           node->plus == NULL && node->children.count == 0) {
        struct node *parent = node->parent;
        if (parent->plus == node) {
            parent->plus = NULL;
        } else {
            map_remove(&parent->children, node->name);
        }
        map_fini(&node->children);
        busbar_free(node);
        node = parent;
    }
}

/* No deeper than MQTT_INDEX_LEVELS_MAX. */
static void free_node(struct node *node)
{
    size_t at = 0;
    void *below;
    if (node == NULL) {
        return;
    }
    while (map_next(&node->children, &at, NULL, &below)) {
        free_node(below);
    }
    free_node(node->plus);
    map_fini(&node->children);
    busbar_free(node);
}

/* ---- calls ---- */

struct mqtt_index *mqtt_index_new(void)
{
    struct mqtt_index *index = busbar_alloc(sizeof(*index));
    index->root = node_new(NULL, "", 0);
    return index;
}

void mqtt_index_free(struct mqtt_index *index)
{
    if (index != NULL) {
        free_node(index->root);
        map_fini(&index->exact);
        busbar_free(index);
    }
}

int mqtt_index_put(struct mqtt_index *index, const char *filter, void *value)
{
    struct node *last;
    if (!is_wild(filter)) {
        map_set(&index->exact, filter, value);
        return 0;
    }
    if (level_count(filter) > MQTT_INDEX_LEVELS_MAX) {
        return BUSBAR_ELIMIT;
    }
    *find_place(index, filter, true, &last) = value;
    index->wild++;
    return 0;
}

void *mqtt_index_get(const struct mqtt_index *index, const char *filter)
{
    struct node *last;
    if (!is_wild(filter)) {
        return map_get(&index->exact, filter);
    }
    void **place = find_place(index, filter, false, &last);
    return place != NULL ? *place : NULL;
}

void *mqtt_index_remove(struct mqtt_index *index, const char *filter)
{
    struct node *last;
    if (!is_wild(filter)) {
        return map_remove(&index->exact, filter);
    }
    void **place = find_place(index, filter, false, &last);
    void *value = place != NULL ? *place : NULL;
    if (value != NULL) {
        *place = NULL;
        index->wild--;
        prune(last);
    }
    return value;
}

size_t mqtt_index_count(const struct mqtt_index *index)
{
    return index->exact.count + index->wild;
}

/* ---- matching ---- */

struct match {
    mqtt_index_cb cb;
    void *ctx;
};

static void tell(const struct match *match, void *value)
{
    if (value != NULL) {
        match->cb(match->ctx, value);
    }
}

/* at: what is left of the topic behind this node, NULL: nothing. */
static void walk(const struct match *match, const struct node *node, const char *at)
{
    const char *level;
    size_t size;
    bool hidden = node->parent == NULL && at != NULL && at[0] == '$';
    if (!hidden) {
        tell(match, node->rest);
    }
    if (!next_level(&at, &level, &size)) {
        tell(match, node->value);
        return;
    }
    const struct node *named = map_get_n(&node->children, level, size);
    if (named != NULL) {
        walk(match, named, at);
    }
    if (node->plus != NULL && !hidden) {
        walk(match, node->plus, at);
    }
}

void mqtt_index_match(const struct mqtt_index *index, const char *topic, mqtt_index_cb cb,
                      void *ctx)
{
    const struct match match = { .cb = cb, .ctx = ctx };
    tell(&match, map_get(&index->exact, topic));
    if (index->wild > 0) {
        walk(&match, index->root, topic);
    }
}

/* ---- covering ---- */

/* The filter's own place does not count. */
static void *cover(const struct node *node, const char *at, const void *own)
{
    const char *level;
    size_t size;
    void *found = NULL;
    bool hidden = node->parent == NULL && at != NULL && at[0] == '$';
    if (node->rest != NULL && node->rest != own && !hidden) {
        return node->rest;
    }
    if (!next_level(&at, &level, &size)) {
        return node->value != own ? node->value : NULL;
    }
    if (is_word(level, size, '#')) {
        return NULL; /* only a # covers it, looked at above */
    }
    if (node->plus != NULL && !hidden) {
        found = cover(node->plus, at, own);
    }
    if (found == NULL && !is_word(level, size, '+')) {
        const struct node *named = map_get_n(&node->children, level, size);
        found = named != NULL ? cover(named, at, own) : NULL;
    }
    return found;
}

void *mqtt_index_cover(const struct mqtt_index *index, const char *filter)
{
    return index->wild > 0 ? cover(index->root, filter, mqtt_index_get(index, filter)) : NULL;
}
