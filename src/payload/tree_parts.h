/* SPDX-License-Identifier: Apache-2.0 */
/* A tree from inside, for the decoders of this folder. */
#ifndef BUSBAR_PAYLOAD_TREE_PARTS_H
#define BUSBAR_PAYLOAD_TREE_PARTS_H

#include <assert.h>
#include <string.h>

#include "base/str.h"
#include "payload/tree.h"

struct payload_room;

struct payload_tree {
    struct payload_node *nodes;
    uint32_t count, capacity;
    uint32_t open[PAYLOAD_DEPTH_MAX]; /* the containers that are open, outermost first */
    unsigned depth;
    int error;       /* the first */
    const char *key; /* of the next node */
    uint32_t key_size;
    struct payload_room *rooms; /* newest first */
    char *text;                 /* JSON: the copy that texts point into */
    size_t text_size;
    void *values; /* JSON: what yyjson makes */
    size_t values_size;
    bool values_used;
};

bool payload_tree_grow(struct payload_tree *tree); /* by half; false: the error sticks */

/* The next node; NULL after an error. */
static inline struct payload_node *payload_tree_add(struct payload_tree *tree, uint8_t type)
{
    if (tree->error != 0 || (tree->count == tree->capacity && !payload_tree_grow(tree))) {
        return NULL;
    }
    assert(tree->depth > 0 || tree->count == 0);
    if (tree->depth > 0) {
        struct payload_node *outer = &tree->nodes[tree->open[tree->depth - 1]];
        assert((outer->type == PAYLOAD_OBJECT) == (tree->key != NULL));
        outer->size++;
    }
    struct payload_node *node = &tree->nodes[tree->count++];
    node->key = tree->key;
    node->key_size = tree->key_size;
    node->value.i = 0;
    node->size = 0;
    node->next = 1;
    node->type = type;
    tree->key = NULL;
    tree->key_size = 0;
    return node;
}

/* Well-formed UTF-8; quick where it is ASCII. */
static inline bool payload_utf8(const void *text, size_t size)
{
    const char *at = text;
    const char *end = at + size;
    uint64_t eight;
    for (; end - at >= 8; at += 8) {
        memcpy(&eight, at, 8);
        if ((eight & UINT64_C(0x8080808080808080)) != 0) {
            return str_is_utf8(at, (size_t)(end - at));
        }
    }
    for (; at < end; at++) {
        if ((*at & 0x80) != 0) {
            return str_is_utf8(at, (size_t)(end - at));
        }
    }
    return true;
}

/* Says what is wrong at a byte of the message. The tree's own error, if there is one, goes first. Returns the code. */
int payload_tree_wrong(struct payload_tree *tree, struct err *err, int code, size_t offset,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));
/* 0, or the tree's own error, told with its place. */
int payload_tree_finish(struct payload_tree *tree, struct err *err, size_t offset);

#endif
