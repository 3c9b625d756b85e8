/* SPDX-License-Identifier: Apache-2.0 */
/* Logins: their texts are their own, they say what they are, and what is weak. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/snmp/snmp_login.h"

static struct snmp_login *login_of(enum usm_auth auth, enum usm_priv priv, const char *context)
{
    struct usm_user *user = NULL;
    assert_int_equal(usm_user_make("busbar", auth, "authentic", priv, "very private", &user, NULL),
                     0);
    struct snmp_login *login = snmp_login_new(
        &(struct snmp_login){ .version = SNMP_V3, .user = user, .context = context });
    usm_user_drop(user); /* the login holds it */
    return login;
}

static void assert_says(const struct snmp_login *login, const char *text, const char *weak)
{
    struct buf out;
    buf_init(&out, 256);
    snmp_login_print(login, &out);
    assert_string_equal(buf_text(&out), text);
    buf_fini(&out);
    if (weak == NULL) {
        assert_null(snmp_login_weak(login));
    } else {
        assert_non_null(strstr(snmp_login_weak(login), weak));
    }
}

static void a_login_says_what_it_is(void **state)
{
    (void)state;
    const struct {
        enum usm_auth auth;
        enum usm_priv priv;
        const char *context, *text, *weak;
    } rows[] = {
        { USM_SHA256, USM_AES128, "", "v3 user busbar SHA-256 AES-128", NULL },
        { USM_SHA512, USM_AES256_CISCO, "vlan-7",
          "v3 user busbar SHA-512 AES-256-Cisco context vlan-7", NULL },
        { USM_MD5, USM_AES128, NULL, "v3 user busbar MD5 AES-128", "MD5" },
        { USM_SHA256, USM_DES, NULL, "v3 user busbar SHA-256 DES", "DES" },
        { USM_SHA256, USM_PRIV_NONE, NULL, "v3 user busbar SHA-256 unencrypted", "encryption" },
        { USM_AUTH_NONE, USM_PRIV_NONE, NULL, "v3 user busbar without a password", "pose" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct snmp_login *login = login_of(rows[i].auth, rows[i].priv, rows[i].context);
        assert_says(login, rows[i].text, rows[i].weak);
        snmp_login_drop(login);
    }
}

/* A community is as good as a password: it is printed nowhere. */
static void a_community_is_not_told(void **state)
{
    (void)state;
    char community[] = "geheim";
    struct snmp_login *login = snmp_login_new(
        &(struct snmp_login){ .version = SNMP_V2C, .community = community, .name = "old" });
    community[0] = 'X';
    assert_string_equal(login->community, "geheim");
    assert_string_equal(login->name, "old");
    assert_string_equal(login->context, "");
    assert_says(login, "v2c (community readable by anyone on the way)", "community");
    assert_ptr_equal(snmp_login_hold(login), login);
    snmp_login_drop(login);
    assert_string_equal(login->community, "geheim"); /* one holder is left */
    snmp_login_drop(login);
    login = snmp_login_new(&(struct snmp_login){ .version = SNMP_V1 });
    assert_says(login, "v1 (community readable by anyone on the way)", "community");
    snmp_login_drop(login);
    snmp_login_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_says_what_it_is),
        cmocka_unit_test(a_community_is_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
