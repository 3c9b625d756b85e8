/* SPDX-License-Identifier: Apache-2.0 */
/* The line protocol: what each form of line means, what is said about wrong ones, and that nothing
 * breaks it. */
#include "rig.h"

#include "support/random.h"

static void lines_mean_samples(void **state)
{
    static const struct {
        const char *line, *out;
    } rows[] = {
        { "cpu,host=a usage=1.5 1700000000000000000",
          "cpu_usage{host=\"a\"} 1.5 1700000000000000\n" },
        { "cpu usage=2", "cpu_usage 2 1800000000000000\n" },
        { "cpu,host=a a=1i,b=2u,c=t,d=F,e=-3e2 1700000000000000001\n",
          "cpu_a{host=\"a\"} 1i 1700000000000000\ncpu_b{host=\"a\"} 2i 1700000000000000\n"
          "cpu_c{host=\"a\"} true 1700000000000000\ncpu_d{host=\"a\"} false 1700000000000000\n"
          "cpu_e{host=\"a\"} -300 1700000000000000\n" },
        { "t value=21.5 1700000000", "t_value 21.5 1700000000000000\n" },
        { "t value=21.5 1700000000123", "t_value 21.5 1700000000123000\n" },
        { "t value=21.5 1700000000123456", "t_value 21.5 1700000000123456\n" },
        { "my\\ room,na\\,me=x\\=y,empty= f\\ 1=1 1700000000",
          "{\"my room_f 1\", \"na,me\"=\"x=y\"} 1 1700000000000000\n" },
        { ",a=b up=1 1700000000", "up{a=\"b\"} 1 1700000000000000\n" },
        { "# comment\n\n \r\nm f=1 1700000000\r\n", "m_f 1 1700000000000000\n" },
        { "m s=\"hello, \\\"you\\\" \\\\ = x\",f=1 1700000000",
          "m_s hello, \"you\" \\ = x 1700000000000000\nm_f 1 1700000000000000\n" },
        { "m s=\"\" 1700000000", "m_s  1700000000000000\n" },
        { "m s=\"two\nlines\" 1700000000\nm f=2 1700000000",
          "m_s two\nlines 1700000000000000\nm_f 2 1700000000000000\n" },
        { "m f=18446744073709551615u 1700000000", "m_f 1.8446744e+19 1700000000000000\n" },
        { "m   f=1   1700000000  ", "m_f 1 1700000000000000\n" },
        { "m f=NaN 0", "m_f nan 0\n" },
        { "m,b=1,a=2 f=1 1700000000\nm,a=2,b=1 f=2 1700000001",
          "m_f{a=\"2\", b=\"1\"} 1 1700000000000000\nm_f{a=\"2\", b=\"1\"} 2 1700000001000000\n" },
    };
    struct rig rig;
    (void)state;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(rig_influx(&rig, rows[i].line, strlen(rows[i].line), 0), rows[i].out);
        assert_int_equal(rig.rows.problem_count, 0);
        assert_int_equal(rig_refused(&rig), 0);
    }
    rig_close(&rig);
}

static void times_have_a_precision(void **state)
{
    static const struct {
        const char *word, *time;
        int64_t time_us;
    } rows[] = {
        { "ns", "1700000000000001999", 1700000000000001 },
        { "us", "1700000000000001", 1700000000000001 },
        { "u", "7", 7 },
        { "ms", "1700000000001", 1700000000001000 },
        { "s", "1700000001", 1700000001000000 },
        { "m", "28333333", 1699999980000000 },
        { "h", "472222", 1699999200000000 },
    };
    struct rig rig;
    char line[64], out[64];
    int64_t unit_ns = 0;
    (void)state;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(ingest_influx_precision(rows[i].word, &unit_ns));
        snprintf(line, sizeof(line), "m f=1 %s", rows[i].time);
        snprintf(out, sizeof(out), "m_f 1 %lld\n", (long long)rows[i].time_us);
        assert_string_equal(rig_influx(&rig, line, strlen(line), unit_ns), out);
    }
    assert_false(ingest_influx_precision("fortnight", &unit_ns));
    rig_close(&rig);
}

static void wrong_lines_are_named_and_left_out(void **state)
{
    static const struct {
        const char *line, *problem;
    } rows[] = {
        { "cpu", "2:4 no fields: 'name,tag=x field=1' is the least" },
        { "cpu ", "2:5 a field without a name or '='" },
        { "cpu usage", "2:5 a field without a name or '='" },
        { "cpu =1", "2:5 a field without a name or '='" },
        { "cpu usage=", "2:11 no value: a number, t, f, true, false or \"text\" belongs here" },
        { "cpu a=1,usage=x",
          "2:15 no value: a number, t, f, true, false or \"text\" belongs here" },
        { "cpu usage=1.5i", "2:11 a whole number that does not fit" },
        { "cpu usage=9223372036854775808i", "2:11 a whole number that does not fit" },
        { "cpu usage=-1u", "2:11 a whole number that does not fit" },
        { "cpu usage=1x",
          "2:12 after a value there must be a comma, a space or the end of the line" },
        { "cpu usage=1 noon", "2:13 no time: a whole number belongs here" },
        { "cpu usage=1 17 18", "2:16 something behind the time" },
        { "cpu usage=\"x", "2:11 a text without its closing quotation mark" },
        { "cpu usage=\"x\xff\"", "2:11 a text that is not UTF-8" },
        { "cpu,host usage=1", "2:5 a tag without '=' in 'cpu,host'" },
        { "cpu a b=1", "2:0 the field 'a b' has no '=' in 'cpu'" },
    };
    struct rig rig;
    char text[256];
    (void)state;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "a v=1 1700000000\n%s\na v=2 1700000001\n", rows[i].line);
        assert_string_equal(rig_influx(&rig, text, strlen(text), 0),
                            "a_v 1 1700000000000000\na_v 2 1700000001000000\n");
        assert_int_equal(rig.rows.problem_count, 1);
        assert_string_equal(rig_problem(&rig, 0), rows[i].problem);
        assert_int_equal(rig.rows.received, 3);
        assert_int_equal(rig_refused(&rig), 1);
    }
    rig_close(&rig);
}

static void times_out_of_bounds_are_refused(void **state)
{
    struct rig rig;
    struct ingest_influx in;
    const char *text = "m f=1,g=2 1500000000\nm f=3 1700000000\nm f=4 1900000000\n";
    (void)state;
    rig_open(&rig);
    ingest_influx_begin(&in, &rig.rows, text, strlen(text), 0);
    rig.rows.oldest_us = INT64_C(1600000000000000);
    rig.rows.newest_us = INT64_C(1800000000000000);
    assert_false(ingest_influx_turn(&in, &rig.rows));
    rig_turn(&rig);
    assert_string_equal(buf_text(&rig.out), "m_f 3 1700000000000000\n");
    assert_int_equal(rig.rows.refused[INGEST_OLD], 2);
    assert_int_equal(rig.rows.refused[INGEST_FUTURE], 1);
    assert_int_equal(rig.rows.received, 4);
    assert_string_equal(rig_problem(&rig, 0), "1:0 its time, 2017-07-14T02:40:00Z, is older than "
                                              "the history keeps");
    assert_string_equal(rig_problem(&rig, 1), "3:0 its time, 2030-03-17T17:46:40Z, is more than a "
                                              "day in the future");
    rig_close(&rig);
}

static void points_and_failures(void **state)
{
    struct rig rig;
    const char *text = "mine v=1 1\nother v=2 1\nmine v=3 2\n";
    (void)state;
    rig_open(&rig);
    rig.points = "mine";
    assert_string_equal(rig_influx(&rig, text, strlen(text), 0), "other_v 2 1000000\n");
    assert_int_equal(rig.rows.refused[INGEST_POINT], 2);
    assert_string_equal(rig_problem(&rig, 0), "1:0 this series is a point of this gateway: nobody "
                                              "else may write it");
    rig.fail = BUSBAR_ELIMIT; /* no more series: what is known goes on */
    text = "other v=1 1\nnew v=2 1\n";
    assert_string_equal(rig_influx(&rig, text, strlen(text), 0), "other_v 1 1000000\n");
    assert_int_equal(rig.rows.refused[INGEST_SERIES], 1);
    rig.fail = BUSBAR_EIO; /* nothing of the turn may be stored */
    assert_string_equal(rig_influx(&rig, text, strlen(text), 0), "");
    rig_close(&rig);
}

static void extra_labels_are_added(void **state)
{
    struct rig rig;
    struct ingest_influx in;
    const char *text = "m,db=own f=1 1\nm f=2 1\n";
    (void)state;
    rig_open(&rig);
    for (int yields = 1; yields >= 0; yields--) {
        buf_clear(&rig.out);
        ingest_influx_begin(&in, &rig.rows, text, strlen(text), 0);
        const struct label label = label_of("db", "plant");
        assert_true(ingest_rows_extra(&rig.rows, &label));
        rig.rows.extra_yields = yields;
        assert_false(ingest_influx_turn(&in, &rig.rows));
        rig_turn(&rig);
        ingest_cache_clear(&rig.cache); /* the same bytes mean something else now */
        assert_string_equal(buf_text(&rig.out),
                            yields ? "m_f{db=\"own\"} 1 1000000\nm_f{db=\"plant\"} 2 1000000\n"
                                   : "m_f{db=\"plant\"} 1 1000000\nm_f{db=\"plant\"} 2 1000000\n");
    }
    assert_string_equal(rig_influx(&rig, "m f=3 1", 7, 0), "m_f 3 1000000\n");
    rig_close(&rig);
}

/* More samples than a turn takes, in lines of many fields; then all from the cache. */
static void many_turns_lose_nothing(void **state)
{
    enum { LINES = 700, FIELDS = 200, SETS = 90 };
    struct rig rig;
    struct buf text;
    (void)state;
    rig_open(&rig);
    buf_init(&text, 64 << 20);
    for (int i = 0; i < LINES; i++) {
        buf_printf(&text, "m,line=%d ", i % SETS);
        for (int j = 0; j < FIELDS; j++) {
            buf_printf(&text, "%sf%d=%d", j > 0 ? "," : "", j, i * FIELDS + j);
        }
        buf_append_text(&text, " 5\n");
    }
    for (int round = 0; round < 2; round++) {
        const char *out = rig_influx(&rig, buf_text(&text), text.size, 0);
        assert_true(rig.turns > 2);
        for (int i = 0; i < LINES * FIELDS; i++) {
            char line[80];
            int size = snprintf(line, sizeof(line), "m_f%d{line=\"%d\"} %d 5000000\n", i % FIELDS,
                                i / FIELDS % SETS, i);
            assert_memory_equal(out, line, (size_t)size);
            out += size;
        }
        assert_int_equal(*out, 0);
        assert_int_equal(rig.count, SETS * FIELDS);
        assert_int_equal(rig.rows.received, LINES * FIELDS);
    }
    buf_fini(&text);
    rig_close(&rig);
}

static void too_many_fields_are_refused(void **state)
{
    struct rig rig;
    struct buf text;
    (void)state;
    rig_open(&rig);
    buf_init(&text, 1 << 20);
    buf_append_text(&text, "m ");
    for (int i = 0; i <= INGEST_LINE_SAMPLES_MAX; i++) {
        buf_printf(&text, "%sf%d=1", i > 0 ? "," : "", i);
    }
    buf_append_text(&text, "\nm f=1 1\n");
    assert_string_equal(rig_influx(&rig, buf_text(&text), text.size, 0), "m_f 1 1000000\n");
    assert_int_equal(rig.rows.refused[INGEST_SYNTAX], 1);
    buf_fini(&text);
    rig_close(&rig);
}

/* Whatever is cut off or changed: no read outside, and the sums agree. */
static void prefixes_and_flips_are_safe(void **state)
{
    static const char text[] = "cpu,host=a\\ b,c=d u=1.5,i=7i,s=\"x\\\"y\",t=true 1700000000\n"
                               "# no\nm f=-1e-5\n\xc3\xa9,\xc3\xa9=1 x=0x 12";
    struct rig rig;
    struct random random = { 3 };
    (void)state;
    rig_open(&rig);
    for (size_t size = 0; size <= sizeof(text) - 1; size++) {
        (void)rig_influx(&rig, text, size, 0);
    }
    for (int i = 0; i < 20000; i++) {
        char copy[sizeof(text)];
        memcpy(copy, text, sizeof(text));
        for (int j = 0; j <= i % 3; j++) {
            copy[random_below(&random, sizeof(text) - 1)] ^= (char)(1 << random_below(&random, 8));
        }
        (void)rig_influx(&rig, copy, sizeof(text) - 1, 0);
        assert_int_equal(rig.rows.received, rig.rows.count + rig_refused(&rig));
    }
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_mean_samples),
        cmocka_unit_test(times_have_a_precision),
        cmocka_unit_test(wrong_lines_are_named_and_left_out),
        cmocka_unit_test(times_out_of_bounds_are_refused),
        cmocka_unit_test(points_and_failures),
        cmocka_unit_test(extra_labels_are_added),
        cmocka_unit_test(many_turns_lose_nothing),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(prefixes_and_flips_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
