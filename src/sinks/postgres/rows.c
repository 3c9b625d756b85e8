/* SPDX-License-Identifier: Apache-2.0 */
/* Samples -> binary COPY: PostgreSQL documentation, SQL commands, COPY, "Binary Format"; each field as its type's
 * binary form, big endian, times as microseconds since 2000.
 *
 *   "PGCOPY\n\377\r\n\0" flags(4) extension(4)  { 8(2) { size(4) bytes | -1(4) } x 8 } ...  -1(2)
 *
 * Most rows differ in time, value, point and quality only: these are written over a template of 58 bytes. */
#include "sinks/postgres/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "sinks/postgres/partitions.h"
#include "sinks/postgres/rows_json.h"
#include "sinks/postgres/schema.h"

#define HOUR_US  (INT64_C(3600) * CLOCK_US_PER_S)
#define EXACT    (INT64_C(1) << 53) /* integers above it do not all fit a float8 */
#define NO_VALUE UINT32_MAX         /* a size of -1: NULL */

enum {
    FIELDS = 8,
    HEAD_BYTES = 19,
    TAIL_BYTES = 2,
    ROW_BYTES = 58, /* without text, received, detail */
    ROW_BYTES_MAX = ROW_BYTES + 8 + 2 + 20,
    AT_TIME = 6,
    AT_VALUE = 18,
    AT_POINT = 30,
    AT_QUALITY = 44,
    AT_TEXT = 46,
};

struct late {
    int64_t start;
    uint32_t point;
    uint8_t kind;
};

/* What is known of the hour that the last sample was in. */
struct hour {
    int64_t low, closed; /* closed: what is received then or later is late */
    int64_t day, day_closed;
};

struct encoder {
    const struct sink_batch *batch;
    int16_t site;
    int64_t now_us;
    struct pg_rows head;
    uint8_t *dropped; /* a byte a sample; NULL: none is */
    struct hour hour;
    int64_t spans[PG_PARTITION_SPANS_MAX];
    size_t span_count;
    struct late *late;
    size_t late_count, late_capacity;
};

/* ---- the last of the same series and time ---- */

static int drop_repeated(struct encoder *encoder)
{
    const struct sample *samples = encoder->batch->samples;
    size_t count = encoder->batch->sample_count;
    unsigned bits = 4;
    while ((size_t)1 << bits < 2 * count) {
        bits++;
    }
    uint32_t *slots = busbar_try_alloc(((size_t)1 << bits) * sizeof(*slots));
    if (slots == NULL) {
        return BUSBAR_ENOMEM;
    }
    size_t mask = ((size_t)1 << bits) - 1;
    for (size_t i = count; i-- > 0;) {
        uint64_t key = ((uint64_t)samples[i].time_us ^ (uint64_t)samples[i].point << 40) *
                           UINT64_C(0x9e3779b97f4a7c15) +
                       samples[i].point * UINT64_C(0xd6e8feb86659fd93);
        size_t at = (size_t)(key >> (64 - bits));
        while (slots[at] != 0 && (samples[slots[at] - 1].time_us != samples[i].time_us ||
                                  samples[slots[at] - 1].point != samples[i].point)) {
            at = (at + 1) & mask;
        }
        if (slots[at] == 0) {
            slots[at] = (uint32_t)i + 1;
            continue;
        }
        if (encoder->dropped == NULL && (encoder->dropped = busbar_try_alloc(count)) == NULL) {
            busbar_free(slots);
            return BUSBAR_ENOMEM;
        }
        encoder->dropped[i] = 1;
        encoder->head.repeated++;
    }
    busbar_free(slots);
    return 0;
}

/* ---- what cannot be held ---- */

static void refuse(struct encoder *encoder, size_t index, const struct err *err)
{
    encoder->head.refuses = true;
    encoder->head.refused = index;
    (void)str_copy(encoder->head.reason, sizeof(encoder->head.reason), err->message);
    (void)str_copy(encoder->head.hint, sizeof(encoder->head.hint), err->hint);
}

static bool text_fits(struct encoder *encoder, size_t index, const struct text *text)
{
    struct err err;
    if (memchr(text->bytes, '\0', text->size) != NULL) {
        err_set(&err, BUSBAR_EREFUSED, "its text has a NUL byte, which PostgreSQL cannot hold");
    } else if (!str_is_utf8(text->bytes, text->size)) {
        err_set(&err, BUSBAR_EREFUSED, "its text is not UTF-8");
    } else {
        return true;
    }
    err_hint(&err, "set the encoding, or another type, of the point");
    refuse(encoder, index, &err);
    return false;
}

/* ---- days, hours that were made already ---- */

static int add_span(struct encoder *encoder, int64_t day)
{
    for (size_t i = encoder->span_count; i-- > 0;) {
        if (encoder->spans[i] == day) {
            return 0;
        }
    }
    if (encoder->span_count == PG_PARTITION_SPANS_MAX) {
        return BUSBAR_ELIMIT;
    }
    encoder->spans[encoder->span_count++] = day;
    return 0;
}

static int enter_hour(struct encoder *encoder, size_t index, int64_t time_us)
{
    struct hour *hour = &encoder->hour;
    struct err err;
    if (pg_partition_fits(time_us, encoder->now_us, &err) != 0) {
        refuse(encoder, index, &err);
        return BUSBAR_EREFUSED;
    }
    hour->low = time_us - time_us % HOUR_US;
    hour->closed = pg_hour_closed(hour->low);
    hour->day = pg_partition_low(PG_DAY, time_us);
    hour->day_closed = pg_day_closed(hour->day);
    return add_span(encoder, hour->day);
}

static int note(struct encoder *encoder, uint8_t kind, uint32_t point, int64_t start)
{
    if (encoder->late_count == encoder->late_capacity) {
        size_t capacity = encoder->late_capacity * 2 + 256;
        struct late *late = busbar_try_realloc(encoder->late, capacity * sizeof(*late));
        if (late == NULL) {
            return BUSBAR_ENOMEM;
        }
        encoder->late = late;
        encoder->late_capacity = capacity;
    }
    encoder->late[encoder->late_count++] = (struct late){ start, point, kind };
    return 0;
}

/* A sample whose two times are one says nothing of when it came (ingest of series): it may be as late as now. */
static inline int64_t received(const struct encoder *encoder, const struct sample *sample)
{
    return sample->receive_us != sample->time_us ? sample->receive_us : encoder->now_us;
}

static int note_late(struct encoder *encoder, uint32_t point, int64_t received_us)
{
    const struct hour *hour = &encoder->hour;
    int error = note(encoder, PG_LATE_HOUR, point, hour->low);
    if (error == 0 && received_us >= hour->day_closed) {
        error = note(encoder, PG_LATE_DAY, point, hour->day);
    }
    return error;
}

/* ---- rows ---- */

static inline uint8_t *put_u16(uint8_t *at, uint16_t value)
{
    value = __builtin_bswap16(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static inline uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static void fill_template(uint8_t row[ROW_BYTES], int16_t site)
{
    uint8_t *at = put_u16(row, FIELDS);
    at = put_u64(put_u32(at, 8), 0); /* time */
    at = put_u64(put_u32(at, 8), 0); /* value */
    at = put_u32(put_u32(at, 4), 0); /* point */
    at = put_u16(put_u32(at, 2), (uint16_t)site);
    at = put_u16(put_u32(at, 2), 0); /* quality */
    at = put_u32(at, NO_VALUE);      /* text */
    at = put_u32(at, NO_VALUE);      /* received */
    (void)put_u32(at, NO_VALUE);     /* detail */
}

/* text, received and detail. */
static uint8_t *put_rest(uint8_t *at, const struct sample *sample)
{
    int64_t i = sample->value.i;
    if (sample->type == VALUE_TEXT) {
        at = put_u32(at, sample->value.text->size);
        memcpy(at, sample->value.text->bytes, sample->value.text->size);
        at += sample->value.text->size;
    } else if (sample->type == VALUE_INT && (i > EXACT || i < -EXACT)) {
        size_t size = str_format((char *)at + 4, 22, "%" PRId64, i);
        at = put_u32(at, (uint32_t)size) + size;
    } else {
        at = put_u32(at, NO_VALUE);
    }
    if (sample->receive_us != sample->time_us) {
        at = put_u64(put_u32(at, 8), (uint64_t)(sample->receive_us - PG_EPOCH_US));
    } else {
        at = put_u32(at, NO_VALUE);
    }
    return sample->detail != 0 ? put_u16(put_u32(at, 2), sample->detail) : put_u32(at, NO_VALUE);
}

/* A row without a number: the field of its value is shorter. */
static uint8_t *put_no_number(uint8_t *at, const struct sample *sample, int16_t site)
{
    at = put_u64(put_u32(put_u16(at, FIELDS), 8), (uint64_t)(sample->time_us - PG_EPOCH_US));
    at = put_u32(at, NO_VALUE);
    at = put_u32(put_u32(at, 4), sample->point);
    at = put_u16(put_u32(at, 2), (uint16_t)site);
    at = put_u16(put_u32(at, 2), sample->quality);
    return put_rest(at, sample);
}

static uint8_t *put_row(uint8_t *at, const uint8_t row[ROW_BYTES], const struct sample *sample,
                        int16_t site)
{
    double number = 0;
    uint64_t bits;
    switch (sample->type) {
    case VALUE_DOUBLE: number = sample->value.d; break;
    case VALUE_INT: number = (double)sample->value.i; break;
    case VALUE_BOOL: number = sample->value.b ? 1 : 0; break;
    default: return put_no_number(at, sample, site);
    }
    memcpy(at, row, ROW_BYTES);
    memcpy(&bits, &number, sizeof(bits));
    (void)put_u64(at + AT_TIME, (uint64_t)(sample->time_us - PG_EPOCH_US));
    (void)put_u64(at + AT_VALUE, bits);
    (void)put_u32(at + AT_POINT, sample->point);
    (void)put_u16(at + AT_QUALITY, sample->quality);
    bool plain = sample->receive_us == sample->time_us && sample->detail == 0 &&
                 (sample->type != VALUE_INT ||
                  (sample->value.i <= EXACT && sample->value.i >= -EXACT));
    return plain ? at + ROW_BYTES : put_rest(at + AT_TEXT, sample);
}

/* What the samples need at most; SIZE_MAX: one is refused. */
static size_t room_for(struct encoder *encoder)
{
    const struct sink_batch *batch = encoder->batch;
    size_t room = HEAD_BYTES + TAIL_BYTES + batch->sample_count * ROW_BYTES_MAX;
    for (size_t i = 0; i < batch->sample_count; i++) {
        if (batch->samples[i].type == VALUE_TEXT) {
            if (!text_fits(encoder, i, batch->samples[i].value.text)) {
                return SIZE_MAX;
            }
            room += batch->samples[i].value.text->size;
        }
    }
    return room;
}

static int put_samples(struct encoder *encoder, struct buf *out, size_t room)
{
    static const uint8_t head[HEAD_BYTES] = "PGCOPY\n\377\r\n";
    const struct sink_batch *batch = encoder->batch;
    uint8_t row[ROW_BYTES];
    uint8_t *start = buf_reserve(out, room), *at = start;
    if (start == NULL) {
        return BUSBAR_ELIMIT;
    }
    fill_template(row, encoder->site);
    memcpy(at, head, HEAD_BYTES);
    at += HEAD_BYTES;
    for (size_t i = 0; i < batch->sample_count; i++) {
        const struct sample *sample = &batch->samples[i];
        int error = 0;
        if (encoder->dropped != NULL && encoder->dropped[i]) {
            continue;
        }
        if ((uint64_t)sample->time_us - (uint64_t)encoder->hour.low >= (uint64_t)HOUR_US) {
            error = enter_hour(encoder, i, sample->time_us);
        }
        int64_t received_us = received(encoder, sample);
        if (error == 0 && received_us >= encoder->hour.closed) {
            error = note_late(encoder, sample->point, received_us);
        }
        if (error != 0) {
            return error;
        }
        at = put_row(at, row, sample, encoder->site);
        encoder->head.rows++;
    }
    at = put_u16(at, UINT16_MAX);
    encoder->head.copy = (struct pg_part){ out->size, (size_t)(at - start) };
    buf_commit(out, (size_t)(at - start));
    return 0;
}

/* ---- the other parts ---- */

static struct pg_part put_part(struct buf *out, const void *data, size_t size)
{
    struct pg_part part = { out->size, size };
    (void)buf_append(out, data, size);
    return part;
}

static void put_index(struct encoder *encoder, struct buf *out)
{
    size_t from = out->size;
    for (uint32_t i = 0; encoder->dropped != NULL && i < encoder->batch->sample_count; i++) {
        if (!encoder->dropped[i]) {
            (void)buf_append(out, &i, sizeof(i));
        }
    }
    encoder->head.index = (struct pg_part){ from, out->size - from };
}

static int by_place(const void *a, const void *b)
{
    const struct late *one = a, *two = b;
    if (one->kind != two->kind) {
        return one->kind < two->kind ? -1 : 1;
    }
    if (one->point != two->point) {
        return one->point < two->point ? -1 : 1;
    }
    return one->start < two->start ? -1 : one->start > two->start;
}

enum late_column { LATE_KIND, LATE_POINT, LATE_START };

static struct pg_part put_late_column(const struct encoder *encoder, enum late_column column,
                                      struct buf *out)
{
    struct pg_part part = { .offset = out->size };
    for (size_t i = 0; i < encoder->late_count; i++) {
        const struct late *late = &encoder->late[i];
        int64_t value = column == LATE_KIND    ? late->kind
                        : column == LATE_POINT ? (int64_t)late->point
                                               : late->start;
        (void)buf_printf(out, "%c%" PRId64, i == 0 ? '{' : ',', value);
    }
    (void)buf_append_byte(out, '}');
    part.size = out->size - part.offset;
    (void)buf_append_byte(out, '\0');
    return part;
}

static void put_late(struct encoder *encoder, struct buf *out)
{
    size_t kept = 0;
    if (encoder->late_count == 0) {
        return;
    }
    qsort(encoder->late, encoder->late_count, sizeof(*encoder->late), by_place);
    for (size_t i = 1; i < encoder->late_count; i++) {
        if (by_place(&encoder->late[kept], &encoder->late[i]) != 0) {
            encoder->late[++kept] = encoder->late[i];
        }
    }
    encoder->head.late = encoder->late_count = kept + 1;
    encoder->head.late_kinds = put_late_column(encoder, LATE_KIND, out);
    encoder->head.late_points = put_late_column(encoder, LATE_POINT, out);
    encoder->head.late_starts = put_late_column(encoder, LATE_START, out);
}

static int put_texts(struct encoder *encoder, struct buf *out)
{
    const struct sink_batch *batch = encoder->batch;
    struct err err = { 0 };
    size_t from = out->size, bad = 0;
    if (batch->series_count > 0) {
        pg_put_series(batch->series, batch->series_count, out);
        encoder->head.facts = (struct pg_part){ from, out->size - from };
        (void)buf_append_byte(out, '\0');
        from = out->size;
    }
    if (batch->event_count > 0) {
        int error = pg_put_events(batch->events, batch->event_count, &bad, out, &err);
        if (error == BUSBAR_EREFUSED) {
            refuse(encoder, batch->sample_count + bad, &err);
        }
        if (error != 0) {
            return error;
        }
        encoder->head.events = (struct pg_part){ from, out->size - from };
        (void)buf_append_byte(out, '\0');
    }
    return 0;
}

static int encode(struct encoder *encoder, struct buf *out)
{
    size_t room = room_for(encoder);
    if (room == SIZE_MAX) {
        return BUSBAR_EREFUSED;
    }
    int error = drop_repeated(encoder);
    if (error == 0) {
        error = put_samples(encoder, out, room);
    }
    if (error == 0) {
        encoder->head.spans = put_part(out, encoder->spans,
                                       encoder->span_count * sizeof(*encoder->spans));
        put_index(encoder, out);
        error = put_texts(encoder, out);
    }
    if (error == 0) {
        put_late(encoder, out);
    }
    return error != 0 ? error : out->overflow ? BUSBAR_ELIMIT : 0;
}

int pg_rows_encode(const struct sink_batch *batch, int16_t site, int64_t now_us, struct buf *out)
{
    struct encoder *encoder = busbar_try_alloc(sizeof(*encoder));
    if (encoder == NULL) {
        return BUSBAR_ENOMEM;
    }
    encoder->batch = batch;
    encoder->site = site;
    encoder->now_us = now_us;
    encoder->hour.low = INT64_MIN / 2;
    buf_clear(out);
    int error = buf_append(out, &encoder->head, sizeof(encoder->head));
    if (error == 0) {
        error = encode(encoder, out);
    }
    if (error == BUSBAR_EREFUSED) { /* said when it is sent */
        error = 0;
    }
    if (error == 0) {
        memcpy(out->data, &encoder->head, sizeof(encoder->head));
    }
    busbar_free(encoder->dropped);
    busbar_free(encoder->late);
    busbar_free(encoder);
    return error;
}

/* ---- reading ---- */

struct pg_rows pg_rows_get(const struct buf *bytes)
{
    struct pg_rows head = { 0 };
    if (bytes->size >= sizeof(head)) {
        memcpy(&head, bytes->data, sizeof(head));
    }
    return head;
}

size_t pg_rows_sample(const struct buf *bytes, size_t row)
{
    struct pg_rows head = pg_rows_get(bytes);
    uint32_t index;
    if (row >= head.rows) {
        return SIZE_MAX;
    }
    if (head.index.size == 0) {
        return row;
    }
    memcpy(&index, bytes->data + head.index.offset + row * sizeof(index), sizeof(index));
    return index;
}

size_t pg_rows_spans(const struct buf *bytes)
{
    return pg_rows_get(bytes).spans.size / sizeof(int64_t);
}

int64_t pg_rows_span(const struct buf *bytes, size_t at)
{
    struct pg_rows head = pg_rows_get(bytes);
    int64_t span;
    memcpy(&span, bytes->data + head.spans.offset + at * sizeof(span), sizeof(span));
    return span;
}
