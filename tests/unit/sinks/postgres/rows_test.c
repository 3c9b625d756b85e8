/* SPDX-License-Identifier: Apache-2.0 */
/* A batch as binary COPY: vectors by hand from PostgreSQL's documentation (COPY, binary format), what is refused, what
 * counts as repeated, what came late; then random batches against a reader of this file. */
#include "sinks/postgres/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/hash.h"
#include "model/event.h"
#include "sinks/postgres/schema.h"

#define NOW_US INT64_C(1795420800000000) /* 2026-11-23 08:00 */
#define DAY_US (INT64_C(86400) * 1000000)

static struct sample sample(uint32_t point, int64_t time_us, double value)
{
    return (struct sample){ .point = point,
                            .time_us = time_us,
                            .receive_us = time_us,
                            .type = VALUE_DOUBLE,
                            .value.d = value };
}

static int encode(const struct sample *samples, size_t count, struct buf *out)
{
    const struct sink_batch batch = { .samples = samples, .sample_count = count };
    buf_init(out, SINK_BATCH_BYTES_MAX);
    return pg_rows_encode(&batch, 3, NOW_US, out);
}

/* ---- a reader ---- */

struct row {
    struct sample sample;
    int16_t site;
    bool has_value, has_text, has_received, has_detail;
    double value;
    char text[64];
};

static bool field(struct bytes *in, struct bytes *out)
{
    int32_t size = bytes_get_i32(in);
    if (size < 0) {
        assert_int_equal(size, -1);
        return false;
    }
    *out = bytes_get_bytes(in, (size_t)size);
    assert_false(bytes_short(out));
    return true;
}

static struct row read_row(struct bytes *in)
{
    struct row row = { 0 };
    struct bytes at;
    assert_int_equal(bytes_get_u16(in), 8);
    assert_true(field(in, &at));
    row.sample.time_us = bytes_get_i64(&at) + PG_EPOCH_US;
    row.has_value = field(in, &at);
    row.value = row.has_value ? bytes_get_f64(&at) : 0;
    assert_true(field(in, &at));
    row.sample.point = bytes_get_u32(&at);
    assert_true(field(in, &at));
    row.site = bytes_get_i16(&at);
    assert_true(field(in, &at));
    row.sample.quality = (uint8_t)bytes_get_u16(&at);
    row.has_text = field(in, &at);
    if (row.has_text) {
        size_t size = bytes_left(&at);
        assert_true(size < sizeof(row.text));
        bytes_get_copy(&at, row.text, size);
    }
    row.has_received = field(in, &at);
    row.sample.receive_us = row.has_received ? bytes_get_i64(&at) + PG_EPOCH_US
                                             : row.sample.time_us;
    row.has_detail = field(in, &at);
    row.sample.detail = row.has_detail ? bytes_get_u16(&at) : 0;
    return row;
}

static struct bytes begin(const struct buf *out)
{
    struct pg_rows rows = pg_rows_get(out);
    struct bytes in = bytes_of(out->data + rows.copy.offset, rows.copy.size);
    assert_memory_equal(bytes_get_block(&in, 19), "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    return in;
}

static void finish(struct bytes *in)
{
    assert_int_equal(bytes_get_u16(in), 0xffff);
    assert_false(bytes_short(in));
    assert_int_equal(bytes_left(in), 0);
}

/* ---- vectors ---- */

static void a_number_is_58_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0,    8, /* fields */
        0,    0,    0,    8,    0,    3,    4,    0x6c,
        0x7c, 0x9f, 0x20, 0x01, /* 2026-11-23 08:00:00.000001 */
        0,    0,    0,    8,    0x40, 0x35, 0x80, 0,
        0,    0,    0,    0,                         /* 21.5 */
        0,    0,    0,    4,    0,    0,    1,    2, /* point 258 */
        0,    0,    0,    2,    0,    3,             /* site */
        0,    0,    0,    2,    0,    1,             /* quality */
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff,
    };
    struct sample one = sample(258, NOW_US + 1, 21.5);
    struct buf out;
    one.quality = 1;
    assert_int_equal(encode(&one, 1, &out), 0);
    struct pg_rows rows = pg_rows_get(&out);
    assert_int_equal(rows.copy.size, 19 + 58 + 2);
    uint8_t made[58];
    memcpy(made, out.data + rows.copy.offset + 19, sizeof(made));
    uint64_t time = 0;
    for (int i = 0; i < 8; i++) {
        time = time << 8 | made[6 + i];
    }
    assert_int_equal(time, NOW_US + 1 - PG_EPOCH_US);
    memcpy(made + 6, expected + 6, 8); /* looked at above */
    assert_memory_equal(made, expected, sizeof(made));
    assert_int_equal(rows.rows, 1);
    assert_int_equal(pg_rows_spans(&out), 1);
    assert_int_equal(pg_rows_span(&out, 0), NOW_US / DAY_US * DAY_US);
    buf_fini(&out);
}

static void every_type(void **state)
{
    (void)state;
    struct text *text = text_new("h\xc3\xa4", 3);
    struct sample samples[] = {
        sample(1, NOW_US, 0), sample(2, NOW_US, 0), sample(3, NOW_US, 0), sample(4, NOW_US, 0),
        sample(5, NOW_US, 0), sample(6, NOW_US, 0), sample(7, NOW_US, 0), sample(8, NOW_US, 0),
    };
    samples[0].type = VALUE_NONE;
    samples[0].quality = 5;
    samples[0].detail = 0xfffe;
    samples[1].type = VALUE_BOOL;
    samples[1].value.b = true;
    samples[2].type = VALUE_INT;
    samples[2].value.i = -(INT64_C(1) << 53);
    samples[3].type = VALUE_INT;
    samples[3].value.i = (INT64_C(1) << 53) + 1;
    samples[4].type = VALUE_INT;
    samples[4].value.i = INT64_MIN;
    samples[5].type = VALUE_TEXT;
    samples[5].value.text = text;
    samples[6].value.d = (double)NAN;
    samples[7].value.d = 1;
    samples[7].receive_us = NOW_US + 250000;
    struct buf out;
    assert_int_equal(encode(samples, 8, &out), 0);
    struct bytes in = begin(&out);
    struct row row = read_row(&in);
    assert_false(row.has_value || row.has_text || row.has_received);
    assert_int_equal(row.sample.detail, 0xfffe);
    assert_int_equal(row.sample.quality, 5);
    row = read_row(&in);
    assert_true(row.has_value && row.value == 1);
    row = read_row(&in);
    assert_true(row.has_value && row.value == -9007199254740992.0 && !row.has_text);
    row = read_row(&in);
    assert_true(row.has_value && row.value == 9007199254740992.0);
    assert_string_equal(row.text, "9007199254740993");
    row = read_row(&in);
    assert_string_equal(row.text, "-9223372036854775808");
    row = read_row(&in);
    assert_false(row.has_value);
    assert_string_equal(row.text, "h\xc3\xa4");
    row = read_row(&in);
    assert_true(row.has_value && isnan(row.value));
    row = read_row(&in);
    assert_true(row.has_received && row.sample.receive_us == NOW_US + 250000);
    assert_int_equal(row.site, 3);
    finish(&in);
    buf_fini(&out);
    busbar_free(text);
}

/* ---- repeated ---- */

static void the_last_of_a_time_counts(void **state)
{
    (void)state;
    const struct sample samples[] = {
        sample(1, NOW_US, 1), sample(2, NOW_US, 2),     sample(1, NOW_US, 3),
        sample(1, NOW_US, 4), sample(1, NOW_US + 1, 5),
    };
    struct buf out;
    assert_int_equal(encode(samples, 5, &out), 0);
    struct pg_rows rows = pg_rows_get(&out);
    assert_int_equal(rows.rows, 3);
    assert_int_equal(rows.repeated, 2);
    struct bytes in = begin(&out);
    assert_true(read_row(&in).value == 2);
    assert_true(read_row(&in).value == 4);
    assert_true(read_row(&in).value == 5);
    finish(&in);
    assert_int_equal(pg_rows_sample(&out, 0), 1);
    assert_int_equal(pg_rows_sample(&out, 1), 3);
    assert_int_equal(pg_rows_sample(&out, 2), 4);
    assert_int_equal(pg_rows_sample(&out, 3), SIZE_MAX);
    assert_int_equal(pg_rows_sample(&out, SIZE_MAX), SIZE_MAX);
    buf_fini(&out);
}

/* ---- refused ---- */

static void refused(const struct sample *bad, const char *reason)
{
    struct sample samples[3] = { sample(1, NOW_US, 1), *bad, sample(2, NOW_US, 1) };
    struct buf out;
    assert_int_equal(encode(samples, 3, &out), 0);
    struct pg_rows rows = pg_rows_get(&out);
    assert_true(rows.refuses);
    assert_int_equal(rows.refused, 1);
    assert_non_null(strstr(rows.reason, reason));
    buf_fini(&out);
}

static void what_cannot_be_held(void **state)
{
    (void)state;
    struct sample bad = sample(1, -1, 1);
    refused(&bad, "before 1970");
    bad.time_us = NOW_US + 400 * DAY_US;
    refused(&bad, "no partition");
    bad.time_us = INT64_MAX;
    refused(&bad, "no partition");
    bad.time_us = INT64_MIN;
    refused(&bad, "before 1970");
    struct text *nul = text_new("a\0b", 3), *broken = text_new("a\xff", 2);
    bad = sample(1, NOW_US + 5, 0);
    bad.type = VALUE_TEXT;
    bad.value.text = nul;
    refused(&bad, "NUL");
    bad.value.text = broken;
    refused(&bad, "UTF-8");
    busbar_free(nul);
    busbar_free(broken);
}

/* ---- late ---- */

static void what_came_late_is_noted_once(void **state)
{
    (void)state;
    int64_t old = NOW_US - 3 * DAY_US;
    struct sample samples[] = { sample(7, old, 1), sample(7, old + 1, 2), sample(5, old, 3),
                                sample(9, NOW_US, 4) };
    for (size_t i = 0; i < 4; i++) {
        samples[i].receive_us = NOW_US;
    }
    struct buf out;
    assert_true(pg_late_day(old, NOW_US));
    assert_int_equal(encode(samples, 4, &out), 0);
    struct pg_rows rows = pg_rows_get(&out);
    assert_int_equal(rows.late, 4);
    assert_string_equal(pg_rows_text(&out, rows.late_kinds), "{1,1,2,2}");
    assert_string_equal(pg_rows_text(&out, rows.late_points), "{5,7,5,7}");
    assert_int_equal(pg_rows_spans(&out), 2);
    buf_fini(&out);
}

/* Its two times are one: nobody knows when it came. */
static void without_a_receive_time_it_is_as_late_as_now(void **state)
{
    (void)state;
    int64_t old = NOW_US - 3 * DAY_US;
    struct sample samples[] = { sample(7, old, 1), sample(8, old, 2), sample(9, NOW_US, 3) };
    samples[0].receive_us = samples[0].time_us;
    samples[1].receive_us = samples[1].time_us + 1; /* in time, and published late */
    samples[2].receive_us = samples[2].time_us;
    struct buf out;
    assert_int_equal(encode(samples, 3, &out), 0);
    struct pg_rows rows = pg_rows_get(&out);
    assert_int_equal(rows.late, 2);
    assert_string_equal(pg_rows_text(&out, rows.late_kinds), "{1,2}");
    assert_string_equal(pg_rows_text(&out, rows.late_points), "{7,7}");
    buf_fini(&out);
}

/* ---- texts ---- */

static void facts_and_events(void **state)
{
    (void)state;
    const struct label labels[] = { { "__name__", "p\0q", 8, 3 } };
    const struct sink_series series = { .id = 4,
                                        .path = "a/\"b\"",
                                        .device = "a",
                                        .point = "\"b\"",
                                        .title = "",
                                        .units = "kW",
                                        .protocol = "http",
                                        .place = "",
                                        .profile = "",
                                        .value_type = VALUE_INT,
                                        .enums = "{\"0\":\"off\"}",
                                        .labels = labels,
                                        .label_count = 1 };
    const struct event_argument argument = { .name = "x",
                                             .type = VALUE_DOUBLE,
                                             .value.d = (double)INFINITY };
    struct event event = { .time_us = NOW_US,
                           .receive_us = NOW_US + 1,
                           .source = "a",
                           .kind = "alarm",
                           .text = "hot",
                           .severity = 3,
                           .arguments = &argument,
                           .argument_count = 1 };
    struct buf one, two, out;
    buf_init(&one, EVENT_BYTES_MAX);
    buf_init(&two, EVENT_BYTES_MAX);
    buf_init(&out, SINK_BATCH_BYTES_MAX);
    assert_int_equal(event_encode(&event, &one), 0);
    event.time_us = INT64_MAX;
    assert_int_equal(event_encode(&event, &two), 0);
    const struct bytes events[] = { bytes_of(one.data, one.size), bytes_of(two.data, two.size) };
    struct sink_batch batch = {
        .series = &series, .series_count = 1, .events = events, .event_count = 1
    };
    assert_int_equal(pg_rows_encode(&batch, 3, NOW_US, &out), 0);
    struct pg_rows rows = pg_rows_get(&out);
    assert_string_equal(
        pg_rows_text(&out, rows.facts),
        "[{\"point\":4,\"path\":\"a/"
        "\\\"b\\\"\",\"device\":\"a\",\"name\":\"\\\"b\\\"\",\"title\":\"\","
        "\"units\":\"kW\",\"type\":\"int\",\"protocol\":\"http\",\"place\":\"\",\"profile\":\"\","
        "\"writable\":false,\"counter\":false,\"labels\":{\"__name__\":\"p\xef\xbf\xbdq\"},"
        "\"enums\":{\"0\":\"off\"}}]");
    const char *text = pg_rows_text(&out, rows.events);
    assert_non_null(strstr(text, "\"time\":1795420800000000,\"received\":1795420800000001,"));
    assert_non_null(strstr(text, "\"arguments\":{\"x\":\"Infinity\"}"));
    batch.event_count = 2;
    assert_int_equal(pg_rows_encode(&batch, 3, NOW_US, &out), 0);
    rows = pg_rows_get(&out);
    assert_true(rows.refuses);
    assert_int_equal(rows.refused, 1);
    buf_fini(&one);
    buf_fini(&two);
    buf_fini(&out);
}

/* ---- many ---- */

static void random_batches_read_back(void **state)
{
    (void)state;
    uint64_t seed = 11;
    struct sample samples[500];
    for (int round = 0; round < 50; round++) {
        size_t count = 1 + hash_random(&seed) % 500;
        for (size_t i = 0; i < count; i++) {
            samples[i] = sample(1 + (uint32_t)(hash_random(&seed) % 40),
                                NOW_US - (int64_t)(hash_random(&seed) % 30) * 3600000000,
                                (double)i);
            samples[i].quality = (uint8_t)(hash_random(&seed) % 15);
        }
        struct buf out;
        assert_int_equal(encode(samples, count, &out), 0);
        struct pg_rows rows = pg_rows_get(&out);
        struct bytes in = begin(&out);
        assert_int_equal(rows.rows + rows.repeated, count);
        for (size_t at = 0, i = 0; i < count; i++) {
            bool again = false;
            for (size_t j = i + 1; j < count && !again; j++) {
                again = samples[j].point == samples[i].point &&
                        samples[j].time_us == samples[i].time_us;
            }
            if (again) {
                continue;
            }
            assert_int_equal(pg_rows_sample(&out, at++), i);
            struct row row = read_row(&in);
            assert_true(row.value == (double)i);
            assert_int_equal(row.sample.point, samples[i].point);
            assert_int_equal(row.sample.time_us, samples[i].time_us);
            assert_int_equal(row.sample.quality, samples[i].quality);
        }
        finish(&in);
        buf_fini(&out);
    }
}

static void no_memory(void **state)
{
    (void)state;
    const struct sample samples[] = { sample(1, NOW_US, 1), sample(1, NOW_US, 2) };
    for (long n = 1; n <= 3; n++) {
        struct buf out;
        alloc_fail_nth(n);
        assert_int_equal(encode(samples, 2, &out), BUSBAR_ENOMEM);
        buf_fini(&out);
    }
    alloc_fail_nth(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_58_bytes),
        cmocka_unit_test(every_type),
        cmocka_unit_test(the_last_of_a_time_counts),
        cmocka_unit_test(what_cannot_be_held),
        cmocka_unit_test(what_came_late_is_noted_once),
        cmocka_unit_test(without_a_receive_time_it_is_as_late_as_now),
        cmocka_unit_test(facts_and_events),
        cmocka_unit_test(random_batches_read_back),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
