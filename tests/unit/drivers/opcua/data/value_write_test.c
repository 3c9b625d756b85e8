/* SPDX-License-Identifier: Apache-2.0 */
/* Samples into what a node takes, and back again. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/err.h"
#include "drivers/opcua/data/types.h"
#include "drivers/opcua/data/value.h"
#include "model/quality.h"

static const struct opcua_want all = { 0 };

static struct sample of_int(int64_t value)
{
    return (struct sample){ .type = VALUE_INT, .value.i = value };
}

static struct sample of_double(double value)
{
    return (struct sample){ .type = VALUE_DOUBLE, .value.d = value };
}

static struct sample of_text(const char *value)
{
    return (struct sample){ .type = VALUE_TEXT, .value.text = text_new(value, strlen(value)) };
}

static int make(struct sample sample, const struct opcua_want *want, uint32_t type, int32_t rank,
                UA_Variant *out)
{
    const UA_NodeId id = UA_NODEID_NUMERIC(0, type);
    int error = opcua_variant(&sample, want, &id, NULL, rank, NULL, out);
    if (sample.type == VALUE_TEXT) {
        busbar_free((void *)(uintptr_t)sample.value.text);
    }
    return error;
}

/* It is what it should be on the wire, and reads back as `text`. */
static void takes(struct sample sample, uint32_t type, const char *text)
{
    UA_Variant out;
    struct arena texts;
    struct sample back = { 0 };
    struct buf printed;
    arena_init(&texts, 1 << 16);
    buf_init(&printed, 1 << 13);
    assert_int_equal(make(sample, &all, type, -1, &out), 0);
    assert_true(UA_Variant_hasScalarType(&out, &UA_TYPES[type - 1]));
    UA_DataValue value = { .value = out, .hasValue = true };
    opcua_sample(&value, &all, NULL, &texts, &back);
    assert_int_equal(back.quality, QUALITY_GOOD);
    value_print(back.type, back.value, &printed);
    assert_string_equal(buf_text(&printed), text);
    UA_Variant_clear(&out);
    arena_fini(&texts);
    buf_fini(&printed);
}

static void refuses(struct sample sample, uint32_t type, int error)
{
    UA_Variant out;
    assert_int_equal(make(sample, &all, type, -1, &out), error);
    assert_true(UA_Variant_isEmpty(&out));
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        int64_t min, max;
        const char *least, *most;
    } rows[] = {
        { 2, INT8_MIN, INT8_MAX, "-128", "127" },
        { 3, 0, UINT8_MAX, "0", "255" },
        { 4, INT16_MIN, INT16_MAX, "-32768", "32767" },
        { 5, 0, UINT16_MAX, "0", "65535" },
        { 6, INT32_MIN, INT32_MAX, "-2147483648", "2147483647" },
        { 7, 0, UINT32_MAX, "0", "4294967295" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        takes(of_int(rows[i].min), rows[i].type, rows[i].least);
        takes(of_int(rows[i].max), rows[i].type, rows[i].most);
        refuses(of_int(rows[i].min - 1), rows[i].type, BUSBAR_ERANGE);
        refuses(of_int(rows[i].max + 1), rows[i].type, BUSBAR_ERANGE);
        takes(of_double((double)rows[i].max - 0.4), rows[i].type, rows[i].most);
        refuses(of_double((double)rows[i].max + 0.6), rows[i].type, BUSBAR_ERANGE);
        refuses(of_double(NAN), rows[i].type, BUSBAR_ERANGE);
        refuses(of_text("5"), rows[i].type, BUSBAR_EWRONGTYPE);
    }
    takes(of_int(INT64_MIN), 8, "-9223372036854775808");
    takes(of_int(INT64_MAX), 9, "9223372036854775807");
    refuses(of_int(-1), 9, BUSBAR_ERANGE);
    refuses(of_double(1e19), 8, BUSBAR_ERANGE);
    takes(of_int(1), 1, "true");
    refuses(of_int(2), 1, BUSBAR_ERANGE);
    takes(of_double(21.5), 10, "21.5");
    takes(of_int(3), 10, "3");
    refuses(of_double(1e300), 10, BUSBAR_ERANGE);
    takes(of_double(1e300), 11, "1e+300");
    refuses(of_double(INFINITY), 11, BUSBAR_ERANGE);
}

static void texts_of_types(void **state)
{
    (void)state;
    takes(of_text("gr\xc3\xbc\xc3\x9f"), 12, "gr\xc3\xbc\xc3\x9f");
    takes(of_text(""), 12, "");
    takes(of_text("2026-11-22T10:00:00.5+01:00"), 13, "2026-11-22T09:00:00.500000Z");
    refuses(of_text("yesterday"), 13, BUSBAR_EINVAL);
    refuses(of_text("1500-01-01T00:00:00Z"), 13, BUSBAR_ERANGE);
    takes(of_text("C496578A-0DFE-4B8F-870A-745238C6AEAE"), 14,
          "c496578a-0dfe-4b8f-870a-745238c6aeae");
    refuses(of_text("C496578A"), 14, BUSBAR_EINVAL);
    takes(of_text("Zm9vYg=="), 15, "Zm9vYg==");
    refuses(of_text("Zm9"), 15, BUSBAR_EINVAL);
    takes(of_text("ns=2;s=Oil"), 17, "ns=2;s=Oil");
    refuses(of_text("Oil"), 17, BUSBAR_EINVAL);
    refuses(of_text("nsu=urn:nowhere;i=1"), 17, BUSBAR_EINVAL);
    takes(of_text("Druck"), 21, "Druck");
    refuses(of_int(5), 12, BUSBAR_EWRONGTYPE);
    refuses(of_text("x"), 20, BUSBAR_EUNSUPPORTED);
    refuses(of_text("x"), 22, BUSBAR_EUNSUPPORTED);
    refuses((struct sample){ 0 }, 6, BUSBAR_EWRONGTYPE);
}

static void any_type(void **state)
{
    (void)state;
    UA_Variant out;
    const UA_NodeId number = UA_NODEID_NUMERIC(0, 26);
    const UA_NodeId unsigned32 = UA_NODEID_NUMERIC(0, 7);
    struct sample sample = of_int(5);
    assert_int_equal(opcua_variant(&sample, &all, &number, &unsigned32, -1, NULL, &out), 0);
    assert_true(UA_Variant_hasScalarType(&out, &UA_TYPES[UA_TYPES_UINT32]));
    UA_Variant_clear(&out);
    assert_int_equal(opcua_variant(&sample, &all, &number, &UA_NODEID_NULL, -1, NULL, &out), 0);
    assert_true(UA_Variant_hasScalarType(&out, &UA_TYPES[UA_TYPES_INT32]));
    UA_Variant_clear(&out);
    sample = of_int(INT64_MAX);
    assert_int_equal(opcua_variant(&sample, &all, &number, NULL, -2, NULL, &out), 0);
    assert_true(UA_Variant_hasScalarType(&out, &UA_TYPES[UA_TYPES_INT64]));
    UA_Variant_clear(&out);
    /* A type that nobody tells of: what the value is now. */
    const UA_NodeId foreign = UA_NODEID_NUMERIC(4, 3001);
    sample = of_int(7);
    assert_int_equal(opcua_variant(&sample, &all, &foreign, NULL, -1, NULL, &out),
                     BUSBAR_EUNSUPPORTED);
    assert_int_equal(opcua_variant(&sample, &all, &foreign, &unsigned32, -1, NULL, &out), 0);
    assert_true(UA_Variant_hasScalarType(&out, &UA_TYPES[UA_TYPES_UINT32]));
    UA_Variant_clear(&out);
    const struct opcua_want member = { .member = "X" };
    assert_int_equal(opcua_variant(&sample, &member, &unsigned32, NULL, -1, NULL, &out),
                     BUSBAR_EUNSUPPORTED);
}

static void arrays(void **state)
{
    (void)state;
    const struct opcua_want one = { .elements = 1 };
    const struct opcua_want two = { .elements = 2 };
    UA_Variant out;
    assert_int_equal(make(of_text("[1, -2, 3]"), &all, 6, 1, &out), 0);
    assert_true(UA_Variant_hasArrayType(&out, &UA_TYPES[UA_TYPES_INT32]));
    assert_int_equal(out.arrayLength, 3);
    assert_int_equal(((UA_Int32 *)out.data)[1], -2);
    UA_Variant_clear(&out);
    assert_int_equal(make(of_text("[]"), &all, 6, 1, &out), 0);
    assert_true(UA_Variant_hasArrayType(&out, &UA_TYPES[UA_TYPES_INT32]));
    UA_Variant_clear(&out);
    assert_int_equal(make(of_text("[\"a\",\"b\"]"), &two, 12, 1, &out), 0);
    assert_int_equal(out.arrayLength, 2);
    UA_Variant_clear(&out);
    assert_int_equal(make(of_text("[\"a\",\"b\",\"c\"]"), &two, 12, 1, &out), BUSBAR_ERANGE);
    assert_int_equal(make(of_text("[1,\"b\"]"), &all, 12, 1, &out), BUSBAR_EWRONGTYPE);
    assert_int_equal(make(of_text("[1,300]"), &all, 3, 1, &out), BUSBAR_ERANGE);
    assert_int_equal(make(of_text("[[1]]"), &all, 3, 1, &out), BUSBAR_EINVAL);
    assert_int_equal(make(of_text("[1"), &all, 3, 1, &out), BUSBAR_EINVAL);
    assert_int_equal(make(of_text("{}"), &all, 3, 1, &out), BUSBAR_EINVAL);
    assert_int_equal(make(of_int(1), &all, 3, 1, &out), BUSBAR_EWRONGTYPE);
    assert_int_equal(make(of_text("[1]"), &all, 3, 2, &out), BUSBAR_EUNSUPPORTED);
    /* One element of an array is an array of one. */
    assert_int_equal(make(of_int(9), &one, 3, 1, &out), 0);
    assert_true(UA_Variant_hasArrayType(&out, &UA_TYPES[UA_TYPES_BYTE]));
    assert_int_equal(out.arrayLength, 1);
    UA_Variant_clear(&out);
    assert_int_equal(make(of_text("x"), &one, 12, 1, &out), 0);
    assert_int_equal(out.arrayLength, 1);
    UA_Variant_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(texts_of_types),
        cmocka_unit_test(any_type),
        cmocka_unit_test(arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
