/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a matrix: their memory, and their label sets. */
#include <string.h>

#include "base/alloc.h"
#include "promql/evaluator.h"
#include "promql/keys.h"

enum { ROWS_MIN = 16 };

void promql_fill_absent(double *values, size_t count)
{
    const double absent = history_stale();
    for (size_t i = 0; i < count; i++) {
        values[i] = absent;
    }
}

bool promql_any_present(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!promql_is_absent(values[i])) {
            return true;
        }
    }
    return false;
}

void promql_matrix_prune(struct promql_eval *eval, struct promql_matrix *matrix)
{
    size_t kept = 0;
    for (size_t i = 0; i < matrix->count; i++) {
        matrix->rows[kept] = matrix->rows[i];
        kept += promql_any_present(matrix->rows[i].values, eval->steps);
    }
    matrix->count = kept;
}

int promql_count_samples(struct promql_eval *eval, size_t more)
{
    size_t max = eval->question->limits.samples_max;
    if (more > max || eval->samples_now > max - more) {
        int code = promql_eval_fail(eval, BUSBAR_ELIMIT,
                                    "the query would hold more than %zu samples in memory", max);
        err_hint(eval->err, "select fewer series, a shorter range or a longer step, or raise the "
                            "limit on samples of a query");
        return code;
    }
    eval->samples_now += more;
    if (eval->samples_now > eval->result->stats.peak_samples) {
        eval->result->stats.peak_samples = eval->samples_now;
    }
    return 0;
}

double *promql_new_values(struct promql_eval *eval, int *error)
{
    *error = promql_count_samples(eval, eval->steps);
    if (*error != 0) {
        return NULL;
    }
    double *values = arena_alloc_array(eval->arena, eval->steps, sizeof(*values));
    if (values == NULL) {
        *error = promql_eval_no_memory(eval);
    }
    return values;
}

int promql_matrix_put(struct promql_eval *eval, struct promql_matrix *matrix,
                      const struct promql_row *row)
{
    if (matrix->count == matrix->capacity) {
        size_t capacity = matrix->capacity == 0 ? ROWS_MIN : matrix->capacity * 2;
        struct promql_row *rows = arena_alloc_array(eval->arena, capacity, sizeof(*rows));
        if (rows == NULL) {
            return promql_eval_no_memory(eval);
        }
        if (matrix->count > 0) {
            memcpy(rows, matrix->rows, matrix->count * sizeof(*rows));
        }
        matrix->rows = rows;
        matrix->capacity = capacity;
    }
    matrix->rows[matrix->count++] = *row;
    return 0;
}

struct promql_row *promql_matrix_add(struct promql_eval *eval, struct promql_matrix *matrix,
                                     const struct label *labels, size_t label_count, int *error)
{
    struct promql_row row = { .labels = labels, .label_count = label_count };
    row.values = promql_new_values(eval, error);
    if (row.values == NULL) {
        return NULL;
    }
    promql_fill_absent(row.values, eval->steps);
    *error = promql_matrix_put(eval, matrix, &row);
    return *error == 0 ? &matrix->rows[matrix->count - 1] : NULL;
}

static int compare_name(const struct label *label, const char *name, size_t name_size)
{
    size_t shorter = label->name_size < name_size ? label->name_size : name_size;
    int order = memcmp(label->name, name, shorter);
    return order != 0 ? order : (label->name_size > name_size) - (label->name_size < name_size);
}

int promql_labels_with(struct promql_eval *eval, struct promql_row *row, const char *name,
                       const char *value, size_t value_size)
{
    size_t name_size = strlen(name);
    size_t at = 0;
    while (at < row->label_count && compare_name(&row->labels[at], name, name_size) < 0) {
        at++;
    }
    bool there = at < row->label_count && compare_name(&row->labels[at], name, name_size) == 0;
    if (value_size == 0 && !there) {
        return 0;
    }
    size_t count = row->label_count - there + (value_size > 0);
    if (count > LABELS_MAX || name_size > UINT32_MAX || value_size > UINT32_MAX) {
        return promql_eval_fail(eval, BUSBAR_ELIMIT,
                                "a series of the query would have more than %d labels", LABELS_MAX);
    }
    struct label *labels = arena_alloc_array(eval->arena, count, sizeof(*labels));
    if (labels == NULL) {
        return promql_eval_no_memory(eval);
    }
    size_t out = 0;
    for (size_t i = 0; i < at; i++) {
        labels[out++] = row->labels[i];
    }
    if (value_size > 0) {
        labels[out++] = (struct label){ .name = name,
                                        .value = value,
                                        .name_size = (uint32_t)name_size,
                                        .value_size = (uint32_t)value_size };
    }
    for (size_t i = at + there; i < row->label_count; i++) {
        labels[out++] = row->labels[i];
    }
    row->labels = labels;
    row->label_count = count;
    return 0;
}

int promql_labels_drop_name(struct promql_eval *eval, struct promql_row *row)
{
    if (row->label_count > 0 &&
        compare_name(&row->labels[0], LABEL_METRIC, sizeof(LABEL_METRIC) - 1) == 0) {
        row->labels++;
        row->label_count--;
        return 0;
    }
    return promql_labels_with(eval, row, LABEL_METRIC, "", 0);
}

int promql_matrix_drop_names(struct promql_eval *eval, struct promql_matrix *matrix)
{
    for (size_t i = 0; i < matrix->count; i++) {
        int error = promql_labels_drop_name(eval, &matrix->rows[i]);
        if (error != 0) {
            return error;
        }
    }
    return matrix->one_name ? 0 : promql_matrix_check(eval, matrix);
}

/* Values of `from` go where `to` has none. False: both have one at the same step. */
static bool merge_values(double *to, const double *from, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        if (!promql_is_absent(from[i])) {
            if (!promql_is_absent(to[i])) {
                return false;
            }
            to[i] = from[i];
        }
    }
    return true;
}

int promql_matrix_merge(struct promql_eval *eval, struct promql_matrix *matrix, const char *clash)
{
    struct promql_keys keys;
    int error = promql_keys_init(eval, &keys, matrix->count);
    size_t kept = 0;
    for (size_t i = 0; i < matrix->count && error == 0; i++) {
        const struct promql_row *row = &matrix->rows[i];
        size_t ordinal = 0;
        bool found = false;
        error = promql_keys_put(eval, &keys, row->labels, row->label_count, &ordinal, &found);
        if (error == 0 && !found) {
            matrix->rows[kept++] = *row;
        } else if (error == 0 &&
                   !merge_values(matrix->rows[ordinal].values, row->values, eval->steps)) {
            error = promql_eval_fail(eval, BUSBAR_EINVAL, "%s", clash);
        }
    }
    promql_keys_fini(&keys);
    if (error == 0) {
        matrix->count = kept;
    }
    return error;
}

int promql_matrix_check(struct promql_eval *eval, struct promql_matrix *matrix)
{
    if (matrix->count < 2) {
        return 0;
    }
    return promql_matrix_merge(eval, matrix,
                               "vector cannot contain metrics with the same labelset");
}
