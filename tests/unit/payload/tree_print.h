/* SPDX-License-Identifier: Apache-2.0 */
/* A tree as one line of text, for comparing: numbers and texts as JSON has them, bytes as h'0102'. Checks on the way that
 * the row hangs together. */
#ifndef BUSBAR_TESTS_UNIT_PAYLOAD_TREE_PRINT_H
#define BUSBAR_TESTS_UNIT_PAYLOAD_TREE_PRINT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/str.h"
#include "payload/tree.h"

static inline void print_text(const char *text, size_t size, struct buf *out)
{
    (void)buf_append_byte(out, '"');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            (void)buf_append_byte(out, '\\');
        }
        (void)buf_append_byte(out, (uint8_t)text[i]);
    }
    (void)buf_append_byte(out, '"');
}

/* Returns the node behind. */
static inline const struct payload_node *print_node(const struct payload_node *node,
                                                    struct buf *out)
{
    char text[64];
    const struct payload_node *at = node + 1;
    switch (node->type) {
    case PAYLOAD_NULL: (void)buf_append_text(out, "null"); break;
    case PAYLOAD_BOOL: (void)buf_append_text(out, node->value.b ? "true" : "false"); break;
    case PAYLOAD_INT: (void)buf_printf(out, "%lld", (long long)node->value.i); break;
    case PAYLOAD_DOUBLE:
        (void)str_format_double(text, sizeof(text), node->value.d);
        (void)buf_append_text(out, text);
        break;
    case PAYLOAD_TEXT:
        assert_true(str_is_utf8(node->value.text, node->size));
        print_text(node->value.text, node->size, out);
        break;
    case PAYLOAD_BYTES:
        (void)buf_append_text(out, "h'");
        for (uint32_t i = 0; i < node->size; i++) {
            (void)buf_printf(out, "%02x", (unsigned)(uint8_t)node->value.text[i]);
        }
        (void)buf_append_text(out, "'");
        break;
    default:
        (void)buf_append_byte(out, node->type == PAYLOAD_ARRAY ? '[' : '{');
        for (uint32_t i = 0; i < node->size; i++) {
            (void)buf_append_text(out, i > 0 ? "," : "");
            assert_int_equal(at->key != NULL, node->type == PAYLOAD_OBJECT);
            if (at->key != NULL) {
                print_text(at->key, at->key_size, out);
                (void)buf_append_byte(out, ':');
            }
            at = print_node(at, out);
        }
        (void)buf_append_byte(out, node->type == PAYLOAD_ARRAY ? ']' : '}');
    }
    assert_int_equal(at - node, node->next);
    return at;
}

static inline void assert_tree(const struct payload_tree *tree, const char *meant)
{
    struct buf out;
    buf_init(&out, 1 << 22);
    assert_non_null(payload_tree_root(tree));
    (void)print_node(payload_tree_root(tree), &out);
    assert_string_equal(buf_text(&out), meant);
    buf_fini(&out);
}

/* Hexadecimal to bytes of exactly their size; bytes_fini() frees them. */
static inline struct bytes from_hex(const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *data = malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(str_hex_digit(hex[2 * i]) << 4 | str_hex_digit(hex[2 * i + 1]));
    }
    struct bytes copy = bytes_dup(data, size);
    free(data);
    return copy;
}

typedef int (*decode_fn)(struct payload_tree *tree, struct bytes in, struct err *err);

static inline void assert_decodes(decode_fn decode, const char *hex, const char *meant)
{
    struct payload_tree *tree = payload_tree_new();
    struct bytes in = from_hex(hex);
    struct err err = { 0 };
    if (decode(tree, in, &err) != 0) {
        fail_msg("%s: %s", hex, err.message);
    }
    assert_tree(tree, meant);
    bytes_fini(&in);
    payload_tree_free(tree);
}

static inline void assert_refuses(decode_fn decode, const char *hex, int code, const char *says)
{
    struct payload_tree *tree = payload_tree_new();
    struct bytes in = from_hex(hex);
    struct err err = { 0 };
    int error = decode(tree, in, &err);
    if (error != code || strstr(err.message, says) == NULL) {
        fail_msg("%s: %d %s", hex, error, err.message);
    }
    assert_null(payload_tree_root(tree));
    bytes_fini(&in);
    payload_tree_free(tree);
}

/* Every proper prefix fails; every flipped bit does no harm. */
static inline void assert_robust(decode_fn decode, const char *hex)
{
    struct payload_tree *tree = payload_tree_new();
    struct bytes whole = from_hex(hex);
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, 1 << 22);
    for (size_t size = 0; size < bytes_left(&whole); size++) {
        struct bytes in = bytes_dup(whole.start, size);
        int error = decode(tree, in, &err);
        if (error != BUSBAR_EPROTO) {
            fail_msg("%s: the first %zu bytes give %d", hex, size, error);
        }
        assert_true(err.message[0] != '\0');
        bytes_fini(&in);
    }
    for (size_t bit = 0; bit < 8 * bytes_left(&whole); bit++) {
        struct bytes in = bytes_dup(whole.start, bytes_left(&whole));
        ((uint8_t *)(uintptr_t)in.start)[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (decode(tree, in, &err) == 0) {
            buf_clear(&out);
            (void)print_node(payload_tree_root(tree), &out);
        } else {
            assert_null(payload_tree_root(tree));
        }
        bytes_fini(&in);
    }
    buf_fini(&out);
    bytes_fini(&whole);
    payload_tree_free(tree);
}

#endif
