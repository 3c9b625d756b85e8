/* SPDX-License-Identifier: Apache-2.0 */
/* What people do with certificates: look at them, trust one, take trust back, bring one along. */
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "driver/trust_private.h"

/* What begins with a fingerprint, wherever it is. */
struct match {
    char prefix[65];
    char fingerprint[65];
    bool several;
    struct trust_entry *entries[TRUST_FOLDERS]; /* valid until the next look */
    X509 *own;                                  /* ours: to be freed */
    char protocol[32];
};

static void match_fini(struct match *match)
{
    X509_free(match->own);
}

/* True: it is the one asked for. */
static bool meets(struct match *match, const char *fingerprint)
{
    if (fingerprint[0] == '\0' || !str_starts(fingerprint, match->prefix)) {
        return false;
    }
    if (match->fingerprint[0] == '\0') {
        str_copy(match->fingerprint, sizeof(match->fingerprint), fingerprint);
    }
    bool same = strcmp(match->fingerprint, fingerprint) == 0;
    match->several |= !same;
    return same;
}

static void match_own(void *ctx, const char *protocol, X509 *cert)
{
    struct match *match = ctx;
    struct trust_seen seen;
    trust_describe(cert, &seen);
    if (meets(match, seen.fingerprint) && match->own == NULL && X509_up_ref(cert) == 1) {
        match->own = cert;
        str_copy(match->protocol, sizeof(match->protocol), protocol);
    }
}

/* Lower case; colons and spaces of other programs are passed over. */
static bool clean_prefix(const char *text, char prefix[65])
{
    size_t length = 0;
    for (; *text != '\0'; text++) {
        if (*text == ':' || *text == ' ') {
            continue;
        }
        int digit = str_hex_digit(*text);
        if (digit < 0 || length == 64) {
            return false;
        }
        prefix[length++] = "0123456789abcdef"[digit];
    }
    prefix[length] = '\0';
    return length >= TRUST_PREFIX_MIN;
}

/* The lock is held. */
static int find(struct trust *trust, const char *fingerprint, struct match *match, struct err *err)
{
    memset(match, 0, sizeof(*match));
    if (!clean_prefix(fingerprint, match->prefix)) {
        err_set(err, BUSBAR_EINVAL, "'%.80s' is no fingerprint", fingerprint);
        err_hint(err,
                 "%d or more of its characters (0-9, a-f), from the first: busbar certificate list",
                 TRUST_PREFIX_MIN);
        return BUSBAR_EINVAL;
    }
    trust_look(trust);
    for (int kind = 0; kind < TRUST_FOLDERS; kind++) {
        list_each(at, &trust->folders[kind].entries) {
            struct trust_entry *entry = list_entry(at, struct trust_entry, link);
            if (meets(match, entry->fingerprint)) {
                match->entries[kind] = entry;
            }
        }
    }
    trust_each_own(trust, match_own, match);
    if (match->several) {
        err_set(err, BUSBAR_ECONFLICT, "several certificates begin with %s", match->prefix);
        err_hint(err, "give more of its characters: busbar certificate list");
        return BUSBAR_ECONFLICT;
    }
    if (match->fingerprint[0] == '\0') {
        err_set(err, BUSBAR_ENOENT, "there is no certificate %s", match->prefix);
        err_hint(err, "see all of them: busbar certificate list");
        return BUSBAR_ENOENT;
    }
    return 0;
}

/* ---- listing ---- */

struct each {
    trust_cb cb;
    void *ctx;
    int64_t now_us;
};

static void describe_entry(const struct trust_entry *entry, int64_t now_us, struct trust_seen *seen)
{
    if (entry->cert != NULL) {
        trust_describe(entry->cert, seen);
        seen->fault = trust_time_fault(entry->cert, now_us);
    } else if (entry->crl != NULL) {
        trust_describe_list(entry->crl, seen);
    } else {
        memset(seen, 0, sizeof(*seen));
        seen->fault = TRUST_MALFORMED;
        str_copy(seen->subject, sizeof(seen->subject), entry->name);
    }
    if (seen->fault != TRUST_FINE) {
        trust_say_kept(seen, false);
    }
}

static void put_refusal(const struct trust_refusal *refusal, struct trust_seen *seen)
{
    seen->fault = refusal->fault;
    str_copy(seen->peer, sizeof(seen->peer), refusal->peer);
    str_copy(seen->device, sizeof(seen->device), refusal->device);
    str_copy(seen->words, sizeof(seen->words), refusal->words);
    seen->first_us = refusal->first_us;
    seen->last_us = refusal->last_us;
    seen->times = refusal->times;
}

/* The newest refusal that is older than before_us, or as old and of a later fingerprint. */
static const struct trust_entry *next_refused(const struct trust_folder *folder,
                                              const struct trust_entry *before)
{
    const struct trust_entry *best = NULL;
    list_each(at, &folder->entries) {
        const struct trust_entry *entry = list_entry(at, struct trust_entry, link);
        int64_t us = entry->refusal->last_us;
        if (before != NULL &&
            (us > before->refusal->last_us ||
             (us == before->refusal->last_us && strcmp(entry->name, before->name) <= 0))) {
            continue;
        }
        if (best == NULL || us > best->refusal->last_us) {
            best = entry;
        }
    }
    return best;
}

static void each_refused(struct trust *trust, const struct each *each)
{
    const struct trust_folder *folder = &trust->folders[FOLDER_REFUSED];
    const struct trust_entry *entry = next_refused(folder, NULL);
    for (; entry != NULL; entry = next_refused(folder, entry)) {
        struct trust_seen seen;
        describe_entry(entry, each->now_us, &seen);
        if (entry->cert != NULL) {
            put_refusal(entry->refusal, &seen);
        }
        each->cb(each->ctx, TRUST_REFUSED, &seen);
    }
}

static void tell_own(void *ctx, const char *protocol, X509 *cert)
{
    const struct each *each = ctx;
    struct trust_seen seen;
    trust_describe(cert, &seen);
    str_copy(seen.protocol, sizeof(seen.protocol), protocol);
    seen.fault = trust_time_fault(cert, each->now_us);
    if (seen.fault != TRUST_FINE) {
        trust_say_kept(&seen, true);
    }
    each->cb(each->ctx, TRUST_OWN, &seen);
}

static void each_of(struct trust *trust, enum trust_folder_kind kind, enum trust_list list,
                    const struct each *each)
{
    list_each(at, &trust->folders[kind].entries) {
        struct trust_seen seen;
        describe_entry(list_entry(at, struct trust_entry, link), each->now_us, &seen);
        each->cb(each->ctx, list, &seen);
    }
}

void trust_each(struct trust *trust, int64_t now_us, trust_cb cb, void *ctx)
{
    struct each each = { .cb = cb, .ctx = ctx, .now_us = now_us };
    pthread_mutex_lock(&trust->lock);
    trust_look(trust);
    each_refused(trust, &each);
    trust_each_own(trust, tell_own, &each);
    each_of(trust, FOLDER_TRUSTED, TRUST_TRUSTED, &each);
    each_of(trust, FOLDER_ISSUERS, TRUST_ISSUERS, &each);
    each_of(trust, FOLDER_REVOKED, TRUST_REVOCATIONS, &each);
    pthread_mutex_unlock(&trust->lock);
}

int trust_describe_bytes(const uint8_t *der, size_t size, struct trust_seen *seen)
{
    struct list certs, lists;
    list_init(&certs);
    list_init(&lists);
    int error = trust_read(der, size, &certs, &lists);
    list_move_all(&certs, &lists);
    if (error == 0) {
        describe_entry(list_entry(certs.next, struct trust_entry, link), clock_wall_us(), seen);
    }
    list_each_safe(at, &certs) {
        trust_entry_free(list_entry(at, struct trust_entry, link));
    }
    return error;
}

static const struct trust_entry *any_entry(const struct match *match)
{
    for (int kind = 0; kind < TRUST_FOLDERS; kind++) {
        if (match->entries[kind] != NULL) {
            return match->entries[kind];
        }
    }
    return NULL;
}

int trust_get(struct trust *trust, const char *fingerprint, struct buf *der, struct err *err)
{
    struct match match;
    pthread_mutex_lock(&trust->lock);
    int error = find(trust, fingerprint, &match, err);
    if (error == 0) {
        struct trust_entry own = { .cert = match.own };
        error = trust_der(match.own != NULL ? &own : any_entry(&match), der);
        if (error != 0) {
            err_set(err, error, "certificate %.16s: %s", match.fingerprint, err_text(error));
        }
    }
    match_fini(&match);
    pthread_mutex_unlock(&trust->lock);
    return error;
}

/* ---- files ---- */

static int write_entry(struct trust *trust, enum trust_folder_kind kind,
                       const struct trust_entry *entry, struct err *err)
{
    char path[TRUST_PATH_MAX], name[96];
    struct buf der;
    buf_init(&der, TRUST_LIST_MAX);
    str_format(name, sizeof(name), "%s%s", entry->fingerprint,
               kind == FOLDER_REVOKED ? ".crl" : ".der");
    int error = trust_der(entry, &der);
    error = error == 0 && trust_path(trust, kind, name, path)
                ? file_write(file_ops_real(), path, der.data, der.size, 0644, err)
                : err_set(err, BUSBAR_ELIMIT, "the certificate cannot be written");
    buf_fini(&der);
    return error;
}

/* Takes a certificate out of a folder. Others in the same file get files of their own before. */
static int drop(struct trust *trust, enum trust_folder_kind kind, const char *fingerprint,
                struct err *err)
{
    char path[TRUST_PATH_MAX];
    int error = 0;
    list_each(at, &trust->folders[kind].entries) {
        const struct trust_entry *entry = list_entry(at, struct trust_entry, link);
        if (strcmp(entry->fingerprint, fingerprint) != 0) {
            continue;
        }
        list_each(other_at, &trust->folders[kind].entries) {
            const struct trust_entry *other = list_entry(other_at, struct trust_entry, link);
            if (error == 0 && strcmp(other->name, entry->name) == 0 &&
                strcmp(other->fingerprint, fingerprint) != 0) {
                error = write_entry(trust, kind, other, err);
            }
        }
        if (error == 0 && (!trust_path(trust, kind, entry->name, path) || unlink(path) != 0)) {
            error = err_set(err, BUSBAR_EIO, "%s/%s cannot be removed", trust_folder_name(kind),
                            entry->name);
        }
    }
    return error;
}

static int check_room(const struct trust *trust, size_t more, struct err *err)
{
    if (trust->folders[FOLDER_TRUSTED].count + more > TRUST_TRUSTED_MAX) {
        err_set(err, BUSBAR_ELIMIT, "%d certificates are trusted already: no more can be",
                TRUST_TRUSTED_MAX);
        err_hint(err, "trust the authority above them instead: busbar certificate import");
        return BUSBAR_ELIMIT;
    }
    return 0;
}

/* ---- trusting ---- */

/* What is left wrong with a certificate that was trusted. */
static void fill_seen(const struct match *match, struct trust_seen *seen)
{
    const struct trust_entry *entry = any_entry(match);
    const struct trust_entry *refused = match->entries[FOLDER_REFUSED];
    if (seen == NULL || entry == NULL) {
        return;
    }
    describe_entry(entry, clock_wall_us(), seen);
    if (refused != NULL && refused->refusal->fault != TRUST_UNTRUSTED &&
        refused->refusal->fault != TRUST_NO_ISSUER) {
        put_refusal(refused->refusal, seen);
    } else if (refused != NULL) {
        str_copy(seen->peer, sizeof(seen->peer), refused->refusal->peer);
        str_copy(seen->device, sizeof(seen->device), refused->refusal->device);
    }
}

static int check_acceptable(const struct match *match, struct err *err)
{
    const struct trust_entry *refused = match->entries[FOLDER_REFUSED];
    if (any_entry(match) == NULL) {
        err_set(err, BUSBAR_EPERM, "certificate %.16s is our own: it needs no trust here",
                match->fingerprint);
        err_hint(err, "trust it on the devices: busbar certificate show %.16s", match->fingerprint);
        return BUSBAR_EPERM;
    }
    if (any_entry(match)->cert == NULL) {
        return err_set(err, BUSBAR_EPERM, "%.16s is a list of an authority, not a certificate",
                       match->fingerprint);
    }
    if (refused != NULL && (refused->refusal->fault == TRUST_BAD_SIGNATURE ||
                            refused->refusal->fault == TRUST_REVOKED)) {
        return err_set(err, BUSBAR_EPERM, "trust does not help: %s", refused->refusal->words);
    }
    return 0;
}

static int accept_match(struct trust *trust, const struct match *match, struct trust_seen *seen,
                        struct err *err)
{
    const struct trust_entry *refused = match->entries[FOLDER_REFUSED];
    int error = check_acceptable(match, err);
    if (error == 0 && match->entries[FOLDER_TRUSTED] == NULL) {
        error = check_room(trust, 1, err);
        error = error == 0 ? write_entry(trust, FOLDER_TRUSTED, any_entry(match), err) : error;
    }
    if (error != 0) {
        return error;
    }
    fill_seen(match, seen);
    if (match->entries[FOLDER_ISSUERS] != NULL) {
        (void)drop(trust, FOLDER_ISSUERS, match->fingerprint, NULL);
        trust->folders[FOLDER_ISSUERS].looked = false;
    }
    if (refused != NULL && (refused->refusal->fault == TRUST_UNTRUSTED ||
                            refused->refusal->fault == TRUST_NO_ISSUER)) {
        trust_forget(trust, match->fingerprint);
    }
    trust_changed(trust, FOLDER_TRUSTED);
    return 0;
}

int trust_accept(struct trust *trust, const char *fingerprint, struct trust_seen *seen,
                 struct err *err)
{
    struct match match;
    pthread_mutex_lock(&trust->lock);
    int error = find(trust, fingerprint, &match, err);
    if (error == 0) {
        error = accept_match(trust, &match, seen, err);
    }
    match_fini(&match);
    pthread_mutex_unlock(&trust->lock);
    return error;
}

/* ---- removing ---- */

/* Trust is taken back: it is as if it was just refused, by a person. */
static void back_to_refused(struct trust *trust, X509 *cert)
{
    struct trust_seen seen;
    trust_describe(cert, &seen);
    seen.fault = TRUST_UNTRUSTED;
    trust_say(&(struct trust_peer){ 0 }, &(struct trust_finding){ .fault = TRUST_UNTRUSTED },
              &seen);
    trust_refuse(trust, cert, &seen, clock_wall_us());
}

static int remove_match(struct trust *trust, struct match *match, struct err *err)
{
    if (any_entry(match) == NULL) {
        err_set(err, BUSBAR_EPERM, "certificate %.16s is our own: it is renewed, not removed",
                match->fingerprint);
        err_hint(err, "busbar certificate renew");
        return BUSBAR_EPERM;
    }
    struct trust_entry *trusted = match->entries[FOLDER_TRUSTED];
    if (trusted != NULL) {
        X509 *cert = trusted->cert;
        bool kept = cert != NULL && X509_up_ref(cert) == 1;
        int error = drop(trust, FOLDER_TRUSTED, match->fingerprint, err);
        trust_changed(trust, FOLDER_TRUSTED);
        if (error == 0 && kept) {
            back_to_refused(trust, cert);
        }
        if (kept) {
            X509_free(cert);
        }
        return error;
    }
    if (match->entries[FOLDER_REFUSED] != NULL) {
        trust_forget(trust, match->fingerprint);
    }
    int error = drop(trust, FOLDER_ISSUERS, match->fingerprint, err);
    error = error == 0 ? drop(trust, FOLDER_REVOKED, match->fingerprint, err) : error;
    trust->folders[FOLDER_ISSUERS].looked = false;
    trust_changed(trust, FOLDER_REVOKED);
    return error;
}

int trust_remove(struct trust *trust, const char *fingerprint, struct trust_seen *seen,
                 struct err *err)
{
    struct match match;
    pthread_mutex_lock(&trust->lock);
    int error = find(trust, fingerprint, &match, err);
    if (error == 0) {
        fill_seen(&match, seen);
        error = remove_match(trust, &match, err);
    }
    match_fini(&match);
    pthread_mutex_unlock(&trust->lock);
    return error;
}

/* ---- bringing one along ---- */

static size_t count_of(const struct list *entries)
{
    size_t count = 0;
    list_each(at, entries) {
        count++;
    }
    return count;
}

static int keep_all(struct trust *trust, enum trust_folder_kind kind, const struct list *entries,
                    struct err *err)
{
    int error = 0;
    list_each(at, entries) {
        const struct trust_entry *entry = list_entry(at, struct trust_entry, link);
        if (error == 0 && trust_find(&trust->folders[kind], entry->fingerprint) == NULL) {
            error = write_entry(trust, kind, entry, err);
        }
    }
    trust->folders[kind].looked = false;
    return error;
}

static int import_read(struct trust *trust, const struct list *certs, const struct list *lists,
                       bool issuer, struct err *err)
{
    int error = issuer ? 0 : check_room(trust, count_of(certs), err);
    if (error == 0) {
        error = keep_all(trust, issuer ? FOLDER_ISSUERS : FOLDER_TRUSTED, certs, err);
    }
    if (error == 0) {
        error = keep_all(trust, FOLDER_REVOKED, lists, err);
    }
    trust_look(trust);
    return error;
}

int trust_import(struct trust *trust, const uint8_t *bytes, size_t size, bool issuer,
                 struct trust_seen *seen, struct err *err)
{
    struct list certs, lists;
    list_init(&certs);
    list_init(&lists);
    if (trust_read(bytes, size, &certs, &lists) != 0) {
        err_set(err, BUSBAR_EINVAL, "there is no certificate in it, nor a list of an authority");
        err_hint(err, "PEM (-----BEGIN CERTIFICATE-----) and DER can be read");
        return BUSBAR_EINVAL;
    }
    struct list *first = list_empty(&certs) ? &lists : &certs;
    if (seen != NULL) {
        describe_entry(list_entry(first->next, struct trust_entry, link), clock_wall_us(), seen);
    }
    pthread_mutex_lock(&trust->lock);
    trust_look(trust);
    int error = import_read(trust, &certs, &lists, issuer, err);
    pthread_mutex_unlock(&trust->lock);
    list_move_all(&certs, &lists);
    list_each_safe(at, &certs) {
        trust_entry_free(list_entry(at, struct trust_entry, link));
    }
    return error;
}
