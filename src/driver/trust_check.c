/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a chain is to be trusted (OPC UA Part 4, 6.1.3; RFC 5280, 6). OpenSSL builds the way from the peer's
 * certificate up to a trusted one and checks it; all it has to say is collected and the worst is told. On top of
 * that: the strength of keys and signatures, what the key may be used for, lists of authorities, and who the
 * peer is. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "driver/trust_private.h"

enum { SECURITY_BITS_MIN = 112 /* RSA 2048, SHA-224 */ };

/* A worse one takes the place of what was found. */
static void note(struct trust_finding *found, enum trust_fault fault, X509 *at)
{
    if (fault != TRUST_FINE && (found->fault == TRUST_FINE || fault < found->fault)) {
        found->fault = fault;
        found->at = at;
    }
}

/* ---- the way up ---- */

static enum trust_fault fault_of(int code)
{
    switch (code) {
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: return TRUST_BAD_SIGNATURE;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_REJECTED: return TRUST_UNTRUSTED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG: return TRUST_NO_ISSUER;
    case X509_V_ERR_CERT_HAS_EXPIRED: return TRUST_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID: return TRUST_NOT_YET;
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    case X509_V_ERR_INVALID_EXTENSION: return TRUST_MALFORMED;
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK: return TRUST_FINE; /* see check_strength() */
    default: return TRUST_WRONG_USE;                   /* what an authority may do, extensions */
    }
}

static int collect(int ok, X509_STORE_CTX *ctx)
{
    struct trust_finding *found = X509_STORE_CTX_get_app_data(ctx);
    int code = X509_STORE_CTX_get_error(ctx);
    /* A certificate that signed itself and is no authority needs no leave to do so. */
    bool own_leave = code == X509_V_ERR_KEYUSAGE_NO_CERTSIGN &&
                     X509_STORE_CTX_get_error_depth(ctx) == 0;
    if (!ok && !own_leave) {
        note(found, fault_of(code), X509_STORE_CTX_get_current_cert(ctx));
    }
    return 1;
}

/* What is trusted: all, or the peer's own alone where that is. Borrowed certificates, looked through one by one: adding 10,000 to an X509_STORE, which sorts
 * them each time, takes minutes. */
static STACK_OF(X509) * anchors_of(const struct trust *trust, X509 *itself)
{
    STACK_OF(X509) *anchors = sk_X509_new_null();
    if (itself != NULL && anchors != NULL) {
        (void)sk_X509_push(anchors, itself);
        return anchors;
    }
    list_each(at, &trust->folders[FOLDER_TRUSTED].entries) {
        X509 *cert = list_entry(at, struct trust_entry, link)->cert;
        if (cert != NULL && anchors != NULL) {
            (void)sk_X509_push(anchors, cert);
        }
    }
    return anchors;
}

/* What may complete the chain: what the peer sent, and our issuers. Borrowed certificates. */
static STACK_OF(X509) * helpers_of(const struct trust *trust, STACK_OF(X509) * chain)
{
    STACK_OF(X509) *helpers = sk_X509_new_null();
    for (int i = 1; i < sk_X509_num(chain) && helpers != NULL; i++) {
        (void)sk_X509_push(helpers, sk_X509_value(chain, i));
    }
    list_each(at, &trust->folders[FOLDER_ISSUERS].entries) {
        X509 *cert = list_entry(at, struct trust_entry, link)->cert;
        if (cert != NULL && helpers != NULL) {
            (void)sk_X509_push(helpers, cert);
        }
    }
    return helpers;
}

static void set_up(X509_STORE_CTX *ctx, struct trust_finding *found, int64_t now_us)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_auth_level(param, 0); /* check_strength() has its own words */
    X509_VERIFY_PARAM_set_depth(param, TRUST_CHAIN_MAX);
    X509_VERIFY_PARAM_set_time(param, (time_t)(now_us / CLOCK_US_PER_S));
    X509_STORE_CTX_set_app_data(ctx, found);
    X509_STORE_CTX_set_verify_cb(ctx, collect);
}

/* Verifies up to something trusted; the way that was built, to be freed, or NULL. */
static STACK_OF(X509) * verify(const struct trust *trust, X509 *leaf, bool itself,
                               STACK_OF(X509) * helpers, int64_t now_us,
                               struct trust_finding *found)
{
    STACK_OF(X509) *anchors = anchors_of(trust, itself ? leaf : NULL);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *way = NULL;
    if (anchors == NULL || ctx == NULL ||
        X509_STORE_CTX_init(ctx, NULL, leaf, itself ? NULL : helpers) != 1) {
        note(found, TRUST_UNTRUSTED, leaf);
    } else {
        X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
        set_up(ctx, found, now_us);
        if (X509_verify_cert(ctx) != 1) { /* collect() stops at nothing: it could not go on */
            enum trust_fault fault = fault_of(X509_STORE_CTX_get_error(ctx));
            note(found, fault != TRUST_FINE ? fault : TRUST_UNTRUSTED, leaf);
        }
        way = X509_STORE_CTX_get1_chain(ctx);
    }
    X509_STORE_CTX_free(ctx);
    sk_X509_free(anchors);
    return way;
}

/* ---- lists of authorities ---- */

static bool is_issuer(X509 *issuer, X509 *cert)
{
    return issuer != NULL && X509_check_issued(issuer, cert) == X509_V_OK;
}

/* Who signed it, of those we know; NULL: nobody. */
static X509 *issuer_of(const struct trust *trust, X509 *cert, STACK_OF(X509) * helpers)
{
    for (int i = 0; i < sk_X509_num(helpers); i++) {
        if (is_issuer(sk_X509_value(helpers, i), cert)) {
            return sk_X509_value(helpers, i);
        }
    }
    list_each(at, &trust->folders[FOLDER_TRUSTED].entries) {
        X509 *issuer = list_entry(at, struct trust_entry, link)->cert;
        if (is_issuer(issuer, cert)) {
            return issuer;
        }
    }
    return NULL;
}

/* A list counts when its authority signed it, or where that is not known: a person put it there. */
static bool is_revoked(const struct trust *trust, X509 *cert, STACK_OF(X509) * helpers)
{
    list_each(at, &trust->folders[FOLDER_REVOKED].entries) {
        X509_CRL *crl = list_entry(at, struct trust_entry, link)->crl;
        X509_REVOKED *entry = NULL;
        if (crl == NULL ||
            X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(cert)) != 0 ||
            X509_CRL_get0_by_cert(crl, &entry, cert) != 1) {
            continue;
        }
        X509 *issuer = issuer_of(trust, cert, helpers);
        EVP_PKEY *key = issuer != NULL ? X509_get0_pubkey(issuer) : NULL;
        if (issuer == NULL || (key != NULL && X509_CRL_verify(crl, key) == 1)) {
            return true;
        }
    }
    return false;
}

/* ---- one certificate ---- */

static bool is_weak(X509 *cert, bool signature_counts)
{
    int bits = 0;
    const EVP_PKEY *key = X509_get0_pubkey(cert);
    if (key == NULL || EVP_PKEY_get_security_bits(key) < SECURITY_BITS_MIN) {
        return true;
    }
    return signature_counts && (X509_get_signature_info(cert, NULL, NULL, &bits, NULL) != 1 ||
                                bits < SECURITY_BITS_MIN);
}

/* Signing, and taking a secret with an RSA key; a server. */
static bool is_for_servers(X509 *cert)
{
    uint32_t use = X509_get_key_usage(cert), more = X509_get_extended_key_usage(cert);
    const EVP_PKEY *key = X509_get0_pubkey(cert);
    bool rsa = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    if (use != UINT32_MAX && ((use & KU_DIGITAL_SIGNATURE) == 0 ||
                              (rsa && (use & (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT)) == 0))) {
        return false;
    }
    return more == UINT32_MAX || (more & (XKU_SSL_SERVER | XKU_ANYEKU)) != 0;
}

static void check_leaf(const struct trust_peer *peer, X509 *leaf, struct trust_finding *found)
{
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    if (key == NULL || X509_check_purpose(leaf, -1, 0) != 1) {
        note(found, TRUST_MALFORMED, leaf);
        return;
    }
    if (X509_self_signed(leaf, 0) == 1 && X509_verify(leaf, key) != 1) {
        note(found, TRUST_BAD_SIGNATURE, leaf);
    }
    if (!is_for_servers(leaf)) {
        note(found, TRUST_WRONG_USE, leaf);
    }
    if (peer->host != NULL && !trust_names_host(leaf, peer->host)) {
        note(found, TRUST_WRONG_HOST, leaf);
    }
    if (peer->uri != NULL && !trust_names_uri(leaf, peer->uri)) {
        note(found, TRUST_WRONG_URI, leaf);
    }
}

/* The way up: the signature of the last counts only where it is the peer's own, an authority is what a person
 * trusts, whatever is signed under it. */
static void check_way(const struct trust *trust, const struct trust_peer *peer,
                      STACK_OF(X509) * way, STACK_OF(X509) * helpers, struct trust_finding *found)
{
    int count = sk_X509_num(way);
    for (int i = 0; i < count; i++) {
        X509 *cert = sk_X509_value(way, i);
        if (!peer->weak && is_weak(cert, i == 0 || i + 1 < count)) {
            note(found, TRUST_WEAK, cert);
        }
        if (i > 0 && X509_check_ca(cert) != 1) {
            note(found, TRUST_WRONG_USE, cert);
        }
        if (is_revoked(trust, cert, helpers)) {
            note(found, TRUST_REVOKED, cert);
        }
    }
}

void trust_find_fault(const struct trust *trust, const struct trust_peer *peer,
                      STACK_OF(X509) * chain, const char *fingerprint, int64_t now_us,
                      struct trust_finding *found)
{
    X509 *leaf = sk_X509_value(chain, 0);
    STACK_OF(X509) *helpers = helpers_of(trust, chain);
    *found = (struct trust_finding){ .fault = TRUST_FINE };
    check_leaf(peer, leaf, found);
    if (found->fault != TRUST_MALFORMED) {
        bool itself = trust_find(&trust->folders[FOLDER_TRUSTED], fingerprint) != NULL;
        STACK_OF(X509) *way = verify(trust, leaf, itself, helpers, now_us, found);
        check_way(trust, peer, way, helpers, found);
        if (found->at != NULL && X509_up_ref(found->at) == 1) { /* it may be the way's alone */
            (void)sk_X509_push(chain, found->at);
        }
        sk_X509_pop_free(way, X509_free);
    }
    sk_X509_free(helpers);
    ERR_clear_error();
}

/* ---- the chain as it came ---- */

/* The certificates, to be freed; NULL: it is malformed. */
static STACK_OF(X509) * parse(const uint8_t *bytes, size_t size)
{
    const unsigned char *at = bytes, *end = bytes + size;
    STACK_OF(X509) *chain = size > 0 && size <= TRUST_CERTIFICATE_MAX ? sk_X509_new_null() : NULL;
    while (chain != NULL && at < end) {
        X509 *cert = sk_X509_num(chain) < TRUST_CHAIN_MAX ? d2i_X509(NULL, &at, (long)(end - at))
                                                          : NULL;
        if (cert == NULL || sk_X509_push(chain, cert) == 0) {
            X509_free(cert);
            sk_X509_pop_free(chain, X509_free);
            chain = NULL;
        }
    }
    ERR_clear_error();
    return chain;
}

static void check_chain(struct trust *trust, const struct trust_peer *peer, STACK_OF(X509) * chain,
                        int64_t now_us, struct trust_seen *seen)
{
    struct trust_finding found;
    X509 *leaf = sk_X509_value(chain, 0);
    trust_describe(leaf, seen);
    str_copy(seen->peer, sizeof(seen->peer), peer->address != NULL ? peer->address : "");
    str_copy(seen->device, sizeof(seen->device), peer->device != NULL ? peer->device : "");
    pthread_mutex_lock(&trust->lock);
    trust_look(trust);
    trust_find_fault(trust, peer, chain, seen->fingerprint, now_us, &found);
    seen->fault = found.fault;
    if (found.fault != TRUST_FINE) {
        trust_say(peer, &found, seen);
        if (!peer->unkept) {
            trust_refuse(trust, leaf, seen, now_us);
        }
    } else {
        trust_unrefuse(trust, seen);
    }
    pthread_mutex_unlock(&trust->lock);
}

int trust_check(struct trust *trust, const struct trust_peer *peer, const uint8_t *chain,
                size_t bytes, int64_t now_us, struct trust_seen *seen)
{
    struct trust_seen own;
    struct trust_seen *told = seen != NULL ? seen : &own;
    STACK_OF(X509) *certs = parse(chain, bytes);
    if (certs == NULL) {
        memset(told, 0, sizeof(*told));
        told->fault = TRUST_MALFORMED;
        trust_say(peer, &(struct trust_finding){ .fault = TRUST_MALFORMED }, told);
        return BUSBAR_EUNTRUSTED;
    }
    check_chain(trust, peer, certs, now_us, told);
    sk_X509_pop_free(certs, X509_free);
    return told->fault == TRUST_FINE ? 0 : BUSBAR_EUNTRUSTED;
}
