/* SPDX-License-Identifier: Apache-2.0 */
/* What parses, and how it is printed: every form of the language once. What stands on the right was looked at one by one
 * and compared with what Prometheus 3.5 makes of the left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "promql/ast.h"

struct form {
    const char *text, *printed; /* NULL: the same */
};

static const struct form forms[] = {
    { "foo @ 5m", "foo @ 300.000" },
    { "without", NULL },
    { "step", NULL },
    { "range", NULL },
    { "sum by (by) (x)", NULL },
    { "sum by (step,range,on,bool,atan2) (x)", "sum by (step, range, on, bool, atan2) (x)" },
    { "1_000.5", "1000.5" },
    { "0755", "493" },
    { "09", "9" },
    { "0x1F", "31" },
    { "foo offset 0", "foo" },
    { "foo[5m] @ start() offset 5m", NULL },
    { "foo offset -5m", NULL },
    { "foo offset - 5", "foo offset -5s" },
    { "foo[5m:]", NULL },
    { "ts_of_last_over_time(a[5m])", NULL },
    { "{__name__=\"a\",__name__=\"b\"}", NULL },
    { "foo @ -5", "foo @ -5.000" },
    { "0s", NULL },
    { "+foo", NULL },
    { "-foo", NULL },
    { "- 5m", "-5m" },
    { "nan", "NaN" },
    { "INF", "+Inf" },
    { "a == bool on(x) group_left(y) b", "a == bool on (x) group_left (y) b" },
    { "1 + on() b", "1 + b" },
    { "foo{a=\"b\",}", "foo{a=\"b\"}" },
    { "sum by (a,) (b)", "sum by (a) (b)" },
    { "a:b:c", NULL },
    { ":a", NULL },
    { "sum by (a:b) (c)", NULL },
    { "sum by (\"a:b\") (c)", "sum by (a:b) (c)" },
    { "{\"a b\"}", "{__name__=\"a b\"}" },
    { "{\"a\",\"b\"}", "{__name__=\"a\",__name__=\"b\"}" },
    { "{\"a\"=~\"b.*\"}", "{a=~\"b.*\"}" },
    { "{\"\"=\"x\", a=\"b\"}", "{\"\"=\"x\",a=\"b\"}" },
    { "sum", NULL },
    { "sum{a=\"b\"}", NULL },
    { "sum + sum", NULL },
    { "offset offset 5m", NULL },
    { "start", NULL },
    { "info(a, {})", NULL },
    { "info(a,{x=\"y\"})", "info(a, {x=\"y\"})" },
    { "foo @ start()[5m]", "foo[5m] @ start()" },
    { "foo offset 0[5m]", "foo[5m]" },
    { "1 + 2 * 3 ^ 4 ^ 5 - -6", NULL },
    { "-1^2", "-1 ^ 2" },
    { "-a^2", "-a ^ 2" },
    { "-a*b", "-a * b" },
    { "2 ^ -a * b", NULL },
    { "2 ^ -a ^ b", NULL },
    { "a or b and c unless d", NULL },
    { "a == b + c", NULL },
    { "a atan2 b * c", NULL },
    { "a % b / c", NULL },
    { "a < bool b", NULL },
    { "a ==bool b", "a == bool b" },
    { "sum without(a)(b)", "sum without (a) (b)" },
    { "sum(b)without(a)", "sum without (a) (b)" },
    { "sum by () (a)", "sum(a)" },
    { "sum without () (a)", NULL },
    { "topk by (x) (3, foo)", NULL },
    { "topk(3, foo) by (x)", "topk by (x) (3, foo)" },
    { "quantile(0.5, foo)", NULL },
    { "count_values(\"v\", foo)", NULL },
    { "limitk(2, foo)", NULL },
    { "limit_ratio(-0.5, foo)", NULL },
    { "group(foo)", NULL },
    { "foo{a=~\"b|c\",d!~\"e\",f!=\"g\",h=\"i\"}", NULL },
    { "foo{\"a b\"=\"c\"}", NULL },
    { "{foo=\"bar\",\"metric.name\"}", "{__name__=\"metric.name\",foo=\"bar\"}" },
    { "{\"metric.name\",foo=\"bar\"}", "{__name__=\"metric.name\",foo=\"bar\"}" },
    { "{'single'}", "{__name__=\"single\"}" },
    { "{`raw`}", "{__name__=\"raw\"}" },
    { "foo{a='it\\'s'}", "foo{a=\"it's\"}" },
    { "foo{a=\"\\u00e9\\x41\\101\\n\\t\"}", "foo{a=\"éAA\\n\\t\"}" },
    { "foo{a=\"é\"}", NULL },
    { "foo{a=\"日本\"}", NULL },
    { "foo{a=\"\\u200b\\u00a0\\u00ad\"}", NULL },
    { "foo{a=\"\\xff\"}", NULL },
    { "\"a\\\"b\"", NULL },
    { "'a\"b'", "\"a\\\"b\"" },
    { "`a\\nb`", "\"a\\\\nb\"" },
    { "`a\"b`", "\"a\\\"b\"" },
    { "1h30m", NULL },
    { "-0m", "-0s" },
    { "90m", "1h30m" },
    { "24h", "1d" },
    { "7d", "1w" },
    { "8d", NULL },
    { "365d", "1y" },
    { "1y", NULL },
    { "400d", NULL },
    { "1ms", NULL },
    { "1s500ms", NULL },
    { "0.5", NULL },
    { ".5", "0.5" },
    { "5.", "5" },
    { "1e3", "1000" },
    { "1e-3", "0.001" },
    { "1E+3", "1000" },
    { "0xff", "255" },
    { "1e300", "10000000000000000000000000000000000000000000000000000000000000000000000000000000000"
               "00000000000000000000000000000000000000000000000000000000000000000000000000000000000"
               "00000000000000000000000000000000000000000000000000000000000000000000000000000000000"
               "0000000000000000000000000000000000000000000000000000" },
    { "1e-300", "0."
                "0000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                "0000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                "0000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                "000000000000000000000000000000000000000000000000000001" },
    { "123456789012345678901234567890", "123456789012345680000000000000" },
    { "9223372036854775807", "9223372036854776000" },
    { "9223372036854775808", "9223372036854776000" },
    { "0.1", NULL },
    { "-0", NULL },
    { "- 0", "-0" },
    { "+1", "1" },
    { "+-1", "-1" },
    { "--1", "1" },
    { "Inf", "+Inf" },
    { "-Inf", NULL },
    { "+Inf", NULL },
    { "NaN", NULL },
    { "NAN", "NaN" },
    { "foo[1h30m]", NULL },
    { "foo[90s]", "foo[1m30s]" },
    { "foo[1.5]", "foo[1s500ms]" },
    { "foo[5m:1m]", NULL },
    { "foo[5m:1m] offset 1h", NULL },
    { "foo[5m:1m] @ 1609746000 offset -1h", "foo[5m:1m] @ 1609746000.000 offset -1h" },
    { "foo @ 1609746000.123", NULL },
    { "foo @ end()", NULL },
    { "foo @ end() offset 5m", NULL },
    { "foo offset 5m @ end()", "foo @ end() offset 5m" },
    { "sum(foo @ end())", NULL },
    { "rate(foo[5m])[1h:5m]", NULL },
    { "max_over_time(rate(foo[5m])[1h:5m])", NULL },
    { "max_over_time((rate(foo[5m]))[1h:5m])", NULL },
    { "(foo)[5m:]", NULL },
    { "foo[5m]", NULL },
    { "((1))", NULL },
    { "(1)", NULL },
    { "time()", NULL },
    { "time() - foo", NULL },
    { "pi() * 2", NULL },
    { "vector(1)", NULL },
    { "scalar(foo) + 1", NULL },
    { "hour()", NULL },
    { "hour(foo)", NULL },
    { "absent(foo)", NULL },
    { "absent_over_time(foo[5m])", NULL },
    { "histogram_quantile(0.9, sum by (le) (rate(foo_bucket[5m])))", NULL },
    { "label_replace(foo, \"a\", \"$1\", \"b\", \"(.*)\")", NULL },
    { "label_join(foo, \"a\", \",\", \"b\", \"c\")", NULL },
    { "label_join(foo, \"a\", \",\")", NULL },
    { "sort_by_label(foo, \"a\", \"b\")", NULL },
    { "sort_by_label(foo)", NULL },
    { "predict_linear(foo[5m], 60)", NULL },
    { "quantile_over_time(0.5, foo[5m])", NULL },
    { "double_exponential_smoothing(foo[5m], 0.5, 0.5)", NULL },
    { "foo # comment", "foo" },
    { "a + b # tail", "a + b" },
    { "a - on (x) b", NULL },
    { "a * ignoring(x,y) b", "a * ignoring (x, y) b" },
    { "a * ignoring() b", "a * b" },
    { "a * on() b", "a * on () b" },
    { "a * on(x) group_left b", "a * on (x) group_left () b" },
    { "a * on(x) group_right b", "a * on (x) group_right () b" },
    { "a * on(x) group_right() b", "a * on (x) group_right () b" },
    { "a * on(x) group_right(y, \"z z\") b", "a * on (x) group_right (y, \"z z\") b" },
    { "a and ignoring(x) b", "a and ignoring (x) b" },
    { "a unless on() b", "a unless on () b" },
    { "a or on(x) b", "a or on (x) b" },
    { "a * ignoring(x) group_left(x) b", "a * ignoring (x) group_left (x) b" },
    { "avg_over_time(sat{device=\"ahu-1\"}[1h])", NULL },
    { "{\"sat-sp\"}", "{__name__=\"sat-sp\"}" },
    { "{__name__=\"sat-sp\"}", NULL },
    { "{__name__=\"sat\"}", NULL },
    { "{__name__=~\"sat.*\"}", NULL },
    { "{__name__!=\"x\",a=\"b\"}", NULL },
    { "{a!=\"\"}", NULL },
    { "{a=~\".+\"}", NULL },
    { "x{a=\"\"}", NULL },
    { "x{}", "x" },
    { "SUM(x)", "sum(x)" },
    { "Sum By (a) (x)", "sum by (a) (x)" },
    { "a AND b", "a and b" },
    { "a OR b", "a or b" },
    { "a Unless b", "a unless b" },
    { "a Atan2 b", "a atan2 b" },
    { "foo OFFSET 5m", "foo offset 5m" },
    { "foo @ START()", "foo @ start()" },
    { "foo [5m]", "foo[5m]" },
    { "foo [ 5m ]", "foo[5m]" },
    { "foo [5m : 1m]", "foo[5m:1m]" },
    { "foo[ 5m: ]", "foo[5m:]" },
    { "foo [5m] offset 5m", "foo[5m] offset 5m" },
    { "foo{ a = \"b\" , c =~ \"d\" }", "foo{a=\"b\",c=~\"d\"}" },
    { "sum ( a ) by ( b )", "sum by (b) (a)" },
    { "\"string\"", NULL },
    { "'x'", "\"x\"" },
    { "\"\"", NULL },
    { "a == 1", NULL },
    { "1 == bool 1", NULL },
    { "by", NULL },
    { "and", NULL },
    { "and and and", NULL },
    { "or or or", NULL },
    { "unless", NULL },
    { "inf", "+Inf" },
    { "nan + nan", "NaN + NaN" },
    { "start{a=\"b\"}", NULL },
    { "end", NULL },
    { "foo offset 5m5s", NULL },
    { "foo-bar", "foo - bar" },
    { "foo:bar{a=\"b\"}", NULL },
    { "foo{by=\"b\", sum=\"c\", on=\"d\"}", "foo{by=\"b\",on=\"d\",sum=\"c\"}" },
    { "foo[5]", "foo[5s]" },
    { "rate((foo[5m]))", NULL },
    { "rate(((foo[5m:1m])))", NULL },
    { "sum((foo))", NULL },
    { "-(foo)", NULL },
    { "-(-foo)", NULL },
    { "-+-foo", NULL },
    { "+(foo)", NULL },
    { "- - 1", "1" },
    { "a ^ b ^ c", NULL },
    { "(a ^ b) ^ c", NULL },
    { "a - b - c", NULL },
    { "a - (b - c)", NULL },
    { "1 - 2 + 3", NULL },
    { "a * -b", NULL },
    { "a * - 5", "a * -5" },
    { "a + -5", NULL },
    { "a == -1", NULL },
    { "a > bool -1", NULL },
    { "a != b", NULL },
    { "sum by (\"a\", 'b', `c`) (d)", "sum by (a, b, c) (d)" },
    { "rate(a[5m] offset 5m)", NULL },
    { "(a offset 5m)", NULL },
    { "a offset 1e3", "a offset 16m40s" },
    { "a @ 9223372036", "a @ 9223372036.000" },
    { "{\"日本\"}", "{__name__=\"日本\"}" },
    { "{\"日本\"=\"x\"}", NULL },
};

static char *print(const char *text)
{
    struct arena arena;
    struct promql_node *root;
    struct err err = { 0 };
    struct buf out;
    arena_init(&arena, 0);
    buf_init(&out, 1 << 20);
    if (promql_parse(text, &arena, &root, &err) != 0) {
        fail_msg("%s: %d:%d: %s", text, err.line, err.column, err.message);
    }
    promql_print(root, &out);
    arena_fini(&arena);
    size_t size;
    char *printed = (char *)buf_take(&out, &size);
    buf_fini(&out);
    return printed;
}

static void every_form_is_printed_in_one_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const char *expected = forms[i].printed != NULL ? forms[i].printed : forms[i].text;
        char *printed = print(forms[i].text);
        assert_string_equal(printed, expected);
        char *again = print(printed);
        assert_string_equal(again, expected);
        busbar_free(printed);
        busbar_free(again);
    }
}

/* --- line breaks --- */

static const struct form layouts[] = {
    { "rate(requests_total{job=\"plant\"}[5m]) / ignoring(code) group_left sum without (code) "
      "(rate(requests_total{job=\"plant\"}[5m]))",
      "  rate(requests_total{job=\"plant\"}[5m])\n"
      "/ ignoring (code) group_left ()\n"
      "  sum without (code) (rate(requests_total{job=\"plant\"}[5m]))" },
    { "histogram_quantile(0.95, sum by (le, job) "
      "(rate(latency_seconds_bucket{job=~\"plant|office\", zone!=\"south\"}[10m])))",
      "histogram_quantile(\n"
      "  0.95,\n"
      "  sum by (le, job) "
      "(rate(latency_seconds_bucket{job=~\"plant|office\",zone!=\"south\"}[10m]))\n"
      ")" },
    { "sum by (job, mode) (rate(node_cpu_seconds_total[1m])) / on(job) group_left() sum by (job) "
      "(rate(node_cpu_seconds_total[1m]))",
      "  sum by (job, mode) (rate(node_cpu_seconds_total[1m]))\n"
      "/ on (job) group_left ()\n"
      "  sum by (job) (rate(node_cpu_seconds_total[1m]))" },
    { "label_replace(max_over_time(avg_over_time(supply_air_temperature{device=\"ahu-1\", "
      "place=\"hq/roof\"}[5m])[1h:1m]), \"short\", \"$1\", \"device\", \"ahu-(.*)\")",
      "label_replace(\n"
      "  "
      "max_over_time(avg_over_time(supply_air_temperature{device=\"ahu-1\",place=\"hq/"
      "roof\"}[5m])[1h:1m]),\n"
      "  \"short\",\n"
      "  \"$1\",\n"
      "  \"device\",\n"
      "  \"ahu-(.*)\"\n"
      ")" },
    { "(supply_air_temperature{device=\"ahu-1\"} > 21.5 and on(device) running{device=\"ahu-1\"} "
      "== 1) or supply_air_temperature{device=\"ahu-2\"} > 25",
      "  (supply_air_temperature{device=\"ahu-1\"} > 21.5 and on (device) "
      "running{device=\"ahu-1\"} == 1)\n"
      "or\n"
      "  supply_air_temperature{device=\"ahu-2\"} > 25" },
    { "-(sum by (device, building, floor, room) "
      "(heat_meter_energy_total{building=~\"hq|lab|plant-[0-9]+\", floor=\"3\"}))",
      "-(\n"
      "  sum by (device, building, floor, room) (\n"
      "    heat_meter_energy_total{building=~\"hq|lab|plant-[0-9]+\",floor=\"3\"}\n"
      "  )\n"
      ")" },
    { "topk by (building) (3, "
      "max_over_time(heat_meter_energy_total{building=~\"hq|lab|plant-[0-9]+\", floor=\"3\"}[1d]))",
      "topk by (building) (\n"
      "  3,\n"
      "  "
      "max_over_time(heat_meter_energy_total{building=~\"hq|lab|plant-[0-9]+\",floor=\"3\"}[1d])\n"
      ")" },
    { "-supply_air_temperature_with_a_very_long_name_of_a_metric ^ "
      "supply_air_temperature_with_another_very_long_name",
      "-supply_air_temperature_with_a_very_long_name_of_a_metric\n"
      "^\n"
      "  supply_air_temperature_with_another_very_long_name" },
    { "abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(some_metric_"
      "name_that_is_long))))))))))))))))))))",
      "abs(\n"
      "  abs(\n"
      "    abs(\n"
      "      abs(\n"
      "        abs(\n"
      "          abs(\n"
      "            "
      "abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(abs(some_metric_name_that_is_long)))))))"
      ")))))))\n"
      "          )\n"
      "        )\n"
      "      )\n"
      "    )\n"
      "  )\n"
      ")" },
    { "max_over_time((supply_air_temperature{device=\"ahu-1\"} - "
      "supply_air_temperature{device=\"ahu-2\"} + supply_air_temperature{device=\"ahu-3\"})[1h:5m] "
      "offset 1d)",
      "max_over_time(\n"
      "  (\n"
      "      supply_air_temperature{device=\"ahu-1\"} - supply_air_temperature{device=\"ahu-2\"}\n"
      "    +\n"
      "      supply_air_temperature{device=\"ahu-3\"}\n"
      "  )[1h:5m] offset 1d\n"
      ")" },
    { "max_over_time(some_metric[1h:5m]) + min_over_time(some_other_metric[1h:5m]) + "
      "avg_over_time(some_third_metric_here[1h:5m])",
      "  max_over_time(some_metric[1h:5m]) + min_over_time(some_other_metric[1h:5m])\n"
      "+\n"
      "  avg_over_time(some_third_metric_here[1h:5m])" },
    { "sum(supply_air_temperature{device=\"ahu-1\",building=\"hq\",floor=\"3\",room=\"3.14\",units="
      "\"degC\",protocol=\"bacnet\"}) by (device)",
      "sum by (device) (\n"
      "  "
      "supply_air_temperature{building=\"hq\",device=\"ahu-1\",floor=\"3\",protocol=\"bacnet\","
      "room=\"3.14\",units=\"degC\"}\n"
      ")" },
    { "quantile without (le, instance, pod) (0.99, "
      "supply_air_temperature_with_a_very_long_name_of_a_metric{a=\"b\"} offset 5m @ end())",
      "quantile without (le, instance, pod) (\n"
      "  0.99,\n"
      "  supply_air_temperature_with_a_very_long_name_of_a_metric{a=\"b\"} @ end() offset 5m\n"
      ")" },
    { "a_long_metric_name_for_the_left_side_of_it == bool on(label_number_one, label_number_two) "
      "group_left(label_number_three) another_long_metric",
      "  a_long_metric_name_for_the_left_side_of_it\n"
      "== bool on (label_number_one, label_number_two) group_left (label_number_three)\n"
      "  another_long_metric" },
};

static void long_expressions_get_line_breaks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        struct buf out;
        struct err err = { 0 };
        buf_init(&out, 1 << 20);
        assert_int_equal(promql_format(layouts[i].text, &out, &err), 0);
        assert_string_equal(buf_text(&out), layouts[i].printed);
        char *before = print(layouts[i].text);
        char *after = print(buf_text(&out));
        assert_string_equal(before, after); /* breaks change nothing else */
        busbar_free(before);
        busbar_free(after);
        buf_fini(&out);
    }
}

static void a_result_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    struct buf out;
    struct err err = { 0 };
    buf_init(&out, 8);
    assert_int_equal(promql_format("sum(temperature)", &out, &err), BUSBAR_ELIMIT);
    assert_string_not_equal(err.message, "");
    buf_fini(&out);
    buf_init(&out, 8);
    assert_int_equal(promql_format("sum(", &out, &err), BUSBAR_ESYNTAX);
    assert_int_equal(out.size, 0);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_printed_in_one_way),
        cmocka_unit_test(long_expressions_get_line_breaks),
        cmocka_unit_test(a_result_that_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
