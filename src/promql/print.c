/* SPDX-License-Identifier: Apache-2.0 */
/* A tree back to text, as Prometheus prints it: one line, or with line breaks where a node is longer than 100
 * characters. What was written in another way (a{} or {__name__="a"}, 90m, group_left without labels) comes
 * out in one form. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "promql/functions.h"
#include "promql/literal.h"
#include "promql/parser.h"

enum { LINE_MAX_BYTES = 100, INDENT = 2 };

static void put(struct buf *out, const char *text)
{
    (void)buf_append_text(out, text);
}

/* --- pieces --- */

static void put_label(struct buf *out, const char *label, bool plain)
{
    if (plain) {
        put(out, label);
    } else {
        promql_print_string(label, strlen(label), out);
    }
}

static void put_labels(struct buf *out, const char *before, const char *const *labels, size_t count)
{
    put(out, before);
    put(out, " (");
    for (size_t i = 0; i < count; i++) {
        put(out, i > 0 ? ", " : "");
        put_label(out, labels[i], label_is_plain_metric(labels[i], strlen(labels[i])));
    }
    put(out, ")");
}

static void put_moment(struct buf *out, const struct promql_moment *moment)
{
    if (moment->at == PROMQL_AT_TIME) {
        int64_t us = llabs(moment->at_us);
        put(out, moment->at_us < 0 ? " @ -" : " @ ");
        (void)buf_printf(out, "%lld.%03lld", (long long)(us / 1000000),
                         (long long)(us / 1000 % 1000));
        if (us % 1000 != 0) {
            (void)buf_printf(out, "%03lld", (long long)(us % 1000));
        }
    } else if (moment->at != PROMQL_AT_NONE) {
        put(out, moment->at == PROMQL_AT_START ? " @ start()" : " @ end()");
    }
    if (moment->offset_us != 0) {
        put(out, moment->offset_us < 0 ? " offset -" : " offset ");
        promql_print_duration(llabs(moment->offset_us), out);
    }
}

static void put_matcher(struct buf *out, const struct label_matcher *matcher)
{
    static const char *const signs[] = { [LABEL_EQUAL] = "=",
                                         [LABEL_NOT_EQUAL] = "!=",
                                         [LABEL_MATCHES] = "=~",
                                         [LABEL_NOT_MATCHES] = "!~" };
    put_label(out, matcher->name, label_is_plain_name(matcher->name, strlen(matcher->name)));
    put(out, signs[matcher->match]);
    promql_print_string(matcher->value, strlen(matcher->value), out);
}

static int compare_texts(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

static bool is_metric_of(const struct promql_node *node, const struct label_matcher *matcher)
{
    return node->metric != NULL && matcher->match == LABEL_EQUAL &&
           strcmp(matcher->name, LABEL_METRIC) == 0 && strcmp(matcher->value, node->metric) == 0;
}

/* Matchers in the order of their texts. */
static void put_selector(struct buf *out, const struct promql_node *node)
{
    struct buf store;
    size_t begins[HISTORY_MATCHERS_MAX];
    const char *texts[HISTORY_MATCHERS_MAX];
    size_t count = 0;
    buf_init(&store, out->max);
    for (size_t i = 0; i < node->matcher_count; i++) {
        if (!is_metric_of(node, &node->matchers[i])) {
            begins[count++] = store.size;
            put_matcher(&store, &node->matchers[i]);
            (void)buf_append_byte(&store, 0);
        }
    }
    put(out, node->metric != NULL ? node->metric : "");
    if (store.overflow) {
        out->overflow = true;
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        texts[i] = (const char *)store.data + begins[i];
    }
    qsort(texts, count, sizeof(texts[0]), compare_texts);
    for (size_t i = 0; i < count; i++) {
        put(out, i == 0 ? "{" : ",");
        put(out, texts[i]);
    }
    put(out, count > 0 ? "}" : node->metric == NULL ? "{}" : "");
    buf_fini(&store);
}

static void put_range(struct buf *out, const struct promql_node *node)
{
    put(out, "[");
    promql_print_duration(node->range_us, out);
    if (node->kind == PROMQL_NODE_SUBQUERY) {
        put(out, ":");
        if (node->step_us > 0) {
            promql_print_duration(node->step_us, out);
        }
    }
    put(out, "]");
    put_moment(out, node->kind == PROMQL_NODE_SUBQUERY ? &node->moment : &node->left->moment);
}

static void put_number(struct buf *out, const struct promql_node *node)
{
    int64_t us;
    if (!node->number_is_duration || promql_seconds_to_us(node->number, &us) != 0) {
        promql_print_number(node->number, out);
        return;
    }
    put(out, signbit(node->number) ? "-" : "");
    promql_print_duration(llabs(us), out);
}

/* The operator with all that belongs to it. */
static void put_operator(struct buf *out, const struct promql_node *node)
{
    bool grouped = node->cardinality == PROMQL_MANY_TO_ONE ||
                   node->cardinality == PROMQL_ONE_TO_MANY;
    put(out, promql_op_text(node->op));
    put(out, node->returns_bool ? " bool" : "");
    if (node->label_count > 0 || node->matching_on || grouped) {
        put_labels(out, node->matching_on ? " on" : " ignoring", node->labels, node->label_count);
    }
    if (grouped) {
        put_labels(out, node->cardinality == PROMQL_MANY_TO_ONE ? " group_left" : " group_right",
                   node->include, node->include_count);
    }
}

static void put_aggregation(struct buf *out, const struct promql_node *node)
{
    put(out, promql_aggregation_word(node->aggregation));
    if (node->without || node->label_count > 0) {
        put_labels(out, node->without ? " without" : " by", node->labels, node->label_count);
        put(out, " ");
    }
}

/* --- one line --- */

void promql_print(const struct promql_node *node, struct buf *out)
{
    switch (node->kind) {
    case PROMQL_NODE_NUMBER: put_number(out, node); break;
    case PROMQL_NODE_STRING: promql_print_string(node->string, node->string_size, out); break;
    case PROMQL_NODE_SELECTOR:
        put_selector(out, node);
        put_moment(out, &node->moment);
        break;
    case PROMQL_NODE_RANGE:
        put_selector(out, node->left);
        put_range(out, node);
        break;
    case PROMQL_NODE_SUBQUERY:
        promql_print(node->left, out);
        put_range(out, node);
        break;
    case PROMQL_NODE_UNARY:
        put(out, promql_op_text(node->op));
        promql_print(node->left, out);
        break;
    case PROMQL_NODE_BINARY:
        promql_print(node->left, out);
        put(out, " ");
        put_operator(out, node);
        put(out, " ");
        promql_print(node->right, out);
        break;
    case PROMQL_NODE_AGGREGATE:
        put_aggregation(out, node);
        put(out, "(");
        if (node->param != NULL) {
            promql_print(node->param, out);
            put(out, ", ");
        }
        promql_print(node->left, out);
        put(out, ")");
        break;
    case PROMQL_NODE_CALL:
        put(out, node->function->name);
        put(out, "(");
        for (size_t i = 0; i < node->arg_count; i++) {
            put(out, i > 0 ? ", " : "");
            promql_print(node->args[i], out);
        }
        put(out, ")");
        break;
    case PROMQL_NODE_PAREN:
        put(out, "(");
        promql_print(node->left, out);
        put(out, ")");
        break;
    }
}

/* --- with line breaks --- */

static void indent(struct buf *out, unsigned level)
{
    for (unsigned i = 0; i < level * INDENT; i++) {
        (void)buf_append_byte(out, ' ');
    }
}

/* Fails early: the text is cut at the ceiling of `out`, which is longer than a line. */
static bool is_long(const struct promql_node *node)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    promql_print(node, &line);
    bool is = line.overflow;
    buf_fini(&line);
    return is;
}

static void format_node(const struct promql_node *node, unsigned level, bool indented,
                        struct buf *out);

static void format_binary(const struct promql_node *node, unsigned level, bool indented,
                          struct buf *out)
{
    format_node(node->left, level + 1, indented, out);
    put(out, "\n");
    indent(out, level);
    put_operator(out, node);
    put(out, "\n");
    format_node(node->right, level + 1, true, out);
}

/* word( \n args \n ) */
static void format_args(struct promql_node *const *args, size_t count, unsigned level,
                        struct buf *out)
{
    put(out, "(\n");
    for (size_t i = 0; i < count; i++) {
        put(out, i > 0 ? ",\n" : "");
        format_node(args[i], level + 1, true, out);
    }
    put(out, "\n");
    indent(out, level);
    put(out, ")");
}

static void format_long(const struct promql_node *node, unsigned level, struct buf *out)
{
    struct promql_node *args[2] = { node->param != NULL ? node->param : node->left, node->left };
    switch (node->kind) {
    case PROMQL_NODE_AGGREGATE:
        put_aggregation(out, node);
        format_args(args, node->param != NULL ? 2 : 1, level, out);
        break;
    case PROMQL_NODE_CALL:
        put(out, node->function->name);
        format_args(node->args, node->arg_count, level, out);
        break;
    case PROMQL_NODE_PAREN: format_args(args, 1, level, out); break;
    default: promql_print(node, out); break;
    }
}

/* A sign stands before its operand, whose own indent is left out. */
static void format_node(const struct promql_node *node, unsigned level, bool indented,
                        struct buf *out)
{
    bool is_split = is_long(node);
    if (is_split && node->kind == PROMQL_NODE_BINARY) {
        format_binary(node, level, indented, out);
        return;
    }
    if (is_split && node->kind == PROMQL_NODE_SUBQUERY) {
        format_node(node->left, level, indented, out);
        put_range(out, node);
        return;
    }
    if (indented && (is_split || node->kind != PROMQL_NODE_SUBQUERY)) {
        indent(out, level);
    }
    if (node->kind == PROMQL_NODE_UNARY) {
        put(out, promql_op_text(node->op));
        format_node(node->left, level, false, out);
    } else if (is_split) {
        format_long(node, level, out);
    } else {
        promql_print(node, out);
    }
}

int promql_format(const char *text, struct buf *out, struct err *err)
{
    struct arena arena;
    struct promql_node *root;
    arena_init(&arena, 0);
    int error = promql_parse(text, &arena, &root, err);
    if (error == 0) {
        format_node(root, 0, true, out);
        error = out->overflow ? err_set(err, BUSBAR_ELIMIT, "the formatted expression is too long")
                              : 0;
    }
    arena_fini(&arena);
    return error;
}
