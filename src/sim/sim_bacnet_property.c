/* SPDX-License-Identifier: Apache-2.0 */
/* What can be read of the objects: one row a property (ASHRAE 135, clause 12), with which objects have it
 * and what puts its value. An array's row counts its elements and puts them one by one. Rows of alarms and
 * logs are in sim_bacnet_report.c, the device object's in sim_bacnet_device.c. */
#include "sim/sim_bacnet_property.h"

#include <string.h>

#include "base/str.h"
#include "drivers/bacnet/wire/names.h"
#include "drivers/bacnet/wire/stamp.h"
#include "drivers/bacnet/wire/tag.h"

#define APP BACNET_APPLICATION

/* ---- of every object ---- */

static void put_text(struct sim_bacnet_asked *a, const char *text)
{
    bacnet_put_text(a->out, APP, text, strnlen(text, SIM_BACNET_TEXT_MAX));
}

static void put_id(struct sim_bacnet_asked *a)
{
    bacnet_put_object(a->out, APP, a->obj->id);
}

static void put_name(struct sim_bacnet_asked *a)
{
    char name[SIM_BACNET_TEXT_MAX];
    sim_bacnet_name(a->bd, a->obj, name, sizeof(name));
    put_text(a, name);
}

static void put_type(struct sim_bacnet_asked *a)
{
    bacnet_put_enumerated(a->out, APP, a->obj->id.type);
}

static void put_description(struct sim_bacnet_asked *a)
{
    const struct point *pt = sim_bacnet_point(a->bd, a->obj);
    put_text(a, a->obj->id.type == BACNET_DEVICE ? a->bd->dev->title : pt != NULL ? pt->title : "");
}

/* All but the identifier, name, type and the list itself (clause 12.1.1.4.1). */
static bool is_listed(uint32_t property)
{
    return property != BACNET_PROP_OBJECT_IDENTIFIER && property != BACNET_PROP_OBJECT_NAME &&
           property != BACNET_PROP_OBJECT_TYPE && property != BACNET_PROP_PROPERTY_LIST;
}

/* The n-th listed property; UINT32_MAX: no more. */
static uint32_t listed(const struct sim_bacnet_asked *a, uint32_t n)
{
    const struct sim_bacnet_row *row = NULL;
    uint32_t object = (uint32_t)(a->obj - a->bd->objects);
    while ((row = sim_bacnet_next_row(a->obj, row)) != NULL) {
        if (is_listed(row->property) && n-- == 0) {
            return row->property;
        }
    }
    for (uint32_t i = 0; i < a->bd->extra_count; i++) {
        const struct sim_bacnet_extra *extra = &a->bd->extras[i];
        bool again = i > 0 && extra[-1].object == object && extra[-1].property == extra->property;
        if (extra->object == object && !again && n-- == 0) {
            return extra->property;
        }
    }
    return UINT32_MAX;
}

static uint32_t count_properties(const struct sim_bacnet_asked *a)
{
    uint32_t count = 0;
    while (listed(a, count) != UINT32_MAX) {
        count++;
    }
    return count;
}

static void put_property(struct sim_bacnet_asked *a)
{
    bacnet_put_enumerated(a->out, APP, listed(a, a->element));
}

/* ---- of what has a value ---- */

static void put_present(struct sim_bacnet_asked *a)
{
    struct sim_bacnet_reading reading;
    sim_bacnet_present(a->bd, a->obj, a->wall_us, &reading);
    sim_bacnet_put_reading(a->out, APP, &reading);
}

static void put_status(struct sim_bacnet_asked *a)
{
    bacnet_put_bits(a->out, APP, sim_bacnet_status(a->obj), 4);
}

static void put_event_state(struct sim_bacnet_asked *a)
{
    struct sim_bacnet_alarm scratch;
    bacnet_put_enumerated(a->out, APP, sim_bacnet_alarm(a->bd, a->obj, &scratch)->state);
}

static void put_reliability(struct sim_bacnet_asked *a)
{
    bacnet_put_enumerated(a->out, APP, a->obj->reliability);
}

static void put_out_of_service(struct sim_bacnet_asked *a)
{
    bacnet_put_boolean(a->out, APP, (a->obj->flags & SIM_BACNET_OUT_OF_SERVICE) != 0);
}

static void put_units(struct sim_bacnet_asked *a)
{
    const struct point *pt = sim_bacnet_point(a->bd, a->obj);
    uint32_t unit;
    bool raw = pt != NULL && pt->cls->scale == 1.0 && pt->cls->offset == 0.0;
    if (!raw || pt->cls->units[0] == '\0' || bacnet_unit_of(pt->cls->units, &unit) != 0) {
        unit = SIM_BACNET_NO_UNITS;
    }
    bacnet_put_enumerated(a->out, APP, unit);
}

/* A number in the type of the present value. */
static void put_like_present(struct sim_bacnet_asked *a, double number)
{
    struct sim_bacnet_reading reading = { .kind = a->obj->kind };
    if (a->obj->kind == SIM_BACNET_REAL || a->obj->kind == SIM_BACNET_DOUBLE) {
        reading.value.d = number;
    } else {
        reading.value.i = (int64_t)number;
    }
    sim_bacnet_put_reading(a->out, APP, &reading);
}

static void put_increment(struct sim_bacnet_asked *a)
{
    bool whole = a->obj->kind == SIM_BACNET_SIGNED || a->obj->kind == SIM_BACNET_UNSIGNED;
    if (whole) {
        bacnet_put_unsigned(a->out, APP, (uint64_t)a->obj->increment);
    } else {
        put_like_present(a, (double)a->obj->increment);
    }
}

static double raw_limit(const struct sim_bacnet_asked *a, bool most)
{
    const struct point_class *cls = sim_bacnet_point(a->bd, a->obj)->cls;
    return ((most ? cls->write.max : cls->write.min) - cls->offset) / cls->scale;
}

static void put_least(struct sim_bacnet_asked *a)
{
    put_like_present(a, raw_limit(a, false));
}

static void put_most(struct sim_bacnet_asked *a)
{
    put_like_present(a, raw_limit(a, true));
}

static void put_resolution(struct sim_bacnet_asked *a)
{
    put_like_present(a, (double)a->obj->value.step);
}

/* ---- states ---- */

static void put_polarity(struct sim_bacnet_asked *a)
{
    bacnet_put_enumerated(a->out, APP, 0); /* normal */
}

static void put_state_name(struct sim_bacnet_asked *a, int64_t state, const char *fallback)
{
    const struct point *pt = sim_bacnet_point(a->bd, a->obj);
    const char *name = pt != NULL ? point_enum_name(pt->cls, state) : NULL;
    put_text(a, name != NULL ? name : fallback);
}

static void put_active(struct sim_bacnet_asked *a)
{
    put_state_name(a, 1, "active");
}

static void put_inactive(struct sim_bacnet_asked *a)
{
    put_state_name(a, 0, "inactive");
}

static void put_states(struct sim_bacnet_asked *a)
{
    bacnet_put_unsigned(a->out, APP, sim_bacnet_states(a->bd, a->obj));
}

static uint32_t count_states(const struct sim_bacnet_asked *a)
{
    return sim_bacnet_states(a->bd, a->obj);
}

static void put_state(struct sim_bacnet_asked *a)
{
    char fallback[32];
    str_format(fallback, sizeof(fallback), "state %u", a->element + 1);
    put_state_name(a, (int64_t)a->element + 1, fallback);
}

/* ---- commands ---- */

static uint32_t count_priorities(const struct sim_bacnet_asked *a)
{
    (void)a;
    return SIM_BACNET_PRIORITIES;
}

static void put_priority(struct sim_bacnet_asked *a)
{
    struct sim_bacnet_reading reading;
    if (sim_bacnet_command(a->bd, a->obj, a->element + 1, a->wall_us, &reading)) {
        sim_bacnet_put_reading(a->out, APP, &reading);
    } else {
        bacnet_put_null(a->out, APP);
    }
}

static void put_default(struct sim_bacnet_asked *a)
{
    struct sim_bacnet_reading reading;
    (void)sim_bacnet_command(a->bd, a->obj, SIM_BACNET_PRIORITIES + 1, a->wall_us, &reading);
    sim_bacnet_put_reading(a->out, APP, &reading);
}

/* NULL when the program's own value is in force; of no value: unsigned (clause 19.2.1.1). */
static void put_current_priority(struct sim_bacnet_asked *a)
{
    struct sim_bacnet_reading reading;
    for (unsigned i = 1; i <= SIM_BACNET_PRIORITIES; i++) {
        if (sim_bacnet_command(a->bd, a->obj, i, a->wall_us, &reading)) {
            bacnet_put_unsigned(a->out, APP, i);
            return;
        }
    }
    bacnet_put_null(a->out, APP);
}

/* ---- the rows ---- */

#define ANY     SIM_BACNET_ANY
#define VALUED  SIM_BACNET_VALUED
#define ANALOG  SIM_BACNET_ANALOG
#define TWO     SIM_BACNET_TWO
#define MANY    SIM_BACNET_MANY
#define COMMAND SIM_BACNET_COMMANDED

#define REQUIRED       SIM_BACNET_REQUIRED
#define OPTIONAL       SIM_BACNET_OPTIONAL
#define REQUIRED_ARRAY SIM_BACNET_REQUIRED_ARRAY
#define OPTIONAL_ARRAY SIM_BACNET_OPTIONAL_ARRAY

static const struct sim_bacnet_row rows[] = {
    REQUIRED(OBJECT_IDENTIFIER, ANY, put_id),
    REQUIRED(OBJECT_NAME, ANY, put_name),
    REQUIRED(OBJECT_TYPE, ANY, put_type),
    REQUIRED(PRESENT_VALUE, VALUED, put_present),
    OPTIONAL(DESCRIPTION, ANY, put_description),
    REQUIRED(STATUS_FLAGS, VALUED | SIM_BACNET_LOG, put_status),
    REQUIRED(EVENT_STATE, VALUED | SIM_BACNET_LOG, put_event_state),
    OPTIONAL(RELIABILITY, VALUED, put_reliability),
    REQUIRED(OUT_OF_SERVICE, VALUED, put_out_of_service),
    REQUIRED(UNITS, ANALOG, put_units),
    OPTIONAL(MIN_PRES_VALUE, SIM_BACNET_RANGED, put_least),
    OPTIONAL(MAX_PRES_VALUE, SIM_BACNET_RANGED, put_most),
    OPTIONAL(RESOLUTION, ANALOG, put_resolution),
    OPTIONAL(COV_INCREMENT, ANALOG, put_increment),
    REQUIRED(POLARITY, SIM_BACNET_POLAR, put_polarity),
    OPTIONAL(INACTIVE_TEXT, TWO, put_inactive),
    OPTIONAL(ACTIVE_TEXT, TWO, put_active),
    REQUIRED(NUMBER_OF_STATES, MANY, put_states),
    OPTIONAL_ARRAY(STATE_TEXT, MANY, count_states, put_state),
    REQUIRED_ARRAY(PRIORITY_ARRAY, COMMAND, count_priorities, put_priority),
    REQUIRED(RELINQUISH_DEFAULT, COMMAND, put_default),
    REQUIRED(CURRENT_COMMAND_PRIORITY, COMMAND, put_current_priority),
    REQUIRED_ARRAY(PROPERTY_LIST, ANY, count_properties, put_property),
};

/* Behind those of values: those of reports, and the device object's. */
static const struct sim_bacnet_row *row_at(size_t i)
{
    size_t own = sizeof(rows) / sizeof(rows[0]);
    if (i < own) {
        return &rows[i];
    }
    i -= own;
    size_t reports = sim_bacnet_report_rows();
    return i < reports ? sim_bacnet_report_row(i) : sim_bacnet_device_row(i - reports);
}

static bool has(const struct sim_bacnet_object *obj, const struct sim_bacnet_row *row)
{
    return (obj->sets & row->sets) != 0;
}

const struct sim_bacnet_row *sim_bacnet_next_row(const struct sim_bacnet_object *obj,
                                                 const struct sim_bacnet_row *after)
{
    size_t i = 0;
    while (after != NULL && row_at(i++) != after) {
    }
    const struct sim_bacnet_row *row;
    while ((row = row_at(i++)) != NULL) {
        if (has(obj, row)) {
            return row;
        }
    }
    return NULL;
}

uint32_t sim_bacnet_row_property(const struct sim_bacnet_row *row)
{
    return row->property;
}

bool sim_bacnet_row_required(const struct sim_bacnet_row *row)
{
    return row->required;
}

void sim_bacnet_name(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                     char *to, size_t size)
{
    const struct point *pt = sim_bacnet_point(bd, obj);
    char id[BACNET_OBJECT_TEXT_MAX];
    bacnet_format_object(id, sizeof(id), obj->id);
    if (obj->id.type == BACNET_DEVICE) {
        str_format(to, size, "%s", bd->dev->name);
    } else if (pt != NULL && (obj->sets & SIM_BACNET_LOG) != 0) {
        str_format(to, size, "%s log", pt->name);
    } else {
        str_format(to, size, "%s", pt != NULL ? pt->name : id);
    }
}

/* ---- reading ---- */

static bool room(const struct sim_bacnet_asked *a)
{
    return bytes_out_left(a->out) >= SIM_BACNET_ELEMENT_MAX;
}

static uint32_t read_array(struct sim_bacnet_asked *a, const struct sim_bacnet_row *row,
                           uint32_t index)
{
    uint32_t count = row->count(a);
    if (index == 0) {
        bacnet_put_unsigned(a->out, APP, count);
        return 0;
    }
    if (index != BACNET_INDEX_ALL && index > count) {
        return SIM_BACNET_ERROR(PROPERTY, INVALID_ARRAY_INDEX);
    }
    uint32_t from = index == BACNET_INDEX_ALL ? 0 : index - 1;
    uint32_t to = index == BACNET_INDEX_ALL ? count : index;
    for (a->element = from; a->element < to; a->element++) {
        if (!room(a)) {
            return SIM_BACNET_FULL;
        }
        row->put(a);
    }
    return 0;
}

static uint32_t read_extra(struct sim_bacnet_asked *a, uint32_t index)
{
    struct sim_bacnet_reading reading;
    struct sim_bacnet_extra *extra = sim_bacnet_extra(a->bd, a->obj, a->property, index);
    if (extra == NULL) {
        return SIM_BACNET_ERROR(PROPERTY, UNKNOWN_PROPERTY);
    }
    sim_bacnet_extra_read(a->bd, extra, a->wall_us, &reading);
    sim_bacnet_put_reading(a->out, APP, &reading);
    return 0;
}

static const struct sim_bacnet_row *find_row(const struct sim_bacnet_object *obj, uint32_t property)
{
    const struct sim_bacnet_row *row;
    for (size_t i = 0; (row = row_at(i)) != NULL; i++) {
        if (row->property == property && has(obj, row)) {
            return row;
        }
    }
    return NULL;
}

uint32_t sim_bacnet_read(struct sim_bacnet_device *bd, struct sim_bacnet_object *obj,
                         uint32_t property, uint32_t index, int64_t wall_us, struct bytes_out *out)
{
    struct sim_bacnet_asked asked = {
        .bd = bd,
        .obj = obj,
        .property = property,
        .wall_us = wall_us,
        .out = out,
    };
    const struct sim_bacnet_row *row = find_row(obj, property);
    if (property == BACNET_PROP_LOG_BUFFER && (obj->sets & SIM_BACNET_LOG) != 0) {
        return SIM_BACNET_ERROR(PROPERTY, READ_ACCESS_DENIED); /* only by ReadRange */
    }
    if (!room(&asked)) {
        return SIM_BACNET_FULL;
    }
    if (row == NULL) {
        return read_extra(&asked, index);
    }
    if (property == BACNET_PROP_EVENT_STATE || property == BACNET_PROP_STATUS_FLAGS) {
        sim_bacnet_alarm_look(bd, obj, wall_us);
    }
    bool one_log = property == BACNET_PROP_LOG_DEVICE_OBJECT_PROPERTY &&
                   (obj->sets & SIM_BACNET_LOGS_MANY) == 0;
    if (row->count != NULL && !one_log) {
        return read_array(&asked, row, index);
    }
    if (index != BACNET_INDEX_ALL) {
        return SIM_BACNET_ERROR(PROPERTY, PROPERTY_IS_NOT_AN_ARRAY);
    }
    row->put(&asked);
    return 0;
}
