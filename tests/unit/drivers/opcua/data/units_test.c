/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static UA_EUInformation unit(int32_t id, char *shown)
{
    UA_EUInformation out;
    UA_EUInformation_init(&out);
    out.namespaceUri = UA_STRING("http://www.opcfoundation.org/UA/units/un/cefact");
    out.unitId = id;
    out.displayName = UA_LOCALIZEDTEXT(NULL, shown);
    return out;
}

static const char *told(UA_EUInformation *from)
{
    static char text[OPCUA_UNITS_MAX];
    UA_Variant value;
    UA_Variant_setScalar(&value, from, &UA_TYPES[UA_TYPES_EUINFORMATION]);
    return opcua_units(&value, text) ? text : NULL;
}

/* Numbers as servers in the field send them (Part 8, table of unit ids). */
static void units_of_the_standard(void **state)
{
    (void)state;
    UA_EUInformation from = unit(4408652, "whatever"); /* CEL */
    assert_string_equal(told(&from), "degC");
    from = unit(5059635, "mil"); /* M43 is not in our table: what the server shows */
    assert_string_equal(told(&from), "mil");
    from = unit(20529, "percent"); /* P1 */
    assert_string_equal(told(&from), "%");
    from = unit(18257, "x"); /* GQ */
    assert_string_equal(told(&from), "ug/m3");
    from = unit(-1, "bananas");
    assert_string_equal(told(&from), "bananas");
    from = unit(4408652, "own");
    from.namespaceUri = UA_STRING("urn:acme:units");
    assert_string_equal(told(&from), "own");
    from = unit(-1, "");
    assert_string_equal(told(&from), "");
    from = unit(-1, "\xff");
    assert_null(told(&from));
    char longest[OPCUA_UNITS_MAX + 1];
    memset(longest, 'x', sizeof(longest));
    longest[OPCUA_UNITS_MAX] = '\0';
    from = unit(-1, longest);
    assert_null(told(&from));
    longest[OPCUA_UNITS_MAX - 1] = '\0';
    from = unit(-1, longest);
    assert_string_equal(told(&from), longest);
}

static void ranges(void **state)
{
    (void)state;
    UA_Range range = { .low = -10, .high = 40 };
    double min;
    double max;
    UA_Variant value;
    UA_Variant_setScalar(&value, &range, &UA_TYPES[UA_TYPES_RANGE]);
    assert_true(opcua_limits(&value, &min, &max));
    assert_true(min == -10 && max == 40);
    range.high = -10;
    assert_false(opcua_limits(&value, &min, &max));
    range.high = INFINITY;
    assert_false(opcua_limits(&value, &min, &max));
    range.high = NAN;
    assert_false(opcua_limits(&value, &min, &max));
    UA_Double number = 3;
    UA_Variant_setScalar(&value, &number, &UA_TYPES[UA_TYPES_DOUBLE]);
    assert_false(opcua_limits(&value, &min, &max));
}

static void names_of_numbers(void **state)
{
    (void)state;
    struct arena arena;
    const struct point_enum *enums;
    size_t count;
    UA_Variant value;
    UA_LocalizedText texts[3] = { UA_LOCALIZEDTEXT(NULL, "off"), UA_LOCALIZEDTEXT(NULL, ""),
                                  UA_LOCALIZEDTEXT(NULL, "auto") };
    arena_init(&arena, 1 << 16);
    UA_Variant_setArray(&value, texts, 3, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
    assert_true(opcua_enum_names(&value, &arena, &enums, &count));
    assert_int_equal(count, 2);
    assert_int_equal(enums[1].value, 2);
    assert_string_equal(enums[1].name, "auto");
    UA_EnumValueType rows[2];
    memset(rows, 0, sizeof(rows));
    rows[0].value = 10;
    rows[0].displayName = UA_LOCALIZEDTEXT(NULL, "ten");
    rows[1].value = -5;
    rows[1].displayName = UA_LOCALIZEDTEXT(NULL, "\xff");
    UA_Variant_setArray(&value, rows, 2, &UA_TYPES[UA_TYPES_ENUMVALUETYPE]);
    assert_true(opcua_enum_names(&value, &arena, &enums, &count));
    assert_int_equal(count, 1);
    assert_int_equal(enums[0].value, 10);
    UA_Variant_setArray(&value, rows, 0, &UA_TYPES[UA_TYPES_ENUMVALUETYPE]);
    assert_false(opcua_enum_names(&value, &arena, &enums, &count));
    UA_Variant_setScalar(&value, &rows[0], &UA_TYPES[UA_TYPES_ENUMVALUETYPE]);
    assert_false(opcua_enum_names(&value, &arena, &enums, &count));
    UA_LocalizedText many[POINT_ENUM_MAX + 9];
    for (size_t i = 0; i < POINT_ENUM_MAX + 9; i++) {
        many[i] = UA_LOCALIZEDTEXT(NULL, "x");
    }
    UA_Variant_setArray(&value, many, POINT_ENUM_MAX + 9, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
    assert_true(opcua_enum_names(&value, &arena, &enums, &count));
    assert_int_equal(count, POINT_ENUM_MAX);
    arena_fini(&arena);
}

static void two_states(void **state)
{
    (void)state;
    struct arena arena;
    const struct point_enum *enums;
    size_t count;
    UA_LocalizedText closed = UA_LOCALIZEDTEXT(NULL, "closed");
    UA_LocalizedText open = UA_LOCALIZEDTEXT(NULL, "open");
    UA_Variant no;
    UA_Variant yes;
    arena_init(&arena, 1 << 16);
    UA_Variant_setScalar(&no, &closed, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
    UA_Variant_setScalar(&yes, &open, &UA_TYPES[UA_TYPES_LOCALIZEDTEXT]);
    assert_true(opcua_two_state_names(&no, &yes, &arena, &enums, &count));
    assert_int_equal(count, 2);
    assert_string_equal(enums[0].name, "closed");
    assert_int_equal(enums[1].value, 1);
    assert_string_equal(enums[1].name, "open");
    UA_Variant_init(&yes);
    assert_false(opcua_two_state_names(&no, &yes, &arena, &enums, &count));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_of_the_standard),
        cmocka_unit_test(ranges),
        cmocka_unit_test(names_of_numbers),
        cmocka_unit_test(two_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
