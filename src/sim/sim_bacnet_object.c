/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects a device has: those that its points name, and those that every device has. */
#include "sim/sim_bacnet_object.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"

/* What an object type holds, and whether it can be commanded. */
enum commanding { NEVER, ALWAYS, WHEN_WRITABLE };

struct type_row {
    uint16_t type;
    uint8_t kind;
    uint8_t commanding;
    uint16_t sets;
};

static const struct type_row types[] = {
    { BACNET_ANALOG_INPUT, SIM_BACNET_REAL, NEVER, SIM_BACNET_ANALOG },
    { BACNET_ANALOG_OUTPUT, SIM_BACNET_REAL, ALWAYS, SIM_BACNET_ANALOG },
    { BACNET_ANALOG_VALUE, SIM_BACNET_REAL, WHEN_WRITABLE, SIM_BACNET_ANALOG },
    { BACNET_BINARY_INPUT, SIM_BACNET_BINARY, NEVER, SIM_BACNET_TWO | SIM_BACNET_POLAR },
    { BACNET_BINARY_OUTPUT, SIM_BACNET_BINARY, ALWAYS, SIM_BACNET_TWO | SIM_BACNET_POLAR },
    { BACNET_BINARY_VALUE, SIM_BACNET_BINARY, WHEN_WRITABLE, SIM_BACNET_TWO },
    { BACNET_MULTI_STATE_INPUT, SIM_BACNET_UNSIGNED, NEVER, SIM_BACNET_MANY },
    { BACNET_MULTI_STATE_OUTPUT, SIM_BACNET_UNSIGNED, ALWAYS, SIM_BACNET_MANY },
    { BACNET_MULTI_STATE_VALUE, SIM_BACNET_UNSIGNED, WHEN_WRITABLE, SIM_BACNET_MANY },
    { BACNET_LOOP, SIM_BACNET_REAL, NEVER, SIM_BACNET_ANALOG },
    { BACNET_ACCUMULATOR, SIM_BACNET_UNSIGNED, NEVER, SIM_BACNET_ANALOG },
    { BACNET_PULSE_CONVERTER, SIM_BACNET_REAL, NEVER, SIM_BACNET_ANALOG },
    { BACNET_BITSTRING_VALUE, SIM_BACNET_BITS, WHEN_WRITABLE, 0 },
    { BACNET_CHARACTERSTRING_VALUE, SIM_BACNET_TEXT, WHEN_WRITABLE, 0 },
    { BACNET_DATE_VALUE, SIM_BACNET_DATE, NEVER, 0 },
    { BACNET_DATETIME_VALUE, SIM_BACNET_DATETIME, NEVER, 0 },
    { BACNET_TIME_VALUE, SIM_BACNET_TIME, NEVER, 0 },
    { BACNET_INTEGER_VALUE, SIM_BACNET_SIGNED, WHEN_WRITABLE, SIM_BACNET_ANALOG },
    { BACNET_LARGE_ANALOG_VALUE, SIM_BACNET_DOUBLE, WHEN_WRITABLE, SIM_BACNET_ANALOG },
    { BACNET_OCTETSTRING_VALUE, SIM_BACNET_OCTETS, WHEN_WRITABLE, 0 },
    { BACNET_POSITIVE_INTEGER_VALUE, SIM_BACNET_UNSIGNED, WHEN_WRITABLE, SIM_BACNET_ANALOG },
    { BACNET_LIGHTING_OUTPUT, SIM_BACNET_REAL, ALWAYS, SIM_BACNET_ANALOG },
    { BACNET_BINARY_LIGHTING_OUTPUT, SIM_BACNET_ENUM, ALWAYS, 0 },
    { BACNET_LIFE_SAFETY_POINT, SIM_BACNET_ENUM, NEVER, 0 },
    { BACNET_LIFE_SAFETY_ZONE, SIM_BACNET_ENUM, NEVER, 0 },
};

static const struct type_row *find_type(uint16_t type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].type == type) {
            return &types[i];
        }
    }
    return NULL;
}

void sim_bacnet_types(uint8_t *bits, size_t size)
{
    static const uint16_t more[] = { BACNET_DEVICE, BACNET_NOTIFICATION_CLASS, BACNET_TREND_LOG,
                                     BACNET_TREND_LOG_MULTIPLE };
    size_t count = sizeof(types) / sizeof(types[0]), others = sizeof(more) / sizeof(more[0]);
    for (size_t i = 0; i < count + others; i++) {
        uint16_t type = i < count ? types[i].type : more[i - count];
        if (type / 8 < size) {
            bits[type / 8] = (uint8_t)(bits[type / 8] | 0x80u >> type % 8);
        }
    }
}

/* How sim_value.h is to make it. */
static uint8_t raw_type(uint8_t kind)
{
    switch (kind) {
    case SIM_BACNET_REAL:
    case SIM_BACNET_DOUBLE: return VALUE_DOUBLE;
    case SIM_BACNET_BINARY:
    case SIM_BACNET_BOOL: return VALUE_BOOL;
    case SIM_BACNET_TEXT: return VALUE_TEXT;
    default: return VALUE_INT;
    }
}

/* ---- which there are ---- */

static int compare_objects(const void *a, const void *b)
{
    const struct sim_bacnet_object *left = a, *right = b;
    uint32_t x = bacnet_object_number(left->id), y = bacnet_object_number(right->id);
    if (x != y) {
        return x < y ? -1 : 1;
    }
    return left->point < right->point ? -1 : left->point > right->point; /* a point first */
}

static int compare_extras(const void *a, const void *b)
{
    const struct sim_bacnet_extra *x = a, *y = b;
    if (x->object != y->object) {
        return x->object < y->object ? -1 : 1;
    }
    if (x->property != y->property) {
        return x->property < y->property ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

static void add(struct sim_bacnet_device *bd, uint32_t number, uint32_t point)
{
    bd->objects[bd->object_count++] = (struct sim_bacnet_object){
        .id = bacnet_object_of(number),
        .point = point,
    };
}

static uint32_t number_of(uint16_t type, uint32_t instance)
{
    return bacnet_object_number((struct bacnet_object){ .type = type, .instance = instance });
}

static void drop_twins(struct sim_bacnet_device *bd)
{
    uint32_t kept = 0;
    qsort(bd->objects, bd->object_count, sizeof(*bd->objects), compare_objects);
    for (uint32_t i = 0; i < bd->object_count; i++) {
        if (kept == 0 || !bacnet_object_equal(bd->objects[kept - 1].id, bd->objects[i].id)) {
            bd->objects[kept++] = bd->objects[i];
        }
    }
    bd->object_count = kept;
}

/* A device whose points name no log has some of its first living measurements, and one of two of them. */
static void add_logs(struct sim_bacnet_device *bd)
{
    uint32_t logs = 0;
    bool named = false;
    for (uint32_t i = 0; i < bd->dev->point_count; i++) {
        if (bd->targets[i].log != BACNET_LOG_NONE) {
            add(bd, bd->targets[i].log, SIM_BACNET_NO_POINT);
            named = true;
        } else if ((bd->targets[i].flags & BACNET_TARGET_LOG_AUTO) != 0) {
            add(bd, number_of(BACNET_TREND_LOG, SIM_BACNET_LOG_AUTO + i), i);
            named = true;
        }
    }
    for (uint32_t i = 0; i < bd->dev->point_count && !named && logs < SIM_BACNET_LOGS; i++) {
        struct bacnet_object id = bacnet_object_of(bd->targets[i].object);
        if (id.type == BACNET_ANALOG_INPUT &&
            bd->targets[i].property == BACNET_PROP_PRESENT_VALUE) {
            add(bd, number_of(BACNET_TREND_LOG, ++logs), i);
        }
    }
    if (logs >= 2) {
        add(bd, number_of(BACNET_TREND_LOG_MULTIPLE, 1), SIM_BACNET_NO_POINT);
    }
}

static void list_objects(struct sim_bacnet_device *bd)
{
    for (uint32_t i = 0; i < bd->dev->point_count; i++) {
        bool present = bd->targets[i].property == BACNET_PROP_PRESENT_VALUE;
        add(bd, bd->targets[i].object, present ? i : SIM_BACNET_NO_POINT);
    }
    add(bd, number_of(BACNET_DEVICE, bd->instance), SIM_BACNET_NO_POINT);
    add(bd, number_of(BACNET_NOTIFICATION_CLASS, SIM_BACNET_CLASS), SIM_BACNET_NO_POINT);
    add_logs(bd);
    drop_twins(bd);
}

/* ---- what they are ---- */

static void make_valued(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                        const struct type_row *row)
{
    const struct point *pt = sim_bacnet_point(bd, obj);
    bool writable = pt != NULL && pt->cls->write.allowed;
    obj->kind = row->kind;
    obj->sets |= (uint16_t)(SIM_BACNET_VALUED | row->sets);
    if (row->commanding == ALWAYS || (row->commanding == WHEN_WRITABLE && writable)) {
        obj->sets |= SIM_BACNET_COMMANDED;
    }
    if (pt == NULL) { /* only other properties of it are known */
        obj->value = (struct sim_value){ .kind = SIM_CONSTANT, .step = 1.0f };
        return;
    }
    obj->value = sim_value_make(pt, raw_type(obj->kind), bd->seed);
    if (writable && pt->cls->write.has_min && pt->cls->write.has_max &&
        (obj->sets & SIM_BACNET_ANALOG) != 0) {
        obj->sets |= SIM_BACNET_RANGED;
    }
    bool input = row->commanding == NEVER;
    if (obj->kind == SIM_BACNET_REAL && input && obj->value.kind == SIM_SWING) {
        obj->sets |= SIM_BACNET_LIMITED;
    }
    if (obj->kind == SIM_BACNET_BINARY && input && sim_value_rare(pt)) {
        obj->sets |= SIM_BACNET_WATCHED;
    }
    obj->increment = obj->value.step > 0.0f ? obj->value.step : 1.0f;
}

static void make_object(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj)
{
    const struct type_row *row = find_type(obj->id.type);
    obj->sets = SIM_BACNET_ANY;
    obj->enabled = true;
    switch (obj->id.type) {
    case BACNET_DEVICE: obj->sets |= SIM_BACNET_OF_DEVICE; break;
    case BACNET_NOTIFICATION_CLASS: obj->sets |= SIM_BACNET_OF_CLASS; break;
    case BACNET_TREND_LOG: obj->sets |= SIM_BACNET_LOG; break;
    case BACNET_TREND_LOG_MULTIPLE: obj->sets |= SIM_BACNET_LOG | SIM_BACNET_LOGS_MANY; break;
    default:
        if (row != NULL) {
            make_valued(bd, obj, row);
        }
        break;
    }
}

static uint8_t kind_of_point(const struct bacnet_target *target)
{
    switch (target->value_type) {
    case VALUE_BOOL: return SIM_BACNET_BOOL;
    case VALUE_INT: return SIM_BACNET_UNSIGNED;
    case VALUE_TEXT: return SIM_BACNET_TEXT;
    default: return SIM_BACNET_REAL;
    }
}

static bool has_row(const struct sim_bacnet_object *obj, uint32_t property)
{
    const struct sim_bacnet_row *row = NULL;
    while ((row = sim_bacnet_next_row(obj, row)) != NULL) {
        if (sim_bacnet_row_property(row) == property) {
            return true;
        }
    }
    return false;
}

/* Points of properties that the object does not have by itself. */
static void list_extras(struct sim_bacnet_device *bd)
{
    for (uint32_t i = 0; i < bd->dev->point_count; i++) {
        const struct bacnet_target *target = &bd->targets[i];
        struct sim_bacnet_object *obj = sim_bacnet_object(bd, bacnet_object_of(target->object));
        if (has_row(obj, target->property)) {
            continue;
        }
        uint8_t kind = kind_of_point(target);
        bd->extras[bd->extra_count++] = (struct sim_bacnet_extra){
            .object = (uint32_t)(obj - bd->objects),
            .property = target->property,
            .index = target->index,
            .point = i,
            .kind = kind,
            .value = sim_value_make(&bd->dev->points[i], raw_type(kind), bd->seed),
        };
    }
    qsort(bd->extras, bd->extra_count, sizeof(*bd->extras), compare_extras);
}

int sim_bacnet_device_init(struct sim_bacnet_device *bd, const struct device *dev,
                           const struct bacnet_target *targets, uint32_t instance, uint64_t seed)
{
    *bd = (struct sim_bacnet_device){
        .dev = dev,
        .targets = targets,
        .instance = instance,
        .seed = seed,
        .started_us = clock_wall_us(),
        .max_apdu = 1476,
        .rpm = true,
        .cov = true,
        .cov_property = true,
    };
    size_t most = 2 * dev->point_count + SIM_BACNET_LOGS + 3;
    bd->objects = busbar_try_alloc(most * sizeof(*bd->objects));
    bd->extras = busbar_try_alloc((dev->point_count + 1) * sizeof(*bd->extras));
    if (bd->objects == NULL || bd->extras == NULL) {
        sim_bacnet_device_fini(bd);
        return BUSBAR_ENOMEM;
    }
    list_objects(bd);
    for (uint32_t i = 0; i < bd->object_count; i++) {
        make_object(bd, &bd->objects[i]);
    }
    list_extras(bd);
    /* what the estimate took too much */
    bd->objects = busbar_realloc(bd->objects, bd->object_count * sizeof(*bd->objects));
    bd->extras = busbar_realloc(bd->extras, (bd->extra_count + 1) * sizeof(*bd->extras));
    return 0;
}

void sim_bacnet_device_fini(struct sim_bacnet_device *bd)
{
    for (uint32_t i = 0; i < bd->object_count; i++) {
        struct sim_bacnet_object *obj = &bd->objects[i];
        for (unsigned j = 1; j <= SIM_BACNET_PRIORITIES + 1 && obj->commands != NULL; j++) {
            sim_bacnet_set_command(obj, j, NULL);
        }
        sim_bacnet_hold(obj, NULL);
        busbar_free(obj->commands);
        busbar_free(obj->alarm);
    }
    for (uint32_t i = 0; i < bd->extra_count; i++) {
        sim_bacnet_extra_write(&bd->extras[i], NULL);
    }
    busbar_free(bd->objects);
    busbar_free(bd->extras);
    busbar_free(bd->recipients);
    *bd = (struct sim_bacnet_device){ 0 };
}

/* ---- finding ---- */

struct sim_bacnet_object *sim_bacnet_object(const struct sim_bacnet_device *bd,
                                            struct bacnet_object id)
{
    uint32_t number = bacnet_object_number(id), low = 0, high = bd->object_count;
    if (id.type == BACNET_DEVICE && id.instance == BACNET_INSTANCE_MAX) {
        number = number_of(BACNET_DEVICE, bd->instance); /* "this device", clause 15.5.2 */
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t found = bacnet_object_number(bd->objects[middle].id);
        if (found == number) {
            return &bd->objects[middle];
        }
        if (found < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

struct sim_bacnet_extra *sim_bacnet_extra(const struct sim_bacnet_device *bd,
                                          const struct sim_bacnet_object *obj, uint32_t property,
                                          uint32_t index)
{
    struct sim_bacnet_extra key = {
        .object = (uint32_t)(obj - bd->objects),
        .property = property,
        .index = index,
    };
    return bsearch(&key, bd->extras, bd->extra_count, sizeof(*bd->extras), compare_extras);
}

const struct point *sim_bacnet_point(const struct sim_bacnet_device *bd,
                                     const struct sim_bacnet_object *obj)
{
    return obj->point != SIM_BACNET_NO_POINT ? &bd->dev->points[obj->point] : NULL;
}

int64_t sim_bacnet_now(const struct sim_bacnet_device *bd, int64_t wall_us)
{
    return wall_us + bd->clock_offset_us;
}
