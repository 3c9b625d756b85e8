/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate says, as text for people. Everything in it was chosen by a peer: what cannot be printed is
 * shown as '?', long texts are cut. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "driver/trust_private.h"

/* The end of a text that did not fit. */
static void cut(char *text, size_t size)
{
    static const char dots[] = "...";
    size_t at = str_utf8_cut(text, strlen(text), size - sizeof(dots));
    memcpy(text + at, dots, sizeof(dots));
}

/* Copies what a peer wrote. */
static void copy_shown(char *to, size_t size, const uint8_t *from, size_t from_size)
{
    bool utf8 = str_is_utf8((const char *)from, from_size);
    size_t kept = from_size < size - 1 ? from_size : size - 1;
    for (size_t i = 0; i < kept; i++) {
        bool odd = from[i] < 0x20 || from[i] == 0x7F || (from[i] >= 0x80 && !utf8);
        to[i] = odd ? '?' : (char)from[i];
    }
    to[kept] = '\0';
    if (from_size > kept) {
        cut(to, size);
    }
}

void trust_name(const X509_NAME *name, char *text, size_t size)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *data = NULL;
    text[0] = '\0';
    unsigned long how = (ASN1_STRFLGS_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) |
                        ASN1_STRFLGS_UTF8_CONVERT | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN;
    if (out != NULL && name != NULL && X509_NAME_print_ex(out, name, 0, how) >= 0) {
        long length = BIO_get_mem_data(out, &data);
        copy_shown(text, size, (const uint8_t *)data, length > 0 ? (size_t)length : 0);
    }
    BIO_free(out);
}

static bool has_host(const char *text, const char *host)
{
    size_t size = strlen(host);
    for (const char *at = text; (at = strstr(at, host)) != NULL; at += size) {
        if ((at == text || at[-1] == ' ') && (at[size] == ',' || at[size] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Names that come twice (as a name and as an address) are told once. */
static void append_host(char *text, size_t size, const char *host)
{
    size_t length = strlen(text);
    if (host[0] == '\0' || has_host(text, host)) {
        return;
    }
    if (length > 3 && strcmp(text + length - 3, "...") == 0) {
        return;
    }
    size_t needed = strlen(host) + (length > 0 ? 2 : 0);
    if (length + needed < size) {
        str_format(text + length, size - length, "%s%s", length > 0 ? ", " : "", host);
    } else {
        str_format(text + length, size - length, "%s%s", length > 0 ? ", " : "", host);
        cut(text, size);
    }
}

static void describe_general(const GENERAL_NAME *name, struct trust_seen *seen)
{
    char text[128];
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD && type != GEN_URI) {
        return;
    }
    const uint8_t *data = ASN1_STRING_get0_data(value);
    size_t size = (size_t)ASN1_STRING_length(value);
    if (type == GEN_URI) {
        if (seen->uri[0] == '\0') {
            copy_shown(seen->uri, sizeof(seen->uri), data, size);
        }
        return;
    }
    if (type == GEN_DNS) {
        copy_shown(text, sizeof(text), data, size);
    } else if (size == 4) {
        str_format(text, sizeof(text), "%u.%u.%u.%u", data[0], data[1], data[2], data[3]);
    } else if (size == 16) {
        char *ip = text;
        for (size_t i = 0; i < 16; i += 2) {
            ip += str_format(ip, sizeof(text) - (size_t)(ip - text), "%s%x", i > 0 ? ":" : "",
                             (unsigned)data[i] << 8 | data[i + 1]);
        }
    } else {
        str_copy(text, sizeof(text), "?");
    }
    append_host(seen->hosts, sizeof(seen->hosts), text);
}

static int64_t time_us(const ASN1_TIME *time)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    int64_t us = 0;
    if (epoch != NULL && time != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1) {
        us = ((int64_t)days * 86400 + seconds) * CLOCK_US_PER_S;
    }
    ASN1_TIME_free(epoch);
    return us;
}

static void describe_key(X509 *cert, struct trust_seen *seen)
{
    const EVP_PKEY *key = X509_get0_pubkey(cert);
    if (key != NULL) {
        int id = EVP_PKEY_get_base_id(key);
        const char *name = id == EVP_PKEY_RSA  ? "RSA"
                           : id == EVP_PKEY_EC ? "EC"
                                               : EVP_PKEY_get0_type_name(key);
        int bits = EVP_PKEY_get_bits(key);
        str_copy(seen->key, sizeof(seen->key), name != NULL ? name : "unknown");
        seen->key_bits = bits > 0 ? (unsigned)bits : 0;
    }
    const char *signature = OBJ_nid2ln(X509_get_signature_nid(cert));
    str_copy(seen->signature, sizeof(seen->signature), signature != NULL ? signature : "unknown");
}

void trust_describe(X509 *cert, struct trust_seen *seen)
{
    unsigned char *der = NULL;
    int size = i2d_X509(cert, &der);
    memset(seen, 0, sizeof(*seen));
    if (size > 0) {
        trust_fingerprint(der, (size_t)size, seen->fingerprint);
    }
    OPENSSL_free(der);
    trust_name(X509_get_subject_name(cert), seen->subject, sizeof(seen->subject));
    trust_name(X509_get_issuer_name(cert), seen->issuer, sizeof(seen->issuer));
    seen->from_us = time_us(X509_get0_notBefore(cert));
    seen->until_us = time_us(X509_get0_notAfter(cert));
    describe_key(cert, seen);
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        describe_general(sk_GENERAL_NAME_value(names, i), seen);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
}

void trust_describe_list(X509_CRL *crl, struct trust_seen *seen)
{
    unsigned char *der = NULL;
    int size = i2d_X509_CRL(crl, &der);
    memset(seen, 0, sizeof(*seen));
    if (size > 0) {
        trust_fingerprint(der, (size_t)size, seen->fingerprint);
    }
    OPENSSL_free(der);
    trust_name(X509_CRL_get_issuer(crl), seen->issuer, sizeof(seen->issuer));
    seen->from_us = time_us(X509_CRL_get0_lastUpdate(crl));
    seen->until_us = time_us(X509_CRL_get0_nextUpdate(crl));
    ERR_clear_error();
}

bool trust_names_host(X509 *cert, const char *host)
{
    unsigned how = X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    bool named = X509_check_ip_asc(cert, host, 0) == 1 ||
                 (host[0] != '\0' && X509_check_host(cert, host, 0, how, NULL) == 1);
    ERR_clear_error();
    return named;
}

bool trust_names_uri(X509 *cert, const char *uri)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool named = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !named; i++) {
        int type = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        named = type == GEN_URI && (size_t)ASN1_STRING_length(value) == strlen(uri) &&
                memcmp(ASN1_STRING_get0_data(value), uri, strlen(uri)) == 0;
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return named;
}

enum trust_fault trust_time_fault(X509 *cert, int64_t now_us)
{
    if (now_us < time_us(X509_get0_notBefore(cert))) {
        return TRUST_NOT_YET;
    }
    return now_us > time_us(X509_get0_notAfter(cert)) ? TRUST_EXPIRED : TRUST_FINE;
}
