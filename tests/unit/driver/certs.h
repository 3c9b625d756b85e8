/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests of the store: right ones, and each wrong in one way. P-256 keys, made in a millisecond,
 * but where the strength of RSA is the matter. */
#ifndef BUSBAR_TESTS_UNIT_DRIVER_CERTS_H
#define BUSBAR_TESTS_UNIT_DRIVER_CERTS_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/trust.h"

enum { CERT_BYTES_MAX = 8192, CERT_DAY_S = 86400 };
#define CERT_NOW_US (INT64_C(1790000000) * CLOCK_US_PER_S) /* 2026-09-21 */

/* How one is made; all zero: a good one for "press-1", 10.0.3.5 and urn:acme:press, valid for a year. */
struct cert_how {
    const char *name;    /* common name; NULL: "press-1" */
    const char *alt;     /* NULL: the usual ones; "": none */
    const char *usage;   /* NULL: as OPC UA asks for; "": none */
    const char *purpose; /* extended key usage; NULL: both; "": none */
    bool authority;
    int from_days, until_days; /* from now; both 0: -1 to 365 */
    int rsa_bits;              /* 0: P-256 */
    bool sha1;
};

/* A certificate with its key. */
struct cert {
    X509 *x509;
    EVP_PKEY *key;
    uint8_t der[CERT_BYTES_MAX];
    size_t size;
    char fingerprint[65];
};

static inline void cert_extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline void cert_extend_all(X509 *x509, X509 *issuer, const struct cert_how *how)
{
    const char *usage = how->usage, *alt = how->alt, *purpose = how->purpose;
    if (usage == NULL) {
        usage = how->authority ? "critical,keyCertSign,cRLSign"
                               : "critical,digitalSignature,nonRepudiation,keyEncipherment,"
                                 "dataEncipherment";
    }
    alt = alt == NULL ? "URI:urn:acme:press,DNS:press-1,IP:10.0.3.5" : alt;
    purpose = purpose == NULL ? "serverAuth,clientAuth" : purpose;
    cert_extend(x509, issuer, NID_basic_constraints,
                how->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    cert_extend(x509, issuer, NID_subject_key_identifier, "hash");
    if (usage[0] != '\0') {
        cert_extend(x509, issuer, NID_key_usage, usage);
    }
    if (!how->authority && purpose[0] != '\0') {
        cert_extend(x509, issuer, NID_ext_key_usage, purpose);
    }
    if (!how->authority && alt[0] != '\0') {
        cert_extend(x509, issuer, NID_subject_alt_name, alt);
    }
}

static inline void cert_encode(struct cert *cert)
{
    unsigned char *at = cert->der;
    uint8_t digest[32];
    int size = i2d_X509(cert->x509, NULL);
    assert_in_range(size, 1, CERT_BYTES_MAX);
    cert->size = (size_t)i2d_X509(cert->x509, &at);
    assert_int_equal(EVP_Digest(cert->der, cert->size, digest, NULL, EVP_sha256(), NULL), 1);
    str_hex(cert->fingerprint, sizeof(cert->fingerprint), digest, sizeof(digest), 0);
}

/* Signed by issuer; NULL: by itself. */
static inline void cert_make(struct cert *cert, const struct cert_how *how,
                             const struct cert *issuer)
{
    static long serial = 1000;
    bool usual = how->from_days == 0 && how->until_days == 0;
    int64_t now_s = CERT_NOW_US / CLOCK_US_PER_S;
    const char *name = how->name != NULL ? how->name : "press-1";
    *cert = (struct cert){ .x509 = X509_new() };
    cert->key = how->rsa_bits != 0 ? EVP_RSA_gen((size_t)how->rsa_bits) : EVP_EC_gen("P-256");
    assert_non_null(cert->key);
    X509 *by = issuer != NULL ? issuer->x509 : cert->x509;
    X509_set_version(cert->x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert->x509), ++serial);
    ASN1_TIME_set(X509_getm_notBefore(cert->x509),
                  now_s + (int64_t)(usual ? -1 : how->from_days) * CERT_DAY_S);
    ASN1_TIME_set(X509_getm_notAfter(cert->x509),
                  now_s + (int64_t)(usual ? 365 : how->until_days) * CERT_DAY_S);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert->x509), "CN",
                                                MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                                                0),
                     1);
    X509_set_issuer_name(cert->x509, X509_get_subject_name(by));
    X509_set_pubkey(cert->x509, cert->key);
    cert_extend_all(cert->x509, by, how);
    assert_true(X509_sign(cert->x509, issuer != NULL ? issuer->key : cert->key,
                          how->sha1 ? EVP_sha1() : EVP_sha256()) > 0);
    cert_encode(cert);
}

static inline void cert_free(struct cert *cert)
{
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
}

/* A list of an authority, with one certificate on it (NULL: none), as DER. */
static inline size_t cert_revoke(const struct cert *authority, const struct cert *revoked,
                                 uint8_t der[CERT_BYTES_MAX])
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, CERT_NOW_US / CLOCK_US_PER_S - CERT_DAY_S);
    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority->x509));
    X509_CRL_set1_lastUpdate(crl, when);
    X509_CRL_set1_nextUpdate(crl, when);
    if (revoked != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->x509));
        X509_REVOKED_set_revocationDate(entry, when);
        assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
    }
    assert_int_equal(X509_CRL_sort(crl), 1);
    assert_true(X509_CRL_sign(crl, authority->key, EVP_sha256()) > 0);
    int size = i2d_X509_CRL(crl, NULL);
    assert_in_range(size, 1, CERT_BYTES_MAX);
    unsigned char *at = der;
    (void)i2d_X509_CRL(crl, &at);
    ASN1_TIME_free(when);
    X509_CRL_free(crl);
    return (size_t)size;
}

/* ---- a store in a folder of its own ---- */

struct rig {
    char folder[64];
    struct trust *trust;
    struct trust_seen seen;
};

static inline void rig_open(struct rig *rig)
{
    *rig = (struct rig){ 0 };
    clock_fake_set(1000 * CLOCK_US_PER_S, CERT_NOW_US);
    busbar_log_level(LOG_LEVEL_ERROR);
    str_copy(rig->folder, sizeof(rig->folder), "/tmp/busbar-trust-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    assert_int_equal(trust_open(rig->folder, &rig->trust, NULL), 0);
}

static inline int rig_remove_one(const char *path, const struct stat *info, int type,
                                 struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void rig_close(struct rig *rig)
{
    trust_close(rig->trust);
    assert_int_equal(nftw(rig->folder, rig_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    clock_fake_off();
}

/* The store as after a restart. */
static inline void rig_again(struct rig *rig)
{
    trust_close(rig->trust);
    assert_int_equal(trust_open(rig->folder, &rig->trust, NULL), 0);
}

static inline const char *rig_path(const struct rig *rig, const char *name)
{
    static char path[256];
    str_format(path, sizeof(path), "%s/%s", rig->folder, name);
    return path;
}

static inline void rig_put(const struct rig *rig, const char *name, const void *data, size_t size)
{
    assert_int_equal(file_write(file_ops_real(), rig_path(rig, name), data, size, 0644, NULL), 0);
}

static inline bool rig_has(const struct rig *rig, const char *sub, const char *fingerprint,
                           const char *end)
{
    char name[128];
    str_format(name, sizeof(name), "%s/%s%s", sub, fingerprint, end);
    return file_exists(rig_path(rig, name));
}

static const struct trust_peer rig_press = { .protocol = "opcua",
                                             .device = "press-1",
                                             .address = "opc.tcp://10.0.3.5:48250",
                                             .host = "10.0.3.5",
                                             .uri = "urn:acme:press" };

/* What becomes of a chain; the fault, and that the result says the same. */
static inline enum trust_fault rig_check_bytes(struct rig *rig, const struct trust_peer *peer,
                                               const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1); /* exact size: one byte too many is seen */
    assert_non_null(copy);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    int result = trust_check(rig->trust, peer, copy, size, clock_wall_us(), &rig->seen);
    free(copy);
    assert_int_equal(result, rig->seen.fault == TRUST_FINE ? 0 : BUSBAR_EUNTRUSTED);
    assert_int_equal(rig->seen.words[0] != '\0', rig->seen.fault != TRUST_FINE);
    return rig->seen.fault;
}

static inline enum trust_fault rig_check(struct rig *rig, const struct cert *cert)
{
    return rig_check_bytes(rig, &rig_press, cert->der, cert->size);
}

static inline void rig_trust(struct rig *rig, const struct cert *cert)
{
    assert_int_equal(trust_import(rig->trust, cert->der, cert->size, false, NULL, NULL), 0);
}

static inline void rig_issuer(struct rig *rig, const struct cert *cert)
{
    assert_int_equal(trust_import(rig->trust, cert->der, cert->size, true, NULL, NULL), 0);
}

#endif
