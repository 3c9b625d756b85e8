/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "promql/pattern.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "model/regex.h"

enum { STEPS_MAX = 100000, DEPTH_MAX = 1000, NAME_MAX_BYTES = 32 };

struct promql_pattern {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

int promql_pattern_new(const char *text, size_t size, struct promql_pattern **pattern,
                       struct err *err)
{
    int problem;
    PCRE2_SIZE at;
    struct regex *regex;
    int error = regex_new(text, size, &regex, err); /* refuses what is not RE2 */
    if (error != 0) {
        return error;
    }
    regex_free(regex);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, size,
                                     PCRE2_UTF | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
                                         PCRE2_ANCHORED | PCRE2_ENDANCHORED |
                                         PCRE2_NEVER_BACKSLASH_C,
                                     &problem, &at, NULL);
    if (code == NULL) {
        char why[128];
        (void)pcre2_get_error_message(problem, (PCRE2_UCHAR *)why, sizeof(why));
        int shown = (int)str_utf8_cut(text, size, 64);
        return err_set(err, BUSBAR_ESYNTAX, "error parsing regexp `%.*s`: %s at character %zu",
                       shown, text, why, str_utf8_length(text, at < size ? at : size) + 1);
    }
    struct promql_pattern *made = busbar_alloc(sizeof(*made));
    made->code = code;
    made->match = pcre2_match_data_create_from_pattern(code, NULL);
    made->limits = pcre2_match_context_create(NULL);
    if (made->match == NULL || made->limits == NULL) {
        promql_pattern_free(made);
        return BUSBAR_ENOMEM;
    }
    (void)pcre2_set_match_limit(made->limits, STEPS_MAX);
    (void)pcre2_set_depth_limit(made->limits, DEPTH_MAX);
    *pattern = made;
    return 0;
}

void promql_pattern_free(struct promql_pattern *pattern)
{
    if (pattern != NULL) {
        pcre2_match_context_free(pattern->limits);
        pcre2_match_data_free(pattern->match);
        pcre2_code_free(pattern->code);
        busbar_free(pattern);
    }
}

bool promql_pattern_matches(struct promql_pattern *pattern, const char *text, size_t size)
{
    return pcre2_match(pattern->code, (PCRE2_SPTR)text, size, 0, 0, pattern->match,
                       pattern->limits) > 0;
}

static void append_group(struct promql_pattern *pattern, const char *text, const char *name,
                         size_t size, struct buf *out)
{
    char word[NAME_MAX_BYTES + 1];
    if (size > NAME_MAX_BYTES) {
        return;
    }
    memcpy(word, name, size);
    word[size] = 0;
    int64_t number = -1;
    if (strspn(word, "0123456789") == size) {
        number = str_parse_i64(word, &number) == 0 ? number : -1;
    } else {
        number = pcre2_substring_number_from_name(pattern->code, (PCRE2_SPTR)word);
    }
    if (number < 0 || number >= pcre2_get_ovector_count(pattern->match)) {
        return;
    }
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(pattern->match) + 2 * number;
    if (ends[0] != PCRE2_UNSET) {
        (void)buf_append(out, text + ends[0], ends[1] - ends[0]);
    }
}

static bool is_name(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* The name behind a $; 0 when there is none. *used counts the braces too. */
static size_t group_name(const char *text, size_t size, const char **name, size_t *used)
{
    bool braced = size > 0 && text[0] == '{';
    size_t begin = braced ? 1 : 0;
    size_t end = begin;
    while (end < size && is_name(text[end])) {
        end++;
    }
    if (braced && (end == size || text[end] != '}')) {
        return 0;
    }
    *name = text + begin;
    *used = end + (braced ? 1 : 0);
    return end - begin;
}

void promql_pattern_expand(struct promql_pattern *pattern, const char *text,
                           const char *replacement, size_t replacement_size, struct buf *out)
{
    for (size_t i = 0; i < replacement_size;) {
        const char *name;
        size_t used;
        if (replacement[i] != '$') {
            (void)buf_append_byte(out, (uint8_t)replacement[i++]);
            continue;
        }
        i++;
        if (i < replacement_size && replacement[i] == '$') {
            (void)buf_append_byte(out, '$');
            i++;
            continue;
        }
        size_t size = group_name(replacement + i, replacement_size - i, &name, &used);
        if (size == 0) {
            (void)buf_append_byte(out, '$'); /* a lone dollar stays */
            continue;
        }
        append_group(pattern, text, name, size, out);
        i += used;
    }
}
