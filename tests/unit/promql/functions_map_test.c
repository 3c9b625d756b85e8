/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one number: corners, and what they do to names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/promql/fake_source.h"

static int set_up(void **state)
{
    struct fake *fake = busbar_alloc(sizeof(*fake));
    fake_init(fake);
    fake_load(fake, 60, "a{i=\"1\"} -2.5");
    fake_load(fake, 60, "a{i=\"2\"} 2.5");
    fake_load(fake, 60, "a{i=\"3\"} NaN");
    fake_load(fake, 60, "a{i=\"4\"} Inf");
    fake_load(fake, 60, "a{i=\"5\"} stale");
    fake_load(fake, 60, "z -0");
    fake_load(fake, 60, "b{i=\"1\"} 1");
    *state = fake;
    return 0;
}

static int tear_down(void **state)
{
    fake_fini(*state);
    busbar_free(*state);
    return 0;
}

static void one_number_becomes_another(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "abs(a)", 60,
               "{i=\"1\"} 2.5@60\n{i=\"2\"} 2.5@60\n{i=\"3\"} nan@60\n{i=\"4\"} inf@60");
    fake_check(fake, "ceil(a)", 60,
               "{i=\"1\"} -2@60\n{i=\"2\"} 3@60\n{i=\"3\"} nan@60\n{i=\"4\"} inf@60");
    fake_check(fake, "floor(a)", 60,
               "{i=\"1\"} -3@60\n{i=\"2\"} 2@60\n{i=\"3\"} nan@60\n{i=\"4\"} inf@60");
    fake_check(fake, "round(a)", 60,
               "{i=\"1\"} -2@60\n{i=\"2\"} 3@60\n{i=\"3\"} nan@60\n{i=\"4\"} inf@60");
    fake_check(fake, "round(a, 2)", 60,
               "{i=\"1\"} -2@60\n{i=\"2\"} 2@60\n{i=\"3\"} nan@60\n{i=\"4\"} inf@60");
    fake_check(fake, "sgn(a)", 60,
               "{i=\"1\"} -1@60\n{i=\"2\"} 1@60\n{i=\"3\"} nan@60\n{i=\"4\"} 1@60");
    fake_check(fake, "1 / sgn(-z)", 60, "{} -inf@60");
    fake_check(fake, "1 / sgn(z)", 60, "{} inf@60");
    fake_check(fake, "sqrt(a * a)", 60,
               "{i=\"1\"} 2.5@60\n{i=\"2\"} 2.5@60\n{i=\"3\"} nan@60\n{i=\"4\"} inf@60");
    fake_check(fake, "-a", 60,
               "{i=\"1\"} 2.5@60\n{i=\"2\"} -2.5@60\n{i=\"3\"} nan@60\n{i=\"4\"} -inf@60");
    fake_check(fake, "abs(missing)", 60, "");
    fake_check(fake, "abs(a{i=\"5\"})", 60, "");
    fake_check(fake, "abs(a)", 400, "");
}

static void numbers_are_kept_between_limits(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "clamp(a, -1, 1)", 60,
               "{i=\"1\"} -1@60\n{i=\"2\"} 1@60\n{i=\"3\"} nan@60\n{i=\"4\"} 1@60");
    fake_check(fake, "clamp(a, 1, -1)", 60, "");
    fake_check(fake, "clamp_min(a, 0)", 60,
               "{i=\"1\"} 0@60\n{i=\"2\"} 2.5@60\n{i=\"3\"} nan@60\n{i=\"4\"} inf@60");
    fake_check(fake, "clamp_max(a, 0)", 60,
               "{i=\"1\"} -2.5@60\n{i=\"2\"} 0@60\n{i=\"3\"} nan@60\n{i=\"4\"} 0@60");
    fake_check(fake, "clamp_max(a, NaN)", 60,
               "{i=\"1\"} nan@60\n{i=\"2\"} nan@60\n{i=\"3\"} nan@60\n{i=\"4\"} nan@60");
    fake_check(fake, "clamp(a, 0, scalar(missing))", 60,
               "{i=\"1\"} nan@60\n{i=\"2\"} nan@60\n{i=\"3\"} nan@60\n{i=\"4\"} nan@60");
    fake_check_range(fake, "clamp(z, 0, time() - 60)", 0, 120, 60, "{} 0@60 0@120");
    fake_check(fake, "round(a, 0)", 60,
               "{i=\"1\"} nan@60\n{i=\"2\"} nan@60\n{i=\"3\"} nan@60\n{i=\"4\"} nan@60");
}

static void elementary_functions(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "exp(vector(1))", 0, "{} 2.718281828459045@0");
    fake_check(fake, "ln(vector(0))", 0, "{} -inf@0");
    fake_check(fake, "ln(vector(-1))", 0, "{} nan@0");
    fake_check(fake, "log2(vector(8))", 0, "{} 3@0");
    fake_check(fake, "log10(vector(1000))", 0, "{} 3@0");
    fake_check(fake, "sqrt(vector(-1))", 0, "{} nan@0");
    fake_check(fake, "deg(vector(pi()))", 0, "{} 180@0");
    fake_check(fake, "rad(vector(180)) - pi()", 0, "{} 0@0");
    fake_check(fake, "pi()", 0, "scalar 3.141592653589793@0");
    fake_check(fake, "sin(vector(0))", 0, "{} 0@0");
    fake_check(fake, "cos(vector(0))", 0, "{} 1@0");
    fake_check(fake, "tan(vector(0))", 0, "{} 0@0");
    fake_check(fake, "asin(vector(1))", 0, "{} 1.5707963267948966@0");
    fake_check(fake, "acos(vector(1))", 0, "{} 0@0");
    fake_check(fake, "atan(vector(0))", 0, "{} 0@0");
    fake_check(fake, "sinh(vector(0))", 0, "{} 0@0");
    fake_check(fake, "cosh(vector(0))", 0, "{} 1@0");
    fake_check(fake, "tanh(vector(0))", 0, "{} 0@0");
    fake_check(fake, "asinh(vector(0))", 0, "{} 0@0");
    fake_check(fake, "acosh(vector(1))", 0, "{} 0@0");
    fake_check(fake, "atanh(vector(0))", 0, "{} 0@0");
    fake_check(fake, "atanh(vector(1))", 0, "{} inf@0");
    fake_check(fake, "asin(vector(2))", 0, "{} nan@0");
    fake_check(fake, "acosh(vector(0))", 0, "{} nan@0");
}

static void equal_labels_without_their_name_are_an_error(void **state)
{
    struct fake *fake = *state;
    fake_check(fake, "abs({__name__=~\"a|b\"})", 60,
               "error: vector cannot contain metrics with the same labelset");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_number_becomes_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_are_kept_between_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(elementary_functions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(equal_labels_without_their_name_are_an_error, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
