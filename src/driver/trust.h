/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of the gateway: its own, those of peers that a person trusts, and those that were refused.
 * What a protocol needs that has no authority above all (OPC UA; TLS of devices likewise): nobody is trusted until
 * a person has looked at the certificate, and looking takes one command or one click.
 *
 *   DATA/certificates/own/opcua.der  opcua.key (0600)    ours, one a protocol, made when first asked for
 *                     trusted/FINGERPRINT.der            peers, or authorities whose peers are trusted
 *                     issuers/FINGERPRINT.der            authorities that complete chains, trusted for nothing
 *                     revoked/NAME.crl                   lists of authorities
 *                     refused/FINGERPRINT.der            seen and not trusted: the newest TRUST_REFUSED_MAX
 *
 * The folder is the truth: a file a person puts there counts from the next check. Any thread; lock: the
 * store's own. A fingerprint is the SHA-256 of the DER bytes in lower-case hex; commands take any
 * beginning of it that is unique, from TRUST_PREFIX_MIN characters. */
#ifndef BUSBAR_DRIVER_TRUST_H
#define BUSBAR_DRIVER_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    TRUST_REFUSED_MAX = 100,
    TRUST_TRUSTED_MAX = 10000,
    TRUST_CERTIFICATE_MAX = 64 * 1024, /* bytes of a chain */
    TRUST_CHAIN_MAX = 8,
    TRUST_PREFIX_MIN = 8,
};

/* Why a certificate is refused; the first that holds, the worst before. */
enum trust_fault {
    TRUST_FINE,
    TRUST_MALFORMED,
    TRUST_BAD_SIGNATURE,
    TRUST_REVOKED,
    TRUST_WEAK,      /* key under 2048 bits, SHA-1 */
    TRUST_WRONG_USE, /* key usage does not allow it */
    TRUST_UNTRUSTED, /* nobody has trusted it, nor an authority above it */
    TRUST_NO_ISSUER, /* its chain ends at an authority that is not here */
    TRUST_EXPIRED,
    TRUST_NOT_YET,    /* becomes valid later: look at the clocks */
    TRUST_WRONG_HOST, /* it names other hosts than the one connected to */
    TRUST_WRONG_URI,  /* it names another application than the peer says it is */
};

struct trust_seen {
    char fingerprint[65];
    enum trust_fault fault;
    char subject[256], issuer[256];
    char hosts[256];           /* names and addresses in it, ", " between; cut with "..." */
    char uri[256];             /* application URI; "" = none */
    int64_t from_us, until_us; /* validity */
    unsigned key_bits;
    char key[16];       /* "RSA", "EC" */
    char signature[32]; /* "sha256WithRSAEncryption" */
    /* Of a refused one: where it came from, and when. */
    char peer[128]; /* "opc.tcp://10.0.3.5:48250" */
    char device[128];
    int64_t first_us, last_us;
    uint64_t times;
    char words[400]; /* what is wrong and what to do; "" where fine */
};

/* What a peer is expected to be. */
struct trust_peer {
    const char *protocol; /* "opcua" */
    const char *device;   /* for people; "" = none */
    const char *address;  /* as connected to, for people */
    const char *host;     /* to be found in it; NULL: is not checked */
    const char *uri;      /* application URI it must name; NULL: is not checked */
};

struct trust;

/* Returns 0, or with err filled: BUSBAR_EIO, BUSBAR_EPERM */
int trust_open(const char *folder, struct trust **out, struct err *err);
void trust_close(struct trust *trust); /* NULL is fine */

/* Checks a chain of DER certificates one after another, the peer's first. A refused one is kept for people to see.
 * now_us: wall clock. Returns 0 (seen, when not NULL, is filled) or BUSBAR_EUNTRUSTED with `seen->fault` and words. */
int trust_check(struct trust *trust, const struct trust_peer *peer, const uint8_t *chain,
                size_t bytes, int64_t now_us, struct trust_seen *seen);

/* Our own certificate and key (DER) of a protocol; made when there is none, valid for five years, renewed by
 * trust_renew() or by itself 30 days before its end. uri and hosts go into it. Appends to the buffers. */
struct trust_own {
    const char *protocol;     /* "opcua" */
    const char *common_name;  /* "busbar at hq" */
    const char *uri;          /* "urn:HOST:busbar" */
    const char *const *hosts; /* names and addresses of this machine; NULL-terminated */
};
int trust_own(struct trust *trust, const struct trust_own *own, struct buf *certificate,
              struct buf *key, struct err *err);
/* A new key and certificate; the old ones are kept beside as *.old. Connections made after it use them. */
int trust_renew(struct trust *trust, const char *protocol, struct err *err);

/* ---- for people ---- */
enum trust_list { TRUST_OWN, TRUST_TRUSTED, TRUST_ISSUERS, TRUST_REFUSED };
typedef void (*trust_cb)(void *ctx, enum trust_list list, const struct trust_seen *seen);
void trust_each(struct trust *trust, trust_cb cb, void *ctx);
/* From refused (or anywhere) to trusted. BUSBAR_ENOENT; BUSBAR_ECONFLICT: several begin so. */
int trust_accept(struct trust *trust, const char *fingerprint, struct trust_seen *seen,
                 struct err *err);
/* From trusted back to refused; refused ones are forgotten. */
int trust_remove(struct trust *trust, const char *fingerprint, struct trust_seen *seen,
                 struct err *err);
/* PEM or DER bytes that a person gives: trusted, or as an issuer. */
int trust_import(struct trust *trust, const uint8_t *bytes, size_t size, bool issuer,
                 struct trust_seen *seen, struct err *err);
/* Grows with each change of what is trusted or ours: who was refused tries again when it did. */
uint64_t trust_generation(struct trust *trust);

#endif
