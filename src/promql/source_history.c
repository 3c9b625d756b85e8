/* SPDX-License-Identifier: Apache-2.0 */
/* The history as a source of series: its index finds them, a reader decodes their numbers. */
#include "base/alloc.h"
#include "history/history.h"
#include "history/index.h"
#include "history/reader.h"
#include "promql/promql.h"

struct history_source {
    struct history_index *index;
    struct history_reader *reader;
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

static int series_numbers(void *ctx, uint64_t series, int64_t from_us, int64_t to_us, size_t max,
                          const int64_t **times_us, const double **values, size_t *count)
{
    struct history_source *source = ctx;
    struct history_numbers numbers = { 0 };
    int error = history_reader_numbers(source->reader, (uint32_t)series, from_us, to_us, max,
                                       &numbers);
    *times_us = numbers.times_us;
    *values = numbers.values;
    *count = numbers.count;
    return error;
}

static int series_last(void *ctx, uint64_t series, int64_t from_us, int64_t to_us, bool *found,
                       int64_t *time_us, double *value)
{
    struct history_source *source = ctx;
    return history_reader_last(source->reader, (uint32_t)series, from_us, to_us, found, time_us,
                               value);
}

static int series_windows(void *ctx, uint64_t series, int64_t first_end_us, int64_t step_us,
                          int64_t width_us, size_t count, struct history_window *windows)
{
    struct history_source *source = ctx;
    return history_reader_windows(source->reader, (uint32_t)series, first_end_us, step_us, width_us,
                                  count, windows);
}

static uint64_t damaged(void *ctx)
{
    const struct history_source *source = ctx;
    return history_reader_damaged(source->reader);
}

int promql_source_history_open(struct history *history, struct promql_source *source)
{
    *source = (struct promql_source){ 0 };
    if (!history_index_loaded(history)) {
        return BUSBAR_EAGAIN;
    }
    struct history_source *ctx = busbar_try_alloc(sizeof(*ctx));
    if (ctx == NULL) {
        return BUSBAR_ENOMEM;
    }
    int error = history_reader_open(history, &ctx->reader);
    if (error != 0) {
        busbar_free(ctx);
        return error;
    }
    ctx->index = history_index(history);
    *source = (struct promql_source){
        .select = select_series,
        .labels = series_labels,
        .numbers = series_numbers,
        .last = series_last,
        .windows = series_windows,
        .damaged = damaged,
        .ctx = ctx,
    };
    return 0;
}

void promql_source_history_close(struct promql_source *source)
{
    struct history_source *ctx = source->ctx;
    if (ctx != NULL) {
        history_reader_close(ctx->reader);
        busbar_free(ctx);
    }
    *source = (struct promql_source){ 0 };
}
