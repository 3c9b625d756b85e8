/* SPDX-License-Identifier: Apache-2.0 */
/* Our own certificates: one a protocol, own/NAME.der and own/NAME.key. Made when first asked for, and again
 * before its time is over. A new key is written before its certificate: where a crash came between the two, the
 * old key beside them fits. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "driver/trust_private.h"

enum { HOSTS_MAX = 16, KEY_BYTES_MAX = 64 * 1024 };
#define RENEW_BEFORE_US (INT64_C(30) * 24 * 3600 * CLOCK_US_PER_S)
#define CLOCK_SENSE_US  (INT64_C(1577836800) * CLOCK_US_PER_S) /* 2020: earlier is no set clock */

/* What is there. */
struct own_pair {
    X509 *cert;
    EVP_PKEY *key;
};

static void pair_fini(struct own_pair *pair)
{
    X509_free(pair->cert);
    EVP_PKEY_free(pair->key);
}

static bool own_path(const struct trust *trust, const char *protocol, const char *end,
                     char path[TRUST_PATH_MAX])
{
    char folder[TRUST_PATH_MAX], name[64];
    str_format(name, sizeof(name), "%s%s", protocol, end);
    return strchr(protocol, '/') == NULL &&
           file_join(folder, sizeof(folder), trust->folder, "own") &&
           file_join(path, TRUST_PATH_MAX, folder, name);
}

/* ---- reading ---- */

static int no_passphrase(char *to, int size, int writing, void *ctx)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static EVP_PKEY *read_key(const uint8_t *bytes, size_t size)
{
    const unsigned char *at = bytes;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)size);
    if (key == NULL) {
        BIO *in = BIO_new_mem_buf(bytes, (int)size);
        key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;
        BIO_free(in);
    }
    ERR_clear_error();
    return key;
}

static X509 *read_cert(const uint8_t *bytes, size_t size)
{
    struct list certs, lists;
    X509 *cert = NULL;
    list_init(&certs);
    list_init(&lists);
    if (trust_read(bytes, size, &certs, &lists) == 0 && !list_empty(&certs)) {
        struct trust_entry *first = list_entry(certs.next, struct trust_entry, link);
        cert = first->cert;
        first->cert = NULL;
    }
    list_move_all(&certs, &lists);
    list_each_safe(at, &certs) {
        trust_entry_free(list_entry(at, struct trust_entry, link));
    }
    return cert;
}

/* BUSBAR_ENOENT where there is no such file. */
static int load_cert(const struct trust *trust, const char *protocol, X509 **out, struct err *err)
{
    char path[TRUST_PATH_MAX];
    char *bytes = NULL;
    size_t size = 0;
    if (!own_path(trust, protocol, ".der", path)) {
        return err_set(err, BUSBAR_EINVAL, "'%s' is no protocol", protocol);
    }
    int error = file_read(file_ops_real(), path, TRUST_FILE_MAX, &bytes, &size, err);
    if (error != 0) {
        return error;
    }
    *out = read_cert((const uint8_t *)bytes, size);
    busbar_free(bytes);
    if (*out == NULL) {
        err_set(err, BUSBAR_ECONFIG, "%s holds no certificate", path);
        err_hint(err, "put one there (PEM or DER), or remove it and a new one is made");
        return BUSBAR_ECONFIG;
    }
    return 0;
}

static int load_key(const struct trust *trust, const char *protocol, const char *end,
                    EVP_PKEY **out, struct err *err)
{
    char path[TRUST_PATH_MAX];
    char *bytes = NULL;
    size_t size = 0;
    if (!own_path(trust, protocol, end, path)) {
        return err_set(err, BUSBAR_EINVAL, "'%s' is no protocol", protocol);
    }
    int error = file_read(file_ops_real(), path, KEY_BYTES_MAX, &bytes, &size, err);
    if (error != 0) {
        return error;
    }
    *out = read_key((const uint8_t *)bytes, size);
    OPENSSL_cleanse(bytes, size);
    busbar_free(bytes);
    if (*out == NULL) {
        err_set(err, BUSBAR_ECONFIG, "%s holds no key that can be read", path);
        err_hint(err, "put one there without a passphrase (PEM or DER)");
        return BUSBAR_ECONFIG;
    }
    return 0;
}

/* A crash between key and certificate: the certificate's own key is the one before. */
static bool take_old_key(const struct trust *trust, const char *protocol, struct own_pair *pair)
{
    char path[TRUST_PATH_MAX], old[TRUST_PATH_MAX];
    EVP_PKEY *key = NULL;
    if (load_key(trust, protocol, ".key.old", &key, NULL) != 0) {
        return false;
    }
    if (X509_check_private_key(pair->cert, key) != 1 ||
        !own_path(trust, protocol, ".key.old", old) || !own_path(trust, protocol, ".key", path) ||
        rename(old, path) != 0) {
        EVP_PKEY_free(key);
        ERR_clear_error();
        return false;
    }
    EVP_PKEY_free(pair->key);
    pair->key = key;
    ERR_clear_error();
    return true;
}

/* BUSBAR_ENOENT: there is no certificate. */
static int load_pair(const struct trust *trust, const char *protocol, struct own_pair *pair,
                     struct err *err)
{
    int error = load_cert(trust, protocol, &pair->cert, err);
    if (error != 0) {
        return error;
    }
    error = load_key(trust, protocol, ".key", &pair->key, err);
    if (error == BUSBAR_ENOENT) {
        err_set(err, BUSBAR_ECONFIG, "the certificate own/%s.der has no key", protocol);
        err_hint(err,
                 "put its key beside as %s.key, or remove the certificate and a new one is made",
                 protocol);
        return BUSBAR_ECONFIG;
    }
    if (error == 0 && X509_check_private_key(pair->cert, pair->key) != 1 &&
        !take_old_key(trust, protocol, pair)) {
        err_set(err, BUSBAR_ECONFIG, "own/%s.key is not the key of own/%s.der", protocol, protocol);
        err_hint(err, "put the right one there, or remove both and new ones are made");
        error = BUSBAR_ECONFIG;
    }
    ERR_clear_error();
    return error;
}

/* ---- writing ---- */

static void keep_old(const struct trust *trust, const char *protocol, const char *end)
{
    char path[TRUST_PATH_MAX], old[TRUST_PATH_MAX], old_end[16];
    char *bytes = NULL;
    size_t size = 0;
    str_format(old_end, sizeof(old_end), "%s.old", end);
    if (own_path(trust, protocol, end, path) && own_path(trust, protocol, old_end, old) &&
        file_read(file_ops_real(), path, TRUST_FILE_MAX, &bytes, &size, NULL) == 0) {
        (void)file_write(file_ops_real(), old, bytes, size, 0600, NULL);
        OPENSSL_cleanse(bytes, size);
        busbar_free(bytes);
    }
}

static int write_pair(const struct trust *trust, const char *protocol, const struct buf *cert,
                      const struct buf *key, struct err *err)
{
    char key_path[TRUST_PATH_MAX], cert_path[TRUST_PATH_MAX];
    if (!own_path(trust, protocol, ".key", key_path) ||
        !own_path(trust, protocol, ".der", cert_path)) {
        return err_set(err, BUSBAR_EINVAL, "'%s' is no protocol", protocol);
    }
    keep_old(trust, protocol, ".key");
    keep_old(trust, protocol, ".der");
    int error = file_write(file_ops_real(), key_path, key->data, key->size, 0600, err);
    return error != 0 ? error
                      : file_write(file_ops_real(), cert_path, cert->data, cert->size, 0644, err);
}

/* Makes and writes; the lock for making is held. */
static int make(struct trust *trust, const struct trust_own *own, struct err *err)
{
    struct buf cert, key;
    int64_t now_us = clock_wall_us();
    if (now_us < CLOCK_SENSE_US) {
        err_set(err, BUSBAR_EAGAIN,
                "no certificate can be made: the clock of this machine is wrong");
        err_hint(err, "set the clock; the certificate is made at the next attempt");
        return BUSBAR_EAGAIN;
    }
    buf_init(&cert, TRUST_CERTIFICATE_MAX);
    buf_init(&key, KEY_BYTES_MAX);
    int error = trust_make(own, now_us, &cert, &key);
    if (error != 0) {
        err_set(err, error, "a certificate for '%s' cannot be made", own->protocol);
    } else {
        error = write_pair(trust, own->protocol, &cert, &key, err);
    }
    if (key.data != NULL) {
        OPENSSL_cleanse(key.data, key.capacity);
    }
    buf_fini(&key);
    buf_fini(&cert);
    if (error == 0) {
        atomic_fetch_add(&trust->generation, 1);
        busbar_log(LOG_LEVEL_INFO, "trust", NULL, "made a new certificate for '%s'", own->protocol);
    }
    return error;
}

/* ---- what we were asked with ---- */

void trust_asked_free(struct trust_asked *asked)
{
    for (size_t i = 0; i < HOSTS_MAX; i++) {
        busbar_free(asked->hosts[i]);
        asked->hosts[i] = NULL;
    }
}

static struct trust_asked *asked_for(struct trust *trust, const char *protocol)
{
    for (size_t i = 0; i < trust->asked_count; i++) {
        if (strcmp(trust->asked[i].protocol, protocol) == 0) {
            return &trust->asked[i];
        }
    }
    return NULL;
}

static void remember(struct trust *trust, const struct trust_own *own)
{
    struct trust_asked *asked = asked_for(trust, own->protocol);
    if (asked == NULL && trust->asked_count < TRUST_OWN_MAX) {
        asked = &trust->asked[trust->asked_count++];
    }
    if (asked == NULL) {
        return;
    }
    trust_asked_free(asked);
    str_copy(asked->protocol, sizeof(asked->protocol), own->protocol);
    str_copy(asked->common_name, sizeof(asked->common_name), own->common_name);
    str_copy(asked->uri, sizeof(asked->uri), own->uri);
    for (size_t i = 0; own->hosts != NULL && own->hosts[i] != NULL && i < HOSTS_MAX; i++) {
        asked->hosts[i] = busbar_strdup(own->hosts[i]);
    }
}

/* ---- asking ---- */

static bool is_near_end(const X509 *cert, const struct trust_seen *seen)
{
    return X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0 &&
           seen->until_us - clock_wall_us() < RENEW_BEFORE_US;
}

static int append_pair(const struct own_pair *pair, struct buf *certificate, struct buf *key)
{
    unsigned char *der = NULL;
    int size = i2d_X509(pair->cert, &der);
    int error = size > 0 ? buf_append(certificate, der, (size_t)size) : BUSBAR_EINTERNAL;
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pair->key);
    der = NULL;
    size = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
    PKCS8_PRIV_KEY_INFO_free(info);
    if (error == 0) {
        error = size > 0 ? buf_append(key, der, (size_t)size) : BUSBAR_EINTERNAL;
    }
    OPENSSL_clear_free(der, size > 0 ? (size_t)size : 0);
    return error;
}

/* Loads it, makes it where it is missing or near its end. The name of the application stays. */
static int load_or_make(struct trust *trust, const struct trust_own *own, struct own_pair *pair,
                        struct trust_seen *seen, struct err *err)
{
    struct trust_own again = *own;
    struct trust_seen before;
    int error = load_pair(trust, own->protocol, pair, err);
    if (error == 0) {
        trust_describe(pair->cert, seen);
        if (!is_near_end(pair->cert, seen)) {
            return 0;
        }
        before = *seen;
        again.uri = before.uri[0] != '\0' ? before.uri : own->uri;
    } else if (error != BUSBAR_ENOENT) {
        return error;
    }
    error = make(trust, &again, err);
    if (error != 0 && pair->cert != NULL) {
        return 0; /* the old one will do for a while */
    }
    pair_fini(pair);
    *pair = (struct own_pair){ 0 };
    error = error != 0 ? error : load_pair(trust, own->protocol, pair, err);
    if (error == 0) {
        trust_describe(pair->cert, seen);
    }
    return error;
}

int trust_own(struct trust *trust, const struct trust_own *own, struct buf *certificate,
              struct buf *key, struct trust_seen *seen, struct err *err)
{
    struct own_pair pair = { 0 };
    struct trust_seen said;
    memset(&said, 0, sizeof(said));
    pthread_mutex_lock(&trust->making);
    remember(trust, own);
    int error = load_or_make(trust, own, &pair, &said, err);
    pthread_mutex_unlock(&trust->making);
    if (error == 0) {
        error = append_pair(&pair, certificate, key);
        if (error != 0) {
            err_set(err, error, "the certificate of '%s' cannot be used: %s", own->protocol,
                    err_text(error));
        }
    }
    pair_fini(&pair);
    str_copy(said.protocol, sizeof(said.protocol), own->protocol);
    if (seen != NULL) {
        *seen = said;
    }
    return error;
}

/* ---- renewing ---- */

static void common_name(const X509 *cert, char *text, size_t size)
{
    if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, text, (int)size) <
        0) {
        str_copy(text, size, "busbar");
    }
}

/* What a certificate is made with anew: what was asked last, else what the one before says. */
struct renewal {
    char common_name[128];
    char hosts_text[256];
    const char *hosts[HOSTS_MAX + 1];
    struct trust_seen before;
};

static void split_hosts(struct renewal *renewal)
{
    size_t count = 0;
    char *at = renewal->hosts_text;
    while (*at != '\0' && count < HOSTS_MAX) {
        size_t length = strcspn(at, ",");
        bool last = at[length] == '\0';
        at[length] = '\0';
        if (strstr(at, "...") == NULL) {
            renewal->hosts[count++] = at;
        }
        at += last ? length : length + 2;
    }
}

static struct trust_own plan_renewal(struct trust *trust, const char *protocol, const X509 *cert,
                                     struct renewal *renewal)
{
    struct trust_own own = { .protocol = protocol,
                             .common_name = renewal->common_name,
                             .uri = renewal->before.uri,
                             .hosts = renewal->hosts };
    const struct trust_asked *asked = asked_for(trust, protocol);
    if (asked != NULL) {
        str_copy(renewal->common_name, sizeof(renewal->common_name), asked->common_name);
        for (size_t i = 0; i < HOSTS_MAX; i++) {
            renewal->hosts[i] = asked->hosts[i];
        }
    } else {
        common_name(cert, renewal->common_name, sizeof(renewal->common_name));
        str_copy(renewal->hosts_text, sizeof(renewal->hosts_text), renewal->before.hosts);
        split_hosts(renewal);
    }
    if (own.uri[0] == '\0') {
        own.uri = asked != NULL ? asked->uri : "urn:busbar";
    }
    return own;
}

int trust_renew(struct trust *trust, const char *protocol, struct trust_seen *seen, struct err *err)
{
    struct renewal renewal;
    X509 *cert = NULL, *now = NULL;
    memset(&renewal, 0, sizeof(renewal));
    pthread_mutex_lock(&trust->making);
    int error = load_cert(trust, protocol, &cert, err);
    if (error == BUSBAR_ENOENT) {
        err_set(err, error, "there is no certificate of '%s' yet", protocol);
        err_hint(err, "it is made when the first device of '%s' connects", protocol);
    } else if (error == 0) {
        trust_describe(cert, &renewal.before);
        struct trust_own own = plan_renewal(trust, protocol, cert, &renewal);
        error = make(trust, &own, err);
        error = error == 0 ? load_cert(trust, protocol, &now, err) : error;
    }
    pthread_mutex_unlock(&trust->making);
    if (now != NULL && seen != NULL) {
        trust_describe(now, seen);
        str_copy(seen->protocol, sizeof(seen->protocol), protocol);
    }
    X509_free(cert);
    X509_free(now);
    return error;
}

void trust_each_own(struct trust *trust, void (*cb)(void *ctx, const char *protocol, X509 *cert),
                    void *ctx)
{
    char folder[TRUST_PATH_MAX];
    char **names = NULL;
    size_t count = 0;
    if (!file_join(folder, sizeof(folder), trust->folder, "own") ||
        file_list(folder, ".der", TRUST_OWN_MAX, &names, &count, NULL) != 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        X509 *cert = NULL;
        names[i][strlen(names[i]) - strlen(".der")] = '\0';
        if (load_cert(trust, names[i], &cert, NULL) == 0) {
            cb(ctx, names[i], cert);
        }
        X509_free(cert);
    }
    busbar_free(names);
}
