/* SPDX-License-Identifier: Apache-2.0 */
/* Faults: their text both ways, when they hold, how often they hit. */
#include "sim/sim_fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define S INT64_C(1000000)

static void what_is_printed_is_what_was_written(void **state)
{
    (void)state;
    const char *const texts[] = { "none",
                                  "silence",
                                  "exception:2",
                                  "slow:500ms",
                                  "garbage,for=10s",
                                  "close,for=10s,every=1m",
                                  "truncate,rate=12.5%",
                                  "wrong-unit",
                                  "wrong-transaction,for=2s,every=5s,rate=50%",
                                  "down",
                                  "holes",
                                  "frozen",
                                  "error:31",
                                  "apdu:128",
                                  "error:32817+most-nodes:100+no-trust,for=5s",
                                  "apdu:50+no-rpm+no-cov+no-segmentation",
                                  "silence+no-rpm,for=10s" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sim_fault fault;
        struct buf out;
        buf_init(&out, 256);
        assert_int_equal(sim_fault_parse(texts[i], 0, &fault, NULL), 0);
        sim_fault_print(&fault, &out);
        assert_string_equal(buf_text(&out), texts[i]);
        buf_fini(&out);
    }
}

static void mistakes_are_named(void **state)
{
    (void)state;
    const struct {
        const char *text, *message;
    } rows[] = {
        { "silense", "there is no fault 'silense'" },
        { "silence:2", "'silence' takes no argument" },
        { "exception", "'exception' needs a code from 1 to 255, as in exception:2" },
        { "exception:0", "'exception' needs a code from 1 to 255, as in exception:2" },
        { "exception:256", "'exception' needs a code from 1 to 255, as in exception:2" },
        { "slow:soon", "'slow' needs a time, as in slow:500ms" },
        { "silence,for", "'for' is not understood" },
        { "silence,rate=110%", "'rate' is not understood" },
        { "silence,when=now", "'when' is not understood" },
        { "silence,every=10s", "'every' needs a shorter 'for', as in for=10s,every=60s" },
        { "silence,for=20s,every=10s", "'every' needs a shorter 'for', as in for=10s,every=60s" },
        { "", "there is no fault ''" },
        { "apdu:49", "'apdu' needs a size from 50 to 1476, as in apdu:128" },
        { "most-nodes:0", "'most-nodes' needs a number from 1 to 65535, as in most-nodes:100" },
        { "apdu", "'apdu' needs a size from 50 to 1476, as in apdu:128" },
        { "no-rpm:1", "'no-rpm' takes no argument" },
        { "silence+garbage", "'silence' and 'garbage' do not go together" },
        { "no-rpm+", "there is no fault ''" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_fault fault = { .kind = SIM_FAULT_HOLES };
        struct err err = { 0 };
        assert_true(sim_fault_parse(rows[i].text, 0, &fault, &err) < 0);
        assert_string_equal(err.message, rows[i].message);
        assert_int_equal(fault.kind, SIM_FAULT_HOLES); /* untouched */
    }
    struct err err = { 0 };
    struct sim_fault fault;
    (void)sim_fault_parse("silense", 0, &fault, &err);
    assert_string_equal(err.hint, "did you mean 'silence'?");
}

static void a_fault_holds_in_its_time(void **state)
{
    (void)state;
    struct sim_fault fault;
    assert_int_equal(sim_fault_parse("silence,for=10s", 100 * S, &fault, NULL), 0);
    assert_int_equal(sim_fault_now(&fault, 100 * S), SIM_FAULT_SILENCE);
    assert_int_equal(sim_fault_now(&fault, 110 * S - 1), SIM_FAULT_SILENCE);
    assert_int_equal(sim_fault_now(&fault, 110 * S), SIM_FAULT_NONE);
    assert_int_equal(sim_fault_parse("down,for=10s,every=60s", 0, &fault, NULL), 0);
    for (int64_t at = 0; at < 600; at++) {
        assert_int_equal(sim_fault_now(&fault, at * S),
                         at % 60 < 10 ? SIM_FAULT_DOWN : SIM_FAULT_NONE);
    }
}

static void traits_hold_beside_a_kind(void **state)
{
    (void)state;
    struct sim_fault fault;
    assert_int_equal(sim_fault_parse("slow:1s+apdu:206+no-cov,for=10s,rate=0%", 0, &fault, NULL),
                     0);
    assert_int_equal(sim_fault_now(&fault, 0), SIM_FAULT_SLOW);
    assert_int_equal(sim_fault_draw(&fault, 0), SIM_FAULT_NONE);
    assert_int_equal(sim_fault_traits_now(&fault, 0), SIM_TRAIT_BIT(APDU) | SIM_TRAIT_BIT(NO_COV));
    assert_int_equal(sim_fault_traits_now(&fault, 10 * S), 0);
    assert_int_equal(fault.apdu, 206);
    assert_int_equal(fault.argument, S);
}

static void a_rate_hits_its_share(void **state)
{
    (void)state;
    struct sim_fault fault;
    int hits = 0;
    assert_int_equal(sim_fault_parse("garbage,rate=10%", 0, &fault, NULL), 0);
    for (int i = 0; i < 10000; i++) {
        hits += sim_fault_draw(&fault, i) == SIM_FAULT_GARBAGE ? 1 : 0;
    }
    assert_in_range(hits, 850, 1150);
    assert_int_equal(sim_fault_parse("garbage,rate=0%", 0, &fault, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(sim_fault_draw(&fault, i), SIM_FAULT_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_is_what_was_written),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_fault_holds_in_its_time),
        cmocka_unit_test(traits_hold_beside_a_kind),
        cmocka_unit_test(a_rate_hits_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
