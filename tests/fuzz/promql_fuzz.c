/* SPDX-License-Identifier: Apache-2.0 */
/* PromQL: what parses is printed, on one line and with breaks; both texts parse to the same tree and are then printed the
 * same. What does not parse says why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "promql/ast.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        same = strcmp(a[i], b[i]) == 0;
    }
    return same;
}

static bool same_double(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0 || (a != a && b != b);
}

static bool same_tree(const struct promql_node *a, const struct promql_node *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    bool same = a->kind == b->kind && a->type == b->type && a->op == b->op &&
                a->returns_bool == b->returns_bool && a->cardinality == b->cardinality &&
                a->matching_on == b->matching_on && a->without == b->without &&
                a->aggregation == b->aggregation && a->function == b->function &&
                a->range_us == b->range_us && a->step_us == b->step_us &&
                a->moment.at == b->moment.at && a->moment.at_us == b->moment.at_us &&
                a->moment.offset_us == b->moment.offset_us &&
                a->matcher_count == b->matcher_count && a->string_size == b->string_size &&
                a->arg_count == b->arg_count && same_double(a->number, b->number) &&
                same_texts(a->labels, a->label_count, b->labels, b->label_count) &&
                same_texts(a->include, a->include_count, b->include, b->include_count) &&
                same_tree(a->left, b->left) && same_tree(a->right, b->right) &&
                same_tree(a->param, b->param);
    for (size_t i = 0; same && i < a->arg_count; i++) {
        same = same_tree(a->args[i], b->args[i]);
    }
    return same && (a->string_size == 0 || memcmp(a->string, b->string, a->string_size) == 0);
}

/* The text parses to the tree, and is printed as `printed`. */
static void check_again(const char *text, const struct promql_node *tree, const char *printed)
{
    struct arena arena;
    struct promql_node *again;
    struct err err = { 0 };
    struct buf out;
    arena_init(&arena, 0);
    buf_init(&out, 1 << 24);
    if (promql_parse(text, &arena, &again, &err) != 0 || !same_tree(tree, again)) {
        abort();
    }
    promql_print(again, &out);
    if (strcmp(buf_text(&out), printed) != 0) {
        abort();
    }
    buf_fini(&out);
    arena_fini(&arena);
}

static void check(const char *text)
{
    struct arena arena;
    struct promql_node *root;
    struct err err = { 0 };
    struct buf line;
    struct buf lines;
    arena_init(&arena, 0);
    buf_init(&line, 1 << 24);
    buf_init(&lines, 1 << 24);
    if (promql_parse(text, &arena, &root, &err) != 0) {
        if (err.code >= 0 || err.message[0] == '\0') {
            abort();
        }
    } else {
        promql_print(root, &line);
        if (line.size <= PROMQL_TEXT_BYTES_MAX) { /* escapes and defaults may make it longer */
            check_again(buf_text(&line), root, buf_text(&line));
        }
        if (promql_format(text, &lines, &err) != 0) {
            abort();
        }
        if (lines.size <= PROMQL_TEXT_BYTES_MAX) {
            check_again(buf_text(&lines), root, buf_text(&line));
        }
    }
    buf_fini(&line);
    buf_fini(&lines);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* exact size: ASan sees one byte too many */
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    check(text);
    free(text);
    return 0;
}
