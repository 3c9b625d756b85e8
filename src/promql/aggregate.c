/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregations. Each row gets its group once; then a group after the other is computed over all
 * steps in one set of columns (sums, counts ...) that is used again for the next. Sums are
 * compensated (Neumaier), an average is the sum divided unless the sum overflows, variance is
 * Welford's: as Prometheus 3.5. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "promql/evaluator.h"
#include "promql/keys.h"
#include "promql/sum.h"

/* Columns of the group at hand, steps of each. */
struct columns {
    double *counts; /* 0: no value at this step */
    double *sums;   /* sum; min, max; Welford's sum of squares */
    double *rests;  /* compensation of sums, or of means */
    double *means;  /* Welford's mean; average after an overflow, then `overflown` */
    uint8_t *overflown;
};

static int columns_init(struct promql_eval *eval, struct columns *columns)
{
    size_t steps = eval->steps;
    columns->counts = busbar_try_alloc(steps * (4 * sizeof(double) + 1));
    if (columns->counts == NULL) {
        return promql_eval_no_memory(eval);
    }
    columns->sums = columns->counts + steps;
    columns->rests = columns->sums + steps;
    columns->means = columns->rests + steps;
    columns->overflown = (uint8_t *)(columns->means + steps);
    return 0;
}

static void add_compensated(double value, double *sum, double *rest)
{
    struct promql_sum both = { *sum, *rest };
    promql_sum_add(&both, value);
    *sum = both.sum;
    *rest = both.rest;
}

/* The running mean once the sum no longer fits a double. */
static void add_to_mean(struct columns *to, size_t step, double value)
{
    double count = to->counts[step]; /* with this value */
    if (isinf(to->means[step])) {
        bool same = isinf(value) && (to->means[step] > 0) == (value > 0);
        if (same || isfinite(value)) {
            return; /* the mean stays as infinite as it is */
        }
    }
    double mean = to->means[step] + to->rests[step];
    add_compensated(value / count - mean / count, &to->means[step], &to->rests[step]);
}

static void add_to_average(struct columns *to, size_t step, double value)
{
    if (to->counts[step]++ == 0) {
        to->sums[step] = value;
        to->rests[step] = 0;
        to->overflown[step] = 0;
        return;
    }
    if (!to->overflown[step]) {
        double sum = to->sums[step], rest = to->rests[step];
        add_compensated(value, &sum, &rest);
        if (!isinf(sum)) {
            to->sums[step] = sum;
            to->rests[step] = rest;
            return;
        }
        double before = to->counts[step] - 1;
        to->overflown[step] = 1;
        to->means[step] = to->sums[step] / before;
        to->rests[step] /= before;
    }
    add_to_mean(to, step, value);
}

static void add_to_variance(struct columns *to, size_t step, double value)
{
    if (to->counts[step]++ == 0) {
        to->sums[step] = isfinite(value) ? 0 : (double)NAN;
        to->means[step] = value;
        return;
    }
    double delta = value - to->means[step];
    to->means[step] += delta / to->counts[step];
    to->sums[step] += delta * (value - to->means[step]);
}

static inline __attribute__((always_inline)) void add_value(enum promql_aggregation aggregation,
                                                            struct columns *to, size_t step,
                                                            double value)
{
    switch (aggregation) {
    case PROMQL_AGG_SUM:
        if (to->counts[step]++ == 0) {
            to->sums[step] = value;
            to->rests[step] = 0;
        } else {
            add_compensated(value, &to->sums[step], &to->rests[step]);
        }
        break;
    case PROMQL_AGG_MIN:
        if (to->counts[step]++ == 0 || to->sums[step] > value || isnan(to->sums[step])) {
            to->sums[step] = value;
        }
        break;
    case PROMQL_AGG_MAX:
        if (to->counts[step]++ == 0 || to->sums[step] < value || isnan(to->sums[step])) {
            to->sums[step] = value;
        }
        break;
    case PROMQL_AGG_AVG: add_to_average(to, step, value); break;
    case PROMQL_AGG_STDDEV:
    case PROMQL_AGG_STDVAR: add_to_variance(to, step, value); break;
    default: /* count, group */ to->counts[step]++; break;
    }
}

static inline __attribute__((always_inline)) void add_row(enum promql_aggregation aggregation,
                                                          struct columns *to, const double *values,
                                                          size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        if (!promql_is_absent(values[i])) {
            add_value(aggregation, to, i, values[i]);
        }
    }
}

/* The aggregation is a constant in each loop. */
static void add_any_row(enum promql_aggregation aggregation, struct columns *to,
                        const double *values, size_t steps)
{
    switch (aggregation) {
    case PROMQL_AGG_SUM: add_row(PROMQL_AGG_SUM, to, values, steps); break;
    case PROMQL_AGG_MIN: add_row(PROMQL_AGG_MIN, to, values, steps); break;
    case PROMQL_AGG_MAX: add_row(PROMQL_AGG_MAX, to, values, steps); break;
    case PROMQL_AGG_AVG: add_row(PROMQL_AGG_AVG, to, values, steps); break;
    case PROMQL_AGG_STDDEV:
    case PROMQL_AGG_STDVAR: add_row(PROMQL_AGG_STDVAR, to, values, steps); break;
    default: add_row(PROMQL_AGG_COUNT, to, values, steps); break;
    }
}

static double column_result(enum promql_aggregation aggregation, const struct columns *columns,
                            size_t step)
{
    double count = columns->counts[step];
    switch (aggregation) {
    case PROMQL_AGG_SUM: return columns->sums[step] + columns->rests[step];
    case PROMQL_AGG_AVG:
        return columns->overflown[step] ? columns->means[step] + columns->rests[step]
                                        : (columns->sums[step] + columns->rests[step]) / count;
    case PROMQL_AGG_COUNT: return count;
    case PROMQL_AGG_GROUP: return 1;
    case PROMQL_AGG_STDVAR: return columns->sums[step] / count;
    case PROMQL_AGG_STDDEV: return sqrt(columns->sums[step] / count);
    default: return columns->sums[step];
    }
}

static int aggregate_group(struct promql_eval *eval, const struct promql_groups *groups,
                           size_t group, struct columns *columns, double *results)
{
    enum promql_aggregation aggregation = groups->node->aggregation;
    memset(columns->counts, 0, eval->steps * sizeof(*columns->counts));
    for (size_t i = groups->starts[group]; i < groups->starts[group + 1]; i++) {
        const struct promql_row *row = &groups->input->rows[groups->members[i]];
        add_any_row(aggregation, columns, row->values, eval->steps);
        int error = i % 64 == 63 ? promql_eval_check(eval) : 0;
        if (error != 0) {
            return error;
        }
    }
    for (size_t i = 0; i < eval->steps; i++) {
        if (columns->counts[i] > 0) {
            results[i] = column_result(aggregation, columns, i);
        }
    }
    return 0;
}

/* --- quantile --- */

/* NaN comes first. */
static int compare_values(const void *left, const void *right)
{
    double a, b;
    memcpy(&a, left, sizeof(a));
    memcpy(&b, right, sizeof(b));
    return isnan(a) || isnan(b) ? isnan(b) - isnan(a) : (a > b) - (a < b);
}

double promql_quantile(double q, double *values, size_t count)
{
    if (count == 0 || isnan(q)) {
        return (double)NAN;
    }
    if (q < 0 || q > 1) {
        return q < 0 ? (double)-INFINITY : (double)INFINITY;
    }
    qsort(values, count, sizeof(*values), compare_values);
    double rank = q * (double)(count - 1);
    size_t lower = (size_t)floor(rank);
    size_t upper = lower + 1 < count ? lower + 1 : count - 1;
    double weight = rank - floor(rank);
    return values[lower] * (1 - weight) + values[upper] * weight;
}

void promql_warn_quantile(struct promql_eval *eval, const struct promql_node *node, double q)
{
    if (!(q >= 0 && q <= 1)) {
        char text[PROMQL_NUMBER_MAX];
        promql_eval_warn(eval, node,
                         "PromQL warning: quantile value should be between 0 and 1, got %s",
                         promql_number_text(q, text));
    }
}

static int quantile_group(struct promql_eval *eval, const struct promql_groups *groups,
                          size_t group, double *values, double *results)
{
    for (size_t step = 0; step < eval->steps; step++) {
        size_t count = 0;
        for (size_t i = groups->starts[group]; i < groups->starts[group + 1]; i++) {
            double value = groups->input->rows[groups->members[i]].values[step];
            values[count] = value;
            count += !promql_is_absent(value);
        }
        if (count > 0) {
            results[step] = promql_quantile(groups->param[step], values, count);
        }
        int error = promql_eval_check(eval);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* Above the highest and below the lowest of all steps, and NaN: a warning each. */
static void warn_quantiles(struct promql_eval *eval, const struct promql_groups *groups)
{
    double low = 0, high = 1;
    for (size_t i = 0; i < eval->steps; i++) {
        double q = groups->param[i];
        if (isnan(q)) {
            promql_warn_quantile(eval, groups->node->param, q);
        }
        low = q < low ? q : low;
        high = q > high ? q : high;
    }
    promql_warn_quantile(eval, groups->node->param, low);
    promql_warn_quantile(eval, groups->node->param, high);
}

/* --- groups --- */

static int aggregate_groups(struct promql_eval *eval, const struct promql_groups *groups,
                            struct promql_matrix *out)
{
    bool quantile = groups->node->aggregation == PROMQL_AGG_QUANTILE;
    struct columns columns = { 0 };
    double *values = NULL;
    int error = 0;
    if (quantile) {
        warn_quantiles(eval, groups);
        values = busbar_try_alloc(groups->input->count * sizeof(*values));
        error = values == NULL ? promql_eval_no_memory(eval) : 0;
    } else {
        error = columns_init(eval, &columns);
    }
    for (size_t group = 0; group < groups->count && error == 0; group++) {
        const struct promql_key *key = &groups->keys[group];
        struct promql_row *row = promql_matrix_add(eval, out, key->labels, key->label_count,
                                                   &error);
        if (row != NULL) {
            error = quantile ? quantile_group(eval, groups, group, values, row->values)
                             : aggregate_group(eval, groups, group, &columns, row->values);
        }
    }
    busbar_free(values);
    busbar_free(columns.counts);
    out->one_name = false;
    return error;
}

static int aggregate_input(struct promql_eval *eval, struct promql_groups *groups,
                           struct promql_matrix *out)
{
    const struct promql_node *node = groups->node;
    struct promql_rule rule = { node->labels, node->label_count, !node->without };
    struct promql_keys keys;
    uint32_t *ordinals = NULL;
    int error = promql_keys_init(eval, &keys, node->label_count > 0 ? groups->input->count : 1);
    if (error == 0) {
        error = promql_keys_of_rows(eval, &keys, &rule, groups->input, &ordinals);
    }
    if (error == 0) {
        error = promql_keys_members(eval, ordinals, groups->input->count, keys.count,
                                    &groups->starts, &groups->members);
    }
    if (error == 0) {
        groups->count = keys.count;
        groups->keys = keys.keys;
        bool picks = node->aggregation == PROMQL_AGG_TOPK ||
                     node->aggregation == PROMQL_AGG_BOTTOMK ||
                     node->aggregation == PROMQL_AGG_LIMITK ||
                     node->aggregation == PROMQL_AGG_LIMIT_RATIO;
        error = picks ? promql_pick_rows(eval, groups, out) : aggregate_groups(eval, groups, out);
    }
    busbar_free(groups->starts);
    busbar_free(groups->members);
    busbar_free(ordinals);
    promql_keys_fini(&keys);
    return error;
}

int promql_evaluate_aggregate(struct promql_eval *eval, const struct promql_node *node,
                              struct promql_matrix *out)
{
    struct promql_matrix input, param = { 0 };
    bool counts_values = node->aggregation == PROMQL_AGG_COUNT_VALUES;
    int error = 0;
    if (node->param != NULL && !counts_values) {
        error = promql_evaluate(eval, node->param, &param);
    }
    if (error == 0) {
        error = promql_evaluate(eval, node->left, &input);
    }
    if (error != 0) {
        return error;
    }
    if (counts_values) {
        return promql_count_values(eval, node, &input, out);
    }
    if (node->param != NULL && param.count != 1) {
        return promql_eval_fail(eval, BUSBAR_EINTERNAL, "the parameter of %s has no value",
                                promql_aggregation_word(node->aggregation));
    }
    struct promql_groups groups = {
        .node = node,
        .input = &input,
        .param = node->param != NULL ? param.rows[0].values : NULL,
    };
    return aggregate_input(eval, &groups, out);
}
