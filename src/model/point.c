/* SPDX-License-Identifier: Apache-2.0 */
#include "model/point.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "model/device.h"

const char *point_enum_name(const struct point_class *cls, int64_t value)
{
    /* Most enumerations are 0, 1, 2 ...: then the place is the value. */
    if (value >= 0 && (uint64_t)value < cls->enum_count && cls->enums[value].value == value) {
        return cls->enums[value].name;
    }
    for (size_t i = 0; i < cls->enum_count; i++) {
        if (cls->enums[i].value == value) {
            return cls->enums[i].name;
        }
    }
    return NULL;
}

bool point_enum_value(const struct point_class *cls, const char *name, int64_t *value)
{
    for (size_t i = 0; i < cls->enum_count; i++) {
        if (strcmp(cls->enums[i].name, name) == 0) {
            *value = cls->enums[i].value;
            return true;
        }
    }
    return false;
}

void point_path(const struct point *pt, struct buf *out)
{
    buf_append_text(out, pt->device->name);
    buf_append_byte(out, '/');
    buf_append_text(out, pt->name);
}

void point_take_live(struct point *to, struct point *from)
{
    uint32_t id = to->last.point;
    if (to->last.type == VALUE_TEXT) {
        busbar_free((void *)(uintptr_t)to->last.value.text);
    }
    to->last = from->last;
    to->last.point = id;
    to->since_us = from->since_us;
    to->received = from->received;
    if (to->learns && to->value_type == VALUE_NONE) {
        to->value_type = from->value_type;
    }
    from->last.type = VALUE_NONE; /* its text moved */
    from->last.value.bits = 0;
}

/* By bits: what is equal here must hash equal, and 0.0 is not -0.0 nor NaN unequal to itself. */
static uint64_t double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static bool same(double a, double b)
{
    return double_bits(a) == double_bits(b);
}

static bool enums_equal(const struct point_class *a, const struct point_class *b)
{
    if (a->enum_count != b->enum_count) {
        return false;
    }
    for (size_t i = 0; i < a->enum_count; i++) {
        if (a->enums[i].value != b->enums[i].value ||
            strcmp(a->enums[i].name, b->enums[i].name) != 0) {
            return false;
        }
    }
    return true;
}

static bool labels_equal(const struct point_class *a, const struct point_class *b)
{
    if (a->label_count != b->label_count) {
        return false;
    }
    for (size_t i = 0; i < a->label_count; i++) {
        if (strcmp(a->labels[i].key, b->labels[i].key) != 0 ||
            strcmp(a->labels[i].value, b->labels[i].value) != 0) {
            return false;
        }
    }
    return true;
}

static bool write_equal(const struct point_write *a, const struct point_write *b)
{
    return a->allowed == b->allowed && a->confirm == b->confirm && a->has_min == b->has_min &&
           a->has_max == b->has_max && same(a->min, b->min) && same(a->max, b->max) &&
           a->priority == b->priority && a->max_time_us == b->max_time_us;
}

bool point_class_equal(const struct point_class *a, const struct point_class *b)
{
    return str_equal(a->units, b->units) && same(a->scale, b->scale) &&
           same(a->offset, b->offset) && a->has_clamp == b->has_clamp &&
           same(a->clamp_min, b->clamp_min) && same(a->clamp_max, b->clamp_max) &&
           same(a->deadband, b->deadband) && a->counter == b->counter &&
           a->every_us == b->every_us && a->stale_after_us == b->stale_after_us &&
           a->keep_us == b->keep_us && write_equal(&a->write, &b->write) && enums_equal(a, b) &&
           labels_equal(a, b);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return hash_u64(hash ^ value) + 0x9e3779b97f4a7c15u;
}

static uint64_t mix_double(uint64_t hash, double value)
{
    return mix(hash, double_bits(value));
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return mix(hash, text != NULL ? hash_text(text) : 0);
}

uint64_t point_class_hash(const struct point_class *cls)
{
    const struct point_write *write = &cls->write;
    uint64_t flags = (uint64_t)cls->has_clamp | (uint64_t)cls->counter << 1 |
                     (uint64_t)write->allowed << 2 | (uint64_t)write->confirm << 3 |
                     (uint64_t)write->has_min << 4 | (uint64_t)write->has_max << 5;
    uint64_t hash = mix_text(flags, cls->units);
    hash = mix_double(hash, cls->scale);
    hash = mix_double(hash, cls->offset);
    hash = mix_double(hash, cls->clamp_min);
    hash = mix_double(hash, cls->clamp_max);
    hash = mix_double(hash, cls->deadband);
    hash = mix_double(hash, write->min);
    hash = mix_double(hash, write->max);
    hash = mix(hash, (uint64_t)write->max_time_us << 8 | write->priority);
    hash = mix(hash, (uint64_t)cls->every_us);
    hash = mix(hash, (uint64_t)cls->stale_after_us);
    hash = mix(hash, (uint64_t)cls->keep_us);
    for (size_t i = 0; i < cls->enum_count; i++) {
        hash = mix_text(mix(hash, (uint64_t)cls->enums[i].value), cls->enums[i].name);
    }
    for (size_t i = 0; i < cls->label_count; i++) {
        hash = mix_text(mix_text(hash, cls->labels[i].key), cls->labels[i].value);
    }
    return hash;
}
