/* SPDX-License-Identifier: Apache-2.0 */
/* JSON lines in and out. */
#include "rig.h"

#include "history/reader.h"
#include "support/random.h"

static void lines_mean_samples(void **state)
{
    static const struct {
        const char *text, *out;
    } rows[] = {
        { "{\"metric\":{\"__name__\":\"a\",\"x\":\"1\"},\"values\":[1,-2.5e3],\"timestamps\":[1,2]"
          "}",
          "a{x=\"1\"} 1 1000\na{x=\"1\"} -2500 2000\n" },
        { " { \"timestamps\" : [ 5 , 6 ] , \"values\" : [ 1 , 2 ] , \"metric\" : { \"__name__\" : "
          "\"a\" } } \r\n",
          "a 1 5000\na 2 6000\n" },
        { "{\"metric\":{\"__name__\":\"a\"},\"more\":{\"x\":[1,{\"]\":\"}\"}]},\"values\":[\"NaN\","
          "\"Infinity\","
          "\"-Infinity\"],\"timestamps\":[1,2,3],\"y\":true}\n\n",
          "a nan 1000\na inf 2000\na -inf 3000\n" },
        { "{\"metric\":{\"__name__\":\"\\u00fc\\ud83d\\ude00\\n\\\"\",\"q\\/"
          "\":\"\\\\\"},\"values\":[1],"
          "\"timestamps\":[1]}",
          "{\"\xc3\xbc\xf0\x9f\x98\x80\\n\\\"\", \"q/\"=\"\\\\\"} 1 1000\n" },
        { "{\"metric\":{\"a\":\"b\"},\"values\":[],\"timestamps\":[]}", "" },
    };
    struct rig rig;
    (void)state;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(rig_json_lines(&rig, rows[i].text, strlen(rows[i].text)), rows[i].out);
        assert_int_equal(rig.rows.problem_count, 0);
    }
    rig_close(&rig);
}

static void null_is_a_stale_marker(void **state)
{
    static const char text[] =
        "{\"metric\":{\"__name__\":\"a\"},\"values\":[null],\"timestamps\":[1]}";
    struct rig rig;
    (void)state;
    rig_open(&rig);
    (void)rig_json_lines(&rig, text, sizeof(text) - 1);
    assert_int_equal(rig.rows.count, 1);
    assert_true(rig.rows.samples[0].value.bits == HISTORY_STALE_BITS);
    rig_close(&rig);
}

static void wrong_lines_are_named_and_left_out(void **state)
{
    static const struct {
        const char *line, *problem;
    } rows[] = {
        { "nonsense", "2:1 a line is a JSON object" },
        { "{\"metric\":{\"__name__\":\"b\"}", "2:27 between two members there must be a comma" },
        { "{\"metric\":{\"__name__\":\"b\"},\"values\":[1]}",
          "2:1 'metric' (an object), 'values' and 'timestamps' (arrays) are all needed" },
        { "{\"metric\":{\"__name__\":\"b\"},\"values\":[1,2],\"timestamps\":[1]}",
          "2:56 'values' and 'timestamps' have not the same length" },
        { "{\"metric\":{\"__name__\":\"b\"},\"values\":[true],\"timestamps\":[1]}",
          "2:38 no value: a number, null, \"NaN\" or \"Infinity\" belongs here" },
        { "{\"metric\":{\"__name__\":\"b\"},\"values\":[1],\"timestamps\":[1.5]}",
          "2:55 no time: whole milliseconds belong here" },
        { "{\"metric\":{\"__name__\":1},\"values\":[1],\"timestamps\":[1]}",
          "2:13 'metric' must be an object of names and texts in '{\"__name__\":1}'" },
        { "{\"metric\":{\"__name__\":\"\\ud800\"},\"values\":[1],\"timestamps\":[1]}",
          "2:2 'metric' must be an object of names and texts in '{\"__name__\":\"\\ud800\"}'" },
    };
    static const char good[] =
        "{\"metric\":{\"__name__\":\"a\"},\"values\":[1],\"timestamps\":[1]}";
    struct rig rig;
    char text[512];
    (void)state;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "%s\n%s\n%s\n", good, rows[i].line, good);
        assert_string_equal(rig_json_lines(&rig, text, strlen(text)), "a 1 1000\na 1 1000\n");
        assert_int_equal(rig.rows.problem_count, 1);
        assert_string_equal(rig_problem(&rig, 0), rows[i].problem);
        assert_int_equal(rig_refused(&rig), 1);
    }
    rig_close(&rig);
}

/* What is written is read back, a line longer than a turn included. */
static void lines_come_back(void **state)
{
    enum { COUNT = 150000 };
    struct rig rig;
    struct buf text;
    struct random random = { 5 };
    const struct label labels[] = { label_of(LABEL_METRIC, "long \"one\""),
                                    label_of("a", "b\\\n\x01\xc3\xa9") };
    int64_t *times = malloc(COUNT * sizeof(*times));
    double *values = malloc(COUNT * sizeof(*values));
    (void)state;
    rig_open(&rig);
    buf_init(&text, 64 << 20);
    for (int i = 0; i < COUNT; i++) {
        times[i] = INT64_C(1700000000000000) + i * INT64_C(1000);
        uint64_t bits = random_u64(&random);
        memcpy(&values[i], &bits, sizeof(bits));
        values[i] = values[i] - values[i] == 0 ? values[i] : 1 / 3.0;
    }
    ingest_json_lines_put(&text, labels, 2, times, values, COUNT);
    struct ingest_json_lines in;
    size_t at = 0;
    bool more = true;
    ingest_json_lines_begin(&in, &rig.rows, buf_text(&text), text.size);
    while (more) {
        struct err err = { 0 };
        more = ingest_json_lines_turn(&in, &rig.rows);
        assert_int_equal(ingest_rows_make(&rig.rows, rig_make, &rig, &err), 0);
        for (size_t i = 0; i < rig.rows.count; i++, at++) {
            assert_true(rig.rows.samples[i].value.d == values[at]);
            assert_true(rig.rows.samples[i].time_us == times[at]);
        }
    }
    assert_int_equal(at, COUNT);
    assert_int_equal(rig.count, 1);
    buf_fini(&text);
    free(times);
    free(values);
    rig_close(&rig);
}

/* Found by the fuzzer: a NUL in a value that is stepped over was stepped on for ever. */
static void nul_is_stepped_over(void **state)
{
    static const char text[] = "{\"x\":[\0]}\n{\"x\":\0}\n{\"x\":[\t\0\t\r]}";
    struct rig rig;
    (void)state;
    rig_open(&rig);
    assert_string_equal(rig_json_lines(&rig, text, sizeof(text) - 1), "");
    assert_int_equal(rig.rows.received, 3);
    rig_close(&rig);
}

static void prefixes_and_flips_are_safe(void **state)
{
    static const char text[] =
        "{\"metric\":{\"__name__\":\"a\\u00e9\",\"x\":\"\\\"1\"},\"values\":[1,-2.5,null,"
        "\"NaN\"],\"timestamps\":[1,2,3,4],\"z\":[{}]}\n"
        "{\"metric\":{\"b\":\"c\"},\"values\":[1e5],\"timestamps\":[7]}";
    struct rig rig;
    struct random random = { 6 };
    (void)state;
    rig_open(&rig);
    for (size_t size = 0; size <= sizeof(text) - 1; size++) {
        (void)rig_json_lines(&rig, text, size);
    }
    for (int i = 0; i < 20000; i++) {
        char copy[sizeof(text)];
        memcpy(copy, text, sizeof(text));
        for (int j = 0; j <= i % 3; j++) {
            copy[random_below(&random, sizeof(text) - 1)] ^= (char)(1 << random_below(&random, 8));
        }
        (void)rig_json_lines(&rig, copy, sizeof(text) - 1);
        assert_int_equal(rig.rows.received, rig.rows.count + rig_refused(&rig));
    }
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_mean_samples),
        cmocka_unit_test(null_is_a_stale_marker),
        cmocka_unit_test(wrong_lines_are_named_and_left_out),
        cmocka_unit_test(lines_come_back),
        cmocka_unit_test(nul_is_stepped_over),
        cmocka_unit_test(prefixes_and_flips_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
