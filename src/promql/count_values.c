/* SPDX-License-Identifier: Apache-2.0 */
/* count_values: a row a group and distinct value; the value stands in a label, written out without
 * exponent. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "promql/evaluator.h"
#include "promql/keys.h"
#include "promql/literal.h"

enum { VALUE_TEXT_MAX = 512 }; /* 1.8e308 written out has 309 digits */

struct count {
    struct promql_eval *eval;
    const char *label;
    struct promql_rule rule;
    struct promql_keys keys;
    struct promql_matrix *out; /* row i has key i */
};

/* The value's text in the arena. NULL: no memory. */
static const char *value_text(struct count *count, double value)
{
    if (isnan(value) || isinf(value)) {
        return isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    }
    struct buf text;
    buf_init(&text, VALUE_TEXT_MAX);
    promql_print_number(value, &text);
    const char *copy = text.overflow ? NULL : arena_strdup(count->eval->arena, buf_text(&text));
    buf_fini(&text);
    return copy;
}

/* The row that counts this value of that input row. */
static int find_row(struct count *count, const struct promql_row *input, double value,
                    size_t *ordinal)
{
    struct promql_eval *eval = count->eval;
    const char *text = value_text(count, value);
    if (text == NULL) {
        return promql_eval_no_memory(eval);
    }
    struct promql_row row = *input;
    int error = promql_labels_with(eval, &row, count->label, text, strlen(text));
    if (error != 0) {
        return error;
    }
    struct label picked[LABELS_MAX];
    size_t size = promql_rule_pick(&count->rule, row.labels, row.label_count, picked);
    bool found = false;
    error = promql_keys_put(eval, &count->keys, picked, size, ordinal, &found);
    if (error != 0 || found) {
        return error;
    }
    struct label *labels = arena_alloc_array(eval->arena, size, sizeof(*labels));
    if (labels == NULL) {
        return promql_eval_no_memory(eval);
    }
    memcpy(labels, picked, size * sizeof(*labels));
    count->keys.keys[*ordinal].labels = labels;
    (void)promql_matrix_add(eval, count->out, labels, size, &error);
    return error;
}

static int count_row(struct count *count, const struct promql_row *input)
{
    double last = 0;
    size_t ordinal = SIZE_MAX; /* of the last value */
    int error = 0;
    for (size_t step = 0; step < count->eval->steps && error == 0; step++) {
        double value = input->values[step];
        if (promql_is_absent(value)) {
            continue;
        }
        if (ordinal == SIZE_MAX || memcmp(&value, &last, sizeof(value)) != 0) {
            error = promql_eval_check(count->eval);
            error = error != 0 ? error : find_row(count, input, value, &ordinal);
            last = value;
        }
        if (error == 0) {
            double *so_far = &count->out->rows[ordinal].values[step];
            *so_far = promql_is_absent(*so_far) ? 1 : *so_far + 1;
        }
    }
    return error;
}

int promql_count_values(struct promql_eval *eval, const struct promql_node *node,
                        const struct promql_matrix *input, struct promql_matrix *out)
{
    const struct promql_node *param = promql_unwrap(node->param);
    if (param->string_size == 0 || strlen(param->string) != param->string_size) {
        return promql_eval_fail(eval, BUSBAR_EINVAL, "invalid label name \"%s\"", param->string);
    }
    struct count count = { .eval = eval, .label = param->string, .out = out };
    count.rule = (struct promql_rule){ node->labels, node->label_count, !node->without };
    if (!node->without) {
        const char **names = arena_alloc_array(eval->arena, node->label_count + 1, sizeof(*names));
        if (names == NULL) {
            return promql_eval_no_memory(eval);
        }
        for (size_t i = 0; i < node->label_count; i++) {
            names[i] = node->labels[i];
        }
        names[node->label_count] = param->string;
        count.rule.names = names;
        count.rule.name_count++;
    }
    int error = promql_keys_init(eval, &count.keys, input->count);
    for (size_t i = 0; i < input->count && error == 0; i++) {
        error = count_row(&count, &input->rows[i]);
    }
    promql_keys_fini(&count.keys);
    return error;
}
