/* SPDX-License-Identifier: Apache-2.0 */
/* Which endpoint and login is taken of what a server offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/err.h"
#include "drivers/opcua/link/choice.h"

enum { OFFERS = 8, TOKENS = 4 };

static struct {
    UA_EndpointDescription list[OFFERS];
    UA_UserTokenPolicy tokens[OFFERS][TOKENS];
    size_t count;
} offers;

static UA_String text(const char *from)
{
    return UA_STRING((char *)(uintptr_t)from);
}

static int clear(void **state)
{
    (void)state;
    memset(&offers, 0, sizeof(offers));
    return 0;
}

static UA_EndpointDescription *offer(enum opcua_mode mode, enum opcua_policy policy)
{
    UA_EndpointDescription *endpoint = &offers.list[offers.count];
    endpoint->securityMode = (UA_MessageSecurityMode)mode;
    endpoint->securityPolicyUri = text(opcua_policy_uri(policy));
    endpoint->serverCertificate = text("a certificate");
    endpoint->userIdentityTokens = offers.tokens[offers.count++];
    endpoint->userIdentityTokensSize = 1; /* anonymous */
    return endpoint;
}

static void lets_in(UA_EndpointDescription *endpoint, UA_UserTokenType type, const char *policy_uri)
{
    UA_UserTokenPolicy *token = &endpoint->userIdentityTokens[endpoint->userIdentityTokensSize++];
    token->tokenType = type;
    token->securityPolicyUri = text(policy_uri);
}

static const struct opcua_link_config automatic = { .automatic = true };

static int choose(const struct opcua_link_config *config, int least, struct opcua_choice *choice,
                  struct opcua_trouble *why)
{
    memset(choice, 0, sizeof(*choice));
    memset(why, 0, sizeof(*why));
    return opcua_choose(offers.list, offers.count, config, least, choice, why);
}

static void the_strongest_is_taken_whatever_the_server_prefers(void **state)
{
    (void)state;
    struct opcua_choice choice;
    struct opcua_trouble why;
    offer(OPCUA_MODE_NONE, OPCUA_POLICY_NONE)->securityLevel = 200;
    offer(OPCUA_MODE_SIGN, OPCUA_POLICY_AES256_SHA256_RSAPSS)->securityLevel = 100;
    offer(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_AES128_SHA256_RSAOAEP);
    offer(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_BASIC256SHA256);
    assert_int_equal(choose(&automatic, 0, &choice, &why), 0);
    assert_ptr_equal(choice.endpoint, &offers.list[2]);
    assert_int_equal(choice.mode, OPCUA_MODE_SIGN_ENCRYPT);
    assert_int_equal(choice.policy, OPCUA_POLICY_AES128_SHA256_RSAOAEP);
}

static void none_and_deprecated_ones_need_their_name(void **state)
{
    (void)state;
    struct opcua_choice choice;
    struct opcua_trouble why;
    offer(OPCUA_MODE_NONE, OPCUA_POLICY_NONE);
    offer(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_BASIC256);
    assert_int_equal(choose(&automatic, 0, &choice, &why), BUSBAR_EUNSUPPORTED);
    assert_non_null(strstr(why.detail, "none, encrypt Basic256:"));
    struct opcua_link_config config = { .mode = OPCUA_MODE_SIGN_ENCRYPT,
                                        .policy = OPCUA_POLICY_BASIC256 };
    assert_int_equal(choose(&config, 0, &choice, &why), 0);
    assert_ptr_equal(choice.endpoint, &offers.list[1]);
    config.mode = OPCUA_MODE_NONE;
    config.policy = OPCUA_POLICY_NONE;
    assert_int_equal(choose(&config, 0, &choice, &why), 0);
    assert_ptr_equal(choice.endpoint, &offers.list[0]);
    config.mode = OPCUA_MODE_SIGN;
    config.policy = OPCUA_POLICY_BASIC256SHA256;
    assert_int_equal(choose(&config, 0, &choice, &why), BUSBAR_EUNSUPPORTED);
    assert_non_null(strstr(why.detail, "sign Basic256Sha256"));
}

static void nothing_weaker_than_before_is_taken(void **state)
{
    (void)state;
    struct opcua_choice choice;
    struct opcua_trouble why;
    int before = opcua_security_strength(OPCUA_MODE_SIGN_ENCRYPT,
                                         OPCUA_POLICY_AES256_SHA256_RSAPSS);
    offer(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_BASIC256SHA256);
    assert_int_equal(choose(&automatic, before, &choice, &why), BUSBAR_EPERM);
    assert_non_null(strstr(why.detail, "in between"));
    offer(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_AES256_SHA256_RSAPSS);
    assert_int_equal(choose(&automatic, before, &choice, &why), 0);
}

static void what_makes_no_sense_is_passed_over(void **state)
{
    (void)state;
    struct opcua_choice choice;
    struct opcua_trouble why;
    offer(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_AES256_SHA256_RSAPSS)->transportProfileUri = text(
        "http://opcfoundation.org/UA-Profile/Transport/https-uabinary");
    offer(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_AES256_SHA256_RSAPSS)->serverCertificate.length = 0;
    offer(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_NONE);
    offer(OPCUA_MODE_NONE, OPCUA_POLICY_AES256_SHA256_RSAPSS);
    offer((enum opcua_mode)4, OPCUA_POLICY_AES256_SHA256_RSAPSS);
    offer(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_AES256_SHA256_RSAPSS)->securityPolicyUri = text(
        "http://opcfoundation.org/UA/SecurityPolicy#Newest");
    assert_int_equal(choose(&automatic, 0, &choice, &why), BUSBAR_EUNSUPPORTED);
    assert_non_null(strstr(why.detail, "nothing that busbar knows"));
    assert_int_equal(opcua_choose(NULL, 0, &automatic, 0, &choice, &why), BUSBAR_EUNSUPPORTED);
}

static void a_password_goes_out_encrypted_or_not_at_all(void **state)
{
    (void)state;
    struct opcua_choice choice;
    struct opcua_trouble why;
    struct opcua_link_config config = { .mode = OPCUA_MODE_NONE, .user = "eva" };
    UA_EndpointDescription *endpoint = offer(OPCUA_MODE_NONE, OPCUA_POLICY_NONE);
    assert_int_equal(choose(&config, 0, &choice, &why), BUSBAR_EAUTH);
    assert_non_null(strstr(why.detail, "users with a password"));
    lets_in(endpoint, UA_USERTOKENTYPE_USERNAME, "");
    assert_int_equal(choose(&config, 0, &choice, &why), BUSBAR_EAUTH);
    assert_non_null(strstr(why.detail, "password_in_clear"));
    config.clear_password = true;
    assert_int_equal(choose(&config, 0, &choice, &why), 0);
    assert_int_equal(choice.token_policy, OPCUA_POLICY_NONE);
    config.clear_password = false;
    lets_in(endpoint, UA_USERTOKENTYPE_USERNAME, opcua_policy_uri(OPCUA_POLICY_BASIC256SHA256));
    assert_int_equal(choose(&config, 0, &choice, &why), 0);
    assert_ptr_equal(choice.token, &endpoint->userIdentityTokens[2]);
    assert_int_equal(choice.token_policy, OPCUA_POLICY_BASIC256SHA256);
    endpoint->serverCertificate.length = 0; /* there is nothing to encrypt with */
    assert_int_equal(choose(&config, 0, &choice, &why), BUSBAR_EAUTH);
}

static void a_signed_channel_does_not_hide_a_password(void **state)
{
    (void)state;
    struct opcua_choice choice;
    struct opcua_trouble why;
    struct opcua_link_config config = { .automatic = true, .user = "eva" };
    UA_EndpointDescription *signed_only = offer(OPCUA_MODE_SIGN, OPCUA_POLICY_BASIC256SHA256);
    lets_in(signed_only, UA_USERTOKENTYPE_USERNAME, opcua_policy_uri(OPCUA_POLICY_NONE));
    assert_int_equal(choose(&config, 0, &choice, &why), BUSBAR_EAUTH);
    UA_EndpointDescription *encrypted = offer(OPCUA_MODE_SIGN_ENCRYPT, OPCUA_POLICY_BASIC256SHA256);
    lets_in(encrypted, UA_USERTOKENTYPE_USERNAME, opcua_policy_uri(OPCUA_POLICY_NONE));
    assert_int_equal(choose(&config, 0, &choice, &why), 0);
    assert_ptr_equal(choice.endpoint, encrypted);
}

static void a_certificate_user_needs_something_to_sign_with(void **state)
{
    (void)state;
    struct opcua_choice choice;
    struct opcua_trouble why;
    struct opcua_link_config config = { .mode = OPCUA_MODE_NONE, .user_certificate = "x" };
    UA_EndpointDescription *endpoint = offer(OPCUA_MODE_NONE, OPCUA_POLICY_NONE);
    lets_in(endpoint, UA_USERTOKENTYPE_CERTIFICATE, "");
    assert_int_equal(choose(&config, 0, &choice, &why), BUSBAR_EAUTH);
    lets_in(endpoint, UA_USERTOKENTYPE_CERTIFICATE, opcua_policy_uri(OPCUA_POLICY_BASIC128RSA15));
    assert_int_equal(choose(&config, 0, &choice, &why), BUSBAR_EAUTH);
    lets_in(endpoint, UA_USERTOKENTYPE_CERTIFICATE, opcua_policy_uri(OPCUA_POLICY_BASIC256SHA256));
    assert_int_equal(choose(&config, 0, &choice, &why), 0);
    assert_int_equal(choice.token_policy, OPCUA_POLICY_BASIC256SHA256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_strongest_is_taken_whatever_the_server_prefers, clear),
        cmocka_unit_test_setup(none_and_deprecated_ones_need_their_name, clear),
        cmocka_unit_test_setup(nothing_weaker_than_before_is_taken, clear),
        cmocka_unit_test_setup(what_makes_no_sense_is_passed_over, clear),
        cmocka_unit_test_setup(a_password_goes_out_encrypted_or_not_at_all, clear),
        cmocka_unit_test_setup(a_signed_channel_does_not_hide_a_password, clear),
        cmocka_unit_test_setup(a_certificate_user_needs_something_to_sign_with, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
