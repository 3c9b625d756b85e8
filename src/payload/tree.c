/* SPDX-License-Identifier: Apache-2.0 */
/* The row of nodes, and the memory beside it. What an unusually big message made grow is given back before the next. */
#include "payload/tree.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "payload/tree_parts.h"

enum {
    NODES_FIRST = 64,
    NODES_KEPT = 64 * 1024,   /* more are given back */
    BYTES_KEPT = 1024 * 1024, /* of each of the other memories */
    ROOM_FIRST = 1024,
};

struct payload_room {
    struct payload_room *next;
    size_t size, used;
    char bytes[];
};

struct payload_tree *payload_tree_new(void)
{
    return busbar_alloc(sizeof(struct payload_tree));
}

static void free_rooms(struct payload_room *room)
{
    while (room != NULL) {
        struct payload_room *next = room->next;
        busbar_free(room);
        room = next;
    }
}

void payload_tree_free(struct payload_tree *tree)
{
    if (tree == NULL) {
        return;
    }
    free_rooms(tree->rooms);
    busbar_free(tree->nodes);
    busbar_free(tree->text);
    busbar_free(tree->values);
    busbar_free(tree);
}

static void give_back(struct payload_tree *tree)
{
    if (tree->capacity > NODES_KEPT) {
        busbar_free(tree->nodes);
        tree->nodes = NULL;
        tree->capacity = 0;
    }
    if (tree->text_size > BYTES_KEPT) {
        busbar_free(tree->text);
        tree->text = NULL;
        tree->text_size = 0;
    }
    if (tree->values_size > 2 * BYTES_KEPT) {
        busbar_free(tree->values);
        tree->values = NULL;
        tree->values_size = 0;
    }
}

/* Several rooms become one that is as big as all, so that soon no more are made. */
static void empty_rooms(struct payload_tree *tree)
{
    struct payload_room *room = tree->rooms;
    if (room == NULL) {
        return;
    }
    if (room->next == NULL && room->size <= BYTES_KEPT) {
        room->used = 0;
        return;
    }
    size_t sum = 0;
    for (; room != NULL; room = room->next) {
        sum += room->size;
    }
    free_rooms(tree->rooms);
    tree->rooms = NULL;
    if (sum <= BYTES_KEPT) {
        tree->rooms = busbar_try_alloc(sizeof(*room) + sum);
        if (tree->rooms != NULL) {
            tree->rooms->size = sum;
        }
    }
}

void payload_tree_begin(struct payload_tree *tree)
{
    give_back(tree);
    empty_rooms(tree);
    tree->count = 0;
    tree->depth = 0;
    tree->error = 0;
    tree->key = NULL;
    tree->key_size = 0;
}

static void fail(struct payload_tree *tree, int code)
{
    if (tree->error == 0) {
        tree->error = code;
    }
}

bool payload_tree_grow(struct payload_tree *tree)
{
    if (tree->capacity >= PAYLOAD_NODES_MAX) {
        fail(tree, BUSBAR_ELIMIT);
        return false;
    }
    uint32_t capacity = tree->capacity < NODES_FIRST ? NODES_FIRST : tree->capacity * 2;
    struct payload_node *nodes = busbar_try_realloc(tree->nodes, capacity * sizeof(*nodes));
    if (nodes == NULL) {
        fail(tree, BUSBAR_ENOMEM);
        return false;
    }
    tree->nodes = nodes;
    tree->capacity = capacity;
    return true;
}

void payload_tree_key(struct payload_tree *tree, const char *key, size_t size)
{
    assert(key != NULL && size <= UINT32_MAX);
    tree->key = key;
    tree->key_size = (uint32_t)size;
}

void payload_tree_null(struct payload_tree *tree)
{
    (void)payload_tree_add(tree, PAYLOAD_NULL);
}

void payload_tree_bool(struct payload_tree *tree, bool value)
{
    struct payload_node *node = payload_tree_add(tree, PAYLOAD_BOOL);
    if (node != NULL) {
        node->value.b = value;
    }
}

void payload_tree_int(struct payload_tree *tree, int64_t value)
{
    struct payload_node *node = payload_tree_add(tree, PAYLOAD_INT);
    if (node != NULL) {
        node->value.i = value;
    }
}

void payload_tree_double(struct payload_tree *tree, double value)
{
    struct payload_node *node = payload_tree_add(tree, PAYLOAD_DOUBLE);
    if (node != NULL) {
        node->value.d = value;
    }
}

void payload_tree_text(struct payload_tree *tree, const char *text, size_t size)
{
    assert(size <= UINT32_MAX);
    struct payload_node *node = payload_tree_add(tree, PAYLOAD_TEXT);
    if (node != NULL) {
        node->value.text = text;
        node->size = (uint32_t)size;
    }
}

void payload_tree_bytes(struct payload_tree *tree, const void *data, size_t size)
{
    assert(size <= UINT32_MAX);
    struct payload_node *node = payload_tree_add(tree, PAYLOAD_BYTES);
    if (node != NULL) {
        node->value.text = data;
        node->size = (uint32_t)size;
    }
}

void payload_tree_open(struct payload_tree *tree, enum payload_type container)
{
    assert(container == PAYLOAD_ARRAY || container == PAYLOAD_OBJECT);
    if (tree->depth == PAYLOAD_DEPTH_MAX) {
        fail(tree, BUSBAR_ELIMIT);
        return;
    }
    if (payload_tree_add(tree, (uint8_t)container) != NULL) {
        tree->open[tree->depth++] = tree->count - 1;
    }
}

void payload_tree_close(struct payload_tree *tree)
{
    if (tree->error != 0) {
        return;
    }
    assert(tree->depth > 0);
    uint32_t index = tree->open[--tree->depth];
    tree->nodes[index].next = tree->count - index;
}

char *payload_tree_room(struct payload_tree *tree, size_t size)
{
    if (tree->error != 0) {
        return NULL;
    }
    struct payload_room *room = tree->rooms;
    if (room == NULL || room->size - room->used < size) {
        size_t next = room != NULL ? room->size * 2 : ROOM_FIRST;
        next = next > BYTES_KEPT ? BYTES_KEPT : next;
        next = next < size ? size : next;
        room = busbar_try_alloc(sizeof(*room) + next);
        if (room == NULL) {
            fail(tree, BUSBAR_ENOMEM);
            return NULL;
        }
        room->size = next;
        room->next = tree->rooms;
        tree->rooms = room;
    }
    char *bytes = room->bytes + room->used;
    room->used += size;
    return bytes;
}

int payload_tree_end(struct payload_tree *tree)
{
    assert(tree->error != 0 || (tree->depth == 0 && tree->count > 0));
    if (tree->error != 0) {
        tree->count = 0;
    }
    return tree->error;
}

/* What the tree itself complains of. */
static int own_error(struct payload_tree *tree, struct err *err, size_t offset)
{
    if (tree->error == BUSBAR_ENOMEM) {
        return err_set(err, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
    }
    if (tree->depth == PAYLOAD_DEPTH_MAX) {
        return err_set(err, tree->error, "byte %zu: nested more than %d levels deep", offset,
                       PAYLOAD_DEPTH_MAX);
    }
    return err_set(err, tree->error, "byte %zu: more than %d values", offset, PAYLOAD_NODES_MAX);
}

int payload_tree_wrong(struct payload_tree *tree, struct err *err, int code, size_t offset,
                       const char *format, ...)
{
    tree->count = 0;
    if (tree->error != 0) {
        return own_error(tree, err, offset);
    }
    char what[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    fail(tree, code);
    return err_set(err, code, "byte %zu: %s", offset, what);
}

int payload_tree_finish(struct payload_tree *tree, struct err *err, size_t offset)
{
    return payload_tree_end(tree) == 0 ? 0 : own_error(tree, err, offset);
}

const struct payload_node *payload_tree_root(const struct payload_tree *tree)
{
    return tree->count > 0 ? tree->nodes : NULL;
}

/* Most differ at once. */
static inline bool has_key(const struct payload_node *node, const char *key, size_t size)
{
    return node->key_size == size &&
           (size == 0 || (*node->key == *key && memcmp(node->key, key, size) == 0));
}

const struct payload_node *payload_node_get(const struct payload_node *object, const char *key,
                                            size_t key_size)
{
    const struct payload_node *found = NULL;
    if (object == NULL || object->type != PAYLOAD_OBJECT) {
        return NULL;
    }
    const struct payload_node *node = object + 1;
    for (uint32_t i = 0; i < object->size; i++, node += node->next) {
        found = has_key(node, key, key_size) ? node : found;
    }
    return found;
}
