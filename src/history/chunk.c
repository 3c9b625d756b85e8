/* SPDX-License-Identifier: Apache-2.0 */
#include "history/chunk.h"

#include "base/alloc.h"
#include "base/err.h"
#include "history/coder.h"

enum {
    CHUNK_VERSION = 2,
    CHUNK_VERSION_FIRST = 1,
    TYPE_MASK = 0x0f,
    /* What an encoded chunk takes at most, and what is tried behind it. */
    HEAD_BYTES = 64 + HISTORY_SUMMARY_BYTES,
    COLUMN_HEADS_BYTES = 400,
    SAMPLE_BYTES = HISTORY_XOR_BYTES + 4 * BYTES_VARINT_MAX, /* values in all ways tried */
    MARK_HEADS_BYTES = 100,
    MARK_BYTES = 16,
};

/* Neither is zeroed: they are big, made for every query, and written before they are read. */
struct history_coder *history_coder_new(void)
{
    struct history_coder *coder = busbar_try_realloc(NULL, sizeof(*coder));
    if (coder != NULL) {
        coder->kernels = history_kernels();
        coder->cold = false;
        coder->memos[0].count = coder->memos[1].count = 0;
        coder->columns = 0;
        coder->texts = NULL;
        coder->text_bytes = 0;
        coder->blob = NULL;
        coder->blob_bytes = 0;
    }
    return coder;
}

struct history_column *history_column_new(void)
{
    struct history_column *column = busbar_try_realloc(NULL, sizeof(*column));
    if (column != NULL) {
        column->count = 0;
        column->type = VALUE_NONE;
        column->marked = false;
    }
    return column;
}

void history_coder_free(struct history_coder *coder)
{
    if (coder != NULL) {
        busbar_free(coder->texts);
        busbar_free(coder->blob);
        busbar_free(coder);
    }
}

void history_coder_cold(struct history_coder *coder, bool cold)
{
    coder->cold = cold;
    coder->memos[0].count = coder->memos[1].count = 0;
}

/* Samples without a value take the one before them (the first ones: the first there is), which costs
 * nothing in any encoding. */
static const union value *fill_values(struct history_coder *coder,
                                      const struct history_column *column)
{
    if (!column->marked) {
        return column->values;
    }
    size_t first = 0;
    while (column->marks[first].type == VALUE_NONE) {
        first++; /* there is one: the type is not VALUE_NONE */
        assert(first < column->count);
    }
    union value last = column->values[first];
    for (size_t i = 0; i < column->count; i++) {
        last = column->marks[i].type == VALUE_NONE ? last : column->values[i];
        coder->values[i] = last;
    }
    return coder->values;
}

/* Integers of the values to coder->numbers, if they have any. */
static struct history_scale find_numbers(struct history_coder *coder, uint8_t type,
                                         const union value *values, size_t count)
{
    if (type == VALUE_DOUBLE) {
        return history_scale_find(coder->kernels, values, count, coder->numbers);
    }
    for (size_t i = 0; i < count && (type == VALUE_INT || type == VALUE_BOOL); i++) {
        coder->numbers[i] = type == VALUE_BOOL ? values[i].b : values[i].i;
    }
    return (struct history_scale){ .form = HISTORY_FORM_DIVIDE };
}

static int put_values(struct bytes_out *out, struct history_coder *coder, uint8_t type,
                      const union value *values, size_t count, struct history_scale scale)
{
    switch (type) {
    case VALUE_NONE: return 0;
    case VALUE_TEXT: return history_texts_put(out, coder, values, count);
    case VALUE_DOUBLE: history_doubles_put(out, coder, values, count, scale); return 0;
    default: history_integers_put(out, coder, coder->numbers, count); return 0;
    }
}

static int get_values(struct bytes *in, struct history_coder *coder, struct history_column *column)
{
    switch (column->type) {
    case VALUE_NONE: memset(column->values, 0, column->count * sizeof(*column->values)); return 0;
    case VALUE_TEXT: return history_texts_get(in, coder, column->values, column->count);
    case VALUE_DOUBLE:
        history_doubles_get(in, coder, column->values, column->count, history_all(column->count));
        return 0;
    default:
        history_integers_get(in, coder, coder->numbers, column->count, history_all(column->count));
        for (size_t i = 0; i < column->count && !bytes_short(in); i++) {
            if (column->type == VALUE_BOOL && (coder->numbers[i] & ~INT64_C(1)) != 0) {
                return BUSBAR_EDAMAGED;
            }
            column->values[i].bits = (uint64_t)coder->numbers[i];
        }
        return 0;
    }
}

static size_t room_for(const struct history_column *column, const union value *values)
{
    size_t count = column->count;
    size_t room = HEAD_BYTES + COLUMN_HEADS_BYTES + count * SAMPLE_BYTES;
    room += column->marked ? MARK_HEADS_BYTES + count * MARK_BYTES : 0;
    return room + (column->type == VALUE_TEXT ? history_texts_size(values, count) : 0);
}

int history_chunk_encode(struct history_coder *coder, const struct history_column *column,
                         struct buf *out)
{
    assert(column->count > 0 && column->count <= HISTORY_CHUNK_SAMPLES);
    const union value *values = column->type == VALUE_NONE ? column->values
                                                           : fill_values(coder, column);
    size_t room = room_for(column, values);
    uint8_t *space = buf_reserve(out, room);
    if (space == NULL) {
        return out->overflow && out->size + room > out->max ? BUSBAR_ELIMIT : BUSBAR_ENOMEM;
    }
    struct history_chunk_info info = { .type = column->type, .marked = column->marked };
    struct history_scale scale = find_numbers(coder, column->type, values, column->count);
    history_summary_make(coder, column, scale, &info);
    uint8_t flags = (uint8_t)((info.marked ? HISTORY_CHUNK_MARKED : 0) |
                              (info.summed ? HISTORY_CHUNK_SUMMED : 0));
    struct bytes_out bytes = bytes_out_of(space, room);
    bytes_put_u8(&bytes, CHUNK_VERSION);
    bytes_put_u8(&bytes, (uint8_t)(column->type | flags));
    bytes_put_varint(&bytes, column->count - 1);
    bytes_put_varint_signed(&bytes, info.first_us);
    bytes_put_varint(&bytes, (uint64_t)info.last_us - (uint64_t)info.first_us);
    history_summary_put(&bytes, coder, scale, &info);
    history_times_put(&bytes, coder, column->times, column->count);
    int error = put_values(&bytes, coder, column->type, values, column->count, scale);
    if (error != 0) {
        return error;
    }
    if (column->marked) {
        history_marks_put(&bytes, coder, column);
    }
    buf_commit(out, bytes_out_size(&bytes));
    return 0;
}

static int get_head(struct bytes *in, struct history_chunk_info *info)
{
    uint8_t version = bytes_get_u8(in);
    uint8_t type = bytes_get_u8(in);
    uint64_t count = bytes_get_varint(in);
    info->first_us = bytes_get_varint_signed(in);
    uint64_t span = bytes_get_varint(in);
    info->last_us = (int64_t)((uint64_t)info->first_us + span);
    info->type = type & TYPE_MASK;
    info->marked = (type & HISTORY_CHUNK_MARKED) != 0;
    info->summed = (type & HISTORY_CHUNK_SUMMED) != 0;
    if (bytes_short(in) || version < CHUNK_VERSION_FIRST || version > CHUNK_VERSION ||
        info->type > VALUE_TEXT ||
        (type & ~(TYPE_MASK | HISTORY_CHUNK_MARKED | HISTORY_CHUNK_SUMMED)) != 0 ||
        count >= HISTORY_CHUNK_SAMPLES || info->last_us < info->first_us ||
        (info->summed && (info->type == VALUE_NONE || info->type == VALUE_TEXT)) ||
        (count == 0) != (span == 0)) {
        return BUSBAR_EDAMAGED;
    }
    info->count = (size_t)count + 1;
    history_summary_get(in, info);
    return bytes_short(in) ? BUSBAR_EDAMAGED : 0;
}

int history_chunk_info(const void *data, size_t size, struct history_chunk_info *info)
{
    struct bytes in = bytes_of(data, size);
    return get_head(&in, info);
}

int history_chunk_decode(struct history_coder *coder, const void *data, size_t size,
                         struct history_column *column)
{
    struct bytes in = bytes_of(data, size);
    struct history_chunk_info info;
    int error = get_head(&in, &info);
    if (error != 0) {
        return error;
    }
    column->count = info.count;
    column->type = info.type;
    column->marked = info.marked;
    history_times_get(&in, coder, info.first_us, (uint64_t)info.last_us - (uint64_t)info.first_us,
                      column->times, column->count);
    error = bytes_short(&in) ? BUSBAR_EDAMAGED : get_values(&in, coder, column);
    if (error == 0 && info.marked && !bytes_short(&in)) {
        history_marks_get(&in, coder, column);
    }
    if (error == 0 && (bytes_short(&in) || bytes_left(&in) != 0)) {
        error = BUSBAR_EDAMAGED;
    }
    return error;
}

int history_chunk_numbers(struct history_coder *coder, const void *data, size_t size,
                          int64_t from_us, int64_t to_us, int64_t *times, double *values,
                          struct history_chunk_info *info, struct history_part *part)
{
    struct bytes in = bytes_of(data, size);
    int error = get_head(&in, info);
    if (error != 0) {
        return error;
    }
    if (info->marked || info->type == VALUE_NONE || info->type == VALUE_TEXT) {
        return BUSBAR_EINVAL;
    }
    uint64_t span = (uint64_t)info->last_us - (uint64_t)info->first_us;
    *part = history_all(info->count);
    if (info->first_us >= from_us && info->last_us < to_us) {
        history_times_get(&in, coder, info->first_us, span, times, info->count);
    } else {
        history_times_find(&in, coder, info->first_us, span, times, info->count, from_us, to_us,
                           part);
    }
    if (bytes_short(&in)) {
        return BUSBAR_EDAMAGED;
    }
    if (info->type == VALUE_DOUBLE) {
        history_doubles_get(&in, coder, (union value *)(void *)values, info->count, *part);
    } else {
        history_integers_get(&in, coder, coder->numbers, info->count, *part);
        coder->kernels->doubles(HISTORY_FORM_DIVIDE, 0, coder->numbers + part->first,
                                (union value *)(void *)(values + part->first),
                                part->end - part->first);
    }
    return bytes_short(&in) || bytes_left(&in) != 0 ? BUSBAR_EDAMAGED : 0;
}
