/* SPDX-License-Identifier: Apache-2.0 */
/* Vector selectors: at each step the newest sample that is not older than the look-back, (t -
 * lookback, t], unless it is a stale marker. A series after the other, all steps of it in one pass
 * over its samples. */
#include <string.h>

#include "base/alloc.h"
#include "history/reader.h"
#include "promql/evaluator.h"

/* From this step on it is cheaper to ask for the newest sample of each step than to read all
 * between. */
#define SPARSE_STEP_US (INT64_C(3600) * 1000000)

int promql_select(struct promql_eval *eval, const struct promql_node *selector, uint64_t **series,
                  size_t *count)
{
    *series = NULL;
    *count = 0;
    size_t max = eval->question->limits.series_max;
    const struct promql_source *source = eval->source;
    int error = source->select(source->ctx, selector->matchers, selector->matcher_count, max,
                               eval->question->cancel, series, count, eval->err);
    switch (error) {
    case 0: eval->result->stats.series += *count; break;
    case BUSBAR_ELIMIT:
        promql_eval_fail(eval, error, "a selector of the query matches more than %zu series", max);
        err_hint(eval->err, "add matchers that leave fewer series, or raise the limit on series "
                            "of a query");
        break;
    case BUSBAR_ECANCELED: promql_eval_fail(eval, error, "the query was canceled"); break;
    case BUSBAR_ENOMEM: promql_eval_no_memory(eval); break;
    default: /* the source said what is wrong */ break;
    }
    return error;
}

int promql_series_labels(struct promql_eval *eval, uint64_t series, struct promql_row *row)
{
    struct label labels[LABELS_MAX];
    size_t count = eval->source->labels(eval->source->ctx, series, labels);
    struct label *copy = arena_alloc_array(eval->arena, count, sizeof(*copy));
    if (copy == NULL) {
        return promql_eval_no_memory(eval);
    }
    memcpy(copy, labels, count * sizeof(*copy));
    row->labels = copy;
    row->label_count = count;
    return 0;
}

static int say_source_error(struct promql_eval *eval, int error)
{
    switch (error) {
    case BUSBAR_ENOMEM: return promql_eval_no_memory(eval);
    case BUSBAR_ELIMIT: return promql_count_samples(eval, SIZE_MAX);
    default: return promql_eval_fail(eval, error, "cannot read samples: %s", err_text(error));
    }
}

int promql_numbers_read(struct promql_eval *eval, uint64_t series, int64_t from_us, int64_t to_us,
                        struct promql_numbers *numbers)
{
    *numbers = (struct promql_numbers){ 0 };
    size_t max = eval->question->limits.samples_max;
    max -= eval->samples_now < max ? eval->samples_now : max;
    int error = eval->source->numbers(eval->source->ctx, series, from_us, to_us, max,
                                      &numbers->times_us, &numbers->values, &numbers->count);
    if (error != 0) {
        return say_source_error(eval, error);
    }
    eval->result->stats.samples += numbers->count;
    return promql_count_samples(eval, numbers->count);
}

void promql_numbers_done(struct promql_eval *eval, const struct promql_numbers *numbers)
{
    eval->samples_now -= numbers->count;
}

/* --- values at steps --- */

struct scan {
    struct promql_eval *eval;
    const struct promql_node *selector;
    bool times; /* the times of the samples instead of their values */
    bool sparse;
    int64_t lookback_us;
    int64_t from_us, to_us; /* of all steps */
};

static struct scan scan_of(struct promql_eval *eval, const struct promql_node *selector, bool times)
{
    struct scan scan = { .eval = eval, .selector = selector, .times = times };
    scan.lookback_us = eval->question->lookback_us;
    scan.sparse = eval->source->last != NULL &&
                  (eval->steps == 1 ||
                   (eval->step_us >= SPARSE_STEP_US && eval->step_us > 2 * scan.lookback_us));
    int64_t first = promql_moment_time(eval, &selector->moment, eval->start_us);
    int64_t last = promql_moment_time(eval, &selector->moment,
                                      promql_step_time(eval, eval->steps - 1));
    scan.from_us = promql_time_add(promql_time_sub(first, scan.lookback_us), 1);
    scan.to_us = promql_time_add(last, 1);
    return scan;
}

static double seconds(int64_t time_us)
{
    return (double)time_us / 1e6;
}

/* Asks for the newest sample at each step. */
static int scan_sparse(const struct scan *scan, uint64_t series, double *values, bool *any)
{
    const struct promql_source *source = scan->eval->source;
    const double absent = history_stale();
    for (size_t i = 0; i < scan->eval->steps; i++) {
        int64_t at = promql_moment_time(scan->eval, &scan->selector->moment,
                                        promql_step_time(scan->eval, i));
        bool found = false;
        int64_t time_us = 0;
        double value = 0;
        int error = source->last(source->ctx, series,
                                 promql_time_add(promql_time_sub(at, scan->lookback_us), 1),
                                 promql_time_add(at, 1), &found, &time_us, &value);
        if (error != 0) {
            return say_source_error(scan->eval, error);
        }
        scan->eval->result->stats.samples += found;
        found = found && !history_is_stale(value);
        values[i] = !found ? absent : scan->times ? seconds(time_us) : value;
        *any |= found;
    }
    return 0;
}

static int scan_all(const struct scan *scan, uint64_t series, double *values, bool *any)
{
    struct promql_numbers numbers;
    int error = promql_numbers_read(scan->eval, series, scan->from_us, scan->to_us, &numbers);
    if (error != 0 || numbers.count == 0) {
        return error;
    }
    struct promql_walk walk = promql_walk_of(scan->eval, &scan->selector->moment, 0);
    int64_t at = walk.first_us;
    const int64_t *times = numbers.times_us;
    const double absent = history_stale();
    size_t next = 0; /* the first sample after the step */
    for (size_t i = 0; i < scan->eval->steps; i++) {
        while (next < numbers.count && times[next] <= at) {
            next++;
        }
        double value = absent;
        if (next > 0 && times[next - 1] > promql_time_sub(at, scan->lookback_us)) {
            value = numbers.values[next - 1];
        }
        if (!history_is_stale(value)) {
            value = scan->times ? seconds(times[next - 1]) : value;
            *any = true;
        }
        values[i] = value;
        at = promql_time_add(at, walk.stride_us);
    }
    promql_numbers_done(scan->eval, &numbers);
    return 0;
}

bool promql_selector_has_one_name(const struct promql_node *selector)
{
    for (size_t i = 0; i < selector->matcher_count; i++) {
        const struct label_matcher *matcher = &selector->matchers[i];
        if (matcher->match == LABEL_EQUAL && strcmp(matcher->name, LABEL_METRIC) == 0) {
            return true;
        }
    }
    return false;
}

static int select_values(struct promql_eval *eval, const struct promql_node *selector, bool times,
                         struct promql_matrix *out)
{
    struct scan scan = scan_of(eval, selector, times);
    uint64_t *series = NULL;
    size_t count = 0;
    int error = promql_select(eval, selector, &series, &count);
    double *values = NULL; /* kept for the next series when this one has nothing */
    for (size_t i = 0; i < count && error == 0; i++) {
        error = i % 64 == 0 ? promql_eval_check(eval) : 0;
        if (error == 0 && values == NULL) {
            values = promql_new_values(eval, &error);
        }
        bool any = false;
        if (error == 0) {
            error = scan.sparse ? scan_sparse(&scan, series[i], values, &any)
                                : scan_all(&scan, series[i], values, &any);
        }
        if (error != 0 || !any) {
            continue;
        }
        struct promql_row row = { .values = values };
        values = NULL;
        error = promql_series_labels(eval, series[i], &row);
        if (error == 0) {
            error = promql_matrix_put(eval, out, &row);
        }
    }
    busbar_free(series);
    out->one_name = promql_selector_has_one_name(selector);
    return error;
}

int promql_evaluate_selector(struct promql_eval *eval, const struct promql_node *selector,
                             struct promql_matrix *out)
{
    return select_values(eval, selector, false, out);
}

int promql_evaluate_times(struct promql_eval *eval, const struct promql_node *selector,
                          struct promql_matrix *out)
{
    *out = (struct promql_matrix){ 0 };
    return eval->steps > 0 ? select_values(eval, selector, true, out) : 0;
}
