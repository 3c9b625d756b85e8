/* SPDX-License-Identifier: Apache-2.0 */
/* The ledgers of sinks in GET /api/v1/ledger, and of one. */
#include "unit/server/toy_sinks.h"

struct place {
    struct gateway gw;
    struct sinks sinks;
};

static int open_gateway(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    toy_sinks_init(&place->sinks);
    gateway_open_with(&place->gw, GATEWAY_STORES, &place->sinks);
    gateway_add(&place->gw, "meter-1", 3);
    *state = place;
    return 0;
}

static int close_gateway(void **state)
{
    struct place *place = *state;
    gateway_close(&place->gw);
    gateway_remove_folder(&place->gw);
    free(place);
    return 0;
}

static struct answer get(struct place *place, const char *target)
{
    return ask(&place->gw, "GET", target, NULL, NULL);
}

static void all_of_them(void **state)
{
    struct place *place = *state;
    struct answer answer = get(place, "/api/v1/ledger");
    assert_int_equal(answer.status, 200);
    assert_true(true_at(&answer, "balances"));
    assert_true(true_at(&answer, "totals.balances"));
    assert_int_equal(json_size(at(&answer, "sinks")), 2);
    assert_string_equal(text_at(&answer, "sinks.0.sink"), "cloud");
    assert_string_equal(text_at(&answer, "sinks.1.sink"), "plant");
    assert_int_equal(number_at(&answer, "sinks.1.stored"), 100);
    assert_int_equal(number_at(&answer, "sinks.1.published"), 100);
    assert_true(true_at(&answer, "sinks.1.balances"));
    assert_string_equal(text_at(&answer, "sinks.1.text"), "balances");
    answer_fini(&answer);
}

/* The points balance, a sink does not. */
static void one_that_does_not_balance(void **state)
{
    struct place *place = *state;
    place->sinks.missing = 5;
    struct answer answer = get(place, "/api/v1/ledger");
    assert_false(true_at(&answer, "balances"));
    assert_true(true_at(&answer, "totals.balances"));
    assert_int_equal(number_at(&answer, "sinks.0.missing"), 5);
    assert_false(true_at(&answer, "sinks.0.balances"));
    answer_fini(&answer);
}

/* What cannot be counted is told, and is no reason to say that something is missing. */
static void one_that_cannot_be_counted(void **state)
{
    struct place *place = *state;
    place->sinks.error = BUSBAR_EAGAIN;
    struct answer answer = get(place, "/api/v1/ledger");
    assert_int_equal(answer.status, 200);
    assert_true(true_at(&answer, "balances"));
    assert_int_equal(json_size(at(&answer, "sinks")), 2);
    assert_int_equal(json_type(at(&answer, "sinks.0.balances")), JSON_NULL);
    assert_null(at(&answer, "sinks.0.stored"));
    answer_fini(&answer);
}

/* With a filter, or when they are not wanted, no log is read for them. */
static void they_can_be_left_out(void **state)
{
    static const char *const targets[] = { "/api/v1/ledger?sinks=false",
                                           "/api/v1/ledger?match=meter-*",
                                           "/api/v1/ledger?device=meter-1" };
    struct place *place = *state;
    for (size_t i = 0; i < 3; i++) {
        struct answer answer = get(place, targets[i]);
        assert_int_equal(answer.status, 200);
        assert_int_equal(json_type(at(&answer, "sinks")), JSON_ARRAY);
        assert_int_equal(json_size(at(&answer, "sinks")), 0);
        answer_fini(&answer);
    }
    assert_string_equal(place->sinks.did, "");
}

static void one_of_them(void **state)
{
    struct place *place = *state;
    struct answer answer = get(place, "/api/v1/sinks/plant/ledger");
    assert_int_equal(answer.status, 200);
    assert_string_equal(text_at(&answer, "sink"), "plant");
    assert_int_equal(number_at(&answer, "stored"), 100);
    answer_fini(&answer);
    answer = get(place, "/api/v1/sinks/plnat/ledger");
    assert_int_equal(answer.status, 404);
    answer_fini(&answer);
    place->sinks.error = BUSBAR_EAGAIN;
    answer = get(place, "/api/v1/sinks/plant/ledger");
    assert_int_not_equal(answer.status, 200);
    answer_fini(&answer);
}

static void without_sinks(void **state)
{
    struct place *place = *state;
    place->sinks.count = 0;
    struct answer answer = get(place, "/api/v1/ledger");
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_size(at(&answer, "sinks")), 0);
    assert_true(true_at(&answer, "balances"));
    answer_fini(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_of_them, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(one_that_does_not_balance, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(one_that_cannot_be_counted, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(they_can_be_left_out, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(one_of_them, open_gateway, close_gateway),
        cmocka_unit_test_setup_teardown(without_sinks, open_gateway, close_gateway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
