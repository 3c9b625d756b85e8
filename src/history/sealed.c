/* SPDX-License-Identifier: Apache-2.0 */
#include "history/sealed.h"

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "history/chunk.h"
#include "history/history_private.h"
#include "history/reader.h"

enum { MAGIC = 0xb5, HEAD_BYTES = 6 };

struct history_sealer {
    struct history_coder *coder;
    struct history_column *column;
    struct sample *samples; /* of one chunk */
    struct buf body, chunk;
};

struct history_sealer *history_sealer_new(void)
{
    struct history_sealer *sealer = busbar_try_alloc(sizeof(*sealer));
    if (sealer == NULL) {
        return NULL;
    }
    *sealer = (struct history_sealer){ .coder = history_coder_new(),
                                       .column = history_column_new(),
                                       .samples = busbar_try_alloc(HISTORY_CHUNK_SAMPLES *
                                                                   sizeof(*sealer->samples)) };
    buf_init(&sealer->body, HISTORY_SEALED_BYTES);
    buf_init(&sealer->chunk, HISTORY_SEALED_BYTES);
    if (sealer->coder == NULL || sealer->column == NULL || sealer->samples == NULL) {
        history_sealer_free(sealer);
        return NULL;
    }
    history_coder_cold(sealer->coder, true);
    return sealer;
}

void history_sealer_free(struct history_sealer *sealer)
{
    if (sealer == NULL) {
        return;
    }
    if (sealer->coder != NULL) {
        history_coder_free(sealer->coder);
    }
    busbar_free(sealer->column);
    busbar_free(sealer->samples);
    buf_fini(&sealer->body);
    buf_fini(&sealer->chunk);
    busbar_free(sealer);
}

/* ---- seal ---- */

static int put_varint(struct buf *out, uint64_t value)
{
    uint8_t bytes[BYTES_VARINT_MAX];
    size_t size = 0;
    do {
        bytes[size++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    return buf_append(out, bytes, size);
}

static bool is_usual(const struct sample *sample)
{
    return sample->receive_us == sample->time_us && sample->quality == QUALITY_GOOD &&
           sample->detail == 0 && sample->type != VALUE_NONE;
}

/* The samples that one chunk can have: of one type, those without a value among them. */
static size_t fill_column(struct history_column *column, const struct sample *samples, size_t count)
{
    size_t at = 0;
    column->type = VALUE_NONE;
    column->marked = false;
    for (; at < count && at < HISTORY_CHUNK_SAMPLES; at++) {
        const struct sample *sample = &samples[at];
        if (sample->type != VALUE_NONE && column->type != VALUE_NONE &&
            sample->type != column->type) {
            break;
        }
        column->type = sample->type != VALUE_NONE ? sample->type : column->type;
        column->marked = column->marked || !is_usual(sample);
        column->times[at] = sample->time_us;
        column->values[at] = sample->value;
        column->marks[at] = (struct history_mark){ .receive_us = sample->receive_us,
                                                   .detail = sample->detail,
                                                   .type = sample->type,
                                                   .quality = sample->quality };
    }
    column->count = at;
    return at;
}

static int append_chunk(struct history_sealer *sealer)
{
    buf_clear(&sealer->chunk);
    int error = history_chunk_encode(sealer->coder, sealer->column, &sealer->chunk);
    error = error == 0 ? put_varint(&sealer->body, sealer->chunk.size) : error;
    return error == 0 ? buf_append(&sealer->body, sealer->chunk.data, sealer->chunk.size) : error;
}

int history_seal(struct history_sealer *sealer, const struct sample *samples, size_t count,
                 struct buf *out)
{
    uint64_t chunks = 0;
    int error = count > 0 && count <= HISTORY_SEALED_SAMPLES ? 0 : BUSBAR_EINVAL;
    buf_clear(&sealer->body);
    for (size_t at = 0; at < count && error == 0; chunks++) {
        at += fill_column(sealer->column, samples + at, count - at);
        error = append_chunk(sealer);
    }
    if (error != 0) {
        return error;
    }
    size_t begin = out->size;
    uint8_t head[HEAD_BYTES] = { MAGIC, HISTORY_SEALED_VERSION };
    error = buf_append(out, head, sizeof(head));
    error = error == 0 ? put_varint(out, chunks) : error;
    error = error == 0 ? buf_append(out, sealer->body.data, sealer->body.size) : error;
    if (error == 0) {
        uint8_t *head_at = out->data + begin;
        uint32_t crc = crc32c(0, head_at + HEAD_BYTES, out->size - begin - HEAD_BYTES);
        for (size_t i = 0; i < 4; i++) {
            head_at[2 + i] = (uint8_t)(crc >> 8 * i);
        }
    }
    return error;
}

/* ---- unseal ---- */

static int keep_column(struct history_sealer *sealer, uint32_t series, int64_t from_us,
                       int64_t to_us, size_t max, struct history_samples *found)
{
    const struct history_column *column = sealer->column;
    size_t count = 0;
    for (size_t i = 0; i < column->count; i++) {
        if (column->times[i] >= from_us && column->times[i] < to_us) {
            sealer->samples[count++] = history_column_sample(column, i, series);
        }
    }
    if (count > max - found->count) {
        return BUSBAR_ELIMIT;
    }
    if (count == 0) {
        return 0;
    }
    size_t capacity = found->count; /* as if it were full: it doubles */
    return history_samples_keep(found, &capacity, sealer->samples, count);
}

/* One chunk behind the time *last_us, which moves. */
static int open_chunk(struct history_sealer *sealer, struct bytes data, uint32_t series,
                      int64_t from_us, int64_t to_us, size_t max, int64_t *last_us,
                      struct history_samples *found)
{
    struct history_chunk_info info;
    size_t size = bytes_left(&data);
    int error = history_chunk_info(data.at, size, &info);
    if (error != 0) {
        return error;
    }
    if (info.last_us < info.first_us || (*last_us != INT64_MIN && info.first_us <= *last_us)) {
        return BUSBAR_EDAMAGED;
    }
    *last_us = info.last_us;
    if (info.last_us < from_us || info.first_us >= to_us) {
        return 0; /* none of it is asked for */
    }
    error = history_chunk_decode(sealer->coder, data.at, size, sealer->column);
    return error == 0 ? keep_column(sealer, series, from_us, to_us, max, found) : error;
}

int history_unseal(struct history_sealer *sealer, const void *data, size_t size, uint32_t series,
                   int64_t from_us, int64_t to_us, size_t max, struct history_samples *found)
{
    struct bytes in = bytes_of(data, size);
    uint8_t magic = bytes_get_u8(&in), version = bytes_get_u8(&in);
    uint32_t crc = bytes_get_u32le(&in);
    if (bytes_short(&in) || magic != MAGIC) {
        return BUSBAR_EDAMAGED;
    }
    if (version != HISTORY_SEALED_VERSION) {
        return BUSBAR_EUNSUPPORTED;
    }
    if (crc32c(0, in.at, bytes_left(&in)) != crc) {
        return BUSBAR_EDAMAGED;
    }
    uint64_t chunks = bytes_get_varint(&in);
    int64_t last_us = INT64_MIN;
    int error = bytes_short(&in) || chunks == 0 || chunks > bytes_left(&in) ? BUSBAR_EDAMAGED : 0;
    for (uint64_t i = 0; i < chunks && error == 0; i++) {
        uint64_t chunk_bytes = bytes_get_varint(&in);
        if (bytes_short(&in) || chunk_bytes > bytes_left(&in)) {
            return BUSBAR_EDAMAGED;
        }
        error = open_chunk(sealer, bytes_get_bytes(&in, (size_t)chunk_bytes), series, from_us,
                           to_us, max, &last_us, found);
    }
    return error == 0 && bytes_left(&in) > 0 ? BUSBAR_EDAMAGED : error;
}

/* ---- two at a time ---- */

int history_samples_merge(const struct history_samples *over, const struct history_samples *under,
                          struct sample **merged, size_t *count)
{
    size_t a = 0, b = 0, at = 0;
    struct sample *out = busbar_try_alloc((over->count + under->count + 1) * sizeof(*out));
    *merged = out;
    *count = 0;
    if (out == NULL) {
        return BUSBAR_ENOMEM;
    }
    while (a < over->count || b < under->count) {
        bool first = b == under->count ||
                     (a < over->count && over->samples[a].time_us <= under->samples[b].time_us);
        const struct sample *next = first ? &over->samples[a] : &under->samples[b];
        b += b < under->count && under->samples[b].time_us == next->time_us ? 1 : 0;
        a += first ? 1 : 0;
        out[at++] = *next;
    }
    *count = at;
    return 0;
}

bool history_sample_number(const struct sample *sample, double *number)
{
    if (sample->type == VALUE_NONE || quality_class(sample->quality) == QUALITY_CLASS_BAD) {
        *number = history_stale();
        return true;
    }
    return value_number(sample->type, sample->value, number);
}
