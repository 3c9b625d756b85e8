/* SPDX-License-Identifier: Apache-2.0 */
/* Two passes over the samples: the first finds their series, the second puts times and values of each series side by
 * side. Nothing is allocated for a sample: the columns are kept from batch to batch. */
#include "sinks/remote_write/encode.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/reader.h"
#include "model/quality.h"
#include "payload/coding.h"
#include "sinks/remote_write/series.h"

enum {
    TAG_SERIES = 1 << 3 | 2, /* in a WriteRequest */
    TAG_SAMPLE = 2 << 3 | 2, /* in a TimeSeries */
    TAG_NUMBER = 1 << 3 | 1, /* in a Sample */
    TAG_TIME = 2 << 3,
    SAMPLE_ROOM = 4 + sizeof(double) + BYTES_VARINT_MAX, /* of one in a TimeSeries */
    LEFT_OUT = UINT32_MAX & 0x7fffffff,                  /* no series has this index */
};

struct cell {
    int64_t time_us;
    double value;
};

struct remote_encoder {
    pthread_mutex_t lock; /* of all that follows */
    struct remote_known known;
    struct sink_place next; /* behind the last batch of the log */
    uint32_t turn;
    uint32_t *of;       /* sample -> series; LEFT_OUT */
    uint32_t *touched;  /* series of this batch, as they were met */
    struct cell *cells; /* of the batch, series by series */
    struct cell *spare; /* for sorting */
    size_t capacity;    /* of these four */
    size_t touched_count;
    struct buf plain;
};

struct remote_encoder *remote_encoder_new(const struct remote_names *names, const struct label *own,
                                          size_t own_count)
{
    struct remote_encoder *encoder = busbar_alloc(sizeof(*encoder));
    (void)pthread_mutex_init(&encoder->lock, NULL);
    remote_known_init(&encoder->known, names, own, own_count);
    buf_init(&encoder->plain, REMOTE_PLAIN_MAX);
    return encoder;
}

static void free_columns(struct remote_encoder *encoder)
{
    busbar_free(encoder->of);
    busbar_free(encoder->touched);
    busbar_free(encoder->cells);
    busbar_free(encoder->spare);
    encoder->of = encoder->touched = NULL;
    encoder->cells = encoder->spare = NULL;
    encoder->capacity = 0;
}

void remote_encoder_free(struct remote_encoder *encoder)
{
    if (encoder == NULL) {
        return;
    }
    free_columns(encoder);
    remote_known_fini(&encoder->known);
    buf_fini(&encoder->plain);
    (void)pthread_mutex_destroy(&encoder->lock);
    busbar_free(encoder);
}

static int make_columns(struct remote_encoder *encoder, size_t count)
{
    if (count <= encoder->capacity) {
        return 0;
    }
    free_columns(encoder);
    encoder->of = busbar_try_alloc(count * sizeof(*encoder->of));
    encoder->touched = busbar_try_alloc(count * sizeof(*encoder->touched));
    encoder->cells = busbar_try_alloc(count * sizeof(*encoder->cells));
    encoder->spare = busbar_try_alloc(count * sizeof(*encoder->spare));
    if (encoder->of == NULL || encoder->touched == NULL || encoder->cells == NULL ||
        encoder->spare == NULL) {
        free_columns(encoder);
        return BUSBAR_ENOMEM;
    }
    encoder->capacity = count;
    return 0;
}

/* ---- samples to columns ---- */

/* Series whose facts came with the batch, so that those the index does not know have labels too. */
static int learn_facts(struct remote_encoder *encoder, const struct sink_batch *batch)
{
    uint32_t index;
    int error = 0;
    for (size_t i = 0; error == 0 && i < batch->series_count; i++) {
        error = remote_known_find(&encoder->known, batch->series[i].id, &batch->series[i], &index);
    }
    return error;
}

static int find_series(struct remote_encoder *encoder, const struct sink_batch *batch,
                       struct remote_encoded *head)
{
    struct remote_known *known = &encoder->known;
    encoder->touched_count = 0;
    encoder->turn++;
    for (size_t i = 0; i < batch->sample_count; i++) {
        uint32_t index;
        encoder->of[i] = LEFT_OUT;
        if (batch->samples[i].type == VALUE_TEXT) {
            head->texts++;
            continue;
        }
        int error = remote_known_find(known, batch->samples[i].point, NULL, &index);
        if (error != 0) {
            return error;
        }
        struct remote_series *series = &known->series[index];
        if (series->label_bytes == 0) {
            head->unlabeled++;
            continue;
        }
        if (series->turn != encoder->turn) {
            series->turn = encoder->turn;
            series->count = 0;
            encoder->touched[encoder->touched_count++] = index;
        }
        series->count++;
        encoder->of[i] = index;
    }
    return 0;
}

static double number_of(const struct sample *sample)
{
    double value;
    return quality_class(sample->quality) != QUALITY_CLASS_BAD &&
                   value_number(sample->type, sample->value, &value)
               ? value
               : history_stale();
}

static void fill_columns(struct remote_encoder *encoder, const struct sink_batch *batch)
{
    struct remote_series *all = encoder->known.series;
    uint32_t first = 0;
    for (size_t i = 0; i < encoder->touched_count; i++) {
        struct remote_series *series = &all[encoder->touched[i]];
        series->first = first;
        first += series->count;
        series->count = 0;
    }
    for (size_t i = 0; i < batch->sample_count; i++) {
        if (encoder->of[i] != LEFT_OUT) {
            struct remote_series *series = &all[encoder->of[i]];
            encoder->cells[series->first + series->count++] = (struct cell){
                batch->samples[i].time_us, number_of(&batch->samples[i])
            };
        }
    }
}

static bool in_order(const struct cell *cells, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (cells[i - 1].time_us > cells[i].time_us) {
            return false;
        }
    }
    return true;
}

static void merge_runs(const struct cell *from, size_t left, size_t middle, size_t right,
                       struct cell *to)
{
    size_t a = left, b = middle;
    for (size_t i = left; i < right; i++) {
        bool first = a < middle && (b == right || from[a].time_us <= from[b].time_us);
        to[i] = first ? from[a++] : from[b++];
    }
}

/* By time; of the same time the one that is later in the log stays behind. */
static void sort_cells(struct cell *cells, struct cell *spare, size_t count)
{
    struct cell *from = cells, *to = spare;
    if (in_order(cells, count)) {
        return;
    }
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t left = 0; left < count; left += 2 * run) {
            size_t middle = left + run < count ? left + run : count;
            size_t right = left + 2 * run < count ? left + 2 * run : count;
            merge_runs(from, left, middle, right, to);
        }
        struct cell *swap = from;
        from = to;
        to = swap;
    }
    if (from != cells) {
        memcpy(cells, from, count * sizeof(*cells));
    }
}

static int64_t ms_of(int64_t time_us)
{
    int64_t ms = time_us / CLOCK_US_PER_MS;
    return ms - (time_us % CLOCK_US_PER_MS < 0);
}

/* Leaves out what the target must not get twice. Returns how many are left. */
static size_t thin(struct remote_series *series, struct cell *cells, bool follows,
                   struct remote_encoded *head)
{
    size_t kept = 0;
    for (size_t i = 0; i < series->count; i++) {
        if (i + 1 < series->count && ms_of(cells[i].time_us) == ms_of(cells[i + 1].time_us)) {
            head->merged++;
            continue;
        }
        bool newest = cells[i].time_us > series->newest_us;
        bool stale = history_is_stale(cells[i].value);
        if (follows && newest && series->newest_us != INT64_MIN &&
            ms_of(cells[i].time_us) == ms_of(series->newest_us)) {
            head->merged++;
            continue;
        }
        if (follows && newest && stale && series->stale) {
            head->markers++;
            continue;
        }
        if (follows && newest) {
            series->newest_us = cells[i].time_us;
            series->stale = stale;
        }
        cells[kept++] = cells[i];
    }
    return kept;
}

/* ---- columns to bytes ---- */

static size_t sample_size(int64_t ms)
{
    return 1 + sizeof(double) + 1 + bytes_varint_size((uint64_t)ms);
}

static void put_series(struct remote_encoder *encoder, const struct remote_series *series,
                       const struct cell *cells, size_t count)
{
    size_t size = series->label_bytes;
    for (size_t i = 0; i < count; i++) {
        size += 2 + sample_size(ms_of(cells[i].time_us));
    }
    size_t room = 1 + BYTES_VARINT_MAX + series->label_bytes + count * SAMPLE_ROOM;
    uint8_t *to = buf_reserve(&encoder->plain, room);
    if (to == NULL) {
        return;
    }
    struct bytes_out out = bytes_out_of(to, room);
    bytes_put_u8(&out, TAG_SERIES);
    bytes_put_varint(&out, size);
    bytes_put_block(&out, encoder->known.labels.data + series->labels_at, series->label_bytes);
    for (size_t i = 0; i < count; i++) {
        int64_t ms = ms_of(cells[i].time_us);
        bytes_put_u8(&out, TAG_SAMPLE);
        bytes_put_u8(&out, (uint8_t)sample_size(ms)); /* at most 20 */
        bytes_put_u8(&out, TAG_NUMBER);
        bytes_put_f64le(&out, cells[i].value);
        bytes_put_u8(&out, TAG_TIME);
        bytes_put_varint(&out, (uint64_t)ms);
    }
    buf_commit(&encoder->plain, bytes_out_size(&out));
}

static int put_batch(struct remote_encoder *encoder, bool follows, struct remote_encoded *head)
{
    buf_clear(&encoder->plain);
    for (size_t i = 0; i < encoder->touched_count; i++) {
        struct remote_series *series = &encoder->known.series[encoder->touched[i]];
        struct cell *cells = &encoder->cells[series->first];
        sort_cells(cells, encoder->spare, series->count);
        size_t count = thin(series, cells, follows, head);
        if (count > 0) {
            put_series(encoder, series, cells, count);
            head->series++;
            head->samples += (uint32_t)count;
        }
    }
    return encoder->plain.overflow ? BUSBAR_ELIMIT : 0;
}

static int pack(struct remote_encoder *encoder, const struct sink_batch *batch, size_t packed_max,
                const struct remote_encoded *head, struct buf *out)
{
    int error = buf_append(out, head, sizeof(*head));
    if (error == 0) {
        error = payload_snappy(buf_text(&encoder->plain), encoder->plain.size, out);
    }
    if (error == 0 && packed_max > 0 && out->size > packed_max + sizeof(*head) &&
        batch->sample_count > 1) {
        error = BUSBAR_ELIMIT;
    }
    return error;
}

static int encode(struct remote_encoder *encoder, const struct sink_batch *batch, size_t packed_max,
                  struct buf *out)
{
    struct remote_encoded head = { 0 };
    bool log = batch->origin == SINK_BATCH_LOG;
    remote_known_renew(&encoder->known);
    if (log && sink_place_compare(batch->from, encoder->next) != 0) {
        for (size_t i = 0; i < encoder->known.count; i++) {
            encoder->known.series[i].newest_us = INT64_MIN;
            encoder->known.series[i].stale = false;
        }
    }
    int error = make_columns(encoder, batch->sample_count);
    if (error == 0) {
        error = learn_facts(encoder, batch);
    }
    if (error == 0) {
        error = find_series(encoder, batch, &head);
    }
    if (error == 0) {
        fill_columns(encoder, batch);
        error = put_batch(encoder, log, &head);
    }
    if (error == 0) {
        error = pack(encoder, batch, packed_max, &head, out);
    }
    if (log) {
        encoder->next = error == 0 ? batch->to : (struct sink_place){ 0 };
    }
    if (error != 0) {
        remote_known_forget(&encoder->known);
    }
    return error;
}

int remote_encode(struct remote_encoder *encoder, const struct sink_batch *batch, size_t packed_max,
                  struct buf *out, struct err *err)
{
    (void)pthread_mutex_lock(&encoder->lock);
    int error = encode(encoder, batch, packed_max, out);
    (void)pthread_mutex_unlock(&encoder->lock);
    if (error != 0) {
        err_set(err, error, "%zu samples do not fit into one request: %s", batch->sample_count,
                err_text(error));
    }
    return error;
}

bool remote_encoded_get(const struct buf *bytes, struct remote_encoded *head)
{
    if (bytes->size < sizeof(*head)) {
        return false;
    }
    memcpy(head, bytes->data, sizeof(*head));
    return true;
}
