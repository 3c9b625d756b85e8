/* SPDX-License-Identifier: Apache-2.0 */
#include "model/matchers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

static const struct label meter[] = { { "__name__", "energy", 8, 6 },
                                      { "device", "meter-7", 6, 7 },
                                      { "units", "kWh", 5, 3 } };

static void matches_as_promql(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool matches;
    } cases[] = {
        { "{}", true },
        { "energy", true },
        { "power", false },
        { "energy{}", true },
        { "{\"energy\"}", true },
        { "{\"energy\", units = 'kWh'}", true },
        { "{device=~\"meter-.*\",}", true },
        { "{device=~\"meter\"}", false },
        { "{device!~\"ahu-.*\", units!=\"W\"}", true },
        { "{device=~\"meter-[0-9]+\", units=\"W\"}", false },
        { "{place=\"\"}", true },
        { "{place!=\"\"}", false },
        { "{place=~\".*\"}", true },
        { "{place=~\".+\"}", false },
        { "{\"device\"=\"meter-7\"}", true },
        { "{__name__=~\"en.*\"}", true },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct matchers *matchers;
        struct err err = { 0 };
        if (matchers_new(cases[i].text, strlen(cases[i].text), &matchers, &err) != 0) {
            fail_msg("%s: %s", cases[i].text, err.message);
        }
        if (matchers_match(matchers, meter, 3) != cases[i].matches) {
            fail_msg("%s", cases[i].text);
        }
        matchers_free(matchers);
    }
}

static void says_where_it_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int column;
    } cases[] = {
        { "", 1 },
        { "{", 2 },
        { "{a}", 3 },
        { "{a~\"b\"}", 3 },
        { "{a=b}", 4 },
        { "{a=\"b\"", 7 },
        { "{a=\"b\"}}", 8 },
        { "{a=~\"x(\"}", 8 },
        { "{\xc3\xa4=\"b\"}", 2 },
        { "energy{\"x\"}", 11 },
        { "{a=\"b\" c=\"d\"}", 8 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct matchers *matchers;
        struct err err = { 0 };
        int error = matchers_new(cases[i].text, strlen(cases[i].text), &matchers, &err);
        if (error != BUSBAR_ESYNTAX || err.column != cases[i].column) {
            fail_msg("%s: %s, column %d: %s", cases[i].text, err_name(error), err.column,
                     err.message);
        }
        assert_null(matchers);
    }
}

static void limits_and_memory(void **state)
{
    (void)state;
    struct matchers *matchers;
    char many[1024] = "{";
    for (int i = 0; i <= MATCHERS_MAX; i++) {
        memcpy(many + strlen(many), "a=\"\",", 6);
    }
    memcpy(many + strlen(many), "}", 2);
    assert_int_equal(matchers_new(many, strlen(many), &matchers, NULL), BUSBAR_ELIMIT);
    static char big[MATCHERS_BYTES_MAX + 1];
    memset(big, 'a', sizeof(big));
    assert_int_equal(matchers_new(big, sizeof(big), &matchers, NULL), BUSBAR_ELIMIT);
    int error = BUSBAR_ENOMEM;
    for (long nth = 1; error != 0; nth++) {
        alloc_fail_nth(nth);
        error = matchers_new("{a=~\"b|c\"}", 10, &matchers, NULL);
        alloc_fail_nth(0);
        assert_true(error == 0 || error == BUSBAR_ENOMEM);
        matchers_free(matchers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_as_promql),
        cmocka_unit_test(says_where_it_is_wrong),
        cmocka_unit_test(limits_and_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
