/* SPDX-License-Identifier: Apache-2.0 */
/* The tables: in order, without gaps where there should be none, and found both ways in every spelling. */
#include "wire_rig.h"

#include "drivers/bacnet/wire/apdu.h"
#include "drivers/bacnet/wire/names.h"

static void every_row_is_found_both_ways(void **state)
{
    (void)state;
    size_t rows = 0;
    for (int list = BACNET_LIST_NONE + 1; list < BACNET_LISTS; list++) {
        struct bacnet_name name;
        uint32_t last = 0;
        size_t row = 0;
        for (; bacnet_name_at((enum bacnet_list)list, row, &name); row++) {
            assert_true(row == 0 || name.number > last);
            last = name.number;
            assert_string_equal(bacnet_name((enum bacnet_list)list, name.number), name.name);
            uint32_t number = 0;
            assert_int_equal(bacnet_number((enum bacnet_list)list, name.name, &number), 0);
            assert_int_equal(number, name.number); /* no name is there twice */
        }
        assert_true(row > 0);
        rows += row;
    }
    assert_true(rows > 1500);
    struct bacnet_name none;
    assert_false(bacnet_name_at(BACNET_LIST_NONE, 0, &none));
    assert_null(bacnet_name(BACNET_LIST_NONE, 0));
}

static void the_standard_is_there(void **state)
{
    (void)state;
    static const struct {
        enum bacnet_list list;
        uint32_t number;
        const char *name;
    } known[] = {
        { BACNET_LIST_OBJECT_TYPES, BACNET_ANALOG_INPUT, "analog-input" },
        { BACNET_LIST_OBJECT_TYPES, BACNET_TREND_LOG_MULTIPLE, "trend-log-multiple" },
        { BACNET_LIST_OBJECT_TYPES, 64, "color-temperature" },
        { BACNET_LIST_PROPERTIES, BACNET_PROP_PRESENT_VALUE, "present-value" },
        { BACNET_LIST_PROPERTIES, 371, "property-list" },
        { BACNET_LIST_PROPERTIES, 4194330, "default-color" },
        { BACNET_LIST_UNITS, 62, "degrees-celsius" },
        { BACNET_LIST_UNITS, 47812, "pounds-mass-per-day" },
        { BACNET_LIST_ERROR_CODES, 31, "unknown-object" },
        { BACNET_LIST_ERROR_CODES, 199, "ip-error" },
        { BACNET_LIST_REJECT_REASONS, 9, "unrecognized-service" },
        { BACNET_LIST_ABORT_REASONS, 4, "segmentation-not-supported" },
        { BACNET_LIST_RELIABILITY, 12, "communication-failure" },
        { BACNET_LIST_SEGMENTATION, 3, "no-segmentation" },
        { BACNET_LIST_CONFIRMED_SERVICES, BACNET_READ_PROPERTY_MULTIPLE, "read-property-multiple" },
        { BACNET_LIST_UNCONFIRMED_SERVICES, BACNET_YOU_ARE, "you-are" },
        { BACNET_LIST_EVENT_TYPES, 22, "change-of-timer" },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_string_equal(bacnet_name(known[i].list, known[i].number), known[i].name);
    }
    for (uint32_t type = 0; type < BACNET_OBJECT_TYPES_STANDARD; type++) {
        assert_non_null(bacnet_name(BACNET_LIST_OBJECT_TYPES, type));
    }
    assert_null(bacnet_name(BACNET_LIST_OBJECT_TYPES, 65));
    assert_null(bacnet_name(BACNET_LIST_PROPERTIES, 512));
    char text[BACNET_NAME_TEXT_MAX];
    assert_int_equal(bacnet_format_name(text, sizeof(text), BACNET_LIST_PROPERTIES, 9997), 4);
    assert_string_equal(text, "9997");
}

static void spelling_is_tolerated(void **state)
{
    (void)state;
    static const char *const inputs[] = { "analog-input", "ANALOG_INPUT", "Analog Input",
                                          "AI",           "ai",           "0",
                                          "0x0" };
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        uint32_t number = 99;
        assert_int_equal(bacnet_number(BACNET_LIST_OBJECT_TYPES, inputs[i], &number), 0);
        assert_int_equal(number, BACNET_ANALOG_INPUT);
    }
    uint32_t number = 99;
    assert_int_equal(bacnet_number(BACNET_LIST_PROPERTIES, "Present_Value", &number), 0);
    assert_int_equal(number, 85);
    assert_int_equal(bacnet_number(BACNET_LIST_PROPERTIES, "9997", &number), 0);
    assert_int_equal(number, 9997);
    static const char *const bad[] = { "", "present", "present-values", "-1", "4294967296", "AI" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        number = 7;
        assert_int_equal(bacnet_number(BACNET_LIST_PROPERTIES, bad[i], &number), BUSBAR_ENOENT);
        assert_int_equal(number, 7);
    }
    assert_string_equal(bacnet_name_near(BACNET_LIST_PROPERTIES, "PRESENT_VALU"), "present-value");
    assert_null(bacnet_name_near(BACNET_LIST_PROPERTIES, "zzzzzzzzzzzz"));
}

static void objects_are_parsed_and_printed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *again;
        uint16_t type;
        uint32_t instance;
    } good[] = {
        { "analog-input:1", "analog-input:1", 0, 1 },
        { "AI:1", "analog-input:1", 0, 1 },
        { "ANALOG_INPUT:1", "analog-input:1", 0, 1 },
        { "analog-input,1", "analog-input:1", 0, 1 },
        { "msv:12", "multi-state-value:12", 19, 12 },
        { "8:4194303", "device:4194303", 8, 4194303 },
        { "130:5", "130:5", 130, 5 },
        { "1023:0", "1023:0", 1023, 0 },
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct bacnet_object object = { 0 };
        char text[BACNET_OBJECT_TEXT_MAX];
        assert_int_equal(bacnet_parse_object(good[i].text, &object, NULL), 0);
        assert_int_equal(object.type, good[i].type);
        assert_int_equal(object.instance, good[i].instance);
        (void)bacnet_format_object(text, sizeof(text), object);
        assert_string_equal(text, good[i].again);
    }
    static const struct {
        const char *text, *message, *hint;
    } bad[] = {
        { "analog-input", "'analog-input' is no BACnet object",
          "write the object as TYPE:INSTANCE, like analog-input:1 or AI:1" },
        { ":1", "':1' is no BACnet object",
          "write the object as TYPE:INSTANCE, like analog-input:1 or AI:1" },
        { "analog-inptu:1", "'analog-inptu' is no type of BACnet object",
          "did you mean 'analog-input'?" },
        { "1024:1", "'1024' is no type of BACnet object",
          "a name like analog-input, a short name like AI, or a number up to 1023" },
        { "AI:4194304", "'4194304' is no instance of a BACnet object",
          "a number from 0 to 4194303, as in AI:1" },
        { "AI:x", "'x' is no instance of a BACnet object",
          "a number from 0 to 4194303, as in AI:1" },
        { "AI:", "'' is no instance of a BACnet object", "a number from 0 to 4194303, as in AI:1" },
        { "AI:-1", "'-1' is no instance of a BACnet object",
          "a number from 0 to 4194303, as in AI:1" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bacnet_object object = { .type = 7, .instance = 7 };
        struct err err = { 0 };
        assert_int_equal(bacnet_parse_object(bad[i].text, &object, &err), BUSBAR_EINVAL);
        assert_string_equal(err.message, bad[i].message);
        assert_string_equal(err.hint, bad[i].hint);
        assert_int_equal(object.type, 7);
    }
    assert_string_equal(bacnet_object_short(BACNET_BINARY_VALUE), "BV");
    assert_null(bacnet_object_short(BACNET_ACCESS_CREDENTIAL));
    assert_null(bacnet_object_short(130));
}

static void units_have_symbols(void **state)
{
    (void)state;
    static const struct {
        uint32_t unit;
        const char *symbol;
    } known[] = { { 62, "degC" },  { 64, "degF" }, { 48, "kW" },  { 19, "kWh" },  { 98, "%" },
                  { 135, "m3/h" }, { 53, "Pa" },   { 55, "bar" }, { 96, "ppm" },  { 27, "Hz" },
                  { 95, "" },      { 104, "rpm" }, { 3, "A" },    { 146, "MWh" }, { 80, "m3" } };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint32_t unit;
        assert_string_equal(bacnet_unit_symbol(known[i].unit), known[i].symbol);
        assert_int_equal(bacnet_unit_of(known[i].symbol, &unit), 0);
        assert_int_equal(unit, known[i].unit);
    }
    struct bacnet_name name;
    for (size_t row = 0; bacnet_name_at(BACNET_LIST_UNITS, row, &name); row++) {
        assert_non_null(bacnet_unit_symbol(name.number));
        for (const char *c = bacnet_unit_symbol(name.number); *c != '\0'; c++) {
            assert_true(*c > ' ' && *c < 127);
        }
    }
    assert_null(bacnet_unit_symbol(1000));
    uint32_t unit = 7;
    assert_int_equal(bacnet_unit_of("degrees-celsius", &unit), 0);
    assert_int_equal(unit, 62);
    assert_int_equal(bacnet_unit_of("furlong", &unit), BUSBAR_ENOENT);
}

static void refusals_have_words(void **state)
{
    (void)state;
    const struct bacnet_problem *problem = bacnet_error_code(BACNET_ERROR_WRITE_ACCESS_DENIED);
    assert_string_equal(problem->name, "write-access-denied");
    assert_string_equal(problem->meaning, "the property may not be written");
    assert_string_equal(problem->words,
                        "write-access-denied: the property may not be written; check whether the "
                        "object is commandable, and out-of-service for inputs");
    static const enum bacnet_list lists[] = { BACNET_LIST_ERROR_CODES, BACNET_LIST_REJECT_REASONS,
                                              BACNET_LIST_ABORT_REASONS, BACNET_LIST_RELIABILITY };
    for (size_t i = 0; i < 4; i++) {
        struct bacnet_name name;
        for (size_t row = 0; bacnet_name_at(lists[i], row, &name); row++) {
            problem = i == 0   ? bacnet_error_code(name.number)
                      : i == 1 ? bacnet_reject_reason(name.number)
                      : i == 2 ? bacnet_abort_reason(name.number)
                               : bacnet_reliability(name.number);
            assert_ptr_equal(problem->name, name.name);
            assert_true(problem->meaning[0] != '\0' && problem->next[0] != '\0');
        }
    }
    assert_null(bacnet_error_code(256));
    assert_null(bacnet_reject_reason(64));
    assert_null(bacnet_abort_reason(64));
    assert_null(bacnet_reliability(11));
}

static void properties_know_their_list(void **state)
{
    (void)state;
    assert_int_equal(bacnet_property_list(BACNET_BINARY_INPUT, BACNET_PROP_PRESENT_VALUE),
                     BACNET_LIST_BINARY);
    assert_int_equal(bacnet_property_list(BACNET_ANALOG_INPUT, BACNET_PROP_PRESENT_VALUE),
                     BACNET_LIST_NONE);
    assert_int_equal(bacnet_property_list(BACNET_LIFE_SAFETY_ZONE, BACNET_PROP_TRACKING_VALUE),
                     BACNET_LIST_LIFE_SAFETY_STATES);
    assert_int_equal(bacnet_property_list(BACNET_ANALOG_INPUT, BACNET_PROP_UNITS),
                     BACNET_LIST_UNITS);
    assert_int_equal(bacnet_property_list(BACNET_LOOP, BACNET_PROP_STATUS_FLAGS),
                     BACNET_LIST_STATUS_FLAGS);
    assert_int_equal(bacnet_property_list(BACNET_NETWORK_PORT, BACNET_PROP_COMMAND),
                     BACNET_LIST_NETWORK_PORT_COMMANDS);
    assert_int_equal(bacnet_property_list(130, BACNET_PROP_COMMAND), BACNET_LIST_NONE);
    assert_int_equal(bacnet_property_list(BACNET_LIFT, BACNET_PROP_FAULT_SIGNALS),
                     BACNET_LIST_LIFT_FAULTS);
    assert_int_equal(bacnet_property_list(BACNET_DEVICE, 9997), BACNET_LIST_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_both_ways),
        cmocka_unit_test(the_standard_is_there),
        cmocka_unit_test(spelling_is_tolerated),
        cmocka_unit_test(objects_are_parsed_and_printed),
        cmocka_unit_test(units_have_symbols),
        cmocka_unit_test(refusals_have_words),
        cmocka_unit_test(properties_know_their_list),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
