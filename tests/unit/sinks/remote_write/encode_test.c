/* SPDX-License-Identifier: Apache-2.0 */
/* What an encoder makes is taken apart again by payload/'s reader of Protobuf, so that both are not wrong together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "history/reader.h"
#include "model/quality.h"
#include "payload/coding.h"
#include "payload/wire.h"
#include "sinks/remote_write/encode.h"

enum { SAMPLES_MAX = 4096, TEXT_MAX = 512 };

/* ---- names: series 7 is unknown, others are pN{device="dN"} ---- */

static uint64_t changed;
static size_t asked;
static char names[64][2][16];

static size_t labels_of(void *ctx, uint32_t series, struct label labels[LABELS_MAX])
{
    (void)ctx;
    asked++;
    if (series == 7 || series >= 64) {
        return 0;
    }
    str_format(names[series][0], sizeof(names[0][0]), "p%u", series);
    str_format(names[series][1], sizeof(names[0][1]), "d%u", series / 10);
    labels[0] = label_of(LABEL_METRIC, names[series][0]);
    labels[1] = label_of("device", names[series][1]);
    return 2;
}

static uint64_t changes(void *ctx)
{
    (void)ctx;
    return changed;
}

static const struct remote_names source = { .labels = labels_of, .changes = changes };

/* ---- what came out ---- */

struct sent {
    char series[TEXT_MAX]; /* a=b,c=d */
    int64_t ms;
    double value;
};
struct request {
    struct remote_encoded head;
    struct sent sent[SAMPLES_MAX];
    size_t count, series;
    size_t packed;
};

static void take_label(struct bytes in, char *text)
{
    struct payload_wire field;
    size_t at = strlen(text);
    while (payload_wire_next(&in, &field) == 1) {
        assert_int_equal(field.kind, WIRE_BYTES);
        at += str_format(text + at, TEXT_MAX - at, "%s%.*s", field.number == 1 ? "" : "=",
                         (int)bytes_left(&field.data), (const char *)field.data.at);
    }
    str_format(text + at, TEXT_MAX - at, ",");
}

static void take_sample(struct bytes in, const char *series, struct request *request)
{
    struct payload_wire field;
    assert_true(request->count < SAMPLES_MAX);
    struct sent *sent = &request->sent[request->count++];
    str_copy(sent->series, sizeof(sent->series), series);
    while (payload_wire_next(&in, &field) == 1) {
        if (field.number == 1) {
            assert_int_equal(field.kind, WIRE_FIXED64);
            sent->value = payload_wire_double(field.value);
        } else {
            assert_int_equal(field.number, 2);
            sent->ms = (int64_t)field.value;
        }
    }
}

static void take_series(struct bytes in, struct request *request)
{
    struct payload_wire field;
    char series[TEXT_MAX] = "";
    size_t before = request->count;
    while (payload_wire_next(&in, &field) == 1) {
        assert_int_equal(field.kind, WIRE_BYTES);
        if (field.number == 1) {
            assert_int_equal(request->count, before); /* labels stand in front */
            take_label(field.data, series);
        } else {
            assert_int_equal(field.number, 2);
            take_sample(field.data, series, request);
        }
    }
    assert_true(request->count > before);
    request->series++;
}

static void take(const struct buf *bytes, struct request *request)
{
    struct buf plain;
    struct err err = { 0 };
    struct payload_wire field;
    memset(request, 0, sizeof(*request));
    assert_true(remote_encoded_get(bytes, &request->head));
    request->packed = bytes->size - sizeof(request->head);
    buf_init(&plain, REMOTE_PLAIN_MAX);
    assert_int_equal(payload_decode(PAYLOAD_SNAPPY, bytes->data + sizeof(request->head),
                                    request->packed, &plain, &err),
                     0);
    struct bytes in = bytes_of(buf_text(&plain), plain.size);
    while (payload_wire_next(&in, &field) == 1) {
        assert_int_equal(field.number, 1);
        take_series(field.data, request);
    }
    assert_false(bytes_short(&in));
    assert_int_equal(request->head.samples, request->count);
    assert_int_equal(request->head.series, request->series);
    buf_fini(&plain);
}

static struct request request;

/* Encodes as the next of the log (from..to), or as what is sent again. */
static void encode(struct remote_encoder *encoder, const struct sample *samples, size_t count,
                   uint64_t from, uint64_t to)
{
    struct sink_batch batch = { .origin = from > 0 ? SINK_BATCH_LOG : SINK_BATCH_ASIDE,
                                .from = { from, 0 },
                                .to = { to, 0 },
                                .samples = samples,
                                .sample_count = count };
    struct buf out;
    buf_init(&out, SINK_BATCH_BYTES_MAX);
    assert_int_equal(remote_encode(encoder, &batch, 0, &out, NULL), 0);
    take(&out, &request);
    buf_fini(&out);
    const struct remote_encoded *head = &request.head;
    assert_int_equal(head->samples + head->texts + head->merged + head->markers + head->unlabeled,
                     count);
}

static struct sample number(uint32_t series, int64_t time_us, double value)
{
    return (struct sample){
        .point = series, .time_us = time_us, .type = VALUE_DOUBLE, .value.d = value
    };
}

static struct sample bad(uint32_t series, int64_t time_us)
{
    return (struct sample){ .point = series, .time_us = time_us, .quality = QUALITY_NO_ANSWER };
}

static void is(size_t at, const char *series, int64_t ms, double value)
{
    assert_true(at < request.count);
    assert_string_equal(request.sent[at].series, series);
    assert_int_equal(request.sent[at].ms, ms);
    assert_memory_equal(&request.sent[at].value, &value, sizeof(value));
}

/* ---- tests ---- */

static void values_are_numbers(void **state)
{
    (void)state;
    struct remote_encoder *encoder = remote_encoder_new(&source, NULL, 0);
    struct text *text = text_new("on", 2);
    struct sample samples[] = {
        { .point = 1, .time_us = 1000, .type = VALUE_BOOL, .value.b = true },
        { .point = 2, .time_us = 2999, .type = VALUE_INT, .value.i = -12 },
        number(3, 1700000000123456, 21.5),
        { .point = 4, .time_us = 5000, .type = VALUE_TEXT, .value.text = text },
        number(5, -1, 0.0),
        number(7, 5000, 1),
        { .point = 6,
          .time_us = 7000,
          .type = VALUE_DOUBLE,
          .value.d = 4,
          .quality = QUALITY_FAULT },
        { .point = 8,
          .time_us = 8000,
          .type = VALUE_DOUBLE,
          .value.d = 4,
          .quality = QUALITY_UNCERTAIN },
    };
    encode(encoder, samples, 8, 1, 2);
    assert_int_equal(request.count, 6);
    is(0, "__name__=p1,device=d0,", 1, 1);
    is(1, "__name__=p2,device=d0,", 2, -12);
    is(2, "__name__=p3,device=d0,", 1700000000123, 21.5);
    is(3, "__name__=p5,device=d0,", -1, 0.0);
    is(4, "__name__=p6,device=d0,", 7, history_stale());
    is(5, "__name__=p8,device=d0,", 8, 4);
    assert_int_equal(request.head.texts, 1);
    assert_int_equal(request.head.unlabeled, 1);
    busbar_free(text);
    remote_encoder_free(encoder);
}

static void a_series_has_its_samples_side_by_side_in_time_order(void **state)
{
    (void)state;
    struct remote_encoder *encoder = remote_encoder_new(&source, NULL, 0);
    struct sample samples[] = { number(1, 3000, 3), number(2, 1000, 1), number(1, 1000, 1),
                                number(1, 2000, 2), number(2, 2000, 2) };
    encode(encoder, samples, 5, 1, 2);
    assert_int_equal(request.series, 2);
    is(0, "__name__=p1,device=d0,", 1, 1);
    is(1, "__name__=p1,device=d0,", 2, 2);
    is(2, "__name__=p1,device=d0,", 3, 3);
    is(3, "__name__=p2,device=d0,", 1, 1);
    is(4, "__name__=p2,device=d0,", 2, 2);
    remote_encoder_free(encoder);
}

static void of_a_millisecond_the_last_one_is_sent(void **state)
{
    (void)state;
    struct remote_encoder *encoder = remote_encoder_new(&source, NULL, 0);
    struct sample samples[] = { number(1, 1999, 3), number(1, 1000, 1), number(1, 1999, 4),
                                number(1, 2000, 5) };
    encode(encoder, samples, 4, 1, 2);
    assert_int_equal(request.count, 2);
    is(0, "__name__=p1,device=d0,", 1, 4);
    is(1, "__name__=p1,device=d0,", 2, 5);
    assert_int_equal(request.head.merged, 2);
    samples[0] = number(1, 2001, 6); /* the millisecond left with the batch before */
    encode(encoder, samples, 1, 2, 3);
    assert_int_equal(request.count, 0);
    encode(encoder, samples, 1, 9, 10); /* a gap: who knows */
    assert_int_equal(request.count, 1);
    remote_encoder_free(encoder);
}

static void stale_once(void **state)
{
    (void)state;
    struct remote_encoder *encoder = remote_encoder_new(&source, NULL, 0);
    struct sample samples[] = { number(1, 1000, 1), bad(1, 2000), bad(1, 3000), number(1, 4000, 2),
                                bad(1, 5000) };
    encode(encoder, samples, 5, 1, 2);
    assert_int_equal(request.count, 4);
    is(1, "__name__=p1,device=d0,", 2, history_stale());
    is(2, "__name__=p1,device=d0,", 4, 2);
    is(3, "__name__=p1,device=d0,", 5, history_stale());
    struct sample more[] = { bad(1, 6000), bad(1, 4500), number(2, 6000, 1) };
    encode(encoder, more, 3, 2,
           3); /* one that comes late is sent: nobody knows what stands before */
    assert_int_equal(request.count, 2);
    is(0, "__name__=p1,device=d0,", 4, history_stale());
    assert_int_equal(request.head.markers, 1);
    encode(encoder, more, 3, 2, 3);            /* the same again, as after a failure: all of it */
    assert_int_equal(request.head.markers, 1); /* within the batch */
    assert_int_equal(request.count, 2);
    encode(encoder, more, 1, 0, 0); /* a person wants it sent: it is */
    assert_int_equal(request.count, 1);
    encode(encoder, more, 1, 3, 4);
    assert_int_equal(request.count, 0);
    remote_encoder_free(encoder);
}

static void own_labels_do_not_replace(void **state)
{
    (void)state;
    const struct label own[] = { label_of("a", "1"), label_of("device", "x"),
                                 label_of("site", "hq") };
    struct remote_encoder *encoder = remote_encoder_new(&source, own, 3);
    struct sample sample = number(12, 1000, 1);
    encode(encoder, &sample, 1, 1, 2);
    is(0, "__name__=p12,a=1,device=d1,site=hq,", 1, 1);
    remote_encoder_free(encoder);
}

static void labels_are_asked_for_once_until_they_change(void **state)
{
    (void)state;
    struct remote_encoder *encoder = remote_encoder_new(&source, NULL, 0);
    struct sample sample = number(1, 1000, 1);
    asked = 0;
    encode(encoder, &sample, 1, 1, 2);
    encode(encoder, &sample, 1, 1, 2);
    assert_int_equal(asked, 1);
    changed++;
    encode(encoder, &sample, 1, 1, 2);
    assert_int_equal(asked, 2);
    is(0, "__name__=p1,device=d0,", 1, 1);
    remote_encoder_free(encoder);
}

static void facts_name_what_the_index_does_not(void **state)
{
    (void)state;
    const struct label labels[] = { label_of(LABEL_METRIC, "old") };
    const struct sink_series facts[] = { { .id = 7, .labels = labels, .label_count = 1 } };
    struct remote_encoder *encoder = remote_encoder_new(&source, NULL, 0);
    struct sample sample = number(7, 1000, 1);
    struct sink_batch batch = {
        .samples = &sample, .sample_count = 1, .series = facts, .series_count = 1
    };
    struct buf out;
    buf_init(&out, SINK_BATCH_BYTES_MAX);
    assert_int_equal(remote_encode(encoder, &batch, 0, &out, NULL), 0);
    take(&out, &request);
    is(0, "__name__=old,", 1, 1);
    buf_fini(&out);
    remote_encoder_free(encoder);
}

static void too_big_is_divided(void **state)
{
    (void)state;
    struct remote_encoder *encoder = remote_encoder_new(&source, NULL, 0);
    static struct sample samples[SAMPLES_MAX];
    struct buf out;
    struct err err = { 0 };
    uint64_t random = 1;
    for (size_t i = 0; i < SAMPLES_MAX; i++) {
        samples[i] = number(1 + (uint32_t)i % 6, (int64_t)i * 1000, (double)hash_random(&random));
    }
    struct sink_batch batch = { .samples = samples, .sample_count = SAMPLES_MAX };
    buf_init(&out, SINK_BATCH_BYTES_MAX);
    assert_int_equal(remote_encode(encoder, &batch, 1000, &out, &err), BUSBAR_ELIMIT);
    assert_non_null(strstr(err.message, "4096 samples do not fit into one request"));
    buf_clear(&out);
    batch.sample_count = 1;
    assert_int_equal(remote_encode(encoder, &batch, 10, &out, &err), 0);
    buf_fini(&out);
    buf_init(&out, 100); /* the ceiling of the buffer counts too */
    batch.sample_count = SAMPLES_MAX;
    assert_int_equal(remote_encode(encoder, &batch, 0, &out, &err), BUSBAR_ELIMIT);
    buf_fini(&out);
    remote_encoder_free(encoder);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct sample sample = number(1, 1000, 1);
    struct sink_batch batch = { .samples = &sample, .sample_count = 1 };
    bool passed = false;
    for (long n = 1; n < 100 && !passed; n++) {
        struct buf out;
        struct remote_encoder *encoder = remote_encoder_new(&source, NULL, 0);
        buf_init(&out, SINK_BATCH_BYTES_MAX);
        alloc_fail_nth(n);
        int error = remote_encode(encoder, &batch, 0, &out, NULL);
        passed = alloc_try_count() < n;
        alloc_fail_nth(0);
        assert_true(passed ? error == 0 : error == BUSBAR_ENOMEM || error == BUSBAR_ELIMIT);
        buf_clear(&out);
        assert_int_equal(remote_encode(encoder, &batch, 0, &out, NULL), 0);
        take(&out, &request);
        is(0, "__name__=p1,device=d0,", 1, 1);
        buf_fini(&out);
        remote_encoder_free(encoder);
    }
    assert_true(passed);
}

/* The naive twin: sorts the whole batch by series met first, time, place. */
struct twin {
    struct sample sample;
    size_t at, met;
};
static int by_twin(const void *a, const void *b)
{
    const struct twin *left = a, *right = b;
    if (left->met != right->met) {
        return left->met < right->met ? -1 : 1;
    }
    if (left->sample.time_us != right->sample.time_us) {
        return left->sample.time_us < right->sample.time_us ? -1 : 1;
    }
    return left->at < right->at ? -1 : 1;
}

static void random_batches_are_as_the_naive_twin_makes_them(void **state)
{
    (void)state;
    static struct sample samples[500];
    static struct twin twins[500];
    uint64_t random = 42;
    for (int round = 0; round < 200; round++) {
        size_t count = 1 + hash_random(&random) % 500;
        size_t met[64] = { 0 }, met_count = 0;
        struct remote_encoder *encoder = remote_encoder_new(&source, NULL, 0);
        for (size_t i = 0; i < count; i++) {
            uint32_t series = 8 + (uint32_t)(hash_random(&random) % 40);
            samples[i] = number(series, (int64_t)(hash_random(&random) % 100) * 1000, (double)i);
            if (met[series] == 0) {
                met[series] = ++met_count;
            }
            twins[i] = (struct twin){ samples[i], i, met[series] };
        }
        qsort(twins, count, sizeof(*twins), by_twin);
        encode(encoder, samples, count, 1, 2);
        size_t at = 0;
        for (size_t i = 0; i < count; i++) {
            if (i + 1 < count && twins[i].met == twins[i + 1].met &&
                twins[i].sample.time_us == twins[i + 1].sample.time_us) {
                continue;
            }
            char series[64];
            str_format(series, sizeof(series), "__name__=p%u,device=d%u,", twins[i].sample.point,
                       twins[i].sample.point / 10);
            is(at++, series, twins[i].sample.time_us / 1000, twins[i].sample.value.d);
        }
        assert_int_equal(at, request.count);
        remote_encoder_free(encoder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_numbers),
        cmocka_unit_test(a_series_has_its_samples_side_by_side_in_time_order),
        cmocka_unit_test(of_a_millisecond_the_last_one_is_sent),
        cmocka_unit_test(stale_once),
        cmocka_unit_test(own_labels_do_not_replace),
        cmocka_unit_test(labels_are_asked_for_once_until_they_change),
        cmocka_unit_test(facts_name_what_the_index_does_not),
        cmocka_unit_test(too_big_is_divided),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(random_batches_are_as_the_naive_twin_makes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
