/* SPDX-License-Identifier: Apache-2.0 */
/* Our own certificate: made once, in the profile of OPC UA, renewed in time, kept when a person put it there. */
#include "certs.h"

static const char *const hosts[] = { "busbar-1", "10.0.3.1", "fd00::1", NULL };
static const struct trust_own opcua = {
    .protocol = "opcua", .common_name = "busbar at hq", .uri = "urn:busbar-1:busbar", .hosts = hosts
};

struct ours {
    struct buf cert, key;
    struct trust_seen seen;
    struct err err;
};

static int ask(struct rig *rig, const struct trust_own *own, struct ours *ours)
{
    memset(ours, 0, sizeof(*ours));
    buf_init(&ours->cert, TRUST_CERTIFICATE_MAX);
    buf_init(&ours->key, TRUST_CERTIFICATE_MAX);
    return trust_own(rig->trust, own, &ours->cert, &ours->key, &ours->seen, &ours->err);
}

static void drop(struct ours *ours)
{
    buf_fini(&ours->cert);
    buf_fini(&ours->key);
}

static unsigned mode_of(const struct rig *rig, const char *name)
{
    struct stat info;
    assert_int_equal(stat(rig_path(rig, name), &info), 0);
    return (unsigned)info.st_mode & 0777;
}

static void it_is_made_once_and_stays(void **state)
{
    (void)state;
    struct rig rig;
    struct ours first, second;
    rig_open(&rig);
    uint64_t generation = trust_generation(rig.trust);
    assert_int_equal(ask(&rig, &opcua, &first), 0);
    assert_true(trust_generation(rig.trust) > generation);
    assert_string_equal(first.seen.protocol, "opcua");
    assert_string_equal(first.seen.uri, "urn:busbar-1:busbar");
    assert_string_equal(first.seen.hosts, "busbar-1, 10.0.3.1, fd00:0:0:0:0:0:0:1");
    assert_string_equal(first.seen.subject, "CN=busbar at hq, O=busbar");
    assert_string_equal(first.seen.issuer, first.seen.subject);
    assert_int_equal(first.seen.until_us - CERT_NOW_US, 5 * 365 * INT64_C(86400000000));
    assert_int_equal(mode_of(&rig, "own/opcua.key"), 0600);
    rig_again(&rig);
    struct trust_own renamed = opcua;
    renamed.uri = "urn:busbar-2:busbar"; /* the machine was renamed: devices know the old name */
    assert_int_equal(ask(&rig, &renamed, &second), 0);
    assert_int_equal(second.cert.size, first.cert.size);
    assert_memory_equal(second.cert.data, first.cert.data, first.cert.size);
    assert_string_equal(second.seen.uri, "urn:busbar-1:busbar");
    drop(&first);
    drop(&second);
    rig_close(&rig);
}

static void it_has_the_profile_of_opc_ua(void **state)
{
    (void)state;
    struct rig rig;
    struct ours ours;
    rig_open(&rig);
    assert_int_equal(ask(&rig, &opcua, &ours), 0);
    const unsigned char *at = ours.cert.data;
    X509 *cert = d2i_X509(NULL, &at, (long)ours.cert.size);
    assert_non_null(cert);
    assert_ptr_equal(at, ours.cert.data + ours.cert.size);
    at = ours.key.data;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)ours.key.size);
    assert_non_null(key);
    assert_int_equal(X509_check_private_key(cert, key), 1);
    assert_int_equal(EVP_PKEY_get_bits(key), 2048);
    assert_int_equal(X509_verify(cert, X509_get0_pubkey(cert)), 1);
    assert_int_equal(X509_get_signature_nid(cert), NID_sha256WithRSAEncryption);
    assert_int_equal(X509_get_version(cert), X509_VERSION_3);
    assert_int_equal(X509_check_ca(cert), 0);
    assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION |
                                                   KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT |
                                                   KU_KEY_CERT_SIGN);
    assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_SERVER | XKU_SSL_CLIENT);
    assert_non_null(X509_get0_subject_key_id(cert));
    assert_non_null(X509_get0_authority_key_id(cert));
    X509_free(cert);
    EVP_PKEY_free(key);
    drop(&ours);
    rig_close(&rig);
}

/* What we make, a store of ours takes as a peer. */
static void it_passes_our_own_checks(void **state)
{
    (void)state;
    struct rig rig;
    struct ours ours;
    struct trust_peer peer = { .host = "busbar-1", .uri = "urn:busbar-1:busbar" };
    rig_open(&rig);
    assert_int_equal(ask(&rig, &opcua, &ours), 0);
    assert_int_equal(trust_import(rig.trust, ours.cert.data, ours.cert.size, false, NULL, NULL), 0);
    assert_int_equal(rig_check_bytes(&rig, &peer, ours.cert.data, ours.cert.size), TRUST_FINE);
    peer.host = "10.0.3.1";
    assert_int_equal(rig_check_bytes(&rig, &peer, ours.cert.data, ours.cert.size), TRUST_FINE);
    drop(&ours);
    rig_close(&rig);
}

static void it_is_renewed_by_itself_a_month_before_its_end(void **state)
{
    (void)state;
    struct rig rig;
    struct ours first, same, renewed;
    struct trust_own moved = opcua;
    rig_open(&rig);
    assert_int_equal(ask(&rig, &opcua, &first), 0);
    clock_fake_step_wall((5 * 365 - 31) * INT64_C(86400000000));
    assert_int_equal(ask(&rig, &opcua, &same), 0);
    assert_string_equal(same.seen.fingerprint, first.seen.fingerprint);
    clock_fake_step_wall(2 * INT64_C(86400000000));
    moved.uri = "urn:elsewhere:busbar";
    assert_int_equal(ask(&rig, &moved, &renewed), 0);
    assert_string_not_equal(renewed.seen.fingerprint, first.seen.fingerprint);
    assert_string_equal(renewed.seen.uri, "urn:busbar-1:busbar"); /* the name stays */
    assert_true(file_exists(rig_path(&rig, "own/opcua.der.old")));
    assert_int_equal(mode_of(&rig, "own/opcua.key.old"), 0600);
    drop(&first);
    drop(&same);
    drop(&renewed);
    rig_close(&rig);
}

static void a_person_renews_it(void **state)
{
    (void)state;
    struct rig rig;
    struct ours first, second;
    struct trust_seen seen;
    struct err err = { 0 };
    rig_open(&rig);
    assert_int_equal(trust_renew(rig.trust, "opcua", &seen, &err), BUSBAR_ENOENT);
    assert_string_equal(err.message, "there is no certificate of 'opcua' yet");
    assert_int_equal(ask(&rig, &opcua, &first), 0);
    rig_again(&rig); /* nobody asked since: its own names are all there is */
    assert_int_equal(trust_renew(rig.trust, "opcua", &seen, &err), 0);
    assert_string_not_equal(seen.fingerprint, first.seen.fingerprint);
    assert_string_equal(seen.subject, first.seen.subject);
    assert_string_equal(seen.hosts, first.seen.hosts);
    assert_string_equal(seen.uri, first.seen.uri);
    assert_int_equal(ask(&rig, &opcua, &second), 0);
    assert_string_equal(second.seen.fingerprint, seen.fingerprint);
    drop(&first);
    drop(&second);
    rig_close(&rig);
}

/* Killed between the new key and its certificate. */
static void the_old_key_is_taken_back(void **state)
{
    (void)state;
    struct rig rig;
    struct ours first, second;
    char *old = NULL, *key = NULL;
    size_t old_size = 0, key_size = 0;
    rig_open(&rig);
    assert_int_equal(ask(&rig, &opcua, &first), 0);
    assert_int_equal(
        file_read(file_ops_real(), rig_path(&rig, "own/opcua.der"), 65536, &old, &old_size, NULL),
        0);
    assert_int_equal(trust_renew(rig.trust, "opcua", NULL, NULL), 0);
    rig_put(&rig, "own/opcua.der", old, old_size);
    assert_int_equal(ask(&rig, &opcua, &second), 0);
    assert_string_equal(second.seen.fingerprint, first.seen.fingerprint);
    assert_int_equal(second.key.size, first.key.size);
    assert_memory_equal(second.key.data, first.key.data, first.key.size);
    assert_int_equal(
        file_read(file_ops_real(), rig_path(&rig, "own/opcua.key"), 65536, &key, &key_size, NULL),
        0);
    assert_int_equal(key_size, first.key.size);
    free(old);
    free(key);
    drop(&first);
    drop(&second);
    rig_close(&rig);
}

static void put_pem(const struct rig *rig, const struct cert *cert)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    assert_int_equal(PEM_write_bio_X509(out, cert->x509), 1);
    rig_put(rig, "own/opcua.der", data, (size_t)BIO_get_mem_data(out, &data));
    BIO_free(out);
}

static void put_key(const struct rig *rig, const struct cert *cert)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    assert_int_equal(PEM_write_bio_PrivateKey(out, cert->key, NULL, NULL, 0, NULL, NULL), 1);
    long size = BIO_get_mem_data(out, &data);
    rig_put(rig, "own/opcua.key", data, (size_t)size);
    BIO_free(out);
}

/* One of the company's authority, as PEM: used as it is, never made anew by itself. */
static void what_a_person_put_there_is_kept(void **state)
{
    (void)state;
    struct rig rig;
    struct cert root, mine;
    struct ours ours;
    rig_open(&rig);
    cert_make(&root, &(struct cert_how){ .name = "root", .authority = true }, NULL);
    cert_make(&mine, &(struct cert_how){ .from_days = -9, .until_days = 2, .rsa_bits = 2048 },
              &root);
    put_pem(&rig, &mine);
    assert_int_equal(ask(&rig, &opcua, &ours), BUSBAR_ECONFIG);
    assert_string_equal(ours.err.message, "the certificate own/opcua.der has no key");
    drop(&ours);
    put_key(&rig, &root);
    assert_int_equal(ask(&rig, &opcua, &ours), BUSBAR_ECONFIG);
    assert_string_equal(ours.err.message, "own/opcua.key is not the key of own/opcua.der");
    drop(&ours);
    put_key(&rig, &mine);
    assert_int_equal(ask(&rig, &opcua, &ours), 0);
    assert_string_equal(ours.seen.fingerprint, mine.fingerprint);
    assert_memory_equal(ours.cert.data, mine.der, mine.size);
    drop(&ours);
    rig_put(&rig, "own/opcua.key", "no key", 6);
    assert_int_equal(ask(&rig, &opcua, &ours), BUSBAR_ECONFIG);
    assert_non_null(strstr(ours.err.message, "holds no key that can be read"));
    drop(&ours);
    rig_put(&rig, "own/opcua.der", "no certificate", 14);
    assert_int_equal(ask(&rig, &opcua, &ours), BUSBAR_ECONFIG);
    assert_non_null(strstr(ours.err.message, "holds no certificate"));
    drop(&ours);
    cert_free(&root);
    cert_free(&mine);
    rig_close(&rig);
}

static void none_is_made_before_the_clock_is_set(void **state)
{
    (void)state;
    struct rig rig;
    struct ours ours;
    rig_open(&rig);
    clock_fake_set(CLOCK_US_PER_S, 1000 * CLOCK_US_PER_S); /* 1970 */
    assert_int_equal(ask(&rig, &opcua, &ours), BUSBAR_EAGAIN);
    assert_non_null(strstr(ours.err.message, "the clock of this machine is wrong"));
    assert_false(file_exists(rig_path(&rig, "own/opcua.der")));
    drop(&ours);
    clock_fake_set(CLOCK_US_PER_S, CERT_NOW_US);
    assert_int_equal(ask(&rig, &opcua, &ours), 0);
    drop(&ours);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_made_once_and_stays),
        cmocka_unit_test(it_has_the_profile_of_opc_ua),
        cmocka_unit_test(it_passes_our_own_checks),
        cmocka_unit_test(it_is_renewed_by_itself_a_month_before_its_end),
        cmocka_unit_test(a_person_renews_it),
        cmocka_unit_test(the_old_key_is_taken_back),
        cmocka_unit_test(what_a_person_put_there_is_kept),
        cmocka_unit_test(none_is_made_before_the_clock_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
