/* SPDX-License-Identifier: Apache-2.0 */
/* The history as a source of series: its index finds them, a reader decodes their numbers. For times that it let go of
 * its archive is asked, where it has one; of a time that both have the history's number counts. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "history/archive.h"
#include "history/history.h"
#include "history/index.h"
#include "history/reader.h"
#include "history/sealed.h"
#include "promql/promql.h"

enum { MISSING_MAX = 400 };

struct history_source {
    struct history *history;
    struct history_index *index;
    struct history_reader *reader;
    struct history_archive_ask ask;
    int64_t *times; /* of the two together */
    double *values;
    size_t capacity;
    char missing[MISSING_MAX];
};

static int select_series(void *ctx, const struct label_matcher *matchers, size_t matcher_count,
                         size_t limit, const atomic_bool *cancel, uint64_t **series, size_t *count,
                         struct err *err)
{
    struct history_source *source = ctx;
    uint32_t *ids = NULL;
    *series = NULL;
    *count = 0;
    int error = history_index_select(source->index, matchers, matcher_count, limit, cancel, &ids,
                                     count, err);
    if (error != 0) {
        return error;
    }
    *series = busbar_try_alloc(*count * sizeof(**series));
    for (size_t i = 0; i < *count && *series != NULL; i++) {
        (*series)[i] = ids[i];
    }
    busbar_free(ids);
    return *series != NULL ? 0 : BUSBAR_ENOMEM;
}

static size_t series_labels(void *ctx, uint64_t series, struct label labels[LABELS_MAX])
{
    struct history_source *source = ctx;
    return history_index_labels(source->index, (uint32_t)series, labels);
}

/* ---- with the archive ---- */

static int make_room(struct history_source *source, size_t count)
{
    if (count <= source->capacity) {
        return 0;
    }
    int64_t *times = busbar_try_realloc(source->times, count * sizeof(*times));
    source->times = times != NULL ? times : source->times;
    double *values = busbar_try_realloc(source->values, count * sizeof(*values));
    source->values = values != NULL ? values : source->values;
    source->capacity = times != NULL && values != NULL ? count : source->capacity;
    return times != NULL && values != NULL ? 0 : BUSBAR_ENOMEM;
}

/* Numbers of the archive before, of the history among and behind them. */
static int mix(struct history_source *source, const struct history_samples *old,
               struct history_numbers *numbers, size_t max)
{
    size_t at = 0, here = 0;
    int error = make_room(source, old->count + numbers->count + 1);
    for (size_t i = 0; i < old->count && error == 0; i++) {
        const struct sample *sample = &old->samples[i];
        for (; here < numbers->count && numbers->times_us[here] < sample->time_us; here++) {
            source->times[at] = numbers->times_us[here];
            source->values[at++] = numbers->values[here];
        }
        bool both = here < numbers->count && numbers->times_us[here] == sample->time_us;
        if (!both && history_sample_number(sample, &source->values[at])) {
            source->times[at++] = sample->time_us;
        }
    }
    if (error != 0) {
        return error;
    }
    size_t rest = numbers->count - here;
    if (rest > 0) {
        memcpy(source->times + at, numbers->times_us + here, rest * sizeof(*source->times));
        memcpy(source->values + at, numbers->values + here, rest * sizeof(*source->values));
    }
    *numbers = (struct history_numbers){ source->times, source->values, at + rest };
    return numbers->count > max ? BUSBAR_ELIMIT : 0;
}

static int add_archived(struct history_source *source, uint32_t series, int64_t from_us,
                        int64_t to_us, size_t max, struct history_numbers *numbers)
{
    struct history_samples old = { 0 };
    int error = history_archived(source->history, &source->ask, series, from_us, to_us, &old);
    error = error == 0 && old.count > 0 ? mix(source, &old, numbers, max) : error;
    history_samples_free(&old);
    return error;
}

static const char *missing(void *ctx)
{
    struct history_source *source = ctx;
    const struct err *err = &source->ask.err;
    if (err->code == 0) {
        return NULL;
    }
    str_format(source->missing, sizeof(source->missing),
               "the archive could not be asked, so what is no longer here is missing: %s",
               err->message);
    return source->missing;
}

/* ---- the source ---- */

static int series_numbers(void *ctx, uint64_t series, int64_t from_us, int64_t to_us, size_t max,
                          const int64_t **times_us, const double **values, size_t *count)
{
    struct history_source *source = ctx;
    struct history_numbers numbers = { 0 };
    int error = history_reader_numbers(source->reader, (uint32_t)series, from_us, to_us, max,
                                       &numbers);
    int64_t end_us = to_us;
    if (error == 0 &&
        history_archive_wanted(source->history, &source->ask, (uint32_t)series, from_us, &end_us)) {
        error = add_archived(source, (uint32_t)series, from_us, end_us, max, &numbers);
    }
    *times_us = numbers.times_us;
    *values = numbers.values;
    *count = numbers.count;
    return error;
}

static int series_last(void *ctx, uint64_t series, int64_t from_us, int64_t to_us, bool *found,
                       int64_t *time_us, double *value)
{
    struct history_source *source = ctx;
    int64_t end_us = to_us;
    int error = history_reader_last(source->reader, (uint32_t)series, from_us, to_us, found,
                                    time_us, value);
    if (error != 0 || *found ||
        !history_archive_wanted(source->history, &source->ask, (uint32_t)series, from_us,
                                &end_us)) {
        return error;
    }
    struct history_numbers numbers = { 0 };
    error = add_archived(source, (uint32_t)series, from_us, end_us, SIZE_MAX, &numbers);
    *found = error == 0 && numbers.count > 0;
    if (*found) {
        *time_us = numbers.times_us[numbers.count - 1];
        *value = numbers.values[numbers.count - 1];
    }
    return error;
}

static int series_windows(void *ctx, uint64_t series, int64_t first_end_us, int64_t step_us,
                          int64_t width_us, size_t count, struct history_window *windows)
{
    struct history_source *source = ctx;
    int64_t end_us = first_end_us;
    int64_t from_us = first_end_us < INT64_MIN + width_us ? INT64_MIN : first_end_us - width_us + 1;
    if (__builtin_add_overflow(first_end_us, (int64_t)(count > 0 ? count - 1 : 0) * step_us,
                               &end_us)) {
        end_us = INT64_MAX;
    }
    if (history_archive_wanted(source->history, &source->ask, (uint32_t)series, from_us, &end_us)) {
        return BUSBAR_EUNSUPPORTED; /* samples of the archive, instead of what tiers have of them */
    }
    return history_reader_windows(source->reader, (uint32_t)series, first_end_us, step_us, width_us,
                                  count, windows);
}

static uint64_t damaged(void *ctx)
{
    const struct history_source *source = ctx;
    return history_reader_damaged(source->reader);
}

int promql_source_history_open(struct history *history, const atomic_bool *cancel,
                               struct promql_source *source)
{
    *source = (struct promql_source){ 0 };
    if (!history_index_loaded(history)) {
        return BUSBAR_EAGAIN;
    }
    struct history_source *ctx = busbar_try_alloc(sizeof(*ctx));
    if (ctx == NULL) {
        return BUSBAR_ENOMEM;
    }
    *ctx = (struct history_source){ 0 };
    int error = history_reader_open(history, &ctx->reader);
    if (error != 0) {
        busbar_free(ctx);
        return error;
    }
    ctx->history = history;
    ctx->index = history_index(history);
    ctx->ask.cancel = cancel;
    *source = (struct promql_source){
        .select = select_series,
        .labels = series_labels,
        .numbers = series_numbers,
        .last = series_last,
        .windows = series_windows,
        .damaged = damaged,
        .missing = missing,
        .ctx = ctx,
    };
    return 0;
}

void promql_source_history_close(struct promql_source *source)
{
    struct history_source *ctx = source->ctx;
    if (ctx != NULL) {
        history_reader_close(ctx->reader);
        busbar_free(ctx->times);
        busbar_free(ctx->values);
        busbar_free(ctx);
    }
    *source = (struct promql_source){ 0 };
}
