/* SPDX-License-Identifier: Apache-2.0 */
/* Operators between two vectors. Rows of both sides get the ordinal of their match group once, by
 * on() or ignoring(); then each pair of rows is calculated over all steps. What is an error is
 * decided by the values that are there at a step: rows of the same group that take turns in time
 * are no duplicates. */
#include <string.h>

#include "base/alloc.h"
#include "promql/evaluator.h"
#include "promql/keys.h"
#include "promql/literal.h"

struct side {
    struct promql_matrix *matrix;
    uint32_t *groups; /* of each row */
    size_t *starts;   /* of each group, in members */
    uint32_t *members;
};

struct match {
    struct promql_eval *eval;
    const struct promql_node *node;
    struct promql_rule rule;
    struct promql_keys keys;
    struct side many, one; /* one to one: left, right */
    double *values;        /* steps of them: of the pair at hand */
    uint8_t *taken;        /* steps of them */
};

static int match_init(struct match *match, struct promql_eval *eval, const struct promql_node *node,
                      struct promql_matrix *many, struct promql_matrix *one)
{
    *match = (struct match){
        .eval = eval,
        .node = node,
        .rule = { node->labels, node->label_count, node->matching_on },
        .many.matrix = many,
        .one.matrix = one,
    };
    int error = promql_keys_init(eval, &match->keys, many->count + one->count);
    if (error != 0) {
        return error;
    }
    struct side *sides[] = { &match->many, &match->one };
    for (size_t i = 0; i < 2 && error == 0; i++) {
        error = promql_keys_of_rows(eval, &match->keys, &match->rule, sides[i]->matrix,
                                    &sides[i]->groups);
    }
    for (size_t i = 0; i < 2 && error == 0; i++) {
        error = promql_keys_members(eval, sides[i]->groups, sides[i]->matrix->count,
                                    match->keys.count, &sides[i]->starts, &sides[i]->members);
    }
    match->values = busbar_try_alloc(eval->steps * sizeof(*match->values));
    match->taken = busbar_try_alloc(eval->steps);
    if (error == 0 && (match->values == NULL || match->taken == NULL)) {
        error = promql_eval_no_memory(eval);
    }
    return error;
}

static void match_fini(struct match *match)
{
    promql_keys_fini(&match->keys);
    struct side *sides[] = { &match->many, &match->one };
    for (size_t i = 0; i < 2; i++) {
        busbar_free(sides[i]->groups);
        busbar_free(sides[i]->starts);
        busbar_free(sides[i]->members);
    }
    busbar_free(match->values);
    busbar_free(match->taken);
}

static size_t group_size(const struct side *side, size_t group)
{
    return side->starts[group + 1] - side->starts[group];
}

static struct promql_row *group_row(const struct side *side, size_t group, size_t i)
{
    return &side->matrix->rows[side->members[side->starts[group] + i]];
}

/* marks[step] = 1 where one of the rows has a value. */
static void mark_row(const struct promql_row *row, uint8_t *marks, size_t steps)
{
    for (size_t i = 0; i < steps; i++) {
        marks[i] |= !promql_is_absent(row->values[i]);
    }
}

/* --- the one side must be one --- */

/* As Prometheus writes labels in messages: with __name__ among them. */
static void print_labels(const struct label *labels, size_t count, struct buf *out)
{
    buf_append_text(out, "{");
    for (size_t i = 0; i < count; i++) {
        buf_append_text(out, i > 0 ? ", " : "");
        if (label_is_plain_name(labels[i].name, labels[i].name_size)) {
            buf_append(out, labels[i].name, labels[i].name_size);
        } else {
            promql_print_string(labels[i].name, labels[i].name_size, out);
        }
        buf_append_text(out, "=");
        promql_print_string(labels[i].value, labels[i].value_size, out);
    }
    buf_append_text(out, "}");
}

/* A value of the one side that is the second of its group at a step. */
struct duplicate {
    const struct promql_row *row, *before; /* row NULL: none found */
    size_t group, step;
};

static int fail_duplicate(const struct match *match, const struct duplicate *duplicate)
{
    struct buf text;
    buf_init(&text, 4 * LABELS_BYTES_MAX);
    const struct promql_key *key = &match->keys.keys[duplicate->group];
    buf_append_text(&text, "found duplicate series for the match group ");
    print_labels(key->labels, key->label_count, &text);
    buf_printf(&text, " on the %s hand-side of the operation: [",
               match->node->cardinality == PROMQL_ONE_TO_MANY ? "left" : "right");
    print_labels(duplicate->row->labels, duplicate->row->label_count, &text);
    buf_append_text(&text, ", ");
    print_labels(duplicate->before->labels, duplicate->before->label_count, &text);
    buf_append_text(&text, "];many-to-many matching not allowed: matching labels must be unique "
                           "on one side");
    int code = promql_eval_fail(match->eval, BUSBAR_EINVAL, "%s", buf_text(&text));
    buf_fini(&text);
    return code;
}

/* The first one in a group, if it comes before what was found so far. Steps count where `taken`
 * says so. */
static void find_duplicate(const struct match *match, size_t group, struct duplicate *found)
{
    size_t size = group_size(&match->one, group);
    size_t last = found->row != NULL ? found->step : match->eval->steps - 1;
    for (size_t step = 0; step <= last; step++) {
        const struct promql_row *first = NULL;
        for (size_t i = 0; i < size && match->taken[step]; i++) {
            const struct promql_row *row = group_row(&match->one, group, i);
            if (promql_is_absent(row->values[step])) {
                continue;
            }
            if (first != NULL) {
                if (found->row == NULL || step < found->step || row < found->row) {
                    *found = (struct duplicate){ row, first, group, step };
                }
                return;
            }
            first = row;
        }
    }
}

/* Looks for two values of the one side in a group at a step where the many side has a value of any
 * group. */
static int check_one_side(struct match *match)
{
    size_t steps = match->eval->steps;
    struct duplicate found = { 0 };
    bool marked = false;
    for (size_t group = 0; group < match->keys.count; group++) {
        if (group_size(&match->one, group) < 2) {
            continue;
        }
        if (!marked) {
            memset(match->taken, 0, steps);
            for (size_t i = 0; i < match->many.matrix->count; i++) {
                mark_row(&match->many.matrix->rows[i], match->taken, steps);
            }
            marked = true;
        }
        find_duplicate(match, group, &found);
        int error = promql_eval_check(match->eval);
        if (error != 0) {
            return error;
        }
    }
    return found.row != NULL ? fail_duplicate(match, &found) : 0;
}

/* --- results --- */

/* The labels of a pair's result, by the many side's and what is included of the one side. */
static int result_labels(const struct match *match, const struct promql_row *many,
                         const struct promql_row *one, struct promql_row *row)
{
    const struct promql_node *node = match->node;
    struct label *labels = arena_alloc_array(match->eval->arena, many->label_count,
                                             sizeof(*labels));
    if (labels == NULL) {
        return promql_eval_no_memory(match->eval);
    }
    size_t count = 0;
    for (size_t i = 0; i < many->label_count; i++) {
        if (node->cardinality != PROMQL_ONE_TO_ONE ||
            promql_rule_names(&match->rule, &many->labels[i]) == node->matching_on) {
            labels[count++] = many->labels[i];
        }
    }
    row->labels = labels;
    row->label_count = count;
    int error = 0;
    if (!promql_op_compares(node->op)) {
        error = promql_labels_drop_name(match->eval, row);
    }
    for (size_t i = 0; i < node->include_count && error == 0; i++) {
        const struct label *label = labels_get(one->labels, one->label_count, node->include[i]);
        error = promql_labels_with(match->eval, row, node->include[i],
                                   label != NULL ? label->value : "",
                                   label != NULL ? label->value_size : 0);
    }
    if (error == 0 && node->returns_bool) {
        error = promql_labels_drop_name(match->eval, row);
    }
    return error;
}

/* One pair of rows; nothing is added when they have no step in common. */
static int match_pair(struct match *match, const struct promql_row *many,
                      const struct promql_row *one, struct promql_matrix *out)
{
    struct promql_eval *eval = match->eval;
    const struct promql_node *node = match->node;
    bool turned = node->cardinality == PROMQL_ONE_TO_MANY;
    const double *left = turned ? one->values : many->values;
    const double *right = turned ? many->values : one->values;
    promql_operate(node->op, node->returns_bool, left, right, match->values, eval->steps);
    if (!promql_any_present(match->values, eval->steps)) {
        return 0;
    }
    struct promql_row row = { 0 };
    int error = result_labels(match, many, one, &row);
    if (error == 0) {
        row.values = promql_new_values(eval, &error);
    }
    if (error == 0) {
        memcpy(row.values, match->values, eval->steps * sizeof(*row.values));
        error = promql_matrix_put(eval, out, &row);
    }
    return error;
}

/* One to one: two rows of the many side may not match at the same step. */
static int take_steps(struct match *match)
{
    for (size_t step = 0; step < match->eval->steps; step++) {
        bool there = !promql_is_absent(match->values[step]);
        if (there && match->taken[step]) {
            return promql_eval_fail(match->eval, BUSBAR_EINVAL,
                                    "multiple matches for labels: many-to-one matching must be "
                                    "explicit (group_left/group_right)");
        }
        match->taken[step] |= there;
    }
    return 0;
}

static int match_group(struct match *match, size_t group, struct promql_matrix *out)
{
    struct promql_eval *eval = match->eval;
    size_t many_size = group_size(&match->many, group);
    size_t one_size = group_size(&match->one, group);
    bool one_to_one = match->node->cardinality == PROMQL_ONE_TO_ONE;
    struct promql_matrix several = { 0 };
    struct promql_matrix *results = many_size > 1 && !one_to_one ? &several : out;
    if (many_size > 1) {
        memset(match->taken, 0, eval->steps);
    }
    int error = 0;
    for (size_t i = 0; i < many_size * one_size && error == 0; i++) {
        error = promql_eval_check(eval);
        size_t before = results->count;
        if (error == 0) {
            error = match_pair(match, group_row(&match->many, group, i / one_size),
                               group_row(&match->one, group, i % one_size), results);
        }
        if (error == 0 && one_to_one && many_size > 1 && results->count > before) {
            error = take_steps(match);
        }
    }
    if (error == 0 && several.count > 1) {
        error = promql_matrix_merge(eval, &several,
                                    "multiple matches for labels: grouping labels must ensure "
                                    "unique matches");
    }
    for (size_t i = 0; i < several.count && error == 0; i++) {
        error = promql_matrix_put(eval, out, &several.rows[i]);
    }
    return error;
}

int promql_match_vectors(struct promql_eval *eval, const struct promql_node *node,
                         struct promql_matrix *left, struct promql_matrix *right,
                         struct promql_matrix *out)
{
    bool turned = node->cardinality == PROMQL_ONE_TO_MANY;
    struct match match;
    int error = match_init(&match, eval, node, turned ? right : left, turned ? left : right);
    if (error == 0) {
        error = check_one_side(&match);
    }
    for (size_t group = 0; error == 0 && group < match.keys.count; group++) {
        error = match_group(&match, group, out);
    }
    match_fini(&match);
    return error == 0 ? promql_matrix_check(eval, out) : error;
}

/* --- and, or, unless --- */

/* Values go where the mark is `where`. */
static void keep_where(struct promql_row *row, const uint8_t *marks, uint8_t where, size_t steps)
{
    const double absent = history_stale();
    for (size_t i = 0; i < steps; i++) {
        row->values[i] = marks[i] == where ? row->values[i] : absent;
    }
}

/* The rows of `kept` stay where the group has a value (or has none) on the other side. */
static int keep_rows(struct match *match, const struct side *kept, const struct side *other,
                     uint8_t where)
{
    size_t steps = match->eval->steps;
    int error = 0;
    for (size_t group = 0; group < match->keys.count && error == 0; group++) {
        if (group_size(kept, group) == 0) {
            continue;
        }
        error = promql_eval_check(match->eval);
        memset(match->taken, 0, steps);
        for (size_t i = 0; i < group_size(other, group); i++) {
            mark_row(group_row(other, group, i), match->taken, steps);
        }
        for (size_t i = 0; i < group_size(kept, group); i++) {
            keep_where(group_row(kept, group, i), match->taken, where, steps);
        }
    }
    return error;
}

int promql_match_sets(struct promql_eval *eval, const struct promql_node *node,
                      struct promql_matrix *left, struct promql_matrix *right,
                      struct promql_matrix *out)
{
    struct match match;
    int error = match_init(&match, eval, node, left, right);
    if (error == 0 && node->op == PROMQL_OP_OR) {
        error = keep_rows(&match, &match.one, &match.many, 0);
    } else if (error == 0) {
        error = keep_rows(&match, &match.many, &match.one, node->op == PROMQL_OP_AND);
    }
    match_fini(&match);
    *out = *left;
    out->ordered = false;
    if (error == 0 && node->op == PROMQL_OP_OR) {
        promql_matrix_prune(eval, right);
        out->one_name = false;
        for (size_t i = 0; i < right->count && error == 0; i++) {
            error = promql_matrix_put(eval, out, &right->rows[i]);
        }
        return error == 0 ? promql_matrix_check(eval, out) : error;
    }
    promql_matrix_prune(eval, out);
    return error;
}
