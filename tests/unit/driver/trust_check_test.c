/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a chain is trusted: every fault with what a person gets to read, the order of faults, chains over
 * authorities, lists, and bytes that are no certificates. */
#include "certs.h"

static void nobody_is_trusted_until_a_person_says_so(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ 0 }, NULL);
    assert_int_equal(rig_check(&rig, &press), TRUST_UNTRUSTED);
    assert_string_equal(rig.seen.fingerprint, press.fingerprint);
    char words[256];
    str_format(words, sizeof(words),
               "certificate %.16s is not trusted: compare its fingerprint with the device's, then: "
               "busbar certificate trust %.16s",
               press.fingerprint, press.fingerprint);
    assert_string_equal(rig.seen.words, words);
    assert_true(strlen(words) < 160); /* a device's link shows no more */
    uint64_t generation = trust_generation(rig.trust);
    assert_int_equal(trust_accept(rig.trust, press.fingerprint, &rig.seen, NULL), 0);
    assert_int_equal(rig.seen.fault, TRUST_FINE);
    assert_true(trust_generation(rig.trust) > generation);
    assert_int_equal(rig_check(&rig, &press), TRUST_FINE);
    cert_free(&press);
    rig_close(&rig);
}

static void what_a_certificate_says_is_told(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    rig_open(&rig);
    cert_make(&press,
              &(struct cert_how){ .alt = "URI:urn:acme:press,DNS:press-1,IP:10.0.3.5,"
                                         "IP:fd00::5,URI:urn:second,DNS:10.0.3.5" },
              NULL);
    (void)rig_check(&rig, &press);
    assert_string_equal(rig.seen.subject, "CN=press-1");
    assert_string_equal(rig.seen.issuer, "CN=press-1");
    assert_string_equal(rig.seen.hosts, "press-1, 10.0.3.5, fd00:0:0:0:0:0:0:5");
    assert_string_equal(rig.seen.uri, "urn:acme:press");
    assert_string_equal(rig.seen.key, "EC");
    assert_int_equal(rig.seen.key_bits, 256);
    assert_string_equal(rig.seen.signature, "ecdsa-with-SHA256");
    assert_int_equal(rig.seen.from_us, CERT_NOW_US - INT64_C(86400000000));
    assert_int_equal(rig.seen.until_us, CERT_NOW_US + 365 * INT64_C(86400000000));
    assert_string_equal(rig.seen.peer, "opc.tcp://10.0.3.5:48250");
    assert_string_equal(rig.seen.device, "press-1");
    cert_free(&press);
    rig_close(&rig);
}

/* One certificate that is trusted but for what is wrong with it. */
static void is_refused(const struct cert_how *how, enum trust_fault fault, const char *says)
{
    struct rig rig;
    struct cert press;
    rig_open(&rig);
    cert_make(&press, how, NULL);
    rig_trust(&rig, &press);
    assert_int_equal(rig_check(&rig, &press), fault);
    if (strstr(rig.seen.words, says) == NULL) {
        print_error("'%s' is not in '%s'\n", says, rig.seen.words);
        fail();
    }
    cert_free(&press);
    rig_close(&rig);
}

static void each_fault_has_its_words(void **state)
{
    (void)state;
    is_refused(&(struct cert_how){ .from_days = -30, .until_days = -1 }, TRUST_EXPIRED,
               "expired on 2026-09-20: renew it on the device");
    is_refused(&(struct cert_how){ .from_days = 2, .until_days = 30 }, TRUST_NOT_YET,
               "is valid only from 2026-09-23 on: look at the clocks");
    is_refused(&(struct cert_how){ .alt = "URI:urn:acme:press,DNS:press-2,DNS:press-3" },
               TRUST_WRONG_HOST,
               "is not for 10.0.3.5: connect to a name that it has, or set server_name: press-2 "
               "(it has press-2, press-3)");
    is_refused(&(struct cert_how){ .alt = "URI:urn:acme:press" }, TRUST_WRONG_HOST,
               "names no host, so not 10.0.3.5 either");
    is_refused(&(struct cert_how){ .alt = "URI:urn:acme:saw,IP:10.0.3.5" }, TRUST_WRONG_URI,
               "is for urn:acme:saw, the device says it is urn:acme:press");
    is_refused(&(struct cert_how){ .alt = "IP:10.0.3.5" }, TRUST_WRONG_URI,
               "has no application URI, the device says it is urn:acme:press");
    is_refused(&(struct cert_how){ .usage = "keyAgreement" }, TRUST_WRONG_USE,
               "is not made for this use (key usage)");
    is_refused(&(struct cert_how){ .purpose = "clientAuth" }, TRUST_WRONG_USE,
               "is not made for this use (key usage)");
    is_refused(&(struct cert_how){ .rsa_bits = 1024 }, TRUST_WEAK,
               "is too weak (RSA 1024 bits, sha256WithRSAEncryption)");
    is_refused(&(struct cert_how){ .sha1 = true }, TRUST_WEAK,
               "is too weak (EC 256 bits, ecdsa-with-SHA1)");
}

static void an_rsa_key_that_may_only_sign_is_not_for_this_use(void **state)
{
    (void)state;
    is_refused(&(struct cert_how){ .rsa_bits = 2048, .usage = "digitalSignature" }, TRUST_WRONG_USE,
               "encipherment");
}

static void certificates_without_usages_pass(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ .usage = "", .purpose = "", .rsa_bits = 2048 }, NULL);
    rig_trust(&rig, &press);
    assert_int_equal(rig_check(&rig, &press), TRUST_FINE);
    assert_string_equal(rig.seen.key, "RSA");
    assert_int_equal(rig.seen.key_bits, 2048);
    cert_free(&press);
    rig_close(&rig);
}

static void a_deprecated_security_lets_weak_ones_through(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    struct trust_peer peer = rig_press;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ .rsa_bits = 1024, .sha1 = true }, NULL);
    peer.weak = true;
    assert_int_equal(rig_check_bytes(&rig, &peer, press.der, press.size), TRUST_UNTRUSTED);
    rig_trust(&rig, &press);
    assert_int_equal(rig_check_bytes(&rig, &peer, press.der, press.size), TRUST_FINE);
    assert_int_equal(rig_check(&rig, &press), TRUST_WEAK);
    cert_free(&press);
    rig_close(&rig);
}

static void the_worst_fault_is_told(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ .alt = "DNS:other", .from_days = -9, .until_days = -1 },
              NULL);
    assert_int_equal(rig_check(&rig, &press),
                     TRUST_UNTRUSTED); /* expired, wrong host and URI, too */
    rig_trust(&rig, &press);
    assert_int_equal(rig_check(&rig, &press), TRUST_EXPIRED);
    clock_fake_step_wall(-2 * 86400 * CLOCK_US_PER_S);
    assert_int_equal(rig_check(&rig, &press), TRUST_WRONG_HOST);
    cert_free(&press);
    rig_close(&rig);
}

static void hosts_are_names_or_addresses_and_no_wildcards(void **state)
{
    (void)state;
    static const struct {
        const char *alt, *host;
        bool fine;
    } cases[] = {
        { "DNS:press-1", "press-1", true },
        { "DNS:press-1", "PRESS-1", true },
        { "DNS:press-1", "press-10", false },
        { "DNS:press-1.acme.example", "press-1", false },
        { "DNS:*.acme.example", "press-1.acme.example", false },
        { "IP:10.0.3.5", "10.0.3.5", true },
        { "IP:10.0.3.5", "10.0.3.50", false },
        { "IP:fd00::5", "fd00::5", true },
        { "IP:fd00::5", "FD00:0::5", true },
        { "DNS:10.0.3.5", "10.0.3.5", true }, /* so many devices do it */
        { "email:a@press-1", "press-1", false },
        { "DNS:press-1", "", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig rig;
        struct cert press;
        struct trust_peer peer = { .host = cases[i].host };
        rig_open(&rig);
        cert_make(&press, &(struct cert_how){ .alt = cases[i].alt }, NULL);
        rig_trust(&rig, &press);
        assert_int_equal(rig_check_bytes(&rig, &peer, press.der, press.size),
                         cases[i].fine ? TRUST_FINE : TRUST_WRONG_HOST);
        cert_free(&press);
        rig_close(&rig);
    }
}

static void a_common_name_is_no_host(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ .alt = "" }, NULL);
    rig_trust(&rig, &press);
    struct trust_peer peer = { .host = "press-1" };
    assert_int_equal(rig_check_bytes(&rig, &peer, press.der, press.size), TRUST_WRONG_HOST);
    peer.host = NULL;
    assert_int_equal(rig_check_bytes(&rig, &peer, press.der, press.size), TRUST_FINE);
    cert_free(&press);
    rig_close(&rig);
}

static void a_changed_certificate_has_a_bad_signature(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ 0 }, NULL);
    press.der[press.size - 1] ^= 1; /* the last byte of the signature */
    assert_int_equal(rig_check(&rig, &press), TRUST_BAD_SIGNATURE);
    assert_non_null(strstr(rig.seen.words, "do not trust it"));
    struct err err = { 0 };
    assert_int_equal(trust_accept(rig.trust, rig.seen.fingerprint, NULL, &err), BUSBAR_EPERM);
    assert_non_null(strstr(err.message, "trust does not help"));
    cert_free(&press);
    rig_close(&rig);
}

/* ---- chains ---- */

struct plant {
    struct rig rig;
    struct cert root, middle, press;
    uint8_t chain[3 * CERT_BYTES_MAX];
    size_t size;
};

static void plant_open(struct plant *plant)
{
    rig_open(&plant->rig);
    cert_make(&plant->root, &(struct cert_how){ .name = "acme root", .authority = true }, NULL);
    cert_make(&plant->middle, &(struct cert_how){ .name = "acme plant 1", .authority = true },
              &plant->root);
    cert_make(&plant->press, &(struct cert_how){ 0 }, &plant->middle);
    memcpy(plant->chain, plant->press.der, plant->press.size);
    memcpy(plant->chain + plant->press.size, plant->middle.der, plant->middle.size);
    plant->size = plant->press.size + plant->middle.size;
}

static void plant_close(struct plant *plant)
{
    cert_free(&plant->press);
    cert_free(&plant->middle);
    cert_free(&plant->root);
    rig_close(&plant->rig);
}

static enum trust_fault plant_check(struct plant *plant)
{
    return rig_check_bytes(&plant->rig, &rig_press, plant->chain, plant->size);
}

static void a_trusted_authority_is_enough(void **state)
{
    (void)state;
    struct plant plant;
    plant_open(&plant);
    assert_int_equal(plant_check(&plant), TRUST_NO_ISSUER);
    assert_non_null(strstr(plant.rig.seen.words, "import its authority CN=acme root"));
    assert_int_equal(rig_check(&plant.rig, &plant.press), TRUST_NO_ISSUER);
    assert_non_null(strstr(plant.rig.seen.words, "import its authority CN=acme plant 1"));
    rig_issuer(&plant.rig, &plant.root);
    assert_int_equal(plant_check(&plant), TRUST_UNTRUSTED); /* it is known, trusted for nothing */
    rig_trust(&plant.rig, &plant.root);
    assert_int_equal(plant_check(&plant), TRUST_FINE);
    assert_int_equal(rig_check(&plant.rig, &plant.press),
                     TRUST_NO_ISSUER); /* the middle is not here */
    rig_issuer(&plant.rig, &plant.middle);
    assert_int_equal(rig_check(&plant.rig, &plant.press), TRUST_FINE);
    plant_close(&plant);
}

static void one_in_the_middle_is_enough(void **state)
{
    (void)state;
    struct plant plant;
    plant_open(&plant);
    rig_trust(&plant.rig, &plant.middle);
    assert_int_equal(rig_check(&plant.rig, &plant.press), TRUST_FINE);
    plant_close(&plant);
}

static void a_trusted_certificate_stands_for_itself(void **state)
{
    (void)state;
    struct plant plant;
    plant_open(&plant);
    rig_trust(&plant.rig, &plant.press);
    assert_int_equal(plant_check(&plant), TRUST_FINE);
    assert_int_equal(rig_check(&plant.rig, &plant.press), TRUST_FINE);
    plant_close(&plant);
}

static void what_is_no_authority_signs_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press, fake;
    uint8_t chain[2 * CERT_BYTES_MAX];
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ .usage = "" }, NULL);
    rig_trust(&rig, &press);
    cert_make(&fake, &(struct cert_how){ .name = "fake" }, &press);
    memcpy(chain, fake.der, fake.size);
    memcpy(chain + fake.size, press.der, press.size);
    assert_int_equal(rig_check_bytes(&rig, &rig_press, chain, fake.size + press.size),
                     TRUST_WRONG_USE);
    assert_non_null(strstr(rig.seen.words, "the authority CN=press-1 above certificate"));
    cert_free(&press);
    cert_free(&fake);
    rig_close(&rig);
}

static void an_expired_authority_is_told_by_its_name(void **state)
{
    (void)state;
    struct rig rig;
    struct cert root, press;
    rig_open(&rig);
    cert_make(&root,
              &(struct cert_how){
                  .name = "old root", .authority = true, .from_days = -99, .until_days = -1 },
              NULL);
    cert_make(&press, &(struct cert_how){ 0 }, &root);
    rig_trust(&rig, &root);
    assert_int_equal(rig_check(&rig, &press), TRUST_EXPIRED);
    assert_non_null(strstr(rig.seen.words, "the authority CN=old root above certificate"));
    assert_non_null(strstr(rig.seen.words, "expired on 2026-09-20"));
    cert_free(&root);
    cert_free(&press);
    rig_close(&rig);
}

static void the_signature_of_another_key_is_bad(void **state)
{
    (void)state;
    struct rig rig;
    struct cert root, twin, press;
    rig_open(&rig);
    cert_make(&root, &(struct cert_how){ .name = "root", .authority = true }, NULL);
    cert_make(&twin, &(struct cert_how){ .name = "root", .authority = true }, NULL);
    cert_make(&press, &(struct cert_how){ 0 }, &twin);
    rig_trust(&rig, &root);
    assert_int_equal(rig_check(&rig, &press), TRUST_BAD_SIGNATURE);
    cert_free(&root);
    cert_free(&twin);
    cert_free(&press);
    rig_close(&rig);
}

/* ---- lists of authorities ---- */

static void import_list(struct rig *rig, const struct cert *authority, const struct cert *revoked)
{
    uint8_t der[CERT_BYTES_MAX];
    size_t size = cert_revoke(authority, revoked, der);
    assert_int_equal(trust_import(rig->trust, der, size, false, NULL, NULL), 0);
}

static void a_revoked_certificate_is_refused(void **state)
{
    (void)state;
    struct plant plant;
    plant_open(&plant);
    rig_trust(&plant.rig, &plant.root);
    import_list(&plant.rig, &plant.middle, NULL);
    assert_int_equal(plant_check(&plant), TRUST_FINE);
    import_list(&plant.rig, &plant.middle, &plant.press); /* past its date: counts all the same */
    assert_int_equal(plant_check(&plant), TRUST_REVOKED);
    assert_non_null(strstr(plant.rig.seen.words, "was revoked by its authority CN=acme plant 1"));
    rig_trust(&plant.rig, &plant.press); /* trust does not help */
    assert_int_equal(plant_check(&plant), TRUST_REVOKED);
    plant_close(&plant);
}

static void a_revoked_authority_takes_all_below_with_it(void **state)
{
    (void)state;
    struct plant plant;
    plant_open(&plant);
    rig_trust(&plant.rig, &plant.root);
    import_list(&plant.rig, &plant.root, &plant.middle);
    assert_int_equal(plant_check(&plant), TRUST_REVOKED);
    assert_non_null(strstr(plant.rig.seen.words, "the authority CN=acme plant 1"));
    plant_close(&plant);
}

static void a_forged_list_counts_for_nothing(void **state)
{
    (void)state;
    struct plant plant;
    struct cert forger;
    plant_open(&plant);
    rig_trust(&plant.rig, &plant.root);
    cert_make(&forger, &(struct cert_how){ .name = "acme plant 1", .authority = true }, NULL);
    import_list(&plant.rig, &forger, &plant.press);
    assert_int_equal(plant_check(&plant), TRUST_FINE);
    cert_free(&forger);
    plant_close(&plant);
}

/* ---- bytes that are no certificates ---- */

static void every_prefix_is_malformed(void **state)
{
    (void)state;
    struct plant plant;
    plant_open(&plant);
    rig_trust(&plant.rig, &plant.root);
    for (size_t size = 0; size < plant.size; size++) {
        enum trust_fault fault = rig_check_bytes(&plant.rig, &rig_press, plant.chain, size);
        /* The peer's alone is a whole chain; its authority is not here. */
        assert_int_equal(fault, size == plant.press.size ? TRUST_NO_ISSUER : TRUST_MALFORMED);
    }
    assert_non_null(strstr(plant.rig.seen.words, "cannot be read"));
    plant_close(&plant);
}

static void no_flipped_bit_is_trusted(void **state)
{
    (void)state;
    struct rig rig;
    struct cert root, press;
    rig_open(&rig);
    cert_make(&root, &(struct cert_how){ .name = "root", .authority = true }, NULL);
    cert_make(&press, &(struct cert_how){ 0 }, &root);
    rig_trust(&rig, &root);
    assert_int_equal(rig_check(&rig, &press), TRUST_FINE);
    for (size_t bit = 0; bit < press.size * 8; bit += 3) {
        press.der[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(rig_check(&rig, &press), TRUST_FINE);
        press.der[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_int_equal(rig_check(&rig, &press), TRUST_FINE);
    struct trust_counts counts;
    trust_counts(rig.trust, &counts);
    assert_in_range(counts.refused, 1, TRUST_REFUSED_MAX);
    cert_free(&root);
    cert_free(&press);
    rig_close(&rig);
}

static void chains_have_a_limit(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    uint8_t *chain = busbar_alloc((TRUST_CHAIN_MAX + 1) * CERT_BYTES_MAX);
    size_t size = 0;
    rig_open(&rig);
    cert_make(&press, &(struct cert_how){ 0 }, NULL);
    rig_trust(&rig, &press);
    for (int i = 0; i < TRUST_CHAIN_MAX; i++) {
        memcpy(chain + size, press.der, press.size);
        size += press.size;
    }
    assert_int_equal(rig_check_bytes(&rig, &rig_press, chain, size), TRUST_FINE);
    memcpy(chain + size, press.der, press.size);
    assert_int_equal(rig_check_bytes(&rig, &rig_press, chain, size + press.size), TRUST_MALFORMED);
    busbar_free(chain);
    chain = busbar_alloc(TRUST_CERTIFICATE_MAX + 1);
    assert_int_equal(rig_check_bytes(&rig, &rig_press, chain, TRUST_CERTIFICATE_MAX + 1),
                     TRUST_MALFORMED);
    busbar_free(chain);
    cert_free(&press);
    rig_close(&rig);
}

/* What a peer writes into its names cannot act on a terminal. */
static void odd_names_are_shown_harmlessly(void **state)
{
    (void)state;
    struct rig rig;
    struct cert press;
    char name[65], alt[2048] = "URI:urn:a";
    rig_open(&rig);
    str_copy(name, sizeof(name), "evil\x1b[2J\x07");
    for (int i = 0; i < 40; i++) {
        size_t used = strlen(alt);
        str_format(alt + used, sizeof(alt) - used, ",DNS:a-rather-long-name-%d.example", i);
    }
    cert_make(&press, &(struct cert_how){ .name = name, .alt = alt }, NULL);
    (void)rig_check(&rig, &press);
    assert_null(strchr(rig.seen.subject, 0x1b));
    assert_non_null(strstr(rig.seen.subject, "evil"));
    assert_true(str_ends(rig.seen.hosts, "..."));
    assert_true(strlen(rig.seen.hosts) < sizeof(rig.seen.hosts));
    cert_free(&press);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_trusted_until_a_person_says_so),
        cmocka_unit_test(what_a_certificate_says_is_told),
        cmocka_unit_test(each_fault_has_its_words),
        cmocka_unit_test(an_rsa_key_that_may_only_sign_is_not_for_this_use),
        cmocka_unit_test(certificates_without_usages_pass),
        cmocka_unit_test(a_deprecated_security_lets_weak_ones_through),
        cmocka_unit_test(the_worst_fault_is_told),
        cmocka_unit_test(hosts_are_names_or_addresses_and_no_wildcards),
        cmocka_unit_test(a_common_name_is_no_host),
        cmocka_unit_test(a_changed_certificate_has_a_bad_signature),
        cmocka_unit_test(a_trusted_authority_is_enough),
        cmocka_unit_test(one_in_the_middle_is_enough),
        cmocka_unit_test(a_trusted_certificate_stands_for_itself),
        cmocka_unit_test(what_is_no_authority_signs_nothing),
        cmocka_unit_test(an_expired_authority_is_told_by_its_name),
        cmocka_unit_test(the_signature_of_another_key_is_bad),
        cmocka_unit_test(a_revoked_certificate_is_refused),
        cmocka_unit_test(a_revoked_authority_takes_all_below_with_it),
        cmocka_unit_test(a_forged_list_counts_for_nothing),
        cmocka_unit_test(every_prefix_is_malformed),
        cmocka_unit_test(no_flipped_bit_is_trusted),
        cmocka_unit_test(chains_have_a_limit),
        cmocka_unit_test(odd_names_are_shown_harmlessly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
