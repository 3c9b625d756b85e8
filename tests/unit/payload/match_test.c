/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions: which are refused, and that the effort of all others is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "payload/match.h"

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        { "(a+)+", BUSBAR_EUNSUPPORTED },
        { "(a*)*b", BUSBAR_EUNSUPPORTED },
        { "(?:a+b?)*", BUSBAR_EUNSUPPORTED },
        { "((ab)+)+", BUSBAR_EUNSUPPORTED },
        { "(x+){2,}", BUSBAR_EUNSUPPORTED },
        { "(x+){20}", BUSBAR_EUNSUPPORTED },
        { "(a|a)*", BUSBAR_EUNSUPPORTED },
        { "(a|ab)+", BUSBAR_EUNSUPPORTED },
        { "(\\d|\\w)*", BUSBAR_EUNSUPPORTED },
        { "(?i)(a|A)*", BUSBAR_EUNSUPPORTED },
        { "(?<n>a{1,3})*", BUSBAR_EUNSUPPORTED },
        { "(?'n'a+)*", BUSBAR_EUNSUPPORTED },
        { "(a)\\1", BUSBAR_EUNSUPPORTED },
        { "(?<n>a)\\k<n>", BUSBAR_EUNSUPPORTED },
        { "(a)\\g1", BUSBAR_EUNSUPPORTED },
        { "(a(?R)?b)", BUSBAR_EUNSUPPORTED },
        { "(a)(?1)", BUSBAR_EUNSUPPORTED },
        { "(?<n>a)(?&n)", BUSBAR_EUNSUPPORTED },
        { "(?(1)a|b)", BUSBAR_EUNSUPPORTED },
        { "(*LIMIT_MATCH=9)a", BUSBAR_EUNSUPPORTED },
        { "(a)(?-1)", BUSBAR_EUNSUPPORTED },
        { "a(?C1)", BUSBAR_EUNSUPPORTED },
        { "(a", BUSBAR_ESYNTAX },
        { "a)", BUSBAR_ESYNTAX },
        { "[a", BUSBAR_ESYNTAX },
        { "*a", BUSBAR_ESYNTAX },
        { "\xff", BUSBAR_ESYNTAX },
        { "\\C", BUSBAR_ESYNTAX },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = { 0 };
        struct match *match;
        int error = match_new(rows[i].text, false, &match, &err);
        if (error != rows[i].code) {
            fail_msg("%s: %d (%s)", rows[i].text, error, err.message);
        }
        assert_null(match);
        assert_int_equal(err.code, error);
        assert_true(err.message[0] != '\0');
    }
}

static void taken(void **state)
{
    (void)state;
    static const struct {
        const char *text, *on, *value; /* value NULL: it does not match; "": no group */
    } rows[] = {
        { "^T=(.*)$", "T=21.5", "21.5" },
        { "^T=(.*)$", "U=21.5", NULL },
        { "^(\\w+) (?<value>\\d+)", "level 12", "12" },
        { "ALARM", "an ALARM", "" },
        { "(?:\\w+,)*+(\\w+)$", "a,b,c", "c" },
        { "(?>a+)+b(.)", "aaabx", "x" },
        { "(?:OK|ERR)+ (\\d)", "OKERR 1", "1" },
        { "([a-f]+)-(a|ab)", "abc-ab", "abc" },
        { "[[:digit:]\\]]+(x)", "1]2x", "x" },
        { "\\Q(a+)+\\E(.)", "(a+)+z", "z" },
        { "(?#(a+)(b)", "b", "b" },
        { "(?i)state=(on|off)", "STATE=On", "On" },
        { "(?<=T=)(\\d+)", "T=7", "7" },
        { "\xc2\xb0(.)",
          "21 \xc2\xb0"
          "C",
          "C" },
        { "{id}", "{id}", "" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int jit = 0; jit < 2; jit++) {
            struct err err = { 0 };
            struct match *match;
            const char *part = "";
            size_t size = 0;
            if (match_new(rows[i].text, jit == 1, &match, &err) != 0) {
                fail_msg("%s: %s", rows[i].text, err.message);
            }
            int found = match_find(match, rows[i].on, strlen(rows[i].on), 0, &err);
            assert_int_equal(found, rows[i].value != NULL);
            unsigned group = match_value_group(match);
            if (found == 1 && group > 0) {
                assert_true(match_group(match, rows[i].on, group, &part, &size));
            }
            if (found == 1 &&
                (strlen(rows[i].value) != size || memcmp(part, rows[i].value, size) != 0)) {
                fail_msg("%s: %.*s", rows[i].text, (int)size, part);
            }
            match_free(match);
        }
    }
}

/* Polynomial at worst, and then it ends with an error. */
static void steps_are_bounded(void **state)
{
    (void)state;
    enum { SIZE = 60000 };
    char *text = malloc(SIZE);
    memset(text, 'a', SIZE);
    for (int jit = 0; jit < 2; jit++) {
        struct err err = { 0 };
        struct match *match;
        assert_int_equal(match_new("a*a*a*a*[bc]", jit == 1, &match, &err), 0);
        assert_int_equal(match_find(match, text, SIZE, 0, &err), BUSBAR_ELIMIT);
        assert_non_null(strstr(err.message, "steps"));
        assert_int_equal(match_find(match, "aab", 3, 0, &err), 1); /* goes on */
        match_free(match);
    }
    free(text);
}

static void long_text(void **state)
{
    (void)state;
    struct match *match;
    struct err err = { 0 };
    char *text = calloc(1, MATCH_TEXT_MAX + 1);
    assert_int_equal(match_new("x", true, &match, NULL), 0);
    assert_int_equal(match_find(match, text, MATCH_TEXT_MAX, 0, &err), 0);
    assert_int_equal(match_find(match, text, MATCH_TEXT_MAX + 1, 0, &err), BUSBAR_ELIMIT);
    match_free(match);
    free(text);
}

static void every_match(void **state)
{
    (void)state;
    struct match *match;
    static const char text[] = "a1 b2  c3";
    size_t at = 0, count = 0;
    assert_int_equal(match_new("[a-z](\\d)|x*", true, &match, NULL), 0);
    while (at <= sizeof(text) - 1 && match_find(match, text, sizeof(text) - 1, at, NULL) == 1) {
        size_t end = match_end(match, text, sizeof(text) - 1);
        assert_true(end > at);
        at = end;
        count++;
    }
    assert_int_equal(count,
                     7); /* three, an empty one at each of the 3 blanks, and one at the end */
    match_free(match);
}

static void names(void **state)
{
    (void)state;
    struct match *match;
    unsigned group;
    assert_int_equal(match_new("(?<what>a)(?P<door>b)(c)", false, &match, NULL), 0);
    assert_string_equal(match_name(match, 0, &group), "door");
    assert_int_equal(group, 2);
    assert_string_equal(match_name(match, 1, &group), "what");
    assert_int_equal(group, 1);
    assert_null(match_name(match, 2, &group));
    match_free(match);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused),           cmocka_unit_test(taken),
        cmocka_unit_test(steps_are_bounded), cmocka_unit_test(long_text),
        cmocka_unit_test(every_match),       cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
