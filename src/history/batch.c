/* SPDX-License-Identifier: Apache-2.0 */
#include "history/batch.h"

#include "base/err.h"
#include "history/history.h"
#include "history/record.h"
#include "history/usual.h"
#include "history/words.h"

enum {
    SHAPE_TYPE = 0x0f,
    SHAPE_MIXED = 0x0f,
    SHAPE_IDS = 0x10,
    SHAPE_TIMES = 0x20,
    SHAPE_RECEIVED = 0x40,
    SHAPE_MARKS = 0x80,
    HEAD_BYTES_MAX = 1 + 2 * 5 + BYTES_VARINT_MAX + 4 + BYTES_VARINT_MAX + 8,
    RUN_MIN = 16, /* a shorter run of one type, or of usual samples, stays with its neighbours */
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

/* Finds what goes into one batch of usual samples; count 0: too few. Samples of one series are kept apart
 * from those of the next, so that they become a chunk of their own, and long runs of one type from others. */
static void look_at_usual(struct history_usual_look *look, const struct sample *samples,
                          size_t count)
{
    history_usual_find(look, samples, count);
    if (look->count < RUN_MIN && look->count < count) {
        look->count = 0;
        return;
    }
    size_t same = 1;
    while (same < look->count && samples[same].point == samples[0].point) {
        same++;
    }
    size_t run = look->mixed ? run_of(samples, look->count) : look->count;
    size_t keep = same >= RUN_MIN ? same : look->count;
    keep = run >= RUN_MIN && run < keep ? run : keep;
    if (keep < look->count) {
        history_usual_cut(look, samples, keep);
    }
}

/* How many there are before the next RUN_MIN usual ones. */
static size_t others_of(const struct sample *samples, size_t count)
{
    size_t streak = 0;
    for (size_t i = 0; i < count; i++) {
        streak = history_is_usual(&samples[i]) ? streak + 1 : 0;
        if (streak == RUN_MIN) {
            return i + 1 - RUN_MIN;
        }
    }
    return count;
}

/* What is alike in all samples of a batch that are not the usual. */
static uint8_t columns_of(const struct sample *samples, size_t count)
{
    const struct sample *first = &samples[0];
    uint64_t ids = 0;
    uint64_t times = 0;
    uint64_t received = 0;
    unsigned marks = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = &samples[i];
        ids |= sample->point ^ (first->point + (uint32_t)i);
        times |= (uint64_t)(sample->time_us ^ first->time_us);
        received |= (uint64_t)(sample->receive_us ^ sample->time_us);
        marks |= (unsigned)(sample->quality ^ first->quality) |
                 (unsigned)(sample->detail ^ first->detail);
    }
    return (uint8_t)((ids != 0 ? SHAPE_IDS : 0) | (times != 0 ? SHAPE_TIMES : 0) |
                     (received != 0 ? SHAPE_RECEIVED : 0) | (marks != 0 ? SHAPE_MARKS : 0));
}

static size_t bytes_of_shape(uint8_t shape, const struct sample *samples, size_t count)
{
    size_t each = ((shape & SHAPE_IDS) != 0 ? 5u : 0) + ((shape & SHAPE_TIMES) != 0 ? 10u : 0) +
                  ((shape & SHAPE_RECEIVED) != 0 ? 10u : 0) +
                  ((shape & SHAPE_MARKS) != 0 ? 4u : 0) +
                  ((shape & SHAPE_TYPE) == SHAPE_MIXED ? 11u : 8u);
    bool texts = (shape & SHAPE_TYPE) == SHAPE_MIXED || (shape & SHAPE_TYPE) == VALUE_TEXT;
    return HEAD_BYTES_MAX + count * each + (texts ? text_bytes(samples, count) : 0);
}

static bool all_storable(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!storable(&samples[i])) {
            return false;
        }
    }
    return true;
}

static void look_at_others(struct history_batch *batch, const struct sample *samples, size_t count)
{
    count = others_of(samples, count);
    size_t run = run_of(samples, count);
    bool mixed = run < count && run < RUN_MIN;
    batch->count = mixed ? count : run;
    batch->shape = (uint8_t)((mixed ? SHAPE_MIXED : samples[0].type) |
                             columns_of(samples, batch->count));
}

int history_batch_look(struct history_batch *batch, const struct sample *samples, size_t count)
{
    count = count < HISTORY_BATCH_SAMPLES ? count : HISTORY_BATCH_SAMPLES;
    look_at_usual(&batch->usual, samples, count);
    if (batch->usual.count == 0) {
        look_at_others(batch, samples, count);
        if (!all_storable(samples, batch->count)) {
            return BUSBAR_EINVAL;
        }
        batch->bytes_max = bytes_of_shape(batch->shape, samples, batch->count);
        return 0;
    }
    batch->count = batch->usual.count;
    batch->bytes_max = history_usual_bytes(batch->count);
    bool good = batch->usual.one_run ? storable(&samples[0]) && storable(&samples[batch->count - 1])
                                     : all_storable(samples, batch->count);
    return good ? 0 : BUSBAR_EINVAL;
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

static void put_numbers(struct bytes_out *out, const struct history_batch *batch,
                        const struct sample *samples)
{
    union value values[HISTORY_BATCH_SAMPLES];
    for (size_t i = 0; i < batch->count; i++) {
        values[i] = samples[i].value;
    }
    switch (samples[0].type) {
    case VALUE_BOOL: history_bits_put(out, values, batch->count); break;
    case VALUE_INT: history_words_put(out, &values->i, batch->count); break;
    default: {
        uint8_t form = history_reals_form(values, batch->count);
        bytes_put_u8(out, form);
        history_reals_put(out, form, values, batch->count);
    }
    }
}

static void put_values(struct bytes_out *out, const struct history_batch *batch,
                       const struct sample *samples, size_t offset)
{
    switch (batch->shape & SHAPE_TYPE) {
    case VALUE_NONE: break;
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DOUBLE: put_numbers(out, batch, samples); break;
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
    if (batch->usual.count > 0) {
        history_usual_put(out, samples, &batch->usual, before_us);
        return;
    }
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

/* BOOL, INT or DOUBLE. */
static void get_numbers(struct bytes *in, uint8_t type, union value *values, size_t count)
{
    switch (type) {
    case VALUE_BOOL: history_bits_get(in, values, count); break;
    case VALUE_INT: history_words_get(in, &values->i, count); break;
    default: history_reals_get(in, bytes_get_u8(in), values, count);
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

static int get_others(struct bytes *in, struct sample *samples, int64_t before_us)
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

/* ---- usual samples ---- */

/* A batch of the first format that has no column but its values. */
static bool get_row(struct bytes *in, uint8_t type, int64_t before_us, struct history_usual *usual)
{
    uint64_t count = bytes_get_varint(in);
    uint64_t id = bytes_get_varint(in);
    int64_t time_us = plus(before_us, bytes_get_varint_signed(in));
    uint8_t quality = bytes_get_u8(in);
    uint64_t detail = bytes_get_varint(in);
    if (bytes_short(in) || quality != QUALITY_GOOD || detail != 0 || count == 0 ||
        count > HISTORY_BATCH_SAMPLES || id == 0 || id + count - 1 > HISTORY_SERIES_MAX) {
        return false;
    }
    usual->count = (uint32_t)count;
    usual->run_count = 1;
    usual->runs[0] = (struct history_run){ .first = (uint32_t)id, .count = (uint32_t)count };
    usual->type = type;
    usual->one_time = true;
    usual->times[0] = time_us;
    get_numbers(in, type, usual->values, (size_t)count);
    return !bytes_short(in);
}

bool history_batch_get_usual(struct bytes *in, int64_t before_us, struct history_usual *usual)
{
    uint8_t shape = bytes_get_u8(in);
    if (shape == HISTORY_USUAL_MARK) {
        return history_usual_get(in, before_us, usual);
    }
    bool row = shape == VALUE_BOOL || shape == VALUE_INT || shape == VALUE_DOUBLE;
    return row && get_row(in, shape, before_us, usual);
}

static int samples_of(const struct history_usual *usual, struct sample *samples)
{
    size_t at = 0;
    for (size_t r = 0; r < usual->run_count; r++) {
        const struct history_run *run = &usual->runs[r];
        for (uint32_t i = 0; i < run->count; i++, at++) {
            int64_t time_us = usual->times[usual->one_time ? 0 : at];
            bool mixed = usual->type == HISTORY_USUAL_MIXED;
            samples[at] = (struct sample){ .time_us = time_us,
                                           .receive_us = time_us,
                                           .value = usual->values[at],
                                           .point = run->first + (run->same ? 0 : i),
                                           .type = mixed ? usual->types[at] : usual->type };
        }
    }
    return (int)usual->count;
}

int history_batch_get(struct bytes *in, struct sample *samples, int64_t before_us)
{
    if (bytes_left(in) > 0 && *in->at == HISTORY_USUAL_MARK) {
        struct history_usual usual;
        return history_batch_get_usual(in, before_us, &usual) ? samples_of(&usual, samples)
                                                              : BUSBAR_EDAMAGED;
    }
    return get_others(in, samples, before_us);
}
