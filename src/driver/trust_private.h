/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the certificate store share. One file a concern:
 *
 *   trust.c          open and close, looking at the folders
 *   trust_entry.c    one certificate or list: reading a file of them, finding by fingerprint
 *   trust_facts.c    what a certificate says, as text
 *   trust_check.c    whether a chain is to be trusted
 *   trust_words.c    what is said to people about it
 *   trust_refused.c  what was refused: kept, bounded, remembered
 *   trust_own.c      our own: given, made, renewed
 *   trust_make.c     the making of a key and a certificate
 *   trust_people.c   listing, trusting, removing, importing
 *
 * All but trust_facts, trust_words and trust_make want the lock to be held. */
#ifndef BUSBAR_DRIVER_TRUST_PRIVATE_H
#define BUSBAR_DRIVER_TRUST_PRIVATE_H

#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "driver/trust.h"

enum {
    TRUST_PATH_MAX = 1024,
    TRUST_FILES_MAX = TRUST_TRUSTED_MAX + 1000, /* files of one folder that are looked at */
    TRUST_FILE_MAX = 1 << 20,                   /* bytes of a file of certificates */
    TRUST_LIST_MAX = 16 << 20,                  /* and of a list of an authority */
    TRUST_IN_FILE_MAX = 1000,                   /* certificates of one file */
    TRUST_OWN_MAX = 16,                         /* protocols */
};

enum trust_folder_kind {
    FOLDER_TRUSTED,
    FOLDER_ISSUERS,
    FOLDER_REVOKED,
    FOLDER_REFUSED,
    TRUST_FOLDERS,
};

/* What is known of a refusal; beside the certificate as FINGERPRINT.json. */
struct trust_refusal {
    enum trust_fault fault;
    char peer[128], device[128];
    char words[400];
    int64_t first_us, last_us;
    uint64_t times;
};

/* One certificate of a file, or one list; or a file that has none (cert and crl NULL). */
struct trust_entry {
    struct list link;
    char fingerprint[65];
    X509 *cert;
    X509_CRL *crl;
    struct trust_refusal *refusal; /* refused ones: never NULL */
    /* The file as it was read. */
    char *name;
    int64_t size, changed_ns;
    uint64_t inode;
};

struct trust_folder {
    struct list entries;
    size_t count;
    bool looked;
    int64_t changed_ns, looked_us; /* of the folder; monotonic */
};

/* What trust_own() was asked with, for a renewal. */
struct trust_asked {
    char protocol[32], common_name[128], uri[256];
    char *hosts[16 + 1];
};

struct trust {
    pthread_mutex_t lock;
    char folder[TRUST_PATH_MAX];
    struct trust_folder folders[TRUST_FOLDERS];
    struct trust_asked asked[TRUST_OWN_MAX];
    size_t asked_count;
    pthread_mutex_t making; /* held while a key is made, without `lock` */
    _Atomic uint64_t generation;
    _Atomic unsigned trusted, waiting, refused;
};

/* ---- trust.c ---- */
const char *trust_folder_name(enum trust_folder_kind kind);
/* "DATA/certificates/trusted/NAME"; false: too long. */
bool trust_path(const struct trust *trust, enum trust_folder_kind kind, const char *name,
                char path[TRUST_PATH_MAX]);
/* Looks at what changed in the folders. */
void trust_look(struct trust *trust);
/* After a change of ours: looks at once. */
void trust_changed(struct trust *trust, enum trust_folder_kind kind);
/* The numbers for trust_counts(). */
void trust_count(struct trust *trust);

/* ---- trust_entry.c ---- */
void trust_entry_free(struct trust_entry *entry);
/* Appends what a file holds: PEM or DER, certificates, or lists where `lists` says so; nothing and BUSBAR_EINVAL
 * where it holds none. The entries have no name yet. */
int trust_read(const uint8_t *bytes, size_t size, struct list *certs, struct list *lists);
void trust_fingerprint(const uint8_t *der, size_t size, char text[65]);
struct trust_entry *trust_find(const struct trust_folder *folder, const char *fingerprint);
/* DER bytes, appended. */
int trust_der(const struct trust_entry *entry, struct buf *out);

/* ---- trust_facts.c ---- */
/* Everything of seen but what is known of a refusal. */
void trust_describe(X509 *cert, struct trust_seen *seen);
void trust_describe_list(X509_CRL *crl, struct trust_seen *seen);
void trust_name(const X509_NAME *name, char *text, size_t size);
/* Whether it names the host; an address also when it is written as a name. */
bool trust_names_host(X509 *cert, const char *host);
bool trust_names_uri(X509 *cert, const char *uri);
/* Whether it is valid at that time. */
enum trust_fault trust_time_fault(X509 *cert, int64_t now_us);

/* ---- trust_check.c ---- */
struct trust_finding {
    enum trust_fault fault;
    X509 *at; /* the one it is about: the peer's or one above; borrowed; NULL: none could be read */
};
/* The first fault of a chain, whose first certificate has this fingerprint. */
void trust_find_fault(const struct trust *trust, const struct trust_peer *peer,
                      STACK_OF(X509) * chain, const char *fingerprint, int64_t now_us,
                      struct trust_finding *found);

/* ---- trust_words.c ---- */
/* seen is filled but for the words. */
void trust_say(const struct trust_peer *peer, const struct trust_finding *found,
               struct trust_seen *seen);
/* The same where no peer is at hand: what is wrong with one of the store. */
void trust_say_kept(struct trust_seen *seen, bool own);

/* ---- trust_refused.c ---- */
void trust_refuse(struct trust *trust, X509 *cert, struct trust_seen *seen, int64_t now_us);
/* It is fine now for the peer that it was refused for. */
void trust_unrefuse(struct trust *trust, const struct trust_seen *seen);
/* Off the list, with its files. The fingerprint is not one of the entry itself, which is freed. */
void trust_forget(struct trust *trust, const char *fingerprint);
struct trust_refusal *trust_refusal_load(const struct trust *trust, const char *fingerprint,
                                         int64_t changed_us);
/* What changed since they were written. */
void trust_refusals_save(struct trust *trust);

/* ---- trust_make.c ---- */
/* A new key (PKCS #8) and a certificate signed with it, both DER. BUSBAR_EINTERNAL. */
int trust_make(const struct trust_own *own, int64_t now_us, struct buf *certificate,
               struct buf *key);

/* ---- trust_own.c ---- */
void trust_asked_free(struct trust_asked *asked);
/* The certificates of own/ one after another. */
void trust_each_own(struct trust *trust, void (*cb)(void *ctx, const char *protocol, X509 *cert),
                    void *ctx);

#endif
