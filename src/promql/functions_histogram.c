/* SPDX-License-Identifier: Apache-2.0 */
/* Classic histograms: series that differ in `le` alone are the buckets of one, each counting what is at most le.
 * Counts that fall from one bucket to the next are lifted; tiny differences, which come from adding doubles,
 * are no differences. There are no native histograms here: their functions give nothing for floats. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "promql/evaluator.h"
#include "promql/functions_private.h"
#include "promql/keys.h"
#include "promql/literal.h"

#define TINY_DIFFERENCE 1e-12

static const char le[] = "le";

struct bucket {
    double most, count;
};

/* A series that is a bucket. */
struct bucket_row {
    double most;
    uint32_t group, row;
};

/* Makes a number of the buckets of a step, which are in order, at least one. */
struct measure {
    double (*of)(struct bucket *buckets, size_t count, const double *args, bool *lifted);
    const double *args[2]; /* at each step */
    size_t arg_count;
    const struct promql_node *vector; /* for notes */
};

/* --- buckets of a step --- */

static size_t join_equal(struct bucket *buckets, size_t count)
{
    size_t kept = 0;
    for (size_t i = 1; i < count; i++) {
        if (buckets[i].most == buckets[kept].most) {
            buckets[kept].count += buckets[i].count;
        } else {
            buckets[++kept] = buckets[i];
        }
    }
    return kept + 1;
}

static bool nearly_equal(double a, double b)
{
    double sum = fabs(a) + fabs(b);
    double difference = fabs(a - b);
    if (a == b) {
        return true;
    }
    if (a == 0 || b == 0 || sum < DBL_MIN) {
        return difference < TINY_DIFFERENCE * DBL_MIN;
    }
    return difference / fmin(sum, DBL_MAX) < TINY_DIFFERENCE;
}

/* True: a count was lifted that was too low by more than a rounding error. */
static bool lift(struct bucket *buckets, size_t count)
{
    bool lifted = false;
    double before = buckets[0].count;
    for (size_t i = 1; i < count; i++) {
        double now = buckets[i].count;
        if (nearly_equal(before, now)) {
            buckets[i].count = before;
        } else if (now < before) {
            buckets[i].count = before;
            lifted = true;
        } else {
            before = now;
        }
    }
    return lifted;
}

static bool ends_with_all(const struct bucket *buckets, size_t count)
{
    return isinf(buckets[count - 1].most) && buckets[count - 1].most > 0;
}

/* args: q */
static double quantile_of(struct bucket *buckets, size_t count, const double *args, bool *lifted)
{
    double q = args[0];
    if (isnan(q) || q < 0 || q > 1) {
        return isnan(q) ? NAN : q < 0 ? -INFINITY : INFINITY;
    }
    if (!ends_with_all(buckets, count)) {
        return NAN;
    }
    count = join_equal(buckets, count);
    *lifted = lift(buckets, count);
    if (count < 2 || buckets[count - 1].count == 0) {
        return NAN;
    }
    double rank = q * buckets[count - 1].count;
    size_t at = 0;
    while (at < count - 1 && !(buckets[at].count >= rank)) {
        at++;
    }
    if (at == count - 1) {
        return buckets[count - 2].most;
    }
    if (at == 0 && buckets[0].most <= 0) {
        return buckets[0].most;
    }
    double low = at > 0 ? buckets[at - 1].most : 0;
    double below = at > 0 ? buckets[at - 1].count : 0;
    return low + (buckets[at].most - low) * ((rank - below) / (buckets[at].count - below));
}

/* How many are below a limit, straight between the ends of the bucket it lies in. The lowest bucket has no lower end: a
 * limit in it gives NaN, as in Prometheus 3.5. */
static double rank_of(const struct bucket *buckets, size_t count, double limit)
{
    double rank = 0;
    for (size_t i = 0; i < count; i++) {
        double low = i > 0 ? buckets[i - 1].most : -INFINITY;
        double high = buckets[i].most;
        if (low >= limit) {
            return rank;
        }
        if (high > limit) {
            return rank + (buckets[i].count - rank) * (limit - low) / (high - low);
        }
        rank = buckets[i].count;
    }
    return buckets[count - 1].count;
}

/* args: lower, upper */
static double fraction_of(struct bucket *buckets, size_t count, const double *args, bool *lifted)
{
    (void)lifted;
    if (!ends_with_all(buckets, count)) {
        return NAN;
    }
    count = join_equal(buckets, count);
    double all = buckets[count - 1].count;
    if (all == 0 || isnan(args[0]) || isnan(args[1])) {
        return NAN;
    }
    if (args[0] >= args[1]) {
        return 0;
    }
    double lower = rank_of(buckets, count, args[0]);
    double upper = rank_of(buckets, count, args[1]);
    return ((upper > all ? all : upper) - (lower > all ? all : lower)) / all;
}

/* --- series to histograms --- */

static bool parse_le(const struct label *label, double *most)
{
    const char *text = label->value;
    size_t size = label->value_size;
    bool negative = size > 0 && text[0] == '-';
    size_t sign = size > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    if (promql_parse_number(text + sign, size - sign, most) != 0) {
        return false;
    }
    *most = negative ? -*most : *most;
    return true;
}

static void warn_of_le(struct promql_eval *eval, const struct promql_node *vector,
                       const struct promql_row *row, const struct label *label)
{
    const struct label *name = labels_get(row->labels, row->label_count, LABEL_METRIC);
    promql_eval_warn(eval, vector,
                     "PromQL warning: bucket label \"le\" is missing or has a malformed value of "
                     "\"%.*s\" for metric name \"%.*s\"",
                     label != NULL ? (int)label->value_size : 0, label != NULL ? label->value : "",
                     name != NULL ? (int)name->value_size : 0, name != NULL ? name->value : "");
}

/* The rows that are buckets, with the histogram they belong to. */
static int find_buckets(struct promql_eval *eval, const struct promql_matrix *input,
                        const struct promql_node *vector, struct promql_keys *keys,
                        struct bucket_row *rows, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < input->count; i++) {
        struct promql_row row = input->rows[i];
        const struct label *label = labels_get(row.labels, row.label_count, le);
        double most;
        size_t group;
        bool found;
        if (label == NULL || !parse_le(label, &most)) {
            warn_of_le(eval, vector, &row, label);
            continue;
        }
        int error = promql_labels_with(eval, &row, le, "", 0);
        error = error == 0
                    ? promql_keys_put(eval, keys, row.labels, row.label_count, &group, &found)
                    : error;
        if (error != 0) {
            return error;
        }
        rows[(*count)++] = (struct bucket_row){ .most = most,
                                                .group = (uint32_t)group,
                                                .row = (uint32_t)i };
    }
    return 0;
}

static int compare_buckets(const void *a, const void *b)
{
    const struct bucket_row *left = a;
    const struct bucket_row *right = b;
    if (left->group != right->group) {
        return left->group < right->group ? -1 : 1;
    }
    return left->most < right->most ? -1 : left->most > right->most;
}

/* One histogram: `rows` are its buckets in order. */
static int measure_one(struct promql_eval *eval, const struct measure *measure,
                       const struct promql_matrix *input, const struct bucket_row *rows,
                       size_t count, struct bucket *buckets, double *values)
{
    for (size_t step = 0; step < eval->steps; step++) {
        size_t present = 0;
        bool lifted = false;
        double args[2] = { 0 };
        for (size_t i = 0; i < count; i++) {
            double value = input->rows[rows[i].row].values[step];
            if (!promql_is_absent(value)) {
                buckets[present++] = (struct bucket){ .most = rows[i].most, .count = value };
            }
        }
        if (present == 0) {
            continue;
        }
        for (size_t i = 0; i < measure->arg_count; i++) {
            args[i] = measure->args[i][step];
        }
        values[step] = measure->of(buckets, present, args, &lifted);
        if (lifted) {
            promql_eval_info(eval, measure->vector,
                             "PromQL info: input to histogram_quantile needed to be fixed for "
                             "monotonicity: a bucket counts less than the one below it");
        }
    }
    return promql_eval_check(eval);
}

static int measure_all(struct promql_eval *eval, const struct measure *measure,
                       const struct promql_matrix *input, const struct promql_keys *keys,
                       const struct bucket_row *rows, size_t count, struct promql_matrix *out)
{
    int error = 0;
    struct bucket *buckets = arena_alloc_array(eval->arena, count, sizeof(*buckets));
    if (buckets == NULL) {
        return promql_eval_no_memory(eval);
    }
    for (size_t begin = 0, end; begin < count && error == 0; begin = end) {
        const struct promql_key *key = &keys->keys[rows[begin].group];
        for (end = begin; end < count && rows[end].group == rows[begin].group; end++) {
        }
        struct promql_row *row = promql_matrix_add(eval, out, key->labels, key->label_count,
                                                   &error);
        if (row != NULL) {
            error = measure_one(eval, measure, input, rows + begin, end - begin, buckets,
                                row->values);
        }
    }
    return error;
}

static int evaluate(struct promql_eval *eval, const struct measure *measure,
                    struct promql_matrix *out)
{
    struct promql_matrix input;
    struct promql_keys keys;
    size_t count;
    *out = (struct promql_matrix){ 0 };
    int error = promql_evaluate(eval, measure->vector, &input);
    if (error != 0) {
        return error;
    }
    struct bucket_row *rows = arena_alloc_array(eval->arena, input.count, sizeof(*rows));
    if (rows == NULL) {
        return promql_eval_no_memory(eval);
    }
    error = promql_keys_init(eval, &keys, input.count);
    if (error == 0) {
        error = find_buckets(eval, &input, measure->vector, &keys, rows, &count);
    }
    if (error == 0) {
        qsort(rows, count, sizeof(*rows), compare_buckets);
        error = measure_all(eval, measure, &input, &keys, rows, count, out);
    }
    promql_keys_fini(&keys);
    return error == 0 ? promql_matrix_drop_names(eval, out) : error;
}

int promql_special_histogram_quantile(struct promql_eval *eval, const struct promql_node *call,
                                      struct promql_matrix *out)
{
    struct measure measure = { .of = quantile_of, .arg_count = 1, .vector = call->args[1] };
    const double *args[PROMQL_ARGS_MAX];
    int error = promql_evaluate_scalars(eval, call, 0, 1, args);
    if (error != 0) {
        return error;
    }
    measure.args[0] = args[0];
    for (size_t step = 0; step < eval->steps; step++) {
        promql_warn_quantile(eval, call->args[0], args[0][step]);
    }
    return evaluate(eval, &measure, out);
}

int promql_special_histogram_fraction(struct promql_eval *eval, const struct promql_node *call,
                                      struct promql_matrix *out)
{
    struct measure measure = { .of = fraction_of, .arg_count = 2, .vector = call->args[2] };
    const double *args[PROMQL_ARGS_MAX];
    int error = promql_evaluate_scalars(eval, call, 0, 2, args);
    if (error != 0) {
        return error;
    }
    measure.args[0] = args[0];
    measure.args[1] = args[1];
    return evaluate(eval, &measure, out);
}

/* histogram_count() and the like. */
int promql_special_native_histogram(struct promql_eval *eval, const struct promql_node *call,
                                    struct promql_matrix *out)
{
    int error = promql_evaluate(eval, call->args[0], out);
    out->count = 0;
    return error;
}
