/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions with groups: the whole text matches, and what a replacement makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "promql/pattern.h"

static void check(const char *expression, const char *text, const char *replacement,
                  const char *expected)
{
    struct regex *regex;
    struct err err = { 0 };
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(regex_new_groups(expression, strlen(expression), &regex, &err), 0);
    int matches = regex_match(regex, text, strlen(text));
    assert_int_equal(matches, expected != NULL);
    if (matches) {
        promql_pattern_expand(regex, text, replacement, strlen(replacement), &out);
        assert_string_equal(buf_text(&out), expected);
    }
    buf_fini(&out);
    regex_free(regex);
}

static void groups_are_put_in(void **state)
{
    (void)state;
    check("(.*)", "a", "x-$1-y", "x-a-y");
    check("(.*)-(.*)", "ahu-1", "$2/$1", "1/ahu");
    check("(?P<unit>.*)-(.*)", "ahu-1", "${unit}:${2}", "ahu:1");
    check("(.*)", "a", "$1x", "");
    check("(.*)", "a", "${1}x", "ax");
    check("(.*)", "a", "$$1 $", "$1 $");
    check("(.*)", "a", "$0", "a");
    check("(.*)", "a", "$2 $name ${no", "  ${no");
    check("(a)|(b)", "b", "[$1][$2]", "[][b]");
    check("", "", "all", "all");
}

static void the_whole_text_must_match(void **state)
{
    (void)state;
    check("a", "ab", "", NULL);
    check("b", "ab", "", NULL);
    check("a|ab", "ab", "", "");
    check("a.b", "a\nb", "", "");   /* the dot matches line ends */
    check("a$.*", "a\n", "", NULL); /* and the dollar only the very end */
    check("(?i)AB", "ab", "", "");
    check("\xc3\xa9.", "\xc3\xa9\xc3\xa9", "", "");
}

static void what_cannot_be_compiled_says_where(void **state)
{
    (void)state;
    struct regex *regex;
    struct err err = { 0 };
    assert_int_equal(regex_new_groups("a(", 2, &regex, &err), BUSBAR_ESYNTAX);
    assert_string_not_equal(err.message, "");
    assert_int_equal(err.column, 3);
    assert_int_equal(regex_new_groups("(a)\\1", 5, &regex, &err), BUSBAR_ESYNTAX);
    assert_int_equal(regex_new_groups("a(?=b)", 6, &regex, &err), BUSBAR_ESYNTAX);
    static char text[5000];
    memset(text, 'a', sizeof(text));
    assert_int_equal(regex_new_groups(text, sizeof(text), &regex, &err), BUSBAR_ELIMIT);
}

static void hostile_expressions_end(void **state)
{
    (void)state;
    struct regex *regex;
    struct err err = { 0 };
    static const char expression[] = "(x+x+)+y";
    static const char text[] =
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxyx"; /* the y is there, but not last */
    assert_int_equal(regex_new_groups(expression, strlen(expression), &regex, &err), 0);
    assert_int_equal(regex_match(regex, text, strlen(text)), BUSBAR_ELIMIT);
    regex_free(regex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_put_in),
        cmocka_unit_test(the_whole_text_must_match),
        cmocka_unit_test(what_cannot_be_compiled_says_where),
        cmocka_unit_test(hostile_expressions_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
