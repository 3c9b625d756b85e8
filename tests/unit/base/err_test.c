/* SPDX-License-Identifier: Apache-2.0 */
/* The table, positions, cutting of long texts, NULL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

static void every_code_has_a_name_and_a_text(void **state)
{
    (void)state;
    static const int codes[] = {
#define X(name, number, text) BUSBAR_##name,
        BUSBAR_ERRORS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        assert_true(codes[i] < 0);
        assert_string_not_equal(err_name(codes[i]), "EUNKNOWN");
        assert_string_not_equal(err_text(codes[i]), "unknown error");
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(codes[i], codes[j]);
            assert_string_not_equal(err_name(codes[i]), err_name(codes[j]));
        }
    }
    assert_string_equal(err_name(BUSBAR_ETIMEOUT), "ETIMEOUT");
    assert_string_equal(err_name(0), "OK");
    assert_string_equal(err_name(-9999), "EUNKNOWN");
    assert_string_equal(err_text(-9999), "unknown error");
}

static void an_error_carries_place_and_hint(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct position at = { .file = "site.yaml", .line = 26, .column = 16, .width = 7 };
    assert_int_equal(
        err_at(&err, BUSBAR_ECONFIG, at, "did you mean 'register'?", "unknown key '%s'", "regster"),
        BUSBAR_ECONFIG);
    assert_int_equal(err.code, BUSBAR_ECONFIG);
    assert_string_equal(err.file, "site.yaml");
    assert_int_equal(err.line, 26);
    assert_int_equal(err.column, 16);
    assert_int_equal(err.width, 7);
    assert_string_equal(err.message, "unknown key 'regster'");
    assert_string_equal(err.hint, "did you mean 'register'?");

    assert_int_equal(err_prefix(&err, "point %d", 3), BUSBAR_ECONFIG);
    assert_string_equal(err.message, "point 3: unknown key 'regster'");
    assert_int_equal(err_hint(&err, "see %s", "the manual"), BUSBAR_ECONFIG);
    assert_string_equal(err.hint, "see the manual");

    assert_int_equal(err_set(&err, BUSBAR_EIO, "cannot read"), BUSBAR_EIO);
    assert_int_equal(err.line, 0);
    assert_string_equal(err.file, "");
    assert_string_equal(err.hint, "");
}

static void null_is_accepted_everywhere(void **state)
{
    (void)state;
    struct position nowhere = { 0 };
    assert_int_equal(err_set(NULL, BUSBAR_EIO, "x"), BUSBAR_EIO);
    assert_int_equal(err_at(NULL, BUSBAR_EIO, nowhere, NULL, "x"), BUSBAR_EIO);
    assert_int_equal(err_hint(NULL, "x"), BUSBAR_EINTERNAL);
    assert_int_equal(err_prefix(NULL, "x"), BUSBAR_EINTERNAL);
    struct err err;
    assert_int_equal(err_at(&err, BUSBAR_EIO, nowhere, NULL, "x"), BUSBAR_EIO);
    assert_string_equal(err.file, "");
    assert_string_equal(err.hint, "");
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    char text[1001];
    for (size_t i = 0; i < 1000; i += 2) {
        memcpy(text + i, "\xc3\xa9", 2);
    }
    text[1000] = '\0';
    struct err err;
    struct position at = { .file = text };
    err_at(&err, BUSBAR_EIO, at, text, "x%s", text);
    assert_true(strlen(err.message) < ERR_MESSAGE_MAX);
    assert_int_equal((strlen(err.message) - 1) % 2, 0);
    assert_int_equal(strlen(err.hint), ERR_HINT_MAX - 2);
    assert_int_equal(strlen(err.file), ERR_FILE_MAX - 2);
}

static void errno_becomes_a_code(void **state)
{
    (void)state;
    assert_int_equal(err_from_errno(0), 0);
    assert_int_equal(err_from_errno(ENOSPC), BUSBAR_ENOSPC);
    assert_int_equal(err_from_errno(ECONNREFUSED), BUSBAR_ECONNREFUSED);
    assert_int_equal(err_from_errno(EHOSTUNREACH), BUSBAR_EROUTE);
    assert_int_equal(err_from_errno(EAGAIN), BUSBAR_EAGAIN);
    assert_int_equal(err_from_errno(EADDRINUSE), BUSBAR_EADDRINUSE);
    for (int number = 1; number < 140; number++) {
        assert_true(err_from_errno(number) < 0);
    }
}

static void a_name_leads_back_to_its_code(void **state)
{
    (void)state;
#define X(name, number, text) assert_int_equal(err_code(#name), number);
    BUSBAR_ERRORS(X)
#undef X
    assert_int_equal(err_code("ETIME"), 0);
    assert_int_equal(err_code(""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_leads_back_to_its_code),
        cmocka_unit_test(every_code_has_a_name_and_a_text),
        cmocka_unit_test(an_error_carries_place_and_hint),
        cmocka_unit_test(null_is_accepted_everywhere),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(errno_becomes_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
