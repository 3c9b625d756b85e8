/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' and OpenMetrics' text. */
#include "rig.h"

#include "support/random.h"

static void lines_mean_samples(void **state)
{
    static const struct {
        const char *text, *out;
        bool seconds;
    } rows[] = {
        { "up 1", "up 1 1800000000000000\n", false },
        { "up{} 1 1700000000123\n", "up 1 1700000000123000\n", false },
        { "up{job=\"a\",x=\"b\",} 1.5 1700000000123\r\n",
          "up{job=\"a\", x=\"b\"} 1.5 1700000000123000\n", false },
        { "  up\t{ job = \"a\" , x=\"\" }\t-2e3\t1700000000123  \n",
          "up{job=\"a\"} -2000 1700000000123000\n", false },
        { "up 1 1700000000", "up 1 1700000000000000\n", false },
        { "up 1 1700000000.25", "up 1 1700000000250000\n", true },
        { "up 1 1700000000", "up 1 1700000000000000\n", true },
        { "x{a=\"q\\\"\\\\\\n}\"} NaN 5\nx +Inf 5\nx -Inf 5\n",
          "x{a=\"q\\\"\\\\\\n}\"} nan 5000000\nx inf 5000000\nx -inf 5000000\n", false },
        { "{\"my.metric\",\"my label\"=\"a\"} 3 5",
          "{\"my.metric\", \"my label\"=\"a\"} 3 5000000\n", false },
        { "c_total{a=\"b\"} 17 5 # {trace=\"x\"} 0.5 4\nd 1 # {} 1\n",
          "c_total{a=\"b\"} 17 5000000\nd 1 1800000000000000\n", true },
        { "a 1 5\n# EOF\nb 2 5\n", "a 1 5000000\n", true },
        { "# a comment\n\n#\n", "", false },
    };
    struct rig rig;
    (void)state;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(
            rig_openmetrics(&rig, rows[i].text, strlen(rows[i].text), rows[i].seconds),
            rows[i].out);
        assert_int_equal(rig.rows.problem_count, 0);
        assert_int_equal(rig_refused(&rig), 0);
    }
    rig_close(&rig);
}

static void wrong_lines_are_named_and_left_out(void **state)
{
    static const struct {
        const char *line, *problem;
    } rows[] = {
        { "up", "2:3 no value: a number, NaN, +Inf or -Inf belongs here" },
        { "up x", "2:4 no value: a number, NaN, +Inf or -Inf belongs here" },
        { "up 1x", "2:4 no value: a number, NaN, +Inf or -Inf belongs here" },
        { "up 1 noon", "2:6 no time: a number belongs here" },
        { "up 1 5 6", "2:8 something behind the time" },
        { "up{a=\"b\" 1", "2:3 no '}' behind the labels" },
        { "up{a=\"b} 1", "2:6 a value of a label without its closing quotation mark" },
        { "up{a=b} 1", "2:6 the value of a label stands in quotation marks in 'up{a=b}'" },
        { "up{a} 1", "2:5 a label without '=' in 'up{a}'" },
        { "up{=\"b\"} 1", "2:4 no name of a label in 'up{=\"b\"}'" },
        { "up{a=\"b\";c=\"d\"} 1", "2:9 between two labels there must be a comma in "
                                   "'up{a=\"b\";c=\"d\"}'" },
        { "7up 1", "2:1 no name of a metric in '7up'" },
    };
    struct rig rig;
    char text[256];
    (void)state;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "a 1 1\n%s\na 2 2\n", rows[i].line);
        assert_string_equal(rig_openmetrics(&rig, text, strlen(text), false),
                            "a 1 1000000\na 2 2000000\n");
        assert_int_equal(rig.rows.problem_count, 1);
        assert_string_equal(rig_problem(&rig, 0), rows[i].problem);
        assert_int_equal(rig.rows.received, 3);
        assert_int_equal(rig_refused(&rig), 1);
    }
    /* a name twice is found by the labels' own check */
    (void)rig_openmetrics(&rig, "a{b=\"1\",b=\"2\"} 1", 16, false);
    assert_int_equal(rig.rows.refused[INGEST_LABELS], 1);
    rig_close(&rig);
}

static bool keep_entry(void *ctx, const struct ingest_metadata_entry *entry)
{
    buf_printf(ctx, "%s|%s|%s|%s\n", entry->metric, entry->type, entry->help, entry->unit);
    return true;
}

static void metadata_is_remembered(void **state)
{
    static const char text[] = "# HELP b_seconds how long\n# TYPE b_seconds histogram\n"
                               "# UNIT b_seconds seconds\n# TYPE a untyped\n# TYPE c nonsense\n"
                               "# HELP a it's a\n# HELP a it is an a\n#HELP\n# TYPE\n# HELP \n";
    struct rig rig;
    struct buf out;
    (void)state;
    rig_open(&rig);
    buf_init(&out, 4096);
    (void)rig_openmetrics(&rig, text, sizeof(text) - 1, true);
    ingest_metadata_each(rig.metadata, keep_entry, &out);
    assert_string_equal(buf_text(&out), "a|unknown|it is an a|\n"
                                        "b_seconds|histogram|how long|seconds\n");
    buf_fini(&out);
    rig_close(&rig);
}

static void prefixes_and_flips_are_safe(void **state)
{
    static const char text[] =
        "# HELP a b\nup{job=\"a\\\"b\",x=\"c\"} 1.5 1700000000123 # {a=\"b\"} 1\n"
        "{\"m n\",\"\xc3\xa9\"=\"1\"} +Inf\nlast{a=\"b\"} 7 12.5";
    struct rig rig;
    struct random random = { 4 };
    (void)state;
    rig_open(&rig);
    for (size_t size = 0; size <= sizeof(text) - 1; size++) {
        (void)rig_openmetrics(&rig, text, size, size % 2);
    }
    for (int i = 0; i < 20000; i++) {
        char copy[sizeof(text)];
        memcpy(copy, text, sizeof(text));
        for (int j = 0; j <= i % 3; j++) {
            copy[random_below(&random, sizeof(text) - 1)] ^= (char)(1 << random_below(&random, 8));
        }
        (void)rig_openmetrics(&rig, copy, sizeof(text) - 1, i % 2);
        assert_int_equal(rig.rows.received, rig.rows.count + rig_refused(&rig));
    }
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_mean_samples),
        cmocka_unit_test(wrong_lines_are_named_and_left_out),
        cmocka_unit_test(metadata_is_remembered),
        cmocka_unit_test(prefixes_and_flips_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
