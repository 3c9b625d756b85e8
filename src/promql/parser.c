/* SPDX-License-Identifier: Apache-2.0 */
/* From text to tree, by precedence climbing. Binding, loosest first: or; and unless; comparisons; + -;
 * * / % atan2 and the unary signs; ^ (the only one that binds to the right); then offset, @ and brackets.
 * So -2 ^ 2 is -(2 ^ 2), and -a * b is (-a) * b. */
#include "promql/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "promql/functions.h"
#include "promql/literal.h"

enum precedence {
    PRECEDENCE_OR = 1,
    PRECEDENCE_AND,
    PRECEDENCE_COMPARE,
    PRECEDENCE_SUM,
    PRECEDENCE_PRODUCT,
    PRECEDENCE_POWER,
};

static const struct {
    const char *text;
    enum precedence precedence;
} operators[] = {
    [PROMQL_OP_ADD] = { "+", PRECEDENCE_SUM },
    [PROMQL_OP_SUB] = { "-", PRECEDENCE_SUM },
    [PROMQL_OP_MUL] = { "*", PRECEDENCE_PRODUCT },
    [PROMQL_OP_DIV] = { "/", PRECEDENCE_PRODUCT },
    [PROMQL_OP_MOD] = { "%", PRECEDENCE_PRODUCT },
    [PROMQL_OP_POW] = { "^", PRECEDENCE_POWER },
    [PROMQL_OP_ATAN2] = { "atan2", PRECEDENCE_PRODUCT },
    [PROMQL_OP_EQ] = { "==", PRECEDENCE_COMPARE },
    [PROMQL_OP_NE] = { "!=", PRECEDENCE_COMPARE },
    [PROMQL_OP_LT] = { "<", PRECEDENCE_COMPARE },
    [PROMQL_OP_LE] = { "<=", PRECEDENCE_COMPARE },
    [PROMQL_OP_GT] = { ">", PRECEDENCE_COMPARE },
    [PROMQL_OP_GE] = { ">=", PRECEDENCE_COMPARE },
    [PROMQL_OP_AND] = { "and", PRECEDENCE_AND },
    [PROMQL_OP_OR] = { "or", PRECEDENCE_OR },
    [PROMQL_OP_UNLESS] = { "unless", PRECEDENCE_AND },
};

static const char *const aggregations[] = {
    [PROMQL_AGG_SUM] = "sum",
    [PROMQL_AGG_AVG] = "avg",
    [PROMQL_AGG_COUNT] = "count",
    [PROMQL_AGG_MIN] = "min",
    [PROMQL_AGG_MAX] = "max",
    [PROMQL_AGG_GROUP] = "group",
    [PROMQL_AGG_STDDEV] = "stddev",
    [PROMQL_AGG_STDVAR] = "stdvar",
    [PROMQL_AGG_TOPK] = "topk",
    [PROMQL_AGG_BOTTOMK] = "bottomk",
    [PROMQL_AGG_COUNT_VALUES] = "count_values",
    [PROMQL_AGG_QUANTILE] = "quantile",
    [PROMQL_AGG_LIMITK] = "limitk",
    [PROMQL_AGG_LIMIT_RATIO] = "limit_ratio",
};

const char *promql_op_text(enum promql_op op)
{
    return op == PROMQL_OP_NONE ? "" : operators[op].text;
}

const char *promql_aggregation_word(enum promql_aggregation aggregation)
{
    return aggregations[aggregation];
}

/* --- what all files of the parser use --- */

struct promql_token promql_parser_take(struct promql_parser *parser)
{
    struct promql_token token = parser->token;
    parser->closed = token.end;
    parser->token = promql_lexer_next(&parser->lexer);
    return token;
}

void *promql_parser_fail(struct promql_parser *parser, uint32_t begin, uint32_t end,
                         const char *format, ...)
{
    char message[ERR_MESSAGE_MAX];
    va_list args;
    if (parser->error != 0) {
        return NULL;
    }
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    parser->error = err_at(parser->err, BUSBAR_ESYNTAX, promql_position(parser->text, begin, end),
                           NULL, "%s", message);
    return NULL;
}

void *promql_parser_unexpected(struct promql_parser *parser, const char *context,
                               const char *expected)
{
    char name[128];
    if (parser->token.kind == PROMQL_TOKEN_ERROR) { /* the lexer said it already */
        parser->error = parser->error != 0 ? parser->error : BUSBAR_ESYNTAX;
        return NULL;
    }
    promql_token_name(parser->text, &parser->token, name, sizeof(name));
    return promql_parser_fail(parser, parser->token.begin, parser->token.end,
                              "unexpected %s%s%s%s%s", name, context != NULL ? " in " : "",
                              context != NULL ? context : "", expected != NULL ? ", expected " : "",
                              expected != NULL ? expected : "");
}

void *promql_parser_no_memory(struct promql_parser *parser)
{
    if (parser->error == 0) {
        parser->error = err_set(parser->err, BUSBAR_ENOMEM,
                                "the expression needs more memory than it may");
    }
    return NULL;
}

struct promql_node *promql_parser_node(struct promql_parser *parser, enum promql_node_kind kind,
                                       enum promql_type type, uint32_t begin)
{
    struct promql_node *node = arena_alloc(parser->arena, sizeof(*node));
    if (node == NULL) {
        return promql_parser_no_memory(parser);
    }
    node->kind = kind;
    node->type = type;
    node->begin = begin;
    node->end = parser->closed;
    node->height = 1;
    return node;
}

bool promql_parser_grow(struct promql_parser *parser, void *items, size_t count, size_t *capacity,
                        size_t size)
{
    if (count < *capacity) {
        return true;
    }
    void *old;
    memcpy(&old, items, sizeof(old));
    size_t bigger = *capacity > 0 ? 2 * *capacity : 4;
    void *made = arena_alloc_array(parser->arena, bigger, size);
    if (made == NULL) {
        return promql_parser_no_memory(parser) != NULL;
    }
    if (count > 0) {
        memcpy(made, old, count * size);
    }
    memcpy(items, &made, sizeof(made));
    *capacity = bigger;
    return true;
}

bool promql_parser_number(struct promql_parser *parser, struct promql_token token, double *out)
{
    const char *text = parser->text + token.begin;
    size_t size = token.end - token.begin;
    int shown = size < 64 ? (int)size : 64;
    int64_t us;
    bool duration = token.kind == PROMQL_TOKEN_DURATION;
    int error = duration ? promql_parse_duration(text, size, &us)
                         : promql_parse_number(text, size, out);
    if (error == BUSBAR_ERANGE) {
        (void)promql_parser_fail(parser, token.begin, token.end, "%s out of range: \"%.*s\"",
                                 duration ? "duration" : "number", shown, text);
    } else if (error != 0) {
        (void)promql_parser_fail(parser, token.begin, token.end, "not a valid %s: \"%.*s\"%s",
                                 duration ? "duration" : "number", shown, text,
                                 duration ? " (whole numbers, units y w d h m s ms in this order)"
                                          : "");
    } else if (duration) {
        *out = (double)us / 1e6;
    }
    return error == 0;
}

bool promql_parser_string(struct promql_parser *parser, struct promql_token token,
                          const char **text, size_t *size)
{
    size_t at;
    const char *problem;
    int error = promql_unquote(parser->text + token.begin, token.end - token.begin, parser->arena,
                               text, size, &at, &problem);
    if (error == BUSBAR_ENOMEM) {
        (void)promql_parser_no_memory(parser);
    } else if (error != 0) {
        const char *shown = parser->text + token.begin + at;
        size_t left = token.end - token.begin - at - 1; /* without the closing quote */
        (void)promql_parser_fail(parser, token.begin + (uint32_t)at, token.end, "%s: %.*s", problem,
                                 (int)str_utf8_cut(shown, left, left < 5 ? left : 5), shown);
    }
    return error == 0;
}

/* --- expressions --- */

static struct promql_node *parse_expression(struct promql_parser *parser,
                                            enum precedence precedence);

static struct promql_node *raise_above(struct promql_parser *parser, struct promql_node *node,
                                       const struct promql_node *child)
{
    if (child->height >= PROMQL_HEIGHT_MAX) {
        return promql_parser_fail(parser, node->begin, node->end,
                                  "the expression has more than %d levels", PROMQL_HEIGHT_MAX);
    }
    node->height = node->height > child->height ? node->height : child->height + 1;
    return node;
}

static struct promql_node *parse_number(struct promql_parser *parser)
{
    struct promql_token token = promql_parser_take(parser);
    struct promql_node *node = promql_parser_node(parser, PROMQL_NODE_NUMBER, PROMQL_SCALAR,
                                                  token.begin);
    if (node == NULL || !promql_parser_number(parser, token, &node->number)) {
        return NULL;
    }
    node->number_is_duration = token.kind == PROMQL_TOKEN_DURATION;
    return node;
}

static struct promql_node *parse_string(struct promql_parser *parser)
{
    struct promql_token token = promql_parser_take(parser);
    struct promql_node *node = promql_parser_node(parser, PROMQL_NODE_STRING, PROMQL_STRING,
                                                  token.begin);
    if (node == NULL || !promql_parser_string(parser, token, &node->string, &node->string_size)) {
        return NULL;
    }
    return node;
}

static struct promql_node *parse_paren(struct promql_parser *parser)
{
    struct promql_token open = promql_parser_take(parser);
    struct promql_node *inner = parse_expression(parser, PRECEDENCE_OR);
    if (inner == NULL) {
        return NULL;
    }
    if (parser->token.kind != PROMQL_TOKEN_RIGHT_PAREN) {
        return promql_parser_unexpected(parser, "parenthesis", "\")\"");
    }
    (void)promql_parser_take(parser);
    struct promql_node *node = promql_parser_node(parser, PROMQL_NODE_PAREN, inner->type,
                                                  open.begin);
    if (node == NULL) {
        return NULL;
    }
    node->left = inner;
    return raise_above(parser, node, inner);
}

/* (a, b): what a function or aggregation takes, into node->args. */
static bool parse_args(struct promql_parser *parser, struct promql_node *node)
{
    size_t capacity = 0;
    (void)promql_parser_take(parser);
    if (parser->token.kind == PROMQL_TOKEN_RIGHT_PAREN) {
        (void)promql_parser_take(parser);
        return true;
    }
    for (;;) {
        struct promql_node *arg = parse_expression(parser, PRECEDENCE_OR);
        if (arg == NULL || !promql_parser_grow(parser, &node->args, node->arg_count, &capacity,
                                               sizeof(struct promql_node *))) {
            return false;
        }
        node->args[node->arg_count++] = arg;
        if (raise_above(parser, node, arg) == NULL) {
            return false;
        }
        if (parser->token.kind == PROMQL_TOKEN_RIGHT_PAREN) {
            (void)promql_parser_take(parser);
            return true;
        }
        if (parser->token.kind != PROMQL_TOKEN_COMMA) {
            (void)promql_parser_unexpected(parser, "the arguments of a call", "\",\" or \")\"");
            return false;
        }
        struct promql_token comma = promql_parser_take(parser);
        if (parser->token.kind == PROMQL_TOKEN_RIGHT_PAREN) {
            (void)promql_parser_fail(parser, comma.begin, comma.end,
                                     "trailing commas not allowed in function call args");
            return false;
        }
    }
}

static struct promql_node *parse_call(struct promql_parser *parser, struct promql_token name)
{
    size_t size = name.end - name.begin;
    const char *text = parser->text + name.begin;
    const struct promql_function *function = promql_function(text, size);
    struct promql_node *node = promql_parser_node(parser, PROMQL_NODE_CALL, PROMQL_VECTOR,
                                                  name.begin);
    if (node == NULL || !parse_args(parser, node)) {
        return NULL;
    }
    if (function == NULL) {
        const char *names[128];
        size_t count = 0;
        while (promql_functions[count].name != NULL && count < 128) {
            names[count] = promql_functions[count].name;
            count++;
        }
        char word[64];
        (void)str_format(word, sizeof(word), "%.*s", size < 63 ? (int)size : 63, text);
        const char *near = str_nearest(word, names, count);
        (void)promql_parser_fail(parser, name.begin, name.end, "unknown function with name \"%s\"",
                                 word);
        if (near != NULL) {
            (void)err_hint(parser->err, "did you mean %s()?", near);
        }
        return NULL;
    }
    node->function = function;
    node->type = function->returns;
    node->end = parser->closed;
    return node;
}

static bool is_grouping(enum promql_token_kind kind)
{
    return kind == PROMQL_TOKEN_BY || kind == PROMQL_TOKEN_WITHOUT;
}

/* by (...) or without (...) */
static bool parse_grouping(struct promql_parser *parser, struct promql_node *node)
{
    struct promql_texts labels = { 0 };
    node->without = promql_parser_take(parser).kind == PROMQL_TOKEN_WITHOUT;
    if (!promql_parser_labels(parser, &labels)) {
        return false;
    }
    node->labels = labels.items;
    node->label_count = labels.count;
    return true;
}

static bool takes_param(enum promql_aggregation aggregation)
{
    return aggregation >= PROMQL_AGG_TOPK;
}

static struct promql_node *parse_aggregate(struct promql_parser *parser, struct promql_token word)
{
    struct promql_node *node = promql_parser_node(parser, PROMQL_NODE_AGGREGATE, PROMQL_VECTOR,
                                                  word.begin);
    if (node == NULL) {
        return NULL;
    }
    bool grouped = is_grouping(parser->token.kind);
    node->aggregation = word.aggregation;
    if (grouped && !parse_grouping(parser, node)) {
        return NULL;
    }
    if (parser->token.kind != PROMQL_TOKEN_LEFT_PAREN) {
        return promql_parser_unexpected(parser, "aggregation", "\"(\"");
    }
    if (!parse_args(parser, node) ||
        (!grouped && is_grouping(parser->token.kind) && !parse_grouping(parser, node))) {
        return NULL;
    }
    if (grouped && is_grouping(parser->token.kind)) {
        return promql_parser_unexpected(parser, "aggregation", NULL);
    }
    node->end = parser->closed;
    size_t wanted = takes_param(word.aggregation) ? 2 : 1;
    if (node->arg_count == 0) {
        return promql_parser_fail(parser, node->begin, node->end,
                                  "no arguments for aggregate expression provided");
    }
    if (node->arg_count != wanted) {
        return promql_parser_fail(
            parser, node->begin, node->end,
            "wrong number of arguments for aggregate expression provided, expected %zu, got %zu",
            wanted, node->arg_count);
    }
    node->left = node->args[wanted - 1];
    node->param = wanted == 2 ? node->args[0] : NULL;
    node->args = NULL;
    node->arg_count = 0;
    return node;
}

/* A word: a function, an aggregation, or the name of a metric, which may be nearly any word. */
static struct promql_node *parse_word(struct promql_parser *parser)
{
    struct promql_token word = promql_parser_take(parser);
    bool paren = parser->token.kind == PROMQL_TOKEN_LEFT_PAREN;
    if (word.kind == PROMQL_TOKEN_IDENTIFIER && paren) {
        return parse_call(parser, word);
    }
    if (word.kind == PROMQL_TOKEN_AGGREGATION && (paren || is_grouping(parser->token.kind))) {
        return parse_aggregate(parser, word);
    }
    return promql_parser_selector(parser, &word);
}

static struct promql_node *parse_primary(struct promql_parser *parser)
{
    struct promql_node *node;
    switch (parser->token.kind) {
    case PROMQL_TOKEN_NUMBER:
    case PROMQL_TOKEN_DURATION: node = parse_number(parser); break;
    case PROMQL_TOKEN_STRING: node = parse_string(parser); break;
    case PROMQL_TOKEN_LEFT_PAREN: node = parse_paren(parser); break;
    case PROMQL_TOKEN_LEFT_BRACE: node = promql_parser_selector(parser, NULL); break;
    case PROMQL_TOKEN_OPERATOR:
        if (operators[parser->token.op].precedence > PRECEDENCE_AND) { /* a sign, or atan2 */
            return promql_parser_unexpected(parser, NULL, NULL);
        }
        node = parse_word(parser);
        break;
    case PROMQL_TOKEN_IDENTIFIER:
    case PROMQL_TOKEN_METRIC:
    case PROMQL_TOKEN_AGGREGATION:
    case PROMQL_TOKEN_OFFSET:
    case PROMQL_TOKEN_BY:
    case PROMQL_TOKEN_WITHOUT:
    case PROMQL_TOKEN_START:
    case PROMQL_TOKEN_FINISH: node = parse_word(parser); break;
    default: return promql_parser_unexpected(parser, NULL, NULL);
    }
    return node != NULL ? promql_parser_modifiers(parser, node) : NULL;
}

static struct promql_node *parse_unary(struct promql_parser *parser)
{
    enum promql_op op = parser->token.op;
    if (parser->token.kind != PROMQL_TOKEN_OPERATOR ||
        (op != PROMQL_OP_ADD && op != PROMQL_OP_SUB)) {
        return parse_primary(parser);
    }
    struct promql_token sign = promql_parser_take(parser);
    struct promql_node *inner = parse_expression(parser, PRECEDENCE_POWER);
    if (inner == NULL) {
        return NULL;
    }
    if (inner->kind == PROMQL_NODE_NUMBER) {
        inner->number = op == PROMQL_OP_SUB ? -inner->number : inner->number;
        inner->begin = sign.begin;
        return inner;
    }
    struct promql_node *node = promql_parser_node(parser, PROMQL_NODE_UNARY, inner->type,
                                                  sign.begin);
    if (node == NULL) {
        return NULL;
    }
    node->op = op;
    node->left = inner;
    return raise_above(parser, node, inner);
}

/* bool, on (...), ignoring (...), group_left (...), group_right (...) behind an operator */
static bool parse_matching(struct promql_parser *parser, struct promql_node *node)
{
    struct promql_texts labels = { 0 };
    struct promql_texts include = { 0 };
    if (parser->token.kind == PROMQL_TOKEN_BOOL) {
        (void)promql_parser_take(parser);
        node->returns_bool = true;
    }
    if (parser->token.kind != PROMQL_TOKEN_ON && parser->token.kind != PROMQL_TOKEN_IGNORING) {
        return true;
    }
    node->matching_on = promql_parser_take(parser).kind == PROMQL_TOKEN_ON;
    if (!promql_parser_labels(parser, &labels)) {
        return false;
    }
    node->labels = labels.items;
    node->label_count = labels.count;
    enum promql_token_kind kind = parser->token.kind;
    if (kind != PROMQL_TOKEN_GROUP_LEFT && kind != PROMQL_TOKEN_GROUP_RIGHT) {
        return true;
    }
    node->cardinality = kind == PROMQL_TOKEN_GROUP_LEFT ? PROMQL_MANY_TO_ONE : PROMQL_ONE_TO_MANY;
    (void)promql_parser_take(parser);
    if (parser->token.kind == PROMQL_TOKEN_LEFT_PAREN && !promql_parser_labels(parser, &include)) {
        return false;
    }
    node->include = include.items;
    node->include_count = include.count;
    return true;
}

static struct promql_node *parse_binary(struct promql_parser *parser, struct promql_node *left)
{
    struct promql_token token = promql_parser_take(parser);
    enum precedence precedence = operators[token.op].precedence;
    struct promql_node *node = promql_parser_node(parser, PROMQL_NODE_BINARY, PROMQL_VECTOR,
                                                  left->begin);
    if (node == NULL) {
        return NULL;
    }
    node->op = token.op;
    node->op_begin = token.begin;
    node->op_end = token.end;
    node->left = left;
    if (!parse_matching(parser, node)) {
        return NULL;
    }
    node->right = parse_expression(parser, token.op == PROMQL_OP_POW ? precedence : precedence + 1);
    if (node->right == NULL) {
        return NULL;
    }
    node->end = parser->closed;
    if (left->type == PROMQL_SCALAR && node->right->type == PROMQL_SCALAR) {
        node->type = PROMQL_SCALAR;
    }
    return raise_above(parser, node, left) != NULL ? raise_above(parser, node, node->right) : NULL;
}

static struct promql_node *parse_expression(struct promql_parser *parser,
                                            enum precedence precedence)
{
    if (parser->depth >= PROMQL_DEPTH_MAX) {
        return promql_parser_fail(parser, parser->token.begin, parser->token.end,
                                  "the expression is nested more than %d deep", PROMQL_DEPTH_MAX);
    }
    parser->depth++;
    struct promql_node *node = parse_unary(parser);
    while (node != NULL && parser->token.kind == PROMQL_TOKEN_OPERATOR &&
           operators[parser->token.op].precedence >= precedence) {
        node = parse_binary(parser, node);
    }
    parser->depth--;
    return node;
}

/* --- the whole --- */

static int begin(struct promql_parser *parser, const char *text, struct arena *arena,
                 struct err *err)
{
    size_t size = strlen(text);
    *parser = (struct promql_parser){ .text = text, .arena = arena, .err = err };
    if (size > PROMQL_TEXT_BYTES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "the expression has %zu bytes; at most %d", size,
                       PROMQL_TEXT_BYTES_MAX);
    }
    promql_lexer_init(&parser->lexer, text, size, err);
    parser->token = promql_lexer_next(&parser->lexer);
    return 0;
}

int promql_parse(const char *text, struct arena *arena, struct promql_node **root, struct err *err)
{
    struct promql_parser parser;
    int error = begin(&parser, text, arena, err);
    if (error != 0) {
        return error;
    }
    if (parser.token.kind == PROMQL_TOKEN_END) {
        return err_set(err, BUSBAR_ESYNTAX, "no expression found in input");
    }
    struct promql_node *node = parse_expression(&parser, PRECEDENCE_OR);
    if (node != NULL && parser.token.kind != PROMQL_TOKEN_END) {
        node = promql_parser_unexpected(&parser, NULL, NULL);
    }
    if (node == NULL) {
        return parser.error;
    }
    error = promql_check(&parser, node);
    if (error == 0) {
        *root = node;
    }
    return error;
}

int promql_matchers(const char *text, struct arena *arena, struct label_matcher *matchers,
                    size_t *count, struct err *err)
{
    struct promql_node *node = NULL;
    int error = promql_parse(text, arena, &node, err);
    if (error != 0) {
        return error;
    }
    if (node->kind != PROMQL_NODE_SELECTOR || node->moment.offset_us != 0 ||
        node->moment.at != PROMQL_AT_NONE) {
        return err_set(err, BUSBAR_ESYNTAX,
                       "not a series selector such as sat{device=\"ahu-1\"}: \"%.64s\"", text);
    }
    memcpy(matchers, node->matchers, node->matcher_count * sizeof(*matchers));
    *count = node->matcher_count;
    return 0;
}
