/* SPDX-License-Identifier: Apache-2.0 */
/* The evaluator's way through the tree. A part that is the same at all steps (numbers, selectors
 * with @, and what is made of them alone) is evaluated once, at the first step, and repeated. */
#include "promql/eval.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "promql/evaluator.h"

/* The parser lets no tree be higher; a part that is evaluated once counts twice. */
enum { NODES_DEEP_MAX = 2 * PROMQL_HEIGHT_MAX };

int promql_eval_fail(struct promql_eval *eval, int code, const char *format, ...)
{
    char message[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return err_set(eval->err, code, "%s", message);
}

int promql_eval_no_memory(struct promql_eval *eval)
{
    const struct promql_limits *limits = &eval->question->limits;
    if (eval->arena->used_bytes < limits->bytes_max / 8 * 7) {
        return promql_eval_fail(eval, BUSBAR_ENOMEM, "no memory left to evaluate the query");
    }
    int code = promql_eval_fail(eval, BUSBAR_ELIMIT, "the query would take more than %zu MiB",
                                limits->bytes_max >> 20);
    err_hint(eval->err, "select fewer series, a shorter range or a longer step, or raise the "
                        "limit on memory of a query");
    return code;
}

int promql_eval_check(struct promql_eval *eval)
{
    const atomic_bool *cancel = eval->question->cancel;
    if (cancel != NULL && atomic_load_explicit(cancel, memory_order_relaxed)) {
        return promql_eval_fail(eval, BUSBAR_ECANCELED, "the query was canceled");
    }
    if (clock_mono_us() >= eval->deadline_us) {
        int code = promql_eval_fail(eval, BUSBAR_ETIMEOUT, "the query took longer than %.3g s",
                                    (double)eval->question->limits.timeout_us / 1e6);
        err_hint(eval->err, "select fewer series or a shorter range, or raise the time limit");
        return code;
    }
    return 0;
}

/* --- notes --- */

static void __attribute__((format(printf, 5, 0)))
add_note(struct promql_eval *eval, const char **notes, size_t *count,
         const struct promql_node *node, const char *format, va_list args)
{
    char text[512];
    int length = vsnprintf(text, sizeof(text), format, args);
    size_t size = length < 0                      ? 0
                  : (size_t)length < sizeof(text) ? (size_t)length
                                                  : sizeof(text) - 1;
    if (node != NULL) {
        int line = 1, column = 1;
        const char *query = eval->question->text;
        for (uint32_t i = 0; i < node->begin && query[i] != '\0'; i++) {
            column = query[i] == '\n' ? 1 : column + 1;
            line += query[i] == '\n';
        }
        (void)snprintf(text + size, sizeof(text) - size, " (%d:%d)", line, column);
    }
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(notes[i], text) == 0) {
            return;
        }
    }
    const char *copy = *count < PROMQL_NOTES_MAX ? arena_strdup(eval->arena, text) : NULL;
    if (copy != NULL) {
        notes[(*count)++] = copy;
    }
}

void promql_eval_warn(struct promql_eval *eval, const struct promql_node *node, const char *format,
                      ...)
{
    va_list args;
    va_start(args, format);
    add_note(eval, eval->result->warnings, &eval->result->warning_count, node, format, args);
    va_end(args);
}

void promql_eval_info(struct promql_eval *eval, const struct promql_node *node, const char *format,
                      ...)
{
    va_list args;
    va_start(args, format);
    add_note(eval, eval->result->infos, &eval->result->info_count, node, format, args);
    va_end(args);
}

/* --- the same at all steps --- */

/* Functions whose result depends on the time of the step itself. */
static bool uses_time(const char *name)
{
    static const char *const names[] = {
        "day_of_month", "day_of_week",    "day_of_year", "days_in_month", "hour", "minute",
        "month",        "predict_linear", "time",        "timestamp",     "year",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_invariant(const struct promql_node *node)
{
    switch (node->kind) {
    case PROMQL_NODE_NUMBER:
    case PROMQL_NODE_STRING: return true;
    case PROMQL_NODE_SELECTOR:
    case PROMQL_NODE_SUBQUERY: return node->moment.at != PROMQL_AT_NONE;
    case PROMQL_NODE_RANGE:
    case PROMQL_NODE_UNARY:
    case PROMQL_NODE_PAREN: return is_invariant(node->left);
    case PROMQL_NODE_BINARY: return is_invariant(node->left) && is_invariant(node->right);
    case PROMQL_NODE_AGGREGATE:
        return is_invariant(node->left); /* whatever the parameter: as Prometheus 3.5 */
    case PROMQL_NODE_CALL:
        for (size_t i = 0; i < node->arg_count; i++) {
            if (!is_invariant(node->args[i])) {
                return false;
            }
        }
        return !uses_time(node->function->name);
    }
    return false;
}

int64_t promql_moment_time(const struct promql_eval *eval, const struct promql_moment *moment,
                           int64_t time_us)
{
    switch (moment->at) {
    case PROMQL_AT_NONE: break;
    case PROMQL_AT_TIME: time_us = moment->at_us; break;
    case PROMQL_AT_START: time_us = eval->question->start_us; break;
    case PROMQL_AT_END: time_us = eval->question->end_us; break;
    }
    return promql_time_sub(time_us, moment->offset_us);
}

const struct promql_node *promql_unwrap(const struct promql_node *node)
{
    while (node->kind == PROMQL_NODE_PAREN) {
        node = node->left;
    }
    return node;
}

/* --- nodes --- */

static int evaluate_number(struct promql_eval *eval, double number, struct promql_matrix *out)
{
    int error = 0;
    struct promql_row *row = promql_matrix_add(eval, out, NULL, 0, &error);
    for (size_t i = 0; i < eval->steps && row != NULL; i++) {
        row->values[i] = number;
    }
    out->one_name = true;
    return error;
}

static int evaluate_unary(struct promql_eval *eval, const struct promql_node *node,
                          struct promql_matrix *out)
{
    int error = promql_evaluate(eval, node->left, out);
    if (error != 0 || node->op != PROMQL_OP_SUB) {
        return error;
    }
    for (size_t i = 0; i < out->count && error == 0; i++) {
        double *values = out->rows[i].values;
        for (size_t j = 0; j < eval->steps; j++) {
            values[j] = promql_is_absent(values[j]) ? values[j] : -values[j];
        }
        error = promql_eval_check(eval);
    }
    if (error != 0) {
        return error;
    }
    out->ordered = false;
    return promql_matrix_drop_names(eval, out);
}

int promql_evaluate_scalars(struct promql_eval *eval, const struct promql_node *call, size_t from,
                            size_t to, const double *numbers[PROMQL_ARGS_MAX])
{
    for (size_t i = from; i < to; i++) {
        struct promql_matrix matrix;
        int error = promql_evaluate(eval, call->args[i], &matrix);
        if (error != 0) {
            return error;
        }
        if (matrix.count != 1 || i - from >= PROMQL_ARGS_MAX) {
            return promql_eval_fail(eval, BUSBAR_EINTERNAL, "an argument of %s() is no number",
                                    call->function->name);
        }
        numbers[i - from] = matrix.rows[0].values;
    }
    return 0;
}

/* hour() and the like without an argument: of the time of the step. */
static int evaluate_step_times(struct promql_eval *eval, struct promql_matrix *out)
{
    int error = 0;
    struct promql_row *row = promql_matrix_add(eval, out, NULL, 0, &error);
    for (size_t i = 0; i < eval->steps && row != NULL; i++) {
        row->values[i] = (double)promql_step_time(eval, i) / 1e6;
    }
    out->one_name = true;
    return error;
}

static int evaluate_map(struct promql_eval *eval, const struct promql_node *node,
                        struct promql_matrix *out)
{
    const struct promql_function *function = node->function;
    const double *numbers[PROMQL_ARGS_MAX];
    size_t number_count = node->arg_count > 1 ? node->arg_count - 1 : 0;
    int error = node->arg_count == 0 ? evaluate_step_times(eval, out)
                                     : promql_evaluate(eval, node->args[0], out);
    if (error == 0 && number_count > 0) {
        error = promql_evaluate_scalars(eval, node, 1, node->arg_count, numbers);
    }
    for (size_t i = 0; i < out->count && error == 0; i++) {
        double *values = out->rows[i].values;
        double args[PROMQL_ARGS_MAX] = { 0 };
        for (size_t j = 0; j < eval->steps; j++) {
            for (size_t k = 0; k < number_count; k++) {
                args[k] = numbers[k][j];
            }
            if (!promql_is_absent(values[j])) {
                values[j] = function->map(values[j], number_count > 0 ? args : NULL);
            }
        }
        error = promql_eval_check(eval);
    }
    out->ordered = false;
    return error != 0 || function->keeps_name ? error : promql_matrix_drop_names(eval, out);
}

static int evaluate_call(struct promql_eval *eval, const struct promql_node *node,
                         struct promql_matrix *out)
{
    const struct promql_function *function = node->function;
    if (function->special != NULL) {
        return function->special(eval, node, out);
    }
    if (function->map != NULL) {
        return evaluate_map(eval, node, out);
    }
    for (size_t i = 0; i < node->arg_count; i++) {
        if (node->args[i]->type == PROMQL_MATRIX) {
            return promql_evaluate_windows(eval, node->args[i], node, function->window,
                                           function->keeps_name, out);
        }
    }
    return promql_eval_fail(eval, BUSBAR_EINTERNAL, "%s() got no range", function->name);
}

static int evaluate_node(struct promql_eval *eval, const struct promql_node *node,
                         struct promql_matrix *out)
{
    switch (node->kind) {
    case PROMQL_NODE_NUMBER: return evaluate_number(eval, node->number, out);
    case PROMQL_NODE_SELECTOR: return promql_evaluate_selector(eval, node, out);
    case PROMQL_NODE_UNARY: return evaluate_unary(eval, node, out);
    case PROMQL_NODE_BINARY: return promql_evaluate_binary(eval, node, out);
    case PROMQL_NODE_AGGREGATE: return promql_evaluate_aggregate(eval, node, out);
    case PROMQL_NODE_CALL: return evaluate_call(eval, node, out);
    case PROMQL_NODE_PAREN: return promql_evaluate(eval, node->left, out);
    case PROMQL_NODE_STRING:
    case PROMQL_NODE_RANGE:
    case PROMQL_NODE_SUBQUERY: break;
    }
    return promql_eval_fail(eval, BUSBAR_EINVAL, "a %s cannot be evaluated here",
                            promql_type_word(node->type));
}

/* At the first step alone, then repeated. */
static int evaluate_once(struct promql_eval *eval, const struct promql_node *node,
                         struct promql_matrix *out)
{
    struct promql_eval once = *eval;
    once.steps = 1;
    int error = promql_evaluate(&once, node, out);
    eval->samples_now = once.samples_now;
    for (size_t i = 0; i < out->count && error == 0; i++) {
        double *values = promql_new_values(eval, &error);
        for (size_t j = 0; j < eval->steps && values != NULL; j++) {
            values[j] = out->rows[i].values[0];
        }
        out->rows[i].values = values;
    }
    out->ordered = false;
    return error;
}

int promql_evaluate(struct promql_eval *eval, const struct promql_node *node,
                    struct promql_matrix *out)
{
    *out = (struct promql_matrix){ 0 };
    int error = promql_eval_check(eval);
    if (error != 0) {
        return error;
    }
    if (eval->depth >= NODES_DEEP_MAX) {
        return promql_eval_fail(eval, BUSBAR_ELIMIT, "the query is nested deeper than %d",
                                NODES_DEEP_MAX);
    }
    eval->depth++;
    size_t before = eval->samples_now;
    bool once = eval->steps > 1 && node->kind != PROMQL_NODE_NUMBER && is_invariant(node);
    error = once ? evaluate_once(eval, node, out) : evaluate_node(eval, node, out);
    eval->samples_now = before + out->count * eval->steps;
    eval->depth--;
    return error;
}
