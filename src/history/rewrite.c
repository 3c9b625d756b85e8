/* SPDX-License-Identifier: Apache-2.0 */
#include "history/rewrite.h"

#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/days.h"

enum { FULL_ENOUGH = 3 * HISTORY_CHUNK_SAMPLES / 4 }; /* such a chunk is copied as it is */

int history_rewrite_open(struct history_rewrite *rewrite, struct history *history,
                         const struct state_block *like)
{
    *rewrite = (struct history_rewrite){ .history = history, .row = *like };
    buf_init(&rewrite->out, HISTORY_WORK_BYTES_MAX);
    arena_init(&rewrite->texts, 0);
    rewrite->coder = history_coder_new();
    rewrite->column = history_column_new();
    if (rewrite->coder == NULL || rewrite->column == NULL) {
        return BUSBAR_ENOMEM;
    }
    return history_block_create(history->file, history->block_folder,
                                history_blocks_new_id(&history->blocks), &rewrite->writer);
}

static int add_chunk(struct history_rewrite *rewrite, const void *data, size_t size)
{
    struct history_chunk_info info;
    int error = history_chunk_info(data, size, &info);
    if (error == 0) {
        error = history_block_add(rewrite->writer, rewrite->series, data, size, &info);
        rewrite->chunks++;
    }
    return error;
}

static int end_chunk(struct history_rewrite *rewrite)
{
    if (rewrite->column->count == 0) {
        return 0;
    }
    buf_clear(&rewrite->out);
    int error = history_chunk_encode(rewrite->coder, rewrite->column, &rewrite->out);
    if (error == 0) {
        error = add_chunk(rewrite, rewrite->out.data, rewrite->out.size);
    }
    arena_fini(&rewrite->texts);
    rewrite->column->count = 0;
    rewrite->column->type = VALUE_NONE;
    rewrite->column->marked = false;
    return error;
}

/* The column has samples that are not the usual: from now on each has its mark. */
static void mark_column(struct history_column *column)
{
    for (size_t i = 0; i < column->count; i++) {
        column->marks[i] = (struct history_mark){ .receive_us = column->times[i],
                                                  .type = column->type };
    }
    column->marked = true;
}

static int add_sample(struct history_rewrite *rewrite, const struct sample *sample)
{
    struct history_column *column = rewrite->column;
    bool other = sample->type != VALUE_NONE && column->type != VALUE_NONE &&
                 sample->type != column->type;
    if (column->count == HISTORY_CHUNK_SAMPLES ||
        (column->count > 0 && (other || sample->time_us > rewrite->day_end_us))) {
        int error = end_chunk(rewrite);
        if (error != 0) {
            return error;
        }
    }
    bool usual = sample->receive_us == sample->time_us && sample->quality == QUALITY_GOOD &&
                 sample->detail == 0 && sample->type != VALUE_NONE;
    if (!usual && !column->marked) {
        mark_column(column);
    }
    if (sample->type != VALUE_NONE) {
        column->type = sample->type;
    }
    size_t at = column->count++;
    if (at == 0) {
        rewrite->day_end_us = history_day_end(history_day_of(sample->time_us));
    }
    column->times[at] = sample->time_us;
    column->values[at] = sample->value;
    if (column->marked) {
        column->marks[at] = (struct history_mark){ .receive_us = sample->receive_us,
                                                   .detail = sample->detail,
                                                   .type = sample->type,
                                                   .quality = sample->quality };
    }
    if (sample->type == VALUE_TEXT) {
        size_t size = sizeof(struct text) + sample->value.text->size + 1;
        struct text *copy = arena_alloc(&rewrite->texts, size);
        if (copy == NULL) {
            column->count--;
            return BUSBAR_ENOMEM;
        }
        memcpy(copy, sample->value.text, size);
        column->values[at].text = copy;
    }
    return 0;
}

/* A chunk as it is, or recoded where that is smaller. */
static int add_cold(struct history_rewrite *rewrite, const void *data, size_t size)
{
    buf_clear(&rewrite->out);
    int error = history_chunk_decode(rewrite->merge.coder, data, size, rewrite->merge.column);
    if (error == 0) {
        error = history_chunk_encode(rewrite->coder, rewrite->merge.column, &rewrite->out);
    }
    if (error == 0 && rewrite->out.size < size) {
        return add_chunk(rewrite, rewrite->out.data, rewrite->out.size);
    }
    return error == 0 ? add_chunk(rewrite, data, size) : error;
}

/* What comes behind a chunk would fill it up: two chunks become one. */
static bool takes_next(const struct history_source *source, const struct history_merge *merge)
{
    const struct history_source *next = history_merge_behind(merge);
    return next != NULL && source->count + next->count <= HISTORY_CHUNK_SAMPLES &&
           history_day_of(source->last_us) == history_day_of(next->last_us);
}

/* A full chunk that nothing is mixed into is copied. True: it was. */
static bool copy_whole(struct history_rewrite *rewrite, struct history_merge *merge,
                       uint64_t *written, int *error)
{
    const struct history_source *source = history_merge_whole(merge);
    if (source == NULL || source->count < FULL_ENOUGH ||
        history_day_of(source->first_us) != history_day_of(source->last_us) ||
        takes_next(source, merge)) {
        return false;
    }
    const void *data;
    size_t size;
    uint32_t count = source->count;
    *error = end_chunk(rewrite);
    if (*error == 0) {
        *error = history_merge_copy(merge, &data, &size);
        if (*error == 0) {
            *error = rewrite->cold ? add_cold(rewrite, data, size) : add_chunk(rewrite, data, size);
            *written += count;
        } else if (*error == BUSBAR_EDAMAGED) {
            *error = 0; /* counted in the sources */
        }
    }
    return true;
}

/* How many of the samples from `at` on are of one day and have room in the column. */
static size_t fitting(struct history_rewrite *rewrite, const struct history_column *from, size_t at)
{
    const struct history_column *column = rewrite->column;
    if (column->count == 0) {
        rewrite->day_end_us = history_day_end(history_day_of(from->times[at]));
    }
    size_t room = HISTORY_CHUNK_SAMPLES - column->count;
    size_t count = from->count - at < room ? from->count - at : room;
    while (count > 0 && from->times[at + count - 1] > rewrite->day_end_us) {
        count--;
    }
    return count;
}

/* A chunk of usual samples goes into the column as it is. */
static int append_usual(struct history_rewrite *rewrite, const struct history_column *from)
{
    struct history_column *column = rewrite->column;
    for (size_t at = 0; at < from->count;) {
        size_t count = fitting(rewrite, from, at);
        if (count == 0 || (column->count > 0 && column->type != from->type)) {
            int error = end_chunk(rewrite);
            if (error != 0) {
                return error;
            }
            continue;
        }
        memcpy(column->times + column->count, from->times + at, count * sizeof(*from->times));
        memcpy(column->values + column->count, from->values + at, count * sizeof(*from->values));
        column->type = from->type;
        column->count += count;
        at += count;
    }
    return 0;
}

static int append_each(struct history_rewrite *rewrite, const struct history_column *from)
{
    int error = 0;
    for (size_t i = 0; i < from->count && error == 0; i++) {
        struct sample sample = history_column_sample(from, i, rewrite->series);
        error = add_sample(rewrite, &sample);
    }
    return error;
}

/* A chunk that nothing is mixed into needs no merging, sample by sample. True: there was one. */
static bool append_whole(struct history_rewrite *rewrite, struct history_merge *merge,
                         uint64_t *written, int *error)
{
    const struct history_column *column;
    if (history_merge_whole(merge) == NULL) {
        return false;
    }
    *error = history_merge_column(merge, &column);
    if (*error == 0) {
        *written += column->count;
        bool usual = !column->marked && !rewrite->column->marked && column->type != VALUE_TEXT &&
                     column->type != VALUE_NONE && rewrite->column->type != VALUE_TEXT;
        *error = usual ? append_usual(rewrite, column) : append_each(rewrite, column);
    } else if (*error == BUSBAR_EDAMAGED) {
        *error = 0; /* counted in the sources */
    }
    return true;
}

static int rewrite_merge(struct history_rewrite *rewrite, struct history_merge *merge,
                         uint64_t *written)
{
    for (;;) {
        int error = 0;
        if (copy_whole(rewrite, merge, written, &error) ||
            append_whole(rewrite, merge, written, &error)) {
            if (error != 0) {
                return error;
            }
            continue;
        }
        const struct sample *samples;
        size_t count;
        error = history_merge_next(merge, &samples, &count);
        for (size_t i = 0; i < count && error == 0; i++) {
            error = add_sample(rewrite, &samples[i]);
        }
        *written += count;
        if (error != 0 || count == 0) {
            return error;
        }
    }
}

static int merge_of(struct history_rewrite *rewrite, struct history_sources *sources,
                    int64_t from_us, int64_t to_us)
{
    if (rewrite->merging) {
        history_merge_again(&rewrite->merge, sources, from_us, to_us);
        return 0;
    }
    rewrite->merging = true;
    return history_merge_init(&rewrite->merge, sources, from_us, to_us);
}

int history_merge_count(struct history_merge *merge, uint64_t *times)
{
    for (;;) {
        const struct history_source *whole = history_merge_whole(merge);
        if (whole != NULL) {
            *times += whole->count;
            merge->next++;
            continue;
        }
        const struct sample *samples;
        size_t count;
        int error = history_merge_next(merge, &samples, &count);
        *times += count;
        if (error != 0 || count == 0) {
            return error;
        }
    }
}

int history_rewrite_count(struct history_rewrite *rewrite, struct history_sources *sources,
                          int64_t from_us, int64_t to_us, uint64_t *times)
{
    int error = merge_of(rewrite, sources, from_us, to_us);
    return error == 0 ? history_merge_count(&rewrite->merge, times) : error;
}

int history_rewrite_series(struct history_rewrite *rewrite, uint32_t series,
                           struct history_sources *sources, int64_t from_us, int64_t to_us,
                           uint64_t *written)
{
    *written = 0;
    rewrite->series = series;
    rewrite->column->count = 0;
    rewrite->column->type = VALUE_NONE;
    rewrite->column->marked = false;
    int error = merge_of(rewrite, sources, from_us, to_us);
    if (error == 0) {
        error = rewrite_merge(rewrite, &rewrite->merge, written);
    }
    if (error == 0) {
        error = end_chunk(rewrite);
    }
    arena_fini(&rewrite->texts);
    return error;
}

int history_rewrite_close(struct history_rewrite *rewrite, int error, struct state_block *row,
                          bool *any)
{
    *any = rewrite->chunks > 0 && error == 0;
    if (rewrite->writer != NULL && *any) {
        struct state_block made;
        error = history_block_finish(rewrite->writer, &made);
        *row = made;
        row->sequence_first = rewrite->row.sequence_first;
        row->sequence_last = rewrite->row.sequence_last;
        row->level = rewrite->row.level;
        row->done_us = rewrite->row.done_us;
        row->deletes = rewrite->row.deletes;
        row->tiers_us = rewrite->row.tiers_us;
    } else if (rewrite->writer != NULL) {
        history_block_abandon(rewrite->writer);
    }
    if (rewrite->merging) {
        history_merge_fini(&rewrite->merge);
    }
    history_coder_free(rewrite->coder);
    busbar_free(rewrite->column);
    buf_fini(&rewrite->out);
    arena_fini(&rewrite->texts);
    return error;
}

/* --- counting --- */

struct stream {
    struct history_merge merge;
    const struct sample *samples;
    size_t count, at;
};

/* Makes sure that there is a sample to look at, unless it is the end (count 0). */
static int look(struct stream *stream)
{
    if (stream->at < stream->count) {
        return 0;
    }
    stream->at = 0;
    return history_merge_next(&stream->merge, &stream->samples, &stream->count);
}

int history_count_common(struct history_sources *a, struct history_sources *b, uint64_t *common)
{
    struct stream left = { 0 };
    struct stream right = { 0 };
    *common = 0;
    int error = history_merge_init(&left.merge, a, INT64_MIN, INT64_MAX);
    int other = history_merge_init(&right.merge, b, INT64_MIN, INT64_MAX);
    error = error != 0 ? error : other;
    while (error == 0) {
        error = look(&left);
        error = error == 0 ? look(&right) : error;
        if (error != 0 || left.count == 0 || right.count == 0) {
            break;
        }
        int64_t left_us = left.samples[left.at].time_us;
        int64_t right_us = right.samples[right.at].time_us;
        *common += left_us == right_us;
        left.at += left_us <= right_us;
        right.at += right_us <= left_us;
    }
    history_merge_fini(&left.merge);
    history_merge_fini(&right.merge);
    return error;
}
