/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "drivers/opcua/text/security.h"

static void what_is_printed_is_read_back(void **state)
{
    (void)state;
    for (int mode = OPCUA_MODE_SIGN; mode <= OPCUA_MODE_SIGN_ENCRYPT; mode++) {
        for (int policy = OPCUA_POLICY_NONE + 1; policy < OPCUA_POLICIES; policy++) {
            char text[OPCUA_SECURITY_TEXT_MAX];
            bool automatic = true;
            enum opcua_mode read_mode;
            enum opcua_policy read_policy;
            (void)opcua_security_print((enum opcua_mode)mode, (enum opcua_policy)policy, text,
                                       sizeof(text));
            assert_int_equal(opcua_security_parse(text, &automatic, &read_mode, &read_policy, NULL),
                             0);
            assert_false(automatic);
            assert_int_equal(read_mode, mode);
            assert_int_equal(read_policy, policy);
        }
    }
}

static void people_write_it_in_several_ways(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool automatic;
        int mode, policy;
    } rows[] = {
        { "auto", true, 0, 0 },
        { "Auto", true, 0, 0 },
        { "none", false, OPCUA_MODE_NONE, OPCUA_POLICY_NONE },
        { "Basic256Sha256", false, OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_BASIC256SHA256 },
        { "sign  basic256sha256", false, OPCUA_MODE_SIGN, OPCUA_POLICY_BASIC256SHA256 },
        { "Encrypt Basic128Rsa15", false, OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_BASIC128RSA15 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool automatic = false;
        enum opcua_mode mode = (enum opcua_mode)0;
        enum opcua_policy policy = (enum opcua_policy)0;
        assert_int_equal(opcua_security_parse(rows[i].text, &automatic, &mode, &policy, NULL), 0);
        assert_int_equal(automatic, rows[i].automatic);
        assert_int_equal(mode, rows[i].mode);
        assert_int_equal(policy, rows[i].policy);
    }
}

static void what_is_none_says_what_there_is(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",      "sign",     "encrypt ",          "sign None",
        "best",  "Basic25",  "sign Basic256Sha2", "encryptBasic256",
        " none", "none none"
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct err err = { 0 };
        bool automatic;
        enum opcua_mode mode;
        enum opcua_policy policy;
        assert_int_equal(opcua_security_parse(wrong[i], &automatic, &mode, &policy, &err),
                         BUSBAR_EINVAL);
        assert_non_null(strstr(err.hint, "Aes256_Sha256_RsaPss"));
    }
}

static void policies_are_known_by_their_uris(void **state)
{
    (void)state;
    for (int i = 0; i < OPCUA_POLICIES; i++) {
        enum opcua_policy policy;
        const char *uri = opcua_policy_uri((enum opcua_policy)i);
        assert_true(opcua_policy_of_uri(uri, strlen(uri), &policy));
        assert_int_equal(policy, i);
        assert_false(opcua_policy_of_uri(uri, strlen(uri) - 1, &policy));
        assert_int_equal(opcua_policy_deprecated(policy),
                         policy == OPCUA_POLICY_BASIC128RSA15 || policy == OPCUA_POLICY_BASIC256);
    }
    enum opcua_policy policy = OPCUA_POLICIES;
    assert_true(opcua_policy_of_uri("", 0, &policy));
    assert_int_equal(policy, OPCUA_POLICY_NONE);
}

static void encryption_counts_more_than_the_policy(void **state)
{
    (void)state;
    assert_true(opcua_security_strength(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_BASIC256SHA256) >
                opcua_security_strength(OPCUA_MODE_SIGN, OPCUA_POLICY_AES256_SHA256_RSAPSS));
    assert_true(opcua_security_strength(OPCUA_MODE_SIGN, OPCUA_POLICY_BASIC128RSA15) >
                opcua_security_strength(OPCUA_MODE_NONE, OPCUA_POLICY_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_is_read_back),
        cmocka_unit_test(people_write_it_in_several_ways),
        cmocka_unit_test(what_is_none_says_what_there_is),
        cmocka_unit_test(policies_are_known_by_their_uris),
        cmocka_unit_test(encryption_counts_more_than_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
