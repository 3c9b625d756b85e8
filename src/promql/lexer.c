/* SPDX-License-Identifier: Apache-2.0 */
#include "promql/lexer.h"

#include <string.h>

#include "base/str.h"

enum { TOKEN_SHOWN_MAX = 40 }; /* bytes of a text that an error message repeats */

struct word {
    const char *text;
    enum promql_token_kind kind;
    enum promql_op op;
    enum promql_aggregation aggregation;
};

static const struct word words[] = {
    { .text = "and", .kind = PROMQL_TOKEN_OPERATOR, .op = PROMQL_OP_AND },
    { .text = "or", .kind = PROMQL_TOKEN_OPERATOR, .op = PROMQL_OP_OR },
    { .text = "unless", .kind = PROMQL_TOKEN_OPERATOR, .op = PROMQL_OP_UNLESS },
    { .text = "atan2", .kind = PROMQL_TOKEN_OPERATOR, .op = PROMQL_OP_ATAN2 },
    { .text = "offset", .kind = PROMQL_TOKEN_OFFSET },
    { .text = "by", .kind = PROMQL_TOKEN_BY },
    { .text = "without", .kind = PROMQL_TOKEN_WITHOUT },
    { .text = "on", .kind = PROMQL_TOKEN_ON },
    { .text = "ignoring", .kind = PROMQL_TOKEN_IGNORING },
    { .text = "group_left", .kind = PROMQL_TOKEN_GROUP_LEFT },
    { .text = "group_right", .kind = PROMQL_TOKEN_GROUP_RIGHT },
    { .text = "bool", .kind = PROMQL_TOKEN_BOOL },
    { .text = "start", .kind = PROMQL_TOKEN_START },
    { .text = "end", .kind = PROMQL_TOKEN_FINISH },
    { .text = "inf", .kind = PROMQL_TOKEN_NUMBER },
    { .text = "nan", .kind = PROMQL_TOKEN_NUMBER },
};

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(int c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(int c)
{
    return is_alpha(c) || is_digit(c);
}

/* The byte at an offset from here; -1 behind the end. */
static int peek(const struct promql_lexer *lexer, uint32_t ahead)
{
    return lexer->size - lexer->at > ahead ? (unsigned char)lexer->text[lexer->at + ahead] : -1;
}

static bool accept(struct promql_lexer *lexer, const char *set)
{
    int c = peek(lexer, 0);
    if (c <= 0 || strchr(set, c) == NULL) {
        return false;
    }
    lexer->at++;
    return true;
}

/* --- errors --- */

struct position promql_position(const char *text, uint32_t begin, uint32_t end)
{
    struct position position = { .line = 1, .column = 1, .width = 1 };
    uint32_t line_begin = 0;
    for (uint32_t i = 0; i < begin; i++) {
        if (text[i] == '\n') {
            position.line++;
            line_begin = i + 1;
        }
    }
    position.column = 1 + (int)str_utf8_length(text + line_begin, begin - line_begin);
    uint32_t stop = begin;
    while (stop < end && text[stop] != '\n') {
        stop++;
    }
    position.width = stop > begin ? (int)str_utf8_length(text + begin, stop - begin) : 1;
    return position;
}

static struct promql_token fail(struct promql_lexer *lexer, uint32_t begin, const char *message)
{
    lexer->failed = true;
    (void)err_at(lexer->err, BUSBAR_ESYNTAX, promql_position(lexer->text, begin, lexer->at), NULL,
                 "%s", message);
    return (struct promql_token){ .kind = PROMQL_TOKEN_ERROR, .begin = begin, .end = lexer->at };
}

/* Names the character at the lexer's place. */
static struct promql_token fail_character(struct promql_lexer *lexer, const char *what)
{
    char message[160];
    uint32_t begin = lexer->at;
    uint32_t size = 1;
    while (size < 4 && begin + size < lexer->size &&
           ((unsigned char)lexer->text[begin + size] & 0xc0) == 0x80) {
        size++;
    }
    if (begin >= lexer->size) {
        (void)str_format(message, sizeof(message), "unexpected end of input %s", what);
    } else if ((unsigned char)lexer->text[begin] < ' ' || !str_is_utf8(lexer->text + begin, size)) {
        (void)str_format(message, sizeof(message), "unexpected byte 0x%02x%s%s",
                         (unsigned char)lexer->text[begin], *what != 0 ? " " : "", what);
    } else {
        (void)str_format(message, sizeof(message), "unexpected character%s%s: '%.*s'",
                         *what != 0 ? " " : "", what, (int)size, lexer->text + begin);
    }
    lexer->at = begin < lexer->size ? begin + size : begin;
    return fail(lexer, begin, message);
}

static struct promql_token fail_text(struct promql_lexer *lexer, uint32_t begin, const char *what)
{
    char message[160];
    size_t size = str_utf8_cut(lexer->text + begin, lexer->at - begin, (size_t)TOKEN_SHOWN_MAX);
    (void)str_format(message, sizeof(message), "%s: \"%.*s\"", what, (int)size,
                     lexer->text + begin);
    return fail(lexer, begin, message);
}

/* --- tokens --- */

static struct promql_token token_of(const struct promql_lexer *lexer, uint32_t begin,
                                    enum promql_token_kind kind)
{
    return (struct promql_token){ .kind = kind, .begin = begin, .end = lexer->at };
}

/* Takes `size` bytes as a token. */
static struct promql_token take(struct promql_lexer *lexer, uint32_t size,
                                enum promql_token_kind kind)
{
    uint32_t begin = lexer->at;
    lexer->at += size;
    return token_of(lexer, begin, kind);
}

static struct promql_token take_operator(struct promql_lexer *lexer, uint32_t size,
                                         enum promql_op op)
{
    struct promql_token token = take(lexer, size, PROMQL_TOKEN_OPERATOR);
    token.op = op;
    return token;
}

static struct promql_token lex_word(struct promql_lexer *lexer)
{
    uint32_t begin = lexer->at;
    bool colon = false;
    while (is_word(peek(lexer, 0)) || (peek(lexer, 0) == ':' && !lexer->in_braces)) {
        colon = colon || peek(lexer, 0) == ':';
        lexer->at++;
    }
    struct promql_token token = token_of(lexer, begin,
                                         colon ? PROMQL_TOKEN_METRIC : PROMQL_TOKEN_IDENTIFIER);
    char word[16];
    size_t size = lexer->at - begin;
    if (lexer->in_braces || size >= sizeof(word)) {
        return token;
    }
    for (size_t i = 0; i < size; i++) {
        char c = lexer->text[begin + i];
        word[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    word[size] = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i].text) == 0) {
            token.kind = words[i].kind;
            token.op = words[i].op;
            return token;
        }
    }
    for (int i = 0; i <= PROMQL_AGG_LIMIT_RATIO; i++) {
        if (strcmp(word, promql_aggregation_word((enum promql_aggregation)i)) == 0) {
            token.kind = PROMQL_TOKEN_AGGREGATION;
            token.aggregation = (enum promql_aggregation)i;
        }
    }
    return token;
}

/* 1, .5, 1e3, 0x1f, 1_000; false: what stands here is no number, or a longer word. */
static bool scan_number(struct promql_lexer *lexer)
{
    const char *digits = "0123456789";
    bool dot = false;
    bool exponent = false;
    bool hex = false;
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X')) {
        lexer->at += 2;
        (void)accept(lexer, "_");
        digits = "0123456789abcdefABCDEF";
        hex = true;
    }
    for (;;) {
        if (peek(lexer, 0) == '.') {
            lexer->at++;
            if (dot || hex || accept(lexer, "_.")) {
                return false;
            }
            dot = true;
        } else if (!hex && accept(lexer, "eE")) {
            bool again = exponent;
            exponent = true;
            (void)accept(lexer, "+-");
            if (again || accept(lexer, "._eE") || peek(lexer, 0) < 0) {
                return false;
            }
        } else if (accept(lexer, "_")) {
            if (accept(lexer, "._eE") || peek(lexer, 0) < 0) {
                return false;
            }
        } else if (!accept(lexer, digits)) {
            return !is_word(peek(lexer, 0));
        } else {
            while (accept(lexer, digits)) {
            }
        }
    }
}

static bool scan_rest_of_duration(struct promql_lexer *lexer)
{
    if (!accept(lexer, "smhdwy")) {
        return false;
    }
    (void)accept(lexer, "s");
    while (accept(lexer, "0123456789")) {
        while (accept(lexer, "0123456789")) {
        }
        if (!accept(lexer, "smhdw")) {
            return false;
        }
        (void)accept(lexer, "s");
    }
    return !is_word(peek(lexer, 0));
}

static struct promql_token lex_number(struct promql_lexer *lexer)
{
    uint32_t begin = lexer->at;
    if (scan_number(lexer)) {
        return token_of(lexer, begin, PROMQL_TOKEN_NUMBER);
    }
    if (scan_rest_of_duration(lexer)) {
        return token_of(lexer, begin, PROMQL_TOKEN_DURATION);
    }
    while (is_word(peek(lexer, 0))) {
        lexer->at++;
    }
    return fail_text(lexer, begin, "bad number or duration syntax");
}

/* To the closing quote; promql_unquote() looks at what is between. */
static struct promql_token lex_string(struct promql_lexer *lexer)
{
    uint32_t begin = lexer->at;
    int quote = peek(lexer, 0);
    lexer->at++;
    for (;;) {
        int c = peek(lexer, 0);
        if (c < 0 || (c == '\n' && quote != '`')) {
            return fail(lexer, begin,
                        quote == '`' ? "unterminated raw string" : "unterminated quoted string");
        }
        lexer->at++;
        if (c == quote) {
            return token_of(lexer, begin, PROMQL_TOKEN_STRING);
        }
        if (c == '\\' && quote != '`' && peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n') {
            lexer->at++;
        }
    }
}

static struct promql_token lex_in_braces(struct promql_lexer *lexer)
{
    int c = peek(lexer, 0);
    if (is_alpha(c)) {
        return lex_word(lexer);
    }
    switch (c) {
    case -1: return fail(lexer, lexer->at, "unexpected end of input inside braces");
    case ',': return take(lexer, 1, PROMQL_TOKEN_COMMA);
    case '"':
    case '\'':
    case '`': return lex_string(lexer);
    case '=':
        return peek(lexer, 1) == '~' ? take(lexer, 2, PROMQL_TOKEN_MATCHES)
                                     : take(lexer, 1, PROMQL_TOKEN_EQUAL);
    case '!':
        if (peek(lexer, 1) == '~') {
            return take(lexer, 2, PROMQL_TOKEN_NOT_MATCHES);
        }
        if (peek(lexer, 1) == '=') {
            return take_operator(lexer, 2, PROMQL_OP_NE);
        }
        lexer->at++;
        return fail_character(lexer, "after '!' inside braces");
    case '}': lexer->in_braces = false; return take(lexer, 1, PROMQL_TOKEN_RIGHT_BRACE);
    default: return fail_character(lexer, "inside braces");
    }
}

static struct promql_token lex_colon(struct promql_lexer *lexer)
{
    if (!lexer->got_number) {
        return fail(lexer, lexer->at, "unexpected colon before the duration between brackets");
    }
    if (lexer->got_colon) {
        return fail(lexer, lexer->at, "unexpected second colon between brackets");
    }
    lexer->got_colon = true;
    return take(lexer, 1, PROMQL_TOKEN_COLON);
}

static struct promql_token lex_in_brackets(struct promql_lexer *lexer)
{
    int c = peek(lexer, 0);
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        lexer->got_number = true;
        return lex_number(lexer);
    }
    switch (c) {
    case -1: return fail(lexer, lexer->at, "unclosed left bracket");
    case ':': return lex_colon(lexer);
    case ']': lexer->in_brackets = false; return take(lexer, 1, PROMQL_TOKEN_RIGHT_BRACKET);
    case '-': lexer->at++; return fail(lexer, lexer->at - 1, "duration must be greater than 0");
    case '+':
    case '*':
    case '/':
    case '%':
    case '^':
    case '(':
        lexer->at++;
        return fail(lexer, lexer->at - 1,
                    "between brackets stands one duration; computing with durations (experimental "
                    "in Prometheus) is not enabled");
    default: return fail_character(lexer, "between brackets");
    }
}

/* == != < <= > >= = and a lone ! */
static struct promql_token lex_comparison(struct promql_lexer *lexer, int c)
{
    bool equal = peek(lexer, 1) == '=';
    switch (c) {
    case '<':
        return equal ? take_operator(lexer, 2, PROMQL_OP_LE)
                     : take_operator(lexer, 1, PROMQL_OP_LT);
    case '>':
        return equal ? take_operator(lexer, 2, PROMQL_OP_GE)
                     : take_operator(lexer, 1, PROMQL_OP_GT);
    case '=':
        if (peek(lexer, 1) == '~') {
            lexer->at++;
            return fail_character(lexer, "after '='");
        }
        return equal ? take_operator(lexer, 2, PROMQL_OP_EQ) : take(lexer, 1, PROMQL_TOKEN_EQUAL);
    default:
        if (equal) {
            return take_operator(lexer, 2, PROMQL_OP_NE);
        }
        lexer->at++;
        return fail_character(lexer, "after '!'");
    }
}

static struct promql_token lex_parenthesis(struct promql_lexer *lexer, int c)
{
    if (c == '(') {
        lexer->parens++;
        return take(lexer, 1, PROMQL_TOKEN_LEFT_PAREN);
    }
    if (lexer->parens == 0) {
        lexer->at++;
        return fail(lexer, lexer->at - 1, "unexpected right parenthesis ')'");
    }
    lexer->parens--;
    return take(lexer, 1, PROMQL_TOKEN_RIGHT_PAREN);
}

static struct promql_token lex_statement(struct promql_lexer *lexer)
{
    int c = peek(lexer, 0);
    if (is_alpha(c) || c == ':') {
        return lex_word(lexer);
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        return lex_number(lexer);
    }
    switch (c) {
    case -1:
        return lexer->parens > 0 ? fail(lexer, lexer->at, "unclosed left parenthesis")
                                 : take(lexer, 0, PROMQL_TOKEN_END);
    case ',': return take(lexer, 1, PROMQL_TOKEN_COMMA);
    case '+': return take_operator(lexer, 1, PROMQL_OP_ADD);
    case '-': return take_operator(lexer, 1, PROMQL_OP_SUB);
    case '*': return take_operator(lexer, 1, PROMQL_OP_MUL);
    case '/': return take_operator(lexer, 1, PROMQL_OP_DIV);
    case '%': return take_operator(lexer, 1, PROMQL_OP_MOD);
    case '^': return take_operator(lexer, 1, PROMQL_OP_POW);
    case '=':
    case '!':
    case '<':
    case '>': return lex_comparison(lexer, c);
    case '"':
    case '\'':
    case '`': return lex_string(lexer);
    case '(':
    case ')': return lex_parenthesis(lexer, c);
    case '{': lexer->in_braces = true; return take(lexer, 1, PROMQL_TOKEN_LEFT_BRACE);
    case '[':
        lexer->in_brackets = true;
        lexer->got_colon = false;
        lexer->got_number = false;
        return take(lexer, 1, PROMQL_TOKEN_LEFT_BRACKET);
    case ']': lexer->at++; return fail(lexer, lexer->at - 1, "unexpected right bracket ']'");
    case '@': return take(lexer, 1, PROMQL_TOKEN_AT);
    default: return fail_character(lexer, "");
    }
}

void promql_lexer_init(struct promql_lexer *lexer, const char *text, size_t size, struct err *err)
{
    *lexer = (struct promql_lexer){ .text = text, .size = (uint32_t)size, .err = err };
}

struct promql_token promql_lexer_next(struct promql_lexer *lexer)
{
    if (lexer->failed) {
        return token_of(lexer, lexer->at, PROMQL_TOKEN_ERROR);
    }
    for (int c = peek(lexer, 0); is_space(c) || c == '#'; c = peek(lexer, 0)) {
        lexer->at++;
        while (c == '#' && peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n' &&
               peek(lexer, 0) != '\r') {
            lexer->at++;
        }
    }
    return lexer->in_braces     ? lex_in_braces(lexer)
           : lexer->in_brackets ? lex_in_brackets(lexer)
                                : lex_statement(lexer);
}

void promql_token_name(const char *text, const struct promql_token *token, char *to, size_t size)
{
    const char *begin = text + token->begin;
    int shown = (int)str_utf8_cut(begin, token->end - token->begin, TOKEN_SHOWN_MAX);
    const char *more = (uint32_t)shown < token->end - token->begin ? "..." : "";
    const char *what = NULL;
    switch (token->kind) {
    case PROMQL_TOKEN_END: (void)str_format(to, size, "end of input"); return;
    case PROMQL_TOKEN_IDENTIFIER: what = "identifier "; break;
    case PROMQL_TOKEN_METRIC: what = "metric identifier "; break;
    case PROMQL_TOKEN_STRING:
        (void)str_format(to, size, "string %.*s%s", shown, begin, more);
        return;
    case PROMQL_TOKEN_NUMBER: what = "number "; break;
    case PROMQL_TOKEN_DURATION: what = "duration "; break;
    case PROMQL_TOKEN_OPERATOR: (void)str_format(to, size, "<op:%.*s>", shown, begin); return;
    case PROMQL_TOKEN_AT: (void)str_format(to, size, "<op:@>"); return;
    case PROMQL_TOKEN_AGGREGATION: (void)str_format(to, size, "<aggr:%.*s>", shown, begin); return;
    default: what = token->kind >= PROMQL_TOKEN_OFFSET ? NULL : ""; break;
    }
    if (what == NULL) {
        (void)str_format(to, size, "<%.*s>", shown, begin);
    } else {
        (void)str_format(to, size, "%s\"%.*s%s\"", what, shown, begin, more);
    }
}
