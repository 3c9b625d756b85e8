/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An intrusive binary heap: elements embed a `struct heap_node`, the heap keeps an array of pointers, and
 * every node knows its place, so that any element can be removed or moved in O(log n).
 *
 * Invariants: nodes[0] is a smallest element; for i > 0, nodes[i] is not before nodes[(i - 1) / 2];
 * nodes[i]->place == i + 1; a node in no heap has place 0 (all-zero memory is such a node).
 * The array doubles and is never shrunk before heap_fini(); growing aborts when memory is out.
 */
#ifndef BUSBAR_BASE_HEAP_H
#define BUSBAR_BASE_HEAP_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"

struct heap_node {
    size_t place; /* index + 1; 0: in no heap */
};

/* True when a comes before b. */
typedef bool (*heap_before_cb)(const struct heap_node *a, const struct heap_node *b);

struct heap {
    struct heap_node **nodes;
    size_t count;
    size_t capacity;
    heap_before_cb before;
};

/* The struct that embeds `member`, from a pointer to the member. */
#define heap_entry(pointer, type, member) \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void heap_init(struct heap *heap, heap_before_cb before)
{
    *heap = (struct heap){ .before = before };
}

static inline void heap_fini(struct heap *heap)
{
    busbar_free(heap->nodes);
    *heap = (struct heap){ .before = heap->before };
}

static inline bool heap_holds(const struct heap_node *node)
{
    return node->place != 0;
}

static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}

static inline void heap_place(struct heap *heap, size_t index, struct heap_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

static inline void heap_sift_up(struct heap *heap, size_t index)
{
    struct heap_node *node = heap->nodes[index];
    while (index > 0 && heap->before(node, heap->nodes[(index - 1) / 2])) {
        heap_place(heap, index, heap->nodes[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    heap_place(heap, index, node);
}

static inline void heap_sift_down(struct heap *heap, size_t index)
{
    struct heap_node *node = heap->nodes[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && heap->before(heap->nodes[child + 1], heap->nodes[child])) {
            child++;
        }
        if (!heap->before(heap->nodes[child], node)) {
            break;
        }
        heap_place(heap, index, heap->nodes[child]);
        index = child;
    }
    heap_place(heap, index, node);
}

/* The node must be in no heap. */
static inline void heap_insert(struct heap *heap, struct heap_node *node)
{
    assert(node->place == 0);
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? 16 : heap->capacity * 2;
        heap->nodes = busbar_realloc(heap->nodes, heap->capacity * sizeof(*heap->nodes));
    }
    heap_place(heap, heap->count++, node);
    heap_sift_up(heap, heap->count - 1);
}

/* After the key of a node in the heap changed in either direction. */
static inline void heap_update(struct heap *heap, struct heap_node *node)
{
    assert(node->place != 0);
    heap_sift_up(heap, node->place - 1);
    heap_sift_down(heap, node->place - 1);
}

/* The node must be in this heap. */
static inline void heap_remove(struct heap *heap, struct heap_node *node)
{
    assert(node->place != 0 && node->place <= heap->count);
    size_t index = node->place - 1;
    struct heap_node *last = heap->nodes[--heap->count];
    node->place = 0;
    if (last != node) {
        heap_place(heap, index, last);
        heap_update(heap, last);
    }
}

/* Takes a smallest element out; NULL when empty. */
static inline struct heap_node *heap_pop(struct heap *heap)
{
    struct heap_node *first = heap_first(heap);
    if (first != NULL) {
        heap_remove(heap, first);
    }
    return first;
}

#endif
