/* SPDX-License-Identifier: Apache-2.0 */
/* Every application datatype into each type of point, and what is written for a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "drivers/bacnet/bacnet_detail.h"
#include "drivers/bacnet/bacnet_value.h"
#include "drivers/bacnet/wire/numbers.h"
#include "drivers/bacnet/wire/tag.h"
#include "model/quality.h"

static struct text *text;

static int fini(void **state)
{
    (void)state;
    busbar_free(text);
    text = NULL;
    return 0;
}

static struct sample get(uint8_t value_type, uint32_t property, struct bytes elements,
                         struct bacnet_seen *seen)
{
    struct bacnet_target target = { .object = (uint32_t)BACNET_ANALOG_VALUE << 22 | 1,
                                    .property = property,
                                    .index = BACNET_INDEX_ALL,
                                    .value_type = value_type };
    struct sample sample;
    struct bacnet_seen unused;
    bacnet_value_get(&target, elements, &sample, &text, seen != NULL ? seen : &unused);
    return sample;
}

static struct sample get_value(uint8_t value_type, const struct bacnet_value *value)
{
    uint8_t data[64];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    bacnet_put_value(&out, BACNET_APPLICATION, value);
    return get(value_type, BACNET_PROP_PRESENT_VALUE, bytes_of(data, bytes_out_size(&out)), NULL);
}

static void numbers_in(void **state)
{
    static const struct {
        struct bacnet_value value;
        double number;
        bool whole, truth; /* also an int; also a bool */
    } rows[] = {
        { { .type = BACNET_BOOLEAN, .as.boolean = true }, 1, true, true },
        { { .type = BACNET_UNSIGNED, .as.number = 0 }, 0, true, true },
        { { .type = BACNET_UNSIGNED, .as.number = 4711 }, 4711, true, false },
        { { .type = BACNET_SIGNED, .as.integer = -5 }, -5, true, false },
        { { .type = BACNET_REAL, .as.real = 21.5F }, 21.5, false, false },
        { { .type = BACNET_REAL, .as.real = 3 }, 3, true, false },
        { { .type = BACNET_DOUBLE, .as.real64 = 0.125 }, 0.125, false, false },
        { { .type = BACNET_ENUMERATED, .as.number = 1 }, 1, true, true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sample sample = get_value(VALUE_DOUBLE, &rows[i].value);
        assert_int_equal(sample.quality, QUALITY_GOOD);
        assert_int_equal(sample.type, VALUE_DOUBLE);
        assert_true(sample.value.d == rows[i].number);
        sample = get_value(VALUE_INT, &rows[i].value);
        assert_int_equal(sample.type, rows[i].whole ? VALUE_INT : VALUE_NONE);
        if (rows[i].whole) {
            assert_int_equal(sample.value.i, (int64_t)rows[i].number);
        } else {
            assert_int_equal(sample.quality, QUALITY_DECODE);
            assert_int_equal(sample.detail, BACNET_DETAIL_WRONG_TYPE);
        }
        sample = get_value(VALUE_BOOL, &rows[i].value);
        assert_int_equal(sample.type, rows[i].truth ? VALUE_BOOL : VALUE_NONE);
    }
}

static void no_numbers(void **state)
{
    static const struct {
        struct bacnet_value value;
        uint8_t type, quality;
        uint16_t detail;
    } rows[] = {
        { { .type = BACNET_NULL }, VALUE_DOUBLE, QUALITY_NOT_YET, BACNET_DETAIL_NULL_VALUE },
        { { .type = BACNET_NULL }, VALUE_TEXT, QUALITY_NOT_YET, BACNET_DETAIL_NULL_VALUE },
        { { .type = BACNET_REAL, .as.real = NAN },
          VALUE_DOUBLE,
          QUALITY_OUT_OF_RANGE,
          BACNET_DETAIL_NOT_A_NUMBER },
        { { .type = BACNET_REAL, .as.real = INFINITY },
          VALUE_INT,
          QUALITY_OUT_OF_RANGE,
          BACNET_DETAIL_NOT_A_NUMBER },
        { { .type = BACNET_UNSIGNED, .as.number = UINT64_MAX },
          VALUE_INT,
          QUALITY_OUT_OF_RANGE,
          BACNET_DETAIL_TOO_LARGE },
        { { .type = BACNET_DATE, .as.date = { 126, 11, 22, 7 } },
          VALUE_DOUBLE,
          QUALITY_DECODE,
          BACNET_DETAIL_WRONG_TYPE },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sample sample = get_value(rows[i].type, &rows[i].value);
        assert_int_equal(sample.type, VALUE_NONE);
        assert_int_equal(sample.quality, rows[i].quality);
        assert_int_equal(sample.detail, rows[i].detail);
        assert_non_null(bacnet_explain(sample.detail));
    }
}

static void texts_in(void **state)
{
    static const uint8_t constructed[] = { 0x2e, 0x44, 0x42, 0x28, 0, 0, 0x2f }; /* 2 { real } */
    static const uint8_t two[] = { 0x21, 0x05, 0x21, 0x06 };
    static const uint8_t letters[] = { 0x75, 0x06, 0x00, 'O', 'u', 't', 0xc3, 0xa9 };
    struct sample sample;
    (void)state;
    sample = get(VALUE_TEXT, BACNET_PROP_DESCRIPTION, bytes_of(letters, sizeof(letters)), NULL);
    assert_int_equal(sample.type, VALUE_TEXT);
    assert_string_equal(sample.value.text->bytes, "Outé");
    sample = get(VALUE_TEXT, 4000, bytes_of(two, sizeof(two)), NULL);
    assert_string_equal(sample.value.text->bytes, "[5, 6]");
    sample = get(VALUE_DOUBLE, 4000, bytes_of(two, sizeof(two)), NULL);
    assert_int_equal(sample.detail, BACNET_DETAIL_WRONG_TYPE);
    sample = get(VALUE_TEXT, 4000, bytes_of(constructed, sizeof(constructed)), NULL);
    assert_int_equal(sample.type, VALUE_TEXT);
    sample = get_value(VALUE_TEXT, &(struct bacnet_value){ .type = BACNET_REAL, .as.real = 21.5F });
    assert_string_equal(sample.value.text->bytes, "21.5");
    sample = get_value(
        VALUE_TEXT, &(struct bacnet_value){ .type = BACNET_DATE, .as.date = { 126, 11, 22, 7 } });
    assert_string_equal(sample.value.text->bytes, "2026-11-22");
    sample = get_value(VALUE_TEXT,
                       &(struct bacnet_value){ .type = BACNET_OBJECT, .as.object = { 0, 7 } });
    assert_string_equal(sample.value.text->bytes, "analog-input:7");
}

static void bits_in(void **state)
{
    uint8_t data[8];
    struct bytes_out out = bytes_out_of(data, sizeof(data));
    struct bacnet_seen seen;
    (void)state;
    bacnet_put_bits(&out, BACNET_APPLICATION, BACNET_FLAG_FAULT | BACNET_FLAG_OUT_OF_SERVICE, 4);
    struct bytes elements = bytes_of(data, bytes_out_size(&out));
    struct sample sample = get(VALUE_INT, BACNET_PROP_STATUS_FLAGS, elements, &seen);
    assert_int_equal(sample.value.i, 10);
    assert_int_equal(seen.type, BACNET_BITS);
    assert_int_equal(seen.bits, 4);
    sample = get(VALUE_TEXT, BACNET_PROP_STATUS_FLAGS, elements, NULL);
    assert_non_null(strstr(sample.value.text->bytes, "fault"));
    assert_non_null(strstr(sample.value.text->bytes, "out-of-service"));
}

/* Every prefix of a value is broken, none of them is a value. */
static void torn(void **state)
{
    static const uint8_t frame[] = { 0x55, 0x08, 0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18 };
    (void)state;
    for (size_t size = 0; size < sizeof(frame); size++) {
        struct bytes in = bytes_dup(frame, size);
        struct sample sample = get(VALUE_DOUBLE, BACNET_PROP_PRESENT_VALUE, in, NULL);
        assert_int_equal(sample.type, VALUE_NONE);
        assert_int_equal(sample.quality, QUALITY_DECODE);
        bytes_fini(&in);
    }
    struct sample sample = get(VALUE_DOUBLE, BACNET_PROP_PRESENT_VALUE,
                               bytes_of(frame, sizeof(frame)), NULL);
    assert_true(fabs(sample.value.d - 3.14159265358979) < 1e-12);
}

/* ---- out ---- */

struct put_row {
    uint16_t object_type;
    uint8_t seen, bits, type;
    union value value;
    const char *text;
    int error;
    uint8_t bytes[12];
    size_t size;
};

static void put_rows(const struct put_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct put_row *row = &rows[i];
        struct bacnet_target target = { .object = (uint32_t)row->object_type << 22 | 1,
                                        .property = BACNET_PROP_PRESENT_VALUE,
                                        .index = BACNET_INDEX_ALL };
        struct bacnet_seen seen = { .type = row->seen, .bits = row->bits };
        union value value = row->value;
        uint8_t data[64];
        size_t size = 0;
        struct text *words = row->text != NULL ? text_new(row->text, strlen(row->text)) : NULL;
        if (words != NULL) {
            value.text = words;
        }
        int error = bacnet_value_put(&target, &seen, row->type, value, data, sizeof(data), &size);
        assert_int_equal(error, row->error);
        if (error == 0) {
            assert_int_equal(size, row->size);
            assert_memory_equal(data, row->bytes, size);
        }
        busbar_free(words);
    }
}

static void numbers_out(void **state)
{
    static const struct put_row rows[] = {
        /* by the kind of object, nothing was seen */
        { BACNET_ANALOG_VALUE,
          BACNET_TYPES,
          0,
          VALUE_DOUBLE,
          { .d = 21.5 },
          NULL,
          0,
          { 0x44, 0x41, 0xac, 0, 0 },
          5 },
        { BACNET_BINARY_OUTPUT,
          BACNET_TYPES,
          0,
          VALUE_BOOL,
          { .b = true },
          NULL,
          0,
          { 0x91, 1 },
          2 },
        { BACNET_MULTI_STATE_VALUE,
          BACNET_TYPES,
          0,
          VALUE_INT,
          { .i = 3 },
          NULL,
          0,
          { 0x21, 3 },
          2 },
        { BACNET_INTEGER_VALUE,
          BACNET_TYPES,
          0,
          VALUE_INT,
          { .i = -2 },
          NULL,
          0,
          { 0x31, 0xfe },
          2 },
        /* by what was read */
        { BACNET_ANALOG_VALUE,
          BACNET_UNSIGNED,
          0,
          VALUE_DOUBLE,
          { .d = 7 },
          NULL,
          0,
          { 0x21, 7 },
          2 },
        { BACNET_ANALOG_VALUE, BACNET_BOOLEAN, 0, VALUE_INT, { .i = 1 }, NULL, 0, { 0x11 }, 1 },
        { BACNET_ANALOG_VALUE,
          BACNET_BITS,
          4,
          VALUE_INT,
          { .i = 10 },
          NULL,
          0,
          { 0x82, 4, 0x50 },
          3 },
        /* what does not fit */
        { BACNET_ANALOG_VALUE,
          BACNET_REAL,
          0,
          VALUE_DOUBLE,
          { .d = 1e300 },
          NULL,
          BUSBAR_ERANGE,
          { 0 },
          0 },
        { BACNET_MULTI_STATE_VALUE,
          BACNET_UNSIGNED,
          0,
          VALUE_INT,
          { .i = -1 },
          NULL,
          BUSBAR_ERANGE,
          { 0 },
          0 },
        { BACNET_ANALOG_VALUE,
          BACNET_BITS,
          4,
          VALUE_INT,
          { .i = 16 },
          NULL,
          BUSBAR_ERANGE,
          { 0 },
          0 },
        { BACNET_INTEGER_VALUE,
          BACNET_SIGNED,
          0,
          VALUE_INT,
          { .i = INT64_MAX },
          NULL,
          BUSBAR_ERANGE,
          { 0 },
          0 },
    };
    (void)state;
    put_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void texts_out(void **state)
{
    static const struct put_row rows[] = {
        { BACNET_CHARACTERSTRING_VALUE,
          BACNET_TYPES,
          0,
          VALUE_TEXT,
          { .i = 0 },
          "on",
          0,
          { 0x73, 0, 'o', 'n' },
          4 },
        { BACNET_DATE_VALUE,
          BACNET_TYPES,
          0,
          VALUE_TEXT,
          { .i = 0 },
          "2026-11-22",
          0,
          { 0xa4, 126, 11, 22, 7 },
          5 },
        { BACNET_TIME_VALUE,
          BACNET_TYPES,
          0,
          VALUE_TEXT,
          { .i = 0 },
          "07:30",
          0,
          { 0xb4, 7, 30, 0, 0 },
          5 },
        { BACNET_TIME_VALUE,
          BACNET_TYPES,
          0,
          VALUE_TEXT,
          { .i = 0 },
          "07:30:05.25",
          0,
          { 0xb4, 7, 30, 5, 25 },
          5 },
        { BACNET_OCTETSTRING_VALUE,
          BACNET_TYPES,
          0,
          VALUE_TEXT,
          { .i = 0 },
          "0aff",
          0,
          { 0x62, 0x0a, 0xff },
          3 },
        { BACNET_BITSTRING_VALUE,
          BACNET_TYPES,
          0,
          VALUE_TEXT,
          { .i = 0 },
          "0110",
          0,
          { 0x82, 4, 0x60 },
          3 },
        { BACNET_DATE_VALUE,
          BACNET_TYPES,
          0,
          VALUE_TEXT,
          { .i = 0 },
          "2026-13-01",
          BUSBAR_ERANGE,
          { 0 },
          0 },
        { BACNET_OCTETSTRING_VALUE,
          BACNET_TYPES,
          0,
          VALUE_TEXT,
          { .i = 0 },
          "0g",
          BUSBAR_ERANGE,
          { 0 },
          0 },
        { BACNET_BITSTRING_VALUE,
          BACNET_TYPES,
          0,
          VALUE_TEXT,
          { .i = 0 },
          "012",
          BUSBAR_ERANGE,
          { 0 },
          0 },
        { BACNET_ANALOG_VALUE,
          BACNET_TYPES,
          0,
          VALUE_TEXT,
          { .i = 0 },
          "21",
          BUSBAR_EWRONGTYPE,
          { 0 },
          0 },
        { BACNET_CHARACTERSTRING_VALUE,
          BACNET_TYPES,
          0,
          VALUE_INT,
          { .i = 1 },
          NULL,
          BUSBAR_EWRONGTYPE,
          { 0 },
          0 },
    };
    (void)state;
    put_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void every_detail_has_words(void **state)
{
    static const struct bacnet_answer answers[] = {
        { .outcome = BACNET_ERRORED, .error_code = BACNET_ERROR_UNKNOWN_OBJECT },
        { .outcome = BACNET_ERRORED, .error_code = 5000 }, /* proprietary */
        { .outcome = BACNET_REJECTED, .code = BACNET_REJECT_INVALID_TAG },
        { .outcome = BACNET_REJECTED, .code = 200 },
        { .outcome = BACNET_ABORTED, .code = BACNET_ABORT_BUFFER_OVERFLOW },
        { .outcome = BACNET_ABORTED, .code = BACNET_ABORT_BUFFER_OVERFLOW, .by_us = true },
        { .outcome = BACNET_ABORTED, .code = BACNET_ABORT_OTHER, .by_us = true },
        { .outcome = BACNET_SILENT },
        { .outcome = BACNET_NOT_FOUND },
        { .outcome = BACNET_NO_ROUTE },
        { .outcome = BACNET_UNSENT },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        uint16_t detail = bacnet_detail_answer(&answers[i]);
        const char *words = bacnet_explain(detail);
        if (words == NULL && detail != 2200) { /* a reject reason that nobody has defined */
            fail_msg("no words for %u", detail);
        }
    }
    for (uint32_t i = 0; i < 25; i++) {
        bool known = i != 11; /* not used by the standard */
        assert_true((bacnet_explain(bacnet_detail_reliability(i)) != NULL) == known);
    }
    assert_non_null(bacnet_explain(bacnet_detail_reliability(70000)));
    assert_null(bacnet_explain(0));
    assert_null(bacnet_explain(65535));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in), cmocka_unit_test(no_numbers),
        cmocka_unit_test(texts_in),   cmocka_unit_test(bits_in),
        cmocka_unit_test(torn),       cmocka_unit_test(numbers_out),
        cmocka_unit_test(texts_out),  cmocka_unit_test(every_detail_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, fini);
}
