/* SPDX-License-Identifier: Apache-2.0 */
/* Merging cuts a series into full chunks: small ones are filled up, full ones copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "history/chunk.h"
#include "history/days.h"
#include "place.h"
#include "support/quiet.h"

#define DAY   HISTORY_DAY_US
#define START (INT64_C(20500) * DAY + DAY / 2)

static struct place place;

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, START + 2 * DAY);
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

/* A block of samples first .. first + count - 1, a second apart. */
static void block_of(size_t first, size_t count)
{
    struct sample *samples = busbar_alloc_array(count, sizeof(*samples));
    for (size_t i = 0; i < count; i++) {
        samples[i] = place_number(1, START + (int64_t)(first + i) * CLOCK_US_PER_S,
                                  (double)((first + i) % 100) / 10);
    }
    assert_int_equal(place_append(&place, samples, count), 0);
    busbar_free(samples);
    assert_int_equal(history_flush(place.history), 0);
}

static uint64_t chunks_after_merge(size_t samples)
{
    struct history_findings findings;
    assert_int_equal(history_compact_now(place.history, false), 0);
    assert_int_equal(place_count(&place, 1), samples);
    assert_int_equal(place_verify(&place, &findings), 0);
    return findings.chunks;
}

static void a_small_chunk_fills_a_nearly_full_one(void **state)
{
    (void)state;
    block_of(0, 907);
    block_of(907, 93);
    assert_int_equal(chunks_after_merge(1000), 1);
}

static void what_does_not_fit_stays_a_chunk_of_its_own(void **state)
{
    (void)state;
    block_of(0, HISTORY_CHUNK_SAMPLES);
    block_of(HISTORY_CHUNK_SAMPLES, 93);
    assert_int_equal(chunks_after_merge(HISTORY_CHUNK_SAMPLES + 93), 2);
}

static void many_small_chunks_become_full_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < 16; i++) {
        block_of(i * 128, 128);
    }
    assert_int_equal(chunks_after_merge(2048), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_small_chunk_fills_a_nearly_full_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_stays_a_chunk_of_its_own, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_small_chunks_become_full_ones, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
