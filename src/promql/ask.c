/* SPDX-License-Identifier: Apache-2.0 */
/* A question from text to answer: parse, evaluate in one arena, and turn rows into series of
 * points. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "promql/evaluator.h"

const char *promql_type_word(enum promql_type type)
{
    switch (type) {
    case PROMQL_NONE: break;
    case PROMQL_SCALAR: return "scalar";
    case PROMQL_STRING: return "string";
    case PROMQL_VECTOR: return "vector";
    case PROMQL_MATRIX: return "matrix";
    }
    return "none";
}

/* The least digits that give the number back, without exponent from 1e-4 up to 1e6, else as
 * 1.5e+06. */
const char *promql_number_text(double value, char text[PROMQL_NUMBER_MAX])
{
    if (!isfinite(value)) {
        (void)snprintf(text, PROMQL_NUMBER_MAX, "%s",
                       isnan(value) ? "NaN"
                       : value > 0  ? "+Inf"
                                    : "-Inf");
        return text;
    }
    struct decimal decimal = decimal_of(value);
    while (decimal.digits != 0 && decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    int digits = (int)decimal_u64(text, decimal.digits);
    int exponent = decimal.exponent + digits - 1;
    if (exponent >= -4 && exponent < 6) {
        int decimals = decimal.exponent < 0 ? -decimal.exponent : 0;
        (void)snprintf(text, PROMQL_NUMBER_MAX, "%.*f", decimals, value);
    } else {
        (void)snprintf(text, PROMQL_NUMBER_MAX, "%.*e", digits - 1, value);
    }
    return text;
}

/* --- the answer --- */

static size_t count_present(const double *values, size_t count)
{
    size_t present = 0;
    for (size_t i = 0; i < count; i++) {
        present += !promql_is_absent(values[i]);
    }
    return present;
}

static struct promql_series *new_series(struct promql_eval *eval, size_t count)
{
    return arena_alloc_array(eval->arena, count, sizeof(struct promql_series));
}

/* Rows with at least one value. */
static int give_rows(struct promql_eval *eval, const struct promql_matrix *matrix)
{
    struct promql_result *result = eval->result;
    result->series = new_series(eval, matrix->count);
    if (result->series == NULL) {
        return promql_eval_no_memory(eval);
    }
    for (size_t i = 0; i < matrix->count; i++) {
        const struct promql_row *row = &matrix->rows[i];
        size_t count = count_present(row->values, eval->steps);
        if (count == 0) {
            continue;
        }
        struct promql_series *series = &result->series[result->count++];
        series->labels = row->labels;
        series->label_count = row->label_count;
        series->points = arena_alloc_array(eval->arena, count, sizeof(*series->points));
        if (series->points == NULL) {
            return promql_eval_no_memory(eval);
        }
        for (size_t step = 0; step < eval->steps; step++) {
            if (!promql_is_absent(row->values[step])) {
                series->points[series->count++] = (struct promql_point){
                    promql_step_time(eval, step), row->values[step]
                };
            }
        }
    }
    return 0;
}

static int compare_series(const void *left, const void *right)
{
    const struct promql_series *a = left, *b = right;
    return labels_compare(a->labels, a->label_count, b->labels, b->label_count);
}

static void sort_series(struct promql_result *result)
{
    if (result->count > 1) {
        qsort(result->series, result->count, sizeof(*result->series), compare_series);
    }
}

/* Numbers that are no stale markers, as points of a new series. */
static int give_points(struct promql_eval *eval, const struct promql_row *row,
                       const struct promql_numbers *numbers)
{
    struct promql_result *result = eval->result;
    size_t count = count_present(numbers->values, numbers->count);
    if (count == 0) {
        return 0;
    }
    struct promql_point *points = arena_alloc_array(eval->arena, count, sizeof(*points));
    if (points == NULL) {
        return promql_eval_no_memory(eval);
    }
    struct promql_series *series = &result->series[result->count++];
    *series = (struct promql_series){ row->labels, row->label_count, points, 0 };
    for (size_t i = 0; i < numbers->count; i++) {
        if (!history_is_stale(numbers->values[i])) {
            points[series->count++] = (struct promql_point){ numbers->times_us[i],
                                                             numbers->values[i] };
        }
    }
    return promql_count_samples(eval, count);
}

/* selector[5m] as a whole query: the samples themselves. */
static int give_samples(struct promql_eval *eval, const struct promql_node *range)
{
    uint64_t *ids = NULL;
    size_t count = 0;
    int error = promql_select(eval, range->left, &ids, &count);
    if (error == 0) {
        eval->result->series = new_series(eval, count);
        error = eval->result->series == NULL ? promql_eval_no_memory(eval) : 0;
    }
    int64_t end = promql_moment_time(eval, &range->left->moment, eval->start_us);
    int64_t from = promql_time_add(promql_time_sub(end, range->range_us), 1);
    for (size_t i = 0; i < count && error == 0; i++) {
        struct promql_numbers numbers;
        error = promql_eval_check(eval);
        if (error == 0) {
            error = promql_numbers_read(eval, ids[i], from, promql_time_add(end, 1), &numbers);
        }
        if (error != 0 || numbers.count == 0) {
            continue;
        }
        struct promql_row row = { 0 };
        error = promql_series_labels(eval, ids[i], &row);
        error = error != 0 ? error : give_points(eval, &row, &numbers);
        promql_numbers_done(eval, &numbers);
    }
    busbar_free(ids);
    return error;
}

static int give_range(struct promql_eval *eval, const struct promql_node *root)
{
    root = promql_unwrap(root);
    int error = 0;
    if (root->kind == PROMQL_NODE_SUBQUERY) {
        struct promql_eval inner;
        struct promql_matrix matrix;
        error = promql_evaluate_subquery(eval, root, &inner, &matrix);
        error = error != 0 ? error : give_rows(&inner, &matrix);
    } else {
        error = give_samples(eval, root);
    }
    sort_series(eval->result);
    return error;
}

static int give_scalar(struct promql_eval *eval, const struct promql_matrix *matrix)
{
    if (matrix->count != 1) {
        return promql_eval_fail(eval, BUSBAR_EINTERNAL, "a scalar has no value");
    }
    eval->result->scalar = (struct promql_point){ eval->start_us, matrix->rows[0].values[0] };
    return 0;
}

static int give(struct promql_eval *eval, const struct promql_node *root, bool instant)
{
    struct promql_result *result = eval->result;
    result->type = instant ? root->type : PROMQL_MATRIX;
    if (root->type == PROMQL_STRING) {
        result->string = promql_unwrap(root)->string;
        return 0;
    }
    if (root->type == PROMQL_MATRIX) {
        return give_range(eval, root);
    }
    struct promql_matrix matrix;
    int error = promql_evaluate(eval, root, &matrix);
    if (error != 0) {
        return error;
    }
    if (instant && root->type == PROMQL_SCALAR) {
        return give_scalar(eval, &matrix);
    }
    error = give_rows(eval, &matrix);
    if (!instant) {
        sort_series(result);
    }
    return error;
}

/* --- the question --- */

static void fill_limits(struct promql_question *question)
{
    struct promql_limits *limits = &question->limits;
    limits->series_max = limits->series_max > 0 ? limits->series_max : PROMQL_SERIES_DEFAULT;
    limits->samples_max = limits->samples_max > 0 ? limits->samples_max : PROMQL_SAMPLES_DEFAULT;
    limits->points_max = limits->points_max > 0 ? limits->points_max : PROMQL_POINTS_DEFAULT;
    limits->bytes_max = limits->bytes_max > 0 ? limits->bytes_max : PROMQL_BYTES_DEFAULT;
    limits->timeout_us = limits->timeout_us > 0 ? limits->timeout_us : PROMQL_TIMEOUT_DEFAULT_US;
    question->lookback_us = question->lookback_us > 0 ? question->lookback_us : PROMQL_LOOKBACK_US;
}

/* The steps of the question. */
static int count_steps(struct promql_eval *eval, struct promql_question *question)
{
    eval->start_us = question->start_us;
    eval->step_us = question->step_us > 0 ? question->step_us : 1;
    if (question->step_us < 0 || question->start_us == INT64_MIN) {
        return promql_eval_fail(eval, BUSBAR_EINVAL, "the step of a query must be above zero");
    }
    if (question->step_us == 0) {
        question->end_us = question->start_us;
    }
    if (question->end_us < question->start_us) {
        return promql_eval_fail(eval, BUSBAR_EINVAL, "the end of a query is before its start");
    }
    if ((uint64_t)question->end_us - (uint64_t)question->start_us > INT64_MAX) {
        return promql_eval_fail(eval, BUSBAR_EINVAL,
                                "the end of a query is too far from its start");
    }
    uint64_t steps = ((uint64_t)question->end_us - (uint64_t)question->start_us) /
                     (uint64_t)eval->step_us;
    if (steps >= question->limits.points_max && question->step_us > 0) {
        int code = promql_eval_fail(eval, BUSBAR_ELIMIT,
                                    "the query has more than %zu points per series",
                                    question->limits.points_max);
        err_hint(eval->err, "take a longer step or a shorter time, or raise the limit on points of "
                            "a query");
        return code;
    }
    eval->steps = (size_t)steps + 1;
    return 0;
}

static int check_root(struct promql_eval *eval, const struct promql_node *root, bool instant)
{
    if (instant || root->type == PROMQL_SCALAR || root->type == PROMQL_VECTOR) {
        return 0;
    }
    return promql_eval_fail(eval, BUSBAR_ESYNTAX,
                            "invalid expression type \"%s\" for range query, must be Scalar or "
                            "instant Vector",
                            root->type == PROMQL_MATRIX ? "range vector" : "string");
}

static int ask(struct promql_eval *eval, struct promql_question *question)
{
    struct promql_result *result = eval->result;
    int64_t begin = clock_mono_us();
    eval->deadline_us = promql_time_add(begin, question->limits.timeout_us);
    bool instant = question->step_us == 0;
    struct promql_node *root = NULL;
    int error = count_steps(eval, question);
    error = error != 0 ? error : promql_parse(question->text, eval->arena, &root, eval->err);
    result->stats.parse_us = clock_mono_us() - begin;
    error = error != 0 ? error : check_root(eval, root, instant);
    error = error != 0 ? error : give(eval, root, instant);
    result->stats.evaluate_us = clock_mono_us() - begin - result->stats.parse_us;
    uint64_t damaged = error == 0 && eval->source->damaged != NULL
                           ? eval->source->damaged(eval->source->ctx)
                           : 0;
    if (damaged > 0) {
        promql_eval_warn(eval, NULL,
                         "%llu pieces of the history are damaged and missing here: see `busbar "
                         "history verify`",
                         (unsigned long long)damaged);
    }
    const char *missing = error == 0 && eval->source->missing != NULL
                              ? eval->source->missing(eval->source->ctx)
                              : NULL;
    if (missing != NULL) {
        promql_eval_warn(eval, NULL, "%s", missing);
    }
    return error;
}

int promql_ask(const struct promql_source *source, const struct promql_question *asked,
               struct promql_result *result, struct err *err)
{
    struct promql_question question = *asked;
    fill_limits(&question);
    *result = (struct promql_result){ 0 };
    arena_init(&result->arena, question.limits.bytes_max);
    struct err unheard = { 0 };
    struct promql_eval eval = {
        .source = source,
        .question = &question,
        .arena = &result->arena,
        .result = result,
        .err = err != NULL ? err : &unheard,
    };
    int error = ask(&eval, &question);
    if (error != 0) {
        promql_result_free(result);
    }
    return error;
}

void promql_result_free(struct promql_result *result)
{
    arena_fini(&result->arena);
    *result = (struct promql_result){ 0 };
}
