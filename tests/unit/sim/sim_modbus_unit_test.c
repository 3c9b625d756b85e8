/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated Modbus unit, bytes in, bytes out: every function code, what exists, what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "sim/sim_modbus.h"

static const struct point_class plain = { .units = "", .scale = 1.0 };
static const struct modbus_address addresses[] = {
    { .start = 100,
      .count = 1,
      .table = MODBUS_HOLDING,
      .type = MODBUS_UINT16,
      .bit = MODBUS_BIT_ALL },
    { .start = 101,
      .count = 2,
      .table = MODBUS_HOLDING,
      .type = MODBUS_FLOAT32,
      .bit = MODBUS_BIT_ALL },
    { .start = 106,
      .count = 1,
      .table = MODBUS_HOLDING,
      .type = MODBUS_INT16,
      .bit = MODBUS_BIT_ALL },
    { .start = 5, .count = 1, .table = MODBUS_INPUT, .type = MODBUS_INT16, .bit = MODBUS_BIT_ALL },
    { .start = 0, .count = 1, .table = MODBUS_COIL, .type = MODBUS_BOOL, .bit = MODBUS_BIT_ALL },
    { .start = 9, .count = 1, .table = MODBUS_COIL, .type = MODBUS_BOOL, .bit = MODBUS_BIT_ALL },
    { .start = 3,
      .count = 1,
      .table = MODBUS_DISCRETE,
      .type = MODBUS_BOOL,
      .bit = MODBUS_BIT_ALL },
    { .start = 110,
      .count = 8,
      .table = MODBUS_HOLDING,
      .type = MODBUS_STRING,
      .bit = MODBUS_BIT_ALL },
};
enum { POINTS = sizeof(addresses) / sizeof(addresses[0]) };

struct bench {
    struct device *dev;
    struct sim_unit unit;
    uint8_t reply[MODBUS_PDU_MAX];
};

static void bench_init(struct bench *bench)
{
    struct device *dev = device_new();
    dev->name = "meter-1";
    dev->points = arena_alloc_array(&dev->arena, POINTS, sizeof(struct point));
    dev->addresses = arena_alloc_array(&dev->arena, POINTS, sizeof(addresses[0]));
    memcpy(dev->addresses, addresses, sizeof(addresses));
    dev->point_count = POINTS;
    for (int i = 0; i < POINTS; i++) {
        dev->points[i].name = arena_printf(&dev->arena, "p%d", i);
        dev->points[i].device = dev;
        dev->points[i].cls = &plain;
        dev->points[i].value_type = VALUE_INT;
    }
    bench->dev = dev;
    assert_int_equal(sim_unit_init(&bench->unit, dev, 1), 0);
    sim_unit_refresh(&bench->unit, INT64_C(1780000000000000));
}

static void bench_fini(struct bench *bench)
{
    sim_unit_fini(&bench->unit);
    device_free(bench->dev);
}

static size_t ask(struct bench *bench, const void *pdu, size_t size)
{
    uint8_t *copy = busbar_alloc(size); /* of exact size: ASan sees one byte too many */
    memcpy(copy, pdu, size);
    size_t answered = sim_unit_answer(&bench->unit, copy, size, false, bench->reply);
    busbar_free(copy);
    return answered;
}

#define ASK(bench, ...) \
    ask(bench, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void assert_exception(const struct bench *bench, size_t size, uint8_t function, uint8_t code)
{
    assert_int_equal(size, 2);
    assert_int_equal(bench->reply[0], function | 0x80);
    assert_int_equal(bench->reply[1], code);
}

static void registers_exist_from_the_first_to_the_last(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_int_equal(ASK(&bench, 3, 0, 100, 0, 18), 2 + 36);
    assert_int_equal(bench.reply[0], 3);
    assert_int_equal(bench.reply[1], 36);
    assert_true(bench.reply[3] != 0 || bench.reply[2] != 0); /* it lives */
    assert_memory_equal(bench.reply + 22, "meter-1 p7 ", 11);
    assert_exception(&bench, ASK(&bench, 3, 0, 99, 0, 1), 3, 2);
    assert_exception(&bench, ASK(&bench, 3, 0, 117, 0, 2), 3, 2);
    assert_exception(&bench, ASK(&bench, 4, 0, 100, 0, 1), 4, 2);
    assert_exception(&bench, ASK(&bench, 3, 0, 100, 0, 126), 3, 3);
    assert_exception(&bench, ASK(&bench, 3, 0, 100, 0, 0), 3, 3);
    assert_exception(&bench, ASK(&bench, 99, 0), 99, 1);
    const uint8_t gap[] = { 3, 0, 100, 0, 7 };
    size_t size = sim_unit_answer(&bench.unit, gap, sizeof(gap), true, bench.reply);
    assert_exception(&bench, size, 3, 2); /* holes: 103-105 are nobody's */
    const uint8_t whole[] = { 3, 0, 100, 0, 3 };
    assert_int_equal(sim_unit_answer(&bench.unit, whole, sizeof(whole), true, bench.reply), 2 + 6);
    bench_fini(&bench);
}

static void every_write_is_echoed_and_kept(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_int_equal(ASK(&bench, 6, 0, 100, 0x12, 0x34), 5);
    assert_memory_equal(bench.reply, ((uint8_t[]){ 6, 0, 100, 0x12, 0x34 }), 5);
    assert_int_equal(ASK(&bench, 16, 0, 101, 0, 2, 4, 1, 2, 3, 4), 5);
    assert_memory_equal(bench.reply, ((uint8_t[]){ 16, 0, 101, 0, 2 }), 5);
    assert_int_equal(ASK(&bench, 5, 0, 0, 0xff, 0), 5);
    assert_int_equal(ASK(&bench, 15, 0, 8, 0, 2, 1, 3), 5);
    assert_int_equal(ASK(&bench, 22, 0, 106, 0, 0xf2, 0, 0x25), 7);
    sim_unit_refresh(&bench.unit, INT64_C(1780000900000000)); /* a quarter of an hour later */
    assert_int_equal(ASK(&bench, 3, 0, 100, 0, 3), 8);
    assert_memory_equal(bench.reply + 2, ((uint8_t[]){ 0x12, 0x34, 1, 2, 3, 4 }), 6);
    assert_int_equal(ASK(&bench, 1, 0, 0, 0, 10), 4);
    assert_int_equal(bench.reply[2] & 1, 1);
    assert_int_equal(bench.reply[3], 3);
    assert_exception(&bench, ASK(&bench, 6, 0, 99, 0, 1), 6, 2);
    bench_fini(&bench);
}

static void a_mask_changes_only_its_bits(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_int_equal(ASK(&bench, 6, 0, 100, 0, 0x12), 5);
    assert_int_equal(ASK(&bench, 22, 0, 100, 0, 0xf2, 0, 0x25), 7); /* the standard's example */
    assert_int_equal(ASK(&bench, 3, 0, 100, 0, 1), 4);
    assert_int_equal(bench.reply[3], 0x17);
    bench_fini(&bench);
}

static void read_write_writes_first(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_int_equal(ASK(&bench, 23, 0, 100, 0, 2, 0, 100, 0, 1, 2, 0xab, 0xcd), 6);
    assert_int_equal(bench.reply[1], 4);
    assert_memory_equal(bench.reply + 2, ((uint8_t[]){ 0xab, 0xcd }), 2);
    assert_exception(&bench, ASK(&bench, 23, 0, 100, 0, 2, 0, 99, 0, 1, 2, 1, 1), 23, 2);
    bench_fini(&bench);
}

static void it_says_who_it_is(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_true(ASK(&bench, 43, 14, 1, 0) > 8);
    assert_memory_equal(bench.reply, ((uint8_t[]){ 43, 14, 1, 0x82, 0, 0, 3, 0, 6 }), 9);
    assert_memory_equal(bench.reply + 9, "busbar", 6);
    size_t size = ASK(&bench, 43, 14, 4, 6);
    assert_int_equal(size, 7 + 2 + 7);
    assert_memory_equal(bench.reply + 9, "meter-1", 7);
    assert_exception(&bench, ASK(&bench, 43, 14, 4, 99), 43, 2);
    assert_true(ASK(&bench, 43, 14, 3, 0) < MODBUS_PDU_MAX);
    assert_int_equal(bench.reply[6], 6);
    bench_fini(&bench);
}

static void values_move_and_held_ones_do_not(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    union value raw = { .i = -5 };
    assert_int_equal(sim_unit_hold(&bench.unit, 2, VALUE_INT, raw), 0);
    assert_int_equal(sim_unit_hold(&bench.unit, 0, VALUE_INT, (union value){ .i = 70000 }),
                     BUSBAR_ERANGE);
    uint8_t before[36];
    (void)ASK(&bench, 3, 0, 100, 0, 18);
    memcpy(before, bench.reply + 2, sizeof(before));
    int moved = 0;
    for (int i = 1; i < 100; i++) {
        sim_unit_refresh(&bench.unit, INT64_C(1780000000000000) + i * INT64_C(10000000));
        (void)ASK(&bench, 3, 0, 100, 0, 18);
        moved += memcmp(before, bench.reply + 2, 2) != 0 ? 1 : 0;
        assert_memory_equal(bench.reply + 2 + 12, ((uint8_t[]){ 0xff, 0xfb }), 2);
    }
    assert_true(moved > 50);
    assert_int_equal(sim_unit_hold(&bench.unit, 2, VALUE_NONE, raw), 0);
    sim_unit_refresh(&bench.unit, INT64_C(1790000000000000));
    (void)ASK(&bench, 3, 0, 106, 0, 1);
    assert_memory_not_equal(bench.reply + 2, ((uint8_t[]){ 0xff, 0xfb }), 2);
    bench_fini(&bench);
}

static void any_bytes_get_a_bounded_answer(void **state)
{
    (void)state;
    struct bench bench;
    uint64_t random = 5;
    uint8_t pdu[MODBUS_PDU_MAX];
    bench_init(&bench);
    for (int i = 0; i < 20000; i++) {
        size_t size = 1 + hash_random(&random) % (i % 2 == 0 ? 12 : sizeof(pdu));
        for (size_t j = 0; j < size; j++) {
            pdu[j] = (uint8_t)hash_random(&random);
        }
        const uint8_t known[] = { 1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43 };
        pdu[0] = i % 3 == 0 ? pdu[0] : known[hash_random(&random) % sizeof(known)];
        if (i % 5 != 0 && size > 4) { /* near the addresses that exist */
            pdu[1] = 0;
            pdu[3] = 0;
        }
        size_t answered = ask(&bench, pdu, size);
        assert_in_range(answered, 2, MODBUS_PDU_MAX);
        assert_int_equal(bench.reply[0] & 0x7f, pdu[0] & 0x7f);
    }
    assert_int_equal(sim_unit_answer(&bench.unit, pdu, 0, false, bench.reply), 0);
    bench_fini(&bench);
}

static void no_memory_leaves_nothing(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    struct sim_unit unit;
    for (long n = 1; n <= 10; n++) {
        alloc_fail_nth(n);
        assert_int_equal(sim_unit_init(&unit, bench.dev, 1), BUSBAR_ENOMEM);
    }
    alloc_fail_nth(0);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_exist_from_the_first_to_the_last),
        cmocka_unit_test(every_write_is_echoed_and_kept),
        cmocka_unit_test(a_mask_changes_only_its_bits),
        cmocka_unit_test(read_write_writes_first),
        cmocka_unit_test(it_says_who_it_is),
        cmocka_unit_test(values_move_and_held_ones_do_not),
        cmocka_unit_test(any_bytes_get_a_bounded_answer),
        cmocka_unit_test(no_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
