/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of an expression. Comments (# to the end of the line) and white space are left out. What a
 * character means depends on where it stands, as in Prometheus: between braces every word is a label
 * name, between brackets only numbers, durations and one colon are allowed. Private to promql/. */
#ifndef BUSBAR_PROMQL_LEXER_H
#define BUSBAR_PROMQL_LEXER_H

#include "promql/ast.h"

enum promql_token_kind {
    PROMQL_TOKEN_END,
    PROMQL_TOKEN_ERROR, /* the lexer's err says what */
    PROMQL_TOKEN_IDENTIFIER,
    PROMQL_TOKEN_METRIC, /* an identifier with a colon in it */
    PROMQL_TOKEN_STRING, /* with its quotes */
    PROMQL_TOKEN_NUMBER,
    PROMQL_TOKEN_DURATION,
    PROMQL_TOKEN_LEFT_PAREN,
    PROMQL_TOKEN_RIGHT_PAREN,
    PROMQL_TOKEN_LEFT_BRACE,
    PROMQL_TOKEN_RIGHT_BRACE,
    PROMQL_TOKEN_LEFT_BRACKET,
    PROMQL_TOKEN_RIGHT_BRACKET,
    PROMQL_TOKEN_COMMA,
    PROMQL_TOKEN_COLON,
    PROMQL_TOKEN_AT,
    PROMQL_TOKEN_EQUAL,       /* = */
    PROMQL_TOKEN_MATCHES,     /* =~ */
    PROMQL_TOKEN_NOT_MATCHES, /* !~ */
    PROMQL_TOKEN_OPERATOR,    /* word or sign: `op` says which; != is also a matcher */
    PROMQL_TOKEN_AGGREGATION, /* `aggregation` says which */
    PROMQL_TOKEN_OFFSET,
    PROMQL_TOKEN_BY,
    PROMQL_TOKEN_WITHOUT,
    PROMQL_TOKEN_ON,
    PROMQL_TOKEN_IGNORING,
    PROMQL_TOKEN_GROUP_LEFT,
    PROMQL_TOKEN_GROUP_RIGHT,
    PROMQL_TOKEN_BOOL,
    PROMQL_TOKEN_START,
    PROMQL_TOKEN_FINISH, /* the word `end` */
};

struct promql_token {
    enum promql_token_kind kind;
    uint32_t begin, end; /* bytes in the text */
    enum promql_op op;
    enum promql_aggregation aggregation;
};

struct promql_lexer {
    const char *text;
    uint32_t size, at;
    unsigned parens;
    bool in_braces, in_brackets;
    bool got_colon, got_number; /* since the bracket was opened */
    bool failed;
    struct err *err;
};

/* text must live as long as the lexer; size at most PROMQL_TEXT_BYTES_MAX. */
void promql_lexer_init(struct promql_lexer *lexer, const char *text, size_t size, struct err *err);

/* After an error every token is PROMQL_TOKEN_ERROR; after the end every token is the end. */
struct promql_token promql_lexer_next(struct promql_lexer *lexer);

/* How an error message calls a token: `number "5"`, `<by>`, `"}"`, `end of input`. */
void promql_token_name(const char *text, const struct promql_token *token, char *to, size_t size);

/* Line and column (in characters, from 1) of a place in a text. */
struct position promql_position(const char *text, uint32_t begin, uint32_t end);

#endif
