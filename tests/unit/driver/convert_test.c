/* SPDX-License-Identifier: Apache-2.0 */
/* Conversion: exactness of integers, scaling, enums, clamps, values that are none, and the way
 * back. */
#include "driver/convert.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "model/quality.h"

static const struct point_enum states[] = { { 0, "stopped" }, { 1, "running" }, { 7, "fault" } };

static struct sample of_int(int64_t value)
{
    return (struct sample){ .type = VALUE_INT, .value.i = value };
}

static struct sample of_double(double value)
{
    return (struct sample){ .type = VALUE_DOUBLE, .value.d = value };
}

static void integers_stay_exact_without_scale(void **state)
{
    (void)state;
    struct point_class cls = { .scale = 1.0 };
    const int64_t values[] = { 0, -1, INT64_MAX, INT64_MIN, (INT64_C(1) << 53) + 1 };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct sample sample = of_int(values[i]);
        convert_in(&cls, &sample);
        assert_int_equal(sample.type, VALUE_INT);
        assert_true(sample.value.i == values[i]);
        assert_int_equal(sample.quality, QUALITY_GOOD);
    }
}

static void a_divisor_gives_the_nearest_decimal(void **state)
{
    (void)state;
    struct point_class cls = { .scale = 0.1, .divisor = 10 };
    struct sample sample = { .type = VALUE_INT, .value.i = 237 };
    convert_in(&cls, &sample);
    assert_true(sample.value.d == 23.7); /* 237 * 0.1 is 23.700000000000003 */
}

static void a_scale_or_offset_gives_a_double(void **state)
{
    (void)state;
    struct point_class scaled = { .scale = 0.1 }, moved = { .scale = 1.0, .offset = -40.0 };
    struct sample a = of_int(225), b = of_int(65), c = of_double(2.5);
    convert_in(&scaled, &a);
    convert_in(&moved, &b);
    convert_in(&moved, &c);
    assert_int_equal(a.type, VALUE_DOUBLE);
    assert_true(a.value.d == 22.5);
    assert_true(b.value.d == 25.0);
    assert_true(c.value.d == -37.5);
}

static void what_is_not_finite_is_no_value(void **state)
{
    (void)state;
    struct point_class plain = { .scale = 1.0 }, huge = { .scale = 1e300 };
    struct sample samples[] = { of_double((double)NAN), of_double((double)INFINITY),
                                of_double(-(double)INFINITY) };
    for (size_t i = 0; i < 3; i++) {
        convert_in(&plain, &samples[i]);
        assert_int_equal(samples[i].type, VALUE_NONE);
        assert_int_equal(samples[i].quality, QUALITY_OUT_OF_RANGE);
    }
    struct sample overflow = of_double(1e30);
    convert_in(&huge, &overflow);
    assert_int_equal(overflow.quality, QUALITY_OUT_OF_RANGE);
}

static void a_bad_quality_takes_the_value_away(void **state)
{
    (void)state;
    struct point_class cls = { .scale = 1.0 };
    struct sample sample = of_int(5);
    sample.quality = QUALITY_REFUSED;
    sample.detail = 2;
    convert_in(&cls, &sample);
    assert_int_equal(sample.type, VALUE_NONE);
    assert_int_equal(sample.value.bits, 0);
    assert_int_equal(sample.quality, QUALITY_REFUSED);
    assert_int_equal(sample.detail, 2);
    struct sample held = of_int(5);
    held.quality = QUALITY_HELD;
    convert_in(&cls, &held);
    assert_int_equal(held.type, VALUE_INT);
    struct sample nothing = { .type = VALUE_NONE };
    convert_in(&cls, &nothing);
    assert_int_equal(nothing.quality, QUALITY_DECODE);
}

static void a_number_without_name_contradicts_the_configuration(void **state)
{
    (void)state;
    struct point_class cls = { .scale = 1.0, .enums = states, .enum_count = 3 };
    struct sample known = of_int(7), unknown = of_int(4);
    convert_in(&cls, &known);
    convert_in(&cls, &unknown);
    assert_int_equal(known.quality, QUALITY_GOOD);
    assert_int_equal(unknown.quality, QUALITY_CONFIGURATION);
    assert_int_equal(unknown.value.i, 4); /* kept: it tells how */
    struct sample on = { .type = VALUE_BOOL, .value.b = true };
    convert_in(&cls, &on);
    assert_int_equal(on.quality, QUALITY_GOOD);
}

static void a_clamp_moves_the_value_to_its_edge(void **state)
{
    (void)state;
    struct point_class cls = {
        .scale = 1.0, .has_clamp = true, .clamp_min = -5, .clamp_max = 10.5
    };
    struct sample low = of_int(-6), high = of_int(11), in = of_int(10), d = of_double(99.0);
    convert_in(&cls, &low);
    convert_in(&cls, &high);
    convert_in(&cls, &in);
    convert_in(&cls, &d);
    assert_int_equal(low.value.i, -5);
    assert_int_equal(low.quality, QUALITY_CLAMPED);
    assert_int_equal(high.value.i, 10);
    assert_int_equal(high.quality, QUALITY_CLAMPED);
    assert_int_equal(in.quality, QUALITY_GOOD);
    assert_true(d.value.d == 10.5);
    assert_int_equal(d.quality, QUALITY_CLAMPED);
}

/* ---- the way back ---- */

static struct point point_of(const struct point_class *cls, uint8_t type)
{
    return (struct point){ .name = "sp", .cls = cls, .value_type = type };
}

static int ask(const struct point *pt, uint8_t type, union value value, struct convert_asked *asked,
               struct err *err)
{
    *err = (struct err){ 0 };
    return convert_out(pt, type, value, asked, err);
}

static void numbers_go_out_in_the_type_of_the_point(void **state)
{
    (void)state;
    struct point_class plain = { .units = "", .scale = 1.0 };
    struct point whole = point_of(&plain, VALUE_INT), coil = point_of(&plain, VALUE_BOOL);
    struct convert_asked asked;
    struct err err;
    assert_int_equal(ask(&whole, VALUE_INT, (union value){ .i = INT64_MAX }, &asked, &err), 0);
    assert_true(asked.raw.i == INT64_MAX);
    assert_int_equal(ask(&whole, VALUE_DOUBLE, (union value){ .d = 12.0 }, &asked, &err), 0);
    assert_int_equal(asked.raw_type, VALUE_INT);
    assert_int_equal(asked.raw.i, 12);
    assert_int_equal(ask(&whole, VALUE_DOUBLE, (union value){ .d = 12.5 }, &asked, &err),
                     BUSBAR_ERANGE);
    assert_int_equal(ask(&whole, VALUE_DOUBLE, (union value){ .d = 0x1p63 }, &asked, &err),
                     BUSBAR_ERANGE);
    assert_int_equal(ask(&whole, VALUE_DOUBLE, (union value){ .d = (double)NAN }, &asked, &err),
                     BUSBAR_ERANGE);
    assert_int_equal(ask(&coil, VALUE_INT, (union value){ .i = 1 }, &asked, &err), 0);
    assert_int_equal(asked.raw_type, VALUE_BOOL);
    assert_true(asked.raw.b);
    assert_int_equal(ask(&coil, VALUE_INT, (union value){ .i = 2 }, &asked, &err), BUSBAR_ERANGE);
}

static void a_switch_is_written_by_words(void **state)
{
    (void)state;
    struct point_class plain = { .units = "", .scale = 1.0 };
    struct point coil = point_of(&plain, VALUE_BOOL);
    struct convert_asked asked;
    struct err err;
    struct text *off = text_new("off", 3), *on = text_new("on", 2), *hot = text_new("hot", 3);
    assert_int_equal(ask(&coil, VALUE_TEXT, (union value){ .text = on }, &asked, &err), 0);
    assert_int_equal(asked.raw_type, VALUE_BOOL);
    assert_true(asked.raw.b);
    assert_int_equal(ask(&coil, VALUE_TEXT, (union value){ .text = off }, &asked, &err), 0);
    assert_false(asked.raw.b);
    assert_int_equal(ask(&coil, VALUE_TEXT, (union value){ .text = hot }, &asked, &err),
                     BUSBAR_EWRONGTYPE);
    assert_non_null(strstr(err.message, "is on or off, not 'hot'"));
    busbar_free(off);
    busbar_free(on);
    busbar_free(hot);
}

static void a_scaled_value_goes_out_as_raw_double(void **state)
{
    (void)state;
    struct point_class cls = { .units = "", .scale = 0.1, .offset = -10.0 };
    struct point pt = point_of(&cls, VALUE_DOUBLE);
    struct convert_asked asked;
    struct err err;
    assert_int_equal(ask(&pt, VALUE_DOUBLE, (union value){ .d = 12.5 }, &asked, &err), 0);
    assert_int_equal(asked.raw_type, VALUE_DOUBLE);
    assert_true(fabs(asked.raw.d - 225.0) < 1e-9);
    assert_true(asked.value.d == 12.5);
}

static void a_range_is_kept_in_engineering_units(void **state)
{
    (void)state;
    struct point_class cls = {
        .units = "degC",
        .scale = 0.1,
        .write = { .allowed = true, .has_min = true, .has_max = true, .min = 16, .max = 26 },
    };
    struct point pt = point_of(&cls, VALUE_DOUBLE);
    struct convert_asked asked;
    struct err err;
    assert_int_equal(ask(&pt, VALUE_DOUBLE, (union value){ .d = 26.0 }, &asked, &err), 0);
    assert_int_equal(ask(&pt, VALUE_DOUBLE, (union value){ .d = 26.01 }, &asked, &err),
                     BUSBAR_ERANGE);
    assert_string_equal(err.hint, "allowed: 16 to 26 degC");
    assert_int_equal(ask(&pt, VALUE_INT, (union value){ .i = 15 }, &asked, &err), BUSBAR_ERANGE);
}

static void a_state_is_written_by_name_or_number(void **state)
{
    (void)state;
    struct point_class cls = { .units = "", .scale = 1.0, .enums = states, .enum_count = 3 };
    struct point pt = point_of(&cls, VALUE_INT);
    struct convert_asked asked;
    struct err err;
    struct text *fault = text_new("fault", 5), *faul = text_new("faul", 4);
    assert_int_equal(ask(&pt, VALUE_TEXT, (union value){ .text = fault }, &asked, &err), 0);
    assert_int_equal(asked.raw.i, 7);
    assert_int_equal(ask(&pt, VALUE_TEXT, (union value){ .text = faul }, &asked, &err),
                     BUSBAR_ENOENT);
    assert_non_null(strstr(err.hint, "did you mean 'fault'"));
    assert_int_equal(ask(&pt, VALUE_INT, (union value){ .i = 3 }, &asked, &err), BUSBAR_ERANGE);
    assert_non_null(strstr(err.hint, "stopped, running, fault"));
    struct point_class plain = { .units = "", .scale = 1.0 };
    struct point number = point_of(&plain, VALUE_INT), words = point_of(&plain, VALUE_TEXT);
    assert_int_equal(ask(&number, VALUE_TEXT, (union value){ .text = fault }, &asked, &err),
                     BUSBAR_EWRONGTYPE);
    assert_int_equal(ask(&words, VALUE_TEXT, (union value){ .text = fault }, &asked, &err), 0);
    assert_ptr_equal(asked.raw.text, fault);
    assert_int_equal(ask(&words, VALUE_INT, (union value){ .i = 3 }, &asked, &err),
                     BUSBAR_EWRONGTYPE);
    busbar_free(fault);
    busbar_free(faul);
}

/* What goes out scaled, is rounded by the device and comes back is the same, over the range. */
static void round_trip_through_an_integer_register(void **state)
{
    (void)state;
    uint64_t random = 7;
    const double scales[] = { 0.1, 0.01, 10.0, 1.0 / 3.0, -0.5 };
    for (int i = 0; i < 20000; i++) {
        struct point_class cls = { .units = "", .scale = scales[i % 5], .offset = (i % 7) - 3.0 };
        struct point pt = point_of(&cls, VALUE_DOUBLE);
        int64_t raw = (int64_t)(hash_random(&random) % 65536) - 32768;
        struct sample first = of_int(raw);
        convert_in(&cls, &first);
        struct convert_asked asked;
        struct err err;
        assert_int_equal(ask(&pt, VALUE_DOUBLE, first.value, &asked, &err), 0);
        assert_true(llround(asked.raw.d) == raw);
        struct sample back = of_int(llround(asked.raw.d));
        convert_in(&cls, &back);
        assert_true(convert_same(&pt, &asked, &back));
        struct sample other = of_int(raw + 1);
        convert_in(&cls, &other);
        assert_false(convert_same(&pt, &asked, &other));
    }
}

static bool same_texts(const char *asked_text, const char *back_text)
{
    struct point_class cls = { .units = "", .scale = 1 };
    struct point pt = point_of(&cls, VALUE_TEXT);
    struct text *left = text_new(asked_text, strlen(asked_text));
    struct text *right = text_new(back_text, strlen(back_text));
    struct convert_asked asked = { .type = VALUE_TEXT, .value.text = left };
    struct sample back = { .type = VALUE_TEXT, .value.text = right };
    bool same = convert_same(&pt, &asked, &back);
    busbar_free(left);
    busbar_free(right);
    return same;
}

/* Of some protocols only the device knows the type, and it has not answered yet. */
static void a_type_that_is_not_known_takes_what_is_given(void **state)
{
    (void)state;
    struct point_class plain = { .scale = 1.0, .units = "" };
    struct point pt = { .name = "sp", .cls = &plain, .value_type = VALUE_NONE, .learns = true };
    struct convert_asked asked;
    union value value = { .i = 5 };
    assert_int_equal(convert_out(&pt, VALUE_INT, value, &asked, NULL), 0);
    assert_int_equal(asked.raw_type, VALUE_INT);
    struct sample back = of_double(5.0); /* the node holds a double: it is the same */
    assert_true(convert_same(&pt, &asked, &back));
    back.value.d = 5.5;
    assert_false(convert_same(&pt, &asked, &back));
    struct text *text = text_new("heat", 4);
    value.text = text;
    assert_int_equal(convert_out(&pt, VALUE_TEXT, value, &asked, NULL), 0);
    assert_int_equal(asked.raw_type, VALUE_TEXT);
    struct point_class named = { .scale = 1.0, .units = "", .enums = states, .enum_count = 3 };
    pt.cls = &named;
    assert_int_equal(convert_out(&pt, VALUE_TEXT, value, &asked, NULL), BUSBAR_ENOENT);
    busbar_free(text);
}

static void texts_that_say_the_same(void **state)
{
    (void)state;
    assert_true(same_texts("auto", "auto"));
    assert_false(same_texts("auto", "Auto"));
    assert_false(same_texts("auto", ""));
    assert_true(same_texts("2026-11-22T11:00:00+01:00", "2026-11-22T10:00:00Z"));
    assert_false(same_texts("2026-11-22T11:00:00+01:00", "2026-11-22T11:00:00Z"));
    assert_true(same_texts("[1, 2.0, 0.1]", "[1,2,0.10000000149011612]"));
    assert_false(same_texts("[1,2]", "[1,2,3]"));
    assert_false(same_texts("[1000000]", "[1000001]"));
    assert_true(same_texts("[[true, \"a\"], null]", "[[true,\"a\"],null]"));
    assert_false(same_texts("[\"a\"]", "[\"b\"]"));
    assert_false(same_texts("[true]", "[false]"));
    assert_false(same_texts("[1", "[1 "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_stay_exact_without_scale),
        cmocka_unit_test(a_divisor_gives_the_nearest_decimal),
        cmocka_unit_test(a_scale_or_offset_gives_a_double),
        cmocka_unit_test(what_is_not_finite_is_no_value),
        cmocka_unit_test(a_bad_quality_takes_the_value_away),
        cmocka_unit_test(a_number_without_name_contradicts_the_configuration),
        cmocka_unit_test(a_clamp_moves_the_value_to_its_edge),
        cmocka_unit_test(numbers_go_out_in_the_type_of_the_point),
        cmocka_unit_test(a_switch_is_written_by_words),
        cmocka_unit_test(a_scaled_value_goes_out_as_raw_double),
        cmocka_unit_test(a_range_is_kept_in_engineering_units),
        cmocka_unit_test(a_state_is_written_by_name_or_number),
        cmocka_unit_test(round_trip_through_an_integer_register),
        cmocka_unit_test(a_type_that_is_not_known_takes_what_is_given),
        cmocka_unit_test(texts_that_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
