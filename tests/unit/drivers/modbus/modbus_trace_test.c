/* SPDX-License-Identifier: Apache-2.0 */
/* From a value back to its bytes: the right answer is taken, every other is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/modbus/modbus_device.h"

static const uint8_t asked[] = { 0, 0x11, 0, 0, 0, 6, 3, 3, 0, 0x64, 0, 2 };
static const uint8_t answered[] = { 0, 0x11, 0, 0, 0, 7, 3, 3, 4, 0, 0xd9, 1, 2 };
static const struct modbus_address at_101 = {
    .start = 101, .count = 1, .table = MODBUS_HOLDING, .type = MODBUS_UINT16, .bit = MODBUS_BIT_ALL
};

static bool trace(const struct modbus_address *address, uint8_t unit, const uint8_t *answer,
                  struct sample *raw, struct buf *out)
{
    buf_clear(out);
    return modbus_trace(false, unit, address, bytes_of(asked, sizeof(asked)),
                        bytes_of(answer, sizeof(answered)), out, raw);
}

static void the_bytes_and_the_raw_value_are_found(void **state)
{
    (void)state;
    struct buf out;
    struct sample raw;
    buf_init(&out, 1024);
    assert_true(trace(&at_101, 3, answered, &raw, &out));
    assert_string_equal(buf_text(&out), "01 02 in holding 100..101, unit 3");
    assert_int_equal(raw.type, VALUE_INT);
    assert_int_equal(raw.value.i, 0x102);
    buf_fini(&out);
}

static void other_answers_are_not_taken(void **state)
{
    (void)state;
    struct buf out;
    struct sample raw;
    struct modbus_address outside = at_101, table = at_101, wide = at_101;
    uint8_t late[sizeof(answered)], refused[sizeof(answered)];
    buf_init(&out, 1024);
    outside.start = 102;
    wide.count = 2;
    table.table = MODBUS_INPUT;
    for (size_t i = 0; i < sizeof(answered); i++) {
        late[i] = refused[i] = answered[i];
    }
    late[1] = 0x12;
    refused[7] = 0x83;
    assert_false(trace(&outside, 3, answered, &raw, &out));
    assert_false(trace(&wide, 3, answered, &raw, &out));
    assert_false(trace(&table, 3, answered, &raw, &out));
    assert_false(trace(&at_101, 4, answered, &raw, &out));
    assert_false(trace(&at_101, 3, late, &raw, &out));
    assert_false(trace(&at_101, 3, refused, &raw, &out));
    assert_int_equal(out.size, 0);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_and_the_raw_value_are_found),
        cmocka_unit_test(other_answers_are_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
