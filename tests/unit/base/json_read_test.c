/* SPDX-License-Identifier: Apache-2.0 */
/* Values, limits, positions of errors, memory out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"

static int parse(const char *text, struct json_doc **doc, struct err *err)
{
    return json_parse(text, strlen(text), NULL, doc, err);
}

static void values_are_got_by_type(void **state)
{
    (void)state;
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    assert_int_equal(parse("{\"i\":-5,\"u\":18446744073709551615,\"d\":1.5,\"w\":1e3,\"b\":true,"
                           "\"n\":null,\"s\":\"a\\u0000b\",\"l\":[1,2,3]}",
                           &doc, &err),
                     0);
    const struct json_value *root = json_root(doc);
    int64_t i = 0;
    uint64_t u = 0;
    double d = 0;
    bool b = false;
    assert_int_equal(json_type(root), JSON_OBJECT);
    assert_int_equal(json_size(root), 8);
    assert_int_equal(json_get_i64(json_get(root, "i"), &i), 0);
    assert_int_equal(i, -5);
    assert_int_equal(json_get_u64(json_get(root, "i"), &u), BUSBAR_ERANGE);
    assert_int_equal(json_get_i64(json_get(root, "u"), &i), BUSBAR_ERANGE);
    assert_int_equal(json_get_u64(json_get(root, "u"), &u), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(json_get_i64(json_get(root, "d"), &i), BUSBAR_EWRONGTYPE);
    assert_int_equal(json_get_i64(json_get(root, "w"), &i), 0);
    assert_int_equal(i, 1000);
    assert_int_equal(json_get_double(json_get(root, "i"), &d), 0);
    assert_true(d == -5);
    assert_int_equal(json_get_bool(json_get(root, "b"), &b), 0);
    assert_true(b);
    assert_int_equal(json_get_bool(json_get(root, "i"), &b), BUSBAR_EWRONGTYPE);
    assert_int_equal(json_type(json_get(root, "n")), JSON_NULL);
    assert_int_equal(json_type(json_get(root, "d")), JSON_DOUBLE);
    assert_int_equal(json_type(json_get(root, "i")), JSON_INTEGER);
    size_t size = 0;
    assert_non_null(json_get_text(json_get(root, "s"), &size));
    assert_int_equal(size, 3);
    assert_null(json_get_text(json_get(root, "i"), NULL));
    assert_int_equal(json_get_i64(json_at(json_get(root, "l"), 2), &i), 0);
    assert_int_equal(i, 3);
    json_free(doc);
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    struct json_doc *doc = NULL;
    int64_t i = 9;
    assert_int_equal(parse("[1]", &doc, NULL), 0);
    const struct json_value *root = json_root(doc);
    assert_null(json_get(root, "a"));
    assert_null(json_at(root, 1));
    assert_null(json_at(json_get(json_get(root, "a"), "b"), 0));
    assert_int_equal(json_get_i64(NULL, &i), BUSBAR_EWRONGTYPE);
    assert_int_equal(i, 9);
    assert_int_equal(json_type(NULL), JSON_NONE);
    assert_int_equal(json_size(NULL), 0);
    assert_null(json_get_text(NULL, NULL));
    struct json_iter iter = json_iter(NULL);
    const struct json_value *item;
    assert_false(json_next(&iter, NULL, &item));
    json_free(doc);
    json_free(NULL);
}

static void containers_are_walked(void **state)
{
    (void)state;
    struct json_doc *doc = NULL;
    assert_int_equal(parse("{\"a\":[10,[11],12],\"b\":2}", &doc, NULL), 0);
    struct json_iter iter = json_iter(json_root(doc));
    const char *key;
    const struct json_value *item;
    assert_true(json_next(&iter, &key, &item));
    assert_string_equal(key, "a");
    struct json_iter inner = json_iter(item);
    int64_t sum = 0;
    size_t count = 0;
    const struct json_value *element;
    while (json_next(&inner, &key, &element)) {
        int64_t value = 0;
        (void)json_get_i64(element, &value);
        assert_null(key);
        sum += value;
        count++;
    }
    assert_int_equal(count, 3);
    assert_int_equal(sum, 22);
    assert_true(json_next(&iter, &key, &item));
    assert_string_equal(key, "b");
    assert_false(json_next(&iter, &key, &item));
    json_free(doc);
}

static void errors_have_a_place(void **state)
{
    (void)state;
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    assert_int_equal(parse("{\n  \"\xc3\xa9\": x\n}", &doc, &err), BUSBAR_ESYNTAX);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 8);
    assert_int_equal(parse("", &doc, &err), BUSBAR_ESYNTAX);
    assert_int_equal(err.line, 1);
    assert_int_equal(parse("[1] 2", &doc, &err), BUSBAR_ESYNTAX);
    assert_int_equal(err.column, 5);
    assert_int_equal(parse("\"\xff\"", &doc, &err), BUSBAR_ESYNTAX);
    assert_int_equal(parse("[1,]", &doc, &err), BUSBAR_ESYNTAX);
    assert_int_equal(parse("[NaN]", &doc, &err), BUSBAR_ESYNTAX);
    assert_int_equal(parse("[1e999]", &doc, &err), BUSBAR_ESYNTAX);
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1.5,true,null,\"b\\n\"]}";
    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        struct json_doc *doc = NULL;
        char *copy = busbar_alloc(size); /* exact size: ASan sees one byte too many */
        memcpy(copy, text, size);
        assert_int_equal(json_parse(copy, size, NULL, &doc, NULL), BUSBAR_ESYNTAX);
        busbar_free(copy);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    struct json_doc *doc = NULL;
    struct err err = { 0 };
    struct json_limits limits = { .bytes_max = 30, .depth_max = 2, .number_max = 4 };
    const char *deep = "[[1],\"[[[\",[2]]";
    assert_int_equal(json_parse(deep, strlen(deep), &limits, &doc, &err), 0);
    json_free(doc);
    deep = "[[1],\n[[2]]]";
    assert_int_equal(json_parse(deep, strlen(deep), &limits, &doc, &err), BUSBAR_ELIMIT);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 2);
    const char *number = "[-1.5,\"123456\\\"789\"]";
    assert_int_equal(json_parse(number, strlen(number), &limits, &doc, &err), 0);
    json_free(doc);
    assert_int_equal(json_parse("12345", 5, &limits, &doc, &err), BUSBAR_ELIMIT);
    char big[40];
    memset(big, ' ', sizeof(big));
    assert_int_equal(json_parse(big, sizeof(big), &limits, &doc, &err), BUSBAR_ELIMIT);
    char nested[200];
    memset(nested, '[', sizeof(nested));
    assert_int_equal(json_parse(nested, sizeof(nested), NULL, &doc, &err), BUSBAR_ELIMIT);
}

static void every_failing_allocation_is_said(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,2,3]}";
    int error = BUSBAR_ENOMEM;
    long nth = 0;
    while (error != 0) {
        struct json_doc *doc = NULL;
        struct err err = { 0 };
        alloc_fail_nth(++nth);
        error = json_parse(text, sizeof(text) - 1, NULL, &doc, &err);
        assert_true(error == 0 || error == BUSBAR_ENOMEM);
        assert_int_equal(err.code, error);
        alloc_fail_nth(0);
        if (error == 0) {
            json_free(doc);
        }
    }
    assert_in_range(nth, 3, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_got_by_type),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(containers_are_walked),
        cmocka_unit_test(errors_have_a_place),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(every_failing_allocation_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
