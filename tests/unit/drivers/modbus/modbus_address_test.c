/* SPDX-License-Identifier: Apache-2.0 */
/* What people write as an address: what it means, and what they are told when it means nothing. */
#include "settings_make.h"

#include "base/buf.h"
#include "drivers/modbus/modbus_address.h"
#include "model/sample.h"

#define PAIRS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int resolve(const char *const *pairs, struct modbus_address *address,
                   struct point_facts *facts, struct err *err)
{
    struct settings_made made;
    return modbus_address_resolve(settings_make(&made, modbus_point_options, pairs), MODBUS_ABCD,
                                  address, facts, err);
}

static void same(const char *const *pairs, const char *words, uint8_t value_type, bool writable)
{
    struct modbus_address address;
    struct point_facts facts;
    struct err err = { 0 };
    struct buf out;
    assert_int_equal(resolve(pairs, &address, &facts, &err), 0);
    buf_init(&out, 256);
    modbus_address_print(&address, &out);
    assert_string_equal(buf_text(&out), words);
    buf_fini(&out);
    assert_int_equal(facts.value_type, value_type);
    assert_int_equal(facts.writable, writable);
    assert_true(facts.readable);
}

static void wrong(const char *const *pairs, const char *message, const char *hint)
{
    struct modbus_address address;
    struct point_facts facts;
    struct err err = { 0 };
    assert_int_equal(resolve(pairs, &address, &facts, &err), BUSBAR_ECONFIG);
    assert_int_equal(err.code, BUSBAR_ECONFIG);
    assert_true(err.line == 9 || err.line == 10);
    assert_string_equal(err.message, message);
    if (strstr(err.hint, hint) == NULL) {
        fail_msg("hint '%s' lacks '%s'", err.hint, hint);
    }
}

static void numbers_of_the_data_sheet(void **state)
{
    (void)state;
    same(PAIRS("register", "40101"), "holding 100 uint16", VALUE_INT, true);
    same(PAIRS("register", "400101"), "holding 100 uint16", VALUE_INT, true);
    same(PAIRS("register", "465536"), "holding 65535 uint16", VALUE_INT, true);
    same(PAIRS("register", "30001"), "input 0 uint16", VALUE_INT, false);
    same(PAIRS("register", "00001"), "coil 0", VALUE_BOOL, true);
    same(PAIRS("register", "10020"), "discrete 19", VALUE_BOOL, false);
    same(PAIRS("register", "40101.3"), "holding 100 bit 3", VALUE_BOOL, true);
}

static void protocol_addresses(void **state)
{
    (void)state;
    same(PAIRS("holding", "100"), "holding 100 uint16", VALUE_INT, true);
    same(PAIRS("holding", "0x64"), "holding 100 uint16", VALUE_INT, true);
    same(PAIRS("input", "65535"), "input 65535 uint16", VALUE_INT, false);
    same(PAIRS("coil", "0"), "coil 0", VALUE_BOOL, true);
    same(PAIRS("discrete", "7"), "discrete 7", VALUE_BOOL, false);
    same(PAIRS("holding", "7.15"), "holding 7 bit 15", VALUE_BOOL, true);
}

static void types_and_orders(void **state)
{
    (void)state;
    same(PAIRS("holding", "1", "type", "float32", "order", "CDAB"), "holding 1 float32 CDAB",
         VALUE_DOUBLE, true);
    same(PAIRS("holding", "1", "type", "uint64"), "holding 1 uint64 ABCD", VALUE_INT, true);
    same(PAIRS("holding", "1", "type", "uint16", "order", "DCBA"), "holding 1 uint16 BA", VALUE_INT,
         true);
    same(PAIRS("holding", "1", "type", "string", "length", "8"), "holding 1 string length 8 ABCD",
         VALUE_TEXT, true);
    same(PAIRS("holding", "1", "type", "int8", "byte", "high"), "holding 1 int8 high byte",
         VALUE_INT, true);
    same(PAIRS("holding", "1", "bits", "4-7"), "holding 1 bits 4-7", VALUE_INT, true);
    same(PAIRS("holding", "1", "bits", "4..7"), "holding 1 bits 4-7", VALUE_INT, true);
    same(PAIRS("holding", "1", "bit", "0"), "holding 1 bit 0", VALUE_BOOL, true);
    same(PAIRS("holding", "1", "type", "bool"), "holding 1 bool", VALUE_BOOL, true);
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    wrong(PAIRS("type", "int16"), "a Modbus point needs its address", "holding: 100");
    wrong(PAIRS("register", "101"), "'101' is not a register number of a data sheet",
          "'holding: 100'");
    wrong(PAIRS("register", "20001"), "'20001' is not a register number of a data sheet",
          "4xxxx holding");
    wrong(PAIRS("register", "40000"), "register 40000 is outside the table", "40001");
    wrong(PAIRS("register", "465537"), "register 465537 is outside the table", "465536");
    wrong(PAIRS("holding", "400101"), "holding 400101 is above 65535", "'register: 400101'");
    wrong(PAIRS("holding", "-1"), "'-1' is not an address of a holding", "from 0");
    wrong(PAIRS("holding", "1", "input", "1"), "both 'holding' and 'input' are set", "keep");
    wrong(PAIRS("coil", "1", "type", "int16"), "a coil is a bool, not int16", "leave 'type' out");
    wrong(PAIRS("coil", "1", "bit", "2"), "a coil has no bits", "registers");
    wrong(PAIRS("holding", "1.16"), "'1.16' names no bit of a register", "15");
    wrong(PAIRS("holding", "1.2", "bit", "3"), "the bit is given twice", "one");
    wrong(PAIRS("holding", "1", "bits", "7-4"), "'7-4' is not a bit range of a register", "4-7");
    wrong(PAIRS("holding", "1", "bits", "4"), "'4' is not a bit range of a register", "4-7");
    wrong(PAIRS("holding", "1", "bit", "3", "type", "int32"), "bits do not go with type int32",
          "leave 'type' out");
    wrong(PAIRS("holding", "1", "type", "string"), "a string needs its length", "length: 8");
    wrong(PAIRS("holding", "1", "length", "4"), "only a string has a length", "string");
    wrong(PAIRS("holding", "1", "byte", "high"), "only int8 and uint8 are one byte", "uint8");
    wrong(PAIRS("holding", "65535", "type", "int32"),
          "holding 65535 int32 runs over the end of the table", "65535");
    wrong(PAIRS("holding", "1", "type", "int32", "write_function", "single"),
          "write_function single cannot write this point", "multiple");
    wrong(PAIRS("holding", "1", "write_function", "mask"),
          "write_function mask cannot write this point", "bits");
    wrong(PAIRS("coil", "1", "write_function", "read-write"),
          "write_function read-write cannot write this point", "holding");
}

static void the_device_gives_the_default_order(void **state)
{
    (void)state;
    struct settings_made made;
    struct modbus_address address;
    struct point_facts facts;
    const struct settings *settings = settings_make(&made, modbus_point_options,
                                                    PAIRS("holding", "1", "type", "int32"));
    assert_int_equal(modbus_address_resolve(settings, MODBUS_DCBA, &address, &facts, NULL), 0);
    assert_int_equal(address.order, MODBUS_DCBA);
    assert_true(sizeof(address) <= 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_the_data_sheet),
        cmocka_unit_test(protocol_addresses),
        cmocka_unit_test(types_and_orders),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(the_device_gives_the_default_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
