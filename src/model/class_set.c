/* SPDX-License-Identifier: Apache-2.0 */
#include "model/class_set.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { CAPACITY_FIRST = 64 };

void class_set_init(struct class_set *set)
{
    *set = (struct class_set){ 0 };
    arena_init(&set->arena, 0);
}

void class_set_fini(struct class_set *set)
{
    busbar_free(set->entries);
    arena_fini(&set->arena);
    *set = (struct class_set){ 0 };
}

/* The entry that holds an equal class, else the free one where it belongs. */
static struct class_set_entry *slot_of(struct class_set_entry *entries, size_t capacity,
                                       const struct point_class *cls, uint64_t hash)
{
    for (size_t i = hash & (capacity - 1);; i = (i + 1) & (capacity - 1)) {
        struct class_set_entry *entry = &entries[i];
        if (entry->cls == NULL || (entry->hash == hash && point_class_equal(entry->cls, cls))) {
            return entry;
        }
    }
}

static bool grow(struct class_set *set)
{
    size_t capacity = set->capacity > 0 ? set->capacity * 2 : CAPACITY_FIRST;
    struct class_set_entry *entries = busbar_try_alloc(capacity * sizeof(*entries));
    if (entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < set->capacity; i++) {
        const struct class_set_entry *old = &set->entries[i];
        if (old->cls != NULL) {
            *slot_of(entries, capacity, old->cls, old->hash) = *old;
        }
    }
    busbar_free(set->entries);
    set->entries = entries;
    set->capacity = capacity;
    return true;
}

static double divisor_of(double scale)
{
    double whole = round(1.0 / scale);
    return scale > 0 && scale < 1 && whole < 1e15 && 1.0 / whole == scale ? whole : 0;
}

static const struct point_class *copy_class(struct arena *arena, const struct point_class *cls)
{
    struct point_class *copy = arena_alloc(arena, sizeof(*copy));
    struct point_enum *enums = arena_alloc_array(arena, cls->enum_count, sizeof(*enums));
    struct free_label *labels = arena_alloc_array(arena, cls->label_count, sizeof(*labels));
    if (copy == NULL || enums == NULL || labels == NULL) {
        return NULL;
    }
    *copy = *cls;
    copy->divisor = divisor_of(cls->scale);
    copy->as_is = cls->scale == 1.0 && cls->offset == 0.0 && cls->enum_count == 0 &&
                  !cls->has_clamp;
    copy->enums = enums;
    copy->labels = labels;
    copy->units = cls->units != NULL && cls->units[0] != '\0' ? arena_strdup(arena, cls->units)
                                                              : "";
    bool whole = copy->units != NULL;
    for (size_t i = 0; i < cls->enum_count && whole; i++) {
        enums[i].value = cls->enums[i].value;
        enums[i].name = arena_strdup(arena, cls->enums[i].name);
        whole = enums[i].name != NULL;
    }
    for (size_t i = 0; i < cls->label_count && whole; i++) {
        labels[i].key = arena_strdup(arena, cls->labels[i].key);
        labels[i].value = arena_strdup(arena, cls->labels[i].value);
        whole = labels[i].key != NULL && labels[i].value != NULL;
    }
    return whole ? copy : NULL;
}

const struct point_class *class_set_intern(struct class_set *set, const struct point_class *cls)
{
    if ((set->count + 1) * 2 > set->capacity && !grow(set)) {
        return NULL;
    }
    struct point_class key = *cls;
    key.units = cls->units != NULL ? cls->units : "";
    uint64_t hash = point_class_hash(&key);
    struct class_set_entry *entry = slot_of(set->entries, set->capacity, &key, hash);
    if (entry->cls == NULL) {
        const struct point_class *copy = copy_class(&set->arena, &key);
        if (copy == NULL) {
            return NULL;
        }
        *entry = (struct class_set_entry){ .hash = hash, .cls = copy };
        set->count++;
    }
    return entry->cls;
}
