/* SPDX-License-Identifier: Apache-2.0 */
#include "history/batch.h"

#include "base/err.h"
#include "history/history.h"
#include "history/record.h"
#include "history/stage.h"
#include "model/quality.h"

enum {
    SHAPE_TYPE = 0x0f,
    SHAPE_MIXED = 0x0f,
    SHAPE_IDS = 0x10,
    SHAPE_TIMES = 0x20,
    SHAPE_RECEIVED = 0x40,
    SHAPE_MARKS = 0x80,
    HEAD_BYTES_MAX = 1 + 2 * 5 + BYTES_VARINT_MAX + 4 + BYTES_VARINT_MAX + 8,
    RUN_MIN = 16, /* a shorter run of one type goes into a mixed batch */
    TEXT_ALIGN = 4,
};

static bool storable(const struct sample *sample)
{
    return sample->point != 0 && sample->point <= HISTORY_SERIES_MAX &&
           sample->type <= VALUE_TEXT &&
           (sample->type != VALUE_TEXT || sample->value.text->size <= TEXT_BYTES_MAX);
}

/* How many samples from the first on have its type. */
static size_t run_of(const struct sample *samples, size_t count)
{
    size_t run = 1;
    while (run < count && samples[run].type == samples[0].type) {
        run++;
    }
    return run;
}

static size_t text_bytes(const struct sample *samples, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].type == VALUE_TEXT) {
            bytes += sizeof(struct text) + samples[i].value.text->size + 1 + TEXT_ALIGN;
        }
    }
    return bytes;
}

static void look_at_ints(struct history_batch *batch, const struct sample *samples)
{
    int64_t low = samples[0].value.i;
    int64_t high = low;
    for (size_t i = 1; i < batch->count; i++) {
        low = samples[i].value.i < low ? samples[i].value.i : low;
        high = samples[i].value.i > high ? samples[i].value.i : high;
    }
    uint64_t span = (uint64_t)high - (uint64_t)low;
    batch->low = low;
    batch->width = span == 0            ? 0
                   : span <= UINT8_MAX  ? 1
                   : span <= UINT16_MAX ? 2
                   : span <= UINT32_MAX ? 4
                                        : 8;
}

static void look_at_doubles(struct history_batch *batch, const struct sample *samples)
{
    uint64_t differs = 0;
    for (size_t i = 0; i < batch->count; i++) {
        union value back = { .d = (double)(float)samples[i].value.d };
        differs |= back.bits ^ samples[i].value.bits;
    }
    batch->width = differs == 0 ? 4 : 8;
}

int history_batch_look(struct history_batch *batch, const struct sample *samples, size_t count)
{
    count = count < HISTORY_BATCH_SAMPLES ? count : HISTORY_BATCH_SAMPLES;
    size_t run = run_of(samples, count);
    bool mixed = run < count && run < RUN_MIN;
    count = mixed ? count : run;
    const struct sample *first = &samples[0];
    uint64_t ids = 0;
    uint64_t times = 0;
    uint64_t received = 0;
    unsigned marks = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = &samples[i];
        if (!storable(sample)) {
            return BUSBAR_EINVAL;
        }
        ids |= sample->point ^ (first->point + (uint32_t)i);
        times |= (uint64_t)(sample->time_us ^ first->time_us);
        received |= (uint64_t)(sample->receive_us ^ sample->time_us);
        marks |= (unsigned)(sample->quality ^ first->quality) |
                 (unsigned)(sample->detail ^ first->detail);
    }
    *batch = (struct history_batch){ .count = count };
    batch->shape = (uint8_t)((mixed ? SHAPE_MIXED : first->type) | (ids != 0 ? SHAPE_IDS : 0) |
                             (times != 0 ? SHAPE_TIMES : 0) | (received != 0 ? SHAPE_RECEIVED : 0) |
                             (marks != 0 ? SHAPE_MARKS : 0));
    batch->bytes_max = HEAD_BYTES_MAX + count * ((ids != 0 ? 5u : 0) + (times != 0 ? 10u : 0) +
                                                 (received != 0 ? 10u : 0) + (marks != 0 ? 4u : 0) +
                                                 (mixed ? 11u : 8u));
    if (mixed || first->type == VALUE_TEXT) {
        batch->bytes_max += text_bytes(samples, count);
    } else if (first->type == VALUE_INT) {
        look_at_ints(batch, samples);
    } else if (first->type == VALUE_DOUBLE) {
        look_at_doubles(batch, samples);
    }
    return 0;
}

static void put_text(struct bytes_out *out, const struct text *text, size_t offset)
{
    while ((offset + bytes_out_size(out)) % TEXT_ALIGN != 0) {
        bytes_put_u8(out, 0);
    }
    bytes_put_u32le(out, text->size);
    bytes_put_block(out, text->bytes, text->size);
    bytes_put_u8(out, 0);
}

static void put_bits(struct bytes_out *out, const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i += 8) {
        unsigned byte = 0;
        for (size_t bit = 0; bit < 8 && i + bit < count; bit++) {
            byte |= (unsigned)samples[i + bit].value.b << bit;
        }
        bytes_put_u8(out, (uint8_t)byte);
    }
}

static void put_ints(struct bytes_out *out, const struct history_batch *batch,
                     const struct sample *samples)
{
    uint64_t low = (uint64_t)batch->low;
    bytes_put_varint_signed(out, batch->low);
    bytes_put_u8(out, batch->width);
    uint8_t *to = bytes_put_space(out, batch->count * batch->width);
    switch (batch->width) {
    case 0: break;
    case 1:
        for (size_t i = 0; i < batch->count; i++) {
            to[i] = (uint8_t)((uint64_t)samples[i].value.i - low);
        }
        break;
    case 2:
        for (size_t i = 0; i < batch->count; i++) {
            uint16_t value = (uint16_t)((uint64_t)samples[i].value.i - low);
            memcpy(to + 2 * i, &value, 2);
        }
        break;
    case 4:
        for (size_t i = 0; i < batch->count; i++) {
            uint32_t value = (uint32_t)((uint64_t)samples[i].value.i - low);
            memcpy(to + 4 * i, &value, 4);
        }
        break;
    default:
        for (size_t i = 0; i < batch->count; i++) {
            uint64_t value = (uint64_t)samples[i].value.i - low;
            memcpy(to + 8 * i, &value, 8);
        }
    }
}

static void put_doubles(struct bytes_out *out, const struct history_batch *batch,
                        const struct sample *samples)
{
    bytes_put_u8(out, batch->width);
    uint8_t *to = bytes_put_space(out, batch->count * batch->width);
    if (batch->width == 4) {
        for (size_t i = 0; i < batch->count; i++) {
            float value = (float)samples[i].value.d;
            memcpy(to + 4 * i, &value, 4);
        }
    } else {
        for (size_t i = 0; i < batch->count; i++) {
            memcpy(to + 8 * i, &samples[i].value.bits, 8);
        }
    }
}

static void put_mixed(struct bytes_out *out, const struct history_batch *batch,
                      const struct sample *samples, size_t offset)
{
    for (size_t i = 0; i < batch->count; i++) {
        bytes_put_u8(out, samples[i].type);
    }
    for (size_t i = 0; i < batch->count; i++) {
        switch (samples[i].type) {
        case VALUE_BOOL: bytes_put_u8(out, samples[i].value.b); break;
        case VALUE_INT: bytes_put_varint_signed(out, samples[i].value.i); break;
        case VALUE_DOUBLE: bytes_put_u64le(out, samples[i].value.bits); break;
        case VALUE_TEXT: put_text(out, samples[i].value.text, offset); break;
        default: break;
        }
    }
}

static void put_values(struct bytes_out *out, const struct history_batch *batch,
                       const struct sample *samples, size_t offset)
{
    switch (batch->shape & SHAPE_TYPE) {
    case VALUE_NONE: break;
    case VALUE_BOOL: put_bits(out, samples, batch->count); break;
    case VALUE_INT: put_ints(out, batch, samples); break;
    case VALUE_DOUBLE: put_doubles(out, batch, samples); break;
    case VALUE_TEXT:
        for (size_t i = 0; i < batch->count; i++) {
            put_text(out, samples[i].value.text, offset);
        }
        break;
    default: put_mixed(out, batch, samples, offset);
    }
}

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

void history_batch_put(struct bytes_out *out, const struct history_batch *batch,
                       const struct sample *samples, int64_t before_us, size_t offset)
{
    uint8_t shape = batch->shape;
    bytes_put_u8(out, shape);
    bytes_put_varint(out, batch->count);
    bytes_put_varint(out, samples[0].point);
    bytes_put_varint_signed(out, minus(samples[0].time_us, before_us));
    for (size_t i = 1; (shape & SHAPE_IDS) != 0 && i < batch->count; i++) {
        bytes_put_varint_signed(out, (int64_t)samples[i].point - samples[i - 1].point - 1);
    }
    for (size_t i = 1; (shape & SHAPE_TIMES) != 0 && i < batch->count; i++) {
        bytes_put_varint_signed(out, minus(samples[i].time_us, samples[i - 1].time_us));
    }
    for (size_t i = 0; (shape & SHAPE_RECEIVED) != 0 && i < batch->count; i++) {
        bytes_put_varint_signed(out, minus(samples[i].receive_us, samples[i].time_us));
    }
    size_t marks = (shape & SHAPE_MARKS) != 0 ? batch->count : 1;
    for (size_t i = 0; i < marks; i++) {
        bytes_put_u8(out, samples[i].quality);
        bytes_put_varint(out, samples[i].detail);
    }
    put_values(out, batch, samples, offset);
}

static void get_text(struct bytes *in, struct sample *sample)
{
    while (bytes_offset(in) % TEXT_ALIGN != 0 && !bytes_short(in)) {
        bytes_skip(in, 1);
    }
    const uint8_t *at = in->at;
    uint32_t size = bytes_get_u32le(in);
    const uint8_t *end = size <= TEXT_BYTES_MAX ? bytes_get_block(in, (size_t)size + 1) : NULL;
    if (end == NULL || end[size] != '\0') {
        bytes_fail(in);
        return;
    }
    sample->value.text = (const struct text *)(const void *)at;
}

static void get_ints(struct bytes *in, union value *values, size_t count)
{
    uint64_t low = (uint64_t)bytes_get_varint_signed(in);
    uint8_t width = bytes_get_u8(in);
    const uint8_t *from = width <= 8 ? bytes_get_block(in, count * width) : NULL;
    if (from == NULL) {
        bytes_fail(in);
        return;
    }
    switch (width) {
    case 0:
        for (size_t i = 0; i < count; i++) {
            values[i].bits = low;
        }
        break;
    case 1:
        for (size_t i = 0; i < count; i++) {
            values[i].bits = low + from[i];
        }
        break;
    case 2:
        for (size_t i = 0; i < count; i++) {
            uint16_t part;
            memcpy(&part, from + 2 * i, 2);
            values[i].bits = low + part;
        }
        break;
    case 4:
        for (size_t i = 0; i < count; i++) {
            uint32_t part;
            memcpy(&part, from + 4 * i, 4);
            values[i].bits = low + part;
        }
        break;
    case 8:
        for (size_t i = 0; i < count; i++) {
            memcpy(&values[i].bits, from + 8 * i, 8);
            values[i].bits += low;
        }
        break;
    default: bytes_fail(in);
    }
}

static void get_doubles(struct bytes *in, union value *values, size_t count)
{
    uint8_t width = bytes_get_u8(in);
    const uint8_t *from = width == 4 || width == 8 ? bytes_get_block(in, count * width) : NULL;
    if (from == NULL) {
        bytes_fail(in);
    } else if (width == 8) {
        memcpy(values, from, count * sizeof(*values));
    } else {
        for (size_t i = 0; i < count; i++) {
            float value;
            memcpy(&value, from + 4 * i, 4);
            values[i].d = (double)value;
        }
    }
}

static void get_bits(struct bytes *in, union value *values, size_t count)
{
    const uint8_t *bits = bytes_get_block(in, (count + 7) / 8);
    for (size_t i = 0; i < count && bits != NULL; i++) {
        values[i].bits = ((unsigned)bits[i / 8] >> (i % 8)) & 1u;
    }
}

/* BOOL, INT or DOUBLE. */
static void get_numbers(struct bytes *in, uint8_t type, union value *values, size_t count)
{
    switch (type) {
    case VALUE_BOOL: get_bits(in, values, count); break;
    case VALUE_INT: get_ints(in, values, count); break;
    default: get_doubles(in, values, count);
    }
}

static void get_mixed(struct bytes *in, struct sample *samples, size_t count)
{
    const uint8_t *types = bytes_get_block(in, count);
    for (size_t i = 0; i < count && types != NULL && !bytes_short(in); i++) {
        struct sample *sample = &samples[i];
        sample->type = types[i];
        switch (types[i]) {
        case VALUE_NONE: break;
        case VALUE_BOOL: sample->value.bits = bytes_get_u8(in) & 1u; break;
        case VALUE_INT: sample->value.i = bytes_get_varint_signed(in); break;
        case VALUE_DOUBLE: sample->value.bits = bytes_get_u64le(in); break;
        case VALUE_TEXT: get_text(in, sample); break;
        default: bytes_fail(in);
        }
    }
}

static void get_values(struct bytes *in, uint8_t type, struct sample *samples, size_t count)
{
    union value values[HISTORY_BATCH_SAMPLES];
    switch (type) {
    case VALUE_NONE: break;
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DOUBLE:
        get_numbers(in, type, values, count);
        for (size_t i = 0; i < count && !bytes_short(in); i++) {
            samples[i].value = values[i];
        }
        break;
    case VALUE_TEXT:
        for (size_t i = 0; i < count && !bytes_short(in); i++) {
            get_text(in, &samples[i]);
        }
        break;
    case SHAPE_MIXED: get_mixed(in, samples, count); break;
    default: bytes_fail(in);
    }
}

static void get_marks(struct bytes *in, uint8_t shape, struct sample *samples, size_t count)
{
    struct sample *sample = samples;
    size_t marks = (shape & SHAPE_MARKS) != 0 ? count : 1;
    for (size_t i = 0; i < marks; i++, sample++) {
        sample->quality = bytes_get_u8(in);
        sample->detail = (uint16_t)bytes_get_varint(in);
    }
    for (size_t i = marks; i < count; i++) {
        samples[i].quality = samples[0].quality;
        samples[i].detail = samples[0].detail;
    }
}

int history_batch_get(struct bytes *in, struct sample *samples, int64_t before_us)
{
    uint8_t shape = bytes_get_u8(in);
    uint64_t count = bytes_get_varint(in);
    uint64_t id = bytes_get_varint(in);
    int64_t time_us = plus(before_us, bytes_get_varint_signed(in));
    if (bytes_short(in) || count == 0 || count > HISTORY_BATCH_SAMPLES || id > HISTORY_SERIES_MAX) {
        return BUSBAR_EDAMAGED;
    }
    uint8_t type = shape & SHAPE_TYPE;
    for (size_t i = 0; i < count; i++) {
        samples[i] = (struct sample){
            .time_us = time_us, .receive_us = time_us, .point = (uint32_t)(id + i), .type = type
        };
    }
    for (size_t i = 1; (shape & SHAPE_IDS) != 0 && i < count; i++) {
        id = (uint64_t)plus((int64_t)id, bytes_get_varint_signed(in)) + 1;
        samples[i].point = (uint32_t)id;
        if (id > HISTORY_SERIES_MAX) {
            bytes_fail(in);
        }
    }
    for (size_t i = 1; (shape & SHAPE_TIMES) != 0 && i < count; i++) {
        samples[i].time_us = plus(samples[i - 1].time_us, bytes_get_varint_signed(in));
        samples[i].receive_us = samples[i].time_us;
    }
    for (size_t i = 0; (shape & SHAPE_RECEIVED) != 0 && i < count; i++) {
        samples[i].receive_us = plus(samples[i].time_us, bytes_get_varint_signed(in));
    }
    get_marks(in, shape, samples, count);
    get_values(in, type, samples, count);
    for (size_t i = 0; i < count; i++) {
        if (samples[i].point == 0 || samples[i].point > HISTORY_SERIES_MAX) {
            bytes_fail(in);
        }
    }
    return bytes_short(in) ? BUSBAR_EDAMAGED : (int)count;
}

/* ---- rows ---- */

bool history_batch_get_row(struct bytes *in, union value *values, int64_t before_us,
                           struct history_row *row)
{
    uint8_t type = bytes_get_u8(in); /* the shape, when it has no column of its own */
    uint64_t count = bytes_get_varint(in);
    uint64_t id = bytes_get_varint(in);
    int64_t time_us = plus(before_us, bytes_get_varint_signed(in));
    uint8_t quality = bytes_get_u8(in);
    uint64_t detail = bytes_get_varint(in);
    if (bytes_short(in) || quality != QUALITY_GOOD || detail != 0 || count < HISTORY_STAGE_RUN ||
        count > HISTORY_BATCH_SAMPLES || id == 0 || id + count - 1 > HISTORY_SERIES_MAX) {
        return false;
    }
    if (type != VALUE_BOOL && type != VALUE_INT && type != VALUE_DOUBLE) {
        return false;
    }
    get_numbers(in, type, values, (size_t)count);
    *row = (struct history_row){ .first = (uint32_t)id,
                                 .count = (uint32_t)count,
                                 .type = type,
                                 .time_us = time_us,
                                 .values = values };
    return !bytes_short(in);
}
