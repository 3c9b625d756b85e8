/* SPDX-License-Identifier: Apache-2.0 */
/* Remote write: messages as Prometheus makes them, odd but legal ones, and broken ones. Messages are
 * written with the writer of remote read, whose series look the same. */
#include "rig.h"

#include "history/reader.h"
#include "server/ingest/remote_read.h"
#include "support/random.h"

/* labels {__name__="up", job="a"}, one sample: 1.5 at 1700000000123 ms; prompb's own encoding */
static const uint8_t up[] = {
    0x0a, 0x2c, 0x0a, 0x0e, 0x0a, 0x08, 0x5f, 0x5f, 0x6e, 0x61, 0x6d, 0x65, 0x5f, 0x5f, 0x12, 0x02,
    0x75, 0x70, 0x0a, 0x08, 0x0a, 0x03, 0x6a, 0x6f, 0x62, 0x12, 0x01, 0x61, 0x12, 0x10, 0x09, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x3f, 0x10, 0xfb, 0xd0, 0x95, 0xff, 0xbc, 0x31,
};

static void prometheus_message_is_read(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig);
    assert_string_equal(rig_remote_write(&rig, up, sizeof(up)),
                        "up{job=\"a\"} 1.5 1700000000123000\n");
    assert_int_equal(rig.rows.problem_count, 0);
    rig_close(&rig);
}

/* Fields in another order, twice, unknown ones, zero value and time left out, overlong varints. */
static void odd_messages_are_read(void **state)
{
    static const uint8_t message[] = {
        0x0a, 0x2e, 0x12, 0x02, 0x10, 0x05, 0x2a, 0x01, 0x78, 0x0a, 0x08, 0x12,
        0x01, 0x62, 0x18, 0x07, 0x0a, 0x01, 0x61, 0x12, 0x0d, 0x10, 0x86, 0x80,
        0x00, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x0a, 0x06,
        0x0a, 0x01, 0x63, 0x12, 0x01, 0x64, 0x22, 0x00, 0x1a, 0x00, 0x12, 0x00,
    };
    struct rig rig;
    (void)state;
    rig_open(&rig);
    assert_string_equal(rig_remote_write(&rig, message, sizeof(message)),
                        "{a=\"b\", c=\"d\"} 0 5000\n{a=\"b\", c=\"d\"} 2 6000\n"
                        "{a=\"b\", c=\"d\"} 0 0\n");
    assert_int_equal(rig.rows.refused[INGEST_KIND], 1);
    assert_int_equal(rig.rows.received, 4);
    assert_int_equal(rig.rows.problem_count, 0); /* nothing the sender could do better */
    rig_close(&rig);
}

static void put_series(struct buf *out, const struct label *labels, size_t label_count,
                       const int64_t *times_us, const double *values, size_t count)
{
    ingest_read_put_series(out, labels, label_count, times_us, values, count);
}

static double bits(uint64_t pattern)
{
    double value;
    memcpy(&value, &pattern, sizeof(value));
    return value;
}

static void values_keep_all_their_bits(void **state)
{
    static const uint64_t patterns[] = {
        HISTORY_STALE_BITS,           UINT64_C(0x7ff8000000000001), UINT64_C(0x8000000000000000), 1,
        UINT64_C(0x7fefffffffffffff), UINT64_C(0xfff0000000000000)
    };
    enum { COUNT = sizeof(patterns) / sizeof(patterns[0]) };
    const struct label label = label_of(LABEL_METRIC, "x");
    int64_t times_us[COUNT];
    double values[COUNT];
    struct rig rig;
    struct buf out;
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        times_us[i] = i * 1000;
        values[i] = bits(patterns[i]);
    }
    rig_open(&rig);
    buf_init(&out, 1 << 20);
    put_series(&out, &label, 1, times_us, values, COUNT);
    (void)rig_remote_write(&rig, out.data, out.size);
    assert_int_equal(rig.rows.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_true(rig.rows.samples[i].value.bits == patterns[i]);
        assert_true(rig.rows.samples[i].time_us == times_us[i]);
    }
    buf_fini(&out);
    rig_close(&rig);
}

/* One series over several turns, and many series with few samples; the second time all are known. */
static void random_requests_come_back(void **state)
{
    struct rig rig;
    struct buf body, want;
    struct random random = { 11 };
    static int64_t times_us[100000];
    static double values[100000];
    (void)state;
    rig_open(&rig);
    buf_init(&body, 64 << 20);
    buf_init(&want, 64 << 20);
    for (int series = 0; series < 300; series++) {
        char name[32], text[32];
        size_t count = series == 7 ? 100000 : random_below(&random, 20);
        snprintf(name, sizeof(name), "m%d", series % 40);
        snprintf(text, sizeof(text), "%d", series);
        const struct label labels[] = { label_of(LABEL_METRIC, name), label_of("n", text) };
        for (size_t i = 0; i < count; i++) {
            times_us[i] = (int64_t)(random_below(&random, 3) == 0 ? 0 : INT64_C(1700000000000)) +
                          (int64_t)i;
            times_us[i] *= 1000;
            values[i] = (double)random_below(&random, 3) / 4;
            if (i > 0 && times_us[i] <= times_us[i - 1]) {
                times_us[i] = times_us[i - 1] + 1000;
            }
            buf_printf(&want, "m%d{n=\"%d\"} %g %lld\n", series % 40, series, values[i],
                       (long long)times_us[i]);
        }
        put_series(&body, labels, 2, times_us, values, count);
    }
    for (int round = 0; round < 2; round++) {
        assert_string_equal(rig_remote_write(&rig, body.data, body.size), buf_text(&want));
        assert_int_equal(rig_refused(&rig), 0);
        assert_true(rig.turns > 1);
    }
    buf_fini(&want);
    buf_fini(&body);
    rig_close(&rig);
}

static bool keep_entry(void *ctx, const struct ingest_metadata_entry *entry)
{
    buf_printf(ctx, "%s|%s|%s|%s\n", entry->metric, entry->type, entry->help, entry->unit);
    return true;
}

static void metadata_is_remembered(void **state)
{
    static const uint8_t message[] = { 0x1a, 0x12, 0x08, 0x01, 0x12, 0x04, 'r',  'e',  'q', 's',
                                       0x22, 0x03, 'a',  'l',  'l',  0x2a, 0x03, 's',  'e', 'c',
                                       0x1a, 0x03, 0x12, 0x01, 'u',  0x1a, 0x02, 0x08, 0x01 };
    struct rig rig;
    struct buf out;
    (void)state;
    rig_open(&rig);
    buf_init(&out, 4096);
    assert_string_equal(rig_remote_write(&rig, message, sizeof(message)), "");
    assert_int_equal(rig.rows.problem_count, 0);
    ingest_metadata_each(rig.metadata, keep_entry, &out);
    assert_string_equal(buf_text(&out), "reqs|counter|all|sec\nu|unknown||\n");
    buf_fini(&out);
    rig_close(&rig);
}

/* A series with bad labels, or without any, is left out; the others stay. */
static void bad_series_are_refused(void **state)
{
    const struct label good = label_of(LABEL_METRIC, "good");
    const struct label twice[] = { label_of("a", "1"), label_of("a", "2") };
    const struct label broken = label_of("a", "\xff");
    const int64_t time_us = 1000;
    const double value = 1;
    struct rig rig;
    struct buf body;
    (void)state;
    rig_open(&rig);
    buf_init(&body, 1 << 20);
    put_series(&body, &good, 1, &time_us, &value, 1);
    put_series(&body, twice, 2, &time_us, &value, 1);
    put_series(&body, &broken, 1, &time_us, &value, 1);
    put_series(&body, NULL, 0, &time_us, &value, 1);
    put_series(&body, &good, 1, &time_us, &value, 1);
    assert_string_equal(rig_remote_write(&rig, body.data, body.size), "good 1 1000\ngood 1 1000\n");
    assert_int_equal(rig.rows.refused[INGEST_LABELS], 3);
    assert_int_equal(rig.rows.received, 5);
    assert_int_equal(rig.rows.problem_count, 3);
    buf_fini(&body);
    rig_close(&rig);
}

static void prefixes_and_flips_are_safe(void **state)
{
    const struct label labels[] = { label_of(LABEL_METRIC, "up"), label_of("job", "a") };
    const int64_t times_us[] = { INT64_C(1700000000123000), INT64_C(1700000001123000), 0 };
    const double values[] = { 1.5, 0, -7 };
    struct rig rig;
    struct buf body;
    struct random random = { 12 };
    (void)state;
    rig_open(&rig);
    buf_init(&body, 1 << 20);
    put_series(&body, labels, 2, times_us, values, 2);
    put_series(&body, labels, 1, times_us + 2, values + 2, 1);
    for (size_t size = 0; size < body.size; size++) {
        (void)rig_remote_write(&rig, body.data, size);
        bool whole = size == 0 || rig.rows.problem_count == 0;
        assert_true(whole == (size == 0 || rig.rows.refused[INGEST_SYNTAX] == 0));
    }
    for (int i = 0; i < 30000; i++) {
        uint8_t copy[256];
        assert_true(body.size <= sizeof(copy));
        memcpy(copy, body.data, body.size);
        for (int j = 0; j <= i % 3; j++) {
            copy[random_below(&random, body.size)] ^= (uint8_t)(1u << random_below(&random, 8));
        }
        (void)rig_remote_write(&rig, copy, body.size);
        assert_int_equal(rig.rows.received, rig.rows.count + rig_refused(&rig));
    }
    buf_fini(&body);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prometheus_message_is_read),  cmocka_unit_test(odd_messages_are_read),
        cmocka_unit_test(values_keep_all_their_bits),  cmocka_unit_test(random_requests_come_back),
        cmocka_unit_test(metadata_is_remembered),      cmocka_unit_test(bad_series_are_refused),
        cmocka_unit_test(prefixes_and_flips_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
