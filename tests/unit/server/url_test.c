/* SPDX-License-Identifier: Apache-2.0 */
#include "server/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

static void parts_and_arguments_are_decoded(void **state)
{
    struct server_url url;
    (void)state;
    assert_int_equal(
        server_url_parse("/api/v1/a%2Fb/%c3%a9/?q=a+b%20c&empty=&flag&&match=x/*,y%3D1", &url,
                         NULL),
        0);
    assert_int_equal(url.part_count, 4);
    assert_string_equal(url.parts[0], "api");
    assert_string_equal(url.parts[2], "a/b");
    assert_string_equal(url.parts[3], "\xc3\xa9");
    assert_int_equal(url.arg_count, 4);
    assert_string_equal(server_url_arg(&url, "q"), "a b c");
    assert_string_equal(server_url_arg(&url, "empty"), "");
    assert_string_equal(server_url_arg(&url, "flag"), "");
    assert_string_equal(server_url_arg(&url, "match"), "x/*,y=1");
    assert_null(server_url_arg(&url, "none"));
    server_url_fini(&url);
    assert_int_equal(server_url_parse("/a+b?x=1&x=2", &url, NULL), 0);
    assert_string_equal(url.parts[0], "a+b");
    assert_string_equal(server_url_arg(&url, "x"), "1");
    server_url_fini(&url);
    assert_int_equal(server_url_parse("/", &url, NULL), 0);
    assert_int_equal(url.part_count, 0);
    server_url_fini(&url);
    assert_int_equal(server_url_parse("/?", &url, NULL), 0);
    server_url_fini(&url);
}

static void what_is_not_well_formed_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",           "api",      "http://evil.example/",
        "*",          "//",       "/a//b",
        "/a//",       "//a",      "/a%",
        "/a%4",       "/a%4g",    "/%00",
        "/a%0ab",     "/a%7f",    "/\x01",
        "/%ff",       "/%c3",     "/a#b",
        "/?q=%zz",    "/?%41%=1", "/?q=%00",
        "/?q=%c3%28", "/?q=#",    "/%c0%af",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct server_url url;
        struct err err = { 0 };
        if (server_url_parse(wrong[i], &url, &err) != BUSBAR_EINVAL) {
            fail_msg("'%s' was taken", wrong[i]);
        }
        assert_string_not_equal(err.message, "");
        assert_null(url.block);
    }
}

static void counts_have_limits(void **state)
{
    char target[4 * (SERVER_URL_ARGS_MAX + 2)];
    struct server_url url;
    (void)state;
    size_t used = 0;
    for (int i = 0; i < SERVER_URL_PARTS_MAX; i++) {
        used += (size_t)snprintf(target + used, sizeof(target) - used, "/a");
    }
    assert_int_equal(server_url_parse(target, &url, NULL), 0);
    server_url_fini(&url);
    snprintf(target + used, sizeof(target) - used, "/a");
    assert_int_equal(server_url_parse(target, &url, NULL), BUSBAR_ELIMIT);
    used = (size_t)snprintf(target, sizeof(target), "/?");
    for (int i = 0; i < SERVER_URL_ARGS_MAX; i++) {
        used += (size_t)snprintf(target + used, sizeof(target) - used, "a&");
    }
    assert_int_equal(server_url_parse(target, &url, NULL), 0);
    server_url_fini(&url);
    snprintf(target + used, sizeof(target) - used, "a&");
    assert_int_equal(server_url_parse(target, &url, NULL), BUSBAR_ELIMIT);
}

static void no_memory_is_an_error(void **state)
{
    struct server_url url;
    (void)state;
    alloc_fail_nth(1);
    assert_int_equal(server_url_parse("/a?b=c", &url, NULL), BUSBAR_ENOMEM);
    alloc_fail_nth(0);
    assert_null(url.block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_and_arguments_are_decoded),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
        cmocka_unit_test(counts_have_limits),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
