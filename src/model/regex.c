/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "model/regex.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

enum {
    STEPS_MAX = 200000, /* of one match; a label value has at most 2 KiB */
    DEPTH_MAX = 2000,
    HEAP_KIB_MAX = 4096,
    GROUP_NAME_MAX = 32, /* bytes, as in PCRE2 */
};

enum form { FORM_LITERALS, FORM_PART, FORM_ENGINE };

struct regex {
    enum form form;
    char *texts;                 /* unescaped literals, one after the other */
    struct regex_text *literals; /* sorted; PART: the one between the wildcards */
    size_t count;
    bool open_front, open_back;   /* PART: .* or .+ before, behind */
    size_t more_front, more_back; /* PART: 1 for .+ */
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

static int wrong(struct err *err, const char *text, size_t at, const char *what)
{
    struct position position = { .line = 1, .column = (int)str_utf8_length(text, at) + 1 };
    return err_at(err, BUSBAR_ESYNTAX, position, NULL, "%s", what);
}

/* --- what RE2 does not know, but PCRE2 does --- */

static const char *wrong_escape(char c)
{
    if ((c >= '1' && c <= '9') || c == 'k' || c == 'g') {
        return "back-references are not supported";
    }
    return strchr("GKRXZhHNecoy", c) != NULL ? "this escape is not supported" : NULL;
}

static const char *wrong_group(const char *rest)
{
    static const struct {
        const char *start, *what;
    } groups[] = {
        { "(?=", "look-ahead is not supported" },
        { "(?!", "look-ahead is not supported" },
        { "(?<=", "look-behind is not supported" },
        { "(?<!", "look-behind is not supported" },
        { "(?>", "atomic groups are not supported" },
        { "(?|", "branch-reset groups are not supported" },
        { "(?#", "comments are not supported" },
        { "(?(", "conditions are not supported" },
        { "(?R", "recursion is not supported" },
        { "(?&", "recursion is not supported" },
        { "(?+", "recursion is not supported" },
        { "(?C", "callouts are not supported" },
        { "(?P>", "recursion is not supported" },
        { "(?P=", "back-references are not supported" },
        { "(?'", "a group's name stands in angle brackets" },
        { "(*", "there is nothing before '*' to repeat" },
    };
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (strncmp(rest, groups[i].start, strlen(groups[i].start)) == 0) {
            return groups[i].what;
        }
    }
    return rest[0] == '(' && rest[1] == '?' && rest[2] >= '0' && rest[2] <= '9'
               ? "recursion is not supported"
               : NULL;
}

/* Behind a '[': the place behind the closing ']'. */
static size_t skip_class(const char *text, size_t size, size_t at)
{
    at += at < size && text[at] == '^';
    at += at < size && text[at] == ']';
    while (at < size && text[at] != ']') {
        if (text[at] == '[' && at + 1 < size && text[at + 1] == ':') {
            const char *end = strstr(text + at + 2, ":]");
            at = end != NULL ? (size_t)(end - text) + 2 : at + 1;
        } else {
            at += text[at] == '\\' ? 2 : 1;
        }
    }
    return at < size ? at + 1 : size;
}

/* {n}, {n,}, {n,m}: its size; 0: no quantifier. */
static size_t braces_size(const char *rest)
{
    size_t at = 1 + strspn(rest + 1, "0123456789");
    if (at == 1) {
        return 0;
    }
    at += rest[at] == ',' ? 1 + strspn(rest + at + 1, "0123456789") : 0;
    return rest[at] == '}' ? at + 1 : 0;
}

/* At a quantifier: refuses one more behind it, but for the '?' that makes it lazy. */
static size_t skip_quantifier(const char *rest, bool *twice)
{
    size_t size = rest[0] == '{' ? braces_size(rest) : 1;
    size += rest[size] == '?';
    *twice = rest[size] == '*' || rest[size] == '+' || rest[size] == '?' ||
             (rest[size] == '{' && braces_size(rest + size) > 0);
    return size;
}

static size_t skip_quoted(const char *text, size_t size, size_t at)
{
    const char *end = strstr(text + at, "\\E");
    return end != NULL ? (size_t)(end - text) + 2 : size;
}

static int check_syntax(const char *text, size_t size, struct err *err)
{
    for (size_t at = 0; at < size;) {
        const char *what = NULL;
        bool twice = false;
        size_t next = at + 1;
        if (text[at] == '\\') {
            what = at + 1 < size ? wrong_escape(text[at + 1])
                                 : "the expression ends with a backslash";
            next = text[at + 1] == 'Q' ? skip_quoted(text, size, at + 2) : at + 2;
        } else if (text[at] == '[') {
            next = skip_class(text, size, at + 1);
        } else if (text[at] == '(') {
            what = wrong_group(text + at);
        } else if (strchr("*+?", text[at]) != NULL ||
                   (text[at] == '{' && braces_size(text + at) > 0)) {
            bool flags = text[at] == '?' && at > 0 && text[at - 1] == '(';
            next = flags ? at + 1 : at + skip_quantifier(text + at, &twice);
            what = twice && !flags ? "one quantifier after the other" : NULL;
        }
        if (what != NULL) {
            return wrong(err, text, at, what);
        }
        at = next;
    }
    return 0;
}

/* --- forms without the engine --- */

static bool is_special(char c)
{
    return strchr("\\.+*?()|[]{}^$", c) != NULL;
}

/* One literal character at *at, unescaped to *to; false: something special stands there. */
static bool take_literal(const char *text, size_t size, size_t *at, char **to)
{
    if (*at >= size) {
        return false;
    }
    bool escaped = text[*at] == '\\' && *at + 1 < size && (unsigned char)text[*at + 1] < 0x80 &&
                   strchr("\\.+*?()|[]{}^$-/#&~_\"'!@%,:;<=> ", text[*at + 1]) != NULL;
    if (!escaped && is_special(text[*at])) {
        return false;
    }
    *(*to)++ = text[*at + (escaped ? 1 : 0)];
    *at += escaped ? 2 : 1;
    return true;
}

static int by_text(const void *a, const void *b)
{
    const struct regex_text *left = a, *right = b;
    size_t size = left->size < right->size ? left->size : right->size;
    int order = memcmp(left->text, right->text, size);
    return order != 0 ? order : left->size < right->size ? -1 : left->size > right->size;
}

/* literal|literal|..., all of it or all of it in one group. */
static bool parse_literals(struct regex *regex, const char *text, size_t size)
{
    if (size >= 2 && text[0] == '(' && text[size - 1] == ')') {
        size_t front = size > 3 && text[1] == '?' && text[2] == ':' ? 3 : 1;
        text += front;
        size -= front + 1;
    }
    char *to = regex->texts;
    size_t at = 0;
    for (;;) {
        struct regex_text *literal = &regex->literals[regex->count];
        literal->text = to;
        while (take_literal(text, size, &at, &to)) {
        }
        literal->size = (size_t)(to - literal->text);
        regex->count++;
        if (at == size) {
            qsort(regex->literals, regex->count, sizeof(*regex->literals), by_text);
            regex->form = FORM_LITERALS;
            return true;
        }
        if (text[at++] != '|') {
            regex->count = 0;
            return false;
        }
    }
}

static bool take_wildcard(const char *text, size_t size, size_t *at, size_t *more)
{
    bool wild = size - *at >= 2 && text[*at] == '.' &&
                (text[*at + 1] == '*' || text[*at + 1] == '+');
    if (wild) {
        *more = text[*at + 1] == '+';
        *at += 2;
    }
    return wild;
}

/* Wildcard, literal, wildcard; each may be missing. */
static bool parse_part(struct regex *regex, const char *text, size_t size)
{
    size_t at = 0;
    char *to = regex->texts;
    regex->open_front = take_wildcard(text, size, &at, &regex->more_front);
    while (take_literal(text, size, &at, &to)) {
    }
    regex->open_back = take_wildcard(text, size, &at, &regex->more_back);
    bool two = to == regex->texts && regex->more_front + regex->more_back == 2;
    if (at != size || two) { /* .+.+ wants two characters, not two bytes */
        return false;
    }
    regex->literals[0] = (struct regex_text){ regex->texts, (size_t)(to - regex->texts) };
    regex->form = FORM_PART;
    return true;
}

static size_t alternatives(const char *text, size_t size)
{
    size_t count = 1;
    for (size_t i = 0; i < size; i++) {
        count += text[i] == '|';
    }
    return count;
}

/* --- life --- */

static int compile(struct regex *regex, const char *text, size_t size, bool groups, struct err *err)
{
    int error = check_syntax(text, size, err);
    if (error != 0) {
        return error;
    }
    int code = 0;
    PCRE2_SIZE at = 0;
    uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
                       PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | (groups ? 0 : PCRE2_NO_AUTO_CAPTURE);
    regex->code = pcre2_compile((PCRE2_SPTR)text, size, options, &code, &at, NULL);
    if (regex->code == NULL) {
        PCRE2_UCHAR reason[160] = { 0 };
        pcre2_get_error_message(code, reason, sizeof(reason));
        return wrong(err, text, at < size ? at : size, (const char *)reason);
    }
    regex->context = pcre2_match_context_create(NULL);
    regex->data = groups ? pcre2_match_data_create_from_pattern(regex->code, NULL)
                         : pcre2_match_data_create(1, NULL);
    if (regex->context == NULL || regex->data == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    pcre2_set_match_limit(regex->context, STEPS_MAX);
    pcre2_set_depth_limit(regex->context, DEPTH_MAX);
    pcre2_set_heap_limit(regex->context, HEAP_KIB_MAX);
    regex->form = FORM_ENGINE;
    return 0;
}

static int make(const char *text, size_t size, bool groups, struct regex **made, struct err *err)
{
    *made = NULL;
    if (size > REGEX_BYTES_MAX) {
        return err_set(err, BUSBAR_ELIMIT, "a regular expression has %zu bytes; at most %d", size,
                       REGEX_BYTES_MAX);
    }
    if (!str_is_utf8(text, size) || memchr(text, 0, size) != NULL) {
        return wrong(err, text, 0, "a regular expression must be well-formed UTF-8 text");
    }
    struct regex *regex = busbar_try_alloc(sizeof(*regex));
    char *copy = busbar_try_alloc(size + 1);
    if (regex == NULL || copy == NULL) {
        busbar_free(regex);
        busbar_free(copy);
        return err_set(err, BUSBAR_ENOMEM, "out of memory");
    }
    memcpy(copy, text, size);
    regex->texts = busbar_try_alloc(size + 1);
    regex->literals = busbar_try_alloc(alternatives(text, size) * sizeof(*regex->literals));
    int error = 0;
    if (regex->texts == NULL || regex->literals == NULL) {
        error = err_set(err, BUSBAR_ENOMEM, "out of memory");
    } else if (groups || (!parse_literals(regex, copy, size) && !parse_part(regex, copy, size))) {
        error = compile(regex, copy, size, groups, err);
    }
    busbar_free(copy);
    if (error != 0) {
        regex_free(regex);
        return error;
    }
    *made = regex;
    return 0;
}

int regex_new(const char *text, size_t size, struct regex **regex, struct err *err)
{
    return make(text, size, false, regex, err);
}

int regex_new_groups(const char *text, size_t size, struct regex **regex, struct err *err)
{
    return make(text, size, true, regex, err);
}

void regex_free(struct regex *regex)
{
    if (regex == NULL) {
        return;
    }
    pcre2_match_data_free(regex->data);
    pcre2_match_context_free(regex->context);
    pcre2_code_free(regex->code);
    busbar_free(regex->texts);
    busbar_free(regex->literals);
    busbar_free(regex);
}

static bool match_part(const struct regex *regex, const char *text, size_t size)
{
    const struct regex_text *part = &regex->literals[0];
    size_t least = part->size + regex->more_front + regex->more_back;
    if (size < least || (!regex->open_front && !regex->open_back && size != part->size)) {
        return false;
    }
    if (!regex->open_front) {
        return memcmp(text, part->text, part->size) == 0;
    }
    if (!regex->open_back) {
        return memcmp(text + size - part->size, part->text, part->size) == 0;
    }
    return part->size == 0 ||
           memmem(text + regex->more_front, size - regex->more_front - regex->more_back, part->text,
                  part->size) != NULL;
}

int regex_match(struct regex *regex, const char *text, size_t size)
{
    if (regex->form == FORM_PART) {
        return match_part(regex, text, size);
    }
    if (regex->form == FORM_LITERALS) {
        struct regex_text wanted = { text, size };
        return bsearch(&wanted, regex->literals, regex->count, sizeof(wanted), by_text) != NULL;
    }
    int result = pcre2_match(regex->code, (PCRE2_SPTR)text, size, 0, 0, regex->data,
                             regex->context);
    return result >= 0                        ? 1
           : result == PCRE2_ERROR_MATCHLIMIT ? BUSBAR_ELIMIT
           : result == PCRE2_ERROR_DEPTHLIMIT ? BUSBAR_ELIMIT
           : result == PCRE2_ERROR_HEAPLIMIT  ? BUSBAR_ELIMIT
           : result == PCRE2_ERROR_NOMEMORY   ? BUSBAR_ENOMEM
                                              : 0;
}

bool regex_group(const struct regex *regex, const char *text, const char *name, size_t name_size,
                 struct regex_text *group)
{
    char word[GROUP_NAME_MAX + 1] = { 0 };
    int64_t number = -1;
    if (name_size > GROUP_NAME_MAX) {
        return false;
    }
    memcpy(word, name, name_size);
    if (strspn(word, "0123456789") != name_size) {
        number = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)word);
    } else if (str_parse_i64(word, &number) != 0) {
        return false;
    }
    if (number < 0 || number >= pcre2_get_ovector_count(regex->data)) {
        return false;
    }
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->data) + 2 * number;
    if (ends[0] == PCRE2_UNSET) {
        return false;
    }
    *group = (struct regex_text){ text + ends[0], ends[1] - ends[0] };
    return true;
}

size_t regex_literals(const struct regex *regex, const struct regex_text **literals)
{
    *literals = regex->literals;
    return regex->form == FORM_LITERALS ? regex->count : 0;
}
