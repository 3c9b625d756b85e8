/* SPDX-License-Identifier: Apache-2.0 */
/* What the grammar lets through and makes no sense: wrong types, counts of arguments, matching of what is no
 * vector, selectors of everything. Inner expressions first, as their mistakes explain the outer ones. */
#include <stdio.h>
#include <string.h>

#include "model/regex.h"
#include "promql/functions.h"
#include "promql/parser.h"

static int check_node(struct promql_parser *parser, struct promql_node *node);

static int fail_at(struct promql_parser *parser, const struct promql_node *node,
                   const char *message)
{
    (void)promql_parser_fail(parser, node->begin, node->end, "%s", message);
    return parser->error;
}

static int fail_at_operator(struct promql_parser *parser, const struct promql_node *node,
                            const char *message)
{
    (void)promql_parser_fail(parser, node->op_begin, node->op_end, "%s", message);
    return parser->error;
}

/* The type's name in the documentation of Prometheus. */
static const char *type_name(enum promql_type type)
{
    return type == PROMQL_VECTOR   ? "instant vector"
           : type == PROMQL_MATRIX ? "range vector"
                                   : promql_type_word(type);
}

static int expect_type(struct promql_parser *parser, struct promql_node *node,
                       enum promql_type wanted, const char *context, const char *name)
{
    int error = check_node(parser, node);
    if (error == 0 && node->type != wanted) {
        (void)promql_parser_fail(parser, node->begin, node->end, "expected type %s in %s%s, got %s",
                                 type_name(wanted), context, name, type_name(node->type));
        error = parser->error;
    }
    return error;
}

/* --- selectors --- */

/* Does a matcher let an empty label pass? */
static int matches_empty(struct promql_parser *parser, const struct label_matcher *matcher,
                         bool *matches)
{
    struct regex *regex;
    if (matcher->match == LABEL_EQUAL || matcher->match == LABEL_NOT_EQUAL) {
        *matches = (*matcher->value == 0) == (matcher->match == LABEL_EQUAL);
        return 0;
    }
    if (regex_new(matcher->value, strlen(matcher->value), &regex, NULL) != 0) {
        (void)promql_parser_no_memory(parser); /* it was compiled when it was parsed */
        return parser->error;
    }
    *matches = (regex_match(regex, "", 0) > 0) == (matcher->match == LABEL_MATCHES);
    regex_free(regex);
    return 0;
}

static int check_selector(struct promql_parser *parser, struct promql_node *node, bool all_is_fine)
{
    bool all = true;
    for (size_t i = 0; i < node->matcher_count; i++) {
        const struct label_matcher *matcher = &node->matchers[i];
        bool empty_matches = false;
        int error = matches_empty(parser, matcher, &empty_matches);
        if (error != 0) {
            return error;
        }
        all = all && empty_matches;
        if (node->metric != NULL && i + 1 < node->matcher_count &&
            strcmp(matcher->name, LABEL_METRIC) == 0) {
            (void)promql_parser_fail(parser, node->begin, node->end,
                                     "metric name must not be set twice: \"%.64s\" or \"%.64s\"",
                                     node->metric, matcher->value);
            return parser->error;
        }
    }
    return all && !all_is_fine
               ? fail_at(parser, node,
                         "vector selector must contain at least one non-empty matcher")
               : 0;
}

/* --- operators --- */

static bool is_comparison(enum promql_op op)
{
    return op >= PROMQL_OP_EQ && op <= PROMQL_OP_GE;
}

static bool is_set_operator(enum promql_op op)
{
    return op >= PROMQL_OP_AND;
}

static bool is_number_or_vector(enum promql_type type)
{
    return type == PROMQL_SCALAR || type == PROMQL_VECTOR;
}

static int check_labels_once(struct promql_parser *parser, struct promql_node *node)
{
    for (size_t i = 0; i < node->label_count && node->matching_on; i++) {
        for (size_t k = 0; k < node->include_count; k++) {
            if (strcmp(node->labels[i], node->include[k]) == 0) {
                (void)promql_parser_fail(
                    parser, node->op_begin, node->op_end,
                    "label \"%.64s\" must not occur in ON and GROUP clause at once",
                    node->labels[i]);
                return parser->error;
            }
        }
    }
    return 0;
}

/* Operands that are not both vectors. */
static int check_scalar_operands(struct promql_parser *parser, struct promql_node *node)
{
    if (node->label_count > 0) {
        return fail_at(parser, node, "vector matching only allowed between instant vectors");
    }
    if (is_set_operator(node->op)) {
        (void)promql_parser_fail(parser, node->begin, node->end,
                                 "set operator \"%s\" not allowed in binary scalar expression",
                                 promql_op_text(node->op));
        return parser->error;
    }
    node->matching_on = false; /* on() says nothing here */
    node->cardinality = PROMQL_ONE_TO_ONE;
    node->include_count = 0;
    return 0;
}

static int check_binary(struct promql_parser *parser, struct promql_node *node)
{
    int error = check_node(parser, node->left);
    error = error == 0 ? check_node(parser, node->right) : error;
    if (error != 0) {
        return error;
    }
    enum promql_type left = node->left->type;
    enum promql_type right = node->right->type;
    bool scalars = left == PROMQL_SCALAR && right == PROMQL_SCALAR;
    if (node->returns_bool && !is_comparison(node->op)) {
        return fail_at_operator(parser, node,
                                "bool modifier can only be used on comparison operators");
    }
    if (is_comparison(node->op) && !node->returns_bool && scalars) {
        return fail_at_operator(parser, node, "comparisons between scalars must use BOOL modifier");
    }
    if ((error = check_labels_once(parser, node)) != 0) {
        return error;
    }
    if (!is_number_or_vector(left) || !is_number_or_vector(right)) {
        return fail_at(parser, is_number_or_vector(left) ? node->right : node->left,
                       "binary expression must contain only scalar and instant vector types");
    }
    if (left != PROMQL_VECTOR || right != PROMQL_VECTOR) {
        return check_scalar_operands(parser, node);
    }
    if (is_set_operator(node->op)) {
        if (node->cardinality != PROMQL_ONE_TO_ONE) {
            (void)promql_parser_fail(parser, node->begin, node->end,
                                     "no grouping allowed for \"%s\" operation",
                                     promql_op_text(node->op));
            return parser->error;
        }
        node->cardinality = PROMQL_MANY_TO_MANY;
    }
    return 0;
}

static int check_unary(struct promql_parser *parser, struct promql_node *node)
{
    int error = check_node(parser, node->left);
    if (error == 0 && !is_number_or_vector(node->left->type)) {
        (void)promql_parser_fail(parser, node->begin, node->end,
                                 "unary expression only allowed on expressions of type scalar or "
                                 "instant vector, got \"%s\"",
                                 type_name(node->left->type));
        error = parser->error;
    }
    return error;
}

/* --- calls --- */

static int check_aggregate(struct promql_parser *parser, struct promql_node *node)
{
    int error = expect_type(parser, node->left, PROMQL_VECTOR, "aggregation expression", "");
    if (error != 0 || node->param == NULL) {
        return error;
    }
    return expect_type(parser, node->param,
                       node->aggregation == PROMQL_AGG_COUNT_VALUES ? PROMQL_STRING : PROMQL_SCALAR,
                       "aggregation parameter", "");
}

static int check_arg_count(struct promql_parser *parser, struct promql_node *node)
{
    const struct promql_function *function = node->function;
    size_t most = function->arg_count;
    size_t least = function->variadic == 0  ? most
                   : function->variadic < 0 ? most - 1
                                            : most - (size_t)function->variadic;
    const char *how = function->variadic == 0   ? ""
                      : node->arg_count < least ? "at least "
                                                : "at most ";
    if (node->arg_count >= least && (node->arg_count <= most || function->variadic < 0)) {
        return 0;
    }
    (void)promql_parser_fail(
        parser, node->begin, node->end, "expected %s%zu argument(s) in call to \"%s\", got %zu",
        how, node->arg_count < least ? least : most, function->name, node->arg_count);
    return parser->error;
}

/* info()'s second argument only carries matchers; it is never selected by itself. */
static int check_info_labels(struct promql_parser *parser, struct promql_node *node)
{
    struct promql_node *labels = node->args[1];
    if (labels->kind != PROMQL_NODE_SELECTOR || labels->metric != NULL) {
        return fail_at(
            parser, labels,
            "expected label selectors only, such as {host=~\"a.*\"}, got something else");
    }
    return check_selector(parser, labels, true);
}

static int check_call(struct promql_parser *parser, struct promql_node *node)
{
    const struct promql_function *function = node->function;
    int error = check_arg_count(parser, node);
    bool info = strcmp(function->name, "info") == 0;
    for (size_t i = 0; i < node->arg_count && error == 0; i++) {
        size_t at = i < function->arg_count ? i : (size_t)function->arg_count - 1;
        char name[64];
        (void)snprintf(name, sizeof(name), "\"%.60s\"", function->name);
        error = info && i == 1 ? check_info_labels(parser, node)
                               : expect_type(parser, node->args[i], function->args[at],
                                             "call to function ", name);
    }
    return error;
}

static int check_subquery(struct promql_parser *parser, struct promql_node *node)
{
    int error = check_node(parser, node->left);
    if (error == 0 && node->left->type != PROMQL_VECTOR) {
        (void)promql_parser_fail(parser, node->begin, node->end,
                                 "subquery is only allowed on instant vector, got %s instead",
                                 type_name(node->left->type));
        error = parser->error;
    }
    return error;
}

/* Recursion is bounded by PROMQL_HEIGHT_MAX. */
static int check_node(struct promql_parser *parser, struct promql_node *node)
{
    switch (node->kind) {
    case PROMQL_NODE_SELECTOR: return check_selector(parser, node, false);
    case PROMQL_NODE_RANGE:
    case PROMQL_NODE_PAREN: return check_node(parser, node->left);
    case PROMQL_NODE_SUBQUERY: return check_subquery(parser, node);
    case PROMQL_NODE_UNARY: return check_unary(parser, node);
    case PROMQL_NODE_BINARY: return check_binary(parser, node);
    case PROMQL_NODE_AGGREGATE: return check_aggregate(parser, node);
    case PROMQL_NODE_CALL: return check_call(parser, node);
    default: return 0;
    }
}

int promql_check(struct promql_parser *parser, struct promql_node *root)
{
    return check_node(parser, root);
}
