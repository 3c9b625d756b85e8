/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted for a sink's ledger: it balances at every place, and says so when it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sinks/tally.h"
#include "support/quiet.h"
#include "unit/history/place.h"

#define NOW INT64_C(1790000000000000)
enum { SERIES = 5, RECORDS = 20 };

static struct place place;
static struct tally tally;
static atomic_bool stop;

static bool even(void *ctx, uint32_t series)
{
    (void)ctx;
    return series % 2 == 0;
}

static bool odd(void *ctx, uint32_t series)
{
    (void)ctx;
    return series % 2 == 1;
}

static int decided;

static void decide_anew(void *ctx)
{
    (void)ctx;
    decided++;
}

static int set_up(void **state)
{
    (void)state;
    quiet_log();
    clock_fake_set(0, NOW);
    place_make(&place);
    place.config.segment_bytes = 1500;
    place_open(&place);
    atomic_store(&stop, false);
    decided = 0;
    const struct state_sink row = { .name = "plant", .place = { 1, 0 } };
    assert_int_equal(state_sink_set(place.state, &row), 0);
    tally = (struct tally){ .history = place.history,
                            .state = place.state,
                            .wanted = even,
                            .decide_anew = decide_anew,
                            .filter = 7,
                            .name = "plant",
                            .place = { 1, 0 },
                            .stop = &stop };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    place_remove(&place);
    return 0;
}

/* A record with a sample of each of five series, of which the second and fourth are the sink's. */
static void append(int from, int count)
{
    for (int i = from; i < from + count; i++) {
        struct sample samples[SERIES];
        for (uint32_t s = 0; s < SERIES; s++) {
            samples[s] = place_number(s + 1, NOW + i, i);
        }
        assert_int_equal(place_append(&place, samples, SERIES), 0);
    }
}

static void assert_balance(uint64_t stored, uint64_t waiting)
{
    tally_work(&tally);
    assert_int_equal(tally.ledger.error, 0);
    assert_int_equal(tally.ledger.stored, stored);
    assert_int_equal(tally.ledger.waiting, waiting);
    assert_int_equal(tally.ledger.missing, 0);
    assert_true(tally.ledger.balances);
}

static void it_balances_at_every_place(void **state)
{
    (void)state;
    append(0, RECORDS);
    assert_balance(2 * RECORDS, 2 * RECORDS);
    struct history_cursor *hold; /* as the sink's own does */
    assert_int_equal(history_cursor_open(place.history, "plant", 1, &hold), 0);
    for (uint64_t sequence = 1; sequence <= RECORDS; sequence++) {
        for (uint32_t taken = 0; taken <= SERIES; taken++) {
            uint64_t done = 2 * (sequence - 1) + taken / 2;
            tally.place = (struct sink_place){ sequence, taken };
            tally.counts.published = done / 2;
            tally.counts.released = done - done / 2;
            assert_balance(2 * RECORDS, 2 * RECORDS - done);
        }
    }
    tally.place = (struct sink_place){ RECORDS + 1, 0 }; /* all is done with */
    tally.counts = (struct sink_counts){ .published = 2 * RECORDS };
    assert_balance(2 * RECORDS, 0);
    append(RECORDS, 1);
    assert_balance(2 * RECORDS + 2, 2);
    history_cursor_close(hold);
}

static void what_is_wrong_is_seen(void **state)
{
    (void)state;
    char words[512];
    append(0, 10);
    assert_balance(20, 20);
    sink_ledger_words(&tally.ledger, words, sizeof(words));
    assert_string_equal(words, "balances: 20 stored = 0 published + 20 waiting + 0 aside + 0 "
                               "released");
    tally.place = (struct sink_place){ 6, 0 };
    tally.counts.published = 8; /* two were lost on the way */
    tally_work(&tally);
    assert_int_equal(tally.ledger.missing, 2);
    assert_false(tally.ledger.balances);
    sink_ledger_words(&tally.ledger, words, sizeof(words));
    assert_string_equal(words, "DOES NOT BALANCE: 20 stored against 8 published + 10 waiting + 0 "
                               "aside + 0 released; 2 are missing");
    tally.lost_records = 3;
    tally_work(&tally);
    sink_ledger_words(&tally.ledger, words, sizeof(words));
    assert_non_null(strstr(words, "2 are missing, 3 records of the log were damaged or gone"));
    tally.counts.published = 11; /* one was counted twice */
    tally_work(&tally);
    assert_int_equal(tally.ledger.missing, -1);
    sink_ledger_words(&tally.ledger, words, sizeof(words));
    assert_non_null(strstr(words, "1 are more than once in it"));
    tally.counts.published = 9; /* counted as set aside, and not there */
    tally.counts.aside = 1;
    tally_work(&tally);
    assert_int_equal(tally.ledger.missing, 1);
    assert_false(tally.ledger.balances);
}

static void rows_aside_are_counted_themselves(void **state)
{
    (void)state;
    append(0, 4);
    assert_balance(8, 8);
    const struct state_aside rows[] = {
        { .place = { 1, 2 }, .sample = { .point = 2 }, .reason = "no" },
        { .place = { 3, 2 }, .sample = { .point = 2 }, .reason = "no" },
    };
    struct state_sink_counts counts = { .published = 1, .aside = 1 };
    assert_int_equal(state_aside_add(place.state, "plant", &rows[0], 1, 100,
                                     &(struct state_sink_place){ 2, 0 }, &counts),
                     0);
    tally.place = (struct sink_place){ 2, 0 };
    tally.counts = (struct sink_counts){ .published = 1, .aside = 1 };
    assert_balance(8, 6);
    assert_int_equal(tally.ledger.aside, 1);
    counts.aside = 2; /* one more while it is counted: behind the place */
    assert_int_equal(state_aside_add(place.state, "plant", &rows[1], 1, 100,
                                     &(struct state_sink_place){ 4, 0 }, &counts),
                     0);
    assert_balance(8, 6);
    assert_int_equal(tally.ledger.aside, 1);
}

/* From where it became another on, the sum is right for the new one. */
static void another_filter_begins_anew(void **state)
{
    (void)state;
    append(0, 10);
    assert_balance(20, 20);
    tally.place = (struct sink_place){ 6, 0 };
    tally.counts.published = 10;
    assert_balance(20, 10);
    tally.wanted = odd;
    tally.filter = 8;
    assert_balance(10 + 15, 15);
    struct state_sink row;
    assert_int_equal(state_sink_get(place.state, "plant", &row), 0);
    assert_true(row.counted);
    assert_int_equal(row.baseline, 5);
    tally.place = (struct sink_place){ 9, 0 };
    tally.counts.published = 10 + 9;
    assert_balance(25, 6);
    append(10, 1);
    assert_balance(28, 9);
}

static bool not_two(void *ctx, uint32_t series)
{
    (void)ctx;
    return series == 4;
}

/* A series that is forgotten was published, and its samples are counted by nobody any more. */
static void forgotten_series_begin_anew(void **state)
{
    (void)state;
    const struct state_text set = { "up{}", 4 };
    uint32_t id;
    assert_int_equal(state_label_sets_add(place.state, &set, 1, &id, NULL), 0);
    append(0, 10);
    assert_balance(20, 20);
    tally.place = (struct sink_place){ 6, 0 };
    tally.counts.published = 10;
    assert_balance(20, 10);
    assert_int_equal(state_label_sets_remove(place.state, &id, 1), 0);
    tally.wanted = not_two;
    assert_int_equal(decided, 1);
    assert_balance(15, 5);
    assert_int_equal(decided, 2); /* what is remembered may be of the forgotten */
    tally.place = (struct sink_place){ 7, 0 };
    tally.counts.published = 11;
    assert_balance(15, 4);
}

static void it_goes_on_after_a_restart(void **state)
{
    (void)state;
    append(0, 5);
    place_reopen(&place); /* the sink comes when history has counted already */
    tally.history = place.history;
    tally.state = place.state;
    tally.place = (struct sink_place){ 6, 0 }; /* begins now */
    assert_balance(0, 0);
    append(5, 5);
    assert_balance(10, 10);
    tally.place = (struct sink_place){ 8, 3 };
    tally.counts.published = 5;
    assert_balance(10, 5);
    place_reopen(&place);
    tally.history = place.history;
    tally.state = place.state;
    assert_balance(10, 5);
    assert_int_equal(history_flush(place.history), 0);
    place_reopen(&place);
    tally.history = place.history;
    tally.state = place.state;
    tally.place = (struct sink_place){ 11, 0 };
    tally.counts.published = 10;
    assert_balance(10, 0);
}

/* The sink has read a record that the counters have not seen: or the log before the place is gone already. */
static void a_place_that_does_not_fit_is_taken_anew(void **state)
{
    (void)state;
    append(0, 3);
    tally.place = (struct sink_place){ 5, 0 };
    tally_work(&tally);
    assert_int_equal(tally.ledger.error, BUSBAR_EAGAIN);
    append(3, 1);
    assert_balance(0, 0);

    append(4, 100);
    assert_int_equal(history_flush(place.history), 0);
    place_work(&place);
    append(104, 2);
    tally.place = (struct sink_place){ 6, 0 };
    tally_work(&tally);
    assert_int_equal(tally.ledger.error, BUSBAR_EAGAIN);
    tally.last_try = true;
    tally_work(&tally);
    assert_int_equal(tally.ledger.error, 0);
    assert_true(tally.ledger.lost_records > 0);
    assert_false(tally.ledger.balances);
}

static void it_can_be_stopped(void **state)
{
    (void)state;
    char words[512];
    append(0, 3);
    atomic_store(&stop, true);
    tally_work(&tally);
    assert_int_equal(tally.ledger.error, BUSBAR_ECANCELED);
    assert_string_equal(tally.ledger.name, "plant");
    sink_ledger_words(&tally.ledger, words, sizeof(words));
    assert_non_null(strstr(words, "plant"));
    atomic_store(&stop, false);
    assert_int_equal(state_sink_remove(place.state, "plant"), 0);
    tally_work(&tally);
    assert_int_equal(tally.ledger.error, BUSBAR_ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_balances_at_every_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_aside_are_counted_themselves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_filter_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgotten_series_begin_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_goes_on_after_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_place_that_does_not_fit_is_taken_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_can_be_stopped, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
