/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "net/address.h"

enum { VALID_DAYS = 3650, PATH_BYTES = 512, NAMES_BYTES = 400 };

struct identity {
    EVP_PKEY *key;
    X509 *cert;
};

static void identity_fini(struct identity *identity)
{
    X509_free(identity->cert);
    EVP_PKEY_free(identity->key);
    *identity = (struct identity){ 0 };
}

static bool extend(X509 *cert, const X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, (X509 *)(uintptr_t)issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

/* A key and a certificate for it; issuer NULL: an authority that signs itself. alt: subject names
 * or NULL. */
static bool identity_make(struct identity *made, const char *name, const struct identity *issuer,
                          const char *alt)
{
    const struct identity *signer = issuer != NULL ? issuer : made;
    *made = (struct identity){ .key = EVP_EC_gen("P-256"), .cert = X509_new() };
    if (made->key == NULL || made->cert == NULL) {
        return false;
    }
    X509 *cert = made->cert;
    X509_NAME *subject = X509_get_subject_name(cert);
    BIGNUM *serial = BN_new();
    bool done = BN_rand(serial, 63, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL;
    BN_free(serial);
    done = done && X509_set_version(cert, 2) == 1 && X509_set_pubkey(cert, made->key) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(cert), 86400L * VALID_DAYS) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(cert, X509_get_subject_name(signer->cert)) == 1 &&
           extend(cert, signer->cert, NID_basic_constraints,
                  issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE") &&
           extend(cert, signer->cert, NID_key_usage,
                  issuer == NULL ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
           (alt == NULL || extend(cert, signer->cert, NID_subject_alt_name, alt));
    return done && X509_sign(cert, signer->key, EVP_sha256()) > 0;
}

/* Writes certificate and key, each when it is not NULL. The file must not exist. */
static int write_pem(const char *path, const X509 *cert, const EVP_PKEY *key, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, key != NULL ? 0600 : 0644);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        return err_set(err, err_from_errno(errno), "cannot write %s: %s", path, strerror(errno));
    }
    bool done = (cert == NULL || PEM_write_X509(file, (X509 *)(uintptr_t)cert) == 1) &&
                (key == NULL || PEM_write_PrivateKey(file, (EVP_PKEY *)(uintptr_t)key, NULL, NULL,
                                                     0, NULL, NULL) == 1);
    done = fclose(file) == 0 && done;
    return done ? 0 : err_set(err, BUSBAR_EIO, "cannot write %s", path);
}

/* The gateway's own certificate, when it names one that is not there. */
static int make_client(const struct identity *authority, const char *cert_file,
                       const char *key_file, struct err *err)
{
    struct identity client;
    if (cert_file == NULL || access(cert_file, F_OK) == 0) {
        return 0;
    }
    int error = 0;
    if (!identity_make(&client, "busbar gateway", authority, NULL)) {
        error = err_set(err, BUSBAR_ETLS, "cannot make a certificate");
    } else if (key_file == NULL || strcmp(key_file, cert_file) == 0) {
        error = write_pem(cert_file, client.cert, client.key, err);
    } else {
        error = write_pem(cert_file, client.cert, NULL, err);
        error = error == 0 ? write_pem(key_file, NULL, client.key, err) : error;
    }
    identity_fini(&client);
    return error;
}

static int make_all(const char *host, const char *ca_file, const char *server_file,
                    const char *cert_file, const char *key_file, struct err *err)
{
    struct identity authority, server = { 0 };
    char names[NAMES_BYTES];
    int error = BUSBAR_ETLS;
    str_format(names, sizeof(names), "DNS:localhost,IP:127.0.0.1,IP:::1,%s:%s",
               address_is_ip(host) ? "IP" : "DNS", host);
    if (!identity_make(&authority, "busbar simulator", NULL, NULL) ||
        !identity_make(&server, host, &authority, names)) {
        err_set(err, BUSBAR_ETLS, "cannot make a certificate for %s", host);
    } else {
        error = write_pem(server_file, server.cert, server.key, err);
        error = error == 0 ? make_client(&authority, cert_file, key_file, err) : error;
        error = error == 0 ? write_pem(ca_file, authority.cert, NULL, err) : error;
    }
    identity_fini(&authority);
    identity_fini(&server);
    return error;
}

int sim_tls_server(const char *host, const char *ca_file, const char *cert_file,
                   const char *key_file, struct tls_context **out, struct err *err)
{
    char server_file[PATH_BYTES];
    if (ca_file == NULL) {
        err_set(err, BUSBAR_EUNSUPPORTED, "a simulated device cannot have a public certificate");
        err_hint(err, "name a file in 'ca'; the simulator makes it when it is not there");
        return BUSBAR_EUNSUPPORTED;
    }
    str_format(server_file, sizeof(server_file), "%s.server.pem", ca_file);
    if (access(server_file, F_OK) != 0) {
        if (access(ca_file, F_OK) == 0) {
            err_set(err, BUSBAR_ENOENT, "there is no %s", server_file);
            err_hint(err,
                     "put certificate and key of the device into it, or remove %s and the "
                     "simulator makes both",
                     ca_file);
            return BUSBAR_ENOENT;
        }
        int error = make_all(host, ca_file, server_file, cert_file, key_file, err);
        if (error != 0) {
            return error;
        }
    }
    const struct tls_options options = {
        .server = true,
        .cert_file = server_file,
        .ca_file = cert_file != NULL ? ca_file : NULL,
    };
    return tls_context_new(&options, out, err);
}
