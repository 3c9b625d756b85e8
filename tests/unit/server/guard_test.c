/* SPDX-License-Identifier: Apache-2.0 */
#include "server/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void hosts(void **state)
{
    static const struct {
        const char *host, *listen;
        bool fine;
    } cases[] = {
        { "127.0.0.1:8080", "127.0.0.1", true },
        { "127.0.0.1", "127.0.0.1", true },
        { "127.0.0.2:8080", "127.0.0.1", false },
        { "localhost:8080", "127.0.0.1", true },
        { "LocalHost", "127.0.0.1", true },
        { "localhost.", "127.0.0.1", false },
        { "[::1]:8080", "::1", true },
        { "[0:0:0:0:0:0:0:1]:8080", "::1", true },
        { "[::1]:8080", "127.0.0.1", false },
        { "192.168.1.5:8080", "0.0.0.0", true },
        { "192.168.1.5:8080", "::", true },
        { "[fe80::1]", "::", true },
        { "busbar.example:8080", "0.0.0.0", false },
        { "evil.example", "127.0.0.1", false },
        { "127.0.0.1.evil.example", "127.0.0.1", false },
        { "evil.example@127.0.0.1", "127.0.0.1", false },
        { "127.0.0.1:99999", "127.0.0.1", false },
        { "2130706433", "127.0.0.1", false }, /* 127.0.0.1 as one number: no such form here */
        { "0x7f.1", "127.0.0.1", false },
        { "", "127.0.0.1", false },
        { NULL, "127.0.0.1", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (server_guard_host(cases[i].host, cases[i].listen) != cases[i].fine) {
            fail_msg("host '%s' on %s", cases[i].host, cases[i].listen);
        }
    }
}

static void origins(void **state)
{
    static const struct {
        const char *origin, *site, *host;
        bool fine;
    } cases[] = {
        { NULL, NULL, "localhost:8080", true },
        { NULL, "same-origin", "localhost:8080", true },
        { NULL, "none", "localhost:8080", true },
        { NULL, "cross-site", "localhost:8080", false },
        { NULL, "Cross-Site", "localhost:8080", false },
        { "http://localhost:8080", NULL, "localhost:8080", true },
        { "HTTP://LOCALHOST:8080", NULL, "localhost:8080", true },
        { "https://localhost:8080", NULL, "localhost:8080", true },
        { "http://localhost:8081", NULL, "localhost:8080", false },
        { "http://localhost", NULL, "localhost:8080", false },
        { "http://evil.example", NULL, "localhost:8080", false },
        { "http://localhost:8080.evil.example", NULL, "localhost:8080", false },
        { "null", NULL, "localhost:8080", false },
        { "", NULL, "localhost:8080", false },
        { "file://", NULL, "localhost:8080", false },
        { "http://localhost:8080", NULL, NULL, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (server_guard_origin(cases[i].origin, cases[i].site, cases[i].host) != cases[i].fine) {
            fail_msg("origin '%s' of %s", cases[i].origin, cases[i].host);
        }
    }
}

static void content_types(void **state)
{
    (void)state;
    assert_true(server_guard_json("application/json"));
    assert_true(server_guard_json("Application/JSON; charset=utf-8"));
    assert_true(server_guard_json("application/json ;charset=utf-8"));
    assert_false(server_guard_json("application/jsonp"));
    assert_false(server_guard_json("text/plain;application/json"));
    assert_false(server_guard_json("text/plain"));
    assert_false(server_guard_json(""));
    assert_false(server_guard_json(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts),
        cmocka_unit_test(origins),
        cmocka_unit_test(content_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
