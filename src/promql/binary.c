/* SPDX-License-Identifier: Apache-2.0 */
/* Binary operators: their arithmetic over whole rows, and the cases with a scalar. Two vectors:
 * match.c. */
#include <math.h>

#include "promql/evaluator.h"

static inline __attribute__((always_inline)) double arithmetic(enum promql_op op, double a,
                                                               double b)
{
    switch (op) {
    case PROMQL_OP_ADD: return a + b;
    case PROMQL_OP_SUB: return a - b;
    case PROMQL_OP_MUL: return a * b;
    case PROMQL_OP_DIV: return a / b;
    case PROMQL_OP_MOD: return fmod(a, b);
    case PROMQL_OP_POW: return pow(a, b);
    default: return atan2(a, b);
    }
}

static inline __attribute__((always_inline)) bool holds(enum promql_op op, double a, double b)
{
    switch (op) {
    case PROMQL_OP_EQ: return a == b;
    case PROMQL_OP_NE: return a != b;
    case PROMQL_OP_LT: return a < b;
    case PROMQL_OP_LE: return a <= b;
    case PROMQL_OP_GT: return a > b;
    default: return a >= b;
    }
}

/* With a constant op the compiler makes one tight loop of each. */
static inline __attribute__((always_inline)) void calculate(enum promql_op op, const double *left,
                                                            const double *right, double *out,
                                                            size_t count)
{
    const double absent = history_stale();
    for (size_t i = 0; i < count; i++) {
        double a = left[i], b = right[i];
        out[i] = promql_is_absent(a) || promql_is_absent(b) ? absent : arithmetic(op, a, b);
    }
}

static inline __attribute__((always_inline)) void compare(enum promql_op op, bool returns_bool,
                                                          const double *left, const double *right,
                                                          double *out, size_t count)
{
    const double absent = history_stale();
    for (size_t i = 0; i < count; i++) {
        double a = left[i], b = right[i];
        if (promql_is_absent(a) || promql_is_absent(b)) {
            out[i] = absent;
        } else if (holds(op, a, b)) {
            out[i] = returns_bool ? 1 : a;
        } else {
            out[i] = returns_bool ? 0 : absent;
        }
    }
}

void promql_operate(enum promql_op op, bool returns_bool, const double *left, const double *right,
                    double *out, size_t count)
{
    switch (op) {
    case PROMQL_OP_ADD: calculate(PROMQL_OP_ADD, left, right, out, count); break;
    case PROMQL_OP_SUB: calculate(PROMQL_OP_SUB, left, right, out, count); break;
    case PROMQL_OP_MUL: calculate(PROMQL_OP_MUL, left, right, out, count); break;
    case PROMQL_OP_DIV: calculate(PROMQL_OP_DIV, left, right, out, count); break;
    case PROMQL_OP_MOD:
    case PROMQL_OP_POW:
    case PROMQL_OP_ATAN2: calculate(op, left, right, out, count); break;
    default: compare(op, returns_bool, left, right, out, count); break;
    }
}

/* a op b as b op' a */
static enum promql_op turned_round(enum promql_op op)
{
    switch (op) {
    case PROMQL_OP_LT: return PROMQL_OP_GT;
    case PROMQL_OP_LE: return PROMQL_OP_GE;
    case PROMQL_OP_GT: return PROMQL_OP_LT;
    case PROMQL_OP_GE: return PROMQL_OP_LE;
    default: return op;
    }
}

static int with_scalar(struct promql_eval *eval, const struct promql_node *node,
                       struct promql_matrix *vector, const double *scalar, bool scalar_left)
{
    bool compares = promql_op_compares(node->op);
    for (size_t i = 0; i < vector->count; i++) {
        int error = promql_eval_check(eval);
        if (error != 0) {
            return error;
        }
        double *values = vector->rows[i].values;
        if (compares) { /* what is kept is the vector's value on either side */
            enum promql_op op = scalar_left ? turned_round(node->op) : node->op;
            promql_operate(op, node->returns_bool, values, scalar, values, eval->steps);
        } else if (scalar_left) {
            promql_operate(node->op, false, scalar, values, values, eval->steps);
        } else {
            promql_operate(node->op, false, values, scalar, values, eval->steps);
        }
    }
    if (compares && !node->returns_bool) {
        promql_matrix_prune(eval, vector);
        return 0;
    }
    return promql_matrix_drop_names(eval, vector);
}

static bool is_set_operator(enum promql_op op)
{
    return op == PROMQL_OP_AND || op == PROMQL_OP_OR || op == PROMQL_OP_UNLESS;
}

int promql_evaluate_binary(struct promql_eval *eval, const struct promql_node *node,
                           struct promql_matrix *out)
{
    struct promql_matrix left, right;
    int error = promql_evaluate(eval, node->left, &left);
    if (error == 0) {
        error = promql_evaluate(eval, node->right, &right);
    }
    if (error != 0) {
        return error;
    }
    bool left_scalar = node->left->type == PROMQL_SCALAR;
    bool right_scalar = node->right->type == PROMQL_SCALAR;
    if ((left_scalar && left.count != 1) || (right_scalar && right.count != 1)) {
        return promql_eval_fail(eval, BUSBAR_EINTERNAL, "a scalar has no value");
    }
    if (left_scalar && right_scalar) {
        promql_operate(node->op, true, left.rows[0].values, right.rows[0].values,
                       left.rows[0].values, eval->steps);
        *out = left;
        return 0;
    }
    if (left_scalar || right_scalar) {
        *out = left_scalar ? right : left;
        out->ordered = false;
        return with_scalar(eval, node, out, (left_scalar ? left : right).rows[0].values,
                           left_scalar);
    }
    return is_set_operator(node->op) ? promql_match_sets(eval, node, &left, &right, out)
                                     : promql_match_vectors(eval, node, &left, &right, out);
}
