/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"

static void values_compare_by_type_and_bits(void **state)
{
    (void)state;
    union value zero = { .d = 0.0 }, minus = { .d = -0.0 }, nan = { .d = (double)NAN };
    assert_true(value_equal(VALUE_DOUBLE, zero, VALUE_DOUBLE, zero));
    assert_false(value_equal(VALUE_DOUBLE, zero, VALUE_DOUBLE, minus));
    assert_true(value_equal(VALUE_DOUBLE, nan, VALUE_DOUBLE, nan));
    assert_false(value_equal(VALUE_INT, zero, VALUE_DOUBLE, zero));
    assert_true(value_equal(VALUE_NONE, zero, VALUE_NONE, nan));
    struct text *a = text_new("ab", 2), *b = text_new("ab", 2), *c = text_new("abc", 3);
    union value va = { .text = a }, vb = { .text = b }, vc = { .text = c };
    assert_true(value_equal(VALUE_TEXT, va, VALUE_TEXT, vb));
    assert_false(value_equal(VALUE_TEXT, va, VALUE_TEXT, vc));
    busbar_free(a);
    busbar_free(b);
    busbar_free(c);
}

static void assert_prints(uint8_t type, union value value, const char *wanted)
{
    struct buf out;
    buf_init(&out, 1000);
    value_print(type, value, &out);
    assert_string_equal(buf_text(&out), wanted);
    buf_fini(&out);
}

static void printing_and_numbers(void **state)
{
    (void)state;
    double number;
    assert_prints(VALUE_BOOL, (union value){ .b = true }, "true");
    assert_prints(VALUE_INT, (union value){ .i = INT64_MIN }, "-9223372036854775808");
    assert_prints(VALUE_DOUBLE, (union value){ .d = 21.4 }, "21.4");
    assert_prints(VALUE_NONE, (union value){ .i = 3 }, "");
    struct text *text = text_new("a\0b", 3);
    assert_true(value_number(VALUE_BOOL, (union value){ .b = true }, &number) && number == 1);
    assert_true(value_number(VALUE_INT, (union value){ .i = -7 }, &number) && number == -7);
    assert_false(value_number(VALUE_TEXT, (union value){ .text = text }, &number));
    assert_false(value_number(VALUE_NONE, (union value){ .i = 0 }, &number));
    assert_int_equal(text->size, 3);
    assert_memory_equal(text->bytes, "a\0b", 4);
    busbar_free(text);
    assert_string_equal(value_type_word(VALUE_TEXT), "string");
    assert_string_equal(value_type_word(99), "unknown");
}

/* Any sequence of sizes: the text always holds what was set, with a NUL behind. */
static void a_text_is_reused(void **state)
{
    (void)state;
    char bytes[TEXT_BYTES_MAX];
    uint64_t seed = 3;
    struct text *text = NULL;
    for (int round = 0; round < 2000; round++) {
        size_t most = round % 100 == 0 ? TEXT_BYTES_MAX : 70;
        size_t size = hash_random(&seed) % (most + 1);
        memset(bytes, 'a' + round % 26, size);
        text = text_set(text, bytes, size);
        assert_int_equal(text->size, size);
        assert_memory_equal(text->bytes, bytes, size);
        assert_int_equal(text->bytes[size], 0);
    }
    busbar_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_compare_by_type_and_bits),
        cmocka_unit_test(printing_and_numbers),
        cmocka_unit_test(a_text_is_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
