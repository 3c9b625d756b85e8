/* SPDX-License-Identifier: Apache-2.0 */
/* What can be written: values by their priority, limits, increments, the recipient list; all else is
 * refused with the error of the standard (ASHRAE 135, clause 15.9). */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/bacnet/service/list_element.h"
#include "drivers/bacnet/wire/tag.h"
#include "sim/sim_bacnet_property.h"

/* One write, while it is done. */
struct writing {
    struct sim_bacnet_device *bd;
    struct sim_bacnet_object *obj;
    uint32_t property, index;
    struct bytes value;
    unsigned priority;
    int64_t wall_us;
};

#define DENIED  SIM_BACNET_ERROR(PROPERTY, WRITE_ACCESS_DENIED)
#define TYPE    SIM_BACNET_ERROR(PROPERTY, INVALID_DATA_TYPE)
#define RANGE   SIM_BACNET_ERROR(PROPERTY, VALUE_OUT_OF_RANGE)
#define NOT_ONE SIM_BACNET_ERROR(PROPERTY, PROPERTY_IS_NOT_AN_ARRAY)

/* One primitive and nothing else. */
static bool one_value(const struct writing *w, struct bacnet_value *value)
{
    struct bytes in = w->value;
    return bacnet_get_value(&in, value) == 0 && bytes_left(&in) == 0;
}

static bool is_in_range(const struct writing *w, union value value)
{
    const struct point *pt = sim_bacnet_point(w->bd, w->obj);
    int64_t states = sim_bacnet_states(w->bd, w->obj);
    if (states > 0) {
        return value.i >= 1 && value.i <= states;
    }
    if ((w->obj->sets & SIM_BACNET_RANGED) == 0 || pt == NULL) {
        return true;
    }
    bool real = w->obj->kind == SIM_BACNET_REAL || w->obj->kind == SIM_BACNET_DOUBLE;
    double number = (real ? value.d : (double)value.i) * pt->cls->scale + pt->cls->offset;
    double slack = 1e-6 * (pt->cls->write.max - pt->cls->write.min); /* a float's */
    return number >= pt->cls->write.min - slack && number <= pt->cls->write.max + slack;
}

static uint32_t take(const struct writing *w, union value *value)
{
    struct bacnet_value from;
    if (!one_value(w, &from)) {
        return TYPE;
    }
    uint32_t error = sim_bacnet_take_value(&from, w->obj->kind, value);
    if (error == 0 && !is_in_range(w, *value)) {
        return RANGE;
    }
    return error;
}

static uint32_t write_present(const struct writing *w)
{
    struct sim_bacnet_object *obj = w->obj;
    struct bacnet_value from;
    union value value;
    bool commanded = (obj->sets & SIM_BACNET_COMMANDED) != 0;
    if (!commanded && (obj->flags & SIM_BACNET_OUT_OF_SERVICE) == 0) {
        return DENIED;
    }
    if (commanded && one_value(w, &from) && from.type == BACNET_NULL) {
        sim_bacnet_hold(obj, NULL);
        sim_bacnet_set_command(obj, w->priority, NULL);
        return 0;
    }
    uint32_t error = take(w, &value);
    if (error != 0) {
        return error;
    }
    if (commanded) {
        sim_bacnet_hold(obj, NULL);
        sim_bacnet_set_command(obj, w->priority, &value);
    } else {
        sim_bacnet_hold(obj, &value);
    }
    return 0;
}

static uint32_t write_default(const struct writing *w)
{
    union value value;
    uint32_t error = take(w, &value);
    if (error == 0) {
        sim_bacnet_set_command(w->obj, SIM_BACNET_PRIORITIES + 1, &value);
    }
    return error;
}

/* Out of service the value is decoupled from what is measured (clause 12.2.10): it stands still. */
static uint32_t write_out_of_service(const struct writing *w)
{
    struct sim_bacnet_object *obj = w->obj;
    struct sim_bacnet_reading now;
    struct bacnet_value from;
    if (!one_value(w, &from) || from.type != BACNET_BOOLEAN) {
        return TYPE;
    }
    bool was = (obj->flags & SIM_BACNET_OUT_OF_SERVICE) != 0;
    bool own = (obj->sets & SIM_BACNET_COMMANDED) == 0 && obj->kind != SIM_BACNET_TEXT;
    if (from.as.boolean && !was && own) {
        sim_bacnet_present(w->bd, obj, w->wall_us, &now);
        sim_bacnet_hold(obj, &now.value);
    }
    obj->flags = (uint8_t)(from.as.boolean ? obj->flags | SIM_BACNET_OUT_OF_SERVICE
                                           : obj->flags & ~SIM_BACNET_OUT_OF_SERVICE);
    if (!from.as.boolean && was) {
        sim_bacnet_hold(obj, NULL);
    }
    return 0;
}

static uint32_t write_number(const struct writing *w, float *to, bool signed_too)
{
    struct bacnet_value from;
    bool whole = w->obj->kind == SIM_BACNET_SIGNED || w->obj->kind == SIM_BACNET_UNSIGNED;
    if (!one_value(w, &from)) {
        return TYPE;
    }
    float number = 0.0f;
    if (from.type == BACNET_REAL) {
        number = from.as.real;
    } else if (whole && from.type == BACNET_UNSIGNED) {
        number = (float)from.as.number;
    } else {
        return TYPE;
    }
    if (!isfinite(number) || (number < 0.0f && !signed_too)) {
        return RANGE;
    }
    *to = number;
    return 0;
}

static uint32_t write_bits(const struct writing *w, uint8_t *to, unsigned count)
{
    struct bacnet_value from;
    if (!one_value(w, &from) || from.type != BACNET_BITS || bacnet_value_bits(&from) != count) {
        return TYPE;
    }
    *to = 0;
    for (unsigned i = 0; i < count; i++) {
        *to = (uint8_t)(*to | (bacnet_value_bit(&from, i) ? 1u << i : 0u));
    }
    return 0;
}

static uint32_t write_alarm(const struct writing *w)
{
    struct sim_bacnet_alarm *alarm = sim_bacnet_alarm_make(w->bd, w->obj);
    switch (w->property) {
    case BACNET_PROP_HIGH_LIMIT: return write_number(w, &alarm->high, true);
    case BACNET_PROP_LOW_LIMIT: return write_number(w, &alarm->low, true);
    case BACNET_PROP_DEADBAND: return write_number(w, &alarm->deadband, false);
    case BACNET_PROP_LIMIT_ENABLE: return write_bits(w, &alarm->limit_enable, 2);
    default: return write_bits(w, &alarm->event_enable, BACNET_TRANSITIONS);
    }
}

static uint32_t write_flag(const struct writing *w)
{
    struct bacnet_value from;
    if (!one_value(w, &from) || from.type != BACNET_BOOLEAN) {
        return TYPE;
    }
    w->obj->enabled = from.as.boolean;
    return 0;
}

static uint32_t write_reliability(const struct writing *w)
{
    struct bacnet_value from;
    if ((w->obj->flags & SIM_BACNET_OUT_OF_SERVICE) == 0) {
        return DENIED;
    }
    if (!one_value(w, &from) || from.type != BACNET_ENUMERATED || from.as.number > UINT8_MAX) {
        return TYPE;
    }
    w->obj->reliability = (uint8_t)from.as.number;
    return 0;
}

/* ---- the recipient list ---- */

static struct bacnet_destination *recipients(struct sim_bacnet_device *bd)
{
    if (bd->recipients == NULL) {
        bd->recipients = busbar_alloc_array(SIM_BACNET_RECIPIENTS, sizeof(*bd->recipients));
    }
    return bd->recipients;
}

static bool same_destination(const struct bacnet_destination *a, const struct bacnet_destination *b)
{
    uint8_t left[BACNET_DESTINATION_MAX], right[BACNET_DESTINATION_MAX];
    struct bytes_out x = bytes_out_of(left, sizeof(left));
    struct bytes_out y = bytes_out_of(right, sizeof(right));
    bacnet_put_destination(&x, a);
    bacnet_put_destination(&y, b);
    return bytes_out_size(&x) == bytes_out_size(&y) && memcmp(left, right, bytes_out_size(&x)) == 0;
}

static uint32_t find_destination(const struct sim_bacnet_device *bd,
                                 const struct bacnet_destination *destination)
{
    for (uint32_t i = 0; i < bd->recipient_count; i++) {
        if (same_destination(&bd->recipients[i], destination)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static uint32_t add_destination(struct sim_bacnet_device *bd,
                                const struct bacnet_destination *destination)
{
    if (find_destination(bd, destination) != UINT32_MAX) {
        return 0; /* it is there already (clause 15.1.2) */
    }
    if (bd->recipient_count == SIM_BACNET_RECIPIENTS) {
        return SIM_BACNET_ERROR(RESOURCES, NO_SPACE_TO_ADD_LIST_ELEMENT);
    }
    recipients(bd)[bd->recipient_count++] = *destination;
    return 0;
}

static uint32_t remove_destination(struct sim_bacnet_device *bd,
                                   const struct bacnet_destination *destination)
{
    uint32_t at = find_destination(bd, destination);
    if (at == UINT32_MAX) {
        return SIM_BACNET_ERROR(SERVICES, LIST_ELEMENT_NOT_FOUND);
    }
    bd->recipients[at] = bd->recipients[--bd->recipient_count];
    return 0;
}

/* All are looked at before the first one counts. */
uint32_t sim_bacnet_change_list(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                                uint32_t property, struct bytes elements, bool adds,
                                uint32_t *failed)
{
    struct bacnet_destination destination;
    struct bytes look = elements;
    *failed = 0;
    if (property != BACNET_PROP_RECIPIENT_LIST || (obj->sets & SIM_BACNET_OF_CLASS) == 0) {
        return SIM_BACNET_ERROR(SERVICES, PROPERTY_IS_NOT_A_LIST);
    }
    for (uint32_t i = 1; bytes_left(&look) > 0; i++) {
        *failed = i;
        if (bacnet_get_destination(&look, &destination) != 0) {
            return TYPE;
        }
        if (!adds && find_destination(bd, &destination) == UINT32_MAX) {
            return SIM_BACNET_ERROR(SERVICES, LIST_ELEMENT_NOT_FOUND);
        }
    }
    for (uint32_t i = 1; bytes_left(&elements) > 0; i++) {
        (void)bacnet_get_destination(&elements, &destination);
        uint32_t error = adds ? add_destination(bd, &destination)
                              : remove_destination(bd, &destination);
        if (error != 0) {
            *failed = i;
            return error;
        }
    }
    *failed = 0;
    return 0;
}

static uint32_t write_recipients(const struct writing *w)
{
    struct bytes look = w->value;
    struct bacnet_destination destination;
    uint32_t count = 0, failed;
    for (; bytes_left(&look) > 0; count++) {
        if (bacnet_get_destination(&look, &destination) != 0) {
            return TYPE;
        }
    }
    if (count > SIM_BACNET_RECIPIENTS) {
        return SIM_BACNET_ERROR(RESOURCES, NO_SPACE_TO_WRITE_PROPERTY);
    }
    w->bd->recipient_count = 0;
    return sim_bacnet_change_list(w->bd, w->obj, w->property, w->value, true, &failed);
}

/* ---- which there are ---- */

static uint32_t write_increment(const struct writing *w)
{
    return write_number(w, &w->obj->increment, false);
}

static const struct {
    uint32_t property;
    uint16_t sets;
    uint32_t (*write)(const struct writing *w);
} rows[] = {
    { BACNET_PROP_PRESENT_VALUE, SIM_BACNET_VALUED, write_present },
    { BACNET_PROP_OUT_OF_SERVICE, SIM_BACNET_VALUED, write_out_of_service },
    { BACNET_PROP_RELIABILITY, SIM_BACNET_VALUED, write_reliability },
    { BACNET_PROP_RELINQUISH_DEFAULT, SIM_BACNET_COMMANDED, write_default },
    { BACNET_PROP_COV_INCREMENT, SIM_BACNET_ANALOG, write_increment },
    { BACNET_PROP_HIGH_LIMIT, SIM_BACNET_LIMITED, write_alarm },
    { BACNET_PROP_LOW_LIMIT, SIM_BACNET_LIMITED, write_alarm },
    { BACNET_PROP_DEADBAND, SIM_BACNET_LIMITED, write_alarm },
    { BACNET_PROP_LIMIT_ENABLE, SIM_BACNET_LIMITED, write_alarm },
    { BACNET_PROP_EVENT_ENABLE, SIM_BACNET_LIMITED | SIM_BACNET_WATCHED, write_alarm },
    { BACNET_PROP_EVENT_DETECTION_ENABLE, SIM_BACNET_LIMITED | SIM_BACNET_WATCHED, write_flag },
    { BACNET_PROP_RECIPIENT_LIST, SIM_BACNET_OF_CLASS, write_recipients },
    { BACNET_PROP_ENABLE, SIM_BACNET_LOG, write_flag },
};

static uint32_t write_extra(const struct writing *w, struct sim_bacnet_extra *extra)
{
    struct bacnet_value from;
    union value value;
    if (!w->bd->dev->points[extra->point].cls->write.allowed) {
        return DENIED;
    }
    if (!one_value(w, &from)) {
        return TYPE;
    }
    if (from.type == BACNET_NULL) {
        sim_bacnet_extra_write(extra, NULL);
        return 0;
    }
    uint32_t error = sim_bacnet_take_value(&from, extra->kind, &value);
    if (error == 0) {
        sim_bacnet_extra_write(extra, &value);
    }
    return error;
}

uint32_t sim_bacnet_write(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                          uint32_t property, uint32_t index, struct bytes value, unsigned priority,
                          int64_t wall_us)
{
    struct writing w = {
        .bd = bd,
        .obj = obj,
        .property = property,
        .index = index,
        .value = value,
        .priority = priority,
        .wall_us = wall_us,
    };
    struct sim_bacnet_extra *extra = sim_bacnet_extra(bd, obj, property, index);
    if (extra != NULL) {
        return write_extra(&w, extra);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].property == property && (obj->sets & rows[i].sets) != 0) {
            return index != BACNET_INDEX_ALL ? NOT_ONE : rows[i].write(&w);
        }
    }
    const struct sim_bacnet_row *row = NULL;
    while ((row = sim_bacnet_next_row(obj, row)) != NULL) {
        if (row->property == property) {
            return DENIED;
        }
    }
    return SIM_BACNET_ERROR(PROPERTY, UNKNOWN_PROPERTY);
}
