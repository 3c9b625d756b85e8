/* SPDX-License-Identifier: Apache-2.0 */
/* Users and keys: the vectors of the standards, both ways to extend a key, and digests against OpenSSL's HMAC(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/hash.h"
#include "drivers/snmp/ber/pdu.h"
#include "drivers/snmp/usm/digest.h"
#include "drivers/snmp/usm/library.h"

/* RFC 3414, A.3: the engine of its examples. */
static const uint8_t engine[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 };

static const EVP_MD *hash_of(enum usm_auth auth)
{
    const EVP_MD *hashes[] = { NULL,         EVP_md5(),    EVP_sha1(),  EVP_sha224(),
                               EVP_sha256(), EVP_sha384(), EVP_sha512() };
    return hashes[auth];
}

static void from_hex(const char *hex, uint8_t *out)
{
    for (size_t i = 0; hex[2 * i] != '\0'; i++) {
        const char digits[] = "0123456789abcdef";
        out[i] = (uint8_t)((strchr(digits, hex[2 * i]) - digits) << 4 |
                           (strchr(digits, hex[2 * i + 1]) - digits));
    }
}

static void assert_hex(const uint8_t *have, const char *hex)
{
    uint8_t want[USM_KEY_MAX];
    from_hex(hex, want);
    assert_memory_equal(have, want, strlen(hex) / 2);
}

static void keys_of_rfc3414(void **state)
{
    (void)state;
    uint8_t ku[USM_KEY_MAX];
    uint8_t kul[USM_KEY_MAX];
    assert_int_equal(usm_key_of_passphrase(USM_MD5, "maplesyrup", ku), 0);
    assert_hex(ku, "9faf3283884e92834ebc9847d8edd963"); /* A.3.1 */
    assert_int_equal(usm_key_localise(USM_MD5, ku, engine, sizeof(engine), kul), 0);
    assert_hex(kul, "526f5eed9fcce26f8964c2930787d82b");
    assert_int_equal(usm_key_of_passphrase(USM_SHA, "maplesyrup", ku), 0);
    assert_hex(ku, "9fb5cc0381497b3793528939ff788d5d79145211"); /* A.3.2 */
    assert_int_equal(usm_key_localise(USM_SHA, ku, engine, sizeof(engine), kul), 0);
    assert_hex(kul, "6695febc9288e36282235fc7151f128497b38f3f");
}

/* RFC 7860, 9.3 and 4.1 change nothing but the hash: a megabyte of the passphrase, then Ku, engine, Ku. */
static void keys_of_rfc7860(void **state)
{
    (void)state;
    static uint8_t megabyte[1 << 20];
    for (size_t i = 0; i < sizeof(megabyte); i++) {
        megabyte[i] = (uint8_t) "maplesyrup"[i % 10];
    }
    for (enum usm_auth auth = USM_SHA224; auth <= USM_SHA512; auth++) {
        uint8_t ku[USM_KEY_MAX];
        uint8_t kul[USM_KEY_MAX];
        uint8_t want[2 * USM_KEY_MAX + sizeof(engine)];
        unsigned size = 0;
        assert_int_equal(usm_key_of_passphrase(auth, "maplesyrup", ku), 0);
        assert_int_equal(usm_key_localise(auth, ku, engine, sizeof(engine), kul), 0);
        assert_true(EVP_Digest(megabyte, sizeof(megabyte), want, &size, hash_of(auth), NULL) == 1);
        assert_int_equal(size, usm_key_size(auth));
        assert_memory_equal(ku, want, size);
        memcpy(want + size, engine, sizeof(engine));
        memcpy(want + size + sizeof(engine), ku, size);
        size_t all = 2 * size + sizeof(engine);
        assert_true(EVP_Digest(want, all, want, &size, hash_of(auth), NULL) == 1);
        assert_memory_equal(kul, want, size);
    }
}

/* draft-reeder-snmpv3-usm-3desede-00, B.1 and B.2 */
static void keys_extended_as_cisco_does(void **state)
{
    (void)state;
    uint8_t key[USM_KEY_MAX];
    from_hex("526f5eed9fcce26f8964c2930787d82b", key);
    assert_int_equal(usm_key_extend(USM_MD5, USM_AES256_CISCO, engine, sizeof(engine), key), 0);
    assert_hex(key, "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12");
    from_hex("6695febc9288e36282235fc7151f128497b38f3f", key);
    assert_int_equal(usm_key_extend(USM_SHA, USM_AES256_CISCO, engine, sizeof(engine), key), 0);
    assert_hex(key, "6695febc9288e36282235fc7151f128497b38f3f9b8b6d78936ba6e7d19dfd9c");
}

/* draft-blumenthal-aes-usm-04, 3.1.2.1: Kul || H(Kul) || H(Kul || H(Kul)) ... */
static void keys_extended_as_most_do(void **state)
{
    (void)state;
    for (enum usm_auth auth = USM_MD5; auth <= USM_SHA512; auth++) {
        uint8_t key[USM_KEY_MAX];
        uint8_t want[2 * USM_KEY_MAX];
        unsigned size = 0;
        for (size_t i = 0; i < sizeof(key); i++) {
            key[i] = want[i] = (uint8_t)(7 * i);
        }
        size_t have = usm_key_size(auth);
        assert_true(EVP_Digest(want, have, want + have, &size, hash_of(auth), NULL) == 1);
        assert_int_equal(usm_key_extend(auth, USM_AES256, engine, sizeof(engine), key), 0);
        assert_memory_equal(key, want, usm_cipher_key_size(USM_AES256));
        assert_int_equal(usm_key_extend(auth, USM_AES128, engine, sizeof(engine), key), 0);
        assert_memory_equal(key, want, usm_cipher_key_size(USM_AES128));
    }
}

/* Every digest over messages of every size around the block's, its own place counted as zeros. */
static void digests_are_hmac(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (enum usm_auth auth = USM_MD5; auth <= USM_SHA512; auth++) {
        size_t mac_size = usm_mac_size(auth);
        for (size_t size = mac_size; size < 400; size++) {
            uint8_t message[400];
            uint8_t key[USM_KEY_MAX];
            uint8_t want[EVP_MAX_MD_SIZE];
            uint8_t mac[USM_MAC_MAX];
            struct usm_keys keys;
            for (size_t i = 0; i < sizeof(message); i++) {
                message[i] = (uint8_t)hash_random(&random);
                key[i % USM_KEY_MAX] = (uint8_t)hash_random(&random);
            }
            size_t at = hash_random(&random) % (size - mac_size + 1);
            usm_mac_key(auth, key, usm_key_size(auth), &keys);
            usm_mac(auth, &keys, message, size, at, mac);
            memset(message + at, 0, mac_size);
            assert_non_null(
                HMAC(hash_of(auth), key, (int)usm_key_size(auth), message, size, want, NULL));
            assert_memory_equal(mac, want, mac_size);
        }
    }
}

/* The sizes of msgAuthenticationParameters: RFC 3414, 6.3 and 7.3; RFC 7860, 4.2. */
static void digests_are_never_short(void **state)
{
    (void)state;
    const size_t sizes[] = { 0, 12, 12, 16, 24, 32, 48 };
    for (enum usm_auth auth = USM_AUTH_NONE; auth <= USM_SHA512; auth++) {
        assert_int_equal(usm_mac_size(auth), sizes[auth]);
    }
}

static void a_user_has_its_level(void **state)
{
    (void)state;
    struct usm_user *user = NULL;
    struct err err = { 0 };
    assert_int_equal(
        usm_user_make("busbar", USM_SHA256, "authentic", USM_AES128, "very private", &user, &err),
        0);
    assert_string_equal(usm_user_name(user), "busbar");
    assert_int_equal(usm_user_level(user), SNMP_AUTH | SNMP_PRIV);
    assert_int_equal(usm_user_auth(user), USM_SHA256);
    assert_int_equal(usm_user_priv(user), USM_AES128);
    usm_user_drop(usm_user_hold(user));
    assert_string_equal(usm_user_name(user), "busbar"); /* one holder is left */
    usm_user_drop(user);
    assert_int_equal(usm_user_make("guest", USM_AUTH_NONE, NULL, USM_PRIV_NONE, NULL, &user, &err),
                     0);
    assert_int_equal(usm_user_level(user), 0);
    usm_user_drop(user);
    usm_user_drop(NULL);
}

static void a_bad_user_is_told(void **state)
{
    (void)state;
    const struct {
        const char *name;
        enum usm_auth auth;
        const char *auth_pass;
        enum usm_priv priv;
        const char *priv_pass, *message;
    } rows[] = {
        { "", USM_AUTH_NONE, NULL, USM_PRIV_NONE, NULL, "1 to 32 octets, this one 0" },
        { "a name that is longer than 32 octets", USM_AUTH_NONE, NULL, USM_PRIV_NONE, NULL,
          "this one 36" },
        { "u", USM_SHA, "sevench", USM_PRIV_NONE, NULL,
          "authentication password has 7 characters" },
        { "u", USM_SHA, NULL, USM_PRIV_NONE, NULL, "authentication password is missing" },
        { "u", USM_SHA, "long enough", USM_DES, "", "privacy password is missing" },
        { "u", USM_SHA, "long enough", USM_DES, "short", "privacy password has 5" },
        { "u", USM_AUTH_NONE, NULL, USM_DES, "long enough", "only what is authenticated" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct usm_user *user = NULL;
        struct err err = { 0 };
        assert_int_equal(usm_user_make(rows[i].name, rows[i].auth, rows[i].auth_pass, rows[i].priv,
                                       rows[i].priv_pass, &user, &err),
                         BUSBAR_EINVAL);
        assert_null(user);
        assert_non_null(strstr(err.message, rows[i].message));
    }
}

/* Another engine, another key; nothing of a wiped one is left. */
static void keys_belong_to_an_engine(void **state)
{
    (void)state;
    struct usm_user *user = NULL;
    struct usm_keys one;
    struct usm_keys other;
    uint8_t engine2[USM_ENGINE_MAX + 1] = { 1 };
    assert_int_equal(usm_user_make("u", USM_MD5, "authentic", USM_DES, "very private", &user, NULL),
                     0);
    assert_int_equal(usm_keys_localise(user, engine, sizeof(engine), &one), 0);
    assert_int_equal(usm_keys_localise(user, engine2, USM_ENGINE_MAX, &other), 0);
    assert_memory_not_equal(one.inner, other.inner, 16);
    assert_memory_not_equal(one.priv, other.priv, 16);
    assert_int_equal(usm_keys_localise(user, engine, 0, &other), BUSBAR_EINVAL);
    assert_int_equal(usm_keys_localise(user, engine2, sizeof(engine2), &other), BUSBAR_EINVAL);
    const struct usm_keys none = { 0 };
    usm_keys_wipe(&one);
    assert_memory_equal(&one, &none, sizeof(one));
    usm_user_drop(user);
}

static void weak_choices_are_named(void **state)
{
    (void)state;
    assert_non_null(usm_weak_auth(USM_AUTH_NONE));
    assert_non_null(usm_weak_auth(USM_MD5));
    assert_non_null(usm_weak_auth(USM_SHA));
    assert_non_null(usm_weak_priv(USM_PRIV_NONE));
    assert_non_null(usm_weak_priv(USM_DES));
    for (enum usm_auth auth = USM_SHA224; auth <= USM_SHA512; auth++) {
        assert_null(usm_weak_auth(auth));
    }
    for (enum usm_priv priv = USM_AES128; priv <= USM_AES256_CISCO; priv++) {
        assert_null(usm_weak_priv(priv));
    }
    assert_string_equal(usm_auth_words[USM_SHA256], "SHA-256");
    assert_null(usm_auth_words[USM_SHA512 + 1]);
    assert_string_equal(usm_priv_words[USM_AES256_CISCO], "AES-256-Cisco");
    assert_null(usm_priv_words[USM_AES256_CISCO + 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_rfc3414),          cmocka_unit_test(keys_of_rfc7860),
        cmocka_unit_test(keys_extended_as_most_do), cmocka_unit_test(keys_extended_as_cisco_does),
        cmocka_unit_test(digests_are_hmac),         cmocka_unit_test(digests_are_never_short),
        cmocka_unit_test(a_user_has_its_level),     cmocka_unit_test(a_bad_user_is_told),
        cmocka_unit_test(keys_belong_to_an_engine), cmocka_unit_test(weak_choices_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
