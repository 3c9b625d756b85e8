/* SPDX-License-Identifier: Apache-2.0 */
/* An SSL_CTX with our policy. OpenSSL reads the files itself; who may not be read is found out before, in plain words. */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "net/tls_private.h"

struct tls_context {
    SSL_CTX *ssl;
    unsigned references;
};

SSL_CTX *tls_context_ssl(struct tls_context *context)
{
    return context->ssl;
}

void tls_reason(char *text, size_t size)
{
    unsigned long code = ERR_get_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    (void)str_copy(text, size, reason != NULL ? reason : "unknown reason");
    ERR_clear_error();
}

/* No terminal is asked for the passphrase of a key. */
static int no_passphrase(char *to, int size, int writing, void *ctx)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static int fail(struct err *err, const char *what, const char *path)
{
    char reason[160];
    tls_reason(reason, sizeof(reason));
    return err_set(err, BUSBAR_ETLS, "cannot use %s %s: %s", what, path, reason);
}

static int check_readable(const char *what, const char *path, struct err *err)
{
    if (access(path, R_OK) == 0) {
        return 0;
    }
    int error = err_from_errno(errno);
    return err_set(err, error, "cannot read %s %s: %s", what, path, err_text(error));
}

static int load_key(SSL_CTX *ssl, const struct tls_options *options, struct err *err)
{
    const char *cert = options->cert_file;
    const char *key = options->key_file != NULL ? options->key_file : cert;
    int error = check_readable("certificate", cert, err);
    if (error == 0) {
        error = check_readable("key", key, err);
    }
    if (error != 0) {
        return error;
    }
    if (SSL_CTX_use_certificate_chain_file(ssl, cert) != 1) {
        return fail(err, "certificate", cert);
    }
    if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1) {
        return fail(err, "key", key);
    }
    return SSL_CTX_check_private_key(ssl) == 1 ? 0 : fail(err, "key", key);
}

static int load_der(SSL_CTX *ssl, const struct tls_options *options, struct err *err)
{
    const unsigned char *at = options->key_der;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)options->key_size);
    bool good = key != NULL &&
                SSL_CTX_use_certificate_ASN1(ssl, (int)options->cert_size, options->cert_der) ==
                    1 &&
                SSL_CTX_use_PrivateKey(ssl, key) == 1;
    EVP_PKEY_free(key);
    return good ? 0 : fail(err, "certificate", "of its own");
}

static int load_authority(SSL_CTX *ssl, const struct tls_options *options, struct err *err)
{
    if (options->ca_file == NULL) {
        if (!options->server) {
            (void)SSL_CTX_set_default_verify_paths(ssl);
        }
        return 0;
    }
    int error = check_readable("certificate authority", options->ca_file, err);
    if (error != 0) {
        return error;
    }
    if (SSL_CTX_load_verify_locations(ssl, options->ca_file, NULL) != 1) {
        return fail(err, "certificate authority", options->ca_file);
    }
    if (options->server) {
        SSL_CTX_set_client_CA_list(ssl, SSL_load_client_CA_file(options->ca_file));
    }
    return 0;
}

static void set_policy(SSL_CTX *ssl, const struct tls_options *options)
{
    (void)SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ssl, 0);
    SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
    int verify = SSL_VERIFY_PEER;
    if (options->server) {
        verify = options->ca_file != NULL ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                          : SSL_VERIFY_NONE;
    } else if (options->verify_off) {
        verify = SSL_VERIFY_NONE;
    }
    SSL_CTX_set_verify(ssl, verify, NULL);
}

int tls_context_new(const struct tls_options *options, struct tls_context **out, struct err *err)
{
    if (options->server && options->cert_file == NULL && options->cert_der == NULL) {
        return err_set(err, BUSBAR_EINVAL, "a TLS server needs a certificate and its key");
    }
    ERR_clear_error();
    SSL_CTX *ssl = SSL_CTX_new(options->server ? TLS_server_method() : TLS_client_method());
    if (ssl == NULL) {
        return err_set(err, BUSBAR_ENOMEM, "%s", err_text(BUSBAR_ENOMEM));
    }
    set_policy(ssl, options);
    int error = load_authority(ssl, options, err);
    if (error == 0 && options->cert_file != NULL) {
        error = load_key(ssl, options, err);
    } else if (error == 0 && options->cert_der != NULL) {
        error = load_der(ssl, options, err);
    }
    if (error != 0) {
        SSL_CTX_free(ssl);
        return error;
    }
    struct tls_context *context = busbar_alloc(sizeof(*context));
    context->ssl = ssl;
    context->references = 1;
    *out = context;
    return 0;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
    context->references++;
    return context;
}

void tls_context_unref(struct tls_context *context)
{
    if (context != NULL && --context->references == 0) {
        SSL_CTX_free(context->ssl);
        busbar_free(context);
    }
}
