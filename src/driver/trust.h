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
    char protocol[32];  /* of our own: whose it is; else "" */
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
    bool weak; /* short keys and SHA-1 are let through: a deprecated security was set by its name */
    bool unkept; /* only told, to somebody who looks: a refusal is not kept, for no device waits */
};

struct trust;

/* Makes the folders that are missing. Returns 0, or with err filled: BUSBAR_EIO, BUSBAR_EPERM ... */
int trust_open(const char *folder, struct trust **out, struct err *err);
void trust_close(struct trust *trust); /* NULL is fine */

/* Checks a chain of DER certificates one after another, the peer's first. A refused one is kept for people to see.
 * A certificate that a person trusted stands for itself: the authority above it may be unknown. Lists of
 * authorities count though they are past their date; that there is none is no fault.
 * now_us: wall clock. Returns 0 (seen, when not NULL, is filled) or BUSBAR_EUNTRUSTED with `seen->fault` and words. */
int trust_check(struct trust *trust, const struct trust_peer *peer, const uint8_t *chain,
                size_t bytes, int64_t now_us, struct trust_seen *seen);

/* Our own certificate and key (DER; the key as PKCS #8) of a protocol; made when there is none (which takes up to
 * a second), valid for five years, renewed by trust_renew(), or by itself 30 days before its end when it was made
 * here. A person may put another one there, PEM or DER. Appends to the buffers.
 *   seen  what the certificate says; its uri is what we must call ourselves, for peers compare it: it stays
 *         as it is when the machine is renamed; may be NULL
 * Returns 0, or with err filled: BUSBAR_EIO, BUSBAR_ENOSPC, BUSBAR_ECONFIG (what is there cannot be used). */
struct trust_own {
    const char *protocol;     /* "opcua" */
    const char *common_name;  /* "busbar at hq" */
    const char *uri;          /* "urn:HOST:busbar" */
    const char *const *hosts; /* names and addresses of this machine; NULL-terminated */
};
int trust_own(struct trust *trust, const struct trust_own *own, struct buf *certificate,
              struct buf *key, struct trust_seen *seen, struct err *err);
/* A new key and certificate of the same names; the old ones are kept beside as *.old. Connections made after it
 * use them. seen may be NULL. BUSBAR_ENOENT: there is none yet. */
int trust_renew(struct trust *trust, const char *protocol, struct trust_seen *seen,
                struct err *err);

/* ---- for people ----
 * These read and write files: never on the loop's thread. */
enum trust_list { TRUST_OWN, TRUST_TRUSTED, TRUST_ISSUERS, TRUST_REVOCATIONS, TRUST_REFUSED };
/* "own", "trusted", "issuer", "revocations", "refused" */
const char *trust_list_word(enum trust_list list);
/* "fine", "malformed", "bad-signature", "revoked", "weak", "wrong-use", "untrusted", "no-issuer", "expired",
 * "not-yet", "wrong-host", "wrong-uri" */
const char *trust_fault_word(enum trust_fault fault);

/* Refused ones first, the newest before; then own, trusted, issuers and lists of authorities (only fingerprint,
 * issuer and validity of these are known). Of what is no refusal the fault says what is wrong with it now: its time,
 * or TRUST_MALFORMED for a file that holds no certificate (its subject is the file's name). */
typedef void (*trust_cb)(void *ctx, enum trust_list list, const struct trust_seen *seen);
void trust_each(struct trust *trust, int64_t now_us, trust_cb cb, void *ctx);
/* What bytes of DER say, without a store: a certificate, or a list of an authority (then `key` is ""). 0 or
 * BUSBAR_EINVAL. */
int trust_describe_bytes(const uint8_t *der, size_t size, struct trust_seen *seen);
/* The DER bytes of one, of any list. As trust_accept(). */
int trust_get(struct trust *trust, const char *fingerprint, struct buf *der, struct err *err);
/* From refused (or anywhere) to trusted. BUSBAR_ENOENT; BUSBAR_ECONFLICT: several begin so; BUSBAR_EINVAL: no
 * such text, or too short; BUSBAR_ELIMIT: TRUST_TRUSTED_MAX. */
int trust_accept(struct trust *trust, const char *fingerprint, struct trust_seen *seen,
                 struct err *err);
/* From trusted back to refused; refused ones, issuers and lists are forgotten. BUSBAR_EPERM: our own is renewed,
 * not removed. */
int trust_remove(struct trust *trust, const char *fingerprint, struct trust_seen *seen,
                 struct err *err);
/* PEM or DER bytes that a person gives: certificates, trusted or as issuers, and lists of authorities. seen: of
 * the first. BUSBAR_EINVAL: there is none in it; BUSBAR_ELIMIT. */
int trust_import(struct trust *trust, const uint8_t *bytes, size_t size, bool issuer,
                 struct trust_seen *seen, struct err *err);

/* Looks at what a person changed in the folders; not on the loop's thread. */
void trust_refresh(struct trust *trust);
/* Grows with each change of what is trusted or ours: who was refused tries again when it did. Never blocks. */
uint64_t trust_generation(const struct trust *trust);

struct trust_counts {
    unsigned trusted, waiting; /* waiting: refused, and trusting it would help */
    unsigned refused;          /* all of them, the waiting too */
};
/* As of the last look at the folder. Never blocks. */
void trust_counts(const struct trust *trust, struct trust_counts *counts);

#endif
