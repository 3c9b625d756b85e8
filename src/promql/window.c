/* SPDX-License-Identifier: Apache-2.0 */
/* Range windows: (t - range, t] at each step, of a series after the other. Its samples are read
 * once; a window is two places in them that only move forward, and a function gets pointers
 * straight into the source's arrays. Only when stale markers lie inside are the others copied
 * together first.
 *
 * What needs no more than count, sum, min, max, first and last is asked of the source instead
 * where it offers that (whole chunks and downsampled tiers need no decoding). */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "history/reader.h"
#include "promql/evaluator.h"
#include "promql/sum.h"

/* Windows further apart than this are read one by one. */
#define SPARSE_GAP_US (INT64_C(6 * 3600) * 1000000)

enum {
    REFUSALS_MAX = 3,                /* then the source is not asked for summaries any more */
    SAMPLES_UNCHECKED_MAX = 1 << 16, /* in windows, then the clock and the client are looked at */
};

enum summary { SUMMARY_NONE, SUM, AVG, MIN, MAX, COUNT, LAST, PRESENT };

struct job {
    struct promql_eval *eval;
    const struct promql_node *call;     /* may be NULL */
    const struct promql_node *range;    /* RANGE or SUBQUERY */
    const struct promql_moment *moment; /* of it */
    promql_window_fn function;
    bool keeps_name;
    bool counter; /* rate, increase: a name that is no counter's is noted */
    const double *scalars[PROMQL_ARGS_MAX];
    size_t scalar_count;
    int64_t *times_us; /* without stale markers, as many as fit in capacity */
    double *values;
    size_t capacity;
    double *results; /* kept for the next series when this one has none */
    enum summary summary;
    unsigned refusals;              /* of the source to sum up, one after the other */
    struct history_window *windows; /* steps of them */
};

/* --- without stale markers --- */

static bool holds_stale(const double *values, size_t count)
{
    if (!promql_holds_odd(values, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (history_is_stale(values[i])) {
            return true;
        }
    }
    return false;
}

static int make_room(struct job *job, size_t count)
{
    if (count <= job->capacity) {
        return 0;
    }
    int64_t *times_us = busbar_try_realloc(job->times_us, count * sizeof(*times_us));
    if (times_us == NULL) {
        return promql_eval_no_memory(job->eval);
    }
    job->times_us = times_us;
    double *values = busbar_try_realloc(job->values, count * sizeof(*values));
    if (values == NULL) {
        return promql_eval_no_memory(job->eval);
    }
    job->values = values;
    job->capacity = count;
    return 0;
}

static int leave_out_stale(struct job *job, struct promql_numbers *numbers)
{
    if (!holds_stale(numbers->values, numbers->count)) {
        return 0;
    }
    int error = make_room(job, numbers->count);
    if (error != 0) {
        return error;
    }
    size_t kept = 0;
    for (size_t i = 0; i < numbers->count; i++) {
        job->times_us[kept] = numbers->times_us[i];
        job->values[kept] = numbers->values[i];
        kept += !history_is_stale(numbers->values[i]);
    }
    *numbers = (struct promql_numbers){ job->times_us, job->values, kept };
    return 0;
}

/* --- windows over samples --- */

/* The first place whose time is after the bound, from `at` on; `stride` is a guess of how far that
 * is. */
static size_t advance(const int64_t *times_us, size_t count, size_t at, size_t stride,
                      int64_t bound_us)
{
    size_t place = stride < count - at ? at + stride : count;
    while (place < count && times_us[place] <= bound_us) {
        place++;
    }
    while (place > at && times_us[place - 1] > bound_us) {
        place--;
    }
    return place;
}

/* Steps [first, last) over the numbers of a series, without stale markers. */
static int run_steps(const struct job *job, const struct promql_numbers *numbers, size_t first,
                     size_t last, bool *any)
{
    int error = 0;
    double scalars[PROMQL_ARGS_MAX];
    struct promql_window window = {
        .scalars = scalars, .eval = job->eval, .call = job->call, .error = &error
    };
    struct promql_walk walk = promql_walk_of(job->eval, job->moment, first);
    window.end_us = walk.first_us;
    size_t low = 0, high = 0, low_stride = 0, high_stride = 0, unchecked = 0;
    for (size_t step = first; step < last && error == 0;
         step++, window.end_us = promql_time_add(window.end_us, walk.stride_us)) {
        window.time_us = promql_step_time(job->eval, step);
        window.start_us = promql_time_sub(window.end_us, job->range->range_us);
        size_t was_low = low, was_high = high;
        high = advance(numbers->times_us, numbers->count, high, high_stride, window.end_us);
        low = advance(numbers->times_us, numbers->count, low, low_stride, window.start_us);
        high_stride = high - was_high;
        low_stride = low - was_low;
        if (high <= low) {
            continue;
        }
        window.times_us = numbers->times_us + low;
        window.values = numbers->values + low;
        window.count = high - low;
        for (size_t i = 0; i < job->scalar_count; i++) {
            scalars[i] = job->scalars[i][step];
        }
        double result;
        if (job->function(&window, &result)) {
            job->results[step] = result;
            *any = true;
        }
        unchecked += window.count;
        if (unchecked > SAMPLES_UNCHECKED_MAX && error == 0) {
            unchecked = 0;
            error = promql_eval_check(job->eval);
        }
    }
    return error;
}

/* Reads what the steps [first, last) need of a series, then runs them. */
static int read_and_run(struct job *job, uint64_t series, size_t first, size_t last, bool *any)
{
    struct promql_eval *eval = job->eval;
    int64_t from = promql_moment_time(eval, job->moment, promql_step_time(eval, first));
    int64_t to = promql_moment_time(eval, job->moment, promql_step_time(eval, last - 1));
    struct promql_numbers numbers;
    int error = promql_numbers_read(eval, series,
                                    promql_time_add(promql_time_sub(from, job->range->range_us), 1),
                                    promql_time_add(to, 1), &numbers);
    if (error != 0) {
        return error;
    }
    struct promql_numbers kept = numbers;
    error = leave_out_stale(job, &kept);
    if (error == 0) {
        error = run_steps(job, &kept, first, last, any);
        promql_numbers_done(eval, &numbers);
    }
    return error;
}

/* --- what the source sums up --- */

static enum summary summary_of(const struct promql_node *call)
{
    static const struct {
        const char *name;
        enum summary summary;
    } functions[] = {
        { "sum_over_time", SUM },         { "avg_over_time", AVG },     { "min_over_time", MIN },
        { "max_over_time", MAX },         { "count_over_time", COUNT }, { "last_over_time", LAST },
        { "present_over_time", PRESENT },
    };
    for (size_t i = 0; call != NULL && i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (strcmp(functions[i].name, call->function->name) == 0) {
            return functions[i].summary;
        }
    }
    return SUMMARY_NONE;
}

static double summary_value(enum summary summary, const struct history_window *window)
{
    switch (summary) {
    case SUM: return window->sum;
    case AVG: return window->sum / (double)window->count;
    case MIN: return window->min;
    case MAX: return window->max;
    case COUNT: return (double)window->count;
    case LAST: return window->last;
    case PRESENT:
    case SUMMARY_NONE: break;
    }
    return 1;
}

/* *done false: the samples have to be looked at. */
static int try_summaries(struct job *job, uint64_t series, bool *done, bool *any)
{
    struct promql_eval *eval = job->eval;
    *done = false;
    if (job->summary == SUMMARY_NONE) {
        return 0;
    }
    int64_t end = promql_moment_time(eval, job->moment, eval->start_us);
    int error = eval->source->windows(eval->source->ctx, series, end, eval->step_us,
                                      job->range->range_us, eval->steps, job->windows);
    if (error == BUSBAR_EUNSUPPORTED || error == BUSBAR_EINVAL) { /* windows too short, too far */
        job->summary = ++job->refusals < REFUSALS_MAX ? job->summary : SUMMARY_NONE;
        return 0;
    }
    job->refusals = 0;
    if (error != 0) {
        return promql_eval_fail(eval, error, "cannot read samples: %s", err_text(error));
    }
    for (size_t i = 0; i < eval->steps; i++) {
        const struct history_window *window = &job->windows[i];
        /* a sum that overflows is worth a closer look */
        if (window->count > 0 && job->summary <= AVG && isinf(window->sum)) {
            promql_fill_absent(job->results, eval->steps);
            *any = false;
            return 0;
        }
        if (window->count > 0) {
            job->results[i] = summary_value(job->summary, window);
            eval->result->stats.samples += window->count;
            *any = true;
        }
    }
    *done = true;
    return 0;
}

/* --- series by series --- */

static int run_series(struct job *job, uint64_t series, bool *any)
{
    bool done;
    int error = try_summaries(job, series, &done, any);
    if (error != 0 || done) {
        return error;
    }
    struct promql_eval *eval = job->eval;
    bool sparse = eval->step_us > SPARSE_GAP_US &&
                  eval->step_us - SPARSE_GAP_US > job->range->range_us;
    size_t stride = sparse ? 1 : eval->steps;
    for (size_t step = 0; step < eval->steps && error == 0; step += stride) {
        error = read_and_run(job, series, step, step + stride, any);
    }
    return error;
}

/* rate() of what does not look like a counter. */
static void note_counter(const struct job *job, const struct promql_row *row)
{
    static const char *const ends[] = { "_total", "_sum", "_count", "_bucket" };
    const struct label *name = labels_get(row->labels, row->label_count, LABEL_METRIC);
    if (!job->counter || name == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t size = strlen(ends[i]);
        if (name->value_size >= size &&
            memcmp(name->value + name->value_size - size, ends[i], size) == 0) {
            return;
        }
    }
    promql_eval_info(job->eval, job->range,
                     "PromQL info: metric might not be a counter, name does not end in "
                     "_total/_sum/_count/_bucket: \"%.*s\"",
                     (int)name->value_size, name->value);
}

static int prepare_results(struct job *job)
{
    int error = 0;
    if (job->results == NULL) {
        job->results = promql_new_values(job->eval, &error);
        if (job->results != NULL) {
            promql_fill_absent(job->results, job->eval->steps);
        }
    }
    return error;
}

/* The row has labels; its values are the results. */
static int keep_results(struct job *job, struct promql_row *row, struct promql_matrix *out)
{
    note_counter(job, row);
    row->values = job->results;
    job->results = NULL;
    int error = job->keeps_name ? 0 : promql_labels_drop_name(job->eval, row);
    return error == 0 ? promql_matrix_put(job->eval, out, row) : error;
}

static int run_selector(struct job *job, struct promql_matrix *out)
{
    struct promql_eval *eval = job->eval;
    const struct promql_node *selector = job->range->left;
    uint64_t *series = NULL;
    size_t count = 0;
    int error = promql_select(eval, selector, &series, &count);
    if (error == 0 && eval->source->windows != NULL && job->moment->at == PROMQL_AT_NONE) {
        job->summary = summary_of(job->call);
    }
    if (error == 0 && job->summary != SUMMARY_NONE) {
        job->windows = busbar_try_alloc(eval->steps * sizeof(*job->windows));
        error = job->windows == NULL ? promql_eval_no_memory(eval) : 0;
    }
    for (size_t i = 0; i < count && error == 0; i++) {
        bool any = false;
        error = promql_eval_check(eval);
        error = error != 0 ? error : prepare_results(job);
        error = error != 0 ? error : run_series(job, series[i], &any);
        if (error != 0 || !any) {
            continue;
        }
        struct promql_row row = { 0 };
        error = promql_series_labels(eval, series[i], &row);
        error = error != 0 ? error : keep_results(job, &row, out);
    }
    busbar_free(series);
    busbar_free(job->windows);
    out->one_name = promql_selector_has_one_name(selector);
    return error;
}

/* The times of an evaluation's steps. */
static int64_t *step_times(const struct promql_eval *eval)
{
    int64_t *times_us = busbar_try_alloc(eval->steps * sizeof(*times_us));
    for (size_t i = 0; i < eval->steps && times_us != NULL; i++) {
        times_us[i] = promql_step_time(eval, i);
    }
    return times_us;
}

static int run_subquery(struct job *job, struct promql_matrix *out)
{
    struct promql_eval *eval = job->eval;
    struct promql_eval inner;
    struct promql_matrix matrix;
    int error = promql_evaluate_subquery(eval, job->range, &inner, &matrix);
    if (error != 0 || matrix.count == 0) {
        return error;
    }
    int64_t *times_us = step_times(&inner);
    error = times_us == NULL ? promql_eval_no_memory(eval) : 0;
    for (size_t i = 0; i < matrix.count && error == 0; i++) {
        struct promql_row row = matrix.rows[i];
        struct promql_numbers numbers = { times_us, row.values, inner.steps };
        error = promql_eval_check(eval);
        error = error != 0 ? error : prepare_results(job);
        bool any = false;
        error = error != 0 ? error : leave_out_stale(job, &numbers);
        error = error != 0 ? error : run_steps(job, &numbers, 0, eval->steps, &any);
        if (error == 0 && any) {
            error = keep_results(job, &row, out);
        }
    }
    busbar_free(times_us);
    out->one_name = matrix.one_name;
    return error;
}

static bool is_counter_function(const struct promql_node *call)
{
    return call != NULL && (strcmp(call->function->name, "rate") == 0 ||
                            strcmp(call->function->name, "increase") == 0);
}

/* The scalar arguments before and after the range. */
static int evaluate_other_args(struct job *job)
{
    for (size_t i = 0; job->call != NULL && i < job->call->arg_count; i++) {
        if (job->call->args[i]->type != PROMQL_SCALAR || job->scalar_count == PROMQL_ARGS_MAX) {
            continue;
        }
        const double *numbers[PROMQL_ARGS_MAX];
        int error = promql_evaluate_scalars(job->eval, job->call, i, i + 1, numbers);
        if (error != 0) {
            return error;
        }
        job->scalars[job->scalar_count++] = numbers[0];
    }
    return 0;
}

int promql_evaluate_windows(struct promql_eval *eval, const struct promql_node *range,
                            const struct promql_node *call, promql_window_fn function,
                            bool keeps_name, struct promql_matrix *out)
{
    *out = (struct promql_matrix){ 0 };
    if (eval->steps == 0) {
        return 0;
    }
    range = promql_unwrap(range);
    bool subquery = range->kind == PROMQL_NODE_SUBQUERY;
    struct job job = { .eval = eval,
                       .call = call,
                       .range = range,
                       .moment = subquery ? &range->moment : &range->left->moment,
                       .function = function,
                       .keeps_name = keeps_name,
                       .counter = is_counter_function(call) };
    int error = evaluate_other_args(&job);
    if (error == 0) {
        error = subquery ? run_subquery(&job, out) : run_selector(&job, out);
    }
    busbar_free(job.times_us);
    busbar_free(job.values);
    if (error != 0 || keeps_name || out->one_name) {
        return error;
    }
    return promql_matrix_check(eval, out);
}
