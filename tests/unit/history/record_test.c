/* SPDX-License-Identifier: Apache-2.0 */
/* Log records and segments: round trips, sizes, limits, every prefix, every bit. */
#include "history/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/err.h"
#include "history/history.h"
#include "history/segment.h"
#include "history/usual.h"
#include "old_segment.h"
#include "support/random.h"

#define NOW INT64_C(1790000000000000)
enum { SALT = 0x5a17, MAX = 4 * 1024 * 1024 };

static struct history_record_writer writer;

static int set_up(void **state)
{
    (void)state;
    history_record_init(&writer, MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    history_record_fini(&writer);
    alloc_fail_nth(0);
    return 0;
}

static void poll(struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        samples[i] = (struct sample){ .time_us = NOW,
                                      .receive_us = NOW,
                                      .value = { .i = (int64_t)(i * 7919 % 60000) },
                                      .point = (uint32_t)(1000 + i),
                                      .type = VALUE_INT };
    }
}

static void assert_reads(const struct sample *samples, size_t count)
{
    size_t size = history_record_seal(&writer, 9, SALT);
    assert_int_equal(size % 8, 0);
    struct bytes in = bytes_of(writer.buf.data, size);
    struct history_record_head head;
    assert_int_equal(history_record_get_head(&in, SALT, &head), 0);
    assert_int_equal(head.sequence, 9);
    assert_int_equal(head.samples, count);
    assert_int_equal(history_record_bytes(&head), size);
    assert_true(history_record_body_good(&head, in.at));
    struct bytes other = bytes_of(writer.buf.data, size);
    assert_int_equal(history_record_get_head(&other, SALT + 1, &head), BUSBAR_EDAMAGED);
    struct history_record_reader reader;
    struct sample batch[HISTORY_BATCH_SAMPLES];
    size_t at = 0;
    int got;
    history_record_open(&reader, in.at, head.body_bytes);
    while ((got = history_record_next(&reader, batch)) > 0) {
        for (int i = 0; i < got; i++, at++) {
            const struct sample *want = &samples[at];
            assert_int_equal(batch[i].point, want->point);
            assert_int_equal(batch[i].time_us, want->time_us);
            assert_int_equal(batch[i].receive_us, want->receive_us);
            assert_int_equal(batch[i].quality, want->quality);
            assert_int_equal(batch[i].detail, want->detail);
            assert_true(value_equal(batch[i].type, batch[i].value, want->type, want->value));
        }
    }
    assert_int_equal(got, 0);
    assert_int_equal(at, count);
}

static void a_poll_is_two_bytes_a_sample(void **state)
{
    (void)state;
    struct sample samples[125];
    poll(samples, 125);
    assert_int_equal(history_record_add(&writer, samples, 125), 0);
    assert_true(writer.buf.size < HISTORY_RECORD_HEAD + 30 + 2 * 125);
    assert_reads(samples, 125);
}

static void every_kind_of_difference(void **state)
{
    (void)state;
    struct random random = { 11 };
    struct text *words[3] = { text_new("", 0), text_new("on", 2), text_new("\xc3\xa4\0x", 4) };
    enum { COUNT = 3000 };
    struct sample *samples = busbar_alloc_array(COUNT, sizeof(*samples));
    for (int round = 0; round < 200; round++) {
        unsigned kind = (unsigned)random_below(&random, 64);
        size_t count = 1 + random_below(&random, round % 20 == 0 ? COUNT : 60);
        uint8_t type = (uint8_t)random_below(&random, 5);
        for (size_t i = 0; i < count; i++) {
            struct sample *sample = &samples[i];
            *sample = (struct sample){ .time_us = NOW, .point = (uint32_t)(i + 1), .type = type };
            sample->type = (kind & 1) != 0 ? (uint8_t)random_below(&random, 5) : type;
            sample->point = (kind & 2) != 0
                                ? 1 + (uint32_t)random_below(&random, HISTORY_SERIES_MAX)
                                : sample->point;
            sample->time_us += (kind & 4) != 0 ? (int64_t)(random_u64(&random) >> 2) : 0;
            sample->receive_us = sample->time_us +
                                 ((kind & 8) != 0 ? (int64_t)random_below(&random, 99) - 50 : 0);
            sample->quality = (kind & 16) != 0 ? (uint8_t)random_below(&random, 13) : 0;
            sample->detail = (kind & 32) != 0 ? (uint16_t)random_u64(&random) : 3;
            uint64_t bits = random_u64(&random) >> random_below(&random, 64);
            switch (sample->type) {
            case VALUE_BOOL: sample->value.bits = bits & 1; break;
            case VALUE_TEXT: sample->value.text = words[bits % 3]; break;
            case VALUE_NONE: break;
            default: sample->value.bits = bits;
            }
        }
        history_record_clear(&writer);
        size_t first = random_below(&random, count);
        assert_int_equal(history_record_add(&writer, samples, first), 0);
        assert_int_equal(history_record_add(&writer, samples + first, count - first), 0);
        assert_reads(samples, count);
    }
    busbar_free(samples);
    for (size_t i = 0; i < 3; i++) {
        busbar_free(words[i]);
    }
}

static void a_full_record_keeps_what_it_has(void **state)
{
    (void)state;
    struct sample samples[125];
    poll(samples, 125);
    size_t batches = 0;
    int error;
    while ((error = history_record_add(&writer, samples, 125)) == 0) {
        batches++;
    }
    assert_int_equal(error, BUSBAR_ELIMIT);
    assert_int_equal(writer.samples, batches * 125);
    size_t size = history_record_seal(&writer, 1, SALT);
    assert_true(size > 0);
    struct history_record_reader reader;
    struct sample batch[HISTORY_BATCH_SAMPLES];
    history_record_open(&reader, writer.buf.data + HISTORY_RECORD_HEAD,
                        writer.buf.size - HISTORY_RECORD_HEAD);
    size_t total = 0;
    for (int got = 1; got > 0;) {
        got = history_record_next(&reader, batch);
        assert_true(got >= 0);
        total += (size_t)got;
    }
    assert_int_equal(total, batches * 125);
}

static void a_refused_batch_leaves_nothing(void **state)
{
    (void)state;
    struct sample samples[200];
    poll(samples, 200);
    assert_int_equal(history_record_add(&writer, samples, 100), 0);
    size_t size = writer.buf.size;
    samples[199].point = 0;
    assert_int_equal(history_record_add(&writer, samples + 100, 100), BUSBAR_EINVAL);
    assert_int_equal(writer.buf.size, size);
    assert_int_equal(writer.samples, 100);
    assert_reads(samples, 100);
}

static void no_memory_leaves_nothing(void **state)
{
    (void)state;
    struct sample samples[125];
    poll(samples, 125);
    alloc_fail_nth(1);
    assert_int_equal(history_record_add(&writer, samples, 125), BUSBAR_ENOMEM);
    assert_int_equal(writer.buf.size, 0);
    assert_int_equal(history_record_add(&writer, samples, 125), 0);
    assert_reads(samples, 125);
}

/* A segment of three records; returns its bytes. */
static size_t make_segment(uint8_t *data, struct history_segment_head *head)
{
    *head = (struct history_segment_head){ .salt = SALT, .first_sequence = 7, .number = 3 };
    history_segment_put_head(data, head);
    size_t at = HISTORY_SEGMENT_HEAD;
    for (uint64_t sequence = 7; sequence < 10; sequence++) {
        struct sample samples[10];
        poll(samples, 10);
        history_record_clear(&writer);
        assert_int_equal(history_record_add(&writer, samples, 10), 0);
        size_t size = history_record_seal(&writer, sequence, SALT);
        memcpy(data + at, writer.buf.data, size);
        at += size;
    }
    return at;
}

static size_t count_records(const uint8_t *data, size_t size, uint64_t *mask)
{
    struct history_segment_head head;
    struct history_segment_reader reader;
    struct history_record_head record;
    const uint8_t *body;
    size_t count = 0;
    *mask = 0;
    if (history_segment_get_head(data, size, &head) != 0) {
        return 0;
    }
    history_segment_open(&reader, data, size, &head);
    while (history_segment_next(&reader, &record, &body) == 0) {
        *mask |= UINT64_C(1) << record.sequence;
        count++;
    }
    return count;
}

static void every_flipped_bit_costs_one_record_at_most(void **state)
{
    (void)state;
    uint8_t *data = busbar_alloc(4096);
    struct history_segment_head head;
    size_t size = make_segment(data, &head);
    uint64_t mask;
    assert_int_equal(count_records(data, size, &mask), 3);
    assert_int_equal(mask, 7 << 7);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        size_t count = count_records(data, size, &mask);
        assert_true(count == 2 || count == 3);
        assert_int_equal(mask & ~(UINT64_C(7) << 7), 0);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    busbar_free(data);
}

static void every_prefix_of_a_segment(void **state)
{
    (void)state;
    uint8_t *data = busbar_alloc(4096);
    struct history_segment_head head;
    size_t size = make_segment(data, &head);
    size_t record = (size - HISTORY_SEGMENT_HEAD) / 3;
    for (size_t end = 0; end <= size; end++) {
        struct bytes exact = bytes_dup(data, end);
        uint64_t mask;
        size_t count = count_records(exact.start, end, &mask);
        size_t whole = end < HISTORY_SEGMENT_HEAD ? 0 : (end - HISTORY_SEGMENT_HEAD) / record;
        /* the padding at the end of a record may be missing */
        assert_true(count == whole || (count == whole + 1 && (size - end) % record < 8));
        bytes_fini(&exact);
    }
    busbar_free(data);
}

static void the_rest_of_an_older_segment_is_no_record(void **state)
{
    (void)state;
    uint8_t *data = busbar_alloc(8192);
    struct history_segment_head head;
    uint64_t mask;
    size_t size = make_segment(data, &head);
    struct history_segment_head newer = { .salt = SALT + 1, .first_sequence = 20, .number = 4 };
    history_segment_put_head(data, &newer); /* written over it, without a record yet */
    assert_int_equal(count_records(data, size, &mask), 0);
    newer = (struct history_segment_head){ .salt = SALT, .first_sequence = 20, .number = 4 };
    history_segment_put_head(data, &newer); /* the same salt: the sequence tells */
    assert_int_equal(count_records(data, size, &mask), 0);
    busbar_free(data);
}

/* What the records of the old segment hold; returns how many samples. */
static size_t old_samples(uint64_t sequence, struct sample *samples, struct text *text)
{
    size_t count = sequence == 7 ? 60 : sequence == 8 ? 20 : 10;
    for (size_t at = 0; at < count; at++) {
        struct sample *sample = &samples[at];
        uint32_t i = (uint32_t)(at % 20);
        *sample = (struct sample){ 0 };
        if (sequence == 7) {
            static const uint8_t types[] = { VALUE_INT, VALUE_BOOL, VALUE_DOUBLE };
            *sample = (struct sample){ .time_us = NOW + (int64_t)at / 20,
                                       .receive_us = NOW + (int64_t)at / 20,
                                       .point = 100 * (uint32_t)(at / 20 + 1) + i,
                                       .type = types[at / 20] };
        } else if (sequence == 8) {
            *sample = (struct sample){ .time_us = NOW + 1000 * i,
                                       .receive_us = NOW + 1000 * i + i % 2,
                                       .point = 1 + 7 * i,
                                       .detail = (uint16_t)(i * 100),
                                       .type = VALUE_DOUBLE,
                                       .quality = (uint8_t)(i % 4) };
        } else {
            *sample = (struct sample){ .time_us = NOW + 5000000,
                                       .receive_us = NOW + 5000000,
                                       .point = 50 + i,
                                       .type = (uint8_t)(i % 5) };
        }
        switch (sample->type) {
        case VALUE_BOOL: sample->value.bits = sequence == 9 || i % 3 == 0; break;
        case VALUE_INT:
            sample->value.i = sequence == 9 ? -(int64_t)i : 1000 * (int64_t)i - 3;
            break;
        case VALUE_DOUBLE:
            sample->value.d = sequence == 9 ? i / 3.0 : sequence == 8 ? i * 0.5 : i / 10.0;
            break;
        case VALUE_TEXT: sample->value.text = text; break;
        default: break;
        }
    }
    return count;
}

static void a_segment_of_the_first_version(void **state)
{
    (void)state;
    struct history_segment_head head;
    struct history_segment_reader reader;
    struct history_record_head record;
    const uint8_t *body;
    struct text *text = text_new("on fire", 7);
    assert_int_equal(history_segment_get_head(old_segment, sizeof(old_segment), &head), 0);
    history_segment_open(&reader, old_segment, sizeof(old_segment), &head);
    for (uint64_t sequence = 7; sequence < 10; sequence++) {
        struct sample want[60];
        struct sample got[HISTORY_BATCH_SAMPLES];
        size_t count = old_samples(sequence, want, text);
        assert_int_equal(history_segment_next(&reader, &record, &body), 0);
        assert_int_equal(record.sequence, sequence);
        assert_int_equal(record.samples, count);
        struct history_record_reader batches;
        history_record_open(&batches, body, record.body_bytes);
        for (size_t at = 0; at < count;) {
            int taken = history_record_next(&batches, got);
            assert_true(taken > 0);
            for (int i = 0; i < taken; i++, at++) {
                assert_int_equal(got[i].point, want[at].point);
                assert_int_equal(got[i].time_us, want[at].time_us);
                assert_int_equal(got[i].receive_us, want[at].receive_us);
                assert_int_equal(got[i].quality, want[at].quality);
                assert_int_equal(got[i].detail, want[at].detail);
                assert_true(value_equal(got[i].type, got[i].value, want[at].type, want[at].value));
            }
        }
        struct history_usual *usual = busbar_alloc(sizeof(*usual));
        history_record_open(&batches, body, record.body_bytes);
        assert_int_equal(history_record_usual(&batches, usual), sequence == 7);
        assert_true(sequence != 7 || (usual->count == 20 && usual->values[1].i == 997));
        busbar_free(usual);
    }
    assert_int_equal(history_segment_next(&reader, &record, &body), BUSBAR_ESHORT);
    busbar_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_poll_is_two_bytes_a_sample, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_kind_of_difference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_record_keeps_what_it_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_batch_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_memory_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_flipped_bit_costs_one_record_at_most, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_prefix_of_a_segment, set_up, tear_down),
        cmocka_unit_test(a_segment_of_the_first_version),
        cmocka_unit_test_setup_teardown(the_rest_of_an_older_segment_is_no_record, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
