/* SPDX-License-Identifier: Apache-2.0 */
/* Merged reads: a few by hand, then random devices against a naive twin that reads each point alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "drivers/modbus/modbus_plan.h"
#include "drivers/modbus/modbus_value.h"
#include "model/quality.h"

enum { POINTS_MAX = 300, SPACE = 4096 };

static struct modbus_address make(uint8_t table, uint16_t start, uint8_t type)
{
    static const uint8_t counts[] = {
#define X(name, word, registers, value) registers,
        MODBUS_TYPES(X)
#undef X
    };
    return (struct modbus_address){
        .table = table, .start = start, .type = type, .count = counts[type], .bit = MODBUS_BIT_ALL
    };
}

static const struct modbus_limits plain = { .max_registers = 125, .max_bits = 2000, .max_gap = 8 };

static struct modbus_plan *plan_for(const struct modbus_address *addresses, size_t count,
                                    const struct modbus_limits *limits)
{
    static uint32_t points[POINTS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        points[i] = i;
    }
    return modbus_plan_new(addresses, points, count, limits);
}

static void neighbours_are_read_together(void **state)
{
    (void)state;
    struct modbus_address addresses[125];
    for (uint16_t i = 0; i < 125; i++) {
        addresses[i] = make(MODBUS_HOLDING, (uint16_t)(100 + i), MODBUS_UINT16);
    }
    struct modbus_plan *plan = plan_for(addresses, 125, &plain);
    assert_int_equal(plan->span_count, 1);
    assert_int_equal(plan->run_count, 1); /* one tight loop */
    assert_int_equal(plan->spans[0].start, 100);
    assert_int_equal(plan->spans[0].count, 125);
    modbus_plan_free(plan);
    struct modbus_limits small = plain;
    small.max_registers = 50;
    plan = plan_for(addresses, 125, &small);
    assert_int_equal(plan->span_count, 3);
    modbus_plan_free(plan);
}

static void gaps_are_read_over_up_to_the_limit(void **state)
{
    (void)state;
    struct modbus_address addresses[] = { make(MODBUS_HOLDING, 0, MODBUS_UINT16),
                                          make(MODBUS_HOLDING, 9, MODBUS_UINT16),
                                          make(MODBUS_HOLDING, 19, MODBUS_UINT16),
                                          make(MODBUS_INPUT, 20, MODBUS_UINT16) };
    struct modbus_plan *plan = plan_for(addresses, 4, &plain);
    assert_int_equal(plan->span_count, 3);
    assert_int_equal(plan->spans[0].table, MODBUS_INPUT);
    assert_int_equal(plan->spans[1].count, 10); /* 0..9 over a gap of 8 */
    assert_int_equal(plan->spans[2].start, 19); /* a gap of 9 */
    modbus_plan_free(plan);
    struct modbus_limits none = plain;
    none.max_gap = 0;
    plan = plan_for(addresses, 4, &none);
    assert_int_equal(plan->span_count, 4);
    modbus_plan_free(plan);
}

static void refused_addresses_are_left_out(void **state)
{
    (void)state;
    struct modbus_address addresses[10];
    for (uint16_t i = 0; i < 10; i++) {
        addresses[i] = make(MODBUS_HOLDING, i, MODBUS_UINT16);
    }
    struct modbus_refusal refusals[] = {
        { .start = 4, .count = 1, .table = MODBUS_HOLDING, .exception = 2 },
        { .start = 8, .table = MODBUS_HOLDING, .exception = 2, .split = true },
    };
    struct modbus_limits limits = plain;
    limits.refusals = refusals;
    limits.refusal_count = 2;
    struct modbus_plan *plan = plan_for(addresses, 10, &limits);
    assert_int_equal(plan->skip_count, 1);
    assert_int_equal(plan->skips[0].sample, 4);
    assert_int_equal(plan->span_count, 3); /* 0..3, 5..7, 8..9 */
    assert_int_equal(plan->spans[1].start, 5);
    assert_int_equal(plan->spans[1].count, 3);
    modbus_plan_free(plan);
    refusals[0].retry = true;
    plan = plan_for(addresses, 10, &limits);
    assert_int_equal(plan->skip_count, 0);
    assert_int_equal(plan->span_count, 4); /* 4 alone */
    modbus_plan_free(plan);
    limits.table_exceptions[MODBUS_HOLDING] = 1;
    plan = plan_for(addresses, 10, &limits);
    assert_int_equal(plan->skip_count, 10);
    assert_int_equal(plan->span_count, 0);
    modbus_plan_free(plan);
}

/* A refused float of two registers does not take a register within it along. */
static void a_refused_range_keeps_what_is_inside(void **state)
{
    (void)state;
    struct modbus_address addresses[] = { make(MODBUS_HOLDING, 10, MODBUS_FLOAT32),
                                          make(MODBUS_HOLDING, 10, MODBUS_UINT16) };
    struct modbus_refusal refusal = {
        .start = 10, .count = 2, .table = MODBUS_HOLDING, .exception = 2
    };
    struct modbus_limits limits = plain;
    limits.refusals = &refusal;
    limits.refusal_count = 1;
    struct modbus_plan *plan = plan_for(addresses, 2, &limits);
    assert_int_equal(plan->skip_count, 1);
    assert_int_equal(plan->skips[0].sample, 0);
    assert_int_equal(plan->span_count, 1);
    assert_int_equal(plan->spans[0].count, 1);
    modbus_plan_free(plan);
}

struct world {
    uint8_t registers[2][SPACE * 2];
    uint8_t bits[2][SPACE / 8];
    struct modbus_address addresses[POINTS_MAX];
    uint32_t points[POINTS_MAX];
    size_t count;
    struct modbus_limits limits;
    struct modbus_refusal refusals[16];
};

static void make_point(uint64_t *random, struct modbus_address *address)
{
    uint8_t table = (uint8_t)(hash_random(random) % MODBUS_TABLES);
    bool bits = table == MODBUS_COIL || table == MODBUS_DISCRETE;
    uint8_t type = (uint8_t)(bits ? MODBUS_BOOL : hash_random(random) % (MODBUS_STRING + 1));
    *address = make(table, (uint16_t)(hash_random(random) % (SPACE - 40)), type);
    if (hash_random(random) % 2 == 0) {
        address->start %= 200; /* crowded */
    }
    address->order = (uint8_t)(hash_random(random) % 4);
    if (type == MODBUS_STRING) {
        address->count = (uint16_t)(1 + hash_random(random) % 20);
    }
    if (!bits && type == MODBUS_BOOL) {
        address->bit = (uint8_t)(hash_random(random) % 16);
        address->bits = 1;
    }
}

static int compare_refusals(const void *a, const void *b)
{
    return modbus_refusal_before(a, b) ? -1 : modbus_refusal_before(b, a);
}

static void make_world(uint64_t *random, struct world *world)
{
    memset(world, 0, sizeof(*world));
    for (size_t i = 0; i < sizeof(world->registers); i++) {
        ((uint8_t *)world->registers)[i] = (uint8_t)hash_random(random);
    }
    for (size_t i = 0; i < sizeof(world->bits); i++) {
        ((uint8_t *)world->bits)[i] = (uint8_t)hash_random(random);
    }
    world->count = 1 + hash_random(random) % POINTS_MAX;
    for (uint32_t i = 0; i < world->count; i++) {
        make_point(random, &world->addresses[i]);
        world->points[i] = i;
    }
    world->limits = (struct modbus_limits){
        .max_registers = (uint16_t)(1 + hash_random(random) % 125),
        .max_bits = (uint16_t)(1 + hash_random(random) % 2000),
        .max_gap = (uint16_t)(hash_random(random) % 20),
        .refusals = world->refusals,
        .refusal_count = hash_random(random) % 16,
    };
    for (size_t i = 0; i < world->limits.refusal_count; i++) {
        world->refusals[i] = (struct modbus_refusal){
            .start = (uint16_t)(hash_random(random) % 200),
            .count = (uint16_t)(1 + hash_random(random) % 2),
            .table = (uint8_t)(hash_random(random) % MODBUS_TABLES),
            .exception = 2,
            .split = hash_random(random) % 3 == 0,
            .retry = hash_random(random) % 3 == 0,
        };
    }
    qsort(world->refusals, world->limits.refusal_count, sizeof(world->refusals[0]),
          compare_refusals);
}

static const uint8_t *table_of(const struct world *world, uint8_t table)
{
    switch (table) {
    case MODBUS_COIL: return world->bits[0];
    case MODBUS_DISCRETE: return world->bits[1];
    case MODBUS_INPUT: return world->registers[0];
    default: return world->registers[1];
    }
}

/* What a device answers to a span, in memory of just that size. */
static uint8_t *answer(const struct world *world, const struct modbus_span *span)
{
    const uint8_t *table = table_of(world, span->table);
    if (!modbus_table_is_bits(span->table)) {
        uint8_t *data = malloc(span->count * 2u);
        memcpy(data, table + span->start * 2u, span->count * 2u);
        return data;
    }
    uint8_t *data = calloc(1, (span->count + 7u) / 8);
    for (unsigned i = 0; i < span->count; i++) {
        unsigned bit = span->start + i;
        data[i / 8] |= (uint8_t)((table[bit / 8] >> bit % 8 & 1) << i % 8);
    }
    return data;
}

static void check_span(const struct world *world, const struct modbus_span *span)
{
    bool bits = modbus_table_is_bits(span->table);
    unsigned most = bits ? world->limits.max_bits : world->limits.max_registers;
    assert_true(span->count <= most || span->item_end - span->item == 1);
    for (size_t i = 0; i < world->limits.refusal_count; i++) {
        const struct modbus_refusal *refusal = &world->refusals[i];
        if (refusal->table != span->table || span->item_end - span->item == 1) {
            continue;
        }
        unsigned end = span->start + span->count;
        if (refusal->split) {
            assert_false(refusal->start > span->start && refusal->start < end);
        } else {
            assert_false(refusal->start >= span->start && refusal->start + refusal->count <= end);
        }
    }
}

static void naive(const struct world *world, size_t sample, void *text, struct sample *out)
{
    const struct modbus_address *address = &world->addresses[sample];
    const uint8_t *table = table_of(world, address->table);
    if (modbus_table_is_bits(address->table)) {
        modbus_value_bits(table, address->start, 1, out);
    } else if (address->type == MODBUS_STRING) {
        modbus_value_text(address, table + address->start * 2u, text, out);
    } else {
        modbus_value_run(address, table + address->start * 2u, 1, out);
    }
}

static void check_samples(const struct world *world, const struct modbus_plan *plan,
                          const struct sample *samples)
{
    bool skipped[POINTS_MAX] = { false };
    for (uint32_t i = 0; i < plan->skip_count; i++) {
        assert_false(skipped[plan->skips[i].sample]);
        skipped[plan->skips[i].sample] = true;
    }
    for (size_t i = 0; i < world->count; i++) {
        uint64_t text[64];
        struct sample expected = { 0 };
        if (skipped[i]) {
            assert_int_equal(samples[i].quality, QUALITY_REFUSED);
            assert_int_equal(samples[i].detail, 2);
            continue;
        }
        naive(world, i, text, &expected);
        assert_int_equal(samples[i].type, expected.type);
        assert_int_equal(samples[i].quality, expected.quality);
        assert_int_equal(samples[i].detail, expected.detail);
        assert_true(value_equal(samples[i].type, samples[i].value, expected.type, expected.value));
    }
}

static void read_split(const struct world *world, struct modbus_plan *plan,
                       const struct modbus_span *span, unsigned depth, struct sample *samples)
{
    struct modbus_span left;
    struct modbus_span right;
    if (depth > 0 &&
        modbus_plan_split(plan, span, world->addresses, world->points, &left, &right)) {
        assert_int_equal(left.item, span->item);
        assert_int_equal(left.item_end, right.item);
        assert_int_equal(right.item_end, span->item_end);
        assert_true(left.start == span->start && left.count <= span->count);
        assert_true(right.start + right.count <= span->start + span->count);
        read_split(world, plan, &right, depth - 1, samples);
        read_split(world, plan, &left, depth - 1, samples);
        return;
    }
    uint8_t *data = answer(world, span);
    modbus_plan_decode(plan, span, world->addresses, world->points, data, samples);
    free(data);
}

static void plans_agree_with_a_naive_twin(void **state)
{
    (void)state;
    struct world *world = malloc(sizeof(*world));
    for (uint64_t round = 0; round < 1500; round++) {
        uint64_t random = round + 1;
        struct sample samples[POINTS_MAX];
        make_world(&random, world);
        struct modbus_plan *plan = modbus_plan_new(world->addresses, world->points, world->count,
                                                   &world->limits);
        memset(samples, 0xee, sizeof(samples));
        modbus_plan_skip(plan, samples);
        size_t items = plan->skip_count;
        for (uint32_t i = 0; i < plan->span_count; i++) {
            items += plan->spans[i].item_end - plan->spans[i].item;
            check_span(world, &plan->spans[i]);
            read_split(world, plan, &plan->spans[i], round % 4 == 0 ? 12 : 0, samples);
        }
        assert_int_equal(items, world->count);
        check_samples(world, plan, samples);
        modbus_plan_free(plan);
    }
    free(world);
}

static void failing_a_span_fails_its_points_only(void **state)
{
    (void)state;
    struct modbus_address addresses[] = { make(MODBUS_HOLDING, 0, MODBUS_UINT16),
                                          make(MODBUS_HOLDING, 100, MODBUS_UINT16),
                                          make(MODBUS_HOLDING, 1, MODBUS_UINT16) };
    struct sample samples[3] = { { .quality = QUALITY_GOOD },
                                 { .quality = QUALITY_GOOD },
                                 { .quality = QUALITY_GOOD } };
    struct modbus_plan *plan = plan_for(addresses, 3, &plain);
    modbus_plan_fail(plan, &plan->spans[0], QUALITY_NO_ANSWER, MODBUS_DETAIL_LOST, samples);
    assert_int_equal(samples[0].quality, QUALITY_NO_ANSWER);
    assert_int_equal(samples[1].quality, QUALITY_GOOD);
    assert_int_equal(samples[2].quality, QUALITY_NO_ANSWER);
    assert_int_equal(samples[2].type, VALUE_NONE);
    modbus_plan_free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_read_together),
        cmocka_unit_test(gaps_are_read_over_up_to_the_limit),
        cmocka_unit_test(refused_addresses_are_left_out),
        cmocka_unit_test(a_refused_range_keeps_what_is_inside),
        cmocka_unit_test(plans_agree_with_a_naive_twin),
        cmocka_unit_test(failing_a_span_fails_its_points_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
