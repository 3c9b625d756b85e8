/* SPDX-License-Identifier: Apache-2.0 */
/* A set of point classes, each kept once: a million points have a few hundred. Grows only. */
#ifndef BUSBAR_MODEL_CLASS_SET_H
#define BUSBAR_MODEL_CLASS_SET_H

#include "base/arena.h"
#include "model/point.h"

struct class_set_entry {
    uint64_t hash;
    const struct point_class *cls;
};

/* Open struct. Invariant: capacity is 0 or a power of two, at most half full. */
struct class_set {
    struct class_set_entry *entries;
    size_t count, capacity;
    struct arena arena; /* the classes and their texts */
};

void class_set_init(struct class_set *set);
void class_set_fini(struct class_set *set);

/* The set's own copy, equal to cls (deep copy at first sight). NULL when memory is out. */
const struct point_class *class_set_intern(struct class_set *set, const struct point_class *cls);

#endif
