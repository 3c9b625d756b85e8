/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of a path to its steps (RFC 9535, section 2). More generous than the RFC where nothing else can be
 * meant: the leading `$.` may be left out, names need quotes only for blanks and the characters of the language. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "payload/path_parts.h"

enum {
    NESTED_MAX = 16,    /* brackets and filters in each other */
    SELECTORS_MAX = 32, /* in one pair of brackets */
};

struct reader {
    struct payload_path *path;
    const char *text;
    size_t size, at;
    unsigned nested;
    struct err *err;
};

static int wrong(struct reader *in, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int wrong(struct reader *in, const char *hint, const char *format, ...)
{
    char what[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    struct position at = { .column = (int)str_utf8_length(in->text, in->at) + 1 };
    return err_at(in->err, BUSBAR_ESYNTAX, at, hint, "%s", what);
}

static int too_much(struct reader *in, const char *what, int most)
{
    return err_set(in->err, BUSBAR_ELIMIT, "a path with more than %d %s", most, what);
}

static char peek(const struct reader *in)
{
    return in->at < in->size ? in->text[in->at] : '\0';
}

static bool accept(struct reader *in, const char *word)
{
    size_t size = strlen(word);
    if (in->size - in->at < size || memcmp(in->text + in->at, word, size) != 0) {
        return false;
    }
    in->at += size;
    return true;
}

static void skip_blanks(struct reader *in)
{
    while (peek(in) == ' ' || peek(in) == '\t') {
        in->at++;
    }
}

static void *room(struct reader *in, size_t count, size_t size)
{
    return arena_alloc_array(&in->path->arena, count, size);
}

/* ---- names and literals ---- */

static bool in_name(char c)
{
    return c != '\0' && strchr(" \t.[]()'\",=<>!&|?*", c) == NULL;
}

static int read_name(struct reader *in, struct path_selector *selector)
{
    size_t start = in->at;
    while (in->at < in->size && in_name(in->text[in->at])) {
        in->at++;
    }
    if (in->at == start) {
        return wrong(in, "names with blanks or signs are written ['like this']",
                     "a name is missing");
    }
    if (peek(in) == '(') {
        return wrong(in, NULL, "functions are not known here");
    }
    selector->type = PATH_NAME;
    selector->name_size = in->at - start;
    selector->name = arena_strndup(&in->path->arena, in->text + start, selector->name_size);
    return selector->name != NULL ? 0 : BUSBAR_ENOMEM;
}

/* Four hexadecimal digits; negative: they are none. */
static int64_t read_unit(struct reader *in)
{
    int64_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = str_hex_digit(peek(in));
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
        in->at++;
    }
    return unit;
}

/* Behind \u; surrogates come in pairs. Returns how many bytes were written, 0: it is no character. */
static size_t read_character(struct reader *in, char to[4])
{
    int64_t unit = read_unit(in);
    if (unit >= 0xd800 && unit < 0xdc00) {
        int64_t low = accept(in, "\\u") ? read_unit(in) : -1;
        unit = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                                             : -1;
    }
    bool fine = unit >= 0 && (unit < 0xd800 || unit > 0xdfff);
    return fine ? str_put_utf8(to, (uint32_t)unit) : 0;
}

static int read_quoted(struct reader *in, const char **text, size_t *size)
{
    static const char escapes[] = "'\"\\/bfnrt";
    static const char meant[] = "'\"\\/\b\f\n\r\t";
    size_t start = in->at;
    char quote = in->text[in->at++];
    char *to = arena_alloc(&in->path->arena, in->size - in->at + 1);
    size_t length = 0;
    if (to == NULL) {
        return BUSBAR_ENOMEM;
    }
    while (in->at < in->size && in->text[in->at] != quote) {
        char c = in->text[in->at++];
        if (c != '\\') {
            to[length++] = c;
            continue;
        }
        const char *escape = peek(in) != '\0' ? strchr(escapes, peek(in)) : NULL;
        if (escape != NULL) {
            to[length++] = meant[escape - escapes];
            in->at++;
        } else {
            char character[4];
            size_t bytes = accept(in, "u") ? read_character(in, character) : 0;
            if (bytes == 0) {
                return wrong(in, "a backslash itself is written \\\\", "no such escape");
            }
            memcpy(to + length, character, bytes); /* never more than its six characters */
            length += bytes;
        }
    }
    if (peek(in) != quote) {
        in->at = start;
        return wrong(in, NULL, "this quote is never closed");
    }
    in->at++;
    *text = to;
    *size = length;
    return 0;
}

static int read_number(struct reader *in, struct payload_node *value)
{
    char text[64];
    size_t size = 0;
    while (size < sizeof(text) - 1 && peek(in) != '\0' && strchr("+-.0123456789eE", peek(in))) {
        text[size++] = in->text[in->at++];
    }
    text[size] = '\0';
    value->type = PAYLOAD_INT;
    if (str_parse_i64(text, &value->value.i) == 0) {
        return 0;
    }
    value->type = PAYLOAD_DOUBLE;
    return str_parse_double(text, &value->value.d) == 0
               ? 0
               : wrong(in, NULL, "'%s' is no number", text);
}

/* ---- steps ---- */

static int read_or(struct reader *in, const struct path_test **out);

static bool read_integer(struct reader *in, int64_t *value, int *error)
{
    char text[24];
    size_t size = 0;
    if (peek(in) != '-' && !(peek(in) >= '0' && peek(in) <= '9')) {
        return false;
    }
    do {
        text[size++] = in->text[in->at++];
    } while (size < sizeof(text) - 1 && peek(in) >= '0' && peek(in) <= '9');
    text[size] = '\0';
    if (str_parse_i64(text, value) != 0) {
        *error = wrong(in, NULL, "'%s' is no index", text);
    }
    return *error == 0;
}

/* An index, or from:to:step. */
static int read_index(struct reader *in, struct path_selector *selector)
{
    int error = 0;
    selector->type = PATH_INDEX;
    selector->has_from = read_integer(in, &selector->from, &error);
    selector->index = selector->from;
    skip_blanks(in);
    if (error != 0 || !accept(in, ":")) {
        return error;
    }
    selector->type = PATH_SLICE;
    selector->index = 1;
    skip_blanks(in);
    selector->has_to = read_integer(in, &selector->to, &error);
    skip_blanks(in);
    if (error == 0 && accept(in, ":")) {
        skip_blanks(in);
        (void)read_integer(in, &selector->index, &error);
    }
    return error;
}

static int read_selector(struct reader *in, struct path_selector *selector)
{
    char c = peek(in);
    if (c == '*') {
        in->at++;
        selector->type = PATH_ANY;
        return 0;
    }
    if (c == '?') {
        in->at++;
        selector->type = PATH_FILTER;
        return read_or(in, &selector->filter);
    }
    if (c == '\'' || c == '"') {
        selector->type = PATH_NAME;
        return read_quoted(in, &selector->name, &selector->name_size);
    }
    if (c == '-' || c == ':' || (c >= '0' && c <= '9')) {
        return read_index(in, selector);
    }
    return wrong(in, "['a name'], [0], [-1], [1:3], [*] or [?@.id=='t1']",
                 "nothing that can stand in brackets");
}

static int read_brackets(struct reader *in, struct path_step *step)
{
    struct path_selector selectors[SELECTORS_MAX];
    size_t start = in->at++;
    memset(selectors, 0, sizeof(selectors));
    do {
        if (step->count == SELECTORS_MAX) {
            return too_much(in, "choices in brackets", SELECTORS_MAX);
        }
        skip_blanks(in);
        if (in->at == in->size) {
            break;
        }
        int error = read_selector(in, &selectors[step->count++]);
        if (error != 0) {
            return error;
        }
        skip_blanks(in);
    } while (accept(in, ","));
    if (in->at == in->size) {
        in->at = start;
        return wrong(in, NULL, "this bracket is never closed");
    }
    if (!accept(in, "]")) {
        return wrong(in, "with && and || several tests can be joined", "']' is missing");
    }
    step->selectors = room(in, step->count, sizeof(*selectors));
    if (step->selectors == NULL) {
        return BUSBAR_ENOMEM;
    }
    memcpy(step->selectors, selectors, step->count * sizeof(*selectors));
    return 0;
}

static int read_one(struct reader *in, struct path_step *step)
{
    step->count = 1;
    step->selectors = room(in, 1, sizeof(*step->selectors));
    if (step->selectors == NULL) {
        return BUSBAR_ENOMEM;
    }
    if (accept(in, "*")) {
        step->selectors[0].type = PATH_ANY;
        return 0;
    }
    return read_name(in, &step->selectors[0]);
}

static bool is_single(const struct path_step *step)
{
    return !step->deep && step->count == 1 && step->selectors[0].type <= PATH_INDEX;
}

/* The steps behind $ or @; bare: the first is a name. */
static int read_steps(struct reader *in, bool bare, struct path_query *query)
{
    struct path_step steps[PAYLOAD_PATH_STEPS_MAX];
    memset(steps, 0, sizeof(steps));
    query->single = true;
    while (bare || peek(in) == '.' || peek(in) == '[') {
        if (query->count == PAYLOAD_PATH_STEPS_MAX) {
            return too_much(in, "steps", PAYLOAD_PATH_STEPS_MAX);
        }
        struct path_step *step = &steps[query->count++];
        step->deep = accept(in, "..");
        bool dot = !step->deep && accept(in, ".");
        bool brackets = peek(in) == '[' && (!dot || bare);
        int error = brackets ? read_brackets(in, step) : read_one(in, step);
        if (error != 0) {
            return error;
        }
        query->single = query->single && is_single(step);
        bare = false;
    }
    query->steps = room(in, query->count, sizeof(*steps));
    if (query->steps == NULL) {
        return BUSBAR_ENOMEM;
    }
    if (query->count > 0) {
        memcpy(query->steps, steps, query->count * sizeof(*steps));
    }
    return 0;
}

/* ---- filters ---- */

static int read_operand(struct reader *in, struct path_operand *operand)
{
    static const struct {
        const char *word;
        uint8_t type;
        bool b;
    } words[] = { { "true", PAYLOAD_BOOL, true },
                  { "false", PAYLOAD_BOOL, false },
                  { "null", PAYLOAD_NULL, false } };
    char c = peek(in);
    if (c == '@' || c == '$') {
        in->at++;
        operand->query.absolute = c == '$';
        return read_steps(in, false, &operand->query);
    }
    operand->literal = true;
    if (c == '\'' || c == '"') {
        size_t size = 0;
        operand->value.type = PAYLOAD_TEXT;
        int error = read_quoted(in, &operand->value.value.text, &size);
        operand->value.size = (uint32_t)size;
        return error;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return read_number(in, &operand->value);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (accept(in, words[i].word)) {
            operand->value.type = words[i].type;
            operand->value.value.b = words[i].b;
            return 0;
        }
    }
    return wrong(in, "compare with @.name, a number, 'a text', true, false or null",
                 "nothing that can be compared");
}

static int read_comparison(struct reader *in, struct path_test *test)
{
    static const struct {
        const char *word;
        enum path_test_type type;
    } words[] = { { "==", PATH_EQUAL }, { "!=", PATH_UNEQUAL },    { "<=", PATH_LESS_EQUAL },
                  { "<", PATH_LESS },   { ">=", PATH_MORE_EQUAL }, { ">", PATH_MORE } };
    size_t start = in->at;
    int error = read_operand(in, &test->left_side);
    if (error != 0) {
        return error;
    }
    skip_blanks(in);
    test->type = PATH_THERE;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && test->type == PATH_THERE; i++) {
        test->type = accept(in, words[i].word) ? words[i].type : PATH_THERE;
    }
    if (test->type == PATH_THERE) {
        if (peek(in) == '=') {
            return wrong(in, "equal is written ==", "no such comparison");
        }
        in->at = test->left_side.literal ? start : in->at;
        return test->left_side.literal
                   ? wrong(in, "for example @.id == 't1'", "a value alone is no test")
                   : 0;
    }
    skip_blanks(in);
    error = read_operand(in, &test->right_side);
    bool single = (test->left_side.literal || test->left_side.query.single) &&
                  (test->right_side.literal || test->right_side.query.single);
    if (error == 0 && !single) {
        in->at = start;
        return wrong(in, "inside of a comparison only names and single indexes can stand",
                     "several values cannot be compared with one");
    }
    return error;
}

static int read_not(struct reader *in, const struct path_test **out)
{
    struct path_test *test = room(in, 1, sizeof(*test));
    if (test == NULL) {
        return BUSBAR_ENOMEM;
    }
    *out = test;
    skip_blanks(in);
    if (peek(in) != '!' && peek(in) != '(') {
        return read_comparison(in, test);
    }
    if (in->nested++ == NESTED_MAX) {
        return too_much(in, "brackets in each other", NESTED_MAX);
    }
    int error;
    size_t start = in->at;
    if (accept(in, "!")) {
        test->type = PATH_NOT;
        error = read_not(in, &test->left);
    } else {
        in->at++;
        error = read_or(in, out);
        skip_blanks(in);
        if (error == 0 && !accept(in, ")")) {
            in->at = start;
            error = wrong(in, NULL, "this bracket is never closed");
        }
    }
    in->nested--;
    return error;
}

/* Tests joined by one word, each read by `next`. */
static int read_joined(struct reader *in, const char *word, enum path_test_type type,
                       int (*next)(struct reader *, const struct path_test **),
                       const struct path_test **out)
{
    int error = next(in, out);
    skip_blanks(in);
    while (error == 0 && accept(in, word)) {
        struct path_test *both = room(in, 1, sizeof(*both));
        if (both == NULL) {
            return BUSBAR_ENOMEM;
        }
        both->type = type;
        both->left = *out;
        error = next(in, &both->right);
        *out = both;
        skip_blanks(in);
    }
    return error;
}

static int read_and(struct reader *in, const struct path_test **out)
{
    return read_joined(in, "&&", PATH_AND, read_not, out);
}

static int read_or(struct reader *in, const struct path_test **out)
{
    if (in->nested++ == NESTED_MAX) {
        return too_much(in, "brackets in each other", NESTED_MAX);
    }
    int error = read_joined(in, "||", PATH_OR, read_and, out);
    in->nested--;
    return error;
}

/* ---- */

static int read_path(struct reader *in)
{
    skip_blanks(in);
    if (peek(in) == '@') {
        return wrong(in, "write $ for the message", "@ has a meaning in filters only");
    }
    bool bare = !accept(in, "$");
    in->path->query.absolute = true;
    int error = read_steps(in, bare, &in->path->query);
    skip_blanks(in);
    if (error == 0 && in->at < in->size) {
        return wrong(in, "names with blanks or signs are written $['like this']",
                     "'%c' is not understood", peek(in));
    }
    return error;
}

int payload_path_new(const char *text, struct payload_path **out, struct err *err)
{
    size_t size = strlen(text);
    if (size > PAYLOAD_PATH_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "a path of more than %d bytes", PAYLOAD_PATH_MAX);
    }
    if (!str_is_utf8(text, size)) {
        return err_set(err, BUSBAR_ESYNTAX, "the path is not UTF-8");
    }
    struct payload_path *path = busbar_alloc(sizeof(*path));
    arena_init(&path->arena, 0); /* bounded by the text */
    struct reader in = { .path = path, .text = text, .size = size, .err = err };
    int error = read_path(&in);
    if (error != 0) {
        if (error == BUSBAR_ENOMEM) {
            (void)err_set(err, error, "%s", err_text(error));
        }
        payload_path_free(path);
        return error;
    }
    *out = path;
    return 0;
}

void payload_path_free(struct payload_path *path)
{
    if (path != NULL) {
        arena_fini(&path->arena);
        busbar_free(path);
    }
}

bool payload_path_single(const struct payload_path *path)
{
    return path->query.single;
}
