/* SPDX-License-Identifier: Apache-2.0 */
/* Functions between numbers and vectors, over times, over what is not there, and of order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "promql/evaluator.h"
#include "promql/functions_private.h"

/* --- numbers --- */

/* A matrix of one row without labels. NULL: *error. */
static double *number_row(struct promql_eval *eval, struct promql_matrix *out, int *error)
{
    *out = (struct promql_matrix){ .one_name = true };
    struct promql_row *row = promql_matrix_add(eval, out, NULL, 0, error);
    return row != NULL ? row->values : NULL;
}

int promql_special_pi(struct promql_eval *eval, const struct promql_node *call,
                      struct promql_matrix *out)
{
    int error = 0;
    double *values = number_row(eval, out, &error);
    (void)call;
    for (size_t i = 0; values != NULL && i < eval->steps; i++) {
        values[i] = 3.14159265358979323846;
    }
    return error;
}

int promql_special_time(struct promql_eval *eval, const struct promql_node *call,
                        struct promql_matrix *out)
{
    int error = 0;
    double *values = number_row(eval, out, &error);
    (void)call;
    for (size_t i = 0; values != NULL && i < eval->steps; i++) {
        values[i] = (double)promql_step_time(eval, i) / 1e6;
    }
    return error;
}

int promql_special_vector(struct promql_eval *eval, const struct promql_node *call,
                          struct promql_matrix *out)
{
    int error = promql_evaluate(eval, call->args[0], out);
    out->one_name = true;
    return error;
}

/* NaN where there is none or more than one. */
int promql_special_scalar(struct promql_eval *eval, const struct promql_node *call,
                          struct promql_matrix *out)
{
    struct promql_matrix input;
    int error = promql_evaluate(eval, call->args[0], &input);
    double *values = error == 0 ? number_row(eval, out, &error) : NULL;
    for (size_t step = 0; values != NULL && step < eval->steps; step++) {
        size_t found = 0;
        for (size_t i = 0; i < input.count && found < 2; i++) {
            double value = input.rows[i].values[step];
            if (!promql_is_absent(value)) {
                values[step] = value;
                found++;
            }
        }
        values[step] = found == 1 ? values[step] : NAN;
    }
    return error;
}

/* --- times --- */

/* Of a selector the times of its samples, of anything else the time of the step. */
int promql_special_timestamp(struct promql_eval *eval, const struct promql_node *call,
                             struct promql_matrix *out)
{
    const struct promql_node *arg = promql_unwrap(call->args[0]);
    bool selector = arg->kind == PROMQL_NODE_SELECTOR;
    int error = selector ? promql_evaluate_times(eval, arg, out) : promql_evaluate(eval, arg, out);
    for (size_t i = 0; error == 0 && !selector && i < out->count; i++) {
        double *values = out->rows[i].values;
        for (size_t step = 0; step < eval->steps; step++) {
            if (!promql_is_absent(values[step])) {
                values[step] = (double)promql_step_time(eval, step) / 1e6;
            }
        }
    }
    out->ordered = false;
    return error == 0 ? promql_matrix_drop_names(eval, out) : error;
}

/* --- what is not there --- */

/* The labels that a selector asks for with `=`, each once: those of the series that is missing. */
static int labels_asked(struct promql_eval *eval, const struct promql_node *selector,
                        struct promql_row *row)
{
    for (size_t i = 0; i < selector->matcher_count; i++) {
        const struct label_matcher *matcher = &selector->matchers[i];
        bool first = matcher->match == LABEL_EQUAL;
        if (strcmp(matcher->name, LABEL_METRIC) == 0) {
            continue;
        }
        for (size_t k = 0; k < i && first; k++) {
            first = selector->matchers[k].match != LABEL_EQUAL ||
                    strcmp(selector->matchers[k].name, matcher->name) != 0;
        }
        int error = promql_labels_with(eval, row, matcher->name, matcher->value,
                                       first ? strlen(matcher->value) : 0);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* 1 at the steps where no row of `input` has a value; selector may be NULL. */
static int turn_absent(struct promql_eval *eval, const struct promql_matrix *input,
                       const struct promql_node *selector, struct promql_matrix *out)
{
    int error = 0;
    *out = (struct promql_matrix){ .one_name = true };
    struct promql_row *row = promql_matrix_add(eval, out, NULL, 0, &error);
    if (row != NULL && selector != NULL) {
        error = labels_asked(eval, selector, row);
    }
    for (size_t step = 0; error == 0 && step < eval->steps; step++) {
        bool any = false;
        for (size_t i = 0; i < input->count && !any; i++) {
            any = !promql_is_absent(input->rows[i].values[step]);
        }
        if (!any) {
            row->values[step] = 1;
        }
    }
    if (error == 0) {
        promql_matrix_prune(eval, out);
    }
    return error;
}

int promql_special_absent(struct promql_eval *eval, const struct promql_node *call,
                          struct promql_matrix *out)
{
    struct promql_matrix input;
    const struct promql_node *arg = call->args[0];
    int error = promql_evaluate(eval, arg, &input);
    return error != 0
               ? error
               : turn_absent(eval, &input, arg->kind == PROMQL_NODE_SELECTOR ? arg : NULL, out);
}

int promql_special_absent_over_time(struct promql_eval *eval, const struct promql_node *call,
                                    struct promql_matrix *out)
{
    struct promql_matrix input;
    const struct promql_node *arg = promql_unwrap(call->args[0]);
    int error = promql_evaluate_windows(eval, arg, NULL, promql_window_present_over_time, true,
                                        &input);
    return error != 0
               ? error
               : turn_absent(eval, &input, arg->kind == PROMQL_NODE_RANGE ? arg->left : NULL, out);
}

/* --- order --- */

/* NaN last in both directions; labels decide between equals, so that answers are the same each time. */
static int compare_rows(const struct promql_row *a, const struct promql_row *b, bool descending)
{
    double left = a->values[0];
    double right = b->values[0];
    if (isnan(left) || isnan(right)) {
        if (isnan(left) != isnan(right)) {
            return isnan(left) ? 1 : -1;
        }
    } else if (left != right) {
        return (left < right) != descending ? -1 : 1;
    }
    return labels_compare(a->labels, a->label_count, b->labels, b->label_count);
}

static int compare_up(const void *a, const void *b)
{
    return compare_rows(a, b, false);
}

static int compare_down(const void *a, const void *b)
{
    return compare_rows(a, b, true);
}

/* Only an instant query has an order. */
static int sort_rows(struct promql_eval *eval, const struct promql_node *call,
                     int (*compare)(const void *, const void *), struct promql_matrix *out)
{
    int error = promql_evaluate(eval, call->args[0], out);
    if (error == 0 && eval->steps == 1) {
        promql_matrix_prune(eval, out);
        if (out->count > 0) {
            qsort(out->rows, out->count, sizeof(out->rows[0]), compare);
        }
        out->ordered = true;
    }
    return error;
}

int promql_special_sort(struct promql_eval *eval, const struct promql_node *call,
                        struct promql_matrix *out)
{
    return sort_rows(eval, call, compare_up, out);
}

int promql_special_sort_desc(struct promql_eval *eval, const struct promql_node *call,
                             struct promql_matrix *out)
{
    return sort_rows(eval, call, compare_down, out);
}
