/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads: those of another encoder, our own there and back, what cannot be stored, what is broken. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "drivers/mqtt/sparkplug/payload.h"
#include "payload/wire.h"
#include "unit/drivers/mqtt/sparkplug/payload_vectors.h"

#define T_US (INT64_C(1732345678901) * 1000)

static struct bytes from_hex(const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *data = malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(str_hex_digit(hex[2 * i]) << 4 | str_hex_digit(hex[2 * i + 1]));
    }
    struct bytes copy = bytes_dup(data, size);
    free(data);
    return copy;
}

/* "Temps/Supply=21.5 Float" */
static void print_metric(const struct sparkplug_metric *metric, struct buf *out)
{
    char text[64];
    (void)buf_printf(out, "%.*s=", (int)metric->name_size,
                     metric->name != NULL ? metric->name : "");
    switch (metric->kind) {
    case SPARKPLUG_IS_BOOL: (void)buf_append_text(out, metric->value.b ? "true" : "false"); break;
    case SPARKPLUG_IS_INT: (void)buf_printf(out, "%lld", (long long)metric->value.i); break;
    case SPARKPLUG_IS_DOUBLE:
        (void)str_format_double(text, sizeof(text), metric->value.d);
        (void)buf_append_text(out, text);
        break;
    case SPARKPLUG_IS_TEXT:
        (void)buf_printf(out, "'%.*s'", (int)metric->size, metric->value.text);
        break;
    default: (void)buf_append_text(out, metric->null ? "null" : metric->why); break;
    }
    (void)buf_printf(out, " %s", sparkplug_datatype_word(metric->datatype));
}

static void assert_metric(const struct sparkplug_metric *metric, const char *meant)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    print_metric(metric, &out);
    assert_string_equal(buf_text(&out), meant);
    buf_fini(&out);
}

static void assert_text(const char *text, uint32_t size, const char *meant)
{
    assert_non_null(text);
    assert_int_equal(size, strlen(meant));
    assert_memory_equal(text, meant, size);
}

static void a_birth_of_another_encoder(void **state)
{
    (void)state;
    struct sparkplug_reader *reader = sparkplug_reader_new();
    struct bytes in = from_hex(made_birth);
    struct sparkplug_payload payload;
    struct err err = { 0 };
    assert_int_equal(sparkplug_payload_read(reader, in, &payload, &err), 0);
    assert_int_equal(payload.time_us, T_US);
    assert_true(payload.has_seq);
    assert_int_equal(payload.seq, 0);
    assert_int_equal(payload.count, 4);
    const struct sparkplug_metric *metrics = payload.metrics;
    assert_metric(&metrics[0], "bdSeq=3 UInt64");
    assert_metric(&metrics[1], "Node Control/Rebirth=false Boolean");
    assert_metric(&metrics[2], "Temps/Supply=21.5 Float");
    assert_metric(&metrics[3], "State=-300 Int16");
    assert_true(metrics[2].has_alias && metrics[2].alias == 7 && !metrics[1].has_alias);
    assert_text(metrics[2].units, metrics[2].units_size,
                "\xc2\xb0"
                "C");
    assert_true(metrics[2].has_quality && metrics[2].quality == SPARKPLUG_GOOD);
    assert_true(metrics[3].has_quality && metrics[3].quality == 500);
    assert_int_equal(metrics[1].quality, SPARKPLUG_GOOD);
    assert_int_equal(metrics[3].time_us, T_US - 1000000);
    bytes_fini(&in);
    sparkplug_reader_free(reader);
}

static void each_type_of_another_encoder(void **state)
{
    static const char *const meant[] = {
        "i8=-5 Int8",
        "i16=-30000 Int16",
        "i32=-2000000000 Int32",
        "i64=-5000000000 Int64",
        "u8=200 UInt8",
        "u16=60000 UInt16",
        "u32=4000000000 UInt32",
        "u64=5000000000 UInt64",
        "f=0.5 Float",
        "d=0.1 Double",
        "b=true Boolean",
        "s='K\303\274che' String", /* octal: after \xbc a c would be a digit */
        "dt='2024-11-23T07:07:58.901000Z' DateTime",
        "tx='long text' Text",
        "uu='123e4567-e89b-12d3-a456-426614174000' UUID",
        "by='AQID+g==' Bytes",
        "fi='ZmlsZQ==' File",
        "n=null Int32",
        "h=4 Int32",
        "tr=null Int32", /* that encoder writes null where it means transient */
    };
    (void)state;
    struct sparkplug_reader *reader = sparkplug_reader_new();
    struct bytes in = from_hex(made_types);
    struct sparkplug_payload payload;
    assert_int_equal(sparkplug_payload_read(reader, in, &payload, NULL), 0);
    assert_int_equal(payload.seq, 255);
    assert_int_equal(payload.count, sizeof(meant) / sizeof(meant[0]));
    for (size_t i = 0; i < payload.count - 1; i++) {
        assert_metric(&payload.metrics[i], meant[i]);
    }
    assert_true(payload.metrics[18].historical);
    assert_int_equal(payload.metrics[18].time_us, T_US - 60000000);
    bytes_fini(&in);
    sparkplug_reader_free(reader);
}

static void assert_one(const char *hex, const char *meant)
{
    struct sparkplug_reader *reader = sparkplug_reader_new();
    struct bytes in = from_hex(hex);
    struct sparkplug_payload payload;
    struct err err = { 0 };
    if (sparkplug_payload_read(reader, in, &payload, &err) != 0) {
        fail_msg("%s: %s", hex, err.message);
    }
    assert_int_equal(payload.count, 1);
    assert_metric(&payload.metrics[0], meant);
    bytes_fini(&in);
    sparkplug_reader_free(reader);
}

static void values_with_parts_become_json(void **state)
{
    (void)state;
    assert_one(made_dataset, "ds='{\"columns\":[\"a\",\"b\",\"c\"],\"rows\":[[1,\"x\",1.5],"
                             "[-2,\"y\",2.25]]}' DataSet");
    assert_one(made_template,
               "motor='{\"version\":\"1.0\",\"ref\":\"Motor\",\"parameters\":{\"rating\":5},"
               "\"metrics\":{\"speed\":1480,\"on\":true}}' Template");
}

static void put_array(struct buf *out, uint32_t datatype, const char *hex)
{
    struct bytes data = from_hex(hex);
    struct buf metric;
    buf_init(&metric, 4096);
    payload_wire_put_bytes(&metric, 1, "a", 1);
    payload_wire_put_varint(&metric, 4, datatype);
    payload_wire_put_bytes(&metric, 16, data.at, bytes_left(&data));
    payload_wire_put_bytes(out, 2, metric.data, metric.size);
    buf_fini(&metric);
    bytes_fini(&data);
}

/* Section 6.4.17 of the specification: its examples, and arrays that are broken. */
static void arrays_become_json(void **state)
{
    static const struct {
        uint32_t datatype;
        const char *hex, *meant;
    } rows[] = {
        { SPARKPLUG_INT8_ARRAY, "e97b", "a='[-23,123]' Int8Array" },
        { SPARKPLUG_INT16_ARRAY, "d08a3075", "a='[-30000,30000]' Int16Array" },
        { SPARKPLUG_INT32_ARRAY, "fffffffffaafcb12", "a='[-1,315338746]' Int32Array" },
        { SPARKPLUG_INT64_ARRAY, "ffffffffffffffff", "a='[-1]' Int64Array" },
        { SPARKPLUG_UINT8_ARRAY, "17fa", "a='[23,250]' UInt8Array" },
        { SPARKPLUG_UINT16_ARRAY, "1e0088cc", "a='[30,52360]' UInt16Array" },
        { SPARKPLUG_UINT32_ARRAY, "34000000f3a70fbc", "a='[52,3155142643]' UInt32Array" },
        { SPARKPLUG_UINT64_ARRAY, "ffffffffffffffff", "a='[18446744073709551615]' UInt64Array" },
        { SPARKPLUG_FLOAT_ARRAY, "0000803f0000c0bf", "a='[1,-1.5]' FloatArray" },
        { SPARKPLUG_DOUBLE_ARRAY, "9a9999999999b93f", "a='[0.1]' DoubleArray" },
        { SPARKPLUG_BOOLEAN_ARRAY, "0c00000034d0",
          "a='[false,false,true,true,false,true,false,false,true,true,false,true]' BooleanArray" },
        { SPARKPLUG_STRING_ARRAY,
          "41424300"
          "68656c6c6f00",
          "a='[\"ABC\",\"hello\"]' StringArray" },
        { SPARKPLUG_DATETIME_ARRAY, "c7d0907524010000b8bab89781010000",
          "a='[1256102875335,1656107875000]' DateTimeArray" },
        { SPARKPLUG_INT8_ARRAY, "", "a='[]' Int8Array" },
        { SPARKPLUG_INT16_ARRAY, "d08a30", "a=the value is broken Int16Array" },
        { SPARKPLUG_BOOLEAN_ARRAY, "0c0000", "a=the value is broken BooleanArray" },
        { SPARKPLUG_BOOLEAN_ARRAY, "ffffffff34", "a=the value is broken BooleanArray" },
        { SPARKPLUG_STRING_ARRAY, "4142", "a=the value is broken StringArray" },
        { SPARKPLUG_STRING_ARRAY, "ff00", "a=the value is broken StringArray" },
        { SPARKPLUG_PROPERTY_SET, "00", "a=values of this data type cannot be stored PropertySet" },
        { 99, "00", "a=values of this data type cannot be stored unknown" },
        { SPARKPLUG_INT8, "00", "a=the value is not of its data type Int8" },
        { SPARKPLUG_STRING, "00", "a=the value is not of its data type String" },
        { SPARKPLUG_DATASET, "00", "a=the value is broken DataSet" },
    };
    (void)state;
    struct sparkplug_reader *reader = sparkplug_reader_new();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sparkplug_payload payload;
        struct buf bytes;
        buf_init(&bytes, 4096);
        put_array(&bytes, rows[i].datatype, rows[i].hex);
        struct bytes in = bytes_dup(bytes.data, bytes.size);
        assert_int_equal(sparkplug_payload_read(reader, in, &payload, NULL), 0);
        assert_metric(&payload.metrics[0], rows[i].meant);
        bytes_fini(&in);
        buf_fini(&bytes);
    }
    sparkplug_reader_free(reader);
}

/* A template in a template in ...: refused with its reason, and the writer of JSON is whole. */
static void templates_are_nested_so_deep_only(void **state)
{
    (void)state;
    struct buf inner;
    struct buf outer;
    struct sparkplug_payload payload;
    struct sparkplug_reader *reader = sparkplug_reader_new();
    buf_init(&inner, 1 << 16);
    buf_init(&outer, 1 << 16);
    for (int depth = 0; depth < SPARKPLUG_NESTED_MAX + 1; depth++) {
        buf_clear(&outer); /* a metric of what is in `inner` */
        payload_wire_put_bytes(&outer, 1, "t", 1);
        payload_wire_put_varint(&outer, 4, SPARKPLUG_TEMPLATE);
        payload_wire_put_bytes(&outer, 18, inner.data, inner.size);
        buf_clear(&inner); /* in a template, or in the end the payload: the field is 2 in both */
        payload_wire_put_bytes(&inner, 2, outer.data, outer.size);
        assert_int_equal(
            sparkplug_payload_read(reader, bytes_of(inner.data, inner.size), &payload, NULL), 0);
        assert_int_equal(payload.metrics[0].kind,
                         depth < SPARKPLUG_NESTED_MAX ? SPARKPLUG_IS_TEXT : SPARKPLUG_NONE);
    }
    assert_string_equal(payload.metrics[0].why, "templates are nested too deep");
    buf_fini(&inner);
    buf_fini(&outer);
    sparkplug_reader_free(reader);
}

static struct sparkplug_metric whole(const char *name, uint32_t datatype, int64_t value)
{
    return (struct sparkplug_metric){ .name = name,
                                      .name_size = (uint32_t)strlen(name),
                                      .datatype = datatype,
                                      .kind = SPARKPLUG_IS_INT,
                                      .value.i = value };
}

static struct sparkplug_metric text(const char *name, uint32_t datatype, const char *value)
{
    struct sparkplug_metric metric = whole(name, datatype, 0);
    metric.kind = SPARKPLUG_IS_TEXT;
    metric.value.text = value;
    metric.size = (uint32_t)strlen(value);
    return metric;
}

static void what_is_put_is_read(void **state)
{
    (void)state;
    struct sparkplug_metric metrics[] = {
        whole("i8", SPARKPLUG_INT8, -128),
        whole("i16", SPARKPLUG_INT16, -32768),
        whole("i32", SPARKPLUG_INT32, INT32_MIN),
        whole("i64", SPARKPLUG_INT64, INT64_MIN),
        whole("u8", SPARKPLUG_UINT8, 255),
        whole("u16", SPARKPLUG_UINT16, 65535),
        whole("u32", SPARKPLUG_UINT32, UINT32_MAX),
        whole("u64", SPARKPLUG_UINT64, INT64_MAX),
        whole("f", SPARKPLUG_FLOAT, 3),
        whole("d", SPARKPLUG_DOUBLE, 4),
        whole("b", SPARKPLUG_BOOLEAN, 1),
        whole("dt", SPARKPLUG_DATETIME, 0),
        text("s", SPARKPLUG_STRING, "x"),
        text("by", SPARKPLUG_BYTES, "x"),
        whole("any", 0, -7),
        text("any", 0, "t"),
    };
    static const char *const meant[] = {
        "i8=-128 Int8",
        "i16=-32768 Int16",
        "i32=-2147483648 Int32",
        "i64=-9223372036854775808 Int64",
        "u8=255 UInt8",
        "u16=65535 UInt16",
        "u32=4294967295 UInt32",
        "u64=9223372036854775807 UInt64",
        "f=3 Float",
        "d=4 Double",
        "b=true Boolean",
        "dt='1970-01-01T00:00:00Z' DateTime",
        "s='x' String",
        "by='eA==' Bytes",
        "any=-7 unknown",
        "any='t' unknown",
    };
    metrics[0].has_alias = true;
    metrics[0].alias = 1000;
    metrics[0].has_quality = true;
    metrics[0].quality = 500;
    metrics[0].units = "kW";
    metrics[0].units_size = 2;
    metrics[0].time_us = T_US;
    metrics[0].historical = true;
    struct sparkplug_payload put = { .time_us = T_US + 5000,
                                     .has_seq = true,
                                     .seq = 200,
                                     .metrics = metrics,
                                     .count = sizeof(metrics) / sizeof(metrics[0]) };
    struct sparkplug_payload got;
    struct buf out;
    struct sparkplug_reader *reader = sparkplug_reader_new();
    buf_init(&out, 1 << 16);
    assert_int_equal(sparkplug_payload_put(&out, &put), 0);
    struct bytes in = bytes_dup(out.data, out.size);
    assert_int_equal(sparkplug_payload_read(reader, in, &got, NULL), 0);
    assert_int_equal(got.seq, 200);
    assert_int_equal(got.count, put.count);
    for (size_t i = 0; i < got.count; i++) {
        assert_metric(&got.metrics[i], meant[i]);
    }
    assert_true(got.metrics[0].has_alias && got.metrics[0].alias == 1000 &&
                got.metrics[0].historical && got.metrics[0].quality == 500);
    assert_text(got.metrics[0].units, got.metrics[0].units_size, "kW");
    assert_int_equal(got.metrics[0].time_us, T_US);
    assert_int_equal(got.metrics[1].time_us, T_US + 5000);
    bytes_fini(&in);
    buf_fini(&out);
    sparkplug_reader_free(reader);
}

static void writes_are_checked(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct sparkplug_metric metric = whole("a", SPARKPLUG_INT8, 128);
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_ERANGE);
    assert_non_null(strstr(err.message, "Int8"));
    metric.value.i = 127;
    assert_int_equal(sparkplug_metric_check(&metric, &err), 0);
    metric = whole("a", SPARKPLUG_UINT64, -1);
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_ERANGE);
    metric = whole("a", SPARKPLUG_BOOLEAN, 2);
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_EWRONGTYPE);
    metric = whole("a", SPARKPLUG_STRING, 2);
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_EWRONGTYPE);
    metric = text("a", SPARKPLUG_INT8, "5");
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_EWRONGTYPE);
    metric = whole("a", SPARKPLUG_DATASET, 2);
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_EUNSUPPORTED);
    metric = whole("a", SPARKPLUG_INT16, 0);
    metric.kind = SPARKPLUG_IS_DOUBLE;
    metric.value.d = 2.5;
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_ERANGE);
    metric.value.d = -2;
    assert_int_equal(sparkplug_metric_check(&metric, &err), 0);
    metric.value.d = 0.57 * 100; /* 56.999999999999993 */
    assert_true(metric.value.d != 57);
    assert_int_equal(sparkplug_metric_check(&metric, &err), 0);
    metric.value.d = 57.001;
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_ERANGE);
    metric.value.d = NAN;
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_ERANGE);
    metric.datatype = SPARKPLUG_FLOAT;
    metric.value.d = 1e300;
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_ERANGE);
    metric.datatype = SPARKPLUG_UINT64;
    metric.value.d = 0x1p63;
    assert_int_equal(sparkplug_metric_check(&metric, &err), 0);
    metric.kind = SPARKPLUG_NONE;
    assert_int_equal(sparkplug_metric_check(&metric, &err), BUSBAR_EWRONGTYPE);
}

static void commands_and_state(void **state)
{
    (void)state;
    struct buf out;
    struct sparkplug_payload payload;
    struct sparkplug_reader *reader = sparkplug_reader_new();
    buf_init(&out, 4096);
    assert_int_equal(sparkplug_put_rebirth(&out, T_US), 0);
    assert_int_equal(sparkplug_payload_read(reader, bytes_of(out.data, out.size), &payload, NULL),
                     0);
    assert_false(payload.has_seq);
    assert_metric(&payload.metrics[0], "Node Control/Rebirth=true Boolean");
    buf_clear(&out);
    assert_int_equal(sparkplug_put_state(&out, true, T_US), 0);
    assert_string_equal(buf_text(&out), "{\"online\":true,\"timestamp\":1732345678901}");
    buf_fini(&out);
    sparkplug_reader_free(reader);
}

/* The values are made anew when their type is known. */
static void types_are_told_later(void **state)
{
    (void)state;
    struct sparkplug_reader *reader = sparkplug_reader_new();
    struct sparkplug_payload payload;
    struct bytes in = from_hex("1208100850d4fdffff0f"); /* alias 8, int value -300 as 32 bits */
    assert_int_equal(sparkplug_payload_read(reader, in, &payload, NULL), 0);
    assert_metric(&payload.metrics[0], "=4294966996 unknown");
    payload.metrics[0].datatype = SPARKPLUG_INT16;
    sparkplug_metric_settle(reader, &payload.metrics[0]);
    assert_metric(&payload.metrics[0], "=-300 Int16");
    bytes_fini(&in);
    sparkplug_reader_free(reader);
}

static void what_is_broken_is_refused(void **state)
{
    static const char *const hexes[] = {
        "0a00",             /* the time as bytes */
        "1002",             /* metrics as a number */
        "1a00",             /* seq as bytes */
        "12020a05",         /* a name that is cut off */
        "12030a01ff",       /* that is not UTF-8 */
        "12030a0100",       /* with a zero */
        "12020801",         /* that is a number */
        "7b226f6e6c696e65", /* JSON */
    };
    (void)state;
    struct sparkplug_reader *reader = sparkplug_reader_new();
    for (size_t i = 0; i < sizeof(hexes) / sizeof(hexes[0]); i++) {
        struct bytes in = from_hex(hexes[i]);
        struct sparkplug_payload payload;
        struct err err = { 0 };
        if (sparkplug_payload_read(reader, in, &payload, &err) != BUSBAR_EPROTO) {
            fail_msg("%s is read", hexes[i]);
        }
        assert_int_equal(payload.count, 0);
        assert_true(err.message[0] != '\0' && err.hint[0] != '\0');
        bytes_fini(&in);
    }
    sparkplug_reader_free(reader);
}

static void every_prefix_and_every_bit(void **state)
{
    static const char *const hexes[] = { made_birth, made_types, made_dataset, made_template };
    (void)state;
    struct sparkplug_reader *reader = sparkplug_reader_new();
    struct buf out;
    int refused = 0;
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < sizeof(hexes) / sizeof(hexes[0]); i++) {
        struct bytes whole_one = from_hex(hexes[i]);
        size_t size = bytes_left(&whole_one);
        for (size_t at = 0; at < size + 8 * size; at++) {
            struct bytes in = bytes_dup(whole_one.start, at < size ? at : size);
            struct sparkplug_payload payload;
            if (at >= size) {
                ((uint8_t *)(uintptr_t)in.start)[(at - size) / 8] ^= (uint8_t)(1
                                                                               << (at - size) % 8);
            }
            refused += sparkplug_payload_read(reader, in, &payload, NULL) != 0;
            for (size_t j = 0; j < payload.count; j++) {
                buf_clear(&out);
                print_metric(&payload.metrics[j], &out);
            }
            bytes_fini(&in);
        }
        bytes_fini(&whole_one);
    }
    assert_true(refused > 500);
    buf_fini(&out);
    sparkplug_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_birth_of_another_encoder),
        cmocka_unit_test(each_type_of_another_encoder),
        cmocka_unit_test(values_with_parts_become_json),
        cmocka_unit_test(arrays_become_json),
        cmocka_unit_test(templates_are_nested_so_deep_only),
        cmocka_unit_test(what_is_put_is_read),
        cmocka_unit_test(writes_are_checked),
        cmocka_unit_test(commands_and_state),
        cmocka_unit_test(types_are_told_later),
        cmocka_unit_test(what_is_broken_is_refused),
        cmocka_unit_test(every_prefix_and_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
