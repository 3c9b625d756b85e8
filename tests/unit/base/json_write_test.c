/* SPDX-License-Identifier: Apache-2.0 */
/* Commas, escapes, numbers, the full buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "base/buf.h"
#include "base/json.h"

static void values_nest_with_their_commas(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    struct json_writer json = json_writer(&buf);
    assert_false(json_complete(&json));
    json_begin_object(&json);
    json_put_string(&json, "name", "ahu-1");
    json_put_i64(&json, "i", INT64_MIN);
    json_put_u64(&json, "u", UINT64_MAX);
    json_put_double(&json, "d", 21.5);
    json_put_double(&json, "nan", NAN);
    json_put_bool(&json, "up", true);
    json_put_null(&json, "why");
    json_put_time(&json, "at", 0);
    json_put_array(&json, "list");
    json_i64(&json, 1);
    json_begin_object(&json);
    json_end_object(&json);
    json_begin_array(&json);
    json_end_array(&json);
    json_string(&json, NULL);
    json_raw(&json, "[2]", 3);
    json_end_array(&json);
    json_put_object(&json, "inner");
    json_put_bool(&json, "x", false);
    json_end_object(&json);
    assert_false(json_complete(&json));
    json_end_object(&json);
    assert_true(json_complete(&json));
    assert_string_equal(buf_text(&buf),
                        "{\"name\":\"ahu-1\",\"i\":-9223372036854775808,"
                        "\"u\":18446744073709551615,\"d\":21.5,\"nan\":null,\"up\":true,"
                        "\"why\":null,\"at\":\"1970-01-01T00:00:00.000000Z\","
                        "\"list\":[1,{},[],null,[2]],\"inner\":{\"x\":false}}");
    buf_fini(&buf);
}

static void text_is_escaped(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    struct json_writer json = json_writer(&buf);
    json_string_n(&json, "a\"\\/\n\t\x01\x7f\xe2\x82\xac\xff\xe2\x82", 14);
    assert_string_equal(buf_text(&buf), "\"a\\\"\\\\/\\n\\t\\u0001\\u007f\xe2\x82\xac"
                                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_fini(&buf);
}

static void a_negative_zero_stays_one(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    struct json_writer json = json_writer(&buf);
    json_begin_array(&json);
    json_double(&json, -0.0);
    json_double(&json, 0.0);
    json_end_array(&json);
    assert_string_equal(buf_text(&buf), "[-0.0,0]");
    buf_fini(&buf);
}

static void a_full_buffer_is_seen_at_the_end(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    struct json_writer json = json_writer(&buf);
    json_begin_array(&json);
    for (int i = 0; i < 10; i++) {
        json_i64(&json, i);
    }
    json_end_array(&json);
    assert_false(json_complete(&json));
    assert_true(buf.overflow);
    buf_fini(&buf);
}

static void what_was_read_is_copied(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,-2,18446744073709551615,0.5,true,null,\"x\\u0000y\"],"
                               "\"b\":{\"c\":{}}}";
    struct json_doc *doc = NULL;
    struct buf buf;
    buf_init(&buf, 200);
    assert_int_equal(json_parse(text, strlen(text), NULL, &doc, NULL), 0);
    struct json_writer json = json_writer(&buf);
    json_copy(&json, json_root(doc));
    assert_true(json_complete(&json));
    assert_string_equal(buf_text(&buf), text);
    json_free(doc);
    buf_clear(&buf);
    json = json_writer(&buf);
    json_copy(&json, NULL);
    assert_string_equal(buf_text(&buf), "null");
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_nest_with_their_commas),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(a_negative_zero_stays_one),
        cmocka_unit_test(a_full_buffer_is_seen_at_the_end),
        cmocka_unit_test(what_was_read_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
