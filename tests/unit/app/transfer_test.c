/* SPDX-License-Identifier: Apache-2.0 */
/* Samples as text: what is written is read back bit for bit; what is broken is told and harms nothing. */
#include "app/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/err.h"
#include "model/quality.h"
#include "support/random.h"

enum { SAMPLES = 400 };

static struct sample samples[SAMPLES];
static struct text *words[3];
static struct label labels[2];

static void fill(void)
{
    static const uint64_t odd[] = {
        0x7ff0000000000002u, 0xfff0000000000000u, 0x8000000000000000u, 0x7ff8000000000001u, 1,
        0x7fefffffffffffffu
    };
    struct random random = { 4 };
    for (size_t i = 0; i < SAMPLES; i++) {
        struct sample *sample = &samples[i];
        *sample = (struct sample){ .time_us = INT64_C(1700000000000000) + (int64_t)i,
                                   .type = (uint8_t)(i / 20 % 5) };
        sample->receive_us = sample->time_us + (i % 3 == 0 ? 250000 : 0);
        sample->detail = i % 7 == 0 ? 65535 : 0;
        sample->quality = i % 5 == 0 ? QUALITY_HELD : QUALITY_GOOD;
        switch (sample->type) {
        case VALUE_BOOL: sample->value.b = i % 2 == 1; break;
        case VALUE_INT: sample->value.i = (int64_t)random_u64(&random); break;
        case VALUE_DOUBLE:
            sample->value.bits = i % 4 == 0 ? odd[i / 4 % 6] : random_u64(&random);
            break;
        case VALUE_TEXT: sample->value.text = words[i % 3]; break;
        default: break;
        }
    }
}

static void write_all(enum transfer_format format, struct buf *out)
{
    transfer_head(format, out);
    transfer_write(format, labels, 2, samples, SAMPLES, out);
    assert_false(out->overflow);
}

static void assert_same(const struct transfer_batch *batch)
{
    assert_int_equal(batch->error_count, 0);
    assert_int_equal(batch->count, SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *a = &samples[i];
        const struct sample *b = &batch->samples[i];
        assert_int_equal(a->time_us, b->time_us);
        assert_int_equal(a->receive_us, b->receive_us);
        assert_int_equal(a->quality, b->quality);
        assert_int_equal(a->detail, b->detail);
        assert_true(value_equal(a->type, a->value, b->type, b->value));
        const struct transfer_set *set = &batch->sets[b->point];
        assert_int_equal(labels_compare(set->labels, set->count, labels, 2), 0);
    }
}

static void round_trip(enum transfer_format format)
{
    struct buf out;
    struct transfer_batch batch;
    buf_init(&out, 1 << 20);
    write_all(format, &out);
    transfer_init(&batch);
    struct bytes exact = bytes_dup(out.data, out.size);
    assert_int_equal(transfer_read(&batch, format, (const char *)exact.start, out.size, 1), 0);
    assert_same(&batch);
    bytes_fini(&exact);
    transfer_fini(&batch);
    buf_fini(&out);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    round_trip(TRANSFER_JSON);
    round_trip(TRANSFER_CSV);
}

/* Whatever is cut or flipped: no crash, and what is taken is whole samples. */
static void harm(enum transfer_format format)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    write_all(format, &out);
    size_t size = out.size < 6000 ? out.size : 6000;
    for (size_t end = 0; end < size; end += 1 + end % 5) {
        struct transfer_batch batch;
        struct bytes exact = bytes_dup(out.data, end);
        ((uint8_t *)(uintptr_t)exact.start)[end / 2] ^= (uint8_t)(end == 0 ? 0 : 1u << end % 8);
        transfer_init(&batch);
        assert_int_equal(transfer_read(&batch, format, (const char *)exact.start, end, 1), 0);
        for (size_t i = 0; i < batch.count; i++) {
            assert_true(batch.samples[i].point < batch.set_count);
            assert_true(quality_known(batch.samples[i].quality));
        }
        transfer_fini(&batch);
        bytes_fini(&exact);
    }
    buf_fini(&out);
}

static void broken_text_harms_nothing(void **state)
{
    (void)state;
    harm(TRANSFER_JSON);
    harm(TRANSFER_CSV);
}

static void places_are_told(void **state)
{
    (void)state;
    static const char text[] = "labels,type,time_us,value,quality,detail,received_us\r\n"
                               "a,int,5,7,0,0,5\r\n"
                               "a,int,x,7,0,0,5\n"
                               "\n"
                               "\"b{c=\"\"d\ne\"\"}\",string,6,\"x\ny\",0,0,6\n"
                               "a,int,8,7,200,0,5";
    struct transfer_batch batch;
    transfer_init(&batch);
    assert_int_equal(transfer_read(&batch, TRANSFER_CSV, text, sizeof(text) - 1, 10), 0);
    assert_int_equal(batch.error_count, 2);
    assert_int_equal(batch.errors[0].line, 12);
    assert_int_equal(batch.errors[0].column, 7);
    assert_int_equal(batch.errors[1].line, 17); /* rows may go over lines */
    assert_int_equal(batch.count, 2);
    transfer_fini(&batch);
}

static void no_memory(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 20);
    write_all(TRANSFER_CSV, &out);
    int error = BUSBAR_ENOMEM;
    for (long nth = 1; error == BUSBAR_ENOMEM; nth++) {
        struct transfer_batch batch;
        transfer_init(&batch);
        alloc_fail_nth(nth);
        error = transfer_read(&batch, TRANSFER_CSV, buf_text(&out), out.size, 1);
        alloc_fail_nth(0);
        if (error == 0 && batch.count < SAMPLES) {
            error = BUSBAR_ENOMEM; /* lines that were refused for want of memory are told */
            assert_true(batch.error_count > 0);
        }
        transfer_fini(&batch);
        assert_true(nth < 5000);
    }
    assert_int_equal(error, 0);
    buf_fini(&out);
}

static int set_up(void **state)
{
    (void)state;
    words[0] = text_new("", 0);
    words[1] = text_new("a \"b\",\n c", 9);
    words[2] = text_new("grün", 5);
    labels[0] = label_of("__name__", "temp \"x\"");
    labels[1] = label_of("device", "ahu,1");
    fill();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        busbar_free(words[i]);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(broken_text_harms_nothing),
        cmocka_unit_test(places_are_told),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
