/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/opcua/data/value.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "drivers/opcua/data/types.h"
#include "drivers/opcua/text/status.h"
#include "model/quality.h"

static const struct opcua_want all = { 0 };

struct rig {
    struct arena texts;
    struct opcua_types *types; /* nobody to ask */
};

static int begin(void **state)
{
    static struct rig rig;
    arena_init(&rig.texts, 1 << 20);
    rig.types = opcua_types_new(NULL, NULL, NULL, NULL);
    *state = &rig;
    return 0;
}

static int end(void **state)
{
    struct rig *rig = *state;
    arena_fini(&rig->texts);
    opcua_types_free(rig->types);
    return 0;
}

static struct sample sampled(struct rig *rig, const UA_Variant *value,
                             const struct opcua_want *want)
{
    struct sample sample = { 0 };
    UA_DataValue data = { .value = *value, .hasValue = true };
    opcua_sample(&data, want, rig->types, &rig->texts, &sample);
    return sample;
}

static struct sample of(struct rig *rig, void *value, unsigned type)
{
    UA_Variant variant;
    UA_Variant_setScalar(&variant, value, &UA_TYPES[type]);
    return sampled(rig, &variant, &all);
}

static struct sample of_array(struct rig *rig, void *values, size_t count, unsigned type,
                              const struct opcua_want *want)
{
    UA_Variant variant;
    UA_Variant_setArray(&variant, values, count, &UA_TYPES[type]);
    return sampled(rig, &variant, want);
}

static void is_int(struct sample sample, int64_t want)
{
    assert_int_equal(sample.quality, QUALITY_GOOD);
    assert_int_equal(sample.type, VALUE_INT);
    assert_true(sample.value.i == want);
}

static void is_text(struct sample sample, const char *want)
{
    assert_int_equal(sample.quality, QUALITY_GOOD);
    assert_int_equal(sample.type, VALUE_TEXT);
    assert_string_equal(sample.value.text->bytes, want);
    assert_int_equal(sample.value.text->size, strlen(want));
}

static void is_bad(struct sample sample, unsigned finding)
{
    assert_int_equal(sample.detail, finding);
    assert_int_equal(sample.type, VALUE_NONE);
    assert_int_equal(quality_class(sample.quality), QUALITY_CLASS_BAD);
}

static void integers(void **state)
{
    struct rig *rig = *state;
    UA_Boolean yes = true;
    struct sample sample = of(rig, &yes, UA_TYPES_BOOLEAN);
    assert_int_equal(sample.type, VALUE_BOOL);
    assert_true(sample.value.b);
    is_int(of(rig, &(UA_SByte){ -128 }, UA_TYPES_SBYTE), -128);
    is_int(of(rig, &(UA_Byte){ 255 }, UA_TYPES_BYTE), 255);
    is_int(of(rig, &(UA_Int16){ -32768 }, UA_TYPES_INT16), -32768);
    is_int(of(rig, &(UA_UInt16){ 65535 }, UA_TYPES_UINT16), 65535);
    is_int(of(rig, &(UA_Int32){ INT32_MIN }, UA_TYPES_INT32), INT32_MIN);
    is_int(of(rig, &(UA_UInt32){ UINT32_MAX }, UA_TYPES_UINT32), UINT32_MAX);
    is_int(of(rig, &(UA_Int64){ INT64_MIN }, UA_TYPES_INT64), INT64_MIN);
    is_int(of(rig, &(UA_UInt64){ INT64_MAX }, UA_TYPES_UINT64), INT64_MAX);
    is_bad(of(rig, &(UA_UInt64){ UINT64_MAX }, UA_TYPES_UINT64), OPCUA_FOUND_TOO_LARGE);
}

static void floats(void **state)
{
    struct rig *rig = *state;
    struct sample sample = of(rig, &(UA_Double){ 0.1 }, UA_TYPES_DOUBLE);
    assert_int_equal(sample.type, VALUE_DOUBLE);
    assert_true(sample.value.d == 0.1);
    sample = of(rig, &(UA_Float){ 21.5F }, UA_TYPES_FLOAT);
    assert_true(sample.value.d == 21.5);
    is_bad(of(rig, &(UA_Double){ NAN }, UA_TYPES_DOUBLE), OPCUA_FOUND_NOT_A_NUMBER);
    is_bad(of(rig, &(UA_Float){ -INFINITY }, UA_TYPES_FLOAT), OPCUA_FOUND_NOT_A_NUMBER);
}

static void texts(void **state)
{
    struct rig *rig = *state;
    UA_String text = UA_STRING("gr\xc3\xbc\xc3\x9f");
    is_text(of(rig, &text, UA_TYPES_STRING), "gr\xc3\xbc\xc3\x9f");
    text = UA_STRING_NULL;
    is_text(of(rig, &text, UA_TYPES_STRING), "");
    text = UA_STRING("a\xff");
    is_bad(of(rig, &text, UA_TYPES_STRING), OPCUA_FOUND_NOT_TEXT);
    static char longest[TEXT_BYTES_MAX + 2];
    memset(longest, 'x', TEXT_BYTES_MAX);
    text = UA_STRING(longest);
    is_text(of(rig, &text, UA_TYPES_STRING), longest);
    longest[TEXT_BYTES_MAX] = 'x';
    text = UA_STRING(longest);
    is_bad(of(rig, &text, UA_TYPES_STRING), OPCUA_FOUND_TOO_LONG);
    UA_LocalizedText localized = UA_LOCALIZEDTEXT("de", "Druck");
    is_text(of(rig, &localized, UA_TYPES_LOCALIZEDTEXT), "Druck");
    UA_QualifiedName name = UA_QUALIFIEDNAME(2, "Press");
    is_text(of(rig, &name, UA_TYPES_QUALIFIEDNAME), "Press");
    UA_ByteString bytes = { .length = 4, .data = (UA_Byte *)"foob" };
    is_text(of(rig, &bytes, UA_TYPES_BYTESTRING), "Zm9vYg==");
}

static void other_scalars(void **state)
{
    struct rig *rig = *state;
    UA_DateTime date = UA_DATETIME_UNIX_EPOCH;
    is_text(of(rig, &date, UA_TYPES_DATETIME), "1970-01-01T00:00:00Z");
    date = 0;
    is_text(of(rig, &date, UA_TYPES_DATETIME), "1601-01-01T00:00:00Z");
    date = INT64_C(2650467743999999999);
    is_text(of(rig, &date, UA_TYPES_DATETIME), "9999-12-31T23:59:59.999999Z");
    date++;
    is_bad(of(rig, &date, UA_TYPES_DATETIME), OPCUA_FOUND_DATE);
    date = -1;
    is_bad(of(rig, &date, UA_TYPES_DATETIME), OPCUA_FOUND_DATE);
    UA_Guid guid = {
        0xc496578a, 0x0dfe, 0x4b8f, { 0x87, 0x0a, 0x74, 0x52, 0x38, 0xc6, 0xae, 0xae }
    };
    is_text(of(rig, &guid, UA_TYPES_GUID), "c496578a-0dfe-4b8f-870a-745238c6aeae");
    UA_NodeId node = UA_NODEID_STRING(2, "Oil.Temp");
    is_text(of(rig, &node, UA_TYPES_NODEID), "ns=2;s=Oil.Temp");
    UA_ExpandedNodeId far = UA_EXPANDEDNODEID_NUMERIC(0, 85);
    far.namespaceUri = UA_STRING("urn:acme");
    far.serverIndex = 3;
    is_text(of(rig, &far, UA_TYPES_EXPANDEDNODEID), "svr=3;nsu=urn:acme;i=85");
    UA_StatusCode status = UA_STATUSCODE_BADNODEIDUNKNOWN;
    is_text(of(rig, &status, UA_TYPES_STATUSCODE), "BadNodeIdUnknown");
    status = 0x8fff0000;
    is_text(of(rig, &status, UA_TYPES_STATUSCODE), "0x8FFF0000");
    UA_DiagnosticInfo info = { .hasAdditionalInfo = true,
                               .hasSymbolicId = true,
                               .additionalInfo = UA_STRING("why") };
    is_text(of(rig, &info, UA_TYPES_DIAGNOSTICINFO), "\"why\"");
}

static void arrays(void **state)
{
    struct rig *rig = *state;
    UA_Double numbers[] = { 1, 2.5, NAN, -3 };
    is_text(of_array(rig, numbers, 4, UA_TYPES_DOUBLE, &all), "[1,2.5,null,-3]");
    is_text(of_array(rig, UA_EMPTY_ARRAY_SENTINEL, 0, UA_TYPES_DOUBLE, &all), "[]");
    UA_String words[] = { UA_STRING("a\"b"), UA_STRING_NULL };
    is_text(of_array(rig, words, 2, UA_TYPES_STRING, &all), "[\"a\\\"b\",\"\"]");
    UA_UInt64 large[] = { UINT64_MAX };
    is_text(of_array(rig, large, 1, UA_TYPES_UINT64, &all), "[18446744073709551615]");
    UA_Boolean flags[] = { true, false };
    is_text(of_array(rig, flags, 2, UA_TYPES_BOOLEAN, &all), "[true,false]");
    static UA_Int32 many[TEXT_BYTES_MAX];
    is_bad(of_array(rig, many, TEXT_BYTES_MAX, UA_TYPES_INT32, &all), OPCUA_FOUND_TOO_LONG);
}

static void ranges(void **state)
{
    struct rig *rig = *state;
    const struct opcua_want one = { .elements = 1 };
    const struct opcua_want three = { .elements = 3 };
    const struct opcua_want second = { .member = "[1]" };
    UA_Int32 numbers[] = { 7, 8, 9, 10 };
    is_int(of_array(rig, numbers, 1, UA_TYPES_INT32, &one), 7);
    is_bad(of_array(rig, numbers, 2, UA_TYPES_INT32, &one), OPCUA_FOUND_WRONG_SHAPE);
    is_text(of_array(rig, numbers, 3, UA_TYPES_INT32, &three), "[7,8,9]");
    is_text(of_array(rig, numbers, 2, UA_TYPES_INT32, &three), "[7,8]");
    is_bad(of_array(rig, numbers, 4, UA_TYPES_INT32, &three), OPCUA_FOUND_WRONG_SHAPE);
    is_bad(of_array(rig, UA_EMPTY_ARRAY_SENTINEL, 0, UA_TYPES_INT32, &three),
           OPCUA_FOUND_WRONG_SHAPE);
    is_int(of_array(rig, numbers, 4, UA_TYPES_INT32, &second), 8);
    is_bad(of_array(rig, numbers, 1, UA_TYPES_INT32, &second), OPCUA_FOUND_ABSENT);
    UA_Variant scalar;
    UA_Variant_setScalar(&scalar, &numbers[0], &UA_TYPES[UA_TYPES_INT32]);
    is_bad(sampled(rig, &scalar, &one), OPCUA_FOUND_WRONG_SHAPE);
    is_bad(sampled(rig, &scalar, &second), OPCUA_FOUND_NOT_A_STRUCTURE);
    UA_String text = UA_STRING("ell");
    UA_Variant_setScalar(&scalar, &text, &UA_TYPES[UA_TYPES_STRING]);
    is_text(sampled(rig, &scalar, &three), "ell");
}

static void matrices(void **state)
{
    struct rig *rig = *state;
    UA_Int32 numbers[] = { 1, 2, 3, 4, 5, 6 };
    UA_UInt32 dimensions[] = { 2, 3 };
    UA_Variant matrix;
    UA_Variant_setArray(&matrix, numbers, 6, &UA_TYPES[UA_TYPES_INT32]);
    matrix.arrayDimensions = dimensions;
    matrix.arrayDimensionsSize = 2;
    is_text(sampled(rig, &matrix, &all), "[[1,2,3],[4,5,6]]");
    const struct opcua_want fifth = { .member = "[4]" };
    is_int(sampled(rig, &matrix, &fifth), 5);
    UA_UInt32 three[] = { 1, 2, 3 };
    matrix.arrayDimensions = three;
    matrix.arrayDimensionsSize = 3;
    is_text(sampled(rig, &matrix, &all), "[[[1,2,3],[4,5,6]]]");
}

static void variants_in_variants(void **state)
{
    struct rig *rig = *state;
    UA_Int32 number = 5;
    UA_String text = UA_STRING("x");
    UA_Variant items[3];
    UA_Variant_setScalar(&items[0], &number, &UA_TYPES[UA_TYPES_INT32]);
    UA_Variant_setScalar(&items[1], &text, &UA_TYPES[UA_TYPES_STRING]);
    UA_Variant_init(&items[2]);
    is_text(of_array(rig, items, 3, UA_TYPES_VARIANT, &all), "[5,\"x\",null]");
    const struct opcua_want second = { .member = "[1]" };
    is_text(of_array(rig, items, 3, UA_TYPES_VARIANT, &second), "x");
    /* As deep as it goes, and one deeper. */
    UA_Variant nest[64];
    UA_Variant_setScalar(&nest[0], &number, &UA_TYPES[UA_TYPES_INT32]);
    for (size_t i = 1; i < 64; i++) {
        UA_Variant_setArray(&nest[i], &nest[i - 1], 1, &UA_TYPES[UA_TYPES_VARIANT]);
    }
    is_text(sampled(rig, &nest[3], &all), "[[[5]]]");
    is_bad(sampled(rig, &nest[60], &all), OPCUA_FOUND_TOO_DEEP);
}

static void structures_of_the_standard(void **state)
{
    struct rig *rig = *state;
    UA_Range range = { .low = -1.5, .high = 4 };
    UA_Variant value;
    UA_Variant_setScalar(&value, &range, &UA_TYPES[UA_TYPES_RANGE]);
    is_text(sampled(rig, &value, &all), "{\"Low\":-1.5,\"High\":4}");
    const struct opcua_want high = { .member = "High" };
    struct sample sample = sampled(rig, &value, &high);
    assert_int_equal(sample.type, VALUE_DOUBLE);
    assert_true(sample.value.d == 4);
    const struct opcua_want none = { .member = "Middle" };
    is_bad(sampled(rig, &value, &none), OPCUA_FOUND_NO_MEMBER);
    const struct opcua_want below = { .member = "High.X" };
    is_bad(sampled(rig, &value, &below), OPCUA_FOUND_NOT_A_STRUCTURE);
    UA_Range two[2] = { { 0, 1 }, { 2, 3 } };
    UA_Variant_setArray(&value, two, 2, &UA_TYPES[UA_TYPES_RANGE]);
    const struct opcua_want second = { .member = "[1].Low" };
    assert_true(sampled(rig, &value, &second).value.d == 2);
    UA_EnumValueType row = { .value = 3, .displayName = UA_LOCALIZEDTEXT("en", "three") };
    UA_Variant_setScalar(&value, &row, &UA_TYPES[UA_TYPES_ENUMVALUETYPE]);
    is_text(sampled(rig, &value, &all),
            "{\"Value\":3,\"DisplayName\":\"three\",\"Description\":\"\"}");
}

static void unknown_structures_stay_raw(void **state)
{
    struct rig *rig = *state;
    UA_ExtensionObject object;
    UA_ExtensionObject_init(&object);
    object.encoding = UA_EXTENSIONOBJECT_ENCODED_BYTESTRING;
    object.content.encoded.typeId = UA_NODEID_NUMERIC(2, 5001);
    object.content.encoded.body = (UA_ByteString){ .length = 3, .data = (UA_Byte *)"foo" };
    UA_Variant value;
    UA_Variant_setScalar(&value, &object, &UA_TYPES[UA_TYPES_EXTENSIONOBJECT]);
    struct sample sample = sampled(rig, &value, &all);
    is_text(sample, "{\"encoding\":\"ns=2;i=5001\",\"raw\":\"Zm9v\"}");
    assert_int_equal(sample.detail, OPCUA_FOUND_NO_DEFINITION);
    const struct opcua_want member = { .member = "X" };
    is_bad(sampled(rig, &value, &member), OPCUA_FOUND_NO_DEFINITION);
    object.encoding = UA_EXTENSIONOBJECT_ENCODED_NOBODY;
    is_text(sampled(rig, &value, &all), "null");
    is_bad(sampled(rig, &value, &member), OPCUA_FOUND_NULL_VALUE);
}

static void status_and_times(void **state)
{
    struct rig *rig = *state;
    struct sample sample = { 0 };
    UA_Int32 number = 7;
    UA_DataValue value = { .hasValue = true, .hasStatus = true };
    UA_Variant_setScalar(&value.value, &number, &UA_TYPES[UA_TYPES_INT32]);
    value.status = UA_STATUSCODE_UNCERTAINLASTUSABLEVALUE | 0x480;
    value.hasServerTimestamp = true;
    value.serverTimestamp = opcua_time_of(2000000);
    opcua_sample(&value, &all, rig->types, &rig->texts, &sample);
    assert_int_equal(sample.quality, QUALITY_UNCERTAIN);
    assert_int_equal(sample.detail, 0x4090);
    assert_int_equal(sample.type, VALUE_INT);
    assert_int_equal(sample.time_us, 2000000);
    value.hasSourceTimestamp = true;
    value.sourceTimestamp = opcua_time_of(1000000);
    value.status = UA_STATUSCODE_BADSENSORFAILURE;
    opcua_sample(&value, &all, rig->types, &rig->texts, &sample);
    assert_int_equal(sample.quality, QUALITY_FAULT);
    assert_int_equal(sample.detail, 0x808c);
    assert_int_equal(sample.type, VALUE_NONE);
    assert_int_equal(sample.time_us, 1000000);
    value.status = 0x480; /* good, with flags */
    opcua_sample(&value, &all, rig->types, &rig->texts, &sample);
    is_int(sample, 7);
    assert_int_equal(sample.detail, 0);
    value.hasValue = false;
    opcua_sample(&value, &all, rig->types, &rig->texts, &sample);
    is_bad(sample, OPCUA_FOUND_NULL_VALUE);
    value.hasValue = true;
    UA_Variant_init(&value.value);
    value.sourceTimestamp = 0;
    opcua_sample(&value, &all, rig->types, &rig->texts, &sample);
    is_bad(sample, OPCUA_FOUND_NULL_VALUE);
    assert_int_equal(sample.time_us, 0);
}

static void times(void **state)
{
    (void)state;
    assert_true(opcua_time_us(INT64_MAX) == 0);
    assert_true(opcua_time_us(INT64_MIN) == 0);
    assert_true(opcua_time_us(UA_DATETIME_UNIX_EPOCH) == 0);
    assert_true(opcua_time_us(UA_DATETIME_UNIX_EPOCH + 10) == 1);
    assert_true(opcua_time_us(INT64_C(2650467743999999999)) == INT64_C(253402300799999999));
    assert_true(opcua_time_us(INT64_C(2650467744000000000)) == 0);
    assert_true(opcua_time_of(INT64_MAX) == 0);
    assert_true(opcua_time_of(0) == 0);
    assert_true(opcua_time_us(opcua_time_of(INT64_C(1795000000123456))) ==
                INT64_C(1795000000123456));
}

/* Whatever cannot be had: a value or none, never half of one. */
static void without_memory(void **state)
{
    (void)state;
    UA_Double numbers[] = { 1.5, 2.5 };
    UA_EnumValueType row = { .value = 3, .displayName = UA_LOCALIZEDTEXT("en", "three") };
    UA_ByteString bytes = { .length = 4, .data = (UA_Byte *)"foob" };
    UA_Variant values[3];
    unsigned failed = 0;
    UA_Variant_setArray(&values[0], numbers, 2, &UA_TYPES[UA_TYPES_DOUBLE]);
    UA_Variant_setScalar(&values[1], &row, &UA_TYPES[UA_TYPES_ENUMVALUETYPE]);
    UA_Variant_setScalar(&values[2], &bytes, &UA_TYPES[UA_TYPES_BYTESTRING]);
    for (size_t i = 0; i < 3; i++) {
        for (long n = 1; n < 30; n++) {
            struct rig rig;
            arena_init(&rig.texts, 1 << 20);
            rig.types = opcua_types_new(NULL, NULL, NULL, NULL);
            alloc_fail_nth(n);
            struct sample sample = sampled(&rig, &values[i], &all);
            alloc_fail_nth(0);
            bool bad = quality_class(sample.quality) == QUALITY_CLASS_BAD;
            assert_int_equal(sample.type, bad ? VALUE_NONE : VALUE_TEXT);
            failed += bad;
            opcua_types_free(rig.types);
            arena_fini(&rig.texts);
        }
    }
    assert_true(failed > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(integers, begin, end),
        cmocka_unit_test_setup_teardown(floats, begin, end),
        cmocka_unit_test_setup_teardown(texts, begin, end),
        cmocka_unit_test_setup_teardown(other_scalars, begin, end),
        cmocka_unit_test_setup_teardown(arrays, begin, end),
        cmocka_unit_test_setup_teardown(ranges, begin, end),
        cmocka_unit_test_setup_teardown(matrices, begin, end),
        cmocka_unit_test_setup_teardown(variants_in_variants, begin, end),
        cmocka_unit_test_setup_teardown(structures_of_the_standard, begin, end),
        cmocka_unit_test_setup_teardown(unknown_structures_stay_raw, begin, end),
        cmocka_unit_test_setup_teardown(status_and_times, begin, end),
        cmocka_unit_test(times),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
