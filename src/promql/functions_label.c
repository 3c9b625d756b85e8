/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of labels: replace, join, and order by them (numbers inside of texts in order of their value). */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "promql/evaluator.h"
#include "promql/functions_private.h"
#include "promql/pattern.h"

/* The text of a string argument. */
static const struct promql_node *string_arg(const struct promql_node *call, size_t at)
{
    return promql_unwrap(call->args[at]);
}

/* Any UTF-8 text but an empty one can name a label. */
static int check_name(struct promql_eval *eval, const struct promql_node *call, size_t at,
                      const char *role)
{
    const struct promql_node *name = string_arg(call, at);
    if (name->string_size > 0 && name->string_size <= LABEL_NAME_BYTES_MAX &&
        strlen(name->string) == name->string_size && str_is_utf8(name->string, name->string_size)) {
        return 0;
    }
    return promql_eval_fail(eval, BUSBAR_EINVAL, "invalid %s label name in %s(): %.64s", role,
                            call->function->name, name->string);
}

static struct label value_of(const struct promql_row *row, const char *name)
{
    const struct label *label = labels_get(row->labels, row->label_count, name);
    return label != NULL ? *label : (struct label){ .value = "" };
}

/* Room for any value at once, so that only the limit can stop an append. */
static int init_text(struct promql_eval *eval, struct buf *text)
{
    buf_init(text, LABEL_VALUE_BYTES_MAX);
    return buf_reserve(text, LABEL_VALUE_BYTES_MAX) != NULL ? 0 : promql_eval_no_memory(eval);
}

/* Sets a label to what was made in `text`. */
static int set_label(struct promql_eval *eval, struct promql_row *row, const char *name,
                     const struct buf *text)
{
    if (text->overflow) {
        return promql_eval_fail(eval, BUSBAR_ELIMIT,
                                "a label of the query would be longer than %d bytes",
                                LABEL_VALUE_BYTES_MAX);
    }
    const char *copy = arena_strndup(eval->arena, buf_text(text), text->size);
    return copy == NULL ? promql_eval_no_memory(eval)
                        : promql_labels_with(eval, row, name, copy, text->size);
}

/* After labels have changed. */
static int finish(struct promql_eval *eval, const char *name, struct promql_matrix *out)
{
    out->one_name = out->one_name && strcmp(name, LABEL_METRIC) != 0;
    return promql_matrix_check(eval, out);
}

/* --- label_replace(vector, to, replacement, from, pattern) --- */

static int replace_rows(struct promql_eval *eval, const struct promql_node *call,
                        struct regex *regex, struct promql_matrix *out)
{
    const char *to = string_arg(call, 1)->string;
    const struct promql_node *replacement = string_arg(call, 2);
    const char *from = string_arg(call, 3)->string;
    struct buf text;
    int error = init_text(eval, &text);
    for (size_t i = 0; i < out->count && error == 0; i++) {
        struct label source = value_of(&out->rows[i], from);
        int matches = regex_match(regex, source.value, source.value_size);
        if (matches < 0) {
            error = promql_eval_fail(eval, matches, "a regular expression took too long");
        } else if (matches > 0) {
            buf_clear(&text);
            promql_pattern_expand(regex, source.value, replacement->string,
                                  replacement->string_size, &text);
            error = set_label(eval, &out->rows[i], to, &text);
        }
        error = error == 0 && i % 1024 == 0 ? promql_eval_check(eval) : error;
    }
    buf_fini(&text);
    return error;
}

int promql_special_label_replace(struct promql_eval *eval, const struct promql_node *call,
                                 struct promql_matrix *out)
{
    struct regex *regex;
    const struct promql_node *expression = string_arg(call, 4);
    int error = regex_new_groups(expression->string, expression->string_size, &regex, eval->err);
    if (error == BUSBAR_ESYNTAX) {
        return promql_eval_fail(eval, BUSBAR_EINVAL,
                                "invalid regular expression in label_replace(): %.128s",
                                expression->string);
    }
    if (error != 0) {
        return error;
    }
    error = check_name(eval, call, 1, "destination");
    error = error == 0 ? promql_evaluate(eval, call->args[0], out) : error;
    error = error == 0 ? replace_rows(eval, call, regex, out) : error;
    regex_free(regex);
    return error == 0 ? finish(eval, string_arg(call, 1)->string, out) : error;
}

/* --- label_join(vector, to, separator, from, from ...) --- */

static int join_row(struct promql_eval *eval, const struct promql_node *call, struct buf *text,
                    struct promql_row *row)
{
    const struct promql_node *separator = string_arg(call, 2);
    buf_clear(text);
    for (size_t at = 3; at < call->arg_count; at++) {
        struct label source = value_of(row, string_arg(call, at)->string);
        if (at > 3) {
            (void)buf_append(text, separator->string, separator->string_size);
        }
        (void)buf_append(text, source.value, source.value_size);
    }
    return set_label(eval, row, string_arg(call, 1)->string, text);
}

int promql_special_label_join(struct promql_eval *eval, const struct promql_node *call,
                              struct promql_matrix *out)
{
    struct buf text;
    int error = 0;
    for (size_t at = 3; at < call->arg_count && error == 0; at++) {
        error = check_name(eval, call, at, "source");
    }
    error = error == 0 ? check_name(eval, call, 1, "destination") : error;
    error = error == 0 ? promql_evaluate(eval, call->args[0], out) : error;
    if (error != 0) {
        return error;
    }
    error = init_text(eval, &text);
    for (size_t i = 0; i < out->count && error == 0; i++) {
        error = join_row(eval, call, &text, &out->rows[i]);
        error = error == 0 && i % 1024 == 0 ? promql_eval_check(eval) : error;
    }
    buf_fini(&text);
    return error == 0 ? finish(eval, string_arg(call, 1)->string, out) : error;
}

/* --- sort_by_label(vector, label ...) --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits, or no digits, from `at` on. */
static size_t piece_end(const struct label *label, size_t at)
{
    size_t end = at;
    while (end < label->value_size && is_digit(label->value[end]) == is_digit(label->value[at])) {
        end++;
    }
    return end;
}

static int compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : a_size < b_size ? -1 : a_size > b_size;
}

/* By value: leading zeros do not count. */
static int compare_numbers(const char *a, size_t a_size, const char *b, size_t b_size)
{
    for (; a_size > 1 && *a == '0'; a_size--) {
        a++;
    }
    for (; b_size > 1 && *b == '0'; b_size--) {
        b++;
    }
    return a_size != b_size ? (a_size < b_size ? -1 : 1) : memcmp(a, b, a_size);
}

/* room 2 before room 10 */
static int compare_naturally(const struct label *a, const struct label *b)
{
    size_t i = 0;
    size_t k = 0;
    while (i < a->value_size && k < b->value_size) {
        size_t i_end = piece_end(a, i);
        size_t k_end = piece_end(b, k);
        int order = is_digit(a->value[i]) && is_digit(b->value[k])
                        ? compare_numbers(a->value + i, i_end - i, b->value + k, k_end - k)
                        : compare_bytes(a->value + i, i_end - i, b->value + k, k_end - k);
        if (order != 0) {
            return order;
        }
        i = i_end;
        k = k_end;
    }
    int rest = (i < a->value_size) - (k < b->value_size);
    return rest != 0 ? rest : compare_bytes(a->value, a->value_size, b->value, b->value_size);
}

static int compare_by_labels(const struct promql_node *call, const struct promql_row *a,
                             const struct promql_row *b)
{
    for (size_t at = 1; at < call->arg_count; at++) {
        const char *name = string_arg(call, at)->string;
        struct label left = value_of(a, name);
        struct label right = value_of(b, name);
        int order = compare_naturally(&left, &right);
        if (order != 0) {
            return order;
        }
    }
    return labels_compare(a->labels, a->label_count, b->labels, b->label_count);
}

/* Merges sorted[begin, middle) and sorted[middle, end) by way of `other`. */
static void merge_rows(const struct promql_node *call, int sign, struct promql_row *rows,
                       struct promql_row *other, size_t begin, size_t middle, size_t end)
{
    size_t left = begin;
    size_t right = middle;
    for (size_t i = begin; i < end; i++) {
        bool take_left = left < middle &&
                         (right >= end ||
                          sign * compare_by_labels(call, &rows[left], &rows[right]) <= 0);
        other[i] = rows[take_left ? left++ : right++];
    }
    memcpy(rows + begin, other + begin, (end - begin) * sizeof(*rows));
}

/* A merge sort: qsort() has no place for the call, which says by what to sort. */
static int sort_rows(struct promql_eval *eval, const struct promql_node *call, int sign,
                     struct promql_matrix *out)
{
    int error = promql_evaluate(eval, call->args[0], out);
    if (error != 0 || eval->steps != 1) {
        return error;
    }
    promql_matrix_prune(eval, out);
    struct promql_row *other = arena_alloc_array(eval->arena, out->count, sizeof(*other));
    if (other == NULL) {
        return promql_eval_no_memory(eval);
    }
    for (size_t width = 1; width < out->count; width *= 2) {
        for (size_t begin = 0; begin + width < out->count; begin += 2 * width) {
            size_t end = begin + 2 * width < out->count ? begin + 2 * width : out->count;
            merge_rows(call, sign, out->rows, other, begin, begin + width, end);
        }
        if ((error = promql_eval_check(eval)) != 0) {
            return error;
        }
    }
    out->ordered = true;
    return 0;
}

int promql_special_sort_by_label(struct promql_eval *eval, const struct promql_node *call,
                                 struct promql_matrix *out)
{
    return sort_rows(eval, call, 1, out);
}

int promql_special_sort_by_label_desc(struct promql_eval *eval, const struct promql_node *call,
                                      struct promql_matrix *out)
{
    return sort_rows(eval, call, -1, out);
}
