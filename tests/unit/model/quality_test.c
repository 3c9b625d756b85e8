/* SPDX-License-Identifier: Apache-2.0 */
#include "model/quality.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void classes_and_words(void **state)
{
    (void)state;
    assert_true(quality_is_good(QUALITY_GOOD));
    assert_string_equal(quality_class_word(QUALITY_GOOD), "good");
    assert_string_equal(quality_class_word(QUALITY_CLAMPED), "uncertain");
    assert_string_equal(quality_class_word(QUALITY_UNCERTAIN), "uncertain");
    assert_string_equal(quality_class_word(QUALITY_NO_ANSWER), "bad");
    assert_string_equal(quality_reason(QUALITY_NO_ANSWER), "no answer");
    assert_string_equal(quality_text(QUALITY_PAUSED),
                        "polling of the device was paused by a person");
}

/* The numbers are in stored data: these must never change. */
static void numbers_are_stable(void **state)
{
    (void)state;
    assert_int_equal(QUALITY_GOOD, 0);
    assert_int_equal(QUALITY_STALE, 3);
    assert_int_equal(QUALITY_REFUSED, 7);
    assert_int_equal(QUALITY_PAUSED, 12);
    assert_int_equal(QUALITY_FAULT, 13);
    assert_int_equal(QUALITY_UNCERTAIN, 14);
}

/* What a newer version wrote is never taken for good. */
static void unknown_is_bad(void **state)
{
    (void)state;
    size_t known = 0;
    for (unsigned number = 0; number < 256; number++) {
        uint8_t quality = (uint8_t)number;
        known += quality_known(quality);
        if (!quality_known(quality)) {
            assert_int_equal(quality_class(quality), QUALITY_CLASS_BAD);
            assert_string_equal(quality_reason(quality), "unknown");
        }
        assert_non_null(quality_text(quality));
    }
    assert_int_equal(known, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_and_words),
        cmocka_unit_test(numbers_are_stable),
        cmocka_unit_test(unknown_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
