/* SPDX-License-Identifier: Apache-2.0 */
/* JSON into the tree, and the tree itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "payload/message.h"
#include "unit/payload/tree_print.h"

static int read_text(struct payload_tree *tree, const char *text, size_t size, struct err *err)
{
    struct bytes copy = bytes_dup(text, size);
    int error = payload_tree_json(tree, (const char *)copy.start, size, err);
    bytes_fini(&copy); /* texts must not point there */
    return error;
}

static void assert_json(const char *text, const char *meant)
{
    struct payload_tree *tree = payload_tree_new();
    struct err err = { 0 };
    if (read_text(tree, text, strlen(text), &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    assert_tree(tree, meant);
    payload_tree_free(tree);
}

static void values_are_read(void **state)
{
    (void)state;
    assert_json("null", "null");
    assert_json(" true ", "true");
    assert_json("-7", "-7");
    assert_json("9223372036854775807", "9223372036854775807");
    assert_json("-9223372036854775808", "-9223372036854775808");
    assert_json("9223372036854775808", "9.223372036854776e+18");
    assert_json("21.5", "21.5");
    assert_json("5.0", "5");
    assert_json("\"a\\u00fcb\\n\"", "\"a\xc3\xbc"
                                    "b\n\"");
    assert_json("[]", "[]");
    assert_json("{}", "{}");
    assert_json("[[],{},[1,[2]],3]", "[[],{},[1,[2]],3]");
    assert_json("{\"a\": {\"b\": [1, {\"c\": null}]}, \"\": false}",
                "{\"a\":{\"b\":[1,{\"c\":null}]},\"\":false}");
    assert_json("\xef\xbb\xbf{\"bom\":1}", "{\"bom\":1}");
}

static void zeros_behind_are_passed_over(void **state)
{
    (void)state;
    struct payload_tree *tree = payload_tree_new();
    assert_int_equal(read_text(tree, "{\"a\":1}\0\0", 9, NULL), 0);
    assert_tree(tree, "{\"a\":1}");
    payload_tree_free(tree);
}

static void mistakes_say_where(void **state)
{
    static const struct {
        const char *text;
        int code, line, column;
        const char *hint;
    } rows[] = {
        { "", BUSBAR_ESYNTAX, 1, 1, NULL },
        { "{\"a\":1,}", BUSBAR_ESYNTAX, 1, 7, NULL },
        { "{\"a\":1}\n x", BUSBAR_ESYNTAX, 2, 2, NULL },
        { "{\"t\":\n NaN}", BUSBAR_ESYNTAX, 2, 2, "null" },
        { "{'t':1}", BUSBAR_ESYNTAX, 1, 2, "double quotes" },
        { "{\"\xc3\xbc\": 1e999}", BUSBAR_ESYNTAX, 1, 7, NULL },
        { "\xa1\x61t\x01", BUSBAR_ESYNTAX, 1, 1, "binary" },
        { "\"\xff\"", BUSBAR_ESYNTAX, 1, 2, NULL },
    };
    (void)state;
    struct payload_tree *tree = payload_tree_new();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = { 0 };
        int error = read_text(tree, rows[i].text, strlen(rows[i].text), &err);
        if (error != rows[i].code || err.line != rows[i].line || err.column != rows[i].column ||
            (rows[i].hint != NULL && strstr(err.hint, rows[i].hint) == NULL)) {
            fail_msg("%s: %d at %d:%d, %s (%s)", rows[i].text, error, err.line, err.column,
                     err.message, err.hint);
        }
        assert_null(payload_tree_root(tree));
    }
    payload_tree_free(tree);
}

static void depth_is_limited(void **state)
{
    (void)state;
    struct payload_tree *tree = payload_tree_new();
    struct err err = { 0 };
    static const char fine[] = "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]";
    static const char deep[] = "[\"[\",\n[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]";
    assert_int_equal(read_text(tree, fine, strlen(fine), &err), 0);
    assert_tree(tree, fine);
    assert_int_equal(read_text(tree, deep, strlen(deep), &err), BUSBAR_ELIMIT);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 16);
    payload_tree_free(tree);
}

/* A hundred thousand brackets cost no stack. */
static void a_tower_is_refused(void **state)
{
    (void)state;
    enum { SIZE = 200000 };
    char *text = malloc(SIZE);
    struct payload_tree *tree = payload_tree_new();
    memset(text, '[', SIZE / 2);
    memset(text + SIZE / 2, ']', SIZE / 2);
    assert_int_equal(read_text(tree, text, SIZE, NULL), BUSBAR_ELIMIT);
    payload_tree_free(tree);
    free(text);
}

/* As many values as the longest message can have: refused before they cost memory. */
static void the_longest_list_is_refused(void **state)
{
    (void)state;
    size_t size = PAYLOAD_PLAIN_MAX;
    char *text = malloc(size + 1);
    struct payload_tree *tree = payload_tree_new();
    struct err err = { 0 };
    text[size] = ']';
    for (size_t i = 0; i < size; i++) {
        text[i] = i % 2 == 0 ? ',' : '1';
    }
    text[0] = '[';
    text[size - 1] = ']';
    text[size - 2] = '1';
    assert_int_equal(payload_tree_json(tree, text, size, &err), BUSBAR_ELIMIT);
    assert_non_null(strstr(err.message, "values"));
    memset(text, '[', size);
    assert_true(payload_tree_json(tree, text, size, &err) != 0);
    assert_int_equal(payload_tree_json(tree, text, size + 1, &err), BUSBAR_ELIMIT);
    assert_non_null(strstr(err.message, "bytes"));
    payload_tree_free(tree);
    free(text);
}

static void values_are_limited(void **state)
{
    (void)state;
    size_t size = 2 * (size_t)PAYLOAD_NODES_MAX + 1;
    char *text = malloc(size + 2);
    struct payload_tree *tree = payload_tree_new();
    struct err err = { 0 };
    for (size_t i = 0; i < size; i++) {
        text[i] = i % 2 == 0 ? '1' : ',';
    }
    memmove(text + 1, text, size);
    text[0] = '[';
    text[size + 1] = ']';
    assert_int_equal(payload_tree_json(tree, text, size + 2, &err), BUSBAR_ELIMIT);
    assert_non_null(strstr(err.message, "values"));
    text[size - 3] = ']'; /* as many as fit */
    assert_int_equal(payload_tree_json(tree, text, size - 2, &err), 0);
    assert_int_equal(payload_tree_root(tree)->next, PAYLOAD_NODES_MAX);
    assert_int_equal(payload_tree_json(tree, "[1]", 3, &err), 0);
    assert_tree(tree, "[1]");
    payload_tree_free(tree);
    free(text);
}

static void every_prefix_fails(void **state)
{
    static const char text[] =
        "{\"id\":\"pv-1\",\"ok\":true,\"list\":[1,-2.5e3,null,\"\\u00e4\"],\"o\":{\"a\":{}}}";
    (void)state;
    struct payload_tree *tree = payload_tree_new();
    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        assert_int_equal(read_text(tree, text, size, NULL), BUSBAR_ESYNTAX);
    }
    for (size_t bit = 0; bit < 8 * (sizeof(text) - 1); bit++) {
        char copy[sizeof(text)];
        struct buf out;
        memcpy(copy, text, sizeof(text));
        copy[bit / 8] ^= (char)(1 << bit % 8);
        buf_init(&out, 1 << 16);
        if (read_text(tree, copy, sizeof(text) - 1, NULL) == 0) {
            (void)print_node(payload_tree_root(tree), &out);
        }
        buf_fini(&out);
    }
    payload_tree_free(tree);
}

static void the_last_of_two_keys_counts(void **state)
{
    (void)state;
    struct payload_tree *tree = payload_tree_new();
    assert_int_equal(read_text(tree, "{\"a\":{\"x\":1},\"b\":2,\"a\":3}", 25, NULL), 0);
    const struct payload_node *root = payload_tree_root(tree);
    assert_int_equal(payload_node_get(root, "a", 1)->value.i, 3);
    assert_int_equal(payload_node_get(root, "b", 1)->value.i, 2);
    assert_null(payload_node_get(root, "x", 1));
    assert_null(payload_node_get(root + 2, "x", 1)); /* a number has no members */
    assert_null(payload_node_get(NULL, "x", 1));
    payload_tree_free(tree);
}

static void nothing_is_allocated_once_grown(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,2,3,{\"b\":\"text\"}],\"c\":1.5}";
    struct payload_tree *tree = payload_tree_new();
    assert_int_equal(payload_tree_json(tree, text, sizeof(text) - 1, NULL), 0);
    alloc_fail_nth(0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(payload_tree_json(tree, text, sizeof(text) - 1, NULL), 0);
    }
    assert_int_equal(alloc_try_count(), 0);
    payload_tree_free(tree);
}

static void failing_memory_is_an_error(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,2,3,{\"b\":\"text\"}],\"c\":1.5}";
    int failed = 0;
    for (long nth = 1; nth < 10; nth++) {
        struct payload_tree *tree = payload_tree_new();
        alloc_fail_nth(nth);
        int error = payload_tree_json(tree, text, sizeof(text) - 1, NULL);
        alloc_fail_nth(0);
        assert_true(error == 0 || error == BUSBAR_ENOMEM);
        failed += error != 0;
        assert_int_equal(payload_tree_json(tree, text, sizeof(text) - 1, NULL), 0);
        payload_tree_free(tree);
    }
    assert_true(failed >= 3);
}

static void rooms_stay_until_the_next_filling(void **state)
{
    (void)state;
    struct payload_tree *tree = payload_tree_new();
    char *rooms[100];
    for (int round = 0; round < 3; round++) {
        payload_tree_begin(tree);
        payload_tree_open(tree, PAYLOAD_ARRAY);
        for (size_t i = 0; i < 100; i++) {
            rooms[i] = payload_tree_room(tree, 100);
            memset(rooms[i], (int)('a' + i % 26), 100);
            payload_tree_text(tree, rooms[i], 100);
        }
        payload_tree_close(tree);
        assert_int_equal(payload_tree_end(tree), 0);
        const struct payload_node *node = payload_tree_root(tree) + 1;
        for (size_t i = 0; i < 100; i++) {
            assert_int_equal(node[i].value.text[99], 'a' + i % 26);
        }
    }
    payload_tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(zeros_behind_are_passed_over),
        cmocka_unit_test(mistakes_say_where),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(a_tower_is_refused),
        cmocka_unit_test(the_longest_list_is_refused),
        cmocka_unit_test(values_are_limited),
        cmocka_unit_test(every_prefix_fails),
        cmocka_unit_test(the_last_of_two_keys_counts),
        cmocka_unit_test(nothing_is_allocated_once_grown),
        cmocka_unit_test(failing_memory_is_an_error),
        cmocka_unit_test(rooms_stay_until_the_next_filling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
