/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a query, instant and as a range, over a tiny source with small limits: it ends with
 * an answer or an error that says something. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "history/reader.h"
#include "promql/promql.h"

enum { SERIES = 6, SAMPLES = 48 };

struct tiny {
    struct label labels[SERIES][3];
    int64_t times_us[SAMPLES];
    double values[SERIES][SAMPLES];
};

static void fill(struct tiny *tiny)
{
    static const char *const names[SERIES] = { "x", "x", "x", "y", "y", "z_bucket" };
    static const char *const groups[SERIES] = { "1", "2", "3", "1", "2", "0.5" };
    for (size_t i = 0; i < SERIES; i++) {
        tiny->labels[i][0] = label_of("__name__", names[i]);
        tiny->labels[i][1] = label_of("g", groups[i]);
        tiny->labels[i][2] = label_of("le", groups[i]);
        for (size_t j = 0; j < SAMPLES; j++) {
            tiny->times_us[j] = (int64_t)j * 10000000;
            tiny->values[i][j] = j % 11 == 7   ? history_stale()
                                 : j % 13 == 5 ? (double)NAN
                                               : (double)((i + 1) * j);
        }
    }
}

static int select_all(void *ctx, const struct label_matcher *matchers, size_t matcher_count,
                      size_t limit, const atomic_bool *cancel, uint64_t **series, size_t *count,
                      struct err *err)
{
    (void)ctx, (void)matchers, (void)matcher_count, (void)limit, (void)cancel, (void)err;
    *series = busbar_alloc_array(SERIES, sizeof(**series));
    *count = SERIES;
    for (size_t i = 0; i < SERIES; i++) {
        (*series)[i] = i;
    }
    return 0;
}

static size_t labels_of(void *ctx, uint64_t series, struct label labels[LABELS_MAX])
{
    const struct tiny *tiny = ctx;
    memcpy(labels, tiny->labels[series], sizeof(tiny->labels[series]));
    return 3;
}

static int numbers_of(void *ctx, uint64_t series, int64_t from_us, int64_t to_us, size_t max,
                      const int64_t **times_us, const double **values, size_t *count)
{
    const struct tiny *tiny = ctx;
    size_t from = 0, to = SAMPLES;
    while (from < to && tiny->times_us[from] < from_us) {
        from++;
    }
    while (to > from && tiny->times_us[to - 1] >= to_us) {
        to--;
    }
    *times_us = tiny->times_us + from;
    *values = tiny->values[series] + from;
    *count = to - from;
    return *count > max ? BUSBAR_ELIMIT : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = busbar_alloc(size + 1);
    if (size > 0) {
        memcpy(text, data, size);
    }
    static struct tiny tiny;
    fill(&tiny);
    const struct promql_source source = {
        .select = select_all, .labels = labels_of, .numbers = numbers_of, .ctx = &tiny
    };
    struct promql_question question = {
        .text = text,
        .start_us = 300000000,
        .end_us = 480000000,
        .limits = { .samples_max = 20000, .bytes_max = 8 << 20, .timeout_us = 5000000 },
    };
    for (int range = 0; range < 2; range++) {
        struct promql_result result;
        struct err err = { 0 };
        question.step_us = range ? 20000000 : 0;
        int error = promql_ask(&source, &question, &result, &err);
        if (error == BUSBAR_EINTERNAL || (error != 0 && err.message[0] == '\0')) {
            abort();
        }
        for (size_t i = 0; i < result.count; i++) {
            for (size_t j = 0; j < result.series[i].count; j++) {
                if (history_is_stale(result.series[i].points[j].value)) {
                    abort();
                }
            }
        }
        promql_result_free(&result);
    }
    busbar_free(text);
    return 0;
}
