/* SPDX-License-Identifier: Apache-2.0 */
#include "model/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

static int match(const char *expression, const char *text)
{
    struct regex *regex;
    struct err err = { 0 };
    if (regex_new(expression, strlen(expression), &regex, &err) != 0) {
        fail_msg("%s: column %d: %s", expression, err.column, err.message);
    }
    int result = regex_match(regex, text, strlen(text));
    regex_free(regex);
    return result;
}

static void matches_the_whole_text(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *text;
        int result;
    } cases[] = {
        { "", "", 1 },
        { "", "a", 0 },
        { "abc", "abc", 1 },
        { "abc", "abcd", 0 },
        { "a\\.b", "a.b", 1 },
        { "a\\.b", "axb", 0 },
        { "a.b", "axb", 1 },
        { "a|b|cd", "cd", 1 },
        { "a|b|cd", "c", 0 },
        { "a||b", "", 1 },
        { "(a|b)", "b", 1 },
        { "(?:a|b)", "b", 1 },
        { "(a)|(b)", "b", 1 },
        { ".*", "", 1 },
        { ".*", "a\nb", 1 },
        { ".+", "", 0 },
        { ".+", "\n", 1 },
        { "ahu-.*", "ahu-", 1 },
        { "ahu-.*", "ahu", 0 },
        { "ahu-.+", "ahu-", 0 },
        { "ahu-.+", "ahu-\xc3\xa4", 1 },
        { ".*b", "ab", 1 },
        { ".*b", "ba", 0 },
        { ".+b", "b", 0 },
        { ".*b.*", "abc", 1 },
        { ".+b.+", "bbb", 1 },
        { ".+b.+", "bb", 0 },
        { ".*b.*", "ac", 0 },
        { ".*.*", "ac", 1 },
        { ".+.+", "\xc3\xa4", 0 },
        { ".+.+", "ac", 1 },
        { "a$", "a\n", 0 },
        { "^a$", "a", 1 },
        { "(?i)AbC|x", "aBc", 1 },
        { "(?i:A)b", "ab", 1 },
        { "[a-c]+\\d{2,3}", "abc12", 1 },
        { "[[:alpha:]]+", "abc", 1 },
        { "[]a]+", "]a", 1 },
        { "(?P<x>a+)b", "aab", 1 },
        { "a{2}", "aa", 1 },
        { "a{,2}", "a{,2}", 1 },
        { "a*?", "aa", 1 },
        { "\\Qa.b\\E", "a.b", 1 },
        { "\\p{Greek}+", "\xce\xb1\xce\xb2", 1 },
        { ".", "\xc3\xa4", 1 },
        { "..", "\xc3\xa4", 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (match(cases[i].expression, cases[i].text) != cases[i].result) {
            fail_msg("'%s' on '%s'", cases[i].expression, cases[i].text);
        }
    }
}

/* The forms without engine say the same as the engine: (?:...){1} is always the engine's. */
static void forms_agree_with_the_engine(void **state)
{
    (void)state;
    static const char *const forms[] = { "",       "a",    "a|ab|b", ".*",    ".+",    "a.*",
                                         "a.+",    ".*b",  ".+b",    ".*b.*", ".+b.+", ".*b.+",
                                         ".+ab.*", "(a|)", "a\\.",   ".*\\." };
    static const char *const texts[] = { "",   "a",   "b",   "ab",   "ba", "aba",       "bab",
                                         "a.", "a\n", "\nb", "abab", ".",  "\xc3\xa4.b" };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char engine[64] = "(?:";
        memcpy(engine + 3, forms[i], strlen(forms[i]) + 1);
        memcpy(engine + strlen(engine), "){1}", 5);
        for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
            if (match(forms[i], texts[k]) != match(engine, texts[k])) {
                fail_msg("'%s' on '%s'", forms[i], texts[k]);
            }
        }
    }
}

static void refuses_with_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        int column;
    } cases[] = {
        { "a(b", 4 },     { "a)b", 2 },    { "a**", 2 },     { "*a", 1 },           { "[a", 3 },
        { "a\\", 2 },     { "a(?=b)", 2 }, { "(?<!a)b", 1 }, { "(a)\\1", 4 },       { "a*+", 2 },
        { "a{2}{3}", 2 }, { "(?R)", 1 },   { "(*UTF)a", 1 }, { "\xc3\xa4(?#)", 2 }, { "\\C", 3 },
        { "(?>a)", 1 },   { "\\Kab", 1 },  { "(?1)", 1 },    { "a\xff", 1 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct regex *regex;
        struct err err = { 0 };
        const char *expression = cases[i].expression;
        int error = regex_new(expression, strlen(expression), &regex, &err);
        if (error != BUSBAR_ESYNTAX || err.column != cases[i].column || regex != NULL) {
            fail_msg("'%s': %s, column %d: %s", expression, err_name(error), err.column,
                     err.message);
        }
    }
}

static void knows_its_alternatives(void **state)
{
    (void)state;
    struct regex *regex;
    const struct regex_text *literals;
    assert_int_equal(regex_new("b|a\\.c|", 7, &regex, NULL), 0);
    assert_int_equal(regex_literals(regex, &literals), 3);
    assert_int_equal(literals[0].size, 0);
    assert_memory_equal(literals[1].text, "a.c", 3);
    assert_memory_equal(literals[2].text, "b", 1);
    regex_free(regex);
    assert_int_equal(regex_new("a.*", 3, &regex, NULL), 0);
    assert_int_equal(regex_literals(regex, &literals), 0);
    regex_free(regex);
}

static void ends_in_time(void **state)
{
    (void)state;
    assert_int_equal(match("(a|aa)+[bd]", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"), BUSBAR_ELIMIT);
    static char big[REGEX_BYTES_MAX + 2];
    memset(big, 'a', REGEX_BYTES_MAX + 1);
    struct regex *regex;
    assert_int_equal(regex_new(big, REGEX_BYTES_MAX + 1, &regex, NULL), BUSBAR_ELIMIT);
    assert_null(regex);
    assert_int_equal(regex_new(big, REGEX_BYTES_MAX, &regex, NULL), 0);
    regex_free(regex);
}

static void every_prefix_is_harmless(void **state)
{
    (void)state;
    static const char hostile[] =
        "a\\.(?:b|[^]c[:alpha:]\\]]{2,3}?|(?P<n>\\Qx.y\\E)+)\\p{L}\\x{41}$";
    for (size_t size = 0; size < sizeof(hostile); size++) {
        char *copy = busbar_alloc(size + 1);
        struct regex *regex;
        memcpy(copy, hostile, size);
        if (regex_new(copy, size, &regex, NULL) == 0) {
            (void)regex_match(regex, copy, size);
        }
        regex_free(regex);
        busbar_free(copy);
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    int error = BUSBAR_ENOMEM;
    for (long nth = 1; error != 0; nth++) {
        struct regex *regex;
        alloc_fail_nth(nth);
        error = regex_new("a|b", 3, &regex, NULL);
        alloc_fail_nth(0);
        assert_true(error == (regex == NULL ? BUSBAR_ENOMEM : 0));
        regex_free(regex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_the_whole_text), cmocka_unit_test(forms_agree_with_the_engine),
        cmocka_unit_test(refuses_with_a_place),   cmocka_unit_test(knows_its_alternatives),
        cmocka_unit_test(ends_in_time),           cmocka_unit_test(every_prefix_is_harmless),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
