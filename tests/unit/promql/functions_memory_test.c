/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out in the middle of a function is an error of the query, whichever allocation it is, and so is a
 * ceiling on the memory of a query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/promql/fake_source.h"

static const char *const queries[] = {
    "quantile_over_time(0.5, long[500m])",
    "mad_over_time(long[500m])",
    "histogram_quantile(0.5, h_bucket)",
    "histogram_fraction(1, 2, h_bucket)",
    "label_replace(long, \"b\", \"$1\", \"a\", \"(.*)\")",
    "label_join(long, \"b\", \"-\", \"a\", \"a\")",
    "sort_by_label(h_bucket, \"le\")",
    "sort_desc(h_bucket)",
    "info(long)",
    "absent(nothing{a=\"b\"})",
    "absent_over_time(nothing{a=\"b\"}[5m])",
    "timestamp(long)",
    "clamp(round(long, 2), scalar(nothing), scalar(hour()))",
    "double_exponential_smoothing(long[9m], 0.5, 0.5) + predict_linear(long[9m], 1)",
};

static int set_up(void **state)
{
    struct fake *fake = busbar_alloc(sizeof(*fake));
    fake_init(fake);
    fake_load(fake, 60, "long{a=\"b\",instance=\"i\",job=\"j\"} 1+1x500");
    fake_load(fake, 60, "target_info{instance=\"i\",job=\"j\",c=\"d\"} 1+0.0x500");
    fake_load(fake, 60, "h_bucket{le=\"1\"} 1+1x500");
    fake_load(fake, 60, "h_bucket{le=\"+Inf\"} 2+2x500");
    *state = fake;
    return 0;
}

static int tear_down(void **state)
{
    fake_fini(*state);
    busbar_free(*state);
    return 0;
}

static int ask(struct fake *fake, const char *text, size_t bytes_max, struct err *err)
{
    struct promql_result result;
    struct promql_question question = { .text = text,
                                        .start_us = INT64_C(29900) * 1000000,
                                        .end_us = INT64_C(30000) * 1000000,
                                        .step_us = INT64_C(50) * 1000000,
                                        .limits = { .bytes_max = bytes_max } };
    *err = (struct err){ 0 };
    int error = promql_ask(&fake->source, &question, &result, err);
    if (error == 0) {
        promql_result_free(&result);
    }
    return error;
}

static void every_allocation_may_fail(void **state)
{
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        int error = BUSBAR_ENOMEM;
        long n = 0;
        while (error != 0) {
            struct err err;
            alloc_fail_nth(++n);
            error = ask(*state, queries[i], 0, &err);
            alloc_fail_nth(0);
            if (error != 0 && (error != BUSBAR_ENOMEM || err.message[0] == '\0')) {
                fail_msg("%s: allocation %ld: %s: %s", queries[i], n, err_name(error), err.message);
            }
        }
        assert_true(n > 1);
    }
}

static void a_query_has_a_ceiling(void **state)
{
    struct err err;
    assert_int_equal(ask(*state, queries[0], 2048, &err), BUSBAR_ELIMIT);
    assert_string_not_equal(err.hint, "");
    assert_int_equal(ask(*state, queries[0], 1 << 20, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_query_has_a_ceiling, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
