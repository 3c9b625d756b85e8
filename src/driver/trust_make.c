/* SPDX-License-Identifier: Apache-2.0 */
/* A key and a certificate that it signs itself, as an OPC UA application needs it (Part 6, 6.2.2), which any
 * TLS peer takes as well: RSA of 2048 bits, SHA-256, URI and hosts as alternative names, key usage, both
 * extended usages. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "driver/trust_private.h"

enum { KEY_BITS = 2048, SERIAL_BYTES = 16, COMMON_NAME_MAX = 64 };
#define DAY_S        (24 * 3600)
#define BEFORE_S     DAY_S             /* clocks of peers may be behind */
#define VALID_S      (5 * 365 * DAY_S) /* 5 years */
#define ORGANIZATION "busbar"

static bool put_text(GENERAL_NAMES *names, int type, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    if (name == NULL || value == NULL || ASN1_STRING_set(value, text, -1) != 1 ||
        sk_GENERAL_NAME_push(names, name) == 0) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    return true;
}

static bool put_address(GENERAL_NAMES *names, const void *bytes, int size)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    if (name == NULL || value == NULL || ASN1_OCTET_STRING_set(value, bytes, size) != 1 ||
        sk_GENERAL_NAME_push(names, name) == 0) {
        GENERAL_NAME_free(name);
        ASN1_OCTET_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_IPADD, value);
    return true;
}

static bool put_host(GENERAL_NAMES *names, const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1) {
        return put_address(names, &four, sizeof(four));
    }
    if (inet_pton(AF_INET6, host, &six) == 1) {
        return put_address(names, &six, sizeof(six));
    }
    return put_text(names, GEN_DNS, host);
}

static bool put_names(X509 *cert, const struct trust_own *own)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool fine = names != NULL && put_text(names, GEN_URI, own->uri);
    for (const char *const *host = own->hosts; fine && host != NULL && *host != NULL; host++) {
        fine = put_host(names, *host);
    }
    fine = fine && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
    GENERAL_NAMES_free(names);
    return fine;
}

static bool put_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool fine = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return fine;
}

/* Key usage: keyCertSign as its signature is its own. No authority key identifier: that of a certificate that signs itself
 * would name nothing new, and an empty one makes mbedTLS refuse it. */
static bool put_extensions(X509 *cert, const struct trust_own *own)
{
    return put_extension(cert, NID_subject_key_identifier, "hash") &&
           put_extension(cert, NID_authority_key_identifier, "keyid:always") &&
           put_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
           put_extension(cert, NID_key_usage,
                         "critical,digitalSignature,nonRepudiation,keyEncipherment,"
                         "dataEncipherment,keyCertSign") &&
           put_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth") && put_names(cert, own);
}

static bool put_entry(X509_NAME *name, const char *key, const char *text)
{
    char cut[COMMON_NAME_MAX + 1];
    str_copy(cut, sizeof(cut), text);
    return X509_NAME_add_entry_by_txt(name, key, MBSTRING_UTF8, (const unsigned char *)cut, -1, -1,
                                      0) == 1;
}

static bool put_serial(X509 *cert)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return false;
    }
    bytes[0] = (unsigned char)((bytes[0] & 0x7F) | 0x40); /* positive, always as long */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool fine = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return fine;
}

static bool fill(X509 *cert, EVP_PKEY *key, const struct trust_own *own, int64_t now_us)
{
    time_t now = (time_t)(now_us / CLOCK_US_PER_S);
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_set_version(cert, X509_VERSION_3) == 1 && put_serial(cert) &&
           ASN1_TIME_set(X509_getm_notBefore(cert), now - BEFORE_S) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(cert), now + VALID_S) != NULL &&
           put_entry(name, "CN", own->common_name) && put_entry(name, "O", ORGANIZATION) &&
           X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
           put_extensions(cert, own) && X509_sign(cert, key, EVP_sha256()) > 0;
}

static int put_der(struct buf *out, unsigned char *der, int size)
{
    int error = size > 0 ? buf_append(out, der, (size_t)size) : BUSBAR_EINTERNAL;
    if (size > 0) {
        OPENSSL_cleanse(der, (size_t)size);
    }
    OPENSSL_free(der);
    return error;
}

static int put_cert(struct buf *out, const X509 *cert)
{
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);
    return put_der(out, der, size);
}

static int put_key(struct buf *out, const EVP_PKEY *key)
{
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    int size = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    PKCS8_PRIV_KEY_INFO_free(info);
    return put_der(out, der, size);
}

int trust_make(const struct trust_own *own, int64_t now_us, struct buf *certificate,
               struct buf *key)
{
    EVP_PKEY *pair = EVP_RSA_gen(KEY_BITS);
    X509 *cert = X509_new();
    int error = BUSBAR_EINTERNAL;
    if (pair != NULL && cert != NULL && fill(cert, pair, own, now_us)) {
        error = put_cert(certificate, cert);
        error = error == 0 ? put_key(key, pair) : error;
    }
    X509_free(cert);
    EVP_PKEY_free(pair);
    ERR_clear_error();
    return error;
}
