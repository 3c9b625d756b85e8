/* SPDX-License-Identifier: Apache-2.0 */
/* Counters by a clock of the test: wraps, restarts, lost polls, and starts of the gateway. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "drivers/snmp/snmp_detail.h"
#include "drivers/snmp/snmp_value.h"
#include "model/quality.h"

#define S     INT64_C(1000000)
#define MAX32 ((uint64_t)UINT32_MAX)

/* A value of 32 bits; false: no sample yet. */
static bool next32(struct snmp_counter *counter, enum snmp_as as, uint64_t raw, int64_t at_s,
                   struct sample *out)
{
    return snmp_counter_next(counter, as, 32, raw, false, at_s * S, out);
}

static void a_total_goes_on_over_wraps(void **state)
{
    (void)state;
    struct snmp_counter counter = { 0 };
    struct sample out = { 0 };
    uint64_t all = MAX32 - 1000;
    assert_true(next32(&counter, SNMP_TOTAL, all, 10, &out));
    assert_int_equal(out.value.i, (int64_t)all);
    for (int64_t i = 2; i < 30; i++) {
        all += 0x30000000; /* a wrap every fifth poll */
        assert_true(next32(&counter, SNMP_TOTAL, (uint32_t)all, 10 * i, &out));
        assert_int_equal(out.type, VALUE_INT);
        assert_int_equal(out.value.i, (int64_t)all);
    }
    assert_true(all > 5 * MAX32);
}

static void rate_and_change(void **state)
{
    (void)state;
    struct snmp_counter rate = { 0 }, change = { 0 };
    struct sample out = { 0 };
    assert_false(next32(&rate, SNMP_RATE, 1000, 10, &out));
    assert_false(next32(&change, SNMP_CHANGE, 1000, 10, &out));
    assert_true(next32(&rate, SNMP_RATE, 1500, 20, &out));
    assert_int_equal(out.type, VALUE_DOUBLE);
    assert_true(out.value.d == 50);
    assert_int_equal(out.quality, QUALITY_GOOD);
    assert_true(next32(&change, SNMP_CHANGE, 1500, 20, &out));
    assert_int_equal(out.value.i, 500);
    assert_true(next32(&change, SNMP_CHANGE, 1500, 30, &out));
    assert_int_equal(out.value.i, 0);
    assert_false(next32(&rate, SNMP_RATE, 1600, 20, &out)); /* no time has passed */
}

static void a_rate_is_a_decimal_number(void **state)
{
    (void)state;
    static const struct {
        uint64_t grown;
        int64_t us;
        double rate;
    } rows[] = {
        { 1916193441, 10000000000, 191619.344 },
        { 1, 3600000000, 0.000277778 },
        { 1, 3000000, 0.333333 },
        { 10, 3000000, 3.333 },
        { 10000000, 3000000, 3333333.33 },
        { 100000000, 3000000, 33333333.3 },
        { 1000000000, 3000000, 333333333 },
        { 0, 3000000, 0 },
        { 10000000000, 3000000, 3333333333 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct snmp_counter rate = { 0 };
        struct sample out = { 0 };
        (void)snmp_counter_next(&rate, SNMP_RATE, 64, 7, false, S, &out);
        assert_true(snmp_counter_next(&rate, SNMP_RATE, 64, 7 + rows[i].grown, false,
                                      S + rows[i].us, &out));
        assert_true(out.value.d == rows[i].rate);
    }
}

static void a_fast_counter_may_wrap_in_each_poll(void **state)
{
    (void)state;
    struct snmp_counter rate = { 0 };
    struct sample out = { 0 };
    uint64_t all = 0;
    for (int64_t i = 1; i < 10; i++) {
        bool known = next32(&rate, SNMP_RATE, (uint32_t)all, 30 * i, &out);
        assert_int_equal(known, i > 1);
        assert_true(i == 1 || out.value.d == 125000000); /* 1 Gbit/s */
        all += 125000000 * 30U;
    }
}

static void a_restart_that_is_known(void **state)
{
    (void)state;
    struct snmp_counter rate = { 0 }, total = { 0 };
    struct sample out = { 0 };
    (void)next32(&rate, SNMP_RATE, 4000000000, 10, &out);
    assert_true(next32(&rate, SNMP_RATE, 4000001000, 20, &out));
    assert_false(snmp_counter_next(&rate, SNMP_RATE, 32, 500, true, 30 * S, &out));
    assert_true(next32(&rate, SNMP_RATE, 1500, 40, &out));
    assert_true(out.value.d == 100);

    (void)next32(&total, SNMP_TOTAL, MAX32, 10, &out);
    assert_true(next32(&total, SNMP_TOTAL, 9, 20, &out));
    assert_int_equal(out.value.i, (int64_t)MAX32 + 10);
    assert_true(snmp_counter_next(&total, SNMP_TOTAL, 32, 7, true, 30 * S, &out));
    assert_int_equal(out.value.i, 7); /* only then it falls */
}

static void a_restart_that_nobody_saw_is_no_wrap(void **state)
{
    (void)state;
    struct snmp_counter rate = { 0 };
    struct sample out = { 0 };
    (void)next32(&rate, SNMP_RATE, 1000000, 10, &out);
    assert_true(next32(&rate, SNMP_RATE, 1001000, 20, &out));
    assert_false(next32(&rate, SNMP_RATE, 50, 30, &out));
    assert_true(next32(&rate, SNMP_RATE, 1050, 40, &out));
    assert_true(out.value.d == 100);
    /* The same of a counter that goes back a little. */
    assert_false(next32(&rate, SNMP_RATE, 1049, 50, &out));
}

static void of_64_bits(void **state)
{
    (void)state;
    struct snmp_counter total = { 0 }, rate = { 0 };
    struct sample out = { 0 };
    assert_true(snmp_counter_next(&total, SNMP_TOTAL, 64, MAX32, false, 10 * S, &out));
    assert_true(snmp_counter_next(&total, SNMP_TOTAL, 64, MAX32 * 9, false, 20 * S, &out));
    assert_int_equal(out.value.i, (int64_t)MAX32 * 9);
    assert_true(snmp_counter_next(&total, SNMP_TOTAL, 64, 5, false, 30 * S, &out));
    assert_int_equal(out.value.i, 5);
    assert_true(snmp_counter_next(&total, SNMP_TOTAL, 64, UINT64_MAX, false, 40 * S, &out));
    assert_int_equal(out.quality, QUALITY_OUT_OF_RANGE);
    assert_int_equal(out.detail, SNMP_DETAIL_TOO_LARGE);

    assert_false(snmp_counter_next(&rate, SNMP_RATE, 64, UINT64_MAX - 10, false, 10 * S, &out));
    assert_true(snmp_counter_next(&rate, SNMP_RATE, 64, UINT64_MAX, false, 20 * S, &out));
    assert_true(out.value.d == 1);
    assert_false(snmp_counter_next(&rate, SNMP_RATE, 64, 3, false, 30 * S, &out));
}

static void polls_lost_for_longer_than_a_wrap(void **state)
{
    (void)state;
    struct snmp_counter rate = { 0 }, total = { 0 };
    struct sample out = { 0 };
    uint64_t all = 100;
    for (int64_t i = 1; i < 4; i++) { /* 100 MB/s: a wrap takes 43 s */
        (void)next32(&rate, SNMP_RATE, (uint32_t)all, 10 * i, &out);
        (void)next32(&total, SNMP_TOTAL, (uint32_t)all, 10 * i, &out);
        all += 1000000000;
    }
    int64_t before = (int64_t)total.total;
    all += 100000000 * INT64_C(600);
    assert_false(next32(&rate, SNMP_RATE, (uint32_t)all, 640, &out));
    assert_true(next32(&total, SNMP_TOTAL, (uint32_t)all, 640, &out));
    assert_true(out.value.i >= before && out.value.i <= (int64_t)all);
    assert_int_equal((uint32_t)out.value.i, (uint32_t)all);
    all += 1000000000;
    assert_true(next32(&rate, SNMP_RATE, (uint32_t)all, 650, &out));
    assert_true(out.value.d == 100000000);
}

static void a_start_of_the_gateway(void **state)
{
    (void)state;
    struct snmp_counter total = { 0 }, rate = { 0 };
    struct sample out = { 0 };
    int64_t kept = 3 * ((int64_t)MAX32 + 1) + 5000; /* three wraps were counted */
    snmp_counter_resume(&total, (uint64_t)kept, 60 * S, 1000 * S);
    assert_true(next32(&total, SNMP_TOTAL, 9000, 1000, &out));
    assert_int_equal(out.value.i, kept + 4000);
    /* The clock of a machine that has just started is younger than the value. */
    struct snmp_counter young = { 0 };
    snmp_counter_resume(&young, (uint64_t)kept, 3600 * S, 10 * S);
    assert_true(next32(&young, SNMP_TOTAL, 9000, 10, &out));
    assert_int_equal(out.value.i, kept + 4000);
    /* The device started while the gateway was away. */
    struct snmp_counter away = { 0 };
    snmp_counter_resume(&away, (uint64_t)kept, 60 * S, 1000 * S);
    assert_true(snmp_counter_next(&away, SNMP_TOTAL, 32, 9000, true, 1000 * S, &out));
    assert_int_equal(out.value.i, 9000);
    assert_false(next32(&rate, SNMP_RATE, 123456, 1000, &out)); /* nothing is made up */
}

static void restarts_by_the_uptime(void **state)
{
    (void)state;
    static const struct {
        uint32_t before, now;
        int64_t elapsed_s;
        bool restarted;
    } rows[] = {
        { 100000, 101000, 10, false },
        { 100000, 100000, 10, false }, /* renewed once a minute only */
        { 100000, 99950, 10, false },  /* answers that overtook each other */
        { 100000, 500, 10, true },
        { 8640000, 3000, 60, true },
        { 2000, 50000, 600, true }, /* later, but it began in between */
        { 2000, 62000, 600, false },
        { UINT32_MAX - 499, 500, 10, false }, /* 497 days */
        { UINT32_MAX - 29999, 30000, 600, false },
        { UINT32_MAX - 29999, 500, 3600, true }, /* a restart near that */
        { 4000000000, 1000, 10, true },
        { 100, 900, 10, false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool restarted = snmp_uptime_restarted(rows[i].before, rows[i].now, rows[i].elapsed_s * S);
        if (restarted != rows[i].restarted) {
            fail_msg("row %zu", i);
        }
    }
}

/* Random counters of which the truth is known: the total is always the truth, a rate never wrong. */
static void against_the_truth(void **state)
{
    (void)state;
    srand(7);
    for (int run = 0; run < 50; run++) {
        struct snmp_counter total = { 0 }, rate = { 0 };
        struct sample out = { 0 };
        uint64_t truth = (uint64_t)rand();
        int64_t now = 10;
        uint64_t per_s = (uint64_t)rand() % 40000000 + 1;
        uint64_t grown = 0;
        int64_t step = 0;
        for (int poll = 0; poll < 200; poll++) {
            assert_true(next32(&total, SNMP_TOTAL, (uint32_t)truth, now, &out));
            assert_int_equal(out.value.i, (int64_t)truth);
            bool known = next32(&rate, SNMP_RATE, (uint32_t)truth, now, &out);
            assert_int_equal(known, poll > 0);
            assert_true(!known || fabs(out.value.d - (double)grown / (double)step) <= 0.5);
            step = 1 + rand() % 50;
            grown = (per_s + (uint64_t)rand() % 1000) * (uint64_t)step;
            truth += grown;
            now += step;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_total_goes_on_over_wraps),
        cmocka_unit_test(rate_and_change),
        cmocka_unit_test(a_rate_is_a_decimal_number),
        cmocka_unit_test(a_fast_counter_may_wrap_in_each_poll),
        cmocka_unit_test(a_restart_that_is_known),
        cmocka_unit_test(a_restart_that_nobody_saw_is_no_wrap),
        cmocka_unit_test(of_64_bits),
        cmocka_unit_test(polls_lost_for_longer_than_a_wrap),
        cmocka_unit_test(a_start_of_the_gateway),
        cmocka_unit_test(restarts_by_the_uptime),
        cmocka_unit_test(against_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
