/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: pieces, spans up to the limits, splits; each against a plain count of what was wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/hash.h"
#include "drivers/bacnet/bacnet_plan.h"
#include "drivers/bacnet/service/read_property.h"
#include "drivers/bacnet/service/read_property_multiple.h"
#include "drivers/bacnet/wire/numbers.h"
#include "model/quality.h"

enum { POINTS = 300 };

static struct bacnet_target targets[POINTS];
static uint8_t marks[POINTS];
static uint32_t points[POINTS];

static const struct bacnet_limits usual = { .request_bytes = 1470,
                                            .answer_bytes = 1454,
                                            .properties = UINT32_MAX,
                                            .multiple = true,
                                            .status_flags = true };

static void set(size_t i, uint16_t type, uint32_t instance, uint32_t property, uint32_t index)
{
    targets[i] = (struct bacnet_target){ .object = (uint32_t)type << 22 | instance,
                                         .property = property,
                                         .index = index,
                                         .value_type = VALUE_DOUBLE };
    points[i] = (uint32_t)i;
    marks[i] = 0;
}

static void set_values(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        set(i, BACNET_ANALOG_INPUT, (uint32_t)(count - i), BACNET_PROP_PRESENT_VALUE,
            BACNET_INDEX_ALL);
    }
}

/* Each piece is in one span, spans keep the limits, and an object's flags are beside its value. */
static void check(const struct bacnet_plan *plan, const struct bacnet_limits *limits)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < plan->span_count; i++) {
        const struct bacnet_span *span = &plan->spans[i];
        uint8_t data[2048];
        struct bytes_out out = bytes_out_of(data, sizeof(data));
        assert_int_equal(span->piece, next);
        assert_true(span->piece_end > span->piece);
        next = span->piece_end;
        if (!bacnet_span_is_single(span)) {
            assert_true(limits->multiple);
            assert_true(bacnet_plan_request_size(plan, span) <= limits->request_bytes);
            assert_true(bacnet_plan_answer_size(plan, span) <= limits->answer_bytes);
            assert_true(span->piece_end - span->piece <= limits->properties);
            bacnet_plan_put(plan, span, &out);
            assert_int_equal(bytes_out_size(&out), bacnet_plan_request_size(plan, span));
        }
    }
    assert_int_equal(next, plan->piece_count);
}

static void values_and_flags(void **state)
{
    (void)state;
    set_values(3);
    struct bacnet_plan *plan = bacnet_plan_new(targets, marks, points, 3, &usual);
    assert_int_equal(plan->piece_count, 6);
    assert_int_equal(plan->span_count, 1);
    assert_int_equal(plan->pieces[0].object, BACNET_ANALOG_INPUT << 22 | 1);
    assert_int_equal(plan->pieces[0].property, BACNET_PROP_PRESENT_VALUE);
    assert_int_equal(plan->pieces[0].sample, 2); /* sorted by object */
    assert_int_equal(plan->pieces[1].property, BACNET_PROP_STATUS_FLAGS);
    assert_int_equal(plan->pieces[1].sample, 2);
    assert_true(plan->pieces[1].flags);
    check(plan, &usual);
    bacnet_plan_free(plan);
}

static void limits_are_kept(void **state)
{
    uint64_t random = 7;
    (void)state;
    for (int round = 0; round < 500; round++) {
        size_t count = 1 + hash_random(&random) % POINTS;
        struct bacnet_limits limits = {
            .request_bytes = 40 + (uint32_t)(hash_random(&random) % 1400),
            .answer_bytes = 40 + (uint32_t)(hash_random(&random) % 1400),
            .properties = 1 + (uint32_t)(hash_random(&random) % 80),
            .multiple = hash_random(&random) % 8 != 0,
            .status_flags = hash_random(&random) % 2 == 0
        };
        size_t wanted = 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t dice = hash_random(&random);
            set(i, dice % 3 == 0 ? BACNET_BINARY_VALUE : BACNET_ANALOG_INPUT,
                (uint32_t)(dice >> 8) % 40,
                dice >> 16 & 1 ? BACNET_PROP_PRESENT_VALUE : (uint32_t)(dice >> 20) % 700,
                dice >> 40 & 3 ? BACNET_INDEX_ALL : (uint32_t)(dice >> 44) % 70000);
            marks[i] = (uint8_t)(dice >> 50 & 3);
            bool flags = limits.status_flags && (marks[i] & BACNET_MARK_NO_FLAGS) == 0 &&
                         bacnet_target_has_flags(&targets[i]);
            wanted += flags ? 2 : 1;
        }
        struct bacnet_plan *plan = bacnet_plan_new(targets, marks, points, count, &limits);
        assert_int_equal(plan->piece_count, wanted);
        check(plan, &limits);
        bacnet_plan_free(plan);
    }
}

static void alone_where_it_must(void **state)
{
    (void)state;
    set_values(5);
    marks[2] = BACNET_MARK_ALONE | BACNET_MARK_NO_FLAGS;
    struct bacnet_plan *plan = bacnet_plan_new(targets, marks, points, 5, &usual);
    assert_int_equal(plan->piece_count, 9);
    assert_int_equal(plan->span_count, 3);
    assert_true(bacnet_span_is_single(&plan->spans[1]));
    assert_int_equal(plan->pieces[plan->spans[1].piece].sample, 2);
    bacnet_plan_free(plan);
}

static void one_by_one(void **state)
{
    struct bacnet_limits limits = usual;
    uint8_t data[BACNET_READ_PROPERTY_MAX];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_read_property read;
    (void)state;
    limits.multiple = false;
    set(0, BACNET_ANALOG_VALUE, 7, BACNET_PROP_PRIORITY_ARRAY, 16);
    struct bacnet_plan *plan = bacnet_plan_new(targets, marks, points, 1, &limits);
    assert_int_equal(plan->span_count, 1);
    bacnet_plan_put(plan, &plan->spans[0], &out);
    struct bytes in = bytes_of(data, bytes_out_size(&out));
    assert_int_equal(bacnet_get_read_property(&in, &read), 0);
    assert_int_equal(read.object.instance, 7);
    assert_int_equal(read.property, BACNET_PROP_PRIORITY_ARRAY);
    assert_int_equal(read.index, 16);
    bacnet_plan_free(plan);
}

static void splits_meet(void **state)
{
    (void)state;
    set_values(9);
    struct bacnet_plan *plan = bacnet_plan_new(targets, marks, points, 9, &usual);
    struct bacnet_span left;
    struct bacnet_span right;
    assert_true(bacnet_plan_split(plan, &plan->spans[0], &left, &right));
    assert_int_equal(left.piece, 0);
    assert_int_equal(left.piece_end, right.piece);
    assert_int_equal(right.piece_end, 18);
    assert_int_equal(left.piece_end % 2, 0); /* between objects */
    /* one object: value from flags */
    struct bacnet_span one = { .piece = 2, .piece_end = 4 };
    assert_true(bacnet_plan_split(plan, &one, &left, &right));
    assert_int_equal(left.piece_end, 3);
    assert_false(bacnet_plan_split(plan, &left, &left, &right));
    bacnet_plan_free(plan);
}

static void matches_in_any_order(void **state)
{
    uint32_t at;
    (void)state;
    set_values(4);
    set(3, BACNET_ANALOG_INPUT, 2, BACNET_PROP_PRESENT_VALUE,
        BACNET_INDEX_ALL); /* twice the same */
    struct bacnet_plan *plan = bacnet_plan_new(targets, marks, points, 4, &usual);
    const struct bacnet_span *span = &plan->spans[0];
    at = span->piece;
    for (uint32_t i = 0; i < plan->piece_count; i++) {
        const struct bacnet_piece *piece = &plan->pieces[i];
        assert_int_equal(
            bacnet_plan_match(plan, span, &at, piece->object, piece->property, piece->index), i);
    }
    at = span->piece;
    const struct bacnet_piece *last = &plan->pieces[plan->piece_count - 1];
    assert_int_equal(bacnet_plan_match(plan, span, &at, last->object, last->property, last->index),
                     plan->piece_count - 1);
    assert_int_equal(bacnet_plan_match(plan, span, &at, 99, 85, BACNET_INDEX_ALL), UINT32_MAX);
    bacnet_plan_free(plan);
}

static void failing_leaves_what_is_there(void **state)
{
    struct sample samples[3] = { { .quality = QUALITY_NOT_YET },
                                 { .quality = QUALITY_GOOD, .type = VALUE_INT },
                                 { .quality = QUALITY_NOT_YET } };
    (void)state;
    set_values(3);
    struct bacnet_plan *plan = bacnet_plan_new(targets, marks, points, 3, &usual);
    bacnet_plan_fail(plan, &plan->spans[0], QUALITY_NO_ANSWER, 5, samples);
    assert_int_equal(samples[0].quality, QUALITY_NO_ANSWER);
    assert_int_equal(samples[0].detail, 5);
    assert_int_equal(samples[1].quality, QUALITY_GOOD);
    bacnet_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_flags),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(alone_where_it_must),
        cmocka_unit_test(one_by_one),
        cmocka_unit_test(splits_meet),
        cmocka_unit_test(matches_in_any_order),
        cmocka_unit_test(failing_leaves_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
