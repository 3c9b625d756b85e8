/* SPDX-License-Identifier: Apache-2.0 */
/* Hints, patterns against a naive recursive twin, UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"

static void the_nearest_word_is_found(void **state)
{
    (void)state;
    static const char *const keys[] = { "register", "holding", NULL, "coil", "scale", "unit", "" };
    size_t count = sizeof(keys) / sizeof(keys[0]);
    assert_string_equal(str_nearest("regster", keys, count), "register");
    assert_string_equal(str_nearest("registre", keys, count), "register");
    assert_string_equal(str_nearest("Scale", keys, count), "scale");
    assert_string_equal(str_nearest("cioll", keys, count), "coil");
    assert_string_equal(str_nearest("untt", keys, count), "unit");
    assert_null(str_nearest("voltage", keys, count));
    assert_null(str_nearest("", keys, count));
    assert_null(str_nearest("xy", keys, count));
    static const char *const two[] = { "bart", "bars" };
    assert_string_equal(str_nearest("bars", two, 2), "bars");
    char longest[200];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_null(str_nearest(longest, keys, count));
    const char *const long_key[] = { longest };
    assert_null(str_nearest("aaaa", long_key, 1));
}

static void patterns_match_paths(void **state)
{
    (void)state;
    assert_true(str_glob("ahu-*/sat", "ahu-1/sat"));
    assert_true(str_glob("ahu-*/sat", "ahu-1/zone/sat"));
    assert_false(str_glob("ahu-*/sat", "ahu-1/rat"));
    assert_true(str_glob("*", "any/thing"));
    assert_true(str_glob("*", ""));
    assert_true(str_glob("ahu-?", "ahu-1"));
    assert_true(str_glob("ahu-?", "ahu-\xc3\xa9"));
    assert_false(str_glob("ahu-?", "ahu-12"));
    assert_false(str_glob("ahu-?", "ahu-"));
    assert_true(str_glob("", ""));
    assert_false(str_glob("", "a"));
    assert_true(str_glob("a**b", "ab"));
    assert_false(str_glob("a*b*c", "abcb"));
}

static bool naive_glob(const char *pattern, const char *text)
{
    if (*pattern == '*') {
        return naive_glob(pattern + 1, text) || (*text != '\0' && naive_glob(pattern, text + 1));
    }
    if (*text == '\0' || *pattern == '\0') {
        return *text == *pattern;
    }
    return (*pattern == '?' || *pattern == *text) && naive_glob(pattern + 1, text + 1);
}

static void random_patterns_match_the_naive_twin(void **state)
{
    (void)state;
    uint64_t seed = 99;
    size_t matched = 0;
    for (int round = 0; round < 50000; round++) {
        char pattern[9] = "";
        char text[11] = "";
        size_t pattern_size = hash_random(&seed) % 8;
        size_t text_size = hash_random(&seed) % 10;
        for (size_t i = 0; i < pattern_size; i++) {
            pattern[i] = "ab*?a/*b"[hash_random(&seed) % 8];
        }
        for (size_t i = 0; i < text_size; i++) {
            text[i] = "aab/"[hash_random(&seed) % 4];
        }
        bool expected = naive_glob(pattern, text);
        assert_int_equal(str_glob(pattern, text), expected);
        matched += expected;
    }
    assert_in_range(matched, 1000, 49000);
}

static void utf8_is_checked(void **state)
{
    (void)state;
    static const char *const good[] = { "",
                                        "abc",
                                        "\xc3\xa9",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "\xed\x9f\xbf",
                                        "\xef\xbf\xbd" };
    static const char *const bad[] = {
        "\x80",
        "\xc3",
        "\xc0\xaf",
        "\xc1\xbf",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xe2\x82",
        "\xf0\x9f\x98",
        "a\xc3(",
        "\xf0\x80\x80\x80",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(str_is_utf8(good[i], strlen(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(str_is_utf8(bad[i], strlen(bad[i])));
    }
    assert_int_equal(str_utf8_cut("a\xe2\x82\xac", 4, 3), 1);
    assert_int_equal(str_utf8_cut("a\xe2\x82\xac", 4, 4), 4);
    assert_int_equal(str_utf8_length("a\xe2\x82\xac\xc3\xa9", 6), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_word_is_found),
        cmocka_unit_test(patterns_match_paths),
        cmocka_unit_test(random_patterns_match_the_naive_twin),
        cmocka_unit_test(utf8_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
