/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the parser share: parser.c (operators, calls), parser_selector.c (selectors, labels,
 * modifiers), check.c (types and arguments, on the finished tree). Private to promql/. */
#ifndef BUSBAR_PROMQL_PARSER_H
#define BUSBAR_PROMQL_PARSER_H

#include "promql/lexer.h"

struct promql_parser {
    struct promql_lexer lexer;
    struct promql_token token; /* the one to look at */
    const char *text;
    struct arena *arena;
    struct err *err;
    unsigned depth;
    uint32_t closed; /* where the last token that was taken ended */
    int error;       /* the first one; 0: none yet */
};

/* Texts gathered in the arena: labels of a list. */
struct promql_texts {
    const char **items;
    size_t count, capacity;
};

/* Takes the token that is looked at. */
struct promql_token promql_parser_take(struct promql_parser *parser);

/* Fails at a place; NULL so that it can be returned. The first error stays. */
void *promql_parser_fail(struct promql_parser *parser, uint32_t begin, uint32_t end,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));
/* `unexpected "}" in context, expected what`, at the token looked at; texts may be NULL. */
void *promql_parser_unexpected(struct promql_parser *parser, const char *context,
                               const char *expected);
void *promql_parser_no_memory(struct promql_parser *parser);

/* A node that begins at a place; NULL: no memory. */
struct promql_node *promql_parser_node(struct promql_parser *parser, enum promql_node_kind kind,
                                       enum promql_type type, uint32_t begin);

/* Doubles an array in the arena when it is full; items is a pointer to the array. False: failed. */
bool promql_parser_grow(struct promql_parser *parser, void *items, size_t count, size_t *capacity,
                        size_t size);

/* A number or duration token as seconds. False: failed. */
bool promql_parser_number(struct promql_parser *parser, struct promql_token token, double *out);

/* A string token without its quotes, in the arena. False: failed. */
bool promql_parser_string(struct promql_parser *parser, struct promql_token token,
                          const char **text, size_t *size);

/* name{...} or {...}; name may be NULL, then the brace is looked at. */
struct promql_node *promql_parser_selector(struct promql_parser *parser,
                                           const struct promql_token *name);

/* (a, b, "c d"): what by, without, on, ignoring and group_* take. False: failed. */
bool promql_parser_labels(struct promql_parser *parser, struct promql_texts *labels);

/* All of [5m], [5m:1m], offset and @ that follow. */
struct promql_node *promql_parser_modifiers(struct promql_parser *parser, struct promql_node *node);

/* Types, arguments, matchers of a whole tree; sets the cardinality of set operators. */
int promql_check(struct promql_parser *parser, struct promql_node *root);

#endif
