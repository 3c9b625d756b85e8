/* SPDX-License-Identifier: Apache-2.0 */
/* P-256 keys: made in a millisecond. */
#include "support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"

enum { PATHS = 8, PATH_BYTES = 128, DAY_SECONDS = 86400 };

struct certificates {
    char folder[64];
    char paths[PATHS][PATH_BYTES];
    unsigned next_path;
    long serial;
    X509 *authority;
    EVP_PKEY *authority_key;
};

static const char *path_of(struct certificates *certificates, const char *name, const char *kind)
{
    char *path = certificates->paths[certificates->next_path++ % PATHS];
    size_t length = str_format(path, PATH_BYTES, "%s/%s.%s.pem", certificates->folder, name, kind);
    assert_in_range(length, 1, PATH_BYTES - 2);
    return path;
}

const char *certificates_cert(struct certificates *certificates, const char *name)
{
    return path_of(certificates, name, "cert");
}

const char *certificates_key(struct certificates *certificates, const char *name)
{
    return path_of(certificates, name, "key");
}

static void write_files(struct certificates *certificates, const char *name, X509 *cert,
                        EVP_PKEY *key)
{
    FILE *file = fopen(certificates_cert(certificates, name), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, cert), 1);
    assert_int_equal(fclose(file), 0);
    file = fopen(certificates_key(certificates, name), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *new_cert(struct certificates *certificates, const char *name, EVP_PKEY *key, int days)
{
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++certificates->serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -2L * DAY_SECONDS);
    X509_gmtime_adj(X509_getm_notAfter(cert), (long)days * DAY_SECONDS);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    return cert;
}

struct certificates *certificates_new(void)
{
    struct certificates *certificates = busbar_alloc(sizeof(*certificates));
    snprintf(certificates->folder, sizeof(certificates->folder), "/tmp/busbar-certs-XXXXXX");
    assert_non_null(mkdtemp(certificates->folder));
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = new_cert(certificates, "busbar test authority", key, 30);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    certificates->authority = cert;
    certificates->authority_key = key;
    write_files(certificates, "ca", cert, key);
    return certificates;
}

void certificates_make(struct certificates *certificates, const char *name, const char *alt_names,
                       int days)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = new_cert(certificates, name, key, days);
    X509_set_issuer_name(cert, X509_get_subject_name(certificates->authority));
    add_extension(cert, certificates->authority, NID_subject_alt_name, alt_names);
    assert_true(X509_sign(cert, certificates->authority_key, EVP_sha256()) > 0);
    write_files(certificates, name, cert, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

void certificates_free(struct certificates *certificates)
{
    char **names;
    size_t count;
    assert_int_equal(file_list(certificates->folder, NULL, 100, &names, &count, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        char path[PATH_BYTES + 300];
        snprintf(path, sizeof(path), "%s/%s", certificates->folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    busbar_free(names);
    assert_int_equal(rmdir(certificates->folder), 0);
    X509_free(certificates->authority);
    EVP_PKEY_free(certificates->authority_key);
    busbar_free(certificates);
}
