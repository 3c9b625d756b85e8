/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, queries, keys and names of certificates, as senders write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "drivers/http/http_target.h"

static void a_path_and_its_query_are_taken_apart(void **state)
{
    struct http_target target;
    (void)state;
    assert_int_equal(
        http_target_parse("/pv-1/x%20y?site=h+q&n=%C3%A4&apikey=bbk_1&flag", &target, NULL), 0);
    assert_string_equal(target.path, "pv-1/x y");
    assert_string_equal(target.key, "bbk_1");
    assert_int_equal(target.query_count, 3);
    assert_string_equal(target.queries[0].name, "site");
    assert_string_equal(target.queries[0].text, "h q");
    assert_string_equal(target.queries[1].text, "\xc3\xa4");
    assert_string_equal(target.queries[2].name, "flag");
    assert_string_equal(target.queries[2].text, "");
    assert_int_equal(http_target_parse("/", &target, NULL), 0);
    assert_string_equal(target.path, "");
    assert_null(target.key);
    assert_int_equal(http_target_parse("/a?&&x=1&", &target, NULL), 0);
    assert_int_equal(target.query_count, 1);
    assert_int_equal(http_target_parse("/a+b", &target, NULL), 0);
    assert_string_equal(target.path, "a+b");
}

static void what_is_not_well_formed_is_refused(void **state)
{
    static const char *const wrong[] = { "",       "a",       "*",        "http://h/a", "/%",
                                         "/%4",    "/%zz",    "/a%00b",   "/a%0ab",     "/%ff",
                                         "/a?b=%", "/a?%1=b", "/a?b=%00", "/\x01",      "/a\x7f" };
    struct http_target target;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct err err = { 0 };
        assert_int_equal(http_target_parse(wrong[i], &target, &err), BUSBAR_EINVAL);
        assert_true(err.hint[0] != '\0');
    }
}

static void lengths_have_limits(void **state)
{
    struct http_target target;
    char text[HTTP_TARGET_MAX + 2];
    (void)state;
    memset(text, 'a', sizeof(text));
    text[0] = '/';
    text[HTTP_TARGET_MAX] = '\0';
    assert_int_equal(http_target_parse(text, &target, NULL), 0);
    text[HTTP_TARGET_MAX] = 'a';
    text[HTTP_TARGET_MAX + 1] = '\0';
    assert_int_equal(http_target_parse(text, &target, NULL), BUSBAR_ELIMIT);
    memcpy(text, "/a?", 3);
    for (size_t i = 0; i <= HTTP_QUERIES_MAX; i++) {
        memcpy(text + 3 + 2 * i, "q&", 3);
    }
    assert_int_equal(http_target_parse(text, &target, NULL), BUSBAR_ELIMIT);
}

/* The shortest parameters need the most room: a name and an empty text for each two characters. */
static void many_empty_parameters_have_room(void **state)
{
    struct http_target target;
    char text[HTTP_TARGET_MAX + 1] = "/?";
    (void)state;
    for (size_t used = 2; used + 7 < sizeof(text); used += 7) {
        memcpy(text + used, "apikey&", 8);
    }
    assert_int_equal(http_target_parse(text, &target, NULL), 0);
    assert_string_equal(target.key, "");
}

static void a_bearer_is_found(void **state)
{
    (void)state;
    assert_string_equal(http_bearer("Bearer bbk_1"), "bbk_1");
    assert_string_equal(http_bearer("bearer   bbk_1"), "bbk_1");
    assert_null(http_bearer("Basic YTpi"));
    assert_null(http_bearer("Bearerbbk"));
    assert_null(http_bearer("Bearer"));
    assert_null(http_bearer(""));
    assert_null(http_bearer(NULL));
}

static void names_are_matched_by_patterns(void **state)
{
    (void)state;
    assert_true(http_name_listed("pv-*", "pv-17"));
    assert_true(http_name_listed("meter-?, pv-*", "meter-1"));
    assert_false(http_name_listed("pv-*", "xpv-1"));
    assert_false(http_name_listed("pv-*", ""));
    assert_false(http_name_listed("*", ""));
    assert_false(http_name_listed("", "pv-1"));
    assert_true(http_names_listed("pv-*", "10.0.0.1, pv-3"));
    assert_false(http_names_listed("pv-*", "10.0.0.1, meter-3"));
    assert_false(http_names_listed("pv-*", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_and_its_query_are_taken_apart),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
        cmocka_unit_test(lengths_have_limits),
        cmocka_unit_test(many_empty_parameters_have_room),
        cmocka_unit_test(a_bearer_is_found),
        cmocka_unit_test(names_are_matched_by_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
