/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: every sample is asked for exactly once, questions stay in their limits, and hold what belongs together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/snmp/snmp_plan.h"

enum { POINTS = 512 };

struct rig {
    struct snmp_oid_buf oids[POINTS], names[POINTS];
    struct snmp_plan_point points[POINTS];
    size_t count;
    bool uptime;
    struct snmp_plan *plan;
};

static struct rig *rig_new(void)
{
    return calloc(1, sizeof(struct rig));
}

static void rig_free(struct rig *rig)
{
    snmp_plan_free(rig->plan);
    free(rig);
}

static struct snmp_plan_point *add(struct rig *rig, const char *oid)
{
    struct snmp_plan_point *point = &rig->points[rig->count];
    assert_int_equal(snmp_oid_parse(oid, &rig->oids[rig->count], NULL), 0);
    *point = (struct snmp_plan_point){ .oid = rig->oids[rig->count].oid, .value_bytes = 6 };
    rig->count++;
    return point;
}

static void add_cell(struct rig *rig, unsigned column, unsigned row)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "1.3.6.1.2.1.2.2.1.%u.%u", column, row);
    add(rig, text);
}

static void add_named(struct rig *rig, unsigned column, unsigned row)
{
    char text[64];
    add_cell(rig, column, row);
    (void)snprintf(text, sizeof(text), "1.3.6.1.2.1.31.1.1.1.1.%u", row);
    assert_int_equal(snmp_oid_parse(text, &rig->names[rig->count - 1], NULL), 0);
    rig->points[rig->count - 1].name = rig->names[rig->count - 1].oid;
    rig->points[rig->count - 1].row = row;
}

/* Whole questions of whole varbinds, each sample in one of them. */
static void check(const struct rig *rig, const struct snmp_plan_limits *limits)
{
    const struct snmp_plan *plan = rig->plan;
    unsigned seen[POINTS] = { 0 };
    uint32_t next = 0;
    for (uint32_t s = 0; s < plan->span_count; s++) {
        const struct snmp_span *span = &plan->spans[s];
        assert_int_equal(span->item, next);
        assert_true(span->item_end > span->item);
        assert_true(span->item_end - span->item <= limits->oids || limits->oids == 1);
        next = span->item_end;
        struct bytes question = snmp_plan_question(plan, span);
        struct snmp_varbind varbind;
        uint32_t count = 0;
        while (snmp_varbind_next(&question, &varbind)) {
            if (span->columns == 0) {
                assert_true(snmp_oid_equal(varbind.oid, snmp_plan_oid(plan, span->item + count)));
            }
            count++;
        }
        assert_false(bytes_short(&question));
        if (span->columns > 0) {
            assert_int_equal(count, (uint32_t)span->heads + span->columns);
            assert_int_equal(span->item_end - span->item,
                             (uint32_t)span->heads + (uint32_t)span->columns * span->rows);
            assert_true(span->rows <= limits->repetitions);
        } else {
            assert_int_equal(count, span->item_end - span->item);
        }
        for (uint32_t i = span->item; i < span->item_end; i++) {
            if (plan->items[i].kind != SNMP_ITEM_VALUE) {
                continue;
            }
            for (uint32_t of = plan->items[i].of; of != SNMP_PLAN_NONE; of = plan->same[of]) {
                seen[of]++;
                assert_true(snmp_oid_equal(snmp_plan_oid(plan, i), rig->points[of].oid));
            }
        }
    }
    assert_int_equal(next, plan->item_count);
    for (size_t i = 0; i < rig->count; i++) {
        assert_int_equal(seen[i], rig->points[i].detail == 0);
    }
}

static void make(struct rig *rig, uint32_t oids, uint32_t repetitions)
{
    struct snmp_plan_limits limits = { .oids = oids,
                                       .bytes = SNMP_PLAN_ANSWER_BYTES,
                                       .repetitions = repetitions,
                                       .uptime = rig->uptime };
    snmp_plan_free(rig->plan);
    rig->plan = snmp_plan_new(rig->points, rig->count, &limits);
    check(rig, &limits);
}

static void scalars_go_together(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    add(rig, "1.3.6.1.2.1.1.5.0");
    add(rig, "1.3.6.1.2.1.1.1.0");
    add(rig, "1.3.6.1.4.1.8072.1.2.3");
    make(rig, 48, 24);
    assert_int_equal(rig->plan->span_count, 1);
    assert_int_equal(rig->plan->spans[0].columns, 0);
    make(rig, 2, 24);
    assert_int_equal(rig->plan->span_count, 2);
    make(rig, 1, 24);
    assert_int_equal(rig->plan->span_count, 3);
    rig_free(rig);
}

static void equal_oids_are_asked_once(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    for (int i = 0; i < 3; i++) {
        add(rig, "1.3.6.1.2.1.1.5.0");
        add(rig, "1.3.6.1.2.1.1.1.0");
    }
    make(rig, 48, 24);
    assert_int_equal(rig->plan->item_count, 2);
    rig_free(rig);
}

static void columns_go_by_getbulk(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    for (unsigned row = 1; row <= 10; row++) {
        for (unsigned column = 10; column < 14; column++) {
            add_cell(rig, column, row);
        }
    }
    make(rig, 48, 24);
    assert_int_equal(rig->plan->span_count, 1);
    const struct snmp_span *span = &rig->plan->spans[0];
    assert_int_equal(span->columns, 4);
    assert_int_equal(span->rows, 10);
    assert_int_equal(span->heads, 0);
    assert_true(span->bulk_size * 5 < rig->plan->byte_count);
    struct bytes question = snmp_plan_question(rig->plan, span);
    struct snmp_varbind first;
    struct snmp_oid_buf before;
    assert_true(snmp_varbind_next(&question, &first));
    assert_int_equal(snmp_oid_parse("1.3.6.1.2.1.2.2.1.10.0", &before, NULL), 0);
    assert_true(snmp_oid_equal(first.oid, before.oid));
    make(rig, 48, 0); /* v1 */
    assert_int_equal(rig->plan->spans[0].columns, 0);
    make(rig, 16, 24);
    assert_true(rig->plan->span_count >= 3);
    rig_free(rig);
}

static void getbulk_is_not_worth_a_question_more(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    for (unsigned row = 1; row <= 5; row++) {
        add_cell(rig, 6, row);
        add_cell(rig, 10, row);
    }
    add(rig, "1.3.6.1.2.1.1.5.0");
    make(rig, 48, 24);
    assert_int_equal(rig->plan->span_count, 1);
    assert_int_equal(rig->plan->spans[0].columns, 0);
    make(rig, 10, 24); /* two either way */
    assert_int_equal(rig->plan->span_count, 2);
    assert_int_equal(rig->plan->spans[0].columns, 2);
    rig_free(rig);
}

static void long_columns_are_cut(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    for (unsigned row = 0; row < 100; row++) { /* from 0: the question is the column itself */
        add_cell(rig, 10, row);
        add_cell(rig, 11, row);
    }
    make(rig, 48, 24);
    assert_int_equal(rig->plan->span_count, 5); /* 24 rows of both each */
    assert_int_equal(rig->plan->bulks, 5);
    make(rig, 200, 100);
    for (uint32_t i = 0; i < rig->plan->span_count; i++) {
        assert_true((uint32_t)rig->plan->spans[i].rows * 24 <= 2 * SNMP_PLAN_ANSWER_BYTES);
    }
    rig_free(rig);
}

static void few_rows_go_by_get(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    for (unsigned row = 1; row < SNMP_PLAN_ROWS_MIN; row++) {
        add_cell(rig, 10, row);
    }
    make(rig, 48, 24);
    assert_int_equal(rig->plan->spans[0].columns, 0);
    rig_free(rig);
}

static void counters_have_the_uptime_with_them(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    for (unsigned row = 1; row <= 8; row++) {
        add_cell(rig, 10, row);
    }
    rig->uptime = true;
    rig->points[3].counter = true;
    rig->points[0].counter = true;
    add(rig, "1.3.6.1.2.1.1.5.0");
    make(rig, 9, 24);
    assert_int_equal(rig->plan->span_count, 2);
    assert_int_equal(rig->plan->spans[0].heads, 1);
    assert_int_equal(rig->plan->items[0].kind, SNMP_ITEM_UPTIME);
    assert_int_equal(rig->plan->spans[1].item_end - rig->plan->spans[1].item, 1);
    make(rig, 5, 0);
    assert_int_equal(rig->plan->items[0].kind, SNMP_ITEM_UPTIME);
    assert_false(rig->plan->spans[0].spare);
    rig_free(rig);
}

static void the_first_question_may_have_it(void **state)
{
    (void)state;
    for (unsigned rows = 2; rows < 12; rows += 8) {
        struct rig *rig = rig_new();
        rig->uptime = true;
        for (unsigned row = 1; row <= rows; row++) {
            add_cell(rig, 10, row);
        }
        make(rig, 48, 24);
        struct snmp_span span = rig->plan->spans[0];
        assert_true(span.spare);
        assert_int_equal(span.item_end - span.item, rows + 1);
        snmp_plan_spare(rig->plan, &span);
        assert_int_equal(span.item_end - span.item, rows);
        struct bytes question = snmp_plan_question(rig->plan, &span);
        struct snmp_varbind varbind;
        uint32_t count = 0;
        while (snmp_varbind_next(&question, &varbind)) {
            assert_false(snmp_oid_equal(varbind.oid, snmp_plan_oid(rig->plan, 0)));
            count++;
        }
        assert_int_equal(count, rows > 4 ? 1 : rows);
        rig_free(rig);
    }
}

static void a_row_by_name_stays_with_its_name(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    for (unsigned row = 1; row <= 9; row++) {
        for (unsigned column = 10; column < 13; column++) {
            add_named(rig, column, row);
        }
    }
    make(rig, 10, 24); /* two rows of four items each */
    const struct snmp_plan *plan = rig->plan;
    assert_int_equal(plan->span_count, 5);
    for (uint32_t s = 0; s < plan->span_count; s++) {
        uint32_t row = SNMP_PLAN_NONE;
        assert_int_equal(plan->spans[s].columns, 0);
        for (uint32_t i = plan->spans[s].item; i < plan->spans[s].item_end; i++) {
            if (plan->items[i].kind == SNMP_ITEM_NAME) {
                row = plan->items[i].of;
            } else {
                assert_int_equal(row, rig->points[plan->items[i].of].row);
            }
        }
    }
    make(rig, 3, 24); /* a row does not fit: its name is in each of its questions */
    for (uint32_t s = 0; s < rig->plan->span_count; s++) {
        assert_int_equal(rig->plan->items[rig->plan->spans[s].item].kind, SNMP_ITEM_NAME);
    }
    rig_free(rig);
}

static void what_cannot_be_asked_is_left_out_and_some_stand_alone(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    for (unsigned i = 0; i < 6; i++) {
        add_cell(rig, 10, i * 2);
    }
    rig->points[1].detail = 5012;
    rig->points[2].alone = true;
    rig->points[3].alone = true;
    make(rig, 48, 24);
    assert_int_equal(rig->plan->span_count, 3);
    assert_int_equal(rig->plan->details[1], 5012);
    rig->count = 0;
    make(rig, 48, 24);
    assert_int_equal(rig->plan->span_count, 0);
    rig_free(rig);
}

static void halves_cover_the_whole(void **state)
{
    (void)state;
    struct snmp_span span = { .item = 3, .item_end = 8, .columns = 2, .rows = 2 };
    struct snmp_span left;
    struct snmp_span right;
    assert_true(snmp_plan_split(&span, &left, &right));
    assert_int_equal(left.item, 3);
    assert_int_equal(left.item_end, right.item);
    assert_int_equal(right.item_end, 8);
    assert_int_equal(left.columns, 0);
    span.item = 7;
    assert_false(snmp_plan_split(&span, &left, &right));
}

/* Against a plain twin: whatever is wanted, check() holds. */
static void any_mix_is_covered(void **state)
{
    (void)state;
    uint32_t random = 12345;
    for (int round = 0; round < 300; round++) {
        struct rig *rig = rig_new();
        rig->uptime = round % 2 == 0;
        size_t wanted = 1 + (size_t)round % 200;
        for (size_t i = 0; i < wanted; i++) {
            random = random * 1664525U + 1013904223U;
            unsigned column = 8 + (random >> 28);
            unsigned row = (random >> 16) % 30;
            if ((random >> 8) % 4 == 0) {
                add_named(rig, column, row);
            } else {
                add_cell(rig, column, row);
            }
            struct snmp_plan_point *point = &rig->points[rig->count - 1];
            point->counter = (random >> 9) % 5 == 0;
            point->alone = (random >> 10) % 17 == 0;
            point->detail = (random >> 11) % 19 == 0 ? 5012 : 0;
            point->value_bytes = (uint16_t)((random >> 12) % 60);
        }
        make(rig, 1 + random % 64, random >> 4 & 31);
        rig_free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_go_together),
        cmocka_unit_test(equal_oids_are_asked_once),
        cmocka_unit_test(columns_go_by_getbulk),
        cmocka_unit_test(getbulk_is_not_worth_a_question_more),
        cmocka_unit_test(long_columns_are_cut),
        cmocka_unit_test(few_rows_go_by_get),
        cmocka_unit_test(counters_have_the_uptime_with_them),
        cmocka_unit_test(the_first_question_may_have_it),
        cmocka_unit_test(a_row_by_name_stays_with_its_name),
        cmocka_unit_test(what_cannot_be_asked_is_left_out_and_some_stand_alone),
        cmocka_unit_test(halves_cover_the_whole),
        cmocka_unit_test(any_mix_is_covered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
