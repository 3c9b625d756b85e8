/* SPDX-License-Identifier: Apache-2.0 */
/* Reading numbers. Sources that do not overlap, which is nearly all there is, are decoded one after the
 * other right into the arrays that the caller gets; only those that do overlap go through the merge. */
#include "history/reader.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "history/head.h"
#include "history/reader_private.h"

enum { AHEAD_BYTES = 64 * 1024, CHECK_BYTES = 4 };

int history_reader_open(struct history *history, struct history_reader **opened)
{
    struct history_reader *reader = busbar_try_alloc(sizeof(*reader));
    *opened = NULL;
    if (reader == NULL) {
        return BUSBAR_ENOMEM;
    }
    history_sources_init(&reader->sources);
    int error = history_merge_init(&reader->merge, &reader->sources, 0, 0);
    history_view_init(&reader->view, history, reader->merge.coder, reader->merge.column);
    if (error != 0) {
        history_reader_close(reader);
        return error;
    }
    *opened = reader;
    return 0;
}

/* Damage met so far goes to the reader's own count and to the history's. */
static void settle_damage(struct history_reader *reader)
{
    reader->damaged += reader->sources.damaged;
    atomic_fetch_add(&reader->view.history->damaged_chunks, reader->sources.damaged);
    reader->sources.damaged = 0;
}

void history_reader_close(struct history_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    settle_damage(reader);
    history_merge_fini(&reader->merge);
    history_sources_fini(&reader->sources);
    history_view_fini(&reader->view);
    busbar_free(reader->ahead.data);
    busbar_free(reader->times);
    busbar_free(reader->values);
    busbar_free(reader);
}

uint64_t history_reader_damaged(const struct history_reader *reader)
{
    return reader->damaged + reader->sources.damaged;
}

int history_reader_collect(struct history_reader *reader, uint32_t series, int64_t *from_us,
                           int64_t to_us)
{
    struct history_sources *sources = &reader->sources;
    if (sources->damaged > 0) {
        settle_damage(reader);
    }
    reader->count = 0;
    int error = history_view_collect(&reader->view, series, from_us, to_us, sources);
    history_sources_sort(sources);
    return error;
}

size_t history_reader_mixed(const struct history_reader *reader, size_t at)
{
    const struct history_sources *sources = &reader->sources;
    int64_t last_us = sources->all[at].last_us;
    size_t end = at + 1;
    for (; end < sources->count && sources->all[end].first_us <= last_us; end++) {
        last_us = sources->all[end].last_us > last_us ? sources->all[end].last_us : last_us;
    }
    return end - at;
}

/* Room for `more` numbers behind those there are. */
static int reserve(struct history_reader *reader, size_t more)
{
    size_t wanted = reader->count + more;
    if (wanted <= reader->capacity) {
        return 0;
    }
    wanted = wanted < reader->capacity + reader->capacity / 2
                 ? reader->capacity + reader->capacity / 2
                 : wanted;
    int64_t *times = busbar_try_realloc(reader->times, wanted * sizeof(*times));
    if (times == NULL) {
        return BUSBAR_ENOMEM;
    }
    reader->times = times;
    double *values = busbar_try_realloc(reader->values, wanted * sizeof(*values));
    if (values == NULL) {
        return BUSBAR_ENOMEM;
    }
    reader->values = values;
    reader->capacity = wanted;
    return 0;
}

/* False: a good text, which is no number. */
static inline bool number_of(uint8_t type, union value value, uint8_t quality, double *number)
{
    if (type == VALUE_NONE || quality_class(quality) == QUALITY_CLASS_BAD) {
        *number = history_stale();
        return true;
    }
    return value_number(type, value, number);
}

static void put_number(struct history_reader *reader, int64_t time_us, double number)
{
    reader->times[reader->count] = time_us;
    reader->values[reader->count++] = number;
}

/* --- one source by itself --- */

/* Fills what is read ahead from a chunk on. False: it cannot be, read the chunk alone. */
static bool read_ahead(struct history_ahead *ahead, const struct history_source *source)
{
    const struct history_block *block = source->block;
    uint64_t left = block->index_offset > source->offset ? block->index_offset - source->offset : 0;
    size_t size = left < AHEAD_BYTES ? (size_t)left : AHEAD_BYTES;
    if (ahead->data == NULL) {
        ahead->data = busbar_try_realloc(NULL, AHEAD_BYTES);
    }
    ahead->size = 0;
    if (ahead->data == NULL || size < source->size ||
        file_pread_all(block->file, block->fd, ahead->data, size, (int64_t)source->offset) != 0) {
        return false;
    }
    ahead->offset = source->offset;
    ahead->size = size;
    return true;
}

int history_reader_bytes(struct history_reader *reader, const struct history_source *source,
                         const uint8_t **data, size_t *size)
{
    struct history_ahead *ahead = &reader->ahead;
    if (source->kind != HISTORY_SOURCE_BLOCK || source->size < CHECK_BYTES) {
        return history_merge_read(&reader->merge, source, data, size);
    }
    bool same = ahead->block == source->block->row.id;
    bool in_a_row = same && ahead->next == source->offset;
    bool there = same && source->offset >= ahead->offset &&
                 source->offset + source->size <= ahead->offset + ahead->size;
    ahead->size = same ? ahead->size : 0;
    ahead->block = source->block->row.id;
    ahead->next = source->offset + source->size;
    if (!there && !(in_a_row && read_ahead(ahead, source))) {
        return history_merge_read(&reader->merge, source, data, size);
    }
    const uint8_t *chunk = ahead->data + (source->offset - ahead->offset);
    struct bytes check = bytes_of(chunk, CHECK_BYTES);
    *data = chunk + CHECK_BYTES;
    *size = source->size - CHECK_BYTES;
    bool good = bytes_get_u32le(&check) ==
                history_block_check(source->block->row.id, source->offset, *data, *size);
    return good ? 0 : BUSBAR_EDAMAGED;
}

static int append_column(struct history_reader *reader, const struct history_source *source)
{
    int error = history_merge_decode(&reader->merge, source);
    const struct history_column *column = reader->merge.column;
    if (error == 0) {
        error = reserve(reader, column->count);
    }
    for (size_t i = 0; error == 0 && i < column->count; i++) {
        uint8_t type = column->marked ? column->marks[i].type : column->type;
        uint8_t quality = column->marked ? column->marks[i].quality : QUALITY_GOOD;
        double number;
        if (number_of(type, column->values[i], quality, &number)) {
            put_number(reader, column->times[i], number);
        }
    }
    return error;
}

static int append_chunk(struct history_reader *reader, const struct history_source *source,
                        int64_t from_us, int64_t to_us)
{
    const uint8_t *data;
    size_t size;
    struct history_chunk_info info;
    struct history_part part;
    int error = history_reader_bytes(reader, source, &data, &size);
    error = error == 0 ? reserve(reader, HISTORY_CHUNK_SAMPLES) : error;
    if (error != 0) {
        return error;
    }
    int64_t *times = reader->times + reader->count;
    double *values = reader->values + reader->count;
    error = history_chunk_numbers(reader->merge.coder, data, size, from_us, to_us, times, values,
                                  &info, &part);
    if (error == BUSBAR_EINVAL) {
        bool words = info.type == VALUE_TEXT && info.bad == 0;
        return words ? 0 : append_column(reader, source);
    }
    if (error == 0 && (info.first_us != source->first_us || info.last_us != source->last_us)) {
        error = BUSBAR_EDAMAGED; /* index and chunk disagree: the order relies on it */
    }
    if (error == 0 && part.first > 0) {
        memmove(times, times + part.first, (part.end - part.first) * sizeof(*times));
        memmove(values, values + part.first, (part.end - part.first) * sizeof(*values));
    }
    reader->count += error == 0 ? part.end - part.first : 0;
    return error;
}

/* First index from `low` on whose time is not before time_us. */
static size_t lower_bound(const struct history_reader *reader, size_t low, int64_t time_us)
{
    size_t high = reader->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reader->times[middle] < time_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Takes what is outside of the range or hidden out of the numbers from `start` on. */
static void clip(struct history_reader *reader, size_t start, const struct history_source *source,
                 int64_t from_us, int64_t to_us)
{
    if (source->last_us >= to_us) {
        reader->count = lower_bound(reader, start, to_us);
    }
    size_t first = source->first_us < from_us ? lower_bound(reader, start, from_us) : start;
    if (first > start) {
        size_t kept = reader->count - first;
        memmove(reader->times + start, reader->times + first, kept * sizeof(*reader->times));
        memmove(reader->values + start, reader->values + first, kept * sizeof(*reader->values));
        reader->count = start + kept;
    }
    if (history_sources_pierced(&reader->sources, source)) {
        size_t end = reader->count;
        reader->count = start;
        for (size_t i = start; i < end; i++) {
            if (!history_sources_hidden(&reader->sources, source->order, reader->times[i])) {
                put_number(reader, reader->times[i], reader->values[i]);
            }
        }
    }
}

static int append_one(struct history_reader *reader, const struct history_source *source,
                      int64_t from_us, int64_t to_us)
{
    size_t start = reader->count;
    int error = source->kind == HISTORY_SOURCE_ENTRIES
                    ? append_column(reader, source)
                    : append_chunk(reader, source, from_us, to_us);
    if (error == BUSBAR_EDAMAGED) {
        reader->sources.damaged++;
        reader->count = start;
        return 0;
    }
    if (error == 0) {
        clip(reader, start, source, from_us, to_us);
    }
    return error;
}

/* --- several that overlap --- */

static int append_mixed(struct history_reader *reader, size_t at, size_t mixed, int64_t from_us,
                        int64_t to_us)
{
    struct history_sources part = reader->sources; /* a part of them, nothing of its own */
    part.all += at;
    part.count = mixed;
    part.damaged = 0;
    history_merge_again(&reader->merge, &part, from_us, to_us);
    const struct sample *samples;
    size_t count = 0;
    int error;
    do {
        error = history_merge_next(&reader->merge, &samples, &count);
        error = error == 0 ? reserve(reader, count) : error;
        for (size_t i = 0; error == 0 && i < count; i++) {
            double number;
            if (number_of(samples[i].type, samples[i].value, samples[i].quality, &number)) {
                put_number(reader, samples[i].time_us, number);
            }
        }
    } while (error == 0 && count > 0 && reader->count <= reader->max);
    reader->sources.damaged += part.damaged;
    reader->merge.sources = &reader->sources;
    return error;
}

int history_reader_append(struct history_reader *reader, size_t at, size_t mixed, int64_t from_us,
                          int64_t to_us)
{
    return mixed == 1 ? append_one(reader, &reader->sources.all[at], from_us, to_us)
                      : append_mixed(reader, at, mixed, from_us, to_us);
}

int history_reader_numbers(struct history_reader *reader, uint32_t series, int64_t from_us,
                           int64_t to_us, size_t max, struct history_numbers *numbers)
{
    *numbers = (struct history_numbers){ 0 };
    reader->max = max;
    int error = history_reader_collect(reader, series, &from_us, to_us);
    for (size_t at = 0; error == 0 && at < reader->sources.count;) {
        size_t mixed = history_reader_mixed(reader, at);
        error = history_reader_append(reader, at, mixed, from_us, to_us);
        at += mixed;
        if (error == 0 && reader->count > max) {
            error = BUSBAR_ELIMIT;
        }
    }
    if (error == 0) {
        *numbers = (struct history_numbers){ .times_us = reader->times,
                                             .values = reader->values,
                                             .count = reader->count };
    }
    return error;
}

/* --- the newest number --- */

/* The last sample of all is in memory: most questions end here. */
static bool last_in_head(struct history_reader *reader, uint32_t series, int64_t from_us,
                         int64_t to_us, bool *found, int64_t *time_us, double *value)
{
    struct sample last;
    *found = false;
    struct history *history = reader->view.history;
    if (!history_head_last(&history->head, series, &last, NULL)) {
        return false; /* its file may be damaged: the blocks know */
    }
    bool bad = quality_class(last.quality) == QUALITY_CLASS_BAD;
    if (last.time_us >= to_us || (last.type == VALUE_NONE && !bad)) {
        return false; /* a later one than asked for, or a text */
    }
    int64_t expired_us = history_expired_before(history, series, clock_wall_us());
    *found = last.time_us >= from_us && last.time_us >= expired_us &&
             number_of(last.type, last.value, last.quality, value);
    *time_us = last.time_us;
    return true;
}

/* A chunk that ends in the range with a number says so in its head. */
static int last_of_head(struct history_reader *reader, const struct history_source *source,
                        int64_t to_us)
{
    const uint8_t *data;
    size_t size;
    struct history_chunk_info info;
    if (source->kind == HISTORY_SOURCE_ENTRIES || source->last_us >= to_us ||
        history_sources_pierced(&reader->sources, source)) {
        return 0;
    }
    int error = history_reader_bytes(reader, source, &data, &size);
    error = error == 0 ? history_chunk_info(data, size, &info) : error;
    if (error != 0) {
        return error == BUSBAR_EDAMAGED ? 0 : error; /* decoding it counts the damage */
    }
    if (info.type != VALUE_TEXT && info.numbers > 0 && info.last_number_us == source->last_us &&
        info.last_us == source->last_us) {
        error = reserve(reader, 1);
        if (error == 0) {
            put_number(reader, info.last_us, info.last);
        }
    }
    return error;
}

int history_reader_last(struct history_reader *reader, uint32_t series, int64_t from_us,
                        int64_t to_us, bool *found, int64_t *time_us, double *value)
{
    if (last_in_head(reader, series, from_us, to_us, found, time_us, value)) {
        return 0;
    }
    reader->max = SIZE_MAX;
    int error = history_reader_collect(reader, series, &from_us, to_us);
    size_t mixed = 0;
    for (size_t end = reader->sources.count; error == 0 && end > 0 && reader->count == 0;
         end -= mixed) {
        mixed = 1;
        int64_t first_us = reader->sources.all[end - 1].first_us;
        for (size_t i = end - 1; i-- > 0;) { /* whichever reaches into what was taken so far */
            if (reader->sources.all[i].last_us >= first_us) {
                mixed = end - i;
                first_us = reader->sources.all[i].first_us;
            }
        }
        if (mixed == 1) {
            error = last_of_head(reader, &reader->sources.all[end - 1], to_us);
        }
        if (error == 0 && reader->count == 0) {
            error = history_reader_append(reader, end - mixed, mixed, from_us, to_us);
        }
    }
    if (error == 0 && reader->count > 0) {
        *found = true;
        *time_us = reader->times[reader->count - 1];
        *value = reader->values[reader->count - 1];
    }
    return error;
}
