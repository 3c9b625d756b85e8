/* SPDX-License-Identifier: Apache-2.0 */
/* Results in JSON: read back by the reader, they are what they were; every kind, every odd number and text. */
#include "server/prometheus/answer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "support/random.h"

enum { OUT_MAX = 32 << 20, POINTS = 1500 };

static void expect(const struct promql_result *result, size_t limit, bool cut, const char *text)
{
    struct buf out;
    buf_init(&out, OUT_MAX);
    assert_int_equal(answer_result(&out, result, 1700000000123000, limit), cut);
    assert_string_equal(buf_text(&out), text);
    buf_fini(&out);
}

static void every_kind_of_result(void **state)
{
    struct label labels[] = { label_of("__name__", "sat"), label_of("device", "ahu-1") };
    struct promql_point points[] = { { 1700000000000000, 21.5 },
                                     { 1700000000123000, NAN },
                                     { 1700000000000001, INFINITY },
                                     { -1500000, -INFINITY } };
    struct promql_series series[] = { { labels, 2, points, 4 }, { labels, 1, points, 1 } };
    struct promql_result result = { .type = PROMQL_MATRIX, .series = series, .count = 2 };
    (void)state;
    expect(&result, 0, false,
           "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"__name__\":\"sat\",\"device\":"
           "\"ahu-1\"},\"values\":[[1700000000,\"21.5\"],[1700000000.123,\"NaN\"],"
           "[1700000000.000001,\"+Inf\"],[-1.500,\"-Inf\"]]},{\"metric\":{\"__name__\":\"sat\"},"
           "\"values\":[[1700000000,\"21.5\"]]}]");
    result.type = PROMQL_VECTOR;
    series[0].count = 1;
    expect(&result, 1, true,
           "{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":\"sat\",\"device\":"
           "\"ahu-1\"},\"value\":[1700000000,\"21.5\"]}]");
    result.count = 0;
    expect(&result, 1, false, "{\"resultType\":\"vector\",\"result\":[]");
    result = (struct promql_result){ .type = PROMQL_SCALAR, .scalar = { 1700000000050000, 1e21 } };
    expect(&result, 0, false, "{\"resultType\":\"scalar\",\"result\":[1700000000.050,\"1e+21\"]");
    result = (struct promql_result){ .type = PROMQL_STRING, .string = "a\"\\\n\x01\xc3\xa9" };
    expect(
        &result, 0, false,
        "{\"resultType\":\"string\",\"result\":[1700000000.123,\"a\\\"\\\\\\n\\u0001\xc3\xa9\"]");
}

static void many_points_read_back(void **state)
{
    struct random random = { .state = 3 };
    struct promql_point *points = calloc(POINTS, sizeof(*points));
    struct promql_series series = { NULL, 0, points, POINTS };
    struct promql_result result = { .type = PROMQL_MATRIX, .series = &series, .count = 1 };
    struct json_limits limits = { .bytes_max = OUT_MAX };
    struct json_doc *doc;
    struct buf out;
    (void)state;
    for (size_t i = 0; i < POINTS; i++) {
        points[i].time_us = (int64_t)(random_u64(&random) >> 12) - (INT64_C(1) << 50);
        points[i].value = ldexp((double)(random_u64(&random) >> 11), (int)(i % 1000) - 500);
    }
    buf_init(&out, OUT_MAX);
    (void)answer_result(&out, &result, 0, 0);
    (void)buf_append_byte(&out, '}');
    assert_int_equal(json_parse(buf_text(&out), out.size, &limits, &doc, NULL), 0);
    const struct json_value *values = json_get(json_at(json_get(json_root(doc), "result"), 0),
                                               "values");
    assert_int_equal(json_size(values), POINTS);
    struct json_iter it = json_iter(values);
    const struct json_value *point;
    for (size_t i = 0; json_next(&it, NULL, &point); i++) {
        double seconds = 0;
        (void)json_get_double(json_at(point, 0), &seconds);
        assert_true(fabs(seconds - (double)points[i].time_us / 1e6) < 1e-6);
        assert_true(strtod(json_get_text(json_at(point, 1), NULL), NULL) == points[i].value);
    }
    json_free(doc);
    buf_fini(&out);
    free(points);
}

static void a_full_answer_is_said_once(void **state)
{
    struct promql_point point = { 0, 1 };
    struct label labels[] = { label_of("a", "b") };
    struct promql_series series = { labels, 1, &point, 1 };
    struct promql_result result = { .type = PROMQL_VECTOR, .series = &series, .count = 1 };
    (void)state;
    for (size_t max = 1; max < 80; max++) {
        struct buf out;
        buf_init(&out, max);
        (void)answer_result(&out, &result, 0, 0);
        assert_true(out.overflow && out.size <= max);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_result),
        cmocka_unit_test(many_points_read_back),
        cmocka_unit_test(a_full_answer_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
