/* SPDX-License-Identifier: Apache-2.0 */
/* What the objects hold: living, commanded and held values, and their bytes. */
#include "sim/sim_bacnet_object.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "drivers/bacnet/wire/stamp.h"
#include "drivers/bacnet/wire/tag.h"
#include "drivers/bacnet/wire/text.h"

enum { STATES_UNNAMED = 3, BITS = 8, OCTETS = 8 };

/* ---- living ---- */

static bool lives(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj)
{
    const struct point *pt = sim_bacnet_point(bd, obj);
    return pt != NULL && !pt->cls->write.allowed;
}

uint32_t sim_bacnet_states(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj)
{
    const struct point *pt = sim_bacnet_point(bd, obj);
    int64_t most = 0;
    if ((obj->sets & SIM_BACNET_MANY) == 0) {
        return 0;
    }
    for (size_t i = 0; pt != NULL && i < pt->cls->enum_count; i++) {
        most = pt->cls->enums[i].value > most ? pt->cls->enums[i].value : most;
    }
    return most > 0 && most < POINT_ENUM_MAX ? (uint32_t)most : STATES_UNNAMED;
}

static uint8_t raw_type(uint8_t kind)
{
    return kind == SIM_BACNET_REAL || kind == SIM_BACNET_DOUBLE ? VALUE_DOUBLE : VALUE_INT;
}

/* A number as this kind can hold it. */
static void fit(uint8_t kind, union value *value)
{
    int64_t size = value->i < 0 ? -value->i : value->i;
    switch (kind) {
    case SIM_BACNET_UNSIGNED: value->i = size; break;
    case SIM_BACNET_BINARY:
    case SIM_BACNET_BOOL: value->i = value->i != 0; break;
    case SIM_BACNET_ENUM: value->i = size % 4; break;
    case SIM_BACNET_BITS: value->i = size & ((1 << BITS) - 1); break;
    default: break;
    }
}

static void live(const struct sim_bacnet_device *bd, const struct sim_value *value,
                 const struct point *pt, int64_t wall_us, struct sim_bacnet_reading *out)
{
    uint8_t type;
    wall_us = bd->frozen_us != 0 && wall_us > bd->frozen_us ? bd->frozen_us : wall_us;
    out->value.bits = 0;
    switch (out->kind) {
    case SIM_BACNET_DATE:
    case SIM_BACNET_TIME:
    case SIM_BACNET_DATETIME: out->value.i = sim_bacnet_now(bd, wall_us); return;
    case SIM_BACNET_TEXT:
        if (pt != NULL) {
            (void)sim_value_text(value, pt, out->words, sizeof(out->words));
        } else {
            out->words[0] = '\0';
        }
        out->text = out->words;
        return;
    default: break;
    }
    if (pt != NULL) {
        sim_value_raw(value, pt, raw_type(out->kind), wall_us, &type, &out->value);
        if (type == VALUE_INT) {
            fit(out->kind, &out->value);
        }
    }
}

void sim_bacnet_living(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                       int64_t wall_us, struct sim_bacnet_reading *out)
{
    int64_t states = sim_bacnet_states(bd, obj);
    out->kind = obj->kind;
    out->text = NULL;
    live(bd, &obj->value, sim_bacnet_point(bd, obj), wall_us, out);
    if (states > 0 && (out->value.i < 1 || out->value.i > states)) {
        out->value.i = 1 + out->value.i % states;
    }
}

void sim_bacnet_extra_read(const struct sim_bacnet_device *bd, const struct sim_bacnet_extra *extra,
                           int64_t wall_us, struct sim_bacnet_reading *out)
{
    out->kind = extra->kind;
    out->text = NULL;
    if (!extra->held) {
        live(bd, &extra->value, &bd->dev->points[extra->point], wall_us, out);
        return;
    }
    out->value = extra->written;
    out->text = extra->kind == SIM_BACNET_TEXT ? extra->written.text->bytes : NULL;
}

/* ---- commanded and held ---- */

static void show(uint8_t kind, union value value, struct sim_bacnet_reading *out)
{
    out->kind = kind;
    out->value = value;
    out->text = kind == SIM_BACNET_TEXT ? value.text->bytes : NULL;
}

bool sim_bacnet_command(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                        unsigned priority, int64_t wall_us, struct sim_bacnet_reading *out)
{
    const struct sim_bacnet_commands *commands = obj->commands;
    if (commands != NULL && (commands->slots >> (priority - 1) & 1) != 0) {
        show(obj->kind, commands->values[priority - 1], out);
        return true;
    }
    if (priority == SIM_BACNET_PRIORITIES && lives(bd, obj)) {
        sim_bacnet_living(bd, obj, wall_us, out);
        return true;
    }
    if (priority > SIM_BACNET_PRIORITIES) {
        sim_bacnet_living(bd, obj, lives(bd, obj) ? 0 : wall_us, out);
        return true;
    }
    return false;
}

void sim_bacnet_present(const struct sim_bacnet_device *bd, const struct sim_bacnet_object *obj,
                        int64_t wall_us, struct sim_bacnet_reading *out)
{
    if ((obj->flags & SIM_BACNET_HELD) != 0) {
        show(obj->kind, obj->held, out);
        return;
    }
    if ((obj->sets & SIM_BACNET_COMMANDED) == 0 || (obj->commands == NULL && lives(bd, obj))) {
        sim_bacnet_living(bd, obj, wall_us, out);
        return;
    }
    for (unsigned i = 1; i <= SIM_BACNET_PRIORITIES + 1; i++) {
        if (sim_bacnet_command(bd, obj, i, wall_us, out)) {
            return;
        }
    }
}

void sim_bacnet_set_value(uint8_t kind, union value *to, union value from)
{
    if (kind == SIM_BACNET_TEXT) {
        busbar_free((void *)(uintptr_t)to->text);
    }
    *to = from;
}

void sim_bacnet_set_command(struct sim_bacnet_object *obj, unsigned priority,
                            const union value *value)
{
    uint32_t bit = UINT32_C(1) << (priority - 1);
    if (obj->commands == NULL && value == NULL) {
        return;
    }
    if (obj->commands == NULL) {
        obj->commands = busbar_alloc(sizeof(*obj->commands));
    }
    union value *slot = &obj->commands->values[priority - 1];
    sim_bacnet_set_value(obj->kind, slot, value != NULL ? *value : (union value){ .bits = 0 });
    obj->commands->slots = value != NULL ? obj->commands->slots | bit : obj->commands->slots & ~bit;
}

void sim_bacnet_hold(struct sim_bacnet_object *obj, const union value *value)
{
    union value none = { .bits = 0 };
    sim_bacnet_set_value(obj->kind, &obj->held, value != NULL ? *value : none);
    obj->flags = (uint8_t)(value != NULL ? obj->flags | SIM_BACNET_HELD
                                         : obj->flags & ~SIM_BACNET_HELD);
}

void sim_bacnet_extra_write(struct sim_bacnet_extra *extra, const union value *value)
{
    union value none = { .bits = 0 };
    sim_bacnet_set_value(extra->kind, &extra->written, value != NULL ? *value : none);
    extra->held = value != NULL;
}

unsigned sim_bacnet_status(const struct sim_bacnet_object *obj)
{
    bool alarm = obj->alarm != NULL && obj->alarm->state != BACNET_STATE_NORMAL;
    return (alarm ? BACNET_FLAG_IN_ALARM : 0u) | (obj->reliability != 0 ? BACNET_FLAG_FAULT : 0u) |
           ((obj->flags & SIM_BACNET_OUT_OF_SERVICE) != 0 ? BACNET_FLAG_OUT_OF_SERVICE : 0u);
}

/* ---- bytes ---- */

static void put_octets(struct bytes_out *out, unsigned tag, int64_t number)
{
    uint8_t octets[OCTETS];
    struct bytes_out to = bytes_out_of(octets, sizeof(octets));
    bytes_put_i64(&to, number);
    bacnet_put_octets(out, tag, octets, sizeof(octets));
}

static void put_time(struct bytes_out *out, unsigned tag, uint8_t kind, int64_t time_us)
{
    struct bacnet_datetime at;
    if (bacnet_datetime_of(time_us, 0, &at) != 0) {
        memset(&at, BACNET_ANY, sizeof(at));
    }
    if (kind == SIM_BACNET_DATE) {
        bacnet_put_date(out, tag, &at.date);
    } else if (kind == SIM_BACNET_TIME) {
        bacnet_put_time(out, tag, &at.time);
    } else {
        bacnet_put_datetime(out, &at);
    }
}

void sim_bacnet_put_reading(struct bytes_out *out, unsigned tag,
                            const struct sim_bacnet_reading *reading)
{
    union value value = reading->value;
    switch (reading->kind) {
    case SIM_BACNET_REAL: bacnet_put_real(out, tag, (float)value.d); break;
    case SIM_BACNET_DOUBLE: bacnet_put_double(out, tag, value.d); break;
    case SIM_BACNET_SIGNED: bacnet_put_signed(out, tag, value.i); break;
    case SIM_BACNET_UNSIGNED: bacnet_put_unsigned(out, tag, (uint64_t)value.i); break;
    case SIM_BACNET_BINARY:
    case SIM_BACNET_ENUM: bacnet_put_enumerated(out, tag, (uint32_t)value.i); break;
    case SIM_BACNET_BOOL: bacnet_put_boolean(out, tag, value.i != 0); break;
    case SIM_BACNET_TEXT: bacnet_put_text(out, tag, reading->text, strlen(reading->text)); break;
    case SIM_BACNET_BITS: bacnet_put_bits(out, tag, (uint32_t)value.i, BITS); break;
    case SIM_BACNET_OCTETS: put_octets(out, tag, value.i); break;
    case SIM_BACNET_NOTHING: bacnet_put_null(out, tag); break;
    default: put_time(out, tag, reading->kind, value.i); break;
    }
}

static uint32_t take_text(const struct bacnet_value *from, union value *to)
{
    struct buf words;
    buf_init(&words, SIM_BACNET_TEXT_MAX - 1);
    (void)bacnet_print_characters(from, &words);
    uint32_t error = words.overflow ? SIM_BACNET_ERROR(RESOURCES, NO_SPACE_TO_WRITE_PROPERTY) : 0;
    to->text = error == 0 ? text_new(buf_text(&words), words.size) : NULL;
    buf_fini(&words);
    return error;
}

static int64_t take_octets(const struct bacnet_value *from)
{
    int64_t number = 0;
    for (uint32_t i = 0; i < from->as.block.size && i < OCTETS; i++) {
        number = (int64_t)((uint64_t)number << 8 | from->as.block.data[i]);
    }
    return number;
}

static int64_t take_bits(const struct bacnet_value *from)
{
    int64_t bits = 0;
    for (unsigned i = 0; i < BITS; i++) {
        bits |= bacnet_value_bit(from, i) ? INT64_C(1) << i : 0;
    }
    return bits;
}

/* Which type on the wire a kind has; BACNET_TYPES: it cannot be written. */
static uint8_t wire_type(uint8_t kind)
{
    switch (kind) {
    case SIM_BACNET_REAL: return BACNET_REAL;
    case SIM_BACNET_DOUBLE: return BACNET_DOUBLE;
    case SIM_BACNET_SIGNED: return BACNET_SIGNED;
    case SIM_BACNET_UNSIGNED: return BACNET_UNSIGNED;
    case SIM_BACNET_BINARY:
    case SIM_BACNET_ENUM: return BACNET_ENUMERATED;
    case SIM_BACNET_BOOL: return BACNET_BOOLEAN;
    case SIM_BACNET_TEXT: return BACNET_CHARACTERS;
    case SIM_BACNET_BITS: return BACNET_BITS;
    case SIM_BACNET_OCTETS: return BACNET_OCTETS;
    default: return BACNET_TYPES;
    }
}

uint32_t sim_bacnet_take_value(const struct bacnet_value *from, uint8_t kind, union value *to)
{
    to->bits = 0;
    if (from->type != wire_type(kind)) {
        return SIM_BACNET_ERROR(PROPERTY, INVALID_DATA_TYPE);
    }
    switch (kind) {
    case SIM_BACNET_REAL: to->d = (double)from->as.real; break;
    case SIM_BACNET_DOUBLE: to->d = from->as.real64; break;
    case SIM_BACNET_SIGNED: to->i = from->as.integer; break;
    case SIM_BACNET_BOOL: to->i = from->as.boolean; break;
    case SIM_BACNET_TEXT: return take_text(from, to);
    case SIM_BACNET_BITS: to->i = take_bits(from); break;
    case SIM_BACNET_OCTETS: to->i = take_octets(from); break;
    default:
        if (from->as.number > INT64_MAX || (kind == SIM_BACNET_BINARY && from->as.number > 1)) {
            return SIM_BACNET_ERROR(PROPERTY, VALUE_OUT_OF_RANGE);
        }
        to->i = (int64_t)from->as.number;
        break;
    }
    bool number = kind == SIM_BACNET_REAL || kind == SIM_BACNET_DOUBLE;
    return number && !isfinite(to->d) ? SIM_BACNET_ERROR(PROPERTY, VALUE_OUT_OF_RANGE) : 0;
}
