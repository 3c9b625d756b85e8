/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of a simulated server, signed by itself, as devices in the field have them. It is kept in the user's
 * cache folder, so that a person who trusted it once need not do so again after each start:
 *
 *   $XDG_CACHE_HOME (or ~/.cache) /busbar/opcua-HOST-PORT.pem     key and certificate
 *
 * Without such a folder it is made anew at each start. */
#include "sim/sim_opcua_certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "net/address.h"

enum { KEY_BITS = 2048, VALID_DAYS = 3650, PATH_BYTES = 512, NAMES_BYTES = 900, PEM_MAX = 65536 };

struct identity {
    EVP_PKEY *key;
    X509 *cert;
};

static bool extend(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

/* What Part 6, 6.2.2 asks of an application instance certificate. */
static bool fill(X509 *cert, EVP_PKEY *key, const char *host, const char *uri)
{
    char name[PATH_BYTES], names[NAMES_BYTES];
    X509_NAME *subject = X509_get_subject_name(cert);
    BIGNUM *serial = BN_new();
    str_format(name, sizeof(name), "simulated server at %s", host);
    str_format(names, sizeof(names), "URI:%s,DNS:localhost,IP:127.0.0.1,%s:%s", uri,
               address_is_ip(host) ? "IP" : "DNS", host);
    bool done = BN_rand(serial, 63, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL;
    BN_free(serial);
    return done && X509_set_version(cert, 2) == 1 && X509_set_pubkey(cert, key) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * VALID_DAYS) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                      -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                                      (const unsigned char *)"busbar simulator", -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, subject) == 1 &&
           extend(cert, NID_basic_constraints, "CA:FALSE") &&
           extend(cert, NID_key_usage,
                  "critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment") &&
           extend(cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
           extend(cert, NID_subject_alt_name, names) && X509_sign(cert, key, EVP_sha256()) > 0;
}

static bool make(struct identity *identity, const char *host, const char *uri)
{
    *identity = (struct identity){ .key = EVP_RSA_gen(KEY_BITS), .cert = X509_new() };
    return identity->key != NULL && identity->cert != NULL &&
           fill(identity->cert, identity->key, host, uri);
}

/* ---- kept ---- */

static bool find_path(const char *host, uint16_t port, char *path, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char folder[PATH_BYTES];
    struct err err = { 0 };
    if (cache != NULL && *cache == '/') {
        str_format(folder, sizeof(folder), "%s/busbar", cache);
    } else if (home != NULL && *home == '/') {
        str_format(folder, sizeof(folder), "%s/.cache/busbar", home);
    } else {
        return false;
    }
    str_format(path, size, "%s/opcua-%s-%u.pem", folder, host, port);
    return file_make_folders(file_ops_real(), folder, 0700, &err) == 0;
}

static bool load(struct identity *identity, const char *path)
{
    FILE *file = fopen(path, "re");
    *identity = (struct identity){ 0 };
    if (file == NULL) {
        return false;
    }
    identity->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    identity->cert = identity->key != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    (void)fclose(file);
    return identity->cert != NULL && X509_check_private_key(identity->cert, identity->key) == 1 &&
           X509_cmp_current_time(X509_get0_notAfter(identity->cert)) > 0;
}

static void save(const struct identity *identity, const char *path)
{
    struct err err = { 0 };
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    bool done = bio != NULL &&
                PEM_write_bio_PrivateKey(bio, identity->key, NULL, NULL, 0, NULL, NULL) == 1 &&
                PEM_write_bio_X509(bio, identity->cert) == 1;
    long size = done ? BIO_get_mem_data(bio, &pem) : 0;
    if (size > 0 && file_write(file_ops_real(), path, pem, (size_t)size, 0600, &err) != 0) {
        busbar_log(LOG_LEVEL_WARN, "sim", path, "%s", err.message);
    }
    BIO_free(bio);
}

static void identity_fini(struct identity *identity)
{
    X509_free(identity->cert);
    EVP_PKEY_free(identity->key);
    *identity = (struct identity){ 0 };
}

/* ---- as DER ---- */

static bool give(const struct identity *identity, UA_ByteString *certificate, UA_ByteString *key)
{
    unsigned char *der = NULL;
    int size = i2d_X509(identity->cert, &der);
    UA_ByteString borrowed = { .length = size > 0 ? (size_t)size : 0, .data = der };
    bool done = size > 0 && UA_ByteString_copy(&borrowed, certificate) == UA_STATUSCODE_GOOD;
    OPENSSL_free(der);
    der = NULL;
    size = i2d_PrivateKey(identity->key, &der);
    borrowed = (UA_ByteString){ .length = size > 0 ? (size_t)size : 0, .data = der };
    done = done && size > 0 && UA_ByteString_copy(&borrowed, key) == UA_STATUSCODE_GOOD;
    OPENSSL_free(der);
    return done;
}

int sim_opcua_certificate(const char *host, uint16_t port, const char *uri,
                          UA_ByteString *certificate, UA_ByteString *key, struct err *err)
{
    struct identity identity = { 0 };
    char path[PATH_BYTES];
    bool keep = find_path(host, port, path, sizeof(path));
    bool done = keep && load(&identity, path);
    if (!done) {
        identity_fini(&identity);
        done = make(&identity, host, uri);
        if (done && keep) {
            save(&identity, path);
        }
    }
    done = done && give(&identity, certificate, key);
    identity_fini(&identity);
    return done ? 0 : err_set(err, BUSBAR_ETLS, "cannot make a certificate for %s", host);
}
