/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors, lists of labels, and what may follow a selector: [range], [range:step], offset, @. */
#include "promql/parser.h"

#include <math.h>
#include <string.h>

#include "model/regex.h"
#include "promql/literal.h"

#define OFFSET_TWICE "offset may not be set multiple times"
#define AT_TWICE     "@ <timestamp> may not be set multiple times"

/* --- matchers --- */

static bool add_matcher(struct promql_parser *parser, struct promql_node *node, size_t *capacity,
                        struct label_matcher matcher)
{
    if (node->matcher_count >= HISTORY_MATCHERS_MAX) {
        (void)promql_parser_fail(parser, node->begin, parser->closed,
                                 "a selector has more than %d matchers", HISTORY_MATCHERS_MAX);
        return false;
    }
    if (!promql_parser_grow(parser, &node->matchers, node->matcher_count, capacity,
                            sizeof(matcher))) {
        return false;
    }
    node->matchers[node->matcher_count++] = matcher;
    return true;
}

/* A label's text: no series has a zero byte in one. */
static bool parse_label_text(struct promql_parser *parser, struct promql_token token,
                             const char **text)
{
    size_t size;
    if (!promql_parser_string(parser, token, text, &size)) {
        return false;
    }
    if (strlen(*text) != size) {
        (void)promql_parser_fail(parser, token.begin, token.end,
                                 "a zero byte cannot be part of a label");
        return false;
    }
    return true;
}

static bool match_of(const struct promql_token *token, enum label_match *match)
{
    switch (token->kind) {
    case PROMQL_TOKEN_EQUAL: *match = LABEL_EQUAL; return true;
    case PROMQL_TOKEN_MATCHES: *match = LABEL_MATCHES; return true;
    case PROMQL_TOKEN_NOT_MATCHES: *match = LABEL_NOT_MATCHES; return true;
    case PROMQL_TOKEN_OPERATOR: *match = LABEL_NOT_EQUAL; return true; /* != alone is lexed there */
    default: return false;
    }
}

/* A regular expression that cannot be run is a mistake of the text. */
static bool check_regex(struct promql_parser *parser, struct promql_token token, const char *text)
{
    struct regex *regex;
    struct err problem = { 0 };
    int error = regex_new(text, strlen(text), &regex, &problem);
    regex_free(regex);
    if (error == BUSBAR_ENOMEM) {
        return promql_parser_no_memory(parser) != NULL;
    }
    if (error != 0) {
        (void)promql_parser_fail(parser, token.begin, token.end,
                                 "error parsing regexp, at its character %d: %s", problem.column,
                                 problem.message);
    }
    return error == 0;
}

/* The value behind = != =~ !~ */
static bool parse_value(struct promql_parser *parser, struct label_matcher *matcher)
{
    if (parser->token.kind != PROMQL_TOKEN_STRING) {
        (void)promql_parser_unexpected(parser, "label matching", "string");
        return false;
    }
    struct promql_token token = promql_parser_take(parser);
    bool is_regex = matcher->match == LABEL_MATCHES || matcher->match == LABEL_NOT_MATCHES;
    return parse_label_text(parser, token, &matcher->value) &&
           (!is_regex || check_regex(parser, token, matcher->value));
}

/* a="b", "a b"=~"c", or "metric" alone */
static bool parse_matcher(struct promql_parser *parser, struct promql_node *node, size_t *capacity)
{
    struct label_matcher matcher = { 0 };
    struct promql_token name = parser->token;
    bool quoted = name.kind == PROMQL_TOKEN_STRING;
    if (!quoted && name.kind != PROMQL_TOKEN_IDENTIFIER) {
        (void)promql_parser_unexpected(parser, "label matching", "identifier or \"}\"");
        return false;
    }
    (void)promql_parser_take(parser);
    if (quoted ? !parse_label_text(parser, name, &matcher.name)
               : (matcher.name = arena_strndup(parser->arena, parser->text + name.begin,
                                               name.end - name.begin)) == NULL) {
        return promql_parser_no_memory(parser) != NULL;
    }
    if (!match_of(&parser->token, &matcher.match)) {
        if (quoted && (parser->token.kind == PROMQL_TOKEN_COMMA ||
                       parser->token.kind == PROMQL_TOKEN_RIGHT_BRACE)) {
            matcher.value = matcher.name;
            matcher.name = LABEL_METRIC;
            return add_matcher(parser, node, capacity, matcher);
        }
        (void)promql_parser_unexpected(parser, "label matching", "label matching operator");
        return false;
    }
    (void)promql_parser_take(parser);
    return parse_value(parser, &matcher) && add_matcher(parser, node, capacity, matcher);
}

static bool parse_matchers(struct promql_parser *parser, struct promql_node *node, size_t *capacity)
{
    (void)promql_parser_take(parser);
    while (parser->token.kind != PROMQL_TOKEN_RIGHT_BRACE) {
        if (!parse_matcher(parser, node, capacity)) {
            return false;
        }
        if (parser->token.kind == PROMQL_TOKEN_COMMA) {
            (void)promql_parser_take(parser);
        } else if (parser->token.kind != PROMQL_TOKEN_RIGHT_BRACE) {
            (void)promql_parser_unexpected(parser, "label matching", "\",\" or \"}\"");
            return false;
        }
    }
    (void)promql_parser_take(parser);
    return true;
}

struct promql_node *promql_parser_selector(struct promql_parser *parser,
                                           const struct promql_token *name)
{
    size_t capacity = 0;
    struct promql_node *node = promql_parser_node(parser, PROMQL_NODE_SELECTOR, PROMQL_VECTOR,
                                                  name != NULL ? name->begin : parser->token.begin);
    if (node == NULL) {
        return NULL;
    }
    if (parser->token.kind == PROMQL_TOKEN_LEFT_BRACE && !parse_matchers(parser, node, &capacity)) {
        return NULL;
    }
    if (name != NULL) {
        node->metric = arena_strndup(parser->arena, parser->text + name->begin,
                                     name->end - name->begin);
        if (node->metric == NULL) {
            return promql_parser_no_memory(parser);
        }
        struct label_matcher matcher = { .match = LABEL_EQUAL,
                                         .name = LABEL_METRIC,
                                         .value = node->metric };
        if (!add_matcher(parser, node, &capacity, matcher)) {
            return NULL;
        }
    }
    node->end = parser->closed;
    return node;
}

/* --- lists of labels --- */

/* Nearly every word can be a label, but not `without`, as in Prometheus. */
static bool can_be_label(const struct promql_token *token)
{
    switch (token->kind) {
    case PROMQL_TOKEN_IDENTIFIER:
    case PROMQL_TOKEN_METRIC:
    case PROMQL_TOKEN_STRING:
    case PROMQL_TOKEN_AGGREGATION:
    case PROMQL_TOKEN_OFFSET:
    case PROMQL_TOKEN_BY:
    case PROMQL_TOKEN_ON:
    case PROMQL_TOKEN_IGNORING:
    case PROMQL_TOKEN_GROUP_LEFT:
    case PROMQL_TOKEN_GROUP_RIGHT:
    case PROMQL_TOKEN_BOOL:
    case PROMQL_TOKEN_START:
    case PROMQL_TOKEN_FINISH: return true;
    case PROMQL_TOKEN_OPERATOR: return token->op >= PROMQL_OP_AND || token->op == PROMQL_OP_ATAN2;
    default: return false;
    }
}

static bool parse_label(struct promql_parser *parser, const char **label)
{
    if (!can_be_label(&parser->token)) {
        (void)promql_parser_unexpected(parser, "grouping opts", "label");
        return false;
    }
    struct promql_token token = promql_parser_take(parser);
    if (token.kind == PROMQL_TOKEN_STRING) {
        if (!parse_label_text(parser, token, label)) {
            return false;
        }
        if (**label == 0) {
            (void)promql_parser_fail(parser, token.begin, token.end,
                                     "invalid label name for grouping: \"\"");
            return false;
        }
        return true;
    }
    *label = arena_strndup(parser->arena, parser->text + token.begin, token.end - token.begin);
    return *label != NULL || promql_parser_no_memory(parser) != NULL;
}

bool promql_parser_labels(struct promql_parser *parser, struct promql_texts *labels)
{
    if (parser->token.kind != PROMQL_TOKEN_LEFT_PAREN) {
        (void)promql_parser_unexpected(parser, "grouping opts", "\"(\"");
        return false;
    }
    (void)promql_parser_take(parser);
    while (parser->token.kind != PROMQL_TOKEN_RIGHT_PAREN) {
        const char *label;
        if (labels->count >= LABELS_MAX) {
            (void)promql_parser_fail(parser, parser->token.begin, parser->token.end,
                                     "a list has more than %d labels", LABELS_MAX);
            return false;
        }
        if (!parse_label(parser, &label) ||
            !promql_parser_grow(parser, &labels->items, labels->count, &labels->capacity,
                                sizeof(*labels->items))) {
            return false;
        }
        labels->items[labels->count++] = label;
        if (parser->token.kind == PROMQL_TOKEN_COMMA) {
            (void)promql_parser_take(parser);
        } else if (parser->token.kind != PROMQL_TOKEN_RIGHT_PAREN) {
            (void)promql_parser_unexpected(parser, "grouping opts", "\",\" or \")\"");
            return false;
        }
    }
    (void)promql_parser_take(parser);
    return true;
}

/* --- modifiers --- */

/* A number of seconds or a duration, with a sign where one may stand. */
static bool parse_seconds(struct promql_parser *parser, const char *context, const char *expected,
                          struct promql_token *token, double *seconds)
{
    bool negative = false;
    uint32_t begin = parser->token.begin;
    if (parser->token.kind == PROMQL_TOKEN_OPERATOR &&
        (parser->token.op == PROMQL_OP_ADD || parser->token.op == PROMQL_OP_SUB)) {
        negative = promql_parser_take(parser).op == PROMQL_OP_SUB;
    }
    if (parser->token.kind != PROMQL_TOKEN_NUMBER && parser->token.kind != PROMQL_TOKEN_DURATION) {
        (void)promql_parser_unexpected(parser, context, expected);
        return false;
    }
    *token = promql_parser_take(parser);
    if (!promql_parser_number(parser, *token, seconds)) {
        return false;
    }
    token->begin = begin;
    *seconds = negative ? -*seconds : *seconds;
    return true;
}

static bool parse_duration(struct promql_parser *parser, const char *context, int64_t *us)
{
    struct promql_token token;
    double seconds;
    if (!parse_seconds(parser, context, "number or duration", &token, &seconds)) {
        return false;
    }
    if (promql_seconds_to_us(seconds, us) != 0) {
        (void)promql_parser_fail(parser, token.begin, token.end, "duration out of range");
        return false;
    }
    return true;
}

/* Between brackets: greater than 0. */
static bool parse_width(struct promql_parser *parser, const char *context, int64_t *us)
{
    struct promql_token token = parser->token;
    if (!parse_duration(parser, context, us)) {
        return false;
    }
    if (*us <= 0) {
        (void)promql_parser_fail(parser, token.begin, token.end, "duration must be greater than 0");
        return false;
    }
    return true;
}

/* The moment that offset and @ of this node set; NULL: they may not follow it. */
static struct promql_moment *moment_of(struct promql_node *node)
{
    switch (node->kind) {
    case PROMQL_NODE_SELECTOR:
    case PROMQL_NODE_SUBQUERY: return &node->moment;
    case PROMQL_NODE_RANGE: return &node->left->moment;
    default: return NULL;
    }
}

static struct promql_node *parse_offset(struct promql_parser *parser, struct promql_node *node)
{
    int64_t offset_us;
    struct promql_moment *moment = moment_of(node);
    (void)promql_parser_take(parser);
    if (!parse_duration(parser, "offset", &offset_us)) {
        return NULL;
    }
    if (moment == NULL) {
        return promql_parser_fail(parser, node->begin, node->end,
                                  "offset modifier must be preceded by an instant vector selector "
                                  "or range vector selector or a subquery");
    }
    if (moment->offset_us != 0) {
        return promql_parser_fail(parser, node->begin, parser->closed, OFFSET_TWICE);
    }
    moment->offset_us = offset_us;
    node->end = parser->closed;
    return node;
}

/* start() or end() */
static bool parse_at_word(struct promql_parser *parser, struct promql_moment *moment)
{
    moment->at = promql_parser_take(parser).kind == PROMQL_TOKEN_START ? PROMQL_AT_START
                                                                       : PROMQL_AT_END;
    for (int i = 0; i < 2; i++) {
        enum promql_token_kind wanted = i == 0 ? PROMQL_TOKEN_LEFT_PAREN : PROMQL_TOKEN_RIGHT_PAREN;
        if (parser->token.kind != wanted) {
            (void)promql_parser_unexpected(parser, "@", i == 0 ? "\"(\"" : "\")\"");
            return false;
        }
        (void)promql_parser_take(parser);
    }
    return true;
}

static bool parse_at_time(struct promql_parser *parser, struct promql_moment *moment)
{
    struct promql_token token;
    double seconds;
    if (!parse_seconds(parser, "@", "timestamp", &token, &seconds)) {
        return false;
    }
    if (promql_seconds_to_us(seconds, &moment->at_us) != 0) {
        (void)promql_parser_fail(parser, token.begin, token.end,
                                 "timestamp out of bounds for @ modifier: %g", seconds);
        return false;
    }
    moment->at = PROMQL_AT_TIME;
    return true;
}

static struct promql_node *parse_at(struct promql_parser *parser, struct promql_node *node)
{
    struct promql_moment at = { 0 };
    struct promql_moment *moment = moment_of(node);
    (void)promql_parser_take(parser);
    bool word = parser->token.kind == PROMQL_TOKEN_START ||
                parser->token.kind == PROMQL_TOKEN_FINISH;
    if (word ? !parse_at_word(parser, &at) : !parse_at_time(parser, &at)) {
        return NULL;
    }
    if (moment == NULL) {
        return promql_parser_fail(parser, node->begin, node->end,
                                  "@ modifier must be preceded by an instant vector selector or "
                                  "range vector selector or a subquery");
    }
    if (moment->at != PROMQL_AT_NONE) {
        return promql_parser_fail(parser, node->begin, parser->closed, AT_TWICE);
    }
    moment->at = at.at;
    moment->at_us = at.at_us;
    node->end = parser->closed;
    return node;
}

static struct promql_node *wrap(struct promql_parser *parser, struct promql_node *inner,
                                enum promql_node_kind kind)
{
    struct promql_node *node = promql_parser_node(parser, kind, PROMQL_MATRIX, inner->begin);
    if (node != NULL) {
        node->left = inner;
        node->height = inner->height + 1;
        if (node->height > PROMQL_HEIGHT_MAX) {
            return promql_parser_fail(parser, node->begin, node->end,
                                      "the expression has more than %d levels", PROMQL_HEIGHT_MAX);
        }
    }
    return node;
}

/* Why brackets may not follow; NULL: they may. start() and end() are no times yet and may stand there, as in
 * Prometheus. */
static const char *range_problem(const struct promql_node *inner)
{
    if (inner->kind != PROMQL_NODE_SELECTOR) {
        return "ranges only allowed for vector selectors";
    }
    if (inner->moment.offset_us != 0) {
        return "no offset modifiers allowed before range";
    }
    return inner->moment.at == PROMQL_AT_TIME ? "no @ modifiers allowed before range" : NULL;
}

static struct promql_node *make_range(struct promql_parser *parser, struct promql_node *inner,
                                      uint32_t bracket, int64_t range_us)
{
    const char *problem = range_problem(inner);
    if (problem != NULL) {
        return promql_parser_fail(parser, bracket, parser->closed, "%s", problem);
    }
    struct promql_node *node = wrap(parser, inner, PROMQL_NODE_RANGE);
    if (node != NULL) {
        node->range_us = range_us;
    }
    return node;
}

static struct promql_node *parse_brackets(struct promql_parser *parser, struct promql_node *inner)
{
    struct promql_token open = promql_parser_take(parser);
    int64_t range_us;
    int64_t step_us = 0;
    bool subquery = false;
    if (parser->token.kind == PROMQL_TOKEN_RIGHT_BRACKET) {
        return promql_parser_fail(parser, parser->token.begin, parser->token.end,
                                  "missing duration between brackets");
    }
    if (!parse_width(parser, "range", &range_us)) {
        return NULL;
    }
    if (parser->token.kind == PROMQL_TOKEN_COLON) {
        subquery = true;
        (void)promql_parser_take(parser);
        if (parser->token.kind != PROMQL_TOKEN_RIGHT_BRACKET &&
            !parse_width(parser, "subquery", &step_us)) {
            return NULL;
        }
    }
    if (parser->token.kind != PROMQL_TOKEN_RIGHT_BRACKET) {
        return promql_parser_unexpected(parser, subquery ? "subquery selector" : "range selector",
                                        subquery ? "\"]\"" : "\":\" or \"]\"");
    }
    (void)promql_parser_take(parser);
    if (!subquery) {
        return make_range(parser, inner, open.begin, range_us);
    }
    struct promql_node *node = wrap(parser, inner, PROMQL_NODE_SUBQUERY);
    if (node != NULL) {
        node->range_us = range_us;
        node->step_us = step_us;
    }
    return node;
}

struct promql_node *promql_parser_modifiers(struct promql_parser *parser, struct promql_node *node)
{
    while (node != NULL) {
        switch (parser->token.kind) {
        case PROMQL_TOKEN_LEFT_BRACKET: node = parse_brackets(parser, node); break;
        case PROMQL_TOKEN_OFFSET: node = parse_offset(parser, node); break;
        case PROMQL_TOKEN_AT: node = parse_at(parser, node); break;
        default: return node;
        }
    }
    return NULL;
}
