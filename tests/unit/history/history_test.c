/* SPDX-License-Identifier: Apache-2.0 */
/* The whole history: what is appended is read back, from the head, from blocks, after restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "model/quality.h"
#include "place.h"

#define NOW INT64_C(1790000000000000)

static struct place place;

static int set_up(void **state)
{
    (void)state;
    clock_fake_set(0, NOW);
    place_make(&place);
    place_open(&place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    clock_fake_off();
    return 0;
}

static void append_numbers(uint32_t series, int64_t from_us, int64_t step_us, size_t count)
{
    struct sample samples[100];
    for (size_t at = 0; at < count;) {
        size_t batch = count - at < 100 ? count - at : 100;
        for (size_t i = 0; i < batch; i++, at++) {
            samples[i] = place_number(series, from_us + (int64_t)at * step_us, (double)at / 10);
        }
        assert_int_equal(place_append(&place, samples, batch), 0);
    }
}

static void assert_numbers(uint32_t series, int64_t from_us, int64_t step_us, size_t count)
{
    struct history_samples result;
    assert_int_equal(history_read(place.history, series, INT64_MIN, INT64_MAX, 0, &result), 0);
    assert_int_equal(result.count, count);
    assert_int_equal(result.damaged, 0);
    assert_false(result.more);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(result.samples[i].time_us, from_us + (int64_t)i * step_us);
        assert_int_equal(result.samples[i].point, series);
        assert_int_equal(result.samples[i].type, VALUE_DOUBLE);
        assert_true(result.samples[i].value.d == (double)i / 10);
    }
    history_samples_free(&result);
}

static void read_from_head_blocks_and_after_restart(void **state)
{
    (void)state;
    append_numbers(7, NOW - 5000000000, 1000000, 1000);
    assert_numbers(7, NOW - 5000000000, 1000000, 1000);
    place_reopen(&place);
    assert_numbers(7, NOW - 5000000000, 1000000, 1000);
    assert_int_equal(history_flush(place.history), 0);
    struct history_status status;
    history_status(place.history, &status);
    assert_int_equal(status.blocks, 1);
    assert_int_equal(status.block_samples, 1000);
    assert_int_equal(status.head_samples, 0);
    assert_int_equal(status.mark, status.sequence);
    assert_numbers(7, NOW - 5000000000, 1000000, 1000);
    place_reopen(&place);
    assert_numbers(7, NOW - 5000000000, 1000000, 1000);
    struct history_recovery recovery;
    history_recovered(place.history, &recovery);
    assert_int_equal(recovery.records, 0);
    assert_int_equal(recovery.damaged_records, 0);
    assert_int_equal(recovery.damaged_files, 0);
}

static void limit_and_range(void **state)
{
    (void)state;
    append_numbers(1, NOW - 1000000000, 1000, 500);
    struct history_samples result;
    int64_t from_us = NOW - 1000000000;
    assert_int_equal(history_read(place.history, 1, from_us, INT64_MAX, 150, &result), 0);
    assert_int_equal(result.count, 150);
    assert_true(result.more);
    int64_t last_us = result.samples[149].time_us;
    history_samples_free(&result);
    assert_int_equal(history_read(place.history, 1, last_us + 1, from_us + 300000, 0, &result), 0);
    assert_int_equal(result.count, 150);
    assert_false(result.more);
    assert_int_equal(result.samples[0].time_us, from_us + 150000);
    history_samples_free(&result);
    assert_int_equal(history_read(place.history, 99, INT64_MIN, INT64_MAX, 0, &result), 0);
    assert_int_equal(result.count, 0);
    history_samples_free(&result);
}

static void buckets_agree_with_samples(void **state)
{
    (void)state;
    int64_t from_us = NOW - 10000000000;
    append_numbers(3, from_us, 1000000, 3000);
    assert_int_equal(history_flush(place.history), 0);
    append_numbers(3, from_us + 3000000000, 1000000, 1000);
    struct history_buckets result;
    int64_t steps[] = { 60000000, 3600000000, 10000000000, 1000001 };
    for (size_t s = 0; s < 4; s++) {
        int64_t step_us = steps[s];
        int64_t to_us = step_us == 1000001 ? from_us + 500000000 : from_us + 9000000000;
        assert_int_equal(
            history_buckets(place.history, 3, from_us - 5000000, to_us, step_us, &result), 0);
        uint64_t count = 0;
        for (size_t i = 0; i < result.count; i++) {
            const struct history_bucket *bucket = &result.buckets[i];
            struct history_samples raw;
            int64_t end_us = bucket->start_us + step_us < to_us ? bucket->start_us + step_us
                                                                : to_us;
            assert_int_equal(history_read(place.history, 3, bucket->start_us, end_us, 0, &raw), 0);
            assert_int_equal(raw.count, bucket->count);
            double sum = 0;
            double min = raw.samples[0].value.d;
            double max = min;
            for (size_t k = 0; k < raw.count; k++) {
                double value = raw.samples[k].value.d;
                sum += value;
                min = value < min ? value : min;
                max = value > max ? value : max;
            }
            assert_true(bucket->min == min && bucket->max == max);
            assert_true(bucket->sum - sum < 1e-6 && sum - bucket->sum < 1e-6);
            assert_true(bucket->first == raw.samples[0].value.d);
            assert_true(bucket->last == raw.samples[raw.count - 1].value.d);
            assert_int_equal(bucket->first_us, raw.samples[0].time_us);
            assert_int_equal(bucket->last_us, raw.samples[raw.count - 1].time_us);
            count += raw.count;
            history_samples_free(&raw);
        }
        assert_int_equal(count, step_us == 1000001 ? 500 : 4000);
        busbar_free(result.buckets);
    }
    assert_int_equal(history_buckets(place.history, 3, 0, NOW, 1, &result), BUSBAR_ELIMIT);
    assert_int_equal(history_buckets(place.history, 3, 0, NOW, 0, &result), BUSBAR_EINVAL);
    assert_int_equal(history_buckets(place.history, 3, NOW, 0, 1000, &result), BUSBAR_EINVAL);
}

static void all_types_qualities_and_texts(void **state)
{
    (void)state;
    struct text *word = text_new("running", 7);
    struct sample samples[] = {
        { .time_us = NOW - 9,
          .receive_us = NOW,
          .value = { .b = true },
          .point = 1,
          .type = VALUE_BOOL },
        { .time_us = NOW - 8,
          .receive_us = NOW - 8,
          .value = { .i = INT64_MIN },
          .point = 1,
          .type = VALUE_INT },
        { .time_us = NOW - 7,
          .receive_us = NOW - 7,
          .point = 1,
          .type = VALUE_NONE,
          .quality = QUALITY_REFUSED,
          .detail = 2 },
        { .time_us = NOW - 6,
          .receive_us = NOW - 6,
          .value = { .text = word },
          .point = 1,
          .type = VALUE_TEXT },
        { .time_us = NOW - 5,
          .receive_us = NOW - 5,
          .value = { .d = 0.1 },
          .point = 1,
          .type = VALUE_DOUBLE,
          .quality = QUALITY_CLAMPED },
        { .time_us = NOW - 4,
          .receive_us = NOW - 4,
          .value = { .text = word },
          .point = 2,
          .type = VALUE_TEXT },
    };
    assert_int_equal(place_append(&place, samples, 6), 0);
    for (int round = 0; round < 4; round++) {
        struct history_samples result;
        assert_int_equal(history_read(place.history, 1, INT64_MIN, INT64_MAX, 0, &result), 0);
        assert_int_equal(result.count, 5);
        for (size_t i = 0; i < 5; i++) {
            const struct sample *got = &result.samples[i];
            assert_int_equal(got->time_us, samples[i].time_us);
            assert_int_equal(got->receive_us, samples[i].receive_us);
            assert_int_equal(got->quality, samples[i].quality);
            assert_int_equal(got->detail, samples[i].detail);
            assert_true(value_equal(got->type, got->value, samples[i].type, samples[i].value));
        }
        history_samples_free(&result);
        struct sample last;
        struct text *text;
        assert_true(history_last(place.history, 2, &last, &text));
        assert_int_equal(last.time_us, NOW - 4);
        assert_string_equal(last.value.text->bytes, "running");
        busbar_free(text);
        assert_true(history_last(place.history, 2, &last, NULL));
        assert_int_equal(last.type, VALUE_NONE);
        assert_false(history_last(place.history, 3, &last, NULL));
        if (round == 1) {
            assert_int_equal(history_flush(place.history), 0);
        } else {
            place_reopen(&place);
        }
    }
    busbar_free(word);
}

static void same_time_again_is_repeated_and_the_last_wins(void **state)
{
    (void)state;
    struct history_counts counts;
    for (int part = 0; part < 2; part++) { /* in the open buffer; in blocks */
        append_numbers(5, NOW - 1000000000, 1000000, 300);
        if (part == 0) {
            assert_int_equal(history_flush(place.history), 0);
            history_counts(place.history, 5, &counts);
            assert_int_equal(counts.stored_all, 300);
        }
    }
    assert_int_equal(history_flush(place.history), 0);
    history_counts(place.history, 5, &counts);
    assert_int_equal(counts.stored_all, 300);
    assert_int_equal(counts.repeated_all, 300);
    struct sample again = place_number(5, NOW - 1000000000 + 5000000, -77);
    assert_int_equal(place_append(&place, &again, 1), 0);
    again.value.d = -78;
    assert_int_equal(place_append(&place, &again, 1), 0);
    history_counts(place.history, 5, &counts);
    assert_int_equal(counts.stored_all + counts.repeated_all, 602);
    struct history_samples result;
    assert_int_equal(history_read(place.history, 5, INT64_MIN, INT64_MAX, 0, &result), 0);
    assert_int_equal(result.count, 300);
    assert_true(result.samples[5].value.d == -78);
    history_samples_free(&result);
    place_reopen(&place);
    assert_int_equal(history_flush(place.history), 0);
    history_counts(place.history, 5, &counts);
    assert_int_equal(counts.stored_all, 300);
    assert_int_equal(counts.repeated_all, 302);
    assert_int_equal(counts.stored_start + counts.repeated_start, 0);
    struct history_status status;
    history_status(place.history, &status);
    assert_int_equal(status.totals.stored_all, 300);
    assert_int_equal(status.totals.repeated_all, 302);
}

static void refuses_what_cannot_be_stored(void **state)
{
    (void)state;
    struct sample sample = place_number(0, NOW, 1);
    assert_int_equal(history_append(place.history, &sample, 1, NULL, NULL), BUSBAR_EINVAL);
    sample.point = HISTORY_SERIES_MAX + 1u;
    assert_int_equal(history_append(place.history, &sample, 1, NULL, NULL), BUSBAR_EINVAL);
    sample.point = 1;
    sample.type = 9;
    assert_int_equal(history_append(place.history, &sample, 1, NULL, NULL), BUSBAR_EINVAL);
    struct sample good = place_number(1, NOW, 1);
    assert_int_equal(place_append(&place, &good, 1), 0);
    struct history_status status;
    history_status(place.history, &status);
    assert_int_equal(status.committed, 1);
    assert_int_equal(status.waiting, 0);
}

static void close_commits_what_is_open(void **state)
{
    (void)state;
    place_close(&place);
    place.config.commit_us = 3600 * INT64_C(1000000);
    place_open(&place);
    struct place_done done = { 0 };
    struct sample sample = place_number(4, NOW, 1.5);
    assert_int_equal(history_append(place.history, &sample, 1, place_stored, &done), 0);
    history_completed(place.history);
    assert_int_equal(done.count, 0);
    place_reopen(&place);
    assert_int_equal(done.count, 1);
    assert_int_equal(done.error, 0);
    struct history_samples result;
    assert_int_equal(history_read(place.history, 4, INT64_MIN, INT64_MAX, 0, &result), 0);
    assert_int_equal(result.count, 1);
    history_samples_free(&result);
}

static void a_full_record_is_busy_and_works_again(void **state)
{
    (void)state;
    place_close(&place);
    place.config.commit_us = 3600 * INT64_C(1000000);
    place.config.record_bytes = 64 * 1024;
    place_open(&place);
    struct sample samples[100];
    for (uint32_t i = 0; i < 100; i++) {
        samples[i] = place_number(i + 1, NOW + i, 1.0 / (i + 3));
    }
    int error = 0;
    size_t taken = 0;
    for (int i = 0; i < 10000 && error == 0; i++) {
        error = history_append(place.history, samples, 100, NULL, NULL);
        taken += error == 0;
    }
    assert_int_equal(error, BUSBAR_EBUSY);
    for (int i = 0; i < 10000 && error != 0; i++) {
        usleep(100);
        history_commit_now(place.history);
        error = history_append(place.history, samples, 100, NULL, NULL);
        taken += error == 0;
    }
    assert_int_equal(error, 0);
    place_reopen(&place);
    struct history_status status;
    history_status(place.history, &status);
    assert_int_equal(status.totals.stored_all + status.totals.repeated_all, taken * 100);
    assert_int_equal(status.totals.stored_all, 100);
}

static void a_read_without_memory_fails_alone(void **state)
{
    (void)state;
    struct text *word = text_new("on", 2);
    append_numbers(1, NOW - 1000000000, 1000, 300);
    assert_int_equal(history_flush(place.history), 0);
    append_numbers(1, NOW, 1000, 50);
    struct sample said = { .time_us = NOW + 900000, .receive_us = NOW + 900000, .point = 1 };
    said.type = VALUE_TEXT;
    said.value.text = word;
    assert_int_equal(place_append(&place, &said, 1), 0);
    struct history_samples result;
    struct history_buckets buckets;
    long failures = 0;
    int error = BUSBAR_ENOMEM;
    for (long nth = 1; error == BUSBAR_ENOMEM; nth++, failures++) {
        alloc_fail_nth(nth);
        error = history_read(place.history, 1, INT64_MIN, INT64_MAX, 0, &result);
    }
    alloc_fail_nth(0);
    assert_int_equal(error, 0);
    assert_int_equal(result.count, 351);
    assert_true(failures > 8);
    history_samples_free(&result);
    error = BUSBAR_ENOMEM;
    for (long nth = 1; error == BUSBAR_ENOMEM; nth++) {
        alloc_fail_nth(nth);
        error = history_buckets(place.history, 1, NOW - 1000000000, NOW, 20000, &buckets);
    }
    alloc_fail_nth(0);
    assert_int_equal(error, 0);
    assert_int_equal(buckets.count, 15);
    busbar_free(buckets.buckets);
    busbar_free(word);
}

static void a_block_without_memory_is_written_later(void **state)
{
    (void)state;
    append_numbers(1, NOW - 1000000000, 1000, 300);
    int error = BUSBAR_ENOMEM;
    for (long nth = 1; error == BUSBAR_ENOMEM; nth++) {
        alloc_fail_nth(nth);
        error = history_flush(place.history);
        alloc_fail_nth(0);
        assert_numbers(1, NOW - 1000000000, 1000, 300);
    }
    assert_int_equal(error, 0);
    struct history_counts counts;
    history_counts(place.history, 1, &counts);
    assert_int_equal(counts.stored_all, 300);
    assert_int_equal(counts.repeated_all, 0);
    place_reopen(&place);
    assert_numbers(1, NOW - 1000000000, 1000, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(read_from_head_blocks_and_after_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limit_and_range, set_up, tear_down),
        cmocka_unit_test_setup_teardown(buckets_agree_with_samples, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_types_qualities_and_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(same_time_again_is_repeated_and_the_last_wins, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_cannot_be_stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(close_commits_what_is_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_record_is_busy_and_works_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_read_without_memory_fails_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_block_without_memory_is_written_later, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
